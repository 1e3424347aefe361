/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_SINK_FIXTURE_H
#define HAPAX_TESTS_SINK_FIXTURE_H

/* What the tests of sinks share: an engine that writes down what a sink tells it. */

#include "support.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sink/driver.h"
#include "util/buffer.h"

#define HEARD_MAX 1024

struct confirmed {
    uint64_t ticket;
    int error;
    char message[128];
};

/* Everything a sink said, in order. */
struct heard {
    struct confirmed confirmed[HEARD_MAX];
    size_t n_confirmed;
    struct {
        int level;
        char message[256];
    } reports[HEARD_MAX]; /* DEBUG is only counted */
    size_t n_reports, n_debug;
    const char *needle; /* what no report may hold, NULL: nothing */
    size_t n_needles;
};

static inline void hear_confirm(void *userdata, struct sink *sink, uint64_t ticket, int error,
                                const char *message)
{
    struct heard *heard = userdata;
    struct confirmed *c = &heard->confirmed[heard->n_confirmed];

    cr_assert_lt(heard->n_confirmed, HEARD_MAX);
    c->ticket = ticket;
    c->error = error;
    (void)snprintf(c->message, sizeof(c->message), "%s", message ? message : "");
    heard->n_confirmed++;
}

static inline void hear_report(void *userdata, struct sink *sink, int level, const char *message)
{
    struct heard *heard = userdata;

    heard->n_needles += heard->needle && strstr(message, heard->needle);
    if (level > 6) { /* LOG_DEBUG */
        heard->n_debug++;
        return;
    }
    cr_assert_lt(heard->n_reports, HEARD_MAX);
    heard->reports[heard->n_reports].level = level;
    (void)snprintf(heard->reports[heard->n_reports].message, sizeof(heard->reports[0].message), "%s",
                   message);
    heard->n_reports++;
}

static inline struct sink *hear(const struct sink_driver *driver, const void *settings, struct heard *heard)
{
    const struct sink_callbacks callbacks = {hear_confirm, hear_report, heard};
    struct sink *sink = NULL;

    cr_assert_eq(sink_new(driver, "out", settings, &callbacks, &sink), 0);
    return sink;
}

static inline struct document document_of(const char *bytes)
{
    return (struct document){
        .bytes = slice_from_string(bytes),
        .id = SLICE("id-1"),
        .key = SLICE("alice"),
        .message = SLICE("alice ran ss, which is rare"),
        .severity = 21,
    };
}

static inline int write_text(struct sink *sink, const char *bytes, uint64_t ticket)
{
    struct document document = document_of(bytes);

    return sink_write(sink, &document, ticket);
}

/* The only problem of a start that must fail. */
#define assert_refused(sink, event, text)                                                                    \
    do {                                                                                                     \
        _cleanup_(diag_list_done) struct diag_list refused_diags = DIAG_LIST_INIT;                           \
                                                                                                             \
        cr_assert_eq(sink_start((sink), (event), &refused_diags), -EINVAL);                                  \
        cr_assert_eq(refused_diags.n, 1);                                                                    \
        cr_assert_str_eq(refused_diags.items[0].message, (text));                                            \
    } while (0)

static inline void start(struct sink *sink, sd_event *event)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    int r = sink_start(sink, event, &diags);

    cr_assert_eq(r, 0, "start: %d, %s", r, diags.n > 0 ? diags.items[0].message : "no reason");
}

#endif
