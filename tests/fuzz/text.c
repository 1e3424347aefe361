/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fuzz target: text lines through the shipped rulebases, as a normalizer reads them. One input is a file of
 * lines; the first byte chooses the forced format. A copy of the normalizer is saved and loaded in the
 * middle, so that its state format meets hostile contents, too. Each line is also matched as an audit header
 * beside a rulebase whose every match is the library's: both must find the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "frame/frame.h"
#include "normalize/normalizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* tells_rules: such a rulebase does nothing without the library. */
static struct rulebase *load(bool tells_rules)
{
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    struct diag_list diags = DIAG_LIST_INIT;
    struct rulebase *rulebase = NULL;
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/rulebase", root ? root : ".");
    if (rulebase_load_with(&(struct rulebase_options){.directory = path, .tells_rules = tells_rules}, &diags,
                           &rulebase) < 0) {
        diag_print(&diags, stderr, "text: ");
        abort();
    }
    return rulebase;
}

static int on_event(void *userdata, const struct event *event)
{
    size_t *n_events = userdata;

    *n_events += event->n_args <= (size_t)INT32_MAX;
    return 0;
}

static void compare_headers(const struct rulebase *rulebase, const struct rulebase *plain, struct slice line)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct rule_match own = {0}, theirs = {0};

    if (rulebase_match(rulebase, RULEBASE_AUDIT, line, &arena, &own) !=
            rulebase_match(plain, RULEBASE_AUDIT, line, &arena, &theirs) ||
        !rule_match_equal(&own, &theirs))
        abort();
}

struct feeding {
    struct normalizer *normalizer;
    const struct rulebase *rulebase, *plain;
    size_t n_events;
};

static int on_record(void *userdata, const struct record *record)
{
    struct feeding *feeding = userdata;

    compare_headers(feeding->rulebase, feeding->plain, record->bytes);
    return normalizer_feed(feeding->normalizer, record, on_event, &feeding->n_events);
}

static struct normalizer *make(const struct rulebase *rulebase, unsigned char choice)
{
    struct normalizer_options options = {
        .format = (enum format)(choice % 4), .rulebase = rulebase, .year = 2026, .host = SLICE("fuzz")};
    struct normalizer *normalizer = NULL;

    if (normalizer_new(&options, &normalizer) < 0)
        abort();
    return normalizer;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct rulebase *rulebase, *plain;
    _cleanup_(frame_freep) struct frame *frame = NULL;
    _cleanup_(buffer_done) struct buffer state = BUFFER_INIT;
    struct feeding feeding;

    if (!rulebase)
        rulebase = load(false);
    if (!plain)
        plain = load(true);
    if (n == 0)
        return 0;
    if (frame_new(&(struct frame_options){FRAMING_AUTO, 65536}, &frame) < 0)
        return 0;
    feeding = (struct feeding){.normalizer = make(rulebase, bytes[0]), .rulebase = rulebase, .plain = plain};
    if (frame_feed(frame, (const char *)bytes + 1, (n - 1) / 2, on_record, &feeding) < 0)
        abort();
    if (normalizer_save(feeding.normalizer, &state) < 0)
        abort();
    normalizer_free(feeding.normalizer);
    feeding.normalizer = make(rulebase, bytes[0]);
    if (normalizer_load(feeding.normalizer, buffer_slice(&state)) < 0)
        abort();
    if (frame_feed(frame, (const char *)bytes + 1 + (n - 1) / 2, n - 1 - (n - 1) / 2, on_record, &feeding) <
            0 ||
        frame_finish(frame, on_record, &feeding) < 0 ||
        normalizer_flush(feeding.normalizer, on_event, &feeding.n_events) < 0)
        abort();
    normalizer_free(feeding.normalizer);
    return 0;
}
