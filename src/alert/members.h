/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ALERT_MEMBERS_H
#define HAPAX_ALERT_MEMBERS_H

/* The members that an event printed by `hapax normalize` and an alert have in common, in one spelling. */

#include "alert/json.h"
#include "event/event.h"

/* For args_bytes_max: all arguments. */
#define MEMBERS_ARGS_ALL SIZE_MAX

/* Into the open "event" object: kind, category, type, action, outcome. */
void members_event(struct json_writer *w, const char *kind, const struct event *event);
/* {"host": {"name"}} */
void members_host(struct json_writer *w, const struct event *event);
/* {"user": …}: the actor, and as whom. */
void members_user(struct json_writer *w, const struct event *event);
/* {"process": …}, with as many arguments as args_bytes_max holds, each counted with one byte for its end. */
void members_process(struct json_writer *w, const struct event *event, size_t args_bytes_max);
/* {"source": {"ip"}}: where the login came from. */
void members_source(struct json_writer *w, const struct event *event);
/* Whether the event has an address for it: only what an index takes as one, ECS types the field "ip". */
bool member_has_source_ip(const struct event *event);
/* What has no place in ECS, into the open "hapax" object: format, trust, identity.kind, process.*, audit.*.
 */
void members_hapax(struct json_writer *w, const struct event *event, size_t args_bytes_max);

/* The name of a user as people read it: its name, "uid:N", or absent. In arena memory or borrowed. */
int member_user_label(struct arena *arena, const struct user *user, struct slice *ret_label) _warn_unused_;

#endif
