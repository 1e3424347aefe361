/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The buffer doubles when it is full, so a run of appends costs amortised constant time a byte. Integers for
 * disk and wire are written in little-endian order: the file of one machine opens on another,
 * and no struct layout leaks into a format.
 */
#include "util/buffer.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>

void buffer_done(struct buffer *b)
{
    free(b->data);
    *b = BUFFER_INIT;
}

static int grow(struct buffer *b, size_t n)
{
    size_t size = b->size > 0 ? b->size : 64;
    char *data;

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

int buffer_reserve(struct buffer *b, size_t n)
{
    return n <= b->size - b->len ? 0 : grow(b, n);
}

/* Inline for the integers: an event is saved in some sixty calls. */
static inline int append(struct buffer *b, const void *bytes, size_t n)
{
    int r = buffer_reserve(b, n);

    if (r < 0)
        return r;
    memcpy(b->data + b->len, bytes, n);
    b->len += n;
    return 0;
}

int buffer_append(struct buffer *b, const void *bytes, size_t n)
{
    return n == 0 ? 0 : append(b, bytes, n);
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

int buffer_append_u32(struct buffer *b, uint32_t v)
{
    const uint32_t bytes = htole32(v);

    return append(b, &bytes, sizeof(bytes));
}

int buffer_append_u64(struct buffer *b, uint64_t v)
{
    const uint64_t bytes = htole64(v);

    return append(b, &bytes, sizeof(bytes));
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

int slice_read_u32(struct slice *s, uint32_t *ret_v)
{
    uint32_t bytes;

    if (s->len < sizeof(bytes))
        return -EBADMSG;
    memcpy(&bytes, s->data, sizeof(bytes));
    *ret_v = le32toh(bytes);
    *s = slice_skip(*s, sizeof(bytes));
    return 0;
}

int slice_read_u64(struct slice *s, uint64_t *ret_v)
{
    uint64_t bytes;

    if (s->len < sizeof(bytes))
        return -EBADMSG;
    memcpy(&bytes, s->data, sizeof(bytes));
    *ret_v = le64toh(bytes);
    *s = slice_skip(*s, sizeof(bytes));
    return 0;
}

int slice_read_double(struct slice *s, double *ret_v)
{
    uint64_t bits;
    int r = slice_read_u64(s, &bits);

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
