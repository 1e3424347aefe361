/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_GATE_H
#define HAPAX_NORMALIZE_GATE_H

/*
 * The pre-filter: sees a record's bytes before any reader does, and says whether anybody can want it. It may
 * let pass what nobody wants; it must not hold back what somebody does.
 */

#include "event/wanted.h"
#include "util/cleanup.h"
#include "util/slice.h"

struct gate;

/*
 * A gate for what is wanted, of which nothing is kept. *ret_gate is NULL where everything must pass: that is
 * asked for, or a name has bytes that a source could write in another way (see gate.c). 0 or -ENOMEM.
 */
int gate_new(const struct wanted *wanted, struct gate **ret_gate) _warn_unused_;
struct gate *gate_free(struct gate *gate);
DEFINE_CLEANUP(struct gate *, gate_free)

/* Whether process starts of this name are wanted; true for every name where texts are. O(1). */
bool gate_wants_name(const struct gate *gate, struct slice name);

/* Whether a line of text, or a JSON document, may be wanted. Linear; about a byte a cycle at worst. */
bool gate_may_want(const struct gate *gate, struct slice bytes, bool is_json);

#endif
