/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records are written down as text, one line each, so that a table can say what should come out: "L:" and a
 * line, "J:" and NAME=value pairs; "!" behind the letter where it is truncated. Every row is fed whole, cut
 * in two at every place, and byte by byte, and must give the same.
 */
#include "frame/frame.h"

#include <errno.h>
#include <string.h>

#include "support.h"
#include "util/buffer.h"

struct collected {
    struct buffer text;
    struct frame *frame;
    uint64_t seq;
    int stop_after; /* the record after which emit refuses; 0: never */
};

static int collect(void *userdata, const struct record *record)
{
    struct collected *c = userdata;

    cr_assert_eq(record->seq, ++c->seq);
    cr_assert_geq(buffer_append_format(&c->text, "%s%s:", record->kind == RECORD_LINE ? "L" : "J",
                                       record->is_truncated ? "!" : ""),
                  0);
    if (record->kind == RECORD_LINE)
        cr_assert_geq(buffer_append_slice(&c->text, record->bytes), 0);
    for (size_t i = 0; i < record->n_fields; i++) {
        cr_assert_geq(buffer_append_slice(&c->text, record->fields[i].name), 0);
        cr_assert_geq(buffer_append_char(&c->text, '='), 0);
        cr_assert_geq(buffer_append_slice(&c->text, record->fields[i].value), 0);
        cr_assert_geq(buffer_append_char(&c->text, ','), 0);
    }
    cr_assert_geq(buffer_append_char(&c->text, '\n'), 0);
    return c->stop_after > 0 && c->seq == (uint64_t)c->stop_after ? -EIO : 0;
}

struct row {
    const char *name;
    enum framing framing;
    struct slice input;
    struct slice expected;
    uint64_t n_cut, skipped_bytes;
};

#define CURSOR "__CURSOR=c"
#define LEN(n) n "\0\0\0\0\0\0\0"

/* the line limit is 16 in all rows */
static const struct row rows[] = {
    {"nothing", FRAMING_AUTO, SLICE(""), SLICE("")},
    {"lines", FRAMING_LINES, SLICE("a\nbc\n"), SLICE("L:a\nL:bc\n")},
    {"a last line without its end", FRAMING_LINES, SLICE("a\nbc"), SLICE("L:a\nL:bc\n")},
    {"counted messages", FRAMING_AUTO, SLICE("6 <13>ab5 <1>cd4 <2>e"), SLICE("L:<13>ab\nL:<1>cd\nL:<2>e\n")},
    {"counted, with an LF in each and between them", FRAMING_AUTO, SLICE("5 <1>a\n6 <2>b\r\n\n4 <3>c\nd\n"),
     SLICE("L:<1>a\nL:<2>b\nL:\nL:<3>c\nL:\nL:d\n")},
    {"a length that is too short", FRAMING_AUTO, SLICE("4 <1>abc\nd\n"), SLICE("L:<1>a\nL:bc\nL:d\n")},
    {"a length that is too long hides no line", FRAMING_AUTO, SLICE("14 <1>a\nbcd\nefg\n"),
     SLICE("L:14 <1>a\nL:bcd\nL:efg\n")},
    {"a length beyond the input", FRAMING_AUTO, SLICE("9 <1>a"), SLICE("L:9 <1>a\n")},
    {"a length beyond the limit", FRAMING_AUTO, SLICE("999999999 <1>a\nb\n"),
     SLICE("L:999999999 <1>a\nL:b\n")},
    {"a length of too many digits", FRAMING_AUTO, SLICE("9999999999 <1>\nb\n"),
     SLICE("L:9999999999 <1>\nL:b\n")},
    {"what is no length", FRAMING_AUTO, SLICE("12\n1 2\n0 <1>\n7<1>\n7 a\n7 \n"),
     SLICE("L:12\nL:1 2\nL:0 <1>\nL:7<1>\nL:7 a\nL:7 \n")},
    {"a count only where it is looked for", FRAMING_LINES, SLICE("6 <13>ab5 <1>cd\n"),
     SLICE("L:6 <13>ab5 <1>cd\n")},
    {"CR LF, and a CR that ends nothing", FRAMING_LINES, SLICE("a\r\nb\rc\n\r\r\n"),
     SLICE("L:a\nL:b\rc\nL:\r\n")},
    {"blank lines are records", FRAMING_LINES, SLICE("\n\r\n\n"), SLICE("L:\nL:\nL:\n")},
    {"NUL is data", FRAMING_LINES, SLICE("a\0b\n\0\n"), SLICE("L:a\0b\nL:\0\n")},
    {"a line at the limit", FRAMING_LINES, SLICE("0123456789abcdef\n"), SLICE("L:0123456789abcdef\n")},
    {"a line at the limit with CR LF", FRAMING_LINES, SLICE("0123456789abcdef\r\nx\n"),
     SLICE("L:0123456789abcdef\nL:x\n")},
    {"a line past the limit", FRAMING_LINES, SLICE("0123456789abcdefgh\nx\n"),
     SLICE("L!:0123456789abcdef\nL:x\n"), 1, 2},
    {"a last line past the limit", FRAMING_LINES, SLICE("x\n0123456789abcdefg"),
     SLICE("L:x\nL!:0123456789abcdef\n"), 1, 1},
    {"lines only: an entry is lines", FRAMING_LINES, SLICE(CURSOR "\nA=1\n\n"),
     SLICE("L:" CURSOR "\nL:A=1\nL:\n")},

    {"an entry", FRAMING_JOURNAL_EXPORT, SLICE(CURSOR "\n__REALTIME_TIMESTAMP=5\nMESSAGE=a = b\n\n"),
     SLICE("J:" CURSOR ",__REALTIME_TIMESTAMP=5,MESSAGE=a = b,\n")},
    {"entries, blank lines between them", FRAMING_JOURNAL_EXPORT, SLICE("\n\nA=1\n\n\nB=\n\nC=3\n"),
     SLICE("J:A=1,\nJ:B=,\nJ:C=3,\n")},
    {"a binary value", FRAMING_JOURNAL_EXPORT, SLICE("A=1\nMESSAGE\n" LEN("\4") "x\n\ny\nB=2\n\n"),
     SLICE("J:A=1,MESSAGE=x\n\ny,B=2,\n")},
    {"an empty binary value", FRAMING_JOURNAL_EXPORT, SLICE("A\n" LEN("\0") "\nB=2\n\n"),
     SLICE("J:A=,B=2,\n")},
    {"a repeated field", FRAMING_JOURNAL_EXPORT, SLICE("A=1\nA=2\n\n"), SLICE("J:A=1,A=2,\n")},
    {"no line limit inside entries", FRAMING_JOURNAL_EXPORT, SLICE("A=0123456789abcdefghij\n\n"),
     SLICE("J:A=0123456789abcdefghij,\n")},
    {"a length that lies: short", FRAMING_JOURNAL_EXPORT, SLICE("A\n" LEN("\1") "xy\nB=2\n\nC=3\n\n"),
     SLICE("J!:B=2,\nJ:C=3,\n"), 1, 2 + 8 + 1 + 2},
    {"a length that lies: huge", FRAMING_JOURNAL_EXPORT,
     SLICE("A\n\377\377\377\377\377\377\377\377xy\nB=2\n\nC=3\n\n"), SLICE("J!:B=2,\nJ:C=3,\n"), 1,
     2 + 8 + 3},
    {"an end inside a length", FRAMING_JOURNAL_EXPORT, SLICE("A=1\nB\n\1\0\0"), SLICE("J!:A=1,\n"), 1, 2 + 3},
    {"an end inside a value", FRAMING_JOURNAL_EXPORT, SLICE("A=1\nB\n" LEN("\5") "ab"), SLICE("J!:A=1,\n"), 1,
     2 + 8 + 2},
    {"an end before a value's LF", FRAMING_JOURNAL_EXPORT, SLICE("A=1\nB\n" LEN("\2") "ab"),
     SLICE("J!:A=1,\n"), 1, 2 + 8 + 2},
    {"an end behind a name", FRAMING_JOURNAL_EXPORT, SLICE("A=1\nB"), SLICE("J!:A=1,\n"), 1, 1},
    {"a line that is no field", FRAMING_JOURNAL_EXPORT, SLICE("A=1\nhello = x\nB=2\n\n"),
     SLICE("J!:A=1,B=2,\n"), 1, 10},

    {"auto: lines and entries", FRAMING_AUTO, SLICE("x\n" CURSOR "\nA=1\n\ny=1\n__CURSOR=d\nB=2\n\nz\n"),
     SLICE("L:x\nJ:" CURSOR ",A=1,\nL:y=1\nJ:__CURSOR=d,B=2,\nL:z\n")},
    {"auto: a field alone starts nothing", FRAMING_AUTO, SLICE("A=1\n\n"), SLICE("L:A=1\nL:\n")},
    {"auto: an entry without an end", FRAMING_AUTO, SLICE(CURSOR "\nA=1"), SLICE("J:" CURSOR ",A=1,\n")},
    {"auto: a beginning alone", FRAMING_AUTO, SLICE(CURSOR), SLICE("J:" CURSOR ",\n")},
    {"auto: a forged beginning hides no line", FRAMING_AUTO, SLICE(CURSOR "\nApr 2 sudo: a=1\r\nx\n"),
     SLICE("J!:" CURSOR ",\nL:Apr 2 sudo: a=1\nL:x\n"), 1, 0},
    {"auto: nor a long one", FRAMING_AUTO, SLICE(CURSOR "\nApr 2 sudo: alice=1\nx\n"),
     SLICE("J!:" CURSOR ",\nL!:Apr 2 sudo: alic\nL:x\n"), 2, 3},
    {"auto: nor the last", FRAMING_AUTO, SLICE(CURSOR "\nApr 2 sudo: a=1"),
     SLICE("J!:" CURSOR ",\nL:Apr 2 sudo: a=1\n"), 1, 0},
    {"auto: a forged length costs eight bytes", FRAMING_AUTO, SLICE(CURSOR "\nA\nApr 27 15:22 sudo\nx\n"),
     SLICE("J!:" CURSOR ",\nL:5:22 sudo\nL:x\n"), 1, 2 + 8},
    {"auto: an entry of one line ends at another's", FRAMING_AUTO,
     SLICE(CURSOR "\n{\"a\":1}\n" CURSOR "\n\n"), SLICE("J!:" CURSOR ",\nL:{\"a\":1}\nJ:" CURSOR ",\n"), 1,
     0},
};

static struct frame *new_frame(enum framing framing)
{
    struct frame_options options = {.framing = framing, .line_limit_bytes = 16};
    struct frame *f;

    cr_assert_eq(frame_new(&options, &f), 0);
    return f;
}

/* Feeds the input in pieces: first `first` bytes, then `step` at a time. */
static void check_row(const struct row *row, size_t first, size_t step)
{
    _cleanup_(frame_freep) struct frame *f = new_frame(row->framing);
    struct collected c = {.frame = f};
    uint64_t n_cut, skipped_bytes;

    for (size_t at = 0, n = first; at < row->input.len; at += n, n = step) {
        n = MIN(n, row->input.len - at);
        cr_assert_eq(frame_feed(f, row->input.data + at, n, collect, &c), 0);
        cr_assert_leq(frame_offset_bytes(f), at + n, "%s", row->name);
    }
    cr_assert_eq(frame_finish(f, collect, &c), 0);
    cr_assert(slice_equal(buffer_slice(&c.text), row->expected), "%s, cut at %zu: got\n%.*s", row->name,
              first, SLICE_FMT(buffer_slice(&c.text)));
    frame_cut(f, &n_cut, &skipped_bytes);
    cr_assert_eq(n_cut, row->n_cut, "%s, cut at %zu: %lu cut", row->name, first, n_cut);
    cr_assert_eq(skipped_bytes, row->skipped_bytes, "%s, cut at %zu: %lu skipped", row->name, first,
                 skipped_bytes);
    cr_assert_eq(frame_offset_bytes(f), row->input.len, "%s, cut at %zu: offset %lu", row->name, first,
                 frame_offset_bytes(f));
    buffer_done(&c.text);
}

Test(frame, gives_the_same_records_however_the_input_is_cut)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (size_t at = 1; at <= rows[i].input.len; at++)
            check_row(&rows[i], at, SIZE_MAX / 2);
        check_row(&rows[i], 1, 1);
        check_row(&rows[i], 3, 3);
    }
}

Test(frame, goes_on_at_its_offset_after_a_stop)
{
    /* emit refuses the n-th record; the input is fed again from the offset: nothing is lost or comes twice */
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (int stop = 1; stop < 6; stop++) {
            _cleanup_(frame_freep) struct frame *f = new_frame(rows[i].framing);
            struct collected c = {.frame = f, .stop_after = stop};
            struct slice in = rows[i].input;
            int r;

            r = frame_feed(f, in.data, in.len, collect, &c);
            if (r == -EIO) {
                in = slice_skip(in, frame_offset_bytes(f));
                r = frame_feed(f, in.data, in.len, collect, &c);
            }
            cr_assert_eq(r, 0, "%s: %d", rows[i].name, r);
            r = frame_finish(f, collect, &c);
            if (r == -EIO) {
                in = slice_skip(rows[i].input, frame_offset_bytes(f));
                cr_assert_eq(frame_feed(f, in.data, in.len, collect, &c), 0);
                r = frame_finish(f, collect, &c);
            }
            cr_assert_eq(r, 0, "%s: %d", rows[i].name, r);
            cr_assert(slice_equal(buffer_slice(&c.text), rows[i].expected), "%s, stopped at %d: got\n%.*s",
                      rows[i].name, stop, SLICE_FMT(buffer_slice(&c.text)));
            cr_assert_eq(frame_offset_bytes(f), rows[i].input.len, "%s", rows[i].name);
            buffer_done(&c.text);
        }
    }
}

Test(frame, has_its_offset_at_the_end_of_the_last_record)
{
    static const struct {
        const char *name;
        enum framing framing;
        struct slice input;
        uint64_t offset;
    } cases[] = {
        {"no line yet", FRAMING_LINES, SLICE("abc"), 0},
        {"in the second line", FRAMING_LINES, SLICE("a\r\nb"), 3},
        {"in what is skipped of a line", FRAMING_LINES, SLICE("a\n0123456789abcdefghij"), 2},
        {"behind what is skipped", FRAMING_LINES, SLICE("a\n0123456789abcdefghij\nb"), 23},
        {"in an entry", FRAMING_AUTO, SLICE("a\n" CURSOR "\nA=1\n"), 2},
        {"in a value", FRAMING_JOURNAL_EXPORT, SLICE("A=1\n\nB\n" LEN("\5") "\n\n\n"), 5},
        {"behind an entry", FRAMING_AUTO, SLICE(CURSOR "\n\n"), 12},
        {"between a cut entry and its end", FRAMING_AUTO, SLICE(CURSOR "\nA=1\nx y\n" CURSOR "\n"), 19},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(frame_freep) struct frame *f = new_frame(cases[i].framing);
        struct collected c = {.frame = f};

        cr_assert_eq(frame_feed(f, cases[i].input.data, cases[i].input.len, collect, &c), 0);
        cr_assert_eq(frame_offset_bytes(f), cases[i].offset, "%s: %lu", cases[i].name, frame_offset_bytes(f));
        buffer_done(&c.text);
    }
}

struct seen {
    size_t n_records, n_fields, n_bytes;
    bool is_truncated;
};

static int see(void *userdata, const struct record *record)
{
    struct seen *seen = userdata;

    seen->n_records++;
    seen->n_fields = record->n_fields;
    seen->n_bytes = record->bytes.len;
    for (size_t i = 0; i < record->n_fields; i++)
        seen->n_bytes += record->fields[i].name.len + record->fields[i].value.len;
    seen->is_truncated = record->is_truncated;
    return 0;
}

static void feed_many(struct frame *f, struct slice bytes, size_t n, struct seen *seen)
{
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(frame_feed(f, bytes.data, bytes.len, see, seen), 0);
}

Test(frame, bounds_fields_and_bytes_of_an_entry)
{
    struct frame_options options = {.framing = FRAMING_JOURNAL_EXPORT};
    _cleanup_(frame_freep) struct frame *f = NULL;
    uint64_t n_cut, skipped_bytes;
    struct seen seen = {0};

    cr_assert_eq(frame_new(&options, &f), 0);
    feed_many(f, SLICE("A=1\n"), 5000, &seen);
    feed_many(f, SLICE("\n"), 1, &seen);
    cr_assert_eq(seen.n_fields, 4096);
    cr_assert(seen.is_truncated);
    frame_cut(f, &n_cut, &skipped_bytes);
    cr_assert_eq(n_cut, 1);
    cr_assert_eq(skipped_bytes, (5000 - 4096) * 4);

    /* a text field and a binary field of more than the limit; what is small still fits */
    feed_many(f, SLICE("A="), 1, &seen);
    feed_many(f, SLICE("0123456789abcdef"), FRAME_ENTRY_LIMIT_DEFAULT / 16, &seen);
    feed_many(f, SLICE("\nB\n\0\0\120\0\0\0\0\0"), 1, &seen);
    feed_many(f, SLICE("\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"), 5U * 1024 * 1024 / 16, &seen);
    feed_many(f, SLICE("\nC=3\n\n"), 1, &seen);
    cr_assert_eq(seen.n_records, 2);
    cr_assert_eq(seen.n_fields, 1);
    cr_assert(seen.is_truncated);
    frame_cut(f, &n_cut, &skipped_bytes);
    cr_assert_eq(n_cut, 2);
    cr_assert_eq(skipped_bytes, (5000 - 4096) * 4 + FRAME_ENTRY_LIMIT_DEFAULT + 3 + 5U * 1024 * 1024 + 11);

    /* and the next entry is whole again */
    feed_many(f, SLICE("D=4\n\n"), 1, &seen);
    cr_assert_eq(seen.n_records, 3);
    cr_assert_not(seen.is_truncated);
}

Test(frame, takes_a_time_stamp_for_the_start_of_an_entry)
{
    /* journalctl -o export --output-fields may leave the cursor out */
    struct frame_options options = {.framing = FRAMING_AUTO};
    _cleanup_(frame_freep) struct frame *f = NULL;
    struct seen seen = {0};

    cr_assert_eq(frame_new(&options, &f), 0);
    feed_many(f, SLICE("__REALTIME_TIMESTAMP=7\nB=2\n\n"), 1, &seen);
    cr_assert_eq(seen.n_records, 1);
    cr_assert_eq(seen.n_fields, 2);
    cr_assert_not(seen.is_truncated);
}

Test(frame, keeps_a_line_of_ten_megabytes_within_its_limit)
{
    struct frame_options options = {.framing = FRAMING_AUTO};
    _cleanup_(frame_freep) struct frame *f = NULL;
    uint64_t n_cut, skipped_bytes;
    struct seen seen = {0};

    cr_assert_eq(frame_new(&options, &f), 0);
    feed_many(f, SLICE("0123456789abcdef"), 10U * 1024 * 1024 / 16, &seen);
    cr_assert_eq(seen.n_records, 0);
    feed_many(f, SLICE("\n"), 1, &seen);
    cr_assert_eq(seen.n_records, 1);
    cr_assert_eq(seen.n_bytes, FRAME_LINE_LIMIT_DEFAULT);
    cr_assert(seen.is_truncated);
    frame_cut(f, &n_cut, &skipped_bytes);
    cr_assert_eq(n_cut, 1);
    cr_assert_eq(skipped_bytes, 10U * 1024 * 1024 - FRAME_LINE_LIMIT_DEFAULT);
    cr_assert_eq(frame_offset_bytes(f), 10U * 1024 * 1024 + 1);
}

Test(frame, reads_the_journal_exports_of_tlog)
{
    const char *shared = getenv("HAPAX_SHARED");
    struct frame_options options = {.framing = FRAMING_AUTO};
    _cleanup_(frame_freep) struct frame *f = NULL;
    _cleanup_(freep) char *path = NULL;
    _cleanup_(fclosep) FILE *file = NULL;
    struct seen seen = {0};
    uint64_t n_cut, skipped_bytes;
    char bytes[1000];
    size_t n;

    if (!shared)
        cr_skip_test("HAPAX_SHARED is not set");
    cr_assert_gt(asprintf(&path, "%s/corpora/tlog/journal-good.txt", shared), 0);
    file = fopen(path, "re");
    cr_assert_not_null(file);
    cr_assert_eq(frame_new(&options, &f), 0);
    while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
        cr_assert_eq(frame_feed(f, bytes, n, see, &seen), 0);
    cr_assert_eq(frame_finish(f, see, &seen), 0);
    frame_cut(f, &n_cut, &skipped_bytes);
    cr_assert_eq(n_cut, 0);
    cr_assert_eq(skipped_bytes, 0);
    /* grep -c ^__CURSOR= */
    cr_assert_eq(seen.n_records, 58, "%zu", seen.n_records);
}
