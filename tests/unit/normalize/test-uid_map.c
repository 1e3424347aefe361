/* SPDX-License-Identifier: Apache-2.0 */

/* uid_map.h: names of numbers, and what is said about a file that is no passwd file. */
#include "normalize/uid_map.h"

#include <errno.h>

#include "support.h"

Test(uid_map, finds_the_first_name_of_a_number)
{
    static const char text[] = "root:x:0:0:root:/root:/bin/bash\n"
                               "toor:x:0:0::/root:/bin/sh\n"
                               "\n"
                               "alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash\n"
                               "nobody:x:4294967294:65534::/:/bin/false";
    static const struct {
        const char *name;
        uint32_t uid;
        const char *expected; /* NULL: absent */
    } rows[] = {
        {"two names", 0, "root"},
        {"plain", 1000, "alice"},
        {"last line without an end", 4294967294, "nobody"},
        {"unknown", 1001, NULL},
    };
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(uid_map_freep) struct uid_map *map = NULL;

    cr_assert_eq(uid_map_new(slice_from_string(text), "passwd", &diags, &map), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct slice name = uid_map_find(map, rows[i].uid);

        cr_assert_eq(slice_is_absent(name), !rows[i].expected, "%s", rows[i].name);
        if (rows[i].expected)
            assert_slice(name, rows[i].expected, rows[i].name);
    }
}

Test(uid_map, an_empty_file_maps_nothing)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(uid_map_freep) struct uid_map *map = NULL;

    cr_assert_eq(uid_map_new(SLICE(""), "passwd", &diags, &map), 0);
    cr_assert(slice_is_absent(uid_map_find(map, 0)));
}

Test(uid_map, tells_every_line_that_is_none_of_passwd)
{
    static const char text[] = "root:x:0:0:root:/root:/bin/bash\n"
                               ":x:5:\n"
                               "alice:x:-1:\n"
                               "bob\n"
                               "carol:x:4294967296:\n";
    static const struct {
        unsigned line;
        const char *message;
    } expected[] = {
        {2, "expected a user name before the first ':'"},
        {3, "expected a user number in the third field of 'alice:x:-1:'"},
        {4, "expected a user number in the third field of 'bob'"},
        {5, "expected a user number in the third field of 'carol:x:4294967296:'"},
    };
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(uid_map_freep) struct uid_map *map = NULL;

    cr_assert_eq(uid_map_new(slice_from_string(text), "passwd", &diags, &map), -EINVAL);
    cr_assert_null(map);
    cr_assert_eq(diags.n, ARRAY_SIZE(expected));
    for (size_t i = 0; i < diags.n; i++) {
        cr_assert_str_eq(diags.items[i].file, "passwd");
        cr_assert_eq(diags.items[i].line, expected[i].line);
        cr_assert_str_eq(diags.items[i].message, expected[i].message);
    }
}
