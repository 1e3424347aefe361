/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A binary heap by (time, order of arrival). Audit events come out of a file in order of completion; where
 * the end of an event does not show (records excluded by the host's rules) that is seconds, and on a quiet
 * node a minute, after others that happened later. Replay promises order of event time, and a bucket that was
 * closed in between does not open again; so what completed early waits here.
 *
 * How long is the caller's decision, how many is ours: a forged record can claim to have begun in 1970.
 * Beyond the limits the oldest goes, whatever is pending. O(log n) for each event that waits; most never do.
 */
#include "cli/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* chosen: more than all nodes of a busy collector start in the minute that a quiet node is given */
#define MAX_HELD       65536U
#define MAX_HELD_BYTES (64U << 20)

void held_done(struct held *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->heap[i].bytes);
    free(h->heap);
    *h = (struct held){0};
}

static bool is_before(const struct held_event *a, const struct held_event *b)
{
    return a->time_usec != b->time_usec ? a->time_usec < b->time_usec : a->number < b->number;
}

static void swap(struct held_event *a, struct held_event *b)
{
    struct held_event c = *a;

    *a = *b;
    *b = c;
}

/* Takes the bytes over, also where it fails. */
static int push(struct held *h, struct held_event event)
{
    _cleanup_(freep) char *bytes = event.bytes;

    if (h->n == h->size) {
        size_t size = MAX(h->size * 2, (size_t)16);
        struct held_event *heap = reallocarray(h->heap, size, sizeof(*heap));

        if (!heap)
            return -ENOMEM;
        h->heap = heap;
        h->size = size;
    }
    h->n_bytes += event.len;
    event.bytes = TAKE_PTR(bytes);
    h->heap[h->n] = event;
    for (size_t i = h->n++; i > 0 && is_before(&h->heap[i], &h->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&h->heap[i], &h->heap[(i - 1) / 2]);
    return 0;
}

int held_add(struct held *h, const struct event *event)
{
    _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT;
    int r = event_save(event, &bytes);

    if (r < 0)
        return r;
    return push(h, (struct held_event){.time_usec = event->time_usec,
                                       .number = h->next_number++,
                                       .len = bytes.len,
                                       .bytes = TAKE_PTR(bytes.data)});
}

int64_t held_first_usec(const struct held *h)
{
    return h->n > 0 ? h->heap[0].time_usec : INT64_MAX;
}

bool held_is_full(const struct held *h)
{
    return h->n > MAX_HELD || h->n_bytes > MAX_HELD_BYTES;
}

int held_pop(struct held *h, struct arena *arena, char **ret_bytes, struct event *ret_event)
{
    struct held_event first = h->heap[0];
    _cleanup_(freep) char *bytes = first.bytes;
    size_t i = 0;
    int r;

    h->heap[0] = h->heap[--h->n];
    h->n_bytes -= first.len;
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
            if (child < h->n && is_before(&h->heap[child], &h->heap[least]))
                least = child;
        if (least == i)
            break;
        swap(&h->heap[i], &h->heap[least]);
        i = least;
    }
    r = event_load(slice_new(bytes, first.len), arena, ret_event);
    if (r < 0)
        return r;
    *ret_bytes = TAKE_PTR(bytes);
    return 0;
}

int held_save(const struct held *h, struct buffer *out)
{
    int r = buffer_append_u64(out, h->next_number);

    for (size_t i = 0; r >= 0 && i < h->n; i++) {
        r = buffer_append_u64(out, h->heap[i].number);
        if (r >= 0)
            r = buffer_append_field(out, slice_new(h->heap[i].bytes, h->heap[i].len));
    }
    return r;
}

int held_load(struct held *h, struct slice bytes)
{
    int r = slice_read_u64(&bytes, &h->next_number);

    while (r >= 0 && bytes.len > 0) {
        _cleanup_(arena_done) struct arena arena = ARENA_INIT;
        struct held_event held = {0};
        struct event event;
        struct slice field;

        r = slice_read_u64(&bytes, &held.number);
        if (r >= 0)
            r = slice_read_field(&bytes, &field);
        if (r >= 0)
            r = event_load(field, &arena, &event);
        if (r < 0)
            break;
        held.time_usec = event.time_usec;
        held.len = field.len;
        held.bytes = malloc(field.len);
        if (!held.bytes)
            return -ENOMEM;
        memcpy(held.bytes, field.data, field.len);
        r = push(h, held);
    }
    return r;
}
