/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_ONBOARDING_H
#define HAPAX_SELECT_ONBOARDING_H

/*
 * How old is an account? New colleagues try things; a site may want their alerts in a daily digest for a
 * while instead of one by one. The age comes from one or more sources, each of which may know it; the oldest
 * date that any of them has counts.
 */

#include <stdbool.h>
#include <stdint.h>

#include "config/option.h"
#include "event/change.h"
#include "event/event.h"
#include "util/cleanup.h"
#include "util/diag.h"

/* The exception id under which onboarding holds alerts back; no exception may have it. */
#define ONBOARDING_ID "onboarding"

enum account_source {
    ACCOUNT_CREATED,    /* an account event, or a start of useradd or adduser, on the same host was seen */
    ACCOUNT_FILE,       /* a list the operator keeps (human resources, directory) */
    ACCOUNT_FIRST_SEEN, /* the first process start by the actor that a job selected, on any host */
    _ACCOUNT_SOURCE_MAX,
};
extern const char *const account_source_names[]; /* NULL-terminated */

struct account_entry; /* of the operator's list */

struct onboarding_options {
    int64_t age_usec; /* younger accounts are forgiven; 0: none is */
    unsigned sources; /* bits 1 << ACCOUNT_… */
    struct account_entry *entries;
    size_t n_entries;
};

/*
 * Reads a list of accounts: a line "NAME DATE" or "NAME,DATE" each, DATE as 2026-01-31 (from its begin, UTC);
 * blank lines and lines with '#' in front are left out. Problems go to diags (-EINVAL).
 */
int onboarding_read_accounts(struct slice text, const char *file, struct diag_list *diags,
                             struct onboarding_options *options) _warn_unused_;
void onboarding_options_done(struct onboarding_options *options);

/* The programs whose starts tell of new accounts, NULL-terminated: a pre-filter must let them pass. */
extern const char *const onboarding_process_names[];

/* What was learned about accounts; state, independent of the options in force. */
struct accounts;

int accounts_new(struct accounts **ret_accounts) _warn_unused_;
struct accounts *accounts_free(struct accounts *accounts);
DEFINE_CLEANUP(struct accounts *, accounts_free)

/*
 * Learns from any event whether it makes an account. Text that anyone can write (TRUST_LOW) is not
 * believed. 1: something was learned, 0, -ENOMEM.
 */
int accounts_see_creation(struct accounts *accounts, const struct event *event) _warn_unused_;
/* Learns that the actor of a selected event exists. 1: something was learned, 0, -ENOMEM. */
int accounts_see_actor(struct accounts *accounts, const struct event *event) _warn_unused_;

/* Whether the actor's account is younger than the options say, at the event's time. An unknown age is not. */
bool accounts_is_young(const struct accounts *accounts, const struct onboarding_options *options,
                       const struct event *event);

/* State out (what changed since the last call) and in. Keys begin with "account/". -EBADMSG on other bytes.
 */
int accounts_changes(struct accounts *accounts, change_fn fn, void *userdata) _warn_unused_;
int accounts_restore(struct accounts *accounts, const struct change *change) _warn_unused_;

/* Accounts not learned because the table was full. */
uint64_t accounts_n_full(const struct accounts *accounts);

#endif
