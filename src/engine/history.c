/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A verdict holds everything an alert would say; history keeps what a later question needs: who, where, what,
 * when, how unusual, and what became of it. The command line is cut, because an argv can have two megabytes
 * and a row is read by a person.
 *
 * Detectors may leave things out (a score without a probability, an event without a host); what is absent
 * becomes an empty value, since the key of a row must compare.
 */
#include "engine/history.h"

#include "alert/alert.h"
#include "util/hash.h"

/* chosen: the longest command line that people read; PATH_MAX is four times as much */
#define COMMAND_BYTES_MAX 1024U

static struct slice present(struct slice s)
{
    return slice_is_absent(s) ? SLICE("") : s;
}

/* The arguments with a blank between them, where the format has no command line of its own. */
static int join_args(const struct event *event, struct buffer *scratch)
{
    int r = 0;

    buffer_clear(scratch);
    for (size_t i = 0; r >= 0 && i < event->n_args && scratch->len < COMMAND_BYTES_MAX; i++) {
        if (i > 0)
            r = buffer_append_char(scratch, ' ');
        if (r >= 0)
            r = buffer_append_slice(scratch, slice_head(present(event->args[i]), COMMAND_BYTES_MAX));
    }
    return r;
}

int history_put(struct ledger *ledger, const struct verdict *v, bool is_final, struct buffer *scratch)
{
    char id[HASH_ID_SIZE] = "";
    struct history_row row;
    const struct event *event = v->event;
    struct slice command = event->command_line;

    if (slice_is_absent(command)) {
        int r = join_args(event, scratch);

        if (r < 0)
            return r;
        command = buffer_slice(scratch);
    }
    if (v->reason == VERDICT_ALERT || v->reason == VERDICT_ROLLED_UP) /* a roll-up names it by this */
        alert_id(v, id);
    row = (struct history_row){
        .bucket_usec = v->bucket_start_usec,
        .job = slice_from_string(v->job),
        .partition = present(v->partition),
        .user = present(v->user),
        .host = present(event->host),
        .process = present(event->process_name),
        .first_usec = event->time_usec,
        .last_usec = event->time_usec,
        .detector = slice_from_string(v->detector),
        .effective =
            present(slice_is_absent(event->effective.name) ? event->effective.id : event->effective.name),
        .command_line = slice_head(command, COMMAND_BYTES_MAX),
        .reason = slice_from_string(verdict_reason_name(v->reason)),
        .alert = id[0] ? slice_from_string(id) : SLICE_NULL,
        .exception = slice_from_string(v->exception),
        .score = v->score,
        .final_score = v->score,
        .has_final_score = is_final,
        .probability = v->probability,
        .has_probability = v->has_probability,
        .n_events = v->n_events,
        .user_weight = v->user_weight,
        .first_seen_usec = v->first_seen_usec,
        .previous_seen_usec = v->previous_seen_usec,
    };
    return ledger_put_history(ledger, &row, is_final);
}
