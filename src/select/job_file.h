/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_JOB_FILE_H
#define HAPAX_SELECT_JOB_FILE_H

/* Inside select/ only: one job out of its file (job.c), for the set of them (job_set.c). */

#include "select/job.h"

void job_done(struct job *job);

/*
 * The job of one file, whose base name is id; what is wrong goes to diags. shipped_file: where the file would
 * be in the shipped folder, since the tool catalogue is above that one; *tools is read when the first job
 * names a set of it. 1: something was wrong, *ret_job is not written.
 */
int job_read_file(const char *file, const char *shipped_file, const char *id, struct diag_list *diags,
                  struct tool_catalogue **tools, struct job *ret_job) _warn_unused_;

#endif
