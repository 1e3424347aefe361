/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Text to numbers without a locale, without a NUL at the end and without silent truncation: strtol and its
 * kin need a C string and read what the locale says, so the integers are read here digit by digit. strtod_l
 * is used for fractions only, in the "C" locale, on a copy whose alphabet was checked, since a correct
 * decimal-to-binary conversion is a library's work.
 *
 * The calendar is the proleptic Gregorian one, by the usual era arithmetic (400 years = 146097 days; H.
 * Hinnant, "chrono-compatible low-level date algorithms"): timegm would do, but is neither standard C nor
 * cheap per record.
 */
#include "util/parse.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* so many digits always fit 64 bits: 10^19 - 1 < 2^64 */
#define U64_DIGITS_SAFE 19U

int parse_u64(struct slice s, uint64_t *ret_v)
{
    uint64_t v = 0;

    if (s.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.data[i] - '0';

        if (digit > 9)
            return -EINVAL;
        if (i >= U64_DIGITS_SAFE && v > (UINT64_MAX - digit) / 10)
            return -ERANGE;
        v = v * 10 + digit;
    }
    *ret_v = v;
    return 0;
}

int parse_i64(struct slice s, int64_t *ret_v)
{
    bool is_negative = s.len > 0 && s.data[0] == '-';
    uint64_t v;
    int r = parse_u64(is_negative ? slice_skip(s, 1) : s, &v);

    if (r < 0)
        return r;
    if (v > (uint64_t)INT64_MAX + is_negative)
        return -ERANGE;
    *ret_v = (int64_t)(is_negative ? 0 - v : v);
    return 0;
}

int parse_u32(struct slice s, uint32_t *ret_v)
{
    uint64_t v;
    int r = parse_u64(s, &v);

    if (r < 0)
        return r;
    if (v > UINT32_MAX)
        return -ERANGE;
    *ret_v = (uint32_t)v;
    return 0;
}

int parse_bool(struct slice s, bool *ret_v)
{
    static const char *const words[2][4] = {{"false", "no", "off", "0"}, {"true", "yes", "on", "1"}};

    for (size_t v = 0; v < 2; v++)
        for (size_t i = 0; i < 4; i++)
            if (slice_equal_string(s, words[v][i])) {
                *ret_v = v == 1;
                return 0;
            }
    return -EINVAL;
}

int parse_double(struct slice s, double *ret_v)
{
    char text[64], *end;
    locale_t locale;
    double v;

    if (s.len == 0 || s.len >= sizeof(text))
        return -EINVAL;
    for (size_t i = 0; i < s.len; i++)
        if (!memchr("0123456789+-.eE", s.data[i], 15))
            return -EINVAL;
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    /* glibc hands out a constant for "C": no allocation, cannot fail */
    locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    v = strtod_l(text, &end, locale);
    freelocale(locale);
    if (end != text + s.len)
        return -EINVAL;
    if (!isfinite(v))
        return -ERANGE;
    *ret_v = v;
    return 0;
}

struct unit {
    const char *name;
    uint64_t factor;
};

static int parse_with_unit(struct slice s, const struct unit *units, size_t n_units, uint64_t *ret_v)
{
    size_t n = 0;
    uint64_t v;
    int r;

    while (n < s.len && s.data[n] >= '0' && s.data[n] <= '9')
        n++;
    r = parse_u64(slice_head(s, n), &v);
    if (r < 0)
        return r;
    s = slice_trim(slice_skip(s, n));
    if (s.len == 0 && v == 0) {
        *ret_v = 0;
        return 0;
    }
    for (size_t i = 0; i < n_units; i++)
        if (slice_equal_string(s, units[i].name)) {
            if (v > (uint64_t)INT64_MAX / units[i].factor)
                return -ERANGE;
            *ret_v = v * units[i].factor;
            return 0;
        }
    return -EINVAL;
}

int parse_duration_usec(struct slice s, int64_t *ret_usec)
{
    static const struct unit units[] = {
        {"us", 1},
        {"ms", USEC_PER_MSEC},
        {"s", USEC_PER_SEC},
        {"min", USEC_PER_MINUTE},
        {"m", USEC_PER_MINUTE},
        {"h", USEC_PER_HOUR},
        {"d", USEC_PER_DAY},
        {"w", 7 * USEC_PER_DAY},
    };
    uint64_t v;
    int r = parse_with_unit(s, units, ARRAY_SIZE(units), &v);

    if (r < 0)
        return r;
    *ret_usec = (int64_t)v;
    return 0;
}

int parse_size_bytes(struct slice s, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1},         {"B", 1},          {"K", 1U << 10}, {"KiB", 1U << 10},
        {"M", 1U << 20}, {"MiB", 1U << 20}, {"G", 1U << 30}, {"GiB", 1U << 30},
    };

    return parse_with_unit(s, units, ARRAY_SIZE(units), ret_bytes);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

int parse_hex(struct slice s, char *ret_bytes)
{
    if (s.len % 2 != 0)
        return -EINVAL;
    for (size_t i = 0; i < s.len; i += 2) {
        int high = hex_digit(s.data[i]), low = hex_digit(s.data[i + 1]);

        if (high < 0 || low < 0)
            return -EINVAL;
        ret_bytes[i / 2] = (char)(high << 4 | low);
    }
    return 0;
}

int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

/* n digits at offset *i of s; moves on. -EINVAL where there are fewer. */
static int take_digits(struct slice s, size_t *i, size_t n, unsigned *ret_v)
{
    unsigned v = 0;

    if (s.len - *i < n)
        return -EINVAL;
    for (size_t k = 0; k < n; k++) {
        unsigned digit = (unsigned)(unsigned char)s.data[*i + k] - '0';

        if (digit > 9)
            return -EINVAL;
        v = v * 10 + digit;
    }
    *i += n;
    *ret_v = v;
    return 0;
}

static int take_char(struct slice s, size_t *i, const char *set)
{
    if (*i >= s.len || s.data[*i] == '\0' || !strchr(set, s.data[*i]))
        return -EINVAL;
    (*i)++;
    return 0;
}

static int take_zone(struct slice s, size_t *i, int64_t *ret_offset_sec)
{
    unsigned hours, minutes = 0;
    bool is_west;
    int r;

    if (*i < s.len && (s.data[*i] == 'Z' || s.data[*i] == 'z')) {
        (*i)++;
        *ret_offset_sec = 0;
        return 0;
    }
    r = take_char(s, i, "+-");
    if (r < 0)
        return r;
    is_west = s.data[*i - 1] == '-';
    r = take_digits(s, i, 2, &hours);
    if (r < 0)
        return r;
    if (*i < s.len) {
        if (s.data[*i] == ':')
            (*i)++;
        r = take_digits(s, i, 2, &minutes);
        if (r < 0)
            return r;
    }
    if (hours > 23 || minutes > 59)
        return -EINVAL;
    *ret_offset_sec = (is_west ? -1 : 1) * ((int64_t)hours * 3600 + minutes * 60);
    return 0;
}

int parse_timestamp_usec(struct slice s, int64_t *ret_usec)
{
    unsigned year, month, day, hour, minute, second;
    int64_t usec = 0, offset_sec, scale = 100000;
    size_t i = 0;

    if (take_digits(s, &i, 4, &year) < 0 || take_char(s, &i, "-") < 0 || take_digits(s, &i, 2, &month) < 0 ||
        take_char(s, &i, "-") < 0 || take_digits(s, &i, 2, &day) < 0 || take_char(s, &i, "Tt ") < 0 ||
        take_digits(s, &i, 2, &hour) < 0 || take_char(s, &i, ":") < 0 || take_digits(s, &i, 2, &minute) < 0 ||
        take_char(s, &i, ":") < 0 || take_digits(s, &i, 2, &second) < 0)
        return -EINVAL;
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return -EINVAL;
    if (i < s.len && (s.data[i] == '.' || s.data[i] == ',')) {
        size_t start = ++i;

        for (; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++) {
            usec += (s.data[i] - '0') * scale;
            scale /= 10;
        }
        if (i == start)
            return -EINVAL;
    }
    if (take_zone(s, &i, &offset_sec) < 0 || i != s.len)
        return -EINVAL;
    *ret_usec = ((days_from_civil(year, month, day) * 24 + hour) * 3600 + minute * 60 + second - offset_sec) *
                    USEC_PER_SEC +
                usec;
    return 0;
}

void format_timestamp(int64_t usec, char ret_text[TIMESTAMP_SIZE])
{
    const int64_t first = days_from_civil(0, 1, 1) * USEC_PER_DAY;
    const int64_t last = days_from_civil(10000, 1, 1) * USEC_PER_DAY - 1;
    int64_t days, msec, z, era, day_of_era, year_of_era, day_of_year, mp;
    unsigned year, month, day;

    usec = MAX(first, MIN(usec, last));
    days = usec >= 0 ? usec / USEC_PER_DAY : -((-usec + USEC_PER_DAY - 1) / USEC_PER_DAY);
    msec = (usec - days * USEC_PER_DAY) / USEC_PER_MSEC;
    z = days + 719468;
    era = (z >= 0 ? z : z - 146096) / 146097;
    day_of_era = z - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    mp = (5 * day_of_year + 2) / 153;
    day = (unsigned)(day_of_year - (153 * mp + 2) / 5 + 1);
    month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    year = (unsigned)(year_of_era + era * 400 + (month <= 2));
    (void)snprintf(ret_text, TIMESTAMP_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year % 10000, month % 100,
                   day % 100, (unsigned)(msec / 3600000) % 100, (unsigned)(msec / 60000) % 60,
                   (unsigned)(msec / 1000) % 60, (unsigned)(msec % 1000));
}

size_t format_u64(uint64_t v, char *text)
{
    char digits[U64_TEXT_MAX];
    size_t n = 0;

    do
        digits[sizeof(digits) - ++n] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    memcpy(text, digits + sizeof(digits) - n, n);
    return n;
}
