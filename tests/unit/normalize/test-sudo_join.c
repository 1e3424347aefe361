/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Commands in several messages, through the normalizer and the shipped rules. write_sudo cuts as sudo does;
 * it is written from lib/eventlog/eventlog.c and not from what is tested.
 */
#include "normalize/sudo_join.h"

#include <errno.h>
#include <stdlib.h>

#include "describe.h"
#include "normalizer_fixture.h"

TestSuite(sudo_join, .init = set_up, .fini = tear_down);

#define CONTINUED "(command continued)"
#define FACTS     "TTY=pts/4 ; PWD=/home/alice ; USER=root ; "

/* Who ran what: the number of words, the last one, and the marks. */
static int collect(void *userdata, const struct event *e)
{
    struct slice last = e->n_args > 0 ? e->args[e->n_args - 1] : SLICE("");

    cr_assert_geq(buffer_append_format(userdata, "%.*s %.*s %zu %.*s%s%s%s%s;", SLICE_FMT(e->actor.name),
                                       SLICE_FMT(e->process_name), e->n_args, SLICE_FMT(slice_head(last, 12)),
                                       e->is_joined ? " joined" : "", e->is_cut ? " cut" : "",
                                       e->is_ambiguous ? " ambiguous" : "",
                                       e->trust == TRUST_LOW ? "" : " trusted"),
                  0);
    return 0;
}

static void feed(struct normalizer *n, struct slice line, struct buffer *out)
{
    struct record record = {.kind = RECORD_LINE, .trust = TRUST_INPUT, .bytes = line, .seq = 1};

    cr_assert_eq(normalizer_feed(n, &record, collect, out), 0);
}

/* Messages of sudo's for one line of its log, each a line behind the header. */
static void write_sudo(struct buffer *out, const char *header, const char *user, const char *line,
                       size_t maxlen, const char *mark)
{
    /* a mark brings its own colon, as some languages do; simplified Chinese has it in the first part, too */
    bool is_wide = strncmp(mark, "\xEF\xBC\x9A", 3) == 0, has_colon = is_wide || mark[0] == ':';
    const char *colon = is_wide ? "" : " : ", *before = is_wide ? "\xEF\xBC\x9A" : "";
    size_t format_len = strlen("%8s : %s");

    while (*line != '\0') {
        size_t room = maxlen - (format_len - 5 + strlen(user)), n = strlen(line);

        if (n > room)
            for (n = room; n > 0 && line[n - 1] != ' '; n--)
                ;
        if (strlen(line) > room)
            n = n > 0 ? n - 1 : room;
        cr_assert_geq(buffer_append_format(out, "%s%8s%s%s%s%.*s\n", header, user, colon, before,
                                           before == mark ? " " : "", (int)n, line),
                      0);
        line += n;
        while (*line == ' ')
            line++;
        before = mark;
        if (has_colon)
            colon = "";
        format_len = strlen("%8s %s") + strlen(mark) + (has_colon ? 0 : strlen(" : "));
    }
}

/* "word0000 word0001 …", of n words. */
static const char *words(unsigned n)
{
    static char text[128 * 1024];
    size_t at = 0;

    for (unsigned i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, " word%04u", i);
    return text;
}

static const char *command(const char *before, unsigned n_words)
{
    static char text[160 * 1024];

    (void)snprintf(text, sizeof(text), "%s%s", before, words(n_words));
    return text;
}

/* Feeds the lines in an order given by their numbers ("0213"), all in their own where it is NULL. */
static void feed_lines(struct normalizer *n, const struct buffer *text, const char *order, struct buffer *out)
{
    struct slice lines[1024], rest = buffer_slice(text);
    size_t n_lines = 0;

    while (rest.len > 0) {
        size_t end = slice_find(rest, '\n');

        cr_assert_lt(n_lines, ARRAY_SIZE(lines));
        lines[n_lines++] = slice_head(rest, end);
        rest = slice_skip(rest, MIN(end + 1, rest.len));
    }
    for (size_t i = 0; order ? order[i] != '\0' : i < n_lines; i++)
        feed(n, lines[order ? (size_t)(order[i] - '0') : i], out);
}

#define WEB  "Jan  5 00:04:59 web1 sudo: "
#define WEB7 "Jan  5 00:04:59 web1 sudo[7]: "
#define WEB8 "Jan  5 00:04:59 web1 sudo[8]: "
#define DB   "Jan  5 00:04:59 db1 sudo: "
#define LATE "Jan  5 00:05:02 web1 sudo: "
#define LONG FACTS "COMMAND=/usr/bin/ss"

Test(sudo_join, joins_what_sudo_cut)
{
    static const struct {
        const char *name, *line;
        unsigned n_words;
        size_t maxlen;
        const char *mark, *header, *expected;
        unsigned n_joined;
    } rows[] = {
        {"one message", LONG, 3, 980, CONTINUED, WEB, "alice ss 4 word0002;", 0},
        {"one long message", LONG, 80, 980, CONTINUED, WEB, "alice ss 81 word0079;", 0},
        {"two", LONG, 120, 980, CONTINUED, WEB, "alice ss 121 word0119 joined;", 1},
        {"many", LONG, 900, 980, CONTINUED, WEB, "alice ss 901 word0899 joined;", 8},
        {"a pid", LONG, 120, 980, CONTINUED, WEB7, "alice ss 121 word0119 joined;", 1},
        {"another limit", LONG, 300, 2048, CONTINUED, WEB, "alice ss 301 word0299 joined;", 1},
        {"another language", LONG, 120, 980, "(suite de la commande)", WEB, "alice ss 121 word0119 joined;",
         1},
        {"a refused command", "command not allowed ; " LONG, 120, 980, CONTINUED, WEB, "", 1},
        {"sudo_logsrvd's limit", LONG, 300, 960, CONTINUED, WEB, "alice ss 301 word0299 joined;", 2},
        {"the lowest limit", LONG, 300, 480, CONTINUED, WEB, "alice ss 301 word0299 joined ambiguous;", 6},
        {"Danish", LONG, 120, 980, ": (kommando fortsat)", WEB, "alice ss 121 word0119 joined;", 1},
        {"Finnish", LONG, 120, 980, ": (komento jatkui)", WEB7, "alice ss 121 word0119 joined;", 1},
        {"Chinese", LONG, 300, 980, "\xEF\xBC\x9A(\xE5\x91\xBD\xE4\xBB\xA4)", WEB,
         "alice ss 301 word0299 joined;", 2},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, out = BUFFER_INIT;
        const struct normalizer_stats *stats = normalizer_stats(n);

        write_sudo(&text, rows[i].header, "alice", command(rows[i].line, rows[i].n_words), rows[i].maxlen,
                   rows[i].mark);
        feed_lines(n, &text, NULL, &out);
        cr_assert_eq(normalizer_flush(n, collect, &out), 0);
        assert_slice(buffer_slice(&out), rows[i].expected, rows[i].name);
        cr_assert_eq(stats->n_joined, rows[i].n_joined, "%s: %lu", rows[i].name, stats->n_joined);
        cr_assert_eq(stats->n_unjoined, 0, "%s", rows[i].name);
        cr_assert_eq(stats->n_records, stats->n_used + stats->n_ignored, "%s", rows[i].name);
    }
}

/* The lines in rsyslog's JSON, of a template that puts the message first. */
static void wrap(const struct buffer *text, struct buffer *out)
{
    for (struct slice rest = buffer_slice(text); rest.len > 0;) {
        size_t end = slice_find(rest, '\n');

        cr_assert_geq(buffer_append_format(out,
                                           "{\"msg\":\"%.*s\",\"syslogtag\":\"sudo:\",\"hostname\":\"web1\","
                                           "\"timereported\":\"2026-01-05T00:04:59Z\"}\n",
                                           SLICE_FMT(slice_head(rest, end))),
                      0);
        rest = slice_skip(rest, MIN(end + 1, rest.len));
    }
}

Test(sudo_join, joins_what_is_wrapped_in_json_with_the_gate_and_without)
{
    static const char *const names[] = {"ss"};
    static const struct wanted wanted = {.names = names, .n_names = 1};
    static char line[160 * 1024];

    for (unsigned is_late = 0; is_late < 2; is_late++) { /* whether COMMAND= comes in the second part */
        for (unsigned has_gate = 0; has_gate < 2; has_gate++) {
            struct normalizer_options options = {
                .rulebase = rb, .year = 2026, .wanted = has_gate ? &wanted : NULL};
            _cleanup_(normalizer_freep) struct normalizer *n = NULL;
            _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, json = BUFFER_INIT, out = BUFFER_INIT;

            cr_assert_eq(normalizer_new(&options, &n), 0);
            (void)snprintf(line, sizeof(line), FACTS "ENV=A=%0*d ; COMMAND=/usr/bin/ss%s", is_late ? 930 : 1,
                           0, words(120));
            write_sudo(&text, "", "alice", line, 980, CONTINUED);
            wrap(&text, &json);
            feed_lines(n, &json, NULL, &out);
            cr_assert_eq(normalizer_flush(n, collect, &out), 0);
            assert_slice(buffer_slice(&out),
                         is_late ? "alice ss 121 word0119 joined ambiguous;"
                                 : "alice ss 121 word0119 joined;",
                         has_gate ? "gate" : "no gate");
            cr_assert_eq(normalizer_stats(n)->n_gated, 0);
        }
    }
}

/* As src/log/syslog.rs cuts: at the last blank, which stays with what follows, or at the limit. */
static void write_sudo_rs(struct buffer *out, const char *header, const char *line)
{
    const char *before = "";

    while (*line != '\0') {
        size_t room = 960 - strlen(before), n = strlen(line);
        bool goes_on = n > room;

        if (goes_on)
            for (n = room - 1; n > 0 && line[n] != ' '; n--)
                ;
        if (goes_on && n == 0)
            n = room;
        cr_assert_geq(
            buffer_append_format(out, "%s%s%.*s%s\n", header, before, (int)n, line, goes_on ? " [...]" : ""),
            0);
        line += n;
        before = "[...] ";
    }
}

Test(sudo_join, joins_what_sudo_rs_cut)
{
    static const struct {
        const char *name, *header, *after; /* NULL: sudo's own rest */
        unsigned n_words;
        const char *expected;
        unsigned n_unjoined;
    } rows[] = {
        {"one message", WEB, NULL, 3, "alice ss 4 word0002;", 0},
        {"two", WEB, NULL, 120, "alice ss 121 word0119 joined;", 0},
        {"many, with a pid", WEB7, NULL, 900, "alice ss 901 word0899 joined;", 0},
        {"the rest is missing", WEB, "", 120, "alice ss 101 word0099 cut;", 0},
        {"another host's rest", WEB, DB "[...]  x", 120, "alice ss 101 word0099 cut;", 1},
        {"sudo-rs would not have cut here", WEB7, WEB7 "[...]  x", 120, "alice ss 101 word0099 cut;", 1},
        {"one word more", WEB7, WEB7 "[...]  word0100", 120, "alice ss 102 word0100 joined;", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, out = BUFFER_INIT;

        write_sudo_rs(&text, rows[i].header,
                      command("alice :  PWD=/root ; USER=root ; COMMAND=/usr/bin/ss", rows[i].n_words));
        if (rows[i].after) {
            feed(n, slice_head(buffer_slice(&text), slice_find(buffer_slice(&text), '\n')), &out);
            if (rows[i].after[0] != '\0')
                feed(n, slice_from_string(rows[i].after), &out);
        } else {
            feed_lines(n, &text, NULL, &out);
        }
        cr_assert_eq(normalizer_flush(n, collect, &out), 0);
        assert_slice(buffer_slice(&out), rows[i].expected, rows[i].name);
        cr_assert_eq(normalizer_stats(n)->n_unjoined, rows[i].n_unjoined, "%s", rows[i].name);
    }
}

Test(sudo_join, a_long_word_does_not_hide_the_command)
{
    static char line[8192];
    struct {
        const char *name;
        size_t n;
        const char *expected;
    } rows[] = {
        {"cut before COMMAND=", 920, "alice ss 2 -t joined ambiguous;"},
        {"cut before ENV=", 950, "alice ss 2 -t joined ambiguous;"},
        {"cut inside of it, too", 4000, "alice ss 2 -t joined ambiguous;"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, out = BUFFER_INIT;

        (void)snprintf(line, sizeof(line), FACTS "ENV=A=%0*d ; COMMAND=/usr/bin/ss -t", (int)rows[i].n, 0);
        write_sudo(&text, WEB, "alice", line, 980, CONTINUED);
        feed_lines(n, &text, NULL, &out);
        cr_assert_eq(normalizer_flush(n, collect, &out), 0);
        assert_slice(buffer_slice(&out), rows[i].expected, rows[i].name);
    }
}

Test(sudo_join, a_word_longer_than_a_message_is_one_word)
{
    _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, out = BUFFER_INIT, line = BUFFER_INIT;

    cr_assert_geq(buffer_append_format(&line, "%s %05000d end", command(LONG, 70), 0), 0);
    cr_assert_eq(buffer_append_char(&line, '\0'), 0);
    write_sudo(&text, WEB, "alice", line.data, 980, CONTINUED);
    feed_lines(n, &text, NULL, &out);
    cr_assert_eq(normalizer_flush(n, collect, &out), 0);
    assert_slice(buffer_slice(&out), "alice ss 73 end joined;", "71 words, the long one, the last one");
}

/* Two messages of alice's command, and lines of others that want to be part of it. */
Test(sudo_join, takes_no_word_from_a_stranger)
{
    static char forged[2048];
    static const struct {
        const char *name;
        unsigned n_words; /* of alice's command */
        const char *header, *line;
        bool is_padded; /* with a word that is as long as sudo's limit wants it */
        const char *expected;
        unsigned n_unjoined;
    } rows[] = {
        {"another user", 60, WEB, "     bob : " CONTINUED, true, "alice ss 61 word0059;", 1},
        {"another host", 60, DB, "   alice : " CONTINUED, true, "alice ss 61 word0059;", 1},
        {"another pid", 60, WEB7, "   alice : " CONTINUED, true, "alice ss 61 word0059;", 1},
        {"three seconds later", 60, LATE, "   alice : " CONTINUED, true, "alice ss 61 word0059;", 1},
        {"sudo would have cut here with another limit", 60, WEB, "   alice : " CONTINUED " x", false,
         "alice ss 62 x joined ambiguous;", 0},
        {"sudo would not have cut here", 22, WEB, "   alice : " CONTINUED " x", false,
         "alice ss 23 word0021 cut;", 1},
        {"a short command does not wait", 3, WEB, "   alice : " CONTINUED, true, "alice ss 4 word0002;", 1},
        /* the same user can always do this: it adds a word, and no more */
        {"as sudo would", 60, WEB, "   alice : " CONTINUED, true, "alice ss 62 000000000000 joined;", 0},
        {"another user to run as", 60, WEB, "   alice : " CONTINUED " ; USER=bob ; COMMAND=/bin/true", true,
         "alice ss 61 word0059 cut;", 1},
        {"a mark without an end", 60, WEB, "   alice : (command continued", false, "alice ss 61 word0059;",
         0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, out = BUFFER_INIT;

        write_sudo(&text, WEB, "alice", command(LONG, rows[i].n_words), 980, CONTINUED);
        feed_lines(n, &text, NULL, &out);
        (void)snprintf(forged, sizeof(forged), "%s%s%s%0*d", rows[i].header, rows[i].line,
                       rows[i].is_padded ? " " : "", rows[i].is_padded ? 600 : 0, 0);
        if (!rows[i].is_padded)
            forged[strlen(forged) - 1] = '\0';
        feed(n, slice_from_string(forged), &out);
        cr_assert_eq(normalizer_flush(n, collect, &out), 0);
        assert_slice(buffer_slice(&out), rows[i].expected, rows[i].name);
        cr_assert_eq(normalizer_stats(n)->n_unjoined, rows[i].n_unjoined, "%s", rows[i].name);
    }
}

Test(sudo_join, two_commands_of_a_user_are_told_apart_by_their_pid_alone)
{
    static const struct {
        const char *name, *first, *second, *order, *expected;
    } rows[] = {
        {"one after the other", WEB, WEB, "0123",
         "alice ss 121 word0119 joined;alice netstat 131 word0129 joined;"},
        {"interleaved", WEB, WEB, "0213", "alice ss 102 word0100;alice netstat 102 word0100 cut;"},
        {"with pids", WEB7, WEB8, "0213", "alice ss 121 word0119 joined;alice netstat 131 word0129 joined;"},
        {"with pids, the other way round", WEB7, WEB8, "0231",
         "alice ss 121 word0119 joined;alice netstat 131 word0129 joined;"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, out = BUFFER_INIT;

        write_sudo(&text, rows[i].first, "alice", command(LONG, 120), 980, CONTINUED);
        write_sudo(&text, rows[i].second, "alice", command(FACTS "COMMAND=/bin/netstat", 130), 980,
                   CONTINUED);
        feed_lines(n, &text, rows[i].order, &out);
        cr_assert_eq(normalizer_flush(n, collect, &out), 0);
        assert_slice(buffer_slice(&out), rows[i].expected, rows[i].name);
    }
}

static void feed_entry(struct normalizer *n, const char *exe, struct slice message, struct buffer *out)
{
    const struct record_field fields[] = {
        {SLICE("SYSLOG_IDENTIFIER"), SLICE("sudo")},
        {SLICE("_EXE"), slice_from_string(exe)},
        {SLICE("_UID"), SLICE("0")},
        {SLICE("_PID"), SLICE("7")},
        {SLICE("_HOSTNAME"), SLICE("web1")},
        {SLICE("__REALTIME_TIMESTAMP"), SLICE("5000000")},
        {SLICE("MESSAGE"), message},
    };
    struct record record = {.kind = RECORD_JOURNAL,
                            .trust = TRUST_JOURNAL,
                            .fields = fields,
                            .n_fields = ARRAY_SIZE(fields),
                            .seq = 1};

    cr_assert_eq(normalizer_feed(n, &record, collect, out), 0);
}

Test(sudo_join, what_logger_writes_is_not_joined_to_what_sudo_wrote)
{
    static const struct {
        const char *name, *exe, *expected;
    } rows[] = {
        {"sudo's own", "/usr/bin/sudo", "alice ss 121 word0119 joined trusted;"},
        {"logger's", "/usr/bin/logger", "alice ss 102 word0100 trusted;"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, out = BUFFER_INIT;
        struct slice lines;
        size_t end;

        write_sudo(&text, "", "alice", command(LONG, 120), 980, CONTINUED);
        lines = buffer_slice(&text);
        end = slice_find(lines, '\n');
        feed_entry(n, "/usr/bin/sudo", slice_head(lines, end), &out);
        lines = slice_skip(lines, end + 1);
        feed_entry(n, rows[i].exe, slice_head(lines, slice_find(lines, '\n')), &out);
        cr_assert_eq(normalizer_flush(n, collect, &out), 0);
        assert_slice(buffer_slice(&out), rows[i].expected, rows[i].name);
    }
}

Test(sudo_join, waits_no_longer_than_two_seconds)
{
    _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, out = BUFFER_INIT;
    struct record record = {.kind = RECORD_LINE, .received_usec = 1000000, .seq = 1};

    write_sudo(&text, WEB, "alice", command(LONG, 80), 980, CONTINUED);
    record.bytes = slice_head(buffer_slice(&text), text.len - 1);
    cr_assert_eq(normalizer_feed(n, &record, collect, &out), 0);
    cr_assert_eq(out.len, 0);
    cr_assert_eq(normalizer_n_pending(n), 1);
    cr_assert_eq(normalizer_deadline_usec(n), 3000000);
    cr_assert_eq(normalizer_advance(n, 2999999, collect, &out), 0);
    cr_assert_eq(out.len, 0);
    cr_assert_eq(normalizer_advance(n, 3000000, collect, &out), 0);
    assert_slice(buffer_slice(&out), "alice ss 81 word0079;", "the caller's clock");
    cr_assert_eq(normalizer_deadline_usec(n), INT64_MAX);

    /* and the clock of the lines; that of another host is believed less */
    buffer_clear(&out);
    cr_assert_eq(normalizer_feed(n, &record, collect, &out), 0);
    feed(n, SLICE("Jan  5 00:05:59 db1 app: hello"), &out);
    cr_assert_eq(out.len, 0);
    feed(n, SLICE("Jan  5 00:06:02 db1 app: hello"), &out);
    assert_slice(buffer_slice(&out), "alice ss 81 word0079;", "the clock of another host");
    buffer_clear(&out);
    cr_assert_eq(normalizer_feed(n, &record, collect, &out), 0);
    feed(n, SLICE("Jan  5 00:05:02 web1 app: hello"), &out);
    assert_slice(buffer_slice(&out), "alice ss 81 word0079;", "the clock of the host");
}

Test(sudo_join, does_not_wait_where_each_line_is_answered)
{
    struct normalizer_options options = {.rulebase = rb, .year = 2026, .is_line_by_line = true};
    _cleanup_(normalizer_freep) struct normalizer *n = NULL;
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, out = BUFFER_INIT;

    cr_assert_eq(normalizer_new(&options, &n), 0);
    write_sudo(&text, WEB, "alice", command(LONG, 120), 980, CONTINUED);
    feed_lines(n, &text, NULL, &out);
    assert_slice(buffer_slice(&out), "alice ss 102 word0100;", "the first part");
    cr_assert_eq(normalizer_n_pending(n), 0);
    cr_assert_eq(normalizer_stats(n)->n_unjoined, 1);
}

Test(sudo_join, goes_on_from_its_saved_state_wherever_it_was_cut)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, whole = BUFFER_INIT;
    _cleanup_(normalizer_freep) struct normalizer *first = new_normalizer(FORMAT_AUTO);

    write_sudo(&text, WEB7, "alice", command(LONG, 400), 980, CONTINUED);
    write_sudo(&text, WEB, "bob", command(LONG, 90), 980, CONTINUED);
    feed_lines(first, &text, NULL, &whole);
    cr_assert_eq(normalizer_flush(first, collect, &whole), 0);
    for (size_t cut = 0; cut < text.len; cut++) {
        _cleanup_(normalizer_freep) struct normalizer *n = NULL, *next = NULL;
        _cleanup_(buffer_done) struct buffer state = BUFFER_INIT, out = BUFFER_INIT, head = BUFFER_INIT,
                                             tail = BUFFER_INIT;

        if (text.data[cut] != '\n')
            continue;
        n = new_normalizer(FORMAT_AUTO);
        next = new_normalizer(FORMAT_AUTO);
        cr_assert_eq(buffer_append(&head, text.data, cut + 1), 0);
        cr_assert_eq(buffer_append(&tail, text.data + cut + 1, text.len - cut - 1), 0);
        feed_lines(n, &head, NULL, &out);
        cr_assert_eq(normalizer_save(n, &state), 0);
        cr_assert_eq(normalizer_load(next, buffer_slice(&state)), 0);
        cr_assert_eq(normalizer_deadline_usec(next), normalizer_n_pending(next) > 0 ? 0 : INT64_MAX);
        feed_lines(next, &tail, NULL, &out);
        cr_assert_eq(normalizer_flush(next, collect, &out), 0);
        assert_slice(buffer_slice(&out), whole.data ? "alice ss 401 word0399 joined;bob ss 91 word0089;" : "",
                     "the same events");
        for (size_t len = 0; len < state.len; len += 7) {
            _cleanup_(normalizer_freep) struct normalizer *fresh = new_normalizer(FORMAT_AUTO);

            cr_assert_eq(normalizer_load(fresh, slice_head(buffer_slice(&state), len)), -EBADMSG);
        }
    }
    assert_slice(buffer_slice(&whole), "alice ss 401 word0399 joined;bob ss 91 word0089;", "without a break");
}

Test(sudo_join, a_time_out_of_a_state_may_be_any)
{
    static const int64_t times[] = {INT64_MIN, INT64_MAX};
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;

    write_sudo(&text, WEB, "alice", command(LONG, 120), 980, CONTINUED);
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO),
                                                      *next = new_normalizer(FORMAT_AUTO);
        _cleanup_(buffer_done) struct buffer state = BUFFER_INIT, out = BUFFER_INIT, time = BUFFER_INIT;
        size_t first_len = slice_find(buffer_slice(&text), '\n'), at;

        feed(n, slice_head(buffer_slice(&text), first_len), &out);
        cr_assert_eq(normalizer_save(n, &state), 0);
        /* behind the text stand its length, the pid, and the time */
        at = slice_find_slice(buffer_slice(&state), SLICE(" word0100")) + strlen(" word0100") + 16;
        cr_assert_eq(buffer_append_u64(&time, (uint64_t)times[i]), 0);
        cr_assert_leq(at + time.len, state.len);
        memcpy(state.data + at, time.data, time.len);
        cr_assert_eq(normalizer_load(next, buffer_slice(&state)), 0);
        /* its next part comes at quite another time */
        feed(next, slice_trim(slice_skip(buffer_slice(&text), first_len + 1)), &out);
        cr_assert_eq(normalizer_flush(next, collect, &out), 0);
        assert_slice(buffer_slice(&out), "alice ss 102 word0100;", "the first part alone");
        cr_assert_eq(normalizer_stats(next)->n_unjoined, 1);
    }
}

Test(sudo_join, holds_no_more_than_its_limits)
{
    _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, out = BUFFER_INIT, parts = BUFFER_INIT;
    char user[16];

    for (unsigned i = 0; i < SUDO_JOIN_HELD_MAX + 3; i++) {
        (void)snprintf(user, sizeof(user), "u%u", i);
        write_sudo(&text, WEB, user, command(LONG, 80), 980, CONTINUED);
    }
    feed_lines(n, &text, NULL, &out);
    assert_slice(buffer_slice(&out), "u0 ss 81 word0079;u1 ss 81 word0079;u2 ss 81 word0079;", "the oldest");
    cr_assert_eq(normalizer_n_pending(n), SUDO_JOIN_HELD_MAX);
    cr_assert_eq(normalizer_flush(n, collect, &out), 0);

    /* what logger wrote goes before what sudo wrote, however old that is */
    buffer_clear(&out);
    buffer_clear(&text);
    write_sudo(&text, "", "alice", command(LONG, 80), 980, CONTINUED);
    feed_entry(n, "/usr/bin/sudo", slice_head(buffer_slice(&text), text.len - 1), &out);
    for (unsigned i = 0; i < SUDO_JOIN_HELD_MAX; i++) {
        (void)snprintf(user, sizeof(user), "v%u", i);
        buffer_clear(&text);
        write_sudo(&text, "", user, command(LONG, 80), 980, CONTINUED);
        feed_entry(n, "/usr/bin/logger", slice_head(buffer_slice(&text), text.len - 1), &out);
    }
    assert_slice(buffer_slice(&out), "v0 ss 81 word0079;", "the oldest of logger's");
    cr_assert_eq(normalizer_flush(n, collect, &out), 0);

    /* parts of one */
    buffer_clear(&out);
    write_sudo(&parts, WEB, "alice", command(LONG, 8000), 980, CONTINUED);
    feed_lines(n, &parts, NULL, &out);
    cr_assert_eq(normalizer_flush(n, collect, &out), 0);
    cr_assert_eq(normalizer_stats(n)->n_joined, SUDO_JOIN_PARTS_MAX - 1);
    cr_assert(slice_ends_with(buffer_slice(&out), SLICE(" joined cut;")), "%.*s", (int)out.len, out.data);
}
