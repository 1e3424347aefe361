/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The index of all jobs by process name. Every name of every job and tool set is a key; behind it stands what
 * is asked for under that name: by which job, and which arguments (none: the name is enough). An event whose
 * name is no key, the usual case, costs one hash and one comparison. Two kinds of job cannot be found by a
 * name and are asked at every event: those that want every process (a bit that is always set), and rules for
 * any process that names a file (a few patterns over the arguments). All of the latter that a shipped set has
 * contain a '/', so the arguments are searched for one before any pattern is tried.
 *
 * Names come from files of the operator; outsiders only look up. A name longer than the kernel keeps (15
 * bytes) is entered a second time, cut.
 *
 * Cost: memory of the names; time as above, and independent of the number of jobs that the event is nothing
 * to.
 */
#include "select/index.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "select/matcher.h"
#include "util/table.h"

/* What a job asks for: under a name, or of any process. */
struct wish {
    size_t job;
    const struct tool_rule *rule;    /* of a set of tools; NULL: the job's own name or patterns */
    const struct pattern_list *args; /* rule NULL: one must fit; none in it: the name is enough */
};

struct wish_list {
    struct wish *items;
    size_t n;
};

struct index_name {
    char *name;
    struct wish_list wishes;
    UT_hash_handle hh;
};

struct job_index {
    const struct job *jobs;
    size_t n_jobs;
    struct index_name *names;
    struct wish_list of_any;          /* wishes that name no process */
    struct job_bits every, excluding; /* jobs that want every process; jobs that refuse some */
    bool has_excluding;
    bool needs_slash; /* every pattern of of_any has one */
    const struct tool_catalogue *tools;
};

struct job_index *job_index_free(struct job_index *index)
{
    struct index_name *name, *next;

    if (!index)
        return NULL;
    HASH_ITER(hh, index->names, name, next)
    {
        HASH_DEL(index->names, name);
        free(name->name);
        free(name->wishes.items);
        free(name);
    }
    free(index->of_any.items);
    free(index);
    return NULL;
}

static int add_wish(struct wish_list *list, struct wish wish)
{
    struct wish *items = reallocarray(list->items, list->n + 1, sizeof(*items));

    if (!items)
        return -ENOMEM;
    list->items = items;
    items[list->n++] = wish;
    return 0;
}

static int add_name(struct job_index *index, const char *text, size_t len, struct wish wish)
{
    struct index_name *name;

    HASH_FIND(hh, index->names, text, len, name);
    if (!name) {
        name = calloc(1, sizeof(*name));
        if (!name)
            return -ENOMEM;
        name->name = strndup(text, len);
        if (name->name)
            HASH_ADD_KEYPTR(hh, index->names, name->name, len, name);
        if (!name->name || !name->hh.tbl) {
            free(name->name);
            free(name);
            return -ENOMEM;
        }
    }
    return add_wish(&name->wishes, wish);
}

static int add_names(struct job_index *index, char *const *names, size_t n, struct wish wish)
{
    int r = 0;

    for (size_t i = 0; i < n && r >= 0; i++) {
        size_t len = strlen(names[i]);

        r = add_name(index, names[i], len, wish);
        if (r >= 0 && len > COMM_BYTES_MAX)
            r = add_name(index, names[i], COMM_BYTES_MAX, wish);
    }
    return r;
}

static int add_any(struct job_index *index, struct wish wish)
{
    const struct pattern_list *args = wish.rule ? &wish.rule->args : wish.args;

    index->needs_slash = index->needs_slash && args->n > 0;
    for (size_t i = 0; i < args->n; i++)
        index->needs_slash = index->needs_slash && args->items[i].kind != PATTERN_GLOB &&
                             slice_find(args->items[i].literal, '/') < args->items[i].literal.len;
    return add_wish(&index->of_any, wish);
}

static int add_job(struct job_index *index, size_t at)
{
    const struct job *job = &index->jobs[at];
    struct wish own = {.job = at, .args = &job->args};
    int r = 0;

    if (job->is_any_process) {
        job_bits_add(&index->every, at);
    } else if (job->n_process_names > 0) {
        r = add_names(index, job->process_names, job->n_process_names, own);
    } else if (job->args.n > 0) {
        r = add_any(index, own);
    }
    for (size_t i = 0; i < job->n_tool_sets; i++)
        for (size_t k = 0; k < job->tool_sets[i]->n_rules && r >= 0; k++) {
            const struct tool_rule *rule = &job->tool_sets[i]->rules[k];
            struct wish wish = {.job = at, .rule = rule};

            r = rule->names.n > 0 ? add_names(index, rule->names.items, rule->names.n, wish)
                                  : add_any(index, wish);
        }
    if (job->n_tool_sets > 0)
        index->tools = job->tools;
    if (job->not_processes.n > 0 || job->not_users.n > 0) {
        job_bits_add(&index->excluding, at);
        index->has_excluding = true;
    }
    return r;
}

int job_index_new(const struct job *jobs, size_t n_jobs, struct job_index **ret_index)
{
    _cleanup_(job_index_freep) struct job_index *index = calloc(1, sizeof(*index));

    if (!index)
        return -ENOMEM;
    assert(n_jobs <= JOBS_MAX);
    index->jobs = jobs;
    index->n_jobs = n_jobs;
    index->needs_slash = true;
    for (size_t i = 0; i < n_jobs; i++) {
        int r = add_job(index, i);

        if (r < 0)
            return r;
    }
    *ret_index = TAKE_PTR(index);
    return 0;
}

static void grant(const struct wish_list *wishes, const struct command *command, bool is_applet,
                  struct job_bits *jobs)
{
    for (size_t i = 0; i < wishes->n; i++) {
        const struct wish *wish = &wishes->items[i];

        if (job_bits_has(jobs, wish->job))
            continue;
        if (wish->rule ? command_fits_rule(command, wish->rule)
                       : !is_applet && (wish->args->n == 0 || command_fits(command, wish->args)))
            job_bits_add(jobs, wish->job);
    }
}

static void grant_name(const struct job_index *index, const struct command *command, bool is_applet,
                       struct job_bits *jobs)
{
    struct index_name *name = NULL;

    if (index->names && !slice_is_absent(command->name))
        HASH_FIND(hh, index->names, command->name.data, command->name.len, name);
    if (name)
        grant(&name->wishes, command, is_applet, jobs);
}

static bool has_slash(const struct command *command)
{
    for (size_t i = 0; i < command->n_args; i++)
        if (command->args[i].len > 0 && memchr(command->args[i].data, '/', command->args[i].len))
            return true;
    return command->words.len > 0 && memchr(command->words.data, '/', command->words.len);
}

static void grant_command(const struct job_index *index, const struct command *command, struct job_bits *jobs)
{
    struct command applet;

    grant_name(index, command, false, jobs);
    if (index->of_any.n > 0 && (!index->needs_slash || has_slash(command)))
        grant(&index->of_any, command, false, jobs);
    if (index->tools && command_applet(command, index->tools, &applet))
        grant_name(index, &applet, true, jobs);
}

static bool is_empty(const struct job_bits *bits)
{
    uint64_t all = 0;

    for (size_t i = 0; i < ARRAY_SIZE(bits->words); i++)
        all |= bits->words[i];
    return all == 0;
}

bool job_index_select(const struct job_index *index, const struct event *event, struct job_bits *ret_jobs)
{
    struct command command = command_of(event);
    struct slice text = event->command_line;
    struct job_bits jobs = index->every;

    grant_command(index, &command, &jobs);
    while (event->is_ambiguous && command_next_reading(&text, &command))
        grant_command(index, &command, &jobs);
    for (size_t i = 0; index->has_excluding && i < index->n_jobs; i++)
        if (job_bits_has(&jobs, i) && job_bits_has(&index->excluding, i) &&
            job_excludes(&index->jobs[i], event))
            jobs.words[i / 64] &= ~(UINT64_C(1) << (i % 64));
    *ret_jobs = jobs;
    return !is_empty(&jobs);
}
