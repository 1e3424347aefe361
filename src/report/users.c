/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who did what when, for the table of users and the heat map.
 *
 * A table that outsiders can fill: at REPORT_USERS_KEPT rows the less interesting half is folded into one row
 * of others, and the room is used anew. Interesting is what people look for in the report: alerts first, then
 * the highest score, then few events. So a newcomer is kept and a crowd of ordinary users is not, and the
 * cost is a sort every 8192 new rows. A folded user who comes back is a row again that does not know its
 * past; unless the detector says that it is new, it is marked as partial.
 *
 * Memory: about 1 KB a row, 16 MB at most.
 */
#include "report/users.h"

#include <errno.h>

#include "report/report.h"
#include "util/buffer.h"
#include "util/parse.h"

static void row_free(struct user_row *row)
{
    free(row->key);
    free(row);
}

void users_done(struct users *users)
{
    struct user_row *row, *next;

    HASH_ITER(hh, users->rows, row, next)
    {
        HASH_DEL(users->rows, row);
        row_free(row);
    }
}

static int compare(const struct user_row *a, const struct user_row *b)
{
    int r;

    if ((a->sums.n_alerts > 0) != (b->sums.n_alerts > 0))
        return a->sums.n_alerts > 0 ? -1 : 1;
    if (a->score_max != b->score_max)
        return a->score_max > b->score_max ? -1 : 1;
    if (a->has_probability && b->has_probability && a->probability != b->probability)
        return a->probability < b->probability ? -1 : 1;
    if (a->sums.n_events != b->sums.n_events)
        return a->sums.n_events < b->sums.n_events ? -1 : 1;
    r = slice_compare(a->user, b->user);
    if (r == 0)
        r = slice_compare(a->job, b->job);
    return r != 0 ? r : slice_compare(a->partition, b->partition);
}

void users_rank(struct users *users, size_t n)
{
    struct user_row *row, *next;
    size_t i = 0;

    HASH_SORT(users->rows, compare);
    HASH_ITER(hh, users->rows, row, next)
    {
        if (i++ < n)
            continue;
        users->n_folded++;
        users->others.n_events += row->sums.n_events;
        users->others.n_records += row->sums.n_records;
        users->others.n_alerts += row->sums.n_alerts;
        users->others.n_held += row->sums.n_held;
        HASH_DEL(users->rows, row);
        row_free(row);
    }
}

/* (job, population, user), each with its length, in one piece. */
static int make_key(const struct verdict *v, struct buffer *out)
{
    int r = buffer_append_field(out, slice_from_string(v->job));

    if (r >= 0)
        r = buffer_append_field(out, slice_new(v->partition.data ? v->partition.data : "", v->partition.len));
    return r < 0 ? r : buffer_append_field(out, v->user);
}

int users_get(struct users *users, const struct verdict *v, struct user_row **ret_row)
{
    _cleanup_(buffer_done) struct buffer key = BUFFER_INIT;
    struct user_row *row;
    struct slice rest;
    int r = make_key(v, &key);

    if (r < 0)
        return r;
    HASH_FIND(hh, users->rows, key.data, key.len, row);
    if (row) {
        *ret_row = row;
        return 0;
    }
    if (HASH_COUNT(users->rows) >= REPORT_USERS_KEPT)
        users_rank(users, REPORT_USERS_KEPT / 2);
    row = calloc(1, sizeof(*row));
    if (!row)
        return -ENOMEM;
    rest = buffer_slice(&key);
    r = slice_read_field(&rest, &row->job);
    if (r >= 0)
        r = slice_read_field(&rest, &row->partition);
    if (r >= 0)
        r = slice_read_field(&rest, &row->user);
    if (r < 0) {
        free(row);
        return r;
    }
    row->is_by_process = v->is_by_process;
    row->is_partial = users->n_folded > 0 && !v->is_first_seen;
    row->key = TAKE_PTR(key.data);
    HASH_ADD_KEYPTR(hh, users->rows, row->key, key.len, row);
    if (!row->hh.tbl) {
        row_free(row);
        return -ENOMEM;
    }
    *ret_row = row;
    return 0;
}

/* 1970-01-01 was a Thursday: three days after a Monday. */
static unsigned hour_of_week(int64_t usec)
{
    int64_t hour = (usec / USEC_PER_HOUR - (usec % USEC_PER_HOUR < 0) + 72) % HOURS_OF_WEEK;

    return (unsigned)(hour < 0 ? hour + HOURS_OF_WEEK : hour);
}

static void see(struct user_row *row, const struct verdict *v)
{
    int64_t usec = v->event->time_usec;
    uint32_t *n = &row->hours[hour_of_week(usec)];

    row->sums.n_events++;
    *n += *n < UINT32_MAX;
    if (!row->is_seen) {
        /* what the state remembers is older than this stream */
        row->first_usec = !v->is_first_seen && v->first_seen_usec != 0 ? MIN(usec, v->first_seen_usec) : usec;
        row->last_usec = usec;
        row->is_seen = true;
    }
    row->first_usec = MIN(row->first_usec, usec);
    row->last_usec = MAX(row->last_usec, usec);
}

void user_row_count(struct user_row *row, const struct verdict *v)
{
    if (v->is_final)
        row->sums.n_records++;
    else
        see(row, v);
    row->sums.n_alerts += v->reason == VERDICT_ALERT;
    if (v->score > row->score_max)
        row->score_max = v->score;
    if (v->has_probability) {
        row->has_probability = true;
        row->probability = v->probability;
    }
}
