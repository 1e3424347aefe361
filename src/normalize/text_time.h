/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_TEXT_TIME_H
#define HAPAX_NORMALIZE_TEXT_TIME_H

/* Time stamps of RFC 3164: "Mmm dd hh:mm:ss", local, without a year. */

#include <stdbool.h>
#include <stdint.h>

#include "normalize/text.h"

/*
 * Reads such a stamp (with a year behind the day, as some devices write it, too) in the process's time zone
 * and moves calendar on. -EINVAL where it is no date; the calendar is then as before.
 */
int text_time_read(struct text_calendar *calendar, struct slice text, int64_t *ret_usec) _warn_unused_;

/*
 * Whether reading this line, header and all, leaves calendar as it is: it begins with no such stamp (behind
 * "<PRI>"), or with one of the month of the line before. Such a line can be left out.
 */
bool text_time_is_settled(const struct text_calendar *calendar, struct slice line);

#endif
