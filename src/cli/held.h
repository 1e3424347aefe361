/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_HELD_H
#define HAPAX_CLI_HELD_H

/*
 * Events of one file that are known, but whose turn has not come: one that began before is still being put
 * together. Zero-initialise and release with held_done.
 */

#include "event/event.h"
#include "util/arena.h"
#include "util/buffer.h"

struct held_event {
    int64_t time_usec;
    uint64_t number; /* in order of arrival */
    char *bytes;     /* of event_save */
    size_t len;
};

struct held {
    struct held_event *heap; /* the oldest first; ties: what came first */
    size_t n, size;
    size_t n_bytes;
    uint64_t next_number;
};

void held_done(struct held *h);

/* Keeps a copy. 0 or -ENOMEM. */
int held_add(struct held *h, const struct event *event) _warn_unused_;

/* Time of the oldest, INT64_MAX where there is none. */
int64_t held_first_usec(const struct held *h);

/* Whether there are too many to hold the oldest any longer. */
bool held_is_full(const struct held *h);

/* Takes the oldest out: there is one. Its strings are *ret_bytes', which the caller frees, and the arena's.
 * 0, -ENOMEM or -EBADMSG. */
int held_pop(struct held *h, struct arena *arena, char **ret_bytes, struct event *ret_event) _warn_unused_;

/* As bytes, and back into an empty one; -EBADMSG on what held_save did not write. */
int held_save(const struct held *h, struct buffer *out) _warn_unused_;
int held_load(struct held *h, struct slice bytes) _warn_unused_;

#endif
