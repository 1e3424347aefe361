/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_STORE_STORE_H
#define HAPAX_STORE_STORE_H

/*
 * The durable side: model state, source cursors, records pending in the audit assembler and alerts on their
 * way out, in one SQLite database. Everything between store_begin and store_commit is one transaction: all of
 * it or nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "event/change.h"
#include "event/document.h"
#include "util/cleanup.h"
#include "util/diag.h"
#include "util/slice.h"

enum durability {
    DURABILITY_PROCESS, /* survives kill -9: WAL, synchronous NORMAL */
    DURABILITY_POWER,   /* survives power loss: synchronous FULL */
};

struct store;

/*
 * Opens or creates the database (mode 0600; the folder is made, mode 0700, if its parent is there), takes a
 * lock that a second hapax cannot take, and migrates an older schema. What an operator can mend (read-only,
 * locked by another process, newer schema, not a database) goes to diags with what to do.
 */
int store_open(const char *path, enum durability durability, struct diag_list *diags,
               struct store **ret_store) _warn_unused_;
struct store *store_close(struct store *store);
DEFINE_CLEANUP(struct store *, store_close)

/* The text of the last failure, for a message; borrowed until the next call. */
const char *store_error(const struct store *store);

/* Failures below: -ENOSPC the disk is full, -EROFS read-only, -EBADMSG corrupt, -EIO all others. */
int store_begin(struct store *store) _warn_unused_;
int store_commit(struct store *store) _warn_unused_;
int store_rollback(struct store *store) _warn_unused_;

/* State: inside a transaction; an absent value deletes. */
int store_put_change(struct store *store, const struct change *change) _warn_unused_;
/* Every key that begins with prefix, in order of the keys' bytes. */
int store_restore(struct store *store, struct slice prefix, change_fn fn, void *userdata) _warn_unused_;

/* Cursor of a source, by name; an absent cursor is returned where there is none. Copied to *ret_cursor (free
 * it). */
int store_put_cursor(struct store *store, const char *source, struct slice cursor) _warn_unused_;
int store_get_cursor(struct store *store, const char *source, char **ret_bytes,
                     size_t *ret_len) _warn_unused_;

/* What the normalizer of a source holds that is not an event yet. Empty deletes. */
int store_put_pending(struct store *store, const char *source, struct slice bytes) _warn_unused_;
int store_get_pending(struct store *store, const char *source, char **ret_bytes,
                      size_t *ret_len) _warn_unused_;

/*
 * Outbox: one row per document and sink, with an ascending ticket. Adding inside a transaction; the same (id,
 * sink) again keeps the first row and returns 1 with its ticket. Walking calls fn for each row with ticket >
 * after, in order; what fn returns other than 0 ends the walk and is returned.
 */
int store_put_document(struct store *store, const char *sink, const struct document *document,
                       uint64_t *ret_ticket) _warn_unused_;
int store_delete_document(struct store *store, uint64_t ticket) _warn_unused_;
int store_walk_outbox(struct store *store, const char *sink, uint64_t after,
                      int (*fn)(void *userdata, uint64_t ticket, const struct document *document),
                      void *userdata) _warn_unused_;
int store_count_outbox(struct store *store, uint64_t *ret_n, uint64_t *ret_bytes) _warn_unused_;

#endif
