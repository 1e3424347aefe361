/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Elastic's jobs overlap with everyday life: one that looks for system information also watches cat and grep.
 * A detector that judges families together needs each command in one family only, and none that everybody
 * runs all day. The tool catalogue says which those are: the "family" of a set, and its "job", which gives
 * the alert its name, severity and guide. The catalogue refuses a name in two families, since the event would
 * otherwise be judged by whichever comes first.
 *
 * A job of the suite is the job of its file with another list of names, so that selection, the pre-filter and
 * everything behind them need not know of families.
 */
#include "select/families.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_family(const struct tool_set *set)
{
    return set->job && set->family.n > 0;
}

size_t families_jobs(const struct tool_catalogue *catalogue, const char **ret_ids, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < catalogue->n_sets; i++) {
        if (!is_family(&catalogue->sets[i]))
            continue;
        if (n < size)
            ret_ids[n] = catalogue->sets[i].job;
        n++;
    }
    return n;
}

static int apply_one(const struct tool_set *set, struct job *job)
{
    char **names = calloc(set->family.n + 1, sizeof(*names));

    if (!names)
        return -ENOMEM;
    for (size_t i = 0; i < job->n_process_names; i++)
        free(job->process_names[i]);
    free(job->process_names);
    job->process_names = names;
    job->n_process_names = 0;
    job->is_any_process = false;
    job->n_tool_sets = 0;
    pattern_list_done(&job->args);
    for (; job->n_process_names < set->family.n; job->n_process_names++) {
        names[job->n_process_names] = strdup(set->family.items[job->n_process_names]);
        if (!names[job->n_process_names])
            return -ENOMEM;
    }
    return 0;
}

int families_apply(const struct tool_catalogue *catalogue, struct job_set *jobs)
{
    int r = 0;

    for (size_t i = 0; i < jobs->n_jobs; i++)
        for (size_t k = 0; r >= 0 && k < catalogue->n_sets; k++) {
            const struct tool_set *set = &catalogue->sets[k];

            if (is_family(set) && strcmp(set->job, jobs->jobs[i].id) == 0)
                r = apply_one(set, &jobs->jobs[i]);
        }
    return r;
}
