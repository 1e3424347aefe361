/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_DETECTOR_H
#define HAPAX_DETECT_DETECTOR_H

/*
 * The detector interface: one instance per job, or one per suite of jobs. Selected events go in with their
 * time, verdicts come out; time passes by events and by detector_advance, never by a clock. Same input, same
 * options, same ticks: the same bytes out.
 */

#include <stdbool.h>
#include <stdint.h>

#include "config/option.h"
#include "detect/figures.h"
#include "event/change.h"
#include "event/event.h"
#include "util/cleanup.h"

/* Why a verdict is no alert (or one). */
enum verdict_reason {
    VERDICT_ALERT, /* score reached the threshold */
    VERDICT_BELOW_THRESHOLD,
    VERDICT_REPEATED,       /* would alert, but this (job, partition, user, bucket) has alerted */
    VERDICT_PARTIAL_BUCKET, /* forget: decay ignores the first, partial bucket: no score */
    VERDICT_LATE,           /* older than what the detector still takes: no score */
    VERDICT_NO_USER,        /* the event names no user: no score */
    VERDICT_TABLE_FULL, /* the limit on users is reached and nothing less informative could go: no score */
    VERDICT_LEARNING,   /* would alert, but the detector does not know enough yet */
    VERDICT_SUPPRESSED, /* would alert, but an exception says no */
    VERDICT_DIGESTED,   /* would alert, but an exception or a young account sends it to the digest */
    VERDICT_ROLLED_UP,  /* would alert, but the volume limit counts it in a roll-up alert */
    VERDICT_SKIPPED,    /* an exception kept the event from the detector: no score */
};

/* Its name as history and hapax filter spell it: "alert", "below_threshold", …; "other" for what is none. */
const char *verdict_reason_name(enum verdict_reason reason);

/* What occurred together with a user in a bucket, and how unusual the bucket made it. */
struct verdict_influencer {
    const char *field; /* "user", "host", "process" */
    struct slice value;
    double probability, score; /* score: 0 to 100 */
};

/* What one component of a score says. */
struct verdict_component {
    const char *name;
    const char *summary; /* what a high value means, for people */
    double surprise;     /* the greatest of the unit so far, before its weight */
    double weight;
    double count;    /* of this event: how often it was so before, or how many there were */
    double expected; /* what that is compared with */
};

/* The desk: what a detector thinks of one user in one bucket. Borrowed for the call. */
struct verdict {
    const char *job;           /* job id */
    const char *detector;      /* "rare" */
    const struct event *event; /* the event judged; of a final verdict: the user's last event in the bucket */
    struct slice user;  /* what the job counts: the user by its identity, or the process name (is_by_process);
                           absent with VERDICT_NO_USER */
    bool is_by_process; /* set by the chain: detectors do not know what the bytes of user mean */
    struct slice partition; /* host name, user, or "" where the population is the fleet */
    int64_t bucket_start_usec;
    int64_t bucket_span_usec;
    bool has_probability;
    double probability;
    double score; /* rare: 0 to 100. novelty: surprise in nats, without an upper end */
    double threshold;
    enum verdict_reason reason; /* VERDICT_ALERT: hand an alert over */
    bool is_final;              /* computed when the bucket closed */
    const char *exception;      /* id of the exception that held the alert back; NULL: none */

    /* The counts behind it, this bucket included. */
    double user_weight;         /* what the model holds of this user: (decayed) buckets */
    double total_weight;        /* of all users of the population */
    double less_likely_weight;  /* of all users no more frequent than this one */
    uint64_t n_users;           /* in the population */
    bool is_first_seen;         /* no bucket before this one has this user */
    int64_t first_seen_usec;    /* bucket start; of what the model still remembers */
    int64_t previous_seen_usec; /* bucket start of the last bucket before this one; 0 with is_first_seen */
    uint64_t n_events;          /* of this user in this bucket so far */

    /* Of a final verdict, where the detector has such a thing. */
    bool has_bucket_score;
    double bucket_score;                          /* 0 to 100: of all that happened in the bucket */
    const struct verdict_influencer *influencers; /* by field, then by the bytes of the value */
    size_t n_influencers;
    /* Of a detector that judges by components; else none. */
    const struct verdict_component *components;
    size_t n_components;
    double raw_score;     /* their weighted sum */
    double cases_per_day; /* how many cases a day are as unusual as this one, by the detector's own history */
    double budget_per_day;
    unsigned family; /* index of the job in a suite */
};

struct detector_callbacks {
    /* One per event fed, in order. */
    int (*provisional)(void *userdata, const struct verdict *verdict);
    /* When a bucket closes: one per user in it, in the order of the users' bytes. reason VERDICT_ALERT only
     * if due now. */
    int (*final)(void *userdata, const struct verdict *verdict);
    void *userdata;
};

struct detector; /* each implementation begins with one, see detect/driver.h */

struct detector_options {
    const char *job; /* id; copied */
    double threshold;
    const void *options;         /* the driver's own structure, filled from its option table */
    const char *const *families; /* of a suite: the ids of its jobs, job is the suite's name; copied */
    size_t n_families;
};

/* When a detector knows enough to alert: both must hold. */
struct learning_rule {
    int64_t min_usec;   /* of event time since the first event */
    uint64_t min_units; /* user-buckets */
};

struct detector_driver {
    const char *name;
    const char *summary; /* one sentence */
    const struct option_table *options;
    int (*new)(const struct detector_options *options, struct detector **ret_detector);
    void (*free)(struct detector *d);
    int (*feed)(struct detector *d, const struct event *event, struct slice user, struct slice partition,
                const struct detector_callbacks *callbacks);
    /* In place of feed: one instance judges all jobs that use it, each event as one of a family. */
    int (*feed_family)(struct detector *d, const struct event *event, struct slice user, unsigned family,
                       const struct detector_callbacks *callbacks);
    int (*advance)(struct detector *d, int64_t time_usec, const struct detector_callbacks *callbacks);
    int (*finish)(struct detector *d, const struct detector_callbacks *callbacks);
    int (*changes)(struct detector *d, change_fn fn, void *userdata);
    int (*restore)(struct detector *d, const struct change *change);
    int64_t (*deadline_usec)(const struct detector *d);
    /* Its rule, by its options; or, where it withholds alerts by itself, whether it does. Either may be NULL.
     */
    struct learning_rule (*learning_rule)(const void *options);
    bool (*is_learning)(const struct detector *d);
    /* Sets those it has, counted since detector_new. */
    void (*figures)(const struct detector *d, struct figures *figures);
};

struct detector {
    const struct detector_driver *driver;
};

static inline bool detector_is_suite(const struct detector_driver *driver)
{
    return driver->feed_family;
}

extern const struct detector_driver rare_driver, novelty_driver;

/* All detectors, NULL-terminated. */
extern const struct detector_driver *const detector_drivers[];

int detector_new(const struct detector_driver *driver, const struct detector_options *options,
                 struct detector **ret_detector) _warn_unused_;
struct detector *detector_free(struct detector *d);
DEFINE_CLEANUP(struct detector *, detector_free)

/*
 * One selected event. Closes the buckets that end at or before its time first (their final verdicts come
 * first). user absent: VERDICT_NO_USER. partition is "" for a fleet-wide population.
 */
int detector_feed(struct detector *d, const struct event *event, struct slice user, struct slice partition,
                  const struct detector_callbacks *callbacks) _warn_unused_;

/* The same for a suite: the job of the event is families[family], its partition the event's host. */
int detector_feed_family(struct detector *d, const struct event *event, struct slice user, unsigned family,
                         const struct detector_callbacks *callbacks) _warn_unused_;

/* Time has come to time_usec: closes the buckets that end at or before it. */
int detector_advance(struct detector *d, int64_t time_usec,
                     const struct detector_callbacks *callbacks) _warn_unused_;

/* End of input: closes the open bucket. */
int detector_finish(struct detector *d, const struct detector_callbacks *callbacks) _warn_unused_;

/* The end of the open bucket, when detector_advance has something to do; INT64_MAX: none is open. */
int64_t detector_deadline_usec(const struct detector *d);

/*
 * Hands over every piece of state that changed since the last call (all of it, the first time) and forgets
 * that it changed. Keys begin with "DETECTOR/JOB/".
 */
int detector_changes(struct detector *d, change_fn fn, void *userdata) _warn_unused_;

/* Takes one piece of state back, before the first event, in any order. -EBADMSG on bytes it did not write. */
int detector_restore(struct detector *d, const struct change *change) _warn_unused_;

#endif
