/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_EXPLAIN_H
#define HAPAX_CLI_EXPLAIN_H

/* hapax normalize --explain: what became of each record, and why, for who writes a rulebase. */

#include "cli/input.h"
#include "cli/setup.h"

struct explain;

/* setup: loaded, with tells_rules, all jobs and the exceptions there are; borrowed. Traces setup->rulebase.
 * is_json: one JSON object a line (explain_json.h) in place of paragraphs.
 */
int explain_new(struct setup *setup, bool is_json, struct explain **ret_explain) _warn_unused_;
struct explain *explain_free(struct explain *explain);
DEFINE_CLEANUP(struct explain *, explain_free)

/* For input_read: notes an event of the record at hand. */
int explain_event(void *userdata, const struct event *event) _warn_unused_;
/* For struct input: prints what there is about the record on standard output. */
void explain_record(void *userdata, const struct input *input, const struct record *record);
/* At the end of an input, behind normalizer_flush: events that no record completed. -ENOMEM, also where an
 * earlier record had no room. */
int explain_end(struct explain *explain, const struct input *input) _warn_unused_;

#endif
