/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_REPORT_HASH_H
#define HAPAX_REPORT_HASH_H

/* uthash for this room: names come from outside, so they are hashed under the process's own key. */

#include "util/keyed_hash.h"

#define HASH_FUNCTION(bytes, n, hash) ((hash) = (unsigned)keyed_hash((bytes), (n)))
#include <uthash.h>

#endif
