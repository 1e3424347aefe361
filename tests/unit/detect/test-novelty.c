/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The novelty detector as a whole: what it finds unusual, who is compared with whom, when it is silent, what
 * its limits cost, and what an attacker can teach it.
 */
#include <errno.h>
#include <math.h>

#include "novelty_stream.h"

Test(novelty, a_stranger_who_looks_around_alerts_and_the_habitual_do_not)
{
    struct novelty_options options = novelty_defaults();
    struct detector *d;
    struct heard heard = {0};
    struct verdict v;
    size_t before;

    options.budget = (struct rate){0.5, 0};
    d = new_novelty(options);
    work(d, &heard, 0, 40);
    cr_assert_leq(heard.n_alerts, 33, "%zu alerts in 33 days at one in two days", heard.n_alerts);
    before = heard.n_alerts;
    v = say(d, &heard, 40 * 86400.0 + 30000, "ann", "web1", "ss", 0);
    cr_assert_eq(v.reason, VERDICT_BELOW_THRESHOLD, "a habit");
    cr_assert_not(v.is_first_seen);
    say(d, &heard, 40 * 86400.0 + 75600, "mallory", "db1", "id", 2);
    say(d, &heard, 40 * 86400.0 + 75610, "mallory", "db1", "ps", 1);
    v = say(d, &heard, 40 * 86400.0 + 75620, "mallory", "db1", "ss", 0);
    cr_assert_eq(heard.n_alerts, before + 1, "once for the unit");
    cr_assert(v.reason == VERDICT_ALERT || v.reason == VERDICT_REPEATED);
    cr_assert(v.is_first_seen);
    cr_assert_eq(v.n_events, 3);
    cr_assert(v.score >= v.threshold && v.probability < 0.01);
    cr_assert_str_eq(v.job, "net");
    detector_free(d);
}

Test(novelty, it_is_silent_while_it_learns_and_says_so)
{
    struct detector *d = new_novelty(novelty_defaults());
    struct heard heard = {0};

    work(d, &heard, 0, 7);
    cr_assert_eq(heard.n_alerts, 0);
    cr_assert_gt(heard.n_learning, 0, "what it would have said");
    detector_free(d);
}

/* People, services and numbers never meet: a name that is known as one of a kind is new as one of another. */
Test(novelty, populations_are_kept_apart)
{
    static const enum actor_kind kinds[] = {ACTOR_PERSON, ACTOR_SERVICE, ACTOR_NUMERIC};
    struct detector *d = new_novelty(novelty_defaults());
    struct heard heard = {0};
    const struct detector_callbacks callbacks = {.provisional = hear, .userdata = &heard};

    for (size_t i = 0; i < 3; i++) {
        struct event event = EVENT_INIT;

        event.time_usec = T0 + (int64_t)i * USEC_PER_HOUR;
        event.actor_kind = kinds[i];
        event.process_name = SLICE("ss");
        event.host = SLICE("web1");
        cr_assert_eq(detector_feed_family(d, &event, SLICE("root"), 0, &callbacks), 0);
        cr_expect(heard.last.is_first_seen, "kind %d", (int)kinds[i]);
    }
    cr_expect_eq(novelty_in(d)->tables.n[ENTRY_USER], 3);
    say(d, &heard, 14400, "10234", "web1", "ss", 0);
    cr_expect_not_null(tables_find_user(&novelty_in(d)->tables, ACTOR_NUMERIC, SLICE("10234")));
    detector_free(d);
}

Test(novelty, what_cannot_be_judged_has_its_reason)
{
    struct detector *d = new_novelty(novelty_defaults());
    struct heard heard = {0};

    cr_expect_eq(say(d, &heard, 0, NULL, "web1", "ss", 0).reason, VERDICT_NO_USER);
    say(d, &heard, 100000, "ann", "web1", "ss", 0);
    cr_expect_eq(say(d, &heard, 100000 - 57601 - 900, "ann", "web1", "ss", 0).reason, VERDICT_LATE);
    cr_expect_neq(say(d, &heard, 100000 - 57600, "ann", "web1", "ss", 0).reason, VERDICT_LATE);
    cr_expect_eq(novelty_stats(d).n_late, 1);
    cr_expect_neq(say(d, &heard, 100001, "bob", NULL, NULL, 0).reason, VERDICT_LATE);
    detector_free(d);
}

struct fed {
    double t;
    unsigned user, host, command;
    double comes;
};

static int compare_fed(const void *a, const void *b)
{
    const struct fed *x = a, *y = b;

    return x->comes < y->comes ? -1 : x->comes > y->comes;
}

static void feed_all(struct detector *d, const struct fed *events, size_t n, bool twice)
{
    static const char *const users[] = {"ann", "bob", "cid", "dan"};
    static const char *const hosts[] = {"web1", "db1"};
    static const char *const commands[] = {"ss", "ps", "id", "sudo"};
    struct heard heard = {0};

    for (unsigned i = 0; i < 4; i++) /* commands are numbered in the order they come */
        say(d, &heard, 0, users[0], hosts[0], commands[i], i);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k <= twice; k++)
            say(d, &heard, events[i].t, users[events[i].user], hosts[events[i].host],
                commands[events[i].command], events[i].command);
}

/*
 * What holds: every set (who was seen in which buckets with which family, command, host, hour) is the same to
 * the bit for any order within the lateness and any repetition. What does not: which record noticed a
 * novelty.
 */
Test(novelty, shuffled_and_repeated_records_leave_the_same_sets)
{
    struct detector *a = new_novelty(novelty_defaults()), *b = new_novelty(novelty_defaults());
    static struct fed events[3000];
    uint32_t seed = 11;
    double t = 0;
    size_t n_compared = 0;

    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        events[i] = (struct fed){t += next_random(&seed) % 1500, next_random(&seed) % 4,
                                 next_random(&seed) % 2, next_random(&seed) % 4};
    feed_all(a, events, ARRAY_SIZE(events), false);
    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        events[i].comes = events[i].t + next_random(&seed) % 54000; /* 15 hours */
    qsort(events, ARRAY_SIZE(events), sizeof(events[0]), compare_fed);
    feed_all(b, events, ARRAY_SIZE(events), true);
    cr_assert_eq(novelty_stats(b).n_late, 0);
    for (struct novel_user *user = novelty_in(a)->tables.users; user; user = user->hh.next) {
        struct novel_user *other =
            tables_find_user(&novelty_in(b)->tables, user->kind, novel_user_name(user));

        cr_assert_not_null(other);
        cr_assert_eq(memcmp(&user->active, &other->active, sizeof(user->active)), 0);
        cr_assert_eq(memcmp(&user->commands, &other->commands, sizeof(user->commands)), 0);
        cr_assert_eq(memcmp(&user->hosts, &other->hosts, sizeof(user->hosts)), 0);
        for (size_t i = 0; i < user->slots.n; i++) {
            const uint32_t id = slots_ids(&user->slots)[i];
            const struct counter *counter = slots_find(&other->slots, id);

            if (id >> 24 == SLOT_BURST) /* ten-minute windows look back from each record */
                continue;
            cr_assert(counter && memcmp(counter, &user->slots.counters[i], sizeof(*counter)) == 0, "slot %x",
                      id);
            n_compared++;
        }
    }
    cr_assert_gt(n_compared, 4 * 30);
    detector_free(a);
    detector_free(b);
}

Test(novelty, a_restart_in_the_middle_gives_the_same_scores)
{
    static const enum novelty_model models[] = {NOVELTY_STANDARD, NOVELTY_REFERENCE};

    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        struct novelty_options options = novelty_defaults();
        struct detector *whole, *first, *second;
        struct heard a = {0}, b = {0};
        struct state state = {0};

        options.model = models[i];
        whole = new_novelty(options);
        first = new_novelty(options);
        second = new_novelty(options);
        work(whole, &a, 0, 12);
        work(first, &b, 0, 12);
        say(whole, &a, 12 * 86400.0 + 100, "eve", "db1", "id", 2);
        say(first, &b, 12 * 86400.0 + 100, "eve", "db1", "id", 2);
        state_save(&state, first);
        state_restore(&state, second);
        for (unsigned k = 0; k < 40; k++) {
            const double t = 12 * 86400.0 + 200 + 400 * k;
            const struct verdict v =
                say(whole, &a, t, k % 3 ? "eve" : "ann", "db1", k % 2 ? "ss" : "ps", k % 2);
            const struct verdict w =
                say(second, &b, t, k % 3 ? "eve" : "ann", "db1", k % 2 ? "ss" : "ps", k % 2);

            cr_assert_eq(v.score, w.score, "model %zu, event %u: %a and %a", i, k, v.score, w.score);
            cr_assert_eq(v.threshold, w.threshold);
            cr_assert_eq(v.reason, w.reason);
        }
        state_done(&state);
        detector_free(whole);
        detector_free(first);
        detector_free(second);
    }
}

Test(novelty, only_what_changed_is_handed_over)
{
    struct detector *d = new_novelty(novelty_defaults());
    struct heard heard = {0};
    struct state state = {0};

    work(d, &heard, 0, 10);
    state_save(&state, d);
    state.n_put = 0;
    state_save(&state, d);
    cr_assert_eq(state.n_put, 0);
    say(d, &heard, 10 * 86400.0, "ann", "web1", "ss", 0);
    state_save(&state, d);
    cr_assert_leq(state.n_put, 6, "user, host, pair, command, group, fleet; was %zu", state.n_put);
    state_done(&state);
    detector_free(d);
}

Test(novelty, damaged_state_is_refused_and_never_crashes)
{
    struct detector *d = new_novelty(novelty_defaults());
    struct heard heard = {0};
    struct state state = {0};
    size_t n_refused = 0;

    work(d, &heard, 0, 3);
    state_save(&state, d);
    for (size_t i = 0; i < state.n; i++) {
        for (size_t cut = 0; cut < state.changes[i].value.len; cut += 1 + cut / 8) {
            struct detector *other = new_novelty(novelty_defaults());
            struct change change = {state.changes[i].key, slice_head(state.changes[i].value, cut)};
            int r = detector_restore(other, &change);

            cr_expect_eq(r, -EBADMSG, "key %zu cut at %zu: %d", i, cut, r);
            n_refused += r < 0;
            detector_free(other);
        }
    }
    cr_assert_gt(n_refused, 100);
    state_done(&state);
    detector_free(d);
}

/* Names nobody has seen before push out each other, not the people who work here. */
Test(novelty, a_flood_of_names_leaves_the_habitual_alone_and_newcomers_are_still_modelled)
{
    struct novelty_options options = novelty_defaults();
    struct heard heard = {0};
    struct detector *d;
    char name[32];

    options.max_users = options.max_pairs = 64;
    options.max_hosts = 16;
    d = new_novelty(options);
    work(d, &heard, 0, 8);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(name, sizeof(name), "flood%u", i);
        say(d, &heard, 8 * 86400.0 + i, name, i % 100 ? "web1" : name, "ss", 0);
    }
    cr_assert_leq(novelty_in(d)->tables.n[ENTRY_USER], 64);
    cr_assert_leq(novelty_in(d)->tables.n[ENTRY_PAIR], 64);
    cr_assert_leq(novelty_in(d)->tables.n[ENTRY_HOST], 16);
    cr_assert_gt(novelty_stats(d).n_evicted_users, 19000);
    cr_assert_not(say(d, &heard, 9 * 86400.0, "ann", "web1", "ss", 0).is_first_seen, "ann is still known");
    say(d, &heard, 9 * 86400.0 + 10, "newcomer", "web1", "ss", 0);
    cr_assert_not(say(d, &heard, 9 * 86400.0 + 2000, "newcomer", "web1", "ss", 0).is_first_seen);
    detector_free(d);
}

/*
 * An attacker runs ss every quarter of an hour for three days to become normal. What it buys: the command and
 * the family are familiar afterwards, on this host, at any hour. What it costs: the first run is as loud as
 * ever. What it does not buy: another family, another host; and with max_growth the familiarity of three
 * days, not of 288 quarters of an hour.
 */
Test(novelty, three_days_of_patience_buy_one_command_on_one_host)
{
    struct novelty_options options = novelty_defaults();
    const struct {
        unsigned max_a_day;
        double most; /* presence bought */
    } rows[] = {{0, 288}, {4, 12}, {1, 3}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct heard heard = {0};
        struct detector *d;
        struct verdict first, taught, other_family, other_host;

        options.max_growth = rows[i].max_a_day;
        options.budget = (struct rate){0.5, 0};
        d = new_novelty(options);
        work(d, &heard, 0, 30);
        first = say(d, &heard, 30 * 86400.0, "mallory", "db1", "ss", 0);
        for (unsigned k = 1; k < 288; k++)
            say(d, &heard, 30 * 86400.0 + 900 * k, "mallory", "db1", "ss", 0);
        taught = say(d, &heard, 33 * 86400.0 + 1, "mallory", "db1", "ss", 0);
        other_family = say(d, &heard, 33 * 86400.0 + 1900, "mallory", "db1", "sudo", 3);
        other_host = say(d, &heard, 33 * 86400.0 + 4000, "mallory", "web1", "ss", 0);
        cr_expect_eq(first.reason, VERDICT_ALERT, "row %zu: the first run is not quiet", i);
        cr_expect(taught.user_weight > 0.8 * rows[i].most && taught.user_weight <= rows[i].most,
                  "row %zu: presence %g", i, taught.user_weight);
        cr_expect(taught.raw_score < first.raw_score - 3, "row %zu: %g after %g", i, taught.raw_score,
                  first.raw_score);
        cr_expect(other_family.raw_score > taught.raw_score + 3, "row %zu: %g after %g", i,
                  other_family.raw_score, taught.raw_score);
        cr_expect(other_host.raw_score > taught.raw_score, "row %zu: %g", i, other_host.raw_score);
        detector_free(d);
    }
}

/* Root by sudo, or a terminal, where there never was one. */
Test(novelty, an_unusual_context_raises_the_score)
{
    double scores[2];

    for (unsigned unusual = 0; unusual < 2; unusual++) {
        struct detector *d = new_novelty(novelty_defaults());
        struct heard heard = {0};
        const struct detector_callbacks callbacks = {.provisional = hear, .userdata = &heard};

        for (unsigned i = 0; i < 200; i++) {
            struct event event = EVENT_INIT;
            const bool is_last = i == 199;

            event.time_usec = T0 + (int64_t)i * USEC_PER_HOUR;
            event.process_name = SLICE("ss");
            event.host = SLICE("web1");
            event.actor.name = event.effective.name = i % 2 ? SLICE("ann") : SLICE("bob");
            event.parent_name = SLICE("bash");
            event.tty = SLICE("pts0");
            if (is_last && unusual) {
                event.effective.name = SLICE("root");
                event.tty = SLICE_NULL;
                event.parent_name = SLICE("nginx");
            }
            cr_assert_eq(detector_feed_family(d, &event, event.actor.name, 0, &callbacks), 0);
        }
        scores[unusual] = heard.last.raw_score;
        detector_free(d);
    }
    cr_assert(scores[1] > scores[0] + 2, "%g and %g", scores[0], scores[1]);
}
