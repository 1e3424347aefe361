/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_INDEX_H
#define HAPAX_SELECT_INDEX_H

/*
 * Which of many jobs look at an event, by one lookup of its process name. The answers are those of
 * job_selects, job by job.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "select/job.h"

/* chosen: Elastic ships 14 jobs for Linux; each costs a detector */
#define JOBS_MAX 256U

/* A set of jobs, by their position. */
struct job_bits {
    uint64_t words[JOBS_MAX / 64];
};

static inline bool job_bits_has(const struct job_bits *bits, size_t i)
{
    return (bits->words[i / 64] >> (i % 64)) & 1;
}

static inline void job_bits_add(struct job_bits *bits, size_t i)
{
    bits->words[i / 64] |= UINT64_C(1) << (i % 64);
}

struct job_index;

/* The jobs are borrowed and stay as they are; at most JOBS_MAX. 0 or -ENOMEM. */
int job_index_new(const struct job *jobs, size_t n_jobs, struct job_index **ret_index) _warn_unused_;
struct job_index *job_index_free(struct job_index *index);
DEFINE_CLEANUP(struct job_index *, job_index_free)

/*
 * The jobs that look at the event; false where none does. A hash of the name and, for names and sets with
 * patterns, a walk over the arguments; nothing is allocated.
 */
bool job_index_select(const struct job_index *index, const struct event *event, struct job_bits *ret_jobs);

#endif
