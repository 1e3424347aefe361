/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/rare.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "stream.h"

struct input {
    int64_t time_usec;
    char user[12];
    const char *host;
    enum actor_kind kind;
};

#define N_INPUTS 280
/* low: a short stream must alert now and then */
#define THRESHOLD 12

/* Two hosts, three regulars on each, repeats, a few strangers, some late ones, pauses. */
static void make_inputs(struct input *inputs)
{
    static const char *const regulars[] = {"alice", "bob", "carol"};
    uint32_t seed = 42;
    int64_t t = T0 + 77 * USEC_PER_SEC;

    for (int i = 0; i < N_INPUTS; i++) {
        const uint32_t dice = next_random(&seed) % 40;
        int64_t back = 0;

        t += next_random(&seed) % 600 * USEC_PER_SEC;
        if (dice == 0)
            t += next_random(&seed) % 100 * SPAN;
        if (dice == 1)
            back = next_random(&seed) % 80 * SPAN;
        if (dice == 0 || i % 97 == 96)
            snprintf(inputs[i].user, sizeof(inputs[i].user), "new%d", i / 3);
        else
            snprintf(inputs[i].user, sizeof(inputs[i].user), "%s", regulars[dice % 3]);
        inputs[i].time_usec = t - back;
        inputs[i].host = dice % 20 == 7 ? "db" : "web";
        inputs[i].kind = dice == 39 ? ACTOR_SERVICE : ACTOR_PERSON;
    }
}

static void feed_input(struct detector *d, struct said *said, const struct input *input, int64_t pid)
{
    feed_event(d, said, input->time_usec, input->user, input->host, input->kind, pid);
}

Test(rare_state, a_stream_cut_anywhere_goes_on_with_the_same_bits)
{
    struct rare_options rows[4] = {OPTIONS_WINDOW, OPTIONS_DECAY, OPTIONS_WINDOW, OPTIONS_DECAY};
    struct input inputs[N_INPUTS];

    rows[2].window_usec = USEC_PER_DAY; /* much is forgotten, and deleted from the state */
    rows[2].max_users = 4;
    rows[3].max_users = 4;
    make_inputs(inputs);
    for (size_t row = 0; row < 4; row++) {
        struct detector *whole = new_rare_with_threshold(rows[row], THRESHOLD);
        struct said said_whole = {0};
        struct state state = {0};
        size_t ends[N_INPUTS];
        size_t n_deleted;

        for (size_t i = 0; i < N_INPUTS; i++) {
            feed_input(whole, &said_whole, &inputs[i], (int64_t)i);
            ends[i] = said_whole.text.len;
        }
        finish(whole, &said_whole);
        detector_free(whole);
        cr_assert(said_whole.n_alerts > 0, "row %zu: %zu alerts prove nothing", row, said_whole.n_alerts);

        /* a second run hands its changes over after every event: what is not marked as changed is missed
         * below */
        whole = new_rare_with_threshold(rows[row], THRESHOLD);
        for (size_t i = 0; i < N_INPUTS; i++) {
            struct detector *rest = new_rare_with_threshold(rows[row], THRESHOLD);
            struct said said = {0}, said_head = {0};
            const size_t n_put = state.n_put;

            feed_input(whole, &said_head, &inputs[i], (int64_t)i);
            said_done(&said_head);
            state_save(&state, whole);
            cr_assert(i < 100 || state.n_put - n_put < 40, "row %zu: event %zu changed %zu keys", row, i,
                      state.n_put - n_put);
            state_restore(&state, rest);
            for (size_t k = i + 1; k < N_INPUTS; k++)
                feed_input(rest, &said, &inputs[k], (int64_t)k);
            finish(rest, &said);
            cr_assert_eq(said.text.len, said_whole.text.len - ends[i], "row %zu, cut after event %zu", row,
                         i);
            cr_assert(memcmp(said.text.data, said_whole.text.data + ends[i], said.text.len) == 0,
                      "row %zu, cut after event %zu", row, i);
            said_done(&said);
            detector_free(rest);
        }
        n_deleted = state.n_deleted;
        cr_assert_eq(row >= 2, n_deleted > 0, "row %zu: %zu users and populations deleted", row, n_deleted);
        detector_free(whole);
        said_done(&said_whole);
        state_done(&state);
    }
}

Test(rare_state, changes_are_what_changed)
{
    struct detector *d = new_rare(OPTIONS_DECAY), *restored = new_rare(OPTIONS_DECAY);
    struct said said = {0};
    struct state state = {0};
    size_t n;

    feed(d, &said, 0, "alice");
    feed(d, &said, 1, "bob");
    state_save(&state, d);
    cr_expect_eq(state.n_put, 4, "two users, a population, the clock: %zu", state.n_put);
    for (size_t i = 0; i < state.n; i++)
        cr_expect(slice_starts_with(state.changes[i].key, SLICE("rare/network/")));
    n = state.n_put;
    state_save(&state, d);
    cr_expect_eq(state.n_put, n);
    feed(d, &said, 2, "bob");
    state_save(&state, d);
    cr_expect_eq(state.n_put, n + 1);

    n = state.n_put;
    state_restore(&state, restored);
    state_save(&state, restored);
    cr_expect_eq(state.n_put, n, "nothing restored counts as changed");
    detector_free(d);
    detector_free(restored);
    said_done(&said);
    state_done(&state);
}

static int fail(void *userdata, const struct change *change)
{
    return ++*(int *)userdata == 2 ? -EIO : 0;
}

Test(rare_state, a_failure_to_hand_over_is_forwarded_and_loses_nothing)
{
    struct detector *d = new_rare(OPTIONS_DECAY);
    struct said said = {0};
    struct state state = {0};
    int n = 0;

    feed(d, &said, 0, "alice");
    feed(d, &said, 1, "bob");
    cr_expect_eq(detector_changes(d, fail, &n), -EIO);
    state_save(&state, d);
    cr_expect_eq(state.n_put, 3);
    detector_free(d);
    said_done(&said);
    state_done(&state);
}

Test(rare_state, a_later_value_of_a_key_counts_and_an_absent_one_deletes)
{
    for (int forget = FORGET_WINDOW; forget <= FORGET_DECAY; forget++) {
        const struct rare_options options = forget == FORGET_WINDOW ? OPTIONS_WINDOW : OPTIONS_DECAY;
        struct detector *d = new_rare(options), *restored = new_rare(options);
        struct said said = {0};
        struct state state = {0};
        size_t n_put;

        feed(d, &said, 0, "alice");
        feed(d, &said, 1, "bob");
        state_save(&state, d);
        state_restore(&state, restored);
        feed(d, &said, 900, "alice");
        state_save(&state, d);
        state_restore(&state, restored);
        for (size_t i = 0; i < state.n; i++) {
            if (slice_ends_with(state.changes[i].key, SLICE("bob")))
                cr_assert_eq(detector_restore(restored, &(struct change){.key = state.changes[i].key}), 0);
        }
        n_put = state.n_put;
        state_save(&state, restored);
        cr_expect_eq(state.n_put, n_put);
        feed(restored, &said, 901, "alice");
        cr_expect_eq(said.last.n_users, 1);
        cr_expect_eq(said.last.n_events, 2);
        cr_expect(said.last.user_weight > 1.9 && said.last.user_weight <= 2);
        detector_free(d);
        detector_free(restored);
        said_done(&said);
        state_done(&state);
    }
}

Test(rare_state, state_of_another_setting_is_left_alone)
{
    struct rare_options other = OPTIONS_DECAY;
    struct detector *d = new_rare(OPTIONS_DECAY), *restored;
    struct said said = {0};
    struct state state = {0};

    feed(d, &said, 0, "alice");
    state_save(&state, d);
    other.bucket_span_usec = 2 * SPAN;
    restored = new_rare(other);
    state_restore(&state, restored);
    feed(restored, &said, 0, "bob");
    cr_expect_eq(said.last.n_users, 1);
    detector_free(d);
    detector_free(restored);
    said_done(&said);
    state_done(&state);
}

Test(rare_state, a_shorter_window_forgets_at_once)
{
    struct rare_options shorter = OPTIONS_WINDOW;
    struct detector *d = new_rare(OPTIONS_WINDOW), *restored;
    struct said said = {0};
    struct state state = {0};

    feed(d, &said, 0, "gone");
    feed(d, &said, 10, "alice");
    feed(d, &said, 900.0 * 200, "alice");
    state_save(&state, d);
    shorter.window_usec = USEC_PER_DAY;
    restored = new_rare(shorter);
    state_restore(&state, restored);
    feed(restored, &said, 900.0 * 200 + 1, "alice");
    cr_expect_eq(said.last.n_users, 1);
    cr_expect_eq(said.last.user_weight, 1);
    detector_free(d);
    detector_free(restored);
    said_done(&said);
    state_done(&state);
}

/* One damaged row: the others have left the bucket long ago, and this one still stands in it. */
Test(rare_state, who_is_present_in_a_bucket_that_is_closed_has_left)
{
    for (int forget = FORGET_WINDOW; forget <= FORGET_DECAY; forget++) {
        struct rare_options options = forget == FORGET_WINDOW ? OPTIONS_WINDOW : OPTIONS_DECAY;
        struct detector *old, *later, *restored;
        struct said said = {0}, after = {0};
        struct state state = {0};

        options.window_usec = USEC_PER_DAY;
        old = new_rare(options);
        later = new_rare(options);
        restored = new_rare(options);
        feed(old, &said, 900, "stale");
        state_save(&state, old);
        feed(later, &said, 900.0 * 1000, "alice");
        feed(later, &said, 900.0 * 1001, "alice");
        state_save(&state, later);
        state_restore(&state, restored);
        feed(restored, &after, 900.0 * 1001 + 1, "alice");
        cr_expect_eq(after.last.n_events, 2);
        feed(restored, &after, 900.0 * 1002, "alice");
        cr_expect_eq(after.n_final, 1, "forget %d: %zu", forget, after.n_final); /* alice's, not stale's */
        detector_free(old);
        detector_free(later);
        detector_free(restored);
        said_done(&said);
        said_done(&after);
        state_done(&state);
    }
}

Test(rare_state, bytes_it_did_not_write_are_refused)
{
    for (int forget = FORGET_WINDOW; forget <= FORGET_DECAY; forget++) {
        const struct rare_options options = forget == FORGET_WINDOW ? OPTIONS_WINDOW : OPTIONS_DECAY;
        struct detector *d = new_rare(options);
        struct said said = {0};
        struct state state = {0};
        uint32_t seed = 5;

        for (int i = 0; i < 130; i++)
            feed(d, &said, i * 900.0, i % 60 == 59 ? "mallory" : "alice");
        feed(d, &said, 130 * 900.0, "bob");
        state_save(&state, d);
        cr_expect_eq(detector_restore(d, &(struct change){SLICE("novelty/network/now"), SLICE("")}),
                     -EBADMSG);
        cr_expect_eq(detector_restore(d, &(struct change){SLICE("rare/other/now"), SLICE("")}), -EBADMSG);
        detector_free(d);
        for (size_t i = 0; i < state.n; i++) {
            const struct change *change = &state.changes[i];

            /* every cut, a byte too many, and bytes at random: refused or taken, never a crash */
            for (size_t len = 0; len <= change->value.len + 1; len++) {
                char *bytes = malloc(len + 1);
                int r;

                memset(bytes, 0, len + 1);
                memcpy(bytes, change->value.data, MIN(len, change->value.len));
                d = new_rare(options);
                r = detector_restore(d, &(struct change){change->key, slice_new(bytes, len)});
                cr_expect_eq(r, len == change->value.len ? 0 : -EBADMSG, "%zu of %zu bytes", len,
                             change->value.len);
                detector_free(d);
                free(bytes);
            }
            for (int round = 0; round < 300; round++) {
                char *bytes = malloc(change->value.len);
                char *key = malloc(change->key.len);
                const size_t place = next_random(&seed) % change->value.len;

                memcpy(bytes, change->value.data, change->value.len);
                memcpy(key, change->key.data, change->key.len);
                bytes[place] = (char)next_random(&seed);
                if (round % 4 == 0)
                    key[change->key.len - 1 - next_random(&seed) % 8] = (char)next_random(&seed);
                d = new_rare(options);
                (void)!detector_restore(d, &(struct change){slice_new(key, change->key.len),
                                                            slice_new(bytes, change->value.len)});
                feed(d, &said, 131 * 900.0, "alice");
                feed(d, &said, 132 * 900.0, "carol");
                finish(d, &said);
                detector_free(d);
                free(bytes);
                free(key);
            }
        }
        said_done(&said);
        state_done(&state);
    }
}

/* What is counted of users and populations, without what was said: scores are a history of verdicts, which
 * come in the order of events. */
static void save_counts(struct detector *d, struct buffer *out)
{
    const struct rare *rare = (const struct rare *)d;
    struct population *population;

    for (const char *name = "abcdef"; *name; name++) {
        for (int kind = 0; kind < 3; kind++) {
            struct member *member;

            population = model_find_population(&((struct rare *)d)->model, kind, SLICE("h"));
            member = population ? population_find(population, slice_new(name, 1)) : NULL;
            if (!member)
                continue;
            cr_assert_eq(buffer_append_format(out, "%c%d %g %lld-%lld:", *name, kind, member->weight,
                                              (long long)member->first_bucket,
                                              (long long)member->last_bucket),
                         0);
            for (int64_t bucket = member_next_bit(&rare->model, member, member->oldest_bucket);
                 bucket != BUCKET_NONE; bucket = member_next_bit(&rare->model, member, bucket + 1))
                cr_assert_eq(buffer_append_format(out, " %lld", (long long)bucket), 0);
            cr_assert_eq(buffer_append_char(out, '\n'), 0);
        }
    }
    cr_assert_eq(buffer_append_format(out, "now %lld\n", (long long)rare->model.now_bucket), 0);
}

Test(rare_state, any_shuffle_within_the_lateness_and_any_duplication_leaves_the_same_counts)
{
    enum { N = 3000 };
    struct rare_options options = OPTIONS_WINDOW;
    static int64_t times[N], keys[N];
    static size_t order[N];
    static char users[N][2];
    struct buffer expected = BUFFER_INIT;
    uint32_t seed = 77;

    options.window_usec = 3 * USEC_PER_DAY; /* ten days: much has left it */
    options.max_growth = 8;
    for (int i = 0; i < N; i++) {
        times[i] = T0 + i * 10 * USEC_PER_DAY / N;
        users[i][0] = (char)('a' + MIN(next_random(&seed) % 6, next_random(&seed) % 6));
    }
    for (int round = 0; round < 12; round++) {
        struct detector *d = new_rare(options);
        struct said said = {0};
        struct buffer counts = BUFFER_INIT;

        /* each event is delayed by up to 16 hours less a bucket, then they come in the order of arrival */
        for (size_t i = 0; i < N; i++) {
            keys[i] = times[i] + (round == 0 ? 0 : (int64_t)(next_random(&seed) % 56700) * USEC_PER_SEC);
            order[i] = i;
            for (size_t k = i; k > 0 && keys[order[k - 1]] > keys[order[k]]; k--) {
                const size_t swap = order[k];

                order[k] = order[k - 1];
                order[k - 1] = swap;
            }
        }
        for (size_t i = 0; i < N; i++) {
            const size_t at = order[i], n = round == 0 ? 1 : 1 + next_random(&seed) % 3;

            for (size_t k = 0; k < n; k++)
                feed_event(d, &said, times[at], users[at], "h", (enum actor_kind)(at % 3), -1);
        }
        finish(d, &said);
        cr_assert_eq(rare_stats(d).n_late, 0);
        save_counts(d, &counts);
        if (round == 0)
            cr_assert_eq(buffer_append_slice(&expected, buffer_slice(&counts)), 0);
        cr_assert(expected.len > 1000);
        cr_assert(slice_equal(buffer_slice(&counts), buffer_slice(&expected)), "round %d:\n%.*s", round,
                  SLICE_FMT(buffer_slice(&counts)));
        buffer_done(&counts);
        detector_free(d);
        said_done(&said);
    }
    buffer_done(&expected);
}

Test(rare_state, what_an_event_changes_does_not_grow_with_the_state)
{
    for (int forget = FORGET_WINDOW; forget <= FORGET_DECAY; forget++) {
        struct detector *d = new_rare(forget == FORGET_WINDOW ? OPTIONS_WINDOW : OPTIONS_DECAY);
        struct said said = {0};
        struct state state = {0};
        size_t n[2];

        for (int round = 0; round < 2; round++) {
            const int n_users = round == 0 ? 20 : 2000;

            for (int i = 0; i < n_users; i++) {
                char user[16];

                snprintf(user, sizeof(user), "user%d", i);
                feed(d, &said, round * 900.0 * 4000 + i * 900, user);
            }
            state_save(&state, d);
            n[round] = state.n_put;
            /* the same, a new user, and the bucket closes */
            feed(d, &said, round * 900.0 * 4000 + n_users * 900 - 1, "user0");
            feed(d, &said, round * 900.0 * 4000 + n_users * 900 - 1, "new");
            feed(d, &said, round * 900.0 * 4000 + n_users * 900, "user1");
            state_save(&state, d);
            n[round] = state.n_put - n[round];
        }
        /* four users, their influencers, the population, the clock, the histories */
        cr_expect(n[0] <= 20 && n[1] <= 20, "%zu changes, then %zu", n[0], n[1]);
        detector_free(d);
        said_done(&said);
        state_done(&state);
    }
}
