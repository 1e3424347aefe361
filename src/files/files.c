/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The lowest room that holds descriptors: what the store, metrics, sinks and commands have in common when
 * they write files. Whether a temporary one is renamed, what its mode is and what is said where it fails is
 * for each of them to decide.
 */
#include "files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int file_write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) /* none of a file's, and no progress to wait for: write(2) */
            return n < 0 ? -errno : -EIO;
        bytes = slice_skip(bytes, (size_t)n);
    }
    return 0;
}

int file_sync_folder(const char *path)
{
    _cleanup_(freep) char *folder = strdup(path);
    _cleanup_(closep) int fd = -1;
    char *slash = folder ? strrchr(folder, '/') : NULL;

    if (!folder)
        return -ENOMEM;
    if (slash)
        slash[slash == folder ? 1 : 0] = '\0';
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}
