/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the models of surprise have in common: commands and host groups by name, a rate of novelties, and the
 * walk over the components.
 *
 * "This user never did that" is worth little where users who never did that turn up every day, so a novelty
 * is judged by the rate of novelties of its surroundings: of this family on this host among users of this
 * kind, shrunk to the fleet's. The rate is Gamma-Poisson (novelties a day), not a probability an event:
 * events are driven by cron, days are not; 1 - exp(-rate) is the chance of such a novelty on a day.
 *
 * The components are rows of a table: a name, a weight, a function of the scene. A scene is one event with
 * everything that is known of it. A model first gathers (and moves the two short windows on), then judges,
 * then learns. All that is learned counts once in a bucket of 15 minutes.
 */
#include "detect/surprise.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "util/hash.h"

#define SECONDS_PER_DAY 86400.0
/* a rate is shrunk to the fleet's with the weight of ten days (reference: HNS, a) */
#define PRIOR_DAYS 10.0

double surprise_exposure(const struct surprise *s, double since, struct moment now)
{
    const double age = MAX(0.0, now.seconds - since);

    return (1 - exp(-s->decay.log_rate * age)) / s->decay.log_rate / SECONDS_PER_DAY;
}

double surprise_rate(const struct surprise *s, double n, double since, struct moment now, double prior)
{
    return (n + PRIOR_DAYS * prior) / (surprise_exposure(s, since, now) + PRIOR_DAYS);
}

double surprise_of_rate(double rate)
{
    return -log(1 - exp(-MIN(50.0, rate)) + 1e-12);
}

double surprise_familiarity(double presence)
{
    return (1 + presence) * sqrt(1 + presence);
}

void surprise_judge_family(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    struct fleet *fleet = &s->fleets[scene->kind];
    const double days = surprise_exposure(s, s->start_seconds, scene->now) + 1;
    const double prior = (sum_value(&s->decay, &fleet->new_to_family[scene->family], scene->now) + 0.5) /
                         days / (double)scene->n_hosts;
    const uint32_t id = SLOT_ID(SLOT_NEW_TO_FAMILY, scene->family * NOVELTY_N_KINDS + scene->kind);
    const double rate = surprise_rate(s, surprise_slot(s, &scene->host->slots, id, scene->now),
                                      scene->host->first_seconds, scene->now, prior);

    *ret_part =
        (struct part){surprise_of_rate(rate) / surprise_familiarity(scene->presence), scene->presence, rate};
}

int surprise_count(struct surprise *s, struct slots *slots, const struct scene *scene, uint32_t id,
                   bool exact_sum)
{
    struct counter *counter;
    int r = slots_get(slots, &s->decay, scene->now, id, &counter);

    if (r < 0)
        return r;
    if (exact_sum)
        return counter_sum(&s->decay, counter, scene->when);
    return counter_add(&s->decay, counter, id >> 24 == SLOT_FAMILY ? s->max_a_day : 0, scene->when);
}

int surprise_init(struct surprise *s, double half_life_seconds, bool is_exact)
{
    decay_init(&s->decay, half_life_seconds, is_exact);
    s->is_exact = is_exact;
    s->components = is_exact ? reference_components : standard_components;
    s->n_components = is_exact ? reference_n_components : standard_n_components;
    s->fleets = calloc(NOVELTY_N_KINDS, sizeof(*s->fleets));
    return s->fleets ? 0 : -ENOMEM;
}

void surprise_done(struct surprise *s)
{
    struct command *command, *next_command;
    struct host_group *group, *next_group;

    HASH_ITER(hh, s->commands, command, next_command)
    {
        HASH_DEL(s->commands, command);
        free(command);
    }
    HASH_ITER(hh, s->groups, group, next_group)
    {
        HASH_DEL(s->groups, group);
        free(group);
    }
    free(s->fleets);
}

/* Any place would do: what is not found there is looked up. */
static struct command **recent_place(struct surprise *s, struct slice name)
{
    const unsigned char *bytes = (const unsigned char *)name.data;
    const size_t place =
        name.len > 0 ? name.len + 5U * bytes[0] + 11U * bytes[name.len / 2] + 23U * bytes[name.len - 1] : 0;

    return &s->recent_commands[place % SURPRISE_N_RECENT];
}

int surprise_command(struct surprise *s, struct slice name, struct command **ret_command)
{
    struct command *command, **place;
    char *key;

    name = slice_is_absent(name) ? SLICE("") : slice_head(name, MODEL_MAX_NAME_BYTES);
    place = recent_place(s, name);
    if (*place && slice_equal((*place)->name, name)) {
        *ret_command = *place;
        return 0;
    }
    HASH_FIND(hh, s->commands, name.data, name.len, command);
    if (!command && s->n_commands >= SURPRISE_MAX_COMMANDS) {
        name = SLICE("");
        HASH_FIND(hh, s->commands, name.data, name.len, command);
    }
    if (!command) {
        command = calloc(1, sizeof(*command) + name.len + 1);
        if (!command)
            return -ENOMEM;
        key = (char *)(command + 1);
        memcpy(key, name.data, name.len);
        command->name = slice_new(key, name.len);
        command->number = s->n_commands;
        HASH_ADD_KEYPTR(hh, s->commands, command->name.data, command->name.len, command);
        if (!command->hh.tbl) {
            free(command);
            return -ENOMEM;
        }
        s->n_commands++;
    }
    *place = command; /* they stay; the one for all others is found at the place of its own name only */
    *ret_command = command;
    return 0;
}

/* Kept in the state, so the same in every process. Who makes two names collide has made two groups one. */
uint32_t surprise_group_id(struct slice host)
{
    uint32_t hash = HASH_FNV_EMPTY;

    for (size_t i = 0; i < host.len && host.data[i] != '.'; i++)
        if (host.data[i] < '0' || host.data[i] > '9')
            hash = hash_fnv_add(hash, host.data[i]);
    return hash_fnv_fold24(hash);
}

int surprise_group(struct surprise *s, uint32_t id, struct host_group **ret_group)
{
    struct host_group *group;

    HASH_FIND(hh, s->groups, &id, sizeof(id), group);
    if (!group && HASH_COUNT(s->groups) >= SURPRISE_MAX_GROUPS) {
        id = 0;
        HASH_FIND(hh, s->groups, &id, sizeof(id), group);
    }
    if (!group) {
        group = calloc(1, sizeof(*group));
        if (!group)
            return -ENOMEM;
        group->id = id;
        HASH_ADD(hh, s->groups, id, sizeof(group->id), group);
        if (!group->hh.tbl) {
            free(group);
            return -ENOMEM;
        }
    }
    *ret_group = group;
    return 0;
}

int surprise_judge(struct surprise *s, struct scene *scene)
{
    int r = s->is_exact ? reference_gather(s, scene) : standard_gather(s, scene);

    for (size_t i = 0; r >= 0 && i < s->n_components; i++)
        s->components[i].judge(s, scene, &scene->parts[i]);
    return r;
}

int surprise_learn(struct surprise *s, struct scene *scene)
{
    return s->is_exact ? reference_learn(s, scene) : standard_learn(s, scene);
}
