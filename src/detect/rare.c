/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rare detector: who runs this at all, and how often compared with the others? Its unit is the
 * user-bucket: a user seen in a quarter of an hour, once or five hundred times. A user's probability is the
 * mass of all users no more frequent than this one (rarity.c), the score says how small that is.
 *
 * Learning comes first: an event enters its user into the open bucket, the model counts that user-bucket at
 * once, and the user is scored in the model that contains it. The model with its open bucket is therefore
 * always the view that finalising the bucket now would give, and the provisional verdict of an event is read
 * from it. Nothing has to be copied and thrown away: closing the bucket only adds "one more active bucket"
 * (decay) and keeps each user's greatest raw score, which provisional verdicts look at and never write. When
 * the bucket closes, everybody in it is scored again, now with those who came later.
 *
 * One clock, the stream's, runs all populations of a detector: the greatest bucket of any event or advance.
 * An event of any host closes the open bucket for all of them, so final verdicts come bucket by bucket, by
 * user, then partition, then kind.
 *
 * forget: window (the default). Events up to `lateness` before the open bucket are learned where they belong
 * and judged by the model as it stands now; they get no final verdict, as their bucket has had its own, and
 * n_events counts from 1. forget: decay is Elastic's rare-by-user for those who migrate: no late events, and
 * the first, partial bucket of each population ignored.
 *
 * Teaching it. Somebody who runs the command in every bucket for days becomes usual; that is what a frequency
 * model is. With a window a day (UTC) counts for at most max_growth of a user's buckets: three days around
 * the clock weigh like three working days and not like nine, so regulars keep most of the mass, and a
 * detector that looks at distinct days is not misled by one loop. It does not come for nothing: the mass of a
 * small site that acts around the clock grows more slowly, and with it the first alerts come later (78
 * counted buckets are needed for any). And it does not hide the beginning: the first buckets alert before
 * there is any habit. Decay has no such rule, to stay equal to the original.
 *
 * A partition is one population, unless populations: kinds asks for one of people, one of services and one of
 * numeric names (with a window). One is the default since a sudo line cannot say whether a login or a service
 * invoked it and an audit record can: with one population, the same commands give the same alerts in whatever
 * form they are logged, and a mass that includes services only makes a rare person rarer. A site that reads
 * nothing but audit records and has root act by itself and by login should take kinds.
 *
 * An alert is given once for (partition, user, bucket), by the event that first reaches the threshold, or
 * by the final verdict if only that one does. Which buckets have alerted is state.
 *
 * A provisional score is read from the history of scores as if this result were in it and the other users of
 * the open bucket were ordinary, see ceilings_score; the final one has all of them. They differ where the
 * percentile ceiling decides and several rare users share a bucket.
 *
 * State. Each user, population, remembered influencer and history has a key of its own, and only what changed
 * is handed over. What is counted depends on the set of events alone; histories of scores, greatest scores
 * and alerts given are what was said, and that has an order.
 *
 * Scores go through four ceilings (ceilings.c); what the bucket says as a whole and what it points at is in
 * influence.c, and what happens when it closes in rare_bucket.c. Not here: Elastic's removal of users unseen
 * for 16000 buckets at job close; limits on users do that work.
 *
 * Cost: an event of somebody already in the open bucket, with nobody new since, is a table look-up and a copy
 * of the event; otherwise one pass over the weights of the population from the changed one up, 10 to 20 us
 * for 10,000 users, and up to six beta quantiles of less than 1 us. Memory: about 700 bytes a user with the
 * default window, 1.3 KB a partition with users in it (tests/bench/detect-rare.c: 1,000,000 users on 100,000
 * hosts).
 */
#include "detect/rare.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "util/parse.h"

/* Elastic's decay rate, for buckets of half an hour and more (ml-cpp 9.5: 0.0005 per half hour of bucket) */
#define DECAY_RATE        0.0005
#define DECAY_BUCKET_USEC (30 * USEC_PER_MINUTE)

/* With a window no user reaches 25, the threshold of the published rules, in a population of fewer
 * (2026-11-24: one user of one bucket beside one of the rest) */
#define LEARNING_MIN_UNITS 78

static const char *const forget_choices[] = {"window", "decay", NULL};
static const char *const populations_choices[] = {"one", "kinds", NULL};

/* rows that rare_new looks at again */
enum {
    ROW_FORGET,
    ROW_POPULATIONS,
    ROW_WINDOW,
    ROW_BUCKET_SPAN,
    ROW_LATENESS,
    ROW_MAX_USERS,
    ROW_MAX_GROWTH,
    ROW_LEARNING
};

static const struct option rare_option_rows[] = {
    [ROW_FORGET] =
        {
            .name = "forget",
            .type = OPTION_CHOICE,
            .offset = offsetof(struct rare_options, forget),
            .default_text = "window",
            .choices = forget_choices,
            .help = "how the past loses weight: window (nothing older counts) or decay (as Elastic's rare "
                    "function)",
        },
    [ROW_POPULATIONS] =
        {
            .name = "populations",
            .type = OPTION_CHOICE,
            .offset = offsetof(struct rare_options, populations),
            .default_text = "one",
            .choices = populations_choices,
            .help = "compare all users (one), or people, services and numeric names apart (kinds; forget: "
                    "window)",
        },
    [ROW_WINDOW] =
        {
            .name = "window",
            .type = OPTION_DURATION,
            .offset = offsetof(struct rare_options, window_usec),
            .default_text = "30d",
            .min = (double)USEC_PER_DAY,
            .max = 366.0 * (double)USEC_PER_DAY,
            .help = "how far back forget: window looks, at most 43200 buckets",
        },
    [ROW_BUCKET_SPAN] =
        {
            .name = "bucket_span",
            .type = OPTION_DURATION,
            .offset = offsetof(struct rare_options, bucket_span_usec),
            .default_text = "15min",
            .min = (double)USEC_PER_MINUTE,
            .max = (double)USEC_PER_DAY,
            .help = "the time within which a user counts once",
        },
    [ROW_LATENESS] =
        {
            .name = "lateness",
            .type = OPTION_DURATION,
            .offset = offsetof(struct rare_options, lateness_usec),
            .default_text = "16h",
            .min = 0,
            .max = 16.0 * (double)USEC_PER_HOUR,
            .help =
                "how long before the open bucket an event may be to be learned all the same (forget: window)",
        },
    [ROW_MAX_USERS] =
        {
            .name = "max_users",
            .type = OPTION_INTEGER,
            .offset = offsetof(struct rare_options, max_users),
            .default_text = "100000",
            .min = 1,
            .max = 1000000,
            .help = "the most users kept of one population, the least informative goes first",
        },
    [ROW_MAX_GROWTH] =
        {
            .name = "max_growth",
            .type = OPTION_INTEGER,
            .offset = offsetof(struct rare_options, max_growth),
            .default_text = "32",
            .min = 0,
            .max = 1440,
            .help = "how many bucket spans of a day (UTC) may count for a user, 0 for all (forget: window)",
        },
    [ROW_LEARNING] =
        {
            .name = "learning",
            .type = OPTION_DURATION,
            .offset = offsetof(struct rare_options, learning_usec),
            .default_text = "0s",
            .min = 0,
            .max = 366.0 * (double)USEC_PER_DAY,
            .help = "how long after the first event what would alert is only recorded; at least until 78 "
                    "user-buckets are known (forget: window)",
        },
};

static const struct option_table rare_option_table = {
    .options = rare_option_rows,
    .n_options = ARRAY_SIZE(rare_option_rows),
    .struct_size = sizeof(struct rare_options),
};

static struct rare *rare_of(struct detector *d)
{
    assert(d->driver == &rare_driver);
    return (struct rare *)d; /* its first member */
}

struct rare_stats rare_stats(const struct detector *d)
{
    const struct rare *rare = (const struct rare *)d;
    struct rare_stats stats;

    assert(d->driver == &rare_driver);
    stats = rare->stats;
    stats.n_evicted_users = rare->model.n_evicted_users;
    stats.n_evicted_populations = rare->model.n_evicted_populations;
    stats.n_capped = rare->model.n_capped;
    return stats;
}

static void rare_free(struct detector *d)
{
    struct rare *rare = (struct rare *)d;

    model_done(&rare->model);
    influences_done(&rare->influences);
    free(rare->present);
    arena_done(&rare->arena);
    free(rare->key_prefix);
    free(rare->job);
    free(rare);
}

static void rare_freep(struct rare **rare)
{
    if (*rare)
        rare_free(&(*rare)->detector);
}

static bool is_within(const struct option *row, int64_t v)
{
    return (double)v >= row->min && (double)v <= row->max;
}

static int rare_new(const struct detector_options *options, struct detector **ret_detector)
{
    _cleanup_(rare_freep) struct rare *rare = NULL;
    const struct rare_options *o = options->options;
    const int64_t n_window =
        o->bucket_span_usec > 0 ? MAX(INT64_C(1), o->window_usec / o->bucket_span_usec) : 0;

    /* the option table has checked each by itself; this is for callers without one, and for the pair */
    if ((o->forget != FORGET_WINDOW && o->forget != FORGET_DECAY) ||
        (o->populations != POPULATIONS_ONE && o->populations != POPULATIONS_KINDS) ||
        !is_within(&rare_option_rows[ROW_WINDOW], o->window_usec) ||
        !is_within(&rare_option_rows[ROW_BUCKET_SPAN], o->bucket_span_usec) ||
        !is_within(&rare_option_rows[ROW_LATENESS], o->lateness_usec) ||
        !is_within(&rare_option_rows[ROW_MAX_USERS], o->max_users) ||
        !is_within(&rare_option_rows[ROW_MAX_GROWTH], o->max_growth))
        return -EINVAL;
    if (o->forget == FORGET_WINDOW && n_window > RARE_MAX_WINDOW_BUCKETS)
        return -EINVAL;

    rare = calloc(1, sizeof(*rare));
    if (!rare)
        return -ENOMEM;
    rare->threshold = options->threshold;
    rare->span_usec = o->bucket_span_usec;
    /* a bucket's start, not the event, is looked at: advancing the clock inside a bucket must change nothing
     */
    rare->lateness_buckets = (o->lateness_usec + o->bucket_span_usec - 1) / o->bucket_span_usec;
    rare->model.forget = o->forget == FORGET_DECAY ? FORGET_DECAY : FORGET_WINDOW;
    rare->model.n_window = n_window;
    rare->model.lambda = DECAY_RATE * fmin(1, (double)o->bucket_span_usec / (double)DECAY_BUCKET_USEC);
    rare->model.max_users = (size_t)o->max_users;
    rare->model.max_growth = o->max_growth;
    rare->model.span_usec = o->bucket_span_usec;
    model_init(&rare->model);
    rare->influences.lambda = rare->model.lambda;
    influences_init(&rare->influences, o->bucket_span_usec);
    rare->has_kinds = o->forget == FORGET_WINDOW && o->populations == POPULATIONS_KINDS;
    rare->job = strdup(options->job);
    if (!rare->job)
        return -ENOMEM;
    /* bucket numbers and weights mean nothing under another setting: each has its own keys */
    if (asprintf(&rare->key_prefix, "rare/%s/%s-%lld%s/", rare->job, forget_choices[o->forget],
                 (long long)o->bucket_span_usec, rare->has_kinds ? "-kinds" : "") < 0) {
        rare->key_prefix = NULL;
        return -ENOMEM;
    }
    *ret_detector = &TAKE_PTR(rare)->detector;
    return 0;
}

struct verdict rare_verdict(const struct rare *rare, const struct event *event, struct slice user,
                            struct slice partition, int64_t bucket)
{
    return (struct verdict){
        .job = rare->job,
        .detector = rare_driver.name,
        .event = event,
        .user = user,
        .partition = partition,
        .bucket_start_usec = bucket * rare->span_usec,
        .bucket_span_usec = rare->span_usec,
        .threshold = rare->threshold,
    };
}

int rare_probability(struct rare *rare, struct member *member, double *ret_probability)
{
    struct population *population = member->population;
    struct presence *presence = member->presence;
    int r;

    r = population_settle(population);
    if (r < 0)
        return r;
    if (presence && presence->version == population->version) {
        *ret_probability = presence->probability;
        return 0;
    }
    *ret_probability =
        rarity_probability(&population->curve, member->weight, population_unit(&rare->model, population));
    if (presence) {
        presence->probability = *ret_probability;
        presence->version = population->version;
    }
    return 0;
}

void rare_describe(const struct rare *rare, struct member *member, int64_t bucket, struct verdict *v)
{
    struct population *population = member->population;
    const double unit = population_unit(&rare->model, population);
    const int64_t previous = member_previous_bucket(&rare->model, member, bucket);

    v->user_weight = member->weight * unit;
    v->total_weight = curve_total(&population->curve) * unit;
    v->less_likely_weight = curve_mass(&population->curve, member->weight) * unit;
    v->n_users = population->n_members;
    v->is_first_seen = previous == BUCKET_NONE;
    v->first_seen_usec = member->first_bucket * rare->span_usec;
    v->previous_seen_usec = previous == BUCKET_NONE ? 0 : previous * rare->span_usec;
}

int rare_decide(struct rare *rare, struct member *member, int64_t bucket, struct verdict *v)
{
    const int64_t oldest =
        rare->model.forget == FORGET_WINDOW ? rare->model.now_bucket - rare->lateness_buckets : bucket;
    int r;

    if (!(v->score >= rare->threshold)) {
        v->reason = VERDICT_BELOW_THRESHOLD;
    } else if (member_has_alerted(member, bucket)) {
        v->reason = VERDICT_REPEATED;
    } else {
        v->reason = VERDICT_ALERT;
        r = member_add_alerted(member, bucket, oldest);
        if (r < 0)
            return r;
        member_touch(&rare->model, member);
    }
    return 0;
}

/* Probability and provisional score of a member. 0 or -ENOMEM. */
static int judge(struct rare *rare, struct member *member, int64_t bucket, struct verdict *v)
{
    const struct ceilings *ceilings = &rare->influences.histories[HISTORY_RECORDS].ceilings;
    double raw, greatest;
    int r;

    r = rare_probability(rare, member, &v->probability);
    if (r < 0)
        return r;
    v->has_probability = true;
    raw = rarity_raw_score(v->probability);
    greatest = fmax(raw, member_greatest_raw(&rare->model, member, rare->model.now_bucket));
    v->score = ceilings_score(ceilings, raw, greatest, rare->n_present + (member->presence ? 0 : 1));
    rare_describe(rare, member, bucket, v);
    return 0;
}

static int move_to(struct rare *rare, int64_t bucket, const struct detector_callbacks *callbacks)
{
    int r;

    if (rare->model.is_restored)
        rare_settle(rare);
    if (bucket > rare->model.now_bucket) {
        r = rare_close_bucket(rare, callbacks);
        if (r < 0)
            return r;
    }
    return model_advance(&rare->model, bucket);
}

static int64_t clamp_time(int64_t time_usec)
{
    return time_usec < 0 ? 0 : MIN(time_usec, RARE_MAX_TIME_USEC);
}

static struct slice cut_name(struct rare *rare, struct slice name)
{
    if (name.len <= MODEL_MAX_NAME_BYTES)
        return name;
    rare->stats.n_names_cut++;
    return slice_head(name, MODEL_MAX_NAME_BYTES);
}

static int find_population(struct rare *rare, const struct event *event, struct slice partition,
                           int64_t bucket, struct population **ret_population)
{
    const int kind = rare->has_kinds ? (int)event->actor_kind : 0;
    struct population *population = model_find_population(&rare->model, kind, partition);
    int r;

    if (!population) {
        r = model_add_population(&rare->model, kind, partition, true, &population);
        if (r != 0)
            return r;
        /* an event on the very edge sees the whole bucket */
        population->start_bucket = bucket + (clamp_time(event->time_usec) % rare->span_usec != 0);
        population_touch(&rare->model, population);
    }
    population_use(&rare->model, population, bucket);
    *ret_population = population;
    return 0;
}

/* Learns the event and fills the verdict. 0 or a negative errno. */
static int take(struct rare *rare, const struct event *event, int64_t bucket, struct verdict *v)
{
    struct model *model = &rare->model;
    struct population *population;
    struct member *member;
    int r;

    if (bucket < model->now_bucket &&
        (model->forget == FORGET_DECAY || bucket < model->now_bucket - rare->lateness_buckets ||
         bucket <= model->now_bucket - model->n_window)) {
        rare->stats.n_late++;
        v->reason = VERDICT_LATE;
        return 0;
    }
    r = find_population(rare, event, v->partition, bucket, &population);
    if (r == 0 && model->forget == FORGET_DECAY && bucket < population->start_bucket) {
        v->reason = VERDICT_PARTIAL_BUCKET;
        return 0;
    }
    member = r == 0 ? population_find(population, v->user) : NULL;
    if (r == 0 && !member)
        r = model_add_member(model, population, v->user, true, &member);
    if (r < 0)
        return r;
    if (r > 0) {
        rare->stats.n_table_full++;
        v->reason = VERDICT_TABLE_FULL;
        return 0;
    }

    if (bucket == model->now_bucket) {
        if (!member->presence)
            model_learn(model, member, bucket);
        r = rare_enter(rare, member);
        if (r < 0)
            return r;
        r = rare_keep_event(rare, member, event);
        if (r >= 0)
            r = rare_note(rare, member, INFLUENCE_HOST, event->host);
        if (r >= 0)
            r = rare_note(rare, member, INFLUENCE_PROCESS, event->process_name);
        if (r < 0)
            return r;
        v->n_events = ++member->presence->n_events;
        rare->stats.n_repeated += v->n_events > 1;
        member_touch(model, member);
    } else {
        model_learn(model, member, bucket);
        v->n_events = 1;
    }
    /* a late event is judged by the model of now, and so is its user's own maximum */
    r = judge(rare, member, bucket, v);
    if (r < 0)
        return r;
    return rare_decide(rare, member, bucket, v);
}

static int rare_feed(struct detector *d, const struct event *event, struct slice user, struct slice partition,
                     const struct detector_callbacks *callbacks)
{
    struct rare *rare = rare_of(d);
    const int64_t bucket = clamp_time(event->time_usec) / rare->span_usec;
    struct verdict v;
    int r;

    r = move_to(rare, bucket, callbacks);
    if (r < 0)
        return r;
    v = rare_verdict(rare, event, cut_name(rare, user), cut_name(rare, partition), bucket);
    if (slice_is_absent(user)) {
        v.reason = VERDICT_NO_USER;
    } else {
        r = take(rare, event, bucket, &v);
        if (r < 0)
            return r;
    }
    return callbacks->provisional ? callbacks->provisional(callbacks->userdata, &v) : 0;
}

static int rare_advance(struct detector *d, int64_t time_usec, const struct detector_callbacks *callbacks)
{
    struct rare *rare = rare_of(d);

    return move_to(rare, clamp_time(time_usec) / rare->span_usec, callbacks);
}

static int rare_finish(struct detector *d, const struct detector_callbacks *callbacks)
{
    struct rare *rare = rare_of(d);

    /* closed is closed: what still comes for this bucket is late */
    return rare->n_present > 0 ? move_to(rare, rare->model.now_bucket + 1, callbacks) : 0;
}

static int64_t rare_deadline_usec(const struct detector *d)
{
    const struct rare *rare = (const struct rare *)d;

    return rare->n_present > 0 ? (rare->model.now_bucket + 1) * rare->span_usec : INT64_MAX;
}

static int driver_changes(struct detector *d, change_fn fn, void *userdata)
{
    return rare_changes(rare_of(d), fn, userdata);
}

static int driver_restore(struct detector *d, const struct change *change)
{
    return rare_restore(rare_of(d), change);
}

static struct learning_rule rare_learning_rule(const void *options)
{
    const struct rare_options *o = options;

    /* Elastic's function has none, and forget: decay is for those who want the same */
    if (o->forget == FORGET_DECAY)
        return (struct learning_rule){0};
    return (struct learning_rule){o->learning_usec, LEARNING_MIN_UNITS};
}

static void rare_figures(const struct detector *d, struct figures *figures)
{
    const struct rare *rare = (const struct rare *)d;
    const struct rare_stats stats = rare_stats(d);

    figures_set(figures, FIGURE_USERS, (double)rare->model.n_members);
    figures_set(figures, FIGURE_POPULATIONS, (double)HASH_COUNT(rare->model.populations));
    figures_set(figures, FIGURE_EVICTED_USERS, (double)stats.n_evicted_users);
    figures_set(figures, FIGURE_EVICTED_POPULATIONS, (double)stats.n_evicted_populations);
    figures_set(figures, FIGURE_LATE, (double)stats.n_late);
    figures_set(figures, FIGURE_REPEATED, (double)stats.n_repeated);
    if (rare->model.forget == FORGET_WINDOW)
        figures_set(figures, FIGURE_CAPPED, (double)stats.n_capped);
    figures_set(figures, FIGURE_NAMES_CUT, (double)stats.n_names_cut);
    figures_set(figures, FIGURE_TABLE_FULL, (double)stats.n_table_full);
    figures_set(figures, FIGURE_EVENTS_CUT, (double)stats.n_events_cut);
    figures_set(figures, FIGURE_INFLUENCES_CUT, (double)stats.n_influences_cut);
    figures_set(figures, FIGURE_THRESHOLD, rare->threshold);
}

const struct detector_driver rare_driver = {
    .name = "rare",
    .summary = "alerts on users who are rare for a command, in a window or as Elastic's rare function",
    .options = &rare_option_table,
    .new = rare_new,
    .free = rare_free,
    .feed = rare_feed,
    .advance = rare_advance,
    .finish = rare_finish,
    .changes = driver_changes,
    .restore = driver_restore,
    .deadline_usec = rare_deadline_usec,
    .learning_rule = rare_learning_rule,
    .figures = rare_figures,
};
