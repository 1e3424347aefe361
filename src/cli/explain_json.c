/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The paragraph of explain.c for programs (an editor's, a test's of somebody's rulebase):
 *
 *   {"file":…,"record":N,"text":…,"read_as":…,"rules":[{"kind":…,"file":…,"line":N,"tags":[…],
 *    "fields":[{"name":…,"value":…}]}],"tried":[{"file":…,"stopped_before":…}],"events":[{"event":{…},
 *    "jobs":[{"id":…,"exception":…}]}],"given_up":N,"outcome":…,"reason":…}
 *
 * "event" is what `hapax normalize` prints of it without --explain. Fields are a list, since a rule may find
 * a name more than once, and in its order. The lists are always there, other members only where they say
 * something. At the end of an input there is one more, without record, text and outcome, if events were only
 * complete there. Texts are whole; bytes that are no UTF-8 are U+FFFD (alert/json.h).
 *
 * The parts are written as they come and put together by their text: an event is finished JSON already.
 */
#include "cli/explain_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "alert/json.h"

struct explain_json {
    struct arena arena;
    struct buffer rules, tried, events; /* of the record at hand: objects, commas between them */
    int error;
};

int explain_json_new(struct explain_json **ret_json)
{
    struct explain_json *json = calloc(1, sizeof(*json));

    if (!json)
        return -ENOMEM;
    *ret_json = json;
    return 0;
}

struct explain_json *explain_json_free(struct explain_json *json)
{
    if (!json)
        return NULL;
    arena_done(&json->arena);
    buffer_done(&json->rules);
    buffer_done(&json->tried);
    buffer_done(&json->events);
    free(json);
    return NULL;
}

static int append_object(struct buffer *list, struct slice object)
{
    int r = list->len > 0 ? buffer_append_char(list, ',') : 0;

    return r < 0 ? r : buffer_append_slice(list, object);
}

static void write_strings(struct json_writer *w, const char *name, struct slice words)
{
    json_begin_array(w, name);
    while (words.len > 0) {
        size_t end = slice_find(words, ',');

        json_string(w, NULL, slice_head(words, end));
        words = slice_skip(words, MIN(end + 1, words.len));
    }
    json_end(w);
}

void explain_json_attempt(struct explain_json *json, const struct rulebase_attempt *attempt)
{
    static const char *const kinds[] = {
        [RULEBASE_HEADER] = "header", [RULEBASE_AUDIT] = "audit", [RULEBASE_MESSAGE] = "message"};
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&json->arena, 0);
    const struct rule_match *match = attempt->match;
    struct slice object;
    int r;

    json_begin_object(&w, NULL);
    if (match)
        json_text(&w, "kind", kinds[attempt->kind]);
    json_text(&w, "file", attempt->file);
    if (match) {
        json_integer(&w, "line", attempt->line);
        write_strings(&w, "tags", match->tags);
        json_begin_array(&w, "fields");
        for (size_t i = 0; i < match->n_fields; i++) {
            json_begin_object(&w, NULL);
            json_string(&w, "name", match->fields[i].name);
            json_string(&w, "value", match->fields[i].value);
            json_end(&w);
        }
        json_end(&w);
    } else {
        json_string(&w, "stopped_before", attempt->rest);
    }
    r = json_finish(&w, &object);
    if (r >= 0)
        r = append_object(match ? &json->rules : &json->tried, object);
    if (r < 0)
        json->error = r;
}

/* {"jobs":[…]}, or {} */
static int write_jobs(struct explain_json *json, const struct setup *setup, const struct event *event,
                      struct slice *ret_object)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&json->arena, 0);

    json_begin_object(&w, NULL);
    json_begin_array(&w, "jobs");
    for (size_t i = 0; i < setup->jobs.n_jobs; i++) {
        const struct job *job = &setup->jobs.jobs[i];
        const struct exception *exception = NULL;
        int r;

        if (!job_selects(job, event))
            continue;
        r = setup->exceptions ? exception_set_find(setup->exceptions, ~0U, job->id, event, &exception) : 0;
        if (r < 0)
            return r;
        json_begin_object(&w, NULL);
        json_text(&w, "id", job->id);
        if (r > 0)
            json_text(&w, "exception", exception->id);
        json_end(&w);
    }
    json_end(&w);
    return json_finish(&w, ret_object);
}

int explain_json_event(struct explain_json *json, const struct setup *setup, const struct event *event)
{
    struct slice text, jobs = SLICE("");
    int r = alert_event(event, &json->arena, &text);

    if (r >= 0 && event->kind == EVENT_PROCESS_START)
        r = write_jobs(json, setup, event, &jobs);
    if (r >= 0)
        r = append_object(&json->events, SLICE("{\"event\":"));
    if (r >= 0)
        r = buffer_append_slice(&json->events, text);
    /* what is between the braces */
    if (r >= 0 && jobs.len > 2)
        r = buffer_append_format(&json->events, ",%.*s",
                                 SLICE_FMT(slice_head(slice_skip(jobs, 1), jobs.len - 2)));
    return r < 0 ? r : buffer_append_char(&json->events, '}');
}

bool explain_json_has_notes(const struct explain_json *json)
{
    return json->rules.len > 0 || json->events.len > 0;
}

/* The members before the lists, or behind them. Where there is none, and no list before it, the text is "{}".
 */
static int write_members(struct explain_json *json, const struct explain_row *row, bool is_behind,
                         struct slice *ret_object)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&json->arena, 0);

    json_begin_object(&w, NULL);
    if (is_behind) {
        size_t end = row->outcome ? strcspn(row->outcome, ":") : 0;

        if (row->n_given_up > 0)
            json_integer(&w, "given_up", (int64_t)row->n_given_up);
        if (row->outcome) {
            json_string(&w, "outcome", slice_new(row->outcome, end));
            if (row->outcome[end] == ':')
                json_text(&w, "reason", row->outcome + end + 2);
        }
    } else {
        json_text(&w, "file", row->path);
        if (row->number > 0) {
            json_integer(&w, "record", (int64_t)row->number);
            json_string(&w, "text", row->text);
        }
        if (row->read_as)
            json_text(&w, "read_as", row->read_as);
    }
    return json_finish(&w, ret_object);
}

static void print_list(const char *name, const struct buffer *list, bool is_shown)
{
    (void)printf("%s[", name);
    if (is_shown && list->len > 0)
        (void)fwrite(list->data, 1, list->len, stdout);
    (void)fputc(']', stdout);
}

int explain_json_row(struct explain_json *json, const struct explain_row *row)
{
    struct slice before, behind;
    int r = json->error;

    if (r >= 0)
        r = write_members(json, row, false, &before);
    if (r >= 0)
        r = write_members(json, row, true, &behind);
    if (r < 0)
        return r;
    (void)fwrite(before.data, 1, before.len - 1, stdout);
    print_list(",\"rules\":", &json->rules, true);
    print_list(",\"tried\":", &json->tried, row->is_unknown);
    print_list(",\"events\":", &json->events, true);
    if (behind.len > 2)
        (void)fputc(',', stdout);
    (void)fwrite(behind.data + 1, 1, behind.len - 1, stdout);
    (void)fputc('\n', stdout);
    buffer_clear(&json->rules);
    buffer_clear(&json->tried);
    buffer_clear(&json->events);
    arena_reset(&json->arena);
    return 0;
}
