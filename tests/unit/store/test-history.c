/* SPDX-License-Identifier: Apache-2.0 */

/* History: one row for what is the same, merged whatever comes twice; pruned in steps, the oldest first. */
#include <sqlite3.h>

#include "support-store.h"

#define BUCKET INT64_C(900000000)

struct rows {
    size_t n;
    int64_t first_bucket, last_bucket;
    struct history_row last; /* numbers only */
    char text[256];          /* of the last */
};

static int keep_row(void *userdata, const struct history_row *row)
{
    struct rows *rows = userdata;

    if (rows->n++ == 0)
        rows->first_bucket = row->bucket_usec;
    rows->last_bucket = row->bucket_usec;
    rows->last = *row;
    (void)snprintf(rows->text, sizeof(rows->text), "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s",
                   SLICE_FMT(row->job), SLICE_FMT(row->user), SLICE_FMT(row->host), SLICE_FMT(row->process),
                   SLICE_FMT(row->effective), SLICE_FMT(row->command_line), SLICE_FMT(row->reason),
                   SLICE_FMT(row->alert), SLICE_FMT(row->exception));
    return 0;
}

static struct rows walk(struct store *store, const char *user)
{
    struct rows rows = {0};

    cr_assert(store_walk_history(store, INT64_MIN, slice_from_string(user), keep_row, &rows) == 0, "%s",
              store_read_error(store));
    return rows;
}

static struct history_row row_of(const char *user, const char *process, int64_t bucket)
{
    return (struct history_row){
        .bucket_usec = bucket * BUCKET,
        .job = SLICE("job"),
        .partition = SLICE(""),
        .user = slice_from_string(user),
        .host = SLICE("web"),
        .process = slice_from_string(process),
        .first_usec = bucket * BUCKET + 5,
        .last_usec = bucket * BUCKET + 5,
        .detector = SLICE("rare"),
        .effective = SLICE("root"),
        .command_line = SLICE("ss -t"),
        .reason = SLICE("below_threshold"),
        .score = 10,
        .n_events = 1,
        .user_weight = 3,
    };
}

static void put_row(struct store *store, const struct history_row *row, bool is_final)
{
    cr_assert(store_begin(store) == 0);
    cr_assert((is_final ? store_put_history_final(store, row) : store_put_history(store, row)) == 0, "%s",
              store_error(store));
    cr_assert(store_commit(store) == 0);
}

Test(history, is_one_row_for_what_is_the_same_and_keeps_what_raised_the_alert)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    struct history_row row = row_of("alice", "ss", 1);
    struct store *store;
    struct rows rows;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    put_row(store, &row, false);
    put_row(store, &row, false); /* read again after a kill */
    rows = walk(store, NULL);
    cr_assert(rows.n == 1 && rows.last.score == 10 && !rows.last.has_probability &&
              !rows.last.has_final_score);
    cr_assert(strcmp(rows.text, "job|alice|web|ss|root|ss -t|below_threshold||") == 0, "%s", rows.text);

    row.last_usec += 100;
    row.score = 80;
    row.probability = 0.25;
    row.has_probability = true;
    row.reason = SLICE("alert");
    row.alert = SLICE("a1");
    row.command_line = SLICE("ss -tulpn");
    put_row(store, &row, false);
    row.last_usec += 100;
    row.score = 60;
    row.reason = SLICE("repeated");
    row.alert = SLICE_NULL;
    row.command_line = SLICE("ss -a");
    row.n_events = 3;
    put_row(store, &row, false);
    rows = walk(store, "alice");
    cr_assert(rows.n == 1 && rows.last.score == 80 && rows.last.n_events == 3);
    cr_assert(rows.last.first_usec == BUCKET + 5 && rows.last.last_usec == BUCKET + 205);
    cr_assert(rows.last.has_probability && rows.last.probability == 0.25);
    cr_assert(strcmp(rows.text, "job|alice|web|ss|root|ss -tulpn|alert|a1|") == 0, "%s", rows.text);

    /* another command is another row; the bucket's end is told to both */
    row = row_of("alice", "netstat", 1);
    row.exception = SLICE("ex1");
    put_row(store, &row, false);
    row.final_score = 42;
    row.alert = SLICE("a2");
    row.reason = SLICE("alert");
    put_row(store, &row, true);
    rows = walk(store, "alice");
    cr_assert(rows.n == 2 && rows.last.has_final_score && rows.last.final_score == 42);
    cr_assert(strcmp(rows.text, "job|alice|web|ss|root|ss -tulpn|alert|a1|") == 0, "a1 stays: %s", rows.text);
    cr_assert(walk(store, "bob").n == 0);
    store_close(store);
    remove_temporary(folder);
}

static uint64_t prune(struct store *store, int64_t before, uint64_t limit, uint64_t n_max)
{
    uint64_t n = 0;

    cr_assert(store_begin(store) == 0);
    cr_assert(store_prune_history(store, before * BUCKET, limit, n_max, &n) == 0, "%s", store_error(store));
    cr_assert(store_commit(store) == 0);
    return n;
}

Test(history, is_pruned_in_steps_the_oldest_first)
{
    enum { N_BUCKETS = 2000, N_USERS = 10 };
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    struct store *store;
    struct rows rows;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    cr_assert(store_begin(store) == 0);
    for (int64_t bucket = 0; bucket < N_BUCKETS; bucket++)
        for (int i = 0; i < N_USERS; i++) {
            char user[16];
            struct history_row row;

            (void)snprintf(user, sizeof(user), "user%d", i);
            row = row_of(user, "ss", bucket);
            cr_assert(store_put_history(store, &row) == 0);
        }
    cr_assert(store_commit(store) == 0);

    cr_assert(prune(store, 0, UINT64_MAX, 100) == 0, "nothing is that old");
    cr_assert(prune(store, 1000, UINT64_MAX, 100) == 100, "no more than asked for");
    rows = walk(store, NULL);
    cr_assert(rows.n == N_BUCKETS * N_USERS - 100 && rows.first_bucket == 10 * BUCKET);
    cr_assert(prune(store, 1000, UINT64_MAX, 1000000) == 9900);
    cr_assert(prune(store, 1000, UINT64_MAX, 1000000) == 0);
    rows = walk(store, "user3");
    cr_assert(rows.n == 1000 && rows.first_bucket == 1000 * BUCKET);

    /* too large: before its time, but never the newest bucket */
    cr_assert(prune(store, 0, 1 << 20, 5000) == 5000);
    rows = walk(store, NULL);
    cr_assert(rows.n == 5000 && rows.first_bucket == 1500 * BUCKET);
    cr_assert(prune(store, 0, 1, 1000000) == 4990);
    cr_assert(prune(store, 0, 1, 1000000) == 0);
    rows = walk(store, NULL);
    cr_assert(rows.n == N_USERS && rows.first_bucket == (N_BUCKETS - 1) * BUCKET);
    store_close(store);
    remove_temporary(folder);
}

static int note_plan(void *userdata, int n, char **values, char **names)
{
    char *text = userdata;

    (void)names;
    (void)snprintf(text + strlen(text), 1024 - strlen(text), "%s; ", values[n - 1]);
    return 0;
}

/* What makes a step cheap is that the key's own order is used: no scan of the table, no sorting. */
Test(history, is_found_by_its_indexes)
{
    static const struct {
        const char *name, *sql;
        const char *with, *without;
    } rows[] = {
        {"prune",
         "EXPLAIN QUERY PLAN DELETE FROM history WHERE (bucket, job, partition, user, host, process) IN"
         " (SELECT bucket, job, partition, user, host, process FROM history WHERE bucket < 5"
         " ORDER BY bucket LIMIT 9)",
         "SEARCH history USING PRIMARY KEY (bucket<?)", "SCAN history"},
        {"final",
         "EXPLAIN QUERY PLAN UPDATE history SET final_score = 1"
         " WHERE bucket = 1 AND job = x'00' AND partition = x'00' AND user = x'00'",
         "(user=? AND bucket=? AND job=? AND partition=?)", "SCAN"},
        {"of a user",
         "EXPLAIN QUERY PLAN SELECT score FROM history WHERE user = x'00' AND bucket >= 5"
         " ORDER BY bucket, job, partition, user, host, process",
         "USING INDEX history_by_user (user=? AND bucket>?)", "TEMP B-TREE"},
    };
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    sqlite3 *db = NULL;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store_close(open_store(path));
    cr_assert(sqlite3_open(path, &db) == SQLITE_OK);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char plan[1024] = "";

        cr_assert(sqlite3_exec(db, rows[i].sql, note_plan, plan, NULL) == SQLITE_OK, "%s: %s", rows[i].name,
                  sqlite3_errmsg(db));
        cr_assert(strstr(plan, rows[i].with) && !strstr(plan, rows[i].without), "%s: %s", rows[i].name, plan);
    }
    cr_assert(sqlite3_close(db) == SQLITE_OK);
    remove_temporary(folder);
}
