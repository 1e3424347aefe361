/* SPDX-License-Identifier: Apache-2.0 */

/* Turns take turns: none keeps another from running. */
#include "source/turn.h"
#include "support-source.h"

static int count(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    ++*(unsigned *)userdata;
    return 0;
}

Test(turn, lets_others_run)
{
    sd_event *event = NULL;
    sd_event_source *a = NULL, *b = NULL;
    unsigned n_a = 0, n_b = 0;

    cr_assert(sd_event_new(&event) >= 0);
    cr_assert(turn_new(event, count, &n_a, &a) == 0 && turn_new(event, count, &n_b, &b) == 0);
    cr_assert(sd_event_run(event, 0) == 0, "it is off at first");
    cr_assert(sd_event_source_set_enabled(a, SD_EVENT_ON) >= 0);
    cr_assert(sd_event_source_set_enabled(b, SD_EVENT_ON) >= 0);
    for (unsigned i = 0; i < 20; i++)
        cr_assert(sd_event_run(event, 0) > 0);
    cr_assert(n_a >= 9 && n_b >= 9 && n_a + n_b == 20, "%u and %u", n_a, n_b);
    cr_assert(sd_event_source_set_enabled(a, SD_EVENT_OFF) >= 0);
    cr_assert(sd_event_source_set_enabled(b, SD_EVENT_OFF) >= 0);
    cr_assert(sd_event_run(event, 0) == 0);
    sd_event_source_unref(a);
    sd_event_source_unref(b);
    sd_event_unref(event);
}
