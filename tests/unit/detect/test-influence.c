/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/influence.h"

#include <math.h>
#include <stdio.h>

#include "stream.h"

struct golden_row {
    size_t i;
    int64_t bucket;
    const char *user;
    double probability, score, bucket_score;
    const char *host;
    double host_score;
};

struct golden {
    const struct golden_row *rows;
    size_t n_rows, next, n;
    double sum_log, sum_score, sum_bucket, sum_host;
};

static int golden_final(void *userdata, const struct verdict *v)
{
    struct golden *golden = userdata;
    const struct verdict_influencer *host = NULL;

    for (size_t i = 0; i < v->n_influencers && !host; i++)
        host = strcmp(v->influencers[i].field, "host") == 0 ? &v->influencers[i] : NULL;
    cr_assert(host && v->has_bucket_score);
    golden->sum_log += log(v->probability);
    golden->sum_score += v->score;
    golden->sum_bucket += v->bucket_score;
    golden->sum_host += host->score;
    if (golden->next < golden->n_rows && golden->rows[golden->next].i == golden->n) {
        const struct golden_row *row = &golden->rows[golden->next++];

        cr_expect(slice_equal_string(v->user, row->user), "%zu: %.*s", row->i, SLICE_FMT(v->user));
        cr_expect_eq((v->bucket_start_usec - T0) / SPAN, row->bucket, "%zu", row->i);
        cr_expect_float_eq(v->probability, row->probability, 1e-9, "%zu: %.17g", row->i, v->probability);
        cr_expect_float_eq(v->score, row->score, 1e-6, "%zu: score %.17g", row->i, v->score);
        cr_expect_float_eq(v->bucket_score, row->bucket_score, 1e-6, "%zu: bucket %.17g", row->i,
                           v->bucket_score);
        cr_expect(slice_equal_string(host->value, row->host), "%zu: %.*s", row->i, SLICE_FMT(host->value));
        cr_expect_float_eq(host->score, row->host_score, 1e-6, "%zu: host %.17g", row->i, host->score);
    }
    golden->n++;
    return 0;
}

static void feed_one(struct detector *d, struct golden *golden, int64_t bucket, int i, const char *user,
                     uint32_t host, uint32_t process)
{
    const struct detector_callbacks callbacks = {.final = golden_final, .userdata = golden};
    char host_name[8], process_name[8];
    struct event event = EVENT_INIT;

    (void)snprintf(host_name, sizeof(host_name), "h%u", host);
    (void)snprintf(process_name, sizeof(process_name), "p%u", process);
    event.time_usec = T0 + bucket * SPAN + i * USEC_PER_SEC;
    event.host = slice_from_string(host_name);
    event.process_name = slice_from_string(process_name);
    cr_assert_eq(detector_feed(d, &event, slice_from_string(user), SLICE(""), &callbacks), 0);
}

Test(influence, a_churny_stream_gives_what_a_plain_script_gives)
{
    /* expected: the reference description's sections 2.1 to 2.6 in Python with scipy 1.17.1, eagerly and with
     * none of the structures here; its results for Elastic's own streams are within 1e-12 given their
     * probabilities. In 60 of the records the percentile ceiling decides. */
    static const struct golden_row rows[] = {
        {86, 35, "n350", 0.019924637509368754, 19.064646734684278, 0.0, "h0", 0.0},
        {158, 65, "n650", 0.023512996394181203, 4.334903458057536, 0.0, "h0", 0.0},
        {363, 151, "n1513", 0.01969945750498432, 8.343695728633897, 61.381720244586994, "h0",
         72.4568794183963},
        {876, 378, "n3780", 0.014415789733408579, 24.011881796591826, 2.8436762981823365, "h0",
         3.271864300540607},
        {1226, 533, "n5331", 0.013155001434381563, 25.410940041834802, 90.83732351756538, "h0",
         94.22322354955546},
        {1230, 534, "n5340", 0.013397086046643697, 19.63768975459608, 0.0, "h0", 0.5875121440629347},
        {1378, 598, "n5980", 0.014715966247383487, 16.13495341594643, 0.0, "h0", 0.0},
        {1474, 640, "n6400", 0.013917362891362093, 17.970269397851723, 0.0, "h0", 0.0},
        {1594, 682, "n6821", 0.0154992027681964, 2.395934221006705, 2.99516526595862, "h0",
         1.8104350329553238},
        {1724, 742, "n7420", 0.015046187460580264, 16.953831133539932, 75.91322616866532, "h0",
         45.99292228638299},
        {1929, 823, "n8230", 0.01502329003928333, 18.032678684033936, 2.1588685005635337, "h0",
         2.0546166726987134},
        {1945, 831, "n8311", 0.01564748329237083, 2.3753271021272204, 67.09533570136796, "h0",
         75.09299810912937},
        {2823, 1229, "n12290", 0.01191134474287215, 26.929059920505072, 0.0, "h0", 0.19972999827251536},
        {3371, 1458, "n14582", 0.012933591229018992, 25.670416083679026, 29.71104850051382, "h0",
         26.55989247667614},
        {3482, 1499, "u5", 0.25016020738002465, 0.0, 0.0, "h0", 0.0},
    };
    struct golden golden = {.rows = rows, .n_rows = ARRAY_SIZE(rows)};
    struct detector *d = new_rare(OPTIONS_DECAY);
    const struct detector_callbacks callbacks = {.final = golden_final, .userdata = &golden};
    uint32_t seed = 7;
    char user[16];

    for (int64_t bucket = 0; bucket < 1500; bucket++) {
        uint32_t n, k;

        if (next_random(&seed) % 10 == 0)
            continue;
        n = 1 + next_random(&seed) % 5;
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t a = next_random(&seed) % 9, c = next_random(&seed) % 9;
            const uint32_t host = next_random(&seed) % 4;

            (void)snprintf(user, sizeof(user), "u%u", MIN(a, c));
            feed_one(d, &golden, bucket, (int)i, user, host, next_random(&seed) % 3);
        }
        k = next_random(&seed) % 40;
        n = k < 2 ? 1 + k * (next_random(&seed) % 4) : 0;
        for (uint32_t j = 0; j < n; j++) {
            (void)snprintf(user, sizeof(user), "n%lld", (long long)bucket * 10 + j);
            feed_one(d, &golden, bucket, (int)(10 + j), user, k == 0 ? next_random(&seed) % 4 : 0, 3);
        }
    }
    cr_assert_eq(detector_finish(d, &callbacks), 0);
    cr_expect_eq(golden.n, 3483, "%zu", golden.n);
    cr_expect_eq(golden.next, ARRAY_SIZE(rows));
    cr_expect_float_eq(golden.sum_log, -2621.39319853, 1e-6, "%.12g", golden.sum_log);
    cr_expect_float_eq(golden.sum_score, 2198.65536294, 1e-6, "%.12g", golden.sum_score);
    cr_expect_float_eq(golden.sum_bucket, 4433.69413344, 1e-6, "%.12g", golden.sum_bucket);
    cr_expect_float_eq(golden.sum_host, 3571.72147913, 1e-6, "%.12g", golden.sum_host);
    detector_free(d);
}

Test(influence, values_beyond_the_limit_are_counted_and_none_stays)
{
    struct detector *d = new_rare(OPTIONS_WINDOW);
    const struct rare *rare = (const struct rare *)d;
    struct said said = {0};
    char host[16];

    for (uint32_t i = 0; i < INFLUENCE_MAX_OF_USER + 10; i++) {
        const struct detector_callbacks callbacks = said_callbacks(&said);
        struct event event = EVENT_INIT;

        (void)snprintf(host, sizeof(host), "h%u", i);
        event.time_usec = T0;
        event.host = slice_from_string(host);
        cr_assert_eq(detector_feed(d, &event, SLICE("root"), SLICE(""), &callbacks), 0);
    }
    cr_expect_eq(rare_stats(d).n_influences_cut, 10);
    cr_expect_eq(rare->influences.n_open, INFLUENCE_MAX_OF_USER + 1);
    finish(d, &said);
    cr_expect_eq(said.last_final.n_influencers, INFLUENCE_MAX_OF_USER + 1);
    cr_expect_eq(rare->influences.n_open, 0);
    for (int i = 0; i < N_INFLUENCE_FIELDS; i++)
        cr_expect_null(rare->influences.values[i], "nobody was rare: nothing is remembered");
    detector_free(d);
    said_done(&said);
}
