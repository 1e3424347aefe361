/* SPDX-License-Identifier: Apache-2.0 */

/* A place as text and back, and how it is found again after files were moved, copied and cut. */
#include <errno.h>

#include "source/rotation.h"
#include "support-source.h"

#define ID "0123456789abcdef0123456789abcdef"
/* long enough to tell a copy by */
#define HEAD "a beginning of more than sixty-four bytes, as a line with a time stamp has:"

Test(rotation, reads_back_the_place_it_wrote_and_nothing_else)
{
    static const struct {
        const char *text;
        int expected;
    } rows[] = {
        {"inode=12 offset=345 head=64:" ID, 0},
        {"inode=12 offset=0 head=0:" ID, 0},
        {"", -EINVAL},
        {"inode=12 offset=345 head=64:", -EINVAL},
        {"inode=12 offset=345 head=257:" ID, -EINVAL},
        {"inode=12 offset=9223372036854775808 head=64:" ID, -EINVAL},
        {"inode=-1 offset=345 head=64:" ID, -EINVAL},
        {"offset=345 inode=12 head=64:" ID, -EINVAL},
        {"inode=12 offset=345 head=64:" ID "0", -EINVAL},
        {"inode=12 offset=345 head=64:" ID "\nmore", -EINVAL},
        {"1234 s=abc", -EINVAL},
    };
    struct file_place place;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct buffer out = BUFFER_INIT;

        cr_assert(file_place_from_text(slice_from_string(rows[i].text), &place) == rows[i].expected, "%s",
                  rows[i].text);
        if (rows[i].expected < 0)
            continue;
        cr_assert(file_place_to_text(&place, &out) == 0);
        assert_slice(buffer_slice(&out), rows[i].text, "round trip");
        buffer_done(&out);
    }
    cr_assert(file_place_from_text(SLICE_NULL, &place) == -EINVAL);
}

static struct file_place place_in(const char *path, uint64_t offset)
{
    struct file_place place = {.offset = offset};
    char head[FILE_HEAD_BYTES];
    struct slice part;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    cr_assert(fd >= 0 && fstat(fd, &st) == 0);
    place.inode = st.st_ino;
    place.head_len = (uint32_t)MIN(offset, (uint64_t)FILE_HEAD_BYTES);
    cr_assert(read(fd, head, place.head_len) == (ssize_t)place.head_len);
    part = slice_new(head, place.head_len);
    hash_id(&part, 1, place.head_id);
    close(fd);
    return place;
}

Test(rotation, finds_a_place_again)
{
    static const struct {
        const char *name;
        const char *command; /* after log was read to byte 80 */
        const char *expected;
    } rows[] = {
        {"left alone", "true", "log"},
        {"grown", "echo more >>log", "log"},
        {"renamed", "mv log log.1; echo new >log", "log.1"},
        {"renamed with a date", "mv log log-20260131; echo new >log", "log-20260131"},
        {"renamed twice", "mv log log.2; echo b >log.1; echo c >log", "log.2"},
        {"copied, not yet cut", "cp log log.1", "log"},
        {"copied and cut", "cp log log.1; : >log", "log.1"},
        {"restored from a copy", "cp log copy; mv copy log", "log"},
        {"another file of that name", "rm log; echo new >log", NULL},
        {"cut and written over", "echo new >log", NULL},
        {"cut in the middle", "truncate -s 79 log", NULL},
        {"renamed to what is no rotation", "mv log log.bak; echo new >log", NULL},
        {"compressed", "mv log log.1.gz; echo new >log", NULL},
        {"gone", "rm log", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
        _cleanup_(freep) char *found = NULL;
        _cleanup_(closep) int fd = -1;
        struct file_place place;
        int r;

        make_temporary(folder);
        name_in(path, folder, "log");
        append_to(path, HEAD "12345\nand the rest\n");
        place = place_in(path, 80);
        run_in(folder, rows[i].command);
        r = rotation_find_place(path, &place, 0, &fd, &found);
        cr_assert(r == (rows[i].expected != NULL), "%s: %d %s", rows[i].name, r, found);
        if (r > 0)
            cr_assert_str_eq(found + strlen(folder) + 1, rows[i].expected, "%s: '%s'", rows[i].name, found);
        remove_temporary(folder);
    }
}

Test(rotation, orders_what_was_written_in_between)
{
    static const struct {
        const char *name, *command, *current, *expected;
    } rows[] = {
        {"nothing in between", "touch -d @100 log.1 log", "log.1", NULL},
        {"one", "touch -d @100 log.2; touch -d @200 log.1; touch -d @300 log", "log.2", "log.1"},
        {"the oldest of two", "touch -d @100 log.3; touch -d @200 log.2; touch -d @300 log.1", "log.3",
         "log.2"},
        {"within the clock's grain", "touch -d @100 log.11 log.10 log.9", "log.11", "log.10"},
        {"by date within it", "touch -d @100 log-20260101 log-20260102 log-20260103", "log-20260101",
         "log-20260102"},
        {"only the log's own", "touch -d @100 log.1; touch -d @200 log.bak log.1.gz other.1 log1 log.",
         "log.1", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char folder[FOLDER_SIZE], path[TEST_PATH_SIZE], current[TEST_PATH_SIZE];
        _cleanup_(freep) char *next = NULL;
        struct stat st;
        int r;

        make_temporary(folder);
        run_in(folder, rows[i].command);
        name_in(path, folder, "log");
        name_in(current, folder, rows[i].current);
        cr_assert(stat(current, &st) == 0);
        r = rotation_find_next(path, &st, &next);
        cr_assert(r == (rows[i].expected != NULL), "%s: %d %s", rows[i].name, r, next);
        if (r > 0)
            cr_assert_str_eq(next + strlen(folder) + 1, rows[i].expected, "%s", rows[i].name);
        remove_temporary(folder);
    }
}
