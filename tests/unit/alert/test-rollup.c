/* SPDX-License-Identifier: Apache-2.0 */

/* The roll-up alert, byte for byte. */
#include "alert/alert.h"

#include <string.h>

#include "support.h"
#include "util/parse.h"

#define T0 (INT64_C(1767571200) * USEC_PER_SEC)

TestSuite(rollup);

Test(rollup, carries_counts_and_ids)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    char *user_items[] = {(char *)"mallory"}, *host_items[] = {(char *)"a", (char *)"b"},
         *id_items[] = {(char *)"1", (char *)"2"};
    const struct string_list users = {.items = user_items, .n = 1}, hosts = {.items = host_items, .n = 2},
                             ids = {.items = id_items, .n = 2};
    const struct job job = {.id = (char *)"job",
                            .name = (char *)"Job",
                            .severity = 21,
                            .risk_score = 21,
                            .rule_version = (char *)"1"};
    struct alert_rollup u = {
        .id = "0123456789abcdef0123456789abcdef",
        .job = "job",
        .limit = "actor",
        .name = "mallory",
        .limit_alerts = 20,
        .start_usec = T0,
        .end_usec = T0 + 3600 * USEC_PER_SEC,
        .first_usec = T0 + USEC_PER_SEC,
        .last_usec = T0 + 2 * USEC_PER_SEC,
        .n_alerts = 7,
        .score_max = 62.5,
        .users = &users,
        .hosts = &hosts,
        .ids = &ids,
        .is_cut = true,
    };
    struct document d;

    cr_assert_eq(alert_rollup(&u, &job, &(struct alert_observer){.version = "0"}, &arena, &d), 0);
    assert_slice(d.id, u.id, "id");
    assert_slice(d.key, "mallory", "key");
    assert_slice(
        d.message,
        "Job: 7 more alerts between 2026-01-05T00:00 and 2026-01-05T01:00 UTC, beyond the limit of 20 for "
        "actor mallory, about mallory on a, b",
        "message");
    assert_slice(
        d.bytes,
        "{\"@timestamp\":\"2026-01-05T00:00:02.000Z\",\"ecs\":{\"version\":\"8.17.0\"},"
        "\"message\":\"Job: 7 more alerts between 2026-01-05T00:00 and 2026-01-05T01:00 UTC, beyond the "
        "limit of 20 "
        "for actor mallory, about mallory on a, b\","
        "\"event\":{\"kind\":\"alert\",\"category\":[\"process\"],\"type\":[\"start\"],\"action\":\"rollup\","
        "\"id\":\"0123456789abcdef0123456789abcdef\",\"module\":\"hapax\",\"dataset\":\"hapax.alert\","
        "\"severity\":21,\"risk_score\":21},"
        "\"rule\":{\"id\":\"job\",\"name\":\"Job\",\"version\":\"1\",\"ruleset\":\"hapax\"},"
        "\"user\":{\"name\":\"mallory\"},\"related\":{\"user\":[\"mallory\"],\"hosts\":[\"a\",\"b\"]},"
        "\"observer\":{\"vendor\":\"hapax\",\"product\":\"hapax\",\"type\":\"ids\",\"version\":\"0\"},"
        "\"hapax\":{\"job\":\"job\",\"rollup\":{\"limit\":\"actor\",\"name\":\"mallory\",\"limit_alerts\":20,"
        "\"start\":\"2026-01-05T00:00:00.000Z\",\"end\":\"2026-01-05T01:00:00.000Z\",\"alerts\":7,"
        "\"first\":\"2026-01-05T00:00:01.000Z\",\"last\":\"2026-01-05T00:00:02.000Z\",\"score_max\":62.5,"
        "\"users\":[\"mallory\"],\"hosts\":[\"a\",\"b\"],\"alert_ids\":[\"1\",\"2\"],\"more\":5,\"cut\":true}"
        "}}",
        "document");

    u.limit = "job";
    u.name = NULL;
    u.n_alerts = 1;
    cr_assert_eq(alert_rollup(&u, &job, &(struct alert_observer){.version = "0"}, &arena, &d), 0);
    assert_slice(d.key, "job", "key of the job's");
    assert_slice(
        d.message,
        "Job: 1 more alert between 2026-01-05T00:00 and 2026-01-05T01:00 UTC, beyond the limit of 20 for the "
        "job, about mallory on a, b",
        "message of the job's");
}
