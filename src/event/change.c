/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One change, with its key put together: every owner of state has a prefix and names below it.
 */
#include "event/change.h"

#include "util/buffer.h"
#include "util/cleanup.h"

int change_tell(change_fn fn, void *userdata, const char *prefix, const char *name, struct slice value)
{
    _cleanup_(buffer_done) struct buffer key = BUFFER_INIT;
    int r = buffer_append_format(&key, "%s%s", prefix, name);

    return r < 0 ? r : fn(userdata, &(struct change){buffer_slice(&key), value});
}
