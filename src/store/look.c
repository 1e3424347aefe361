/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What `hapax status` asks of a store that another process may be writing.
 *
 * Who has it: the lock is an flock(2), and trying it would take it for an instant, in which a starting hapax
 * would find it taken and give up. The kernel lists locks in /proc/locks (proc_locks(5)); a line names the
 * process and the inode. The lock file says the process id, too: a line counts where both agree, so that a
 * file of another file system with the same inode number is no owner.
 *
 * Cost: the lines of /proc/locks; one row a source.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/database.h"
#include "store/maintain.h"
#include "util/parse.h"

int store_walk_cursors(struct store *store,
                       int (*fn)(void *userdata, struct slice source, struct slice cursor), void *userdata)
{
    struct connection *c = &store->reader;
    sqlite3_stmt *stmt = NULL;
    int result =
        sqlite3_prepare_v2(c->db, "SELECT source, value FROM cursor ORDER BY source", -1, &stmt, NULL);
    int r = 0;

    if (result == SQLITE_OK)
        while (r == 0 && (result = sqlite3_step(stmt)) == SQLITE_ROW)
            r = fn(userdata, column_slice(stmt, 0), column_slice(stmt, 1));
    if (r == 0)
        r = connection_translate(c, result);
    (void)sqlite3_finalize(stmt);
    return r;
}

static int read_lock_file(const char *path, uint64_t *ret_pid, uint64_t *ret_inode)
{
    _cleanup_(freep) char *lock_path = NULL;
    _cleanup_(closep) int fd = -1;
    char text[24];
    struct stat st;
    ssize_t n;

    if (asprintf(&lock_path, "%s.lock", path) < 0) {
        lock_path = NULL;
        return -ENOMEM;
    }
    fd = open(lock_path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    n = pread(fd, text, sizeof(text), 0);
    if (n < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (parse_u64(slice_trim(slice_new(text, (size_t)n)), ret_pid) < 0)
        return 0;
    *ret_inode = st.st_ino;
    return 1;
}

/* "2: FLOCK  ADVISORY  WRITE 1234 00:2e:5678 0 EOF" */
static bool is_line_of(const char *line, uint64_t pid, uint64_t inode)
{
    char pid_text[32], inode_text[32];

    (void)snprintf(pid_text, sizeof(pid_text), " WRITE %" PRIu64 " ", pid);
    (void)snprintf(inode_text, sizeof(inode_text), ":%" PRIu64 " 0 EOF", inode);
    return strstr(line, " FLOCK ") && strstr(line, pid_text) && strstr(line, inode_text);
}

int store_find_owner(const char *path, uint64_t *ret_pid)
{
    _cleanup_(freep) char *line = NULL;
    _cleanup_(fclosep) FILE *locks = NULL;
    uint64_t pid = 0, inode = 0;
    size_t size = 0;
    int r = read_lock_file(path, &pid, &inode);

    if (r <= 0)
        return r;
    locks = fopen("/proc/locks", "re");
    if (!locks)
        return -errno;
    while (getline(&line, &size, locks) >= 0)
        if (is_line_of(line, pid, inode)) {
            *ret_pid = pid;
            return 1;
        }
    return 0;
}
