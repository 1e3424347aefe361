/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SINK_DRIVER_H
#define HAPAX_SINK_DRIVER_H

/* Who implements a sink: the base struct comes first in the driver's own; the wrapper (sink.c) allocates it
 * zeroed. */

#include "sink/sink.h"

struct sink {
    const struct sink_driver *driver;
    char *name;
    const void *settings;
    struct sink_callbacks callbacks;
    struct sink_stats stats;
    bool is_started;
};

struct sink_driver {
    const char *name;
    const char *summary;
    const struct option_table *options;
    size_t struct_size;
    /* What start would find wrong with the settings alone; may be NULL. */
    int (*check)(const char *name, const void *settings, struct diag_list *diags);
    int (*start)(struct sink *sink, sd_event *event, struct diag_list *diags);
    int (*write)(struct sink *sink, const struct document *document, uint64_t ticket);
    int (*flush)(struct sink *sink, int64_t timeout_usec); /* may be NULL: nothing is ever in flight */
    int (*reopen)(struct sink *sink);                      /* may be NULL */
    void (*done)(struct sink *sink);
};

/* For drivers. */
void sink_confirm(struct sink *sink, uint64_t ticket, int error, const char *message);
void sink_report(struct sink *sink, int level, const char *format, ...) _printf_(3, 4);

extern const struct sink_driver stdout_sink, file_sink, kafka_sink, journal_sink, null_sink, memory_sink;

/* The documents a memory sink holds, for tests: borrowed until the next write. */
size_t memory_sink_count(const struct sink *sink);
const struct document *memory_sink_get(const struct sink *sink, size_t i);

#endif
