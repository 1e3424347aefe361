/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_LEARNED_H
#define HAPAX_CLI_LEARNED_H

/* What a detector has learned, for people. */

#include <stdio.h>

#include "detector/chain.h"

/* One line: job, detector, learning or active, since when, on how much. */
void learned_print(FILE *out, const struct chain_learning *learning);

#endif
