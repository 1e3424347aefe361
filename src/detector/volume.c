/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The published rule makes at most 100 alerts an execution and drops the rest in silence. Here an alert needs
 * a token of its job, of its actor and of its host; one that finds none is not dropped but rolled up:
 * counted, with its id, in one alert that goes out when the period ends. In the history it stands as
 * "rolled_up".
 *
 * A token bucket is kept as the one number of the generic cell rate algorithm (ITU-T I.371, annex A): the
 * time at which it is full again. A token costs period / limit; there is one as long as that time stays
 * within a period from now. A bucket that is full is like one that was never seen, so it is forgotten, and
 * time in whole microseconds makes the same decision on every machine. All three are asked before a token is
 * taken of any: what the actor's limit holds back is not charged to the job. Where several have none, the
 * narrowest is named: actor, host, job.
 *
 * A roll-up is of (job, limit, name) and of a period counted from the epoch, so that its id says which: sent
 * again after a restart it overwrites itself. Time is that of the alerts and of the periods that were handed
 * over, and does not go back: a late event counts now, and no period is begun a second time, where its id
 * would overwrite the first. An alert counts once, as the detector gives it once.
 *
 * A uid without a name is another actor on another host, and is metered there.
 *
 * Limits: METERS_MAX buckets (the one not used for longest goes first and is full again: more alerts, not
 * fewer), ROLLUPS_MAX roll-ups (beyond, an alert joins that of its job, of which there are as many as jobs),
 * ROLLUP_LIST_MAX names in each list ("cut" says that there were more; the counts are of all). All of it is
 * state: "volume/meter/ID", "volume/rollup/ID", "volume/now".
 *
 * Cost: nothing for a verdict that is no alert; three SHA-256 for one that is. Roll-ups are walked when one
 * is due.
 */
#include "detector/volume.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alert/members.h"
#include "detector/roster.h"
#include "util/hash.h"
#include "util/parse.h"
#include "util/table.h"

/* chosen: actors and hosts that alert within an hour; 100 bytes each */
#define METERS_MAX    65536U
#define ROLLUPS_MAX   4096U

#define METER_PREFIX  "volume/meter/"
#define ROLLUP_PREFIX "volume/rollup/"
#define NOW_KEY       "volume/now"

enum limit { LIMIT_ACTOR, LIMIT_HOST, LIMIT_JOB, N_LIMITS };
static const char *const limit_names[] = {"actor", "host", "job"};

#define MEMBER(m) offsetof(struct volume_options, m)

/* job: the published rule's max_signals of 100 for each of its executions, which are 15 min apart. actor and
 * host: chosen, what a person reads within an hour; nobody in 75 days of a simulated fleet of 300 hosts comes
 * to either (2026-11-24, with both detectors, novelty with a budget of 20 a day for 1000 hosts). */
static const struct option volume_option_rows[] = {
    {"job", OPTION_INTEGER, MEMBER(job), "100", 0, 1e6,
     .help = "alerts of a job within volume.job_period, the rest is rolled up; 0: no limit"},
    {"job_period", OPTION_DURATION, MEMBER(job_period_usec), "15min", 60e6, 86400e6,
     .help = "how long volume.job alerts have to last"},
    {"actor", OPTION_INTEGER, MEMBER(actor), "20", 0, 1e6,
     .help = "alerts about an actor within volume.actor_period, the rest is rolled up; 0: no limit"},
    {"actor_period", OPTION_DURATION, MEMBER(actor_period_usec), "1h", 60e6, 86400e6,
     .help = "how long volume.actor alerts have to last"},
    {"host", OPTION_INTEGER, MEMBER(host), "50", 0, 1e6,
     .help = "alerts about a host within volume.host_period, the rest is rolled up; 0: no limit"},
    {"host_period", OPTION_DURATION, MEMBER(host_period_usec), "1h", 60e6, 86400e6,
     .help = "how long volume.host alerts have to last"},
};
const struct option_table volume_option_table = {volume_option_rows, ARRAY_SIZE(volume_option_rows),
                                                 sizeof(struct volume_options)};

struct meter {
    char id[HASH_ID_SIZE];
    int64_t full_usec; /* when it is full again */
    bool is_saved, is_dirty;
    UT_hash_handle hh;
};

struct rollup {
    char id[HASH_ID_SIZE]; /* of (job, limit, name, period) */
    char *job, *name;
    enum limit limit;
    int64_t n_limit;
    int64_t start_usec, end_usec;
    struct roster roster;
    bool is_saved, is_dirty;
    UT_hash_handle hh;
};

struct volume {
    int64_t n[N_LIMITS], period_usec[N_LIMITS];
    struct meter *meters; /* the one not used for longest first */
    struct rollup *rollups;
    struct string_list gone; /* keys of what was saved */
    int64_t now_usec;        /* of the latest alert */
    int64_t next_end_usec;   /* of the roll-ups */
    bool is_dirty;           /* an alert was looked at */
    uint64_t n_dropped;
    struct arena arena;
};

static void rollup_free(struct rollup *rollup)
{
    free(rollup->job);
    free(rollup->name);
    roster_done(&rollup->roster);
    free(rollup);
}

struct volume *volume_free(struct volume *volume)
{
    struct meter *meter, *next_meter;
    struct rollup *rollup, *next_rollup;

    if (!volume)
        return NULL;
    HASH_ITER(hh, volume->meters, meter, next_meter)
    {
        HASH_DEL(volume->meters, meter);
        free(meter);
    }
    HASH_ITER(hh, volume->rollups, rollup, next_rollup)
    {
        HASH_DEL(volume->rollups, rollup);
        rollup_free(rollup);
    }
    string_list_done(&volume->gone);
    arena_done(&volume->arena);
    free(volume);
    return NULL;
}

int volume_new(const struct volume_options *o, struct volume **ret_volume)
{
    struct volume *volume = calloc(1, sizeof(*volume));

    if (!volume)
        return -ENOMEM;
    volume->n[LIMIT_ACTOR] = o->actor;
    volume->n[LIMIT_HOST] = o->host;
    volume->n[LIMIT_JOB] = o->job;
    volume->period_usec[LIMIT_ACTOR] = o->actor_period_usec;
    volume->period_usec[LIMIT_HOST] = o->host_period_usec;
    volume->period_usec[LIMIT_JOB] = o->job_period_usec;
    volume->next_end_usec = INT64_MAX;
    *ret_volume = volume;
    return 0;
}

uint64_t volume_n_dropped(const struct volume *volume)
{
    return volume->n_dropped;
}

static int note_gone(struct volume *volume, const char *prefix, const char *id)
{
    _cleanup_(buffer_done) struct buffer key = BUFFER_INIT;
    int r = buffer_append_format(&key, "%s%s", prefix, id);

    return r < 0 ? r : string_list_add(&volume->gone, buffer_slice(&key));
}

static int drop_meter(struct volume *volume, struct meter *meter)
{
    int r = meter->is_saved ? note_gone(volume, METER_PREFIX, meter->id) : 0;

    HASH_DEL(volume->meters, meter);
    free(meter);
    return r;
}

/* Full ones at the front need not be kept; beyond the limit the first goes whatever it holds. */
static int prune(struct volume *volume)
{
    int r = 0;

    while (r >= 0 && volume->meters &&
           (volume->meters->full_usec <= volume->now_usec || HASH_COUNT(volume->meters) > METERS_MAX)) {
        volume->n_dropped += volume->meters->full_usec > volume->now_usec;
        r = drop_meter(volume, volume->meters);
    }
    return r;
}

static int add_meter(struct volume *volume, const char id[HASH_ID_SIZE], int64_t full_usec,
                     struct meter **ret_meter)
{
    struct meter *meter = calloc(1, sizeof(*meter));

    if (!meter)
        return -ENOMEM;
    memcpy(meter->id, id, sizeof(meter->id));
    meter->full_usec = full_usec;
    HASH_ADD_KEYPTR(hh, volume->meters, meter->id, HASH_ID_SIZE - 1, meter);
    if (!meter->hh.tbl) {
        free(meter);
        return -ENOMEM;
    }
    *ret_meter = meter;
    return 0;
}

/* Takes a token; the meter is the one used last from now on. */
static int spend(struct volume *volume, const char id[HASH_ID_SIZE], enum limit limit)
{
    int64_t cost_usec = volume->period_usec[limit] / volume->n[limit];
    bool is_saved = false;
    int64_t full_usec = volume->now_usec;
    struct meter *meter;
    int r;

    HASH_FIND(hh, volume->meters, id, HASH_ID_SIZE - 1, meter);
    if (meter) {
        full_usec = MAX(full_usec, meter->full_usec);
        is_saved = meter->is_saved;
        HASH_DEL(volume->meters, meter);
        free(meter);
    }
    r = add_meter(volume, id, full_usec + cost_usec, &meter);
    if (r < 0)
        return r;
    meter->is_saved = is_saved;
    meter->is_dirty = true;
    return 0;
}

static bool has_token(const struct volume *volume, const char id[HASH_ID_SIZE], enum limit limit)
{
    int64_t cost_usec = volume->period_usec[limit] / volume->n[limit];
    struct meter *meter;

    HASH_FIND(hh, volume->meters, id, HASH_ID_SIZE - 1, meter);
    return !meter || meter->full_usec + cost_usec <= volume->now_usec + volume->period_usec[limit];
}

static int insert_rollup(struct volume *volume, struct rollup *made, struct slice job, struct slice name)
{
    made->job = strndup(job.data, job.len);
    made->name = strndup(slice_is_absent(name) ? "" : name.data, name.len);
    if (made->job && made->name)
        HASH_ADD_KEYPTR(hh, volume->rollups, made->id, HASH_ID_SIZE - 1, made);
    if (!made->hh.tbl) {
        rollup_free(made);
        return -ENOMEM;
    }
    volume->next_end_usec = MIN(volume->next_end_usec, made->end_usec);
    return 0;
}

static int get_rollup(struct volume *volume, const char *job, enum limit limit, struct slice name,
                      struct rollup **ret_rollup)
{
    int64_t period_usec = volume->period_usec[limit];
    int64_t start_usec = volume->now_usec / period_usec * period_usec;
    char start[TIMESTAMP_SIZE], id[HASH_ID_SIZE];
    struct rollup *rollup;
    int r;

    format_timestamp(start_usec, start);
    {
        struct slice parts[] = {SLICE("rollup"), slice_from_string(job),
                                slice_from_string(limit_names[limit]), name, slice_from_string(start)};

        hash_id(parts, ARRAY_SIZE(parts), id);
    }
    HASH_FIND(hh, volume->rollups, id, HASH_ID_SIZE - 1, rollup);
    if (!rollup) {
        if (HASH_COUNT(volume->rollups) >= ROLLUPS_MAX && limit != LIMIT_JOB)
            return get_rollup(volume, job, LIMIT_JOB, slice_from_string(job), ret_rollup);
        rollup = calloc(1, sizeof(*rollup));
        if (!rollup)
            return -ENOMEM;
        memcpy(rollup->id, id, sizeof(rollup->id));
        rollup->limit = limit;
        rollup->n_limit = volume->n[limit];
        rollup->start_usec = start_usec;
        rollup->end_usec = start_usec + period_usec;
        r = insert_rollup(volume, rollup, slice_from_string(job), name);
        if (r < 0)
            return r;
    }
    *ret_rollup = rollup;
    return 0;
}

static int roll_up(struct volume *volume, const struct verdict *verdict, enum limit limit, struct slice name)
{
    char id[HASH_ID_SIZE];
    struct rollup *rollup;
    int r = get_rollup(volume, verdict->job, limit, name, &rollup);

    if (r < 0)
        return r;
    rollup->is_dirty = true;
    alert_id(verdict, id);
    return roster_add(&rollup->roster, verdict, id, ROLLUP_LIST_MAX);
}

/* Whom a limit is of; absent: the event does not say. */
static int name_of(struct volume *volume, const struct verdict *verdict, enum limit limit,
                   struct slice *ret_name, char ret_id[HASH_ID_SIZE])
{
    struct slice parts[] = {slice_from_string(limit_names[limit]), SLICE_NULL, SLICE_NULL};
    int r = 0;

    if (limit == LIMIT_JOB)
        parts[1] = slice_from_string(verdict->job);
    else if (limit == LIMIT_HOST)
        parts[1] = verdict->event->host;
    else
        r = member_user_label(&volume->arena, &verdict->event->actor, &parts[1]);
    if (r < 0)
        return r;
    if (limit == LIMIT_ACTOR && slice_starts_with(parts[1], SLICE("uid:")))
        parts[2] = verdict->event->host;
    hash_id(parts, ARRAY_SIZE(parts), ret_id);
    *ret_name = parts[1];
    return 0;
}

int volume_judge(struct volume *volume, struct verdict *verdict)
{
    char ids[N_LIMITS][HASH_ID_SIZE];
    struct slice names[N_LIMITS];
    int r;

    if (verdict->reason != VERDICT_ALERT)
        return 0;
    volume->now_usec = MAX(volume->now_usec, verdict->event->time_usec);
    volume->is_dirty = true;
    r = prune(volume);
    arena_reset(&volume->arena);
    for (int limit = 0; r >= 0 && limit < N_LIMITS; limit++)
        r = name_of(volume, verdict, (enum limit)limit, &names[limit], ids[limit]);
    for (int limit = 0; r >= 0 && limit < N_LIMITS; limit++) {
        if (volume->n[limit] == 0 || names[limit].len == 0 ||
            has_token(volume, ids[limit], (enum limit)limit))
            continue;
        r = roll_up(volume, verdict, (enum limit)limit, names[limit]);
        if (r < 0)
            return r;
        verdict->reason = VERDICT_ROLLED_UP;
        return 1;
    }
    for (int limit = 0; r >= 0 && limit < N_LIMITS; limit++)
        if (volume->n[limit] > 0 && names[limit].len > 0)
            r = spend(volume, ids[limit], (enum limit)limit);
    return r < 0 ? r : 0;
}

static int by_end(const struct rollup *a, const struct rollup *b)
{
    return a->end_usec != b->end_usec ? (a->end_usec < b->end_usec ? -1 : 1) : strcmp(a->id, b->id);
}

static int hand_over(const struct rollup *rollup, rollup_fn fn, void *userdata)
{
    return fn(userdata, &(struct alert_rollup){
                            .id = rollup->id,
                            .job = rollup->job,
                            .limit = limit_names[rollup->limit],
                            .name = rollup->limit == LIMIT_JOB ? NULL : rollup->name,
                            .limit_alerts = rollup->n_limit,
                            .start_usec = rollup->start_usec,
                            .end_usec = rollup->end_usec,
                            .first_usec = rollup->roster.first_usec,
                            .last_usec = rollup->roster.last_usec,
                            .n_alerts = rollup->roster.n_alerts,
                            .score_max = rollup->roster.score_max,
                            .users = &rollup->roster.users,
                            .hosts = &rollup->roster.hosts,
                            .ids = &rollup->roster.ids,
                            .is_cut = rollup->roster.is_cut,
                        });
}

int volume_advance(struct volume *volume, int64_t time_usec, rollup_fn fn, void *userdata)
{
    struct rollup *rollup, *next;
    int r = 0;

    if (time_usec < volume->next_end_usec || !volume->rollups)
        return 0;
    HASH_SORT(volume->rollups, by_end);
    HASH_ITER(hh, volume->rollups, rollup, next)
    {
        if (rollup->end_usec > time_usec)
            break;
        r = hand_over(rollup, fn, userdata);
        if (r >= 0 && rollup->is_saved)
            r = note_gone(volume, ROLLUP_PREFIX, rollup->id);
        if (r < 0)
            return r;
        volume->now_usec = MAX(volume->now_usec, rollup->end_usec);
        volume->is_dirty = true;
        HASH_DEL(volume->rollups, rollup);
        rollup_free(rollup);
    }
    volume->next_end_usec = volume->rollups ? volume->rollups->end_usec : INT64_MAX;
    return 0;
}

int64_t volume_deadline_usec(const struct volume *volume)
{
    return volume->next_end_usec;
}

int volume_finish(struct volume *volume, rollup_fn fn, void *userdata)
{
    return volume_advance(volume, INT64_MAX, fn, userdata);
}

/*
 * State.
 */

static int save_rollup(const struct rollup *rollup, struct buffer *out)
{
    const uint64_t numbers[] = {(uint64_t)rollup->limit,
                                (uint64_t)rollup->n_limit,
                                (uint64_t)rollup->start_usec,
                                (uint64_t)rollup->end_usec,
                                (uint64_t)rollup->roster.first_usec,
                                (uint64_t)rollup->roster.last_usec,
                                rollup->roster.n_alerts,
                                rollup->roster.is_cut};
    int r = buffer_append_field(out, slice_from_string(rollup->job));

    if (r >= 0)
        r = buffer_append_field(out, slice_from_string(rollup->name));
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
        r = buffer_append_u64(out, numbers[i]);
    if (r >= 0)
        r = buffer_append_double(out, rollup->roster.score_max);
    return r < 0 ? r : roster_save_lists(&rollup->roster, out);
}

static int now_changes(struct volume *volume, change_fn fn, void *userdata)
{
    _cleanup_(buffer_done) struct buffer value = BUFFER_INIT;
    int r = buffer_append_u64(&value, (uint64_t)volume->now_usec);

    return r < 0 ? r : change_tell(fn, userdata, NOW_KEY, "", buffer_slice(&value));
}

int volume_changes(struct volume *volume, change_fn fn, void *userdata)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < volume->gone.n; i++)
        r = change_tell(fn, userdata, volume->gone.items[i], "", SLICE_NULL);
    if (r < 0)
        return r;
    string_list_done(&volume->gone);
    if (!volume->is_dirty)
        return 0;
    for (struct meter *m = volume->meters; r >= 0 && m; m = m->hh.next) {
        _cleanup_(buffer_done) struct buffer value = BUFFER_INIT;

        if (!m->is_dirty)
            continue;
        r = buffer_append_u64(&value, (uint64_t)m->full_usec);
        if (r >= 0)
            r = change_tell(fn, userdata, METER_PREFIX, m->id, buffer_slice(&value));
        m->is_dirty = r < 0;
        m->is_saved = true;
    }
    for (struct rollup *u = volume->rollups; r >= 0 && u; u = u->hh.next) {
        _cleanup_(buffer_done) struct buffer value = BUFFER_INIT;

        if (!u->is_dirty)
            continue;
        r = save_rollup(u, &value);
        if (r >= 0)
            r = change_tell(fn, userdata, ROLLUP_PREFIX, u->id, buffer_slice(&value));
        u->is_dirty = r < 0;
        u->is_saved = true;
    }
    if (r >= 0)
        r = now_changes(volume, fn, userdata);
    volume->is_dirty = r < 0;
    return r;
}

bool volume_owns(struct slice key)
{
    return slice_starts_with(key, SLICE("volume/"));
}

static int load_meter(struct volume *volume, const char id[HASH_ID_SIZE], struct slice value)
{
    struct meter *meter;
    uint64_t full;
    int r = slice_read_u64(&value, &full);

    if (r < 0)
        return r;
    HASH_FIND(hh, volume->meters, id, HASH_ID_SIZE - 1, meter);
    if (value.len > 0 || meter || full > INT64_MAX / 2)
        return -EBADMSG;
    r = add_meter(volume, id, (int64_t)full, &meter);
    if (r >= 0)
        meter->is_saved = true;
    return r;
}

static void rollup_freep(struct rollup **rollup)
{
    if (*rollup)
        rollup_free(*rollup);
}

static int load_rollup(struct volume *volume, const char id[HASH_ID_SIZE], struct slice value)
{
    _cleanup_(rollup_freep) struct rollup *rollup = calloc(1, sizeof(*rollup));
    struct rollup *there;
    struct slice job, name;
    uint64_t numbers[8];
    int r = rollup ? slice_read_field(&value, &job) : -ENOMEM;

    if (r >= 0)
        r = slice_read_field(&value, &name);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
        r = slice_read_u64(&value, &numbers[i]);
    if (r >= 0)
        r = slice_read_double(&value, &rollup->roster.score_max);
    if (r >= 0)
        r = roster_load_lists(&value, ROLLUP_LIST_MAX, &rollup->roster);
    if (r < 0)
        return r;
    HASH_FIND(hh, volume->rollups, id, HASH_ID_SIZE - 1, there);
    if (value.len > 0 || there || slice_is_absent(job) || slice_is_absent(name) || numbers[0] >= N_LIMITS ||
        numbers[3] > INT64_MAX || numbers[6] == 0)
        return -EBADMSG;
    memcpy(rollup->id, id, sizeof(rollup->id));
    rollup->limit = (enum limit)numbers[0];
    rollup->n_limit = (int64_t)numbers[1];
    rollup->start_usec = (int64_t)numbers[2];
    rollup->end_usec = (int64_t)numbers[3];
    rollup->roster.first_usec = (int64_t)numbers[4];
    rollup->roster.last_usec = (int64_t)numbers[5];
    rollup->roster.n_alerts = numbers[6];
    rollup->roster.is_cut = numbers[7] != 0;
    rollup->is_saved = true;
    return insert_rollup(volume, TAKE_PTR(rollup), job, name);
}

static bool take_id(struct slice key, struct slice prefix, char ret_id[HASH_ID_SIZE])
{
    if (!slice_starts_with(key, prefix) || key.len != prefix.len + HASH_ID_SIZE - 1)
        return false;
    memcpy(ret_id, key.data + prefix.len, HASH_ID_SIZE - 1);
    ret_id[HASH_ID_SIZE - 1] = '\0';
    return true;
}

int volume_restore(struct volume *volume, const struct change *change)
{
    struct slice value = change->value;
    char id[HASH_ID_SIZE];
    uint64_t now;
    int r;

    if (take_id(change->key, SLICE(METER_PREFIX), id))
        return load_meter(volume, id, value);
    if (take_id(change->key, SLICE(ROLLUP_PREFIX), id))
        return load_rollup(volume, id, value);
    if (!slice_equal(change->key, SLICE(NOW_KEY)))
        return -EBADMSG;
    r = slice_read_u64(&value, &now);
    if (r >= 0 && (value.len > 0 || now > INT64_MAX / 2))
        r = -EBADMSG;
    if (r >= 0)
        volume->now_usec = (int64_t)now;
    return r;
}
