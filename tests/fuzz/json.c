/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as a JSON document. Beyond "does not crash": the outcome is one of five, and an event has what
 * every event must have. Its bytes are all read, so that a slice into freed memory shows. The same document
 * read whole, without what nobody reads being cut out before the library sees it, gives the same.
 */
#include <assert.h>
#include <stdint.h>

#include "normalize/json.h"
#include "util/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The outcome; out is the event where it is one. */
static int read_document(struct slice text, bool is_uncut, struct buffer *out)
{
    struct text_line line = {.host = SLICE("relay"), .pid = -1, .has_time = true, .time_usec = 5};
    _cleanup_(json_parser_done) struct json_parser parser = {.is_uncut = is_uncut};
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct event event;
    int r;

    r = json_read(&parser, text, text.len % 2 ? &line : NULL, TRUST_LOW, NULL, &arena, &event);
    assert(r == TEXT_UNKNOWN || r == TEXT_EVENT || r == TEXT_IGNORED || r == TEXT_QUARANTINED ||
           r == TEXT_ROWS || r == TEXT_SHIPPED);
    if (r != TEXT_EVENT)
        return r;
    assert(event.time_usec >= -INT64_C(62167219200000000) && event.trust == TRUST_LOW);
    assert(event.process_name.len > 0 && event.format.len > 0 && event.action.len > 0);
    assert(event.n_args == 0 || event.args);
    assert(event_save(&event, out) == 0);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct slice text = slice_new(n > 0 ? (const char *)bytes : "", n);
    _cleanup_(buffer_done) struct buffer cut = BUFFER_INIT, uncut = BUFFER_INIT;

    assert(read_document(text, false, &cut) == read_document(text, true, &uncut));
    assert(slice_equal(buffer_slice(&cut), buffer_slice(&uncut)));
    return 0;
}
