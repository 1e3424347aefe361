/* SPDX-License-Identifier: Apache-2.0 */

/* The exposition format, byte for byte, and a file that is replaced whole. */
#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "support.h"

static const struct metric_label none = {NULL, NULL};

static void fill(struct metrics *m)
{
    cr_assert_eq(metrics_add(m, METRIC_ALERTS, 7, none, none), 0);
    cr_assert_eq(metrics_add(m, METRIC_PENDING, 3, (struct metric_label){"source", "a\"b\\c\nd"}, none), 0);
    cr_assert_eq(metrics_add(m, METRIC_SINK_DOCUMENTS, UINT64_MAX, (struct metric_label){"sink", "kafka"},
                             (struct metric_label){"outcome", "written"}),
                 0);
    cr_assert_eq(
        metrics_add_number(m, METRIC_DETECTOR_THRESHOLD, 3.25, (struct metric_label){"job", "suite"}, none),
        0);
    cr_assert_eq(metrics_add_number(m, METRIC_DETECTOR_ENTRIES, 1e6, (struct metric_label){"job", "suite"},
                                    (struct metric_label){"table", "users"}),
                 0);
}

static const char expected[] =
    "# HELP hapax_pending_events Audit events whose records are still coming, by source.\n"
    "# TYPE hapax_pending_events gauge\n"
    "hapax_pending_events{source=\"a\\\"b\\\\c\\nd\"} 3\n"
    "# HELP hapax_alerts_total Alerts made.\n"
    "# TYPE hapax_alerts_total counter\n"
    "hapax_alerts_total 7\n"
    "# HELP hapax_detector_entries What a detector remembers, by job (suite: all that novelty judges) and "
    "table: "
    "users, hosts, pairs of both, populations.\n"
    "# TYPE hapax_detector_entries gauge\n"
    "hapax_detector_entries{job=\"suite\",table=\"users\"} 1000000\n"
    "# HELP hapax_detector_threshold_score The score from which an alert is due, as of now, by job.\n"
    "# TYPE hapax_detector_threshold_score gauge\n"
    "hapax_detector_threshold_score{job=\"suite\"} 3.25\n"
    "# HELP hapax_sink_documents_total Alerts by sink: written, confirmed, failed.\n"
    "# TYPE hapax_sink_documents_total counter\n"
    "hapax_sink_documents_total{sink=\"kafka\",outcome=\"written\"} 18446744073709551615\n";

Test(metrics, formats_each_metric_once_with_help_and_type)
{
    _cleanup_(metrics_done) struct metrics m = METRICS_INIT;
    _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;

    fill(&m);
    cr_assert_eq(metrics_format(&m, &out), 0);
    assert_slice(buffer_slice(&out), expected, "exposition");
}

Test(metrics, replaces_the_file_whole_and_readable)
{
    _cleanup_(metrics_done) struct metrics m = METRICS_INIT;
    char directory[] = "/tmp/hapax-metrics.XXXXXX", path[64], text[2048], command[96];
    struct stat st;
    FILE *file;
    size_t n;

    fill(&m);
    cr_assert(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/hapax.prom", directory);
    cr_assert_eq(metrics_write_file(&m, path), 0);
    cr_assert_eq(metrics_write_file(&m, path), 0, "again over the old one");
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0644);
    file = fopen(path, "re");
    cr_assert(file);
    n = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    assert_slice(slice_new(text, n), expected, "file");
    cr_assert_lt(metrics_write_file(&m, "/no/such/folder/x"), 0);
    (void)snprintf(command, sizeof(command), "rm -r %s", directory);
    cr_assert_eq(system(command), 0);
}
