/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The arena: alignment, independence of allocations, what a reset keeps.
 */
#include "util/arena.h"

#include <stdalign.h>
#include <stdint.h>

#include "support.h"

Test(arena, allocations_are_aligned_and_do_not_overlap)
{
    static const size_t sizes[] = {0, 1, 7, 16, 17, 4000, 16384, 100000, 3, 1 << 20, 1, 0};
    _cleanup_(arena_done) struct arena a = ARENA_INIT;
    unsigned char *p[ARRAY_SIZE(sizes)];

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            p[i] = arena_alloc(&a, sizes[i]);
            cr_assert_not_null(p[i]);
            cr_assert_eq((uintptr_t)p[i] % alignof(max_align_t), 0, "size %zu", sizes[i]);
            memset(p[i], (int)i + 1, sizes[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
            for (size_t k = 0; k < sizes[i]; k++)
                cr_assert_eq(p[i][k], i + 1, "round %d, size %zu", round, sizes[i]);
        arena_reset(&a);
        cr_assert_eq(a.allocated_bytes, 0);
    }
}

Test(arena, a_reset_reuses_the_memory_of_small_records)
{
    _cleanup_(arena_done) struct arena a = ARENA_INIT;
    void *first = arena_alloc(&a, 100);

    cr_assert_not_null(arena_alloc(&a, 16000));
    cr_assert_not_null(arena_alloc(&a, 16000));
    arena_reset(&a);
    cr_assert_eq(arena_alloc(&a, 50), first);
}

Test(arena, a_huge_record_is_given_back)
{
    _cleanup_(arena_done) struct arena a = ARENA_INIT;

    cr_assert_not_null(arena_alloc(&a, 10 << 20));
    arena_reset(&a);
    cr_assert_null(a.first); /* it was the only chunk, and above what is kept */
    cr_assert_not_null(arena_alloc(&a, 10));
}

Test(arena, sizes_that_overflow_are_refused)
{
    _cleanup_(arena_done) struct arena a = ARENA_INIT;

    cr_assert_null(arena_alloc(&a, SIZE_MAX));
    cr_assert_null(arena_calloc(&a, SIZE_MAX / 2, 3));
    cr_assert_null(arena_calloc(&a, SIZE_MAX, SIZE_MAX));
}

Test(arena, arrays_are_zeroed_even_in_used_memory)
{
    _cleanup_(arena_done) struct arena a = ARENA_INIT;
    unsigned char *p = arena_alloc(&a, 1000);

    memset(p, 0xff, 1000);
    arena_reset(&a);
    p = arena_calloc(&a, 100, 10);
    for (size_t i = 0; i < 1000; i++)
        cr_assert_eq(p[i], 0);
    cr_assert_not_null(arena_calloc(&a, 0, 10));
}

Test(arena, copies_keep_absent_apart_from_empty)
{
    _cleanup_(arena_done) struct arena a = ARENA_INIT;
    char text[] = "a\0b";
    struct slice copy;

    cr_assert_eq(arena_copy(&a, slice_new(text, 3), &copy), 0);
    text[0] = 'x';
    cr_assert(slice_equal(copy, SLICE("a\0b")));
    cr_assert_eq(arena_copy(&a, SLICE_NULL, &copy), 0);
    cr_assert(slice_is_absent(copy));
    cr_assert_eq(arena_copy(&a, SLICE(""), &copy), 0);
    cr_assert_not(slice_is_absent(copy));
    cr_assert_eq(copy.len, 0);
}
