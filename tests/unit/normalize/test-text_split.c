/* SPDX-License-Identifier: Apache-2.0 */

/* text_split.c: words of command lines, also of such as nobody quoted. Expected words are joined by '|'. */
#include "normalize/text_split.h"

#include "support.h"
#include "util/buffer.h"

Test(text_split, words)
{
    static const struct {
        const char *name;
        const char *command;
        const char *shell; /* words by a shell's rules */
        const char *sudo;  /* NULL: the same */
    } rows[] = {
        {"empty", "", "", NULL},
        {"blanks only", " \t ", "", NULL},
        {"plain", "/usr/bin/ss -tulpn", "/usr/bin/ss|-tulpn", NULL},
        {"many blanks", "  a   b\t c  ", "a|b|c", NULL},
        {"single quotes", "a 'b c' d", "a|b c|d", NULL},
        {"double quotes", "a \"b c\" d", "a|b c|d", NULL},
        {"empty quotes are a word", "a '' \"\" b", "a|||b", NULL},
        {"quotes inside a word", "a'b c'd", "ab cd", NULL},
        {"one quote inside the other", "\"it's\" 'a \"b\"'", "it's|a \"b\"", NULL},
        {"unterminated single quote takes the rest", "a 'b c  d", "a|b c  d", NULL},
        {"unterminated double quote takes the rest", "a \"b c", "a|b c", NULL},
        {"backslash outside", "a\\ b c\\'d", "a b|c'd", NULL},
        {"backslash at the end", "a b\\", "a|b\\", NULL},
        {"backslash in double quotes", "\"a\\\"b\\n\\\\\"", "a\"b\\n\\", NULL},
        {"backslash in single quotes", "'a\\nb' c", "a\\nb|c", "anb|c"},
        {"sudo's escaped quote", "'it\\'s' b", "it\\s b", "it's|b"},
        {"operators are words", "a;b | c > d", "a;b|||c|>|d", NULL},
    };
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (int is_sudo = 0; is_sudo < 2; is_sudo++) {
            const char *expected = is_sudo && rows[i].sudo ? rows[i].sudo : rows[i].shell;
            struct slice command = slice_from_string(rows[i].command);
            _cleanup_(buffer_done) struct buffer joined = BUFFER_INIT;
            struct slice *words = NULL;
            size_t n = 0;
            int r;

            r = is_sudo ? text_split_sudo(command, &arena, &words, &n)
                        : text_split_command(command, &arena, &words, &n);
            cr_assert_eq(r, (int)n, "%s", rows[i].name);
            for (size_t k = 0; k < n; k++) {
                if (k > 0)
                    cr_assert_eq(buffer_append_char(&joined, '|'), 0);
                cr_assert_eq(buffer_append_slice(&joined, words[k]), 0);
            }
            assert_slice(buffer_slice(&joined), expected, rows[i].name);
        }
    }
}

Test(text_split, takes_any_byte_and_many_words)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(buffer_done) struct buffer command = BUFFER_INIT;
    struct slice *words = NULL;
    size_t n = 0;

    cr_assert_eq(text_split_command(slice_new("a\0b \xff\xfe", 6), &arena, &words, &n), 2);
    cr_assert(slice_equal(words[0], slice_new("a\0b", 3)));
    cr_assert(slice_equal(words[1], slice_new("\xff\xfe", 2)));

    for (size_t i = 0; i < 5000; i++)
        cr_assert_eq(buffer_append(&command, "x ", 2), 0);
    arena_reset(&arena);
    cr_assert_eq(text_split_command(buffer_slice(&command), &arena, &words, &n), 4096);
    assert_slice(words[4094], "x", "a word before the last");
    cr_assert_eq(words[4095].len, 2 * (5000 - 4095), "the last word takes the rest");
}
