/* SPDX-License-Identifier: Apache-2.0 */

/* crontab(5) lines as recurrence rules. */
#include "select/schedule.h"

#include "support.h"

static const struct {
    const char *line, *rules;
} good[] = {
    {"30 22 * * 1-5", "FREQ=DAILY;BYMINUTE=30;BYHOUR=22;BYDAY=MO,TU,WE,TH,FR"},
    {"0 0 1 * *", "FREQ=DAILY;BYMINUTE=0;BYHOUR=0;BYMONTHDAY=1"},
    {"0 2 1 * sun", "FREQ=DAILY;BYMINUTE=0;BYHOUR=2;BYMONTHDAY=1\nFREQ=DAILY;BYMINUTE=0;BYHOUR=2;BYDAY=SU"},
    {"*/20 8-18/5 * jan,JUL 7", "FREQ=DAILY;BYMINUTE=0,20,40;BYHOUR=8,13,18;BYMONTH=1,7;BYDAY=SU"},
    {"5/30 0 * * *", "FREQ=DAILY;BYMINUTE=5,35;BYHOUR=0"},
    {"0 0 * * 0-7", "FREQ=DAILY;BYMINUTE=0;BYHOUR=0"},
    {" 1   2 *  * * ", "FREQ=DAILY;BYMINUTE=1;BYHOUR=2"},
    {"@weekly", "FREQ=DAILY;BYMINUTE=0;BYHOUR=0;BYDAY=SU"},
};

static const struct {
    const char *line, *message;
} bad[] = {
    {"", "expected five fields, such as '30 22 * * 1-5'"},
    {"0 0 * *", "expected five fields, such as '30 22 * * 1-5'"},
    {"0 0 * * * *", "expected five fields, such as '30 22 * * 1-5'"},
    {"@reboot", "'@reboot' names no minutes, expected 0 to 59, lists, ranges or steps"},
    {"60 0 * * *", "'60' names no minutes, expected 0 to 59, lists, ranges or steps"},
    {"0 5-1 * * *", "'5-1' names no hours, expected 0 to 23, lists, ranges or steps"},
    {"0 0 0 * *", "'0' names no days of the month, expected 1 to 31, lists, ranges or steps"},
    {"0 0 * foo *", "'foo' names no months, expected 1 to 12, lists, ranges or steps"},
    {"0 0 * * 1,,2", "'1,,2' names no days of the week, expected 0 to 7, lists, ranges or steps"},
    {"*/0 0 * * *", "'*/0' names no minutes, expected 0 to 59, lists, ranges or steps"},
};

Test(schedule_cron, lines_become_rules)
{
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
        _cleanup_(freep) char *message = NULL;

        cr_expect_eq(schedule_cron(slice_from_string(good[i].line), &out, &message), 0, "%s: %s",
                     good[i].line, message);
        cr_expect(slice_equal_string(buffer_slice(&out), good[i].rules), "%s: got %.*s", good[i].line,
                  SLICE_FMT(buffer_slice(&out)));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
        _cleanup_(freep) char *message = NULL;

        cr_expect_lt(schedule_cron(slice_from_string(bad[i].line), &out, &message), 0, "%s", bad[i].line);
        cr_expect_str_eq(message, bad[i].message, "%s: %s", bad[i].line, message);
    }
}
