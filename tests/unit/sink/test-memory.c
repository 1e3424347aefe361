/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The sink that remembers.
 */
#include <errno.h>

#include "fixture.h"

static struct heard heard;

Test(memory, documents_are_copies_of_every_part)
{
    _cleanup_(sink_freep) struct sink *sink = hear(&memory_sink, NULL, &heard);
    char bytes[] = "{\"a\":1}";
    struct document document = document_of(bytes);
    const struct document *kept;

    start(sink, NULL);
    cr_assert_eq(sink_write(sink, &document, 1), 0);
    bytes[5] = '9';
    document.key = SLICE_NULL;
    cr_assert_eq(sink_write(sink, &document, 2), 0);
    document.bytes = SLICE_NULL;
    cr_assert_eq(sink_write(sink, &document, 3), 0);

    cr_assert_eq(memory_sink_count(sink), 3);
    kept = memory_sink_get(sink, 0);
    assert_slice(kept->bytes, "{\"a\":1}", "bytes");
    assert_slice(kept->id, "id-1", "id");
    assert_slice(kept->key, "alice", "key");
    assert_slice(kept->message, "alice ran ss, which is rare", "message");
    cr_assert_eq(kept->severity, 21);
    kept = memory_sink_get(sink, 1);
    assert_slice(kept->bytes, "{\"a\":9}", "second");
    cr_assert(slice_is_absent(kept->key));
    cr_assert_eq(memory_sink_get(sink, 2)->bytes.len, 0);
    cr_assert_null(memory_sink_get(sink, 3));
    cr_assert_eq(heard.n_confirmed, 3);
}

Test(memory, a_full_one_says_so_once_and_takes_nothing_more)
{
    const struct sink_callbacks callbacks = {hear_confirm, hear_report, &heard};
    _cleanup_(sink_freep) struct sink *sink = NULL;

    cr_assert_eq(sink_new(&memory_sink, "out", NULL, &callbacks, &sink), 0);
    start(sink, NULL);
    for (size_t i = 0; i < 100000; i++) {
        heard.n_confirmed = 0;
        cr_assert_eq(write_text(sink, "{}", i), 0);
    }
    heard.n_confirmed = 0;
    cr_assert_eq(write_text(sink, "{}", 1), -ENOBUFS);
    cr_assert_eq(write_text(sink, "{}", 1), -ENOBUFS);
    cr_assert_eq(heard.n_confirmed, 0);
    cr_assert_eq(heard.n_reports, 1);
    cr_assert_str_eq(heard.reports[0].message, "the memory sink holds 100000 documents and takes no more");
    cr_assert_eq(sink_stats(sink)->n_written, 100000);
    cr_assert_eq(sink_stats(sink)->n_in_flight, 0);
}
