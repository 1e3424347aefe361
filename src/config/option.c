/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Option tables: from text to the member of a component's struct. Every value has one text form, the one a
 * user types; defaults go the same way as the user's values, so a default that the help shows is one that can
 * be typed.
 *
 * The range of a row is kept in doubles, whatever the type: limits are small or round numbers, which a double
 * holds exactly. A value is compared after conversion to double; beyond 2^53 that is inexact by less than the
 * limits' own coarseness.
 *
 * A message says what was written, for which option, what was expected and, for a choice, the nearest word.
 * The user's text is cut to QUOTE_MAX bytes: a message must stay a line.
 *
 * Nothing here knows paths, files or YAML: config/apply.c does.
 */
#include "config/option.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "util/buffer.h"
#include "util/parse.h"

/* chosen: enough to recognise a value by */
#define QUOTE_MAX 80U

int string_list_add(struct string_list *list, struct slice item)
{
    _cleanup_(freep) char *copy = strndup(item.len > 0 ? item.data : "", item.len);
    char **items;

    if (!copy)
        return -ENOMEM;
    /* grown by doubling: n is a power of two exactly when the allocation is full */
    if ((list->n & (list->n - 1)) == 0) {
        items = reallocarray(list->items, list->n > 0 ? list->n * 2 : 1, sizeof(*items));
        if (!items)
            return -ENOMEM;
        list->items = items;
    }
    list->items[list->n++] = TAKE_PTR(copy);
    return 0;
}

void string_list_done(struct string_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct string_list){0};
}

int property_list_add(struct property_list *list, struct slice name, struct slice value)
{
    _cleanup_(freep) char *name_copy = strndup(name.len > 0 ? name.data : "", name.len);
    _cleanup_(freep) char *value_copy = strndup(value.len > 0 ? value.data : "", value.len);
    struct property *items;

    if (!name_copy || !value_copy)
        return -ENOMEM;
    if ((list->n & (list->n - 1)) == 0) {
        items = reallocarray(list->items, list->n > 0 ? list->n * 2 : 1, sizeof(*items));
        if (!items)
            return -ENOMEM;
        list->items = items;
    }
    list->items[list->n++] = (struct property){TAKE_PTR(name_copy), TAKE_PTR(value_copy)};
    return 0;
}

void property_list_done(struct property_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].name);
        free(list->items[i].value);
    }
    free(list->items);
    *list = (struct property_list){0};
}

static bool has_range(const struct option *option)
{
    return option->min != 0 || option->max != 0;
}

static bool is_in_range(const struct option *option, double v)
{
    if (!has_range(option))
        return v >= 0;
    return v >= option->min && (option->max < option->min || v <= option->max);
}

/* A limit as a user would write it: the largest unit that divides it. */
static int append_limit(struct buffer *b, enum option_type type, double v)
{
    static const struct {
        const char *name;
        int64_t factor;
    } durations[] = {{"d", USEC_PER_DAY}, {"h", USEC_PER_HOUR},  {"min", USEC_PER_MINUTE},
                     {"s", USEC_PER_SEC}, {"ms", USEC_PER_MSEC}, {"us", 1}},
      sizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}};
    int64_t whole = v >= 9.2e18 ? INT64_MAX : v <= -9.2e18 ? INT64_MIN : (int64_t)v;

    if (type == OPTION_NUMBER)
        return buffer_append_format(b, "%.15g", v);
    for (size_t i = 0; type == OPTION_DURATION && whole != 0 && i < ARRAY_SIZE(durations); i++)
        if (whole % durations[i].factor == 0)
            return buffer_append_format(b, "%" PRId64 "%s", whole / durations[i].factor, durations[i].name);
    for (size_t i = 0; type == OPTION_SIZE && whole != 0 && i < ARRAY_SIZE(sizes); i++)
        if (whole % sizes[i].factor == 0)
            return buffer_append_format(b, "%" PRId64 "%s", whole / sizes[i].factor, sizes[i].name);
    return buffer_append_format(b, "%" PRId64, whole);
}

static int append_range(struct buffer *b, const struct option *option)
{
    int r;

    if (!has_range(option))
        return 0;
    if (option->max < option->min) {
        r = buffer_append_format(b, " of at least ");
        return r < 0 ? r : append_limit(b, option->type, option->min);
    }
    r = buffer_append_format(b, " from ");
    if (r >= 0)
        r = append_limit(b, option->type, option->min);
    if (r >= 0)
        r = buffer_append_format(b, " to ");
    return r < 0 ? r : append_limit(b, option->type, option->max);
}

static int append_description(struct buffer *b, const struct option *option)
{
    static const char *const texts[] = {
        [OPTION_BOOL] = "true or false",
        [OPTION_STRING] = "text",
        [OPTION_INTEGER] = "a whole number",
        [OPTION_NUMBER] = "a number",
        [OPTION_DURATION] = "a duration such as 15min",
        [OPTION_SIZE] = "a size such as 64MiB",
        [OPTION_CHOICE] = "one of",
        [OPTION_RATE] = "a rate such as 5/day or 5/day/1000hosts",
        [OPTION_LIST] = "a list of words",
        [OPTION_PROPERTIES] = "keys with their values",
    };
    int r = buffer_append_format(b, "%s", texts[option->type]);

    switch (option->type) {
    case OPTION_INTEGER:
    case OPTION_NUMBER:
    case OPTION_DURATION:
    case OPTION_SIZE:
        return r < 0 ? r : append_range(b, option);
    case OPTION_CHOICE:
        for (size_t i = 0; r >= 0 && option->choices[i]; i++)
            r = buffer_append_format(b, "%s%s", i > 0 ? ", " : " ", option->choices[i]);
        return r;
    case OPTION_BOOL:
    case OPTION_STRING:
    case OPTION_LIST:
    case OPTION_PROPERTIES:
    case OPTION_RATE:
        break;
    }
    return r;
}

static int take_text(struct buffer *b, char **ret_text)
{
    int r = buffer_append_char(b, '\0');

    if (r < 0)
        return r;
    *ret_text = TAKE_PTR(b->data);
    *b = BUFFER_INIT;
    return 0;
}

int option_describe(const struct option *option, char **ret_text)
{
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;
    int r = append_description(&b, option);

    return r < 0 ? r : take_text(&b, ret_text);
}

/* The head of text, cut before a UTF-8 continuation byte rather than inside a character. */
static struct slice quote(struct slice text)
{
    size_t n = QUOTE_MAX;

    if (text.len <= QUOTE_MAX)
        return text;
    while (n > 0 && ((unsigned char)text.data[n] & 0xc0) == 0x80)
        n--;
    return slice_head(text, n);
}

/* Fills *reterr_message; -EINVAL, or -ENOMEM. */
static int refuse(const struct option *option, struct slice text, char **reterr_message)
{
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;
    struct slice head = quote(text);
    const char *nearest = NULL;
    int r = buffer_append_format(&b, "bad value '");

    if (r >= 0)
        r = buffer_append_slice(&b, head);
    if (r >= 0)
        r = buffer_append_format(&b, "%s' for %s, expected ", head.len < text.len ? "..." : "", option->name);
    /* a NUL would end the message early: it is the reason, too */
    for (size_t i = 0; i < b.len; i++)
        if (b.data[i] == '\0')
            b.data[i] = '?';
    if (r >= 0)
        r = append_description(&b, option);
    if (option->type == OPTION_CHOICE)
        nearest = nearest_word(text, option->choices);
    if (r >= 0 && nearest)
        r = buffer_append_format(&b, " (did you mean '%s'?)", nearest);
    if (r >= 0)
        r = take_text(&b, reterr_message);
    return r < 0 ? r : -EINVAL;
}

/* Words separated by commas, blanks around them dropped; an empty text is an empty list. 1: an empty word. */
static int parse_list(struct slice text, struct string_list *ret_list)
{
    _cleanup_(string_list_done) struct string_list list = {0};
    int r;

    text = slice_trim(text);
    while (text.len > 0) {
        size_t comma = slice_find(text, ',');
        struct slice word = slice_trim(slice_head(text, comma));

        if (word.len == 0 || comma + 1 == text.len)
            return 1;
        r = string_list_add(&list, word);
        if (r < 0)
            return r;
        text = slice_skip(text, MIN(comma + 1, text.len));
    }
    *ret_list = list;
    list = (struct string_list){0};
    return 0;
}

static int parse_choice(const struct option *option, struct slice text, int *ret_index)
{
    for (int i = 0; option->choices[i]; i++)
        if (slice_equal_string(text, option->choices[i])) {
            *ret_index = i;
            return 0;
        }
    return 1;
}

/* NUMBER/day, with or without /NUMBERhosts; both above 0. 1: it is no such text. */
static int parse_rate(struct slice text, struct rate *ret_rate)
{
    static const struct slice day = SLICE("day"), hosts = SLICE("hosts"), host = SLICE("host");
    struct rate rate = {0};
    size_t slash = slice_find(text, '/');

    if (slash == text.len || parse_double(slice_trim(slice_head(text, slash)), &rate.a_day) < 0)
        return 1;
    text = slice_skip(text, slash + 1);
    slash = slice_find(text, '/');
    if (!slice_equal(slice_trim(slice_head(text, slash)), day))
        return 1;
    if (slash < text.len) {
        text = slice_trim(slice_skip(text, slash + 1));
        if (slice_ends_with(text, hosts))
            text = slice_head(text, text.len - hosts.len);
        else if (slice_ends_with(text, host))
            text = slice_head(text, text.len - host.len);
        else
            return 1;
        text = slice_trim(text);
        if (text.len == 0)
            rate.n_hosts = 1;
        else if (parse_double(text, &rate.n_hosts) < 0 || rate.n_hosts < 1)
            return 1;
    }
    if (!(rate.a_day > 0) || rate.a_day > 1e9 || rate.n_hosts > 1e9)
        return 1;
    *ret_rate = rate;
    return 0;
}

/* Writes the member. 1: the text is no such value; negative: memory is out. */
static int parse_member(const struct option *option, struct slice text, void *member)
{
    struct string_list list;
    uint64_t size;
    int64_t integer;
    double number;
    char *copy;
    int r;

    switch (option->type) {
    case OPTION_BOOL:
        return parse_bool(text, member) < 0;
    case OPTION_STRING:
        copy = strndup(text.len > 0 ? text.data : "", text.len);
        if (!copy)
            return -ENOMEM;
        free(*(char **)member);
        *(char **)member = copy;
        return 0;
    case OPTION_INTEGER:
    case OPTION_DURATION:
        r = option->type == OPTION_INTEGER ? parse_i64(text, &integer) : parse_duration_usec(text, &integer);
        if (r < 0 || !is_in_range(option, (double)integer))
            return 1;
        *(int64_t *)member = integer;
        return 0;
    case OPTION_NUMBER:
        r = parse_double(text, &number);
        if (r < 0 || !is_in_range(option, number))
            return 1;
        *(double *)member = number;
        return 0;
    case OPTION_SIZE:
        r = parse_size_bytes(text, &size);
        if (r < 0 || !is_in_range(option, (double)size))
            return 1;
        *(uint64_t *)member = size;
        return 0;
    case OPTION_CHOICE:
        return parse_choice(option, text, member);
    case OPTION_RATE:
        return parse_rate(text, member);
    case OPTION_LIST:
        r = parse_list(text, &list);
        if (r != 0)
            return r;
        string_list_done(member);
        *(struct string_list *)member = list;
        return 0;
    case OPTION_PROPERTIES: /* has no text form */
        break;
    }
    return 1;
}

int option_parse(const struct option *option, struct slice text, void *settings, char **reterr_message)
{
    int r = 1;

    /* members are C strings */
    if (slice_find(text, '\0') == text.len)
        r = parse_member(option, text, (char *)settings + option->offset);
    return r > 0 ? refuse(option, text, reterr_message) : r;
}

int option_defaults(const struct option_table *table, void *settings)
{
    for (size_t i = 0; i < table->n_options; i++) {
        const struct option *option = &table->options[i];
        _cleanup_(freep) char *message = NULL;
        int r;

        if (!option->default_text)
            continue;
        r = option_parse(option, slice_from_string(option->default_text), settings, &message);
        assert(!message); /* else the table is wrong */
        if (r < 0)
            return r;
    }
    return 0;
}

void option_done(const struct option_table *table, void *settings)
{
    for (size_t i = 0; i < table->n_options; i++) {
        void *member = (char *)settings + table->options[i].offset;

        switch (table->options[i].type) {
        case OPTION_STRING:
            free(*(char **)member);
            *(char **)member = NULL;
            break;
        case OPTION_LIST:
            string_list_done(member);
            break;
        case OPTION_PROPERTIES:
            property_list_done(member);
            break;
        case OPTION_BOOL:
        case OPTION_INTEGER:
        case OPTION_NUMBER:
        case OPTION_DURATION:
        case OPTION_SIZE:
        case OPTION_CHOICE:
        case OPTION_RATE:
            break;
        }
    }
}
