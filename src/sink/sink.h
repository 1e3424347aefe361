/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SINK_SINK_H
#define HAPAX_SINK_SINK_H

/*
 * Who calls a sink: the engine. A document is written with a ticket; the sink confirms the ticket once the
 * document is where it belongs (a file: written; Kafka: the broker's delivery report). Until then it stays in
 * the outbox.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "config/option.h"
#include "event/document.h"
#include "util/diag.h"

struct sink;
struct sink_driver;

/* All sinks, NULL-terminated: cli/drivers.c. */
extern const struct sink_driver *const sink_drivers[];

const char *sink_driver_name(const struct sink_driver *driver);
const char *sink_driver_summary(const struct sink_driver *driver);
const struct option_table *sink_driver_options(const struct sink_driver *driver);
/* What is wrong with the settings of one, as its start would say it; opens nothing. 0, or negative with
 * diags. */
int sink_driver_check(const struct sink_driver *driver, const char *name, const void *settings,
                      struct diag_list *diags) _warn_unused_;

struct sink_callbacks {
    /* error 0: delivered. Negative: this document can never be delivered (message says why); the ticket is
     * done, too. */
    void (*confirm)(void *userdata, struct sink *sink, uint64_t ticket, int error, const char *message);
    /* Something an operator should know: the broker is gone or back, a write was retried. level as in
     * syslog(3). */
    void (*report)(void *userdata, struct sink *sink, int level, const char *message);
    void *userdata;
};

struct sink_stats {
    uint64_t n_written, n_confirmed, n_failed, n_in_flight;
};

int sink_new(const struct sink_driver *driver, const char *name, const void *settings,
             const struct sink_callbacks *callbacks, struct sink **ret_sink) _warn_unused_;
struct sink *sink_free(struct sink *sink);
DEFINE_CLEANUP(struct sink *, sink_free)

/* Opens it; event may be NULL (replay): then confirmations come inside sink_write and sink_flush. */
int sink_start(struct sink *sink, sd_event *event, struct diag_list *diags) _warn_unused_;

/*
 * 0: taken (confirmed later, or already within the call). -EAGAIN: not now, ask again after the next
 * confirmation or report. Any other: the sink is broken and says so by report; the document was not taken.
 */
int sink_write(struct sink *sink, const struct document *document, uint64_t ticket) _warn_unused_;

/* Waits until everything taken is confirmed, at most timeout_usec. 0, -ETIMEDOUT, or -EIO: the sink takes
 * nothing, as it has reported. */
int sink_flush(struct sink *sink, int64_t timeout_usec) _warn_unused_;

/* SIGHUP: reopen a file by its name. */
int sink_reopen(struct sink *sink) _warn_unused_;

const char *sink_name(const struct sink *sink);
const struct sink_stats *sink_stats(const struct sink *sink);

#endif
