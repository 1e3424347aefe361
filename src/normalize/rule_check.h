/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_RULE_CHECK_H
#define HAPAX_NORMALIZE_RULE_CHECK_H

/* Whether what a rule for messages finds in its sample is enough for what it says the line is. */

#include "normalize/lognorm.h"
#include "util/diag.h"

/* 0; -EINVAL: it is not, which is said in diags with the place of the rule; -ENOMEM. */
int rule_check_sample(const struct rule_match *match, const char *path, unsigned line,
                      struct diag_list *diags) _warn_unused_;

#endif
