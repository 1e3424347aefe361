/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_AUDIT_LANE_H
#define HAPAX_NORMALIZE_AUDIT_LANE_H

/*
 * The tables of the assembler, all bounded: nodes with their clocks, events pending, ids of events that are
 * over. There is one set of them (a lane) for records that anyone could have written and one for the others,
 * so that the former can neither join, end, hide nor push out an event of the latter.
 */

#include <uthash.h>

#include "normalize/audit_clock.h"
#include "normalize/audit_event.h"

/* HOST_NAME_MAX is 64, a DNS name has at most 255 bytes (RFC 1035 section 2.3.4) */
#define AUDIT_MAX_NODE_BYTES 255U
/* chosen: more than can have events pending, so that one without can always be given up */
#define AUDIT_MAX_NODES         8192U
#define AUDIT_MAX_PENDING       4096U
#define AUDIT_MAX_PENDING_BYTES (32U << 20)
/* chosen: late records and journald's second copies come within a few events */
#define AUDIT_MAX_FINISHED 4096U

struct audit_pending;

/* Where records come from: the node they name, else the host of the wrapping. */
struct audit_node {
    uint64_t id; /* never used again */
    struct audit_clock clock;
    struct audit_pending *first, *last; /* in order of arrival, and so of node_due */
    uint32_t saved_at;                  /* scratch of audit_state.c */
    struct audit_node *idle_prev, *idle_next;
    UT_hash_handle hh;
    size_t name_len;
    char name[AUDIT_MAX_NODE_BYTES];
};

/* An event's id within a lane. Every byte is hashed: zero the whole before filling it. */
struct audit_key {
    int64_t time_usec;
    uint64_t serial;
    uint64_t node_id;
};

struct audit_pending {
    struct audit_key key;
    struct audit_node *node;
    struct audit_event event;
    size_t bytes;       /* counted in the assembler's n_bytes */
    uint64_t n_counted; /* of its records, counted n_used in the stats of this process */
    uint64_t node_due;  /* ticks of the node's, the lane's and the wall clock */
    uint64_t lane_due, wall_due;
    struct audit_pending *node_prev, *node_next;
    struct audit_pending *prev, *next;
    UT_hash_handle hh;
};

struct audit_finished {
    struct audit_key key;
    bool is_start;  /* was handed over; else it was another event's, or had no SYSCALL */
    bool is_gated;  /* nobody wanted it; not saved: it decides what its late records are counted as */
    unsigned kinds; /* that came, whole: more of them are duplicates */
    UT_hash_handle hh;
};

struct audit_lane {
    struct audit_clock clock;
    uint64_t next_node_id;
    struct audit_node *nodes;                  /* by name */
    struct audit_node *idle_first, *idle_last; /* without pending events, least recently used first */
    struct audit_pending *pending;             /* by key */
    struct audit_pending *anchor;              /* in pending, and in no list */
    struct audit_pending *first, *last;        /* in order of arrival */
    struct audit_finished *finished;           /* by key */
    struct audit_finished *ring;               /* AUDIT_MAX_FINISHED entries */
    struct audit_node *recent_node;            /* the last one reached, NULL: none; records come in runs */
    uint32_t n_ring, ring_at;                  /* used entries; the next to write */
};

int audit_lane_init(struct audit_lane *lane) _warn_unused_;
void audit_lane_done(struct audit_lane *lane);

struct audit_node *audit_lane_find_node(const struct audit_lane *lane, struct slice name);
/* The node of that name (at most AUDIT_MAX_NODE_BYTES), made where there is none. */
int audit_lane_reach_node(struct audit_lane *lane, struct slice name,
                          struct audit_node **ret_node) _warn_unused_;
/* With a given id: for loading. */
int audit_lane_add_node(struct audit_lane *lane, struct slice name, uint64_t id,
                        struct audit_node **ret_node) _warn_unused_;

struct audit_key audit_key_new(const struct audit_node *node, int64_t time_usec, uint64_t serial);

struct audit_pending *audit_lane_find_pending(const struct audit_lane *lane, const struct audit_key *key);
/* Enters a pending event (key, node and dues are set) at the end of its lists. 0 or -ENOMEM. */
int audit_lane_add_pending(struct audit_lane *lane, struct audit_pending *p) _warn_unused_;
void audit_lane_remove_pending(struct audit_lane *lane, struct audit_pending *p);
/* The next event that the clock of the node, or of the lane, shows to be overdue; NULL where none is. */
struct audit_pending *audit_lane_find_overdue(const struct audit_lane *lane, const struct audit_node *node);

struct audit_finished *audit_lane_find_finished(const struct audit_lane *lane, const struct audit_key *key);
/* Remembers an id in the place of the oldest. 0 or -ENOMEM. */
int audit_lane_add_finished(struct audit_lane *lane, const struct audit_key *key, bool is_start,
                            unsigned kinds) _warn_unused_;
/* The same for an event that nobody wants. */
int audit_lane_add_gated(struct audit_lane *lane, const struct audit_key *key) _warn_unused_;

#endif
