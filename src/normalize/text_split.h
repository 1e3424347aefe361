/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_TEXT_SPLIT_H
#define HAPAX_NORMALIZE_TEXT_SPLIT_H

/* Command lines that were joined for the log, taken apart again. */

#include "normalize/text.h"

/*
 * Like text_split_command, but inside single quotes a backslash protects the next byte: sudo writes its
 * arguments so (since 1.9.13), a shell does not.
 */
int text_split_sudo(struct slice command, struct arena *arena, struct slice **ret_words,
                    size_t *ret_n) _warn_unused_;

#endif
