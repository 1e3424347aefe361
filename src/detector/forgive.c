/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What exceptions do to verdicts, and what that takes to remember.
 *
 * A detector alerts once for a user in a bucket and calls the rest repeated. If that one alert is held back
 * because the event was forgiven (the monitoring script), a later event of the same user in the same bucket
 * that is not forgiven (the intruder in its account) must still alert. So each alert that was held is
 * remembered by its id until its bucket is a day old, and a repeated verdict of such a bucket is looked at
 * again.
 *
 * A final verdict is about all events of the user in the bucket and carries only the last. It is held back if
 * every one of them was forgiven: forgiven events are counted by bucket and compared with the verdict's
 * count. Where the counts disagree the alert is sent.
 *
 * What goes into a digest is digests.c's, how often exceptions were used tallies.c's, the ages of accounts
 * select/onboarding.c's; all are asked and saved from here.
 *
 * Limit: HELD_MAX buckets (the oldest goes first; its later events are repeated and stay so). Where there are
 * too many digests an alert is suppressed, which is counted. All of it is state: "forgive/held/ID" and
 * "forgive/day" of this file.
 *
 * Without exceptions a verdict costs one comparison; with them one lookup (select/exception.c), and a SHA-256
 * where one matched or something is held.
 */
#include "detector/forgive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "detector/digests.h"
#include "detector/tallies.h"
#include "util/hash.h"
#include "util/parse.h"
#include "util/table.h"

/* chosen: users that are forgiven in a day's buckets; some 200 bytes each */
#define HELD_MAX 65536U
/* detectors take events up to 16 h late (DESIGN section 6); a bucket that old brings no more verdicts */
#define HELD_KEEP_USEC USEC_PER_DAY

#define HELD_PREFIX    "forgive/held/"
#define DAY_KEY        "forgive/day"
#define EFFECTS_HELD   ((1U << EXCEPTION_SUPPRESS) | (1U << EXCEPTION_DIGEST))

/* A bucket of a user in which something was forgiven. */
struct held {
    char id[HASH_ID_SIZE]; /* of the alert */
    char *exception;       /* that held it back, or would have */
    int64_t until_usec;
    uint64_t n_forgiven; /* events */
    bool is_held, is_sent;
    bool is_saved, is_dirty; /* a change was handed over; one is due */
    struct held *prev, *next;
    UT_hash_handle hh;
};

struct forgive {
    struct exception_set *set; /* borrowed */
    struct held *held;         /* in the order they came */
    struct held *dirty, *gone; /* to hand over; deleted, to hand over */
    struct digests *digests;
    struct tallies *tallies;
    struct accounts *accounts;
    int64_t day; /* the stream has come to */
    bool is_day_dirty;
    bool is_set_new; /* counters of what it does not have are still there */
    char onboarding_reason[64];
};

static void held_free(struct held *held)
{
    free(held->exception);
    free(held);
}

struct forgive *forgive_free(struct forgive *forgive)
{
    struct held *held, *next_held;

    if (!forgive)
        return NULL;
    DL_FOREACH_SAFE(forgive->gone, held, next_held)
    {
        DL_DELETE(forgive->gone, held);
        held_free(held);
    }
    HASH_ITER(hh, forgive->held, held, next_held)
    {
        HASH_DEL(forgive->held, held);
        held_free(held);
    }
    digests_free(forgive->digests);
    tallies_free(forgive->tallies);
    accounts_free(forgive->accounts);
    free(forgive);
    return NULL;
}

int forgive_new(struct forgive **ret_forgive)
{
    _cleanup_(forgive_freep) struct forgive *forgive = calloc(1, sizeof(*forgive));
    int r;

    if (!forgive)
        return -ENOMEM;
    r = accounts_new(&forgive->accounts);
    if (r >= 0)
        r = digests_new(&forgive->digests);
    if (r >= 0)
        r = tallies_new(&forgive->tallies);
    if (r < 0)
        return r;
    *ret_forgive = TAKE_PTR(forgive);
    return 0;
}

void forgive_set_exceptions(struct forgive *forgive, struct exception_set *set)
{
    forgive->set = set;
    forgive->is_set_new = true;
    if (set)
        (void)snprintf(forgive->onboarding_reason, sizeof(forgive->onboarding_reason),
                       "the account is younger than %lld d",
                       (long long)(exception_set_onboarding(set)->age_usec / USEC_PER_DAY));
}

int forgive_counts(const struct forgive *forgive, exception_count_fn fn, void *userdata)
{
    return tallies_walk(forgive->tallies, fn, userdata);
}

int forgive_see_event(struct forgive *forgive, const struct event *event, bool is_selected)
{
    const struct onboarding_options *onboarding;
    int r = 0, q = 0;

    if (!forgive->set)
        return 0;
    onboarding = exception_set_onboarding(forgive->set);
    if (onboarding->sources & (1U << ACCOUNT_CREATED))
        r = accounts_see_creation(forgive->accounts, event);
    if (r >= 0 && is_selected && (onboarding->sources & (1U << ACCOUNT_FIRST_SEEN)))
        q = accounts_see_actor(forgive->accounts, event);
    return r < 0 ? r : q < 0 ? q : r > 0 || q > 0;
}

int forgive_skips(struct forgive *forgive, const char *job, const struct event *event,
                  const struct exception **ret_exception)
{
    int r, q;

    if (!forgive->set)
        return 0;
    r = exception_set_find(forgive->set, 1U << EXCEPTION_SKIP, job, event, ret_exception);
    if (r <= 0)
        return r;
    q = tallies_count(forgive->tallies, (*ret_exception)->id, EXCEPTION_SKIP, event->time_usec);
    return q < 0 ? q : r;
}

/* What forgives the event: *ret_id is an exception's or ONBOARDING_ID. 1, 0, -ENOMEM. */
static int find(struct forgive *forgive, const struct verdict *verdict, const char **ret_id,
                enum exception_effect *ret_effect)
{
    const struct exception *exception;
    int r;

    if (!forgive->set)
        return 0;
    r = exception_set_find(forgive->set, EFFECTS_HELD, verdict->job, verdict->event, &exception);
    if (r > 0) {
        *ret_id = exception->id;
        *ret_effect = exception->effect;
    } else if (r == 0 &&
               accounts_is_young(forgive->accounts, exception_set_onboarding(forgive->set), verdict->event)) {
        *ret_id = ONBOARDING_ID;
        *ret_effect = EXCEPTION_DIGEST;
        r = 1;
    }
    return r;
}

static void mark(struct forgive *forgive, struct held *held)
{
    if (!held->is_dirty)
        DL_APPEND(forgive->dirty, held);
    held->is_dirty = true;
}

static void drop(struct forgive *forgive, struct held *held)
{
    HASH_DEL(forgive->held, held);
    if (held->is_dirty)
        DL_DELETE(forgive->dirty, held);
    if (held->is_saved)
        DL_APPEND(forgive->gone, held);
    else
        held_free(held);
}

static int add_held(struct forgive *forgive, const char id[HASH_ID_SIZE], struct held **ret_held)
{
    struct held *held = calloc(1, sizeof(*held));

    if (!held)
        return -ENOMEM;
    memcpy(held->id, id, sizeof(held->id));
    if (HASH_COUNT(forgive->held) >= HELD_MAX)
        drop(forgive, forgive->held);
    HASH_ADD_KEYPTR(hh, forgive->held, held->id, HASH_ID_SIZE - 1, held);
    if (!held->hh.tbl) {
        free(held);
        return -ENOMEM;
    }
    *ret_held = held;
    return 0;
}

/* Holds the alert of the verdict back. */
static int hold(struct forgive *forgive, struct verdict *verdict, struct held *held, const char *exception,
                enum exception_effect effect)
{
    int r = 0;

    if (effect == EXCEPTION_DIGEST) {
        r = digests_add(forgive->digests, verdict, exception, held->id, forgive->day);
        if (r > 0)
            effect = EXCEPTION_SUPPRESS; /* no room: it is recorded all the same */
    }
    if (r >= 0)
        r = tallies_count(forgive->tallies, exception, effect, verdict->event->time_usec);
    if (r < 0)
        return r;
    held->is_held = true;
    mark(forgive, held);
    verdict->reason = effect == EXCEPTION_DIGEST ? VERDICT_DIGESTED : VERDICT_SUPPRESSED;
    verdict->exception = held->exception;
    return 1;
}

/* Remembers that an event of the bucket was forgiven. */
static int note(struct forgive *forgive, const struct verdict *verdict, const char *id, const char *exception,
                struct held **held)
{
    int r = *held ? 0 : add_held(forgive, id, held);

    if (r < 0)
        return r;
    if (!(*held)->exception || (!(*held)->is_held && strcmp((*held)->exception, exception) != 0)) {
        char *copy = strdup(exception);

        if (!copy)
            return -ENOMEM;
        free((*held)->exception);
        (*held)->exception = copy;
    }
    (*held)->until_usec = verdict->bucket_start_usec + verdict->bucket_span_usec + HELD_KEEP_USEC;
    (*held)->n_forgiven += !verdict->is_final;
    mark(forgive, *held);
    return 0;
}

int forgive_judge(struct forgive *forgive, struct verdict *verdict)
{
    enum exception_effect effect = EXCEPTION_SUPPRESS;
    const char *exception = NULL;
    char id[HASH_ID_SIZE];
    struct held *held = NULL;
    int r;

    if (verdict->reason != VERDICT_ALERT && verdict->reason != VERDICT_REPEATED &&
        verdict->reason != VERDICT_BELOW_THRESHOLD)
        return 0;
    r = find(forgive, verdict, &exception, &effect);
    if (r < 0 || (r == 0 && !forgive->held))
        return r;
    alert_id(verdict, id);
    HASH_FIND(hh, forgive->held, id, HASH_ID_SIZE - 1, held);
    if (exception)
        r = note(forgive, verdict, id, exception, &held);
    if (r < 0 || !held)
        return r;
    if (verdict->reason == VERDICT_ALERT) {
        bool is_all = !verdict->is_final || held->n_forgiven >= verdict->n_events;

        if (exception && is_all)
            return hold(forgive, verdict, held, exception, effect);
        held->is_sent = true;
        mark(forgive, held);
    } else if (verdict->reason == VERDICT_REPEATED && held->is_held && !held->is_sent) {
        if (!exception && !verdict->is_final) {
            verdict->reason = VERDICT_ALERT;
            held->is_sent = true;
            mark(forgive, held);
        } else {
            verdict->exception = held->exception;
        }
    }
    return 0;
}

struct handing {
    const struct forgive *forgive;
    digest_fn fn;
    void *userdata;
};

/* A digest with what the exception says of itself. */
static int hand_over(void *userdata, const struct alert_digest *digest)
{
    const struct handing *handing = userdata;
    const struct forgive *forgive = handing->forgive;
    const struct exception *e = forgive->set ? exception_set_find_id(forgive->set, digest->exception) : NULL;
    struct alert_digest whole = *digest;

    if (e) {
        whole.reason = e->reason;
        whole.owner = e->owner;
        whole.ticket = e->ticket;
    } else if (strcmp(digest->exception, ONBOARDING_ID) == 0) {
        whole.reason = forgive->onboarding_reason;
    }
    return handing->fn(handing->userdata, &whole);
}

static int close_digests(struct forgive *forgive, int64_t day, digest_fn fn, void *userdata)
{
    struct handing handing = {forgive, fn, userdata};

    return digests_close(forgive->digests, day, hand_over, &handing);
}

int forgive_advance(struct forgive *forgive, int64_t time_usec, digest_fn fn, void *userdata)
{
    int64_t day = time_usec / USEC_PER_DAY;
    int r = 0;

    while (forgive->held && forgive->held->until_usec <= time_usec)
        drop(forgive, forgive->held);
    if (forgive->is_set_new && forgive->set) {
        /* not when the set is handed over: what was counted is restored behind that */
        r = tallies_keep(forgive->tallies, forgive->set);
        forgive->is_set_new = r < 0;
    }
    if (r < 0 || day <= forgive->day ||
        (!forgive->set && digests_deadline_usec(forgive->digests) == INT64_MAX))
        return r;
    forgive->day = day;
    forgive->is_day_dirty = true;
    return close_digests(forgive, day, fn, userdata);
}

int64_t forgive_deadline_usec(const struct forgive *forgive)
{
    return digests_deadline_usec(forgive->digests);
}

int forgive_finish(struct forgive *forgive, digest_fn fn, void *userdata)
{
    return close_digests(forgive, INT64_MAX, fn, userdata);
}

static int save_held(const struct held *held, struct buffer *out)
{
    int r = buffer_append_u64(out, (uint64_t)held->until_usec);

    if (r >= 0)
        r = buffer_append_u64(out, held->n_forgiven);
    if (r >= 0)
        r = buffer_append_u32(out, (uint32_t)held->is_held | (uint32_t)held->is_sent << 1);
    return r < 0 ? r : buffer_append_field(out, slice_from_string(held->exception));
}

static int held_changes(struct forgive *forgive, change_fn fn, void *userdata)
{
    struct held *held, *next;
    int r = 0;

    DL_FOREACH_SAFE(forgive->gone, held, next)
    {
        r = change_tell(fn, userdata, HELD_PREFIX, held->id, SLICE_NULL);
        if (r < 0)
            return r;
        DL_DELETE(forgive->gone, held);
        held_free(held);
    }
    DL_FOREACH_SAFE(forgive->dirty, held, next)
    {
        _cleanup_(buffer_done) struct buffer value = BUFFER_INIT;

        r = save_held(held, &value);
        if (r >= 0)
            r = change_tell(fn, userdata, HELD_PREFIX, held->id, buffer_slice(&value));
        if (r < 0)
            return r;
        DL_DELETE(forgive->dirty, held);
        held->is_dirty = false;
        held->is_saved = true;
    }
    return 0;
}

int forgive_changes(struct forgive *forgive, change_fn fn, void *userdata)
{
    _cleanup_(buffer_done) struct buffer day = BUFFER_INIT;
    int r = held_changes(forgive, fn, userdata);

    if (r >= 0)
        r = digests_changes(forgive->digests, fn, userdata);
    if (r >= 0)
        r = tallies_changes(forgive->tallies, fn, userdata);
    if (r >= 0 && forgive->is_day_dirty) {
        r = buffer_append_u64(&day, (uint64_t)forgive->day);
        if (r >= 0)
            r = change_tell(fn, userdata, DAY_KEY, "", buffer_slice(&day));
        forgive->is_day_dirty = r < 0;
    }
    return r < 0 ? r : accounts_changes(forgive->accounts, fn, userdata);
}

bool forgive_owns(struct slice key)
{
    return slice_starts_with(key, SLICE("forgive/")) || slice_starts_with(key, SLICE("account/"));
}

static int load_held(struct forgive *forgive, struct slice name, struct slice value)
{
    char id[HASH_ID_SIZE] = "";
    uint64_t until, n;
    uint32_t flags;
    struct slice exception;
    struct held *held;
    int r = name.len == HASH_ID_SIZE - 1 ? slice_read_u64(&value, &until) : -EBADMSG;

    if (r >= 0)
        r = slice_read_u64(&value, &n);
    if (r >= 0)
        r = slice_read_u32(&value, &flags);
    if (r >= 0)
        r = slice_read_field(&value, &exception);
    if (r < 0)
        return r;
    if (value.len > 0 || slice_is_absent(exception))
        return -EBADMSG;
    memcpy(id, name.data, name.len);
    HASH_FIND(hh, forgive->held, id, HASH_ID_SIZE - 1, held);
    if (held)
        return -EBADMSG;
    r = add_held(forgive, id, &held);
    if (r < 0)
        return r;
    held->exception = strndup(exception.data, exception.len);
    held->until_usec = (int64_t)until;
    held->n_forgiven = n;
    held->is_held = flags & 1;
    held->is_sent = flags & 2;
    held->is_saved = true;
    return held->exception ? 0 : -ENOMEM;
}

int forgive_restore(struct forgive *forgive, const struct change *change)
{
    struct slice key = change->key, value = change->value, held = SLICE(HELD_PREFIX);
    uint64_t day;
    int r;

    if (slice_starts_with(key, SLICE("account/")))
        return accounts_restore(forgive->accounts, change);
    if (slice_starts_with(key, held))
        return load_held(forgive, slice_skip(key, held.len), value);
    if (slice_starts_with(key, SLICE(DIGESTS_PREFIX)))
        return digests_restore(forgive->digests, change);
    if (slice_starts_with(key, SLICE(TALLIES_PREFIX)))
        return tallies_restore(forgive->tallies, change);
    if (!slice_equal(key, SLICE(DAY_KEY)))
        return -EBADMSG;
    r = slice_read_u64(&value, &day);
    if (r >= 0 && (value.len > 0 || day > INT64_MAX / USEC_PER_DAY))
        r = -EBADMSG;
    if (r >= 0)
        forgive->day = (int64_t)day;
    return r;
}
