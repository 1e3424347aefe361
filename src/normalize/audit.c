/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The assembler joins the records of one kernel event. Key: node (of the record, else of what carried it),
 * time, serial; the serial alone wraps at 2^32 and restarts at boot.
 *
 * When an event ends. EOE and PROCTITLE are only hints: auditd does not store EOE, many rule sets exclude
 * either, and `ausearch` prints records in reverse. So an event is handed over
 *   - complete: as soon as every record that a process start prints is there;
 *   - eoe, proctitle: by these records, PROCTITLE only behind SYSCALL and all arguments;
 *   - timeout: when its node's own time has passed it by 5 s, or the whole stream's by 65 s (nodes go quiet,
 * clocks differ), or the wall clock by 2 s since it was received (advance);
 *   - evicted, flush: by a limit, at the end of input.
 * A SYSCALL that is no exec ends its event at once, unseen.
 *
 * A finished event's id is remembered for a while, so that its later records (PROCTITLE and EOE of a complete
 * event are the normal case) do not open it again.
 *
 * Time is the records', so that the same input gives the same events. A node whose clock steps back by more
 * than a minute starts anew: what it has pending is handed over. One forged time in the future ends only what
 * is pending then, since limits count from the time an event was first seen at.
 *
 * Limits: events in flight, bytes in flight, bytes of one event, nodes, remembered ids. All lists are walked
 * from their old end and only as far as something is due, so a record costs constant time beside its own
 * length.
 */
#include "normalize/audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "normalize/audit_event.h"
#include "util/keyed_hash.h"
#include "util/parse.h"

/* outsiders choose nodes, times and serials: without a key they could choose them to collide */
#define HASH_FUNCTION(key, len, hash) ((hash) = (unsigned)keyed_hash((key), (len)))
#include <uthash.h>
#include <utlist.h>

/* raised with every change of the state's format */
#define STATE_VERSION 1U
/* chosen: twice the longest gap between records of one event that auditd's users see; LAUREL has the same */
#define NODE_LIMIT_USEC (5 * USEC_PER_SEC)
/* chosen: clocks of one site agree within a minute, or nothing in its logs can be compared */
#define STREAM_LIMIT_USEC (65 * USEC_PER_SEC)
#define STEP_BACK_USEC    (60 * USEC_PER_SEC)
/* as auparse's end_of_event_timeout (auditd.conf(5)) */
#define WALL_LIMIT_USEC (2 * USEC_PER_SEC)
/* chosen: a collector's interleaving of 4096 hosts; 32 MiB hold them at their usual 2 KiB many times over */
#define PENDING_MAX       4096U
#define PENDING_BYTES_MAX (32U << 20)
/* chosen: ARG_MAX may be 6 MiB (a quarter of the stack, fs/exec.c), hexadecimal doubles it; beyond that it is
 * no argv */
#define EVENT_BYTES_MAX (12U << 20)
#define NODES_MAX       16384U
#define FINISHED_MAX    4096U
/* HOST_NAME_MAX is 64; a name longer than this is cut in keys */
#define NODE_NAME_MAX 255U
#define KEY_MAX       (16U + NODE_NAME_MAX)

struct stored_record {
    struct stored_record *next;
    struct slice type, body;
};

struct node {
    UT_hash_handle hh;
    char name[NODE_NAME_MAX + 1];
    unsigned name_len;
    int64_t time_usec;       /* the newest record's */
    struct pending *pending; /* oldest first */
};

struct pending {
    UT_hash_handle hh;
    struct pending *prev, *next;           /* of all, oldest first */
    struct pending *node_prev, *node_next; /* of its node */
    char key[KEY_MAX];
    unsigned key_len;
    struct node *node;
    struct audit_parts parts;
    struct stored_record *records; /* newest first, for save */
    struct slice record_node, host, unit;
    int64_t time_usec;
    uint64_t serial;
    enum trust trust;
    int64_t received_usec;
    int64_t deadline_usec; /* by its node's time */
    int64_t stream_usec;   /* the stream's time when it was first seen */
    size_t n_bytes;
    uint64_t n_records;
};

enum finished_as {
    FINISHED_EVENT,   /* handed over */
    FINISHED_IGNORED, /* no exec, or nothing to hand over */
};

struct finished {
    UT_hash_handle hh;
    char key[KEY_MAX];
    unsigned key_len;
    enum finished_as as;
};

struct audit_assembler {
    const struct uid_map *uid_map;
    char *host;
    struct normalizer_stats *stats;
    struct node *nodes;
    struct pending *by_key, *in_order;
    size_t n_pending, pending_bytes;
    int64_t stream_usec; /* the newest record's time */
    struct finished *finished;
    struct finished ring[FINISHED_MAX];
    size_t ring_next;
};

int audit_assembler_new(const struct audit_options *options, struct normalizer_stats *stats,
                        struct audit_assembler **ret_assembler)
{
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    a->uid_map = options->uid_map;
    a->stats = stats;
    a->stream_usec = INT64_MIN;
    if (!slice_is_absent(options->host) && !(a->host = strndup(options->host.data, options->host.len)))
        return -ENOMEM;
    *ret_assembler = TAKE_PTR(a);
    return 0;
}

static void unlink_pending(struct audit_assembler *a, struct pending *p)
{
    HASH_DEL(a->by_key, p);
    DL_DELETE(a->in_order, p);
    DL_DELETE2(p->node->pending, p, node_prev, node_next);
    a->n_pending--;
    a->pending_bytes -= p->n_bytes;
}

static void free_pending(struct pending *p)
{
    audit_parts_done(&p->parts);
    free(p);
}

struct audit_assembler *audit_assembler_free(struct audit_assembler *a)
{
    struct node *node, *next;

    if (!a)
        return NULL;
    while (a->in_order) {
        struct pending *p = a->in_order;

        unlink_pending(a, p);
        free_pending(p);
    }
    HASH_ITER(hh, a->nodes, node, next)
    {
        HASH_DEL(a->nodes, node);
        free(node);
    }
    HASH_CLEAR(hh, a->finished);
    free(a->host);
    free(a);
    return NULL;
}

static unsigned make_key(const struct audit_record *record, char key[KEY_MAX])
{
    struct slice node =
        slice_head(slice_is_absent(record->node) ? record->host : record->node, NODE_NAME_MAX);

    for (size_t i = 0; i < 8; i++) {
        key[i] = (char)((uint64_t)record->time_usec >> (8 * i));
        key[8 + i] = (char)(record->serial >> (8 * i));
    }
    if (node.len > 0)
        memcpy(key + 16, node.data, node.len);
    return (unsigned)(16 + node.len);
}

static struct finished *find_finished(struct audit_assembler *a, const char *key, unsigned key_len)
{
    struct finished *f = NULL;

    HASH_FIND(hh, a->finished, key, key_len, f);
    return f;
}

static void remember_finished(struct audit_assembler *a, const char *key, unsigned key_len,
                              enum finished_as as)
{
    struct finished *f = &a->ring[a->ring_next];

    if (find_finished(a, key, key_len))
        return;
    a->ring_next = (a->ring_next + 1) % FINISHED_MAX;
    if (f->key_len > 0)
        HASH_DEL(a->finished, f);
    memset(f, 0, sizeof(*f));
    memcpy(f->key, key, key_len);
    f->key_len = key_len;
    f->as = as;
    HASH_ADD(hh, a->finished, key, key_len, f);
}

/* The oldest node without pending events makes room. There is one: there are more nodes than pending events.
 */
static void drop_a_node(struct audit_assembler *a)
{
    struct node *node, *next;

    HASH_ITER(hh, a->nodes, node, next)
    if (!node->pending) {
        HASH_DEL(a->nodes, node);
        free(node);
        return;
    }
}

static struct node *get_node(struct audit_assembler *a, struct slice name)
{
    struct node *node = NULL;

    name = slice_head(name, NODE_NAME_MAX);
    HASH_FIND(hh, a->nodes, name.data ? name.data : "", (unsigned)name.len, node);
    if (node)
        return node;
    if (HASH_COUNT(a->nodes) >= NODES_MAX)
        drop_a_node(a);
    node = calloc(1, sizeof(*node));
    if (!node)
        return NULL;
    if (name.len > 0)
        memcpy(node->name, name.data, name.len);
    node->name_len = (unsigned)name.len;
    node->time_usec = INT64_MIN;
    HASH_ADD(hh, a->nodes, name, node->name_len, node);
    return node;
}

static int build_event(struct audit_assembler *a, struct pending *p, struct slice reason,
                       struct event *ret_event)
{
    int r = audit_parts_to_event(&p->parts, a->uid_map, ret_event);

    if (r < 0)
        return r;
    ret_event->time_usec = p->time_usec;
    ret_event->trust = p->trust;
    ret_event->host = !slice_is_absent(p->record_node) ? p->record_node
                      : !slice_is_absent(p->host)      ? p->host
                                                       : slice_from_string(a->host);
    ret_event->unit = p->unit;
    ret_event->audit.serial = p->serial;
    ret_event->audit.has_serial = true;
    ret_event->audit.node = p->record_node;
    ret_event->audit.emitted = reason;
    return 0;
}

/* Takes the event out, counts its records, and hands it over if it is a process start. */
static int finish(struct audit_assembler *a, struct pending *p, struct slice reason, event_fn emit,
                  void *userdata)
{
    bool is_start = p->parts.has_syscall && (p->parts.is_exec == AUDIT_EXEC_YES ||
                                             (p->parts.is_exec == AUDIT_EXEC_UNKNOWN && p->parts.has_execve));
    struct event event;
    int r = 0;

    unlink_pending(a, p);
    remember_finished(a, p->key, p->key_len, is_start ? FINISHED_EVENT : FINISHED_IGNORED);
    if (is_start) {
        r = build_event(a, p, reason, &event);
        if (r >= 0) {
            a->stats->n_used += p->n_records;
            a->stats->n_events++;
            a->stats->n_incomplete += !slice_is_absent(event.audit.incomplete);
            r = emit(userdata, &event);
        }
    } else if (p->parts.has_execve && !p->parts.has_syscall) {
        a->stats->n_quarantined +=
            p->n_records; /* arguments of nobody: the record that says who never came */
    } else {
        a->stats->n_ignored += p->n_records;
    }
    free_pending(p);
    return r;
}

static int expire(struct audit_assembler *a, struct node *node, event_fn emit, void *userdata)
{
    int r = 0;

    while (r >= 0 && node->pending && node->pending->deadline_usec < node->time_usec)
        r = finish(a, node->pending, SLICE("timeout"), emit, userdata);
    while (r >= 0 && a->in_order && a->stream_usec - a->in_order->stream_usec > STREAM_LIMIT_USEC)
        r = finish(a, a->in_order, SLICE("timeout"), emit, userdata);
    return r;
}

/* A record's time moves its node's and the stream's. */
static int pass_time(struct audit_assembler *a, struct node *node, int64_t time_usec, event_fn emit,
                     void *userdata)
{
    int r = 0;

    if (node->time_usec != INT64_MIN && time_usec < node->time_usec - STEP_BACK_USEC) {
        while (r >= 0 && node->pending)
            r = finish(a, node->pending, SLICE("timeout"), emit, userdata);
        node->time_usec = time_usec;
    }
    node->time_usec = MAX(node->time_usec, time_usec);
    a->stream_usec = MAX(a->stream_usec, time_usec);
    return r < 0 ? r : expire(a, node, emit, userdata);
}

static int copy_context(struct pending *p, const struct audit_record *record)
{
    int r = arena_copy(&p->parts.arena, record->node, &p->record_node);

    if (r >= 0)
        r = arena_copy(&p->parts.arena, record->host, &p->host);
    if (r >= 0)
        r = arena_copy(&p->parts.arena, record->unit, &p->unit);
    return r;
}

static int open_pending(struct audit_assembler *a, struct node *node, const struct audit_record *record,
                        const char *key, unsigned key_len, struct pending **ret_pending)
{
    struct pending *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    audit_parts_init(&p->parts);
    memcpy(p->key, key, key_len);
    p->key_len = key_len;
    p->node = node;
    p->time_usec = record->time_usec;
    p->serial = record->serial;
    p->trust = record->trust;
    p->received_usec = record->received_usec;
    p->deadline_usec = MAX(record->time_usec, node->time_usec) + NODE_LIMIT_USEC;
    p->stream_usec = a->stream_usec;
    r = copy_context(p, record);
    if (r < 0) {
        free_pending(p);
        return r;
    }
    HASH_ADD(hh, a->by_key, key, key_len, p);
    DL_APPEND(a->in_order, p);
    DL_APPEND2(node->pending, p, node_prev, node_next);
    a->n_pending++;
    *ret_pending = p;
    return 0;
}

static int store_record(struct audit_assembler *a, struct pending *p, struct slice type, struct slice body)
{
    struct stored_record *s = arena_alloc(&p->parts.arena, sizeof(*s));
    int r;

    if (!s)
        return -ENOMEM;
    r = arena_copy(&p->parts.arena, type, &s->type);
    if (r >= 0)
        r = arena_copy(&p->parts.arena, body, &s->body);
    if (r < 0)
        return r;
    s->next = p->records;
    p->records = s;
    p->n_bytes += body.len + sizeof(*s);
    a->pending_bytes += body.len + sizeof(*s);
    p->n_records++;
    return 0;
}

static int enforce_limits(struct audit_assembler *a, event_fn emit, void *userdata)
{
    int r = 0;

    while (r >= 0 && (a->n_pending > PENDING_MAX || a->pending_bytes > PENDING_BYTES_MAX)) {
        a->stats->n_evicted++;
        r = finish(a, a->in_order, SLICE("evicted"), emit, userdata);
    }
    return r;
}

/* What the record just added makes of its event. */
static int conclude(struct audit_assembler *a, struct pending *p, enum audit_type type, event_fn emit,
                    void *userdata)
{
    if (p->parts.is_exec == AUDIT_EXEC_NO)
        return finish(a, p, SLICE("complete"), emit, userdata);
    if (audit_parts_is_complete(&p->parts))
        return finish(a, p, SLICE("complete"), emit, userdata);
    if (type == AUDIT_TYPE_PROCTITLE && p->parts.has_syscall && audit_parts_has_arguments(&p->parts))
        return finish(a, p, SLICE("proctitle"), emit, userdata);
    return enforce_limits(a, emit, userdata);
}

/* A record of an event that is over. */
static int take_late(struct audit_assembler *a, const struct finished *f, enum audit_type type)
{
    if (f->as == FINISHED_EVENT && (type == AUDIT_TYPE_PROCTITLE || type == AUDIT_TYPE_EOE)) {
        a->stats->n_used++;
        return 0;
    }
    a->stats->n_ignored++;
    a->stats->n_late += f->as == FINISHED_EVENT;
    return 0;
}

static int take_record(struct audit_assembler *a, struct node *node, const struct audit_record *record,
                       enum audit_type type, event_fn emit, void *userdata)
{
    char key[KEY_MAX];
    unsigned key_len = make_key(record, key);
    struct finished *f = find_finished(a, key, key_len);
    struct pending *p = NULL;
    int r;

    if (f)
        return take_late(a, f, type);
    HASH_FIND(hh, a->by_key, key, key_len, p);
    if (type == AUDIT_TYPE_EOE) {
        if (!p) {
            a->stats->n_ignored++;
            return 0;
        }
        p->n_records++;
        return finish(a, p, SLICE("eoe"), emit, userdata);
    }
    if (!p) {
        r = open_pending(a, node, record, key, key_len, &p);
        if (r < 0)
            return r;
    }
    if (p->n_bytes + record->body.len > EVENT_BYTES_MAX) {
        p->parts.is_damaged = true;
        a->stats->n_quarantined++;
        return 0;
    }
    r = audit_parts_add(&p->parts, type, record->body);
    if (r < 0)
        return r;
    if (r == AUDIT_DUPLICATE) {
        a->stats->n_ignored++;
        a->stats->n_duplicates++;
        return 0;
    }
    p->trust = MIN(p->trust, record->trust);
    r = store_record(a, p, record->type, record->body);
    return r < 0 ? r : conclude(a, p, type, emit, userdata);
}

int audit_assembler_feed(struct audit_assembler *a, const struct audit_record *record, event_fn emit,
                         void *userdata)
{
    enum audit_type type = audit_type_from_name(record->type);
    struct node *node;
    int r;

    if (type == AUDIT_TYPE_OTHER) {
        a->stats->n_ignored++;
        return 0;
    }
    node = get_node(a, slice_is_absent(record->node) ? record->host : record->node);
    if (!node)
        return -ENOMEM;
    r = pass_time(a, node, record->time_usec, emit, userdata);
    return r < 0 ? r : take_record(a, node, record, type, emit, userdata);
}

int audit_assembler_advance(struct audit_assembler *a, int64_t now_usec, event_fn emit, void *userdata)
{
    int r = 0;

    while (r >= 0 && a->in_order && a->in_order->received_usec <= now_usec - WALL_LIMIT_USEC)
        r = finish(a, a->in_order, SLICE("timeout"), emit, userdata);
    return r;
}

int64_t audit_assembler_deadline_usec(const struct audit_assembler *a)
{
    return a->in_order ? a->in_order->received_usec + WALL_LIMIT_USEC : INT64_MAX;
}

int audit_assembler_flush(struct audit_assembler *a, event_fn emit, void *userdata)
{
    int r = 0;

    while (r >= 0 && a->in_order)
        r = finish(a, a->in_order, SLICE("flush"), emit, userdata);
    return r;
}

size_t audit_assembler_n_pending(const struct audit_assembler *a)
{
    return a->n_pending;
}

/* Oldest first, so that adding them again in order makes the same event. */
static int save_records(const struct stored_record *s, uint64_t n, struct buffer *out)
{
    _cleanup_(freep) const struct stored_record **order =
        calloc(n > 0 ? n : 1, sizeof(struct stored_record *));
    uint64_t n_stored = 0;
    int r;

    if (!order)
        return -ENOMEM;
    for (; s; s = s->next)
        order[n_stored++] = s;
    r = buffer_append_u64(out, n_stored);
    while (r >= 0 && n_stored > 0) {
        s = order[--n_stored];
        r = buffer_append_field(out, s->type);
        if (r >= 0)
            r = buffer_append_field(out, s->body);
    }
    return r;
}

static int save_pending(const struct pending *p, struct buffer *out)
{
    const int64_t integers[] = {p->time_usec,     (int64_t)p->serial, (int64_t)p->trust,  p->received_usec,
                                p->deadline_usec, p->stream_usec,     p->parts.is_damaged};
    const struct slice texts[] = {p->record_node, p->host, p->unit};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
        r = buffer_append_field(out, texts[i]);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(integers); i++)
        r = buffer_append_u64(out, (uint64_t)integers[i]);
    return r < 0 ? r : save_records(p->records, p->n_records, out);
}

static int save_node(const struct node *node, struct buffer *out)
{
    int r = buffer_append_field(out, slice_new(node->name, node->name_len));

    return r < 0 ? r : buffer_append_u64(out, (uint64_t)node->time_usec);
}

int audit_assembler_save(const struct audit_assembler *a, struct buffer *out)
{
    const struct pending *p;
    const struct node *node;
    int r = buffer_append_u32(out, STATE_VERSION);

    if (r >= 0)
        r = buffer_append_u64(out, (uint64_t)a->stream_usec);
    if (r >= 0)
        r = buffer_append_u64(out, HASH_COUNT(a->nodes));
    for (node = a->nodes; r >= 0 && node; node = node->hh.next) /* in order of arrival */
        r = save_node(node, out);
    if (r >= 0)
        r = buffer_append_u64(out, a->n_pending);
    for (p = a->in_order; r >= 0 && p; p = p->next)
        r = save_pending(p, out);
    if (r >= 0)
        r = buffer_append_u64(out, HASH_COUNT(a->finished));
    for (size_t i = 0; r >= 0 && i < FINISHED_MAX; i++) {
        const struct finished *f = &a->ring[(a->ring_next + i) % FINISHED_MAX]; /* oldest first */

        if (f->key_len == 0)
            continue;
        r = buffer_append_field(out, slice_new(f->key, f->key_len));
        if (r >= 0)
            r = buffer_append_u32(out, f->as);
    }
    return r;
}

static int load_nodes(struct audit_assembler *a, struct slice *bytes)
{
    uint64_t n, time;
    int r = slice_read_u64(bytes, &n);

    if (r >= 0 && n > NODES_MAX)
        return -EBADMSG;
    for (uint64_t i = 0; r >= 0 && i < n; i++) {
        struct slice name;
        struct node *node;

        r = slice_read_field(bytes, &name);
        if (r >= 0)
            r = slice_read_u64(bytes, &time);
        if (r < 0)
            break;
        node = get_node(a, name);
        if (!node)
            return -ENOMEM;
        node->time_usec = (int64_t)time;
    }
    return r;
}

static int load_pending(struct audit_assembler *a, struct slice *bytes)
{
    struct slice texts[3], type, body;
    struct audit_record record;
    char key[KEY_MAX];
    struct pending *p = NULL, *same = NULL;
    uint64_t integers[7], n_records;
    struct node *node;
    unsigned key_len;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
        r = slice_read_field(bytes, &texts[i]);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(integers); i++)
        r = slice_read_u64(bytes, &integers[i]);
    if (r >= 0)
        r = slice_read_u64(bytes, &n_records);
    if (r < 0)
        return r;
    if (integers[2] > TRUST_KERNEL)
        return -EBADMSG;
    record = (struct audit_record){.node = texts[0],
                                   .host = texts[1],
                                   .unit = texts[2],
                                   .time_usec = (int64_t)integers[0],
                                   .serial = integers[1],
                                   .trust = (enum trust)integers[2],
                                   .received_usec = (int64_t)integers[3]};
    key_len = make_key(&record, key);
    HASH_FIND(hh, a->by_key, key, key_len, same);
    if (same)
        return -EBADMSG;
    node = get_node(a, slice_is_absent(record.node) ? record.host : record.node);
    if (!node)
        return -ENOMEM;
    r = open_pending(a, node, &record, key, key_len, &p);
    if (r < 0)
        return r;
    p->deadline_usec = (int64_t)integers[4];
    p->stream_usec = (int64_t)integers[5];
    for (uint64_t i = 0; r >= 0 && i < n_records; i++) {
        r = slice_read_field(bytes, &type);
        if (r >= 0)
            r = slice_read_field(bytes, &body);
        if (r >= 0)
            r = audit_parts_add(&p->parts, audit_type_from_name(type), body);
        if (r >= 0)
            r = store_record(a, p, type, body);
    }
    p->parts.is_damaged |= integers[6] != 0;
    return r;
}

static int load_finished(struct audit_assembler *a, struct slice *bytes)
{
    uint64_t n;
    int r = slice_read_u64(bytes, &n);

    for (uint64_t i = 0; r >= 0 && i < n; i++) {
        struct slice key;
        uint32_t as;

        r = slice_read_field(bytes, &key);
        if (r >= 0)
            r = slice_read_u32(bytes, &as);
        if (r < 0)
            return r;
        if (key.len < 16 || key.len > KEY_MAX || as > FINISHED_IGNORED)
            return -EBADMSG;
        remember_finished(a, key.data, (unsigned)key.len, (enum finished_as)as);
    }
    return r;
}

int audit_assembler_load(struct audit_assembler *a, struct slice bytes)
{
    uint32_t version;
    uint64_t stream, n;
    int r = slice_read_u32(&bytes, &version);

    if (r >= 0 && version != STATE_VERSION)
        return -EBADMSG;
    if (r >= 0)
        r = slice_read_u64(&bytes, &stream);
    if (r < 0)
        return r;
    a->stream_usec = (int64_t)stream;
    r = load_nodes(a, &bytes);
    if (r >= 0)
        r = slice_read_u64(&bytes, &n);
    for (uint64_t i = 0; r >= 0 && i < n; i++)
        r = load_pending(a, &bytes);
    if (r >= 0)
        r = load_finished(a, &bytes);
    if (r >= 0 && bytes.len > 0)
        return -EBADMSG;
    return r;
}
