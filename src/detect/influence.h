/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_INFLUENCE_H
#define HAPAX_DETECT_INFLUENCE_H

/*
 * Influencers: the users, hosts and processes that occur together with somebody in a bucket, and how unusual
 * the bucket makes each of them and is itself.
 */

#include <stdbool.h>
#include <stdint.h>

#include "detect/ceilings.h"
#include "detect/model.h"
#include "detect/tail.h"

enum influence_field {
    INFLUENCE_USER,
    INFLUENCE_HOST,
    INFLUENCE_PROCESS,
    N_INFLUENCE_FIELDS,
};

/* "user", "host", "process" */
extern const char *const influence_field_names[N_INFLUENCE_FIELDS];

/* Limit on values of a field of one user in one bucket; chosen: a bucket's records must stay readable. */
#define INFLUENCE_MAX_OF_USER 256U
/* Limit on values in the open bucket, of all fields; chosen: 50 MB of them. */
#define INFLUENCE_MAX_OPEN 262144U
/* Limit on values whose greatest score is remembered; chosen: 15 MB of them. */
#define INFLUENCE_MAX_REMEMBERED 65536U

/* A score's history, with its own maximum where one scope has it to itself. */
struct history {
    struct ceilings ceilings;
    double greatest_raw;
    int64_t greatest_bucket; /* BUCKET_NONE: none */
};

/* A value of a field. */
struct influence {
    UT_hash_handle hh;
    enum influence_field field;
    struct slice value; /* behind the struct */
    size_t n_present;   /* users in the open bucket that hold it */
    bool is_open;       /* in the list of the open bucket */
    struct tally tally;
    double probability, raw, score; /* of the bucket that closes */
    double greatest_raw;
    int64_t greatest_bucket; /* BUCKET_NONE: none, and it goes with the bucket */
    bool is_dirty;
    struct influence *prev, *next;             /* among the remembered */
    struct influence *prev_dirty, *next_dirty; /* among the dirty ones */
};

/* All histories of a detector: of users' own records, of the bucket, of values and of fields. */
enum {
    HISTORY_RECORDS,
    HISTORY_BUCKET,
    HISTORY_VALUES,
    HISTORY_FIELDS = HISTORY_VALUES + N_INFLUENCE_FIELDS,
    N_HISTORIES = HISTORY_FIELDS + N_INFLUENCE_FIELDS
};

struct influences {
    double lambda; /* set by the owner before influences_init */
    struct history histories[N_HISTORIES];
    struct influence *values[N_INFLUENCE_FIELDS];
    struct influence **open;
    size_t n_open, open_size;
    struct influence *remembered; /* the one longest absent first */
    size_t n_remembered;
    bool is_restored; /* since the last close: the list of the remembered is in no order */
    struct influence *dirty;
    bool is_tracking;      /* someone has handed state out or in: what is deleted must be told */
    struct buffer deleted; /* of (field, value) */
    uint64_t n_cut;        /* values not looked at because a limit was reached */
};

void influences_init(struct influences *influences, int64_t bucket_span_usec);
void influences_done(struct influences *influences);

/* What the value is known as, made where need be. 0; 1 where the limit is reached; -ENOMEM. */
int influences_get(struct influences *influences, enum influence_field field, struct slice value,
                   struct influence **ret_influence) _warn_unused_;

/* Gone, where nothing remembers it and nobody in the open bucket holds it. */
void influences_release(struct influences *influences, struct influence *influence);

/* A present user holds it, or does no more. */
int influence_enter(struct influences *influences, struct influence *influence) _warn_unused_;
void influence_leave(struct influences *influences, struct influence *influence);

/*
 * The bucket closes; tallies are filled by who was in it, and are cleared. bucket_probability is that of all
 * populations together. Scores each open value (probability, raw, score). 0 or -ENOMEM. *ret_bucket_score is
 * 0 to 100.
 */
int influences_close(struct influences *influences, int64_t bucket, double bucket_probability,
                     double *ret_bucket_score) _warn_unused_;

/* After influences_close and influence_leave of all: forgets what nothing remembers. 0 or -ENOMEM. */
int influences_sweep(struct influences *influences, int64_t bucket) _warn_unused_;

/* For state. The value is to be written again. */
void influence_touch(struct influences *influences, struct influence *influence);
void influence_clean(struct influences *influences, struct influence *influence);
/* Its greatest score is remembered from now on, or not at all (greatest_bucket BUCKET_NONE). 0 or -ENOMEM. */
int influence_remember(struct influences *influences, struct influence *influence, double greatest_raw,
                       int64_t greatest_bucket) _warn_unused_;

/* By field, then by the bytes of the value: < 0, 0, > 0. */
int influence_compare(const struct influence *a, const struct influence *b);

#endif
