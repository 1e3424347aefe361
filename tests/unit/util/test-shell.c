/* SPDX-License-Identifier: Apache-2.0 */

/* Words of a command line: the form each text takes. That shells read them back is the golden case
 * exceptions-suggested, which runs what alerts suggest. */
#include "util/shell.h"

#include "support.h"

Test(shell, shows_all_of_a_text_in_one_line)
{
    const struct {
        const char *name;
        struct slice text;
        const char *word;
    } rows[] = {
        {"plain", SLICE("web-01.example.org"), "web-01.example.org"},
        {"an option", SLICE("--match"), "--match"},
        {"empty", SLICE(""), "''"},
        {"blank", SLICE("ss -tn"), "'ss -tn'"},
        {"begins with =", SLICE("=ls"), "'=ls'"},
        {"home", SLICE("~root"), "'~root'"},
        {"expansions", SLICE("$(id) `id` $x !! *?[a] {a,b} \"\\\""), "'$(id) `id` $x !! *?[a] {a,b} \"\\\"'"},
        {"operators", SLICE("a;b|c&d>e<f(g)#h"), "'a;b|c&d>e<f(g)#h'"},
        {"quote", SLICE("o'neil"), "'o'\\''neil'"},
        {"umlaut", SLICE("gr\xc3\xbc\xc3\x9f"), "'gr\xc3\xbc\xc3\x9f'"},
        {"newline", SLICE("a\nb'\\"), "$'a\\nb\\'\\\\'"},
        {"escape sequence, a digit behind",
         SLICE("\x1b"
               "0"),
         "$'\\x1b0'"},
        {"tab and CR", SLICE("\t\r"), "$'\\t\\x0d'"},
        {"DEL", SLICE("\x7f"), "$'\\x7f'"},
        {"C1 control", SLICE("\xc2\x9b"), "$'\\xc2\\x9b'"},
        {"right to left", SLICE("\xe2\x80\xae-x"), "$'\\xe2\\x80\\xae-x'"},
        {"no width", SLICE("a\xe2\x80\x8b"), "$'a\\xe2\\x80\\x8b'"},
        {"no text", SLICE("\xff\xc3\xbc"), "$'\\xff\xc3\xbc'"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;

        cr_assert_eq(shell_append_word(&out, rows[i].text), 0, "%s", rows[i].name);
        assert_slice(buffer_slice(&out), rows[i].word, rows[i].name);
    }
}
