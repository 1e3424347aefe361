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
 * How it is committed, and when a source is told: commit.c.
 *
 * How far time has come for the detectors: clock.c.
 *
 * One event dated 2099 would close every bucket until then, and all that is true would be late from there on:
 * a detector made blind by one line. Here, unlike in replay, it is known when a record was received, and
 * nothing happens after it was heard of. So an event dated later than that, by more than clocks differ, gets
 * the time of receipt; it is judged all the same, counted, and said once a source. The price: read a second
 * time, after a kill, it may fall into another bucket.
 */
#include "engine/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>

#include "engine/history.h"
#include "engine/loop.h"
#include "engine/report.h"
#include "log/log.h"
#include "util/parse.h"

/* chosen: how long records that changed nothing may be read again after a kill; their place is all that is
 * written */
#define PLACE_INTERVAL_USEC (5 * USEC_PER_SEC)
/* chosen: more than unsynchronised clocks differ (the default skew of Kerberos is 5 min), less than a bucket
 */
#define FUTURE_LIMIT_USEC (10 * 60 * USEC_PER_SEC)
/* chosen: a stop ends within 5 s (rsyslog's closeTimeout), of which leaving Kafka may take 2
 * (source/kafka.c); a broker that does not answer in half of that will not in the 90 s that systemd gives a
 * service */
#define FLUSH_TIMEOUT_USEC (INT64_C(2500) * USEC_PER_MSEC)

/* chosen: how often the oldest alert's age is looked at */
#define AGE_INTERVAL_USEC (60 * USEC_PER_SEC)

int64_t engine_monotonic_usec(struct engine *engine)
{
    uint64_t now = 0;

    (void)sd_event_now(engine->event, CLOCK_MONOTONIC, &now);
    return (int64_t)now;
}

int64_t engine_now_usec(struct engine *engine)
{
    uint64_t now = 0;

    (void)sd_event_now(engine->event, CLOCK_REALTIME, &now);
    return (int64_t)now;
}

void engine_exit(struct engine *engine, int result)
{
    if (result < 0 && engine->result == 0)
        log_message(LOG_ERR, NULL, "cannot go on: %s", strerror(-result));
    engine->result = MIN(engine->result, result);
    (void)sd_event_exit(engine->event, 0);
}

int engine_arm(sd_event_source *timer, int64_t usec)
{
    int r = sd_event_source_set_time(timer, (uint64_t)MAX(usec, INT64_C(1)));

    return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int on_document(void *userdata, const struct document *document)
{
    struct engine *engine = userdata;

    return ledger_put_document(engine->ledger, document, engine_now_usec(engine));
}

static int put_history(struct engine *engine, const struct verdict *verdict, bool is_final)
{
    if (engine->options.history_keep_usec == 0)
        return 0;
    return history_put(engine->ledger, verdict, is_final, &engine->scratch);
}

static int on_score(void *userdata, const struct verdict *verdict)
{
    return put_history(userdata, verdict, false);
}

static int on_final(void *userdata, const struct verdict *verdict)
{
    return put_history(userdata, verdict, true);
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
    engine->event_monotonic_usec = engine->received_monotonic_usec;
    engine->is_changed |= r > 0;
    return 0;
}

static int pause_sources(void *userdata, bool is_paused)
{
    struct engine *engine = userdata;
    int r = 0;

    clock_pause(engine, is_paused);
    for (size_t i = 0; r >= 0 && i < engine->n_sources; i++)
        if (!engine->sources[i].is_ended)
            r = source_pause(engine->sources[i].source, is_paused);
    return r;
}

static int take_record(struct engine_source *s, const struct record *record)
{
    struct engine *engine = s->engine;
    bool needs_commit =
        normalizer_n_pending(s->normalizer) > 0; /* this record may be part of what is pending */
    int r;

    engine->received_usec = record->received_usec;
    engine->received_monotonic_usec = engine_monotonic_usec(engine);
    r = normalizer_feed(s->normalizer, record, on_event, s);
    if (r < 0)
        return r;
    s->seen_seq = record->seq;
    s->has_moved = true;
    needs_commit |= engine->is_changed || normalizer_n_pending(s->normalizer) > 0;
    if (!needs_commit && s->waiting_seq == 0) {
        r = s->is_committing ? 0 : source_acknowledge(s->source, record->seq);
        return r < 0 ? r : commit_schedule(engine, PLACE_INTERVAL_USEC);
    }
    if (s->waiting_seq == 0)
        s->waiting_seq = record->seq;
    if (source_capabilities(s->source) & SOURCE_LOCK_STEP)
        return commit_in_step(engine);
    r = commit_check_size(engine);
    return r < 0 ? r : commit_schedule(engine, engine->options.commit_interval_usec);
}

/* Once: whoever wrote a template, or pointed us at the wrong topic, waits for alerts that cannot come. */
static void note_lost(struct engine_source *s)
{
    const struct normalizer_stats *stats = normalizer_stats(s->normalizer);

    if (s->is_lost || !normalizer_is_lost(stats))
        return;
    s->is_lost = true;
    log_message(LOG_WARNING, NULL,
                "source %s: of %" PRIu64 " records no command was read, %" PRIu64
                " are not understood, the last: %s (`hapax normalize --explain` shows how a line is read, "
                "hapax-formats(7) what hapax reads; said once)",
                source_name(s->source), stats->n_records, stats->n_unknown + stats->n_quarantined,
                stats->sample);
}

static int on_record(void *userdata, struct source *source, const struct record *record)
{
    struct engine_source *s = userdata;
    uint64_t n_gated = normalizer_stats(s->normalizer)->n_gated;
    int r = take_record(s, record);

    (void)source;
    if (r < 0)
        return r;
    note_lost(s);
    return normalizer_stats(s->normalizer)->n_gated > n_gated ? SOURCE_UNWANTED : 0;
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

static int on_time(sd_event_source *timer, uint64_t usec, void *userdata)
{
    struct engine *engine = userdata;
    int64_t now = engine_now_usec(engine), time = clock_stream_usec(engine, now);
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
        r = commit_schedule(engine, engine->options.commit_interval_usec);
    if (r < 0)
        engine_exit(engine, r);
    return 0;
}

static int arm_time(struct engine *engine)
{
    int64_t now = engine_now_usec(engine), wait = INT64_MAX;
    int64_t deadline = chain_deadline_usec(engine->chain);

    /* while the sources are paused silence says nothing; the end of the pause is a turn of the loop, too */
    if (deadline < INT64_MAX &&
        (engine->pressure.reasons == 0 || deadline <= engine->stream_usec - engine->options.close_delay_usec))
        wait = clock_wait_usec(engine, deadline, now);
    for (size_t i = 0; i < engine->n_sources; i++) {
        deadline = normalizer_deadline_usec(engine->sources[i].normalizer);
        if (deadline < INT64_MAX)
            wait = MIN(wait, deadline - now);
    }
    if (wait == INT64_MAX)
        return sd_event_source_set_enabled(engine->time_timer, SD_EVENT_OFF);
    return engine_arm(engine->time_timer, engine_monotonic_usec(engine) + MAX(wait, INT64_C(0)));
}

static int on_age_timer(sd_event_source *timer, uint64_t usec, void *userdata)
{
    struct engine *engine = userdata;
    int64_t now = engine_now_usec(engine);
    int r;

    (void)usec;
    pressure_check_age(&engine->pressure, now);
    r = engine_arm(timer, engine_monotonic_usec(engine) + AGE_INTERVAL_USEC);
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
    if (ledger_n_documents(engine->ledger) > 0)
        r = commit_start(engine);
    if (r >= 0 && engine->wants_delivery) {
        engine->wants_delivery = false;
        r = outbox_deliver(engine->outbox);
    }
    if (r >= 0 && engine->wants_reload)
        r = engine_reload(engine);
    if (r >= 0 && !ledger_is_empty(engine->ledger))
        r = commit_schedule(engine, engine->options.commit_interval_usec);
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
    /* rsyslog's hup.signal may be one of the users', which would kill a process that does not know it */
    if (info->ssi_signo != SIGHUP && info->ssi_signo != SIGUSR1 && info->ssi_signo != SIGUSR2) {
        int r = 0;

        /* still blocked, so it stays pending: a sink that waits for its reader looks for it (sink/file.c) */
        (void)raise((int)info->ssi_signo);
        /* auditd says SIGTERM and is gone: what it wrote before that is nobody's to send again */
        for (size_t i = 0; r >= 0 && i < engine->n_sources && info->ssi_signo == SIGTERM; i++)
            if (!engine->sources[i].is_ended)
                r = source_drain(engine->sources[i].source);
        engine_exit(engine, MIN(r, 0));
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
    engine->wants_reload = engine->options.reload != NULL;
    return 0;
}

static int write_metrics(struct engine *engine)
{
    struct report report = {.outbox = engine->outbox,
                            .chain = engine->chain,
                            .store = engine->options.store,
                            .ledger = engine->ledger,
                            .n_reloads = engine->n_reloads,
                            .n_reload_failures = engine->n_reload_failures,
                            .reloaded_usec = engine->reloaded_usec,
                            .now_usec = engine_now_usec(engine)};
    int r = report_begin(&report);

    for (size_t i = 0; r >= 0 && i < engine->n_sources; i++) {
        r = report_source(&report, source_name(engine->sources[i].source), engine->sources[i].normalizer,
                          engine->sources[i].n_future);
        if (r >= 0)
            r = report_source_stats(&report, engine->sources[i].source);
    }
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
        r = engine_arm(timer, engine_monotonic_usec(engine) + engine->options.metrics_interval_usec);
    if (r < 0)
        engine_exit(engine, r);
    return 0;
}

static int restore_change(void *userdata, const struct change *change)
{
    return chain_restore(userdata, change);
}

int engine_make_chain(struct engine *engine, const struct chain_options *options, struct diag_list *diags,
                      struct chain **ret_chain)
{
    _cleanup_(chain_freep) struct chain *chain = NULL;
    struct store *store = engine->options.store;
    struct chain_options chain_options = *options;
    int r;

    chain_options.callbacks = (struct chain_callbacks){
        .score = on_score, .final = on_final, .document = on_document, .userdata = engine};
    r = chain_new(&chain_options, diags, &chain);
    if (r < 0)
        return r;
    r = store_restore(store, SLICE(""), restore_change, chain);
    if (r < 0 && store_read_error(store)[0])
        return diag_add(
            diags, NULL, 0, 0,
            "the state cannot be read (%s): 'hapax store check' shows what is wrong, 'hapax store "
            "export --salvage' prints what can be read",
            store_read_error(store));
    if (r == -EBADMSG)
        return diag_add(diags, NULL, 0, 0,
                        "the detectors' state is of another version, or damaged; start with a new file");
    if (r < 0)
        return r;
    *ret_chain = TAKE_PTR(chain);
    return 0;
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
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
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
    /* SIGTERM and SIGINT before anything else: the loop takes a signal off the process when it wakes, and a
     * sink whose reader has stopped, served before on_signal, would look for it in vain */
    for (size_t i = 0; r >= 0 && i < 2; i++)
        r = sd_event_source_set_priority(engine->signals[i], SD_EVENT_PRIORITY_IMPORTANT);
    if (r >= 0)
        r = sd_event_add_post(engine->event, &engine->turn, on_turn, engine);
    if (r >= 0)
        r = sd_event_add_time(engine->event, &engine->commit_timer, CLOCK_MONOTONIC, 0, 1, commit_on_timer,
                              engine);
    if (r >= 0)
        r = sd_event_source_set_enabled(engine->commit_timer, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_time(engine->event, &engine->time_timer, CLOCK_MONOTONIC, 0, 1, on_time, engine);
    if (r >= 0)
        r = sd_event_source_set_enabled(engine->time_timer, SD_EVENT_OFF);
    if (r >= 0 && engine->options.metrics_file)
        r = sd_event_add_time(engine->event, &engine->metrics_timer, CLOCK_MONOTONIC, 0, 1, on_metrics_timer,
                              engine);
    if (r >= 0)
        r = sd_event_add_time(engine->event, &engine->age_timer, CLOCK_MONOTONIC, 0, 1, on_age_timer, engine);
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
        r = sd_event_add_io(engine->event, &engine->committed, ledger_fd(engine->ledger), EPOLLIN,
                            commit_on_committed, engine);
    if (r >= 0)
        r = outbox_new(
            &(struct outbox_options){o->sinks, o->n_sinks, o->store, engine->ledger, on_wake, engine},
            &engine->outbox);
    return r;
}

int engine_new(const struct engine_options *options, struct diag_list *diags, struct engine **ret_engine)
{
    _cleanup_(engine_freep) struct engine *engine = calloc(1, sizeof(*engine));
    int r;

    if (!engine)
        return -ENOMEM;
    engine->options = *options;
    engine->pressure = (struct pressure){
        .store = options->store,
        .limit_bytes = options->outbox_limit_bytes,
        .limit_alerts = options->outbox_limit_alerts,
        .warn_age_usec = options->outbox_warn_age_usec,
        .pause = pause_sources,
        .userdata = engine,
    };
    r = make_loop(engine);
    if (r >= 0)
        r = engine_make_chain(engine, &options->chain, diags, &engine->chain);
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
    engine->received_usec = engine_now_usec(engine);
    engine->received_monotonic_usec = engine->event_monotonic_usec = engine_monotonic_usec(engine);
    if (r >= 0)
        r = clock_restore(engine);
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
    return r < 0 ? r : commit_and_wait(engine);
}

static int stop(struct engine *engine)
{
    int r = commit_and_wait(engine), q;

    q = outbox_deliver(engine->outbox);
    r = MIN(r, q);
    q = outbox_flush(engine->outbox, FLUSH_TIMEOUT_USEC);
    if (q < 0)
        log_message(LOG_WARNING, NULL, "not every alert was delivered%s: the rest is sent at the next start",
                    q == -ETIMEDOUT ? " in time" : "");
    /* a broker that is away is what the outbox is for; a write that failed is a failure */
    if (q < 0 && q != -ETIMEDOUT)
        r = MIN(r, q);
    /* the rows of what was delivered just now; a state that another program holds is not waited for twice */
    q = ledger_has_failed(engine->ledger) ? 0 : commit_and_wait(engine);
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
    engine->reloaded_usec = engine_now_usec(engine);
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
    /* before the ledger, which closes the descriptor */
    sd_event_source_disable_unref(engine->committed);
    ledger_free(engine->ledger);
    free(engine->sink_names);
    chain_free(engine->chain);
    buffer_done(&engine->scratch);
    for (size_t i = 0; i < ARRAY_SIZE(engine->signals); i++)
        sd_event_source_unref(engine->signals[i]);
    sd_event_source_unref(engine->turn);
    sd_event_source_unref(engine->age_timer);
    sd_event_source_unref(engine->commit_timer);
    sd_event_source_unref(engine->time_timer);
    sd_event_source_unref(engine->metrics_timer);
    sd_event_unref(engine->event);
    free(engine);
    return NULL;
}
