/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rates: so many a day, in all or for so many hosts.
 */
#include "config/option.h"

#include "support.h"

struct settings {
    struct rate budget;
};

static const struct option option = {.name = "budget",
                                     .type = OPTION_RATE,
                                     .offset = offsetof(struct settings, budget),
                                     .default_text = "5/day"};

Test(rate, a_rate_is_a_number_a_day_with_or_without_hosts)
{
    const struct {
        const char *text;
        double a_day, n_hosts; /* a_day 0: refused */
    } rows[] = {
        {"5/day", 5, 0},
        {"0.5/day", 0.5, 0},
        {"5/day/1000hosts", 5, 1000},
        {"5 / day / 1000 hosts", 5, 1000},
        {"2/day/host", 2, 1},
        {"", 0, 0},
        {"5", 0, 0},
        {"/day", 0, 0},
        {"0/day", 0, 0},
        {"-1/day", 0, 0},
        {"5/week", 0, 0},
        {"5/day/", 0, 0},
        {"5/day/1000", 0, 0},
        {"5/day/0hosts", 0, 0},
        {"5/day/1000hosts/1", 0, 0},
        {"1e300/day", 0, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct settings settings = {0};
        char *message = NULL;
        int r = option_parse(&option, slice_from_string(rows[i].text), &settings, &message);

        cr_expect_eq(r < 0, rows[i].a_day == 0, "'%s'", rows[i].text);
        cr_expect_float_eq(settings.budget.a_day, rows[i].a_day, 1e-12, "'%s'", rows[i].text);
        cr_expect_float_eq(settings.budget.n_hosts, rows[i].n_hosts, 1e-12, "'%s'", rows[i].text);
        free(message);
    }
}

Test(rate, a_bad_rate_is_told_what_was_expected)
{
    struct settings settings = {0};
    char *message = NULL;

    cr_assert_lt(option_parse(&option, SLICE("5/week"), &settings, &message), 0);
    cr_assert_str_eq(message,
                     "bad value '5/week' for budget, expected a rate such as 5/day or 5/day/1000hosts");
    free(message);
}
