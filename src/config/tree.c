/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where a path stands among the others: what is directly below it, everything below it, in the order of first
 * appearance.
 *
 * The entries are a flat table (config.c), in which a path is found at once and "everything below" is a walk
 * over all. A component asks that a few dozen times, which is nothing; but a list of ten thousand items is
 * asked about each of them. So every word of every path has a node, whether something is written there or
 * not, and nodes know their children. Cost: one lookup for each word of a path that is added; a walk costs
 * what it finds.
 *
 * A node is there as long as an entry is at or below it: one that --set removes takes with it what it was the
 * last of, and what comes back goes to the end of its siblings, as its entry does in the table. Paths made of
 * many short words would make many nodes, hence MAX_NODES.
 */
#include "config/entries.h"

#include <stdlib.h>
#include <utlist.h>

/* chosen: twice as many as entries (config.c); written as nested YAML each node is an entry */
#define MAX_NODES (2U * CONFIG_MAX_ENTRIES)

struct node {
    char *path;
    struct entry *entry; /* NULL: nothing is written here, but below */
    struct node *parent;
    struct node *children, *prev, *next; /* utlist: the first child's prev is the last */
    UT_hash_handle hh;
};

struct tree {
    struct node root;
    struct node *nodes; /* by path; all but the root */
};

struct tree *tree_free(struct tree *tree)
{
    struct node *node, *next;

    if (!tree)
        return NULL;
    HASH_ITER(hh, tree->nodes, node, next)
    {
        HASH_DEL(tree->nodes, node);
        free(node->path);
        free(node);
    }
    free(tree);
    return NULL;
}

static struct node *find(const struct tree *tree, struct slice path)
{
    struct node *node = NULL;

    HASH_FIND(hh, tree->nodes, path.data, path.len, node);
    return node;
}

/* "" is the root; NULL: nothing is there. */
static const struct node *find_top(const struct tree *tree, const char *path)
{
    if (!tree)
        return NULL;
    return *path ? find(tree, slice_from_string(path)) : &tree->root;
}

/* Removes the node, and those above it, where there is nothing at or below them. */
static void prune(struct tree *tree, struct node *node)
{
    while (node->parent && !node->entry && !node->children) {
        struct node *parent = node->parent;

        DL_DELETE(parent->children, node);
        HASH_DEL(tree->nodes, node);
        free(node->path);
        free(node);
        node = parent;
    }
}

/* 1: there are too many. */
static int add_node(struct tree *tree, struct node *parent, struct slice path, struct node **ret_node)
{
    struct node *node;

    if (HASH_COUNT(tree->nodes) >= MAX_NODES)
        return 1;
    node = calloc(1, sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->path = strndup(path.data, path.len);
    node->parent = parent;
    if (node->path)
        HASH_ADD_KEYPTR(hh, tree->nodes, node->path, path.len, node);
    if (!node->hh.tbl) {
        free(node->path);
        free(node);
        return -ENOMEM;
    }
    DL_APPEND(parent->children, node);
    *ret_node = node;
    return 0;
}

int tree_add(struct tree **tree, struct entry *entry)
{
    struct slice path = slice_from_string(entry->path);
    struct node *node;

    if (!*tree && !(*tree = calloc(1, sizeof(**tree))))
        return -ENOMEM;
    node = &(*tree)->root;
    for (size_t i = 0; i <= path.len; i++) {
        struct slice head = slice_head(path, i);
        struct node *below;

        if (i < path.len && path.data[i] != '.')
            continue;
        below = find(*tree, head);
        if (!below) {
            int r = add_node(*tree, node, head, &below);

            if (r != 0) {
                prune(*tree, node);
                return r;
            }
        }
        node = below;
    }
    node->entry = entry;
    return 0;
}

void tree_remove(struct tree *tree, const struct entry *entry)
{
    struct node *node = find(tree, slice_from_string(entry->path));

    if (!node || node->entry != entry)
        return;
    node->entry = NULL;
    prune(tree, node);
}

/* The node behind this one in a walk over everything below top; NULL: it is over. */
static const struct node *next_below(const struct node *node, const struct node *top)
{
    if (node->children)
        return node->children;
    while (node != top && !node->next)
        node = node->parent;
    return node == top ? NULL : node->next;
}

void tree_take(const struct tree *tree, const char *path)
{
    const struct node *top = find_top(tree, path);

    for (const struct node *node = top; node; node = next_below(node, top))
        if (node->entry)
            node->entry->is_taken = true;
}

const struct entry *tree_first(const struct tree *tree, const char *path)
{
    const struct node *top = find_top(tree, path);

    for (const struct node *node = top; node; node = next_below(node, top))
        if (node->entry)
            return node->entry;
    return NULL;
}

int tree_children(const struct tree *tree, const char *path, char ***ret_names)
{
    _cleanup_(string_array_freep) char **names = NULL;
    const struct node *top = find_top(tree, path);
    size_t n = 0;

    for (const struct node *node = top ? top->children : NULL; node; node = node->next)
        n++;
    names = calloc(n + 1, sizeof(*names));
    if (!names)
        return -ENOMEM;
    n = 0;
    for (const struct node *node = top ? top->children : NULL; node; node = node->next) {
        names[n] = strdup(node->path + (*path ? strlen(path) + 1 : 0));
        if (!names[n++])
            return -ENOMEM;
    }
    *ret_names = TAKE_PTR(names);
    return 0;
}
