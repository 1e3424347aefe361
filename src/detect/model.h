/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_MODEL_H
#define HAPAX_DETECT_MODEL_H

/*
 * The memory of the rare detector: populations of users, each with its weight, in either way of forgetting.
 * Knows nothing of events and verdicts. Time is a bucket number (time / bucket span, from the epoch).
 */

#include <stdbool.h>
#include <stdint.h>

#include "detect/heap.h"
#include "detect/rarity.h"
#include "detect/tail.h"
#include "event/event.h"
#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/slice.h"
#include "util/table.h"

enum forget {
    FORGET_WINDOW, /* a user-bucket older than the window weighs nothing */
    FORGET_DECAY,  /* every active bucket takes a little off every weight */
};

/* Names (of users, of partitions) are at most this long, the caller cuts: sysconf(3) LOGIN_NAME_MAX and
 * HOST_NAME_MAX are at most 256, container names do not reach 1000. */
#define MODEL_MAX_NAME_BYTES 1024U

/* "There is no such bucket" */
#define BUCKET_NONE INT64_C(-1)

struct population;
struct influence;

/* What a user has done in the open bucket. */
struct presence {
    uint64_t n_events;
    struct buffer event; /* the last one, as event_save wrote it */
    double probability;  /* as of population version; not state: it can be computed again */
    uint64_t version;
    /* what occurred with the user: see rare_note. Its own name first; the last one of each field is at hand
     */
    struct influence **influences, *last_influence[3];
    uint32_t n_influences, influences_size, n_of_field[3];
};

/* What the model holds of one user. */
struct member {
    UT_hash_handle hh;
    struct population *population;
    struct slice name; /* behind the struct */
    double weight; /* window: buckets that count; decay: in the population's own unit, see population_unit */
    int64_t first_bucket, last_bucket;
    int64_t previous_bucket; /* decay: the one before last_bucket; BUCKET_NONE: none */
    double greatest_raw;     /* the user's own maximum, as it was in greatest_bucket */
    int64_t greatest_bucket; /* BUCKET_NONE: none */
    int64_t *alerted;        /* buckets with an alert that may still see an event */
    size_t n_alerted;
    struct presence *presence; /* NULL: not in the open bucket */
    uint64_t *bits;            /* window: one bit for each bucket, at bucket mod window */
    int64_t oldest_bucket;     /* window: the first with a bit */
    size_t rank, expiry;       /* places in heaps */
    bool is_dirty;
    struct member *prev, *next; /* in the list of dirty ones */
};

/* Users who are compared with each other. */
struct population {
    UT_hash_handle hh;
    struct slice key; /* kind byte and partition, behind the struct */
    struct slice partition;
    int kind; /* populations: kinds: enum actor_kind; else 0 */
    struct member *members;
    size_t n_members, n_present;
    struct curve curve;
    bool is_curve_stale;
    struct heap ranks;     /* members, the least informative first */
    int64_t last_bucket;   /* of any member */
    int64_t start_bucket;  /* decay: the first whole bucket */
    int64_t n_active;      /* decay: closed buckets with an event */
    int64_t base;          /* decay: the value of n_active whose buckets weigh 1 in the unit of weights */
    int64_t closed_bucket; /* the last one population_close was called for; its caller's, not state */
    uint64_t version;      /* changes with every weight */
    struct tally tally;    /* of the bucket that closes; its caller's, not state */
    size_t rank;           /* place in a heap */
    bool is_dirty;
    struct population *prev, *next;
};

struct model {
    /* set by the owner before model_init */
    enum forget forget;
    int64_t n_window; /* buckets */
    double lambda;
    size_t max_users;   /* a population */
    int64_t max_growth; /* window: of a weight in a day; 0: without limit */
    int64_t span_usec;  /* of a bucket, for max_growth */

    struct population *populations;
    size_t n_members;              /* of all populations */
    int64_t now_bucket;            /* the open one, or the next to open; BUCKET_NONE before the first event */
    struct heap ranks;             /* populations, the one idle for longest first */
    struct heap expiries;          /* members, the one whose oldest bucket leaves first */
    struct population *last_found; /* a short way to it; NULL: none */
    bool is_now_dirty;
    bool is_restored; /* since the last model_advance: members may lie outside the window */
    struct member *dirty_members;
    struct population *dirty_populations;
    bool is_tracking;      /* someone has handed state out or in: what is deleted must be told */
    struct buffer deleted; /* of both: kind, partition, is a member, name */
    uint64_t n_evicted_users, n_evicted_populations;
    uint64_t n_capped; /* buckets of a user beyond max_growth, which weigh nothing */
};

/* Limit on the users of all populations together; chosen: about 700 bytes each with the default window. */
#define MODEL_MAX_MEMBERS 1000000U
/* Limit on populations; chosen: 100,000 hosts and room for some that come and go. About 1.5 KB each. */
#define MODEL_MAX_POPULATIONS 131072U

void model_init(struct model *model);
void model_done(struct model *model);

struct population *model_find_population(struct model *model, int kind, struct slice partition);
/*
 * A new, empty one. 0; 1 where the limit is reached and every population is in the open bucket; -ENOMEM.
 * is_limited false (restore): without limit.
 */
int model_add_population(struct model *model, int kind, struct slice partition, bool is_limited,
                         struct population **ret_population) _warn_unused_;

struct member *population_find(const struct population *population, struct slice name);
/*
 * A new one without weight; learn it at once. At the limit the least informative member goes: the smallest
 * weight, then the longest absent, then the first by name. 0; 1 where that one is in the open bucket;
 * -ENOMEM.
 */
int model_add_member(struct model *model, struct population *population, struct slice name, bool is_limited,
                     struct member **ret_member) _warn_unused_;

/*
 * The user has been seen in the bucket: weight one more, unless the bucket is known already. Bucket
 * is now_bucket, or with a window one of the n_window up to it. 0 or -ENOMEM.
 */
void model_learn(struct model *model, struct member *member, int64_t bucket);

/* The last bucket before this one, BUCKET_NONE where there is none. Not first_bucket alone: what is
 * remembered. */
int64_t member_previous_bucket(const struct model *model, const struct member *member, int64_t bucket);
/* The user's own greatest raw score as it counts in this bucket. */
double member_greatest_raw(const struct model *model, const struct member *member, int64_t bucket);

bool member_has_alerted(const struct member *member, int64_t bucket);
/* Forgets alerts before oldest. 0 or -ENOMEM. */
int member_add_alerted(struct member *member, int64_t bucket, int64_t oldest) _warn_unused_;

/* The curve, built if need be. 0 or -ENOMEM. */
int population_settle(struct population *population) _warn_unused_;
/* What one unit of weight is in user-buckets, the open bucket included. */
double population_unit(const struct model *model, const struct population *population);

/* Makes the member present; nothing where it is. 0 or -ENOMEM. */
int member_enter(struct member *member) _warn_unused_;
/* Ends the presence of a member; it stays in the model. */
void member_leave(struct member *member);
/* Nobody of this population is present any more: its open bucket is over, one more active one. 0 or -ENOMEM.
 */
int population_close(struct model *model, struct population *population) _warn_unused_;

/* An event of this population in the bucket: it is not idle. */
void population_use(struct model *model, struct population *population, int64_t bucket);

/* Moves now_bucket forward, never back; nobody may be present then. Forgets what leaves the window. 0 or
 * -ENOMEM.
 */
int model_advance(struct model *model, int64_t bucket) _warn_unused_;

/* The member may not be present, nor any member of the population. 0 or -ENOMEM. */
int model_drop_member(struct model *model, struct member *member) _warn_unused_;
int model_drop_population(struct model *model, struct population *population) _warn_unused_;

/* Puts it in the list of what has changed. */
void member_touch(struct model *model, struct member *member);
void population_touch(struct model *model, struct population *population);

/* For restore: the member's weight and buckets are written (its bits by member_set_bit): puts it where it
 * belongs. */
void model_place_member(struct model *model, struct member *member);

/* For state: the bits of a window, without any meaning of theirs. */
void member_set_bit(const struct model *model, struct member *member, int64_t bucket);
/* The same with its weight; last_bucket must not be before the bucket's day is over or the last bit. */
void member_learn_bit(const struct model *model, struct member *member, int64_t bucket);
/* The first bucket with a bit in [bucket, last_bucket], BUCKET_NONE where there is none. */
int64_t member_next_bit(const struct model *model, const struct member *member, int64_t bucket);

#endif
