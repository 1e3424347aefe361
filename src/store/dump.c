/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Everything out of the store, row by row, for people and other programs: one table of tables says what a row
 * of each is called and how a column is shown. Read within one transaction, so what is printed belongs
 * together also while hapax writes; its write-ahead log cannot be reused until the end of it.
 *
 * Salvage. A damaged B-tree is mostly whole: a page is lost, and what comes before and behind it in the order
 * of keys can be reached. So a table is read forwards until SQLite gives up, then backwards from its end
 * until it gives up again or has come to where the first walk ended. Each walk that goes on is a statement of
 * its own with the last key as its bound, which needs nothing of the broken one. SQLite checks what it reads
 * (cell_size_check), so damage ends a walk and does not invent rows; a value that was overwritten with other
 * valid bytes cannot be told.
 */
#include "store/maintain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/database.h"
#include "util/buffer.h"

#define KEYS_MAX 6

struct column {
    const char *name; /* in the row */
    const char *sql;
    enum store_field_kind kind;
};

struct table {
    const char *name;           /* in the row */
    const char *sql;            /* in the schema */
    const char *keys[KEYS_MAX]; /* its primary key, NULL behind the last */
    struct column columns[STORE_FIELDS_MAX];
};

static const struct table tables[] = {
    {"state",
     "state",
     {"key"},
     /* keys are mostly text and are shown as such; the digits are what they are */
     {{"key", "key", STORE_FIELD_TEXT},
      {"key_hex", "key", STORE_FIELD_BYTES},
      {"value_hex", "value", STORE_FIELD_BYTES}}},
    {"cursor",
     "cursor",
     {"source"},
     {{"source", "source", STORE_FIELD_TEXT}, {"cursor", "value", STORE_FIELD_TEXT}}},
    {"pending",
     "pending",
     {"source"},
     {{"source", "source", STORE_FIELD_TEXT}, {"value_hex", "value", STORE_FIELD_BYTES}}},
    {"outbox",
     "outbox",
     {"ticket"},
     {{"ticket", "ticket", STORE_FIELD_INTEGER},
      {"sink", "sink", STORE_FIELD_TEXT},
      {"id", "id", STORE_FIELD_TEXT},
      {"key", "key", STORE_FIELD_TEXT},
      {"made", "made", STORE_FIELD_TIME},
      {"severity", "severity", STORE_FIELD_INTEGER},
      {"message", "message", STORE_FIELD_TEXT},
      {"document", "bytes", STORE_FIELD_TEXT}}},
    {"dead_letter",
     "dead_letter",
     {"ticket"},
     {{"ticket", "ticket", STORE_FIELD_INTEGER},
      {"sink", "sink", STORE_FIELD_TEXT},
      {"id", "id", STORE_FIELD_TEXT},
      {"time", "time", STORE_FIELD_TIME},
      {"reason", "reason", STORE_FIELD_TEXT},
      {"document", "bytes", STORE_FIELD_TEXT}}},
    {"history",
     "history",
     {"bucket", "job", "partition", "user", "host", "process"},
     {{"bucket", "bucket", STORE_FIELD_TIME},
      {"job", "job", STORE_FIELD_TEXT},
      {"partition", "partition", STORE_FIELD_TEXT},
      {"user", "user", STORE_FIELD_TEXT},
      {"host", "host", STORE_FIELD_TEXT},
      {"process", "process", STORE_FIELD_TEXT},
      {"first", "first_time", STORE_FIELD_TIME},
      {"last", "last_time", STORE_FIELD_TIME},
      {"detector", "detector", STORE_FIELD_TEXT},
      {"effective", "effective", STORE_FIELD_TEXT},
      {"command", "command", STORE_FIELD_TEXT},
      {"reason", "reason", STORE_FIELD_TEXT},
      {"alert", "alert", STORE_FIELD_TEXT},
      {"exception", "exception", STORE_FIELD_TEXT},
      {"score", "score", STORE_FIELD_NUMBER},
      {"probability", "probability", STORE_FIELD_NUMBER},
      {"final_score", "final_score", STORE_FIELD_NUMBER},
      {"n_events", "n_events", STORE_FIELD_INTEGER},
      {"weight", "weight", STORE_FIELD_NUMBER},
      {"first_seen", "first_seen", STORE_FIELD_TIME},
      {"previous_seen", "previous_seen", STORE_FIELD_TIME}}},
};

/* The key of the last row of a walk. */
struct key {
    sqlite3_value *values[KEYS_MAX];
    size_t n; /* 0: no row yet */
};

static void key_done(struct key *key)
{
    for (size_t i = 0; i < key->n; i++)
        sqlite3_value_free(key->values[i]);
    key->n = 0;
}

static size_t n_keys(const struct table *table)
{
    size_t n = 0;

    while (n < KEYS_MAX && table->keys[n])
        n++;
    return n;
}

static size_t n_columns(const struct table *table)
{
    size_t n = 0;

    while (n < STORE_FIELDS_MAX && table->columns[n].name)
        n++;
    return n;
}

static int append_keys(struct buffer *sql, const struct table *table, const char *before, const char *behind)
{
    int r = buffer_append_format(sql, "%s", before);

    for (size_t i = 0; r >= 0 && i < n_keys(table); i++)
        r = buffer_append_format(sql, "%s%s%s", i > 0 ? ", " : "", table->keys[i], behind);
    return r;
}

/* The columns, then the keys, of rows behind a bound (where there is one) in the order of the keys. */
static int make_query(const struct table *table, bool is_backwards, bool is_bound, struct buffer *sql)
{
    int r = buffer_append_format(sql, "SELECT ");

    for (size_t i = 0; r >= 0 && i < n_columns(table); i++)
        r = buffer_append_format(sql, "%s, ", table->columns[i].sql);
    if (r >= 0)
        r = append_keys(sql, table, "", "");
    if (r >= 0)
        r = buffer_append_format(sql, " FROM %s", table->sql);
    if (r >= 0 && is_bound) {
        r = append_keys(sql, table, " WHERE (", "");
        for (size_t i = 0; r >= 0 && i < n_keys(table); i++)
            r = buffer_append_format(sql, "%s?%zu", i > 0 ? ", " : ") > (", i + 1);
        if (r >= 0)
            r = buffer_append_format(sql, ")");
    }
    if (r >= 0)
        r = append_keys(sql, table, " ORDER BY ", is_backwards ? " DESC" : "");
    return r < 0 ? r : buffer_append_char(sql, '\0');
}

static int keep_key(const struct table *table, sqlite3_stmt *stmt, struct key *key)
{
    key_done(key);
    for (size_t i = 0; i < n_keys(table); i++) {
        key->values[i] = sqlite3_value_dup(sqlite3_column_value(stmt, (int)(n_columns(table) + i)));
        if (!key->values[i])
            return -ENOMEM;
        key->n = i + 1;
    }
    return 0;
}

static int show_row(const struct table *table, sqlite3_stmt *stmt,
                    const struct store_dump_callbacks *callbacks)
{
    struct store_field fields[STORE_FIELDS_MAX];
    size_t n = n_columns(table);

    for (size_t i = 0; i < n; i++) {
        bool is_null = sqlite3_column_type(stmt, (int)i) == SQLITE_NULL;
        enum store_field_kind kind = is_null ? STORE_FIELD_NULL : table->columns[i].kind;

        fields[i] = (struct store_field){.name = table->columns[i].name, .kind = kind};
        if (kind == STORE_FIELD_INTEGER || kind == STORE_FIELD_TIME)
            fields[i].integer = sqlite3_column_int64(stmt, (int)i);
        else if (kind == STORE_FIELD_NUMBER)
            fields[i].number = sqlite3_column_double(stmt, (int)i);
        else if (kind != STORE_FIELD_NULL)
            fields[i].bytes = column_slice(stmt, (int)i);
    }
    return callbacks->row(callbacks->userdata, table->name, fields, n);
}

/*
 * One walk. after: NULL, or the rows' lower bound. last: gets the key of the last row, unless NULL.
 * Damage is -EBADMSG, which fn's results are not taken for: *ret_result is what it returned.
 */
static int walk(struct connection *c, const struct table *table, bool is_backwards, const struct key *after,
                struct key *last, const struct store_dump_callbacks *callbacks, int *ret_result)
{
    _cleanup_(buffer_done) struct buffer sql = BUFFER_INIT;
    sqlite3_stmt *stmt = NULL;
    int result, r = make_query(table, is_backwards, after && after->n > 0, &sql);

    if (r < 0)
        return r;
    result = sqlite3_prepare_v2(c->db, sql.data, -1, &stmt, NULL);
    for (size_t i = 0; result == SQLITE_OK && after && i < after->n; i++)
        result = sqlite3_bind_value(stmt, (int)i + 1, after->values[i]);
    *ret_result = 0;
    if (result == SQLITE_OK)
        while ((result = sqlite3_step(stmt)) == SQLITE_ROW && *ret_result == 0) {
            *ret_result = show_row(table, stmt, callbacks);
            if (last && *ret_result == 0 && keep_key(table, stmt, last) < 0)
                *ret_result = -ENOMEM;
        }
    r = *ret_result != 0 ? 0 : connection_translate(c, result);
    (void)sqlite3_finalize(stmt);
    return r;
}

static int dump_table(struct connection *c, const struct table *table, bool is_salvage,
                      const struct store_dump_callbacks *callbacks)
{
    struct key last = {.n = 0};
    int result = 0, r = walk(c, table, false, NULL, is_salvage ? &last : NULL, callbacks, &result);

    if (r < 0 && r != -ENOMEM && is_salvage) {
        callbacks->damage(callbacks->userdata, table->name, c->error);
        r = walk(c, table, true, &last, NULL, callbacks, &result);
        r = r == -ENOMEM ? r : 0;
    }
    key_done(&last);
    return r < 0 ? r : result;
}

int store_dump(struct store *store, bool is_salvage, const struct store_dump_callbacks *callbacks)
{
    struct connection *c = &store->reader;
    int r =
        connection_translate(c, sqlite3_exec(c->db, "PRAGMA cell_size_check = ON; BEGIN", NULL, NULL, NULL));

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(tables); i++)
        r = dump_table(c, &tables[i], is_salvage, callbacks);
    (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}
