/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The alert: one ECS 8.x document with everything a first look needs, so that nobody has to search the raw
 * logs to learn who did what. Its head is what Elastic's External Alerts promotion rule reads (event.kind
 * alert, message as the title, event.severity one of 21 47 73 99, event.risk_score), so it is accepted there
 * as it is. event.ingested is the receiver's to set.
 *
 * The id is made from what makes two alerts the same: job, population, user, bucket. A resend after a crash,
 * or a second replay, overwrites the first document. @timestamp is the command's time, never a clock's: the
 * same input gives the same bytes.
 *
 * Fields that ECS does not have are below "hapax"; the counts there are the ones the score was computed from,
 * so that a reader can check the sentence in `message` against them. An alert has to fit into a Kafka message
 * (1 MB by default: message.max.bytes), hence the limits on arguments: escaped, every byte may become six.
 */
#include "alert/alert.h"

#include <string.h>

#include "alert/envelope.h"
#include "alert/members.h"
#include "alert/reason.h"
#include "alert/suggest.h"
#include "util/hash.h"
#include "util/parse.h"

/* see ENVELOPE_STRING_BYTES_MAX */
#define ARGS_BYTES_MAX ((size_t)32 * 1024)

/* Chosen: a routing key longer than any user or host name is not one. */
#define KEY_BYTES_MAX 256

void alert_id(const struct verdict *verdict, char ret_id[])
{
    char bucket[TIMESTAMP_SIZE];
    struct slice parts[4];

    format_timestamp(verdict->bucket_start_usec, bucket);
    parts[0] = slice_from_string(verdict->job);
    parts[1] = verdict->partition;
    parts[2] = verdict->user;
    parts[3] = slice_from_string(bucket);
    hash_id(parts, ARRAY_SIZE(parts), ret_id);
}

static void write_event(struct json_writer *w, const struct verdict *verdict, const struct job *job,
                        const char *id, struct slice reason)
{
    json_begin_object(w, "event");
    members_event(w, "alert", verdict->event);
    json_text(w, "id", id);
    json_text(w, "module", "hapax");
    json_text(w, "dataset", "hapax.alert");
    json_integer(w, "severity", job->severity);
    json_integer(w, "risk_score", job->risk_score);
    json_string(w, "reason", reason);
    json_end(w);
}

static void write_rule(struct json_writer *w, const struct job *job)
{
    json_begin_object(w, "rule");
    json_text(w, "id", job->id);
    json_text(w, "name", job->name);
    json_text(w, "description", job->description);
    json_text(w, "version", job->rule_version);
    json_text(w, "ruleset", "hapax");
    if (job->n_tactics > 0)
        json_text(w, "category", job->tactics[0].name);
    json_strings(w, "reference", job->references, job->n_references);
    json_end(w);
}

/* The text of one member of a tactic or technique; they are written as parallel arrays, as ECS has them. */
enum threat_member { THREAT_ID, THREAT_NAME, THREAT_REFERENCE, N_THREAT_MEMBERS };

static const char *const threat_member_names[] = {"id", "name", "reference"};

static void write_tactics(struct json_writer *w, const struct job *job)
{
    json_begin_object(w, "tactic");
    for (size_t member = 0; member < N_THREAT_MEMBERS; member++) {
        json_begin_array(w, threat_member_names[member]);
        for (size_t i = 0; i < job->n_tactics; i++) {
            const struct threat_tactic *t = &job->tactics[i];
            const char *texts[] = {t->id, t->name, t->reference};

            json_text(w, NULL, texts[member] ? texts[member] : "");
        }
        json_end(w);
    }
    json_end(w);
}

static void write_techniques(struct json_writer *w, const struct job *job)
{
    json_begin_object(w, "technique");
    for (size_t member = 0; member < N_THREAT_MEMBERS; member++) {
        json_begin_array(w, threat_member_names[member]);
        for (size_t i = 0; i < job->n_tactics; i++) {
            for (size_t k = 0; k < job->tactics[i].n_techniques; k++) {
                const struct threat_technique *t = &job->tactics[i].techniques[k];
                const char *texts[] = {t->id, t->name, t->reference};

                json_text(w, NULL, texts[member] ? texts[member] : "");
            }
        }
        json_end(w);
    }
    json_end(w);
}

static void write_threat(struct json_writer *w, const struct job *job)
{
    if (job->n_tactics == 0)
        return;
    json_begin_object(w, "threat");
    json_text(w, "framework", "MITRE ATT&CK");
    write_tactics(w, job);
    write_techniques(w, job);
    json_end(w);
}

/* Everybody and every place the alert is about, in one field each, to search by. */
static void write_related(struct json_writer *w, const struct verdict *verdict)
{
    const struct event *event = verdict->event;
    const struct slice users[] = {event->actor.name, event->real.name, event->effective.name};

    json_begin_object(w, "related");
    json_begin_array(w, "user");
    for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
        bool is_known = users[i].len == 0;

        for (size_t k = 0; k < i && !is_known; k++)
            is_known = slice_equal(users[i], users[k]);
        if (!is_known)
            json_string(w, NULL, users[i]);
    }
    json_end(w);
    json_begin_array(w, "hosts");
    if (event->host.len > 0)
        json_string(w, NULL, event->host);
    json_end(w);
    json_begin_array(w, "ip");
    if (member_has_source_ip(event))
        json_string(w, NULL, event->login_source_ip);
    json_end(w);
    json_end(w);
}

static void write_bucket(struct json_writer *w, const struct verdict *verdict)
{
    json_begin_object(w, "bucket");
    json_time(w, "start", verdict->bucket_start_usec);
    json_integer(w, "span_seconds", verdict->bucket_span_usec / USEC_PER_SEC);
    json_integer(w, "events", (int64_t)MIN(verdict->n_events, (uint64_t)INT64_MAX));
    json_end(w);
}

static void write_counts(struct json_writer *w, const struct verdict *verdict)
{
    json_begin_object(w, "counts");
    json_number(w, "user_weight", verdict->user_weight);
    json_number(w, "less_likely_weight", verdict->less_likely_weight);
    json_number(w, "total_weight", verdict->total_weight);
    json_integer(w, "users", (int64_t)MIN(verdict->n_users, (uint64_t)INT64_MAX));
    json_end(w);
}

/* What made up the score of a detector that judges by components, in the order of its table. */
static void write_components(struct json_writer *w, const struct verdict *verdict)
{
    if (verdict->n_components == 0)
        return;
    json_begin_array(w, "components");
    for (size_t i = 0; i < verdict->n_components; i++) {
        const struct verdict_component *c = &verdict->components[i];

        json_begin_object(w, NULL);
        json_text(w, "name", c->name);
        json_text(w, "summary", c->summary);
        json_number(w, "value", c->surprise * c->weight);
        json_number(w, "surprise", c->surprise);
        json_number(w, "weight", c->weight);
        json_number(w, "count", c->count);
        json_number(w, "expected", c->expected);
        json_end(w);
    }
    json_end(w);
    json_number(w, "raw_score", verdict->raw_score);
    json_number(w, "cases_per_day", verdict->cases_per_day);
    json_number(w, "budget_per_day", verdict->budget_per_day);
}

/* suggestion NULL: there is none. */
static void write_hapax(struct json_writer *w, const struct verdict *verdict,
                        const struct suggestion *suggestion)
{
    json_begin_object(w, "hapax");
    json_text(w, "job", verdict->job);
    json_text(w, "detector", verdict->detector);
    json_string(w, verdict->is_by_process ? "process" : "user", verdict->user);
    json_string(w, "partition", verdict->partition);
    json_number(w, "score", verdict->score);
    json_number(w, "threshold", verdict->threshold);
    if (verdict->has_probability)
        json_number(w, "probability", verdict->probability);
    json_bool(w, "final", verdict->is_final);
    write_bucket(w, verdict);
    write_counts(w, verdict);
    write_components(w, verdict);
    json_bool(w, "is_first_seen", verdict->is_first_seen);
    if (!verdict->is_first_seen) {
        json_time(w, "first_seen", verdict->first_seen_usec);
        json_time(w, "previous_seen", verdict->previous_seen_usec);
    }
    if (suggestion)
        suggestion_write(w, suggestion, verdict->job);
    members_hapax(w, verdict->event, ARGS_BYTES_MAX);
    json_end(w);
}

static int make_id(const struct verdict *verdict, struct arena *arena, struct slice *ret_id)
{
    char id[HASH_ID_SIZE];

    alert_id(verdict, id);
    return arena_copy(arena, slice_new(id, sizeof(id)), ret_id);
}

/* Who the alert is about, so that one partition of a topic has all alerts of a user in order. */
static int make_key(const struct event *event, struct arena *arena, struct slice *ret_key)
{
    struct slice label;
    int r;

    r = member_user_label(arena, &event->actor, &label);
    if (r < 0)
        return r;
    if (label.len == 0)
        label = event->host;
    return arena_copy(arena, slice_is_absent(label) ? SLICE("") : json_head(label, KEY_BYTES_MAX), ret_key);
}

int alert_ecs(const struct verdict *verdict, const struct job *job, const struct alert_observer *observer,
              struct arena *arena, struct document *ret_document)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(arena, ENVELOPE_STRING_BYTES_MAX);
    struct document document = {.severity = job->severity};
    struct suggestion suggestion;
    bool has_suggestion;
    int r;

    r = reason_sentence(verdict, arena, &document.message);
    if (r == 0)
        r = make_id(verdict, arena, &document.id);
    if (r == 0)
        r = make_key(verdict->event, arena, &document.key);
    if (r < 0)
        return r;
    document.id.len = HASH_ID_SIZE - 1; /* its NUL stays behind it */
    r = suggestion_of_verdict(verdict, job, document.id, arena, &suggestion);
    if (r < 0)
        return r;
    has_suggestion = r > 0;

    envelope_begin(&w, verdict->event->time_usec, document.message);
    write_event(&w, verdict, job, document.id.data, document.message);
    write_rule(&w, job);
    write_threat(&w, job);
    members_host(&w, verdict->event);
    members_user(&w, verdict->event);
    members_process(&w, verdict->event, ARGS_BYTES_MAX);
    members_source(&w, verdict->event);
    write_related(&w, verdict);
    envelope_observer(&w, observer);
    json_strings(&w, "tags", job->tags, job->n_tags);
    write_hapax(&w, verdict, has_suggestion ? &suggestion : NULL);
    r = json_finish(&w, &document.bytes);
    if (r < 0)
        return r;
    *ret_document = document;
    return 0;
}
