/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The year of lines that carry none. What is known is the year of the line before (struct text_calendar), and
 * for the first line either what the operator says or that a log is not written before it happens: the latest
 * year that puts the line not after the reference (the file's modification time).
 *
 * After that only the months count. A step back of more than half a year (December to January, also over a
 * quiet autumn) is a new year. A step forward of ten months or more (January to November or December) is a
 * late line of the old year: it gets that year, and the calendar stays. Smaller steps back are disorder
 * within a year and do not move the calendar back, or else July after December would hide the next January.
 *
 * February 29 in a year that has none (a wrong --year, or one too late) is read in the latest year before
 * that has one.
 *
 * Zone rules are libc's (mktime, TZ); times that a clock change skips or repeats are read as libc chooses.
 */
#include "normalize/text_time.h"

#include <errno.h>
#include <time.h>

#include "util/parse.h"

/* more than half a year */
#define MONTHS_OF_NEW_YEAR 6
/* chosen: January to November; a smaller step forward is a quiet log more often than a late line */
#define MONTHS_OF_OLD_YEAR 10
/* leap years are at most eight years apart (1896, 1904) */
#define LEAP_YEAR_GAP_MAX 8

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool is_date(int year, const struct tm *t)
{
    static const int n_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return t->tm_mday <= n_days[t->tm_mon] + (t->tm_mon == 1 && is_leap(year) ? 1 : 0);
}

/* The year itself, or the latest before it that has the date. */
static int year_with_date(int year, const struct tm *t)
{
    for (int i = 0; i <= LEAP_YEAR_GAP_MAX; i++)
        if (is_date(year - i, t))
            return year - i;
    return year;
}

static int to_usec(int year, const struct tm *t, int64_t *ret_usec)
{
    struct tm local = *t;
    time_t seconds;

    local.tm_year = year - 1900;
    local.tm_isdst = -1;
    errno = 0;
    seconds = mktime(&local);
    if (seconds == (time_t)-1 && errno != 0)
        return -EINVAL;
    *ret_usec = (int64_t)seconds * USEC_PER_SEC;
    return 0;
}

static int first_year(const struct text_calendar *calendar, const struct tm *t)
{
    time_t reference = (time_t)(calendar->reference_usec / USEC_PER_SEC);
    struct tm local;
    int64_t usec;
    int year;

    if (calendar->first_year > 0)
        return calendar->first_year;
    if (calendar->reference_usec == 0 || !localtime_r(&reference, &local))
        return 1970;
    year = year_with_date(local.tm_year + 1900, t);
    if (to_usec(year, t, &usec) == 0 && usec > calendar->reference_usec)
        year = year_with_date(year - 1, t);
    return year;
}

/* Two digits at most, at the front of s, which moves behind them. */
static int read_number(struct slice *s, size_t n_digits_max, int max, int *ret_v)
{
    size_t i = 0;
    int v = 0;

    for (; i < s->len && i < n_digits_max && s->data[i] >= '0' && s->data[i] <= '9'; i++)
        v = v * 10 + (s->data[i] - '0');
    if (i == 0 || v > max)
        return -EINVAL;
    *s = slice_skip(*s, i);
    *ret_v = v;
    return 0;
}

static int skip_char(struct slice *s, char c)
{
    if (s->len == 0 || s->data[0] != c)
        return -EINVAL;
    *s = slice_skip(*s, 1);
    return 0;
}

static int read_month(struct slice *s, int *ret_month)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    if (s->len < 3)
        return -EINVAL;
    for (int month = 0; month < 12; month++) {
        const char *name = names + (size_t)month * 3;

        if ((s->data[0] | 0x20) == name[0] && (s->data[1] | 0x20) == name[1] &&
            (s->data[2] | 0x20) == name[2]) {
            *ret_month = month;
            *s = slice_skip(*s, 3);
            return 0;
        }
    }
    return -EINVAL;
}

/* ret_year: 0 where the stamp has none. */
static int read_stamp(struct slice s, struct tm *ret_tm, int *ret_year)
{
    struct slice year_text;
    struct tm t = {0};
    int year = 0;

    if (read_month(&s, &t.tm_mon) < 0 || skip_char(&s, ' ') < 0)
        return -EINVAL;
    (void)!skip_char(&s, ' ');
    if (read_number(&s, 2, 31, &t.tm_mday) < 0 || t.tm_mday == 0 || skip_char(&s, ' ') < 0)
        return -EINVAL;
    year_text = s;
    if (read_number(&year_text, 4, 9999, &year) == 0 && year >= 1970 && skip_char(&year_text, ' ') == 0)
        s = year_text;
    else
        year = 0;
    if (read_number(&s, 2, 23, &t.tm_hour) < 0 || skip_char(&s, ':') < 0 ||
        read_number(&s, 2, 59, &t.tm_min) < 0 || skip_char(&s, ':') < 0 ||
        read_number(&s, 2, 60, &t.tm_sec) < 0)
        return -EINVAL;
    (void)!skip_char(&s, ':');
    if (s.len > 0)
        return -EINVAL;
    *ret_tm = t;
    *ret_year = year;
    return 0;
}

int text_time_read(struct text_calendar *calendar, struct slice text, int64_t *ret_usec)
{
    struct text_calendar next = *calendar;
    int r, month, step, year;
    struct tm t;

    r = read_stamp(text, &t, &year);
    if (r < 0)
        return r;
    month = t.tm_mon + 1;
    if (year > 0) {
        next.year = year;
        next.month = month;
    } else if (next.year == 0) {
        year = first_year(&next, &t);
        next.year = year;
        next.month = month;
    } else {
        step = month - next.month;
        if (step >= MONTHS_OF_OLD_YEAR) {
            year = next.year - 1;
        } else {
            if (step < -MONTHS_OF_NEW_YEAR) {
                next.year++;
                next.month = month;
            } else if (step > 0) {
                next.month = month;
            }
            year = next.year;
        }
    }
    year = year_with_date(year, &t);
    if (!is_date(year, &t))
        return -EINVAL;
    r = to_usec(year, &t, ret_usec);
    if (r < 0)
        return r;
    *calendar = next;
    return 0;
}

bool text_time_is_settled(const struct text_calendar *calendar, struct slice line)
{
    /* "Mmm dd hh:": where a year stands behind the day, the colon comes later */
    const size_t hour_end_max = 10;
    int month;

    if (line.len > 0 && line.data[0] == '<') {
        size_t end = slice_find(line, '>');

        line = slice_skip(line, MIN(end + 1, line.len));
    }
    if (read_month(&line, &month) < 0)
        return true;
    return calendar->year != 0 && month + 1 == calendar->month &&
           slice_find(slice_head(line, hour_end_max - 3), ':') < MIN(line.len, hour_end_max - 3);
}
