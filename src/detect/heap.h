/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_HEAP_H
#define HAPAX_DETECT_HEAP_H

/*
 * A binary heap of items that know their own place, so that any of them can be moved or removed in
 * logarithmic time. The compare function must be a total order (no ties): the first item is then a function
 * of the set alone, whatever the history. Items are borrowed. Zero-initialise and set compare and
 * place_offset.
 */

#include <stddef.h>

#include "util/cleanup.h"

struct heap {
    void **items;
    size_t n, size;
    int (*compare)(const void *a, const void *b); /* < 0: a comes first */
    size_t place_offset;                          /* of a size_t in each item, the heap's to write */
};

void heap_done(struct heap *heap);

/* Room for one more item, so that the next heap_add cannot fail. 0 or -ENOMEM. */
int heap_reserve(struct heap *heap) _warn_unused_;

/* The caller has reserved. */
void heap_add(struct heap *heap, void *item);
void heap_remove(struct heap *heap, void *item);

/* The item's order has changed. */
void heap_update(struct heap *heap, void *item);

/* NULL where it is empty. */
static inline void *heap_first(const struct heap *heap)
{
    return heap->n > 0 ? heap->items[0] : NULL;
}

#endif
