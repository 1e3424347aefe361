/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_RARE_H
#define HAPAX_DETECT_RARE_H

/* The rare detector's own side: its options, what it counts, and what its two files share. */

#include "detect/detector.h"
#include "detect/influence.h"
#include "detect/model.h"
#include "util/arena.h"

/* Whose weights are compared with whose. */
enum populations {
    POPULATIONS_ONE,   /* everybody's of a partition: the same result whatever a format knows of logins */
    POPULATIONS_KINDS, /* people with people, services with services, numeric names with numeric names */
};

/* Filled from rare_driver.options. */
struct rare_options {
    int forget;      /* enum forget */
    int populations; /* enum populations; forget: decay knows only one */
    int64_t window_usec;
    int64_t bucket_span_usec;
    int64_t lateness_usec;
    int64_t max_users;     /* of a population */
    int64_t max_growth;    /* of a weight in a day, forget: window; 0: without limit */
    int64_t learning_usec; /* of event time before the first alert, forget: window */
};

/* Limit on window / bucket span: a bit for each bucket and user. 30 days of minutes; 366 days of 15 minutes.
 */
#define RARE_MAX_WINDOW_BUCKETS 43200

/* 9999-12-31T23:59:59Z in microseconds, the last second a timestamp can be written of. Later (and negative)
 * times are forged or broken and are taken as this (as 0). */
#define RARE_MAX_TIME_USEC (INT64_C(253402300799) * 1000000)

struct rare_stats {
    uint64_t n_late;                /* events that came too late */
    uint64_t n_repeated;            /* events of users who are in the open bucket already */
    uint64_t n_capped;              /* buckets of a user beyond max_growth, which weigh nothing */
    uint64_t n_table_full;          /* events of users that found no place */
    uint64_t n_evicted_users;       /* forgotten because a limit was reached */
    uint64_t n_evicted_populations; /* their users are counted as well where the limit was on users */
    uint64_t n_events_cut;          /* events kept for the final verdict without their arguments: too large */
    uint64_t n_names_cut;           /* user or host names cut to MODEL_MAX_NAME_BYTES */
    uint64_t n_influences_cut;      /* hosts or processes of a user not looked at: too many in a bucket */
};

/* What a rare detector has counted since detector_new. d must be one. */
struct rare_stats rare_stats(const struct detector *d);

struct rare {
    struct detector detector;
    char *job;
    double threshold;
    bool has_kinds; /* populations: kinds */
    int64_t span_usec;
    int64_t lateness_buckets;
    char *key_prefix; /* of state: "rare/JOB/SETTING/" */
    struct model model;
    struct influences influences;
    struct member **present; /* who is in the open bucket, in order of appearance */
    size_t n_present, present_size;
    size_t event_bytes; /* kept for the open bucket, of all of them */
    struct arena arena;
    struct rare_stats stats;
};

/* The verdict of an event, or of nothing yet but a name. */
struct verdict rare_verdict(const struct rare *rare, const struct event *event, struct slice user,
                            struct slice partition, int64_t bucket);
/* The member's probability as the model stands. 0 or -ENOMEM. */
int rare_probability(struct rare *rare, struct member *member, double *ret_probability) _warn_unused_;
/* What of a verdict comes from the model; the curve is settled. */
void rare_describe(const struct rare *rare, struct member *member, int64_t bucket, struct verdict *v);
/* The reason of a scored verdict; remembers a new alert. 0 or -ENOMEM. */
int rare_decide(struct rare *rare, struct member *member, int64_t bucket, struct verdict *v) _warn_unused_;

/*
 * The open bucket: rare_bucket.c.
 */

/* Makes the member present in the open bucket; nothing where it is. 0 or -ENOMEM. */
int rare_enter(struct rare *rare, struct member *member) _warn_unused_;
/* The value occurs with the present member. 0 or -ENOMEM. */
int rare_note(struct rare *rare, struct member *member, enum influence_field field,
              struct slice value) _warn_unused_;
/* The present member's event, kept for its final verdict. 0 or -ENOMEM. */
int rare_keep_event(struct rare *rare, struct member *member, const struct event *event) _warn_unused_;
/* Ends the presence; the member stays in rare->present. */
void rare_leave(struct rare *rare, struct member *member);
/* Final verdicts, and nobody is present any more. */
int rare_close_bucket(struct rare *rare, const struct detector_callbacks *callbacks) _warn_unused_;

/* detector_changes and detector_restore: rare_state.c. */
int rare_changes(struct rare *rare, change_fn fn, void *userdata) _warn_unused_;
int rare_restore(struct rare *rare, const struct change *change) _warn_unused_;
/*
 * After a restore, before the first event: whoever is present in another bucket than the open one has left
 * it. Only now can it be told, since keys come in any order, and only damaged state has such a one.
 */
void rare_settle(struct rare *rare);

#endif
