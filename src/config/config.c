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
 * Looking up a path is constant; questions about "everything below" walk the list. Files are limited in size
 * and entries in number (yaml.c), and components ask a few dozen times, so the walks stay in milliseconds.
 * uthash's hash is not keyed: whoever writes the configuration may make it slow for himself.
 *
 * Reading YAML is yaml.c, the way into a component's settings apply.c.
 */
#include "config/entries.h"

#include <assert.h>
#include <stdlib.h>

/* chosen: a configuration of a thousand jobs has some ten thousand; each may take PATH_MAX_BYTES */
#define MAX_ENTRIES 65536U

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

    assert(strlen(entry->path) <= PATH_MAX_BYTES);
    if (!entry->is_override && is_overridden(config, entry->path))
        return 0;
    first = config_find(config, entry->path);
    if (first) {
        report_repeated(entry, first, diags);
        return 1;
    }
    if (HASH_COUNT(config->entries) >= MAX_ENTRIES) {
        (void)diag_add(diags, entry->file, entry->key.line, entry->key.column,
                       "too many keys, expected at most %u", MAX_ENTRIES);
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

static int know_one(struct config *config, struct slice path, bool is_ancestor)
{
    _cleanup_(known_freep) struct known *known = NULL;

    HASH_FIND(hh, config->known, path.data, path.len, known);
    if (known) {
        known->is_ancestor_only = known->is_ancestor_only && is_ancestor;
        known = NULL; /* the table owns it */
        return 0;
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
    size_t i;
    int r;

    for (i = 0; path[i]; i++)
        if (path[i] == '.') {
            r = know_one(config, slice_new(path, i), true);
            if (r < 0)
                return r;
        }
    return know_one(config, slice_new(path, i), false);
}

void string_array_free(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}
DEFINE_CLEANUP(char **, string_array_free)

/* A name already seen by config_children: a set, so that many names cost linear time. */
struct child {
    char *name;
    UT_hash_handle hh;
};

static int child_add(struct child **children, struct slice name)
{
    struct child *child = NULL;

    HASH_FIND(hh, *children, name.data, name.len, child);
    if (child)
        return 0;
    child = calloc(1, sizeof(*child));
    if (!child)
        return -ENOMEM;
    child->name = strndup(name.data, name.len);
    if (child->name) {
        HASH_ADD_KEYPTR(hh, *children, child->name, name.len, child);
        if (child->hh.tbl)
            return 0;
    }
    free(child->name);
    free(child);
    return -ENOMEM;
}

int config_children(struct config *config, const char *prefix, char ***ret_names)
{
    _cleanup_(string_array_freep) char **names = NULL;
    struct child *children = NULL, *child, *next_child;
    const struct entry *entry;
    size_t n = 0;
    int r = 0;

    if (*prefix)
        r = config_know(config, prefix);
    for (entry = config->entries; r >= 0 && entry; entry = entry->hh.next) {
        struct slice rest = slice_from_string(path_below(entry->path, prefix));

        if (!slice_is_absent(rest))
            r = child_add(&children, slice_head(rest, slice_find(rest, '.')));
    }
    if (r >= 0) {
        names = calloc(HASH_COUNT(children) + 1, sizeof(*names));
        r = names ? 0 : -ENOMEM;
    }
    HASH_ITER(hh, children, child, next_child)
    {
        HASH_DEL(children, child);
        if (names)
            names[n++] = child->name;
        else
            free(child->name);
        free(child);
    }
    if (r < 0)
        return r;
    *ret_names = TAKE_PTR(names);
    return 0;
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
    for (struct entry *entry = config->entries; entry; entry = entry->hh.next)
        if (strcmp(entry->path, path) == 0 || path_below(entry->path, path))
            entry->is_taken = true;
}

void config_place(const struct config *config, const char *path, const char **ret_file, unsigned *ret_line,
                  unsigned *ret_column)
{
    const struct entry *entry = config_find(config, path);

    /* a path written only as the beginning of others stands where the first of them does */
    for (const struct entry *e = config->entries; !entry && *path && e; e = e->hh.next)
        if (path_below(e->path, path))
            entry = e;
    *ret_file = entry ? entry->file : NULL;
    *ret_line = entry ? entry->value.line : 0;
    *ret_column = entry ? entry->value.column : 0;
}
