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
 * Digests are days in UTC, by the stream's time: what is held back goes into the digest of the day the stream
 * has come to, which for late events is not their own, because that digest is out. At most one is open for a
 * (job, exception). A record dated in the future closes the day early, as it closes buckets.
 *
 * Limits: HELD_MAX buckets (the oldest goes first; its later events are repeated and stay so), DIGESTS_MAX
 * open digests (more: suppressed, which is counted), TALLIES_MAX counters. All of it but the counters is
 * state: "forgive/held/ID", "forgive/digest/JOB/EXCEPTION", "forgive/day".
 *
 * Without exceptions a verdict costs one comparison; with them one lookup (select/exception.c), and a SHA-256
 * where one matched or something is held.
 */
#include "detector/forgive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "util/hash.h"
#include "util/parse.h"
#include "util/table.h"

/* chosen: users that are forgiven in a day's buckets; some 200 bytes each */
#define HELD_MAX    65536U
#define DIGESTS_MAX 4096U
#define TALLIES_MAX 16384U
/* detectors take events up to 16 h late (DESIGN section 6); a bucket that old brings no more verdicts */
#define HELD_KEEP_USEC USEC_PER_DAY

#define HELD_PREFIX    "forgive/held/"
#define DIGEST_PREFIX  "forgive/digest/"
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

struct digest {
    char *key; /* "JOB/EXCEPTION" */
    char *job, *exception;
    int64_t day; /* since the epoch */
    int64_t first_usec, last_usec;
    uint64_t n_alerts;
    double score_max;
    struct string_list users, hosts, ids;
    bool is_cut, is_saved, is_dirty;
    UT_hash_handle hh;
};

struct tally {
    char *exception;
    const char *effect;
    char *key; /* "EXCEPTION/EFFECT" */
    uint64_t n;
    UT_hash_handle hh;
};

struct forgive {
    struct exception_set *set; /* borrowed */
    struct held *held;         /* in the order they came */
    struct held *dirty, *gone; /* to hand over; deleted, to hand over */
    struct digest *digests;
    struct string_list gone_digests; /* keys of those that were saved */
    struct tally *tallies;
    struct accounts *accounts;
    int64_t day; /* the stream has come to */
    bool is_day_dirty;
    char onboarding_reason[64];
};

static void held_free(struct held *held)
{
    free(held->exception);
    free(held);
}

static void digest_free(struct digest *digest)
{
    free(digest->key);
    free(digest->job);
    free(digest->exception);
    string_list_done(&digest->users);
    string_list_done(&digest->hosts);
    string_list_done(&digest->ids);
    free(digest);
}

static void tally_free(struct tally *tally)
{
    free(tally->exception);
    free(tally->key);
    free(tally);
}

struct forgive *forgive_free(struct forgive *forgive)
{
    struct held *held, *next_held;
    struct digest *digest, *next_digest;
    struct tally *tally, *next_tally;

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
    HASH_ITER(hh, forgive->digests, digest, next_digest)
    {
        HASH_DEL(forgive->digests, digest);
        digest_free(digest);
    }
    HASH_ITER(hh, forgive->tallies, tally, next_tally)
    {
        HASH_DEL(forgive->tallies, tally);
        tally_free(tally);
    }
    string_list_done(&forgive->gone_digests);
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
    if (r < 0)
        return r;
    *ret_forgive = TAKE_PTR(forgive);
    return 0;
}

void forgive_set_exceptions(struct forgive *forgive, struct exception_set *set)
{
    forgive->set = set;
    if (set)
        (void)snprintf(forgive->onboarding_reason, sizeof(forgive->onboarding_reason),
                       "the account is younger than %lld d",
                       (long long)(exception_set_onboarding(set)->age_usec / USEC_PER_DAY));
}

static int count(struct forgive *forgive, const char *exception, const char *effect)
{
    _cleanup_(freep) char *key = NULL;
    struct tally *tally = NULL;

    if (asprintf(&key, "%s/%s", exception, effect) < 0) {
        key = NULL;
        return -ENOMEM;
    }
    HASH_FIND_STR(forgive->tallies, key, tally);
    if (!tally && HASH_COUNT(forgive->tallies) < TALLIES_MAX) {
        tally = calloc(1, sizeof(*tally));
        if (!tally)
            return -ENOMEM;
        tally->exception = strdup(exception);
        tally->effect = effect;
        tally->key = TAKE_PTR(key);
        if (tally->exception)
            HASH_ADD_KEYPTR(hh, forgive->tallies, tally->key, strlen(tally->key), tally);
        if (!tally->exception || !tally->hh.tbl) {
            tally_free(tally);
            return -ENOMEM;
        }
    }
    if (tally)
        tally->n++;
    return 0;
}

int forgive_counts(const struct forgive *forgive, exception_count_fn fn, void *userdata)
{
    int r = 0;

    for (const struct tally *t = forgive->tallies; r >= 0 && t; t = t->hh.next)
        r = fn(userdata, t->exception, t->effect, t->n);
    return r;
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
    q = count(forgive, (*ret_exception)->id, exception_effect_names[EXCEPTION_SKIP]);
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

static int add_name(struct string_list *list, struct slice name, bool *is_cut)
{
    if (name.len == 0)
        return 0;
    for (size_t i = 0; i < list->n; i++)
        if (slice_equal_string(name, list->items[i]))
            return 0;
    if (list->n >= DIGEST_LIST_MAX) {
        *is_cut = true;
        return 0;
    }
    return string_list_add(list, name);
}

/* 1: there are too many digests. */
static int get_digest(struct forgive *forgive, const char *job, const char *exception,
                      struct digest **ret_digest)
{
    _cleanup_(freep) char *key = NULL;
    struct digest *digest = NULL;

    if (asprintf(&key, "%s/%s", job, exception) < 0) {
        key = NULL;
        return -ENOMEM;
    }
    HASH_FIND_STR(forgive->digests, key, digest);
    if (!digest) {
        if (HASH_COUNT(forgive->digests) >= DIGESTS_MAX)
            return 1;
        digest = calloc(1, sizeof(*digest));
        if (!digest)
            return -ENOMEM;
        digest->key = TAKE_PTR(key);
        digest->job = strdup(job);
        digest->exception = strdup(exception);
        if (digest->job && digest->exception)
            HASH_ADD_KEYPTR(hh, forgive->digests, digest->key, strlen(digest->key), digest);
        if (!digest->hh.tbl) {
            digest_free(digest);
            return -ENOMEM;
        }
    }
    *ret_digest = digest;
    return 0;
}

static int add_to_digest(struct forgive *forgive, const struct verdict *verdict, const char *exception,
                         const char *id)
{
    int64_t time = verdict->event->time_usec;
    struct digest *digest;
    int r = get_digest(forgive, verdict->job, exception, &digest);

    if (r != 0)
        return r;
    if (digest->n_alerts == 0) {
        digest->day = MAX(time / USEC_PER_DAY, forgive->day);
        digest->first_usec = digest->last_usec = time;
        digest->score_max = verdict->score;
    }
    digest->n_alerts++;
    digest->first_usec = MIN(digest->first_usec, time);
    digest->last_usec = MAX(digest->last_usec, time);
    digest->score_max = MAX(digest->score_max, verdict->score);
    digest->is_dirty = true;
    r = add_name(&digest->users, verdict->user, &digest->is_cut);
    if (r >= 0)
        r = add_name(&digest->hosts, verdict->event->host, &digest->is_cut);
    if (r >= 0)
        r = add_name(&digest->ids, slice_from_string(id), &digest->is_cut);
    return r;
}

/* Holds the alert of the verdict back. */
static int hold(struct forgive *forgive, struct verdict *verdict, struct held *held, const char *exception,
                enum exception_effect effect)
{
    int r = 0;

    if (effect == EXCEPTION_DIGEST) {
        r = add_to_digest(forgive, verdict, exception, held->id);
        if (r > 0)
            effect = EXCEPTION_SUPPRESS; /* no room: it is recorded all the same */
    }
    if (r >= 0)
        r = count(forgive, exception, exception_effect_names[effect]);
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

static int hand_over(struct forgive *forgive, const struct digest *digest, digest_fn fn, void *userdata)
{
    const struct exception *e = forgive->set ? exception_set_find_id(forgive->set, digest->exception) : NULL;
    bool is_onboarding = strcmp(digest->exception, ONBOARDING_ID) == 0;

    return fn(userdata, &(struct alert_digest){
                            .job = digest->job,
                            .exception = digest->exception,
                            .reason = e               ? e->reason
                                      : is_onboarding ? forgive->onboarding_reason
                                                      : NULL,
                            .owner = e ? e->owner : NULL,
                            .ticket = e ? e->ticket : NULL,
                            .day_usec = digest->day * USEC_PER_DAY,
                            .first_usec = digest->first_usec,
                            .last_usec = digest->last_usec,
                            .n_alerts = digest->n_alerts,
                            .score_max = digest->score_max,
                            .users = &digest->users,
                            .hosts = &digest->hosts,
                            .ids = &digest->ids,
                            .is_cut = digest->is_cut,
                        });
}

static int by_key(const struct digest *a, const struct digest *b)
{
    return strcmp(a->key, b->key);
}

/* Hands over and drops the digests of days before. */
static int close_digests(struct forgive *forgive, int64_t day, digest_fn fn, void *userdata)
{
    struct digest *digest, *next;
    int r = 0;

    HASH_SORT(forgive->digests, by_key);
    HASH_ITER(hh, forgive->digests, digest, next)
    {
        if (r < 0 || digest->day >= day)
            continue;
        r = hand_over(forgive, digest, fn, userdata);
        if (r >= 0 && digest->is_saved)
            r = string_list_add(&forgive->gone_digests, slice_from_string(digest->key));
        HASH_DEL(forgive->digests, digest);
        digest_free(digest);
    }
    return r;
}

int forgive_advance(struct forgive *forgive, int64_t time_usec, digest_fn fn, void *userdata)
{
    int64_t day = time_usec / USEC_PER_DAY;

    while (forgive->held && forgive->held->until_usec <= time_usec)
        drop(forgive, forgive->held);
    if (day <= forgive->day || (!forgive->set && !forgive->digests))
        return 0;
    forgive->day = day;
    forgive->is_day_dirty = true;
    return forgive->digests ? close_digests(forgive, day, fn, userdata) : 0;
}

int64_t forgive_deadline_usec(const struct forgive *forgive)
{
    int64_t deadline = INT64_MAX;

    for (const struct digest *d = forgive->digests; d; d = d->hh.next)
        deadline = MIN(deadline, (d->day + 1) * USEC_PER_DAY);
    return deadline;
}

int forgive_finish(struct forgive *forgive, digest_fn fn, void *userdata)
{
    return forgive->digests ? close_digests(forgive, INT64_MAX, fn, userdata) : 0;
}

/* A change under prefix + name; value NULL deletes. */
static int tell(change_fn fn, void *userdata, const char *prefix, const char *name,
                const struct buffer *value)
{
    _cleanup_(buffer_done) struct buffer key = BUFFER_INIT;
    int r = buffer_append_format(&key, "%s%s", prefix, name);

    return r < 0
               ? r
               : fn(userdata, &(struct change){buffer_slice(&key), value ? buffer_slice(value) : SLICE_NULL});
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

static int save_list(const struct string_list *list, struct buffer *out)
{
    int r = buffer_append_u32(out, (uint32_t)list->n);

    for (size_t i = 0; r >= 0 && i < list->n; i++)
        r = buffer_append_field(out, slice_from_string(list->items[i]));
    return r;
}

static int save_digest(const struct digest *digest, struct buffer *out)
{
    int r = buffer_append_field(out, slice_from_string(digest->job));

    if (r >= 0)
        r = buffer_append_field(out, slice_from_string(digest->exception));
    if (r >= 0)
        r = buffer_append_u64(out, (uint64_t)digest->day);
    if (r >= 0)
        r = buffer_append_u64(out, (uint64_t)digest->first_usec);
    if (r >= 0)
        r = buffer_append_u64(out, (uint64_t)digest->last_usec);
    if (r >= 0)
        r = buffer_append_u64(out, digest->n_alerts);
    if (r >= 0)
        r = buffer_append_double(out, digest->score_max);
    if (r >= 0)
        r = buffer_append_u32(out, digest->is_cut);
    if (r >= 0)
        r = save_list(&digest->users, out);
    if (r >= 0)
        r = save_list(&digest->hosts, out);
    return r < 0 ? r : save_list(&digest->ids, out);
}

static int held_changes(struct forgive *forgive, change_fn fn, void *userdata)
{
    struct held *held, *next;
    int r = 0;

    DL_FOREACH_SAFE(forgive->gone, held, next)
    {
        r = tell(fn, userdata, HELD_PREFIX, held->id, NULL);
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
            r = tell(fn, userdata, HELD_PREFIX, held->id, &value);
        if (r < 0)
            return r;
        DL_DELETE(forgive->dirty, held);
        held->is_dirty = false;
        held->is_saved = true;
    }
    return 0;
}

static int digest_changes(struct forgive *forgive, change_fn fn, void *userdata)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < forgive->gone_digests.n; i++)
        r = tell(fn, userdata, DIGEST_PREFIX, forgive->gone_digests.items[i], NULL);
    if (r < 0)
        return r;
    string_list_done(&forgive->gone_digests);
    for (struct digest *d = forgive->digests; r >= 0 && d; d = d->hh.next) {
        _cleanup_(buffer_done) struct buffer value = BUFFER_INIT;

        if (!d->is_dirty)
            continue;
        r = save_digest(d, &value);
        if (r >= 0)
            r = tell(fn, userdata, DIGEST_PREFIX, d->key, &value);
        d->is_dirty = r < 0;
        d->is_saved = true;
    }
    return r;
}

int forgive_changes(struct forgive *forgive, change_fn fn, void *userdata)
{
    _cleanup_(buffer_done) struct buffer day = BUFFER_INIT;
    int r = held_changes(forgive, fn, userdata);

    if (r >= 0)
        r = digest_changes(forgive, fn, userdata);
    if (r >= 0 && forgive->is_day_dirty) {
        r = buffer_append_u64(&day, (uint64_t)forgive->day);
        if (r >= 0)
            r = tell(fn, userdata, DAY_KEY, "", &day);
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

static int load_list(struct slice *bytes, struct string_list *list)
{
    uint32_t n;
    int r = slice_read_u32(bytes, &n);

    if (r >= 0 && n > DIGEST_LIST_MAX)
        return -EBADMSG;
    for (uint32_t i = 0; r >= 0 && i < n; i++) {
        struct slice item;

        r = slice_read_field(bytes, &item);
        if (r >= 0)
            r = slice_is_absent(item) ? -EBADMSG : string_list_add(list, item);
    }
    return r;
}

static int load_digest(struct forgive *forgive, struct slice value)
{
    _cleanup_(freep) char *job = NULL, *exception = NULL;
    struct slice job_text, exception_text;
    uint64_t day, first, last, n;
    struct digest *digest;
    double score_max;
    uint32_t is_cut;
    int r = slice_read_field(&value, &job_text);

    if (r >= 0)
        r = slice_read_field(&value, &exception_text);
    if (r >= 0)
        r = slice_read_u64(&value, &day);
    if (r >= 0)
        r = slice_read_u64(&value, &first);
    if (r >= 0)
        r = slice_read_u64(&value, &last);
    if (r >= 0)
        r = slice_read_u64(&value, &n);
    if (r >= 0)
        r = slice_read_double(&value, &score_max);
    if (r >= 0)
        r = slice_read_u32(&value, &is_cut);
    if (r < 0)
        return r;
    if (slice_is_absent(job_text) || slice_is_absent(exception_text) || n == 0 ||
        day > INT64_MAX / USEC_PER_DAY - 1)
        return -EBADMSG;
    job = strndup(job_text.data, job_text.len);
    exception = strndup(exception_text.data, exception_text.len);
    if (!job || !exception)
        return -ENOMEM;
    r = get_digest(forgive, job, exception, &digest);
    if (r != 0 || digest->n_alerts > 0)
        return r < 0 ? r : -EBADMSG;
    digest->day = (int64_t)day;
    digest->first_usec = (int64_t)first;
    digest->last_usec = (int64_t)last;
    digest->n_alerts = n;
    digest->score_max = score_max;
    digest->is_cut = is_cut != 0;
    digest->is_saved = true;
    r = load_list(&value, &digest->users);
    if (r >= 0)
        r = load_list(&value, &digest->hosts);
    if (r >= 0)
        r = load_list(&value, &digest->ids);
    return r < 0 ? r : value.len > 0 ? -EBADMSG : 0;
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
    if (slice_starts_with(key, SLICE(DIGEST_PREFIX)))
        return load_digest(forgive, value);
    if (!slice_equal(key, SLICE(DAY_KEY)))
        return -EBADMSG;
    r = slice_read_u64(&value, &day);
    if (r >= 0 && (value.len > 0 || day > INT64_MAX / USEC_PER_DAY))
        r = -EBADMSG;
    if (r >= 0)
        forgive->day = (int64_t)day;
    return r;
}
