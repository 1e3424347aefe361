/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_BACKLOG_H
#define HAPAX_SOURCE_BACKLOG_H

/*
 * What a source holds at this moment, in parts that are each in an order of their own (the partitions of a
 * topic), for commands that read to an end and have no loop. Reading leaves no trace there.
 */

#include "frame/frame.h"
#include "source/source.h"

struct backlog_part {
    char *name; /* "audit/0" */
    uint64_t n; /* messages at the time it was opened, or a little more */
    uint64_t n_read;
    bool is_at_end;
};

struct backlog;

struct backlog_callbacks {
    /* Something an operator should know, while reading goes on. level as in syslog(3). */
    void (*report)(void *userdata, int level, const char *message);
    void *userdata;
};

bool source_has_backlog(const struct source_driver *driver);

/* Opens what there is: waits for the other side, for seconds at most. settings: as for source_new. What a
 * user can mend goes to diags. */
int backlog_open(const struct source_driver *driver, const char *name, const void *settings,
                 const struct backlog_callbacks *callbacks, struct diag_list *diags,
                 struct backlog **ret_backlog) _warn_unused_;
struct backlog *backlog_free(struct backlog *backlog);
DEFINE_CLEANUP(struct backlog *, backlog_free)

size_t backlog_n_parts(const struct backlog *backlog);
const struct backlog_part *backlog_part(const struct backlog *backlog, size_t i);

/*
 * Hands over some records of a part. 1: there may be more, perhaps none came just now; 0: the end; a negative
 * errno (emit's, or of the other side, which was reported).
 */
int backlog_read(struct backlog *backlog, size_t i, record_fn emit, void *userdata) _warn_unused_;

#endif
