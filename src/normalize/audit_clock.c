/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Deadlines are kept in ticks, the sum of all steps forward, not in time of day: ticks only grow, so a list
 * of deadlines in order of arrival is sorted whatever the times in the records do, and the head of the list
 * is all that must be looked at.
 *
 * A time far in the future (a forged record, a host whose clock was wrong) would stop the clock until the
 * world catches up; a clock that follows every step back would fly forward again with the next good record
 * and end everything at once. So it takes several records in a row to correct it. O(1).
 */
#include "normalize/audit_clock.h"

#include "util/cleanup.h"

void audit_clock_feed(struct audit_clock *c, int64_t time_usec, int64_t slack_usec, uint32_t max_behind)
{
    time_usec = MIN(MAX(time_usec, (int64_t)0), AUDIT_CLOCK_MAX_USEC);
    if (!c->is_set) {
        c->is_set = true;
        c->high_usec = time_usec;
    } else if (time_usec >= c->high_usec) {
        c->ticks_usec += (uint64_t)(time_usec - c->high_usec);
        c->high_usec = time_usec;
        c->n_behind = 0;
    } else if (c->high_usec - time_usec <= slack_usec) {
        c->n_behind = 0;
    } else {
        c->behind_usec = c->n_behind == 0 ? time_usec : MAX(c->behind_usec, time_usec);
        if (++c->n_behind >= max_behind) {
            c->high_usec = c->behind_usec;
            c->n_behind = 0;
        }
    }
}
