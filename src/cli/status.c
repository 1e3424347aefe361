/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax status: how the hapax that runs here is doing, read from its state.
 *
 * It only reads, beside a running one, and asks that one nothing: what the state says is what would survive.
 * So everything is as of the last commit. Of the model only the record of learning and the figures are read
 * (a few bytes a detector, detector/learning.c and detect/figures.c), never the users, so it costs the same
 * for ten users and for a million.
 *
 * What is said about alerts and exceptions is of the last RECENT_USEC of history; a walk over all of it can
 * take minutes.
 *
 * The exit code is for scripts: 0 it runs, 3 it does not (as systemctl's, from the LSB), 1 its state cannot
 * be told.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alert/json.h"
#include "cli/args.h"
#include "cli/instances.h"
#include "cli/learned.h"
#include "cli/say.h"
#include "cli/setup.h"
#include "detector/chain.h"
#include "store/maintain.h"
#include "util/parse.h"

#define EXIT_NOT_RUNNING 3
/* chosen: a week's alerts are what somebody who looks wants to know of */
#define RECENT_USEC (7 * USEC_PER_DAY)
/* chosen: exceptions that a site has; more are not counted one by one */
#define USES_MAX 256

/* where the state has what each job's detector has learned (detector/learning.h) */
static const struct slice learned_prefix = SLICE("learning/");

struct use {
    char *exception;
    uint64_t n;
};

struct status {
    struct setup setup;
    const struct arg_command *command;
    bool is_json;
    char *path;
    struct store *store;
    struct chain *chain;
    struct store_counts counts;
    uint64_t owner;
    bool is_running;
    int64_t oldest_usec; /* alert in the outbox */
    /* of the recent history */
    uint64_t n_alerts, n_learning, n_rolled_up, n_held;
    uint64_t n_suite_alerts; /* of the last day, of detectors with a budget */
    int64_t last_usec;       /* of the last alert */
    char *last_job, *last_user, *last_host, *last_id;
    struct use uses[USES_MAX];
    size_t n_uses;
    /* for output */
    struct arena arena;
    struct json_writer w;
};

static int take_option(void *userdata, const struct arg_option *option, const char *value)
{
    struct status *status = userdata;
    _cleanup_(freep) char *assignment = NULL;

    if (strcmp(option->name, "json") == 0) {
        status->is_json = true;
        return 0;
    }
    if (strcmp(option->name, "state") != 0)
        return setup_take_option(&status->setup, status->command, option, value);
    if (asprintf(&assignment, "state.path=%s", value) < 0)
        return EXIT_FAILURE;
    return config_set(status->setup.config, assignment, &status->setup.diags) == -ENOMEM ? EXIT_FAILURE : 0;
}

static int replace(char **text, struct slice s)
{
    char *copy = strndup(slice_is_absent(s) ? "" : s.data, s.len);

    if (!copy)
        return -ENOMEM;
    free(*text);
    *text = copy;
    return 0;
}

static int count_use(struct status *status, struct slice exception)
{
    for (size_t i = 0; i < status->n_uses; i++)
        if (slice_equal_string(exception, status->uses[i].exception)) {
            status->uses[i].n++;
            return 0;
        }
    if (status->n_uses == USES_MAX)
        return 0;
    status->uses[status->n_uses].n = 1;
    return replace(&status->uses[status->n_uses++].exception, exception);
}

static int see_row(void *userdata, const struct history_row *row)
{
    struct status *status = userdata;
    bool is_alert = slice_equal_string(row->reason, "alert");
    int r = 0;

    status->n_alerts += is_alert;
    status->n_suite_alerts += is_alert && slice_equal_string(row->detector, novelty_driver.name) &&
                              row->last_usec > status->counts.history_last_usec - USEC_PER_DAY;
    status->n_learning += slice_equal_string(row->reason, "learning");
    status->n_rolled_up += slice_equal_string(row->reason, "rolled_up");
    if (slice_equal_string(row->reason, "suppressed") || slice_equal_string(row->reason, "digested")) {
        status->n_held++;
        r = count_use(status, row->exception);
    }
    if (r < 0 || !is_alert || row->last_usec < status->last_usec)
        return r;
    status->last_usec = row->last_usec;
    r = replace(&status->last_job, row->job);
    if (r >= 0)
        r = replace(&status->last_user, row->user);
    if (r >= 0)
        r = replace(&status->last_host, row->host);
    return r < 0 ? r : replace(&status->last_id, row->alert);
}

static int restore_change(void *userdata, const struct change *change)
{
    struct status *status = userdata;

    return chain_restore(status->chain, change);
}

static int ignore_document(void *userdata, const struct document *document)
{
    (void)userdata;
    (void)document;
    return 0;
}

static int load(struct status *status)
{
    struct setup *setup = &status->setup;
    int r = setup_load(setup, true);

    if (r >= 0)
        r = instances_check_config(setup);
    if (r >= 0)
        r = setup_choose_jobs(setup, NULL, NULL, 0);
    if (r >= 0)
        r = setup_load_exceptions(setup, true);
    if (r >= 0)
        r = chain_new(&(struct chain_options){.jobs = &setup->jobs,
                                              .detector = setup->detector,
                                              .config = setup->config,
                                              .observer = {.version = HAPAX_VERSION},
                                              .callbacks = {.document = ignore_document}},
                      &setup->diags, &status->chain);
    if (r >= 0)
        r = setup_find_state(setup, &status->path);
    return r < 0 ? r : store_inspect(status->path, &setup->diags, &status->store);
}

static int read_state(struct status *status)
{
    int r = store_find_owner(status->path, &status->owner);

    status->is_running = r > 0;
    r = store_count(status->store, &status->counts);
    if (r >= 0 && status->counts.n_outbox > 0)
        r = store_oldest_document(status->store, &status->oldest_usec);
    if (r >= 0)
        r = store_restore(status->store, learned_prefix, restore_change, status);
    if (r >= 0)
        r = store_restore(status->store, SLICE("figures/"), restore_change, status);
    if (r >= 0 && status->counts.n_history > 0)
        r = store_walk_history(status->store, status->counts.history_last_usec - RECENT_USEC, SLICE_NULL,
                               see_row, status);
    if (r < 0 && r != -ENOMEM && status->setup.diags.n == 0)
        return diag_add(&status->setup.diags, status->path, 0, 0,
                        "it cannot be read (%s): see 'hapax store check'",
                        r == -EBADMSG ? "not understood" : store_read_error(status->store));
    return r;
}

static bool is_in_force(const struct exception *e, int64_t now_usec)
{
    return e->starts_usec <= now_usec && now_usec < e->expires_usec;
}

static uint64_t uses_of(const struct status *status, const char *exception)
{
    for (size_t i = 0; i < status->n_uses; i++)
        if (strcmp(status->uses[i].exception, exception) == 0)
            return status->uses[i].n;
    return 0;
}

/* The text as one printable line, cut. */
static void print_text(struct slice text)
{
    static const size_t max = 100;

    say_bytes(stdout, slice_head(text, max));
    if (text.len > max)
        (void)fputs("…", stdout);
}

static int print_learning(void *userdata, const struct chain_learning *learning)
{
    (void)userdata;
    (void)fputs("detector       ", stdout);
    learned_print(stdout, learning);
    return 0;
}

/* "remembers 1804 users, 300 hosts; …": what is 0 is no news, but of what is remembered. */
static int print_figures(void *userdata, const struct chain_figures *f)
{
    static const char *const begins[] = {[FIGURE_KIND_ENTRIES] = "remembers",
                                         [FIGURE_KIND_EVICTED] = "forgot",
                                         [FIGURE_KIND_EVENTS] = "process starts"};
    const struct status *status = userdata;
    const double *values = f->figures.values;
    int last = -1;

    for (size_t i = 0; i < FIGURE_ALERTS; i++) {
        const int kind = (int)figure_rows[i].kind;

        if (!f->figures.has[i] || (kind != FIGURE_KIND_ENTRIES && values[i] == 0))
            continue;
        if (last < 0)
            printf("               %s (%s): ", f->job, f->detector);
        if (kind == last)
            (void)fputs(", ", stdout);
        else
            printf("%s%s ", last < 0 ? "" : "; ", begins[kind]);
        printf(kind == FIGURE_KIND_EVENTS ? "%2$s %1$.0f" : "%1$.0f %2$s", values[i], figure_rows[i].name);
        last = kind;
    }
    if (last >= 0)
        (void)putchar('\n');
    if (f->figures.has[FIGURE_BUDGET])
        printf("budget         %s (%s): %" PRIu64
               " of %.3g alerts in the last day; due from a score of %.2f on, "
               "by %.0f cases\n",
               f->job, f->detector, status->n_suite_alerts, values[FIGURE_BUDGET], values[FIGURE_THRESHOLD],
               values[FIGURE_CASES]);
    return 0;
}

/* Of a detector or job that the configuration does not name (any more). */
static bool is_idle(const struct status *status, const struct change *change)
{
    return !slice_is_absent(change->value) && !chain_owns_record(status->chain, learned_prefix, change->key);
}

static int print_idle(void *userdata, const struct change *change)
{
    if (!is_idle(userdata, change))
        return 0;
    (void)fputs("not in force   ", stdout);
    print_text(slice_skip(change->key, learned_prefix.len));
    (void)fputs(": what it learned is kept; 'detector' and 'jobs' in the configuration choose others\n",
                stdout);
    return 0;
}

static int write_idle(void *userdata, const struct change *change)
{
    struct status *status = userdata;

    if (is_idle(status, change))
        json_string(&status->w, NULL, slice_skip(change->key, learned_prefix.len));
    return 0;
}

static int print_cursor(void *userdata, struct slice source, struct slice cursor)
{
    (void)userdata;
    (void)fputs("source         ", stdout);
    print_text(source);
    (void)fputs(" is at ", stdout);
    print_text(cursor);
    (void)putchar('\n');
    return 0;
}

static void print_alerts(const struct status *status)
{
    char time[TIMESTAMP_SIZE];

    printf("last 7 days    %" PRIu64 " alerts, %" PRIu64 " rolled up, %" PRIu64
           " held back by exceptions, %" PRIu64 " withheld while learning\n",
           status->n_alerts, status->n_rolled_up, status->n_held, status->n_learning);
    if (status->last_id) {
        format_timestamp(status->last_usec, time);
        printf("last alert     %s, %s: ", time, status->last_job);
        print_text(slice_from_string(status->last_user));
        (void)fputs(" on ", stdout);
        print_text(slice_from_string(status->last_host));
        printf(" (%s)\n", status->last_id);
    }
}

static void print_exceptions(const struct status *status)
{
    const struct exception_set *set = status->setup.exceptions;
    int64_t now_usec = (int64_t)time(NULL) * USEC_PER_SEC;

    for (size_t i = 0; set && i < exception_set_count(set); i++) {
        const struct exception *e = exception_set_at(set, i);

        if (is_in_force(e, now_usec))
            printf("exception      %s (%s) held back %" PRIu64 "\n", e->id, exception_effect_names[e->effect],
                   uses_of(status, e->id));
    }
}

static int print(struct status *status)
{
    const struct store_counts *c = &status->counts;
    char time[TIMESTAMP_SIZE];
    int r;

    if (status->is_running)
        printf("hapax          running, process %" PRIu64 "\n", status->owner);
    else
        printf("hapax          not running\n");
    printf("state          %s: %" PRIu64 " KiB, %" PRIu64 " keys, %" PRIu64 " rows of history\n",
           status->path, c->file_bytes >> 10, c->n_state, c->n_history);
    r = chain_walk_learning(status->chain, print_learning, status);
    if (r >= 0)
        r = chain_walk_figures(status->chain, print_figures, status);
    if (r >= 0)
        r = store_restore(status->store, learned_prefix, print_idle, status);
    if (r >= 0)
        r = store_walk_cursors(status->store, print_cursor, status);
    if (r < 0)
        return r;
    printf("outbox         %" PRIu64 " alerts wait for their sink", c->n_outbox);
    if (status->oldest_usec > 0) {
        format_timestamp(status->oldest_usec, time);
        printf(", the oldest since %s", time);
    }
    printf("\ndead letters   %" PRIu64 "\n", c->n_dead_letters);
    print_alerts(status);
    print_exceptions(status);
    return 0;
}

static int write_learning(void *userdata, const struct chain_learning *l)
{
    struct status *status = userdata;
    struct json_writer *w = &status->w;
    const struct learning *s = &l->learning;

    json_begin_object(w, NULL);
    json_text(w, "job", l->job);
    json_text(w, "detector", l->detector);
    json_text(w, "state", s->active_usec > 0 ? "active" : "learning");
    if (s->active_usec > 0)
        json_time(w, "active_since", s->active_usec);
    json_integer(w, "events", (int64_t)s->n_events);
    json_integer(w, "user_buckets", (int64_t)s->n_units);
    json_integer(w, "withheld", (int64_t)s->n_withheld);
    if (s->n_events > 0) {
        json_time(w, "first", s->first_usec);
        json_time(w, "last", s->last_usec);
    }
    if (l->rule.min_units > 0)
        json_integer(w, "needed_user_buckets", (int64_t)l->rule.min_units);
    if (l->rule.min_usec > 0)
        json_integer(w, "needed_seconds", l->rule.min_usec / USEC_PER_SEC);
    json_end(w);
    return 0;
}

static int write_figures(void *userdata, const struct chain_figures *f)
{
    static const char *const groups[] = {[FIGURE_KIND_ENTRIES] = "entries",
                                         [FIGURE_KIND_EVICTED] = "evicted",
                                         [FIGURE_KIND_EVENTS] = "events"};
    struct status *status = userdata;
    struct json_writer *w = &status->w;

    json_begin_object(w, NULL);
    json_text(w, "job", f->job);
    json_text(w, "detector", f->detector);
    for (size_t i = 0; i < N_FIGURES; i++) {
        const enum figure_kind kind = figure_rows[i].kind;

        if (kind < FIGURE_KIND_ALERTS && (i == 0 || figure_rows[i - 1].kind != kind))
            json_begin_object(w, groups[kind]);
        if (f->figures.has[i] && kind == FIGURE_KIND_LEVEL)
            json_number(w, figure_rows[i].name, f->figures.values[i]);
        else if (f->figures.has[i])
            json_integer(w, figure_rows[i].name, (int64_t)f->figures.values[i]);
        if (kind < FIGURE_KIND_ALERTS && figure_rows[i + 1].kind != kind)
            json_end(w);
    }
    if (f->figures.has[FIGURE_BUDGET])
        json_integer(w, "alerts_last_day", (int64_t)status->n_suite_alerts);
    json_end(w);
    return 0;
}

static int write_cursor(void *userdata, struct slice source, struct slice cursor)
{
    struct status *status = userdata;
    struct slice name, place;
    int r = arena_copy(&status->arena, source, &name);

    if (r >= 0)
        r = arena_copy(&status->arena, cursor, &place);
    if (r < 0)
        return r;
    json_begin_object(&status->w, NULL);
    json_string(&status->w, "source", name);
    json_string(&status->w, "place", place);
    json_end(&status->w);
    return 0;
}

static void write_recent(struct status *status)
{
    struct json_writer *w = &status->w;
    const struct exception_set *set = status->setup.exceptions;
    int64_t now_usec = (int64_t)time(NULL) * USEC_PER_SEC;

    json_begin_object(w, "last_7_days");
    json_integer(w, "alerts", (int64_t)status->n_alerts);
    json_integer(w, "rolled_up", (int64_t)status->n_rolled_up);
    json_integer(w, "held_back", (int64_t)status->n_held);
    json_integer(w, "withheld", (int64_t)status->n_learning);
    json_end(w);
    if (status->last_id) {
        json_begin_object(w, "last_alert");
        json_time(w, "time", status->last_usec);
        json_text(w, "job", status->last_job);
        json_text(w, "user", status->last_user);
        json_text(w, "host", status->last_host);
        json_text(w, "id", status->last_id);
        json_end(w);
    }
    json_begin_array(w, "exceptions");
    for (size_t i = 0; set && i < exception_set_count(set); i++) {
        const struct exception *e = exception_set_at(set, i);

        if (!is_in_force(e, now_usec))
            continue;
        json_begin_object(w, NULL);
        json_text(w, "id", e->id);
        json_text(w, "effect", exception_effect_names[e->effect]);
        json_integer(w, "held_back", (int64_t)uses_of(status, e->id));
        json_end(w);
    }
    json_end(w);
}

static int print_json(struct status *status)
{
    const struct store_counts *c = &status->counts;
    struct json_writer *w = &status->w;
    struct slice json;
    int r;

    *w = JSON_WRITER_INIT(&status->arena, 0);
    json_begin_object(w, NULL);
    json_bool(w, "running", status->is_running);
    if (status->is_running)
        json_integer(w, "pid", (int64_t)status->owner);
    json_begin_object(w, "state");
    json_text(w, "path", status->path);
    json_integer(w, "bytes", (int64_t)c->file_bytes);
    json_integer(w, "keys", (int64_t)c->n_state);
    json_integer(w, "history_rows", (int64_t)c->n_history);
    json_end(w);
    json_begin_array(w, "detectors");
    r = chain_walk_learning(status->chain, write_learning, status);
    json_end(w);
    json_begin_array(w, "figures");
    if (r >= 0)
        r = chain_walk_figures(status->chain, write_figures, status);
    json_end(w);
    json_begin_array(w, "not_in_force");
    if (r >= 0)
        r = store_restore(status->store, learned_prefix, write_idle, status);
    json_end(w);
    json_begin_array(w, "sources");
    if (r >= 0)
        r = store_walk_cursors(status->store, write_cursor, status);
    json_end(w);
    json_begin_object(w, "outbox");
    json_integer(w, "alerts", (int64_t)c->n_outbox);
    json_integer(w, "bytes", (int64_t)c->outbox_bytes);
    if (status->oldest_usec > 0)
        json_time(w, "oldest", status->oldest_usec);
    json_end(w);
    json_integer(w, "dead_letters", (int64_t)c->n_dead_letters);
    write_recent(status);
    if (r >= 0)
        r = json_finish(w, &json);
    if (r >= 0)
        printf("%.*s\n", SLICE_FMT(json));
    return r;
}

static void status_done(struct status *status)
{
    for (size_t i = 0; i < status->n_uses; i++)
        free(status->uses[i].exception);
    free(status->last_job);
    free(status->last_user);
    free(status->last_host);
    free(status->last_id);
    json_done(&status->w);
    arena_done(&status->arena);
    chain_free(status->chain);
    store_close(status->store);
    free(status->path);
    setup_done(&status->setup);
}

static int run(const struct arg_command *command, int argc, char **argv)
{
    struct status status = {.command = command};
    int first, r,
        code = setup_init(&status.setup) < 0 ? EXIT_FAILURE
                                             : args_parse(command, argc, argv, take_option, &status, &first);

    if (code == 0 && first < argc)
        code = args_misuse(command, "unexpected '%s'", argv[first]);
    if (code == 0) {
        r = load(&status);
        if (r >= 0)
            r = read_state(&status);
        if (r >= 0)
            r = status.is_json ? print_json(&status) : print(&status);
        if (r >= 0 && fflush(stdout) != 0)
            r = diag_add(&status.setup.diags, NULL, 0, 0, "cannot write to standard output: %s",
                         strerror(errno));
        code = r < 0               ? setup_report(&status.setup, command->name, r)
               : status.is_running ? 0
                                   : EXIT_NOT_RUNNING;
    }
    status_done(&status);
    return code < 0 ? EXIT_SUCCESS : code;
}

static const struct arg_option options[] = {
    {"json", 0, NULL, "print one JSON object"},
    {"state", 0, "DB", "the state (default: hapax.db in $STATE_DIRECTORY, or in $XDG_STATE_HOME/hapax)"},
    SETUP_CONFIG_OPTIONS,
};

const struct arg_command status_command = {
    .name = "status",
    .usage = "",
    .summary = "tell whether it runs, what it has learned, and what waits",
    .details =
        "Reads the state, also beside a running hapax, and says for each detector whether it is learning or\n"
        "active, since when and on how much; where the sources are; what waits in the outbox; and what\n"
        "became of the alerts of the last week. The exit code is 0 where hapax runs, 3 where it does not.\n",
    .options = options,
    .n_options = ARRAY_SIZE(options),
    .run = run,
};
