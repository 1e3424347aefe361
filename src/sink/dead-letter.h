/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SINK_DEAD_LETTER_H
#define HAPAX_SINK_DEAD_LETTER_H

/* What becomes of a document that its destination refuses for ever: one JSON object that says why, and holds
 * it. */

#include <stdbool.h>
#include <stdint.h>

#include "util/buffer.h"
#include "util/slice.h"

struct dead_letter {
    const char *sink;  /* the configuration's name */
    const char *topic; /* that refused it */
    const char *error; /* a short name of the reason */
    const char *reason;
    struct slice id, key, document;
    int64_t time_usec; /* since the epoch */
};

/*
 * Appends the letter without a line end. with_document: the document as it is, as a JSON object, or as a
 * string where it is no line of JSON; otherwise only its size. 0 or -ENOMEM.
 */
int dead_letter_format(const struct dead_letter *letter, bool with_document, struct buffer *b) _warn_unused_;

/* A file of such lines. Zero-initialise but for path (borrowed) and fd (-1). */
struct dead_letter_file {
    const char *path;
    int fd;
};

/* Opens or creates it (0640, less the umask). Opening again is for a file that was renamed: the old one stays
 * where the new one cannot be had. */
int dead_letter_file_open(struct dead_letter_file *file) _warn_unused_;

/* One line, on disk when this returns. A line that failed in the middle is cut off again. */
int dead_letter_file_append(struct dead_letter_file *file, const struct dead_letter *letter) _warn_unused_;
void dead_letter_file_close(struct dead_letter_file *file);

#endif
