/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sudo's own JSON (log_format=json; sudo lib/eventlog/eventlog.c, format_json and eventlog_store_json):
 * {"accept":{…}}, "reject", "alert" or "exit", inside {"sudo":…} where it goes through syslog, which may cut
 * it: then it is no JSON any more and counted as broken.
 *
 * An accept is a process start, and the best record sudo makes: the argument vector as it was handed to
 * execve. As with sudo's line, the actor is the invoking user, and the command's real and effective user is
 * the one it runs as. The time is when the event was logged (server_time), which with sudo_logsrvd is the
 * server's clock, else when it was submitted. "sudo -l" and "sudo -v" are accepts of a command named list or
 * validate and run nothing.
 */
#include "normalize/json_sudo.h"

#include "normalize/json_args.h"
#include "normalize/text.h"
#include "util/parse.h"

/* 9999-12-31T23:59:59Z: RFC 3339 cannot write a later one */
#define SECONDS_MAX INT64_C(253402300799)

/* {"seconds":…,"nanoseconds":…} */
static bool read_time(struct json_reader *accept, const char *path, int64_t *ret_usec)
{
    struct json_reader time = {.node = json_reader_find(accept, path), .arena = accept->arena};
    int64_t seconds, nanoseconds = 0;

    if (!json_reader_integer(&time, "seconds", &seconds) || seconds < 0 || seconds > SECONDS_MAX)
        return false;
    if (json_reader_integer(&time, "nanoseconds", &nanoseconds) &&
        (nanoseconds < 0 || nanoseconds >= 1000000000))
        return false;
    *ret_usec = seconds * USEC_PER_SEC + nanoseconds / 1000;
    return true;
}

/* sudo writes a user without a passwd entry as "#1000" */
static struct user read_user(struct slice name, struct slice id, const struct uid_map *uid_map)
{
    struct user user = {.name = name, .id = id};
    uint32_t uid;

    if (name.len > 1 && name.data[0] == '#' && parse_u32(slice_skip(name, 1), &uid) == 0) {
        user.name = SLICE_NULL;
        user.id = slice_skip(name, 1);
    }
    if (user.name.len == 0)
        user.name = SLICE_NULL;
    if (slice_is_absent(user.name) && uid_map && parse_u32(user.id, &uid) == 0)
        user.name = uid_map_find(uid_map, uid);
    return user;
}

static struct slice first_of(struct json_reader *reader, const char *a, const char *b)
{
    struct slice text = json_reader_text(reader, a);

    return slice_is_absent(text) ? json_reader_text(reader, b) : text;
}

static int read_accept(struct json_reader *accept, const struct text_line *line, enum trust trust,
                       const struct uid_map *uid_map, struct event *ret_event)
{
    struct event event = EVENT_INIT;
    int r;

    event.executable = json_reader_text(accept, "command");
    if (slice_equal_string(event.executable, "list") || slice_equal_string(event.executable, "validate"))
        return TEXT_IGNORED;

    if (!read_time(accept, "server_time", &event.time_usec) &&
        !read_time(accept, "submit_time", &event.time_usec)) {
        if (!line || !line->has_time)
            return TEXT_QUARANTINED;
        event.time_usec = line->time_usec;
    }
    event.format = SLICE("sudo_json");
    event.action = SLICE("executed");
    event.trust = trust;
    event.host = line && !slice_is_absent(line->host) ? line->host : json_reader_text(accept, "submithost");

    event.actor = read_user(json_reader_text(accept, "submituser"), SLICE_NULL, uid_map);
    if (slice_is_absent(event.actor.name) && slice_is_absent(event.actor.id))
        return TEXT_QUARANTINED;
    event.effective =
        read_user(json_reader_text(accept, "runuser"), json_reader_text(accept, "runuid"), uid_map);
    if (slice_is_absent(event.effective.name) && slice_is_absent(event.effective.id))
        event.effective = event.actor;
    event.real = event.effective;

    event.process_name = slice_base_name(event.executable);
    if (event.process_name.len == 0)
        return TEXT_QUARANTINED;
    event.working_directory = first_of(accept, "runcwd", "submitcwd");
    event.tty = json_reader_text(accept, "ttyname");
    r = json_args_read(accept, "runargv", &event);
    if (r < 0)
        return r;
    event.command_line = event.n_args > 0 ? json_args_join(accept, &event) : event.executable;
    if (accept->error < 0)
        return accept->error;
    *ret_event = event;
    return TEXT_EVENT;
}

int json_read_sudo(struct json_reader *reader, const struct text_line *line, enum trust trust,
                   const struct uid_map *uid_map, struct event *ret_event)
{
    static const char *const others[] = {"reject", "alert", "exit"};
    struct json_reader sudo = *reader;
    bool is_wrapped = json_reader_has(reader, "sudo");

    if (is_wrapped)
        sudo.node = json_reader_find(reader, "sudo");
    if (json_reader_has(&sudo, "accept")) {
        sudo.node = json_reader_find(&sudo, "accept");
        /* outside of {"sudo":…} the word alone proves nothing */
        if (!is_wrapped && !(json_reader_has(&sudo, "submituser") && json_reader_has(&sudo, "command")))
            return TEXT_UNKNOWN;
        return read_accept(&sudo, line, trust, uid_map, ret_event);
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        struct json_reader event = {.node = json_reader_find(&sudo, others[i])};

        if (event.node && (is_wrapped || json_reader_has(&event, "server_time")))
            return TEXT_IGNORED;
    }
    return TEXT_UNKNOWN;
}
