/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which hosts are loud and which are slow.
 *
 * How late a host is, is measured where its events leave their input: behind the newest event of the same
input,
 * since files that are replayed side by side are merged by time and would all look punctual. Names come from
 * outside: at REPORT_HOSTS_KEPT rows the quieter half is folded into one row of others
, so that invented names push out each other and not the fleet. Memory: some 200
 * bytes and the name a row.
 */
#include "report/hosts.h"

#include <errno.h>

#include "report/report.h"

static void row_free(struct host_row *row)
{
    free(row->name);
    free(row);
}

void hosts_done(struct hosts *hosts)
{
    struct host_row *row, *next;

    HASH_ITER(hh, hosts->rows, row, next)
    {
        HASH_DEL(hosts->rows, row);
        row_free(row);
    }
}

static int compare(const struct host_row *a, const struct host_row *b)
{
    if (a->sums.n_events != b->sums.n_events)
        return a->sums.n_events > b->sums.n_events ? -1 : 1;
    if (a->sums.n_alerts != b->sums.n_alerts)
        return a->sums.n_alerts > b->sums.n_alerts ? -1 : 1;
    if (a->sums.late_usec_max != b->sums.late_usec_max)
        return a->sums.late_usec_max > b->sums.late_usec_max ? -1 : 1;
    return slice_compare(slice_new(a->name, a->name_len), slice_new(b->name, b->name_len));
}

static void fold(struct host_sums *into, const struct host_sums *s)
{
    into->n_events += s->n_events;
    into->n_selected += s->n_selected;
    into->n_alerts += s->n_alerts;
    into->n_late += s->n_late;
    into->late_usec_sum += s->late_usec_sum;
    into->late_usec_max = MAX(into->late_usec_max, s->late_usec_max);
}

void hosts_rank(struct hosts *hosts, size_t n)
{
    struct host_row *row, *next;
    size_t i = 0;

    HASH_SORT(hosts->rows, compare);
    HASH_ITER(hh, hosts->rows, row, next)
    {
        if (i++ < n)
            continue;
        hosts->n_folded++;
        fold(&hosts->others, &row->sums);
        HASH_DEL(hosts->rows, row);
        row_free(row);
    }
}

int hosts_get(struct hosts *hosts, struct slice name, struct host_row **ret_row)
{
    struct host_row *row;
    const char *bytes = name.data ? name.data : "";

    HASH_FIND(hh, hosts->rows, bytes, name.len, row);
    if (row) {
        *ret_row = row;
        return 0;
    }
    if (HASH_COUNT(hosts->rows) >= REPORT_HOSTS_KEPT)
        hosts_rank(hosts, REPORT_HOSTS_KEPT / 2);
    row = calloc(1, sizeof(*row));
    if (!row)
        return -ENOMEM;
    row->name = malloc(name.len + 1);
    if (!row->name) {
        free(row);
        return -ENOMEM;
    }
    memcpy(row->name, bytes, name.len);
    row->name[name.len] = '\0';
    row->name_len = name.len;
    HASH_ADD_KEYPTR(hh, hosts->rows, row->name, row->name_len, row);
    if (!row->hh.tbl) {
        row_free(row);
        return -ENOMEM;
    }
    *ret_row = row;
    return 0;
}
