/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax exceptions test: the same log files through two chains, one with the exceptions and one without. What
 * the first says and the second does not is what they would have hidden, whatever the effect: an event that
 * is not even learned also changes what others look like, and that shows here.
 *
 * The events that a job selects (and those that tell of accounts) are kept in memory and judged in the order
 * of their time, ties in the order read, so that the order of the files does not matter. Some 500 bytes an
 * event: a month of a thousand hosts is a few hundred MB at most, and EVENTS_MAX ends it.
 */
#include "cli/exceptions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/alert.h"
#include "alert/json.h"
#include "cli/input.h"
#include "cli/instances.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "detector/chain.h"
#include "util/hash.h"
#include "util/parse.h"

/* chosen: 10 million events of 500 bytes are 5 GB */
#define EVENTS_MAX 10000000U
/* chosen: names that fit into a line */
#define USERS_SHOWN 3U

struct place {
    int64_t time_usec;
    size_t offset, len;
};

/* What one exception would have done. */
struct row {
    const char *id, *effect;
    uint64_t n_alerts, n_skipped;
    bool is_used; /* the times are set */
    struct string_list users;
    int64_t first_usec, last_usec;
};

struct tester {
    struct exceptions_command *c;
    struct buffer events;
    struct place *places;
    size_t n_places, size;
    struct chain *with, *without;
    struct row *rows;
    size_t n_rows;
    uint64_t n_without, n_with;
};

static void tester_done(struct tester *t)
{
    chain_free(t->with);
    chain_free(t->without);
    for (size_t i = 0; i < t->n_rows; i++)
        string_list_done(&t->rows[i].users);
    free(t->rows);
    free(t->places);
    buffer_done(&t->events);
}

static bool is_wanted(const struct tester *t, const struct event *event)
{
    if (event->kind != EVENT_PROCESS_START)
        return event->kind == EVENT_ACCOUNT;
    for (size_t i = 0; i < t->c->setup.jobs.n_jobs; i++)
        if (job_selects(&t->c->setup.jobs.jobs[i], event))
            return true;
    for (const char *const *n = onboarding_process_names; *n; n++)
        if (slice_equal_string(event->process_name, *n))
            return true;
    return false;
}

static int keep_event(void *userdata, const struct event *event)
{
    struct tester *t = userdata;
    size_t offset = t->events.len;
    struct place *places;
    int r;

    if (!is_wanted(t, event))
        return 0;
    if (t->n_places >= EVENTS_MAX)
        return -E2BIG;
    if (t->n_places == t->size) {
        places = reallocarray(t->places, t->size > 0 ? t->size * 2 : 1024, sizeof(*places));
        if (!places)
            return -ENOMEM;
        t->places = places;
        t->size = t->size > 0 ? t->size * 2 : 1024;
    }
    r = event_save(event, &t->events);
    if (r >= 0)
        t->places[t->n_places++] = (struct place){event->time_usec, offset, t->events.len - offset};
    return r;
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->time_usec != y->time_usec)
        return x->time_usec < y->time_usec ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static struct row *find_row(struct tester *t, const char *id)
{
    for (size_t i = 0; i < t->n_rows; i++)
        if (strcmp(t->rows[i].id, id) == 0)
            return &t->rows[i];
    return NULL;
}

static int add_to_row(struct row *row, const struct verdict *verdict)
{
    int64_t time = verdict->event->time_usec;
    bool is_known = verdict->user.len == 0;

    row->first_usec = row->is_used ? MIN(row->first_usec, time) : time;
    row->last_usec = row->is_used ? MAX(row->last_usec, time) : time;
    row->is_used = true;
    for (size_t i = 0; i < row->users.n && !is_known; i++)
        is_known = slice_equal_string(verdict->user, row->users.items[i]);
    return is_known ? 0 : string_list_add(&row->users, verdict->user);
}

static int on_held(void *userdata, const struct verdict *verdict)
{
    struct tester *t = userdata;
    struct row *row = find_row(t, verdict->exception);

    if (!row)
        return 0;
    if (verdict->reason == VERDICT_SKIPPED)
        row->n_skipped++;
    else
        row->n_alerts++;
    return add_to_row(row, verdict);
}

/* An alert of the chain without exceptions, whose event an exception would have kept from the detector. */
static int on_plain(void *userdata, const struct verdict *verdict)
{
    struct tester *t = userdata;
    const struct exception *exception;
    struct row *row;
    int r;

    if (verdict->reason != VERDICT_ALERT)
        return 0;
    t->n_without++;
    r = exception_set_find(t->c->setup.exceptions, 1U << EXCEPTION_SKIP, verdict->job, verdict->event,
                           &exception);
    if (r <= 0)
        return r;
    row = find_row(t, exception->id);
    if (!row)
        return 0;
    row->n_alerts++;
    return add_to_row(row, verdict);
}

static int on_document(void *userdata, const struct document *document)
{
    (void)userdata;
    (void)document;
    return 0;
}

static int make_rows(struct tester *t)
{
    const struct exception_set *set = t->c->setup.exceptions;

    t->rows = calloc(exception_set_count(set) + 1, sizeof(*t->rows));
    if (!t->rows)
        return -ENOMEM;
    for (size_t i = 0; i < exception_set_count(set); i++) {
        const struct exception *e = exception_set_at(set, i);

        if (e->expires_usec != INT64_MIN) /* exception_set_keep */
            t->rows[t->n_rows++] = (struct row){.id = e->id, .effect = exception_effect_names[e->effect]};
    }
    if (exception_set_onboarding(set)->age_usec > 0)
        t->rows[t->n_rows++] =
            (struct row){.id = ONBOARDING_ID, .effect = exception_effect_names[EXCEPTION_DIGEST]};
    return 0;
}

static int open_chains(struct tester *t)
{
    struct setup *setup = &t->c->setup;
    struct chain_options options = {
        .jobs = &setup->jobs,
        .config = setup->config,
        .observer = {.version = HAPAX_VERSION},
        .callbacks = {.score = on_plain, .final = on_plain, .document = on_document, .userdata = t}};
    int r = chain_new(&options, &setup->diags, &t->without);

    options.exceptions = setup->exceptions;
    options.callbacks = (struct chain_callbacks){.document = on_document, .userdata = t, .held = on_held};
    return r < 0 ? r : chain_new(&options, &setup->diags, &t->with);
}

static int read_inputs(struct tester *t, char **paths, size_t n_paths)
{
    struct input_set set = {0};
    int r = input_set_open(paths, n_paths, &t->c->setup, &set);

    for (size_t i = 0; r >= 0 && i < set.n_inputs; i++) {
        do {
            r = interrupt_came() ? -EINTR : input_read(&set.inputs[i], keep_event, t);
            progress_show(input_set_read_bytes(&set), input_set_size_bytes(&set), t->n_places);
        } while (r > 0);
        if (r >= 0)
            r = normalizer_flush(set.inputs[i].normalizer, keep_event, t);
        if (r == -E2BIG)
            (void)diag_add(&t->c->setup.diags, set.inputs[i].path, 0, 0,
                           "there are too many process starts, expected at most %u", EVENTS_MAX);
        else if (r < 0 && r != -ENOMEM && r != -EINTR)
            (void)diag_add(&t->c->setup.diags, set.inputs[i].path, 0, 0, "cannot read: %s", strerror(-r));
    }
    progress_clear();
    input_set_done(&set);
    return r;
}

static int judge(struct tester *t)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    int r = 0;

    if (t->n_places > 1)
        qsort(t->places, t->n_places, sizeof(*t->places), compare_places);
    for (size_t i = 0; r >= 0 && i < t->n_places; i++) {
        struct slice bytes =
            slice_head(slice_skip(buffer_slice(&t->events), t->places[i].offset), t->places[i].len);
        struct event event;

        arena_reset(&arena);
        r = event_load(bytes, &arena, &event);
        if (r >= 0)
            r = chain_event(t->without, &event);
        if (r >= 0)
            r = chain_event(t->with, &event);
    }
    if (r >= 0)
        r = chain_finish(t->without);
    if (r >= 0)
        r = chain_finish(t->with);
    t->n_with = chain_stats(t->with)->n_alerts;
    return r;
}

static void print_users(const struct row *row)
{
    for (size_t i = 0; i < row->users.n && i < USERS_SHOWN; i++) {
        (void)fputs(i > 0 ? ", " : "", stdout);
        say_bytes(stdout, slice_from_string(row->users.items[i]));
    }
    if (row->users.n > USERS_SHOWN)
        printf(" and %zu more", row->users.n - USERS_SHOWN);
}

static void print_table(const struct tester *t)
{
    printf("%-28s %-8s %7s %8s  %-20s  %-20s  %s\n", "ID", "EFFECT", "ALERTS", "SKIPPED", "FIRST", "LAST",
           "USERS");
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct row *row = &t->rows[i];
        char first[TIMESTAMP_SIZE] = "-", last[TIMESTAMP_SIZE] = "-";

        if (row->is_used) {
            format_timestamp(row->first_usec, first);
            format_timestamp(row->last_usec, last);
            memcpy(first + 19, "Z", 2); /* without milliseconds */
            memcpy(last + 19, "Z", 2);
        }
        printf("%-28s %-8s %7" PRIu64 " %8" PRIu64 "  %-20s  %-20s  ", row->id, row->effect, row->n_alerts,
               row->n_skipped, first, last);
        print_users(row);
        putchar('\n');
    }
    printf("%" PRIu64 " alerts without the exceptions, %" PRIu64 " with them\n", t->n_without, t->n_with);
}

static int print_json(const struct tester *t)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&arena, 0);
    struct slice json;
    int r;

    json_begin_object(&w, NULL);
    json_begin_array(&w, "exceptions");
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct row *row = &t->rows[i];

        json_begin_object(&w, NULL);
        json_text(&w, "id", row->id);
        json_text(&w, "effect", row->effect);
        json_integer(&w, "alerts", (int64_t)row->n_alerts);
        json_integer(&w, "skipped", (int64_t)row->n_skipped);
        json_strings(&w, "users", row->users.items, row->users.n);
        if (row->is_used) {
            json_time(&w, "first", row->first_usec);
            json_time(&w, "last", row->last_usec);
        }
        json_end(&w);
    }
    json_end(&w);
    json_integer(&w, "alerts_without", (int64_t)t->n_without);
    json_integer(&w, "alerts_with", (int64_t)t->n_with);
    r = json_finish(&w, &json);
    if (r >= 0)
        printf("%.*s\n", SLICE_FMT(json));
    return r;
}

static bool is_exception_file(const char *word)
{
    struct stat status;

    return slice_ends_with(slice_from_string(word), SLICE(".yaml")) ||
           (stat(word, &status) == 0 && S_ISDIR(status.st_mode));
}

/* Loads what is to be tried: of the file in the first operand, or the configured ones. *ret_n_used: operands
 * taken. */
static int load_exceptions(struct exceptions_command *c, char **operands, size_t n_operands,
                           size_t *ret_n_used)
{
    const char *word = operands[0];
    size_t n_used = 0;
    int r;

    if (is_exception_file(word)) {
        free(c->setup.settings.exceptions);
        c->setup.settings.exceptions = strdup(word);
        if (!c->setup.settings.exceptions)
            return -ENOMEM;
        n_used = 1;
    }
    r = setup_load_exceptions(&c->setup, true);
    if (r < 0)
        return r;
    if (!c->setup.exceptions)
        return diag_add(&c->setup.diags, NULL, 0, 0,
                        "there are no exceptions to try, expected a FILE or --file");
    if (n_used < n_operands && exception_set_find_id(c->setup.exceptions, operands[n_used])) {
        exception_set_keep(c->setup.exceptions, operands[n_used]);
        n_used++;
    } else if (n_used < n_operands && strcmp(operands[n_used], "-") != 0 &&
               access(operands[n_used], F_OK) < 0) {
        return diag_add(&c->setup.diags, NULL, 0, 0,
                        "'%.200s' is neither the id of an exception nor a file (%s)", operands[n_used],
                        strerror(errno));
    }
    *ret_n_used = n_used;
    return 0;
}

int exceptions_test(struct exceptions_command *c, char **operands, size_t n_operands)
{
    _cleanup_(tester_done) struct tester t = {.c = c};
    struct setup *setup = &c->setup;
    const struct string_list *ids = c->jobs.n > 0 ? &c->jobs : &setup->settings.jobs;
    size_t n_used = 0;
    int r = load_exceptions(c, operands, n_operands, &n_used);

    if (r >= 0 && n_used == n_operands)
        return args_misuse(c->command, "test takes at least one INPUT, use '-' for standard input");
    if (r >= 0)
        r = setup_load_rulebase(setup);
    if (r >= 0)
        r = setup_load_jobs(setup, (const char *const *)ids->items, ids->n);
    if (r >= 0)
        r = make_rows(&t);
    if (r >= 0)
        r = open_chains(&t);
    interrupt_catch();
    if (r >= 0)
        r = read_inputs(&t, operands + n_used, n_operands - n_used);
    if (r >= 0)
        r = judge(&t);
    if (r == -EINTR && interrupt_came()) {
        (void)fputs("hapax exceptions: interrupted\n", stderr);
        return 130; /* 128 + SIGINT, as a shell says it */
    }
    if (r < 0)
        return setup_report(setup, c->command->name, r);
    if (c->is_json)
        r = print_json(&t);
    else
        print_table(&t);
    return r < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
