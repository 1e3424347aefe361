/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From entries to a component's settings, and what nobody wanted.
 *
 * Each component asks for what stands below its prefix through its option table. Asking leaves two traces:
 * the entries it used are "taken", the paths it could have used are "known". Once all components have asked,
 * an entry that is not taken is a mistake, and the known paths say what may have been meant. A component that
 * is not in use has not asked, so its keys are unknown; this is wanted: they would have no effect.
 *
 * An unknown mapping is reported once, at its own key, not for every key below it. The word that is suggested
 * is looked for among the keys at the same level first, then among all whole paths, then among all last
 * words: the three mistakes are a typing error, a wrong section and a forgotten section.
 *
 * Checking costs a walk over the entries for each report, and reports end at MAX_REPORTS.
 */
#include "config/entries.h"

#include <stdlib.h>

/* as many as a diag_list keeps (util/diag.c) */
#define MAX_REPORTS 100U

/* chosen: components know some hundred paths; a list of thousands of items, each of which knows its own, is
 * asked for the word at the same level only, so that a report stays in milliseconds */
#define MAX_KNOWN_ASKED 4096U

static const char *kind_name(enum entry_kind kind)
{
    switch (kind) {
    case ENTRY_MAPPING:
        return "a mapping";
    case ENTRY_SEQUENCE:
        return "a list";
    case ENTRY_NULL:
        return "nothing";
    case ENTRY_SCALAR:
        break;
    }
    return "a single value";
}

/* The entry cannot be a value of this option at all: by its shape, not by its text. 1, or -ENOMEM. */
static int refuse_shape(struct config *config, const struct entry *entry, const struct option *option,
                        struct diag_list *diags)
{
    _cleanup_(freep) char *expected = NULL;
    int r = option_describe(option, &expected);

    if (r < 0)
        return r;
    (void)diag_add(diags, entry->file, entry->value.line, entry->value.column,
                   "bad value for %s, expected %s, got %s", entry->path, expected, kind_name(entry->kind));
    config_take(config, entry->path);
    return 1;
}

/* The text of a scalar into the member; 1: refused, reported. */
static int apply_text(const struct entry *entry, const struct option *option, void *settings,
                      struct diag_list *diags)
{
    _cleanup_(freep) char *message = NULL;
    struct option named = *option;
    int r;

    named.name = entry->path; /* a message names the whole path */
    r = option_parse(&named, slice_from_string(entry->text), settings, &message);
    if (r < 0 && message) {
        (void)diag_add(diags, entry->file, entry->value.line, entry->value.column, "%s", message);
        return 1;
    }
    return r;
}

/* A list that is written as one: items PATH.0, PATH.1, … */
static int apply_items(struct config *config, const char *path, const struct option *option, void *settings,
                       struct diag_list *diags)
{
    _cleanup_(string_list_done) struct string_list list = {0};
    struct string_list *member = (void *)((char *)settings + option->offset);
    bool is_bad = false;
    int r;

    for (size_t i = 0;; i++) {
        _cleanup_(freep) char *item_path = NULL;
        struct entry *item;
        char index[24];

        (void)snprintf(index, sizeof(index), "%zu", i);
        r = path_join(path, index, &item_path);
        if (r < 0)
            return r;
        item = config_find(config, item_path);
        if (!item)
            break;
        item->is_taken = true;
        if (item->kind == ENTRY_SCALAR)
            r = string_list_add(&list, slice_from_string(item->text));
        else
            r = refuse_shape(config, item, &(struct option){.type = OPTION_STRING}, diags);
        if (r < 0)
            return r;
        is_bad = is_bad || r > 0;
    }
    if (is_bad)
        return 1;
    string_list_done(member);
    *member = list;
    list = (struct string_list){0};
    return 0;
}

static int apply_list(struct config *config, const char *path, struct entry *entry,
                      const struct option *option, void *settings, struct diag_list *diags)
{
    struct string_list *member = (void *)((char *)settings + option->offset);
    _cleanup_(freep) char *first = NULL;
    int r = path_join(path, "0", &first);

    if (r < 0)
        return r;
    if (entry && entry->kind == ENTRY_MAPPING)
        return refuse_shape(config, entry, option, diags);
    if ((entry && entry->kind == ENTRY_SEQUENCE) || (!entry && config_find(config, first)))
        return apply_items(config, path, option, settings, diags);
    if (!entry || entry->kind == ENTRY_NULL)
        return 0;
    if (entry->is_override || !*entry->text)
        return apply_text(entry, option, settings, diags);
    /* in a file a single scalar is one item, commas and all */
    string_list_done(member);
    return string_list_add(member, slice_from_string(entry->text));
}

static int apply_properties(struct config *config, const char *path, struct entry *entry,
                            const struct option *option, void *settings, struct diag_list *diags)
{
    struct property_list *member = (void *)((char *)settings + option->offset);
    const char *list = NULL;
    bool is_bad = false;
    int r;

    if (entry && (entry->kind == ENTRY_SCALAR || entry->kind == ENTRY_SEQUENCE))
        return refuse_shape(config, entry, option, diags);
    for (struct entry *e = config->entries; e; e = e->hh.next) {
        const char *name = path_below(e->path, path);

        if (!name)
            continue;
        e->is_taken = true;
        if (list && path_below(e->path, list))
            continue; /* its items went with it */
        r = 0;
        if (e->kind == ENTRY_SCALAR)
            r = property_list_add(member, slice_from_string(name), slice_from_string(e->text));
        else if (e->kind == ENTRY_SEQUENCE) {
            r = refuse_shape(config, e, &(struct option){.type = OPTION_STRING}, diags);
            list = e->path;
        }
        if (r < 0)
            return r;
        is_bad = is_bad || r > 0;
    }
    return is_bad;
}

/* No value, nor anything below it (a list or properties may be written that way). */
static bool is_missing(const struct config *config, const char *path, const struct entry *entry)
{
    const char *file;
    unsigned line, column;

    if (entry)
        return entry->kind == ENTRY_NULL;
    config_place(config, path, &file, &line, &column);
    return !file;
}

/* At the key without a value, else at its section, else about the file as a whole. 1, or -ENOMEM. */
static int report_missing(const struct config *config, const char *prefix, const char *path,
                          const struct option *option, struct diag_list *diags)
{
    _cleanup_(freep) char *expected = NULL;
    const char *file = NULL;
    unsigned line = 0, column = 0;
    int r = option_describe(option, &expected);

    if (r < 0)
        return r;
    config_place(config, config_find(config, path) ? path : prefix, &file, &line, &column);
    if (!file && config->files.n > 0)
        file = config->files.items[config->files.n - 1];
    (void)diag_add(diags, file, line, column, "key '%s' is missing, expected %s", path, expected);
    return 1;
}

/* 0, 1 where something was reported, negative. */
static int apply_option(struct config *config, const char *prefix, const struct option *option,
                        void *settings, struct diag_list *diags)
{
    _cleanup_(freep) char *path = NULL;
    struct entry *entry;
    int r = path_join(prefix, option->name, &path);

    if (r >= 0)
        r = config_know(config, path);
    if (r < 0)
        return r;
    entry = config_find(config, path);
    if (entry)
        entry->is_taken = true;
    if (option->is_required && is_missing(config, path, entry))
        return report_missing(config, prefix, path, option, diags);
    if (option->type == OPTION_LIST)
        return apply_list(config, path, entry, option, settings, diags);
    if (option->type == OPTION_PROPERTIES)
        return apply_properties(config, path, entry, option, settings, diags);
    if (!entry || entry->kind == ENTRY_NULL)
        return 0;
    if (entry->kind != ENTRY_SCALAR)
        return refuse_shape(config, entry, option, diags);
    return apply_text(entry, option, settings, diags);
}

int config_apply(struct config *config, const char *prefix, const struct option_table *table, void *settings,
                 struct diag_list *diags)
{
    bool is_bad = false;
    int r = option_defaults(table, settings);

    for (size_t i = 0; r >= 0 && i < table->n_options; i++) {
        r = apply_option(config, prefix, &table->options[i], settings, diags);
        is_bad = is_bad || r > 0;
    }
    if (r < 0)
        return r;
    return is_bad ? -EINVAL : 0;
}

static const struct known *find_known(const struct config *config, struct slice path)
{
    struct known *known = NULL;

    HASH_FIND(hh, config->known, path.data, path.len, known);
    return known;
}

/* The part of path up to and with its first word that no component knows; all of it where every word is
 * known. */
static struct slice unknown_head(const struct config *config, const char *path)
{
    struct slice whole = slice_from_string(path);

    for (size_t i = 0; i < whole.len; i++)
        if (path[i] == '.' && !find_known(config, slice_head(whole, i)))
            return slice_head(whole, i);
    return whole;
}

/* The offset of the last word of a path. */
static size_t last_word(struct slice path)
{
    size_t i = path.len;

    while (i > 0 && path.data[i - 1] != '.')
        i--;
    return i;
}

/* The known path most likely meant by an unknown one; NULL where none is near. Borrowed from the known paths.
 */
static int find_nearest(const struct config *config, struct slice path, const char **ret_nearest)
{
    size_t n_known = HASH_COUNT(config->known), word_offset = last_word(path), n;
    _cleanup_(freep) const char **paths = calloc(n_known + 1, sizeof(*paths));
    _cleanup_(freep) const char **words = calloc(n_known + 1, sizeof(*words));
    struct slice word = slice_skip(path, word_offset), parent = slice_head(path, word_offset);
    const char *nearest = NULL;

    if (!paths || !words)
        return -ENOMEM;
    for (int pass = 0; !nearest && pass < (n_known > MAX_KNOWN_ASKED ? 1 : 3); pass++) {
        n = 0;
        for (const struct known *known = config->known; known; known = known->hh.next) {
            struct slice candidate = slice_from_string(known->path);
            size_t offset = last_word(candidate);
            bool is_sibling = slice_equal(slice_head(candidate, offset), parent);

            /* a section is only meant at its own level, and a sibling only by its last word: whole paths of
             * one section are all near each other */
            if (pass == 0 ? !is_sibling : is_sibling || known->is_ancestor_only)
                continue;
            paths[n] = known->path;
            words[n++] = known->path + (pass == 1 ? 0 : offset);
        }
        words[n] = NULL;
        nearest = nearest_word(pass == 1 ? path : word, words);
        for (size_t i = 0; nearest && i < n; i++)
            if (words[i] == nearest) {
                nearest = paths[i];
                break;
            }
    }
    *ret_nearest = nearest;
    return 0;
}

/* The first known path below path, for an example; NULL where there is none. */
static const char *find_example(const struct config *config, const char *path)
{
    for (const struct known *known = config->known; known; known = known->hh.next)
        if (!known->is_ancestor_only && path_below(known->path, path))
            return known->path;
    return NULL;
}

/* path is known, but only as the beginning of others. */
static void report_section(const struct entry *entry, const char *example, struct diag_list *diags)
{
    const struct place *place = &entry->value;

    if (entry->kind == ENTRY_SCALAR)
        (void)diag_add(diags, entry->file, place->line, place->column,
                       "bad value '%.80s' for %s, expected keys below it%s%s", entry->text, entry->path,
                       example ? " such as " : "", example ? example : "");
    else
        (void)diag_add(diags, entry->file, place->line, place->column,
                       "bad value for %s, expected keys below it%s%s, got %s", entry->path,
                       example ? " such as " : "", example ? example : "", kind_name(entry->kind));
}

static int report_unknown(struct config *config, const struct entry *entry, struct slice head,
                          struct diag_list *diags)
{
    _cleanup_(freep) char *path = strndup(head.data, head.len);
    const char *nearest = NULL;
    int r;

    if (!path)
        return -ENOMEM;
    r = find_nearest(config, head, &nearest);
    if (r < 0)
        return r;
    if (nearest)
        (void)diag_add(diags, entry->file, entry->key.line, entry->key.column,
                       "unknown key '%s' (did you mean '%s'?)", path, nearest);
    else
        (void)diag_add(diags, entry->file, entry->key.line, entry->key.column, "unknown key '%s'", path);
    config_take(config, path);
    return 0;
}

/* The list whose item path is, where a component wanted keys there; NULL where it is not so. */
static const struct entry *find_wrong_list(const struct config *config, struct slice path)
{
    size_t n = last_word(path);
    const struct entry *entry = NULL;

    if (n == 0)
        return NULL;
    HASH_FIND(hh, config->entries, path.data, n - 1, entry);
    return entry && entry->kind == ENTRY_SEQUENCE && find_example(config, entry->path) ? entry : NULL;
}

int config_check_unknown(struct config *config, struct diag_list *diags)
{
    size_t n_reports = 0;
    int r;

    for (const struct entry *e = config->entries; e && n_reports < MAX_REPORTS; e = e->hh.next) {
        const struct known *known = find_known(config, slice_from_string(e->path));
        const struct entry *list;
        struct slice head;

        if (e->is_taken)
            continue;
        if (known) {
            /* a section that is there and holds nothing, or what was judged by itself */
            if (e->kind != ENTRY_SCALAR)
                continue;
            report_section(e, find_example(config, e->path), diags);
            n_reports++;
            continue;
        }
        head = unknown_head(config, e->path);
        list = find_wrong_list(config, head);
        if (list) {
            report_section(list, find_example(config, list->path), diags);
            config_take(config, list->path);
        } else {
            r = report_unknown(config, e, head, diags);
            if (r < 0)
                return r;
        }
        n_reports++;
    }
    return n_reports > 0 ? -EINVAL : 0;
}
