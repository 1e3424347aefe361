/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Slices: searches and comparisons, with empty and absent ones among them.
 */
#include "util/slice.h"

#include "support.h"
#include "util/cleanup.h"

Test(slice, searches_give_the_first_place_or_the_length)
{
    static const struct {
        struct slice s;
        char c;
        size_t offset;
    } chars[] = {
        {SLICE("abcb"), 'b', 1}, {SLICE("abc"), 'x', 3},  {SLICE(""), 'x', 0},
        {SLICE_NULL, 'x', 0},    {SLICE("a\0b"), 'b', 2}, {SLICE("a\0b"), '\0', 1},
    };
    static const struct {
        struct slice s, needle;
        size_t offset;
    } needles[] = {
        {SLICE("abcabd"), SLICE("abd"), 3}, {SLICE("abc"), SLICE("abcd"), 3},
        {SLICE("abc"), SLICE("c"), 2},      {SLICE(""), SLICE("a"), 0},
        {SLICE_NULL, SLICE("a"), 0},        {SLICE("a\0b\0c"), SLICE("\0c"), 3},
    };

    for (size_t i = 0; i < ARRAY_SIZE(chars); i++)
        cr_assert_eq(slice_find(chars[i].s, chars[i].c), chars[i].offset, "row %zu", i);
    for (size_t i = 0; i < ARRAY_SIZE(needles); i++)
        cr_assert_eq(slice_find_slice(needles[i].s, needles[i].needle), needles[i].offset, "row %zu", i);
}

Test(slice, trimming_takes_blanks_from_both_ends_only)
{
    static const struct {
        struct slice s;
        const char *trimmed;
    } rows[] = {
        {SLICE(" \t\r\na b\n "), "a b"}, {SLICE("   "), ""}, {SLICE(""), ""}, {SLICE("a"), "a"},
        {SLICE("\va"), "\va"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_slice(slice_trim(rows[i].s), rows[i].trimmed, rows[i].trimmed);
    cr_assert(slice_is_absent(slice_trim(SLICE_NULL)));
}

Test(slice, base_names)
{
    static const struct {
        const char *path, *name;
    } rows[] = {{"/usr/bin/ss", "ss"}, {"ss", "ss"}, {"./ss", "ss"}, {"/", ""}, {"/usr/bin/", ""}, {"", ""}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_slice(slice_base_name(slice_from_string(rows[i].path)), rows[i].name, rows[i].path);
}

Test(slice, order_is_that_of_the_bytes)
{
    static const struct {
        struct slice a, b;
        int sign;
    } rows[] = {
        {SLICE("a"), SLICE("b"), -1}, {SLICE("b"), SLICE("a"), 1},     {SLICE("a"), SLICE("ab"), -1},
        {SLICE("ab"), SLICE("a"), 1}, {SLICE("a"), SLICE("a"), 0},     {SLICE(""), SLICE_NULL, 0},
        {SLICE(""), SLICE("a"), -1},  {SLICE("a"), SLICE("\xff"), -1}, {SLICE("a\0a"), SLICE("a\0b"), -1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int r = slice_compare(rows[i].a, rows[i].b);

        cr_assert_eq((r > 0) - (r < 0), rows[i].sign, "row %zu", i);
        cr_assert_eq(slice_equal(rows[i].a, rows[i].b), rows[i].sign == 0, "row %zu", i);
    }
}

Test(slice, beginnings_and_ends)
{
    cr_assert(slice_starts_with(SLICE("abc"), SLICE("ab")));
    cr_assert(slice_starts_with(SLICE("abc"), SLICE("")));
    cr_assert(slice_starts_with(SLICE_NULL, SLICE_NULL));
    cr_assert_not(slice_starts_with(SLICE("ab"), SLICE("abc")));
    cr_assert_not(slice_starts_with(SLICE("abc"), SLICE("bc")));
    cr_assert(slice_ends_with(SLICE("abc"), SLICE("bc")));
    cr_assert_not(slice_ends_with(SLICE("bc"), SLICE("abc")));
    cr_assert_not(slice_ends_with(SLICE("abc"), SLICE("ab")));
    assert_slice(slice_skip(SLICE("abc"), 3), "", "skip all");
    assert_slice(slice_head(SLICE("abc"), 9), "abc", "head beyond the end");
    cr_assert(slice_is_absent(slice_skip(SLICE_NULL, 0)));
    cr_assert(slice_is_absent(slice_from_string(NULL)));
    cr_assert_not(slice_is_absent(slice_from_string("")));
}
