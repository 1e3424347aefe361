/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The values of a novelty detector's state as bytes and back: little-endian, each beginning with a version.
 *
 * Families are written by the id of their job: a suite with other jobs keeps what it knows of those that
 * stayed, and drops the rest. Commands are written by number, which belongs to their own key, so that the
 * order of a user's slots, and with it every sum over them, comes back the same.
 *
 * Values are checked as bytes from outside: numbers that are finite and not negative, counts within their
 * limits, buckets within time. Whoever can write the state can lie about counts, not crash us. A value may be
 * loaded over an older one: all of it is replaced.
 *
 * Reading fails at the first thing that is wrong, with -EBADMSG; the entry is then half old and half new, and
 * the caller gives the whole state up.
 */
#include "detect/novelty_codec.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <utlist.h>

/* raised with every change of a value's layout */
#define STATE_VERSION 1U
/* RARE_MAX_TIME_USEC in buckets, rounded up */
#define MAX_BUCKET 282000000U
/* counts are sums of weights up to 1; more than a century of every bucket by every user is a lie */
#define MAX_VALUE 1e15

/* Stops at the first failure, which is what r then holds. */
#define STEP(call)                                                                                           \
    do {                                                                                                     \
        r = (call);                                                                                          \
        if (r < 0)                                                                                           \
            return r;                                                                                        \
    } while (0)

static int read_number(struct slice *s, double max, double *ret_v)
{
    int r = slice_read_double(s, ret_v);

    if (r < 0)
        return r;
    return *ret_v >= 0 && *ret_v <= max ? 0 : -EBADMSG; /* also refuses NaN */
}

static int read_bucket(struct slice *s, uint32_t *ret_v)
{
    int r = slice_read_u32(s, ret_v);

    if (r < 0)
        return r;
    return *ret_v <= MAX_BUCKET ? 0 : -EBADMSG;
}

static int read_count(struct slice *s, uint32_t max, uint32_t *ret_n)
{
    int r = slice_read_u32(s, ret_n);

    if (r < 0)
        return r;
    return *ret_n <= max ? 0 : -EBADMSG;
}

static int read_version(struct slice *s)
{
    uint32_t version;
    int r = slice_read_u32(s, &version);

    if (r < 0)
        return r;
    return version == STATE_VERSION ? 0 : -EBADMSG;
}

static int save_counter(const struct counter *c, struct buffer *out)
{
    int r;

    STEP(buffer_append_double(out, c->value));
    STEP(buffer_append_u64(out, c->recent));
    STEP(buffer_append_u32(out, c->last));
    return buffer_append_u32(out, (uint32_t)c->lag << 8 | c->n_folded);
}

static int load_counter(struct slice *s, bool is_exact, struct counter *ret_counter)
{
    struct counter c = {0};
    uint32_t packed;
    int r;

    STEP(read_number(s, MAX_VALUE, &c.value));
    STEP(slice_read_u64(s, &c.recent));
    STEP(read_bucket(s, &c.last));
    STEP(slice_read_u32(s, &packed));
    c.lag = packed >> 8;
    c.n_folded = packed & 255;
    if (c.lag > c.last || (is_exact && !isfinite(c.seconds)))
        return -EBADMSG;
    *ret_counter = c;
    return 0;
}

static int save_sum(const struct sum *sum, struct buffer *out)
{
    int r = buffer_append_double(out, sum->value);

    return r < 0 ? r : buffer_append_u64(out, sum->epoch);
}

static int load_sum(struct slice *s, bool is_exact, struct sum *ret_sum)
{
    struct sum sum;
    int r;

    STEP(read_number(s, MAX_VALUE, &sum.value));
    STEP(slice_read_u64(s, &sum.epoch));
    if (is_exact ? !isfinite(sum.seconds) : sum.epoch > MAX_BUCKET)
        return -EBADMSG;
    *ret_sum = sum;
    return 0;
}

static int save_sums(const struct sum *const *sums, size_t n, struct buffer *out)
{
    int r;

    for (size_t i = 0; i < n; i++)
        STEP(save_sum(sums[i], out));
    return 0;
}

static int load_sums(struct slice *s, bool is_exact, struct sum *const *sums, size_t n)
{
    int r;

    for (size_t i = 0; i < n; i++)
        STEP(load_sum(s, is_exact, sums[i]));
    return 0;
}

/* A family by its job's id; -1: of no job of this suite. */
static int find_family(const struct novelty *n, struct slice id)
{
    for (size_t i = 0; i < n->n_families; i++)
        if (slice_equal_string(id, n->families[i]))
            return (int)i;
    return -1;
}

static int save_family(const struct novelty *n, uint32_t family, struct buffer *out)
{
    return buffer_append_field(out, slice_from_string(n->families[family]));
}

static int load_family(const struct novelty *n, struct slice *s, int *ret_family)
{
    struct slice id;
    int r = slice_read_field(s, &id);

    if (r < 0)
        return r;
    *ret_family = find_family(n, id);
    return 0;
}

/* The family a slot's number stands for, and the rest of it. */
static bool is_of_family(enum slot_kind kind, uint32_t number, uint32_t *ret_family, uint32_t *ret_rest)
{
    const uint32_t a_family = kind == SLOT_NEW_TO_FAMILY ? NOVELTY_N_KINDS : 1;

    *ret_family = number / a_family;
    *ret_rest = number % a_family;
    return kind == SLOT_FAMILY || kind == SLOT_NEW_TO_FAMILY;
}

static int save_slots(const struct novelty *n, const struct slots *slots, struct buffer *out)
{
    int r;

    STEP(buffer_append_u32(out, slots->n));
    for (size_t i = 0; i < slots->n; i++) {
        const enum slot_kind kind = slots_ids(slots)[i] >> 24;
        uint32_t number = slots_ids(slots)[i] & 0xffffffU, family, rest;

        STEP(buffer_append_u32(out, kind));
        if (is_of_family(kind, number, &family, &rest)) {
            STEP(save_family(n, family, out));
            number = rest;
        }
        STEP(buffer_append_u32(out, number));
        STEP(save_counter(&slots->counters[i], out));
    }
    return 0;
}

static int load_slots(struct novelty *n, struct slice *s, struct slots *slots)
{
    uint32_t n_slots, kind, number;
    int r, family;

    STEP(read_count(s, NOVELTY_MAX_SLOTS, &n_slots));
    slots->n = 0;
    for (uint32_t i = 0; i < n_slots; i++) {
        struct counter counter, *place;

        STEP(slice_read_u32(s, &kind));
        if (kind < SLOT_FAMILY || kind > SLOT_NEW_TO_HOST)
            return -EBADMSG;
        family = 0;
        if (kind == SLOT_FAMILY || kind == SLOT_NEW_TO_FAMILY)
            STEP(load_family(n, s, &family));
        STEP(read_count(s, 0xffffffU, &number));
        STEP(load_counter(s, n->surprise.is_exact, &counter));
        if (family < 0)
            continue;
        if (kind == SLOT_NEW_TO_FAMILY && number >= NOVELTY_N_KINDS)
            return -EBADMSG;
        if (kind == SLOT_NEW_TO_FAMILY)
            number += (uint32_t)family * NOVELTY_N_KINDS;
        else if (kind == SLOT_FAMILY)
            number = (uint32_t)family;
        STEP(slots_get(slots, &n->surprise.decay, n->surprise.now, SLOT_ID(kind, number), &place));
        *place = counter;
    }
    return 0;
}

#define N_USER_SUMS (5 + 2 * N_PLACES + N_CONTEXTS)

static void user_sums(struct novel_user *user, struct sum *ret_sums[N_USER_SUMS])
{
    size_t n = 0;

    ret_sums[n++] = &user->commands;
    ret_sums[n++] = &user->hosts;
    ret_sums[n++] = &user->windows;
    ret_sums[n++] = &user->moves;
    ret_sums[n++] = &user->hours;
    for (size_t i = 0; i < N_PLACES; i++) {
        ret_sums[n++] = &user->new_to[i].observed;
        ret_sums[n++] = &user->new_to[i].expected;
    }
    for (size_t i = 0; i < N_CONTEXTS; i++)
        ret_sums[n++] = &user->contexts[i];
}

int novelty_save_user(const struct novelty *n, struct novel_user *user, struct buffer *out)
{
    struct sum *sums[N_USER_SUMS];
    int r;

    user_sums(user, sums);

    STEP(buffer_append_u32(out, STATE_VERSION));
    STEP(buffer_append_u64(out, user->entry.sequence));
    STEP(buffer_append_u32(out, user->entry.is_established));
    STEP(buffer_append_double(out, user->first_seconds));
    STEP(buffer_append_u32(out, user->case_bucket));
    STEP(buffer_append_double(out, user->case_score));
    STEP(save_counter(&user->active, out));
    STEP(save_sums((const struct sum *const *)sums, N_USER_SUMS, out));
    STEP(buffer_append_u32(out, user->families.n));
    for (size_t i = 0; i < user->families.n; i++) {
        STEP(save_family(n, user->families.items[i].id, out));
        STEP(buffer_append_double(out, user->families.items[i].seconds));
        STEP(buffer_append_double(out, user->families.items[i].value));
    }
    return save_slots(n, &user->slots, out);
}

int novelty_load_user(struct novelty *n, struct novel_user *user, struct slice s)
{
    struct sum *sums[N_USER_SUMS];
    uint32_t is_established, n_recents;
    double seconds, worth;
    int r, family;

    user_sums(user, sums);
    STEP(read_version(&s));
    STEP(slice_read_u64(&s, &user->entry.sequence));
    STEP(read_count(&s, 1, &is_established));
    STEP(read_number(&s, MAX_VALUE, &user->first_seconds));
    STEP(read_bucket(&s, &user->case_bucket));
    STEP(read_number(&s, MAX_VALUE, &user->case_score));
    STEP(load_counter(&s, n->surprise.is_exact, &user->active));
    STEP(load_sums(&s, n->surprise.is_exact, sums, N_USER_SUMS));
    STEP(read_count(&s, NOVELTY_MAX_RECENTS, &n_recents));
    user->families.n = 0;
    for (uint32_t i = 0; i < n_recents; i++) {
        STEP(load_family(n, &s, &family));
        STEP(read_number(&s, MAX_VALUE, &seconds));
        STEP(read_number(&s, MAX_VALUE, &worth));
        if (family >= 0)
            STEP(recents_set(&user->families, (uint32_t)family, seconds, worth, NOVELTY_MAX_RECENTS));
    }
    STEP(load_slots(n, &s, &user->slots));
    if (is_established)
        tables_establish(&n->tables, &user->entry);
    return s.len == 0 ? 0 : -EBADMSG;
}

int novelty_save_host(const struct novelty *n, const struct novel_host *host, struct buffer *out)
{
    int r;

    STEP(buffer_append_u32(out, STATE_VERSION));
    STEP(buffer_append_u64(out, host->entry.sequence));
    STEP(buffer_append_double(out, host->first_seconds));
    STEP(save_sum(&host->new_here.observed, out));
    STEP(save_sum(&host->new_here.expected, out));
    return save_slots(n, &host->slots, out);
}

int novelty_load_host(struct novelty *n, struct novel_host *host, struct slice s)
{
    int r;

    STEP(read_version(&s));
    STEP(slice_read_u64(&s, &host->entry.sequence));
    STEP(read_number(&s, MAX_VALUE, &host->first_seconds));
    STEP(load_sum(&s, n->surprise.is_exact, &host->new_here.observed));
    STEP(load_sum(&s, n->surprise.is_exact, &host->new_here.expected));
    STEP(load_slots(n, &s, &host->slots));
    return s.len == 0 ? 0 : -EBADMSG;
}

static int save_activity(const struct novelty *n, const struct activity *a, struct buffer *out)
{
    int r;

    STEP(buffer_append_double(out, a->seconds));
    STEP(buffer_append_u32(out, a->bucket));
    STEP(buffer_append_u32(out, a->windows));
    for (size_t i = 0; i <= NOVELTY_MAX_BURST; i++)
        STEP(buffer_append_u32(out, a->reached[i]));
    STEP(buffer_append_u64(out, a->n_events));
    STEP(buffer_append_u32(out, (uint32_t)n->surprise.n_components));
    for (size_t i = 0; i < n->surprise.n_components; i++)
        STEP(buffer_append_double(out, a->greatest[i]));
    STEP(buffer_append_u32(out, a->commands.n));
    for (size_t i = 0; i < a->commands.n; i++) {
        STEP(buffer_append_u32(out, a->commands.items[i].id));
        STEP(buffer_append_double(out, a->commands.items[i].seconds));
        STEP(buffer_append_double(out, a->commands.items[i].value));
    }
    return 0;
}

static int load_activity(struct slice *s, struct activity *a)
{
    uint32_t n, id;
    double seconds, worth;
    int r;

    STEP(read_number(s, MAX_VALUE, &a->seconds));
    STEP(read_bucket(s, &a->bucket));
    STEP(slice_read_u32(s, &a->windows));
    for (size_t i = 0; i <= NOVELTY_MAX_BURST; i++)
        STEP(slice_read_u32(s, &a->reached[i]));
    STEP(slice_read_u64(s, &a->n_events));
    STEP(read_count(s, NOVELTY_MAX_COMPONENTS, &n));
    for (size_t i = 0; i < n; i++)
        STEP(read_number(s, MAX_VALUE, &a->greatest[i]));
    STEP(read_count(s, NOVELTY_MAX_RECENTS, &n));
    a->commands.n = 0;
    for (uint32_t i = 0; i < n; i++) {
        STEP(slice_read_u32(s, &id));
        STEP(read_number(s, MAX_VALUE, &seconds));
        STEP(read_number(s, MAX_VALUE, &worth));
        STEP(recents_set(&a->commands, id, seconds, worth, NOVELTY_MAX_RECENTS));
    }
    return 0;
}

int novelty_save_pair(const struct novelty *n, const struct novel_pair *pair, struct buffer *out)
{
    int r;

    STEP(buffer_append_u32(out, STATE_VERSION));
    STEP(buffer_append_u64(out, pair->entry.sequence));
    STEP(buffer_append_u32(out, pair->entry.is_established));
    STEP(save_counter(&pair->presence, out));
    STEP(save_sum(&pair->families, out));
    STEP(save_slots(n, &pair->slots, out));
    STEP(buffer_append_u64(out, pair->alerted));
    STEP(buffer_append_u32(out, pair->alerted_last));
    STEP(buffer_append_u32(out, pair->activity != NULL));
    return pair->activity ? save_activity(n, pair->activity, out) : 0;
}

int novelty_load_pair(struct novelty *n, struct novel_pair *pair, struct slice s)
{
    uint32_t is_established, is_active;
    int r;

    STEP(read_version(&s));
    STEP(slice_read_u64(&s, &pair->entry.sequence));
    STEP(read_count(&s, 1, &is_established));
    STEP(load_counter(&s, n->surprise.is_exact, &pair->presence));
    STEP(load_sum(&s, n->surprise.is_exact, &pair->families));
    STEP(load_slots(n, &s, &pair->slots));
    STEP(slice_read_u64(&s, &pair->alerted));
    STEP(read_bucket(&s, &pair->alerted_last));
    STEP(read_count(&s, 1, &is_active));
    if (is_active) {
        STEP(tables_activate(&n->tables, pair));
        STEP(load_activity(&s, pair->activity));
    } else {
        tables_deactivate(&n->tables, pair);
    }
    if (is_established)
        tables_establish(&n->tables, &pair->entry);
    return s.len == 0 ? 0 : -EBADMSG;
}

int novelty_save_command(const struct command *command, struct buffer *out)
{
    int r;

    STEP(buffer_append_u32(out, STATE_VERSION));
    STEP(buffer_append_u32(out, command->number));
    for (size_t i = 0; i < NOVELTY_N_KINDS; i++)
        STEP(save_sum(&command->uses[i], out));
    return 0;
}

int novelty_load_command(struct novelty *n, struct slice name, struct slice s)
{
    struct command *command;
    uint32_t number;
    int r;

    STEP(read_version(&s));
    STEP(read_count(&s, SURPRISE_MAX_COMMANDS, &number));
    STEP(surprise_command(&n->surprise, name, &command));
    command->number = number;
    n->surprise.n_commands = MAX(n->surprise.n_commands, number + 1);
    for (size_t i = 0; i < NOVELTY_N_KINDS; i++)
        STEP(load_sum(&s, n->surprise.is_exact, &command->uses[i]));
    command->is_dirty = false;
    return s.len == 0 ? 0 : -EBADMSG;
}

#define N_FLEET_SUMS                                                                                         \
    (4 + SURPRISE_N_HOURS + 2 + NOVELTY_MAX_BURST + 1 + N_CONTEXTS * (SURPRISE_N_CONTEXTS + 1) +             \
     N_PLACES * 2 * (SURPRISE_N_BINS + 1))

static size_t list_sums(struct sum *sums, size_t n, struct sum **ret_sums)
{
    for (size_t i = 0; i < n; i++)
        ret_sums[i] = &sums[i];
    return n;
}

/* The sums of a fleet that do not belong to a family, in the order they are written in. */
static void fleet_sums(struct fleet *fleet, struct sum *ret_sums[N_FLEET_SUMS])
{
    size_t n = 0;

    n += list_sums(&fleet->new_to_host, 1, ret_sums + n);
    n += list_sums(&fleet->commands, 1, ret_sums + n);
    n += list_sums(&fleet->hours, 1, ret_sums + n);
    n += list_sums(&fleet->windows, 1, ret_sums + n);
    n += list_sums(fleet->hour, SURPRISE_N_HOURS, ret_sums + n);
    n += list_sums(fleet->week, 2, ret_sums + n);
    n += list_sums(fleet->burst, NOVELTY_MAX_BURST + 1, ret_sums + n);
    for (size_t i = 0; i < N_CONTEXTS; i++)
        n += list_sums(fleet->contexts[i], SURPRISE_N_CONTEXTS, ret_sums + n);
    n += list_sums(fleet->n_contexts, N_CONTEXTS, ret_sums + n);
    for (size_t i = 0; i < N_PLACES; i++) {
        n += list_sums(fleet->hazards[i].trials, SURPRISE_N_BINS + 1, ret_sums + n);
        n += list_sums(fleet->hazards[i].novelties, SURPRISE_N_BINS + 1, ret_sums + n);
    }
    assert(n == N_FLEET_SUMS);
}

/* Most are 0: only the others are written, each after its number. */
static int save_fleet(const struct novelty *n, struct fleet *fleet, struct buffer *out)
{
    struct sum *sums[N_FLEET_SUMS];
    uint32_t n_used = 0;
    int r;

    fleet_sums(fleet, sums);
    STEP(buffer_append_u32(out, (uint32_t)n->n_families));
    for (uint32_t i = 0; i < n->n_families; i++) {
        STEP(save_family(n, i, out));
        STEP(save_sum(&fleet->new_to_family[i], out));
        STEP(save_sum(&fleet->family[i], out));
    }
    for (size_t i = 0; i < N_FLEET_SUMS; i++)
        n_used += sums[i]->value > 0;
    STEP(buffer_append_u32(out, n_used));
    for (uint32_t i = 0; i < N_FLEET_SUMS; i++) {
        if (!(sums[i]->value > 0))
            continue;
        STEP(buffer_append_u32(out, i));
        STEP(save_sum(sums[i], out));
    }
    return 0;
}

static int load_fleet(struct novelty *n, struct slice *s, struct fleet *fleet)
{
    struct sum *sums[N_FLEET_SUMS];
    uint32_t n_families, n_used, at;
    int r, family;

    fleet_sums(fleet, sums);
    STEP(read_count(s, SURPRISE_MAX_FAMILIES, &n_families));
    for (uint32_t i = 0; i < n_families; i++) {
        struct sum novelties, presence;

        STEP(load_family(n, s, &family));
        STEP(load_sum(s, n->surprise.is_exact, &novelties));
        STEP(load_sum(s, n->surprise.is_exact, &presence));
        if (family < 0)
            continue;
        fleet->new_to_family[family] = novelties;
        fleet->family[family] = presence;
    }
    for (size_t i = 0; i < N_FLEET_SUMS; i++)
        *sums[i] = (struct sum){0};
    STEP(read_count(s, N_FLEET_SUMS, &n_used));
    for (uint32_t i = 0; i < n_used; i++) {
        STEP(read_count(s, N_FLEET_SUMS - 1, &at));
        STEP(load_sum(s, n->surprise.is_exact, sums[at]));
    }
    return 0;
}

static int save_calibration(const struct calibration *c, struct buffer *out)
{
    uint32_t n = 0;
    int r;

    for (size_t i = 0; i < CALIBRATION_N_BINS; i++)
        n += c->settled[i] != 0 || c->fresh[i] != 0;
    STEP(buffer_append_double(out, c->start_seconds));
    STEP(buffer_append_u32(out, c->bucket));
    STEP(buffer_append_double(out, c->settled_days));
    STEP(buffer_append_u64(out, c->n_hosts));
    STEP(buffer_append_u32(out, n));
    for (uint32_t i = 0; i < CALIBRATION_N_BINS; i++) {
        if (c->settled[i] == 0 && c->fresh[i] == 0)
            continue;
        STEP(buffer_append_u32(out, i));
        STEP(buffer_append_double(out, c->settled[i]));
        STEP(buffer_append_u32(out, (uint32_t)c->fresh[i]));
    }
    return 0;
}

static int load_calibration(struct slice *s, struct calibration *c)
{
    uint32_t n, at, fresh;
    uint64_t n_hosts;
    int r;

    STEP(read_number(s, MAX_VALUE, &c->start_seconds));
    STEP(read_bucket(s, &c->bucket));
    STEP(read_number(s, MAX_VALUE, &c->settled_days));
    STEP(slice_read_u64(s, &n_hosts));
    STEP(read_count(s, CALIBRATION_N_BINS, &n));
    c->n_hosts = n_hosts;
    memset(c->settled, 0, sizeof(c->settled));
    memset(c->fresh, 0, sizeof(c->fresh));
    for (uint32_t i = 0; i < n; i++) {
        STEP(read_count(s, CALIBRATION_N_BINS - 1, &at));
        STEP(read_number(s, MAX_VALUE, &c->settled[at]));
        STEP(slice_read_u32(s, &fresh));
        c->fresh[at] = (int32_t)fresh;
    }
    return 0;
}

int novelty_save_fleet(struct novelty *n, struct buffer *out)
{
    int r;

    STEP(buffer_append_u32(out, STATE_VERSION));
    STEP(buffer_append_u64(out, n->tables.sequence));
    STEP(buffer_append_double(out, n->surprise.start_seconds));
    STEP(buffer_append_double(out, n->surprise.now.seconds));
    STEP(buffer_append_u32(out, n->surprise.now.bucket));
    STEP(save_calibration(&n->calibration, out));
    for (size_t i = 0; i < NOVELTY_N_KINDS; i++)
        STEP(save_fleet(n, &n->surprise.fleets[i], out));
    return 0;
}

int novelty_load_fleet(struct novelty *n, struct slice s)
{
    int r;

    STEP(read_version(&s));
    STEP(slice_read_u64(&s, &n->tables.sequence));
    STEP(read_number(&s, MAX_VALUE, &n->surprise.start_seconds));
    STEP(read_number(&s, MAX_VALUE, &n->surprise.now.seconds));
    STEP(read_bucket(&s, &n->surprise.now.bucket));
    STEP(load_calibration(&s, &n->calibration));
    for (size_t i = 0; i < NOVELTY_N_KINDS; i++)
        STEP(load_fleet(n, &s, &n->surprise.fleets[i]));
    return s.len == 0 ? 0 : -EBADMSG;
}

int novelty_save_group(const struct host_group *group, struct buffer *out)
{
    int r;

    STEP(buffer_append_u32(out, STATE_VERSION));
    STEP(save_sum(&group->new_here.observed, out));
    return save_sum(&group->new_here.expected, out);
}

int novelty_load_group(struct novelty *n, struct slice id_bytes, struct slice s)
{
    struct host_group *group;
    uint32_t id;
    int r;

    STEP(slice_read_u32(&id_bytes, &id));
    STEP(read_version(&s));
    STEP(surprise_group(&n->surprise, id, &group));
    STEP(load_sum(&s, n->surprise.is_exact, &group->new_here.observed));
    STEP(load_sum(&s, n->surprise.is_exact, &group->new_here.expected));
    group->is_dirty = false;
    return s.len == 0 && id_bytes.len == 0 ? 0 : -EBADMSG;
}
