/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The chain's contract: what comes out in which order, what moves the time, and whose state is whose. The
 * detector is the real one; its arithmetic is tested in its own room.
 */
#include "detector/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "util/parse.h"

/* Monday 2026-01-05 00:00:00 UTC, the edge of a bucket of 15 min */
#define T0   (INT64_C(1767571200) * USEC_PER_SEC)
#define SPAN (900 * USEC_PER_SEC)

static char *a_names[] = {(char *)"netstat", (char *)"ss"}, *b_names[] = {(char *)"id", (char *)"ss"};
/* sorted by id, as job_set_load leaves them */
static struct job two_jobs[] = {
    {.id = (char *)"a",
     .name = (char *)"A",
     .process_names = a_names,
     .n_process_names = 2,
     .detector = (char *)"rare",
     .threshold = 25},
    {.id = (char *)"b",
     .name = (char *)"B",
     .process_names = b_names,
     .n_process_names = 2,
     .detector = (char *)"rare",
     .threshold = 25},
};

struct fixture {
    struct job_set jobs;
    struct config *config;
    struct chain *chain;
    struct buffer said;  /* "now a alice 0;" and "final a alice 0;": job, user, bucket since T0 */
    struct buffer state; /* (key, value) fields */
    int n_documents;
    int fail_with; /* what the score callback returns */
};

static int say(struct fixture *f, const char *what, const struct verdict *v)
{
    return buffer_append_format(&f->said, "%s %s %.*s%s%.*s %lld;", what, v->job, SLICE_FMT(v->user),
                                v->partition.len > 0 ? "@" : "", SLICE_FMT(v->partition),
                                (long long)((v->bucket_start_usec - T0) / SPAN));
}

static int on_score(void *userdata, const struct verdict *v)
{
    struct fixture *f = userdata;

    return f->fail_with < 0 ? f->fail_with : say(f, "now", v);
}

static int on_final(void *userdata, const struct verdict *v)
{
    return say(userdata, "final", v);
}

static int on_document(void *userdata, const struct document *document)
{
    (void)document;
    ((struct fixture *)userdata)->n_documents++;
    return 0;
}

static void fixture_open(struct fixture *f, struct job *jobs, size_t n_jobs)
{
    struct diag_list diags = DIAG_LIST_INIT;

    f->jobs = (struct job_set){.jobs = jobs, .n_jobs = n_jobs};
    cr_assert_eq(config_new(&f->config), 0);
    cr_assert_eq(chain_new(&(struct chain_options){.jobs = &f->jobs,
                                                   .config = f->config,
                                                   .callbacks = {on_score, on_final, on_document, f}},
                           &diags, &f->chain),
                 0);
    cr_assert_eq(diags.n, 0);
}

static void fixture_close(struct fixture *f)
{
    f->chain = chain_free(f->chain);
    f->config = config_free(f->config);
    buffer_done(&f->said);
    buffer_done(&f->state);
}

/* minutes behind T0 */
static int feed(struct fixture *f, int minutes, const char *user, const char *process, const char *host)
{
    struct event event = EVENT_INIT;

    event.time_usec = T0 + minutes * 60 * USEC_PER_SEC;
    event.host = slice_from_string(host);
    event.process_name = slice_from_string(process);
    event.actor.name = slice_from_string(user);
    return chain_event(f->chain, &event);
}

static void assert_said(struct fixture *f, const char *expected, const char *name)
{
    assert_slice(buffer_slice(&f->said), expected, name);
    buffer_clear(&f->said);
}

Test(chain, verdicts_come_in_the_order_of_jobs_and_buckets_close_before_the_event_that_closes_them)
{
    struct fixture f = {0};

    fixture_open(&f, two_jobs, 2);
    cr_assert_eq(feed(&f, 1, "alice", "ss", "h"), 1);
    assert_said(&f, "now a alice 0;now b alice 0;", "both jobs look at it");
    cr_assert_eq(feed(&f, 2, "bob", "netstat", "h"), 1);
    cr_assert_eq(feed(&f, 3, "carol", "id", "h"), 1);
    assert_said(&f, "now a bob 0;now b carol 0;", "each job looks at its own");
    cr_assert_eq(feed(&f, 16, "dave", "netstat", "h"), 1);
    assert_said(&f, "final a alice 0;final a bob 0;final b alice 0;final b carol 0;now a dave 1;",
                "one job's event closes the buckets of all");
    cr_assert_eq(chain_finish(f.chain), 0);
    assert_said(&f, "final a dave 1;", "the end closes what is open");
    cr_assert_eq(chain_finish(f.chain), 0);
    assert_said(&f, "", "once");
    fixture_close(&f);
}

Test(chain, only_selected_events_and_advance_move_the_time)
{
    struct fixture f = {0};

    fixture_open(&f, two_jobs, 2);
    cr_assert_eq(chain_deadline_usec(f.chain), INT64_MAX, "nothing is open");
    cr_assert_eq(feed(&f, 1, "alice", "ss", "h"), 1);
    cr_assert_eq(chain_deadline_usec(f.chain), T0 + SPAN);
    buffer_clear(&f.said);
    cr_assert_eq(feed(&f, 10000, "alice", "vi", "h"), 0, "no job looks at it");
    assert_said(&f, "", "an event nobody selects closes nothing");
    cr_assert_eq(feed(&f, 2, "bob", "netstat", "h"), 1);
    assert_said(&f, "now a bob 0;", "and makes nothing late");
    cr_assert_eq(chain_advance(f.chain, T0 + SPAN - 1), 0);
    assert_said(&f, "", "the bucket has not ended");
    cr_assert_eq(chain_advance(f.chain, T0 + SPAN), 0);
    assert_said(&f, "final a alice 0;final a bob 0;final b alice 0;", "now it has");
    cr_assert_eq(chain_deadline_usec(f.chain), INT64_MAX);
    cr_assert_eq(chain_stats(f.chain)->n_events, 3);
    cr_assert_eq(chain_stats(f.chain)->n_selected, 2);
    fixture_close(&f);
}

Test(chain, a_job_of_a_host_has_a_population_for_each)
{
    struct fixture f = {0};
    struct job jobs[] = {two_jobs[0], two_jobs[1]};

    jobs[1].scope = SCOPE_HOST;
    fixture_open(&f, jobs, 2);
    cr_assert_eq(feed(&f, 1, "alice", "ss", "web"), 1);
    cr_assert_eq(feed(&f, 2, "alice", "ss", "db"), 1);
    cr_assert_eq(chain_finish(f.chain), 0);
    assert_said(&f,
                "now a alice 0;now b alice@web 0;now a alice 0;now b alice@db 0;final a alice 0;"
                "final b alice@db 0;final b alice@web 0;",
                "web and db");
    fixture_close(&f);
}

Test(chain, a_callbacks_failure_stops_the_event_and_is_forwarded)
{
    struct fixture f = {.fail_with = -EDQUOT};

    fixture_open(&f, two_jobs, 2);
    cr_assert_eq(feed(&f, 1, "alice", "ss", "h"), -EDQUOT);
    fixture_close(&f);
}

static int keep(void *userdata, const struct change *change)
{
    struct fixture *f = userdata;
    int r = buffer_append_field(&f->state, change->key);

    return r < 0 ? r : buffer_append_field(&f->state, change->value);
}

static void restore(struct fixture *to, const struct fixture *from)
{
    struct slice rest = buffer_slice(&from->state);

    while (rest.len > 0) {
        struct change change;

        cr_assert_eq(slice_read_field(&rest, &change.key), 0);
        cr_assert_eq(slice_read_field(&rest, &change.value), 0);
        cr_assert_eq(chain_restore(to->chain, &change), 0);
    }
}

/* Three people at work for two days, and one who comes at the end. */
static void work(struct fixture *f, int from_minutes, int to_minutes)
{
    static const char *const users[] = {"alice", "bob", "carol"};

    for (int m = from_minutes; m < to_minutes; m += 15)
        for (int u = 0; u < 3; u++)
            cr_assert_eq(feed(f, m + u, users[u], "ss", "h"), 1);
}

Test(chain, a_restored_chain_goes_on_where_the_other_was_and_a_job_takes_only_what_is_its_own)
{
    struct fixture whole = {0}, first = {0}, second = {0}, alone = {0};

    fixture_open(&whole, two_jobs, 2);
    work(&whole, 0, 2880);
    buffer_clear(&whole.said);
    cr_assert_eq(whole.n_documents, 0);
    cr_assert_eq(feed(&whole, 2880, "mallory", "netstat", "h"), 1);
    cr_assert_eq(chain_finish(whole.chain), 0);
    cr_assert_eq(whole.n_documents, 1, "the rare one alerts once, of the one job that looks at netstat");

    fixture_open(&first, two_jobs, 2);
    work(&first, 0, 2880);
    cr_assert_eq(chain_changes(first.chain, keep, &first), 0);
    fixture_open(&second, two_jobs, 2);
    restore(&second, &first);
    cr_assert_eq(feed(&second, 2880, "mallory", "netstat", "h"), 1);
    cr_assert_eq(chain_finish(second.chain), 0);
    cr_assert(slice_equal(buffer_slice(&second.said), buffer_slice(&whole.said)), "second: %.*s",
              SLICE_FMT(buffer_slice(&second.said)));
    cr_assert_eq(second.n_documents, 1);

    /* the state of a job that is switched off is no error, and teaches no other */
    fixture_open(&alone, two_jobs + 1, 1);
    restore(&alone, &first);
    cr_assert_eq(feed(&alone, 2880, "mallory", "netstat", "h"), 0);
    cr_assert_eq(feed(&alone, 2880, "mallory", "id", "h"), 1);
    cr_assert_eq(alone.n_documents, 1, "b has its own past");
    buffer_clear(&first.state);
    cr_assert_eq(chain_changes(first.chain, keep, &first), 0);
    cr_assert_eq(first.state.len, 0, "what was handed over has not changed since");
    fixture_close(&whole);
    fixture_close(&first);
    fixture_close(&second);
    fixture_close(&alone);
}

static int find_figures(void *userdata, const struct chain_figures *f)
{
    if (strcmp(f->job, "a") == 0)
        *(struct figures *)userdata = f->figures;
    return 0;
}

Test(chain, figures_are_known_without_the_users_and_go_on_with_them)
{
    struct fixture first = {0}, second = {0};
    struct figures before, now;

    fixture_open(&first, two_jobs, 2);
    work(&first, 0, 2880);
    cr_assert_eq(feed(&first, 2880, "mallory", "netstat", "h"), 1);
    cr_assert_eq(chain_walk_figures(first.chain, find_figures, &before), 0);
    cr_expect_eq(before.values[FIGURE_USERS], 4);
    cr_expect_eq(before.values[FIGURE_ALERTS], 1);
    cr_assert_eq(chain_changes(first.chain, keep, &first), 0);

    /* as `hapax status` does */
    fixture_open(&second, two_jobs, 2);
    for (struct slice rest = buffer_slice(&first.state); rest.len > 0;) {
        struct change change;

        cr_assert_eq(slice_read_field(&rest, &change.key), 0);
        cr_assert_eq(slice_read_field(&rest, &change.value), 0);
        if (slice_starts_with(change.key, SLICE("figures/")))
            cr_assert_eq(chain_restore(second.chain, &change), 0);
    }
    cr_assert_eq(chain_walk_figures(second.chain, find_figures, &now), 0);
    cr_expect(figures_equal(&now, &before));
    fixture_close(&second);

    fixture_open(&second, two_jobs, 2);
    restore(&second, &first);
    cr_assert_eq(feed(&second, 2881, "mallory", "netstat", "h"), 1);
    cr_assert_eq(feed(&second, 2900, "eve", "netstat", "h"), 1);
    cr_assert_eq(chain_walk_figures(second.chain, find_figures, &now), 0);
    cr_expect_eq(now.values[FIGURE_USERS], 5);
    cr_expect_eq(now.values[FIGURE_ALERTS], 1 + second.n_documents);
    cr_expect_eq(now.values[FIGURE_REPEATED], before.values[FIGURE_REPEATED] + 1);
    fixture_close(&first);
    fixture_close(&second);
}

Test(chain, an_unknown_detector_and_a_bad_option_are_named)
{
    static const struct {
        const char *name, *detector, *setting, *expected;
    } rows[] = {
        {"a detector there is not", "rar", NULL,
         "job 'a': unknown detector 'rar', expected one such as 'rare'"},
        {"a bad value", NULL, "detector.rare.forget=deca",
         "bad value 'deca' for detector.rare.forget, expected one of window, decay (did you mean 'decay'?)"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
        struct job_set jobs = {.jobs = two_jobs, .n_jobs = 1};
        struct config *config;
        struct chain *chain = NULL;

        cr_assert_eq(config_new(&config), 0);
        if (rows[i].setting)
            cr_assert_eq(config_set(config, rows[i].setting, &diags), 0);
        cr_assert_eq(
            chain_new(&(struct chain_options){.jobs = &jobs, .config = config, .detector = rows[i].detector},
                      &diags, &chain),
            -EINVAL, "%s", rows[i].name);
        cr_assert_null(chain);
        cr_assert_eq(diags.n, 1, "%s", rows[i].name);
        cr_assert_str_eq(diags.items[0].message, rows[i].expected, "%s", rows[i].name);
        config_free(config);
    }
}
