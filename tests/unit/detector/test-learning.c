/* SPDX-License-Identifier: Apache-2.0 */

/* When a detector has learned enough, by its rule or by its own word, and that a restart does not change it.
 */
#include "detector/learning.h"

#include <errno.h>
#include <string.h>

#include "support.h"
#include "util/buffer.h"
#include "util/parse.h"

#define T0   (INT64_C(1767571200) * USEC_PER_SEC)
#define HOUR (3600 * USEC_PER_SEC)

struct step {
    int hour;
    uint64_t n_events; /* of the user in the bucket */
    enum verdict_reason reason, expected;
    bool says_learning; /* the detector */
};

static int keep(void *userdata, const struct change *change)
{
    struct buffer *kept = userdata;

    buffer_clear(kept);
    assert_slice(change->key, "learning/rare/job", "key");
    return buffer_append_slice(kept, change->value);
}

static void restart(struct learning *learning, struct buffer *kept)
{
    cr_assert_eq(learning_changes(learning, "rare", "job", keep, kept), 0);
    *learning = (struct learning){0};
    if (kept->len > 0)
        cr_assert_eq(learning_restore(learning, buffer_slice(kept)), 0);
}

TestSuite(learning);

Test(learning, ends_by_its_rule)
{
    static const struct row {
        const char *name;
        struct learning_rule rule;
        bool is_own;
        struct step steps[5];
        int active_hour; /* -1: never */
        uint64_t n_events, n_units, n_withheld;
    } rows[] = {
        {"no rule", {0}, false, {{1, 1, VERDICT_ALERT, VERDICT_ALERT, false}}, 1, 1, 1, 0},
        {"by time",
         {2 * HOUR, 0},
         false,
         {{1, 1, VERDICT_ALERT, VERDICT_LEARNING, false},
          {2, 1, VERDICT_BELOW_THRESHOLD, VERDICT_BELOW_THRESHOLD, false},
          {3, 1, VERDICT_ALERT, VERDICT_ALERT, false}},
         3,
         3,
         3,
         1},
        {"by user-buckets",
         {0, 2},
         false,
         {{1, 1, VERDICT_ALERT, VERDICT_LEARNING, false},
          {1, 2, VERDICT_REPEATED, VERDICT_REPEATED, false},
          {1, 1, VERDICT_ALERT, VERDICT_ALERT, false}},
         1,
         3,
         2,
         1},
        {"both, and what is late counts for nothing",
         {2 * HOUR, 3},
         false,
         {{2, 1, VERDICT_ALERT, VERDICT_LEARNING, false},
          {1, 1, VERDICT_ALERT, VERDICT_LEARNING, false},
          {5, 1, VERDICT_ALERT, VERDICT_LEARNING, false}},
         -1,
         2,
         2,
         3},
        {"by its own word",
         {0},
         true,
         {{1, 1, VERDICT_LEARNING, VERDICT_LEARNING, true},
          {2, 1, VERDICT_BELOW_THRESHOLD, VERDICT_BELOW_THRESHOLD, false},
          {3, 1, VERDICT_ALERT, VERDICT_ALERT, false}},
         2,
         3,
         3,
         1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int is_restarting = 0; is_restarting < 2; is_restarting++) {
            _cleanup_(buffer_done) struct buffer kept = BUFFER_INIT;
            const struct row *row = &rows[i];
            struct learning learning = {0};

            for (const struct step *s = row->steps; s->hour > 0; s++) {
                struct event event = {.time_usec = T0 + s->hour * HOUR};
                struct verdict v = {
                    .event = &event, .has_probability = true, .n_events = s->n_events, .reason = s->reason};

                if (is_restarting)
                    restart(&learning, &kept);
                learning_see(&learning, &row->rule, row->is_own, s->says_learning, &v);
                cr_assert_eq(v.reason, s->expected, "%s: hour %d", row->name, s->hour);
            }
            cr_assert_eq(learning.active_usec, row->active_hour < 0 ? 0 : T0 + row->active_hour * HOUR, "%s",
                         row->name);
            cr_assert_eq(learning.n_events, row->n_events, "%s", row->name);
            cr_assert_eq(learning.n_units, row->n_units, "%s", row->name);
            cr_assert_eq(learning.n_withheld, row->n_withheld, "%s", row->name);
        }
}

Test(learning, knows_what_an_older_state_has_learned)
{
    struct event event = {.time_usec = T0 + 100 * HOUR};
    struct verdict v = {.event = &event,
                        .has_probability = true,
                        .n_events = 1,
                        .first_seen_usec = T0,
                        .total_weight = 90.5,
                        .reason = VERDICT_ALERT};
    struct learning learning = {0};

    learning_see(&learning, &(struct learning_rule){99 * HOUR, 78}, false, false, &v);
    cr_assert_eq(v.reason, VERDICT_ALERT);
    cr_assert_eq(learning.first_usec, T0);
    cr_assert_eq(learning.n_units, 90);
}

Test(learning, refuses_what_it_did_not_write)
{
    char bytes[49] = {0};
    struct learning learning = {0};

    for (size_t len = 0; len < sizeof(bytes) + 1; len++)
        cr_assert_eq(learning_restore(&learning, slice_new(bytes, MIN(len, sizeof(bytes)))),
                     len == 48 ? 0 : -EBADMSG, "%zu bytes", len);
    bytes[7] = (char)0x80;
    cr_assert_eq(learning_restore(&learning, slice_new(bytes, 48)), -EBADMSG);
}
