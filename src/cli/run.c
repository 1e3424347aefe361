/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax run: from the configuration to a running engine.
 *
 * The configuration names instances: "source.NAME" and "sink.NAME", each with a driver (default: the one
 * called NAME) and that driver's options. Without any source, the journal is read, or standard input where
 * that is a pipe or a file; without any sink, alerts go to standard output, or to the journal where standard
 * output carries omprog's replies. The command line's own options (--follow, --journal-file …) are short ways
 * to write such keys.
 */
#include "cli/run.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log/log.h"
#include "util/parse.h"

/* chosen: rsyslog gives the process before this one 5 s to end (closeTimeout), and waits 10 s for this one's
 * first answer (confirmTimeout) */
#define FENCE_USEC (8 * USEC_PER_SEC)

/* measured: with 1 s rsyslogd 8.2302 lives */
#define LINGER_MSEC 2000

static int set(struct run *run, const char *key, const char *value)
{
    _cleanup_(freep) char *assignment = NULL;

    if (asprintf(&assignment, "%s=%s", key, value) < 0)
        return EXIT_FAILURE;
    return config_set(run->setup->config, assignment, &run->setup->diags) == -ENOMEM ? EXIT_FAILURE : 0;
}

static int take_option(void *userdata, const struct arg_option *option, const char *value)
{
    struct run *run = userdata;
    char key[64];

    if (strcmp(option->name, "follow") == 0) {
        run->is_following = true;
        return 0;
    }
    if (strcmp(option->name, "protocol") == 0)
        return set(run, "source.stdin.protocol", value);
    if (strcmp(option->name, "journal-directory") == 0)
        return set(run, "source.journald.directory", value);
    if (strcmp(option->name, "journal-file") == 0) {
        (void)snprintf(key, sizeof(key), "source.journald.files.%zu", run->n_journal_files++);
        return set(run, key, value);
    }
    if (strcmp(option->name, "state") == 0)
        return set(run, "state.path", value);
    return setup_take_option(run->setup, run->command, option, value);
}

/* FILE operands: one file source each, named by their place. */
static int add_files(struct run *run, char **paths, size_t n_paths)
{
    for (size_t i = 0; i < n_paths; i++) {
        char key[64];
        int code;

        if (strcmp(paths[i], "-") == 0) {
            code = set(run, "source.stdin.driver", "stdin");
        } else {
            (void)snprintf(key, sizeof(key), "source.file%zu.driver", i);
            code = set(run, key, "file");
            (void)snprintf(key, sizeof(key), "source.file%zu.path", i);
            code = code == 0 ? set(run, key, paths[i]) : code;
            (void)snprintf(key, sizeof(key), "source.file%zu.follow", i);
            code = code == 0 ? set(run, key, run->is_following ? "true" : "false") : code;
            /* who names a file here vouches for its writer, as in replay; syslog's text in it stays what it
             * is */
            (void)snprintf(key, sizeof(key), "source.file%zu.trust", i);
            code = code == 0 ? set(run, key, "dedicated") : code;
        }
        if (code != 0)
            return code;
    }
    return 0;
}

static bool stdin_brings_records(void)
{
    struct stat st;

    return fstat(STDIN_FILENO, &st) == 0 &&
           (S_ISFIFO(st.st_mode) || S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* Standard output belongs to rsyslog where a source speaks omprog. */
static bool stdout_is_taken(struct run *run)
{
    for (size_t i = 0; i < run->sources.n; i++) {
        _cleanup_(freep) char *key = NULL;
        const char *protocol;

        if (asprintf(&key, "source.%s.protocol", run->sources.items[i].name) < 0)
            return false;
        protocol = config_get(run->setup->config, key);
        if (protocol && strcmp(protocol, "omprog") == 0)
            return true;
    }
    return false;
}

static int load_instances(struct run *run)
{
    int r = instances_load_sources(run->setup, stdin_brings_records() ? "stdin" : "journald", &run->sources),
        q;
    bool is_taken = stdout_is_taken(run);

    run->is_answering = is_taken;
    q = instances_load_sinks(run->setup, is_taken ? "journal" : "stdout", &run->sinks);
    for (size_t i = 0; is_taken && i < run->sinks.n; i++)
        if (strcmp(sink_driver_name(run->sinks.items[i].sink_driver), "stdout") == 0)
            q = diag_add(
                &run->setup->diags, NULL, 0, 0,
                "sink.%s: standard output carries the omprog replies, use a file, journal or kafka sink",
                run->sinks.items[i].name);
    return MIN(r, q);
}

int run_prepare(struct run *run)
{
    struct setup *setup = run->setup;
    int r = setup_load(setup, true), q;

    if (r == -ENOMEM || !setup->has_settings)
        return r;
    if (!setup->is_reload)
        log_init(setup->settings.log_level);
    q = instances_check_config(setup);
    r = MIN(r, q);
    if (r >= 0)
        r = load_instances(run);
    q = setup_load_exceptions(setup, true);
    r = MIN(r, q);
    setup->marks_jobs = true;
    q = setup_choose_jobs(setup, NULL, NULL, 0);
    r = MIN(r, q);
    q = setup_load_rulebase(setup);
    return MIN(r, q);
}

void run_fill_options(struct run *run, struct setup *setup, struct engine_source_options *sources,
                      struct outbox_sink *sinks, struct engine_options *ret_options)
{
    for (size_t i = 0; i < run->sources.n; i++) {
        const struct instance *s = &run->sources.items[i];

        sources[i] = (struct engine_source_options){
            .driver = s->source_driver,
            .name = s->name,
            .settings = s->settings,
            .normalizer = setup_normalizer_options(setup, (int64_t)time(NULL) * USEC_PER_SEC),
        };
    }
    for (size_t i = 0; i < run->sinks.n; i++)
        sinks[i] = (struct outbox_sink){run->sinks.items[i].sink_driver, run->sinks.items[i].name,
                                        run->sinks.items[i].settings};
    *ret_options = (struct engine_options){
        .sources = sources,
        .n_sources = run->sources.n,
        .sinks = sinks,
        .n_sinks = run->sinks.n,
        .store = run->store,
        .chain = {.jobs = &setup->jobs,
                  .exceptions = setup->exceptions,
                  .detector = setup->detector,
                  .config = setup->config,
                  .observer = {.version = HAPAX_VERSION, .host = slice_from_string(run->host)}},
        .commit_interval_usec = setup->settings.commit_interval_usec,
        .close_delay_usec = setup->settings.close_delay_usec,
        .outbox_limit_bytes = setup->settings.outbox_limit_bytes,
        .outbox_limit_alerts = (uint64_t)setup->settings.outbox_limit_alerts,
        .outbox_warn_age_usec = setup->settings.outbox_warn_age_usec,
        .history_keep_usec = setup->settings.history_keep_usec,
        .history_limit_bytes = setup->settings.history_limit_bytes,
        .metrics_file = setup->settings.metrics_file,
        .metrics_interval_usec = setup->settings.metrics_interval_usec,
        .reload = run_reload,
        .reload_userdata = run,
    };
}

static int run_engine(struct run *run)
{
    _cleanup_(freep) struct engine_source_options *sources = calloc(run->sources.n + 1, sizeof(*sources));
    _cleanup_(freep) struct outbox_sink *sinks = calloc(run->sinks.n + 1, sizeof(*sinks));
    _cleanup_(engine_freep) struct engine *engine = NULL;
    /* a reload replaces run->setup, while the engine may still add to this */
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(freep) char *metrics_file = NULL;
    struct engine_options options;
    int r;

    if (!sources || !sinks)
        return -ENOMEM;
    (void)gethostname(run->host, sizeof(run->host) - 1);
    run_fill_options(run, run->setup, sources, sinks, &options);
    if (options.metrics_file && !(metrics_file = strdup(options.metrics_file)))
        return -ENOMEM;
    options.metrics_file = metrics_file; /* outlives run->setup */
    r = engine_new(&options, &diags, &engine);
    if (r >= 0) {
        r = engine_run(engine, &diags);
        run->is_logged = diags.n == 0;
    }
    if (r < 0 && diags.n > 0) {
        diag_list_done(&run->setup->diags);
        run->setup->diags = diags;
        diags = DIAG_LIST_INIT;
    }
    return r;
}

struct setup *setup_free(struct setup *setup)
{
    if (!setup)
        return NULL;
    setup_done(setup);
    free(setup);
    return NULL;
}

/*
 * What rsyslog is told in place of OK: it logs the first line that is not. rsyslogd 8.2302 dies of a child
 * that ends as soon as it has begun (a null pointer, seen with any program, 2026-11-24): it gets the time to
 * close the pipe first.
 */
static void answer_failure(const struct run *run)
{
    struct pollfd closed = {.fd = STDIN_FILENO};
    const struct diag_list *diags = &run->setup->diags;
    const struct diag *first = diags->n > 0 ? &diags->items[0] : NULL;

    printf("error: hapax cannot start: %s%s%s\n", first && first->file ? first->file : "",
           first && first->file ? ": " : "", first ? first->message : "its log says why");
    (void)fflush(stdout);
    (void)poll(&closed, 1, LINGER_MSEC);
}

void run_done(struct run *run)
{
    instance_list_done(&run->sources);
    instance_list_done(&run->sinks);
    store_close(run->store);
    free(run->state_path);
    if (run->start_setup != run->setup && run->start_setup != run->chain_setup)
        setup_free(run->start_setup);
    setup_free(run->chain_setup);
    setup_free(run->setup);
}

int run_parse(struct run *run)
{
    int first, code;

    run->setup = calloc(1, sizeof(*run->setup));
    if (!run->setup || setup_init(run->setup) < 0)
        return EXIT_FAILURE;
    code = args_parse(run->command, run->argc, run->argv, take_option, run, &first);
    if (code == 0)
        code = add_files(run, run->argv + first, (size_t)(run->argc - first));
    if (code == 0 && run->is_following && first == run->argc)
        code = args_misuse(run->command, "--follow needs a FILE");
    return code;
}

static int run(const struct arg_command *command, int argc, char **argv)
{
    struct run run = {.command = command, .argc = argc, .argv = argv};
    int r, code = run_parse(&run);

    if (code == 0) {
        r = run_prepare(&run);
        if (r >= 0)
            r = setup_find_state(run.setup, &run.state_path);
        if (r >= 0)
            r = setup_make_parents(run.setup, run.state_path);
        if (r >= 0 && run.is_answering)
            store_wait_unlocked(run.state_path, FENCE_USEC);
        if (r >= 0)
            r = store_open(run.state_path, (enum durability)run.setup->settings.durability, &run.setup->diags,
                           &run.store);
        run.start_setup = run.setup;
        if (r >= 0)
            r = run_engine(&run);
        if (r < 0 && run.is_answering)
            answer_failure(&run);
        if (r < 0)
            code = run.is_logged ? EXIT_FAILURE : setup_report(run.setup, command->name, r);
    }
    run_done(&run);
    return code < 0 ? EXIT_SUCCESS : code;
}

static void list_drivers(void)
{
    printf("\nSources (source.NAME.driver):\n");
    for (const struct source_driver *const *d = source_drivers; *d; d++)
        printf("  %-10s %s\n", source_driver_name(*d), source_driver_summary(*d));
    printf("\nSinks (sink.NAME.driver):\n");
    for (const struct sink_driver *const *d = sink_drivers; *d; d++)
        printf("  %-10s %s\n", sink_driver_name(*d), sink_driver_summary(*d));
}

static const struct arg_option options[] = {
    {"follow", 'F', NULL, "go on reading the FILEs as they grow and are rotated"},
    {"journal-directory", 'D', "DIR", "read the journal files in this folder, as of another machine"},
    {"journal-file", 0, "FILE", "read this journal file; may be repeated"},
    {"protocol", 'p', "PROTOCOL",
     "of standard input: lines (default), or omprog (rsyslog's, with a reply a line)"},
    {"state", 0, "DB",
     "keep the state here (default: hapax.db in $STATE_DIRECTORY, or in $XDG_STATE_HOME/hapax)"},
    SETUP_GATE_OPTION,
    SETUP_INPUT_OPTIONS,
    SETUP_CONFIG_OPTIONS,
};

const struct arg_command run_command = {
    .name = "run",
    .usage = "[FILE…|-]",
    .summary = "watch the journal, rsyslog, Kafka, files or standard input and send alerts",
    .details = "Reads records as they come, judges each process start and sends an alert for one by a user "
               "who is unusual\n"
               "for the command. Without a configuration it reads the journal from now on (or standard "
               "input, where\n"
               "that is a pipe), runs network_connection_discovery and prints alerts on standard output.\n"
               "The state is kept over restarts. SIGTERM and Ctrl-C end it, SIGHUP reopens its files\n"
               "and reloads configuration, jobs, exceptions and rulebases.\n",
    .options = options,
    .n_options = ARRAY_SIZE(options),
    .more_help = list_drivers,
    .run = run,
};
