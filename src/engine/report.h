/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ENGINE_REPORT_H
#define HAPAX_ENGINE_REPORT_H

/* The engine's counters as metrics: one snapshot, begun, filled source by source, written. */

#include "detector/chain.h"
#include "engine/ledger.h"
#include "engine/outbox.h"
#include "metrics/metrics.h"
#include "normalize/normalizer.h"
#include "source/source.h"
#include "store/store.h"

struct report {
    const struct outbox *outbox;
    const struct chain *chain;
    struct store *store;
    const struct ledger *ledger;
    uint64_t n_reloads, n_reload_failures;
    int64_t reloaded_usec; /* what is in force was loaded then */
    int64_t now_usec;
    struct metrics metrics;
};

/* Takes what those above count. 0, -ENOMEM or a store error. */
int report_begin(struct report *report) _warn_unused_;
/* Adds what the source tells of the other side, where it does. */
int report_source_stats(struct report *report, struct source *source) _warn_unused_;
/* Adds one source's counters. n_future: events whose time was not believed. */
int report_source(struct report *report, const char *name, const struct normalizer *normalizer,
                  uint64_t n_future) _warn_unused_;
int report_write(const struct report *report, const char *path) _warn_unused_;
void report_done(struct report *report);

#endif
