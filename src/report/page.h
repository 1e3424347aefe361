/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_REPORT_PAGE_H
#define HAPAX_REPORT_PAGE_H

/* The page around the data. */

#include "util/buffer.h"

/* Appends the page with json (valid UTF-8, one JSON value) in it. 0 or -ENOMEM. */
int page_append(struct slice json, struct buffer *out) _warn_unused_;

#endif
