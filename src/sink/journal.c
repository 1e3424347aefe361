/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Alerts as entries of the systemd journal: the sentence for people as MESSAGE, the whole document as
 * HAPAX_ALERT, and a fixed MESSAGE_ID, so that `journalctl MESSAGE_ID=...` shows the alerts of a host and
 * nothing else, and `journalctl -x` explains them (integrations/systemd/hapax.catalog).
 *
 * The document goes over journald's native socket in one datagram, or as a sealed file where it is larger;
 * journald has taken it when the call returns, so every write is confirmed at once and nothing is in flight.
 *
 * libsystemd succeeds in silence where there is no journal at all (its callers are programs that log, for
 * which that is right; for alerts it is a loss). So the socket is looked for before each write: alerts are
 * rare and the look costs a microsecond. journald going away between look and write is a window of that
 * size, and a socket left behind by a dead journald refuses, which is seen.
 *
 * A journal that is away is not the end: the document is not taken, said once, asked again later. While it
 * is away a timer says so once a second, at debug level: a report is what makes the engine ask again.
 */
#include "sink/driver.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>

/* the journal adds the place in the source otherwise: the same for every alert */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "util/buffer.h"
#include "util/parse.h"

/* sd-journal(3), "journal native protocol": where journald listens */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* drawn once at random (systemd-id128 new); part of the interface, never changes */
#define ALERT_MESSAGE_ID "a8219ff9d9df47ccb05ef21994d5a437"

/* chosen: a journald that restarts is back within a second or two */
#define RETRY_USEC (1 * USEC_PER_SEC)

struct journal_sink {
    struct sink sink;
    sd_event_source *retry;
    bool is_away;
};

static const struct option_table journal_options = {.struct_size = 1};

/* Elastic's severities (alert documents: 21 low, 47 medium, 73 high, 99 critical) as syslog(3) priorities. */
static int priority_from_severity(int severity)
{
    if (severity >= 99)
        return LOG_CRIT;
    if (severity >= 73)
        return LOG_ERR;
    if (severity >= 47)
        return LOG_WARNING;
    return LOG_NOTICE;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct sink *sink = userdata;

    sink_report(sink, LOG_DEBUG, "trying the journal again");
    return 0;
}

/* Says it once, and arms the timer. -EAGAIN; the error itself where no loop runs that could ask again. */
static int journal_away(struct journal_sink *j, int error)
{
    int r;

    if (!j->is_away)
        sink_report(&j->sink, LOG_WARNING, "cannot write to the journal: %s; alerts wait", strerror(-error));
    j->is_away = true;
    if (!j->retry)
        return error;
    r = sd_event_source_set_time_relative(j->retry, (uint64_t)RETRY_USEC);
    if (r >= 0)
        r = sd_event_source_set_enabled(j->retry, SD_EVENT_ONESHOT);
    return r < 0 ? r : -EAGAIN;
}

static int journal_start(struct sink *sink, sd_event *event, struct diag_list *diags)
{
    struct journal_sink *j = (struct journal_sink *)sink;
    int r;

    if (access(JOURNAL_SOCKET, F_OK) < 0)
        return diag_add(diags, NULL, 0, 0, "sink '%s': no journal is running here: %s: %s", sink->name,
                        JOURNAL_SOCKET, strerror(errno));
    if (!event)
        return 0;
    r = sd_event_add_time_relative(event, &j->retry, CLOCK_MONOTONIC, (uint64_t)RETRY_USEC, 0, on_retry,
                                   sink);
    if (r < 0)
        return r;
    return sd_event_source_set_enabled(j->retry, SD_EVENT_OFF);
}

/* Appends "NAME=value"; where it starts in the buffer and its length go to *ret_field. */
static int add_field(struct buffer *b, const char *name, struct slice value, struct iovec *ret_field)
{
    size_t start = b->len;
    int r = buffer_append_format(b, "%s=", name);

    if (r >= 0)
        r = buffer_append_slice(b, value);
    if (r < 0)
        return r;
    *ret_field = (struct iovec){NULL, b->len - start};
    return 0;
}

static int journal_write(struct sink *sink, const struct document *document, uint64_t ticket)
{
    static const struct slice priorities[] = {[LOG_CRIT] = SLICE("2"),
                                              [LOG_ERR] = SLICE("3"),
                                              [LOG_WARNING] = SLICE("4"),
                                              [LOG_NOTICE] = SLICE("5")};
    const struct {
        const char *name;
        struct slice value;
    } fields[] = {
        {"MESSAGE", document->message},
        {"MESSAGE_ID", SLICE(ALERT_MESSAGE_ID)},
        {"PRIORITY", priorities[priority_from_severity(document->severity)]},
        {"SYSLOG_IDENTIFIER", SLICE("hapax")},
        {"HAPAX_ALERT_ID", document->id},
        {"HAPAX_ALERT", document->bytes},
    };
    struct journal_sink *j = (struct journal_sink *)sink;
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;
    struct iovec iov[ARRAY_SIZE(fields)];
    char *at;
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        r = add_field(&b, fields[i].name, fields[i].value, &iov[i]);
        if (r < 0)
            return r;
    }
    at = b.data; /* only now: the buffer moves while it grows */
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        iov[i].iov_base = at;
        at += iov[i].iov_len;
    }

    if (access(JOURNAL_SOCKET, F_OK) < 0)
        return journal_away(j, -errno);
    r = sd_journal_sendv(iov, (int)ARRAY_SIZE(fields));
    if (r == -E2BIG || r == -EMSGSIZE) {
        /* asking again would only hold up the others */
        sink_confirm(sink, ticket, r, "too large for the journal");
        return 0;
    }
    if (r < 0)
        return journal_away(j, r);
    if (j->is_away)
        sink_report(sink, LOG_NOTICE, "the journal takes alerts again");
    j->is_away = false;
    sink_confirm(sink, ticket, 0, NULL);
    return 0;
}

static void journal_done(struct sink *sink)
{
    struct journal_sink *j = (struct journal_sink *)sink;

    j->retry = sd_event_source_disable_unref(j->retry);
}

const struct sink_driver journal_sink = {
    .name = "journal",
    .summary = "writes alerts to the systemd journal as structured entries",
    .options = &journal_options,
    .struct_size = sizeof(struct journal_sink),
    .start = journal_start,
    .write = journal_write,
    .done = journal_done,
};
