/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_COUNTER_H
#define HAPAX_DETECT_COUNTER_H

/*
 * Counters of the novelty detector: in how many buckets something was seen, older ones weighing less. A
 * bucket counts once. Two kinds: struct counter for what belongs to one user or host (a set of buckets),
 * struct series for sums over the fleet (a number a bucket). All zeroes is an empty one.
 */

#include <stdbool.h>
#include <stdint.h>

/* Buckets kept one by one: the newest and those of the 16 hours before it. */
#define COUNTER_RECENT_BUCKETS 65U

/* of an addend of a sum; with half of it kept for the epoch before, sums are exact up to 2^31 */
#define COUNTER_SUM_PART 0x1p-20

/* What an age in buckets weighs; made once by decay_init. */
struct decay {
    uint32_t half_life;  /* buckets */
    bool is_exact;       /* reproduce the reference: decay by seconds, not by buckets; no late events */
    double log_rate;     /* ln 2 / half-life, a second */
    double fine[256];    /* by age */
    double coarse[1024]; /* by age / 256 */
    double grown_fine[256], grown_coarse[256]; /* the other way: 2^(age / half-life), up to a half-life */
    double bits[8][256];                       /* sum of what the bits of one byte of a counter weigh */
    struct {                                   /* what does not change within a bucket: see decay_move */
        uint32_t bucket;                       /* UINT32_MAX: none */
        uint64_t epoch;
        double weight; /* of what a sum of this epoch holds */
        double grown;  /* what the bucket weighs in the unit of its epoch */
    } present;
};

/* A point of the stream. */
struct moment {
    double seconds;  /* since the epoch */
    uint32_t bucket; /* of 15 minutes */
};

struct counter {
    double value; /* of all buckets older than the recent ones, as of the newest of them (exact: as of
                     seconds) */
    union {
        uint64_t recent; /* bit i: bucket last - 1 - i; the last is always there */
        double seconds;  /* exact: when value was true */
    };
    uint32_t last;         /* newest bucket */
    uint32_t lag : 24;     /* last - newest bucket that is in value; enough for 470 years */
    uint32_t n_folded : 8; /* buckets of that one's day in value */
};

void decay_init(struct decay *decay, double half_life_seconds, bool is_exact);
/* The following calls are about this bucket, most of them: they give what they gave before, sooner. */
void decay_move(struct decay *decay, uint32_t bucket);
/* What a bucket this old weighs: 2^(-age / half-life). */
static inline double decay_weight(const struct decay *decay, uint32_t age)
{
    return age >= 256U * 1024U ? 0 : decay->coarse[age >> 8] * decay->fine[age & 255];
}

/*
 * The decayed number of buckets at a moment that is not before the last one. max_a_day: of the buckets of one
 * day (UTC) only the first ones count; 0: all. The same max_a_day must be given to all calls for a counter.
 */
double counter_value(const struct decay *decay, const struct counter *counter, unsigned max_a_day,
                     struct moment now);
/*
 * Counts a bucket. True: it is new. False: known, or older than COUNTER_RECENT_BUCKETS. Whatever the order of
 * calls within that, the bytes of the counter are the same.
 */
bool counter_add(const struct decay *decay, struct counter *counter, unsigned max_a_day, struct moment when);
/* As counter_add without a cap; but exact: one more, whatever the bucket. */
bool counter_sum(const struct decay *decay, struct counter *counter, struct moment when);
/* Whether the day of a recent bucket has more than count: a new one adds one that does not, itself or, where
 * it is late, another. */
bool counter_is_capped(const struct counter *counter, unsigned max_a_day, uint32_t bucket);
/* Whether the bucket is one of the recent ones. */
bool counter_has(const struct counter *counter, uint32_t bucket);
/* The newest bucket before this one among the recent ones and the last that went; UINT32_MAX: none. */
uint32_t counter_previous(const struct counter *counter, uint32_t bucket);

static inline bool counter_is_empty(const struct counter *counter)
{
    return counter->last == 0;
}

/* A sum that halves with each half-life. All zeroes is 0. */
struct sum {
    double value; /* in the weights of its epoch (exact: as of seconds) */
    union {
        uint64_t epoch; /* a whole number of half-lives since 1970 */
        double seconds;
    };
};

/* What sum_value does where the bucket or the epoch is not the present one. */
double sum_value_elsewhere(const struct decay *decay, const struct sum *sum, struct moment now);

static inline double sum_value(const struct decay *decay, const struct sum *sum, struct moment now)
{
    if (now.bucket == decay->present.bucket && sum->epoch == decay->present.epoch)
        return sum->value * decay->present.weight;
    return sum_value_elsewhere(decay, sum, now);
}

/* v, not negative, to a multiple of COUNTER_SUM_PART: exact in a double up to 2^32. A conversion is the floor
 * that needs no call. */
static inline double sum_rounded(double v)
{
    return v < 0x1p32 ? (double)(int64_t)(v / COUNTER_SUM_PART + 0.5) * COUNTER_SUM_PART : v;
}

/* What sum_add does where the bucket or the epoch is not the present one. */
void sum_add_elsewhere(const struct decay *decay, struct sum *sum, struct moment when, double amount);

/*
 * Adds so much (not negative) in this bucket. The order of calls within one half-life does not change a bit
 * of the sum, for amounts that are multiples of 2^-20 (others are rounded to one).
 */
static inline void sum_add(const struct decay *decay, struct sum *sum, struct moment when, double amount)
{
    if (when.bucket == decay->present.bucket && sum->epoch == decay->present.epoch)
        sum->value += sum_rounded(amount * decay->present.grown);
    else
        sum_add_elsewhere(decay, sum, when, amount);
}

#endif
