/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_AUDIT_SESSION_H
#define HAPAX_NORMALIZE_AUDIT_SESSION_H

/* Audit records that tell of sessions and accounts: each is an event by itself. */

#include "normalize/audit.h"

/* Whether records of this type ("USER_LOGIN", "1112", "UNKNOWN[1112]") are such, and of which kind. */
bool audit_session_find_kind(struct slice type, enum event_kind *ret_kind);

/*
 * Reads a record of such a type (a programmer's error else). host: for records that name none; may be absent.
 * 1: *ret_event is filled, borrowed from record, uid_map, host and arena; 0: the record is broken: a quote
 * without its end, no user, or no message where one belongs; -ENOMEM. Linear in the body.
 */
int audit_session_read(const struct audit_record *record, const struct uid_map *uid_map, struct slice host,
                       struct arena *arena, struct event *ret_event) _warn_unused_;

#endif
