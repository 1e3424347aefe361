/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax replay: files as one stream, judged as if it were running now.
 *
 * Merging. Each file is a lane with its own normalizer; the lane whose next event is oldest goes first (ties:
 * the order of the arguments), so the stream is in order of event time as far as each file is. Within a file
 * only what waited for its last records is put back into its place (held.c): the lines themselves are never
 * sorted. A lane reads one chunk at a time and keeps the events it gave as bytes until their turn.
 *
 * State. With --state, model and half-read audit events come from the database and go back to it in one
 * transaction at the end; then the last bucket stays open, and two halves of a stream give what the whole
 * gives. An interrupted replay leaves the database as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "cli/args.h"
#include "cli/held.h"
#include "cli/input.h"
#include "cli/instances.h"
#include "cli/learned.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/scores.h"
#include "cli/setup.h"
#include "cli/unit_records.h"
#include "detector/chain.h"
#include "source/backlog.h"
#include "store/store.h"
#include "util/parse.h"

struct lane {
    struct replay *replay;
    struct input *input;
    struct held held;    /* events that completed before one that began earlier */
    struct buffer queue; /* (time, event) pairs waiting for their turn among the lanes */
    size_t head;         /* offset of the next one */
    int64_t next_usec;   /* its time */
    int64_t newest_usec; /* of what came out of the input */
    bool is_done;        /* nothing will be added */
};

struct replay {
    struct setup setup;
    const struct arg_command *command;
    struct string_list job_ids;
    const char *detector;
    const char *state_path, *scores_path, *records_path, *report_path;
    bool is_finishing, is_quiet;
    bool is_learning;  /* into the state that run goes on with */
    char *found_state; /* owns state_path where it was not said */

    struct store *store;
    struct chain *chain;
    struct lane *lanes;
    size_t n_lanes;
    FILE *scores, *records;
    struct unit_records *unit_records; /* to records */
    const char *source_name;
    struct instance_list sources; /* of the configuration, where one of them is read */
    struct backlog *backlog;
    struct report_file *report_file;
    struct report *report; /* of the file; NULL: none is wanted */
    struct arena event_arena, row_arena;
    const char *failed_output; /* what could not be written, the first time */
    int failed_errno;
};

static int take_detector(struct replay *replay, const char *name)
{
    const char *words[16], *near;
    size_t n = 0;

    for (const struct detector_driver *const *d = detector_drivers; *d && n < ARRAY_SIZE(words) - 1; d++) {
        if (strcmp((*d)->name, name) == 0) {
            replay->detector = (*d)->name;
            return 0;
        }
        words[n++] = (*d)->name;
    }
    words[n] = NULL;
    near = nearest_word(slice_from_string(name), words);
    return args_misuse(replay->command, "--detector: unknown detector '%s', expected one such as '%s'", name,
                       near ? near : words[0]);
}

static int take_option(void *userdata, const struct arg_option *option, const char *value)
{
    struct replay *replay = userdata;
    const char *name = option->name;

    if (strcmp(name, "job") == 0) {
        char **items = reallocarray(replay->job_ids.items, replay->job_ids.n + 1, sizeof(*items));

        if (!items)
            return EXIT_FAILURE;
        replay->job_ids.items = items;
        items[replay->job_ids.n] = strdup(value);
        return items[replay->job_ids.n++] ? 0 : EXIT_FAILURE;
    }
    if (strcmp(name, "detector") == 0)
        return take_detector(replay, value);
    if (strcmp(name, "state") == 0)
        replay->state_path = value;
    else if (strcmp(name, "source") == 0)
        replay->source_name = value;
    else if (strcmp(name, "scores") == 0)
        replay->scores_path = value;
    else if (strcmp(name, "records") == 0)
        replay->records_path = value;
    else if (strcmp(name, "report") == 0)
        replay->report_path = value;
    else if (strcmp(name, "finish") == 0)
        replay->is_finishing = true;
    else if (strcmp(name, "learn") == 0)
        replay->is_learning = true;
    else if (strcmp(name, "quiet") == 0)
        replay->is_quiet = true;
    else
        return setup_take_option(&replay->setup, replay->command, option, value);
    return 0;
}

static int check_write(struct replay *replay, bool is_written, const char *what)
{
    if (is_written)
        return 0;
    if (!replay->failed_output) {
        replay->failed_output = what;
        replay->failed_errno = errno;
    }
    return -EIO;
}

static int on_score(void *userdata, const struct verdict *v)
{
    struct replay *replay = userdata;
    int r = replay->report ? report_verdict(replay->report, v) : 0;

    if (r >= 0 && replay->unit_records) {
        r = unit_records_add(replay->unit_records, v);
        if (r >= 0)
            r = check_write(replay, !ferror(replay->records), replay->records_path);
    }
    if (r < 0 || !replay->scores)
        return r;
    scores_write_row(replay->scores, v);
    return check_write(replay, !ferror(replay->scores), replay->scores_path);
}

static int on_final(void *userdata, const struct verdict *verdict)
{
    struct replay *replay = userdata;
    struct slice row;
    int r = replay->report ? report_verdict(replay->report, verdict) : 0;

    if (r < 0 || !replay->records)
        return r;
    arena_reset(&replay->row_arena);
    r = alert_record_row(verdict, &replay->row_arena, &row);
    if (r < 0)
        return r;
    return check_write(replay, fprintf(replay->records, "%.*s\n", SLICE_FMT(row)) > 0, replay->records_path);
}

static int on_held(void *userdata, const struct verdict *verdict)
{
    struct replay *replay = userdata;

    return report_held(replay->report, verdict);
}

static int on_document(void *userdata, const struct document *document)
{
    struct replay *replay = userdata;
    bool is_written = fwrite(document->bytes.data, 1, document->bytes.len, stdout) == document->bytes.len &&
                      fputc('\n', stdout) != EOF && fflush(stdout) == 0;

    return check_write(replay, is_written, "standard output");
}

static int judge(void *userdata, const struct event *event)
{
    struct lane *lane = userdata;
    struct replay *replay = lane->replay;
    uint64_t n_selected = chain_stats(replay->chain)->n_selected;
    int r = chain_event(replay->chain, event);

    if (r >= 0 && replay->report)
        r = report_event(replay->report, event, chain_stats(replay->chain)->n_selected > n_selected);
    return r < 0 ? r : 0;
}

static int enqueue(void *userdata, const struct event *event)
{
    struct lane *lane = userdata;
    _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT;
    int r = event_save(event, &bytes);

    if (r >= 0)
        r = buffer_append_u64(&lane->queue, (uint64_t)event->time_usec);
    if (r >= 0)
        r = buffer_append_field(&lane->queue, buffer_slice(&bytes));
    return r;
}

static int pass(struct lane *lane, const struct event *event)
{
    /* a single file needs no queue */
    return lane->replay->n_lanes == 1 ? judge(lane, event) : enqueue(lane, event);
}

static int release(struct lane *lane, int64_t until_usec)
{
    struct arena *arena = &lane->replay->event_arena;
    int r = 0;

    while (r >= 0 && lane->held.n > 0 &&
           (held_first_usec(&lane->held) <= until_usec || held_is_full(&lane->held))) {
        _cleanup_(freep) char *bytes = NULL;
        struct event event;

        arena_reset(arena);
        r = held_pop(&lane->held, arena, &bytes, &event);
        if (r >= 0)
            r = pass(lane, &event);
    }
    return r;
}

static int on_event(void *userdata, const struct event *event)
{
    struct lane *lane = userdata;
    int64_t pending_usec = normalizer_pending_usec(lane->input->normalizer);
    int r = 0;

    lane->newest_usec = MAX(lane->newest_usec, event->time_usec);
    if (lane->replay->report)
        r = report_arrival(lane->replay->report, event, lane->newest_usec - event->time_usec);
    if (r < 0)
        return r;
    if (lane->held.n == 0 && event->time_usec <= pending_usec)
        return pass(lane, event);
    r = held_add(&lane->held, event);
    return r < 0 ? r : release(lane, pending_usec);
}

static void show_progress(struct replay *replay)
{
    struct input_set set = {replay->lanes[0].input, replay->n_lanes};

    progress_show(input_set_read_bytes(&set), input_set_size_bytes(&set),
                  chain_stats(replay->chain)->n_events);
}

/* One more chunk; at the end of the file what is pending is handed over too, where the stream ends here. */
static int read_more(struct lane *lane)
{
    struct replay *replay = lane->replay;
    int r = input_read(lane->input, on_event, lane);

    show_progress(replay);
    if (r == 0) {
        lane->is_done = true;
        if (replay->is_finishing || replay->is_learning)
            r = normalizer_flush(lane->input->normalizer, on_event, lane);
        if (r >= 0 && (replay->is_finishing || replay->is_learning))
            r = release(lane, INT64_MAX);
    }
    if (r < 0 && !replay->failed_output && r != -ENOMEM)
        (void)diag_add(&replay->setup.diags, lane->input->path, 0, 0, "cannot read: %s", strerror(-r));
    return r;
}

/* Makes the next event's time known. 1: there is one; 0: the lane is at its end. */
static int lane_peek(struct lane *lane)
{
    struct slice rest;
    uint64_t time;
    int r;

    while (lane->head == lane->queue.len) {
        buffer_clear(&lane->queue);
        lane->head = 0;
        if (lane->is_done)
            return 0;
        if (interrupt_came())
            return -EINTR;
        r = read_more(lane);
        if (r < 0)
            return r;
    }
    rest = slice_skip(buffer_slice(&lane->queue), lane->head);
    r = slice_read_u64(&rest, &time);
    if (r < 0)
        return r;
    lane->next_usec = (int64_t)time;
    return 1;
}

static int lane_pop(struct lane *lane)
{
    struct replay *replay = lane->replay;
    struct slice rest = slice_skip(buffer_slice(&lane->queue), lane->head), bytes;
    struct event event;
    uint64_t time;
    int r;

    r = slice_read_u64(&rest, &time);
    if (r >= 0)
        r = slice_read_field(&rest, &bytes);
    if (r < 0)
        return r;
    lane->head = lane->queue.len - rest.len;
    arena_reset(&replay->event_arena);
    r = event_load(bytes, &replay->event_arena, &event);
    return r < 0 ? r : judge(lane, &event);
}

/* Makes next_usec the time before which the lane has nothing; see lane_peek for what is returned. */
static int lane_look(struct lane *lane)
{
    int r = lane_peek(lane);

    if (r == 0)
        lane->next_usec = MIN(normalizer_pending_usec(lane->input->normalizer), held_first_usec(&lane->held));
    return r;
}

/* Ends where a lane that is at its end may have something older in the next half: the others wait for it. */
static int merge(struct replay *replay)
{
    for (;;) {
        struct lane *oldest = NULL;
        bool is_known = false;

        for (size_t i = 0; i < replay->n_lanes; i++) {
            struct lane *lane = &replay->lanes[i];
            int r = lane_look(lane);

            if (r < 0)
                return r;
            if (!oldest || lane->next_usec < oldest->next_usec) {
                oldest = lane;
                is_known = r > 0;
            }
        }
        if (!oldest || !is_known)
            return 0;
        int r = lane_pop(oldest);
        if (r < 0)
            return r;
    }
}

static int stream(struct replay *replay)
{
    struct lane *lane = &replay->lanes[0];
    int r = 0;

    /* out of the state, where there were several files: nobody is left to wait for */
    while (r >= 0 && lane->head < lane->queue.len)
        r = lane_pop(lane);
    while (r >= 0 && !lane->is_done)
        r = interrupt_came() ? -EINTR : read_more(lane);
    return r;
}

/* The name under which a lane's half-read events stand in the store: the place in the argument list. */
static int pending_name(size_t lane, char **ret_name)
{
    return asprintf(ret_name, "replay/%zu", lane) < 0 ? -ENOMEM : 0;
}

static int restore_change(void *userdata, const struct change *change)
{
    struct replay *replay = userdata;

    return chain_restore(replay->chain, change);
}

static int load_lane(struct lane *lane, struct slice bytes)
{
    struct slice normalizer, held, queue;
    int r = slice_read_field(&bytes, &normalizer);

    if (r >= 0)
        r = slice_read_field(&bytes, &held);
    if (r >= 0)
        r = slice_read_field(&bytes, &queue);
    if (r >= 0)
        r = normalizer_load(lane->input->normalizer, normalizer);
    if (r >= 0)
        r = held_load(&lane->held, held);
    return r < 0 ? r : buffer_append_slice(&lane->queue, queue);
}

static int save_lane(const struct lane *lane, struct buffer *out)
{
    _cleanup_(buffer_done) struct buffer normalizer = BUFFER_INIT, held = BUFFER_INIT;
    int r = normalizer_save(lane->input->normalizer, &normalizer);

    if (r >= 0)
        r = held_save(&lane->held, &held);
    if (r >= 0)
        r = buffer_append_field(out, buffer_slice(&normalizer));
    if (r >= 0)
        r = buffer_append_field(out, buffer_slice(&held));
    return r < 0 ? r : buffer_append_field(out, slice_skip(buffer_slice(&lane->queue), lane->head));
}

static int load_state(struct replay *replay)
{
    int r = store_restore(replay->store, SLICE(""), restore_change, replay);

    /* what is learned is whole: the halves of another replay are none of its business */
    for (size_t i = 0; r >= 0 && i < replay->n_lanes && !replay->is_learning; i++) {
        _cleanup_(freep) char *name = NULL, *bytes = NULL;
        size_t len = 0;

        r = pending_name(i, &name);
        if (r >= 0)
            r = store_get_pending(replay->store, name, &bytes, &len);
        if (r >= 0 && len > 0)
            r = load_lane(&replay->lanes[i], slice_new(bytes, len));
    }
    if (r < 0 && r != -ENOMEM)
        return diag_add(
            &replay->setup.diags, replay->state_path, 0, 0,
            "the state cannot be read (%s): made by another version, or damaged; start with a new file",
            r == -EBADMSG ? "not understood" : store_error(replay->store));
    return r;
}

static int save_change(void *userdata, const struct change *change)
{
    struct replay *replay = userdata;

    return store_put_change(replay->store, change);
}

static int save_state(struct replay *replay)
{
    int r = store_begin(replay->store);

    if (r >= 0)
        r = chain_changes(replay->chain, save_change, replay);
    for (size_t i = 0; r >= 0 && i < replay->n_lanes && !replay->is_learning; i++) {
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT;
        _cleanup_(freep) char *name = NULL;

        r = pending_name(i, &name);
        if (r >= 0 && !replay->is_finishing)
            r = save_lane(&replay->lanes[i], &bytes);
        if (r >= 0)
            r = store_put_pending(replay->store, name, buffer_slice(&bytes));
    }
    if (r >= 0)
        r = store_commit(replay->store);
    if (r < 0)
        (void)diag_add(&replay->setup.diags, replay->state_path, 0, 0, "the state cannot be written: %s",
                       store_error(replay->store));
    return r;
}

static int open_output(struct replay *replay, const char *path, FILE **ret_file)
{
    if (!path)
        return 0;
    *ret_file = fopen(path, "we");
    if (!*ret_file)
        return diag_add(&replay->setup.diags, path, 0, 0, "cannot write: %s", strerror(errno));
    return 0;
}

static int close_output(struct replay *replay, FILE **file, const char *path)
{
    bool is_written = !*file || (!ferror(*file) && fflush(*file) == 0);
    int saved = errno;

    fclosep(file);
    *file = NULL;
    errno = saved;
    return check_write(replay, is_written, path);
}

static int open_report(struct replay *replay)
{
    int r = report_file_new(replay->report_path, replay->setup.exceptions, &replay->report_file);

    if (r < 0)
        return r == -ENOMEM ? r
                            : diag_add(&replay->setup.diags, replay->report_path, 0, 0, "cannot write: %s",
                                       strerror(-r));
    replay->report = report_file_report(replay->report_file);
    return 0;
}

/* Behind all other output: a report is of a replay that succeeded. */
static int close_report(struct replay *replay, const struct input_set *set)
{
    int r = report_file_commit(replay->report_file, set);

    if (r < 0 && r != -ENOMEM)
        r = diag_add(&replay->setup.diags, replay->report_path, 0, 0, "cannot write: %s", strerror(-r));
    return r;
}

static void on_backlog_report(void *userdata, int level, const char *message)
{
    (void)userdata;
    progress_clear();
    if (level <= LOG_WARNING)
        (void)fprintf(stderr, "hapax replay: %s\n", message);
}

static int refuse_source(struct replay *replay, const struct instance *source)
{
    _cleanup_(buffer_done) struct buffer expected = BUFFER_INIT;
    int r = 0;

    for (const struct source_driver *const *d = source_drivers; r >= 0 && *d; d++)
        if (source_has_backlog(*d))
            r = buffer_append_format(&expected, "%s%s", expected.len > 0 ? " or " : "",
                                     source_driver_name(*d));
    return r < 0 ? r
                 : diag_add(&replay->setup.diags, NULL, 0, 0,
                            "source.%s has the driver %s, which cannot be read to an end, expected %.*s",
                            source->name, source_driver_name(source->source_driver), (int)expected.len,
                            expected.data);
}

/* What a source of the configuration holds now, behind the files. */
static int open_source(struct replay *replay, struct input_set *set)
{
    const struct backlog_callbacks callbacks = {on_backlog_report, replay};
    const struct instance *found = NULL;
    int r = instances_load_sources(&replay->setup, NULL, &replay->sources);

    for (size_t i = 0; r >= 0 && i < replay->sources.n; i++)
        if (strcmp(replay->sources.items[i].name, replay->source_name) == 0)
            found = &replay->sources.items[i];
    if (r < 0)
        return r;
    if (!found)
        return diag_add(&replay->setup.diags, NULL, 0, 0,
                        "no source '%s' is in the configuration (--config, --set source.%s.topics=…)",
                        replay->source_name, replay->source_name);
    if (!source_has_backlog(found->source_driver))
        return refuse_source(replay, found);
    r = backlog_open(found->source_driver, found->name, found->settings, &callbacks, &replay->setup.diags,
                     &replay->backlog);
    return r < 0 ? r : input_set_add_backlog(set, replay->backlog, &replay->setup);
}

static int open_rooms(struct replay *replay, char **paths, size_t n_paths, struct input_set *ret_set)
{
    struct setup *setup = &replay->setup;
    /* what is learned is for the hapax that runs here: its jobs, its detector, its state */
    int r = setup_load(setup, replay->is_learning), q = -EINVAL;

    if (r != -ENOMEM)
        q = instances_check_config(setup);
    r = MIN(r, q);
    if (r >= 0)
        r = setup_load_rulebase(setup);
    if (r >= 0)
        r = setup_choose_jobs(setup, replay->detector, (const char *const *)replay->job_ids.items,
                              replay->job_ids.n);
    if (r >= 0)
        r = setup_load_exceptions(setup, replay->is_learning);
    if (r >= 0 && replay->is_learning && !replay->state_path) {
        r = setup_find_state(setup, &replay->found_state);
        replay->state_path = replay->found_state;
        if (r >= 0)
            r = setup_make_parents(setup, replay->found_state);
    }
    if (r >= 0)
        r = chain_new(&(struct chain_options){.jobs = &setup->jobs,
                                              .detector = setup->detector,
                                              .config = setup->config,
                                              .exceptions = setup->exceptions,
                                              .observer = {.version = HAPAX_VERSION},
                                              .callbacks = {on_score, on_final, on_document, replay,
                                                            replay->report_path ? on_held : NULL},
                                              .is_teaching = replay->is_learning},
                      &setup->diags, &replay->chain);
    if (r >= 0)
        r = input_set_open(paths, n_paths, setup, ret_set);
    if (r >= 0 && replay->source_name)
        r = open_source(replay, ret_set);
    if (r >= 0 && replay->state_path)
        r = store_open(replay->state_path, (enum durability)setup->settings.durability, &setup->diags,
                       &replay->store);
    if (r >= 0)
        r = open_output(replay, replay->scores_path, &replay->scores);
    if (r >= 0)
        r = open_output(replay, replay->records_path, &replay->records);
    if (r >= 0 && replay->records)
        r = unit_records_new(replay->records, &replay->unit_records);
    if (r >= 0 && replay->report_path)
        r = open_report(replay);
    return r;
}

static int make_lanes(struct replay *replay, struct input_set *set)
{
    replay->lanes = calloc(set->n_inputs, sizeof(*replay->lanes));
    if (!replay->lanes)
        return -ENOMEM;
    replay->n_lanes = set->n_inputs;
    for (size_t i = 0; i < set->n_inputs; i++)
        replay->lanes[i] =
            (struct lane){.replay = replay, .input = &set->inputs[i], .newest_usec = INT64_MIN};
    return 0;
}

static void print_summary(const struct replay *replay, const struct input_set *set)
{
    const struct chain_stats *stats = chain_stats(replay->chain);

    input_set_summary(set, "replay");
    (void)fprintf(stderr, "hapax replay: %" PRIu64 " process starts judged, %" PRIu64 " alerts\n",
                  stats->n_selected, stats->n_alerts);
    if (stats->n_rolled_up > 0)
        (void)fprintf(stderr, "hapax replay: %" PRIu64 " alerts stand in %" PRIu64 " roll-up alerts\n",
                      stats->n_rolled_up, stats->n_rollups);
    if (stats->n_learning > 0)
        (void)fprintf(stderr, "hapax replay: %" PRIu64 " would have been alerts, but for learning\n",
                      stats->n_learning);
    if (replay->setup.exceptions)
        (void)fprintf(stderr,
                      "hapax replay: exceptions held back %" PRIu64 " alerts and kept %" PRIu64
                      " process starts from the detectors\n",
                      stats->n_held, stats->n_skipped);
}

static int print_learning(void *userdata, const struct chain_learning *learning)
{
    (void)userdata;
    (void)fputs("hapax replay: ", stderr);
    learned_print(stderr, learning);
    return 0;
}

static int replay_files(struct replay *replay, char **paths, size_t n_paths)
{
    struct input_set set = {0};
    int r, q;

    replay->is_finishing |= !replay->state_path;
    r = open_rooms(replay, paths, n_paths, &set);
    if (r >= 0)
        r = make_lanes(replay, &set);
    if (r >= 0 && replay->scores)
        r = check_write(replay, fputs(SCORES_HEADER, replay->scores) >= 0, replay->scores_path);
    if (r >= 0 && replay->store)
        r = load_state(replay);
    if (r >= 0)
        r = replay->n_lanes == 1 ? stream(replay) : merge(replay);
    if (r >= 0 && replay->is_finishing)
        r = chain_finish(replay->chain);
    if (r >= 0 && replay->unit_records)
        unit_records_flush(replay->unit_records);
    progress_clear();
    q = close_output(replay, &replay->scores, replay->scores_path);
    r = MIN(r, q);
    q = close_output(replay, &replay->records, replay->records_path);
    r = MIN(r, q);
    if (replay->failed_output)
        (void)diag_add(&replay->setup.diags, NULL, 0, 0, "cannot write to %s: %s", replay->failed_output,
                       strerror(replay->failed_errno));
    if (r >= 0 && replay->store)
        r = save_state(replay);
    if (r >= 0 && replay->report_file)
        r = close_report(replay, &set);
    if (replay->lanes && !replay->is_quiet)
        print_summary(replay, &set);
    if (r >= 0 && replay->is_learning && !replay->is_quiet)
        r = chain_walk_learning(replay->chain, print_learning, replay);
    input_set_done(&set);
    if (r == -EINTR && interrupt_came()) {
        (void)fprintf(stderr, "hapax replay: interrupted%s%s\n",
                      replay->store ? "; the state is as it was" : "",
                      replay->is_learning ? ": start it again from the beginning" : "");
        return 130; /* 128 + SIGINT, as a shell says it */
    }
    return r < 0 ? setup_report(&replay->setup, "replay", r) : EXIT_SUCCESS;
}

static void replay_done(struct replay *replay)
{
    for (size_t i = 0; i < replay->n_lanes; i++) {
        buffer_done(&replay->lanes[i].queue);
        held_done(&replay->lanes[i].held);
    }
    free(replay->lanes);
    for (size_t i = 0; i < replay->job_ids.n; i++)
        free(replay->job_ids.items[i]);
    free(replay->job_ids.items);
    chain_free(replay->chain);
    store_close(replay->store);
    fclosep(&replay->scores);
    unit_records_free(replay->unit_records);
    fclosep(&replay->records);
    report_file_free(replay->report_file);
    arena_done(&replay->event_arena);
    arena_done(&replay->row_arena);
    free(replay->found_state);
    backlog_free(replay->backlog);
    instance_list_done(&replay->sources);
    setup_done(&replay->setup);
}

static int run(const struct arg_command *command, int argc, char **argv)
{
    struct replay replay = {.command = command};
    int first, code = setup_init(&replay.setup) < 0
                          ? EXIT_FAILURE
                          : args_parse(command, argc, argv, take_option, &replay, &first);

    if (code == 0 && first == argc && !replay.source_name)
        code = args_misuse(command, "no FILE given, use '-' for standard input");
    if (code == 0 && replay.is_learning && replay.is_finishing)
        code = args_misuse(command, "--finish does not go with --learn: the last bucket stays open for run");
    if (code == 0) {
        interrupt_catch();
        code = replay_files(&replay, argv + first, (size_t)(argc - first));
    }
    replay_done(&replay);
    return code < 0 ? EXIT_SUCCESS : code;
}

static const struct arg_option options[] = {
    {"job", 'j', "ID",
     "run this job; may be repeated (default: the configured ones, else network_connection_discovery)"},
    {"detector", 'd', "NAME",
     "judge with this detector instead of each job's own: rare, or novelty (without --job: all command "
     "families)"},
    {"scores", 0, "OUT.csv", "write every judged event with its probability and score"},
    {"records", 0, "OUT.ndjson", "write the final record of every user in every bucket"},
    {"report", 0, "OUT.html", "write a page for a browser: alerts, users, thresholds, exceptions, hosts"},
    {"source", 0, "NAME",
     "read what this source of the configuration holds now (driver kafka), besides FILEs if there are any"},
    {"state", 0, "DB", "start from this state and leave the new one there; the last bucket stays open"},
    {"learn", 0, NULL,
     "learn only, into the state and with the configuration of 'hapax run': nothing is an alert"},
    {"finish", 0, NULL, "with --state: close the last bucket and hand pending events over at the end"},
    {"quiet", 'q', NULL, "do not print the counts on stderr"},
    SETUP_GATE_OPTION,
    SETUP_INPUT_OPTIONS,
    SETUP_CONFIG_OPTIONS_WITH("none; with --learn " SETUP_SYSTEM_CONFIG),
};

const struct arg_command replay_command = {
    .name = "replay",
    .usage = "[FILE…|-]",
    .summary = "run log files through the detector and print the alerts",
    .details = "Merges the files by event time (ties: the order given), runs them as one stream with a fresh "
               "state, or the\n"
               "one in --state, and prints the alerts as ECS JSON, one a line. The configuration of the "
               "system is not\n"
               "read unless --config names it, so that a replay gives the same on every machine.\n"
               "With --learn it is read, and the state of 'hapax run' learns what the files tell.\n",
    .options = options,
    .n_options = ARRAY_SIZE(options),
    .run = run,
};
