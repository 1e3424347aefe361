/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_SETUP_H
#define HAPAX_CLI_SETUP_H

/* What every command needs before it works: configuration, rulebases, jobs, the uid map, the time zone. */

#include <stdbool.h>
#include <stdint.h>

#include "cli/args.h"
#include "config/config.h"
#include "normalize/normalizer.h"
#include "select/exception.h"
#include "select/job.h"
#include "select/wanted.h"
#include "store/store.h"
#include "util/diag.h"
#include "util/hash.h"

/* The top of the configuration, as hapax.yaml(5) documents it. */
struct settings {
    char *rulebase;
    char *rulebase_extra;
    struct string_list jobs;
    char *jobs_extra;
    char *exceptions;
    int format;
    char *time_zone;
    int64_t year;
    char *uid_map;
    char *host;
    bool has_gate, has_native_headers;
    char *state_path;
    int durability;
    int64_t commit_interval_usec;
    int64_t close_delay_usec;
    uint64_t outbox_limit_bytes;
    int64_t outbox_limit_alerts;
    int64_t outbox_warn_age_usec;
    int64_t history_keep_usec;
    uint64_t history_limit_bytes;
    char *metrics_file;
    int64_t metrics_interval_usec;
    int log_level;
};

extern const struct option_table settings_table;

struct setup {
    struct config *config;
    struct diag_list diags; /* problems so far: setup_report prints them */
    struct settings settings;
    bool has_settings;
    bool tells_rules; /* the rulebase does, for an explanation */
    bool tests_rules; /* also those that are as they were shipped */
    bool marks_jobs;  /* may be loaded anew: jobs_mark is wanted */
    bool is_reload;   /* of a running program: what belongs to the process (TZ) is looked at, not touched */
    unsigned event_kinds; /* EVENT_KIND_BITs of what the inputs hand over; 0: process starts */
    struct rulebase *rulebase;
    struct uid_map *uid_map;
    struct job_set jobs;
    char jobs_mark[HASH_ID_SIZE];     /* of the files that jobs are made of: another one, other jobs */
    struct exception_set *exceptions; /* NULL: none */
    char *exceptions_path;            /* what was read; NULL: nothing */
    char *config_path;                /* what was read; NULL: no file */
    struct wanted wanted;             /* by the jobs: what the gate lets pass */
    bool has_wanted;
    const char *detector; /* that all jobs use; NULL: each its own */
};

/* The options that several commands share; each command's table begins with the ones it takes. */
#define SETUP_SYSTEM_CONFIG  HAPAX_SYSCONFDIR "/hapax.yaml, if it is there"
#define SETUP_CONFIG_OPTIONS SETUP_CONFIG_OPTIONS_WITH(SETUP_SYSTEM_CONFIG)
#define SETUP_CONFIG_OPTIONS_WITH(default_config)                                                            \
    {"config", 'c', "FILE", "read this configuration (default: " default_config ")"},                        \
        {"set", 's', "PATH=VALUE",                                                                           \
         "set one key of the configuration, as in detector.rare.forget=decay; may be repeated"},             \
    {                                                                                                        \
        "rulebase", 0, "DIR", "the folder with *.rulebase and jobs/"                                         \
    }

#define SETUP_INPUT_OPTIONS                                                                                  \
    {"format", 'f', "FORMAT", "auto (default), audit, syslog, json or journal-export"},                      \
        {"time-zone", 0, "ZONE",                                                                             \
         "of lines that carry none, as Europe/Berlin (default: TZ, else the system's)"},                     \
        {"year", 0, "YEAR",                                                                                  \
         "of the first line that carries none (default: the latest that fits the file's time)"},             \
    {                                                                                                        \
        "uid-map", 0, "FILE", "names for user ids the input leaves as numbers, in passwd(5) format"          \
    }

#define SETUP_GATE_OPTION                                                                                    \
    {                                                                                                        \
        "no-gate", 0, NULL,                                                                                  \
            "read every record, also where no job can want it (the same as --set gate=false)"                \
    }

int setup_init(struct setup *setup) __attribute__((warn_unused_result));
void setup_done(struct setup *setup);

/* Takes one of the shared options. Returns 0, or the exit code where it cannot (misuse is said on stderr). */
int setup_take_option(struct setup *setup, const struct arg_command *command, const struct arg_option *option,
                      const char *value);

/*
 * Reads the configuration file and the settings, sets the time zone. use_default_config: fall back to the
 * system's file. Problems go to setup->diags (-EINVAL).
 */
int setup_load(struct setup *setup, bool use_default_config) __attribute__((warn_unused_result));

/* The folder of rulebases, in settings.rulebase, where nobody has chosen one: $HAPAX_RULEBASE, or the
 * program's own. */
int setup_find_rulebase(struct setup *setup) __attribute__((warn_unused_result));

/* Loads the rulebases and the uid map. */
int setup_load_rulebase(struct setup *setup) __attribute__((warn_unused_result));

/* Loads the jobs: ids (n_ids of them), else those of the configuration. From then on, inputs have a gate. */
int setup_load_jobs(struct setup *setup, const char *const *ids, size_t n_ids)
    __attribute__((warn_unused_result));

/* Where the state is: of the configuration, else of the environment. The caller frees it. 0 or -ENOMEM. */
int setup_find_state(const struct setup *setup, char **ret_path) __attribute__((warn_unused_result));

/*
 * Makes the folders above the one a found state stands in: ~/.local/state need not be there yet; the last
 * folder is the store's to make. path is the same afterwards. 0, or a negative errno with a diagnostic.
 */
int setup_make_parents(struct setup *setup, char *path) __attribute__((warn_unused_result));
/*
 * Where the exceptions are: the configured file or folder, else, with use_default, the system's where there
 * is one; NULL: nowhere. 0 or -ENOMEM; the caller frees.
 */
int setup_find_exceptions(const struct setup *setup, bool use_default, char **ret_path)
    __attribute__((warn_unused_result));

/* Loads the exceptions; use_default as in setup_find_exceptions. */
int setup_load_exceptions(struct setup *setup, bool use_default) __attribute__((warn_unused_result));

/*
 * Which jobs run, and with which detector: ids (n_ids of them) where the command line names some, else the
 * configuration's; without either, and with a detector that judges a suite, the families of the rulebase.
 * detector: from the command line; NULL: the configuration's word for it, if any.
 */
int setup_choose_jobs(struct setup *setup, const char *detector, const char *const *ids, size_t n_ids)
    __attribute__((warn_unused_result));

/* An id of the names and bytes of every *.yaml in the folders (a folder that cannot be read has none). 0 or
 * -ENOMEM. */
int setup_mark_files(const char *const *directories, size_t n_directories, char ret_mark[HASH_ID_SIZE])
    __attribute__((warn_unused_result));

/* Options for the normalizer of one input; reference_usec as in struct normalizer_options. */
struct normalizer_options setup_normalizer_options(const struct setup *setup, int64_t reference_usec);

/* Prints the problems, or what r means where there are none. Returns EXIT_FAILURE. */
int setup_report(const struct setup *setup, const char *command, int r);

#endif
