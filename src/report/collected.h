/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_REPORT_COLLECTED_H
#define HAPAX_REPORT_COLLECTED_H

/* What report.c collects and write.c writes: for these two. Strings are in the arena `texts`. */

#include "report/curve.h"
#include "report/hosts.h"
#include "report/report.h"
#include "report/timeline.h"
#include "report/users.h"
#include "util/arena.h"

struct report_job {
    UT_hash_handle hh;
    char *id;
    const char *detector;
    double threshold, budget_per_day; /* of the last verdict */
    uint64_t n_events, n_alerts, n_held;
    struct curve curve;
};

struct report_alert {
    char id[33]; /* HASH_ID_SIZE */
    int64_t time_usec, bucket_start_usec;
    struct slice job, user, host, process, sentence;
    bool has_probability;
    double score, threshold, probability;
};

struct report_sample {
    int64_t time_usec;
    struct slice job, user, host, sentence;
};

struct report_rule {
    UT_hash_handle hh;
    char *id;
    struct slice effect, reason, owner, ticket, match;
    int64_t expires_usec;
    uint64_t n_held, n_skipped;
    int64_t first_usec, last_usec; /* with one of the counts */
    struct report_sample samples[REPORT_SAMPLES_MAX];
    size_t n_samples;
};

struct report_source {
    struct report_input input;
    struct slice path;
};

struct report {
    struct arena texts, row;
    struct timeline timeline;
    struct users users;
    struct hosts hosts;
    struct units units;
    struct report_job *jobs;
    struct report_rule *rules;
    struct report_alert alerts[REPORT_ALERTS_MAX];
    size_t n_listed;
    struct report_source *sources;
    size_t n_sources;
    uint64_t n_more_sources;
    struct report_input sums; /* of all inputs */
    uint64_t n_events, n_selected, n_verdicts, n_records, n_alerts, n_held, n_skipped;
    uint64_t n_by_reason[VERDICT_SKIPPED + 1]; /* of the verdicts that are not final */
    int64_t first_usec, last_usec;             /* with n_events */
};

#endif
