/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_ARENA_H
#define HAPAX_UTIL_ARENA_H

/*
 * Memory for what is derived from one record: allocated by moving a pointer, released all at once.
 * Zero-initialise, release with arena_done.
 */

#include <stddef.h>

#include "util/cleanup.h"
#include "util/slice.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *first;   /* all chunks, kept over a reset */
    struct arena_chunk *current; /* where the next allocation goes */
    size_t allocated_bytes;      /* since the last reset */
};

#define ARENA_INIT ((struct arena){0})

/* Aligned for any type, not zeroed; NULL when memory is out. */
void *arena_alloc(struct arena *a, size_t n) _warn_unused_;

/* A zeroed array; NULL when memory is out or n * size overflows. */
void *arena_calloc(struct arena *a, size_t n, size_t size) _warn_unused_;

/* A copy that lives until the reset. Absent stays absent. 0 or -ENOMEM. */
int arena_copy(struct arena *a, struct slice s, struct slice *ret_copy) _warn_unused_;

/* Drops everything at once. Up to ARENA_KEEP_BYTES of memory are kept for the next record, the rest is freed.
 */
void arena_reset(struct arena *a);

void arena_done(struct arena *a);

#endif
