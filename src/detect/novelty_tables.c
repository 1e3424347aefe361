/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Three tables and what binds them: a pair belongs to its user and its host and goes with either. An event
 * looks up a user, a host and a pair; all else hangs on these by arrays that are searched in place, so that
 * three hash look-ups are all an event costs.
 *
 * Limits. Every entry stands in one of two lists of its type, ordered by use: those seen in a few buckets,
 * and the established. At the limit the first of the former goes, and only where there is none the first of
 * the latter. So a flood of names that nobody has seen before pushes out other such names, each of which is
 * still modelled while it is there, and leaves the people who work here alone. What an attacker can buy with
 * a million names is that the names of the last minutes are forgotten sooner: they are new again, which is
 * the louder error.
 *
 * Slots of one user (families, commands, hours, contexts) are a sorted array; at its limit the counter that
 * weighs least goes. Space: 432 bytes a user, 200 a host, 232 a pair, 28 a slot (x86-64); 1.9 GB
 * with the default limits reached, three hosts and three families a user (2026-11-24, tests/bench).
 */
#include "detect/novelty_tables.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* Of each of the three tables. uthash begins with 32 and lets ten entries of one bucket pass before it has
 * more, so that a small table is three or four entries a bucket; entries are far apart in memory, and each
 * that is passed by is a wait. 64 KiB a table; large ones have about one entry a bucket anyway. */
#undef HASH_INITIAL_NUM_BUCKETS
#undef HASH_INITIAL_NUM_BUCKETS_LOG2
#define HASH_INITIAL_NUM_BUCKETS      4096U
#define HASH_INITIAL_NUM_BUCKETS_LOG2 12U

void tables_init(struct tables *tables)
{
    assert(tables->limits[ENTRY_USER] > 0 && tables->limits[ENTRY_HOST] > 0 &&
           tables->limits[ENTRY_PAIR] > 0);
    tables->is_restored = false;
}

/*
 * Without a branch that depends on what is found: it could not be guessed, and a wrong guess costs more than
 * a step. Halves while there are many; then all are compared, each without waiting for the one before.
 */
size_t slots_first(const struct slots *slots, uint32_t id)
{
    const uint32_t *base = slots_ids(slots);
    size_t n = slots->n, n_less = 0;

    while (n > 8) {
        const size_t half = n / 2;

        n_less += half & -(size_t)(base[n_less + half - 1] < id);
        n -= half;
    }
    base += n_less;
    for (size_t i = 0; i < n; i++)
        n_less += base[i] < id;
    return n_less;
}

struct counter *slots_find(const struct slots *slots, uint32_t id)
{
    const size_t at = slots_first(slots, id);

    return at < slots->n && slots_ids(slots)[at] == id ? &slots->counters[at] : NULL;
}

static void drop_lightest(struct slots *slots, const struct decay *decay, struct moment now)
{
    size_t lightest = 0;
    double least = INFINITY;

    for (size_t i = 0; i < slots->n; i++) {
        const double value = counter_value(decay, &slots->counters[i], 0, now);

        if (value < least) {
            least = value;
            lightest = i;
        }
    }
    slots->n--;
    memmove(&slots->counters[lightest], &slots->counters[lightest + 1],
            (slots->n - lightest) * sizeof(*slots->counters));
    memmove(&slots_ids(slots)[lightest], &slots_ids(slots)[lightest + 1],
            (slots->n - lightest) * sizeof(uint32_t));
}

static int grow(struct slots *slots)
{
    const size_t size = slots->size + slots->size / 4U + 1U; /* most pairs have one */
    struct counter *counters = reallocarray(slots->counters, size, sizeof(*counters) + sizeof(uint32_t));

    if (!counters)
        return -ENOMEM;
    memmove(counters + size, counters + slots->size, slots->n * sizeof(uint32_t));
    slots->counters = counters;
    slots->size = (uint16_t)size;
    return 0;
}

int slots_get(struct slots *slots, const struct decay *decay, struct moment now, uint32_t id,
              struct counter **ret_counter)
{
    size_t at = slots_first(slots, id);
    uint32_t *ids = slots_ids(slots);
    int r;

    if (at == slots->n || ids[at] != id) {
        if (slots->n >= NOVELTY_MAX_SLOTS) {
            drop_lightest(slots, decay, now);
            at = slots_first(slots, id);
        }
        if (slots->n == slots->size) {
            r = grow(slots);
            if (r < 0)
                return r;
            ids = slots_ids(slots);
        }
        memmove(&slots->counters[at + 1], &slots->counters[at], (slots->n - at) * sizeof(*slots->counters));
        memmove(&ids[at + 1], &ids[at], (slots->n - at) * sizeof(*ids));
        slots->counters[at] = (struct counter){0};
        ids[at] = id;
        slots->n++;
    }
    *ret_counter = &slots->counters[at];
    return 0;
}

void recents_expire(struct recents *recents, double since)
{
    uint16_t n = 0;

    while (n < recents->n && recents->items[n].seconds >= since)
        n++;
    for (uint16_t i = n; i < recents->n; i++)
        if (recents->items[i].seconds >= since)
            recents->items[n++] = recents->items[i];
    recents->n = n;
}

int recents_set(struct recents *recents, uint32_t id, double seconds, double value, size_t limit)
{
    size_t at = 0, oldest = 0;

    while (at < recents->n && recents->items[at].id != id) {
        if (recents->items[at].seconds < recents->items[oldest].seconds)
            oldest = at;
        at++;
    }
    if (at == recents->n && at >= limit) {
        at = oldest;
    } else if (at == recents->n && recents->n == recents->size) {
        const size_t size = recents->size + recents->size / 2U + 1U;
        struct recent *items = reallocarray(recents->items, size, sizeof(*items));

        if (!items)
            return -ENOMEM;
        recents->items = items;
        recents->size = (uint16_t)size;
    }
    if (at == recents->n)
        recents->items[recents->n++] = (struct recent){id, seconds, value};
    else if (recents->items[at].id != id)
        recents->items[at] = (struct recent){id, seconds, value};
    recents->items[at].seconds = MAX(seconds, recents->items[at].seconds);
    recents->items[at].value = MAX(value, recents->items[at].value);
    return 0;
}

double recents_halved_sum(const struct recents *recents)
{
    double values[NOVELTY_MAX_RECENTS], sum = 0, factor = 1;

    for (size_t i = 0; i < recents->n; i++) { /* insertion: there are few */
        const double v = recents->items[i].value;
        size_t at = i;

        for (; at > 0 && values[at - 1] < v; at--)
            values[at] = values[at - 1];
        values[at] = v;
    }
    for (size_t i = 0; i < recents->n; i++) {
        sum += factor * values[i];
        factor /= 2;
    }
    return sum;
}

static void recents_done(struct recents *recents)
{
    free(recents->items);
    *recents = (struct recents){0};
}

static struct entry **list_of(struct tables *tables, const struct entry *entry)
{
    return &tables->lists[entry->type][entry->is_established].first;
}

static void mark_dirty(struct tables *tables, struct entry *entry)
{
    if (entry->is_dirty)
        return;
    entry->is_dirty = true;
    DL_APPEND2(tables->dirty, entry, prev_dirty, next_dirty);
}

static void enter(struct tables *tables, struct entry *entry, enum entry_type type)
{
    entry->type = (uint8_t)type;
    entry->sequence = tables->sequence;
    tables->n[type]++;
    DL_APPEND(*list_of(tables, entry), entry);
    mark_dirty(tables, entry);
}

void tables_use(struct tables *tables, struct entry *entry)
{
    struct entry **list = list_of(tables, entry);

    if (entry->next) { /* not the last */
        DL_DELETE(*list, entry);
        DL_APPEND(*list, entry);
    }
    entry->sequence = tables->sequence;
    mark_dirty(tables, entry);
}

void tables_establish(struct tables *tables, struct entry *entry)
{
    if (entry->is_established)
        return;
    DL_DELETE(*list_of(tables, entry), entry);
    entry->is_established = true;
    DL_APPEND(*list_of(tables, entry), entry);
}

static int compare_sequence(const struct entry *a, const struct entry *b)
{
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

static int compare_pair_sequence(const struct novel_pair *a, const struct novel_pair *b)
{
    return compare_sequence(&a->entry, &b->entry);
}

void tables_sort(struct tables *tables)
{
    for (size_t type = 0; type < N_ENTRY_TYPES; type++)
        for (size_t i = 0; i < 2; i++)
            DL_SORT(tables->lists[type][i].first, compare_sequence);
    DL_SORT2(tables->active, compare_pair_sequence, activity->prev, activity->next);
    tables->is_restored = false;
}

static struct novel_pair *pair_of(struct entry *entry)
{
    return (struct novel_pair *)entry; /* its first member, as of the others */
}

int tables_activate(struct tables *tables, struct novel_pair *pair)
{
    struct activity *a = pair->activity;

    if (!a) {
        a = calloc(1, sizeof(*a));
        if (!a)
            return -ENOMEM;
        pair->activity = a;
    } else if (a->next) {
        DL_DELETE2(tables->active, pair, activity->prev, activity->next);
    } else {
        return 0; /* the last already */
    }
    DL_APPEND2(tables->active, pair, activity->prev, activity->next);
    return 0;
}

void tables_deactivate(struct tables *tables, struct novel_pair *pair)
{
    if (!pair->activity)
        return;
    DL_DELETE2(tables->active, pair, activity->prev, activity->next);
    recents_done(&pair->activity->commands);
    free(pair->activity);
    pair->activity = NULL;
}

static int note_deleted(struct tables *tables, struct slice user_key, struct slice host_key)
{
    int r;

    if (!tables->is_tracking)
        return 0;
    r = buffer_append_field(&tables->deleted, user_key);
    return r < 0 ? r : buffer_append_field(&tables->deleted, host_key);
}

/* Without telling. */
static void release(struct tables *tables, struct entry *entry)
{
    DL_DELETE(*list_of(tables, entry), entry);
    if (entry->is_dirty)
        DL_DELETE2(tables->dirty, entry, prev_dirty, next_dirty);
    tables->n[entry->type]--;
}

static int drop_pair(struct tables *tables, struct novel_pair *pair)
{
    int r = note_deleted(tables, pair->key.user->key, pair->key.host->key);

    if (r < 0)
        return r;
    tables_deactivate(tables, pair);
    free(pair->slots.counters);
    DL_DELETE2(pair->key.user->pairs, pair, prev_of_user, next_of_user);
    DL_DELETE2(pair->key.host->pairs, pair, prev_of_host, next_of_host);
    HASH_DEL(tables->pairs, pair);
    release(tables, &pair->entry);
    free(pair);
    return 0;
}

static int drop_user(struct tables *tables, struct novel_user *user)
{
    int r = 0;

    while (r >= 0 && user->pairs)
        r = drop_pair(tables, user->pairs);
    if (r >= 0)
        r = note_deleted(tables, user->key, SLICE_NULL);
    if (r < 0)
        return r;
    HASH_DEL(tables->users, user);
    release(tables, &user->entry);
    free(user->slots.counters);
    recents_done(&user->families);
    free(user);
    return 0;
}

static int drop_host(struct tables *tables, struct novel_host *host)
{
    int r = 0;

    while (r >= 0 && host->pairs)
        r = drop_pair(tables, host->pairs);
    if (r >= 0)
        r = note_deleted(tables, SLICE_NULL, host->key);
    if (r < 0)
        return r;
    HASH_DEL(tables->hosts, host);
    release(tables, &host->entry);
    free(host->slots.counters);
    free(host);
    return 0;
}

int tables_drop(struct tables *tables, struct entry *entry)
{
    if (entry->type == ENTRY_USER)
        return drop_user(tables, (struct novel_user *)entry);
    if (entry->type == ENTRY_HOST)
        return drop_host(tables, (struct novel_host *)entry);
    return drop_pair(tables, pair_of(entry));
}

/* Cannot fail while nobody is told. */
static void tables_discard(struct tables *tables, struct entry *entry)
{
    int r = tables_drop(tables, entry);

    assert(r == 0);
}

void tables_done(struct tables *tables)
{
    tables->is_tracking = false;
    for (size_t i = 0; i < 2; i++) {
        while (tables->lists[ENTRY_USER][i].first)
            tables_discard(tables, tables->lists[ENTRY_USER][i].first);
        while (tables->lists[ENTRY_HOST][i].first)
            tables_discard(tables, tables->lists[ENTRY_HOST][i].first);
    }
    buffer_done(&tables->deleted);
}

/* A place for one more. The entry of the current event (its sequence) stays. */
static int make_room(struct tables *tables, enum entry_type type)
{
    struct entry *victim;

    if (tables->n[type] < tables->limits[type])
        return 0;
    victim = tables->lists[type][0].first;
    if (!victim || victim->sequence == tables->sequence)
        victim = tables->lists[type][1].first;
    if (!victim || victim->sequence == tables->sequence)
        return 0; /* a limit of one or two: the event's own entries are all there is */
    tables->n_evicted[type]++;
    return tables_drop(tables, victim);
}

#define KEY_MAX_BYTES (MODEL_MAX_NAME_BYTES + 1)

struct novel_user *tables_find_user(const struct tables *tables, uint8_t kind, struct slice name)
{
    struct novel_user *user;
    char key[KEY_MAX_BYTES];

    assert(name.len <= MODEL_MAX_NAME_BYTES);
    key[0] = (char)kind;
    if (name.len > 0)
        memcpy(key + 1, name.data, name.len);
    HASH_FIND(hh, tables->users, key, name.len + 1, user);
    return user;
}

struct novel_host *tables_find_host(const struct tables *tables, struct slice name)
{
    struct novel_host *host;

    HASH_FIND(hh, tables->hosts, name.data ? name.data : "", name.len, host);
    return host;
}

/* Of two keyed hashes that are there already; odd and large, so that users of one host are spread (Knuth,
 * TAOCP 6.4: 2^32 by the golden ratio). */
static unsigned pair_hash(const struct novel_user *user, const struct novel_host *host)
{
    return user->hh.hashv * 2654435769U + host->hh.hashv;
}

struct novel_pair *tables_find_pair(const struct tables *tables, struct novel_user *user,
                                    struct novel_host *host)
{
    const struct pair_key key = {user, host};
    struct novel_pair *pair;

    HASH_FIND_BYHASHVALUE(hh, tables->pairs, &key, sizeof(key), pair_hash(user, host), pair);
    return pair;
}

int tables_user(struct tables *tables, uint8_t kind, struct slice name, bool *ret_is_new,
                struct novel_user **ret_user)
{
    struct novel_user *user = tables_find_user(tables, kind, name);
    char *key;
    int r;

    *ret_is_new = !user;
    if (!user) {
        r = make_room(tables, ENTRY_USER);
        if (r < 0)
            return r;
        user = calloc(1, sizeof(*user) + 1 + name.len);
        if (!user)
            return -ENOMEM;
        key = (char *)(user + 1);
        key[0] = (char)kind;
        if (name.len > 0)
            memcpy(key + 1, name.data, name.len);
        user->key = slice_new(key, 1 + name.len);
        user->kind = kind;
        HASH_ADD_KEYPTR(hh, tables->users, user->key.data, user->key.len, user);
        if (!user->hh.tbl) {
            free(user);
            return -ENOMEM;
        }
        enter(tables, &user->entry, ENTRY_USER);
    }
    *ret_user = user;
    return 0;
}

int tables_host(struct tables *tables, struct slice name, bool *ret_is_new, struct novel_host **ret_host)
{
    struct novel_host *host = tables_find_host(tables, name);
    char *key;
    int r;

    *ret_is_new = !host;
    if (!host) {
        r = make_room(tables, ENTRY_HOST);
        if (r < 0)
            return r;
        host = calloc(1, sizeof(*host) + name.len + 1);
        if (!host)
            return -ENOMEM;
        key = (char *)(host + 1);
        if (name.len > 0)
            memcpy(key, name.data, name.len);
        host->key = slice_new(key, name.len);
        HASH_ADD_KEYPTR(hh, tables->hosts, host->key.data, host->key.len, host);
        if (!host->hh.tbl) {
            free(host);
            return -ENOMEM;
        }
        enter(tables, &host->entry, ENTRY_HOST);
    }
    *ret_host = host;
    return 0;
}

int tables_pair(struct tables *tables, struct novel_user *user, struct novel_host *host, bool *ret_is_new,
                struct novel_pair **ret_pair)
{
    struct novel_pair *pair = tables_find_pair(tables, user, host);
    int r;

    *ret_is_new = !pair;
    if (!pair) {
        r = make_room(tables, ENTRY_PAIR);
        if (r < 0)
            return r;
        pair = calloc(1, sizeof(*pair));
        if (!pair)
            return -ENOMEM;
        pair->key.user = user;
        pair->key.host = host;
        HASH_ADD_BYHASHVALUE(hh, tables->pairs, key, sizeof(pair->key), pair_hash(user, host), pair);
        if (!pair->hh.tbl) {
            free(pair);
            return -ENOMEM;
        }
        DL_APPEND2(user->pairs, pair, prev_of_user, next_of_user);
        DL_APPEND2(host->pairs, pair, prev_of_host, next_of_host);
        enter(tables, &pair->entry, ENTRY_PAIR);
    }
    *ret_pair = pair;
    return 0;
}
