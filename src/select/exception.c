/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which exception forgives an event?
 *
 * Most exceptions name somebody or something exactly: a user, a host, a process. Each such exception is filed
 * under the values of one of these conditions, the one whose values the fewest exceptions share (its pivot:
 * of ten thousand that name root and a host each, the host), in an array sorted by field and value. A
 * question then is one binary search for each field that occurs, and only what it finds is looked at
 * condition by condition. Exceptions without an exact value (globs, networks, windows of maintenance) are
 * looked at one by one. Ten thousand exceptions cost some ten searches of fourteen steps.
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
    struct exception_id *id, *next;

    if (!set)
        return NULL;
    HASH_ITER(hh, set->ids, id, next)
    {
        HASH_DEL(set->ids, id);
        free(id->id);
        free(id);
    }
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
    struct exception_id *found = NULL;

    HASH_FIND_STR(set->ids, id, found);
    return found ? &set->items[found->exception] : NULL;
}

int exception_set_know_id(struct exception_set *set)
{
    size_t i = set->n_items - 1;
    struct exception_id *id;

    if (exception_set_find_id(set, set->items[i].id))
        return 0;
    id = calloc(1, sizeof(*id));
    if (!id)
        return -ENOMEM;
    id->exception = i;
    id->id = strdup(set->items[i].id);
    if (id->id)
        HASH_ADD_KEYPTR(hh, set->ids, id->id, strlen(id->id), id);
    if (id->hh.tbl)
        return 0;
    free(id->id);
    free(id);
    return -ENOMEM;
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

/* Whether an exception can be filed under the condition's values. */
static bool is_exact(const struct condition *condition)
{
    return condition->type == CONDITION_ONE_OF && condition->field != FIELD_ARGS;
}

/* The first pivot that is not below (field, value), or, behind those that are equal, above it; n where there
 * is none. */
static size_t search_pivots(const struct pivot *pivots, size_t n, enum exception_field field,
                            struct slice value, bool is_behind)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_values(&pivots[middle], field, value) < (is_behind ? 1 : 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* All exact values of all exceptions, sorted; their number. -ENOMEM. */
static int collect_values(const struct exception_set *set, struct pivot **ret_values, size_t *ret_n)
{
    struct pivot *values;
    size_t n = 0;

    for (size_t i = 0; i < set->n_items; i++)
        for (size_t k = 0; k < set->items[i].n_conditions; k++)
            if (is_exact(&set->items[i].conditions[k]))
                n += set->items[i].conditions[k].values.n;
    values = calloc(n + 1, sizeof(*values));
    if (!values)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < set->n_items; i++)
        for (size_t k = 0; k < set->items[i].n_conditions; k++) {
            const struct condition *c = &set->items[i].conditions[k];

            for (size_t v = 0; is_exact(c) && v < c->values.n; v++)
                values[n++] = (struct pivot){c->field, slice_from_string(c->values.items[v]), i};
        }
    if (n > 1)
        qsort(values, n, sizeof(*values), compare_pivots);
    *ret_values = values;
    *ret_n = n;
    return 0;
}

/* How many exceptions would be found under the condition's values: the lengths of the runs of equal ones. */
static size_t count_company(const struct condition *c, const struct pivot *values, size_t n)
{
    size_t sum = 0;

    for (size_t v = 0; v < c->values.n; v++) {
        struct slice value = slice_from_string(c->values.items[v]);

        sum += search_pivots(values, n, c->field, value, true) -
               search_pivots(values, n, c->field, value, false);
    }
    return sum;
}

/* The condition to file the exception under: the one that the fewest share. NULL: it names no exact value. */
static const struct condition *choose_pivot(const struct exception *exception, const struct pivot *values,
                                            size_t n)
{
    const struct condition *chosen = NULL;
    size_t fewest = SIZE_MAX;

    for (size_t i = 0; i < exception->n_conditions; i++) {
        const struct condition *c = &exception->conditions[i];
        size_t company = is_exact(c) ? count_company(c, values, n) : SIZE_MAX;

        if (company < fewest) {
            chosen = c;
            fewest = company;
        }
    }
    return chosen;
}

/* The values of a list are sorted for matching; returns what the effects of all are. */
static unsigned sort_values(struct exception_set *set)
{
    unsigned effects = 0;

    for (size_t i = 0; i < set->n_items; i++) {
        effects |= 1U << set->items[i].effect;
        for (size_t k = 0; k < set->items[i].n_conditions; k++) {
            struct condition *c = &set->items[i].conditions[k];

            if (c->type == CONDITION_ONE_OF && c->values.n > 1)
                qsort(c->values.items, c->values.n, sizeof(char *), compare_texts);
        }
    }
    return effects;
}

int exception_set_compile(struct exception_set *set)
{
    _cleanup_(freep) struct pivot *values = NULL;
    size_t n;
    int r;

    set->effects = sort_values(set);
    r = collect_values(set, &values, &n);
    if (r < 0)
        return r;
    set->pivots = calloc(n + 1, sizeof(*set->pivots));
    set->others = calloc(set->n_items + 1, sizeof(*set->others));
    if (!set->pivots || !set->others)
        return -ENOMEM;
    for (size_t i = 0; i < set->n_items; i++) {
        const struct condition *pivot = choose_pivot(&set->items[i], values, n);

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

    search->set->n_considered++;
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
    size_t low;
    int r = 0;

    if (slice_is_absent(value))
        return 0;
    low = search_pivots(set->pivots, set->n_pivots, field, value, false);
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
