/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Documents of one kind come in several shapes: Beats nest, Logstash and some pipelines flatten to dotted
 * keys, ingest pipelines wrap single values into arrays and turn numbers into strings. These look-ups take
 * all of them, so the readers only name the field.
 *
 * A dotted path of k parts can be cut in 2^(k-1) ways; paths are ours and have at most five parts, so that is
 * a small constant, and the nested way is tried first.
 */
#include "normalize/json_value.h"

#include <errno.h>
#include <stdio.h>

#include "util/cleanup.h"
#include "util/parse.h"

/* ours are shorter: "process.entry_leader.entry_meta.source.ip" */
#define PATH_BYTES_MAX 64U

struct fjson_object *json_value_find(struct fjson_object *object, const char *path)
{
    struct fjson_object *value = NULL;
    char head[PATH_BYTES_MAX];

    if (!object || !fjson_object_is_type(object, fjson_type_object))
        return NULL;
    for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
        size_t len = (size_t)(dot - path);

        if (len >= sizeof(head))
            break;
        memcpy(head, path, len);
        head[len] = '\0';
        if (fjson_object_object_get_ex(object, head, &value) && (value = json_value_find(value, dot + 1)))
            return value;
    }
    return fjson_object_object_get_ex(object, path, &value) ? value : NULL;
}

/* The document is gone when the event is handed over. */
static struct slice copy_text(struct arena *arena, struct slice text, int *r)
{
    struct slice copy = SLICE_NULL;
    int q = arena_copy(arena, text, &copy);

    *r = MIN(*r, q);
    return copy;
}

struct slice json_value_text(struct fjson_object *value, struct arena *arena, int *r)
{
    char number[32];
    struct slice text;

    if (!value)
        return SLICE_NULL;
    switch (fjson_object_get_type(value)) {
    case fjson_type_array:
        return fjson_object_array_length(value) == 1 &&
                       !fjson_object_is_type(fjson_object_array_get_idx(value, 0), fjson_type_array)
                   ? json_value_text(fjson_object_array_get_idx(value, 0), arena, r)
                   : SLICE_NULL;
    case fjson_type_string:
        text = slice_new(fjson_object_get_string(value), (size_t)fjson_object_get_string_len(value));
        return text.len > 0 ? copy_text(arena, text, r) : SLICE_NULL;
    case fjson_type_int:
        (void)snprintf(number, sizeof(number), "%lld", (long long)fjson_object_get_int64(value));
        return copy_text(arena, slice_from_string(number), r);
    case fjson_type_double:
    case fjson_type_boolean:
        return copy_text(arena, slice_from_string(fjson_object_to_json_string(value)), r);
    default:
        return SLICE_NULL;
    }
}

struct slice json_value_find_text(struct fjson_object *object, const char *const *paths, struct arena *arena,
                                  int *r)
{
    for (; *paths; paths++) {
        struct slice text = json_value_text(json_value_find(object, *paths), arena, r);

        if (!slice_is_absent(text))
            return text;
    }
    return SLICE_NULL;
}

bool json_value_has_word(struct fjson_object *value, const char *word)
{
    if (!value)
        return false;
    if (fjson_object_is_type(value, fjson_type_string))
        return strcmp(fjson_object_get_string(value), word) == 0;
    if (!fjson_object_is_type(value, fjson_type_array))
        return false;
    for (int i = 0, n = (int)fjson_object_array_length(value); i < n; i++) {
        struct fjson_object *item = fjson_object_array_get_idx(value, i);

        if (item && fjson_object_is_type(item, fjson_type_string) &&
            strcmp(fjson_object_get_string(item), word) == 0)
            return true;
    }
    return false;
}

void json_value_integer(struct fjson_object *value, struct arena *arena, int64_t *v, int *r)
{
    struct slice text = json_value_text(value, arena, r);
    int64_t parsed;

    if (!slice_is_absent(text) && parse_i64(text, &parsed) >= 0)
        *v = parsed;
}
