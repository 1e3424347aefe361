/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Diagnostics are collected and printed by the program, never by the room that found them (libraries do not
 * log). Messages may quote bytes from a file an attacker can write, so control bytes are shown as \xNN when
 * printed.
 *
 * The nearest word is found by the plain Levenshtein recurrence in two rows: words here are option and field
 * names of a few dozen bytes, and it runs once per mistake.
 */
#include "util/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* chosen: more than anyone reads in one go */
#define DIAG_MAX 100U
/* longest word compared; a longer text has no near word */
#define WORD_MAX 64U

int diag_add(struct diag_list *list, const char *file, unsigned line, unsigned column, const char *format,
             ...)
{
    _cleanup_(freep) char *file_copy = NULL, *message = NULL;
    va_list ap;
    int n;

    if (list->n >= DIAG_MAX) {
        list->n_dropped++;
        return -EINVAL;
    }
    if (list->n == list->size) {
        size_t size = list->size > 0 ? list->size * 2 : 8;
        struct diag *items = reallocarray(list->items, size, sizeof(*items));

        if (!items)
            return -ENOMEM;
        list->items = items;
        list->size = size;
    }
    if (file && !(file_copy = strdup(file)))
        return -ENOMEM;
    va_start(ap, format);
    n = vasprintf(&message, format, ap);
    va_end(ap);
    if (n < 0) {
        message = NULL;
        return -ENOMEM;
    }
    list->items[list->n++] = (struct diag){TAKE_PTR(file_copy), line, column, TAKE_PTR(message)};
    return -EINVAL;
}

static void print_escaped(FILE *out, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c < 0x20 || c == 0x7f)
            (void)fprintf(out, "\\x%02x", c);
        else if (c == 0xc2 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] <= 0x9f)
            /* C1 controls, which a terminal obeys, too: U+009B is ESC [ (ECMA-48 section 5.3) */
            (void)fprintf(out, "\\xc2\\x%02x", (unsigned char)*++s);
        else
            (void)fputc(c, out);
    }
}

static void print_one(FILE *out, const struct diag *d)
{
    if (d->file) {
        print_escaped(out, d->file);
        if (d->line > 0)
            (void)fprintf(out, ":%u", d->line);
        if (d->line > 0 && d->column > 0)
            (void)fprintf(out, ":%u", d->column);
        (void)fputs(": ", out);
    }
    print_escaped(out, d->message);
}

void diag_print(const struct diag_list *list, FILE *out, const char *prefix)
{
    for (size_t i = 0; i < list->n; i++) {
        (void)fputs(prefix, out);
        print_one(out, &list->items[i]);
        (void)fputc('\n', out);
    }
    if (list->n_dropped > 0)
        (void)fprintf(out, "%s%zu more problems are not shown\n", prefix, list->n_dropped);
}

char *diag_to_string(const struct diag *diag)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        return NULL;
    print_one(out, diag);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

void diag_list_done(struct diag_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].file);
        free(list->items[i].message);
    }
    free(list->items);
    *list = DIAG_LIST_INIT;
}

static size_t edit_distance(struct slice a, struct slice b)
{
    size_t row[WORD_MAX + 1];

    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t substituted = diagonal + (a.data[i - 1] != b.data[j - 1]);
            size_t shifted = MIN(row[j], row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = MIN(substituted, shifted);
        }
    }
    return row[b.len];
}

const char *nearest_word(struct slice text, const char *const *words)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;

    if (text.len > WORD_MAX)
        return NULL;
    for (; *words; words++) {
        struct slice word = slice_from_string(*words);
        size_t distance;

        if (word.len > WORD_MAX)
            continue;
        distance = edit_distance(text, word);
        if (distance <= (word.len + 2) / 3 && distance < best_distance) {
            best = *words;
            best_distance = distance;
        }
    }
    return best;
}
