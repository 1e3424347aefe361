/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_AUDIT_CLOCK_H
#define HAPAX_NORMALIZE_AUDIT_CLOCK_H

/* A clock that is read off the times of records: it goes on, and never back. */

#include <stdbool.h>
#include <stdint.h>

/* times are clamped to 0 … 2^53 microseconds (the year 2255), so that no difference overflows */
#define AUDIT_CLOCK_MAX_USEC (INT64_C(1) << 53)

struct audit_clock {
    bool is_set;
    int64_t high_usec;   /* the latest time seen */
    uint64_t ticks_usec; /* how far it went in all; modular: compare with audit_clock_is_past */
    int64_t behind_usec; /* the latest of the records in a row that lie behind */
    uint32_t n_behind;
};

/*
 * Moves the clock to time_usec if that is later. When max_behind records in a row lie more than slack_usec
 * behind it, they are right and the clock is wrong: it goes on from the latest of them; ticks stay.
 */
void audit_clock_feed(struct audit_clock *c, int64_t time_usec, int64_t slack_usec, uint32_t max_behind);

/* Whether a deadline, made by adding to ticks_usec, has passed. */
static inline bool audit_clock_is_past(const struct audit_clock *c, uint64_t deadline)
{
    return (int64_t)(c->ticks_usec - deadline) >= 0;
}

#endif
