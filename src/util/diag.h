/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_DIAG_H
#define HAPAX_UTIL_DIAG_H

/*
 * What is wrong with something a user wrote: configuration, rulebase, job, state, arguments. Collected, so
 * that one run shows all problems. Messages are lower case, without a full stop, quote the user's text and
 * say what was expected.
 */

#include <stddef.h>
#include <stdio.h>

#include "util/cleanup.h"
#include "util/slice.h"

struct diag {
    char *file;      /* NULL: not about a file */
    unsigned line;   /* from 1; 0: unknown */
    unsigned column; /* from 1; 0: unknown */
    char *message;
};

struct diag_list {
    struct diag *items;
    size_t n;
    size_t size;
    size_t n_dropped; /* more than DIAG_MAX: counted, not kept */
};

#define DIAG_LIST_INIT ((struct diag_list){0})

/* All that were added, kept or not: when it grew, a failure was the user's and is told. */
static inline size_t diag_list_count(const struct diag_list *diags)
{
    return diags->n + diags->n_dropped;
}

/*
 * Adds one problem and returns -EINVAL, so that a caller can `return diag_add(...)`; -ENOMEM when memory is
 * out. All strings are copied. file may be NULL. At most DIAG_MAX are kept, the rest is counted in
 * n_dropped.
 */
int diag_add(struct diag_list *list, const char *file, unsigned line, unsigned column, const char *format,
             ...) _printf_(5, 6);

/* One line each, "file:line:column: message" with what is known, control bytes escaped; prefix before each
 * line. */
void diag_print(const struct diag_list *list, FILE *out, const char *prefix);

/* One of those lines, without a line end. The caller frees it; NULL: memory is out. */
char *diag_to_string(const struct diag *diag);

void diag_list_done(struct diag_list *list);

/*
 * The word of words (NULL-terminated) that a typist most likely meant by text: the smallest edit distance
 * (Levenshtein), at most a third of the word's length rounded up; NULL where none is near.
 */
const char *nearest_word(struct slice text, const char *const *words);

#endif
