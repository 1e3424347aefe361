/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_WANTED_H
#define HAPAX_SELECT_WANTED_H

/* What a set of jobs can select at all, for the pre-filter in front of normalize. */

#include "event/wanted.h"
#include "select/job.h"

/*
 * The names of all jobs' process starts. Borrows from set; release with job_wanted_done. 0 or -ENOMEM.
 */
int job_wanted(const struct job_set *set, struct wanted *ret_wanted) _warn_unused_;
void job_wanted_done(struct wanted *wanted);

#endif
