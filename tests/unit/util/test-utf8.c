/* SPDX-License-Identifier: Apache-2.0 */

/*
 * UTF-8: the edges of RFC 3629's table, each undecodable byte replaced by itself.
 */
#include "util/utf8.h"

#include "support.h"

#define R "\xef\xbf\xbd" /* U+FFFD */

Test(utf8, damage_is_replaced_byte_by_byte)
{
    static const struct {
        const char *name;
        struct slice text, sanitized;
    } rows[] = {
        {"nothing", SLICE(""), SLICE("")},
        {"plain", SLICE("a\0b"), SLICE("a\0b")},
        {"two bytes, first and last", SLICE("\xc2\x80\xdf\xbf"), SLICE("\xc2\x80\xdf\xbf")},
        {"three bytes, edges", SLICE("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
         SLICE("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf")},
        {"four bytes, edges", SLICE("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
         SLICE("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
        {"overlong slash", SLICE("\xc0\xaf"), SLICE(R R)},
        {"overlong, c1", SLICE("\xc1\xbf"), SLICE(R R)},
        {"overlong three", SLICE("\xe0\x9f\xbf"), SLICE(R R R)},
        {"overlong four", SLICE("\xf0\x8f\xbf\xbf"), SLICE(R R R R)},
        {"surrogates", SLICE("\xed\xa0\x80\xed\xbf\xbf"), SLICE(R R R R R R)},
        {"above U+10FFFF", SLICE("\xf4\x90\x80\x80"), SLICE(R R R R)},
        {"f5 and above", SLICE("\xf5\xff"), SLICE(R R)},
        {"lone continuation", SLICE("a\x80z"), SLICE("a" R "z")},
        {"cut in the middle", SLICE("a\xe2\x82z"), SLICE("a" R R "z")},
        {"cut at the end", SLICE("\xf0\x9f\x98"), SLICE(R R R)},
        {"latin-1", SLICE("caf\xe9"), SLICE("caf" R)},
        {"good behind bad", SLICE("\xff\xc3\xa9"), SLICE(R "\xc3\xa9")},
        {"lead byte before a good letter", SLICE("\xe2\xc3\xa9"), SLICE(R "\xc3\xa9")},
    };
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_valid = slice_equal(rows[i].text, rows[i].sanitized);
        struct slice s;

        cr_assert_eq(utf8_is_valid(rows[i].text), is_valid, "%s", rows[i].name);
        cr_assert_eq(utf8_sanitize(&arena, rows[i].text, &s), !is_valid, "%s", rows[i].name);
        cr_assert(slice_equal(s, rows[i].sanitized), "%s", rows[i].name);
        cr_assert(utf8_is_valid(s), "%s", rows[i].name);
        if (is_valid)
            cr_assert_eq(s.data, rows[i].text.data, "%s: copied", rows[i].name);
    }
    cr_assert(utf8_is_valid(SLICE_NULL));
}

Test(utf8, every_two_byte_string_becomes_valid)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;

    for (unsigned v = 0; v < 65536; v++) {
        char text[2] = {(char)(v >> 8), (char)v};
        struct slice s;

        cr_assert_geq(utf8_sanitize(&arena, slice_new(text, 2), &s), 0);
        cr_assert(utf8_is_valid(s), "%04x", v);
        arena_reset(&arena);
    }
}

Test(utf8, takes_characters_one_by_one)
{
    const struct {
        const char *name;
        struct slice text;
        uint32_t code;
        size_t n;
        bool is_plain;
    } rows[] = {
        {"NUL", SLICE("\0a"), 0, 1, false},
        {"letter", SLICE("ab"), 'a', 1, true},
        {"DEL", SLICE("\x7f"), 0x7f, 1, false},
        {"C1", SLICE("\xc2\x85"), 0x85, 2, false},
        {"no-break space", SLICE("\xc2\xa0"), 0xa0, 2, true},
        {"two bytes", SLICE("\xc3\xbcx"), 0xfc, 2, true},
        {"three bytes", SLICE("\xe2\x82\xac"), 0x20ac, 3, true},
        {"line separator", SLICE("\xe2\x80\xa8"), 0x2028, 3, false},
        {"turns the direction", SLICE("\xe2\x80\xae"), 0x202e, 3, false},
        {"last of the plane", SLICE("\xef\xbf\xbf"), 0xffff, 3, false},
        {"four bytes", SLICE("\xf0\x9f\x98\x80"), 0x1f600, 4, true},
        {"last", SLICE("\xf4\x8f\xbf\xbf"), 0x10ffff, 4, true},
        {"cut", SLICE("\xe2\x82"), UTF8_NONE, 1, false},
        {"lone byte", SLICE("\x80z"), UTF8_NONE, 1, false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice rest = rows[i].text, bytes;

        cr_assert_eq(utf8_take(&rest, &bytes), rows[i].code, "%s", rows[i].name);
        cr_assert_eq(bytes.len, rows[i].n, "%s", rows[i].name);
        cr_assert_eq(bytes.data, rows[i].text.data, "%s", rows[i].name);
        cr_assert_eq(rest.len, rows[i].text.len - rows[i].n, "%s", rows[i].name);
        cr_assert_eq(utf8_is_plain(rows[i].code), rows[i].is_plain, "%s", rows[i].name);
    }
}
