/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Events as bytes: the way there and back, and bytes nobody wrote.
 */
#include "event/event.h"

#include <errno.h>

#include "support.h"
#include "util/cleanup.h"

static struct slice args[] = {{"ss", 2}, {NULL, 0}, {"", 0}, {"a\0\xff", 3}};

/* Every member differs from its default and from its neighbours. */
static struct event full_event(void)
{
    return (struct event){
        .time_usec = INT64_C(1769860800123456),
        .trust = TRUST_KERNEL,
        .format = SLICE("audit"),
        .action = SLICE("executed"),
        .is_failure = true,
        .is_ambiguous = true,
        .is_joined = true,
        .is_cut = true,
        .host = SLICE("web-1"),
        .actor_kind = ACTOR_NUMERIC,
        .actor = {SLICE("alice"), SLICE("1000")},
        .real = {SLICE_NULL, SLICE("1001")},
        .effective = {SLICE("root"), SLICE("0")},
        .process_name = SLICE("ss"),
        .executable = SLICE("/usr/bin/ss"),
        .command_line = SLICE("ss -tlnp \xff\0x"),
        .working_directory = SLICE("/root"),
        .tty = SLICE("pts/0"),
        .unit = SLICE("cron.service"),
        .args = args,
        .n_args = ARRAY_SIZE(args),
        .args_count = 9,
        .is_args_exact = false,
        .pid = 4242,
        .parent_pid = INT64_MAX,
        .parent_name = SLICE("bash"),
        .parent_executable = SLICE(""),
        .login_source_ip = SLICE("192.0.2.1"),
        .audit = {.is_present = true,
                  .has_auid = true,
                  .has_uid = true,
                  .has_euid = true,
                  .has_ses = true,
                  .has_serial = true,
                  .auid = 1000,
                  .uid = 1001,
                  .euid = 2,
                  .ses = AUDIT_ID_UNSET,
                  .has_gid = true,
                  .gid = 7,
                  .has_exit = true,
                  .exit = -13,
                  .serial = UINT64_MAX,
                  .tty = SLICE("pts0"),
                  .success = SLICE("no"),
                  .key = SLICE("k"),
                  .node = SLICE("n"),
                  .emitted = SLICE("eoe"),
                  .incomplete = SLICE("CWD PATH")},
    };
}

static void assert_same(struct slice a, struct slice b, const char *name)
{
    cr_assert(slice_equal(a, b), "%s", name);
    cr_assert_eq(slice_is_absent(a), slice_is_absent(b), "%s", name);
}

#define SAME_SLICE(member)   assert_same(a->member, b->member, #member)
#define SAME_INTEGER(member) cr_assert_eq(a->member, b->member, #member)

static void assert_same_event(const struct event *a, const struct event *b)
{
    SAME_INTEGER(time_usec);
    SAME_INTEGER(trust);
    SAME_SLICE(format);
    SAME_SLICE(action);
    SAME_INTEGER(is_failure);
    SAME_INTEGER(is_ambiguous);
    SAME_INTEGER(is_joined);
    SAME_INTEGER(is_cut);
    SAME_SLICE(host);
    SAME_INTEGER(actor_kind);
    SAME_SLICE(actor.name);
    SAME_SLICE(actor.id);
    SAME_SLICE(real.name);
    SAME_SLICE(real.id);
    SAME_SLICE(effective.name);
    SAME_SLICE(effective.id);
    SAME_SLICE(process_name);
    SAME_SLICE(executable);
    SAME_SLICE(command_line);
    SAME_SLICE(working_directory);
    SAME_SLICE(tty);
    SAME_SLICE(unit);
    SAME_INTEGER(n_args);
    for (size_t i = 0; i < a->n_args; i++)
        SAME_SLICE(args[i]);
    SAME_INTEGER(args_count);
    SAME_INTEGER(is_args_exact);
    SAME_INTEGER(pid);
    SAME_INTEGER(parent_pid);
    SAME_SLICE(parent_name);
    SAME_SLICE(parent_executable);
    SAME_SLICE(login_source_ip);
    SAME_INTEGER(audit.is_present);
    SAME_INTEGER(audit.has_auid);
    SAME_INTEGER(audit.has_uid);
    SAME_INTEGER(audit.has_euid);
    SAME_INTEGER(audit.has_gid);
    SAME_INTEGER(audit.gid);
    SAME_INTEGER(audit.has_exit);
    SAME_INTEGER(audit.exit);
    SAME_INTEGER(audit.has_ses);
    SAME_INTEGER(audit.has_serial);
    SAME_INTEGER(audit.auid);
    SAME_INTEGER(audit.uid);
    SAME_INTEGER(audit.euid);
    SAME_INTEGER(audit.ses);
    SAME_INTEGER(audit.serial);
    SAME_SLICE(audit.tty);
    SAME_SLICE(audit.success);
    SAME_SLICE(audit.key);
    SAME_SLICE(audit.node);
    SAME_SLICE(audit.emitted);
    SAME_SLICE(audit.incomplete);
}

Test(codec, every_member_comes_back)
{
    const struct event events[] = {full_event(), EVENT_INIT};

    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;
        _cleanup_(arena_done) struct arena arena = ARENA_INIT;
        struct event loaded;

        cr_assert_eq(event_save(&events[i], &b), 0);
        cr_assert_eq(event_load(buffer_slice(&b), &arena, &loaded), 0);
        assert_same_event(&events[i], &loaded);
    }
}

Test(codec, saving_follows_what_the_buffer_holds)
{
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct event event = full_event(), loaded;

    cr_assert_eq(buffer_append(&b, "head", 4), 0);
    cr_assert_eq(event_save(&event, &b), 0);
    cr_assert_eq(event_load(slice_skip(buffer_slice(&b), 4), &arena, &loaded), 0);
    assert_same_event(&event, &loaded);
}

Test(codec, every_cut_and_every_addition_is_a_bad_message)
{
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct event event = full_event(), loaded;

    cr_assert_eq(event_save(&event, &b), 0);
    for (size_t n = 0; n < b.len; n++) {
        /* a copy of its own, so that a read beyond its end is seen */
        _cleanup_(freep) char *head = malloc(n > 0 ? n : 1);

        cr_assert_not_null(head);
        memcpy(head, b.data, n);
        cr_assert_eq(event_load(slice_new(head, n), &arena, &loaded), -EBADMSG, "%zu of %zu bytes", n, b.len);
        arena_reset(&arena);
    }
    cr_assert_eq(buffer_append_char(&b, '\0'), 0);
    cr_assert_eq(event_load(buffer_slice(&b), &arena, &loaded), -EBADMSG);
    cr_assert_eq(event_load(SLICE_NULL, &arena, &loaded), -EBADMSG);
}

Test(codec, changed_bytes_are_refused_or_give_another_event_but_never_harm)
{
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;
    _cleanup_(buffer_done) struct buffer again = BUFFER_INIT;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct event event = full_event(), loaded;

    cr_assert_eq(event_save(&event, &b), 0);
    for (size_t i = 0; i < b.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            b.data[i] = (char)(b.data[i] ^ (1 << bit));
            if (event_load(buffer_slice(&b), &arena, &loaded) == 0) {
                cr_assert_leq(loaded.trust, TRUST_KERNEL);
                cr_assert_leq(loaded.actor_kind, ACTOR_NUMERIC);
                /* what is taken is what would have been written */
                buffer_clear(&again);
                cr_assert_eq(event_save(&loaded, &again), 0);
                cr_assert(slice_equal(buffer_slice(&again), buffer_slice(&b)), "byte %zu, bit %u", i, bit);
            }
            b.data[i] = (char)(b.data[i] ^ (1 << bit));
            arena_reset(&arena);
        }
}

Test(codec, reads_what_earlier_versions_wrote)
{
    /* what stands before the arguments since then: is_joined and is_cut, gid and exit */
    static const struct {
        uint32_t version;
        size_t n_missing;
    } rows[] = {{1, 6}, {2, 4}};
    const size_t n_args_bytes = sizeof(uint32_t);

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(buffer_done) struct buffer b = BUFFER_INIT, old = BUFFER_INIT;
        _cleanup_(arena_done) struct arena arena = ARENA_INIT;
        struct event event = full_event(), loaded;

        event.n_args = 0;
        event.audit.has_gid = event.audit.has_exit = false;
        event.audit.gid = 0;
        event.audit.exit = 0;
        if (rows[i].version == 1)
            event.is_joined = event.is_cut = false;
        cr_assert_eq(event_save(&event, &b), 0);
        cr_assert_eq(buffer_append_u32(&old, rows[i].version), 0);
        cr_assert_eq(
            buffer_append(&old, b.data + 4, b.len - 4 - rows[i].n_missing * sizeof(uint64_t) - n_args_bytes),
            0);
        cr_assert_eq(buffer_append_u32(&old, 0), 0);
        cr_assert_eq(event_load(buffer_slice(&old), &arena, &loaded), 0, "version %u", rows[i].version);
        assert_same_event(&event, &loaded);
    }
}

Test(codec, a_lie_about_the_number_of_arguments_allocates_nothing)
{
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct event event = EVENT_INIT, loaded;

    cr_assert_eq(event_save(&event, &b), 0);
    memset(b.data + b.len - 4, 0xff, 4); /* the number of arguments is last */
    cr_assert_eq(event_load(buffer_slice(&b), &arena, &loaded), -EBADMSG);
    cr_assert_eq(arena.allocated_bytes, 0);
}
