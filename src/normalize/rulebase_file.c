/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A first reading of a rulebase file, before liblognorm's. The library is lenient where a detection tool must
 * not be: without a byte-exact "version=2" it silently becomes another engine with other rules, a file
 * without rules loads, and the comments that hold the samples are not its business. So this file finds the
 * lines: rules (also those whose JSON goes over several lines, by the library's own criterion, an odd number
 * of percent signs; they are joined, since the library crashes on them when it reads from memory), the
 * samples before them, and what is refused:
 *
 *  - include=: one file is one context, and the folder is the list of files.
 *  - type= and the "string" parser are only reported to the caller, who knows the library's version.
 *
 * The literal a rule begins with is kept as well: a line that begins with none of a file's literals cannot
 * match there, and memcmp is 100 times cheaper than the library's refusal, which copies the line twice.
 *
 * Linear in the size of the file, which is limited.
 */
#include "normalize/rulebase_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* chosen: the shipped rulebases have 10 KiB together; liblognorm's own limit is 64 KiB a rule */
#define FILE_MAX_BYTES (1024U * 1024)

static const struct slice version_line = SLICE("version=2\n");

struct rulebase_file *rulebase_file_free(struct rulebase_file *f)
{
    if (!f)
        return NULL;
    free(f->path);
    free(f->text);
    buffer_done(&f->rules_text);
    free(f->rules);
    free(f->samples);
    free(f);
    return NULL;
}

/* The whole file, NUL-terminated for no one's sake but the debugger's. */
static int read_text(const char *path, struct diag_list *diags, char **ret_text, size_t *ret_len)
{
    _cleanup_(fclosep) FILE *in = NULL;
    _cleanup_(freep) char *text = NULL;
    size_t len;

    in = fopen(path, "re");
    if (!in)
        return diag_add(diags, path, 0, 0, "cannot open: %s", strerror(errno));
    text = malloc(FILE_MAX_BYTES + 1);
    if (!text)
        return -ENOMEM;
    len = fread(text, 1, FILE_MAX_BYTES + 1, in);
    if (ferror(in))
        return diag_add(diags, path, 0, 0, "cannot read: %s", strerror(errno));
    if (len > FILE_MAX_BYTES)
        return diag_add(diags, path, 0, 0, "larger than %u bytes", FILE_MAX_BYTES);
    text[len] = '\0';
    *ret_text = TAKE_PTR(text);
    *ret_len = len;
    return 0;
}

/* Room for one more item of an array that doubles. */
static int grow(void **items, size_t n, size_t size)
{
    void *p;

    if (n != 0 && (n & (n - 1)) != 0)
        return 0;
    p = reallocarray(*items, n == 0 ? 1 : 2 * n, size);
    if (!p)
        return -ENOMEM;
    *items = p;
    return 0;
}

static int add_sample(struct rulebase_file *f, unsigned line, struct slice text, bool is_negative)
{
    int r;

    r = grow((void **)&f->samples, f->n_samples, sizeof(*f->samples));
    if (r < 0)
        return r;
    f->samples[f->n_samples++] =
        (struct rulebase_sample){.line = line, .text = text, .rule = f->n_rules, .is_negative = is_negative};
    return 0;
}

/* body: behind "rule=", over all its lines. */
static int add_rule(struct rulebase_file *f, unsigned line, struct slice body)
{
    static const char *const names[] = {":string%", ":string:", ":string{", "\"string\""};
    struct rulebase_rule rule = {.line = line, .body = body};
    struct slice literal;
    size_t colon, end;
    int r;

    r = grow((void **)&f->rules, f->n_rules, sizeof(*f->rules));
    if (r < 0)
        return r;
    colon = slice_find(body, ':');
    literal = colon < body.len ? slice_skip(body, colon + 1) : SLICE("");
    end = MIN(slice_find(literal, '%'), slice_find(literal, '\\'));
    rule.literal = slice_head(literal, end);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (slice_find_slice(body, slice_from_string(names[i])) < body.len)
            rule.has_string = true;
    f->rules[f->n_rules++] = rule;
    return 0;
}

/*
 * The bytes of the logical line at the front of rest: up to a line end outside of percent signs. Where the
 * next line begins a rule, or nothing follows, a percent sign is missing: *ret_is_open.
 */
static size_t logical_line(struct slice rest, unsigned *ret_n_lines, bool *ret_is_open)
{
    bool is_in_field = false;
    unsigned n_lines = 1;
    size_t i;

    for (i = 0; i < rest.len; i++) {
        if (rest.data[i] == '%')
            is_in_field = !is_in_field;
        if (rest.data[i] != '\n')
            continue;
        if (!is_in_field || i + 1 == rest.len || slice_starts_with(slice_skip(rest, i + 1), SLICE("rule=")))
            break;
        n_lines++;
    }
    *ret_n_lines = n_lines;
    *ret_is_open = is_in_field;
    return i;
}

static int add_text(struct buffer *out, struct slice text, unsigned n_lines)
{
    size_t start = out->len;
    int r;

    r = buffer_append_slice(out, text);
    for (size_t i = start; r == 0 && i < out->len; i++)
        if (out->data[i] == '\n')
            out->data[i] = ' ';
    for (unsigned i = 0; r == 0 && i < n_lines; i++)
        r = buffer_append_char(out, '\n');
    return r;
}

static int read_comment(struct rulebase_file *f, unsigned line, struct slice text)
{
    static const struct slice sample = SLICE("# sample: "), negative = SLICE("# not: ");

    if (slice_starts_with(text, sample))
        return add_sample(f, line, slice_skip(text, sample.len), false);
    if (slice_starts_with(text, negative))
        return add_sample(f, line, slice_skip(text, negative.len), true);
    return 0;
}

/* A line that liblognorm would pass over without a word. Returns result, or what is wrong. */
static int check_statement(const struct rulebase_file *f, unsigned line, struct slice text,
                           struct diag_list *diags, int result)
{
    static const char *const words[] = {"rule", "annotate", "type", "prefix", "extendprefix", NULL};
    struct slice word = slice_head(text, MIN(slice_find(text, '='), (size_t)32));
    const char *near = nearest_word(word, words);

    if (slice_trim(text).len == 0 || (near && slice_equal_string(word, near)))
        return result;
    return near ? diag_add(diags, f->path, line, 1, "'%.*s' begins no statement, did you mean '%s='?",
                           SLICE_FMT(word), near)
                : diag_add(diags, f->path, line, 1,
                           "'%.*s' begins no statement, expected rule=, annotate= or a comment (#)",
                           SLICE_FMT(word));
}

static int read_lines(struct rulebase_file *f, struct slice rest, struct diag_list *diags)
{
    static const struct slice rule = SLICE("rule="), include = SLICE("include="), type = SLICE("type="),
                              prefix = SLICE("prefix="), extend = SLICE("extendprefix=");
    unsigned line = 2, n_lines;
    int r = 0, result = 0;

    while (rest.len > 0) {
        bool is_open = false;
        struct slice text;
        size_t len;

        n_lines = 1;
        len = rest.data[0] == '#' ? slice_find(rest, '\n') : logical_line(rest, &n_lines, &is_open);
        text = slice_head(rest, len);
        f->has_others |= text.len > 0 && text.data[0] != '#' && !slice_starts_with(text, rule);
        r = add_text(&f->rules_text, text, n_lines);
        if (r < 0)
            return r;
        if (is_open)
            result = diag_add(diags, f->path, line, 1, "a field begins with '%%' and does not end with one");
        else if (slice_starts_with(text, SLICE("#")))
            r = read_comment(f, line, text);
        else if (slice_starts_with(text, rule))
            r = add_rule(f, line, slice_skip(text, rule.len));
        else if (slice_starts_with(text, include))
            result = diag_add(diags, f->path, line, 1,
                              "'include=' is not supported: put the rules into a file of this folder");
        else if (slice_starts_with(text, type) && f->type_line == 0)
            f->type_line = line;
        else if (slice_starts_with(text, prefix) || slice_starts_with(text, extend))
            f->has_prefix = true;
        else
            result = check_statement(f, line, text, diags, result);
        if (r < 0)
            return r;
        if (result == -ENOMEM)
            return result;
        rest = slice_skip(rest, MIN(len + 1, rest.len));
        line += n_lines;
    }
    return result;
}

/* Every rule shows what it is for. */
static int check_samples(const struct rulebase_file *f, struct diag_list *diags)
{
    size_t next = 0;
    int result = 0;

    for (size_t i = 0; i < f->n_samples; i++) {
        if (f->samples[i].is_negative)
            continue;
        if (f->samples[i].rule >= f->n_rules)
            result = diag_add(diags, f->path, f->samples[i].line, 1, "no rule follows this sample");
    }
    for (size_t i = 0; i < f->n_rules; i++) {
        bool has_sample = false;

        for (; next < f->n_samples && f->samples[next].rule <= i; next++)
            has_sample |= !f->samples[next].is_negative;
        if (!has_sample)
            result =
                diag_add(diags, f->path, f->rules[i].line, 1, "no '# sample: LINE' comment before this rule");
    }
    return result;
}

int rulebase_file_read(const char *path, struct diag_list *diags, struct rulebase_file **ret_file)
{
    _cleanup_(rulebase_file_freep) struct rulebase_file *f = NULL;
    struct slice text;
    int r;

    f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->path = strdup(path);
    if (!f->path)
        return -ENOMEM;
    text = SLICE_NULL;
    r = read_text(path, diags, &f->text, &text.len);
    if (r < 0)
        return r;
    text.data = f->text;

    if (!slice_starts_with(text, version_line))
        return diag_add(diags, path, 1, 1, "the first line must be exactly 'version=2'");
    if (memchr(text.data, '\0', text.len))
        return diag_add(diags, path, 0, 0, "holds a NUL byte");
    if (text.data[text.len - 1] != '\n')
        return diag_add(diags, path, 0, 0, "the last line has no line end");
    r = buffer_append_char(&f->rules_text, '\n'); /* in place of the version line */
    if (r < 0)
        return r;
    r = read_lines(f, slice_skip(text, version_line.len), diags);
    if (r < 0)
        return r;
    r = buffer_append_char(&f->rules_text, '\0');
    if (r < 0)
        return r;
    if (f->n_rules == 0)
        return diag_add(diags, path, 0, 0, "holds no rules");
    r = check_samples(f, diags);
    if (r < 0)
        return r;
    *ret_file = TAKE_PTR(f);
    return 0;
}
