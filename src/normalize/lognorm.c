/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The only file that knows liblognorm. A rulebase is a folder; each *.rulebase file in it is one library
 * context, matched in the order of their names, the first match wins.
 *
 * Why there is more here than calls (measured on 2.0.6, the version of Debian 12):
 *
 *  - Loading returns 0 for broken rules and tells only the error callback. A half-loaded rule then crashes
 *    anything: the next rule with the same beginning, the optimizer at the end of loading, the first message.
 *    So rules are first read into a context for trial, with an include of nothing behind them: that makes
 *    loading fail before it optimizes. The first word to the callback moves this end behind the broken rule
 *    and refuses the file. A context that had an error is left alone, not even freed: a few kilobytes for
 *    each broken file that is loaded. The callback gets the *debug* cookie, whatever was set for errors.
 *  - User-defined types leak when they fail to match (before 2.0.9), the "string" parser crashes on UTF-8
 *    (before 2.0.8): rules that use them are refused with such a library.
 *  - Several parsers look at the byte behind the line ("whitespace" even takes it), so every line is matched
 *    as a NUL-terminated copy in the arena. NUL bytes inside a line would cut values: they become '?'.
 *  - Fields come out in the reverse order of the rule, values of JSON type. They are flattened into an array:
 *    members of an object get dotted names, members of objects in an array (repeat) keep their own, and an
 *    element {"key": K, "value": V} of an array A becomes the field A.K with the value V.
 *
 * The self test is part of loading: a rule that lost its match to another rule, or a library that reads a
 * rule differently, is found before the first record.
 *
 * Cost: linear in the line for the shipped rules. A file whose rules all begin with literals is skipped by
 * comparing these. Not done here: any meaning of names and tags (text.c).
 */
#include "normalize/lognorm.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <libfastjson/json.h>
#include <liblognorm.h>

#include "normalize/rulebase_file.h"
#include "util/parse.h"

/* chosen: repeat of repeat makes 4; deeper is JSON inside a message, which json.c reads */
#define MEMBER_DEPTH_MAX 8
/* chosen: a folder of rulebases, not of anything else */
#define CONTEXTS_MAX 256

struct context {
    struct rulebase_file *file;
    enum rulebase_kind kind;
    ln_ctx ln;
    bool has_gate; /* a line that begins with no rule's literal cannot match */
};

struct rulebase {
    struct context contexts[CONTEXTS_MAX];
    size_t n_contexts;
    size_t n_rules, n_samples;
};

struct rulebase *rulebase_free(struct rulebase *rb)
{
    if (!rb)
        return NULL;
    for (size_t i = 0; i < rb->n_contexts; i++) {
        rulebase_file_free(rb->contexts[i].file);
        if (rb->contexts[i].ln)
            (void)ln_exitCtx(rb->contexts[i].ln);
    }
    free(rb);
    return NULL;
}

/* ---- matching ---- */

static bool is_metadata(const char *name)
{
    return strcmp(name, "event.tags") == 0 || strcmp(name, "metadata") == 0;
}

static size_t count_fields(struct fjson_object *value, unsigned depth)
{
    size_t n = 0;

    if (depth > MEMBER_DEPTH_MAX)
        return 0;
    if (fjson_object_is_type(value, fjson_type_array)) {
        int n_items = fjson_object_array_length(value);

        for (int i = 0; i < n_items; i++)
            n += count_fields(fjson_object_array_get_idx(value, i), depth + 1);
        return n;
    }
    if (fjson_object_is_type(value, fjson_type_object)) {
        struct fjson_object_iterator it = fjson_object_iter_begin(value), end = fjson_object_iter_end(value);

        for (; !fjson_object_iter_equal(&it, &end); fjson_object_iter_next(&it))
            if (depth > 0 || !is_metadata(fjson_object_iter_peek_name(&it)))
                n += count_fields(fjson_object_iter_peek_value(&it), depth + 1);
        return n;
    }
    return value ? 1 : 0;
}

/* Where flattening stands: fields[0 … n_left) are still to be filled, from the back. */
struct flattening {
    struct arena *arena;
    struct slice line; /* the copy that was matched */
    struct rule_field *fields;
    size_t n_left;
};

static struct slice json_text(struct fjson_object *value)
{
    const char *text = fjson_object_get_string(value);

    if (!text)
        return SLICE("");
    if (fjson_object_is_type(value, fjson_type_string))
        return slice_new(text, (size_t)fjson_object_get_string_len(value));
    return slice_from_string(text);
}

/* A value out of the library's memory. The tail of the line, mostly the longest value, is borrowed from it.
 */
static int keep_value(struct flattening *f, struct slice value, struct slice *ret_value)
{
    if (value.len > 0 && slice_ends_with(f->line, value)) {
        *ret_value = slice_skip(f->line, f->line.len - value.len);
        return 0;
    }
    return arena_copy(f->arena, value, ret_value);
}

static int join_name(struct arena *arena, struct slice parent, struct slice name, struct slice *ret_name)
{
    char *p;

    if (parent.len == 0)
        return arena_copy(arena, name, ret_name);
    p = arena_alloc(arena, parent.len + 1 + name.len);
    if (!p)
        return -ENOMEM;
    memcpy(p, parent.data, parent.len);
    p[parent.len] = '.';
    memcpy(p + parent.len + 1, name.data, name.len);
    *ret_name = slice_new(p, parent.len + 1 + name.len);
    return 0;
}

static int put_field(struct flattening *f, struct slice parent, struct slice name, struct fjson_object *value)
{
    struct rule_field *field;
    int r;

    if (f->n_left == 0)
        return 0;
    field = &f->fields[f->n_left - 1];
    r = join_name(f->arena, parent, name, &field->name);
    if (r < 0)
        return r;
    r = keep_value(f, json_text(value), &field->value);
    if (r < 0)
        return r;
    f->n_left--;
    return 0;
}

/* element: of the array called name. 1: it was a {"key", "value"} pair and is done. */
static int put_pair(struct flattening *f, struct slice name, struct fjson_object *element)
{
    struct fjson_object *key, *value;
    int r;

    if (!fjson_object_is_type(element, fjson_type_object) || fjson_object_object_length(element) != 2)
        return 0;
    if (!fjson_object_object_get_ex(element, "key", &key) ||
        !fjson_object_object_get_ex(element, "value", &value) ||
        !fjson_object_is_type(key, fjson_type_string) || !fjson_object_is_type(value, fjson_type_string))
        return 0;
    r = put_field(f, name, json_text(key), value);
    return r < 0 ? r : 1;
}

static int put_members(struct flattening *f, struct slice parent, struct fjson_object *object,
                       unsigned depth);

static int put_value(struct flattening *f, struct slice parent, struct slice name, struct fjson_object *value,
                     unsigned depth)
{
    struct slice joined;
    int r;

    if (depth > MEMBER_DEPTH_MAX)
        return 0;
    if (fjson_object_is_type(value, fjson_type_object)) {
        r = join_name(f->arena, parent, name, &joined);
        return r < 0 ? r : put_members(f, joined, value, depth);
    }
    if (fjson_object_is_type(value, fjson_type_array)) {
        for (int i = fjson_object_array_length(value) - 1; i >= 0; i--) {
            struct fjson_object *element = fjson_object_array_get_idx(value, i);

            r = put_pair(f, name, element);
            if (r == 0 && fjson_object_is_type(element, fjson_type_object))
                r = put_members(f, parent, element, depth + 1);
            else if (r == 0)
                r = put_value(f, parent, name, element, depth + 1);
            if (r < 0)
                return r;
        }
        return 0;
    }
    return value ? put_field(f, parent, name, value) : 0;
}

static int put_members(struct flattening *f, struct slice parent, struct fjson_object *object, unsigned depth)
{
    struct fjson_object_iterator it = fjson_object_iter_begin(object), end = fjson_object_iter_end(object);
    int r;

    for (; !fjson_object_iter_equal(&it, &end); fjson_object_iter_next(&it)) {
        const char *name = fjson_object_iter_peek_name(&it);

        if (depth == 0 && is_metadata(name))
            continue;
        r = put_value(f, parent, slice_from_string(name), fjson_object_iter_peek_value(&it), depth + 1);
        if (r < 0)
            return r;
    }
    return 0;
}

static int join_tags(struct fjson_object *event, struct arena *arena, struct slice *ret_tags)
{
    struct fjson_object *tags;
    size_t len = 0;
    int n_tags;
    char *text;

    if (!fjson_object_object_get_ex(event, "event.tags", &tags) ||
        !fjson_object_is_type(tags, fjson_type_array)) {
        *ret_tags = SLICE("");
        return 0;
    }
    n_tags = fjson_object_array_length(tags);
    for (int i = 0; i < n_tags; i++)
        len += json_text(fjson_object_array_get_idx(tags, i)).len + 1;
    text = arena_alloc(arena, len + 1);
    if (!text)
        return -ENOMEM;
    len = 0;
    for (int i = 0; i < n_tags; i++) {
        struct slice tag = json_text(fjson_object_array_get_idx(tags, i));

        if (i > 0)
            text[len++] = ',';
        memcpy(text + len, tag.data, tag.len);
        len += tag.len;
    }
    *ret_tags = slice_new(text, len);
    return 0;
}

/* chosen: more than any shipped rule has */
#define FLAT_FIELDS_MAX 32

/*
 * The usual match: strings only, and at most one tag. One walk, one allocation. 1: done; 0: it is of another
 * kind; -ENOMEM. What it makes is what flatten() makes.
 */
static int flatten_strings(struct fjson_object *event, struct slice line, struct arena *arena,
                           struct rule_match *ret_match)
{
    struct fjson_object_iterator it = fjson_object_iter_begin(event), end = fjson_object_iter_end(event);
    struct rule_field found[FLAT_FIELDS_MAX], *fields;
    struct slice tags = SLICE("");
    size_t n = 0, n_bytes = 0;
    char *p;

    for (; !fjson_object_iter_equal(&it, &end); fjson_object_iter_next(&it)) {
        struct slice name = slice_from_string(fjson_object_iter_peek_name(&it));
        struct fjson_object *value = fjson_object_iter_peek_value(&it);

        if (slice_equal(name, SLICE("event.tags"))) {
            if (!fjson_object_is_type(value, fjson_type_array) || fjson_object_array_length(value) != 1)
                return 0;
            tags = json_text(fjson_object_array_get_idx(value, 0));
            n_bytes += tags.len;
            continue;
        }
        if (n == FLAT_FIELDS_MAX || !fjson_object_is_type(value, fjson_type_string) ||
            slice_equal(name, SLICE("metadata")))
            return 0;
        found[n] = (struct rule_field){name, json_text(value)};
        if (found[n].value.len > 0 && slice_ends_with(line, found[n].value))
            found[n].value = slice_skip(line, line.len - found[n].value.len);
        else
            n_bytes += found[n].value.len;
        n_bytes += name.len;
        n++;
    }
    fields = arena_alloc(arena, n * sizeof(*fields) + n_bytes + 1);
    if (!fields)
        return -ENOMEM;
    p = (char *)(fields + n);
    for (size_t i = 0; i < n; i++) {
        struct rule_field *field = &fields[n - 1 - i];
        struct slice value = found[i].value;
        bool is_borrowed = value.len > 0 && value.data + value.len == line.data + line.len;

        memcpy(p, found[i].name.data, found[i].name.len);
        field->name = slice_new(p, found[i].name.len);
        p += field->name.len;
        field->value = value;
        if (is_borrowed)
            continue;
        memcpy(p, value.data, value.len);
        field->value = slice_new(p, value.len);
        p += value.len;
    }
    memcpy(p, tags.data, tags.len);
    *ret_match = (struct rule_match){.fields = fields, .n_fields = n, .tags = slice_new(p, tags.len)};
    return 1;
}

static int flatten(struct fjson_object *event, struct slice line, struct arena *arena,
                   struct rule_match *ret_match)
{
    size_t n_fields = count_fields(event, 0);
    struct flattening f = {.arena = arena, .line = line, .n_left = n_fields};
    struct slice tags;
    int r;

    f.fields = arena_calloc(arena, MAX(n_fields, (size_t)1), sizeof(*f.fields));
    if (!f.fields)
        return -ENOMEM;
    r = put_members(&f, SLICE(""), event, 0);
    if (r < 0)
        return r;
    r = join_tags(event, arena, &tags);
    if (r < 0)
        return r;
    /* a pair is counted as two fields and takes one: what was not needed stands in front */
    *ret_match =
        (struct rule_match){.fields = f.fields + f.n_left, .n_fields = n_fields - f.n_left, .tags = tags};
    return 0;
}

/* The line number the library remembers of the rule that matched; 0 where it says none. */
static unsigned rule_location(struct fjson_object *event)
{
    static const char *const path[] = {"metadata", "rule", "location", "line"};
    struct fjson_object *object = event;

    for (size_t i = 0; i < ARRAY_SIZE(path); i++)
        if (!fjson_object_object_get_ex(object, path[i], &object))
            return 0;
    return (unsigned)fjson_object_get_int(object);
}

static int copy_line(struct slice line, struct arena *arena, struct slice *ret_copy)
{
    char *p = arena_alloc(arena, line.len + 1);

    if (!p)
        return -ENOMEM;
    if (line.len > 0)
        memcpy(p, line.data, line.len);
    p[line.len] = '\0';
    for (char *nul = p; (nul = memchr(nul, '\0', line.len - (size_t)(nul - p)));)
        *nul = '?';
    *ret_copy = slice_new(p, line.len);
    return 0;
}

static void putp(struct fjson_object **object)
{
    (void)fjson_object_put(*object);
}

/* line: a copy of copy_line. ret_line_number may be NULL. */
static int context_match(const struct context *c, struct slice line, struct arena *arena,
                         struct rule_match *ret_match, unsigned *ret_line_number)
{
    _cleanup_(putp) struct fjson_object *event = NULL;
    int r;

    r = ln_normalize(c->ln, line.data, line.len, &event);
    if (r == LN_NOMEM)
        return -ENOMEM;
    if (r != 0 || !event)
        return 0;
    r = flatten_strings(event, line, arena, ret_match);
    if (r == 0)
        r = flatten(event, line, arena, ret_match);
    if (r < 0)
        return r;
    if (ret_line_number)
        *ret_line_number = rule_location(event);
    return 1;
}

static bool context_may_match(const struct context *c, struct slice line)
{
    if (!c->has_gate)
        return true;
    for (size_t i = 0; i < c->file->n_rules; i++)
        if (slice_starts_with(line, c->file->rules[i].literal))
            return true;
    return false;
}

/* ---- loading ---- */

/* Makes loading stop: no file can be there. */
static const char stopper[] = "include=/dev/null/none\n";

struct trial {
    const char *path;
    struct diag_list *diags;
    char *text; /* of the rules, with the stopper behind them, or behind the first that is broken */
    size_t len; /* without the stopper */
    int r;
};

/* Puts the stopper behind a line. */
static void stop_behind(struct trial *trial, unsigned line)
{
    char *p = trial->text;

    for (unsigned i = 1; i <= line && *p; i++) {
        char *end = strchr(p, '\n');

        if (!end)
            return;
        p = end + 1;
    }
    if (p <= trial->text + trial->len)
        memcpy(p, stopper, sizeof(stopper));
}

/* These messages quote a rule whose end the library does not find: what is behind it in memory comes too. */
static struct slice cut_quotation(struct slice text)
{
    static const char *const openings[] = {"field name too long", "field definition wrong", "missing colon",
                                           "premature end (missing %?)", "invalid json"};

    for (size_t i = 0; i < ARRAY_SIZE(openings); i++)
        if (slice_starts_with(text, slice_from_string(openings[i])))
            return slice_head(text, strlen(openings[i]));
    return text;
}

/* "rulebase file --NO-FILE--[LINE]: text" as ln_errprintf of 2.0.6 writes it; anything else is text. */
static void on_error(void *cookie, const char *message, size_t len)
{
    struct slice text = slice_trim(slice_new(message, len));
    struct trial *trial = cookie;
    uint32_t line = 0;
    size_t start, end;

    if (slice_starts_with(text, SLICE("rulebase file /dev/null/none[")))
        return;
    start = slice_find(text, '[');
    end = slice_find(text, ']');
    if (slice_starts_with(text, SLICE("rulebase file ")) && start < end && end < text.len &&
        parse_u32(slice_new(text.data + start + 1, end - start - 1), &line) == 0) {
        text = slice_trim(slice_skip(text, end + 1));
        if (text.len > 0 && text.data[0] == ':')
            text = slice_trim(slice_skip(text, 1));
    }
    text = cut_quotation(text);
    trial->r = diag_add(trial->diags, trial->path, line, 0, "liblognorm: %.*s", SLICE_FMT(text));
    stop_behind(trial, line);
}

/* Whether the library is older than 2.0.patch. */
static bool is_library_older(uint32_t patch)
{
    static const struct slice series = SLICE("2.0.");
    struct slice version = slice_from_string(ln_version());
    uint32_t v;

    if (!slice_starts_with(version, series))
        return false;
    version = slice_skip(version, series.len);
    return parse_u32(slice_head(version, slice_find(version, '.')), &v) == 0 && v < patch;
}

static int check_hazards(const struct rulebase_file *file, struct diag_list *diags)
{
    int r = 0;

    if (file->type_line > 0 && is_library_older(9))
        r = diag_add(diags, file->path, file->type_line, 1,
                     "user-defined types leak memory in liblognorm %s, they need 2.0.9", ln_version());
    for (size_t i = 0; i < file->n_rules; i++)
        if (file->rules[i].has_string && is_library_older(8))
            r = diag_add(diags, file->path, file->rules[i].line, 1,
                         "the parser 'string' crashes on UTF-8 in liblognorm %s, it needs 2.0.8",
                         ln_version());
    return r;
}

static void context_set_gate(struct context *c)
{
    c->has_gate = !c->file->has_prefix;
    for (size_t i = 0; i < c->file->n_rules; i++)
        if (c->file->rules[i].literal.len == 0)
            c->has_gate = false;
}

static void exitp(ln_ctx *ln)
{
    if (*ln)
        (void)ln_exitCtx(*ln);
}

/* Whether liblognorm has nothing to say about the rules of a file. */
static int try_rules(const struct rulebase_file *file, struct diag_list *diags)
{
    _cleanup_(freep) char *text = NULL;
    struct trial trial = {.path = file->path, .diags = diags};
    size_t len = file->rules_text.len - 1;
    ln_ctx ln;
    int r;

    text = malloc(len + sizeof(stopper));
    if (!text)
        return -ENOMEM;
    memcpy(text, file->rules_text.data, len);
    trial.text = text;
    trial.len = len;
    memcpy(text + len, stopper, sizeof(stopper));

    ln = ln_initCtx();
    if (!ln)
        return -ENOMEM;
    (void)ln_setDebugCB(ln, NULL, &trial); /* no debugging, but its cookie is what errors get */
    (void)ln_setErrMsgCB(ln, on_error, &trial);
    r = ln_loadSamplesFromString(ln, text);
    if (trial.r < 0)
        return trial.r;
    (void)ln_exitCtx(ln);
    if (r == 0)
        return diag_add(diags, file->path, 0, 0, "liblognorm cannot read this rulebase to its end");
    return 0;
}

static int context_load(struct context *c, const char *path, struct diag_list *diags)
{
    _cleanup_(exitp) ln_ctx ln = NULL;
    int r;

    r = rulebase_file_read(path, diags, &c->file);
    if (r < 0)
        return r;
    r = check_hazards(c->file, diags);
    if (r < 0)
        return r;
    r = try_rules(c->file, diags);
    if (r < 0)
        return r;
    ln = ln_initCtx();
    if (!ln)
        return -ENOMEM;
    if (ln_loadSamplesFromString(ln, c->file->rules_text.data) != 0)
        return diag_add(diags, path, 0, 0, "liblognorm cannot load this rulebase");
    context_set_gate(c);
    c->ln = TAKE_PTR(ln);
    return 0;
}

static int test_sample(const struct context *c, const struct rulebase_sample *sample, struct arena *arena,
                       struct diag_list *diags)
{
    const struct rulebase_rule *rule = &c->file->rules[sample->rule];
    struct rule_match match;
    unsigned line = 0;
    struct slice copy;
    int r;

    r = copy_line(sample->text, arena, &copy);
    if (r < 0)
        return r;
    r = context_may_match(c, copy) ? context_match(c, copy, arena, &match, &line) : 0;
    if (r < 0)
        return r;
    if (sample->is_negative)
        return r == 0 ? 0
                      : diag_add(diags, c->file->path, sample->line, 1,
                                 "self test: this line must match no rule, but matches the one of line %u",
                                 line);
    if (r == 0)
        return diag_add(diags, c->file->path, sample->line, 1,
                        "self test: the sample does not match the rule of line %u", rule->line);
    if (line != rule->line)
        return diag_add(diags, c->file->path, sample->line, 1,
                        "self test: the sample matches the rule of line %u instead of line %u", line,
                        rule->line);
    return 0;
}

static int context_self_test(struct context *c, struct diag_list *diags)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    int r, result = 0;

    ln_setCtxOpts(c->ln, LN_CTXOPT_ADD_RULE_LOCATION);
    for (size_t i = 0; i < c->file->n_samples; i++) {
        r = test_sample(c, &c->file->samples[i], &arena, diags);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            result = r;
        arena_reset(&arena);
    }
    return result;
}

/* The option to tell the rule cannot be taken back, and building that takes a third of a match: a fresh
 * context. */
static int context_reload(struct context *c, struct diag_list *diags)
{
    _cleanup_(exitp) ln_ctx ln = ln_initCtx();

    if (!ln)
        return -ENOMEM;
    if (ln_loadSamplesFromString(ln, c->file->rules_text.data) != 0)
        return diag_add(diags, c->file->path, 0, 0, "liblognorm cannot load this rulebase");
    (void)ln_exitCtx(c->ln);
    c->ln = TAKE_PTR(ln);
    return 0;
}

static int add_file(struct rulebase *rb, const char *directory, const char *name, struct diag_list *diags)
{
    struct context *c = &rb->contexts[rb->n_contexts];
    char path[PATH_MAX];
    int r;

    r = snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (r < 0 || (size_t)r >= sizeof(path))
        return diag_add(diags, directory, 0, 0, "path is too long: '%s'", name);
    if (rb->n_contexts + 1 >= CONTEXTS_MAX)
        return diag_add(diags, directory, 0, 0, "more than %d rulebases", CONTEXTS_MAX - 1);
    rb->n_contexts++;
    c->kind = strcmp(name, "header.rulebase") == 0  ? RULEBASE_HEADER
              : strcmp(name, "audit.rulebase") == 0 ? RULEBASE_AUDIT
                                                    : RULEBASE_MESSAGE;
    r = context_load(c, path, diags);
    if (r < 0)
        return r;
    r = context_self_test(c, diags);
    if (r >= 0)
        r = context_reload(c, diags);
    if (r < 0)
        return r;
    rb->n_rules += c->file->n_rules;
    rb->n_samples += c->file->n_samples;
    return 0;
}

static int is_rulebase(const struct dirent *entry)
{
    struct slice name = slice_from_string(entry->d_name), suffix = SLICE(".rulebase");

    return entry->d_name[0] != '.' && name.len > suffix.len && slice_ends_with(name, suffix);
}

/* In byte order: alphasort would ask the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool has_kind(const struct rulebase *rb, enum rulebase_kind kind)
{
    for (size_t i = 0; i < rb->n_contexts; i++)
        if (rb->contexts[i].kind == kind)
            return true;
    return false;
}

int rulebase_load(const char *directory, struct diag_list *diags, struct rulebase **ret_rulebase)
{
    _cleanup_(rulebase_freep) struct rulebase *rb = NULL;
    struct dirent **entries = NULL;
    int n_entries, r, result = 0;

    rb = calloc(1, sizeof(*rb));
    if (!rb)
        return -ENOMEM;
    n_entries = scandir(directory, &entries, is_rulebase, by_name);
    if (n_entries < 0)
        return diag_add(diags, directory, 0, 0, "cannot read the rulebase folder: %s", strerror(errno));
    for (int i = 0; i < n_entries; i++) {
        r = result == -ENOMEM ? 0 : add_file(rb, directory, entries[i]->d_name, diags);
        if (r < 0)
            result = r;
        free(entries[i]);
    }
    free(entries);
    if (result < 0)
        return result;
    if (!has_kind(rb, RULEBASE_HEADER))
        result = diag_add(diags, directory, 0, 0, "header.rulebase is missing");
    if (!has_kind(rb, RULEBASE_AUDIT))
        result = diag_add(diags, directory, 0, 0, "audit.rulebase is missing");
    if (result < 0)
        return result;
    *ret_rulebase = TAKE_PTR(rb);
    return 0;
}

void rulebase_count(const struct rulebase *rb, size_t *ret_n_rules, size_t *ret_n_samples)
{
    *ret_n_rules = rb->n_rules;
    *ret_n_samples = rb->n_samples;
}

int rulebase_match(const struct rulebase *rb, enum rulebase_kind kind, struct slice line, struct arena *arena,
                   struct rule_match *ret_match)
{
    struct slice copy = SLICE_NULL;
    int r;

    for (size_t i = 0; i < rb->n_contexts; i++) {
        const struct context *c = &rb->contexts[i];

        if (c->kind != kind || !context_may_match(c, line))
            continue;
        if (slice_is_absent(copy)) {
            r = copy_line(line, arena, &copy);
            if (r < 0)
                return r;
        }
        r = context_match(c, copy, arena, ret_match, NULL);
        if (r != 0)
            return r;
    }
    return 0;
}

struct slice rule_match_find(const struct rule_match *match, const char *name)
{
    struct slice wanted = slice_from_string(name);

    for (size_t i = 0; i < match->n_fields; i++)
        if (slice_equal(match->fields[i].name, wanted))
            return match->fields[i].value;
    return SLICE_NULL;
}

bool rule_match_has_tag(const struct rule_match *match, const char *tag)
{
    struct slice rest = match->tags;

    while (rest.len > 0) {
        size_t end = slice_find(rest, ',');

        if (slice_equal_string(slice_head(rest, end), tag))
            return true;
        rest = slice_skip(rest, MIN(end + 1, rest.len));
    }
    return false;
}
