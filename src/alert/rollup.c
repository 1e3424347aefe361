/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The roll-up alert: one document for the alerts that a limit on their volume held back in a period. It is an
 * alert like those it stands for, with the rule's severity, because whoever floods the channel must not
 * thereby fall silent; event.action tells it apart. It has the ids that the alerts would have had: the
 * history knows each under its id.
 *
 * The lists are cut at ROLLUP_LIST_MAX entries, and hapax.rollup.more says how many ids were left out; the
 * count is of everything. @timestamp is the time of the last event.
 */
#include "alert/alert.h"
#include "alert/envelope.h"
#include "util/hash.h"
#include "util/parse.h"

static int make_message(const struct alert_rollup *u, const struct job *job, struct arena *arena,
                        struct slice *ret_message)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    char start[TIMESTAMP_SIZE], end[TIMESTAMP_SIZE];
    int r;

    format_timestamp(u->start_usec, start);
    format_timestamp(u->end_usec, end);
    r = buffer_append_format(
        &text, "%s: %llu more alert%s between %.16s and %.16s UTC, beyond the limit of %lld ", job->name,
        (unsigned long long)u->n_alerts, u->n_alerts == 1 ? "" : "s", start, end, (long long)u->limit_alerts);
    if (r >= 0 && u->name)
        r = buffer_append_format(&text, "for %s %s", u->limit, u->name);
    else if (r >= 0)
        r = buffer_append_format(&text, "for the job");
    if (r >= 0)
        r = envelope_append_names(&text, ", about ", u->users);
    if (r >= 0)
        r = envelope_append_names(&text, " on ", u->hosts);
    return r < 0 ? r : arena_copy(arena, buffer_slice(&text), ret_message);
}

static void write_rollup(struct json_writer *w, const struct alert_rollup *u)
{
    json_begin_object(w, "rollup");
    json_text(w, "limit", u->limit);
    json_text(w, "name", u->name);
    json_integer(w, "limit_alerts", u->limit_alerts);
    json_time(w, "start", u->start_usec);
    json_time(w, "end", u->end_usec);
    json_integer(w, "alerts", (int64_t)MIN(u->n_alerts, (uint64_t)INT64_MAX));
    json_time(w, "first", u->first_usec);
    json_time(w, "last", u->last_usec);
    json_number(w, "score_max", u->score_max);
    envelope_list(w, "users", u->users);
    envelope_list(w, "hosts", u->hosts);
    envelope_list(w, "alert_ids", u->ids);
    if (u->n_alerts > u->ids->n)
        json_integer(w, "more", (int64_t)MIN(u->n_alerts - u->ids->n, (uint64_t)INT64_MAX));
    if (u->is_cut)
        json_bool(w, "cut", true);
    json_end(w);
}

/* {"NAME": {"name": …}} where all alerts are about the one. */
static void write_only(struct json_writer *w, const char *name, const struct string_list *list)
{
    if (list->n != 1)
        return;
    json_begin_object(w, name);
    json_text(w, "name", list->items[0]);
    json_end(w);
}

int alert_rollup(const struct alert_rollup *u, const struct job *job, const struct alert_observer *observer,
                 struct arena *arena, struct document *ret_document)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(arena, ENVELOPE_STRING_BYTES_MAX);
    struct document document = {.severity = job->severity};
    int r = arena_copy(arena, slice_new(u->id, HASH_ID_SIZE), &document.id);

    if (r >= 0)
        r = arena_copy(arena, slice_from_string(u->name ? u->name : u->job), &document.key);
    if (r >= 0)
        r = make_message(u, job, arena, &document.message);
    if (r < 0)
        return r;
    document.id.len = HASH_ID_SIZE - 1; /* its NUL stays behind it */

    envelope_begin(&w, u->last_usec, document.message);
    envelope_event(&w,
                   &(struct envelope_event){.kind = "alert",
                                            .type = "start",
                                            .action = "rollup",
                                            .dataset = "hapax.alert",
                                            .id = document.id},
                   job);
    write_only(&w, "host", u->hosts);
    if (job->subject == SUBJECT_USER)
        write_only(&w, "user", u->users);
    json_begin_object(&w, "related");
    if (job->subject == SUBJECT_USER)
        envelope_list(&w, "user", u->users);
    envelope_list(&w, "hosts", u->hosts);
    json_end(&w);
    envelope_observer(&w, observer);
    json_strings(&w, "tags", job->tags, job->n_tags);
    json_begin_object(&w, "hapax");
    json_text(&w, "job", job->id);
    write_rollup(&w, u);
    json_end(&w);
    r = json_finish(&w, &document.bytes);
    if (r < 0)
        return r;
    *ret_document = document;
    return 0;
}
