/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The wrapper around every source: it keeps the promises of source.h once, so that a driver only brings
 * bytes.
 *
 * The order of calls is new, start, then anything, free. Sequence numbers ascend from 1 without a gap; an
 * acknowledgement covers all up to its number, never goes back, and never runs ahead of what was handed over.
 * A pause set before the start holds from the first record on. After the end nothing is handed over, while
 * acknowledgements still come: the last record of a pipe is answered after its end was seen.
 *
 * The wall clock is read here and nowhere deeper: a record carries the time at which it was received.
 */
#include "source/source.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "source/driver.h"
#include "util/parse.h"

/* chosen: a message is one sentence; file names and libraries' texts in it may be cut */
#define REPORT_SIZE 1024

const char *source_driver_name(const struct source_driver *driver)
{
    return driver->name;
}

const char *source_driver_summary(const struct source_driver *driver)
{
    return driver->summary;
}

const struct option_table *source_driver_options(const struct source_driver *driver)
{
    return driver->options;
}

int source_driver_check(const struct source_driver *driver, const char *name, const void *settings,
                        struct diag_list *diags)
{
    return driver->check ? driver->check(name, settings, diags) : 0;
}

int source_new(const struct source_driver *driver, const char *name, const void *settings,
               const struct source_callbacks *callbacks, struct source **ret_source)
{
    _cleanup_(source_freep) struct source *source = NULL;

    assert(driver->struct_size >= sizeof(*source));
    assert(callbacks->record && callbacks->end && callbacks->report);

    source = calloc(1, driver->struct_size);
    if (!source)
        return -ENOMEM;
    source->driver = driver;
    source->settings = settings;
    source->callbacks = *callbacks;
    source->name = strdup(name);
    if (!source->name)
        return -ENOMEM;
    *ret_source = TAKE_PTR(source);
    return 0;
}

struct source *source_free(struct source *source)
{
    if (!source)
        return NULL;
    source->driver->done(source);
    free(source->name);
    free(source);
    return NULL;
}

int source_start(struct source *source, sd_event *event, struct slice cursor, struct diag_list *diags)
{
    int r;

    assert(!source->is_started);

    r = source->driver->start(source, event, cursor, diags);
    if (r < 0)
        return r;
    source->is_started = true;
    return source->is_paused ? source->driver->pause(source, true) : 0;
}

int source_acknowledge(struct source *source, uint64_t seq)
{
    int r = 0;

    assert(seq <= source->last_seq);

    if (seq <= source->acked_seq)
        return 0;
    if (source->driver->acknowledge)
        r = source->driver->acknowledge(source, seq);
    if (r < 0)
        return r;
    source->acked_seq = seq;
    return 0;
}

int source_cursor(struct source *source, struct buffer *out)
{
    buffer_clear(out);
    return source->driver->cursor && source->is_started ? source->driver->cursor(source, out) : 0;
}

int source_pause(struct source *source, bool is_paused)
{
    if (source->is_paused == is_paused)
        return 0;
    source->is_paused = is_paused;
    return source->is_started && !source->is_ended ? source->driver->pause(source, is_paused) : 0;
}

int source_drain(struct source *source)
{
    return source->driver->drain && source->is_started && !source->is_ended ? source->driver->drain(source)
                                                                            : 0;
}

int source_reopen(struct source *source)
{
    return source->driver->reopen && source->is_started && !source->is_ended ? source->driver->reopen(source)
                                                                             : 0;
}

const char *source_name(const struct source *source)
{
    return source->name;
}

unsigned source_capabilities(const struct source *source)
{
    return source->driver->get_capabilities ? source->driver->get_capabilities(source)
                                            : source->driver->capabilities;
}

bool source_stats(struct source *source, struct source_stats *ret_stats)
{
    if (!source->driver->stats)
        return false;
    source->driver->stats(source, ret_stats);
    return true;
}

bool source_has_backlog(const struct source_driver *driver)
{
    return driver->open_backlog != NULL;
}

int backlog_open(const struct source_driver *driver, const char *name, const void *settings,
                 const struct backlog_callbacks *callbacks, struct diag_list *diags,
                 struct backlog **ret_backlog)
{
    assert(driver->open_backlog && callbacks->report);

    return driver->open_backlog(name, settings, callbacks, diags, ret_backlog);
}

int64_t source_now_usec(clockid_t clock)
{
    struct timespec now;

    /* cannot fail for the clocks of a machine (clock_gettime(2)) */
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

int source_emit(struct source *source, struct record *record)
{
    int r;

    assert(source->is_started && !source->is_ended);

    record->received_usec = source_now_usec(CLOCK_REALTIME);
    record->seq = ++source->last_seq;
    r = source->callbacks.record(source->callbacks.userdata, source, record);
    source->is_unwanted = r == SOURCE_UNWANTED;
    return MIN(r, 0);
}

void source_end(struct source *source, int error, const char *message)
{
    if (source->is_ended)
        return;
    source->is_ended = true;
    source->callbacks.end(source->callbacks.userdata, source, error, error < 0 ? message : NULL);
}

void source_report(struct source *source, int level, const char *format, ...)
{
    char message[REPORT_SIZE];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(message, sizeof(message), format, ap);
    va_end(ap);
    source->callbacks.report(source->callbacks.userdata, source, level, message);
}
