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
 * They get a table of paths, made in one walk, since readers ask for some sixty, most of which are of other
 * agents.
 *
 * The library's tokener is kept from document to document: it is 3 KiB, which is large enough to make the C
 * library put all small free blocks together again each time it is allocated.
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
    free(parser->index);
    *parser = (struct json_parser){0};
}

int json_document_new(struct json_parser *parser, struct slice text, struct json_document **ret_document)
{
    struct fjson_object *root;

    if (text.len > INT_MAX || !is_acceptable(text))
        return 0;
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

/* chosen: three times what the agents send; what has more is searched */
#define INDEX_MEMBERS_MAX 512U
#define INDEX_SLOTS       1024U

struct index_entry {
    const char *name; /* the document's */
    uint32_t name_len;
    uint32_t hash;   /* of the path */
    uint32_t parent; /* index + 1; 0: at the root */
    struct fjson_object *value;
};

struct json_index {
    const struct json_node *root;
    uint32_t n_entries;
    struct index_entry entries[INDEX_MEMBERS_MAX];
    uint16_t slots[INDEX_SLOTS]; /* index + 1 */
};

/* Of a path of which hash is the beginning's (0: none) and name the rest: its ends and length tell names
 * apart. */
static uint32_t path_hash(uint32_t hash, const char *name, size_t len)
{
    uint32_t first = (unsigned char)name[0], second = (unsigned char)name[len / 2],
             last = (unsigned char)name[len - 1];

    hash = (hash ^ (first | second << 8 | last << 16 | (uint32_t)len << 24)) * 2654435761U;
    return hash ^ hash >> 15;
}

/* false: the table cannot say all. Depth is bounded by DEPTH_LIMIT. */
static bool index_members(struct json_index *index, struct fjson_object *object, uint32_t parent,
                          uint32_t hash)
{
    struct fjson_object_iterator it = fjson_object_iter_begin(object), end = fjson_object_iter_end(object);

    for (; !fjson_object_iter_equal(&it, &end); fjson_object_iter_next(&it)) {
        const char *name = fjson_object_iter_peek_name(&it);
        struct fjson_object *value = fjson_object_iter_peek_value(&it), *inner;
        size_t len = 0, slot;
        uint32_t entry_hash;

        while (name[len] != '.' && name[len] != '\0')
            len++;
        if (len == 0 || name[len] != '\0' || len > UINT8_MAX || index->n_entries == INDEX_MEMBERS_MAX)
            return false;
        if (!value) /* null counts as not there */
            continue;
        entry_hash = path_hash(hash, name, len);
        index->entries[index->n_entries++] = (struct index_entry){
            .name = name, .name_len = (uint32_t)len, .hash = entry_hash, .parent = parent, .value = value};
        for (slot = entry_hash % INDEX_SLOTS; index->slots[slot] != 0;)
            slot = (slot + 1) % INDEX_SLOTS;
        index->slots[slot] = (uint16_t)index->n_entries;
        inner = unwrap(value);
        if (fjson_object_is_type(inner, fjson_type_object) &&
            !index_members(index, inner, index->n_entries, entry_hash))
            return false;
    }
    return true;
}

int json_parser_index(struct json_parser *parser, const struct json_node *node,
                      const struct json_index **ret_index)
{
    struct fjson_object *object = unwrap(to_fjson(node));
    struct json_index *index = parser->index;

    *ret_index = NULL;
    if (!index)
        parser->index = index = malloc(sizeof(*index));
    if (!index)
        return -ENOMEM;
    index->root = node;
    index->n_entries = 0;
    memset(index->slots, 0, sizeof(index->slots));
    if (!object || !fjson_object_is_type(object, fjson_type_object) || !index_members(index, object, 0, 0))
        return 0;
    *ret_index = index;
    return 0;
}

/* Whether the entry's path is this one, from its end. */
static bool is_entry(const struct json_index *index, const struct index_entry *entry, const char *path,
                     size_t len)
{
    for (;;) {
        if (entry->name_len > len || memcmp(path + len - entry->name_len, entry->name, entry->name_len) != 0)
            return false;
        len -= entry->name_len;
        if (entry->parent == 0)
            return len == 0;
        if (len == 0 || path[--len] != '.')
            return false;
        entry = &index->entries[entry->parent - 1];
    }
}

static struct fjson_object *index_find(const struct json_index *index, const char *path)
{
    uint32_t hash = 0;
    size_t len = 0;

    for (;; len++) {
        size_t start = len;

        while (path[len] != '.' && path[len] != '\0')
            len++;
        if (len == start)
            return NULL;
        hash = path_hash(hash, path + start, len - start);
        if (path[len] == '\0')
            break;
    }
    for (size_t slot = hash % INDEX_SLOTS; index->slots[slot] != 0; slot = (slot + 1) % INDEX_SLOTS) {
        const struct index_entry *entry = &index->entries[index->slots[slot] - 1];

        if (entry->hash == hash && is_entry(index, entry, path, len))
            return entry->value;
    }
    return NULL;
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
