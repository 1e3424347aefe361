/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The sentence an operator reads first, in a mail, a chat or the title of a SIEM's case: who ran what where,
 * and the counts that made it rare. It repeats the verdict's numbers and judges nothing itself.
 *
 *   mallory, as root, ran 'ss -tulpn' on db-01: the first time for this user; users this rare account for 1
 * of 312 user-buckets of 9 users (score 52.1, threshold 25)
 *
 * A user-bucket is one user active in one bucket span; how rare a user is, is the share of them held by all
 * users who are seen no more often (reference: the model in detect/rare.c). Counts may be fractions (forget:
 * decay): they are shown rounded.
 *
 * Names and commands are others' text: each is cut to a limit of its own, and what is not seen as it is
 * (util/utf8.h) is shown as \xNN: control characters, which could fake a line or move a terminal's cursor,
 * and those that turn the direction of what follows, the numbers of this sentence included.
 */
#include "alert/reason.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "alert/json.h"
#include "alert/members.h"
#include "util/buffer.h"
#include "util/parse.h"
#include "util/utf8.h"

/* Chosen: a sentence that fits a chat message. A user name has at most 32 bytes (useradd), a host name 64
 * (HOST_NAME_MAX). */
#define NAME_SHOWN_BYTES    64
#define COMMAND_SHOWN_BYTES 160

static int append_quoted(struct buffer *out, struct arena *arena, struct slice s, size_t max_bytes)
{
    bool is_cut;
    int r;

    /* Cut first: what is not shown need not be examined. */
    is_cut = s.len > max_bytes;
    r = utf8_sanitize(arena, json_head(s, max_bytes), &s);
    while (s.len > 0 && r >= 0) {
        struct slice bytes;

        if (utf8_is_plain(utf8_take(&s, &bytes)))
            r = buffer_append_slice(out, bytes);
        else
            for (size_t i = 0; i < bytes.len && r >= 0; i++)
                r = buffer_append_format(out, "\\x%02x", (unsigned)(unsigned char)bytes.data[i]);
    }
    if (r >= 0 && is_cut)
        r = buffer_append_slice(out, SLICE("…"));
    return r < 0 ? r : 0;
}

/* 1234567 as "1,234,567". */
static int append_count(struct buffer *out, double count)
{
    char digits[32];
    int n, r = 0;

    n = snprintf(digits, sizeof(digits), "%.0f", MIN(count, 1e15));
    for (int i = 0; i < n && r == 0; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            r = buffer_append_char(out, ',');
        if (r == 0)
            r = buffer_append_char(out, digits[i]);
    }
    return r;
}

/* The command as it was typed; else its arguments; else its name. */
static int append_command(struct buffer *out, struct arena *arena, const struct event *event)
{
    _cleanup_(buffer_done) struct buffer joined = BUFFER_INIT;
    int r = 0;

    if (event->command_line.len > 0)
        return append_quoted(out, arena, event->command_line, COMMAND_SHOWN_BYTES);
    if (event->n_args == 0)
        return append_quoted(out, arena, event->process_name, COMMAND_SHOWN_BYTES);
    for (size_t i = 0; i < event->n_args && joined.len <= COMMAND_SHOWN_BYTES && r == 0; i++) {
        if (i > 0)
            r = buffer_append_char(&joined, ' ');
        if (r == 0)
            r = buffer_append_slice(&joined, slice_is_absent(event->args[i]) ? SLICE("…") : event->args[i]);
    }
    return r < 0 ? r : append_quoted(out, arena, buffer_slice(&joined), COMMAND_SHOWN_BYTES);
}

/* "alice, as root," or, where a job judges another identity than the login's, "root (login alice)". */
static int append_who(struct buffer *out, struct arena *arena, const struct verdict *verdict)
{
    const struct event *event = verdict->event;
    struct slice actor, effective, who = verdict->user;
    int r;

    r = member_user_label(arena, &event->actor, &actor);
    if (r == 0)
        r = member_user_label(arena, &event->effective, &effective);
    if (r == 0 && verdict->is_by_process)
        who = actor.len > 0 ? actor : SLICE("somebody");
    if (r == 0)
        r = append_quoted(out, arena, who, NAME_SHOWN_BYTES);
    if (r == 0 && actor.len > 0 && !slice_equal(actor, who)) {
        r = buffer_append_slice(out, SLICE(" (login "));
        if (r == 0)
            r = append_quoted(out, arena, actor, NAME_SHOWN_BYTES);
        if (r == 0)
            r = buffer_append_char(out, ')');
    }
    if (r == 0 && effective.len > 0 && !slice_equal(effective, who)) {
        r = buffer_append_slice(out, SLICE(", as "));
        if (r == 0)
            r = append_quoted(out, arena, effective, NAME_SHOWN_BYTES);
        if (r == 0)
            r = buffer_append_char(out, ',');
    }
    return r;
}

static int append_where(struct buffer *out, struct arena *arena, struct slice host)
{
    int r;

    if (host.len == 0)
        return 0;
    r = buffer_append_slice(out, SLICE(" on "));
    return r < 0 ? r : append_quoted(out, arena, host, NAME_SHOWN_BYTES);
}

/* Chosen: the most that a sentence can name; the others are in the document. */
#define COMPONENTS_SHOWN 3

/*
 * "command and family weigh most (12.1 and 6.5 of 30.2)": the components with the greatest share of the
 * score, by what a high value of them means.
 */
static int append_components(struct buffer *out, const struct verdict *verdict)
{
    double last = INFINITY;
    size_t n_shown = 0;
    int r = 0;

    while (r == 0 && n_shown < COMPONENTS_SHOWN) {
        const struct verdict_component *next = NULL;
        double greatest = 0;

        for (size_t i = 0; i < verdict->n_components; i++) {
            const double value = verdict->components[i].surprise * verdict->components[i].weight;

            if (value > greatest && value < last) {
                greatest = value;
                next = &verdict->components[i];
            }
        }
        /* a tenth of the whole is not what made it */
        if (!next || (n_shown > 0 && greatest < verdict->raw_score / 10))
            break;
        r = buffer_append_format(out, "%s%s (%.1f of %.1f)", n_shown > 0 ? ", " : ": ", next->summary,
                                 greatest, verdict->raw_score);
        last = greatest;
        n_shown++;
    }
    if (r == 0 && verdict->is_first_seen)
        r = buffer_append_slice(out, SLICE("; the first such command of this user"));
    if (r == 0)
        r = buffer_append_format(out,
                                 verdict->cases_per_day >= 1 ? "; %.1f cases a day are as unusual"
                                                             : "; a case in %.1f days is as unusual",
                                 verdict->cases_per_day >= 1 ? verdict->cases_per_day
                                                             : 1 / verdict->cases_per_day);
    if (r == 0)
        r = buffer_append_format(out, " (budget: %.3g alerts a day)", verdict->budget_per_day);
    return r;
}

static int append_numbers(struct buffer *out, const struct verdict *verdict)
{
    const char *one = verdict->is_by_process ? "process" : "user";
    const char *many = verdict->is_by_process ? "processes" : "users";
    char seen[TIMESTAMP_SIZE];
    int r;

    if (verdict->n_components > 0)
        return append_components(out, verdict);
    if (verdict->is_first_seen) {
        r = buffer_append_format(out, ": the first time for this %s", one);
    } else {
        format_timestamp(verdict->previous_seen_usec, seen);
        r = buffer_append_format(out, ": last %s %s on %.10s at %.5s UTC",
                                 verdict->is_by_process ? "start of" : "done by",
                                 verdict->is_by_process ? "this process" : "this user", seen, seen + 11);
    }
    if (r == 0)
        r = buffer_append_format(out, "; %s this rare account for ", many);
    if (r == 0)
        r = append_count(out, verdict->less_likely_weight);
    if (r == 0)
        r = buffer_append_slice(out, SLICE(" of "));
    if (r == 0)
        r = append_count(out, verdict->total_weight);
    if (r == 0)
        r = buffer_append_format(out, " %s-buckets of %" PRIu64 " %s (score %.1f, threshold %g)", one,
                                 verdict->n_users, many, verdict->score, verdict->threshold);
    return r;
}

int reason_sentence(const struct verdict *verdict, struct arena *arena, struct slice *ret_sentence)
{
    _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
    int r;

    r = append_who(&out, arena, verdict);
    if (r == 0)
        r = buffer_append_slice(&out,
                                verdict->event->is_failure ? SLICE(" tried to run '") : SLICE(" ran '"));
    if (r == 0)
        r = append_command(&out, arena, verdict->event);
    if (r == 0)
        r = buffer_append_char(&out, '\'');
    if (r == 0)
        r = append_where(&out, arena, verdict->event->host);
    if (r == 0)
        r = append_numbers(&out, verdict);
    return r < 0 ? r : arena_copy(arena, buffer_slice(&out), ret_sentence);
}
