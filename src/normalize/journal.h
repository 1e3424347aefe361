/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JOURNAL_H
#define HAPAX_NORMALIZE_JOURNAL_H

/* A journal entry's fields to what the readers of text and audit records take. */

#include "normalize/audit.h"
#include "normalize/text.h"

enum journal_outcome {
    JOURNAL_UNUSABLE, /* no MESSAGE: nobody's to read */
    JOURNAL_BROKEN,   /* of the audit transport, without its type, time or serial */
    JOURNAL_AUDIT,    /* entry.audit is filled: the kernel's audit transport */
    JOURNAL_MESSAGE,  /* entry.line is filled */
};

struct journal_entry {
    struct audit_record audit; /* all but received_usec; trust is in it, too */
    struct text_line line;
    enum trust trust;
    bool may_be_audit; /* the writer is one that writes audit records: the kernel, auditd's forwarders */
    struct slice unit; /* of the process that logged, where that is the process the message is about */
};

/*
 * Returns an enum journal_outcome; slices are borrowed from record. trust is what the fields prove, but
 * TRUST_LOW where the record's own trust is: fields out of an input that anyone can write prove nothing.
 */
int journal_read(const struct record *record, struct journal_entry *ret_entry) _warn_unused_;

#endif
