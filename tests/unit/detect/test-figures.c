/* SPDX-License-Identifier: Apache-2.0 */

/* What detectors tell of themselves: counted where it should be, kept over restarts, nothing else believed.
 */
#include "detect/figures.h"

#include <errno.h>
#include <math.h>

#include "detect/novelty.h"
#include "detect/rare.h"
#include "support.h"
#include "util/parse.h"

#define T0 (INT64_C(1767571200) * USEC_PER_SEC)

/* The same user on one host: each of the quarters, twice; then one event of long ago. */
static struct figures feed(const struct detector_driver *driver, void *options, unsigned n_quarters)
{
    static const char *const families[] = {"net"};
    const struct detector_callbacks callbacks = {0};
    struct figures figures = {0};
    struct detector *d = NULL;

    cr_assert_eq(
        detector_new(
            driver,
            &(struct detector_options){
                .job = "job", .threshold = 25, .options = options, .families = families, .n_families = 1},
            &d),
        0);
    for (unsigned i = 0; i <= 2 * n_quarters; i++) {
        struct event event = EVENT_INIT;
        const unsigned quarter = i < 2 * n_quarters ? i / 2 : 0;

        event.time_usec = T0 + (int64_t)quarter * 15 * USEC_PER_MINUTE + i % 2;
        event.host = SLICE("web1");
        event.process_name = SLICE("ss");
        event.actor.name = SLICE("ann");
        if (detector_is_suite(driver))
            cr_assert_eq(detector_feed_family(d, &event, event.actor.name, 0, &callbacks), 0);
        else
            cr_assert_eq(detector_feed(d, &event, event.actor.name, SLICE(""), &callbacks), 0);
    }
    driver->figures(d, &figures);
    detector_free(d);
    return figures;
}

Test(figures, of_a_detector_are_what_happened_to_it)
{
    struct novelty_options novelty = {0};
    struct rare_options rare = {0};
    const struct row {
        const char *name;
        enum figure figure;
        double of_novelty, of_rare; /* -1: it has no such thing */
    } rows[] = {
        {"users", FIGURE_USERS, 1, 1},
        {"hosts", FIGURE_HOSTS, 1, -1},
        {"pairs", FIGURE_PAIRS, 1, -1},
        {"populations", FIGURE_POPULATIONS, -1, 1},
        {"evicted", FIGURE_EVICTED_USERS, 0, 0},
        {"late", FIGURE_LATE, 1, 1},
        {"repeated", FIGURE_REPEATED, 90, 90},
        {"90 quarters of a day, 32 of which count", FIGURE_CAPPED, 58, 58},
        {"alerts are the chain's", FIGURE_ALERTS, -1, -1},
        {"cut names", FIGURE_NAMES_CUT, 0, 0},
        {"budget", FIGURE_BUDGET, 5, -1},
    };
    struct figures a, b;

    cr_assert_eq(option_defaults(novelty_driver.options, &novelty), 0);
    cr_assert_eq(option_defaults(rare_driver.options, &rare), 0);
    novelty.max_growth = rare.max_growth = 32;
    a = feed(&novelty_driver, &novelty, 90);
    b = feed(&rare_driver, &rare, 90);
    option_done(novelty_driver.options, &novelty);
    option_done(rare_driver.options, &rare);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const enum figure f = rows[i].figure;

        cr_expect_eq(a.has[f] ? a.values[f] : -1, rows[i].of_novelty, "novelty, %s: %g", rows[i].name,
                     a.values[f]);
        cr_expect_eq(b.has[f] ? b.values[f] : -1, rows[i].of_rare, "rare, %s: %g", rows[i].name, b.values[f]);
    }
}

Test(figures, come_back_from_the_state_and_counters_go_on)
{
    _cleanup_(buffer_done) struct buffer saved = BUFFER_INIT;
    struct figures before = {0}, now = {0}, loaded;
    static const char junk[] = "\xff\xff\xff\xff\xff\xff\xff"
                               "\xff";

    figures_set(&before, FIGURE_USERS, 7);
    figures_set(&before, FIGURE_LATE, 3);
    figures_set(&before, FIGURE_THRESHOLD, 4.25);
    cr_assert_eq(figures_save(&before, &saved), 0);
    cr_assert_eq(buffer_append_double(&saved, 1), 0); /* of a later version */
    cr_assert_eq(figures_load(buffer_slice(&saved), &loaded), 0);
    cr_assert(figures_equal(&before, &loaded));
    figures_set(&now, FIGURE_USERS, 2);
    figures_set(&now, FIGURE_LATE, 1);
    figures_set(&now, FIGURE_REPEATED, 5);
    cr_assert_not(figures_equal(&now, &loaded));
    figures_go_on(&now, &loaded);
    cr_expect_eq(now.values[FIGURE_USERS], 2, "as of now");
    cr_expect_eq(now.values[FIGURE_LATE], 4);
    cr_expect_eq(now.values[FIGURE_REPEATED], 5, "not counted before");
    cr_expect_eq(figures_load(slice_new(junk, 7), &loaded), -EBADMSG, "cut");
    cr_expect_eq(figures_load(slice_new(junk, 8), &loaded), 0, "no number");
    buffer_clear(&saved);
    cr_assert_eq(buffer_append_double(&saved, -1), 0);
    cr_expect_eq(figures_load(buffer_slice(&saved), &loaded), -EBADMSG, "negative");
    for (size_t i = 0; i < N_FIGURES; i++)
        cr_expect(figure_rows[i].name && *figure_rows[i].name, "row %zu", i);
}
