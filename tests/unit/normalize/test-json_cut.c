/* SPDX-License-Identifier: Apache-2.0 */

/* json_cut.h: what is kept of a document, and which documents are left alone. */
#include "normalize/json_cut.h"

#include "support.h"

static const struct json_cut_limits limits = {8, 20};

/* NULL in expected: it is not cut. */
struct row {
    const char *name;
    struct slice text;
    const char *expected;
};

static void check(const struct json_paths *paths, const struct row *row)
{
    char out[512];
    size_t len;
    /* a copy of its own size: reading behind it shows */
    _cleanup_(freep) char *text = malloc(row->text.len + 1);
    bool is_cut;

    cr_assert_not_null(text);
    cr_assert_lt(row->text.len, sizeof(out));
    memcpy(text, row->text.data, row->text.len);
    is_cut = json_cut(paths, &limits, slice_new(text, row->text.len), out, &len);
    cr_assert_eq(is_cut, row->expected != NULL, "%s: %s", row->name, is_cut ? "cut" : "not cut");
    if (is_cut)
        cr_assert(slice_equal_string(slice_new(out, len), row->expected), "%s: got\n%.*s\nexpected\n%s",
                  row->name, (int)len, out, row->expected);
}

Test(json_cut, keeps_what_readers_ask_for)
{
    _cleanup_(json_paths_freep) struct json_paths *paths = NULL;
    static const struct row rows[] = {
        {"nothing", SLICE("{}"), "{}"},
        {"nothing of use", SLICE("{\"a\":1,\"b\":[{\"process\":2}],\"c\":{\"d\":null}}"), "{}"},
        {"the first", SLICE("{\"process\":{\"name\":\"ss\",\"x\":1},\"a\":1}"),
         "{\"process\":{\"name\":\"ss\"}}"},
        {"the last", SLICE("{\"a\":1,\"process\":{\"x\":1,\"name\":\"ss\"}}"),
         "{\"process\":{\"name\":\"ss\"}}"},
        {"two",
         SLICE("{\"a\":1,\"process\":{\"name\":\"ss\",\"x\":1,\"pid\":7},\"b\":2,\"rule\":\"r\",\"c\":3}"),
         "{\"process\":{\"name\":\"ss\",\"pid\":7},\"rule\":\"r\"}"},
        {"blanks", SLICE("{ \"process\" :\t{\n\"x\" : [ 1 , 2 ] , \"name\" : \"s s\" } }"),
         "{\"process\":{\"name\":\"s s\"}}"},
        {"everything below the end of a path",
         SLICE("{\"process\":{\"args\":[\"a\",{\"b\":[ 1]}, []]},\"output_fields\":{\"x\":{\"y\":1}}}"),
         "{\"process\":{\"args\":[\"a\",{\"b\":[ 1]}, []]},\"output_fields\":{\"x\":{\"y\":1}}}"},
        {"dots", SLICE("{\"process.name\":\"ss\",\"process.x\":1,\"process.parent\":{\"pid\":1,\"x\":2}}"),
         "{\"process.name\":\"ss\",\"process.parent\":{\"pid\":1}}"},
        {"dots inside", SLICE("{\"process\":{\"parent.pid\":1,\"parent.x\":2,\"parent.pid.x\":3}}"),
         "{\"process\":{\"parent.pid\":1}}"},
        {"dots of no name", SLICE("{\".process\":1,\"process.\":1,\"process..name\":1,\".\":1}"), "{}"},
        {"a name twice", SLICE("{\"rule\":1,\"rule\":2,\"process\":{},\"process\":{\"name\":\"ss\"}}"),
         "{\"rule\":1,\"rule\":2,\"process\":{},\"process\":{\"name\":\"ss\"}}"},
        {"arrays on the way", SLICE("{\"process\":[{\"name\":\"ss\",\"x\":1},{\"x\":1},7]}"),
         "{\"process\":[{\"name\":\"ss\"},{},7]}"},
        {"another type on the way", SLICE("{\"process\":\"ss\",\"event\":null,\"user\":[]}"),
         "{\"process\":\"ss\",\"event\":null,\"user\":[]}"},
        {"a hit of a search",
         SLICE("{\"_id\":\"x\",\"_source\":{\"process\":{\"name\":\"ss\",\"x\":1},\"x\":2}}"),
         "{\"_source\":{\"process\":{\"name\":\"ss\"}}}"},
        {"strings", SLICE("{\"rule\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t}]\",\"a\":\"\\\\\",\"b\":\"\\\"\"}"),
         "{\"rule\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t}]\"}"},
        {"long strings", SLICE("{\"a\":\"0123456789abcde\\\"f\xc3\xa4\xff\",\"rule\":\"0123456789abcdefg\"}"),
         "{\"rule\":\"0123456789abcdefg\"}"},
        {"numbers", SLICE("{\"rule\":-1.50,\"a\":[0,-0,10,0.5,123456789012345678,-12345678.0123456789]}"),
         "{\"rule\":-1.50}"},
        {"words", SLICE("{\"rule\":true,\"a\":[true,false,null]}"), "{\"rule\":true}"},
        {"names that begin like others", SLICE("{\"rules\":1,\"rul\":2,\"RULE\":3}"), "{}"},
    };

    cr_assert_eq(json_paths_new(&paths), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check(paths, &rows[i]);
}

Test(json_cut, leaves_alone_what_libraries_may_differ_about)
{
    _cleanup_(json_paths_freep) struct json_paths *paths = NULL;
    static const struct row rows[] = {
        {"no document", SLICE("")},
        {"an array", SLICE("[{\"rule\":1}]")},
        {"a blank before", SLICE(" {}")},
        {"something behind", SLICE("{}x")},
        {"not closed", SLICE("{\"rule\":1")},
        {"not closed, cut away", SLICE("{\"a\":{\"b\":1}")},
        {"closed by another bracket", SLICE("{\"a\":[1}}")},
        {"a string without end", SLICE("{\"a\":\"b")},
        {"a backslash at the end", SLICE("{\"a\":\"b\\")},
        {"a comma at the end", SLICE("{\"a\":1,}")},
        {"a comma at the end of an array", SLICE("{\"a\":[1,]}")},
        {"two commas", SLICE("{\"a\":1,,\"b\":2}")},
        {"no comma", SLICE("{\"a\":1 \"b\":2}")},
        {"no colon", SLICE("{\"a\" 1}")},
        {"no value", SLICE("{\"a\":}")},
        {"no name", SLICE("{\"\":1}")},
        {"a name that is no string", SLICE("{a:1}")},
        {"a spelled byte", SLICE("{\"a\":\"\\u0041\"}")},
        {"an unknown escape", SLICE("{\"a\":\"\\x\"}")},
        {"an escape in a name", SLICE("{\"a\\n\":1}")},
        {"a control byte", SLICE("{\"a\":\"b\001c\"}")},
        {"a control byte in a long string", SLICE("{\"a\":\"0123456789ab\tcdefghijkl\"}")},
        {"a NUL byte", SLICE("{\"a\":\"b\0c\"}")},
        {"a NUL byte outside", SLICE("{\"a\":1\0}")},
        {"a number with an exponent", SLICE("{\"a\":1e5}")},
        {"a number with zeros before", SLICE("{\"a\":012}")},
        {"a number of many digits", SLICE("{\"a\":1234567890123456789}")},
        {"a fraction of many digits", SLICE("{\"a\":1.123456789012345678}")},
        {"a number without digits", SLICE("{\"a\":-}")},
        {"a fraction without digits", SLICE("{\"a\":1.}")},
        {"a plus", SLICE("{\"a\":+1}")},
        {"a word in capitals", SLICE("{\"a\":True}")},
        {"a longer word", SLICE("{\"a\":nulls}")},
        {"NaN", SLICE("{\"a\":NaN}")},
        {"a comment", SLICE("{\"a\":/**/1}")},
        {"single quotes", SLICE("{'a':1}")},
        {"too deep", SLICE("{\"a\":[[[[[[[[1]]]]]]]]}")},
        {"too many members", SLICE("{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1}")},
    };

    cr_assert_eq(json_paths_new(&paths), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check(paths, &rows[i]);
}

Test(json_cut, needs_no_more_room_than_the_document)
{
    static const struct slice text =
        SLICE("{\"rule\":1,\"a\":{\"b\":[1,{\"c\":\"d\"}]},\"process\":{\"name\":\"ss\",\"args\":[\"a\"]}}");
    _cleanup_(json_paths_freep) struct json_paths *paths = NULL;

    cr_assert_eq(json_paths_new(&paths), 0);
    /* and reads none of it that is not there, wherever it ends */
    for (size_t len = 0; len <= text.len; len++) {
        _cleanup_(freep) char *copy = malloc(len + 1), *out = malloc(len + 1);
        size_t n;

        cr_assert(copy && out);
        memcpy(copy, text.data, len);
        cr_expect_eq(json_cut(paths, &limits, slice_new(copy, len), out, &n), len == text.len);
    }
}
