/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `status` and `replay --learn` say the same in the same words: the one line a person compares after teaching
 * a detector and a week later. What is still missing is said as the rule has it; a detector with a rule of
 * its own (novelty) only says that it learns.
 */
#include "cli/learned.h"

#include <inttypes.h>

#include "util/parse.h"

#define USEC_PER_DAY_D (86400.0 * 1e6)

void learned_print(FILE *out, const struct chain_learning *l)
{
    const struct learning *s = &l->learning;
    char time[TIMESTAMP_SIZE], first[TIMESTAMP_SIZE], last[TIMESTAMP_SIZE];

    (void)fprintf(out, "%s (%s): ", l->job, l->detector);
    if (s->n_events == 0) {
        (void)fputs("learning, nothing seen yet\n", out);
        return;
    }
    if (s->active_usec > 0) {
        format_timestamp(s->active_usec, time);
        (void)fprintf(out, "active since %s", time);
    } else {
        (void)fputs("learning", out);
        if (s->n_units < l->rule.min_units)
            (void)fprintf(out, ", %" PRIu64 " of %" PRIu64 " user-buckets", s->n_units, l->rule.min_units);
        if (s->last_usec - s->first_usec < l->rule.min_usec)
            (void)fprintf(out, ", %.1f of %.1f days", (double)(s->last_usec - s->first_usec) / USEC_PER_DAY_D,
                          (double)l->rule.min_usec / USEC_PER_DAY_D);
    }
    format_timestamp(s->first_usec, first);
    format_timestamp(s->last_usec, last);
    (void)fprintf(out,
                  "; %" PRIu64 " process starts in %" PRIu64 " user-buckets, %s to %s; %" PRIu64
                  " withheld while learning\n",
                  s->n_events, s->n_units, first, last, s->n_withheld);
}
