/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The one place where JSON text comes from, and the only file of this room that knows libfastjson. A writer
 * is a stack of open containers: a value goes into the innermost one, json_end hangs a container into the one
 * around it, or throws it away if nothing was written to it. So "left out, never null or empty" is a property
 * of the writer and not something each caller has to remember.
 *
 * Four things libfastjson (1.2304) does otherwise are done here:
 * - It writes bytes through as they are. Strings are made valid UTF-8 first (util/utf8).
 * - It stops at a NUL when it escapes a string, although it stores the length. Such a string is escaped in
 * pieces, and the pieces are joined with \u0000.
 * - It prints a double with a fixed format that loses digits. Numbers are handed over as text, the shortest
 * of %.15g,
 *   %.16g and %.17g that reads back as the same value (17 significant digits always do: C11 5.2.4.2.2,
 * DECIMAL_DIG).
 * - It writes '/' as "\/". That is allowed and unreadable: every path in an alert would be full of it.
 * json_finish takes those backslashes out while it copies.
 *
 * Members are added with FJSON_OBJECT_ADD_KEY_IS_NEW: without it each add compares the name with all earlier
 * ones. No caller writes a name twice into one object. Cost: linear in the output; a list of arguments of 6
 * MiB is one pass for UTF-8, one for the escapes and one copy into the arena.
 */
#include "alert/json.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>

/* Without its json-c spellings, which take names such as json_bool for themselves. */
#define FJSON_NATIVE_API_ONLY
#include <libfastjson/json.h>

#include "util/buffer.h"
#include "util/parse.h"
#include "util/utf8.h"

/* "-1.7976931348623157e+308", ".0" and a NUL */
#define NUMBER_SIZE 32

static bool in_array(const struct json_writer *w)
{
    return w->depth > 0 && w->stack[w->depth - 1].is_array;
}

static bool is_writable(const struct json_writer *w)
{
    return w->error == 0;
}

struct slice json_head(struct slice s, size_t max_bytes)
{
    size_t n = max_bytes;

    if (s.len <= max_bytes)
        return s;
    /* 10xxxxxx continues a character (RFC 3629 section 3); one has at most three of them. */
    while (n > 0 && max_bytes - n < 3 && (s.data[n] & 0xc0) == 0x80)
        n--;
    return slice_head(s, n);
}

/* Takes value: NULL is a failed allocation. */
static void add(struct json_writer *w, const char *name, struct fjson_object *value)
{
    struct fjson_object *parent;

    if (!value) {
        w->error = -ENOMEM;
        return;
    }
    assert(w->depth > 0);
    parent = w->stack[w->depth - 1].object;
    w->stack[w->depth - 1].is_used = true;
    if (!w->stack[w->depth - 1].is_array) {
        fjson_object_object_add_ex(parent, name, value,
                                   FJSON_OBJECT_ADD_KEY_IS_NEW | FJSON_OBJECT_KEY_IS_CONSTANT);
    } else if (fjson_object_array_add(parent, value) != 0) {
        fjson_object_put(value);
        w->error = -ENOMEM;
    }
}

/* A null in an array: what is known to be missing keeps its place. libfastjson's null object is NULL. */
static void add_null(struct json_writer *w)
{
    w->stack[w->depth - 1].is_used = true;
    if (fjson_object_array_add(w->stack[w->depth - 1].object, NULL) != 0)
        w->error = -ENOMEM;
}

static void begin(struct json_writer *w, const char *name, bool is_array)
{
    struct fjson_object *object;

    if (!is_writable(w))
        return;
    assert(w->depth < JSON_DEPTH_MAX);
    object = is_array ? fjson_object_new_array() : fjson_object_new_object();
    if (!object) {
        w->error = -ENOMEM;
        return;
    }
    w->stack[w->depth].object = object;
    w->stack[w->depth].name = name;
    w->stack[w->depth].is_array = is_array;
    w->stack[w->depth].is_used = false;
    w->depth++;
}

void json_begin_object(struct json_writer *w, const char *name)
{
    begin(w, name, false);
}

void json_begin_array(struct json_writer *w, const char *name)
{
    begin(w, name, true);
}

void json_end(struct json_writer *w)
{
    struct fjson_object *object;

    if (!is_writable(w))
        return;
    assert(w->depth > 1); /* the outermost one is json_finish's */
    w->depth--;
    object = TAKE_PTR(w->stack[w->depth].object);
    if (w->stack[w->depth].is_used)
        add(w, w->stack[w->depth].name, object);
    else
        fjson_object_put(object);
}

/* A string object of valid UTF-8 without a NUL; NULL where memory is out. */
static struct fjson_object *new_string(struct slice s)
{
    return s.len > INT_MAX / 8 ? NULL : fjson_object_new_string_len(s.data ? s.data : "", (int)s.len);
}

/*
 * A string with NULs in it, as an object that prints as the finished JSON string: libfastjson prints the text
 * of fjson_object_new_double_s as it is.
 */
static struct fjson_object *new_string_with_nul(struct slice s)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    int r;

    r = buffer_append_char(&text, '"');
    while (r == 0) {
        size_t n = slice_find(s, '\0');
        struct fjson_object *piece = new_string(slice_head(s, n));
        const char *quoted = piece ? fjson_object_to_json_string_ext(piece, FJSON_TO_STRING_PLAIN) : NULL;

        r = quoted ? buffer_append(&text, quoted + 1, strlen(quoted) - 2) : -ENOMEM;
        fjson_object_put(piece);
        if (n == s.len)
            break;
        if (r == 0)
            r = buffer_append_slice(&text, SLICE("\\u0000"));
        s = slice_skip(s, n + 1);
    }
    if (r == 0)
        r = buffer_append(&text, "\"", 2);
    return r == 0 ? fjson_object_new_double_s(0, text.data) : NULL;
}

void json_string(struct json_writer *w, const char *name, struct slice value)
{
    struct slice valid;
    int r;

    if (!is_writable(w))
        return;
    if (value.len == 0 && !in_array(w))
        return;
    if (slice_is_absent(value)) {
        add_null(w);
        return;
    }
    if (w->string_bytes_max > 0 && value.len > w->string_bytes_max) {
        value = json_head(value, w->string_bytes_max);
        w->is_cut = true;
    }
    r = utf8_sanitize(w->arena, value, &valid);
    if (r < 0) {
        w->error = r;
        return;
    }
    add(w, name, slice_find(valid, '\0') < valid.len ? new_string_with_nul(valid) : new_string(valid));
}

void json_text(struct json_writer *w, const char *name, const char *value)
{
    json_string(w, name, slice_from_string(value));
}

void json_hex(struct json_writer *w, const char *name, struct slice value)
{
    static const char digits[] = "0123456789abcdef";
    char *text;

    if (!is_writable(w))
        return;
    if (slice_is_absent(value)) {
        json_string(w, name, value);
        return;
    }
    text = arena_calloc(w->arena, value.len + 1, 2);
    if (!text) {
        w->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];

        text[2 * i] = digits[c >> 4];
        text[2 * i + 1] = digits[c & 15];
    }
    json_string(w, name, slice_new(text, 2 * value.len));
}

void json_time(struct json_writer *w, const char *name, int64_t usec)
{
    char text[TIMESTAMP_SIZE];

    format_timestamp(usec, text);
    json_text(w, name, text);
}

void json_integer(struct json_writer *w, const char *name, int64_t value)
{
    if (is_writable(w))
        add(w, name, fjson_object_new_int64(value));
}

static void format_number(double value, char ret_text[NUMBER_SIZE])
{
    for (int digits = 15; digits <= 17; digits++) {
        double back;
        int n = snprintf(ret_text, NUMBER_SIZE, "%.*g", digits, value);

        if (digits == 17 || (parse_double(slice_new(ret_text, (size_t)n), &back) == 0 && back == value))
            break;
    }
    if (!strpbrk(ret_text, ".e"))
        (void)snprintf(ret_text + strlen(ret_text), NUMBER_SIZE - strlen(ret_text), ".0");
}

void json_number(struct json_writer *w, const char *name, double value)
{
    char text[NUMBER_SIZE];

    if (!is_writable(w) || !isfinite(value))
        return;
    format_number(value, text);
    add(w, name, fjson_object_new_double_s(value, text));
}

void json_bool(struct json_writer *w, const char *name, bool value)
{
    if (is_writable(w))
        add(w, name, fjson_object_new_boolean(value));
}

void json_strings(struct json_writer *w, const char *name, char *const *items, size_t n_items)
{
    json_begin_array(w, name);
    for (size_t i = 0; i < n_items; i++)
        json_text(w, NULL, items[i] ? items[i] : "");
    json_end(w);
}

/* text without the backslashes before slashes, in arena memory. In JSON text a backslash only begins an
 * escape. */
static int copy_plain_slashes(struct arena *arena, const char *text, struct slice *ret_json)
{
    char *copy = arena_alloc(arena, strlen(text) + 1);
    size_t n = 0;

    if (!copy)
        return -ENOMEM;
    for (const char *p = text; *p; p++) {
        if (*p == '\\') {
            if (p[1] != '/')
                copy[n++] = *p;
            p++;
        }
        copy[n++] = *p;
    }
    *ret_json = slice_new(copy, n);
    return 0;
}

int json_finish(struct json_writer *w, struct slice *ret_json)
{
    const char *text;

    if (w->error < 0)
        return w->error;
    assert(w->depth == 1);
    text = fjson_object_to_json_string_ext(w->stack[0].object, FJSON_TO_STRING_PLAIN);
    if (!text)
        return -ENOMEM;
    return copy_plain_slashes(w->arena, text, ret_json);
}

void json_done(struct json_writer *w)
{
    while (w->depth > 0) {
        w->depth--;
        fjson_object_put(w->stack[w->depth].object);
        w->stack[w->depth].object = NULL;
    }
}
