/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ALERT_SUGGEST_H
#define HAPAX_ALERT_SUGGEST_H

/* Which exception would silence an alert: the conditions, and the command that writes it. */

#include "alert/json.h"
#include "detect/detector.h"
#include "select/job.h"
#include "util/arena.h"

/* What a suggestion is made from: an alert, whether it is being written or was read back from the history. */
struct suggestion_basis {
    struct slice alert; /* id */
    const struct job *job;
    struct slice user;    /* by the job's identity; absent where the job counts processes */
    struct slice host;    /* absent: it is about several, or none is known */
    struct slice process; /* likewise */
    struct slice command_line;
    int64_t time_usec;
};

/* chosen: user, host, process, command line */
#define SUGGESTION_MATCHES_MAX 4

struct suggestion {
    struct slice id;                              /* of the exception */
    struct slice expires;                         /* its last day */
    struct slice matches[SUGGESTION_MATCHES_MAX]; /* as `hapax exceptions add --match` takes them */
    size_t n_matches;
    struct slice command; /* for a shell, one line of plain text; reason and owner are left empty */
};

/*
 * The narrowest exception that holds for what basis says: a condition for each part that a YAML file can
 * hold. 1 and *ret_suggestion, in arena memory, NUL-terminated each; 0: none can be written (the user's name,
 * or the process's of a job that counts those, is no text or longer than any is); -ENOMEM.
 */
int suggestion_make(const struct suggestion_basis *basis, struct arena *arena,
                    struct suggestion *ret_suggestion) _warn_unused_;

/*
 * The same for a verdict. 0 also for an event that can be read in more than one way, which no exception
 * forgives. A verdict at a bucket's end that counts several process starts is about all of them: what is only
 * known of the last is left out.
 */
int suggestion_of_verdict(const struct verdict *verdict, const struct job *job, struct slice alert,
                          struct arena *arena, struct suggestion *ret_suggestion) _warn_unused_;

/* {"exception": {"id", "job", "match": […], "expires", "command"}} */
void suggestion_write(struct json_writer *w, const struct suggestion *suggestion, const char *job);

#endif
