/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A decayed count that does not depend on the order in which its buckets became known. The usual pair (value,
 * time) cannot have that: a late bucket would have to be weighed back, a repeated one cannot be told from a
 * new one, and a sum of doubles depends on its order. So the last 64 buckets (16 hours, the lateness) are
 * kept as bits. A bucket leaves them for the value when a newer one pushes it out, oldest first; the value is
 * then always the same chain of operations, in order of time. Reading multiplies and adds: eight table
 * look-ups for the bits, two for the rest.
 *
 * A cap on the buckets of one day takes the value of repetition: who runs a command in every quarter of an
 * hour is known after a day as well as somebody who ran it in a few of them, no better. The first of a day
 * count, so that what is known does not depend on what still comes.
 *
 * A sum keeps its order by being exact: addends are rounded to 2^-20 of the weight that a bucket has in its
 * own half-life (an epoch), and a double adds multiples of 2^-21 below 2^31 without rounding. An epoch later
 * all is halved, which is exact too, and what is smaller than the smallest late addend is cut.
 *
 * Exact mode computes what the reference does, value * exp(-l * dt) in seconds, and counts a bucket once only
 * against the last one. It exists to be compared, and knows no late events.
 *
 * Space: 24 bytes a counter. A weight below 2^-87 (a bucket seven years ago) is 0.
 */
#include "detect/counter.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "util/cleanup.h"

#define BUCKET_SECONDS  900.0
#define BUCKETS_PER_DAY 96U
#define LAG_MAX         ((1U << 24) - 1)
#define N_FOLDED_MAX    255U
/* times a byte: that byte in all eight */
#define EACH_BYTE UINT64_C(0x0101010101010101)

void decay_init(struct decay *decay, double half_life_seconds, bool is_exact)
{
    const double a_bucket = 1 / fmax(1, floor(half_life_seconds / BUCKET_SECONDS + 0.5));

    decay->is_exact = is_exact;
    decay->half_life = (uint32_t)fmax(1, floor(half_life_seconds / BUCKET_SECONDS + 0.5));
    decay->log_rate = log(2) / half_life_seconds;
    decay->present.bucket = UINT32_MAX;
    for (unsigned i = 0; i < 256; i++)
        decay->fine[i] = exp2(-a_bucket * i);
    for (unsigned i = 0; i < 1024; i++)
        decay->coarse[i] = exp2(-a_bucket * 256 * i);
    for (unsigned i = 0; i < 256; i++) {
        decay->grown_fine[i] = exp2(a_bucket * i);
        decay->grown_coarse[i] = exp2(fmin(1, a_bucket * 256 * i)); /* beyond a half-life: not used */
    }
    for (unsigned byte = 0; byte < 8; byte++)
        for (unsigned v = 0; v < 256; v++) {
            decay->bits[byte][v] = 0;
            for (unsigned bit = 0; bit < 8; bit++)
                if (v >> bit & 1)
                    decay->bits[byte][v] += decay->fine[8 * byte + bit];
        }
}

static double exact_value(const struct decay *decay, double value, double then, double now)
{
    return value > 0 ? value * exp(-decay->log_rate * (now - then)) : 0;
}

/* By pairs, nibbles, bytes (Warren, Hacker's Delight, 5-1): without an instruction for it, which the baseline
 * of x86-64 lacks, the builtin is a call. */
static uint64_t byte_sums(uint64_t bits)
{
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return bits * EACH_BYTE; /* byte i: the bits of bytes 0 to i */
}

static unsigned n_bits(uint64_t bits)
{
    return (unsigned)(byte_sums(bits) >> 56);
}

/* Only the first `allowed` of these buckets. Bit 0 is the newest: the lowest bits go. The byte in which the
 * last of them is, is found in the running sums of bits by byte; what is left is a few bits of one byte. */
static uint64_t first_bits(uint64_t bits, unsigned allowed)
{
    const uint64_t sums = byte_sums(bits);
    const unsigned n = (unsigned)(sums >> 56);
    unsigned excess, byte;

    if (n <= allowed)
        return bits;
    if (allowed == 0)
        return 0;
    excess = n - allowed; /* below 64, as sums are at most: no byte of the difference borrows from the next */
    byte = (unsigned)__builtin_ctzll(((sums | EACH_BYTE * 0x80) - EACH_BYTE * excess) & EACH_BYTE * 0x80) / 8;
    if (byte > 0) {
        excess -= (unsigned)(sums >> 8 * (byte - 1)) & 255;
        bits = bits >> 8 * byte << 8 * byte;
    }
    for (; excess > 0; excess--)
        bits &= bits - 1;
    return bits;
}

/* The recent buckets touch two days at most, that of the last and the one before: the bits of the former, and
 * how many buckets of either may count. */
static uint64_t split_days(const struct counter *c, unsigned max_a_day, unsigned ret_left[2])
{
    const unsigned in_day = c->last % BUCKETS_PER_DAY;
    const uint64_t today = in_day >= 64 ? UINT64_MAX : (UINT64_C(1) << in_day) - 1;
    const uint32_t day = c->last / BUCKETS_PER_DAY, folded_day = (c->last - c->lag) / BUCKETS_PER_DAY;

    ret_left[0] = ret_left[1] = max_a_day;
    if (c->value > 0 && day - folded_day < 2)
        ret_left[day - folded_day] = c->n_folded < max_a_day ? max_a_day - c->n_folded : 0;
    return today;
}

/* The recent buckets that count under the cap. */
static uint64_t capped_bits(const struct counter *c, unsigned max_a_day, bool *ret_has_last)
{
    unsigned left[2];
    const uint64_t today = split_days(c, max_a_day, left);

    *ret_has_last = n_bits(c->recent & today) < left[0];
    return first_bits(c->recent & today, left[0]) | first_bits(c->recent & ~today, left[1]);
}

/* Two chains of additions, and no branch that could be guessed wrong: this is most of what a read costs. */
static double bits_value(const struct decay *decay, uint64_t bits)
{
    const double near = decay->bits[0][bits & 255] + decay->bits[1][bits >> 8 & 255] +
                        decay->bits[2][bits >> 16 & 255] + decay->bits[3][bits >> 24 & 255];
    const double far = decay->bits[4][bits >> 32 & 255] + decay->bits[5][bits >> 40 & 255] +
                       decay->bits[6][bits >> 48 & 255] + decay->bits[7][bits >> 56];

    return near + far;
}

/* Twelve of them an event: inlined, so that the one that has no cap saves no registers. */
__attribute__((always_inline)) static inline double value_of(const struct decay *decay,
                                                             const struct counter *c, uint64_t bits,
                                                             double last, struct moment now)
{
    double sum = bits != 0 ? bits_value(decay, bits) * decay->fine[1] + last : last;

    if (c->value > 0)
        sum += c->value * decay_weight(decay, c->lag);
    return now.bucket > c->last ? sum * decay_weight(decay, now.bucket - c->last) : sum;
}

__attribute__((noinline)) static double capped_value(const struct decay *decay, const struct counter *c,
                                                     unsigned max_a_day, struct moment now)
{
    bool has_last;
    const uint64_t bits = capped_bits(c, max_a_day, &has_last);

    return value_of(decay, c, bits, has_last ? 1 : 0, now);
}

double counter_value(const struct decay *decay, const struct counter *c, unsigned max_a_day,
                     struct moment now)
{
    if (counter_is_empty(c))
        return 0;
    if (decay->is_exact)
        return exact_value(decay, c->value, c->seconds, now.seconds);
    if (max_a_day > 0 && n_bits(c->recent) + c->n_folded >= max_a_day)
        return capped_value(decay, c, max_a_day, now);
    return value_of(decay, c, c->recent, 1, now);
}

/* One bucket, newer than all in the value, leaves the bits. */
static void fold(const struct decay *decay, struct counter *c, unsigned max_a_day, uint32_t bucket)
{
    const uint32_t newest = c->last - c->lag;
    const bool is_same_day = c->value > 0 && bucket / BUCKETS_PER_DAY == newest / BUCKETS_PER_DAY;

    if (max_a_day > 0 && is_same_day && c->n_folded >= max_a_day)
        return;
    if (c->value > 0)
        c->value *= decay_weight(decay, bucket - newest);
    c->value += 1;
    c->n_folded = is_same_day && c->n_folded < N_FOLDED_MAX ? c->n_folded + 1U : 1U;
    c->lag = c->last - bucket;
}

static void move_on(const struct decay *decay, struct counter *c, unsigned max_a_day, uint32_t bucket)
{
    const uint32_t by = bucket - c->last;
    uint64_t leaving = by >= 64 ? c->recent : c->recent & ~(UINT64_MAX >> by);

    while (leaving != 0) {
        const unsigned bit = 63U - (unsigned)__builtin_clzll(leaving);

        fold(decay, c, max_a_day, c->last - 1 - bit);
        leaving &= ~(UINT64_C(1) << bit);
    }
    if (by >= COUNTER_RECENT_BUCKETS)
        fold(decay, c, max_a_day, c->last);
    c->recent = by >= 64 ? 0 : c->recent << by;
    if (by < COUNTER_RECENT_BUCKETS)
        c->recent |= UINT64_C(1) << (by - 1);
    c->lag = c->value > 0 ? (by > LAG_MAX - c->lag ? LAG_MAX : c->lag + by) : 0;
    c->last = bucket;
}

bool counter_add(const struct decay *decay, struct counter *c, unsigned max_a_day, struct moment when)
{
    uint64_t bit;

    if (decay->is_exact) {
        if (c->last == when.bucket)
            return false;
        c->value = exact_value(decay, c->value, c->seconds, when.seconds) + 1;
        c->seconds = when.seconds;
        c->last = when.bucket;
        return true;
    }
    if (counter_is_empty(c)) {
        c->last = when.bucket;
        return true;
    }
    if (when.bucket > c->last) {
        move_on(decay, c, max_a_day, when.bucket);
        return true;
    }
    if (when.bucket == c->last || c->last - when.bucket >= COUNTER_RECENT_BUCKETS)
        return false;
    bit = UINT64_C(1) << (c->last - when.bucket - 1);
    if (c->recent & bit)
        return false;
    c->recent |= bit;
    return true;
}

bool counter_sum(const struct decay *decay, struct counter *c, struct moment when)
{
    if (decay->is_exact)
        c->last = 0;
    return counter_add(decay, c, 0, when);
}

bool counter_is_capped(const struct counter *c, unsigned max_a_day, uint32_t bucket)
{
    const bool is_today = bucket / BUCKETS_PER_DAY == c->last / BUCKETS_PER_DAY;
    unsigned left[2];
    uint64_t today;

    if (max_a_day == 0 || n_bits(c->recent) + c->n_folded < max_a_day)
        return false;
    today = split_days(c, max_a_day, left);
    return is_today ? n_bits(c->recent & today) >= left[0] : n_bits(c->recent & ~today) > left[1];
}

bool counter_has(const struct counter *c, uint32_t bucket)
{
    if (counter_is_empty(c) || bucket > c->last || c->last - bucket >= COUNTER_RECENT_BUCKETS)
        return false;
    return bucket == c->last || (c->recent >> (c->last - bucket - 1) & 1);
}

uint32_t counter_previous(const struct counter *c, uint32_t bucket)
{
    uint64_t older = c->recent;

    if (counter_is_empty(c))
        return UINT32_MAX;
    if (bucket > c->last)
        return c->last;
    if (c->last - bucket >= 64)
        older = 0;
    else
        older &= ~((UINT64_C(1) << (c->last - bucket)) - 1); /* ages above that of the bucket */
    if (older != 0)
        return c->last - 1 - (uint32_t)__builtin_ctzll(older);
    return c->value > 0 ? c->last - c->lag : UINT32_MAX;
}

/* What a bucket weighs in the unit of its own epoch, 1 to 2. */
static double grown(const struct decay *decay, uint32_t bucket)
{
    const uint32_t age = bucket % decay->half_life;

    return decay->grown_coarse[age >> 8] * decay->grown_fine[age & 255];
}

void decay_move(struct decay *decay, uint32_t bucket)
{
    if (decay->is_exact || bucket == decay->present.bucket)
        return;
    decay->present.bucket = bucket;
    decay->present.epoch = bucket / decay->half_life;
    decay->present.weight = decay_weight(decay, bucket % decay->half_life);
    decay->present.grown = sum_rounded(grown(decay, bucket));
}

double sum_value_elsewhere(const struct decay *decay, const struct sum *sum, struct moment now)
{
    if (decay->is_exact)
        return exact_value(decay, sum->value, sum->seconds, now.seconds);
    if (!(sum->value > 0))
        return 0;
    return sum->value * decay_weight(decay, now.bucket - (uint32_t)sum->epoch * decay->half_life);
}

void sum_add_elsewhere(const struct decay *decay, struct sum *sum, struct moment when, double amount)
{
    const uint64_t epoch = when.bucket / decay->half_life;

    if (decay->is_exact) {
        sum->value = exact_value(decay, sum->value, sum->seconds, when.seconds) + amount;
        sum->seconds = when.seconds;
        return;
    }
    if (epoch > sum->epoch) {
        /* what an earlier epoch can still add is a multiple of this, so cutting what is smaller commutes */
        sum->value =
            floor(ldexp(sum->value, -(int)MIN(epoch - sum->epoch, (uint64_t)1000)) / COUNTER_SUM_PART * 2) *
            (COUNTER_SUM_PART / 2);
        sum->epoch = epoch;
    }
    amount = sum_rounded(amount * sum_rounded(grown(decay, when.bucket)));
    sum->value += epoch == sum->epoch ? amount : ldexp(amount, -(int)MIN(sum->epoch - epoch, (uint64_t)1000));
}
