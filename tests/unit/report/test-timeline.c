/* SPDX-License-Identifier: Apache-2.0 */

/* Bins that grow: nothing is lost, whatever the times and their order. */
#include "report/timeline.h"

#include "support.h"
#include "util/parse.h"

TestSuite(timeline);

Test(timeline, keeps_every_count_in_its_place)
{
    static const struct {
        const char *name;
        int64_t hours[4];
        int64_t width_hours;
        unsigned n;
    } rows[] = {
        {"an hour", {5, 5, 5, 5}, 1, 1},
        {"eight days just fit", {0, 191, 7, 100}, 1, 192},
        {"an hour more does not", {192, 0, 7, 100}, 3, 65},
        {"before the epoch", {-1, 0, 1, -2}, 1, 4},
        {"backwards", {4000, 3000, 2000, 1000}, 24, 126},
        {"a wrong clock", {490000, 0, 490001, 490002}, 364 * 24, 57},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct timeline t = {0};
        uint64_t sum = 0;

        for (size_t k = 0; k < 4; k++)
            timeline_at(&t, rows[i].hours[k] * USEC_PER_HOUR)->n_events++;
        for (unsigned k = 0; k < t.n; k++)
            sum += t.bins[k].n_events;
        cr_assert_eq(sum, 4, "%s", rows[i].name);
        cr_assert_eq(timeline_width_usec(&t), rows[i].width_hours * USEC_PER_HOUR, "%s: %lld", rows[i].name,
                     (long long)(timeline_width_usec(&t) / USEC_PER_HOUR));
        cr_assert_eq(t.n, rows[i].n, "%s: %u", rows[i].name, t.n);
        for (size_t k = 0; k < 4; k++)
            cr_assert_gt(timeline_at(&t, rows[i].hours[k] * USEC_PER_HOUR)->n_events, 0, "%s", rows[i].name);
    }
    {
        struct timeline t = {0};

        timeline_at(&t, INT64_MIN)->n_events++;
        timeline_at(&t, INT64_MAX)->n_events++;
        cr_assert_leq(t.n, TIMELINE_BINS, "all of time");
        cr_assert_eq(t.bins[0].n_events + t.bins[t.n - 1].n_events, 2, "all of time");
    }
}
