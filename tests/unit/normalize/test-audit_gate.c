/* SPDX-License-Identifier: Apache-2.0 */

/* audit_gate.h: the look at a SYSCALL record says no only where reading it would; and the assembler forgets.
 */
#include "normalize/audit_gate.h"

#include "audit_fixture.h"
#include "support.h"

#define HEAD "arch=c000003e syscall=59 success=yes exit=0 a0=1 ppid=7 pid=8 auid=1000 uid=0 tty=pts0 ses=3"
#define RICH                                                                                                 \
    "\x1d"                                                                                                   \
    "ARCH=x86_64 SYSCALL=execve AUID=\"a\""

Test(audit_gate, drops_at_a_glance_only_what_reading_drops)
{
    static const char *const names[] = {"ss", "w"};
    _cleanup_(gate_freep) struct gate *gate = NULL;
    static const struct {
        const char *body;
        bool is_dropped, is_read_dropped;
    } rows[] = {
        {HEAD " comm=\"ls\" exe=\"/usr/bin/ls\" key=(null)" RICH, true, true},
        {HEAD " comm=\"ss\" exe=\"/usr/bin/ss\" key=(null)" RICH, false, false},
        {HEAD " comm=7373 exe=\"/usr/bin/ss\"", false, false},
        {HEAD " comm=6C73 exe=\"/usr/bin/ls\"", true, true},
        {HEAD " comm=\"sss\" exe=\"/usr/bin/ss\"", true, true},
        {HEAD " comm=(null) exe=\"/usr/bin/ss\"", false, false},
        {HEAD " comm=(null) exe=\"/usr/bin/ls\"", false, true},
        {HEAD " comm=\"\" exe=\"/usr/bin/ss\"", false, false},
        {HEAD " exe=\"/usr/bin/ss\"", false, false},
        {HEAD " exe=\"/usr/bin/ls\"", false, true},
        {HEAD " exe=\"/x comm=\"ls\"", false, true},
        {HEAD " key=\"a comm=\"ss\" comm=\"ls\"", false, true},
        {HEAD " comm=\"ss\" comm=\"ls\"", false, false},
        {HEAD "\tcomm=\"ss\" comm=\"ls\"", false, false},
        {HEAD "\x1d"
              "comm=\"ss\" comm=\"ls\"",
         false, true},
        {HEAD " AUID=\"x\" comm=\"ss\"", false, true},
        {HEAD " key=(null)ARCH=x comm=\"ss\"", false, true},
        {HEAD " comm=\"ls", false, true},
        {"arch=c000003e syscall=2 a0=1 comm=\"ss\" exe=\"/usr/bin/ss\"", true, false},
        {"arch=c000003e syscall=322 a0=1 comm=\"ss\"", false, false},
        {"arch=40000003 syscall=11 a0=1 comm=\"ls\"", true, true},
        {"arch=c00000b7 syscall=221 a0=1 comm=\"ss\"", false, false},
        {"arch=deadbeef syscall=59 a0=1 comm=\"ls\"", false, false},
        {"syscall=59 arch=c000003e a0=1 comm=\"ls\"", false, true},
        {"", false, false},
    };

    cr_assert_eq(gate_new(&(struct wanted){.names = names, .n_names = ARRAY_SIZE(names)}, &gate), 0);
    cr_assert_not_null(gate);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct audit_event e = {0};
        struct slice body = slice_from_string(rows[i].body);

        audit_event_reset(&e);
        cr_assert_geq(audit_event_take(&e, AUDIT_SYSCALL, body), 0);
        cr_expect_eq(audit_gate_drops_syscall(gate, body), rows[i].is_dropped, "%s", rows[i].body);
        cr_expect_eq(audit_gate_drops_event(gate, &e), rows[i].is_read_dropped, "%s", rows[i].body);
        if (rows[i].is_dropped)
            cr_expect(audit_gate_drops_event(gate, &e) || audit_event_exec(&e) == AUDIT_EXEC_NO, "%s",
                      rows[i].body);
        audit_event_done(&e);
    }
}

static struct audit_assembler *new_assembler(const struct gate *gate, struct normalizer_stats *stats)
{
    struct audit_assembler *a;

    cr_assert_eq(audit_assembler_new(&(struct audit_options){.gate = gate}, stats, &a), 0);
    return a;
}

#define RECORD(type, serial) "type=" type " msg=audit(1700000000.001:" serial "): "

Test(audit_gate, forgets_an_event_but_not_its_id)
{
    static const char *const names[] = {"ss"};
    static const struct {
        const char *name, *text;
        size_t n_events, n_pending;
        uint64_t n_gated, n_ignored, n_used;
    } rows[] = {
        {"SYSCALL first",
         RECORD("SYSCALL", "1") HEAD " comm=\"ls\"\n" RECORD("EXECVE", "1") "argc=1 a0=\"ls\"\n" RECORD(
             "CWD", "1") "cwd=\"/\"\n" RECORD("EOE", "1") "\n" RECORD("FOO", "1") "a=b\n",
         0, 0, 5, 0, 0},
        {"SYSCALL last",
         RECORD("EXECVE", "1") "argc=1 a0=\"ls\"\n" RECORD("CWD", "1") "cwd=\"/\"\n" RECORD("SYSCALL", "1")
             HEAD " comm=\"ls\"\n",
         0, 0, 3, 0, 0},
        {"a name that only reading finds",
         RECORD("EXECVE", "1") "argc=1 a0=\"ls\"\n" RECORD("SYSCALL", "1") HEAD
         " exe=\"/bin/ls\"\n" RECORD("PROCTITLE", "1") "proctitle=\"ls\"\n",
         0, 0, 3, 0, 0},
        {"the SYSCALL again, with another name",
         RECORD("SYSCALL", "1") HEAD " comm=\"ls\"\n" RECORD("SYSCALL", "1") HEAD " comm=\"ss\"\n", 0, 0, 2,
         0, 0},
        {"a wanted one, then the same with another name",
         RECORD("SYSCALL", "1") HEAD " comm=\"ss\"\n" RECORD("SYSCALL", "1") HEAD " comm=\"ls\"\n", 1, 1, 0,
         1, 1},
        {"others stay",
         RECORD("SYSCALL", "1") HEAD " comm=\"ss\"\n" RECORD("SYSCALL", "2") HEAD
         " comm=\"ls\"\n" RECORD("EXECVE", "1") "argc=1 a0=\"ss\"\n" RECORD(
             "EXECVE", "2") "argc=1 a0=\"ls\"\n" RECORD("CWD", "1") "cwd=\"/\"\n",
         1, 0, 2, 0, 3},
        {"another system call",
         RECORD("SYSCALL", "1") "arch=c000003e syscall=2 a0=1 comm=\"ss\"\n" RECORD("CWD", "1") "cwd=\"/\"\n",
         0, 0, 2, 0, 0},
    };
    _cleanup_(gate_freep) struct gate *gate = NULL;

    cr_assert_eq(gate_new(&(struct wanted){.names = names, .n_names = 1}, &gate), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct normalizer_stats stats = {0};
        struct audit_assembler *a = new_assembler(gate, &stats);
        struct collector c = {0};

        feed_text(a, slice_from_string(rows[i].text), &c);
        cr_expect_eq(audit_assembler_n_pending(a), rows[i].n_pending, "%s: pending", rows[i].name);
        cr_assert_eq(audit_assembler_flush(a, collect, &c), 0);
        cr_expect_eq(c.n, rows[i].n_events, "%s: events", rows[i].name);
        cr_expect_eq(stats.n_gated, rows[i].n_gated, "%s: gated", rows[i].name);
        cr_expect_eq(stats.n_ignored, rows[i].n_ignored, "%s: ignored", rows[i].name);
        cr_expect_eq(stats.n_used, rows[i].n_used, "%s: used", rows[i].name);
        collector_done(&c);
        audit_assembler_free(a);
    }
}
