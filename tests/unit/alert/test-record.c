/* SPDX-License-Identifier: Apache-2.0 */

/* A row of --records, byte for byte. */
#include "fixture.h"

#include "support.h"

TestSuite(record);

Test(record, has_the_numbers_in_full)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice args[2], json;
    const struct event e = fixture_event(args);
    struct verdict v = fixture_verdict(&e);

    v.probability = 0.1 + 0.2;
    cr_assert_eq(alert_record_row(&v, &arena, &json), 0);
    assert_slice(json,
                 "{\"t\":1769900400,\"job\":\"network_connection_discovery\",\"user\":\"mallory\","
                 "\"probability\":0.30000000000000004,\"score\":52.0625}",
                 "fleet");

    v.partition = SLICE("db-01");
    v.has_probability = false;
    v.score = 0;
    cr_assert_eq(alert_record_row(&v, &arena, &json), 0);
    assert_slice(json,
                 "{\"t\":1769900400,\"job\":\"network_connection_discovery\",\"host\":\"db-01\","
                 "\"user\":\"mallory\",\"score\":0.0}",
                 "host, not scored");

    v.has_bucket_score = true;
    v.bucket_score = 12.5;
    v.influencers = (const struct verdict_influencer[]){{"user", SLICE("mallory"), 0.5, 0},
                                                        {"host", SLICE("db\xff"), 0.25, 1.5}};
    v.n_influencers = 2;
    cr_assert_eq(alert_record_row(&v, &arena, &json), 0);
    assert_slice(json,
                 "{\"t\":1769900400,\"job\":\"network_connection_discovery\",\"host\":\"db-01\","
                 "\"user\":\"mallory\",\"score\":0.0,\"bucket_score\":12.5,\"influencers\":["
                 "{\"field\":\"user\",\"value\":\"mallory\",\"probability\":0.5,\"score\":0.0},"
                 "{\"field\":\"host\",\"value\":\"db\xef\xbf\xbd\",\"probability\":0.25,\"score\":1.5}]}",
                 "bucket and influencers");

    v.has_bucket_score = false;
    v.n_influencers = 0;
    v.score = 4.5;
    v.threshold = 3.75;
    v.reason = VERDICT_LEARNING;
    v.raw_score = 5.75;
    v.cases_per_day = 0.5;
    v.budget_per_day = 5;
    v.n_events = 3;
    v.components =
        (const struct verdict_component[]){{"family", "", 4, 1.25, 0, 0.5}, {"hour", "", 0.5, 1.5, 2, 0.25}};
    v.n_components = 2;
    cr_assert_eq(alert_record_row(&v, &arena, &json), 0);
    assert_slice(json,
                 "{\"t\":1769900400,\"job\":\"network_connection_discovery\",\"host\":\"db-01\","
                 "\"user\":\"mallory\",\"score\":4.5,\"threshold\":3.75,\"reason\":\"learning\","
                 "\"raw_score\":5.75,\"cases_per_day\":0.5,\"budget_per_day\":5.0,\"events\":3,"
                 "\"process\":\"ss\",\"components\":["
                 "{\"name\":\"family\",\"value\":5.0,\"surprise\":4.0,\"count\":0.0,\"expected\":0.5},"
                 "{\"name\":\"hour\",\"value\":0.75,\"surprise\":0.5,\"count\":2.0,\"expected\":0.25}]}",
                 "components");
}
