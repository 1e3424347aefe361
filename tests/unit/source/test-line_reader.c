/* SPDX-License-Identifier: Apache-2.0 */

/* Chunks become records; a pause stops between two of them. */
#include "source/line_reader.h"
#include "support-source.h"

static int nothing_to_start(struct source *source, sd_event *event, struct slice cursor,
                            struct diag_list *diags)
{
    return 0;
}

static int nothing_to_pause(struct source *source, bool is_paused)
{
    return 0;
}

static void nothing_to_release(struct source *source)
{
}

static const struct option_table no_options = {.struct_size = 1};

static const struct source_driver idle_source = {
    .name = "idle",
    .options = &no_options,
    .struct_size = sizeof(struct source),
    .start = nothing_to_start,
    .pause = nothing_to_pause,
    .done = nothing_to_release,
};

Test(line_reader, makes_records_of_what_it_reads)
{
    static const struct {
        const char *name, *input;
        bool is_record_per_line;
        const char *expected;
        uint64_t expected_offset; /* before the finish */
    } rows[] = {
        {"lines", "one\ntwo\n", false, "one|two|", 8},
        {"an unfinished line", "one\ntwo", false, "one|two|", 4},
        {"a record for an empty line", "one\n\ntwo\n\n", true, "one||two||", 10},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct engine engine;
        struct line_reader reader;
        ssize_t len = (ssize_t)strlen(rows[i].input);
        int fds[2];

        engine_init(&engine, &idle_source);
        engine_start(&engine, SLICE_NULL);
        cr_assert(line_reader_init(&reader, engine.source, FRAMING_LINES, 4096, TRUST_INPUT) == 0);
        reader.is_record_per_line = rows[i].is_record_per_line;
        cr_assert(pipe2(fds, O_CLOEXEC) == 0 && write(fds[1], rows[i].input, (size_t)len) == len);
        close(fds[1]);
        cr_assert(line_reader_read(&reader, fds[0], -1) == len);
        cr_assert(line_reader_feed(&reader) == 0 && line_reader_is_empty(&reader));
        cr_assert(line_reader_offset(&reader) == rows[i].expected_offset, "%s", rows[i].name);
        cr_assert(line_reader_read(&reader, fds[0], -1) == 0);
        cr_assert(line_reader_finish(&reader) == 0);
        assert_slice(buffer_slice(&engine.records), rows[i].expected, rows[i].name);
        cr_assert(engine.trust == TRUST_INPUT);
        close(fds[0]);
        line_reader_done(&reader);
        engine_done(&engine);
    }
}

Test(line_reader, stops_behind_the_record_in_which_it_was_paused)
{
    struct engine engine;
    struct line_reader reader;
    int fds[2];

    engine_init(&engine, &idle_source);
    engine.pause_after = 2;
    engine_start(&engine, SLICE_NULL);
    cr_assert(line_reader_init(&reader, engine.source, FRAMING_LINES, 4096, TRUST_LOW) == 0);
    cr_assert(pipe2(fds, O_CLOEXEC) == 0 && write(fds[1], "1\n2\n3\n4", 7) == 7);
    cr_assert(line_reader_read(&reader, fds[0], -1) == 7);
    cr_assert(line_reader_feed(&reader) == 1 && !line_reader_is_empty(&reader));
    assert_records(&engine, "1|2|");
    cr_assert(line_reader_offset(&reader) == 4);
    cr_assert(source_pause(engine.source, false) == 0);
    cr_assert(line_reader_feed(&reader) == 0);
    assert_records(&engine, "1|2|3|");

    /* another file: the unfinished line of this one is gone */
    cr_assert(line_reader_restart(&reader) == 0 && line_reader_offset(&reader) == 0);
    cr_assert(write(fds[1], "5\n", 2) == 2);
    cr_assert(line_reader_read(&reader, fds[0], -1) == 2 && line_reader_feed(&reader) == 0);
    assert_records(&engine, "1|2|3|5|");
    close(fds[0]);
    close(fds[1]);
    line_reader_done(&reader);
    engine_done(&engine);
}
