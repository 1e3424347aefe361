/* SPDX-License-Identifier: Apache-2.0 */

/* What the wrapper promises for every driver, shown with a driver that only counts its calls. */
#include <errno.h>

#include "support-source.h"

struct fake {
    struct source base;
    unsigned n_pauses, n_acks, n_reopens;
    int start_result;
};

static unsigned n_done;

static int fake_start(struct source *source, sd_event *event, struct slice cursor, struct diag_list *diags)
{
    return ((struct fake *)source)->start_result;
}

static int fake_acknowledge(struct source *source, uint64_t seq)
{
    ((struct fake *)source)->n_acks++;
    return 0;
}

static int fake_cursor(struct source *source, struct buffer *out)
{
    return buffer_append_format(out, "at %llu", (unsigned long long)source->last_seq);
}

static int fake_pause(struct source *source, bool is_paused)
{
    ((struct fake *)source)->n_pauses++;
    return 0;
}

static int fake_reopen(struct source *source)
{
    ((struct fake *)source)->n_reopens++;
    return 0;
}

static void fake_done(struct source *source)
{
    n_done++;
}

static const struct option_table no_options = {.struct_size = 1};

static const struct source_driver fake_source = {
    .name = "fake",
    .summary = "counts.",
    .options = &no_options,
    .struct_size = sizeof(struct fake),
    .capabilities = SOURCE_CAN_SEEK,
    .start = fake_start,
    .acknowledge = fake_acknowledge,
    .cursor = fake_cursor,
    .pause = fake_pause,
    .reopen = fake_reopen,
    .done = fake_done,
};

Test(source, numbers_records_and_tells_a_driver_only_what_is_new)
{
    struct engine engine;
    struct fake *fake;
    struct record record = {.bytes = SLICE("x"), .seq = 77};

    engine_init(&engine, &fake_source);
    engine_start(&engine, SLICE_NULL);
    fake = (struct fake *)engine.source;
    cr_assert(strcmp(source_name(engine.source), "input") == 0);
    cr_assert(source_capabilities(engine.source) == SOURCE_CAN_SEEK);

    cr_assert(source_emit(engine.source, &record) == 0);
    assert_slice(buffer_slice(&engine.cursor), "at 1", "cursor within the call");
    cr_assert(source_emit(engine.source, &record) == 0 && record.seq == 2);
    assert_slice(buffer_slice(&engine.cursor), "at 2", "a cursor replaces the one before");
    assert_records(&engine, "x|x|");

    cr_assert(source_acknowledge(engine.source, 2) == 0 && fake->n_acks == 1);
    cr_assert(source_acknowledge(engine.source, 1) == 0 && fake->n_acks == 1);
    cr_assert(source_pause(engine.source, false) == 0 && fake->n_pauses == 0);
    cr_assert(source_pause(engine.source, true) == 0 && fake->n_pauses == 1);
    cr_assert(source_pause(engine.source, true) == 0 && fake->n_pauses == 1);
    cr_assert(source_reopen(engine.source) == 0 && fake->n_reopens == 1);
    source_report(engine.source, 4, "%s %d", "seen", 3);
    assert_slice(buffer_slice(&engine.reports), "seen 3|", "report");

    engine.refuse_with = -EIO;
    cr_assert(source_emit(engine.source, &record) == -EIO);

    source_end(engine.source, 0, "not shown without an error");
    source_end(engine.source, -EIO, "a second end is none");
    cr_assert(engine.is_ended && engine.end_error == 0);
    cr_assert(source_pause(engine.source, false) == 0 && fake->n_pauses == 1, "no pressure after the end");
    cr_assert(source_acknowledge(engine.source, 3) == 0 && fake->n_acks == 2, "but answers");
    engine_done(&engine);
    cr_assert(n_done == 1);
}

Test(source, holds_a_pause_from_before_the_start_and_frees_what_did_not_start)
{
    struct engine engine;
    struct source_callbacks callbacks = {collect_record, collect_end, collect_report, &engine};
    struct diag_list diags = DIAG_LIST_INIT;
    struct buffer cursor = BUFFER_INIT;
    struct fake *fake;

    engine_init(&engine, &fake_source);
    cr_assert(source_new(&fake_source, "input", engine.settings, &callbacks, &engine.source) == 0);
    fake = (struct fake *)engine.source;
    cr_assert(source_pause(engine.source, true) == 0 && fake->n_pauses == 0);
    cr_assert(source_cursor(engine.source, &cursor) == 0 && cursor.len == 0);
    fake->start_result = -EACCES;
    cr_assert(source_start(engine.source, engine.event, SLICE_NULL, &diags) == -EACCES);
    fake->start_result = 0;
    cr_assert(source_start(engine.source, engine.event, SLICE_NULL, &diags) == 0);
    cr_assert(fake->n_pauses == 1);
    buffer_done(&cursor);
    engine_done(&engine);
    cr_assert(source_free(NULL) == NULL);
}
