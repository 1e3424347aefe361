/* SPDX-License-Identifier: Apache-2.0 */

/*
 * job_selects (matcher.c) seen from the front: whatever it can ever say yes to must be in here, or be covered
 * by is_everything. Names that several jobs share come several times; the gate keeps them once.
 *
 * A job for every process, or for any process with an argument that fits a pattern, wants everything: the
 * patterns cannot be looked for in bytes that a format may have escaped or put into hexadecimal. So does one
 * with a name that the kernel cuts. All wide jobs do.
 */
#include "select/wanted.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct collected {
    const char **names; /* NULL: only counted */
    size_t n_names;
    bool is_everything;
};

static void collect(struct collected *all, char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        all->is_everything = all->is_everything || strlen(names[i]) > COMM_BYTES_MAX;
        if (all->names)
            all->names[all->n_names] = names[i];
        all->n_names++;
    }
}

static void collect_job(struct collected *all, const struct job *job)
{
    all->is_everything =
        all->is_everything || job->is_any_process || (job->n_process_names == 0 && job->args.n > 0);
    collect(all, job->process_names, job->n_process_names);
    for (size_t i = 0; i < job->n_tool_sets; i++)
        for (size_t k = 0; k < job->tool_sets[i]->n_rules; k++) {
            const struct string_list *names = &job->tool_sets[i]->rules[k].names;

            all->is_everything = all->is_everything || names->n == 0;
            collect(all, names->items, names->n);
        }
    if (job->n_tool_sets > 0 && job->tools)
        collect(all, job->tools->multicall.items, job->tools->multicall.n);
}

int job_wanted(const struct job_set *set, struct wanted *ret_wanted)
{
    struct collected all = {0};

    for (size_t i = 0; i < set->n_jobs; i++)
        collect_job(&all, &set->jobs[i]);
    all.names = calloc(all.n_names + 1, sizeof(*all.names));
    if (!all.names)
        return -ENOMEM;
    all.n_names = 0;
    for (size_t i = 0; i < set->n_jobs; i++)
        collect_job(&all, &set->jobs[i]);
    *ret_wanted =
        (struct wanted){.names = all.names, .n_names = all.n_names, .is_everything = all.is_everything};
    return 0;
}

void job_wanted_done(struct wanted *wanted)
{
    free((void *)(uintptr_t)wanted->names);
    *wanted = (struct wanted){0};
}
