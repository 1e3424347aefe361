/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What "rare" means here, after Elastic's function of the same name (the description of its maths that this
 * follows is our own; numbers below are facts of that detector, release 9.5.2).
 *
 * A user's share is p = weight / total. C(p) is the mass of all users with a share of at most p: how probable
 * a user-bucket is that is no more likely than this one. Churn therefore raises everybody's C: thirty users
 * seen once each are not rare among themselves. The share of a user seen twice is not well known, so C is not
 * read at p alone: Beta(weight, total - weight) is cut into n slices of equal probability, C is read
 * (linearly between the users) a little above each slice's mean, and the n values are averaged. n shrinks as
 * the total grows and the uncertainty with it.
 *
 * The score of a probability runs over 300 decades in raw form; ceilings then bring it to 0 to 100. Two of
 * them are here: the absolute one (N3), a straight line in ln P, 25 at P = 0.0135, 100 at 1e-4; and the own
 * maximum (N2), which holds a user's repeats below that user's own recent one. The two that need a history of
 * all results are in ceilings.c; they decide only in populations with much churn.
 *
 * Users of equal weight are one group of the curve: ties must share one C, and with a window there are only
 * as many groups as there are different counts. Masses are sums from the smallest weight up, taken lazily
 * from the first group that changed: they depend on the set of weights and not on the order in which they
 * came, which makes a restored model give the same bits.
 */
#include "detect/rarity.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "detect/beta.h"

/* where C is read: above the slice's mean by this factor */
#define READ_FACTOR 1.05
/* raw score: 0 above L; 1 at S; 50 at M; 100 at the smallest normal double */
#define RAW_L 0.05
#define RAW_S 1e-4
#define RAW_M 1e-50
/* a greatest raw score loses exp(-2 lambda) in each bucket: Elastic's normaliser */
#define GREATEST_DECAY 2
/* what raw score 0 stands for: a fact of the original */
#define RAW_NONE_PROBABILITY 0.525

void curve_done(struct curve *curve)
{
    free(curve->weights);
    free(curve->n_users);
    free(curve->mass);
    *curve = (struct curve){0};
}

void curve_clear(struct curve *curve)
{
    curve->n_groups = curve->n_settled = 0;
}

static int grow(struct curve *curve)
{
    const size_t size = curve->size > 0 ? 2 * curve->size : 16;
    double *weights, *mass;
    uint64_t *n_users;

    weights = reallocarray(curve->weights, size, sizeof(*weights));
    if (!weights)
        return -ENOMEM;
    curve->weights = weights;
    n_users = reallocarray(curve->n_users, size, sizeof(*n_users));
    if (!n_users)
        return -ENOMEM;
    curve->n_users = n_users;
    mass = reallocarray(curve->mass, size, sizeof(*mass));
    if (!mass)
        return -ENOMEM;
    curve->mass = mass;
    curve->size = size;
    return 0;
}

/* The number of groups that weigh less. */
static size_t find_group(const struct curve *curve, double weight)
{
    size_t low = 0, high = curve->n_groups, mid;

    while (low < high) {
        mid = low + (high - low) / 2;
        if (curve->weights[mid] < weight)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool is_group(const struct curve *curve, size_t i, double weight)
{
    return i < curve->n_groups && !(weight < curve->weights[i]);
}

/* Moves the groups from i on by one place, up or down. */
static void shift(struct curve *curve, size_t i, bool up)
{
    const size_t n = curve->n_groups - i - (up ? 0 : 1), from = up ? i : i + 1, to = up ? i + 1 : i;

    memmove(curve->weights + to, curve->weights + from, n * sizeof(*curve->weights));
    memmove(curve->n_users + to, curve->n_users + from, n * sizeof(*curve->n_users));
}

int curve_add(struct curve *curve, double weight)
{
    const size_t i = find_group(curve, weight);
    int r;

    assert(weight > 0);
    if (is_group(curve, i, weight)) {
        curve->n_users[i]++;
    } else {
        if (curve->n_groups == curve->size) {
            r = grow(curve);
            if (r < 0)
                return r;
        }
        shift(curve, i, true);
        curve->weights[i] = weight;
        curve->n_users[i] = 1;
        curve->n_groups++;
    }
    curve->n_settled = MIN(curve->n_settled, i);
    return 0;
}

void curve_remove(struct curve *curve, double weight)
{
    const size_t i = find_group(curve, weight);

    assert(is_group(curve, i, weight));
    if (--curve->n_users[i] == 0) {
        shift(curve, i, false);
        curve->n_groups--;
    }
    curve->n_settled = MIN(curve->n_settled, i);
}

static void settle(struct curve *curve)
{
    double mass = curve->n_settled > 0 ? curve->mass[curve->n_settled - 1] : 0;

    for (size_t i = curve->n_settled; i < curve->n_groups; i++) {
        mass += curve->weights[i] * (double)curve->n_users[i];
        curve->mass[i] = mass;
    }
    curve->n_settled = curve->n_groups;
}

double curve_total(struct curve *curve)
{
    settle(curve);
    return curve->n_groups > 0 ? curve->mass[curve->n_groups - 1] : 0;
}

double curve_mass(struct curve *curve, double weight)
{
    size_t i;

    settle(curve);
    i = find_group(curve, weight);
    if (is_group(curve, i, weight))
        i++;
    return i > 0 ? curve->mass[i - 1] : 0;
}

/* C at this weight, on the straight lines between (0, 0) and the groups; 1 from the greatest weight on. */
static double read_curve(const struct curve *curve, double weight, double total)
{
    const size_t i = find_group(curve, weight);
    double left = 0, left_mass = 0, alpha;

    if (i == curve->n_groups)
        return 1;
    if (i > 0) {
        left = curve->weights[i - 1];
        left_mass = curve->mass[i - 1];
    }
    alpha = (weight - left) / (curve->weights[i] - left);
    return ((1 - alpha) * left_mass + alpha * curve->mass[i]) / total;
}

static int count_slices(double total)
{
    return total <= 100 ? 7 : total <= 1000 ? 5 : total <= 10000 ? 3 : 1;
}

double rarity_probability(struct curve *curve, double weight, double unit)
{
    const double total = curve_total(curve);
    const double a = weight * unit, b = (total - weight) * unit;
    const int n = count_slices(total * unit);
    double sum = 0, below = 0, upto;

    /* the only user; or the rest of them, or this one, lost in rounding */
    if (n == 1 || !(b > 0) || !(a > 0))
        return fmax(DBL_MIN, read_curve(curve, READ_FACTOR * weight, total));
    for (int k = 1; k <= n; k++) {
        upto = k < n ? beta_share_below((double)k / n, a, b) : 1;
        sum += read_curve(curve, READ_FACTOR * n * weight * (upto - below), total);
        below = upto;
    }
    return fmin(1, fmax(DBL_MIN, sum / n));
}

double rarity_raw_score(double probability)
{
    return probability > RARITY_MAX_ANOMALOUS ? 0 : rarity_unlimited_raw_score(probability);
}

double rarity_unlimited_raw_score(double probability)
{
    const double p = fmax(probability, DBL_MIN);

    if (p >= RAW_L)
        return 0;
    if (p >= RAW_S)
        return (1 / p - 1 / RAW_L) / (1 / RAW_S - 1 / RAW_L);
    if (p >= RAW_M)
        return 1 + 49 * (log(RAW_S) - log(p)) / (log(RAW_S) - log(RAW_M));
    return 50 + 50 * (log(RAW_M) - log(p)) / (log(RAW_M) - log(DBL_MIN));
}

double rarity_probability_of_raw(double raw)
{
    if (!(raw > 0))
        return RAW_NONE_PROBABILITY;
    if (raw <= 1)
        return 1 / (1 / RAW_L + raw * (1 / RAW_S - 1 / RAW_L));
    if (raw <= 50)
        return exp(log(RAW_S) - (raw - 1) / 49 * (log(RAW_S) - log(RAW_M)));
    return exp(log(RAW_M) - (raw - 50) / 50 * (log(RAW_M) - log(DBL_MIN)));
}

double rarity_fade(double raw, int64_t age, double lambda)
{
    return age > RARITY_GREATEST_BUCKETS ? 0
                                         : raw * exp(-GREATEST_DECAY * lambda * (double)MAX(age, INT64_C(0)));
}

double rarity_score(double probability, double raw, double greatest_raw)
{
    const double p = fmax(probability, DBL_MIN);
    double ratio, own, absolute;

    if (!(raw > 0))
        return 0;
    assert(greatest_raw >= raw);
    ratio = raw / greatest_raw;
    own = 100 * fmin(1.5 * ratio, 0.5 + 0.5 * ratio);
    absolute = 100 * (0.95 * (log(RAW_L) - log(p)) / (log(RAW_L) - log(RAW_S)) + 0.05);
    return fmin(100, fmin(own, absolute));
}
