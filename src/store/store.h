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

/*
 * Waits, at most timeout_usec, for the lock of the state at path to be free: for the process before this one
 * to end. Takes nothing; whether it was worth it is store_open's to say.
 */
void store_wait_unlocked(const char *path, int64_t timeout_usec);

/* The text of the last failure, for a message; borrowed until the next call. */
const char *store_error(const struct store *store);

/* The same of the reading side: restore, walks, counts, cursors. */
const char *store_read_error(const struct store *store);

/*
 * Two threads may share a store: one writes (everything from store_begin to store_commit or store_rollback,
 * and store_delete_document), one reads (restore, get, walk, count); what is not committed is not seen. Each
 * has an error text of its own.
 */

/* Failures below: -ENOSPC the disk is full, -EROFS read-only, -EBADMSG corrupt, -EIO all others. */
int store_begin(struct store *store) _warn_unused_;
int store_commit(struct store *store) _warn_unused_;
int store_rollback(struct store *store) _warn_unused_;
/* store_begin without a wait: 1, and nothing is begun, where another program holds the database. */
int store_try_begin(struct store *store) _warn_unused_;
/* The next commit only writes into the page cache: no sync, no copying of the log. The writing side's. */
bool store_is_quick(const struct store *store);

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
 * sink) again keeps the first row and returns 1 with its ticket. made_usec: when, by the caller's clock.
 * Walking calls fn for each row with ticket > after, in order; what fn returns other than 0 ends the walk and
 * is returned. The count is that of the last commit.
 */
int store_put_document(struct store *store, const char *sink, const struct document *document,
                       int64_t made_usec, uint64_t *ret_ticket) _warn_unused_;
int store_delete_document(struct store *store, uint64_t ticket) _warn_unused_;
int store_walk_outbox(struct store *store, const char *sink, uint64_t after,
                      int (*fn)(void *userdata, uint64_t ticket, const struct document *document),
                      void *userdata) _warn_unused_;
int store_count_outbox(struct store *store, uint64_t *ret_n, uint64_t *ret_bytes) _warn_unused_;
/* When the oldest document was made; 0 where none waits, or none that says (of a release before schema 2). */
int store_oldest_document(struct store *store, int64_t *ret_made_usec) _warn_unused_;

/*
 * Dead letters: documents that their sink refuses for good. Moves the document out of the outbox, with the
 * reason, inside a transaction; 1: there is none of that ticket. The newest DEAD_LETTERS_MAX are kept.
 */
#define DEAD_LETTERS_MAX 1000U /* chosen: a few MB; a broker's limit that is too small shows at the first */
struct dead_letter {
    uint64_t ticket; /* it had in the outbox */
    struct slice sink, id, reason, bytes;
    int64_t time_usec;
};
int store_put_dead_letter(struct store *store, uint64_t ticket, struct slice reason,
                          int64_t time_usec) _warn_unused_;
int store_walk_dead_letters(struct store *store, int (*fn)(void *userdata, const struct dead_letter *letter),
                            void *userdata) _warn_unused_;

/*
 * History: what was judged, one row for each (bucket, job, partition, user, host, process), so that a record
 * seen twice makes no second row. A row put again keeps the higher scores, the wider times and what raised
 * the alert.
 */
struct history_row {
    int64_t bucket_usec; /* its start */
    struct slice job, partition, user, host, process;
    int64_t first_usec, last_usec; /* of the process starts in this row */
    struct slice detector, effective, command_line, reason;
    struct slice alert, exception; /* ids; absent: none */
    double score, final_score, probability;
    bool has_final_score, has_probability;
    uint64_t n_events;                           /* of the user in the bucket */
    double user_weight;                          /* what the model held of the user */
    int64_t first_seen_usec, previous_seen_usec; /* of the user, by the model; 0: not before */
};
int store_put_history(struct store *store, const struct history_row *row) _warn_unused_;
/* The bucket is over: final_score, reason and alert of every row of (bucket, job, partition, user). */
int store_put_history_final(struct store *store, const struct history_row *row) _warn_unused_;
/*
 * Deletes, oldest first, at most n_max rows of buckets before before_usec; and where the database holds more
 * than limit_bytes, of any bucket but the newest. *ret_n: how many. Inside a transaction.
 */
int store_prune_history(struct store *store, int64_t before_usec, uint64_t limit_bytes, uint64_t n_max,
                        uint64_t *ret_n) _warn_unused_;
/* In order of their keys, from bucket from_usec on. user absent: of all. */
int store_walk_history(struct store *store, int64_t from_usec, struct slice user,
                       int (*fn)(void *userdata, const struct history_row *row),
                       void *userdata) _warn_unused_;

#endif
