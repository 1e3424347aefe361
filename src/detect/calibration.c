/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A raw score is a sum of logarithms with weights somebody chose; what it means on a site depends on the
 * site. This file counts the site's own cases by score, in a histogram whose old cases fade (half-life 14
 * days), and answers with a rate: so many cases a day are at least as unusual. An alert is due when that rate
 * is within the budget. No labels, no second pass; the present quarter of an hour is not in its own judge.
 *
 * The tail. Budgets are far below the rates a histogram can count: five a day for 1000 hosts is one in two
 * weeks on a site of fifteen. From the score that some forty cases exceed, the tail is therefore taken for
 * exponential with the mean excess of those cases (peaks over threshold; Pickands 1975: the tail of most
 * distributions is a generalised Pareto one, shape 0 being the exponential). It also makes every score differ
 * from every greater one.
 *
 * A small site has few cases: an administrator who looks twice a week makes six that count, for ever. So what
 * is missing of fifty cases is made up of supposed ones, exponential in score, and the first real ones are
 * judged against these: what they take for usual is quiet, an intruder is not. And a budget above what there
 * is would alert on everyday work, so an alert is one case in twenty at most, whatever the budget.
 *
 * Learning lasts until a span of days is over, and until fifty cases have been seen or a week has passed, if
 * that is longer; until then a rate is a guess, and the caller says "learning".
 *
 * Attacks are in the histogram like all else: many of them raise the threshold for the next. It errs on the
 * quiet side.
 *
 * Cost: linear in the bins once a bucket, constant for an event.
 */
#include "detect/calibration.h"

#include <math.h>
#include <string.h>

#define SECONDS_PER_DAY 86400.0
#define BUCKETS_PER_DAY 96.0
/* chosen: cases a tail is fitted to; 40 give its slope to about 15 % */
#define FIT_CASES 40.0
/* chosen: fewer cases than this say nothing of a tail */
#define LEARNING_MIN_CASES 50.0
/* chosen: with fewer cases, this long is learned from at least */
#define LEARNING_MIN_SECONDS (7 * SECONDS_PER_DAY)
/* chosen: mean score of supposed cases, after a look at the alerts of the shipped sample, to err on the quiet
 * side; it is only used until there are cases to go by */
#define PRIOR_MEAN 3.0
/* keeps the surprise strictly rising where the histogram has a gap; far below the width of a bin */
#define GAP_SLOPE 1e-3

void calibration_init(struct calibration *c, struct rate budget, double half_life_seconds,
                      double learning_seconds)
{
    memset(c, 0, sizeof(*c));
    c->budget = budget;
    c->keep_a_bucket = exp2(-SECONDS_PER_DAY / BUCKETS_PER_DAY / half_life_seconds);
    c->learning_seconds = learning_seconds;
    c->prior_growth = exp(1 / CALIBRATION_BINS_PER_ONE / PRIOR_MEAN);
    calibration_refresh(c);
}

static size_t bin_of(double score)
{
    const double bin = score * CALIBRATION_BINS_PER_ONE;

    return bin >= CALIBRATION_N_BINS ? CALIBRATION_N_BINS - 1 : bin > 0 ? (size_t)bin : 0;
}

/* Cases by bin and above, the missing ones supposed. */
static void sum_tail(struct calibration *c)
{
    double n = 0, missing, supposed;

    for (size_t i = 0; i < CALIBRATION_N_BINS; i++)
        n += c->settled[i];
    missing = fmax(0, LEARNING_MIN_CASES - n);
    supposed = missing * exp(-(CALIBRATION_N_BINS / CALIBRATION_BINS_PER_ONE) / PRIOR_MEAN);
    n = 0;
    c->tail[CALIBRATION_N_BINS] = 0;
    for (size_t i = CALIBRATION_N_BINS; i > 0; i--) {
        n += c->settled[i - 1];
        supposed *= c->prior_growth;
        c->tail[i - 1] = n + supposed;
    }
    c->n_settled = n;
}

void calibration_refresh(struct calibration *c)
{
    double excess = 0, days, span;

    sum_tail(c);
    days = fmax(c->settled_days, 1 / BUCKETS_PER_DAY);
    c->fit_bin = CALIBRATION_N_BINS - 1;
    while (c->fit_bin > 0 && c->tail[c->fit_bin] < FIT_CASES)
        c->fit_bin--;
    for (size_t i = c->fit_bin; i < CALIBRATION_N_BINS; i++)
        excess += (c->tail[i] - c->tail[i + 1]) * ((double)(i - c->fit_bin) + 0.5) / CALIBRATION_BINS_PER_ONE;
    c->fit_slope = excess > 0 ? fmax(excess / c->tail[c->fit_bin], 0.5 / CALIBRATION_BINS_PER_ONE) : 1;
    c->allowed = c->budget.a_day * (c->budget.n_hosts > 0 ? (double)c->n_hosts / c->budget.n_hosts : 1);
    c->limit = fmin(c->allowed, CALIBRATION_MAX_SHARE * c->tail[0] / days);
    c->threshold = fmax(0, -log(c->limit * days / c->tail[0]));
    span = (double)c->bucket * (SECONDS_PER_DAY / BUCKETS_PER_DAY) - c->start_seconds;
    c->is_learning =
        span < c->learning_seconds || (c->n_settled < LEARNING_MIN_CASES && span < LEARNING_MIN_SECONDS);
}

void calibration_advance(struct calibration *c, uint32_t bucket, double seconds, size_t n_hosts)
{
    double keep;

    if (c->start_seconds == 0) {
        c->start_seconds = seconds;
        c->bucket = bucket;
        c->n_hosts = n_hosts;
        calibration_refresh(c);
    }
    if (bucket <= c->bucket)
        return;
    keep = pow(c->keep_a_bucket, (double)(bucket - c->bucket));
    for (size_t i = 0; i < CALIBRATION_N_BINS; i++)
        c->settled[i] = MAX(0.0, (c->settled[i] + c->fresh[i]) * keep);
    memset(c->fresh, 0, sizeof(c->fresh));
    /* the days between, each weighing what its cases do */
    c->settled_days = c->settled_days * keep + (1 - keep) / (1 - c->keep_a_bucket) / BUCKETS_PER_DAY;
    c->bucket = bucket;
    c->n_hosts = n_hosts;
    calibration_refresh(c);
}

void calibration_add(struct calibration *c, double before, double score)
{
    if (before >= 0)
        c->fresh[bin_of(before)]--;
    c->fresh[bin_of(score)]++;
}

/* Cases with at least this score. */
static double cases_above(const struct calibration *c, double score)
{
    const size_t bin = bin_of(score);
    const double fit = (double)c->fit_bin / CALIBRATION_BINS_PER_ONE;

    if (bin >= c->fit_bin)
        return MAX(c->tail[c->fit_bin], 1.0) * exp(-(score - fit) / c->fit_slope);
    return c->tail[bin + 1] +
           (c->tail[bin] - c->tail[bin + 1]) * ((double)(bin + 1) - score * CALIBRATION_BINS_PER_ONE);
}

struct calibrated calibration_judge(const struct calibration *c, double score)
{
    const double cases = cases_above(c, score), share = cases / MAX(c->tail[0], 1.0);
    const double days = MAX(c->settled_days, 1 / BUCKETS_PER_DAY);

    return (struct calibrated){
        .rate = cases / days * exp(-GAP_SLOPE * score),
        .probability = share > 1 ? 1 : MAX(share, 1e-300),
        .surprise = MAX(0.0, GAP_SLOPE * score - log(share)),
    };
}

double calibration_threshold(const struct calibration *c)
{
    return c->threshold;
}
