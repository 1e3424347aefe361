/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Opening the database: whose is it, which schema has it, and how hard does it sync.
 *
 * The header of an SQLite file has two numbers for its owner: application_id says whose file it is,
 * user_version which schema it has. They are read before anything is changed, so a file of another program,
 * or of a newer hapax, is refused and left as it was. A file without tables and with both numbers zero is new
 * (also the empty file of a process that was killed while creating it). The schema and both numbers are
 * written in one transaction (schema.c): there is no half-made store.
 *
 * Damage is looked for at the start, before anything is written, because the next best moment is in the
 * middle of a night's transaction: every page is read and its cells are looked at (quick_check; indexes are
 * not compared with their tables). It costs QUICK_CHECK_MAX_BYTES at most. Nothing is ever repaired or
 * removed here: what is in a damaged file may be all that is left.
 *
 * Two connections: what one thread writes, another reads (restores, walks of the outbox) without waiting, as
 * WAL lets a reader see the last commit while the next is written.
 *
 * The log is copied into the database (a checkpoint: two syncs, and some thousand pages) by store_commit
 * (store.c), not by SQLite itself within whichever commit makes it full: so a caller knows before a commit
 * whether it may take long.
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
#include <sys/stat.h>

/* chosen: after a burst the log shrinks to this at the next checkpoint */
#define WAL_KEEP_BYTES "16777216"
/*
 * Rows of history go to an index by user, that is anywhere, so the same pages are changed again and again:
 * the longer the log grows before it is copied, the less is copied (measured 2026-11 with a cache of 16 MiB,
 * too: 157 us a row become 25). A connection's cache is small, since the memory of a long run has to be flat
 * from its first hour on, and SQLite's own size (2 MiB) takes until the ninth to fill: what is not in it is
 * in the kernel's cache (measured 2026-11: where each record is judged, a tenth more of the processor's
 * time).
 */
#define CACHE_KIB        "512"
#define CHECKPOINT_PAGES 4096

/*
 * Above it, damage is looked for by `hapax store check` alone: a start that waits for minutes is no start.
 * Measured 2026-11 on a database in memory: 1.5 to 3.5 ms a MiB, so at most a second.
 */
#define QUICK_CHECK_MAX_BYTES (INT64_C(256) << 20)

static int to_errno(const struct connection *c, int result)
{
    int os_errno = c->db ? sqlite3_system_errno(c->db) : 0;

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

int connection_translate(struct connection *c, int result)
{
    int r;

    if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE)
        return 0;
    (void)snprintf(c->error, sizeof(c->error), "'%s': %s", c->path,
                   c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(result));
    r = to_errno(c, result);
    if (c->failure == 0)
        c->failure = r;
    return r;
}

int database_add_diag(struct connection *c, int error, struct diag_list *diags)
{
    switch (error) {
    case -ENOSPC:
        return diag_add(diags, c->path, 0, 0, "no space is left for the state: free some and start again");
    case -EROFS:
        return diag_add(
            diags, c->path, 0, 0,
            "the state cannot be written (read-only, or no permission): expected a file and a folder "
            "that this user may write");
    case -EBADMSG:
        return diag_add(
            diags, c->path, 0, 0,
            "the state is damaged or not an SQLite database (%s): 'hapax store check' shows what is wrong, "
            "'hapax store export --salvage' prints what can be read; restore a copy, or move the file away "
            "to start with an empty state",
            c->error);
    case -ENOMEM:
        return -ENOMEM;
    default:
        return diag_add(diags, c->path, 0, 0, "the state cannot be opened: %s", c->error);
    }
}

static int execute(struct connection *c, const char *text)
{
    return connection_translate(c, sqlite3_exec(c->db, text, NULL, NULL, NULL));
}

/* The first column of the first row of a query that has one. */
static int query_integer(struct connection *c, const char *text, int64_t *ret_v)
{
    sqlite3_stmt *stmt = NULL;
    int64_t v = 0;
    int result;

    result = sqlite3_prepare_v2(c->db, text, -1, &stmt, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(stmt);
    if (result == SQLITE_ROW)
        v = sqlite3_column_int64(stmt, 0);
    /* before finalize, which forgets the error */
    result = connection_translate(c, result);
    (void)sqlite3_finalize(stmt);
    if (result < 0)
        return result;
    *ret_v = v;
    return 0;
}

/* -EBADMSG where it finds damage, with the first of it as the error; 0 also where the file is too large. */
static int look_for_damage(struct connection *c)
{
    sqlite3_stmt *stmt = NULL;
    struct stat st;
    int result, r;

    if (stat(c->path, &st) < 0 || st.st_size > QUICK_CHECK_MAX_BYTES)
        return 0;
    result = sqlite3_prepare_v2(c->db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(stmt);
    r = connection_translate(c, result);
    if (result == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);

        if (text && strcmp(text, "ok") != 0) {
            (void)snprintf(c->error, sizeof(c->error), "'%s': %.*s", c->path, (int)strcspn(text, "\n"), text);
            r = -EBADMSG;
        }
    }
    (void)sqlite3_finalize(stmt);
    return r;
}

/* Whose file is this, and which schema has it? 0: nobody's yet. */
static int check_owner(struct connection *c, struct diag_list *diags, int64_t *ret_version)
{
    int64_t application = 0, version = 0, n_tables = 0;
    int r;

    r = query_integer(c, "PRAGMA application_id", &application);
    if (r >= 0)
        r = query_integer(c, "PRAGMA user_version", &version);
    if (r >= 0)
        r = query_integer(c, "SELECT count(*) FROM sqlite_schema", &n_tables);
    if (r < 0)
        return database_add_diag(c, r, diags);

    if (application == 0 && version == 0 && n_tables == 0) {
        *ret_version = 0;
        return 0;
    }
    if (application != SCHEMA_APPLICATION_ID)
        return diag_add(diags, c->path, 0, 0,
                        "this is the database of another program (application id %" PRId64
                        "): expected a state file of hapax, or a name that does not exist yet",
                        application);
    if (version > schema_version)
        return diag_add(diags, c->path, 0, 0,
                        "the state was written by a newer hapax (schema %" PRId64
                        ", this one knows up to %d): update hapax, or name another state file",
                        version, schema_version);
    if (version < 1)
        return diag_add(diags, c->path, 0, 0, "the state has the unknown schema %" PRId64 ": expected %d",
                        version, schema_version);
    *ret_version = version;
    return 0;
}

/* The journal mode is an answer, not a result: a file system without shared memory keeps the old one. */
static int set_wal(struct connection *c, struct diag_list *diags)
{
    sqlite3_stmt *stmt = NULL;
    bool is_wal = false;
    int result, r;

    result = sqlite3_prepare_v2(c->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(stmt);
    if (result == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);

        is_wal = mode && strcmp(mode, "wal") == 0;
    }
    r = connection_translate(c, result);
    (void)sqlite3_finalize(stmt);
    /* only where the file is not in that mode yet, as after `hapax store compact` */
    if ((result & 0xff) == SQLITE_BUSY)
        return diag_add(diags, c->path, 0, 0,
                        "another program has the state open (%s): close it, or name another state file",
                        c->error);
    if (r < 0)
        return database_add_diag(c, r, diags);
    if (!is_wal)
        return diag_add(diags, c->path, 0, 0,
                        "the file system cannot hold a write-ahead log: expected a local one (no NFS)");
    return 0;
}

static int open_connection(struct connection *c, int flags)
{
    int r = connection_translate(
        c, sqlite3_open_v2(c->path, &c->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL));

    if (r < 0)
        return r;
    (void)sqlite3_busy_timeout(c->db, BUSY_TIMEOUT_MSEC);
    /* a doctored file must not run code of its schema, nor may we damage one */
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return 0;
}

void connection_close(struct connection *c)
{
    for (size_t i = 0; i < N_STATEMENTS; i++)
        (void)sqlite3_finalize(c->statements[i]);
    /* an open transaction is rolled back by this */
    (void)sqlite3_close(c->db);
    *c = (struct connection){0};
}

/* In place of SQLite's own hook, which would copy the log. */
static int on_log(void *userdata, sqlite3 *db, const char *name, int n_pages)
{
    struct store *store = userdata;

    (void)db;
    (void)name;
    store->n_log_pages = n_pages;
    return SQLITE_OK;
}

bool database_is_log_full(const struct store *store)
{
    return store->n_log_pages >= CHECKPOINT_PAGES;
}

int database_open(struct store *store, enum durability durability, struct diag_list *diags)
{
    struct connection *c = &store->writer;
    int64_t version = 0;
    int r;

    /* one thread at a time uses a connection, so SQLite needs no lock of its own around every call */
    r = open_connection(c, SQLITE_OPEN_READWRITE);
    if (r < 0)
        return database_add_diag(c, r, diags);
    r = check_owner(c, diags, &version);
    if (r < 0)
        return r;
    r = look_for_damage(c);
    if (r < 0)
        return database_add_diag(c, r, diags);
    r = set_wal(c, diags);
    if (r < 0)
        return r;
    r = execute(c,
                durability == DURABILITY_POWER ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    if (r >= 0)
        r = execute(c, "PRAGMA journal_size_limit = " WAL_KEEP_BYTES "; PRAGMA cell_size_check = ON;"
                       "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -" CACHE_KIB);
    (void)sqlite3_wal_hook(c->db, on_log, store);
    store->is_synced = durability == DURABILITY_POWER;
    if (r >= 0 && version < schema_version)
        r = version == 0 ? schema_create(c) : schema_migrate(c, version);
    /* also the first look at our tables: a damaged file is found here, not at the first alert */
    if (r >= 0)
        r = store_load_outbox_size(store);
    if (r < 0)
        return database_add_diag(c, r, diags);
    c = &store->reader;
    r = open_connection(c, SQLITE_OPEN_READWRITE);
    if (r >= 0)
        r = execute(c, "PRAGMA query_only = ON; PRAGMA cache_size = -" CACHE_KIB);
    return r < 0 ? database_add_diag(c, r, diags) : 0;
}

int database_inspect(struct store *store, struct diag_list *diags)
{
    struct connection *c = &store->reader;
    int64_t version = 0;
    int r = open_connection(c, SQLITE_OPEN_READONLY);

    if (r < 0)
        return database_add_diag(c, r, diags);
    r = check_owner(c, diags, &version);
    if (r < 0)
        return r;
    if (version == 0)
        return diag_add(diags, c->path, 0, 0, "there is nothing in this state yet");
    if (version < schema_version)
        return diag_add(diags, c->path, 0, 0,
                        "the state was written by an older hapax (schema %" PRId64
                        "): 'hapax store compact' brings it up to date",
                        version);
    return 0;
}
