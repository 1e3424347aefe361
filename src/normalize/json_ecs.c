/* SPDX-License-Identifier: Apache-2.0 */

/*
 * ECS documents: which of them is a process start, and whose.
 *
 * A start is what replaced a process's program. The agents say so in different words: auditd's modules by the
 * system call of the record (event.action "executed"; old ones have no event.type), Defend by event.action,
 * which may be a list where it merged several events of a short-lived process ("fork", "exec", "end"), others
 * by event.type "start" alone. A fork starts no program; "ran-command" is sudo telling, through auditd, what
 * it is about to start, which comes again as an event of its own; an end, a change and an alert are no
 * starts.
 *
 * Whose (the rules are in identity.c):
 *
 *   auditd    actor: user.audit.*, which the ingest pipeline renames to auditd.user.audit.*; where the login
 * id is unset, the uid acts for itself: a service. user.* is the real user; user.effective.* is left out by
 * Auditbeat where it is the same. Defend    user.* is the effective user; user.Ext.real.* (or
 * process.real_user.*) the real one. The login is the session's leader: of the users of session leader and
 * entry leader the first that is not root, since either may have become root by itself (sudo with use_pty
 * makes its monitor a session leader; a login shell is started by root). Where entry_meta.type says that no
 * login is behind the process (init, kubelet …), it is a service. others    user.audit.* where there is one,
 * else user.*.
 *
 * Cost: each field is a walk through small objects; documents that are no starts are left after a handful.
 */
#include "normalize/json_ecs.h"

#include <errno.h>
#include <stdio.h>

#include "normalize/identity.h"
#include "normalize/json_args.h"
#include "util/parse.h"

/* kernel include/linux/threads.h PID_MAX_LIMIT */
#define PID_MAX_LIMIT (4U * 1024 * 1024)

enum agent {
    AGENT_AUDITD,   /* Auditbeat's auditd module, Auditd Manager */
    AGENT_ENDPOINT, /* Elastic Defend */
    AGENT_OTHER,
};

/* ---- what it is ---- */

static bool is_ecs(const struct json_reader *reader)
{
    static const char *const marks[] = {"event.kind",         "event.category", "event.type",
                                        "event.action",       "event.module",   "ecs.version",
                                        "auditd.message_type"};

    for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
        if (json_reader_has(reader, marks[i]))
            return true;
    return false;
}

static enum agent find_agent(const struct json_reader *reader)
{
    if (json_reader_has_word(reader, "event.module", "auditd") ||
        json_reader_has(reader, "auditd.message_type") ||
        json_reader_has_word(reader, "event.module", "auditd_manager"))
        return AGENT_AUDITD;
    if (json_reader_has_word(reader, "event.module", "endpoint") ||
        json_reader_has_word(reader, "agent.type", "endpoint"))
        return AGENT_ENDPOINT;
    return AGENT_OTHER;
}

static bool is_any_word(const struct json_reader *reader, const char *path, const char *const *words)
{
    for (; *words; words++)
        if (json_reader_has_word(reader, path, *words))
            return true;
    return false;
}

static bool is_auditd_start(const struct json_reader *reader)
{
    /* go-libaudit normalizes execve and execveat to "executed" */
    static const char *const syscalls[] = {"execve", "execveat", NULL};

    if (json_reader_has(reader, "auditd.message_type") &&
        !json_reader_has_word(reader, "auditd.message_type", "syscall"))
        return false;
    if (json_reader_has(reader, "auditd.data.syscall"))
        return is_any_word(reader, "auditd.data.syscall", syscalls);
    return json_reader_has_word(reader, "event.action", "executed");
}

static bool is_start(const struct json_reader *reader, enum agent agent)
{
    static const char *const execs[] = {"exec", "executed", "exec_event", NULL};
    static const char *const others[] = {"ran-command", "fork", "end", NULL};

    /* "alert" and "signal" are about an event, "state" is a listing */
    if (json_reader_has(reader, "event.kind") && !json_reader_has_word(reader, "event.kind", "event"))
        return false;
    if (agent == AGENT_AUDITD)
        return is_auditd_start(reader);
    if (json_reader_has(reader, "event.category") &&
        !json_reader_has_word(reader, "event.category", "process"))
        return false;
    if (is_any_word(reader, "event.action", execs))
        return true;
    return json_reader_has_word(reader, "event.type", "start") &&
           !is_any_word(reader, "event.action", others);
}

/* ---- who ---- */

static bool has_user(struct user user)
{
    return !slice_is_absent(user.name) || !slice_is_absent(user.id);
}

/* A login id that says there is none, in the spellings of Auditbeat, ausearch and printf("%d"). */
static bool is_unset(struct slice id)
{
    return slice_equal_string(id, "unset") || slice_equal_string(id, "4294967295") ||
           slice_equal_string(id, "-1");
}

/* Where a user stands. */
struct user_paths {
    const char *name, *id;
};

#define USER_PATHS(prefix)                                                                                   \
    {                                                                                                        \
        prefix ".name", prefix ".id"                                                                         \
    }

static const struct user_paths user_paths = USER_PATHS("user");

/* Name and id; neither where the id is unset. */
static struct user read_user(struct json_reader *reader, const struct user_paths *paths,
                             const struct uid_map *uid_map)
{
    struct user user = {.name = json_reader_text(reader, paths->name),
                        .id = json_reader_text(reader, paths->id)};
    uint32_t uid;

    if (is_unset(user.id) || is_unset(user.name))
        return (struct user){0};
    if (user.id.len == 0)
        user.id = SLICE_NULL;
    if (!identity_is_name(user.name, user.id))
        user.name = SLICE_NULL;
    if (slice_is_absent(user.name) && uid_map && parse_u32(user.id, &uid) == 0)
        user.name = uid_map_find(uid_map, uid);
    return user;
}

/* The first of the places (ended by one without a name) that names a user. */
static struct user first_user(struct json_reader *reader, const struct user_paths *paths,
                              const struct uid_map *uid_map)
{
    for (; paths->name; paths++) {
        struct user user = read_user(reader, paths, uid_map);

        if (has_user(user))
            return user;
    }
    return (struct user){0};
}

static bool is_number(struct slice s)
{
    uint32_t v;

    return parse_u32(s, &v) == 0;
}

/* Nobody logged in: the uid acts for itself. */
static void set_service(struct event *event)
{
    event->actor = event->real;
    if (!has_user(event->actor))
        return;
    event->actor_kind =
        slice_is_absent(event->actor.name) || is_number(event->actor.name) ? ACTOR_NUMERIC : ACTOR_SERVICE;
}

static const struct user_paths login_paths[] = {
    USER_PATHS("user.audit"), USER_PATHS("auditd.user.audit"), {NULL, NULL}};
static const struct user_paths effective_paths[] = {
    USER_PATHS("user.effective"), USER_PATHS("auditd.user.effective"), {NULL, NULL}};

/* auditd.summary.actor.primary: the login id as a name, or as a number where it has none. */
static struct user primary_actor(struct json_reader *reader)
{
    struct slice primary = json_reader_text(reader, "auditd.summary.actor.primary");

    if (primary.len == 0 || is_unset(primary))
        return (struct user){0};
    return is_number(primary) ? (struct user){.id = primary} : (struct user){.name = primary};
}

static void identify_auditd(struct json_reader *reader, const struct uid_map *uid_map, struct event *event)
{
    event->real = read_user(reader, &user_paths, uid_map);
    event->effective = first_user(reader, effective_paths, uid_map);
    if (!has_user(event->effective))
        event->effective = event->real;
    event->actor = first_user(reader, login_paths, uid_map);
    if (!has_user(event->actor))
        event->actor = primary_actor(reader);
    if (!has_user(event->actor))
        set_service(event);
}

static bool is_root(struct user user)
{
    return slice_equal_string(user.id, "0") ||
           (slice_is_absent(user.id) && slice_equal_string(user.name, "root"));
}

/* The user of the login behind a Defend event; nobody where no leader is told. */
static struct user find_leader(struct json_reader *reader, const struct uid_map *uid_map)
{
    static const struct user_paths leaders[] = {
        USER_PATHS("process.session_leader.real_user"), USER_PATHS("process.session_leader.user"),
        USER_PATHS("process.entry_leader.real_user"), USER_PATHS("process.entry_leader.user")};
    struct user first = {0};

    for (size_t i = 0; i < ARRAY_SIZE(leaders); i++) {
        struct user user = read_user(reader, &leaders[i], uid_map);

        if (!has_user(user))
            continue;
        if (!is_root(user))
            return user;
        if (!has_user(first))
            first = user;
    }
    return first;
}

static void identify_endpoint(struct json_reader *reader, const struct uid_map *uid_map, struct event *event)
{
    static const struct user_paths real[] = {USER_PATHS("user.Ext.real"),
                                             USER_PATHS("process.real_user"),
                                             USER_PATHS("endpoint.user.real"),
                                             USER_PATHS("user"),
                                             {NULL, NULL}};
    /* endpoint-package process event documentation: what else there is has no person behind it */
    static const char *const logins[] = {"sshd", "terminal", "console", "teleport", "ssm", NULL};
    static const char entry[] = "process.entry_leader.entry_meta.type";

    event->effective = read_user(reader, &user_paths, uid_map);
    event->real = first_user(reader, real, uid_map);
    if (json_reader_has(reader, entry) && !is_any_word(reader, entry, logins) &&
        !json_reader_has_word(reader, entry, "unknown")) {
        set_service(event);
        return;
    }
    event->actor = find_leader(reader, uid_map);
    if (!has_user(event->actor))
        event->actor = event->real;
}

static void identify_other(struct json_reader *reader, const struct uid_map *uid_map, struct event *event)
{
    event->real = read_user(reader, &user_paths, uid_map);
    event->effective = first_user(reader, effective_paths, uid_map);
    if (!has_user(event->effective))
        event->effective = event->real;
    event->actor = first_user(reader, login_paths, uid_map);
    if (!has_user(event->actor))
        event->actor = event->real;
}

/* ---- what ---- */

static struct slice first_text(struct json_reader *reader, const char *const *paths)
{
    for (; *paths; paths++) {
        struct slice text = json_reader_text(reader, *paths);

        if (text.len > 0)
            return text;
    }
    return SLICE_NULL;
}

static int64_t read_pid(struct json_reader *reader, const char *path)
{
    int64_t pid;

    return json_reader_integer(reader, path, &pid) && pid >= 0 && pid <= PID_MAX_LIMIT ? pid : -1;
}

/* Empty is what some agents write for "unknown". */
static struct slice empty_to_absent(struct slice s)
{
    return s.len == 0 ? SLICE_NULL : s;
}

/* process.tty of Defend is a device (kernel Documentation/admin-guide/devices.txt): 136-143 are pts, 4 is
 * tty. */
static struct slice name_terminal(struct json_reader *reader)
{
    struct slice name = json_reader_text(reader, "process.tty");
    int64_t major, minor;
    char text[32];
    int n;

    if (!slice_is_absent(name))
        return name;
    if (!json_reader_integer(reader, "process.tty.char_device.major", &major) ||
        !json_reader_integer(reader, "process.tty.char_device.minor", &minor) || minor < 0 || minor > 1048575)
        return SLICE_NULL;
    if (major >= 136 && major <= 143)
        n = snprintf(text, sizeof(text), "pts/%lld", (long long)((major - 136) * 256 + minor));
    else if (major == 4 && minor < 64)
        n = snprintf(text, sizeof(text), "tty%lld", (long long)minor);
    else
        return SLICE_NULL;
    reader->error = MIN(reader->error, arena_copy(reader->arena, slice_new(text, (size_t)n), &name));
    return name;
}

static struct slice read_terminal(struct json_reader *reader)
{
    struct slice tty = json_reader_text(reader, "auditd.data.tty");

    if (tty.len == 0)
        tty = name_terminal(reader);
    return slice_equal_string(tty, "(none)") || slice_equal_string(tty, "?") ? SLICE_NULL
                                                                             : empty_to_absent(tty);
}

static bool read_id(struct slice text, uint32_t *ret_id)
{
    if (is_unset(text)) {
        *ret_id = AUDIT_ID_UNSET;
        return true;
    }
    return parse_u32(text, ret_id) == 0;
}

/* What auditd's record said, as far as the document still says it. */
static void read_audit(struct json_reader *reader, struct event *event)
{
    static const char *const logins[] = {"user.audit.id", "auditd.user.audit.id", NULL};
    struct event_audit *audit = &event->audit;
    int64_t serial;

    audit->is_present = true;
    audit->has_serial = json_reader_integer(reader, "auditd.sequence", &serial) && serial >= 0;
    if (audit->has_serial)
        audit->serial = (uint64_t)serial;
    audit->has_ses = read_id(json_reader_text(reader, "auditd.session"), &audit->ses);
    audit->has_auid = read_id(first_text(reader, logins), &audit->auid);
    /* Auditbeat leaves an unset login id out of user.audit */
    if (!audit->has_auid && event->actor_kind != ACTOR_PERSON) {
        audit->has_auid = true;
        audit->auid = AUDIT_ID_UNSET;
    }
    audit->has_uid = read_id(event->real.id, &audit->uid);
    audit->has_euid = read_id(event->effective.id, &audit->euid);
    audit->tty = event->tty;
    audit->key = empty_to_absent(json_reader_text(reader, "auditd.data.key"));
    audit->success = event->is_failure ? SLICE("no") : SLICE("yes");
}

static bool is_failure(const struct json_reader *reader)
{
    return json_reader_has_word(reader, "event.outcome", "failure") ||
           json_reader_has_word(reader, "auditd.result", "fail") ||
           json_reader_has_word(reader, "auditd.result", "no") ||
           json_reader_has_word(reader, "auditd.data.success", "no");
}

static int read_command(struct json_reader *reader, struct event *event)
{
    int64_t count;
    int r;

    r = json_args_read(reader, "process.args", event);
    if (r < 0)
        return r;
    if ((json_reader_integer(reader, "process.args_count", &count) ||
         json_reader_integer(reader, "auditd.data.argc", &count)) &&
        count >= 0)
        event->args_count = count;
    event->command_line = empty_to_absent(json_reader_text(reader, "process.command_line"));
    if (slice_is_absent(event->command_line))
        event->command_line = json_args_join(reader, event);
    if (slice_is_absent(event->command_line))
        event->command_line = empty_to_absent(json_reader_text(reader, "process.title"));

    event->executable = empty_to_absent(json_reader_text(reader, "process.executable"));
    event->process_name = empty_to_absent(json_reader_text(reader, "process.name"));
    if (slice_is_absent(event->process_name))
        event->process_name = empty_to_absent(slice_base_name(event->executable));
    if (slice_is_absent(event->process_name) && event->n_args > 0)
        event->process_name = empty_to_absent(slice_base_name(event->args[0]));
    return 0;
}

/* @timestamp: text, or milliseconds since the epoch as Elasticsearch's epoch_millis. */
static bool read_time(struct json_reader *reader, int64_t *ret_usec)
{
    int64_t msec;

    if (json_reader_integer(reader, "@timestamp", &msec)) {
        /* before the year 10000, which RFC 3339 cannot write */
        if (msec < 0 || msec > INT64_C(253402300799999))
            return false;
        *ret_usec = msec * USEC_PER_MSEC;
        return true;
    }
    return parse_timestamp_usec(json_reader_text(reader, "@timestamp"), ret_usec) == 0;
}

int json_read_ecs(struct json_reader *reader, const struct text_line *line, enum trust trust,
                  const struct uid_map *uid_map, struct event *ret_event)
{
    static const char *const hosts[] = {"host.name",  "host.hostname", "agent.hostname",
                                        "agent.name", "beat.hostname", NULL};
    static const char *const sources[] = {"process.entry_leader.entry_meta.source.ip", "source.ip", NULL};
    struct event event = EVENT_INIT;
    enum agent agent;
    int r;

    if (!is_ecs(reader))
        return TEXT_UNKNOWN;
    agent = find_agent(reader);
    if (!is_start(reader, agent))
        return json_reader_has_word(reader, "agent.type", "filebeat") ? TEXT_SHIPPED : TEXT_IGNORED;
    if (!read_time(reader, &event.time_usec))
        return reader->error < 0 ? reader->error : TEXT_QUARANTINED;
    r = read_command(reader, &event);
    if (r < 0)
        return r;
    if (slice_is_absent(event.process_name))
        return reader->error < 0 ? reader->error : TEXT_QUARANTINED;

    event.format = SLICE("ecs");
    event.trust = trust;
    event.action = SLICE("executed"); /* whatever the agent calls it: one word for jobs and for readers */
    event.is_failure = is_failure(reader);
    event.host = first_text(reader, hosts);
    if (slice_is_absent(event.host) && line)
        event.host = line->host;
    event.working_directory = empty_to_absent(json_reader_text(reader, "process.working_directory"));
    event.tty = read_terminal(reader);
    event.pid = read_pid(reader, "process.pid");
    event.parent_pid = read_pid(reader, json_reader_has(reader, "process.parent.pid") ? "process.parent.pid"
                                                                                      : "process.ppid");
    event.parent_name = empty_to_absent(json_reader_text(reader, "process.parent.name"));
    event.parent_executable = empty_to_absent(json_reader_text(reader, "process.parent.executable"));
    event.login_source_ip = first_text(reader, sources);

    switch (agent) {
    case AGENT_AUDITD:
        identify_auditd(reader, uid_map, &event);
        read_audit(reader, &event);
        break;
    case AGENT_ENDPOINT:
        identify_endpoint(reader, uid_map, &event);
        break;
    case AGENT_OTHER:
        identify_other(reader, uid_map, &event);
        break;
    }
    if (reader->error < 0)
        return reader->error;
    *ret_event = event;
    return TEXT_EVENT;
}
