/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Digests are days in UTC, by the stream's time: what is held back goes into the digest of the day the stream
 * has come to, which for late events is not their own, because that digest is out. At most one is open for a
 * (job, exception). A record dated in the future closes the day early, as it closes buckets.
 *
 * Limits: DIGESTS_MAX open ones, DIGEST_LIST_MAX names in each list. All of it is state:
 * "forgive/digest/JOB/EXCEPTION". Cost: a look-up and a walk over the lists for each alert that is held; all
 * digests are walked where a day ends and for each commit.
 */
#include "detector/digests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detector/roster.h"
#include "util/parse.h"
#include "util/table.h"

/* chosen: jobs times exceptions that digest; a hundred KB each at most */
#define DIGESTS_MAX 4096U

struct digest {
    char *key; /* "JOB/EXCEPTION" */
    char *job, *exception;
    int64_t day; /* since the epoch */
    struct roster roster;
    bool is_saved, is_dirty;
    UT_hash_handle hh;
};

struct digests {
    struct digest *table;
    struct string_list gone; /* keys of those that were saved */
};

static void digest_free(struct digest *digest)
{
    free(digest->key);
    free(digest->job);
    free(digest->exception);
    roster_done(&digest->roster);
    free(digest);
}

int digests_new(struct digests **ret_digests)
{
    struct digests *digests = calloc(1, sizeof(*digests));

    if (!digests)
        return -ENOMEM;
    *ret_digests = digests;
    return 0;
}

struct digests *digests_free(struct digests *digests)
{
    struct digest *digest, *next;

    if (!digests)
        return NULL;
    HASH_ITER(hh, digests->table, digest, next)
    {
        HASH_DEL(digests->table, digest);
        digest_free(digest);
    }
    string_list_done(&digests->gone);
    free(digests);
    return NULL;
}

/* 1: there are too many digests. */
static int get_digest(struct digests *digests, const char *job, const char *exception,
                      struct digest **ret_digest)
{
    _cleanup_(freep) char *key = NULL;
    struct digest *digest = NULL;

    if (asprintf(&key, "%s/%s", job, exception) < 0) {
        key = NULL;
        return -ENOMEM;
    }
    HASH_FIND_STR(digests->table, key, digest);
    if (!digest) {
        if (HASH_COUNT(digests->table) >= DIGESTS_MAX)
            return 1;
        digest = calloc(1, sizeof(*digest));
        if (!digest)
            return -ENOMEM;
        digest->key = TAKE_PTR(key);
        digest->job = strdup(job);
        digest->exception = strdup(exception);
        if (digest->job && digest->exception)
            HASH_ADD_KEYPTR(hh, digests->table, digest->key, strlen(digest->key), digest);
        if (!digest->hh.tbl) {
            digest_free(digest);
            return -ENOMEM;
        }
    }
    *ret_digest = digest;
    return 0;
}

int digests_add(struct digests *digests, const struct verdict *verdict, const char *exception, const char *id,
                int64_t day)
{
    struct digest *digest;
    int r = get_digest(digests, verdict->job, exception, &digest);

    if (r != 0)
        return r;
    if (digest->roster.n_alerts == 0)
        digest->day = MAX(verdict->event->time_usec / USEC_PER_DAY, day);
    digest->is_dirty = true;
    return roster_add(&digest->roster, verdict, id, DIGEST_LIST_MAX);
}

static int hand_over(const struct digest *digest, digest_fn fn, void *userdata)
{
    const struct roster *roster = &digest->roster;

    return fn(userdata, &(struct alert_digest){
                            .job = digest->job,
                            .exception = digest->exception,
                            .day_usec = digest->day * USEC_PER_DAY,
                            .first_usec = roster->first_usec,
                            .last_usec = roster->last_usec,
                            .n_alerts = roster->n_alerts,
                            .score_max = roster->score_max,
                            .users = &roster->users,
                            .hosts = &roster->hosts,
                            .ids = &roster->ids,
                            .is_cut = roster->is_cut,
                        });
}

static int by_key(const struct digest *a, const struct digest *b)
{
    return strcmp(a->key, b->key);
}

int digests_close(struct digests *digests, int64_t day, digest_fn fn, void *userdata)
{
    struct digest *digest, *next;
    int r = 0;

    if (!digests->table)
        return 0;
    HASH_SORT(digests->table, by_key);
    HASH_ITER(hh, digests->table, digest, next)
    {
        if (r < 0 || digest->day >= day)
            continue;
        r = hand_over(digest, fn, userdata);
        if (r >= 0 && digest->is_saved)
            r = string_list_add(&digests->gone, slice_from_string(digest->key));
        HASH_DEL(digests->table, digest);
        digest_free(digest);
    }
    return r;
}

int64_t digests_deadline_usec(const struct digests *digests)
{
    int64_t deadline = INT64_MAX;

    for (const struct digest *d = digests->table; d; d = d->hh.next)
        deadline = MIN(deadline, (d->day + 1) * USEC_PER_DAY);
    return deadline;
}

static int save(const struct digest *digest, struct buffer *out)
{
    const struct roster *roster = &digest->roster;
    int r = buffer_append_field(out, slice_from_string(digest->job));

    if (r >= 0)
        r = buffer_append_field(out, slice_from_string(digest->exception));
    if (r >= 0)
        r = buffer_append_u64(out, (uint64_t)digest->day);
    if (r >= 0)
        r = buffer_append_u64(out, (uint64_t)roster->first_usec);
    if (r >= 0)
        r = buffer_append_u64(out, (uint64_t)roster->last_usec);
    if (r >= 0)
        r = buffer_append_u64(out, roster->n_alerts);
    if (r >= 0)
        r = buffer_append_double(out, roster->score_max);
    if (r >= 0)
        r = buffer_append_u32(out, roster->is_cut);
    return r < 0 ? r : roster_save_lists(roster, out);
}

int digests_changes(struct digests *digests, change_fn fn, void *userdata)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < digests->gone.n; i++)
        r = change_tell(fn, userdata, DIGESTS_PREFIX, digests->gone.items[i], SLICE_NULL);
    if (r < 0)
        return r;
    string_list_done(&digests->gone);
    for (struct digest *d = digests->table; r >= 0 && d; d = d->hh.next) {
        _cleanup_(buffer_done) struct buffer value = BUFFER_INIT;

        if (!d->is_dirty)
            continue;
        r = save(d, &value);
        if (r >= 0)
            r = change_tell(fn, userdata, DIGESTS_PREFIX, d->key, buffer_slice(&value));
        d->is_dirty = r < 0;
        d->is_saved = true;
    }
    return r;
}

int digests_restore(struct digests *digests, const struct change *change)
{
    _cleanup_(freep) char *job = NULL, *exception = NULL;
    struct slice value = change->value, job_text, exception_text;
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
    r = get_digest(digests, job, exception, &digest);
    if (r != 0 || digest->roster.n_alerts > 0)
        return r < 0 ? r : -EBADMSG;
    digest->day = (int64_t)day;
    digest->roster.first_usec = (int64_t)first;
    digest->roster.last_usec = (int64_t)last;
    digest->roster.n_alerts = n;
    digest->roster.score_max = score_max;
    digest->roster.is_cut = is_cut != 0;
    digest->is_saved = true;
    r = roster_load_lists(&value, DIGEST_LIST_MAX, &digest->roster);
    return r < 0 ? r : value.len > 0 ? -EBADMSG : 0;
}
