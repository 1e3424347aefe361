/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_STORE_THREAD_H
#define HAPAX_STORE_THREAD_H

/* The store thread: executes one finished transaction at a time, so that a sync never stalls the loop. */

#include <stdbool.h>

#include "util/cleanup.h"

struct store_thread;

/* execute runs in the thread, once for each store_thread_submit; what it touches is the thread's from there
 * to store_thread_wait, and the caller's otherwise. It gets no signals. */
int store_thread_new(int (*execute)(void *userdata), void *userdata,
                     struct store_thread **ret_thread) _warn_unused_;
/* Waits for what is under way. */
struct store_thread *store_thread_free(struct store_thread *thread);
DEFINE_CLEANUP(struct store_thread *, store_thread_free)

/* Only while !store_thread_is_busy. */
void store_thread_submit(struct store_thread *thread);
/* From store_thread_submit to store_thread_wait. */
bool store_thread_is_busy(const struct store_thread *thread);
/* Readable once execute has returned; until store_thread_wait. */
int store_thread_fd(const struct store_thread *thread);
/* Waits for the end where it has not come; what execute returned. Only while busy. */
int store_thread_wait(struct store_thread *thread) _warn_unused_;

#endif
