/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_JSON_H
#define HAPAX_NORMALIZE_JSON_H

/*
 * JSON documents to process start events, through libfastjson: ECS process events of Auditbeat, Auditd
 * Manager and Elastic Defend (as they leave the agent, and as they leave the ingest pipeline: nested or
 * dotted keys, values or one-element arrays), sudo's log_format=json, and documents of Tetragon, osquery and
 * Falco.
 */

#include "event/event.h"
#include "normalize/json_document.h"
#include "normalize/text.h"
#include "normalize/uid_map.h"

/*
 * Opens a document as all its readers see it: without "@cee:" before it and an Elasticsearch hit around it,
 * cut to what they ask for. Returns what json_document_new does; *ret_reader begins where paths do, and lasts
 * as long as the document.
 */
int json_open(struct json_parser *parser, struct slice text, struct arena *arena,
              struct json_document **ret_document, struct json_reader *ret_reader) _warn_unused_;

/*
 * Reads one document. line gives host and time of a wrapping (syslog header, journal entry) for formats that
 * carry none themselves; may be NULL. Returns an enum text_outcome (TEXT_UNKNOWN: valid JSON of no known
 * kind; TEXT_QUARANTINED: not JSON, nested too deep, a process start without a time; TEXT_SHIPPED: of
 * Filebeat; TEXT_ROWS: it holds several, for json_read_rows), or -ENOMEM.
 */
int json_read(struct json_parser *parser, struct slice text, const struct text_line *line, enum trust trust,
              const struct uid_map *uid_map, struct arena *arena, struct event *ret_event) _warn_unused_;

#endif
