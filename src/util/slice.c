/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Slices: the few searches everybody needs. All linear in the slice, through memchr and memmem, which the C
 * library writes with vector instructions; nothing here allocates.
 */
#include "util/slice.h"

size_t slice_find(struct slice s, char c)
{
    const char *p = s.len > 0 ? memchr(s.data, c, s.len) : NULL;

    return p ? (size_t)(p - s.data) : s.len;
}

size_t slice_find_slice(struct slice s, struct slice needle)
{
    const char *p = s.len > 0 ? memmem(s.data, s.len, needle.data, needle.len) : NULL;

    return p ? (size_t)(p - s.data) : s.len;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && is_blank(s.data[0]))
        s = slice_skip(s, 1);
    while (s.len > 0 && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

struct slice slice_base_name(struct slice path)
{
    for (size_t i = path.len; i > 0; i--)
        if (path.data[i - 1] == '/')
            return slice_skip(path, i);
    return path;
}

int slice_compare(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int r = n > 0 ? memcmp(a.data, b.data, n) : 0;

    return r != 0 ? r : (a.len > b.len) - (a.len < b.len);
}
