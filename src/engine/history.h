/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ENGINE_HISTORY_H
#define HAPAX_ENGINE_HISTORY_H

/* From what a detector thinks to what history keeps of it. */

#include "detect/detector.h"
#include "engine/ledger.h"
#include "util/buffer.h"

/* Puts the verdict, provisional or final, into the ledger. scratch is overwritten. 0 or -ENOMEM. */
int history_put(struct ledger *ledger, const struct verdict *verdict, bool is_final,
                struct buffer *scratch) _warn_unused_;

#endif
