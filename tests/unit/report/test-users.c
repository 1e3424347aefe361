/* SPDX-License-Identifier: Apache-2.0 */

/* A table that is flooded with names keeps what matters, and loses no count. */
#include "report/users.h"

#include <stdio.h>

#include "report/report.h"
#include "support.h"
#include "util/parse.h"

TestSuite(users);

Test(users, folds_the_ordinary_and_keeps_the_alert)
{
    struct users users = {0};
    struct user_row *row;
    struct event event = EVENT_INIT;
    struct verdict v = {.job = "j", .event = &event, .is_first_seen = true};
    char name[32];

    /* 2026-01-05 is a Monday */
    event.time_usec = 1767603600 * USEC_PER_SEC; /* 09:00 */
    for (unsigned i = 0; i < REPORT_USERS_KEPT + 10; i++) {
        (void)snprintf(name, sizeof(name), "user%u", i);
        v.user = slice_from_string(name);
        v.reason = i == 7 ? VERDICT_ALERT : VERDICT_BELOW_THRESHOLD;
        v.score = i == 7 ? 50 : 0;
        cr_assert_eq(users_get(&users, &v, &row), 0);
        user_row_count(row, &v);
    }
    cr_assert_leq(HASH_COUNT(users.rows), REPORT_USERS_KEPT);
    cr_assert_eq(HASH_COUNT(users.rows) + users.n_folded, REPORT_USERS_KEPT + 10);
    users_rank(&users, 1);
    cr_assert_eq(HASH_COUNT(users.rows), 1);
    assert_slice(users.rows->user, "user7", "the one with an alert");
    cr_assert_eq(users.rows->hours[9], 1, "Monday, nine o'clock");
    cr_assert_eq(users.others.n_events, REPORT_USERS_KEPT + 9);
    v.user = SLICE("user1");
    v.is_first_seen = false;
    cr_assert_eq(users_get(&users, &v, &row), 0);
    cr_assert(row->is_partial, "one who has been folded");
    users_done(&users);
}
