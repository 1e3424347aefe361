/* SPDX-License-Identifier: Apache-2.0 */

/* Whose file is it: each kind of file that is not a store of ours is refused, with what to do, and left
 * alone. */
#include <errno.h>
#include <sqlite3.h>

#include "support-store.h"

static void write_file(const char *path, const char *bytes, size_t n)
{
    _cleanup_(fclosep) FILE *f = fopen(path, "we");

    cr_assert(f && fwrite(bytes, 1, n, f) == n);
}

static void execute(const char *path, const char *text)
{
    sqlite3 *db = NULL;

    cr_assert(sqlite3_open(path, &db) == SQLITE_OK);
    cr_assert(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert(sqlite3_close(db) == SQLITE_OK);
}

Test(database, refuses_what_is_not_its_own)
{
    static const struct {
        const char *name;
        const char *bytes; /* of the file, or NULL */
        const char *sql;   /* run on it, or NULL */
        bool is_ours;      /* sql is run on a store of ours */
        const char *expected;
    } rows[] = {
        {"text",
         "this is a note of at least one hundred bytes, so that SQLite looks at its beginning and sees that "
         "it is no database",
         NULL, false, "damaged or not an SQLite database"},
        {"foreign tables", NULL, "CREATE TABLE places(url)", false, "another program (application id 0)"},
        {"foreign id", NULL, "PRAGMA application_id = 7; CREATE TABLE t(x)", false,
         "another program (application id 7)"},
        {"newer schema", NULL, "PRAGMA user_version = 99", true,
         "a newer hapax (schema 99, this one knows up to 2): update hapax"},
        {"unknown schema", NULL, "PRAGMA user_version = 0", true, "unknown schema 0"},
    };
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];

    make_temporary(folder);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char file[16];
        struct stat before, after;

        (void)snprintf(file, sizeof(file), "row%zu.db", i);
        name_in(path, folder, file);
        if (rows[i].bytes)
            write_file(path, rows[i].bytes, strlen(rows[i].bytes));
        if (rows[i].is_ours)
            store_close(open_store(path));
        if (rows[i].sql)
            execute(path, rows[i].sql);
        cr_assert(stat(path, &before) == 0);
        refuse_store(path, rows[i].expected, rows[i].name);
        cr_assert(stat(path, &after) == 0);
        cr_assert(before.st_size == after.st_size && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec,
                  "%s: was changed", rows[i].name);
    }
    remove_temporary(folder);
}

Test(database, takes_the_empty_file_of_a_process_killed_while_creating_it)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];

    make_temporary(folder);
    name_in(path, folder, "state.db");
    write_file(path, "", 0);
    store_close(open_store(path));
    store_close(open_store(path));
    remove_temporary(folder);
}

Test(database, finds_damage_when_it_opens)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE], garbage[4096];
    _cleanup_(fclosep) FILE *f = NULL;
    struct stat st;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store_close(open_store(path));
    memset(garbage, 0xa5, sizeof(garbage));
    cr_assert(stat(path, &st) == 0 && st.st_size > 4096);
    f = fopen(path, "r+e");
    /* the first page has the header and the schema; all of the tables follow */
    cr_assert(f && fseek(f, 4096, SEEK_SET) == 0);
    for (off_t at = 4096; at < st.st_size; at += 4096)
        cr_assert(fwrite(garbage, 1, sizeof(garbage), f) == sizeof(garbage));
    cr_assert(fflush(f) == 0);
    refuse_store(path, "damaged or not an SQLite database", "damage");
    remove_temporary(folder);
}
