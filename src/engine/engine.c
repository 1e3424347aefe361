/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The loop. A record walks from its source through normalize and the chain within one call; what it changed
 * gathers in the ledger; a commit makes it durable, and only then is the source told.
 *
 * When to commit. A lock-step source (omprog) waits for each answer: commit before it, if the record changed
 * anything. An alert should leave at once: commit at the end of the loop's turn. Other changes wait at most
 * commit_interval. A record that changed nothing is acknowledged at once, unless an earlier one of its source
 * still waits: answers keep order; the place it moves its source to is written within PLACE_INTERVAL_USEC.
 *
 * A commit that fails (disk full) keeps everything, pauses all sources and is tried again each second;
 * nothing is lost meanwhile, since nobody was told otherwise. The same pressure holds while the outbox stands
 * above its limit.
 *
 * Time. The stream's own time closes buckets: the newest event seen, less close_delay. When no record comes
 * for close_delay, the clock does. So a backlog from last week is judged by last week's time, and a quiet
 * host's last bucket is closed all the same. Pending audit events have their own, shorter limit by the time
 * their records were received.
 *
 * One event dated 2099 would close every bucket until then, and all that is true would be late from there on:
 * a detector made blind by one line. Here, unlike in replay, it is known when a record was received, and
 * nothing happens after it was heard of. So an event dated later than that, by more than clocks differ, gets
 * the time of receipt; it is judged all the same, counted, and said once a source. The price: read a second
 * time, after a kill, it may fall into another bucket.
 */
#include "engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>

#include "engine/ledger.h"
#include "engine/report.h"
#include "log/log.h"
#include "util/parse.h"

/* chosen: a full disk is seen and mended by people */
#define RETRY_USEC (1 * USEC_PER_SEC)
/* chosen: how long records that changed nothing may be read again after a kill; their place is all that is
 * written */
#define PLACE_INTERVAL_USEC (5 * USEC_PER_SEC)
/* chosen: more than unsynchronised clocks differ (the default skew of Kerberos is 5 min), less than a bucket
 */
#define FUTURE_LIMIT_USEC (10 * 60 * USEC_PER_SEC)
/* chosen: systemd gives a service 90 s to stop; a broker that does not answer in 5 s will not in 90 */
#define FLUSH_TIMEOUT_USEC (5 * USEC_PER_SEC)

struct engine_source {
    struct engine *engine;
    struct source *source;
    struct normalizer *normalizer;
    uint64_t seen_seq;    /* the last record handed over */
    uint64_t waiting_seq; /* it must not be acknowledged before a commit; 0: nothing waits */
    uint64_t n_future;    /* events whose time was not believed */
    bool has_moved;       /* its place in the store is out of date */
    bool is_ended;
};

struct engine {
    struct engine_options options;
    sd_event *event;
    sd_event_source *signals[3];
    sd_event_source *turn, *commit_timer, *time_timer, *metrics_timer;
    struct chain *chain;
    struct ledger *ledger;
    struct outbox *outbox;
    const char **sink_names;
    struct engine_source *sources;
    size_t n_sources;
    struct buffer scratch;
    int64_t stream_usec;   /* time of the newest event */
    int64_t received_usec; /* when the last record came */
    bool is_changed;       /* the chain's state, since the last commit */
    bool is_paused, is_store_failing;
    bool wants_delivery;
    int result;
};

static int64_t now_usec(struct engine *engine)
{
    uint64_t now = 0;

    (void)sd_event_now(engine->event, CLOCK_REALTIME, &now);
    return (int64_t)now;
}

static void engine_exit(struct engine *engine, int result)
{
    if (result < 0 && engine->result == 0)
        log_message(LOG_ERR, NULL, "cannot go on: %s", strerror(-result));
    engine->result = MIN(engine->result, result);
    (void)sd_event_exit(engine->event, 0);
}

static int on_change(void *userdata, const struct change *change)
{
    struct engine *engine = userdata;

    return ledger_put_change(engine->ledger, change);
}

static int on_document(void *userdata, const struct document *document)
{
    struct engine *engine = userdata;

    return ledger_put_document(engine->ledger, document);
}

static void note_future(struct engine_source *s, const struct event *event)
{
    char host[LOG_QUOTE_SIZE];

    if (s->n_future++ == 0)
        log_message(
            LOG_WARNING, NULL,
            "source %s: a process start on host '%s' is dated %lld minutes after it was received: the "
            "time of receipt is used (said once, hapax_events_future_total counts them)",
            source_name(s->source), log_quote(event->host, host),
            (long long)((event->time_usec - s->engine->received_usec) / (60 * USEC_PER_SEC)));
}

static int on_event(void *userdata, const struct event *event)
{
    struct engine_source *s = userdata;
    struct engine *engine = s->engine;
    struct event dated = *event;
    int r;

    if (event->time_usec > engine->received_usec + FUTURE_LIMIT_USEC) {
        note_future(s, event);
        dated.time_usec = engine->received_usec;
    }
    r = chain_event(engine->chain, &dated);
    if (r < 0)
        return r;
    engine->stream_usec = MAX(engine->stream_usec, dated.time_usec);
    engine->is_changed |= r > 0;
    return 0;
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

static int acknowledge_waiting(struct engine *engine)
{
    for (size_t i = 0; i < engine->n_sources; i++) {
        struct engine_source *s = &engine->sources[i];
        int r = 0;

        if (s->waiting_seq > 0)
            r = source_acknowledge(s->source, s->seen_seq);
        if (r < 0)
            return r;
        s->waiting_seq = 0;
    }
    return 0;
}

static int pause_sources(struct engine *engine, bool is_paused)
{
    int r = 0;

    if (engine->is_paused == is_paused)
        return 0;
    engine->is_paused = is_paused;
    for (size_t i = 0; r >= 0 && i < engine->n_sources; i++)
        if (!engine->sources[i].is_ended)
            r = source_pause(engine->sources[i].source, is_paused);
    return r;
}

static int arm(sd_event_source *timer, int64_t usec)
{
    int r = sd_event_source_set_time(timer, (uint64_t)MAX(usec, INT64_C(1)));

    return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int on_commit_failure(struct engine *engine, int error)
{
    if (!engine->is_store_failing)
        log_message(LOG_ERR, LOG_ID_STORE_FAILED,
                    "the state cannot be written (%s): sources are paused until it can",
                    store_error(engine->options.store));
    engine->is_store_failing = true;
    if (error == -ENOMEM)
        return error;
    error = pause_sources(engine, true);
    return error < 0 ? error : arm(engine->commit_timer, now_usec(engine) + RETRY_USEC);
}

/* Above the limit the sources wait; they go on once half of it is gone, so that the state does not flap. */
static int check_pressure(struct engine *engine)
{
    uint64_t n, bytes, limit = engine->options.outbox_limit_bytes;
    int r = store_count_outbox(engine->options.store, &n, &bytes);

    if (r < 0)
        return r;
    if (!engine->is_paused && bytes > limit) {
        log_message(LOG_WARNING, LOG_ID_OUTBOX_FULL,
                    "%llu alerts wait for their sink, more than the limit: sources are paused",
                    (unsigned long long)n);
        return pause_sources(engine, true);
    }
    if (engine->is_paused && bytes <= limit / 2)
        return pause_sources(engine, false);
    return 0;
}

static int commit(struct engine *engine)
{
    bool has_documents = ledger_n_documents(engine->ledger) > 0;
    int r = 0;

    if (engine->is_changed)
        r = chain_changes(engine->chain, on_change, engine);
    engine->is_changed = false;
    if (r >= 0)
        r = put_places(engine);
    if (r < 0)
        return r;
    r = ledger_commit(engine->ledger);
    if (r < 0)
        return on_commit_failure(engine, r);
    if (engine->is_store_failing)
        log_message(LOG_NOTICE, LOG_ID_STORE_BACK, "the state can be written again");
    engine->is_store_failing = false;
    engine->wants_delivery |= has_documents;
    r = acknowledge_waiting(engine);
    return r < 0 ? r : check_pressure(engine);
}

/* A commit within delay_usec, or when one is due anyway. */
static int schedule_commit(struct engine *engine, int64_t delay_usec)
{
    int64_t due_usec = now_usec(engine) + delay_usec;
    uint64_t armed_usec;
    int enabled, r = sd_event_source_get_enabled(engine->commit_timer, &enabled);

    if (r < 0)
        return r;
    r = sd_event_source_get_time(engine->commit_timer, &armed_usec);
    if (r < 0)
        return r;
    if (enabled != SD_EVENT_OFF && ((int64_t)armed_usec <= due_usec || engine->is_store_failing))
        return 0;
    return arm(engine->commit_timer, due_usec);
}

static int on_record(void *userdata, struct source *source, const struct record *record)
{
    struct engine_source *s = userdata;
    struct engine *engine = s->engine;
    bool needs_commit =
        normalizer_n_pending(s->normalizer) > 0; /* this record may be part of what is pending */
    int r;

    (void)source;
    engine->received_usec = record->received_usec;
    r = normalizer_feed(s->normalizer, record, on_event, s);
    if (r < 0)
        return r;
    s->seen_seq = record->seq;
    s->has_moved = true;
    needs_commit |= engine->is_changed || normalizer_n_pending(s->normalizer) > 0;
    if (!needs_commit && s->waiting_seq == 0) {
        r = source_acknowledge(s->source, record->seq);
        return r < 0 ? r : schedule_commit(engine, PLACE_INTERVAL_USEC);
    }
    if (s->waiting_seq == 0)
        s->waiting_seq = record->seq;
    if (source_capabilities(s->source) & SOURCE_LOCK_STEP)
        return commit(engine);
    return schedule_commit(engine, engine->options.commit_interval_usec);
}

static void on_source_end(void *userdata, struct source *source, int error, const char *message)
{
    struct engine_source *s = userdata;
    struct engine *engine = s->engine;
    int r = 0;

    s->is_ended = true;
    if (error < 0)
        log_message(LOG_ERR, LOG_ID_SOURCE_FAILED, "source %s cannot go on: %s", source_name(source),
                    message ? message : strerror(-error));
    /* of a stream that can neither seek nor come again nothing will follow: what is pending is all there is
     */
    else if (!(source_capabilities(source) & (SOURCE_CAN_SEEK | SOURCE_LOCK_STEP)))
        r = normalizer_flush(s->normalizer, on_event, s);
    if (r >= 0)
        s->has_moved = true;
    error = MIN(error, r);
    for (size_t i = 0; error >= 0 && i < engine->n_sources; i++)
        if (!engine->sources[i].is_ended)
            return;
    engine_exit(engine, error);
}

static void on_source_report(void *userdata, struct source *source, int level, const char *message)
{
    (void)userdata;
    log_message(level, NULL, "source %s: %s", source_name(source), message);
}

static void on_wake(void *userdata)
{
    struct engine *engine = userdata;

    engine->wants_delivery = true;
}

/* How far time has come for the chain: see the essay. */
static int64_t chain_time_usec(struct engine *engine, int64_t now)
{
    int64_t stream = engine->stream_usec - engine->options.close_delay_usec;

    if (now - engine->received_usec >= engine->options.close_delay_usec)
        return MAX(stream, now - engine->options.close_delay_usec);
    return stream;
}

static int on_time(sd_event_source *timer, uint64_t usec, void *userdata)
{
    struct engine *engine = userdata;
    int64_t now = now_usec(engine), time = chain_time_usec(engine, now);
    int r = 0;

    (void)timer;
    (void)usec;
    for (size_t i = 0; r >= 0 && i < engine->n_sources; i++) {
        struct engine_source *s = &engine->sources[i];

        if (normalizer_deadline_usec(s->normalizer) > now)
            continue;
        r = normalizer_advance(s->normalizer, now, on_event, s);
        s->has_moved = true;
    }
    if (r >= 0 && chain_deadline_usec(engine->chain) <= time) {
        r = chain_advance(engine->chain, time);
        engine->is_changed = true;
    }
    if (r >= 0)
        r = schedule_commit(engine, engine->options.commit_interval_usec);
    if (r < 0)
        engine_exit(engine, r);
    return 0;
}

static int arm_time(struct engine *engine)
{
    int64_t deadline = chain_deadline_usec(engine->chain);

    if (deadline < INT64_MAX) {
        int64_t delay = engine->options.close_delay_usec;
        int64_t quiet = MAX(deadline, engine->received_usec) + delay; /* by the clock, if nothing comes */

        deadline = deadline <= engine->stream_usec - delay ? 1 : quiet; /* by the stream: now */
    }
    for (size_t i = 0; i < engine->n_sources; i++)
        deadline = MIN(deadline, normalizer_deadline_usec(engine->sources[i].normalizer));
    if (deadline == INT64_MAX)
        return sd_event_source_set_enabled(engine->time_timer, SD_EVENT_OFF);
    return arm(engine->time_timer, deadline);
}

static int on_commit_timer(sd_event_source *timer, uint64_t usec, void *userdata)
{
    struct engine *engine = userdata;
    int r = commit(engine);

    (void)timer;
    (void)usec;
    if (r < 0)
        engine_exit(engine, r);
    return 0;
}

/* At the end of each turn of the loop. */
static int on_turn(sd_event_source *turn, void *userdata)
{
    struct engine *engine = userdata;
    int r = 0;

    (void)turn;
    if (!engine->is_store_failing && ledger_n_documents(engine->ledger) > 0)
        r = commit(engine);
    if (r >= 0 && engine->wants_delivery) {
        engine->wants_delivery = false;
        r = outbox_deliver(engine->outbox);
    }
    if (r >= 0 && !ledger_is_empty(engine->ledger))
        r = schedule_commit(engine, engine->options.commit_interval_usec);
    if (r >= 0)
        r = arm_time(engine);
    if (r < 0)
        engine_exit(engine, r);
    return 0;
}

static int on_signal(sd_event_source *signal_source, const struct signalfd_siginfo *info, void *userdata)
{
    struct engine *engine = userdata;

    (void)signal_source;
    if (info->ssi_signo != SIGHUP) {
        engine_exit(engine, 0);
        return 0;
    }
    log_message(LOG_INFO, NULL, "SIGHUP: files are opened again");
    for (size_t i = 0; i < engine->n_sources; i++)
        if (!engine->sources[i].is_ended && source_reopen(engine->sources[i].source) < 0)
            log_message(LOG_WARNING, NULL, "source %s could not be opened again",
                        source_name(engine->sources[i].source));
    if (outbox_reopen(engine->outbox) < 0)
        log_message(LOG_WARNING, NULL, "a sink could not be opened again");
    engine->wants_delivery = true;
    return 0;
}

static int write_metrics(struct engine *engine)
{
    struct report report = {.outbox = engine->outbox, .chain = engine->chain, .store = engine->options.store};
    int r = report_begin(&report);

    for (size_t i = 0; r >= 0 && i < engine->n_sources; i++)
        r = report_source(&report, source_name(engine->sources[i].source), engine->sources[i].normalizer,
                          engine->sources[i].n_future);
    if (r >= 0)
        r = report_write(&report, engine->options.metrics_file);
    report_done(&report);
    if (r < 0)
        log_message(LOG_WARNING, NULL, "metrics cannot be written to %s: %s", engine->options.metrics_file,
                    strerror(-r));
    return r == -ENOMEM ? r : 0;
}

static int on_metrics_timer(sd_event_source *timer, uint64_t usec, void *userdata)
{
    struct engine *engine = userdata;
    int r = write_metrics(engine);

    (void)usec;
    if (r >= 0)
        r = arm(timer, now_usec(engine) + engine->options.metrics_interval_usec);
    if (r < 0)
        engine_exit(engine, r);
    return 0;
}

static int restore_change(void *userdata, const struct change *change)
{
    struct engine *engine = userdata;

    return chain_restore(engine->chain, change);
}

static int restore_source(struct engine *engine, struct engine_source *s, struct diag_list *diags)
{
    _cleanup_(freep) char *pending = NULL;
    size_t len = 0;
    int r = store_get_pending(engine->options.store, source_name(s->source), &pending, &len);

    if (r >= 0 && len > 0)
        r = normalizer_load(s->normalizer, slice_new(pending, len));
    if (r == -EBADMSG)
        return diag_add(diags, NULL, 0, 0, "the state of source %s is of another version, or damaged",
                        source_name(s->source));
    return r;
}

static int make_sources(struct engine *engine, struct diag_list *diags)
{
    const struct engine_options *o = &engine->options;

    engine->sources = calloc(o->n_sources > 0 ? o->n_sources : 1, sizeof(*engine->sources));
    if (!engine->sources)
        return -ENOMEM;
    for (size_t i = 0; i < o->n_sources; i++) {
        struct engine_source *s = &engine->sources[i];
        struct source_callbacks callbacks = {
            .record = on_record, .end = on_source_end, .report = on_source_report, .userdata = s};
        int r;

        s->engine = engine;
        engine->n_sources = i + 1;
        r = source_new(o->sources[i].driver, o->sources[i].name, o->sources[i].settings, &callbacks,
                       &s->source);
        if (r >= 0)
            r = normalizer_new(&o->sources[i].normalizer, &s->normalizer);
        if (r >= 0)
            r = restore_source(engine, s, diags);
        if (r < 0)
            return r;
    }
    return 0;
}

static int make_loop(struct engine *engine)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    sigset_t mask;
    int r = sd_event_new(&engine->event);

    (void)sigemptyset(&mask);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        (void)sigaddset(&mask, numbers[i]);
    /* before any library makes a thread: they inherit the mask, and the loop alone gets the signals */
    if (r >= 0 && sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
        r = -errno;
    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
        r = sd_event_add_signal(engine->event, &engine->signals[i], numbers[i], on_signal, engine);
    if (r >= 0)
        r = sd_event_add_post(engine->event, &engine->turn, on_turn, engine);
    if (r >= 0)
        r = sd_event_add_time(engine->event, &engine->commit_timer, CLOCK_REALTIME, 0, 1, on_commit_timer,
                              engine);
    if (r >= 0)
        r = sd_event_source_set_enabled(engine->commit_timer, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_time(engine->event, &engine->time_timer, CLOCK_REALTIME, 0, 1, on_time, engine);
    if (r >= 0)
        r = sd_event_source_set_enabled(engine->time_timer, SD_EVENT_OFF);
    if (r >= 0 && engine->options.metrics_file)
        r = sd_event_add_time(engine->event, &engine->metrics_timer, CLOCK_REALTIME, 0, 1, on_metrics_timer,
                              engine);
    if (r >= 0)
        r = sd_event_set_watchdog(engine->event, true);
    return r < 0 ? r : 0;
}

static int make_exits(struct engine *engine)
{
    const struct engine_options *o = &engine->options;
    int r;

    engine->sink_names = calloc(o->n_sinks > 0 ? o->n_sinks : 1, sizeof(*engine->sink_names));
    if (!engine->sink_names)
        return -ENOMEM;
    for (size_t i = 0; i < o->n_sinks; i++)
        engine->sink_names[i] = o->sinks[i].name;
    r = ledger_new(o->store, engine->sink_names, o->n_sinks, &engine->ledger);
    if (r >= 0)
        r = outbox_new(
            &(struct outbox_options){o->sinks, o->n_sinks, o->store, engine->ledger, on_wake, engine},
            &engine->outbox);
    return r;
}

int engine_new(const struct engine_options *options, struct diag_list *diags, struct engine **ret_engine)
{
    _cleanup_(engine_freep) struct engine *engine = calloc(1, sizeof(*engine));
    struct chain_options chain_options = options->chain;
    int r;

    if (!engine)
        return -ENOMEM;
    engine->options = *options;
    r = make_loop(engine);
    chain_options.callbacks = (struct chain_callbacks){.document = on_document, .userdata = engine};
    if (r >= 0)
        r = chain_new(&chain_options, diags, &engine->chain);
    if (r >= 0)
        r = store_restore(options->store, SLICE(""), restore_change, engine);
    if (r == -EBADMSG)
        return diag_add(diags, NULL, 0, 0,
                        "the detectors' state is of another version, or damaged; start with a new file");
    if (r >= 0)
        r = make_exits(engine);
    if (r >= 0)
        r = make_sources(engine, diags);
    if (r < 0)
        return r;
    *ret_engine = TAKE_PTR(engine);
    return 0;
}

static int start(struct engine *engine, struct diag_list *diags)
{
    int r = outbox_start(engine->outbox, engine->event, diags);

    engine->wants_delivery = true; /* what an earlier run left */
    engine->received_usec = now_usec(engine);
    for (size_t i = 0; r >= 0 && i < engine->n_sources; i++) {
        struct engine_source *s = &engine->sources[i];
        _cleanup_(freep) char *cursor = NULL;
        size_t len = 0;

        r = store_get_cursor(engine->options.store, source_name(s->source), &cursor, &len);
        if (r >= 0)
            r = source_start(s->source, engine->event, cursor ? slice_new(cursor, len) : SLICE_NULL, diags);
        s->has_moved = true;
    }
    /* the place to start from is a place: a kill before the first record must not lose what is rotated away
     * meanwhile */
    return r < 0 ? r : commit(engine);
}

static int stop(struct engine *engine)
{
    int r = commit(engine), q;

    q = outbox_deliver(engine->outbox);
    r = MIN(r, q);
    q = outbox_flush(engine->outbox, FLUSH_TIMEOUT_USEC);
    if (q < 0)
        log_message(LOG_WARNING, NULL, "not every alert was delivered%s: the rest is sent at the next start",
                    q == -ETIMEDOUT ? " in time" : "");
    /* a broker that is away is what the outbox is for; a write that failed is a failure */
    if (q < 0 && q != -ETIMEDOUT)
        r = MIN(r, q);
    q = commit(engine); /* the rows of what was delivered just now */
    r = MIN(r, q);
    if (r >= 0 && engine->is_store_failing)
        r = -EIO;
    if (engine->options.metrics_file)
        (void)write_metrics(engine);
    return r;
}

int engine_run(struct engine *engine, struct diag_list *diags)
{
    int r = start(engine, diags), q;

    if (r < 0 && diags->n == 0)
        log_message(LOG_ERR, NULL, "cannot start: %s", strerror(-r));
    if (r < 0)
        return r;
    (void)sd_notify(0, "READY=1");
    log_message(LOG_INFO, LOG_ID_STARTED, "started: %zu sources, %zu sinks", engine->n_sources,
                outbox_n_sinks(engine->outbox));
    r = outbox_deliver(engine->outbox);
    if (r >= 0)
        r = sd_event_loop(engine->event);
    (void)sd_notify(0, "STOPPING=1");
    q = stop(engine);
    r = MIN(r, 0);
    r = MIN(r, q);
    r = MIN(r, engine->result);
    log_message(LOG_INFO, LOG_ID_STOPPED, "stopped: %llu process starts judged, %llu alerts",
                (unsigned long long)chain_stats(engine->chain)->n_selected,
                (unsigned long long)chain_stats(engine->chain)->n_alerts);
    return r;
}

struct engine *engine_free(struct engine *engine)
{
    if (!engine)
        return NULL;
    for (size_t i = 0; i < engine->n_sources; i++) {
        source_free(engine->sources[i].source);
        normalizer_free(engine->sources[i].normalizer);
    }
    free(engine->sources);
    outbox_free(engine->outbox);
    ledger_free(engine->ledger);
    free(engine->sink_names);
    chain_free(engine->chain);
    buffer_done(&engine->scratch);
    for (size_t i = 0; i < ARRAY_SIZE(engine->signals); i++)
        sd_event_source_unref(engine->signals[i]);
    sd_event_source_unref(engine->turn);
    sd_event_source_unref(engine->commit_timer);
    sd_event_source_unref(engine->time_timer);
    sd_event_source_unref(engine->metrics_timer);
    sd_event_unref(engine->event);
    free(engine);
    return NULL;
}
