/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_TABLE_H
#define HAPAX_UTIL_TABLE_H

/*
 * uthash as this house uses it: keys may be names that outsiders choose, so they are hashed under the
 * process's own key; and memory running out is an answer (hh.tbl stays NULL), not the end of the program.
 * Include it before anything else that includes uthash.h, and only in rooms that have it.
 */

#include "util/keyed_hash.h"

#define HASH_FUNCTION(bytes, n, hash) ((hash) = (unsigned)keyed_hash((bytes), (n)))
#define HASH_NONFATAL_OOM             1
#include <uthash.h>

#endif
