/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two things in log files are longer than a line.
 *
 * sudo's own log (Defaults logfile) wraps at loglinelen, 80 by default: at a blank, never inside a word, and
 * the rest follows at once behind four blanks (lib/eventlog/logwrap.c). sudo holds a lock while it writes, so
 * nothing stands in between: a line of that log waits for the next one, which shows whether it goes on.
 *
 * A JSON document that is printed to be read has a line "{" (or "[", or "[{") at its front. sudo's log_format
 * json is one such object for the whole file: each event is a member, "accept": {…}, behind its first line,
 * and to add one sudo writes over the last "\n}\n". So whoever follows the file sees the members and a
 * bracket here and there. A member is a document here, brackets around documents are passed over; a document
 * ends where its brackets outside of strings are closed. A line that cannot be inside of one (a document is
 * indented: at the front of a line only brackets and quotes stand), a string that does not end in its line,
 * or too much of it, breaks it: its lines are quarantined, and the line that broke it is read as any other.
 *
 * Whoever can write a line into such a file can write "{", or a line of four blanks, and so hide lines, or
 * add arguments. But a document swallows only lines of its own shape, and a wrapped line is joined only to a
 * line of sudo's log; in both cases that is a file, not syslog, where each line has a header. What is joined
 * has the least trust of its lines, and those of sudo's log have the trust of text anyway.
 *
 * Held is at most one record of LINE_JOIN_BYTES_MAX, for two seconds. A line that is nothing of this kind
 * costs a look at a few bytes.
 */
#include "normalize/line_join.h"

#include <errno.h>
#include <stdlib.h>

#include "util/parse.h"

/* chosen: whoever writes half a record writes the rest at once */
#define TIME_LIMIT_USEC (2 * USEC_PER_SEC)
/* chosen: a bracket is not indented by more than this, and the line of a member is no longer */
#define BRACKET_LINE_MAX 64U
/* sudo lib/eventlog/logwrap.c EVENTLOG_INDENT */
static const struct slice indent = SLICE("    ");

enum state { STATE_NONE, STATE_WRAPPED, STATE_DOCUMENT, STATE_LAST = STATE_DOCUMENT };

struct line_join {
    unsigned wants;
    enum state state;
    struct buffer text;
    uint64_t n_lines;
    uint64_t depth; /* of brackets, in a document */
    bool is_member; /* the document is a member: what it stands in is not closed with it */
    bool is_joined, is_cut;
    enum trust trust;
    int64_t received_usec;
};

int line_join_new(unsigned wants, struct line_join **ret_join)
{
    struct line_join *join = calloc(1, sizeof(*join));

    if (!join)
        return -ENOMEM;
    join->wants = wants;
    *ret_join = join;
    return 0;
}

struct line_join *line_join_free(struct line_join *join)
{
    if (!join)
        return NULL;
    buffer_done(&join->text);
    free(join);
    return NULL;
}

bool line_join_is_held(const struct line_join *join)
{
    return join->state != STATE_NONE;
}

static int hand_over(struct line_join *join, enum line_join_kind kind, joined_lines_fn emit, void *userdata)
{
    struct joined_lines lines = {.kind = kind,
                                 .text = buffer_slice(&join->text),
                                 .trust = join->trust,
                                 .received_usec = join->received_usec,
                                 .n_lines = join->n_lines,
                                 .is_joined = join->is_joined,
                                 .is_cut = join->is_cut};
    int r;

    join->state = STATE_NONE;
    r = emit(userdata, &lines);
    /* what a large record leaves behind is given back */
    if (join->text.size > LINE_JOIN_BYTES_MAX / 16)
        buffer_done(&join->text);
    buffer_clear(&join->text);
    return r;
}

/* As far as it came. */
static int end(struct line_join *join, joined_lines_fn emit, void *userdata)
{
    if (join->state == STATE_NONE)
        return 0;
    return hand_over(join, join->state == STATE_WRAPPED ? LINE_JOIN_WRAPPED : LINE_JOIN_BROKEN, emit,
                     userdata);
}

static void start(struct line_join *join, enum state state, const struct record *record)
{
    join->state = state;
    buffer_clear(&join->text);
    join->n_lines = 1;
    join->depth = 0;
    join->is_member = join->is_joined = join->is_cut = false;
    join->trust = record->trust;
    join->received_usec = record->received_usec;
}

static void add_line(struct line_join *join, const struct record *record)
{
    join->n_lines++;
    join->is_joined = true;
    join->trust = MIN(join->trust, record->trust);
}

/* ---- sudo's log ---- */

/* Whether s is of the form: 'a' a letter, '0' a digit or a blank; all else stands for itself. */
static bool has_form(struct slice s, const char *form)
{
    for (size_t i = 0; form[i] != '\0'; i++) {
        char c;

        if (i == s.len)
            return false;
        c = s.data[i];
        if (form[i] == 'a'   ? !((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
            : form[i] == '0' ? !((c >= '0' && c <= '9') || c == ' ')
                             : c != form[i])
            return false;
    }
    return true;
}

bool sudo_file_line_split(struct slice line, char *time, struct slice *ret_time, struct slice *ret_rest)
{
    static const char plain[] = "aaa 00 00:00:00 : ", with_year[] = "aaa 00 00:00:00 0000 : ";

    if (has_form(line, plain)) {
        *ret_time = slice_head(line, 15);
        *ret_rest = slice_skip(line, sizeof(plain) - 1);
    } else if (has_form(line, with_year)) {
        memcpy(time, line.data, 7);
        memcpy(time + 7, line.data + 16, 5);
        memcpy(time + 12, line.data + 7, 8);
        *ret_time = slice_new(time, 20);
        *ret_rest = slice_skip(line, sizeof(with_year) - 1);
    } else {
        return false;
    }
    return slice_find_slice(*ret_rest, SLICE(" : ")) < ret_rest->len;
}

static bool is_file_line(struct slice line)
{
    struct slice stamp, rest;
    char time[24];

    /* most lines are none by one of these bytes; no line of sudo's is as short */
    return line.len > 21 && (line.data[16] == ':' || line.data[21] == ':') &&
           sudo_file_line_split(line, time, &stamp, &rest);
}

static bool is_wrapped(struct slice line)
{
    return slice_starts_with(line, indent) && line.len > indent.len && line.data[indent.len] != ' ';
}

static int add_wrapped(struct line_join *join, const struct record *record)
{
    struct slice rest = slice_skip(record->bytes, indent.len);
    int r;

    add_line(join, record);
    if (join->is_cut || join->text.len + 1 + rest.len > LINE_JOIN_BYTES_MAX) {
        join->is_cut = true;
        return 0;
    }
    r = buffer_append_char(&join->text, ' ');
    return r < 0 ? r : buffer_append_slice(&join->text, rest);
}

/* ---- documents ---- */

/* "accept": { and its like, as sudo_json_open_object prints them */
static bool is_sudo_member(struct slice s)
{
    static const struct slice members[] = {SLICE("\"accept\": {"), SLICE("\"reject\": {"),
                                           SLICE("\"alert\": {"), SLICE("\"exit\": {")};

    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        if (slice_equal(s, members[i]))
            return true;
    return false;
}

/*
 * Moves depth over the line up to where the document is closed (at depth 0); what is behind that comes out.
 * false: a string has no end here, or there is nothing to close.
 */
static bool walk(uint64_t *depth, struct slice line, struct slice *ret_behind)
{
    bool is_string = false;

    for (size_t i = 0; i < line.len; i++) {
        char c = line.data[i];

        if (is_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                is_string = false;
        } else if (c == '"') {
            is_string = true;
        } else if (c == '{' || c == '[') {
            (*depth)++;
        } else if (c == '}' || c == ']') {
            if (*depth == 0)
                return false;
            if (--*depth == 0) {
                *ret_behind = slice_skip(line, i + 1);
                return true;
            }
        }
    }
    *ret_behind = slice_skip(line, line.len);
    return !is_string;
}

/* Whether a line can stand inside of a document: see the essay. */
static bool may_be_inside(struct slice line)
{
    return line.len > 0 && slice_find(SLICE(" \t\"}],"), line.data[0]) < 6;
}

static int start_document(struct line_join *join, const struct record *record, struct slice line)
{
    struct slice behind;
    int r;

    start(join, STATE_DOCUMENT, record);
    if (is_sudo_member(line)) {
        join->is_member = true;
        r = buffer_append_char(&join->text, '{');
        if (r < 0)
            return r;
    }
    (void)walk(&join->depth, line, &behind);
    return buffer_append_slice(&join->text, line);
}

static int pass_bracket(const struct record *record, struct slice line, uint64_t n_lines,
                        joined_lines_fn emit, void *userdata)
{
    struct joined_lines lines = {.kind = LINE_JOIN_PARENS,
                                 .text = line,
                                 .trust = record->trust,
                                 .received_usec = record->received_usec,
                                 .n_lines = n_lines};
    int r = emit(userdata, &lines);

    return r < 0 ? r : 1;
}

/* What stands behind a document on its last line: nothing, a comma, or the next one's bracket. */
static int end_document(struct line_join *join, const struct record *record, struct slice behind,
                        joined_lines_fn emit, void *userdata)
{
    bool is_member = join->is_member, goes_on;
    int r = 0;

    behind = slice_trim(behind);
    if (behind.len > 0 && behind.data[0] == ',')
        behind = slice_trim(slice_skip(behind, 1));
    goes_on = slice_equal_string(behind, "{");
    if (behind.len > 0 && !goes_on && !slice_equal_string(behind, "]"))
        return hand_over(join, LINE_JOIN_BROKEN, emit, userdata);
    if (is_member)
        r = buffer_append_char(&join->text, '}');
    if (r >= 0)
        r = hand_over(join, LINE_JOIN_DOCUMENT, emit, userdata);
    if (r < 0 || !goes_on)
        return r;
    r = start_document(join, record, behind);
    join->n_lines = 0; /* its line was counted with the one before */
    return r;
}

/* 1: the line is part of the document, or its end. 0: it broke it and is to be read. */
static int add_to_document(struct line_join *join, const struct record *record, joined_lines_fn emit,
                           void *userdata)
{
    struct slice line = record->bytes, behind;
    bool is_sound;
    int r;

    if (!may_be_inside(line) || record->is_truncated || join->text.len + 2 + line.len > LINE_JOIN_BYTES_MAX) {
        r = hand_over(join, LINE_JOIN_BROKEN, emit, userdata);
        return r < 0 ? r : 0;
    }
    line = slice_trim(line);
    if (!join->is_member && slice_equal_string(buffer_slice(&join->text), "{") && is_sudo_member(line)) {
        join->state = STATE_NONE;
        r = pass_bracket(record, SLICE("{"), join->n_lines, emit, userdata);
        if (r >= 0)
            r = start_document(join, record, line);
        return r < 0 ? r : 1;
    }
    add_line(join, record);
    is_sound = walk(&join->depth, line, &behind);
    r = buffer_append_char(&join->text, ' ');
    if (r >= 0)
        r = buffer_append_slice(&join->text, slice_head(line, line.len - behind.len));
    if (r < 0)
        return r;
    if (!is_sound)
        r = hand_over(join, LINE_JOIN_BROKEN, emit, userdata);
    else if (join->depth == 0)
        r = end_document(join, record, behind, emit, userdata);
    return r < 0 ? r : 1;
}

/* ---- lines ---- */

/* What a line with nothing but a bracket, or one of a member, begins with. */
static bool may_begin(char c)
{
    return c == ' ' || c == '\t' || c == '"' || c == '{' || c == '[' || c == '}' || c == ']';
}

/* A line outside of everything. */
static int take(struct line_join *join, const struct record *record, joined_lines_fn emit, void *userdata)
{
    struct slice line = record->bytes;
    int r;

    if (line.len == 0 || record->is_truncated)
        return 0;
    if ((join->wants & LINE_JOIN_WRAPS) && is_file_line(line)) {
        start(join, STATE_WRAPPED, record);
        r = buffer_append_slice(&join->text, line);
        return r < 0 ? r : 1;
    }
    if (!(join->wants & LINE_JOIN_DOCUMENTS) || line.len > BRACKET_LINE_MAX || !may_begin(line.data[0]))
        return 0;
    line = slice_trim(line);
    if (slice_equal_string(line, "[{"))
        line = slice_skip(line, 1);
    if (slice_equal_string(line, "{") || is_sudo_member(line)) {
        r = start_document(join, record, line);
        return r < 0 ? r : 1;
    }
    if (slice_equal_string(line, "[") || slice_equal_string(line, "]") || slice_equal_string(line, "}") ||
        slice_equal_string(line, "},"))
        return pass_bracket(record, line, 1, emit, userdata);
    return 0;
}

int line_join_feed(struct line_join *join, const struct record *record, joined_lines_fn emit, void *userdata)
{
    int r = 0;

    if (join->state != STATE_NONE && record->kind != RECORD_LINE) {
        r = end(join, emit, userdata);
    } else if (join->state == STATE_WRAPPED) {
        if (!record->is_truncated && is_wrapped(record->bytes)) {
            r = add_wrapped(join, record);
            return r < 0 ? r : 1;
        }
        r = end(join, emit, userdata);
    } else if (join->state == STATE_DOCUMENT) {
        r = add_to_document(join, record, emit, userdata);
        if (r != 0)
            return r;
    }
    if (r < 0 || record->kind != RECORD_LINE)
        return r;
    return take(join, record, emit, userdata);
}

int line_join_advance(struct line_join *join, int64_t now_usec, joined_lines_fn emit, void *userdata)
{
    if (join->state == STATE_NONE)
        return 0;
    if (join->received_usec <= 0) { /* out of a saved state: it waits from the moment we learn the time */
        join->received_usec = now_usec;
        return 0;
    }
    if (now_usec >= join->received_usec && now_usec - join->received_usec < TIME_LIMIT_USEC)
        return 0;
    return end(join, emit, userdata);
}

int64_t line_join_deadline_usec(const struct line_join *join)
{
    if (join->state == STATE_NONE)
        return INT64_MAX;
    return join->received_usec <= 0 ? 0 : join->received_usec + TIME_LIMIT_USEC;
}

int line_join_flush(struct line_join *join, joined_lines_fn emit, void *userdata)
{
    return end(join, emit, userdata);
}

/* ---- state ---- */

int line_join_save(const struct line_join *join, struct buffer *out)
{
    const uint64_t numbers[] = {join->depth, join->is_member, join->is_joined, join->is_cut, join->trust};
    int r = buffer_append_u32(out, join->state);

    if (join->state == STATE_NONE)
        return r;
    if (r >= 0)
        r = buffer_append_field(out, buffer_slice(&join->text));
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
        r = buffer_append_u64(out, numbers[i]);
    return r;
}

int line_join_load(struct line_join *join, struct slice *bytes)
{
    uint64_t numbers[5];
    struct slice text;
    uint32_t state;
    int r = slice_read_u32(bytes, &state);

    if (r < 0 || state == STATE_NONE)
        return r;
    r = slice_read_field(bytes, &text);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
        r = slice_read_u64(bytes, &numbers[i]);
    if (r < 0)
        return r;
    if (state > STATE_LAST || text.len == 0 || text.len > LINE_JOIN_BYTES_MAX ||
        numbers[0] > LINE_JOIN_BYTES_MAX || numbers[1] > 1 || numbers[2] > 1 || numbers[3] > 1 ||
        numbers[4] > TRUST_KERNEL)
        return -EBADMSG;
    buffer_clear(&join->text);
    r = buffer_append_slice(&join->text, text);
    if (r < 0)
        return r;
    join->state = (enum state)state;
    join->n_lines = 0; /* counted by who saved it */
    join->depth = numbers[0];
    join->is_member = numbers[1] == 1;
    join->is_joined = numbers[2] == 1;
    join->is_cut = numbers[3] == 1;
    join->trust = (enum trust)numbers[4];
    join->received_usec = 0;
    return 0;
}
