/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_LINE_JOIN_H
#define HAPAX_NORMALIZE_LINE_JOIN_H

/* Records that take several lines of a file: sudo's own log as it wraps it, and JSON that is printed to be
 * read. */

#include "event/record.h"
#include "util/buffer.h"
#include "util/cleanup.h"

/* chosen: of one record, as the frame's limit for a line */
#define LINE_JOIN_BYTES_MAX (1024U * 1024)

enum line_join_kind {
    LINE_JOIN_WRAPPED,  /* a line of sudo's log, whole again */
    LINE_JOIN_DOCUMENT, /* a JSON document on one line */
    LINE_JOIN_BROKEN,   /* the beginning of one; what follows it belongs to none */
    LINE_JOIN_PARENS,   /* a bracket around documents; text is the bracket */
};

struct joined_lines {
    enum line_join_kind kind;
    struct slice text;
    enum trust trust;      /* the least of its lines */
    int64_t received_usec; /* of its first line */
    uint64_t n_lines;      /* fed; 0: out of a saved state, or on a line that was counted with another */
    bool is_joined;        /* it takes more than one line */
    bool is_cut;           /* it was longer than LINE_JOIN_BYTES_MAX */
};

/* Receives what is whole; borrowed for the call. 0 or a negative errno, which is forwarded. */
typedef int (*joined_lines_fn)(void *userdata, const struct joined_lines *lines);

/* What is looked for. */
#define LINE_JOIN_WRAPS     1U
#define LINE_JOIN_DOCUMENTS 2U

struct line_join;

int line_join_new(unsigned wants, struct line_join **ret_join) _warn_unused_;
struct line_join *line_join_free(struct line_join *join);
DEFINE_CLEANUP(struct line_join *, line_join_free)

/*
 * Looks at a record before it is read. What it shows to be over is handed over. 1: it is taken, and counts as
 * a line of what is handed over sooner or later; 0: to be read as any record.
 */
int line_join_feed(struct line_join *join, const struct record *record, joined_lines_fn emit,
                   void *userdata) _warn_unused_;

/* As normalizer_advance, normalizer_deadline_usec and normalizer_flush. */
int line_join_advance(struct line_join *join, int64_t now_usec, joined_lines_fn emit,
                      void *userdata) _warn_unused_;
int64_t line_join_deadline_usec(const struct line_join *join);
int line_join_flush(struct line_join *join, joined_lines_fn emit, void *userdata) _warn_unused_;
bool line_join_is_held(const struct line_join *join);

/* Appends to out; takes its bytes off the front of *bytes, -EBADMSG on what it did not write. */
int line_join_save(const struct line_join *join, struct buffer *out) _warn_unused_;
int line_join_load(struct line_join *join, struct slice *bytes) _warn_unused_;

/*
 * Takes a line of sudo's own log apart: "Mmm dd hh:mm:ss[ YYYY] : REST". The time is spelled with the year
 * behind the day, in time (which has room for 24 bytes). false: it is none.
 */
bool sudo_file_line_split(struct slice line, char *time, struct slice *ret_time, struct slice *ret_rest);

#endif
