/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_SURPRISE_H
#define HAPAX_DETECT_SURPRISE_H

/*
 * How surprising is it that this user does this here and now? The model of the novelty detector: what the
 * fleet does as a whole, the components that judge an event, and what is learned from it. Users and hosts are
 * in the tables (novelty_tables.h).
 */

#include "detect/counter.h"
#include "detect/novelty_tables.h"
#include "event/event.h"

/* chosen: distinct process names of all families; what comes later is counted as one other command */
#define SURPRISE_MAX_COMMANDS 4096U
/* chosen: several times the jobs there are */
#define SURPRISE_MAX_FAMILIES 64U
/* chosen: a suite has some thirty; a power of two */
#define SURPRISE_N_RECENT 128U
/* hours of the day (reference: eight parts of it, on weekdays and at the weekend), UTC */
#define SURPRISE_N_HOURS 24U
/* chosen: 1 + n from 1 to 64 in half octaves */
#define SURPRISE_N_BINS 13U
/* chosen: contexts (as whom, terminal, parent) are told apart by this many values of a hash in the fleet */
#define SURPRISE_N_CONTEXTS 256U
/* chosen: as many as hosts, all named differently; beyond it they are one group */
#define SURPRISE_MAX_GROUPS 100000U

struct command {
    UT_hash_handle hh;
    struct slice name; /* behind the struct */
    uint32_t number;
    bool is_dirty;
    struct sum uses[NOVELTY_N_KINDS];
};

/* Chances of something new by how much is known already, in bins of half octaves. */
struct hazard {
    struct sum trials[SURPRISE_N_BINS + 1], novelties[SURPRISE_N_BINS + 1]; /* the last: all bins */
};

/* What all users of a kind do together. */
struct fleet {
    struct sum new_to_family[SURPRISE_MAX_FAMILIES], family[SURPRISE_MAX_FAMILIES];
    struct sum new_to_host;
    struct sum commands; /* of all commands */
    struct sum contexts[N_CONTEXTS][SURPRISE_N_CONTEXTS], n_contexts[N_CONTEXTS];
    struct sum hour[SURPRISE_N_HOURS], hours, week[2];
    struct sum burst[NOVELTY_MAX_BURST + 1], windows;
    struct hazard hazards[N_PLACES];
};

/* Hosts whose names differ by digits only. */
struct host_group {
    UT_hash_handle hh;
    uint32_t id; /* a hash of the name */
    bool is_dirty;
    struct ratio new_here;
};

struct surprise {
    struct decay decay;
    bool is_exact;
    unsigned max_a_day;
    uint64_t n_capped; /* buckets of a user on a host beyond it */
    const struct component *components;
    size_t n_components;
    double start_seconds; /* of the stream; 0: not yet */
    struct moment now;    /* the latest there was */
    struct fleet *fleets; /* of each kind */
    struct command *commands;
    uint32_t n_commands;
    struct command *recent_commands[SURPRISE_N_RECENT]; /* not state: found again without a hash */
    struct host_group *groups;
};

/* What one component says. */
struct part {
    double surprise; /* 0: nothing unusual; in nats, before its weight */
    double count;    /* what is known: how often this was so before */
    double expected; /* what it is compared with */
};

/* One event with all that is known of it. */
struct scene {
    const struct event *event;
    unsigned family;
    unsigned kind, crowd; /* population of rates; of shares (exact: everybody's) */
    struct moment now, when;
    struct novel_user *user;
    struct novel_host *host;
    struct novel_pair *pair;
    bool is_new_user;
    double n_active; /* buckets of the user */
    struct command *command;
    size_t n_users, n_hosts;
    /* gathered by the model for itself */
    double presence, presence_on_host, command_surprise, family_surprise, n_commands, n_command;
    const struct counter *family_counter; /* of the user, until it learns; NULL: none */
    /* the bucket is in these counters already: nothing to learn */
    bool has_family, has_family_here, has_command, has_context[N_CONTEXTS];
    unsigned hours[3]; /* the one before, this one, the next */
    unsigned hour, is_weekend, n_burst, n_new_families;
    uint32_t contexts[N_CONTEXTS]; /* hashes; 0: not known */
    double n_context[N_CONTEXTS];
    struct host_group *group;
    struct {
        double presence, chance, exposure;
        unsigned bin;
    } places[N_PLACES];
    struct part parts[NOVELTY_MAX_COMPONENTS];
};

struct component {
    const char *name;
    const char *summary; /* what a high value says, for people */
    double weight;
    void (*judge)(struct surprise *surprise, const struct scene *scene, struct part *ret_part);
};

/* 0 or -ENOMEM. */
int surprise_init(struct surprise *surprise, double half_life_seconds, bool is_exact) _warn_unused_;
void surprise_done(struct surprise *surprise);

/* The command of this name, made where there is none; the one for all others at the limit. */
int surprise_command(struct surprise *surprise, struct slice name,
                     struct command **ret_command) _warn_unused_;

/* The group of a host by the first label of its name without digits. */
uint32_t surprise_group_id(struct slice host);
int surprise_group(struct surprise *surprise, uint32_t id, struct host_group **ret_group) _warn_unused_;

/* Fills scene->parts: before learning. 0 or -ENOMEM. */
int surprise_judge(struct surprise *surprise, struct scene *scene) _warn_unused_;
/* Learns the event. 0 or -ENOMEM. */
int surprise_learn(struct surprise *surprise, struct scene *scene) _warn_unused_;

/* The two models: surprise_standard.c, surprise_reference.c. */
extern const struct component standard_components[], reference_components[];
extern const size_t standard_n_components, reference_n_components;
int standard_gather(struct surprise *surprise, struct scene *scene) _warn_unused_;
int standard_learn(struct surprise *surprise, struct scene *scene) _warn_unused_;
int reference_gather(struct surprise *surprise, struct scene *scene) _warn_unused_;
int reference_learn(struct surprise *surprise, struct scene *scene) _warn_unused_;

/* What both have in common. Decayed exposure in days since then. */
double surprise_exposure(const struct surprise *surprise, double since, struct moment now);
/* A rate a day, shrunk to the prior with the weight of ten days. */
double surprise_rate(const struct surprise *surprise, double n, double since, struct moment now,
                     double prior);
/* How surprising a novelty is where they come at this rate a day. */
double surprise_of_rate(double rate);
/* pow(1 + presence, 1.5), which is most of the cost otherwise. */
double surprise_familiarity(double presence);
/* The slot's counter has one more bucket; 1: the bucket was new; 0: known. exact_sum: reference only, see
 * counter_sum. */
int surprise_count(struct surprise *surprise, struct slots *slots, const struct scene *scene, uint32_t id,
                   bool exact_sum) _warn_unused_;
/* The family component, which both models have. */
void surprise_judge_family(struct surprise *surprise, const struct scene *scene, struct part *ret_part);

static inline double surprise_slot(const struct surprise *surprise, const struct slots *slots, uint32_t id,
                                   struct moment now)
{
    const struct counter *counter = slots_find(slots, id);

    return counter ? counter_value(&surprise->decay, counter, 0, now) : 0;
}

#endif
