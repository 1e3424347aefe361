/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The members that do not depend on what a document is about, in one spelling: what an index template, or the
 * rule that promotes alerts, relies on. What is about one event is members.c's.
 */
#include "alert/envelope.h"

/* The version of ECS whose fields and types the documents use. */
#define ECS_VERSION "8.17.0"
/* chosen: names that make a sentence, not a list */
#define NAMES_MAX 5

void envelope_begin(struct json_writer *w, int64_t time_usec, struct slice message)
{
    json_begin_object(w, NULL);
    json_time(w, "@timestamp", time_usec);
    json_begin_object(w, "ecs");
    json_text(w, "version", ECS_VERSION);
    json_end(w);
    json_string(w, "message", message);
}

void envelope_observer(struct json_writer *w, const struct alert_observer *observer)
{
    json_begin_object(w, "observer");
    json_text(w, "vendor", "hapax");
    json_text(w, "product", "hapax");
    json_text(w, "type", "ids");
    json_text(w, "version", observer->version);
    json_string(w, "hostname", observer->host);
    json_end(w);
}

void envelope_event(struct json_writer *w, const struct envelope_event *event, const struct job *job)
{
    json_begin_object(w, "event");
    json_text(w, "kind", event->kind);
    /* both are lists in ECS */
    json_begin_array(w, "category");
    json_text(w, NULL, "process");
    json_end(w);
    json_begin_array(w, "type");
    json_text(w, NULL, event->type);
    json_end(w);
    json_text(w, "action", event->action);
    json_string(w, "id", event->id);
    json_text(w, "module", "hapax");
    json_text(w, "dataset", event->dataset);
    json_integer(w, "severity", job->severity);
    json_integer(w, "risk_score", job->risk_score);
    json_end(w);
    json_begin_object(w, "rule");
    json_text(w, "id", job->id);
    json_text(w, "name", job->name);
    json_text(w, "version", job->rule_version);
    json_text(w, "ruleset", "hapax");
    json_end(w);
}

void envelope_list(struct json_writer *w, const char *name, const struct string_list *list)
{
    json_strings(w, name, list->items, list->n);
}

int envelope_append_names(struct buffer *text, const char *word, const struct string_list *list)
{
    int r = list->n > 0 ? buffer_append_format(text, "%s", word) : 0;

    for (size_t i = 0; r >= 0 && i < list->n && i < NAMES_MAX; i++)
        r = buffer_append_format(text, "%s%s", i > 0 ? ", " : "", list->items[i]);
    if (r >= 0 && list->n > NAMES_MAX)
        r = buffer_append_format(text, " and others");
    return r;
}
