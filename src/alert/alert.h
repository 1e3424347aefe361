/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ALERT_ALERT_H
#define HAPAX_ALERT_ALERT_H

/* Verdicts and events to JSON: the only writer of JSON in hapax. Always valid UTF-8, one line, members in a
 * fixed order. */

#include "detect/detector.h"
#include "event/document.h"
#include "event/event.h"
#include "select/job.h"
#include "util/arena.h"

/* What every alert says about the hapax that made it. */
struct alert_observer {
    const char *version; /* of hapax */
    struct slice host; /* where hapax runs; absent in replay, so that output does not depend on the machine */
};

/*
 * The ECS 8.x alert of a verdict with reason VERDICT_ALERT. Everything of *ret_document is in arena memory. 0
 * or -ENOMEM.
 */
int alert_ecs(const struct verdict *verdict, const struct job *job, const struct alert_observer *observer,
              struct arena *arena, struct document *ret_document) _warn_unused_;

/*
 * The event as `hapax normalize` prints it: one ECS object (the members are the contract in the manual,
 * hapax-normalize(1)). In arena memory, without a line end. 0 or -ENOMEM.
 */
int alert_event(const struct event *event, struct arena *arena, struct slice *ret_json) _warn_unused_;

/* A row of --records: {"t":…,"job":…,"user":…,"probability":…,"score":…,"bucket_score":…,"influencers":[…]}
 * with "host" where the population is a host's. */
int alert_record_row(const struct verdict *verdict, struct arena *arena,
                     struct slice *ret_json) _warn_unused_;

/* What an exception held back from a job in a day. */
struct alert_digest {
    const char *job, *exception;         /* ids */
    const char *reason, *owner, *ticket; /* of the exception; NULL where it is gone, or has none */
    int64_t day_usec;                    /* begin of the day, UTC */
    int64_t first_usec, last_usec;       /* times of the first and the last event whose alert was held back */
    uint64_t n_alerts;
    double score_max;
    const struct string_list *users, *hosts, *ids; /* in order of appearance, at most DIGEST_LIST_MAX each */
    bool is_cut;                                   /* there were more */
};
/* chosen: 1000 names of 32 bytes and 1000 ids keep a digest below 100 KB */
#define DIGEST_LIST_MAX 1000U

/* The document of a digest. Everything of *ret_document is in arena memory. 0 or -ENOMEM. */
int alert_digest(const struct alert_digest *digest, const struct job *job,
                 const struct alert_observer *observer, struct arena *arena,
                 struct document *ret_document) _warn_unused_;

/* What a limit on the volume held back in a period. */
struct alert_rollup {
    const char *id;    /* stable: of job, limit, name and period */
    const char *job;   /* id */
    const char *limit; /* "job", "actor" or "host" */
    const char *name;  /* of the actor or host; NULL: it is the job's limit */
    int64_t limit_alerts;
    int64_t start_usec, end_usec;  /* the period */
    int64_t first_usec, last_usec; /* times of the first and the last event whose alert was held back */
    uint64_t n_alerts;
    double score_max;
    const struct string_list *users, *hosts, *ids; /* in order of appearance, at most ROLLUP_LIST_MAX each */
    bool is_cut;                                   /* there were more */
};
/* chosen: an alert that a person reads; the history has all of them */
#define ROLLUP_LIST_MAX 100U

/* The roll-up alert. Everything of *ret_document is in arena memory. 0 or -ENOMEM. */
int alert_rollup(const struct alert_rollup *u, const struct job *job, const struct alert_observer *observer,
                 struct arena *arena, struct document *ret_document) _warn_unused_;

/* The stable id of the alert of (job, partition, user, bucket). */
void alert_id(const struct verdict *verdict, char ret_id[]);

#endif
