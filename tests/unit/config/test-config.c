/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The list itself: --set against files, names below a prefix, places.
 */
#include "config/config.h"

#include "support.h"

static struct config *config_of(const char *yaml)
{
    struct diag_list diags = DIAG_LIST_INIT;
    struct config *config = NULL;

    cr_assert_eq(config_new(&config), 0);
    cr_assert_eq(config_load_text(config, slice_from_string(yaml), "f", &diags), 0, "%s", yaml);
    return config;
}

Test(config, set_replaces_a_path_and_all_below_it)
{
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(config_freep) struct config *config = config_of("a: {b: 1, c: [x, y]}\nab: 2\n");

    cr_assert_eq(config_set(config, "a.c=z", &diags), 0);
    cr_assert_str_eq(config_get(config, "a.c"), "z");
    cr_assert_null(config_get(config, "a.c.0"));
    cr_assert_str_eq(config_get(config, "a.b"), "1");
    cr_assert_eq(config_set(config, "a=", &diags), 0);
    cr_assert_str_eq(config_get(config, "a"), "");
    cr_assert_null(config_get(config, "a.b"));
    cr_assert_str_eq(config_get(config, "ab"), "2");
    cr_assert_eq(config_set(config, "ab=x=y", &diags), 0);
    cr_assert_str_eq(config_get(config, "ab"), "x=y");
    cr_assert_eq(config_set(config, "ab=again", &diags), 0);
    cr_assert_str_eq(config_get(config, "ab"), "again");
}

Test(config, set_wins_over_a_file_that_is_read_later)
{
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(config_freep) struct config *config = NULL;

    cr_assert_eq(config_new(&config), 0);
    cr_assert_eq(config_set(config, "a.b=1", &diags), 0);
    cr_assert_eq(config_load_text(config, SLICE("a: {b: {c: 2}, d: 3}"), "f", &diags), 0);
    cr_assert_str_eq(config_get(config, "a.b"), "1");
    cr_assert_null(config_get(config, "a.b.c"));
    cr_assert_str_eq(config_get(config, "a.d"), "3");
    cr_assert_eq(diags.n, 0);
}

Test(config, bad_assignments_are_refused)
{
    static const char *const rows[] = {"a", "=x", "a..b=x", ".a=x", "a.=x", ""};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(freep) char *expected = NULL;

        cr_assert_eq(config_new(&config), 0);
        cr_assert_lt(config_set(config, rows[i], &diags), 0, "%s", rows[i]);
        cr_assert_geq(asprintf(&expected, "bad assignment '%s', expected PATH=VALUE", rows[i]), 0);
        cr_assert_str_eq(diags.items[0].file, "--set");
        cr_assert_eq(diags.items[0].line, 0);
        cr_assert_str_eq(diags.items[0].message, expected);
        diag_list_done(&diags);
    }
}

Test(config, children_come_in_order_of_first_appearance)
{
    static const struct {
        const char *name, *prefix;
        const char *names[5];
    } rows[] = {
        {"instances", "sink", {"kafka", "file", "null"}},
        {"items of a list", "jobs", {"0", "1"}},
        {"top", "", {"sink", "jobs", "empty"}},
        {"nothing there", "source", {NULL}},
        {"empty section", "empty", {NULL}},
        {"a single value", "sink.file.path", {NULL}},
        {"half a word", "sin", {NULL}},
    };
    _cleanup_(config_freep) struct config *config =
        config_of("sink: {kafka: {topic: x}, file: {path: y}}\njobs: [a, b]\nsink.null.x: 1\n"
                  "sink.kafka.partition: 1\nempty: {}\n");

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char **names = NULL;
        size_t n;

        cr_assert_eq(config_children(config, rows[i].prefix, &names), 0);
        for (n = 0; rows[i].names[n]; n++)
            cr_assert(names[n] && strcmp(names[n], rows[i].names[n]) == 0, "%s: %zu", rows[i].name, n);
        cr_assert_null(names[n], "%s: one more, '%s'", rows[i].name, names[n]);
        string_array_free(names);
    }
}

Test(config, what_set_replaces_is_gone_with_all_that_was_only_on_the_way_to_it)
{
    static const struct {
        const char *assignment, *prefix;
        const char *names[4];
    } rows[] = {
        {"a.b=2", "a", {"c", "b"}},       {"a.c=3", "a", {"b", "c"}}, {"a=4", "a", {NULL}},
        {"a=4", "", {"d", "g", "a"}},     {"d=5", "d.e", {NULL}},     {"d=5", "", {"a", "g", "d"}},
        {"d.e.f=6", "d", {"e"}},          {"d.e=7", "d", {"e"}},      {"d.e=7", "d.e", {NULL}},
        {"d.h.i=8", "", {"a", "d", "g"}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(config_freep) struct config *config = config_of("a: {b: 1, c: [x, y]}\nd.e.f: 2\ng: 3\n");
        _cleanup_(string_array_freep) char **names = NULL;
        size_t n;

        cr_assert_eq(config_set(config, rows[i].assignment, &diags), 0);
        cr_assert_eq(config_children(config, rows[i].prefix, &names), 0);
        for (n = 0; rows[i].names[n]; n++)
            cr_assert(names[n] && strcmp(names[n], rows[i].names[n]) == 0, "%s: %zu is %s",
                      rows[i].assignment, n, names[n]);
        cr_assert_null(names[n], "%s: one more, '%s'", rows[i].assignment, names[n]);
    }
}

Test(config, places_are_those_of_the_values)
{
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(config_freep) struct config *config = config_of("a:\n  b:   1\n  c: [x, y]\nd.e: 2\n");
    static const struct {
        const char *path, *file;
        unsigned line, column;
    } rows[] = {
        {"a.b", "f", 2, 8}, {"a", "f", 2, 3},     {"a.c", "f", 3, 6}, {"a.c.1", "f", 3, 10},
        {"d.e", "f", 4, 6}, {"d", "f", 4, 6}, /* written only as the beginning of another */
        {"x", NULL, 0, 0},  {"s", "--set", 0, 0},
    };

    cr_assert_eq(config_set(config, "s=1", &diags), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *file;
        unsigned line, column;

        config_place(config, rows[i].path, &file, &line, &column);
        cr_assert(rows[i].file ? file && strcmp(file, rows[i].file) == 0 : !file, "%s", rows[i].path);
        cr_assert_eq(line, rows[i].line, "%s: line %u", rows[i].path, line);
        cr_assert_eq(column, rows[i].column, "%s: column %u", rows[i].path, column);
    }
}

Test(config, a_key_in_two_files_is_repeated)
{
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(config_freep) struct config *config = config_of("a: 1\n");

    cr_assert_lt(config_load_text(config, SLICE("b: 1\na: 1\n"), "g", &diags), 0);
    cr_assert_str_eq(diags.items[0].file, "g");
    cr_assert_eq(diags.items[0].line, 2);
    cr_assert_str_eq(diags.items[0].message, "key 'a' is repeated, it stands in f, line 1, column 1 already");
    diag_list_done(&diags);
}
