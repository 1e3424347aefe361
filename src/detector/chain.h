/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECTOR_CHAIN_H
#define HAPAX_DETECTOR_CHAIN_H

/*
 * The walk through the pure rooms behind normalize: an event goes in, is selected by jobs, judged by their
 * detectors, and comes out as verdicts and documents. run, replay and the public API all drive this one
 * chain.
 */

#include "alert/alert.h"
#include "config/config.h"
#include "detect/detector.h"
#include "detector/learning.h"
#include "detector/tallies.h"
#include "event/change.h"
#include "select/exception.h"
#include "select/job.h"

struct chain_callbacks {
    /* Each selected event's verdict (may be NULL). */
    int (*score)(void *userdata, const struct verdict *verdict);
    /* Each (job, user) of a closed bucket (may be NULL). */
    int (*final)(void *userdata, const struct verdict *verdict);
    /* An alert, or a daily digest. */
    int (*document)(void *userdata, const struct document *document);
    void *userdata;
    /* An alert that an exception or onboarding held back, once each: VERDICT_SUPPRESSED or VERDICT_DIGESTED;
     * and each event that was kept from a detector: VERDICT_SKIPPED, without a score (may be NULL). */
    int (*held)(void *userdata, const struct verdict *verdict);
};

struct chain;

struct chain_options {
    const struct job_set *jobs;       /* borrowed */
    const char *detector;             /* overrides each job's own; NULL: do not */
    struct config *config;            /* the detectors' options are taken from "detector.NAME" */
    struct exception_set *exceptions; /* borrowed until they are replaced; NULL: none */
    struct alert_observer observer;   /* borrowed */
    struct chain_callbacks callbacks;
    bool is_teaching; /* nothing is an alert: what would be one is VERDICT_LEARNING */
};

/* Problems (unknown detector, bad option) go to diags. */
int chain_new(const struct chain_options *options, struct diag_list *diags,
              struct chain **ret_chain) _warn_unused_;
struct chain *chain_free(struct chain *chain);
DEFINE_CLEANUP(struct chain *, chain_free)

/* The exceptions in force from the next event on, borrowed until they are replaced; NULL: none. What was held
 * back, and the digests of the day, stay. */
void chain_set_exceptions(struct chain *chain, struct exception_set *exceptions);

/* One event, in stream order. 0: no job looks at it, nothing changed; 1: at least one did, or it told of a
 * new account. */
int chain_event(struct chain *chain, const struct event *event) _warn_unused_;
/* Time has come to time_usec (live sources; replay of ticks). */
int chain_advance(struct chain *chain, int64_t time_usec) _warn_unused_;
int64_t chain_deadline_usec(const struct chain *chain);
/* End of input: open buckets are closed. */
int chain_finish(struct chain *chain) _warn_unused_;

/* State out (what changed since the last call) and in (before the first event). */
int chain_changes(struct chain *chain, change_fn fn, void *userdata) _warn_unused_;
int chain_restore(struct chain *chain, const struct change *change) _warn_unused_;
/* Whether a record that stands under prefix ("learning/", "figures/") in the state is of a job of this chain.
 */
bool chain_owns_record(const struct chain *chain, struct slice prefix, struct slice key);

struct chain_stats {
    uint64_t n_events, n_selected, n_alerts;
    uint64_t n_held, n_skipped, n_digests; /* alerts held back, (job, event) pairs not learned, documents */
    uint64_t n_learning, n_rolled_up, n_rollups; /* alerts withheld by learning, by volume; roll-up alerts */
};
const struct chain_stats *chain_stats(const struct chain *chain);
/* Counting goes on from there: for a chain that takes the place of another. */
void chain_set_stats(struct chain *chain, const struct chain_stats *stats);

/* What a detector has learned, as of what was restored and fed. */
struct chain_learning {
    const char *job; /* id; "suite" where the detector is of all jobs that use it */
    const char *detector;
    struct learning_rule rule; /* of a detector with a rule of its own: nothing */
    struct learning learning;
};
/* One call for each detector, by job. */
int chain_walk_learning(const struct chain *chain,
                        int (*fn)(void *userdata, const struct chain_learning *learning),
                        void *userdata) _warn_unused_;

/* What a detector holds and has had to do: as of now or, where it was neither fed nor restored, as of the
 * state. */
struct chain_figures {
    const char *job; /* as in chain_learning */
    const char *detector;
    struct figures figures;
};
int chain_walk_figures(const struct chain *chain,
                       int (*fn)(void *userdata, const struct chain_figures *figures),
                       void *userdata) _warn_unused_;

/* How often each exception was used, and when last, over restarts: one call for each (exception, effect). */
int chain_exception_counts(const struct chain *chain, exception_count_fn fn, void *userdata) _warn_unused_;

#endif
