/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/heap.h"

#include <stddef.h>

#include "stream.h"

struct item {
    int value;
    size_t place;
};

static int compare_items(const void *pa, const void *pb)
{
    const struct item *a = pa, *b = pb;

    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return a < b ? -1 : a > b;
}

static const struct item *least_of(const struct item *items, const bool *is_in, size_t n)
{
    const struct item *least = NULL;

    for (size_t i = 0; i < n; i++) {
        if (is_in[i] && (!least || compare_items(&items[i], least) < 0))
            least = &items[i];
    }
    return least;
}

Test(heap, the_first_is_the_least_after_any_series_of_changes)
{
    struct heap heap = {.compare = compare_items, .place_offset = offsetof(struct item, place)};
    struct item items[50];
    bool is_in[50] = {false};
    uint32_t seed = 1;

    cr_assert_null(heap_first(&heap));
    for (int step = 0; step < 5000; step++) {
        const size_t i = next_random(&seed) % 50;

        if (!is_in[i]) {
            items[i].value = (int)(next_random(&seed) % 30);
            cr_assert_eq(heap_reserve(&heap), 0);
            heap_add(&heap, &items[i]);
            is_in[i] = true;
        } else if (next_random(&seed) % 2) {
            items[i].value = (int)(next_random(&seed) % 30);
            heap_update(&heap, &items[i]);
        } else {
            heap_remove(&heap, &items[i]);
            is_in[i] = false;
        }
        cr_assert_eq(heap_first(&heap), least_of(items, is_in, 50), "step %d", step);
    }
    heap_done(&heap);
}
