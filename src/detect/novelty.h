/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_NOVELTY_H
#define HAPAX_DETECT_NOVELTY_H

/* The novelty detector's own side: its options, what it counts, and what its files share. */

#include "detect/calibration.h"
#include "detect/detector.h"
#include "detect/novelty_tables.h"
#include "detect/surprise.h"

enum novelty_model {
    NOVELTY_STANDARD,
    NOVELTY_REFERENCE, /* the published model to the last digit: no late events, no cap, for comparing */
};

/* Filled from novelty_driver.options. */
struct novelty_options {
    int model; /* enum novelty_model */
    struct rate budget;
    int64_t half_life_usec;
    int64_t lateness_usec;
    int64_t learning_usec;
    int64_t max_users, max_hosts, max_pairs;
    int64_t max_growth; /* buckets of one day that count for a user, at most */
};

struct novelty_stats {
    uint64_t n_late;            /* events that came too late */
    uint64_t n_repeated;        /* events that taught nothing: all they say was seen in their bucket */
    uint64_t n_capped;          /* buckets of a user on a host beyond max_growth, which count for nothing */
    uint64_t n_names_cut;       /* user or host names cut to MODEL_MAX_NAME_BYTES */
    uint64_t n_commands_merged; /* events of commands beyond SURPRISE_MAX_COMMANDS */
    uint64_t n_evicted_users, n_evicted_hosts, n_evicted_pairs;
};

/* What a novelty detector has counted since detector_new. d must be one. */
struct novelty_stats novelty_stats(const struct detector *d);

struct novelty {
    struct detector detector;
    char *key_prefix; /* of state: "novelty/SUITE/MODEL/" */
    char **families;  /* job ids */
    size_t n_families;
    int64_t lateness_buckets;
    struct tables tables;
    struct surprise surprise;
    struct calibration calibration;
    struct novelty_stats stats;
    struct verdict_component components[NOVELTY_MAX_COMPONENTS]; /* of the event at hand */
    bool is_changed;                                             /* the clock, the fleet or the calibration */
};

/* detector_changes and detector_restore: novelty_state.c. */
int novelty_changes(struct novelty *novelty, change_fn fn, void *userdata) _warn_unused_;
int novelty_restore(struct novelty *novelty, const struct change *change) _warn_unused_;

#endif
