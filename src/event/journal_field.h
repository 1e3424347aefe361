/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_EVENT_JOURNAL_FIELD_H
#define HAPAX_EVENT_JOURNAL_FIELD_H

/*
 * The fields of a journal entry that anybody reads. An entry has twenty to thirty of them; who brings entries
 * need not bring the others.
 */

#include "util/slice.h"

enum journal_field {
    JOURNAL_FIELD_MESSAGE,
    JOURNAL_FIELD_EXE,
    JOURNAL_FIELD_TRANSPORT,
    JOURNAL_FIELD_IDENTIFIER,
    JOURNAL_FIELD_SYSLOG_PID,
    JOURNAL_FIELD_HOST,
    JOURNAL_FIELD_BOOT,
    JOURNAL_FIELD_COMM,
    JOURNAL_FIELD_UID,
    JOURNAL_FIELD_PID,
    JOURNAL_FIELD_UNIT,
    JOURNAL_FIELD_SOURCE_TIME,
    JOURNAL_FIELD_AUDIT_ID,
    JOURNAL_FIELD_AUDIT_TYPE,
    JOURNAL_FIELD_AUDIT_NUMBER,
    JOURNAL_FIELD_RECEIVE_TIME, /* not of the entry itself: what journald stores beside it */
    JOURNAL_FIELD_NONE,
};

/* Its name, as in systemd.journal-fields(7). */
struct slice journal_field_name(enum journal_field field);

/* The field of this name, which ends with the text or at a '='; JOURNAL_FIELD_NONE: none that is read. */
enum journal_field journal_field_find(struct slice text);

#endif
