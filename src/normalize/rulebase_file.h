/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_RULEBASE_FILE_H
#define HAPAX_NORMALIZE_RULEBASE_FILE_H

/* What must be known of a *.rulebase file that liblognorm does not tell: where its rules and samples are. */

#include <stdbool.h>
#include <stddef.h>

#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/diag.h"
#include "util/slice.h"

struct rulebase_rule {
    unsigned line;        /* of "rule=" */
    struct slice body;    /* behind "rule=": tags, a colon, and what a line must be; over all its lines */
    struct slice literal; /* what every match begins with; "" where the rule begins with a field */
    bool has_string;      /* uses the "string" parser */
};

struct rulebase_sample {
    unsigned line;
    struct slice text;
    size_t rule; /* index of the rule it belongs to; unused where is_negative */
    bool is_negative;
};

struct rulebase_file {
    char *path;
    char *text;
    /*
     * The same without the version line, NUL-terminated, for ln_loadSamplesFromString: a rule of several
     * lines is one line, followed by empty ones, so that all line numbers are those of the file.
     */
    struct buffer rules_text;
    struct rulebase_rule *rules;
    size_t n_rules;
    struct rulebase_sample *samples;
    size_t n_samples;
    bool has_prefix;    /* a prefix= line: the literals of the rules are not where lines begin */
    bool has_others;    /* lines that are neither rules nor comments: annotate=, prefix=, type= */
    unsigned type_line; /* of the first user-defined type; 0: none */
};

/*
 * Reads and checks what liblognorm would let pass: the version line, include lines, no rules, rules without a
 * sample, samples without a rule, a cut last line. Problems go to diags (-EINVAL).
 */
int rulebase_file_read(const char *path, struct diag_list *diags,
                       struct rulebase_file **ret_file) _warn_unused_;
struct rulebase_file *rulebase_file_free(struct rulebase_file *f);
DEFINE_CLEANUP(struct rulebase_file *, rulebase_file_free)

#endif
