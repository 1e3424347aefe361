/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_IDENTITY_H
#define HAPAX_NORMALIZE_IDENTITY_H

/* Who did it: from the three user numbers of a process and the names that came with them.
 */

#include "event/event.h"
#include "normalize/uid_map.h"

/* One user as a record shows it. The name is what the record itself says; absent where it says none. */
struct identity_user {
    bool has_number;
    uint32_t number;
    struct slice name;
};

struct identity_input {
    struct identity_user login; /* auid; AUDIT_ID_UNSET: no login is attached; absent: the format has none */
    struct identity_user real;  /* uid */
    struct identity_user effective; /* euid */
};

/* Whether a name is one, beside its number as text: "unset", "unknown(1000)" and the number itself are none.
 */
bool identity_is_name(struct slice name, struct slice number);

/*
 * Fills actor_kind, actor, real and effective of event. Names that only repeat the number ("unset",
 * "unknown(1000)", "1000") are none; uid_map (may be NULL) is asked then. Texts of numbers are in arena;
 * names are borrowed from input and uid_map. 0 or -ENOMEM.
 */
int identity_resolve(const struct identity_input *input, const struct uid_map *uid_map, struct arena *arena,
                     struct event *event) _warn_unused_;

#endif
