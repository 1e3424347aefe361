/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The chain holds one detector per job, or one for all jobs of a suite, and walks each event through select,
 * detect and alert. A suite's detector is the first job's; an event is of one family, the first that wants
 * it.
 *
 * Stream time: an event that some job selects moves the time of every detector, so that all jobs close the
 * same bucket at the same point of the stream, whichever of them saw the event. Events no job selects move
 * nothing: a pre-filter may drop them without changing a result, and a host with a wrong clock that runs no
 * selected command cannot push the others' events into the past.
 *
 * Order of output, which is part of the contract: closing verdicts of all jobs (by job id) before the verdict
 * of the event that closed the buckets; jobs are walked in the order of their ids. Nothing here depends on
 * addresses or time.
 *
 * Memory of one event: identity and document live in two arenas that are reset before the next.
 */
#include "detector/chain.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "detector/forgive.h"
#include "detector/volume.h"
#include "select/index.h"

struct chain_job {
    struct chain *chain;
    const struct job *job;
    const struct detector_driver *driver;
    void *settings;            /* of the driver's table */
    struct detector *detector; /* of a suite: in its first job */
    struct chain_job *suite;   /* the first job of the suite it is in; NULL: it stands alone */
    unsigned number;           /* in the suite */
    struct learning learning;  /* of the detector */
    uint64_t n_alerts;         /* of the detector */
    struct figures before;     /* of the detector, as they were restored */
    struct figures saved;
    bool is_live; /* the detector was fed or restored */
};

struct chain {
    struct chain_options options;
    struct chain_job *jobs;
    size_t n_jobs;
    struct job_index *index; /* of options.jobs: positions are those of jobs */
    struct arena identity_arena;
    struct arena document_arena;
    struct forgive *forgive;
    struct volume *volume;
    struct chain_stats stats;
};

struct chain *chain_free(struct chain *chain)
{
    if (!chain)
        return NULL;
    for (size_t i = 0; chain->jobs && i < chain->n_jobs; i++) {
        struct chain_job *j = &chain->jobs[i];

        detector_free(j->detector);
        if (j->driver && j->settings)
            option_done(j->driver->options, j->settings);
        free(j->settings);
    }
    free(chain->jobs);
    forgive_free(chain->forgive);
    volume_free(chain->volume);
    job_index_free(chain->index);
    arena_done(&chain->identity_arena);
    arena_done(&chain->document_arena);
    free(chain);
    return NULL;
}

static const struct detector_driver *find_driver(const char *name)
{
    for (const struct detector_driver *const *d = detector_drivers; *d; d++)
        if (strcmp((*d)->name, name) == 0)
            return *d;
    return NULL;
}

static int unknown_detector(const char *name, const char *job, struct diag_list *diags)
{
    const char *words[16], *near;
    size_t n = 0;

    for (const struct detector_driver *const *d = detector_drivers; *d && n < ARRAY_SIZE(words) - 1; d++)
        words[n++] = (*d)->name;
    words[n] = NULL;
    near = nearest_word(slice_from_string(name), words);
    if (!near)
        near = words[0];
    return diag_add(diags, NULL, 0, 0, "job '%s': unknown detector '%s', expected one such as '%s'", job,
                    name, near);
}

/* The length of buckets that the job asks for, unless the configuration has set one. */
static void set_bucket_span(struct chain_job *j, struct config *config, const char *prefix)
{
    _cleanup_(freep) char *path = NULL;

    if (j->job->bucket_span_usec == 0 || asprintf(&path, "%s.bucket_span", prefix) < 0)
        return;
    for (size_t i = 0; i < j->driver->options->n_options; i++) {
        const struct option *option = &j->driver->options->options[i];

        if (strcmp(option->name, "bucket_span") == 0 && option->type == OPTION_DURATION &&
            !config_get(config, path))
            memcpy((char *)j->settings + option->offset, &j->job->bucket_span_usec,
                   sizeof(j->job->bucket_span_usec));
    }
}

static int open_job(struct chain_job *j, const struct job *job, const struct chain_options *options,
                    struct diag_list *diags)
{
    const char *name = options->detector ? options->detector : job->detector;
    _cleanup_(freep) char *prefix = NULL;
    int r;

    j->job = job;
    j->driver = find_driver(name);
    if (!j->driver)
        return unknown_detector(name, job->id, diags);
    j->settings = calloc(1, j->driver->options->struct_size);
    if (!j->settings || asprintf(&prefix, "detector.%s", name) < 0)
        return -ENOMEM;
    r = config_apply(options->config, prefix, j->driver->options, j->settings, diags);
    if (r < 0)
        return r;
    set_bucket_span(j, options->config, prefix);
    if (detector_is_suite(j->driver))
        return 0; /* see open_suite */
    r = detector_new(j->driver, &(struct detector_options){job->id, job->threshold, j->settings},
                     &j->detector);
    if (r == -EINVAL)
        return diag_add(diags, NULL, 0, 0,
                        "job '%s': the options below detector.%s do not go together, expected values within "
                        "the limits that "
                        "hapax.yaml(5) names",
                        job->id, name);
    return r;
}

/* One detector for all jobs that use the driver of this one, the first of them. */
static int open_suite(struct chain *chain, struct chain_job *first, struct diag_list *diags)
{
    _cleanup_(freep) const char **families = calloc(chain->n_jobs, sizeof(*families));
    unsigned n = 0;
    int r;

    if (!families)
        return -ENOMEM;
    for (struct chain_job *j = first; j < chain->jobs + chain->n_jobs; j++) {
        if (j->driver != first->driver)
            continue;
        j->suite = first;
        j->number = n;
        families[n++] = j->job->id;
    }
    r = detector_new(first->driver,
                     &(struct detector_options){
                         .job = "suite", .options = first->settings, .families = families, .n_families = n},
                     &first->detector);
    if (r == -EINVAL)
        return diag_add(diags, NULL, 0, 0, "%u jobs are more than detector '%s' takes into its suite", n,
                        first->driver->name);
    return r;
}

static int open_volume(struct chain *chain, struct diag_list *diags)
{
    struct volume_options options = {0};
    int r = config_apply(chain->options.config, "volume", &volume_option_table, &options, diags);

    return r < 0 ? r : volume_new(&options, &chain->volume);
}

int chain_new(const struct chain_options *options, struct diag_list *diags, struct chain **ret_chain)
{
    _cleanup_(chain_freep) struct chain *chain = calloc(1, sizeof(*chain));
    int r;

    if (!chain)
        return -ENOMEM;
    chain->options = *options;
    chain->jobs = calloc(options->jobs->n_jobs > 0 ? options->jobs->n_jobs : 1, sizeof(*chain->jobs));
    if (!chain->jobs)
        return -ENOMEM;
    r = forgive_new(&chain->forgive);
    if (r < 0)
        return r;
    forgive_set_exceptions(chain->forgive, options->exceptions);
    r = open_volume(chain, diags);
    if (r < 0)
        return r;
    for (size_t i = 0; i < options->jobs->n_jobs; i++) {
        chain->jobs[i].chain = chain;
        chain->n_jobs = i + 1;
        r = open_job(&chain->jobs[i], &options->jobs->jobs[i], options, diags);
        if (r < 0)
            return r;
    }
    r = job_index_new(options->jobs->jobs, options->jobs->n_jobs, &chain->index);
    if (r < 0)
        return r;
    for (size_t i = 0; i < chain->n_jobs; i++) {
        if (!detector_is_suite(chain->jobs[i].driver) || chain->jobs[i].suite)
            continue;
        r = open_suite(chain, &chain->jobs[i], diags);
        if (r < 0)
            return r;
    }
    *ret_chain = TAKE_PTR(chain);
    return 0;
}

void chain_set_exceptions(struct chain *chain, struct exception_set *exceptions)
{
    forgive_set_exceptions(chain->forgive, exceptions);
}

int chain_exception_counts(const struct chain *chain, exception_count_fn fn, void *userdata)
{
    return forgive_counts(chain->forgive, fn, userdata);
}

/* A suite's verdicts come from its first job's detector: the job that the verdict is of. */
static struct chain_job *job_of(struct chain_job *j, const struct verdict *verdict)
{
    struct chain_job *end = j->chain->jobs + j->chain->n_jobs;

    if (!j->suite)
        return j;
    while (j < end && (j->suite == NULL || j->driver != j->suite->driver || j->number != verdict->family))
        j++;
    return j;
}

/* detecting is the job whose detector judged */
static int send_document(struct chain_job *detecting, struct chain_job *j, const struct verdict *verdict)
{
    struct chain *chain = j->chain;
    struct document document;
    int r;

    arena_reset(&chain->document_arena);
    r = alert_ecs(verdict, j->job, &chain->options.observer, &chain->document_arena, &document);
    if (r < 0)
        return r;
    chain->stats.n_alerts++;
    detecting->n_alerts++;
    return chain->options.callbacks.document(chain->options.callbacks.userdata, &document);
}

static int tell_held(struct chain *chain, const struct verdict *verdict)
{
    int (*held)(void *userdata, const struct verdict *verdict) = chain->options.callbacks.held;

    return held ? held(chain->options.callbacks.userdata, verdict) : 0;
}

/* detecting is the job whose detector judged */
static void learn(struct chain_job *detecting, struct verdict *verdict)
{
    const struct detector_driver *driver = detecting->driver;
    struct learning_rule rule =
        driver->learning_rule ? driver->learning_rule(detecting->settings) : (struct learning_rule){0};
    bool is_learning = driver->is_learning && driver->is_learning(detecting->detector);

    if (detecting->chain->options.is_teaching && verdict->reason == VERDICT_ALERT)
        verdict->reason = VERDICT_LEARNING;
    learning_see(&detecting->learning, &rule, driver->is_learning, is_learning, verdict);
    detecting->chain->stats.n_learning += verdict->reason == VERDICT_LEARNING;
}

static int on_verdict(struct chain_job *j, const struct verdict *judged,
                      int (*tell)(void *userdata, const struct verdict *verdict))
{
    struct chain_job *detecting = j;
    struct verdict verdict = *judged;
    int held, r;

    learn(j, &verdict);
    j = job_of(j, judged);
    verdict.is_by_process = j->job->subject == SUBJECT_PROCESS;
    r = held = forgive_judge(j->chain->forgive, &verdict);
    if (r >= 0) {
        r = volume_judge(j->chain->volume, &verdict);
        j->chain->stats.n_rolled_up += r > 0;
    }
    if (r >= 0)
        r = tell ? tell(j->chain->options.callbacks.userdata, &verdict) : 0;
    if (r >= 0 && held > 0) {
        j->chain->stats.n_held++;
        r = tell_held(j->chain, &verdict);
    }
    if (r >= 0 && verdict.reason == VERDICT_ALERT)
        r = send_document(detecting, j, &verdict);
    return r;
}

static const struct job *find_job(const struct chain *chain, const char *id)
{
    for (size_t i = 0; i < chain->n_jobs; i++)
        if (strcmp(chain->jobs[i].job->id, id) == 0)
            return chain->jobs[i].job;
    return NULL;
}

/* A digest of a job that is switched off by now has nobody to read it: its alerts stand in the history. */
static int on_digest(void *userdata, const struct alert_digest *digest)
{
    struct chain *chain = userdata;
    const struct job *job = find_job(chain, digest->job);
    struct document document;
    int r;

    if (!job)
        return 0;
    arena_reset(&chain->document_arena);
    r = alert_digest(digest, job, &chain->options.observer, &chain->document_arena, &document);
    if (r < 0)
        return r;
    chain->stats.n_digests++;
    return chain->options.callbacks.document(chain->options.callbacks.userdata, &document);
}

/* As with a digest. */
static int on_rollup(void *userdata, const struct alert_rollup *rollup)
{
    struct chain *chain = userdata;
    const struct job *job = find_job(chain, rollup->job);
    struct document document;
    int r;

    if (!job)
        return 0;
    arena_reset(&chain->document_arena);
    r = alert_rollup(rollup, job, &chain->options.observer, &chain->document_arena, &document);
    if (r < 0)
        return r;
    chain->stats.n_rollups++;
    return chain->options.callbacks.document(chain->options.callbacks.userdata, &document);
}

static int on_provisional(void *userdata, const struct verdict *verdict)
{
    struct chain_job *j = userdata;

    return on_verdict(j, verdict, j->chain->options.callbacks.score);
}

static int on_final(void *userdata, const struct verdict *verdict)
{
    struct chain_job *j = userdata;

    return on_verdict(j, verdict, j->chain->options.callbacks.final);
}

static struct detector_callbacks callbacks_of(struct chain_job *j)
{
    return (struct detector_callbacks){.provisional = on_provisional, .final = on_final, .userdata = j};
}

/* 1: an exception keeps the event from the detector. */
static int skip(struct chain_job *j, const struct event *event, struct slice user, struct slice partition)
{
    const struct exception *exception;
    int r = forgive_skips(j->chain->forgive, j->job->id, event, &exception);

    if (r <= 0)
        return r;
    j->chain->stats.n_skipped++;
    r = tell_held(j->chain, &(struct verdict){.job = j->job->id,
                                              .detector = j->driver->name,
                                              .event = event,
                                              .user = user,
                                              .partition = partition,
                                              .bucket_start_usec = event->time_usec,
                                              .threshold = j->job->threshold,
                                              .reason = VERDICT_SKIPPED,
                                              .exception = exception->id});
    return r < 0 ? r : 1;
}

static int feed_job(struct chain_job *j, const struct event *event)
{
    struct detector_callbacks callbacks = callbacks_of(j);
    struct slice user, partition;
    int r;

    arena_reset(&j->chain->identity_arena);
    r = job_subject(j->job, event, &j->chain->identity_arena, &user, &partition);
    if (r < 0)
        return r;
    r = skip(j, event, user, partition);
    if (r != 0)
        return r < 0 ? r : 0;
    (j->suite ? j->suite : j)->is_live = true;
    if (j->suite) {
        callbacks = callbacks_of(j->suite);
        return detector_feed_family(j->suite->detector, event, user, j->number, &callbacks);
    }
    return detector_feed(j->detector, event, user, partition, &callbacks);
}

int chain_event(struct chain *chain, const struct event *event)
{
    struct job_bits selecting;
    const struct chain_job *fed = NULL; /* the suite that has had the event */
    bool is_selected;
    int r;

    if (event->kind != EVENT_PROCESS_START)
        return forgive_see_event(chain->forgive, event, false);
    chain->stats.n_events++;
    is_selected = job_index_select(chain->index, event, &selecting);
    r = forgive_see_event(chain->forgive, event, is_selected);
    if (!is_selected || r < 0)
        return r;
    chain->stats.n_selected++;
    r = chain_advance(chain, event->time_usec);
    for (size_t i = 0; r >= 0 && i < chain->n_jobs; i++) {
        struct chain_job *j = &chain->jobs[i];

        if (!job_bits_has(&selecting, i) || (j->suite && j->suite == fed))
            continue;
        r = feed_job(j, event);
        fed = j->suite ? j->suite : fed;
    }
    return r < 0 ? r : 1;
}

int chain_advance(struct chain *chain, int64_t time_usec)
{
    int r;

    for (size_t i = 0; i < chain->n_jobs; i++) {
        struct detector_callbacks callbacks = callbacks_of(&chain->jobs[i]);

        r = 0;
        if (chain->jobs[i].detector && detector_deadline_usec(chain->jobs[i].detector) <= time_usec)
            r = detector_advance(chain->jobs[i].detector, time_usec, &callbacks);
        if (r < 0)
            return r;
    }
    /* behind the detectors: what closing buckets have held back belongs to the day that ends */
    if (chain->options.is_teaching)
        return 0; /* what waits to be handed over is handed over by those who have a sink */
    r = volume_advance(chain->volume, time_usec, on_rollup, chain);
    return r < 0 ? r : forgive_advance(chain->forgive, time_usec, on_digest, chain);
}

int64_t chain_deadline_usec(const struct chain *chain)
{
    int64_t deadline = MIN(forgive_deadline_usec(chain->forgive), volume_deadline_usec(chain->volume));

    for (size_t i = 0; i < chain->n_jobs; i++)
        if (chain->jobs[i].detector)
            deadline = MIN(deadline, detector_deadline_usec(chain->jobs[i].detector));
    return deadline;
}

int chain_finish(struct chain *chain)
{
    for (size_t i = 0; i < chain->n_jobs; i++) {
        struct detector_callbacks callbacks = callbacks_of(&chain->jobs[i]);
        int r = chain->jobs[i].detector ? detector_finish(chain->jobs[i].detector, &callbacks) : 0;

        if (r < 0)
            return r;
    }
    if (chain->options.is_teaching)
        return 0;
    int r = volume_finish(chain->volume, on_rollup, chain);
    return r < 0 ? r : forgive_finish(chain->forgive, on_digest, chain);
}

static const char *learner(const struct chain_job *j)
{
    return j->suite ? "suite" : j->job->id;
}

int chain_walk_learning(const struct chain *chain,
                        int (*fn)(void *userdata, const struct chain_learning *learning), void *userdata)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < chain->n_jobs; i++) {
        const struct chain_job *j = &chain->jobs[i];

        if (j->detector)
            r = fn(userdata, &(struct chain_learning){
                                 .job = learner(j),
                                 .detector = j->driver->name,
                                 .rule = j->driver->learning_rule ? j->driver->learning_rule(j->settings)
                                                                  : (struct learning_rule){0},
                                 .learning = j->learning,
                             });
    }
    return r;
}

static struct figures figures_of(const struct chain_job *j)
{
    struct figures figures = {0};

    if (!j->is_live)
        return j->before;
    j->driver->figures(j->detector, &figures);
    figures_set(&figures, FIGURE_ALERTS, (double)j->n_alerts);
    figures_go_on(&figures, &j->before);
    return figures;
}

int chain_walk_figures(const struct chain *chain,
                       int (*fn)(void *userdata, const struct chain_figures *figures), void *userdata)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < chain->n_jobs; i++) {
        const struct chain_job *j = &chain->jobs[i];

        if (j->detector)
            r = fn(userdata, &(struct chain_figures){learner(j), j->driver->name, figures_of(j)});
    }
    return r;
}

/* "figures/DETECTOR/JOB" */
static int figures_changes(struct chain_job *j, change_fn fn, void *userdata)
{
    _cleanup_(buffer_done) struct buffer key = BUFFER_INIT, value = BUFFER_INIT;
    const struct figures figures = figures_of(j);
    int r;

    if (figures_equal(&figures, &j->saved))
        return 0;
    r = buffer_append_format(&key, "figures/%s/%s", j->driver->name, learner(j));
    if (r >= 0)
        r = figures_save(&figures, &value);
    if (r >= 0)
        r = fn(userdata, &(struct change){buffer_slice(&key), buffer_slice(&value)});
    if (r >= 0)
        j->saved = figures;
    return r;
}

/* HEAD"DETECTOR/JOB" */
static bool owns_record(const struct chain_job *j, struct slice head, struct slice key)
{
    struct slice driver = slice_from_string(j->driver->name);

    return slice_starts_with(key, head) && slice_starts_with(key = slice_skip(key, head.len), driver) &&
           key.len > driver.len && key.data[driver.len] == '/' &&
           slice_equal_string(slice_skip(key, driver.len + 1), learner(j));
}

int chain_changes(struct chain *chain, change_fn fn, void *userdata)
{
    for (size_t i = 0; i < chain->n_jobs; i++) {
        struct chain_job *j = &chain->jobs[i];
        int r = j->detector ? detector_changes(j->detector, fn, userdata) : 0;

        if (r >= 0 && j->detector)
            r = learning_changes(&j->learning, j->driver->name, learner(j), fn, userdata);
        if (r >= 0 && j->detector)
            r = figures_changes(j, fn, userdata);
        if (r < 0)
            return r;
    }
    int r = volume_changes(chain->volume, fn, userdata);
    return r < 0 ? r : forgive_changes(chain->forgive, fn, userdata);
}

/* "DETECTOR/JOB/…" belongs to the job's detector. */
static bool owns_key(const struct chain_job *j, struct slice key)
{
    struct slice driver = slice_from_string(j->driver->name);
    struct slice id = j->suite ? SLICE("suite") : slice_from_string(j->job->id);

    return key.len > driver.len + id.len + 1 && slice_starts_with(key, driver) &&
           key.data[driver.len] == '/' && slice_starts_with(slice_skip(key, driver.len + 1), id) &&
           key.data[driver.len + 1 + id.len] == '/';
}

int chain_restore(struct chain *chain, const struct change *change)
{
    for (size_t i = 0; i < chain->n_jobs; i++) {
        struct chain_job *j = &chain->jobs[i];

        if (!j->detector)
            continue;
        if (owns_key(j, change->key)) {
            j->is_live = true;
            return detector_restore(j->detector, change);
        }
        if (owns_record(j, SLICE("learning/"), change->key))
            return learning_restore(&j->learning, change->value);
        if (owns_record(j, SLICE("figures/"), change->key))
            return figures_load(change->value, &j->before);
    }
    if (volume_owns(change->key))
        return volume_restore(chain->volume, change);
    if (forgive_owns(change->key))
        return forgive_restore(chain->forgive, change);
    return 0; /* of a job that is switched off: its state waits in the store */
}

bool chain_owns_record(const struct chain *chain, struct slice prefix, struct slice key)
{
    for (size_t i = 0; i < chain->n_jobs; i++)
        if (chain->jobs[i].detector && owns_record(&chain->jobs[i], prefix, key))
            return true;
    return false;
}

const struct chain_stats *chain_stats(const struct chain *chain)
{
    return &chain->stats;
}

void chain_set_stats(struct chain *chain, const struct chain_stats *stats)
{
    chain->stats = *stats;
}
