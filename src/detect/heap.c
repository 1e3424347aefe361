/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Three questions of the rare model are "which one is the least": the user to evict, the population to evict,
 * the user whose oldest bucket leaves the window next. Each is a heap. uthash has none, and libraries that
 * have one (GLib, C++) are far larger than this page. Each item stores its index, so an update starts where
 * the item stands instead of searching for it.
 */
#include "detect/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>

static size_t *place_in(const struct heap *heap, void *item)
{
    return (void *)((char *)item + heap->place_offset);
}

static void put(struct heap *heap, size_t place, void *item)
{
    heap->items[place] = item;
    *place_in(heap, item) = place;
}

static size_t place_of(const struct heap *heap, void *item)
{
    const size_t place = *place_in(heap, item);

    assert(place < heap->n && heap->items[place] == item);
    return place;
}

/* Moves the item at place to where it belongs, up or down. */
static void settle(struct heap *heap, size_t place)
{
    void *item = heap->items[place];
    size_t child;

    while (place > 0 && heap->compare(item, heap->items[(place - 1) / 2]) < 0) {
        put(heap, place, heap->items[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    while ((child = 2 * place + 1) < heap->n) {
        if (child + 1 < heap->n && heap->compare(heap->items[child + 1], heap->items[child]) < 0)
            child++;
        if (heap->compare(item, heap->items[child]) < 0)
            break;
        put(heap, place, heap->items[child]);
        place = child;
    }
    put(heap, place, item);
}

void heap_done(struct heap *heap)
{
    free(heap->items);
    heap->items = NULL;
    heap->n = heap->size = 0;
}

int heap_reserve(struct heap *heap)
{
    void **items;
    size_t size;

    if (heap->n < heap->size)
        return 0;
    size = heap->size > 0 ? 2 * heap->size : 16;
    items = reallocarray(heap->items, size, sizeof(*items));
    if (!items)
        return -ENOMEM;
    heap->items = items;
    heap->size = size;
    return 0;
}

void heap_add(struct heap *heap, void *item)
{
    assert(heap->n < heap->size);
    put(heap, heap->n++, item);
    settle(heap, heap->n - 1);
}

void heap_remove(struct heap *heap, void *item)
{
    const size_t place = place_of(heap, item);

    heap->n--;
    if (place == heap->n)
        return;
    put(heap, place, heap->items[heap->n]);
    settle(heap, place);
}

void heap_update(struct heap *heap, void *item)
{
    settle(heap, place_of(heap, item));
}
