/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_REPORT_HOSTS_H
#define HAPAX_REPORT_HOSTS_H

/* One row for each host. Zero-initialise, release with hosts_done. */

#include "util/cleanup.h"
#include "util/slice.h"
#include "util/table.h"

struct host_sums {
    uint64_t n_events, n_selected, n_alerts;
    uint64_t n_late;      /* arrivals behind a newer one */
    double late_usec_sum; /* of those */
    int64_t late_usec_max;
};

struct host_row {
    UT_hash_handle hh;
    char *name;
    size_t name_len;
    struct host_sums sums;
};

struct hosts {
    struct host_row *rows;
    uint64_t n_folded; /* rows in others */
    struct host_sums others;
};

void hosts_done(struct hosts *hosts);

/* The row of the host, made where it is missing. 0 or -ENOMEM. */
int hosts_get(struct hosts *hosts, struct slice name, struct host_row **ret_row) _warn_unused_;

/* Sorts the loudest first and folds what is behind the first n into the others. */
void hosts_rank(struct hosts *hosts, size_t n);

#endif
