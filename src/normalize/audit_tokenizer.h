/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_AUDIT_TOKENIZER_H
#define HAPAX_NORMALIZE_AUDIT_TOKENIZER_H

/* The body of an audit record as name=value pairs that remember whether the value was quoted. */

#include <stdbool.h>

#include "util/buffer.h"
#include "util/slice.h"

struct audit_token {
    struct slice name;  /* "a0", "a1[0]", "AUID" */
    struct slice value; /* as it stands in the record, without its quotes */
    bool is_quoted;
    bool is_enriched; /* appended by auditd's log_format=ENRICHED, not said by the kernel */
    bool is_last;     /* nothing comes behind it */
    bool is_open;     /* its quote never closes: the value is all that was left */
};

/* Zero-initialise but for rest: the body. Slices of tokens point into it. */
struct audit_tokenizer {
    struct slice rest;
    bool is_enriched;
};

enum audit_token_outcome {
    AUDIT_TOKEN_END,    /* nothing left */
    AUDIT_TOKEN_READ,   /* *ret_token was written */
    AUDIT_TOKEN_BROKEN, /* a quote that never closes: what came before holds, *ret_token is open */
};

/* The next pair. Words without '=' are skipped. A whole body costs time linear in its length. */
enum audit_token_outcome audit_tokenizer_next(struct audit_tokenizer *t, struct audit_token *ret_token);

/* The bare (null): the kernel had no value. */
bool audit_token_is_null(const struct audit_token *token);

/*
 * The record was cut in this value: its quote never closes, or it is bare, the last, and hexadecimal but for
 * half a byte. Numbers that lost their quotes on the way are shorter.
 */
bool audit_token_is_cut(const struct audit_token *token);

/*
 * Appends the bytes a string field means: a quoted value as it is, a bare one of hexadecimal pairs decoded,
 * any other bare one as it is. Only for fields that hold strings: the number 12 is no hexadecimal. 0 or
 * -ENOMEM.
 */
int audit_token_decode(const struct audit_token *token, struct buffer *out) _warn_unused_;

#endif
