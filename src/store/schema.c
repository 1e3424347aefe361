/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The schema: what this release writes, and the way from each older one.
 *
 * Version 1 (hapax 0.1 before its release): state, cursor, pending, outbox, meta. Version 2: documents know
 * when they were made; dead letters and history are new. A migration is a list of statements from one version
 * to the next; they run one after the other in one transaction with the version number at its end, so a
 * process that is killed while it migrates, or finds the disk full, leaves the version it found. A new file
 * gets version 1 and the same steps: there is one way to each schema, and it is tested by every new store.
 *
 * There is no way back: an older hapax says that it does not know the version, and changes nothing.
 *
 * Cost: ADD COLUMN writes one row of the schema, whatever the outbox holds
 * (https://www.sqlite.org/lang_altertable.html#alter_table_add_column).
 */
#include "store/database.h"

#include <stdio.h>

#include "util/cleanup.h"

/* steps[i] leads from version i to i + 1. */
static const char *const steps[] = {
    "CREATE TABLE state(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE cursor(source TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE pending(source TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"
    /* AUTOINCREMENT: a ticket is never given twice, even when the outbox was empty in between */
    "CREATE TABLE outbox(ticket INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, id BLOB NOT NULL,"
    " key BLOB NOT NULL, message BLOB NOT NULL, severity INTEGER NOT NULL, bytes BLOB NOT NULL,"
    " UNIQUE(sink, id));"
    /* an index ends in the rowid, here the ticket: the walk of one sink in order */
    "CREATE INDEX outbox_by_sink ON outbox(sink);"
    "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;",

    /* 0: not known, of a document that version 1 wrote */
    "ALTER TABLE outbox ADD COLUMN made INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE dead_letter(ticket INTEGER PRIMARY KEY, sink TEXT NOT NULL, id BLOB NOT NULL,"
    " reason BLOB NOT NULL, time INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE TABLE history(bucket INTEGER NOT NULL, job BLOB NOT NULL, partition BLOB NOT NULL,"
    " user BLOB NOT NULL, host BLOB NOT NULL, process BLOB NOT NULL, first_time INTEGER NOT NULL,"
    " last_time INTEGER NOT NULL, detector BLOB NOT NULL, effective BLOB NOT NULL, command BLOB NOT NULL,"
    " reason BLOB NOT NULL, alert TEXT, exception TEXT, score REAL NOT NULL, probability REAL,"
    " final_score REAL, n_events INTEGER NOT NULL, weight REAL NOT NULL, first_seen INTEGER NOT NULL,"
    " previous_seen INTEGER NOT NULL,"
    " PRIMARY KEY(bucket, job, partition, user, host, process)) WITHOUT ROWID;"
    "CREATE INDEX history_by_user ON history(user);"
    "CREATE INDEX history_by_alert ON history(alert) WHERE alert IS NOT NULL;",
};

const int schema_version = ARRAY_SIZE(steps);

static int execute(struct connection *c, const char *text)
{
    return connection_translate(c, sqlite3_exec(c->db, text, NULL, NULL, NULL));
}

int schema_migrate(struct connection *c, int64_t from)
{
    char numbers[96];
    int r = execute(c, "BEGIN IMMEDIATE");

    for (size_t i = (size_t)from; r >= 0 && i < ARRAY_SIZE(steps); i++)
        r = execute(c, steps[i]);
    (void)snprintf(numbers, sizeof(numbers), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
                   SCHEMA_APPLICATION_ID, schema_version);
    if (r >= 0)
        r = execute(c, numbers);
    if (r >= 0)
        r = execute(c, "COMMIT");
    /* where SQLite has not rolled back by itself; the first failure is the one to tell */
    if (r < 0 && !sqlite3_get_autocommit(c->db))
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

int schema_create(struct connection *c)
{
    return schema_migrate(c, 0);
}
