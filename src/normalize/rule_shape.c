/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A rulebase decides what an audit header is, and nearly all records of a stream have the same one. The
 * library finds that out anew for each: it walks its graph, builds a tree of a dozen allocations, we read
 * and free it, for an answer that is known but for the values. So what its answer will be is worked out from
 * the text of the rules, once, when the file is loaded, and remembered as a shape: literals, and between them
 * fields of which only the bytes differ.
 *
 * A rule has a shape where nothing is left to judge:
 *
 *  - it is literals (without escapes) and fields in the short form of the parsers word, number, char-to (one
 *    character) and, at the end, rest. Each of these takes its bytes in exactly one way, whatever follows: if
 *    the rule matches at all it matches like this. These are the definitions of liblognorm's parser.c, the
 *    same from 2.0.6 to 2.0.9;
 *  - no other rule of its file can match the same line. Two rules that begin with the same parts stand at the
 *    same byte of any line behind them; where literals with different bytes follow, no line fits both. Where
 *    this cannot be shown, both are the library's: then its order decides, and is not ours to guess;
 *  - the file has nothing but rules: no prefix, types, annotations.
 *
 * Such a rule is therefore the match of exactly the lines that its shape fits, and no walk through the other
 * rules could change that. Still the library has the first word: a shape counts from the first line that the
 * library has matched with the same fields and tags. If it ever reads that line in another way the shape is
 * given up. Lines that fit no shape, and lines with a NUL byte (which the library gets as '?'), go to the
 * library, as do all when rules are told or traced.
 *
 * Not a cache of results: nothing is kept of a line, so there is nothing that hostile input could grow or
 * poison. Kept is which shape fitted last, and it is tried first; as shapes exclude each other, their order
 * cannot show in a result.
 *
 * Cost: linear in the line; some 900 instructions for auditd's header instead of 7,900 (2026-11), one arena
 * allocation. Loading compares rules pair by pair: files with many are left to the library.
 */
#include "normalize/rule_shape.h"

#include <errno.h>
#include <stdlib.h>

/* chosen: the shipped audit.rulebase has 13 */
#define RULES_MAX 64U
/* chosen: the longest shipped audit rule has 13 */
#define PARTS_MAX 24U

enum part_kind {
    PART_LITERAL,
    PART_WORD,    /* up to a blank or the end, not empty */
    PART_NUMBER,  /* digits, at least one */
    PART_CHAR_TO, /* up to a character, which must be there, not empty */
    PART_REST,    /* everything */
    PART_UNKNOWN, /* the library knows */
};

struct part {
    enum part_kind kind;
    char until;        /* PART_CHAR_TO */
    struct slice text; /* the literal, or the name of the field, absent where it is dropped ("-") */
};

struct rule_shape {
    struct part parts[PARTS_MAX];
    size_t n_parts, n_fields;
    struct slice tags;
    bool is_confirmed;
};

struct rule_shapes {
    struct rule_shape *shapes;
    size_t n_shapes;
    size_t last; /* that fitted */
};

/* ---- reading rules ---- */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Words between separators, 0: none allowed. */
static bool is_words(struct slice s, char separator)
{
    bool is_inside = false;

    for (size_t i = 0; i < s.len; i++) {
        if (is_name_char(s.data[i]))
            is_inside = true;
        else if (separator == '\0' || s.data[i] != separator || !is_inside)
            return false;
        else
            is_inside = false;
    }
    return is_inside;
}

/* text: between the percent signs. */
static struct part read_field(struct slice text)
{
    static const struct {
        const char *name;
        enum part_kind kind;
    } parsers[] = {{"word", PART_WORD}, {"number", PART_NUMBER}, {"rest", PART_REST}};
    static const struct slice char_to = SLICE("char-to:");
    size_t colon = slice_find(text, ':');
    struct part part = {.kind = PART_UNKNOWN, .text = slice_head(text, colon)};
    struct slice parser = slice_skip(text, MIN(colon + 1, text.len));

    if (slice_equal_string(part.text, "-"))
        part.text = SLICE_NULL;
    /* what the library itself adds to a match has this name: rule_fields.c leaves it out */
    else if (!is_words(part.text, '\0') || slice_equal_string(part.text, "metadata"))
        return part;
    for (size_t i = 0; i < ARRAY_SIZE(parsers); i++)
        if (slice_equal_string(parser, parsers[i].name))
            part.kind = parsers[i].kind;
    if (slice_starts_with(parser, char_to) && parser.len == char_to.len + 1 &&
        parser.data[char_to.len] != '\\') {
        part.kind = PART_CHAR_TO;
        part.until = parser.data[char_to.len];
    }
    return part;
}

/* The part at the front of rest, which it is taken from. */
static struct part next_part(struct slice *rest)
{
    bool is_field = rest->data[0] == '%';
    struct slice s = slice_skip(*rest, is_field);
    size_t end = slice_find(s, '%');
    struct slice text = slice_head(s, end);
    struct part part = {.kind = PART_LITERAL, .text = text};

    *rest = slice_skip(s, MIN(end + is_field, s.len));
    if (is_field)
        return end < s.len ? read_field(text) : (struct part){.kind = PART_UNKNOWN};
    if (slice_find(text, '\\') < text.len || slice_find(text, '\n') < text.len)
        part.kind = PART_UNKNOWN;
    return part;
}

/* Up to the first part that is unknown. */
static struct rule_shape read_rule(struct slice body)
{
    size_t colon = slice_find(body, ':');
    struct slice rest = slice_skip(body, MIN(colon + 1, body.len));
    struct rule_shape shape = {.tags = slice_head(body, colon)};

    while (rest.len > 0 && shape.n_parts < PARTS_MAX) {
        struct part part =
            shape.n_parts + 1 < PARTS_MAX ? next_part(&rest) : (struct part){.kind = PART_UNKNOWN};

        shape.parts[shape.n_parts++] = part;
        if (part.kind == PART_UNKNOWN)
            break;
        shape.n_fields += part.kind != PART_LITERAL && !slice_is_absent(part.text);
    }
    return shape;
}

/* Between two literals, at the front of a line, and rest at the end and nowhere else. */
static bool is_simple(const struct rule_shape *shape)
{
    if (shape->n_parts < 2 || shape->parts[0].kind != PART_LITERAL ||
        (shape->tags.len > 0 && !is_words(shape->tags, ',')))
        return false;
    for (size_t i = 0; i < shape->n_parts; i++)
        if (shape->parts[i].kind == PART_UNKNOWN ||
            (shape->parts[i].kind == PART_REST) != (i + 1 == shape->n_parts))
            return false;
    return true;
}

/* Whether it is certain that no line fits both: see the essay. */
static bool are_disjoint(const struct rule_shape *a, const struct rule_shape *b)
{
    size_t i = 0, k = 0, i_skip = 0, k_skip = 0;

    while (i < a->n_parts && k < b->n_parts) {
        const struct part *p = &a->parts[i], *q = &b->parts[k];

        if (p->kind != q->kind || p->kind == PART_UNKNOWN)
            return false;
        if (p->kind == PART_LITERAL) {
            struct slice s = slice_skip(p->text, i_skip), t = slice_skip(q->text, k_skip);
            size_t n = MIN(s.len, t.len);

            if (memcmp(s.data, t.data, n) != 0)
                return true;
            i_skip = n < s.len ? i_skip + n : 0;
            k_skip = n < t.len ? k_skip + n : 0;
            i += i_skip == 0;
            k += k_skip == 0;
            continue;
        }
        if (p->until != q->until)
            return false;
        i++;
        k++;
    }
    return false;
}

struct rule_shapes *rule_shapes_free(struct rule_shapes *s)
{
    if (!s)
        return NULL;
    free(s->shapes);
    free(s);
    return NULL;
}

int rule_shapes_new(const struct rulebase_file *file, struct rule_shapes **ret_shapes)
{
    _cleanup_(rule_shapes_freep) struct rule_shapes *s = NULL;
    _cleanup_(freep) struct rule_shape *all = NULL;

    *ret_shapes = NULL;
    if (file->has_others || file->n_rules > RULES_MAX)
        return 0;
    s = calloc(1, sizeof(*s));
    all = calloc(file->n_rules, sizeof(*all));
    if (!s || !all)
        return -ENOMEM;
    s->shapes = calloc(file->n_rules, sizeof(*s->shapes));
    if (!s->shapes)
        return -ENOMEM;
    for (size_t i = 0; i < file->n_rules; i++)
        all[i] = read_rule(file->rules[i].body);
    for (size_t i = 0; i < file->n_rules; i++) {
        bool is_alone = is_simple(&all[i]);

        for (size_t k = 0; is_alone && k < file->n_rules; k++)
            is_alone = k == i || are_disjoint(&all[i], &all[k]);
        if (is_alone)
            s->shapes[s->n_shapes++] = all[i];
    }
    if (s->n_shapes > 0)
        *ret_shapes = TAKE_PTR(s);
    return 0;
}

/* ---- matching ---- */

/* The bytes that a field takes at the front of s; s.len + 1: it does not fit. */
static size_t field_length(const struct part *part, struct slice s)
{
    size_t n = 0;

    switch (part->kind) {
    case PART_WORD:
        n = slice_find(s, ' ');
        break;
    case PART_NUMBER:
        while (n < s.len && s.data[n] >= '0' && s.data[n] <= '9')
            n++;
        break;
    case PART_CHAR_TO:
        n = slice_find(s, part->until);
        if (n == s.len)
            n = 0;
        break;
    default: /* PART_REST; literals are none */
        return s.len;
    }
    return n > 0 ? n : s.len + 1;
}

/* values: of the fields that are not dropped. */
static bool shape_fits(const struct rule_shape *shape, struct slice line, struct slice values[PARTS_MAX])
{
    struct slice s = line;
    size_t n_values = 0;

    for (size_t i = 0; i < shape->n_parts; i++) {
        const struct part *part = &shape->parts[i];
        size_t n;

        if (part->kind == PART_LITERAL) {
            if (!slice_starts_with(s, part->text))
                return false;
            s = slice_skip(s, part->text.len);
            continue;
        }
        n = field_length(part, s);
        if (n > s.len)
            return false;
        if (!slice_is_absent(part->text))
            values[n_values++] = slice_head(s, n);
        s = slice_skip(s, n);
    }
    return slice_find(line, '\0') == line.len;
}

/* NULL: none fits. */
static struct rule_shape *find_shape(struct rule_shapes *s, struct slice line, struct slice values[PARTS_MAX])
{
    if (s->n_shapes > 0 && shape_fits(&s->shapes[s->last], line, values))
        return &s->shapes[s->last];
    for (size_t i = 0; i < s->n_shapes; i++)
        if (i != s->last && shape_fits(&s->shapes[i], line, values)) {
            s->last = i;
            return &s->shapes[i];
        }
    return NULL;
}

int rule_shapes_match(struct rule_shapes *s, struct slice line, struct arena *arena,
                      struct rule_match *ret_match)
{
    struct slice values[PARTS_MAX];
    const struct rule_shape *shape = find_shape(s, line, values);
    struct rule_field *fields;
    size_t n = 0;

    if (!shape)
        return RULE_SHAPE_NONE;
    fields = arena_alloc(arena, shape->n_fields * sizeof(*fields));
    if (!fields)
        return -ENOMEM;
    for (size_t i = 0; i < shape->n_parts; i++) {
        const struct part *part = &shape->parts[i];

        if (part->kind == PART_LITERAL || slice_is_absent(part->text))
            continue;
        fields[n] = (struct rule_field){part->text, values[n]};
        n++;
    }
    *ret_match = (struct rule_match){.fields = fields, .n_fields = n, .tags = shape->tags};
    return shape->is_confirmed ? RULE_SHAPE_MATCHED : RULE_SHAPE_UNCONFIRMED;
}

void rule_shapes_confirm(struct rule_shapes *s, const struct rule_match *own, const struct rule_match *theirs)
{
    if (theirs && rule_match_equal(own, theirs)) {
        s->shapes[s->last].is_confirmed = true;
        return;
    }
    s->shapes[s->last] = s->shapes[--s->n_shapes];
    s->last = 0;
}

size_t rule_shapes_count(const struct rule_shapes *s)
{
    return s ? s->n_shapes : 0;
}
