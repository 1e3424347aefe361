/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Patterns: each kind, sets, and text that would take a careless matcher forever.
 */
#include "select/pattern.h"

#include <errno.h>

#include "support.h"

Test(pattern, fits_the_whole_text_and_nothing_near_it)
{
    static const struct {
        const char *pattern;
        enum pattern_kind kind;
        struct slice text;
        bool fits;
    } rows[] = {
        {"-i", PATTERN_EXACT, SLICE("-i"), true},
        {"-i", PATTERN_EXACT, SLICE("-i4"), false},
        {"-i*", PATTERN_PREFIX, SLICE("-i"), true},
        {"-i*", PATTERN_PREFIX, SLICE("-I"), false},
        {"*release", PATTERN_SUFFIX, SLICE("/etc/os-release"), true},
        {"*release", PATTERN_SUFFIX, SLICE("/etc/os-release2"), false},
        {"*/proc/net/tcp*", PATTERN_CONTAINS, SLICE("if=/proc/net/tcp6"), true},
        {"*/proc/net/tcp*", PATTERN_CONTAINS, SLICE("/proc/net/tc"), false},
        {"*", PATTERN_GLOB, SLICE(""), true},
        {"**", PATTERN_GLOB, SLICE("x"), true},
        {"?", PATTERN_GLOB, SLICE(""), false},
        {"?", PATTERN_GLOB, SLICE("\0"), true},
        {"/proc/*/net/*", PATTERN_GLOB, SLICE("/proc/12/net/udp"), true},
        {"/proc/*/net/*", PATTERN_GLOB, SLICE("/proc/net/udp"), false},
        {"-[nP]i", PATTERN_GLOB, SLICE("-Pi"), true},
        {"-[nP]i", PATTERN_GLOB, SLICE("-pi"), false},
        {"[!-]*", PATTERN_GLOB, SLICE("file"), true},
        {"[!-]*", PATTERN_GLOB, SLICE("-file"), false},
        {"[0-9]x", PATTERN_GLOB, SLICE("7x"), true},
        {"[0-9]x", PATTERN_GLOB, SLICE("ax"), false},
        {"[]]", PATTERN_GLOB, SLICE("]"), true},
        {"[!]]", PATTERN_GLOB, SLICE("]"), false},
        {"a*b*c", PATTERN_GLOB, SLICE("aXbXbXc"), true},
        {"a*b*c", PATTERN_GLOB, SLICE("aXcXb"), false},
        {"*ab", PATTERN_SUFFIX, SLICE("aab"), true},
        {"*a[b]", PATTERN_GLOB, SLICE("aab"), true},
    };
    static const char *const bad[] = {"", "[", "[!", "[]", "a[bc", "[!]"};
    struct pattern pattern;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cr_assert_eq(pattern_compile(rows[i].pattern, &pattern), 0, "%s", rows[i].pattern);
        cr_assert_eq(pattern.kind, rows[i].kind, "%s", rows[i].pattern);
        cr_assert_eq(pattern_matches(&pattern, rows[i].text), rows[i].fits, "%s against %s", rows[i].pattern,
                     rows[i].text.data);
        free(pattern.text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        cr_assert_eq(pattern_compile(bad[i], &pattern), -EINVAL, "%s", bad[i]);
}

/* 40 stars and a megabyte of the byte between them: exponential for a matcher that tries every star. */
Test(pattern, hostile_text_costs_no_more_than_text_times_pattern)
{
    enum { N = 1 << 20 };
    char text[2 * 40 + 2], *hostile = malloc(N);
    struct pattern pattern;

    cr_assert_not_null(hostile);
    memset(hostile, 'a', N);
    for (size_t i = 0; i < 40; i++)
        memcpy(text + 2 * i, "*a", 2);
    memcpy(text + 80, "b", 2);
    cr_assert_eq(pattern_compile(text, &pattern), 0);
    cr_assert_not(pattern_matches(&pattern, slice_new(hostile, N)));
    hostile[N - 1] = 'b';
    cr_assert(pattern_matches(&pattern, slice_new(hostile, N)));
    free(pattern.text);
    free(hostile);
}
