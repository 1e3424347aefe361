/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The state of a novelty detector as keys and bytes: one key for each user, host, pair and command, so that
 * an event changes three or four small values, and two of constant size for what is the fleet's.
 *
 *   novelty/SUITE/MODEL/fleet               the clock, the calibration, what the fleet does
 *   novelty/SUITE/MODEL/c NAME              a command
 *   novelty/SUITE/MODEL/u KIND NAME         a user with its slots and its open case
 *   novelty/SUITE/MODEL/h NAME              a host
 *   novelty/SUITE/MODEL/g ID                a group of hosts
 *   novelty/SUITE/MODEL/p length USER HOST  a pair, with what it did in the last minutes
 *
 * MODEL is the model and its half-life: numbers of one mean nothing in another. The values are
 * novelty_codec.c's.
 *
 * Keys come in any order and may come twice; what is not there yet is made, and filled when it comes. The
 * lists by use are put in order when the first event comes (by the number of the event that used an entry),
 * so that a restored detector evicts what the other would have. Nothing restored counts as changed.
 */
#include "detect/novelty.h"

#include <errno.h>
#include <utlist.h>

#include "detect/novelty_codec.h"

/* Stops at the first failure, which is what r then holds. */
#define STEP(call)                                                                                           \
    do {                                                                                                     \
        r = (call);                                                                                          \
        if (r < 0)                                                                                           \
            return r;                                                                                        \
    } while (0)

static void buffer_donep(struct buffer *b)
{
    buffer_done(b);
}

static int make_key(const struct novelty *n, char kind, struct buffer *key)
{
    buffer_clear(key);
    return buffer_append_format(key, "%s%c", n->key_prefix, kind);
}

static int make_pair_key(const struct novelty *n, struct slice user, struct slice host, struct buffer *key)
{
    int r;

    STEP(make_key(n, 'p', key));
    STEP(buffer_append_field(key, user));
    return buffer_append_slice(key, host);
}

static int hand_over(change_fn fn, void *userdata, const struct buffer *key, struct slice value)
{
    return fn(userdata, &(struct change){.key = buffer_slice(key), .value = value});
}

static int hand_over_deleted(struct novelty *n, change_fn fn, void *userdata, struct buffer *key)
{
    struct slice left = buffer_slice(&n->tables.deleted), user, host;
    int r;

    while (left.len > 0) {
        STEP(slice_read_field(&left, &user));
        STEP(slice_read_field(&left, &host));
        if (!slice_is_absent(user) && !slice_is_absent(host)) {
            STEP(make_pair_key(n, user, host, key));
        } else {
            STEP(make_key(n, slice_is_absent(host) ? 'u' : 'h', key));
            STEP(buffer_append_slice(key, slice_is_absent(host) ? user : host));
        }
        STEP(hand_over(fn, userdata, key, SLICE_NULL));
    }
    buffer_done(&n->tables.deleted);
    return 0;
}

static int hand_over_entry(struct novelty *n, struct entry *entry, change_fn fn, void *userdata,
                           struct buffer *key, struct buffer *value)
{
    int r;

    buffer_clear(value);
    if (entry->type == ENTRY_USER) {
        struct novel_user *user = (struct novel_user *)entry;

        STEP(make_key(n, 'u', key));
        STEP(buffer_append_slice(key, user->key));
        STEP(novelty_save_user(n, user, value));
    } else if (entry->type == ENTRY_HOST) {
        const struct novel_host *host = (const struct novel_host *)entry;

        STEP(make_key(n, 'h', key));
        STEP(buffer_append_slice(key, host->key));
        STEP(novelty_save_host(n, host, value));
    } else {
        const struct novel_pair *pair = (const struct novel_pair *)entry;

        STEP(make_pair_key(n, pair->key.user->key, pair->key.host->key, key));
        STEP(novelty_save_pair(n, pair, value));
    }
    return hand_over(fn, userdata, key, buffer_slice(value));
}

static int hand_over_commands(struct novelty *n, change_fn fn, void *userdata, struct buffer *key,
                              struct buffer *value)
{
    int r;

    for (struct command *command = n->surprise.commands; command; command = command->hh.next) {
        if (!command->is_dirty)
            continue;
        buffer_clear(value);
        STEP(make_key(n, 'c', key));
        STEP(buffer_append_slice(key, command->name));
        STEP(novelty_save_command(command, value));
        STEP(hand_over(fn, userdata, key, buffer_slice(value)));
        command->is_dirty = false;
    }
    return 0;
}

static int hand_over_groups(struct novelty *n, change_fn fn, void *userdata, struct buffer *key,
                            struct buffer *value)
{
    int r;

    for (struct host_group *group = n->surprise.groups; group; group = group->hh.next) {
        if (!group->is_dirty)
            continue;
        buffer_clear(value);
        STEP(make_key(n, 'g', key));
        STEP(buffer_append_u32(key, group->id));
        STEP(novelty_save_group(group, value));
        STEP(hand_over(fn, userdata, key, buffer_slice(value)));
        group->is_dirty = false;
    }
    return 0;
}

/* A failing fn keeps the rest, and what it failed on, for the next call; deletions are then told again. */
int novelty_changes(struct novelty *n, change_fn fn, void *userdata)
{
    _cleanup_(buffer_donep) struct buffer key = BUFFER_INIT, value = BUFFER_INIT;
    struct entry *entry;
    int r;

    n->tables.is_tracking = true;
    STEP(hand_over_deleted(n, fn, userdata, &key));
    while ((entry = n->tables.dirty)) {
        STEP(hand_over_entry(n, entry, fn, userdata, &key, &value));
        DL_DELETE2(n->tables.dirty, entry, prev_dirty, next_dirty);
        entry->is_dirty = false;
    }
    STEP(hand_over_commands(n, fn, userdata, &key, &value));
    STEP(hand_over_groups(n, fn, userdata, &key, &value));
    if (n->is_changed) {
        buffer_clear(&value);
        STEP(make_key(n, 'f', &key));
        STEP(buffer_append_slice(&key, SLICE("leet")));
        STEP(novelty_save_fleet(n, &value));
        STEP(hand_over(fn, userdata, &key, buffer_slice(&value)));
        n->is_changed = false;
    }
    return 0;
}

static void clean(struct novelty *n, struct entry *entry)
{
    if (entry->is_dirty)
        DL_DELETE2(n->tables.dirty, entry, prev_dirty, next_dirty);
    entry->is_dirty = false;
}

static int restore_user(struct novelty *n, struct slice key, struct slice value)
{
    struct novel_user *user;
    bool is_new;
    int r;

    if (key.len < 1 || key.len > MODEL_MAX_NAME_BYTES + 1 || (uint8_t)key.data[0] >= NOVELTY_N_KINDS)
        return -EBADMSG;
    if (slice_is_absent(value)) {
        user = tables_find_user(&n->tables, (uint8_t)key.data[0], slice_skip(key, 1));
        return user ? tables_drop(&n->tables, &user->entry) : 0;
    }
    STEP(tables_user(&n->tables, (uint8_t)key.data[0], slice_skip(key, 1), &is_new, &user));
    clean(n, &user->entry);
    return novelty_load_user(n, user, value);
}

static int restore_host(struct novelty *n, struct slice key, struct slice value)
{
    struct novel_host *host;
    bool is_new;
    int r;

    if (key.len > MODEL_MAX_NAME_BYTES)
        return -EBADMSG;
    if (slice_is_absent(value)) {
        host = tables_find_host(&n->tables, key);
        return host ? tables_drop(&n->tables, &host->entry) : 0;
    }
    STEP(tables_host(&n->tables, key, &is_new, &host));
    host->group = surprise_group_id(key);
    clean(n, &host->entry);
    return novelty_load_host(n, host, value);
}

static int restore_pair(struct novelty *n, struct slice key, struct slice value)
{
    struct novel_user *user;
    struct novel_host *host;
    struct novel_pair *pair;
    struct slice name;
    bool is_new;
    int r;

    STEP(slice_read_field(&key, &name));
    if (name.len < 1 || name.len > MODEL_MAX_NAME_BYTES + 1 || key.len > MODEL_MAX_NAME_BYTES ||
        (uint8_t)name.data[0] >= NOVELTY_N_KINDS)
        return -EBADMSG;
    if (slice_is_absent(value)) {
        user = tables_find_user(&n->tables, (uint8_t)name.data[0], slice_skip(name, 1));
        host = tables_find_host(&n->tables, key);
        pair = user && host ? tables_find_pair(&n->tables, user, host) : NULL;
        return pair ? tables_drop(&n->tables, &pair->entry) : 0;
    }
    STEP(tables_user(&n->tables, (uint8_t)name.data[0], slice_skip(name, 1), &is_new, &user));
    clean(n, &user->entry);
    STEP(tables_host(&n->tables, key, &is_new, &host));
    host->group = surprise_group_id(key);
    clean(n, &host->entry);
    STEP(tables_pair(&n->tables, user, host, &is_new, &pair));
    clean(n, &pair->entry);
    return novelty_load_pair(n, pair, value);
}

int novelty_restore(struct novelty *n, const struct change *change)
{
    const struct slice prefix = slice_from_string(n->key_prefix);
    struct slice key = change->key;
    bool was_tracking = n->tables.is_tracking;
    int r;

    if (!slice_starts_with(key, prefix) || key.len == prefix.len)
        return 0; /* of another model: it waits in the store */
    key = slice_skip(key, prefix.len);
    n->tables.is_tracking = false; /* the store knows */
    n->tables.is_restored = true;
    switch (key.data[0]) {
    case 'u':
        r = restore_user(n, slice_skip(key, 1), change->value);
        break;
    case 'h':
        r = restore_host(n, slice_skip(key, 1), change->value);
        break;
    case 'p':
        r = restore_pair(n, slice_skip(key, 1), change->value);
        break;
    case 'c':
        r = slice_is_absent(change->value) ? 0 : novelty_load_command(n, slice_skip(key, 1), change->value);
        break;
    case 'g':
        r = slice_is_absent(change->value) ? 0 : novelty_load_group(n, slice_skip(key, 1), change->value);
        break;
    case 'f':
        r = slice_is_absent(change->value) ? 0 : novelty_load_fleet(n, change->value);
        break;
    default:
        r = -EBADMSG;
    }
    n->tables.is_tracking = was_tracking || r >= 0;
    return r;
}
