/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Does a job look at an event? The process name is compared byte by byte with the job's names. A job has a
 * handful of them and most events differ in length or first byte, so a walk is cheaper than hashing the name.
 *
 * Case matters, as it does to execve. A name is what the kernel calls the process (comm, 15 bytes) or the
 * base name of the executable: normalize has decided which. A failed start is selected like any other: trying
 * is the behaviour.
 */
#include "select/job.h"

bool job_selects(const struct job *job, const struct event *event)
{
    if (slice_is_absent(event->process_name))
        return false;
    for (size_t i = 0; i < job->n_process_names; i++)
        if (slice_equal_string(event->process_name, job->process_names[i]))
            return true;
    return false;
}
