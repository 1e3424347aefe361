/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The systemd journal: live, or the files of another machine. Here the source lives: it wakes up, reads and
 * fails; journald.h names its other files.
 *
 * Waking up: journald announces new entries in batches, a quarter of a second late, but they stand in the
 * mapped file at once. So while a live journal is at its end, a timer looks for the next entry every 5 ms (1
 * ms accuracy), and the journal's descriptor is only watched to learn of files that come and go (measured:
 * 394 ms median with notifications alone, 3 ms with the timer, 0.6 % of a core). sd_journal_wait() is never
 * called.
 *
 * What is wanted: the journal's index can find the entries that match (sd_journal_add_match), at some 12,000
 * instructions for each with the default conditions; looking at every entry and comparing costs 2,000 a step,
 * and the fields of those nobody wants. Measured, the index is cheaper below a third. So a sample of all
 * entries is looked at first, and again from time to time, and decides.
 *
 * Files and failures: the journal announces that its set of files changed (INVALIDATE): we return to our
 * place (journald_place.c). After an error it is opened anew, with a growing delay, at its place, or a
 * stretch behind one that fails again.
 */
#include "source/journald.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "source/turn.h"
#include "util/parse.h"

/* measured, see above: p50 2.7 ms; 1 ms would cost 1.6 % of a core */
#define LOOK_USEC          5000U
#define LOOK_ACCURACY_USEC 1000U
/* chosen: a turn takes about a millisecond at 2 to 4 us an entry */
#define ENTRIES_PER_TURN 256U
/* chosen: so many entries tell what share is wanted; measured: below a third the index is cheaper */
#define SAMPLE_ENTRIES      2048U
#define WANTED_SHARE_DIVIDE 3U
#define RESAMPLE_ENTRIES    65536U
/* chosen: a rotation under way is over within the first, a broken disk is not asked more often than the last
 */
#define BACKOFF_MIN_USEC (100 * USEC_PER_MSEC)
#define BACKOFF_MAX_USEC (10 * USEC_PER_SEC)
/* chosen: files that are read once are given up after about a minute of attempts; a live journal never */
#define N_FAILURES_MAX 12U

static struct journald_source *downcast(struct source *source)
{
    return (struct journald_source *)source;
}

static unsigned journald_get_capabilities(const struct source *source)
{
    return SOURCE_CAN_SEEK | (journald_is_followed(source->settings) ? 0 : SOURCE_ENDS);
}

static int set_enabled(sd_event_source *source, bool is_enabled)
{
    if (!source)
        return 0;
    return sd_event_source_set_enabled(source, is_enabled ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* What the loop shall wake us for, from where we stand. */
static int update_interest(struct journald_source *s)
{
    bool is_active = !s->base.is_paused && !s->base.is_ended && s->journal;
    int r;

    r = set_enabled(s->io, is_active);
    if (r >= 0)
        r = set_enabled(s->turn, is_active && !s->is_at_end);
    if (r < 0 || !s->look)
        return r;
    if (!is_active || !s->is_at_end)
        return sd_event_source_set_enabled(s->look, SD_EVENT_OFF);
    r = sd_event_source_set_time_relative(s->look, LOOK_USEC);
    if (r < 0)
        return r;
    return sd_event_source_set_enabled(s->look, SD_EVENT_ONESHOT);
}

/* Has the index step over what does not match, or not; the journal stands at no entry afterwards, its place
 * holds. */
static int set_indexed(struct journald_source *s, bool is_indexed)
{
    int r = 0;

    sd_journal_flush_matches(s->journal);
    if (is_indexed)
        r = journald_add_matches(s->journal, s->base.settings);
    s->is_indexed = is_indexed;
    s->n_looked = s->n_wanted = 0;
    return r;
}

/* Chooses between the two ways of the essay, between two entries. */
static int adapt(struct journald_source *s)
{
    if (!s->has_filter || s->has_entry || !s->journal)
        return 0;
    if (s->is_indexed)
        return s->n_wanted < RESAMPLE_ENTRIES ? 0 : set_indexed(s, false);
    if (s->n_looked < SAMPLE_ENTRIES)
        return 0;
    if (s->n_wanted < s->n_looked / WANTED_SHARE_DIVIDE)
        return set_indexed(s, true);
    s->n_looked = s->n_wanted = 0;
    return 0;
}

static int on_io(sd_event_source *event_source, int fd, uint32_t revents, void *userdata);

/* The descriptor tells of files that come and go; it must exist before the first look, so that none is
 * missed. */
static int watch(struct journald_source *s)
{
    int fd, events, r;

    if (!journald_is_followed(s->base.settings))
        return 0;
    fd = sd_journal_get_fd(s->journal);
    if (fd < 0) {
        source_report(&s->base, LOG_WARNING, "the journal cannot be watched, so rotation may go unseen: %s",
                      strerror(-fd));
        return 0;
    }
    events = sd_journal_get_events(s->journal);
    if (events < 0)
        return events;
    r = sd_event_add_io(s->event, &s->io, fd, (uint32_t)events, on_io, s);
    if (r < 0)
        return r;
    return sd_event_source_set_enabled(s->io, SD_EVENT_OFF);
}

static void unwatch_and_close(struct journald_source *s)
{
    s->io = sd_event_source_disable_unref(s->io);
    if (s->journal)
        sd_journal_close(s->journal);
    s->journal = NULL;
}

static int on_open(sd_event_source *event_source, uint64_t usec, void *userdata);

/* The journal failed: closes it, and opens it anew after a while. */
static int back_off(struct journald_source *s, int error)
{
    /* the entry before the failure may still tell where it was */
    if (s->journal && s->is_place_stale)
        (void)journald_save_place(s);
    s->is_place_stale = false;
    s->has_entry = false;
    unwatch_and_close(s);
    s->n_failures++;
    if (!journald_is_followed(s->base.settings) && s->n_failures > N_FAILURES_MAX) {
        char message[128];

        (void)snprintf(message, sizeof(message), "the journal cannot be read: %s", strerror(-error));
        source_end(&s->base, error, message);
        return 0;
    }
    s->backoff_usec = s->n_failures == 1 ? BACKOFF_MIN_USEC : MIN(s->backoff_usec * 2, BACKOFF_MAX_USEC);
    source_report(&s->base, LOG_WARNING,
                  "the journal cannot be read (%s): opening it again in %.1f s (attempt %u)",
                  strerror(-error), (double)s->backoff_usec / (double)USEC_PER_SEC, s->n_failures);
    s->open = sd_event_source_disable_unref(s->open);
    return sd_event_add_time_relative(s->event, &s->open, CLOCK_MONOTONIC, (uint64_t)s->backoff_usec, 0,
                                      on_open, s);
}

/* Hands over up to a turn's worth of entries. Negative: the program stops. */
static int step(struct journald_source *s)
{
    int r;

    if (!s->journal || s->base.is_ended)
        return 0;

    for (unsigned i = 0; i < ENTRIES_PER_TURN && !s->base.is_paused; i++) {
        r = s->has_entry ? 1 : sd_journal_next(s->journal);
        if (r < 0)
            return r == -ENOMEM ? r : back_off(s, r);
        s->is_at_end = r == 0;
        if (r == 0) {
            if (!journald_is_followed(s->base.settings))
                source_end(&s->base, 0, NULL);
            break;
        }
        s->has_entry = false;
        s->n_failures = 0;
        r = journald_emit_entry(s);
        if (r < 0)
            return r;
    }
    /* so that no failure can cost more than the turn it happens in */
    if (s->is_place_stale) {
        r = journald_save_place(s);
        if (r == -ENOMEM)
            return r;
    }
    r = adapt(s);
    return r < 0 && r != -ENOMEM ? back_off(s, r) : r;
}

/* To where the saved place, or the settings, point. */
static int go_to_place(struct journald_source *s)
{
    int r = journald_seek(s);

    return r < 0 && r != -ENOMEM ? back_off(s, r) : r;
}

static int exit_on_failure(struct journald_source *s, int r)
{
    if (r >= 0)
        r = update_interest(s);
    return r < 0 ? sd_event_exit(s->event, r) : 0;
}

static int on_turn(sd_event_source *event_source, int fd, uint32_t revents, void *userdata)
{
    return exit_on_failure(userdata, step(userdata));
}

static int on_look(sd_event_source *event_source, uint64_t usec, void *userdata)
{
    return exit_on_failure(userdata, step(userdata));
}

static int on_io(sd_event_source *event_source, int fd, uint32_t revents, void *userdata)
{
    struct journald_source *s = userdata;
    int r;

    r = sd_journal_process(s->journal);
    if (r < 0)
        return exit_on_failure(s, r == -ENOMEM ? r : back_off(s, r));
    if (r == SD_JOURNAL_INVALIDATE)
        r = go_to_place(s);
    if (r >= 0)
        r = step(s);
    return exit_on_failure(s, r);
}

static int on_open(sd_event_source *event_source, uint64_t usec, void *userdata)
{
    struct journald_source *s = userdata;
    int r;

    r = journald_open(s->base.settings, &s->journal);
    if (r >= 0)
        r = set_indexed(s, !s->has_filter);
    if (r < 0)
        return exit_on_failure(s, r == -ENOMEM ? r : back_off(s, r));
    r = watch(s);
    if (r >= 0)
        r = go_to_place(s);
    return exit_on_failure(s, r);
}

/* Driver */

static int journald_start(struct source *source, sd_event *event, struct slice cursor,
                          struct diag_list *diags)
{
    const struct journald_settings *settings = source->settings;
    struct journald_source *s = downcast(source);
    int r;

    s->event = event;
    r = journald_check(source->name, settings, diags);
    if (r >= 0 && journald_is_live(settings))
        r = journald_check_live(diags);
    if (r < 0)
        return r;
    if (cursor.len > 0) {
        r = journald_load_place(s, cursor);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            source_report(source, LOG_WARNING,
                          "the saved place '%.*s' is not one in a journal: starting without it",
                          (int)MIN(cursor.len, (size_t)200), cursor.data);
    }
    r = journald_filter_init(&s->filter, &settings->matches);
    if (r < 0)
        return r;
    s->has_filter = r == 0;
    r = journald_open(settings, &s->journal);
    if (r < 0)
        return journald_explain_open(settings, r, diags);
    r = set_indexed(s, !s->has_filter);
    if (r >= 0)
        r = watch(s);
    if (r >= 0)
        r = turn_new(event, on_turn, s, &s->turn);
    if (r >= 0 && journald_is_followed(settings)) {
        r = sd_event_add_time_relative(event, &s->look, CLOCK_MONOTONIC, LOOK_USEC, LOOK_ACCURACY_USEC,
                                       on_look, s);
        if (r >= 0)
            r = sd_event_source_set_enabled(s->look, SD_EVENT_OFF);
    }
    if (r < 0)
        return r;
    journald_warn_if_empty(s);
    /* now, not at the first turn of the loop: what is written from here on is read */
    r = go_to_place(s);
    if (r < 0)
        return r;
    return update_interest(s);
}

static int journald_cursor(struct source *source, struct buffer *out)
{
    struct journald_source *s = downcast(source);
    int r;

    if (s->journal && s->is_place_stale) {
        r = journald_save_place(s);
        /* a damaged entry has no cursor: the place before it still holds */
        if (r == -ENOMEM)
            return r;
    }
    return s->place.len > 0 ? buffer_append(out, s->place.data, s->place.len - 1) : 0;
}

static int journald_pause(struct source *source, bool is_paused)
{
    return update_interest(downcast(source));
}

static void journald_done(struct source *source)
{
    struct journald_source *s = downcast(source);

    unwatch_and_close(s);
    (void)sd_event_source_disable_unref(s->look);
    (void)sd_event_source_disable_unref(s->turn);
    (void)sd_event_source_disable_unref(s->open);
    arena_done(&s->arena);
    buffer_done(&s->place);
    journald_filter_done(&s->filter);
}

const struct source_driver journald_source = {
    .name = "journald",
    .summary = "reads the systemd journal of this machine as it grows, or the journal files of others",
    .options = &journald_table,
    .struct_size = sizeof(struct journald_source),
    .capabilities = SOURCE_CAN_SEEK | SOURCE_ENDS,
    .get_capabilities = journald_get_capabilities,
    .check = journald_check,
    .start = journald_start,
    .cursor = journald_cursor,
    .pause = journald_pause,
    .done = journald_done,
};
