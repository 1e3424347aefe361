/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_EXCEPTION_SET_H
#define HAPAX_SELECT_EXCEPTION_SET_H

/* Inside select/ only: what a set of exceptions holds, shared by exception.c (asks it), exception_field.c
 * (its conditions) and exception_load.c (fills it). */

#include "select/exception.h"
#include "util/table.h"

enum exception_field {
    FIELD_USER_NAME,
    FIELD_USER_ID,
    FIELD_REAL_NAME,
    FIELD_REAL_ID,
    FIELD_EFFECTIVE_NAME,
    FIELD_EFFECTIVE_ID,
    FIELD_USER_KIND,
    FIELD_HOST_NAME,
    FIELD_PROCESS_NAME,
    FIELD_EXECUTABLE,
    FIELD_COMMAND_LINE,
    FIELD_ARGS, /* holds where one of them does */
    FIELD_WORKING_DIRECTORY,
    FIELD_PARENT_NAME,
    FIELD_PARENT_EXECUTABLE,
    FIELD_TTY,
    FIELD_UNIT,
    FIELD_SOURCE_IP,
    FIELD_ACTION,
    FIELD_OUTCOME,
    FIELD_FORMAT,
    _FIELD_MAX,
};
/* As the alerts and `hapax normalize` name them; NULL-terminated. */
extern const char *const exception_field_names[];

enum condition_type {
    CONDITION_ONE_OF,
    CONDITION_GLOB,
    CONDITION_CIDR,
    CONDITION_EXISTS,
};

struct network {
    unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned n_bits;
};

struct condition {
    enum exception_field field;
    enum condition_type type;
    struct string_list values; /* ONE_OF: sorted by slice_compare; GLOB */
    struct network *networks;  /* CIDR */
    size_t n_networks;
    bool is_wanted; /* EXISTS: there, or not there */
};

void condition_done(struct condition *condition);

/* One value that selects candidates: (field, value) of a ONE_OF condition. */
struct pivot {
    enum exception_field field;
    struct slice value; /* borrowed from the condition */
    size_t exception;
};

/* An id, and whose it is. */
struct exception_id {
    char *id;
    size_t exception;
    UT_hash_handle hh;
};

struct exception_set {
    struct string_list files;
    struct exception *items;
    size_t n_items;
    struct exception_id *ids;
    struct pivot *pivots; /* sorted by field, value, exception */
    size_t n_pivots;
    size_t *others; /* exceptions without a pivot */
    size_t n_others;
    unsigned effects;               /* bits of those that occur */
    bool is_field_used[_FIELD_MAX]; /* in a pivot */
    uint64_t n_considered;          /* exceptions looked at by all questions so far, for a test of the cost */
    struct onboarding_options onboarding;
};

/* Files the last item under its id; the first of an id stays. 0 or -ENOMEM. */
int exception_set_know_id(struct exception_set *set) _warn_unused_;

/* Sorts the values, chooses the pivots. Called once, when all items are there. 0 or -ENOMEM. */
int exception_set_compile(struct exception_set *set) _warn_unused_;

/* Fields of an event: exception_field.c. The text in arena-free memory: number is the caller's. */
#define FIELD_TEXT_SIZE 24U
/* The value of a single field (not FIELD_ARGS); absent where the event does not say. */
struct slice exception_field_value(const struct event *event, enum exception_field field,
                                   char text[FIELD_TEXT_SIZE]);
bool condition_holds(const struct condition *condition, const struct event *event);

/* "10.0.0.0/8", "2001:db8::/32", or an address alone. -EINVAL. */
int network_parse(struct slice text, struct network *ret_network) _warn_unused_;

/* '*' any bytes, '?' one byte, '\' takes the next byte as it is. Linear in text times pattern at worst. */
bool glob_matches(struct slice pattern, struct slice text);

#endif
