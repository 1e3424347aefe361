/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_SHELL_H
#define HAPAX_UTIL_SHELL_H

/* Text of others as one word of a command line that a person may paste. */

#include "util/buffer.h"
#include "util/slice.h"

/*
 * Appends text, which holds no NUL, as one word that bash, zsh, ksh and every POSIX.1-2024 shell read back
 * byte for byte. What comes out is one line that shows all it holds: bytes that a terminal would obey or hide
 * stand as escapes. At most four bytes for each of text, and three. 0 or -ENOMEM.
 */
int shell_append_word(struct buffer *out, struct slice text) _warn_unused_;

#endif
