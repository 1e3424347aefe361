/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_AUDIT_EVENT_H
#define HAPAX_NORMALIZE_AUDIT_EVENT_H

/*
 * What the records of one kernel event say, as far as a process start needs it: filled record by record in
 * any order, then made an event. Knows nothing of other events, of time limits or of order: that is the
 * assembler's (audit.c).
 */

#include "event/event.h"
#include "normalize/uid_map.h"
#include "util/arena.h"

/* The records that matter; kernel include/uapi/linux/audit.h. */
enum audit_type {
    AUDIT_TYPE_OTHER,
    AUDIT_TYPE_SYSCALL,
    AUDIT_TYPE_EXECVE,
    AUDIT_TYPE_CWD,
    AUDIT_TYPE_PATH,
    AUDIT_TYPE_PROCTITLE,
    AUDIT_TYPE_EOE,
};

/* "SYSCALL", "1300", "UNKNOWN[1300]" */
enum audit_type audit_type_from_name(struct slice name);

enum audit_is_exec {
    AUDIT_EXEC_UNKNOWN, /* no SYSCALL yet, or an architecture we do not know: an EXECVE record decides */
    AUDIT_EXEC_YES,
    AUDIT_EXEC_NO,
};

struct audit_piece; /* an argument, or a part of one */

struct audit_parts {
    struct arena arena; /* of everything below */
    bool has_syscall, has_execve, has_cwd, has_proctitle;
    bool is_damaged; /* some record's quote was not closed, or it lied about a length */
    enum audit_is_exec is_exec;
    struct slice success, tty, comm, exe, key, cwd, proctitle;
    struct slice auid, uid, euid, ses;           /* as written */
    struct slice auid_name, uid_name, euid_name; /* of the enrichment */
    int64_t pid, parent_pid, n_items;
    int64_t argc;         /* -1: no EXECVE with it yet */
    uint32_t n_arguments; /* whole ones that came */
    uint64_t path_items;  /* bit per item= seen, for items below 64 */
    int64_t n_paths;
    struct audit_piece *pieces;
    size_t n_pieces, pieces_size;
    unsigned char *seen; /* bit per argument index that came */
};

void audit_parts_init(struct audit_parts *parts);
void audit_parts_done(struct audit_parts *parts);

enum audit_add {
    AUDIT_ADDED,
    AUDIT_DUPLICATE, /* it says nothing that an earlier record has not said */
};

/* Reads a record's body (copied) into parts. An enum audit_add, or -ENOMEM. */
int audit_parts_add(struct audit_parts *parts, enum audit_type type, struct slice body) _warn_unused_;

/* Whether everything a process start prints is there: SYSCALL, every argument, CWD and as many PATHs as
 * announced. */
bool audit_parts_is_complete(const struct audit_parts *parts);

/* Whether all arguments are there, or, of a failed call, may well never come. */
bool audit_parts_has_arguments(const struct audit_parts *parts);

/* Fills everything of ret_event that the records say; borrows from parts. 0 or -ENOMEM. */
int audit_parts_to_event(struct audit_parts *parts, const struct uid_map *uid_map,
                         struct event *ret_event) _warn_unused_;

#endif
