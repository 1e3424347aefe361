/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_CALIBRATION_H
#define HAPAX_DETECT_CALIBRATION_H

/*
 * From a raw score to "how often does this happen here?", learned from the detector's own history without
 * labels, so that an operator can set alerts a day instead of a score. Its unit is the case: what one user
 * does within an hour, judged by its greatest score.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/option.h"
#include "util/buffer.h"
#include "util/cleanup.h"

/* chosen: what one case in twenty exceeds is no exception, whatever the budget */
#define CALIBRATION_MAX_SHARE 0.05

/* Bins of 1/8 up to 128; greater scores are in the last bin, and told apart by the fitted tail. */
#define CALIBRATION_N_BINS       1024U
#define CALIBRATION_BINS_PER_ONE 8.0
/* Cases of a user end after this many buckets: an hour and what is left of the quarter. */
#define CALIBRATION_CASE_BUCKETS 4U

struct calibration {
    struct rate budget;
    double keep_a_bucket; /* what a bucket later is left of a case */
    double learning_seconds;

    double start_seconds;               /* 0: nothing yet */
    uint32_t bucket;                    /* the present one */
    double settled[CALIBRATION_N_BINS]; /* cases of the buckets before, decayed as of the present one */
    double settled_days;                /* in this many (decayed) days */
    int32_t fresh[CALIBRATION_N_BINS];  /* of the present one */
    size_t n_hosts;                     /* known at its beginning */
    double prior_growth;                /* of supposed cases, from a bin to the one below */
    /* computed from settled, not state */
    double n_settled;
    double tail[CALIBRATION_N_BINS + 1]; /* cases in this bin and above, 50 at least: see calibration.c */
    size_t fit_bin;                      /* from here on the tail is taken for exponential */
    double fit_slope;
    double allowed; /* cases a day: the budget */
    double limit;   /* at most that: an alert is due at this rate or below */
    double threshold;
    bool is_learning;
};

/* budget as the option gives it. half_life of what is remembered. */
void calibration_init(struct calibration *calibration, struct rate budget, double half_life_seconds,
                      double learning_seconds);

/* Time has come to this bucket; n_hosts are known. The cases of earlier ones now count. Linear in the bins.
 */
void calibration_advance(struct calibration *calibration, uint32_t bucket, double seconds, size_t n_hosts);
/* To be called after its state was restored: computes the rest. */
void calibration_refresh(struct calibration *calibration);

/* A case has this score now; before it had `before` (negative: it is new). */
void calibration_add(struct calibration *calibration, double before, double score);

/* How usual a score is here. */
struct calibrated {
    double rate; /* cases a day with at least this score, as far as is known; above 0. Falls strictly with
                    the score */
    double probability; /* the share of such cases, within (0, 1] */
    double surprise;    /* the calibrated surprise: minus the logarithm of that share */
};

struct calibrated calibration_judge(const struct calibration *calibration, double score);
/* The surprise from which the budget is kept. */
double calibration_threshold(const struct calibration *calibration);

#endif
