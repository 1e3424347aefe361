/* SPDX-License-Identifier: Apache-2.0 */

/* The alert document byte for byte, its id, its key and its limits. */
#include "fixture.h"

#include "support.h"
#include "util/hash.h"

TestSuite(ecs);

/* struct job owns its texts; these live as long as the program. */
#define TEXT(s) ((char[]){s})

static struct threat_technique techniques[] = {
    {TEXT("T1049"), TEXT("System Network Connections Discovery"),
     TEXT("https://attack.mitre.org/techniques/T1049/")},
};
static struct threat_tactic tactics[] = {
    {TEXT("TA0007"), TEXT("Discovery"), TEXT("https://attack.mitre.org/tactics/TA0007/"), techniques, 1},
};
static char *references[] = {TEXT("https://example.org/a")};
static char *tags[] = {TEXT("linux"), TEXT("discovery")};

static const struct job job = {
    .id = TEXT("network_connection_discovery"),
    .name = TEXT("Rare user of network connection tools"),
    .description = TEXT("A user who rarely does it lists connections."),
    .severity = 21,
    .risk_score = 21,
    .rule_version = TEXT("1"),
    .references = references,
    .n_references = 1,
    .tags = tags,
    .n_tags = 2,
    .tactics = tactics,
    .n_tactics = 1,
};

static const struct alert_observer observer = {.version = "0.1.0"};

Test(ecs, says_everything_event_and_verdict_know)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice args[2];
    struct event e = fixture_event(args);
    struct verdict v = fixture_verdict(&e);
    struct document d;

    e.login_source_ip = SLICE("192.0.2.7");
    cr_assert_eq(alert_ecs(&v, &job, &observer, &arena, &d), 0);
    assert_slice(
        d.bytes,
        "{\"@timestamp\":\"2026-01-31T23:12:05.678Z\",\"ecs\":{\"version\":\"8.17.0\"},"
        "\"message\":\"mallory, as root, ran 'ss -tulpn' on db-01: the first time for this user; users this "
        "rare "
        "account for 1 of 1,234 user-buckets of 9 users (score 52.1, threshold 25)\","
        "\"event\":{\"kind\":\"alert\",\"category\":[\"process\"],\"type\":[\"start\"],\"action\":"
        "\"executed\","
        "\"outcome\":\"success\",\"id\":\"8bcf6559f46b0a89fed763dd32a49127\",\"module\":\"hapax\","
        "\"dataset\":\"hapax.alert\",\"severity\":21,"
        "\"risk_score\":21,\"reason\":\"mallory, as root, ran 'ss -tulpn' on db-01: the first time for this "
        "user; users "
        "this rare account for 1 of 1,234 user-buckets of 9 users (score 52.1, threshold 25)\"},"
        "\"rule\":{\"id\":\"network_connection_discovery\",\"name\":\"Rare user of network connection "
        "tools\","
        "\"description\":\"A user who rarely does it lists "
        "connections.\",\"version\":\"1\",\"ruleset\":\"hapax\","
        "\"category\":\"Discovery\",\"reference\":[\"https://example.org/a\"]},"
        "\"threat\":{\"framework\":\"MITRE ATT&CK\",\"tactic\":{\"id\":[\"TA0007\"],\"name\":[\"Discovery\"],"
        "\"reference\":[\"https://attack.mitre.org/tactics/TA0007/\"]},\"technique\":{\"id\":[\"T1049\"],"
        "\"name\":[\"System Network Connections Discovery\"],"
        "\"reference\":[\"https://attack.mitre.org/techniques/T1049/\"]}},"
        "\"host\":{\"name\":\"db-01\"},"
        "\"user\":{\"name\":\"mallory\",\"id\":\"1005\",\"effective\":{\"name\":\"root\",\"id\":\"0\"}},"
        "\"process\":{\"name\":\"ss\",\"executable\":\"/usr/bin/ss\",\"command_line\":\"ss -tulpn\","
        "\"args\":[\"ss\",\"-tulpn\"],\"args_count\":2,\"working_directory\":\"/home/mallory\",\"pid\":4242,"
        "\"parent\":{\"pid\":4241}},\"source\":{\"ip\":\"192.0.2.7\"},"
        "\"related\":{\"user\":[\"mallory\",\"root\"],\"hosts\":[\"db-01\"],\"ip\":[\"192.0.2.7\"]},"
        "\"observer\":{\"vendor\":\"hapax\",\"product\":\"hapax\",\"type\":\"ids\",\"version\":\"0.1.0\"},"
        "\"tags\":[\"linux\",\"discovery\"],"
        "\"hapax\":{\"job\":\"network_connection_discovery\",\"detector\":\"rare\",\"user\":\"mallory\","
        "\"score\":52.0625,\"threshold\":25.0,\"probability\":0.00325,\"final\":false,"
        "\"bucket\":{\"start\":\"2026-01-31T23:00:00.000Z\",\"span_seconds\":900,\"events\":1},"
        "\"counts\":{\"user_weight\":1.0,\"less_likely_weight\":1.0,\"total_weight\":1234.0,\"users\":9},"
        "\"is_first_seen\":true,"
        "\"exception\":{\"id\":\"alert-8bcf6559f46b0a89\",\"job\":\"network_connection_discovery\","
        "\"match\":[\"user.name=mallory\",\"host.name=db-01\",\"process.name=ss\","
        "\"process.command_line=ss -tulpn\"],\"expires\":\"2026-05-01\","
        "\"command\":\"hapax exceptions add --id alert-8bcf6559f46b0a89 --job network_connection_discovery "
        "--match user.name=mallory --match host.name=db-01 --match process.name=ss "
        "--match 'process.command_line=ss -tulpn' --expires 2026-05-01 --reason '' --owner ''\"},"
        "\"format\":\"audit\",\"trust\":\"input\",\"identity\":{\"kind\":\"person\"},"
        "\"process\":{\"tty\":\"pts0\"},\"audit\":{\"serial\":8890,\"auid\":1005,\"uid\":0,\"euid\":0,"
        "\"ses\":4294967295,\"tty\":\"pts0\",\"success\":\"yes\"}}}",
        "alert");
    assert_slice(d.key, "mallory", "key");
    cr_assert_eq(d.severity, 21);
    cr_assert(slice_starts_with(d.message, SLICE("mallory, as root, ran 'ss -tulpn' on db-01: ")));
}

Test(ecs, id_depends_on_job_population_user_and_bucket_alone)
{
    struct slice args[2];
    struct event e = fixture_event(args);
    const struct verdict base = fixture_verdict(&e);
    char id[HASH_ID_SIZE], other[HASH_ID_SIZE];
    struct verdict v = base;

    alert_id(&base, id);
    cr_assert_str_eq(id, "8bcf6559f46b0a89fed763dd32a49127");
    e.pid = 1;
    v.score = 99;
    v.is_final = true;
    v.n_users = 10;
    alert_id(&v, other);
    cr_assert_str_eq(id, other);

    v = base;
    v.job = "network_configuration_discovery";
    alert_id(&v, other);
    cr_assert_str_neq(id, other);
    v = base;
    v.partition = SLICE("db-01");
    alert_id(&v, other);
    cr_assert_str_neq(id, other);
    v = base;
    v.user = SLICE("alice");
    alert_id(&v, other);
    cr_assert_str_neq(id, other);
    v = base;
    v.bucket_start_usec += v.bucket_span_usec;
    alert_id(&v, other);
    cr_assert_str_neq(id, other);
}

Test(ecs, key_is_the_actor_else_the_host_else_empty)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice args[2];
    struct event e = fixture_event(args);
    const struct verdict v = fixture_verdict(&e);
    struct document d;

    e.actor.name = SLICE_NULL;
    cr_assert_eq(alert_ecs(&v, &job, &observer, &arena, &d), 0);
    assert_slice(d.key, "uid:1005", "number");
    e.actor.id = SLICE_NULL;
    cr_assert_eq(alert_ecs(&v, &job, &observer, &arena, &d), 0);
    assert_slice(d.key, "db-01", "host");
    e.host = SLICE_NULL;
    cr_assert_eq(alert_ecs(&v, &job, &observer, &arena, &d), 0);
    cr_assert(!slice_is_absent(d.key) && d.key.len == 0);
}

/* Every string and every argument as long and as costly to write as it can be. */
Test(ecs, fits_into_a_kafka_message_whatever_comes_in)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    static char huge[1000000];
    struct slice args[100], s = slice_new(huge, sizeof(huge));
    struct event e = EVENT_INIT;
    struct verdict v;
    struct document d;

    memset(huge, '\x01', sizeof(huge));
    for (size_t i = 0; i < ARRAY_SIZE(args); i++)
        args[i] = slice_new(huge, 1000);
    args[0] = SLICE("\xff");
    e.args = args;
    e.n_args = ARRAY_SIZE(args);
    e.format = e.action = e.host = e.process_name = e.executable = e.command_line = e.working_directory = s;
    e.actor = e.real = e.effective = (struct user){s, s};
    e.tty = e.unit = e.parent_name = e.parent_executable = e.login_source_ip = s;
    e.audit.is_present = true;
    e.audit.tty = e.audit.success = e.audit.key = e.audit.node = e.audit.emitted = e.audit.incomplete = s;
    v = fixture_verdict(&e);
    v.user = v.partition = s;
    cr_assert_eq(alert_ecs(&v, &job, &observer, &arena, &d), 0);
    cr_assert_lt(d.bytes.len, 1000000);
    cr_assert_lt(slice_find_slice(d.bytes, SLICE("\"cut\":true")), d.bytes.len);
}
