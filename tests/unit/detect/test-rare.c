/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/rare.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "stream.h"

/* n buckets of three regulars, from T0 on; returns the seconds after T0 where the next bucket begins. */
static double feed_regulars(struct detector *d, struct said *said, int n)
{
    for (int i = 0; i < n; i++) {
        feed(d, said, i * 900.0, "alice");
        feed(d, said, i * 900.0 + 10, "bob");
        feed(d, said, i * 900.0 + 20, "carol");
    }
    return n * 900.0;
}

struct golden {
    struct said said;
    double sum_log, sum_score;
    size_t n, n_alerts;
    struct {
        int64_t t;
        char user[8];
        double probability, score;
    } items[2000];
};

static int golden_final(void *userdata, const struct verdict *v)
{
    struct golden *golden = userdata;

    golden->items[golden->n].t = (v->bucket_start_usec - T0) / USEC_PER_SEC;
    snprintf(golden->items[golden->n].user, 8, "%.*s", SLICE_FMT(v->user));
    golden->items[golden->n].probability = v->probability;
    golden->items[golden->n++].score = v->score;
    golden->sum_log += log(v->probability);
    golden->sum_score += v->score;
    golden->n_alerts += v->score >= v->threshold;
    return 0;
}

Test(rare, decay_gives_what_a_plain_script_gives_for_a_seeded_stream)
{
    /* expected: the description's sections 2.1 to 2.5 (N2, N3) in Python with scipy 1.17.1, eagerly and
     * without any of the structures here; its results for Elastic's own streams are within 1e-7 */
    static const struct {
        size_t i;
        int64_t t;
        const char *user;
        double probability, score;
    } rows[] = {
        {0, 900, "u3", 0.7177276604203872, 0},
        {1, 900, "u4", 0.7177276604203872, 0},
        {3, 1800, "u0", 0.6294634709728308, 0},
        {10, 6300, "u8", 0.5231214965902863, 0},
        {50, 32400, "u1", 0.32237310018516635, 0},
        {100, 62100, "u1", 0.7175075705548635, 0},
        {163, 98100, "u11", 0.018279495229646003, 20.381998112349315},
        {200, 122400, "u10", 0.047082620176870385, 0},
        {229, 138600, "u11", 0.017245697924677266, 21.271939570033005},
        {231, 139500, "u11", 0.02897875923976828, 13.338207034417996},
        {400, 240300, "u2", 0.6126630238978814, 0},
        {586, 352800, "u11", 0.012623476425408103, 26.041415004437646},
        {1000, 611100, "u4", 0.509918765452252, 0},
        {1387, 849600, "u11", 0.010701837183007136, 28.565881825382867},
        {1892, 1163700, "u4", 0.4795258731282705, 0},
    };
    static struct golden golden;
    const struct detector_callbacks callbacks = {.final = golden_final, .userdata = &golden};
    struct detector *d = new_rare(OPTIONS_DECAY);
    uint32_t seed = 20260105;
    int64_t t = 100;

    for (int i = 0; i < 2000; i++) {
        struct event event = EVENT_INIT;
        uint32_t a, b;
        char user[16];

        t += next_random(&seed) % 1200;
        a = next_random(&seed) % 12;
        b = next_random(&seed) % 12;
        snprintf(user, sizeof(user), "u%u", MIN(a, b));
        event.time_usec = T0 + t * USEC_PER_SEC;
        cr_assert_eq(detector_feed(d, &event, slice_from_string(user), SLICE(""), &callbacks), 0);
    }
    cr_assert_eq(detector_finish(d, &callbacks), 0);
    cr_assert_eq(golden.n, 1893);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cr_expect_eq(golden.items[rows[i].i].t, rows[i].t, "record %zu", rows[i].i);
        cr_expect_str_eq(golden.items[rows[i].i].user, rows[i].user, "record %zu", rows[i].i);
        cr_expect(fabs(golden.items[rows[i].i].probability / rows[i].probability - 1) < 1e-9,
                  "record %zu: %.17g", rows[i].i, golden.items[rows[i].i].probability);
        cr_expect(fabs(golden.items[rows[i].i].score - rows[i].score) < 1e-7, "record %zu: %.17g", rows[i].i,
                  golden.items[rows[i].i].score);
    }
    cr_expect(fabs(golden.sum_log - -1415.6423146385193) < 1e-6, "%.17g", golden.sum_log);
    cr_expect(fabs(golden.sum_score - 365.5905296931357) < 1e-6, "%.17g", golden.sum_score);
    cr_expect_eq(golden.n_alerts, 9);
    detector_free(d);
}

Test(rare, decay_ignores_the_first_partial_bucket_of_each_population)
{
    struct detector *d = new_rare(OPTIONS_DECAY);
    struct said said = {0};

    feed_event(d, &said, T0 + 1, "alice", "web", ACTOR_PERSON, -1);
    cr_assert_eq(said.last.reason, VERDICT_PARTIAL_BUCKET);
    cr_assert(!said.last.has_probability);
    cr_assert_eq(said.last.score, 0);
    cr_assert_eq(detector_deadline_usec(d), INT64_MAX);
    /* exactly on an edge: the whole bucket is seen */
    feed_event(d, &said, T0 + SPAN, "alice", "db", ACTOR_PERSON, -1);
    cr_assert_eq(said.last.reason, VERDICT_BELOW_THRESHOLD);
    cr_assert_eq(said.last.probability, 1);
    cr_assert_eq(said.n_final, 0);
    cr_assert_eq(detector_deadline_usec(d), T0 + 2 * SPAN);
    /* one clock: this closes the bucket of db, and is first seen on web although it was there before */
    feed_event(d, &said, T0 + 2 * SPAN + 5, "alice", "web", ACTOR_PERSON, -1);
    cr_assert_eq(said.n_final, 1);
    cr_assert(said.last.is_first_seen);
    cr_assert_eq(said.last.n_users, 1);
    feed_event(d, &said, T0 + 2 * SPAN + 6, "alice", "mail", ACTOR_PERSON, -1);
    cr_assert_eq(said.last.reason, VERDICT_PARTIAL_BUCKET);
    detector_free(d);
    said_done(&said);
}

Test(rare, decay_weighs_active_buckets_only)
{
    const double f = exp(-0.00025);
    struct detector *d = new_rare(OPTIONS_DECAY);
    struct said said = {0};

    feed(d, &said, 0, "alice");
    cr_expect_float_eq(said.last.user_weight, f, 1e-15);
    feed(d, &said, 1, "alice"); /* counts once in a bucket */
    cr_expect_float_eq(said.last.user_weight, f, 1e-15);
    cr_expect_eq(said.last.n_events, 2);
    feed(d, &said, 900.0 * 5000, "bob"); /* 4999 empty buckets take nothing */
    cr_expect_float_eq(said.last.total_weight, f * f + f, 1e-15);
    feed(d, &said, 900.0 * 5001, "alice");
    cr_expect_float_eq(said.last.user_weight, f * f * f + f, 1e-15);
    cr_expect_float_eq(said.last.less_likely_weight, f * f * f + f * f + f, 1e-15);
    cr_expect_eq(said.last.previous_seen_usec, T0);
    cr_expect_eq(said.last.first_seen_usec, T0);
    cr_expect(!said.last.is_first_seen);
    detector_free(d);
    said_done(&said);
}

Test(rare, decay_takes_nothing_older_than_the_open_bucket)
{
    struct detector *d = new_rare(OPTIONS_DECAY);
    struct said said = {0};

    feed(d, &said, 900, "alice");
    feed(d, &said, 1800, "alice");
    feed(d, &said, 1799, "bob");
    cr_assert_eq(said.last.reason, VERDICT_LATE);
    cr_assert(!said.last.has_probability);
    feed(d, &said, 1850, "alice");
    feed(d, &said, 1801, "bob"); /* out of order inside the open bucket is not late */
    cr_assert_eq(said.last.n_users, 2);
    cr_assert_eq(rare_stats(d).n_late, 1);
    /* closed by hand is closed */
    finish(d, &said);
    feed(d, &said, 1860, "bob");
    cr_assert_eq(said.last.reason, VERDICT_LATE);
    detector_free(d);
    said_done(&said);
}

Test(rare, an_alert_is_given_once_for_a_user_and_bucket)
{
    for (int forget = FORGET_WINDOW; forget <= FORGET_DECAY; forget++) {
        struct detector *d = new_rare(forget == FORGET_WINDOW ? OPTIONS_WINDOW : OPTIONS_DECAY);
        struct said said = {0};
        double t = feed_regulars(d, &said, 100);
        double score;

        cr_assert_eq(said.n_alerts, 0);
        feed(d, &said, t, "mallory");
        cr_assert_eq(said.last.reason, VERDICT_ALERT);
        cr_assert(said.last.score >= 25 && said.last.score <= 100);
        cr_assert(said.last.is_first_seen);
        score = said.last.score;
        feed(d, &said, t + 1, "mallory");
        cr_assert_eq(said.last.reason, VERDICT_REPEATED);
        cr_assert_eq(said.last.score, score);
        feed(d, &said, t + 900, "mallory");
        /* the final verdict has the last event, the same numbers, and no second alert */
        cr_assert_eq(said.last_final.reason, VERDICT_REPEATED);
        cr_assert_eq(said.last_final.score, score);
        cr_assert_eq(said.last_final.n_events, 2);
        /* a new bucket may alert anew, but its own maximum (N2) takes off more than the weight does */
        cr_assert(said.last.score < score);
        cr_assert(said.last.reason == VERDICT_ALERT || said.last.reason == VERDICT_BELOW_THRESHOLD);
        detector_free(d);
        said_done(&said);
    }
}

Test(rare, a_final_verdict_alerts_where_no_event_did)
{
    bool is_met = false;

    /* mallory comes first in a bucket, the regulars after: at its end mallory is rarer than at the event. For
     * some number of buckets before it the threshold lies between the two. */
    for (int n = 20; n < 60 && !is_met; n++) {
        struct detector *d = new_rare(OPTIONS_DECAY);
        struct said said = {0};
        double t = feed_regulars(d, &said, n);

        feed(d, &said, t, "mallory");
        is_met = said.last.reason == VERDICT_BELOW_THRESHOLD;
        feed(d, &said, t + 1, "alice");
        feed(d, &said, t + 2, "bob");
        feed(d, &said, t + 3, "carol");
        is_met = is_met && said.n_alerts == 0;
        finish(d, &said);
        is_met = is_met && said.n_alerts == 1 && said.last_final.reason == VERDICT_ALERT &&
                 said.last_final.is_final && said.last_final.is_first_seen;
        detector_free(d);
        said_done(&said);
    }
    cr_assert(is_met);
}

Test(rare, a_window_forgets_exactly_and_a_forgotten_user_is_new)
{
    struct rare_options options = OPTIONS_WINDOW;
    struct detector *d;
    struct said said = {0};

    options.window_usec = USEC_PER_DAY; /* 96 buckets */
    d = new_rare(options);
    feed(d, &said, 0, "mallory");
    feed(d, &said, 900.0 * 10, "alice");
    feed(d, &said, 900.0 * 20, "alice");
    feed(d, &said, 900.0 * 95, "alice"); /* the window is buckets 0 to 95 */
    cr_expect_eq(said.last.n_users, 2);
    cr_expect_eq(said.last.user_weight, 3);
    cr_expect_eq(said.last.total_weight, 4);
    cr_expect_eq(said.last.previous_seen_usec, T0 + 20 * SPAN);
    feed(d, &said, 900.0 * 96, "alice"); /* 1 to 96 */
    cr_expect_eq(said.last.n_users, 1);
    cr_expect_eq(said.last.total_weight, 4);
    feed(d, &said, 900.0 * 106, "mallory"); /* 11 to 106 */
    cr_expect(said.last.is_first_seen);
    cr_expect_eq(said.last.user_weight, 1);
    cr_expect_eq(said.last.total_weight, 4);
    feed(d, &said, 900.0 * 1000, "bob");
    cr_expect_eq(said.last.n_users, 1);
    cr_expect_eq(said.last.total_weight, 1);
    cr_expect_eq(said.last.probability, 1);
    detector_free(d);
    said_done(&said);
}

Test(rare, a_window_learns_late_events_where_they_belong)
{
    struct detector *d = new_rare(OPTIONS_WINDOW);
    struct said said = {0};

    feed(d, &said, 900.0 * 100, "alice");
    feed(d, &said, 900.0 * 40, "alice");
    cr_expect_eq(said.last.user_weight, 2);
    cr_expect_eq(said.last.bucket_start_usec, T0 + 40 * SPAN);
    cr_expect(said.last.is_first_seen);
    feed(d, &said, 900.0 * 50, "alice");
    cr_expect_eq(said.last.previous_seen_usec, T0 + 40 * SPAN);
    feed(d, &said, 900.0 * 40 + 5, "alice"); /* the same again */
    cr_expect_eq(said.last.user_weight, 3);
    feed(d, &said, 900.0 * 36, "bob"); /* 64 buckets before the open one */
    cr_expect_eq(said.last.reason, VERDICT_BELOW_THRESHOLD);
    feed(d, &said, 900.0 * 36 - 1, "bob");
    cr_expect_eq(said.last.reason, VERDICT_LATE);
    feed(d, &said, 900.0 * 100 + 1, "alice");
    cr_expect_eq(said.last.previous_seen_usec, T0 + 50 * SPAN);
    cr_expect_eq(said.last.first_seen_usec, T0 + 40 * SPAN);
    finish(d, &said);
    cr_expect_eq(said.n_final, 1, "the buckets of late events have had their finals");
    detector_free(d);
    said_done(&said);
}

Test(rare, a_late_alert_is_given_once_as_well)
{
    struct detector *d = new_rare(OPTIONS_WINDOW);
    struct said said = {0};
    double t = feed_regulars(d, &said, 200);

    feed(d, &said, t - 900 * 7, "mallory");
    cr_expect_eq(said.last.reason, VERDICT_ALERT);
    feed(d, &said, t - 900 * 7 + 1, "mallory");
    cr_expect_eq(said.last.reason, VERDICT_REPEATED);
    cr_expect_eq(said.n_alerts, 1);
    detector_free(d);
    said_done(&said);
}

Test(rare, with_a_window_the_order_of_events_and_repeats_do_not_matter)
{
    static const char *const users[] = {"a", "b", "c", "d", "e", "f"};
    int64_t times[60];
    const char *who[60];
    double expected[6] = {0};
    uint32_t seed = 3;

    /* all within the lateness of each other, and of the start: the first event opens the last bucket */
    for (int i = 0; i < 60; i++) {
        times[i] = T0 + (int64_t)(next_random(&seed) % 50) * SPAN + next_random(&seed) % 899;
        who[i] = users[MIN(next_random(&seed) % 6, next_random(&seed) % 6)];
    }
    for (int round = 0; round < 20; round++) {
        struct detector *d = new_rare(OPTIONS_WINDOW);
        struct said said = {0};

        for (int i = 59; i > 0; i--) { /* Fisher and Yates */
            const uint32_t j = next_random(&seed) % (uint32_t)(i + 1);
            const int64_t time = times[i];
            const char *user = who[i];

            times[i] = times[j];
            who[i] = who[j];
            times[j] = time;
            who[j] = user;
        }
        for (int i = 0; i < 60; i++) {
            const uint32_t again = next_random(&seed) % (uint32_t)(i + 1);

            feed_event(d, &said, times[i], who[i], "", ACTOR_PERSON, -1);
            feed_event(d, &said, times[again], who[again], "", ACTOR_PERSON, -1);
        }
        for (int i = 0; i < 6; i++) {
            feed_event(d, &said, T0 + 60 * SPAN, users[i], "", ACTOR_PERSON, -1);
            if (round == 0)
                expected[i] = said.last.probability;
            cr_expect_eq(said.last.probability, expected[i], "round %d, %s", round, users[i]);
        }
        detector_free(d);
        said_done(&said);
    }
}

Test(rare, with_a_window_people_services_and_numbers_share_no_mass)
{
    struct detector *d = new_rare(OPTIONS_WINDOW), *decay = new_rare(OPTIONS_DECAY);
    struct said said = {0};

    feed_event(d, &said, T0, "root", "", ACTOR_SERVICE, -1);
    feed_event(d, &said, T0, "root", "", ACTOR_PERSON, -1);
    cr_expect_eq(said.last.n_users, 1);
    cr_expect_eq(said.last.total_weight, 1);
    feed_event(d, &said, T0, "100123", "", ACTOR_NUMERIC, -1);
    cr_expect_eq(said.last.n_users, 1);
    feed_event(decay, &said, T0, "root", "", ACTOR_SERVICE, -1);
    feed_event(decay, &said, T0, "alice", "", ACTOR_PERSON, -1);
    cr_expect_eq(said.last.n_users, 2);
    detector_free(d);
    detector_free(decay);
    said_done(&said);
}

Test(rare, in_one_population_a_user_is_the_same_however_it_was_logged)
{
    struct rare_options options = OPTIONS_WINDOW;
    struct said said = {0};
    struct detector *d;

    options.populations = POPULATIONS_ONE;
    d = new_rare(options);
    feed_event(d, &said, T0, "nagios", "", ACTOR_SERVICE, -1);
    feed_event(d, &said, T0 + SPAN, "nagios", "", ACTOR_PERSON, -1);
    cr_expect_eq(said.last.n_users, 1);
    cr_expect_eq(said.last.user_weight, 2);
    feed_event(d, &said, T0 + SPAN, "alice", "", ACTOR_PERSON, -1);
    cr_expect_eq(said.last.n_users, 2);
    cr_expect_eq(said.last.total_weight, 3);
    detector_free(d);
    said_done(&said);
}

Test(rare, finals_come_by_user_then_partition_then_kind)
{
    struct detector *d = new_rare(OPTIONS_WINDOW);
    struct said said = {0};
    char order[200] = "";
    const char *line;

    feed_event(d, &said, T0, "zoe", "a", ACTOR_PERSON, 1);
    feed_event(d, &said, T0, "bob", "b", ACTOR_PERSON, 2);
    feed_event(d, &said, T0, "bob", "a", ACTOR_SERVICE, 3);
    feed_event(d, &said, T0, "bob", "a", ACTOR_PERSON, 4);
    feed_event(d, &said, T0, "bo", "c", ACTOR_PERSON, 5);
    feed_event(d, &said, T0 + 1, "zoe", "a", ACTOR_PERSON,
               6); /* the last event of its bucket is the one shown */
    finish(d, &said);
    cr_assert_eq(buffer_append_char(&said.text, '\0'), 0);
    for (line = strstr(said.text.data, "final"); line; line = strstr(line + 1, "final")) {
        strncat(order, strstr(line, "pid=") + 4, 1);
    }
    cr_expect_str_eq(order, "54326");
    detector_free(d);
    said_done(&said);
}

Test(rare, an_event_without_a_user_has_no_score_and_still_moves_the_clock)
{
    struct detector *d = new_rare(OPTIONS_DECAY);
    struct said said = {0};

    feed(d, &said, 0, "alice");
    feed(d, &said, 900, NULL);
    cr_expect_eq(said.last.reason, VERDICT_NO_USER);
    cr_expect(!said.last.has_probability);
    cr_expect_eq(said.n_final, 1);
    detector_free(d);
    said_done(&said);
}

Test(rare, advance_closes_what_ends_at_or_before_it)
{
    struct detector *d = new_rare(OPTIONS_DECAY);
    struct said said = {0};
    const struct detector_callbacks callbacks = said_callbacks(&said);

    cr_expect_eq(detector_advance(d, T0, &callbacks), 0);
    feed(d, &said, 0, "alice");
    cr_expect_eq(detector_advance(d, T0 + SPAN - 1, &callbacks), 0);
    cr_expect_eq(said.n_final, 0);
    cr_expect_eq(detector_deadline_usec(d), T0 + SPAN);
    cr_expect_eq(detector_advance(d, T0 + SPAN, &callbacks), 0);
    cr_expect_eq(said.n_final, 1);
    cr_expect_eq(detector_deadline_usec(d), INT64_MAX);
    cr_expect_eq(detector_advance(d, 0, &callbacks), 0);
    finish(d, &said);
    cr_expect_eq(said.n_final, 1);
    detector_free(d);
    said_done(&said);
}

Test(rare, impossible_times_neither_crash_nor_overflow)
{
    static const int64_t times[] = {INT64_MIN, -1, 0, INT64_MAX, INT64_MAX - 1, T0};

    for (int forget = FORGET_WINDOW; forget <= FORGET_DECAY; forget++) {
        struct detector *d = new_rare(forget == FORGET_WINDOW ? OPTIONS_WINDOW : OPTIONS_DECAY);
        struct said said = {0};

        for (size_t i = 0; i < ARRAY_SIZE(times); i++)
            feed_event(d, &said, times[i], "alice", "", ACTOR_PERSON, -1);
        cr_expect_eq(said.last.reason, VERDICT_LATE);
        finish(d, &said);
        cr_expect_eq(said.n_provisional, ARRAY_SIZE(times));
        detector_free(d);
        said_done(&said);
    }
}

Test(rare, at_the_limit_the_least_informative_goes_and_newcomers_are_modelled)
{
    for (int forget = FORGET_WINDOW; forget <= FORGET_DECAY; forget++) {
        struct rare_options options = forget == FORGET_WINDOW ? OPTIONS_WINDOW : OPTIONS_DECAY;
        struct detector *d;
        struct said said = {0};
        double t;

        options.max_users = 5;
        d = new_rare(options);
        t = feed_regulars(d, &said, 50);
        feed(d, &said, t, "old");
        feed(d, &said, t + 900, "newer");
        feed(d, &said, t + 1800, "newest"); /* "old" goes: as light as the others and longest absent */
        cr_expect_eq(said.last.n_users, 5);
        cr_expect(said.last.has_probability);
        feed(d, &said, t + 2700, "newer");
        cr_expect(!said.last.is_first_seen);
        feed(d, &said, t + 3600, "old");
        cr_expect(said.last.is_first_seen);
        feed(d, &said, t + 4500, "alice");
        cr_expect(said.last.user_weight > 49);
        cr_expect_eq(rare_stats(d).n_evicted_users, 2);
        /* one bucket of more names than there are places: those in it stay, what finds no place is told so */
        for (int i = 0; i < 10; i++) {
            char user[16];

            snprintf(user, sizeof(user), "forged%d", i);
            feed(d, &said, t + 5400 + i, user);
        }
        cr_expect_eq(said.last.reason, VERDICT_TABLE_FULL);
        cr_expect(rare_stats(d).n_table_full > 0);
        feed(d, &said, t + 6300, "alice");
        cr_expect(said.last.user_weight > 49, "a flood of one bucket does not take the regulars");
        detector_free(d);
        said_done(&said);
    }
}

Test(rare, huge_names_and_arguments_are_cut)
{
    struct detector *d = new_rare(OPTIONS_WINDOW);
    struct said said = {0};
    const struct detector_callbacks callbacks = said_callbacks(&said);
    struct event event = EVENT_INIT;
    struct slice args[2];
    char *huge = malloc(1 << 20);

    cr_assert(huge);
    memset(huge, 'x', 1 << 20);
    args[0] = SLICE("ss");
    args[1] = slice_new(huge, 1 << 20);
    event.time_usec = T0;
    event.args = args;
    event.n_args = 2;
    event.host = event.process_name = args[1];
    cr_assert_eq(detector_feed(d, &event, args[1], args[1], &callbacks), 0);
    cr_expect_eq(said.last.user.len, MODEL_MAX_NAME_BYTES);
    cr_expect_eq(said.last.partition.len, MODEL_MAX_NAME_BYTES);
    cr_expect_eq(rare_stats(d).n_names_cut, 2);
    cr_expect_eq(rare_stats(d).n_events_cut, 1);
    finish(d, &said);
    cr_expect_eq(said.n_final, 1);
    free(huge);
    detector_free(d);
    said_done(&said);
}

Test(rare, ten_thousand_users_are_scored_in_well_under_a_millisecond)
{
    for (int forget = FORGET_WINDOW; forget <= FORGET_DECAY; forget++) {
        struct detector *d = new_rare(forget == FORGET_WINDOW ? OPTIONS_WINDOW : OPTIONS_DECAY);
        struct said said = {0};
        struct timespec from, to;
        uint32_t seed = 1;
        double usec;
        const int n = 2000;

        for (int i = 0; i < 10000; i++) {
            char user[16];

            snprintf(user, sizeof(user), "user%d", i);
            feed(d, &said, i * 100.0, user);
        }
        /* CPU time of this process and a wide margin: this fails only for a wrong order of growth */
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        for (int i = 0; i < n; i++) {
            char user[16];

            snprintf(user, sizeof(user), "user%u", next_random(&seed) % 10000);
            feed(d, &said, 1e6 + i * 100.0, user);
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        usec = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / 1e3 / n;
        cr_log_info("%.1f us an event", usec);
        cr_expect(usec < 1000, "%.1f us an event", usec);
        detector_free(d);
        said_done(&said);
    }
}

/* How many of the next buckets an attacker's command still alerts in, after n_days of it in every bucket. */
static int count_alerts_of_attacker(int64_t max_growth, int n_days, double *ret_weight)
{
    struct rare_options options = OPTIONS_WINDOW;
    struct detector *d;
    struct said said = {0};
    double t = 0;
    int n = 0;

    options.max_growth = max_growth;
    d = new_rare(options);
    for (int day = 0; day < 28;
         day++) { /* four people, an hour's worth of buckets in office hours each day */
        for (int i = 0; i < 4; i++) {
            for (int u = 0; u < 4; u++) {
                static const char *const users[] = {"alice", "bob", "carol", "dave"};

                feed(d, &said, day * 86400.0 + 9 * 3600 + i * 5400 + u, users[u]);
            }
        }
    }
    t = 28 * 86400.0;
    for (int i = 0; i < 96 * n_days; i++) {
        feed(d, &said, t + i * 900, "mallory");
        n += said.last.reason == VERDICT_ALERT;
    }
    *ret_weight = said.last.user_weight;
    detector_free(d);
    said_done(&said);
    return n;
}

Test(rare, an_attacker_around_the_clock_gains_a_working_day_a_day)
{
    double capped, uncapped;
    const int n_capped = count_alerts_of_attacker(32, 3, &capped);
    const int n_uncapped = count_alerts_of_attacker(0, 3, &uncapped);

    /* three days in every bucket: 3 x 32, not 3 x 96, and so less than the 112 of each of the regulars, whom
     * he would have left behind after a day and a half */
    cr_expect_eq(capped, 96);
    cr_expect_eq(uncapped, 288);
    /* and in no way unseen: the first buckets alert in either case, before any habit can form */
    cr_expect(n_capped >= 2 && n_capped == n_uncapped, "%d and %d alerts", n_capped, n_uncapped);
    /* forget: decay has no such rule */
    struct rare_options options = OPTIONS_DECAY;
    struct detector *d;
    struct said said = {0};

    options.max_growth = 1;
    d = new_rare(options);
    for (int i = 0; i < 96; i++)
        feed(d, &said, i * 900.0, "mallory");
    cr_expect(said.last.user_weight > 94, "%g", said.last.user_weight);
    detector_free(d);
    said_done(&said);
}
