/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_EXCEPTION_H
#define HAPAX_SELECT_EXCEPTION_H

/*
 * Exceptions: what a site has decided to forgive, with a reason and an owner. A set is read from a YAML file
 * or a folder of them (hapax-exceptions(5)), is compiled once, and then asked about events.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/option.h"
#include "event/event.h"
#include "select/onboarding.h"
#include "util/cleanup.h"
#include "util/diag.h"

enum exception_effect {
    EXCEPTION_SUPPRESS, /* no alert; the event is learned */
    EXCEPTION_SKIP,     /* not even learned */
    EXCEPTION_DIGEST,   /* one summary a day instead of the alert; the event is learned */
    _EXCEPTION_EFFECT_MAX,
};
extern const char *const exception_effect_names[]; /* NULL-terminated */

struct schedule;
struct condition;

struct exception {
    char *id, *reason, *owner;
    char *ticket; /* NULL: none */
    enum exception_effect effect;
    int64_t starts_usec;  /* INT64_MIN: always has been */
    int64_t expires_usec; /* INT64_MAX: never; an event of this time or later is not forgiven */
    char **jobs;          /* ids; none: all jobs */
    size_t n_jobs;
    struct condition *conditions; /* all must hold */
    size_t n_conditions;
    struct schedule *schedule; /* NULL: at any time */
    char *match_text;          /* the conditions as one line for people */
    const char *file;          /* borrowed from the set */
    unsigned line, column;     /* of the id's value */
    unsigned expires_line;     /* 0: it does not expire, or that was not read from a line */
};

struct exception_set;

/* What an item of "exceptions" may say, and the top of a file. */
extern const struct option_table exception_option_table, exception_file_option_table;

/*
 * Reads a file, or all *.yaml of a folder in the order of their names. Parsed aside: nothing that is in force
 * is touched. All problems of all files go to diags with file, line and column (-EINVAL). A group map and a
 * list of accounts are found relative to the file that names them.
 */
int exception_set_load(const char *path, struct diag_list *diags,
                       struct exception_set **ret_set) _warn_unused_;
/*
 * The same as if file, one of path's or a new one, held text: an edit is tried before it is written. With
 * path and file the same nothing is read from disk but what the text names.
 */
int exception_set_try(const char *path, const char *file, struct slice text, struct diag_list *diags,
                      struct exception_set **ret_set) _warn_unused_;
struct exception_set *exception_set_free(struct exception_set *set);
DEFINE_CLEANUP(struct exception_set *, exception_set_free)

/* In the order read. */
size_t exception_set_count(const struct exception_set *set);
const struct exception *exception_set_at(const struct exception_set *set, size_t i);
/* NULL where there is none of that id. */
const struct exception *exception_set_find_id(const struct exception_set *set, const char *id);
/* Lets nothing but this exception be in force; onboarding is off, too. */
void exception_set_keep(struct exception_set *set, const char *id);
const struct onboarding_options *exception_set_onboarding(const struct exception_set *set);

/*
 * The exception that forgives this event to this job, at the event's time. effects: bits 1 << EXCEPTION_….
 * Where several do, suppress goes before digest, and the first read before the others. 1 and *ret_exception,
 * 0, -ENOMEM. An event that can be read in more than one way is never forgiven. Cost: a few binary searches,
 * and the exceptions that name no exact value one by one.
 */
int exception_set_find(struct exception_set *set, unsigned effects, const char *job,
                       const struct event *event, const struct exception **ret_exception) _warn_unused_;

/* Whether any exception has one of the effects: without, nothing has to be looked up. */
bool exception_set_has(const struct exception_set *set, unsigned effects);

#endif
