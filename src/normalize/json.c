/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One JSON document to one event: parse, find out what kind it is, hand it to the reader of that kind.
 *
 * The parser is libfastjson's, with a depth limit, so that a document nested ten thousand deep costs a table
 * of 64 entries and an error. Bytes behind the document are an error, too: two documents glued together are
 * damage.
 *
 * Kinds: sudo's ("sudo" at the top), terminal recordings of tlog ("rec" and "timing": understood, not
 * commands), ECS (anything with "event" or "process"). All else is unknown.
 */
#include "normalize/json.h"

#include <errno.h>
#include <limits.h>
#include <libfastjson/json.h>

#include "normalize/json_readers.h"
#include "normalize/json_value.h"

/* chosen: ECS documents nest five deep; Elastic Defend's deepest sample nests seven */
#define DEPTH_MAX 64

static void fjson_freep(struct fjson_object **object)
{
    if (*object)
        (void)fjson_object_put(*object);
}

static void tokener_freep(struct fjson_tokener **tokener)
{
    if (*tokener)
        fjson_tokener_free(*tokener);
}

/* 1 and the object, 0: not one JSON object, -ENOMEM. */
static int parse(struct slice text, struct fjson_object **ret_object)
{
    _cleanup_(tokener_freep) struct fjson_tokener *tokener = fjson_tokener_new_ex(DEPTH_MAX);
    _cleanup_(fjson_freep) struct fjson_object *object = NULL;

    if (!tokener)
        return -ENOMEM;
    if (text.len == 0 || text.len > INT_MAX)
        return 0;
    object = fjson_tokener_parse_ex(tokener, text.data, (int)text.len);
    if (!object || !fjson_object_is_type(object, fjson_type_object))
        return 0;
    if (slice_trim(slice_skip(text, (size_t)tokener->char_offset)).len > 0)
        return 0;
    *ret_object = TAKE_PTR(object);
    return 1;
}

int json_read(struct slice text, const struct text_line *line, enum trust trust,
              const struct uid_map *uid_map, struct arena *arena, struct event *ret_event)
{
    _cleanup_(fjson_freep) struct fjson_object *document = NULL;
    struct event event = EVENT_INIT;
    struct fjson_object *sudo;
    int r = parse(text, &document);

    if (r <= 0)
        return r < 0 ? r : TEXT_QUARANTINED;
    event.trust = trust;
    sudo = json_value_find(document, "sudo");
    if (sudo && fjson_object_is_type(sudo, fjson_type_object))
        r = json_read_sudo(sudo, line, uid_map, arena, &event);
    else if (json_value_find(document, "event.action") || json_value_find(document, "event.type") ||
             json_value_find(document, "process.name") || json_value_find(document, "process.executable") ||
             json_value_find(document, "event.category"))
        r = json_read_ecs(document, line, uid_map, arena, &event);
    else if (json_value_find(document, "rec") && json_value_find(document, "timing"))
        r = TEXT_IGNORED;
    else
        r = TEXT_UNKNOWN;
    if (r == TEXT_EVENT)
        *ret_event = event;
    return r;
}
