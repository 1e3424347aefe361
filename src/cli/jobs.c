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

static void print_patterns(const char *label, const struct pattern_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        printf("%-16s%s\n", i == 0 ? label : "", list->items[i].text);
}

static void print_selection(const struct job *job)
{
    if (job->is_any_process)
        printf("%-16s%s\n", "processes", "any");
    print_list("processes", job->process_names, job->n_process_names, ", ");
    print_patterns("arguments", &job->args);
    for (size_t i = 0; i < job->n_tool_sets; i++)
        printf("%-16s%s (%s): %s\n", i == 0 ? "tools" : "", job->tool_sets[i]->id,
               job->tool_sets[i]->technique,
               job->tool_sets[i]->description ? job->tool_sets[i]->description : "");
    print_patterns("not processes", &job->not_processes);
    print_patterns("not users", &job->not_users);
}

static void print_job(const struct job *job)
{
    static const char *const identities[] = {"login", "real", "effective"};
    static const char *const scopes[] = {"fleet", "host", "user"};

    printf("%-16s%s\n%-16s%s\n", "id", job->id, "name", job->name);
    print_selection(job);
    printf("%-16s%s\n", "rare by", subject_names[job->subject]);
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

#define ROW "%-37s %-9s  %-8s %9s  %-8s  %-4s  %s\n"

static void print_row(const struct job *job, bool is_on)
{
    const struct threat_tactic *tactic = job->n_tactics > 0 ? &job->tactics[0] : NULL;
    char threshold[32];

    (void)snprintf(threshold, sizeof(threshold), "%g", job->threshold);
    printf(ROW, job->id, tactic && tactic->n_techniques > 0 ? tactic->techniques[0].id : "-",
           job->severity_name, threshold, job->detector, is_on ? "yes" : "no", job->name);
}

/* Whether the configuration runs the job when no --job is given. */
static bool is_switched_on(const struct string_list *ids, const char *id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (strcmp(ids->items[i], id) == 0)
            return true;
    return false;
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
        printf(ROW, "ID", "TECHNIQUE", "SEVERITY", "THRESHOLD", "DETECTOR", "RUNS", "NAME");
    for (size_t i = 0; code == 0 && i < jobs.setup.jobs.n_jobs; i++) {
        const struct job *job = &jobs.setup.jobs.jobs[i];

        if (first == argc)
            print_row(job, is_switched_on(&jobs.setup.settings.jobs, job->id));
        else
            print_job(job);
    }
    if (code == 0 && fflush(stdout) != 0)
        code = EXIT_FAILURE;
    setup_done(&jobs.setup);
    return code < 0 ? EXIT_SUCCESS : code;
}

static const struct arg_option options[] = {SETUP_CONFIG_OPTIONS_WITH("none")};

const struct arg_command jobs_command = {
    .name = "jobs",
    .usage = "[ID…]",
    .summary = "list the jobs, or show what one of them looks for",
    .details =
        "Lists every job in the rulebase's jobs/ folder, and whether run and replay start it when they are\n"
        "not told which. With an ID, prints what it selects, whose "
        "processes, when it\n"
        "alerts, what the alert means and what to do about it.\n",
    .options = options,
    .n_options = ARRAY_SIZE(options),
    .run = run,
};
