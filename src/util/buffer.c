/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The buffer doubles when it is full, so a run of appends costs amortised constant time a byte. Integers for
 * disk and wire are written byte by byte in little-endian order: the file of one machine opens on another,
 * and no struct layout leaks into a format.
 */
#include "util/buffer.h"

#include <errno.h>
#include <stdio.h>

void buffer_done(struct buffer *b)
{
    free(b->data);
    *b = BUFFER_INIT;
}

int buffer_reserve(struct buffer *b, size_t n)
{
    size_t size = b->size > 0 ? b->size : 64;
    char *data;

    if (n <= b->size - b->len)
        return 0;
    if (n > SIZE_MAX / 2 - b->len)
        return -ENOMEM;
    while (size < b->len + n)
        size *= 2;
    data = realloc(b->data, size);
    if (!data)
        return -ENOMEM;
    b->data = data;
    b->size = size;
    return 0;
}

int buffer_append(struct buffer *b, const void *bytes, size_t n)
{
    int r;

    if (n == 0)
        return 0;
    r = buffer_reserve(b, n);
    if (r < 0)
        return r;
    memcpy(b->data + b->len, bytes, n);
    b->len += n;
    return 0;
}

int buffer_append_slice(struct buffer *b, struct slice s)
{
    return buffer_append(b, s.data, s.len);
}

int buffer_append_char(struct buffer *b, char c)
{
    return buffer_append(b, &c, 1);
}

int buffer_append_format(struct buffer *b, const char *format, ...)
{
    va_list ap;
    int n, r;

    va_start(ap, format);
    n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0)
        return -EINVAL;
    r = buffer_reserve(b, (size_t)n + 1);
    if (r < 0)
        return r;
    va_start(ap, format);
    (void)vsnprintf(b->data + b->len, (size_t)n + 1, format, ap);
    va_end(ap);
    b->len += (size_t)n;
    return 0;
}

static void store_le(uint8_t *bytes, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t load_le(const char *bytes, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)(uint8_t)bytes[i] << (8 * i);
    return v;
}

int buffer_append_u32(struct buffer *b, uint32_t v)
{
    uint8_t bytes[4];

    store_le(bytes, v, sizeof(bytes));
    return buffer_append(b, bytes, sizeof(bytes));
}

int buffer_append_u64(struct buffer *b, uint64_t v)
{
    uint8_t bytes[8];

    store_le(bytes, v, sizeof(bytes));
    return buffer_append(b, bytes, sizeof(bytes));
}

int buffer_append_double(struct buffer *b, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    return buffer_append_u64(b, bits);
}

int buffer_append_field(struct buffer *b, struct slice s)
{
    int r;

    if (s.len >= UINT32_MAX)
        return -EOVERFLOW;
    r = buffer_reserve(b, sizeof(uint32_t) + s.len); /* both or nothing */
    if (r < 0)
        return r;
    r = buffer_append_u32(b, slice_is_absent(s) ? 0 : (uint32_t)s.len + 1);
    if (r < 0)
        return r;
    return buffer_append_slice(b, s);
}

static int read_le(struct slice *s, size_t n, uint64_t *ret_v)
{
    if (s->len < n)
        return -EBADMSG;
    *ret_v = load_le(s->data, n);
    *s = slice_skip(*s, n);
    return 0;
}

int slice_read_u32(struct slice *s, uint32_t *ret_v)
{
    uint64_t v;
    int r = read_le(s, 4, &v);

    if (r < 0)
        return r;
    *ret_v = (uint32_t)v;
    return 0;
}

int slice_read_u64(struct slice *s, uint64_t *ret_v)
{
    return read_le(s, 8, ret_v);
}

int slice_read_double(struct slice *s, double *ret_v)
{
    uint64_t bits;
    int r = read_le(s, 8, &bits);

    if (r < 0)
        return r;
    memcpy(ret_v, &bits, sizeof(bits));
    return 0;
}

int slice_read_field(struct slice *s, struct slice *ret_v)
{
    uint32_t len;
    int r = slice_read_u32(s, &len);

    if (r < 0)
        return r;
    if (len == 0) {
        *ret_v = SLICE_NULL;
        return 0;
    }
    len--;
    if (s->len < len)
        return -EBADMSG;
    *ret_v = slice_head(*s, len);
    *s = slice_skip(*s, len);
    return 0;
}
