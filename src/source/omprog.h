/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_OMPROG_H
#define HAPAX_SOURCE_OMPROG_H

/* Who calls it: the stdin source, where its peer is rsyslog's omprog. The answers to what was read, in order.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "source/driver.h"
#include "util/buffer.h"

struct omprog {
    struct source *source;
    sd_event_source *writable; /* waits until the pipe takes an answer; NULL: it is a file, which does */
    sd_event_source *watch;    /* looks whether an answer takes long */
    int fd;                    /* answers go here; -1: nobody waits for any */
    bool has_transactions, is_in_transaction;
    bool is_broken;       /* nobody reads the answers any more */
    bool is_watching;     /* the watch is armed */
    bool is_refusing;     /* every message is answered with an error, unread */
    struct buffer owed;   /* one letter an answer, in the order of the messages */
    size_t head;          /* of the letters: the first not written */
    uint64_t head_seq;    /* sequence number of the first message among them */
    uint64_t acked_seq;   /* up to here everything is durable */
    uint64_t watched_seq; /* head_seq when the watch was last here */
    unsigned n_ticks_paused, n_dots;
    size_t room_bytes; /* the pipe takes so many without blocking: see write_text */
    uint64_t n_refused;
    int (*resume)(struct source *source); /* reading may go on, or has to */
};

/*
 * Moves standard output away to where only answers are written, and says OK. resume is called from the loop.
 * What a user can mend goes to diags.
 */
int omprog_start(struct omprog *o, struct source *source, sd_event *event, bool has_transactions,
                 int (*resume)(struct source *source), struct diag_list *diags) _warn_unused_;
/* Takes a zeroed one, too. */
void omprog_done(struct omprog *o);

/* Before a message is handed over. 0: go on, it may have been changed; 1: it is none, it was answered. */
int omprog_take(struct omprog *o, struct record *record) _warn_unused_;

/* Everything up to seq is durable: writes the answers that this allows. */
int omprog_acknowledge(struct omprog *o, uint64_t seq) _warn_unused_;

/* After reading, and after the source was paused or goes on: from now on an answer may take long. */
int omprog_wait(struct omprog *o) _warn_unused_;

/* Some answer is not written. */
bool omprog_owes(const struct omprog *o);

/* So many answers wait to be written that nothing more is to be read. */
bool omprog_is_full(const struct omprog *o);

#endif
