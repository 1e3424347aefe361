/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How far time has come for the detectors: what closes buckets.
 *
 * It is the stream's own time: the newest event seen, less close_delay. When no record comes for close_delay,
 * the clock carries it on: the newest event, and what the monotonic clock counts from it. So a quiet host's
 * last bucket is closed all the same, and a backlog from last week is judged by last week's time, even where
 * a full disk, a broker that is away or a slow writer holds it up: the wall clock would close everything up
 * to now, and the rest of the backlog would be too late for the model. For the same reason time in which
 * sources are paused does not count (what passed before does, once they go on), and a wall clock that is set
 * moves nothing.
 *
 * A start goes on from the time that the state has: the newest event, and what the wall clock counts from the
 * moment it was seen, both under one key. That moment may be any event's, so one a minute is written. A state
 * that has none, and nothing of the stream seen yet: there is nothing to carry on, and it is the wall
 * clock's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <syslog.h>

#include "engine/loop.h"
#include "log/log.h"
#include "util/parse.h"

#define CLOCK_KEY "clock"
/* chosen: a row a minute is nothing, and after a kill a stream that is faster than the clock lacks no more */
#define SAVE_INTERVAL_USEC (60 * USEC_PER_SEC)
/* no sum of two of these is out of range */
#define TIME_MAX_USEC (INT64_MAX / 2)

int64_t clock_stream_usec(struct engine *engine, int64_t now)
{
    int64_t delay = engine->options.close_delay_usec, monotonic = engine_monotonic_usec(engine);

    if (engine->pressure.reasons != 0 || monotonic - engine->received_monotonic_usec < delay)
        return engine->stream_usec - delay;
    if (engine->stream_usec == 0)
        return now - delay;
    return engine->stream_usec + (monotonic - engine->event_monotonic_usec) - delay;
}

int64_t clock_wait_usec(struct engine *engine, int64_t deadline, int64_t now)
{
    int64_t delay = engine->options.close_delay_usec, monotonic = engine_monotonic_usec(engine);
    int64_t silence = engine->received_monotonic_usec + delay - monotonic;

    if (deadline <= engine->stream_usec - delay)
        return 0;
    if (engine->stream_usec == 0)
        return MAX(silence, deadline + delay - now);
    return MAX(silence, deadline + delay - engine->stream_usec + engine->event_monotonic_usec - monotonic);
}

void clock_pause(struct engine *engine, bool is_paused)
{
    int64_t monotonic = engine_monotonic_usec(engine);

    if (!is_paused)
        engine->event_monotonic_usec += monotonic - engine->received_monotonic_usec;
    engine->received_monotonic_usec = monotonic; /* the silence is ours */
}

int clock_save(struct engine *engine)
{
    int64_t seen_usec =
        engine_now_usec(engine) - (engine_monotonic_usec(engine) - engine->event_monotonic_usec);
    char text[64];
    int n;

    if (engine->stream_usec < engine->saved_usec + SAVE_INTERVAL_USEC)
        return 0;
    n = snprintf(text, sizeof(text), "%" PRId64 " %" PRId64, engine->stream_usec, seen_usec);
    engine->saved_usec = engine->stream_usec;
    return ledger_put_change(engine->ledger, &(struct change){SLICE(CLOCK_KEY), slice_new(text, (size_t)n)});
}

static int take_saved(void *userdata, const struct change *change)
{
    struct engine *engine = userdata;
    size_t blank = slice_find(change->value, ' ');
    int64_t stream_usec, seen_usec, elapsed;

    if (!slice_equal(change->key, SLICE(CLOCK_KEY)))
        return 0;
    if (blank == change->value.len || parse_i64(slice_new(change->value.data, blank), &stream_usec) < 0 ||
        parse_i64(slice_skip(change->value, blank + 1), &seen_usec) < 0 || stream_usec < 0 ||
        stream_usec > TIME_MAX_USEC || seen_usec < 0) {
        log_message(LOG_WARNING, NULL,
                    "the time in the state is damaged: it is the wall clock's until an event comes");
        return 0;
    }
    /* a wall clock that was set back since */
    elapsed = MAX(engine_now_usec(engine) - seen_usec, INT64_C(0));
    engine->stream_usec = engine->saved_usec = stream_usec;
    engine->event_monotonic_usec -= elapsed;
    return 0;
}

int clock_restore(struct engine *engine)
{
    return store_restore(engine->options.store, SLICE(CLOCK_KEY), take_saved, engine);
}
