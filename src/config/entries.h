/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CONFIG_ENTRIES_H
#define HAPAX_CONFIG_ENTRIES_H

/* Inside config/ only: what a configuration holds, shared by config.c (the list), yaml.c (fills it) and
 * apply.c (takes from it). */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 32 bits (draft-eastlake-fnv-17.2 section 2): uthash's own macro falls through cases that clang
 * warns of */
static inline unsigned path_hash(const char *bytes, size_t n)
{
    uint32_t hash = UINT32_C(0x811c9dc5);

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT32_C(0x01000193);
    return hash;
}
#define HASH_FUNCTION(key, n, value) ((value) = path_hash((key), (n)))
/* Memory running out is an answer (hh.tbl stays NULL), not the end of the program. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "config/config.h"

/* Longest dotted path. chosen: librdkafka's longest property (CONFIGURATION.md) has 45 bytes, three levels
 * stand above it; bounds what a file of many keys below long names can make us hold */
#define PATH_MAX_BYTES 512U

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

struct config {
    struct entry *entries; /* by path; uthash keeps them in order of addition */
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

#endif
