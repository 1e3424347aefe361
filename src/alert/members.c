/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The fields of an event under their ECS names. Whoever reads `hapax normalize` and whoever reads an alert
 * sees the same member for the same thing, because both are written here. Names and types are a contract
 * (hapax-normalize(1)): a member is only ever added.
 *
 * ECS has no place for some things an auditor asks for: they go below "hapax". process.tty is an object in
 * ECS (a character device's numbers), so the terminal's name is hapax.process.tty, and in audit's own
 * spelling hapax.audit.tty.
 *
 * Undecodable bytes become U+FFFD in the strings. Where that happened in the arguments,
 * hapax.process.args_hex has all of them in hexadecimal, so that nothing is lost.
 */
#include "alert/members.h"

#include <arpa/inet.h>

#include "util/utf8.h"

static const char *const trust_names[] = {
    [TRUST_LOW] = "low",
    [TRUST_INPUT] = "input",
    [TRUST_JOURNAL] = "journal",
    [TRUST_KERNEL] = "kernel",
};

static const char *const actor_kind_names[] = {
    [ACTOR_PERSON] = "person",
    [ACTOR_SERVICE] = "service",
    [ACTOR_NUMERIC] = "numeric",
};

int member_user_label(struct arena *arena, const struct user *user, struct slice *ret_label)
{
    const struct event event = {.actor = *user};

    return event_identity(&event, IDENTITY_LOGIN, arena, ret_label);
}

static const char *const phase_names[][3] = {
    [EVENT_PROCESS_START] = {[EVENT_BEGINS] = "start", [EVENT_ENDS] = "start", [EVENT_HAPPENS] = "start"},
    [EVENT_SESSION] = {[EVENT_BEGINS] = "start", [EVENT_ENDS] = "end", [EVENT_HAPPENS] = "info"},
    [EVENT_ACCOUNT] = {[EVENT_BEGINS] = "creation", [EVENT_ENDS] = "deletion", [EVENT_HAPPENS] = "change"},
};

/* ECS event.category */
static const char *const category_names[] = {
    [EVENT_PROCESS_START] = "process",
    [EVENT_SESSION] = "session",
    [EVENT_ACCOUNT] = "iam",
};

void members_event(struct json_writer *w, const char *kind, const struct event *event)
{
    json_text(w, "kind", kind);
    /* both are lists in ECS */
    json_begin_array(w, "category");
    json_text(w, NULL, category_names[event->kind]);
    json_end(w);
    json_begin_array(w, "type");
    if (event->kind == EVENT_ACCOUNT)
        json_text(w, NULL,
                  slice_is_absent(event->group) && slice_is_absent(event->group_id) ? "user" : "group");
    json_text(w, NULL, phase_names[event->kind][event->phase]);
    json_end(w);
    json_string(w, "action", event->action);
    json_text(w, "outcome", event->is_failure ? "failure" : "success");
}

void members_host(struct json_writer *w, const struct event *event)
{
    json_begin_object(w, "host");
    json_string(w, "name", event->host);
    json_end(w);
}

void members_user(struct json_writer *w, const struct event *event)
{
    json_begin_object(w, "user");
    json_string(w, "name", event->actor.name);
    json_string(w, "id", event->actor.id);
    json_begin_object(w, "effective");
    json_string(w, "name", event->effective.name);
    json_string(w, "id", event->effective.id);
    json_end(w);
    json_begin_object(w, "target");
    json_string(w, "name", event->target.name);
    json_string(w, "id", event->target.id);
    json_begin_object(w, "group");
    json_string(w, "name", event->group);
    json_string(w, "id", event->group_id);
    json_end(w);
    json_end(w);
    json_end(w);
}

/* How many of the arguments fit. */
static size_t n_args_within(const struct event *event, size_t args_bytes_max)
{
    size_t n = 0, left = args_bytes_max;

    while (n < event->n_args && event->args[n].len < left) {
        left -= event->args[n].len + 1;
        n++;
    }
    return n;
}

void members_process(struct json_writer *w, const struct event *event, size_t args_bytes_max)
{
    size_t n_args = n_args_within(event, args_bytes_max);

    json_begin_object(w, "process");
    json_string(w, "name", event->process_name);
    json_string(w, "executable", event->executable);
    json_string(w, "command_line", event->command_line);
    json_begin_array(w, "args");
    for (size_t i = 0; i < n_args; i++)
        json_string(w, NULL, event->args[i]);
    json_end(w);
    if (event->args_count >= 0)
        json_integer(w, "args_count", event->args_count);
    json_string(w, "working_directory", event->working_directory);
    if (event->pid >= 0)
        json_integer(w, "pid", event->pid);
    json_begin_object(w, "parent");
    if (event->parent_pid >= 0)
        json_integer(w, "pid", event->parent_pid);
    json_string(w, "name", event->parent_name);
    json_string(w, "executable", event->parent_executable);
    json_end(w);
    json_end(w);
}

bool member_has_source_ip(const struct event *event)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (event->login_source_ip.len == 0 || event->login_source_ip.len >= sizeof(text) ||
        slice_find(event->login_source_ip, '\0') < event->login_source_ip.len)
        return false;
    memcpy(text, event->login_source_ip.data, event->login_source_ip.len);
    text[event->login_source_ip.len] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

void members_source(struct json_writer *w, const struct event *event)
{
    if (!member_has_source_ip(event))
        return;
    json_begin_object(w, "source");
    json_string(w, "ip", event->login_source_ip);
    json_end(w);
}

static void hapax_process(struct json_writer *w, const struct event *event, size_t args_bytes_max)
{
    size_t n_args = n_args_within(event, args_bytes_max);
    bool is_text = true;

    json_begin_object(w, "process");
    json_string(w, "tty", event->tty);
    json_string(w, "unit", event->unit);
    /* Said for a command line that has no argument list too: it is as far from the real one. */
    if (!event->is_args_exact)
        json_bool(w, "args_exact", false);
    for (size_t i = 0; i < n_args && is_text; i++)
        is_text = utf8_is_valid(event->args[i]);
    if (!is_text) {
        json_begin_array(w, "args_hex");
        for (size_t i = 0; i < n_args; i++)
            json_hex(w, NULL, event->args[i]);
        json_end(w);
    }
    json_end(w);
}

static void hapax_audit(struct json_writer *w, const struct event_audit *audit)
{
    json_begin_object(w, "audit");
    if (audit->has_serial)
        json_integer(w, "serial", (int64_t)MIN(audit->serial, (uint64_t)INT64_MAX));
    if (audit->has_auid)
        json_integer(w, "auid", audit->auid);
    if (audit->has_uid)
        json_integer(w, "uid", audit->uid);
    if (audit->has_euid)
        json_integer(w, "euid", audit->euid);
    if (audit->has_gid)
        json_integer(w, "gid", audit->gid);
    if (audit->has_ses)
        json_integer(w, "ses", audit->ses);
    json_string(w, "tty", audit->tty);
    json_string(w, "success", audit->success);
    if (audit->has_exit)
        json_integer(w, "exit", audit->exit);
    json_string(w, "key", audit->key);
    json_string(w, "node", audit->node);
    json_string(w, "emitted", audit->emitted);
    json_string(w, "incomplete", audit->incomplete);
    json_end(w);
}

void members_hapax(struct json_writer *w, const struct event *event, size_t args_bytes_max)
{
    json_string(w, "format", event->format);
    json_text(w, "trust", trust_names[event->trust]);
    if (event->is_ambiguous)
        json_bool(w, "ambiguous", true);
    if (event->is_joined)
        json_bool(w, "joined", true);
    json_begin_object(w, "identity");
    json_text(w, "kind", actor_kind_names[event->actor_kind]);
    json_end(w);
    hapax_process(w, event, args_bytes_max);
    json_begin_object(w, "session");
    json_string(w, "id", event->session);
    json_end(w);
    if (event->audit.is_present)
        hapax_audit(w, &event->audit);
    if (w->is_cut || event->is_cut || n_args_within(event, args_bytes_max) < event->n_args)
        json_bool(w, "cut", true);
}
