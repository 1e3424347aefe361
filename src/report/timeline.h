/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_REPORT_TIMELINE_H
#define HAPAX_REPORT_TIMELINE_H

/* Counts over time in bins that fit the stream. Zero-initialise. */

#include <stdint.h>

/* chosen: bars that can still be told apart on paper */
#define TIMELINE_BINS 192

struct timeline_bin {
    uint64_t n_events, n_alerts, n_held;
};

struct timeline {
    unsigned width; /* index of a bin's width */
    int64_t first;  /* number of the first bin: of widths since the epoch */
    unsigned n;     /* bins in use */
    struct timeline_bin bins[TIMELINE_BINS];
};

/* The bin of a time; all bins are made wider until it fits. */
struct timeline_bin *timeline_at(struct timeline *timeline, int64_t usec);

int64_t timeline_width_usec(const struct timeline *timeline);

#endif
