/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ENGINE_LEDGER_H
#define HAPAX_ENGINE_LEDGER_H

/*
 * What is to become durable together: model changes, alerts for the outbox, history, source cursors, pending
 * records, and the tickets of alerts that are delivered or refused. Collected here, written in one
 * transaction by the store thread, kept for another try where that fails.
 */

#include <stdbool.h>
#include <stdint.h>

#include "event/change.h"
#include "event/document.h"
#include "store/store.h"
#include "util/buffer.h"

struct ledger;

/* sinks: the names every document goes to (borrowed, n_sinks of them). store is borrowed. Starts the store
 * thread. */
int ledger_new(struct store *store, const char *const *sinks, size_t n_sinks,
               struct ledger **ret_ledger) _warn_unused_;
/* Waits for the transaction under way; what is only collected is dropped. */
struct ledger *ledger_free(struct ledger *ledger);
DEFINE_CLEANUP(struct ledger *, ledger_free)

/* Each copies what it is given. 0 or -ENOMEM. */
int ledger_put_change(struct ledger *ledger, const struct change *change) _warn_unused_;
int ledger_put_document(struct ledger *ledger, const struct document *document,
                        int64_t made_usec) _warn_unused_;
/* The document of this ticket is delivered: its row can go. */
int ledger_put_done(struct ledger *ledger, uint64_t ticket) _warn_unused_;
/* No sink will ever take the document of this ticket: it becomes a dead letter. */
int ledger_put_refused(struct ledger *ledger, uint64_t ticket, const char *reason,
                       int64_t time_usec) _warn_unused_;
/* A judged event, or (is_final) a judged bucket: see store_put_history and store_put_history_final. */
int ledger_put_history(struct ledger *ledger, const struct history_row *row, bool is_final) _warn_unused_;
/* History of buckets before before_usec, and beyond limit_bytes of database, is deleted step by step, with
 * each of the following transactions. */
void ledger_set_history_limits(struct ledger *ledger, int64_t before_usec, uint64_t limit_bytes);

/* Where a source stands: replaces what was put for it before. An absent slice leaves the stored value alone.
 */
int ledger_put_place(struct ledger *ledger, const char *source, struct slice cursor,
                     struct slice pending) _warn_unused_;

/* Collected and not yet handed to the store thread. */
size_t ledger_n_documents(const struct ledger *ledger);
size_t ledger_n_bytes(const struct ledger *ledger);
bool ledger_is_empty(const struct ledger *ledger);

/*
 * The store thread. ledger_submit hands everything collected over as one transaction; only while
 * !ledger_is_busy (asserted). When it has ended, ledger_fd is readable and ledger_finish says how: 0 durable;
 * negative (see store.h) nothing is written, all of it is kept, and the next ledger_submit tries it again,
 * together with nothing else.
 */
int ledger_fd(const struct ledger *ledger);
bool ledger_is_busy(const struct ledger *ledger);
/* A transaction failed and waits for ledger_submit. */
bool ledger_has_failed(const struct ledger *ledger);
void ledger_submit(struct ledger *ledger);
/*
 * The same in the calling thread, and ledger_finish's result: some tens of microseconds, against the way to
 * the thread and back. 1: it was not even begun, as it would have to wait: the thread's. Only while
 * !ledger_is_busy, and worth it where ledger_is_quick: little is collected or to be pruned, and the store
 * syncs nothing.
 */
int ledger_execute(struct ledger *ledger) _warn_unused_;
bool ledger_is_quick(const struct ledger *ledger);
/* Waits for it where it has not ended. Clears ledger_fd. */
int ledger_finish(struct ledger *ledger) _warn_unused_;
/* Documents that the last transaction put into the outbox. */
size_t ledger_n_written(const struct ledger *ledger);
/* Rows of history pruned so far, and whether the last step left some to prune. */
uint64_t ledger_n_pruned(const struct ledger *ledger);
bool ledger_has_more_to_prune(const struct ledger *ledger);

/* All of it in the calling thread: waits, writes what is kept and what is collected. */
int ledger_commit(struct ledger *ledger) _warn_unused_;

#endif
