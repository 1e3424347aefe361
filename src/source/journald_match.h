/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_JOURNALD_MATCH_H
#define HAPAX_SOURCE_JOURNALD_MATCH_H

/* Which journal entries are wanted, as a user writes it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/option.h"
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

/* The same conditions, for a reader that has an entry's fields before it: as sd_journal_add_match(3), all of
 * a group must hold, but of conditions on one field any. */
struct journald_filter {
    struct journald_condition {
        struct slice text; /* FIELD=VALUE; borrowed from what it was made of */
        uint64_t bit;      /* of its field in its group */
    } * conditions;
    size_t n_conditions;
    uint64_t lengths; /* of their texts: bit n for n bytes, the last one for all that are longer */
    uint32_t seconds; /* their second bytes, by the lower five bits */
    uint64_t *groups; /* all bits of each */
    size_t n_groups;
    bool is_everything; /* "*" */
};

/* Limit on the fields of all groups together: a bit each. */
#define JOURNALD_FILTER_MAX_FIELDS 64

/* Makes the filter of matches (borrowed; empty: the default ones). 1: too many for it, nothing was made; 0,
 * -ENOMEM, or -EINVAL: not a condition. */
int journald_filter_init(struct journald_filter *filter, const struct string_list *matches) _warn_unused_;
void journald_filter_done(struct journald_filter *filter);

/* Whether a field may contribute to journald_filter_look: most do not, which two of its properties say. */
static inline bool journald_filter_may_look(const struct journald_filter *filter, struct slice field)
{
    return field.len >= 2 && (filter->seconds >> ((unsigned char)field.data[1] & 31) & 1) &&
           (filter->lengths >> (field.len < 63 ? field.len : 63) & 1);
}

/* What one field "FIELD=VALUE" of an entry contributes: collect these by "or". */
uint64_t journald_filter_look(const struct journald_filter *filter, struct slice field);
/* Whether an entry of which this was collected is wanted. */
bool journald_filter_wants(const struct journald_filter *filter, uint64_t seen);

#endif
