/* SPDX-License-Identifier: Apache-2.0 */

/*
 * YAML files: what becomes an entry, and every mistake with its place.
 */
#include "config/config.h"

#include <unistd.h>

#include "support.h"
#include "util/buffer.h"

/* All diagnostics as text, one a line; the caller frees. */
static char *text_of(const struct diag_list *diags)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    cr_assert_not_null(out);
    diag_print(diags, out, "");
    fclose(out);
    return text;
}

Test(yaml, values_are_found_by_their_path)
{
    static const struct {
        const char *name, *yaml, *path, *value;
    } rows[] = {
        {"nested", "a:\n  b:\n    c: x\n", "a.b.c", "x"},
        {"dotted", "a.b.c: x\n", "a.b.c", "x"},
        {"half dotted", "a:\n  b.c: x\n", "a.b.c", "x"},
        {"flow", "{a: {b: {c: x}}}", "a.b.c", "x"},
        {"first item", "jobs: [one, two]", "jobs.0", "one"},
        {"second item", "jobs:\n- one\n- two\n", "jobs.1", "two"},
        {"item of a nested list", "a: [[x], [y, z]]", "a.1.1", "z"},
        {"mapping in a list", "threat:\n- tactic: {id: TA1}\n- tactic: {id: TA2}\n", "threat.1.tactic.id",
         "TA2"},
        {"after a nested mapping", "a: {b: {c: 1}, d: 2}\ne: 3\n", "e", "3"},
        {"sibling after a nested mapping", "a: {b: {c: 1}, d: 2}\ne: 3\n", "a.d", "2"},
        {"item after a nested list", "a: [[x], y]", "a.1", "y"},
        {"quoted null is a text", "a: '~'", "a", "~"},
        {"null is no value", "a: ~", "a", NULL},
        {"nothing is no value", "a:\n", "a", NULL},
        {"empty text", "a: ''", "a", ""},
        {"value that is the beginning of another path", "a: 1\na.b: 2", "a", "1"},
        {"and the other path", "a: 1\na.b: 2", "a.b", "2"},
        {"tags are ignored", "a: !!int x", "a", "x"},
        {"an anchor alone does no harm", "a: &x y", "a", "y"},
        {"block text", "a: |\n  one\n  two\n", "a", "one\ntwo\n"},
        {"byte order mark",
         "\xef\xbb\xbf"
         "a: b",
         "a", "b"},
        {"and a second line behind it",
         "\xef\xbb\xbf"
         "b: c\r\na: d\r\n",
         "a", "d"},
        {"other letters", "a: caf\xc3\xa9", "a", "caf\xc3\xa9"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(freep) char *problems = NULL;
        const char *value;
        int r;

        cr_assert_eq(config_new(&config), 0);
        r = config_load_text(config, slice_from_string(rows[i].yaml), "f", &diags);
        problems = text_of(&diags);
        cr_assert_eq(r, 0, "%s: %s", rows[i].name, problems);
        value = config_get(config, rows[i].path);
        if (rows[i].value)
            cr_assert(value && strcmp(value, rows[i].value) == 0, "%s: got %s", rows[i].name, value);
        else
            cr_assert_null(value, "%s", rows[i].name);
        diag_list_done(&diags);
    }
}

Test(yaml, empty_files_are_fine)
{
    static const char *const rows[] = {"", "\n\n", "# nothing\n", "---\n", "---\n...\n", "~", "{}"};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(config_freep) struct config *config = NULL;

        cr_assert_eq(config_new(&config), 0);
        cr_assert_eq(config_load_text(config, slice_from_string(rows[i]), "f", &diags), 0, "'%s'", rows[i]);
        cr_assert_eq(config_check_unknown(config, &diags), 0);
        diag_list_done(&diags);
    }
}

#define EIGHT(x) x x x x x x x x
#define KEY_64   EIGHT("k2345678")

Test(yaml, mistakes_are_told_with_line_and_column)
{
    static const struct {
        const char *name;
        struct slice yaml;
        const char *problems;
    } rows[] = {
        {"repeated key", SLICE("a: 1\nb: 2\na: 3\n"),
         "f:3:1: key 'a' is repeated, it stands in line 1, column 1 already\n"},
        {"repeated through a dotted key", SLICE("a:\n  b: 1\na.b: 3\n"),
         "f:3:1: key 'a.b' is repeated, it stands in line 2, column 3 already\n"},
        {"repeated section", SLICE("a: {b: 1}\na: {c: 1}\n"),
         "f:2:1: key 'a' is repeated, it stands in line 1, column 1 already\n"},
        {"alias", SLICE("a: &x [1]\nb: *x\n"),
         "f:2:4: aliases such as '*x' are not supported, write the value out\n"},
        {"alias as a key", SLICE("a: &x 1\n*x : {b: 1}\n"),
         "f:2:1: aliases such as '*x' are not supported, write the value out\n"},
        {"list as a key", SLICE("? [a, b]\n: {c: d}\ne: 1\n"),
         "f:1:3: a list cannot be a key, expected a word\n"},
        {"mapping as a key", SLICE("{a: 1}: 2\n"), "f:1:1: a mapping cannot be a key, expected a word\n"},
        {"empty key", SLICE("'': 2\n"), "f:1:1: bad key '', expected words separated by single dots\n"},
        {"two dots", SLICE("a..b: 2\n"), "f:1:1: bad key 'a..b', expected words separated by single dots\n"},
        {"dot at the end", SLICE("x:\n  a.: 2\n"),
         "f:2:3: bad key 'a.', expected words separated by single dots\n"},
        {"NUL in a value", SLICE("a: \"x\\0y\"\n"), "f:1:4: the value of 'a' holds a NUL byte\n"},
        {"list at the top", SLICE("- a\n- b\n"), "f:1:1: the file holds a list, expected keys\n"},
        {"text at the top", SLICE("hello\n"), "f:1:1: the file holds a single value, expected keys\n"},
        {"second document", SLICE("a: 1\n---\na: 2\n"),
         "f:2:1: a second document begins here, expected one\n"},
        {"many tag directives", SLICE(EIGHT("%TAG !a! b\n") EIGHT("%TAG !a! b\n") "%TAG !a! b\n--- {a: 1}"),
         "f:1:1: more than 16 tag directives, expected none\n"},
        {"too deep", SLICE("a: [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]\n"),
         "f:1:19: nested too deep, expected at most 16 levels\n"},
        {"too deep below a refused key", SLICE("? [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]\n"),
         "f:1:3: a list cannot be a key, expected a word\n"
         "f:1:18: nested too deep, expected at most 16 levels\n"},
        {"key without an end", SLICE("a: 'x\n"),
         "f:2:1: not YAML: found unexpected end of stream, while scanning a quoted scalar that begins in "
         "line 1\n"},
        {"mapping in a value", SLICE("a: b: c\n"),
         "f:1:5: not YAML: mapping values are not allowed in this context\n"},
        {"tab", SLICE("a:\n\tb: c\n"), "f:2:1: not YAML: the line is indented by a tab, expected blanks\n"},
        {"bad UTF-8", SLICE("a: 1\nb: \xc3\xa9\xff\n"),
         "f:2:5: not YAML: invalid leading UTF-8 octet (0xff)\n"},
        {"NUL byte", SLICE("a: \0\n"), "f:1:4: not YAML: control characters are not allowed (0x00)\n"},
        {"several at once", SLICE("a: 1\na: 2\n'': x\nb: *x\nc: 1\nc: 2\n"),
         "f:2:1: key 'a' is repeated, it stands in line 1, column 1 already\n"
         "f:3:1: bad key '', expected words separated by single dots\n"
         "f:4:4: aliases such as '*x' are not supported, write the value out\n"
         "f:6:1: key 'c' is repeated, it stands in line 5, column 1 already\n"},
        {"long key", SLICE(EIGHT(KEY_64) "x: {a: 1}\nb: 1\n"),
         "f:1:1: key 'k2345678k2345678k2345678k2345678k2345678k2345678k2345678k2345678k2345678k2345678...' "
         "is too "
         "long, expected at most 512 bytes with what stands above it\n"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(freep) char *problems = NULL;
        int r;

        cr_assert_eq(config_new(&config), 0);
        r = config_load_text(config, rows[i].yaml, "f", &diags);
        problems = text_of(&diags);
        cr_assert_lt(r, 0, "%s", rows[i].name);
        cr_assert_str_eq(problems, rows[i].problems, "%s: got %s", rows[i].name, problems);
        diag_list_done(&diags);
    }
}

Test(yaml, what_follows_a_mistake_is_read_all_the_same)
{
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(config_freep) struct config *config = NULL;

    cr_assert_eq(config_new(&config), 0);
    cr_assert_lt(config_load_text(config,
                                  SLICE("? {x: [y]}\n: {v: [w]}\n"
                                        "list: [*a, second]\n"
                                        "? *b\n: 1\n"
                                        "'.': {deep: [er]}\n"
                                        "last: 1\n"),
                                  "f", &diags),
                 0);
    cr_assert_eq(diags.n, 4);
    cr_assert_str_eq(config_get(config, "list.1"), "second");
    cr_assert_str_eq(config_get(config, "last"), "1");
    cr_assert_eq(config_check_unknown(config, &diags), 0); /* nothing of what was refused is there */
    diag_list_done(&diags);
}

Test(yaml, growth_is_limited)
{
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(config_freep) struct config *config = NULL;
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;

    cr_assert_eq(config_new(&config), 0);
    for (int i = 0; i < 270000; i++)
        cr_assert_eq(buffer_append_format(&text, "- %d\n", i % 10), 0);
    cr_assert_eq(buffer_append_format(&text, "{}\n"), 0);
    cr_assert_lt(config_load_text(config, buffer_slice(&text), "list", &diags), 0);
    buffer_clear(&text);
    for (int i = 0; i < 270000; i++)
        cr_assert_eq(buffer_append_format(&text, "k%d: 1\n", i), 0);
    cr_assert_lt(config_load_text(config, buffer_slice(&text), "keys", &diags), 0);
    cr_assert_str_eq(config_get(config, "k262143"), "1");
    cr_assert_null(config_get(config, "k262144"));
    cr_assert_str_eq(diags.items[diags.n - 1].message, "too many keys, expected at most 262144");
    diag_list_done(&diags);
    diags = DIAG_LIST_INIT;
    while (text.len <= 4U << 20)
        cr_assert_eq(buffer_append_char(&text, '#'), 0);
    cr_assert_lt(config_load_text(config, buffer_slice(&text), "large", &diags), 0);
    cr_assert_str_eq(diags.items[0].message, "the file is too large, expected at most 4194304 bytes");
    diag_list_done(&diags);
}

Test(yaml, files_that_cannot_be_read_are_named)
{
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(config_freep) struct config *config = NULL;
    char path[] = "/tmp/hapax-test-yaml-XXXXXX";
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    cr_assert_eq(config_new(&config), 0);
    cr_assert_eq(write(fd, "a: 1\n", 5), 5);
    cr_assert_eq(config_load_file(config, path, &diags), 0);
    cr_assert_str_eq(config_get(config, "a"), "1");
    cr_assert_lt(config_load_file(config, "/nonexistent/hapax.yaml", &diags), 0);
    cr_assert_str_eq(diags.items[0].file, "/nonexistent/hapax.yaml");
    cr_assert_str_eq(diags.items[0].message, "cannot open the file: No such file or directory");
    cr_assert_lt(config_load_file(config, "/", &diags), 0);
    cr_assert_str_eq(diags.items[1].message, "cannot read the file: Is a directory");
    diag_list_done(&diags);
    close(fd);
    unlink(path);
}
