/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Option tables: text to members, defaults, what the messages and the help say.
 */
#include "config/option.h"

#include "support.h"
#include "util/parse.h"

struct settings {
    bool is_on;
    char *text;
    int64_t whole, span;
    double number;
    uint64_t size;
    int choice;
    struct string_list list;
    struct property_list properties;
};

static const char *const ways[] = {"window", "decay", NULL};

#define ROW(name_, type_, member_, ...)                                                                      \
    {                                                                                                        \
        .name = name_, .type = type_, .offset = offsetof(struct settings, member_), __VA_ARGS__              \
    }

enum { ON, TEXT, WHOLE, SIGNED, POSITIVE, SPAN, NUMBER, SIZE, CHOICE, LIST, PROPERTIES };

static const struct option options[] = {
    [ON] = ROW("on", OPTION_BOOL, is_on, .default_text = "true"),
    [TEXT] = ROW("text", OPTION_STRING, text, .default_text = "hello"),
    [WHOLE] = ROW("whole", OPTION_INTEGER, whole, .min = 1, .max = 100),
    [SIGNED] = ROW("signed", OPTION_INTEGER, whole, .min = -5, .max = 5),
    [POSITIVE] = ROW("positive", OPTION_INTEGER, whole, .min = 2, .max = 0),
    [SPAN] = ROW("span", OPTION_DURATION, span, .min = 1e6, .max = 30 * 86400e6, .default_text = "15min"),
    [NUMBER] = ROW("number", OPTION_NUMBER, number, .max = 0.5, .default_text = "0.25"),
    [SIZE] = ROW("size", OPTION_SIZE, size, .min = 4096, .max = 1 << 30, .default_text = "64MiB"),
    [CHOICE] = ROW("choice", OPTION_CHOICE, choice, .choices = ways, .default_text = "decay"),
    [LIST] = ROW("list", OPTION_LIST, list, .default_text = "ss, netstat"),
    [PROPERTIES] = ROW("properties", OPTION_PROPERTIES, properties),
};

static const struct option_table table = {options, ARRAY_SIZE(options), sizeof(struct settings)};

Test(option, defaults_are_what_a_user_would_have_typed)
{
    struct settings s = {0};

    cr_assert_eq(option_defaults(&table, &s), 0);
    cr_assert(s.is_on);
    cr_assert_str_eq(s.text, "hello");
    cr_assert_eq(s.whole, 0);
    cr_assert_eq(s.span, 15 * USEC_PER_MINUTE);
    cr_assert_eq(s.number, 0.25);
    cr_assert_eq(s.size, 64U << 20);
    cr_assert_eq(s.choice, 1);
    cr_assert_eq(s.list.n, 2);
    cr_assert_str_eq(s.list.items[0], "ss");
    cr_assert_str_eq(s.list.items[1], "netstat");
    cr_assert_eq(s.properties.n, 0);
    option_done(&table, &s);
    cr_assert_null(s.text);
    cr_assert_null(s.list.items);
}

Test(option, refused_values_say_what_was_expected)
{
    static const struct {
        int option;
        const char *text, *message;
    } rows[] = {
        {ON, "maybe", "bad value 'maybe' for on, expected true or false"},
        {WHOLE, "0", "bad value '0' for whole, expected a whole number from 1 to 100"},
        {WHOLE, "101", "bad value '101' for whole, expected a whole number from 1 to 100"},
        {WHOLE, "1.5", "bad value '1.5' for whole, expected a whole number from 1 to 100"},
        {WHOLE, "99999999999999999999",
         "bad value '99999999999999999999' for whole, expected a whole number "
         "from 1 to 100"},
        {WHOLE, "", "bad value '' for whole, expected a whole number from 1 to 100"},
        {SIGNED, "-6", "bad value '-6' for signed, expected a whole number from -5 to 5"},
        {POSITIVE, "1", "bad value '1' for positive, expected a whole number of at least 2"},
        {SPAN, "15", "bad value '15' for span, expected a duration such as 15min from 1s to 30d"},
        {SPAN, "31d", "bad value '31d' for span, expected a duration such as 15min from 1s to 30d"},
        {NUMBER, "0.51", "bad value '0.51' for number, expected a number from 0 to 0.5"},
        {NUMBER, "nan", "bad value 'nan' for number, expected a number from 0 to 0.5"},
        {SIZE, "4095", "bad value '4095' for size, expected a size such as 64MiB from 4KiB to 1GiB"},
        {CHOICE, "decy",
         "bad value 'decy' for choice, expected one of window, decay (did you mean 'decay'?)"},
        {CHOICE, "x", "bad value 'x' for choice, expected one of window, decay"},
        {LIST, "a,,b", "bad value 'a,,b' for list, expected a list of words"},
        {LIST, "a,", "bad value 'a,' for list, expected a list of words"},
        {LIST, ",", "bad value ',' for list, expected a list of words"},
        {PROPERTIES, "a", "bad value 'a' for properties, expected keys with their values"},
        /* cut in front of the two bytes of an e with accent, which begin at byte 79 */
        {ON,
         "0123456789012345678901234567890123456789012345678901234567890123456789012345678\xc3\xa9\xc3\xa9",
         "bad value '0123456789012345678901234567890123456789012345678901234567890123456789012345678...' for "
         "on, "
         "expected true or false"},
    };
    struct settings s = {0};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(freep) char *message = NULL;
        int r = option_parse(&options[rows[i].option], slice_from_string(rows[i].text), &s, &message);

        cr_assert_lt(r, 0, "%s", rows[i].message);
        cr_assert_str_eq(message, rows[i].message);
    }
    option_done(&table, &s);
}

Test(option, a_refused_value_leaves_the_member_alone)
{
    struct settings s = {0};

    cr_assert_eq(option_defaults(&table, &s), 0);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        _cleanup_(freep) char *message = NULL;
        /* a NUL is in no value */
        int r = option_parse(&options[i], SLICE("a\0b"), &s, &message);

        cr_assert_lt(r, 0, "%s", options[i].name);
        cr_assert_not_null(strstr(message, "bad value 'a?b'"), "%s", message);
    }
    cr_assert_str_eq(s.text, "hello");
    cr_assert_eq(s.list.n, 2);
    cr_assert_eq(s.span, 15 * USEC_PER_MINUTE);
    option_done(&table, &s);
}

Test(option, values_replace_what_was_there)
{
    struct settings s = {0};
    _cleanup_(freep) char *message = NULL;

    cr_assert_eq(option_defaults(&table, &s), 0);
    cr_assert_eq(option_parse(&options[TEXT], SLICE("other"), &s, &message), 0);
    cr_assert_str_eq(s.text, "other");
    cr_assert_eq(option_parse(&options[LIST], SLICE(" a , b,c"), &s, &message), 0);
    cr_assert_eq(s.list.n, 3);
    cr_assert_str_eq(s.list.items[0], "a");
    cr_assert_str_eq(s.list.items[1], "b");
    cr_assert_str_eq(s.list.items[2], "c");
    cr_assert_eq(option_parse(&options[LIST], SLICE(""), &s, &message), 0);
    cr_assert_eq(s.list.n, 0);
    cr_assert_eq(option_parse(&options[SIGNED], SLICE("-5"), &s, &message), 0);
    cr_assert_eq(s.whole, -5);
    cr_assert_eq(option_parse(&options[ON], SLICE("no"), &s, &message), 0);
    cr_assert_not(s.is_on);
    cr_assert_eq(option_parse(&options[CHOICE], SLICE("window"), &s, &message), 0);
    cr_assert_eq(s.choice, 0);
    cr_assert_null(message);
    option_done(&table, &s);
}

Test(option, help_describes_every_type)
{
    static const char *const texts[] = {
        [ON] = "true or false",
        [TEXT] = "text",
        [WHOLE] = "a whole number from 1 to 100",
        [SIGNED] = "a whole number from -5 to 5",
        [POSITIVE] = "a whole number of at least 2",
        [SPAN] = "a duration such as 15min from 1s to 30d",
        [NUMBER] = "a number from 0 to 0.5",
        [SIZE] = "a size such as 64MiB from 4KiB to 1GiB",
        [CHOICE] = "one of window, decay",
        [LIST] = "a list of words",
        [PROPERTIES] = "keys with their values",
    };

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        _cleanup_(freep) char *text = NULL;

        cr_assert_eq(option_describe(&options[i], &text), 0);
        cr_assert_str_eq(text, texts[i]);
    }
}
