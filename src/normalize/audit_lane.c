/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Hash tables and lists, no decisions. Lists in order of arrival are sorted by deadline (audit_clock.c), so
 * what is overdue stands at their heads. Every operation is O(1) but for chains of equal hashes, which the
 * table limits bound.
 *
 * uthash gives a table's memory back with its last entry, which on a quiet node would be once an event: an
 * anchor that is no event keeps the table of pending ones.
 *
 * A node without pending events holds nothing but its clock, so the least recently used one of these is given
 * up when there are too many. Its number is never given out again: ids of finished events that name it match
 * nothing any more.
 */
#define HASH_NONFATAL_OOM 1
/* uthash's own works byte by byte, which was a tenth of the cost of a record that nobody wants */
#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = audit_lane_hash(keyptr, keylen))
#include <stddef.h>
#include <stdint.h>
static unsigned audit_lane_hash(const void *key, size_t len);
#include "normalize/audit_lane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/*
 * Eight bytes a step, multiplied and folded (the constant is 2^64 over the golden ratio). Whoever picks his
 * serials can make collisions, as with any hash without a secret: the limits on the tables bound what they
 * cost.
 */
static unsigned audit_lane_hash(const void *key, size_t len)
{
    const char *p = key;
    uint64_t hash = len, word;

    for (; len > 0; p += sizeof(word)) {
        size_t n = MIN(len, sizeof(word));

        word = 0;
        memcpy(&word, p, n);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
        len -= n;
    }
    return (unsigned)hash;
}

int audit_lane_init(struct audit_lane *lane)
{
    _cleanup_(freep) struct audit_finished *ring = calloc(AUDIT_MAX_FINISHED, sizeof(*ring));
    _cleanup_(freep) struct audit_pending *anchor = calloc(1, sizeof(*anchor));

    if (!ring || !anchor)
        return -ENOMEM;
    *lane = (struct audit_lane){0};
    anchor->key.node_id = UINT64_MAX; /* no node's */
    HASH_ADD(hh, lane->pending, key, sizeof(anchor->key), anchor);
    if (!anchor->hh.tbl)
        return -ENOMEM;
    lane->ring = TAKE_PTR(ring);
    lane->anchor = TAKE_PTR(anchor);
    return 0;
}

void audit_lane_done(struct audit_lane *lane)
{
    struct audit_node *node, *next_node;
    struct audit_pending *p, *next;

    HASH_CLEAR(hh, lane->finished);
    HASH_CLEAR(hh, lane->pending);
    for (p = lane->first; p; p = next) {
        next = p->next;
        audit_event_done(&p->event);
        free(p);
    }
    HASH_ITER(hh, lane->nodes, node, next_node)
    {
        HASH_DEL(lane->nodes, node);
        free(node);
    }
    free(lane->ring);
    free(lane->anchor);
    *lane = (struct audit_lane){0};
}

#define LIST_APPEND(first_, last_, el, prev_, next_)                                                         \
    do {                                                                                                     \
        (el)->prev_ = (last_);                                                                               \
        (el)->next_ = NULL;                                                                                  \
        if (last_)                                                                                           \
            (last_)->next_ = (el);                                                                           \
        else                                                                                                 \
            (first_) = (el);                                                                                 \
        (last_) = (el);                                                                                      \
    } while (0)

#define LIST_REMOVE(first_, last_, el, prev_, next_)                                                         \
    do {                                                                                                     \
        if ((el)->prev_)                                                                                     \
            (el)->prev_->next_ = (el)->next_;                                                                \
        else                                                                                                 \
            (first_) = (el)->next_;                                                                          \
        if ((el)->next_)                                                                                     \
            (el)->next_->prev_ = (el)->prev_;                                                                \
        else                                                                                                 \
            (last_) = (el)->prev_;                                                                           \
    } while (0)

int audit_lane_add_node(struct audit_lane *lane, struct slice name, uint64_t id, struct audit_node **ret_node)
{
    _cleanup_(freep) struct audit_node *node = NULL;
    struct audit_node *idle = lane->idle_first;

    if (HASH_COUNT(lane->nodes) >= AUDIT_MAX_NODES && idle) {
        LIST_REMOVE(lane->idle_first, lane->idle_last, idle, idle_prev, idle_next);
        HASH_DEL(lane->nodes, idle);
        if (lane->recent_node == idle)
            lane->recent_node = NULL;
        free(idle);
    }
    node = calloc(1, sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->id = id;
    node->name_len = name.len;
    if (name.len > 0)
        memcpy(node->name, name.data, name.len);
    HASH_ADD_KEYPTR(hh, lane->nodes, node->name, node->name_len, node);
    if (!node->hh.tbl) /* uthash's sign of a failed allocation */
        return -ENOMEM;
    LIST_APPEND(lane->idle_first, lane->idle_last, node, idle_prev, idle_next);
    *ret_node = TAKE_PTR(node);
    return 0;
}

struct audit_node *audit_lane_find_node(const struct audit_lane *lane, struct slice name)
{
    const char *bytes = name.len > 0 ? name.data : "";
    struct audit_node *node;

    HASH_FIND(hh, lane->nodes, bytes, name.len, node);
    return node;
}

int audit_lane_reach_node(struct audit_lane *lane, struct slice name, struct audit_node **ret_node)
{
    struct audit_node *node = lane->recent_node;
    int r;

    if (!node || !slice_equal(slice_new(node->name, node->name_len), name))
        node = audit_lane_find_node(lane, name);
    if (!node) {
        r = audit_lane_add_node(lane, name, lane->next_node_id++, &node);
        if (r < 0)
            return r;
    }
    lane->recent_node = node;
    if (!node->first && node != lane->idle_last) {
        LIST_REMOVE(lane->idle_first, lane->idle_last, node, idle_prev, idle_next);
        LIST_APPEND(lane->idle_first, lane->idle_last, node, idle_prev, idle_next);
    }
    *ret_node = node;
    return 0;
}

struct audit_key audit_key_new(const struct audit_node *node, int64_t time_usec, uint64_t serial)
{
    return (struct audit_key){.time_usec = time_usec, .serial = serial, .node_id = node->id};
}

struct audit_pending *audit_lane_find_pending(const struct audit_lane *lane, const struct audit_key *key)
{
    struct audit_pending *p;

    HASH_FIND(hh, lane->pending, key, sizeof(*key), p);
    return p;
}

int audit_lane_add_pending(struct audit_lane *lane, struct audit_pending *p)
{
    struct audit_node *node = p->node;

    HASH_ADD(hh, lane->pending, key, sizeof(p->key), p);
    if (!p->hh.tbl)
        return -ENOMEM;
    if (!node->first)
        LIST_REMOVE(lane->idle_first, lane->idle_last, node, idle_prev, idle_next);
    LIST_APPEND(node->first, node->last, p, node_prev, node_next);
    LIST_APPEND(lane->first, lane->last, p, prev, next);
    return 0;
}

void audit_lane_remove_pending(struct audit_lane *lane, struct audit_pending *p)
{
    struct audit_node *node = p->node;

    HASH_DEL(lane->pending, p);
    LIST_REMOVE(lane->first, lane->last, p, prev, next);
    LIST_REMOVE(node->first, node->last, p, node_prev, node_next);
    if (!node->first)
        LIST_APPEND(lane->idle_first, lane->idle_last, node, idle_prev, idle_next);
}

struct audit_pending *audit_lane_find_overdue(const struct audit_lane *lane, const struct audit_node *node)
{
    if (node->first && audit_clock_is_past(&node->clock, node->first->node_due))
        return node->first;
    if (lane->first && audit_clock_is_past(&lane->clock, lane->first->lane_due))
        return lane->first;
    return NULL;
}

struct audit_finished *audit_lane_find_finished(const struct audit_lane *lane, const struct audit_key *key)
{
    struct audit_finished *f = &lane->ring[(lane->ring_at + AUDIT_MAX_FINISHED - 1) % AUDIT_MAX_FINISHED];

    /* mostly the one that ended last: its records follow each other */
    if (f->hh.tbl && memcmp(&f->key, key, sizeof(*key)) == 0)
        return f;
    HASH_FIND(hh, lane->finished, key, sizeof(*key), f);
    return f;
}

static int remember(struct audit_lane *lane, const struct audit_finished *finished)
{
    struct audit_finished *f = &lane->ring[lane->ring_at];

    if (f->hh.tbl)
        HASH_DEL(lane->finished, f);
    *f = *finished;
    HASH_ADD(hh, lane->finished, key, sizeof(f->key), f);
    if (!f->hh.tbl)
        return -ENOMEM;
    lane->n_ring = MAX(lane->n_ring, lane->ring_at + 1);
    lane->ring_at = (lane->ring_at + 1) % AUDIT_MAX_FINISHED;
    return 0;
}

int audit_lane_add_finished(struct audit_lane *lane, const struct audit_key *key, bool is_start,
                            unsigned kinds)
{
    return remember(lane, &(struct audit_finished){.key = *key, .is_start = is_start, .kinds = kinds});
}

int audit_lane_add_gated(struct audit_lane *lane, const struct audit_key *key)
{
    return remember(lane, &(struct audit_finished){.key = *key, .is_gated = true});
}
