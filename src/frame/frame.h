/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_FRAME_FRAME_H
#define HAPAX_FRAME_FRAME_H

/*
 * Bytes to records: lines, entries of systemd's journal export format, or octet-counted syslog messages. Feed
 * any chunks; records come out as soon as they are whole.
 */

#include <stdbool.h>
#include <stdint.h>

#include "event/record.h"
#include "util/cleanup.h"

enum framing {
    FRAMING_AUTO, /* lines, but entries of the export format and counted messages are taken as such */
    FRAMING_LINES,
    FRAMING_JOURNAL_EXPORT,
};

struct frame_options {
    enum framing framing;
    size_t line_limit_bytes; /* longer lines are cut: their head comes as is_truncated, the rest is skipped */
};

/* chosen: auditd's largest record is 8970 bytes, an EXECVE event 128 KiB to 2 MiB; JSON documents may carry
 * more */
#define FRAME_LINE_LIMIT_DEFAULT (1U << 20)
/* chosen: as journald's own limit on a field is 768 MiB, which nobody reads: an entry above this is cut */
#define FRAME_ENTRY_LIMIT_DEFAULT (4U << 20)

/* Receives a record (kind, bytes or fields, seq, is_truncated are set); borrowed for the call. */
typedef int (*record_fn)(void *userdata, const struct record *record);

struct frame;

int frame_new(const struct frame_options *options, struct frame **ret_frame) _warn_unused_;
struct frame *frame_free(struct frame *f);
DEFINE_CLEANUP(struct frame *, frame_free)

/*
 * Takes n bytes and calls emit for each record that is whole now. Returns 0, -ENOMEM or what emit returned.
 * Line ends are LF or CR LF; NUL bytes are data. Linear in n whatever the bytes are, memory within the
 * limits.
 */
int frame_feed(struct frame *f, const char *bytes, size_t n, record_fn emit, void *userdata) _warn_unused_;

/* End of input: a last line without its line end comes out. */
int frame_finish(struct frame *f, record_fn emit, void *userdata) _warn_unused_;

/* Bytes of the input before the first byte not yet part of a record handed over: where a reader must start
 * again. */
uint64_t frame_offset_bytes(const struct frame *f);

/* Bytes skipped because a line or an entry passed its limit, and how many were cut. */
void frame_cut(const struct frame *f, uint64_t *ret_n_cut, uint64_t *ret_skipped_bytes);

#endif
