/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_IDENTITY_H
#define HAPAX_NORMALIZE_IDENTITY_H

/* Who did it (DESIGN section 4): login identity, real and effective user, from whatever a format says of
 * them. */

#include "event/event.h"
#include "normalize/uid_map.h"

/* What a source says. Absent: it does not. Ids are decimal text; "4294967295", "-1" and "unset" are the unset
 * id. */
struct identity_input {
    bool knows_login; /* the format carries login identities: an absent or unset one means there was no login
                       */
    struct user login, real, effective;
};

/* Fills event's actor_kind, actor, real and effective. Borrows from input and from the map (may be NULL). */
void identity_resolve(const struct identity_input *input, const struct uid_map *map, struct event *event);

/* Whether s is the id that means "no login": 4294967295 (kernel AUDIT_UID_UNSET) in its spellings. */
bool identity_is_unset(struct slice s);

#endif
