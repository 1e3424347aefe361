/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_DETECT_STREAM_H
#define HAPAX_TESTS_DETECT_STREAM_H

/* A rare detector, events by hand, and everything it said as text, one line a verdict. */

#include <stdlib.h>

#include "support.h"

#include "detect/rare.h"
#include "util/parse.h"

#define SPAN (900 * USEC_PER_SEC)
/* Monday 2026-01-05 00:00:00 UTC, a bucket's edge */
#define T0 (INT64_C(1767571200) * USEC_PER_SEC)

#define OPTIONS_WINDOW                                                                                       \
    ((struct rare_options){.forget = FORGET_WINDOW,                                                          \
                           .populations = POPULATIONS_KINDS,                                                 \
                           .window_usec = 30 * USEC_PER_DAY,                                                 \
                           .bucket_span_usec = SPAN,                                                         \
                           .lateness_usec = 16 * USEC_PER_HOUR,                                              \
                           .max_users = 100000})
#define OPTIONS_DECAY                                                                                        \
    ((struct rare_options){.forget = FORGET_DECAY,                                                           \
                           .window_usec = 30 * USEC_PER_DAY,                                                 \
                           .bucket_span_usec = SPAN,                                                         \
                           .lateness_usec = 16 * USEC_PER_HOUR,                                              \
                           .max_users = 100000})

struct said {
    struct buffer text;
    struct verdict last, last_final; /* strings are gone */
    size_t n_provisional, n_final, n_alerts;
};

static inline int said_add(struct said *said, const struct verdict *v)
{
    int r = buffer_append_format(
        &said->text,
        "%s t=%lld user=%.*s partition=%.*s p=%a score=%a reason=%d weight=%a/%a/%a users=%llu "
        "first=%d,%lld previous=%lld n=%llu process=%.*s pid=%lld bucket=%a",
        v->is_final ? "final" : "now", (long long)(v->bucket_start_usec / USEC_PER_SEC), SLICE_FMT(v->user),
        SLICE_FMT(v->partition), v->has_probability ? v->probability : -1, v->score, (int)v->reason,
        v->user_weight, v->less_likely_weight, v->total_weight, (unsigned long long)v->n_users,
        v->is_first_seen, (long long)(v->first_seen_usec / USEC_PER_SEC),
        (long long)(v->previous_seen_usec / USEC_PER_SEC), (unsigned long long)v->n_events,
        SLICE_FMT(v->event->process_name), (long long)v->event->pid, v->bucket_score);

    for (size_t i = 0; r >= 0 && i < v->n_influencers; i++)
        r = buffer_append_format(&said->text, " %s=%.*s,%a,%a", v->influencers[i].field,
                                 SLICE_FMT(v->influencers[i].value), v->influencers[i].probability,
                                 v->influencers[i].score);
    if (r >= 0)
        r = buffer_append_char(&said->text, '\n');
    said->n_alerts += v->reason == VERDICT_ALERT;
    return r;
}

static inline int said_provisional(void *userdata, const struct verdict *v)
{
    struct said *said = userdata;

    said->last = *v;
    said->n_provisional++;
    return said_add(said, v);
}

static inline int said_final(void *userdata, const struct verdict *v)
{
    struct said *said = userdata;

    said->last_final = *v;
    said->n_final++;
    return said_add(said, v);
}

static inline struct detector_callbacks said_callbacks(struct said *said)
{
    return (struct detector_callbacks){said_provisional, said_final, said};
}

static inline struct detector *new_rare_with_threshold(struct rare_options options, double threshold)
{
    struct detector *d = NULL;
    int r = detector_new(
        &rare_driver,
        &(struct detector_options){.job = "network", .threshold = threshold, .options = &options}, &d);

    cr_assert(r == 0, "detector_new: %d", r);
    return d;
}

static inline struct detector *new_rare(struct rare_options options)
{
    return new_rare_with_threshold(options, 25);
}

static inline void feed_event(struct detector *d, struct said *said, int64_t time_usec, const char *user,
                              const char *host, enum actor_kind kind, int64_t pid)
{
    const struct detector_callbacks callbacks = said_callbacks(said);
    struct event event = EVENT_INIT;
    int r;

    event.time_usec = time_usec;
    event.actor_kind = kind;
    event.process_name = SLICE("ss");
    event.pid = pid;
    r = detector_feed(d, &event, slice_from_string(user), slice_from_string(host), &callbacks);
    cr_assert(r == 0, "detector_feed: %d", r);
}

/* t in seconds from T0 */
static inline void feed(struct detector *d, struct said *said, double t, const char *user)
{
    feed_event(d, said, T0 + (int64_t)(t * (double)USEC_PER_SEC), user, "", ACTOR_PERSON, -1);
}

static inline void finish(struct detector *d, struct said *said)
{
    const struct detector_callbacks callbacks = said_callbacks(said);
    int r = detector_finish(d, &callbacks);

    cr_assert(r == 0, "detector_finish: %d", r);
}

static inline void said_done(struct said *said)
{
    buffer_done(&said->text);
}

/* A store: the last value of each key. */
struct state {
    struct change *changes;
    size_t n, n_put, n_deleted;
};

static inline struct slice state_copy(struct slice s)
{
    char *p;

    if (slice_is_absent(s))
        return SLICE_NULL;
    p = malloc(s.len + 1);
    cr_assert(p);
    memcpy(p, s.data, s.len);
    return slice_new(p, s.len);
}

static inline int state_put(void *userdata, const struct change *change)
{
    struct state *state = userdata;
    size_t i = 0;

    state->n_put++;
    while (i < state->n && !slice_equal(state->changes[i].key, change->key))
        i++;
    if (slice_is_absent(change->value)) {
        /* of users and populations: influencers come and go */
        state->n_deleted += !memmem(change->key.data, change->key.len, "/i", 2);
        if (i < state->n) {
            free((char *)state->changes[i].key.data);
            free((char *)state->changes[i].value.data);
            state->changes[i] = state->changes[--state->n];
        }
        return 0;
    }
    if (i == state->n) {
        state->changes = reallocarray(state->changes, state->n + 1, sizeof(*state->changes));
        cr_assert(state->changes);
        state->changes[state->n++] = (struct change){state_copy(change->key), SLICE_NULL};
    }
    free((char *)state->changes[i].value.data);
    state->changes[i].value = state_copy(change->value);
    return 0;
}

static inline void state_save(struct state *state, struct detector *d)
{
    int r = detector_changes(d, state_put, state);

    cr_assert(r == 0, "detector_changes: %d", r);
}

/* Every other one backwards, so that no order is the expected one. */
static inline void state_restore(const struct state *state, struct detector *d)
{
    for (size_t i = 0; i < state->n; i++) {
        const struct change *change = &state->changes[i % 2 ? i : state->n - 1 - (state->n % 2 ? i : i + 1)];
        int r = detector_restore(d, change);

        cr_assert(r == 0, "detector_restore: %d", r);
    }
}

static inline void state_done(struct state *state)
{
    for (size_t i = 0; i < state->n; i++) {
        free((char *)state->changes[i].key.data);
        free((char *)state->changes[i].value.data);
    }
    free(state->changes);
    *state = (struct state){0};
}

/* Numerical Recipes' quick generator: the same numbers everywhere. */
static inline uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

#endif
