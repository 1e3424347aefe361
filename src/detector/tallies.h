/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECTOR_TALLIES_H
#define HAPAX_DETECTOR_TALLIES_H

/* How often each exception was used, and when last: what tells those that nobody needs any more. */

#include "event/change.h"
#include "select/exception.h"
#include "util/cleanup.h"

struct tallies;

int tallies_new(struct tallies **ret_tallies) _warn_unused_;
struct tallies *tallies_free(struct tallies *tallies);
DEFINE_CLEANUP(struct tallies *, tallies_free)

/* Once more, at the event's time. 0 or -ENOMEM. */
int tallies_count(struct tallies *tallies, const char *exception, enum exception_effect effect,
                  int64_t time_usec) _warn_unused_;

/* Forgets those of exceptions that the set does not have any more. 0 or -ENOMEM. */
int tallies_keep(struct tallies *tallies, const struct exception_set *set) _warn_unused_;

struct exception_count {
    const char *exception; /* id */
    enum exception_effect effect;
    uint64_t n;
    int64_t last_usec; /* the latest event's time */
};
typedef int (*exception_count_fn)(void *userdata, const struct exception_count *count);
/* One call for each (exception, effect) that was used; what was restored first. */
int tallies_walk(const struct tallies *tallies, exception_count_fn fn, void *userdata) _warn_unused_;

/* Keys begin with this. */
#define TALLIES_PREFIX "forgive/count/"
int tallies_changes(struct tallies *tallies, change_fn fn, void *userdata) _warn_unused_;
int tallies_restore(struct tallies *tallies, const struct change *change) _warn_unused_;

#endif
