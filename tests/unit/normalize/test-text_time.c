/* SPDX-License-Identifier: Apache-2.0 */

/* text_time.c: years of time stamps that have none. */
#include "normalize/text_time.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "support.h"
#include "util/parse.h"

static int64_t usec_of(const char *text)
{
    int64_t usec;

    cr_assert_eq(parse_timestamp_usec(slice_from_string(text), &usec), 0, "%s", text);
    return usec;
}

static void set_zone(const char *zone)
{
    cr_assert_eq(setenv("TZ", zone, 1), 0);
    tzset();
}

struct step {
    const char *stamp;
    const char *expected; /* NULL: -EINVAL */
};

struct row {
    const char *name;
    const char *reference; /* NULL: none */
    int first_year;
    struct step steps[8];
};

static const struct row rows[] = {
    {"the reference's year", "2026-11-24T12:00:00Z", 0, {{"Nov 24 11:59:59", "2026-11-24T11:59:59Z"}}},
    {"at the reference", "2026-11-24T12:00:00Z", 0, {{"Nov 24 12:00:00", "2026-11-24T12:00:00Z"}}},
    {"after it: the year before", "2026-11-24T12:00:00Z", 0, {{"Nov 24 12:00:01", "2025-11-24T12:00:01Z"}}},
    {"a given year wins", "2026-11-24T12:00:00Z", 2015, {{"Dec 24 12:00:01", "2015-12-24T12:00:01Z"}}},
    {"nothing known", NULL, 0, {{"Jan  2 00:00:00", "1970-01-02T00:00:00Z"}}},
    {"leap day",
     "2026-11-24T12:00:00Z",
     0,
     {{"Feb 29 01:02:03", "2024-02-29T01:02:03Z"}, {"Mar  1 00:00:00", "2024-03-01T00:00:00Z"}}},
    {"leap day of this year", "2024-03-01T00:00:00Z", 0, {{"Feb 29 01:02:03", "2024-02-29T01:02:03Z"}}},
    {"leap day of a wrong year moves nothing",
     NULL,
     2026,
     {{"Feb 28 00:00:00", "2026-02-28T00:00:00Z"},
      {"Feb 29 00:00:00", "2024-02-29T00:00:00Z"},
      {"Mar  1 00:00:00", "2026-03-01T00:00:00Z"}}},
    {"new year",
     NULL,
     2025,
     {{"Dec 31 23:59:59", "2025-12-31T23:59:59Z"},
      {"Jan  1 00:00:00", "2026-01-01T00:00:00Z"},
      {"Dec 31 23:59:58", "2025-12-31T23:59:58Z"},
      {"Jan  1 00:00:01", "2026-01-01T00:00:01Z"},
      {"Dec 31 00:00:00", "2025-12-31T00:00:00Z"}}},
    {"a quiet autumn",
     NULL,
     2025,
     {{"Aug  1 00:00:00", "2025-08-01T00:00:00Z"}, {"Jan  5 00:00:00", "2026-01-05T00:00:00Z"}}},
    {"disorder in a year",
     NULL,
     2025,
     {{"Dec  1 00:00:00", "2025-12-01T00:00:00Z"},
      {"Jul  1 00:00:00", "2025-07-01T00:00:00Z"},
      {"Nov 30 00:00:00", "2025-11-30T00:00:00Z"},
      {"Jan  1 00:00:00", "2026-01-01T00:00:00Z"},
      {"Jan  1 00:00:00", "2026-01-01T00:00:00Z"}}},
    {"two new years",
     NULL,
     2025,
     {{"Dec  1 00:00:00", "2025-12-01T00:00:00Z"},
      {"Jan  1 00:00:00", "2026-01-01T00:00:00Z"},
      {"Jun  1 00:00:00", "2026-06-01T00:00:00Z"},
      {"Dec  1 00:00:00", "2026-12-01T00:00:00Z"},
      {"Feb  1 00:00:00", "2027-02-01T00:00:00Z"}}},
    {"a year in the stamp",
     NULL,
     2025,
     {{"Nov 13 2015 13:40:01", "2015-11-13T13:40:01Z"}, {"Nov 14 13:40:01", "2015-11-14T13:40:01Z"}}},
    {"one-digit day, colon behind", NULL, 2025, {{"nov 3 03:40:01:", "2025-11-03T03:40:01Z"}}},
    {"no dates",
     NULL,
     2025,
     {{"Feb 30 00:00:00", NULL},
      {"Apr 31 00:00:00", NULL},
      {"Jan  0 00:00:00", NULL},
      {"Jan  1 24:00:00", NULL},
      {"Jan  1 00:60:00", NULL},
      {"Jan  1 00:00", NULL},
      {"Jab  1 00:00:00", NULL},
      {"Jan 4294967297 00:00:00", NULL}}},
};

Test(text_time, finds_the_year)
{
    set_zone("UTC");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];
        struct text_calendar calendar = {
            .first_year = row->first_year,
            .reference_usec = row->reference ? usec_of(row->reference) : 0,
        };

        for (size_t k = 0; k < ARRAY_SIZE(row->steps) && row->steps[k].stamp; k++) {
            struct slice stamp = slice_from_string(row->steps[k].stamp);
            int64_t usec = -1;
            int r = text_time_read(&calendar, stamp, &usec);

            cr_assert_eq(r, row->steps[k].expected ? 0 : -EINVAL, "%s: %s", row->name, row->steps[k].stamp);
            if (row->steps[k].expected) {
                char text[TIMESTAMP_SIZE];

                format_timestamp(usec, text);
                cr_assert_eq(usec, usec_of(row->steps[k].expected), "%s: %s gave %s, expected %s", row->name,
                             row->steps[k].stamp, text, row->steps[k].expected);
            }
        }
    }
}

Test(text_time, reads_local_time)
{
    struct text_calendar calendar = {.reference_usec = usec_of("2026-01-01T01:00:00Z")};
    int64_t usec;

    /* in Berlin the year begins an hour before UTC's; the reference is 02:00 there */
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    cr_assert_eq(text_time_read(&calendar, SLICE("Jan  1 00:30:00"), &usec), 0);
    cr_assert_eq(usec, usec_of("2025-12-31T23:30:00Z"));
    cr_assert_eq(text_time_read(&calendar, SLICE("Jul  1 12:00:00"), &usec), 0);
    cr_assert_eq(usec, usec_of("2026-07-01T10:00:00Z"), "summer time");
    set_zone("UTC");
}
