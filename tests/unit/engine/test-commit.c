/* SPDX-License-Identifier: Apache-2.0 */

/*
 * When a source is told, in the running engine: a source of the test's own notes what it handed over (r1) and
 * what was acknowledged (a1), and looks at each acknowledgement whether everything before it is in the store.
 * The disk is made slow by a lock on the database, which another connection holds until the test lets go.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/engine.h"
#include "sink/driver.h"
#include "source/driver.h"
#include "source/turn.h"
#include "support.h"
#include "util/parse.h"

struct row {
    const char *name;
    bool is_lock_step;
    int64_t interval_usec;
    /* q: a record that changes nothing, S: one that a job selects, w: wait for 50 ms of turns, l and u: lock
     * and unlock the database, .: wait until all is acknowledged */
    const char *script;
    const char *expected;
};

static const struct row *row;
static struct store *store;
static sqlite3 *locker;
static char said[256];
static unsigned n_turns_locked; /* turns of the loop while the database was locked */

struct scripted {
    struct source base;
    sd_event_source *turn;
    size_t at;
    int64_t waits_until_usec;
    unsigned n_turns;
    bool is_locked;
};

static void say(const char *what, uint64_t n)
{
    size_t len = strlen(said);

    (void)snprintf(said + len, sizeof(said) - len, "%s%s%.0llu", len > 0 ? " " : "", what,
                   (unsigned long long)n);
}

static int64_t monotonic_usec(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

static int emit(struct scripted *s, bool is_selected)
{
    char line[256];
    struct record record = {.kind = RECORD_LINE, .trust = TRUST_INPUT};

    /* a host of its own, so that each has a row of history */
    (void)snprintf(
        line, sizeof(line),
        "{\"@timestamp\":\"2026-01-05T00:04:59.919Z\",\"host\":{\"name\":\"h%llu\"},"
        "\"event\":{\"category\":[\"process\"],\"type\":[\"start\"]},\"user\":{\"name\":\"alice\"},"
        "\"process\":{\"name\":\"%s\",\"executable\":\"/usr/bin/x\"}}",
        (unsigned long long)s->base.last_seq + 1, is_selected ? "ss" : "ls");
    record.bytes = slice_from_string(line);
    say("r", s->base.last_seq + 1);
    return source_emit(&s->base, &record);
}

static int lock_database(struct scripted *s, bool is_locked)
{
    s->is_locked = is_locked;
    return sqlite3_exec(locker, is_locked ? "BEGIN IMMEDIATE" : "COMMIT", NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : -EIO;
}

static int step(struct scripted *s)
{
    switch (row->script[s->at]) {
    case 'q':
    case 'S':
        if (row->is_lock_step && s->base.acked_seq < s->base.last_seq)
            return 0;
        return emit(s, row->script[s->at++] == 'S');
    case 'w':
        if (s->waits_until_usec == 0)
            s->waits_until_usec = monotonic_usec() + 50000;
        if (monotonic_usec() < s->waits_until_usec || s->n_turns++ < 100)
            return 0;
        s->waits_until_usec = 0;
        s->n_turns = 0;
        s->at++;
        return 0;
    case 'l':
    case 'u':
        return lock_database(s, row->script[s->at++] == 'l');
    case '.':
        s->at += s->base.acked_seq == s->base.last_seq;
        return 0;
    default:
        say("end", 0);
        source_end(&s->base, 0, NULL);
        return sd_event_source_set_enabled(s->turn, SD_EVENT_OFF);
    }
}

static int on_turn(sd_event_source *turn, int fd, uint32_t revents, void *userdata)
{
    struct scripted *s = userdata;

    (void)fd;
    (void)revents;
    n_turns_locked += s->is_locked;
    return step(s) < 0 ? sd_event_exit(sd_event_source_get_event(turn), -1) : 0;
}

static int scripted_start(struct source *source, sd_event *event, struct slice cursor,
                          struct diag_list *diags)
{
    struct scripted *s = (struct scripted *)source;
    int r = turn_new(event, on_turn, s, &s->turn);

    (void)cursor;
    (void)diags;
    return r < 0 ? r : sd_event_source_set_enabled(s->turn, SD_EVENT_ON);
}

static int count_row(void *userdata, const struct history_row *history)
{
    (void)history;
    ++*(size_t *)userdata;
    return 0;
}

static int scripted_acknowledge(struct source *source, uint64_t seq)
{
    size_t n_durable = 0, n_expected = 0;
    uint64_t n_records = 0;

    (void)source;
    for (const char *c = row->script; *c && n_records < seq; c++) {
        n_records += *c == 'q' || *c == 'S';
        n_expected += *c == 'S';
    }
    cr_assert_eq(store_walk_history(store, INT64_MIN, SLICE_NULL, count_row, &n_durable), 0);
    cr_assert_geq(n_durable, n_expected, "%s: %llu was acknowledged before it was durable", row->name,
                  (unsigned long long)seq);
    say("a", seq);
    return 0;
}

static int scripted_pause(struct source *source, bool is_paused)
{
    (void)source;
    say(is_paused ? "pause" : "go", 0);
    return 0;
}

static unsigned scripted_capabilities(const struct source *source)
{
    (void)source;
    return row->is_lock_step ? SOURCE_LOCK_STEP | SOURCE_ENDS : SOURCE_ENDS;
}

static void scripted_done(struct source *source)
{
    (void)sd_event_source_disable_unref(((struct scripted *)source)->turn);
}

static const struct option_table no_options = {NULL, 0, 1};
static const struct source_driver scripted_driver = {
    .name = "scripted",
    .summary = "does what the test says",
    .options = &no_options,
    .struct_size = sizeof(struct scripted),
    .capabilities = SOURCE_LOCK_STEP | SOURCE_ENDS,
    .get_capabilities = scripted_capabilities,
    .start = scripted_start,
    .acknowledge = scripted_acknowledge,
    .pause = scripted_pause,
    .done = scripted_done,
};

static char *names[] = {(char *)"ss"};
static struct job jobs[] = {{.id = (char *)"a",
                             .name = (char *)"A",
                             .process_names = names,
                             .n_process_names = 1,
                             .detector = (char *)"rare",
                             .threshold = 25}};

static void run_engine(void)
{
    static const struct outbox_sink sinks[] = {{&null_sink, "null", NULL}};
    const struct engine_source_options sources[] = {
        {.driver = &scripted_driver, .name = "scripted", .normalizer = {.format = FORMAT_JSON}}};
    const struct job_set set = {jobs, 1};
    _cleanup_(engine_freep) struct engine *engine = NULL;
    struct diag_list diags = DIAG_LIST_INIT;
    struct config *config = NULL;
    struct engine_options options = {
        .sources = sources,
        .n_sources = 1,
        .sinks = sinks,
        .n_sinks = 1,
        .store = store,
        .commit_interval_usec = row->interval_usec,
        .close_delay_usec = 3600 * USEC_PER_SEC,
        .outbox_limit_bytes = 1 << 20,
        .outbox_limit_alerts = 100,
        .outbox_warn_age_usec = 3600 * USEC_PER_SEC,
        .history_keep_usec = INT64_C(3650) * 86400 * USEC_PER_SEC,
        .history_limit_bytes = 1 << 30,
    };

    cr_assert_eq(config_new(&config), 0);
    options.chain = (struct chain_options){.jobs = &set, .config = config, .observer = {.version = "test"}};
    cr_assert_eq(engine_new(&options, &diags, &engine), 0, "%s: %s", row->name,
                 diags.n > 0 ? diags.items[0].message : "");
    cr_assert_eq(engine_run(engine, &diags), 0, "%s", row->name);
    engine_free(TAKE_PTR(engine));
    config_free(config);
    diag_list_done(&diags);
}

Test(commit, tells_a_source_in_order_and_only_of_what_is_durable)
{
    static const struct row rows[] = {
        {"what changes nothing is acknowledged at once", false, 60 * USEC_PER_SEC, "qqq",
         "r1 a1 r2 a2 r3 a3 end"},
        {"a change waits for its commit, and what is behind it waits with it", false, 60 * USEC_PER_SEC,
         "qSqSq", "r1 a1 r2 r3 r4 r5 end a5"},
        {"and goes with the interval", false, 1000, "qSq.", "r1 a1 r2 r3 a3 end"},
        {"a lock-step source waits for no interval", true, 60 * USEC_PER_SEC, "SqSS.",
         "r1 a1 r2 a2 r3 a3 r4 a4 end"},
        {"a slow disk stops no record, and what came meanwhile needs another commit", false, 1000,
         "lSwqSqu.q", "r1 r2 r3 r4 a2 a4 r5 a5 end"},
        {"what changes nothing goes with what it waited for", false, 1000, "lSwqqu.", "r1 r2 r3 a3 end"},
        {"a lock-step source waits for a slow disk", true, 60 * USEC_PER_SEC, "lSwuq.", "r1 a1 r2 a2 end"},
        {"and for one that was quick before", true, 60 * USEC_PER_SEC, "SqlSwuqS.",
         "r1 a1 r2 a2 r3 a3 r4 a4 r5 a5 end"},
    };
    char folder[] = "/tmp/hapax-commit.XXXXXX", path[96], command[96];

    cr_assert(mkdtemp(folder));
    (void)setenv("TZ", "UTC", 1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;

        row = &rows[i];
        said[0] = '\0';
        n_turns_locked = 0;
        (void)snprintf(path, sizeof(path), "%s/%zu.db", folder, i);
        cr_assert_eq(store_open(path, DURABILITY_PROCESS, &diags, &store), 0);
        cr_assert_eq(sqlite3_open(path, &locker), SQLITE_OK);
        run_engine();
        cr_assert_str_eq(said, row->expected, "%s: '%s', expected '%s'", row->name, said, row->expected);
        if (strchr(row->script, 'l'))
            cr_assert_geq(n_turns_locked, 100, "%s: the loop stood still", row->name);
        cr_assert_eq(sqlite3_close(locker), SQLITE_OK);
        store_close(store);
        diag_list_done(&diags);
    }
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}
