/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Several users act in one bucket; each has a probability. Two views of all of them together, as Elastic's
 * detector takes them, each blind where the other sees:
 *
 * Joint. Each probability stands for a normal deviate; the sum of their squares is chi-squared, and its upper
 * tail says how improbable the set is as a whole. Many slightly rare users show here.
 *
 * Extremes. Of n uniform numbers, how probable is it that for every k up to m the k-th smallest is at most
 * what the k-th smallest is here? For m from 1 to 5, taking the smallest after a correction for having looked
 * m times. One very rare user in a crowd shows here. The count of numbers below each threshold walks along a
 * chain of binomials; what can no longer fail is taken out at once as a binomial's upper tail, so that
 * results of 1e-300 are sums of small terms and not differences of large ones.
 *
 * Both are averaged as raw scores. libm has neither the incomplete gamma function nor an inverse of erfc
 * (beta.c says why no library): a series below x = a + 1 (DLMF 8.11.4) and Legendre's continued fraction
 * above (DLMF 8.9.2), by the modified Lentz method; and Halley's method on ln erfc.
 *
 * Only five probabilities and a sum are kept of a set: adding one costs some 100 ns.
 */
#include "detect/tail.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "detect/rarity.h"
#include "util/cleanup.h"

/* the correction of having looked m times: ln E / (1 + ln m / CALIBRATION), a fact of the original */
#define CALIBRATION 2.1
/* chosen: a = 1e6 needs some thousand */
#define MAX_STEPS 100000
#define TINY      1e-300

double tail_normal_deviate(double p)
{
    double z;

    if (p >= 1)
        return 0;
    p = fmax(p, DBL_MIN);
    if (p > 0.5) { /* erfc is near 1 and says little; erf is nearly linear here */
        const double target = 1 - p;

        z = target * sqrt(M_PI / 2);
        for (int i = 0; i < 6; i++) {
            const double step = (erf(z * M_SQRT1_2) - target) / (sqrt(2 / M_PI) * exp(-z * z / 2));

            z -= step;
            if (fabs(step) < 1e-9) /* what is left is its square */
                break;
        }
        return fmax(0, z);
    }
    /* Abramowitz and Stegun 26.2.23, good to 4.5e-4 */
    z = sqrt(-2 * log(p / 2));
    z -= (2.515517 + z * (0.802853 + z * 0.010328)) / (1 + z * (1.432788 + z * (0.189269 + z * 0.001308)));
    for (int i = 0; i < 3; i++) {
        const double tail = erfc(z * M_SQRT1_2), slope = sqrt(2 / M_PI) * exp(-z * z / 2) / tail;

        z += log(tail / p) / slope; /* ln erfc is concave and almost a parabola: two steps are enough */
    }
    return z;
}

double tail_gamma(double a, double x)
{
    double front, sum = 1, term = 1, b, c, d, h;
    int sign;

    assert(a > 0);
    if (!(x > 0))
        return 1;
    front = a * log(x) - x - lgamma_r(a, &sign);
    if (x < a + 1) {
        for (int i = 1; i < MAX_STEPS && term > sum * DBL_EPSILON; i++) {
            term *= x / (a + i);
            sum += term;
        }
        return fmax(0, 1 - exp(front - log(a)) * sum);
    }
    b = x + 1 - a;
    c = 1 / TINY;
    d = 1 / b;
    h = d;
    for (int i = 1; i < MAX_STEPS; i++) {
        const double an = -i * (i - a);
        double step;

        b += 2;
        d = an * d + b;
        c = b + an / c;
        if (fabs(d) < TINY)
            d = TINY;
        if (fabs(c) < TINY)
            c = TINY;
        d = 1 / d;
        step = d * c;
        h *= step;
        if (fabs(step - 1) < 2 * DBL_EPSILON)
            break;
    }
    return fmin(1, exp(front + log(h)));
}

double tail_of_smallest(double p, uint64_t n)
{
    return p < 1 ? -expm1((double)n * log1p(-p)) : 1;
}

void tally_add(struct tally *tally, double probability, double square)
{
    size_t n = (size_t)MIN(tally->n, (uint64_t)TALLY_EXTREMES), i = n;

    tally->n++;
    tally->sum_squares += square;
    while (i > 0 && tally->smallest[i - 1] > probability)
        i--;
    if (i == TALLY_EXTREMES)
        return;
    n = MIN(n, (size_t)TALLY_EXTREMES - 1);
    for (; n > i; n--)
        tally->smallest[n] = tally->smallest[n - 1];
    tally->smallest[i] = probability;
}

/*
 * Of n numbers, each below with probability q: *ret_exactly[i] is that i are, for i < k; returned is that at
 * least k are. That one is what the others leave over where it is not small, and a short series where it is.
 */
static double binomial(uint64_t n, double q, int k, double ret_exactly[])
{
    const double odds = q / (1 - q), mean = (double)n * q;
    double term = exp((double)n * log1p(-q)), sum = 0;

    for (int i = 0; i < k; i++) {
        ret_exactly[i] = term;
        sum += term;
        term *= odds * (double)(n - (uint64_t)i) / (i + 1); /* 0 from i = n on */
    }
    if (mean >= k)
        return fmax(0, 1 - sum);
    sum = 0;
    for (uint64_t i = (uint64_t)k; i <= n && term > sum * DBL_EPSILON; i++) {
        sum += term;
        term *= odds * (double)(n - i) / (double)(i + 1);
    }
    return fmin(1, sum);
}

/* P(for every k <= m at least k of n uniforms are <= smallest[k - 1]) */
static double chance_of_extremes(const struct tally *tally, int m)
{
    double states[TALLY_EXTREMES] = {1}; /* how probable it is that so many are below, fewer than m */
    double exactly[TALLY_EXTREMES], done = 0, below = 0;

    for (int k = 1; k <= m; k++) {
        double next[TALLY_EXTREMES] = {0};
        const double upto = tally->smallest[k - 1];

        if (upto >= 1) { /* from here on nothing can fail */
            for (int j = 0; j < m; j++)
                done += states[j];
            return done;
        }
        for (int j = k - 1; j < m; j++) { /* fewer have failed already */
            if (!(states[j] > 0))
                continue;
            done +=
                states[j] * binomial(tally->n - (uint64_t)j, (upto - below) / (1 - below), m - j, exactly);
            for (int to = MAX(j, k); to < m; to++)
                next[to] += states[j] * exactly[to - j];
        }
        memcpy(states, next, sizeof(states));
        below = upto;
    }
    return done;
}

static double extremes(const struct tally *tally)
{
    const int n = (int)MIN(tally->n, (uint64_t)TALLY_EXTREMES);
    double least = log(tail_of_smallest(tally->smallest[0], tally->n));

    for (int m = 2; m <= n; m++) {
        const double chance = fmax(DBL_MIN, chance_of_extremes(tally, m));

        least = fmin(least, log(chance) / (1 + log(m) / CALIBRATION));
    }
    return exp(least);
}

double tally_probability(const struct tally *tally)
{
    double joint, extreme;

    assert(tally->n > 0);
    if (tally->n == 1)
        return fmax(DBL_MIN, tally->smallest[0]);
    joint = tail_gamma((double)tally->n / 2, tally->sum_squares / 2);
    extreme = extremes(tally);
    if (joint > RARITY_MAX_ANOMALOUS && extreme > RARITY_MAX_ANOMALOUS)
        return fmax(DBL_MIN, sqrt(joint * extreme));
    return rarity_probability_of_raw(
        (rarity_unlimited_raw_score(joint) + rarity_unlimited_raw_score(extreme)) / 2);
}
