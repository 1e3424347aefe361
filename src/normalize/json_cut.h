/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_CUT_H
#define HAPAX_NORMALIZE_JSON_CUT_H

/* A document without the members that nobody reads. */

#include "normalize/json_paths.h"
#include "util/slice.h"

/* What a document may be to be cut. What is not, the library sees whole. */
struct json_cut_limits {
    unsigned depth;         /* brackets inside of each other */
    unsigned n_comparisons; /* a member costs one with each before it in its object */
};

/*
 * Writes to out, which is as large as text, an object in which every path of the tree finds what it finds in
 * text, however text spells it. *ret_len is its length. False: text is no object, breaks a limit, or is
 * written in a way about which libraries may differ; out is of no use. Linear in the text.
 */
bool json_cut(const struct json_paths *paths, const struct json_cut_limits *limits, struct slice text,
              char *out, size_t *ret_len);

#endif
