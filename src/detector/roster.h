/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECTOR_ROSTER_H
#define HAPAX_DETECTOR_ROSTER_H

/* What a digest and a roll-up have in common: whom they are about, as lists that have a limit and are state.
 */

#include "config/option.h"
#include "detect/detector.h"
#include "util/buffer.h"

/* The alerts that are held back together, and what is told of them. */
struct roster {
    int64_t first_usec, last_usec; /* times of the first and the last event whose alert was held back */
    uint64_t n_alerts;
    double score_max;
    struct string_list users, hosts, ids; /* in order of appearance, each name once */
    bool is_cut;                          /* there were more */
};

void roster_done(struct roster *roster);

/* One more alert, by its id. n_max: the limit of each list. 0 or -ENOMEM. Cost: the length of the lists. */
int roster_add(struct roster *roster, const struct verdict *verdict, const char *id,
               size_t n_max) _warn_unused_;

/* The three lists as bytes, and back: *bytes is moved on. -EBADMSG, also where there are more than n_max. */
int roster_save_lists(const struct roster *roster, struct buffer *out) _warn_unused_;
int roster_load_lists(struct slice *bytes, size_t n_max, struct roster *roster) _warn_unused_;

#endif
