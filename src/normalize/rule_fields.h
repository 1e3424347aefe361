/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_RULE_FIELDS_H
#define HAPAX_NORMALIZE_RULE_FIELDS_H

/* Inside normalize/ only: the fields and tags of a match, out of the library's tree. */

#include "normalize/lognorm.h"

struct fjson_object;

/* line: what was matched; values may be borrowed from it, all else is in arena memory. 0 or -ENOMEM. */
int rule_fields_read(struct fjson_object *event, struct slice line, struct arena *arena,
                     struct rule_match *ret_match) _warn_unused_;

#endif
