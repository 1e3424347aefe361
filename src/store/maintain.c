/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Looking at a store, and making it smaller.
 *
 * Looking takes no lock of ours: WAL lets a reader see the last commit while a writer goes on. It opens the
 * file read-only, and of an older schema it says so, rather than bring it up to date on the way.
 *
 * Compacting. SQLite gives pages back to itself, not to the file system; VACUUM does, but in place it writes
 * the whole database twice (a copy, then the write-ahead log). Here the copy is made beside the database
 * (VACUUM INTO), synced, and renamed over it: one copy, and at every instant the name leads to a whole
 * database. A rename under an open database is safe only where nobody else has it open and no log of it lies
 * about, since a log belongs to a name. So the journal mode goes back to DELETE first, which SQLite grants
 * to the only user alone and which removes the log and its index; and the exclusive lock is held until the
 * new file has the name (https://www.sqlite.org/howtocorrupt.html, sections 1.3 and 1.4). The next start sets
 * WAL again. A copy that a kill left is in nobody's way, and is removed by the next one.
 */
#include "store/maintain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "files/files.h"
#include "store/database.h"

/* chosen: a call costs a stat(2), and a step of the virtual machine some ten nanoseconds */
#define PROGRESS_STEPS 100000
/* chosen: a file system that is full to the last byte is in trouble of its own */
#define FREE_MARGIN_BYTES (UINT64_C(16) << 20)

int store_inspect(const char *path, struct diag_list *diags, struct store **ret_store)
{
    _cleanup_(store_closep) struct store *store = calloc(1, sizeof(*store));
    struct stat st;
    int r;

    if (!store)
        return -ENOMEM;
    store->lock_fd = -1;
    store->path = strdup(path);
    if (!store->path)
        return -ENOMEM;
    store->reader.path = store->writer.path = store->path;
    if (stat(path, &st) < 0)
        return diag_add(diags, path, 0, 0, "the state cannot be read: %s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return diag_add(diags, path, 0, 0, "the state is not a regular file");
    r = database_inspect(store, diags);
    if (r < 0)
        return r;
    *ret_store = TAKE_PTR(store);
    return 0;
}

static int query(struct connection *c, const char *sql, int64_t *ret_values, int n)
{
    sqlite3_stmt *stmt = NULL;
    int result = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL), r;

    if (result == SQLITE_OK)
        result = sqlite3_step(stmt);
    r = connection_translate(c, result);
    for (int i = 0; r >= 0 && i < n; i++)
        ret_values[i] = result == SQLITE_ROW ? sqlite3_column_int64(stmt, i) : 0;
    (void)sqlite3_finalize(stmt);
    return r;
}

int store_count(struct store *store, struct store_counts *ret_counts)
{
    struct connection *c = &store->reader;
    int64_t v[12] = {0}, page_size = 0, n_pages = 0, n_free = 0;
    int r = query(c,
                  "SELECT (SELECT count(*) FROM state), (SELECT count(*) FROM cursor),"
                  " (SELECT count(*) FROM pending), (SELECT count(*) FROM outbox),"
                  " (SELECT coalesce(sum(length(bytes)), 0) FROM outbox), (SELECT count(*) FROM dead_letter),"
                  " (SELECT count(*) FROM history), (SELECT min(bucket) FROM history),"
                  " (SELECT max(bucket) FROM history)",
                  v, 9);

    if (r >= 0)
        r = query(c, "PRAGMA user_version", &v[9], 1);
    if (r >= 0)
        r = connection_integer(c, STATEMENT_PAGE_SIZE, 0, &page_size);
    if (r >= 0)
        r = connection_integer(c, STATEMENT_COUNT_PAGES, 0, &n_pages);
    if (r >= 0)
        r = connection_integer(c, STATEMENT_COUNT_FREE_PAGES, 0, &n_free);
    if (r < 0)
        return r;
    *ret_counts = (struct store_counts){
        .schema = v[9],
        .file_bytes = (uint64_t)(n_pages * page_size),
        .free_bytes = (uint64_t)(n_free * page_size),
        .n_state = (uint64_t)v[0],
        .n_cursors = (uint64_t)v[1],
        .n_pending = (uint64_t)v[2],
        .n_outbox = (uint64_t)v[3],
        .outbox_bytes = (uint64_t)v[4],
        .n_dead_letters = (uint64_t)v[5],
        .n_history = (uint64_t)v[6],
        .history_first_usec = v[7],
        .history_last_usec = v[8],
    };
    return 0;
}

int store_check(struct store *store, void (*fn)(void *userdata, const char *problem), void *userdata,
                size_t *ret_n)
{
    struct connection *c = &store->reader;
    sqlite3_stmt *stmt = NULL;
    char sql[64];
    size_t n = 0;
    int result, r;

    (void)snprintf(sql, sizeof(sql), "PRAGMA integrity_check(%d)", STORE_PROBLEMS_MAX);
    result = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);
    if (result == SQLITE_OK)
        while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(stmt, 0);

            if (!text || strcmp(text, "ok") == 0)
                continue;
            n++;
            fn(userdata, text);
        }
    r = connection_translate(c, result);
    (void)sqlite3_finalize(stmt);
    /* too broken to be walked: that is an answer, too */
    if (r == -EBADMSG) {
        n++;
        fn(userdata, c->error);
        r = 0;
    }
    if (r >= 0)
        *ret_n = n;
    return r;
}

struct copy {
    char *path;
    int64_t total_bytes;
    void (*progress)(int64_t n_bytes, int64_t total_bytes);
};

static void remove_copy(struct copy *copy)
{
    if (copy->path)
        (void)unlink(copy->path);
    free(copy->path);
    copy->path = NULL;
}

static int on_progress(void *userdata)
{
    struct copy *copy = userdata;
    struct stat st;

    if (copy->progress && stat(copy->path, &st) == 0)
        copy->progress(st.st_size, copy->total_bytes);
    return 0;
}

static int check_space(const char *path, uint64_t needed_bytes, struct diag_list *diags)
{
    _cleanup_(freep) char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    struct statvfs fs;
    uint64_t free_bytes;

    if (!folder)
        return -ENOMEM;
    if (slash)
        slash[slash == folder ? 1 : 0] = '\0';
    if (statvfs(slash ? folder : ".", &fs) < 0)
        return diag_add(diags, path, 0, 0, "the free space beside it cannot be told: %s", strerror(errno));
    free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    needed_bytes += FREE_MARGIN_BYTES;
    if (free_bytes < needed_bytes)
        return diag_add(diags, path, 0, 0,
                        "%" PRIu64 " MiB are free beside it, expected %" PRIu64
                        " MiB, since a copy of what it holds is made there first",
                        free_bytes >> 20, (needed_bytes >> 20) + 1);
    return 0;
}

/* From here on no other program has the database open, nor can open it. */
static int take_alone(struct connection *c, struct diag_list *diags)
{
    sqlite3_stmt *stmt = NULL;
    bool is_alone = false;
    int result = sqlite3_prepare_v2(c->db, "PRAGMA journal_mode = DELETE", -1, &stmt, NULL);

    if (result == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);

        is_alone = mode && strcmp(mode, "delete") == 0;
    }
    (void)sqlite3_finalize(stmt);
    if (is_alone)
        is_alone = sqlite3_exec(c->db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT", NULL, NULL,
                                NULL) == SQLITE_OK;
    if (!is_alone)
        return diag_add(diags, c->path, 0, 0,
                        "another program has the state open (%s): expected to be alone with it",
                        sqlite3_errmsg(c->db));
    return 0;
}

static int make_copy(struct connection *c, struct copy *copy, int *ret_fd)
{
    _cleanup_(closep) int fd = -1;
    sqlite3_stmt *stmt = NULL;
    int result, r;

    (void)unlink(copy->path);
    /* private before SQLite writes into it */
    fd = open(copy->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    sqlite3_progress_handler(c->db, PROGRESS_STEPS, on_progress, copy);
    result = sqlite3_prepare_v2(c->db, "VACUUM INTO ?1", -1, &stmt, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_bind_text(stmt, 1, copy->path, -1, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_step(stmt);
    r = connection_translate(c, result);
    (void)sqlite3_finalize(stmt);
    sqlite3_progress_handler(c->db, 0, NULL, NULL);
    if (r >= 0 && fsync(fd) < 0)
        r = -errno;
    if (r >= 0)
        *ret_fd = TAKE_FD(fd);
    return r;
}

int store_compact(const char *path, void (*progress)(int64_t n_bytes, int64_t total_bytes),
                  struct diag_list *diags, uint64_t *ret_before_bytes, uint64_t *ret_after_bytes)
{
    _cleanup_(store_closep) struct store *store = NULL;
    _cleanup_(remove_copy) struct copy copy = {.progress = progress};
    _cleanup_(closep) int fd = -1;
    struct store_counts counts;
    struct stat st;
    int r;

    if (access(path, F_OK) < 0)
        return diag_add(diags, path, 0, 0, "there is no such state: %s", strerror(errno));
    r = store_open(path, DURABILITY_POWER, diags, &store);
    if (r >= 0)
        r = store_count(store, &counts);
    if (r < 0)
        return store ? database_add_diag(&store->reader, r, diags) : r;
    copy.total_bytes = (int64_t)(counts.file_bytes - counts.free_bytes);
    r = check_space(path, (uint64_t)copy.total_bytes, diags);
    if (r < 0)
        return r;
    if (asprintf(&copy.path, "%s.compact", path) < 0) {
        copy.path = NULL;
        return -ENOMEM;
    }
    connection_close(&store->reader);
    r = take_alone(&store->writer, diags);
    if (r < 0)
        return r;
    r = make_copy(&store->writer, &copy, &fd);
    if (r >= 0 && (fstat(fd, &st) < 0 || rename(copy.path, path) < 0 || file_sync_folder(path) < 0))
        r = -errno;
    if (r < 0) {
        const char *why = store->writer.error[0] ? store->writer.error : strerror(-r);

        return r == -ENOMEM ? r
                            : diag_add(diags, path, 0, 0, "it cannot be copied (%s): it is as it was", why);
    }
    *ret_before_bytes = counts.file_bytes;
    *ret_after_bytes = (uint64_t)st.st_size;
    return 0;
}
