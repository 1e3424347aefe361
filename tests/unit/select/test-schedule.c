/* SPDX-License-Identifier: Apache-2.0 */

/* Windows of time: their edges, the two nights in which clocks are set, and what is refused. Times were
 * worked out with Python's zoneinfo. */
#include "select/schedule.h"

#include <errno.h>

#include "support.h"
#include "util/parse.h"

#define HOUR USEC_PER_HOUR

struct row {
    const char *name;
    struct schedule_options options;
    const char *inside[6], *outside[8]; /* UTC */
};

static const char *const not_easter[] = {"2026-04-05", "20260412T220000"};

static const struct row rows[] = {
    {"one window",
     {.start = "2026-01-10T22:00", .duration_usec = 2 * HOUR},
     {"2026-01-10T22:00:00Z", "2026-01-10T23:59:59Z"},
     {"2026-01-10T21:59:59Z", "2026-01-11T00:00:00Z", "2027-01-10T22:30:00Z"}},
    {"every Sunday night in Berlin, clock set forward on 29 March",
     {.time_zone = "Europe/Berlin",
      .start = "2026-01-04T22:00:00",
      .rrule = "FREQ=WEEKLY;BYDAY=SU",
      .duration_usec = 4 * HOUR},
     {"2026-03-22T21:00:00Z", "2026-03-23T00:59:59Z", "2026-03-29T20:00:00Z", "2026-03-29T23:59:59Z",
      "2045-07-16T20:00:00Z"},
     {"2026-03-22T20:59:59Z", "2026-03-23T01:00:00Z", "2026-03-29T19:59:59Z", "2026-03-30T00:00:00Z",
      "2025-12-28T22:00:00Z", "2026-03-28T21:30:00Z"}},
    {"a local time that the clock skips takes place by the offset before",
     {.time_zone = "Europe/Berlin",
      .start = "2026-01-01T02:30:00",
      .rrule = "FREQ=DAILY",
      .duration_usec = HOUR / 2},
     {"2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"},
     {"2026-03-29T00:30:00Z", "2026-03-29T02:00:00Z"}},
    {"one that it repeats takes place the first time",
     {.time_zone = "Europe/Berlin",
      .start = "2026-01-01T02:30:00",
      .rrule = "FREQ=DAILY",
      .duration_usec = HOUR / 2},
     {"2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
     {"2026-10-25T01:30:00Z"}},
    {"southern summer",
     {.time_zone = "Australia/Sydney",
      .start = "2026-01-01T12:00:00",
      .rrule = "FREQ=MONTHLY;BYMONTHDAY=15",
      .duration_usec = HOUR},
     {"2026-01-15T01:00:00Z", "2026-06-15T02:00:00Z"},
     {"2026-01-15T02:00:00Z", "2026-06-15T01:59:59Z"}},
    {"excepted dates and times",
     {.start = "2026-03-29T22:00:00",
      .rrule = "FREQ=WEEKLY",
      .exdates = not_easter,
      .n_exdates = 2,
      .duration_usec = HOUR},
     {"2026-03-29T22:00:00Z", "2026-04-19T22:00:00Z"},
     {"2026-04-05T22:00:00Z", "2026-04-12T22:00:00Z"}},
    {"a count ends",
     {.start = "2026-01-30T00:00:00", .rrule = "FREQ=DAILY;COUNT=3", .duration_usec = HOUR},
     {"2026-01-30T00:30:00Z", "2026-02-01T00:30:00Z"},
     {"2026-02-02T00:30:00Z", "2027-01-30T00:30:00Z"}},
    {"until a day, that day included",
     {.start = "2026-01-30T12:00:00", .rrule = "FREQ=DAILY;UNTIL=20260201", .duration_usec = HOUR},
     {"2026-02-01T12:30:00Z"},
     {"2026-02-02T12:30:00Z"}},
    {"until a UTC time is compared as such",
     {.time_zone = "America/New_York",
      .start = "2026-01-30T12:00:00",
      .rrule = "FREQ=DAILY;UNTIL=20260201T170000Z",
      .duration_usec = HOUR},
     {"2026-02-01T17:30:00Z"},
     {"2026-02-02T17:30:00Z"}},
    {"every third day keeps its step far from the start",
     {.start = "2020-01-01T00:00:00", .rrule = "FREQ=DAILY;INTERVAL=3", .duration_usec = HOUR},
     {"2020-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-05T00:00:00Z"},
     {"2026-01-01T00:30:00Z", "2026-01-03T00:30:00Z"}},
    {"every seventh hour, too",
     {.start = "2026-01-01T03:30:00", .rrule = "FREQ=HOURLY;INTERVAL=7", .duration_usec = HOUR},
     {"2026-01-01T03:30:00Z", "2026-01-01T10:30:00Z", "2026-12-31T03:30:00Z", "2027-01-01T14:30:00Z"},
     {"2026-01-01T11:30:00Z", "2026-12-31T02:30:00Z", "2027-01-01T15:30:00Z"}},
    {"the last working day of a month",
     {.start = "2026-01-01T06:00:00",
      .rrule = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
      .duration_usec = HOUR},
     {"2026-01-30T06:00:00Z", "2026-02-27T06:59:59Z", "2026-05-29T06:30:00Z"},
     {"2026-01-31T06:00:00Z", "2026-01-29T06:00:00Z"}},
    {"the last Sunday of a month",
     {.start = "2026-01-01T06:00:00", .rrule = "FREQ=MONTHLY;BYDAY=-1SU", .duration_usec = HOUR},
     {"2026-01-25T06:00:00Z", "2026-03-29T06:59:59Z"},
     {"2026-01-18T06:00:00Z", "2026-03-22T06:00:00Z"}},
    {"29 February",
     {.start = "2026-01-01T00:00:00", .rrule = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", .duration_usec = HOUR},
     {"2028-02-29T00:30:00Z"},
     {"2026-02-28T00:30:00Z", "2026-03-01T00:30:00Z"}},
    {"cron on working days",
     {.time_zone = "Europe/Berlin", .cron = "0 6 * * mon-fri", .duration_usec = HOUR},
     {"2026-01-05T05:00:00Z", "2026-07-06T04:30:00Z"},
     {"2026-01-04T05:30:00Z", "2026-07-06T05:00:00Z"}},
    {"cron with both days restricted takes either",
     {.cron = "0 2 1 * sun", .duration_usec = HOUR},
     {"2026-01-01T02:30:00Z", "2026-01-04T02:30:00Z"},
     {"2026-01-02T02:30:00Z"}},
    {"cron with a day that never comes takes the other",
     {.cron = "0 2 30 2 mon", .duration_usec = HOUR},
     {"2026-02-02T02:30:00Z"},
     {"2026-03-02T02:30:00Z", "2026-02-03T02:30:00Z"}},
    {"windows that touch are one, also over the edge of what is computed at once",
     {.cron = "*/5 * * * *", .duration_usec = HOUR},
     {"2026-01-05T00:00:00Z", "2026-01-23T23:59:59Z", "2026-01-24T00:00:00Z"},
     {NULL}},
    {"a long window that began in the chunk before",
     {.start = "2026-01-20T00:00:00", .rrule = "FREQ=YEARLY", .duration_usec = 20 * 24 * HOUR},
     {"2026-02-08T23:59:59Z", "2026-01-20T00:00:00Z"},
     {"2026-02-09T00:00:00Z"}},
    {"cron starts where it is told to",
     {.cron = "0 0 * * *", .start = "2026-06-01T00:00", .duration_usec = HOUR},
     {"2026-06-01T00:30:00Z"},
     {"2026-05-31T00:30:00Z"}},
};

static void check(struct schedule *schedule, const char *name, const char *time, int expected)
{
    int64_t usec;

    cr_assert_eq(parse_timestamp_usec(slice_from_string(time), &usec), 0, "%s: %s", name, time);
    cr_expect_eq(schedule_holds(schedule, usec), expected, "%s: %s is %s", name, time,
                 expected ? "outside" : "inside");
}

Test(schedule, a_time_is_inside_or_outside)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(schedule_freep) struct schedule *schedule = NULL;
        _cleanup_(freep) char *message = NULL;
        const char *key = NULL;
        const struct row *row = &rows[i];

        cr_assert_eq(schedule_new(&row->options, &key, &message, &schedule), 0, "%s: %s: %s", row->name, key,
                     message);
        for (size_t k = 0; k < ARRAY_SIZE(row->inside) && row->inside[k]; k++)
            check(schedule, row->name, row->inside[k], 1);
        for (size_t k = 0; k < ARRAY_SIZE(row->outside) && row->outside[k]; k++)
            check(schedule, row->name, row->outside[k], 0);
        cr_expect_eq(schedule_holds(schedule, -1), 0, "%s: before 1970", row->name);
        cr_expect_eq(schedule_holds(schedule, INT64_MAX), 0, "%s: at the end of time", row->name);
    }
}

static const struct {
    struct schedule_options options;
    const char *key, *message;
} refused[] = {
    {{.start = "2026-01-01T00:00", .duration_usec = 0}, "duration", "expected 1s to 31d"},
    {{.start = "2026-01-01T00:00", .duration_usec = 32 * 24 * HOUR}, "duration", "expected 1s to 31d"},
    {{.duration_usec = HOUR}, "start", "expected a local time such as 2026-01-31T22:00, or cron"},
    {{.start = "2026-02-30T00:00", .duration_usec = HOUR},
     "start",
     "expected a local time such as 2026-01-31T22:00"},
    {{.start = "tomorrow", .duration_usec = HOUR}, "start", "expected a local time such as 2026-01-31T22:00"},
    {{.start = "2026-01-01", .time_zone = "Europe/Berlinn", .duration_usec = HOUR},
     "time_zone",
     "expected a name such as Europe/Berlin or UTC (is tzdata installed?)"},
    {{.start = "2026-01-01", .time_zone = "../../etc/passwd", .duration_usec = HOUR},
     "time_zone",
     "expected a name such as Europe/Berlin or UTC (is tzdata installed?)"},
    {{.start = "2026-01-01", .rrule = "WEEKLY", .duration_usec = HOUR},
     "rrule",
     "expected an iCalendar recurrence such as FREQ=WEEKLY;BYDAY=SU"},
    {{.start = "2026-01-01", .rrule = "FREQ=DAILY;BYHOUR=25", .duration_usec = HOUR},
     "rrule",
     "expected an iCalendar recurrence such as FREQ=WEEKLY;BYDAY=SU"},
    {{.start = "2026-01-01", .rrule = "FREQ=MINUTELY", .duration_usec = HOUR},
     "rrule",
     "expected FREQ=HOURLY or rarer (cron can say minutes)"},
    {{.start = "2026-01-01", .rrule = "FREQ=DAILY;COUNT=99999", .duration_usec = HOUR},
     "rrule",
     "expected COUNT of at most 10000"},
    {{.start = "2026-01-01", .rrule = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", .duration_usec = HOUR},
     "rrule",
     "expected a rule that takes place, this one never does"},
    {{.start = "2026-01-01", .rrule = "FREQ=HOURLY;INTERVAL=5;BYHOUR=0,4", .duration_usec = HOUR},
     "rrule",
     "expected either BYHOUR or INTERVAL with FREQ=HOURLY"},
    {{.start = "2026-01-01", .rrule = "FREQ=YEARLY;BYWEEKNO=1,53", .duration_usec = HOUR},
     "rrule",
     "expected BYDAY beside BYWEEKNO"},
    {{.start = "2026-01-01", .rrule = "FREQ=YEARLY;BYWEEKNO=1,20;BYDAY=MO", .duration_usec = HOUR},
     "rrule",
     "expected BYWEEKNO of 2 to 51"},
    {{.start = "2026-01-01", .rrule = "FREQ=YEARLY;BYMONTHDAY=1,15", .duration_usec = HOUR},
     "rrule",
     "expected BYMONTH beside BYMONTHDAY, or FREQ=MONTHLY"},
    {{.start = "2026-01-01", .rrule = "FREQ=WEEKLY;BYDAY=MO,TU,WE;BYSETPOS=2", .duration_usec = HOUR},
     "rrule",
     "expected BYSETPOS with FREQ=MONTHLY or YEARLY only"},
    /* libical would look for these until the year 20000 in each of 400 months */
    {{.start = "2026-01-01", .rrule = "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", .duration_usec = HOUR},
     "rrule",
     "expected a rule that takes place, this one never does"},
    {{.start = "2026-01-01", .rrule = "FREQ=HOURLY;BYMONTH=4;BYMONTHDAY=31;COUNT=2", .duration_usec = HOUR},
     "rrule",
     "expected a rule that takes place, this one never does"},
    {{.start = "2026-01-01", .rrule = "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31", .duration_usec = HOUR},
     "rrule",
     "expected a rule that takes place, this one never does"},
    {{.cron = "0 0 31 4 *", .duration_usec = HOUR},
     "cron",
     "expected a rule that takes place, this one never does"},
    {{.cron = "* * * * *", .rrule = "FREQ=DAILY", .duration_usec = HOUR},
     "cron",
     "expected either cron or rrule"},
    {{.cron = "* * * * *", .duration_usec = USEC_PER_SEC},
     "cron",
     "expected at most 10000 windows in a month"},
};

Test(schedule, mistakes_name_their_key)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        _cleanup_(schedule_freep) struct schedule *schedule = NULL;
        _cleanup_(freep) char *message = NULL;
        const char *key = NULL;

        cr_expect_eq(schedule_new(&refused[i].options, &key, &message, &schedule), -EINVAL, "row %zu", i);
        cr_expect_str_eq(key, refused[i].key, "row %zu: %s", i, key);
        cr_expect(message && strcmp(message, refused[i].message) == 0, "row %zu: %s", i, message);
    }
}
