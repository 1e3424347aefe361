/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What kind of document it is: sudo's events, ECS, another agent's (json_agents.c), or a terminal recording
 * of tlog (recognised so that it is not taken for something unknown; it holds what was typed and shown, not
 * what was run). Anything else that is JSON is nobody's here. A document comes bare, behind "@cee:" (the mark
 * of structured syslog messages, CEE 1.0-beta), or as the hit of an Elasticsearch search, inside "_source".
 */
#include "normalize/json.h"

#include "normalize/json_agents.h"
#include "normalize/json_document.h"
#include "normalize/json_ecs.h"
#include "normalize/json_sudo.h"

/* tlog lib/tlog/json_sink.c: {"ver":…,"host":…,"rec":…,"user":…,"term":…,"session":…,"id":…,"pos":…} */
static bool is_tlog(const struct json_reader *reader)
{
    return json_reader_has(reader, "ver") && json_reader_has(reader, "rec") && json_reader_has(reader, "pos");
}

int json_open(struct json_parser *parser, struct slice text, struct arena *arena,
              struct json_document **ret_document, struct json_reader *ret_reader)
{
    static const struct slice cee = SLICE("@cee:");
    _cleanup_(json_document_freep) struct json_document *document = NULL;
    struct json_reader reader = {.arena = arena};
    int r;

    text = slice_trim(text);
    if (slice_starts_with(text, cee))
        text = slice_skip(text, cee.len);
    r = json_document_new_cut(parser, text, &document);
    if (r <= 0)
        return r;
    reader.node = json_document_root(document);
    r = json_parser_index(parser, reader.node, &reader.index);
    if (r < 0)
        return r;
    if (!json_reader_has(&reader, "@timestamp") && json_reader_has(&reader, "_source")) {
        reader.node = json_reader_find(&reader, "_source");
        r = json_parser_index(parser, reader.node, &reader.index);
        if (r < 0)
            return r;
    }
    *ret_document = TAKE_PTR(document);
    *ret_reader = reader;
    return 1;
}

int json_read(struct json_parser *parser, struct slice text, const struct text_line *line, enum trust trust,
              const struct uid_map *uid_map, struct arena *arena, struct event *ret_event)
{
    _cleanup_(json_document_freep) struct json_document *document = NULL;
    struct json_reader reader;
    int r;

    r = json_open(parser, text, arena, &document, &reader);
    if (r <= 0)
        return r < 0 ? r : TEXT_QUARANTINED;
    if (is_tlog(&reader))
        return TEXT_IGNORED;
    r = json_read_sudo(&reader, line, trust, uid_map, ret_event);
    if (r != TEXT_UNKNOWN)
        return r;
    r = json_read_ecs(&reader, line, trust, uid_map, ret_event);
    if (r != TEXT_UNKNOWN)
        return r;
    return json_read_agents(&reader, line, trust, uid_map, ret_event);
}
