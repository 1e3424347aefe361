/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_XML_SYSMON_H
#define HAPAX_NORMALIZE_XML_SYSMON_H

#include "event/event.h"
#include "normalize/text.h"

/* Whether a message is an XML document of events: then it is this reader's. */
bool xml_is_event(struct slice message);

/*
 * Sysmon for Linux: an Event whose EventID is 1 is a process start. An enum text_outcome (TEXT_UNKNOWN: XML
 * of somebody else; TEXT_QUARANTINED: no XML, or cut), or -ENOMEM. Linear in the message.
 */
int xml_read_sysmon(const struct text_line *line, enum trust trust, const struct uid_map *uid_map,
                    struct arena *arena, struct event *ret_event) _warn_unused_;

#endif
