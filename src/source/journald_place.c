/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the source stands in the journal, as text, and the way back there.
 *
 * The place is "REALTIME CURSOR" of the last entry handed over. Returning to it has four outcomes: the entry
 * is there, and we go on behind it; it is there no more because the journal was vacuumed, and we say how much
 * time is missing; it does not match any more, and nothing is missing; or it lies behind the journal's end (a
 * clock set back, another journal), where libsystemd would wait for ever, and we go on at the end. Where the
 * same place fails again, a growing stretch of time behind it is skipped, and reported.
 *
 * "At the end" of a journal without any matching entry is a trap: after seek_tail and a previous() that found
 * none, next() would begin at the last entry then present and lose those before it; so we begin at the head
 * instead.
 */
#include "source/journald.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "util/parse.h"

/* chosen: the first stretch skipped behind a place that cannot be read; it doubles with each attempt */
#define SKIP_USEC   USEC_PER_SEC
#define N_SKIPS_MAX 24U /* half a year */

int journald_save_place(struct journald_source *s)
{
    _cleanup_(freep) char *cursor = NULL;
    uint64_t usec = 0;
    int r;

    r = sd_journal_get_realtime_usec(s->journal, &usec);
    if (r >= 0)
        r = sd_journal_get_cursor(s->journal, &cursor);
    if (r < 0)
        return r;
    buffer_clear(&s->place);
    /* with its NUL, so that it can be handed to libsystemd */
    r = buffer_append_format(&s->place, "%" PRIu64 " %s", usec, cursor);
    if (r >= 0)
        r = buffer_append_char(&s->place, '\0');
    if (r < 0)
        return r;
    s->place_usec = (int64_t)usec;
    s->is_place_stale = false;
    return 0;
}

int journald_load_place(struct journald_source *s, struct slice text)
{
    size_t blank = slice_find(text, ' ');
    uint64_t usec;
    int r;

    if (blank == text.len || parse_u64(slice_head(text, blank), &usec) < 0 || usec > INT64_MAX ||
        memchr(text.data, '\0', text.len))
        return -EINVAL;
    buffer_clear(&s->place);
    r = buffer_append_slice(&s->place, text);
    if (r >= 0)
        r = buffer_append_char(&s->place, '\0');
    if (r < 0)
        return r;
    s->place_usec = (int64_t)usec;
    return 0;
}

static const char *place_cursor(const struct journald_source *s)
{
    return strchr(s->place.data, ' ') + 1;
}

/* Behind the last matching entry; where there is none, before the first that will come. */
static int seek_tail(struct journald_source *s)
{
    int r;

    r = sd_journal_seek_tail(s->journal);
    if (r < 0)
        return r;
    r = sd_journal_previous(s->journal);
    if (r < 0)
        return r;
    if (r == 0)
        return sd_journal_seek_head(s->journal);
    /* a place to return to when files are rotated before the first entry comes */
    return journald_save_place(s);
}

static void format_span(int64_t usec, char *text, size_t size)
{
    if (usec >= USEC_PER_DAY)
        (void)snprintf(text, size, "%.1f days", (double)usec / (double)USEC_PER_DAY);
    else if (usec >= USEC_PER_HOUR)
        (void)snprintf(text, size, "%.1f hours", (double)usec / (double)USEC_PER_HOUR);
    else
        (void)snprintf(text, size, "%.1f seconds", (double)usec / (double)USEC_PER_SEC);
}

/* Returns to the saved place, so that next() gives the entry behind it, or to the entry behind it
 * (has_entry). */
static int seek_place(struct journald_source *s)
{
    uint64_t first_usec = 0, last_usec = 0;
    char span[32];
    bool has_range;
    int r;

    has_range = sd_journal_get_cutoff_realtime_usec(s->journal, &first_usec, &last_usec) > 0;
    r = sd_journal_seek_cursor(s->journal, place_cursor(s));
    if (r == -EINVAL) {
        source_report(&s->base, LOG_WARNING,
                      "the saved journal cursor '%.200s' cannot be read: going by its time", place_cursor(s));
        return sd_journal_seek_realtime_usec(s->journal, (uint64_t)s->place_usec + 1);
    }
    if (r >= 0)
        r = sd_journal_next(s->journal);
    if (r < 0)
        return r;
    if (r > 0 && sd_journal_test_cursor(s->journal, place_cursor(s)) > 0)
        return 0;
    if (has_range && (int64_t)first_usec > s->place_usec) {
        format_span((int64_t)first_usec - s->place_usec, span, sizeof(span));
        source_report(
            &s->base, LOG_WARNING,
            "the journal was vacuumed past the place read last: %s before its oldest entry are missing",
            span);
    }
    if (r > 0) {
        s->has_entry = true;
        return 0;
    }
    if (has_range && (int64_t)last_usec < s->place_usec) {
        format_span(s->place_usec - (int64_t)last_usec, span, sizeof(span));
        source_report(
            &s->base, LOG_WARNING,
            "the place read last lies %s behind the journal's end (was the clock set back?): going on at its "
            "end",
            span);
        return seek_tail(s);
    }
    /* nothing behind it yet; libsystemd keeps the place and looks from there each time */
    return 0;
}

static int seek_start(struct journald_source *s)
{
    const struct journald_settings *settings = s->base.settings;
    int start = settings->start;

    if (start == JOURNALD_START_AUTO)
        start = journald_is_live(settings) ? JOURNALD_START_TAIL : JOURNALD_START_BEGINNING;
    switch (start) {
    case JOURNALD_START_TAIL:
        /* no matching entry was there the first time: all there are now are new */
        return s->is_under_way ? sd_journal_seek_head(s->journal) : seek_tail(s);
    case JOURNALD_START_BOOT:
        return sd_journal_seek_realtime_usec(
            s->journal, (uint64_t)(source_now_usec(CLOCK_REALTIME) - source_now_usec(CLOCK_BOOTTIME)));
    default:
        return sd_journal_seek_head(s->journal);
    }
}

int journald_seek(struct journald_source *s)
{
    int64_t skip_usec = 0;
    int r;

    s->is_at_end = s->has_entry = false;
    /* the first failure may be a rotation under way; from the second on at the same place, go past it */
    if (s->n_failures > 1)
        skip_usec = SKIP_USEC << MIN(s->n_failures - 2, N_SKIPS_MAX);
    if (s->place.len == 0) {
        r = seek_start(s);
    } else if (skip_usec == 0) {
        r = seek_place(s);
    } else {
        source_report(&s->base, LOG_WARNING,
                      "the journal cannot be read behind the place read last: skipping %.0f s",
                      (double)skip_usec / (double)USEC_PER_SEC);
        /* in this order: a place may be any number */
        if (s->place_usec > source_now_usec(CLOCK_REALTIME) - skip_usec)
            r = seek_tail(s);
        else
            r = sd_journal_seek_realtime_usec(s->journal, (uint64_t)(s->place_usec + skip_usec));
    }
    s->is_under_way = true;
    return r;
}
