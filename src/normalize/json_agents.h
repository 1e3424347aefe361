/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_AGENTS_H
#define HAPAX_NORMALIZE_JSON_AGENTS_H

#include "event/event.h"
#include "normalize/json_document.h"
#include "normalize/text.h"
#include "normalize/uid_map.h"

/*
 * Documents of Tetragon (process_exec), osquery (process_events, bpf_process_events) and Falco (alerts about
 * an exec). line (host and time of a wrapping) may be NULL. An enum text_outcome (TEXT_UNKNOWN: it is none of
 * theirs; TEXT_ROWS: json_read_rows reads it), or -ENOMEM.
 */
int json_read_agents(struct json_reader *reader, const struct text_line *line, enum trust trust,
                     const struct uid_map *uid_map, struct event *ret_event) _warn_unused_;

/* The rows of osquery's answer that came with it (one: it is no array), NULL where there are none. */
const struct json_node *json_agents_rows(const struct json_reader *reader);

/* One of them, as json_read_agents reads a record with one. */
int json_agents_read_row(struct json_reader *reader, const struct json_node *row,
                         const struct text_line *line, enum trust trust, const struct uid_map *uid_map,
                         struct event *ret_event) _warn_unused_;

#endif
