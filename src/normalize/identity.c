/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The login identity survives sudo and su, so it is the actor wherever there is one. Where none is attached
 * (daemons, timers, containers) the real user acted by itself, in a population of its own: as a service when
 * its number has a name, else as a number, since the uids of ephemeral containers come and go and must not
 * fill the services' population. A record that says nothing of a login (its format has no such field) names
 * the only user it knows, who is taken for a person.
 *
 * A name from the record was resolved at that time on that host; the uid map is a snapshot of one host, so
 * the record goes first.
 */
#include "normalize/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define UID_TEXT_SIZE sizeof("4294967295")

/* What a resolver writes when it could not resolve: audit auparse/interpret.c print_uid. */
bool identity_is_name(struct slice name, struct slice number)
{
    return name.len > 0 && !slice_equal(name, number) && !slice_equal(name, SLICE("unset")) &&
           !slice_equal(name, SLICE("unknown")) && !slice_starts_with(name, SLICE("unknown("));
}

static int resolve_user(const struct identity_user *from, const struct uid_map *uid_map, struct arena *arena,
                        struct user *ret_user)
{
    struct user user = {SLICE_NULL, SLICE_NULL};
    char *text;

    if (from->has_number && from->number != AUDIT_ID_UNSET) {
        text = arena_alloc(arena, UID_TEXT_SIZE);
        if (!text)
            return -ENOMEM;
        user.id = slice_new(text, (size_t)snprintf(text, UID_TEXT_SIZE, "%" PRIu32, from->number));
    }
    if (identity_is_name(from->name, user.id))
        user.name = from->name;
    else if (uid_map && !slice_is_absent(user.id))
        user.name = uid_map_find(uid_map, from->number);
    *ret_user = user;
    return 0;
}

int identity_resolve(const struct identity_input *input, const struct uid_map *uid_map, struct arena *arena,
                     struct event *event)
{
    struct user login, real, effective;
    int r;

    r = resolve_user(&input->login, uid_map, arena, &login);
    if (r < 0)
        return r;
    r = resolve_user(&input->real, uid_map, arena, &real);
    if (r < 0)
        return r;
    r = resolve_user(&input->effective, uid_map, arena, &effective);
    if (r < 0)
        return r;
    event->real = real;
    event->effective = effective;
    if (input->login.has_number && input->login.number == AUDIT_ID_UNSET) {
        event->actor = real;
        event->actor_kind =
            slice_is_absent(real.name) && !slice_is_absent(real.id) ? ACTOR_NUMERIC : ACTOR_SERVICE;
    } else {
        bool is_login_known = !slice_is_absent(login.id) || !slice_is_absent(login.name);

        event->actor = is_login_known ? login : real;
        event->actor_kind = ACTOR_PERSON;
    }
    return 0;
}
