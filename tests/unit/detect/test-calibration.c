/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/calibration.h"

#include <math.h>

#include "stream.h"

#define START 2000000U

/* An exponential score with mean 1. */
static double draw(uint32_t *seed)
{
    return -log((next_random(seed) + 0.5) / (1 << 24));
}

/* Days of `a_day` cases each; returns how many of the last `counted` days' reached the budget. */
static unsigned run(struct calibration *c, struct rate budget, size_t n_hosts, unsigned days, unsigned a_day,
                    unsigned counted)
{
    uint32_t seed = 5;
    unsigned n_alerts = 0;

    calibration_init(c, budget, 14 * 86400.0, 7 * 86400.0);
    for (unsigned i = 0; i < days * a_day; i++) {
        const uint32_t bucket = START + i * 96 / a_day;
        const double score = draw(&seed);

        calibration_advance(c, bucket, bucket * 900.0, n_hosts);
        n_alerts += i >= (days - counted) * a_day && calibration_judge(c, score).rate <= c->allowed;
        calibration_add(c, -1, score);
    }
    return n_alerts;
}

Test(calibration, a_budget_is_kept_without_labels)
{
    static struct calibration c;
    const struct {
        const char *name;
        struct rate budget;
        size_t n_hosts;
        unsigned least, most; /* alerts in 60 days */
    } rows[] = {
        {"20 a day", {20, 0}, 7, 1000, 1400},
        {"5 a day", {5, 0}, 7, 230, 370},
        {"5 a day for 1000 hosts, of 200", {5, 1000}, 200, 35, 90},
        {"one in twenty days", {0.05, 0}, 7, 0, 10},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const unsigned n = run(&c, rows[i].budget, rows[i].n_hosts, 90, 480, 60);

        cr_assert(n >= rows[i].least && n <= rows[i].most, "%s: %u alerts", rows[i].name, n);
    }
}

Test(calibration, a_greater_score_is_always_more_surprising)
{
    static struct calibration c;
    double last;

    run(&c, (struct rate){5, 0}, 7, 30, 480, 1);
    last = calibration_judge(&c, 0.1).surprise;
    for (double score = 0.11; score < 400; score += 0.13) {
        const double now = calibration_judge(&c, score).surprise;

        cr_assert(now > last, "score %g: %.17g after %.17g", score, now, last);
        cr_assert(calibration_judge(&c, score).probability > 0 &&
                  calibration_judge(&c, score).probability <= 1);
        last = now;
    }
}

Test(calibration, the_threshold_is_where_the_rate_is_the_budget)
{
    static struct calibration c;

    run(&c, (struct rate){5, 0}, 7, 30, 480, 1);
    for (double score = 0; score < 60; score += 0.07)
        cr_assert_eq(calibration_judge(&c, score).rate <= c.limit,
                     calibration_judge(&c, score).surprise >= calibration_threshold(&c), "score %g", score);
}

Test(calibration, it_learns_until_days_and_cases_are_enough)
{
    static struct calibration c;

    run(&c, (struct rate){5, 0}, 7, 6, 480, 1);
    cr_assert(c.is_learning, "six days");
    run(&c, (struct rate){5, 0}, 7, 9, 480, 1);
    cr_assert_not(c.is_learning, "nine days");
    run(&c, (struct rate){5, 0}, 7, 20, 1, 1);
    cr_assert_not(c.is_learning, "twenty cases in twenty days: a small site is not silent for ever");
}

Test(calibration, a_small_site_is_judged_by_supposed_cases)
{
    static struct calibration c;

    run(&c, (struct rate){5, 0}, 7, 20, 1, 1);
    cr_assert_gt(calibration_judge(&c, 6).rate, c.limit, "everyday work");
    cr_assert_leq(calibration_judge(&c, 17).rate, c.limit, "an intruder");
    calibration_init(&c, (struct rate){5, 1000}, 14 * 86400.0, 0);
    calibration_advance(&c, START, START * 900.0, 1);
    calibration_advance(&c, START + 6 * 96, (START + 6 * 96) * 900.0, 1);
    cr_assert(c.is_learning, "six days, no learning asked for, no case");
    calibration_advance(&c, START + 10 * 96, (START + 10 * 96) * 900.0, 1);
    cr_assert_not(c.is_learning);
    cr_assert_float_eq(c.tail[0], 50, 1e-9, "no case yet, fifty supposed");
    cr_assert_float_eq(calibration_judge(&c, 3 * log(20)).probability, 0.05, 0.002);
}

Test(calibration, no_budget_makes_more_than_one_case_in_twenty_an_alert)
{
    static struct calibration c;

    run(&c, (struct rate){10000, 0}, 7, 30, 480, 1);
    cr_assert_float_eq(calibration_threshold(&c), log(20), 1e-9);
    cr_assert_eq(c.allowed, 10000, "the budget stays what was asked for");
}

Test(calibration, a_case_that_grows_moves)
{
    static struct calibration c;

    calibration_init(&c, (struct rate){5, 0}, 14 * 86400.0, 0);
    calibration_advance(&c, START, START * 900.0, 1);
    calibration_add(&c, -1, 1.0);
    calibration_add(&c, 1.0, 3.0);
    calibration_advance(&c, START + 1, (START + 1) * 900.0, 1);
    cr_assert_float_eq(c.n_settled, 1, 0.001);
    cr_assert_float_eq(c.settled[24], 1, 0.001);
    cr_assert_eq(c.settled[8], 0);
}
