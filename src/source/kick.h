/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_KICK_H
#define HAPAX_SOURCE_KICK_H

/* An end for calls that block: a signal to the calling thread, again and again while armed. */

#include <stdint.h>

#include "util/cleanup.h"

struct kick;

/* For the calling thread: none but that one arms it. -errno where the system has no such timer. */
int kick_new(struct kick **ret_kick) _warn_unused_;
struct kick *kick_free(struct kick *kick);
DEFINE_CLEANUP(struct kick *, kick_free)

/*
 * From now on a call of this thread that blocks ends with EINTR after interval_usec, or after the next: a
 * kick that comes just before the call is lost. Until it is disarmed. 0 or -errno.
 */
int kick_arm(struct kick *kick, int64_t interval_usec) _warn_unused_;
void kick_disarm(struct kick *kick);

#endif
