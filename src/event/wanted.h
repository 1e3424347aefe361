/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_EVENT_WANTED_H
#define HAPAX_EVENT_WANTED_H

/*
 * The bell from the back rooms to the front one: what jobs, and session and account rules, can want at all.
 * Made where they are known (select), obeyed where records are dropped unread (normalize/gate.h). Whoever
 * adds a reason to look at a record adds it here, or sets is_everything.
 */

#include <stdbool.h>
#include <stddef.h>

struct wanted {
    bool is_everything; /* names and texts do not say all: let every record pass */
    /* process starts of these names: what event.process_name is compared with, byte by byte */
    const char *const *names;
    size_t n_names;
    /*
     * Byte strings: a line or a JSON document that holds one is wanted whatever process it is about ("session
     * opened", "/proc/net"). While there are any, no audit event is dropped for the name of its process.
     */
    const char *const *texts;
    size_t n_texts;
};

#endif
