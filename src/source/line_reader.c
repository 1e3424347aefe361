/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A chunk is read at once and fed to the frame line by line, because pressure must stop the stream after one
 * record, not after the thousands a chunk may hold: after each line the source is asked whether it was
 * paused, and the rest of the chunk waits. The additional search for a line end costs a tenth of what the
 * frame does. Memory: one chunk, and what the frame holds of one unfinished line or entry, within its limit.
 */
#include "source/line_reader.h"

#include <assert.h>
#include <errno.h>

int line_reader_init(struct line_reader *reader, struct source *source, enum framing framing,
                     uint64_t line_limit_bytes, enum trust trust)
{
    *reader = (struct line_reader){
        .source = source,
        .options = {.framing = framing, .line_limit_bytes = line_limit_bytes},
        .trust = trust,
    };
    reader->chunk = malloc(LINE_READER_CHUNK_BYTES);
    if (!reader->chunk)
        return -ENOMEM;
    return frame_new(&reader->options, &reader->frame);
}

void line_reader_done(struct line_reader *reader)
{
    frame_free(reader->frame);
    free(reader->chunk);
    *reader = (struct line_reader){0};
}

int line_reader_restart(struct line_reader *reader)
{
    struct frame *frame = NULL;
    int r;

    r = frame_new(&reader->options, &frame);
    if (r < 0)
        return r;
    frame_free(reader->frame);
    reader->frame = frame;
    reader->start = reader->end = 0;
    reader->has_record_of_line = false;
    return 0;
}

ssize_t line_reader_read(struct line_reader *reader, int fd, off_t offset)
{
    ssize_t n;

    assert(line_reader_is_empty(reader));

    n = offset < 0 ? read(fd, reader->chunk, LINE_READER_CHUNK_BYTES)
                   : pread(fd, reader->chunk, LINE_READER_CHUNK_BYTES, offset);
    if (n < 0)
        return -errno;
    reader->start = 0;
    reader->end = (size_t)n;
    return n;
}

static int emit(void *userdata, const struct record *framed)
{
    struct line_reader *reader = userdata;
    struct record record = *framed;

    reader->has_record_of_line = true;
    record.trust = reader->trust;
    if (reader->take) {
        int r = reader->take(reader->source, &record);

        if (r != 0)
            return MIN(r, 0);
    }
    return source_emit(reader->source, &record);
}

int line_reader_feed(struct line_reader *reader)
{
    while (reader->start < reader->end) {
        struct slice rest = slice_new(reader->chunk + reader->start, reader->end - reader->start);
        size_t at = slice_find(rest, '\n');
        struct slice line = slice_head(rest, at + 1);
        int r;

        if (reader->source->is_paused && !reader->is_never_paused)
            return 1;
        /* before the frame sees it: what it emits may ask for the place behind it */
        reader->start += line.len;
        r = frame_feed(reader->frame, line.data, line.len, emit, reader);
        if (r < 0)
            return r;
        if (at == rest.len)
            continue;
        if (reader->is_record_per_line && !reader->has_record_of_line) {
            struct record record = {.kind = RECORD_LINE, .bytes = SLICE("")};

            r = emit(reader, &record);
            if (r < 0)
                return r;
        }
        reader->has_record_of_line = false;
    }
    return 0;
}

int line_reader_finish(struct line_reader *reader)
{
    return frame_finish(reader->frame, emit, reader);
}

uint64_t line_reader_offset(const struct line_reader *reader)
{
    return frame_offset_bytes(reader->frame);
}
