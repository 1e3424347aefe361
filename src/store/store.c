/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The store as its callers see it: one file, one owner, one transaction at a time.
 *
 * Owner: a second hapax on the same state would learn and alert on half of the records each, so the store is
 * locked for as long as it is open. The lock is an flock(2) on PATH.lock beside the database: it goes with
 * the process however that dies, and tools that only read (sqlite3, a backup) are not locked out, which
 * SQLite's own locking_mode=EXCLUSIVE would do. It is not on the database itself, because closing any second
 * descriptor of that file would drop SQLite's POSIX locks. The lock file stays: removing it is a race. It
 * holds the owner's process id, for the message only.
 *
 * Files: 0600 whatever the umask, the folder 0700; who ran what is nobody else's business. Only the last
 * folder of the path is made: a mistyped path shall not grow a tree.
 *
 * Transactions: SQLite may have rolled back by itself after an error (disk full), so rollback asks first
 * whether there is anything to roll back. An outbox size seen inside a transaction that is rolled back is
 * forgotten.
 *
 * A file that is removed, moved or unmounted under a running program can still be written, and nobody would
 * ever read it again; so can its write-ahead log, in which up to 16 MiB stand that are nowhere else. So each
 * transaction first looks whether their paths lead to the files that are open (a stat(2) each); where one
 * does not, nothing is written, and nobody is told that anything is durable.
 *
 * A full disk: the write-ahead log grows to 16 MiB before it is copied into the database
 * (https://www.sqlite.org/wal.html#checkpointing: as much as readers allow, errors are for the next time),
 * and gives nothing back by itself. On a disk that it has filled, the database may need only a part of it. So
 * a transaction that found no space is followed by a checkpoint that cuts the log; the next try has what that
 * gave, and one that fails has lost nothing.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "store/database.h"
#include "util/parse.h"

/* chosen: nobody notices a twentieth of a second between two processes */
#define LOCK_POLL_USEC (50 * 1000)

static int add_path_diag(struct diag_list *diags, const char *path, int error)
{
    switch (error) {
    case EROFS:
    case EACCES:
    case EPERM:
        return diag_add(
            diags, path, 0, 0,
            "the state cannot be written (%s): expected a file and a folder that this user may write",
            strerror(error));
    case ENOENT:
        return diag_add(diags, path, 0, 0,
                        "the state's folder does not exist, nor does the one above it: make it first");
    case ENOTDIR:
        return diag_add(diags, path, 0, 0,
                        "a part of the state's path is not a folder: expected FOLDER/FILE");
    case EISDIR:
        return diag_add(diags, path, 0, 0, "the state is a folder: expected the name of a file");
    case ENOSPC:
    case EDQUOT:
        return diag_add(diags, path, 0, 0, "no space is left for the state: free some and start again");
    case ENOMEM:
        return -ENOMEM;
    default:
        return diag_add(diags, path, 0, 0, "the state cannot be opened: %s", strerror(error));
    }
}

static int make_folder(const char *path, struct diag_list *diags)
{
    _cleanup_(freep) char *folder = NULL;
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return 0;
    folder = strndup(path, (size_t)(slash - path));
    if (!folder)
        return -ENOMEM;
    if (mkdir(folder, 0700) < 0 && errno != EEXIST && errno != EROFS)
        return add_path_diag(diags, path, errno);
    return 0;
}

/* Who holds the lock, as it says itself; 0 where that cannot be read. */
static uint64_t read_owner(int fd)
{
    char text[24];
    uint64_t pid = 0;
    ssize_t n = pread(fd, text, sizeof(text), 0);

    if (n <= 0 || parse_u64(slice_trim(slice_new(text, (size_t)n)), &pid) < 0)
        return 0;
    return pid;
}

static int take_lock(const char *path, struct diag_list *diags, int *ret_fd)
{
    _cleanup_(freep) char *lock_path = NULL;
    _cleanup_(closep) int fd = -1;

    if (asprintf(&lock_path, "%s.lock", path) < 0) {
        lock_path = NULL;
        return -ENOMEM;
    }
    fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0)
        return add_path_diag(diags, path, errno);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return diag_add(diags, lock_path, 0, 0, "the state's lock cannot be taken: %s", strerror(errno));
        return diag_add(diags, path, 0, 0,
                        "the state is in use by another hapax (process %" PRIu64
                        "): stop that one, or name another state file",
                        read_owner(fd));
    }
    /* a courtesy to whoever finds the lock taken: without it the message says process 0 */
    if (ftruncate(fd, 0) == 0)
        (void)dprintf(fd, "%ld\n", (long)getpid());
    *ret_fd = TAKE_FD(fd);
    return 0;
}

void store_wait_unlocked(const char *path, int64_t timeout_usec)
{
    _cleanup_(freep) char *lock_path = NULL;
    _cleanup_(closep) int fd = -1;

    if (asprintf(&lock_path, "%s.lock", path) < 0) {
        lock_path = NULL;
        return;
    }
    fd = open(lock_path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return;
    /* flock(2) has no time limit, and a timer's signal would need a handler of the whole program's */
    for (int64_t waited = 0; waited < timeout_usec; waited += LOCK_POLL_USEC) {
        struct timespec pause = {.tv_nsec = LOCK_POLL_USEC * 1000};

        if (flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            return;
        (void)nanosleep(&pause, NULL);
    }
}

/* So that SQLite finds a file that is private already. */
static int make_file(const char *path, struct diag_list *diags)
{
    _cleanup_(closep) int fd = -1;
    struct stat st;

    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd >= 0)
        return 0;
    if (errno != EEXIST)
        return add_path_diag(diags, path, errno);
    if (stat(path, &st) < 0)
        return add_path_diag(diags, path, errno);
    if (S_ISDIR(st.st_mode))
        return add_path_diag(diags, path, EISDIR);
    if (!S_ISREG(st.st_mode))
        return diag_add(diags, path, 0, 0, "the state is not a regular file: expected the name of one");
    return 0;
}

static int note_file(const char *path, struct store_file *ret_file)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -errno;
    *ret_file = (struct store_file){st.st_dev, st.st_ino};
    return 0;
}

/* Whether the path still leads to the file that is open. Whatever else stat(2) fails with says nothing. */
static bool has_file(const char *path, const struct store_file *file)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return errno != ENOENT && errno != ENOTDIR;
    return st.st_dev == file->device && st.st_ino == file->inode;
}

/* The one that is no longer there; NULL: none. */
static const char *missing_file(const struct store *store)
{
    if (!has_file(store->path, &store->file))
        return store->path;
    if (store->log_file.inode != 0 && !has_file(store->log_path, &store->log_file))
        return store->log_path;
    return NULL;
}

/*
 * A store whose log was never copied is a page without anything in it, and looks as a new one where somebody
 * removes the log of a process that was killed. What tells them apart is the index of the log (-shm), which
 * SQLite removes behind the log. The version of the schema is at byte 60
 * (https://www.sqlite.org/fileformat.html).
 */
static bool has_lost_log(const struct store *store)
{
    _cleanup_(freep) char *index_path = NULL;
    _cleanup_(closep) int fd = -1;
    char version[4] = {0};
    struct stat st;

    if (asprintf(&index_path, "%s-shm", store->path) < 0)
        return false;
    if (stat(index_path, &st) < 0 || stat(store->log_path, &st) == 0 || errno != ENOENT)
        return false;
    fd = open(store->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return fd >= 0 && pread(fd, version, sizeof(version), 60) >= 0 &&
           memcmp(version, (char[4]){0}, sizeof(version)) == 0;
}

int store_open(const char *path, enum durability durability, struct diag_list *diags,
               struct store **ret_store)
{
    _cleanup_(store_closep) struct store *store = NULL;
    int r;

    store = calloc(1, sizeof(*store));
    if (!store)
        return -ENOMEM;
    store->lock_fd = -1;
    store->path = strdup(path);
    if (!store->path || asprintf(&store->log_path, "%s-wal", path) < 0)
        return -ENOMEM;
    store->writer.path = store->reader.path = store->path;
    r = make_folder(path, diags);
    if (r < 0)
        return r;
    r = make_file(path, diags);
    if (r < 0)
        return r;
    r = take_lock(path, diags, &store->lock_fd);
    if (r < 0)
        return r;
    r = note_file(path, &store->file);
    if (r < 0)
        return add_path_diag(diags, path, -r);
    if (has_lost_log(store))
        return diag_add(
            diags, path, 0, 0,
            "the write-ahead log of this state, '%s', was removed, and all that was learned stood in "
            "it: put it back, or remove '%s-shm' to start with an empty state",
            store->log_path, path);
    r = database_open(store, durability, diags);
    if (r < 0)
        return r;
    *ret_store = TAKE_PTR(store);
    return 0;
}

struct store *store_close(struct store *store)
{
    if (!store)
        return NULL;
    /* the last one to close folds the log into the database, and the reader may not write */
    connection_close(&store->reader);
    connection_close(&store->writer);
    if (store->lock_fd >= 0)
        (void)close(store->lock_fd);
    free(store->path);
    free(store->log_path);
    free(store);
    return NULL;
}

const char *store_error(const struct store *store)
{
    return store->writer.error;
}

const char *store_read_error(const struct store *store)
{
    return store->reader.error;
}

static int run_kept(struct connection *c, enum statement statement)
{
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    int r = connection_statement(c, statement, &stmt);

    return r < 0 ? r : connection_run(c, stmt);
}

/* What it cannot copy stays in the log for the next time. */
static void copy_log(struct store *store, int mode)
{
    int n_pages = 0, n_copied = -1;
    int result = sqlite3_wal_checkpoint_v2(store->writer.db, NULL, mode, &n_pages, &n_copied);

    store->is_log_copied = result == SQLITE_OK && n_copied == n_pages;
    if (store->is_log_copied)
        store->n_log_pages = 0;
}

/* 1: another program holds the database, which who is patient waits for. */
static int begin(struct store *store, bool is_patient)
{
    struct connection *c = &store->writer;
    _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
    const char *missing;
    int result, r;

    assert(!c->is_in_transaction);

    c->failure = 0;
    missing = missing_file(store);
    if (missing) {
        (void)snprintf(c->error, sizeof(c->error),
                       "'%s': the file was removed or replaced while it is in use: put it back, or restart "
                       "hapax",
                       missing);
        return -EIO;
    }
    r = connection_statement(c, STATEMENT_BEGIN, &stmt);
    if (r < 0)
        return r;
    (void)sqlite3_busy_timeout(c->db, is_patient ? BUSY_TIMEOUT_MSEC : 0);
    result = sqlite3_step(stmt);
    if (!is_patient && (result & 0xff) == SQLITE_BUSY)
        return 1;
    r = connection_translate(c, result);
    if (r < 0)
        return r;
    store->outbox_before = store->outbox;
    c->is_in_transaction = true;
    return 0;
}

int store_begin(struct store *store)
{
    return begin(store, true);
}

int store_try_begin(struct store *store)
{
    return begin(store, false);
}

int store_commit(struct store *store)
{
    struct connection *c = &store->writer;
    bool is_log_full = database_is_log_full(store);
    int r;

    assert(c->is_in_transaction);

    r = run_kept(c, STATEMENT_COMMIT);
    if (r < 0)
        return r;
    c->is_in_transaction = false;
    store->is_log_copied = false;
    store_publish_outbox_size(store);
    /* it is there from now on until the last connection is closed */
    if (store->log_file.inode == 0)
        (void)note_file(store->log_path, &store->log_file);
    /* one commit late: so that store_is_quick knew */
    if (is_log_full)
        copy_log(store, SQLITE_CHECKPOINT_PASSIVE);
    return 0;
}

bool store_is_quick(const struct store *store)
{
    /* the first commit into a log that begins anew syncs its header (SQLite's wal.c, sqlite3WalFrames) */
    return !store->is_synced && !store->is_log_copied && !database_is_log_full(store);
}

int store_rollback(struct store *store)
{
    struct connection *c = &store->writer;
    int r = 0;

    if (!c->is_in_transaction)
        return 0;
    c->is_in_transaction = false;
    store->outbox = store->outbox_before;
    if (!sqlite3_get_autocommit(c->db))
        r = run_kept(c, STATEMENT_ROLLBACK);
    /* see the essay; -EIO, too: of a quota or a limit met by COMMIT, SQLite tells no more. The caller's
     * message is about the transaction, so an error here is not kept. */
    if (r >= 0 && (c->failure == -ENOSPC || c->failure == -EIO))
        copy_log(store, SQLITE_CHECKPOINT_TRUNCATE);
    return r;
}
