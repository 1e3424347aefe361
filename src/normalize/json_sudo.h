/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_SUDO_H
#define HAPAX_NORMALIZE_JSON_SUDO_H

#include "event/event.h"
#include "normalize/json_document.h"
#include "normalize/text.h"
#include "normalize/uid_map.h"

/*
 * sudo's JSON events. line may be NULL. An enum text_outcome (TEXT_UNKNOWN: it is none of sudo's), or
 * -ENOMEM.
 */
int json_read_sudo(struct json_reader *reader, const struct text_line *line, enum trust trust,
                   const struct uid_map *uid_map, struct event *ret_event) _warn_unused_;

#endif
