/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The assembler's memory as bytes: for each lane its clock, its nodes (those with pending events in order of
 * their first one, then the idle ones, least recently used first), its pending events in order of arrival,
 * and the ids of finished ones, oldest first. In these orders the lists are the same after loading, so a
 * stream that was cut anywhere goes on as if it had not been.
 *
 * The wall clock is not kept: it says how long the caller has waited for records, and while it was down it
 * did not wait. Derived counts are not kept either, they are counted again.
 *
 * The bytes come out of a file, so nothing in them is believed: every place must lie in its text, every
 * number in its table, every count must be paid for by bytes. A lie is -EBADMSG, and the assembler stays as
 * it was.
 */
#include "normalize/audit_assembler.h"

#include <errno.h>
#include <stdlib.h>

/* "AUD" and a version, raised with every change of what is written */
#define STATE_VERSION 0x41554402U

/* Append and forward: what a chain of writes is made of. */
#define PUT(call_)                                                                                           \
    do {                                                                                                     \
        int put_r_ = (call_);                                                                                \
                                                                                                             \
        if (put_r_ < 0)                                                                                      \
            return put_r_;                                                                                   \
    } while (0)

static int save_spans(struct buffer *out, const struct audit_span *spans, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        PUT(buffer_append_u32(out, spans[i].at));
        PUT(buffer_append_u32(out, spans[i].len));
    }
    return 0;
}

/* n_splits 0: the mark of a split argument is not allowed. */
static int load_spans(struct slice *bytes, struct audit_span *spans, size_t n, size_t text_len,
                      uint32_t n_splits)
{
    for (size_t i = 0; i < n; i++) {
        struct audit_span s;

        PUT(slice_read_u32(bytes, &s.at));
        PUT(slice_read_u32(bytes, &s.len));
        if (s.len == AUDIT_SPAN_ABSENT  ? s.at != 0
            : s.len == AUDIT_SPAN_SPLIT ? s.at >= n_splits
                                        : s.at > text_len || s.len > text_len - s.at)
            return -EBADMSG;
        spans[i] = s;
    }
    return 0;
}

static int load_bool(struct slice *bytes, bool *ret_v)
{
    uint32_t v;

    PUT(slice_read_u32(bytes, &v));
    if (v > 1)
        return -EBADMSG;
    *ret_v = v;
    return 0;
}

/* A count of things that take at least item_bytes each. */
static int load_count(struct slice *bytes, uint32_t max, size_t item_bytes, uint32_t *ret_n)
{
    uint32_t n;

    PUT(slice_read_u32(bytes, &n));
    if (n > max || n > bytes->len / item_bytes)
        return -EBADMSG;
    *ret_n = n;
    return 0;
}

int audit_event_save(const struct audit_event *e, struct buffer *out)
{
    PUT(buffer_append_u32(out, e->trust));
    PUT(buffer_append_u32(out, e->kinds));
    PUT(buffer_append_u32(out, e->has_numbers));
    for (size_t i = 0; i < AUDIT_N_NUMBERS; i++)
        PUT(buffer_append_u32(out, e->numbers[i]));
    PUT(buffer_append_field(out, buffer_slice(&e->text)));
    PUT(save_spans(out, e->texts, AUDIT_N_TEXTS));
    PUT(buffer_append_u64(out, e->paths));
    PUT(buffer_append_u32(out, e->n_paths_beyond));
    PUT(buffer_append_u32(out, e->has_argc));
    PUT(buffer_append_u32(out, e->is_cut));
    PUT(buffer_append_u64(out, e->argc));
    PUT(buffer_append_u32(out, e->n_splits));
    for (uint32_t i = 0; i < e->n_splits; i++) {
        const struct audit_split *s = &e->splits[i];

        PUT(buffer_append_u32(out, s->has_len));
        PUT(buffer_append_u64(out, s->declared_len));
        PUT(buffer_append_u64(out, s->bare_len));
        PUT(buffer_append_u32(out, s->n_fragments));
        PUT(save_spans(out, s->fragments, s->n_fragments));
    }
    PUT(buffer_append_u32(out, e->n_args));
    return save_spans(out, e->args, e->n_args);
}

static int load_splits(struct audit_event *e, struct slice *bytes)
{
    uint32_t n;

    PUT(load_count(bytes, AUDIT_MAX_ARGS, 24, &n));
    if (n == 0)
        return 0;
    e->splits = calloc(n, sizeof(*e->splits));
    if (!e->splits)
        return -ENOMEM;
    e->splits_size = n;
    for (; e->n_splits < n; e->n_splits++) {
        struct audit_split *s = &e->splits[e->n_splits];
        uint32_t n_fragments;

        PUT(load_bool(bytes, &s->has_len));
        PUT(slice_read_u64(bytes, &s->declared_len));
        PUT(slice_read_u64(bytes, &s->bare_len));
        PUT(load_count(bytes, AUDIT_MAX_FRAGMENTS, 8, &n_fragments));
        if (n_fragments == 0)
            continue;
        s->fragments = calloc(n_fragments, sizeof(*s->fragments));
        if (!s->fragments)
            return -ENOMEM;
        s->n_fragments = n_fragments;
        if (load_spans(bytes, s->fragments, n_fragments, e->text.len, 0) < 0) {
            e->n_splits++; /* to be freed */
            return -EBADMSG;
        }
    }
    return 0;
}

int audit_event_load(struct audit_event *e, struct slice *bytes)
{
    struct slice text;
    uint32_t trust, n_args;

    PUT(slice_read_u32(bytes, &trust));
    PUT(slice_read_u32(bytes, &e->kinds));
    PUT(slice_read_u32(bytes, &e->has_numbers));
    if (trust > TRUST_KERNEL || e->kinds > AUDIT_KINDS_ALL || e->has_numbers >> AUDIT_N_NUMBERS)
        return -EBADMSG;
    e->trust = (enum trust)trust;
    for (size_t i = 0; i < AUDIT_N_NUMBERS; i++)
        PUT(slice_read_u32(bytes, &e->numbers[i]));
    PUT(slice_read_field(bytes, &text));
    if (slice_is_absent(text))
        return -EBADMSG;
    PUT(buffer_append_slice(&e->text, text));
    PUT(load_spans(bytes, e->texts, AUDIT_N_TEXTS, text.len, 0));
    PUT(slice_read_u64(bytes, &e->paths));
    PUT(slice_read_u32(bytes, &e->n_paths_beyond));
    PUT(load_bool(bytes, &e->has_argc));
    PUT(load_bool(bytes, &e->is_cut));
    PUT(slice_read_u64(bytes, &e->argc));
    if (e->argc > INT64_MAX)
        return -EBADMSG;
    PUT(load_splits(e, bytes));
    PUT(load_count(bytes, AUDIT_MAX_ARGS, 8, &n_args));
    if (n_args > e->args_size) {
        struct audit_span *args = realloc(e->args, n_args * sizeof(*args));

        if (!args)
            return -ENOMEM;
        e->args = args;
        e->args_size = n_args;
    }
    PUT(load_spans(bytes, e->args, n_args, text.len, e->n_splits));
    e->n_args = n_args;
    audit_event_recount(e);
    return 0;
}

static int save_clock(const struct audit_clock *c, struct buffer *out)
{
    PUT(buffer_append_u32(out, c->is_set));
    PUT(buffer_append_u64(out, (uint64_t)c->high_usec));
    PUT(buffer_append_u64(out, c->ticks_usec));
    PUT(buffer_append_u64(out, (uint64_t)c->behind_usec));
    return buffer_append_u32(out, c->n_behind);
}

static int load_clock(struct audit_clock *c, struct slice *bytes)
{
    uint64_t high, behind;

    PUT(load_bool(bytes, &c->is_set));
    PUT(slice_read_u64(bytes, &high));
    PUT(slice_read_u64(bytes, &c->ticks_usec));
    PUT(slice_read_u64(bytes, &behind));
    PUT(slice_read_u32(bytes, &c->n_behind));
    if (high > AUDIT_CLOCK_MAX_USEC || behind > AUDIT_CLOCK_MAX_USEC)
        return -EBADMSG;
    c->high_usec = (int64_t)high;
    c->behind_usec = (int64_t)behind;
    return 0;
}

static int save_node(const struct audit_node *node, struct buffer *out)
{
    PUT(buffer_append_field(out, slice_new(node->name, node->name_len)));
    PUT(buffer_append_u64(out, node->id));
    return save_clock(&node->clock, out);
}

static int load_node(struct audit_lane *lane, struct slice *bytes, struct audit_node **ret_node)
{
    struct audit_node *node;
    struct slice name;
    uint64_t id;

    PUT(slice_read_field(bytes, &name));
    PUT(slice_read_u64(bytes, &id));
    if (slice_is_absent(name) || name.len > AUDIT_MAX_NODE_BYTES || id >= lane->next_node_id)
        return -EBADMSG;
    if (audit_lane_find_node(lane, name))
        return -EBADMSG;
    PUT(audit_lane_add_node(lane, name, id, &node));
    *ret_node = node;
    return load_clock(&node->clock, bytes);
}

static int save_pending(const struct audit_pending *p, uint32_t node_at, struct buffer *out)
{
    PUT(buffer_append_u32(out, node_at));
    PUT(buffer_append_u64(out, (uint64_t)p->key.time_usec));
    PUT(buffer_append_u64(out, p->key.serial));
    PUT(buffer_append_u64(out, p->node_due));
    PUT(buffer_append_u64(out, p->lane_due));
    return audit_event_save(&p->event, out);
}

static int load_pending(struct audit_lane *lane, struct audit_pending *p, struct audit_node **nodes,
                        uint32_t n_nodes, struct slice *bytes)
{
    uint64_t time, serial;
    uint32_t node_at;

    PUT(slice_read_u32(bytes, &node_at));
    PUT(slice_read_u64(bytes, &time));
    PUT(slice_read_u64(bytes, &serial));
    PUT(slice_read_u64(bytes, &p->node_due));
    PUT(slice_read_u64(bytes, &p->lane_due));
    if (node_at >= n_nodes)
        return -EBADMSG;
    p->node = nodes[node_at];
    p->key = audit_key_new(p->node, (int64_t)time, serial);
    p->event.time_usec = (int64_t)time;
    p->event.serial = serial;
    PUT(audit_event_load(&p->event, bytes));
    p->bytes = audit_event_bytes(&p->event);
    if (audit_lane_find_pending(lane, &p->key))
        return -EBADMSG;
    return audit_lane_add_pending(lane, p);
}

static int save_lane(const struct audit_lane *lane, struct buffer *out)
{
    uint32_t n_nodes = 0, n_pending = 0;

    PUT(save_clock(&lane->clock, out));
    PUT(buffer_append_u64(out, lane->next_node_id));
    for (struct audit_pending *p = lane->first; p; p = p->next) {
        n_pending++;
        if (p->node->first == p)
            p->node->saved_at = n_nodes++;
    }
    for (const struct audit_node *node = lane->idle_first; node; node = node->idle_next)
        n_nodes++;
    PUT(buffer_append_u32(out, n_nodes));
    for (const struct audit_pending *p = lane->first; p; p = p->next)
        if (p->node->first == p)
            PUT(save_node(p->node, out));
    for (const struct audit_node *node = lane->idle_first; node; node = node->idle_next)
        PUT(save_node(node, out));

    PUT(buffer_append_u32(out, n_pending));
    for (const struct audit_pending *p = lane->first; p; p = p->next)
        PUT(save_pending(p, p->node->saved_at, out));

    PUT(buffer_append_u32(out, lane->n_ring));
    for (uint32_t i = 0; i < lane->n_ring; i++) {
        const struct audit_finished *f =
            &lane->ring[(lane->ring_at + AUDIT_MAX_FINISHED - lane->n_ring + i) % AUDIT_MAX_FINISHED];

        PUT(buffer_append_u64(out, (uint64_t)f->key.time_usec));
        PUT(buffer_append_u64(out, f->key.serial));
        PUT(buffer_append_u64(out, f->key.node_id));
        PUT(buffer_append_u32(out, f->is_start));
        PUT(buffer_append_u32(out, f->kinds));
    }
    return 0;
}

static int load_finished(struct audit_lane *lane, struct slice *bytes)
{
    uint32_t n, kinds;

    PUT(load_count(bytes, AUDIT_MAX_FINISHED, 32, &n));
    for (uint32_t i = 0; i < n; i++) {
        struct audit_key key = {0};
        uint64_t time;
        bool is_start;

        PUT(slice_read_u64(bytes, &time));
        PUT(slice_read_u64(bytes, &key.serial));
        PUT(slice_read_u64(bytes, &key.node_id));
        PUT(load_bool(bytes, &is_start));
        PUT(slice_read_u32(bytes, &kinds));
        key.time_usec = (int64_t)time;
        if (kinds > (AUDIT_KINDS_ALL | AUDIT_CONTEXT) || audit_lane_find_finished(lane, &key))
            return -EBADMSG;
        PUT(audit_lane_add_finished(lane, &key, is_start, kinds));
    }
    return 0;
}

static int load_lane(struct audit_assembler *a, struct audit_lane *lane, struct slice *bytes)
{
    _cleanup_(freep) struct audit_node **nodes = NULL;
    uint32_t n_nodes, n_pending;
    int r;

    PUT(load_clock(&lane->clock, bytes));
    PUT(slice_read_u64(bytes, &lane->next_node_id));
    PUT(load_count(bytes, AUDIT_MAX_NODES, 45, &n_nodes));
    nodes = calloc(n_nodes > 0 ? n_nodes : 1, sizeof(struct audit_node *));
    if (!nodes)
        return -ENOMEM;
    for (uint32_t i = 0; i < n_nodes; i++)
        PUT(load_node(lane, bytes, &nodes[i]));

    PUT(load_count(bytes, AUDIT_MAX_PENDING, 4, &n_pending));
    for (uint32_t i = 0; i < n_pending; i++) {
        struct audit_pending *p = audit_assembler_new_pending(a);

        if (!p)
            return -ENOMEM;
        r = load_pending(lane, p, nodes, n_nodes, bytes);
        if (r < 0) {
            audit_assembler_free_pending(a, p);
            return r;
        }
    }
    return load_finished(lane, bytes);
}

int audit_assembler_save(const struct audit_assembler *a, struct buffer *out)
{
    PUT(buffer_append_u32(out, STATE_VERSION));
    for (size_t i = 0; i < AUDIT_N_LANES; i++)
        PUT(save_lane(&a->lanes[i], out));
    return 0;
}

int audit_assembler_load(struct audit_assembler *a, struct slice bytes)
{
    struct audit_lane lanes[AUDIT_N_LANES] = {0};
    size_t n_pending = 0, n_bytes = 0;
    uint32_t version;
    int r;

    r = slice_read_u32(&bytes, &version);
    if (r >= 0 && version != STATE_VERSION)
        r = -EBADMSG;
    for (size_t i = 0; i < AUDIT_N_LANES && r >= 0; i++) {
        r = audit_lane_init(&lanes[i]);
        if (r >= 0)
            r = load_lane(a, &lanes[i], &bytes);
    }
    if (r >= 0 && bytes.len > 0)
        r = -EBADMSG;
    if (r < 0) {
        for (size_t i = 0; i < AUDIT_N_LANES; i++)
            audit_lane_done(&lanes[i]);
        return r;
    }
    a->wall = (struct audit_clock){0};
    for (size_t i = 0; i < AUDIT_N_LANES; i++) {
        audit_lane_done(&a->lanes[i]);
        a->lanes[i] = lanes[i];
        for (struct audit_pending *p = lanes[i].first; p; p = p->next) {
            p->wall_due = AUDIT_WALL_LIMIT_USEC;
            n_bytes += p->bytes;
            n_pending++;
        }
    }
    a->n_pending = n_pending;
    a->n_bytes = n_bytes;
    return 0;
}
