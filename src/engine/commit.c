/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Commits: from what the loop has collected to what sources are told.
 *
 * The store thread executes a transaction (ledger.h) and the loop goes on meanwhile. So a record is in one of
 * three places: collected for the next transaction, in the one under way, or done. Of each source, records
 * stand in this order; when the transaction ends well, everything before the first that is collected is
 * acknowledged, which includes records that changed nothing and only waited for their turn. What comes while
 * the thread is busy is committed when it has ended, at once where somebody waits for it (a lock-step source,
 * an alert), else within its interval.
 *
 * One transaction is executed and one is collected. When the collected one grows beyond BATCH_LIMIT_BYTES, a
 * commit is due; where none can start, the sources are paused until the disk has caught up.
 *
 * For a source in lock step that only reaches the page cache (ledger_is_quick) it is executed within the
 * record's call: the source waits anyway, and what is waited for is shorter than the way to the thread.
 *
 * A commit that fails (disk full) keeps everything, pauses all sources and is tried again each second;
 * nothing is lost meanwhile, since nobody was told otherwise. A damaged store is the end: nothing that is
 * written to it could be relied on.
 */
#include "engine/loop.h"

#include <errno.h>
#include <syslog.h>

#include "log/log.h"
#include "util/parse.h"

/* chosen: a full disk is seen and mended by people */
#define RETRY_USEC (1 * USEC_PER_SEC)
/* chosen: some thousand rows, a tenth of a second of writing; memory beside it is this and the same
 * again, for what is executed */
#define BATCH_LIMIT_BYTES ((size_t)2 << 20)
/* chosen: between two steps of pruning when nothing else is to be committed */
#define PRUNE_INTERVAL_USEC (1 * USEC_PER_SEC)

static int on_change(void *userdata, const struct change *change)
{
    struct engine *engine = userdata;

    return ledger_put_change(engine->ledger, change);
}

static int put_places(struct engine *engine)
{
    for (size_t i = 0; i < engine->n_sources; i++) {
        struct engine_source *s = &engine->sources[i];
        _cleanup_(buffer_done) struct buffer cursor = BUFFER_INIT;
        int r;

        if (!s->has_moved)
            continue;
        buffer_clear(&engine->scratch);
        r = normalizer_save(s->normalizer, &engine->scratch);
        if (r >= 0)
            r = source_cursor(s->source, &cursor);
        if (r >= 0)
            r = ledger_put_place(engine->ledger, source_name(s->source),
                                 cursor.len > 0 ? buffer_slice(&cursor) : SLICE_NULL,
                                 buffer_slice(&engine->scratch));
        if (r < 0)
            return r;
        s->has_moved = false;
    }
    return 0;
}

/* A transaction is durable: see the essay for how far that reaches. */
static int acknowledge_committed(struct engine *engine)
{
    for (size_t i = 0; i < engine->n_sources; i++) {
        struct engine_source *s = &engine->sources[i];
        int r = 0;

        if (s->is_committing)
            r = source_acknowledge(s->source, s->waiting_seq > 0 ? s->waiting_seq - 1 : s->seen_seq);
        if (r < 0)
            return r;
        s->is_committing = false;
    }
    return 0;
}

static int on_commit_failure(struct engine *engine, int error)
{
    if (error == -EBADMSG) {
        log_message(LOG_ERR, LOG_ID_STORE_DAMAGED,
                    "the state is damaged (%s): 'hapax store check' shows what is wrong",
                    store_error(engine->options.store));
        return error;
    }
    if (!engine->is_store_failing)
        log_message(LOG_ERR, LOG_ID_STORE_FAILED,
                    "the state cannot be written (%s): sources are paused until it can",
                    store_error(engine->options.store));
    engine->is_store_failing = true;
    if (error == -ENOMEM)
        return error;
    error = pressure_set(&engine->pressure, PAUSE_STORE, true);
    return error < 0 ? error : engine_arm(engine->commit_timer, engine_monotonic_usec(engine) + RETRY_USEC);
}

/* What is to become durable now, besides what came by itself. */
static int collect(struct engine *engine)
{
    int r = 0;

    if (engine->is_changed)
        r = chain_changes(engine->chain, on_change, engine);
    if (r >= 0 && engine->is_changed)
        r = clock_save(engine);
    engine->is_changed = false;
    if (r >= 0)
        r = put_places(engine);
    ledger_set_history_limits(engine->ledger,
                              clock_stream_usec(engine, engine_now_usec(engine)) -
                                  engine->options.history_keep_usec,
                              engine->options.history_limit_bytes);
    for (size_t i = 0; i < engine->n_sources; i++) {
        struct engine_source *s = &engine->sources[i];

        s->is_committing |= s->waiting_seq > 0;
        s->waiting_seq = 0;
    }
    return r;
}

static int after_commit(struct engine *engine, int error);

static int begin(struct engine *engine, bool is_waited_for)
{
    int r;

    if (ledger_is_busy(engine->ledger)) {
        engine->wants_commit = true;
        return 0;
    }
    if (ledger_has_failed(engine->ledger)) /* the timer tries it again */
        return 0;
    r = collect(engine);
    if (r < 0)
        return r;
    if (ledger_is_empty(engine->ledger) && !ledger_has_more_to_prune(engine->ledger))
        return acknowledge_committed(engine);
    if (is_waited_for && ledger_is_quick(engine->ledger)) {
        r = ledger_execute(engine->ledger);
        if (r <= 0)
            return after_commit(engine, r);
    }
    ledger_submit(engine->ledger);
    return 0;
}

/* Hands what there is to the store thread; commit_on_committed tells how it went. */
int commit_start(struct engine *engine)
{
    return begin(engine, false);
}

int commit_in_step(struct engine *engine)
{
    return begin(engine, true);
}

/* A commit within delay_usec, or when one is due anyway. */
int commit_schedule(struct engine *engine, int64_t delay_usec)
{
    int64_t due_usec = engine_monotonic_usec(engine) + delay_usec;
    uint64_t armed_usec;
    int enabled, r = sd_event_source_get_enabled(engine->commit_timer, &enabled);

    if (r < 0)
        return r;
    r = sd_event_source_get_time(engine->commit_timer, &armed_usec);
    if (r < 0)
        return r;
    if (enabled != SD_EVENT_OFF && ((int64_t)armed_usec <= due_usec || engine->is_store_failing))
        return 0;
    return engine_arm(engine->commit_timer, due_usec);
}

/* A transaction has ended, with error. */
static int after_commit(struct engine *engine, int error)
{
    int r;

    if (error < 0)
        return on_commit_failure(engine, error);
    if (engine->is_store_failing)
        log_message(LOG_NOTICE, LOG_ID_STORE_BACK, "the state can be written again");
    engine->is_store_failing = false;
    engine->wants_delivery |= ledger_n_written(engine->ledger) > 0;
    r = acknowledge_committed(engine);
    if (r >= 0)
        r = pressure_check_outbox(&engine->pressure);
    if (r >= 0 && ledger_has_more_to_prune(engine->ledger))
        r = commit_schedule(engine, PRUNE_INTERVAL_USEC);
    if (r >= 0 && (engine->wants_commit || ledger_n_documents(engine->ledger) > 0 ||
                   ledger_n_bytes(engine->ledger) > BATCH_LIMIT_BYTES)) {
        engine->wants_commit = false;
        r = commit_start(engine);
    }
    /* behind the commit: only now is there room to collect */
    if (r >= 0)
        r = pressure_set(&engine->pressure, PAUSE_STORE, false);
    return r < 0 ? r : pressure_set(&engine->pressure, PAUSE_BATCH, false);
}

int commit_on_committed(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct engine *engine = userdata;
    int r = ledger_is_busy(engine->ledger) ? after_commit(engine, ledger_finish(engine->ledger)) : 0;

    (void)source;
    (void)fd;
    (void)revents;
    if (r < 0)
        engine_exit(engine, r);
    return 0;
}

/* Waits for what is under way, and for what follows from it. */
static int settle(struct engine *engine)
{
    int r = 0;

    while (r >= 0 && ledger_is_busy(engine->ledger))
        r = after_commit(engine, ledger_finish(engine->ledger));
    return r;
}

/* At the start and the end, when there is no loop: everything, once, and what comes of it. */
int commit_and_wait(struct engine *engine)
{
    int r = settle(engine);

    if (r >= 0 && ledger_has_failed(engine->ledger)) {
        ledger_submit(engine->ledger);
        r = settle(engine);
    }
    if (r >= 0)
        r = commit_start(engine);
    return r < 0 ? r : settle(engine);
}

/* What is collected has a limit: above it a commit is due, and where one is under way the sources wait. */
int commit_check_size(struct engine *engine)
{
    if (ledger_n_bytes(engine->ledger) <= BATCH_LIMIT_BYTES)
        return 0;
    if (ledger_is_busy(engine->ledger) || ledger_has_failed(engine->ledger))
        return pressure_set(&engine->pressure, PAUSE_BATCH, true);
    return commit_start(engine);
}

int commit_on_timer(sd_event_source *timer, uint64_t usec, void *userdata)
{
    struct engine *engine = userdata;
    int r = 0;

    (void)timer;
    (void)usec;
    if (ledger_is_busy(engine->ledger))
        engine->wants_commit = true;
    else if (ledger_has_failed(engine->ledger))
        ledger_submit(engine->ledger);
    else
        r = commit_start(engine);
    if (r < 0)
        engine_exit(engine, r);
    return 0;
}
