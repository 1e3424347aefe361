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
 * Documents that spell no name with a dot, which is nearly all, can only be nested: every path has one place.
 * They get a table of the paths that readers ask for, made in one walk, since these are some sixty, most of
 * them of other agents.
 *
 * For readers who ask only for such paths a document is cut to them (json_cut.c), which leaves the library a
 * third. Cutting checks more strictly than the gate; what it does not want to cut goes through that.
 *
 * The library's tokener is kept from document to document: it is 3 KiB, which is large enough to make the C
 * library put all small free blocks together again each time it is allocated.
 *
 * Cost: the gate and the cut ~1 ns a byte, the library ~10 ns a byte of what is left and some allocations for
 * each value.
 */
#include "normalize/json_document.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>

#include <libfastjson/json.h>

#include "normalize/json_cut.h"
#include "util/parse.h"

/* chosen: Elasticsearch's index.mapping.depth.limit is 20 */
#define DEPTH_LIMIT 64
/* chosen: no agent comes near; each level takes a frame of the stack */
#define CUT_DEPTH_LIMIT 32
/* chosen: what a large document leaves behind is given back above this */
#define KEEP_BYTES (256U * 1024)
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

/* What a byte is to the gate. */
enum byte_class {
    BYTE_OTHER, /* in no JSON outside of a string */
    BYTE_PLAIN, /* a blank, a comma, or what numbers, true, false and null are made of */
    BYTE_OPEN,
    BYTE_CLOSE,
    BYTE_COLON,
    BYTE_QUOTE,
};

static const uint8_t byte_classes[256] = {
    [' '] = BYTE_PLAIN,         ['\t'] = BYTE_PLAIN, ['\n'] = BYTE_PLAIN, ['\r'] = BYTE_PLAIN,
    [','] = BYTE_PLAIN,         ['E'] = BYTE_PLAIN,  ['+'] = BYTE_PLAIN,  ['-'] = BYTE_PLAIN,
    ['.'] = BYTE_PLAIN,         ['{'] = BYTE_OPEN,   ['['] = BYTE_OPEN,   ['}'] = BYTE_CLOSE,
    [']'] = BYTE_CLOSE,         [':'] = BYTE_COLON,  ['"'] = BYTE_QUOTE,  ['0' ... '9'] = BYTE_PLAIN,
    ['a' ... 'z'] = BYTE_PLAIN,
};

/*
 * The offset behind the closing quote of the string that opens at i; s.len where it does not close.
 * is_simple: there are neither backslashes nor NUL bytes in s.
 */
static size_t skip_string(struct slice s, size_t i, bool is_simple)
{
    i++;
    if (is_simple)
        i += slice_find(slice_skip(s, i), '"');
    else
        for (; i < s.len && s.data[i] != '"'; i++) {
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
    bool is_simple = slice_find(s, '\\') == s.len && slice_find(s, '\0') == s.len;
    size_t depth = 0, n_comparisons = 0, i = 0;

    while (i < s.len && is_blank(s.data[i]))
        i++;
    while (i < s.len) {
        char c = s.data[i];

        switch (byte_classes[(unsigned char)c]) {
        case BYTE_OPEN:
            if (depth == DEPTH_LIMIT)
                return false;
            levels[depth++] = (struct level){.is_object = c == '{'};
            break;
        case BYTE_CLOSE:
            if (depth == 0 || levels[depth - 1].is_object != (c == '}'))
                return false;
            if (--depth == 0)
                return slice_trim(slice_skip(s, i + 1)).len == 0;
            break;
        case BYTE_COLON:
            if (depth == 0 || !levels[depth - 1].is_object)
                return false;
            n_comparisons += levels[depth - 1].n_members++;
            if (n_comparisons > COMPARISONS_MAX)
                return false;
            break;
        case BYTE_QUOTE:
            if (depth == 0)
                return false;
            i = skip_string(s, i, is_simple);
            continue;
        case BYTE_PLAIN:
            if (depth == 0)
                return false;
            break;
        default:
            return false;
        }
        i++;
    }
    return false;
}

/* ---- documents ---- */

/* A node is libfastjson's object by another name: the types do not leave this file. */
static struct fjson_object *to_fjson(const struct json_node *node)
{
    return (struct fjson_object *)(uintptr_t)node;
}

static const struct json_node *to_node(struct fjson_object *object)
{
    return (const struct json_node *)object;
}

void json_parser_done(struct json_parser *parser)
{
    if (parser->tokener)
        fjson_tokener_free(parser->tokener);
    json_paths_free(parser->paths);
    buffer_done(&parser->cut);
    free(parser->index);
    *parser = (struct json_parser){0};
}

/* What a gate let through. */
static int parse(struct json_parser *parser, struct slice text, struct json_document **ret_document)
{
    struct fjson_object *root;

    /* one more than the gate's: the library counts scalars as a level */
    if (!parser->tokener)
        parser->tokener = fjson_tokener_new_ex(DEPTH_LIMIT + 1);
    if (!parser->tokener)
        return -ENOMEM;
    fjson_tokener_reset(parser->tokener);
    root = fjson_tokener_parse_ex(parser->tokener, text.data, (int)text.len);
    if (!root)
        return 0;
    if (fjson_tokener_get_error(parser->tokener) != fjson_tokener_success) {
        (void)fjson_object_put(root);
        return 0;
    }
    *ret_document = (struct json_document *)root;
    return 1;
}

int json_document_new(struct json_parser *parser, struct slice text, struct json_document **ret_document)
{
    if (text.len > INT_MAX || !is_acceptable(text))
        return 0;
    return parse(parser, text, ret_document);
}

int json_document_new_cut(struct json_parser *parser, struct slice text, struct json_document **ret_document)
{
    static const struct json_cut_limits limits = {CUT_DEPTH_LIMIT, COMPARISONS_MAX};
    bool is_cut;
    int r = 0;

    if (parser->is_uncut || text.len > INT_MAX)
        return json_document_new(parser, text, ret_document);
    if (!parser->paths)
        r = json_paths_new(&parser->paths);
    buffer_clear(&parser->cut);
    if (r >= 0)
        r = buffer_reserve(&parser->cut, text.len);
    if (r < 0)
        return r;
    is_cut = json_cut(parser->paths, &limits, text, parser->cut.data, &parser->cut.len);
    r = is_cut ? parse(parser, buffer_slice(&parser->cut), ret_document)
               : json_document_new(parser, text, ret_document);
    if (parser->cut.size > KEEP_BYTES)
        buffer_done(&parser->cut);
    return r;
}

struct json_document *json_document_free(struct json_document *document)
{
    if (document)
        (void)fjson_object_put((struct fjson_object *)document);
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

struct json_index {
    struct json_paths *paths;
    const struct json_node *root;
    struct fjson_object *values[JSON_PATHS_NODES_MAX]; /* by the node of the path */
};

/* false: the table cannot say all. Depth is bounded by that of the tree. */
static bool index_members(struct json_index *index, struct fjson_object *object, unsigned node)
{
    struct fjson_object_iterator it = fjson_object_iter_begin(object), end = fjson_object_iter_end(object);

    for (; !fjson_object_iter_equal(&it, &end); fjson_object_iter_next(&it)) {
        struct slice name = slice_from_string(fjson_object_iter_peek_name(&it));
        struct fjson_object *value = fjson_object_iter_peek_value(&it), *inner;
        unsigned child;

        if (slice_find(name, '.') < name.len)
            return false;
        child = json_paths_child(index->paths, node, name);
        if (child == JSON_PATHS_NONE || !value) /* null counts as not there */
            continue;
        index->values[child] = value;
        if (!json_paths_goes_on(index->paths, child))
            continue;
        inner = unwrap(value);
        if (fjson_object_is_type(inner, fjson_type_object) && !index_members(index, inner, child))
            return false;
    }
    return true;
}

int json_parser_index(struct json_parser *parser, const struct json_node *node,
                      const struct json_index **ret_index)
{
    struct fjson_object *object = unwrap(to_fjson(node));
    struct json_index *index = parser->index;
    int r = parser->paths ? 0 : json_paths_new(&parser->paths);

    *ret_index = NULL;
    if (r < 0)
        return r;
    if (!index)
        parser->index = index = malloc(sizeof(*index));
    if (!index)
        return -ENOMEM;
    *index = (struct json_index){.paths = parser->paths, .root = node};
    if (!object || !fjson_object_is_type(object, fjson_type_object) ||
        !index_members(index, object, JSON_PATHS_ROOT))
        return 0;
    *ret_index = index;
    return 0;
}

static struct fjson_object *index_find(const struct json_index *index, const char *path)
{
    unsigned node = json_paths_find(index->paths, path);

    assert(node != JSON_PATHS_NONE); /* a path that is not listed in json_paths.c */
    return index->values[node];
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

const struct json_node *json_reader_find(const struct json_reader *reader, const char *path)
{
    if (reader->index && reader->index->root == reader->node)
        return to_node(index_find(reader->index, path));
    return json_node_find(reader->node, path);
}

bool json_reader_has(const struct json_reader *reader, const char *path)
{
    return json_reader_find(reader, path) != NULL;
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
    return json_reader_text_of(reader, json_reader_find(reader, path));
}

bool json_reader_integer(struct json_reader *reader, const char *path, int64_t *ret_v)
{
    struct fjson_object *object = unwrap(to_fjson(json_reader_find(reader, path)));

    /* at the limits the library may have clamped a larger number: then its text decides */
    if (object && fjson_object_is_type(object, fjson_type_int)) {
        int64_t v = fjson_object_get_int64(object);

        if (v > INT64_MIN && v < INT64_MAX) {
            *ret_v = v;
            return true;
        }
    }
    return parse_i64(borrow_text(object), ret_v) == 0;
}

static bool is_word(struct slice s, const char *word)
{
    return s.len == strlen(word) && s.len > 0 && strncasecmp(s.data, word, s.len) == 0;
}

bool json_reader_has_word(const struct json_reader *reader, const char *path, const char *word)
{
    const struct json_node *node = json_reader_find(reader, path);

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
