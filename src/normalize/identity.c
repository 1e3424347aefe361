/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The identity rules in one place, for every reader:
 *
 *  - The actor is the login identity; it survives sudo and su.
 *  - A format that knows logins and names none: a service acted, the actor is the real user, of the service
 * kind; of the numeric kind where the number has no name (container uids come and go, and must not be
 * compared with services).
 *  - A format that knows no logins: the actor is the real user, taken for a person.
 *
 * A name is what the record itself says, else what the uid map says of the number. "unset", "unknown(N)" and
 * the number again are how enrichment says that it found none.
 */
#include "normalize/identity.h"

#include "util/parse.h"

bool identity_is_unset(struct slice s)
{
    return s.len == 0 || slice_equal(s, SLICE("4294967295")) || slice_equal(s, SLICE("-1")) ||
           slice_equal(s, SLICE("unset"));
}

static bool is_number(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    return s.len > 0;
}

static bool is_name(struct slice name, struct slice id)
{
    return name.len > 0 && !slice_equal(name, id) && !slice_equal(name, SLICE("unset")) &&
           !slice_equal(name, SLICE("?")) && !slice_starts_with(name, SLICE("unknown("));
}

static struct user resolve(const struct user *said, const struct uid_map *map)
{
    struct user user = {SLICE_NULL, said->id.len > 0 ? said->id : SLICE_NULL};
    uint32_t uid;

    if (is_name(said->name, said->id))
        user.name = said->name;
    else if (map && parse_u32(said->id, &uid) >= 0)
        user.name = uid_map_find(map, uid);
    return user;
}

static bool is_known(const struct user *user)
{
    return user->id.len > 0 || user->name.len > 0;
}

void identity_resolve(const struct identity_input *input, const struct uid_map *map, struct event *event)
{
    bool has_login =
        input->login.id.len > 0 ? !identity_is_unset(input->login.id) : is_name(input->login.name, SLICE(""));

    event->real = resolve(&input->real, map);
    event->effective = is_known(&input->effective) ? resolve(&input->effective, map) : event->real;
    if (has_login) {
        event->actor = resolve(&input->login, map);
        event->actor_kind = ACTOR_PERSON;
        return;
    }
    event->actor = event->real;
    if (!input->knows_login)
        event->actor_kind = is_number(event->actor.name) ? ACTOR_NUMERIC : ACTOR_PERSON;
    else if (event->actor.name.len == 0 || is_number(event->actor.name))
        event->actor_kind = ACTOR_NUMERIC;
    else
        event->actor_kind = ACTOR_SERVICE;
}
