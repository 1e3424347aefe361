/* SPDX-License-Identifier: Apache-2.0 */

/*
 * SIGHUP: what is in force is replaced by what the files say now, between two records, or not at all.
 *
 * Who loads it is the program (options.reload): it reads everything aside, and comes back with engine_swap
 * once all of it is good. Here the new parts take over what the old ones knew. A normalizer takes it as bytes
 * (pending audit events, the year of RFC 3164 lines), the same that are written for a restart. A chain takes
 * it from the store, which is why everything is committed first: what a reload leaves in memory is what a
 * kill and a restart would, so alerts and their ids are those of a run without it. Where neither jobs nor
 * detectors have changed the chain stays and gets other exceptions, since reading a large state takes a
 * while.
 *
 * One at a time: the loop does nothing else meanwhile, and sources wait with their next record. SIGHUPs that
 * come meanwhile are one pending signal, and cause one more reload.
 *
 * While the state cannot be written (disk full) a reload waits: there is nothing whole to take over from. It
 * is said once.
 *
 * Cost: that of a start without opening sources and sinks: 20 ms with the shipped rulebases, and where jobs
 * have changed, the reading of the state. Not done here: comparing, and what cannot change (cli/reload.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "engine/loop.h"
#include "log/log.h"
#include "util/parse.h"

struct normalizer_list {
    struct normalizer **items;
    size_t n;
};

static void normalizer_list_done(struct normalizer_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        normalizer_free(list->items[i]);
    free(list->items);
}

static int renew_normalizer(const struct engine_source *s, const struct normalizer_options *options,
                            struct normalizer **ret_normalizer)
{
    _cleanup_(normalizer_freep) struct normalizer *normalizer = NULL;
    _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT;
    int r = normalizer_save(s->normalizer, &bytes);

    if (r >= 0)
        r = normalizer_new(options, &normalizer);
    if (r >= 0)
        r = normalizer_load(normalizer, buffer_slice(&bytes));
    if (r < 0)
        return r;
    normalizer_set_stats(normalizer, normalizer_stats(s->normalizer));
    *ret_normalizer = TAKE_PTR(normalizer);
    return 0;
}

static int renew_normalizers(const struct engine *engine, const struct engine_options *options,
                             struct normalizer_list *list)
{
    list->items = calloc(engine->n_sources > 0 ? engine->n_sources : 1, sizeof(struct normalizer *));
    if (!list->items)
        return -ENOMEM;
    for (size_t i = 0; i < engine->n_sources; i++) {
        int r = renew_normalizer(&engine->sources[i], &options->sources[i].normalizer, &list->items[i]);

        if (r < 0)
            return r;
        list->n = i + 1;
    }
    return 0;
}

/* Numbers that are looked at when they are needed. */
static void take_settings(struct engine *engine, const struct engine_options *options)
{
    struct engine_options *mine = &engine->options;

    mine->commit_interval_usec = options->commit_interval_usec;
    mine->close_delay_usec = options->close_delay_usec;
    mine->history_keep_usec = options->history_keep_usec;
    mine->history_limit_bytes = options->history_limit_bytes;
    mine->metrics_interval_usec = options->metrics_interval_usec;
    engine->pressure.limit_bytes = options->outbox_limit_bytes;
    engine->pressure.limit_alerts = options->outbox_limit_alerts;
    engine->pressure.warn_age_usec = options->outbox_warn_age_usec;
}

int engine_swap(struct engine *engine, const struct engine_options *options, bool keeps_chain,
                struct diag_list *diags)
{
    _cleanup_(normalizer_list_done) struct normalizer_list normalizers = {0};
    _cleanup_(chain_freep) struct chain *chain = NULL;
    int r = renew_normalizers(engine, options, &normalizers);

    if (r >= 0 && !keeps_chain)
        r = engine_make_chain(engine, &options->chain, diags, &chain);
    if (r < 0)
        return r;
    for (size_t i = 0; i < engine->n_sources; i++) {
        struct normalizer *old = engine->sources[i].normalizer;

        engine->sources[i].normalizer = normalizers.items[i];
        normalizers.items[i] = old;
    }
    if (keeps_chain) {
        chain_set_exceptions(engine->chain, options->chain.exceptions);
    } else {
        chain_set_stats(chain, chain_stats(engine->chain));
        chain_free(engine->chain);
        engine->chain = TAKE_PTR(chain);
    }
    take_settings(engine, options);
    return 0;
}

static void say_problems(const struct diag_list *diags, int error)
{
    if (diags->n == 0)
        log_message(LOG_ERR, LOG_ID_RELOAD_FAILED, "not reloaded, what was in force stays: %s",
                    strerror(-error));
    else
        log_message(LOG_ERR, LOG_ID_RELOAD_FAILED, "not reloaded, what was in force stays: %zu problem%s",
                    diags->n + diags->n_dropped, diags->n + diags->n_dropped == 1 ? "" : "s");
    for (size_t i = 0; i < diags->n; i++) {
        _cleanup_(freep) char *text = diag_to_string(&diags->items[i]);

        log_message(LOG_ERR, NULL, "%s", text ? text : strerror(ENOMEM));
    }
    if (diags->n_dropped > 0)
        log_message(LOG_ERR, NULL, "%zu more problems are not shown", diags->n_dropped);
}

/* sd_notify(3): systemd waits for READY=1 where the unit is Type=notify-reload; others show "reloading". */
static void notify_begin(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIi64,
                     (int64_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000);
}

int engine_reload(struct engine *engine)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    int r;

    if (!ledger_has_failed(engine->ledger)) {
        r = commit_and_wait(engine);
        if (r < 0)
            return r;
    }
    if (ledger_has_failed(engine->ledger)) {
        if (!engine->is_reload_late)
            log_message(LOG_WARNING, NULL, "the reload waits until the state can be written");
        engine->is_reload_late = true;
        return 0;
    }
    engine->wants_reload = false;
    engine->is_reload_late = false;
    notify_begin();
    r = engine->options.reload(engine->options.reload_userdata, engine, &diags);
    if (r < 0) {
        engine->n_reload_failures++;
        say_problems(&diags, r);
        (void)sd_notify(0, "READY=1\nSTATUS=not reloaded, see the log");
        return 0;
    }
    engine->n_reloads++;
    engine->reloaded_usec = engine_now_usec(engine);
    (void)sd_notify(0, "READY=1\nSTATUS=reloaded");
    return 0;
}
