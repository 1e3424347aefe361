/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One document, several events: osquery logs the answer to a query as one record with all its rows where
 * logger_event_type is false ("diffResults": {"added": […]}) or the query is a snapshot ("snapshot": […]).
 * Each row is read as if it were the columns of a record of its own (json_agents.c).
 *
 * json_read says that it is such a document, and it is parsed once more here: the others, by far the most,
 * pay nothing for it. What a row does not hold (host, time of the answer) comes from the document, so a
 * record costs rows times a few look-ups, and no row copies more than its own text. The number of rows is
 * bounded by JSON_ROWS_MAX; what is left is counted by the caller.
 */
#include "normalize/json_rows.h"

#include "normalize/json.h"
#include "normalize/json_agents.h"

int json_read_rows(struct json_parser *parser, struct slice text, const struct text_line *line,
                   enum trust trust, const struct uid_map *uid_map, struct arena *arena, json_row_fn emit,
                   void *userdata, uint64_t *ret_n_left)
{
    _cleanup_(json_document_freep) struct json_document *document = NULL;
    struct json_reader reader;
    const struct json_node *rows;
    size_t n;
    int r;

    r = json_open(parser, text, arena, &document, &reader);
    if (r <= 0)
        return r;
    rows = json_agents_rows(&reader);
    n = json_node_length(rows);
    for (size_t i = 0; i < MIN(n, (size_t)JSON_ROWS_MAX); i++) {
        struct event event = EVENT_INIT;

        r = json_agents_read_row(&reader, json_node_element(rows, i), line, trust, uid_map, &event);
        if (r >= 0)
            r = emit(userdata, r, &event);
        if (r < 0)
            return r;
    }
    *ret_n_left = n > JSON_ROWS_MAX ? n - JSON_ROWS_MAX : 0;
    return 0;
}
