/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The published model, "hierarchical novelty surprise" (HNS), to the last digit: its components, its weights,
 * and what it counts when. It is here to be compared with, so nothing of it is improved: a value decays by
 * seconds, a bucket is only known from the one before, people and services are one crowd where shares are
 * meant, late events are not weighed back.
 *
 *   family   the user is new to the family, against the rate of such novelties on this host
 *   host     the user is new on the host, against the host's and the user's own rate
 *   command  the command for this user, backed off to the fleet's share of it
 *   burst    distinct commands on this host within ten minutes, against the user's and the fleet's
 *   hour     the part of the week for this user, backed off to the fleet's
 *   breadth  families new to the user within half an hour
 *
 * Two more components of the paper have weight 0 (rarity as such, slow accumulation) and are left out.
 */
#include <math.h>

#include "detect/surprise.h"

#define SECONDS_PER_DAY 86400.0
/* below this much presence an appearance is a novelty again */
#define NOVEL_BELOW     0.25
#define BURST_SECONDS   600.0
#define BREADTH_SECONDS 1800.0
#define N_PARTS         16U

static void judge_host(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    struct fleet *fleet = &s->fleets[scene->kind];
    const double days = surprise_exposure(s, s->start_seconds, scene->now) + 1;
    const double novelties = sum_value(&s->decay, &fleet->new_to_host, scene->now) + 0.5;
    const double user_prior = novelties / days / (double)MAX(scene->n_users, (size_t)1);
    const uint32_t id = SLOT_ID(SLOT_NEW_TO_HOST, scene->kind);
    const double rate =
        surprise_rate(s, surprise_slot(s, &scene->host->slots, id, scene->now), scene->host->first_seconds,
                      scene->now, novelties / days / (double)scene->n_hosts) +
        (scene->is_new_user ? user_prior
                            : surprise_rate(s, sum_value(&s->decay, &scene->user->moves, scene->now),
                                            scene->user->first_seconds, scene->now, user_prior));

    *ret_part = (struct part){surprise_of_rate(rate) / surprise_familiarity(scene->presence_on_host),
                              scene->presence_on_host, rate};
}

static void judge_command(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    struct fleet *fleet = &s->fleets[scene->crowd];
    const double share = (sum_value(&s->decay, &scene->command->uses[scene->crowd], scene->now) + 0.5) /
                         (sum_value(&s->decay, &fleet->commands, scene->now) + 20);
    const double all = sum_value(&s->decay, &scene->user->commands, scene->now);
    const double n =
        surprise_slot(s, &scene->user->slots, SLOT_ID(SLOT_COMMAND, scene->command->number), scene->now);

    *ret_part = (struct part){fmax(0, -log((n + 4 * share) / (all + 4))), n, share};
}

static void judge_burst(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    struct fleet *fleet = &s->fleets[scene->crowd];
    const unsigned k = scene->n_burst;
    double share, n;

    if (k < 2) {
        *ret_part = (struct part){.count = k};
        return;
    }
    share = (sum_value(&s->decay, &fleet->burst[k], scene->now) + 0.2) /
            (sum_value(&s->decay, &fleet->windows, scene->now) + 5);
    n = surprise_slot(s, &scene->user->slots, SLOT_ID(SLOT_BURST, k), scene->now);
    *ret_part = (struct part){
        -log(fmin(1, (n + 2 * share) / (sum_value(&s->decay, &scene->user->windows, scene->now) + 2))), k,
        share};
}

static void judge_hour(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    struct fleet *fleet = &s->fleets[scene->crowd];
    const double share = (sum_value(&s->decay, &fleet->hour[scene->hour], scene->now) + 1) /
                         (sum_value(&s->decay, &fleet->hours, scene->now) + N_PARTS);
    const double n = surprise_slot(s, &scene->user->slots, SLOT_ID(SLOT_HOUR, scene->hour), scene->now);
    const double all = sum_value(&s->decay, &scene->user->hours, scene->now);

    *ret_part = (struct part){fmax(0, -log((n + 6 * share) / (all + 6) * N_PARTS)), n, share};
}

static void judge_breadth(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    const double n = scene->kind == ACTOR_NUMERIC ? 0 : scene->n_new_families;

    *ret_part = (struct part){n, n, 0};
}

/* Weights: as published. */
const struct component reference_components[] = {
    {"family", "the user is new to this kind of command", 1, surprise_judge_family},
    {"host", "the user is new on this host", 0.675, judge_host},
    {"command", "the command is unusual for the user", 1.35, judge_command},
    {"burst", "many different commands within ten minutes", 0.75, judge_burst},
    {"hour", "the user is not usually active at this time", 1.35, judge_hour},
    {"breadth", "several kinds of commands new to the user within half an hour", 1.35, judge_breadth},
};
const size_t reference_n_components = ARRAY_SIZE(reference_components);

/* 1970-01-01 was a Thursday. */
static unsigned part_of_week(double seconds)
{
    const int64_t day = (int64_t)(seconds / SECONDS_PER_DAY);
    const unsigned part = (unsigned)((int64_t)fmod(seconds, SECONDS_PER_DAY) / 10800);

    return ((day + 3) % 7 >= 5 ? 8U : 0U) + part;
}

int reference_gather(struct surprise *s, struct scene *scene)
{
    const double t = scene->when.seconds;
    struct recents *families = &scene->user->families, *commands = &scene->pair->activity->commands;
    int r;

    scene->presence = surprise_slot(s, &scene->user->slots, SLOT_ID(SLOT_FAMILY, scene->family), scene->now);
    scene->presence_on_host = counter_value(&s->decay, &scene->pair->presence, 0, scene->now);
    scene->hour = part_of_week(t);
    recents_expire(commands, t - BURST_SECONDS);
    r = recents_set(commands, scene->command->number, t, 0, NOVELTY_MAX_RECENTS);
    if (r < 0)
        return r;
    scene->n_burst = MIN(commands->n, NOVELTY_MAX_BURST);
    recents_expire(families, t - BREADTH_SECONDS);
    if (scene->presence < 1)
        r = recents_set(families, scene->family, t, 0, NOVELTY_MAX_RECENTS);
    scene->n_new_families = families->n;
    return r;
}

static int learn_family(struct surprise *s, struct scene *scene)
{
    struct fleet *fleet = &s->fleets[scene->kind], *crowd = &s->fleets[scene->crowd];
    struct novel_user *user = scene->user;
    const uint32_t novelty_id = SLOT_ID(SLOT_NEW_TO_FAMILY, scene->family * NOVELTY_N_KINDS + scene->kind);
    int r = surprise_count(s, &user->slots, scene, SLOT_ID(SLOT_FAMILY, scene->family), false);

    if (r <= 0)
        return r;
    sum_add(&s->decay, &crowd->family[scene->family], scene->when, 1);
    if (scene->presence < NOVEL_BELOW) {
        sum_add(&s->decay, &fleet->new_to_family[scene->family], scene->when, 1);
        r = surprise_count(s, &scene->host->slots, scene, novelty_id, true);
        if (r < 0)
            return r;
    }
    sum_add(&s->decay, &crowd->hour[scene->hour], scene->when, 1);
    sum_add(&s->decay, &crowd->hours, scene->when, 1);
    sum_add(&s->decay, &user->hours, scene->when, 1);
    return surprise_count(s, &user->slots, scene, SLOT_ID(SLOT_HOUR, scene->hour), true);
}

static int learn_host(struct surprise *s, struct scene *scene)
{
    if (!counter_add(&s->decay, &scene->pair->presence, 0, scene->when) ||
        scene->presence_on_host >= NOVEL_BELOW)
        return 0;
    sum_add(&s->decay, &s->fleets[scene->kind].new_to_host, scene->when, 1);
    sum_add(&s->decay, &scene->user->moves, scene->when, 1);
    return surprise_count(s, &scene->host->slots, scene, SLOT_ID(SLOT_NEW_TO_HOST, scene->kind), true);
}

static int learn_command(struct surprise *s, struct scene *scene)
{
    int r =
        surprise_count(s, &scene->user->slots, scene, SLOT_ID(SLOT_COMMAND, scene->command->number), false);

    if (r <= 0)
        return r;
    sum_add(&s->decay, &scene->command->uses[scene->crowd], scene->when, 1);
    scene->command->is_dirty = true;
    sum_add(&s->decay, &s->fleets[scene->crowd].commands, scene->when, 1);
    sum_add(&s->decay, &scene->user->commands, scene->when, 1);
    return 0;
}

static bool is_counted(uint32_t *last_bucket, uint32_t bucket)
{
    if (*last_bucket == bucket)
        return true;
    *last_bucket = bucket;
    return false;
}

static int learn_burst(struct surprise *s, struct scene *scene)
{
    struct fleet *crowd = &s->fleets[scene->crowd];
    struct activity *activity = scene->pair->activity;
    int r = 0;

    for (unsigned k = 2; r >= 0 && k <= scene->n_burst; k++) {
        if (is_counted(&activity->reached[k], scene->when.bucket))
            continue;
        sum_add(&s->decay, &crowd->burst[k], scene->when, 1);
        r = surprise_count(s, &scene->user->slots, scene, SLOT_ID(SLOT_BURST, k), true);
    }
    if (!is_counted(&activity->windows, scene->when.bucket)) {
        sum_add(&s->decay, &scene->user->windows, scene->when, 1);
        sum_add(&s->decay, &crowd->windows, scene->when, 1);
    }
    return r;
}

int reference_learn(struct surprise *s, struct scene *scene)
{
    int r = learn_family(s, scene);

    if (r >= 0)
        r = learn_host(s, scene);
    if (r >= 0)
        r = learn_command(s, scene);
    if (r >= 0)
        r = learn_burst(s, scene);
    return r < 0 ? r : 0;
}
