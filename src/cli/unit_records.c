/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A detector of buckets says at the end of one what it thinks of each user in it; novelty has nothing to say
 * then, since the score of its unit only grows and each event's verdict is the unit's so far. So the last
 * verdict of a unit is its record. This file keeps the row of each unit of the present bucket, writes it anew
 * with each event, and hands all rows over when an event of a later bucket comes, by user and host.
 *
 * An event of a bucket that is over (late, within the lateness) is a unit of its own to the detector, and a
 * row of its own here, written when it comes.
 *
 * A unit that has alerted says so, whatever its later events do: their reason is that it was repeated.
 *
 * Limit: UNITS_MAX units of one bucket; beyond it those there are written before their bucket is over, and
 * the ones that go on are written again. Cost: a row of 1.5 KiB an event.
 */
#include "cli/unit_records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "util/buffer.h"
#include "util/table.h"

/* chosen: some 100 MiB; a fleet of 100,000 hosts has fewer units in a quarter of an hour */
#define UNITS_MAX 65536U

struct unit {
    UT_hash_handle hh;
    struct slice key; /* user and host, behind the struct */
    struct buffer row;
    enum verdict_reason reason;
};

struct unit_records {
    FILE *out;
    struct unit *units;
    int64_t bucket_usec; /* of the units */
    struct arena arena;
    struct buffer key;
};

int unit_records_new(FILE *out, struct unit_records **ret_records)
{
    struct unit_records *records = calloc(1, sizeof(*records));

    if (!records)
        return -ENOMEM;
    records->out = out;
    *ret_records = records;
    return 0;
}

static void drop(struct unit_records *records, struct unit *unit)
{
    HASH_DEL(records->units, unit);
    buffer_done(&unit->row);
    free(unit);
}

struct unit_records *unit_records_free(struct unit_records *records)
{
    struct unit *unit, *next;

    if (!records)
        return NULL;
    HASH_ITER(hh, records->units, unit, next)
    drop(records, unit);
    arena_done(&records->arena);
    buffer_done(&records->key);
    free(records);
    return NULL;
}

static int compare_keys(const struct unit *a, const struct unit *b)
{
    return slice_compare(a->key, b->key);
}

static void write_row(struct unit_records *records, struct slice row)
{
    (void)fwrite(row.data, 1, row.len, records->out);
    (void)fputc('\n', records->out);
}

void unit_records_flush(struct unit_records *records)
{
    struct unit *unit, *next;

    HASH_SORT(records->units, compare_keys);
    HASH_ITER(hh, records->units, unit, next)
    {
        write_row(records, buffer_slice(&unit->row));
        drop(records, unit);
    }
}

/* The user's bytes, a zero byte, which sorts before all others, and the host's. */
static int make_key(struct unit_records *records, const struct verdict *verdict)
{
    int r;

    buffer_clear(&records->key);
    r = buffer_append_slice(&records->key, verdict->user);
    if (r >= 0)
        r = buffer_append_char(&records->key, '\0');
    return r < 0 ? r : buffer_append_slice(&records->key, verdict->partition);
}

static int find_unit(struct unit_records *records, struct unit **ret_unit)
{
    const struct slice key = buffer_slice(&records->key);
    struct unit *unit;

    HASH_FIND(hh, records->units, key.data, key.len, unit);
    if (!unit) {
        if (HASH_COUNT(records->units) >= UNITS_MAX)
            unit_records_flush(records);
        unit = calloc(1, sizeof(*unit) + key.len);
        if (!unit)
            return -ENOMEM;
        memcpy(unit + 1, key.data, key.len);
        unit->key = slice_new((const char *)(unit + 1), key.len);
        unit->reason = VERDICT_BELOW_THRESHOLD;
        HASH_ADD_KEYPTR(hh, records->units, unit->key.data, unit->key.len, unit);
        if (!unit->hh.tbl) {
            free(unit);
            return -ENOMEM;
        }
    }
    *ret_unit = unit;
    return 0;
}

int unit_records_add(struct unit_records *records, const struct verdict *verdict)
{
    struct verdict said = *verdict;
    struct unit *unit = NULL;
    struct slice row;
    int r;

    if (verdict->n_components == 0)
        return 0;
    if (verdict->bucket_start_usec > records->bucket_usec) {
        unit_records_flush(records);
        records->bucket_usec = verdict->bucket_start_usec;
    }
    if (verdict->bucket_start_usec == records->bucket_usec) {
        r = make_key(records, verdict);
        if (r >= 0)
            r = find_unit(records, &unit);
        if (r < 0)
            return r;
        if (verdict->reason == VERDICT_REPEATED && unit->reason != VERDICT_BELOW_THRESHOLD)
            said.reason = unit->reason;
        unit->reason = said.reason;
    }
    arena_reset(&records->arena);
    r = alert_record_row(&said, &records->arena, &row);
    if (r < 0)
        return r;
    if (!unit) {
        write_row(records, row);
        return 0;
    }
    buffer_clear(&unit->row);
    return buffer_append_slice(&unit->row, row);
}
