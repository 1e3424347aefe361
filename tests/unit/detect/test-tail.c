/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/tail.h"

#include <math.h>

#include "stream.h"

/* expected in all tables: scipy 1.17.1 (ndtri, gammaincc; binom.pmf and sf along the chain of tail.c's essay)
 */

static bool is_near(double got, double expected, double tolerance)
{
    return fabs(got - expected) <= tolerance * fabs(expected);
}

Test(tail, normal_deviates_and_incomplete_gammas_are_those_of_scipy)
{
    static const struct {
        double p, expected;
    } deviates[] = {
        {1, 0},
        {0.9, 0.12566134685507402},
        {0.5, 0.6744897501960817},
        {0.1, 1.6448536269514729},
        {0.001, 3.2905267314918945},
        {1e-10, 6.466951087240516},
        {1e-100, 21.30594006935153},
        {1e-300, 37.06578788077213},
    };
    static const struct {
        double a, x, expected;
    } gammas[] = {
        {0.5, 0, 1},
        {0.5, 0.1, 0.6547208460185768},
        {0.5, 30, 9.485737571073857e-15},
        {3, 1, 0.9196986029286058},
        {3, 50, 2.509303552201055e-19},
        {50, 40, 0.9296649333406051},
        {50, 120, 1.6008226793344963e-13},
        {5000, 5000, 0.49811936596618267},
        {5000, 5300, 1.5545115785517534e-05},
    };

    for (size_t i = 0; i < ARRAY_SIZE(deviates); i++) {
        const double got = tail_normal_deviate(deviates[i].p);

        cr_expect(is_near(got, deviates[i].expected, 1e-11), "deviate of %g: %.17g", deviates[i].p, got);
    }
    for (size_t i = 0; i < ARRAY_SIZE(gammas); i++) {
        const double got = tail_gamma(gammas[i].a, gammas[i].x);

        cr_expect(is_near(got, gammas[i].expected, 1e-9), "Q(%g, %g): %.17g", gammas[i].a, gammas[i].x, got);
    }
    cr_expect(isfinite(tail_normal_deviate(0)));
    cr_expect_float_eq(tail_of_smallest(0.01, 3), 0.029701, 1e-15);
    cr_expect(is_near(tail_of_smallest(1e-200, 1000), 1e-197, 1e-12));
}

Test(tail, sets_of_probabilities_have_the_probability_of_a_plain_script)
{
    static const struct {
        const char *name;
        double of[2];
        size_t n[2];
        double third, expected;
    } rows[] = {
        {"alone", {1e-3}, {1}, 0, 0.001},
        {"beside a certain one", {1e-3, 1}, {1, 1}, 0, 0.0027596509628247316},
        {"among ordinary ones", {1e-3, 0.5}, {1, 1}, 0.9, 0.004634589195414291},
        {"six rare ones", {0.004, 0.85}, {6, 1}, 1, 2.695136594390239e-07},
        {"two very rare ones", {1e-8, 0.5}, {2, 1}, 0, 2.472583031815441e-13},
        {"a crowd hides three", {0.02, 0.5}, {3, 97}, 0, 0.6900773109617965},
        {"far out", {1e-20, 0.9}, {5, 3}, 0, 9.718329923949803e-73},
        {"next to the end of doubles", {1e-300}, {2}, 0, 2.1095373229724758e-304},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (int backwards = 0; backwards < 2; backwards++) {
            struct tally tally = {0};
            double got;

            if (rows[i].third > 0 && backwards)
                tally_add(&tally, rows[i].third, pow(tail_normal_deviate(rows[i].third), 2));
            for (int part = 0; part < 2; part++) {
                const int k = backwards ? 1 - part : part;

                for (size_t j = 0; j < rows[i].n[k]; j++)
                    tally_add(&tally, rows[i].of[k], pow(tail_normal_deviate(rows[i].of[k]), 2));
            }
            if (rows[i].third > 0 && !backwards)
                tally_add(&tally, rows[i].third, pow(tail_normal_deviate(rows[i].third), 2));
            got = tally_probability(&tally);
            cr_expect(is_near(got, rows[i].expected, 1e-8), "%s: %.17g, expected %.17g", rows[i].name, got,
                      rows[i].expected);
        }
    }
}

Test(tail, any_set_has_a_probability)
{
    uint32_t seed = 11;

    for (int round = 0; round < 3000; round++) {
        struct tally tally = {0};
        const uint32_t n = 1 + next_random(&seed) % (round % 10 == 0 ? 2000 : 8);
        double got;

        for (uint32_t i = 0; i < n; i++) {
            static const double odd[] = {0x1p-1022, 1, 1 - 0x1p-53, 0.035, 0.05};
            const uint32_t dice = next_random(&seed) % 8;
            const double p = dice < 5 ? odd[dice] : pow(10, -(double)(next_random(&seed) % 300));

            tally_add(&tally, p, pow(tail_normal_deviate(p), 2));
        }
        got = tally_probability(&tally);
        cr_assert(got > 0 && got <= 1, "round %d: %g", round, got);
    }
}
