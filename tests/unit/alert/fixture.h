/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_ALERT_FIXTURE_H
#define HAPAX_TESTS_ALERT_FIXTURE_H

/* One event, one verdict and one job that the tests of this room share, and vary. */

#include "alert/alert.h"

/* 2026-01-31 23:12:05.678 UTC */
#define EVENT_USEC INT64_C(1769901125678901)
/* 2026-01-31 23:00:00 UTC */
#define BUCKET_USEC INT64_C(1769900400000000)

static inline struct event fixture_event(struct slice *args)
{
    struct event e = EVENT_INIT;

    args[0] = SLICE("ss");
    args[1] = SLICE("-tulpn");
    e.time_usec = EVENT_USEC;
    e.trust = TRUST_INPUT;
    e.format = SLICE("audit");
    e.action = SLICE("executed");
    e.host = SLICE("db-01");
    e.actor = (struct user){SLICE("mallory"), SLICE("1005")};
    e.real = (struct user){SLICE("root"), SLICE("0")};
    e.effective = (struct user){SLICE("root"), SLICE("0")};
    e.process_name = SLICE("ss");
    e.executable = SLICE("/usr/bin/ss");
    e.command_line = SLICE("ss -tulpn");
    e.working_directory = SLICE("/home/mallory");
    e.tty = SLICE("pts0");
    e.args = args;
    e.n_args = 2;
    e.args_count = 2;
    e.pid = 4242;
    e.parent_pid = 4241;
    e.audit = (struct event_audit){.is_present = true,
                                   .has_auid = true,
                                   .auid = 1005,
                                   .has_uid = true,
                                   .has_euid = true,
                                   .has_ses = true,
                                   .ses = AUDIT_ID_UNSET,
                                   .has_serial = true,
                                   .serial = 8890,
                                   .tty = SLICE("pts0"),
                                   .success = SLICE("yes")};
    return e;
}

static inline struct verdict fixture_verdict(const struct event *event)
{
    return (struct verdict){
        .job = "network_connection_discovery",
        .detector = "rare",
        .event = event,
        .user = SLICE("mallory"),
        .partition = SLICE(""),
        .bucket_start_usec = BUCKET_USEC,
        .bucket_span_usec = INT64_C(900000000),
        .has_probability = true,
        .probability = 0.00325,
        .score = 52.0625,
        .threshold = 25,
        .reason = VERDICT_ALERT,
        .user_weight = 1,
        .total_weight = 1234,
        .less_likely_weight = 1,
        .n_users = 9,
        .is_first_seen = true,
        .first_seen_usec = BUCKET_USEC,
        .n_events = 1,
    };
}

#endif
