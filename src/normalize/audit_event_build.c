/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the records of one event say, as a process start. Nothing is guessed: what did not come is absent, an
 * argument that did not come is a hole at its place. The command line is the arguments that did come, joined
 * by blanks; PROCTITLE stands in for it only where there is no EXECVE at all, since the kernel cuts it at 128
 * bytes and the process can rewrite it.
 *
 * args has argc entries, or more where there were more, with two limits: the table of arguments
 * (audit_event.c), and MAX_TRAILING_HOLES, since a forged argc of a few digits must not become hundreds of
 * kilobytes of output. args_count always says argc.
 *
 * Linear in what the event holds. Strings stay where they are; only joined ones are copied.
 */
#include "normalize/audit_event.h"

#include <errno.h>

#include "normalize/identity.h"

/* chosen: above any number of arguments that lost records could have carried at usual sizes */
#define MAX_TRAILING_HOLES 4096U

/* Absent where the kernel says "none" in words. */
static struct slice text_or_absent(const struct audit_event *e, enum audit_text which)
{
    struct slice s = audit_event_text(e, which);

    return s.len == 0 || slice_equal(s, SLICE("(none)")) || slice_equal(s, SLICE("(null)")) ? SLICE_NULL : s;
}

/* Of what anyone may choose: the bare (null) was dropped as it was read, quoted the words are a text. */
static struct slice chosen_or_absent(const struct audit_event *e, enum audit_text which)
{
    struct slice s = audit_event_text(e, which);

    return s.len == 0 ? SLICE_NULL : s;
}

static bool find_number(const struct audit_event *e, enum audit_number which, uint32_t *ret_v)
{
    *ret_v = e->numbers[which];
    return e->has_numbers & UINT32_C(1) << which;
}

static struct slice span_slice(const struct audit_event *e, struct audit_span span)
{
    return slice_new(buffer_slice(&e->text).data + span.at, span.len);
}

static int join_split(const struct audit_event *e, const struct audit_split *s, struct arena *arena,
                      struct slice *ret_arg)
{
    size_t len = 0;
    char *p;

    *ret_arg = SLICE_NULL;
    if (s->n_present == 0 || s->n_present < s->n_fragments)
        return 0;
    p = arena_alloc(arena, s->decoded_len > 0 ? s->decoded_len : 1);
    if (!p)
        return -ENOMEM;
    for (uint32_t k = 0; k < s->n_fragments; k++) {
        struct slice fragment = span_slice(e, s->fragments[k]);

        memcpy(p + len, fragment.data, fragment.len);
        len += fragment.len;
    }
    *ret_arg = slice_new(p, len);
    return 0;
}

static int build_args(const struct audit_event *e, struct arena *arena, struct event *event)
{
    size_t n = e->n_args;
    int r;

    if (!(e->kinds & AUDIT_EXECVE))
        return 0;
    if (e->has_argc) {
        n = MIN((size_t)e->n_args + MAX_TRAILING_HOLES, (size_t)AUDIT_MAX_ARGS);
        n = MAX((size_t)e->n_args, (size_t)MIN(e->argc, n));
        event->args_count = (int64_t)e->argc;
    }
    if (n == 0)
        return 0;
    event->args = arena_calloc(arena, n, sizeof(*event->args));
    if (!event->args)
        return -ENOMEM;
    event->n_args = n;
    for (size_t i = 0; i < MIN(n, (size_t)e->n_args); i++) {
        struct audit_span span = e->args[i];

        if (span.len == AUDIT_SPAN_SPLIT) {
            r = join_split(e, &e->splits[span.at], arena, &event->args[i]);
            if (r < 0)
                return r;
        } else if (span.len != AUDIT_SPAN_ABSENT) {
            event->args[i] = span_slice(e, span);
        } else if (i == e->numbers[AUDIT_NUMBER_HALF]) {
            event->args[i] = audit_event_text(e, AUDIT_TEXT_HALF);
        }
    }
    return 0;
}

static int build_command_line(const struct audit_event *e, struct arena *arena, struct event *event)
{
    struct slice title = chosen_or_absent(e, AUDIT_TEXT_PROCTITLE);
    size_t size = 0, len = 0;
    bool is_first = true;
    char *p;

    if (!(e->kinds & AUDIT_EXECVE)) {
        /* the kernel separates arguments by NUL and may cut after one */
        while (title.len > 0 && title.data[title.len - 1] == '\0')
            title.len--;
        if (title.len == 0)
            return 0;
        p = arena_alloc(arena, title.len);
        if (!p)
            return -ENOMEM;
        for (size_t i = 0; i < title.len; i++)
            p[i] = title.data[i] == '\0' ? ' ' : title.data[i];
        event->command_line = slice_new(p, title.len);
        return 0;
    }
    for (size_t i = 0; i < event->n_args; i++)
        if (!slice_is_absent(event->args[i]))
            size += event->args[i].len + 1;
    if (size <= 1) /* no argument, or one empty one */
        return 0;
    p = arena_alloc(arena, size);
    if (!p)
        return -ENOMEM;
    for (size_t i = 0; i < event->n_args; i++) {
        if (slice_is_absent(event->args[i]))
            continue;
        if (!is_first)
            p[len++] = ' ';
        is_first = false;
        memcpy(p + len, event->args[i].data, event->args[i].len);
        len += event->args[i].len;
    }
    event->command_line = slice_new(p, len);
    return 0;
}

static struct slice missing_text(unsigned missing)
{
    static const struct {
        unsigned missing;
        struct slice text;
    } rows[] = {
        {AUDIT_EXECVE, SLICE("EXECVE")},
        {AUDIT_CWD, SLICE("CWD")},
        {AUDIT_PATH, SLICE("PATH")},
        {AUDIT_EXECVE | AUDIT_CWD, SLICE("EXECVE CWD")},
        {AUDIT_EXECVE | AUDIT_PATH, SLICE("EXECVE PATH")},
        {AUDIT_CWD | AUDIT_PATH, SLICE("CWD PATH")},
        {AUDIT_EXECVE | AUDIT_CWD | AUDIT_PATH, SLICE("EXECVE CWD PATH")},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].missing == missing)
            return rows[i].text;
    return SLICE_NULL;
}

static struct identity_user identity_user(const struct audit_event *e, enum audit_number number,
                                          enum audit_text name)
{
    struct identity_user user = {.name = audit_event_text(e, name)};

    user.has_number = find_number(e, number, &user.number);
    return user;
}

int audit_event_build(const struct audit_event *e, const struct uid_map *uid_map, struct slice host,
                      struct slice emitted, struct arena *arena, struct event *ret_event)
{
    const struct identity_input who = {
        .login = identity_user(e, AUDIT_NUMBER_AUID, AUDIT_TEXT_AUID_NAME),
        .real = identity_user(e, AUDIT_NUMBER_UID, AUDIT_TEXT_UID_NAME),
        .effective = identity_user(e, AUDIT_NUMBER_EUID, AUDIT_TEXT_EUID_NAME),
    };
    struct event event = EVENT_INIT;
    struct slice node = audit_event_text(e, AUDIT_TEXT_NODE);
    uint32_t v;
    int r;

    event.time_usec = e->time_usec;
    event.trust = e->trust;
    event.format = SLICE("audit");
    event.action = SLICE("executed");
    event.is_failure = audit_event_is_failure(e);
    event.host = !slice_is_absent(node) ? node
                 : !slice_is_absent(audit_event_text(e, AUDIT_TEXT_HOST))
                     ? audit_event_text(e, AUDIT_TEXT_HOST)
                     : host;
    event.executable = chosen_or_absent(e, AUDIT_TEXT_EXE);
    event.process_name = audit_event_process_name(e);
    event.working_directory = chosen_or_absent(e, AUDIT_TEXT_CWD);
    event.tty = text_or_absent(e, AUDIT_TEXT_TTY);
    event.unit = text_or_absent(e, AUDIT_TEXT_UNIT);
    if (find_number(e, AUDIT_NUMBER_PID, &v))
        event.pid = v;
    if (find_number(e, AUDIT_NUMBER_PPID, &v))
        event.parent_pid = v;
    event.audit = (struct event_audit){
        .is_present = true,
        .has_serial = true,
        .serial = e->serial,
        .has_auid = who.login.has_number,
        .auid = who.login.number,
        .has_uid = who.real.has_number,
        .uid = who.real.number,
        .has_euid = who.effective.has_number,
        .euid = who.effective.number,
        .tty = event.tty,
        .success = text_or_absent(e, AUDIT_TEXT_SUCCESS),
        .key = text_or_absent(e, AUDIT_TEXT_KEY),
        .node = node,
        .emitted = emitted,
        .incomplete = missing_text(audit_event_missing(e)),
    };
    event.audit.has_ses = find_number(e, AUDIT_NUMBER_SES, &event.audit.ses);
    event.audit.has_gid = find_number(e, AUDIT_NUMBER_GID, &event.audit.gid);
    event.audit.has_exit = find_number(e, AUDIT_NUMBER_EXIT, &v);
    event.audit.exit = event.audit.has_exit ? (int32_t)v : 0;
    r = identity_resolve(&who, uid_map, arena, &event);
    if (r < 0)
        return r;
    r = build_args(e, arena, &event);
    if (r < 0)
        return r;
    r = build_command_line(e, arena, &event);
    if (r < 0)
        return r;
    *ret_event = event;
    return 0;
}
