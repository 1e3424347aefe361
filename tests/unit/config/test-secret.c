/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Secrets out of files and credentials.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/secret.h"
#include "support.h"
#include "util/slice.h"

static char directory[64];

static void setup(void)
{
    (void)snprintf(directory, sizeof(directory), "/tmp/hapax-test-secret-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
}

TestSuite(secret, .init = setup);

static const char *put(const char *name, struct slice bytes, mode_t mode)
{
    static char path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    f = fopen(path, "we");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes.data, 1, bytes.len, f), bytes.len);
    cr_assert_eq(fclose(f), 0);
    cr_assert_eq(chmod(path, mode), 0);
    return path;
}

static void tidy(void)
{
    char command[256];

    (void)snprintf(command, sizeof(command), "%s/x", directory);
    (void)unlink(command);
    (void)rmdir(directory);
}

Test(secret, is_the_file_without_its_line_end)
{
    static const struct {
        const char *name;
        struct slice bytes;
        const char *expected;
    } rows[] = {
        {"no line end", SLICE("pass"), "pass"},
        {"a line end", SLICE("pass\n"), "pass"},
        {"one of another system", SLICE("pass\r\n"), "pass"},
        {"only one goes", SLICE("pass\n\n"), "pass\n"},
        {"blanks stay", SLICE(" pass word "), " pass word "},
        {"several lines, as a key has", SLICE("-----BEGIN\nx\n-----END\n"), "-----BEGIN\nx\n-----END"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(secret_freep) char *secret = NULL;
        _cleanup_(freep) char *message = NULL;

        cr_assert_eq(secret_load(put("x", rows[i].bytes, 0600), NULL, &secret, &message), 0, "%s: %s",
                     rows[i].name, message);
        cr_assert_str_eq(secret, rows[i].expected, "%s", rows[i].name);
    }
    tidy();
}

Test(secret, a_name_without_a_slash_is_a_credential)
{
    _cleanup_(secret_freep) char *secret = NULL;
    _cleanup_(freep) char *message = NULL;

    (void)put("x", SLICE("pass\n"), 0400);
    cr_assert_eq(secret_load("x", directory, &secret, &message), 0);
    cr_assert_str_eq(secret, "pass");
    tidy();
}

Test(secret, one_that_everybody_may_read_is_told_apart)
{
    _cleanup_(secret_freep) char *secret = NULL;
    _cleanup_(freep) char *message = NULL;

    cr_assert_eq(secret_load(put("x", SLICE("pass\n"), 0644), NULL, &secret, &message), SECRET_IS_EXPOSED);
    cr_assert_str_eq(secret, "pass");
    tidy();
}

Test(secret, what_is_no_secret_is_refused_with_its_place)
{
    static char large[SECRET_BYTES_MAX + 1];
    static const struct {
        const char *where; /* NULL: the file */
        struct slice bytes;
        int error;
        const char *message; /* after the path, for the file */
    } rows[] = {
        {NULL, SLICE(""), -EINVAL, "is empty, expected the secret"},
        {NULL, SLICE("\n"), -EINVAL, "is empty, expected the secret"},
        {NULL, {"a\0b", 3}, -EINVAL, "holds a NUL byte, expected text"},
        {NULL, {large, sizeof(large)}, -EFBIG, "is larger than 65536 bytes, expected one secret"},
        {"/nowhere/x", SLICE(""), -ENOENT, "cannot read '/nowhere/x': No such file or directory"},
        {"/dev/zero", SLICE(""), -EINVAL, "'/dev/zero' is no regular file"},
        {"", SLICE(""), -EINVAL,
         "'' is no path, expected that of a file, or the name of a systemd credential"},
        {"kafka", SLICE(""), -ENOENT,
         "'kafka' names a systemd credential, and there is none ($CREDENTIALS_DIRECTORY is not set), "
         "expected "
         "a path with a slash, or LoadCredential=kafka:PATH in the unit"},
    };

    memset(large, 'x', sizeof(large));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(freep) char *message = NULL;
        const char *where = rows[i].where ? rows[i].where : put("x", rows[i].bytes, 0600);
        char expected[512];
        char *secret = NULL;

        cr_assert_eq(secret_load(where, NULL, &secret, &message), rows[i].error, "row %zu", i);
        cr_assert_null(secret);
        if (rows[i].where)
            (void)snprintf(expected, sizeof(expected), "%s", rows[i].message);
        else
            (void)snprintf(expected, sizeof(expected), "'%s' %s", where, rows[i].message);
        cr_assert_str_eq(message, expected);
    }
    tidy();
}
