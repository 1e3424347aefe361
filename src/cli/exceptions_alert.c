/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax exceptions add --alert ID: the exception that would silence an alert of this hapax, as the alert
 * itself suggests it (alert/suggest.c), from the history, which has every alert as long as history.keep says:
 * the document may have left long ago.
 *
 * The history has a row for each (host, process) of the user in the bucket, and an alert's id stands in each
 * of them. What they agree on becomes a condition; where they differ, the alert is about all of them. What
 * the command line says beside it goes before what is suggested.
 *
 * The state is only read, also beside a running hapax. Cost: a walk over the history.
 */
#include "cli/exceptions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alert/suggest.h"
#include "store/maintain.h"

struct search {
    struct slice alert;
    struct arena arena;
    struct suggestion_basis basis;
    struct slice job;
    bool is_found;
};

static void search_done(struct search *search)
{
    arena_done(&search->arena);
}

static void keep_common(struct slice *kept, struct slice seen)
{
    if (!slice_is_absent(*kept) && !slice_equal(*kept, seen))
        *kept = SLICE_NULL;
}

static int see_row(void *userdata, const struct history_row *row)
{
    struct search *search = userdata;
    struct suggestion_basis *basis = &search->basis;
    int r;

    if (slice_is_absent(row->alert) || !slice_equal(row->alert, search->alert))
        return 0;
    if (search->is_found) {
        keep_common(&basis->host, row->host);
        keep_common(&basis->process, row->process);
        keep_common(&basis->command_line, row->command_line);
        return 0;
    }
    search->is_found = true;
    basis->time_usec = row->last_usec;
    r = arena_copy(&search->arena, row->job, &search->job);
    if (r >= 0)
        r = arena_copy(&search->arena, row->user, &basis->user);
    if (r >= 0)
        r = arena_copy(&search->arena, row->host, &basis->host);
    if (r >= 0)
        r = arena_copy(&search->arena, row->process, &basis->process);
    return r < 0 ? r : arena_copy(&search->arena, row->command_line, &basis->command_line);
}

static int find_row(struct exceptions_command *c, struct search *search)
{
    _cleanup_(store_closep) struct store *store = NULL;
    _cleanup_(freep) char *path = NULL;
    struct diag_list *diags = &c->setup.diags;
    int r = setup_find_state(&c->setup, &path);

    if (r >= 0)
        r = store_inspect(path, diags, &store);
    if (r < 0)
        return r;
    r = store_walk_history(store, INT64_MIN, SLICE_NULL, see_row, search);
    if (r < 0 && r != -ENOMEM)
        return diag_add(diags, path, 0, 0, "it cannot be read (%s): see 'hapax store check'",
                        r == -EBADMSG ? "not understood" : store_read_error(store));
    if (r >= 0 && !search->is_found)
        return diag_add(
            diags, path, 0, 0,
            "the history has no alert '%.80s', expected the event.id of one (history.keep says how "
            "long it has them)",
            c->alert);
    return r;
}

static int find_job(struct exceptions_command *c, struct search *search)
{
    _cleanup_(freep) char *id = strndup(search->job.data, search->job.len);
    const char *ids[] = {id};
    int r = id ? setup_load_jobs(&c->setup, ids, 1) : -ENOMEM;

    if (r < 0)
        return r;
    search->basis.job = &c->setup.jobs.jobs[0];
    return 0;
}

/* What the history lets one see of a second reading, which no exception forgives: normalize/text.c goes by
 * more than the command of a sudo line, and the history does not say whose line it was. */
static bool is_ambiguous(struct slice command_line)
{
    return slice_find_slice(command_line, SLICE(" ; COMMAND=")) < command_line.len ||
           slice_find_slice(command_line, SLICE(" ; USER=")) < command_line.len;
}

static int take_suggestion(struct exceptions_command *c, const struct suggestion *suggestion)
{
    int r = 0;

    /* the arena's texts end with a NUL; these two outlive it */
    if (!c->id && !(c->id = c->suggested_id = strdup(suggestion->id.data)))
        return -ENOMEM;
    if (!c->expires && !(c->expires = c->suggested_expires = strdup(suggestion->expires.data)))
        return -ENOMEM;
    if (c->jobs.n == 0)
        r = string_list_add(&c->jobs, slice_from_string(c->setup.jobs.jobs[0].id));
    if (c->matches.n > 0)
        return r;
    for (size_t i = 0; r >= 0 && i < suggestion->n_matches; i++)
        r = string_list_add(&c->matches, suggestion->matches[i]);
    return r;
}

int exceptions_take_alert(struct exceptions_command *c)
{
    _cleanup_(search_done) struct search search = {.alert = slice_from_string(c->alert),
                                                   .arena = ARENA_INIT,
                                                   .basis = {.alert = slice_from_string(c->alert)}};
    struct suggestion suggestion;
    int r = find_row(c, &search);

    if (r >= 0)
        r = find_job(c, &search);
    if (r < 0)
        return r;
    if (is_ambiguous(search.basis.command_line))
        return diag_add(&c->setup.diags, NULL, 0, 0,
                        "alert '%.80s' is about a line that can be read in more than one way, which no "
                        "exception forgives",
                        c->alert);
    r = suggestion_make(&search.basis, &search.arena, &suggestion);
    if (r == 0)
        return diag_add(&c->setup.diags, NULL, 0, 0,
                        "no exception can be written for alert '%.80s': the name in it is no text, or too "
                        "long; expected --match without --alert",
                        c->alert);
    return r < 0 ? r : take_suggestion(c, &suggestion);
}
