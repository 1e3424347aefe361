/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_SLICE_H
#define HAPAX_UTIL_SLICE_H

/*
 * A borrowed run of bytes, by value. May hold any byte, NUL included, and is not NUL-terminated: terminate
 * only at library doors. data == NULL is "absent" (a field that was not there), which differs from an empty
 * value.
 */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *data;
    size_t len;
};

/* printf("%.*s", SLICE_FMT(s)) */
#define SLICE_FMT(s)   (int)(s).len, (s).data
#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
#define SLICE_NULL     ((struct slice){NULL, 0})

static inline struct slice slice_new(const char *data, size_t len)
{
    return (struct slice){data, len};
}

/* NULL gives the absent slice. */
static inline struct slice slice_from_string(const char *s)
{
    return s ? (struct slice){s, strlen(s)} : SLICE_NULL;
}

static inline bool slice_is_absent(struct slice s)
{
    return !s.data;
}

/* Absent and empty slices are equal here: both have no bytes. */
static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_equal_string(struct slice a, const char *s)
{
    return slice_equal(a, slice_from_string(s));
}

static inline bool slice_starts_with(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

static inline bool slice_ends_with(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.data + s.len - suffix.len, suffix.data, suffix.len) == 0);
}

/* s without its first n bytes; n must not exceed its length. */
static inline struct slice slice_skip(struct slice s, size_t n)
{
    /* NULL + 0 is undefined in C */
    return (struct slice){n > 0 ? s.data + n : s.data, s.len - n};
}

static inline struct slice slice_head(struct slice s, size_t n)
{
    return (struct slice){s.data, n < s.len ? n : s.len};
}

/* The offset of the first c, or s.len where there is none. */
size_t slice_find(struct slice s, char c);

/* The offset of the first occurrence of needle (not empty), or s.len where there is none. Linear. */
size_t slice_find_slice(struct slice s, struct slice needle);

/* s without leading and trailing blanks, tabs, CR and LF. */
struct slice slice_trim(struct slice s);

/* What follows the last '/', the whole where there is none. */
struct slice slice_base_name(struct slice path);

/* memcmp order, the shorter first where one begins the other; < 0, 0, > 0. */
int slice_compare(struct slice a, struct slice b);

#endif
