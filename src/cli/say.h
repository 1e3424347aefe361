/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_SAY_H
#define HAPAX_CLI_SAY_H

/* Text of others, and what rulebases make of it, for a person at a terminal. */

#include <stdio.h>

#include "normalize/lognorm.h"
#include "util/slice.h"

/* Text from outside, harmless to a terminal and its reader: what is not plain (util/utf8.h) and backslashes
 * as \xNN. */
void say_text(FILE *out, struct slice s);

/* The same, cut with "…" behind SAY_MAX_BYTES. */
#define SAY_MAX_BYTES 1024U /* chosen: twelve lines of a terminal */
void say_bytes(FILE *out, struct slice s);

/* "NAME = VALUE" for each field, a line each, behind indent. */
void say_fields(FILE *out, const struct rule_match *match, const char *indent);

#endif
