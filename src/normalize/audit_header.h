/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_AUDIT_HEADER_H
#define HAPAX_NORMALIZE_AUDIT_HEADER_H

#include <stdbool.h>

#include "normalize/audit.h"

/*
 * The header of a record as auditd itself writes it: "type=T msg=audit(s.ms:n): body", perhaps with "node=N "
 * before it. Sets node, type, time_usec, serial and body, as text_read_audit does for the same line, whose
 * business any other form is (false).
 */
bool audit_header_read(struct slice line, struct audit_record *ret_record);

#endif
