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

#include "alert/envelope.h"
#include "util/hash.h"
#include "util/parse.h"

static int make_message(const struct alert_digest *digest, const struct job *job, struct arena *arena,
                        struct slice *ret_message)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    char day[TIMESTAMP_SIZE];
    int r;

    format_timestamp(digest->day_usec, day);
    r = buffer_append_format(&text, "%s: exception %s held back %llu alert%s on %.10s", job->name,
                             digest->exception, (unsigned long long)digest->n_alerts,
                             digest->n_alerts == 1 ? "" : "s", day);
    if (r >= 0)
        r = envelope_append_names(&text, ", about ", digest->users);
    return r < 0 ? r : arena_copy(arena, buffer_slice(&text), ret_message);
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
    envelope_list(w, "users", digest->users);
    envelope_list(w, "hosts", digest->hosts);
    envelope_list(w, "alert_ids", digest->ids);
    if (digest->is_cut)
        json_bool(w, "cut", true);
    json_end(w);
}

int alert_digest(const struct alert_digest *digest, const struct job *job,
                 const struct alert_observer *observer, struct arena *arena, struct document *ret_document)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(arena, ENVELOPE_STRING_BYTES_MAX);
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

    envelope_begin(&w, digest->last_usec, document.message);
    envelope_event(&w,
                   &(struct envelope_event){.kind = "event",
                                            .type = "info",
                                            .action = "digest",
                                            .dataset = "hapax.digest",
                                            .id = document.id},
                   job);
    json_begin_object(&w, "related");
    envelope_list(&w, "user", digest->users);
    envelope_list(&w, "hosts", digest->hosts);
    json_end(&w);
    envelope_observer(&w, observer);
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
