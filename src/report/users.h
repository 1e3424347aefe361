/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_REPORT_USERS_H
#define HAPAX_REPORT_USERS_H

/* One row for each (job, population, user). Zero-initialise, release with users_done. */

#include "detect/detector.h"
#include "util/table.h"

#define HOURS_OF_WEEK 168

struct user_sums {
    uint64_t n_events, n_records, n_alerts, n_held;
};

struct user_row {
    UT_hash_handle hh;
    char *key;
    struct slice job, partition, user; /* in key */
    bool is_by_process;
    bool is_partial; /* a row before this one may have been folded into the others */
    bool has_probability, is_seen;
    struct user_sums sums;
    double score_max, probability; /* the highest of all verdicts; of the last verdict that has one */
    int64_t first_usec, last_usec;
    uint32_t hours[HOURS_OF_WEEK]; /* events by hour of the week, UTC, Monday 0:00 first; stays at its most */
};

struct users {
    struct user_row *rows;
    uint64_t n_folded; /* rows in others */
    struct user_sums others;
};

void users_done(struct users *users);

/* The row of a verdict that names a user; made where it is missing. 0 or -ENOMEM. */
int users_get(struct users *users, const struct verdict *verdict, struct user_row **ret_row) _warn_unused_;

/* Counts a verdict of chain_callbacks.score or final. */
void user_row_count(struct user_row *row, const struct verdict *verdict);

/* Sorts the rarest first and folds what is behind the first n into the others. */
void users_rank(struct users *users, size_t n);

#endif
