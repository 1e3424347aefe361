/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECTOR_LEARNING_H
#define HAPAX_DETECTOR_LEARNING_H

/* Whether a detector knows enough to alert, since when, and on how much: counted from its verdicts. */

#include "detect/detector.h"
#include "event/change.h"

struct learning {
    int64_t first_usec, last_usec; /* times of events that were judged; 0: none was */
    uint64_t n_events;             /* judged */
    uint64_t n_units;              /* user-buckets among them; at least the weight of a population */
    uint64_t n_withheld;           /* verdicts that would have been alerts */
    int64_t active_usec;           /* the event time since which it alerts; 0: it is learning */
    bool is_dirty;
};

/*
 * Takes a verdict into account; VERDICT_ALERT becomes VERDICT_LEARNING where the rule does not hold yet.
 * is_own: the detector decides by itself, and is_learning is what it says.
 */
void learning_see(struct learning *learning, const struct learning_rule *rule, bool is_own, bool is_learning,
                  struct verdict *verdict);

/* The key is "learning/DETECTOR/JOB". */
int learning_changes(struct learning *learning, const char *detector, const char *job, change_fn fn,
                     void *userdata) _warn_unused_;
/* -EBADMSG on bytes that learning_changes did not write. */
int learning_restore(struct learning *learning, struct slice value) _warn_unused_;

#endif
