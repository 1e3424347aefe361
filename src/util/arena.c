/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An arena is a list of chunks and a pointer into the current one. After the first records of a stream the
 * chunks are there and a record allocates nothing from the C library. One huge record must not pin
 * its memory for years, so a reset frees what stands above ARENA_KEEP_BYTES.
 */
#include "util/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>

/* chosen: holds a usual audit event or JSON document whole */
#define ARENA_CHUNK_BYTES (16U * 1024)
/* chosen: a 10 MB line now and then costs an allocation, not resident memory */
#define ARENA_KEEP_BYTES (256U * 1024)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    size_t used;
    alignas(max_align_t) char bytes[];
};

void *arena_alloc(struct arena *a, size_t n)
{
    const size_t align = alignof(max_align_t);
    struct arena_chunk *c;
    size_t size;
    void *p;

    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + align - 1) / align * align;
    while (a->current && a->current->size - a->current->used < n && a->current->next)
        a->current = a->current->next;
    if (!a->current || a->current->size - a->current->used < n) {
        size = n > ARENA_CHUNK_BYTES ? n : ARENA_CHUNK_BYTES;
        c = malloc(sizeof(*c) + size);
        if (!c)
            return NULL;
        *c = (struct arena_chunk){.size = size};
        if (a->current)
            a->current->next = c;
        else
            a->first = c;
        a->current = c;
    }
    p = a->current->bytes + a->current->used;
    a->current->used += n;
    a->allocated_bytes += n;
    return p;
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
    void *p;

    if (size > 0 && n > SIZE_MAX / size)
        return NULL;
    p = arena_alloc(a, n * size);
    return p ? memset(p, 0, n * size) : NULL;
}

int arena_copy(struct arena *a, struct slice s, struct slice *ret_copy)
{
    char *p;

    if (slice_is_absent(s)) {
        *ret_copy = SLICE_NULL;
        return 0;
    }
    p = arena_alloc(a, s.len > 0 ? s.len : 1);
    if (!p)
        return -ENOMEM;
    if (s.len > 0)
        memcpy(p, s.data, s.len);
    *ret_copy = slice_new(p, s.len);
    return 0;
}

void arena_reset(struct arena *a)
{
    struct arena_chunk **link = &a->first, *c;
    size_t kept = 0;

    while ((c = *link)) {
        if (kept + c->size > ARENA_KEEP_BYTES) {
            *link = c->next;
            free(c);
            continue;
        }
        kept += c->size;
        c->used = 0;
        link = &c->next;
    }
    a->current = a->first;
    a->allocated_bytes = 0;
}

void arena_done(struct arena *a)
{
    struct arena_chunk *c = a->first, *next;

    for (; c; c = next) {
        next = c->next;
        free(c);
    }
    *a = ARENA_INIT;
}
