/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_DIGEST_H
#define HAPAX_DETECT_DIGEST_H

/* How many samples were at most this large? A quantile digest of whole numbers, in a few hundred nodes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/slice.h"

/* Samples are below 2^DIGEST_MAX_LEVEL: a raw score in thousandths is at most 100,000. */
#define DIGEST_MAX_LEVEL 20U

/* So many samples of the interval [index << level, (index + 1) << level). */
struct digest_node {
    uint32_t level, index;
    uint64_t n;
};

/* Zero-initialise. */
struct digest {
    struct digest_node *nodes; /* by level, then index */
    size_t n_nodes, size;
    uint64_t n; /* samples */
    uint32_t root_level;
    bool is_dirty; /* another pass may merge something */
};

void digest_done(struct digest *digest);
void digest_clear(struct digest *digest);

/* n more samples of this value. 0 or -ENOMEM. */
int digest_add(struct digest *digest, uint32_t value, uint64_t n) _warn_unused_;

/* Every count times factor (0 to 1), rounded; n_rounds times. Ends early where nothing changes any more. */
void digest_age(struct digest *digest, double factor, int64_t n_rounds);

/* What was certainly (nodes whose maximum is at most value) and at the most (whose minimum is) at most value.
 */
void digest_count(const struct digest *digest, uint32_t value, uint64_t *ret_least, uint64_t *ret_most);

/* The greatest maximum of a node below value, 0 where there is none; the least minimum above it, UINT32_MAX.
 */
void digest_neighbours(const struct digest *digest, uint32_t value, uint32_t *ret_below, uint32_t *ret_above);

/* The least maximum of a node up to which share (0 to 1) of all samples lie. 0 where there is none. */
uint32_t digest_quantile(const struct digest *digest, double share);

/*
 * The last maximum of a node up to which at most share of all samples lie, the least one at least; then the
 * samples above it into *rest (empty) and how many are not. 0 or -ENOMEM.
 */
int digest_split(const struct digest *digest, double share, uint32_t *ret_cut, struct digest *rest,
                 uint64_t *ret_n_upto) _warn_unused_;

int digest_save(const struct digest *digest, struct buffer *out) _warn_unused_;
/* Into an empty one; -EBADMSG on what digest_save does not write, *digest is then unspecified. */
int digest_load(struct digest *digest, struct slice *s) _warn_unused_;

#endif
