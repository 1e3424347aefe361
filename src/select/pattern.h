/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_PATTERN_H
#define HAPAX_SELECT_PATTERN_H

/*
 * A shell-like pattern over one argument or name: '*' any bytes, '?' one byte, '[abc]', '[a-z]' and '[!abc]'
 * one byte of (or outside) a set. The whole text must match; a '/' is a byte like any other.
 */

#include <stdbool.h>
#include <stddef.h>

#include "config/option.h"
#include "util/cleanup.h"
#include "util/slice.h"

/* chosen: the longest pattern shipped has 40 bytes; it bounds the cost of a match */
#define PATTERN_BYTES_MAX 128U

enum pattern_kind {
    PATTERN_EXACT,    /* abc */
    PATTERN_PREFIX,   /* abc* */
    PATTERN_SUFFIX,   /* *abc */
    PATTERN_CONTAINS, /* *abc* */
    PATTERN_GLOB,     /* anything else */
};

struct pattern {
    enum pattern_kind kind;
    char *text;           /* as written */
    struct slice literal; /* what to compare with, in text; a glob: all of it */
};

struct pattern_list {
    struct pattern *items;
    size_t n;
};

/* -EINVAL: empty, longer than PATTERN_BYTES_MAX, or a '[' without its ']'. Release with free(text). */
int pattern_compile(const char *text, struct pattern *ret_pattern) _warn_unused_;

/* Linear in text; a glob with several '*' at worst text times pattern. No recursion. */
bool pattern_matches(const struct pattern *pattern, struct slice text);

bool pattern_list_matches(const struct pattern_list *list, struct slice text);

/* Compiles every item of texts; *reterr_bad is the index of the one that -EINVAL is about. */
int pattern_list_compile(const struct string_list *texts, struct pattern_list *ret_list,
                         size_t *reterr_bad) _warn_unused_;
void pattern_list_done(struct pattern_list *list);

#endif
