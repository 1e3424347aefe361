/* SPDX-License-Identifier: Apache-2.0 */

/* From the rooms' counters to metrics: the only place that knows both, so that neither room knows the other.
 */
#include "engine/report.h"

#include "util/parse.h"

static const struct metric_label none = {NULL, NULL};

static int add_sink(struct metrics *m, const struct sink *sink)
{
    const struct sink_stats *s = sink_stats(sink);
    const struct {
        const char *outcome;
        uint64_t n;
    } rows[] = {{"written", s->n_written}, {"confirmed", s->n_confirmed}, {"failed", s->n_failed}};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(rows); i++)
        r = metrics_add(m, METRIC_SINK_DOCUMENTS, rows[i].n, (struct metric_label){"sink", sink_name(sink)},
                        (struct metric_label){"outcome", rows[i].outcome});
    return r;
}

static int add_exception(void *userdata, const struct exception_count *count)
{
    const struct metric_label exception = {"exception", count->exception};
    const struct metric_label effect = {"effect", exception_effect_names[count->effect]};
    int r = metrics_add(userdata, METRIC_EXCEPTIONS, count->n, exception, effect);

    return r < 0
               ? r
               : metrics_add(userdata, METRIC_EXCEPTION_TIME,
                             (uint64_t)(MAX(count->last_usec, INT64_C(0)) / USEC_PER_SEC), exception, effect);
}

static int add_figures(void *userdata, const struct chain_figures *f)
{
    const struct metric_label job = {"job", f->job};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < N_FIGURES; i++) {
        const char *name = figure_rows[i].name;
        enum metric metric = METRIC_DETECTOR_ALERTS;
        struct metric_label second = none;

        if (!f->figures.has[i])
            continue;
        switch (figure_rows[i].kind) {
        case FIGURE_KIND_ENTRIES:
            metric = METRIC_DETECTOR_ENTRIES;
            second = (struct metric_label){"table", name};
            break;
        case FIGURE_KIND_EVICTED:
            metric = METRIC_DETECTOR_EVICTED;
            second = (struct metric_label){"table", name};
            break;
        case FIGURE_KIND_EVENTS:
            metric = METRIC_DETECTOR_EVENTS;
            second = (struct metric_label){"outcome", name};
            break;
        case FIGURE_KIND_ALERTS:
            break;
        case FIGURE_KIND_LEVEL:
            metric = i == FIGURE_CASES    ? METRIC_DETECTOR_CASES
                     : i == FIGURE_BUDGET ? METRIC_DETECTOR_BUDGET
                                          : METRIC_DETECTOR_THRESHOLD;
            break;
        }
        r = metrics_add_number(userdata, metric, f->figures.values[i], job, second);
    }
    return r;
}

static int add_learning(void *userdata, const struct chain_learning *l)
{
    return metrics_add(userdata, METRIC_DETECTOR_LEARNING, l->learning.active_usec == 0,
                       (struct metric_label){"job", l->job}, none);
}

int report_begin(struct report *report)
{
    struct metrics *m = &report->metrics;
    uint64_t n, bytes;
    int64_t made_usec = 0;
    int r = store_count_outbox(report->store, &n, &bytes);

    if (r >= 0)
        r = store_oldest_document(report->store, &made_usec);
    if (r >= 0 && n > 0 && made_usec > 0)
        r = metrics_add(m, METRIC_OUTBOX_AGE,
                        (uint64_t)(MAX(report->now_usec - made_usec, INT64_C(0)) / USEC_PER_SEC), none, none);
    if (r >= 0)
        r = metrics_add(m, METRIC_HISTORY_PRUNED, ledger_n_pruned(report->ledger), none, none);

    if (r >= 0)
        r = metrics_add(m, METRIC_OUTBOX_DOCUMENTS, n, none, none);
    if (r >= 0)
        r = metrics_add(m, METRIC_OUTBOX_BYTES, bytes, none, none);
    if (r >= 0)
        r = metrics_add(m, METRIC_SELECTED, chain_stats(report->chain)->n_selected, none, none);
    if (r >= 0)
        r = metrics_add(m, METRIC_ALERTS, chain_stats(report->chain)->n_alerts, none, none);
    if (r >= 0)
        r = metrics_add(m, METRIC_RELOADS, report->n_reloads, none, none);
    if (r >= 0)
        r = metrics_add(m, METRIC_RELOAD_FAILURES, report->n_reload_failures, none, none);
    if (r >= 0)
        r = metrics_add(m, METRIC_RELOAD_TIME, (uint64_t)(report->reloaded_usec / USEC_PER_SEC), none, none);
    if (r >= 0)
        r = metrics_add(m, METRIC_WITHHELD, chain_stats(report->chain)->n_learning,
                        (struct metric_label){"reason", "learning"}, none);
    if (r >= 0)
        r = metrics_add(m, METRIC_WITHHELD, chain_stats(report->chain)->n_rolled_up,
                        (struct metric_label){"reason", "rolled_up"}, none);
    if (r >= 0)
        r = chain_exception_counts(report->chain, add_exception, m);
    if (r >= 0)
        r = chain_walk_figures(report->chain, add_figures, m);
    if (r >= 0)
        r = chain_walk_learning(report->chain, add_learning, m);
    for (size_t i = 0; r >= 0 && i < outbox_n_sinks(report->outbox); i++)
        r = add_sink(m, outbox_sink(report->outbox, i));
    return r;
}

int report_source(struct report *report, const char *name, const struct normalizer *normalizer,
                  uint64_t n_future)
{
    const struct normalizer_stats *s = normalizer_stats(normalizer);
    const struct metric_label source = {"source", name};
    const struct {
        const char *outcome;
        uint64_t n;
    } outcomes[] = {{"empty", s->n_empty},
                    {"used", s->n_used},
                    {"ignored", s->n_ignored},
                    {"unknown", s->n_unknown},
                    {"quarantined", s->n_quarantined},
                    {"gated", s->n_gated}};
    const struct {
        enum metric metric;
        uint64_t n;
    } rows[] = {{METRIC_EVENTS, s->n_events},
                {METRIC_EVENTS_INCOMPLETE, s->n_incomplete},
                {METRIC_EVENTS_FUTURE, n_future},
                {METRIC_RECORDS_LATE, s->n_late},
                {METRIC_RECORDS_DUPLICATE, s->n_duplicates},
                {METRIC_RECORDS_UNJOINED, s->n_unjoined},
                {METRIC_ROWS_LOST, s->n_rows_lost},
                {METRIC_PENDING, normalizer_n_pending(normalizer)}};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(outcomes); i++)
        r = metrics_add(&report->metrics, METRIC_RECORDS, outcomes[i].n, source,
                        (struct metric_label){"outcome", outcomes[i].outcome});
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(rows); i++)
        r = metrics_add(&report->metrics, rows[i].metric, rows[i].n, source, none);
    return r;
}

int report_source_stats(struct report *report, struct source *source)
{
    const struct metric_label label = {"source", source_name(source)};
    struct source_stats s;
    int r;

    if (!source_stats(source, &s))
        return 0;
    r = metrics_add(&report->metrics, METRIC_SOURCE_BEHIND, s.n_behind, label, none);
    if (r >= 0)
        r = metrics_add(&report->metrics, METRIC_SOURCE_PARTS, s.n_parts, label, none);
    if (r >= 0)
        r = metrics_add(&report->metrics, METRIC_SOURCE_LOST, s.n_lost, label, none);
    if (r >= 0)
        r = metrics_add(&report->metrics, METRIC_SOURCE_FAILURES, s.n_failures, label, none);
    return r;
}

int report_write(const struct report *report, const char *path)
{
    return metrics_write_file(&report->metrics, path);
}

void report_done(struct report *report)
{
    metrics_done(&report->metrics);
}
