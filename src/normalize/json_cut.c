/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Agents write some 110 values into a document, of which readers look at 40; the library allocates several
 * times for each. So the others are taken out before the library sees the document: one pass over the text
 * that checks it and copies what is kept. The rules that make the rest mean the same:
 *
 * - Nothing is taken out of a document that the library might refuse, or read in another way. All of the text
 *   must be JSON as RFC 8259 has it, and of that only what any library agrees on: no "\u", no backslash in
 *   the name of a member, no control bytes, whole numbers and fractions of at most 18 digits, no deeper than
 *   limited. Other documents are read whole; they are few, and pay for the attempt.
 * - A member is kept where its name, with all its dots, goes along a path of the tree: "process.parent" in
 *   {"process.parent":{"pid":1}}. What is below the end of a path is kept as it is. So names that come twice
 *   are both there, or neither, in their order.
 * - Arrays keep all their elements, because their number counts; objects in them are cut like others.
 *
 * Recursion is bounded by the limit. Cost: about half a nanosecond a byte.
 */
#include "normalize/json_cut.h"

#include <stdint.h>

/* chosen: fits any library's integer, and what a double says of it is the same everywhere */
#define DIGITS_MAX 18U

struct cut {
    const struct json_paths *paths;
    const char *p, *end;
    char *out;
    unsigned depth_left;
    unsigned n_comparisons_left;
};

/* Bytes of a string that stand for themselves. */
static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/*
 * Of eight bytes the high bits of those that are not plain, at least of the first one in memory order on
 * little-endian machines. Each test borrows into a byte's high bit (S. Anderson, Bit Twiddling Hacks).
 */
static uint64_t special_bytes(const char *p)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t v, quote, backslash;

    memcpy(&v, p, sizeof(v));
    quote = v ^ ones * '"';
    backslash = v ^ ones * '\\';
    return (((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) & highs;
}

static const char *skip_plain(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t special = special_bytes(p);

        if (special != 0 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
            return p + __builtin_ctzll(special) / 8;
        if (special != 0)
            break;
        p += 8;
    }
    while (p < end && is_plain(*p))
        p++;
    return p;
}

static void skip_blanks(struct cut *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

/* The byte there, NUL at the end: which is no JSON anywhere. */
static char peek(const struct cut *c)
{
    return c->p < c->end ? *c->p : '\0';
}

static bool take(struct cut *c, char byte)
{
    if (peek(c) != byte)
        return false;
    c->p++;
    return true;
}

static bool skip_string(struct cut *c)
{
    if (!take(c, '"'))
        return false;
    for (;;) {
        c->p = skip_plain(c->p, c->end);
        if (take(c, '"'))
            return true;
        if (!take(c, '\\') || peek(c) == '\0' || !strchr("\"\\/bfnrt", *c->p))
            return false;
        c->p++;
    }
}

/* A member's name and its colon. */
static bool skip_name(struct cut *c, struct slice *ret_name)
{
    const char *start = c->p + 1;

    if (!skip_string(c))
        return false;
    *ret_name = slice_new(start, (size_t)(c->p - 1 - start));
    skip_blanks(c);
    if (ret_name->len == 0 || !take(c, ':'))
        return false;
    skip_blanks(c);
    return true;
}

/* How many digits there are. */
static size_t skip_digits(struct cut *c)
{
    const char *start = c->p;

    while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
        c->p++;
    return (size_t)(c->p - start);
}

static bool skip_number(struct cut *c)
{
    const char *start;
    size_t n, n_fraction;

    (void)take(c, '-');
    start = c->p;
    n = skip_digits(c);
    if (n == 0 || n > DIGITS_MAX || (n > 1 && *start == '0'))
        return false;
    if (!take(c, '.'))
        return true;
    n_fraction = skip_digits(c);
    return n_fraction > 0 && n + n_fraction <= DIGITS_MAX;
}

static bool skip_word(struct cut *c, struct slice word)
{
    if (!slice_starts_with(slice_new(c->p, (size_t)(c->end - c->p)), word))
        return false;
    c->p += word.len;
    return true;
}

/* What is neither an object nor an array. What may stand behind it is the business of what it stands in. */
static bool skip_scalar(struct cut *c)
{
    switch (peek(c)) {
    case '"':
        return skip_string(c);
    case 't':
        return skip_word(c, SLICE("true"));
    case 'f':
        return skip_word(c, SLICE("false"));
    case 'n':
        return skip_word(c, SLICE("null"));
    default:
        return skip_number(c);
    }
}

/* Counts one more member behind n others. */
static bool count_member(struct cut *c, unsigned *n)
{
    if (*n > c->n_comparisons_left)
        return false;
    c->n_comparisons_left -= (*n)++;
    return true;
}

/* An opening bracket, and whether the closing one follows at once. */
static bool enter(struct cut *c, char closing, bool *ret_is_empty)
{
    if (c->depth_left == 0)
        return false;
    c->depth_left--;
    c->p++;
    skip_blanks(c);
    *ret_is_empty = peek(c) == closing;
    if (*ret_is_empty)
        c->p++;
    return true;
}

/* Behind an element: whether it was the last one. False: neither a comma nor the closing bracket is there. */
static bool go_on(struct cut *c, char closing, bool *ret_is_end)
{
    skip_blanks(c);
    *ret_is_end = take(c, closing);
    if (*ret_is_end)
        return true;
    if (!take(c, ','))
        return false;
    skip_blanks(c);
    return true;
}

static bool skip_value(struct cut *c)
{
    char opening = peek(c), closing = opening == '{' ? '}' : ']';
    unsigned n_members = 0;
    bool is_end;

    if (opening != '{' && opening != '[')
        return skip_scalar(c);
    if (!enter(c, closing, &is_end))
        return false;
    while (!is_end) {
        struct slice name;

        if (opening == '{' && (!skip_name(c, &name) || !count_member(c, &n_members)))
            return false;
        if (!skip_value(c) || !go_on(c, closing, &is_end))
            return false;
    }
    c->depth_left++;
    return true;
}

/* ---- what is kept ---- */

static void put(struct cut *c, char byte)
{
    *c->out++ = byte;
}

static void put_text(struct cut *c, const char *start, const char *end)
{
    memcpy(c->out, start, (size_t)(end - start));
    c->out += end - start;
}

static bool keep_value(struct cut *c, unsigned node);

/* Behind the bracket of an object that stands at a node. */
static bool keep_members(struct cut *c, unsigned node)
{
    unsigned n_members = 0;
    bool is_end = false, is_first = true;

    while (!is_end) {
        struct slice name;
        unsigned child;

        if (!skip_name(c, &name) || !count_member(c, &n_members) || slice_find(name, '\\') < name.len)
            return false;
        child = json_paths_walk(c->paths, node, name);
        if (child == JSON_PATHS_NONE) {
            if (!skip_value(c))
                return false;
        } else {
            if (!is_first)
                put(c, ',');
            is_first = false;
            put_text(c, name.data - 1, name.data + name.len + 1);
            put(c, ':');
            if (!keep_value(c, json_paths_inside(c->paths, child)))
                return false;
        }
        if (!go_on(c, '}', &is_end))
            return false;
    }
    return true;
}

static bool keep_elements(struct cut *c, unsigned node)
{
    bool is_end = false;

    while (!is_end) {
        if (!keep_value(c, node) || !go_on(c, ']', &is_end))
            return false;
        if (!is_end)
            put(c, ',');
    }
    return true;
}

static bool keep_value(struct cut *c, unsigned node)
{
    const char *start = c->p;
    char opening = peek(c), closing = opening == '{' ? '}' : ']';
    bool is_empty;

    if ((opening != '{' && opening != '[') || !json_paths_goes_on(c->paths, node)) {
        if (!skip_value(c))
            return false;
        put_text(c, start, c->p);
        return true;
    }
    if (!enter(c, closing, &is_empty))
        return false;
    put(c, opening);
    if (!is_empty && !(opening == '{' ? keep_members(c, node) : keep_elements(c, node)))
        return false;
    put(c, closing);
    c->depth_left++;
    return true;
}

bool json_cut(const struct json_paths *paths, const struct json_cut_limits *limits, struct slice text,
              char *out, size_t *ret_len)
{
    struct cut c = {.paths = paths,
                    .p = text.data,
                    .end = text.data + text.len,
                    .out = out,
                    .depth_left = limits->depth,
                    .n_comparisons_left = limits->n_comparisons};

    if (peek(&c) != '{' || !keep_value(&c, JSON_PATHS_ROOT) || c.p != c.end)
        return false;
    *ret_len = (size_t)(c.out - out);
    return true;
}
