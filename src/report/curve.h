/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_REPORT_CURVE_H
#define HAPAX_REPORT_CURVE_H

/*
 * What other thresholds and budgets would have cost. Zero-initialise, release with units_done; units_flush
 * comes before the curves are read.
 */

#include "detect/detector.h"
#include "util/table.h"

/* A quarter of a point, which doubles hold exactly; what is above 100 is in the last bin. */
#define CURVE_STEPS_PER_POINT 4
#define CURVE_BINS            (100 * CURVE_STEPS_PER_POINT + 1)
#define CURVE_BUDGETS         22

/* Alerts a day, ascending: what the bins of budgets stand for. */
extern const double curve_budgets[CURVE_BUDGETS];

struct curve {
    uint64_t by_score[CURVE_BINS];     /* cases by the highest score of the case, rounded down to a step */
    uint64_t by_budget[CURVE_BUDGETS]; /* cases by the least budget that takes them; dearer ones: nowhere */
    uint64_t n_held, n_learning;       /* cases that exceptions held back, or that came while learning */
    bool has_budget;
};

struct unit {
    UT_hash_handle hh;
    char *key;
    struct curve *curve; /* borrowed */
    double score_max, cases_per_day_min;
    bool is_held, is_learning;
};

struct units {
    struct unit *units; /* the oldest first */
};

void units_done(struct units *units);

/* Counts a verdict for its case: (job, population, user, bucket), of a suite all its jobs as one. curve is
 * the job's, or the suite's. 0 or -ENOMEM. */
int units_add(struct units *units, struct curve *curve, const struct verdict *verdict) _warn_unused_;

/* Puts the cases that are still open into their curves. */
void units_flush(struct units *units);

#endif
