/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory stays under its limit whatever comes: the readers' corpora (argv: folders), cut, joined, repeated
 * and damaged by a seeded hand into one long stream, go through frame and normalizer, which is not flushed
 * before the end. Serials in the stream are replaced all the time, so that events are begun and never
 * finished, and pile up as far as the limits let them. What the allocator holds is looked at as the stream
 * goes by and must stay below HELD_LIMIT_BYTES over what it was before the first byte; in the second half of
 * the stream it must not grow by more than a tenth of that over the first half's peak: a slow leak shows
 * there first.
 *
 * Under ASan its allocator is asked, without it glibc's.
 */
#include <dirent.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "frame/frame.h"
#include "normalize/audit_lane.h"
#include "normalize/normalizer.h"
#include "util/buffer.h"

/* chosen: three seconds without, half a minute with ASan */
#define STREAM_BYTES ((size_t)160 << 20)
/* Contents of pending events, twice for what allocating rounds up and doubles; a cut entry of the frame, the
 * same; and the tables of nodes, finished ids and spare events (chosen: 16 MiB). */
#define HELD_LIMIT_BYTES                                                                                     \
    (2 * (size_t)AUDIT_MAX_PENDING_BYTES + 2 * (size_t)FRAME_ENTRY_LIMIT_DEFAULT + ((size_t)16 << 20))
#define MAX_FILES 512U

/* sanitizer/allocator_interface.h, which gcc does not always install */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

struct corpus {
    struct buffer files[MAX_FILES];
    size_t n;
};

static void must(int r)
{
    if (r < 0)
        abort();
}

static size_t held_bytes(void)
{
    struct mallinfo2 info;

    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* xorshift32, Marsaglia 2003 */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static int compare_files(const void *a, const void *b)
{
    return slice_compare(buffer_slice(a), buffer_slice(b));
}

static void read_folder(const char *folder, struct corpus *corpus)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;

    while (directory && corpus->n < MAX_FILES && (entry = readdir(directory))) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(fclosep) FILE *file = NULL;
        char chunk[4096];
        size_t n;

        if (entry->d_name[0] == '.' || asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
            continue;
        file = fopen(path, "re");
        if (!file)
            continue;
        while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
            must(buffer_append(&corpus->files[corpus->n], chunk, n));
        corpus->n += corpus->files[corpus->n].len > 0;
    }
    if (directory)
        (void)closedir(directory);
}

/* A piece of the stream: a file or its head, with some bytes changed and its serials made others. */
static void make_piece(const struct corpus *corpus, uint32_t *seed, struct buffer *out)
{
    struct slice file = buffer_slice(&corpus->files[next_random(seed) % corpus->n]);
    unsigned n_damages = next_random(seed) % 4;
    bool has_own_serial = next_random(seed) % 4 != 0;

    if (next_random(seed) % 4 == 0)
        file = slice_head(file, next_random(seed) % file.len);
    buffer_clear(out);
    while (file.len > 0) {
        size_t at = slice_find_slice(file, SLICE("msg=audit("));
        size_t end = at < file.len ? at + slice_find(slice_skip(file, at), ':') : file.len;

        end = MIN(end, file.len);
        must(buffer_append_slice(out, slice_head(file, end)));
        file = slice_skip(file, end);
        if (file.len > 0 && has_own_serial) {
            must(buffer_append_format(out, ":%u", next_random(seed) % 1000000));
            file = slice_skip(file, 1);
            while (file.len > 0 && file.data[0] >= '0' && file.data[0] <= '9')
                file = slice_skip(file, 1);
        } else if (file.len > 0) {
            must(buffer_append_char(out, ':'));
            file = slice_skip(file, 1);
        }
    }
    for (unsigned i = 0; i < n_damages && out->len > 0; i++)
        out->data[next_random(seed) % out->len] = (char)next_random(seed);
    if (next_random(seed) % 8 != 0)
        must(buffer_append_char(out, '\n'));
}

static int on_event(void *userdata, const struct event *event)
{
    (void)event;
    ++*(uint64_t *)userdata;
    return 0;
}

struct reader {
    struct normalizer *normalizer;
    uint64_t n_events;
    uint32_t n_records;
};

static int on_record(void *userdata, const struct record *record)
{
    struct reader *reader = userdata;
    struct record trusted = *record;

    trusted.trust = reader->n_records++ % 2 ? TRUST_INPUT : TRUST_LOW;
    return normalizer_feed(reader->normalizer, &trusted, on_event, &reader->n_events);
}

/* One stream in one format; 0, or 1 where too much was held. */
static int run(const struct corpus *corpus, const struct rulebase *rulebase, enum format format,
               uint32_t seed, size_t n_bytes)
{
    const struct normalizer_options options = {
        .format = format, .rulebase = rulebase, .year = 2026, .kinds = ~0U, .host = SLICE("here")};
    const struct frame_options frame_options = {FRAMING_AUTO, FRAME_LINE_LIMIT_DEFAULT};
    _cleanup_(normalizer_freep) struct normalizer *normalizer = NULL;
    _cleanup_(frame_freep) struct frame *frame = NULL;
    _cleanup_(buffer_done) struct buffer piece = BUFFER_INIT;
    size_t before, first_peak = 0, peak = 0;
    struct reader reader;

    must(normalizer_new(&options, &normalizer));
    must(frame_new(&frame_options, &frame));
    reader = (struct reader){normalizer, 0, 0};
    before = held_bytes();
    for (size_t fed = 0; fed < n_bytes; fed += piece.len + 1) {
        size_t held;

        make_piece(corpus, &seed, &piece);
        must(frame_feed(frame, piece.data, piece.len, on_record, &reader));
        held = held_bytes();
        peak = MAX(peak, held > before ? held - before : 0);
        if (fed < n_bytes / 2)
            first_peak = peak;
    }
    printf(
        "%s: %u records, %llu events, at most %zu KiB held, %zu in the first half, %zu pending at the end\n",
        format_names[format], reader.n_records, (unsigned long long)reader.n_events, peak / 1024,
        first_peak / 1024, normalizer_n_pending(normalizer));
    must(frame_finish(frame, on_record, &reader));
    must(normalizer_flush(normalizer, on_event, &reader.n_events));
    return peak > HELD_LIMIT_BYTES || peak > first_peak + HELD_LIMIT_BYTES / 10;
}

int main(int argc, char **argv)
{
    static struct corpus corpus;
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    struct diag_list diags = DIAG_LIST_INIT;
    struct rulebase *rulebase = NULL;
    char path[4096];
    int r = 0;

    (void)snprintf(path, sizeof(path), "%s/rulebase", root ? root : ".");
    if (rulebase_load(path, &diags, &rulebase) < 0) {
        diag_print(&diags, stderr, "growth: ");
        return EXIT_FAILURE;
    }
    for (int i = 1; i < argc; i++)
        read_folder(argv[i], &corpus);
    if (corpus.n == 0)
        return EXIT_FAILURE;
    /* the stream is the same wherever the folders are read in another order */
    qsort(corpus.files, corpus.n, sizeof(*corpus.files), compare_files);
    for (enum format format = FORMAT_AUTO; format <= FORMAT_JSON; format++)
        r |= run(&corpus, rulebase, format, 20260105 + format, STREAM_BYTES / 4);
    for (size_t i = 0; i < corpus.n; i++)
        buffer_done(&corpus.files[i]);
    rulebase_free(rulebase);
    return r > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
