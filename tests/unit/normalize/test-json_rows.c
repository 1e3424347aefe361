/* SPDX-License-Identifier: Apache-2.0 */

/* json_rows.h, through the normalizer: an event for each row, and one count for the record. */
#include "normalize/json_rows.h"

#include <stdlib.h>

#include "describe.h"
#include "normalize/normalizer.h"
#include "shipped_rulebase.h"

TestSuite(json_rows, .init = set_up, .fini = tear_down);

#define ROW(name, time)                                                                                      \
    "{\"path\":\"/bin/" name "\",\"cmdline\":\"" name                                                        \
    " -t\",\"auid\":\"1000\",\"uid\":\"0\",\"time\":\"" time "\"}"
#define ADDED(rows)                                                                                          \
    "{\"name\":\"p\",\"hostIdentifier\":\"web1\",\"unixTime\":1700000009,\"diffResults\":{\"removed\":[],"   \
    "\"added\":[" rows "]}}"
#define SNAPSHOT(rows)                                                                                       \
    "{\"name\":\"p\",\"hostIdentifier\":\"web1\",\"unixTime\":1700000009,\"action\":\"snapshot\","           \
    "\"snapshot\":[" rows "]}"

static int collect(void *userdata, const struct event *e)
{
    cr_assert_geq(buffer_append_format(userdata, "%.*s@%.*s %.*s %zu %lld;", SLICE_FMT(e->actor.id),
                                       SLICE_FMT(e->host), SLICE_FMT(e->process_name), e->n_args,
                                       (long long)(e->time_usec / 1000000)),
                  0);
    return 0;
}

Test(json_rows, each_row_is_an_event)
{
    static const struct {
        const char *name, *text, *expected;
        uint64_t n_events, n_used, n_ignored, n_quarantined, n_rows_lost;
    } rows[] = {
        {"two rows", ADDED(ROW("ss", "1700000001") "," ROW("w", "1700000002")),
         "1000@web1 ss 2 1700000001;1000@web1 w 2 1700000002;", 2, 1, 0, 0, 0},
        {"a snapshot of two", SNAPSHOT(ROW("ss", "1700000001") "," ROW("w", "")),
         "1000@web1 ss 2 1700000001;1000@web1 w 2 1700000009;", 2, 1, 0, 0, 0},
        {"a snapshot of one", SNAPSHOT(ROW("ss", "1700000001")), "1000@web1 ss 2 1700000001;", 1, 1, 0, 0, 0},
        {"a snapshot of nothing", SNAPSHOT(""), "", 0, 0, 1, 0, 0},
        {"rows of another table", ADDED("{\"path\":\"/bin/ss\"},{\"pid\":\"1\"}"), "", 0, 0, 1, 0, 0},
        {"one row of ours", ADDED("{\"pid\":\"1\"}," ROW("ss", "1700000001") ",7,null"),
         "1000@web1 ss 2 1700000001;", 1, 1, 0, 0, 0},
        {"a row without a name", ADDED(ROW("", "1") "," ROW("ss", "1700000001")),
         "1000@web1 ss 2 1700000001;", 1, 1, 0, 0, 1},
        {"nothing but such", SNAPSHOT(ROW("", "1") "," ROW("", "1")), "", 0, 0, 0, 1, 2},
    };
    static const struct {
        const char *before, *behind;
    } wrappings[] = {
        {"", ""}, {"@cee: ", ""}, {"{\"_source\":", "}"}, {"Jan  5 00:04:59 web1 osqueryd[7]: ", ""}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (size_t k = 0; k < ARRAY_SIZE(wrappings); k++) {
            struct normalizer_options options = {.rulebase = rb, .year = 2026};
            _cleanup_(normalizer_freep) struct normalizer *n = NULL;
            _cleanup_(buffer_done) struct buffer out = BUFFER_INIT, text = BUFFER_INIT;
            struct record record = {.kind = RECORD_LINE, .seq = 1};
            const struct normalizer_stats *s;

            cr_assert_eq(normalizer_new(&options, &n), 0);
            s = normalizer_stats(n);
            cr_assert_geq(
                buffer_append_format(&text, "%s%s%s", wrappings[k].before, rows[i].text, wrappings[k].behind),
                0);
            record.bytes = buffer_slice(&text);
            cr_assert_eq(normalizer_feed(n, &record, collect, &out), 0);
            assert_slice(buffer_slice(&out), rows[i].expected, rows[i].name);
            cr_assert_eq(s->n_events, rows[i].n_events, "%s", rows[i].name);
            cr_assert_eq(s->n_used, rows[i].n_used, "%s", rows[i].name);
            cr_assert_eq(s->n_ignored, rows[i].n_ignored, "%s", rows[i].name);
            cr_assert_eq(s->n_quarantined, rows[i].n_quarantined, "%s", rows[i].name);
            cr_assert_eq(s->n_rows_lost, rows[i].n_rows_lost, "%s", rows[i].name);
        }
}

static int count(void *userdata, const struct event *event)
{
    (void)event;
    ++*(uint64_t *)userdata;
    return 0;
}

Test(json_rows, rows_beyond_the_limit_are_counted)
{
    struct normalizer_options options = {.rulebase = rb, .year = 2026};
    _cleanup_(normalizer_freep) struct normalizer *n = NULL;
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    struct record record = {.kind = RECORD_LINE, .seq = 1};
    uint64_t n_events = 0;

    cr_assert_eq(normalizer_new(&options, &n), 0);
    cr_assert_eq(
        buffer_append_format(&text, "%s", "{\"hostIdentifier\":\"h\",\"unixTime\":1700000009,\"snapshot\":["),
        0);
    for (size_t i = 0; i < JSON_ROWS_MAX + 5; i++)
        cr_assert_eq(buffer_append_format(&text, "%s%s", i > 0 ? "," : "", ROW("ss", "1")), 0);
    cr_assert_eq(buffer_append_format(&text, "]}"), 0);
    record.bytes = buffer_slice(&text);
    cr_assert_eq(normalizer_feed(n, &record, count, &n_events), 0);
    cr_assert_eq(n_events, JSON_ROWS_MAX);
    cr_assert_eq(normalizer_stats(n)->n_rows_lost, 5);
    cr_assert_eq(normalizer_stats(n)->n_used, 1);
}
