/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The model novelty judges by. Each component asks "how improbable is this, given what is normal for this
 * user and around here?" and answers in nats. Where something can be new, the chance of that is itself
 * learned.
 *
 *   family    families new to the user within half an hour, each against the rate of such novelties on this
 *             host; the strongest counts in full, the next half, the next a quarter: breadth without a cliff
 *   command   commands of this pair within ten minutes, each by its share for the user, backed off to the
 *             fleet's, summed in the same way: one odd command is little, four are a reconnaissance
 *   burst     how many they are, against the user's and the fleet's habits
 *   group     a group of hosts (names that differ by digits) the user has not been on
 *   host      a host the user has not been on
 *   hour      the hour of the day and
 *   weekend   the kind of day, for this user, backed off to users of this kind (each with the same vote)
 *   on_host   a family new to the user on this host: an administrator who always ran ps there and now ss
 *   as        as whom: root by sudo, another service
 *   terminal  a service that has one, a person who has none
 *   parent    what started it
 *
 * Chance of something new. A user of two days meets new hosts every day, one of a year does not; so the
 * chance is a curve over how much of the user is known (in half octaves), learned from all users of the kind,
 * times how much more often than that this user, and this place, have had something new.
 *
 * The last three need fields that not every source has; where a field is missing they say and learn nothing.
 * No labelled stream has them: their weights are a guess, stated as such. A number is no identity (containers
 * come and go): it has no hosts and no hours of its own.
 *
 * Back-offs to all users of a kind count each user with about the logarithm of what it does (the n-th bucket
 * weighs 1 / n), so that the typical account shapes them and not the busiest cron job.
 *
 * Sets and sums (counter.h) are the same whatever the order of records within the lateness, except where a
 * novelty is noticed: by the first record to arrive. A record seen twice changes nothing.
 */
#include <math.h>
#include <string.h>

#include "detect/surprise.h"
#include "util/hash.h"

/* below this much presence an appearance is new again: a single sighting after 60 days (reference: HNS) */
#define NOVEL_BELOW      0.25
#define BURST_SECONDS    600.0
#define BREADTH_SECONDS  1800.0
#define SECONDS_PER_HOUR 3600.0

static double chance_surprise(double chance)
{
    return chance < 1 ? -log(MAX(chance, 1e-9)) : 0;
}

static double ratio_value(const struct surprise *s, const struct ratio *ratio, struct moment now)
{
    return (sum_value(&s->decay, &ratio->observed, now) + 2) /
           (sum_value(&s->decay, &ratio->expected, now) + 2);
}

/* Half octaves of 1 + n are whole octaves of its square: the exponent of a double (IEEE 754: above 52 bits,
 * biased by 1023), which ilogb takes a call to find. */
static unsigned bin_of(double exposure)
{
    const double squared = (1 + exposure) * (1 + exposure);
    uint64_t bits;

    if (squared >= 1 << (SURPRISE_N_BINS - 1))
        return SURPRISE_N_BINS - 1;
    memcpy(&bits, &squared, sizeof(bits));
    return (unsigned)(bits >> 52) - 1023U;
}

/* The chance of something new where so much is known. */
static void look_up_chance(const struct surprise *s, struct scene *scene, enum place place, double exposure)
{
    const struct hazard *hazard = &s->fleets[scene->kind].hazards[place];
    const struct moment now = scene->now;
    const unsigned bin = bin_of(exposure);
    const double mean = (sum_value(&s->decay, &hazard->novelties[SURPRISE_N_BINS], now) + 1) /
                        (sum_value(&s->decay, &hazard->trials[SURPRISE_N_BINS], now) + 2);

    scene->places[place].exposure = exposure;
    scene->places[place].bin = bin;
    scene->places[place].chance = (sum_value(&s->decay, &hazard->novelties[bin], now) + 2 * mean) /
                                  (sum_value(&s->decay, &hazard->trials[bin], now) + 2);
}

/* Breadth: not of a number, which many may share. */
static double worth_of(const struct scene *scene, const struct recents *recents)
{
    double greatest = 0;

    if (scene->kind != ACTOR_NUMERIC)
        return recents_halved_sum(recents);
    for (size_t i = 0; i < recents->n; i++)
        greatest = MAX(greatest, recents->items[i].value);
    return greatest;
}

static void judge_family(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    *ret_part =
        (struct part){worth_of(scene, &scene->user->families), scene->presence, scene->family_surprise};
}

static void judge_command(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    *ret_part = (struct part){worth_of(scene, &scene->pair->activity->commands), scene->n_command,
                              scene->command_surprise};
}

static void judge_burst(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    struct fleet *fleet = &s->fleets[scene->crowd];
    const unsigned k = scene->n_burst;
    double share, n;

    *ret_part = (struct part){.count = k};
    if (k < 2)
        return;
    share = (sum_value(&s->decay, &fleet->burst[k], scene->now) + 0.2) /
            (sum_value(&s->decay, &fleet->windows, scene->now) + 5);
    n = surprise_slot(s, &scene->user->slots, SLOT_ID(SLOT_BURST, k), scene->now);
    ret_part->surprise =
        -log(MIN(1, (n + 2 * share) / (sum_value(&s->decay, &scene->user->windows, scene->now) + 2)));
    ret_part->expected = share;
}

/* A place new to the user: by the curve, the user's own ratio and the place's. */
static void judge_place(struct surprise *s, const struct scene *scene, enum place place,
                        const struct ratio *here, struct part *ret_part)
{
    const double presence = scene->places[place].presence;
    const double chance = scene->places[place].chance *
                          ratio_value(s, &scene->user->new_to[place], scene->now) *
                          ratio_value(s, here, scene->now);

    *ret_part = (struct part){chance_surprise(chance) / surprise_familiarity(presence), presence, chance};
}

static void judge_group(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    if (scene->kind != ACTOR_NUMERIC)
        judge_place(s, scene, PLACE_GROUP, &scene->group->new_here, ret_part);
}

static void judge_host(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    if (scene->kind != ACTOR_NUMERIC)
        judge_place(s, scene, PLACE_HOST, &scene->host->new_here, ret_part);
}

/* Half of this hour and a quarter of each of its neighbours. */
static double hour_density(const double at[3])
{
    return 0.5 * at[1] + 0.25 * (at[0] + at[2]);
}

/* The three stand side by side among the slots, but around midnight. */
static void own_hours(const struct surprise *s, const struct scene *scene, double ret_own[3])
{
    const struct slots *slots = &scene->user->slots;
    size_t at = slots_first(slots, SLOT_ID(SLOT_HOUR, scene->hours[0]));

    for (unsigned i = 0; i < 3; i++) {
        const uint32_t id = SLOT_ID(SLOT_HOUR, scene->hours[i]);

        if (i > 0 && scene->hours[i] == 0)
            at = slots_first(slots, id);
        ret_own[i] = 0;
        if (at < slots->n && slots_ids(slots)[at] == id)
            ret_own[i] = counter_value(&s->decay, &slots->counters[at++], 0, scene->now);
    }
}

static void judge_hour(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    struct fleet *fleet = &s->fleets[scene->kind];
    double own[3], all[3], share;

    if (scene->kind == ACTOR_NUMERIC)
        return;
    own_hours(s, scene, own);
    for (unsigned i = 0; i < 3; i++)
        all[i] = sum_value(&s->decay, &fleet->hour[scene->hours[i]], scene->now);
    share = (hour_density(all) + 0.2) / (sum_value(&s->decay, &fleet->hours, scene->now) + 4.8);
    *ret_part = (struct part){chance_surprise((hour_density(own) + 4 * share) / (scene->n_active + 4)),
                              own[1], share};
}

static void judge_weekend(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    struct fleet *fleet = &s->fleets[scene->kind];
    const double own =
        surprise_slot(s, &scene->user->slots, SLOT_ID(SLOT_WEEK, scene->is_weekend), scene->now);
    const double share = (sum_value(&s->decay, &fleet->week[scene->is_weekend], scene->now) + 0.5) /
                         (sum_value(&s->decay, &fleet->hours, scene->now) + 1);

    if (scene->kind == ACTOR_NUMERIC)
        return;
    *ret_part = (struct part){chance_surprise((own + 4 * share) / (scene->n_active + 4)), own, share};
}

static void judge_family_on_host(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    const double presence = scene->places[PLACE_FAMILY].presence;
    /* e^-36 of any surprise is no more than a rounding of the score */
    const double weight = presence < 12 ? exp(-3 * presence) : 0;
    const double chance =
        scene->places[PLACE_FAMILY].chance * ratio_value(s, &scene->user->new_to[PLACE_FAMILY], scene->now);

    *ret_part = (struct part){weight > 0 ? weight * chance_surprise(chance) : 0, presence, chance};
}

static void judge_context(struct surprise *s, const struct scene *scene, unsigned which,
                          struct part *ret_part)
{
    struct fleet *fleet = &s->fleets[scene->kind];
    const uint32_t context = scene->contexts[which];
    double share, n, all;

    if (context == 0)
        return;
    all = sum_value(&s->decay, &scene->user->contexts[which], scene->now);
    share = (sum_value(&s->decay, &fleet->contexts[which][context % SURPRISE_N_CONTEXTS], scene->now) + 0.5) /
            (sum_value(&s->decay, &fleet->n_contexts[which], scene->now) + 20);
    n = scene->n_context[which];
    *ret_part = (struct part){-log(MIN(1, (n + 4 * share) / (all + 4))), n, share};
}

static void judge_as(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    judge_context(s, scene, CONTEXT_AS, ret_part);
}

static void judge_terminal(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    judge_context(s, scene, CONTEXT_TERMINAL, ret_part);
}

static void judge_parent(struct surprise *s, const struct scene *scene, struct part *ret_part)
{
    judge_context(s, scene, CONTEXT_PARENT, ret_part);
}

/* Weights: tuned on a simulated fleet apart from the ones that were reported on; as and parent: see above. */
const struct component standard_components[] = {
    {"family", "kinds of commands that are new to the user", 1.25, judge_family},
    {"command", "commands that are unusual for the user", 1, judge_command},
    {"burst", "many different commands within ten minutes", 0.5, judge_burst},
    {"group", "a group of hosts where the user has not been before", 1, judge_group},
    {"host", "a host where the user has not been before", 0.5, judge_host},
    {"hour", "the user is not usually active at this hour", 1.5, judge_hour},
    {"weekend", "the user is not usually active on such a day", 1, judge_weekend},
    {"on_host", "a kind of command that is new to the user on this host", 0.5, judge_family_on_host},
    {"as", "as whom the command ran is unusual for the user", 1, judge_as},
    {"terminal", "the terminal, or that there is none, is unusual for the user", 0.5, judge_terminal},
    {"parent", "what started the command is unusual for the user", 0.5, judge_parent},
};
const size_t standard_n_components = ARRAY_SIZE(standard_components);

/* In 24 bits, never 0; the same in every process. */
static uint32_t hash_context(char kind, struct slice text)
{
    uint32_t hash = hash_fnv_add(HASH_FNV_EMPTY, kind);

    for (size_t i = 0; i < text.len; i++)
        hash = hash_fnv_add(hash, text.data[i]);
    hash = hash_fnv_fold24(hash);
    return hash != 0 ? hash : 1;
}

static void gather_contexts(const struct surprise *s, struct scene *scene)
{
    const struct event *event = scene->event;
    const struct user *as = &event->effective, *actor = &event->actor;
    const struct slice name = as->name.len > 0 ? as->name : as->id;
    const bool is_self =
        as->name.len > 0 ? slice_equal(as->name, actor->name) : slice_equal(as->id, actor->id);
    const bool has_terminal = event->tty.len > 0 || event->audit.tty.len > 0;
    const struct slice parent =
        event->parent_name.len > 0 ? event->parent_name : slice_base_name(event->parent_executable);

    if (name.len > 0)
        scene->contexts[CONTEXT_AS] = hash_context('a', is_self ? SLICE("") : name);
    /* audit says when there is none; who else says nothing may not know */
    if (has_terminal || event->audit.is_present)
        scene->contexts[CONTEXT_TERMINAL] = hash_context('t', has_terminal ? SLICE("tty") : SLICE(""));
    if (parent.len > 0)
        scene->contexts[CONTEXT_PARENT] = hash_context('p', parent);
    for (unsigned i = 0; i < N_CONTEXTS; i++) {
        const uint32_t id = SLOT_ID(SLOT_CONTEXT, scene->contexts[i]);
        const struct counter *counter = scene->contexts[i] != 0 ? slots_find(&scene->user->slots, id) : NULL;

        scene->n_context[i] = counter ? counter_value(&s->decay, counter, 0, scene->now) : 0;
        scene->has_context[i] = counter && counter_has(counter, scene->when.bucket);
    }
}

static int gather_family(struct surprise *s, struct scene *scene)
{
    const struct counter *presence = slots_find(&scene->user->slots, SLOT_ID(SLOT_FAMILY, scene->family));
    struct recents *families = &scene->user->families;
    struct part part;
    double known = 0;

    scene->family_counter = presence;
    scene->has_family = presence && counter_has(presence, scene->when.bucket);
    scene->presence = presence ? counter_value(&s->decay, presence, s->max_a_day, scene->now) : 0;
    surprise_judge_family(s, scene, &part);
    scene->family_surprise = part.surprise;
    recents_expire(families, scene->when.seconds - BREADTH_SECONDS);
    for (size_t i = 0; i < families->n; i++)
        if (families->items[i].id == scene->family)
            known = families->items[i].value;
    if (!(part.surprise > known))
        return 0;
    return recents_set(families, scene->family, scene->when.seconds, part.surprise, NOVELTY_MAX_RECENTS);
}

static int gather_command(struct surprise *s, struct scene *scene)
{
    struct fleet *fleet = &s->fleets[scene->crowd];
    struct recents *commands = &scene->pair->activity->commands;
    const double share = (sum_value(&s->decay, &scene->command->uses[scene->crowd], scene->now) + 0.5) /
                         (sum_value(&s->decay, &fleet->commands, scene->now) + 20);
    const double all = sum_value(&s->decay, &scene->user->commands, scene->now);
    const struct counter *counter =
        slots_find(&scene->user->slots, SLOT_ID(SLOT_COMMAND, scene->command->number));
    const double n = counter ? counter_value(&s->decay, counter, 0, scene->now) : 0;
    int r;

    scene->has_command = counter && counter_has(counter, scene->when.bucket);
    scene->n_command = n;
    scene->n_commands = all;
    scene->command_surprise = -log(MIN(1, (n + 4 * share) / (all + 4)));
    recents_expire(commands, scene->when.seconds - BURST_SECONDS);
    r = recents_set(commands, scene->command->number, scene->when.seconds, scene->command_surprise,
                    NOVELTY_MAX_BURST);
    scene->n_burst = commands->n;
    return r;
}

static int gather_places(struct surprise *s, struct scene *scene)
{
    const double n_hosts = sum_value(&s->decay, &scene->user->hosts, scene->now);
    const struct counter *on_host = slots_find(&scene->pair->slots, SLOT_ID(SLOT_FAMILY, scene->family));
    int r = scene->host->group_met ? 0 : surprise_group(s, scene->host->group, &scene->host->group_met);

    if (r < 0)
        return r;
    scene->group = scene->host->group_met; /* groups stay */
    scene->places[PLACE_GROUP].presence =
        surprise_slot(s, &scene->user->slots, SLOT_ID(SLOT_GROUP, scene->host->group), scene->now);
    scene->places[PLACE_HOST].presence =
        counter_value(&s->decay, &scene->pair->presence, s->max_a_day, scene->now);
    scene->places[PLACE_FAMILY].presence =
        on_host ? counter_value(&s->decay, on_host, s->max_a_day, scene->now) : 0;
    scene->has_family_here = on_host && counter_has(on_host, scene->when.bucket);
    look_up_chance(s, scene, PLACE_GROUP, n_hosts);
    look_up_chance(s, scene, PLACE_HOST, n_hosts);
    look_up_chance(s, scene, PLACE_FAMILY, sum_value(&s->decay, &scene->pair->families, scene->now));
    return 0;
}

int standard_gather(struct surprise *s, struct scene *scene)
{
    const int64_t hours = (int64_t)(scene->when.seconds / SECONDS_PER_HOUR), day = hours / SURPRISE_N_HOURS;
    int r;

    scene->hour = (unsigned)(hours % SURPRISE_N_HOURS);
    scene->hours[0] = scene->hour > 0 ? scene->hour - 1 : SURPRISE_N_HOURS - 1;
    scene->hours[1] = scene->hour;
    scene->hours[2] = scene->hour < SURPRISE_N_HOURS - 1 ? scene->hour + 1 : 0;
    scene->is_weekend = (day + 3) % 7 >= 5; /* 1970-01-01 was a Thursday */
    gather_contexts(s, scene);
    r = gather_family(s, scene);
    if (r >= 0)
        r = gather_command(s, scene);
    return r < 0 ? r : gather_places(s, scene);
}

static int learn_family(struct surprise *s, struct scene *scene)
{
    struct fleet *fleet = &s->fleets[scene->kind];
    const uint32_t novelty_id = SLOT_ID(SLOT_NEW_TO_FAMILY, scene->family * NOVELTY_N_KINDS + scene->kind);
    int r;

    if (scene->has_family)
        return 0;
    r = surprise_count(s, &scene->user->slots, scene, SLOT_ID(SLOT_FAMILY, scene->family), false);
    if (r <= 0)
        return r;
    sum_add(&s->decay, &fleet->family[scene->family], scene->when, 1);
    if (scene->presence >= NOVEL_BELOW)
        return 0;
    r = surprise_count(s, &scene->host->slots, scene, novelty_id, false);
    if (r > 0)
        sum_add(&s->decay, &fleet->new_to_family[scene->family], scene->when, 1);
    return r;
}

/* Whether something new came where one might have come. */
static void learn_chance(struct surprise *s, struct scene *scene, enum place place, struct ratio *here)
{
    const bool is_new = scene->places[place].presence < NOVEL_BELOW;
    struct hazard *hazard = &s->fleets[scene->kind].hazards[place];
    struct ratio *ratios[] = {&scene->user->new_to[place], here};
    const unsigned bins[] = {scene->places[place].bin, SURPRISE_N_BINS};

    for (size_t i = 0; i < ARRAY_SIZE(bins); i++) {
        sum_add(&s->decay, &hazard->trials[bins[i]], scene->when, 1);
        if (is_new)
            sum_add(&s->decay, &hazard->novelties[bins[i]], scene->when, 1);
    }
    for (size_t i = 0; i < ARRAY_SIZE(ratios) && ratios[i]; i++) {
        sum_add(&s->decay, &ratios[i]->expected, scene->when, scene->places[place].chance);
        if (is_new)
            sum_add(&s->decay, &ratios[i]->observed, scene->when, 1);
    }
}

static int learn_places(struct surprise *s, struct scene *scene)
{
    int r;

    if (counter_add(&s->decay, &scene->pair->presence, s->max_a_day, scene->when)) {
        s->n_capped += counter_is_capped(&scene->pair->presence, s->max_a_day, scene->when.bucket);
        learn_chance(s, scene, PLACE_HOST, &scene->host->new_here);
        learn_chance(s, scene, PLACE_GROUP, &scene->group->new_here);
        scene->group->is_dirty = true;
        sum_add(&s->decay, &scene->user->hosts, scene->when, 1);
        sum_add(&s->decay, &scene->user->windows, scene->when, 1);
        sum_add(&s->decay, &s->fleets[scene->crowd].windows, scene->when, 1);
        r = surprise_count(s, &scene->user->slots, scene, SLOT_ID(SLOT_GROUP, scene->host->group), false);
        if (r < 0)
            return r;
    }
    if (scene->has_family_here)
        return 0;
    r = surprise_count(s, &scene->pair->slots, scene, SLOT_ID(SLOT_FAMILY, scene->family), false);
    if (r <= 0)
        return r;
    learn_chance(s, scene, PLACE_FAMILY, NULL);
    sum_add(&s->decay, &scene->pair->families, scene->when, 1);
    return 0;
}

static int learn_command(struct surprise *s, struct scene *scene)
{
    struct fleet *crowd = &s->fleets[scene->crowd];
    int r = 0;

    if (!scene->has_command)
        r = surprise_count(s, &scene->user->slots, scene, SLOT_ID(SLOT_COMMAND, scene->command->number),
                           false);
    if (r > 0) {
        const double vote = 1 / (1 + scene->n_commands);

        sum_add(&s->decay, &scene->command->uses[scene->crowd], scene->when, vote);
        scene->command->is_dirty = true;
        sum_add(&s->decay, &crowd->commands, scene->when, vote);
        sum_add(&s->decay, &scene->user->commands, scene->when, 1);
    }
    for (unsigned k = 2; r >= 0 && k <= scene->n_burst; k++) {
        r = surprise_count(s, &scene->user->slots, scene, SLOT_ID(SLOT_BURST, k), false);
        if (r > 0)
            sum_add(&s->decay, &crowd->burst[k], scene->when, 1);
    }
    return r;
}

/* Each user has the same vote in what the hours of its kind are: the n-th bucket weighs 1 / n. */
static int learn_hour(struct surprise *s, struct scene *scene)
{
    struct fleet *fleet = &s->fleets[scene->kind];
    const double vote = 1 / (1 + scene->n_active);
    int r;

    if (!counter_add(&s->decay, &scene->user->active, 0, scene->when))
        return 0;
    sum_add(&s->decay, &fleet->hour[scene->hour], scene->when, vote);
    sum_add(&s->decay, &fleet->week[scene->is_weekend], scene->when, vote);
    sum_add(&s->decay, &fleet->hours, scene->when, vote);
    r = surprise_count(s, &scene->user->slots, scene, SLOT_ID(SLOT_HOUR, scene->hour), false);
    if (r < 0)
        return r;
    return surprise_count(s, &scene->user->slots, scene, SLOT_ID(SLOT_WEEK, scene->is_weekend), false);
}

static int learn_contexts(struct surprise *s, struct scene *scene)
{
    struct fleet *fleet = &s->fleets[scene->kind];
    int r = 0;

    for (unsigned i = 0; r >= 0 && i < N_CONTEXTS; i++) {
        const uint32_t context = scene->contexts[i];

        if (context == 0 || scene->has_context[i])
            continue;
        r = surprise_count(s, &scene->user->slots, scene, SLOT_ID(SLOT_CONTEXT, context), false);
        if (r <= 0)
            continue;
        sum_add(&s->decay, &fleet->contexts[i][context % SURPRISE_N_CONTEXTS], scene->when, 1);
        sum_add(&s->decay, &fleet->n_contexts[i], scene->when, 1);
        sum_add(&s->decay, &scene->user->contexts[i], scene->when, 1);
    }
    return r;
}

int standard_learn(struct surprise *s, struct scene *scene)
{
    int r = learn_family(s, scene);

    if (r >= 0)
        r = learn_places(s, scene);
    if (r >= 0)
        r = learn_command(s, scene);
    if (r >= 0)
        r = learn_contexts(s, scene);
    if (r >= 0)
        r = learn_hour(s, scene);
    return r < 0 ? r : 0;
}
