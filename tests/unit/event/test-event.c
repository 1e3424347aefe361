/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whom an event is about: name before number, and a number never taken for a name.
 */
#include "event/event.h"

#include "support.h"
#include "util/cleanup.h"

Test(event, each_identity_names_its_own_user)
{
    static const struct {
        const char *name;
        struct user actor, real, effective;
        const char *keys[3]; /* login, real, effective; NULL: absent */
    } rows[] = {
        {"named",
         {SLICE("alice"), SLICE("1000")},
         {SLICE("bob"), SLICE("1001")},
         {SLICE("root"), SLICE("0")},
         {"alice", "bob", "root"}},
        {"numbers only",
         {SLICE_NULL, SLICE("1000")},
         {SLICE_NULL, SLICE("1001")},
         {SLICE_NULL, SLICE("0")},
         {"uid:1000", "uid:1001", "uid:0"}},
        {"an empty name is none",
         {SLICE(""), SLICE("5")},
         {SLICE(""), SLICE("")},
         {SLICE("x"), SLICE_NULL},
         {"uid:5", NULL, "x"}},
        {"nothing said",
         {SLICE_NULL, SLICE_NULL},
         {SLICE_NULL, SLICE_NULL},
         {SLICE_NULL, SLICE_NULL},
         {NULL, NULL, NULL}},
        {"a name that looks like a number",
         {SLICE("1000"), SLICE("7")},
         {SLICE_NULL, SLICE("1000")},
         {SLICE_NULL, SLICE_NULL},
         {"1000", "uid:1000", NULL}},
    };
    static const enum identity identities[] = {IDENTITY_LOGIN, IDENTITY_REAL, IDENTITY_EFFECTIVE};
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (size_t k = 0; k < 3; k++) {
            struct event event = EVENT_INIT;
            struct slice user = SLICE("not written");

            event.actor = rows[i].actor;
            event.real = rows[i].real;
            event.effective = rows[i].effective;
            cr_assert_eq(event_identity(&event, identities[k], &arena, &user), 0);
            if (rows[i].keys[k])
                assert_slice(user, rows[i].keys[k], rows[i].name);
            else
                cr_assert(slice_is_absent(user), "%s: %zu", rows[i].name, k);
        }
}
