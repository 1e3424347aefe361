/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Diagnostics: how they print, how many are kept, which word was meant.
 */
#include "util/diag.h"

#include <errno.h>

#include "support.h"

static char *text_of(const struct diag_list *diags, const char *prefix)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    cr_assert_not_null(out);
    diag_print(diags, out, prefix);
    fclose(out);
    return text;
}

Test(diag, each_problem_is_a_line_with_the_place_that_is_known)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(freep) char *text = NULL;

    cr_assert_eq(diag_add(&diags, "f.yaml", 3, 7, "bad value '%s'", "x"), -EINVAL);
    cr_assert_eq(diag_add(&diags, "f.yaml", 3, 0, "no column"), -EINVAL);
    cr_assert_eq(diag_add(&diags, "f.yaml", 0, 7, "no line"), -EINVAL);
    cr_assert_eq(diag_add(&diags, NULL, 3, 7, "no file"), -EINVAL);
    text = text_of(&diags, "hapax: ");
    cr_assert_str_eq(text, "hapax: f.yaml:3:7: bad value 'x'\n"
                           "hapax: f.yaml:3: no column\n"
                           "hapax: f.yaml: no line\n"
                           "hapax: no file\n");
}

Test(diag, control_bytes_do_not_reach_a_terminal)
{
    static const struct {
        const char *message, *printed;
    } rows[] = {
        {"a\nb\tc", "a\\x0ab\\x09c\n"},
        {"\x1b[31m", "\\x1b[31m\n"},
        {"\x7f", "\\x7f\n"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m\n"},                                /* U+009B, the C1 form of ESC [ */
        {"caf\xc3\xa9 \xc2\xa0", "caf\xc3\xa9 \xc2\xa0\n"}, /* letters and U+00A0 pass */
        {"cut \xc2", "cut \xc2\n"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(freep) char *text = NULL;

        (void)diag_add(&diags, NULL, 0, 0, "%s", rows[i].message);
        text = text_of(&diags, "");
        cr_assert_str_eq(text, rows[i].printed);
    }
}

Test(diag, a_hundred_are_kept_and_the_rest_is_counted)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(freep) char *text = NULL, *more = NULL;

    for (int i = 0; i < 100; i++)
        cr_assert_eq(diag_add(&diags, NULL, 0, 0, "%d", i), -EINVAL);
    text = text_of(&diags, "");
    cr_assert_null(strstr(text, "not shown"));
    for (int i = 0; i < 3; i++)
        cr_assert_eq(diag_add(&diags, NULL, 0, 0, "more"), -EINVAL);
    cr_assert_eq(diags.n, 100);
    more = text_of(&diags, "p: ");
    cr_assert_not_null(strstr(more, "p: 99\np: 3 more problems are not shown\n"));
}

Test(diag, the_nearest_word_is_the_one_with_the_fewest_edits)
{
    static const char *const words[] = {"window", "decay", "topic", "bootstrap.servers", "x", NULL};
    static const struct {
        const char *text, *nearest;
    } rows[] = {
        {"decy", "decay"},
        {"decya", "decay"}, /* a swap is two edits, a third of five rounded up */
        {"windw", "window"},
        {"topics", "topic"},
        {"dcy", "decay"},
        {"dy", NULL}, /* three edits */
        {"boostrap.server", "bootstrap.servers"},
        {"completely different", NULL},
        {"window", "window"},
    };
    char longest[65];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *nearest = nearest_word(slice_from_string(rows[i].text), words);

        cr_assert(rows[i].nearest ? nearest && strcmp(nearest, rows[i].nearest) == 0 : !nearest, "%s: got %s",
                  rows[i].text, nearest ? nearest : "nothing");
    }
    memset(longest, 'a', sizeof(longest));
    cr_assert_null(nearest_word(slice_new(longest, sizeof(longest)), words));
    cr_assert_null(nearest_word(slice_new(longest, sizeof(longest) - 1), words));
    cr_assert_null(nearest_word(SLICE("a"), (const char *const[]){NULL}));
}

Test(diag, one_as_text)
{
    _cleanup_(diag_list_done) struct diag_list list = DIAG_LIST_INIT;
    static const char *const expected[] = {"f:3:4: bad \\x1b", "f:3: bad", "f: bad", "bad"};

    (void)diag_add(&list, "f", 3, 4, "bad \x1b");
    (void)diag_add(&list, "f", 3, 0, "bad");
    (void)diag_add(&list, "f", 0, 0, "bad");
    (void)diag_add(&list, NULL, 0, 0, "bad");
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        _cleanup_(freep) char *text = diag_to_string(&list.items[i]);

        cr_assert_str_eq(text, expected[i]);
    }
}
