/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A validator by the table of RFC 3629 section 4 (well-formed byte sequences). Undecodable bytes are replaced
 * one by one, so that the length of the damage stays visible and a damaged string can be compared with its
 * hexadecimal copy.
 */
#include "util/utf8.h"

#include <errno.h>
#include <stdint.h>

/* The length of the well-formed sequence at s, 0 where there is none. */
static size_t sequence_length(const unsigned char *s, size_t len)
{
    unsigned char c = s[0], low = 0x80, high = 0xbf;
    size_t n;

    if (c < 0x80)
        return 1;
    if (c >= 0xc2 && c <= 0xdf)
        n = 2;
    else if (c >= 0xe0 && c <= 0xef)
        n = 3;
    else if (c >= 0xf0 && c <= 0xf4)
        n = 4;
    else
        return 0;
    if (len < n)
        return 0;
    if (c == 0xe0)
        low = 0xa0;
    else if (c == 0xed)
        high = 0x9f;
    else if (c == 0xf0)
        low = 0x90;
    else if (c == 0xf4)
        high = 0x8f;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

/* The offset of the first undecodable byte, s.len where there is none; *ret_n_bad counts them all. */
static size_t scan(struct slice s, size_t *ret_n_bad)
{
    const unsigned char *p = (const unsigned char *)s.data;
    size_t first = s.len, n_bad = 0;

    for (size_t i = 0, n; i < s.len; i += n) {
        n = p[i] < 0x80 ? 1 : sequence_length(p + i, s.len - i);
        if (n == 0) {
            if (n_bad++ == 0)
                first = i;
            n = 1;
        }
    }
    *ret_n_bad = n_bad;
    return first;
}

bool utf8_is_valid(struct slice s)
{
    size_t n_bad;

    (void)scan(s, &n_bad);
    return n_bad == 0;
}

int utf8_sanitize(struct arena *a, struct slice s, struct slice *ret_s)
{
    size_t n_bad, out = scan(s, &n_bad);
    char *p;

    if (n_bad == 0) {
        *ret_s = s;
        return 0;
    }
    if (n_bad > (SIZE_MAX - s.len) / 2)
        return -ENOMEM;
    p = arena_alloc(a, s.len + 2 * n_bad);
    if (!p)
        return -ENOMEM;
    memcpy(p, s.data, out);
    for (size_t i = out, n; i < s.len; i += n) {
        n = sequence_length((const unsigned char *)s.data + i, s.len - i);
        if (n == 0) {
            memcpy(p + out, "\xef\xbf\xbd", 3); /* U+FFFD */
            out += 3;
            n = 1;
        } else {
            memcpy(p + out, s.data + i, n);
            out += n;
        }
    }
    *ret_s = slice_new(p, out);
    return 1;
}

uint32_t utf8_take(struct slice *s, struct slice *ret_bytes)
{
    const unsigned char *p = (const unsigned char *)s->data;
    size_t n = sequence_length(p, s->len);
    uint32_t code = p[0];

    if (n > 1)
        code &= 0xffU >> (n + 1);
    for (size_t i = 1; i < n; i++)
        code = code << 6 | (p[i] & 0x3fU);
    *ret_bytes = slice_head(*s, n > 0 ? n : 1);
    *s = slice_skip(*s, n > 0 ? n : 1);
    return n > 0 ? code : UTF8_NONE;
}

bool utf8_is_plain(uint32_t code)
{
    /* Unicode 15 general categories Cc, Cf (of those, what is invisible or turns the direction), Zl, Zp; and
     * the non-characters of the basic plane */
    static const uint32_t ranges[][2] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},      {0x61c, 0x61c},   {0x180e, 0x180e},
        {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},  {0xfdd0, 0xfdef}, {0xfeff, 0xfeff},
        {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff}};

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return false;
    return code <= 0x10ffff;
}
