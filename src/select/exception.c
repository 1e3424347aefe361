/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which exception forgives an event?
 *
 * Most exceptions name somebody or something exactly: a user, a host, a process. Each such exception is filed
 * under the values of one of these conditions, the one with the fewest values (its pivot), in an array sorted
 * by field and value. A question then is one binary search for each field that occurs, and only what it finds
 * is looked at condition by condition. Exceptions without an exact value (globs, networks, windows of
 * maintenance) are looked at one by one. A thousand exceptions cost some ten searches of ten steps.
 *
 * Conditions are asked before the schedule, which may have to work out a month's windows.
 *
 * Order decides only among those that match: suppress before digest (an operator who wants silence gets it),
 * then the first in the files. Time is the event's: a replay of last month forgives what was in force then.
 *
 * A sudo line that can be read in more than one way is never forgiven: its writer could have chosen the
 * reading that an exception covers.
 */
#include "select/exception.h"

#include <errno.h>
#include <stdlib.h>

#include "select/exception_set.h"
#include "select/schedule.h"

const char *const exception_effect_names[] = {
    [EXCEPTION_SUPPRESS] = "suppress", [EXCEPTION_SKIP] = "skip", [EXCEPTION_DIGEST] = "digest", NULL};

static void exception_done(struct exception *exception)
{
    for (size_t i = 0; i < exception->n_conditions; i++)
        condition_done(&exception->conditions[i]);
    free(exception->conditions);
    for (size_t i = 0; i < exception->n_jobs; i++)
        free(exception->jobs[i]);
    free(exception->jobs);
    schedule_free(exception->schedule);
    free(exception->id);
    free(exception->reason);
    free(exception->owner);
    free(exception->ticket);
    free(exception->match_text);
}

struct exception_set *exception_set_free(struct exception_set *set)
{
    if (!set)
        return NULL;
    for (size_t i = 0; i < set->n_items; i++)
        exception_done(&set->items[i]);
    free(set->items);
    free(set->pivots);
    free(set->others);
    string_list_done(&set->files);
    onboarding_options_done(&set->onboarding);
    free(set);
    return NULL;
}

size_t exception_set_count(const struct exception_set *set)
{
    return set->n_items;
}

const struct exception *exception_set_at(const struct exception_set *set, size_t i)
{
    return &set->items[i];
}

const struct exception *exception_set_find_id(const struct exception_set *set, const char *id)
{
    for (size_t i = 0; i < set->n_items; i++)
        if (strcmp(set->items[i].id, id) == 0)
            return &set->items[i];
    return NULL;
}

void exception_set_keep(struct exception_set *set, const char *id)
{
    for (size_t i = 0; i < set->n_items; i++)
        if (strcmp(set->items[i].id, id) != 0)
            set->items[i].expires_usec = INT64_MIN;
    set->onboarding.age_usec = 0;
    set->onboarding.sources = 0;
}

const struct onboarding_options *exception_set_onboarding(const struct exception_set *set)
{
    return &set->onboarding;
}

bool exception_set_has(const struct exception_set *set, unsigned effects)
{
    return (set->effects & effects) != 0;
}

static int compare_texts(const void *a, const void *b)
{
    return slice_compare(slice_from_string(*(char *const *)a), slice_from_string(*(char *const *)b));
}

static int compare_values(const struct pivot *a, enum exception_field field, struct slice value)
{
    if (a->field != field)
        return a->field < field ? -1 : 1;
    return slice_compare(a->value, value);
}

static int compare_pivots(const void *a, const void *b)
{
    const struct pivot *x = a, *y = b;
    int order = compare_values(x, y->field, y->value);

    return order != 0 ? order : x->exception < y->exception ? -1 : x->exception > y->exception;
}

/* The condition to file the exception under; NULL: it names no exact value. */
static const struct condition *choose_pivot(const struct exception *exception)
{
    const struct condition *chosen = NULL;

    for (size_t i = 0; i < exception->n_conditions; i++) {
        const struct condition *c = &exception->conditions[i];

        if (c->type == CONDITION_ONE_OF && c->field != FIELD_ARGS &&
            (!chosen || c->values.n < chosen->values.n))
            chosen = c;
    }
    return chosen;
}

int exception_set_compile(struct exception_set *set)
{
    size_t n = 0;

    for (size_t i = 0; i < set->n_items; i++) {
        struct exception *exception = &set->items[i];
        const struct condition *pivot = choose_pivot(exception);

        set->effects |= 1U << exception->effect;
        n += pivot ? pivot->values.n : 0;
        for (size_t k = 0; k < exception->n_conditions; k++)
            if (exception->conditions[k].type == CONDITION_ONE_OF && exception->conditions[k].values.n > 1)
                qsort(exception->conditions[k].values.items, exception->conditions[k].values.n,
                      sizeof(char *), compare_texts);
    }
    set->pivots = calloc(n + 1, sizeof(*set->pivots));
    set->others = calloc(set->n_items + 1, sizeof(*set->others));
    if (!set->pivots || !set->others)
        return -ENOMEM;
    for (size_t i = 0; i < set->n_items; i++) {
        const struct condition *pivot = choose_pivot(&set->items[i]);

        if (!pivot) {
            set->others[set->n_others++] = i;
            continue;
        }
        set->is_field_used[pivot->field] = true;
        for (size_t k = 0; k < pivot->values.n; k++)
            set->pivots[set->n_pivots++] =
                (struct pivot){pivot->field, slice_from_string(pivot->values.items[k]), i};
    }
    if (set->n_pivots > 1)
        qsort(set->pivots, set->n_pivots, sizeof(*set->pivots), compare_pivots);
    return 0;
}

static bool names_job(const struct exception *exception, const char *job)
{
    for (size_t i = 0; i < exception->n_jobs; i++)
        if (strcmp(exception->jobs[i], job) == 0)
            return true;
    return exception->n_jobs == 0;
}

/* 1, 0, -ENOMEM. */
static int holds(const struct exception *exception, unsigned effects, const char *job,
                 const struct event *event)
{
    if (!(effects & (1U << exception->effect)) || event->time_usec < exception->starts_usec ||
        event->time_usec >= exception->expires_usec || !names_job(exception, job))
        return 0;
    for (size_t i = 0; i < exception->n_conditions; i++)
        if (!condition_holds(&exception->conditions[i], event))
            return 0;
    return exception->schedule ? schedule_holds(exception->schedule, event->time_usec) : 1;
}

/* Whether a goes before b, both of which match. */
static bool goes_before(const struct exception *a, const struct exception *b)
{
    if (a->effect != b->effect)
        return a->effect < b->effect;
    return a < b;
}

struct search {
    struct exception_set *set;
    unsigned effects;
    const char *job;
    const struct event *event;
    const struct exception *best;
};

static int consider(struct search *search, size_t i)
{
    const struct exception *exception = &search->set->items[i];
    int r;

    if (search->best && !goes_before(exception, search->best))
        return 0;
    r = holds(exception, search->effects, search->job, search->event);
    if (r > 0)
        search->best = exception;
    return r < 0 ? r : 0;
}

static int search_field(struct search *search, enum exception_field field)
{
    const struct exception_set *set = search->set;
    char text[FIELD_TEXT_SIZE];
    struct slice value = exception_field_value(search->event, field, text);
    size_t low = 0, high = set->n_pivots;
    int r = 0;

    if (slice_is_absent(value))
        return 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_values(&set->pivots[middle], field, value) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (r >= 0 && low < set->n_pivots && compare_values(&set->pivots[low], field, value) == 0)
        r = consider(search, set->pivots[low++].exception);
    return r;
}

int exception_set_find(struct exception_set *set, unsigned effects, const char *job,
                       const struct event *event, const struct exception **ret_exception)
{
    struct search search = {set, effects, job, event, NULL};
    int r = 0;

    if (!(set->effects & effects) || event->is_ambiguous)
        return 0;
    for (int field = 0; r >= 0 && field < _FIELD_MAX; field++)
        if (set->is_field_used[field])
            r = search_field(&search, (enum exception_field)field);
    for (size_t i = 0; r >= 0 && i < set->n_others; i++)
        r = consider(&search, set->others[i]);
    if (r < 0)
        return r;
    if (!search.best)
        return 0;
    *ret_exception = search.best;
    return 1;
}
