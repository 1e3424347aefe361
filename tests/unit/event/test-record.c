/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Looking up a journal field.
 */
#include "event/record.h"

#include "support.h"
#include "util/cleanup.h"

Test(record, a_field_is_found_by_its_whole_name)
{
    static const struct record_field fields[] = {
        {SLICE("MESSAGE"), SLICE("a\0b")},
        {SLICE("_UID"), SLICE("0")},
        {SLICE("_UID"), SLICE("second")}, /* a journal entry may repeat a field: the first counts */
        {SLICE("EMPTY"), SLICE("")},
    };
    const struct record record = {.kind = RECORD_JOURNAL, .fields = fields, .n_fields = ARRAY_SIZE(fields)};
    const struct record line = {.kind = RECORD_LINE, .bytes = SLICE("MESSAGE=x")};

    cr_assert(slice_equal(record_find_field(&record, SLICE("MESSAGE")), SLICE("a\0b")));
    assert_slice(record_find_field(&record, SLICE("_UID")), "0", "repeated");
    cr_assert_not(slice_is_absent(record_find_field(&record, SLICE("EMPTY"))));
    cr_assert(slice_is_absent(record_find_field(&record, SLICE("UID"))));
    cr_assert(slice_is_absent(record_find_field(&record, SLICE("message"))));
    cr_assert(slice_is_absent(record_find_field(&line, SLICE("MESSAGE"))));
}
