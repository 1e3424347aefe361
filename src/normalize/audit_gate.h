/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_AUDIT_GATE_H
#define HAPAX_NORMALIZE_AUDIT_GATE_H

#include "normalize/audit_event.h"
#include "normalize/gate.h"

/*
 * Whether the body of a SYSCALL record shows at a glance that its event is no process start, or one of a
 * process that nobody wants. false: it may be wanted; audit_gate_drops_event knows when the record is read.
 */
bool audit_gate_drops_syscall(const struct gate *gate, struct slice body);

/* The same for an event whose SYSCALL was taken. */
bool audit_gate_drops_event(const struct gate *gate, const struct audit_event *e);

#endif
