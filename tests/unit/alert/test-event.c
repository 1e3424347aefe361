/* SPDX-License-Identifier: Apache-2.0 */

/* The output of `hapax normalize` byte for byte: its members, their types and their order are a contract. */
#include "fixture.h"

#include "support.h"

TestSuite(event);

static struct slice print(const struct event *event, struct arena *arena)
{
    struct slice json;

    cr_assert_eq(alert_event(event, arena, &json), 0);
    return json;
}

Test(event, prints_every_member_it_has_in_order)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice args[2];
    const struct event e = fixture_event(args);

    assert_slice(
        print(&e, &arena),
        "{\"@timestamp\":\"2026-01-31T23:12:05.678Z\","
        "\"event\":{\"kind\":\"event\",\"category\":[\"process\"],\"type\":[\"start\"],"
        "\"action\":\"executed\",\"outcome\":\"success\"},"
        "\"host\":{\"name\":\"db-01\"},"
        "\"user\":{\"name\":\"mallory\",\"id\":\"1005\",\"effective\":{\"name\":\"root\",\"id\":\"0\"}},"
        "\"process\":{\"name\":\"ss\",\"executable\":\"/usr/bin/ss\",\"command_line\":\"ss -tulpn\","
        "\"args\":[\"ss\",\"-tulpn\"],\"args_count\":2,\"working_directory\":\"/home/mallory\","
        "\"pid\":4242,\"parent\":{\"pid\":4241}},"
        "\"hapax\":{\"format\":\"audit\",\"trust\":\"input\",\"identity\":{\"kind\":\"person\"},"
        "\"process\":{\"tty\":\"pts0\"},"
        "\"audit\":{\"serial\":8890,\"auid\":1005,\"uid\":0,\"euid\":0,\"ses\":4294967295,"
        "\"tty\":\"pts0\",\"success\":\"yes\"}}}",
        "full event");
}

Test(event, leaves_out_what_the_source_did_not_say)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct event e = EVENT_INIT;

    e.is_failure = true;
    e.is_args_exact = false;
    e.actor.name = SLICE("");
    e.actor_kind = ACTOR_NUMERIC;
    e.command_line = SLICE("route -n");
    assert_slice(print(&e, &arena),
                 "{\"@timestamp\":\"1970-01-01T00:00:00.000Z\","
                 "\"event\":{\"kind\":\"event\",\"category\":[\"process\"],\"type\":[\"start\"],"
                 "\"outcome\":\"failure\"},\"process\":{\"command_line\":\"route -n\"},"
                 "\"hapax\":{\"trust\":\"low\",\"identity\":{\"kind\":\"numeric\"},"
                 "\"process\":{\"args_exact\":false}}}",
                 "bare event");
}

/* 300,000 arguments in two forms: done in well under the time limit of a test where it is linear, and never
 * else. */
Test(event, is_linear_in_the_arguments, .timeout = 60)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    static struct slice args[300000];
    struct event e = EVENT_INIT;
    struct slice json;

    for (size_t i = 0; i < ARRAY_SIZE(args); i++)
        args[i] = SLICE("\xff-a");
    e.args = args;
    e.n_args = ARRAY_SIZE(args);
    json = print(&e, &arena);
    /* "U+FFFD-a", and "ff2d61", */
    cr_assert_gt(json.len, ARRAY_SIZE(args) * (8 + 9));
}
