/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which exception would silence this alert? The answer is written into the alert, because the person who
 * decides that it was harmless is reading it just then, and what is written by hand at that moment forgives
 * too much.
 *
 * So the suggestion is the narrowest one that makes sense: this job, this user, this host, this command with
 * these arguments, for EXPIRES_DAYS. Who wants more takes conditions away. Why and who answers for it cannot
 * be suggested: the command leaves both empty, and `hapax exceptions add` refuses it until somebody has said.
 *
 * Everything in it was chosen by the one who ran the command. A condition whose value cannot stand in a YAML
 * file as it is (no UTF-8, a NUL) or is longer than VALUE_BYTES_MAX is left out, which makes the exception
 * wider but never another user's: without the user's name (or the process's, where that is what is rare)
 * there is no suggestion. The command is quoted by util/shell.c, and ends at COMMAND_BYTES_MAX: beyond it the
 * command line's condition goes.
 *
 * Only a function of the verdict: the same alert has the same suggestion, byte for byte.
 */
#include "alert/suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/buffer.h"
#include "util/parse.h"
#include "util/shell.h"
#include "util/utf8.h"

/* chosen: two to three months are how often access is reviewed; then it wants to be asked for again */
#define EXPIRES_DAYS 90
/* chosen: host names end at 253 bytes (RFC 1035 section 2.3.4), file names at 255 (NAME_MAX); a longer
 * command line is not typed twice */
#define VALUE_BYTES_MAX 256U
/* chosen: half of what an alert's strings are cut at (alert/ecs.c), so that it never is */
#define COMMAND_BYTES_MAX 2048U
/* "alert-" and what tells alerts of years apart (64 bits); ids of exceptions end at 64 bytes */
#define ALERT_BYTES_SHOWN 16U

static const char *const user_fields[] = {
    [IDENTITY_LOGIN] = "user.name",
    [IDENTITY_REAL] = "user.real.name",
    [IDENTITY_EFFECTIVE] = "user.effective.name",
};

static bool is_sayable(struct slice value)
{
    return value.len > 0 && value.len <= VALUE_BYTES_MAX && slice_find(value, '\0') == value.len &&
           utf8_is_valid(value);
}

static int take_copy(struct arena *arena, struct buffer *text, struct slice *ret_slice)
{
    int r = buffer_append_char(text, '\0');

    if (r >= 0)
        r = arena_copy(arena, buffer_slice(text), ret_slice);
    if (r >= 0)
        ret_slice->len--;
    buffer_clear(text);
    return r;
}

/* "host.name=web-01"; a value with a comma would be a list, so the operator that takes it whole is named. */
static int add_match(struct suggestion *suggestion, struct arena *arena, const char *field,
                     struct slice value)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    bool has_comma = slice_find(value, ',') < value.len;
    int r;

    if (!is_sayable(value))
        return 0;
    r = buffer_append_format(&text, "%s%s=", field, has_comma ? ".equals" : "");
    if (r >= 0)
        r = buffer_append_slice(&text, value);
    if (r >= 0)
        r = take_copy(arena, &text, &suggestion->matches[suggestion->n_matches]);
    suggestion->n_matches += r >= 0;
    return r;
}

static int add_option(struct buffer *out, const char *option, struct slice value)
{
    int r = buffer_append_format(out, " %s ", option);

    return r < 0 ? r : shell_append_word(out, value);
}

static int make_command(const struct suggestion *suggestion, const char *job, struct buffer *out)
{
    int r;

    buffer_clear(out);
    r = buffer_append_slice(out, SLICE("hapax exceptions add"));
    if (r >= 0)
        r = add_option(out, "--id", suggestion->id);
    if (r >= 0)
        r = add_option(out, "--job", slice_from_string(job));
    for (size_t i = 0; r >= 0 && i < suggestion->n_matches; i++)
        r = add_option(out, "--match", suggestion->matches[i]);
    if (r >= 0)
        r = add_option(out, "--expires", suggestion->expires);
    return r < 0 ? r : buffer_append_slice(out, SLICE(" --reason '' --owner ''"));
}

static int make_names(const struct suggestion_basis *basis, struct arena *arena,
                      struct suggestion *suggestion)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    char day[TIMESTAMP_SIZE];
    int r = buffer_append_format(&text, "alert-%.*s", (int)MIN(basis->alert.len, (size_t)ALERT_BYTES_SHOWN),
                                 basis->alert.data);

    if (r >= 0)
        r = take_copy(arena, &text, &suggestion->id);
    format_timestamp(basis->time_usec + EXPIRES_DAYS * USEC_PER_DAY, day);
    if (r >= 0)
        r = buffer_append(&text, day, strlen("2026-01-31"));
    return r < 0 ? r : take_copy(arena, &text, &suggestion->expires);
}

int suggestion_make(const struct suggestion_basis *basis, struct arena *arena,
                    struct suggestion *ret_suggestion)
{
    _cleanup_(buffer_done) struct buffer command = BUFFER_INIT;
    struct suggestion suggestion = {0};
    bool is_by_process = basis->job->subject == SUBJECT_PROCESS, has_command_line;
    int r;

    if (!is_sayable(is_by_process ? basis->process : basis->user))
        return 0;
    r = make_names(basis, arena, &suggestion);
    if (r >= 0 && !is_by_process)
        r = add_match(&suggestion, arena, user_fields[basis->job->identity], basis->user);
    if (r >= 0)
        r = add_match(&suggestion, arena, "host.name", basis->host);
    if (r >= 0)
        r = add_match(&suggestion, arena, "process.name", basis->process);
    has_command_line = is_sayable(basis->command_line);
    if (r >= 0)
        r = add_match(&suggestion, arena, "process.command_line", basis->command_line);
    if (r >= 0)
        r = make_command(&suggestion, basis->job->id, &command);
    if (r >= 0 && command.len > COMMAND_BYTES_MAX && has_command_line) {
        suggestion.n_matches--;
        r = make_command(&suggestion, basis->job->id, &command);
    }
    if (r < 0)
        return r;
    if (command.len > COMMAND_BYTES_MAX)
        return 0;
    r = take_copy(arena, &command, &suggestion.command);
    if (r < 0)
        return r;
    *ret_suggestion = suggestion;
    return 1;
}

int suggestion_of_verdict(const struct verdict *verdict, const struct job *job, struct slice alert,
                          struct arena *arena, struct suggestion *ret_suggestion)
{
    const struct event *event = verdict->event;
    bool is_by_process = job->subject == SUBJECT_PROCESS;
    struct suggestion_basis basis = {
        .alert = alert,
        .job = job,
        .user = is_by_process ? SLICE_NULL : verdict->user,
        .host = event->host,
        .process = event->process_name,
        .command_line = event->command_line,
        .time_usec = event->time_usec,
    };

    if (event->is_ambiguous)
        return 0;
    if (verdict->is_final && verdict->n_events > 1) {
        basis.command_line = SLICE_NULL;
        if (!is_by_process)
            basis.process = SLICE_NULL;
        if (job->scope != SCOPE_HOST)
            basis.host = SLICE_NULL;
    }
    return suggestion_make(&basis, arena, ret_suggestion);
}

void suggestion_write(struct json_writer *w, const struct suggestion *suggestion, const char *job)
{
    json_begin_object(w, "exception");
    json_string(w, "id", suggestion->id);
    json_text(w, "job", job);
    json_begin_array(w, "match");
    for (size_t i = 0; i < suggestion->n_matches; i++)
        json_string(w, NULL, suggestion->matches[i]);
    json_end(w);
    json_string(w, "expires", suggestion->expires);
    json_string(w, "command", suggestion->command);
    json_end(w);
}
