/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_AUDIT_TOKENIZER_H
#define HAPAX_NORMALIZE_AUDIT_TOKENIZER_H

/* The body of an audit record as (name, value, was it quoted), in one linear pass without a copy. */

#include <stdbool.h>

#include "util/arena.h"
#include "util/slice.h"

struct audit_field {
    struct slice name;
    struct slice value; /* without quotes */
    bool is_quoted;     /* the value is literal; bare values are hexadecimal, numbers or (null) */
    bool is_enriched;   /* auditd's own addition: AUID="alice" */
};

struct audit_tokenizer {
    struct slice rest;
    bool is_broken; /* a quote was not closed: the last value is all that was left */
};

/* Borrows body until the last field was read. */
void audit_tokenizer_init(struct audit_tokenizer *t, struct slice body);

/* true and the next field; false at the end. Words without '=' are passed over. */
bool audit_tokenizer_next(struct audit_tokenizer *t, struct audit_field *ret_field);

/*
 * The bytes of a field that is known to hold a string: literal where quoted, decoded where it is hexadecimal,
 * as it is where it is neither; absent for (null). In arena memory only where decoded. 0 or -ENOMEM.
 */
int audit_field_decode(const struct audit_field *field, struct arena *arena,
                       struct slice *ret_value) _warn_unused_;

#endif
