/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECTOR_DIGESTS_H
#define HAPAX_DETECTOR_DIGESTS_H

/* The summaries of the day: what exceptions with the effect digest have held back, by job and exception. */

#include "alert/alert.h"
#include "detect/detector.h"
#include "event/change.h"
#include "util/cleanup.h"

struct digests;

int digests_new(struct digests **ret_digests) _warn_unused_;
struct digests *digests_free(struct digests *digests);
DEFINE_CLEANUP(struct digests *, digests_free)

/* One more alert, held back by the exception, on day (since the epoch, UTC) or later. 1: there are too many
 * digests; 0, -ENOMEM. */
int digests_add(struct digests *digests, const struct verdict *verdict, const char *exception, const char *id,
                int64_t day) _warn_unused_;

/* Receives a digest that is due, borrowed for the call. Its reason, owner and ticket are NULL. */
typedef int (*digest_fn)(void *userdata, const struct alert_digest *digest);

/* Hands over and drops the digests of days before, in the order of job and exception. */
int digests_close(struct digests *digests, int64_t day, digest_fn fn, void *userdata) _warn_unused_;
/* The end of the first day that has one; INT64_MAX: there is none. */
int64_t digests_deadline_usec(const struct digests *digests);

/* Keys begin with this. */
#define DIGESTS_PREFIX "forgive/digest/"
int digests_changes(struct digests *digests, change_fn fn, void *userdata) _warn_unused_;
int digests_restore(struct digests *digests, const struct change *change) _warn_unused_;

#endif
