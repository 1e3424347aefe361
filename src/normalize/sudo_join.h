/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_SUDO_JOIN_H
#define HAPAX_NORMALIZE_SUDO_JOIN_H

/* Commands that sudo logs in several messages, "USER : (command continued) …", put together again. */

#include "event/record.h"
#include "normalize/text.h"
#include "util/buffer.h"
#include "util/cleanup.h"

/* chosen: 62 KiB of a command; the kernel takes 2 MiB, but sudo logs a line of that only where it is an
 * attack */
#define SUDO_JOIN_PARTS_MAX 64U
/* chosen: so many sudo commands, each longer than half a message, do not run at once within two seconds */
#define SUDO_JOIN_HELD_MAX 64U
/* chosen: in all; of the least trust, the oldest is handed over first */
#define SUDO_JOIN_BYTES_MAX (1024U * 1024)

/* A message of sudo's and what is known of it; borrowed for the call. */
struct sudo_message {
    struct text_line line; /* program is "sudo", has_time is set */
    enum trust trust;
    struct slice unit;
    int64_t received_usec; /* 0: nobody looked at a clock */
};

/* A command that waits no longer. */
struct sudo_command {
    struct sudo_message message; /* line.message is the whole text, as sudo would have written it in one */
    struct slice first;          /* its first part, as it came */
    unsigned n_parts;
    uint64_t n_fed;   /* of them; the others came out of a saved state */
    bool is_cut;      /* it went on with what was not joined */
    bool is_doubtful; /* joined where sudo would have cut only with a limit lower than any it comes with */
};

/* Receives a command; borrowed for the call. 0 or a negative errno, which is forwarded. */
typedef int (*sudo_command_fn)(void *userdata, const struct sudo_command *command);

enum sudo_join_outcome {
    SUDO_JOIN_OTHER,   /* no continuation: to be read as any message */
    SUDO_JOIN_TAKEN,   /* it is part of a command that is held */
    SUDO_JOIN_REFUSED, /* a continuation of nothing that is held, or one that cannot be the next part */
};

struct sudo_join;

int sudo_join_new(struct sudo_join **ret_join) _warn_unused_;
struct sudo_join *sudo_join_free(struct sudo_join *join);
DEFINE_CLEANUP(struct sudo_join *, sudo_join_free)

/*
 * Looks at a message of sudo's before it is read. Commands that it shows to be over are handed over. Returns
 * an enum sudo_join_outcome, or a negative errno.
 */
int sudo_join_feed(struct sudo_join *join, const struct sudo_message *message, sudo_command_fn emit,
                   void *userdata) _warn_unused_;

/*
 * sudo's message in the form that all languages but a few have, "USER : …", in the arena where it must be
 * changed: Danish, Finnish and Esperanto have no blank before the colon, simplified Chinese has a colon of
 * its own. 0 or -ENOMEM.
 */
int sudo_message_translate(struct slice *message, struct arena *arena) _warn_unused_;

/* Whether a message with a command (or the beginning of one, before COMMAND=) may go on in another. */
bool sudo_join_may_go_on(struct slice text);

/*
 * Keeps a message that sudo_join_feed called SUDO_JOIN_OTHER; the oldest ones are handed over where there are
 * too many.
 */
int sudo_join_hold(struct sudo_join *join, const struct sudo_message *message, sudo_command_fn emit,
                   void *userdata) _warn_unused_;

/* Hands over what is over by the time of any message of that host, at once or after a minute on others. */
int sudo_join_expire(struct sudo_join *join, const struct text_line *line, sudo_command_fn emit,
                     void *userdata) _warn_unused_;

/* As normalizer_advance, normalizer_deadline_usec, normalizer_flush, normalizer_pending_usec. */
int sudo_join_advance(struct sudo_join *join, int64_t now_usec, sudo_command_fn emit,
                      void *userdata) _warn_unused_;
int64_t sudo_join_deadline_usec(const struct sudo_join *join);
int sudo_join_flush(struct sudo_join *join, sudo_command_fn emit, void *userdata) _warn_unused_;
int64_t sudo_join_pending_usec(const struct sudo_join *join);
size_t sudo_join_n_held(const struct sudo_join *join);

/*
 * Reads a command with the rules for messages: who ran what where comes from its first part, the others add
 * arguments. Where COMMAND= itself came later, the event is ambiguous. Returns an enum text_outcome; slices
 * are borrowed from the command or stand in the arena.
 */
int sudo_command_read(const struct sudo_command *command, const struct rulebase *rulebase,
                      const struct uid_map *uid_map, struct arena *arena,
                      struct event *ret_event) _warn_unused_;

/* Appends to out; takes its bytes off the front of *bytes, -EBADMSG on what it did not write. */
int sudo_join_save(const struct sudo_join *join, struct buffer *out) _warn_unused_;
int sudo_join_load(struct sudo_join *join, struct slice *bytes) _warn_unused_;

/*
 * Whether a line that nobody wants by its words may matter here: it may be the beginning of a command, and so
 * decide whose the next continuation is.
 */
bool sudo_join_may_matter(struct slice line);

#endif
