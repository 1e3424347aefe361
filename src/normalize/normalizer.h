/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_NORMALIZER_H
#define HAPAX_NORMALIZE_NORMALIZER_H

/*
 * Records in, process start events out, and session and account events where they are asked for: one
 * normalizer per source. It recognises the format of each record, reads it, assembles audit events from their
 * records, and decides who did it (normalize/identity.c). It sees no descriptor, no clock and no name
 * service: local time is read in the process's TZ (tzset by the program), names come from the record or from
 * the uid map.
 */

#include <stdint.h>

#include "event/event.h"
#include "event/wanted.h"
#include "normalize/lognorm.h"
#include "normalize/uid_map.h"
#include "util/buffer.h"

enum format {
    FORMAT_AUTO,
    FORMAT_AUDIT,          /* raw audit records, with or without a syslog header */
    FORMAT_SYSLOG,         /* syslog lines: sudo, snoopy, cron, audit inside */
    FORMAT_JSON,           /* one JSON document a line: ECS, sudo */
    FORMAT_JOURNAL_EXPORT, /* systemd's journal export format; framed by frame/, records are RECORD_JOURNAL */
};

/* The names of enum format as --format spells them, NULL-terminated, in enum order. */
extern const char *const format_names[];

struct normalizer_options {
    enum format format;
    unsigned kinds; /* EVENT_KIND_BITs: which events are handed over; 0: process starts alone */
    const struct rulebase *rulebase; /* borrowed, outlives the normalizer */
    const struct uid_map *uid_map;   /* borrowed, may be NULL */
    struct slice host;               /* for records that name no host; copied; absent: leave host.name out */
    /*
     * RFC 3164 lines carry no year. year > 0: the year of the first such line. 0: the latest year that puts
     * the first line not after reference_usec. A step from December to January advances the year.
     */
    int year;
    int64_t reference_usec;
    /*
     * What the caller wants events for: records that cannot be part of any are dropped unread (n_gated). Not
     * kept. NULL: everything is read, and every process start is handed over. With it, too, more events may
     * come than are wanted.
     */
    const struct wanted *wanted;
    /*
     * Each line is answered before the next one comes, so none waits to be joined with another: a command of
     * sudo's in several messages is its first part, printed JSON and wrapped lines are not read.
     */
    bool is_line_by_line;
    bool is_header_by_rules; /* with a gate, too, every audit header is the rulebase's to read */
};

/* Every record that came in is counted once: n_records = n_empty + n_used + n_ignored + n_unknown +
 * n_quarantined + n_gated. */
struct normalizer_stats {
    uint64_t n_records;
    uint64_t n_empty;   /* blank lines */
    uint64_t n_events;  /* process starts handed over */
    uint64_t n_context; /* session and account events handed over */
    uint64_t n_used;    /* records that are part of an event handed over, or of one that is being assembled */
    uint64_t n_ignored; /* understood, and not an event asked for: refused sudo, other audit records, process
                           ends … */
    uint64_t n_unknown; /* no reader knows it */
    uint64_t n_quarantined; /* a reader knows it and it is broken: cut, not JSON, lies about its lengths … */
    uint64_t n_gated;       /* nobody can want it, so it was not read: whatever else it may have been */
    uint64_t n_duplicates;  /* the same audit record again (journald's kernel transport); also in n_ignored */
    uint64_t n_late;        /* audit records of an event handed over before; also in n_ignored */
    uint64_t n_incomplete;  /* events handed over with records missing; also in n_events */
    uint64_t n_orphaned; /* of audit events whose SYSCALL never came, known when they are given up, at another
                            record or at the end; also in n_quarantined */
    uint64_t n_joined;   /* lines of sudo's that went on with another, joined to it; also in n_used */
    uint64_t n_unjoined; /* such lines that were not: nothing was waiting for them; also in n_ignored */
    uint64_t n_rows_lost; /* rows of records with several that are broken, or came after JSON_ROWS_MAX */
    uint64_t n_evicted;   /* events pushed out by the limit on pending ones; also in n_events or dropped */
    char sample[256];     /* the last quarantined or unknown record, cut, control bytes escaped */
};

/* chosen: a wrong template or port shows within minutes, some odd lines at the start do not */
#define NORMALIZER_LOST_AFTER 100U

struct normalizer;

/* Takes a copy of *options. 0, -ENOMEM. */
int normalizer_new(const struct normalizer_options *options,
                   struct normalizer **ret_normalizer) _warn_unused_;
struct normalizer *normalizer_free(struct normalizer *n);
DEFINE_CLEANUP(struct normalizer *, normalizer_free)

/*
 * Reads one record; emit is called for each event that it completes (several where it ends others' time
 * limit, none mostly). Bad input is counted, never an error: a negative errno is -ENOMEM or what emit
 * returned.
 */
int normalizer_feed(struct normalizer *n, const struct record *record, event_fn emit,
                    void *userdata) _warn_unused_;

/* Hands over what waited longer than the time limit, by the time records were received. */
int normalizer_advance(struct normalizer *n, int64_t now_usec, event_fn emit, void *userdata) _warn_unused_;

/* When normalizer_advance has something to do, in the same time; INT64_MAX: nothing is pending. */
int64_t normalizer_deadline_usec(const struct normalizer *n);

/* End of input: hands over everything pending. */
int normalizer_flush(struct normalizer *n, event_fn emit, void *userdata) _warn_unused_;

/*
 * Everything the next record's reading depends on (pending audit events, finished ids, lines and commands
 * that wait, the year of RFC 3164 lines) as versioned bytes, and back into a fresh normalizer. -EBADMSG on
 * bytes it did not write.
 */
int normalizer_save(const struct normalizer *n, struct buffer *out) _warn_unused_;
int normalizer_load(struct normalizer *n, struct slice bytes) _warn_unused_;

/* Events and lines pending, to decide whether a save is worth writing. */
size_t normalizer_n_pending(const struct normalizer *n);

/*
 * The time of the event that has been pending longest, INT64_MAX where none is: what is handed over now and
 * happened later comes before its turn. Lines that wait for their end have no time yet, and do not count.
 * Cost: a look at the oldest of each lane and at each command that waits (SUDO_JOIN_HELD_MAX at most).
 */
int64_t normalizer_pending_usec(const struct normalizer *n);

/* What the last record fed was counted as, where it was not one of audit's, or blank. */
enum normalizer_fate {
    FATE_BY_COUNTS, /* only the counters tell */
    FATE_USED,      /* it is an event, or part of what waits to be one */
    FATE_IGNORED,
    FATE_UNKNOWN,
    FATE_QUARANTINED,
};
enum normalizer_fate normalizer_last_fate(const struct normalizer *n);

const struct normalizer_stats *normalizer_stats(const struct normalizer *n);
/*
 * Whether the records are hardly what the caller means them to be: NORMALIZER_LOST_AFTER that no reader knows
 * or can read, and nothing of use. Records that are dropped unread do not count: most hosts have nothing
 * else.
 */
static inline bool normalizer_is_lost(const struct normalizer_stats *stats)
{
    return stats->n_used == 0 && stats->n_unknown + stats->n_quarantined >= NORMALIZER_LOST_AFTER;
}

/* Counting goes on from there: for a normalizer that takes the place of another. */
void normalizer_set_stats(struct normalizer *n, const struct normalizer_stats *stats);

#endif
