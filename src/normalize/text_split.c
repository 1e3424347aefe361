/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A command line that a logger joined by blanks cannot be split back exactly; this does what is right when it
 * quoted, and sensible when it did not. One pass: each byte is copied once into one piece of arena memory
 * that is as large as the command, since unquoting only shortens.
 *
 * A shell's rules for quotes and backslashes, without its operators: "a;b" is one word. Text is never
 * refused. The array of words grows by doubling up to WORDS_MAX; the last word then takes the rest as it
 * stands, so that a line of blanks and letters cannot make more memory than a few times its own size.
 */
#include "normalize/text_split.h"

#include <errno.h>

/* The header's promise: no exec that a text log can hold has more, and it bounds the array at 64 KiB. */
#define WORDS_MAX 4096

struct splitter {
    struct slice rest;
    char *out; /* where the next byte goes */
    bool is_sudo;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Whether a backslash before c, between double quotes, goes (POSIX shell 2.2.3). */
static bool is_special(char c)
{
    return c == '"' || c == '\\' || c == '$' || c == '`' || c == '\n';
}

static void skip_blanks(struct splitter *s)
{
    while (s->rest.len > 0 && is_blank(s->rest.data[0]))
        s->rest = slice_skip(s->rest, 1);
}

/* One word, unquoted, from the front of rest, which does not begin with a blank. */
static struct slice next_word(struct splitter *s)
{
    const char *start = s->out;
    char quote = '\0';
    size_t i;

    for (i = 0; i < s->rest.len; i++) {
        char c = s->rest.data[i];
        bool has_next = i + 1 < s->rest.len;

        if (quote == '\0') {
            if (is_blank(c))
                break;
            if (c == '\'' || c == '"') {
                quote = c;
                continue;
            }
            if (c == '\\' && has_next)
                c = s->rest.data[++i];
        } else if (c == quote) {
            quote = '\0';
            continue;
        } else if (c == '\\' && has_next && (quote == '"' ? is_special(s->rest.data[i + 1]) : s->is_sudo)) {
            c = s->rest.data[++i];
        }
        *s->out++ = c;
    }
    s->rest = slice_skip(s->rest, i);
    return slice_new(start, (size_t)(s->out - start));
}

static int add_word(struct arena *arena, struct slice **words, size_t *n, size_t *size, struct slice word)
{
    struct slice *grown;

    if (*n == *size) {
        *size = *size == 0 ? 16 : 2 * *size;
        grown = arena_calloc(arena, *size, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        if (*n > 0)
            memcpy(grown, *words, *n * sizeof(*grown));
        *words = grown;
    }
    (*words)[(*n)++] = word;
    return 0;
}

static int split(struct slice command, bool is_sudo, struct arena *arena, struct slice **ret_words,
                 size_t *ret_n)
{
    struct splitter s = {.rest = command, .is_sudo = is_sudo};
    struct slice *words = NULL, word;
    size_t n = 0, size = 0;
    int r;

    s.out = arena_alloc(arena, command.len + 1);
    if (!s.out)
        return -ENOMEM;
    for (skip_blanks(&s); s.rest.len > 0; skip_blanks(&s)) {
        if (n + 1 < WORDS_MAX) {
            word = next_word(&s);
        } else {
            memcpy(s.out, s.rest.data, s.rest.len);
            word = slice_new(s.out, s.rest.len);
            s.rest = slice_skip(s.rest, s.rest.len);
        }
        r = add_word(arena, &words, &n, &size, word);
        if (r < 0)
            return r;
    }
    *ret_words = words;
    *ret_n = n;
    return (int)n;
}

int text_split_sudo(struct slice command, struct arena *arena, struct slice **ret_words, size_t *ret_n)
{
    return split(command, true, arena, ret_words, ret_n);
}

int text_split_command(struct slice command, struct arena *arena, struct slice **ret_words, size_t *ret_n)
{
    return split(command, false, arena, ret_words, ret_n);
}
