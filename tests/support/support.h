/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_SUPPORT_H
#define HAPAX_TESTS_SUPPORT_H

/* What the unit tests share: Criterion with slices. */

#include <criterion/criterion.h>

#include "util/slice.h"

/* Asserts that a slice holds the text; name is the table row, for the message. */
#define assert_slice(actual, expected, name)                                                                 \
    cr_assert(slice_equal_string((actual), (expected)), "%s: got '%.*s', expected '%s'", (name),             \
              SLICE_FMT(actual), (expected))

#endif
