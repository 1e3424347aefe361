/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A record says that a user was rare; influencers say where to look: which host, which program, which user
 * had part in the bucket's rare records. After Elastic's results tree, release 9.5.2, as described in our own
 * words.
 *
 * Each value of a field takes part in the records of the users it occurred with. Their probabilities together
 * (tail.c) are its own, so that a host with six rare users stands out more than any of them. The bucket is
 * judged as a whole in the same way, population by population, where of several populations only the least
 * probable one counts: rare users of different hosts do not reinforce each other. The bucket's score is the
 * greatest of that and of one score a field: how improbable is the least probable of so many values?
 *
 * What is combined weighs COMBINED of a record's raw score, and is then held down by ceilings (ceilings.c) of
 * its own kind: one history for records, one for the bucket, one for the values of each field and one for
 * each field. Values are visited in the order of their bytes (the original: of a hash).
 *
 * Greatest raw scores are kept for values that had one above 0 and fade like a user's own; a value that does
 * not occur for 50 buckets is forgotten. Without one a value is gone when its bucket closes.
 *
 * Limits (influence.h): values of one user in one bucket, values of the bucket, values remembered. What comes
 * too late for the first two has no part and is counted; of the remembered the one longest absent goes.
 *
 * Cost: the first event of a user with a value, a look-up. Closing, a sort of the bucket's values and some
 * 5 us for each that several users share.
 */
#include "detect/influence.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <utlist.h>

/* of a record's raw score */
#define COMBINED 0.8
const char *const influence_field_names[N_INFLUENCE_FIELDS] = {"user", "host", "process"};

static double greatest_now(double raw, int64_t greatest_bucket, int64_t bucket, double lambda)
{
    return greatest_bucket == BUCKET_NONE ? 0 : rarity_fade(raw, bucket - greatest_bucket, lambda);
}

void influences_init(struct influences *influences, int64_t bucket_span_usec)
{
    for (size_t i = 0; i < N_HISTORIES; i++) {
        ceilings_init(&influences->histories[i].ceilings, bucket_span_usec);
        influences->histories[i].greatest_bucket = BUCKET_NONE;
    }
}

void influences_done(struct influences *influences)
{
    struct influence *influence, *next;

    for (size_t i = 0; i < N_HISTORIES; i++)
        ceilings_done(&influences->histories[i].ceilings);
    for (size_t i = 0; i < N_INFLUENCE_FIELDS; i++) {
        HASH_ITER(hh, influences->values[i], influence, next)
        {
            HASH_DEL(influences->values[i], influence);
            free(influence);
        }
    }
    free(influences->open);
    buffer_done(&influences->deleted);
}

void influence_touch(struct influences *influences, struct influence *influence)
{
    if (influence->is_dirty)
        return;
    influence->is_dirty = true;
    DL_APPEND2(influences->dirty, influence, prev_dirty, next_dirty);
}

void influence_clean(struct influences *influences, struct influence *influence)
{
    if (!influence->is_dirty)
        return;
    influence->is_dirty = false;
    DL_DELETE2(influences->dirty, influence, prev_dirty, next_dirty);
}

static void influence_drop(struct influences *influences, struct influence *influence)
{
    influence_clean(influences, influence);
    HASH_DEL(influences->values[influence->field], influence);
    free(influence);
}

int influences_get(struct influences *influences, enum influence_field field, struct slice value,
                   struct influence **ret_influence)
{
    struct influence *influence;

    HASH_FIND(hh, influences->values[field], value.data, value.len, influence);
    if (influence) {
        *ret_influence = influence;
        return 0;
    }
    if (influences->n_open >= INFLUENCE_MAX_OPEN)
        return 1;
    influence = calloc(1, sizeof(*influence) + value.len + 1);
    if (!influence)
        return -ENOMEM;
    if (value.len > 0)
        memcpy(influence + 1, value.data, value.len);
    influence->field = field;
    influence->value = slice_new((const char *)(influence + 1), value.len);
    influence->greatest_bucket = BUCKET_NONE;
    HASH_ADD_KEYPTR(hh, influences->values[field], influence->value.data, influence->value.len, influence);
    if (!influence->hh.tbl) {
        free(influence);
        return -ENOMEM;
    }
    *ret_influence = influence;
    return 0;
}

void influences_release(struct influences *influences, struct influence *influence)
{
    if (!influence->is_open && influence->greatest_bucket == BUCKET_NONE)
        influence_drop(influences, influence);
}

int influence_enter(struct influences *influences, struct influence *influence)
{
    struct influence **open;
    size_t size;

    if (!influence->is_open) {
        if (influences->n_open == influences->open_size) {
            size = influences->open_size > 0 ? 2 * influences->open_size : 16;
            open = reallocarray(influences->open, size, sizeof(void *));
            if (!open)
                return -ENOMEM;
            influences->open = open;
            influences->open_size = size;
        }
        influences->open[influences->n_open++] = influence;
        influence->is_open = true;
    }
    influence->n_present++;
    return 0;
}

void influence_leave(struct influences *influences, struct influence *influence)
{
    (void)influences;
    assert(influence->n_present > 0);
    influence->n_present--;
}

static int tell_deleted(struct influences *influences, const struct influence *influence)
{
    int r;

    if (!influences->is_tracking)
        return 0;
    r = buffer_reserve(&influences->deleted, 8 + influence->value.len);
    if (r < 0)
        return r;
    /* reserved: these cannot fail */
    r = buffer_append_u32(&influences->deleted, (uint32_t)influence->field);
    return r < 0 ? r : buffer_append_field(&influences->deleted, influence->value);
}

static int forget_greatest(struct influences *influences, struct influence *influence)
{
    int r = tell_deleted(influences, influence);

    if (r < 0)
        return r;
    DL_DELETE(influences->remembered, influence);
    influences->n_remembered--;
    influence->greatest_bucket = BUCKET_NONE;
    influence->greatest_raw = 0;
    influence_clean(influences, influence);
    return 0;
}

int influence_remember(struct influences *influences, struct influence *influence, double greatest_raw,
                       int64_t greatest_bucket)
{
    if (greatest_bucket == BUCKET_NONE)
        return influence->greatest_bucket == BUCKET_NONE ? 0 : forget_greatest(influences, influence);
    if (influence->greatest_bucket != BUCKET_NONE) {
        DL_DELETE(influences->remembered, influence);
        influences->n_remembered--;
    }
    influence->greatest_raw = greatest_raw;
    influence->greatest_bucket = greatest_bucket;
    DL_APPEND(influences->remembered, influence);
    influences->n_remembered++;
    influence_touch(influences, influence);
    return 0;
}

int influence_compare(const struct influence *a, const struct influence *b)
{
    return a->field != b->field ? (int)a->field - (int)b->field : slice_compare(a->value, b->value);
}

static int compare_open(const void *pa, const void *pb)
{
    return influence_compare(*(struct influence *const *)pa, *(struct influence *const *)pb);
}

static int compare_remembered(const struct influence *a, const struct influence *b)
{
    if (a->greatest_bucket != b->greatest_bucket)
        return a->greatest_bucket < b->greatest_bucket ? -1 : 1;
    return influence_compare(a, b);
}

/* The raw score of what is combined, and the probability that is shown of it. */
static double combine(double *probability)
{
    const double raw = COMBINED * rarity_raw_score(*probability);

    if (!(raw > 0))
        return 0;
    *probability = rarity_probability_of_raw(raw);
    return *probability > RARITY_MAX_ANOMALOUS ? 0 : raw;
}

/* A result that is the only one of its kind: the whole bucket, or a field in it. 0 or -ENOMEM. */
static int judge_single(struct influences *influences, struct history *history, int64_t bucket,
                        double probability, double *ret_score)
{
    const double raw = combine(&probability);
    int r;

    ceilings_age(&history->ceilings, bucket, influences->lambda);
    r = ceilings_update(&history->ceilings, raw);
    if (r < 0)
        return r;
    history->greatest_raw =
        fmax(raw, greatest_now(history->greatest_raw, history->greatest_bucket, bucket, influences->lambda));
    history->greatest_bucket = bucket;
    *ret_score = ceilings_score(&history->ceilings, raw, history->greatest_raw, 0);
    return 0;
}

static int update_value(struct influences *influences, struct influence *influence, int64_t bucket)
{
    double greatest;
    int r;

    influence->raw = combine(&influence->probability);
    r = ceilings_update(&influences->histories[HISTORY_VALUES + influence->field].ceilings, influence->raw);
    if (r < 0)
        return r;
    greatest = fmax(influence->raw, greatest_now(influence->greatest_raw, influence->greatest_bucket, bucket,
                                                 influences->lambda));
    return influence_remember(influences, influence, greatest, greatest > 0 ? bucket : BUCKET_NONE);
}

int influences_close(struct influences *influences, int64_t bucket, double bucket_probability,
                     double *ret_bucket_score)
{
    double least[N_INFLUENCE_FIELDS], score, greatest_score;
    uint64_t n[N_INFLUENCE_FIELDS] = {0};
    int r;

    if (influences->n_open > 0)
        qsort(influences->open, influences->n_open, sizeof(void *), compare_open);
    for (int i = 0; i < N_INFLUENCE_FIELDS; i++) {
        least[i] = 1;
        ceilings_age(&influences->histories[HISTORY_VALUES + i].ceilings, bucket, influences->lambda);
    }
    for (size_t i = 0; i < influences->n_open; i++) {
        struct influence *influence = influences->open[i];

        influence->raw = 0;
        if (influence->tally.n == 0) /* its users have left before the end: restored, then taken back */
            continue;
        influence->probability = tally_probability(&influence->tally);
        influence->tally = (struct tally){0};
        least[influence->field] = fmin(least[influence->field], influence->probability);
        n[influence->field]++;
        r = update_value(influences, influence, bucket);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < influences->n_open; i++) {
        struct influence *influence = influences->open[i];

        influence->score = ceilings_score(&influences->histories[HISTORY_VALUES + influence->field].ceilings,
                                          influence->raw, influence->greatest_raw, 0);
    }
    r = judge_single(influences, &influences->histories[HISTORY_BUCKET], bucket, bucket_probability,
                     &greatest_score);
    for (int i = 0; r >= 0 && i < N_INFLUENCE_FIELDS; i++) {
        if (n[i] == 0)
            continue;
        r = judge_single(influences, &influences->histories[HISTORY_FIELDS + i], bucket,
                         tail_of_smallest(least[i], n[i]), &score);
        if (r >= 0)
            greatest_score = fmax(greatest_score, score);
    }
    if (r < 0)
        return r;
    *ret_bucket_score = greatest_score;
    return 0;
}

int influences_sweep(struct influences *influences, int64_t bucket)
{
    struct influence *influence;
    int r;

    for (size_t i = 0; i < influences->n_open; i++) {
        influence = influences->open[i];
        assert(influence->n_present == 0);
        influence->is_open = false;
        if (influence->greatest_bucket == BUCKET_NONE)
            influence_drop(influences, influence);
    }
    influences->n_open = 0;
    if (influences->is_restored)
        DL_SORT(influences->remembered, compare_remembered);
    influences->is_restored = false;
    while ((influence = influences->remembered) &&
           (bucket - influence->greatest_bucket >= RARITY_GREATEST_BUCKETS ||
            influences->n_remembered > INFLUENCE_MAX_REMEMBERED)) {
        r = forget_greatest(influences, influence);
        if (r < 0)
            return r;
        influence_drop(influences, influence);
    }
    return 0;
}
