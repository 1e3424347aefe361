/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The ledger makes "a record is acknowledged only when everything it changed is durable" a matter of one
 * function: the engine puts things in while it works, and acknowledges behind a transaction that ended well.
 *
 * Two batches. One is collected by the loop, the other is executed by the store thread; to submit is to
 * exchange them. So they share nothing but the moment of exchange, and the thread reads bytes that nobody
 * changes. While one is executed no other can start: order is kept without a queue, and a slow disk makes
 * transactions larger, not more.
 *
 * Where somebody waits for each answer there is little for the loop to do meanwhile, and a transaction that
 * only reaches the page cache (durability: process) takes less time than the way to the thread and back
 * (measured 2026-11, see ledger_execute). So such a one is executed by the loop itself, while the thread
 * idles; a sync, a copy of the log and much to prune, whose pages nobody has looked at for long, stay the
 * thread's.
 *
 * Detectors hand a change over once and forget that it changed, so a batch keeps its changes as bytes until a
 * transaction with them has succeeded; a full disk costs time, never a change. What is collected meanwhile is
 * bounded by the engine, which pauses its sources by ledger_n_bytes.
 *
 * History is pruned within the same transactions, at least twice as many rows as the batch adds: it cannot
 * outrun its pruning, and a transaction stays proportional to what was collected for it.
 */
#include "engine/ledger.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/thread.h"

/* chosen: some milliseconds of deleting (measured 2026-11: 18 us a row of a large history), five times a
 * second */
#define PRUNE_ROWS_MIN 256U
/* chosen: some hundred rows, some milliseconds */
#define QUICK_BYTES_MAX ((size_t)64 << 10)

struct place {
    char *source;
    struct buffer cursor, pending;
    bool has_cursor, has_pending;
};

struct batch {
    struct buffer changes;   /* (key, value) fields */
    struct buffer documents; /* (bytes, id, key, message) fields, a u32 severity and a u64 time */
    size_t n_documents;
    struct buffer history; /* see ledger_put_history */
    size_t n_history;
    struct buffer done;    /* u64 tickets */
    struct buffer refused; /* u64 ticket, u64 time, reason field */
    struct place *places;
    size_t n_places;
    bool has_place; /* some place was put since the last commit */
    int64_t prune_before_usec;
    uint64_t prune_limit_bytes;
    uint64_t n_pruned; /* by this transaction */
    bool has_more_to_prune;
};

struct ledger {
    struct store *store;
    const char *const *sinks;
    size_t n_sinks;
    struct store_thread *thread;
    struct batch batches[2];
    struct batch *collected, *executed;
    bool has_failed; /* what is executed waits for another try */
    size_t n_written;
    uint64_t n_pruned;
    int64_t prune_before_usec;
    uint64_t prune_limit_bytes;
};

static void batch_clear(struct batch *batch)
{
    buffer_clear(&batch->changes);
    buffer_clear(&batch->documents);
    buffer_clear(&batch->history);
    buffer_clear(&batch->done);
    buffer_clear(&batch->refused);
    batch->n_documents = batch->n_history = 0;
    batch->has_place = false;
    for (size_t i = 0; i < batch->n_places; i++)
        batch->places[i].has_cursor = batch->places[i].has_pending = false;
}

static void batch_done(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_places; i++) {
        free(batch->places[i].source);
        buffer_done(&batch->places[i].cursor);
        buffer_done(&batch->places[i].pending);
    }
    free(batch->places);
    buffer_done(&batch->changes);
    buffer_done(&batch->documents);
    buffer_done(&batch->history);
    buffer_done(&batch->done);
    buffer_done(&batch->refused);
}

struct ledger *ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return NULL;
    store_thread_free(ledger->thread);
    for (size_t i = 0; i < ARRAY_SIZE(ledger->batches); i++)
        batch_done(&ledger->batches[i]);
    free(ledger);
    return NULL;
}

/* Appends all of the fields or none. */
static int append_fields(struct buffer *b, const struct slice *fields, size_t n)
{
    size_t start = b->len;

    for (size_t i = 0; i < n; i++) {
        int r = buffer_append_field(b, fields[i]);

        if (r < 0) {
            b->len = start;
            return r;
        }
    }
    return 0;
}

int ledger_put_change(struct ledger *ledger, const struct change *change)
{
    return append_fields(&ledger->collected->changes, (struct slice[]){change->key, change->value}, 2);
}

int ledger_put_document(struct ledger *ledger, const struct document *document, int64_t made_usec)
{
    struct buffer *b = &ledger->collected->documents;
    size_t start = b->len;
    int r = append_fields(
        b, (struct slice[]){document->bytes, document->id, document->key, document->message}, 4);

    if (r >= 0)
        r = buffer_append_u32(b, (uint32_t)document->severity);
    if (r >= 0)
        r = buffer_append_u64(b, (uint64_t)made_usec);
    if (r < 0)
        b->len = start;
    else
        ledger->collected->n_documents++;
    return r;
}

int ledger_put_done(struct ledger *ledger, uint64_t ticket)
{
    return buffer_append_u64(&ledger->collected->done, ticket);
}

int ledger_put_refused(struct ledger *ledger, uint64_t ticket, const char *reason, int64_t time_usec)
{
    struct buffer *b = &ledger->collected->refused;
    size_t start = b->len;
    int r = buffer_append_u64(b, ticket);

    if (r >= 0)
        r = buffer_append_u64(b, (uint64_t)time_usec);
    if (r >= 0)
        r = buffer_append_field(b, slice_from_string(reason));
    if (r < 0)
        b->len = start;
    return r;
}

/* The parts of a row by kind, so that writing and reading cannot disagree about their order. */
enum { N_ROW_FIELDS = 11, N_ROW_INTEGERS = 6, N_ROW_NUMBERS = 4 };

int ledger_put_history(struct ledger *ledger, const struct history_row *row, bool is_final)
{
    const struct slice fields[N_ROW_FIELDS] = {
        row->job,       row->partition,    row->user,   row->host,  row->process,  row->detector,
        row->effective, row->command_line, row->reason, row->alert, row->exception};
    const int64_t integers[N_ROW_INTEGERS] = {row->bucket_usec,     row->first_usec,
                                              row->last_usec,       (int64_t)row->n_events,
                                              row->first_seen_usec, row->previous_seen_usec};
    const double numbers[N_ROW_NUMBERS] = {row->score, row->final_score, row->probability, row->user_weight};
    struct buffer *b = &ledger->collected->history;
    size_t start = b->len;
    uint32_t flags = (is_final ? 1U : 0U) | (row->has_probability ? 2U : 0U);
    int r = append_fields(b, fields, N_ROW_FIELDS);

    for (size_t i = 0; r >= 0 && i < N_ROW_INTEGERS; i++)
        r = buffer_append_u64(b, (uint64_t)integers[i]);
    for (size_t i = 0; r >= 0 && i < N_ROW_NUMBERS; i++)
        r = buffer_append_double(b, numbers[i]);
    if (r >= 0)
        r = buffer_append_u32(b, flags);
    if (r < 0)
        b->len = start;
    else
        ledger->collected->n_history++;
    return r;
}

void ledger_set_history_limits(struct ledger *ledger, int64_t before_usec, uint64_t limit_bytes)
{
    ledger->prune_before_usec = before_usec;
    ledger->prune_limit_bytes = limit_bytes;
}

static struct place *find_place(struct batch *batch, const char *source)
{
    struct place *places;

    for (size_t i = 0; i < batch->n_places; i++)
        if (strcmp(batch->places[i].source, source) == 0)
            return &batch->places[i];
    places = reallocarray(batch->places, batch->n_places + 1, sizeof(*places));
    if (!places)
        return NULL;
    batch->places = places;
    places[batch->n_places] = (struct place){.source = strdup(source)};
    return places[batch->n_places].source ? &places[batch->n_places++] : NULL;
}

int ledger_put_place(struct ledger *ledger, const char *source, struct slice cursor, struct slice pending)
{
    struct place *place = find_place(ledger->collected, source);
    int r = 0;

    if (!place)
        return -ENOMEM;
    if (!slice_is_absent(cursor)) {
        buffer_clear(&place->cursor);
        r = buffer_append_slice(&place->cursor, cursor);
        place->has_cursor = true;
    }
    if (r >= 0 && !slice_is_absent(pending)) {
        buffer_clear(&place->pending);
        r = buffer_append_slice(&place->pending, pending);
        place->has_pending = true;
    }
    ledger->collected->has_place = true;
    return r;
}

size_t ledger_n_documents(const struct ledger *ledger)
{
    return ledger->collected->n_documents;
}

static size_t batch_n_bytes(const struct batch *batch)
{
    return batch->changes.len + batch->documents.len + batch->history.len + batch->done.len +
           batch->refused.len;
}

size_t ledger_n_bytes(const struct ledger *ledger)
{
    return batch_n_bytes(ledger->collected);
}

bool ledger_is_empty(const struct ledger *ledger)
{
    return batch_n_bytes(ledger->collected) == 0 && !ledger->collected->has_place;
}

static int write_changes(struct batch *batch, struct store *store)
{
    struct slice rest = buffer_slice(&batch->changes);
    int r = 0;

    while (r >= 0 && rest.len > 0) {
        struct change change;

        r = slice_read_field(&rest, &change.key);
        if (r >= 0)
            r = slice_read_field(&rest, &change.value);
        if (r >= 0)
            r = store_put_change(store, &change);
    }
    return r;
}

static int write_documents(struct ledger *ledger, struct batch *batch)
{
    struct slice rest = buffer_slice(&batch->documents);
    int r = 0;

    while (r >= 0 && rest.len > 0) {
        struct document document;
        uint32_t severity = 0;
        uint64_t ticket, made_usec = 0;

        r = slice_read_field(&rest, &document.bytes);
        if (r >= 0)
            r = slice_read_field(&rest, &document.id);
        if (r >= 0)
            r = slice_read_field(&rest, &document.key);
        if (r >= 0)
            r = slice_read_field(&rest, &document.message);
        if (r >= 0)
            r = slice_read_u32(&rest, &severity);
        if (r >= 0)
            r = slice_read_u64(&rest, &made_usec);
        document.severity = (int)severity;
        for (size_t i = 0; r >= 0 && i < ledger->n_sinks; i++)
            r = store_put_document(ledger->store, ledger->sinks[i], &document, (int64_t)made_usec, &ticket);
    }
    return r;
}

static int write_places(struct batch *batch, struct store *store)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < batch->n_places; i++) {
        struct place *place = &batch->places[i];

        if (place->has_cursor)
            r = store_put_cursor(store, place->source, buffer_slice(&place->cursor));
        if (r >= 0 && place->has_pending)
            r = store_put_pending(store, place->source, buffer_slice(&place->pending));
    }
    return r;
}

static int write_done(struct batch *batch, struct store *store)
{
    struct slice rest = buffer_slice(&batch->done);
    int r = 0;

    while (r >= 0 && rest.len > 0) {
        uint64_t ticket;

        r = slice_read_u64(&rest, &ticket);
        if (r >= 0)
            r = store_delete_document(store, ticket);
    }
    return r;
}

static int write_refused(struct batch *batch, struct store *store)
{
    struct slice rest = buffer_slice(&batch->refused);
    int r = 0;

    while (r >= 0 && rest.len > 0) {
        uint64_t ticket = 0, time_usec = 0;
        struct slice reason;

        r = slice_read_u64(&rest, &ticket);
        if (r >= 0)
            r = slice_read_u64(&rest, &time_usec);
        if (r >= 0)
            r = slice_read_field(&rest, &reason);
        if (r >= 0)
            r = store_put_dead_letter(store, ticket, reason, (int64_t)time_usec);
    }
    return MIN(r, 0);
}

static int read_history(struct slice *rest, struct history_row *ret_row, bool *ret_is_final)
{
    struct slice f[N_ROW_FIELDS];
    uint64_t n[N_ROW_INTEGERS];
    double d[N_ROW_NUMBERS];
    uint32_t flags = 0;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < N_ROW_FIELDS; i++)
        r = slice_read_field(rest, &f[i]);
    for (size_t i = 0; r >= 0 && i < N_ROW_INTEGERS; i++)
        r = slice_read_u64(rest, &n[i]);
    for (size_t i = 0; r >= 0 && i < N_ROW_NUMBERS; i++)
        r = slice_read_double(rest, &d[i]);
    if (r >= 0)
        r = slice_read_u32(rest, &flags);
    if (r < 0)
        return r;
    *ret_row = (struct history_row){
        .job = f[0],
        .partition = f[1],
        .user = f[2],
        .host = f[3],
        .process = f[4],
        .detector = f[5],
        .effective = f[6],
        .command_line = f[7],
        .reason = f[8],
        .alert = f[9],
        .exception = f[10],
        .bucket_usec = (int64_t)n[0],
        .first_usec = (int64_t)n[1],
        .last_usec = (int64_t)n[2],
        .n_events = n[3],
        .first_seen_usec = (int64_t)n[4],
        .previous_seen_usec = (int64_t)n[5],
        .score = d[0],
        .final_score = d[1],
        .probability = d[2],
        .user_weight = d[3],
        .has_probability = flags & 2U,
    };
    *ret_is_final = flags & 1U;
    return 0;
}

static int write_history(struct batch *batch, struct store *store)
{
    struct slice rest = buffer_slice(&batch->history);
    int r = 0;

    while (r >= 0 && rest.len > 0) {
        struct history_row row;
        bool is_final = false;

        r = read_history(&rest, &row, &is_final);
        if (r >= 0)
            r = is_final ? store_put_history_final(store, &row) : store_put_history(store, &row);
    }
    return r;
}

static int prune_history(struct batch *batch, struct store *store)
{
    uint64_t n_max = MAX((uint64_t)PRUNE_ROWS_MIN, (uint64_t)batch->n_history * 2);
    int r;

    batch->n_pruned = 0;
    if (batch->prune_limit_bytes == 0)
        return 0;
    r = store_prune_history(store, batch->prune_before_usec, batch->prune_limit_bytes, n_max,
                            &batch->n_pruned);
    batch->has_more_to_prune = r >= 0 && batch->n_pruned == n_max;
    return r;
}

/* Behind store_begin. */
static int write_batch(struct ledger *ledger)
{
    struct batch *batch = ledger->executed;
    struct store *store = ledger->store;
    int r = write_changes(batch, store);

    if (r >= 0)
        r = write_documents(ledger, batch);
    if (r >= 0)
        r = write_history(batch, store);
    if (r >= 0)
        r = write_places(batch, store);
    if (r >= 0)
        r = write_refused(batch, store);
    if (r >= 0)
        r = write_done(batch, store);
    if (r >= 0)
        r = prune_history(batch, store);
    if (r >= 0)
        r = store_commit(store);
    if (r < 0) {
        int q = store_rollback(store);

        (void)q; /* the first failure is the one to report; a rollback that fails leaves nothing written
                    either */
        return r;
    }
    return 0;
}

/* In the store thread. */
static int execute(void *userdata)
{
    struct ledger *ledger = userdata;
    int r = store_begin(ledger->store);

    return r < 0 ? r : write_batch(ledger);
}

int ledger_new(struct store *store, const char *const *sinks, size_t n_sinks, struct ledger **ret_ledger)
{
    _cleanup_(ledger_freep) struct ledger *ledger = calloc(1, sizeof(*ledger));
    int r;

    if (!ledger)
        return -ENOMEM;
    *ledger = (struct ledger){.store = store, .sinks = sinks, .n_sinks = n_sinks};
    ledger->collected = &ledger->batches[0];
    ledger->executed = &ledger->batches[1];
    r = store_thread_new(execute, ledger, &ledger->thread);
    if (r < 0)
        return r;
    *ret_ledger = TAKE_PTR(ledger);
    return 0;
}

int ledger_fd(const struct ledger *ledger)
{
    return store_thread_fd(ledger->thread);
}

bool ledger_is_busy(const struct ledger *ledger)
{
    return store_thread_is_busy(ledger->thread);
}

bool ledger_has_failed(const struct ledger *ledger)
{
    return ledger->has_failed;
}

/* Unless what was exchanged before is to be tried again. */
static void exchange(struct ledger *ledger)
{
    struct batch *batch = ledger->collected;

    if (ledger->has_failed)
        return;
    ledger->collected = ledger->executed;
    ledger->executed = batch;
    batch->prune_before_usec = ledger->prune_before_usec;
    batch->prune_limit_bytes = ledger->prune_limit_bytes;
}

static int finish(struct ledger *ledger, int r)
{
    ledger->has_failed = r < 0;
    if (r < 0)
        return r;
    ledger->n_written = ledger->executed->n_documents;
    ledger->n_pruned += ledger->executed->n_pruned;
    batch_clear(ledger->executed);
    return 0;
}

void ledger_submit(struct ledger *ledger)
{
    exchange(ledger);
    store_thread_submit(ledger->thread);
}

int ledger_execute(struct ledger *ledger)
{
    assert(!ledger_is_busy(ledger));
    /* a failure, too, is better met where it holds up nobody */
    if (store_try_begin(ledger->store) != 0)
        return 1;
    exchange(ledger);
    return finish(ledger, write_batch(ledger));
}

bool ledger_is_quick(const struct ledger *ledger)
{
    return !ledger_is_busy(ledger) && !ledger->has_failed && !ledger->executed->has_more_to_prune &&
           ledger_n_bytes(ledger) <= QUICK_BYTES_MAX && store_is_quick(ledger->store);
}

int ledger_finish(struct ledger *ledger)
{
    return finish(ledger, store_thread_wait(ledger->thread));
}

size_t ledger_n_written(const struct ledger *ledger)
{
    return ledger->n_written;
}

uint64_t ledger_n_pruned(const struct ledger *ledger)
{
    return ledger->n_pruned;
}

bool ledger_has_more_to_prune(const struct ledger *ledger)
{
    return !ledger_is_busy(ledger) && ledger->executed->has_more_to_prune;
}

int ledger_commit(struct ledger *ledger)
{
    int r = 0;

    if (ledger_is_busy(ledger))
        r = ledger_finish(ledger);
    if (ledger->has_failed) {
        ledger_submit(ledger);
        r = ledger_finish(ledger);
    }
    if (r < 0 || ledger_is_empty(ledger))
        return r;
    ledger_submit(ledger);
    return ledger_finish(ledger);
}
