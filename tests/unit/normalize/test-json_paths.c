/* SPDX-License-Identifier: Apache-2.0 */

/* json_paths.h: what is in the tree, and that it remembers strings, not addresses. */
#include "normalize/json_paths.h"

#include "support.h"

Test(json_paths, knows_what_readers_ask_for)
{
    _cleanup_(json_paths_freep) struct json_paths *paths = NULL;
    static const struct {
        const char *path;
        bool is_asked, goes_on;
    } rows[] = {
        {"@timestamp", true, false},
        {"process.name", true, false},
        {"process.tty", true, true},
        {"process.tty.char_device.major", true, false},
        {"user.Ext.real.id", true, false},
        {"process_exec.process", true, true},
        {"_source", true, false},
        {"process", false},
        {"process.", false},
        {"process.names", false},
        {"process.name.x", false},
        {".process.name", false},
        {"", false},
        {".", false},
    };

    cr_assert_eq(json_paths_new(&paths), 0);
    /* twice: the second time it is remembered */
    for (size_t k = 0; k < 2 * ARRAY_SIZE(rows); k++) {
        size_t i = k / 2;
        unsigned node = json_paths_find(paths, rows[i].path);

        cr_assert_eq(node != JSON_PATHS_NONE, rows[i].is_asked, "'%s'", rows[i].path);
        if (rows[i].is_asked)
            cr_expect_eq(json_paths_goes_on(paths, node), rows[i].goes_on, "'%s'", rows[i].path);
    }
    cr_expect_eq(json_paths_inside(paths, json_paths_find(paths, "_source")), JSON_PATHS_ROOT);
    cr_expect_neq(json_paths_inside(paths, json_paths_find(paths, "sudo")), JSON_PATHS_ROOT);
}

Test(json_paths, tells_two_paths_apart_that_stand_at_one_address)
{
    _cleanup_(json_paths_freep) struct json_paths *paths = NULL;
    char path[32] = "process.name";
    unsigned name, pid;

    cr_assert_eq(json_paths_new(&paths), 0);
    name = json_paths_find(paths, path);
    (void)snprintf(path, sizeof(path), "process.pid");
    pid = json_paths_find(paths, path);
    cr_expect_neq(name, pid);
    cr_expect_eq(pid, json_paths_walk(paths, JSON_PATHS_ROOT, SLICE("process.pid")));
    (void)snprintf(path, sizeof(path), "process.x");
    cr_expect_eq(json_paths_find(paths, path), JSON_PATHS_NONE);
    (void)snprintf(path, sizeof(path), "process.name");
    cr_expect_eq(json_paths_find(paths, path), name);
}
