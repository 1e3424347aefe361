/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Is a time inside a recurring window? Recurrence and time zones are libical's, which only this file knows.
 *
 * A window begins at an occurrence and lasts a fixed stretch of elapsed time: 22:00 for 8 h ends at 06:00 on
 * most nights, and at 05:00 or 07:00 in the two nights in which the clock is set. Occurrences are local
 * times; one that the clock skips takes place by the offset before the change, one that it repeats takes
 * place the first time (RFC 5545 section 3.3.5). libical 3 takes the other reading of both, so the step from
 * local to UTC is done here, from the zone's offsets a day to either side.
 *
 * Time is cut into chunks of 32 days. The windows of the chunk asked about last are kept as a sorted list of
 * disjoint stretches, so that a stream in order costs a binary search an event; another chunk is computed
 * from its own begin (icalrecur_iterator_set_start), not from the rule's, so that a record with a wild date
 * cannot make it walk decades. Rules with COUNT cannot begin in the middle: their occurrences, of which there
 * are few (COUNT_MAX), are all computed when the schedule is made. A rule that never takes place (30
 * February) would have libical look through its whole calendar: each walk ends (UNTIL) where its windows do,
 * and as a monthly rule heeds that only once it has found something, a rule is asked first whether it ever
 * does.
 *
 * FREQ=SECONDLY and MINUTELY are refused: windows that follow each other that closely are a cron line, or one
 * longer window. The zone is read when the schedule is made; afterwards nothing touches a file. libical asks
 * the clock how far ahead it should work out a zone's changes; what it answers does not depend on it.
 */
#include "select/schedule.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include <libical/ical.h>

#include "util/parse.h"

#define CHUNK_USEC (32 * USEC_PER_DAY)
/* 2100-01-01T00:00:00Z: beyond it no zone's rules are known, and a record from there has a broken date */
#define END_USEC (INT64_C(4102444800) * USEC_PER_SEC)
/* chosen: two rules a minute apart for a month would be 92,160; nobody reads such a schedule */
#define WINDOWS_MAX 10000U
/* chosen: a daily occurrence for ten years is 3,650 */
#define COUNT_MAX         10000
#define RULES_MAX         2U
#define DURATION_MAX_USEC (31 * USEC_PER_DAY)

struct window {
    int64_t start_usec, end_usec;
};

struct schedule {
    struct icalrecurrencetype rules[RULES_MAX];
    size_t n_rules; /* 0: one window */
    struct icaltimetype start;
    icaltimezone *zone; /* libical's own, never freed */
    int64_t duration_usec;
    struct icaltimetype *exdates;
    size_t n_exdates;
    bool is_complete; /* windows holds all there will ever be */
    int64_t chunk;    /* that windows is of; -1: none */
    struct window *windows;
    size_t n_windows;
    size_t size;
};

struct schedule *schedule_free(struct schedule *schedule)
{
    if (!schedule)
        return NULL;
    free(schedule->exdates);
    free(schedule->windows);
    free(schedule);
    return NULL;
}

/* Seconds since the epoch of a local time as if it were UTC. */
static int64_t plain_sec(struct icaltimetype t)
{
    return days_from_civil(t.year, (unsigned)t.month, (unsigned)t.day) * 86400 + t.hour * 3600 +
           t.minute * 60 + t.second;
}

static int64_t offset_at(const struct schedule *schedule, int64_t utc_sec)
{
    struct icaltimetype utc =
        icaltime_from_timet_with_zone((time_t)utc_sec, 0, icaltimezone_get_utc_timezone());

    return icaltimezone_get_utc_offset_of_utc_time(schedule->zone, &utc, NULL);
}

static int64_t to_utc_sec(const struct schedule *schedule, struct icaltimetype local)
{
    int64_t plain = plain_sec(local);
    int64_t before = offset_at(schedule, plain - 86400), after = offset_at(schedule, plain + 86400);

    if (before == after || offset_at(schedule, plain - before) == before)
        return plain - before;
    return offset_at(schedule, plain - after) == after ? plain - after : plain - before;
}

static struct icaltimetype to_local(const struct schedule *schedule, int64_t utc_sec)
{
    /* as_timet without a zone reads what from_timet wrote: plain arithmetic, no conversion */
    return icaltime_from_timet_with_zone((time_t)(utc_sec + offset_at(schedule, utc_sec)), 0, NULL);
}

static bool is_excepted(const struct schedule *schedule, struct icaltimetype t)
{
    for (size_t i = 0; i < schedule->n_exdates; i++) {
        const struct icaltimetype *x = &schedule->exdates[i];

        if (x->year == t.year && x->month == t.month && x->day == t.day &&
            (x->is_date || (x->hour == t.hour && x->minute == t.minute && x->second == t.second)))
            return true;
    }
    return false;
}

/* 1: there are too many. */
static int add_window(struct schedule *schedule, struct icaltimetype local)
{
    int64_t start_usec = to_utc_sec(schedule, local) * USEC_PER_SEC;
    struct window *last = schedule->n_windows > 0 ? &schedule->windows[schedule->n_windows - 1] : NULL;
    struct window *windows;

    if (is_excepted(schedule, local))
        return 0;
    if (last && start_usec >= last->start_usec && start_usec <= last->end_usec) {
        last->end_usec = MAX(last->end_usec, start_usec + schedule->duration_usec);
        return 0;
    }
    if (schedule->n_windows >= WINDOWS_MAX)
        return 1;
    if (schedule->n_windows == schedule->size) {
        windows =
            reallocarray(schedule->windows, schedule->size > 0 ? schedule->size * 2 : 16, sizeof(*windows));
        if (!windows)
            return -ENOMEM;
        schedule->windows = windows;
        schedule->size = schedule->size > 0 ? schedule->size * 2 : 16;
    }
    schedule->windows[schedule->n_windows++] =
        (struct window){start_usec, start_usec + schedule->duration_usec};
    return 0;
}

static int compare_windows(const void *a, const void *b)
{
    const struct window *x = a, *y = b;

    return x->start_usec < y->start_usec ? -1 : x->start_usec > y->start_usec;
}

/* Sorts, and makes one of those that overlap or touch. */
static void merge_windows(struct schedule *schedule)
{
    size_t n = 0;

    if (schedule->n_windows > 1)
        qsort(schedule->windows, schedule->n_windows, sizeof(*schedule->windows), compare_windows);
    for (size_t i = 0; i < schedule->n_windows; i++) {
        struct window w = schedule->windows[i];

        if (n > 0 && w.start_usec <= schedule->windows[n - 1].end_usec)
            schedule->windows[n - 1].end_usec = MAX(schedule->windows[n - 1].end_usec, w.end_usec);
        else
            schedule->windows[n++] = w;
    }
    schedule->n_windows = n;
}

/* An iterator that looks no further than a local time; NULL: no date can match, or memory is out. */
static icalrecur_iterator *walk(const struct icalrecurrencetype *rule, struct icaltimetype start,
                                struct icaltimetype last)
{
    struct icalrecurrencetype bounded = *rule;

    if (icaltime_is_null_time(rule->until) || icaltime_compare(last, rule->until) < 0)
        bounded.until = last;
    return icalrecur_iterator_new(bounded, start);
}

/* The last step of an hourly rule at or before a local time behind its start: libical 3 would count the hours
 * of the interval from wherever it is told to begin. */
static struct icaltimetype hourly_step(const struct schedule *schedule, int interval, struct icaltimetype at)
{
    int64_t start_sec = plain_sec(schedule->start), step_sec = INT64_C(3600) * MAX(interval, 1);

    return icaltime_from_timet_with_zone(
        (time_t)(start_sec + (plain_sec(at) - start_sec) / step_sec * step_sec), 0, NULL);
}

/* The windows of one rule between two local times. 0, 1 (too many), -ENOMEM. */
static int add_rule(struct schedule *schedule, const struct icalrecurrencetype *rule,
                    struct icaltimetype first, struct icaltimetype last)
{
    bool is_behind = rule->count == 0 && icaltime_compare(first, schedule->start) > 0;
    bool is_hourly = rule->freq == ICAL_HOURLY_RECURRENCE;
    icalrecur_iterator *iterator = walk(
        rule, is_behind && is_hourly ? hourly_step(schedule, rule->interval, first) : schedule->start, last);
    int r = 0;

    if (!iterator)
        return 0;
    if (is_behind && !is_hourly && !icalrecur_iterator_set_start(iterator, first)) {
        icalrecur_iterator_free(iterator);
        return 0;
    }
    while (r == 0) {
        struct icaltimetype t = icalrecur_iterator_next(iterator);

        if (icaltime_is_null_time(t) || icaltime_compare(t, last) > 0)
            break;
        if (icaltime_compare(t, schedule->start) >= 0)
            r = add_window(schedule, t);
    }
    icalrecur_iterator_free(iterator);
    return r;
}

/* Fills windows with those that touch [start, end). 0, 1 (too many), -ENOMEM. */
static int fill(struct schedule *schedule, int64_t start_usec, int64_t end_usec)
{
    /* a day more on either side covers every offset of every zone */
    int64_t first_sec = (start_usec - schedule->duration_usec) / USEC_PER_SEC - 86400;
    int64_t last_sec = end_usec / USEC_PER_SEC + 86400;
    struct icaltimetype first = to_local(schedule, MAX(first_sec, 0)), last = to_local(schedule, last_sec);
    int r = 0;

    schedule->n_windows = 0;
    for (size_t i = 0; r == 0 && i < schedule->n_rules; i++)
        r = add_rule(schedule, &schedule->rules[i], first, last);
    merge_windows(schedule);
    return r;
}

static bool is_inside(const struct schedule *schedule, int64_t time_usec)
{
    size_t low = 0, high = schedule->n_windows;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (schedule->windows[middle].start_usec <= time_usec)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && time_usec < schedule->windows[low - 1].end_usec;
}

int schedule_holds(struct schedule *schedule, int64_t time_usec)
{
    int64_t chunk = time_usec / CHUNK_USEC;
    int r;

    if (time_usec < 0 || time_usec >= END_USEC)
        return 0;
    if (!schedule->is_complete && schedule->chunk != chunk) {
        schedule->chunk = -1;
        r = fill(schedule, chunk * CHUNK_USEC, (chunk + 1) * CHUNK_USEC);
        if (r < 0)
            return r;
        schedule->chunk = chunk;
    }
    return is_inside(schedule, time_usec);
}

static _printf_(2, 3) int refuse(char **reterr_message, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    if (vasprintf(reterr_message, format, ap) < 0)
        *reterr_message = NULL;
    va_end(ap);
    return -EINVAL;
}

/* Digits at the given offsets of a pattern such as "dddd-dd-ddTdd:dd:dd". */
static bool read_pattern(const char *text, const char *pattern, int parts[6])
{
    static const char letters[] = "YMDhms";

    memset(parts, 0, 6 * sizeof(*parts));
    if (strlen(text) != strlen(pattern))
        return false;
    for (size_t i = 0; pattern[i]; i++) {
        const char *letter = strchr(letters, pattern[i]);

        if (letter && text[i] >= '0' && text[i] <= '9')
            parts[letter - letters] = parts[letter - letters] * 10 + (text[i] - '0');
        else if (letter || text[i] != pattern[i])
            return false;
    }
    return true;
}

static int read_local(const char *text, struct icaltimetype *ret_time)
{
    static const struct {
        const char *pattern;
        bool is_date;
    } forms[] = {{"YYYY-MM-DDThh:mm:ss", false},
                 {"YYYY-MM-DD hh:mm:ss", false},
                 {"YYYYMMDDThhmmss", false},
                 {"YYYY-MM-DDThh:mm", false},
                 {"YYYY-MM-DD hh:mm", false},
                 {"YYYY-MM-DD", true},
                 {"YYYYMMDD", true}};
    struct icaltimetype t = icaltime_null_time();
    int parts[6];

    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if (!read_pattern(text, forms[i].pattern, parts))
            continue;
        t.year = parts[0];
        t.month = parts[1];
        t.day = parts[2];
        t.hour = parts[3];
        t.minute = parts[4];
        t.second = parts[5];
        t.is_date = forms[i].is_date;
        if (t.year < 1970 || t.year >= 2100 || t.month < 1 || t.month > 12 || t.day < 1 ||
            t.day > icaltime_days_in_month(t.month, t.year) || t.hour > 23 || t.minute > 59 || t.second > 59)
            return -EINVAL;
        *ret_time = t;
        return 0;
    }
    return -EINVAL;
}

static bool is_given(const short by[])
{
    return by[0] != ICAL_RECURRENCE_ARRAY_MAX;
}

/* What RFC 5545 has and libical 3.0.16 gets wrong (compared with python-dateutil's rrule): an exception in
 * force at another time than was written is worse than one that is refused. NULL: nothing of it. */
static const char *unsupported(const struct icalrecurrencetype *rule)
{
    bool is_yearly = rule->freq == ICAL_YEARLY_RECURRENCE;

    if (rule->freq == ICAL_HOURLY_RECURRENCE && rule->interval > 1 && is_given(rule->by_hour))
        return "expected either BYHOUR or INTERVAL with FREQ=HOURLY";
    if (is_given(rule->by_set_pos) && !is_yearly && rule->freq != ICAL_MONTHLY_RECURRENCE)
        return "expected BYSETPOS with FREQ=MONTHLY or YEARLY only";
    if (is_yearly && is_given(rule->by_month_day) && !is_given(rule->by_month))
        return "expected BYMONTH beside BYMONTHDAY, or FREQ=MONTHLY";
    if (is_given(rule->by_week_no) && !is_given(rule->by_day))
        return "expected BYDAY beside BYWEEKNO";
    for (size_t i = 0; i < ICAL_BY_WEEKNO_SIZE && rule->by_week_no[i] != ICAL_RECURRENCE_ARRAY_MAX; i++)
        if (rule->by_week_no[i] < 2 || rule->by_week_no[i] > 51)
            return "expected BYWEEKNO of 2 to 51";
    return NULL;
}

static int read_rule(struct schedule *schedule, const char *text, char **reterr_message)
{
    struct icalrecurrencetype *rule = &schedule->rules[schedule->n_rules];
    const char *expected;

    /* the string may be an untidy one: libical keeps its errors in a thread-local */
    icalerror_set_errors_are_fatal(0);
    icalerror_clear_errno();
    *rule = icalrecurrencetype_from_string(text);
    if (rule->freq == ICAL_NO_RECURRENCE)
        return refuse(reterr_message, "expected an iCalendar recurrence such as FREQ=WEEKLY;BYDAY=SU");
    if (rule->freq == ICAL_SECONDLY_RECURRENCE || rule->freq == ICAL_MINUTELY_RECURRENCE)
        return refuse(reterr_message, "expected FREQ=HOURLY or rarer (cron can say minutes)");
    expected = unsupported(rule);
    if (expected)
        return refuse(reterr_message, "%s", expected);
    if (rule->count > COUNT_MAX)
        return refuse(reterr_message, "expected COUNT of at most %d", COUNT_MAX);
    if (rule->until.is_date) {
        rule->until.hour = 23; /* through that day */
        rule->until.minute = rule->until.second = 59;
        rule->until.is_date = 0;
    }
    if (icaltime_is_utc(rule->until))
        rule->until = to_local(schedule, plain_sec(rule->until));
    schedule->n_rules++;
    return 0;
}

static int read_cron(struct schedule *schedule, const char *line, char **reterr_message)
{
    _cleanup_(buffer_done) struct buffer rules = BUFFER_INIT;
    struct slice rest;
    int r = schedule_cron(slice_from_string(line), &rules, reterr_message);

    for (rest = buffer_slice(&rules); r >= 0 && rest.len > 0;) {
        size_t n = slice_find(rest, '\n');
        _cleanup_(freep) char *text = strndup(rest.data, n);

        r = text ? read_rule(schedule, text, reterr_message) : -ENOMEM;
        rest = slice_skip(rest, MIN(n + 1, rest.len));
    }
    return r;
}

/* The zone, by its name in the tz database; libical reads its file now. */
static int read_zone(struct schedule *schedule, const char *name, char **reterr_message)
{
    if (!name || strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0) {
        schedule->zone = icaltimezone_get_utc_timezone();
        return 0;
    }
    schedule->zone = icaltimezone_get_builtin_timezone(name);
    if (!schedule->zone || !icaltimezone_get_component(schedule->zone))
        return refuse(reterr_message, "expected a name such as Europe/Berlin or UTC (is tzdata installed?)");
    return 0;
}

static int read_exdates(struct schedule *schedule, const struct schedule_options *options,
                        char **reterr_message)
{
    schedule->exdates = calloc(options->n_exdates + 1, sizeof(*schedule->exdates));
    if (!schedule->exdates)
        return -ENOMEM;
    for (size_t i = 0; i < options->n_exdates; i++)
        if (read_local(options->exdates[i], &schedule->exdates[schedule->n_exdates++]) < 0)
            return refuse(reterr_message, "'%.40s' is no local time, expected one such as 2026-01-31T22:00",
                          options->exdates[i]);
    return 0;
}

/* Asked once: to find that it does not, libical may walk to the end of its calendar. */
static bool takes_place(const struct schedule *schedule, const struct icalrecurrencetype *rule)
{
    icalrecur_iterator *iterator = walk(rule, schedule->start, to_local(schedule, END_USEC / USEC_PER_SEC));
    bool is_found = iterator && !icaltime_is_null_time(icalrecur_iterator_next(iterator));

    if (iterator)
        icalrecur_iterator_free(iterator);
    return is_found;
}

/* Works out what there is, or a first part of it, so that a rule that never comes is told at once. */
static int try_out(struct schedule *schedule, char **reterr_message)
{
    int64_t start_usec = to_utc_sec(schedule, schedule->start) * USEC_PER_SEC;
    bool is_counted = schedule->n_rules == 1 && schedule->rules[0].count > 0;
    size_t n_idle = 0;
    int r = 0;

    schedule->chunk = -1;
    /* of a cron line's two rules one may be of a day that never comes */
    while (n_idle < schedule->n_rules && !takes_place(schedule, &schedule->rules[n_idle]))
        n_idle++;
    if (n_idle > 0 && n_idle == schedule->n_rules)
        return refuse(reterr_message, "expected a rule that takes place, this one never does");
    if (schedule->n_rules == 0)
        r = add_window(schedule, schedule->start);
    else if (is_counted)
        r = fill(schedule, 0, END_USEC);
    else
        for (int64_t chunk = start_usec / CHUNK_USEC, n = 0; r == 0 && schedule->n_windows == 0 && n < 400;
             chunk++, n++)
            r = fill(schedule, chunk * CHUNK_USEC, (chunk + 1) * CHUNK_USEC);
    schedule->is_complete = is_counted || schedule->n_rules == 0;
    if (r > 0)
        return refuse(reterr_message, "expected at most %u windows in a month", WINDOWS_MAX);
    if (r == 0 && schedule->n_windows == 0)
        return refuse(reterr_message, "expected a rule that takes place, this one never does");
    return r;
}

int schedule_new(const struct schedule_options *options, const char **reterr_key, char **reterr_message,
                 struct schedule **ret_schedule)
{
    _cleanup_(schedule_freep) struct schedule *schedule = calloc(1, sizeof(*schedule));
    int r;

    if (!schedule)
        return -ENOMEM;
    *reterr_key = "duration";
    schedule->duration_usec = options->duration_usec;
    if (options->duration_usec < USEC_PER_SEC || options->duration_usec > DURATION_MAX_USEC)
        return refuse(reterr_message, "expected 1s to 31d");
    *reterr_key = "time_zone";
    r = read_zone(schedule, options->time_zone, reterr_message);
    if (r < 0)
        return r;
    *reterr_key = "start";
    if (!options->start && !options->cron)
        return refuse(reterr_message, "expected a local time such as 2026-01-31T22:00, or cron");
    if (options->start && read_local(options->start, &schedule->start) < 0)
        return refuse(reterr_message, "expected a local time such as 2026-01-31T22:00");
    schedule->start.is_date = 0;
    if (!options->start)
        schedule->start = icaltime_from_string("19700101T000000");
    *reterr_key = "exdate";
    r = read_exdates(schedule, options, reterr_message);
    if (r < 0)
        return r;
    *reterr_key = "cron";
    if (options->cron && options->rrule)
        return refuse(reterr_message, "expected either cron or rrule");
    if (options->cron)
        r = read_cron(schedule, options->cron, reterr_message);
    if (options->rrule) {
        *reterr_key = "rrule";
        r = read_rule(schedule, options->rrule, reterr_message);
    }
    if (r >= 0)
        r = try_out(schedule, reterr_message);
    if (r < 0)
        return r;
    *ret_schedule = TAKE_PTR(schedule);
    return 0;
}
