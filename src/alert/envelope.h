/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ALERT_ENVELOPE_H
#define HAPAX_ALERT_ENVELOPE_H

/* Inside alert/ only: what an alert, a roll-up and a digest say alike. */

#include "alert/alert.h"
#include "alert/json.h"
#include "util/buffer.h"

/*
 * The message limit of Kafka is 1 MB unless set otherwise (message.max.bytes). A byte becomes at most six
 * when escaped: two dozen strings of 4 KiB (PATH_MAX), the arguments, and these again in hexadecimal, stay
 * below it.
 */
#define ENVELOPE_STRING_BYTES_MAX ((size_t)4 * 1024)

/* Begins the outermost object: @timestamp, ecs.version, message. */
void envelope_begin(struct json_writer *w, int64_t time_usec, struct slice message);

/* {"observer": {…}} */
void envelope_observer(struct json_writer *w, const struct alert_observer *observer);

/* Of a document about several alerts of a job: event, and the head of rule. */
struct envelope_event {
    const char *kind, *type, *action, *dataset;
    struct slice id;
};
void envelope_event(struct json_writer *w, const struct envelope_event *event, const struct job *job);

/* An array of the names, left out where there is none. */
void envelope_list(struct json_writer *w, const char *name, const struct string_list *list);

/* ", about alice, bob and others" behind word, which is left out with an empty list. 0 or -ENOMEM. */
int envelope_append_names(struct buffer *text, const char *word,
                          const struct string_list *list) _warn_unused_;

#endif
