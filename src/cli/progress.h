/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_PROGRESS_H
#define HAPAX_CLI_PROGRESS_H

/* A progress bar on stderr, where that is a terminal; nothing at all elsewhere. */

#include <stdint.h>

/* n_bytes of total_bytes (0: unknown) are read, n_events events came of them. Redraws ten times a second at
 * most. */
void progress_show(int64_t n_bytes, int64_t total_bytes, uint64_t n_events);

/* Wipes the bar, so that what is printed next stands on a clean line. */
void progress_clear(void);

#endif
