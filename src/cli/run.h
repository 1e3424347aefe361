/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_RUN_H
#define HAPAX_CLI_RUN_H

/* Inside `hapax run` only: what its start (run.c) and its reload (reload.c) share. */

#include "cli/args.h"
#include "cli/instances.h"
#include "cli/setup.h"
#include "engine/engine.h"

struct run {
    struct setup *setup;       /* in force; owned */
    struct setup *chain_setup; /* an earlier one, whose jobs the chain still uses; NULL: setup's; owned */
    struct setup *start_setup; /* the first, for what takes effect at restart; may be one of those above */
    const struct arg_command *command;
    int argc;
    char **argv;
    struct instance_list sources, sinks;
    struct store *store;
    char *state_path;
    char host[256];
    size_t n_journal_files;
    bool is_following;
    bool is_answering; /* standard output is rsyslog's */
    bool is_logged;    /* what went wrong, by the engine */
};

/* Reads the command line into a fresh run->setup. An exit code, -1 for an end with 0 (--help). */
int run_parse(struct run *run) _warn_unused_;
/* Reads everything that the command line and the configuration name. Problems go to run->setup->diags. */
int run_prepare(struct run *run) _warn_unused_;
void run_done(struct run *run);

/*
 * What the engine is told: run's sources and sinks with what setup says of the rest. sources and sinks have
 * room for one of each instance; all of it is borrowed.
 */
void run_fill_options(struct run *run, struct setup *setup, struct engine_source_options *sources,
                      struct outbox_sink *sinks, struct engine_options *ret_options);

/* For engine_options.reload; userdata is a struct run. */
int run_reload(void *userdata, struct engine *engine, struct diag_list *diags);

struct setup *setup_free(struct setup *setup);
DEFINE_CLEANUP(struct setup *, setup_free)

#endif
