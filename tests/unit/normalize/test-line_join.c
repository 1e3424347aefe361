/* SPDX-License-Identifier: Apache-2.0 */

/* Records of several lines, through the normalizer: sudo's own log, and JSON printed to be read. */
#include "normalize/line_join.h"

#include <errno.h>
#include <stdlib.h>

#include "describe.h"
#include "normalizer_fixture.h"

TestSuite(line_join, .init = set_up, .fini = tear_down);

static int collect(void *userdata, const struct event *e)
{
    cr_assert_geq(buffer_append_format(userdata, "%.*s@%.*s %.*s [%.*s]%s%s;", SLICE_FMT(e->actor.name),
                                       SLICE_FMT(e->host), SLICE_FMT(e->process_name),
                                       SLICE_FMT(e->command_line), e->is_joined ? " joined" : "",
                                       e->is_cut ? " cut" : ""),
                  0);
    return 0;
}

static void feed(struct normalizer *n, struct slice text, struct buffer *out)
{
    while (text.len > 0) {
        size_t end = slice_find(text, '\n');
        struct record record = {
            .kind = RECORD_LINE, .trust = TRUST_INPUT, .bytes = slice_head(text, end), .seq = 1};

        cr_assert_eq(normalizer_feed(n, &record, collect, out), 0);
        text = slice_skip(text, MIN(end + 1, text.len));
    }
}

/* To the end of the input. */
static void feed_all(struct normalizer *n, struct slice text, struct buffer *out)
{
    feed(n, text, out);
    cr_assert_eq(normalizer_flush(n, collect, out), 0);
}

#define ACCEPT(name)                                                                                         \
    "    \"accept\": {\n"                                                                                    \
    "        \"server_time\": {\n"                                                                           \
    "            \"seconds\": 1767571499,\n"                                                                 \
    "            \"nanoseconds\": 5\n"                                                                       \
    "        },\n"                                                                                           \
    "        \"submituser\": \"alice\",\n"                                                                   \
    "        \"command\": \"/usr/bin/" name "\",\n"                                                          \
    "        \"runuser\": \"root\",\n"                                                                       \
    "        \"submithost\": \"web1\",\n"                                                                    \
    "        \"runargv\": [\n"                                                                               \
    "            \"" name "\",\n"                                                                            \
    "            \"} {\\\" [\"\n"                                                                            \
    "        ]\n"                                                                                            \
    "    }"
#define ACCEPTED(name) "alice@web1 " name " [" name " } {\" [];"
#define ECS                                                                                                  \
    "  \"@timestamp\": \"2026-01-05T00:04:59Z\",\n"                                                          \
    "  \"event\": { \"type\": \"start\" },\n"                                                                \
    "  \"process\": {\n    \"name\": \"ss\"\n  },\n"                                                         \
    "  \"user\": { \"name\": \"alice\" }\n"
#define LINE "Mar  1 10:00:00 : alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ss -t"

static const struct {
    const char *name;
    enum format format;
    struct slice text;
    const char *expected;
} rows[] = {
    /* sudo's own log */
    {"a line", FORMAT_AUTO, SLICE(LINE), "alice@here ss [/bin/ss -t];1u"},
    {"a line with a year", FORMAT_AUTO,
     SLICE("Mar  1 10:00:00 2025 : alice : HOST=h ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ss"),
     "alice@h ss [/bin/ss];1u"},
    {"a wrapped line", FORMAT_AUTO,
     SLICE("Mar  1 10:00:00 : alice : HOST=h ; TTY=pts/0 ; PWD=/home/alice ; USER=root ;\n"
           "    COMMAND=/bin/ss -t\n    -u -l\n" LINE),
     "alice@h ss [/bin/ss -t -u -l] joined;alice@here ss [/bin/ss -t];4u"},
    {"wrapped before the first word", FORMAT_SYSLOG,
     SLICE("Mar  1 10:00:00 : alice : TTY=pts/0 ; PWD=/ ; USER=root\n"
           "    ; COMMAND=/bin/ss"),
     "alice@here ss [/bin/ss] joined;2u"},
    {"a refused command", FORMAT_AUTO,
     SLICE("Mar  1 10:00:00 : alice : command not allowed ; TTY=pts/0 ; PWD=/ ;\n    USER=root ; "
           "COMMAND=/bin/ss"),
     "2i"},
    {"five blanks are none of sudo's", FORMAT_AUTO, SLICE(LINE "\n     -x"),
     "alice@here ss [/bin/ss -t];1u1?"},
    {"something in between", FORMAT_AUTO, SLICE(LINE "\nhello\n    -x"), "alice@here ss [/bin/ss -t];1u2?"},
    {"blanks after syslog", FORMAT_AUTO,
     SLICE("Jan  5 00:04:59 web1 sudo: alice : TTY=pts/4 ; PWD=/ ; USER=root ; COMMAND=/bin/ss\n    -x"),
     "alice@web1 ss [/bin/ss];1u1?"},
    {"the shortest", FORMAT_AUTO, SLICE("Mar  1 10:00:00 : a : b"), "1i"},
    {"a host that is a colon", FORMAT_AUTO, SLICE("Mar  1 10:00:00 : hello"), "1?"},

    /* sudo's JSON */
    {"one event", FORMAT_AUTO, SLICE("{\n" ACCEPT("ss") "\n}\n"), ACCEPTED("ss") "14u2i"},
    {"two", FORMAT_JSON, SLICE("{\n" ACCEPT("ss") ",\n" ACCEPT("w") "\n}\n"),
     ACCEPTED("ss") ACCEPTED("w") "28u2i"},
    {"followed, as sudo writes over the end", FORMAT_AUTO,
     SLICE("{\n" ACCEPT("ss") "\n}\n   \"accept\": {\n"
                              "        \"submituser\": \"bob\",\n        \"command\": \"/bin/w\",\n"
                              "        \"server_time\": { \"seconds\": 1767571499 }\n    }\n}\n"),
     ACCEPTED("ss") "bob@here w [/bin/w];19u3i"},
    {"a refused one", FORMAT_AUTO,
     SLICE("{\n    \"reject\": {\n        \"server_time\": {\n            \"seconds\": 5\n        },\n"
           "        \"submituser\": \"alice\"\n    }\n}\n"),
     "8i"},
    {"half of one, and another", FORMAT_AUTO,
     SLICE("{\n    \"accept\": {\n        \"submituser\": \"bob\",\n{\n" ACCEPT("ss") "\n}\n"),
     ACCEPTED("ss") "14u3i2q"},

    {"an event behind another document", FORMAT_AUTO, SLICE("{\n  \"a\": 1\n}, {\n" ACCEPT("ss") "\n}\n"),
     ACCEPTED("ss") "14u2i3?"},

    /* any document */
    {"a document", FORMAT_AUTO, SLICE("{\n" ECS "}\n"), "alice@here ss [];8u"},
    {"several", FORMAT_AUTO, SLICE("[\n{\n" ECS "},\n{\n" ECS "}\n]\n"),
     "alice@here ss [];alice@here ss [];16u2i"},
    {"brackets on one line", FORMAT_JSON, SLICE("[{\n" ECS "}, {\n" ECS "}]\n"),
     "alice@here ss [];alice@here ss [];15u"},
    {"nobody's", FORMAT_AUTO, SLICE("{\n  \"a\": 1\n}"), "3?"},
    {"a bracket alone", FORMAT_AUTO, SLICE("{"), "1q"},
    {"a text breaks it, and is read", FORMAT_AUTO, SLICE("{\n  \"a\": 1,\n" LINE "\n}"),
     "alice@here ss [/bin/ss -t];1u1i2q"},
    {"a document breaks it, and is read", FORMAT_AUTO,
     SLICE("{\n  \"a\": 1,\n{\"@timestamp\":\"2026-01-05T00:04:59Z\",\"event\":{\"type\":\"start\"},"
           "\"process\":{\"name\":\"ss\"},\"user\":{\"name\":\"alice\"}}"),
     "alice@here ss [];1u2q"},
    {"a string without its end", FORMAT_AUTO, SLICE("{\n  \"a\": \"x\n}\n"), "1i2q"},
    {"an end too many", FORMAT_AUTO, SLICE("{\n  \"a\": 1\n}}\n"), "3q"},
    {"blank lines", FORMAT_AUTO, SLICE("{\n\n" ECS "\n}\n"), "alice@here ss [];2_8u"},
    {"an entry of the journal", FORMAT_AUTO,
     SLICE("{\n\t\"_TRANSPORT\" : \"syslog\",\n\t\"SYSLOG_IDENTIFIER\" : \"sudo\",\n\t\"_HOSTNAME\" : "
           "\"web1\",\n"
           "\t\"__REALTIME_TIMESTAMP\" : \"1767571499919000\",\n"
           "\t\"MESSAGE\" : \"alice : PWD=/ ; USER=root ; COMMAND=/bin/ss\"\n}\n"),
     "alice@web1 ss [/bin/ss];7u"},
    {"--format audit: nothing of this", FORMAT_AUDIT, SLICE("{\n}\n" LINE), "3?"},
};

Test(line_join, puts_together_what_stands_on_several_lines)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(rows[i].format);
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;

        feed_all(n, rows[i].text, &out);
        append_counts(n, &out);
        assert_slice(buffer_slice(&out), rows[i].expected, rows[i].name);
    }
}

Test(line_join, goes_on_from_its_saved_state_wherever_it_was_cut)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(normalizer_freep) struct normalizer *whole = new_normalizer(rows[i].format);
        _cleanup_(buffer_done) struct buffer expected = BUFFER_INIT;

        feed_all(whole, rows[i].text, &expected);
        for (size_t cut = 0; cut < rows[i].text.len; cut++) {
            _cleanup_(normalizer_freep) struct normalizer *n = NULL, *next = NULL;
            _cleanup_(buffer_done) struct buffer out = BUFFER_INIT, state = BUFFER_INIT;

            if (rows[i].text.data[cut] != '\n')
                continue;
            n = new_normalizer(rows[i].format);
            next = new_normalizer(rows[i].format);
            feed(n, slice_head(rows[i].text, cut + 1), &out);
            cr_assert_eq(normalizer_save(n, &state), 0);
            cr_assert_eq(normalizer_load(next, buffer_slice(&state)), 0);
            feed_all(next, slice_skip(rows[i].text, cut + 1), &out);
            cr_assert(slice_equal(buffer_slice(&out), buffer_slice(&expected)), "%s at %zu: %.*s",
                      rows[i].name, cut, (int)out.len, out.data);
            buffer_clear(&out);
            append_counts(next, &out); /* that they add up */
        }
    }
}

static int take_time(void *userdata, const struct event *event)
{
    *(int64_t *)userdata = event->time_usec;
    return 0;
}

Test(line_join, a_year_is_of_its_line)
{
    /* the gate may drop either, and nothing may depend on that */
    static const struct {
        const char *line;
        int64_t time_usec;
    } lines[] = {
        {"Mar  1 10:00:00 2024 : alice : PWD=/ ; USER=root ; COMMAND=/bin/ss", INT64_C(1709287200000000)},
        {LINE, INT64_C(1772359200000000)},
        {"Mar  1 10:00:00 2024 : alice : PWD=/ ; USER=root ; COMMAND=/bin/ss", INT64_C(1709287200000000)},
        {LINE, INT64_C(1772359200000000)},
    };
    _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct record record = {.kind = RECORD_LINE, .bytes = slice_from_string(lines[i].line), .seq = 1};
        int64_t time_usec = 0;

        cr_assert_eq(normalizer_feed(n, &record, take_time, &time_usec), 0);
        cr_assert_eq(normalizer_flush(n, take_time, &time_usec), 0);
        cr_assert_eq(time_usec, lines[i].time_usec, "%zu: %ld", i, time_usec);
    }
}

Test(line_join, looks_at_no_byte_behind_the_line)
{
    for (size_t len = 1; len < 32; len++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
        _cleanup_(freep) char *line = malloc(len); /* of its own, so that a read beyond its end is seen */

        cr_assert_not_null(line);
        memcpy(line, "Mar  1 10:00:00 2025 : a : TTY=x", len);
        feed_all(n, slice_new(line, len), &out);
        append_counts(n, &out);
    }
}

Test(line_join, waits_no_longer_than_two_seconds)
{
    _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
    _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
    struct record record = {.kind = RECORD_LINE, .bytes = SLICE(LINE), .received_usec = 1000000, .seq = 1};

    cr_assert_eq(normalizer_feed(n, &record, collect, &out), 0);
    cr_assert_eq(normalizer_n_pending(n), 1);
    cr_assert_eq(normalizer_deadline_usec(n), 3000000);
    cr_assert_eq(normalizer_advance(n, 2999999, collect, &out), 0);
    cr_assert_eq(out.len, 0);
    cr_assert_eq(normalizer_advance(n, 3000000, collect, &out), 0);
    assert_slice(buffer_slice(&out), "alice@here ss [/bin/ss -t];", "handed over");
    cr_assert_eq(normalizer_deadline_usec(n), INT64_MAX);
    /* what comes later is no part of it */
    buffer_clear(&out);
    cr_assert_eq(normalizer_feed(n, &record, collect, &out), 0);
    record.bytes = SLICE("    -u");
    record.received_usec = 3000000;
    cr_assert_eq(normalizer_feed(n, &record, collect, &out), 0);
    assert_slice(buffer_slice(&out), "alice@here ss [/bin/ss -t];", "alone");
}

Test(line_join, holds_no_more_than_its_limit)
{
    static char line[64 * 1024];
    const struct {
        const char *name, *first, *expected;
    } cases[] = {
        {"a wrapped line", LINE, " cut;"},
        {"a document", "{", "?"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;

        (void)snprintf(line, sizeof(line), "    \"%0*d\",", (int)sizeof(line) - 16, 0);
        feed(n, slice_from_string(cases[i].first), &out);
        for (size_t k = 0; k < 40; k++)
            feed(n, slice_from_string(line), &out);
        cr_assert_eq(normalizer_flush(n, collect, &out), 0);
        cr_assert_leq(out.len, LINE_JOIN_BYTES_MAX + 1024);
        append_counts(n, &out);
        if (i == 0)
            cr_assert(slice_ends_with(buffer_slice(&out), SLICE(" joined cut;41u")));
        else /* what follows the limit belongs to nothing */
            assert_slice(buffer_slice(&out), "24?17q", cases[i].name);
    }
}
