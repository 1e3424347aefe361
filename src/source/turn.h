/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_TURN_H
#define HAPAX_SOURCE_TURN_H

/* Work to do again and again, one piece a turn of the loop, for as long as it is enabled. */

#include <systemd/sd-event.h>

#include "util/cleanup.h"

/* Disabled at first: sd_event_source_set_enabled(turn, SD_EVENT_ON). Caller unrefs. */
int turn_new(sd_event *event, sd_event_io_handler_t callback, void *userdata,
             sd_event_source **ret_turn) _warn_unused_;

#endif
