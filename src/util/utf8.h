/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_UTF8_H
#define HAPAX_UTIL_UTF8_H

/* UTF-8 as RFC 3629 section 4 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */

#include <stdbool.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/slice.h"

bool utf8_is_valid(struct slice s);

/*
 * s with every undecodable byte replaced by U+FFFD, in arena memory; s itself where it is valid (nothing is
 * copied). Returns 0 (valid as it was), 1 (replaced) or -ENOMEM.
 */
int utf8_sanitize(struct arena *a, struct slice s, struct slice *ret_s) _warn_unused_;

/* No character: the code point of a byte that cannot be decoded. */
#define UTF8_NONE UINT32_MAX

/* Takes the first character off *s, which must not be empty, and returns its code point. An undecodable byte
 * is taken alone, as UTF8_NONE. *ret_bytes is what was taken. */
uint32_t utf8_take(struct slice *s, struct slice *ret_bytes);

/*
 * Whether a person sees a character as it is, on a terminal or in an editor: false for controls (C0, DEL,
 * C1), line and paragraph separators, what has no width, what turns the direction of writing, non-characters,
 * and UTF8_NONE. Who prints text of others escapes these.
 */
bool utf8_is_plain(uint32_t code);

#endif
