/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A thread with a slot for one piece of work.
 *
 * The model is a baton. Whoever holds it owns the transaction and the store's writing side: the loop, until
 * it submits; the thread, until execute has returned; then the loop again, once it has waited. The mutex only
 * guards the baton itself, so nothing else needs a lock, and there is no queue: what comes meanwhile is
 * collected by the caller and goes as the next, larger transaction, which is what a slow disk wants.
 *
 * The end is said twice: by a condition, for a caller who waits, and by an eventfd, for the loop. The wait
 * reads the eventfd, so a wait that came first leaves nothing behind that would wake the loop for nothing.
 *
 * Signals are the loop's (signalfd): the thread blocks all of them.
 */
#include "store/thread.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>

enum baton {
    BATON_IDLE,      /* the caller's */
    BATON_SUBMITTED, /* the thread's */
    BATON_DONE,      /* the caller's, with a result */
};

struct store_thread {
    int (*execute)(void *userdata);
    void *userdata;
    int fd;
    bool is_busy; /* the caller's view */
    bool is_started;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t changed;
    enum baton baton;
    bool is_leaving;
    int result;
};

static void *thread_main(void *userdata)
{
    struct store_thread *t = userdata;

    (void)pthread_mutex_lock(&t->mutex);
    for (;;) {
        int result;

        while (t->baton != BATON_SUBMITTED && !t->is_leaving)
            (void)pthread_cond_wait(&t->changed, &t->mutex);
        if (t->baton != BATON_SUBMITTED)
            break;
        (void)pthread_mutex_unlock(&t->mutex);
        result = t->execute(t->userdata);
        (void)pthread_mutex_lock(&t->mutex);
        t->result = result;
        t->baton = BATON_DONE;
        (void)pthread_cond_signal(&t->changed);
        /* within the lock, so that who waits finds the byte; of an eventfd that holds 0, a write of 1 cannot
         * fail */
        (void)eventfd_write(t->fd, 1);
    }
    (void)pthread_mutex_unlock(&t->mutex);
    return NULL;
}

static int start(struct store_thread *t)
{
    sigset_t all, before;
    int r;

    (void)sigfillset(&all);
    r = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (r != 0)
        return -r;
    r = pthread_create(&t->thread, NULL, thread_main, t);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0)
        return -r;
    (void)pthread_setname_np(t->thread, "hapax-store");
    t->is_started = true;
    return 0;
}

int store_thread_new(int (*execute)(void *userdata), void *userdata, struct store_thread **ret_thread)
{
    _cleanup_(store_thread_freep) struct store_thread *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return -ENOMEM;
    t->execute = execute;
    t->userdata = userdata;
    (void)pthread_mutex_init(&t->mutex, NULL);
    (void)pthread_cond_init(&t->changed, NULL);
    t->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (t->fd < 0)
        return -errno;
    r = start(t);
    if (r < 0)
        return r;
    *ret_thread = TAKE_PTR(t);
    return 0;
}

struct store_thread *store_thread_free(struct store_thread *t)
{
    if (!t)
        return NULL;
    if (t->is_started) {
        (void)pthread_mutex_lock(&t->mutex);
        t->is_leaving = true;
        (void)pthread_cond_signal(&t->changed);
        (void)pthread_mutex_unlock(&t->mutex);
        (void)pthread_join(t->thread, NULL);
    }
    (void)pthread_cond_destroy(&t->changed);
    (void)pthread_mutex_destroy(&t->mutex);
    closep(&t->fd);
    free(t);
    return NULL;
}

void store_thread_submit(struct store_thread *t)
{
    assert(!t->is_busy);
    t->is_busy = true;
    (void)pthread_mutex_lock(&t->mutex);
    t->baton = BATON_SUBMITTED;
    (void)pthread_cond_signal(&t->changed);
    (void)pthread_mutex_unlock(&t->mutex);
}

bool store_thread_is_busy(const struct store_thread *t)
{
    return t->is_busy;
}

int store_thread_fd(const struct store_thread *t)
{
    return t->fd;
}

int store_thread_wait(struct store_thread *t)
{
    eventfd_t value;
    int result;

    assert(t->is_busy);
    (void)pthread_mutex_lock(&t->mutex);
    while (t->baton != BATON_DONE)
        (void)pthread_cond_wait(&t->changed, &t->mutex);
    t->baton = BATON_IDLE;
    result = t->result;
    (void)eventfd_read(t->fd, &value);
    (void)pthread_mutex_unlock(&t->mutex);
    t->is_busy = false;
    return result;
}
