/* SPDX-License-Identifier: Apache-2.0 */

/* config_compare: which paths are told, and in which order. */
#include "config/config.h"
#include "support.h"
#include "util/buffer.h"

static int join(void *userdata, const char *path)
{
    return buffer_append_format(userdata, "%s ", path);
}

static int stop(void *userdata, const char *path)
{
    (void)path;
    ++*(int *)userdata;
    return -5;
}

static struct config *config_of(const char *yaml)
{
    struct diag_list diags = DIAG_LIST_INIT;
    struct config *config = NULL;

    cr_assert_eq(config_new(&config), 0);
    cr_assert_eq(config_load_text(config, slice_from_string(yaml), "f", &diags), 0, "%s", yaml);
    return config;
}

Test(compare, tells_the_paths_that_differ)
{
    static const struct {
        const char *name, *a, *b, *expected;
    } rows[] = {
        {"the same, written in another way", "a: {b: 1}\nc: 2\n", "c: 2\na.b: 1\n", ""},
        {"another value", "a: 1\nb: 2\n", "a: 1\nb: 3\n", "b "},
        {"one that is gone, one that is new", "a: 1\n", "b: 2\n", "a b "},
        {"no value is no key", "a: 1\n", "a:\n", "a "},
        {"no value on either side", "a:\n", "b: ~\n", ""},
        {"a list that has grown", "a: [x]\n", "a: [x, y]\n", "a.1 "},
        {"a list where a value was", "a: x\n", "a: [x]\n", "a a.0 "},
        {"nothing at all", "a: 1\n", "{}\n", "a "},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(config_freep) struct config *a = config_of(rows[i].a), *b = config_of(rows[i].b);
        _cleanup_(buffer_done) struct buffer found = BUFFER_INIT;

        cr_assert_eq(config_compare(a, b, join, &found), 0);
        assert_slice(buffer_slice(&found), rows[i].expected, rows[i].name);
    }
}

Test(compare, ends_where_the_caller_does)
{
    _cleanup_(config_freep) struct config *a = config_of("a: 1\nb: 1\n"), *b = config_of("{}\n");
    int n = 0;

    cr_assert_eq(config_compare(a, b, stop, &n), -5);
    cr_assert_eq(n, 1);
}
