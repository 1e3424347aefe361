/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/digest.h"

#include <errno.h>
#include <math.h>

#include "stream.h"

static void check_counts(const struct digest *digest, const char *name, const uint64_t rows[][3], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t least, most;

        digest_count(digest, (uint32_t)rows[i][0], &least, &most);
        cr_expect(least == rows[i][1] && most == rows[i][2], "%s, %u: %llu to %llu", name,
                  (unsigned)rows[i][0], (unsigned long long)least, (unsigned long long)most);
    }
}

Test(digest, is_exact_before_it_merges)
{
    struct digest digest = {0};
    uint32_t below, above;
    static const uint64_t rows[][3] = {{0, 1, 1}, {4, 1, 1}, {5, 3, 3}, {899, 3, 3}, {900, 4, 4}};

    cr_assert_eq(digest_quantile(&digest, 0.5), 0);
    cr_assert_eq(digest_add(&digest, 5, 2), 0);
    cr_assert_eq(digest_add(&digest, 900, 1), 0);
    cr_assert_eq(digest_add(&digest, 0, 1), 0);
    check_counts(&digest, "exact", rows, ARRAY_SIZE(rows));
    cr_expect_eq(digest_quantile(&digest, 0.25), 0);
    cr_expect_eq(digest_quantile(&digest, 0.5), 5);
    cr_expect_eq(digest_quantile(&digest, 1), 900);
    digest_neighbours(&digest, 5, &below, &above);
    cr_expect_eq(below, 0);
    cr_expect_eq(above, 900);
    digest_neighbours(&digest, 901, &below, &above);
    cr_expect_eq(below, 900);
    cr_expect_eq(above, UINT32_MAX);
    digest_done(&digest);
}

Test(digest, merges_as_a_plain_script_does)
{
    /* expected: the rules of the essay on a dictionary in Python, all levels walked with every sample */
    static const uint64_t merged[][3] = {{0, 1074, 1105},   {10, 1198, 1229},  {100, 1663, 1718},
                                         {500, 2427, 2459}, {900, 2876, 2926}, {2000, 3000, 3000}};
    static const uint64_t aged[][3] = {{0, 836, 860},     {10, 932, 956},    {100, 1293, 1335},
                                       {500, 1888, 1912}, {900, 2235, 2274}, {2000, 2331, 2331}};
    struct digest digest = {0}, loaded = {0};
    struct buffer bytes = BUFFER_INIT;
    struct slice left;
    uint32_t seed = 7, below, above;

    for (int i = 0; i < 3000; i++) {
        uint32_t value = 0;

        if (i % 3 != 0) {
            value = next_random(&seed) % 100;
            value = value * value / 10;
        }
        cr_assert_eq(digest_add(&digest, value, 1), 0);
    }
    cr_expect_eq(digest.n, 3000);
    cr_expect_eq(digest.n_nodes, 138);
    check_counts(&digest, "merged", merged, ARRAY_SIZE(merged));
    cr_expect_eq(digest_quantile(&digest, 0.5), 57);
    cr_expect_eq(digest_quantile(&digest, 0.9), 705);
    cr_expect_eq(digest_quantile(&digest, 0.99), 1023);
    digest_neighbours(&digest, 100, &below, &above);
    cr_expect_eq(below, 96);
    cr_expect_eq(above, 104);

    cr_assert_eq(digest_save(&digest, &bytes), 0);
    left = buffer_slice(&bytes);
    cr_assert_eq(digest_load(&loaded, &left), 0);
    cr_expect_eq(left.len, 0);
    check_counts(&loaded, "loaded", merged, ARRAY_SIZE(merged));
    digest_age(&loaded, exp(-0.25), 1);
    check_counts(&loaded, "aged", aged, ARRAY_SIZE(aged));
    digest_done(&loaded);
    digest_done(&digest);
    buffer_done(&bytes);
}

Test(digest, stays_small_whatever_is_put_in)
{
    struct digest digest = {0};
    uint32_t seed = 5;
    uint64_t least, most;

    for (int i = 0; i < 100000; i++)
        cr_assert_eq(digest_add(&digest, next_random(&seed) % (1U << DIGEST_MAX_LEVEL), 1), 0);
    cr_expect(digest.n_nodes <= 603, "%zu nodes", digest.n_nodes);
    digest_count(&digest, 1U << (DIGEST_MAX_LEVEL - 1), &least, &most);
    cr_expect(least > 45000 && most < 55000 && most - least < 5000, "%llu to %llu", (unsigned long long)least,
              (unsigned long long)most);
    /* a pause of any length ends where nothing changes: 0.5 rounds up, so nothing vanishes at this rate */
    digest_age(&digest, exp(-0.00025), INT64_MAX);
    cr_expect(digest.n > 0);
    digest_age(&digest, 0.4, 10);
    cr_expect_eq(digest.n, 0);
    digest_done(&digest);
}
