/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fuzz target: the gate never changes a result. An input of any format goes through two normalizers, one with
 * the gate and one without; what a job selects must be the same, byte by byte. Order may differ: an event
 * that nobody wants no longer holds others up. The first byte chooses the forced format.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "frame/frame.h"
#include "normalize/normalizer.h"
#include "select/wanted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct rulebase *load(void)
{
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    struct diag_list diags = DIAG_LIST_INIT;
    struct rulebase *rulebase = NULL;
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/rulebase", root ? root : ".");
    if (rulebase_load(path, &diags, &rulebase) < 0) {
        diag_print(&diags, stderr, "gate: ");
        abort();
    }
    return rulebase;
}

/* Events that the job selects, saved. */
struct side {
    struct normalizer *normalizer;
    const struct job *job;
    struct buffer *events;
    size_t n;
};

static int on_event(void *userdata, const struct event *event)
{
    struct side *side = userdata;

    if (!job_selects(side->job, event))
        return 0;
    side->events = realloc(side->events, (side->n + 1) * sizeof(*side->events));
    if (!side->events)
        abort();
    side->events[side->n] = BUFFER_INIT;
    return event_save(event, &side->events[side->n++]);
}

static int on_record(void *userdata, const struct record *record)
{
    struct side *sides = userdata;

    for (size_t i = 0; i < 2; i++)
        if (normalizer_feed(sides[i].normalizer, record, on_event, &sides[i]) < 0)
            abort();
    return 0;
}

static int compare(const void *a, const void *b)
{
    return slice_compare(buffer_slice(a), buffer_slice(b));
}

static void check_counts(const struct normalizer_stats *s)
{
    if (s->n_records != s->n_empty + s->n_used + s->n_ignored + s->n_unknown + s->n_quarantined + s->n_gated)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *names[] = {"ss", "netstat", "w", "ls", "cat", "sh", "a", "whoami", "id", "sleep"};
    static struct rulebase *rulebase;
    _cleanup_(frame_freep) struct frame *frame = NULL;
    struct job job = {.process_names = (char **)(uintptr_t)names, .n_process_names = ARRAY_SIZE(names)};
    const struct job_set set = {&job, 1};
    struct wanted wanted = {0};
    struct side sides[2] = {{.job = &job}, {.job = &job}};

    if (!rulebase)
        rulebase = load();
    if (n == 0)
        return 0;
    if (frame_new(&(struct frame_options){FRAMING_AUTO, 65536}, &frame) < 0 || job_wanted(&set, &wanted) < 0)
        return 0;
    for (size_t i = 0; i < 2; i++) {
        struct normalizer_options options = {.format = (enum format)(bytes[0] % 4),
                                             .rulebase = rulebase,
                                             .year = 2026,
                                             .host = SLICE("fuzz"),
                                             .wanted = i == 0 ? NULL : &wanted};

        if (normalizer_new(&options, &sides[i].normalizer) < 0)
            abort();
    }
    if (frame_feed(frame, (const char *)bytes + 1, n - 1, on_record, sides) < 0 ||
        frame_finish(frame, on_record, sides) < 0)
        abort();
    for (size_t i = 0; i < 2; i++) {
        if (normalizer_flush(sides[i].normalizer, on_event, &sides[i]) < 0)
            abort();
        check_counts(normalizer_stats(sides[i].normalizer));
        if (sides[i].n > 0)
            qsort(sides[i].events, sides[i].n, sizeof(*sides[i].events), compare);
    }
    if (sides[0].n != sides[1].n)
        abort();
    for (size_t k = 0; k < sides[0].n; k++)
        if (compare(&sides[0].events[k], &sides[1].events[k]) != 0)
            abort();
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < sides[i].n; k++)
            buffer_done(&sides[i].events[k]);
        free(sides[i].events);
        normalizer_free(sides[i].normalizer);
    }
    job_wanted_done(&wanted);
    return 0;
}
