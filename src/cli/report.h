/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_REPORT_H
#define HAPAX_CLI_REPORT_H

/* The file of `replay --report`: what the report room makes, put in its place all at once. */

#include "cli/input.h"
#include "report/report.h"
#include "select/exception.h"

struct report_file;

/*
 * A new file next to path, with the exceptions (NULL: none) in its report; that path cannot be written is
 * known from here on. path is borrowed. 0 or a negative errno.
 */
int report_file_new(const char *path, const struct exception_set *exceptions,
                    struct report_file **ret_file) _warn_unused_;
/* Without report_file_commit, nothing is left and what stood at path stays. */
struct report_file *report_file_free(struct report_file *file);
DEFINE_CLEANUP(struct report_file *, report_file_free)

/* To be fed; borrowed. */
struct report *report_file_report(struct report_file *file);

/* Adds what came out of the inputs, writes the page and puts it in its place. 0 or a negative errno. */
int report_file_commit(struct report_file *file, const struct input_set *set) _warn_unused_;

#endif
