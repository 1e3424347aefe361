/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_STORE_DATABASE_H
#define HAPAX_STORE_DATABASE_H

/* Inside the room only: the open database, its kept statements and its grammar of errors. */

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/* One row per statement: see statement_texts in rows.c. */
enum statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_PUT_STATE,
    STATEMENT_DELETE_STATE,
    STATEMENT_RESTORE,
    STATEMENT_PUT_CURSOR,
    STATEMENT_DELETE_CURSOR,
    STATEMENT_GET_CURSOR,
    STATEMENT_PUT_PENDING,
    STATEMENT_DELETE_PENDING,
    STATEMENT_GET_PENDING,
    STATEMENT_PUT_DOCUMENT,
    STATEMENT_FIND_DOCUMENT,
    STATEMENT_DELETE_DOCUMENT,
    STATEMENT_NEXT_DOCUMENT,
    STATEMENT_COUNT_OUTBOX,
    N_STATEMENTS,
};

/* How full the outbox is; kept in memory, because a scan at every record would cost what the outbox holds. */
struct outbox_size {
    uint64_t n, bytes;
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[N_STATEMENTS]; /* prepared at their first use */
    char *path;
    int lock_fd;
    struct outbox_size outbox;        /* now */
    struct outbox_size outbox_before; /* at store_begin: what a rollback goes back to */
    bool is_in_transaction;           /* from store_begin to the commit that worked, or the rollback */
    int failure;                      /* the first since store_begin */
    char error[512];
};

extern const char *const statement_texts[N_STATEMENTS];

/* SQLite's result into ours (store.h), its text into store->error; SQLITE_OK, ROW and DONE are 0. */
int store_translate(struct store *store, int result);

/* The statement, prepared and without bindings; reset it with statement_done. */
int store_statement(struct store *store, enum statement statement, sqlite3_stmt **ret_stmt) _warn_unused_;

/* Runs a statement that returns no row, and resets it. */
int store_run(struct store *store, sqlite3_stmt *stmt) _warn_unused_;

/* Reads the outbox's size into store->outbox. */
int store_load_outbox_size(struct store *store) _warn_unused_;

/* For _cleanup_: a kept statement lets go of its rows and of what was bound to it. */
static inline void statement_donep(sqlite3_stmt **stmt)
{
    if (!*stmt)
        return;
    (void)sqlite3_reset(*stmt);
    (void)sqlite3_clear_bindings(*stmt);
}

/*
 * Opens the database file itself, refuses what is not ours and brings the schema up to date. Fills store->db.
 * -EINVAL with diags.
 */
int database_open(struct store *store, enum durability durability, struct diag_list *diags) _warn_unused_;

#endif
