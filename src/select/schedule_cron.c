/* SPDX-License-Identifier: Apache-2.0 */

/*
 * crontab(5) lines as iCalendar rules, so that there is one engine of recurrence and one handling of
 * daylight saving: "30 22 * * 1-5" is FREQ=DAILY;BYMINUTE=30;BYHOUR=22;BYDAY=MO,TU,WE,TH,FR.
 *
 * Each field becomes a set of bits. A field that holds everything is left out where a day or month is meant,
 * and written out for hours and minutes, because a rule takes those it does not name from its start. What
 * cron does with two restricted day fields (either may match) needs two rules: the union of their windows is
 * the same. "@reboot" is not a time and is refused; so are seconds, which cron does not have.
 */
#include "select/schedule.h"

#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#include "util/parse.h"

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
/* RFC 5545 section 3.3.10 */
static const char *const rule_days[] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};

enum cron_field { CRON_MINUTE, CRON_HOUR, CRON_DAY, CRON_MONTH, CRON_WEEKDAY, N_CRON_FIELDS };

static const struct {
    const char *name;
    unsigned min, max; /* 7 is Sunday, too */
    const char *const *words;
    size_t n_words;
} fields[N_CRON_FIELDS] = {
    [CRON_MINUTE] = {"minutes", 0, 59, NULL, 0},
    [CRON_HOUR] = {"hours", 0, 23, NULL, 0},
    [CRON_DAY] = {"days of the month", 1, 31, NULL, 0},
    [CRON_MONTH] = {"months", 1, 12, month_names, ARRAY_SIZE(month_names)},
    [CRON_WEEKDAY] = {"days of the week", 0, 7, day_names, ARRAY_SIZE(day_names)},
};

static const struct {
    const char *name, *line;
} nicknames[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

static bool equal_ignoring_case(struct slice s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.data, word, s.len) == 0;
}

/* A number or a name into its value. */
static int read_value(enum cron_field field, struct slice text, unsigned *ret_value)
{
    uint64_t value;

    for (size_t i = 0; i < fields[field].n_words; i++)
        if (equal_ignoring_case(text, fields[field].words[i])) {
            *ret_value = (unsigned)i + fields[field].min;
            return 0;
        }
    if (parse_u64(text, &value) < 0 || value < fields[field].min || value > fields[field].max)
        return -EINVAL;
    *ret_value = (unsigned)value;
    return 0;
}

static struct slice cut(struct slice *rest, char separator)
{
    size_t at = slice_find(*rest, separator);
    struct slice head = slice_head(*rest, at);

    *rest = at < rest->len ? slice_skip(*rest, at + 1) : SLICE_NULL;
    return head;
}

/* "1", "1-5", "*", each perhaps with "/2". */
static int read_range(enum cron_field field, struct slice text, uint64_t *bits)
{
    struct slice step_text = text, range = cut(&step_text, '/');
    unsigned first = fields[field].min, last = fields[field].max;
    uint64_t step = 1;

    if (!slice_is_absent(step_text) && (parse_u64(step_text, &step) < 0 || step == 0 || step > 60))
        return -EINVAL;
    if (!slice_equal(range, SLICE("*"))) {
        struct slice last_text = range, first_text = cut(&last_text, '-');

        if (read_value(field, first_text, &first) < 0)
            return -EINVAL;
        if (!slice_is_absent(last_text)) {
            if (read_value(field, last_text, &last) < 0 || last < first)
                return -EINVAL;
        } else if (slice_is_absent(step_text)) {
            last = first;
        }
    }
    for (uint64_t i = first; i <= last; i += step)
        *bits |= UINT64_C(1) << i;
    return 0;
}

static int read_field(enum cron_field field, struct slice text, uint64_t *ret_bits)
{
    uint64_t bits = 0;

    if (text.len == 0)
        return -EINVAL;
    for (struct slice rest = text; !slice_is_absent(rest);)
        if (read_range(field, cut(&rest, ','), &bits) < 0)
            return -EINVAL;
    if (field == CRON_WEEKDAY && (bits & (1U << 7)))
        bits = (bits | 1) & ~(UINT64_C(1) << 7);
    *ret_bits = bits;
    return 0;
}

static int append_list(struct buffer *out, enum cron_field field, uint64_t bits, const char *name)
{
    const char *separator = "=";
    int r = buffer_append_format(out, ";%s", name);

    for (unsigned i = 0; r >= 0 && i < 64; i++) {
        if (!(bits & (UINT64_C(1) << i)))
            continue;
        r = field == CRON_WEEKDAY ? buffer_append_format(out, "%s%s", separator, rule_days[i])
                                  : buffer_append_format(out, "%s%u", separator, i);
        separator = ",";
    }
    return r;
}

static bool is_all(enum cron_field field, uint64_t bits)
{
    unsigned max = field == CRON_WEEKDAY ? 6 : fields[field].max;

    for (unsigned i = fields[field].min; i <= max; i++)
        if (!(bits & (UINT64_C(1) << i)))
            return false;
    return true;
}

static int append_rule(struct buffer *out, const uint64_t bits[], bool with_days, bool with_weekdays)
{
    int r = buffer_append_format(out, "%sFREQ=DAILY", out->len > 0 ? "\n" : "");

    if (r >= 0)
        r = append_list(out, CRON_MINUTE, bits[CRON_MINUTE], "BYMINUTE");
    if (r >= 0)
        r = append_list(out, CRON_HOUR, bits[CRON_HOUR], "BYHOUR");
    if (r >= 0 && !is_all(CRON_MONTH, bits[CRON_MONTH]))
        r = append_list(out, CRON_MONTH, bits[CRON_MONTH], "BYMONTH");
    if (r >= 0 && with_days)
        r = append_list(out, CRON_DAY, bits[CRON_DAY], "BYMONTHDAY");
    if (r >= 0 && with_weekdays)
        r = append_list(out, CRON_WEEKDAY, bits[CRON_WEEKDAY], "BYDAY");
    return r;
}

static _printf_(2, 3) int refuse(char **reterr_message, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    if (vasprintf(reterr_message, format, ap) < 0)
        *reterr_message = NULL;
    va_end(ap);
    return -EINVAL;
}

int schedule_cron(struct slice line, struct buffer *out, char **reterr_message)
{
    uint64_t bits[N_CRON_FIELDS];
    bool has_days, has_weekdays;
    size_t n = 0;
    int r;

    line = slice_trim(line);
    for (size_t i = 0; i < ARRAY_SIZE(nicknames); i++)
        if (slice_equal_string(line, nicknames[i].name))
            line = slice_from_string(nicknames[i].line);
    for (struct slice rest = line; !slice_is_absent(rest);) {
        struct slice word;

        while (rest.len > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t'))
            rest = slice_skip(rest, 1);
        for (size_t i = 0; i < rest.len; i++)
            if (rest.data[i] == '\t')
                return refuse(reterr_message, "expected blanks between the fields");
        word = cut(&rest, ' ');
        if (n == N_CRON_FIELDS || word.len == 0)
            return refuse(reterr_message, "expected five fields, such as '30 22 * * 1-5'");
        if (read_field((enum cron_field)n, word, &bits[n]) < 0)
            return refuse(reterr_message, "'%.*s' names no %s, expected %u to %u, lists, ranges or steps",
                          (int)MIN(word.len, (size_t)40), word.data, fields[n].name, fields[n].min,
                          fields[n].max);
        n++;
    }
    if (n < N_CRON_FIELDS)
        return refuse(reterr_message, "expected five fields, such as '30 22 * * 1-5'");
    has_days = !is_all(CRON_DAY, bits[CRON_DAY]);
    has_weekdays = !is_all(CRON_WEEKDAY, bits[CRON_WEEKDAY]);
    if (!has_days || !has_weekdays)
        return append_rule(out, bits, has_days, has_weekdays);
    r = append_rule(out, bits, true, false);
    return r < 0 ? r : append_rule(out, bits, false, true);
}
