/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/detector.h"

#include <errno.h>

#include "stream.h"

Test(detector, every_driver_is_complete_and_its_option_rows_lie_in_its_struct)
{
    size_t n = 0;

    for (const struct detector_driver *const *p = detector_drivers; *p; p++, n++) {
        const struct detector_driver *driver = *p;

        cr_assert(driver->name && driver->summary && driver->options);
        cr_assert((driver->feed != NULL) != (driver->feed_family != NULL), "%s", driver->name);
        cr_assert(driver->new && driver->free && driver->advance && driver->finish && driver->changes &&
                  driver->restore && driver->deadline_usec);
        for (size_t i = 0; i < driver->options->n_options; i++) {
            const struct option *option = &driver->options->options[i];

            cr_expect(option->name && option->help && option->default_text, "%s: row %zu", driver->name, i);
            cr_expect(option->offset < driver->options->struct_size, "%s: %s", driver->name, option->name);
            cr_expect((option->type == OPTION_CHOICE) == (option->choices != NULL), "%s: %s", driver->name,
                      option->name);
        }
    }
    cr_assert_eq(n, 2);
}

Test(detector, a_job_id_that_would_break_state_keys_is_refused)
{
    static const char *const jobs[] = {"", "a/b", NULL};
    struct rare_options options = OPTIONS_WINDOW;
    struct detector *d = NULL;

    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(
            detector_new(&rare_driver,
                         &(struct detector_options){.job = jobs[i], .threshold = 25, .options = &options},
                         &d),
            -EINVAL);
    cr_assert_null(d);
    cr_assert_null(detector_free(NULL));
}

Test(detector, options_out_of_range_are_refused)
{
    struct detector *d = NULL;
    struct rare_options rows[7];

    for (size_t i = 0; i < 7; i++)
        rows[i] = OPTIONS_WINDOW;
    rows[0].forget = 2;
    rows[1].bucket_span_usec = 0;
    rows[2].bucket_span_usec = 2 * USEC_PER_DAY;
    rows[3].window_usec = USEC_PER_HOUR;
    rows[4].lateness_usec = 17 * USEC_PER_HOUR;
    rows[5].max_users = 0;
    rows[6].window_usec =
        366 * USEC_PER_DAY; /* each is within its range, but together they are 527,040 bits a user */
    rows[6].bucket_span_usec = USEC_PER_MINUTE;
    for (size_t i = 0; i < 7; i++)
        cr_expect_eq(
            detector_new(&rare_driver,
                         &(struct detector_options){.job = "j", .threshold = 25, .options = &rows[i]}, &d),
            -EINVAL, "row %zu", i);
}

Test(detector, an_absent_partition_is_the_fleet)
{
    struct detector *d = new_rare(OPTIONS_WINDOW);
    struct said said = {0};

    feed_event(d, &said, T0, "alice", NULL, ACTOR_PERSON, -1);
    cr_assert_not_null(said.last.partition.data);
    feed_event(d, &said, T0, "bob", "", ACTOR_PERSON, -1);
    cr_assert_eq(said.last.n_users, 2);
    detector_free(d);
    said_done(&said);
}
