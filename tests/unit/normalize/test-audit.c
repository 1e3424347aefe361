/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which records make an event, when it is over, and how each record is counted. Each row of the big table is
 * a log; what is handed over is printed as "serial:reason:incomplete:command line" in order.
 */
#include "normalize/audit.h"

#include <errno.h>
#include <inttypes.h>

#include "audit_fixture.h"

#define SYSCALL_(id_)                                                                                        \
    "type=SYSCALL msg=audit(" id_ "): arch=c000003e syscall=59 success=yes items=1 pid=7 auid=1 uid=2\n"
#define FAILED_(id_)                                                                                         \
    "type=SYSCALL msg=audit(" id_ "): arch=c000003e syscall=59 success=no items=1 pid=7 auid=1 uid=2\n"
#define OTHER_(id_)  "type=SYSCALL msg=audit(" id_ "): arch=c000003e syscall=2 success=yes items=1 pid=7\n"
#define EXECVE_(id_) "type=EXECVE msg=audit(" id_ "): argc=2 a0=\"ss\" a1=\"-t\"\n"
#define HALF_(id_)   "type=EXECVE msg=audit(" id_ "): argc=2 a0=\"ss\"\n"
#define CWD_(id_)    "type=CWD msg=audit(" id_ "):  cwd=\"/\"\n"
#define PATH_(id_)   "type=PATH msg=audit(" id_ "): item=0 name=\"/bin/ss\"\n"
#define TITLE_(id_)  "type=PROCTITLE msg=audit(" id_ "): proctitle=7373\n"
#define EOE_(id_)    "type=EOE msg=audit(" id_ "): \n"
#define WHOLE_(id_)  SYSCALL_(id_) EXECVE_(id_) CWD_(id_) PATH_(id_)

static void print_events(const struct collector *c, struct buffer *out)
{
    int r = 0;

    buffer_clear(out);
    for (size_t i = 0; i < c->n; i++) {
        const struct event *event = &c->items[i].event;

        r |= buffer_append_format(out, "%s%llu:%.*s:%.*s:%.*s", i > 0 ? "|" : "",
                                  (unsigned long long)event->audit.serial, SLICE_FMT(event->audit.emitted),
                                  SLICE_FMT(event->audit.incomplete), SLICE_FMT(event->command_line));
    }
    cr_assert_eq(r, 0);
}

static struct audit_assembler *new_assembler(struct normalizer_stats *stats)
{
    struct audit_assembler *a;

    *stats = (struct normalizer_stats){0};
    cr_assert_eq(audit_assembler_new(&(struct audit_options){.host = SLICE("here")}, stats, &a), 0);
    return a;
}

Test(audit, an_event_is_over_when_it_should_be)
{
    static const struct {
        const char *name;
        const char *text;
        const char *fed, *flushed;
        uint64_t n_used, n_ignored, n_quarantined, n_duplicates, n_late, n_incomplete;
    } rows[] = {
        {"complete without an end", WHOLE_("9.0:1"), "1:complete::ss -t", "", 4, 0, 0, 0, 0, 0},
        {"complete, and its ends after it", WHOLE_("9.0:1") TITLE_("9.0:1") EOE_("9.0:1"),
         "1:complete::ss -t", "", 6, 0, 0, 0, 0, 0},
        {"its ends twice", WHOLE_("9.0:1") TITLE_("9.0:1") TITLE_("9.0:1") EOE_("9.0:1") EOE_("9.0:1"),
         "1:complete::ss -t", "", 6, 2, 0, 2, 0, 0},
        {"everything twice, one after the other", WHOLE_("9.0:1") WHOLE_("9.0:1"), "1:complete::ss -t", "", 4,
         4, 0, 4, 0, 0},
        {"everything twice, in turn",
         SYSCALL_("9.0:1") SYSCALL_("9.0:1") EXECVE_("9.0:1") EXECVE_("9.0:1") CWD_("9.0:1") CWD_("9.0:1")
             PATH_("9.0:1") PATH_("9.0:1"),
         "1:complete::ss -t", "", 4, 4, 0, 4, 0, 0},
        {"reverse order",
         EOE_("9.0:1") TITLE_("9.0:1") PATH_("9.0:1") CWD_("9.0:1") EXECVE_("9.0:1") SYSCALL_("9.0:1"),
         "1:complete::ss -t", "", 5, 1, 0, 0, 0, 0},
        {"ended by EOE", SYSCALL_("9.0:1") EXECVE_("9.0:1") EOE_("9.0:1"), "1:eoe:CWD PATH:ss -t", "", 3, 0,
         0, 0, 0, 1},
        {"SYSCALL and EOE", SYSCALL_("9.0:1") EOE_("9.0:1"), "1:eoe:EXECVE CWD PATH:", "", 2, 0, 0, 0, 0, 1},
        {"late after EOE", SYSCALL_("9.0:1") EXECVE_("9.0:1") EOE_("9.0:1") CWD_("9.0:1") EXECVE_("9.0:1"),
         "1:eoe:CWD PATH:ss -t", "", 3, 2, 0, 1, 1, 1},
        {"ended by PROCTITLE", SYSCALL_("9.0:1") EXECVE_("9.0:1") TITLE_("9.0:1"),
         "1:proctitle:CWD PATH:ss -t", "", 3, 0, 0, 0, 0, 1},
        {"PROCTITLE before the arguments ends nothing", SYSCALL_("9.0:1") HALF_("9.0:1") TITLE_("9.0:1"), "",
         "1:flush:EXECVE CWD PATH:ss", 3, 0, 0, 0, 0, 1},
        {"PROCTITLE before EXECVE ends nothing", SYSCALL_("9.0:1") TITLE_("9.0:1"), "",
         "1:flush:EXECVE CWD PATH:ss", 2, 0, 0, 0, 0, 1},
        {"PROCTITLE before SYSCALL ends nothing", EXECVE_("9.0:1") TITLE_("9.0:1") SYSCALL_("9.0:1"), "",
         "1:flush:CWD PATH:ss -t", 3, 0, 0, 0, 0, 1},
        {"a failed one, ended by PROCTITLE", FAILED_("9.0:1") CWD_("9.0:1") PATH_("9.0:1") TITLE_("9.0:1"),
         "1:proctitle::ss", "", 4, 0, 0, 0, 0, 0},
        {"a failed one without its end", FAILED_("9.0:1") CWD_("9.0:1") PATH_("9.0:1"), "", "1:flush::", 3, 0,
         0, 0, 0, 0},
        {"a failed one with EXECVE", FAILED_("9.0:1") EXECVE_("9.0:1") CWD_("9.0:1") PATH_("9.0:1"),
         "1:complete::ss -t", "", 4, 0, 0, 0, 0, 0},
        {"another system call", OTHER_("9.0:1") CWD_("9.0:1") PATH_("9.0:1") TITLE_("9.0:1") EOE_("9.0:1"),
         "", "", 0, 5, 0, 0, 0, 0},
        {"another system call, reversed", TITLE_("9.0:1") PATH_("9.0:1") CWD_("9.0:1") OTHER_("9.0:1"), "",
         "", 0, 4, 0, 0, 0, 0},
        {"EXECVE without SYSCALL", EXECVE_("9.0:1") CWD_("9.0:1"), "", "", 0, 0, 2, 0, 0, 0},
        {"no SYSCALL, no EXECVE", CWD_("9.0:1") TITLE_("9.0:1"), "", "", 0, 2, 0, 0, 0, 0},
        {"EOE of nothing", EOE_("9.0:1"), "", "", 0, 1, 0, 0, 0, 0},
        {"other types belong to it",
         SYSCALL_("9.0:1") "type=BPRM_FCAPS msg=audit(9.0:1): fver=0\n" EXECVE_("9.0:1") CWD_("9.0:1")
             PATH_("9.0:1") "type=UNKNOWN[1334] msg=audit(9.0:1): x=1\n",
         "1:complete::ss -t", "", 6, 0, 0, 0, 0, 0},
        {"other types of their own", "type=USER_CMD msg=audit(9.0:1): pid=1 msg='cmd=6C73'\n", "", "", 0, 1,
         0, 0, 0, 0},
        {"types by number",
         "type=1300 msg=audit(9.0:1): arch=c000003e syscall=59 success=yes items=0\n"
         "type=UNKNOWN[1309] msg=audit(9.0:1): argc=1 a0=\"ss\"\ntype=1307 msg=audit(9.0:1): cwd=\"/\"\n",
         "1:complete::ss", "", 3, 0, 0, 0, 0, 0},
        {"a cut EXECVE",
         SYSCALL_("9.0:1") "type=EXECVE msg=audit(9.0:1): argc=3 a0=\"ss\" a1=\"-t\" a2=\"xy\n" CWD_("9.0:1")
             PATH_("9.0:1") TITLE_("9.0:1"),
         "", "1:flush:EXECVE:ss -t xy", 4, 0, 1, 0, 0, 1},
        {"interleaved",
         SYSCALL_("9.0:1") SYSCALL_("9.0:2") EXECVE_("9.0:2") EXECVE_("9.0:1") CWD_("9.0:2") PATH_("9.0:2")
             CWD_("9.0:1") PATH_("9.0:1"),
         "2:complete::ss -t|1:complete::ss -t", "", 8, 0, 0, 0, 0, 0},
        {"same serial, other time", WHOLE_("9.0:1") WHOLE_("9.1:1"), "1:complete::ss -t|1:complete::ss -t",
         "", 8, 0, 0, 0, 0, 0},
        {"same id, other node",
         WHOLE_("9.0:1") "node=b " SYSCALL_("9.0:1") "node=b " EXECVE_("9.0:1") "node=b " CWD_(
             "9.0:1") "node=b " PATH_("9.0:1"),
         "1:complete::ss -t|1:complete::ss -t", "", 8, 0, 0, 0, 0, 0},
        {"4.999 s are waited", SYSCALL_("9.0:1") OTHER_("13.999:2"), "", "1:flush:EXECVE CWD PATH:", 1, 1, 0,
         0, 0, 1},
        {"5 s are not", SYSCALL_("9.0:1") OTHER_("14.000:2"), "1:timeout:EXECVE CWD PATH:", "", 1, 1, 0, 0, 0,
         1},
        {"any type moves time", SYSCALL_("9.0:1") "type=LOGIN msg=audit(14.0:2): pid=1\n",
         "1:timeout:EXECVE CWD PATH:", "", 1, 1, 0, 0, 0, 1},
        {"late after the limit", SYSCALL_("9.0:1") OTHER_("14.000:2") EXECVE_("9.0:1"),
         "1:timeout:EXECVE CWD PATH:", "", 1, 2, 0, 0, 1, 1},
        {"a SYSCALL after the limit is an event still", EXECVE_("9.0:1") OTHER_("14.000:2") SYSCALL_("9.0:1"),
         "", "1:flush:EXECVE CWD PATH:", 1, 1, 1, 0, 0, 1},
        {"and so where nothing told an execve", CWD_("9.0:1") OTHER_("14.000:2") SYSCALL_("9.0:1"), "",
         "1:flush:EXECVE CWD PATH:", 1, 2, 0, 0, 0, 1},
        {"another system call's late SYSCALL is none",
         CWD_("9.0:1") OTHER_("14.000:2") OTHER_("9.0:1") EXECVE_("9.0:1"), "", "", 0, 4, 0, 0, 0, 0},
        {"the limit of an old event begins when it is seen",
         OTHER_("50.0:1") SYSCALL_("9.0:2") OTHER_("54.9:3") EXECVE_("9.0:2") OTHER_("55.0:4"),
         "2:timeout:CWD PATH:ss -t", "", 2, 3, 0, 0, 0, 1},
        {"a quiet node waits a minute longer", SYSCALL_("9.0:1") "node=b " OTHER_("73.9:2"), "",
         "1:flush:EXECVE CWD PATH:", 1, 1, 0, 0, 0, 1},
        {"and no more", SYSCALL_("9.0:1") "node=b " OTHER_("74.0:2"), "1:timeout:EXECVE CWD PATH:", "", 1, 1,
         0, 0, 0, 1},
        {"one record of another time ends nothing",
         OTHER_("1000.0:1") SYSCALL_("1000.0:2") OTHER_("9.0:3") EXECVE_("1000.0:2") CWD_("1000.0:2")
             PATH_("1000.0:2"),
         "2:complete::ss -t", "", 4, 2, 0, 0, 0, 0},
    };
    _cleanup_(buffer_done) struct buffer printed = BUFFER_INIT;
    struct collector c = {0};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct normalizer_stats stats;
        _cleanup_(audit_assembler_freep) struct audit_assembler *a = new_assembler(&stats);

        collector_clear(&c);
        feed_text(a, slice_from_string(rows[i].text), &c);
        print_events(&c, &printed);
        assert_slice(buffer_slice(&printed), rows[i].fed, rows[i].name);
        collector_clear(&c);
        cr_assert_eq(audit_assembler_flush(a, collect, &c), 0);
        print_events(&c, &printed);
        assert_slice(buffer_slice(&printed), rows[i].flushed, rows[i].name);
        cr_assert_eq(stats.n_used, rows[i].n_used, "%s: used %" PRIu64, rows[i].name, stats.n_used);
        cr_assert_eq(stats.n_ignored, rows[i].n_ignored, "%s: ignored %" PRIu64, rows[i].name,
                     stats.n_ignored);
        cr_assert_eq(stats.n_quarantined, rows[i].n_quarantined, "%s", rows[i].name);
        cr_assert_eq(stats.n_duplicates, rows[i].n_duplicates, "%s: duplicates %" PRIu64, rows[i].name,
                     stats.n_duplicates);
        cr_assert_eq(stats.n_late, rows[i].n_late, "%s", rows[i].name);
        cr_assert_eq(stats.n_incomplete, rows[i].n_incomplete, "%s", rows[i].name);
        cr_assert_eq(stats.n_evicted, 0, "%s", rows[i].name);
        cr_assert_eq(audit_assembler_n_pending(a), 0, "%s", rows[i].name);
    }
    collector_done(&c);
}

static struct audit_record record(const char *type, uint64_t serial, struct slice body)
{
    return (struct audit_record){.type = slice_from_string(type),
                                 .time_usec = 1000 * USEC_PER_SEC,
                                 .serial = serial,
                                 .body = body,
                                 .trust = TRUST_INPUT};
}

static const struct slice exec_body = SLICE("arch=c000003e syscall=59 success=yes items=1 uid=0 auid=5");

Test(audit, the_callers_clock_ends_what_waits_two_seconds)
{
    struct normalizer_stats stats;
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = new_assembler(&stats);
    struct audit_record r = record("SYSCALL", 1, exec_body);
    struct collector c = {0};

    cr_assert_eq(audit_assembler_deadline_usec(a), INT64_MAX);
    r.received_usec = 7000000;
    cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    cr_assert_eq(audit_assembler_deadline_usec(a), 9000000);
    cr_assert_eq(audit_assembler_advance(a, 8999999, collect, &c), 0);
    cr_assert_eq(c.n, 0);
    cr_assert_eq(audit_assembler_deadline_usec(a), 9000000);
    cr_assert_eq(audit_assembler_advance(a, 9000000, collect, &c), 0);
    cr_assert_eq(c.n, 1);
    assert_slice(c.items[0].event.audit.emitted, "timeout", "emitted");
    assert_slice(c.items[0].event.host, "here", "host");
    cr_assert_eq(audit_assembler_deadline_usec(a), INT64_MAX);

    /* the clock is set back by an hour: the wait goes on from there */
    r.serial = 2;
    r.received_usec = 10000000000;
    cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    cr_assert_eq(audit_assembler_advance(a, 6400000000, collect, &c), 0);
    cr_assert_eq(c.n, 1);
    cr_assert_eq(audit_assembler_deadline_usec(a), 6402000000);
    cr_assert_eq(audit_assembler_advance(a, 6402000000, collect, &c), 0);
    cr_assert_eq(c.n, 2);
    collector_done(&c);
}

Test(audit, what_anyone_can_write_does_not_touch_what_is_vouched_for)
{
    struct normalizer_stats stats;
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = new_assembler(&stats);
    struct audit_record r = record("SYSCALL", 1, exec_body);
    struct collector c = {0};

    r.trust = TRUST_KERNEL;
    cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    r = record("EXECVE", 1, SLICE("argc=1 a0=\"innocent\""));
    r.trust = TRUST_LOW;
    cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    r = record("EOE", 1, SLICE(""));
    r.trust = TRUST_LOW;
    cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    /* and its time ends nothing */
    r = record("LOGIN", 2, SLICE(""));
    r.trust = TRUST_LOW;
    r.time_usec *= 2;
    cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    cr_assert_eq(c.n, 0);
    r = record("EXECVE", 1, SLICE("argc=1 a0=\"guilty\""));
    r.trust = TRUST_JOURNAL;
    cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    r = record("EOE", 1, SLICE(""));
    r.trust = TRUST_KERNEL;
    cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    cr_assert_eq(c.n, 1);
    assert_slice(c.items[0].event.command_line, "guilty", "command line");
    cr_assert_eq(c.items[0].event.trust, TRUST_JOURNAL, "the least of its records'");

    /* an event of its own, marked as what it is */
    r = record("SYSCALL", 3, exec_body);
    r.trust = TRUST_LOW;
    cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    cr_assert_eq(audit_assembler_flush(a, collect, &c), 0);
    cr_assert_eq(c.n, 2);
    cr_assert_eq(c.items[1].event.trust, TRUST_LOW);
    collector_done(&c);
}

Test(audit, the_host_of_the_wrapping_tells_events_apart)
{
    struct normalizer_stats stats;
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = new_assembler(&stats);
    struct collector c = {0};
    char long_name[300];

    for (unsigned i = 0; i < 2; i++) {
        struct audit_record r = record("SYSCALL", 1, exec_body);

        r.host = i == 0 ? SLICE("alpha") : SLICE("beta");
        r.unit = SLICE("x.service");
        cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    }
    cr_assert_eq(audit_assembler_n_pending(a), 2);
    cr_assert_eq(audit_assembler_flush(a, collect, &c), 0);
    assert_slice(c.items[0].event.host, "alpha", "first");
    assert_slice(c.items[0].event.unit, "x.service", "unit");
    assert_slice(c.items[1].event.host, "beta", "second");
    cr_assert(slice_is_absent(c.items[0].event.audit.node));

    {
        struct audit_record r = record("SYSCALL", 1, exec_body);

        memset(long_name, 'x', sizeof(long_name));
        r.node = slice_new(long_name, sizeof(long_name));
        cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
        cr_assert_eq(stats.n_quarantined, 1);
        cr_assert_eq(audit_assembler_n_pending(a), 0);
    }
    collector_done(&c);
}

Test(audit, too_many_pending_push_out_the_oldest_and_the_forged_first)
{
    struct normalizer_stats stats;
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = new_assembler(&stats);
    struct collector c = {0};

    for (uint64_t serial = 1; serial <= 4096; serial++) {
        struct audit_record r = record("SYSCALL", serial, exec_body);

        r.trust = serial == 4000 ? TRUST_LOW : TRUST_INPUT;
        cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    }
    cr_assert_eq(c.n, 0);
    for (uint64_t serial = 5001; serial <= 5002; serial++) {
        struct audit_record r = record("SYSCALL", serial, exec_body);

        cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    }
    cr_assert_eq(c.n, 2);
    cr_assert_eq(c.items[0].event.audit.serial, 4000);
    cr_assert_eq(c.items[1].event.audit.serial, 1);
    assert_slice(c.items[1].event.audit.emitted, "evicted", "emitted");
    assert_slice(c.items[1].event.audit.incomplete, "EXECVE CWD PATH", "incomplete");
    cr_assert_eq(stats.n_evicted, 2);
    cr_assert_eq(stats.n_events, 2);
    cr_assert_eq(audit_assembler_n_pending(a), 4096);
    collector_done(&c);
}

Test(audit, too_many_bytes_pending_push_out_the_oldest)
{
    struct normalizer_stats stats;
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = new_assembler(&stats);
    _cleanup_(buffer_done) struct buffer body = BUFFER_INIT;
    struct collector c = {0};
    int r = buffer_append_format(&body, "argc=2 a0=\"");

    for (unsigned i = 0; i < 1U << 20; i++)
        r |= buffer_append_char(&body, 'x');
    r |= buffer_append_char(&body, '"');
    cr_assert_eq(r, 0);
    for (uint64_t serial = 1; serial <= 40; serial++) {
        struct audit_record syscall = record("SYSCALL", serial, exec_body);
        struct audit_record execve = record("EXECVE", serial, buffer_slice(&body));

        cr_assert_eq(audit_assembler_feed(a, &syscall, collect, &c), 0);
        cr_assert_eq(audit_assembler_feed(a, &execve, collect, &c), 0);
    }
    cr_assert_gt(stats.n_evicted, 7);
    cr_assert_eq(stats.n_evicted, c.n);
    cr_assert_eq(c.items[0].event.audit.serial, 1);
    cr_assert_eq(c.items[0].event.args[0].len, 1U << 20);
    cr_assert_eq(c.n + audit_assembler_n_pending(a), 40);
    collector_done(&c);
}

Test(audit, more_nodes_than_are_remembered)
{
    struct normalizer_stats stats;
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = new_assembler(&stats);
    struct collector c = {0};
    char name[32];

    for (unsigned i = 0; i < 20000; i++) {
        struct audit_record r =
            record("SYSCALL", i, i % 8 == 0 ? exec_body : SLICE("arch=c000003e syscall=2"));

        r.node = slice_new(name, (size_t)snprintf(name, sizeof(name), "n%u", i));
        cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    }
    cr_assert_eq(audit_assembler_n_pending(a), 2500);
    cr_assert_eq(audit_assembler_flush(a, collect, &c), 0);
    cr_assert_eq(c.n, 2500);
    assert_slice(c.items[1].event.host, "n8", "in order of arrival");
    collector_done(&c);
}

static int refuse(void *userdata, const struct event *event)
{
    return -EPIPE;
}

Test(audit, what_emit_returns_stops_the_stream)
{
    struct normalizer_stats stats;
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = new_assembler(&stats);
    struct audit_record syscall = record("SYSCALL", 1, exec_body), eoe = record("EOE", 1, SLICE(""));

    cr_assert_eq(audit_assembler_feed(a, &syscall, refuse, NULL), 0);
    cr_assert_eq(audit_assembler_feed(a, &eoe, refuse, NULL), -EPIPE);
    cr_assert_eq(audit_assembler_n_pending(a), 0);
    cr_assert_eq(stats.n_events, 1);
}

Test(audit, names_come_from_the_record_then_from_the_map)
{
    _cleanup_(uid_map_freep) struct uid_map *map = NULL;
    struct normalizer_stats stats = {0};
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = NULL;
    struct audit_record r = record("SYSCALL", 1, exec_body);
    struct collector c = {0};

    cr_assert_eq(uid_map_new(SLICE("root:x:0:0::/:\nmapped:x:5:5::/:\n"), "passwd", &diags, &map), 0);
    cr_assert_eq(audit_assembler_new(&(struct audit_options){.uid_map = map}, &stats, &a), 0);
    cr_assert_eq(audit_assembler_feed(a, &r, collect, &c), 0);
    cr_assert_eq(audit_assembler_flush(a, collect, &c), 0);
    assert_slice(c.items[0].event.actor.name, "mapped", "actor");
    assert_slice(c.items[0].event.real.name, "root", "real");
    cr_assert(slice_is_absent(c.items[0].event.host), "nobody named a host");
    collector_done(&c);
    diag_list_done(&diags);
}
