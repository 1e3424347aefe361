/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Agents that speak no ECS, each by the members that only its documents have:
 *
 *   Tetragon  {"process_exec":{"process":{…},"parent":{…}},"node_name":…,"time":…}, one member of the name
 * process_… a document. uid is the real one; process_credentials, where it is switched on, has the effective
 * one, and user.name what uid is called. Its agent tells at its start of the processes that run already
 * (flags "procFS"): they are no starts, nor is a clone without an execve.
 *   osquery   {"name":…,"hostIdentifier":…,"unixTime":…,"columns":{…},"action":"added"}: a row of
 * process_events (audit) or bpf_process_events, by the columns only these have; the query's author chooses
 * the columns. Rows of the same document shape from other tables are ignored. An answer with all its rows
 * ("diffResults", logger_event_type false; "snapshot") that has more than one is left to json_rows.c.
 *   Falco     {"rule":…,"priority":…,"output_fields":{"proc.cmdline":…}}: an alert, so only what a rule
 * looks for comes; taken where evt.type says that the event was an exec, since the others (a file opened, a
 * connection) tell of a process that started before. user.* is the effective user; user.loginuid -1 is no
 * login.
 *
 * None of them has an argument vector: Tetragon has one string behind the program, in which an argument with
 * blanks is between double quotes, osquery the arguments joined by blanks (bpf_process_events also as JSON,
 * which is not looked at), Falco the name and the arguments. So args are a guess (is_args_exact).
 *
 * What a document proves is what its input does. Cost: a handful of look-ups in small objects.
 */
#include "normalize/json_agents.h"

#include <errno.h>

#include "normalize/identity.h"
#include "util/parse.h"

/* kernel include/linux/threads.h PID_MAX_LIMIT */
#define PID_MAX_LIMIT (4 * 1024 * 1024)
/* 9999-12-31T23:59:59Z: RFC 3339 cannot write a later one */
#define SECONDS_MAX INT64_C(253402300799)

/* Falco's word for a field without a value */
static struct slice nothing_to_absent(struct slice s)
{
    return s.len == 0 || slice_equal(s, SLICE("<NA>")) ? SLICE_NULL : s;
}

static struct slice read_text(struct json_reader *reader, const char *path)
{
    return nothing_to_absent(json_reader_text(reader, path));
}

static int64_t read_pid(struct json_reader *reader, const char *path)
{
    int64_t pid;

    return json_reader_integer(reader, path, &pid) && pid >= 0 && pid <= PID_MAX_LIMIT ? pid : -1;
}

static struct identity_user read_user(struct json_reader *reader, const char *number, const char *name)
{
    struct identity_user user = {.name = name ? read_text(reader, name) : SLICE_NULL};
    int64_t v;

    if (json_reader_integer(reader, number, &v) && v >= -1 && v <= UINT32_MAX) {
        user.has_number = true;
        user.number = v == -1 ? AUDIT_ID_UNSET : (uint32_t)v;
    }
    return user;
}

static bool read_seconds(struct json_reader *reader, const char *path, int64_t *ret_usec)
{
    int64_t seconds;

    if (!json_reader_integer(reader, path, &seconds) || seconds <= 0 || seconds > SECONDS_MAX)
        return false;
    *ret_usec = seconds * USEC_PER_SEC;
    return true;
}

/* Name, command line and words; command_line is set where the agent has it whole. */
static int finish(struct json_reader *reader, struct event *event)
{
    int r;

    event->is_args_exact = false;
    if (slice_is_absent(event->process_name)) {
        struct slice base = slice_base_name(event->executable);

        if (base.len > 0)
            event->process_name = base;
    }
    if (slice_is_absent(event->process_name))
        return reader->error < 0 ? reader->error : TEXT_QUARANTINED;
    if (!slice_is_absent(event->command_line)) {
        r = text_split_command(event->command_line, reader->arena, &event->args, &event->n_args);
        if (r < 0)
            return r;
        event->args_count = (int64_t)event->n_args;
    }
    return reader->error < 0 ? reader->error : TEXT_EVENT;
}

static bool has_word(struct slice words, struct slice word)
{
    while (words.len > 0) {
        size_t n = slice_find(words, ' ');

        if (slice_equal(slice_head(words, n), word))
            return true;
        words = slice_skip(words, MIN(n + 1, words.len));
    }
    return false;
}

/* ---- Tetragon ---- */

static int join_tetragon(struct json_reader *reader, struct event *event)
{
    struct slice arguments = read_text(reader, "process_exec.process.arguments");
    char *text;

    if (slice_is_absent(arguments) || slice_is_absent(event->executable)) {
        event->command_line = event->executable;
        return 0;
    }
    text = arena_alloc(reader->arena, event->executable.len + 1 + arguments.len);
    if (!text)
        return -ENOMEM;
    memcpy(text, event->executable.data, event->executable.len);
    text[event->executable.len] = ' ';
    memcpy(text + event->executable.len + 1, arguments.data, arguments.len);
    event->command_line = slice_new(text, event->executable.len + 1 + arguments.len);
    return 0;
}

static int read_tetragon(struct json_reader *reader, const struct uid_map *uid_map, struct event *event)
{
    struct slice flags = read_text(reader, "process_exec.process.flags");
    struct identity_input who = {
        .login = read_user(reader, "process_exec.process.auid", NULL),
        .real = read_user(reader, "process_exec.process.uid", "process_exec.process.user.name"),
        .effective = read_user(reader, "process_exec.process.process_credentials.euid", NULL),
    };
    int r;

    if (has_word(flags, SLICE("procFS")) ||
        (has_word(flags, SLICE("clone")) && !has_word(flags, SLICE("execve"))))
        return TEXT_IGNORED;
    if (parse_timestamp_usec(json_reader_text(reader, "time"), &event->time_usec) < 0 &&
        parse_timestamp_usec(json_reader_text(reader, "process_exec.process.start_time"), &event->time_usec) <
            0)
        return TEXT_QUARANTINED;
    event->format = SLICE("tetragon");
    event->host = read_text(reader, "node_name");
    event->executable = read_text(reader, "process_exec.process.binary");
    event->working_directory = read_text(reader, "process_exec.process.cwd");
    event->pid = read_pid(reader, "process_exec.process.pid");
    event->parent_pid = read_pid(reader, "process_exec.parent.pid");
    event->parent_executable = read_text(reader, "process_exec.parent.binary");
    r = join_tetragon(reader, event);
    if (r >= 0)
        r = identity_resolve(&who, uid_map, reader->arena, event);
    return r < 0 ? r : finish(reader, event);
}

/* ---- osquery ---- */

static bool is_osquery(const struct json_reader *reader)
{
    return json_reader_has(reader, "hostIdentifier") &&
           (json_reader_has(reader, "columns") || json_reader_has(reader, "diffResults") ||
            json_reader_has(reader, "snapshot"));
}

static bool is_process_event(struct json_reader *columns)
{
    struct slice syscall = json_reader_text(columns, "syscall");

    /* the table processes has path and cmdline, socket_events path and auid */
    return json_reader_has(columns, "path") &&
           (json_reader_has(columns, "cmdline") || json_reader_has(columns, "json_cmdline")) &&
           (json_reader_has(columns, "auid") || json_reader_has(columns, "eid") || syscall.len > 0) &&
           (syscall.len == 0 || slice_starts_with(syscall, SLICE("exec")));
}

const struct json_node *json_agents_rows(const struct json_reader *reader)
{
    const struct json_node *added = json_reader_find(reader, "diffResults.added");

    return added ? added : json_reader_find(reader, "snapshot");
}

/* osquery copies the value of audit's record, quotes and all (process_events.cpp). */
static struct slice unquote(struct slice s)
{
    return s.len >= 2 && s.data[0] == '"' && s.data[s.len - 1] == '"'
               ? slice_head(slice_skip(s, 1), s.len - 2)
               : s;
}

static int read_row(struct json_reader *reader, const struct json_node *row, const struct text_line *line,
                    const struct uid_map *uid_map, struct event *event)
{
    struct json_reader columns = {.node = row, .arena = reader->arena};
    struct identity_input who;
    int64_t status;
    int r;

    if (!columns.node || !is_process_event(&columns))
        return columns.error < 0 ? columns.error : TEXT_IGNORED;
    if (!read_seconds(&columns, "time", &event->time_usec) &&
        !read_seconds(reader, "unixTime", &event->time_usec))
        return TEXT_QUARANTINED;
    who = (struct identity_input){
        .login = read_user(&columns, "auid", NULL),
        .real = read_user(&columns, "uid", "username"),
        .effective = read_user(&columns, "euid", NULL),
    };
    event->format = SLICE("osquery");
    /* hostIdentifier may be a UUID, as the agent is set up */
    event->host = read_text(reader, "decorations.hostname");
    if (slice_is_absent(event->host) && line)
        event->host = line->host;
    if (slice_is_absent(event->host))
        event->host = read_text(reader, "hostIdentifier");
    event->executable = read_text(&columns, "path");
    event->command_line = read_text(&columns, "cmdline");
    event->working_directory = unquote(read_text(&columns, "cwd"));
    event->tty = read_text(&columns, "tty");
    event->pid = read_pid(&columns, "pid");
    event->parent_pid = read_pid(&columns, "parent");
    if (json_reader_integer(&columns, "exit_code", &status))
        event->is_failure = status != 0; /* of the system call */
    r = identity_resolve(&who, uid_map, reader->arena, event);
    if (r >= 0)
        r = finish(&columns, event);
    if (r >= 0 && reader->error < 0)
        r = reader->error;
    return r;
}

static int read_osquery(struct json_reader *reader, const struct text_line *line,
                        const struct uid_map *uid_map, struct event *event)
{
    const struct json_node *columns = json_reader_find(reader, "columns"), *rows;

    if (columns)
        return json_reader_has_word(reader, "action", "added") ||
                       json_reader_has_word(reader, "action", "snapshot") /* logger_snapshot_event_type */
                   ? read_row(reader, columns, line, uid_map, event)
                   : TEXT_IGNORED;
    rows = json_agents_rows(reader);
    if (json_node_length(rows) > 1)
        return TEXT_ROWS;
    return read_row(reader, json_node_element(rows, 0), line, uid_map, event);
}

/* ---- Falco ---- */

static int read_falco(struct json_reader *reader, const struct text_line *line, const struct uid_map *uid_map,
                      struct event *event)
{
    struct json_reader fields = {.node = json_reader_find(reader, "output_fields"), .arena = reader->arena};
    struct identity_input who = {
        .login = read_user(&fields, "user.loginuid", "user.loginname"),
        .real = read_user(&fields, "user.uid", "user.name"),
    };
    int r;

    if (!slice_starts_with(json_reader_text(&fields, "evt.type"), SLICE("execve")))
        return TEXT_IGNORED;
    if (parse_timestamp_usec(json_reader_text(reader, "time"), &event->time_usec) < 0) {
        if (!line || !line->has_time)
            return TEXT_QUARANTINED;
        event->time_usec = line->time_usec;
    }
    who.effective = who.real;
    event->format = SLICE("falco");
    event->host = read_text(reader, "hostname");
    if (slice_is_absent(event->host) && line)
        event->host = line->host;
    event->process_name = read_text(&fields, "proc.name");
    event->executable = read_text(&fields, "proc.exepath");
    event->command_line = read_text(&fields, "proc.cmdline");
    event->working_directory = read_text(&fields, "proc.cwd");
    event->pid = read_pid(&fields, "proc.pid");
    event->parent_pid = read_pid(&fields, "proc.ppid");
    event->parent_name = read_text(&fields, "proc.pname");
    r = identity_resolve(&who, uid_map, reader->arena, event);
    if (r < 0)
        return r;
    if (slice_is_absent(event->process_name) && slice_is_absent(event->executable))
        event->process_name = slice_head(event->command_line, slice_find(event->command_line, ' '));
    if (event->process_name.len == 0)
        event->process_name = SLICE_NULL;
    r = finish(&fields, event);
    if (r >= 0 && reader->error < 0)
        r = reader->error;
    return r;
}

/* ---- which ---- */

static bool is_falco(const struct json_reader *reader)
{
    return json_reader_has(reader, "output_fields") && json_reader_has(reader, "rule") &&
           json_reader_has(reader, "priority");
}

static bool is_other_tetragon(const struct json_reader *reader)
{
    static const char *const others[] = {"process_exit",   "process_kprobe",   "process_tracepoint",
                                         "process_lsm",    "process_uprobe",   "process_usdt",
                                         "process_loader", "process_throttle", "rate_limit_info"};

    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (json_reader_has(reader, others[i]))
            return json_reader_has(reader, "node_name") && json_reader_has(reader, "time");
    return false;
}

/* An event needs somebody. */
static int publish(int outcome, const struct event *event, struct event *ret_event)
{
    if (outcome != TEXT_EVENT)
        return outcome;
    if (slice_is_absent(event->actor.name) && slice_is_absent(event->actor.id))
        return TEXT_QUARANTINED;
    *ret_event = *event;
    return TEXT_EVENT;
}

int json_agents_read_row(struct json_reader *reader, const struct json_node *row,
                         const struct text_line *line, enum trust trust, const struct uid_map *uid_map,
                         struct event *ret_event)
{
    struct event event = EVENT_INIT;

    event.trust = trust;
    event.action = SLICE("executed");
    return publish(read_row(reader, row, line, uid_map, &event), &event, ret_event);
}

int json_read_agents(struct json_reader *reader, const struct text_line *line, enum trust trust,
                     const struct uid_map *uid_map, struct event *ret_event)
{
    struct event event = EVENT_INIT;
    int r;

    event.trust = trust;
    event.action = SLICE("executed");
    if (json_reader_has(reader, "process_exec.process"))
        r = read_tetragon(reader, uid_map, &event);
    else if (is_osquery(reader))
        r = read_osquery(reader, line, uid_map, &event);
    else if (is_falco(reader))
        r = read_falco(reader, line, uid_map, &event);
    else
        return is_other_tetragon(reader) ? TEXT_IGNORED : TEXT_UNKNOWN;
    return publish(r, &event, ret_event);
}
