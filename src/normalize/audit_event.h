/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_AUDIT_EVENT_H
#define HAPAX_NORMALIZE_AUDIT_EVENT_H

/*
 * One kernel event while its records come in: takes record bodies in any order, says what is missing, and
 * becomes a struct event. Which event a record belongs to, and when one is over, is the assembler's business.
 */

#include "event/event.h"
#include "normalize/uid_map.h"
#include "util/buffer.h"

/* The records a process start is made of, as bits. 0 is every other type. */
enum audit_kind {
    AUDIT_SYSCALL = 1 << 0,
    AUDIT_EXECVE = 1 << 1,
    AUDIT_CWD = 1 << 2,
    AUDIT_PATH = 1 << 3,
    AUDIT_PROCTITLE = 1 << 4,
    AUDIT_EOE = 1 << 5,
};
#define AUDIT_KINDS_ALL 0x3fU
/* Of an id that is over: a session or account event was handed over for it (audit_session.h). */
#define AUDIT_CONTEXT 0x40U

/* "SYSCALL", "1300", "UNKNOWN[1300]": all the same. */
unsigned audit_kind_from_type(struct slice type);

/* chosen: a command line of more arguments is xargs at work; kernels allow some hundred thousand */
#define AUDIT_MAX_ARGS 65536U
/* an argument of 2 MiB (MAX_ARG_STRLEN with 64 KiB pages) in hexadecimal takes 560 records of 7500 bytes */
#define AUDIT_MAX_FRAGMENTS 1024U

/* A run of bytes in the text of an event, which moves as it grows. len AUDIT_SPAN_ABSENT: no value. */
struct audit_span {
    uint32_t at, len;
};
#define AUDIT_SPAN_ABSENT UINT32_MAX
#define AUDIT_SPAN_SPLIT  (UINT32_MAX - 1) /* of an argument: at is the index into splits */

/* An argument that came in pieces: aN_len=… aN[0]=… aN[1]=… */
struct audit_split {
    bool has_len;
    uint64_t declared_len; /* aN_len */
    uint64_t bare_len;     /* of the fragments, as they stood in the record */
    uint32_t n_fragments;  /* entries of fragments; absent ones are holes */
    struct audit_span *fragments;
    bool is_complete; /* derived from the above, as are */
    uint32_t n_present;
    uint64_t decoded_len;
};

enum audit_number {
    AUDIT_NUMBER_ARCH,
    AUDIT_NUMBER_SYSCALL,
    AUDIT_NUMBER_ITEMS,
    AUDIT_NUMBER_PPID,
    AUDIT_NUMBER_PID,
    AUDIT_NUMBER_AUID,
    AUDIT_NUMBER_UID,
    AUDIT_NUMBER_EUID,
    AUDIT_NUMBER_SES,
    AUDIT_NUMBER_GID,
    AUDIT_NUMBER_EXIT, /* two's complement */
    AUDIT_NUMBER_HALF, /* which argument AUDIT_TEXT_HALF is of */
    AUDIT_N_NUMBERS,
};

enum audit_text {
    AUDIT_TEXT_SUCCESS,
    AUDIT_TEXT_TTY,
    AUDIT_TEXT_COMM,
    AUDIT_TEXT_EXE,
    AUDIT_TEXT_KEY,
    AUDIT_TEXT_AUID_NAME,
    AUDIT_TEXT_UID_NAME,
    AUDIT_TEXT_EUID_NAME,
    AUDIT_TEXT_SYSCALL_NAME,
    AUDIT_TEXT_CWD,
    AUDIT_TEXT_PROCTITLE,
    AUDIT_TEXT_NODE,
    AUDIT_TEXT_HOST,
    AUDIT_TEXT_UNIT,
    AUDIT_TEXT_HALF, /* an argument whose line was cut: stands in for it unless it comes whole */
    AUDIT_N_TEXTS,
};

/* Zeroed, then audit_event_reset; released with audit_event_done. */
struct audit_event {
    int64_t time_usec;
    uint64_t serial;
    enum trust trust; /* the least of its records' */

    unsigned kinds;       /* of the records that came */
    uint32_t has_numbers; /* bit per enum audit_number */
    uint32_t numbers[AUDIT_N_NUMBERS];
    struct audit_span texts[AUDIT_N_TEXTS];
    struct buffer text;

    uint64_t paths; /* bit per item= below 64 */
    uint32_t n_paths_beyond;

    bool has_argc;
    bool is_cut; /* arguments beyond a limit were left out */
    uint64_t argc;
    uint32_t n_args; /* highest index seen, plus one */
    struct audit_span *args;
    uint32_t n_splits;
    struct audit_split *splits;
    uint32_t args_size, splits_size; /* allocated entries */
    uint32_t n_args_complete;        /* derived from the above, as is */
    size_t arg_bytes;                /* what arguments cost, for the limit */
};

/* Empty again; keeps a usual amount of memory for the next. */
void audit_event_reset(struct audit_event *e);
void audit_event_done(struct audit_event *e);

/* What it holds, for the assembler's limit: by contents, not by allocation, so that a loaded one counts the
 * same. */
size_t audit_event_bytes(const struct audit_event *e);

/* Copies a text that came with the record, not in its body, unless there is one. 0 or -ENOMEM. */
int audit_event_set_text(struct audit_event *e, enum audit_text which, struct slice value) _warn_unused_;
struct slice audit_event_text(const struct audit_event *e, enum audit_text which);

enum audit_take {
    AUDIT_TAKEN,
    AUDIT_TAKEN_BROKEN, /* cut, or makes no sense: what could be read was taken */
    AUDIT_DUPLICATE,    /* nothing in it was new */
};

/* Takes the body of a record of one kind. An enum audit_take, or -ENOMEM. Linear in the body. */
int audit_event_take(struct audit_event *e, unsigned kind, struct slice body) _warn_unused_;

enum audit_exec {
    AUDIT_EXEC_NO,    /* SYSCALL is there and another system call */
    AUDIT_EXEC_YES,   /* SYSCALL is there and an execve or execveat */
    AUDIT_EXEC_MAYBE, /* no SYSCALL yet, or of an architecture we do not know without an EXECVE */
};
enum audit_exec audit_event_exec(const struct audit_event *e);
/* The same from the texts of arch= and syscall= alone: AUDIT_EXEC_MAYBE where they do not tell. */
enum audit_exec audit_exec_from_fields(struct slice arch, struct slice number);

/* What the event's process is called: comm, else the base name of exe; absent where neither is there. */
struct slice audit_event_process_name(const struct audit_event *e);

/* Whether every argument that argc announced is there. */
bool audit_event_has_args(const struct audit_event *e);
bool audit_event_is_failure(const struct audit_event *e);

/* The kinds among EXECVE, CWD, PATH that a process start should have and that did not come, or not whole. */
unsigned audit_event_missing(const struct audit_event *e);

/*
 * The process start. Borrows from e, arena, uid_map and host (host.name where the records name none). emitted
 * is a literal. 0 or -ENOMEM.
 */
int audit_event_build(const struct audit_event *e, const struct uid_map *uid_map, struct slice host,
                      struct slice emitted, struct arena *arena, struct event *ret_event) _warn_unused_;

/* Sets what is derived: after loading. */
void audit_event_recount(struct audit_event *e);

/* As bytes, and back into a reset one; -EBADMSG on what audit_event_save did not write. */
int audit_event_save(const struct audit_event *e, struct buffer *out) _warn_unused_;
int audit_event_load(struct audit_event *e, struct slice *bytes) _warn_unused_;

#endif
