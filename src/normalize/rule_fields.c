/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From what liblognorm makes of a line (a tree of libfastjson) to an array of fields in the order of the
 * rule. Fields come out of the library in the reverse order, values of JSON type. They are flattened: members
 * of an object get dotted names, members of objects in an array (repeat) keep their own, and an element
 * {"key": K, "value": V} of an array A becomes the field A.K with the value V.
 *
 * Nearly every match is strings and one tag: one walk and one allocation for these, the general way for the
 * rest. A value that is the tail of the line is borrowed from it. Linear in the tree; depth is bounded.
 */
#include "normalize/rule_fields.h"

#include <errno.h>

#include <libfastjson/json.h>

/* chosen: repeat of repeat makes 4; deeper is JSON inside a message, which json.c reads */
#define MEMBER_DEPTH_MAX 8

static bool is_metadata(const char *name)
{
    return strcmp(name, "event.tags") == 0 || strcmp(name, "metadata") == 0;
}

static size_t count_fields(struct fjson_object *value, unsigned depth)
{
    size_t n = 0;

    if (depth > MEMBER_DEPTH_MAX)
        return 0;
    if (fjson_object_is_type(value, fjson_type_array)) {
        int n_items = fjson_object_array_length(value);

        for (int i = 0; i < n_items; i++)
            n += count_fields(fjson_object_array_get_idx(value, i), depth + 1);
        return n;
    }
    if (fjson_object_is_type(value, fjson_type_object)) {
        struct fjson_object_iterator it = fjson_object_iter_begin(value), end = fjson_object_iter_end(value);

        for (; !fjson_object_iter_equal(&it, &end); fjson_object_iter_next(&it))
            if (depth > 0 || !is_metadata(fjson_object_iter_peek_name(&it)))
                n += count_fields(fjson_object_iter_peek_value(&it), depth + 1);
        return n;
    }
    return value ? 1 : 0;
}

/* Where flattening stands: fields[0 … n_left) are still to be filled, from the back. */
struct flattening {
    struct arena *arena;
    struct slice line; /* the copy that was matched */
    struct rule_field *fields;
    size_t n_left;
};

static struct slice json_text(struct fjson_object *value)
{
    const char *text = fjson_object_get_string(value);

    if (!text)
        return SLICE("");
    if (fjson_object_is_type(value, fjson_type_string))
        return slice_new(text, (size_t)fjson_object_get_string_len(value));
    return slice_from_string(text);
}

/* A value out of the library's memory. The tail of the line, mostly the longest value, is borrowed from it.
 */
static int keep_value(struct flattening *f, struct slice value, struct slice *ret_value)
{
    if (value.len > 0 && slice_ends_with(f->line, value)) {
        *ret_value = slice_skip(f->line, f->line.len - value.len);
        return 0;
    }
    return arena_copy(f->arena, value, ret_value);
}

static int join_name(struct arena *arena, struct slice parent, struct slice name, struct slice *ret_name)
{
    char *p;

    if (parent.len == 0)
        return arena_copy(arena, name, ret_name);
    p = arena_alloc(arena, parent.len + 1 + name.len);
    if (!p)
        return -ENOMEM;
    memcpy(p, parent.data, parent.len);
    p[parent.len] = '.';
    memcpy(p + parent.len + 1, name.data, name.len);
    *ret_name = slice_new(p, parent.len + 1 + name.len);
    return 0;
}

static int put_field(struct flattening *f, struct slice parent, struct slice name, struct fjson_object *value)
{
    struct rule_field *field;
    int r;

    if (f->n_left == 0)
        return 0;
    field = &f->fields[f->n_left - 1];
    r = join_name(f->arena, parent, name, &field->name);
    if (r < 0)
        return r;
    r = keep_value(f, json_text(value), &field->value);
    if (r < 0)
        return r;
    f->n_left--;
    return 0;
}

/* element: of the array called name. 1: it was a {"key", "value"} pair and is done. */
static int put_pair(struct flattening *f, struct slice name, struct fjson_object *element)
{
    struct fjson_object *key, *value;
    int r;

    if (!fjson_object_is_type(element, fjson_type_object) || fjson_object_object_length(element) != 2)
        return 0;
    if (!fjson_object_object_get_ex(element, "key", &key) ||
        !fjson_object_object_get_ex(element, "value", &value) ||
        !fjson_object_is_type(key, fjson_type_string) || !fjson_object_is_type(value, fjson_type_string))
        return 0;
    r = put_field(f, name, json_text(key), value);
    return r < 0 ? r : 1;
}

static int put_members(struct flattening *f, struct slice parent, struct fjson_object *object,
                       unsigned depth);

static int put_value(struct flattening *f, struct slice parent, struct slice name, struct fjson_object *value,
                     unsigned depth)
{
    struct slice joined;
    int r;

    if (depth > MEMBER_DEPTH_MAX)
        return 0;
    if (fjson_object_is_type(value, fjson_type_object)) {
        r = join_name(f->arena, parent, name, &joined);
        return r < 0 ? r : put_members(f, joined, value, depth);
    }
    if (fjson_object_is_type(value, fjson_type_array)) {
        for (int i = fjson_object_array_length(value) - 1; i >= 0; i--) {
            struct fjson_object *element = fjson_object_array_get_idx(value, i);

            r = put_pair(f, name, element);
            if (r == 0 && fjson_object_is_type(element, fjson_type_object))
                r = put_members(f, parent, element, depth + 1);
            else if (r == 0)
                r = put_value(f, parent, name, element, depth + 1);
            if (r < 0)
                return r;
        }
        return 0;
    }
    return value ? put_field(f, parent, name, value) : 0;
}

static int put_members(struct flattening *f, struct slice parent, struct fjson_object *object, unsigned depth)
{
    struct fjson_object_iterator it = fjson_object_iter_begin(object), end = fjson_object_iter_end(object);
    int r;

    for (; !fjson_object_iter_equal(&it, &end); fjson_object_iter_next(&it)) {
        const char *name = fjson_object_iter_peek_name(&it);

        if (depth == 0 && is_metadata(name))
            continue;
        r = put_value(f, parent, slice_from_string(name), fjson_object_iter_peek_value(&it), depth + 1);
        if (r < 0)
            return r;
    }
    return 0;
}

static int join_tags(struct fjson_object *event, struct arena *arena, struct slice *ret_tags)
{
    struct fjson_object *tags;
    size_t len = 0;
    int n_tags;
    char *text;

    if (!fjson_object_object_get_ex(event, "event.tags", &tags) ||
        !fjson_object_is_type(tags, fjson_type_array)) {
        *ret_tags = SLICE("");
        return 0;
    }
    n_tags = fjson_object_array_length(tags);
    for (int i = 0; i < n_tags; i++)
        len += json_text(fjson_object_array_get_idx(tags, i)).len + 1;
    text = arena_alloc(arena, len + 1);
    if (!text)
        return -ENOMEM;
    len = 0;
    for (int i = 0; i < n_tags; i++) {
        struct slice tag = json_text(fjson_object_array_get_idx(tags, i));

        if (i > 0)
            text[len++] = ',';
        memcpy(text + len, tag.data, tag.len);
        len += tag.len;
    }
    *ret_tags = slice_new(text, len);
    return 0;
}

/* chosen: more than any shipped rule has */
#define FLAT_FIELDS_MAX 32

/*
 * The usual match: strings only, and at most one tag. One walk, one allocation. 1: done; 0: it is of another
 * kind; -ENOMEM. What it makes is what flatten() makes.
 */
static int flatten_strings(struct fjson_object *event, struct slice line, struct arena *arena,
                           struct rule_match *ret_match)
{
    struct fjson_object_iterator it = fjson_object_iter_begin(event), end = fjson_object_iter_end(event);
    struct rule_field found[FLAT_FIELDS_MAX], *fields;
    struct slice tags = SLICE("");
    size_t n = 0, n_bytes = 0;
    char *p;

    for (; !fjson_object_iter_equal(&it, &end); fjson_object_iter_next(&it)) {
        struct slice name = slice_from_string(fjson_object_iter_peek_name(&it));
        struct fjson_object *value = fjson_object_iter_peek_value(&it);

        if (slice_equal(name, SLICE("event.tags"))) {
            if (!fjson_object_is_type(value, fjson_type_array) || fjson_object_array_length(value) != 1)
                return 0;
            tags = json_text(fjson_object_array_get_idx(value, 0));
            n_bytes += tags.len;
            continue;
        }
        if (n == FLAT_FIELDS_MAX || !fjson_object_is_type(value, fjson_type_string) ||
            slice_equal(name, SLICE("metadata")))
            return 0;
        found[n] = (struct rule_field){name, json_text(value)};
        if (found[n].value.len > 0 && slice_ends_with(line, found[n].value))
            found[n].value = slice_skip(line, line.len - found[n].value.len);
        else
            n_bytes += found[n].value.len;
        n_bytes += name.len;
        n++;
    }
    fields = arena_alloc(arena, n * sizeof(*fields) + n_bytes + 1);
    if (!fields)
        return -ENOMEM;
    p = (char *)(fields + n);
    for (size_t i = 0; i < n; i++) {
        struct rule_field *field = &fields[n - 1 - i];
        struct slice value = found[i].value;
        bool is_borrowed = value.len > 0 && value.data + value.len == line.data + line.len;

        memcpy(p, found[i].name.data, found[i].name.len);
        field->name = slice_new(p, found[i].name.len);
        p += field->name.len;
        field->value = value;
        if (is_borrowed)
            continue;
        memcpy(p, value.data, value.len);
        field->value = slice_new(p, value.len);
        p += value.len;
    }
    memcpy(p, tags.data, tags.len);
    *ret_match = (struct rule_match){.fields = fields, .n_fields = n, .tags = slice_new(p, tags.len)};
    return 1;
}

static int flatten(struct fjson_object *event, struct slice line, struct arena *arena,
                   struct rule_match *ret_match)
{
    size_t n_fields = count_fields(event, 0);
    struct flattening f = {.arena = arena, .line = line, .n_left = n_fields};
    struct slice tags;
    int r;

    f.fields = arena_calloc(arena, MAX(n_fields, (size_t)1), sizeof(*f.fields));
    if (!f.fields)
        return -ENOMEM;
    r = put_members(&f, SLICE(""), event, 0);
    if (r < 0)
        return r;
    r = join_tags(event, arena, &tags);
    if (r < 0)
        return r;
    /* a pair is counted as two fields and takes one: what was not needed stands in front */
    *ret_match =
        (struct rule_match){.fields = f.fields + f.n_left, .n_fields = n_fields - f.n_left, .tags = tags};
    return 0;
}

int rule_fields_read(struct fjson_object *event, struct slice line, struct arena *arena,
                     struct rule_match *ret_match)
{
    int r = flatten_strings(event, line, arena, ret_match);

    if (r == 0)
        r = flatten(event, line, arena, ret_match);
    return r < 0 ? r : 0;
}
