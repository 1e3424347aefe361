/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Elastic's jobs overlap with everyday life: one that looks for system information also watches cat and grep.
 * A detector that judges families together needs each command in one family only, and none that everybody
 * runs all day. So the suite has a file of its own, rulebase/families.yaml, that says for each job which of
 * its commands count. The job gives the alert its name, severity and guide.
 *
 * A name belongs to one family: one that stands in two is an error, since the event would otherwise be judged
 * by whichever comes first.
 *
 * A job of the suite is the job of its file with another list of names, so that selection, the pre-filter and
 * everything behind them need not know of families.
 */
#include "select/families.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

/* chosen: ten times what there is */
#define MAX_FAMILIES 64U

static void family_done(struct family *family)
{
    free(family->job);
    string_array_free(family->process_names);
}

void families_done(struct families *families)
{
    for (size_t i = 0; i < families->n; i++)
        family_done(&families->items[i]);
    free(families->items);
    *families = (struct families){0};
}

static size_t count(char **names)
{
    size_t n = 0;

    while (names[n])
        n++;
    return n;
}

/* A name stands in one family only. */
static int check_name(struct config *config, const struct families *families, const char *name,
                      const char *key, struct diag_list *diags)
{
    const char *file;
    unsigned line, column;

    for (size_t i = 0; i < families->n; i++)
        for (size_t k = 0; k < families->items[i].n_process_names; k++) {
            if (strcmp(families->items[i].process_names[k], name) != 0)
                continue;
            config_place(config, key, &file, &line, &column);
            return diag_add(diags, file, line, column, "command '%s' is in family '%s' already", name,
                            families->items[i].job);
        }
    return 0;
}

/* families.JOB.0, .1, … */
static int read_names(struct config *config, struct families *families, struct family *family,
                      struct diag_list *diags)
{
    _cleanup_(freep) char *path = NULL;
    char **indices = NULL;
    int r, result = 0;

    if (asprintf(&path, "families.%s", family->job) < 0)
        return -ENOMEM;
    r = config_children(config, path, &indices);
    if (r < 0)
        return r;
    family->process_names = calloc(count(indices) + 1, sizeof(*family->process_names));
    if (!family->process_names)
        result = -ENOMEM;
    for (size_t i = 0; result != -ENOMEM && indices[i]; i++) {
        _cleanup_(freep) char *key = NULL;
        const char *name;

        if (asprintf(&key, "%s.%s", path, indices[i]) < 0) {
            result = -ENOMEM;
            break;
        }
        name = config_get(config, key);
        if (!name || !*name)
            continue; /* reported as unknown */
        r = check_name(config, families, name, key, diags);
        result = MIN(result, r);
        family->process_names[family->n_process_names] = strdup(name);
        if (!family->process_names[family->n_process_names++])
            result = -ENOMEM;
    }
    string_array_free(indices);
    return result;
}

static int read_families(struct config *config, const char *path, char **jobs, struct families *families,
                         struct diag_list *diags)
{
    const size_t n = count(jobs);
    int r, result = 0;

    if (n == 0 || n > MAX_FAMILIES)
        return diag_add(diags, path, 0, 0, "%zu families, expected 1 to %u below 'families'", n,
                        MAX_FAMILIES);
    families->items = calloc(n, sizeof(*families->items));
    if (!families->items)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct family *family = &families->items[i];

        family->job = strdup(jobs[i]);
        if (!family->job)
            return -ENOMEM;
        r = read_names(config, families, family, diags);
        families->n = i + 1;
        if (r == -ENOMEM)
            return r;
        if (r >= 0 && family->n_process_names == 0)
            r = diag_add(diags, path, 0, 0, "family '%s' has no commands, expected a list of process names",
                         family->job);
        result = MIN(result, r);
    }
    return result;
}

int families_load(const char *path, struct diag_list *diags, struct families *ret_families)
{
    _cleanup_(config_freep) struct config *config = NULL;
    _cleanup_(families_done) struct families families = {0};
    char **jobs = NULL;
    int r, q;

    r = config_new(&config);
    if (r >= 0)
        r = config_load_file(config, path, diags);
    if (r >= 0)
        r = config_children(config, "families", &jobs);
    if (r < 0)
        return r;
    r = read_families(config, path, jobs, &families, diags);
    string_array_free(jobs);
    if (r == -ENOMEM)
        return r;
    q = config_check_unknown(config, diags);
    if (r < 0 || q < 0)
        return MIN(r, q);
    *ret_families = families;
    families = (struct families){0};
    return 0;
}

const struct family *families_find(const struct families *families, const char *job)
{
    for (size_t i = 0; i < families->n; i++)
        if (strcmp(families->items[i].job, job) == 0)
            return &families->items[i];
    return NULL;
}

static int apply_one(const struct family *family, struct job *job)
{
    char **names = calloc(family->n_process_names + 1, sizeof(*names));

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
    for (; job->n_process_names < family->n_process_names; job->n_process_names++) {
        names[job->n_process_names] = strdup(family->process_names[job->n_process_names]);
        if (!names[job->n_process_names])
            return -ENOMEM;
    }
    return 0;
}

int families_apply(const struct families *families, struct job_set *jobs)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < jobs->n_jobs; i++) {
        const struct family *family = families_find(families, jobs->jobs[i].id);

        if (family)
            r = apply_one(family, &jobs->jobs[i]);
    }
    return r;
}
