/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_JOURNALD_MATCH_H
#define HAPAX_SOURCE_JOURNALD_MATCH_H

/* Which journal entries are wanted, as a user writes it. */

#include <stddef.h>

#include "util/cleanup.h"
#include "util/slice.h"

/*
 * Takes the first condition FIELD=VALUE off *group. Conditions are separated by blanks; a value may hold
 * blanks, as it ends only where the next condition begins. 1: taken; 0: none is left; -EINVAL: not a
 * condition.
 */
int journald_match_next(struct slice *group, struct slice *ret_condition) _warn_unused_;

/* The groups for no setting: what the rulebases can read. NULL-terminated. */
extern const char *const journald_default_matches[];

#endif
