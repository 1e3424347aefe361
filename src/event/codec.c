/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An event as bytes: what an open bucket remembers of the last event of each user, so that an alert that
 * falls due only when the bucket closes (perhaps after a restart) can still say what was run. Version byte,
 * then every member in the order of the struct. The member list below is walked by the writer and the reader
 * alike, so the two cannot differ.
 */
#include "event/event.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "util/cleanup.h"

/* raised with every change of the member list; an older one is refused (the store's migration re-learns the
 * bucket), but for 1, which has not the members of LATER_MEMBERS, and 2, which has not those of
 * LATEST_MEMBERS */
#define CODEC_VERSION       3U
#define CODEC_VERSION_LATER 2U
#define CODEC_VERSION_FIRST 1U
/* an execve takes at most ARG_MAX bytes of arguments, each at least its NUL: kernel
   include/uapi/linux/limits.h, and the stack limit lets it grow to 6 MiB (fs/exec.c) */
#define MAX_ARGS (6U << 20)

/* clang-format off */
#define SLICE_MEMBERS(X) \
    X(format) X(action) X(host) X(actor.name) X(actor.id) X(real.name) X(real.id) X(effective.name) \
    X(effective.id) X(process_name) X(executable) X(command_line) X(working_directory) X(tty) \
    X(unit) X(parent_name) X(parent_executable) X(login_source_ip) X(audit.tty) X(audit.success) \
    X(audit.key) X(audit.node) X(audit.emitted) X(audit.incomplete)

#define INTEGER_MEMBERS(X) \
    X(time_usec) X(trust) X(is_failure) X(is_ambiguous) X(actor_kind) X(args_count) X(is_args_exact) \
    X(pid) X(parent_pid) X(audit.is_present) X(audit.has_auid) X(audit.has_uid) X(audit.has_euid) \
    X(audit.has_ses) X(audit.has_serial) X(audit.auid) X(audit.uid) X(audit.euid) X(audit.ses) \
    X(audit.serial)

#define LATER_MEMBERS(X) X(is_joined) X(is_cut)

#define LATEST_MEMBERS(X) X(audit.has_gid) X(audit.gid) X(audit.has_exit) X(audit.exit)
/* clang-format on */

static char *put_u32(char *p, uint32_t v)
{
    const uint32_t bytes = htole32(v);

    memcpy(p, &bytes, sizeof(bytes));
    return p + sizeof(bytes);
}

static char *put_u64(char *p, uint64_t v)
{
    const uint64_t bytes = htole64(v);

    memcpy(p, &bytes, sizeof(bytes));
    return p + sizeof(bytes);
}

/* As buffer_append_field. */
static char *put_field(char *p, struct slice s)
{
    p = put_u32(p, slice_is_absent(s) ? 0 : (uint32_t)s.len + 1);
    if (s.len > 0)
        memcpy(p, s.data, s.len);
    return p + s.len;
}

/* Every selected event comes by here: the size is known first, so that nothing is asked on the way. */
int event_save(const struct event *event, struct buffer *out)
{
    size_t size = 2 * sizeof(uint32_t), longest = 0;
    char *p;
    int r;

#define COUNT_SLICE(member)                                                                                  \
    size += sizeof(uint32_t) + event->member.len;                                                            \
    longest = MAX(longest, event->member.len);
#define COUNT_INTEGER(member) size += sizeof(uint64_t);
    SLICE_MEMBERS(COUNT_SLICE)
    INTEGER_MEMBERS(COUNT_INTEGER)
    LATER_MEMBERS(COUNT_INTEGER)
    LATEST_MEMBERS(COUNT_INTEGER)
    for (size_t i = 0; i < event->n_args; i++) {
        size += sizeof(uint32_t) + event->args[i].len;
        longest = MAX(longest, event->args[i].len);
    }
    if (longest >= UINT32_MAX)
        return -EOVERFLOW;
    r = buffer_reserve(out, size);
    if (r < 0)
        return r;
    p = put_u32(out->data + out->len, CODEC_VERSION);
#define SAVE_SLICE(member)   p = put_field(p, event->member);
#define SAVE_INTEGER(member) p = put_u64(p, (uint64_t)event->member);
    SLICE_MEMBERS(SAVE_SLICE)
    INTEGER_MEMBERS(SAVE_INTEGER)
    LATER_MEMBERS(SAVE_INTEGER)
    LATEST_MEMBERS(SAVE_INTEGER)
    p = put_u32(p, (uint32_t)event->n_args);
    for (size_t i = 0; i < event->n_args; i++)
        p = put_field(p, event->args[i]);
    out->len = (size_t)(p - out->data);
    return 0;
}

int event_load(struct slice bytes, struct arena *arena, struct event *ret_event)
{
    struct event event = EVENT_INIT;
    uint32_t version, n_args;
    uint64_t v;
    int r = slice_read_u32(&bytes, &version);

    if (r < 0)
        return r;
    if (version < CODEC_VERSION_FIRST || version > CODEC_VERSION)
        return -EBADMSG;
#define LOAD_SLICE(member)                                                                                   \
    if (r >= 0)                                                                                              \
        r = slice_read_field(&bytes, &event.member);
#define LOAD_INTEGER(member)                                                                                 \
    if (r >= 0)                                                                                              \
        r = slice_read_u64(&bytes, &v);                                                                      \
    if (r >= 0) {                                                                                            \
        event.member = (__typeof__(event.member))v;                                                          \
        if ((uint64_t)event.member != v) /* wider than the member: we did not write it */                    \
            r = -EBADMSG;                                                                                    \
    }
    SLICE_MEMBERS(LOAD_SLICE)
    INTEGER_MEMBERS(LOAD_INTEGER)
    if (version >= CODEC_VERSION_LATER) {
        LATER_MEMBERS(LOAD_INTEGER)
    }
    if (version >= CODEC_VERSION) {
        LATEST_MEMBERS(LOAD_INTEGER)
    }
    if (r >= 0)
        r = slice_read_u32(&bytes, &n_args);
    if (r < 0)
        return r;
    if (event.trust > TRUST_KERNEL || event.actor_kind > ACTOR_NUMERIC)
        return -EBADMSG;
    /* each argument takes at least its length word, so a lie about the number cannot make us allocate */
    if (n_args > MAX_ARGS || n_args > bytes.len / 4)
        return -EBADMSG;
    if (n_args > 0) {
        event.args = arena_calloc(arena, n_args, sizeof(*event.args));
        if (!event.args)
            return -ENOMEM;
    }
    for (size_t i = 0; i < n_args; i++) {
        r = slice_read_field(&bytes, &event.args[i]);
        if (r < 0)
            return r;
    }
    if (bytes.len > 0)
        return -EBADMSG;
    event.n_args = n_args;
    *ret_event = event;
    return 0;
}
