/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The state of a rare detector as keys and bytes. One key for each user, population and the clock, so that an
 * event changes two or three small values:
 *
 *   rare/JOB/SETTING/now                                  the open bucket
 *   rare/JOB/SETTING/p KIND PARTITION                     a population
 *   rare/JOB/SETTING/u KIND length PARTITION NAME         a user, with what it has done in the open bucket
 *   rare/JOB/SETTING/i FIELD VALUE                        the greatest score of an influencer
 *   rare/JOB/SETTING/h NUMBER                             a history of scores, once for each bucket that
 * closes
 *
 * SETTING is the way of forgetting and the bucket span: numbers of one mean nothing in another. State of
 * another setting is left alone and not looked at; it is there again if the setting comes back. The window's
 * length is no part of it: bits are kept with their bucket, so a shorter window forgets and a longer one
 * fills.
 *
 * What can be computed is not kept: curves, heaps, cached probabilities. They depend on the set of what is
 * kept alone, so a restored detector goes on with bit-identical verdicts. Nothing restored counts as changed,
 * except what a shorter window then forgets.
 *
 * A key may come twice (a changelog that is not compacted yet): the later one counts. Values are checked as
 * bytes from outside: whoever can write the state can lie about counts, but not make us crash.
 */
#include "detect/rare.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <utlist.h>

/* Raised with every change of a value's layout; 2 added the influencers of an open bucket, and keys. */
#define STATE_VERSION 2U
/* The oldest that is still read. */
#define STATE_VERSION_MIN 1U
/* above the exponents that model.c lets grow, within the range of double */
#define MAX_EXPONENT 650.0
/* more than a day of the shortest buckets: alerts kept are those of the lateness */
#define MAX_ALERTED 2000U

static int append_i64(struct buffer *b, int64_t v)
{
    return buffer_append_u64(b, (uint64_t)v);
}

static int read_i64(struct slice *s, int64_t *ret_v)
{
    uint64_t v;
    int r = slice_read_u64(s, &v);

    if (r < 0)
        return r;
    *ret_v = (int64_t)v;
    return 0;
}

static int read_bucket(const struct rare *rare, struct slice *s, int64_t *ret_v)
{
    int r = read_i64(s, ret_v);

    if (r < 0)
        return r;
    return *ret_v < BUCKET_NONE || *ret_v > RARE_MAX_TIME_USEC / rare->span_usec ? -EBADMSG : 0;
}

static int read_version_of(struct slice *s, uint32_t *ret_version)
{
    int r = slice_read_u32(s, ret_version);

    if (r < 0)
        return r;
    return *ret_version >= STATE_VERSION_MIN && *ret_version <= STATE_VERSION ? 0 : -EBADMSG;
}

/* Where all versions have the same layout. */
static int read_version(struct slice *s)
{
    uint32_t version;

    return read_version_of(s, &version);
}

/* Stops at the first failure, which is what r then holds. */
#define STEP(call)                                                                                           \
    do {                                                                                                     \
        r = (call);                                                                                          \
        if (r < 0)                                                                                           \
            return r;                                                                                        \
    } while (0)

static int make_population_key(const struct rare *rare, int kind, struct slice partition, struct buffer *key)
{
    int r;

    buffer_clear(key);
    STEP(buffer_append_format(key, "%sp%d", rare->key_prefix, kind));
    return buffer_append_slice(key, partition);
}

static int make_member_key(const struct rare *rare, int kind, struct slice partition, struct slice name,
                           struct buffer *key)
{
    int r;

    buffer_clear(key);
    STEP(buffer_append_format(key, "%su%d", rare->key_prefix, kind));
    STEP(buffer_append_field(key, partition));
    return buffer_append_slice(key, name);
}

static int save_population(const struct population *population, struct buffer *value)
{
    int r;

    buffer_clear(value);
    STEP(buffer_append_u32(value, STATE_VERSION));
    STEP(append_i64(value, population->last_bucket));
    STEP(append_i64(value, population->start_bucket));
    STEP(append_i64(value, population->n_active));
    return append_i64(value, population->base);
}

/* The window as words of 64 buckets from the first one with a bit, little-endian. */
static int save_bits(const struct model *model, const struct member *member, struct buffer *value)
{
    const int64_t first = member->oldest_bucket;
    int64_t bucket = first;
    int r;

    STEP(append_i64(value, first));
    STEP(buffer_append_u32(value, (uint32_t)((member->last_bucket - first) / 64 + 1)));
    for (int64_t start = first; start <= member->last_bucket; start += 64) {
        uint64_t word = 0;

        while (bucket != BUCKET_NONE && bucket < start + 64) {
            word |= UINT64_C(1) << (bucket - start);
            bucket = member_next_bit(model, member, bucket + 1);
        }
        STEP(buffer_append_u64(value, word));
    }
    return 0;
}

static int save_member(const struct model *model, const struct member *member, struct buffer *value)
{
    int r;

    buffer_clear(value);
    STEP(buffer_append_u32(value, STATE_VERSION));
    STEP(append_i64(value, member->first_bucket));
    STEP(append_i64(value, member->last_bucket));
    STEP(append_i64(value, member->previous_bucket));
    STEP(buffer_append_double(value, member->greatest_raw));
    STEP(append_i64(value, member->greatest_bucket));
    STEP(buffer_append_u32(value, (uint32_t)member->n_alerted));
    for (size_t i = 0; i < member->n_alerted; i++)
        STEP(append_i64(value, member->alerted[i]));
    if (model->forget == FORGET_WINDOW)
        STEP(save_bits(model, member, value));
    else
        STEP(buffer_append_double(value, member->weight));
    if (!member->presence)
        return buffer_append_u64(value, 0);
    STEP(buffer_append_u64(value, member->presence->n_events));
    STEP(buffer_append_field(value, buffer_slice(&member->presence->event)));
    STEP(buffer_append_u32(value, member->presence->n_influences));
    for (uint32_t i = 0; i < member->presence->n_influences; i++) {
        STEP(buffer_append_u32(value, (uint32_t)member->presence->influences[i]->field));
        STEP(buffer_append_field(value, member->presence->influences[i]->value));
    }
    return 0;
}

static int save_history(const struct history *history, struct buffer *value)
{
    int r;

    buffer_clear(value);
    STEP(buffer_append_u32(value, STATE_VERSION));
    STEP(buffer_append_double(value, history->greatest_raw));
    STEP(append_i64(value, history->greatest_bucket));
    return ceilings_save(&history->ceilings, value);
}

static int save_influence(const struct influence *influence, struct buffer *value)
{
    int r;

    buffer_clear(value);
    STEP(buffer_append_u32(value, STATE_VERSION));
    STEP(buffer_append_double(value, influence->greatest_raw));
    return append_i64(value, influence->greatest_bucket);
}

static int make_influence_key(const struct rare *rare, int field, struct slice value, struct buffer *key)
{
    int r;

    buffer_clear(key);
    STEP(buffer_append_format(key, "%si%d", rare->key_prefix, field));
    return buffer_append_slice(key, value);
}

static void buffer_donep(struct buffer *b)
{
    buffer_done(b);
}

static int hand_over(change_fn fn, void *userdata, const struct buffer *key, struct slice value)
{
    return fn(userdata, &(struct change){.key = buffer_slice(key), .value = value});
}

static int hand_over_deleted(struct rare *rare, change_fn fn, void *userdata, struct buffer *key)
{
    struct slice left = buffer_slice(&rare->model.deleted), partition, name;
    uint32_t kind;
    int r;

    while (left.len > 0) {
        STEP(slice_read_u32(&left, &kind));
        STEP(slice_read_field(&left, &partition));
        STEP(slice_read_field(&left, &name));
        if (slice_is_absent(name))
            STEP(make_population_key(rare, (int)kind, partition, key));
        else
            STEP(make_member_key(rare, (int)kind, partition, name, key));
        STEP(hand_over(fn, userdata, key, SLICE_NULL));
    }
    buffer_done(&rare->model.deleted);
    return 0;
}

static int change_influences(struct rare *rare, change_fn fn, void *userdata, struct buffer *key,
                             struct buffer *value)
{
    struct influences *influences = &rare->influences;
    struct slice left = buffer_slice(&influences->deleted), name;
    struct influence *influence;
    uint32_t field;
    int r;

    influences->is_tracking = true;
    while (left.len > 0) {
        STEP(slice_read_u32(&left, &field));
        STEP(slice_read_field(&left, &name));
        STEP(make_influence_key(rare, (int)field, name, key));
        STEP(hand_over(fn, userdata, key, SLICE_NULL));
    }
    buffer_done(&influences->deleted);
    while ((influence = influences->dirty)) {
        STEP(make_influence_key(rare, (int)influence->field, influence->value, key));
        STEP(save_influence(influence, value));
        STEP(hand_over(fn, userdata, key, buffer_slice(value)));
        influence_clean(influences, influence);
    }
    for (int i = 0; i < N_HISTORIES; i++) {
        struct history *history = &influences->histories[i];

        if (!history->ceilings.is_dirty)
            continue;
        buffer_clear(key);
        STEP(buffer_append_format(key, "%sh%d", rare->key_prefix, i));
        STEP(save_history(history, value));
        STEP(hand_over(fn, userdata, key, buffer_slice(value)));
        history->ceilings.is_dirty = false;
    }
    return 0;
}

/* A failing fn keeps the rest, and what it failed on, for the next call; deletions are then told again. */
int rare_changes(struct rare *rare, change_fn fn, void *userdata)
{
    _cleanup_(buffer_donep) struct buffer key = BUFFER_INIT, value = BUFFER_INIT;
    struct model *model = &rare->model;
    struct population *population;
    struct member *member;
    int r;

    model->is_tracking = true;
    STEP(hand_over_deleted(rare, fn, userdata, &key));
    while ((population = model->dirty_populations)) {
        STEP(make_population_key(rare, population->kind, population->partition, &key));
        STEP(save_population(population, &value));
        STEP(hand_over(fn, userdata, &key, buffer_slice(&value)));
        DL_DELETE(model->dirty_populations, population);
        population->is_dirty = false;
    }
    while ((member = model->dirty_members)) {
        STEP(make_member_key(rare, member->population->kind, member->population->partition, member->name,
                             &key));
        STEP(save_member(model, member, &value));
        STEP(hand_over(fn, userdata, &key, buffer_slice(&value)));
        DL_DELETE(model->dirty_members, member);
        member->is_dirty = false;
    }
    STEP(change_influences(rare, fn, userdata, &key, &value));
    if (model->is_now_dirty) {
        buffer_clear(&key);
        buffer_clear(&value);
        STEP(buffer_append_format(&key, "%snow", rare->key_prefix));
        STEP(buffer_append_u32(&value, STATE_VERSION));
        STEP(append_i64(&value, model->now_bucket));
        STEP(hand_over(fn, userdata, &key, buffer_slice(&value)));
        model->is_now_dirty = false;
    }
    return 0;
}

static int restore_now(struct rare *rare, struct slice value)
{
    int64_t bucket;
    int r;

    if (slice_is_absent(value))
        return 0;
    STEP(read_version(&value));
    STEP(read_bucket(rare, &value, &bucket));
    if (value.len > 0)
        return -EBADMSG;
    rare->model.now_bucket = MAX(rare->model.now_bucket, bucket);
    return 0;
}

static int get_population(struct rare *rare, int kind, struct slice partition,
                          struct population **ret_population)
{
    struct population *population = model_find_population(&rare->model, kind, partition);
    int r;

    if (!population)
        STEP(model_add_population(&rare->model, kind, partition, false, &population));
    *ret_population = population;
    return 0;
}

static int restore_population(struct rare *rare, int kind, struct slice partition, struct slice value)
{
    struct population *population;
    int64_t last_bucket, start_bucket, n_active, base;
    int r;

    if (slice_is_absent(value)) {
        population = model_find_population(&rare->model, kind, partition);
        /* with users in it, their own keys tell what becomes of it */
        return population && population->n_members == 0 ? model_drop_population(&rare->model, population) : 0;
    }
    STEP(read_version(&value));
    STEP(read_bucket(rare, &value, &last_bucket));
    STEP(read_bucket(rare, &value, &start_bucket));
    STEP(read_bucket(rare, &value, &n_active));
    STEP(read_bucket(rare, &value, &base));
    if (value.len > 0 || base < 0 || n_active < base ||
        rare->model.lambda * (double)(n_active - base) > MAX_EXPONENT)
        return -EBADMSG;
    STEP(get_population(rare, kind, partition, &population));
    population->start_bucket = start_bucket;
    population->n_active = n_active;
    population->base = base;
    population->last_bucket = last_bucket;
    heap_update(&rare->model.ranks, population);
    return 0;
}

static void leave_at(struct rare *rare, size_t i)
{
    struct member *member = rare->present[i];

    rare->present[i] = rare->present[--rare->n_present];
    rare_leave(rare, member);
}

static void leave(struct rare *rare, struct member *member)
{
    size_t i = 0;

    if (!member->presence)
        return;
    while (rare->present[i] != member)
        i++;
    leave_at(rare, i);
}

void rare_settle(struct rare *rare)
{
    for (size_t i = rare->n_present; i-- > 0;)
        if (rare->present[i]->last_bucket != rare->model.now_bucket)
            leave_at(rare, i);
}

static int drop(struct rare *rare, struct population *population, struct slice name)
{
    struct member *member = population_find(population, name);

    if (!member)
        return 0;
    leave(rare, member);
    return model_drop_member(&rare->model, member);
}

/* Sets last_bucket to the newest bit, so that bits and buckets cannot disagree. */
static int load_bits(const struct rare *rare, struct member *member, struct slice *value)
{
    const struct model *model = &rare->model;
    int64_t first, limit = BUCKET_NONE;
    struct slice words;
    uint32_t n_words;
    uint64_t word;
    int r;

    STEP(read_bucket(rare, value, &first));
    STEP(slice_read_u32(value, &n_words));
    if (first < 0 || n_words == 0 || n_words > RARE_MAX_WINDOW_BUCKETS / 64 + 1)
        return -EBADMSG;
    /* twice: a shorter window keeps what lies before the newest bit, which must be known first */
    for (int pass = 0; pass < 2; pass++) {
        words = *value;
        for (uint32_t i = 0; i < n_words; i++) {
            STEP(slice_read_u64(&words, &word));
            for (int bit = 0; bit < 64; bit++) {
                const int64_t bucket = first + 64 * (int64_t)i + bit;

                if (!(word >> bit & 1))
                    continue;
                if (pass == 0) {
                    limit = bucket - model->n_window;
                    member->last_bucket = bucket;
                } else if (bucket > limit) {
                    member_learn_bit(model, member, bucket);
                }
            }
        }
    }
    *value = words;
    return member->weight > 0 ? 0 : -EBADMSG;
}

static int load_alerted(const struct rare *rare, struct member *member, struct slice *value)
{
    uint32_t n;
    int r;

    STEP(slice_read_u32(value, &n));
    if (n > MAX_ALERTED)
        return -EBADMSG;
    if (n == 0)
        return 0;
    member->alerted = calloc(n, sizeof(*member->alerted));
    if (!member->alerted)
        return -ENOMEM;
    for (member->n_alerted = 0; member->n_alerted < n; member->n_alerted++)
        STEP(read_bucket(rare, value, &member->alerted[member->n_alerted]));
    return 0;
}

static int load_influences(struct rare *rare, struct member *member, struct slice *value)
{
    struct slice name;
    uint32_t n, field;
    int r;

    STEP(slice_read_u32(value, &n));
    for (uint32_t i = 0; i < n; i++) {
        STEP(slice_read_u32(value, &field));
        STEP(slice_read_field(value, &name));
        if (field >= N_INFLUENCE_FIELDS || slice_is_absent(name) || name.len > MODEL_MAX_NAME_BYTES)
            return -EBADMSG;
        STEP(rare_note(rare, member, (enum influence_field)field, name));
    }
    return 0;
}

static int load_presence(struct rare *rare, struct member *member, uint32_t version, struct slice *value)
{
    uint64_t n_events;
    struct slice bytes;
    struct event event;
    int r;

    STEP(slice_read_u64(value, &n_events));
    if (n_events == 0)
        return 0;
    STEP(slice_read_field(value, &bytes));
    arena_reset(&rare->arena);
    STEP(event_load(bytes, &rare->arena, &event));
    STEP(rare_enter(rare, member));
    member->presence->n_events = n_events;
    STEP(buffer_append_slice(&member->presence->event, bytes));
    rare->event_bytes += member->presence->event.size;
    rare->model.now_bucket = MAX(rare->model.now_bucket, member->last_bucket);
    return version > 1 ? load_influences(rare, member, value) : 0;
}

static int load_member(struct rare *rare, struct member *member, struct slice value)
{
    uint32_t version;
    int r;

    STEP(read_version_of(&value, &version));
    STEP(read_bucket(rare, &value, &member->first_bucket));
    STEP(read_bucket(rare, &value, &member->last_bucket));
    STEP(read_bucket(rare, &value, &member->previous_bucket));
    STEP(slice_read_double(&value, &member->greatest_raw));
    STEP(read_bucket(rare, &value, &member->greatest_bucket));
    STEP(load_alerted(rare, member, &value));
    if (rare->model.forget == FORGET_WINDOW)
        STEP(load_bits(rare, member, &value));
    else
        STEP(slice_read_double(&value, &member->weight));
    if (!isfinite(member->weight) || member->weight <= 0 || !isfinite(member->greatest_raw) ||
        member->greatest_raw < 0 || member->first_bucket < 0 || member->first_bucket > member->last_bucket ||
        member->previous_bucket >= member->last_bucket)
        return -EBADMSG;
    STEP(load_presence(rare, member, version, &value));
    return value.len == 0 ? 0 : -EBADMSG;
}

static int restore_member(struct rare *rare, int kind, struct slice key, struct slice value)
{
    struct slice partition, name;
    struct population *population;
    struct member *member;
    int r;

    STEP(slice_read_field(&key, &partition));
    name = key;
    if (slice_is_absent(partition) || partition.len > MODEL_MAX_NAME_BYTES || name.len > MODEL_MAX_NAME_BYTES)
        return -EBADMSG;
    STEP(get_population(rare, kind, partition, &population));
    STEP(drop(rare, population, name));
    if (slice_is_absent(value))
        return rare->model.forget == FORGET_WINDOW && population->n_members == 0
                   ? model_drop_population(&rare->model, population)
                   : 0;
    STEP(model_add_member(&rare->model, population, name, false, &member));
    r = load_member(rare, member, value);
    model_place_member(&rare->model, member);
    if (r < 0) {
        leave(rare, member);
        if (model_drop_member(&rare->model, member) < 0)
            return -ENOMEM;
    }
    return r;
}

static int restore_history(struct rare *rare, int i, struct slice value)
{
    struct history *history = &rare->influences.histories[i];
    double greatest_raw;
    int64_t greatest_bucket;
    int r;

    if (slice_is_absent(value))
        return 0;
    STEP(read_version(&value));
    STEP(slice_read_double(&value, &greatest_raw));
    STEP(read_bucket(rare, &value, &greatest_bucket));
    if (!(greatest_raw >= 0) || greatest_raw > RARITY_MAX_RAW)
        return -EBADMSG;
    STEP(ceilings_load(&history->ceilings, &value, RARE_MAX_TIME_USEC / rare->span_usec));
    history->greatest_raw = greatest_raw;
    history->greatest_bucket = greatest_bucket;
    return value.len == 0 ? 0 : -EBADMSG;
}

static int restore_influence(struct rare *rare, int field, struct slice name, struct slice value)
{
    struct influences *influences = &rare->influences;
    struct influence *influence;
    double greatest_raw = 0;
    int64_t greatest_bucket = BUCKET_NONE;
    int r;

    if (name.len == 0 || name.len > MODEL_MAX_NAME_BYTES)
        return -EBADMSG;
    if (!slice_is_absent(value)) {
        STEP(read_version(&value));
        STEP(slice_read_double(&value, &greatest_raw));
        STEP(read_bucket(rare, &value, &greatest_bucket));
        if (!(greatest_raw > 0) || greatest_raw > RARITY_MAX_RAW || greatest_bucket == BUCKET_NONE ||
            value.len > 0)
            return -EBADMSG;
    }
    r = influences_get(influences, (enum influence_field)field, name, &influence);
    if (r != 0)
        return MIN(r, 0);
    r = influence_remember(influences, influence, greatest_raw, greatest_bucket);
    influence_clean(influences, influence); /* nothing restored counts as changed */
    influences->is_restored = true;
    influences_release(influences, influence);
    return r;
}

/* One of the three kinds of keys that have a digit and a name. */
static int restore_named(struct rare *rare, char what, int digit, struct slice key, struct slice value)
{
    if (what == 'i')
        return digit < N_INFLUENCE_FIELDS ? restore_influence(rare, digit, key, value) : -EBADMSG;
    if (what == 'h')
        return digit < N_HISTORIES && key.len == 0 ? restore_history(rare, digit, value) : -EBADMSG;
    if (digit > (int)ACTOR_NUMERIC)
        return -EBADMSG;
    if (what == 'u')
        return restore_member(rare, digit, key, value);
    if (what == 'p' && key.len <= MODEL_MAX_NAME_BYTES)
        return restore_population(rare, digit, key, value);
    return -EBADMSG;
}

int rare_restore(struct rare *rare, const struct change *change)
{
    const struct slice prefix = slice_from_string(rare->key_prefix);
    struct slice key = change->key;
    int digit, r;

    if (!slice_starts_with(key, prefix)) {
        const size_t n = sizeof("rare/") - 1 + strlen(rare->job) + 1;

        /* ours, of another setting; or not ours at all */
        return slice_starts_with(key, slice_head(prefix, n)) ? 0 : -EBADMSG;
    }
    key = slice_skip(key, prefix.len);
    /* what a second value of a key drops has not gone from the state */
    rare->model.is_tracking = false;
    rare->influences.is_tracking = false;
    if (slice_equal_string(key, "now")) {
        r = restore_now(rare, change->value);
    } else {
        if (key.len < 2)
            return -EBADMSG;
        digit = key.data[1] - '0';
        if (digit < 0 || digit > 9)
            return -EBADMSG;
        r = restore_named(rare, key.data[0], digit, slice_skip(key, 2), change->value);
    }
    if (r < 0)
        return r;
    rare->model.is_tracking = true;
    rare->influences.is_tracking = true;
    rare->model.is_restored = true;
    return 0;
}
