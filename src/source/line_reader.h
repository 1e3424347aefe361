/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_LINE_READER_H
#define HAPAX_SOURCE_LINE_READER_H

/* From a descriptor's bytes to a source's records, stopping where the source is paused. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "frame/frame.h"
#include "source/driver.h"

/* chosen: four times a pipe's 64 KiB (pipe(7)); a turn of the loop over it takes about a millisecond */
#define LINE_READER_CHUNK_BYTES (256U << 10)

struct line_reader {
    struct source *source;
    struct frame_options options;
    enum trust trust;
    bool is_record_per_line; /* also an empty line is a record: a peer counts the answers */
    bool is_never_paused;    /* goes on while the source is paused: what it reads is taken below */
    /* Asked about each record before it is handed over: 0 go on, 1 it was taken. NULL: nobody is. */
    int (*take)(struct source *source, struct record *record);
    struct frame *frame;
    char *chunk;
    size_t start, end;       /* of the chunk's bytes not yet fed */
    bool has_record_of_line; /* since the last line end */
};

int line_reader_init(struct line_reader *reader, struct source *source, enum framing framing,
                     uint64_t line_limit_bytes, enum trust trust) _warn_unused_;
void line_reader_done(struct line_reader *reader);

/* Forgets what is not handed over yet: the next bytes are those of another file or place. */
int line_reader_restart(struct line_reader *reader) _warn_unused_;

/* Reads once into the empty chunk, at offset, or wherever fd stands (offset -1). Bytes; 0: the end; -errno.
 */
ssize_t line_reader_read(struct line_reader *reader, int fd, off_t offset) _warn_unused_;

/* Hands over what was read. 0: all of it; 1: the source was paused first, call again when it goes on. */
int line_reader_feed(struct line_reader *reader) _warn_unused_;

/* The end of the bytes: an unfinished line comes out. */
int line_reader_finish(struct line_reader *reader) _warn_unused_;

static inline bool line_reader_is_empty(const struct line_reader *reader)
{
    return reader->start == reader->end;
}

/* Bytes since init or restart that are part of records handed over. */
uint64_t line_reader_offset(const struct line_reader *reader);

#endif
