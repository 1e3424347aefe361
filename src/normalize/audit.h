/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_AUDIT_H
#define HAPAX_NORMALIZE_AUDIT_H

/*
 * Audit records to process start events: one kernel event is several records (SYSCALL, EXECVE, CWD, PATH,
 * PROCTITLE) that share node, time and serial, and may come interleaved, out of order, twice, late or not at
 * all. The assembler holds records, not lines, until an event is complete, ended, timed out or pushed out.
 */

#include "event/event.h"
#include "normalize/gate.h"
#include "normalize/normalizer.h"
#include "normalize/uid_map.h"

/* One record, header already read. Borrowed for the call. */
struct audit_record {
    struct slice node; /* of node=…, absent: none */
    struct slice type; /* "SYSCALL", "1300", "UNKNOWN[1334]" */
    int64_t time_usec; /* of msg=audit(seconds.milliseconds:serial) */
    uint64_t serial;
    struct slice body; /* behind the colon, raw: quotes, enrichment and trailing blanks as they came */
    struct slice host; /* of the wrapping (syslog header, journal), used for host.name where node is absent */
    struct slice unit; /* systemd unit, where the journal vouches for it */
    enum trust trust;
    int64_t received_usec; /* 0: nobody looked at a clock */
};

struct audit_assembler;

struct audit_options {
    const struct uid_map *uid_map; /* borrowed, may be NULL */
    struct slice host;             /* host.name of records that name none; copied */
    const struct gate *gate;       /* borrowed; NULL: every process start is wanted */
    unsigned kinds; /* EVENT_KIND_BITs: which events are handed over; 0: process starts alone */
};

int audit_assembler_new(const struct audit_options *options, struct normalizer_stats *stats,
                        struct audit_assembler **ret_assembler) _warn_unused_;
struct audit_assembler *audit_assembler_free(struct audit_assembler *a);
DEFINE_CLEANUP(struct audit_assembler *, audit_assembler_free)

/*
 * Takes one record and counts it in stats: n_used (of a process start, or of what may become one), n_ignored
 * (another event's, a duplicate, a late one), n_quarantined (lies about itself), n_gated (of an event that
 * its SYSCALL shows nobody wants: also those of its records that came before). emit is called for what is
 * complete or ended by this record, and for what this record's time shows to be overdue. Also counts
 * n_events, n_context, n_incomplete, n_evicted.
 */
int audit_assembler_feed(struct audit_assembler *a, const struct audit_record *record, event_fn emit,
                         void *userdata) _warn_unused_;
/* Hands over what was received longer ago than the time limit. */
int audit_assembler_advance(struct audit_assembler *a, int64_t now_usec, event_fn emit,
                            void *userdata) _warn_unused_;
int64_t audit_assembler_deadline_usec(const struct audit_assembler *a);
int audit_assembler_flush(struct audit_assembler *a, event_fn emit, void *userdata) _warn_unused_;
int audit_assembler_save(const struct audit_assembler *a, struct buffer *out) _warn_unused_;
int audit_assembler_load(struct audit_assembler *a, struct slice bytes) _warn_unused_;
size_t audit_assembler_n_pending(const struct audit_assembler *a);
/* The time of the event that has been pending longest, INT64_MAX where none is. */
int64_t audit_assembler_pending_usec(const struct audit_assembler *a);

#endif
