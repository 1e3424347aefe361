/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ENGINE_LEDGER_H
#define HAPAX_ENGINE_LEDGER_H

/*
 * What is to become durable together: model changes, alerts for the outbox, source cursors, pending records,
 * and the tickets of delivered alerts. Collected here, written in one transaction, kept for another try where
 * that fails.
 */

#include <stdbool.h>
#include <stdint.h>

#include "event/change.h"
#include "event/document.h"
#include "store/store.h"
#include "util/buffer.h"

struct ledger;

/* sinks: the names every document goes to (borrowed, n_sinks of them). store is borrowed. */
int ledger_new(struct store *store, const char *const *sinks, size_t n_sinks,
               struct ledger **ret_ledger) _warn_unused_;
struct ledger *ledger_free(struct ledger *ledger);
DEFINE_CLEANUP(struct ledger *, ledger_free)

/* Each copies what it is given. 0 or -ENOMEM. */
int ledger_put_change(struct ledger *ledger, const struct change *change) _warn_unused_;
int ledger_put_document(struct ledger *ledger, const struct document *document) _warn_unused_;
/* The document of this ticket is delivered: its row can go. */
int ledger_put_done(struct ledger *ledger, uint64_t ticket) _warn_unused_;

/* Where a source stands: replaces what was put for it before. An absent slice leaves the stored value alone.
 */
int ledger_put_place(struct ledger *ledger, const char *source, struct slice cursor,
                     struct slice pending) _warn_unused_;

/* Documents collected and not yet written. */
size_t ledger_n_documents(const struct ledger *ledger);
bool ledger_is_empty(const struct ledger *ledger);

/* Writes everything in one transaction and forgets it; on failure (see store.h) nothing is written, all is
 * kept. */
int ledger_commit(struct ledger *ledger) _warn_unused_;

#endif
