/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fuzz target: any journal entry. The input's lines are fields, NAME=value with any bytes but a line feed;
 * the first byte is the input's trust. Beyond "does not crash": the outcome is one of four, what is said to
 * be there is, and an input that anyone can write proves nothing, whatever fields it carries.
 */
#include <assert.h>
#include <stdint.h>

#include "normalize/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define MAX_FIELDS 64U

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct record_field fields[MAX_FIELDS];
    struct record record = {.kind = RECORD_JOURNAL, .fields = fields, .seq = 1};
    struct journal_entry entry = {0};
    struct slice rest;
    int r;

    if (n == 0)
        return 0;
    record.trust = (enum trust)(bytes[0] % 4);
    rest = slice_new((const char *)bytes + 1, n - 1);
    while (rest.len > 0 && record.n_fields < MAX_FIELDS) {
        size_t end = slice_find(rest, '\n');
        struct slice line = slice_head(rest, end);
        size_t equals = slice_find(line, '=');

        fields[record.n_fields++] =
            (struct record_field){slice_head(line, equals), slice_skip(line, MIN(equals + 1, line.len))};
        rest = slice_skip(rest, MIN(end + 1, rest.len));
    }
    r = journal_read(&record, &entry);
    assert(r == JOURNAL_UNUSABLE || r == JOURNAL_BROKEN || r == JOURNAL_AUDIT || r == JOURNAL_MESSAGE);
    assert(r != JOURNAL_AUDIT || !slice_is_absent(entry.audit.type));
    assert(record.trust != TRUST_LOW || (r != JOURNAL_AUDIT && r != JOURNAL_MESSAGE) ||
           entry.trust == TRUST_LOW);
    return 0;
}
