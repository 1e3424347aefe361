/* SPDX-License-Identifier: Apache-2.0 */

/*
 * job_selects (matcher.c) seen from the front: whatever it can ever say yes to must be in here, or be covered
 * by is_everything. Names that several jobs share come several times; the gate keeps them once.
 */
#include "select/wanted.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

int job_wanted(const struct job_set *set, struct wanted *ret_wanted)
{
    const char **names;
    size_t n = 0;

    for (size_t i = 0; i < set->n_jobs; i++)
        n += set->jobs[i].n_process_names;
    names = calloc(n + 1, sizeof(*names));
    if (!names)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < set->n_jobs; i++)
        for (size_t k = 0; k < set->jobs[i].n_process_names; k++)
            names[n++] = set->jobs[i].process_names[k];
    *ret_wanted = (struct wanted){.names = names, .n_names = n};
    return 0;
}

void job_wanted_done(struct wanted *wanted)
{
    free((void *)(uintptr_t)wanted->names);
    *wanted = (struct wanted){0};
}
