/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rows that other programs read: numbers with 17 significant digits, which give the same double back, and
 * times with the milliseconds that audit has. The user is the identity that the job counts. A score without a
 * probability (the model is too young) leaves its column empty.
 */
#include "cli/scores.h"

#include <stdlib.h>
#include <string.h>

/* RFC 4180 section 2: quoted where it holds a quote, a comma or a line end; quotes are doubled. */
static void write_csv_field(FILE *out, struct slice s)
{
    bool is_plain = true;

    for (size_t i = 0; i < s.len && is_plain; i++)
        is_plain = !memchr("\",\r\n", s.data[i], 4);
    if (is_plain) {
        (void)fwrite(s.data ? s.data : "", 1, s.len, out);
        return;
    }
    (void)fputc('"', out);
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"')
            (void)fputc('"', out);
        (void)fputc(s.data[i], out);
    }
    (void)fputc('"', out);
}

void scores_write_row(FILE *out, const struct verdict *v)
{
    const struct event *event = v->event;
    int64_t msec = event->time_usec / 1000;

    (void)fprintf(out, "%s%lld.%03lld,", msec < 0 ? "-" : "", llabs(msec / 1000), llabs(msec % 1000));
    write_csv_field(out, event->host);
    (void)fputc(',', out);
    write_csv_field(out, v->user);
    (void)fputc(',', out);
    write_csv_field(out, event->process_name);
    (void)fprintf(out, ",%s,%s,", v->job, v->detector);
    if (v->has_probability)
        (void)fprintf(out, "%.17g", v->probability);
    (void)fprintf(out, ",%.17g,%d\r\n", v->score, v->reason == VERDICT_ALERT);
}
