/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A clock that goes on and never back.
 */
#include "normalize/audit_clock.h"

#include "support.h"
#include "util/cleanup.h"

Test(audit_clock, goes_on_with_what_it_sees_and_is_corrected_by_many)
{
    /* slack 60, three in a row correct it */
    static const struct {
        const char *name;
        int64_t times[8];
        size_t n;
        int64_t high;
        uint64_t ticks;
    } rows[] = {
        {"the first sets it", {1000}, 1, 1000, 0},
        {"forward", {1000, 1005, 1007}, 3, 1007, 7},
        {"a little back is nothing", {1000, 1005, 950, 1006}, 4, 1006, 6},
        {"one far back is nothing", {1000, 5, 1010}, 3, 1010, 10},
        {"two far back are nothing", {1000, 5, 6, 1010}, 4, 1010, 10},
        {"not in a row", {1000, 5, 6, 1000, 7, 8, 1001}, 7, 1001, 1},
        {"three far back correct it, the latest counts", {1000, 5, 7, 6}, 4, 7, 0},
        {"and it goes on from there", {1000, 5, 7, 6, 17}, 5, 17, 10},
        {"negative is the epoch", {-5, 3}, 2, 3, 3},
        {"beyond the end of time", {0, INT64_MAX}, 2, AUDIT_CLOCK_MAX_USEC, (uint64_t)AUDIT_CLOCK_MAX_USEC},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct audit_clock c = {0};

        for (size_t k = 0; k < rows[i].n; k++)
            audit_clock_feed(&c, rows[i].times[k], 60, 3);
        cr_assert_eq(c.high_usec, rows[i].high, "%s", rows[i].name);
        cr_assert_eq(c.ticks_usec, rows[i].ticks, "%s", rows[i].name);
    }
}

Test(audit_clock, deadlines_hold_over_the_wrap_of_ticks)
{
    struct audit_clock c = {.is_set = true, .ticks_usec = UINT64_MAX - 2};
    uint64_t deadline = c.ticks_usec + 5;

    cr_assert_not(audit_clock_is_past(&c, deadline));
    audit_clock_feed(&c, 4, 60, 3);
    cr_assert_not(audit_clock_is_past(&c, deadline));
    audit_clock_feed(&c, 5, 60, 3);
    cr_assert(audit_clock_is_past(&c, deadline));
}
