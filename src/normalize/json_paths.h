/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_PATHS_H
#define HAPAX_NORMALIZE_JSON_PATHS_H

/* Which paths the readers of documents ask for, as a tree of names. What is not in it, nobody can read. */

#include <stdbool.h>

#include "util/cleanup.h"
#include "util/slice.h"

/* more than there are; the tree is refused beyond it */
#define JSON_PATHS_NODES_MAX 256U

/* Nodes of the tree. */
#define JSON_PATHS_ROOT 0U
#define JSON_PATHS_NONE JSON_PATHS_NODES_MAX

struct json_paths;

int json_paths_new(struct json_paths **ret_paths) _warn_unused_;
struct json_paths *json_paths_free(struct json_paths *paths);
DEFINE_CLEANUP(struct json_paths *, json_paths_free)

/* The node of a name, without dots, below a node. JSON_PATHS_NONE: nothing asked for begins so. */
unsigned json_paths_child(const struct json_paths *paths, unsigned node, struct slice name);

/* The same of names with dots between them. */
unsigned json_paths_walk(const struct json_paths *paths, unsigned node, struct slice names);

/* The node of a path that is asked for; JSON_PATHS_NONE for any other. Fast for a string that stays in place.
 */
unsigned json_paths_find(struct json_paths *paths, const char *path);

/* Whether paths go on behind the node. Where they do not, readers may look at all that is below it. */
bool json_paths_goes_on(const struct json_paths *paths, unsigned node);

/* The node whose names stand inside a document's member: the root's in what wraps a document, else node. */
unsigned json_paths_inside(const struct json_paths *paths, unsigned node);

#endif
