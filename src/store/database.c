/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Opening the database: whose is it, which schema has it, and how hard does it sync.
 *
 * The header of an SQLite file has two numbers for its owner: application_id says whose file it is,
 * user_version which schema it has. They are read before anything is changed, so a file of another program,
 * or of a newer hapax, is refused and left as it was. A file without tables and with both numbers zero is new
 * (also the empty file of a process that was killed while creating it). The schema and both numbers are
 * written in one transaction: there is no half-made store.
 *
 * WAL is what makes a transaction cheap: one append, and a sync only at a checkpoint (synchronous=NORMAL,
 * which survives the death of the process) or at every commit (FULL, which survives the loss of power):
 * https://www.sqlite.org/pragma.html#pragma_synchronous. The database is given private permissions before
 * SQLite sees it; its -wal and -shm files inherit them (https://www.sqlite.org/src/file/src/os_unix.c,
 * findCreateFileMode).
 *
 * What SQLite answers becomes one of five errors here (store.h); its own words are kept for the message.
 */
#include "store/database.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* chosen: the bytes of "hapx"; no other program of
 * https://www.sqlite.org/src/artifact?ci=trunk&filename=magic.txt uses it */
#define APPLICATION_ID 0x68617078
/* Raised with every change of the schema; migrate() knows the way from each older one. */
#define SCHEMA_VERSION 1
/* chosen: a reader's checkpoint takes milliseconds; whoever holds the database longer is broken */
#define BUSY_TIMEOUT_MSEC 5000
/* chosen: after a burst the log shrinks to this at the next checkpoint */
#define WAL_KEEP_BYTES "16777216"

static const char schema_text[] =
    "CREATE TABLE state(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE cursor(source TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE pending(source TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"
    /* AUTOINCREMENT: a ticket is never given twice, even when the outbox was empty in between */
    "CREATE TABLE outbox(ticket INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, id BLOB NOT NULL,"
    " key BLOB NOT NULL, message BLOB NOT NULL, severity INTEGER NOT NULL, bytes BLOB NOT NULL,"
    " UNIQUE(sink, id));"
    /* an index ends in the rowid, here the ticket: the walk of one sink in order */
    "CREATE INDEX outbox_by_sink ON outbox(sink);"
    "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;";

static int to_errno(const struct store *store, int result)
{
    int os_errno = store->db ? sqlite3_system_errno(store->db) : 0;

    switch (result & 0xff) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        /* SQLite tells only ENOSPC apart; a quota and a limit on file size are the same to an operator */
        if (os_errno == ENOSPC || os_errno == EDQUOT || os_errno == EFBIG)
            return -ENOSPC;
        if (os_errno == EROFS || os_errno == EACCES || os_errno == EPERM)
            return -EROFS;
        return -EIO;
    default:
        return -EIO;
    }
}

int store_translate(struct store *store, int result)
{
    int r;

    if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE)
        return 0;
    (void)snprintf(store->error, sizeof(store->error), "'%s': %s", store->path,
                   store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(result));
    r = to_errno(store, result);
    if (store->failure == 0)
        store->failure = r;
    return r;
}

static int add_diag(struct store *store, int error, struct diag_list *diags)
{
    switch (error) {
    case -ENOSPC:
        return diag_add(diags, store->path, 0, 0,
                        "no space is left for the state: free some and start again");
    case -EROFS:
        return diag_add(
            diags, store->path, 0, 0,
            "the state cannot be written (read-only, or no permission): expected a file and a folder "
            "that this user may write");
    case -EBADMSG:
        return diag_add(
            diags, store->path, 0, 0,
            "the state is damaged or not an SQLite database (%s): move it away to start with an empty "
            "one, or restore a copy",
            store->error);
    case -ENOMEM:
        return -ENOMEM;
    default:
        return diag_add(diags, store->path, 0, 0, "the state cannot be opened: %s", store->error);
    }
}

static int execute(struct store *store, const char *text)
{
    return store_translate(store, sqlite3_exec(store->db, text, NULL, NULL, NULL));
}

/* The first column of the first row of a query that has one. */
static int query_integer(struct store *store, const char *text, int64_t *ret_v)
{
    sqlite3_stmt *stmt = NULL;
    int64_t v = 0;
    int result;

    result = sqlite3_prepare_v2(store->db, text, -1, &stmt, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(stmt);
    if (result == SQLITE_ROW)
        v = sqlite3_column_int64(stmt, 0);
    /* before finalize, which forgets the error */
    result = store_translate(store, result);
    (void)sqlite3_finalize(stmt);
    if (result < 0)
        return result;
    *ret_v = v;
    return 0;
}

static int create_schema(struct store *store)
{
    char numbers[96];
    int r;

    (void)snprintf(numbers, sizeof(numbers), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
                   APPLICATION_ID, SCHEMA_VERSION);
    r = execute(store, "BEGIN IMMEDIATE");
    if (r >= 0)
        r = execute(store, schema_text);
    if (r >= 0)
        r = execute(store, numbers);
    if (r >= 0)
        r = execute(store, "COMMIT");
    return r;
}

/* Whose file is this? *ret_is_new where it is nobody's yet. */
static int check_owner(struct store *store, struct diag_list *diags, bool *ret_is_new)
{
    int64_t application = 0, version = 0, n_tables = 0;
    int r;

    r = query_integer(store, "PRAGMA application_id", &application);
    if (r >= 0)
        r = query_integer(store, "PRAGMA user_version", &version);
    if (r >= 0)
        r = query_integer(store, "SELECT count(*) FROM sqlite_schema", &n_tables);
    if (r < 0)
        return add_diag(store, r, diags);

    if (application == 0 && version == 0 && n_tables == 0) {
        *ret_is_new = true;
        return 0;
    }
    if (application != APPLICATION_ID)
        return diag_add(diags, store->path, 0, 0,
                        "this is the database of another program (application id %" PRId64
                        "): expected a state file of hapax, or a name that does not exist yet",
                        application);
    if (version > SCHEMA_VERSION)
        return diag_add(diags, store->path, 0, 0,
                        "the state was written by a newer hapax (schema %" PRId64
                        ", this one knows up to %d): update hapax, or name another state file",
                        version, SCHEMA_VERSION);
    if (version < SCHEMA_VERSION)
        return diag_add(diags, store->path, 0, 0, "the state has the unknown schema %" PRId64 ": expected %d",
                        version, SCHEMA_VERSION);
    *ret_is_new = false;
    return 0;
}

/* The journal mode is an answer, not a result: a file system without shared memory keeps the old one. */
static int set_wal(struct store *store, struct diag_list *diags)
{
    sqlite3_stmt *stmt = NULL;
    bool is_wal = false;
    int result, r;

    result = sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(stmt);
    if (result == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);

        is_wal = mode && strcmp(mode, "wal") == 0;
    }
    r = store_translate(store, result);
    (void)sqlite3_finalize(stmt);
    if (r < 0)
        return add_diag(store, r, diags);
    if (!is_wal)
        return diag_add(diags, store->path, 0, 0,
                        "the file system cannot hold a write-ahead log: expected a local one (no NFS)");
    return 0;
}

int database_open(struct store *store, enum durability durability, struct diag_list *diags)
{
    bool is_new = false;
    int r;

    /* one thread at a time uses a store, so SQLite needs no lock of its own around every call */
    r = store_translate(
        store, sqlite3_open_v2(store->path, &store->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL));
    if (r < 0)
        return add_diag(store, r, diags);
    (void)sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MSEC);
    /* a doctored file must not run code of its schema, nor may we damage one */
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);

    r = check_owner(store, diags, &is_new);
    if (r < 0)
        return r;
    r = set_wal(store, diags);
    if (r < 0)
        return r;
    r = execute(store,
                durability == DURABILITY_POWER ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    if (r >= 0)
        r = execute(store, "PRAGMA journal_size_limit = " WAL_KEEP_BYTES "; PRAGMA cell_size_check = ON;"
                           "PRAGMA temp_store = MEMORY");
    if (r >= 0 && is_new)
        r = create_schema(store);
    /* also the first look at our tables: a damaged file is found here, not at the first alert */
    if (r >= 0)
        r = store_load_outbox_size(store);
    if (r < 0)
        return add_diag(store, r, diags);
    return 0;
}
