/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The wrapper around all detectors: a driver is a constant table, and what is said once for every driver is
 * said here. Job ids become part of state keys, "DETECTOR/JOB/...", so one with a '/' is refused; a partition
 * that is absent is the fleet's, "". Drivers do not know each other; this file lists them.
 */
#include "detect/detector.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

const struct detector_driver *const detector_drivers[] = {
    &rare_driver,
    &novelty_driver,
    NULL,
};

/* As in the manual of the export, hapax-store(1). */
static const char *const reason_names[] = {
    [VERDICT_ALERT] = "alert",
    [VERDICT_BELOW_THRESHOLD] = "below_threshold",
    [VERDICT_REPEATED] = "repeated",
    [VERDICT_PARTIAL_BUCKET] = "partial_bucket",
    [VERDICT_LATE] = "late",
    [VERDICT_NO_USER] = "no_user",
    [VERDICT_TABLE_FULL] = "table_full",
    [VERDICT_LEARNING] = "learning",
    [VERDICT_SUPPRESSED] = "suppressed",
    [VERDICT_DIGESTED] = "digested",
    [VERDICT_ROLLED_UP] = "rolled_up",
    [VERDICT_SKIPPED] = "skipped",
};

const char *verdict_reason_name(enum verdict_reason reason)
{
    return (size_t)reason < ARRAY_SIZE(reason_names) && reason_names[reason] ? reason_names[reason] : "other";
}

int detector_new(const struct detector_driver *driver, const struct detector_options *options,
                 struct detector **ret_detector)
{
    struct detector *d = NULL;
    int r;

    assert(options->options);
    if (!options->job || !*options->job || strchr(options->job, '/'))
        return -EINVAL;
    r = driver->new (options, &d);
    if (r < 0)
        return r;
    d->driver = driver;
    *ret_detector = d;
    return 0;
}

struct detector *detector_free(struct detector *d)
{
    if (d)
        d->driver->free(d);
    return NULL;
}

int detector_feed(struct detector *d, const struct event *event, struct slice user, struct slice partition,
                  const struct detector_callbacks *callbacks)
{
    if (slice_is_absent(partition))
        partition = SLICE("");
    return d->driver->feed(d, event, user, partition, callbacks);
}

int detector_feed_family(struct detector *d, const struct event *event, struct slice user, unsigned family,
                         const struct detector_callbacks *callbacks)
{
    assert(detector_is_suite(d->driver));
    return d->driver->feed_family(d, event, user, family, callbacks);
}

int detector_advance(struct detector *d, int64_t time_usec, const struct detector_callbacks *callbacks)
{
    return d->driver->advance(d, time_usec, callbacks);
}

int detector_finish(struct detector *d, const struct detector_callbacks *callbacks)
{
    return d->driver->finish(d, callbacks);
}

int64_t detector_deadline_usec(const struct detector *d)
{
    return d->driver->deadline_usec(d);
}

int detector_changes(struct detector *d, change_fn fn, void *userdata)
{
    return d->driver->changes(d, fn, userdata);
}

int detector_restore(struct detector *d, const struct change *change)
{
    return d->driver->restore(d, change);
}
