/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_ROWS_H
#define HAPAX_NORMALIZE_JSON_ROWS_H

#include "normalize/json_document.h"
#include "normalize/text.h"

/* chosen: a record of the frame's limit, 1 MiB, holds about so many rows of 250 bytes */
#define JSON_ROWS_MAX 4096U

/* Receives what one row is (an enum text_outcome) and its event; borrowed for the call. 0 or a negative
 * errno. */
typedef int (*json_row_fn)(void *userdata, int outcome, struct event *event);

/*
 * Reads a document that json_read called TEXT_ROWS: osquery's rows, in their order. *ret_n_left is how many
 * came after JSON_ROWS_MAX and were not read. 0, -ENOMEM or what emit returned.
 */
int json_read_rows(struct json_parser *parser, struct slice text, const struct text_line *line,
                   enum trust trust, const struct uid_map *uid_map, struct arena *arena, json_row_fn emit,
                   void *userdata, uint64_t *ret_n_left) _warn_unused_;

#endif
