/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One line may complete several events, and several jobs may look at each; a reader of the output wants one
 * verdict, so the gravest is shown: an alert before all others, then the greatest score by its threshold,
 * then the first. How many there were stands beside it. A line may also be the first of a new bucket, and
 * what its end says about others is an alert without a line of its own: its id is listed as closed.
 *
 * Input lines. An object keeps its bytes and gets one more member at its end; without a verdict it goes
 * through as it is. Everything else, and a text line above all, becomes an object with the line as "message".
 *
 * Who writes log lines must not be able to write verdicts: an object that has a member "hapax" already (or
 * one whose name begins so: "hapax.verdict" is the same to an index) is treated as text. Names are compared
 * as they read, not as they are spelled. Whether a line is an object at all is libfastjson's word, as in
 * normalize.
 *
 * rsyslog's answer sets properties of the message: what is below "$!" becomes $!hapax!verdict and so on. It
 * is short whatever the message is, since rsyslog has a buffer for it (mmexternal.c, 8.2302: grows by 4096).
 */
#include "cli/filter_answer.h"

#include <string.h>

#include "alert/alert.h"
#include "alert/json.h"
#include "util/hash.h"

/* chosen: longer than the names of people and jobs, shorter than rsyslog's buffer */
#define ANSWER_STRING_BYTES_MAX 256U

static const char *const member = "hapax";

void filter_answer_done(struct filter_answer *answer)
{
    arena_done(&answer->arena);
    buffer_done(&answer->closed_ids);
    json_parser_done(&answer->parser);
}

void filter_answer_reset(struct filter_answer *answer)
{
    arena_reset(&answer->arena);
    buffer_clear(&answer->closed_ids);
    answer->n_verdicts = answer->n_closed = 0;
    answer->is_alert = false;
}

/* Cut between characters, so that what is kept stays text. */
static int copy(struct filter_answer *answer, struct slice s, struct slice *ret_copy)
{
    *ret_copy = SLICE_NULL;
    return slice_is_absent(s) ? 0
                              : arena_copy(&answer->arena, json_head(s, ANSWER_STRING_BYTES_MAX), ret_copy);
}

int filter_answer_add(struct filter_answer *answer, const struct verdict *v, bool is_closing)
{
    bool is_alert = v->reason == VERDICT_ALERT;
    double margin = v->threshold > 0 ? v->score / v->threshold : v->score;
    char id[HASH_ID_SIZE] = "";
    int r;

    if (is_alert)
        alert_id(v, id);
    if (is_closing) {
        if (!is_alert || answer->n_closed++ >= CLOSED_IDS_MAX)
            return 0;
        return buffer_append_slice(&answer->closed_ids, slice_from_string(id));
    }
    if (answer->n_verdicts++ > 0 &&
        (is_alert == answer->is_alert ? margin <= answer->margin : answer->is_alert))
        return 0;
    answer->is_alert = is_alert;
    answer->margin = margin;
    answer->verdict = verdict_reason_name(v->reason);
    answer->score = v->score;
    answer->threshold = v->threshold;
    answer->has_score = v->reason != VERDICT_SKIPPED && v->reason != VERDICT_NO_USER;
    r = copy(answer, slice_from_string(v->job), &answer->job);
    if (r >= 0)
        r = copy(answer, v->user, &answer->actor);
    if (r >= 0)
        r = copy(answer, slice_from_string(v->exception), &answer->exception);
    return r < 0 ? r : copy(answer, slice_from_string(id), &answer->id);
}

static bool has_anything(const struct filter_answer *answer)
{
    return answer->n_verdicts + answer->n_closed > 0;
}

static void write_member(struct filter_answer *answer, struct json_writer *w)
{
    struct slice ids = buffer_slice(&answer->closed_ids);

    json_begin_object(w, member);
    if (answer->n_verdicts > 0) {
        json_string(w, "job", answer->job);
        if (answer->has_score) {
            json_number(w, "score", answer->score);
            json_number(w, "threshold", answer->threshold);
        }
        json_text(w, "verdict", answer->verdict);
        json_string(w, "actor", answer->actor);
        json_string(w, "exception", answer->exception);
        json_string(w, "id", answer->id);
    }
    if (answer->n_verdicts > 1)
        json_integer(w, "verdicts", (int64_t)answer->n_verdicts);
    if (answer->n_closed > 0) {
        json_begin_array(w, "closed");
        for (; ids.len > 0; ids = slice_skip(ids, HASH_ID_SIZE - 1))
            json_string(w, NULL, slice_head(ids, HASH_ID_SIZE - 1));
        json_end(w);
    }
    json_end(w);
}

/* One character of a JSON string as it reads: bytes for itself, an escape for what it means (above ASCII: 0).
 * Advances s. */
static unsigned read_character(struct slice *s)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    unsigned value = (unsigned char)s->data[0];
    const char *letter;

    *s = slice_skip(*s, 1);
    if (value != '\\' || s->len == 0)
        return value;
    value = (unsigned char)s->data[0];
    *s = slice_skip(*s, 1);
    if (value != 'u') {
        letter = memchr(letters, (int)value, sizeof(letters) - 1);
        return letter ? (unsigned char)meanings[letter - letters] : 0;
    }
    value = 0;
    for (size_t i = 0; i < 4 && s->len > 0; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, s->data[0] | 0x20, sizeof(digits) - 1);

        value = value * 16 + (digit ? (unsigned)(digit - digits) : 0);
        *s = slice_skip(*s, 1);
    }
    return value < 128 ? value : 0;
}

/* Behind the opening quote: whether the string begins with the member's name. Advances s behind the closing
 * quote.
 */
static bool skip_string(struct slice *s)
{
    size_t n_equal = 0, n_read = 0;

    while (s->len > 0 && s->data[0] != '"') {
        unsigned c = read_character(s);

        n_equal += n_read == n_equal && n_equal < strlen(member) && c == (unsigned char)member[n_equal];
        n_read++;
    }
    *s = slice_skip(*s, MIN(s->len, (size_t)1));
    return n_equal == strlen(member);
}

/* Whether the object, known to be one, has a member of that name at its top. */
static bool is_claimed(struct slice s)
{
    bool is_name = false;
    size_t depth = 0;

    while (s.len > 0) {
        char c = s.data[0];

        s = slice_skip(s, 1);
        if (c == '"') {
            if (skip_string(&s) && is_name && depth == 1)
                return true;
            is_name = false;
        } else if (c == '{' || c == '[') {
            depth++;
            is_name = c == '{';
        } else if (c == '}' || c == ']') {
            depth--;
        } else if (c == ',') {
            is_name = true;
        }
    }
    return false;
}

/* 1: the line is an object that may get a member. */
static int is_object(struct filter_answer *answer, struct slice line)
{
    _cleanup_(json_document_freep) struct json_document *document = NULL;
    struct slice text = slice_trim(line);
    int r;

    if (text.len < 2 || text.data[0] != '{' || text.data[text.len - 1] != '}')
        return 0;
    r = json_document_new(&answer->parser, text, &document);
    if (r <= 0)
        return r;
    if (!is_claimed(text))
        return 1;
    answer->n_claimed++;
    return 0;
}

static int insert(struct filter_answer *answer, struct slice line, struct buffer *out)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&answer->arena, 0);
    size_t end = line.len, last;
    struct slice json;
    int r;

    if (!has_anything(answer))
        return buffer_append_slice(out, line);
    json_begin_object(&w, NULL);
    write_member(answer, &w);
    r = json_finish(&w, &json);
    while (line.data[end - 1] != '}')
        end--;
    end--;
    for (last = end; last > 0 && memchr(" \t\r\n", line.data[last - 1], 4);)
        last--;
    if (r >= 0)
        r = buffer_append_slice(out, slice_head(line, end));
    if (r >= 0 && line.data[last - 1] != '{')
        r = buffer_append_char(out, ',');
    /* the member alone: without the braces around it */
    if (r >= 0)
        r = buffer_append_slice(out, slice_head(slice_skip(json, 1), json.len - 2));
    return r < 0 ? r : buffer_append_slice(out, slice_skip(line, end));
}

static int wrap(struct filter_answer *answer, struct slice line, uint64_t n_cut_bytes, struct buffer *out)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&answer->arena, 0);
    struct slice json;
    int r;

    answer->n_wrapped++;
    if (line.len == 0) /* the writer leaves empty members out */
        return buffer_append_slice(out, SLICE("{\"message\":\"\"}"));
    json_begin_object(&w, NULL);
    json_string(&w, "message", line);
    if (n_cut_bytes > 0)
        json_integer(&w, "message_cut_bytes", (int64_t)n_cut_bytes);
    if (has_anything(answer))
        write_member(answer, &w);
    r = json_finish(&w, &json);
    return r < 0 ? r : buffer_append_slice(out, json);
}

int filter_answer_line(struct filter_answer *answer, struct slice line, uint64_t n_cut_bytes,
                       struct buffer *out)
{
    int r = n_cut_bytes > 0 ? 0 : is_object(answer, line);

    if (r > 0)
        r = insert(answer, line, out);
    else if (r == 0)
        r = wrap(answer, slice_ends_with(line, SLICE("\r")) ? slice_head(line, line.len - 1) : line,
                 n_cut_bytes, out);
    return r < 0 ? r : buffer_append_char(out, '\n');
}

int filter_answer_mmexternal(struct filter_answer *answer, struct buffer *out)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&answer->arena, ANSWER_STRING_BYTES_MAX);
    struct slice json;
    int r;

    if (!has_anything(answer))
        return buffer_append_slice(out, SLICE("{}\n"));
    json_begin_object(&w, NULL);
    json_begin_object(&w, "$!");
    write_member(answer, &w);
    json_end(&w);
    r = json_finish(&w, &json);
    if (r >= 0)
        r = buffer_append_slice(out, json);
    return r < 0 ? r : buffer_append_char(out, '\n');
}

/* RFC 3164 section 4.1.1: up to three digits between angle brackets. */
static struct slice skip_priority(struct slice line)
{
    size_t n = 1;

    if (line.len == 0 || line.data[0] != '<')
        return line;
    while (n < line.len && n < 4 && line.data[n] >= '0' && line.data[n] <= '9')
        n++;
    return n > 1 && n < line.len && line.data[n] == '>' ? slice_skip(line, n + 1) : line;
}

int filter_message(struct filter_answer *answer, struct slice line, struct slice *ret_line)
{
    _cleanup_(json_document_freep) struct json_document *document = NULL;
    struct json_reader reader = {.arena = &answer->arena};
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    struct slice parts[4];
    int r;

    *ret_line = skip_priority(line);
    if (!slice_starts_with(line, SLICE("{")))
        return 0;
    r = json_document_new(&answer->parser, line, &document);
    if (r <= 0)
        return r;
    reader.node = json_document_root(document);
    if (!json_reader_has(&reader, "rawmsg") || !json_reader_has(&reader, "syslogtag"))
        return 0;
    parts[0] = json_reader_text(&reader, "timereported");
    parts[1] = json_reader_text(&reader, "hostname");
    parts[2] = json_reader_text(&reader, "syslogtag");
    parts[3] = json_reader_text(&reader, "msg");
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(parts); i++) {
        /* rsyslog keeps the blank behind the tag as the message's first character */
        if (i > 0 && !(i == 3 && slice_starts_with(parts[i], SLICE(" "))))
            r = buffer_append_char(&text, ' ');
        if (r >= 0)
            r = buffer_append_slice(&text, parts[i]);
    }
    if (r < 0 || reader.error < 0)
        return MIN(r, reader.error);
    return arena_copy(&answer->arena, buffer_slice(&text), ret_line);
}
