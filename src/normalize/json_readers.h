/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_READERS_H
#define HAPAX_NORMALIZE_JSON_READERS_H

/* One reader per kind of document. Each returns an enum text_outcome or -ENOMEM; the event's strings are in
 * arena memory. */

#include <libfastjson/json.h>

#include "normalize/json.h"

/* An ECS document of Auditbeat, Auditd Manager or Elastic Defend. line may be NULL. */
int json_read_ecs(struct fjson_object *document, const struct text_line *line, const struct uid_map *uid_map,
                  struct arena *arena, struct event *event) _warn_unused_;

/* The value of "sudo" in a line of sudo's log_format=json. line may be NULL. */
int json_read_sudo(struct fjson_object *sudo, const struct text_line *line, const struct uid_map *uid_map,
                   struct arena *arena, struct event *event) _warn_unused_;

/* The arguments in an array, with holes for null: event->args, n_args, args_count. 0 or -ENOMEM. */
int json_read_args(struct fjson_object *array, struct arena *arena, struct event *event) _warn_unused_;

/* The known arguments joined by blanks, holes left out, as event->command_line; nothing where there are none.
 */
int event_join_args(struct event *event, struct arena *arena) _warn_unused_;

#endif
