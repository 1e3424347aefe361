/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_FAMILIES_H
#define HAPAX_SELECT_FAMILIES_H

/*
 * The suite: which command belongs to which family, for detectors that judge families together. A family is a
 * set of the tool catalogue that names the job whose alerts it raises.
 */

#include <stddef.h>

#include "select/job.h"
#include "select/tools.h"

/* The ids of the jobs of all families, borrowed from the catalogue, in its order. Returns how many there are;
 * at most `size` are written. */
size_t families_jobs(const struct tool_catalogue *catalogue, const char **ret_ids, size_t size);

/* Lets each job of a family look at the family's commands instead of what its file says. 0 or -ENOMEM. */
int families_apply(const struct tool_catalogue *catalogue, struct job_set *jobs) _warn_unused_;

#endif
