/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Populations of users and how they forget.
 *
 * Window: a user's weight is the number of buckets of the window in which it was seen, from a ring of bits.
 * A bit is set at most once, so a record seen twice changes nothing and a late one lands where it belongs.
 * When the head moves, a heap over all users' oldest buckets finds the bits that fall out, so that moving
 * costs only what is forgotten. A user without a bit is gone, and new when it comes back.
 *
 * Growth: with max_growth a day (UTC) adds at most that much to a weight, however many of its buckets have a
 * bit: the weight is the sum over days of min(bits, max_growth), whatever the order in which bits come and
 * go. Whoever acts in every bucket of three days then weighs as much as somebody who came max_growth times on
 * each of them, instead of like a month of an ordinary day's work. Decay has no such rule: it is somebody
 * else's.
 *
 * Decay: Elastic multiplies every weight by f = exp(-lambda) at the end of every active bucket. Here a new
 * bucket is worth exp(lambda * n) more than the one n active buckets ago and nothing else is ever touched;
 * population_unit turns weights back (Cormode et al. 2009, "forward decay"). Users with the same history
 * have bit-identical weights either way, which ties in the curve need. Before the exponent leaves the range
 * of double all weights are brought back to a new base. That happens once in 68 years of full buckets, or
 * sooner in a forged log.
 *
 * Limits: users of a population, users in all, populations. What goes is what tells least: the smallest
 * weight, longest absent, first by name; and whole populations by idleness. Somebody in the open bucket
 * never goes: its final verdict is due. So one bucket with more new names than the table has places fills the
 * table until it closes, which the verdicts say, and regular users keep their weights.
 *
 * Everything that ends in the state is reached through member_touch, population_touch or the list of what was
 * deleted, so that only what changed is handed over. Before anyone has taken or given state nothing is listed
 * as deleted: the list would only grow.
 */
#include "detect/model.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <utlist.h>

#include "util/parse.h"

/* lambda * n at which weights get a new base: far from DBL_MAX, about exp(709), even after sums */
#define MAX_EXPONENT 600.0
/* a weight below this tells nothing and might next be rounded to 0 */
#define MIN_WEIGHT 1e-250

static int compare_members(const void *pa, const void *pb)
{
    const struct member *a = pa, *b = pb;

    if (a->weight != b->weight)
        return a->weight < b->weight ? -1 : 1;
    if (a->last_bucket != b->last_bucket)
        return a->last_bucket < b->last_bucket ? -1 : 1;
    return slice_compare(a->name, b->name);
}

static int compare_expiries(const void *pa, const void *pb)
{
    const struct member *a = pa, *b = pb;
    int order;

    if (a->oldest_bucket != b->oldest_bucket)
        return a->oldest_bucket < b->oldest_bucket ? -1 : 1;
    order = slice_compare(a->name, b->name);
    return order != 0 ? order : slice_compare(a->population->key, b->population->key);
}

static int compare_populations(const void *pa, const void *pb)
{
    const struct population *a = pa, *b = pb;

    if (a->last_bucket != b->last_bucket)
        return a->last_bucket < b->last_bucket ? -1 : 1;
    return slice_compare(a->key, b->key);
}

void model_init(struct model *model)
{
    model->now_bucket = BUCKET_NONE;
    model->ranks =
        (struct heap){.compare = compare_populations, .place_offset = offsetof(struct population, rank)};
    model->expiries =
        (struct heap){.compare = compare_expiries, .place_offset = offsetof(struct member, expiry)};
}

static void presence_free(struct presence *presence)
{
    if (!presence)
        return;
    buffer_done(&presence->event);
    free(presence->influences);
    free(presence);
}

static void member_free(struct member *member)
{
    if (!member)
        return;
    presence_free(member->presence);
    free(member->alerted);
    free(member->bits);
    free(member);
}

static void population_free(struct population *population)
{
    if (!population)
        return;
    curve_done(&population->curve);
    heap_done(&population->ranks);
    free(population);
}

DEFINE_CLEANUP(struct member *, member_free)
DEFINE_CLEANUP(struct population *, population_free)

void model_done(struct model *model)
{
    struct population *population, *next_population;
    struct member *member, *next_member;

    HASH_ITER(hh, model->populations, population, next_population)
    {
        HASH_ITER(hh, population->members, member, next_member)
        {
            HASH_DEL(population->members, member);
            member_free(member);
        }
        HASH_DEL(model->populations, population);
        population_free(population);
    }
    heap_done(&model->ranks);
    heap_done(&model->expiries);
    buffer_done(&model->deleted);
}

void member_touch(struct model *model, struct member *member)
{
    if (member->is_dirty)
        return;
    member->is_dirty = true;
    DL_APPEND(model->dirty_members, member);
}

void population_touch(struct model *model, struct population *population)
{
    if (population->is_dirty)
        return;
    population->is_dirty = true;
    DL_APPEND(model->dirty_populations, population);
}

static int tell_deleted(struct model *model, const struct population *population, struct slice name)
{
    int r;

    if (!model->is_tracking)
        return 0;
    r = buffer_reserve(&model->deleted, 16 + population->partition.len + name.len);
    if (r < 0)
        return r;
    /* reserved: these cannot fail */
    r = buffer_append_u32(&model->deleted, (uint32_t)population->kind);
    if (r >= 0)
        r = buffer_append_field(&model->deleted, population->partition);
    if (r >= 0)
        r = buffer_append_field(&model->deleted, name);
    return r;
}

static void curve_replace(struct population *population, double from, double to)
{
    population->version++;
    if (population->is_curve_stale)
        return;
    if (from > 0)
        curve_remove(&population->curve, from);
    if (to > 0 && curve_add(&population->curve, to) < 0)
        population->is_curve_stale = true; /* memory is out: the next population_settle says so */
}

int model_drop_member(struct model *model, struct member *member)
{
    struct population *population = member->population;
    int r;

    assert(!member->presence);
    r = tell_deleted(model, population, member->name);
    if (r < 0)
        return r;
    curve_replace(population, member->weight, 0);
    heap_remove(&population->ranks, member);
    if (model->forget == FORGET_WINDOW)
        heap_remove(&model->expiries, member);
    if (member->is_dirty)
        DL_DELETE(model->dirty_members, member);
    HASH_DEL(population->members, member);
    population->n_members--;
    model->n_members--;
    member_free(member);
    return 0;
}

int model_drop_population(struct model *model, struct population *population)
{
    struct member *member, *next;
    int r;

    assert(population->n_present == 0);
    /* no user is left to be compared on the way: spare each removal its move of the curve */
    population->is_curve_stale = true;
    HASH_ITER(hh, population->members, member, next)
    {
        r = model_drop_member(model, member);
        if (r < 0)
            return r;
    }
    r = tell_deleted(model, population, SLICE_NULL);
    if (r < 0)
        return r;
    heap_remove(&model->ranks, population);
    if (population->is_dirty)
        DL_DELETE(model->dirty_populations, population);
    HASH_DEL(model->populations, population);
    if (model->last_found == population)
        model->last_found = NULL;
    population_free(population);
    return 0;
}

struct population *model_find_population(struct model *model, int kind, struct slice partition)
{
    char key[1 + MODEL_MAX_NAME_BYTES];
    struct population *population = model->last_found;

    assert(partition.len <= MODEL_MAX_NAME_BYTES);
    if (population && population->kind == kind && slice_equal(population->partition, partition))
        return population;
    key[0] = (char)kind;
    if (partition.len > 0)
        memcpy(key + 1, partition.data, partition.len);
    HASH_FIND(hh, model->populations, key, 1 + partition.len, population);
    if (population)
        model->last_found = population;
    return population;
}

int model_add_population(struct model *model, int kind, struct slice partition, bool is_limited,
                         struct population **ret_population)
{
    _cleanup_(population_freep) struct population *population = NULL;
    struct population *idle;
    char *key;
    int r;

    while (is_limited && model->ranks.n >= MODEL_MAX_POPULATIONS) {
        idle = heap_first(&model->ranks);
        if (idle->n_present > 0)
            return 1;
        r = model_drop_population(model, idle);
        if (r < 0)
            return r;
        model->n_evicted_populations++;
    }
    r = heap_reserve(&model->ranks);
    if (r < 0)
        return r;
    population = calloc(1, sizeof(*population) + 1 + partition.len);
    if (!population)
        return -ENOMEM;
    key = (char *)(population + 1);
    key[0] = (char)kind;
    if (partition.len > 0)
        memcpy(key + 1, partition.data, partition.len);
    population->key = slice_new(key, 1 + partition.len);
    population->partition = slice_new(key + 1, partition.len);
    population->kind = kind;
    population->last_bucket = BUCKET_NONE;
    population->closed_bucket = BUCKET_NONE;
    population->version = 1;
    population->ranks =
        (struct heap){.compare = compare_members, .place_offset = offsetof(struct member, rank)};
    HASH_ADD_KEYPTR(hh, model->populations, population->key.data, population->key.len, population);
    if (!population->hh.tbl)
        return -ENOMEM;
    heap_add(&model->ranks, population);
    *ret_population = TAKE_PTR(population);
    return 0;
}

struct member *population_find(const struct population *population, struct slice name)
{
    struct member *member;

    HASH_FIND(hh, population->members, name.data, name.len, member);
    return member;
}

static int evict_member(struct model *model, struct population *population)
{
    struct member *least = heap_first(&population->ranks);
    int r;

    if (!least || least->presence)
        return 1;
    r = model_drop_member(model, least);
    if (r < 0)
        return r;
    model->n_evicted_users++;
    return 0;
}

/* Room for one more member of the population. 0, 1 (there is none), -ENOMEM. */
static int make_room(struct model *model, struct population *population)
{
    struct population *idle;
    int r;

    while (population->n_members >= model->max_users) {
        r = evict_member(model, population);
        if (r != 0)
            return r;
    }
    while (model->n_members >= MODEL_MAX_MEMBERS) {
        idle = heap_first(&model->ranks);
        if (!idle || idle == population || idle->n_present > 0) {
            r = evict_member(model, population);
            if (r != 0)
                return r;
            continue;
        }
        model->n_evicted_users += idle->n_members;
        r = model_drop_population(model, idle);
        if (r < 0)
            return r;
        model->n_evicted_populations++;
    }
    return 0;
}

int model_add_member(struct model *model, struct population *population, struct slice name, bool is_limited,
                     struct member **ret_member)
{
    _cleanup_(member_freep) struct member *member = NULL;
    int r;

    if (is_limited) {
        r = make_room(model, population);
        if (r != 0)
            return r;
    }
    r = heap_reserve(&population->ranks);
    if (r < 0)
        return r;
    if (model->forget == FORGET_WINDOW) {
        r = heap_reserve(&model->expiries);
        if (r < 0)
            return r;
    }
    member = calloc(1, sizeof(*member) + name.len + 1);
    if (!member)
        return -ENOMEM;
    if (name.len > 0)
        memcpy(member + 1, name.data, name.len);
    member->name = slice_new((const char *)(member + 1), name.len);
    member->population = population;
    member->first_bucket = member->last_bucket = member->previous_bucket = member->greatest_bucket =
        BUCKET_NONE;
    member->oldest_bucket = INT64_MAX;
    if (model->forget == FORGET_WINDOW) {
        member->bits = calloc(((size_t)model->n_window + 63) / 64, sizeof(*member->bits));
        if (!member->bits)
            return -ENOMEM;
    }
    HASH_ADD_KEYPTR(hh, population->members, member->name.data, member->name.len, member);
    if (!member->hh.tbl)
        return -ENOMEM;
    population->n_members++;
    model->n_members++;
    heap_add(&population->ranks, member);
    if (model->forget == FORGET_WINDOW)
        heap_add(&model->expiries, member);
    *ret_member = TAKE_PTR(member);
    return 0;
}

static size_t bit_of(const struct model *model, int64_t bucket)
{
    return (size_t)(bucket % model->n_window);
}

/*
 * The nearest bucket with a bit, from bucket on in steps of direction (1, -1) and not beyond limit;
 * BUCKET_NONE where there is none. Words without a bit are stepped over whole.
 */
static int64_t find_bit(const struct model *model, const struct member *member, int64_t bucket, int64_t limit,
                        int direction)
{
    size_t bit, step;

    while (direction > 0 ? bucket <= limit : bucket >= limit) {
        bit = bit_of(model, bucket);
        if (member->bits[bit / 64] >> bit % 64 & 1)
            return bucket;
        step = 1;
        if (member->bits[bit / 64] == 0) /* but not across the seam of the ring */
            step = direction > 0 ? MIN(64 - bit % 64, (size_t)model->n_window - bit) : bit % 64 + 1;
        bucket += direction * (int64_t)step;
    }
    return BUCKET_NONE;
}

/* The days a bucket counts for are those of its start, in UTC. */
static int64_t day_of(const struct model *model, int64_t bucket)
{
    return bucket * model->span_usec / USEC_PER_DAY;
}

/* The member's bits of the bucket's day, as far as the window holds it; counts up to limit. */
static int64_t count_day(const struct model *model, const struct member *member, int64_t bucket,
                         int64_t limit)
{
    const int64_t day = day_of(model, bucket);
    const int64_t last = MIN(((day + 1) * USEC_PER_DAY - 1) / model->span_usec, member->last_bucket);
    int64_t at = MAX((day * USEC_PER_DAY + model->span_usec - 1) / model->span_usec, member->oldest_bucket);
    int64_t n = 0;

    while (n < limit && (at = find_bit(model, member, at, last, 1)) != BUCKET_NONE) {
        n++;
        at++;
    }
    return n;
}

/* Whether one more bucket of its day weighs anything; the bucket itself has no bit. */
static bool is_day_open(const struct model *model, const struct member *member, int64_t bucket)
{
    return model->max_growth == 0 || count_day(model, member, bucket, model->max_growth) < model->max_growth;
}

void member_set_bit(const struct model *model, struct member *member, int64_t bucket)
{
    const size_t bit = bit_of(model, bucket);

    member->bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

void member_learn_bit(const struct model *model, struct member *member, int64_t bucket)
{
    member->weight += is_day_open(model, member, bucket);
    member_set_bit(model, member, bucket);
    member->oldest_bucket = MIN(member->oldest_bucket, bucket);
}

int64_t member_next_bit(const struct model *model, const struct member *member, int64_t bucket)
{
    return find_bit(model, member, bucket, member->last_bucket, 1);
}

int64_t member_previous_bucket(const struct model *model, const struct member *member, int64_t bucket)
{
    int64_t found = BUCKET_NONE;

    if (model->forget == FORGET_DECAY)
        return bucket == member->last_bucket ? member->previous_bucket : member->last_bucket;
    if (member->oldest_bucket < bucket)
        found = find_bit(model, member, bucket - 1, member->oldest_bucket, -1);
    if (found == BUCKET_NONE && member->first_bucket < bucket)
        found = member->first_bucket; /* its bit has left the window; later ones hold the user in memory */
    return found;
}

double member_greatest_raw(const struct model *model, const struct member *member, int64_t bucket)
{
    return member->greatest_bucket == BUCKET_NONE
               ? 0
               : rarity_fade(member->greatest_raw, bucket - member->greatest_bucket, model->lambda);
}

bool member_has_alerted(const struct member *member, int64_t bucket)
{
    for (size_t i = 0; i < member->n_alerted; i++) {
        if (member->alerted[i] == bucket)
            return true;
    }
    return false;
}

int member_add_alerted(struct member *member, int64_t bucket, int64_t oldest)
{
    int64_t *alerted;
    size_t n = 0;

    for (size_t i = 0; i < member->n_alerted; i++) {
        if (member->alerted[i] >= oldest)
            member->alerted[n++] = member->alerted[i];
    }
    member->n_alerted = n;
    alerted = reallocarray(member->alerted, n + 1, sizeof(*alerted));
    if (!alerted)
        return -ENOMEM;
    alerted[n] = bucket;
    member->alerted = alerted;
    member->n_alerted = n + 1;
    return 0;
}

/* After a change of weight or buckets. */
static void place_member(struct model *model, struct member *member, double old_weight)
{
    curve_replace(member->population, old_weight, member->weight);
    heap_update(&member->population->ranks, member);
    if (model->forget == FORGET_WINDOW)
        heap_update(&model->expiries, member);
}

void model_place_member(struct model *model, struct member *member)
{
    /* a restore brings many: sort them once instead of moving the curve for each */
    member->population->is_curve_stale = true;
    place_member(model, member, 0);
}

void model_learn(struct model *model, struct member *member, int64_t bucket)
{
    const double old_weight = member->weight;
    const struct population *population = member->population;
    size_t bit;

    if (model->forget == FORGET_WINDOW) {
        assert(bucket <= model->now_bucket && bucket > model->now_bucket - model->n_window);
        bit = bit_of(model, bucket);
        if (member->bits[bit / 64] >> bit % 64 & 1)
            return;
        member_learn_bit(model, member, bucket);
        model->n_capped += member->weight == old_weight;
    } else {
        assert(bucket == model->now_bucket);
        if (bucket <= member->last_bucket)
            return;
        member->weight += exp(model->lambda * (double)(population->n_active - population->base));
        member->previous_bucket = member->last_bucket;
    }
    if (member->first_bucket == BUCKET_NONE || bucket < member->first_bucket)
        member->first_bucket = bucket;
    member->last_bucket = MAX(member->last_bucket, bucket);
    place_member(model, member, old_weight);
    member_touch(model, member);
}

static int compare_doubles(const void *pa, const void *pb)
{
    const double a = *(const double *)pa, b = *(const double *)pb;

    return a < b ? -1 : a > b;
}

int population_settle(struct population *population)
{
    _cleanup_(freep) double *weights = NULL;
    const struct member *member;
    size_t n = 0;
    int r;

    if (!population->is_curve_stale)
        return 0;
    weights = calloc(population->n_members + 1, sizeof(*weights));
    if (!weights)
        return -ENOMEM;
    for (member = population->members; member; member = member->hh.next) {
        if (member->weight > 0)
            weights[n++] = member->weight;
    }
    qsort(weights, n, sizeof(*weights), compare_doubles);
    curve_clear(&population->curve);
    for (size_t i = 0; i < n; i++) { /* ascending: each is added at the end */
        r = curve_add(&population->curve, weights[i]);
        if (r < 0)
            return r;
    }
    population->is_curve_stale = false;
    return 0;
}

double population_unit(const struct model *model, const struct population *population)
{
    if (model->forget == FORGET_WINDOW)
        return 1;
    return exp(-model->lambda *
               (double)(population->n_active + (population->n_present > 0 ? 1 : 0) - population->base));
}

int member_enter(struct member *member)
{
    if (member->presence)
        return 0;
    member->presence = calloc(1, sizeof(*member->presence));
    if (!member->presence)
        return -ENOMEM;
    member->population->n_present++;
    return 0;
}

void member_leave(struct member *member)
{
    presence_free(TAKE_PTR(member->presence));
    member->population->n_present--;
}

/* Brings all weights back to where exponents are small; those that vanish are forgotten. */
static int rebase(struct model *model, struct population *population)
{
    const double factor = exp(-model->lambda * (double)(population->n_active - population->base));
    struct member *member, *next;
    int r;

    population->base = population->n_active;
    population->is_curve_stale = true;
    population->version++;
    HASH_ITER(hh, population->members, member, next)
    {
        member->weight *= factor;
        heap_update(&population->ranks, member);
        member_touch(model, member);
    }
    while ((member = heap_first(&population->ranks)) && member->weight < MIN_WEIGHT) {
        r = model_drop_member(model, member);
        if (r < 0)
            return r;
    }
    return 0;
}

int population_close(struct model *model, struct population *population)
{
    assert(population->n_present == 0);
    population->n_active++;
    population->version++;
    population_touch(model, population);
    if (model->forget == FORGET_DECAY &&
        model->lambda * (double)(population->n_active - population->base) > MAX_EXPONENT)
        return rebase(model, population);
    return 0;
}

void population_use(struct model *model, struct population *population, int64_t bucket)
{
    if (population->last_bucket >= bucket)
        return;
    population->last_bucket = bucket;
    heap_update(&model->ranks, population);
    population_touch(model, population);
}

/* Takes the bits up to limit from the member whose oldest bucket is among them. */
static int expire(struct model *model, struct member *member, int64_t limit)
{
    struct population *population = member->population;
    const double old_weight = member->weight;
    int64_t bucket = member->oldest_bucket;
    size_t bit;
    int r;

    while (bucket != BUCKET_NONE && bucket <= limit) {
        bit = bit_of(model, bucket);
        member->bits[bit / 64] &= ~(UINT64_C(1) << bit % 64);
        member->weight -= is_day_open(model, member, bucket);
        bucket = find_bit(model, member, bucket + 1, member->last_bucket, 1);
    }
    if (bucket == BUCKET_NONE) {
        member->weight = old_weight; /* as the curve knows it */
        r = model_drop_member(model, member);
        if (r < 0)
            return r;
        return population->n_members == 0 ? model_drop_population(model, population) : 0;
    }
    member->oldest_bucket = bucket;
    place_member(model, member, old_weight);
    member_touch(model, member);
    return 0;
}

int model_advance(struct model *model, int64_t bucket)
{
    struct member *member;
    int64_t limit;
    int r;

    if (bucket <= model->now_bucket && !model->is_restored)
        return 0;
    if (bucket > model->now_bucket) {
        model->now_bucket = bucket;
        model->is_now_dirty = true;
    }
    model->is_restored = false;
    limit = model->now_bucket - model->n_window;
    /* empty with decay */
    while ((member = heap_first(&model->expiries)) && member->oldest_bucket <= limit) {
        r = expire(model, member, limit);
        if (r < 0)
            return r;
    }
    return 0;
}
