/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_DRIVER_H
#define HAPAX_SOURCE_DRIVER_H

/*
 * Who implements a source. The base struct comes first in the driver's own; the wrapper (source.c) allocates
 * it zeroed, checks the order of calls and keeps the sequence numbers, so a driver only brings bytes. Drivers
 * work from the loop, a bounded piece a turn; what the engine refuses (source_emit < 0) ends the loop, by
 * sd_event_exit, because sd-event itself only switches off a callback that fails.
 */

#include <time.h>

#include "source/backlog.h"
#include "source/source.h"

struct source {
    const struct source_driver *driver;
    char *name;
    const void *settings;
    struct source_callbacks callbacks;
    uint64_t last_seq; /* handed over */
    uint64_t acked_seq;
    bool is_started, is_ended, is_paused;
    bool is_unwanted; /* the last record: SOURCE_UNWANTED */
};

struct source_driver {
    const char *name;    /* as in the configuration: "journald" */
    const char *summary; /* one sentence */
    const struct option_table *options;
    size_t struct_size;    /* of the driver's struct, which begins with struct source */
    unsigned capabilities; /* all it may have */
    /* Those it has with its settings; NULL: all of the above. */
    unsigned (*get_capabilities)(const struct source *source);
    /* What start would find wrong with the settings alone; may be NULL. */
    int (*check)(const char *name, const void *settings, struct diag_list *diags);
    int (*start)(struct source *source, sd_event *event, struct slice cursor, struct diag_list *diags);
    int (*acknowledge)(struct source *source, uint64_t seq);  /* may be NULL */
    int (*cursor)(struct source *source, struct buffer *out); /* appends; may be NULL */
    int (*pause)(struct source *source, bool is_paused);      /* after is_paused was set; not after the end */
    int (*drain)(struct source *source);                      /* may be NULL */
    int (*reopen)(struct source *source);                     /* may be NULL */
    void (*stats)(struct source *source, struct source_stats *ret_stats); /* may be NULL */
    /* see source/backlog.h; may be NULL */
    int (*open_backlog)(const char *name, const void *settings, const struct backlog_callbacks *callbacks,
                        struct diag_list *diags, struct backlog **ret_backlog);
    void (*done)(struct source *source); /* takes half-started ones */
};

/* For drivers: hand one record over; sets record->seq and record->received_usec, and is_unwanted by the
 * answer. 0, or the negative errno of the engine. */
int source_emit(struct source *source, struct record *record) _warn_unused_;
/* For drivers: the end; nothing may be emitted after it. */
void source_end(struct source *source, int error, const char *message);
/* For drivers: tell the operator. level as in syslog(3). */
void source_report(struct source *source, int level, const char *format, ...) _printf_(3, 4);
/* For drivers: what a clock of this machine shows, as CLOCK_MONOTONIC. */
int64_t source_now_usec(clockid_t clock);

extern const struct source_driver stdin_source, file_source, journald_source, kafka_source;

#endif
