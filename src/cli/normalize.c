/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax normalize: what became of these lines. Files are read one after the other; each process start is
 * printed when it is complete, so the order is that of completion, and a reader at the end of a pipe sees it
 * at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "cli/args.h"
#include "cli/explain.h"
#include "cli/input.h"
#include "cli/instances.h"
#include "cli/progress.h"
#include "cli/setup.h"

struct normalize {
    struct setup setup;
    struct arena arena;
    bool is_quiet, is_explaining, is_explaining_json;
    struct explain *explain; /* NULL: events are printed as JSON */
    const struct arg_command *command;
    int write_errno; /* of standard output; 0: all is written so far */
};

static int take_events(struct normalize *n, const char *value)
{
    static const struct {
        const char *name;
        unsigned kinds;
    } rows[] = {
        {"process", EVENT_KIND_BIT(EVENT_PROCESS_START)},
        {"session", EVENT_KIND_BIT(EVENT_SESSION)},
        {"account", EVENT_KIND_BIT(EVENT_ACCOUNT)},
        {"all",
         EVENT_KIND_BIT(EVENT_PROCESS_START) | EVENT_KIND_BIT(EVENT_SESSION) | EVENT_KIND_BIT(EVENT_ACCOUNT)},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcmp(value, rows[i].name) == 0) {
            n->setup.event_kinds |= rows[i].kinds;
            return 0;
        }
    }
    (void)fprintf(stderr, "hapax normalize: --events '%s': expected process, session, account or all\n",
                  value);
    return EXIT_MISUSE;
}

static int take_option(void *userdata, const struct arg_option *option, const char *value)
{
    struct normalize *n = userdata;

    if (strcmp(option->name, "quiet") == 0) {
        n->is_quiet = true;
        return 0;
    }
    if (strcmp(option->name, "explain") == 0) {
        n->is_explaining = n->setup.tells_rules = true;
        n->is_explaining_json = value && strcmp(value, "json") == 0;
        if (!value || n->is_explaining_json || strcmp(value, "text") == 0)
            return 0;
        return args_misuse(n->command, "--explain '%s': expected text or json", value);
    }
    if (strcmp(option->name, "events") == 0)
        return take_events(n, value);
    return setup_take_option(&n->setup, n->command, option, value);
}

static int check_write(struct normalize *n, bool is_written)
{
    if (is_written)
        return 0;
    if (n->write_errno == 0)
        n->write_errno = errno;
    return -EIO;
}

static int on_event(void *userdata, const struct event *event)
{
    struct normalize *n = userdata;
    struct slice json;
    int r;

    arena_reset(&n->arena);
    r = alert_event(event, &n->arena, &json);
    if (r < 0)
        return r;
    return check_write(n, fwrite(json.data, 1, json.len, stdout) == json.len && fputc('\n', stdout) != EOF);
}

static int read_all(struct normalize *n, struct input_set *set)
{
    event_fn emit = n->explain ? explain_event : on_event;
    void *userdata = n->explain ? (void *)n->explain : (void *)n;

    for (size_t i = 0; i < set->n_inputs; i++) {
        struct input *input = &set->inputs[i];
        int r;

        if (n->explain) {
            input->watch = explain_record;
            input->watch_userdata = n->explain;
        }
        do {
            r = input_read(input, emit, userdata);
            progress_show(input_set_read_bytes(set), input_set_size_bytes(set),
                          normalizer_stats(input->normalizer)->n_events);
            /* a pipe's reader should not wait for a full buffer */
            if (r >= 0 && input->size_bytes == 0 && check_write(n, fflush(stdout) == 0) < 0)
                r = -EIO;
        } while (r > 0 && !interrupt_came());
        if (r < 0 && n->write_errno == 0)
            (void)diag_add(&n->setup.diags, input->path, 0, 0, "cannot read: %s", strerror(-r));
        if (r >= 0)
            r = normalizer_flush(input->normalizer, emit, userdata);
        if (r >= 0 && n->explain)
            r = explain_end(n->explain, input);
        if (r < 0 || interrupt_came())
            return r;
    }
    return 0;
}

/* All jobs, switched on or not, and the exceptions of the configuration; the gate stays open. */
static int prepare_explain(struct normalize *n)
{
    int r = setup_load_jobs(&n->setup, NULL, 0), q = setup_load_exceptions(&n->setup, false);

    r = MIN(r, q);
    n->setup.has_wanted = false;
    return r < 0 ? r : explain_new(&n->setup, n->is_explaining_json, &n->explain);
}

static int normalize(struct normalize *n, char **paths, size_t n_paths)
{
    struct input_set set = {0};
    int r = setup_load(&n->setup, false), q = -EINVAL;

    if (r != -ENOMEM)
        q = instances_check_config(&n->setup);
    r = MIN(r, q);
    if (r >= 0)
        r = setup_load_rulebase(&n->setup);
    if (r >= 0 && n->is_explaining)
        r = prepare_explain(n);
    if (r >= 0)
        r = input_set_open(paths, n_paths, &n->setup, &set);
    if (r >= 0)
        r = read_all(n, &set);
    progress_clear();
    if (r >= 0)
        r = check_write(n, fflush(stdout) == 0);
    if (n->write_errno != 0)
        (void)diag_add(&n->setup.diags, NULL, 0, 0, "cannot write to standard output: %s",
                       strerror(n->write_errno));
    if (set.inputs && !n->is_quiet)
        input_set_summary(&set, "normalize");
    input_set_done(&set);
    if (r < 0)
        return setup_report(&n->setup, "normalize", r);
    return interrupt_came() ? 130 : EXIT_SUCCESS; /* 128 + SIGINT, as a shell says it */
}

static int run(const struct arg_command *command, int argc, char **argv)
{
    static char *const stdin_only[] = {(char *)"-", NULL};
    struct normalize n = {.command = command};
    int first, code = setup_init(&n.setup) < 0 ? EXIT_FAILURE
                                               : args_parse(command, argc, argv, take_option, &n, &first);

    if (code == 0) {
        interrupt_catch();
        code = first < argc ? normalize(&n, argv + first, (size_t)(argc - first))
                            : normalize(&n, (char **)stdin_only, 1);
    }
    explain_free(n.explain);
    setup_done(&n.setup);
    arena_done(&n.arena);
    return code < 0 ? EXIT_SUCCESS : code;
}

static const struct arg_option options[] = {
    SETUP_INPUT_OPTIONS,
    SETUP_CONFIG_OPTIONS_WITH("none"),
    {"events", 0, "KIND", "process (default), session, account or all; may be given more than once"},
    {"explain", 'x', "[=FORMAT]",
     "print how each record was read and why: text (default, for people) or json"},
    {"quiet", 'q', NULL, "do not print the counts on stderr"},
};

const struct arg_command normalize_command = {
    .name = "normalize",
    .usage = "[FILE…|-]",
    .summary = "print the process starts (or sessions, accounts) in log files as ECS JSON, one a line",
    .details =
        "Recognises the format of each record: audit (plain, ENRICHED, in syslog, in the journal), sudo "
        "(syslog, "
        "its\n"
        "own file, JSON), doas, su, snoopy, cron, bash, PAM, sshd, logind, useradd, the journal (export, "
        "JSON), ECS\n"
        "JSON (Defend, Auditd Manager, Auditbeat), Tetragon, osquery, Falco, Sysmon for Linux, rsyslog's "
        "JSON, and "
        "what a\n"
        "rulebase of yours adds: see hapax-formats(7). Prints one ECS object a line "
        "for\n"
        "each process start, in order of completion. Without a FILE, or with '-', reads standard input.\n"
        "What was not understood is counted on stderr. --explain tells of each record which rule read it, "
        "what "
        "was found,\n"
        "what became of it, and which jobs would look at it.\n",
    .options = options,
    .n_options = ARRAY_SIZE(options),
    .run = run,
};
