/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CONFIG_OPTION_H
#define HAPAX_CONFIG_OPTION_H

/*
 * One table per component says what can be set: it feeds the parser, the help, the manual page, and the test
 * that they agree. A component keeps its settings in a struct of its own; each row names the member by
 * offset.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/diag.h"
#include "util/slice.h"

enum option_type {
    OPTION_BOOL,     /* bool */
    OPTION_STRING,   /* char *, NULL where it has no default */
    OPTION_INTEGER,  /* int64_t, min..max */
    OPTION_NUMBER,   /* double, min..max */
    OPTION_DURATION, /* int64_t, microseconds, min..max; written with a unit: 15min */
    OPTION_SIZE,     /* uint64_t, bytes, min..max; written with or without a unit: 64MiB */
    OPTION_CHOICE,   /* int, index into choices */
    OPTION_RATE,     /* struct rate: 5/day, 5/day/1000hosts */
    OPTION_LIST,     /* struct string_list: a YAML sequence, a single scalar, or words separated by commas in
                        --set */
    OPTION_PROPERTIES, /* struct property_list: every key below this name, passed through untouched */
};

/* So many a day. */
struct rate {
    double a_day;
    double n_hosts; /* for that many hosts; 0: in all */
};

struct string_list {
    char **items;
    size_t n;
};

struct property {
    char *name, *value;
};

struct property_list {
    struct property *items;
    size_t n;
};

struct option {
    const char *name; /* dotted path below the component: "forget", "process.name" */
    enum option_type type;
    size_t offset;            /* of the member in the component's struct */
    const char *default_text; /* as a user would write it; NULL: no value */
    double min, max;          /* INTEGER NUMBER DURATION SIZE; both 0: not limited (nor negative); max < min:
                                 only min holds */
    const char *const *choices; /* CHOICE: NULL-terminated */
    bool is_required;
    const char *help; /* one sentence, for --help and the manual; lower case, no full stop */
};

struct option_table {
    const struct option *options;
    size_t n_options;
    size_t struct_size;
};

/* Appends a copy. 0 or -ENOMEM. */
int string_list_add(struct string_list *list, struct slice item) _warn_unused_;
void string_list_done(struct string_list *list);

/* Appends copies. 0 or -ENOMEM. */
int property_list_add(struct property_list *list, struct slice name, struct slice value) _warn_unused_;
void property_list_done(struct property_list *list);

/* One value as text into its member; the problem as a message without its place. 0, -EINVAL (see
 * *reterr_message), -ENOMEM. */
int option_parse(const struct option *option, struct slice text, void *settings,
                 char **reterr_message) _warn_unused_;

/* All defaults into a zeroed struct. Every default must parse: a programmer's error is asserted. 0 or
 * -ENOMEM. */
int option_defaults(const struct option_table *table, void *settings) _warn_unused_;

/* Releases the strings and lists in settings. */
void option_done(const struct option_table *table, void *settings);

/* What a value must look like, for messages and help: "a duration such as 15min", "one of window, decay". */
int option_describe(const struct option *option, char **ret_text) _warn_unused_;

#endif
