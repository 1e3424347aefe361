/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The format: "# HELP name text", "# TYPE name counter", then "name{label="value"} number" (Prometheus,
 * "Exposition formats"). Names follow its conventions: hapax_ in front, _total behind counters, base units.
 * Label values are source and sink names of the configuration; backslash, quote and line feed are escaped.
 *
 * Samples are formatted when they are added and grouped by metric; a snapshot of a usual configuration is 2
 * KiB.
 */
#include "metrics/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "files/files.h"

static const struct {
    const char *name, *type, *help;
} table[_METRIC_MAX] = {
    [METRIC_RECORDS] = {"hapax_records_total", "counter",
                        "Records that came in, by source and what became of them."},
    [METRIC_EVENTS] = {"hapax_events_total", "counter", "Process starts found in the records, by source."},
    [METRIC_EVENTS_INCOMPLETE] =
        {"hapax_events_incomplete_total", "counter",
         "Process starts that were handed over with audit records missing, by source."},
    [METRIC_EVENTS_FUTURE] = {"hapax_events_future_total", "counter",
                              "Process starts dated after their receipt, judged by the time of receipt, "
                              "by source."},
    [METRIC_RECORDS_LATE] = {"hapax_records_late_total", "counter",
                             "Audit records of an event that was over, by source."},
    [METRIC_RECORDS_DUPLICATE] = {"hapax_records_duplicate_total", "counter",
                                  "Audit records that came twice, by source."},
    [METRIC_RECORDS_UNJOINED] =
        {"hapax_records_unjoined_total", "counter",
         "Lines of sudo's that go on with a command and were not joined to it, by source."},
    [METRIC_ROWS_LOST] = {"hapax_rows_lost_total", "counter",
                          "Rows of records with several that were broken or too many, by source."},
    [METRIC_PENDING] = {"hapax_pending_events", "gauge",
                        "Audit events whose records are still coming, by source."},
    [METRIC_SOURCE_BEHIND] = {"hapax_source_behind", "gauge",
                              "Messages that wait to be read, by source (Kafka)."},
    [METRIC_SOURCE_PARTS] = {"hapax_source_partitions", "gauge",
                             "Partitions that are read, by source (Kafka)."},
    [METRIC_SOURCE_LOST] = {"hapax_source_lost_total", "counter",
                            "Messages deleted before they were read, by source (Kafka)."},
    [METRIC_SOURCE_FAILURES] =
        {"hapax_source_failures_total", "counter",
         "Times that something was wrong with the other side and was said, by source (Kafka)."},
    [METRIC_SELECTED] = {"hapax_events_selected_total", "counter", "Process starts that a job looked at."},
    [METRIC_ALERTS] = {"hapax_alerts_total", "counter", "Alerts made."},
    [METRIC_WITHHELD] =
        {"hapax_alerts_withheld_total", "counter",
         "Alerts that were not made, by reason: learning, or rolled_up by the limits on volume."},
    [METRIC_EXCEPTIONS] = {"hapax_exceptions_total", "counter",
                           "Alerts held back (suppress, digest) and process starts not learned (skip), by "
                           "exception and effect."},
    [METRIC_EXCEPTION_TIME] =
        {"hapax_exception_last_timestamp_seconds", "gauge",
         "When an exception was last used, by the time of the event, by exception and effect."},
    [METRIC_DETECTOR_ENTRIES] =
        {"hapax_detector_entries", "gauge",
         "What a detector remembers, by job (suite: all that novelty judges) and table: "
         "users, hosts, pairs of both, populations."},
    [METRIC_DETECTOR_EVICTED] = {"hapax_detector_evicted_total", "counter",
                                 "What a detector forgot because a table was full, by job and table."},
    [METRIC_DETECTOR_EVENTS] =
        {"hapax_detector_events_total", "counter",
         "Process starts that were more or less than news to a detector, by job and outcome: late (not "
         "judged), "
         "repeated (seen in their bucket), capped (buckets beyond max_growth), name_cut, command_merged, "
         "table_full (not judged), event_cut, influencer_cut."},
    [METRIC_DETECTOR_LEARNING] = {"hapax_detector_learning", "gauge",
                                  "1 while a detector learns and does not alert, by job."},
    [METRIC_DETECTOR_ALERTS] = {"hapax_detector_alerts_total", "counter",
                                "Alerts made, by job; what a budget is used up by."},
    [METRIC_DETECTOR_CASES] = {"hapax_detector_cases", "gauge",
                               "Cases that scores are calibrated by, old ones weighing less, by job."},
    [METRIC_DETECTOR_BUDGET] = {"hapax_detector_budget_alerts_per_day", "gauge",
                                "Alerts a day that the budget allows for the hosts there are, by job."},
    [METRIC_DETECTOR_THRESHOLD] = {"hapax_detector_threshold_score", "gauge",
                                   "The score from which an alert is due, as of now, by job."},
    [METRIC_OUTBOX_DOCUMENTS] = {"hapax_outbox_documents", "gauge", "Alerts waiting for a sink."},
    [METRIC_OUTBOX_BYTES] = {"hapax_outbox_bytes", "gauge", "Size of the alerts waiting for a sink."},
    [METRIC_OUTBOX_AGE] = {"hapax_outbox_oldest_seconds", "gauge",
                           "How long the oldest alert has waited for its sink."},
    [METRIC_HISTORY_PRUNED] = {"hapax_history_pruned_total", "counter", "Rows of history deleted."},
    [METRIC_RELOADS] = {"hapax_reloads_total", "counter", "Times the configuration was loaded again."},
    [METRIC_RELOAD_FAILURES] = {"hapax_reload_failures_total", "counter",
                                "Times it was not, because something in it was wrong."},
    [METRIC_RELOAD_TIME] = {"hapax_reload_last_success_timestamp_seconds", "gauge",
                            "When the configuration in force was loaded."},
    [METRIC_SINK_DOCUMENTS] = {"hapax_sink_documents_total", "counter",
                               "Alerts by sink: written, confirmed, failed."},
};

static int append_label(struct buffer *out, char before, struct metric_label label)
{
    int r = buffer_append_format(out, "%c%s=\"", before, label.name);

    for (const char *c = label.value; r >= 0 && *c; c++) {
        if (*c == '\\' || *c == '"')
            r = buffer_append_format(out, "\\%c", *c);
        else if (*c == '\n')
            r = buffer_append(out, "\\n", 2);
        else
            r = buffer_append_char(out, *c);
    }
    return r < 0 ? r : buffer_append_char(out, '"');
}

static int append_name(struct metrics *m, enum metric metric, struct metric_label first,
                       struct metric_label second)
{
    struct buffer *out = &m->lines[metric];
    int r = buffer_append(out, table[metric].name, strlen(table[metric].name));

    if (r >= 0 && first.name)
        r = append_label(out, '{', first);
    if (r >= 0 && second.name)
        r = append_label(out, ',', second);
    if (r >= 0 && first.name)
        r = buffer_append_char(out, '}');
    return r;
}

int metrics_add(struct metrics *m, enum metric metric, uint64_t value, struct metric_label first,
                struct metric_label second)
{
    int r = append_name(m, metric, first, second);

    return r < 0 ? r : buffer_append_format(&m->lines[metric], " %" PRIu64 "\n", value);
}

int metrics_add_number(struct metrics *m, enum metric metric, double value, struct metric_label first,
                       struct metric_label second)
{
    int r = append_name(m, metric, first, second);

    return r < 0 ? r : buffer_append_format(&m->lines[metric], " %.15g\n", value);
}

int metrics_format(const struct metrics *m, struct buffer *out)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < _METRIC_MAX; i++) {
        if (m->lines[i].len == 0)
            continue;
        r = buffer_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", table[i].name, table[i].help,
                                 table[i].name, table[i].type);
        if (r >= 0)
            r = buffer_append_slice(out, buffer_slice(&m->lines[i]));
    }
    return r;
}

int metrics_write_file(const struct metrics *m, const char *path)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    _cleanup_(freep) char *temporary = NULL;
    _cleanup_(closep) int fd = -1;
    int r = metrics_format(m, &text);

    if (r < 0)
        return r;
    if (asprintf(&temporary, "%s.%ld.new", path, (long)getpid()) < 0)
        return -ENOMEM;
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    r = file_write_all(fd, buffer_slice(&text));
    if (r >= 0 && fchmod(fd, 0644) < 0) /* whatever the umask: the collector is another user */
        r = -errno;
    if (r >= 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        (void)unlink(temporary);
    return r;
}

void metrics_done(struct metrics *m)
{
    for (size_t i = 0; i < _METRIC_MAX; i++)
        buffer_done(&m->lines[i]);
}
