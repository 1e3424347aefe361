/* SPDX-License-Identifier: Apache-2.0 */

/* The writer against JSON texts known beforehand: escapes by RFC 8259 section 7, numbers that read back
 * exactly. */
#include "alert/json.h"

#include <math.h>
#include <stdlib.h>

#include "support.h"

TestSuite(json);

Test(json, strings_are_escaped_and_made_valid)
{
    static const struct {
        const char *name;
        struct slice in;
        const char *expected;
    } rows[] = {
        {"plain", SLICE("abc"), "{\"s\":\"abc\"}"},
        {"quote and backslash", SLICE("a\"b\\c"), "{\"s\":\"a\\\"b\\\\c\"}"},
        {"slash stays bare", SLICE("/usr/bin/ss"), "{\"s\":\"/usr/bin/ss\"}"},
        {"backslash before slash stays", SLICE("a\\/b"), "{\"s\":\"a\\\\/b\"}"},
        {"two backslashes before slash", SLICE("\\\\/"), "{\"s\":\"\\\\\\\\/\"}"},
        {"control bytes", SLICE("\x01\x1f\n\t\r\b\f"), "{\"s\":\"\\u0001\\u001f\\n\\t\\r\\b\\f\"}"},
        {"DEL is no control character in JSON", SLICE("a\x7f"), "{\"s\":\"a\x7f\"}"},
        {"NUL inside", SLICE("a\0\"b"), "{\"s\":\"a\\u0000\\\"b\"}"},
        {"NULs at the ends", SLICE("\0a\0"), "{\"s\":\"\\u0000a\\u0000\"}"},
        {"only a NUL", SLICE("\0"), "{\"s\":\"\\u0000\"}"},
        {"two bytes", SLICE("\xc3\xa9"), "{\"s\":\"\xc3\xa9\"}"},
        {"four bytes", SLICE("\xf0\x9f\x98\x80"), "{\"s\":\"\xf0\x9f\x98\x80\"}"},
        {"each undecodable byte is replaced", SLICE("a\xff\xfe"), "{\"s\":\"a\xef\xbf\xbd\xef\xbf\xbd\"}"},
        {"surrogate is undecodable", SLICE("\xed\xa0\x80"),
         "{\"s\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}"},
        {"empty is left out", SLICE(""), "{}"},
        {"absent is left out", SLICE_NULL, "{}"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena arena = ARENA_INIT;
        _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&arena, 0);
        struct slice json;

        json_begin_object(&w, NULL);
        json_string(&w, "s", rows[i].in);
        cr_assert_eq(json_finish(&w, &json), 0, "%s", rows[i].name);
        assert_slice(json, rows[i].expected, rows[i].name);
    }
}

Test(json, numbers_read_back_as_themselves)
{
    static const struct {
        double in;
        const char *expected;
    } rows[] = {
        {0, "{\"n\":0.0}"},
        {25, "{\"n\":25.0}"},
        {0.1, "{\"n\":0.1}"},
        {1.0 / 3, "{\"n\":0.3333333333333333}"},
        {0.1 + 0.2, "{\"n\":0.30000000000000004}"},
        {1e-5, "{\"n\":1e-05}"},
        {-2.5, "{\"n\":-2.5}"},
        {1e300, "{\"n\":1e+300}"},
        {5e-324, NULL},
        {1.7976931348623157e308, "{\"n\":1.7976931348623157e+308}"},
        {NAN, "{}"},
        {INFINITY, "{}"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena arena = ARENA_INIT;
        _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&arena, 0);
        struct slice json;
        char text[64];

        json_begin_object(&w, NULL);
        json_number(&w, "n", rows[i].in);
        cr_assert_eq(json_finish(&w, &json), 0);
        if (rows[i].expected)
            assert_slice(json, rows[i].expected, "number");
        if (isfinite(rows[i].in)) {
            snprintf(text, sizeof(text), "%.*s", SLICE_FMT(slice_skip(json, 5)));
            cr_assert_eq(strtod(text, NULL), rows[i].in, "%s", text);
        }
    }
}

Test(json, members_keep_their_order_and_empty_containers_go)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&arena, 0);
    struct slice json;

    json_begin_object(&w, NULL);
    json_integer(&w, "z", 4294967295);
    json_begin_object(&w, "gone");
    json_begin_array(&w, "gone too");
    json_end(&w);
    json_text(&w, "nothing", NULL);
    json_end(&w);
    json_begin_array(&w, "list");
    json_string(&w, NULL, SLICE("a"));
    json_string(&w, NULL, SLICE_NULL);
    json_string(&w, NULL, SLICE(""));
    json_hex(&w, NULL, SLICE("\0\xff"));
    json_hex(&w, NULL, SLICE_NULL);
    json_end(&w);
    json_begin_object(&w, "a");
    json_bool(&w, "no", false);
    json_time(&w, "t", 1);
    json_end(&w);
    cr_assert_eq(json_finish(&w, &json), 0);
    assert_slice(json,
                 "{\"z\":4294967295,\"list\":[\"a\",null,\"\",\"00ff\",null],"
                 "\"a\":{\"no\":false,\"t\":\"1970-01-01T00:00:00.000Z\"}}",
                 "object");
}

Test(json, long_strings_are_cut_between_characters)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&arena, 4);
    struct slice json;

    json_begin_object(&w, NULL);
    json_string(&w, "fits", SLICE("abcd"));
    cr_assert_not(w.is_cut);
    json_string(&w, "cut", SLICE("abc\xc3\xa9"));
    json_string(&w, "broken", SLICE("\x80\x80\x80\x80\x80\x80"));
    cr_assert(w.is_cut);
    cr_assert_eq(json_finish(&w, &json), 0);
    assert_slice(json, "{\"fits\":\"abcd\",\"cut\":\"abc\",\"broken\":\"\xef\xbf\xbd\"}", "object");
}

Test(json, a_writer_left_open_releases_what_it_holds)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&arena, 0);

    json_begin_object(&w, NULL);
    json_begin_object(&w, "open");
    json_text(&w, "s", "value");
    json_done(&w);
    cr_assert_eq(w.depth, 0);
}
