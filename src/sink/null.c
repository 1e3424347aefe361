/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The sink that forgets: every document is confirmed at once. It is for measuring everything before it, and
 * for a replay of which only the scores are wanted. It has no options, holds nothing and costs a call.
 */
#include "sink/driver.h"

/* one byte, so that settings of no size need no special case anywhere */
static const struct option_table null_options = {.struct_size = 1};

static int null_write(struct sink *sink, const struct document *document, uint64_t ticket)
{
    sink_confirm(sink, ticket, 0, NULL);
    return 0;
}

const struct sink_driver null_sink = {
    .name = "null",
    .summary = "confirms every document and keeps none",
    .options = &null_options,
    .struct_size = sizeof(struct sink),
    .write = null_write,
};
