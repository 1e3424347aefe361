/* SPDX-License-Identifier: Apache-2.0 */

/* normalizer.h with the shipped rulebases: what each record is taken for, how it is counted, and what is
 * kept. */
#include "normalize/normalizer.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "describe.h"
#include "normalizer_fixture.h"
#include "util/parse.h"

TestSuite(normalizer, .init = set_up, .fini = tear_down);

/* Who ran what, and how far it can be believed: what a row of the tables below says. */
static int collect(void *userdata, const struct event *e)
{
    static const char *const trusts[] = {"low", "input", "journal", "kernel"};
    struct buffer *out = userdata;

    cr_assert_geq(
        buffer_append_format(out, "%.*s %s %.*s@%.*s %.*s;", SLICE_FMT(e->format), trusts[e->trust],
                             SLICE_FMT(slice_is_absent(e->actor.name) ? e->actor.id : e->actor.name),
                             SLICE_FMT(e->host), SLICE_FMT(e->process_name)),
        0);
    return 0;
}

#define SYSCALL                                                                                              \
    "arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=0 items=0 ppid=7 pid=8 auid=1000 uid=0 "  \
    "gid=0 "                                                                                                 \
    "euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=\"ss\" exe=\"/usr/bin/ss\" key=(null)"
#define HEADER(type) "type=" type " msg=audit(1767571499.919:1): "
#define SUDO_LINE    "   alice : TTY=pts/4 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/ss -t"
#define ECS                                                                                                  \
    "{\"@timestamp\":\"2026-01-05T00:04:59.919Z\",\"event\":{\"type\":\"start\"},\"process\":{\"name\":"     \
    "\"ss\"},"                                                                                               \
    "\"user\":{\"name\":\"alice\"}}"
#define SUDO_JSON                                                                                            \
    "@cee:{\"sudo\":{\"accept\":{\"submituser\":\"alice\",\"command\":\"/usr/bin/"                           \
    "ss\",\"runuser\":\"root\"}}}"

struct row {
    const char *name;
    enum format format;
    struct slice line;
    const char *expected; /* the events, then the counts */
    bool is_truncated;
};

Test(normalizer, takes_each_line_for_what_it_is)
{
    static const struct row rows[] = {
        {"a blank line", FORMAT_AUTO, SLICE(" \t\r"), "1_"},
        {"JSON", FORMAT_AUTO, SLICE(ECS), "ecs input alice@here ss;1u"},
        {"JSON behind blanks and a byte order mark", FORMAT_AUTO, SLICE("\xEF\xBB\xBF " ECS),
         "ecs input alice@here ss;1u"},
        {"JSON nobody knows", FORMAT_AUTO, SLICE("{\"a\":1}"), "1?"},
        {"JSON that is none", FORMAT_AUTO, SLICE("{\"a\":1"), "1q"},
        {"half a bracket", FORMAT_AUTO, SLICE("{"), "1q"},
        {"a remark in braces", FORMAT_AUTO, SLICE("{SER3 LNX}  " HEADER("SYSCALL") SYSCALL),
         "audit low 1000@here ss;1u"},
        {"sudo", FORMAT_AUTO, SLICE("Jan  5 00:04:59 web1 sudo:" SUDO_LINE), "sudo low alice@web1 ss;1u"},
        {"a refused sudo", FORMAT_AUTO,
         SLICE("Jan  5 00:04:59 web1 sudo: alice : command not allowed ; USER=root ; "
               "COMMAND=/bin/ls"),
         "1i"},
        {"sudo's JSON", FORMAT_AUTO, SLICE("Jan  5 00:04:59 web1 sudo: " SUDO_JSON),
         "sudo_json low alice@web1 ss;1u"},
        {"ECS behind a header", FORMAT_AUTO, SLICE("Jan  5 00:04:59 web1 relay[5]: " ECS),
         "ecs low alice@web1 ss;1u"},
        {"sudo's JSON alone has no time", FORMAT_AUTO, SLICE(SUDO_JSON), "1q"},
        {"audit", FORMAT_AUTO, SLICE(HEADER("SYSCALL") SYSCALL), "audit input 1000@here ss;1u"},
        {"audit with a node", FORMAT_AUTO, SLICE("node=db1 " HEADER("SYSCALL") SYSCALL),
         "audit input 1000@db1 ss;1u"},
        {"audit behind a header", FORMAT_AUTO,
         SLICE("Jan  5 00:04:59 web1 audispd: " HEADER("SYSCALL") SYSCALL), "audit low 1000@web1 ss;1u"},
        {"audit of the kernel's log", FORMAT_AUTO,
         SLICE("Jan  5 00:04:59 web1 kernel: [  12.3] audit: type=1300 "
               "audit(1767571499.919:1): " SYSCALL),
         "audit low 1000@web1 ss;1u"},
        {"audit of another event", FORMAT_AUTO, SLICE(HEADER("USER_CMD") "pid=1 uid=1000"), "1i"},
        {"a command that mentions audit", FORMAT_AUTO,
         SLICE("Jan  5 00:04:59 web1 sudo: alice : PWD=/ ; USER=root ; "
               "COMMAND=/usr/bin/ss msg=audit(1.2:3):"),
         "sudo low alice@web1 ss;1u"},
        {"prose", FORMAT_AUTO, SLICE("hello world"), "1?"},
        {"prose behind a header", FORMAT_AUTO, SLICE("Jan  5 00:04:59 web1 app[5]: hello"), "1?"},
        {"NUL", FORMAT_AUTO, SLICE("\0\0\0"), "1?"},

        {"cut JSON", FORMAT_AUTO, SLICE(ECS), "1q", true},
        {"cut audit", FORMAT_AUTO, SLICE(HEADER("SYSCALL") SYSCALL), "1q", true},
        {"cut audit behind a header", FORMAT_AUTO,
         SLICE("Jan  5 00:04:59 web1 audispd: " HEADER("SYSCALL") SYSCALL), "1q", true},
        {"cut sudo", FORMAT_AUTO, SLICE("Jan  5 00:04:59 web1 sudo:" SUDO_LINE), "sudo low alice@web1 ss;1u",
         true},
        {"cut prose", FORMAT_AUTO, SLICE("hello world"), "1q", true},

        {"--format json: all is JSON", FORMAT_JSON, SLICE("hello"), "1q"},
        {"--format json", FORMAT_JSON, SLICE(ECS), "ecs input alice@here ss;1u"},
        {"--format audit", FORMAT_AUDIT, SLICE(HEADER("SYSCALL") SYSCALL), "audit input 1000@here ss;1u"},
        {"--format audit, behind a header", FORMAT_AUDIT,
         SLICE("Jan  5 00:04:59 web1 audispd: " HEADER("SYSCALL") SYSCALL), "audit input 1000@web1 ss;1u"},
        {"--format audit: nothing else", FORMAT_AUDIT, SLICE("Jan  5 00:04:59 web1 sudo:" SUDO_LINE), "1?"},
        {"--format audit: no JSON", FORMAT_AUDIT, SLICE(ECS), "1?"},
        {"--format syslog", FORMAT_SYSLOG, SLICE("Jan  5 00:04:59 web1 sudo:" SUDO_LINE),
         "sudo low alice@web1 ss;1u"},
        {"--format syslog: audit alone is anyone's", FORMAT_SYSLOG, SLICE(HEADER("SYSCALL") SYSCALL),
         "audit low 1000@here ss;1u"},
        {"--format journal-export: a line", FORMAT_JOURNAL_EXPORT, SLICE(ECS), "1?"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(rows[i].format);
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
        struct record record = {.kind = RECORD_LINE,
                                .trust = TRUST_INPUT,
                                .bytes = rows[i].line,
                                .is_truncated = rows[i].is_truncated,
                                .seq = 1};

        cr_assert_eq(normalizer_feed(n, &record, collect, &out), 0, "%s", rows[i].name);
        cr_assert_eq(normalizer_flush(n, collect, &out), 0);
        append_counts(n, &out);
        assert_slice(buffer_slice(&out), rows[i].expected, rows[i].name);
    }
}

#define FIELD(name, value)                                                                                   \
    {                                                                                                        \
        SLICE(name), SLICE(value)                                                                            \
    }
#define BY(program, exe)                                                                                     \
    FIELD("SYSLOG_IDENTIFIER", program), FIELD("_EXE", exe), FIELD("_HOSTNAME", "web1"),                     \
        FIELD("__REALTIME_TIMESTAMP", "5")
#define AUDIT                                                                                                \
    FIELD("_TRANSPORT", "audit"), FIELD("_AUDIT_ID", "1"), FIELD("_HOSTNAME", "web1"),                       \
        FIELD("_SOURCE_REALTIME_TIMESTAMP", "1767571499919000")

Test(normalizer, takes_each_journal_entry_for_what_it_is)
{
    static const struct {
        const char *name;
        struct record_field fields[6];
        const char *expected;
        bool is_truncated;
    } rows[] = {
        {"audit", {AUDIT, FIELD("MESSAGE", "SYSCALL " SYSCALL)}, "audit kernel 1000@web1 ss;1u"},
        {"broken audit", {FIELD("_TRANSPORT", "audit"), FIELD("MESSAGE", "SYSCALL " SYSCALL)}, "1q"},
        {"cut audit", {AUDIT, FIELD("MESSAGE", "SYSCALL " SYSCALL)}, "1q", true},
        {"audit in the kernel's log",
         {FIELD("_TRANSPORT", "kernel"),
          FIELD("MESSAGE", "audit: type=1300 audit(1767571499.919:1): " SYSCALL)},
         "audit kernel 1000@here ss;1u"},
        {"forged audit", {BY("audit", "/usr/bin/logger"), FIELD("MESSAGE", HEADER("SYSCALL") SYSCALL)}, "1i"},
        {"forged audit, as journald writes it",
         {BY("audit", "/usr/bin/logger"), FIELD("MESSAGE", "SYSCALL " SYSCALL)},
         "1?"},
        {"auditd's forwarder",
         {BY("audispd", "/sbin/audispd"), FIELD("_UID", "0"), FIELD("MESSAGE", HEADER("SYSCALL") SYSCALL)},
         "audit journal 1000@web1 ss;1u"},
        {"sudo", {BY("sudo", "/usr/bin/sudo"), FIELD("MESSAGE", SUDO_LINE)}, "sudo journal alice@web1 ss;1u"},
        {"sudo's JSON",
         {BY("sudo", "/usr/bin/sudo"), FIELD("MESSAGE", SUDO_JSON)},
         "sudo_json journal alice@web1 ss;1u"},
        {"forged sudo",
         {BY("sudo", "/usr/bin/logger"), FIELD("MESSAGE", SUDO_LINE)},
         "sudo low alice@web1 ss;1u"},
        {"a terminal recording",
         {BY("tlog-rec-session", "/usr/bin/tlog-rec-session"),
          FIELD("MESSAGE",
                "{\"ver\":\"2.2\",\"host\":\"h\",\"rec\":\"r\",\"user\":\"u\",\"pos\":0,\"timing\":\"\"}")},
         "1i"},
        {"anything", {BY("app", "/usr/bin/app"), FIELD("MESSAGE", "hello")}, "1?"},
        {"no message", {BY("app", "/usr/bin/app")}, "1?"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
        struct record record = {.kind = RECORD_JOURNAL,
                                .trust = TRUST_JOURNAL,
                                .fields = rows[i].fields,
                                .is_truncated = rows[i].is_truncated,
                                .seq = 1};

        while (record.n_fields < 6 && !slice_is_absent(rows[i].fields[record.n_fields].name))
            record.n_fields++;
        cr_assert_eq(normalizer_feed(n, &record, collect, &out), 0, "%s", rows[i].name);
        cr_assert_eq(normalizer_flush(n, collect, &out), 0);
        append_counts(n, &out);
        assert_slice(buffer_slice(&out), rows[i].expected, rows[i].name);
    }
}

static int feed(struct normalizer *n, const char *line, struct buffer *out)
{
    struct record record = {
        .kind = RECORD_LINE, .trust = TRUST_INPUT, .bytes = slice_from_string(line), .seq = 1};

    return normalizer_feed(n, &record, collect, out);
}

Test(normalizer, keeps_a_sample_that_cannot_hurt_a_terminal)
{
    _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
    struct buffer out = BUFFER_INIT;
    char line[4096];

    cr_assert_eq(feed(n, "\x1b[2Jhello\\\xc3\xa9", &out), 0);
    cr_assert_str_eq(normalizer_stats(n)->sample, "\\x1b[2Jhello\\x5c\\xc3\\xa9");
    memset(line, '\n', sizeof(line));
    line[0] = 'x';
    line[sizeof(line) - 2] = 'y';
    line[sizeof(line) - 1] = '\0';
    cr_assert_eq(feed(n, line, &out), 0);
    cr_assert_lt(strlen(normalizer_stats(n)->sample), sizeof(normalizer_stats(n)->sample));
    cr_assert_eq(strncmp(normalizer_stats(n)->sample, "x\\x0a\\x0a", 9), 0);
    buffer_done(&out);
}

static int refuse(void *userdata, const struct event *event)
{
    return -EIO;
}

Test(normalizer, forwards_what_emit_refuses)
{
    _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
    struct record record = {.kind = RECORD_LINE, .bytes = SLICE(ECS), .seq = 1};

    cr_assert_eq(normalizer_feed(n, &record, refuse, NULL), -EIO);
}

Test(normalizer, takes_the_receive_time_where_a_line_has_none)
{
    _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO);
    _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
    struct record record = {.kind = RECORD_LINE, .bytes = SLICE("sudo:" SUDO_LINE), .seq = 1};

    cr_assert_eq(normalizer_feed(n, &record, collect, &out), 0);
    append_counts(n, &out);
    assert_slice(buffer_slice(&out), "1q", "nobody looked at a clock");
    buffer_clear(&out);
    record.received_usec = 5;
    cr_assert_eq(normalizer_feed(n, &record, collect, &out), 0);
    assert_slice(buffer_slice(&out), "sudo low alice@here ss;", "received");
}

static int take_time(void *userdata, const struct event *event)
{
    *(int64_t *)userdata = event->time_usec;
    return 0;
}

Test(normalizer, goes_on_from_its_saved_state)
{
    static const char *const december = "Dec 31 23:59:59 web1 sudo: a : PWD=/ ; USER=root ; COMMAND=/bin/ls",
                             *const january =
                                 "Jan  1 00:00:01 web1 sudo: a : PWD=/ ; USER=root ; COMMAND=/bin/ls";
    _cleanup_(normalizer_freep) struct normalizer *n = new_normalizer(FORMAT_AUTO), *successor = NULL;
    _cleanup_(buffer_done) struct buffer state = BUFFER_INIT, out = BUFFER_INIT;
    struct record record = {
        .kind = RECORD_LINE, .trust = TRUST_INPUT, .bytes = slice_from_string(january), .seq = 3};
    int64_t time_usec = 0;

    /* half an audit event, and the year of the last line */
    cr_assert_eq(feed(n, HEADER("SYSCALL") SYSCALL, &out), 0);
    cr_assert_eq(feed(n, december, &out), 0);
    cr_assert_eq(normalizer_n_pending(n), 1);
    cr_assert_eq(normalizer_save(n, &state), 0);

    successor = new_normalizer(FORMAT_AUTO);
    cr_assert_eq(normalizer_load(successor, buffer_slice(&state)), 0);
    cr_assert_eq(normalizer_n_pending(successor), 1);
    cr_assert_eq(normalizer_feed(successor, &record, take_time, &time_usec), 0);
    cr_assert_eq(time_usec, (days_from_civil(2027, 1, 1) * 86400 + 1) * USEC_PER_SEC, "%ld", time_usec);
    buffer_clear(&out);
    cr_assert_eq(normalizer_flush(successor, collect, &out), 0);
    assert_slice(buffer_slice(&out), "audit input 1000@here ss;", "the pending event");

    /* every shorter state is refused */
    for (size_t len = 0; len < state.len; len++) {
        _cleanup_(normalizer_freep) struct normalizer *fresh = new_normalizer(FORMAT_AUTO);

        cr_assert_eq(normalizer_load(fresh, slice_head(buffer_slice(&state), len)), -EBADMSG, "%zu", len);
    }
    state.data[0] ^= 0x40;
    normalizer_free(successor);
    successor = new_normalizer(FORMAT_AUTO);
    cr_assert_eq(normalizer_load(successor, buffer_slice(&state)), -EBADMSG);
}
