/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_EVENT_CHANGE_H
#define HAPAX_EVENT_CHANGE_H

/*
 * The side door: one piece of state, on its way to the store (or a changelog topic) and back on restore. Keys
 * are bytes, unique over the whole program: they start with the owner's name and a '/'. An absent value
 * deletes the key.
 */

#include "util/cleanup.h"
#include "util/slice.h"

struct change {
    struct slice key;
    struct slice value;
};

/* Receives a change; borrowed for the call. 0, or a negative errno that is forwarded. */
typedef int (*change_fn)(void *userdata, const struct change *change);

/* Hands a change of the key prefix + name to fn. What fn returns, or -ENOMEM. */
int change_tell(change_fn fn, void *userdata, const char *prefix, const char *name,
                struct slice value) _warn_unused_;

#endif
