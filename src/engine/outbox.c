/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A document stands in the store from the commit that made it until a sink has confirmed it, one row for each
 * sink. A lane per sink remembers the last ticket it handed over, so a delivery walks only what is new, in
 * order; a sink that says "not now" leaves the lane where it is. Confirmations may come at any time, in any
 * order, also inside the write; they only put the ticket into the ledger, and the row goes with the next
 * commit. A crash in between sends the document again, under the same id. A document that a sink refuses for
 * good leaves in the same way and is kept as a dead letter: one bad alert holds up no other, and is not lost.
 *
 * Only one sink can end the program: the reader of standard output that went away (-EPIPE) will not come
 * back, and whoever started the pipe waits for its end.
 */
#include "engine/outbox.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <syslog.h>

#include "log/log.h"
#include "util/parse.h"

struct lane {
    struct outbox *outbox;
    struct sink *sink;
    uint64_t handed_over; /* the last ticket */
};

struct outbox {
    struct outbox_options options;
    sd_event *event; /* borrowed, for its clock; NULL: there is none */
    struct lane *lanes;
    size_t n_lanes;
};

struct outbox *outbox_free(struct outbox *outbox)
{
    if (!outbox)
        return NULL;
    for (size_t i = 0; i < outbox->n_lanes; i++)
        sink_free(outbox->lanes[i].sink);
    free(outbox->lanes);
    free(outbox);
    return NULL;
}

static int64_t now_usec(const struct outbox *outbox)
{
    uint64_t now = 0;

    if (outbox->event)
        (void)sd_event_now(outbox->event, CLOCK_REALTIME, &now);
    return (int64_t)now;
}

static int64_t monotonic_usec(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

static void on_confirm(void *userdata, struct sink *sink, uint64_t ticket, int error, const char *message)
{
    struct lane *lane = userdata;

    int r;

    if (error < 0) {
        const char *reason = message ? message : strerror(-error);

        log_message(LOG_ERR, LOG_ID_DEAD_LETTER,
                    "sink %s: alert %llu can never be delivered and is kept as a dead letter: %s",
                    sink_name(sink), (unsigned long long)ticket, reason);
        r = ledger_put_refused(lane->outbox->options.ledger, ticket, reason, now_usec(lane->outbox));
    } else {
        r = ledger_put_done(lane->outbox->options.ledger, ticket);
    }
    /* out of memory: the row stays and is sent again by the next start, which is what a row is for */
    if (r < 0)
        log_message(LOG_WARNING, NULL, "sink %s: out of memory, alert %llu may be sent again",
                    sink_name(sink), (unsigned long long)ticket);
    lane->outbox->options.wake(lane->outbox->options.userdata);
}

static void on_report(void *userdata, struct sink *sink, int level, const char *message)
{
    struct lane *lane = userdata;

    log_message(level, NULL, "sink %s: %s", sink_name(sink), message);
    lane->outbox->options.wake(lane->outbox->options.userdata);
}

int outbox_new(const struct outbox_options *options, struct outbox **ret_outbox)
{
    _cleanup_(outbox_freep) struct outbox *outbox = calloc(1, sizeof(*outbox));
    int r;

    if (!outbox)
        return -ENOMEM;
    outbox->options = *options;
    outbox->lanes = calloc(options->n_sinks > 0 ? options->n_sinks : 1, sizeof(*outbox->lanes));
    if (!outbox->lanes)
        return -ENOMEM;
    for (size_t i = 0; i < options->n_sinks; i++) {
        const struct outbox_sink *s = &options->sinks[i];
        struct lane *lane = &outbox->lanes[i];
        struct sink_callbacks callbacks = {on_confirm, on_report, lane};

        lane->outbox = outbox;
        r = sink_new(s->driver, s->name, s->settings, &callbacks, &lane->sink);
        if (r < 0)
            return r;
        outbox->n_lanes = i + 1;
    }
    *ret_outbox = TAKE_PTR(outbox);
    return 0;
}

int outbox_start(struct outbox *outbox, sd_event *event, struct diag_list *diags)
{
    int r = 0;

    outbox->event = event;
    for (size_t i = 0; i < outbox->n_lanes; i++)
        r = MIN(r, sink_start(outbox->lanes[i].sink, event, diags));
    return r;
}

enum { WALK_STOPPED = 1 };

static int deliver_document(void *userdata, uint64_t ticket, const struct document *document)
{
    struct lane *lane = userdata;
    int r = sink_write(lane->sink, document, ticket);

    if (r == -ENOMEM || r == -EPIPE)
        return r;
    if (r < 0) /* -EAGAIN or broken: the sink has reported it; the document waits */
        return WALK_STOPPED;
    lane->handed_over = ticket;
    return 0;
}

int outbox_deliver(struct outbox *outbox)
{
    int result = 0;

    for (size_t i = 0; i < outbox->n_lanes; i++) {
        struct lane *lane = &outbox->lanes[i];
        int r = store_walk_outbox(outbox->options.store, sink_name(lane->sink), lane->handed_over,
                                  deliver_document, lane);

        result = MIN(result, r); /* the other sinks get theirs */
    }
    return result;
}

int outbox_flush(struct outbox *outbox, int64_t timeout_usec)
{
    int64_t end_usec = monotonic_usec() + timeout_usec;
    int r = 0;

    /* one after the other, but all of them deliver meanwhile: where the time is over the last are asked, too
     */
    for (size_t i = 0; i < outbox->n_lanes; i++) {
        int q = sink_flush(outbox->lanes[i].sink, MAX(end_usec - monotonic_usec(), INT64_C(0)));

        if (q < 0 && (r == 0 || q == -EIO))
            r = q;
    }
    return r;
}

int outbox_reopen(struct outbox *outbox)
{
    int r = 0;

    for (size_t i = 0; i < outbox->n_lanes; i++)
        r = MIN(r, sink_reopen(outbox->lanes[i].sink));
    return r;
}

size_t outbox_n_sinks(const struct outbox *outbox)
{
    return outbox->n_lanes;
}

const struct sink *outbox_sink(const struct outbox *outbox, size_t i)
{
    return outbox->lanes[i].sink;
}
