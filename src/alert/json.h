/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ALERT_JSON_H
#define HAPAX_ALERT_JSON_H

/*
 * One JSON object written from front to back, member after member in the order of the calls. A member without
 * a value (an absent or empty string, a negative count, an object or array nobody filled) is left out. The
 * first failure sticks: later calls do nothing and json_finish returns it, so that callers need no check
 * between members. Zero-initialise with JSON_WRITER_INIT, release with json_done.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/slice.h"

struct fjson_object;

/* Containers in containers: hapax.bucket.x is the deepest there is. */
#define JSON_DEPTH_MAX 6

struct json_writer {
    struct arena *arena;     /* for what has to be rewritten on the way (broken UTF-8), and for the result */
    size_t string_bytes_max; /* longer strings are cut; 0: none is */
    bool is_cut;             /* one was */
    struct {
        struct fjson_object *object;
        const char *name; /* in the container around it */
        bool is_array;
        bool is_used; /* something was written into it */
    } stack[JSON_DEPTH_MAX];
    size_t depth;
    int error; /* 0, or the negative errno that sticks */
};

#define JSON_WRITER_INIT(arena_, string_bytes_max_)                                                          \
    ((struct json_writer){.arena = (arena_), .string_bytes_max = (string_bytes_max_)})

/* The head of s, at most max_bytes of it, that ends between characters. */
struct slice json_head(struct slice s, size_t max_bytes);

/* Names are borrowed until json_finish; string literals in practice. In an array name is NULL. */
void json_begin_object(struct json_writer *w, const char *name);
void json_begin_array(struct json_writer *w, const char *name);
/* Closes the innermost container; drops it where it is empty. */
void json_end(struct json_writer *w);

/* Undecodable bytes become U+FFFD each. In an array an empty string is written, an absent one is null. */
void json_string(struct json_writer *w, const char *name, struct slice value);
void json_text(struct json_writer *w, const char *name, const char *value);
/* The bytes as lower-case hexadecimal digits; in an array an absent slice is null. */
void json_hex(struct json_writer *w, const char *name, struct slice value);
/* "YYYY-MM-DDTHH:MM:SS.mmmZ" */
void json_time(struct json_writer *w, const char *name, int64_t usec);
void json_integer(struct json_writer *w, const char *name, int64_t value);
/*
 * The shortest decimal number that reads back as the same double, always with a fraction or an exponent, so
 * that no index takes the field for an integer one. Left out where it is not finite: JSON has no such number.
 */
void json_number(struct json_writer *w, const char *name, double value);
void json_bool(struct json_writer *w, const char *name, bool value);

/* An array of one string per item, left out where there is none; in ECS most fields of a list are such. */
void json_strings(struct json_writer *w, const char *name, char *const *items, size_t n_items);

/* The outermost object as text in arena memory. All containers must be closed. 0 or -ENOMEM. */
int json_finish(struct json_writer *w, struct slice *ret_json) _warn_unused_;

/* NULL-safe and repeatable; named for _cleanup_. */
void json_done(struct json_writer *w);

#endif
