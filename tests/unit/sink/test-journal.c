/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The journal sink against a journal of our own: the two functions it reaches journald with are replaced here
 * by ones that the test commands. (A real journald is met by the end-to-end tests.)
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "fixture.h"

static struct heard heard;
static int socket_error, send_result;
static char sent[16][256];
static int n_sent;

int access(const char *path, int mode)
{
    if (strcmp(path, "/run/systemd/journal/socket") == 0) {
        errno = socket_error;
        return socket_error ? -1 : 0;
    }
    return faccessat(AT_FDCWD, path, mode, 0);
}

int sd_journal_sendv(const struct iovec *iov, int n)
{
    n_sent = n;
    for (int i = 0; i < n && i < 16; i++)
        (void)snprintf(sent[i], sizeof(sent[i]), "%.*s", (int)iov[i].iov_len, (const char *)iov[i].iov_base);
    return send_result;
}

Test(journal, an_alert_is_an_entry_with_the_sentence_the_id_and_the_document)
{
    static const struct {
        int severity;
        const char *priority;
    } rows[] = {
        {21, "PRIORITY=5"}, {47, "PRIORITY=4"}, {73, "PRIORITY=3"}, {99, "PRIORITY=2"}, {0, "PRIORITY=5"}};
    _cleanup_(sink_freep) struct sink *sink = hear(&journal_sink, NULL, &heard);

    start(sink, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct document document = document_of("{\"a\":\"b\"}");

        document.severity = rows[i].severity;
        cr_assert_eq(sink_write(sink, &document, i), 0);
        cr_assert_eq(n_sent, 6);
        cr_assert_str_eq(sent[0], "MESSAGE=alice ran ss, which is rare");
        cr_assert_str_eq(sent[1], "MESSAGE_ID=a8219ff9d9df47ccb05ef21994d5a437");
        cr_assert_str_eq(sent[2], rows[i].priority, "severity %d", rows[i].severity);
        cr_assert_str_eq(sent[3], "SYSLOG_IDENTIFIER=hapax");
        cr_assert_str_eq(sent[4], "HAPAX_ALERT_ID=id-1");
        cr_assert_str_eq(sent[5], "HAPAX_ALERT={\"a\":\"b\"}");
        cr_assert_eq(heard.n_confirmed, i + 1);
        cr_assert_eq(heard.confirmed[i].error, 0);
    }
    cr_assert_eq(heard.n_reports, 0);
}

Test(journal, one_that_is_not_there_is_refused)
{
    _cleanup_(sink_freep) struct sink *sink = hear(&journal_sink, NULL, &heard);

    socket_error = ENOENT;
    assert_refused(
        sink, NULL,
        "sink 'out': no journal is running here: /run/systemd/journal/socket: No such file or directory");
}

Test(journal, one_that_goes_away_is_said_once_and_nothing_is_confirmed)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(sink_freep) struct sink *sink = hear(&journal_sink, NULL, &heard);

    cr_assert_eq(sd_event_new(&event), 0);
    start(sink, event);
    socket_error = ENOENT;
    cr_assert_eq(write_text(sink, "{}", 1), -EAGAIN);
    socket_error = 0;
    send_result = -ECONNREFUSED;
    cr_assert_eq(write_text(sink, "{}", 1), -EAGAIN);
    cr_assert_eq(heard.n_confirmed, 0);
    cr_assert_eq(heard.n_reports, 1);
    cr_assert_eq(heard.reports[0].level, LOG_WARNING);
    cr_assert_str_eq(heard.reports[0].message,
                     "cannot write to the journal: No such file or directory; alerts wait");
    /* the report that makes the engine ask again */
    while (heard.n_debug == 0)
        cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
    send_result = 0;
    cr_assert_eq(write_text(sink, "{}", 1), 0);
    cr_assert_eq(heard.n_confirmed, 1);
    cr_assert_eq(heard.n_reports, 2);
    cr_assert_eq(heard.reports[1].level, LOG_NOTICE);
    cr_assert_str_eq(heard.reports[1].message, "the journal takes alerts again");
}

Test(journal, without_a_loop_the_error_itself_comes_back)
{
    _cleanup_(sink_freep) struct sink *sink = hear(&journal_sink, NULL, &heard);

    start(sink, NULL);
    send_result = -ECONNREFUSED;
    cr_assert_eq(write_text(sink, "{}", 1), -ECONNREFUSED);
}

Test(journal, an_alert_too_large_for_it_does_not_hold_up_the_others)
{
    _cleanup_(sink_freep) struct sink *sink = hear(&journal_sink, NULL, &heard);

    start(sink, NULL);
    send_result = -E2BIG;
    cr_assert_eq(write_text(sink, "{}", 4), 0);
    cr_assert_eq(heard.n_confirmed, 1);
    cr_assert_eq(heard.confirmed[0].ticket, 4);
    cr_assert_eq(heard.confirmed[0].error, -E2BIG);
    cr_assert_str_eq(heard.confirmed[0].message, "too large for the journal");
}

/* catalog files, systemd documentation "Journal Message Catalogs": an entry begins with "-- " and its id */
Test(journal, the_catalogue_explains_the_entry)
{
    static const char entry[] = "-- a8219ff9d9df47ccb05ef21994d5a437\nSubject: ";
    static char catalog[65536];
    _cleanup_(freep) char *path = NULL;
    _cleanup_(fclosep) FILE *f = NULL;
    const char *root = getenv("HAPAX_SOURCE_ROOT");

    if (!root)
        cr_skip_test("HAPAX_SOURCE_ROOT is not set");
    cr_assert_gt(asprintf(&path, "%s/integrations/systemd/hapax.catalog", root), 0);
    f = fopen(path, "re");
    cr_assert_not_null(f, "%s", path);
    cr_assert_gt(fread(catalog, 1, sizeof(catalog) - 1, f), 0);
    cr_assert_not_null(strstr(catalog, entry));
}
