/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The frame cuts a stream of bytes into records: lines, and entries of systemd's journal export format
 * (systemd Journal Export Formats: "KEY=value" lines; "KEY", line end, 64-bit little-endian length, bytes,
 * line end where a value is binary; an empty line ends the entry).
 *
 * It is a machine that takes one unit at a time, a line or a binary value, and never looks at a byte twice:
 * the part of a unit that has come is kept in `unit`, and only the new bytes are searched for its end. Whole
 * lines inside one chunk are handed over where they stand, without a copy. So any cut of the input gives the
 * same records, and the cost is linear in the bytes.
 *
 * Limits. A line above its limit is handed over cut and flagged, the rest is skipped to its end. An entry
 * above its limits (bytes, fields) is handed over with the fields that fit, flagged; a binary value that
 * claims more than fits is skipped without memory for it.
 */
#include "frame/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/buffer.h"

/* chosen: journald itself stops at 1024 fields an entry (ENTRY_FIELD_COUNT_MAX) */
#define ENTRY_FIELDS_MAX 1024U

enum state {
    STATE_LINE,   /* a text line, or a field line of an entry */
    STATE_LENGTH, /* the eight bytes of a binary field's length */
    STATE_BINARY, /* the bytes of a binary field and its line end */
};

struct field_place {
    size_t name, name_len, value, value_len; /* offsets in entry */
};

struct frame {
    struct frame_options options;
    enum state state;
    bool is_entry;        /* an entry of the export format is being read */
    struct buffer unit;   /* what has come of the current unit */
    bool is_cutting;      /* the unit passed its limit: its rest is skipped */
    uint64_t binary_left; /* bytes of the binary value still to come, its line end included */
    bool is_binary_kept;
    struct buffer entry; /* names and values of the fields so far */
    struct field_place places[ENTRY_FIELDS_MAX];
    size_t n_fields;
    bool is_entry_cut;
    struct record_field fields[ENTRY_FIELDS_MAX];
    uint64_t seq;
    uint64_t fed_bytes;    /* behind the last byte looked at */
    uint64_t offset_bytes; /* behind the last record handed over */
    uint64_t n_cut, skipped_bytes;
};

int frame_new(const struct frame_options *options, struct frame **ret_frame)
{
    struct frame *f = calloc(1, sizeof(*f));

    if (!f)
        return -ENOMEM;
    f->options = *options;
    if (f->options.line_limit_bytes == 0)
        f->options.line_limit_bytes = FRAME_LINE_LIMIT_DEFAULT;
    *ret_frame = f;
    return 0;
}

struct frame *frame_free(struct frame *f)
{
    if (!f)
        return NULL;
    buffer_done(&f->unit);
    buffer_done(&f->entry);
    free(f);
    return NULL;
}

static int emit_line(struct frame *f, struct slice line, bool is_cut, record_fn emit, void *userdata)
{
    struct record record = {.kind = RECORD_LINE, .bytes = line, .seq = ++f->seq, .is_truncated = is_cut};

    f->offset_bytes = f->fed_bytes;
    return emit(userdata, &record);
}

static int emit_entry(struct frame *f, record_fn emit, void *userdata)
{
    struct record record = {.kind = RECORD_JOURNAL,
                            .fields = f->fields,
                            .n_fields = f->n_fields,
                            .is_truncated = f->is_entry_cut};

    for (size_t i = 0; i < f->n_fields; i++) {
        const struct field_place *p = &f->places[i];

        f->fields[i].name = slice_new(f->entry.data + p->name, p->name_len);
        f->fields[i].value = slice_new(f->entry.data + p->value, p->value_len);
    }
    f->n_cut += f->is_entry_cut;
    f->is_entry = f->is_entry_cut = false;
    f->n_fields = 0;
    buffer_clear(&f->entry);
    f->offset_bytes = f->fed_bytes;
    record.seq = ++f->seq;
    return emit(userdata, &record);
}

/* Adds a field's name; its value follows as it comes. 0, 1: the entry is at its limit, -ENOMEM. */
static int begin_field(struct frame *f, struct slice name, size_t value_len)
{
    struct field_place *p;
    int r;

    if (f->n_fields == ENTRY_FIELDS_MAX || f->entry.len + name.len + value_len > FRAME_ENTRY_LIMIT_DEFAULT) {
        f->is_entry_cut = true;
        return 1;
    }
    p = &f->places[f->n_fields];
    *p = (struct field_place){f->entry.len, name.len, f->entry.len + name.len, 0};
    r = buffer_append_slice(&f->entry, name);
    if (r < 0)
        return r;
    f->n_fields++;
    return 0;
}

static int append_value(struct frame *f, const char *bytes, size_t n)
{
    int r = buffer_append(&f->entry, bytes, n);

    if (r >= 0)
        f->places[f->n_fields - 1].value_len += n;
    return r;
}

static int take_field_line(struct frame *f, struct slice line, record_fn emit, void *userdata)
{
    size_t equals = slice_find(line, '=');
    int r;

    if (line.len == 0)
        return f->n_fields > 0 || f->is_entry_cut ? emit_entry(f, emit, userdata) : 0;
    if (equals == line.len) { /* a binary field: its name is all of the line */
        r = begin_field(f, line, 0);
        if (r < 0)
            return r;
        f->is_binary_kept = r == 0;
        f->state = STATE_LENGTH;
        return 0;
    }
    r = begin_field(f, slice_head(line, equals), line.len - equals - 1);
    if (r != 0)
        return r < 0 ? r : 0;
    return append_value(f, line.data + equals + 1, line.len - equals - 1);
}

static bool begins_entry(const struct frame *f, struct slice line)
{
    if (f->options.framing == FRAMING_JOURNAL_EXPORT)
        return line.len > 0;
    return f->options.framing == FRAMING_AUTO && (slice_starts_with(line, SLICE("__CURSOR=")) ||
                                                  slice_starts_with(line, SLICE("__REALTIME_TIMESTAMP=")));
}

/* One line, its end already taken off. */
static int take_line(struct frame *f, struct slice line, bool is_cut, record_fn emit, void *userdata)
{
    if (!f->is_entry && begins_entry(f, line))
        f->is_entry = true;
    if (f->is_entry) {
        f->is_entry_cut |= is_cut;
        return take_field_line(f, line, emit, userdata);
    }
    if (f->options.framing == FRAMING_JOURNAL_EXPORT)
        return 0; /* blank lines between entries */
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    f->n_cut += is_cut;
    return emit_line(f, line, is_cut, emit, userdata);
}

/* A line's limit depends on what it is part of. */
static size_t limit_bytes(const struct frame *f)
{
    return f->is_entry || f->options.framing == FRAMING_JOURNAL_EXPORT ? FRAME_ENTRY_LIMIT_DEFAULT
                                                                       : f->options.line_limit_bytes;
}

/* Takes bytes up to a line end. Returns how many were used in *ret_used. */
static int feed_line(struct frame *f, const char *bytes, size_t n, size_t *ret_used, record_fn emit,
                     void *userdata)
{
    const char *end = memchr(bytes, '\n', n);
    size_t len = end ? (size_t)(end - bytes) : n, limit = limit_bytes(f);
    size_t room = f->is_cutting ? 0 : limit - MIN(f->unit.len, limit), kept = MIN(len, room);
    bool is_cut;
    int r;

    *ret_used = end ? len + 1 : n;
    f->fed_bytes += *ret_used;
    if (kept < len) {
        f->is_cutting = true;
        f->skipped_bytes += len - kept;
    }
    is_cut = f->is_cutting;
    if (end && f->unit.len == 0) { /* whole in this chunk: no copy */
        f->is_cutting = false;
        return take_line(f, slice_new(bytes, kept), is_cut, emit, userdata);
    }
    r = buffer_append(&f->unit, bytes, kept);
    if (r < 0 || !end)
        return r;
    f->is_cutting = false;
    r = take_line(f, buffer_slice(&f->unit), is_cut, emit, userdata);
    buffer_clear(&f->unit);
    if (f->unit.size > 4 * FRAME_LINE_LIMIT_DEFAULT)
        buffer_done(&f->unit);
    return r;
}

static int feed_length(struct frame *f, const char *bytes, size_t n, size_t *ret_used)
{
    size_t used = MIN(8 - f->unit.len, n);
    struct slice length;
    uint64_t v = 0;
    int r = buffer_append(&f->unit, bytes, used);

    *ret_used = used;
    f->fed_bytes += used;
    if (r < 0 || f->unit.len < 8)
        return r;
    length = buffer_slice(&f->unit);
    r = slice_read_u64(&length, &v);
    buffer_clear(&f->unit);
    if (r < 0)
        return r;
    if (f->is_binary_kept && v > FRAME_ENTRY_LIMIT_DEFAULT - MIN(f->entry.len, FRAME_ENTRY_LIMIT_DEFAULT)) {
        f->is_binary_kept = false;
        f->is_entry_cut = true;
        f->n_fields--;
    }
    f->binary_left = v < UINT64_MAX ? v + 1 : v;
    f->state = STATE_BINARY;
    return 0;
}

static int feed_binary(struct frame *f, const char *bytes, size_t n, size_t *ret_used)
{
    size_t used = (size_t)MIN(f->binary_left, (uint64_t)n), value = used;
    int r = 0;

    if (f->binary_left == used && used > 0)
        value--; /* the last one is the line end */
    if (f->is_binary_kept)
        r = append_value(f, bytes, value);
    else
        f->skipped_bytes += value;
    f->binary_left -= used;
    f->fed_bytes += used;
    *ret_used = used;
    if (f->binary_left == 0)
        f->state = STATE_LINE;
    return r;
}

int frame_feed(struct frame *f, const char *bytes, size_t n, record_fn emit, void *userdata)
{
    while (n > 0) {
        size_t used = 0;
        int r;

        if (f->state == STATE_LINE)
            r = feed_line(f, bytes, n, &used, emit, userdata);
        else if (f->state == STATE_LENGTH)
            r = feed_length(f, bytes, n, &used);
        else
            r = feed_binary(f, bytes, n, &used);
        if (r < 0)
            return r;
        bytes += used;
        n -= used;
    }
    return 0;
}

int frame_finish(struct frame *f, record_fn emit, void *userdata)
{
    bool is_cut = f->is_cutting;
    int r = 0;

    f->is_cutting = false;
    if (f->state != STATE_LINE) { /* the input ends inside a binary field */
        f->is_entry_cut = true;
        f->state = STATE_LINE;
        f->n_fields -= f->is_binary_kept && f->n_fields > 0;
        buffer_clear(&f->unit);
    } else if (f->unit.len > 0 || is_cut) {
        r = take_line(f, buffer_slice(&f->unit), is_cut, emit, userdata);
        buffer_clear(&f->unit);
    }
    if (r >= 0 && f->is_entry && (f->n_fields > 0 || f->is_entry_cut))
        r = emit_entry(f, emit, userdata);
    return r;
}

uint64_t frame_offset_bytes(const struct frame *f)
{
    return f->offset_bytes;
}

void frame_cut(const struct frame *f, uint64_t *ret_n_cut, uint64_t *ret_skipped_bytes)
{
    *ret_n_cut = f->n_cut;
    *ret_skipped_bytes = f->skipped_bytes;
}
