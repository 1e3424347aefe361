/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_DOCUMENT_H
#define HAPAX_NORMALIZE_JSON_DOCUMENT_H

/* One JSON document, and how its fields are asked for. The only door to libfastjson in this room. */

#include <stdbool.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/slice.h"

/* A value inside a document, borrowed from it. */
struct json_node;

struct json_document;

struct json_index;
struct json_paths;

/* What is kept from one document to the next. Zero-initialise, release with json_parser_done. */
struct json_parser {
    void *tokener; /* libfastjson's */
    struct json_index *index;
    struct json_paths *paths;
    struct buffer cut; /* what is left of the document's text */
    bool is_uncut;     /* the caller's: documents are never cut, which changes no result */
};

void json_parser_done(struct json_parser *parser);

/*
 * 1: *ret_document is the document, an object or an array; 0: text is not JSON, is nested deeper than 64, or
 * has members by the ten thousands in one object; -ENOMEM. Linear in the text. Free it before the next one.
 */
int json_document_new(struct json_parser *parser, struct slice text,
                      struct json_document **ret_document) _warn_unused_;

/*
 * The same, of which only those members are sure to be there that json_paths.c lists: for readers who ask for
 * nothing else from the root.
 */
int json_document_new_cut(struct json_parser *parser, struct slice text,
                          struct json_document **ret_document) _warn_unused_;

struct json_document *json_document_free(struct json_document *document);
DEFINE_CLEANUP(struct json_document *, json_document_free)

const struct json_node *json_document_root(const struct json_document *document);

/*
 * Makes a table of the paths of json_paths.c below node, for readers that begin there (index and node set)
 * and ask for no other. It holds until the next one is made, or the document is freed. *ret_index is NULL
 * where paths must be searched for: there are names with dots. 0 or -ENOMEM.
 */
int json_parser_index(struct json_parser *parser, const struct json_node *node,
                      const struct json_index **ret_index) _warn_unused_;

/*
 * How a reader looks at a document. Text is copied into the arena, so that it outlives the document; where
 * memory is out, error is -ENOMEM and the text absent: look at it once, at the end.
 */
struct json_reader {
    const struct json_node *node;   /* where paths begin; NULL: nothing is found */
    const struct json_index *index; /* NULL: none; not asked where node is another than it was made for */
    struct arena *arena;
    int error;
};

/*
 * The value at a path of names and dots, however the document spells it: "a.b.c" finds {"a":{"b":{"c":…}}},
 * {"a.b.c":…}, {"a":{"b.c":…}}. On the way, and at its end, an array of one element counts as the element.
 * NULL where there is none or it is null.
 */
const struct json_node *json_node_find(const struct json_node *node, const char *path);
/* The same from the reader's node, and faster where there is an index for it. */
const struct json_node *json_reader_find(const struct json_reader *reader, const char *path);

/* A string as it is; numbers and booleans as JSON writes them; absent for anything else. */
struct slice json_reader_text(struct json_reader *reader, const char *path);
struct slice json_reader_text_of(struct json_reader *reader, const struct json_node *node);

/* A whole number, or a string that holds one. */
bool json_reader_integer(struct json_reader *reader, const char *path, int64_t *ret_v);

/* Whether the value is the word, or an array that holds it. Case is ignored. */
bool json_reader_has_word(const struct json_reader *reader, const char *path, const char *word);

/* Elements of an array; one that is no array counts as an array of itself; 0 for NULL. */
size_t json_node_length(const struct json_node *node);
const struct json_node *json_node_element(const struct json_node *node, size_t i);

/* Whether the document says anything at path. */
bool json_reader_has(const struct json_reader *reader, const char *path);

#endif
