/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The daily digest: one document for what an exception held back from a job in a day, so that somebody sees
 * it without being woken by it. It has the ids that the alerts would have had: the history knows each under
 * its id. event.kind is "event", so that rules which promote alerts leave it alone.
 *
 * The lists are cut at DIGEST_LIST_MAX entries; the counts are of everything, and "cut" says that there was
 * more. The id is made of day, job and exception: a digest that is sent again after a restart overwrites
 * itself.
 */
#include "alert/alert.h"

#include "alert/json.h"
#include "util/hash.h"
#include "util/parse.h"

#define ECS_VERSION "8.17.0"
/* as in an alert: see ecs.c */
#define STRING_BYTES_MAX ((size_t)4 * 1024)
/* chosen: names that make a sentence, not a list */
#define MESSAGE_USERS_MAX 5

static int make_message(const struct alert_digest *digest, const struct job *job, struct arena *arena,
                        struct slice *ret_message)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    char day[TIMESTAMP_SIZE];
    int r;

    format_timestamp(digest->day_usec, day);
    r = buffer_append_format(&text, "%s: exception %s held back %llu alert%s on %.10s, about ", job->name,
                             digest->exception, (unsigned long long)digest->n_alerts,
                             digest->n_alerts == 1 ? "" : "s", day);
    for (size_t i = 0; r >= 0 && i < digest->users->n && i < MESSAGE_USERS_MAX; i++)
        r = buffer_append_format(&text, "%s%s", i > 0 ? ", " : "", digest->users->items[i]);
    if (r >= 0 && digest->users->n > MESSAGE_USERS_MAX)
        r = buffer_append_format(&text, " and others");
    return r < 0 ? r : arena_copy(arena, buffer_slice(&text), ret_message);
}

static void write_list(struct json_writer *w, const char *name, const struct string_list *list)
{
    json_strings(w, name, list->items, list->n);
}

static void write_digest(struct json_writer *w, const struct alert_digest *digest)
{
    json_begin_object(w, "digest");
    json_time(w, "day", digest->day_usec);
    json_text(w, "exception", digest->exception);
    json_text(w, "reason", digest->reason);
    json_text(w, "owner", digest->owner);
    json_text(w, "ticket", digest->ticket);
    json_integer(w, "alerts", (int64_t)MIN(digest->n_alerts, (uint64_t)INT64_MAX));
    json_time(w, "first", digest->first_usec);
    json_time(w, "last", digest->last_usec);
    json_number(w, "score_max", digest->score_max);
    write_list(w, "users", digest->users);
    write_list(w, "hosts", digest->hosts);
    write_list(w, "alert_ids", digest->ids);
    if (digest->is_cut)
        json_bool(w, "cut", true);
    json_end(w);
}

int alert_digest(const struct alert_digest *digest, const struct job *job,
                 const struct alert_observer *observer, struct arena *arena, struct document *ret_document)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(arena, STRING_BYTES_MAX);
    struct document document = {.severity = job->severity, .key = slice_from_string(digest->exception)};
    char day[TIMESTAMP_SIZE], id[HASH_ID_SIZE];
    struct slice parts[4];
    int r;

    format_timestamp(digest->day_usec, day);
    parts[0] = SLICE("digest");
    parts[1] = slice_from_string(job->id);
    parts[2] = slice_from_string(digest->exception);
    parts[3] = slice_from_string(day);
    hash_id(parts, ARRAY_SIZE(parts), id);
    r = arena_copy(arena, slice_new(id, HASH_ID_SIZE), &document.id);
    if (r >= 0)
        r = make_message(digest, job, arena, &document.message);
    if (r < 0)
        return r;
    document.id.len = HASH_ID_SIZE - 1; /* its NUL stays behind it */

    json_begin_object(&w, NULL);
    json_time(&w, "@timestamp", digest->last_usec);
    json_begin_object(&w, "ecs");
    json_text(&w, "version", ECS_VERSION);
    json_end(&w);
    json_string(&w, "message", document.message);
    json_begin_object(&w, "event");
    json_text(&w, "kind", "event");
    json_begin_array(&w, "category");
    json_text(&w, NULL, "process");
    json_end(&w);
    json_begin_array(&w, "type");
    json_text(&w, NULL, "info");
    json_end(&w);
    json_text(&w, "action", "digest");
    json_string(&w, "id", document.id);
    json_text(&w, "module", "hapax");
    json_text(&w, "dataset", "hapax.digest");
    json_integer(&w, "severity", job->severity);
    json_integer(&w, "risk_score", job->risk_score);
    json_end(&w);
    json_begin_object(&w, "rule");
    json_text(&w, "id", job->id);
    json_text(&w, "name", job->name);
    json_text(&w, "version", job->rule_version);
    json_text(&w, "ruleset", "hapax");
    json_end(&w);
    json_begin_object(&w, "related");
    write_list(&w, "user", digest->users);
    write_list(&w, "hosts", digest->hosts);
    json_end(&w);
    json_begin_object(&w, "observer");
    json_text(&w, "vendor", "hapax");
    json_text(&w, "product", "hapax");
    json_text(&w, "type", "ids");
    json_text(&w, "version", observer->version);
    json_string(&w, "hostname", observer->host);
    json_end(&w);
    json_strings(&w, "tags", job->tags, job->n_tags);
    json_begin_object(&w, "hapax");
    json_text(&w, "job", job->id);
    write_digest(&w, digest);
    json_end(&w);
    r = json_finish(&w, &document.bytes);
    if (r < 0)
        return r;
    *ret_document = document;
    return 0;
}
