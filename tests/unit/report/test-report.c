/* SPDX-License-Identifier: Apache-2.0 */

/* Verdicts in, numbers in the page: one alert a case, hostile bytes as text, the same bytes again. */
#include "report/report.h"

#include "support.h"
#include "util/parse.h"

TestSuite(report);

static void feed(struct report *report, struct event *event, double score, enum verdict_reason reason,
                 const char *user, int64_t bucket)
{
    struct verdict v = {
        .job = "j", .detector = "rare", .event = event, .score = score, .threshold = 25, .reason = reason};

    v.user = slice_from_string(user);
    v.bucket_start_usec = bucket * 900 * USEC_PER_SEC;
    event->time_usec = v.bucket_start_usec + USEC_PER_SEC;
    v.exception = reason == VERDICT_SUPPRESSED ? "known" : NULL;
    cr_assert_eq(report_event(report, event, true), 0);
    cr_assert_eq(report_verdict(report, &v), 0);
    if (v.exception)
        cr_assert_eq(report_held(report, &v), 0);
}

static void fill(struct report *report, struct buffer *page)
{
    struct event event = EVENT_INIT;

    event.host = SLICE("</script>&\xe2\x80\xa8\xff");
    event.process_name = SLICE("ss");
    cr_assert_eq(report_arrival(report, &event, 0), 0);
    cr_assert_eq(report_arrival(report, &event, 2500000), 0);
    cr_assert_eq(report_add_exception(report, &(struct report_exception){.id = "idle",
                                                                         .effect = "skip",
                                                                         .reason = "r",
                                                                         .owner = "o",
                                                                         .expires_usec = INT64_MAX}),
                 0);
    feed(report, &event, 10.25, VERDICT_BELOW_THRESHOLD, "a", 1);
    feed(report, &event, 30, VERDICT_ALERT, "a", 1);
    feed(report, &event, 28, VERDICT_REPEATED, "a", 1);
    feed(report, &event, 150, VERDICT_ALERT, "b", 2);
    feed(report, &event, 40, VERDICT_SUPPRESSED, "c", 2);
    feed(report, &event, 40, VERDICT_LEARNING, "d", 2);
    feed(report, &event, 0, VERDICT_LATE, "d", 3);
    feed(report, &event, 0, VERDICT_NO_USER, NULL, 3);
    cr_assert_eq(report_render(report, "0", page), 0);
}

Test(report, counts_what_it_is_told)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
        {"cases by score: one of 30, one beyond 100", "\"by_score\":\"120:1 400:1\""},
        {"what exceptions and learning hold is apart", "\"held_cases\":1,\"learning_cases\":1"},
        {"sums",
         "\"events\":8,\"selected\":8,\"verdicts\":8,\"rows\":0,\"alerts\":2,\"held\":1,\"skipped\":0"},
        {"the bytes of a host name", "\"host\":\"\\u003c/script\\u003e\\u0026\\u2028\xef\xbf\xbd\""},
        {"how late it was", "\"late\":1,\"late_max\":2500,\"late_mean\":2500.0"},
        {"an exception that hid nothing",
         "\"id\":\"idle\",\"effect\":\"skip\",\"reason\":\"r\",\"owner\":\"o\",\"held\":0,\"skipped\":0"},
        {"an exception that hid something", "\"id\":\"known\",\"held\":1,\"skipped\":0"},
        {"a user's events and alerts",
         "\"user\":\"a\",\"job\":\"j\",\"events\":3,\"records\":0,\"alerts\":1,\"held\":0,\"score\":30.0"},
    };
    _cleanup_(report_freep) struct report *report = NULL, *again = NULL;
    _cleanup_(buffer_done) struct buffer page = BUFFER_INIT, same = BUFFER_INIT;

    cr_assert_eq(report_new(&report), 0);
    cr_assert_eq(report_new(&again), 0);
    fill(report, &page);
    fill(again, &same);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        cr_assert_lt(slice_find_slice(buffer_slice(&page), slice_from_string(rows[i].text)), page.len,
                     "%s: no %s", rows[i].name, rows[i].text);
    cr_assert(slice_equal(buffer_slice(&page), buffer_slice(&same)), "the same calls, the same bytes");
}
