/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Three numbers and their names to an actor, a real and an effective user.
 */
#include "normalize/identity.h"

#include "support.h"
#include "util/cleanup.h"

#define USER(number_, name_)                                                                                 \
    {                                                                                                        \
        true, number_,                                                                                       \
        {                                                                                                    \
            name_, sizeof(name_) - 1                                                                         \
        }                                                                                                    \
    }
#define NUMBER(number_)                                                                                      \
    {                                                                                                        \
        true, number_,                                                                                       \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }
#define NAME(name_)                                                                                          \
    {                                                                                                        \
        false, 0,                                                                                            \
        {                                                                                                    \
            name_, sizeof(name_) - 1                                                                         \
        }                                                                                                    \
    }
#define NONE                                                                                                 \
    {                                                                                                        \
        false, 0,                                                                                            \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }
#define UNSET USER(AUDIT_ID_UNSET, "unset")

static const char *text(struct arena *arena, struct user user)
{
    char *p = arena_alloc(arena, user.id.len + user.name.len + 3);

    memset(p, 0, user.id.len + user.name.len + 3);
    if (user.id.len > 0)
        memcpy(p, user.id.data, user.id.len);
    p[user.id.len] = ':';
    if (user.name.len > 0)
        memcpy(p + user.id.len + 1, user.name.data, user.name.len);
    return p;
}

Test(identity, the_login_goes_before_the_user_and_names_before_numbers)
{
    static const struct {
        const char *name;
        struct identity_input in;
        bool has_map;
        enum actor_kind kind;
        const char *actor, *real, *effective; /* "id:name" */
    } rows[] = {
        {"person",
         {USER(1000, "alice"), USER(1000, "alice"), USER(1000, "alice")},
         true,
         ACTOR_PERSON,
         "1000:alice",
         "1000:alice",
         "1000:alice"},
        {"person behind sudo",
         {USER(1000, "alice"), USER(0, "root"), USER(0, "root")},
         true,
         ACTOR_PERSON,
         "1000:alice",
         "0:root",
         "0:root"},
        {"the record's name goes before the map's",
         {USER(7, "record"), USER(7, "record"), NUMBER(7)},
         true,
         ACTOR_PERSON,
         "7:record",
         "7:record",
         "7:mapped"},
        {"named by the map", {NUMBER(7), NUMBER(0), NUMBER(0)}, true, ACTOR_PERSON, "7:mapped", "0:", "0:"},
        {"not named", {NUMBER(7), NUMBER(0), NUMBER(0)}, false, ACTOR_PERSON, "7:", "0:", "0:"},
        {"unknown(7) is no name",
         {USER(7, "unknown(7)"), USER(7, "7"), USER(7, "unset")},
         false,
         ACTOR_PERSON,
         "7:",
         "7:",
         "7:"},
        {"unknown(7) asks the map",
         {USER(7, "unknown(7)"), USER(7, "7"), USER(7, "")},
         true,
         ACTOR_PERSON,
         "7:mapped",
         "7:mapped",
         "7:mapped"},
        {"service",
         {UNSET, USER(33, "www-data"), USER(33, "www-data")},
         true,
         ACTOR_SERVICE,
         "33:www-data",
         "33:www-data",
         "33:www-data"},
        {"service named by the map",
         {UNSET, NUMBER(7), NUMBER(0)},
         true,
         ACTOR_SERVICE,
         "7:mapped",
         "7:mapped",
         "0:"},
        {"number in a container",
         {UNSET, USER(1000620000, "unknown(1000620000)"), NONE},
         true,
         ACTOR_NUMERIC,
         "1000620000:",
         "1000620000:",
         ":"},
        {"root's login",
         {USER(0, "root"), USER(0, "root"), USER(0, "root")},
         true,
         ACTOR_PERSON,
         "0:root",
         "0:root",
         "0:root"},
        {"a format without logins",
         {NONE, USER(1000, "alice"), NONE},
         true,
         ACTOR_PERSON,
         "1000:alice",
         "1000:alice",
         ":"},
        {"names without numbers",
         {NAME("alice"), NAME("root"), NAME("root")},
         true,
         ACTOR_PERSON,
         ":alice",
         ":root",
         ":root"},
        {"an unset uid is nobody", {NONE, UNSET, NUMBER(AUDIT_ID_UNSET)}, true, ACTOR_PERSON, ":", ":", ":"},
        {"nothing", {NONE, NONE, NONE}, true, ACTOR_PERSON, ":", ":", ":"},
    };
    _cleanup_(uid_map_freep) struct uid_map *map = NULL;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct diag_list diags = DIAG_LIST_INIT;

    cr_assert_eq(uid_map_new(SLICE("mapped:x:7:7::/:/bin/sh\n"), "passwd", &diags, &map), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct event event = EVENT_INIT;

        cr_assert_eq(identity_resolve(&rows[i].in, rows[i].has_map ? map : NULL, &arena, &event), 0);
        cr_assert_eq(event.actor_kind, rows[i].kind, "%s", rows[i].name);
        cr_assert_str_eq(text(&arena, event.actor), rows[i].actor, "%s", rows[i].name);
        cr_assert_str_eq(text(&arena, event.real), rows[i].real, "%s", rows[i].name);
        cr_assert_str_eq(text(&arena, event.effective), rows[i].effective, "%s", rows[i].name);
    }
    diag_list_done(&diags);
}
