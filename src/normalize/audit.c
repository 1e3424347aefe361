/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records to events: which event a record belongs to, and when an event is over. What is in a record is
 * audit_event.c's, the tables are audit_lane.c's.
 *
 * An event is over
 *   complete   SYSCALL, CWD, all arguments and as many PATH as SYSCALL announced are there
 *   eoe        EOE came and SYSCALL is there. auditd does not write EOE to its log, journald drops it
 *   proctitle  PROCTITLE came, SYSCALL is there, and the arguments (a failed execve may have none). The
 * kernel writes it last; where records come in reverse order it comes first and ends nothing timeout    time
 * went on: TIME_LIMIT_USEC on the clock of its node's records; LANE_SLACK_USEC more on the clock of all
 * records, for nodes that went quiet; WALL_LIMIT_USEC on the caller's clock evicted    there were too many,
 * or too large; those that anyone could have written go first flush      the input ended whichever is first,
 * and is handed over at once: order is by completion. Its id is remembered for a while, so that a late record
 * is counted and does not open it again.
 *
 * Without SYSCALL there is no user and no process: such an event is dropped when it is over, and so is one of
 * another system call, as soon as that is seen. Records are counted n_used when they are taken; those of a
 * dropped event are then counted anew, as n_ignored, or as n_quarantined if there was an EXECVE, which proves
 * that something is lost. A SYSCALL that comes after that begins an event of its own: better without its
 * arguments than not at all.
 *
 * With a gate, an event that its SYSCALL shows to be no process start, or one that nobody wants, is dropped
 * there and then: clocks and time limits move as if it was not, but it takes no place, and its records
 * n_gated.
 *
 * Records of a lower trust than the audit transport's live in a lane of their own (audit_lane.h).
 */
#include "normalize/audit_assembler.h"
#include "normalize/audit_gate.h"
#include "normalize/audit_session.h"

#include <errno.h>
#include <stdlib.h>

/* LAUREL's limit; auparse and go-libaudit take 2 s (auditd.conf(5) end_of_event_timeout; reassembler.go) */
#define TIME_LIMIT_USEC (5 * USEC_PER_SEC)
/* chosen: nodes' clocks and the ways of their records differ by less than a minute where anything works */
#define LANE_SLACK_USEC (60 * USEC_PER_SEC)
/* chosen: a record behind by more than this is from another time; so many in a row, and the clock is wrong */
#define BACK_STEP_USEC  (60 * USEC_PER_SEC)
#define NODE_MAX_BEHIND 16U
#define LANE_MAX_BEHIND 1024U
/* chosen: more are rarely pending at once; each keeps at most about 20 KiB */
#define MAX_SPARE 64U

static const struct slice reason_complete = SLICE("complete"), reason_eoe = SLICE("eoe"),
                          reason_proctitle = SLICE("proctitle"), reason_timeout = SLICE("timeout"),
                          reason_evicted = SLICE("evicted"), reason_flush = SLICE("flush");

struct audit_pending *audit_assembler_new_pending(struct audit_assembler *a)
{
    struct audit_pending *p = a->spare;

    if (p) {
        a->spare = p->next;
        a->n_spare--;
    } else {
        p = calloc(1, sizeof(*p));
        if (!p)
            return NULL;
    }
    *p = (struct audit_pending){.event = p->event};
    audit_event_reset(&p->event);
    return p;
}

void audit_assembler_free_pending(struct audit_assembler *a, struct audit_pending *p)
{
    if (a->n_spare >= MAX_SPARE) {
        audit_event_done(&p->event);
        free(p);
        return;
    }
    audit_event_reset(&p->event);
    p->next = a->spare;
    a->spare = p;
    a->n_spare++;
}

int audit_assembler_new(const struct audit_options *options, struct normalizer_stats *stats,
                        struct audit_assembler **ret_assembler)
{
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = NULL;
    int r;

    a = calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->uid_map = options->uid_map;
    a->gate = options->gate;
    a->event_kinds = options->kinds != 0 ? options->kinds : EVENT_KIND_BIT(EVENT_PROCESS_START);
    a->stats = stats;
    if (options->host.len > 0) {
        a->host = malloc(options->host.len);
        if (!a->host)
            return -ENOMEM;
        memcpy(a->host, options->host.data, options->host.len);
        a->host_len = options->host.len;
    }
    for (size_t i = 0; i < AUDIT_N_LANES; i++) {
        r = audit_lane_init(&a->lanes[i]);
        if (r < 0)
            return r;
    }
    *ret_assembler = TAKE_PTR(a);
    return 0;
}

struct audit_assembler *audit_assembler_free(struct audit_assembler *a)
{
    struct audit_pending *p, *next;

    if (!a)
        return NULL;
    for (size_t i = 0; i < AUDIT_N_LANES; i++)
        audit_lane_done(&a->lanes[i]);
    for (p = a->spare; p; p = next) {
        next = p->next;
        audit_event_done(&p->event);
        free(p);
    }
    arena_done(&a->arena);
    free(a->host);
    free(a);
    return NULL;
}

/* Out of the tables. Its id stays, unless nobody can say yet what it was: its SYSCALL may still come. */
static int finish(struct audit_assembler *a, struct audit_lane *lane, struct audit_pending *p, bool is_start)
{
    audit_lane_remove_pending(lane, p);
    a->n_pending--;
    a->n_bytes -= p->bytes;
    if (!(p->event.kinds & AUDIT_SYSCALL))
        return 0;
    return audit_lane_add_finished(lane, &p->key, is_start, p->event.kinds & ~audit_event_missing(&p->event));
}

static int drop(struct audit_assembler *a, struct audit_lane *lane, struct audit_pending *p)
{
    bool is_loss = !(p->event.kinds & AUDIT_SYSCALL) && (p->event.kinds & AUDIT_EXECVE);
    int r = finish(a, lane, p, false);

    a->stats->n_used -= p->n_counted;
    if (is_loss) {
        a->stats->n_quarantined += p->n_counted;
        a->stats->n_orphaned += p->n_counted;
    } else {
        a->stats->n_ignored += p->n_counted;
    }
    audit_assembler_free_pending(a, p);
    return r;
}

/*
 * An event that nobody wants, by its SYSCALL: what came of it is forgotten but for its id, by which the
 * records that follow are known. p: where records came before; NULL: none did.
 */
static int drop_gated(struct audit_assembler *a, struct audit_lane *lane, const struct audit_key *key,
                      struct audit_pending *p)
{
    struct audit_key id = *key;

    if (p) {
        a->stats->n_used -= p->n_counted;
        a->stats->n_gated += p->n_counted;
        audit_lane_remove_pending(lane, p);
        a->n_pending--;
        a->n_bytes -= p->bytes;
        audit_assembler_free_pending(a, p);
    }
    return audit_lane_add_gated(lane, &id);
}

static int hand_over(struct audit_assembler *a, struct audit_lane *lane, struct audit_pending *p,
                     struct slice reason, event_fn emit, void *userdata)
{
    struct event event;
    int r;

    if (audit_event_exec(&p->event) != AUDIT_EXEC_YES ||
        !(a->event_kinds & EVENT_KIND_BIT(EVENT_PROCESS_START)))
        return drop(a, lane, p);
    r = finish(a, lane, p, true);
    if (r >= 0)
        r = audit_event_build(&p->event, a->uid_map, slice_new(a->host, a->host_len), reason, &a->arena,
                              &event);
    if (r >= 0) {
        a->stats->n_events++;
        a->stats->n_incomplete += !slice_is_absent(event.audit.incomplete);
        r = emit(userdata, &event);
    }
    arena_reset(&a->arena);
    audit_assembler_free_pending(a, p);
    return r < 0 ? r : 0;
}

/* What the clocks of this record's node and lane show to be overdue. */
static int expire(struct audit_assembler *a, struct audit_lane *lane, struct audit_node *node, event_fn emit,
                  void *userdata)
{
    struct audit_pending *overdue;
    int r = 0;

    while (r >= 0 && (overdue = audit_lane_find_overdue(lane, node)))
        r = hand_over(a, lane, overdue, reason_timeout, emit, userdata);
    return r;
}

static int enforce_limits(struct audit_assembler *a, event_fn emit, void *userdata)
{
    int r;

    while (a->n_pending > AUDIT_MAX_PENDING || a->n_bytes > AUDIT_MAX_PENDING_BYTES) {
        struct audit_lane *lane = &a->lanes[AUDIT_LANE_LOW];

        if (!lane->first)
            lane = &a->lanes[AUDIT_LANE_VOUCHED];
        a->stats->n_evicted++;
        r = hand_over(a, lane, lane->first, reason_evicted, emit, userdata);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A record of an event that is over. */
static void count_late(struct audit_assembler *a, struct audit_finished *finished, unsigned kind)
{
    /* these end an event that was complete before: no news, and no fault */
    const unsigned usual = AUDIT_PROCTITLE | AUDIT_EOE;

    if (finished->is_gated) {
        a->stats->n_gated++;
        return;
    }
    if (finished->is_start && (kind & usual & ~finished->kinds)) {
        finished->kinds |= kind;
        a->stats->n_used++;
        return;
    }
    a->stats->n_ignored++;
    if (!finished->is_start)
        return;
    if (finished->kinds & kind)
        a->stats->n_duplicates++;
    else
        a->stats->n_late++;
}

static int open_pending(struct audit_assembler *a, struct audit_lane *lane, struct audit_node *node,
                        const struct audit_key *key, const struct audit_record *record,
                        struct audit_pending **ret_pending)
{
    struct audit_pending *p = audit_assembler_new_pending(a);
    int r;

    if (!p)
        return -ENOMEM;
    p->key = *key;
    p->node = node;
    p->event.time_usec = record->time_usec;
    p->event.serial = record->serial;
    p->event.trust = record->trust;
    p->node_due = node->clock.ticks_usec + TIME_LIMIT_USEC;
    p->lane_due = lane->clock.ticks_usec + TIME_LIMIT_USEC + LANE_SLACK_USEC;
    p->wall_due = a->wall.ticks_usec + AUDIT_WALL_LIMIT_USEC;
    r = audit_lane_add_pending(lane, p);
    if (r < 0) {
        audit_assembler_free_pending(a, p);
        return r;
    }
    a->n_pending++;
    *ret_pending = p;
    return 0;
}

/* Why the event is over with the record that just came; absent: it is not. */
static struct slice ending(const struct audit_event *e, unsigned kind)
{
    if (audit_event_exec(e) != AUDIT_EXEC_YES)
        return SLICE_NULL;
    if ((e->kinds & AUDIT_EXECVE) && audit_event_missing(e) == 0)
        return reason_complete;
    if (kind == AUDIT_EOE)
        return reason_eoe;
    if (kind == AUDIT_PROCTITLE && (audit_event_has_args(e) || audit_event_is_failure(e)))
        return reason_proctitle;
    return SLICE_NULL;
}

static int take(struct audit_assembler *a, struct audit_pending *p, const struct audit_record *record,
                unsigned kind)
{
    struct audit_event *e = &p->event;
    int outcome, r;

    outcome = audit_event_take(e, kind, record->body);
    if (outcome < 0)
        return outcome;
    if (outcome == AUDIT_DUPLICATE) {
        a->stats->n_duplicates++;
        a->stats->n_ignored++;
        return 0;
    }
    if (outcome == AUDIT_TAKEN_BROKEN) {
        a->stats->n_quarantined++;
    } else {
        a->stats->n_used++;
        p->n_counted++;
    }
    e->trust = MIN(e->trust, record->trust);
    r = audit_event_set_text(e, AUDIT_TEXT_NODE, record->node);
    if (r >= 0)
        r = audit_event_set_text(e, AUDIT_TEXT_HOST, record->host);
    if (r >= 0)
        r = audit_event_set_text(e, AUDIT_TEXT_UNIT, record->unit);
    a->n_bytes -= p->bytes;
    p->bytes = audit_event_bytes(e);
    a->n_bytes += p->bytes;
    return r;
}

/*
 * A record that is a session or account event by itself, where somebody asked for those. Its second copy
 * (journald's kernel transport) is known by its id, unless that is also a pending event's. 1: it is counted;
 * 0: it is none that was asked for.
 */
static int take_context(struct audit_assembler *a, struct audit_lane *lane, const struct audit_key *key,
                        struct audit_finished *finished, bool is_pending, const struct audit_record *record,
                        event_fn emit, void *userdata)
{
    enum event_kind kind;
    struct event event;
    int r;

    if (!audit_session_find_kind(record->type, &kind) || !(a->event_kinds & EVENT_KIND_BIT(kind)))
        return 0;
    if (finished && (finished->kinds & AUDIT_CONTEXT)) {
        a->stats->n_duplicates++;
        a->stats->n_ignored++;
        return 1;
    }
    r = audit_session_read(record, a->uid_map, slice_new(a->host, a->host_len), &a->arena, &event);
    if (r == 0)
        a->stats->n_quarantined++;
    if (r > 0) {
        if (finished)
            finished->kinds |= AUDIT_CONTEXT;
        else if (!is_pending)
            r = audit_lane_add_finished(lane, key, false, AUDIT_CONTEXT);
        a->stats->n_used++;
        a->stats->n_context++;
        if (r >= 0)
            r = emit(userdata, &event);
    }
    arena_reset(&a->arena);
    return r < 0 ? r : 1;
}

int audit_assembler_feed(struct audit_assembler *a, const struct audit_record *record, event_fn emit,
                         void *userdata)
{
    struct audit_lane *lane = &a->lanes[record->trust == TRUST_LOW ? AUDIT_LANE_LOW : AUDIT_LANE_VOUCHED];
    struct slice source = record->node.len > 0 ? record->node : record->host;
    unsigned kind = audit_kind_from_type(record->type);
    struct audit_finished *finished;
    struct audit_pending *p;
    struct audit_node *node;
    struct audit_key key;
    struct slice reason;
    int r;

    if (source.len > AUDIT_MAX_NODE_BYTES) {
        a->stats->n_quarantined++;
        return 0;
    }
    r = audit_lane_reach_node(lane, source, &node);
    if (r < 0)
        return r;
    if (record->received_usec > 0)
        audit_clock_feed(&a->wall, record->received_usec, 0, 1);
    audit_clock_feed(&node->clock, record->time_usec, BACK_STEP_USEC, NODE_MAX_BEHIND);
    audit_clock_feed(&lane->clock, record->time_usec, BACK_STEP_USEC, LANE_MAX_BEHIND);
    r = expire(a, lane, node, emit, userdata);
    if (r < 0)
        return r;

    key = audit_key_new(node, record->time_usec, record->serial);
    p = audit_lane_find_pending(lane, &key);
    finished = p ? NULL : audit_lane_find_finished(lane, &key);
    if (kind == 0) {
        r = take_context(a, lane, &key, finished, p != NULL, record, emit, userdata);
        if (r != 0)
            return MIN(r, 0);
        /* of an event's other records we need nothing */
        if (finished && finished->is_gated)
            a->stats->n_gated++;
        else if (p || (finished && finished->is_start))
            a->stats->n_used++;
        else
            a->stats->n_ignored++;
        return 0;
    }
    if (finished) {
        count_late(a, finished, kind);
        return 0;
    }
    if (!p && kind == AUDIT_EOE) {
        a->stats->n_ignored++;
        return 0;
    }
    if (a->gate && kind == AUDIT_SYSCALL && !(p && (p->event.kinds & AUDIT_SYSCALL)) &&
        audit_gate_drops_syscall(a->gate, record->body)) {
        a->stats->n_gated++;
        return drop_gated(a, lane, &key, p);
    }
    if (!p) {
        r = open_pending(a, lane, node, &key, record, &p);
        if (r < 0)
            return r;
    }
    r = take(a, p, record, kind);
    if (r < 0)
        return r;
    if (audit_event_exec(&p->event) == AUDIT_EXEC_NO)
        return drop(a, lane, p);
    if (a->gate && audit_gate_drops_event(a->gate, &p->event))
        return drop_gated(a, lane, &key, p);
    reason = ending(&p->event, kind);
    if (!slice_is_absent(reason))
        return hand_over(a, lane, p, reason, emit, userdata);
    return enforce_limits(a, emit, userdata);
}

int audit_assembler_advance(struct audit_assembler *a, int64_t now_usec, event_fn emit, void *userdata)
{
    int r;

    audit_clock_feed(&a->wall, now_usec, 0, 1);
    for (size_t i = 0; i < AUDIT_N_LANES; i++) {
        struct audit_lane *lane = &a->lanes[i];

        while (lane->first && audit_clock_is_past(&a->wall, lane->first->wall_due)) {
            r = hand_over(a, lane, lane->first, reason_timeout, emit, userdata);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int64_t audit_assembler_deadline_usec(const struct audit_assembler *a)
{
    int64_t deadline = INT64_MAX;

    /* events out of a saved state wait from the moment we learn the time */
    if (a->n_pending > 0 && !a->wall.is_set)
        return 0;
    for (size_t i = 0; i < AUDIT_N_LANES; i++)
        if (a->lanes[i].first) {
            int64_t left = (int64_t)(a->lanes[i].first->wall_due - a->wall.ticks_usec);

            deadline = MIN(deadline, a->wall.high_usec + left);
        }
    return deadline;
}

int audit_assembler_flush(struct audit_assembler *a, event_fn emit, void *userdata)
{
    int r;

    for (size_t i = 0; i < AUDIT_N_LANES; i++)
        while (a->lanes[i].first) {
            r = hand_over(a, &a->lanes[i], a->lanes[i].first, reason_flush, emit, userdata);
            if (r < 0)
                return r;
        }
    return 0;
}

size_t audit_assembler_n_pending(const struct audit_assembler *a)
{
    return a->n_pending;
}

int64_t audit_assembler_pending_usec(const struct audit_assembler *a)
{
    int64_t usec = INT64_MAX;

    for (size_t i = 0; i < AUDIT_N_LANES; i++)
        if (a->lanes[i].first)
            usec = MIN(usec, a->lanes[i].first->event.time_usec);
    return usec;
}
