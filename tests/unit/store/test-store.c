/* SPDX-License-Identifier: Apache-2.0 */

/* The store as a file with one owner: permissions, the lock, what a death in mid-transaction leaves, a full
 * disk. */
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "support-store.h"

static mode_t mode_of(const char *path)
{
    struct stat st;

    cr_assert(stat(path, &st) == 0, "%s", path);
    return st.st_mode & 07777;
}

Test(store, is_private_whatever_the_umask)
{
    char folder[FOLDER_SIZE], made[TEST_PATH_SIZE], path[TEST_PATH_SIZE], beside[TEST_PATH_SIZE + 8];
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    struct store *store;

    make_temporary(folder);
    name_in(made, folder, "hapax");
    name_in(path, made, "state.db");
    (void)umask(0);
    store = open_store(path);
    cr_assert(store_begin(store) == 0);
    put(store, "k", "v");
    cr_assert(store_commit(store) == 0);
    cr_assert(mode_of(made) == 0700, "%o", mode_of(made));
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        (void)snprintf(beside, sizeof(beside), "%s%s", path, suffixes[i]);
        cr_assert(mode_of(beside) == 0600, "%s: %o", beside, mode_of(beside));
    }
    store_close(store);
    remove_temporary(folder);
}

Test(store, refuses_a_path_it_cannot_use)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE], file[TEST_PATH_SIZE];

    make_temporary(folder);
    name_in(path, folder, "a/b/state.db");
    refuse_store(path, "nor does the one above it: make it first", "no parent");
    name_in(path, folder, "");
    path[strlen(path) - 1] = '\0';
    refuse_store(path, "the state is a folder: expected the name of a file", "a folder");
    name_in(file, folder, "file");
    cr_assert(close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
    name_in(path, file, "state.db");
    refuse_store(path, "a part of the state's path is not a folder", "below a file");
    name_in(path, folder, "fifo");
    cr_assert(mkfifo(path, 0600) == 0);
    refuse_store(path, "not a regular file", "a fifo");
    remove_temporary(folder);
}

Test(store, refuses_what_it_may_not_write)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];

    if (geteuid() == 0)
        cr_skip_test("root may write everything");
    make_temporary(folder);
    name_in(path, folder, "state.db");
    store_close(open_store(path));
    cr_assert(chmod(path, 0400) == 0);
    refuse_store(path, "cannot be written", "a file without permission");
    cr_assert(chmod(folder, 0500) == 0);
    refuse_store(path, "cannot be written", "a folder without permission");
    cr_assert(chmod(folder, 0700) == 0);
    remove_temporary(folder);
}

Test(store, has_one_owner)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE], expected[64];
    struct store *store;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    (void)snprintf(expected, sizeof(expected), "in use by another hapax (process %ld): stop that one",
                   (long)getpid());
    refuse_store(path, expected, "locked");
    store_close(store);
    store_close(open_store(path));
    remove_temporary(folder);
}

Test(store, forgets_a_transaction_that_was_not_committed)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    struct store *store;
    int status = 0;
    pid_t pid;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    cr_assert(store_begin(store) == 0);
    put(store, "k", "committed");
    cr_assert(store_commit(store) == 0);
    cr_assert(store_begin(store) == 0);
    put(store, "k", "rolled back");
    cr_assert(store_rollback(store) == 0);
    cr_assert(store_rollback(store) == 0); /* nothing to do */
    assert_state(store, "", "k=committed ");
    store_close(store);

    pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        struct diag_list diags = DIAG_LIST_INIT;
        struct change first = {SLICE("first"), SLICE("durable")}, second = {SLICE("k"), SLICE("lost")};

        if (store_open(path, DURABILITY_POWER, &diags, &store) == 0 && store_begin(store) == 0 &&
            store_put_change(store, &first) == 0 && store_commit(store) == 0 && store_begin(store) == 0 &&
            store_put_change(store, &second) == 0 && store_put_cursor(store, "s", SLICE("x")) == 0)
            (void)kill(getpid(), SIGKILL);
        _exit(1);
    }
    cr_assert(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

    store = open_store(path);
    assert_state(store, "", "first=durable k=committed ");
    store_close(store);
    remove_temporary(folder);
}

Test(store, writes_to_no_file_that_was_taken_away)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE], aside[TEST_PATH_SIZE];
    struct store *store;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    name_in(aside, folder, "aside.db");
    store = open_store(path);
    cr_assert(rename(path, aside) == 0);
    cr_assert(store_begin(store) == -EIO);
    cr_assert(strstr(store_error(store),
                     "the file was removed or replaced while it is in use: put it back, or "
                     "restart hapax"),
              "%s", store_error(store));
    cr_assert(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
    cr_assert(store_begin(store) == -EIO, "another file of that name");
    cr_assert(rename(aside, path) == 0);
    cr_assert(store_begin(store) == 0, "put back");
    put(store, "k", "v");
    cr_assert(store_commit(store) == 0);

    /* its log, which holds what is not in it yet */
    name_in(path, folder, "state.db-wal");
    cr_assert(rename(path, aside) == 0);
    cr_assert(store_begin(store) == -EIO);
    cr_assert(
        strstr(store_error(store), "state.db-wal': the file was removed or replaced while it is in use"),
        "%s", store_error(store));
    cr_assert(rename(aside, path) == 0);
    cr_assert(store_begin(store) == 0, "put back");
    cr_assert(store_commit(store) == 0);
    store_close(store);
    remove_temporary(folder);
}

Test(store, is_not_taken_for_a_new_one_where_its_log_was_removed)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE], log_path[TEST_PATH_SIZE], aside[TEST_PATH_SIZE];
    struct diag_list diags = DIAG_LIST_INIT;
    struct store *store = NULL;
    int status;
    pid_t pid;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    name_in(log_path, folder, "state.db-wal");
    name_in(aside, folder, "aside");
    pid = fork();
    if (pid == 0) {
        store = open_store(path);
        if (store_begin(store) == 0 &&
            store_put_change(store, &(struct change){SLICE("k"), SLICE("v")}) == 0 &&
            store_commit(store) == 0)
            (void)kill(getpid(), SIGKILL);
        _exit(1);
    }
    cr_assert(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    cr_assert(rename(log_path, aside) == 0);
    for (int i = 0; i < 2; i++) {
        cr_assert(store_open(path, DURABILITY_PROCESS, &diags, &store) == -EINVAL);
        cr_assert(diags.n == 1 &&
                      strstr(diags.items[0].message, "state.db-wal', was removed, and all that was "
                                                     "learned stood in it: put it back, or remove '"),
                  "%s", diags.n > 0 ? diags.items[0].message : "");
        diag_list_done(&diags);
    }
    cr_assert(rename(aside, log_path) == 0);
    store = open_store(path);
    assert_state(store, "", "k=v ");
    store_close(store);
    remove_temporary(folder);
}

Test(store, goes_on_where_only_its_own_log_fills_the_disk)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    _cleanup_(freep) char *value = calloc(1, 16 << 10);
    struct rlimit limit = {256 << 10, RLIM_INFINITY}, unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    struct change change = {SLICE("k"), slice_new(value, 16 << 10)};
    struct store *store;
    unsigned n_full = 0;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    cr_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    /* the database needs 40 KiB, the log 20 KiB a commit: a second try must find room */
    for (unsigned i = 0; i < 50; i++) {
        int r = -ENOSPC;

        memset(value, (int)i + 1, 16 << 10);
        for (unsigned n_tries = 0; r < 0 && n_tries < 2; n_tries++) {
            cr_assert(store_begin(store) == 0);
            r = store_put_change(store, &change);
            if (r >= 0)
                r = store_commit(store);
            if (r >= 0)
                continue;
            n_full++;
            cr_assert(store_rollback(store) == 0);
            cr_assert(strstr(store_error(store), path) != NULL, "what went wrong can still be told");
        }
        cr_assert(r == 0, "commit %u: %d: %s", i, r, store_error(store));
    }
    cr_assert(n_full > 0);
    cr_assert(setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    store_close(store);
    remove_temporary(folder);
}

Test(store, says_no_space_and_keeps_what_was_committed)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    _cleanup_(freep) char *large = calloc(1, 24 << 20);
    struct rlimit limit = {2 << 20, RLIM_INFINITY}, unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    struct change change = {SLICE("large"), slice_new(large, 24 << 20)};
    struct store *store;
    int r;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    cr_assert(store_begin(store) == 0);
    put(store, "k", "v");
    cr_assert(store_commit(store) == 0);

    /* a limit on the size of a file looks to the writer like a disk that is full */
    cr_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    cr_assert(store_begin(store) == 0);
    r = store_put_change(store, &change);
    if (r >= 0)
        r = store_commit(store);
    cr_assert(r == -ENOSPC, "%d: %s", r, store_error(store));
    cr_assert(strstr(store_error(store), path) != NULL);
    cr_assert(store_rollback(store) == 0);

    /* and goes on when there is space again */
    cr_assert(setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    cr_assert(store_begin(store) == 0);
    put(store, "k", "w");
    cr_assert(store_commit(store) == 0);
    store_close(store);
    store = open_store(path);
    assert_state(store, "", "k=w ");
    store_close(store);
    remove_temporary(folder);
}

/* 16 MiB of log (src/store/database.c), and what a transaction adds to it */
#define LOG_BYTES_MAX ((off_t)(17 << 20))

Test(store, copies_the_log_before_it_is_long_and_says_which_commits_may_wait)
{
    static char value[64 << 10];
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE], log[TEST_PATH_SIZE];
    struct diag_list diags = DIAG_LIST_INIT;
    struct store *store;
    struct stat st;
    unsigned n_copies = 0, n_slow = 0;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    name_in(log, folder, "state.db-wal");
    store = open_store(path);
    for (unsigned i = 0; i < 900; i++) {
        struct change change = {SLICE("k"), slice_new(value, sizeof(value))};
        bool is_quick = store_is_quick(store), was_copied;

        memset(value, (int)i, sizeof(value)); /* or SQLite leaves the pages that did not change */
        n_slow += !is_quick;
        cr_assert(stat(path, &st) == 0);
        was_copied = st.st_size > 32 << 10;
        cr_assert(store_begin(store) == 0);
        cr_assert(store_put_change(store, &change) == 0);
        cr_assert(store_commit(store) == 0);
        cr_assert(stat(path, &st) == 0);
        if (!was_copied && st.st_size > 32 << 10) {
            cr_assert(!is_quick, "the commit that copied said so before");
            n_copies++;
        }
        cr_assert(stat(log, &st) == 0 && st.st_size < LOG_BYTES_MAX, "%lld", (long long)st.st_size);
    }
    /* 17 pages each: the log is full at every 241st, the next copies it, and the one behind that begins it
     * anew */
    cr_assert_eq(n_copies, 1);
    cr_assert_eq(n_slow, 6, "%u", n_slow);
    store_close(store);
    cr_assert(store_open(path, DURABILITY_POWER, &diags, &store) == 0);
    cr_assert(!store_is_quick(store), "each commit syncs");
    store_close(store);
    diag_list_done(&diags);
    remove_temporary(folder);
}

Test(store, begins_at_once_or_says_that_another_program_holds_it)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    struct store *store;
    sqlite3 *other = NULL;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    cr_assert(sqlite3_open(path, &other) == SQLITE_OK);
    cr_assert(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    cr_assert_eq(store_try_begin(store), 1);
    cr_assert(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    cr_assert_eq(store_try_begin(store), 0);
    put(store, "k", "v");
    cr_assert_eq(store_commit(store), 0);
    assert_state(store, "", "k=v ");
    cr_assert(sqlite3_close(other) == SQLITE_OK);
    store_close(store);
    remove_temporary(folder);
}
