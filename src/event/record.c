/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A record is a plain view of what a source read; the only thing to do with it here is to look a journal
 * field up. An entry has some thirty fields and a reader asks for a handful, so a walk is cheaper than any
 * index.
 */
#include "event/record.h"

struct slice record_find_field(const struct record *record, struct slice name)
{
    for (size_t i = 0; i < record->n_fields; i++)
        if (slice_equal(record->fields[i].name, name))
            return record->fields[i].value;
    return SLICE_NULL;
}
