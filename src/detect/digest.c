/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A quantile digest (Shrivastava et al. 2004, "Medians and beyond") of whole numbers: a binary tree over the
 * range of values, of which only nodes with a count are kept. Wherever a node, its sibling and their parent
 * together hold less than n/k samples, the parent takes all three. So few samples that are alike lose their
 * exact place while frequent values keep theirs, and there are never more than about 3k nodes, whatever is
 * put in. Below 2k samples nothing can merge and the digest is exact.
 *
 * The range is the smallest power of two above the greatest value seen: the root is what merging ends at, and
 * how far a lone outlier spreads is part of what a reader gets.
 *
 * Merging is repeated with every sample as long as a pass changes something, a level at a time from the
 * leaves up. The result depends on the order of the samples alone. k and these rules are those of the
 * detector that `forget: decay` equals; the standard ones would do for anything else.
 *
 * Cost: a sample of a value that is there, a binary search; otherwise a pass over the nodes. Reading, a pass.
 */
#include "detect/digest.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Elastic's k for scores (elastic's detector, release 9.5.2, as described) */
#define DIGEST_K 201U
/* chosen: 3k nodes is what merging leaves, 2k samples come before it starts */
#define MAX_NODES (4 * DIGEST_K)

static uint32_t node_min(const struct digest_node *node)
{
    return node->index << node->level;
}

static uint32_t node_max(const struct digest_node *node)
{
    return ((node->index + 1) << node->level) - 1;
}

void digest_done(struct digest *digest)
{
    free(digest->nodes);
    *digest = (struct digest){0};
}

void digest_clear(struct digest *digest)
{
    digest->n_nodes = 0;
    digest->n = 0;
    digest->root_level = 0;
    digest->is_dirty = false;
}

/* The first node at or after (level, index). */
static size_t find_node(const struct digest *digest, uint32_t level, uint32_t index)
{
    size_t low = 0, high = digest->n_nodes, mid;
    const struct digest_node *node;

    while (low < high) {
        mid = low + (high - low) / 2;
        node = &digest->nodes[mid];
        if (node->level < level || (node->level == level && node->index < index))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool is_node(const struct digest *digest, size_t i, uint32_t level, uint32_t index)
{
    return i < digest->n_nodes && digest->nodes[i].level == level && digest->nodes[i].index == index;
}

static void remove_nodes(struct digest *digest, size_t i, size_t n)
{
    memmove(digest->nodes + i, digest->nodes + i + n, (digest->n_nodes - i - n) * sizeof(*digest->nodes));
    digest->n_nodes -= n;
}

static int insert_node(struct digest *digest, size_t i, struct digest_node node)
{
    struct digest_node *nodes;
    size_t size;

    if (digest->n_nodes == digest->size) {
        size = digest->size > 0 ? 2 * digest->size : 8;
        nodes = reallocarray(digest->nodes, size, sizeof(*nodes));
        if (!nodes)
            return -ENOMEM;
        digest->nodes = nodes;
        digest->size = size;
    }
    memmove(digest->nodes + i + 1, digest->nodes + i, (digest->n_nodes - i) * sizeof(*digest->nodes));
    digest->nodes[i] = node;
    digest->n_nodes++;
    return 0;
}

/*
 * The parent takes what n_children nodes from i on hold. Needs no memory: a place becomes free first. A level
 * only ever gives to the next one, which lies behind it.
 */
static void merge(struct digest *digest, size_t i, size_t n_children)
{
    const uint32_t level = digest->nodes[i].level + 1, index = digest->nodes[i].index / 2;
    uint64_t n = 0;
    size_t at;

    for (size_t k = 0; k < n_children; k++)
        n += digest->nodes[i + k].n;
    remove_nodes(digest, i, n_children);
    at = find_node(digest, level, index);
    if (is_node(digest, at, level, index)) {
        digest->nodes[at].n += n;
        return;
    }
    memmove(digest->nodes + at + 1, digest->nodes + at, (digest->n_nodes - at) * sizeof(*digest->nodes));
    digest->nodes[at] = (struct digest_node){level, index, n};
    digest->n_nodes++;
}

/* One pass over all levels. */
static void compress(struct digest *digest)
{
    const uint64_t least = digest->n / DIGEST_K;
    size_t i = 0, at;

    digest->is_dirty = false;
    if (least < 2) /* every node holds at least one */
        return;
    while (i < digest->n_nodes && digest->nodes[i].level < digest->root_level) {
        const struct digest_node *node = &digest->nodes[i];
        const size_t n_children = is_node(digest, i + 1, node->level, node->index | 1) ? 2 : 1;
        uint64_t n = node->n + (n_children == 2 ? node[1].n : 0);

        if (n < least) {
            at = find_node(digest, node->level + 1, node->index / 2);
            if (is_node(digest, at, node->level + 1, node->index / 2))
                n += digest->nodes[at].n;
        }
        if (n >= least) {
            i += n_children;
            continue;
        }
        merge(digest, i, n_children);
        digest->is_dirty = true;
    }
}

int digest_add(struct digest *digest, uint32_t value, uint64_t n)
{
    size_t i;
    int r;

    assert(value < (UINT32_C(1) << DIGEST_MAX_LEVEL));
    i = find_node(digest, 0, value);
    if (is_node(digest, i, 0, value)) {
        digest->nodes[i].n += n;
    } else {
        r = insert_node(digest, i, (struct digest_node){0, value, n});
        if (r < 0)
            return r;
        digest->is_dirty = true;
    }
    while (value >> digest->root_level > 0) {
        digest->root_level++;
        digest->is_dirty = true;
    }
    if ((digest->n + n) / DIGEST_K != digest->n / DIGEST_K)
        digest->is_dirty = true;
    digest->n += n;
    if (digest->is_dirty)
        compress(digest);
    return 0;
}

void digest_age(struct digest *digest, double factor, int64_t n_rounds)
{
    bool is_changed = true;

    for (int64_t round = 0; round < n_rounds && is_changed; round++) {
        size_t kept = 0;

        is_changed = false;
        for (size_t i = 0; i < digest->n_nodes; i++) {
            struct digest_node node = digest->nodes[i];
            const uint64_t n = (uint64_t)floor((double)node.n * factor + 0.5);

            is_changed |= n != node.n;
            digest->n -= node.n - n;
            node.n = n;
            if (n > 0)
                digest->nodes[kept++] = node;
        }
        digest->n_nodes = kept;
        if (is_changed || digest->is_dirty)
            compress(digest);
    }
}

void digest_count(const struct digest *digest, uint32_t value, uint64_t *ret_least, uint64_t *ret_most)
{
    uint64_t least = 0, most = 0;

    for (size_t i = 0; i < digest->n_nodes; i++) {
        if (node_max(&digest->nodes[i]) <= value)
            least += digest->nodes[i].n;
        if (node_min(&digest->nodes[i]) <= value)
            most += digest->nodes[i].n;
    }
    *ret_least = least;
    *ret_most = most;
}

void digest_neighbours(const struct digest *digest, uint32_t value, uint32_t *ret_below, uint32_t *ret_above)
{
    uint32_t below = 0, above = UINT32_MAX;

    for (size_t i = 0; i < digest->n_nodes; i++) {
        const uint32_t min = node_min(&digest->nodes[i]), max = node_max(&digest->nodes[i]);

        if (max < value && max > below)
            below = max;
        if (min > value && min < above)
            above = min;
    }
    *ret_below = below;
    *ret_above = above;
}

/* By maximum, a node before the one around it. */
static int compare_nodes(const void *pa, const void *pb)
{
    const struct digest_node *a = pa, *b = pb;

    if (node_max(a) != node_max(b))
        return node_max(a) < node_max(b) ? -1 : 1;
    return a->level < b->level ? -1 : 1;
}

/* The nodes by maximum; free them. NULL: memory is out, or there is none. */
static struct digest_node *sort_nodes(const struct digest *digest)
{
    struct digest_node *sorted = digest->n_nodes > 0 ? calloc(digest->n_nodes, sizeof(*sorted)) : NULL;

    if (!sorted)
        return NULL;
    memcpy(sorted, digest->nodes, digest->n_nodes * sizeof(*sorted));
    qsort(sorted, digest->n_nodes, sizeof(*sorted), compare_nodes);
    return sorted;
}

uint32_t digest_quantile(const struct digest *digest, double share)
{
    uint32_t upto = 0;
    uint64_t least, most;

    /* where most are 0, which is usual, one look is enough; else value by value of those that are maxima */
    for (size_t step = 0; step <= digest->n_nodes; step++) {
        uint32_t next = UINT32_MAX;

        digest_count(digest, upto, &least, &most);
        if ((double)least >= share * (double)digest->n)
            return upto;
        for (size_t i = 0; i < digest->n_nodes; i++) {
            const uint32_t max = node_max(&digest->nodes[i]);

            if (max > upto && max < next)
                next = max;
        }
        if (next == UINT32_MAX)
            break;
        upto = next;
    }
    return upto;
}

int digest_split(const struct digest *digest, double share, uint32_t *ret_cut, struct digest *rest,
                 uint64_t *ret_n_upto)
{
    _cleanup_(freep) struct digest_node *sorted = sort_nodes(digest);
    uint64_t n = 0, n_upto = 0;
    uint32_t cut;
    int r;

    if (!sorted)
        return -ENOMEM;
    cut = node_max(&sorted[0]);
    for (size_t i = 0; i < digest->n_nodes; i++) {
        n += sorted[i].n;
        if ((double)n > share * (double)digest->n)
            break;
        cut = node_max(&sorted[i]);
    }
    for (size_t i = 0; i < digest->n_nodes; i++) {
        if (node_max(&sorted[i]) <= cut) {
            n_upto += sorted[i].n;
            continue;
        }
        r = digest_add(rest, node_max(&sorted[i]), sorted[i].n);
        if (r < 0)
            return r;
    }
    *ret_cut = cut;
    *ret_n_upto = n_upto;
    return 0;
}

int digest_save(const struct digest *digest, struct buffer *out)
{
    int r;

    r = buffer_append_u32(out, (uint32_t)digest->n_nodes);
    if (r >= 0)
        r = buffer_append_u32(out, digest->root_level | (digest->is_dirty ? UINT32_C(1) << 31 : 0));
    for (size_t i = 0; r >= 0 && i < digest->n_nodes; i++) {
        r = buffer_append_u32(out, digest->nodes[i].level << 24 | digest->nodes[i].index);
        if (r >= 0)
            r = buffer_append_u64(out, digest->nodes[i].n);
    }
    return r;
}

int digest_load(struct digest *digest, struct slice *s)
{
    uint32_t n_nodes, flags, place;
    uint64_t n;
    int r;

    r = slice_read_u32(s, &n_nodes);
    if (r < 0)
        return r;
    r = slice_read_u32(s, &flags);
    if (r < 0)
        return r;
    digest->is_dirty = flags >> 31;
    digest->root_level = flags & ~(UINT32_C(1) << 31);
    if (n_nodes > MAX_NODES || digest->root_level > DIGEST_MAX_LEVEL)
        return -EBADMSG;
    for (uint32_t i = 0; i < n_nodes; i++) {
        struct digest_node node;
        const struct digest_node *last = digest->n_nodes > 0 ? &digest->nodes[digest->n_nodes - 1] : NULL;

        r = slice_read_u32(s, &place);
        if (r < 0)
            return r;
        r = slice_read_u64(s, &n);
        if (r < 0)
            return r;
        node = (struct digest_node){place >> 24, place & 0xffffff, n};
        /* counts of bytes nobody wrote must not overflow sums either */
        if (node.level > digest->root_level || node.index >> (digest->root_level - node.level) > 0 ||
            n == 0 || n > UINT64_MAX / MAX_NODES / 4 ||
            (last && (last->level > node.level || (last->level == node.level && last->index >= node.index))))
            return -EBADMSG;
        r = insert_node(digest, digest->n_nodes, node);
        if (r < 0)
            return r;
        digest->n += n;
    }
    return 0;
}
