/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_INPUT_H
#define HAPAX_CLI_INPUT_H

/* The files a command reads: opened all before anything is printed, read through a frame and a normalizer
 * each. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "frame/frame.h"
#include "normalize/normalizer.h"
#include "util/diag.h"

struct backlog;
struct setup;

struct input {
    const char *path; /* as given; "-" is standard input */
    int fd;
    int64_t mtime_usec; /* of standard input: now */
    int64_t size_bytes; /* 0: unknown (a pipe); of a part of a backlog: messages */
    int64_t read_bytes;
    struct backlog *backlog; /* read instead of fd: its part number `part`; borrowed */
    size_t part;
    bool is_at_end; /* the frame is finished, too */
    struct frame *frame;
    struct normalizer *normalizer;
    /* Called behind each record, once its events are handed over (may be NULL). */
    void (*watch)(void *userdata, const struct input *input, const struct record *record);
    void *watch_userdata;
};

struct input_set {
    struct input *inputs;
    size_t n_inputs;
};

/*
 * Opens every path; each that is missing, unreadable or a folder is a problem in diags (-EINVAL). Then makes
 * frames and normalizers.
 */
int input_set_open(char *const *paths, size_t n_paths, struct setup *setup, struct input_set *ret_set)
    __attribute__((warn_unused_result));
/* Adds each part of the backlog, which must outlive the set. */
int input_set_add_backlog(struct input_set *set, struct backlog *backlog, struct setup *setup)
    __attribute__((warn_unused_result));
void input_set_done(struct input_set *set);

/*
 * Reads one chunk and hands the events it completes to emit. 0 at the end of input (is_at_end is set; pending
 * events stay pending), 1 if there may be more, a negative errno (a read error, or emit's).
 */
int input_read(struct input *input, event_fn emit, void *userdata) __attribute__((warn_unused_result));

/* Sums of all inputs' counters. */
void input_set_stats(const struct input_set *set, struct normalizer_stats *ret_stats);
int64_t input_set_size_bytes(const struct input_set *set);
int64_t input_set_read_bytes(const struct input_set *set);

/* What came in and what became of it, one paragraph for stderr. */
void input_set_summary(const struct input_set *set, const char *command);

/* SIGINT and SIGTERM ask for a clean end: true once one came. */
void interrupt_catch(void);
bool interrupt_came(void);

#endif
