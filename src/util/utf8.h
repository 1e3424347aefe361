/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_UTF8_H
#define HAPAX_UTIL_UTF8_H

/* UTF-8 as RFC 3629 section 4 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */

#include <stdbool.h>

#include "util/arena.h"
#include "util/slice.h"

bool utf8_is_valid(struct slice s);

/*
 * s with every undecodable byte replaced by U+FFFD, in arena memory; s itself where it is valid (nothing is
 * copied). Returns 0 (valid as it was), 1 (replaced) or -ENOMEM.
 */
int utf8_sanitize(struct arena *a, struct slice s, struct slice *ret_s) _warn_unused_;

#endif
