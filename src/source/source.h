/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_SOURCE_H
#define HAPAX_SOURCE_SOURCE_H

/*
 * Who calls a source: the engine. A source hands records over by one call, gets acknowledgements back by one
 * call, and is told to pause and to go on by one call; nothing else crosses. Who implements one: see
 * source/driver.h.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "config/option.h"
#include "event/record.h"
#include "util/buffer.h"
#include "util/diag.h"

/* What a source can do. */
enum source_capability {
    SOURCE_CAN_SEEK = 1 << 0, /* has a cursor: goes on where it was */
    SOURCE_LOCK_STEP =
        1 << 1, /* waits for the acknowledgement of each record before it brings the next (omprog) */
    SOURCE_ENDS = 1 << 2, /* has an end: a pipe, a whole file */
};

struct source;
struct source_driver;

/* All sources, NULL-terminated: cli/drivers.c. */
extern const struct source_driver *const source_drivers[];

const char *source_driver_name(const struct source_driver *driver);
const char *source_driver_summary(const struct source_driver *driver);
const struct option_table *source_driver_options(const struct source_driver *driver);
/* What is wrong with the settings of one, as its start would say it; opens nothing. 0, or negative with
 * diags. */
int source_driver_check(const struct source_driver *driver, const char *name, const void *settings,
                        struct diag_list *diags) _warn_unused_;

/* What the record callback can say of a record: nobody wants it, nor any other of its audit event. */
#define SOURCE_UNWANTED 1

struct source_callbacks {
    /* A record; borrowed for the call. 0 or SOURCE_UNWANTED; a negative errno stops the program. */
    int (*record)(void *userdata, struct source *source, const struct record *record);
    /* The source has come to its end (0) or cannot go on (negative errno, message; NULL message where 0). */
    void (*end)(void *userdata, struct source *source, int error, const char *message);
    /* Something an operator should know: entries are gone, a file was truncated. level as in syslog(3). */
    void (*report)(void *userdata, struct source *source, int level, const char *message);
    /* record and end come from the loop, never from within source_start; none may free the source. */
    void *userdata;
};

/* settings: the driver's struct, filled from its table; borrowed, must outlive the source. */
int source_new(const struct source_driver *driver, const char *name, const void *settings,
               const struct source_callbacks *callbacks, struct source **ret_source) _warn_unused_;
struct source *source_free(struct source *source);
DEFINE_CLEANUP(struct source *, source_free)

/*
 * Opens it and attaches it to the loop. cursor: where to go on (absent: the driver's default start). What a
 * user can mend (a missing file, no permission) goes to diags.
 */
int source_start(struct source *source, sd_event *event, struct slice cursor,
                 struct diag_list *diags) _warn_unused_;

/* Everything up to and including seq is durable (or changed nothing). May come after the end, too. */
int source_acknowledge(struct source *source, uint64_t seq) _warn_unused_;

/*
 * The place behind the last record handed over (within the record callback: behind that one), as text of the
 * driver's own, in place of what out holds; empty where it cannot seek.
 */
int source_cursor(struct source *source, struct buffer *out) _warn_unused_;

/* Pressure: true stops new records after at most one more, false lets them come. */
int source_pause(struct source *source, bool is_paused) _warn_unused_;

/* SIGTERM: hands over what has come and cannot come again, without waiting for more. */
int source_drain(struct source *source) _warn_unused_;

/* SIGHUP: reopen what may have been rotated. */
int source_reopen(struct source *source) _warn_unused_;

const char *source_name(const struct source *source);

/* What a source that is fed from elsewhere can tell of it. */
struct source_stats {
    uint64_t n_behind;   /* records, or messages, that wait there; as far as it is known */
    uint64_t n_parts;    /* partitions that are read */
    uint64_t n_lost;     /* deleted there before they were read */
    uint64_t n_failures; /* times that something was wrong there and was said */
};

/* False: this source has none. */
bool source_stats(struct source *source, struct source_stats *ret_stats);
/* Those of this source with its settings: a file that is followed has no end. */
unsigned source_capabilities(const struct source *source);

#endif
