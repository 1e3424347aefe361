/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The wrapper: counts, and what passes through it.
 */
#include <errno.h>
#include <syslog.h>

#include "fixture.h"

/* A sink that does what the test says. */
struct puppet {
    struct sink sink;
    int r;               /* what write returns */
    int confirms, error; /* whether it confirms within write, and how */
    int n_done;
};

static int *n_done;
static struct heard heard;

static int puppet_write(struct sink *sink, const struct document *document, uint64_t ticket)
{
    struct puppet *p = (struct puppet *)sink;

    if (p->confirms)
        sink_confirm(sink, ticket, p->error, p->error < 0 ? "no" : "ignored");
    return p->r;
}

static int puppet_flush(struct sink *sink, int64_t timeout_usec)
{
    return timeout_usec > 100 ? 0 : -ETIMEDOUT;
}

static void puppet_done(struct sink *sink)
{
    (*n_done)++;
}

static const struct option_table puppet_options = {.struct_size = 1};
static const struct sink_driver puppet_driver = {
    .name = "puppet",
    .summary = "does as told",
    .options = &puppet_options,
    .struct_size = sizeof(struct puppet),
    .write = puppet_write,
    .flush = puppet_flush,
    .done = puppet_done,
};

Test(sink, counts_what_is_taken_refused_confirmed_and_failed)
{
    static const struct {
        const char *name;
        int r, confirms, error;
        uint64_t n_written, n_confirmed, n_failed, n_in_flight; /* after this row */
    } rows[] = {
        {"taken, in flight", 0, 0, 0, 1, 0, 0, 1},
        {"taken and confirmed at once", 0, 1, 0, 2, 1, 0, 1},
        {"taken, can never be delivered", 0, 1, -EMSGSIZE, 3, 1, 1, 1},
        {"refused for now", -EAGAIN, 0, 0, 3, 1, 1, 1},
        {"broken", -EIO, 0, 0, 3, 1, 1, 1},
    };
    int done = 0;
    struct sink *sink = hear(&puppet_driver, NULL, &heard);

    n_done = &done;
    start(sink, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct puppet *p = (struct puppet *)sink;
        const struct sink_stats *stats = sink_stats(sink);

        p->r = rows[i].r;
        p->confirms = rows[i].confirms;
        p->error = rows[i].error;
        cr_assert_eq(write_text(sink, "{}", i), rows[i].r, "%s", rows[i].name);
        cr_assert_eq(stats->n_written, rows[i].n_written, "%s", rows[i].name);
        cr_assert_eq(stats->n_confirmed, rows[i].n_confirmed, "%s", rows[i].name);
        cr_assert_eq(stats->n_failed, rows[i].n_failed, "%s", rows[i].name);
        cr_assert_eq(stats->n_in_flight, rows[i].n_in_flight, "%s", rows[i].name);
    }
    /* a message goes with an error only */
    cr_assert_eq(heard.n_confirmed, 2);
    cr_assert_str_eq(heard.confirmed[0].message, "");
    cr_assert_str_eq(heard.confirmed[1].message, "no");
    cr_assert_eq(sink_flush(sink, 101), 0);
    cr_assert_eq(sink_flush(sink, 100), -ETIMEDOUT);
    cr_assert_eq(sink_reopen(sink), 0, "no reopen: nothing to do");
    cr_assert_eq(done, 0);
    cr_assert_null(sink_free(sink));
    cr_assert_eq(done, 1);
    cr_assert_null(sink_free(NULL));
}

Test(sink, a_report_is_one_short_line_and_names_are_the_drivers)
{
    struct sink *sink = hear(&puppet_driver, NULL, &heard);
    static char long_text[5000];
    int done = 0;

    n_done = &done;
    memset(long_text, 'x', sizeof(long_text) - 1);
    sink_report(sink, LOG_WARNING, "%s", long_text);
    cr_assert_eq(heard.n_reports, 1);
    cr_assert_eq(heard.reports[0].level, LOG_WARNING);
    sink_report(sink, LOG_ERR, "%s", "a\n\033[2J\x7f\303\244");
    cr_assert_str_eq(heard.reports[1].message, "a??[2J?\303\244");
    cr_assert_str_eq(sink_name(sink), "out");
    cr_assert_str_eq(sink_driver_name(&puppet_driver), "puppet");
    cr_assert_str_eq(sink_driver_summary(&puppet_driver), "does as told");
    cr_assert_eq(sink_driver_options(&puppet_driver), &puppet_options);
    sink_free(sink);
}

Test(sink, every_driver_can_be_made_and_freed_without_a_start)
{
    static const struct sink_driver *const drivers[] = {&stdout_sink,  &file_sink, &kafka_sink,
                                                        &journal_sink, &null_sink, &memory_sink};

    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        struct sink *sink = hear(drivers[i], NULL, &heard);

        cr_assert_not_null(sink_driver_options(drivers[i]), "%s", drivers[i]->name);
        cr_assert_gt(sink_driver_options(drivers[i])->struct_size, 0, "%s", drivers[i]->name);
        cr_assert_gt(strlen(sink_driver_summary(drivers[i])), 10, "%s", drivers[i]->name);
        cr_assert_null(sink_free(sink), "%s", drivers[i]->name);
    }
}
