/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rows: every statement of the store, prepared at its first use and kept.
 *
 * A statement is borrowed for one function: `_cleanup_(statement_donep)` resets it and drops its bindings on
 * every way out, so bytes are bound by reference (SQLITE_STATIC) and copied by SQLite only into its pages.
 * Keys and values are bytes, never text, so SQLite compares them with memcmp, whatever they hold.
 *
 * The outbox is walked one query a row, not one query for all: the function it calls may delete the row it is
 * looking at (a sink that confirms within the write), begin and commit, and nothing of the walk is open then
 * that a commit or a rollback would disturb.
 *
 * Cost: a put is one search of a B-tree and one write to the log; the outbox's size is kept in memory, from
 * the lengths that insert and delete see anyway.
 */
#include "store/database.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

const char *const statement_texts[N_STATEMENTS] = {
    /* IMMEDIATE: a transaction that cannot write shall fail here, not at its first row */
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_PUT_STATE] = "INSERT INTO state(key, value) VALUES(?1, ?2)"
                            " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
    [STATEMENT_DELETE_STATE] = "DELETE FROM state WHERE key = ?1",
    [STATEMENT_RESTORE] = "SELECT key, value FROM state WHERE key >= ?1 ORDER BY key",
    [STATEMENT_PUT_CURSOR] = "INSERT INTO cursor(source, value) VALUES(?1, ?2)"
                             " ON CONFLICT(source) DO UPDATE SET value = excluded.value",
    [STATEMENT_DELETE_CURSOR] = "DELETE FROM cursor WHERE source = ?1",
    [STATEMENT_GET_CURSOR] = "SELECT value FROM cursor WHERE source = ?1",
    [STATEMENT_PUT_PENDING] = "INSERT INTO pending(source, value) VALUES(?1, ?2)"
                              " ON CONFLICT(source) DO UPDATE SET value = excluded.value",
    [STATEMENT_DELETE_PENDING] = "DELETE FROM pending WHERE source = ?1",
    [STATEMENT_GET_PENDING] = "SELECT value FROM pending WHERE source = ?1",
    [STATEMENT_PUT_DOCUMENT] = "INSERT INTO outbox(sink, id, key, message, severity, bytes)"
                               " VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(sink, id) DO NOTHING",
    [STATEMENT_FIND_DOCUMENT] = "SELECT ticket FROM outbox WHERE sink = ?1 AND id = ?2",
    [STATEMENT_DELETE_DOCUMENT] = "DELETE FROM outbox WHERE ticket = ?1 RETURNING length(bytes)",
    [STATEMENT_NEXT_DOCUMENT] = "SELECT ticket, id, key, message, severity, bytes FROM outbox"
                                " WHERE sink = ?1 AND ticket > ?2 ORDER BY ticket LIMIT 1",
    [STATEMENT_COUNT_OUTBOX] = "SELECT count(*), coalesce(sum(length(bytes)), 0) FROM outbox",
};

int store_statement(struct store *store, enum statement statement, sqlite3_stmt **ret_stmt)
{
    sqlite3_stmt **kept = &store->statements[statement];

    /* SQLite rolls back by itself after some errors; what came next would be a transaction of its own */
    if (store->is_in_transaction && sqlite3_get_autocommit(store->db))
        return store->failure < 0 ? store->failure : -EIO;
    if (!*kept) {
        int r = store_translate(store, sqlite3_prepare_v3(store->db, statement_texts[statement], -1,
                                                          SQLITE_PREPARE_PERSISTENT, kept, NULL));
        if (r < 0)
            return r;
    }
    *ret_stmt = *kept;
    return 0;
}

int store_run(struct store *store, sqlite3_stmt *stmt)
{
    return store_translate(store, sqlite3_step(stmt));
}

/* Absent becomes empty: no column is NULL. Borrowed until the statement is done. */
static int bind_slice(struct store *store, sqlite3_stmt *stmt, int i, struct slice s)
{
    return store_translate(store, sqlite3_bind_blob64(stmt, i, s.data ? s.data : "", s.len, SQLITE_STATIC));
}

static int bind_string(struct store *store, sqlite3_stmt *stmt, int i, const char *s)
{
    return store_translate(store, sqlite3_bind_text(stmt, i, s, -1, SQLITE_STATIC));
}

/* Borrowed from the statement until its next step. */
static struct slice column_slice(sqlite3_stmt *stmt, int i)
{
    const char *data = sqlite3_column_blob(stmt, i);

    return slice_new(data ? data : "", (size_t)sqlite3_column_bytes(stmt, i));
}

int store_load_outbox_size(struct store *store)
{
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int r;

    r = store_statement(store, STATEMENT_COUNT_OUTBOX, &stmt);
    if (r < 0)
        return r;
    r = store_translate(store, sqlite3_step(stmt));
    if (r < 0)
        return r;
    store->outbox = (struct outbox_size){
        .n = (uint64_t)sqlite3_column_int64(stmt, 0),
        .bytes = (uint64_t)sqlite3_column_int64(stmt, 1),
    };
    store->outbox_before = store->outbox;
    return 0;
}

int store_put_change(struct store *store, const struct change *change)
{
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    bool is_delete = slice_is_absent(change->value);
    int r;

    assert(store->is_in_transaction);

    r = store_statement(store, is_delete ? STATEMENT_DELETE_STATE : STATEMENT_PUT_STATE, &stmt);
    if (r < 0)
        return r;
    r = bind_slice(store, stmt, 1, change->key);
    if (r >= 0 && !is_delete)
        r = bind_slice(store, stmt, 2, change->value);
    if (r < 0)
        return r;
    return store_run(store, stmt);
}

int store_restore(struct store *store, struct slice prefix, change_fn fn, void *userdata)
{
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int result, r;

    r = store_statement(store, STATEMENT_RESTORE, &stmt);
    if (r < 0)
        return r;
    r = bind_slice(store, stmt, 1, prefix);
    if (r < 0)
        return r;
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct change change = {.key = column_slice(stmt, 0), .value = column_slice(stmt, 1)};

        if (!slice_starts_with(change.key, prefix))
            return 0;
        r = fn(userdata, &change);
        if (r < 0)
            return r;
    }
    return store_translate(store, result);
}

static int put_value(struct store *store, enum statement put, enum statement delete, const char *source,
                     struct slice value, bool is_delete)
{
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int r;

    r = store_statement(store, is_delete ? delete : put, &stmt);
    if (r < 0)
        return r;
    r = bind_string(store, stmt, 1, source);
    if (r >= 0 && !is_delete)
        r = bind_slice(store, stmt, 2, value);
    if (r < 0)
        return r;
    return store_run(store, stmt);
}

static int get_value(struct store *store, enum statement get, const char *source, char **ret_bytes,
                     size_t *ret_len)
{
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    struct slice value;
    char *bytes;
    int result, r;

    r = store_statement(store, get, &stmt);
    if (r < 0)
        return r;
    r = bind_string(store, stmt, 1, source);
    if (r < 0)
        return r;
    result = sqlite3_step(stmt);
    if (result == SQLITE_DONE) {
        *ret_bytes = NULL;
        *ret_len = 0;
        return 0;
    }
    if (result != SQLITE_ROW)
        return store_translate(store, result);
    value = column_slice(stmt, 0);
    /* with a NUL behind it, which is not counted: a cursor is often text */
    bytes = malloc(value.len + 1);
    if (!bytes)
        return -ENOMEM;
    memcpy(bytes, value.data, value.len);
    bytes[value.len] = '\0';
    *ret_len = value.len;
    *ret_bytes = bytes;
    return 0;
}

int store_put_cursor(struct store *store, const char *source, struct slice cursor)
{
    return put_value(store, STATEMENT_PUT_CURSOR, STATEMENT_DELETE_CURSOR, source, cursor,
                     slice_is_absent(cursor));
}

int store_get_cursor(struct store *store, const char *source, char **ret_bytes, size_t *ret_len)
{
    return get_value(store, STATEMENT_GET_CURSOR, source, ret_bytes, ret_len);
}

int store_put_pending(struct store *store, const char *source, struct slice bytes)
{
    return put_value(store, STATEMENT_PUT_PENDING, STATEMENT_DELETE_PENDING, source, bytes, bytes.len == 0);
}

int store_get_pending(struct store *store, const char *source, char **ret_bytes, size_t *ret_len)
{
    return get_value(store, STATEMENT_GET_PENDING, source, ret_bytes, ret_len);
}

static int find_ticket(struct store *store, const char *sink, struct slice id, uint64_t *ret_ticket)
{
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int result, r;

    r = store_statement(store, STATEMENT_FIND_DOCUMENT, &stmt);
    if (r < 0)
        return r;
    r = bind_string(store, stmt, 1, sink);
    if (r >= 0)
        r = bind_slice(store, stmt, 2, id);
    if (r < 0)
        return r;
    result = sqlite3_step(stmt);
    if (result != SQLITE_ROW)
        return result == SQLITE_DONE ? -EBADMSG : store_translate(store, result);
    *ret_ticket = (uint64_t)sqlite3_column_int64(stmt, 0);
    return 0;
}

int store_put_document(struct store *store, const char *sink, const struct document *document,
                       uint64_t *ret_ticket)
{
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int r;

    assert(store->is_in_transaction);

    r = store_statement(store, STATEMENT_PUT_DOCUMENT, &stmt);
    if (r < 0)
        return r;
    r = bind_string(store, stmt, 1, sink);
    if (r >= 0)
        r = bind_slice(store, stmt, 2, document->id);
    if (r >= 0)
        r = bind_slice(store, stmt, 3, document->key);
    if (r >= 0)
        r = bind_slice(store, stmt, 4, document->message);
    if (r >= 0)
        r = store_translate(store, sqlite3_bind_int(stmt, 5, document->severity));
    if (r >= 0)
        r = bind_slice(store, stmt, 6, document->bytes);
    if (r < 0)
        return r;
    r = store_run(store, stmt);
    if (r < 0)
        return r;
    if (sqlite3_changes(store->db) == 0) {
        r = find_ticket(store, sink, document->id, ret_ticket);
        return r < 0 ? r : 1;
    }
    store->outbox.n++;
    store->outbox.bytes += document->bytes.len;
    *ret_ticket = (uint64_t)sqlite3_last_insert_rowid(store->db);
    return 0;
}

int store_delete_document(struct store *store, uint64_t ticket)
{
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    uint64_t n = 0, bytes = 0;
    int result, r;

    r = store_statement(store, STATEMENT_DELETE_DOCUMENT, &stmt);
    if (r < 0)
        return r;
    r = store_translate(store, sqlite3_bind_int64(stmt, 1, (sqlite3_int64)ticket));
    if (r < 0)
        return r;
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        n++;
        bytes += (uint64_t)sqlite3_column_int64(stmt, 0);
    }
    r = store_translate(store, result);
    if (r < 0)
        return r;
    store->outbox.n -= n;
    store->outbox.bytes -= bytes;
    return 0;
}

int store_walk_outbox(struct store *store, const char *sink, uint64_t after,
                      int (*fn)(void *userdata, uint64_t ticket, const struct document *document),
                      void *userdata)
{
    for (;;) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        struct document document;
        int result, r;

        r = store_statement(store, STATEMENT_NEXT_DOCUMENT, &stmt);
        if (r < 0)
            return r;
        r = bind_string(store, stmt, 1, sink);
        if (r >= 0)
            r = store_translate(store, sqlite3_bind_int64(stmt, 2, (sqlite3_int64)after));
        if (r < 0)
            return r;
        result = sqlite3_step(stmt);
        if (result != SQLITE_ROW)
            return store_translate(store, result);
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
    *ret_n = store->outbox.n;
    *ret_bytes = store->outbox.bytes;
    return 0;
}
