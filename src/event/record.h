/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_EVENT_RECORD_H
#define HAPAX_EVENT_RECORD_H

/*
 * The front door: what a source hands to normalize. Borrowed for the duration of the call: whoever keeps
 * something of a record copies it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

enum record_kind {
    RECORD_LINE,    /* bytes: one line of text without its line end */
    RECORD_JOURNAL, /* fields: one journal entry; bytes is unused */
};

/* How far a record can be believed, in ascending order. */
enum trust {
    TRUST_LOW,     /* text anyone on the host (or the network) can write: plain syslog */
    TRUST_INPUT,   /* the operator dedicates the input to one writer: a file of auditd's, auditd's plugin pipe
                    */
    TRUST_JOURNAL, /* journald vouches for the writer by its trusted (underscore) fields, and the writer fits
                    */
    TRUST_KERNEL,  /* the kernel's audit transport */
};

struct record_field {
    struct slice name;  /* "MESSAGE", "_TRANSPORT" */
    struct slice value; /* may hold any byte */
};

struct record {
    enum record_kind kind;
    enum trust trust; /* of the input as such; normalize lowers or raises it by what it sees */
    struct slice bytes;
    const struct record_field *fields;
    size_t n_fields;
    uint64_t seq;          /* position in its source, ascending from 1 */
    int64_t received_usec; /* since the epoch; 0 where nobody looked at a clock (replay, normalize) */
    bool is_truncated;     /* the line was longer than the frame's limit: bytes holds its head */
};

/* The value of a journal field, absent where the record has none. Linear in the number of fields. */
struct slice record_find_field(const struct record *record, struct slice name);

#endif
