/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Input files for the commands that read to the end (normalize, replay). Every file has a frame and a
 * normalizer of its own, so audit records are never joined across files and a year is worked out per file.
 *
 * All files are opened and looked at before the first byte is read: a typing error in the last name must not
 * come after an hour of output.
 */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/setup.h"
#include "source/backlog.h"
#include "util/parse.h"

/* measured: larger reads gain nothing from the page cache */
#define CHUNK_BYTES (256U * 1024)

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    is_interrupted = 1;
}

void interrupt_catch(void)
{
    /* no SA_RESTART: a read that waits for a pipe must end */
    struct sigaction action = {.sa_handler = on_interrupt};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* a closed output is a write error, not a death */
}

bool interrupt_came(void)
{
    return is_interrupted != 0;
}

static int open_path(const char *path, struct input *input, struct diag_list *diags)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct stat st;

    *input = (struct input){.path = path, .fd = -1};
    input->fd =
        is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (input->fd < 0)
        return diag_add(diags, path, 0, 0, "cannot read: %s", strerror(errno));
    if (fstat(input->fd, &st) < 0)
        return diag_add(diags, path, 0, 0, "cannot look at it: %s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return diag_add(diags, path, 0, 0, "is a folder, expected a file (name the files in it)");
    if (S_ISREG(st.st_mode)) {
        input->size_bytes = st.st_size;
        input->mtime_usec = (int64_t)st.st_mtim.tv_sec * USEC_PER_SEC + st.st_mtim.tv_nsec / 1000;
    } else {
        input->mtime_usec = (int64_t)time(NULL) * USEC_PER_SEC;
    }
    return 0;
}

static int make_rooms(struct input *input, struct setup *setup)
{
    struct normalizer_options options = setup_normalizer_options(setup, input->mtime_usec);
    struct frame_options frame_options = {
        .framing = options.format == FORMAT_AUTO             ? FRAMING_AUTO
                   : options.format == FORMAT_JOURNAL_EXPORT ? FRAMING_JOURNAL_EXPORT
                                                             : FRAMING_LINES,
        .line_limit_bytes = FRAME_LINE_LIMIT_DEFAULT,
    };
    int r = frame_new(&frame_options, &input->frame);

    return r < 0 ? r : normalizer_new(&options, &input->normalizer);
}

int input_set_open(char *const *paths, size_t n_paths, struct setup *setup, struct input_set *ret_set)
{
    struct input_set set = {calloc(n_paths > 0 ? n_paths : 1, sizeof(struct input)), 0};
    int r = 0;

    if (!set.inputs)
        return -ENOMEM;
    for (; set.n_inputs < n_paths; set.n_inputs++)
        r = MIN(r, open_path(paths[set.n_inputs], &set.inputs[set.n_inputs], &setup->diags));
    for (size_t i = 0; r >= 0 && i < n_paths; i++)
        r = make_rooms(&set.inputs[i], setup);
    if (r < 0) {
        input_set_done(&set);
        return r;
    }
    *ret_set = set;
    return 0;
}

int input_set_add_backlog(struct input_set *set, struct backlog *backlog, struct setup *setup)
{
    struct normalizer_options options = setup_normalizer_options(setup, (int64_t)time(NULL) * USEC_PER_SEC);
    size_t n_parts = backlog_n_parts(backlog);
    struct input *inputs = reallocarray(set->inputs, set->n_inputs + n_parts + 1, sizeof(*inputs));
    int r = 0;

    if (!inputs)
        return -ENOMEM;
    set->inputs = inputs;
    for (size_t i = 0; r >= 0 && i < n_parts; i++) {
        struct input *input = &inputs[set->n_inputs++];
        const struct backlog_part *part = backlog_part(backlog, i);

        *input = (struct input){.path = part->name,
                                .fd = -1,
                                .backlog = backlog,
                                .part = i,
                                /* one that is empty has a size, too, or nobody would know the whole */
                                .size_bytes = (int64_t)MAX(part->n, (uint64_t)1)};
        r = normalizer_new(&options, &input->normalizer);
    }
    return r;
}

void input_set_done(struct input_set *set)
{
    for (size_t i = 0; i < set->n_inputs; i++) {
        closep(&set->inputs[i].fd);
        frame_free(set->inputs[i].frame);
        normalizer_free(set->inputs[i].normalizer);
    }
    free(set->inputs);
    *set = (struct input_set){0};
}

struct reading {
    struct input *input;
    event_fn emit;
    void *userdata;
};

static int on_record(void *userdata, const struct record *record)
{
    struct reading *reading = userdata;
    struct record copy = *record;
    int r;

    /* a file somebody names on the command line is vouched for by nobody but its writer: the kernel's records
       in it are as good as the file, text is text */
    if (!reading->input->backlog)
        copy.trust = TRUST_INPUT;
    r = normalizer_feed(reading->input->normalizer, &copy, reading->emit, reading->userdata);
    if (r >= 0 && reading->input->watch)
        reading->input->watch(reading->input->watch_userdata, reading->input, &copy);
    return r;
}

static int read_backlog(struct reading *reading)
{
    struct input *input = reading->input;
    int r = backlog_read(input->backlog, input->part, on_record, reading);

    input->is_at_end = r == 0;
    input->read_bytes =
        r == 0 ? input->size_bytes : (int64_t)backlog_part(input->backlog, input->part)->n_read;
    return r;
}

int input_read(struct input *input, event_fn emit, void *userdata)
{
    static char chunk[CHUNK_BYTES];
    struct reading reading = {input, emit, userdata};
    ssize_t n;
    int r;

    if (input->is_at_end)
        return 0;
    if (input->backlog)
        return read_backlog(&reading);
    n = read(input->fd, chunk, sizeof(chunk));
    if (n < 0 && errno == EINTR)
        return 1;
    if (n < 0)
        return -errno;
    if (n == 0) {
        input->is_at_end = true;
        return frame_finish(input->frame, on_record, &reading);
    }
    input->read_bytes += n;
    r = frame_feed(input->frame, chunk, (size_t)n, on_record, &reading);
    return r < 0 ? r : 1;
}

void input_set_stats(const struct input_set *set, struct normalizer_stats *ret_stats)
{
    struct normalizer_stats sum = {0};

    for (size_t i = 0; i < set->n_inputs; i++) {
        const struct normalizer_stats *s = normalizer_stats(set->inputs[i].normalizer);

        sum.n_records += s->n_records;
        sum.n_empty += s->n_empty;
        sum.n_events += s->n_events;
        sum.n_used += s->n_used;
        sum.n_ignored += s->n_ignored;
        sum.n_unknown += s->n_unknown;
        sum.n_quarantined += s->n_quarantined;
        sum.n_gated += s->n_gated;
        sum.n_duplicates += s->n_duplicates;
        sum.n_late += s->n_late;
        sum.n_orphaned += s->n_orphaned;
        sum.n_incomplete += s->n_incomplete;
        sum.n_evicted += s->n_evicted;
        sum.n_joined += s->n_joined;
        sum.n_unjoined += s->n_unjoined;
        sum.n_rows_lost += s->n_rows_lost;
        if (s->sample[0])
            memcpy(sum.sample, s->sample, sizeof(sum.sample));
    }
    *ret_stats = sum;
}

int64_t input_set_size_bytes(const struct input_set *set)
{
    int64_t size = 0;

    for (size_t i = 0; i < set->n_inputs; i++) {
        if (set->inputs[i].size_bytes == 0)
            return 0;
        size += set->inputs[i].size_bytes;
    }
    return size;
}

int64_t input_set_read_bytes(const struct input_set *set)
{
    int64_t n = 0;

    for (size_t i = 0; i < set->n_inputs; i++)
        n += set->inputs[i].read_bytes;
    return n;
}

void input_set_summary(const struct input_set *set, const char *command)
{
    struct normalizer_stats s;
    uint64_t n_cut = 0, skipped_bytes = 0;

    input_set_stats(set, &s);
    for (size_t i = 0; i < set->n_inputs; i++) {
        uint64_t n, bytes;

        if (!set->inputs[i].frame)
            continue;
        frame_cut(set->inputs[i].frame, &n, &bytes);
        n_cut += n;
        skipped_bytes += bytes;
    }
    (void)fprintf(
        stderr,
        "hapax %s: %" PRIu64 " records: %" PRIu64 " process starts from %" PRIu64 " records, %" PRIu64
        " ignored, %" PRIu64 " unknown, %" PRIu64 " quarantined, %" PRIu64 " empty\n",
        command, s.n_records, s.n_events, s.n_used, s.n_ignored, s.n_unknown, s.n_quarantined, s.n_empty);
    if (s.n_gated > 0)
        (void)fprintf(stderr, "hapax %s: %" PRIu64 " records that no job can want were not read\n", command,
                      s.n_gated);
    if (s.n_incomplete > 0)
        (void)fprintf(stderr, "hapax %s: %" PRIu64 " process starts had records missing\n", command,
                      s.n_incomplete);
    if (s.n_duplicates + s.n_late > 0)
        (void)fprintf(stderr, "hapax %s: of the ignored, %" PRIu64 " came twice and %" PRIu64 " too late\n",
                      command, s.n_duplicates, s.n_late);
    if (s.n_orphaned > 0)
        (void)fprintf(stderr,
                      "hapax %s: of the quarantined, %" PRIu64
                      " have arguments of audit events whose SYSCALL record never came\n",
                      command, s.n_orphaned);
    if (s.n_unjoined > 0)
        (void)fprintf(stderr,
                      "hapax %s: %" PRIu64
                      " lines of sudo's go on with a command that was not waiting for them\n",
                      command, s.n_unjoined);
    if (s.n_rows_lost > 0)
        (void)fprintf(stderr, "hapax %s: %" PRIu64 " rows of records with several were broken, or too many\n",
                      command, s.n_rows_lost);
    if (n_cut > 0)
        (void)fprintf(stderr,
                      "hapax %s: %" PRIu64 " records were longer than the limit, %" PRIu64
                      " bytes of them skipped\n",
                      command, n_cut, skipped_bytes);
    if (s.n_unknown + s.n_quarantined > 0 && s.sample[0])
        (void)fprintf(stderr, "hapax %s: the last one not understood: %s\n", command, s.sample);
}
