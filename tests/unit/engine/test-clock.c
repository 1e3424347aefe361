/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The stream's time, of an engine set by hand: what the state has of it, damaged and not, and what pauses do.
 * The loop has had one turn, so its clocks stand still, and time passes where the test moves moments back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/loop.h"
#include "support.h"
#include "util/parse.h"

#define DELAY  (5 * USEC_PER_SEC)
#define STREAM (INT64_C(1767571200) * USEC_PER_SEC)
#define HOUR   USEC_PER_HOUR

struct fixture {
    char folder[64];
    struct store *store;
    struct engine engine;
    int64_t now, monotonic;
};

static void fixture_init(struct fixture *f)
{
    struct diag_list diags = DIAG_LIST_INIT;
    char path[96];

    *f = (struct fixture){.folder = "/tmp/hapax-clock.XXXXXX"};
    cr_assert(mkdtemp(f->folder));
    (void)snprintf(path, sizeof(path), "%s/db", f->folder);
    cr_assert_eq(store_open(path, DURABILITY_PROCESS, &diags, &f->store), 0);
    diag_list_done(&diags);
    f->engine.options = (struct engine_options){.store = f->store, .close_delay_usec = DELAY};
    cr_assert_eq(ledger_new(f->store, NULL, 0, &f->engine.ledger), 0);
    cr_assert_geq(sd_event_new(&f->engine.event), 0);
    cr_assert_geq(sd_event_run(f->engine.event, 0), 0);
    f->now = engine_now_usec(&f->engine);
    f->monotonic = engine_monotonic_usec(&f->engine);
}

static void fixture_done(struct fixture *f)
{
    char command[128];

    ledger_free(f->engine.ledger);
    store_close(f->store);
    sd_event_unref(f->engine.event);
    (void)snprintf(command, sizeof(command), "rm -rf %s", f->folder);
    cr_assert_eq(system(command), 0);
}

/* As engine_run begins, and nothing has come for so long. */
static void begin(struct fixture *f, int64_t silence)
{
    f->engine.stream_usec = f->engine.saved_usec = 0;
    f->engine.received_monotonic_usec = f->engine.event_monotonic_usec = f->monotonic;
    cr_assert_eq(clock_restore(&f->engine), 0);
    f->engine.received_monotonic_usec -= silence;
    f->engine.event_monotonic_usec -= silence;
}

static void put(struct fixture *f, const char *key, const char *value)
{
    const struct change change = {slice_from_string(key), slice_from_string(value)};

    cr_assert_eq(store_begin(f->store), 0);
    cr_assert_eq(store_put_change(f->store, &change), 0);
    cr_assert_eq(store_commit(f->store), 0);
}

Test(clock, a_start_goes_on_from_what_the_state_has_unless_it_is_damaged)
{
    static const struct {
        const char *name, *damaged; /* NULL: STREAM, and when it was seen */
        int64_t seen_before;        /* now */
        int64_t expected;           /* behind STREAM */
    } rows[] = {
        {"seen an hour ago", NULL, HOUR, HOUR},
        {"seen just now", NULL, 0, 0},
        {"the wall clock was set back since", NULL, -HOUR, 0},
        {.name = "nothing", .damaged = ""},
        {.name = "one number", .damaged = "1767571200000000"},
        {.name = "no second number", .damaged = "1767571200000000 "},
        {.name = "three numbers", .damaged = "1767571200000000 1767571200000000 1"},
        {.name = "no number", .damaged = "1767571200000000x 1767571200000000"},
        {.name = "before the epoch", .damaged = "-1 1767571200000000"},
        {.name = "seen before the epoch", .damaged = "1767571200000000 -1"},
        {.name = "a sum would be out of range", .damaged = "9223372036854775807 1767571200000000"},
        {.name = "out of range", .damaged = "9223372036854775808 1767571200000000"},
    };
    struct fixture f;

    fixture_init(&f);
    put(&f, "clocks", "1 1"); /* another's key */
    begin(&f, DELAY);
    cr_expect_eq(clock_stream_usec(&f.engine, f.now), f.now - DELAY, "a first start");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char value[96];
        bool is_damaged = rows[i].damaged != NULL;

        (void)snprintf(value, sizeof(value), "%lld %lld", (long long)STREAM,
                       (long long)(f.now - rows[i].seen_before));
        put(&f, "clock", is_damaged ? rows[i].damaged : value);
        begin(&f, DELAY - 1);
        cr_expect_eq(clock_stream_usec(&f.engine, f.now), (is_damaged ? 0 : STREAM) - DELAY,
                     "%s: no silence yet", rows[i].name);
        begin(&f, DELAY);
        cr_expect_eq(clock_stream_usec(&f.engine, f.now),
                     is_damaged ? f.now - DELAY : STREAM + rows[i].expected, "%s", rows[i].name);
    }
    fixture_done(&f);
}

static int take_value(void *userdata, const struct change *change)
{
    cr_assert_lt(change->value.len, 64);
    memcpy(userdata, change->value.data, change->value.len);
    ((char *)userdata)[change->value.len] = '\0';
    return 0;
}

Test(clock, the_state_has_it_once_a_minute_and_when_it_was_seen)
{
    static const struct {
        int64_t stream, written; /* behind STREAM */
    } rows[] = {
        {0, 0},
        {1, 0},
        {USEC_PER_MINUTE - 1, 0},
        {USEC_PER_MINUTE, USEC_PER_MINUTE},
        {2 * USEC_PER_MINUTE - 1, USEC_PER_MINUTE},
        {HOUR, HOUR},
    };
    struct fixture f;

    fixture_init(&f);
    f.engine.event_monotonic_usec = f.monotonic - 7;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char expected[64], value[64] = "";

        f.engine.stream_usec = STREAM + rows[i].stream;
        cr_assert_eq(clock_save(&f.engine), 0);
        ledger_submit(f.engine.ledger);
        cr_assert_eq(ledger_finish(f.engine.ledger), 0);
        cr_assert_eq(store_restore(f.store, SLICE("clock"), take_value, value), 0);
        (void)snprintf(expected, sizeof(expected), "%lld %lld", (long long)(STREAM + rows[i].written),
                       (long long)(f.now - 7));
        cr_expect_str_eq(value, expected, "%zu: %s", i, value);
    }
    fixture_done(&f);
}

/* So much passes while the loop's clocks stand still. */
static void pass(struct fixture *f, int64_t usec)
{
    f->engine.received_monotonic_usec -= usec;
    f->engine.event_monotonic_usec -= usec;
}

Test(clock, a_pause_does_not_count_and_what_passed_before_does)
{
    static const struct {
        const char *name;
        int64_t before, pause, after;
        bool has_event; /* at the beginning of the pause one comes that was read already */
        int64_t expected;
    } rows[] = {
        {"none has passed", 0, HOUR, DELAY, false, 0},
        {"an hour before", HOUR, 2 * HOUR, DELAY, false, HOUR},
        {"an hour before and one behind it", HOUR, 2 * HOUR, HOUR, false, 2 * HOUR - DELAY},
        {"no silence yet behind it", HOUR, 2 * HOUR, DELAY - 1, false, -DELAY},
        {"an event meanwhile", HOUR, 2 * HOUR, DELAY, true, 0},
    };
    struct fixture f;

    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        f.engine.stream_usec = STREAM;
        f.engine.received_monotonic_usec = f.engine.event_monotonic_usec = f.monotonic;
        pass(&f, rows[i].before);
        f.engine.pressure.reasons = PAUSE_OUTBOX;
        clock_pause(&f.engine, true);
        if (rows[i].has_event)
            f.engine.event_monotonic_usec = f.engine.received_monotonic_usec;
        pass(&f, rows[i].pause);
        cr_expect_eq(clock_stream_usec(&f.engine, f.now), STREAM - DELAY, "%s: paused", rows[i].name);
        f.engine.pressure.reasons = 0;
        clock_pause(&f.engine, false);
        pass(&f, rows[i].after);
        cr_expect_eq(clock_stream_usec(&f.engine, f.now), STREAM + rows[i].expected, "%s", rows[i].name);
        cr_expect_eq(clock_wait_usec(&f.engine, STREAM + HOUR, f.now) <= 0, rows[i].expected >= HOUR,
                     "%s: the deadline an hour on", rows[i].name);
    }
    fixture_done(&f);
}
