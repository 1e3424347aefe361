/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_NOVELTY_CODEC_H
#define HAPAX_DETECT_NOVELTY_CODEC_H

/* The values of a novelty detector's state as bytes and back. 0, -ENOMEM, or -EBADMSG on what was not written
 * by the same version. */

#include "detect/novelty.h"

/* Appended to out. */
int novelty_save_user(const struct novelty *n, struct novel_user *user, struct buffer *out) _warn_unused_;
int novelty_save_host(const struct novelty *n, const struct novel_host *host,
                      struct buffer *out) _warn_unused_;
int novelty_save_pair(const struct novelty *n, const struct novel_pair *pair,
                      struct buffer *out) _warn_unused_;
int novelty_save_command(const struct command *command, struct buffer *out) _warn_unused_;
int novelty_save_group(const struct host_group *group, struct buffer *out) _warn_unused_;
/* The clock, the calibration and what the fleet does. */
int novelty_save_fleet(struct novelty *n, struct buffer *out) _warn_unused_;

/* Into an entry that is in its table. */
int novelty_load_user(struct novelty *n, struct novel_user *user, struct slice s) _warn_unused_;
int novelty_load_host(struct novelty *n, struct novel_host *host, struct slice s) _warn_unused_;
int novelty_load_pair(struct novelty *n, struct novel_pair *pair, struct slice s) _warn_unused_;
/* These make their own. */
int novelty_load_command(struct novelty *n, struct slice name, struct slice s) _warn_unused_;
int novelty_load_group(struct novelty *n, struct slice id_bytes, struct slice s) _warn_unused_;
int novelty_load_fleet(struct novelty *n, struct slice s) _warn_unused_;

#endif
