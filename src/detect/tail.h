/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_TAIL_H
#define HAPAX_DETECT_TAIL_H

/* How improbable are several improbabilities together? */

#include <stdint.h>

/* chosen by the original: only the five smallest count as extremes */
#define TALLY_EXTREMES 5

/* What is kept of a set of probabilities, in any number. Zero-initialise. */
struct tally {
    uint64_t n;
    double sum_squares;              /* of the normal deviates they stand for */
    double smallest[TALLY_EXTREMES]; /* ascending, the first min(n, TALLY_EXTREMES) */
};

/* square is tail_normal_deviate(probability) squared. */
void tally_add(struct tally *tally, double probability, double square);

/* The probability of the set, with users of one population as its members; n must not be 0. [DBL_MIN, 1] */
double tally_probability(const struct tally *tally);

/* That the smallest of n probabilities is at most p. */
double tail_of_smallest(double p, uint64_t n);

/* The z with P(|Z| >= z) = p for a standard normal Z, p in (0, 1]. */
double tail_normal_deviate(double p);

/* Q(a, x): the regularised upper incomplete gamma function, a > 0, x >= 0. */
double tail_gamma(double a, double x);

#endif
