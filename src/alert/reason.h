/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ALERT_REASON_H
#define HAPAX_ALERT_REASON_H

/* Why an alert is one, in one English sentence. */

#include "detect/detector.h"
#include "util/arena.h"

/* One line of valid UTF-8 without control bytes, at most a few hundred bytes, in arena memory. 0 or -ENOMEM.
 */
int reason_sentence(const struct verdict *verdict, struct arena *arena,
                    struct slice *ret_sentence) _warn_unused_;

#endif
