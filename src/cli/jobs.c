/* SPDX-License-Identifier: Apache-2.0 */

/* hapax jobs: what can be detected, as a table; with an ID, all that job says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/setup.h"

struct jobs {
    struct setup setup;
    const struct arg_command *command;
};

static int take_option(void *userdata, const struct arg_option *option, const char *value)
{
    struct jobs *jobs = userdata;

    return setup_take_option(&jobs->setup, jobs->command, option, value);
}

static void print_list(const char *label, char *const *items, size_t n, const char *separator)
{
    if (n == 0)
        return;
    printf("%-16s", label);
    for (size_t i = 0; i < n; i++)
        printf("%s%s", i > 0 ? separator : "", items[i]);
    putchar('\n');
}

static void print_job(const struct job *job)
{
    static const char *const identities[] = {"login", "real", "effective"};
    static const char *const scopes[] = {"fleet", "host"};

    printf("%-16s%s\n%-16s%s\n", "id", job->id, "name", job->name);
    print_list("processes", job->process_names, job->n_process_names, ", ");
    printf("%-16s%s\n%-16s%s\n", "identity", identities[job->identity], "scope", scopes[job->scope]);
    printf("%-16s%s, alerts at a score of %g\n", "detector", job->detector, job->threshold);
    printf("%-16s%s (%d), risk score %d\n", "severity", job->severity_name, job->severity, job->risk_score);
    for (size_t i = 0; i < job->n_tactics; i++) {
        const struct threat_tactic *tactic = &job->tactics[i];

        printf("%-16s%s %s\n", "ATT&CK", tactic->id, tactic->name);
        for (size_t k = 0; k < tactic->n_techniques; k++)
            printf("%-16s  %s %s\n", "", tactic->techniques[k].id, tactic->techniques[k].name);
    }
    if (job->description)
        printf("\n%s\n", job->description);
    for (size_t i = 0; i < job->n_false_positives; i++)
        printf("%s%s\n", i == 0 ? "\nFalse positives:\n- " : "- ", job->false_positives[i]);
    if (job->triage)
        printf("\nTriage:\n%s\n", job->triage);
    if (job->response)
        printf("\nResponse:\n%s\n", job->response);
    print_list("\nReferences:     ", job->references, job->n_references, "\n                ");
}

static int run(const struct arg_command *command, int argc, char **argv)
{
    struct jobs jobs = {.command = command};
    int first, r,
        code = setup_init(&jobs.setup) < 0 ? EXIT_FAILURE
                                           : args_parse(command, argc, argv, take_option, &jobs, &first);

    if (code == 0) {
        r = setup_load(&jobs.setup, false);
        if (r >= 0)
            r = setup_load_jobs(&jobs.setup, (const char *const *)argv + first, (size_t)(argc - first));
        if (r < 0)
            code = setup_report(&jobs.setup, command->name, r);
    }
    if (code == 0 && first == argc)
        printf("%-32s %-10s %9s  %-9s %s\n", "ID", "SEVERITY", "THRESHOLD", "DETECTOR", "NAME");
    for (size_t i = 0; code == 0 && i < jobs.setup.jobs.n_jobs; i++) {
        const struct job *job = &jobs.setup.jobs.jobs[i];

        if (first == argc)
            printf("%-32s %-10s %9g  %-9s %s\n", job->id, job->severity_name, job->threshold, job->detector,
                   job->name);
        else
            print_job(job);
    }
    if (code == 0 && fflush(stdout) != 0)
        code = EXIT_FAILURE;
    setup_done(&jobs.setup);
    return code < 0 ? EXIT_SUCCESS : code;
}

static const struct arg_option options[] = {SETUP_CONFIG_OPTIONS};

const struct arg_command jobs_command = {
    .name = "jobs",
    .usage = "[ID…]",
    .summary = "list the jobs, or show what one of them looks for",
    .details = "Lists every job in the rulebase's jobs/ folder. With an ID, prints what it selects, whose "
               "processes, when it\n"
               "alerts, what the alert means and what to do about it.\n",
    .options = options,
    .n_options = ARRAY_SIZE(options),
    .run = run,
};
