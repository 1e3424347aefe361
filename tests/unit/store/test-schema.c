/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The way from each older schema: schema-1.sql is a dump of a store that a release with schema 1 wrote (two
 * sources, one of them with a pending record, one alert that waits).
 */
#include <sqlite3.h>

#include "support-store.h"
#include "util/buffer.h"

static void load_sql(const char *path, const char *name)
{
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    _cleanup_(freep) char *file = NULL, *text = calloc(1, 1 << 20);
    _cleanup_(fclosep) FILE *f = NULL;
    sqlite3 *db = NULL;

    cr_assert(asprintf(&file, "%s/tests/unit/store/%s", root ? root : ".", name) > 0);
    f = fopen(file, "re");
    cr_assert(f && text && fread(text, 1, (1 << 20) - 1, f) > 0, "%s", file);
    cr_assert(sqlite3_open(path, &db) == SQLITE_OK);
    cr_assert(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert(sqlite3_close(db) == SQLITE_OK);
}

struct sum {
    size_t n, bytes;
    uint64_t ticket;
};

static int sum_change(void *userdata, const struct change *change)
{
    struct sum *sum = userdata;

    sum->n++;
    sum->bytes += change->value.len;
    return 0;
}

static int sum_document(void *userdata, uint64_t ticket, const struct document *document)
{
    struct sum *sum = userdata;

    sum->n++;
    sum->ticket = ticket;
    cr_assert(slice_equal_string(document->key, "mallory"));
    cr_assert(document->id.len == 32);
    return 0;
}

/* The figures are those of the dump, read with the sqlite3 shell of the release that wrote it. */
static void assert_same_as_the_dump(struct store *store)
{
    _cleanup_(freep) char *cursor = NULL, *pending = NULL;
    struct sum state = {0}, outbox = {0};
    int64_t made = -1;
    size_t len = 0;

    cr_assert(store_restore(store, SLICE(""), sum_change, &state) == 0);
    cr_assert(state.n == 8 && state.bytes == 1550, "%zu keys, %zu bytes", state.n, state.bytes);
    cr_assert(store_walk_outbox(store, "out", 0, sum_document, &outbox) == 0);
    cr_assert(outbox.n == 1 && outbox.ticket == 1);
    cr_assert(store_oldest_document(store, &made) == 0 && made == 0, "nobody knows when it was made");
    cr_assert(store_get_cursor(store, "sudo", &cursor, &len) == 0);
    cr_assert(slice_equal_string(slice_new(cursor, len),
                                 "inode=10488195 offset=29167 head=256:b141e21cc3e234698b1e13b6d997a5a9"));
    cr_assert(store_get_pending(store, "half", &pending, &len) == 0 && len == 461);
}

Test(schema, opens_what_schema_1_wrote_and_gives_the_same_state)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    struct store *store;
    uint64_t ticket = 0;
    struct document document = {SLICE("{}"), SLICE("new"), SLICE("k"), SLICE("m"), 21};

    make_temporary(folder);
    name_in(path, folder, "state.db");
    load_sql(path, "schema-1.sql");
    store = open_store(path);
    assert_same_as_the_dump(store);
    /* and what is new works in it */
    cr_assert(store_begin(store) == 0);
    cr_assert(store_put_document(store, "out", &document, 5, &ticket) == 0 && ticket == 2);
    cr_assert(store_put_dead_letter(store, ticket, SLICE("too large"), 7) == 0);
    cr_assert(store_commit(store) == 0);
    store_close(store);
    store = open_store(path);
    assert_same_as_the_dump(store);
    store_close(store);
    remove_temporary(folder);
}

Test(schema, leaves_the_old_one_whole_when_it_cannot_migrate)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    struct store *store;
    sqlite3 *db = NULL;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    load_sql(path, "schema-1.sql");
    /* something of that name is there: the step fails behind its first statement */
    cr_assert(sqlite3_open(path, &db) == SQLITE_OK);
    cr_assert(sqlite3_exec(db, "CREATE TABLE history(x)", NULL, NULL, NULL) == SQLITE_OK);
    cr_assert(sqlite3_close(db) == SQLITE_OK);
    refuse_store(path, "cannot be opened", "a step that fails");
    cr_assert(sqlite3_open(path, &db) == SQLITE_OK);
    cr_assert(sqlite3_exec(db, "DROP TABLE history", NULL, NULL, NULL) == SQLITE_OK);
    cr_assert(sqlite3_exec(db, "SELECT made FROM outbox", NULL, NULL, NULL) == SQLITE_ERROR,
              "the first statement was taken back");
    cr_assert(sqlite3_close(db) == SQLITE_OK);
    store = open_store(path);
    assert_same_as_the_dump(store);
    store_close(store);
    remove_temporary(folder);
}
