/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_FIGURES_H
#define HAPAX_DETECT_FIGURES_H

/* What a detector remembers, what it had to do with what came, and what it goes by: for those who watch it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "event/change.h"
#include "util/buffer.h"

/* The order is that of the state: new ones go to the end. */
enum figure {
    FIGURE_USERS,
    FIGURE_HOSTS,
    FIGURE_PAIRS,
    FIGURE_POPULATIONS,
    FIGURE_EVICTED_USERS,
    FIGURE_EVICTED_HOSTS,
    FIGURE_EVICTED_PAIRS,
    FIGURE_EVICTED_POPULATIONS,
    FIGURE_LATE,
    FIGURE_REPEATED,
    FIGURE_CAPPED,
    FIGURE_NAMES_CUT,
    FIGURE_COMMANDS_MERGED,
    FIGURE_TABLE_FULL,
    FIGURE_EVENTS_CUT,
    FIGURE_INFLUENCES_CUT,
    FIGURE_ALERTS, /* the chain's */
    FIGURE_CASES,
    FIGURE_BUDGET,
    FIGURE_THRESHOLD,
    N_FIGURES,
};

enum figure_kind {
    FIGURE_KIND_ENTRIES, /* in a table, now */
    FIGURE_KIND_EVICTED, /* from a table, for want of room */
    FIGURE_KIND_EVENTS,  /* that came to something else than an ordinary score */
    FIGURE_KIND_ALERTS,
    FIGURE_KIND_LEVEL, /* what it goes by, now */
};

struct figure_row {
    enum figure_kind kind;
    const char *name; /* of the table, of what became of events, of the level */
    bool is_counter;  /* counts from the first start on; else it is as of now */
};
extern const struct figure_row figure_rows[N_FIGURES];

struct figures {
    double values[N_FIGURES]; /* counts are exact up to 2^53 */
    bool has[N_FIGURES];      /* else the detector has no such thing */
};

static inline void figures_set(struct figures *figures, enum figure figure, double value)
{
    figures->values[figure] = value;
    figures->has[figure] = true;
}

/* Counters begin where those before ended. */
void figures_go_on(struct figures *figures, const struct figures *before);
bool figures_equal(const struct figures *a, const struct figures *b);

/* One piece of state. 0 or -ENOMEM. */
int figures_save(const struct figures *figures, struct buffer *out) _warn_unused_;
/* -EBADMSG on bytes that figures_save did not write; ones that a later version added are left out. */
int figures_load(struct slice value, struct figures *ret_figures) _warn_unused_;

#endif
