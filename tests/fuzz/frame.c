/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes, framed twice: whole, and in pieces whose sizes are taken from the bytes themselves. Both must
 * give the same records, offset and counts; every byte is in a record or counted as skipped by then.
 */
#include <assert.h>
#include <stdint.h>

#include "frame/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct sum {
    uint64_t n_records, n_truncated, hash, seq;
};

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static void add(struct sum *sum, struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        sum->hash = (sum->hash ^ (unsigned char)s.data[i]) * UINT64_C(0x100000001b3);
    sum->hash = (sum->hash ^ s.len ^ 0x100) * UINT64_C(0x100000001b3);
}

static int take(void *userdata, const struct record *record)
{
    struct sum *sum = userdata;

    assert(record->seq == ++sum->seq);
    sum->n_records++;
    sum->n_truncated += record->is_truncated;
    add(sum, record->kind == RECORD_LINE ? SLICE("line") : SLICE("journal"));
    if (record->kind == RECORD_LINE) {
        assert(record->bytes.len <= 64);
        add(sum, record->bytes);
    }
    for (size_t i = 0; i < record->n_fields; i++) {
        add(sum, record->fields[i].name);
        add(sum, record->fields[i].value);
    }
    return 0;
}

static void run(enum framing framing, const char *bytes, size_t n, bool is_cut, struct sum *sum)
{
    struct frame_options options = {.framing = framing, .line_limit_bytes = 64};
    _cleanup_(frame_freep) struct frame *f = NULL;
    uint64_t n_cut, skipped_bytes;

    if (frame_new(&options, &f) < 0)
        return;
    for (size_t at = 0, step; at < n; at += step) {
        step = is_cut ? MIN((size_t)(unsigned char)bytes[at] % 7 + 1, n - at) : n;
        assert(frame_feed(f, bytes + at, step, take, sum) == 0);
        assert(frame_offset_bytes(f) <= at + step);
    }
    assert(frame_finish(f, take, sum) == 0);
    assert(frame_offset_bytes(f) == n);
    frame_cut(f, &n_cut, &skipped_bytes);
    assert(n_cut == sum->n_truncated && skipped_bytes <= n);
    add(sum, slice_new((const char *)&skipped_bytes, sizeof(skipped_bytes)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const enum framing framings[] = {FRAMING_AUTO, FRAMING_LINES, FRAMING_JOURNAL_EXPORT};

    for (size_t i = 0; i < ARRAY_SIZE(framings); i++) {
        struct sum whole = {0}, cut = {0};

        run(framings[i], (const char *)bytes, n, false, &whole);
        run(framings[i], (const char *)bytes, n, true, &cut);
        assert(whole.n_records == cut.n_records && whole.hash == cut.hash);
    }
    return 0;
}
