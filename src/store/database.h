/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_STORE_DATABASE_H
#define HAPAX_STORE_DATABASE_H

/* Inside the room only: the open database, its kept statements and its grammar of errors. */

#include <sqlite3.h>
#include <sys/types.h>
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
    STATEMENT_OLDEST_DOCUMENT,
    STATEMENT_PUT_DEAD_LETTER,
    STATEMENT_TRIM_DEAD_LETTERS,
    STATEMENT_WALK_DEAD_LETTERS,
    STATEMENT_PUT_HISTORY,
    STATEMENT_PUT_HISTORY_FINAL,
    STATEMENT_PRUNE_HISTORY,
    STATEMENT_NEWEST_HISTORY,
    STATEMENT_WALK_HISTORY,
    STATEMENT_WALK_HISTORY_OF_USER,
    STATEMENT_COUNT_PAGES,
    STATEMENT_COUNT_FREE_PAGES,
    STATEMENT_PAGE_SIZE,
    N_STATEMENTS,
};

/* How full the outbox is; kept in memory, because a scan at every record would cost what the outbox holds. */
struct outbox_size {
    uint64_t n, bytes;
};

/* One of SQLite's: used by one thread at a time. */
struct connection {
    sqlite3 *db;
    sqlite3_stmt *statements[N_STATEMENTS]; /* prepared at their first use */
    const char *path;                       /* the store's */
    bool is_in_transaction;                 /* from store_begin to the commit that worked, or the rollback */
    int failure;                            /* the first since store_begin */
    char error[512];
};

struct store_file {
    dev_t device;
    ino_t inode; /* 0: not known yet */
};

struct store {
    struct connection writer, reader;
    char *path, *log_path;
    int lock_fd;
    struct store_file file, log_file; /* at these paths when they were opened */
    bool is_synced;                   /* each commit is: durability power */
    /* The write-ahead log, the writer's: pages at the last commit; the next commit begins it anew. */
    int n_log_pages;
    bool is_log_copied;
    struct outbox_size outbox;        /* within the transaction: the writer's */
    struct outbox_size outbox_before; /* at store_begin: what a rollback goes back to */
    /* Of the last commit, for the reading thread. Two numbers, so it may see one of each of two commits: no
     * harm to a limit. */
    _Atomic uint64_t committed_n, committed_bytes;
};

extern const char *const statement_texts[N_STATEMENTS];

/* SQLite's result into ours (store.h), its text into the connection's error; SQLITE_OK, ROW and DONE are 0.
 */
int connection_translate(struct connection *c, int result);

/* The statement, prepared and without bindings; reset it with statement_done. */
int connection_statement(struct connection *c, enum statement statement,
                         sqlite3_stmt **ret_stmt) _warn_unused_;

/* chosen: a reader's checkpoint takes milliseconds; whoever holds the database longer is broken */
#define BUSY_TIMEOUT_MSEC 5000

/* Runs a statement that returns no row. */
int connection_run(struct connection *c, sqlite3_stmt *stmt) _warn_unused_;

/* The first column of the only row of a statement without bindings; absent_v where there is no row. */
int connection_integer(struct connection *c, enum statement statement, int64_t absent_v,
                       int64_t *ret_v) _warn_unused_;

/* Absent becomes empty: no column is NULL. Borrowed until the statement is done. */
int bind_slice(struct connection *c, sqlite3_stmt *stmt, int i, struct slice s) _warn_unused_;
/* As text; absent becomes NULL. */
int bind_text(struct connection *c, sqlite3_stmt *stmt, int i, struct slice s) _warn_unused_;
int bind_integer(struct connection *c, sqlite3_stmt *stmt, int i, int64_t v) _warn_unused_;
/* Borrowed from the statement until its next step. */
struct slice column_slice(sqlite3_stmt *stmt, int i);
/* The same; absent where the column is NULL. */
struct slice column_text(sqlite3_stmt *stmt, int i);

/* Reads the outbox's size, as the writer sees it. */
int store_load_outbox_size(struct store *store) _warn_unused_;
/* Tells the reading thread. */
void store_publish_outbox_size(struct store *store);

/* The log is so long that it is to be copied into the database. */
bool database_is_log_full(const struct store *store);

void connection_close(struct connection *c);

/* For _cleanup_: a kept statement lets go of its rows and of what was bound to it. */
static inline void statement_donep(sqlite3_stmt **stmt)
{
    if (!*stmt)
        return;
    (void)sqlite3_reset(*stmt);
    (void)sqlite3_clear_bindings(*stmt);
}

/*
 * Opens the database file itself, refuses what is not ours and brings the schema up to date. Fills both
 * connections. -EINVAL with diags.
 */
int database_open(struct store *store, enum durability durability, struct diag_list *diags) _warn_unused_;

/* Opens the reader alone, and only for reading: any schema this release knows, nothing is changed. */
int database_inspect(struct store *store, struct diag_list *diags) _warn_unused_;

/* Adds what an operator can do about a failure while opening. Returns -EINVAL or -ENOMEM. */
int database_add_diag(struct connection *c, int error, struct diag_list *diags);

/* schema.c: the version this release writes, its making, and the way from an older one. The writer holds no
 * transaction. */
extern const int schema_version;
int schema_create(struct connection *c) _warn_unused_;
int schema_migrate(struct connection *c, int64_t from) _warn_unused_;
/* "hapx" */
#define SCHEMA_APPLICATION_ID 0x68617078

#endif
