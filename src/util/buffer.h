/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_BUFFER_H
#define HAPAX_UTIL_BUFFER_H

/*
 * A growing run of bytes that owns its memory. Zero-initialise (BUFFER_INIT) and release with buffer_done.
 * Every append returns 0 or -ENOMEM; the contents stay as they were on failure.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/slice.h"

struct buffer {
    char *data;
    size_t len;
    size_t size; /* allocated */
};

#define BUFFER_INIT ((struct buffer){0})

void buffer_done(struct buffer *b);

/* Room for n more bytes, so that appends of up to n cannot fail. */
int buffer_reserve(struct buffer *b, size_t n) _warn_unused_;
int buffer_append(struct buffer *b, const void *bytes, size_t n) _warn_unused_;
int buffer_append_slice(struct buffer *b, struct slice s) _warn_unused_;
int buffer_append_char(struct buffer *b, char c) _warn_unused_;
int buffer_append_format(struct buffer *b, const char *format, ...) _printf_(2, 3) _warn_unused_;

/* On-disk integers, little-endian whatever the host is. */
int buffer_append_u32(struct buffer *b, uint32_t v) _warn_unused_;
int buffer_append_u64(struct buffer *b, uint64_t v) _warn_unused_;
/* The IEEE 754 bits of v as a u64. */
int buffer_append_double(struct buffer *b, double v) _warn_unused_;
/* u32 length + 1 and the bytes; 0 alone is the absent slice. -EOVERFLOW from 4 GiB on. */
int buffer_append_field(struct buffer *b, struct slice s) _warn_unused_;

/* Forgets the contents, keeps the memory. */
static inline void buffer_clear(struct buffer *b)
{
    b->len = 0;
}

/* Borrowed until the next append. An empty buffer gives an empty, not an absent slice. */
static inline struct slice buffer_slice(const struct buffer *b)
{
    return (struct slice){b->data ? b->data : "", b->len};
}

/*
 * The way back: reads from the front of *s and moves it on. -EBADMSG where too few bytes are left, *s is then
 * unspecified. Strings are borrowed from s.
 */
int slice_read_u32(struct slice *s, uint32_t *ret_v) _warn_unused_;
int slice_read_u64(struct slice *s, uint64_t *ret_v) _warn_unused_;
int slice_read_double(struct slice *s, double *ret_v) _warn_unused_;
int slice_read_field(struct slice *s, struct slice *ret_v) _warn_unused_;

#endif
