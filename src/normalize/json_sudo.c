/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sudo's log_format=json (sudo.conf(5), "JSON event log"): {"sudo":{"accept":{…}}}. It is the best of the
 * sudo sources: the arguments are a list, so nothing is guessed. Only "accept" ran something; "reject",
 * "alert" and "exit" are understood and left aside. Times are {"seconds":…,"nanoseconds":…}.
 */
#include <errno.h>

#include "normalize/identity.h"
#include "normalize/json_readers.h"
#include "normalize/json_value.h"
#include "util/parse.h"

/* chosen: an argument list longer than the kernel takes is a lie (ARG_MAX is 128 KiB to 6 MiB) */
#define ARGS_MAX 65536

int json_read_args(struct fjson_object *array, struct arena *arena, struct event *event)
{
    int n, r = 0;

    if (!array || !fjson_object_is_type(array, fjson_type_array))
        return 0;
    n = (int)fjson_object_array_length(array);
    event->args_count = n;
    n = MIN(n, ARGS_MAX);
    if (n <= 0)
        return 0;
    event->args = arena_calloc(arena, (size_t)n, sizeof(*event->args));
    if (!event->args)
        return -ENOMEM;
    for (int i = 0; i < n; i++) {
        struct fjson_object *item = fjson_object_array_get_idx(array, i);

        if (!item)
            continue; /* null: a hole */
        event->args[i] = json_value_text(item, arena, &r);
        if (slice_is_absent(event->args[i]) && fjson_object_is_type(item, fjson_type_string))
            event->args[i] = SLICE("");
    }
    event->n_args = (size_t)n;
    return r;
}

int event_join_args(struct event *event, struct arena *arena)
{
    size_t len = 0;
    char *p, *out;

    for (size_t i = 0; i < event->n_args; i++)
        len += event->args[i].len + 1;
    if (len == 0)
        return 0;
    p = out = arena_alloc(arena, len);
    if (!p)
        return -ENOMEM;
    for (size_t i = 0; i < event->n_args; i++) {
        if (slice_is_absent(event->args[i]))
            continue;
        if (out > p)
            *out++ = ' ';
        if (event->args[i].len > 0)
            memcpy(out, event->args[i].data, event->args[i].len);
        out += event->args[i].len;
    }
    if (out > p)
        event->command_line = slice_new(p, (size_t)(out - p));
    return 0;
}

static bool read_time(struct fjson_object *accept, const struct text_line *line, struct arena *arena,
                      int64_t *ret_usec, int *r)
{
    int64_t seconds = -1, nanoseconds = 0;

    json_value_integer(json_value_find(accept, "server_time.seconds"), arena, &seconds, r);
    json_value_integer(json_value_find(accept, "server_time.nanoseconds"), arena, &nanoseconds, r);
    if (seconds < 0) {
        json_value_integer(json_value_find(accept, "submit_time.seconds"), arena, &seconds, r);
        json_value_integer(json_value_find(accept, "submit_time.nanoseconds"), arena, &nanoseconds, r);
    }
    if (seconds >= 0 && seconds < INT64_MAX / USEC_PER_SEC - 1 && nanoseconds >= 0 &&
        nanoseconds < 1000000000) {
        *ret_usec = seconds * USEC_PER_SEC + nanoseconds / 1000;
        return true;
    }
    if (line && line->has_time)
        *ret_usec = line->time_usec;
    return line && line->has_time;
}

int json_read_sudo(struct fjson_object *sudo, const struct text_line *line, const struct uid_map *uid_map,
                   struct arena *arena, struct event *event)
{
    struct fjson_object *accept = json_value_find(sudo, "accept");
    struct identity_input identity = {0};
    int r = 0, q;

    if (!accept || !fjson_object_is_type(accept, fjson_type_object))
        return TEXT_IGNORED;
    event->format = SLICE("sudo_json");
    event->action = SLICE("executed");
    if (!read_time(accept, line, arena, &event->time_usec, &r))
        return r < 0 ? r : TEXT_QUARANTINED;
    event->executable = json_value_text(json_value_find(accept, "command"), arena, &r);
    event->process_name = slice_base_name(event->executable);
    event->working_directory =
        json_value_find_text(accept, (const char *const[]){"runcwd", "cwd", "submitcwd", NULL}, arena, &r);
    event->tty = json_value_find_text(accept, (const char *const[]){"ttyname", "submittty", NULL}, arena, &r);
    event->host =
        line && !slice_is_absent(line->host)
            ? line->host
            : json_value_find_text(accept, (const char *const[]){"submithost", "runhost", NULL}, arena, &r);
    /* who asked is the person; the command's own uid, real and effective, is the user it runs as */
    identity.login.name = json_value_text(json_value_find(accept, "submituser"), arena, &r);
    identity.login.id = json_value_text(json_value_find(accept, "submituid"), arena, &r);
    identity.real.name = json_value_text(json_value_find(accept, "runuser"), arena, &r);
    identity.real.id = json_value_text(json_value_find(accept, "runuid"), arena, &r);
    q = json_read_args(json_value_find(accept, "runargv"), arena, event);
    r = MIN(r, q);
    q = event_join_args(event, arena);
    r = MIN(r, q);
    if (r < 0)
        return r;
    if (slice_is_absent(event->command_line))
        event->command_line = event->executable;
    if (slice_is_absent(event->command_line) ||
        (slice_is_absent(identity.login.name) && slice_is_absent(identity.login.id)))
        return TEXT_QUARANTINED;
    identity_resolve(&identity, uid_map, event);
    return TEXT_EVENT;
}
