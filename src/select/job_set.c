/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The jobs of a folder, and of a second one beside it, whose files take the place of those of the same name.
 *
 * An id is looked for among the files of the directories, never made into a path: an id with a slash is
 * unknown. Jobs are read in the order of their ids, whichever folder they are in, so that the same jobs are
 * the same set. What is wrong with any of them is told before the set is refused. A file is read by job.c.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "select/index.h"
#include "select/job_file.h"

#define FILE_SUFFIX ".yaml"

void job_set_done(struct job_set *set)
{
    for (size_t i = 0; i < set->n_jobs; i++)
        job_done(&set->jobs[i]);
    free(set->jobs);
    tool_catalogue_free(set->tools);
    *set = (struct job_set){0};
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Adds the ids of all job files of a directory, in no order. */
static int list_directory(const char *directory, struct diag_list *diags, struct string_list *ids)
{
    const size_t n_suffix = sizeof(FILE_SUFFIX) - 1;
    const struct dirent *entry;
    DIR *dir = opendir(directory);
    int r = 0;

    if (!dir)
        return diag_add(diags, directory, 0, 0, "cannot open the directory: %s", strerror(errno));
    while (r >= 0 && (entry = readdir(dir))) {
        struct slice name = slice_from_string(entry->d_name);

        if (name.data[0] != '.' && slice_ends_with(name, SLICE(FILE_SUFFIX)))
            r = string_list_add(ids, slice_head(name, name.len - n_suffix));
    }
    (void)closedir(dir);
    return r;
}

/* The ids of both folders, sorted, each once; extra may be NULL. */
static int list_directories(const char *directory, const char *extra, struct diag_list *diags,
                            struct string_list *ids)
{
    size_t n = 0;
    int r = list_directory(directory, diags, ids);

    if (r >= 0 && ids->n == 0)
        return diag_add(diags, directory, 0, 0,
                        "there is no job in the directory, expected files NAME" FILE_SUFFIX);
    if (r >= 0 && extra)
        r = list_directory(extra, diags, ids);
    if (r < 0)
        return r;
    qsort(ids->items, ids->n, sizeof(*ids->items), compare_strings);
    for (size_t i = 0; i < ids->n; i++) {
        if (n > 0 && strcmp(ids->items[n - 1], ids->items[i]) == 0)
            free(ids->items[i]);
        else
            ids->items[n++] = ids->items[i];
    }
    ids->n = n;
    return 0;
}

/* Of the folder it is in; where it is in both, of extra. */
static int job_path(const char *directory, const char *extra, const char *id, char **ret_path)
{
    char *path = NULL;

    if (extra && asprintf(&path, "%s/%s" FILE_SUFFIX, extra, id) < 0)
        return -ENOMEM;
    if (path && access(path, F_OK) < 0) {
        free(path);
        path = NULL;
    }
    if (!path && asprintf(&path, "%s/%s" FILE_SUFFIX, directory, id) < 0)
        return -ENOMEM;
    *ret_path = path;
    return 0;
}

/* Marks the wanted ones of all ids. 1: some of them do not exist, reported. */
static int select_ids(const char *directory, const struct string_list *all, const char *const *ids,
                      size_t n_ids, struct diag_list *diags, bool *is_wanted)
{
    _cleanup_(freep) const char **words = calloc(all->n + 1, sizeof(*words));
    bool is_bad = false;

    if (!words)
        return -ENOMEM;
    for (size_t i = 0; i < all->n; i++)
        words[i] = all->items[i];
    for (size_t i = 0; i < n_ids; i++) {
        size_t k = 0;
        const char *nearest;

        while (k < all->n && strcmp(all->items[k], ids[i]) != 0)
            k++;
        if (k < all->n) {
            is_wanted[k] = true;
            continue;
        }
        is_bad = true;
        nearest = nearest_word(slice_from_string(ids[i]), words);
        if (nearest)
            (void)diag_add(diags, directory, 0, 0, "unknown job '%.80s' (did you mean '%s'?)", ids[i],
                           nearest);
        else
            (void)diag_add(diags, directory, 0, 0,
                           "unknown job '%.80s', expected the name of a file without " FILE_SUFFIX, ids[i]);
    }
    return is_bad;
}

int job_set_load(const char *directory, const char *const *ids, size_t n_ids, struct diag_list *diags,
                 struct job_set *ret_set)
{
    return job_set_load_with(directory, NULL, ids, n_ids, diags, ret_set);
}

int job_set_load_with(const char *directory, const char *extra, const char *const *ids, size_t n_ids,
                      struct diag_list *diags, struct job_set *ret_set)
{
    _cleanup_(string_list_done) struct string_list all = {0};
    _cleanup_(job_set_done) struct job_set set = {0};
    _cleanup_(freep) bool *is_wanted = NULL;
    size_t n_wanted = 0;
    bool is_bad = false;
    int r = list_directories(directory, extra, diags, &all);

    if (r < 0)
        return r;
    is_wanted = calloc(all.n, sizeof(*is_wanted));
    if (!is_wanted)
        return -ENOMEM;
    if (n_ids > 0)
        r = select_ids(directory, &all, ids, n_ids, diags, is_wanted);
    if (r < 0)
        return r;
    is_bad = r > 0;
    for (size_t i = 0; i < all.n; i++) {
        is_wanted[i] = is_wanted[i] || n_ids == 0;
        n_wanted += is_wanted[i];
    }
    if (n_wanted > JOBS_MAX)
        return diag_add(diags, directory, 0, 0, "there are %zu jobs, expected at most %u", n_wanted,
                        JOBS_MAX);
    set.jobs = calloc(n_wanted + 1, sizeof(*set.jobs));
    if (!set.jobs)
        return -ENOMEM;
    for (size_t i = 0; i < all.n; i++) {
        _cleanup_(freep) char *file = NULL, *shipped = NULL;

        if (!is_wanted[i])
            continue;
        r = job_path(directory, extra, all.items[i], &file);
        if (r >= 0)
            r = job_path(directory, NULL, all.items[i], &shipped);
        if (r >= 0)
            r = job_read_file(file, shipped, all.items[i], diags, &set.tools, &set.jobs[set.n_jobs]);
        if (r < 0)
            return r;
        if (r > 0)
            is_bad = true;
        else
            set.n_jobs++;
    }
    if (is_bad)
        return -EINVAL;
    *ret_set = set;
    set = (struct job_set){0};
    return 0;
}
