/* SPDX-License-Identifier: Apache-2.0 */

/*
 * History: what was judged, for the triage of what will be. Not what the model holds (that forgets as it
 * must), but who ran what, where and when, and what was thought of it.
 *
 * One row for each (bucket, job, partition, user, host, process), so it grows with what is different, not
 * with what is repeated: a loop of `ss` is one row in 15 minutes, and a record read again after a kill finds
 * its row there.
 *
 * Why this key and no other index in front of it: rows come in the order of time, so new ones land at the end
 * of the B-tree, on pages that are in memory; the oldest are its first, so pruning walks nothing and frees
 * whole pages; and a bucket that closes finds its rows by the key's beginning. The second index, by user, is
 * for the one question people ask ("what does alice usually do?"); the third holds alerts alone.
 *
 * Pruning is done in the transactions that add rows, at most a few hundred rows each: the caller asks for at
 * least as many as it adds, so history cannot outrun its pruning, and no transaction is long.
 */
#include "store/database.h"

#include <assert.h>

#include "util/cleanup.h"

static int bind_double(struct connection *c, sqlite3_stmt *stmt, int i, bool is_there, double v)
{
    return connection_translate(c, is_there ? sqlite3_bind_double(stmt, i, v) : sqlite3_bind_null(stmt, i));
}

/* The key's first four columns. */
static int bind_user(struct connection *c, sqlite3_stmt *stmt, const struct history_row *row)
{
    int r = bind_integer(c, stmt, 1, row->bucket_usec);

    if (r >= 0)
        r = bind_slice(c, stmt, 2, row->job);
    if (r >= 0)
        r = bind_slice(c, stmt, 3, row->partition);
    return r < 0 ? r : bind_slice(c, stmt, 4, row->user);
}

int store_put_history(struct store *store, const struct history_row *row)
{
    struct connection *c = &store->writer;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    const struct slice bytes[] = {row->detector, row->effective, row->command_line, row->reason};
    int r;

    assert(c->is_in_transaction);

    r = connection_statement(c, STATEMENT_PUT_HISTORY, &stmt);
    if (r >= 0)
        r = bind_user(c, stmt, row);
    if (r >= 0)
        r = bind_slice(c, stmt, 5, row->host);
    if (r >= 0)
        r = bind_slice(c, stmt, 6, row->process);
    if (r >= 0)
        r = bind_integer(c, stmt, 7, row->first_usec);
    if (r >= 0)
        r = bind_integer(c, stmt, 8, row->last_usec);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(bytes); i++)
        r = bind_slice(c, stmt, 9 + (int)i, bytes[i]);
    if (r >= 0)
        r = bind_text(c, stmt, 13, row->alert);
    if (r >= 0)
        r = bind_text(c, stmt, 14, row->exception);
    if (r >= 0)
        r = bind_double(c, stmt, 15, true, row->score);
    if (r >= 0)
        r = bind_double(c, stmt, 16, row->has_probability, row->probability);
    if (r >= 0)
        r = bind_integer(c, stmt, 17, (int64_t)row->n_events);
    if (r >= 0)
        r = bind_double(c, stmt, 18, true, row->user_weight);
    if (r >= 0)
        r = bind_integer(c, stmt, 19, row->first_seen_usec);
    if (r >= 0)
        r = bind_integer(c, stmt, 20, row->previous_seen_usec);
    return r < 0 ? r : connection_run(c, stmt);
}

int store_put_history_final(struct store *store, const struct history_row *row)
{
    struct connection *c = &store->writer;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int r;

    assert(c->is_in_transaction);

    r = connection_statement(c, STATEMENT_PUT_HISTORY_FINAL, &stmt);
    if (r >= 0)
        r = bind_user(c, stmt, row);
    if (r >= 0)
        r = bind_double(c, stmt, 5, true, row->final_score);
    if (r >= 0)
        r = bind_slice(c, stmt, 6, row->reason);
    if (r >= 0)
        r = bind_text(c, stmt, 7, row->alert);
    return r < 0 ? r : connection_run(c, stmt);
}

/* Of pages that hold something: what pruning frees is used again before the file grows. */
static int used_bytes(struct connection *c, uint64_t *ret_bytes)
{
    int64_t n_pages = 0, n_free = 0, page_size = 0;
    int r = connection_integer(c, STATEMENT_COUNT_PAGES, 0, &n_pages);

    if (r >= 0)
        r = connection_integer(c, STATEMENT_COUNT_FREE_PAGES, 0, &n_free);
    if (r >= 0)
        r = connection_integer(c, STATEMENT_PAGE_SIZE, 0, &page_size);
    if (r >= 0)
        *ret_bytes = (uint64_t)(n_pages - n_free) * (uint64_t)page_size;
    return r;
}

int store_prune_history(struct store *store, int64_t before_usec, uint64_t limit_bytes, uint64_t n_max,
                        uint64_t *ret_n)
{
    struct connection *c = &store->writer;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    uint64_t bytes;
    int64_t newest;
    int r;

    assert(c->is_in_transaction);

    r = used_bytes(c, &bytes);
    if (r >= 0 && bytes > limit_bytes) {
        r = connection_integer(c, STATEMENT_NEWEST_HISTORY, INT64_MIN, &newest);
        if (r >= 0)
            before_usec = MAX(before_usec, newest);
    }
    if (r >= 0)
        r = connection_statement(c, STATEMENT_PRUNE_HISTORY, &stmt);
    if (r >= 0)
        r = bind_integer(c, stmt, 1, before_usec);
    if (r >= 0)
        r = bind_integer(c, stmt, 2, (int64_t)MIN(n_max, (uint64_t)INT32_MAX));
    if (r >= 0)
        r = connection_run(c, stmt);
    if (r < 0)
        return r;
    *ret_n = (uint64_t)sqlite3_changes(c->db);
    return 0;
}

static struct history_row read_row(sqlite3_stmt *stmt)
{
    return (struct history_row){
        .bucket_usec = sqlite3_column_int64(stmt, 0),
        .job = column_slice(stmt, 1),
        .partition = column_slice(stmt, 2),
        .user = column_slice(stmt, 3),
        .host = column_slice(stmt, 4),
        .process = column_slice(stmt, 5),
        .first_usec = sqlite3_column_int64(stmt, 6),
        .last_usec = sqlite3_column_int64(stmt, 7),
        .detector = column_slice(stmt, 8),
        .effective = column_slice(stmt, 9),
        .command_line = column_slice(stmt, 10),
        .reason = column_slice(stmt, 11),
        .alert = column_text(stmt, 12),
        .exception = column_text(stmt, 13),
        .score = sqlite3_column_double(stmt, 14),
        .has_probability = sqlite3_column_type(stmt, 15) != SQLITE_NULL,
        .probability = sqlite3_column_double(stmt, 15),
        .has_final_score = sqlite3_column_type(stmt, 16) != SQLITE_NULL,
        .final_score = sqlite3_column_double(stmt, 16),
        .n_events = (uint64_t)sqlite3_column_int64(stmt, 17),
        .user_weight = sqlite3_column_double(stmt, 18),
        .first_seen_usec = sqlite3_column_int64(stmt, 19),
        .previous_seen_usec = sqlite3_column_int64(stmt, 20),
    };
}

int store_walk_history(struct store *store, int64_t from_usec, struct slice user,
                       int (*fn)(void *userdata, const struct history_row *row), void *userdata)
{
    struct connection *c = &store->reader;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    bool is_of_user = !slice_is_absent(user);
    int result, r;

    r = connection_statement(c, is_of_user ? STATEMENT_WALK_HISTORY_OF_USER : STATEMENT_WALK_HISTORY, &stmt);
    if (r >= 0)
        r = bind_integer(c, stmt, 1, from_usec);
    if (r >= 0 && is_of_user)
        r = bind_slice(c, stmt, 2, user);
    if (r < 0)
        return r;
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct history_row row = read_row(stmt);

        r = fn(userdata, &row);
        if (r != 0)
            return r;
    }
    return connection_translate(c, result);
}
