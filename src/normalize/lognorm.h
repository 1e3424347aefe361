/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_LOGNORM_H
#define HAPAX_NORMALIZE_LOGNORM_H

/*
 * liblognorm rulebases behind one door: the only file that knows ln_ctx. A rulebase set is the folder
 * rulebase/ : each *.rulebase file is loaded into a context of its own; any complaint of the library is
 * fatal, with file and line.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/diag.h"
#include "util/slice.h"

enum rulebase_kind {
    RULEBASE_HEADER,  /* syslog headers: timestamp, host, program, pid, message */
    RULEBASE_AUDIT,   /* audit record headers: node, type, seconds, milliseconds, serial, body */
    RULEBASE_MESSAGE, /* messages of programs: sudo, snoopy, cron, and users' own */
    _RULEBASE_MAX,
};

struct rulebase;

/* One field a rule found. */
struct rule_field {
    struct slice name;
    struct slice value;
};

struct rule_match {
    struct rule_field *fields; /* in arena memory, in the order of the rule */
    size_t n_fields;
    struct slice tags; /* of the rule, comma-separated; "" for none */
};

/* The same fields and tags, in the same order. */
bool rule_match_equal(const struct rule_match *a, const struct rule_match *b);

/*
 * Loads every *.rulebase of a folder: header.rulebase, audit.rulebase, and all others as messages. Then runs
 * the self test: each "# sample: LINE" comment must match the rule that follows it, each "# not: LINE" none
 * of its file. All problems go to diags (-EINVAL).
 */
int rulebase_load(const char *directory, struct diag_list *diags,
                  struct rulebase **ret_rulebase) _warn_unused_;

struct rulebase_options {
    const char *directory; /* as above */
    /*
     * A folder of more, NULL: none. A file with the name of one in directory takes its place; all others are
     * messages, tried behind those of directory and before its unremarkable.rulebase, which takes what is
     * left of known programs.
     */
    const char *extra;
    bool tells_rules; /* for rulebase_set_trace; a third of a match */
    /*
     * Files that are as this build shipped them, with the library it was built with, were tested then: they
     * are not again, and are read by the library when a line first needs them.
     */
    bool trusts_shipped;
};
int rulebase_load_with(const struct rulebase_options *options, struct diag_list *diags,
                       struct rulebase **ret_rulebase) _warn_unused_;
/* One file alone, as messages, which tells its rules. 1: it is loaded and its self test failed (in diags). */
int rulebase_load_file(const char *path, struct diag_list *diags,
                       struct rulebase **ret_rulebase) _warn_unused_;
struct rulebase *rulebase_free(struct rulebase *rb);
DEFINE_CLEANUP(struct rulebase *, rulebase_free)

/* Rules and sample lines over all files. */
void rulebase_count(const struct rulebase *rb, size_t *ret_n_rules, size_t *ret_n_samples);

/* What one file made of a text; borrowed for the call. */
struct rulebase_attempt {
    enum rulebase_kind kind;
    const char *file;
    unsigned line;                  /* of the rule that matched; 0: none, or it is not told */
    struct slice text;              /* that was matched */
    const struct rule_match *match; /* NULL: none did */
    struct slice rest;              /* what the rule that came farthest could not take; absent: unknown */
};
typedef void (*rulebase_trace_fn)(void *userdata, const struct rulebase_attempt *attempt);
/* Called for each file that is asked, in rulebase_match; NULL: not any more. */
void rulebase_set_trace(struct rulebase *rb, rulebase_trace_fn trace, void *userdata);

/*
 * 1: a rule matched; 0: none did; -ENOMEM. What is found lives until the arena's reset, and no longer than
 * the rulebase or, for RULEBASE_AUDIT, the line.
 */
int rulebase_match(const struct rulebase *rb, enum rulebase_kind kind, struct slice line, struct arena *arena,
                   struct rule_match *ret_match) _warn_unused_;

/* The field's value, absent where the rule found none of that name. */
struct slice rule_match_find(const struct rule_match *match, const char *name);

/* Whether the rule carries the tag. */
bool rule_match_has_tag(const struct rule_match *match, const char *tag);

#endif
