/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_TEXT_TIME_H
#define HAPAX_NORMALIZE_TEXT_TIME_H

/* Time stamps of RFC 3164: "Mmm dd hh:mm:ss", local, without a year. */

#include <stdint.h>

#include "normalize/text.h"

/*
 * Reads such a stamp (with a year behind the day, as some devices write it, too) in the process's time zone
 * and moves calendar on. -EINVAL where it is no date; the calendar is then as before.
 */
int text_time_read(struct text_calendar *calendar, struct slice text, int64_t *ret_usec) _warn_unused_;

#endif
