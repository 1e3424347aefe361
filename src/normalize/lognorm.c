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
 *  - What comes out is a tree in an order of its own: rule_fields.c.
 *  - A match costs ten thousand instructions, and audit headers are many and alike: rule_shape.c tells from
 *    the rules what the library's answer is where there can be only one.
 *
 * The self test is part of loading: a rule that lost its match to another rule, or a library that reads a
 * rule differently, is found before the first record. It costs three readings by the library (for trial, to
 * tell rules in the test, and without that, which cannot be taken back), a millisecond a file. The last one
 * waits until a line needs the file; and files whose digest says that they are shipped ones need neither
 * test, since those of this build have tested them: a program that reads documents does not wait for rules of
 * text.
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

#include "normalize/rule_check.h"
#include "normalize/rule_fields.h"
#include "normalize/rule_shape.h"
#include "normalize/rulebase_file.h"
#include "normalize/shipped_rulebases.h"
#include "util/hash.h"
#include "util/parse.h"

/* chosen: a folder of rulebases, not of anything else */
#define CONTEXTS_MAX 256

struct context {
    struct rulebase_file *file;
    enum rulebase_kind kind;
    ln_ctx ln;                  /* NULL: nothing needed it yet */
    struct rule_shapes *shapes; /* NULL: every line is the library's */
    bool has_gate;              /* a line that begins with no rule's literal cannot match */
};

struct rulebase {
    struct context *contexts; /* CONTEXTS_MAX; matching opens them */
    size_t n_contexts;
    size_t n_rules, n_samples;
    bool tells_rules, trusts_shipped;
    rulebase_trace_fn trace;
    void *trace_userdata;
};

struct rulebase *rulebase_free(struct rulebase *rb)
{
    if (!rb)
        return NULL;
    for (size_t i = 0; i < rb->n_contexts; i++) {
        rule_shapes_free(rb->contexts[i].shapes);
        rulebase_file_free(rb->contexts[i].file);
        if (rb->contexts[i].ln)
            (void)ln_exitCtx(rb->contexts[i].ln);
    }
    free(rb->contexts);
    free(rb);
    return NULL;
}

static struct rulebase *rulebase_new(void)
{
    _cleanup_(rulebase_freep) struct rulebase *rb = calloc(1, sizeof(*rb));

    if (rb)
        rb->contexts = calloc(CONTEXTS_MAX, sizeof(*rb->contexts));
    return rb && rb->contexts ? TAKE_PTR(rb) : NULL;
}

static void exitp(ln_ctx *ln)
{
    if (*ln)
        (void)ln_exitCtx(*ln);
}

/* ---- matching ---- */

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

/* What no rule could take of a line that none matches: after the one that came farthest. */
static int copy_rest(struct fjson_object *event, struct arena *arena, struct slice *ret_rest)
{
    struct fjson_object *rest;

    if (!event || !fjson_object_object_get_ex(event, "unparsed-data", &rest) ||
        !fjson_object_is_type(rest, fjson_type_string))
        return 0;
    return arena_copy(arena, slice_from_string(fjson_object_get_string(rest)), ret_rest);
}

/* The library has read these rules before, or its tests have: it fails for want of memory. */
static int context_open(struct context *c)
{
    _cleanup_(exitp) ln_ctx ln = NULL;

    if (c->ln)
        return 0;
    ln = ln_initCtx();
    if (!ln || ln_loadSamplesFromString(ln, c->file->rules_text.data) != 0)
        return -ENOMEM;
    c->ln = TAKE_PTR(ln);
    return 0;
}

/* line: a copy of copy_line. ret_line_number and ret_rest (of a line that does not match) may be NULL. */
static int context_match(struct context *c, struct slice line, struct arena *arena,
                         struct rule_match *ret_match, unsigned *ret_line_number, struct slice *ret_rest)
{
    _cleanup_(putp) struct fjson_object *event = NULL;
    int r;

    r = context_open(c);
    if (r < 0)
        return r;
    r = ln_normalize(c->ln, line.data, line.len, &event);
    if (r == LN_NOMEM)
        return -ENOMEM;
    if (r != 0 || !event)
        return ret_rest ? copy_rest(event, arena, ret_rest) : 0;
    r = rule_fields_read(event, line, arena, ret_match);
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

/* Whether this build's tests have seen the file, with this library. */
static bool is_shipped(const struct rulebase_file *file)
{
    static const char *const digests[] = {SHIPPED_RULEBASES};
    char digest[HASH_SHA256_SIZE];

    if (strcmp(ln_version(), SHIPPED_WITH_LOGNORM) != 0)
        return false;
    hash_sha256(slice_from_string(file->text), digest);
    for (size_t i = 0; i < ARRAY_SIZE(digests); i++)
        if (strcmp(digest, digests[i]) == 0)
            return true;
    return false;
}

/* ret_is_tested: it need not be. */
static int context_load(struct context *c, const char *path, bool trusts_shipped, struct diag_list *diags,
                        bool *ret_is_tested)
{
    int r;

    r = rulebase_file_read(path, diags, &c->file);
    if (r < 0)
        return r;
    context_set_gate(c);
    *ret_is_tested = trusts_shipped && is_shipped(c->file);
    if (*ret_is_tested)
        return 0;
    r = check_hazards(c->file, diags);
    if (r < 0)
        return r;
    r = try_rules(c->file, diags);
    return r < 0 ? r : context_open(c);
}

static int test_sample(struct context *c, const struct rulebase_sample *sample, struct arena *arena,
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
    r = context_may_match(c, copy) ? context_match(c, copy, arena, &match, &line, NULL) : 0;
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
    return c->kind == RULEBASE_MESSAGE ? rule_check_sample(&match, c->file->path, rule->line, diags) : 0;
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
 * context, when it is needed. */
static void context_close(struct context *c)
{
    exitp(&c->ln);
    c->ln = NULL;
}

static int add_file(struct rulebase *rb, const char *directory, const char *name, struct diag_list *diags)
{
    struct context *c = &rb->contexts[rb->n_contexts];
    char path[PATH_MAX];
    bool is_tested;
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
    r = context_load(c, path, rb->trusts_shipped && !rb->tells_rules, diags, &is_tested);
    if (r >= 0 && !is_tested)
        r = context_self_test(c, diags);
    if (r < 0)
        return r;
    if (!rb->tells_rules)
        context_close(c);
    if (c->kind == RULEBASE_AUDIT && !rb->tells_rules)
        r = rule_shapes_new(c->file, &c->shapes);
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

/* One folder's files. -EINVAL goes to diags. */
static int list_folder(const char *directory, struct diag_list *diags, struct dirent ***ret_entries,
                       size_t *ret_n)
{
    int n = scandir(directory, ret_entries, is_rulebase, by_name);

    if (n < 0)
        return diag_add(diags, directory, 0, 0, "cannot read the rulebase folder: %s", strerror(errno));
    *ret_n = (size_t)n;
    return 0;
}

static bool has_name(struct dirent *const *entries, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(entries[i]->d_name, name) == 0)
            return true;
    return false;
}

/* A folder, and what is tried in it or instead of it: see the header for the order. */
struct folders {
    const char *shipped, *extra;
    struct dirent **shipped_entries, **extra_entries;
    size_t n_shipped, n_extra;
};

static void folders_done(struct folders *f)
{
    for (size_t i = 0; i < f->n_shipped; i++)
        free(f->shipped_entries[i]);
    for (size_t i = 0; i < f->n_extra; i++)
        free(f->extra_entries[i]);
    free(f->shipped_entries);
    free(f->extra_entries);
}

/* All are read, so that one run shows all problems. */
static int add_and_go_on(struct rulebase *rb, const char *directory, const char *name, int result,
                         struct diag_list *diags)
{
    int r = result == -ENOMEM ? result : add_file(rb, directory, name, diags);

    return r < 0 ? r : result;
}

static int add_extra(struct rulebase *rb, const struct folders *f, int result, struct diag_list *diags)
{
    for (size_t i = 0; i < f->n_extra; i++)
        if (!has_name(f->shipped_entries, f->n_shipped, f->extra_entries[i]->d_name))
            result = add_and_go_on(rb, f->extra, f->extra_entries[i]->d_name, result, diags);
    return result;
}

static int add_folders(struct rulebase *rb, const struct folders *f, struct diag_list *diags)
{
    bool is_extra_added = false;
    int result = 0;

    for (size_t i = 0; i < f->n_shipped; i++) {
        const char *name = f->shipped_entries[i]->d_name;

        if (strcmp(name, "unremarkable.rulebase") == 0) {
            result = add_extra(rb, f, result, diags);
            is_extra_added = true;
        }
        result = add_and_go_on(rb, has_name(f->extra_entries, f->n_extra, name) ? f->extra : f->shipped, name,
                               result, diags);
    }
    return is_extra_added ? result : add_extra(rb, f, result, diags);
}

int rulebase_load_with(const struct rulebase_options *options, struct diag_list *diags,
                       struct rulebase **ret_rulebase)
{
    _cleanup_(folders_done) struct folders f = {.shipped = options->directory, .extra = options->extra};
    _cleanup_(rulebase_freep) struct rulebase *rb = rulebase_new();
    int r;

    if (!rb)
        return -ENOMEM;
    rb->tells_rules = options->tells_rules;
    rb->trusts_shipped = options->trusts_shipped;
    r = list_folder(f.shipped, diags, &f.shipped_entries, &f.n_shipped);
    if (r >= 0 && f.extra)
        r = list_folder(f.extra, diags, &f.extra_entries, &f.n_extra);
    if (r >= 0)
        r = add_folders(rb, &f, diags);
    if (r < 0)
        return r;
    if (!has_kind(rb, RULEBASE_HEADER))
        r = diag_add(diags, f.shipped, 0, 0, "header.rulebase is missing");
    if (!has_kind(rb, RULEBASE_AUDIT))
        r = diag_add(diags, f.shipped, 0, 0, "audit.rulebase is missing");
    if (r < 0)
        return r;
    *ret_rulebase = TAKE_PTR(rb);
    return 0;
}

int rulebase_load(const char *directory, struct diag_list *diags, struct rulebase **ret_rulebase)
{
    return rulebase_load_with(&(struct rulebase_options){.directory = directory}, diags, ret_rulebase);
}

int rulebase_load_file(const char *path, struct diag_list *diags, struct rulebase **ret_rulebase)
{
    _cleanup_(rulebase_freep) struct rulebase *rb = rulebase_new();
    struct context *c;
    bool is_tested;
    int r;

    if (!rb)
        return -ENOMEM;
    c = &rb->contexts[0];
    rb->n_contexts = 1;
    rb->tells_rules = true;
    c->kind = RULEBASE_MESSAGE;
    r = context_load(c, path, false, diags, &is_tested);
    if (r < 0)
        return r;
    r = context_self_test(c, diags);
    if (r == -ENOMEM)
        return r;
    rb->n_rules = c->file->n_rules;
    rb->n_samples = c->file->n_samples;
    *ret_rulebase = TAKE_PTR(rb);
    return r < 0 ? 1 : 0;
}

void rulebase_count(const struct rulebase *rb, size_t *ret_n_rules, size_t *ret_n_samples)
{
    *ret_n_rules = rb->n_rules;
    *ret_n_samples = rb->n_samples;
}

static int trace_match(const struct rulebase *rb, struct context *c, struct slice line, struct arena *arena,
                       struct rule_match *ret_match)
{
    struct rulebase_attempt attempt = {
        .kind = c->kind, .file = c->file->path, .text = line, .rest = SLICE_NULL};
    int r = context_match(c, line, arena, ret_match, &attempt.line, &attempt.rest);

    if (r < 0)
        return r;
    attempt.match = r > 0 ? ret_match : NULL;
    rb->trace(rb->trace_userdata, &attempt);
    return r;
}

void rulebase_set_trace(struct rulebase *rb, rulebase_trace_fn trace, void *userdata)
{
    rb->trace = trace;
    rb->trace_userdata = userdata;
}

int rulebase_match(const struct rulebase *rb, enum rulebase_kind kind, struct slice line, struct arena *arena,
                   struct rule_match *ret_match)
{
    struct slice copy = SLICE_NULL;
    struct rule_match own;
    int r;

    for (size_t i = 0; i < rb->n_contexts; i++) {
        struct context *c = &rb->contexts[i];
        int shape = RULE_SHAPE_NONE;

        if (c->kind != kind)
            continue;
        if (c->shapes && !rb->trace) {
            shape = rule_shapes_match(c->shapes, line, arena, &own);
            if (shape < 0)
                return shape;
            if (shape == RULE_SHAPE_MATCHED) {
                *ret_match = own;
                return 1;
            }
        }
        if (!rb->trace && !context_may_match(c, line))
            continue;
        if (slice_is_absent(copy)) {
            r = copy_line(line, arena, &copy);
            if (r < 0)
                return r;
        }
        r = rb->trace ? trace_match(rb, c, copy, arena, ret_match)
                      : context_match(c, copy, arena, ret_match, NULL, NULL);
        if (shape == RULE_SHAPE_UNCONFIRMED && r >= 0)
            rule_shapes_confirm(c->shapes, &own, r > 0 ? ret_match : NULL);
        if (r != 0)
            return r;
    }
    return 0;
}

bool rule_match_equal(const struct rule_match *a, const struct rule_match *b)
{
    if (a->n_fields != b->n_fields || !slice_equal(a->tags, b->tags))
        return false;
    for (size_t i = 0; i < a->n_fields; i++)
        if (!slice_equal(a->fields[i].name, b->fields[i].name) ||
            !slice_equal(a->fields[i].value, b->fields[i].value))
            return false;
    return true;
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
    struct slice rest = match->tags, wanted = slice_from_string(tag);

    while (wanted.len > 0 && rest.len >= wanted.len) {
        size_t end = slice_find(rest, ',');

        if (slice_equal(slice_head(rest, end), wanted))
            return true;
        rest = slice_skip(rest, MIN(end + 1, rest.len));
    }
    return false;
}
