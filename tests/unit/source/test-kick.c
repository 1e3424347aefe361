/* SPDX-License-Identifier: Apache-2.0 */

/* A read that would block for ever comes back. */
#include "source/kick.h"
#include "support-source.h"

#include <errno.h>
#include <signal.h>

Test(kick, ends_a_read_of_nothing)
{
    _cleanup_(kick_freep) struct kick *kick = NULL;
    sigset_t mask;
    char byte;
    int fds[2];

    /* as a parent may have left it */
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGALRM);
    cr_assert(pthread_sigmask(SIG_BLOCK, &mask, NULL) == 0);
    cr_assert(pipe2(fds, O_CLOEXEC) == 0);
    cr_assert_eq(kick_new(&kick), 0);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(kick_arm(kick, 1000), 0);
        cr_assert(read(fds[0], &byte, 1) < 0 && errno == EINTR);
        kick_disarm(kick);
    }
    cr_assert(write(fds[1], "x", 1) == 1);
    cr_assert(read(fds[0], &byte, 1) == 1, "and disarmed it reads");
    (void)close(fds[0]);
    (void)close(fds[1]);
}
