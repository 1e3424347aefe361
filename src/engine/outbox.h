/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ENGINE_OUTBOX_H
#define HAPAX_ENGINE_OUTBOX_H

/*
 * Alerts on their way from the store to the sinks, and the confirmations on their way back into the ledger. A
 * confirmation with an error means that the sink will never take the document: its row becomes a dead letter
 * (store.h) with the sink's message as the reason, and is counted by the sink (n_failed).
 */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "engine/ledger.h"
#include "sink/sink.h"
#include "store/store.h"
#include "util/diag.h"

/* A sink of the configuration. */
struct outbox_sink {
    const struct sink_driver *driver;
    const char *name;
    const void *settings; /* outlive the outbox */
};

struct outbox_options {
    const struct outbox_sink *sinks;
    size_t n_sinks;
    struct store *store;   /* borrowed */
    struct ledger *ledger; /* borrowed: delivered tickets are put there */
    /* Something was confirmed, or a sink may take more: call outbox_deliver when convenient. */
    void (*wake)(void *userdata);
    void *userdata;
};

struct outbox;

int outbox_new(const struct outbox_options *options, struct outbox **ret_outbox) _warn_unused_;
struct outbox *outbox_free(struct outbox *outbox);
DEFINE_CLEANUP(struct outbox *, outbox_free)

/* Opens every sink. */
int outbox_start(struct outbox *outbox, sd_event *event, struct diag_list *diags) _warn_unused_;

/*
 * Hands every committed document to its sink that was not handed over since the start; a sink that cannot
 * take it now is asked again at the next call. Documents of an earlier run are sent again: same bytes, same
 * id. 0, a store error, or -EPIPE: nobody reads standard output any more (the other sinks were served).
 */
int outbox_deliver(struct outbox *outbox) _warn_unused_;

/* Waits until everything handed over is confirmed, at most timeout_usec for all sinks together. As
 * sink_flush; of several failures -EIO. */
int outbox_flush(struct outbox *outbox, int64_t timeout_usec) _warn_unused_;

int outbox_reopen(struct outbox *outbox) _warn_unused_;

size_t outbox_n_sinks(const struct outbox *outbox);
const struct sink *outbox_sink(const struct outbox *outbox, size_t i);

#endif
