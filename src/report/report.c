/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The collector behind `hapax replay --report`: it stands where alerts and records are written, sees the same
 * verdicts, and counts. Nothing is judged here: an alert is what the chain calls one, and every number of the
 * page can be had from the alerts, --scores and --records of the same run as well.
 *
 * Memory: texts of listed alerts and samples, which are the first of their kind, so that they can be kept in
 * one arena that only grows; the tables of users, hosts and cases limit themselves. Jobs and exceptions are
 * the site's own and few. Cost: a handful of hash look-ups a verdict.
 */
#include "report/report.h"

#include <errno.h>

#include "alert/alert.h"
#include "alert/json.h"
#include "alert/reason.h"
#include "report/collected.h"
#include "util/hash.h"

_Static_assert(sizeof(((struct report_alert *)0)->id) == HASH_ID_SIZE, "an alert's id is a hash id");

/* No job's id: it has a blank. */
#define SUITE_ID "all jobs"

int report_new(struct report **ret_report)
{
    struct report *report = calloc(1, sizeof(*report));

    if (!report)
        return -ENOMEM;
    *ret_report = report;
    return 0;
}

struct report *report_free(struct report *report)
{
    struct report_job *job, *next_job;
    struct report_rule *rule, *next_rule;

    if (!report)
        return NULL;
    HASH_ITER(hh, report->jobs, job, next_job)
    {
        HASH_DEL(report->jobs, job);
        free(job->id);
        free(job);
    }
    HASH_ITER(hh, report->rules, rule, next_rule)
    {
        HASH_DEL(report->rules, rule);
        free(rule->id);
        free(rule);
    }
    users_done(&report->users);
    hosts_done(&report->hosts);
    units_done(&report->units);
    free(report->sources);
    arena_done(&report->texts);
    arena_done(&report->row);
    free(report);
    return NULL;
}

static int keep(struct report *report, struct slice text, struct slice *ret_copy)
{
    return arena_copy(&report->texts, json_head(text, REPORT_TEXT_BYTES), ret_copy);
}

/* NULL: there are REPORT_JOBS_MAX others. */
static int get_job(struct report *report, const char *id, struct report_job **ret_job)
{
    struct report_job *job;

    HASH_FIND_STR(report->jobs, id, job);
    if (!job && HASH_COUNT(report->jobs) < REPORT_JOBS_MAX) {
        job = calloc(1, sizeof(*job));
        if (job)
            job->id = strdup(id);
        if (!job || !job->id) {
            free(job);
            return -ENOMEM;
        }
        HASH_ADD_KEYPTR(hh, report->jobs, job->id, strlen(job->id), job);
        if (!job->hh.tbl) {
            free(job->id);
            free(job);
            return -ENOMEM;
        }
    }
    *ret_job = job;
    return 0;
}

static int get_rule(struct report *report, const char *id, struct report_rule **ret_rule)
{
    struct report_rule *rule;

    HASH_FIND_STR(report->rules, id, rule);
    if (!rule) {
        rule = calloc(1, sizeof(*rule));
        if (rule)
            rule->id = strdup(id);
        if (!rule || !rule->id) {
            free(rule);
            return -ENOMEM;
        }
        rule->expires_usec = INT64_MAX;
        HASH_ADD_KEYPTR(hh, report->rules, rule->id, strlen(rule->id), rule);
        if (!rule->hh.tbl) {
            free(rule->id);
            free(rule);
            return -ENOMEM;
        }
    }
    *ret_rule = rule;
    return 0;
}

int report_add_exception(struct report *report, const struct report_exception *e)
{
    struct report_rule *rule;
    int r = get_rule(report, e->id, &rule);

    if (r >= 0)
        r = keep(report, slice_from_string(e->effect), &rule->effect);
    if (r >= 0)
        r = keep(report, slice_from_string(e->reason), &rule->reason);
    if (r >= 0)
        r = keep(report, slice_from_string(e->owner), &rule->owner);
    if (r >= 0)
        r = keep(report, slice_from_string(e->ticket), &rule->ticket);
    if (r >= 0)
        r = keep(report, slice_from_string(e->match), &rule->match);
    if (r >= 0)
        rule->expires_usec = e->expires_usec;
    return r;
}

int report_add_input(struct report *report, const struct report_input *input)
{
    struct report_source *sources;
    int r;

    report->sums.n_bytes += input->n_bytes;
    report->sums.n_records += input->n_records;
    report->sums.n_events += input->n_events;
    report->sums.n_gated += input->n_gated;
    report->sums.n_ignored += input->n_ignored;
    report->sums.n_unknown += input->n_unknown;
    report->sums.n_quarantined += input->n_quarantined;
    if (report->n_sources == REPORT_INPUTS_SHOWN) {
        report->n_more_sources++;
        return 0;
    }
    sources = reallocarray(report->sources, report->n_sources + 1, sizeof(*sources));
    if (!sources)
        return -ENOMEM;
    report->sources = sources;
    sources[report->n_sources] = (struct report_source){.input = *input};
    r = keep(report, slice_from_string(input->path), &sources[report->n_sources].path);
    if (r >= 0)
        report->n_sources++;
    return r;
}

int report_arrival(struct report *report, const struct event *event, int64_t late_usec)
{
    struct host_row *host;
    int r;

    if (event->kind != EVENT_PROCESS_START)
        return 0;
    r = hosts_get(&report->hosts, event->host, &host);
    if (r < 0 || late_usec <= 0)
        return r;
    host->sums.n_late++;
    host->sums.late_usec_sum += (double)late_usec;
    host->sums.late_usec_max = MAX(host->sums.late_usec_max, late_usec);
    return 0;
}

int report_event(struct report *report, const struct event *event, bool is_selected)
{
    struct host_row *host;
    int r;

    if (event->kind != EVENT_PROCESS_START)
        return 0;
    r = hosts_get(&report->hosts, event->host, &host);
    if (r < 0)
        return r;
    host->sums.n_events++;
    host->sums.n_selected += is_selected;
    report->first_usec = report->n_events > 0 ? MIN(report->first_usec, event->time_usec) : event->time_usec;
    report->last_usec = report->n_events > 0 ? MAX(report->last_usec, event->time_usec) : event->time_usec;
    report->n_events++;
    report->n_selected += is_selected;
    if (is_selected)
        timeline_at(&report->timeline, event->time_usec)->n_events++;
    return 0;
}

/* Where there is room: the first ones are listed. */
static int list_alert(struct report *report, const struct verdict *v)
{
    struct report_alert *alert = &report->alerts[report->n_listed];
    struct slice sentence;
    int r;

    if (report->n_listed == REPORT_ALERTS_MAX)
        return 0;
    arena_reset(&report->row);
    *alert = (struct report_alert){.time_usec = v->event->time_usec,
                                   .bucket_start_usec = v->bucket_start_usec,
                                   .has_probability = v->has_probability,
                                   .probability = v->probability,
                                   .score = v->score,
                                   .threshold = v->threshold};
    alert_id(v, alert->id);
    r = reason_sentence(v, &report->row, &sentence);
    if (r >= 0)
        r = arena_copy(&report->texts, sentence, &alert->sentence);
    if (r >= 0)
        r = keep(report, slice_from_string(v->job), &alert->job);
    if (r >= 0)
        r = keep(report, v->user, &alert->user);
    if (r >= 0)
        r = keep(report, v->event->host, &alert->host);
    if (r >= 0)
        r = keep(report, v->event->process_name, &alert->process);
    if (r >= 0)
        report->n_listed++;
    return r;
}

static int count_alert(struct report *report, const struct verdict *v)
{
    struct host_row *host;
    int r = hosts_get(&report->hosts, v->event->host, &host);

    if (r < 0)
        return r;
    host->sums.n_alerts++;
    report->n_alerts++;
    timeline_at(&report->timeline, v->event->time_usec)->n_alerts++;
    return list_alert(report, v);
}

/* Whose curve it is: the job's, or that of all jobs of the suite. */
static int get_curve(struct report *report, const struct verdict *v, struct report_job *job,
                     struct report_job **ret_job)
{
    *ret_job = job;
    return v->n_components > 0 ? get_job(report, SUITE_ID, ret_job) : 0;
}

static void count_job(struct report_job *job, const struct verdict *v)
{
    job->detector = v->detector;
    job->threshold = v->threshold;
    job->budget_per_day = v->budget_per_day;
    job->n_events += !v->is_final;
    job->n_alerts += v->reason == VERDICT_ALERT;
}

int report_verdict(struct report *report, const struct verdict *v)
{
    struct report_job *job, *suite;
    struct user_row *user;
    int r = get_job(report, v->job, &job);

    if (r >= 0)
        r = get_curve(report, v, job, &suite);
    if (r < 0)
        return r;
    report->n_verdicts += !v->is_final;
    report->n_records += v->is_final;
    if (!v->is_final)
        report->n_by_reason[v->reason]++;
    if (job)
        count_job(job, v);
    if (suite && suite != job)
        count_job(suite, v);
    if (!slice_is_absent(v->user)) {
        if (suite)
            r = units_add(&report->units, &suite->curve, v);
        if (r >= 0)
            r = users_get(&report->users, v, &user);
        if (r < 0)
            return r;
        user_row_count(user, v);
    }
    return v->reason == VERDICT_ALERT ? count_alert(report, v) : 0;
}

static int add_sample(struct report *report, struct report_rule *rule, const struct verdict *v)
{
    struct report_sample *sample = &rule->samples[rule->n_samples];
    struct slice sentence = SLICE_NULL;
    int r = 0;

    if (rule->n_samples == REPORT_SAMPLES_MAX)
        return 0;
    *sample = (struct report_sample){.time_usec = v->event->time_usec};
    arena_reset(&report->row);
    if (v->reason == VERDICT_SKIPPED) /* it was not judged: what it is, and no numbers */
        r = keep(report, v->event->command_line.len > 0 ? v->event->command_line : v->event->process_name,
                 &sample->sentence);
    else
        r = reason_sentence(v, &report->row, &sentence);
    if (r >= 0 && sentence.len > 0)
        r = arena_copy(&report->texts, sentence, &sample->sentence);
    if (r >= 0)
        r = keep(report, slice_from_string(v->job), &sample->job);
    if (r >= 0)
        r = keep(report, v->user, &sample->user);
    if (r >= 0)
        r = keep(report, v->event->host, &sample->host);
    if (r >= 0)
        rule->n_samples++;
    return r;
}

int report_held(struct report *report, const struct verdict *v)
{
    bool is_skipped = v->reason == VERDICT_SKIPPED;
    struct report_job *job;
    struct report_rule *rule;
    struct user_row *user;
    int r = get_rule(report, v->exception ? v->exception : "", &rule);

    if (r >= 0)
        r = get_job(report, v->job, &job);
    if (r < 0)
        return r;
    if (rule->n_held + rule->n_skipped == 0)
        rule->first_usec = rule->last_usec = v->event->time_usec;
    rule->first_usec = MIN(rule->first_usec, v->event->time_usec);
    rule->last_usec = MAX(rule->last_usec, v->event->time_usec);
    rule->n_held += !is_skipped;
    rule->n_skipped += is_skipped;
    report->n_held += !is_skipped;
    report->n_skipped += is_skipped;
    if (!is_skipped) {
        timeline_at(&report->timeline, v->event->time_usec)->n_held++;
        if (job)
            job->n_held++;
        if (!slice_is_absent(v->user)) {
            r = users_get(&report->users, v, &user);
            if (r < 0)
                return r;
            user->sums.n_held++;
        }
    }
    return add_sample(report, rule, v);
}
