/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The outbox between a real store and a sink that the test can make busy: order, pressure, confirmation,
 * another start. The sink is the test's own, since being busy is the fault to be injected.
 */
#include "engine/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sink/driver.h"
#include "support.h"

struct stubborn {
    struct sink sink; /* first: the wrapper allocates it */
};

static int n_accepted_at_most; /* further writes say -EAGAIN */
static char written[64];       /* first letters of the ids, in order */
static uint64_t tickets[64];

static int stubborn_start(struct sink *sink, sd_event *event, struct diag_list *diags)
{
    (void)sink;
    (void)event;
    (void)diags;
    return 0;
}

static int stubborn_write(struct sink *sink, const struct document *document, uint64_t ticket)
{
    size_t n = strlen(written);

    (void)sink;
    if (n_accepted_at_most-- <= 0)
        return -EAGAIN;
    written[n] = document->id.data[0];
    tickets[n] = ticket;
    return 0;
}

static int64_t n_allowed_usec; /* of the last flush */

/* Takes all the time there is. */
static int stubborn_flush(struct sink *sink, int64_t timeout_usec)
{
    struct timespec now;
    int64_t end_usec;

    (void)sink;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    end_usec = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + timeout_usec;
    n_allowed_usec = timeout_usec;
    do
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    while ((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 < end_usec);
    return -ETIMEDOUT;
}

static void stubborn_done(struct sink *sink)
{
    (void)sink;
}

static const struct option_table no_options = {NULL, 0, 1};
static const struct sink_driver stubborn_driver = {
    .name = "stubborn",
    .summary = "takes as much as the test says",
    .options = &no_options,
    .struct_size = sizeof(struct stubborn),
    .start = stubborn_start,
    .write = stubborn_write,
    .flush = stubborn_flush,
    .done = stubborn_done,
};

static const char *const names[] = {"stubborn"};
static const struct outbox_sink sinks[] = {{&stubborn_driver, "stubborn", NULL}};

struct fixture {
    char directory[64], path[96];
    struct store *store;
    struct ledger *ledger;
    struct outbox *outbox;
    int n_wakes;
};

static void on_wake(void *userdata)
{
    ((struct fixture *)userdata)->n_wakes++;
}

static void fixture_open(struct fixture *f)
{
    struct diag_list diags = DIAG_LIST_INIT;

    memset(written, 0, sizeof(written));
    cr_assert_geq(store_open(f->path, DURABILITY_PROCESS, &diags, &f->store), 0);
    cr_assert_eq(ledger_new(f->store, names, 1, &f->ledger), 0);
    cr_assert_eq(outbox_new(&(struct outbox_options){sinks, 1, f->store, f->ledger, on_wake, f}, &f->outbox),
                 0);
    cr_assert_eq(outbox_start(f->outbox, NULL, &diags), 0);
}

static void fixture_close(struct fixture *f)
{
    outbox_free(f->outbox);
    ledger_free(f->ledger);
    store_close(f->store);
}

static void commit(struct fixture *f, const char *ids)
{
    for (; *ids; ids++) {
        struct document document = {SLICE("{}"), slice_new(ids, 1), SLICE("key"), SLICE("message"), 21};

        cr_assert_eq(ledger_put_document(f->ledger, &document, 1000), 0);
    }
    cr_assert_eq(ledger_commit(f->ledger), 0);
}

static uint64_t n_left(struct fixture *f)
{
    uint64_t n, bytes;

    cr_assert_eq(store_count_outbox(f->store, &n, &bytes), 0);
    return n;
}

static int check_letter(void *userdata, const struct dead_letter *letter)
{
    cr_assert(slice_equal_string(letter->id, "a") && slice_equal_string(letter->reason, "too large"));
    cr_assert(slice_equal_string(letter->sink, "stubborn") && slice_equal_string(letter->bytes, "{}"));
    ++*(int *)userdata;
    return 0;
}

Test(outbox, hands_over_in_order_stops_at_a_busy_sink_and_sends_again_what_was_not_confirmed)
{
    struct fixture f = {.directory = "/tmp/hapax-outbox.XXXXXX"};
    char command[128];
    int n_letters = 0;

    cr_assert(mkdtemp(f.directory));
    (void)snprintf(f.path, sizeof(f.path), "%s/db", f.directory);
    fixture_open(&f);
    commit(&f, "abcd");

    n_accepted_at_most = 2;
    cr_assert_eq(outbox_deliver(f.outbox), 0);
    cr_assert_str_eq(written, "ab", "the busy sink gets no more");
    n_accepted_at_most = 9;
    cr_assert_eq(outbox_deliver(f.outbox), 0);
    cr_assert_str_eq(written, "abcd", "and goes on where it stopped, without a repetition");
    cr_assert_eq(outbox_deliver(f.outbox), 0);
    cr_assert_str_eq(written, "abcd", "what was handed over waits for its confirmation");

    cr_assert_eq(n_left(&f), 4);
    sink_confirm((struct sink *)outbox_sink(f.outbox, 0), tickets[2], 0, NULL); /* c, out of order */
    sink_confirm((struct sink *)outbox_sink(f.outbox, 0), tickets[0], -EMSGSIZE, "too large"); /* a, never */
    cr_assert_eq(f.n_wakes, 2);
    cr_assert_eq(n_left(&f), 4, "the rows go with the next commit");
    cr_assert_eq(ledger_commit(f.ledger), 0);
    cr_assert_eq(n_left(&f), 2);
    cr_assert_eq(store_walk_dead_letters(f.store, check_letter, &n_letters), 0);
    cr_assert_eq(n_letters, 1, "what the sink refused is kept");

    fixture_close(&f);
    fixture_open(&f);
    n_accepted_at_most = 9;
    cr_assert_eq(outbox_deliver(f.outbox), 0);
    cr_assert_str_eq(written, "bd", "another start sends what was not confirmed, and nothing else");
    fixture_close(&f);
    (void)snprintf(command, sizeof(command), "rm -r %s", f.directory);
    cr_assert_eq(system(command), 0);
}

Test(outbox, a_stop_takes_its_time_once_however_many_sinks_are_stuck)
{
    static const struct outbox_sink three[] = {
        {&stubborn_driver, "one", NULL}, {&stubborn_driver, "two", NULL}, {&stubborn_driver, "three", NULL}};
    struct outbox_options options = {.sinks = three, .n_sinks = ARRAY_SIZE(three)};
    _cleanup_(outbox_freep) struct outbox *outbox = NULL;

    cr_assert_eq(outbox_new(&options, &outbox), 0);
    cr_assert_eq(outbox_start(outbox, NULL, NULL), 0);
    cr_assert_eq(outbox_flush(outbox, 2000), -ETIMEDOUT);
    cr_assert_eq(n_allowed_usec, 0, "the first had it all");
}
