/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The outbox and the dead letters.
 *
 * The outbox is walked one query a row, not one query for all: the function it calls may delete the row it is
 * looking at (a sink that confirms within the write), begin and commit, and nothing of the walk is open then
 * that a commit or a rollback would disturb; nor does a walk that waits hold back the write-ahead log.
 *
 * Its size is kept in memory, from the lengths that insert and delete see anyway: a count at every record
 * would cost what the outbox holds. The writer's number is the transaction's; the reading thread gets it with
 * the commit.
 *
 * A document that no sink will ever take leaves the outbox in the same transaction in which it becomes a dead
 * letter, so it is in one place or the other whenever the process dies. Dead letters are for people to look
 * at: the newest DEAD_LETTERS_MAX are kept, which costs one search each time one is added.
 */
#include "store/database.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

int store_load_outbox_size(struct store *store)
{
    struct connection *c = &store->writer;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int r;

    r = connection_statement(c, STATEMENT_COUNT_OUTBOX, &stmt);
    if (r < 0)
        return r;
    r = connection_translate(c, sqlite3_step(stmt));
    if (r < 0)
        return r;
    store->outbox = (struct outbox_size){
        .n = (uint64_t)sqlite3_column_int64(stmt, 0),
        .bytes = (uint64_t)sqlite3_column_int64(stmt, 1),
    };
    store->outbox_before = store->outbox;
    store_publish_outbox_size(store);
    return 0;
}

void store_publish_outbox_size(struct store *store)
{
    atomic_store(&store->committed_n, store->outbox.n);
    atomic_store(&store->committed_bytes, store->outbox.bytes);
}

static int find_ticket(struct store *store, const char *sink, struct slice id, uint64_t *ret_ticket)
{
    struct connection *c = &store->writer;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int result, r;

    r = connection_statement(c, STATEMENT_FIND_DOCUMENT, &stmt);
    if (r < 0)
        return r;
    r = bind_text(c, stmt, 1, slice_from_string(sink));
    if (r >= 0)
        r = bind_slice(c, stmt, 2, id);
    if (r < 0)
        return r;
    result = sqlite3_step(stmt);
    if (result != SQLITE_ROW)
        return result == SQLITE_DONE ? -EBADMSG : connection_translate(c, result);
    *ret_ticket = (uint64_t)sqlite3_column_int64(stmt, 0);
    return 0;
}

int store_put_document(struct store *store, const char *sink, const struct document *document,
                       int64_t made_usec, uint64_t *ret_ticket)
{
    struct connection *c = &store->writer;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int r;

    assert(c->is_in_transaction);

    r = connection_statement(c, STATEMENT_PUT_DOCUMENT, &stmt);
    if (r < 0)
        return r;
    r = bind_text(c, stmt, 1, slice_from_string(sink));
    if (r >= 0)
        r = bind_slice(c, stmt, 2, document->id);
    if (r >= 0)
        r = bind_slice(c, stmt, 3, document->key);
    if (r >= 0)
        r = bind_slice(c, stmt, 4, document->message);
    if (r >= 0)
        r = bind_integer(c, stmt, 5, document->severity);
    if (r >= 0)
        r = bind_slice(c, stmt, 6, document->bytes);
    if (r >= 0)
        r = bind_integer(c, stmt, 7, made_usec);
    if (r < 0)
        return r;
    r = connection_run(c, stmt);
    if (r < 0)
        return r;
    if (sqlite3_changes(c->db) == 0) {
        r = find_ticket(store, sink, document->id, ret_ticket);
        return r < 0 ? r : 1;
    }
    store->outbox.n++;
    store->outbox.bytes += document->bytes.len;
    *ret_ticket = (uint64_t)sqlite3_last_insert_rowid(c->db);
    return 0;
}

int store_delete_document(struct store *store, uint64_t ticket)
{
    struct connection *c = &store->writer;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    uint64_t n = 0, bytes = 0;
    int result, r;

    r = connection_statement(c, STATEMENT_DELETE_DOCUMENT, &stmt);
    if (r < 0)
        return r;
    r = bind_integer(c, stmt, 1, (int64_t)ticket);
    if (r < 0)
        return r;
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        n++;
        bytes += (uint64_t)sqlite3_column_int64(stmt, 0);
    }
    r = connection_translate(c, result);
    if (r < 0)
        return r;
    store->outbox.n -= n;
    store->outbox.bytes -= bytes;
    if (!c->is_in_transaction)
        store_publish_outbox_size(store);
    return 0;
}

int store_walk_outbox(struct store *store, const char *sink, uint64_t after,
                      int (*fn)(void *userdata, uint64_t ticket, const struct document *document),
                      void *userdata)
{
    struct connection *c = &store->reader;

    for (;;) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        struct document document;
        int result, r;

        r = connection_statement(c, STATEMENT_NEXT_DOCUMENT, &stmt);
        if (r < 0)
            return r;
        r = bind_text(c, stmt, 1, slice_from_string(sink));
        if (r >= 0)
            r = bind_integer(c, stmt, 2, (int64_t)after);
        if (r < 0)
            return r;
        result = sqlite3_step(stmt);
        if (result != SQLITE_ROW)
            return connection_translate(c, result);
        after = (uint64_t)sqlite3_column_int64(stmt, 0);
        document = (struct document){
            .id = column_slice(stmt, 1),
            .key = column_slice(stmt, 2),
            .message = column_slice(stmt, 3),
            .severity = sqlite3_column_int(stmt, 4),
            .bytes = column_slice(stmt, 5),
        };
        r = fn(userdata, after, &document);
        if (r != 0)
            return r;
    }
}

int store_count_outbox(struct store *store, uint64_t *ret_n, uint64_t *ret_bytes)
{
    *ret_n = atomic_load(&store->committed_n);
    *ret_bytes = atomic_load(&store->committed_bytes);
    return 0;
}

int store_oldest_document(struct store *store, int64_t *ret_made_usec)
{
    return connection_integer(&store->reader, STATEMENT_OLDEST_DOCUMENT, 0, ret_made_usec);
}

int store_put_dead_letter(struct store *store, uint64_t ticket, struct slice reason, int64_t time_usec)
{
    struct connection *c = &store->writer;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL, *trim = NULL;
    int r;

    assert(c->is_in_transaction);

    r = connection_statement(c, STATEMENT_PUT_DEAD_LETTER, &stmt);
    if (r >= 0)
        r = bind_integer(c, stmt, 1, (int64_t)ticket);
    if (r >= 0)
        r = bind_slice(c, stmt, 2, reason);
    if (r >= 0)
        r = bind_integer(c, stmt, 3, time_usec);
    if (r >= 0)
        r = connection_run(c, stmt);
    if (r < 0)
        return r;
    if (sqlite3_changes(c->db) == 0)
        return 1;
    r = store_delete_document(store, ticket);
    if (r >= 0)
        r = connection_statement(c, STATEMENT_TRIM_DEAD_LETTERS, &trim);
    if (r >= 0)
        r = bind_integer(c, trim, 1, DEAD_LETTERS_MAX);
    return r < 0 ? r : connection_run(c, trim);
}

int store_walk_dead_letters(struct store *store, int (*fn)(void *userdata, const struct dead_letter *letter),
                            void *userdata)
{
    struct connection *c = &store->reader;
    uint64_t after = 0;

    for (;;) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        struct dead_letter letter;
        int result, r;

        r = connection_statement(c, STATEMENT_WALK_DEAD_LETTERS, &stmt);
        if (r >= 0)
            r = bind_integer(c, stmt, 1, (int64_t)after);
        if (r < 0)
            return r;
        result = sqlite3_step(stmt);
        if (result != SQLITE_ROW)
            return connection_translate(c, result);
        letter = (struct dead_letter){
            .ticket = (uint64_t)sqlite3_column_int64(stmt, 0),
            .sink = column_slice(stmt, 1),
            .id = column_slice(stmt, 2),
            .reason = column_slice(stmt, 3),
            .time_usec = sqlite3_column_int64(stmt, 4),
            .bytes = column_slice(stmt, 5),
        };
        after = letter.ticket;
        r = fn(userdata, &letter);
        if (r != 0)
            return r;
    }
}
