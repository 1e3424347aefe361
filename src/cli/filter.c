/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax filter: lines in, the same lines out, each with what the detectors say about it.
 *
 * One loop, one line at a time: read what there is, judge each line, write all answers in one go, and only
 * then read again. So there is one output for each input, in order, and nothing waits in a buffer while the
 * reader waits for it; rsyslog's mmexternal, which sends a line only after the answer to the last, needs no
 * mode of its own for that.
 *
 * The verdict goes to the line that completed the event. Of audit, whose events have many records, that is
 * the last one: the others go through without. An event that only time completes (its last record never came)
 * is completed by the line that shows the time; one that the end of the input completes is learned and has no
 * line.
 *
 * State is that of `hapax run`, in the same database, one process at a time. What the lines changed is
 * committed before the answer with mmexternal, where rsyslog takes an answered message for done; else within
 * commit_interval, and before the end. A state that cannot be written is said once and tried again each
 * second: the lines go on, with what is not written in memory, up to UNWRITTEN_BYTES_MAX.
 *
 * Alerts have no way out but the lines: sinks are what `hapax run` has, with an outbox behind them.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/filter_answer.h"
#include "cli/input.h"
#include "cli/instances.h"
#include "cli/setup.h"
#include "detector/chain.h"
#include "engine/history.h"
#include "engine/ledger.h"
#include "frame/frame.h"
#include "store/store.h"
#include "util/parse.h"

/* measured: larger reads gain nothing from a pipe of 64 KiB */
#define CHUNK_BYTES (64U * 1024)
/* chosen: a full disk is seen and mended by people */
#define RETRY_USEC (1 * USEC_PER_SEC)
/* chosen: some 100,000 changes; more memory helps nobody where the disk stays full */
#define UNWRITTEN_BYTES_MAX ((size_t)64 << 20)
/* as in run (engine.c): an event dated later than its receipt by more than clocks differ is not believed */
#define FUTURE_LIMIT_USEC (10 * 60 * USEC_PER_SEC)
/* The name the half-read events stand under in the store. */
#define PLACE_NAME "filter"

struct filter {
    struct setup setup;
    const struct arg_command *command;
    const char *state_path;
    bool is_mmexternal, is_stateless, is_quiet;

    struct store *store;
    struct ledger *ledger;
    struct chain *chain;
    struct normalizer *normalizer;
    struct filter_answer answer;
    struct buffer line, out, scratch;
    uint64_t cut_bytes; /* of the line that is being read: what was beyond the limit */
    uint64_t seq, n_cut;
    int64_t received_usec; /* 0: a pipe's lines are judged by their own time */
    int64_t stream_usec;
    int64_t due_usec; /* of the next commit, by the monotonic clock; 0: nothing is due */
    bool is_changed, is_store_failing, is_at_end, is_lost;
};

static int take_option(void *userdata, const struct arg_option *option, const char *value)
{
    struct filter *f = userdata;
    const char *name = option->name;

    if (strcmp(name, "protocol") == 0) {
        f->is_mmexternal = strcmp(value, "mmexternal") == 0;
        if (!f->is_mmexternal && strcmp(value, "lines") != 0)
            return args_misuse(f->command, "--protocol: unknown protocol '%s', expected lines or mmexternal",
                               value);
        return 0;
    }
    if (strcmp(name, "state") == 0)
        f->state_path = value;
    else if (strcmp(name, "no-state") == 0)
        f->is_stateless = true;
    else if (strcmp(name, "quiet") == 0)
        f->is_quiet = true;
    else
        return setup_take_option(&f->setup, f->command, option, value);
    return 0;
}

static int64_t clock_usec(clockid_t clock)
{
    struct timespec now;

    /* cannot fail for these clocks (clock_gettime(2)) */
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

static int put_history(struct filter *f, const struct verdict *verdict, bool is_final)
{
    if (!f->ledger || f->setup.settings.history_keep_usec == 0)
        return 0;
    return history_put(f->ledger, verdict, is_final, &f->scratch);
}

static int on_score(void *userdata, const struct verdict *verdict)
{
    struct filter *f = userdata;
    int r = filter_answer_add(&f->answer, verdict, false);

    return r < 0 ? r : put_history(f, verdict, false);
}

static int on_final(void *userdata, const struct verdict *verdict)
{
    struct filter *f = userdata;
    int r = filter_answer_add(&f->answer, verdict, true);

    return r < 0 ? r : put_history(f, verdict, true);
}

/* What was held back has come as a score, too; what was kept from the detector has not. */
static int on_held(void *userdata, const struct verdict *verdict)
{
    struct filter *f = userdata;

    return verdict->reason == VERDICT_SKIPPED ? filter_answer_add(&f->answer, verdict, false) : 0;
}

static int on_document(void *userdata, const struct document *document)
{
    (void)userdata;
    (void)document;
    return 0;
}

static int on_event(void *userdata, const struct event *event)
{
    struct filter *f = userdata;
    struct event dated = *event;
    int r;

    if (f->received_usec > 0 && event->time_usec > f->received_usec + FUTURE_LIMIT_USEC)
        dated.time_usec = f->received_usec;
    r = chain_event(f->chain, &dated);
    if (r < 0)
        return r;
    f->stream_usec = MAX(f->stream_usec, dated.time_usec);
    f->is_changed |= r > 0;
    return 0;
}

static int on_change(void *userdata, const struct change *change)
{
    struct filter *f = userdata;

    return ledger_put_change(f->ledger, change);
}

static int collect(struct filter *f)
{
    int r = chain_changes(f->chain, on_change, f);

    buffer_clear(&f->scratch);
    if (r >= 0)
        r = normalizer_save(f->normalizer, &f->scratch);
    if (r >= 0)
        r = ledger_put_place(f->ledger, PLACE_NAME, SLICE_NULL, buffer_slice(&f->scratch));
    ledger_set_history_limits(f->ledger, f->stream_usec - f->setup.settings.history_keep_usec,
                              f->setup.settings.history_limit_bytes);
    return r;
}

/* mmexternal takes what is written to stderr for an answer (rsyslog: mmexternal.c gives both the same pipe).
 */
static _printf_(3, 4) void warn(const struct filter *f, int level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (f->is_mmexternal)
        vsyslog(LOG_DAEMON | level, format, args);
    else
        (void)vfprintf(stderr, format, args);
    va_end(args);
}

/* Makes durable what the lines have changed. A full disk is no failure until memory is at its limit. */
static int commit(struct filter *f)
{
    int r;

    f->due_usec = 0;
    if (!f->ledger || (!f->is_changed && !f->is_store_failing))
        return 0;
    r = collect(f);
    if (r < 0)
        return r;
    f->is_changed = false;
    r = ledger_commit(f->ledger);
    if (r == -ENOMEM || r == -EBADMSG || (r < 0 && ledger_n_bytes(f->ledger) > UNWRITTEN_BYTES_MAX))
        return diag_add(&f->setup.diags, f->state_path, 0, 0, "the state cannot be written: %s",
                        store_error(f->store));
    if (r < 0 && !f->is_store_failing)
        warn(f, LOG_ERR, "hapax filter: %s: the state cannot be written (%s): it is tried again\n",
             f->state_path, store_error(f->store));
    f->is_store_failing = r < 0;
    if (r < 0)
        f->due_usec = clock_usec(CLOCK_MONOTONIC) + RETRY_USEC;
    return 0;
}

static int commit_if_due(struct filter *f)
{
    if (f->is_changed && f->due_usec == 0) {
        if (f->is_mmexternal)
            return commit(f);
        f->due_usec = clock_usec(CLOCK_MONOTONIC) + f->setup.settings.commit_interval_usec;
    }
    return f->due_usec > 0 && clock_usec(CLOCK_MONOTONIC) >= f->due_usec ? commit(f) : 0;
}

/* As a source's of run (engine.c). */
static void note_lost(struct filter *f)
{
    const struct normalizer_stats *stats = normalizer_stats(f->normalizer);

    if (f->is_lost || !normalizer_is_lost(stats))
        return;
    f->is_lost = true;
    warn(f, LOG_WARNING,
         "hapax filter: of %" PRIu64 " lines no command was read, %" PRIu64
         " are not understood, the last: %s (`hapax normalize --explain` shows how a line is read, "
         "hapax-formats(7) what hapax reads; said once)\n",
         stats->n_records, stats->n_unknown + stats->n_quarantined, stats->sample);
}

static int on_line(struct filter *f, struct slice line)
{
    struct record record = {.kind = RECORD_LINE,
                            .trust = f->is_mmexternal ? TRUST_LOW : TRUST_INPUT,
                            .bytes = line,
                            .seq = ++f->seq,
                            .received_usec = f->received_usec,
                            .is_truncated = f->cut_bytes > 0};
    bool had_pending = normalizer_n_pending(f->normalizer) > 0;
    int r = 0;

    filter_answer_reset(&f->answer);
    f->n_cut += f->cut_bytes > 0;
    if (f->is_mmexternal)
        r = filter_message(&f->answer, line, &record.bytes);
    if (slice_ends_with(record.bytes, SLICE("\r")))
        record.bytes.len--;
    if (r >= 0)
        r = normalizer_feed(f->normalizer, &record, on_event, f);
    if (r < 0)
        return r;
    note_lost(f);
    f->is_changed |= had_pending || normalizer_n_pending(f->normalizer) > 0;
    r = f->is_mmexternal ? filter_answer_mmexternal(&f->answer, &f->out)
                         : filter_answer_line(&f->answer, line, f->cut_bytes, &f->out);
    f->cut_bytes = 0;
    return r;
}

/* Bytes of a line that does not end in this chunk, as far as the limit goes. */
static int keep(struct filter *f, struct slice part)
{
    size_t room = FRAME_LINE_LIMIT_DEFAULT - MIN(f->line.len, (size_t)FRAME_LINE_LIMIT_DEFAULT);
    struct slice head = slice_head(part, room);

    f->cut_bytes += part.len - head.len;
    return buffer_append_slice(&f->line, head);
}

static int on_bytes(struct filter *f, struct slice bytes)
{
    int r = 0;

    while (r >= 0 && bytes.len > 0) {
        size_t at = slice_find(bytes, '\n');

        if (f->line.len == 0 && f->cut_bytes == 0 && at < bytes.len && at <= FRAME_LINE_LIMIT_DEFAULT) {
            r = on_line(f, slice_head(bytes, at)); /* whole, in the chunk */
        } else {
            r = keep(f, slice_head(bytes, at));
            if (r >= 0 && at < bytes.len) {
                r = on_line(f, buffer_slice(&f->line));
                buffer_clear(&f->line);
            }
        }
        bytes = slice_skip(bytes, MIN(at + 1, bytes.len));
    }
    return r;
}

static int write_out(struct filter *f)
{
    struct slice rest = buffer_slice(&f->out);

    while (rest.len > 0) {
        struct pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT};
        ssize_t n = write(STDOUT_FILENO, rest.data, rest.len);

        if (n < 0 && errno == EAGAIN)
            n = poll(&ready, 1, -1) < 0 ? -1 : 0;
        /* a signal asks for a clean end, which has no half lines */
        if (n < 0 && errno != EINTR)
            return diag_add(&f->setup.diags, NULL, 0, 0, "cannot write to standard output: %s",
                            strerror(errno));
        rest = slice_skip(rest, n > 0 ? (size_t)n : 0);
    }
    buffer_clear(&f->out);
    return 0;
}

/* Waits for input no longer than until a commit is due. 1: there is some, or the end. */
static int wait_for_input(const struct filter *f)
{
    struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
    int64_t left = f->due_usec - clock_usec(CLOCK_MONOTONIC);
    int n = poll(&ready, 1, f->due_usec == 0 ? -1 : (int)(MAX(left, INT64_C(0)) / 1000 + 1));

    if (n < 0 && errno != EINTR)
        return -errno;
    return n > 0;
}

static int step(struct filter *f)
{
    static char chunk[CHUNK_BYTES];
    int r = wait_for_input(f);
    ssize_t n = 0;

    if (r > 0)
        n = read(STDIN_FILENO, chunk, sizeof(chunk));
    if (r < 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
        return diag_add(&f->setup.diags, NULL, 0, 0, "cannot read standard input: %s", strerror(errno));
    if (r > 0 && n >= 0) {
        f->is_at_end = n == 0;
        f->received_usec = f->is_mmexternal ? clock_usec(CLOCK_REALTIME) : 0;
        r = on_bytes(f, slice_new(chunk, (size_t)n));
        if (r >= 0 && f->is_at_end && f->line.len + f->cut_bytes > 0)
            r = on_line(f, buffer_slice(&f->line));
    }
    if (r >= 0)
        r = commit_if_due(f);
    return r < 0 ? r : write_out(f);
}

static int restore_change(void *userdata, const struct change *change)
{
    struct filter *f = userdata;

    return chain_restore(f->chain, change);
}

static int load_state(struct filter *f)
{
    _cleanup_(freep) char *bytes = NULL;
    size_t len = 0;
    int r =
        store_open(f->state_path, (enum durability)f->setup.settings.durability, &f->setup.diags, &f->store);

    if (r < 0)
        return r;
    r = store_restore(f->store, SLICE(""), restore_change, f);
    if (r >= 0)
        r = store_get_pending(f->store, PLACE_NAME, &bytes, &len);
    if (r >= 0 && len > 0)
        r = normalizer_load(f->normalizer, slice_new(bytes, len));
    if (r < 0 && r != -ENOMEM)
        return diag_add(&f->setup.diags, f->state_path, 0, 0,
                        "the state cannot be read: 'hapax store check' shows what is wrong");
    return r < 0 ? r : ledger_new(f->store, NULL, 0, &f->ledger);
}

static int open_rooms(struct filter *f, char **ret_path)
{
    struct setup *setup = &f->setup;
    struct normalizer_options options;
    int r = setup_load(setup, true), q = -EINVAL;

    if (r != -ENOMEM)
        q = instances_check_config(setup);
    r = MIN(r, q);
    if (r >= 0)
        r = setup_load_rulebase(setup);
    if (r >= 0)
        r = setup_load_exceptions(setup, true);
    if (r >= 0)
        r = setup_choose_jobs(setup, NULL, NULL, 0);
    if (r >= 0)
        r = chain_new(&(struct chain_options){.jobs = &setup->jobs,
                                              .detector = setup->detector,
                                              .config = setup->config,
                                              .exceptions = setup->exceptions,
                                              .observer = {.version = HAPAX_VERSION},
                                              .callbacks = {on_score, on_final, on_document, f, on_held}},
                      &setup->diags, &f->chain);
    if (r < 0)
        return r;
    options = setup_normalizer_options(setup, clock_usec(CLOCK_REALTIME));
    if (options.format == FORMAT_JOURNAL_EXPORT)
        return diag_add(&setup->diags, NULL, 0, 0,
                        "format journal-export has no lines: a filter cannot read it");
    options.is_line_by_line = true; /* the verdict belongs to the line, and rsyslog waits for it */
    r = normalizer_new(&options, &f->normalizer);
    if (r < 0 || f->is_stateless)
        return r;
    if (!f->state_path) {
        r = setup_find_state(setup, ret_path);
        f->state_path = *ret_path;
        if (r >= 0)
            r = setup_make_parents(setup, *ret_path);
    }
    return r < 0 ? r : load_state(f);
}

/* Without a state nobody comes after: what is pending is all there is. With one, the next run goes on. */
static int finish(struct filter *f)
{
    int r = 0;

    filter_answer_reset(&f->answer);
    if (f->is_stateless)
        r = normalizer_flush(f->normalizer, on_event, f);
    if (r >= 0)
        r = commit(f);
    if (r >= 0 && f->is_store_failing)
        r = diag_add(&f->setup.diags, f->state_path, 0, 0, "the state cannot be written: %s",
                     store_error(f->store));
    return r;
}

static void print_summary(const struct filter *f)
{
    const struct chain_stats *stats = chain_stats(f->chain);

    (void)fprintf(stderr,
                  "hapax filter: %" PRIu64 " lines, %" PRIu64 " process starts judged, %" PRIu64
                  " alerts, %" PRIu64 " held back by exceptions\n",
                  f->seq, stats->n_selected, stats->n_alerts, stats->n_held);
    if (f->answer.n_claimed > 0)
        (void)fprintf(stderr, "hapax filter: %" PRIu64 " objects had a member 'hapax' and went on as text\n",
                      f->answer.n_claimed);
    if (f->n_cut > 0)
        (void)fprintf(stderr, "hapax filter: %" PRIu64 " lines were longer than the limit and were cut\n",
                      f->n_cut);
}

static int filter(struct filter *f)
{
    _cleanup_(freep) char *path = NULL;
    int r = open_rooms(f, &path), q;

    if (r < 0)
        return setup_report(&f->setup, f->command->name, r);
    while (r >= 0 && !f->is_at_end && !interrupt_came())
        r = step(f);
    q = finish(f);
    r = MIN(r, q);
    if (!f->is_quiet && !f->is_mmexternal)
        print_summary(f);
    if (r < 0)
        return setup_report(&f->setup, f->command->name, r);
    return interrupt_came() && !f->is_mmexternal ? 130 : EXIT_SUCCESS; /* 128 + SIGINT, as a shell says it */
}

static void filter_done(struct filter *f)
{
    normalizer_free(f->normalizer);
    chain_free(f->chain);
    ledger_free(f->ledger);
    store_close(f->store);
    filter_answer_done(&f->answer);
    buffer_done(&f->line);
    buffer_done(&f->out);
    buffer_done(&f->scratch);
    setup_done(&f->setup);
}

static int run(const struct arg_command *command, int argc, char **argv)
{
    struct filter f = {.command = command};
    int first, code = setup_init(&f.setup) < 0 ? EXIT_FAILURE
                                               : args_parse(command, argc, argv, take_option, &f, &first);

    if (code == 0 && first < argc)
        code = args_misuse(command, "unexpected '%s': a filter reads standard input", argv[first]);
    if (code == 0) {
        interrupt_catch();
        code = filter(&f);
    }
    filter_done(&f);
    return code < 0 ? EXIT_SUCCESS : code;
}

static const struct arg_option options[] = {
    {"protocol", 'p', "PROTOCOL",
     "lines (default): each line with the verdict in it; or mmexternal: rsyslog's, one JSON answer a line"},
    {"state", 0, "DB",
     "keep the state here (default: hapax.db in $STATE_DIRECTORY, or in $XDG_STATE_HOME/hapax)"},
    {"no-state", 0, NULL, "begin with nothing learned, and keep nothing"},
    {"quiet", 'q', NULL, "do not print the counts on stderr"},
    SETUP_GATE_OPTION,
    SETUP_INPUT_OPTIONS,
    SETUP_CONFIG_OPTIONS,
};

const struct arg_command filter_command = {
    .name = "filter",
    .usage = "",
    .summary = "pass lines through and add what the detectors say about each",
    .details =
        "Reads lines or NDJSON on standard input and writes one line for each, in order: an object with a "
        "member\n"
        "'hapax' where a job judged what it completed (job, score, verdict, actor); a text line becomes "
        "an object\n"
        "with the line as 'message'. With the detectors, jobs, exceptions and the state of 'hapax run', "
        "and no sinks.\n",
    .options = options,
    .n_options = ARRAY_SIZE(options),
    .run = run,
};
