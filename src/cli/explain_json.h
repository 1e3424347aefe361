/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_EXPLAIN_JSON_H
#define HAPAX_CLI_EXPLAIN_JSON_H

/* What explain.c says of a record, as one JSON object a line. */

#include <stdint.h>

#include "cli/setup.h"
#include "event/event.h"
#include "normalize/lognorm.h"

struct explain_json;

/* What is known of a record once it is read; borrowed for the call. */
struct explain_row {
    const char *path; /* as given; "stdin" */
    uint64_t number;  /* from 1; 0: the end of the input, which has no record */
    struct slice text;
    const char *read_as; /* NULL: nobody looked */
    const char *outcome; /* "used", or "WORD: why"; NULL at the end */
    uint64_t n_given_up; /* records before it, of which only now is known that they lead to nothing */
    bool is_unknown;     /* rules that came close are worth telling */
};

int explain_json_new(struct explain_json **ret_json) _warn_unused_;
struct explain_json *explain_json_free(struct explain_json *json);
DEFINE_CLEANUP(struct explain_json *, explain_json_free)

/* Notes for the row to come. A failure is kept, and returned by the next explain_json_row. */
void explain_json_attempt(struct explain_json *json, const struct rulebase_attempt *attempt);
/* Returns a negative errno of the exceptions' or of memory. */
int explain_json_event(struct explain_json *json, const struct setup *setup,
                       const struct event *event) _warn_unused_;

/* Whether anything was noted since the last row. */
bool explain_json_has_notes(const struct explain_json *json);

/* Prints the row with its notes on standard output, and forgets them. 0 or a negative errno. */
int explain_json_row(struct explain_json *json, const struct explain_row *row) _warn_unused_;

#endif
