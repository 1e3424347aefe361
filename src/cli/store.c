/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax store check | export | compact: what an operator can do to the state besides running on it.
 *
 * check and export only read, so they work beside a running hapax; compact needs the state for itself, as run
 * does, and is refused while another has it. None of them repairs: what is damaged is shown, what can be read
 * is printed, and what becomes of the file is the operator's to decide.
 *
 * The export is NDJSON, one object a row with the table's name in "table", because it is read by other
 * programs and by people who search for a name in it; hapax-store(1) is its contract. Bytes that are no text
 * are hexadecimal digits under a name that ends in _hex.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/json.h"
#include "cli/args.h"
#include "cli/progress.h"
#include "cli/setup.h"
#include "store/maintain.h"
#include "util/parse.h"

struct store_run {
    struct setup setup;
    const struct arg_command *command;
    char *path;
    bool is_salvage;
    struct arena arena;
    uint64_t n_rows;
    size_t n_damaged; /* tables */
};

static int take_option(void *userdata, const struct arg_option *option, const char *value)
{
    struct store_run *run = userdata;
    _cleanup_(freep) char *assignment = NULL;

    if (strcmp(option->name, "salvage") == 0) {
        run->is_salvage = true;
        return 0;
    }
    if (strcmp(option->name, "state") != 0)
        return setup_take_option(&run->setup, run->command, option, value);
    if (asprintf(&assignment, "state.path=%s", value) < 0)
        return EXIT_FAILURE;
    return config_set(run->setup.config, assignment, &run->setup.diags) == -ENOMEM ? EXIT_FAILURE : 0;
}

static void print_problem(void *userdata, const char *problem)
{
    struct store_run *run = userdata;

    (void)fprintf(stderr, "hapax store: %s: %s\n", run->path, problem);
}

static void print_counts(const struct store_run *run, const struct store_counts *c)
{
    char first[TIMESTAMP_SIZE], last[TIMESTAMP_SIZE];

    printf("state          %s: schema %" PRId64 ", %" PRIu64 " KiB, %" PRIu64 " KiB of it free\n", run->path,
           c->schema, c->file_bytes >> 10, c->free_bytes >> 10);
    printf("model          %" PRIu64 " keys\n", c->n_state);
    printf("sources        %" PRIu64 " with a place, %" PRIu64 " with records that wait for more\n",
           c->n_cursors, c->n_pending);
    printf("outbox         %" PRIu64 " alerts of %" PRIu64 " KiB wait for their sink\n", c->n_outbox,
           (c->outbox_bytes + 1023) >> 10);
    printf("dead letters   %" PRIu64 "\n", c->n_dead_letters);
    if (c->n_history == 0) {
        printf("history        0 rows\n");
        return;
    }
    format_timestamp(c->history_first_usec, first);
    format_timestamp(c->history_last_usec, last);
    printf("history        %" PRIu64 " rows, %s to %s\n", c->n_history, first, last);
}

static int add_read_error(struct store_run *run, const struct store *store, int r)
{
    if (r == -ENOMEM || run->setup.diags.n > 0)
        return r;
    return diag_add(
        &run->setup.diags, run->path, 0, 0, "it cannot be read (%s)%s", store_read_error(store),
        r == -EBADMSG && !run->is_salvage ? ": 'hapax store export --salvage' prints what can be read" : "");
}

static int check(struct store_run *run)
{
    _cleanup_(store_closep) struct store *store = NULL;
    struct store_counts counts;
    size_t n_problems = 0;
    int r = store_inspect(run->path, &run->setup.diags, &store);

    if (r < 0)
        return r;
    r = store_check(store, print_problem, run, &n_problems);
    if (r < 0)
        return add_read_error(run, store, r);
    r = store_count(store, &counts);
    if (r >= 0)
        print_counts(run, &counts);
    if (r < 0 && n_problems == 0)
        return add_read_error(run, store, r);
    if (n_problems > 0)
        return diag_add(
            &run->setup.diags, run->path, 0, 0,
            "the state is damaged: 'hapax store export --salvage' prints what can be read; restore a "
            "copy, or move the file away to start with an empty state");
    printf("all is well\n");
    return 0;
}

static void write_field(struct json_writer *w, const struct store_field *field)
{
    switch (field->kind) {
    case STORE_FIELD_NULL:
        break;
    case STORE_FIELD_INTEGER:
        json_integer(w, field->name, field->integer);
        break;
    case STORE_FIELD_TIME:
        if (field->integer != 0) /* not known */
            json_time(w, field->name, field->integer);
        break;
    case STORE_FIELD_NUMBER:
        json_number(w, field->name, field->number);
        break;
    case STORE_FIELD_TEXT:
        json_string(w, field->name, field->bytes);
        break;
    case STORE_FIELD_BYTES:
        json_hex(w, field->name, field->bytes);
        break;
    }
}

static int write_row(void *userdata, const char *table, const struct store_field *fields, size_t n_fields)
{
    struct store_run *run = userdata;
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&run->arena, 0);
    struct slice json;
    int r;

    arena_reset(&run->arena);
    json_begin_object(&w, NULL);
    json_text(&w, "table", table);
    for (size_t i = 0; i < n_fields; i++)
        write_field(&w, &fields[i]);
    r = json_finish(&w, &json);
    if (r < 0)
        return r;
    run->n_rows++;
    if (fwrite(json.data, 1, json.len, stdout) == json.len && fputc('\n', stdout) != EOF)
        return 0;
    return diag_add(&run->setup.diags, NULL, 0, 0, "cannot write to standard output: %s", strerror(errno));
}

static void note_damage(void *userdata, const char *table, const char *message)
{
    struct store_run *run = userdata;

    run->n_damaged++;
    (void)fprintf(stderr, "hapax store: a part of table '%s' cannot be read: %s\n", table, message);
}

static int export(struct store_run *run)
{
    _cleanup_(store_closep) struct store *store = NULL;
    const struct store_dump_callbacks callbacks = {write_row, note_damage, run};
    int r = store_inspect(run->path, &run->setup.diags, &store);

    if (r < 0)
        return r;
    printf("{\"table\":\"store\",\"format\":1,\"hapax\":\"%s\"}\n", HAPAX_VERSION);
    r = store_dump(store, run->is_salvage, &callbacks);
    if (r < 0)
        return add_read_error(run, store, r);
    if (fflush(stdout) != 0)
        return diag_add(&run->setup.diags, NULL, 0, 0, "cannot write to standard output: %s",
                        strerror(errno));
    if (run->is_salvage)
        (void)fprintf(stderr, "hapax store: %" PRIu64 " rows; %zu tables have a part that cannot be read\n",
                      run->n_rows, run->n_damaged);
    return 0;
}

static void show_progress(int64_t n_bytes, int64_t total_bytes)
{
    progress_show(n_bytes, total_bytes, 0);
}

static int compact(struct store_run *run)
{
    uint64_t before = 0, after = 0;
    int r = store_compact(run->path, show_progress, &run->setup.diags, &before, &after);

    progress_clear();
    if (r < 0)
        return r;
    printf("%s: %" PRIu64 " KiB before, %" PRIu64 " KiB now\n", run->path, before >> 10, after >> 10);
    return 0;
}

static int run(const struct arg_command *command, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct store_run *run);
    } actions[] = {{"check", check}, {"export", export}, {"compact", compact}};
    struct store_run run = {.command = command};
    size_t action = ARRAY_SIZE(actions);
    int first, r,
        code = setup_init(&run.setup) < 0 ? EXIT_FAILURE
                                          : args_parse(command, argc, argv, take_option, &run, &first);

    if (code == 0) {
        for (size_t i = 0; first < argc && i < ARRAY_SIZE(actions); i++)
            if (strcmp(argv[first], actions[i].name) == 0)
                action = i;
        if (first + 1 != argc || action == ARRAY_SIZE(actions))
            code = args_misuse(command, "expected one of check, export, compact%s%s%s",
                               first < argc ? ", not '" : "", first < argc ? argv[argc - 1] : "",
                               first < argc ? "'" : "");
        else if (run.is_salvage && actions[action].run != export)
            code = args_misuse(command, "--salvage goes with export");
    }
    if (code == 0) {
        r = setup_load(&run.setup, true);
        if (r >= 0)
            r = setup_find_state(&run.setup, &run.path);
        if (r >= 0)
            r = actions[action].run(&run);
        if (fflush(stdout) != 0 && r >= 0)
            r = diag_add(&run.setup.diags, NULL, 0, 0, "cannot write to standard output: %s",
                         strerror(errno));
        if (r < 0)
            code = setup_report(&run.setup, command->name, r);
    }
    free(run.path);
    arena_done(&run.arena);
    setup_done(&run.setup);
    return code < 0 ? EXIT_SUCCESS : code;
}

static const struct arg_option options[] = {
    {"config", 'c', "FILE",
     "read this configuration (default: " HAPAX_SYSCONFDIR "/hapax.yaml, if it is there)"},
    {"set", 's', "PATH=VALUE",
     "set one key of the configuration, as in state.path=/srv/hapax.db; may be repeated"},
    {"state", 0, "DB", "the state (default: hapax.db in $STATE_DIRECTORY, or in $XDG_STATE_HOME/hapax)"},
    {"salvage", 0, NULL, "export: print what can be read of a damaged state"},
};

const struct arg_command store_command = {
    .name = "store",
    .usage = "check|export|compact",
    .summary = "check the saved state, print it, or make its file smaller",
    .details = "check    reads all of the state and says what is in it and what is wrong with it\n"
               "export   prints everything in it, one JSON object a line\n"
               "compact  writes the file anew without its free space, and brings an older one up to date\n"
               "check and export also work while hapax runs; compact needs the state for itself.\n",
    .options = options,
    .n_options = ARRAY_SIZE(options),
    .run = run,
};
