/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_NOVELTY_TABLES_H
#define HAPAX_DETECT_NOVELTY_TABLES_H

/*
 * What the novelty detector remembers of users, hosts, and pairs of both. Each table has a limit; at the
 * limit the least informative entry goes and the newcomer finds its place.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detect/counter.h"
#include "detect/model.h" /* MODEL_MAX_NAME_BYTES, and uthash */
#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/slice.h"

/* Populations, enum actor_kind: people, services and numeric names are never compared with each other. */
#define NOVELTY_N_KINDS 3U

/* chosen: what one user or host can hold, 8 KiB; beyond it the slot that weighs least goes */
#define NOVELTY_MAX_SLOTS 256U
/* as the reference: bursts of more commands are counted as this many */
#define NOVELTY_MAX_BURST 8U
/* chosen: distinct commands of ten minutes, families of half an hour; more make no higher score */
#define NOVELTY_MAX_RECENTS 32U
/* chosen: more components than the model has */
#define NOVELTY_MAX_COMPONENTS 16U

/* What a slot counts: the high byte of its id. */
enum slot_kind {
    SLOT_FAMILY = 1,    /* user: buckets with a family */
    SLOT_COMMAND,       /* user: buckets with a command */
    SLOT_HOUR,          /* user: buckets in an hour of the day (reference: part of the week) */
    SLOT_WEEK,          /* user: buckets on weekdays, at weekends */
    SLOT_GROUP,         /* user: buckets on a group of hosts */
    SLOT_BURST,         /* user: buckets whose windows reached this many commands */
    SLOT_CONTEXT,       /* user: buckets in a context (as whom, terminal, parent): a hash of it */
    SLOT_NEW_TO_FAMILY, /* host: users of a kind new to a family */
    SLOT_NEW_TO_HOST,   /* host: users of a kind new on it */
};

#define SLOT_ID(kind, number) ((uint32_t)(kind) << 24 | ((uint32_t)(number)&0xffffffU))

/* Sorted by id. The ids stand behind the counters, in the same piece of memory: a search touches no others.
 */
struct slots {
    struct counter *counters;
    uint16_t n, size;
};

static inline uint32_t *slots_ids(const struct slots *slots)
{
    return (uint32_t *)(slots->counters + slots->size);
}

/* A thing and when it was last there. */
struct recent {
    uint32_t id;
    double seconds;
    double value; /* the greatest of what it was worth */
};

struct recents {
    struct recent *items;
    uint16_t n, size;
};

/* A chance of something new, learned as the ratio of what came to what was expected. */
struct ratio {
    struct sum observed, expected;
};

/* Where a user shows up that was new: a group of hosts, a host, a family on a host. */
enum place { PLACE_GROUP, PLACE_HOST, PLACE_FAMILY, N_PLACES };

/* How a command was started: as whom, from which terminal if any, by which parent. */
enum context { CONTEXT_AS, CONTEXT_TERMINAL, CONTEXT_PARENT, N_CONTEXTS };

enum entry_type { ENTRY_USER, ENTRY_HOST, ENTRY_PAIR, N_ENTRY_TYPES };

/* What the three tables have in common. */
struct entry {
    struct entry *prev, *next;             /* in a list by use, see struct tables */
    struct entry *prev_dirty, *next_dirty; /* in the list of what has changed */
    uint64_t sequence;                     /* number of the event that used it last */
    uint8_t type;
    bool is_established; /* seen in several buckets: goes after those that are not */
    bool is_dirty;
};

struct novel_pair;
struct host_group; /* surprise.h */

struct novel_user {
    struct entry entry;
    UT_hash_handle hh;
    struct slice key; /* kind byte and name, behind the struct */
    uint8_t kind;
    bool is_case_alerted;
    uint32_t case_bucket;  /* where the open case began; 0: none */
    double case_score;     /* the greatest of the case */
    double first_seconds;  /* first seen */
    struct counter active; /* buckets */
    struct sum commands;   /* buckets of commands */
    struct sum hosts;      /* buckets of hosts */
    struct sum windows;    /* buckets of ten-minute windows */
    struct sum moves;      /* hosts that were new */
    struct sum hours;      /* reference only: buckets of families */
    struct ratio new_to[N_PLACES];
    struct sum contexts[N_CONTEXTS]; /* buckets of contexts that were known */
    struct slots slots;
    struct recents families; /* new to the user */
    struct novel_pair *pairs;
};

struct novel_host {
    struct entry entry;
    UT_hash_handle hh;
    struct slice key; /* the name, behind the struct */
    double first_seconds;
    uint32_t group;               /* not state: from its name */
    struct host_group *group_met; /* of that number; NULL: not looked up yet */
    struct ratio new_here;
    struct slots slots;
    struct novel_pair *pairs;
};

/* What a pair does at present: freed when it has been quiet for a while. */
struct activity {
    struct novel_pair *prev, *next; /* of all active pairs, by use */
    struct recents commands;
    double seconds;   /* the stream's, when it was last used */
    uint32_t bucket;  /* of the unit */
    uint32_t windows; /* exact: last bucket in which it was counted, and each size of burst */
    uint32_t reached[NOVELTY_MAX_BURST + 1];
    double greatest[NOVELTY_MAX_COMPONENTS];
    uint64_t n_events; /* of the unit */
};

struct novel_pair {
    struct entry entry;
    UT_hash_handle hh;
    struct pair_key {
        struct novel_user *user;
        struct novel_host *host;
    } key;
    struct novel_pair *prev_of_user, *next_of_user, *prev_of_host, *next_of_host;
    struct counter presence;
    struct sum families; /* buckets of families */
    struct slots slots;  /* families */
    uint64_t alerted;    /* bit i: bucket alerted_last - i has alerted */
    uint32_t alerted_last;
    struct activity *activity; /* NULL: quiet */
};

struct table_list {
    struct entry *first; /* used longest ago */
};

struct tables {
    size_t limits[N_ENTRY_TYPES]; /* the owner's to set */
    size_t n[N_ENTRY_TYPES];
    uint64_t n_evicted[N_ENTRY_TYPES];
    struct novel_user *users;
    struct novel_host *hosts;
    struct novel_pair *pairs;
    struct table_list lists[N_ENTRY_TYPES][2]; /* [1]: established */
    struct entry *dirty;
    struct novel_pair *active; /* pairs with an activity, used longest ago first */
    uint64_t sequence;
    bool is_tracking;      /* state has been handed in or out: deletions must be told */
    bool is_restored;      /* lists are not in order */
    struct buffer deleted; /* state keys: see novelty_state.c */
};

void tables_init(struct tables *tables);
void tables_done(struct tables *tables);

static inline struct slice novel_user_name(const struct novel_user *user)
{
    return slice_skip(user->key, 1);
}

/*
 * The entry, made where there is none; *ret_is_new tells. At the limit the entry of its type that was used
 * longest ago goes, one that is not established if there is any. Neither user nor host of the call goes. 0
 * or -ENOMEM.
 */
int tables_user(struct tables *tables, uint8_t kind, struct slice name, bool *ret_is_new,
                struct novel_user **ret_user) _warn_unused_;
int tables_host(struct tables *tables, struct slice name, bool *ret_is_new,
                struct novel_host **ret_host) _warn_unused_;
int tables_pair(struct tables *tables, struct novel_user *user, struct novel_host *host, bool *ret_is_new,
                struct novel_pair **ret_pair) _warn_unused_;

struct novel_user *tables_find_user(const struct tables *tables, uint8_t kind, struct slice name);
struct novel_host *tables_find_host(const struct tables *tables, struct slice name);
struct novel_pair *tables_find_pair(const struct tables *tables, struct novel_user *user,
                                    struct novel_host *host);

/* The entry was used by the current event, and has changed. */
void tables_use(struct tables *tables, struct entry *entry);
void tables_establish(struct tables *tables, struct entry *entry);
/* Drops it, and the pairs of a user or host. 0 or -ENOMEM (only when tracking). */
int tables_drop(struct tables *tables, struct entry *entry) _warn_unused_;
/* After restore: the lists by use in the order of sequences. */
void tables_sort(struct tables *tables);

/* 0 or -ENOMEM. */
int tables_activate(struct tables *tables, struct novel_pair *pair) _warn_unused_;
void tables_deactivate(struct tables *tables, struct novel_pair *pair);

/* Where the first slot is whose id is not less; slots->n: there is none. */
size_t slots_first(const struct slots *slots, uint32_t id);
/* NULL where there is none. */
struct counter *slots_find(const struct slots *slots, uint32_t id);
/* The slot's counter, made where there is none; at the limit the counter that weighs least goes. */
int slots_get(struct slots *slots, const struct decay *decay, struct moment now, uint32_t id,
              struct counter **ret_counter) _warn_unused_;

/* Forgets what is older than `since`. */
void recents_expire(struct recents *recents, double since);
/* Its value is the greater of the known and the given one. At the limit (at most NOVELTY_MAX_RECENTS) the
 * oldest goes. 0 or -ENOMEM. */
int recents_set(struct recents *recents, uint32_t id, double seconds, double value,
                size_t limit) _warn_unused_;
/* The greatest value, half of the second, a quarter of the third … */
double recents_halved_sum(const struct recents *recents);

#endif
