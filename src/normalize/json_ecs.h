/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_ECS_H
#define HAPAX_NORMALIZE_JSON_ECS_H

#include "event/event.h"
#include "normalize/json_document.h"
#include "normalize/text.h"
#include "normalize/uid_map.h"

/*
 * ECS documents of Auditbeat, Auditd Manager, Elastic Defend and whatever else speaks ECS. line (for the
 * host, where the document has none) may be NULL. An enum text_outcome (TEXT_UNKNOWN: it is not ECS), or
 * -ENOMEM.
 */
int json_read_ecs(struct json_reader *reader, const struct text_line *line, enum trust trust,
                  const struct uid_map *uid_map, struct event *ret_event) _warn_unused_;

#endif
