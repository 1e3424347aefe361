/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_EXCEPTIONS_H
#define HAPAX_CLI_EXCEPTIONS_H

/* Inside `hapax exceptions`: what its verbs share. */

#include "cli/setup.h"

struct exceptions_command {
    struct setup setup;
    const struct arg_command *command;
    const char *file; /* --file; NULL: the configured one */
    const char *id, *reason, *owner, *ticket, *effect, *starts, *expires;
    const char *alert;                          /* --alert: add the exception that it suggests */
    char *suggested_id, *suggested_expires;     /* what id and expires borrow then */
    struct string_list jobs, matches, schedule; /* --job, --match FIELD=VALUE, --schedule KEY=VALUE */
    bool is_json;
    char *path; /* of the exceptions; NULL: there are none */
};

/* Fills in what --alert suggests and the command line does not say. Problems go to setup.diags. */
int exceptions_take_alert(struct exceptions_command *c) _warn_unused_;

/* The exit codes. Problems are printed, but those in setup.diags. */
int exceptions_list(struct exceptions_command *c);
int exceptions_add(struct exceptions_command *c);
int exceptions_expire(struct exceptions_command *c, const char *id);
/* operands: [ID|FILE] INPUT… */
int exceptions_test(struct exceptions_command *c, char **operands, size_t n_operands);

#endif
