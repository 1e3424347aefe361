/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_TEXT_H
#define HAPAX_NORMALIZE_TEXT_H

/* Text formats through rulebases: syslog headers, audit record headers, and the messages of sudo, snoopy,
 * cron … */

#include "event/event.h"
#include "normalize/audit.h"
#include "normalize/lognorm.h"
#include "normalize/uid_map.h"

/* What is remembered of the calendar between lines that carry no year (RFC 3164). */
struct text_calendar {
    int year;               /* of the last such line; 0: none came yet */
    int month;              /* of the last such line, 1 to 12 */
    int first_year;         /* --year; 0: the latest that puts the first line not after reference_usec */
    int64_t reference_usec; /* 0: none, then the first line's year is 1970 and first_year should be given */
};

/* A line after its syslog header. */
struct text_line {
    struct slice host;    /* absent: the header has none, or there is no header */
    struct slice program; /* "sudo", without path and pid; absent */
    int64_t pid;          /* -1: none */
    struct slice message; /* behind "program[pid]: " */
    bool has_time;
    int64_t time_usec;
};

enum text_outcome {
    TEXT_UNKNOWN,     /* no rule matches */
    TEXT_EVENT,       /* an event of any kind: *ret_event is filled */
    TEXT_IGNORED,     /* understood, and no event (a refused sudo) */
    TEXT_QUARANTINED, /* a rule matches and what it found cannot be: a number that is none, no time … */
    TEXT_ROWS,        /* of JSON alone: several events, see json_rows.h */
    TEXT_SHIPPED,     /* of JSON alone: no event, but it may hold a line of somebody's log */
};

/*
 * Reads a syslog header off line: RFC 3164 (with and without <PRI>), ISO 8601 time stamps as rsyslog writes
 * them, RFC 5424. 1: *ret_line is filled (slices borrowed from line or in arena); 0: no header; -ENOMEM.
 */
int text_read_header(const struct rulebase *rb, struct text_calendar *calendar, struct slice line,
                     struct arena *arena, struct text_line *ret_line) _warn_unused_;

/*
 * Reads the message of a line (from a header, or of a journal entry: then program is SYSLOG_IDENTIFIER). The
 * event's time, host, trust come from line and trust. Returns an enum text_outcome, or -ENOMEM.
 */
int text_read_message(const struct rulebase *rb, const struct text_line *line, enum trust trust,
                      const struct uid_map *uid_map, struct arena *arena,
                      struct event *ret_event) _warn_unused_;

/*
 * Reads an audit record's header: "type=T msg=audit(s.ms:n): body", with node= before it, "audispd: " before
 * that, and the kernel log's "audit: type=1300 audit(s.ms:n): body". 1: *ret_record is filled (node, type,
 * time, serial, body); 0: it is no audit record; -ENOMEM.
 */
int text_read_audit(const struct rulebase *rb, struct slice text, struct arena *arena,
                    struct audit_record *ret_record) _warn_unused_;

/*
 * Splits a command line into words as well as can be: blanks separate, single and double quotes and
 * backslashes as in a shell; an unterminated quote takes the rest. In arena memory; the number of words or
 * -ENOMEM. At most 4096 words, the last takes the rest.
 */
int text_split_command(struct slice command, struct arena *arena, struct slice **ret_words,
                       size_t *ret_n) _warn_unused_;

#endif
