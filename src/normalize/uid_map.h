/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_UID_MAP_H
#define HAPAX_NORMALIZE_UID_MAP_H

/*
 * Numbers to names of one host, from text in passwd(5) format: a snapshot passed in, never a live look-up. A
 * number must not cross hosts, so it names users only for records of the host it belongs to (the operator
 * says so by giving it).
 */

#include <stdint.h>

#include "util/cleanup.h"
#include "util/diag.h"
#include "util/slice.h"

struct uid_map;

/* Parses passwd(5) text; lines without a user name and a numeric third field are problems in diags (-EINVAL).
 */
int uid_map_new(struct slice text, const char *file, struct diag_list *diags,
                struct uid_map **ret_map) _warn_unused_;
struct uid_map *uid_map_free(struct uid_map *map);
DEFINE_CLEANUP(struct uid_map *, uid_map_free)

/* The first name of uid, absent where the map has none; borrowed from the map. */
struct slice uid_map_find(const struct uid_map *map, uint32_t uid);

#endif
