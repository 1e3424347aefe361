/* SPDX-License-Identifier: Apache-2.0 */

/* The baton: work runs in another thread, its result comes back, the descriptor says so; no signal is lost to
 * the thread. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "store/thread.h"
#include "support.h"

struct work {
    pthread_t caller;
    int n;
    int result;
    bool is_elsewhere, blocks_signals;
};

static int execute(void *userdata)
{
    struct work *work = userdata;
    sigset_t mask;

    work->n++;
    work->is_elsewhere = !pthread_equal(work->caller, pthread_self());
    work->blocks_signals = pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, SIGTERM) == 1;
    return work->result;
}

static bool is_readable(int fd, int timeout_msec)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, timeout_msec) == 1;
}

Test(thread, runs_one_piece_of_work_at_a_time_elsewhere)
{
    struct work work = {.caller = pthread_self()};
    _cleanup_(store_thread_freep) struct store_thread *thread = NULL;
    static const int results[] = {0, -5, 7, 0};

    cr_assert(store_thread_new(execute, &work, &thread) == 0);
    cr_assert(!store_thread_is_busy(thread) && !is_readable(store_thread_fd(thread), 0));
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        work.result = results[i];
        store_thread_submit(thread);
        cr_assert(store_thread_is_busy(thread));
        /* half of the time by the descriptor, half by waiting alone */
        if (i % 2 == 0)
            cr_assert(is_readable(store_thread_fd(thread), 60000));
        cr_assert(store_thread_wait(thread) == results[i], "row %zu", i);
        cr_assert(!store_thread_is_busy(thread) && !is_readable(store_thread_fd(thread), 0), "row %zu", i);
        cr_assert(work.n == (int)i + 1 && work.is_elsewhere && work.blocks_signals);
    }
}

Test(thread, finishes_what_is_under_way_when_it_is_freed)
{
    struct work work = {.caller = pthread_self()};
    struct store_thread *thread = NULL;

    cr_assert(store_thread_new(execute, &work, &thread) == 0);
    store_thread_submit(thread);
    store_thread_free(thread);
    cr_assert(work.n == 1);
    cr_assert(store_thread_new(execute, &work, &thread) == 0);
    store_thread_free(thread);
    cr_assert(work.n == 1);
}
