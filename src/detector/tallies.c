/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Counters of exceptions are state, "forgive/count/EXCEPTION/EFFECT": an exception that has not been used for
 * a year is one to take out, and a year has restarts and reloads in it. A counter belongs to an id: an
 * exception that is edited and keeps its id keeps its counter; one that is gone loses it, at the next reload
 * or the next day, so that an id that is used again begins at 0.
 *
 * An event that a source hands over twice around a crash may count twice; alerts never do (forgive.c).
 *
 * Limit: TALLIES_MAX counters, more than exceptions can have effects in force; what is beyond is not counted.
 * Cost: one look-up for each use; a walk over all for each commit in which one was used.
 */
#include "detector/tallies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/buffer.h"
#include "util/table.h"

/* chosen: 10,000 exceptions (select/exception_load.c), some of which have been two effects */
#define TALLIES_MAX 16384U

/* ids end at 64 bytes (hapax-exceptions(5)); effects are shorter than 16 */
#define KEY_BYTES_MAX 96U

struct tally {
    char key[KEY_BYTES_MAX]; /* "EXCEPTION/EFFECT" */
    char *exception;
    enum exception_effect effect;
    uint64_t n;
    int64_t last_usec;
    bool is_saved, is_dirty;
    UT_hash_handle hh;
};

struct tallies {
    struct tally *table;
    struct string_list gone; /* keys of those that were saved */
    bool is_dirty;           /* some is */
};

static void tally_free(struct tally *tally)
{
    free(tally->exception);
    free(tally);
}

int tallies_new(struct tallies **ret_tallies)
{
    struct tallies *tallies = calloc(1, sizeof(*tallies));

    if (!tallies)
        return -ENOMEM;
    *ret_tallies = tallies;
    return 0;
}

struct tallies *tallies_free(struct tallies *tallies)
{
    struct tally *tally, *next;

    if (!tallies)
        return NULL;
    HASH_ITER(hh, tallies->table, tally, next)
    {
        HASH_DEL(tallies->table, tally);
        tally_free(tally);
    }
    string_list_done(&tallies->gone);
    free(tallies);
    return NULL;
}

/* 1: there are too many, or the key is longer than any. */
static int get_tally(struct tallies *tallies, const char *exception, enum exception_effect effect,
                     struct tally **ret_tally)
{
    char key[KEY_BYTES_MAX];
    int n = snprintf(key, sizeof(key), "%s/%s", exception, exception_effect_names[effect]);
    struct tally *tally = NULL;

    if (n < 0 || (size_t)n >= sizeof(key))
        return 1;
    HASH_FIND_STR(tallies->table, key, tally);
    if (!tally) {
        if (HASH_COUNT(tallies->table) >= TALLIES_MAX)
            return 1;
        tally = calloc(1, sizeof(*tally));
        if (!tally)
            return -ENOMEM;
        memcpy(tally->key, key, sizeof(key));
        tally->effect = effect;
        tally->exception = strdup(exception);
        if (tally->exception)
            HASH_ADD_KEYPTR(hh, tallies->table, tally->key, (size_t)n, tally);
        if (!tally->hh.tbl) {
            tally_free(tally);
            return -ENOMEM;
        }
    }
    *ret_tally = tally;
    return 0;
}

int tallies_count(struct tallies *tallies, const char *exception, enum exception_effect effect,
                  int64_t time_usec)
{
    struct tally *tally;
    int r = get_tally(tallies, exception, effect, &tally);

    if (r != 0)
        return r < 0 ? r : 0;
    tally->last_usec = tally->n > 0 ? MAX(tally->last_usec, time_usec) : time_usec;
    tally->n++;
    tally->is_dirty = tallies->is_dirty = true;
    return 0;
}

int tallies_keep(struct tallies *tallies, const struct exception_set *set)
{
    struct tally *tally, *next;
    int r = 0;

    HASH_ITER(hh, tallies->table, tally, next)
    {
        if (strcmp(tally->exception, ONBOARDING_ID) == 0 || exception_set_find_id(set, tally->exception))
            continue;
        if (tally->is_saved)
            r = string_list_add(&tallies->gone, slice_from_string(tally->key));
        if (r < 0)
            return r;
        tallies->is_dirty = true;
        HASH_DEL(tallies->table, tally);
        tally_free(tally);
    }
    return 0;
}

int tallies_walk(const struct tallies *tallies, exception_count_fn fn, void *userdata)
{
    int r = 0;

    for (const struct tally *t = tallies->table; r >= 0 && t; t = t->hh.next)
        r = fn(userdata, &(struct exception_count){t->exception, t->effect, t->n, t->last_usec});
    return r;
}

int tallies_changes(struct tallies *tallies, change_fn fn, void *userdata)
{
    int r = 0;

    if (!tallies->is_dirty)
        return 0;
    for (size_t i = 0; r >= 0 && i < tallies->gone.n; i++)
        r = change_tell(fn, userdata, TALLIES_PREFIX, tallies->gone.items[i], SLICE_NULL);
    if (r < 0)
        return r;
    string_list_done(&tallies->gone);
    for (struct tally *t = tallies->table; r >= 0 && t; t = t->hh.next) {
        _cleanup_(buffer_done) struct buffer value = BUFFER_INIT;

        if (!t->is_dirty)
            continue;
        r = buffer_append_u64(&value, t->n);
        if (r >= 0)
            r = buffer_append_u64(&value, (uint64_t)t->last_usec);
        if (r >= 0)
            r = change_tell(fn, userdata, TALLIES_PREFIX, t->key, buffer_slice(&value));
        t->is_dirty = r < 0;
        t->is_saved = true;
    }
    tallies->is_dirty = r < 0;
    return r;
}

static int find_effect(struct slice name, enum exception_effect *ret_effect)
{
    for (int effect = 0; effect < _EXCEPTION_EFFECT_MAX; effect++)
        if (slice_equal_string(name, exception_effect_names[effect])) {
            *ret_effect = (enum exception_effect)effect;
            return 0;
        }
    return -EBADMSG;
}

int tallies_restore(struct tallies *tallies, const struct change *change)
{
    _cleanup_(freep) char *exception = NULL;
    struct slice name = change->key, value = change->value, prefix = SLICE(TALLIES_PREFIX);
    enum exception_effect effect;
    struct tally *tally;
    uint64_t n, last;
    size_t slash;
    int r = slice_starts_with(name, prefix) ? 0 : -EBADMSG;

    if (r < 0)
        return r;
    name = slice_skip(name, prefix.len);
    slash = slice_find(name, '/');
    if (slash == 0 || slash == name.len || slice_find(name, '\0') < name.len)
        return -EBADMSG;
    r = find_effect(slice_skip(name, slash + 1), &effect);
    if (r >= 0)
        r = slice_read_u64(&value, &n);
    if (r >= 0)
        r = slice_read_u64(&value, &last);
    if (r < 0)
        return r;
    if (value.len > 0 || n == 0)
        return -EBADMSG;
    exception = strndup(name.data, slash);
    if (!exception)
        return -ENOMEM;
    r = get_tally(tallies, exception, effect, &tally);
    if (r != 0 || tally->n > 0)
        return r < 0 ? r : -EBADMSG;
    tally->n = n;
    tally->last_usec = (int64_t)last;
    tally->is_saved = true;
    return 0;
}
