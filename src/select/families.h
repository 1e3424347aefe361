/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_FAMILIES_H
#define HAPAX_SELECT_FAMILIES_H

/* The suite: which command belongs to which family, for detectors that judge families together. */

#include <stdbool.h>
#include <stddef.h>

#include "select/job.h"
#include "util/cleanup.h"
#include "util/diag.h"

struct family {
    char *job; /* id of the job whose alerts it raises */
    char **process_names;
    size_t n_process_names;
};

struct families {
    struct family *items;
    size_t n;
};

/*
 * Reads the file: "families" with a list of process names for each job id. Problems go to diags with file,
 * line and column (-EINVAL); so does a name that is in two families. Whether the jobs exist is the caller's
 * to check.
 */
int families_load(const char *path, struct diag_list *diags, struct families *ret_families) _warn_unused_;
void families_done(struct families *families);

/* The family that raises the job's alerts, NULL where there is none. */
const struct family *families_find(const struct families *families, const char *job);

/* Lets each job of a family look at the family's commands instead of what its file says. 0 or -ENOMEM. */
int families_apply(const struct families *families, struct job_set *jobs) _warn_unused_;

#endif
