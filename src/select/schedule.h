/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_SCHEDULE_H
#define HAPAX_SELECT_SCHEDULE_H

/*
 * Recurring windows of time: an iCalendar recurrence (RFC 5545) or a crontab(5) line, each occurrence of
 * which opens a window of a fixed length, in the local time of a zone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/slice.h"

struct schedule;

/* Borrowed for the call. Local times are "2026-01-31T22:00:00", "20260131T220000", or a date. */
struct schedule_options {
    const char *time_zone;      /* a name of the tz database; NULL: UTC */
    const char *start;          /* DTSTART, local; NULL only with cron */
    const char *rrule;          /* RFC 5545 section 3.3.10; NULL: one window, or cron */
    const char *cron;           /* five fields or @daily and the like; not with rrule */
    const char *const *exdates; /* occurrences that do not take place; a date: all of that day */
    size_t n_exdates;
    int64_t duration_usec; /* of elapsed time, from a second to 31 days */
};

/*
 * Reads the zone's file here, not later. -EINVAL: *reterr_key is the member that is wrong (borrowed, a
 * literal) and *reterr_message says what was expected (the caller frees).
 */
int schedule_new(const struct schedule_options *options, const char **reterr_key, char **reterr_message,
                 struct schedule **ret_schedule) _warn_unused_;
struct schedule *schedule_free(struct schedule *schedule);
DEFINE_CLEANUP(struct schedule *, schedule_free)

/*
 * 1: time_usec lies in a window, 0: in none (also before 1970 and from 2100 on), -ENOMEM. Constant for times
 * in the same month as the last one asked about; a jump costs the occurrences of a month.
 */
int schedule_holds(struct schedule *schedule, int64_t time_usec) _warn_unused_;

/*
 * A crontab(5) line as RRULEs, separated by line feeds: two where both days of the month and of the week are
 * restricted, as cron takes either. -EINVAL with a message that says what was expected (the caller frees).
 */
int schedule_cron(struct slice line, struct buffer *out, char **reterr_message) _warn_unused_;

#endif
