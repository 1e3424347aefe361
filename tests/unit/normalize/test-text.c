/* SPDX-License-Identifier: Apache-2.0 */

/*
 * text.h with the shipped rulebases: what the case files (tests/rulebase) cannot say. These are the contract
 * between calls, names out of a uid map, trust, hostile sizes, and logs of other projects.
 */
#include "normalize/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "shipped_rulebase.h"
#include "util/buffer.h"

TestSuite(text, .init = set_up, .fini = tear_down);

/* Header and message of one line; an enum text_outcome. */
static int read_line(struct slice line, struct arena *arena, struct event *ret_event)
{
    struct text_calendar calendar = {.first_year = 2026};
    struct text_line header = {.pid = -1, .message = line};

    cr_assert_geq(text_read_header(rb, &calendar, line, arena, &header), 0);
    return text_read_message(rb, &header, TRUST_JOURNAL, NULL, arena, ret_event);
}

Test(text, shipped_rules_have_samples)
{
    size_t n_rules, n_samples;

    rulebase_count(rb, &n_rules, &n_samples);
    cr_assert_geq(n_rules, 50);
    cr_assert_geq(n_samples, n_rules);
}

Test(text, reads_a_journal_entry_without_a_header)
{
    /* as sudo's entry stands in a journal: SYSLOG_IDENTIFIER and MESSAGE, the time is the entry's */
    struct text_line line = {.host = SLICE("web1"),
                             .program = SLICE("sudo"),
                             .pid = 42,
                             .message = SLICE("   alice : PWD=/ ; USER=root ; COMMAND=/usr/bin/ss"),
                             .has_time = true,
                             .time_usec = 1700000000123456};
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct event event;

    cr_assert_eq(text_read_message(rb, &line, TRUST_JOURNAL, NULL, &arena, &event), TEXT_EVENT);
    cr_assert_eq(event.time_usec, 1700000000123456);
    cr_assert_eq(event.trust, TRUST_JOURNAL);
    cr_assert_eq(event.pid, -1, "the pid is sudo's, not the command's");
    assert_slice(event.host, "web1", "host");
    assert_slice(event.actor.name, "alice", "actor");
    cr_assert_not(event.is_args_exact);
    cr_assert_not(event.audit.is_present);

    line.has_time = false;
    cr_assert_eq(text_read_message(rb, &line, TRUST_JOURNAL, NULL, &arena, &event), TEXT_QUARANTINED);
}

Test(text, a_forged_line_is_not_trusted)
{
    struct slice line = SLICE("2026-01-01T00:00:00Z h sudo: alice : PWD=/x ; USER=root ; COMMAND=/bin/true ; "
                              "USER=root ; COMMAND=/usr/bin/ss");
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct event event;

    cr_assert_eq(read_line(line, &arena, &event), TEXT_EVENT);
    cr_assert(event.is_ambiguous);
    cr_assert_eq(event.trust, TRUST_LOW);
}

Test(text, names_numbers_from_the_uid_map)
{
    static const char passwd[] = "root:x:0:0::/:\nalice:x:1000:1000::/:\n";
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(uid_map_freep) struct uid_map *map = NULL;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct text_line line = {.program = SLICE("snoopy"), .pid = 7, .has_time = true};
    struct event event;

    cr_assert_eq(uid_map_new(slice_from_string(passwd), "passwd", &diags, &map), 0);
    line.message = SLICE("[uid:1000 sid:1 tty:(none) cwd:/ filename:/bin/ls]: ls");
    cr_assert_eq(text_read_message(rb, &line, TRUST_LOW, map, &arena, &event), TEXT_EVENT);
    assert_slice(event.actor.name, "alice", "from the map");
    assert_slice(event.actor.id, "1000", "number");
    cr_assert_eq(event.pid, 7);
    cr_assert_eq(event.actor_kind, ACTOR_PERSON);

    line.message = SLICE("[username:bob uid:1000 sid:1 tty:(none) cwd:/ filename:/bin/ls]: ls");
    cr_assert_eq(text_read_message(rb, &line, TRUST_LOW, map, &arena, &event), TEXT_EVENT);
    assert_slice(event.actor.name, "bob", "the record's own name comes first");

    line.message = SLICE("[uid:1001 sid:1 tty:(none) cwd:/ filename:/bin/ls]: ls");
    cr_assert_eq(text_read_message(rb, &line, TRUST_LOW, map, &arena, &event), TEXT_EVENT);
    cr_assert(slice_is_absent(event.actor.name));
    assert_slice(event.actor.id, "1001", "unresolved");
}

Test(text, the_calendar_moves_with_the_lines)
{
    static const struct {
        struct slice line;
        int64_t usec;
    } rows[] = {
        {SLICE("Dec 31 23:59:59 h p: m"), INT64_C(1767225599000000)},
        {SLICE("Jan  1 00:00:00 h p: m"), INT64_C(1767225600000000)},
        {SLICE("2020-01-01T00:00:00Z h p: m"), INT64_C(1577836800000000)},
        {SLICE("<1>Dec 31 23:59:58 h p: m"), INT64_C(1767225598000000)},
    };
    struct text_calendar calendar = {.first_year = 2025};
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct text_line line;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cr_assert_eq(text_read_header(rb, &calendar, rows[i].line, &arena, &line), 1);
        cr_assert(line.has_time);
        cr_assert_eq(line.time_usec, rows[i].usec, "row %zu", i);
        assert_slice(line.message, "m", "message");
    }
    cr_assert_eq(calendar.year, 2026);
}

/* opening, then filler over and over until the line has a megabyte, then closing */
static struct slice make_long(struct buffer *b, const char *opening, const char *filler, const char *closing)
{
    buffer_clear(b);
    cr_assert_eq(buffer_append_slice(b, slice_from_string(opening)), 0);
    while (b->len < 1024 * 1024)
        cr_assert_eq(buffer_append_slice(b, slice_from_string(filler)), 0);
    cr_assert_eq(buffer_append_slice(b, slice_from_string(closing)), 0);
    return buffer_slice(b);
}

Test(text, survives_megabytes)
{
    static const struct {
        const char *name;
        const char *opening, *filler, *closing;
        int outcome;
        size_t n_args;
    } rows[] = {
        {"long argument", "2026-01-01T00:00:00Z h sudo: a : USER=b ; COMMAND=/bin/c ", "x", "", TEXT_EVENT,
         2},
        {"many arguments", "2026-01-01T00:00:00Z h sudo: a : USER=b ; COMMAND=/bin/c ", "x ", "", TEXT_EVENT,
         4096},
        {"many parts", "2026-01-01T00:00:00Z h sudo: a : ", "TTY=x ; ", "COMMAND=/bin/c", TEXT_EVENT, 1},
        {"many parts, no command", "2026-01-01T00:00:00Z h sudo: a : ", "TTY=x ; ", "", TEXT_IGNORED, 0},
        {"many separators", "2026-01-01T00:00:00Z h sudo: a : PWD=", " ; ", "", TEXT_IGNORED, 0},
        {"many commands", "2026-01-01T00:00:00Z h sudo: a : ", "COMMAND=list ; ", "", TEXT_EVENT, 2},
        {"equal signs", "2026-01-01T00:00:00Z h sudo: a : USER=b ; COMMAND=c", " ; EXIT=1", "", TEXT_EVENT,
         4096},
        {"number signs", "2026-01-01T00:00:00Z h sudo: a : USER=b ; COMMAND=/bin/c ", "#011", "", TEXT_EVENT,
         2},
        {"open quote", "2026-01-01T00:00:00Z h sudo: a : USER=b ; COMMAND=/bin/c '", "\\'", "", TEXT_EVENT,
         2},
        {"brackets", "2026-01-01T00:00:00Z h snoopy[1]: [uid:0 sid:1 tty:x cwd:", "]: filename:", "",
         TEXT_EVENT, 4096},
        {"structured data", "<1>1 2026-01-01T00:00:00Z h CRON - - ", "[a b=\"\\]\"]", " (root) CMD (x)",
         TEXT_EVENT, 1},
        {"priorities", "", "<1>", "", TEXT_UNKNOWN, 0},
        {"no blank", "", "x", "", TEXT_UNKNOWN, 0},
        {"colons", "", "x: ", "", TEXT_UNKNOWN, 0},
        {"digits", "Jan ", "1", "", TEXT_UNKNOWN, 0},
    };
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct slice line = make_long(&b, rows[i].opening, rows[i].filler, rows[i].closing);
        struct audit_record record;
        struct event event;
        int r;

        r = read_line(line, &arena, &event);
        cr_assert_eq(r, rows[i].outcome, "%s: %d", rows[i].name, r);
        if (r == TEXT_EVENT)
            cr_assert_eq(event.n_args, rows[i].n_args, "%s: %zu", rows[i].name, event.n_args);
        cr_assert_eq(text_read_audit(rb, line, &arena, &record), 0, "%s", rows[i].name);
        arena_reset(&arena);
    }
}

/* Every line cut at every byte: nothing crashes, and nothing is read that was not there. */
Test(text, survives_cut_lines)
{
    static const char *const lines[] = {
        ("<78>Apr 27 15:22:23 h sudo[1]:  a : HOST=h ; TTY=pts/4 ; PWD=/ ; USER=root ; COMMAND=/bin/c "
         "'x\\'y' "
         "#011"),
        "<78>1 2026-01-01T00:00:00.5Z h CRON 1 - [a b=\"c\\]\"] (root) CMD (A=1 /bin/x)",
        "2026-01-01T00:00:00+01:00 h snoopy[1]: [uid:0 sid:1 tty:x cwd:/ filename:/bin/x]: x",
        "Apr 27 15:22:23 h doas: ddp ran command /bin/ksh as root from /data",
        "audispd: node=n type=UNKNOWN[1329] msg=audit(1700000000.123:456): a=b",
    };
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        for (size_t n = 0; n <= strlen(lines[i]); n++) {
            _cleanup_(freep) char *copy = malloc(n + 1);
            struct audit_record record;
            struct event event;

            cr_assert_not_null(copy);
            memcpy(copy, lines[i], n);
            cr_assert_geq(read_line(slice_new(copy, n), &arena, &event), 0);
            cr_assert_geq(text_read_audit(rb, slice_new(copy, n), &arena, &record), 0);
            arena_reset(&arena);
        }
    }
}

/* ---- logs of other projects, not part of the tree ---- */

static struct slice next_line(struct slice *rest)
{
    size_t end = slice_find(*rest, '\n');
    struct slice line = slice_head(*rest, end);

    *rest = slice_skip(*rest, MIN(end + 1, rest->len));
    return line;
}

static bool read_shared(const char *name, struct buffer *out)
{
    const char *shared = getenv("HAPAX_SHARED");
    _cleanup_(fclosep) FILE *in = NULL;
    char path[PATH_MAX], chunk[4096];
    size_t n;

    if (!shared)
        return false;
    (void)snprintf(path, sizeof(path), "%s/corpora/%s", shared, name);
    in = fopen(path, "re");
    cr_assert_not_null(in, "%s", path);
    while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
        cr_assert_eq(buffer_append(out, chunk, n), 0);
    return true;
}

/* "log N pass = LINE" of Wazuh's files and bare lines of the others; counts by enum text_outcome. */
static void count_outcomes(struct slice text, size_t counts[4])
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;

    while (text.len > 0) {
        struct slice line = next_line(&text), mark = SLICE("pass = ");
        struct event event;
        int r;

        if (slice_starts_with(line, SLICE("log "))) {
            size_t at = slice_find_slice(line, mark);

            if (at == line.len)
                continue;
            line = slice_skip(line, at + mark.len);
        }
        r = read_line(line, &arena, &event);
        /* a login or a new account is no command */
        counts[r == TEXT_EVENT && event.kind != EVENT_PROCESS_START ? TEXT_IGNORED : r]++;
        arena_reset(&arena);
    }
}

Test(text, reads_the_logs_of_other_projects)
{
    /* counted by hand from the files: how many lines are commands, how many are understood and are none */
    static const struct {
        const char *name;
        size_t n_events, n_ignored;
    } rows[] = {
        {"wazuh-ruleset/sudo.ini", 5, 3}, {"wazuh-ruleset/su.ini", 0, 3},
        {"wazuh-ruleset/doas.ini", 2, 2}, {"wazuh-ruleset/pam.ini", 0, 4},
        {"snoopy/doc-lines.log", 22, 0},  {"rsyslog/mmnormalize-inputs.log", 0, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
        size_t counts[4] = {0};

        if (!read_shared(rows[i].name, &text))
            cr_skip_test("HAPAX_SHARED is not set");
        count_outcomes(buffer_slice(&text), counts);
        cr_assert_eq(counts[TEXT_EVENT], rows[i].n_events, "%s: %zu events", rows[i].name,
                     counts[TEXT_EVENT]);
        cr_assert_eq(counts[TEXT_IGNORED], rows[i].n_ignored, "%s: %zu ignored", rows[i].name,
                     counts[TEXT_IGNORED]);
        cr_assert_eq(counts[TEXT_QUARANTINED], 0, "%s", rows[i].name);
    }
}

Test(text, reads_every_audit_header_of_the_corpora)
{
    static const char *const names[] = {
        "audit-userspace/test.log",     "audit-userspace/test2.log",
        "audit-userspace/test3.log",    "audit-userspace/test4.log",
        "laurel/record-execve.txt",     "laurel/record-execve-long.txt",
        "laurel/shell-proc-trace.txt",  "laurel/record-uringop.txt",
        "laurel/proc-trace-dpkg-l.txt", "laurel/record-perl-reverse-shell.txt"};
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
        struct slice rest;

        if (!read_shared(names[i], &text))
            cr_skip_test("HAPAX_SHARED is not set");
        for (rest = buffer_slice(&text); rest.len > 0;) {
            struct slice line = next_line(&rest);
            size_t colon = slice_find_slice(line, SLICE("):"));
            struct slice body = colon < line.len ? slice_skip(line, colon + 2) : SLICE("");
            struct audit_record record;

            if (!slice_starts_with(line, SLICE("type=")) && !slice_starts_with(line, SLICE("node=")))
                continue;
            cr_assert_eq(text_read_audit(rb, line, &arena, &record), 1, "%s: %.*s", names[i],
                         SLICE_FMT(line));
            if (body.len > 0 && body.data[0] == ' ')
                body = slice_skip(body, 1);
            cr_assert(slice_equal(record.body, body), "%s: %.*s", names[i], SLICE_FMT(line));
            arena_reset(&arena);
        }
    }
}
