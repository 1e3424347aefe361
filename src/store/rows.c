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

#define HISTORY_COLUMNS                                                                                      \
    "SELECT bucket, job, partition, user, host, process, first_time, last_time, detector, effective, "       \
    "command, reason,"                                                                                       \
    " alert, exception, score, probability, final_score, n_events, weight, first_seen, previous_seen"

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
    [STATEMENT_PUT_DOCUMENT] = "INSERT INTO outbox(sink, id, key, message, severity, bytes, made)"
                               " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(sink, id) DO NOTHING",
    [STATEMENT_FIND_DOCUMENT] = "SELECT ticket FROM outbox WHERE sink = ?1 AND id = ?2",
    [STATEMENT_DELETE_DOCUMENT] = "DELETE FROM outbox WHERE ticket = ?1 RETURNING length(bytes)",
    [STATEMENT_NEXT_DOCUMENT] = "SELECT ticket, id, key, message, severity, bytes FROM outbox"
                                " WHERE sink = ?1 AND ticket > ?2 ORDER BY ticket LIMIT 1",
    [STATEMENT_COUNT_OUTBOX] = "SELECT count(*), coalesce(sum(length(bytes)), 0) FROM outbox",
    [STATEMENT_OLDEST_DOCUMENT] = "SELECT made FROM outbox ORDER BY ticket LIMIT 1",
    [STATEMENT_PUT_DEAD_LETTER] = "INSERT OR REPLACE INTO dead_letter(ticket, sink, id, reason, time, bytes)"
                                  " SELECT ticket, sink, id, ?2, ?3, bytes FROM outbox WHERE ticket = ?1",
    [STATEMENT_TRIM_DEAD_LETTERS] =
        "DELETE FROM dead_letter WHERE ticket <="
        " (SELECT ticket FROM dead_letter ORDER BY ticket DESC LIMIT 1 OFFSET ?1)",
    [STATEMENT_WALK_DEAD_LETTERS] =
        "SELECT ticket, sink, id, reason, time, bytes FROM dead_letter WHERE ticket > ?1"
        " ORDER BY ticket LIMIT 1",
    /* what raised the alert stays: a repetition in the same bucket is no news */
    [STATEMENT_PUT_HISTORY] =
        "INSERT INTO history(bucket, job, partition, user, host, process, first_time, last_time, detector, "
        "effective,"
        " command, reason, alert, exception, score, probability, n_events, weight, first_seen, previous_seen)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)"
        " ON CONFLICT(bucket, job, partition, user, host, process) DO UPDATE SET"
        " first_time = min(first_time, excluded.first_time), last_time = max(last_time, excluded.last_time),"
        " effective = CASE WHEN alert IS NULL THEN excluded.effective ELSE effective END,"
        " command = CASE WHEN alert IS NULL THEN excluded.command ELSE command END,"
        " reason = CASE WHEN alert IS NULL THEN excluded.reason ELSE reason END,"
        " exception = CASE WHEN alert IS NULL THEN excluded.exception ELSE exception END,"
        " alert = coalesce(alert, excluded.alert),"
        " score = max(score, excluded.score), probability = coalesce(excluded.probability, probability),"
        " n_events = max(n_events, excluded.n_events), weight = max(weight, excluded.weight)",
    [STATEMENT_PUT_HISTORY_FINAL] =
        "UPDATE history SET final_score = ?5,"
        " reason = CASE WHEN alert IS NULL AND ?7 IS NOT NULL THEN ?6 ELSE reason END,"
        " alert = coalesce(alert, ?7)"
        " WHERE bucket = ?1 AND job = ?2 AND partition = ?3 AND user = ?4",
    [STATEMENT_PRUNE_HISTORY] =
        "DELETE FROM history WHERE (bucket, job, partition, user, host, process) IN"
        " (SELECT bucket, job, partition, user, host, process FROM history WHERE bucket < ?1"
        " ORDER BY bucket LIMIT ?2)",
    [STATEMENT_NEWEST_HISTORY] = "SELECT bucket FROM history ORDER BY bucket DESC LIMIT 1",
    [STATEMENT_WALK_HISTORY] = HISTORY_COLUMNS " FROM history WHERE bucket >= ?1"
                                               " ORDER BY bucket, job, partition, user, host, process",
    [STATEMENT_WALK_HISTORY_OF_USER] = HISTORY_COLUMNS
    " FROM history WHERE user = ?2 AND bucket >= ?1 ORDER BY bucket, job, partition, user, host, process",
    [STATEMENT_COUNT_PAGES] = "PRAGMA page_count",
    [STATEMENT_COUNT_FREE_PAGES] = "PRAGMA freelist_count",
    [STATEMENT_PAGE_SIZE] = "PRAGMA page_size",
};

int connection_statement(struct connection *c, enum statement statement, sqlite3_stmt **ret_stmt)
{
    sqlite3_stmt **kept = &c->statements[statement];

    /* SQLite rolls back by itself after some errors; what came next would be a transaction of its own */
    if (c->is_in_transaction && sqlite3_get_autocommit(c->db))
        return c->failure < 0 ? c->failure : -EIO;
    if (!*kept) {
        int r = connection_translate(c, sqlite3_prepare_v3(c->db, statement_texts[statement], -1,
                                                           SQLITE_PREPARE_PERSISTENT, kept, NULL));
        if (r < 0)
            return r;
    }
    *ret_stmt = *kept;
    return 0;
}

int connection_run(struct connection *c, sqlite3_stmt *stmt)
{
    return connection_translate(c, sqlite3_step(stmt));
}

int connection_integer(struct connection *c, enum statement statement, int64_t absent_v, int64_t *ret_v)
{
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int result, r = connection_statement(c, statement, &stmt);

    if (r < 0)
        return r;
    result = sqlite3_step(stmt);
    r = connection_translate(c, result);
    if (r < 0)
        return r;
    *ret_v = result == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : absent_v;
    return 0;
}

int bind_slice(struct connection *c, sqlite3_stmt *stmt, int i, struct slice s)
{
    return connection_translate(c, sqlite3_bind_blob64(stmt, i, s.data ? s.data : "", s.len, SQLITE_STATIC));
}

int bind_text(struct connection *c, sqlite3_stmt *stmt, int i, struct slice s)
{
    /* no bytes and NULL are SQL's NULL, whatever the length */
    return connection_translate(c, sqlite3_bind_text64(stmt, i, s.data, s.len, SQLITE_STATIC, SQLITE_UTF8));
}

int bind_integer(struct connection *c, sqlite3_stmt *stmt, int i, int64_t v)
{
    return connection_translate(c, sqlite3_bind_int64(stmt, i, v));
}

struct slice column_slice(sqlite3_stmt *stmt, int i)
{
    const char *data = sqlite3_column_blob(stmt, i);

    return slice_new(data ? data : "", (size_t)sqlite3_column_bytes(stmt, i));
}

struct slice column_text(sqlite3_stmt *stmt, int i)
{
    return sqlite3_column_type(stmt, i) == SQLITE_NULL ? SLICE_NULL : column_slice(stmt, i);
}

int store_put_change(struct store *store, const struct change *change)
{
    struct connection *c = &store->writer;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    bool is_delete = slice_is_absent(change->value);
    int r;

    assert(c->is_in_transaction);

    r = connection_statement(c, is_delete ? STATEMENT_DELETE_STATE : STATEMENT_PUT_STATE, &stmt);
    if (r < 0)
        return r;
    r = bind_slice(c, stmt, 1, change->key);
    if (r >= 0 && !is_delete)
        r = bind_slice(c, stmt, 2, change->value);
    if (r < 0)
        return r;
    return connection_run(c, stmt);
}

int store_restore(struct store *store, struct slice prefix, change_fn fn, void *userdata)
{
    struct connection *c = &store->reader;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int result, r;

    r = connection_statement(c, STATEMENT_RESTORE, &stmt);
    if (r < 0)
        return r;
    r = bind_slice(c, stmt, 1, prefix);
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
    return connection_translate(c, result);
}

static int put_value(struct store *store, enum statement put, enum statement delete, const char *source,
                     struct slice value, bool is_delete)
{
    struct connection *c = &store->writer;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int r;

    r = connection_statement(c, is_delete ? delete : put, &stmt);
    if (r < 0)
        return r;
    r = bind_text(c, stmt, 1, slice_from_string(source));
    if (r >= 0 && !is_delete)
        r = bind_slice(c, stmt, 2, value);
    if (r < 0)
        return r;
    return connection_run(c, stmt);
}

static int get_value(struct store *store, enum statement get, const char *source, char **ret_bytes,
                     size_t *ret_len)
{
    struct connection *c = &store->reader;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    struct slice value;
    char *bytes;
    int result, r;

    r = connection_statement(c, get, &stmt);
    if (r < 0)
        return r;
    r = bind_text(c, stmt, 1, slice_from_string(source));
    if (r < 0)
        return r;
    result = sqlite3_step(stmt);
    if (result == SQLITE_DONE) {
        *ret_bytes = NULL;
        *ret_len = 0;
        return 0;
    }
    if (result != SQLITE_ROW)
        return connection_translate(c, result);
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
