/* SPDX-License-Identifier: Apache-2.0 */

/* Writing through pipes, which take what they have room for. */
#include "files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "support.h"

/* More than a pipe holds: pipe(7), 16 pages by default. */
#define MANY_BYTES (1U << 20)

static char many[MANY_BYTES], got[MANY_BYTES];

Test(files, all_bytes_are_written_however_small_the_steps)
{
    int ends[2];
    size_t n_got = 0;
    pid_t pid;

    for (size_t i = 0; i < sizeof(many); i++)
        many[i] = (char)(i % 251);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        _exit(file_write_all(ends[1], slice_new(many, sizeof(many))) == 0 ? 0 : 1);
    }
    cr_assert_gt(pid, 0);
    (void)close(ends[1]);
    for (ssize_t n; n_got < sizeof(got) && (n = read(ends[0], got + n_got, sizeof(got) - n_got)) > 0;)
        n_got += (size_t)n;
    cr_assert_eq(n_got, sizeof(many));
    cr_assert_eq(memcmp(got, many, sizeof(many)), 0);
    (void)close(ends[0]);
}

Test(files, what_cannot_be_written_is_told)
{
    int ends[2];

    cr_assert_eq(file_write_all(-1, SLICE("")), 0, "nothing to write");
    cr_assert_eq(file_write_all(-1, SLICE("x")), -EBADF);
    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    cr_assert_eq(file_write_all(ends[1], slice_new(many, sizeof(many))), -EAGAIN, "some of it was");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

Test(files, a_folder_is_found_by_what_is_in_it)
{
    static const struct {
        const char *path;
        int r;
    } rows[] = {
        {"name", 0}, {"./name", 0}, {"/name", 0}, {"/nowhere/name", -ENOENT}, {"/dev/null/name", -ENOTDIR},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        cr_assert_eq(file_sync_folder(rows[i].path), rows[i].r, "%s", rows[i].path);
}
