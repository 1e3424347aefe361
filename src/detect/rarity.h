/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_RARITY_H
#define HAPAX_DETECT_RARITY_H

/*
 * The maths of the rare detector without its state: a population as the sorted weights of its users, how
 * improbable one of them is, and the score of an improbability.
 */

#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * The weights of a population, ascending, equal ones as one group. Zero-initialise. Weights are positive;
 * they may carry a common factor.
 */
struct curve {
    double *weights;
    uint64_t *n_users; /* of each group */
    double *mass;      /* of this group and all before it; valid for the first n_settled */
    size_t n_groups, size, n_settled;
};

void curve_done(struct curve *curve);
void curve_clear(struct curve *curve);

/* 0 or -ENOMEM, and nothing has changed then. A memory move in the number of groups. */
int curve_add(struct curve *curve, double weight) _warn_unused_;
/* The weight must be there. */
void curve_remove(struct curve *curve, double weight);

/* The mass of all users, in the unit of the weights. 0 where there is none. */
double curve_total(struct curve *curve);
/* The mass of all users that weigh at most this much. */
double curve_mass(struct curve *curve, double weight);

/*
 * How probable it is that a bucket shows a user no more likely than one of this weight, averaged over what is
 * not known about that user's true share: [DBL_MIN, 1]. The weight must be in the curve; weight * unit is in
 * user-buckets. Some 10 us where the population has less than 10,000 user-buckets, else a binary search; plus
 * one pass over the weights that have changed since the last call.
 */
double rarity_probability(struct curve *curve, double weight, double unit);

/* Elastic's maximum anomalous probability: no raw score above it. */
#define RARITY_MAX_ANOMALOUS 0.035
/* The greatest raw score there is. */
#define RARITY_MAX_RAW 100.0

/* The raw score of a probability: 0 from 0.035 up, then up to 100. */
double rarity_raw_score(double probability);
/* The same, but 0 only from 0.05 up: for sums. */
double rarity_unlimited_raw_score(double probability);
/* The probability that has this raw score; of 0, one that is ordinary. */
double rarity_probability_of_raw(double raw);

/* A user's own maximum counts for so many buckets without the user: Elastic's normaliser. */
#define RARITY_GREATEST_BUCKETS 50
/* What is left of a greatest raw score after age buckets. */
double rarity_fade(double raw, int64_t age, double lambda);

/* The two ceilings that need no history, from 0 to 100; greatest_raw (at least raw) is the user's own recent
 * maximum. */
double rarity_score(double probability, double raw, double greatest_raw);

#endif
