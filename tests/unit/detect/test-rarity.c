/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/rarity.h"

#include <float.h>
#include <math.h>

#include "stream.h"

static void fill(struct curve *curve, const double *weights, size_t n, double factor)
{
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(curve_add(curve, weights[i] * factor), 0);
}

Test(rarity, probabilities_are_those_of_a_plain_script)
{
    /* expected: sections 2.3's steps written down in Python with scipy 1.17.1, whose results for the streams
     * of the oracle differ from Elastic's by less than 1e-7 */
    static const struct {
        const char *name;
        double weights[10];
        size_t n;
        double weight, expected;
    } rows[] = {
        {"one user", {5}, 1, 5, 1.0},
        {"T 31, isolated", {15, 15, 1}, 3, 1, 0.0485208697060303},
        {"T 62, isolated", {30.5, 30.5, 1}, 3, 1, 0.023825816682043748},
        {"T 78, isolated", {38.5, 38.5, 1}, 3, 1, 0.01887165403651177},
        {"T 381, isolated", {190, 190, 1}, 3, 1, 0.003828497728074611},
        {"T 1096, isolated", {365, 365, 365, 1}, 4, 1, 0.001692774752672093},
        {"T 1096, regular", {365, 364, 366, 1}, 4, 364, 0.8224213039955949},
        {"T 20000, isolated", {10000, 9999, 1}, 3, 1, 5.2500250050010004e-05},
        {"six one-offs", {300, 300, 300, 1, 1, 1, 1, 1, 1}, 9, 1, 0.005618231735731075},
        {"a ladder, third", {1, 2, 4, 8, 16, 32, 64, 128}, 8, 4, 0.02901960784313725},
        {"a ladder, top", {1, 2, 4, 8, 16, 32, 64, 128}, 8, 128, 0.9916591436472878},
        {"ten equal", {3, 3, 3, 3, 3, 3, 3, 3, 3, 3}, 10, 3, 0.805498667815767},
        {"faint", {0.01, 50, 60}, 3, 0.01, 9.546132478927208e-05},
        {"T 100 exactly", {1, 99}, 2, 1, 0.010540927105252718},
        {"T 1000 exactly", {1, 999}, 2, 1, 0.001050405476624465},
        {"T 10000 exactly", {1, 9999}, 2, 1, 0.00010500401240092778},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct curve curve = {0}, scaled = {0};
        double got;

        fill(&curve, rows[i].weights, rows[i].n, 1);
        got = rarity_probability(&curve, rows[i].weight, 1);
        cr_expect(fabs(got - rows[i].expected) <= 1e-9 * rows[i].expected, "%s: %.17g, expected %.17g",
                  rows[i].name, got, rows[i].expected);
        /* in another unit it is the same population; a power of two is exact */
        fill(&scaled, rows[i].weights, rows[i].n, 0x1p40);
        cr_expect_eq(rarity_probability(&scaled, rows[i].weight * 0x1p40, 0x1p-40), got, "%s, scaled",
                     rows[i].name);
        curve_done(&curve);
        curve_done(&scaled);
    }
}

Test(rarity, a_curve_depends_on_its_set_of_weights_and_not_on_how_it_came_about)
{
    struct curve changed = {0}, fresh = {0};
    double weights[40];
    uint32_t seed = 7;

    for (size_t i = 0; i < 40; i++) {
        weights[i] = 1 + next_random(&seed) % 9 * 0.1;
        cr_assert_eq(curve_add(&changed, weights[i]), 0);
    }
    for (int step = 0; step < 2000; step++) {
        const size_t i = next_random(&seed) % 40;

        curve_remove(&changed, weights[i]);
        weights[i] = 1 + next_random(&seed) % 90 * 0.1;
        cr_assert_eq(curve_add(&changed, weights[i]), 0);
        if (step % 3 == 0)
            (void)curve_total(&changed); /* settles what has changed so far */
    }
    fill(&fresh, weights, 40, 1);
    cr_assert_eq(changed.n_groups, fresh.n_groups);
    cr_assert_eq(curve_total(&changed), curve_total(&fresh));
    for (size_t i = 0; i < 40; i++) {
        cr_assert_eq(curve_mass(&changed, weights[i]), curve_mass(&fresh, weights[i]));
        cr_assert_eq(rarity_probability(&changed, weights[i], 1), rarity_probability(&fresh, weights[i], 1));
    }
    cr_assert_eq(curve_mass(&fresh, 0.5), 0);
    cr_assert_eq(curve_mass(&fresh, 1e9), curve_total(&fresh));
    curve_clear(&fresh);
    cr_assert_eq(curve_total(&fresh), 0);
    curve_done(&changed);
    curve_done(&fresh);
}

Test(rarity, scores_meet_the_published_anchors)
{
    /* the raw score S(p) and the ceiling N3; the last two are capped */
    static const struct {
        double probability, raw, raw_tolerance, score, score_tolerance;
    } rows[] = {
        {1, 0, 0, 0, 0},
        {0.0350001, 0, 0, 0, 0},
        {0.035, 0.0008588605782994559, 1e-12, 10.5, 0.06},
        {0.0135, 0.005418243895197804, 1e-12, 25, 0.05},
        {0.00263, 0.03609500369560414, 1e-12, 50, 0.05},
        {5.1e-4, 0.19446736610475854, 1e-12, 75, 0.1},
        {1e-4, 1, 1e-12, 100, 1e-9},
        {1e-10, 7.391304347826087, 1e-9, 100, 0},
        {1e-50, 50, 1e-9, 100, 0},
        {1e-100, 59.702985573670844, 1e-9, 100, 0},
        {DBL_MIN, 100, 1e-9, 100, 0},
        {0, 100, 1e-9, 100, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const double raw = rarity_raw_score(rows[i].probability);
        const double score = rarity_score(rows[i].probability, raw, raw);

        cr_expect(fabs(raw - rows[i].raw) <= rows[i].raw_tolerance, "raw score of %g: %.17g",
                  rows[i].probability, raw);
        cr_expect(fabs(score - rows[i].score) <= rows[i].score_tolerance, "score of %g: %.17g",
                  rows[i].probability, score);
    }
}

Test(rarity, the_own_maximum_holds_repeats_below_itself)
{
    const double p = 1e-4, raw = rarity_raw_score(p); /* 1, and 100 by the absolute ceiling */

    /* N2: 100 min(1.5 r, 0.5 + 0.5 r) */
    cr_expect_float_eq(rarity_score(p, raw, 1), 100, 1e-9);
    cr_expect_float_eq(rarity_score(p, raw, 2), 75, 1e-9);
    cr_expect_float_eq(rarity_score(p, raw, 4), 37.5, 1e-9);
    cr_expect_float_eq(rarity_score(p, raw, 100), 1.5, 1e-9);
}
