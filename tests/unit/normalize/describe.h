/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_NORMALIZE_DESCRIBE_H
#define HAPAX_TESTS_NORMALIZE_DESCRIBE_H

/* An event as one line of text, so that a table can say what should come out: what is absent is left out. */

#include "event/event.h"
#include "support.h"
#include "util/buffer.h"

static inline void describe_text(struct buffer *out, const char *name, struct slice value)
{
    if (slice_is_absent(value))
        return;
    cr_assert_geq(buffer_append_format(out, " %s=", name), 0);
    cr_assert_geq(buffer_append_slice(out, value), 0);
}

static inline void describe_user(struct buffer *out, const char *name, struct user user)
{
    if (slice_is_absent(user.name) && slice_is_absent(user.id))
        return;
    cr_assert_geq(buffer_append_format(out, " %s=%.*s/%.*s", name, SLICE_FMT(user.name), SLICE_FMT(user.id)),
                  0);
}

static inline void describe_number(struct buffer *out, const char *name, int64_t v)
{
    if (v >= 0)
        cr_assert_geq(buffer_append_format(out, " %s=%lld", name, (long long)v), 0);
}

/* Appends "<time> actor=name/id …". */
static inline void describe(struct buffer *out, const struct event *e)
{
    static const char *const kinds[] = {"", "(service)", "(numeric)"};
    static const char *const trusts[] = {"low", "input", "journal", "kernel"};

    cr_assert_geq(buffer_append_format(out, "%lld %s", (long long)e->time_usec, trusts[e->trust]), 0);
    describe_text(out, "format", e->format);
    describe_text(out, "action", e->action);
    describe_text(out, "host", e->host);
    describe_user(out, "actor", e->actor);
    cr_assert_geq(buffer_append_format(out, "%s", kinds[e->actor_kind]), 0);
    describe_user(out, "real", e->real);
    describe_user(out, "effective", e->effective);
    describe_user(out, "target", e->target);
    describe_text(out, "group", e->group);
    describe_text(out, "gid", e->group_id);
    describe_text(out, "session", e->session);
    describe_text(out, "name", e->process_name);
    describe_text(out, "exe", e->executable);
    describe_text(out, "command", e->command_line);
    describe_text(out, "cwd", e->working_directory);
    describe_text(out, "tty", e->tty);
    describe_text(out, "unit", e->unit);
    if (e->n_args > 0)
        cr_assert_geq(buffer_append_format(out, " args="), 0);
    for (size_t i = 0; i < e->n_args; i++)
        cr_assert_geq(
            buffer_append_format(out, "[%.*s]",
                                 SLICE_FMT(slice_is_absent(e->args[i]) ? SLICE("<hole>") : e->args[i])),
            0);
    describe_number(out, "argc", e->args_count);
    describe_number(out, "pid", e->pid);
    describe_number(out, "ppid", e->parent_pid);
    describe_text(out, "parent", e->parent_name);
    describe_text(out, "parent_exe", e->parent_executable);
    describe_text(out, "from", e->login_source_ip);
    if (!e->is_args_exact)
        cr_assert_geq(buffer_append_format(out, " inexact"), 0);
    if (e->is_failure)
        cr_assert_geq(buffer_append_format(out, " failure"), 0);
    if (e->is_ambiguous)
        cr_assert_geq(buffer_append_format(out, " ambiguous"), 0);
    if (e->audit.is_present) {
        cr_assert_geq(buffer_append_format(out, " audit:"), 0);
        describe_number(out, "serial", e->audit.has_serial ? (int64_t)e->audit.serial : -1);
        describe_number(out, "auid", e->audit.has_auid ? (int64_t)e->audit.auid : -1);
        describe_number(out, "uid", e->audit.has_uid ? (int64_t)e->audit.uid : -1);
        describe_number(out, "euid", e->audit.has_euid ? (int64_t)e->audit.euid : -1);
        describe_number(out, "ses", e->audit.has_ses ? (int64_t)e->audit.ses : -1);
        describe_text(out, "tty", e->audit.tty);
        describe_text(out, "success", e->audit.success);
        describe_text(out, "key", e->audit.key);
    }
}

#endif
