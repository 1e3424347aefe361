/* SPDX-License-Identifier: Apache-2.0 */

/* Which exception forgives which event. */
#include "select/exception.h"

#include <stdlib.h>
#include <time.h>

#include "select/exception_set.h"
#include "support.h"
#include "util/parse.h"

static const char text[] =
    "groups: {netops: [erin, olivia]}\n"
    "exceptions:\n"
    "- {id: digest-alice, reason: r, owner: o, effect: digest, match: {user.name: alice}}\n"
    "- {id: alice-db, reason: r, owner: o, match: {user.name: alice, host.name: db-01}}\n"
    "- {id: alice-db2, reason: r, owner: o, match: {host.name: db-01, user.name: alice}}\n"
    "- {id: netops, reason: r, owner: o, match: {user.group: netops, source.ip: {cidr: 10.0.0.0/8}}}\n"
    "- {id: agent, reason: r, owner: o, effect: skip, match: {process.parent.name: agent, hapax.process.tty: "
    "{exists: false}}}\n"
    "- {id: numbered, reason: r, owner: o, match: {user.name: 'uid:1002'}}\n"
    "- {id: args, reason: r, owner: o, match: {process.args: [-x, -y], process.name: {glob: 's*'}}}\n"
    "- {id: job-b, reason: r, owner: o, jobs: [b], match: {user.name: bob}}\n"
    "- {id: timed, reason: r, owner: o, starts: 2026-01-10, expires: 2026-01-11, match: {user.name: carol}}\n"
    "- {id: window, reason: r, owner: o, schedule: {cron: 0 2 * * *, duration: 1h}}\n"
    "- {id: failures, reason: r, owner: o, match: {event.outcome: failure, hapax.identity.kind: service}}\n";

static struct slice args[] = {{"ss", 2}, {NULL, 0}, {"-y", 2}};

#define S(s)                                                                                                 \
    {                                                                                                        \
        "" s, sizeof(s) - 1                                                                                  \
    }

static const struct {
    const char *name, *job, *time;
    struct event event;
    const char *expected;
} rows[] = {
    {"suppress goes before digest, the first before the second",
     "a",
     "2026-01-05T12:00:00Z",
     {.actor = {.name = S("alice")}, .host = S("db-01")},
     "alice-db"},
    {"digest where nothing else matches",
     "a",
     "2026-01-05T12:00:00Z",
     {.actor = {.name = S("alice")}, .host = S("web-01")},
     "digest-alice"},
    {"a member of the group, from the network",
     "a",
     "2026-01-05T12:00:00Z",
     {.actor = {.name = S("erin")}, .login_source_ip = S("10.1.2.3")},
     "netops"},
    {"from elsewhere",
     "a",
     "2026-01-05T12:00:00Z",
     {.actor = {.name = S("erin")}, .login_source_ip = S("192.0.2.1")},
     NULL},
    {"from nobody knows where", "a", "2026-01-05T12:00:00Z", {.actor = {.name = S("erin")}}, NULL},
    {"no terminal",
     "a",
     "2026-01-05T12:00:00Z",
     {.actor = {.name = S("x")}, .parent_name = S("agent")},
     "agent"},
    {"a terminal",
     "a",
     "2026-01-05T12:00:00Z",
     {.actor = {.name = S("x")}, .parent_name = S("agent"), .tty = S("pts0")},
     NULL},
    {"a number without a name", "a", "2026-01-05T12:00:00Z", {.actor = {.id = S("1002")}}, "numbered"},
    {"a name goes before its number",
     "a",
     "2026-01-05T12:00:00Z",
     {.actor = {.name = S("y"), .id = S("1002")}},
     NULL},
    {"one of the arguments, beside a hole",
     "a",
     "2026-01-05T12:00:00Z",
     {.process_name = S("ss"), .args = args, .n_args = 3},
     "args"},
    {"another process",
     "a",
     "2026-01-05T12:00:00Z",
     {.process_name = S("netstat"), .args = args, .n_args = 3},
     NULL},
    {"of the other job", "b", "2026-01-05T12:00:00Z", {.actor = {.name = S("bob")}}, "job-b"},
    {"not of this job", "a", "2026-01-05T12:00:00Z", {.actor = {.name = S("bob")}}, NULL},
    {"before it starts", "a", "2026-01-09T23:59:59Z", {.actor = {.name = S("carol")}}, NULL},
    {"from its start", "a", "2026-01-10T00:00:00Z", {.actor = {.name = S("carol")}}, "timed"},
    {"to the end of its last day", "a", "2026-01-11T23:59:59Z", {.actor = {.name = S("carol")}}, "timed"},
    {"and not longer", "a", "2026-01-12T00:00:00Z", {.actor = {.name = S("carol")}}, NULL},
    {"inside a window anybody", "a", "2026-01-05T02:59:59Z", {.actor = {.name = S("z")}}, "window"},
    {"outside of it nobody", "a", "2026-01-05T03:00:00Z", {.actor = {.name = S("z")}}, NULL},
    {"what is not text but has names",
     "a",
     "2026-01-05T12:00:00Z",
     {.is_failure = true, .actor_kind = ACTOR_SERVICE},
     "failures"},
    {"a line with two readings is never forgiven",
     "a",
     "2026-01-05T12:00:00Z",
     {.actor = {.name = S("alice")}, .host = S("db-01"), .is_ambiguous = true},
     NULL},
    {"an event that says nothing", "a", "2026-01-05T12:00:00Z", {0}, NULL},
};

static struct exception_set *load(struct slice yaml)
{
    struct diag_list diags = DIAG_LIST_INIT;
    struct exception_set *set = NULL;

    cr_assert_eq(exception_set_try("f", "f", yaml, &diags, &set), 0);
    diag_list_done(&diags);
    return set;
}

Test(exception, the_one_that_matches_is_found)
{
    _cleanup_(exception_set_freep) struct exception_set *set = load(slice_from_string(text));

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct event event = rows[i].event;
        const struct exception *found = NULL;
        int r;

        cr_assert_eq(parse_timestamp_usec(slice_from_string(rows[i].time), &event.time_usec), 0);
        r = exception_set_find(set, 7, rows[i].job, &event, &found);
        cr_expect_eq(r, rows[i].expected != NULL, "%s: %s", rows[i].name, found ? found->id : "none");
        if (found && rows[i].expected)
            cr_expect_str_eq(found->id, rows[i].expected, "%s: got %s", rows[i].name, found->id);
    }
    exception_set_keep(set, "netops");
    for (size_t i = 0; i < 2; i++) {
        const struct exception *found;
        struct event event = rows[i == 0 ? 0 : 2].event;

        event.time_usec = INT64_C(1767614400) * USEC_PER_SEC;
        cr_expect_eq(exception_set_find(set, 7, "a", &event, &found), (int)i, "only the one that is kept");
    }
}

/* Counts comparisons of conditions by what it costs: an event nobody is excepted for must not look at all. */
Test(exception, a_thousand_are_as_good_as_one)
{
    _cleanup_(buffer_done) struct buffer yaml = BUFFER_INIT;
    struct exception_set *set;
    const struct exception *found = NULL;
    struct event event = EVENT_INIT;

    cr_assert_eq(buffer_append_format(&yaml, "exceptions:\n"), 0);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(buffer_append_format(&yaml,
                                          "- {id: e%d, reason: r, owner: o, match: {user.name: [u%d, v%d], "
                                          "host.name: {glob: 'web-*'}}}\n",
                                          i, i, i),
                     0);
    set = load(buffer_slice(&yaml));
    event.host = SLICE("web-01");
    event.actor.name = SLICE("v777");
    cr_expect_eq(exception_set_find(set, 1U << EXCEPTION_SUPPRESS, "a", &event, &found), 1);
    cr_expect_str_eq(found->id, "e777");
    event.actor.name = SLICE("nobody");
    cr_expect_eq(exception_set_find(set, 1U << EXCEPTION_SUPPRESS, "a", &event, &found), 0);
    exception_set_free(set);
}

/* The work is counted, not timed: how many exceptions a question looks at, of five thousand. */
Test(exception, looks_at_few_of_many)
{
    const struct {
        const char *name, *head, *tail; /* of what an item matches, around its number */
    } shapes[] = {
        {"each a user", "process.name: ss, user.name: user", ""},
        {"the same user, each a host", "user.name: user5, process.name: ss, host.name: web-", ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
        _cleanup_(exception_set_freep) struct exception_set *set = NULL;
        _cleanup_(buffer_done) struct buffer yaml = BUFFER_INIT;
        const struct exception *exception;
        struct diag_list diags = DIAG_LIST_INIT;
        struct event event = EVENT_INIT;

        cr_assert_eq(buffer_append_slice(&yaml, SLICE("exceptions:\n- {id: glob, reason: r, owner: o, match: "
                                                      "{user.name: {glob: 'x*'}}}\n")),
                     0);
        for (int k = 1; k < 5000; k++)
            cr_assert_eq(buffer_append_format(&yaml, "- {id: e%d, reason: r, owner: o, match: {%s%d%s}}\n", k,
                                              shapes[i].head, k, shapes[i].tail),
                         0);
        cr_assert_eq(exception_set_try("f", "f", buffer_slice(&yaml), &diags, &set), 0, "%s: %s",
                     shapes[i].name, diags.n > 0 ? diags.items[0].message : "");
        cr_assert_eq(exception_set_count(set), 5000);
        event.actor.name = SLICE("user5");
        event.host = SLICE("web-5");
        event.process_name = SLICE("ss");
        cr_assert_eq(exception_set_find(set, 1U << EXCEPTION_SUPPRESS, "job", &event, &exception), 1, "%s",
                     shapes[i].name);
        cr_expect_str_eq(exception->id, "e5", "%s", shapes[i].name);
        cr_expect_leq(set->n_considered, 2, "%s: %llu", shapes[i].name,
                      (unsigned long long)set->n_considered);
        diag_list_done(&diags);
    }
}
