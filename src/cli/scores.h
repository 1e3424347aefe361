/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_SCORES_H
#define HAPAX_CLI_SCORES_H

/* The table of --scores: RFC 4180, one row for each judged event. */

#include <stdio.h>

#include "detect/detector.h"

#define SCORES_HEADER "epoch_seconds,host,user,process_name,job,detector,probability,score,alert\r\n"

/* Errors stay in the stream (ferror). */
void scores_write_row(FILE *out, const struct verdict *v);

#endif
