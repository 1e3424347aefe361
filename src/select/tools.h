/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_TOOLS_H
#define HAPAX_SELECT_TOOLS_H

/*
 * The tool catalogue, rulebase/tools.yaml: sets of commands, each under an ATT&CK technique, that jobs name
 * ("tools: [network_connections]"). A set holds rules; a process start is of the set if it fits any of them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "config/option.h"
#include "select/pattern.h"
#include "util/diag.h"

/* The kernel cuts a process name to 15 bytes (include/linux/sched.h TASK_COMM_LEN 16). */
#define COMM_BYTES_MAX 15U

struct tool_rule {
    struct string_list names;     /* of the process; none: any process */
    struct pattern_list args;     /* an argument fits one of these; none: whatever the arguments */
    struct pattern_list and_args; /* and an argument fits one of these */
    struct pattern_list not_args; /* and no argument fits one of these */
};

struct tool_set {
    char *id;
    char *technique;
    char *description;
    struct string_list family; /* process names that belong to this set before any other */
    char *job;                 /* id of the job whose alerts the family raises; NULL: it is of no suite */
    struct tool_rule *rules;
    size_t n_rules;
};

struct tool_catalogue {
    struct tool_set *sets;
    size_t n_sets;
    struct string_list multicall; /* programs whose first argument is the tool: busybox */
};

/* What tools.yaml may say: its top level, a set, and a rule of a set. */
extern const struct option_table tools_option_table, tool_set_option_table, tool_rule_option_table;

/*
 * Reads a catalogue. Unknown keys, bad patterns and techniques, a name in two families, a job of two go to
 * diags with file, line and column (-EINVAL).
 */
int tool_catalogue_load(const char *path, struct diag_list *diags,
                        struct tool_catalogue **ret_catalogue) _warn_unused_;
struct tool_catalogue *tool_catalogue_free(struct tool_catalogue *catalogue);
DEFINE_CLEANUP(struct tool_catalogue *, tool_catalogue_free)

/* NULL: there is none of that id. */
const struct tool_set *tool_catalogue_find(const struct tool_catalogue *catalogue, const char *id);

/* The set whose family a process name belongs to; NULL: none. Not constant: for load time. */
const struct tool_set *tool_catalogue_family(const struct tool_catalogue *catalogue, struct slice name);

/* "TA0007": the prefix and four digits; for a technique perhaps a dot and three more. */
bool is_attack_id(const char *id, const char *prefix, bool may_be_sub);

#endif
