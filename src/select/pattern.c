/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Patterns over arguments. Nearly all that a catalogue needs is "begins with", "ends with", "contains" and
 * "is": a pattern is sorted into one of these when it is read, and compared with memcmp or memmem. The rest
 * goes through a matcher of two cursors that remembers the last '*' and the place in the text it stands for:
 * on a mismatch the text moves one byte on from there. There is nothing to gain from an earlier '*', so one
 * memory is enough, and the cost is at worst the text times PATTERN_BYTES_MAX, whatever bytes an attacker
 * puts into an argument.
 *
 * fnmatch(3) is not used: it depends on the locale, needs a NUL behind the text, and recurses on every '*'.
 */
#include "select/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Whether c is in the set that begins behind the '['; *at moves behind its ']'. The ']' is there. */
static bool set_has(struct slice glob, size_t *at, char c)
{
    size_t i = *at;
    bool is_negative = glob.data[i] == '!', is_in = false;

    i += is_negative;
    for (size_t first = i; i == first || glob.data[i] != ']'; i++) {
        unsigned char low = (unsigned char)glob.data[i], high = low;

        if (glob.data[i + 1] == '-' && glob.data[i + 2] != ']') {
            high = (unsigned char)glob.data[i + 2];
            i += 2;
        }
        is_in = is_in || ((unsigned char)c >= low && (unsigned char)c <= high);
    }
    *at = i + 1;
    return is_in != is_negative;
}

/* One byte of the text against what stands at *at, which moves on where it fits. */
static bool one_fits(struct slice glob, size_t *at, char c)
{
    size_t next = *at + 1;
    bool fits;

    if (*at >= glob.len)
        return false;
    if (glob.data[*at] == '[')
        fits = set_has(glob, &next, c);
    else
        fits = glob.data[*at] == '?' || glob.data[*at] == c;
    if (fits)
        *at = next;
    return fits;
}

static bool glob_matches(struct slice glob, struct slice text)
{
    size_t g = 0, star = glob.len, star_text = 0;

    for (size_t t = 0; t < text.len;) {
        if (g < glob.len && glob.data[g] == '*') {
            star = ++g;
            star_text = t;
            if (star == glob.len)
                return true;
        } else if (one_fits(glob, &g, text.data[t])) {
            t++;
        } else if (star < glob.len) {
            g = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (g < glob.len && glob.data[g] == '*')
        g++;
    return g == glob.len;
}

bool pattern_matches(const struct pattern *pattern, struct slice text)
{
    struct slice literal = pattern->literal;

    switch (pattern->kind) {
    case PATTERN_EXACT:
        return slice_equal(text, literal);
    case PATTERN_PREFIX:
        return slice_starts_with(text, literal);
    case PATTERN_SUFFIX:
        return slice_ends_with(text, literal);
    case PATTERN_CONTAINS:
        return text.len >= literal.len && memmem(text.data, text.len, literal.data, literal.len) != NULL;
    case PATTERN_GLOB:
        break;
    }
    return glob_matches(literal, text);
}

bool pattern_list_matches(const struct pattern_list *list, struct slice text)
{
    for (size_t i = 0; i < list->n; i++)
        if (pattern_matches(&list->items[i], text))
            return true;
    return false;
}

/* Every '[' has its ']', not counting one that is the first of the set. */
static bool is_closed(const char *text)
{
    for (const char *p = strchr(text, '['); p; p = strchr(p, '[')) {
        p += p[1] == '!' ? 2 : 1;
        if (*p == '\0')
            return false;
        p = strchr(p + 1, ']');
        if (!p)
            return false;
    }
    return true;
}

int pattern_compile(const char *text, struct pattern *ret_pattern)
{
    size_t len = strlen(text), head, tail;
    struct pattern pattern = {.kind = PATTERN_GLOB};

    if (len == 0 || len > PATTERN_BYTES_MAX || !is_closed(text))
        return -EINVAL;
    pattern.text = strdup(text);
    if (!pattern.text)
        return -ENOMEM;
    pattern.literal = slice_new(pattern.text, len);
    head = text[0] == '*';
    tail = len > 1 && text[len - 1] == '*';
    if (head + tail < len && strcspn(text + head, "*?[") >= len - head - tail) {
        static const enum pattern_kind kinds[2][2] = {{PATTERN_EXACT, PATTERN_PREFIX},
                                                      {PATTERN_SUFFIX, PATTERN_CONTAINS}};

        pattern.kind = kinds[head][tail];
        pattern.literal = slice_new(pattern.text + head, len - head - tail);
    }
    *ret_pattern = pattern;
    return 0;
}

void pattern_list_done(struct pattern_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].text);
    free(list->items);
    *list = (struct pattern_list){0};
}

int pattern_list_compile(const struct string_list *texts, struct pattern_list *ret_list, size_t *reterr_bad)
{
    _cleanup_(pattern_list_done) struct pattern_list list = {0};

    if (texts->n > 0) {
        list.items = calloc(texts->n, sizeof(*list.items));
        if (!list.items)
            return -ENOMEM;
    }
    for (size_t i = 0; i < texts->n; i++) {
        int r = pattern_compile(texts->items[i], &list.items[i]);

        if (r < 0) {
            *reterr_bad = i;
            return r;
        }
        list.n = i + 1;
    }
    *ret_list = list;
    list = (struct pattern_list){0};
    return 0;
}
