/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_CEILINGS_H
#define HAPAX_DETECT_CEILINGS_H

/* A raw score as a score from 0 to 100, held down by the history of all raw scores of its kind. */

#include "detect/digest.h"

/* One kind's history. Zero-initialise, then ceilings_init. */
struct ceilings {
    struct digest all, above; /* samples; those above the cut */
    bool has_cut;
    uint32_t cut;
    uint64_t n_upto;      /* samples not above the cut */
    uint64_t n_since_cut; /* samples since it was estimated */
    uint32_t results_per_sample;
    uint32_t n_pending;      /* results of the sample that is being taken, below results_per_sample */
    double greatest_pending; /* of them */
    int64_t first_bucket;    /* ages count from here; BUCKET_NONE: none yet */
    int64_t n_aged;          /* rounds of aging so far */
    bool is_dirty;           /* for its owner: changed since it was handed over */
};

void ceilings_init(struct ceilings *ceilings, int64_t bucket_span_usec);
void ceilings_done(struct ceilings *ceilings);

/* Time has come to this bucket; never back. lambda is the decay rate of a bucket. */
void ceilings_age(struct ceilings *ceilings, int64_t bucket, double lambda);

/* One more result. 0 or -ENOMEM. */
int ceilings_update(struct ceilings *ceilings, double raw) _warn_unused_;

/*
 * The score of a raw score. greatest_raw (at least raw) is the greatest of the same user or value. n_open is
 * 0 for a result that ceilings_update has seen; else the results of the open bucket, this one among them,
 * that it has not: they count as if they were told now and all the others were ordinary. Constant where raw
 * is 0, some 20 us otherwise.
 */
double ceilings_score(const struct ceilings *ceilings, double raw, double greatest_raw, uint64_t n_open);

/* n_bucket_max is the greatest bucket number there can be. */
int ceilings_save(const struct ceilings *ceilings, struct buffer *out) _warn_unused_;
int ceilings_load(struct ceilings *ceilings, struct slice *s, int64_t bucket_max) _warn_unused_;

#endif
