/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_WRAPPED_H
#define HAPAX_NORMALIZE_JSON_WRAPPED_H

/* JSON as a wrapping: entries of the journal (journalctl -o json), and messages as log daemons and shippers
 * write them. */

#include "event/record.h"
#include "normalize/json_document.h"
#include "normalize/text.h"

/* more than journal_read looks at */
#define JSON_WRAPPED_FIELDS_MAX 16

enum json_wrapping {
    JSON_WRAPS_NOTHING, /* not JSON, or no such document */
    JSON_WRAPS_ENTRY,   /* fields are filled */
    JSON_WRAPS_LINE,    /* line is filled */
    JSON_WRAPS_RAW,    /* line.message is a line of a log, header and all; host and time are what the wrapping
                          says */
    JSON_WRAPS_BROKEN, /* such a document, with a field of no use: too large for journalctl, no bytes … */
};

struct json_wrapped {
    struct record_field fields[JSON_WRAPPED_FIELDS_MAX];
    size_t n_fields;
    struct text_line line;
};

/* An enum json_wrapping, or -ENOMEM. Slices are in arena. Linear in the text. */
int json_read_wrapped(struct json_parser *parser, struct slice text, struct arena *arena,
                      struct json_wrapped *ret_wrapped) _warn_unused_;

#endif
