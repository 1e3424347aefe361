/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECTOR_VOLUME_H
#define HAPAX_DETECTOR_VOLUME_H

/*
 * How many alerts go out: a token bucket for each job, actor and host. What finds no token is counted in a
 * roll-up alert, which is handed over at the end of its period.
 */

#include "alert/alert.h"
#include "config/option.h"
#include "detect/detector.h"
#include "event/change.h"

/* "volume" in the configuration; 0 alerts: no limit. */
struct volume_options {
    int64_t job, actor, host; /* alerts a period */
    int64_t job_period_usec, actor_period_usec, host_period_usec;
};
extern const struct option_table volume_option_table;

struct volume;

int volume_new(const struct volume_options *options, struct volume **ret_volume) _warn_unused_;
struct volume *volume_free(struct volume *volume);
DEFINE_CLEANUP(struct volume *, volume_free)

/* Looks at a verdict with VERDICT_ALERT (others pass). 1: it is VERDICT_ROLLED_UP now and stands in a
 * roll-up; 0: it goes out; -ENOMEM. Constant but for the length of names. */
int volume_judge(struct volume *volume, struct verdict *verdict) _warn_unused_;

/* Receives a roll-up that is due, borrowed for the call. */
typedef int (*rollup_fn)(void *userdata, const struct alert_rollup *rollup);

/* Time has come to time_usec: hands over the roll-ups whose period has ended, by end and id. */
int volume_advance(struct volume *volume, int64_t time_usec, rollup_fn fn, void *userdata) _warn_unused_;
/* When volume_advance has a roll-up to hand over; INT64_MAX: there is none. */
int64_t volume_deadline_usec(const struct volume *volume);
/* End of input: hands over all of them. */
int volume_finish(struct volume *volume, rollup_fn fn, void *userdata) _warn_unused_;

/* Meters that were dropped before they were full, because there were too many: their limit began anew. */
uint64_t volume_n_dropped(const struct volume *volume);

/* Keys begin with "volume/". */
bool volume_owns(struct slice key);
int volume_changes(struct volume *volume, change_fn fn, void *userdata) _warn_unused_;
int volume_restore(struct volume *volume, const struct change *change) _warn_unused_;

#endif
