/* SPDX-License-Identifier: Apache-2.0 */

/* Ages of accounts: what tells of a new one, what does not, and that the state comes back. */
#include "select/onboarding.h"

#include <errno.h>
#include <string.h>

#include "support.h"
#include "util/parse.h"

/* 2026-01-10T00:00:00Z */
#define T0 (INT64_C(1768003200) * USEC_PER_SEC)

static const struct {
    const char *line; /* arguments, separated by blanks */
    const char *made; /* NULL: nothing */
} rows[] = {
    {"useradd judy", "judy"},
    {"useradd -m -s /bin/bash -G wheel,adm judy", "judy"},
    {"useradd judy -m -c Judy", "judy"},
    {"useradd --home-dir /home/j --shell=/bin/sh judy", "judy"},
    {"useradd -mrs /bin/sh judy", "judy"},
    {"useradd -- judy", "judy"},
    {"useradd -D -s /bin/bash", NULL},
    {"adduser --disabled-password --gecos x judy", "judy"},
    {"adduser judy sudo", NULL}, /* into a group */
    {"useradd", NULL},
    {"usermod -aG wheel judy", NULL},
};

static struct event make_event(const char *line, struct slice args[16], char *copy, size_t size)
{
    struct event event = EVENT_INIT;
    struct slice rest;

    (void)snprintf(copy, size, "%s", line);
    rest = slice_from_string(copy);
    event.args = args;
    while (rest.len > 0) {
        size_t n = slice_find(rest, ' ');

        args[event.n_args++] = slice_head(rest, n);
        rest = slice_skip(rest, MIN(n + 1, rest.len));
    }
    event.process_name = args[0];
    event.host = SLICE("app-01");
    event.trust = TRUST_KERNEL;
    event.time_usec = T0;
    return event;
}

static bool is_young(struct accounts *accounts, unsigned source, const char *name, const char *host, int days)
{
    struct onboarding_options options = {.age_usec = 14 * USEC_PER_DAY, .sources = 1U << source};
    struct event event = EVENT_INIT;

    event.actor.name = slice_from_string(name);
    event.host = slice_from_string(host);
    event.time_usec = T0 + days * USEC_PER_DAY;
    return accounts_is_young(accounts, &options, &event);
}

Test(onboarding, who_is_made)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(accounts_freep) struct accounts *accounts = NULL;
        struct slice args[16];
        char copy[128];
        struct event event = make_event(rows[i].line, args, copy, sizeof(copy));

        cr_assert_eq(accounts_new(&accounts), 0);
        cr_expect_eq(accounts_see_creation(accounts, &event), rows[i].made != NULL, "%s", rows[i].line);
        cr_expect_eq(is_young(accounts, ACCOUNT_CREATED, "judy", "app-01", 1), rows[i].made != NULL, "%s",
                     rows[i].line);
        cr_expect_not(is_young(accounts, ACCOUNT_CREATED, "judy", "app-02", 1), "%s: on another host",
                      rows[i].line);
        cr_expect_not(is_young(accounts, ACCOUNT_CREATED, "judy", "app-01", 14), "%s: old", rows[i].line);
        cr_expect_not(is_young(accounts, ACCOUNT_FIRST_SEEN, "judy", "app-01", 1), "%s: not asked",
                      rows[i].line);
    }
}

static int put(void *userdata, const struct change *change)
{
    return accounts_restore(userdata, change);
}

Test(onboarding, what_is_believed_and_remembered)
{
    _cleanup_(accounts_freep) struct accounts *accounts = NULL, *restored = NULL;
    struct slice args[16];
    char copy[128];
    struct event event = make_event("useradd judy", args, copy, sizeof(copy)), made = EVENT_INIT;

    cr_assert_eq(accounts_new(&accounts), 0);
    cr_assert_eq(accounts_new(&restored), 0);
    event.trust = TRUST_LOW;
    cr_expect_eq(accounts_see_creation(accounts, &event), 0, "anyone can write that");
    event.trust = TRUST_INPUT;
    event.is_failure = true;
    cr_expect_eq(accounts_see_creation(accounts, &event), 0, "it was not made");
    event.is_failure = false;
    cr_expect_eq(accounts_see_creation(accounts, &event), 1);
    event.time_usec += USEC_PER_DAY;
    cr_expect_eq(accounts_see_creation(accounts, &event), 0, "an account does not get younger");
    event.time_usec = T0 - USEC_PER_DAY;
    cr_expect_eq(accounts_see_creation(accounts, &event), 1, "but older");
    made = event;
    made.kind = EVENT_ACCOUNT;
    made.phase = EVENT_BEGINS;
    made.target.name = SLICE("kim");
    cr_expect_eq(accounts_see_creation(accounts, &made), 1);
    made.phase = EVENT_ENDS;
    made.target.name = SLICE("lou");
    cr_expect_eq(accounts_see_creation(accounts, &made), 0, "removed");
    event.actor.name = SLICE("zoe");
    cr_expect_eq(accounts_see_actor(accounts, &event), 1);

    cr_assert_eq(accounts_changes(accounts, put, restored), 0);
    cr_expect(is_young(restored, ACCOUNT_CREATED, "judy", "app-01", 12));
    cr_expect_not(is_young(restored, ACCOUNT_CREATED, "judy", "app-01", 13));
    cr_expect(is_young(restored, ACCOUNT_CREATED, "kim", "app-01", 1));
    cr_expect(is_young(restored, ACCOUNT_FIRST_SEEN, "zoe", "anywhere", 1));
    cr_expect_eq(accounts_restore(restored, &(struct change){SLICE("account/x"), SLICE("short")}), -EBADMSG);
}

Test(onboarding, a_list_of_accounts)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(onboarding_options_done) struct onboarding_options options = {.age_usec = 14 * USEC_PER_DAY,
                                                                            .sources = 1U << ACCOUNT_FILE};
    _cleanup_(accounts_freep) struct accounts *accounts = NULL;
    struct event event = EVENT_INIT;

    cr_assert_eq(accounts_new(&accounts), 0);
    cr_assert_eq(onboarding_read_accounts(SLICE("# from HR\nzed,2020-01-01\nann 2026-01-08\n\n"), "f", &diags,
                                          &options),
                 0);
    event.time_usec = T0;
    event.actor.name = SLICE("ann");
    cr_expect(accounts_is_young(accounts, &options, &event));
    event.actor.name = SLICE("zed");
    cr_expect_not(accounts_is_young(accounts, &options, &event));
    event.actor.name = SLICE("unknown");
    cr_expect_not(accounts_is_young(accounts, &options, &event), "an unknown age is not young");
    cr_expect_eq(onboarding_read_accounts(SLICE("bob yesterday\n"), "f", &diags, &options), -EINVAL);
    cr_expect_str_eq(diags.items[0].message,
                     "bad line 'bob yesterday', expected NAME and DATE as 2026-01-31");
}
