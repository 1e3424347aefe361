/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Damage, page by page: whatever page of a store is overwritten, opening, checking and salvaging it end, say
 * so, change nothing, and what salvage prints was there.
 */
#include <errno.h>
#include <sqlite3.h>

#include "store/maintain.h"
#include "support-store.h"

enum { PAGE_BYTES = 4096, N_ROWS = 600 };

struct seen {
    bool has[N_ROWS];
    size_t n, n_other, n_twice, n_strange, n_damages;
};

static int see_row(void *userdata, const char *table, const struct store_field *fields, size_t n_fields)
{
    struct seen *seen = userdata;
    size_t i;

    if (strcmp(table, "state") != 0) {
        seen->n_other++;
        return 0;
    }
    /* the value is the key's number, eight digits */
    cr_assert_eq(n_fields, 3);
    seen->n++;
    i = fields[2].bytes.len == 8 ? (size_t)strtoul(fields[2].bytes.data, NULL, 10) : N_ROWS;
    if (i >= N_ROWS) {
        seen->n_strange++;
        return 0;
    }
    seen->n_twice += seen->has[i];
    seen->has[i] = true;
    return 0;
}

static void see_damage(void *userdata, const char *table, const char *message)
{
    cr_assert(table && message[0]);
    ((struct seen *)userdata)->n_damages++;
}

static void count_problem(void *userdata, const char *problem)
{
    cr_assert(problem[0]);
    ++*(size_t *)userdata;
}

static void fill(const char *path)
{
    struct store *store = open_store(path);

    cr_assert(store_begin(store) == 0);
    for (unsigned i = 0; i < N_ROWS; i++) {
        char key[64], value[16];

        (void)snprintf(key, sizeof(key), "rare/job/%040u", i);
        (void)snprintf(value, sizeof(value), "%08u", i);
        put(store, key, value);
    }
    cr_assert(store_commit(store) == 0);
    store_close(store);
}

static void read_file(const char *path, char **ret_bytes, size_t *ret_len)
{
    char *bytes = calloc(1, 1 << 20);
    FILE *f = fopen(path, "re");

    cr_assert(f && bytes);
    *ret_len = fread(bytes, 1, 1 << 20, f);
    (void)fclose(f);
    *ret_bytes = bytes;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *f = fopen(path, "we");

    cr_assert(f && fwrite(bytes, 1, len, f) == len);
    cr_assert(fclose(f) == 0);
}

/* 1: salvage went through; 0: the file cannot even be opened for reading. */
static int salvage(const char *path, struct seen *seen, size_t *n_problems)
{
    const struct store_dump_callbacks callbacks = {see_row, see_damage, seen};
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(store_closep) struct store *store = NULL;
    int r = store_inspect(path, &diags, &store);

    if (r < 0) {
        cr_assert_eq(diags.n, 1);
        diag_list_done(&diags);
        return 0;
    }
    cr_assert_eq(store_check(store, count_problem, n_problems, n_problems), 0, "%s", store_read_error(store));
    cr_assert_eq(store_dump(store, true, &callbacks), 0, "%s", store_read_error(store));
    return 1;
}

Test(dump, of_any_damaged_page_loses_what_is_on_it_and_invents_nothing)
{
    static const struct {
        const char *name;
        int byte; /* -1: a page of another place of the file */
    } kinds[] = {{"zeros", 0}, {"ones", 0xff}, {"another page", -1}};
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    char *whole = NULL;
    size_t len = 0, n_pages, n_damaged = 0, n_salvaged = 0, n_refused = 0;
    struct seen seen = {.n = 0};
    size_t n_problems = 0;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    fill(path);
    cr_assert_eq(salvage(path, &seen, &n_problems), 1);
    cr_assert(seen.n == N_ROWS && seen.n_twice == 0 && seen.n_damages == 0 && n_problems == 0);
    read_file(path, &whole, &len);
    n_pages = len / PAGE_BYTES;
    cr_assert_gt(n_pages, 15);

    for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++)
        for (size_t page = 0; page < n_pages; page++) {
            char *at = whole + page * PAGE_BYTES, kept[PAGE_BYTES], *after = NULL;
            size_t after_len;
            struct diag_list diags = DIAG_LIST_INIT;
            struct store *store = NULL;

            memcpy(kept, at, PAGE_BYTES);
            if (kinds[kind].byte >= 0)
                memset(at, kinds[kind].byte, PAGE_BYTES);
            else
                memmove(at, whole + ((page + n_pages / 2) % n_pages) * PAGE_BYTES, PAGE_BYTES);
            if (memcmp(kept, at, PAGE_BYTES) == 0) /* both are empty */
                continue;
            n_damaged++;
            write_file(path, whole, len);
            seen = (struct seen){.n = 0};
            n_problems = 0;
            if (salvage(path, &seen, &n_problems) == 1) {
                n_salvaged++;
                /* a leaf that stands in for an empty one of its kind is whole: nobody can tell */
                cr_assert(n_problems > 0 || kinds[kind].byte < 0, "%s in page %zu: check finds it",
                          kinds[kind].name, page + 1);
                cr_assert_eq(seen.n_strange, 0, "%s in page %zu", kinds[kind].name, page + 1);
                /* a leaf that stands in for another brings its rows a second time */
                cr_assert(seen.n_twice == 0 || kinds[kind].byte < 0, "%s in page %zu", kinds[kind].name,
                          page + 1);
            } else {
                n_refused++;
            }
            /* hapax itself refuses it, and has not touched it */
            if (kinds[kind].byte >= 0)
                cr_assert_lt(store_open(path, DURABILITY_PROCESS, &diags, &store), 0, "%s in page %zu",
                             kinds[kind].name, page + 1);
            read_file(path, &after, &after_len);
            cr_assert(after_len == len && memcmp(after, whole, len) == 0, "%s in page %zu: was changed",
                      kinds[kind].name, page + 1);
            free(after);
            diag_list_done(&diags);
            memcpy(at, kept, PAGE_BYTES);
        }
    /* page 1 alone holds the header and the schema */
    cr_assert_eq(n_refused, ARRAY_SIZE(kinds));
    cr_assert_eq(n_salvaged, n_damaged - ARRAY_SIZE(kinds));
    cr_assert_gt(n_damaged, n_pages * 2);
    free(whole);
    remove_temporary(folder);
}
