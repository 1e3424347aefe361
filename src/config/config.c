/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The configuration is a hash table of dotted paths, which uthash also keeps as a list in order of addition.
 * Nesting is only a way of writing: "a: {b: 1}" and "a.b: 1" are one entry. A path may hold a value and be
 * the beginning of other paths ("group.protocol" and "group.protocol.type" are both properties of
 * librdkafka), which is why this is no tree. Mappings and sequences have entries of their own without text:
 * they give a message a place, and tell a list where a value was expected.
 *
 * --set wins whichever came first: an override removes what it replaces, and what a file says later about the
 * same path, or below it, is left out.
 *
 * Looking up a path is constant; what stands below one is asked of tree.c. Files are limited in size and
 * entries in number (yaml.c).
 *
 * Reading YAML is yaml.c, the way into a component's settings apply.c.
 */
#include "config/entries.h"

#include <assert.h>
#include <stdlib.h>

static const char override_file[] = "--set";

int config_new(struct config **ret_config)
{
    struct config *config = calloc(1, sizeof(*config));

    if (!config)
        return -ENOMEM;
    *ret_config = config;
    return 0;
}

static struct entry *entry_free(struct entry *entry)
{
    if (!entry)
        return NULL;
    free(entry->path);
    free(entry->text);
    free(entry);
    return NULL;
}
DEFINE_CLEANUP(struct entry *, entry_free)

static struct known *known_free(struct known *known)
{
    if (!known)
        return NULL;
    free(known->path);
    free(known);
    return NULL;
}
DEFINE_CLEANUP(struct known *, known_free)

struct config *config_free(struct config *config)
{
    struct entry *entry, *next_entry;
    struct known *known, *next_known;

    if (!config)
        return NULL;
    HASH_ITER(hh, config->entries, entry, next_entry)
    {
        HASH_DEL(config->entries, entry);
        entry_free(entry);
    }
    HASH_ITER(hh, config->known, known, next_known)
    {
        HASH_DEL(config->known, known);
        known_free(known);
    }
    tree_free(config->tree);
    string_list_done(&config->files);
    free(config);
    return NULL;
}

int config_intern_file(struct config *config, const char *file, const char **ret_file)
{
    int r;

    for (size_t i = 0; i < config->files.n; i++)
        if (strcmp(config->files.items[i], file) == 0) {
            *ret_file = config->files.items[i];
            return 0;
        }
    r = string_list_add(&config->files, slice_from_string(file));
    if (r < 0)
        return r;
    *ret_file = config->files.items[config->files.n - 1];
    return 0;
}

struct entry *config_find(const struct config *config, const char *path)
{
    struct entry *entry = NULL;

    HASH_FIND_STR(config->entries, path, entry);
    return entry;
}

const char *path_below(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);

    if (n == 0)
        return path;
    return strncmp(path, prefix, n) == 0 && path[n] == '.' ? path + n + 1 : NULL;
}

bool path_is_valid(struct slice path)
{
    if (path.len == 0 || path.data[0] == '.' || path.data[path.len - 1] == '.')
        return false;
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] == '\0' || (path.data[i] == '.' && path.data[i + 1] == '.'))
            return false;
    return true;
}

int path_join(const char *prefix, const char *name, char **ret_path)
{
    char *path;

    if (asprintf(&path, "%s%s%s", prefix, *prefix ? "." : "", name) < 0)
        return -ENOMEM;
    *ret_path = path;
    return 0;
}

/* Whether --set has spoken about path or something above it. */
static bool is_overridden(const struct config *config, const char *path)
{
    char head[PATH_MAX_BYTES + 1];
    const struct entry *entry;

    for (size_t i = 0; i < sizeof(head); i++) {
        if (path[i] == '.' || path[i] == '\0') {
            head[i] = '\0';
            entry = config_find(config, head);
            if (entry && entry->is_override)
                return true;
        }
        if (path[i] == '\0')
            break;
        head[i] = path[i];
    }
    return false;
}

static void report_repeated(const struct entry *entry, const struct entry *first, struct diag_list *diags)
{
    if (strcmp(entry->file, first->file) == 0)
        (void)diag_add(diags, entry->file, entry->key.line, entry->key.column,
                       "key '%s' is repeated, it stands in line %u, column %u already", entry->path,
                       first->key.line, first->key.column);
    else
        (void)diag_add(diags, entry->file, entry->key.line, entry->key.column,
                       "key '%s' is repeated, it stands in %s, line %u, column %u already", entry->path,
                       first->file, first->key.line, first->key.column);
}

int config_add(struct config *config, const struct entry *entry, struct diag_list *diags)
{
    _cleanup_(entry_freep) struct entry *copy = NULL;
    const struct entry *first;
    int r;

    assert(strlen(entry->path) <= PATH_MAX_BYTES);
    if (!entry->is_override && is_overridden(config, entry->path))
        return 0;
    first = config_find(config, entry->path);
    if (first) {
        report_repeated(entry, first, diags);
        return 1;
    }
    if (HASH_COUNT(config->entries) >= CONFIG_MAX_ENTRIES) {
        (void)diag_add(diags, entry->file, entry->key.line, entry->key.column,
                       "too many keys, expected at most %u", CONFIG_MAX_ENTRIES);
        return 1;
    }
    copy = calloc(1, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    *copy = *entry;
    copy->path = strdup(entry->path);
    copy->text = entry->text ? strdup(entry->text) : NULL;
    if (!copy->path || (entry->text && !copy->text))
        return -ENOMEM;
    HASH_ADD_KEYPTR(hh, config->entries, copy->path, strlen(copy->path), copy);
    if (!copy->hh.tbl)
        return -ENOMEM;
    r = tree_add(&config->tree, copy);
    if (r != 0)
        HASH_DEL(config->entries, copy);
    if (r > 0)
        (void)diag_add(diags, entry->file, entry->key.line, entry->key.column,
                       "too many words in keys, expected nested keys");
    if (r != 0)
        return r;
    copy = NULL; /* the table owns it */
    return 0;
}

int config_set(struct config *config, const char *assignment, struct diag_list *diags)
{
    const char *equals = strchr(assignment, '=');
    _cleanup_(freep) char *path = NULL, *text = NULL;
    struct entry *entry, *next;
    int r;

    if (!equals || !path_is_valid(slice_new(assignment, (size_t)(equals - assignment))) ||
        (size_t)(equals - assignment) > PATH_MAX_BYTES)
        return diag_add(diags, override_file, 0, 0, "bad assignment '%.80s', expected PATH=VALUE",
                        assignment);
    path = strndup(assignment, (size_t)(equals - assignment));
    text = strdup(equals + 1);
    if (!path || !text)
        return -ENOMEM;
    HASH_ITER(hh, config->entries, entry, next)
    {
        if (strcmp(entry->path, path) == 0 || path_below(entry->path, path)) {
            tree_remove(config->tree, entry);
            HASH_DEL(config->entries, entry);
            entry_free(entry);
        }
    }
    r = config_add(
        config,
        &(struct entry){
            .path = path, .kind = ENTRY_SCALAR, .text = text, .file = override_file, .is_override = true},
        diags);
    return r > 0 ? -EINVAL : r;
}

/* 1: it was known before; 0: it is now. */
static int know_one(struct config *config, struct slice path, bool is_ancestor)
{
    _cleanup_(known_freep) struct known *known = NULL;

    HASH_FIND(hh, config->known, path.data, path.len, known);
    if (known) {
        known->is_ancestor_only = known->is_ancestor_only && is_ancestor;
        known = NULL; /* the table owns it */
        return 1;
    }
    known = calloc(1, sizeof(*known));
    if (!known)
        return -ENOMEM;
    known->path = strndup(path.data, path.len);
    known->is_ancestor_only = is_ancestor;
    if (!known->path)
        return -ENOMEM;
    HASH_ADD_KEYPTR(hh, config->known, known->path, path.len, known);
    if (!known->hh.tbl)
        return -ENOMEM;
    known = NULL;
    return 0;
}

int config_know(struct config *config, const char *path)
{
    size_t i = strlen(path);
    int r = know_one(config, slice_new(path, i), false);

    /* what is known has its ancestors known, too */
    while (r == 0 && i > 0)
        if (path[--i] == '.')
            r = know_one(config, slice_new(path, i), true);
    return r < 0 ? r : 0;
}

void string_array_free(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

int config_children(struct config *config, const char *prefix, char ***ret_names)
{
    int r = *prefix ? config_know(config, prefix) : 0;

    return r < 0 ? r : tree_children(config->tree, prefix, ret_names);
}

const char *config_get(struct config *config, const char *path)
{
    struct entry *entry = config_find(config, path);

    /* out of memory: then the key is reported as unknown, which is loud enough */
    if (config_know(config, path) < 0 || !entry || entry->kind != ENTRY_SCALAR)
        return NULL;
    entry->is_taken = true;
    return entry->text;
}

void config_take(struct config *config, const char *path)
{
    tree_take(config->tree, path);
}

void config_place(const struct config *config, const char *path, const char **ret_file, unsigned *ret_line,
                  unsigned *ret_column)
{
    /* a path written only as the beginning of others stands where the first of them does */
    const struct entry *entry = *path ? tree_first(config->tree, path) : NULL;

    *ret_file = entry ? entry->file : NULL;
    *ret_line = entry ? entry->value.line : 0;
    *ret_column = entry ? entry->value.column : 0;
}
