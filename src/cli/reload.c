/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax run at SIGHUP: the command line and everything it names are read again, aside, by the same functions
 * as at the start. If any of it is wrong, all problems are told and nothing changes. Else the engine takes
 * what can change while it runs (engine/reload.c), and what cannot is compared and named: where records come
 * from and alerts go to, the state and the process's time zone are decided at the start.
 *
 * The chain of detectors is made anew only where jobs or detectors can have changed: a key that is not known
 * to be of no concern to it, or another mark of the files that jobs are made of. Otherwise it stays, and the
 * setup whose jobs it uses with it (run->chain_setup).
 *
 * A configuration file that was there at the start and is gone is a problem, not the wish for the defaults.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "cli/run.h"
#include "log/log.h"
#include "util/buffer.h"

/* These keys, and what is below them, are read once. */
static const char *const keys_of_start[] = {"source",       "sink",      "state.path", "state.durability",
                                            "metrics.file", "time_zone", NULL};
/* The chain does not depend on these. */
static const char *const keys_beside_chain[] = {
    "source", "sink",    "state",       "metrics",        "time_zone", "exceptions",
    "year",   "uid_map", "host",        "format",         "gate",      "native_headers",
    "log",    "history", "close_delay", "rulebase_extra", NULL};

struct changes {
    struct buffer at_restart; /* names of keys, separated */
    bool is_chain_new;
};

static bool is_below(const char *path, const char *const *keys)
{
    for (; *keys; keys++) {
        size_t n = strlen(*keys);

        if (strncmp(path, *keys, n) == 0 && (path[n] == '\0' || path[n] == '.'))
            return true;
    }
    return false;
}

static int note_change(void *userdata, const char *path)
{
    struct changes *changes = userdata;

    changes->is_chain_new |= !is_below(path, keys_beside_chain);
    return 0;
}

static int note_at_restart(void *userdata, const char *path)
{
    struct changes *changes = userdata;

    if (!is_below(path, keys_of_start))
        return 0;
    return buffer_append_format(&changes->at_restart, "%s%s", changes->at_restart.len > 0 ? ", " : "", path);
}

/* Moves the problems, so that they outlive the setup. */
static int refuse(struct setup *fresh, int r, struct diag_list *diags)
{
    diag_list_done(diags);
    *diags = fresh->diags;
    fresh->diags = DIAG_LIST_INIT;
    return r < 0 ? r : -EINVAL;
}

static int load(struct run *run, struct run *aside)
{
    const struct setup *old = run->setup;
    int r;

    *aside = (struct run){.command = run->command, .argc = run->argc, .argv = run->argv};
    if (run_parse(aside) != 0) /* it was good at the start: memory is out */
        return -ENOMEM;
    aside->setup->is_reload = true;
    if (old->config_path && !aside->setup->config_path &&
        !(aside->setup->config_path = strdup(old->config_path)))
        return -ENOMEM;
    r = run_prepare(aside);
    return r >= 0 && aside->setup->diags.n > 0 ? -EINVAL : r;
}

/* What nobody uses of a setup any more. The first one keeps its configuration. */
static void release(const struct run *run, struct setup *setup, bool is_of_chain)
{
    if (!setup)
        return;
    rulebase_free(TAKE_PTR(setup->rulebase));
    exception_set_free(TAKE_PTR(setup->exceptions));
    uid_map_free(TAKE_PTR(setup->uid_map));
    if (is_of_chain)
        return;
    if (setup == run->start_setup)
        job_set_done(&setup->jobs);
    else
        setup_free(setup);
}

static void take_setup(struct run *run, struct run *aside, bool keeps_chain)
{
    struct setup *old = run->setup, *old_chain = run->chain_setup;

    run->setup = TAKE_PTR(aside->setup);
    run->chain_setup = !keeps_chain ? NULL : old_chain ? old_chain : old;
    release(run, old, old == run->chain_setup);
    release(run, old_chain, old_chain == run->chain_setup);
}

static void say_done(const struct run *run, const struct changes *changes, bool keeps_chain)
{
    const struct setup *setup = run->setup;
    size_t n_rules, n_samples;

    log_init(setup->settings.log_level);
    rulebase_count(setup->rulebase, &n_rules, &n_samples);
    log_message(LOG_NOTICE, LOG_ID_RELOADED, "reloaded: %zu jobs (%s), %zu exceptions, %zu rules",
                setup->jobs.n_jobs, keeps_chain ? "unchanged" : "read again",
                setup->exceptions ? exception_set_count(setup->exceptions) : 0, n_rules);
    if (changes->at_restart.len > 0) {
        char quoted[LOG_QUOTE_SIZE];

        log_message(LOG_WARNING, NULL, "takes effect at restart: %s",
                    log_quote(buffer_slice(&changes->at_restart), quoted));
    }
}

static int swap(struct run *run, struct run *aside, struct engine *engine, const struct changes *changes,
                struct diag_list *diags)
{
    _cleanup_(freep) struct engine_source_options *sources = calloc(run->sources.n + 1, sizeof(*sources));
    _cleanup_(freep) struct outbox_sink *sinks = calloc(run->sinks.n + 1, sizeof(*sinks));
    bool keeps_chain = !changes->is_chain_new && strcmp(run->setup->jobs_mark, aside->setup->jobs_mark) == 0;
    struct engine_options options;
    int r;

    if (!sources || !sinks)
        return -ENOMEM;
    run_fill_options(run, aside->setup, sources, sinks, &options);
    r = engine_swap(engine, &options, keeps_chain, diags);
    if (r < 0)
        return r;
    take_setup(run, aside, keeps_chain);
    say_done(run, changes, keeps_chain);
    return 0;
}

static void changes_done(struct changes *changes)
{
    buffer_done(&changes->at_restart);
}

int run_reload(void *userdata, struct engine *engine, struct diag_list *diags)
{
    _cleanup_(changes_done) struct changes changes = {.at_restart = BUFFER_INIT};
    _cleanup_(run_done) struct run aside = {0};
    struct run *run = userdata;
    int r = load(run, &aside);

    if (r < 0)
        return aside.setup ? refuse(aside.setup, r, diags) : r;
    r = config_compare(run->setup->config, aside.setup->config, note_change, &changes);
    if (r >= 0)
        r = config_compare(run->start_setup->config, aside.setup->config, note_at_restart, &changes);
    if (r < 0)
        return r;
    return swap(run, &aside, engine, &changes, diags);
}
