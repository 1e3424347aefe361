/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_AUDIT_FIXTURE_H
#define HAPAX_TESTS_AUDIT_FIXTURE_H

/* Audit log text into an assembler, and what it hands over kept for looking at. */

#include "normalize/audit.h"
#include "support.h"
#include "util/parse.h"

struct collected {
    struct event event;
    struct buffer bytes; /* of event_save; event borrows from it */
};

struct collector {
    struct arena arena;
    struct collected *items;
    size_t n, size;
};

static inline int collect(void *userdata, const struct event *event)
{
    struct collector *c = userdata;
    struct collected *item;

    if (c->n == c->size) {
        c->size = c->size ? c->size * 2 : 16;
        c->items = realloc(c->items, c->size * sizeof(*c->items));
        cr_assert_not_null(c->items);
    }
    item = &c->items[c->n++];
    item->bytes = BUFFER_INIT;
    cr_assert_eq(event_save(event, &item->bytes), 0);
    cr_assert_eq(event_load(buffer_slice(&item->bytes), &c->arena, &item->event), 0);
    return 0;
}

static inline void collector_clear(struct collector *c)
{
    for (size_t i = 0; i < c->n; i++)
        buffer_done(&c->items[i].bytes);
    c->n = 0;
    arena_reset(&c->arena);
}

static inline void collector_done(struct collector *c)
{
    collector_clear(c);
    free(c->items);
    arena_done(&c->arena);
}

static inline bool split_until(struct slice *s, const char *mark, struct slice *ret_head)
{
    size_t at = slice_find_slice(*s, slice_from_string(mark));

    if (at == s->len)
        return false;
    *ret_head = slice_head(*s, at);
    *s = slice_skip(*s, at + strlen(mark));
    return true;
}

/* [node=N ]type=T msg=audit(S.MMM:N): BODY. The program reads headers by rulebase; this does for tests. */
static inline bool split_header(struct slice line, struct audit_record *ret_record)
{
    struct audit_record record = {.trust = TRUST_INPUT};
    struct slice seconds, milliseconds, serial;
    uint64_t s, ms;

    if (slice_starts_with(line, SLICE("node="))) {
        line = slice_skip(line, 5);
        if (!split_until(&line, " ", &record.node))
            return false;
    }
    if (!slice_starts_with(line, SLICE("type=")))
        return false;
    line = slice_skip(line, 5);
    if (!split_until(&line, " msg=audit(", &record.type) || !split_until(&line, ".", &seconds) ||
        !split_until(&line, ":", &milliseconds) || !split_until(&line, "):", &serial))
        return false;
    if (parse_u64(seconds, &s) < 0 || parse_u64(milliseconds, &ms) < 0 ||
        parse_u64(serial, &record.serial) < 0)
        return false;
    record.time_usec = (int64_t)s * USEC_PER_SEC + (int64_t)ms * USEC_PER_MSEC;
    record.body = line;
    *ret_record = record;
    return true;
}

static inline struct slice next_line(struct slice *text)
{
    size_t end = slice_find(*text, '\n');
    struct slice line = slice_head(*text, end);

    *text = slice_skip(*text, MIN(end + 1, text->len));
    return line;
}

/* Feeds every line that has an audit header. */
static inline void feed_text(struct audit_assembler *a, struct slice text, struct collector *c)
{
    struct audit_record record;

    while (text.len > 0)
        if (split_header(next_line(&text), &record))
            cr_assert_eq(audit_assembler_feed(a, &record, collect, c), 0);
}

#endif
