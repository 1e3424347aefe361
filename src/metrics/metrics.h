/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_METRICS_METRICS_H
#define HAPAX_METRICS_METRICS_H

/*
 * Numbers for monitoring, in Prometheus's text exposition format 0.0.4. One table says what there is; a
 * snapshot is filled from the rooms' own counters and written in one go, so that counting costs the rooms
 * nothing but an increment.
 */

#include <stdint.h>

#include "util/buffer.h"

enum metric {
    METRIC_RECORDS, /* labels source, outcome */
    METRIC_EVENTS,
    METRIC_EVENTS_INCOMPLETE,
    METRIC_EVENTS_FUTURE,
    METRIC_RECORDS_LATE,
    METRIC_RECORDS_DUPLICATE,
    METRIC_RECORDS_UNJOINED,
    METRIC_ROWS_LOST,
    METRIC_PENDING,
    METRIC_SOURCE_BEHIND,
    METRIC_SOURCE_PARTS,
    METRIC_SOURCE_LOST,
    METRIC_SOURCE_FAILURES,
    METRIC_SELECTED,
    METRIC_ALERTS,
    METRIC_WITHHELD,          /* label reason */
    METRIC_EXCEPTIONS,        /* labels exception, effect */
    METRIC_EXCEPTION_TIME,    /* likewise */
    METRIC_DETECTOR_ENTRIES,  /* labels job, table */
    METRIC_DETECTOR_EVICTED,  /* labels job, table */
    METRIC_DETECTOR_EVENTS,   /* labels job, outcome */
    METRIC_DETECTOR_LEARNING, /* label job, as the rest */
    METRIC_DETECTOR_ALERTS,
    METRIC_DETECTOR_CASES,
    METRIC_DETECTOR_BUDGET,
    METRIC_DETECTOR_THRESHOLD,
    METRIC_OUTBOX_DOCUMENTS,
    METRIC_OUTBOX_BYTES,
    METRIC_OUTBOX_AGE,
    METRIC_HISTORY_PRUNED,
    METRIC_RELOADS,
    METRIC_RELOAD_FAILURES,
    METRIC_RELOAD_TIME,
    METRIC_SINK_DOCUMENTS, /* labels sink, outcome */
    _METRIC_MAX,
};

struct metric_label {
    const char *name;
    const char *value; /* any text; escaped */
};

struct metrics {
    struct buffer lines[_METRIC_MAX]; /* samples by metric, so that each metric's stand together */
};

#define METRICS_INIT ((struct metrics){0})

/* Adds one sample with up to two labels (name NULL: none). 0 or -ENOMEM. */
int metrics_add(struct metrics *m, enum metric metric, uint64_t value, struct metric_label first,
                struct metric_label second) _warn_unused_;

/* The same of a number that need not be whole; not negative. */
int metrics_add_number(struct metrics *m, enum metric metric, double value, struct metric_label first,
                       struct metric_label second) _warn_unused_;

/* The whole exposition, HELP and TYPE included, metrics without a sample left out. */
int metrics_format(const struct metrics *m, struct buffer *out) _warn_unused_;

/*
 * The same into a file, by a temporary file in its folder and a rename, mode 0644: as node_exporter's
 * textfile collector wants it. A negative errno of the system call that failed.
 */
int metrics_write_file(const struct metrics *m, const char *path) _warn_unused_;

void metrics_done(struct metrics *m);

#endif
