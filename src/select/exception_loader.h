/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_EXCEPTION_LOADER_H
#define HAPAX_SELECT_EXCEPTION_LOADER_H

/* Inside select/ only: a set on its way from YAML, shared by exception_load.c (files and items) and
 * exception_match.c (what stands below "match"). */

#include "config/config.h"
#include "select/exception_set.h"

struct group {
    char *name;
    struct string_list members;
    UT_hash_handle hh;
};

struct loader {
    struct exception_set *set;
    struct diag_list *diags;
    struct config **configs; /* by file */
    size_t n_files;
    struct group *groups;        /* by name */
    const char *onboarding_file; /* where it was read */
    bool is_bad;
};

/* Where the loader stands. */
struct spot {
    struct loader *loader;
    struct config *config;
    const char *file;
};

/* One exception being read: "exceptions.3" and what it has so far. */
struct item {
    struct spot *spot;
    const char *path;
    struct exception *exception;
    struct buffer match_text;
};

/* A problem at a path of the configuration, with its place. */
void loader_refuse(struct spot *spot, const char *path, const char *format, ...) _printf_(3, 4);

/* "head.tail"; the caller frees. 0 or -ENOMEM. */
int loader_join(const char *head, const char *tail, char **ret_path) _warn_unused_;

/* The word at path, or the words of the list there; anything else is refused. 0 or -ENOMEM. */
int loader_read_values(struct spot *spot, const char *path, struct string_list *ret_values) _warn_unused_;

/* The group of that name, made where there is none; borrowed. 0 or -ENOMEM. */
int loader_get_group(struct loader *loader, struct slice name, struct group **ret_group) _warn_unused_;

/* The conditions below item->path.match. 0 or -ENOMEM; what is wrong is in diags. */
int loader_read_matches(struct item *item) _warn_unused_;

#endif
