/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_DETECT_NOVELTY_STREAM_H
#define HAPAX_TESTS_DETECT_NOVELTY_STREAM_H

/* A novelty detector, events by hand, and what it said. Time is in seconds from T0, a Monday. */

#include "stream.h"

#include "detect/novelty.h"

static const char *const test_families[] = {"net", "proc", "user", "sudo"};

static inline struct novelty_options novelty_defaults(void)
{
    struct novelty_options options = {0};

    cr_assert_eq(option_defaults(novelty_driver.options, &options), 0);
    return options;
}

static inline struct detector *new_novelty(struct novelty_options options)
{
    struct detector *d = NULL;
    int r = detector_new(&novelty_driver,
                         &(struct detector_options){.job = "suite",
                                                    .options = &options,
                                                    .families = test_families,
                                                    .n_families = ARRAY_SIZE(test_families)},
                         &d);

    cr_assert_eq(r, 0, "detector_new: %d", r);
    return d;
}

static inline struct novelty *novelty_in(struct detector *d)
{
    return (struct novelty *)d;
}

struct heard {
    struct verdict last; /* strings are the caller's */
    size_t n, n_alerts, n_learning;
};

static inline int hear(void *userdata, const struct verdict *v)
{
    struct heard *heard = userdata;

    heard->last = *v;
    heard->last.components = NULL;
    heard->n++;
    heard->n_alerts += v->reason == VERDICT_ALERT;
    heard->n_learning += v->reason == VERDICT_LEARNING;
    return 0;
}

static inline struct verdict say(struct detector *d, struct heard *heard, double t, const char *user,
                                 const char *host, const char *command, unsigned family)
{
    const struct detector_callbacks callbacks = {.provisional = hear, .userdata = heard};
    struct event event = EVENT_INIT;
    int r;

    event.time_usec = T0 + (int64_t)(t * 1000) * 1000;
    event.host = slice_from_string(host);
    event.process_name = slice_from_string(command);
    event.actor.name = slice_from_string(user);
    r = detector_feed_family(d, &event, event.actor.name, family, &callbacks);
    cr_assert_eq(r, 0, "detector_feed_family: %d", r);
    return heard->last;
}

/* Five people and a daemon at work on three hosts, from day to day (exclusive), ten runs a day each. */
static inline void work(struct detector *d, struct heard *heard, unsigned from_day, unsigned to_day)
{
    static const char *const users[] = {"ann", "bob", "cid", "dan", "eli", "daemon"};
    static const char *const hosts[] = {"web1", "web2", "db1"};
    static const char *const commands[] = {"ss", "ps", "id", "sudo"};
    uint32_t seed = 1 + from_day;

    for (unsigned day = from_day; day < to_day; day++)
        for (unsigned i = 0; i < 60; i++) {
            const unsigned user = next_random(&seed) % 6, family = (user + next_random(&seed) % 2) % 4;
            const unsigned host = (user + (next_random(&seed) % 8 == 0)) % 3;

            say(d, heard, day * 86400.0 + 28800 + i * 600 + next_random(&seed) % 500, users[user],
                hosts[host], commands[family], family);
        }
}

#endif
