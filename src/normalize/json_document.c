/* SPDX-License-Identifier: Apache-2.0 */

/*
 * JSON through libfastjson, behind a gate. The library is generous (comments, single quotes, bare words in
 * any case) and looks every new member of an object up among those before it, so that a megabyte of short
 * members takes minutes. The gate is one pass over the text that knows strings and brackets: it refuses what
 * is not JSON by its outer shape, what is nested too deep, what goes on behind the document, and what would
 * cost more look-ups than COMPARISONS_MAX. What it lets through means the same to it and to the library; the
 * library still has the last word.
 *
 * Names are looked up as the document spells them. The agents nest ({"process":{"name":…}}), some exporters
 * write dotted names, ingest pipelines mix both and wrap values in arrays; a path is tried whole, then split
 * at each dot. Paths have at most six names, which bounds the tries.
 *
 * Cost: the gate ~1 ns a byte, the library ~10 ns a byte and an allocation for each value.
 */
#include "normalize/json_document.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>

#include <libfastjson/json.h>

#include "util/parse.h"

/* chosen: Elasticsearch's index.mapping.depth.limit is 20 */
#define DEPTH_LIMIT 64
/* chosen: some 2800 members in one object; Elasticsearch maps at most 1000 fields (total_fields.limit) */
#define COMPARISONS_MAX (4U * 1024 * 1024)
/* longest name of a path we ask for, with its NUL */
#define NAME_SIZE 64

/* ---- the gate ---- */

struct level {
    bool is_object;
    size_t n_members;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What numbers, true, false and null are made of. */
static bool is_literal(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '+' || c == '-' || c == '.';
}

/* The offset behind the closing quote of the string that opens at i; s.len where it does not close. */
static size_t skip_string(struct slice s, size_t i)
{
    for (i++; i < s.len && s.data[i] != '"'; i++) {
        if (s.data[i] == '\0')
            return s.len;
        if (s.data[i] == '\\')
            i++;
    }
    return i < s.len ? i + 1 : s.len;
}

static bool is_acceptable(struct slice s)
{
    struct level levels[DEPTH_LIMIT];
    size_t depth = 0, n_comparisons = 0, i = 0;

    while (i < s.len && is_blank(s.data[i]))
        i++;
    while (i < s.len) {
        char c = s.data[i];

        switch (c) {
        case '{':
        case '[':
            if (depth == DEPTH_LIMIT)
                return false;
            levels[depth++] = (struct level){.is_object = c == '{'};
            break;
        case '}':
        case ']':
            if (depth == 0 || levels[depth - 1].is_object != (c == '}'))
                return false;
            if (--depth == 0)
                return slice_trim(slice_skip(s, i + 1)).len == 0;
            break;
        case ':':
            if (depth == 0 || !levels[depth - 1].is_object)
                return false;
            n_comparisons += levels[depth - 1].n_members++;
            if (n_comparisons > COMPARISONS_MAX)
                return false;
            break;
        case '"':
            if (depth == 0)
                return false;
            i = skip_string(s, i);
            continue;
        default:
            if (depth == 0 || !(c == ',' || is_blank(c) || is_literal(c)))
                return false;
        }
        i++;
    }
    return false;
}

/* ---- documents ---- */

/* A document and a node are libfastjson's objects by another name: the types do not leave this file. */
static struct fjson_object *to_fjson(const struct json_node *node)
{
    return (struct fjson_object *)(uintptr_t)node;
}

static const struct json_node *to_node(struct fjson_object *object)
{
    return (const struct json_node *)object;
}

int json_document_new(struct slice text, struct json_document **ret_document)
{
    struct fjson_tokener *tokener;
    struct fjson_object *root;
    bool is_complete;

    if (text.len > INT_MAX || !is_acceptable(text))
        return 0;
    /* one more than the gate's: the library counts scalars as a level */
    tokener = fjson_tokener_new_ex(DEPTH_LIMIT + 1);
    if (!tokener)
        return -ENOMEM;
    root = fjson_tokener_parse_ex(tokener, text.data, (int)text.len);
    is_complete = fjson_tokener_get_error(tokener) == fjson_tokener_success;
    fjson_tokener_free(tokener);
    if (!root)
        return 0;
    if (!is_complete) {
        fjson_object_put(root);
        return 0;
    }
    *ret_document = (struct json_document *)root;
    return 1;
}

struct json_document *json_document_free(struct json_document *document)
{
    if (document)
        fjson_object_put((struct fjson_object *)document);
    return NULL;
}

const struct json_node *json_document_root(const struct json_document *document)
{
    return (const struct json_node *)document;
}

/* ---- fields ---- */

static struct fjson_object *unwrap(struct fjson_object *object)
{
    while (object && fjson_object_is_type(object, fjson_type_array) && fjson_object_array_length(object) == 1)
        object = fjson_object_array_get_idx(object, 0);
    return object;
}

static struct fjson_object *find(struct fjson_object *object, const char *path)
{
    struct fjson_object *value;
    char name[NAME_SIZE];

    object = unwrap(object);
    if (!object || !fjson_object_is_type(object, fjson_type_object))
        return NULL;
    if (fjson_object_object_get_ex(object, path, &value) && value)
        return value;
    for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
        size_t len = (size_t)(dot - path);

        assert(len < sizeof(name));
        memcpy(name, path, len);
        name[len] = '\0';
        if (!fjson_object_object_get_ex(object, name, &value) || !value)
            continue;
        value = find(value, dot + 1);
        if (value)
            return value;
    }
    return NULL;
}

const struct json_node *json_node_find(const struct json_node *node, const char *path)
{
    return to_node(find(to_fjson(node), path));
}

bool json_reader_has(const struct json_reader *reader, const char *path)
{
    return json_node_find(reader->node, path) != NULL;
}

/* Borrowed from the document; for a number from its own printing, which lives as long. */
static struct slice borrow_text(struct fjson_object *object)
{
    object = unwrap(object);
    if (!object)
        return SLICE_NULL;
    switch (fjson_object_get_type(object)) {
    case fjson_type_string:
        return slice_new(fjson_object_get_string(object), (size_t)fjson_object_get_string_len(object));
    case fjson_type_boolean:
    case fjson_type_int:
    case fjson_type_double:
        return slice_from_string(fjson_object_to_json_string(object));
    default:
        return SLICE_NULL;
    }
}

struct slice json_reader_text_of(struct json_reader *reader, const struct json_node *node)
{
    struct slice text = SLICE_NULL;
    int r;

    r = arena_copy(reader->arena, borrow_text(to_fjson(node)), &text);
    if (r < 0)
        reader->error = r;
    return text;
}

struct slice json_reader_text(struct json_reader *reader, const char *path)
{
    return json_reader_text_of(reader, json_node_find(reader->node, path));
}

bool json_reader_integer(struct json_reader *reader, const char *path, int64_t *ret_v)
{
    return parse_i64(borrow_text(to_fjson(json_node_find(reader->node, path))), ret_v) == 0;
}

static bool is_word(struct slice s, const char *word)
{
    return s.len == strlen(word) && s.len > 0 && strncasecmp(s.data, word, s.len) == 0;
}

bool json_reader_has_word(const struct json_reader *reader, const char *path, const char *word)
{
    const struct json_node *node = json_node_find(reader->node, path);

    for (size_t i = 0; i < json_node_length(node); i++)
        if (is_word(borrow_text(to_fjson(json_node_element(node, i))), word))
            return true;
    return false;
}

size_t json_node_length(const struct json_node *node)
{
    struct fjson_object *object = to_fjson(node);

    if (!object)
        return 0;
    return fjson_object_is_type(object, fjson_type_array) ? (size_t)fjson_object_array_length(object) : 1;
}

const struct json_node *json_node_element(const struct json_node *node, size_t i)
{
    struct fjson_object *object = to_fjson(node);

    if (!fjson_object_is_type(object, fjson_type_array))
        return node;
    return to_node(fjson_object_array_get_idx(object, (int)i));
}
