/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ENGINE_LOOP_H
#define HAPAX_ENGINE_LOOP_H

/* Inside the room only: what the loop (engine.c), its clock, its commits and its reloads share. */

#include <systemd/sd-event.h>

#include "engine/engine.h"
#include "engine/ledger.h"
#include "engine/pressure.h"
#include "util/buffer.h"

struct engine_source {
    struct engine *engine;
    struct source *source;
    struct normalizer *normalizer;
    uint64_t seen_seq;    /* the last record handed over */
    uint64_t waiting_seq; /* the first that is not to be acknowledged before a commit to come; 0: none */
    bool is_committing;   /* some are in the transaction under way: nothing behind them is acknowledged */
    uint64_t n_future;    /* events whose time was not believed */
    bool has_moved;       /* its place in the store is out of date */
    bool is_lost;         /* and it was said: normalizer_is_lost */
    bool is_ended;
};

struct engine {
    struct engine_options options;
    sd_event *event;
    sd_event_source *signals[5];
    sd_event_source *turn, *committed, *commit_timer, *time_timer, *metrics_timer, *age_timer;
    struct chain *chain;
    struct ledger *ledger;
    struct outbox *outbox;
    const char **sink_names;
    struct engine_source *sources;
    size_t n_sources;
    struct buffer scratch;
    int64_t stream_usec;   /* time of the newest event */
    int64_t saved_usec;    /* of it, in the state */
    int64_t received_usec; /* when the last record came */
    /* by the clock that nobody sets, less pauses: when the last record or a pause came, and the last event */
    int64_t received_monotonic_usec, event_monotonic_usec;
    bool is_changed; /* the chain's state, since the last commit */
    struct pressure pressure;
    bool is_store_failing;
    bool wants_delivery, wants_commit, wants_reload;
    bool is_reload_late; /* it was said that a reload waits for the store */
    uint64_t n_reloads, n_reload_failures;
    int64_t reloaded_usec; /* the last that succeeded, or the start */
    int result;
};

int64_t engine_now_usec(struct engine *engine);
/* Of timers: a clock that is set back must not hold up a commit. */
int64_t engine_monotonic_usec(struct engine *engine);
/* Ends the loop; the first failure is logged and is engine_run's result. */
void engine_exit(struct engine *engine, int result);
/* The timer fires once, at usec of the monotonic clock. */
int engine_arm(sd_event_source *timer, int64_t usec) _warn_unused_;

/* clock.c: how far time has come for the chain. */
int64_t clock_stream_usec(struct engine *engine, int64_t now);
/* When the chain's deadline is reached if nothing more comes, as a delay from now. */
int64_t clock_wait_usec(struct engine *engine, int64_t deadline, int64_t now);
/* The sources are paused, or go on. */
void clock_pause(struct engine *engine, bool is_paused);
/* With a commit that changes the chain's state; at the start. 0, or a negative errno. */
int clock_save(struct engine *engine) _warn_unused_;
int clock_restore(struct engine *engine) _warn_unused_;

/* A chain of these options, for this engine, with the state that the store has. */
int engine_make_chain(struct engine *engine, const struct chain_options *options, struct diag_list *diags,
                      struct chain **ret_chain) _warn_unused_;
/* At the end of a turn, where one is wanted (reload.c). Negative: the engine cannot go on. */
int engine_reload(struct engine *engine) _warn_unused_;

/* Hands what there is to the store thread, at once or when it has ended what it does. */
int commit_start(struct engine *engine) _warn_unused_;
/* The same for a source that waits: within the call where that is quick. */
int commit_in_step(struct engine *engine) _warn_unused_;
/* A commit within delay_usec, or when one is due anyway. */
int commit_schedule(struct engine *engine, int64_t delay_usec) _warn_unused_;
/* After each record: what is collected has a limit. */
int commit_check_size(struct engine *engine) _warn_unused_;
/* Everything, durable or failed, when there is no loop. */
int commit_and_wait(struct engine *engine) _warn_unused_;
/* For sd-event: the timer of commit_schedule, the store thread's descriptor. */
int commit_on_timer(sd_event_source *timer, uint64_t usec, void *userdata);
int commit_on_committed(sd_event_source *source, int fd, uint32_t revents, void *userdata);

#endif
