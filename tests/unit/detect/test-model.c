/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/model.h"

#include <math.h>
#include <stdio.h>

#include "stream.h"

static struct member *see(struct model *model, struct population *population, const char *name)
{
    struct member *member = population_find(population, slice_from_string(name));

    if (!member)
        cr_assert_eq(model_add_member(model, population, slice_from_string(name), true, &member), 0);
    model_learn(model, member, model->now_bucket);
    return member;
}

Test(model, weights_get_a_new_base_before_they_leave_the_range_of_double)
{
    const double lambda = 0.00025, f = exp(-lambda);
    struct model model = {.forget = FORGET_DECAY, .n_window = 1, .lambda = lambda, .max_users = 10};
    struct population *population;
    const int n = 100;
    double unit = 0;

    model_init(&model);
    cr_assert_eq(model_advance(&model, 1), 0);
    cr_assert_eq(model_add_population(&model, 0, SLICE(""), true, &population), 0);
    see(&model, population, "ancient");
    population->n_active = 2400000 - n / 2; /* exp(600) after half of the buckets */
    for (int i = 0; i < n; i++) {
        cr_assert_eq(model_advance(&model, 2 + i), 0);
        see(&model, population, "alice");
        cr_assert_eq(population_close(&model, population), 0);
        cr_assert_eq(population_settle(population), 0);
        unit = population_unit(&model, population);
        /* geometric sum: f + f^2 + ... */
        cr_assert_float_eq(curve_total(&population->curve) * unit, f * (1 - pow(f, i + 1)) / (1 - f), 1e-8,
                           "bucket %d", i);
    }
    cr_expect_eq(population->base, 2400001);
    cr_expect_eq(population->n_members, 1, "who weighs less than 1e-250 is forgotten");
    model_done(&model);
}

Test(model, a_window_gives_each_bit_back_once)
{
    struct model model = {.forget = FORGET_WINDOW, .n_window = 130, .lambda = 0.00025, .max_users = 10};
    bool seen[2000] = {false};
    struct population *population;
    struct member *member;
    uint32_t seed = 9;

    model_init(&model);
    for (int64_t now = 0; now < 2000; now += 1 + next_random(&seed) % 40) {
        int64_t previous = BUCKET_NONE;
        double expected = 0;

        cr_assert_eq(model_advance(&model, now), 0);
        /* anyone may have emptied it, and an empty population is gone */
        population = model_find_population(&model, 0, SLICE(""));
        if (!population)
            cr_assert_eq(model_add_population(&model, 0, SLICE(""), true, &population), 0);
        member = see(&model, population, "alice");
        seen[now] = true;
        for (int64_t bucket = MAX(INT64_C(0), now - 129); bucket <= now; bucket++) {
            expected += seen[bucket];
            if (seen[bucket] && bucket < now)
                previous = bucket;
        }
        cr_assert_eq(member->weight, expected, "bucket %lld", (long long)now);
        cr_assert_eq(member_previous_bucket(&model, member, now), previous, "bucket %lld", (long long)now);
    }
    model_done(&model);
}

Test(model, the_own_maximum_fades_and_is_forgotten_after_50_buckets)
{
    const struct model model = {.forget = FORGET_DECAY, .lambda = 0.00025};
    const struct member member = {.greatest_raw = 2, .greatest_bucket = 100},
                        none = {.greatest_bucket = BUCKET_NONE};

    cr_expect_eq(member_greatest_raw(&model, &member, 100), 2);
    cr_expect_float_eq(member_greatest_raw(&model, &member, 101), 2 * exp(-0.0005), 1e-15);
    cr_expect_float_eq(member_greatest_raw(&model, &member, 150), 2 * exp(-0.025), 1e-15);
    cr_expect_eq(member_greatest_raw(&model, &member, 151), 0);
    cr_expect_eq(member_greatest_raw(&model, &none, 10), 0);
}

Test(model, populations_have_a_limit_and_the_idle_one_goes)
{
    struct model model = {.forget = FORGET_WINDOW, .n_window = 100, .lambda = 0.00025, .max_users = 10};
    struct population *population;
    char host[16];

    model_init(&model);
    cr_assert_eq(model_advance(&model, 1), 0);
    for (unsigned i = 0; i <= MODEL_MAX_POPULATIONS; i++) {
        snprintf(host, sizeof(host), "host%u", i);
        cr_assert_eq(model_add_population(&model, 0, slice_from_string(host), true, &population), 0);
        see(&model, population, "alice");
        population_use(&model, population, i == 7 ? 1 : 2);
    }
    cr_expect_eq(model.n_evicted_populations, 1);
    cr_expect_null(model_find_population(&model, 0, SLICE("host7")));
    cr_expect_not_null(model_find_population(&model, 0, SLICE("host0")));
    cr_expect_eq(model.n_members, MODEL_MAX_POPULATIONS);
    model_done(&model);
}

Test(model, a_day_adds_at_most_its_growth_in_any_order)
{
    const int64_t span_usec = 7 * USEC_PER_HOUR; /* days of three or four buckets, by where they start */

    for (int64_t max_growth = 0; max_growth <= 4; max_growth++) {
        struct model model = {.forget = FORGET_WINDOW,
                              .n_window = 40,
                              .lambda = 0.00025,
                              .max_users = 10,
                              .max_growth = max_growth,
                              .span_usec = span_usec};
        bool seen[600] = {false};
        uint32_t seed = (uint32_t)max_growth + 3;

        model_init(&model);
        for (int64_t now = 0; now < 600; now += 1 + next_random(&seed) % 20) {
            struct population *population;
            struct member *member;
            const int64_t late = MAX(INT64_C(0), now - next_random(&seed) % 12);
            double expected = 0;

            cr_assert_eq(model_advance(&model, now), 0);
            population = model_find_population(&model, 0, SLICE(""));
            if (!population)
                cr_assert_eq(model_add_population(&model, 0, SLICE(""), true, &population), 0);
            member = see(&model, population, "alice");
            for (int64_t bucket = now; bucket >= late; bucket -= 1 + bucket % 2) {
                model_learn(&model, member, bucket);
                seen[bucket] = true;
            }
            for (int64_t day = 0; day * USEC_PER_DAY <= now * span_usec; day++) {
                double of_day = 0;

                for (int64_t bucket = MAX(INT64_C(0), now - 39); bucket <= now; bucket++)
                    of_day += seen[bucket] && bucket * span_usec / USEC_PER_DAY == day;
                expected += max_growth > 0 ? fmin(of_day, (double)max_growth) : of_day;
            }
            cr_assert_eq(member->weight, expected, "growth %lld, bucket %lld: %g, expected %g",
                         (long long)max_growth, (long long)now, member->weight, expected);
        }
        model_done(&model);
    }
}
