/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_UNIT_RECORDS_H
#define HAPAX_CLI_UNIT_RECORDS_H

/* Rows of `replay --records` for a detector that judges units (user, host, bucket) with each event. */

#include <stdio.h>

#include "detect/detector.h"

struct unit_records;

/* out is borrowed. 0 or -ENOMEM. */
int unit_records_new(FILE *out, struct unit_records **ret_records) _warn_unused_;
struct unit_records *unit_records_free(struct unit_records *records);
DEFINE_CLEANUP(struct unit_records *, unit_records_free)

/* The verdict of an event, in the order of the stream; nothing where it has no components. Writes what is
 * over by then. Whether the writing failed is the stream's to say. 0 or -ENOMEM. */
int unit_records_add(struct unit_records *records, const struct verdict *verdict) _warn_unused_;
/* Writes what is there: the end of the input. */
void unit_records_flush(struct unit_records *records);

#endif
