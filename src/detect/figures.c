/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every limit of a detector has a counter, and a counter that nobody can look at is none. One table says what
 * there is; detectors fill in what they have, and metrics, status and state all walk the table, so that a new
 * figure is one line here and one where it is counted.
 *
 * Counters are kept over restarts (a table that overflowed before the last update has overflowed); what is as
 * of now is kept too, for `hapax status`, which reads the state and restores no users. A record that a source
 * hands over twice around a crash is counted twice: figures are no evidence.
 */
#include "detect/figures.h"

#include <errno.h>
#include <math.h>

#include "util/cleanup.h"

const struct figure_row figure_rows[N_FIGURES] = {
    [FIGURE_USERS] = {FIGURE_KIND_ENTRIES, "users", false},
    [FIGURE_HOSTS] = {FIGURE_KIND_ENTRIES, "hosts", false},
    [FIGURE_PAIRS] = {FIGURE_KIND_ENTRIES, "pairs", false},
    [FIGURE_POPULATIONS] = {FIGURE_KIND_ENTRIES, "populations", false},
    [FIGURE_EVICTED_USERS] = {FIGURE_KIND_EVICTED, "users", true},
    [FIGURE_EVICTED_HOSTS] = {FIGURE_KIND_EVICTED, "hosts", true},
    [FIGURE_EVICTED_PAIRS] = {FIGURE_KIND_EVICTED, "pairs", true},
    [FIGURE_EVICTED_POPULATIONS] = {FIGURE_KIND_EVICTED, "populations", true},
    [FIGURE_LATE] = {FIGURE_KIND_EVENTS, "late", true},
    [FIGURE_REPEATED] = {FIGURE_KIND_EVENTS, "repeated", true},
    [FIGURE_CAPPED] = {FIGURE_KIND_EVENTS, "capped", true},
    [FIGURE_NAMES_CUT] = {FIGURE_KIND_EVENTS, "name_cut", true},
    [FIGURE_COMMANDS_MERGED] = {FIGURE_KIND_EVENTS, "command_merged", true},
    [FIGURE_TABLE_FULL] = {FIGURE_KIND_EVENTS, "table_full", true},
    [FIGURE_EVENTS_CUT] = {FIGURE_KIND_EVENTS, "event_cut", true},
    [FIGURE_INFLUENCES_CUT] = {FIGURE_KIND_EVENTS, "influencer_cut", true},
    [FIGURE_ALERTS] = {FIGURE_KIND_ALERTS, "alerts", true},
    [FIGURE_CASES] = {FIGURE_KIND_LEVEL, "cases", false},
    [FIGURE_BUDGET] = {FIGURE_KIND_LEVEL, "budget_per_day", false},
    [FIGURE_THRESHOLD] = {FIGURE_KIND_LEVEL, "threshold", false},
};

void figures_go_on(struct figures *figures, const struct figures *before)
{
    for (size_t i = 0; i < N_FIGURES; i++)
        if (figure_rows[i].is_counter && figures->has[i] && before->has[i])
            figures->values[i] += before->values[i];
}

bool figures_equal(const struct figures *a, const struct figures *b)
{
    for (size_t i = 0; i < N_FIGURES; i++)
        if (a->has[i] != b->has[i] || (a->has[i] && a->values[i] != b->values[i]))
            return false;
    return true;
}

/* One after the other; what there is not is no number. */
int figures_save(const struct figures *figures, struct buffer *out)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < N_FIGURES; i++)
        r = buffer_append_double(out, figures->has[i] ? figures->values[i] : NAN);
    return r;
}

int figures_load(struct slice value, struct figures *ret_figures)
{
    struct figures figures = {0};
    double v;
    int r;

    for (size_t i = 0; value.len > 0; i++) {
        r = slice_read_double(&value, &v);
        if (r < 0)
            return r;
        if (isinf(v) || v < 0)
            return -EBADMSG;
        if (i < N_FIGURES && !isnan(v))
            figures_set(&figures, (enum figure)i, v);
    }
    *ret_figures = figures;
    return 0;
}
