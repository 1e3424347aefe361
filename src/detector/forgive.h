/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECTOR_FORGIVE_H
#define HAPAX_DETECTOR_FORGIVE_H

/*
 * Between verdict and alert: what the exceptions in force, and onboarding, hold back. Owns what has to be
 * remembered for that: which alerts of open buckets were held, the digests of the day, the ages of accounts,
 * and how often each exception was used.
 */

#include "detector/digests.h"
#include "detector/tallies.h"
#include "event/change.h"
#include "select/exception.h"

struct forgive;

int forgive_new(struct forgive **ret_forgive) _warn_unused_;
struct forgive *forgive_free(struct forgive *forgive);
DEFINE_CLEANUP(struct forgive *, forgive_free)

/* The exceptions in force from now on, borrowed until the next call or forgive_free; NULL: none. What is
 * remembered stays. */
void forgive_set_exceptions(struct forgive *forgive, struct exception_set *set);

/* Any event of any kind, selected or not, in stream order. 1: it told of an account, which is a change; 0,
 * -ENOMEM. */
int forgive_see_event(struct forgive *forgive, const struct event *event, bool is_selected) _warn_unused_;

/* Whether an exception keeps the event from the job's detector. 1 and *ret_exception, 0, -ENOMEM. */
int forgive_skips(struct forgive *forgive, const char *job, const struct event *event,
                  const struct exception **ret_exception) _warn_unused_;

/*
 * The last word on a verdict: an alert may become VERDICT_SUPPRESSED or VERDICT_DIGESTED with the exception's
 * id, and VERDICT_REPEATED an alert, where the bucket's alert was held back for an event that was forgiven
 * and this one is not. 1: an alert was held back now (once for each alert), 0, -ENOMEM. verdict->exception is
 * borrowed until the next call of any function here.
 */
int forgive_judge(struct forgive *forgive, struct verdict *verdict) _warn_unused_;

/* Time has come to time_usec: hands over the digests of the days before, by job and exception, and drops what
 * is too old to matter. */
int forgive_advance(struct forgive *forgive, int64_t time_usec, digest_fn fn, void *userdata) _warn_unused_;
/* When forgive_advance has a digest to hand over; INT64_MAX: there is none. */
int64_t forgive_deadline_usec(const struct forgive *forgive);
/* End of input: hands over all digests. */
int forgive_finish(struct forgive *forgive, digest_fn fn, void *userdata) _warn_unused_;

/* Keys begin with "forgive/" or "account/". */
bool forgive_owns(struct slice key);
int forgive_changes(struct forgive *forgive, change_fn fn, void *userdata) _warn_unused_;
int forgive_restore(struct forgive *forgive, const struct change *change) _warn_unused_;

/* What the exceptions did, by all that is remembered: tallies.h. */
int forgive_counts(const struct forgive *forgive, exception_count_fn fn, void *userdata) _warn_unused_;

#endif
