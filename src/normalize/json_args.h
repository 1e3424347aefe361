/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_ARGS_H
#define HAPAX_NORMALIZE_JSON_ARGS_H

/* Argument vectors, which ECS and sudo write alike. */

#include "event/event.h"
#include "normalize/json_document.h"

/*
 * The array at path to args, n_args and args_count: null is a hole, a number its text. More than 65536 are
 * cut, and then not exact. Nothing is changed where the path is not there. 0 or -ENOMEM.
 */
int json_args_read(struct json_reader *reader, const char *path, struct event *event) _warn_unused_;

/* The args joined by blanks, holes left out, in arena memory; absent where there are none or memory is out.
 */
struct slice json_args_join(struct json_reader *reader, const struct event *event);

#endif
