/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An argument vector in JSON is an array of strings. Agents have written numbers and null into it, and a
 * single argument without its array; each is taken for what it must have been. What is no scalar is a hole:
 * its place counts, its text is unknown.
 */
#include "normalize/json_args.h"

#include <errno.h>

/* chosen: execve takes 2 MiB of arguments, which is this many of 32 bytes */
#define ARGS_MAX 65536

int json_args_read(struct json_reader *reader, const char *path, struct event *event)
{
    const struct json_node *node = json_reader_find(reader, path);
    size_t n = MIN(json_node_length(node), (size_t)ARGS_MAX);
    struct slice *args;

    if (!node)
        return 0;
    event->args_count = (int64_t)json_node_length(node);
    if (n == 0)
        return 0;
    args = arena_calloc(reader->arena, n, sizeof(*args));
    if (!args)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        args[i] = json_reader_text_of(reader, json_node_element(node, i));
    event->args = args;
    event->n_args = n;
    event->is_args_exact = n == json_node_length(node);
    return reader->error;
}

struct slice json_args_join(struct json_reader *reader, const struct event *event)
{
    size_t len = 0, at = 0;
    char *text;

    for (size_t i = 0; i < event->n_args; i++)
        len += event->args[i].len + 1;
    if (len == 0)
        return SLICE_NULL;
    text = arena_alloc(reader->arena, len);
    if (!text) {
        reader->error = -ENOMEM;
        return SLICE_NULL;
    }
    for (size_t i = 0; i < event->n_args; i++) {
        struct slice arg = event->args[i];

        if (slice_is_absent(arg))
            continue;
        if (at > 0)
            text[at++] = ' ';
        if (arg.len > 0)
            memcpy(text + at, arg.data, arg.len);
        at += arg.len;
    }
    return slice_new(text, at);
}
