/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The collected numbers as one JSON object, and that into the page. Names of members are short where there is
 * one for each row: a page has thousands. Times are whole milliseconds since the epoch, what a browser counts
 * in. Doubles have the digits that give the same value back, as in --records. Members that are absent, empty
 * or an empty list are left out by the writer (alert/json.h); the page's script knows.
 *
 * Sparse counts (hours of a week, steps of a score) are strings of "index:count" pairs: a member for each
 * would be most of the page. Cost: linear in what is written, plus two sorts.
 */
#include <errno.h>
#include <inttypes.h>

#include "alert/json.h"
#include "report/collected.h"
#include "report/page.h"
#include "report/report.h"
#include "util/parse.h"

/* VERDICT_… by number. */
static const char *const reason_names[VERDICT_SKIPPED + 1] = {
    [VERDICT_ALERT] = "alert",
    [VERDICT_BELOW_THRESHOLD] = "below the threshold",
    [VERDICT_REPEATED] = "the same case again",
    [VERDICT_PARTIAL_BUCKET] = "first, partial bucket",
    [VERDICT_LATE] = "too late",
    [VERDICT_NO_USER] = "no user named",
    [VERDICT_TABLE_FULL] = "table of users full",
    [VERDICT_LEARNING] = "while learning",
    [VERDICT_SUPPRESSED] = "suppressed by an exception",
    [VERDICT_DIGESTED] = "in a digest",
    [VERDICT_ROLLED_UP] = "in a roll-up",
    [VERDICT_SKIPPED] = "not learned",
};

static void count(struct json_writer *w, const char *name, uint64_t n)
{
    json_integer(w, name, (int64_t)MIN(n, (uint64_t)INT64_MAX));
}

static void msec(struct json_writer *w, const char *name, int64_t usec)
{
    json_integer(w, name, usec / USEC_PER_MSEC - (usec % USEC_PER_MSEC < 0));
}

/* "3:17 9:2": i and n of each n that is not 0. */
static void sparse64(struct json_writer *w, const char *name, const uint64_t *n, size_t n_items)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < n_items; i++)
        if (n[i] > 0)
            r = buffer_append_format(&text, "%s%zu:%" PRIu64, text.len > 0 ? " " : "", i, n[i]);
    if (r < 0)
        w->error = r;
    else
        json_string(w, name, buffer_slice(&text));
}

static void write_summary(struct json_writer *w, const struct report *report, const char *version)
{
    json_text(w, "version", version);
    json_begin_object(w, "summary");
    if (report->n_events > 0) {
        msec(w, "first", report->first_usec);
        msec(w, "last", report->last_usec);
    }
    count(w, "bytes", report->sums.n_bytes);
    count(w, "records", report->sums.n_records);
    count(w, "gated", report->sums.n_gated);
    count(w, "ignored", report->sums.n_ignored);
    count(w, "unknown", report->sums.n_unknown);
    count(w, "quarantined", report->sums.n_quarantined);
    count(w, "events", report->n_events);
    count(w, "selected", report->n_selected);
    count(w, "verdicts", report->n_verdicts);
    count(w, "rows", report->n_records);
    count(w, "alerts", report->n_alerts);
    count(w, "held", report->n_held);
    count(w, "skipped", report->n_skipped);
    json_begin_array(w, "reasons");
    for (size_t i = 0; i < ARRAY_SIZE(report->n_by_reason); i++) {
        if (report->n_by_reason[i] == 0)
            continue;
        json_begin_object(w, NULL);
        json_text(w, "reason", reason_names[i]);
        count(w, "n", report->n_by_reason[i]);
        json_end(w);
    }
    json_end(w);
    json_end(w);
}

static void write_timeline(struct json_writer *w, const struct timeline *t)
{
    int64_t width = timeline_width_usec(t);

    json_begin_object(w, "timeline");
    json_integer(w, "width", width / USEC_PER_MSEC);
    json_integer(w, "from", t->first * (width / USEC_PER_MSEC));
    json_begin_array(w, "bins");
    for (unsigned i = 0; i < t->n; i++) {
        json_begin_array(w, NULL);
        count(w, NULL, t->bins[i].n_events);
        count(w, NULL, t->bins[i].n_alerts);
        count(w, NULL, t->bins[i].n_held);
        json_end(w);
    }
    json_end(w);
    json_end(w);
}

static void write_alerts(struct json_writer *w, const struct report *report)
{
    json_begin_array(w, "alerts");
    for (size_t i = 0; i < report->n_listed; i++) {
        const struct report_alert *a = &report->alerts[i];

        json_begin_object(w, NULL);
        json_text(w, "id", a->id);
        msec(w, "t", a->time_usec);
        msec(w, "bucket", a->bucket_start_usec);
        json_string(w, "job", a->job);
        json_string(w, "user", a->user);
        json_string(w, "host", a->host);
        json_string(w, "process", a->process);
        json_number(w, "score", a->score);
        json_number(w, "threshold", a->threshold);
        if (a->has_probability)
            json_number(w, "p", a->probability);
        json_string(w, "sentence", a->sentence);
        json_end(w);
    }
    json_end(w);
}

static void write_user_sums(struct json_writer *w, const struct user_sums *s)
{
    count(w, "events", s->n_events);
    count(w, "records", s->n_records);
    count(w, "alerts", s->n_alerts);
    count(w, "held", s->n_held);
}

static void write_users(struct json_writer *w, const struct users *users)
{
    json_begin_array(w, "users");
    for (const struct user_row *row = users->rows; row; row = row->hh.next) {
        uint64_t hours[HOURS_OF_WEEK];

        for (size_t i = 0; i < HOURS_OF_WEEK; i++)
            hours[i] = row->hours[i];
        json_begin_object(w, NULL);
        json_string(w, "user", json_head(row->user, REPORT_TEXT_BYTES));
        json_string(w, "job", row->job);
        json_string(w, "scope", json_head(row->partition, REPORT_TEXT_BYTES));
        if (row->is_by_process)
            json_bool(w, "process", true);
        if (row->is_partial)
            json_bool(w, "partial", true);
        write_user_sums(w, &row->sums);
        json_number(w, "score", row->score_max);
        if (row->has_probability)
            json_number(w, "p", row->probability);
        if (row->is_seen) {
            msec(w, "first", row->first_usec);
            msec(w, "last", row->last_usec);
        }
        sparse64(w, "hours", hours, HOURS_OF_WEEK);
        json_end(w);
    }
    json_end(w);
    json_begin_object(w, "other_users");
    count(w, "n", users->n_folded);
    write_user_sums(w, &users->others);
    json_end(w);
}

static void write_host_sums(struct json_writer *w, const struct host_sums *s)
{
    count(w, "events", s->n_events);
    count(w, "selected", s->n_selected);
    count(w, "alerts", s->n_alerts);
    count(w, "late", s->n_late);
    msec(w, "late_max", s->late_usec_max);
    json_number(w, "late_mean", s->n_late > 0 ? s->late_usec_sum / (double)s->n_late / 1000 : 0);
}

static void write_hosts(struct json_writer *w, const struct hosts *hosts)
{
    json_begin_array(w, "hosts");
    for (const struct host_row *row = hosts->rows; row; row = row->hh.next) {
        json_begin_object(w, NULL);
        json_string(w, "host", json_head(slice_new(row->name, row->name_len), REPORT_TEXT_BYTES));
        write_host_sums(w, &row->sums);
        json_end(w);
    }
    json_end(w);
    json_begin_object(w, "other_hosts");
    count(w, "n", hosts->n_folded);
    write_host_sums(w, &hosts->others);
    json_end(w);
}

static void write_jobs(struct json_writer *w, const struct report *report)
{
    json_begin_array(w, "budgets");
    for (size_t i = 0; i < CURVE_BUDGETS; i++)
        json_number(w, NULL, curve_budgets[i]);
    json_end(w);
    json_begin_array(w, "jobs");
    for (const struct report_job *job = report->jobs; job; job = job->hh.next) {
        json_begin_object(w, NULL);
        json_text(w, "id", job->id);
        json_text(w, "detector", job->detector);
        json_number(w, "threshold", job->threshold);
        count(w, "events", job->n_events);
        count(w, "alerts", job->n_alerts);
        count(w, "held", job->n_held);
        count(w, "held_cases", job->curve.n_held);
        count(w, "learning_cases", job->curve.n_learning);
        sparse64(w, "by_score", job->curve.by_score, CURVE_BINS);
        if (job->curve.has_budget) {
            json_bool(w, "has_budget", true);
            json_number(w, "budget", job->budget_per_day);
            sparse64(w, "by_budget", job->curve.by_budget, CURVE_BUDGETS);
        }
        json_end(w);
    }
    json_end(w);
}

static void write_exceptions(struct json_writer *w, const struct report *report)
{
    json_begin_array(w, "exceptions");
    for (const struct report_rule *rule = report->rules; rule; rule = rule->hh.next) {
        json_begin_object(w, NULL);
        json_text(w, "id", rule->id);
        json_string(w, "effect", rule->effect);
        json_string(w, "reason", rule->reason);
        json_string(w, "owner", rule->owner);
        json_string(w, "ticket", rule->ticket);
        json_string(w, "match", rule->match);
        if (rule->expires_usec != INT64_MAX)
            msec(w, "expires", rule->expires_usec);
        count(w, "held", rule->n_held);
        count(w, "skipped", rule->n_skipped);
        if (rule->n_held + rule->n_skipped > 0) {
            msec(w, "first", rule->first_usec);
            msec(w, "last", rule->last_usec);
        }
        json_begin_array(w, "samples");
        for (size_t i = 0; i < rule->n_samples; i++) {
            json_begin_object(w, NULL);
            msec(w, "t", rule->samples[i].time_usec);
            json_string(w, "job", rule->samples[i].job);
            json_string(w, "user", rule->samples[i].user);
            json_string(w, "host", rule->samples[i].host);
            json_string(w, "text", rule->samples[i].sentence);
            json_end(w);
        }
        json_end(w);
        json_end(w);
    }
    json_end(w);
}

static void write_inputs(struct json_writer *w, const struct report *report)
{
    json_begin_array(w, "inputs");
    for (size_t i = 0; i < report->n_sources; i++) {
        const struct report_input *input = &report->sources[i].input;

        json_begin_object(w, NULL);
        json_string(w, "path", report->sources[i].path);
        count(w, "bytes", input->n_bytes);
        count(w, "records", input->n_records);
        count(w, "events", input->n_events);
        count(w, "gated", input->n_gated);
        count(w, "ignored", input->n_ignored);
        count(w, "unknown", input->n_unknown);
        count(w, "quarantined", input->n_quarantined);
        json_end(w);
    }
    json_end(w);
    count(w, "more_inputs", report->n_more_sources);
}

int report_render(struct report *report, const char *version, struct buffer *out)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&arena, 0);
    struct slice json;
    int r;

    units_flush(&report->units);
    users_rank(&report->users, REPORT_USERS_SHOWN);
    hosts_rank(&report->hosts, REPORT_HOSTS_SHOWN);
    json_begin_object(&w, NULL);
    write_summary(&w, report, version);
    write_timeline(&w, &report->timeline);
    write_jobs(&w, report);
    write_alerts(&w, report);
    write_users(&w, &report->users);
    write_exceptions(&w, report);
    write_hosts(&w, &report->hosts);
    write_inputs(&w, report);
    r = json_finish(&w, &json);
    return r < 0 ? r : page_append(json, out);
}
