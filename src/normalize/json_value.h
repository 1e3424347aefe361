/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_VALUE_H
#define HAPAX_NORMALIZE_JSON_VALUE_H

/* Reading values out of a parsed document, whatever shape the pipeline before us gave it. */

#include <libfastjson/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/slice.h"

/*
 * The value at a dotted path: nested objects, dotted keys, or any mix of both ({"process":{"parent.pid":1}}).
 * NULL where there is none.
 */
struct fjson_object *json_value_find(struct fjson_object *object, const char *path);

/* A scalar as text in arena memory: a string as it is, numbers and booleans written out, an array of one
   element as that element.   Absent: null, an empty string, an object, a longer array. -ENOMEM is told by *r
   (only ever lowered). */
struct slice json_value_text(struct fjson_object *value, struct arena *arena, int *r);

/* json_value_text of json_value_find of the first path that has a value; paths is NULL-terminated. */
struct slice json_value_find_text(struct fjson_object *object, const char *const *paths, struct arena *arena,
                                  int *r);

/* Whether a value is the word, or an array that holds it. */
bool json_value_has_word(struct fjson_object *value, const char *word);

/* A whole number, from a number or its text; otherwise what it was before. */
void json_value_integer(struct fjson_object *value, struct arena *arena, int64_t *v, int *r);

#endif
