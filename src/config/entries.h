/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CONFIG_ENTRIES_H
#define HAPAX_CONFIG_ENTRIES_H

/* Inside config/ only: what a configuration holds, shared by config.c (the list), yaml.c (fills it) and
 * apply.c (takes from it). */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/table.h"

#include "config/config.h"

/* Longest dotted path. chosen: librdkafka's longest property (CONFIGURATION.md) has 45 bytes, three levels
 * stand above it; bounds what a file of many keys below long names can make us hold */
#define PATH_MAX_BYTES 512U

/* chosen: 10,000 exceptions of a dozen keys with some room; each may take PATH_MAX_BYTES */
#define CONFIG_MAX_ENTRIES 262144U

enum entry_kind {
    ENTRY_SCALAR,
    ENTRY_NULL,    /* "key:" */
    ENTRY_MAPPING, /* kept for its place, and to tell "a list where a value belongs" */
    ENTRY_SEQUENCE,
};

struct place {
    unsigned line, column;
};

struct entry {
    char *path;
    enum entry_kind kind;
    char *text;       /* SCALAR only */
    const char *file; /* borrowed from config->files, or "--set" */
    struct place key, value;
    bool is_override; /* from --set */
    bool is_taken;
    UT_hash_handle hh;
};

/* A path some component knows; ancestors of such paths are in the table, too. */
struct known {
    char *path;
    bool is_ancestor_only;
    UT_hash_handle hh;
};

struct tree;

struct config {
    struct entry *entries; /* by path; uthash keeps them in order of addition */
    struct tree *tree;     /* who stands below whom; NULL: there is nothing yet */
    struct known *known;
    struct string_list files;
};

/* The room's own list of file names; *ret_file lives as long as the configuration. */
int config_intern_file(struct config *config, const char *file, const char **ret_file) _warn_unused_;

/*
 * Adds one entry; path and text are copied. 0: added, or silently left out because --set has spoken about it.
 * 1: refused (repeated, or too many), which went to diags.
 */
int config_add(struct config *config, const struct entry *entry, struct diag_list *diags) _warn_unused_;

struct entry *config_find(const struct config *config, const char *path);

/* Whether path is "prefix.rest"; prefix "" matches everything. The rest is NULL where it is not. */
const char *path_below(const char *path, const char *prefix);

/* Whether a path (or a key, which may be dotted) is words separated by single dots. */
bool path_is_valid(struct slice path);

/* Remembers that a component knows this path. */
int config_know(struct config *config, const char *path) _warn_unused_;

/* "prefix.name", or name alone where prefix is "". */
int path_join(const char *prefix, const char *name, char **ret_path) _warn_unused_;

/*
 * What stands below a path (tree.c); NULL is the empty tree. tree_add: 0; 1: paths have too many words;
 * -ENOMEM.
 */
struct tree *tree_free(struct tree *tree);
int tree_add(struct tree **tree, struct entry *entry) _warn_unused_;
void tree_remove(struct tree *tree, const struct entry *entry);
/* Takes the entry at path and all below it. */
void tree_take(const struct tree *tree, const char *path);
/* The entry at path, else the first below it; NULL: none. */
const struct entry *tree_first(const struct tree *tree, const char *path);
/* As config_children. 0 or -ENOMEM. */
int tree_children(const struct tree *tree, const char *path, char ***ret_names) _warn_unused_;

#endif
