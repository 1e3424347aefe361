/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who an event is about, for a job: the login identity, the real or the effective user. A user is known by
 * name; a number that nobody resolved becomes "uid:N", so that it can never be taken for a user of that name,
 * and so that it differs from every name (a user name holds no colon: passwd(5)).
 */
#include "event/event.h"

#include <errno.h>

int event_identity(const struct event *event, enum identity identity, struct arena *arena,
                   struct slice *ret_user)
{
    const struct user *user = identity == IDENTITY_LOGIN  ? &event->actor
                              : identity == IDENTITY_REAL ? &event->real
                                                          : &event->effective;
    static const char prefix[] = "uid:";
    char *p;

    if (!slice_is_absent(user->name) && user->name.len > 0) {
        *ret_user = user->name;
        return 0;
    }
    if (slice_is_absent(user->id) || user->id.len == 0) {
        *ret_user = SLICE_NULL;
        return 0;
    }
    p = arena_alloc(arena, sizeof(prefix) - 1 + user->id.len);
    if (!p)
        return -ENOMEM;
    memcpy(p, prefix, sizeof(prefix) - 1);
    memcpy(p + sizeof(prefix) - 1, user->id.data, user->id.len);
    *ret_user = slice_new(p, sizeof(prefix) - 1 + user->id.len);
    return 0;
}
