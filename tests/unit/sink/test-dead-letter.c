/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Letters as text and as lines of a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/dead-letter.h"
#include "support.h"

#define HEAD "{\"@timestamp\":\"2026-01-31T12:00:00.000Z\",\"sink\":\"kafka\",\"topic\":\"t\""
#define WHY  ",\"error\":\"E\",\"reason\":\"why\""

static struct dead_letter letter_with(const char *key, const char *document)
{
    return (struct dead_letter){
        .sink = "kafka",
        .topic = "t",
        .error = "E",
        .reason = "why",
        .id = SLICE("1f"),
        .key = slice_from_string(key),
        .document = slice_from_string(document),
        .time_usec = INT64_C(1769860800000000),
    };
}

Test(dead_letter, is_json_whatever_it_holds)
{
    static const struct {
        const char *name, *key, *document, *expected;
    } rows[] = {
        {"an object stands as it is", "alice", "{\"a\":[1, \"x\"]}",
         HEAD ",\"id\":\"1f\",\"key\":\"alice\"" WHY ",\"bytes\":14,\"document\":{\"a\":[1, \"x\"]}}"},
        {"what is empty is left out", "", "{}", HEAD ",\"id\":\"1f\"" WHY ",\"bytes\":2,\"document\":{}}"},
        {"text is a string", "", "a \"b\" \\",
         HEAD ",\"id\":\"1f\"" WHY ",\"bytes\":7,\"document\":\"a \\u0022b\\u0022 \\u005c\"}"},
        {"two lines are no object", "", "{\n}",
         HEAD ",\"id\":\"1f\"" WHY ",\"bytes\":3,\"document\":\"{\\u000a}\"}"},
        {"bytes that are no text are replaced", "\x1b\xff", "{}",
         HEAD ",\"id\":\"1f\",\"key\":\"\\u001b\xef\xbf\xbd\"" WHY ",\"bytes\":2,\"document\":{}}"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct dead_letter letter = letter_with(rows[i].key, rows[i].document);
        _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;

        cr_assert_eq(dead_letter_format(&letter, true, &b), 0);
        assert_slice(buffer_slice(&b), rows[i].expected, rows[i].name);
    }
}

Test(dead_letter, without_the_document_says_its_size)
{
    const struct dead_letter letter = letter_with("", "{\"a\":1}");
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;

    cr_assert_eq(dead_letter_format(&letter, false, &b), 0);
    assert_slice(buffer_slice(&b), HEAD ",\"id\":\"1f\"" WHY ",\"bytes\":7}", "short");
}

static void assert_contents(const char *path, const char *expected)
{
    char bytes[1024] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    cr_assert_geq(read(fd, bytes, sizeof(bytes) - 1), 0);
    (void)close(fd);
    cr_assert_str_eq(bytes, expected);
}

#define LINE HEAD ",\"id\":\"1f\"" WHY ",\"bytes\":2,\"document\":{}}\n"

Test(dead_letter, a_file_is_one_letter_a_line_also_after_a_crash_and_a_full_disk)
{
    const struct dead_letter letter = letter_with("", "{}");
    const struct rlimit small = {sizeof("torn\n" LINE LINE) - 1 + 10, RLIM_INFINITY};
    char path[] = "/tmp/hapax-test-letter-XXXXXX";
    struct dead_letter_file file = {path, -1};
    int fd = mkstemp(path);
    struct rlimit old;
    struct stat st;

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "torn", 4), 4);
    (void)close(fd);
    cr_assert_eq(dead_letter_file_append(&file, &letter), 0, "opens by itself");
    assert_contents(path, "torn\n" LINE);
    cr_assert_eq(dead_letter_file_append(&file, &letter), 0);

    cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    cr_assert_eq(dead_letter_file_append(&file, &letter), -EFBIG);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_contents(path, "torn\n" LINE LINE);

    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(dead_letter_file_open(&file), 0);
    cr_assert_eq(dead_letter_file_append(&file, &letter), 0);
    assert_contents(path, LINE);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0137, 0, "no more than 0640");
    dead_letter_file_close(&file);
    cr_assert_eq(unlink(path), 0);
}

Test(dead_letter, only_a_regular_file_will_do)
{
    struct dead_letter_file file = {"/dev/null", -1};

    cr_assert_eq(dead_letter_file_open(&file), -EINVAL);
    file.path = "/nowhere/letters";
    cr_assert_eq(dead_letter_file_open(&file), -ENOENT);
    cr_assert_eq(file.fd, -1);
}
