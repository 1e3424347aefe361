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
#include "select/tools.h"
#include "util/cleanup.h"
#include "util/diag.h"

enum scope {
    SCOPE_FLEET, /* one population for all hosts (default) */
    SCOPE_HOST,  /* a population a host */
    SCOPE_USER,  /* a population a user: what is rare for this user */
};

/* What a job counts: its detector asks how rare this is. */
enum subject {
    SUBJECT_USER,    /* "user.name": the user, by the job's identity (default) */
    SUBJECT_PROCESS, /* "process.name" */
};

/* "user.name" and "process.name". */
extern const char *const subject_names[];

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
    char **process_names; /* any of them selects a process start; with arguments' patterns only if one fits */
    size_t n_process_names;
    struct pattern_list args;          /* without process_names: any process one of whose arguments fits */
    bool is_any_process;               /* every process start is selected */
    const struct tool_set **tool_sets; /* so does every tool of these; borrowed from tools */
    size_t n_tool_sets;
    const struct tool_catalogue *tools; /* of the set of jobs; NULL where no job names a tool set */
    struct pattern_list not_processes;  /* names that are never selected */
    struct pattern_list not_users;      /* login or real users whose starts are never selected */
    enum subject subject;
    enum identity identity;
    enum scope scope;
    char *detector;           /* "rare" */
    int64_t bucket_span_usec; /* instead of the detector's own default; 0: that */
    double threshold;         /* alert at score >= threshold, 0 to 100 */
    int severity;             /* ECS event.severity: 21 low, 47 medium, 73 high, 99 critical */
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
    struct tool_catalogue *tools; /* NULL: no job names a tool set */
};

/*
 * Reads jobs from directory/NAME.yaml: those of ids (n_ids of them, each read once), or all files where n_ids
 * is 0. Unknown keys, bad values and unknown ids (with the nearest one) go to diags with file, line and
 * column
 * (-EINVAL); so does a directory without any job. Whether the detector exists is the caller's to check. Where
 * a job names tool sets, they are read from tools.yaml in the directory above.
 */
int job_set_load(const char *directory, const char *const *ids, size_t n_ids, struct diag_list *diags,
                 struct job_set *ret_set) _warn_unused_;
/*
 * The same, with the jobs of another folder (NULL: none): a file there takes the place of one of its name.
 * Tool sets are those of directory.
 */
int job_set_load_with(const char *directory, const char *extra, const char *const *ids, size_t n_ids,
                      struct diag_list *diags, struct job_set *ret_set) _warn_unused_;
void job_set_done(struct job_set *set);

/* Whether the job looks at this event. One job against one event; for many jobs see select/index.h. */
bool job_selects(const struct job *job, const struct event *event);

/*
 * What the job counts in this event and in which population: the detector's user and partition. The first is
 * absent where the event does not say; a fleet is "". In arena memory or borrowed from the event. 0 or
 * -ENOMEM.
 */
int job_subject(const struct job *job, const struct event *event, struct arena *arena,
                struct slice *ret_subject, struct slice *ret_partition) _warn_unused_;

#endif
