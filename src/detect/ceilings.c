/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Four ceilings bring a raw score (rarity.c) to 0 to 100; the lowest one counts. After Elastic's normaliser,
 * release 9.5.2, as described in our own words; numbers are facts of it.
 *
 * N0, noise: where the median result is anomalous, a result near the median is not. No limit as long as half
 * of all results have raw score 0, which is usual. N1, percentile: where among all results of this kind does
 * this one stand? Read between the samples just below and just above, and blurred by what is not known about
 * a share counted from n samples: the lower bound of the lower one and the upper bound of the upper one go
 * through a curve of knots and are averaged. It decides where rare users are frequent. N2, own maximum:
 * repeats of the same user (or influencer value, or bucket) stay below its own recent maximum. N3, absolute:
 * a straight line in ln P.
 *
 * N2 and N3 need no history of others and are in rarity.c. The history for the other two is a digest of raw
 * scores in thousandths. Only the greatest of results_per_sample results is taken. As nearly all are 0,
 * scores above the 90th percentile (the cut) have a second digest of their own, which shows the tail in
 * detail; it starts with the 201st sample, and the cut is looked at again every 201 samples.
 *
 * The history fades: every 20 * results_per_sample buckets all counts lose exp(-lambda), rounded, which shows
 * only in counts above some two thousand. Rounds are counted from the first bucket, so how often somebody
 * asks for aging makes no difference; after a long pause they end where nothing changes any more.
 *
 * A history that has not got a result yet (provisional verdicts) reads as if it had: see ceilings_score. What
 * differs from closing the bucket now is that the others of the bucket count as ordinary, which is what they
 * nearly always are; scoring each of them again for each event would be quadratic in the bucket.
 */
#include "detect/ceilings.h"

#include <assert.h>
#include <errno.h>
#include <math.h>

#include "detect/beta.h"
#include "detect/heap.h"
#include "detect/model.h"
#include "detect/rarity.h"
#include "util/parse.h"

/* raw scores are counted in these */
#define PER_RAW 1000.0
/* results in so much time make a sample, of two bucket spans limited to [MIN, ALL] */
#define SAMPLE_ALL_USEC USEC_PER_HOUR
#define SAMPLE_MIN_USEC (5 * USEC_PER_MINUTE)
/* aging: a round after so many times results_per_sample buckets */
#define ROUND_BUCKETS 20
/* samples between two estimates of the cut, and the share that shall lie at or below it */
#define CUT_SAMPLES UINT64_C(201)
#define CUT_SHARE   0.9
/* what is not known of a share: this interval of Beta(n f + PRIOR, n (1 - f) + PRIOR) */
#define LOWER 0.15
#define UPPER 0.85
#define PRIOR (1.0 / 3)

struct knot {
    double percentile, score;
};

/* percentile to score, straight between */
static const struct knot knots[] = {
    {0, 0}, {70, 1}, {85, 1.2}, {90, 1.5}, {95, 3}, {97, 20}, {99, 50}, {99.9, 90}, {100, 100},
};

void ceilings_init(struct ceilings *ceilings, int64_t bucket_span_usec)
{
    const int64_t spans = MIN(MAX(2 * bucket_span_usec, SAMPLE_MIN_USEC), SAMPLE_ALL_USEC);

    ceilings->results_per_sample = (uint32_t)(SAMPLE_ALL_USEC / spans);
    ceilings->first_bucket = BUCKET_NONE;
}

void ceilings_done(struct ceilings *ceilings)
{
    digest_done(&ceilings->all);
    digest_done(&ceilings->above);
}

void ceilings_age(struct ceilings *ceilings, int64_t bucket, double lambda)
{
    const int64_t round = ROUND_BUCKETS * (int64_t)ceilings->results_per_sample;
    const double factor = exp(-lambda);
    int64_t n;
    uint64_t n_upto;

    if (ceilings->first_bucket == BUCKET_NONE) {
        ceilings->first_bucket = bucket;
        ceilings->is_dirty = true;
    }
    n = (bucket - ceilings->first_bucket + 1) / round - ceilings->n_aged;
    if (n <= 0)
        return;
    ceilings->n_aged += n;
    ceilings->is_dirty = true;
    digest_age(&ceilings->all, factor, n);
    digest_age(&ceilings->above, factor, n);
    for (; n > 0; n--) {
        n_upto = (uint64_t)floor((double)ceilings->n_upto * factor + 0.5);
        if (n_upto == ceilings->n_upto)
            break;
        ceilings->n_upto = n_upto;
    }
}

static uint32_t sample_of(double raw)
{
    return (uint32_t)floor(PER_RAW * raw + 0.5);
}

static int estimate_cut(struct ceilings *ceilings)
{
    struct digest above = {0};
    uint64_t n_upto;
    uint32_t cut;
    int r;

    ceilings->n_since_cut = 0;
    r = digest_split(&ceilings->all, CUT_SHARE, &cut, &above, &n_upto);
    if (r < 0 || (ceilings->has_cut && ceilings->cut == cut)) {
        digest_done(&above); /* the old one has lost less */
        return r;
    }
    digest_done(&ceilings->above);
    ceilings->above = above;
    ceilings->cut = cut;
    ceilings->n_upto = n_upto;
    ceilings->has_cut = true;
    return 0;
}

int ceilings_update(struct ceilings *ceilings, double raw)
{
    uint32_t sample;
    int r;

    ceilings->is_dirty = true;
    ceilings->greatest_pending = fmax(ceilings->greatest_pending, raw);
    if (++ceilings->n_pending < ceilings->results_per_sample)
        return 0;
    sample = sample_of(ceilings->greatest_pending);
    ceilings->n_pending = 0;
    ceilings->greatest_pending = 0;
    r = digest_add(&ceilings->all, sample, 1);
    if (r < 0)
        return r;
    if (ceilings->has_cut && sample > ceilings->cut) {
        r = digest_add(&ceilings->above, sample, 1);
        if (r < 0)
            return r;
    } else if (ceilings->has_cut) {
        ceilings->n_upto++;
    }
    return ++ceilings->n_since_cut >= CUT_SAMPLES ? estimate_cut(ceilings) : 0;
}

/* A digest as if own more samples of value and zeros more of 0 were in it. */
struct view {
    const struct digest *digest;
    uint32_t value;
    uint64_t n_own, n_zeros;
};

static double view_n(const struct view *view)
{
    return (double)(view->digest->n + view->n_own + view->n_zeros);
}

/* The shares of samples that are certainly, and at the most, at or below value. */
static void view_cdf(const struct view *view, uint32_t value, double *ret_least, double *ret_most)
{
    const uint64_t more = view->n_zeros + (view->value <= value ? view->n_own : 0);
    uint64_t least, most;

    digest_count(view->digest, value, &least, &most);
    *ret_least = (double)(least + more) / view_n(view);
    *ret_most = (double)(most + more) / view_n(view);
}

/* Samples a unit of raw score around the view's value. */
static double view_density(const struct view *view)
{
    uint32_t below, above;
    double upto_below, upto_above, most;

    digest_neighbours(view->digest, view->value, &below, &above);
    view_cdf(view, below, &upto_below, &most);
    view_cdf(view, above, &upto_above, &most);
    return (upto_above - upto_below) / fmax(1, (double)(above - below));
}

/* The share's bound at this confidence, counted from n samples. */
static double bound(double share, double confidence, double n)
{
    return beta_quantile(confidence, n * share + PRIOR, fmax(0, n * (1 - share)) + PRIOR);
}

static double read_knots(double share)
{
    const double percentile = 100 * share;
    size_t i = 1;

    while (i < ARRAY_SIZE(knots) - 1 && percentile > knots[i].percentile)
        i++;
    return knots[i - 1].score + (knots[i].score - knots[i - 1].score) *
                                    (percentile - knots[i - 1].percentile) /
                                    (knots[i].percentile - knots[i - 1].percentile);
}

static double clamp(double x, double max)
{
    return fmin(fmax(x, 0), max);
}

static double percentile_ceiling(const struct ceilings *ceilings, const struct view *all,
                                 const struct view *above)
{
    const double n = view_n(all);
    const double share = ceilings->has_cut
                             ? fmin(1, (double)(ceilings->n_upto + all->n_zeros +
                                                (all->value <= ceilings->cut ? all->n_own : 0)) /
                                           n)
                             : 1;
    const double share_least = bound(share, LOWER, n), share_most = bound(share, UPPER, n);
    double least, most, cut_least, cut_most, density;

    if (!ceilings->has_cut || all->value <= ceilings->cut || view_n(above) == 0) {
        density = view_density(all);
        view_cdf(all, all->value, &least, &most);
        least = clamp(least - density, share_least);
        most = clamp(most - density, share_most);
    } else {
        density = view_density(above);
        view_cdf(above, above->value, &least, &most);
        view_cdf(above, ceilings->cut, &cut_least, &cut_most);
        /* nodes above the cut reach below it only after much merging */
        least = share_least +
                (1 - share_least) * fmax(0, least - cut_least - density) / fmax(0.001, 1 - cut_least);
        most = share_most + (1 - share_most) * fmax(0, most - cut_most - density) / fmax(0.001, 1 - cut_most);
    }
    least = read_knots(bound(clamp(least, 1), LOWER, n));
    most = read_knots(bound(clamp(most, 1), UPPER, n));
    return (least + most) / 2; /* in any order: the mean does not mind */
}

/* The value of the first knot at or above the median, N0's slope, and its reach. */
static double noise_ceiling(const struct view *all)
{
    const double median = digest_quantile(all->digest, 0.5);
    double zeros, most;

    view_cdf(all, 0, &zeros, &most);
    return fmax(0, 1 + 0.01 * (all->value - median)) + 100 * fmax(0, 2 * fmin(1, 2 * zeros) - 1);
}

double ceilings_score(const struct ceilings *ceilings, double raw, double greatest_raw, uint64_t n_open)
{
    const uint64_t n_samples = n_open > 0 ? (ceilings->n_pending + n_open) / ceilings->results_per_sample : 0;
    const uint32_t value = sample_of(raw);
    const uint64_t n_own = n_samples > 0, n_zeros = n_samples - n_own;
    const struct view all = {&ceilings->all, value, n_own, n_zeros};
    const struct view above = {&ceilings->above, value, n_own && value > ceilings->cut, 0};
    double score;

    if (!(raw > 0) || view_n(&all) == 0)
        return 0;
    score = rarity_score(rarity_probability_of_raw(raw), raw, greatest_raw);
    score = fmin(score, noise_ceiling(&all));
    score = fmin(score, percentile_ceiling(ceilings, &all, &above));
    return fmax(0, score);
}

static int append_i64(struct buffer *b, int64_t v)
{
    return buffer_append_u64(b, (uint64_t)v);
}

int ceilings_save(const struct ceilings *ceilings, struct buffer *out)
{
    int r = buffer_append_u32(out, ceilings->has_cut);

    if (r >= 0)
        r = buffer_append_u32(out, ceilings->cut);
    if (r >= 0)
        r = buffer_append_u64(out, ceilings->n_upto);
    if (r >= 0)
        r = buffer_append_u64(out, ceilings->n_since_cut);
    if (r >= 0)
        r = buffer_append_u32(out, ceilings->n_pending);
    if (r >= 0)
        r = buffer_append_double(out, ceilings->greatest_pending);
    if (r >= 0)
        r = append_i64(out, ceilings->first_bucket);
    if (r >= 0)
        r = append_i64(out, ceilings->n_aged);
    if (r >= 0)
        r = digest_save(&ceilings->all, out);
    return r < 0 ? r : digest_save(&ceilings->above, out);
}

static int load(struct ceilings *ceilings, struct slice *s, int64_t bucket_max)
{
    uint64_t first_bucket, n_aged;
    uint32_t has_cut;
    int r = slice_read_u32(s, &has_cut);

    if (r >= 0)
        r = slice_read_u32(s, &ceilings->cut);
    if (r >= 0)
        r = slice_read_u64(s, &ceilings->n_upto);
    if (r >= 0)
        r = slice_read_u64(s, &ceilings->n_since_cut);
    if (r >= 0)
        r = slice_read_u32(s, &ceilings->n_pending);
    if (r >= 0)
        r = slice_read_double(s, &ceilings->greatest_pending);
    if (r >= 0)
        r = slice_read_u64(s, &first_bucket);
    if (r >= 0)
        r = slice_read_u64(s, &n_aged);
    if (r >= 0)
        r = digest_load(&ceilings->all, s);
    if (r >= 0)
        r = digest_load(&ceilings->above, s);
    if (r < 0)
        return r;
    ceilings->has_cut = has_cut;
    ceilings->first_bucket = (int64_t)first_bucket;
    ceilings->n_aged = (int64_t)n_aged;
    if (has_cut > 1 || ceilings->cut >= UINT32_C(1) << DIGEST_MAX_LEVEL ||
        ceilings->n_upto > UINT64_MAX / 2 || ceilings->n_since_cut >= CUT_SAMPLES ||
        ceilings->n_pending >= ceilings->results_per_sample || !(ceilings->greatest_pending >= 0) ||
        ceilings->greatest_pending > RARITY_MAX_RAW || ceilings->first_bucket < BUCKET_NONE ||
        ceilings->first_bucket > bucket_max || ceilings->n_aged < 0 || ceilings->n_aged > bucket_max)
        return -EBADMSG;
    return 0;
}

int ceilings_load(struct ceilings *ceilings, struct slice *s, int64_t bucket_max)
{
    struct ceilings loaded = {.results_per_sample = ceilings->results_per_sample};
    int r = load(&loaded, s, bucket_max);

    if (r < 0) {
        ceilings_done(&loaded);
        return r;
    }
    ceilings_done(ceilings);
    *ceilings = loaded;
    return 0;
}
