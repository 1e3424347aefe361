/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Does a job look at an event? The process name is compared byte by byte with the job's names. A job has a
 * handful of them and most events differ in length or first byte, so a walk is cheaper than hashing the name.
 *
 * Case matters, as it does to execve. A name is what the kernel calls the process (comm, 15 bytes) or the
 * base name of the executable: normalize has decided which. A failed start is selected like any other: trying
 * is the behaviour.
 *
 * A sudo line that can be read in more than one way (a directory named like its fields) is selected if any
 * reading is one of the job's: a forger must not be able to choose the reading in which nobody looks.
 */
#include "select/job.h"

static bool has_name(const struct job *job, struct slice name)
{
    for (size_t i = 0; i < job->n_process_names; i++)
        if (slice_equal_string(name, job->process_names[i]))
            return true;
    return false;
}

/* Every "COMMAND=" in the text begins a command. Linear. */
static bool has_other_reading(const struct job *job, struct slice text)
{
    static const struct slice key = SLICE("COMMAND=");

    for (size_t at = slice_find_slice(text, key); at < text.len; at = slice_find_slice(text, key)) {
        struct slice executable;

        text = slice_skip(text, at + key.len);
        executable = slice_head(text, slice_find(text, ' '));
        if (has_name(job, slice_base_name(executable)))
            return true;
    }
    return false;
}

bool job_selects(const struct job *job, const struct event *event)
{
    if (!slice_is_absent(event->process_name) && has_name(job, event->process_name))
        return true;
    return event->is_ambiguous && has_other_reading(job, event->command_line);
}
