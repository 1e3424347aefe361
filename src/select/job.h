/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_JOB_H
#define HAPAX_SELECT_JOB_H

/*
 * A job is one YAML file of rulebase/jobs: which process starts it looks at, whose, in which population, with
 * which detector and threshold, and what its alerts say about it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "event/event.h"
#include "util/cleanup.h"
#include "util/diag.h"

enum scope {
    SCOPE_FLEET, /* one population for all hosts (default) */
    SCOPE_HOST,  /* a population a host */
};

struct threat_technique {
    char *id, *name, *reference;
};

struct threat_tactic {
    char *id, *name, *reference;
    struct threat_technique *techniques;
    size_t n_techniques;
};

struct job {
    char *id;   /* network_connection_discovery: the file's base name must be the same */
    char *name; /* one line, for people */
    char *description;
    char **process_names; /* any of them selects a process start */
    size_t n_process_names;
    enum identity identity;
    enum scope scope;
    char *detector;   /* "rare" */
    double threshold; /* alert at score >= threshold, 0 to 100 */
    int severity;     /* ECS event.severity: 21 low, 47 medium, 73 high, 99 critical */
    char *severity_name;
    int risk_score; /* 0 to 100 */
    char *rule_version;
    char **references;
    size_t n_references;
    char **tags;
    size_t n_tags;
    char **false_positives;
    size_t n_false_positives;
    char *triage; /* what to look at, text */
    char *response;
    struct threat_tactic *tactics;
    size_t n_tactics;
};

/* What a job file may say, for help and the manual: its top level, and an item of "threat" (its "tactic", and
 * each item of its "technique"). */
extern const struct option_table job_option_table, job_tactic_option_table, job_technique_option_table;

/* A fixed, sorted (by id) set of jobs. */
struct job_set {
    struct job *jobs;
    size_t n_jobs;
};

/*
 * Reads jobs from directory/NAME.yaml: those of ids (n_ids of them, each read once), or all files where n_ids
 * is 0. Unknown keys, bad values and unknown ids (with the nearest one) go to diags with file, line and
 * column
 * (-EINVAL); so does a directory without any job. Whether the detector exists is the caller's to check.
 */
int job_set_load(const char *directory, const char *const *ids, size_t n_ids, struct diag_list *diags,
                 struct job_set *ret_set) _warn_unused_;
void job_set_done(struct job_set *set);

/* Whether the job looks at this event. */
bool job_selects(const struct job *job, const struct event *event);

#endif
