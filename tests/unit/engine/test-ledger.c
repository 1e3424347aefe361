/* SPDX-License-Identifier: Apache-2.0 */

/* The ledger against a real store in a folder of its own: all of it or nothing, and nothing forgotten by a
 * failure. */
#include "engine/ledger.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support.h"

struct fixture {
    char directory[64];
    char path[96];
    struct store *store;
    struct ledger *ledger;
};

static const char *const sinks[] = {"one", "two"};

static void fixture_open(struct fixture *f)
{
    struct diag_list diags = DIAG_LIST_INIT;

    cr_assert_geq(store_open(f->path, DURABILITY_PROCESS, &diags, &f->store), 0, "%s",
                  diags.n > 0 ? diags.items[0].message : "");
    cr_assert_eq(ledger_new(f->store, sinks, 2, &f->ledger), 0);
    diag_list_done(&diags);
}

static void fixture_close(struct fixture *f)
{
    ledger_free(f->ledger);
    store_close(f->store);
}

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.directory = "/tmp/hapax-ledger.XXXXXX"};
    cr_assert(mkdtemp(f->directory));
    (void)snprintf(f->path, sizeof(f->path), "%s/db", f->directory);
    fixture_open(f);
}

static void fixture_done(struct fixture *f)
{
    char command[128];

    fixture_close(f);
    (void)snprintf(command, sizeof(command), "rm -rf %s", f->directory);
    cr_assert_eq(system(command), 0);
}

static int count_change(void *userdata, const struct change *change)
{
    cr_assert(slice_equal_string(change->value, "value"));
    ++*(int *)userdata;
    return 0;
}

static int count_document(void *userdata, uint64_t ticket, const struct document *document)
{
    cr_assert(slice_equal_string(document->bytes, "{}"));
    cr_assert_gt(ticket, 0);
    ++*(int *)userdata;
    return 0;
}

static int n_changes(struct fixture *f)
{
    int n = 0;

    cr_assert_eq(store_restore(f->store, SLICE(""), count_change, &n), 0);
    return n;
}

static int n_documents(struct fixture *f, const char *sink)
{
    int n = 0;

    cr_assert_eq(store_walk_outbox(f->store, sink, 0, count_document, &n), 0);
    return n;
}

static void put_all(struct fixture *f)
{
    struct change change = {SLICE("rare/job/x"), SLICE("value")};
    struct document document = {SLICE("{}"), SLICE("id"), SLICE("key"), SLICE("message"), 21};

    cr_assert_eq(ledger_put_change(f->ledger, &change), 0);
    cr_assert_eq(ledger_put_document(f->ledger, &document, 1000), 0);
    cr_assert_eq(ledger_put_place(f->ledger, "source", SLICE("cursor"), SLICE("pending")), 0);
    cr_assert_eq(ledger_n_documents(f->ledger), 1);
    cr_assert(!ledger_is_empty(f->ledger));
}

Test(ledger, writes_everything_in_one_commit_and_a_document_for_each_sink)
{
    _cleanup_(freep) char *cursor = NULL, *pending = NULL;
    struct fixture f;
    size_t len;

    fixture_init(&f);
    put_all(&f);
    cr_assert_eq(n_changes(&f), 0, "nothing is written before the commit");
    cr_assert_eq(ledger_commit(f.ledger), 0);
    cr_assert(ledger_is_empty(f.ledger));
    fixture_close(&f);
    fixture_open(&f);
    cr_assert_eq(n_changes(&f), 1);
    cr_assert_eq(n_documents(&f, "one"), 1);
    cr_assert_eq(n_documents(&f, "two"), 1);
    cr_assert_eq(store_get_cursor(f.store, "source", &cursor, &len), 0);
    cr_assert(slice_equal_string(slice_new(cursor, len), "cursor"));
    cr_assert_eq(store_get_pending(f.store, "source", &pending, &len), 0);
    cr_assert(slice_equal_string(slice_new(pending, len), "pending"));
    fixture_done(&f);
}

/* No byte more into any file of this process, as on a full disk. */
static void set_disk_full(bool is_full)
{
    struct rlimit limit;

    (void)signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = is_full ? 1 : limit.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(ledger, keeps_everything_when_a_commit_fails)
{
    struct fixture f;
    int r;

    fixture_init(&f);
    put_all(&f);
    set_disk_full(true);
    r = ledger_commit(f.ledger);
    set_disk_full(false);
    cr_assert_lt(r, 0);
    cr_assert(ledger_has_failed(f.ledger));
    cr_assert_eq(n_changes(&f), 0);
    cr_assert_eq(ledger_commit(f.ledger), 0, "the second try writes it");
    cr_assert_eq(n_changes(&f), 1);
    cr_assert_eq(n_documents(&f, "one"), 1);
    fixture_done(&f);
}

static int first_ticket(void *userdata, uint64_t ticket, const struct document *document)
{
    (void)document;
    *(uint64_t *)userdata = ticket;
    return 1;
}

Test(ledger, removes_what_was_delivered_and_keeps_a_place_that_was_not_named)
{
    _cleanup_(freep) char *cursor = NULL, *pending = NULL;
    uint64_t ticket = 0;
    struct fixture f;
    size_t len;

    fixture_init(&f);
    put_all(&f);
    cr_assert_eq(ledger_commit(f.ledger), 0);
    cr_assert_eq(store_walk_outbox(f.store, "one", 0, first_ticket, &ticket), 1, "a walk can be stopped");
    cr_assert_eq(ledger_put_done(f.ledger, ticket), 0);
    cr_assert_eq(ledger_put_place(f.ledger, "source", SLICE_NULL, SLICE("")), 0);
    cr_assert_eq(ledger_commit(f.ledger), 0);
    cr_assert_eq(n_documents(&f, "one"), 0);
    cr_assert_eq(n_documents(&f, "two"), 1);
    cr_assert_eq(store_get_cursor(f.store, "source", &cursor, &len), 0);
    cr_assert(slice_equal_string(slice_new(cursor, len), "cursor"));
    cr_assert_eq(store_get_pending(f.store, "source", &pending, &len), 0);
    cr_assert_eq(len, 0, "an empty value deletes");
    fixture_done(&f);
}

static int count_letter(void *userdata, const struct dead_letter *letter)
{
    cr_assert(slice_equal_string(letter->reason, "too large") && letter->time_usec == 5);
    ++*(int *)userdata;
    return 0;
}

static int count_row(void *userdata, const struct history_row *row)
{
    cr_assert(slice_equal_string(row->user, "alice") && row->n_events == 7 && row->bucket_usec == 900);
    cr_assert(row->has_final_score && row->final_score == 4.5 && row->score == 2.5);
    cr_assert(slice_equal_string(row->alert, "id1") && slice_is_absent(row->exception));
    ++*(int *)userdata;
    return 0;
}

Test(ledger, collects_while_the_thread_writes_and_tries_a_failed_one_again_first)
{
    const struct history_row row = {.bucket_usec = 900,
                                    .user = SLICE("alice"),
                                    .process = SLICE("ss"),
                                    .alert = SLICE("id1"),
                                    .score = 2.5,
                                    .final_score = 4.5,
                                    .n_events = 7};
    uint64_t ticket = 0;
    int n_letters = 0, n_rows = 0;
    struct fixture f;

    fixture_init(&f);
    put_all(&f);
    ledger_submit(f.ledger);
    cr_assert(ledger_is_busy(f.ledger));
    cr_assert(ledger_is_empty(f.ledger), "what is collected now is another transaction");
    cr_assert_eq(ledger_put_history(f.ledger, &row, false), 0);
    cr_assert_eq(ledger_put_history(f.ledger, &row, true), 0);
    cr_assert_eq(ledger_finish(f.ledger), 0);
    cr_assert_eq(ledger_n_written(f.ledger), 1);
    cr_assert_eq(n_documents(&f, "one"), 1);
    cr_assert_eq(store_walk_history(f.store, INT64_MIN, SLICE_NULL, count_row, &n_rows), 0);
    cr_assert_eq(n_rows, 0);

    set_disk_full(true);
    ledger_submit(f.ledger);
    cr_assert_eq(store_walk_outbox(f.store, "one", 0, first_ticket, &ticket), 1);
    cr_assert_eq(ledger_put_refused(f.ledger, ticket, "too large", 5), 0);
    cr_assert_lt(ledger_finish(f.ledger), 0);
    cr_assert(ledger_has_failed(f.ledger) && !ledger_is_busy(f.ledger));
    set_disk_full(false);
    ledger_submit(f.ledger);
    cr_assert_eq(ledger_finish(f.ledger), 0);
    cr_assert(!ledger_has_failed(f.ledger));
    cr_assert_eq(store_walk_history(f.store, INT64_MIN, SLICE_NULL, count_row, &n_rows), 0);
    cr_assert_eq(n_rows, 1, "the failed one is written");
    cr_assert_eq(n_documents(&f, "one"), 1, "and nothing that came behind it");
    ledger_submit(f.ledger);
    cr_assert_eq(ledger_finish(f.ledger), 0);
    cr_assert_eq(n_documents(&f, "one"), 0);
    cr_assert_eq(n_documents(&f, "two"), 1);
    cr_assert_eq(store_walk_dead_letters(f.store, count_letter, &n_letters), 0);
    cr_assert_eq(n_letters, 1);
    fixture_done(&f);
}

Test(ledger, prunes_history_a_step_with_each_transaction)
{
    struct history_row row = {.user = SLICE("alice"), .process = SLICE("ss")};
    struct fixture f;

    fixture_init(&f);
    for (int i = 0; i < 1000; i++) {
        row.bucket_usec = i;
        cr_assert_eq(ledger_put_history(f.ledger, &row, false), 0);
    }
    cr_assert_eq(ledger_commit(f.ledger), 0);
    cr_assert_eq(ledger_n_pruned(f.ledger), 0, "no limit is set");
    ledger_set_history_limits(f.ledger, 900, UINT64_MAX);
    for (uint64_t n = 256; n <= 768; n += 256) {
        ledger_submit(f.ledger);
        cr_assert_eq(ledger_finish(f.ledger), 0);
        cr_assert_eq(ledger_n_pruned(f.ledger), n);
        cr_assert(ledger_has_more_to_prune(f.ledger) && !ledger_is_quick(f.ledger));
    }
    ledger_submit(f.ledger);
    cr_assert_eq(ledger_finish(f.ledger), 0);
    cr_assert_eq(ledger_n_pruned(f.ledger), 900);
    cr_assert(!ledger_has_more_to_prune(f.ledger) && ledger_is_quick(f.ledger));
    /* twice what it adds */
    for (int i = 1000; i < 2000; i++) {
        row.bucket_usec = i;
        cr_assert_eq(ledger_put_history(f.ledger, &row, false), 0);
    }
    ledger_set_history_limits(f.ledger, 1990, UINT64_MAX);
    cr_assert_eq(ledger_commit(f.ledger), 0);
    cr_assert_eq(ledger_n_pruned(f.ledger), 1990);
    fixture_done(&f);
}

Test(ledger, executes_within_the_call_what_waits_for_no_disk)
{
    struct change change = {SLICE("rare/job/y"), SLICE_NULL};
    static const char large[70000];
    struct fixture f;

    fixture_init(&f);
    put_all(&f);
    cr_assert(ledger_is_quick(f.ledger));
    set_disk_full(true);
    cr_assert_lt(ledger_execute(f.ledger), 0);
    cr_assert(ledger_has_failed(f.ledger) && !ledger_is_quick(f.ledger), "it is tried again by the thread");
    set_disk_full(false);
    cr_assert_eq(ledger_commit(f.ledger), 0);
    cr_assert_eq(n_changes(&f), 1);
    put_all(&f);
    cr_assert_eq(ledger_execute(f.ledger), 0);
    cr_assert(ledger_is_empty(f.ledger) && !ledger_is_busy(f.ledger));
    cr_assert_eq(ledger_n_written(f.ledger), 1);
    change.value = slice_new(large, sizeof(large));
    cr_assert_eq(ledger_put_change(f.ledger, &change), 0);
    cr_assert(!ledger_is_quick(f.ledger), "so much takes a while");
    fixture_done(&f);
}
