/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/counter.h"

#include <math.h>

#include "stream.h"

/* 30 days */
#define HALF_LIFE 2592000.0
#define START     2000000U

static struct moment at(uint32_t bucket)
{
    return (struct moment){bucket * 900.0, bucket};
}

static void assert_close(double actual, double expected, const char *name)
{
    cr_assert(fabs(actual - expected) <= 1e-12 * fmax(1, fabs(expected)), "%s: %.17g, expected %.17g", name,
              actual, expected);
}

Test(counter, a_value_is_the_sum_of_the_weights_of_its_buckets)
{
    static struct decay decay;
    struct counter c = {0};
    double expected = 0;
    const uint32_t ages[] = {9000, 2880, 200, 130, 66, 65, 64, 63, 17, 1, 0};

    decay_init(&decay, HALF_LIFE, false);
    cr_assert(counter_is_empty(&c));
    cr_assert_eq(counter_previous(&c, START), UINT32_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
        cr_assert(counter_add(&decay, &c, 0, at(START - ages[i])), "age %u", ages[i]);
        expected += exp2(-(double)ages[i] / 2880);
    }
    assert_close(counter_value(&decay, &c, 0, at(START)), expected, "now");
    assert_close(counter_value(&decay, &c, 0, at(START + 2880)), expected / 2, "a half-life later");
    cr_assert_not(counter_add(&decay, &c, 0, at(START - 64)));
    cr_assert_not(counter_add(&decay, &c, 0, at(START - 65)), "too old");
    cr_assert(counter_has(&c, START) && counter_has(&c, START - 64) && !counter_has(&c, START - 2));
    cr_assert_eq(counter_previous(&c, START), START - 1);
    cr_assert_eq(counter_previous(&c, START - 17), START - 63);
    cr_assert_eq(counter_previous(&c, START - 64), START - 65);
}

/* A bucket and when it comes. */
struct late {
    uint32_t comes, bucket;
};

static int compare_late(const void *a, const void *b)
{
    const struct late *x = a, *y = b;

    return x->comes < y->comes ? -1 : x->comes > y->comes;
}

Test(counter, any_order_within_the_lateness_and_any_repetition_give_the_same_bytes)
{
    static struct decay decay;
    uint32_t seed = 3;

    decay_init(&decay, HALF_LIFE, false);
    for (unsigned round = 0; round < 300; round++) {
        const unsigned max_a_day = round % 3 * 2;
        struct counter in_order = {0}, shuffled = {0};
        struct sum sum_in_order = {0}, sum_shuffled = {0};
        struct late delayed[200];
        uint32_t buckets[200], bucket = START + next_random(&seed) % 3000;

        for (size_t i = 0; i < 200; i++) {
            buckets[i] = bucket += next_random(&seed) % (i % 20 == 0 ? 300 : 9);
            counter_add(&decay, &in_order, max_a_day, at(bucket));
            sum_add(&decay, &sum_in_order, at(bucket), 1);
        }
        for (size_t i = 0; i < 200; i++)
            delayed[i] = (struct late){buckets[i] + next_random(&seed) % 60, buckets[i]};
        qsort(delayed, 200, sizeof(delayed[0]), compare_late);
        for (size_t i = 0; i < 200; i++)
            buckets[i] = delayed[i].bucket;
        for (size_t i = 0; i < 200; i++) {
            counter_add(&decay, &shuffled, max_a_day, at(buckets[i]));
            counter_add(&decay, &shuffled, max_a_day, at(buckets[next_random(&seed) % (i + 1)]));
            sum_add(&decay, &sum_shuffled, at(buckets[i]), 1);
        }
        cr_assert_eq(memcmp(&in_order, &shuffled, sizeof(in_order)), 0, "round %u", round);
        cr_assert_eq(memcmp(&sum_in_order, &sum_shuffled, sizeof(sum_in_order)), 0, "sum, round %u", round);
    }
}

Test(counter, only_the_first_buckets_of_a_day_count_under_a_cap)
{
    static struct decay decay;
    struct counter c = {0};

    decay_init(&decay, 1e12, false); /* hardly any decay: values are counts */
    for (uint32_t i = 0; i < 3 * 96; i++) {
        counter_add(&decay, &c, 4, at(96 * 20000 + i));
        cr_assert_float_eq(counter_value(&decay, &c, 4, at(96 * 20000 + i)),
                           4 * (i / 96) + MIN(i % 96 + 1, 4U), 0.01, "bucket %u", i);
    }
}

Test(counter, a_sum_weighs_late_parts_as_if_they_had_come_in_time)
{
    static struct decay decay;
    struct sum s = {0};

    decay_init(&decay, HALF_LIFE, false);
    sum_add(&decay, &s, at(START), 1);
    sum_add(&decay, &s, at(START - 50), 2);
    cr_assert_float_eq(sum_value(&decay, &s, at(START)), 1 + 2 * exp2(-50.0 / 2880), 1e-5);
    cr_assert_float_eq(sum_value(&decay, &s, at(START + 28800)), (1 + 2 * exp2(-50.0 / 2880)) / 1024, 1e-8);
}

Test(counter, the_present_bucket_gives_what_any_other_does)
{
    static struct decay slow, fast;
    struct sum a = {0}, b = {0};

    decay_init(&slow, HALF_LIFE, false);
    decay_init(&fast, HALF_LIFE, false);
    for (uint32_t i = 0; i < 20000; i += 1 + i % 7) {
        const uint32_t bucket = START + i;

        decay_move(&fast, bucket);
        sum_add(&slow, &a, at(bucket), 1 / (1.0 + i % 5));
        sum_add(&fast, &b, at(bucket), 1 / (1.0 + i % 5));
        sum_add(&slow, &a, at(bucket - 60), 1);
        sum_add(&fast, &b, at(bucket - 60), 1);
        cr_assert_eq(memcmp(&a, &b, sizeof(a)), 0, "bucket %u", bucket);
        cr_assert_eq(sum_value(&slow, &a, at(bucket)), sum_value(&fast, &b, at(bucket)));
        cr_assert_eq(sum_value(&slow, &a, at(bucket + 1)), sum_value(&fast, &b, at(bucket + 1)));
    }
}

Test(counter, of_the_buckets_of_a_day_the_first_count_whichever_they_are)
{
    static struct decay decay;
    uint32_t seed = 7;

    decay_init(&decay, HALF_LIFE, false);
    for (unsigned round = 0; round < 300; round++) {
        const uint32_t day = START / 96 * 96; /* its first bucket */
        const unsigned cap = 1 + round % 64, share = 1 + round % 9;
        struct counter c = {0};
        double expected = 0;
        unsigned n = 0;
        bool is_capped = false;

        for (uint32_t i = 0; i < 64; i++) {
            seed = seed * 1664525U + 1013904223U;
            if (seed >> 16 & 15 && (seed >> 8 & 15) < share)
                continue;
            cr_assert(counter_add(&decay, &c, cap, at(day + i)));
            is_capped = n >= cap;
            if (n++ < cap)
                expected += exp2(-(63.0 - i) / 2880);
        }
        assert_close(counter_value(&decay, &c, cap, at(day + 63)), expected, "capped");
        cr_assert_eq(counter_is_capped(&c, cap, c.last), is_capped, "round %u", round);
    }
}

Test(counter, a_late_bucket_is_capped_by_its_own_day)
{
    static struct decay decay;
    const uint32_t day = START / 96 * 96;
    const struct {
        const char *name;
        uint32_t buckets[8]; /* of the day and the next, the late one last; 0: no more */
        bool is_capped;
    } rows[] = {
        {"its day has room, the newest's has not", {90, 96, 97, 98, 91}, false},
        {"its day has none, the newest's has", {90, 91, 96, 92}, true},
        {"the newest's own day", {96, 98, 97}, true},
        {"the newest's own day, with room", {90, 91, 92, 98, 97}, false},
        {"two that have left the bits fill their day", {10, 11, 90}, true},
        {"one that has left leaves room for one", {10, 90}, false},
        {"and for no more", {10, 90, 80}, true},
    };

    decay_init(&decay, HALF_LIFE, false);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct counter c = {0};
        uint32_t bucket = 0;

        for (size_t k = 0; rows[i].buckets[k] != 0; k++) {
            bucket = day + rows[i].buckets[k];
            cr_assert(counter_add(&decay, &c, 2, at(bucket)), "%s", rows[i].name);
        }
        cr_assert_eq(counter_is_capped(&c, 2, bucket), rows[i].is_capped, "%s", rows[i].name);
    }
}
