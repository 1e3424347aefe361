/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What exceptions do to verdicts: what is held back and what is not, digests, and that a restart at any point
 * changes nothing. Verdicts are made by hand; the detectors are tested in their own room.
 */
#include "detector/forgive.h"

#include <errno.h>
#include <string.h>

#include "support.h"
#include "util/parse.h"

/* 2026-01-05T00:00:00Z */
#define T0   (INT64_C(1767571200) * USEC_PER_SEC)
#define SPAN (900 * USEC_PER_SEC)

static const char yaml[] =
    "exceptions:\n"
    "- {id: agent, reason: r, owner: o, match: {process.parent.name: agent}}\n"
    "- {id: night, reason: n, owner: o, ticket: T-1, effect: digest, match: {user.name: "
    "[dora, dirk]}}\n"
    "- {id: never, reason: r, owner: o, effect: skip, match: {user.name: skip}}\n";

struct fixture {
    struct forgive *forgive;
    struct exception_set *set;
    struct buffer said;  /* what digests said */
    struct buffer state; /* (key, value) fields of the last save */
    bool is_restarting;  /* save and restore before each step */
};

static int put(void *userdata, const struct change *change)
{
    struct fixture *f = userdata;
    int r = buffer_append_field(&f->state, change->key);

    return r < 0 ? r : buffer_append_field(&f->state, change->value);
}

/* The store: the last value of each key, deleted ones left out. */
static void restore(struct fixture *f, struct forgive *forgive)
{
    for (struct slice rest = buffer_slice(&f->state); rest.len > 0;) {
        struct slice key, value, later;
        bool is_last = true;

        cr_assert_eq(slice_read_field(&rest, &key), 0);
        cr_assert_eq(slice_read_field(&rest, &value), 0);
        for (later = rest; later.len > 0;) {
            struct slice k, v;

            cr_assert_eq(slice_read_field(&later, &k), 0);
            cr_assert_eq(slice_read_field(&later, &v), 0);
            is_last = is_last && !slice_equal(k, key);
        }
        if (is_last && !slice_is_absent(value)) {
            cr_assert(forgive_owns(key));
            cr_assert_eq(forgive_restore(forgive, &(struct change){key, value}), 0);
        }
    }
}

static void restart(struct fixture *f)
{
    if (!f->is_restarting)
        return;
    cr_assert_eq(forgive_changes(f->forgive, put, f), 0);
    forgive_free(f->forgive);
    cr_assert_eq(forgive_new(&f->forgive), 0);
    forgive_set_exceptions(f->forgive, f->set);
    restore(f, f->forgive);
}

static int on_digest(void *userdata, const struct alert_digest *d)
{
    struct fixture *f = userdata;
    int r =
        buffer_append_format(&f->said, "digest %s/%s day %lld: %llu of", d->job, d->exception,
                             (long long)((d->day_usec - T0) / USEC_PER_DAY), (unsigned long long)d->n_alerts);

    for (size_t i = 0; r >= 0 && i < d->users->n; i++)
        r = buffer_append_format(&f->said, " %s", d->users->items[i]);
    return r < 0 ? r : buffer_append_format(&f->said, ", %s;", d->ticket ? d->ticket : "no ticket");
}

struct step {
    const char *user, *parent;
    int bucket; /* since T0 */
    enum verdict_reason reason;
    uint64_t n_events;
    bool is_final;
    enum verdict_reason expected;
    const char *exception;
    int held; /* what forgive_judge returns */
};

#define NOW(user, parent, bucket, reason, expected, exception, held)                                         \
    {                                                                                                        \
        user, parent, bucket, reason, 1, false, expected, exception, held                                    \
    }
#define FINAL(user, parent, bucket, n, expected, exception, held)                                            \
    {                                                                                                        \
        user, parent, bucket, VERDICT_ALERT, n, true, expected, exception, held                              \
    }

static void run(struct fixture *f, const char *name, const struct step *steps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct step *s = &steps[i];
        struct event event = EVENT_INIT;
        struct verdict v = {.job = "j",
                            .event = &event,
                            .user = slice_from_string(s->user),
                            .partition = SLICE(""),
                            .bucket_start_usec = T0 + s->bucket * SPAN,
                            .bucket_span_usec = SPAN,
                            .score = 50,
                            .reason = s->reason,
                            .is_final = s->is_final,
                            .n_events = s->n_events};

        event.time_usec = v.bucket_start_usec + USEC_PER_SEC;
        event.actor.name = v.user;
        event.host = SLICE("h");
        event.parent_name = slice_from_string(s->parent);
        restart(f);
        cr_assert_eq(forgive_advance(f->forgive, event.time_usec, on_digest, f), 0);
        cr_expect_eq(forgive_judge(f->forgive, &v), s->held, "%s, step %zu", name, i);
        cr_expect_eq(v.reason, s->expected, "%s, step %zu: %d", name, i, (int)v.reason);
        if (s->exception)
            cr_expect(v.exception && strcmp(v.exception, s->exception) == 0, "%s, step %zu: %s", name, i,
                      v.exception);
        else
            cr_expect_null(v.exception, "%s, step %zu: %s", name, i, v.exception);
    }
    restart(f);
    cr_assert_eq(forgive_finish(f->forgive, on_digest, f), 0);
}

static const struct {
    const char *name;
    struct step steps[6];
    const char *digests;
} rows[] = {
    {"nobody is excepted",
     {NOW("eve", "bash", 0, VERDICT_ALERT, VERDICT_ALERT, NULL, 0),
      NOW("eve", "bash", 0, VERDICT_REPEATED, VERDICT_REPEATED, NULL, 0)},
     ""},
    {"the intruder in the agent's account, in the same bucket",
     {NOW("svc", "agent", 0, VERDICT_ALERT, VERDICT_SUPPRESSED, "agent", 1),
      NOW("svc", "agent", 0, VERDICT_REPEATED, VERDICT_REPEATED, "agent", 0),
      NOW("svc", "bash", 0, VERDICT_REPEATED, VERDICT_ALERT, NULL, 0),
      NOW("svc", "bash", 0, VERDICT_REPEATED, VERDICT_REPEATED, NULL, 0),
      NOW("svc", "agent", 0, VERDICT_REPEATED, VERDICT_REPEATED, NULL, 0)},
     ""},
    {"the intruder first",
     {NOW("svc", "bash", 0, VERDICT_ALERT, VERDICT_ALERT, NULL, 0),
      NOW("svc", "agent", 0, VERDICT_REPEATED, VERDICT_REPEATED, NULL, 0),
      NOW("svc", "bash", 0, VERDICT_REPEATED, VERDICT_REPEATED, NULL, 0)},
     ""},
    {"an alert due when the bucket closes, every event forgiven",
     {NOW("svc", "agent", 0, VERDICT_BELOW_THRESHOLD, VERDICT_BELOW_THRESHOLD, NULL, 0),
      NOW("svc", "agent", 0, VERDICT_BELOW_THRESHOLD, VERDICT_BELOW_THRESHOLD, NULL, 0),
      FINAL("svc", "agent", 0, 2, VERDICT_SUPPRESSED, "agent", 1)},
     ""},
    {"the same, with one that was not, hidden behind the last",
     {NOW("svc", "bash", 0, VERDICT_BELOW_THRESHOLD, VERDICT_BELOW_THRESHOLD, NULL, 0),
      NOW("svc", "agent", 0, VERDICT_BELOW_THRESHOLD, VERDICT_BELOW_THRESHOLD, NULL, 0),
      FINAL("svc", "agent", 0, 2, VERDICT_ALERT, NULL, 0)},
     ""},
    {"a digest a day, by exception",
     {NOW("dora", "bash", 0, VERDICT_ALERT, VERDICT_DIGESTED, "night", 1),
      NOW("dirk", "bash", 50, VERDICT_ALERT, VERDICT_DIGESTED, "night", 1),
      NOW("dora", "bash", 50, VERDICT_ALERT, VERDICT_DIGESTED, "night", 1),
      NOW("dora", "bash", 96, VERDICT_ALERT, VERDICT_DIGESTED, "night", 1),
      NOW("dirk", "bash", 60, VERDICT_ALERT, VERDICT_DIGESTED, "night", 1)}, /* late: that digest is out */
     "digest j/night day 0: 3 of dora dirk, T-1;digest j/night day 1: 2 of dora dirk, T-1;"},
    {"a verdict without a score is not looked at",
     {NOW("dora", "agent", 0, VERDICT_LATE, VERDICT_LATE, NULL, 0),
      NOW("dora", "agent", 0, VERDICT_LEARNING, VERDICT_LEARNING, NULL, 0)},
     ""},
};

static void fixture_open(struct fixture *f)
{
    struct diag_list diags = DIAG_LIST_INIT;

    cr_assert_eq(exception_set_try("f", "f", slice_from_string(yaml), &diags, &f->set), 0);
    cr_assert_eq(forgive_new(&f->forgive), 0);
    forgive_set_exceptions(f->forgive, f->set);
}

static void fixture_close(struct fixture *f)
{
    forgive_free(f->forgive);
    exception_set_free(f->set);
    buffer_done(&f->said);
    buffer_done(&f->state);
}

Test(forgive, what_is_held_back_with_and_without_restarts)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows) * 2; i++) {
        struct fixture f = {.is_restarting = i % 2 == 1};
        size_t n = 0;

        while (n < ARRAY_SIZE(rows[i / 2].steps) && rows[i / 2].steps[n].user)
            n++;
        fixture_open(&f);
        run(&f, rows[i / 2].name, rows[i / 2].steps, n);
        cr_expect(slice_equal_string(buffer_slice(&f.said), rows[i / 2].digests), "%s: got %.*s",
                  rows[i / 2].name, SLICE_FMT(buffer_slice(&f.said)));
        fixture_close(&f);
    }
}

static int say_count(void *userdata, const struct exception_count *count)
{
    return buffer_append_format(userdata, "%s %s %llu last %lld;", count->exception,
                                exception_effect_names[count->effect], (unsigned long long)count->n,
                                (long long)((count->last_usec - T0) / USEC_PER_SEC));
}

Test(forgive, another_set_takes_over)
{
    struct fixture f = {0};
    struct event event = EVENT_INIT;
    const struct exception *exception;
    const struct step first[] = {NOW("svc", "agent", 0, VERDICT_ALERT, VERDICT_SUPPRESSED, "agent", 1)},
                      later[] = {NOW("svc", "agent", 0, VERDICT_REPEATED, VERDICT_ALERT, NULL, 0)};

    fixture_open(&f);
    event.actor.name = SLICE("skip");
    cr_expect_eq(forgive_skips(f.forgive, "j", &event, &exception), 1);
    cr_expect_str_eq(exception->id, "never");
    run(&f, "before", first, 1);
    forgive_set_exceptions(f.forgive, NULL);
    run(&f, "after: nothing forgives the agent any more", later, 1);
    cr_expect_eq(forgive_skips(f.forgive, "j", &event, &exception), 0);
    cr_expect_eq(forgive_counts(f.forgive, say_count, &f.said), 0);
    assert_slice(buffer_slice(&f.said), "never skip 1 last -1767571200;agent suppress 1 last 1;", "counts");
    fixture_close(&f);
}

Test(forgive, what_is_old_is_deleted_and_what_is_damaged_refused)
{
    static const char *const keys[] = {"forgive/held/x", "forgive/digest/j/e", "forgive/day", "forgive/what"};
    struct fixture f = {0};
    const struct step first[] = {NOW("svc", "agent", 0, VERDICT_ALERT, VERDICT_SUPPRESSED, "agent", 1)};
    struct slice key, value, rest;

    fixture_open(&f);
    run(&f, "held", first, 1);
    cr_assert_eq(forgive_changes(f.forgive, put, &f), 0);
    cr_assert_eq(forgive_advance(f.forgive, T0 + SPAN + USEC_PER_DAY, on_digest, &f), 0);
    buffer_clear(&f.state);
    cr_assert_eq(forgive_changes(f.forgive, put, &f), 0);
    rest = buffer_slice(&f.state);
    cr_assert_eq(slice_read_field(&rest, &key), 0);
    cr_assert_eq(slice_read_field(&rest, &value), 0);
    cr_expect(slice_starts_with(key, SLICE("forgive/held/")));
    cr_expect(slice_is_absent(value), "deleted a day after its bucket");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        cr_expect_eq(forgive_restore(f.forgive, &(struct change){slice_from_string(keys[i]), SLICE("short")}),
                     -EBADMSG, "%s", keys[i]);
    fixture_close(&f);
}

/* A chain that is made anew by a reload, and a process that is started again, go on from what is saved. */
Test(forgive, counters_go_on_over_restarts_and_end_with_their_exception)
{
    static const char without[] = "exceptions:\n- {id: agent, reason: r, owner: o, match: {user.name: x}}\n";
    struct fixture f = {.is_restarting = true};
    const struct step steps[] = {NOW("svc", "agent", 0, VERDICT_ALERT, VERDICT_SUPPRESSED, "agent", 1),
                                 NOW("dora", "bash", 0, VERDICT_ALERT, VERDICT_DIGESTED, "night", 1),
                                 NOW("svc", "agent", 3, VERDICT_ALERT, VERDICT_SUPPRESSED, "agent", 1),
                                 NOW("svc2", "agent", 1, VERDICT_ALERT, VERDICT_SUPPRESSED, "agent", 1)};
    struct diag_list diags = DIAG_LIST_INIT;
    struct exception_set *other;

    fixture_open(&f);
    run(&f, "counted", steps, ARRAY_SIZE(steps));
    buffer_clear(&f.said);
    cr_expect_eq(forgive_counts(f.forgive, say_count, &f.said), 0);
    assert_slice(buffer_slice(&f.said), "night digest 1 last 1;agent suppress 3 last 2701;", "counts");

    cr_assert_eq(exception_set_try("f", "f", slice_from_string(without), &diags, &other), 0);
    exception_set_free(f.set);
    f.set = other;
    restart(&f);
    cr_expect_eq(forgive_advance(f.forgive, T0 + SPAN, on_digest, &f), 0);
    restart(&f);
    buffer_clear(&f.said);
    cr_expect_eq(forgive_counts(f.forgive, say_count, &f.said), 0);
    assert_slice(buffer_slice(&f.said), "agent suppress 3 last 2701;",
                 "the one that is gone, and the edited one");
    fixture_close(&f);
}

Test(forgive, counters_that_are_damaged_are_refused)
{
    static const struct {
        const char *name;
        struct slice key, value;
    } damaged[] = {
        {"no exception", {"forgive/count//skip", 19}, {"\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16}},
        {"no effect", {"forgive/count/a", 15}, {"\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16}},
        {"an effect that is none", {"forgive/count/a/x", 17}, {"\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16}},
        {"never", {"forgive/count/a/skip", 20}, {"\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16}},
        {"cut", {"forgive/count/a/skip", 20}, {"\1\0\0\0\0\0\0\0", 8}},
        {"long", {"forgive/count/a/skip", 20}, {"\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0x", 17}},
    };
    struct fixture f = {0};

    fixture_open(&f);
    for (size_t i = 0; i < ARRAY_SIZE(damaged); i++)
        cr_expect_eq(forgive_restore(f.forgive, &(struct change){damaged[i].key, damaged[i].value}), -EBADMSG,
                     "%s", damaged[i].name);
    fixture_close(&f);
}
