/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A stream that is cut and goes on in a fresh assembler is the stream that was not cut: at every position,
 * and in every byte. And bytes that were not written by save are refused without harm.
 */
#include "normalize/audit.h"

#include <errno.h>

#include "audit_fixture.h"

/* everything the state knows: split arguments, holes, nodes, lateness, duplicates, failures, time limits */
static const char stream[] =
    "type=SYSCALL msg=audit(100.000:1): arch=c000003e syscall=59 success=yes items=2 ppid=1 pid=2 auid=1000 "
    "uid=0 "
    "euid=0 tty=pts0 ses=3 comm=\"ss\" exe=\"/bin/ss\" key=(null)\x1d"
    "ARCH=x86_64 AUID=\"alice\" UID=\"root\"\n"
    "node=web type=SYSCALL msg=audit(100.000:1): arch=c000003e syscall=59 success=yes items=1 pid=3 "
    "auid=4294967295 "
    "uid=33 euid=33 comm=\"sh\"\n"
    "type=EXECVE msg=audit(100.000:1): argc=3 a0=\"ss\" a1_len=6 a1[0]=616162\n"
    "type=PROCTITLE msg=audit(100.001:2): proctitle=6C73\n"
    "type=EXECVE msg=audit(100.000:1): a1[2]=\"c\" a2=\"end\"\n"
    "type=PATH msg=audit(100.000:1): item=1\n"
    "type=PATH msg=audit(100.000:1): item=1\n"
    "type=EXECVE msg=audit(100.000:1): a1[1]=\"bb\"\n"
    "node=web type=EXECVE msg=audit(100.000:1): argc=3 a0=\"sh\" a2=\"\"\n"
    "type=CWD msg=audit(100.000:1): cwd=\"/root\"\n"
    "type=PATH msg=audit(100.000:1): item=0\n"
    "type=EOE msg=audit(100.000:1): \n"
    "type=CWD msg=audit(100.000:1): cwd=\"/again\"\n"
    "type=SYSCALL msg=audit(101.000:3): arch=c000003e syscall=2 success=yes\n"
    "type=SYSCALL msg=audit(103.000:4): arch=c000003e syscall=59 success=no items=0 pid=4 auid=7 uid=7\n"
    "type=EXECVE msg=audit(103.500:5): argc=1 a0=\"lost\"\n"
    "type=PROCTITLE msg=audit(101.000:3): proctitle=6C73\n"
    "type=SYSCALL msg=audit(105.100:6): arch=80000016 syscall=11 success=yes items=0 pid=5\n"
    "node=web type=CWD msg=audit(105.200:9): cwd=\"/\"\n"
    "type=SYSCALL msg=audit(20.000:7): arch=c000003e syscall=59 success=yes items=0 pid=6\n"
    "type=SYSCALL msg=audit(108.000:8): arch=c000003e syscall=2\n"
    "type=EXECVE msg=audit(105.100:6): argc=1 a0=\"s390\"\n"
    "type=LOGIN msg=audit(110.200:10): pid=1\n"
    "node=web type=EXECVE msg=audit(100.000:1): a1=\"late\"\n"
    "type=SYSCALL msg=audit(112.000:11): arch=c00000b7 syscall=221 success=yes items=0 pid=8 auid=9 uid=9\n"
    "node=web type=LOGIN msg=audit(180.000:12): pid=1\n"
    "type=EOE msg=audit(112.000:11): \n"
    "type=SYSCALL msg=audit(180.000:13): arch=c000003e syscall=59 success=yes items=0 pid=9 auid=9 uid=9\n";

#define MAX_LINES 64

static struct audit_assembler *new_assembler(struct normalizer_stats *stats)
{
    struct audit_assembler *a;

    cr_assert_eq(audit_assembler_new(&(struct audit_options){.host = SLICE("here")}, stats, &a), 0);
    return a;
}

static size_t split_stream(struct audit_record records[MAX_LINES])
{
    struct slice text = slice_new(stream, sizeof(stream) - 1);
    size_t n = 0;

    while (text.len > 0) {
        cr_assert_lt(n, MAX_LINES);
        cr_assert(split_header(next_line(&text), &records[n]), "line %zu", n + 1);
        /* some that anyone could have written */
        if (records[n].serial == 4 || records[n].serial == 13)
            records[n].trust = TRUST_LOW;
        n++;
    }
    return n;
}

Test(audit_state, a_stream_cut_anywhere_goes_on_the_same)
{
    struct audit_record records[MAX_LINES];
    size_t n = split_stream(records);
    struct normalizer_stats stats = {0};
    struct collector whole = {0}, cut = {0};
    struct audit_assembler *a = new_assembler(&stats);

    for (size_t i = 0; i < n; i++)
        cr_assert_eq(audit_assembler_feed(a, &records[i], collect, &whole), 0);
    cr_assert_eq(audit_assembler_flush(a, collect, &whole), 0);
    cr_assert_eq(whole.n, 7);
    audit_assembler_free(a);
    cr_assert_eq(stats.n_used + stats.n_ignored + stats.n_quarantined, n);
    cr_assert_gt(stats.n_late, 0);
    cr_assert_gt(stats.n_duplicates, 0);
    cr_assert_gt(stats.n_quarantined, 0);

    for (size_t at = 0; at <= n; at++) {
        _cleanup_(buffer_done) struct buffer state = BUFFER_INIT;
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT;
        size_t n_pending;

        collector_clear(&cut);
        a = new_assembler(&stats);
        for (size_t i = 0; i < at; i++)
            cr_assert_eq(audit_assembler_feed(a, &records[i], collect, &cut), 0);
        cr_assert_eq(audit_assembler_save(a, &state), 0);
        n_pending = audit_assembler_n_pending(a);
        audit_assembler_free(a);

        a = new_assembler(&stats);
        cr_assert_eq(audit_assembler_load(a, buffer_slice(&state)), 0, "cut at %zu", at);
        cr_assert_eq(audit_assembler_n_pending(a), n_pending, "cut at %zu", at);
        cr_assert_eq(audit_assembler_save(a, &again), 0);
        cr_assert(slice_equal(buffer_slice(&state), buffer_slice(&again)), "cut at %zu", at);
        for (size_t i = at; i < n; i++)
            cr_assert_eq(audit_assembler_feed(a, &records[i], collect, &cut), 0);
        cr_assert_eq(audit_assembler_flush(a, collect, &cut), 0);
        audit_assembler_free(a);

        cr_assert_eq(cut.n, whole.n, "cut at %zu: %zu events", at, cut.n);
        for (size_t i = 0; i < whole.n; i++)
            cr_assert(slice_equal(buffer_slice(&cut.items[i].bytes), buffer_slice(&whole.items[i].bytes)),
                      "cut at %zu, event %zu", at, i);
    }
    collector_done(&whole);
    collector_done(&cut);
}

/* The state in the middle of the stream, where it knows most. */
static void save_middle(struct buffer *out)
{
    struct audit_record records[MAX_LINES];
    struct normalizer_stats stats = {0};
    struct audit_assembler *a = new_assembler(&stats);
    struct collector c = {0};

    (void)split_stream(records);
    for (size_t i = 0; i < 9; i++)
        cr_assert_eq(audit_assembler_feed(a, &records[i], collect, &c), 0);
    records[14].time_usec = records[0].time_usec;
    cr_assert_eq(audit_assembler_feed(a, &records[13], collect, &c), 0);
    cr_assert_eq(audit_assembler_feed(a, &records[14], collect, &c), 0);
    cr_assert_eq(audit_assembler_save(a, out), 0);
    audit_assembler_free(a);
    collector_done(&c);
}

Test(audit_state, cut_and_changed_bytes_are_refused_or_harmless)
{
    _cleanup_(buffer_done) struct buffer state = BUFFER_INIT;
    _cleanup_(buffer_done) struct buffer again = BUFFER_INIT;
    struct normalizer_stats stats = {0};
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = new_assembler(&stats);
    struct collector c = {0};

    save_middle(&state);
    for (size_t n = 0; n < state.len; n++) {
        _cleanup_(freep) char *head = malloc(n > 0 ? n : 1);

        memcpy(head, state.data, n);
        cr_assert_eq(audit_assembler_load(a, slice_new(head, n)), -EBADMSG, "%zu of %zu bytes", n, state.len);
        cr_assert_eq(audit_assembler_n_pending(a), 0);
    }
    for (size_t i = 0; i < state.len; i++) {
        char kept = state.data[i];

        state.data[i] = (char)(kept ^ (1 << (i % 8)));
        if (audit_assembler_load(a, buffer_slice(&state)) == 0) {
            /* what is taken is what would have been written */
            buffer_clear(&again);
            cr_assert_eq(audit_assembler_save(a, &again), 0);
            cr_assert(slice_equal(buffer_slice(&again), buffer_slice(&state)), "byte %zu", i);
            cr_assert_eq(audit_assembler_flush(a, collect, &c), 0);
            collector_clear(&c);
        }
        state.data[i] = kept;
    }
    cr_assert_eq(buffer_append_char(&state, '\0'), 0);
    cr_assert_eq(audit_assembler_load(a, buffer_slice(&state)), -EBADMSG);
    collector_done(&c);
}

Test(audit_state, what_was_loaded_waits_from_the_moment_the_time_is_known)
{
    _cleanup_(buffer_done) struct buffer state = BUFFER_INIT;
    struct normalizer_stats stats = {0};
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = new_assembler(&stats);
    struct collector c = {0};

    save_middle(&state);
    cr_assert_eq(audit_assembler_load(a, buffer_slice(&state)), 0);
    cr_assert_eq(audit_assembler_deadline_usec(a), 0);
    cr_assert_eq(audit_assembler_advance(a, 900000000, collect, &c), 0);
    cr_assert_eq(c.n, 0);
    cr_assert_eq(audit_assembler_deadline_usec(a), 902000000);
    cr_assert_eq(audit_assembler_advance(a, 902000000, collect, &c), 0);
    cr_assert_eq(audit_assembler_n_pending(a), 0);
    cr_assert_eq(stats.n_used + stats.n_quarantined + stats.n_ignored, 0, "counted where it was fed");
    collector_done(&c);
}
