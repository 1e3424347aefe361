/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The wrapper between the engine and a sink driver: what holds for every sink is written once here.
 *
 * A ticket is in flight from the moment the driver is asked until the driver says it is not (a refusal) or
 * confirms it, which may happen inside the very call that writes it. So it is counted before the driver runs
 * and taken back when the driver refuses; otherwise a driver that confirms at once would count below zero.
 *
 * Confirmations go up as they come, in any order: the outbox knows tickets, not positions. Reports are text
 * for an operator. Some of a report is what a broker said, and that is input: it is cut to REPORT_MAX bytes,
 * and control bytes become question marks, so that it is one line and moves no cursor wherever it is shown.
 *
 * Nothing here buffers, retries or times: a driver knows what is worth trying again, the outbox is the
 * buffer.
 */
#include "sink/sink.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sink/driver.h"

/* chosen: a long broker message and a path fit, a log line stays a line */
#define REPORT_MAX 1024U

const char *sink_driver_name(const struct sink_driver *driver)
{
    return driver->name;
}

const char *sink_driver_summary(const struct sink_driver *driver)
{
    return driver->summary;
}

const struct option_table *sink_driver_options(const struct sink_driver *driver)
{
    return driver->options;
}

int sink_driver_check(const struct sink_driver *driver, const char *name, const void *settings,
                      struct diag_list *diags)
{
    return driver->check ? driver->check(name, settings, diags) : 0;
}

int sink_new(const struct sink_driver *driver, const char *name, const void *settings,
             const struct sink_callbacks *callbacks, struct sink **ret_sink)
{
    _cleanup_(freep) char *copy = strdup(name);
    struct sink *sink;

    assert(driver->struct_size >= sizeof(*sink));
    assert(callbacks->confirm && callbacks->report);
    if (!copy)
        return -ENOMEM;
    sink = calloc(1, driver->struct_size);
    if (!sink)
        return -ENOMEM;
    sink->driver = driver;
    sink->name = TAKE_PTR(copy);
    sink->settings = settings;
    sink->callbacks = *callbacks;
    *ret_sink = sink;
    return 0;
}

struct sink *sink_free(struct sink *sink)
{
    if (!sink)
        return NULL;
    /* a start that failed half-way has something to release, too */
    if (sink->driver->done)
        sink->driver->done(sink);
    free(sink->name);
    free(sink);
    return NULL;
}

int sink_start(struct sink *sink, sd_event *event, struct diag_list *diags)
{
    int r;

    assert(!sink->is_started);
    r = sink->driver->start ? sink->driver->start(sink, event, diags) : 0;
    if (r < 0)
        return r;
    sink->is_started = true;
    return 0;
}

int sink_write(struct sink *sink, const struct document *document, uint64_t ticket)
{
    int r;

    assert(sink->is_started);
    sink->stats.n_in_flight++;
    r = sink->driver->write(sink, document, ticket);
    if (r < 0) {
        assert(sink->stats.n_in_flight > 0);
        sink->stats.n_in_flight--;
        return r;
    }
    sink->stats.n_written++;
    return 0;
}

int sink_flush(struct sink *sink, int64_t timeout_usec)
{
    assert(sink->is_started);
    return sink->driver->flush ? sink->driver->flush(sink, timeout_usec) : 0;
}

int sink_reopen(struct sink *sink)
{
    assert(sink->is_started);
    return sink->driver->reopen ? sink->driver->reopen(sink) : 0;
}

const char *sink_name(const struct sink *sink)
{
    return sink->name;
}

const struct sink_stats *sink_stats(const struct sink *sink)
{
    return &sink->stats;
}

void sink_confirm(struct sink *sink, uint64_t ticket, int error, const char *message)
{
    assert(sink->stats.n_in_flight > 0);
    assert(error <= 0);
    sink->stats.n_in_flight--;
    if (error == 0)
        sink->stats.n_confirmed++;
    else
        sink->stats.n_failed++;
    sink->callbacks.confirm(sink->callbacks.userdata, sink, ticket, error, error < 0 ? message : NULL);
}

void sink_report(struct sink *sink, int level, const char *format, ...)
{
    char message[REPORT_MAX];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(message, sizeof(message), format, ap);
    va_end(ap);
    for (char *c = message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    sink->callbacks.report(sink->callbacks.userdata, sink, level, message);
}
