/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bytes to records. The frame is always in one of six states: inside a line; or, in an entry of the
 * journal's export format (systemd docs/JOURNAL_EXPORT_FORMATS.md), inside a field's line, the eight bytes of
 * a binary field's length, its value, or at the LF behind it; or inside a counted message. Records come out
 * only when their last byte is known, so that they do not depend on how the input was cut into chunks, and so
 * that the offset is a place to start again: it moves record by record, over what was skipped, too.
 *
 * A line that is whole in its chunk is handed over from there; anything else is held in one buffer. Memory: a
 * line holds at most its limit, an entry FRAME_ENTRY_LIMIT_DEFAULT and FIELDS_MAX fields, the line behind it
 * once more its limit. What passes a limit is skipped without being stored, counted, and the record says so
 * (is_truncated). A binary length is believed only up to what journald itself stores; it never allocates.
 *
 * FRAMING_AUTO lets entries and lines share an input. An entry begins at "__CURSOR=" or
 * "__REALTIME_TIMESTAMP=" at the start of a line, and whoever can write whole lines can write that, so what
 * follows must look like an entry: a line whose name journald would not have accepted ends it (cut), and is
 * an ordinary line again. Thus a forged beginning hides nothing behind it but lines of its own shape. What it
 * can still do is claim a binary value of up to the entry's limit: where strangers write raw lines, the
 * framing should be given.
 *
 * FRAMING_AUTO also takes messages that are counted, not ended (octet counting: RFC 5425 section 4.3, RFC
 * 6587 section 3.4.1): "LENGTH <PRI>…" at the start of a line. Whoever can write lines can write a length
 * that lies, so the message holds no LF but at its very end: an LF comes first, and the whole is an ordinary
 * line, length and all, as it is where the input ends first. So a lie hides no line but the one it stands on.
 * The price is that a counted message with an LF inside comes out as lines that nobody knows.
 *
 * When emit stops the stream, the frame stands at its offset as if new: the input can be fed again from
 * there.
 *
 * Cost: one memchr over the input, one copy of entries and of lines that cross a chunk.
 */
#include "frame/frame.h"

#include <assert.h>
#include <errno.h>

#include "util/buffer.h"

/* chosen: systemd's own reader refuses more than 1024 (journal-importer.h ENTRY_FIELD_COUNT_MAX) */
#define FIELDS_MAX 4096
/* systemd journal-importer.h DATA_SIZE_MAX: larger values exist in no journal */
#define VALUE_LIMIT_BYTES (UINT64_C(768) * 1024 * 1024)
/* systemd journal-file.c journal_field_valid: at most 64 of A-Z 0-9 _ */
#define NAME_LIMIT_BYTES 64
/* of a counted message: more would be longer than any limit of a line that is set */
#define LENGTH_DIGITS_MAX 9
/* chosen: what a large record leaves behind is given back above this */
#define KEEP_BYTES (256U * 1024)

enum state {
    STATE_LINE,      /* in a line, or at the start of a record */
    STATE_FIELD,     /* in an entry: in a line "NAME=value", "NAME", or none */
    STATE_LENGTH,    /* in a binary value's length */
    STATE_VALUE,     /* in a binary value */
    STATE_VALUE_END, /* at the LF behind it */
    STATE_OCTETS,    /* in "LENGTH <PRI>…", or what may be its beginning */
};

/* A field of the entry, by place: held moves when it grows. */
struct span {
    size_t name, name_len;
    size_t value, value_len;
};

struct frame {
    enum framing framing;
    size_t line_limit_bytes;

    enum state state;
    struct buffer held;     /* the entry so far, and the line so far behind it */
    size_t line_start;      /* of the line in held */
    size_t line_bytes;      /* of the line so far, stored or not, without its LF */
    uint64_t pending_bytes; /* of the input behind offset_bytes */

    struct span *spans;
    size_t n_spans, spans_size;
    struct record_field *fields; /* as large as spans */
    bool is_entry_cut;
    size_t name_len;          /* of a binary field; its name is at line_start */
    uint64_t name_bytes;      /* of the input, with the line end */
    uint64_t length;          /* of its value, as far as read */
    unsigned n_length;        /* bytes of length read */
    uint64_t remaining_bytes; /* of its value */
    bool is_kept;             /* the value fits */
    size_t prefix_len;        /* "LENGTH " of a message; 0: not whole yet; length is the message's */

    uint64_t seq;
    uint64_t offset_bytes;
    uint64_t n_cut;
    uint64_t skipped_bytes;
};

int frame_new(const struct frame_options *options, struct frame **ret_frame)
{
    struct frame *f;

    f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->framing = options->framing;
    f->line_limit_bytes =
        options->line_limit_bytes > 0 ? options->line_limit_bytes : FRAME_LINE_LIMIT_DEFAULT;
    /* room for the additions below */
    f->line_limit_bytes = MIN(f->line_limit_bytes, SIZE_MAX / 4);
    f->state = f->framing == FRAMING_JOURNAL_EXPORT ? STATE_FIELD : STATE_LINE;
    *ret_frame = f;
    return 0;
}

struct frame *frame_free(struct frame *f)
{
    if (!f)
        return NULL;
    buffer_done(&f->held);
    free(f->spans);
    free(f->fields);
    free(f);
    return NULL;
}

/* ---- handing over ---- */

/* The start of the next record, n bytes of the input before the last one read. */
static void start_record(struct frame *f, uint64_t n_unread)
{
    f->offset_bytes += f->pending_bytes - n_unread;
    f->pending_bytes = n_unread;
    f->state = f->framing == FRAMING_JOURNAL_EXPORT ? STATE_FIELD : STATE_LINE;
    f->line_start = 0;
    f->line_bytes = 0;
    f->n_spans = 0;
    f->is_entry_cut = false;
    f->prefix_len = 0;
}

static void forget_held(struct frame *f)
{
    if (f->held.size > KEEP_BYTES)
        buffer_done(&f->held);
    buffer_clear(&f->held);
}

static int emit_record(struct frame *f, struct record *record, record_fn emit, void *userdata)
{
    record->seq = ++f->seq;
    if (record->is_truncated)
        f->n_cut++;
    return emit(userdata, record);
}

/* The entry as far as it came; nothing where it has neither fields nor damage. */
static int emit_entry(struct frame *f, uint64_t n_unread, record_fn emit, void *userdata)
{
    struct record record = {.kind = RECORD_JOURNAL, .is_truncated = f->is_entry_cut};

    for (size_t i = 0; i < f->n_spans; i++) {
        const struct span *span = &f->spans[i];

        f->fields[i] = (struct record_field){
            .name = slice_new(f->held.data + span->name, span->name_len),
            .value = slice_new(f->held.data + span->value, span->value_len),
        };
    }
    record.fields = f->fields;
    record.n_fields = f->n_spans;
    start_record(f, n_unread);
    if (record.n_fields == 0 && !record.is_truncated)
        return 0;
    return emit_record(f, &record, emit, userdata);
}

/* ---- entries ---- */

static bool is_field_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return s.len > 0 && s.len <= NAME_LIMIT_BYTES;
}

static int add_span(struct frame *f, struct span span)
{
    if (f->n_spans == f->spans_size) {
        size_t size = f->spans_size > 0 ? 2 * f->spans_size : 32;
        struct span *spans = realloc(f->spans, size * sizeof(*spans));
        struct record_field *fields;

        if (!spans)
            return -ENOMEM;
        f->spans = spans;
        fields = realloc(f->fields, size * sizeof(*fields));
        if (!fields)
            return -ENOMEM;
        f->fields = fields;
        f->spans_size = size;
    }
    f->spans[f->n_spans++] = span;
    return 0;
}

/* Forgets the field being read: it does not fit, or is none. */
static void cut_field(struct frame *f, uint64_t n_bytes)
{
    f->is_entry_cut = true;
    f->skipped_bytes += n_bytes;
    f->held.len = f->line_start;
    f->line_bytes = 0;
    f->state = STATE_FIELD;
}

static void start_field(struct frame *f)
{
    f->line_start = f->held.len;
    f->line_bytes = 0;
    f->state = STATE_FIELD;
}

/* What of the current line is stored, without the CR of CR LF. */
static struct slice held_line(const struct frame *f)
{
    struct slice line = slice_skip(buffer_slice(&f->held), f->line_start);

    if (line.len > 0 && line.len == f->line_bytes && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool is_entry_start(struct slice line)
{
    return slice_starts_with(line, SLICE("__CURSOR=")) ||
           slice_starts_with(line, SLICE("__REALTIME_TIMESTAMP="));
}

static int end_field(struct frame *f, uint64_t n_end, record_fn emit, void *userdata);

/*
 * A line is whole. head is its first bytes, one more than the limit at most, of total bytes; n_end is 1 where
 * an LF ended it.
 */
static int end_line(struct frame *f, struct slice head, size_t total, uint64_t n_end, record_fn emit,
                    void *userdata)
{
    struct record record = {.kind = RECORD_LINE};
    size_t limit = f->line_limit_bytes;
    int r;

    if (total > 0 && total == head.len && head.data[total - 1] == '\r') {
        head.len--;
        total--;
    }
    record.is_truncated = total > limit;
    record.bytes = slice_head(head, limit);
    if (!record.is_truncated && f->framing == FRAMING_AUTO && is_entry_start(record.bytes)) {
        if (f->held.len == 0) {
            r = buffer_append_slice(&f->held, record.bytes);
            if (r < 0)
                return r;
        }
        f->held.len = f->line_start + record.bytes.len;
        f->line_bytes = record.bytes.len;
        return end_field(f, n_end, emit, userdata);
    }
    if (record.is_truncated)
        f->skipped_bytes += total - limit;
    start_record(f, 0);
    r = emit_record(f, &record, emit, userdata);
    forget_held(f);
    return r;
}

/* In an entry of FRAMING_AUTO, a line that belongs to none: the entry is over, the line is a line. */
static int end_entry_at_line(struct frame *f, uint64_t n_end, record_fn emit, void *userdata)
{
    size_t start = f->line_start, total = f->line_bytes;
    int r;

    f->is_entry_cut = true;
    r = emit_entry(f, total + n_end, emit, userdata);
    if (r != 0) {
        f->pending_bytes = 0;
        forget_held(f);
        return r;
    }
    if (f->held.len > start)
        memmove(f->held.data, f->held.data + start, f->held.len - start);
    f->held.len -= start;
    return end_line(f, buffer_slice(&f->held), total, n_end, emit, userdata);
}

/* A line of an entry is whole. */
static int end_field(struct frame *f, uint64_t n_end, record_fn emit, void *userdata)
{
    struct slice line = held_line(f);
    size_t equals = slice_find(line, '=');
    bool is_kept = f->line_start + f->line_bytes <= FRAME_ENTRY_LIMIT_DEFAULT && f->n_spans < FIELDS_MAX;
    int r;

    if (line.len == 0) {
        r = emit_entry(f, 0, emit, userdata);
        forget_held(f);
        return r;
    }
    if (!is_field_name(slice_head(line, equals))) {
        if (f->framing == FRAMING_AUTO)
            return end_entry_at_line(f, n_end, emit, userdata);
        cut_field(f, f->line_bytes + n_end);
        return 0;
    }
    if (equals == line.len) {
        f->name_len = line.len;
        f->name_bytes = f->line_bytes + n_end;
        f->held.len = f->line_start + line.len;
        f->length = 0;
        f->n_length = 0;
        f->state = STATE_LENGTH;
        return 0;
    }
    if (!is_kept) {
        cut_field(f, f->line_bytes + n_end);
        return 0;
    }
    f->held.len = f->line_start + line.len;
    r = add_span(f, (struct span){.name = f->line_start,
                                  .name_len = equals,
                                  .value = f->line_start + equals + 1,
                                  .value_len = line.len - equals - 1});
    if (r < 0)
        return r;
    start_field(f);
    return 0;
}

/* The eight bytes of a length are there. */
static void end_length(struct frame *f)
{
    bool is_fitting = f->length <= FRAME_ENTRY_LIMIT_DEFAULT &&
                      f->held.len + f->length <= FRAME_ENTRY_LIMIT_DEFAULT && f->n_spans < FIELDS_MAX;

    if (f->length > (f->framing == FRAMING_AUTO ? FRAME_ENTRY_LIMIT_DEFAULT : VALUE_LIMIT_BYTES)) {
        cut_field(f, f->name_bytes + sizeof(f->length));
        return;
    }
    f->is_kept = is_fitting;
    f->remaining_bytes = f->length;
    f->state = f->length > 0 ? STATE_VALUE : STATE_VALUE_END;
}

/* ---- input ---- */

/* Moves n bytes from the front of *in, as read. */
static struct slice take(struct frame *f, struct slice *in, size_t n)
{
    struct slice part = slice_head(*in, n);

    *in = slice_skip(*in, n);
    f->pending_bytes += n;
    return part;
}

/* Stores of part what the limits of a line allow. */
static int hold_line(struct frame *f, struct slice part)
{
    size_t limit = f->line_limit_bytes + 1, stored = f->held.len - f->line_start;
    int r;

    if (f->state == STATE_FIELD && f->line_start + limit < FRAME_ENTRY_LIMIT_DEFAULT)
        limit = FRAME_ENTRY_LIMIT_DEFAULT - f->line_start;
    r = buffer_append_slice(&f->held, slice_head(part, limit - MIN(stored, limit)));
    if (r < 0)
        return r;
    f->line_bytes += part.len;
    return 0;
}

/* Lines and lines of entries: up to the next LF, or all there is. */
static int feed_line(struct frame *f, struct slice *in, record_fn emit, void *userdata)
{
    size_t end = slice_find(*in, '\n');
    bool is_whole = end < in->len;
    struct slice part = slice_head(take(f, in, end + (is_whole ? 1 : 0)), end);
    int r;

    if (is_whole && f->state == STATE_LINE && f->line_bytes == 0)
        return end_line(f, slice_head(part, f->line_limit_bytes + 1), part.len, 1, emit, userdata);
    r = hold_line(f, part);
    if (r < 0 || !is_whole)
        return r;
    if (f->state == STATE_LINE)
        return end_line(f, buffer_slice(&f->held), f->line_bytes, 1, emit, userdata);
    return end_field(f, 1, emit, userdata);
}

/* ---- octet counting ---- */

enum prefix { PREFIX_NONE, PREFIX_BEGUN, PREFIX_WHOLE };

/* What of "LENGTH <" s begins with; the length where it is whole, and what is before the '<'. */
static enum prefix find_prefix(struct slice s, size_t *ret_len, size_t *ret_prefix_len)
{
    size_t len = 0, i;

    for (i = 0; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++) {
        if (i == LENGTH_DIGITS_MAX || (i == 0 && s.data[i] == '0'))
            return PREFIX_NONE;
        len = len * 10 + (size_t)(s.data[i] - '0');
    }
    if (i == s.len)
        return PREFIX_BEGUN;
    if (i == 0 || s.data[i++] != ' ')
        return PREFIX_NONE;
    if (i == s.len)
        return PREFIX_BEGUN;
    *ret_len = len;
    *ret_prefix_len = i;
    return s.data[i] == '<' ? PREFIX_WHOLE : PREFIX_NONE;
}

/* Whether the input may go on with a counted message; nothing is read. */
static bool is_octets_start(const struct frame *f, struct slice in)
{
    size_t len, prefix_len;

    if (f->framing != FRAMING_AUTO || f->line_bytes > 0 || in.data[0] < '1' || in.data[0] > '9')
        return false;
    return find_prefix(in, &len, &prefix_len) != PREFIX_NONE;
}

/*
 * A byte of the prefix, or all there is of the message. What turns out to be none is a line that is held so
 * far: the prefix is no prefix, or longer than a line may be, or an LF stands inside of the message.
 */
static int feed_octets(struct frame *f, struct slice *in, record_fn emit, void *userdata)
{
    struct record record = {.kind = RECORD_LINE};
    size_t len, prefix_len, left, end;
    enum prefix prefix;
    struct slice text;
    int r;

    if (f->prefix_len == 0) {
        if (in->data[0] == '\n') {
            f->state = STATE_LINE;
            return 0;
        }
        r = hold_line(f, take(f, in, 1));
        if (r < 0)
            return r;
        prefix = find_prefix(buffer_slice(&f->held), &len, &prefix_len);
        if (prefix == PREFIX_BEGUN)
            return 0;
        if (prefix == PREFIX_NONE || prefix_len + len > f->line_limit_bytes) {
            f->state = STATE_LINE;
            return 0;
        }
        f->prefix_len = prefix_len;
        f->length = len;
    } else {
        left = f->prefix_len + (size_t)f->length - f->line_bytes;
        text = slice_head(*in, left);
        end = slice_find(text, '\n');
        if (end < text.len && end + 1 < left) {
            f->state = STATE_LINE;
            return 0;
        }
        r = hold_line(f, take(f, in, text.len));
        if (r < 0)
            return r;
    }
    if (f->line_bytes < f->prefix_len + f->length)
        return 0;
    text = slice_skip(buffer_slice(&f->held), f->prefix_len);
    if (slice_ends_with(text, SLICE("\n")))
        text.len--;
    if (slice_ends_with(text, SLICE("\r")))
        text.len--;
    record.bytes = text;
    start_record(f, 0);
    r = emit_record(f, &record, emit, userdata);
    forget_held(f);
    return r;
}

static void feed_length(struct frame *f, struct slice *in)
{
    while (in->len > 0 && f->n_length < sizeof(f->length)) {
        struct slice byte = take(f, in, 1);

        f->length |= (uint64_t)(unsigned char)byte.data[0] << (8 * f->n_length++);
    }
    if (f->n_length == sizeof(f->length))
        end_length(f);
}

static int feed_value(struct frame *f, struct slice *in)
{
    struct slice part = take(f, in, MIN((uint64_t)in->len, f->remaining_bytes));
    int r;

    if (f->is_kept) {
        r = buffer_append_slice(&f->held, part);
        if (r < 0)
            return r;
    }
    f->remaining_bytes -= part.len;
    if (f->remaining_bytes == 0)
        f->state = STATE_VALUE_END;
    return 0;
}

static int feed_value_end(struct frame *f, struct slice *in)
{
    uint64_t n_bytes = f->name_bytes + sizeof(f->length) + f->length;
    int r;

    /* without its LF the length was wrong: what follows is read as a line */
    if (in->data[0] != '\n') {
        cut_field(f, n_bytes);
        return 0;
    }
    (void)take(f, in, 1);
    if (!f->is_kept) {
        cut_field(f, n_bytes + 1);
        return 0;
    }
    r = add_span(f, (struct span){.name = f->line_start,
                                  .name_len = f->name_len,
                                  .value = f->line_start + f->name_len,
                                  .value_len = f->length});
    if (r < 0)
        return r;
    start_field(f);
    return 0;
}

int frame_feed(struct frame *f, const char *bytes, size_t n, record_fn emit, void *userdata)
{
    struct slice in = slice_new(bytes, n);
    int r = 0;

    while (in.len > 0 && r == 0) {
        switch (f->state) {
        case STATE_LINE:
            if (is_octets_start(f, in))
                f->state = STATE_OCTETS;
            else
                r = feed_line(f, &in, emit, userdata);
            break;
        case STATE_FIELD:
            r = feed_line(f, &in, emit, userdata);
            break;
        case STATE_OCTETS:
            r = feed_octets(f, &in, emit, userdata);
            break;
        case STATE_LENGTH:
            feed_length(f, &in);
            break;
        case STATE_VALUE:
            r = feed_value(f, &in);
            break;
        case STATE_VALUE_END:
            r = feed_value_end(f, &in);
            break;
        }
    }
    return r;
}

int frame_finish(struct frame *f, record_fn emit, void *userdata)
{
    int r = 0;

    if ((f->state == STATE_LINE || f->state == STATE_OCTETS) && f->line_bytes > 0)
        r = end_line(f, buffer_slice(&f->held), f->line_bytes, 0, emit, userdata);
    else if (f->state == STATE_FIELD && f->line_bytes > 0)
        r = end_field(f, 0, emit, userdata);
    if (r != 0)
        return r;
    /* inside a binary field */
    if (f->state == STATE_LENGTH || f->state == STATE_VALUE || f->state == STATE_VALUE_END)
        cut_field(f, f->name_bytes + f->n_length +
                         (f->n_length == sizeof(f->length) ? f->length - f->remaining_bytes : 0));
    if (f->pending_bytes == 0)
        return 0;
    r = emit_entry(f, 0, emit, userdata);
    forget_held(f);
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
