/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One event: what its records say, in any order, and what it says of what did not come. Arguments are printed
 * as [a][b] with - for a hole.
 */
#include "normalize/audit_event.h"

#include "support.h"
#include "util/cleanup.h"

#define MAX_RECORDS 8

struct body {
    unsigned kind; /* 0 ends a list */
    struct slice body;
};

static struct event build(struct audit_event *e, struct arena *arena)
{
    struct event event;

    cr_assert_eq(audit_event_build(e, NULL, SLICE("here"), SLICE("flush"), arena, &event), 0);
    return event;
}

static const char *print_args(const struct event *event, struct arena *arena)
{
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;
    struct slice copy;
    int r = 0;

    for (size_t i = 0; i < event->n_args; i++) {
        r |= buffer_append_char(&b, slice_is_absent(event->args[i]) ? '-' : '[');
        r |= buffer_append_slice(&b, event->args[i]);
        if (!slice_is_absent(event->args[i]))
            r |= buffer_append_char(&b, ']');
    }
    r |= buffer_append_char(&b, '\0');
    cr_assert_eq(r, 0);
    cr_assert_eq(arena_copy(arena, buffer_slice(&b), &copy), 0);
    return copy.data;
}

Test(audit_event, types_by_name_and_number)
{
    static const struct {
        const char *type;
        unsigned kind;
    } rows[] = {
        {"SYSCALL", AUDIT_SYSCALL},
        {"1300", AUDIT_SYSCALL},
        {"PATH", AUDIT_PATH},
        {"1302", AUDIT_PATH},
        {"CWD", AUDIT_CWD},
        {"1307", AUDIT_CWD},
        {"EXECVE", AUDIT_EXECVE},
        {"1309", AUDIT_EXECVE},
        {"EOE", AUDIT_EOE},
        {"1320", AUDIT_EOE},
        {"PROCTITLE", AUDIT_PROCTITLE},
        {"1327", AUDIT_PROCTITLE},
        {"UNKNOWN[1309]", AUDIT_EXECVE},
        {"UNKNOWN[1334]", 0},
        {"BPRM_FCAPS", 0},
        {"1321", 0},
        {"USER_CMD", 0},
        {"", 0},
        {"UNKNOWN[", 0},
        {"EXECVE]", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        cr_assert_eq(audit_kind_from_type(slice_from_string(rows[i].type)), rows[i].kind, "%s", rows[i].type);
}

Test(audit_event, arguments_come_whole_in_pieces_and_not_at_all)
{
    static const struct {
        const char *name;
        struct slice bodies[MAX_RECORDS]; /* absent ends */
        const char *args;
        int64_t count;
        const char *command_line; /* NULL: absent */
        bool is_whole;
    } rows[] = {
        {"whole", {SLICE("argc=2 a0=\"ss\" a1=2D6E")}, "[ss][-n]", 2, "ss -n", true},
        {"bare that is not hexadecimal", {SLICE("argc=1 a0=top")}, "[top]", 1, "top", true},
        {"quoted hexadecimal", {SLICE("argc=1 a0=\"2D6E\"")}, "[2D6E]", 1, "2D6E", true},
        {"empty argument", {SLICE("argc=2 a0=\"\" a1=\"x\"")}, "[][x]", 2, " x", true},
        {"one empty argument", {SLICE("argc=1 a0=\"\"")}, "[]", 1, NULL, true},
        {"argc=0", {SLICE("argc=0")}, "", 0, NULL, true},
        {"two records",
         {SLICE("argc=3 a0=\"a\" a1=\"b\""), SLICE(" a2=\"c\"")},
         "[a][b][c]",
         3,
         "a b c",
         true},
        {"two records, reversed",
         {SLICE("a2=\"c\""), SLICE("argc=3 a0=\"a\" a1=\"b\"")},
         "[a][b][c]",
         3,
         "a b c",
         true},
        {"hole", {SLICE("argc=3 a0=\"a\" a2=\"c\"")}, "[a]-[c]", 3, "a c", false},
        {"holes at the end", {SLICE("argc=4 a0=\"a\" a1=\"b\"")}, "[a][b]--", 4, "a b", false},
        {"nothing but argc", {SLICE("argc=2")}, "--", 2, NULL, false},
        {"without argc", {SLICE("a1=\"b\"")}, "-[b]", -1, "b", false},
        {"more than argc", {SLICE("argc=1 a0=\"a\" a1=\"b\"")}, "[a][b]", 1, "a b", false},
        {"argc=0, of which the kernel logs one", {SLICE("argc=0 a0=\"LC=x\"")}, "[LC=x]", 0, "LC=x", true},
        {"hexadecimal cut in a byte",
         {SLICE("argc=2 a0=\"a\" a1=6162206364207")},
         "[a][ab cd ]",
         2,
         "a ab cd ",
         false},
        {"cut in a piece", {SLICE("argc=1 a0_len=99 a0[0]=6162206364207")}, "-", 1, NULL, false},
        {"cut in its quotes", {SLICE("argc=3 a0=\"ss\" a1=\"-tl")}, "[ss][-tl]-", 3, "ss -tl", false},
        {"the last cut in its quotes", {SLICE("argc=2 a0=\"ss\" a1=\"-tl")}, "[ss][-tl]", 2, "ss -tl", false},
        {"cut at its quote", {SLICE("argc=2 a0=\"ss\" a1=\"")}, "[ss]-", 2, "ss", false},
        {"a number without its quotes", {SLICE("argc=1 a0=1234567")}, "[1234567]", 1, "1234567", true},
        {"odd and not the last",
         {SLICE("argc=2 a0=6162206364207 a1=\"b\"")},
         "[6162206364207][b]",
         2,
         "6162206364207 b",
         true},
        {"argc is no number", {SLICE("argc=x a0=\"a\"")}, "[a]", -1, "a", false},
        {"the first argc counts", {SLICE("argc=1 a0=\"a\" argc=2")}, "[a]", 1, "a", true},
        {"the first value counts", {SLICE("argc=1 a0=\"a\" a0=\"b\"")}, "[a]", 1, "a", true},
        {"null is a hole", {SLICE("argc=2 a0=\"a\" a1=(null)")}, "[a]-", 2, "a", false},
        {"fragments, length in digits",
         {SLICE("argc=2 a0=\"e\" a1_len=8 a1[0]=6161"), SLICE("a1[1]=6220")},
         "[e][aab ]",
         2,
         "e aab ",
         true},
        {"fragments, length in bytes",
         {SLICE("argc=1 a0_len=4 a0[0]=6161"), SLICE("a0[1]=6262")},
         "[aabb]",
         1,
         "aabb",
         true},
        {"fragments quoted", {SLICE("argc=1 a0_len=4 a0[0]=\"61\" a0[1]=\"62\"")}, "[6162]", 1, "6162", true},
        {"fragments reversed",
         {SLICE("a0[2]=\"c\""), SLICE("a0[1]=\"b\""), SLICE("argc=1 a0_len=3 a0[0]=\"a\"")},
         "[abc]",
         1,
         "abc",
         true},
        {"fragment missing",
         {SLICE("argc=2 a0_len=3 a0[0]=\"a\" a0[2]=\"c\" a1=\"z\"")},
         "-[z]",
         2,
         "z",
         false},
        {"last fragment missing", {SLICE("argc=1 a0_len=9 a0[0]=\"a\" a0[1]=\"b\"")}, "[ab]", 1, "ab", false},
        {"length too small", {SLICE("argc=1 a0_len=1 a0[0]=\"aa\"")}, "[aa]", 1, "aa", false},
        {"length and nothing else", {SLICE("argc=2 a0_len=9 a1=\"z\"")}, "-[z]", 2, "z", false},
        {"fragments without a length", {SLICE("argc=1 a0[0]=\"a\"")}, "[a]", 1, "a", false},
        {"whole and in fragments", {SLICE("argc=1 a0=\"w\" a0_len=1 a0[0]=\"f\"")}, "[w]", 1, "w", true},
        {"names that are none",
         {SLICE("argc=1 a=1 a0x=1 a0[=1 a0[]=1 a0_le=1 a-1=1 b0=1 a0=\"x\"")},
         "[x]",
         1,
         "x",
         true},
        {"an index of four billion",
         {SLICE("argc=2 a0=\"a\" a4294967296=\"b\" a99999999999999999999=\"c\"")},
         "[a]-",
         2,
         "a",
         false},
        {"a fragment of four billion",
         {SLICE("argc=1 a0_len=2 a0[0]=\"a\" a0[4294967296]=\"b\"")},
         "[a]",
         1,
         "a",
         false},
        {"cut", {SLICE("argc=3 a0=\"a\" a1=\"b\" a2=\"c")}, "[a][b][c]", 3, "a b c", false},
        {"cut, and whole later",
         {SLICE("argc=2 a0=\"a\" a1=\"b"), SLICE("argc=2 a0=\"a\" a1=\"bcd\"")},
         "[a][bcd]",
         2,
         "a bcd",
         true},
        {"whole, and cut later",
         {SLICE("argc=2 a0=\"a\" a1=\"bcd\""), SLICE("argc=2 a0=\"a\" a1=\"b")},
         "[a][bcd]",
         2,
         "a bcd",
         true},
    };
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct audit_event e = {0};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct event event;

        audit_event_reset(&e);
        for (size_t k = 0; k < MAX_RECORDS && rows[i].bodies[k].data; k++)
            cr_assert_neq(audit_event_take(&e, AUDIT_EXECVE, rows[i].bodies[k]), AUDIT_DUPLICATE, "%s",
                          rows[i].name);
        event = build(&e, &arena);
        cr_assert_str_eq(print_args(&event, &arena), rows[i].args, "%s", rows[i].name);
        cr_assert_eq(event.args_count, rows[i].count, "%s", rows[i].name);
        if (rows[i].command_line)
            assert_slice(event.command_line, rows[i].command_line, rows[i].name);
        else
            cr_assert(slice_is_absent(event.command_line), "%s", rows[i].name);
        cr_assert_eq(audit_event_has_args(&e), rows[i].is_whole, "%s", rows[i].name);
        cr_assert_eq(!!(audit_event_missing(&e) & AUDIT_EXECVE), !rows[i].is_whole, "%s", rows[i].name);
        arena_reset(&arena);
    }
    audit_event_done(&e);
}

#define EXEC "arch=c000003e syscall=59 success=yes "

Test(audit_event, what_should_have_come)
{
    static const struct {
        const char *name;
        struct body bodies[MAX_RECORDS];
        const char *incomplete; /* NULL: nothing is missing */
    } rows[] = {
        {"everything",
         {{AUDIT_SYSCALL, SLICE(EXEC "items=2")},
          {AUDIT_EXECVE, SLICE("argc=0")},
          {AUDIT_CWD, SLICE("cwd=\"/\"")},
          {AUDIT_PATH, SLICE("item=0 name=\"x\"")},
          {AUDIT_PATH, SLICE("item=1")}},
         NULL},
        {"SYSCALL alone", {{AUDIT_SYSCALL, SLICE(EXEC "items=2")}}, "EXECVE CWD PATH"},
        {"no items", {{AUDIT_SYSCALL, SLICE(EXEC)}, {AUDIT_CWD, SLICE("cwd=\"/\"")}}, "EXECVE"},
        {"one path of two, twice",
         {{AUDIT_SYSCALL, SLICE(EXEC "items=2")},
          {AUDIT_EXECVE, SLICE("argc=0")},
          {AUDIT_PATH, SLICE("item=1")},
          {AUDIT_PATH, SLICE("item=1")}},
         "CWD PATH"},
        {"a failed one needs no EXECVE",
         {{AUDIT_SYSCALL, SLICE("arch=c000003e syscall=59 success=no items=0")},
          {AUDIT_CWD, SLICE("cwd=\"/\"")}},
         NULL},
        {"but if there is one it should be whole",
         {{AUDIT_SYSCALL, SLICE("arch=c000003e syscall=59 success=no items=0")},
          {AUDIT_EXECVE, SLICE("argc=1")},
          {AUDIT_CWD, SLICE("cwd=\"/\"")}},
         "EXECVE"},
        {"paths beyond 64",
         {{AUDIT_SYSCALL, SLICE(EXEC "items=2")},
          {AUDIT_EXECVE, SLICE("argc=0")},
          {AUDIT_PATH, SLICE("item=64")},
          {AUDIT_PATH, SLICE("item=4294967295")}},
         "CWD"},
    };
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct audit_event e = {0};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct event event;

        audit_event_reset(&e);
        for (size_t k = 0; k < MAX_RECORDS && rows[i].bodies[k].kind; k++)
            cr_assert_geq(audit_event_take(&e, rows[i].bodies[k].kind, rows[i].bodies[k].body), 0);
        event = build(&e, &arena);
        if (rows[i].incomplete)
            assert_slice(event.audit.incomplete, rows[i].incomplete, rows[i].name);
        else
            cr_assert(slice_is_absent(event.audit.incomplete), "%s: %.*s", rows[i].name,
                      SLICE_FMT(event.audit.incomplete));
    }
    audit_event_done(&e);
}

Test(audit_event, the_same_again_is_a_duplicate)
{
    static const struct {
        const char *name;
        unsigned kind;
        struct slice first, second;
        int outcome;
    } rows[] = {
        {"SYSCALL", AUDIT_SYSCALL, SLICE(EXEC), SLICE(EXEC), AUDIT_DUPLICATE},
        {"CWD", AUDIT_CWD, SLICE("cwd=\"/\""), SLICE("cwd=\"/x\""), AUDIT_DUPLICATE},
        {"PROCTITLE", AUDIT_PROCTITLE, SLICE("proctitle=\"a\""), SLICE("proctitle=\"a\""), AUDIT_DUPLICATE},
        {"PATH, same item", AUDIT_PATH, SLICE("item=1"), SLICE("item=1"), AUDIT_DUPLICATE},
        {"PATH, other item", AUDIT_PATH, SLICE("item=1"), SLICE("item=0"), AUDIT_TAKEN},
        {"PATH without item", AUDIT_PATH, SLICE("item=1"), SLICE("name=\"x\""), AUDIT_TAKEN_BROKEN},
        {"EXECVE", AUDIT_EXECVE, SLICE("argc=2 a0=\"a\""), SLICE("argc=2 a0=\"a\""), AUDIT_DUPLICATE},
        {"EXECVE, argc=0", AUDIT_EXECVE, SLICE("argc=0"), SLICE("argc=0"), AUDIT_DUPLICATE},
        {"EXECVE, other argument", AUDIT_EXECVE, SLICE("argc=2 a0=\"a\""), SLICE("a1=\"a\""), AUDIT_TAKEN},
        {"EXECVE, one of them new", AUDIT_EXECVE, SLICE("argc=2 a0=\"a\""), SLICE("a0=\"a\" a1=\"a\""),
         AUDIT_TAKEN},
        {"fragment", AUDIT_EXECVE, SLICE("a1_len=2 a1[0]=\"a\""), SLICE("a1_len=2 a1[0]=\"a\""),
         AUDIT_DUPLICATE},
        {"next fragment", AUDIT_EXECVE, SLICE("a1_len=2 a1[0]=\"a\""), SLICE("a1[1]=\"a\""), AUDIT_TAKEN},
        {"fragment of what is whole", AUDIT_EXECVE, SLICE("a1=\"a\""), SLICE("a1[0]=\"a\""), AUDIT_DUPLICATE},
        {"cut", AUDIT_EXECVE, SLICE("argc=2 a0=\"a\""), SLICE("a1=\"a"), AUDIT_TAKEN_BROKEN},
    };
    struct audit_event e = {0};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        audit_event_reset(&e);
        cr_assert_eq(audit_event_take(&e, rows[i].kind, rows[i].first), AUDIT_TAKEN, "%s", rows[i].name);
        cr_assert_eq(audit_event_take(&e, rows[i].kind, rows[i].second), rows[i].outcome, "%s", rows[i].name);
    }
    audit_event_done(&e);
}

Test(audit_event, which_system_calls_start_a_process)
{
    static const struct {
        const char *name;
        struct slice syscall;
        bool has_execve;
        enum audit_exec exec;
    } rows[] = {
        {"x86_64 execve", SLICE("arch=c000003e syscall=59"), false, AUDIT_EXEC_YES},
        {"x86_64 execveat", SLICE("arch=c000003e syscall=322"), false, AUDIT_EXEC_YES},
        {"x86_64 clone", SLICE("arch=c000003e syscall=56"), false, AUDIT_EXEC_NO},
        {"x86_64 11 is munmap", SLICE("arch=c000003e syscall=11"), false, AUDIT_EXEC_NO},
        {"x32", SLICE("arch=c000003e syscall=1073741883"), false, AUDIT_EXEC_YES},
        {"x32's own number", SLICE("arch=c000003e syscall=1073742344"), false, AUDIT_EXEC_YES},
        {"i386", SLICE("arch=40000003 syscall=11"), false, AUDIT_EXEC_YES},
        {"i386 execveat", SLICE("arch=40000003 syscall=358"), false, AUDIT_EXEC_YES},
        {"i386 59 is oldolduname", SLICE("arch=40000003 syscall=59"), false, AUDIT_EXEC_NO},
        {"aarch64", SLICE("arch=c00000b7 syscall=221"), false, AUDIT_EXEC_YES},
        {"aarch64 execveat", SLICE("arch=c00000b7 syscall=281"), false, AUDIT_EXEC_YES},
        {"arm", SLICE("arch=40000028 syscall=11"), false, AUDIT_EXEC_YES},
        {"arm execveat", SLICE("arch=40000028 syscall=387"), false, AUDIT_EXEC_YES},
        {"ppc, as auditd writes it", SLICE("arch=14 syscall=11"), false, AUDIT_EXEC_YES},
        {"ppc64", SLICE("arch=80000015 syscall=11"), false, AUDIT_EXEC_YES},
        {"ppc64le", SLICE("arch=c0000015 syscall=11"), false, AUDIT_EXEC_YES},
        {"ppc64le execveat", SLICE("arch=c0000015 syscall=362"), false, AUDIT_EXEC_YES},
        {"ppc64le 59 is olduname", SLICE("arch=c0000015 syscall=59"), false, AUDIT_EXEC_NO},
        {"s390", SLICE("arch=16 syscall=11"), false, AUDIT_EXEC_YES},
        {"s390x", SLICE("arch=80000016 syscall=11"), false, AUDIT_EXEC_YES},
        {"s390x execveat", SLICE("arch=80000016 syscall=354"), false, AUDIT_EXEC_YES},
        {"s390x write", SLICE("arch=80000016 syscall=4"), false, AUDIT_EXEC_NO},
        {"riscv64", SLICE("arch=c00000f3 syscall=221"), false, AUDIT_EXEC_YES},
        {"riscv64 execveat", SLICE("arch=c00000f3 syscall=281"), false, AUDIT_EXEC_YES},
        {"loongarch64", SLICE("arch=c0000102 syscall=221"), false, AUDIT_EXEC_YES},
        {"mipsel, O32", SLICE("arch=40000008 syscall=4011"), false, AUDIT_EXEC_YES},
        {"mips64", SLICE("arch=80000008 syscall=5057"), false, AUDIT_EXEC_YES},
        {"mips64, N32", SLICE("arch=a0000008 syscall=6320"), false, AUDIT_EXEC_YES},
        {"parisc", SLICE("arch=f syscall=11"), false, AUDIT_EXEC_YES},
        {"another arch", SLICE("arch=c0009026 syscall=59"), false, AUDIT_EXEC_MAYBE},
        {"another arch with EXECVE", SLICE("arch=c0009026 syscall=59"), true, AUDIT_EXEC_YES},
        {"another arch, enriched", SLICE("arch=c0009026 syscall=59 ARCH=alpha SYSCALL=execve"), false,
         AUDIT_EXEC_YES},
        {"another arch, enriched otherwise", SLICE("arch=c0009026 syscall=4 ARCH=alpha SYSCALL=write"), false,
         AUDIT_EXEC_NO},
        {"no arch", SLICE("syscall=59"), false, AUDIT_EXEC_MAYBE},
        {"upper case", SLICE("arch=C000003E syscall=59"), false, AUDIT_EXEC_YES},
    };
    struct audit_event e = {0};

    audit_event_reset(&e);
    cr_assert_eq(audit_event_exec(&e), AUDIT_EXEC_MAYBE);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        audit_event_reset(&e);
        cr_assert_eq(audit_event_take(&e, AUDIT_SYSCALL, rows[i].syscall), AUDIT_TAKEN);
        if (rows[i].has_execve)
            cr_assert_eq(audit_event_take(&e, AUDIT_EXECVE, SLICE("argc=0")), AUDIT_TAKEN);
        cr_assert_eq(audit_event_exec(&e), rows[i].exec, "%s", rows[i].name);
    }
    audit_event_done(&e);
}

Test(audit_event, fields_mean_what_ECS_calls_them)
{
    static const struct body bodies[] = {
        {AUDIT_SYSCALL,
         SLICE(
             "arch=c000003e syscall=59 success=no exit=-2 a0=1 a1=2 items=1 ppid=10 pid=11 auid=1000 uid=0 "
             "gid=0 "
             "euid=-1 tty=pts0 ses=4294967295 comm=\"ss\" exe=2F746D702F61205B comm=\"forged\" key=\"k\"\x1d"
             "ARCH=x86_64 SYSCALL=execve AUID=\"alice\" UID=\"root\" GID=\"wheel\" EUID=\"unset\"")},
        {AUDIT_CWD, SLICE(" cwd=2F612062")},
        {AUDIT_PROCTITLE, SLICE("proctitle=73730061200000")},
    };
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct audit_event e = {0};
    struct event event;

    audit_event_reset(&e);
    e.time_usec = 1700000000123000;
    e.serial = 42;
    e.trust = TRUST_JOURNAL;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
        cr_assert_eq(audit_event_take(&e, bodies[i].kind, bodies[i].body), AUDIT_TAKEN);
    event = build(&e, &arena);
    cr_assert_eq(event.time_usec, 1700000000123000);
    cr_assert_eq(event.trust, TRUST_JOURNAL);
    assert_slice(event.format, "audit", "format");
    assert_slice(event.action, "executed", "action");
    cr_assert(event.is_failure);
    cr_assert(event.is_args_exact);
    assert_slice(event.host, "here", "host");
    assert_slice(event.process_name, "ss", "the first comm counts");
    assert_slice(event.executable, "/tmp/a [", "exe");
    assert_slice(event.working_directory, "/a b", "cwd");
    assert_slice(event.command_line, "ss a ", "the title stands in for EXECVE");
    cr_assert_eq(event.n_args, 0);
    cr_assert_eq(event.args_count, -1);
    assert_slice(event.tty, "pts0", "tty");
    cr_assert_eq(event.pid, 11);
    cr_assert_eq(event.parent_pid, 10);
    cr_assert_eq(event.actor_kind, ACTOR_PERSON);
    assert_slice(event.actor.name, "alice", "actor");
    assert_slice(event.actor.id, "1000", "actor");
    assert_slice(event.real.name, "root", "real");
    cr_assert(slice_is_absent(event.effective.name));
    cr_assert(slice_is_absent(event.effective.id));
    cr_assert(event.audit.is_present);
    cr_assert_eq(event.audit.serial, 42);
    cr_assert(event.audit.has_euid);
    cr_assert_eq(event.audit.euid, AUDIT_ID_UNSET);
    cr_assert(event.audit.has_gid);
    cr_assert_eq(event.audit.gid, 0);
    cr_assert(event.audit.has_exit);
    cr_assert_eq(event.audit.exit, -2);
    cr_assert(event.audit.has_ses);
    cr_assert_eq(event.audit.ses, AUDIT_ID_UNSET);
    assert_slice(event.audit.tty, "pts0", "tty");
    assert_slice(event.audit.success, "no", "success");
    assert_slice(event.audit.key, "k", "key");
    assert_slice(event.audit.emitted, "flush", "emitted");
    cr_assert(slice_is_absent(event.audit.node));
    audit_event_done(&e);
}

Test(audit_event, words_for_none_are_absent)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct audit_event e = {0};
    struct event event;

    audit_event_reset(&e);
    cr_assert_eq(
        audit_event_take(&e, AUDIT_SYSCALL,
                         SLICE("tty=\"(none)\" comm=\"\" exe=\"/bin/ss\" key=(null) ses=4296967295")),
        AUDIT_TAKEN);
    cr_assert_eq(audit_event_set_text(&e, AUDIT_TEXT_NODE, SLICE("node1")), 0);
    cr_assert_eq(audit_event_set_text(&e, AUDIT_TEXT_HOST, SLICE("host1")), 0);
    cr_assert_eq(audit_event_set_text(&e, AUDIT_TEXT_UNIT, SLICE("a.service")), 0);
    event = build(&e, &arena);
    cr_assert(slice_is_absent(event.tty));
    cr_assert(slice_is_absent(event.audit.tty));
    cr_assert(slice_is_absent(event.audit.key));
    cr_assert_not(event.audit.has_ses, "above 32 bits");
    cr_assert_not(event.audit.has_auid);
    assert_slice(event.process_name, "ss", "base name of exe");
    assert_slice(event.host, "node1", "the node goes before the host");
    assert_slice(event.audit.node, "node1", "node");
    assert_slice(event.unit, "a.service", "unit");
    cr_assert_eq(event.pid, -1);
    audit_event_done(&e);
}

Test(audit_event, a_path_in_quotes_that_reads_like_none_is_a_path)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct audit_event e = {0};
    struct event event;

    audit_event_reset(&e);
    cr_assert_eq(audit_event_take(&e, AUDIT_SYSCALL, SLICE("comm=(null) exe=\"(null)\"")), AUDIT_TAKEN);
    cr_assert_eq(audit_event_take(&e, AUDIT_CWD, SLICE("cwd=\"(none)\"")), AUDIT_TAKEN);
    event = build(&e, &arena);
    assert_slice(event.executable, "(null)", "exe");
    assert_slice(event.process_name, "(null)", "base name of exe");
    assert_slice(event.working_directory, "(none)", "cwd");
    audit_event_reset(&e);
    cr_assert_eq(audit_event_take(&e, AUDIT_SYSCALL, SLICE("comm=(null) exe=(null)")), AUDIT_TAKEN);
    cr_assert_eq(audit_event_take(&e, AUDIT_CWD, SLICE("cwd=(null)")), AUDIT_TAKEN);
    event = build(&e, &arena);
    cr_assert(slice_is_absent(event.executable));
    cr_assert(slice_is_absent(event.process_name));
    cr_assert(slice_is_absent(event.working_directory));
    audit_event_done(&e);
}

Test(audit_event, lies_cost_no_more_than_the_limit)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(buffer_done) struct buffer body = BUFFER_INIT;
    struct audit_event e = {0};
    struct event event;
    int r = 0;

    /* argc of a hundred thousand and three arguments */
    audit_event_reset(&e);
    cr_assert_eq(audit_event_take(&e, AUDIT_EXECVE, SLICE("argc=100000 a0=\"a\" a1=\"b\" a2=\"c\"")),
                 AUDIT_TAKEN);
    event = build(&e, &arena);
    cr_assert_eq(event.args_count, 100000);
    cr_assert_eq(event.n_args, 3 + 4096);
    assert_slice(event.command_line, "a b c", "command line");

    /* the last argument there is room for, and more announced */
    audit_event_reset(&e);
    cr_assert_eq(audit_event_take(&e, AUDIT_EXECVE, SLICE("argc=100000 a65535=\"z\"")), AUDIT_TAKEN);
    event = build(&e, &arena);
    cr_assert_eq(event.n_args, 65536);
    assert_slice(event.args[65535], "z", "the last one");

    /* many arguments of many fragments, each announced by its last */
    audit_event_reset(&e);
    for (unsigned i = 0; i < 20000; i++)
        r |= buffer_append_format(&body, "a%u[1023]=\"x\" ", i);
    cr_assert_eq(r, 0);
    cr_assert_eq(audit_event_take(&e, AUDIT_EXECVE, buffer_slice(&body)), AUDIT_TAKEN);
    cr_assert(e.is_cut);
    cr_assert_leq(audit_event_bytes(&e), (9U << 20));

    /* more argument bytes than any kernel takes, then some more records */
    audit_event_reset(&e);
    buffer_clear(&body);
    r |= buffer_append_format(&body, "a0=\"");
    for (unsigned i = 0; i < 5U << 20; i++)
        r |= buffer_append_char(&body, 'x');
    r |= buffer_append_format(&body, "\"");
    cr_assert_eq(r, 0);
    cr_assert_eq(audit_event_take(&e, AUDIT_EXECVE, buffer_slice(&body)), AUDIT_TAKEN);
    body.data[1] = '1';
    cr_assert_eq(audit_event_take(&e, AUDIT_EXECVE, buffer_slice(&body)), AUDIT_TAKEN);
    cr_assert_eq(audit_event_take(&e, AUDIT_EXECVE, SLICE("argc=3 a2=\"z\"")), AUDIT_TAKEN);
    cr_assert(e.is_cut);
    event = build(&e, &arena);
    cr_assert_eq(event.n_args, 3);
    cr_assert_eq(event.args[0].len, 5U << 20);
    cr_assert(slice_is_absent(event.args[1]));
    assert_slice(event.args[2], "z", "what fits is taken");

    /* a path longer than any */
    audit_event_reset(&e);
    memcpy(body.data, "cwd=\"", 5);
    cr_assert_eq(audit_event_take(&e, AUDIT_CWD, buffer_slice(&body)), AUDIT_TAKEN_BROKEN);
    audit_event_done(&e);
}
