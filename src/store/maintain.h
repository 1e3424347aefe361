/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_STORE_MAINTAIN_H
#define HAPAX_STORE_MAINTAIN_H

/* What an operator does to a store: look at it, print it, make it smaller. */

#include "store/store.h"

/*
 * Opens for reading only, also beside a running hapax: takes no lock, makes nothing, changes nothing. Only
 * what reads may be called. What is wrong goes to diags (-EINVAL).
 */
int store_inspect(const char *path, struct diag_list *diags, struct store **ret_store) _warn_unused_;

struct store_counts {
    int64_t schema;
    uint64_t file_bytes, free_bytes; /* of pages that hold nothing */
    uint64_t n_state, n_cursors, n_pending, n_outbox, outbox_bytes, n_dead_letters, n_history;
    int64_t history_first_usec, history_last_usec; /* buckets; 0 without history */
};
int store_count(struct store *store, struct store_counts *ret_counts) _warn_unused_;

/* Each source's place, by name. What fn returns other than 0 ends the walk and is returned. */
int store_walk_cursors(struct store *store,
                       int (*fn)(void *userdata, struct slice source, struct slice cursor),
                       void *userdata) _warn_unused_;

/*
 * Whether a hapax has the state, without taking the lock, which one that starts at this instant would miss.
 * 1 and its process id; 0: none has it, or one that cannot be seen from here (of another container); negative
 * errno.
 */
int store_find_owner(const char *path, uint64_t *ret_pid) _warn_unused_;

/*
 * Reads every page and compares every index with its table; calls fn for each problem, at most
 * STORE_PROBLEMS_MAX. *ret_n: how many. Cost: the size of the file, some 200 MB a second from memory.
 */
#define STORE_PROBLEMS_MAX 100
int store_check(struct store *store, void (*fn)(void *userdata, const char *problem), void *userdata,
                size_t *ret_n) _warn_unused_;

/* One column of a row, as it is to be shown. */
struct store_field {
    const char *name;
    enum store_field_kind {
        STORE_FIELD_NULL,
        STORE_FIELD_INTEGER,
        STORE_FIELD_TIME, /* integer: microseconds since the epoch */
        STORE_FIELD_NUMBER,
        STORE_FIELD_TEXT,
        STORE_FIELD_BYTES, /* no text: to be shown as hexadecimal digits */
    } kind;
    int64_t integer;
    double number;
    struct slice bytes; /* TEXT, BYTES; TEXT may hold any byte, too */
};
#define STORE_FIELDS_MAX 21

struct store_dump_callbacks {
    /* A row; borrowed for the call. What it returns other than 0 ends the dump and is returned. */
    int (*row)(void *userdata, const char *table, const struct store_field *fields, size_t n_fields);
    /* Salvage: a part of the table cannot be read. */
    void (*damage)(void *userdata, const char *table, const char *message);
    void *userdata;
};

/*
 * Every row of every table, as of one moment. is_salvage: goes on behind damage; each table is read from its
 * beginning to the damage and from its end to the damage, so that only what lies between is missing.
 * Otherwise damage is -EBADMSG.
 */
int store_dump(struct store *store, bool is_salvage,
               const struct store_dump_callbacks *callbacks) _warn_unused_;

/*
 * Writes the database anew without its free pages, brings its schema up to date, and puts it in the old one's
 * place in one step. Needs the lock, and as much free space as the database holds; refuses otherwise (diags).
 * progress is called now and then, from within.
 */
int store_compact(const char *path, void (*progress)(int64_t n_bytes, int64_t total_bytes),
                  struct diag_list *diags, uint64_t *ret_before_bytes,
                  uint64_t *ret_after_bytes) _warn_unused_;

#endif
