/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A histogram over a stretch of time that is not known beforehand: it begins with bins of an hour, and where
 * a time lies too far from the others, bins are joined to the next width. The widths divide each other, and
 * bins lie at multiples of theirs since the epoch, so the outcome depends on the earliest and the latest time
 * alone and not on the order. One event with a wrong clock makes the bins wide: that is shown, not hidden.
 */
#include "report/timeline.h"

#include <string.h>

#include "util/parse.h"

/* In hours. The last one takes all of what 64 bits of microseconds can say (292,000 years either way). */
static const int64_t width_hours[] = {
    1, 3, 6, 12, 24, 7 * 24, 28 * 24, 364 * 24, 3640 * 24, 364000LL * 24, 3640000LL * 24};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t timeline_width_usec(const struct timeline *t)
{
    return width_hours[t->width] * USEC_PER_HOUR;
}

static void widen(struct timeline *t)
{
    int64_t factor = width_hours[t->width + 1] / width_hours[t->width];
    int64_t first = floor_div(t->first, factor);
    struct timeline_bin joined[TIMELINE_BINS] = {0};

    for (unsigned i = 0; i < t->n; i++) {
        struct timeline_bin *bin = &joined[floor_div(t->first + i, factor) - first];

        bin->n_events += t->bins[i].n_events;
        bin->n_alerts += t->bins[i].n_alerts;
        bin->n_held += t->bins[i].n_held;
    }
    t->n = (unsigned)(floor_div(t->first + t->n - 1, factor) - first) + 1;
    t->first = first;
    t->width++;
    memcpy(t->bins, joined, sizeof(joined));
}

struct timeline_bin *timeline_at(struct timeline *t, int64_t usec)
{
    int64_t at = floor_div(usec, timeline_width_usec(t));

    if (t->n == 0) {
        t->first = at;
        t->n = 1;
    }
    while (MAX(at, t->first + t->n - 1) - MIN(at, t->first) >= TIMELINE_BINS) {
        widen(t);
        at = floor_div(usec, timeline_width_usec(t));
    }
    if (at < t->first) {
        unsigned shift = (unsigned)(t->first - at);

        memmove(t->bins + shift, t->bins, t->n * sizeof(t->bins[0]));
        memset(t->bins, 0, shift * sizeof(t->bins[0]));
        t->first = at;
        t->n += shift;
    }
    t->n = MAX(t->n, (unsigned)(at - t->first) + 1);
    return &t->bins[at - t->first];
}
