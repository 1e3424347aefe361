/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A read that blocks costs one system call where waiting in poll(2) and reading cost two, and poll has to
 * queue itself everywhere it listens. Where a peer sends each message some microseconds after the answer to
 * the last, that is a tenth of all there is to do. What a blocked read lacks is an end when the peer idles.
 *
 * That is a signal whose handler does nothing: without SA_RESTART it ends the call with EINTR (signal(7)). A
 * signal may come between the look at the clock and the call, and then ends nothing, so it comes again each
 * interval: nobody is held up for longer than two. It goes to one thread (SIGEV_THREAD_ID), as it would end
 * calls of others otherwise. SIGALRM, since nothing else in this process has a use for it; sent by somebody
 * else, it does no harm, where it killed the process before.
 *
 * SQLite, sd-event and librdkafka go on after EINTR, and so do reading, answering and the log, which is what
 * is done while it is armed (sinks and their files have their turn behind that).
 *
 * Cost: two system calls for arming and disarming, nothing meanwhile.
 */
#include "source/kick.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "util/parse.h"

/* glibc before 2.38 has the field by its kernel name only */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

struct kick {
    timer_t timer;
};

static void do_nothing(int number)
{
    (void)number;
}

int kick_new(struct kick **ret_kick)
{
    _cleanup_(freep) struct kick *kick = calloc(1, sizeof(*kick));
    struct sigaction action = {.sa_handler = do_nothing};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
    sigset_t mask;
    int r;

    if (!kick)
        return -ENOMEM;
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(SIGALRM, &action, NULL) < 0)
        return -errno;
    /* whoever started us may have blocked it */
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGALRM);
    r = pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
    if (r != 0)
        return -r;
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    if (timer_create(CLOCK_MONOTONIC, &event, &kick->timer) < 0)
        return -errno;
    *ret_kick = TAKE_PTR(kick);
    return 0;
}

struct kick *kick_free(struct kick *kick)
{
    if (!kick)
        return NULL;
    (void)timer_delete(kick->timer);
    free(kick);
    return NULL;
}

int kick_arm(struct kick *kick, int64_t interval_usec)
{
    struct timespec interval = {.tv_sec = interval_usec / USEC_PER_SEC,
                                .tv_nsec = interval_usec % USEC_PER_SEC * 1000};
    struct itimerspec times = {.it_value = interval, .it_interval = interval};

    return timer_settime(kick->timer, 0, &times, NULL) < 0 ? -errno : 0;
}

void kick_disarm(struct kick *kick)
{
    struct itimerspec none = {.it_value = {.tv_sec = 0}};

    (void)timer_settime(kick->timer, 0, &none, NULL);
}
