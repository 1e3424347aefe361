/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the limits on volume let out and what they roll up, and that a restart at any point changes nothing.
 * Verdicts are made by hand.
 */
#include "detector/volume.h"

#include <errno.h>
#include <string.h>

#include "support.h"
#include "util/hash.h"
#include "util/parse.h"

/* 2026-01-05T00:00:00Z */
#define T0     (INT64_C(1767571200) * USEC_PER_SEC)
#define MINUTE (60 * USEC_PER_SEC)

struct fixture {
    struct volume *volume;
    struct volume_options options;
    struct buffer said;
    struct buffer state; /* (key, value) fields of all saves */
    bool is_restarting;
    int fail_after; /* documents */
};

static int put(void *userdata, const struct change *change)
{
    struct fixture *f = userdata;
    int r = buffer_append_field(&f->state, change->key);

    return r < 0 ? r : buffer_append_field(&f->state, change->value);
}

/* The last value of each key, deleted ones left out. */
static size_t restore(struct fixture *f, struct volume *volume)
{
    size_t n = 0;

    for (struct slice rest = buffer_slice(&f->state); rest.len > 0;) {
        struct slice key, value;
        bool is_last = true;

        cr_assert_eq(slice_read_field(&rest, &key), 0);
        cr_assert_eq(slice_read_field(&rest, &value), 0);
        for (struct slice later = rest; later.len > 0;) {
            struct slice k, v;

            cr_assert_eq(slice_read_field(&later, &k), 0);
            cr_assert_eq(slice_read_field(&later, &v), 0);
            is_last = is_last && !slice_equal(k, key);
        }
        if (!is_last || slice_is_absent(value))
            continue;
        n++;
        cr_assert(volume_owns(key));
        cr_assert_eq(volume_restore(volume, &(struct change){key, value}), 0);
    }
    return n;
}

static void restart(struct fixture *f)
{
    if (!f->is_restarting)
        return;
    cr_assert_eq(volume_changes(f->volume, put, f), 0);
    volume_free(f->volume);
    cr_assert_eq(volume_new(&f->options, &f->volume), 0);
    (void)restore(f, f->volume);
}

static int on_rollup(void *userdata, const struct alert_rollup *u)
{
    struct fixture *f = userdata;

    return buffer_append_format(&f->said, "[%s %s: %llu of %zu users, %zu hosts, %zu ids%s, %lld to %lld] ",
                                u->limit, u->name ? u->name : "-", (unsigned long long)u->n_alerts,
                                u->users->n, u->hosts->n, u->ids->n, u->is_cut ? ", cut" : "",
                                (long long)((u->start_usec - T0) / MINUTE),
                                (long long)((u->end_usec - T0) / MINUTE));
}

static void feed(struct fixture *f, int minute, const char *job, const char *user, const char *host)
{
    struct event event = {.kind = EVENT_PROCESS_START,
                          .time_usec = T0 + minute * MINUTE,
                          .host = slice_from_string(host),
                          .actor = {.name = slice_from_string(user)}};

    if (!*user) /* nobody knows its name */
        event.actor = (struct user){.id = SLICE("1002")};
    struct verdict v = {.job = job,
                        .event = &event,
                        .user = slice_from_string(user),
                        .partition = slice_from_string(host),
                        .bucket_start_usec = event.time_usec,
                        .bucket_span_usec = 15 * MINUTE,
                        .score = 50,
                        .reason = VERDICT_ALERT};
    int r;

    restart(f);
    cr_assert_eq(volume_advance(f->volume, event.time_usec, on_rollup, f), 0);
    restart(f);
    r = volume_judge(f->volume, &v);
    cr_assert_eq(r, v.reason == VERDICT_ROLLED_UP ? 1 : 0);
    cr_assert(v.reason == VERDICT_ROLLED_UP || v.reason == VERDICT_ALERT);
    cr_assert_eq(buffer_append_char(&f->said, v.reason == VERDICT_ALERT ? 'A' : 'r'), 0);
}

static struct fixture make(struct volume_options options, bool is_restarting)
{
    struct fixture f = {.options = options, .is_restarting = is_restarting};

    cr_assert_eq(volume_new(&options, &f.volume), 0);
    return f;
}

static void done(struct fixture *f)
{
    volume_free(f->volume);
    buffer_done(&f->said);
    buffer_done(&f->state);
}

#define HOUR (60 * MINUTE)
#define LIMITS(j, a, h)                                                                                      \
    {                                                                                                        \
        .job = (j), .actor = (a), .host = (h), .job_period_usec = 15 * MINUTE, .actor_period_usec = HOUR,    \
        .host_period_usec = HOUR                                                                             \
    }

struct step {
    int minute;
    const char *job, *user, *host;
};

TestSuite(volume);

Test(volume, rolls_up_what_finds_no_token)
{
    static const struct row {
        const char *name;
        struct volume_options options;
        struct step steps[8];
        const char *expected;
    } rows[] = {
        {"no limits", LIMITS(0, 0, 0), {{0, "j", "u", "h"}, {0, "j", "u", "h"}, {0, "j", "u", "h"}}, "AAA"},
        {"within", LIMITS(3, 3, 3), {{0, "j", "u", "h"}, {0, "j", "u", "h"}, {0, "j", "u", "h"}}, "AAA"},
        {"actor, over hosts and jobs",
         LIMITS(0, 2, 0),
         {{0, "j", "u", "a"}, {1, "k", "u", "b"}, {2, "j", "u", "c"}, {3, "j", "u", "d"}, {4, "j", "v", "d"}},
         "AArrA[actor u: 2 of 1 users, 2 hosts, 2 ids, 0 to 60] "},
        {"host, over actors",
         LIMITS(0, 0, 1),
         {{0, "j", "u", "a"}, {1, "j", "v", "a"}, {2, "j", "w", "b"}},
         "ArA[host a: 1 of 1 users, 1 hosts, 1 ids, 0 to 60] "},
        {"job",
         LIMITS(1, 0, 0),
         {{0, "j", "u", "a"}, {1, "j", "v", "b"}, {2, "k", "v", "b"}},
         "ArA[job -: 1 of 1 users, 1 hosts, 1 ids, 0 to 15] "},
        {"the narrowest is named",
         LIMITS(1, 1, 1),
         {{0, "j", "u", "a"}, {1, "j", "u", "a"}},
         "Ar[actor u: 1 of 1 users, 1 hosts, 1 ids, 0 to 60] "},
        /* 2 an hour: a token comes back every 30 min */
        {"tokens come back",
         LIMITS(0, 2, 0),
         {{0, "j", "u", "a"},
          {0, "j", "u", "a"},
          {29, "j", "u", "a"},
          {30, "j", "u", "a"},
          {31, "j", "u", "a"}},
         "AArAr[actor u: 2 of 1 users, 1 hosts, 2 ids, 0 to 60] "},
        {"a period ends while the next begins",
         LIMITS(0, 1, 0),
         {{50, "j", "u", "a"},
          {55, "j", "u", "a"},
          {61, "j", "u", "a"},
          {62, "j", "u", "a"},
          {125, "j", "u", "a"}},
         "Ar[actor u: 1 of 1 users, 1 hosts, 1 ids, 0 to 60] rr"
         "[actor u: 2 of 1 users, 1 hosts, 2 ids, 60 to 120] A"},
        {"a late alert counts now",
         LIMITS(0, 1, 0),
         {{100, "j", "u", "a"}, {10, "j", "u", "a"}},
         "Ar[actor u: 1 of 1 users, 1 hosts, 1 ids, 60 to 120] "},
        {"a number is another actor on another host",
         LIMITS(0, 1, 0),
         {{0, "j", "", "a"}, {1, "j", "", "b"}, {2, "j", "", "a"}},
         "AAr[actor uid:1002: 1 of 0 users, 1 hosts, 1 ids, 0 to 60] "},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int is_restarting = 0; is_restarting < 2; is_restarting++) {
            struct fixture f = make(rows[i].options, is_restarting);

            for (const struct step *s = rows[i].steps; s->job; s++)
                feed(&f, s->minute, s->job, s->user, s->host);
            restart(&f);
            cr_assert_eq(volume_finish(f.volume, on_rollup, &f), 0);
            assert_slice(buffer_slice(&f.said), rows[i].expected, rows[i].name);
            cr_assert_eq(volume_deadline_usec(f.volume), INT64_MAX);
            done(&f);
        }
}

Test(volume, counts_what_its_lists_do_not_hold)
{
    struct fixture f = make((struct volume_options)LIMITS(1, 0, 0), true);
    char user[16];

    f.is_restarting = false;
    for (int i = 0; i < 151; i++) {
        (void)snprintf(user, sizeof(user), "u%d", i);
        feed(&f, 0, "j", user, "h");
    }
    f.is_restarting = true;
    restart(&f);
    cr_assert_eq(volume_deadline_usec(f.volume), T0 + 15 * MINUTE);
    buffer_clear(&f.said);
    cr_assert_eq(volume_advance(f.volume, T0 + 15 * MINUTE - 1, on_rollup, &f), 0);
    cr_assert_eq(f.said.len, 0);
    cr_assert_eq(volume_advance(f.volume, T0 + 15 * MINUTE, on_rollup, &f), 0);
    assert_slice(buffer_slice(&f.said), "[job -: 150 of 100 users, 1 hosts, 100 ids, cut, 0 to 15] ", "cut");
    done(&f);
}

Test(volume, begins_no_period_twice)
{
    for (int is_restarting = 0; is_restarting < 2; is_restarting++) {
        struct fixture f = make((struct volume_options)LIMITS(0, 1, 0), is_restarting);

        feed(&f, 50, "j", "u", "h");
        feed(&f, 51, "j", "u", "h");
        /* the clock of a quiet host; then something late */
        cr_assert_eq(volume_advance(f.volume, T0 + HOUR, on_rollup, &f), 0);
        feed(&f, 52, "j", "u", "h");
        cr_assert_eq(volume_finish(f.volume, on_rollup, &f), 0);
        assert_slice(buffer_slice(&f.said),
                     "Ar[actor u: 1 of 1 users, 1 hosts, 1 ids, 0 to 60] r"
                     "[actor u: 1 of 1 users, 1 hosts, 1 ids, 60 to 120] ",
                     "late");
        done(&f);
    }
}

Test(volume, forgets_what_is_full_again)
{
    struct fixture f = make((struct volume_options)LIMITS(0, 2, 0), false);
    struct volume *fresh;

    feed(&f, 0, "j", "u", "h");
    feed(&f, 0, "j", "v", "h");
    cr_assert_eq(volume_changes(f.volume, put, &f), 0);
    feed(&f, 200, "j", "w", "h");
    cr_assert_eq(volume_changes(f.volume, put, &f), 0);
    cr_assert_eq(volume_new(&f.options, &fresh), 0);
    cr_assert_eq(restore(&f, fresh), 2, "the meter of w, and the time");
    cr_assert_eq(volume_n_dropped(f.volume), 0);
    volume_free(fresh);
    done(&f);
}

Test(volume, refuses_what_it_did_not_write)
{
    struct fixture f = make((struct volume_options)LIMITS(0, 1, 0), false);
    size_t n = 0;

    feed(&f, 0, "j", "u", "h");
    feed(&f, 0, "j", "u", "h");
    cr_assert_eq(volume_changes(f.volume, put, &f), 0);
    for (struct slice rest = buffer_slice(&f.state); rest.len > 0; n++) {
        struct slice key, value;

        cr_assert_eq(slice_read_field(&rest, &key), 0);
        cr_assert_eq(slice_read_field(&rest, &value), 0);
        for (size_t len = 0; len < value.len; len++) {
            struct volume *fresh;

            cr_assert_eq(volume_new(&f.options, &fresh), 0);
            cr_assert_eq(volume_restore(fresh, &(struct change){key, slice_head(value, len)}), -EBADMSG);
            volume_free(fresh);
        }
    }
    cr_assert_eq(n, 3, "a meter, a roll-up, the time");
    cr_assert_eq(volume_restore(f.volume, &(struct change){SLICE("volume/what"), SLICE("x")}), -EBADMSG);
    done(&f);
}
