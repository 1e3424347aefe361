/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The novelty detector: one instance for a whole suite of command families, because what gives an intruder
 * away is seldom one command and often the company it keeps. Its unit is (user, host, 15 minutes). An event
 * is judged by components (surprise.c); the unit's raw score is the weighted sum of the greatest surprise of
 * each component so far, so it only grows and an alert need not wait for the bucket's end. What a raw score
 * means here is learned (calibration.c): the score of a verdict is the calibrated surprise, minus the
 * logarithm of the share of cases that are as unusual, and the threshold is where the budget of alerts a day
 * is kept. A case is what one user does within an hour.
 *
 * Judged first, learned after: an event never explains itself.
 *
 * Populations. People, services and numeric names are users of different kinds and never meet: not in rates,
 * not in shares, and "root" of a login is another user than "root" of a daemon. A name of digits only is
 * numeric whatever the record says, as is an unresolved number that no login is behind.
 *
 * Time. The clock is the latest event. Events up to the lateness (16 h at most) before it are judged by what
 * is known now and learned where they belong. What then is the same whatever the order: who was present
 * where, commands, hours, sizes of bursts. What is not: which event noticed a novelty first, and the two
 * short windows, which look back from each event. A record seen twice changes nothing.
 *
 * There are no final verdicts: a unit's score is always what the end of its bucket would give.
 *
 * Cost: three hash look-ups and some twenty counters an event; nothing is allocated for what is known.
 */
#include "detect/novelty.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "detect/rare.h" /* RARE_MAX_TIME_USEC */
#include "util/parse.h"

#define BUCKET_USEC (15 * USEC_PER_MINUTE)
/* the counters' arithmetic starts after the first recent buckets: 1970-01-02 */
#define MIN_TIME_USEC USEC_PER_DAY
/* longer than any of the short windows, and than a bucket */
#define QUIET_SECONDS 1800.0
/* buckets after which a user or pair goes later than newcomers do */
#define ESTABLISHED_BUCKETS 3.0
/* half-life of the cases that scores are calibrated by (reference: HNS) */
#define CALIBRATION_SECONDS (14 * 86400.0)

static const char *const model_choices[] = {"standard", "reference", NULL};

#define MEMBER(m) offsetof(struct novelty_options, m)

static const struct option novelty_option_rows[] = {
    {
        .name = "budget",
        .type = OPTION_RATE,
        .offset = MEMBER(budget),
        .default_text = "5/day",
        .help = "alerts a day, as in 5/day, or for the hosts seen, as in 5/day/1000hosts",
    },
    {
        .name = "learning",
        .type = OPTION_DURATION,
        .offset = MEMBER(learning_usec),
        .default_text = "7d",
        .min = 0,
        .max = 366.0 * (double)USEC_PER_DAY,
        .help = "how long events are only learned from; at least until 50 cases have been seen, or 7d",
    },
    {
        .name = "half_life",
        .type = OPTION_DURATION,
        .offset = MEMBER(half_life_usec),
        .default_text = "30d",
        .min = (double)USEC_PER_DAY,
        .max = 366.0 * (double)USEC_PER_DAY,
        .help = "after how long what was seen weighs half",
    },
    {
        .name = "lateness",
        .type = OPTION_DURATION,
        .offset = MEMBER(lateness_usec),
        .default_text = "16h",
        .min = 0,
        .max = 16.0 * (double)USEC_PER_HOUR,
        .help = "how long before the latest event one may be to be judged and learned all the same",
    },
    {
        .name = "max_growth",
        .type = OPTION_INTEGER,
        .offset = MEMBER(max_growth),
        .default_text = "32",
        .min = 0,
        .max = 96,
        .help = "quarters of an hour of one day that make a user known, at most; 0: all",
    },
    {
        .name = "max_users",
        .type = OPTION_INTEGER,
        .offset = MEMBER(max_users),
        .default_text = "1000000",
        .min = 2,
        .max = 10000000,
        .help = "the most users kept; those seen in few buckets go first, then those not seen for longest",
    },
    {
        .name = "max_hosts",
        .type = OPTION_INTEGER,
        .offset = MEMBER(max_hosts),
        .default_text = "100000",
        .min = 2,
        .max = 1000000,
        .help = "the most hosts kept; the one not seen for longest goes first",
    },
    {
        .name = "max_pairs",
        .type = OPTION_INTEGER,
        .offset = MEMBER(max_pairs),
        .default_text = "3000000",
        .min = 2,
        .max = 100000000,
        .help = "the most pairs of user and host kept, forgotten as users are",
    },
    {
        .name = "model",
        .type = OPTION_CHOICE,
        .offset = MEMBER(model),
        .default_text = "standard",
        .choices = model_choices,
        .help = "standard, or reference: the published model to the last digit, for comparing",
    },
};

static const struct option_table novelty_option_table = {
    .options = novelty_option_rows,
    .n_options = ARRAY_SIZE(novelty_option_rows),
    .struct_size = sizeof(struct novelty_options),
};

static struct novelty *novelty_of(struct detector *d)
{
    assert(d->driver == &novelty_driver);
    return (struct novelty *)d; /* its first member */
}

struct novelty_stats novelty_stats(const struct detector *d)
{
    const struct novelty *n = (const struct novelty *)d;
    struct novelty_stats stats = n->stats;

    stats.n_capped = n->surprise.n_capped;
    stats.n_evicted_users = n->tables.n_evicted[ENTRY_USER];
    stats.n_evicted_hosts = n->tables.n_evicted[ENTRY_HOST];
    stats.n_evicted_pairs = n->tables.n_evicted[ENTRY_PAIR];
    return stats;
}

static void novelty_free(struct detector *d)
{
    struct novelty *n = (struct novelty *)d;

    tables_done(&n->tables);
    surprise_done(&n->surprise);
    for (size_t i = 0; n->families && i < n->n_families; i++)
        free(n->families[i]);
    free(n->families);
    free(n->key_prefix);
    free(n);
}

static void novelty_freep(struct novelty **n)
{
    if (*n)
        novelty_free(&(*n)->detector);
}

static int copy_families(struct novelty *n, const struct detector_options *options)
{
    n->families = calloc(options->n_families, sizeof(*n->families));
    if (!n->families)
        return -ENOMEM;
    n->n_families = options->n_families;
    for (size_t i = 0; i < n->n_families; i++) {
        n->families[i] = strdup(options->families[i]);
        if (!n->families[i])
            return -ENOMEM;
    }
    return 0;
}

static int novelty_new(const struct detector_options *options, struct detector **ret_detector)
{
    _cleanup_(novelty_freep) struct novelty *n = NULL;
    const struct novelty_options *o = options->options;
    const bool is_exact = o->model == NOVELTY_REFERENCE;
    int r;

    if (options->n_families == 0 || options->n_families > SURPRISE_MAX_FAMILIES || !(o->budget.a_day > 0) ||
        o->half_life_usec <= 0 || o->max_users < 2 || o->max_hosts < 2 || o->max_pairs < 2)
        return -EINVAL;
    n = calloc(1, sizeof(*n));
    if (!n)
        return -ENOMEM;
    n->lateness_buckets =
        MIN((o->lateness_usec + BUCKET_USEC - 1) / BUCKET_USEC, (int64_t)COUNTER_RECENT_BUCKETS - 1);
    n->tables.limits[ENTRY_USER] = (size_t)o->max_users;
    n->tables.limits[ENTRY_HOST] = (size_t)o->max_hosts;
    n->tables.limits[ENTRY_PAIR] = (size_t)o->max_pairs;
    tables_init(&n->tables);
    r = surprise_init(&n->surprise, (double)o->half_life_usec / 1e6, is_exact);
    if (r < 0)
        return r;
    n->surprise.max_a_day = is_exact ? 0 : (unsigned)o->max_growth;
    for (size_t i = 0; i < n->surprise.n_components; i++) {
        const struct component *component = &n->surprise.components[i];

        n->components[i] = (struct verdict_component){
            .name = component->name, .summary = component->summary, .weight = component->weight};
    }
    calibration_init(&n->calibration, o->budget, CALIBRATION_SECONDS, (double)o->learning_usec / 1e6);
    r = copy_families(n, options);
    if (r < 0)
        return r;
    /* numbers of one model mean nothing in another */
    if (asprintf(&n->key_prefix, "novelty/%s/%s-%lld/", options->job, model_choices[is_exact],
                 (long long)(o->half_life_usec / USEC_PER_SEC)) < 0) {
        n->key_prefix = NULL;
        return -ENOMEM;
    }
    *ret_detector = &TAKE_PTR(n)->detector;
    return 0;
}

static struct moment moment_of(int64_t time_usec)
{
    time_usec = MAX(MIN_TIME_USEC, MIN(time_usec, RARE_MAX_TIME_USEC));
    return (struct moment){(double)time_usec / 1e6, (uint32_t)(time_usec / BUCKET_USEC)};
}

static bool is_number(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    return s.len > 0;
}

static enum actor_kind kind_of(const struct novelty *n, const struct event *event, struct slice user)
{
    const bool is_login = event->audit.has_auid && event->audit.auid != AUDIT_ID_UNSET;

    if (is_number(user))
        return ACTOR_NUMERIC;
    if (n->surprise.is_exact)
        return ACTOR_PERSON;
    if (event->actor_kind == ACTOR_PERSON && !is_login && slice_starts_with(user, SLICE("uid:")) &&
        event->audit.is_present)
        return ACTOR_NUMERIC;
    return event->actor_kind;
}

static struct slice cut_name(struct novelty *n, struct slice name)
{
    if (name.len <= MODEL_MAX_NAME_BYTES)
        return name;
    n->stats.n_names_cut++;
    return slice_head(name, MODEL_MAX_NAME_BYTES);
}

/* Pairs that have been quiet need no windows. */
static void forget_quiet(struct novelty *n)
{
    while (n->tables.active && n->tables.active->activity->seconds < n->surprise.now.seconds - QUIET_SECONDS)
        tables_deactivate(&n->tables, n->tables.active);
}

static void move_to(struct novelty *n, struct moment when)
{
    struct surprise *s = &n->surprise;

    if (n->tables.is_restored) {
        tables_sort(&n->tables);
        calibration_refresh(&n->calibration);
    }
    if (s->start_seconds == 0)
        s->start_seconds = when.seconds;
    if (when.seconds > s->now.seconds) {
        s->now = when;
        decay_move(&s->decay, when.bucket);
    }
    calibration_advance(&n->calibration, s->now.bucket, s->now.seconds, n->tables.n[ENTRY_HOST]);
    forget_quiet(n);
}

/* Its slots will be searched soon, and its neighbours by use will close the gap it leaves: memory that is far
 * away can come meanwhile. The ids of 48 slots are three lines. */
static void entry_prefetch(const struct entry *entry, const struct slots *slots)
{
    const char *ids = (const char *)slots_ids(slots);

    __builtin_prefetch(entry->prev);
    __builtin_prefetch(entry->next);
    __builtin_prefetch(ids);
    __builtin_prefetch(ids + 64);
    __builtin_prefetch(ids + 128);
}

static int enter_user(struct novelty *n, struct scene *scene, struct slice name)
{
    int r = tables_user(&n->tables, (uint8_t)scene->kind, name, &scene->is_new_user, &scene->user);

    if (r < 0)
        return r;
    entry_prefetch(&scene->user->entry, &scene->user->slots);
    if (scene->is_new_user || (!n->surprise.is_exact && scene->when.seconds < scene->user->first_seconds))
        scene->user->first_seconds = scene->when.seconds;
    scene->n_active = counter_value(&n->surprise.decay, &scene->user->active, 0, scene->now);
    if (scene->n_active >= ESTABLISHED_BUCKETS)
        tables_establish(&n->tables, &scene->user->entry);
    return 0;
}

static int enter_host(struct novelty *n, struct scene *scene, struct slice name)
{
    bool is_new;
    int r = tables_host(&n->tables, name, &is_new, &scene->host);

    if (r < 0)
        return r;
    entry_prefetch(&scene->host->entry, &scene->host->slots);
    if (is_new)
        scene->host->group = surprise_group_id(name);
    if (is_new || (!n->surprise.is_exact && scene->when.seconds < scene->host->first_seconds))
        scene->host->first_seconds = scene->when.seconds;
    return 0;
}

static int enter_pair(struct novelty *n, struct scene *scene)
{
    bool is_new;
    int r = tables_pair(&n->tables, scene->user, scene->host, &is_new, &scene->pair);

    if (r < 0)
        return r;
    entry_prefetch(&scene->pair->entry, &scene->pair->slots);
    __builtin_prefetch(scene->pair->activity);
    if (!scene->pair->entry.is_established &&
        counter_value(&n->surprise.decay, &scene->pair->presence, 0, scene->now) >= ESTABLISHED_BUCKETS)
        tables_establish(&n->tables, &scene->pair->entry);
    return 0;
}

/* All that the event is about. 0 or -ENOMEM. */
static int enter(struct novelty *n, struct scene *scene, struct slice user, struct slice host)
{
    int r;

    n->tables.sequence++;
    r = enter_user(n, scene, user);
    if (r >= 0)
        r = enter_host(n, scene, host);
    if (r >= 0)
        r = enter_pair(n, scene);
    if (r >= 0)
        r = surprise_command(&n->surprise, scene->event->process_name, &scene->command);
    if (r < 0)
        return r;
    tables_use(&n->tables, &scene->user->entry);
    tables_use(&n->tables, &scene->host->entry);
    tables_use(&n->tables, &scene->pair->entry);
    r = tables_activate(&n->tables, scene->pair);
    if (r < 0)
        return r;
    scene->pair->activity->seconds = n->surprise.now.seconds;
    n->stats.n_commands_merged += scene->command->name.len == 0;
    scene->n_users = n->tables.n[ENTRY_USER];
    scene->n_hosts = n->tables.n[ENTRY_HOST];
    return 0;
}

/* The greatest of each component in the unit. A late event of an earlier unit stands alone. */
static const double *unit_add(const struct novelty *n, struct scene *scene,
                              double alone[NOVELTY_MAX_COMPONENTS], uint64_t *ret_n_events)
{
    struct activity *a = scene->pair->activity;
    const size_t n_components = n->surprise.n_components;
    double *greatest = a->greatest;

    if (scene->when.bucket > a->bucket) {
        a->bucket = scene->when.bucket;
        a->n_events = 0;
        memset(a->greatest, 0, sizeof(a->greatest));
    }
    if (scene->when.bucket < a->bucket)
        greatest = memset(alone, 0, NOVELTY_MAX_COMPONENTS * sizeof(*alone));
    else
        a->n_events++;
    for (size_t i = 0; i < n_components; i++)
        greatest[i] = MAX(greatest[i], scene->parts[i].surprise);
    *ret_n_events = greatest == alone ? 1 : a->n_events;
    return greatest;
}

/* The user's case has this score now. */
static void case_add(struct novelty *n, struct novel_user *user, uint32_t bucket, double score)
{
    const bool is_open = user->case_bucket != 0 && bucket >= user->case_bucket &&
                         bucket - user->case_bucket <= CALIBRATION_CASE_BUCKETS;

    if (is_open && score > user->case_score) {
        calibration_add(&n->calibration, user->case_score, score);
        user->case_score = score;
    } else if (!is_open && bucket > user->case_bucket) { /* a late one has had its case, or none */
        calibration_add(&n->calibration, -1, score);
        user->case_score = score;
        user->case_bucket = bucket;
    }
}

static bool take_alerted(struct novel_pair *pair, uint32_t bucket)
{
    bool is_taken;

    if (bucket > pair->alerted_last) {
        const uint32_t by = bucket - pair->alerted_last;

        pair->alerted = by < 64 ? pair->alerted << by : 0;
        pair->alerted_last = bucket;
    }
    if (pair->alerted_last - bucket >= 64)
        return false; /* at the very end of the lateness: the same alert again has the same id */
    is_taken = pair->alerted >> (pair->alerted_last - bucket) & 1;
    pair->alerted |= UINT64_C(1) << (pair->alerted_last - bucket);
    return is_taken;
}

static void decide(struct novelty *n, const struct scene *scene, struct verdict *v)
{
    const struct calibration *c = &n->calibration;
    const struct calibrated calibrated = calibration_judge(c, v->raw_score);

    v->has_probability = true;
    v->probability = calibrated.probability;
    v->score = n->surprise.is_exact ? v->raw_score : calibrated.surprise;
    v->threshold = calibration_threshold(c);
    v->cases_per_day = calibrated.rate;
    v->budget_per_day = c->allowed;
    if (!(v->cases_per_day <= c->limit))
        v->reason = VERDICT_BELOW_THRESHOLD;
    else if (take_alerted(scene->pair, scene->when.bucket))
        v->reason = VERDICT_REPEATED;
    else
        v->reason = c->is_learning ? VERDICT_LEARNING : VERDICT_ALERT;
}

/* What the model knew before this event. */
static void describe(struct novelty *n, const struct scene *scene, struct verdict *v)
{
    struct surprise *s = &n->surprise;
    const struct counter *c = scene->family_counter;
    const uint32_t previous = c ? counter_previous(c, scene->when.bucket) : UINT32_MAX;

    v->user_weight = scene->presence;
    v->total_weight = sum_value(&s->decay, &s->fleets[scene->crowd].family[scene->family], scene->now);
    v->n_users = scene->n_users;
    v->is_first_seen = previous == UINT32_MAX || s->is_exact;
    v->first_seen_usec = (int64_t)(scene->user->first_seconds * 1e6) / BUCKET_USEC * BUCKET_USEC;
    if (!v->is_first_seen)
        v->previous_seen_usec = (int64_t)previous * BUCKET_USEC;
}

static int judge(struct novelty *n, struct scene *scene, struct verdict *v)
{
    const size_t n_components = n->surprise.n_components;
    double alone[NOVELTY_MAX_COMPONENTS], raw_score = 0;
    const double *greatest;
    int r = surprise_judge(&n->surprise, scene);

    if (r < 0)
        return r;
    greatest = unit_add(n, scene, alone, &v->n_events);
    for (size_t i = 0; i < n_components; i++) {
        n->components[i].surprise = greatest[i];
        n->components[i].count = scene->parts[i].count;
        n->components[i].expected = scene->parts[i].expected;
        raw_score += n->components[i].weight * greatest[i];
    }
    v->raw_score = raw_score;
    v->components = n->components;
    v->n_components = n_components;
    describe(n, scene, v);
    decide(n, scene, v);
    case_add(n, scene->user, scene->when.bucket, v->raw_score);
    return 0;
}

static int take(struct novelty *n, const struct event *event, struct verdict *v)
{
    struct scene scene = {.event = event, .family = v->family, .when = moment_of(event->time_usec)};
    int r;

    move_to(n, scene.when);
    n->is_changed = true;
    scene.now = n->surprise.is_exact ? scene.when : n->surprise.now;
    if ((int64_t)scene.now.bucket - (int64_t)scene.when.bucket > n->lateness_buckets) {
        n->stats.n_late++;
        v->reason = VERDICT_LATE;
        return 0;
    }
    scene.kind = kind_of(n, event, v->user);
    scene.crowd = n->surprise.is_exact ? 0 : scene.kind;
    r = enter(n, &scene, v->user, v->partition);
    if (r >= 0)
        r = judge(n, &scene, v);
    n->stats.n_repeated += scene.has_family && scene.has_family_here && scene.has_command;
    return r < 0 ? r : surprise_learn(&n->surprise, &scene);
}

static int novelty_feed(struct detector *d, const struct event *event, struct slice user, unsigned family,
                        const struct detector_callbacks *callbacks)
{
    struct novelty *n = novelty_of(d);
    struct verdict v = {
        .job = n->families[family],
        .detector = novelty_driver.name,
        .event = event,
        .user = cut_name(n, user),
        .partition = cut_name(n, slice_is_absent(event->host) ? SLICE("") : event->host),
        .bucket_start_usec = (int64_t)moment_of(event->time_usec).bucket * BUCKET_USEC,
        .bucket_span_usec = BUCKET_USEC,
        .family = family,
    };
    int r;

    assert(family < n->n_families);
    if (slice_is_absent(user)) {
        v.reason = VERDICT_NO_USER;
    } else {
        r = take(n, event, &v);
        if (r < 0)
            return r;
    }
    return callbacks->provisional ? callbacks->provisional(callbacks->userdata, &v) : 0;
}

static int novelty_advance(struct detector *d, int64_t time_usec, const struct detector_callbacks *callbacks)
{
    return 0; /* nothing waits for time to pass */
}

static int novelty_finish(struct detector *d, const struct detector_callbacks *callbacks)
{
    return 0;
}

static int64_t novelty_deadline_usec(const struct detector *d)
{
    return INT64_MAX;
}

static int driver_changes(struct detector *d, change_fn fn, void *userdata)
{
    return novelty_changes(novelty_of(d), fn, userdata);
}

static int driver_restore(struct detector *d, const struct change *change)
{
    return novelty_restore(novelty_of(d), change);
}

static bool novelty_is_learning(const struct detector *d)
{
    const struct novelty *n = (const struct novelty *)d;

    return n->calibration.is_learning;
}

static void novelty_figures(const struct detector *d, struct figures *figures)
{
    const struct novelty *n = (const struct novelty *)d;
    const struct novelty_stats stats = novelty_stats(d);
    const struct calibration *c = &n->calibration;

    figures_set(figures, FIGURE_USERS, (double)n->tables.n[ENTRY_USER]);
    figures_set(figures, FIGURE_HOSTS, (double)n->tables.n[ENTRY_HOST]);
    figures_set(figures, FIGURE_PAIRS, (double)n->tables.n[ENTRY_PAIR]);
    figures_set(figures, FIGURE_EVICTED_USERS, (double)stats.n_evicted_users);
    figures_set(figures, FIGURE_EVICTED_HOSTS, (double)stats.n_evicted_hosts);
    figures_set(figures, FIGURE_EVICTED_PAIRS, (double)stats.n_evicted_pairs);
    figures_set(figures, FIGURE_LATE, (double)stats.n_late);
    figures_set(figures, FIGURE_REPEATED, (double)stats.n_repeated);
    figures_set(figures, FIGURE_CAPPED, (double)stats.n_capped);
    figures_set(figures, FIGURE_NAMES_CUT, (double)stats.n_names_cut);
    figures_set(figures, FIGURE_COMMANDS_MERGED, (double)stats.n_commands_merged);
    if (c->start_seconds == 0) /* nothing to go by yet */
        return;
    figures_set(figures, FIGURE_CASES, c->n_settled);
    figures_set(figures, FIGURE_BUDGET, c->allowed);
    figures_set(figures, FIGURE_THRESHOLD, calibration_threshold(c));
}

const struct detector_driver novelty_driver = {
    .name = "novelty",
    .summary =
        "alerts on what is most unusual for a user across all command families, within a budget of alerts",
    .options = &novelty_option_table,
    .new = novelty_new,
    .free = novelty_free,
    .feed_family = novelty_feed,
    .advance = novelty_advance,
    .finish = novelty_finish,
    .changes = driver_changes,
    .restore = driver_restore,
    .deadline_usec = novelty_deadline_usec,
    .is_learning = novelty_is_learning,
    .figures = novelty_figures,
};
