/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_FUZZ_AUPARSE_COMPARE_H
#define HAPAX_TESTS_FUZZ_AUPARSE_COMPARE_H

#include "util/slice.h"

/*
 * Reads a log with auparse and with the normalizer, and compares every exec event of either: which there are,
 * argv, ids, cwd, exe, comm, success. Differences go to stderr. Returns how many there are; *ret_n_events is
 * auparse's count of exec events.
 */
size_t auparse_compare(const char *name, struct slice log, size_t *ret_n_events);

#endif
