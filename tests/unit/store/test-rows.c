/* SPDX-License-Identifier: Apache-2.0 */

/* What is put in comes out: state by prefix, cursors, pending records, the outbox. */
#include <errno.h>

#include "support-store.h"

Test(rows, restores_a_prefix_in_order_of_bytes)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    _cleanup_(store_closep) struct store *store = NULL;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    cr_assert(store_begin(store) == 0);
    put(store, "rare/b", "2");
    put(store, "rare/a", "1");
    put(store, "rare/\xff", "3");
    put(store, "rarer", "no");
    put(store, "novelty/a", "9");
    put(store, "rare/a", "7"); /* replaces */
    put(store, "rare/gone", "x");
    put(store, "rare/gone", NULL); /* deletes */
    put(store, "rare/never", NULL);
    put(store, "rare/empty", "");
    cr_assert(store_commit(store) == 0);

    assert_state(store, "rare/", "rare/a=7 rare/b=2 rare/empty= rare/\xff=3 ");
    assert_state(store, "", "novelty/a=9 rare/a=7 rare/b=2 rare/empty= rare/\xff=3 rarer=no ");
    assert_state(store, "zzz", "");
    remove_temporary(folder);
}

static int stop_at_first(void *userdata, const struct change *change)
{
    ++*(unsigned *)userdata;
    return -ECANCELED;
}

Test(rows, forwards_what_the_function_returns_and_goes_on_afterwards)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    _cleanup_(store_closep) struct store *store = NULL;
    unsigned n = 0;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    cr_assert(store_begin(store) == 0);
    put(store, "a", "1");
    put(store, "b", "2");
    cr_assert(store_commit(store) == 0);
    cr_assert(store_restore(store, SLICE(""), stop_at_first, &n) == -ECANCELED && n == 1);
    assert_state(store, "", "a=1 b=2 ");
    remove_temporary(folder);
}

Test(rows, keeps_any_byte)
{
    static const char bytes[] = "a\0b'\xff\n";
    struct slice value = slice_new(bytes, sizeof(bytes) - 1);
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    _cleanup_(store_closep) struct store *store = NULL;
    _cleanup_(freep) char *got = NULL;
    size_t len = 0;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    cr_assert(store_begin(store) == 0);
    cr_assert(store_put_cursor(store, "stdin", value) == 0);
    cr_assert(store_commit(store) == 0);
    cr_assert(store_get_cursor(store, "stdin", &got, &len) == 0);
    cr_assert(slice_equal(slice_new(got, len), value));
    remove_temporary(folder);
}

Test(rows, has_one_cursor_and_one_pending_value_a_source)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    _cleanup_(store_closep) struct store *store = NULL;
    /* in order; put absent (NULL) deletes a cursor, put empty deletes a pending value */
    static const struct {
        bool is_pending;
        const char *source, *put, *expected;
    } rows[] = {
        {false, "journald", "c1", "c1"}, {false, "file", "f1", "f1"},  {false, "journald", "c2", "c2"},
        {false, "file", "", ""},         {false, "file", NULL, NULL},  {true, "journald", "p1", "p1"},
        {true, "journald", "p2", "p2"},  {true, "journald", "", NULL}, {true, "file", NULL, NULL},
    };

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct slice value = slice_from_string(rows[i].put);
        char *got = NULL;
        size_t len = 99;

        cr_assert(store_begin(store) == 0);
        cr_assert((rows[i].is_pending ? store_put_pending(store, rows[i].source, value)
                                      : store_put_cursor(store, rows[i].source, value)) == 0);
        cr_assert(store_commit(store) == 0);
        cr_assert((rows[i].is_pending ? store_get_pending(store, rows[i].source, &got, &len)
                                      : store_get_cursor(store, rows[i].source, &got, &len)) == 0);
        cr_assert((got == NULL) == (rows[i].expected == NULL), "row %zu", i);
        cr_assert(slice_equal_string(slice_new(got, len), rows[i].expected), "row %zu: got '%s'", i, got);
        free(got);
    }
    remove_temporary(folder);
}

struct walk {
    struct store *store;
    bool is_deleting;
    char text[256];
};

static int collect_document(void *userdata, uint64_t ticket, const struct document *document)
{
    struct walk *walk = userdata;

    (void)snprintf(walk->text + strlen(walk->text), sizeof(walk->text) - strlen(walk->text),
                   "%llu:%.*s:%.*s:%.*s:%d:%.*s ", (unsigned long long)ticket, SLICE_FMT(document->id),
                   SLICE_FMT(document->key), SLICE_FMT(document->message), document->severity,
                   SLICE_FMT(document->bytes));
    return walk->is_deleting ? store_delete_document(walk->store, ticket) : 0;
}

#define assert_outbox(store_, sink, after, delete, expected)                                                 \
    do {                                                                                                     \
        struct walk walk_ = {.store = (store_), .is_deleting = (delete)};                                    \
                                                                                                             \
        cr_assert(store_walk_outbox((store_), (sink), (after), collect_document, &walk_) == 0);              \
        cr_assert(strcmp(walk_.text, (expected)) == 0, "got '%s', expected '%s'", walk_.text, (expected));   \
    } while (0)

static void assert_count(struct store *store, uint64_t expected_n, uint64_t expected_bytes)
{
    uint64_t n = 0, bytes = 0;

    cr_assert(store_count_outbox(store, &n, &bytes) == 0);
    cr_assert(n == expected_n && bytes == expected_bytes, "got %llu with %llu bytes", (unsigned long long)n,
              (unsigned long long)bytes);
}

static int put_document(struct store *store, const char *sink, const char *id, const char *bytes,
                        uint64_t *ret_ticket)
{
    struct document document = {
        .bytes = slice_from_string(bytes),
        .id = slice_from_string(id),
        .key = SLICE("alice"),
        .message = SLICE("why"),
        .severity = 21,
    };

    return store_put_document(store, sink, &document, 1000, ret_ticket);
}

Test(rows, keeps_documents_in_order_until_they_are_deleted)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    struct store *store = NULL;
    uint64_t ticket = 0;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    cr_assert(store_begin(store) == 0);
    cr_assert(put_document(store, "kafka", "id2", "{22}", &ticket) == 0 && ticket == 1);
    cr_assert(put_document(store, "file", "id2", "{22}", &ticket) == 0 && ticket == 2);
    cr_assert(put_document(store, "kafka", "id1", "{1}", &ticket) == 0 && ticket == 3);
    /* the same alert again: the first row stays */
    cr_assert(put_document(store, "kafka", "id2", "{other}", &ticket) == 1 && ticket == 1);
    assert_count(store, 0, 0); /* what is not committed is not counted */
    cr_assert(store_commit(store) == 0);
    assert_count(store, 3, 11);

    assert_outbox(store, "kafka", 0, false, "1:id2:alice:why:21:{22} 3:id1:alice:why:21:{1} ");
    assert_outbox(store, "kafka", 1, false, "3:id1:alice:why:21:{1} ");
    assert_outbox(store, "nobody", 0, false, "");
    store_close(store);

    store = open_store(path);
    assert_count(store, 3, 11);
    /* a sink that confirms at once deletes while the walk goes on */
    assert_outbox(store, "kafka", 0, true, "1:id2:alice:why:21:{22} 3:id1:alice:why:21:{1} ");
    assert_outbox(store, "kafka", 0, false, "");
    assert_count(store, 1, 4);
    cr_assert(store_delete_document(store, 3) == 0); /* gone already */
    cr_assert(store_delete_document(store, 2) == 0);
    assert_count(store, 0, 0);
    store_close(store);

    /* a ticket is not given twice (SQLite may leave gaps) */
    store = open_store(path);
    cr_assert(store_begin(store) == 0);
    cr_assert(put_document(store, "kafka", "id1", "{}", &ticket) == 0 && ticket > 3);
    cr_assert(store_rollback(store) == 0);
    assert_count(store, 0, 0);
    assert_outbox(store, "kafka", 0, false, "");
    store_close(store);
    remove_temporary(folder);
}
