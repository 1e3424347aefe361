/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax check: everything that is wrong, before it is deployed. Loads what run would load (configuration,
 * rulebases with their self test, jobs, exceptions, uid map, detectors) and opens nothing that run would
 * open: no source, no sink, no state.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/instances.h"
#include "cli/say.h"
#include "cli/setup.h"
#include "detector/chain.h"
#include "normalize/text.h"
#include "normalize/text_time.h"
#include "util/buffer.h"

struct check {
    struct setup setup;
    const struct arg_command *command;
    const char *line;     /* to be tried; NULL: none */
    const char *rulebase; /* of the command line */
};

static int take_option(void *userdata, const struct arg_option *option, const char *value)
{
    struct check *check = userdata;

    if (strcmp(option->name, "line") == 0) {
        check->line = value;
        return 0;
    }
    if (strcmp(option->name, "rulebase") == 0)
        check->rulebase = value;
    return setup_take_option(&check->setup, check->command, option, value);
}

/* Values that are right one by one need not go together; the detectors know. */
static int check_chain(struct setup *setup)
{
    _cleanup_(chain_freep) struct chain *chain = NULL;

    return chain_new(
        &(struct chain_options){.jobs = &setup->jobs, .detector = setup->detector, .config = setup->config},
        &setup->diags, &chain);
}

/* A job that an exception names and nobody has is a mistake that would never show. All jobs are loaded. */
static int check_exception_jobs(struct setup *setup)
{
    _cleanup_(freep) const char **words = calloc(setup->jobs.n_jobs + 1, sizeof(*words));
    bool is_bad = false;

    if (!words)
        return -ENOMEM;
    for (size_t i = 0; i < setup->jobs.n_jobs; i++)
        words[i] = setup->jobs.jobs[i].id;
    for (size_t i = 0; i < exception_set_count(setup->exceptions); i++) {
        const struct exception *exception = exception_set_at(setup->exceptions, i);

        for (size_t k = 0; k < exception->n_jobs; k++) {
            const char *near = nearest_word(slice_from_string(exception->jobs[k]), words);

            if (near && strcmp(near, exception->jobs[k]) == 0)
                continue;
            is_bad = true;
            (void)diag_add(&setup->diags, exception->file, exception->line, exception->column,
                           "exception '%s' is about the unknown job '%.80s'%s%s%s", exception->id,
                           exception->jobs[k], near ? " (did you mean '" : ", expected an id of 'hapax jobs'",
                           near ? near : "", near ? "'?)" : "");
        }
    }
    return is_bad ? -EINVAL : 0;
}

/* Goes on after each problem, so that one run shows them all. */
static int check_all(struct setup *setup)
{
    int r = setup_load(setup, true), q;

    if (r == -ENOMEM)
        return r;
    q = instances_check_config(setup);
    r = MIN(r, q);
    setup->tests_rules = true;
    q = setup_load_rulebase(setup);
    r = MIN(r, q);
    q = setup_load_exceptions(setup, true);
    r = MIN(r, q);
    q = setup_load_jobs(setup, NULL, 0); /* also those that are not switched on */
    r = MIN(r, q);
    if (q < 0)
        return r;
    if (setup->exceptions) {
        q = check_exception_jobs(setup);
        r = MIN(r, q);
    }
    job_set_done(&setup->jobs);
    job_wanted_done(&setup->wanted);
    q = setup_choose_jobs(setup, NULL, NULL, 0);
    r = MIN(r, q);
    return r < 0 ? r : check_chain(setup);
}

static void say_attempt(void *userdata, const struct rulebase_attempt *attempt)
{
    (void)userdata;
    if (!attempt->match) {
        printf("rule       none\n");
        if (!slice_is_absent(attempt->rest)) {
            printf("stopped    before '");
            say_bytes(stdout, attempt->rest);
            printf("'\n");
        }
        return;
    }
    printf("rule       %s:%u\ntags       ", attempt->file, attempt->line);
    say_bytes(stdout, attempt->match->tags);
    printf("\nfields     %zu\n", attempt->match->n_fields);
    say_fields(stdout, attempt->match, "  ");
}

/* "PROGRAM: MESSAGE" of a line with a syslog header: what authors have at hand is lines of a log. 1: it has
 * one. */
static int cut_header(struct slice line, struct arena *arena, struct slice *ret_text)
{
    _cleanup_(rulebase_freep) struct rulebase *rulebase = NULL;
    _cleanup_(diag_list_done) struct diag_list ignored = DIAG_LIST_INIT;
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    struct text_calendar calendar = {0};
    struct setup shipped = {0};
    struct text_line parts;
    int r = setup_find_rulebase(&shipped);

    if (r >= 0)
        r = rulebase_load(shipped.settings.rulebase, &ignored, &rulebase);
    free(shipped.settings.rulebase);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    r = text_read_header(rulebase, &calendar, line, arena, &parts);
    if (r <= 0 || slice_is_absent(parts.program))
        return MIN(r, 0);
    r = buffer_append_format(&text, "%.*s: %.*s", SLICE_FMT(parts.program),
                             SLICE_FMT(slice_trim(parts.message)));
    if (r >= 0)
        r = arena_copy(arena, buffer_slice(&text), ret_text);
    return r < 0 ? r : 1;
}

/* One line against one file. 1: it matches, and the file's own samples do what they say. */
static int try_line(struct check *check)
{
    _cleanup_(rulebase_freep) struct rulebase *rulebase = NULL;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice line = slice_from_string(check->line);
    int failed = rulebase_load_file(check->rulebase, &check->setup.diags, &rulebase), r;
    size_t n_rules, n_samples;
    struct rule_match match;

    if (failed < 0)
        return failed;
    rulebase_count(rulebase, &n_rules, &n_samples);
    printf("rulebase   %s: %zu rules, %zu sample lines, self test %s\n", check->rulebase, n_rules, n_samples,
           failed ? "failed" : "passed");
    r = rulebase_match(rulebase, RULEBASE_MESSAGE, line, &arena, &match);
    if (r == 0)
        r = cut_header(line, &arena, &line);
    if (r < 0)
        return r;
    printf("text       ");
    say_bytes(stdout, line);
    printf("\n");
    rulebase_set_trace(rulebase, say_attempt, NULL);
    r = rulebase_match(rulebase, RULEBASE_MESSAGE, line, &arena, &match);
    return r < 0 ? r : r > 0 && !failed;
}

static int run_try(struct check *check)
{
    int r = try_line(check);

    if (r >= 0 && check->setup.diags.n == 0)
        return fflush(stdout) == 0 && r > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    (void)fflush(stdout);
    return setup_report(&check->setup, check->command->name, r);
}

static int run(const struct arg_command *command, int argc, char **argv)
{
    struct check check = {.command = command};
    int first, r,
        code = setup_init(&check.setup) < 0 ? EXIT_FAILURE
                                            : args_parse(command, argc, argv, take_option, &check, &first);
    size_t n_rules, n_samples;

    if (code == 0 && argc - first > 1)
        code = args_misuse(command, "one FILE at a time, not '%s'", argv[first + 1]);
    if (code == 0 && check.line) {
        code = !check.rulebase ? args_misuse(command, "--line needs --rulebase FILE")
               : first < argc  ? args_misuse(command, "--line checks a rulebase, not '%s'", argv[first])
                               : run_try(&check);
        setup_done(&check.setup);
        return code;
    }
    if (code == 0 && first < argc) {
        free(check.setup.config_path);
        check.setup.config_path = strdup(argv[first]);
        code = check.setup.config_path ? 0 : EXIT_FAILURE;
    }
    if (code == 0) {
        r = check_all(&check.setup);
        if (r < 0) {
            code = setup_report(&check.setup, command->name, r);
        } else {
            rulebase_count(check.setup.rulebase, &n_rules, &n_samples);
            printf("configuration  %s\nrulebase       %s: %zu rules, %zu sample lines\njobs           %zu "
                   "switched on\nexceptions     %s: %zu\nall is well\n",
                   check.setup.config_path ? check.setup.config_path : "none (defaults)",
                   check.setup.settings.rulebase, n_rules, n_samples, check.setup.jobs.n_jobs,
                   check.setup.exceptions_path ? check.setup.exceptions_path : "none",
                   check.setup.exceptions ? exception_set_count(check.setup.exceptions) : 0);
            code = fflush(stdout) == 0 ? 0 : EXIT_FAILURE;
        }
    }
    setup_done(&check.setup);
    return code < 0 ? EXIT_SUCCESS : code;
}

static const struct arg_option options[] = {
    SETUP_CONFIG_OPTIONS,
    {"uid-map", 0, "FILE", "check this uid map, too"},
    {"line", 'l', "TEXT",
     "try this text (PROGRAM: MESSAGE) against one rulebase, the file that --rulebase names"},
};

const struct arg_command check_command = {
    .name = "check",
    .usage = "[FILE]",
    .summary = "say everything that is wrong with a configuration, the rulebases and the jobs",
    .details =
        "Reads the configuration FILE (default: the system's), loads the rulebases, runs their sample "
        "lines, and reads\n"
        "all jobs. Every problem is shown with file, line and column. Opens no source, no sink and no "
        "state.\n"
        "With --line, tells which rule of one rulebase file matches a text and what it finds, or where it "
        "stops.\n",
    .options = options,
    .n_options = ARRAY_SIZE(options),
    .run = run,
};
