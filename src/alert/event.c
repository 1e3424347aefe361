/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What `hapax normalize` prints: the event as hapax understood it, one ECS object. Nothing is cut here,
 * however long: this output exists to be compared with the input.
 */
#include "alert/alert.h"

#include "alert/json.h"
#include "alert/members.h"

int alert_event(const struct event *event, struct arena *arena, struct slice *ret_json)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(arena, 0);

    json_begin_object(&w, NULL);
    json_time(&w, "@timestamp", event->time_usec);
    json_begin_object(&w, "event");
    members_event(&w, "event", event);
    json_end(&w);
    members_host(&w, event);
    members_user(&w, event);
    members_process(&w, event, MEMBERS_ARGS_ALL);
    members_source(&w, event);
    json_begin_object(&w, "hapax");
    members_hapax(&w, event, MEMBERS_ARGS_ALL);
    json_end(&w);
    return json_finish(&w, ret_json);
}
