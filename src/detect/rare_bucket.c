/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The open bucket of a rare detector: who is in it, with what, and what is said when it closes.
 *
 * Closing walks over everybody present in the order of names (then partitions, then kinds) three times. First
 * all probabilities, as the model now is with everybody learned: each goes into the history of records, into
 * the set of its population and into those of the values that occurred with the user. Then populations and
 * values are judged (influence.c). Then each user's score, in a history that contains the whole bucket, and
 * its final verdict. The order inside a bucket matters a little: samples of the history are the greatest of
 * so many results in a row. Elastic's order is that of a hash table; names are ours.
 *
 * Of each user the last event is kept as bytes, for the final verdict; beyond a limit without its arguments.
 * The values that occurred with it are kept as pointers, in order of appearance, the last one of each field
 * at hand, as a script runs the same program on the same host again and again.
 *
 * Cost: an event of somebody present, a copy of the event. Closing, about 1 us a user and 0.3 us for each
 * value, plus what influence.c says.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/rare.h"

/* chosen: a usual event is below 1 KiB, ARG_MAX allows 2 MiB of arguments */
#define EVENT_MAX_BYTES (64U << 10)
/* chosen: of all events kept for the open bucket; beyond it they are kept without their arguments */
#define EVENTS_MAX_BYTES ((size_t)64 << 20)
/* chosen: what a field of an event without arguments may keep */
#define FIELD_MAX_BYTES 256U

int rare_enter(struct rare *rare, struct member *member)
{
    struct member **present;
    size_t size;

    if (member->presence)
        return 0;
    if (rare->n_present == rare->present_size) {
        size = rare->present_size > 0 ? 2 * rare->present_size : 16;
        present = reallocarray(rare->present, size, sizeof(struct member *));
        if (!present)
            return -ENOMEM;
        rare->present = present;
        rare->present_size = size;
    }
    if (member_enter(member) < 0)
        return -ENOMEM;
    rare->present[rare->n_present++] = member;
    return rare_note(rare, member, INFLUENCE_USER, member->name);
}

static bool holds(const struct presence *presence, const struct influence *influence)
{
    for (uint32_t i = 0; i < presence->n_influences; i++) {
        if (presence->influences[i] == influence)
            return true;
    }
    return false;
}

static int add_influence(struct rare *rare, struct presence *presence, struct influence *influence)
{
    struct influence **influences;
    uint32_t size;
    int r;

    if (presence->n_influences == presence->influences_size) {
        size = presence->influences_size > 0 ? 2 * presence->influences_size : N_INFLUENCE_FIELDS;
        influences = reallocarray(presence->influences, size, sizeof(struct influence *));
        if (!influences)
            return -ENOMEM;
        presence->influences = influences;
        presence->influences_size = size;
    }
    r = influence_enter(&rare->influences, influence);
    if (r < 0)
        return r;
    presence->influences[presence->n_influences++] = influence;
    presence->n_of_field[influence->field]++;
    return 0;
}

int rare_note(struct rare *rare, struct member *member, enum influence_field field, struct slice value)
{
    struct presence *presence = member->presence;
    struct influence *influence = presence->last_influence[field];
    int r;

    value = slice_head(value, MODEL_MAX_NAME_BYTES);
    if (value.len == 0 || (influence && slice_equal(influence->value, value)))
        return 0;
    if (presence->n_of_field[field] >= INFLUENCE_MAX_OF_USER) {
        rare->stats.n_influences_cut++;
        return 0;
    }
    r = influences_get(&rare->influences, field, value, &influence);
    if (r > 0) {
        rare->stats.n_influences_cut++;
        return 0;
    }
    if (r >= 0 && !holds(presence, influence))
        r = add_influence(rare, presence, influence);
    if (r >= 0)
        presence->last_influence[field] = influence;
    return r;
}

void rare_leave(struct rare *rare, struct member *member)
{
    for (uint32_t i = 0; i < member->presence->n_influences; i++)
        influence_leave(&rare->influences, member->presence->influences[i]);
    rare->event_bytes -= member->presence->event.size;
    member_leave(member);
}

static struct slice cut(struct slice s)
{
    return slice_head(s, FIELD_MAX_BYTES);
}

/* What a final verdict cannot do without. */
static struct event strip_event(const struct event *event)
{
    struct event s = *event;

    s.format = cut(s.format);
    s.action = cut(s.action);
    s.host = cut(s.host);
    s.actor = (struct user){cut(s.actor.name), cut(s.actor.id)};
    s.real = (struct user){cut(s.real.name), cut(s.real.id)};
    s.effective = (struct user){cut(s.effective.name), cut(s.effective.id)};
    s.process_name = cut(s.process_name);
    s.executable = cut(s.executable);
    s.command_line = s.working_directory = s.tty = s.unit = SLICE_NULL;
    s.parent_name = s.parent_executable = s.login_source_ip = SLICE_NULL;
    s.audit.tty = s.audit.success = s.audit.key = s.audit.node = SLICE_NULL;
    s.audit.emitted = s.audit.incomplete = SLICE_NULL;
    s.args = NULL;
    s.n_args = 0;
    s.is_args_exact = false;
    return s;
}

/* Whether the strings of an event are few enough to keep, without writing them first. */
static bool is_large(const struct event *event)
{
    size_t bytes = event->command_line.len + event->executable.len + event->working_directory.len;

    for (size_t i = 0; i < event->n_args && bytes <= EVENT_MAX_BYTES / 2; i++)
        bytes += event->args[i].len + 4;
    return bytes > EVENT_MAX_BYTES / 2;
}

int rare_keep_event(struct rare *rare, struct member *member, const struct event *event)
{
    struct buffer *out = &member->presence->event;
    struct event stripped;
    int r = 0;

    rare->event_bytes -= out->size;
    buffer_clear(out);
    if (!is_large(event))
        r = event_save(event, out);
    if (r >= 0 &&
        (out->len == 0 || out->len > EVENT_MAX_BYTES || rare->event_bytes + out->size > EVENTS_MAX_BYTES)) {
        rare->stats.n_events_cut++;
        stripped = strip_event(event);
        buffer_done(out);
        r = event_save(&stripped, out);
    }
    rare->event_bytes += out->size;
    return r;
}

static int compare_present(const void *pa, const void *pb)
{
    const struct member *a = *(struct member *const *)pa, *b = *(struct member *const *)pb;
    int order = slice_compare(a->name, b->name);

    if (order == 0)
        order = slice_compare(a->population->partition, b->population->partition);
    return order != 0 ? order : a->population->kind - b->population->kind;
}

static int compare_influences(const void *pa, const void *pb)
{
    return influence_compare(*(struct influence *const *)pa, *(struct influence *const *)pb);
}

/* The values that occurred with the user, in arena memory. 0 or -ENOMEM. */
static int list_influencers(struct rare *rare, struct presence *presence, struct verdict *v)
{
    struct verdict_influencer *list = arena_calloc(&rare->arena, presence->n_influences, sizeof(*list));

    if (!list)
        return -ENOMEM;
    qsort(presence->influences, presence->n_influences, sizeof(struct influence *), compare_influences);
    for (uint32_t i = 0; i < presence->n_influences; i++) {
        const struct influence *influence = presence->influences[i];

        list[i] = (struct verdict_influencer){influence_field_names[influence->field], influence->value,
                                              influence->probability, influence->score};
    }
    v->influencers = list;
    v->n_influencers = presence->n_influences;
    return 0;
}

/* The first walk: this user's probability to all who count it. */
static int count(struct rare *rare, struct member *member)
{
    const int64_t bucket = rare->model.now_bucket;
    struct presence *presence = member->presence;
    double probability, raw, square;
    int r;

    r = rare_probability(rare, member, &probability);
    if (r < 0)
        return r;
    raw = rarity_raw_score(probability);
    r = ceilings_update(&rare->influences.histories[HISTORY_RECORDS].ceilings, raw);
    if (r < 0)
        return r;
    member->greatest_raw = fmax(raw, member_greatest_raw(&rare->model, member, bucket));
    member->greatest_bucket = bucket;
    member_touch(&rare->model, member);
    square = tail_normal_deviate(probability);
    square *= square;
    tally_add(&member->population->tally, probability, square);
    for (uint32_t i = 0; i < presence->n_influences; i++)
        tally_add(&presence->influences[i]->tally, probability, square);
    return 0;
}

/* The probability of the least probable population among all that were active. */
static double judge_populations(struct rare *rare)
{
    double least = 1;
    uint64_t n = 0;

    for (size_t i = 0; i < rare->n_present; i++) {
        struct tally *tally = &rare->present[i]->population->tally;

        if (tally->n == 0)
            continue;
        least = fmin(least, tally_probability(tally));
        n++;
        *tally = (struct tally){0};
    }
    return tail_of_smallest(least, n);
}

static int finalise(struct rare *rare, struct member *member, double bucket_score,
                    const struct detector_callbacks *callbacks)
{
    const struct ceilings *ceilings = &rare->influences.histories[HISTORY_RECORDS].ceilings;
    const int64_t bucket = rare->model.now_bucket;
    struct verdict v;
    struct event event;
    int r;

    arena_reset(&rare->arena);
    r = event_load(buffer_slice(&member->presence->event), &rare->arena, &event);
    if (r < 0)
        return r;
    v = rare_verdict(rare, &event, member->name, member->population->partition, bucket);
    v.is_final = true;
    v.n_events = member->presence->n_events;
    v.has_bucket_score = true;
    v.bucket_score = bucket_score;
    r = list_influencers(rare, member->presence, &v);
    if (r >= 0)
        r = rare_probability(rare, member, &v.probability);
    if (r < 0)
        return r;
    v.has_probability = true;
    v.score = ceilings_score(ceilings, rarity_raw_score(v.probability), member->greatest_raw, 0);
    rare_describe(rare, member, bucket, &v);
    r = rare_decide(rare, member, bucket, &v);
    if (r < 0)
        return r;
    return callbacks->final ? callbacks->final(callbacks->userdata, &v) : 0;
}

static int say(struct rare *rare, const struct detector_callbacks *callbacks)
{
    const int64_t bucket = rare->model.now_bucket;
    double bucket_score;
    int r;

    qsort(rare->present, rare->n_present, sizeof(struct member *), compare_present);
    ceilings_age(&rare->influences.histories[HISTORY_RECORDS].ceilings, bucket, rare->model.lambda);
    for (size_t i = 0; i < rare->n_present; i++) {
        r = count(rare, rare->present[i]);
        if (r < 0)
            return r;
    }
    r = influences_close(&rare->influences, bucket, judge_populations(rare), &bucket_score);
    if (r < 0)
        return r;
    for (size_t i = 0; i < rare->n_present; i++) {
        r = finalise(rare, rare->present[i], bucket_score, callbacks);
        if (r < 0)
            return r;
    }
    return 0;
}

int rare_close_bucket(struct rare *rare, const struct detector_callbacks *callbacks)
{
    struct population *population;
    int r;

    if (rare->n_present == 0)
        return 0;
    r = say(rare, callbacks);
    if (r < 0)
        return r;
    for (size_t i = 0; i < rare->n_present; i++)
        rare_leave(rare, rare->present[i]);
    r = influences_sweep(&rare->influences, rare->model.now_bucket);
    if (r < 0)
        return r;
    /* all of them have left: the first of each population to be met here closes it */
    for (size_t i = 0; i < rare->n_present; i++) {
        population = rare->present[i]->population;
        if (population->closed_bucket == rare->model.now_bucket)
            continue;
        population->closed_bucket = rare->model.now_bucket;
        r = population_close(&rare->model, population);
        if (r < 0)
            return r;
    }
    rare->n_present = 0;
    return 0;
}
