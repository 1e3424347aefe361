/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ENGINE_ENGINE_H
#define HAPAX_ENGINE_ENGINE_H

/*
 * The running program: sources, the pure rooms, the ledger and the sinks on one sd-event loop. SIGTERM and
 * SIGINT end it cleanly, SIGHUP (and SIGUSR1, SIGUSR2) reopens files and reloads, the end of all sources ends
 * it with 0.
 */

#include "detector/chain.h"
#include "engine/outbox.h"
#include "normalize/normalizer.h"
#include "source/source.h"
#include "store/store.h"
#include "util/diag.h"

struct engine;

struct engine_source_options {
    const struct source_driver *driver;
    const char *name;
    const void *settings;
    struct normalizer_options normalizer;
};

struct engine_options {
    const struct engine_source_options *sources;
    size_t n_sources;
    const struct outbox_sink *sinks;
    size_t n_sinks;
    struct store *store;        /* borrowed */
    struct chain_options chain; /* callbacks are the engine's; the rest is used as it is */
    int64_t commit_interval_usec;
    int64_t close_delay_usec;    /* behind a bucket's end, without a later event: it is closed */
    uint64_t outbox_limit_bytes; /* above it the sources are paused */
    uint64_t outbox_limit_alerts;
    int64_t outbox_warn_age_usec; /* an alert that waits longer is said */
    int64_t history_keep_usec;    /* 0: no history is kept */
    uint64_t history_limit_bytes; /* of the whole database: above it the oldest history goes first */
    const char *metrics_file;     /* NULL: none */
    int64_t metrics_interval_usec;
    /*
     * SIGHUP: loads everything anew, aside, and hands it over by engine_swap. Called from the loop between
     * two records, with everything before them durable; not within itself. Problems go to diags; negative:
     * what was in force stays. NULL: SIGHUP only opens files again.
     */
    int (*reload)(void *userdata, struct engine *engine, struct diag_list *diags);
    void *reload_userdata;
};

/* Makes everything and restores the state from the store. Problems a user can mend go to diags. All of
 * options is borrowed. */
int engine_new(const struct engine_options *options, struct diag_list *diags,
               struct engine **ret_engine) _warn_unused_;
struct engine *engine_free(struct engine *engine);
DEFINE_CLEANUP(struct engine *, engine_free)

/*
 * Runs until a signal or the end of all sources. 0: a clean end, everything committed; what no sink took in
 * time waits in the outbox. Negative: a source or the store could not go on (already logged), or could not
 * start (diags).
 */
int engine_run(struct engine *engine, struct diag_list *diags) _warn_unused_;

/*
 * Within options.reload: what options say of normalizers (one for each source, in the order of the start),
 * the chain, limits and intervals is in force from the next record on; its sources, sinks, store and metrics
 * file are not looked at. keeps_chain: jobs and detectors are what they were, only the exceptions are taken.
 * What was borrowed before is not used any more, except, with keeps_chain, what the chain was made of.
 * Negative, with diags where a user can mend it: nothing has changed.
 */
int engine_swap(struct engine *engine, const struct engine_options *options, bool keeps_chain,
                struct diag_list *diags) _warn_unused_;

#endif
