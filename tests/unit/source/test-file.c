/* SPDX-License-Identifier: Apache-2.0 */

/* Real files that grow, are rotated, cut and lost, under a real loop. */
#include <errno.h>

#include "support-source.h"

#define HEAD "a first line of more than sixty-four bytes, as a line with a time stamp has"

struct fixture {
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE], rotated[TEST_PATH_SIZE];
    struct engine engine;
};

static void fixture_init(struct fixture *f, bool is_followed)
{
    make_temporary(f->folder);
    name_in(f->path, f->folder, "log");
    name_in(f->rotated, f->folder, "log.1");
    engine_init(&f->engine, &file_source);
    engine_set(&f->engine, "path", f->path);
    engine_set(&f->engine, "follow", is_followed ? "true" : "false");
}

static void fixture_done(struct fixture *f)
{
    engine_done(&f->engine);
    remove_temporary(f->folder);
}

/* Followed from its beginning, and read up to the end of first. */
static void fixture_follow(struct fixture *f, const char *first, const char *expected)
{
    fixture_init(f, true);
    engine_set(&f->engine, "start", "beginning");
    append_to(f->path, first);
    engine_start(&f->engine, SLICE_NULL);
    run_until_records(&f->engine, expected);
}

Test(file, reads_a_whole_file_and_ends)
{
    struct fixture f;

    fixture_init(&f, false);
    append_to(f.path, "one\ntwo\nunfinished");
    engine_set(&f.engine, "trust", "dedicated");
    engine_start(&f.engine, SLICE_NULL);
    cr_assert(source_capabilities(f.engine.source) == (SOURCE_CAN_SEEK | SOURCE_ENDS));
    run_until(&f.engine, f.engine.is_ended);
    assert_records(&f.engine, "one|two|unfinished|");
    cr_assert(f.engine.end_error == 0 && f.engine.trust == TRUST_INPUT);
    fixture_done(&f);
}

Test(file, says_what_it_cannot_read)
{
    static const struct {
        const char *name; /* in the folder */
        bool follow;
        const char *expected;
    } rows[] = {
        {"missing", false, "the file cannot be opened: No such file or directory"},
        {"fifo", false, "this is not a regular file: for a pipe or a device use the source stdin"},
        {"fifo", true, "this is not a regular file: for a pipe or a device use the source stdin"},
        {"", false, "the file cannot be opened: Is a directory"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        char path[TEST_PATH_SIZE];
        struct fixture f;

        fixture_init(&f, rows[i].follow);
        name_in(path, f.folder, "fifo");
        cr_assert(mkfifo(path, 0600) == 0);
        name_in(path, f.folder, rows[i].name);
        engine_set(&f.engine, "path", path);
        cr_assert(engine_try_start(&f.engine, SLICE_NULL, &diags) == -EINVAL && diags.n == 1, "%zu", i);
        cr_assert_str_eq(diags.items[0].message, rows[i].expected);
        cr_assert_str_eq(diags.items[0].file, path);
        diag_list_done(&diags);
        fixture_done(&f);
    }
}

Test(file, follows_from_the_end_with_whole_lines)
{
    struct fixture f;

    fixture_init(&f, true);
    append_to(f.path, "old\nunfin");
    engine_start(&f.engine, SLICE_NULL);
    cr_assert(source_capabilities(f.engine.source) == SOURCE_CAN_SEEK);
    run_ready(&f.engine);
    assert_records(&f.engine, "");
    append_to(f.path, "ished\nnew");
    run_until_records(&f.engine, "unfinished|");
    append_to(f.path, "\n");
    run_until_records(&f.engine, "unfinished|new|");
    cr_assert(!f.engine.is_ended && f.engine.reports.len == 0);
    fixture_done(&f);
}

Test(file, stays_with_a_renamed_file_until_the_new_one_has_bytes)
{
    struct fixture f;

    fixture_follow(&f, "1\n", "1|");
    cr_assert(rename(f.path, f.rotated) == 0);
    run_ready(&f.engine);
    /* the writer has not heard of it yet */
    append_to(f.rotated, "2\n");
    run_until_records(&f.engine, "1|2|");
    append_to(f.path, "");
    run_ready(&f.engine);
    append_to(f.rotated, "3\nunfinished");
    run_until_records(&f.engine, "1|2|3|");
    append_to(f.path, "4\n");
    run_until_records(&f.engine, "1|2|3|unfinished|4|");
    append_to(f.path, "5\n");
    run_until_records(&f.engine, "1|2|3|unfinished|4|5|");
    /* and once more, all at once */
    append_to(f.path, "6\n");
    cr_assert(rename(f.path, f.rotated) == 0);
    append_to(f.path, "7\n");
    run_until_records(&f.engine, "1|2|3|unfinished|4|5|6|7|");
    fixture_done(&f);
}

Test(file, reads_every_file_of_two_rotations_at_once)
{
    struct fixture f;
    char second[TEST_PATH_SIZE];

    fixture_follow(&f, "1\n", "1|");
    name_in(second, f.folder, "log.2");
    append_to(f.path, "2\n");
    cr_assert(rename(f.path, second) == 0);
    append_to(f.path, "3\n");
    cr_assert(rename(f.path, f.rotated) == 0);
    append_to(f.path, "4\n");
    run_until_records(&f.engine, "1|2|3|4|");
    fixture_done(&f);
}

Test(file, reads_the_rest_of_a_truncated_file_from_its_copy)
{
    struct fixture f;

    fixture_follow(&f, HEAD "\n", HEAD "|");
    append_to(f.path, "unread\n");
    run_in(f.folder, "cp log log.1; echo new >log");
    run_until_records(&f.engine, HEAD "|unread|new|");
    assert_report(&f.engine, "was truncated: what was not read yet comes from");
    append_to(f.path, "newer\n");
    run_until_records(&f.engine, HEAD "|unread|new|newer|");
    fixture_done(&f);
}

Test(file, reads_a_truncated_file_without_a_copy_from_its_beginning)
{
    struct fixture f;

    fixture_follow(&f, "1\n2\n3\n", "1|2|3|");
    cr_assert(truncate(f.path, 0) == 0);
    append_to(f.path, "4\n");
    run_until_records(&f.engine, "1|2|3|4|");
    assert_report(&f.engine, "was truncated: reading from its new beginning");
    /* cut, and longer than before when we look */
    cr_assert(truncate(f.path, 0) == 0);
    append_to(f.path, "a longer line\n");
    run_until_records(&f.engine, "1|2|3|4|a longer line|");
    fixture_done(&f);
}

Test(file, waits_for_a_file_that_is_not_there)
{
    struct fixture f;

    fixture_init(&f, true);
    engine_start(&f.engine, SLICE_NULL);
    assert_report(&f.engine, "is not there yet: waiting for it");
    run_ready(&f.engine);
    append_to(f.path, "first\n");
    run_until_records(&f.engine, "first|");
    cr_assert(unlink(f.path) == 0);
    run_ready(&f.engine);
    append_to(f.path, "second\n");
    run_until_records(&f.engine, "first|second|");
    fixture_done(&f);
}

Test(file, finds_its_folder_again_after_both_were_removed)
{
    struct fixture f;

    fixture_follow(&f, "1\n", "1|");
    cr_assert(unlink(f.path) == 0 && rmdir(f.folder) == 0);
    run_ready(&f.engine);
    cr_assert(mkdir(f.folder, 0700) == 0);
    append_to(f.path, "2\n");
    run_until_records(&f.engine, "1|2|");
    run_ready(&f.engine);
    /* and watches it as before */
    cr_assert(rename(f.path, f.rotated) == 0);
    append_to(f.path, "3\n");
    run_until_records(&f.engine, "1|2|3|");
    fixture_done(&f);
}

Test(file, hands_over_a_bounded_piece_a_turn_and_feels_pressure)
{
    struct fixture f;

    fixture_init(&f, false);
    write_many_lines(f.path);
    f.engine.pause_after = 7;
    engine_start(&f.engine, SLICE_NULL);
    run_ready(&f.engine);
    cr_assert(f.engine.n_records == 7, "%u", f.engine.n_records);
    cr_assert(source_pause(f.engine.source, false) == 0);
    cr_assert(sd_event_run(f.engine.event, 0) > 0);
    cr_assert(f.engine.n_records < 50000);
    run_until(&f.engine, f.engine.is_ended);
    cr_assert(f.engine.n_records == 100000);
    fixture_done(&f);
}

Test(file, goes_on_where_it_was)
{
    static const struct {
        const char *name, *command /* between two runs, the first of which read HEAD and "1" */, *expected,
            *report;
    } rows[] = {
        {"nothing", "true", "", NULL},
        {"more lines", "echo 2 >>log", "2|", NULL},
        {"a line written in two pieces", "printf un >>log; printf 'fin\\n' >>log", "unfin|", NULL},
        {"rotated once", "echo 2 >>log; mv log log.1; echo 3 >log", "2|3|", "was rotated: going on in"},
        {"rotated twice", "echo 2 >>log; mv log log.2; echo 3 >log.1; echo 4 >log", "2|3|4|",
         "was rotated: going on in"},
        {"copied and cut", "echo 2 >>log; cp log log.1; echo 3 >log", "2|3|", "was rotated: going on in"},
        {"cut", "echo 3 >log", "3|", "neither there nor beside it"},
        {"lost", "rm log; echo 3 >log", "3|", "neither there nor beside it"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct buffer cursor = BUFFER_INIT;
        struct fixture f;

        fixture_follow(&f, HEAD "\n1\n", HEAD "|1|");
        cr_assert(buffer_append_slice(&cursor, buffer_slice(&f.engine.cursor)) == 0);
        engine_stop(&f.engine);
        run_in(f.folder, rows[i].command);
        engine_start(&f.engine, buffer_slice(&cursor));
        run_ready(&f.engine);
        cr_assert(slice_equal_string(buffer_slice(&f.engine.records), rows[i].expected),
                  "%s: got '%.*s' (%.*s)", rows[i].name, SLICE_FMT(buffer_slice(&f.engine.records)),
                  SLICE_FMT(buffer_slice(&f.engine.reports)));
        if (rows[i].report)
            assert_report(&f.engine, rows[i].report);
        else
            assert_slice(buffer_slice(&f.engine.reports), "", rows[i].name);
        buffer_done(&cursor);
        fixture_done(&f);
    }
}

Test(file, gives_a_cursor_behind_each_record)
{
    struct buffer cursor = BUFFER_INIT;
    struct fixture f;

    fixture_init(&f, false);
    append_to(f.path, "1\n2\n3\n");
    f.engine.pause_after = 2;
    engine_start(&f.engine, SLICE_NULL);
    run_until_records(&f.engine, "1|2|");
    cr_assert(buffer_append_slice(&cursor, buffer_slice(&f.engine.cursor)) == 0);
    engine_stop(&f.engine);
    engine_start(&f.engine, buffer_slice(&cursor));
    run_until(&f.engine, f.engine.is_ended);
    assert_records(&f.engine, "3|");

    /* not a cursor of ours: said, and from the beginning */
    engine_stop(&f.engine);
    engine_start(&f.engine, SLICE("1234 s=abc;i=1"));
    run_until(&f.engine, f.engine.is_ended);
    assert_records(&f.engine, "1|2|3|");
    assert_report(&f.engine, "the saved place '1234 s=abc;i=1' cannot be read: from the beginning");
    buffer_done(&cursor);
    fixture_done(&f);
}
