/* SPDX-License-Identifier: Apache-2.0 */

/* Fields of the journal by their names. */
#include "event/journal_field.h"

#include "support.h"
#include "util/cleanup.h"

Test(journal_field, every_name_is_found_and_nothing_that_resembles_one)
{
    static const struct {
        const char *text;
        enum journal_field field;
    } rows[] = {
        {"MESSAGE", JOURNAL_FIELD_MESSAGE},
        {"MESSAGE=", JOURNAL_FIELD_MESSAGE},
        {"MESSAGE=a=b", JOURNAL_FIELD_MESSAGE},
        {"MESSAGE_ID=1", JOURNAL_FIELD_NONE},
        {"MESSAG", JOURNAL_FIELD_NONE},
        {"_AUDIT_TYPE=1300", JOURNAL_FIELD_AUDIT_NUMBER},
        {"_AUDIT_TYPE_NAME=SYSCALL", JOURNAL_FIELD_AUDIT_TYPE},
        {"_AUDIT_TYPE_NAM=", JOURNAL_FIELD_NONE},
        {"_AUDIT_FIELD_A0=ls", JOURNAL_FIELD_NONE},
        {"_SYSTEMD_UNIT=a.service", JOURNAL_FIELD_UNIT},
        {"_SYSTEMD_USER_UNIT=a.service", JOURNAL_FIELD_NONE},
        {"SYSLOG_PID=1", JOURNAL_FIELD_SYSLOG_PID},
        {"_EXE=/bin/ls", JOURNAL_FIELD_EXE},
        {"PRIORITY=6", JOURNAL_FIELD_NONE},
        {"_E", JOURNAL_FIELD_NONE},
        {"_=", JOURNAL_FIELD_NONE},
        {"_", JOURNAL_FIELD_NONE},
        {"", JOURNAL_FIELD_NONE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        cr_assert_eq(journal_field_find(slice_from_string(rows[i].text)), rows[i].field, "%s", rows[i].text);
    for (unsigned i = 0; i < JOURNAL_FIELD_NONE; i++)
        cr_assert_eq(journal_field_find(journal_field_name((enum journal_field)i)), (enum journal_field)i,
                     "%.*s", SLICE_FMT(journal_field_name((enum journal_field)i)));
}
