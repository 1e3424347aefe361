/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names and numbers of journal fields. Looked up for each field of each entry, and most are none of these: so
 * the second byte, in which the names differ most, says at once with which of the names to compare, mostly
 * one or none. The order of enum journal_field keeps those that share it together.
 */
#include "event/journal_field.h"

#include <stdint.h>

#include "util/cleanup.h"

static const struct slice names[] = {
    [JOURNAL_FIELD_MESSAGE] = SLICE("MESSAGE"),
    [JOURNAL_FIELD_EXE] = SLICE("_EXE"),
    [JOURNAL_FIELD_TRANSPORT] = SLICE("_TRANSPORT"),
    [JOURNAL_FIELD_IDENTIFIER] = SLICE("SYSLOG_IDENTIFIER"),
    [JOURNAL_FIELD_SYSLOG_PID] = SLICE("SYSLOG_PID"),
    [JOURNAL_FIELD_HOST] = SLICE("_HOSTNAME"),
    [JOURNAL_FIELD_BOOT] = SLICE("_BOOT_ID"),
    [JOURNAL_FIELD_COMM] = SLICE("_COMM"),
    [JOURNAL_FIELD_UID] = SLICE("_UID"),
    [JOURNAL_FIELD_PID] = SLICE("_PID"),
    [JOURNAL_FIELD_UNIT] = SLICE("_SYSTEMD_UNIT"),
    [JOURNAL_FIELD_SOURCE_TIME] = SLICE("_SOURCE_REALTIME_TIMESTAMP"),
    [JOURNAL_FIELD_AUDIT_ID] = SLICE("_AUDIT_ID"),
    [JOURNAL_FIELD_AUDIT_TYPE] = SLICE("_AUDIT_TYPE_NAME"),
    [JOURNAL_FIELD_AUDIT_NUMBER] = SLICE("_AUDIT_TYPE"),
    [JOURNAL_FIELD_RECEIVE_TIME] = SLICE("__REALTIME_TIMESTAMP"),
};
_Static_assert(ARRAY_SIZE(names) == JOURNAL_FIELD_NONE, "every field has a name");

/* By the lower bits of the second byte: letters and '_' have one row each. */
#define ROW(c) ((c)&31)

static const struct {
    uint8_t first, n;
} rows[32] = {
    [ROW('E')] = {JOURNAL_FIELD_MESSAGE, 2},      [ROW('T')] = {JOURNAL_FIELD_TRANSPORT, 1},
    [ROW('Y')] = {JOURNAL_FIELD_IDENTIFIER, 2},   [ROW('H')] = {JOURNAL_FIELD_HOST, 1},
    [ROW('B')] = {JOURNAL_FIELD_BOOT, 1},         [ROW('C')] = {JOURNAL_FIELD_COMM, 1},
    [ROW('U')] = {JOURNAL_FIELD_UID, 1},          [ROW('P')] = {JOURNAL_FIELD_PID, 1},
    [ROW('S')] = {JOURNAL_FIELD_UNIT, 2},         [ROW('A')] = {JOURNAL_FIELD_AUDIT_ID, 3},
    [ROW('_')] = {JOURNAL_FIELD_RECEIVE_TIME, 1},
};

struct slice journal_field_name(enum journal_field field)
{
    return names[field];
}

enum journal_field journal_field_find(struct slice text)
{
    unsigned row, end;

    if (text.len < 2)
        return JOURNAL_FIELD_NONE;
    row = ROW((uint8_t)text.data[1]);
    end = (unsigned)rows[row].first + rows[row].n;
    for (unsigned i = rows[row].first; i < end; i++)
        if (slice_starts_with(text, names[i]) && (text.len == names[i].len || text.data[names[i].len] == '='))
            return (enum journal_field)i;
    return JOURNAL_FIELD_NONE;
}
