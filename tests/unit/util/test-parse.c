/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Text to numbers: what is taken, what is refused, the edges of the types. Epoch values are Python's
 * datetime.
 */
#include "util/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>

#include "support.h"

Test(parse, unsigned_numbers)
{
    static const struct {
        struct slice text;
        int r;
        uint64_t v;
    } rows[] = {
        {SLICE("0"), 0, 0},
        {SLICE("007"), 0, 7},
        {SLICE("18446744073709551615"), 0, UINT64_MAX},
        {SLICE("18446744073709551616"), -ERANGE, 0},
        {SLICE("99999999999999999999999"), -ERANGE, 0},
        {SLICE(""), -EINVAL, 0},
        {SLICE_NULL, -EINVAL, 0},
        {SLICE("-1"), -EINVAL, 0},
        {SLICE("+1"), -EINVAL, 0},
        {SLICE(" 1"), -EINVAL, 0},
        {SLICE("1 "), -EINVAL, 0},
        {SLICE("1\0"), -EINVAL, 0},
        {SLICE("0x1"), -EINVAL, 0},
        {SLICE("\xb1"), -EINVAL, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t v = 0;

        cr_assert_eq(parse_u64(rows[i].text, &v), rows[i].r, "'%.*s'", SLICE_FMT(rows[i].text));
        cr_assert_eq(v, rows[i].v, "'%.*s'", SLICE_FMT(rows[i].text));
    }
}

Test(parse, signed_and_short_numbers)
{
    static const struct {
        const char *text;
        int r;
        int64_t v;
    } rows[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"-1", 0, -1},
        {"9223372036854775807", 0, INT64_MAX},
        {"9223372036854775808", -ERANGE, 0},
        {"-9223372036854775808", 0, INT64_MIN},
        {"-9223372036854775809", -ERANGE, 0},
        {"-", -EINVAL, 0},
        {"--1", -EINVAL, 0},
        {"", -EINVAL, 0},
    };
    uint32_t u32 = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t v = 0;

        cr_assert_eq(parse_i64(slice_from_string(rows[i].text), &v), rows[i].r, "'%s'", rows[i].text);
        cr_assert_eq(v, rows[i].v, "'%s'", rows[i].text);
    }
    cr_assert_eq(parse_u32(SLICE("4294967295"), &u32), 0);
    cr_assert_eq(u32, UINT32_MAX);
    cr_assert_eq(parse_u32(SLICE("4294967296"), &u32), -ERANGE);
    cr_assert_eq(parse_u32(SLICE("x"), &u32), -EINVAL);
}

Test(parse, truth_values)
{
    static const struct {
        const char *text;
        int r;
        bool v;
    } rows[] = {
        {"true", 0, true},        {"yes", 0, true},     {"on", 0, true},       {"1", 0, true},
        {"false", 0, false},      {"no", 0, false},     {"off", 0, false},     {"0", 0, false},
        {"True", -EINVAL, false}, {"", -EINVAL, false}, {"2", -EINVAL, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        bool v = !rows[i].v;

        cr_assert_eq(parse_bool(slice_from_string(rows[i].text), &v), rows[i].r, "'%s'", rows[i].text);
        cr_assert_eq(v, rows[i].r == 0 ? rows[i].v : !rows[i].v, "'%s'", rows[i].text);
    }
}

Test(parse, fractions)
{
    static const struct {
        const char *text;
        int r;
        double v;
    } rows[] = {
        {"0", 0, 0},
        {"1.5", 0, 1.5},
        {"-2.5e-3", 0, -2.5e-3},
        {"+1", 0, 1},
        {".5", 0, .5},
        {"5.", 0, 5},
        {"1E3", 0, 1000},
        {"0.1", 0, 0.1},
        {"1e308", 0, 1e308},
        {"1e309", -ERANGE, 0},
        {"-1e999", -ERANGE, 0},
        {"1e-999", 0, 0},
        {"inf", -EINVAL, 0},
        {"nan", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"1,5", -EINVAL, 0},
        {"1 ", -EINVAL, 0},
        {"", -EINVAL, 0},
        {".", -EINVAL, 0},
        {"e5", -EINVAL, 0},
        {"1e", -EINVAL, 0},
        {"1-1", -EINVAL, 0},
        {"1111111111111111111111111111111111111111111111111111111111111111", -EINVAL, 0}, /* 64 digits */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        double v = 0;

        cr_assert_eq(parse_double(slice_from_string(rows[i].text), &v), rows[i].r, "'%s'", rows[i].text);
        cr_assert_eq(v, rows[i].v, "'%s'", rows[i].text);
    }
    cr_assert_eq(parse_double(SLICE("1\0"), &(double){0}), -EINVAL);
}

Test(parse, fractions_do_not_depend_on_the_locale)
{
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "pt_BR.UTF-8"};
    const char *set = NULL;
    double v = 0;

    for (size_t i = 0; !set && i < ARRAY_SIZE(locales); i++)
        set = setlocale(LC_ALL, locales[i]);
    if (!set)
        cr_skip_test("no locale with a decimal comma is installed");
    cr_assert_eq(parse_double(SLICE("1.5"), &v), 0);
    cr_assert_eq(v, 1.5);
    cr_assert_eq(parse_double(SLICE("1,5"), &v), -EINVAL);
}

Test(parse, durations_and_sizes)
{
    static const struct {
        const char *text;
        int r;
        int64_t v;
    } durations[] = {
        {"15min", 0, 900000000},
        {"15 min", 0, 900000000},
        {"0", 0, 0},
        {"0s", 0, 0},
        {"1us", 0, 1},
        {"1ms", 0, 1000},
        {"1s", 0, 1000000},
        {"2h", 0, INT64_C(7200000000)},
        {"30d", 0, INT64_C(2592000000000)},
        {"1w", 0, INT64_C(604800000000)},
        {"15", -EINVAL, 0},
        {"min", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"-1s", -EINVAL, 0},
        {"1.5h", -EINVAL, 0},
        {"1h30min", -EINVAL, 0},
        {"1H", -EINVAL, 0},
        {"9223372036854775807us", 0, INT64_MAX},
        {"9223372036854775808us", -ERANGE, 0},
        {"15250285w", -ERANGE, 0}, /* the first beyond 2^63 microseconds */
        {"15250284w", 0, INT64_C(9223371763200000000)},
    };
    static const struct {
        const char *text;
        int r;
        uint64_t v;
    } sizes[] = {
        {"64MiB", 0, 67108864},
        {"64M", 0, 67108864},
        {"4 KiB", 0, 4096},
        {"1G", 0, 1073741824},
        {"512", 0, 512},
        {"512B", 0, 512},
        {"0", 0, 0},
        {"1MB", -EINVAL, 0},
        {"1k", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"K", -EINVAL, 0},
        {"9223372036854775807", 0, INT64_MAX},
        {"8589934592G", -ERANGE, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
        int64_t v = 0;

        cr_assert_eq(parse_duration_usec(slice_from_string(durations[i].text), &v), durations[i].r, "'%s'",
                     durations[i].text);
        cr_assert_eq(v, durations[i].v, "'%s': got %" PRId64, durations[i].text, v);
    }
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint64_t v = 0;

        cr_assert_eq(parse_size_bytes(slice_from_string(sizes[i].text), &v), sizes[i].r, "'%s'",
                     sizes[i].text);
        cr_assert_eq(v, sizes[i].v, "'%s': got %" PRIu64, sizes[i].text, v);
    }
}

Test(parse, hexadecimal)
{
    char bytes[3] = "";

    cr_assert_eq(parse_hex(SLICE("00fFaB"), bytes), 0);
    cr_assert_eq(memcmp(bytes, "\x00\xff\xab", 3), 0);
    cr_assert_eq(parse_hex(SLICE(""), bytes), 0);
    cr_assert_eq(parse_hex(SLICE("0"), bytes), -EINVAL);
    cr_assert_eq(parse_hex(SLICE("0g"), bytes), -EINVAL);
    cr_assert_eq(parse_hex(SLICE(" 0"), bytes), -EINVAL);
}

Test(parse, timestamps)
{
    static const struct {
        const char *text;
        int r;
        int64_t usec;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, 0},
        {"2026-01-31T12:00:00Z", 0, INT64_C(1769860800000000)},
        {"2026-01-31t12:00:00z", 0, INT64_C(1769860800000000)},
        {"2026-01-31 12:00:00Z", 0, INT64_C(1769860800000000)},
        {"2026-01-31T12:00:00.5Z", 0, INT64_C(1769860800500000)},
        {"2026-01-31T12:00:00,123456789Z", 0, INT64_C(1769860800123456)},
        {"2026-01-31T13:30:00+01:30", 0, INT64_C(1769860800000000)},
        {"2026-01-31T13:30:00+0130", 0, INT64_C(1769860800000000)},
        {"2026-01-31T07:00:00-05", 0, INT64_C(1769860800000000)},
        {"2000-02-29T23:59:59Z", 0, INT64_C(951868799000000)},
        {"1969-12-31T23:59:59.25Z", 0, -750000},
        {"9999-12-31T23:59:59Z", 0, INT64_C(253402300799000000)},
        {"0001-01-01T00:00:00Z", 0, INT64_C(-62135596800000000)},
        {"2100-03-01T00:00:00Z", 0, INT64_C(4107542400000000)},
        {"1969-12-31T23:59:60Z", 0, 0}, /* a leap second is the next one */
        {"2026-01-31T12:00:00", -EINVAL, 0},
        {"2026-01-31T12:00:00.Z", -EINVAL, 0},
        {"2026-01-31T12:00:00Zx", -EINVAL, 0},
        {"2026-01-31T12:00:00+1", -EINVAL, 0},
        {"2026-01-31T12:00:00+01:", -EINVAL, 0},
        {"2026-01-31T12:00:00+24:00", -EINVAL, 0},
        {"2026-13-31T12:00:00Z", -EINVAL, 0},
        {"2026-00-31T12:00:00Z", -EINVAL, 0},
        {"2026-01-32T12:00:00Z", -EINVAL, 0},
        {"2026-01-31T24:00:00Z", -EINVAL, 0},
        {"2026-01-31T12:60:00Z", -EINVAL, 0},
        {"2026-01-31T12:00:61Z", -EINVAL, 0},
        {"2026-1-31T12:00:00Z", -EINVAL, 0},
        {"26-01-31T12:00:00Z", -EINVAL, 0},
        {"2026-01-31", -EINVAL, 0},
        {"", -EINVAL, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t usec = 0;

        cr_assert_eq(parse_timestamp_usec(slice_from_string(rows[i].text), &usec), rows[i].r, "'%s'",
                     rows[i].text);
        cr_assert_eq(usec, rows[i].usec, "'%s': got %" PRId64, rows[i].text, usec);
    }
    cr_assert_eq(parse_timestamp_usec(SLICE("2026-01-31\00012:00:00Z"), &(int64_t){0}), -EINVAL);
}

Test(parse, times_as_text)
{
    static const struct {
        int64_t usec;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {999, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {INT64_C(1769860800123999), "2026-01-31T12:00:00.123Z"},
        {INT64_C(951868799000000), "2000-02-29T23:59:59.000Z"},
        {INT64_C(253402300799999999), "9999-12-31T23:59:59.999Z"},
        {INT64_C(-62135596800000000), "0001-01-01T00:00:00.000Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[TIMESTAMP_SIZE];

        format_timestamp(rows[i].usec, text);
        cr_assert_str_eq(text, rows[i].text);
    }
}

Test(parse, every_day_of_four_centuries_is_written_and_read_back)
{
    for (int64_t day = days_from_civil(1800, 1, 1); day < days_from_civil(2200, 1, 1); day++) {
        char text[TIMESTAMP_SIZE];
        int64_t usec = 0;

        format_timestamp(day * USEC_PER_DAY, text);
        cr_assert_eq(parse_timestamp_usec(slice_from_string(text), &usec), 0, "%s", text);
        cr_assert_eq(usec, day * USEC_PER_DAY, "%s", text);
    }
    cr_assert_eq(days_from_civil(2200, 1, 1) - days_from_civil(1800, 1, 1), 146097); /* 400 years */
}

Test(parse, numbers_as_text)
{
    static const struct {
        uint64_t v;
        const char *text;
    } rows[] = {
        {0, "0"},
        {9, "9"},
        {10, "10"},
        {1700000000123456, "1700000000123456"},
        {UINT64_MAX, "18446744073709551615"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[U64_TEXT_MAX];

        cr_assert(slice_equal(slice_new(text, format_u64(rows[i].v, text)), slice_from_string(rows[i].text)));
    }
}
