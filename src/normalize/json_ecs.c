/* SPDX-License-Identifier: Apache-2.0 */

/*
 * ECS process events, as Auditbeat's auditd module, Auditd Manager and Elastic Defend write them, before and
 * after their ingest pipelines (which move user.audit.* to auditd.user.audit.*, drop duplicates and wrap
 * values into arrays).
 *
 * What is a process start: a document whose event.type says start and whose category, where given, says
 * process; or auditd's record of execve/execveat by its action, for agents older than event.type. sudo's
 * USER_CMD record
 * ("ran-command") has the type start and is none: the same command has an execve record of its own. Defend
 * merges fork, exec and end of a short process into one document; it is a start if "exec" is among its
 * actions, or none is.
 *
 * Who. In auditd documents user.* is the real uid and the login identity stands in user.audit; it is dropped
 * when unset. In Defend's, user.* is the effective user, user.Ext.real the real one, and the login is that of
 * the session's or entry leader, where the entry was a login (sshd, terminal, console, teleport, ssm) and not
 * init or a container runtime.
 */
#include <errno.h>

#include "normalize/identity.h"
#include "normalize/json_readers.h"
#include "normalize/json_value.h"
#include "util/parse.h"

struct reading {
    struct fjson_object *document;
    struct arena *arena;
    int r;
};

static struct slice find(struct reading *reading, const char *path)
{
    return json_value_text(json_value_find(reading->document, path), reading->arena, &reading->r);
}

static struct slice find_either(struct reading *reading, const char *path, const char *other)
{
    struct slice text = find(reading, path);

    return slice_is_absent(text) ? find(reading, other) : text;
}

static bool is_auditd(struct reading *reading)
{
    return json_value_find(reading->document, "auditd") ||
           json_value_find(reading->document, "auditd.message_type") ||
           slice_equal(find(reading, "event.module"), SLICE("auditd"));
}

static bool is_process_start(struct reading *reading)
{
    struct fjson_object *type = json_value_find(reading->document, "event.type");
    struct fjson_object *category = json_value_find(reading->document, "event.category");
    struct fjson_object *action = json_value_find(reading->document, "event.action");
    struct slice syscall = find(reading, "auditd.data.syscall");
    bool is_exec = slice_equal(syscall, SLICE("execve")) || slice_equal(syscall, SLICE("execveat"));

    if (json_value_has_word(action, "ran-command"))
        return false;
    if (json_value_has_word(action, "fork") && !json_value_has_word(action, "exec"))
        return false;
    if (json_value_has_word(type, "start"))
        return !category || json_value_has_word(category, "process");
    if (type && !is_exec)
        return false;
    return is_exec || json_value_has_word(action, "executed");
}

static bool is_failure(struct reading *reading)
{
    static const char *const paths[] = {"event.outcome", "auditd.result", "auditd.data.success", NULL};

    for (const char *const *path = paths; *path; path++) {
        struct slice text = find(reading, *path);

        if (slice_equal(text, SLICE("failure")) || slice_equal(text, SLICE("fail")) ||
            slice_equal(text, SLICE("no")))
            return true;
    }
    return false;
}

static void read_process(struct reading *reading, struct event *event)
{
    struct fjson_object *document = reading->document;
    int64_t n_args = -1;
    int q;

    event->executable = find(reading, "process.executable");
    event->process_name = find(reading, "process.name");
    if (slice_is_absent(event->process_name))
        event->process_name = slice_base_name(event->executable);
    event->working_directory = find(reading, "process.working_directory");
    event->tty = find_either(reading, "auditd.data.tty", "process.tty.name");
    if (slice_equal(event->tty, SLICE("(none)")))
        event->tty = SLICE_NULL;
    json_value_integer(json_value_find(document, "process.pid"), reading->arena, &event->pid, &reading->r);
    json_value_integer(json_value_find(document, "process.parent.pid"), reading->arena, &event->parent_pid,
                       &reading->r);
    event->parent_name = find(reading, "process.parent.name");
    event->parent_executable = find(reading, "process.parent.executable");
    q = json_read_args(json_value_find(document, "process.args"), reading->arena, event);
    reading->r = MIN(reading->r, q);
    json_value_integer(json_value_find(document, "process.args_count"), reading->arena, &n_args, &reading->r);
    if (n_args > event->args_count)
        event->args_count = n_args;
    event->command_line = find(reading, "process.command_line");
    if (slice_is_absent(event->command_line)) {
        q = event_join_args(event, reading->arena);
        reading->r = MIN(reading->r, q);
    }
    if (slice_is_absent(event->command_line))
        event->command_line = find(reading, "process.title");
    event->login_source_ip = find_either(reading, "process.entry_leader.entry_meta.source.ip", "source.ip");
}

static void read_auditd_identity(struct reading *reading, struct identity_input *ret_identity)
{
    *ret_identity = (struct identity_input){
        .knows_login = true,
        .login = {find_either(reading, "user.audit.name", "auditd.user.audit.name"),
                  find_either(reading, "user.audit.id", "auditd.user.audit.id")},
        .real = {find(reading, "user.name"), find(reading, "user.id")},
        .effective = {find_either(reading, "user.effective.name", "auditd.user.effective.name"),
                      find_either(reading, "user.effective.id", "auditd.user.effective.id")},
    };
}

static bool is_login_entry(struct slice type)
{
    static const char *const types[] = {"sshd", "terminal", "console", "teleport", "ssm", NULL};

    for (const char *const *t = types; *t; t++)
        if (slice_equal_string(type, *t))
            return true;
    return false;
}

static void read_defend_identity(struct reading *reading, struct identity_input *ret_identity)
{
    static const char *const names[] = {
        "process.entry_leader.real_user.name", "process.entry_leader.user.name",
        "process.session_leader.real_user.name", "process.session_leader.user.name", NULL};
    static const char *const ids[] = {"process.entry_leader.real_user.id", "process.entry_leader.user.id",
                                      "process.session_leader.real_user.id", "process.session_leader.user.id",
                                      NULL};
    struct slice entry = find(reading, "process.entry_leader.entry_meta.type");
    struct identity_input identity = {
        .effective = {find(reading, "user.name"), find(reading, "user.id")},
        .real = {find_either(reading, "user.Ext.real.name", "process.real_user.name"),
                 find_either(reading, "user.Ext.real.id", "process.real_user.id")},
    };

    if (identity.real.name.len + identity.real.id.len == 0)
        identity.real = identity.effective;
    identity.knows_login = !slice_is_absent(entry);
    if (is_login_entry(entry)) {
        identity.login.name = json_value_find_text(reading->document, names, reading->arena, &reading->r);
        identity.login.id = json_value_find_text(reading->document, ids, reading->arena, &reading->r);
        if (identity.login.name.len + identity.login.id.len == 0)
            identity.login = identity.real;
    }
    *ret_identity = identity;
}

static uint32_t audit_id(struct slice text, bool *ret_has)
{
    uint32_t id = AUDIT_ID_UNSET;

    *ret_has = !slice_is_absent(text);
    if (!identity_is_unset(text) && parse_u32(text, &id) < 0)
        *ret_has = false;
    return id;
}

/* The same members as from auditd's own records, as far as the agent kept them. */
static void read_audit(struct reading *reading, const struct identity_input *identity, struct event *event)
{
    struct event_audit *audit = &event->audit;

    audit->is_present = true;
    audit->auid = audit_id(identity->login.id, &audit->has_auid);
    if (!audit->has_auid) { /* Auditbeat leaves the unset login out */
        audit->auid = AUDIT_ID_UNSET;
        audit->has_auid = true;
    }
    audit->uid = audit_id(identity->real.id, &audit->has_uid);
    audit->euid = audit_id(identity->effective.id.len > 0 ? identity->effective.id : identity->real.id,
                           &audit->has_euid);
    audit->ses = audit_id(find(reading, "auditd.session"), &audit->has_ses);
    audit->has_serial = parse_u64(find(reading, "auditd.sequence"), &audit->serial) >= 0;
    audit->tty = event->tty;
    audit->success = event->is_failure ? SLICE("no") : SLICE("yes");
}

int json_read_ecs(struct fjson_object *document, const struct text_line *line, const struct uid_map *uid_map,
                  struct arena *arena, struct event *event)
{
    struct reading reading = {document, arena, 0};
    struct identity_input identity;

    if (!is_process_start(&reading))
        return reading.r < 0 ? reading.r : TEXT_IGNORED;
    if (parse_timestamp_usec(find(&reading, "@timestamp"), &event->time_usec) < 0)
        return reading.r < 0 ? reading.r : TEXT_QUARANTINED;
    event->format = SLICE("ecs");
    event->action = SLICE("executed");
    event->is_failure = is_failure(&reading);
    event->host = find_either(&reading, "host.name", "host.hostname");
    if (slice_is_absent(event->host))
        event->host = line && !slice_is_absent(line->host) ? line->host : find(&reading, "agent.name");
    read_process(&reading, event);
    if (is_auditd(&reading)) {
        read_auditd_identity(&reading, &identity);
        read_audit(&reading, &identity, event);
    } else if (json_value_find(document, "process.entry_leader") ||
               slice_equal(find(&reading, "event.module"), SLICE("endpoint")) ||
               slice_equal(find(&reading, "agent.type"), SLICE("endpoint"))) {
        read_defend_identity(&reading, &identity);
    } else { /* an ECS source that is neither: its user is all we have, unless it carries a login identity */
        read_auditd_identity(&reading, &identity);
        identity.knows_login = identity.login.name.len + identity.login.id.len > 0;
    }
    if (reading.r < 0)
        return reading.r;
    if (slice_is_absent(event->process_name) && slice_is_absent(event->command_line))
        return TEXT_QUARANTINED;
    identity_resolve(&identity, uid_map, event);
    return TEXT_EVENT;
}
