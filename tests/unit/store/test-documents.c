/* SPDX-License-Identifier: Apache-2.0 */

/* Dead letters: out of the outbox and kept, the newest of them; and the age of what waits. The walk and its
 * order are tested in test-rows.c. */
#include "support-store.h"

struct letters {
    size_t n;
    uint64_t first, last;
    char text[128]; /* of the last */
};

static int count_letter(void *userdata, const struct dead_letter *letter)
{
    struct letters *letters = userdata;

    if (letters->n++ == 0)
        letters->first = letter->ticket;
    letters->last = letter->ticket;
    (void)snprintf(letters->text, sizeof(letters->text), "%.*s %.*s %.*s %lld %.*s", SLICE_FMT(letter->sink),
                   SLICE_FMT(letter->id), SLICE_FMT(letter->reason), (long long)letter->time_usec,
                   SLICE_FMT(letter->bytes));
    return 0;
}

static uint64_t put_document(struct store *store, unsigned i)
{
    char id[16];
    struct document document = {
        .bytes = SLICE("{1}"), .key = SLICE("k"), .message = SLICE("m"), .severity = 21};
    uint64_t ticket = 0;

    (void)snprintf(id, sizeof(id), "id%u", i);
    document.id = slice_from_string(id);
    cr_assert(store_put_document(store, "kafka", &document, 1000 + i, &ticket) == 0, "%s",
              store_error(store));
    return ticket;
}

Test(documents, a_refused_one_leaves_the_outbox_and_is_kept_with_its_reason)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    struct letters letters = {0};
    uint64_t n = 9, bytes = 9, ticket;
    int64_t made = 0;
    struct store *store;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    cr_assert(store_begin(store) == 0);
    ticket = put_document(store, 1);
    (void)put_document(store, 2);
    cr_assert(store_commit(store) == 0);
    cr_assert(store_oldest_document(store, &made) == 0 && made == 1001);

    /* taken back: it waits again */
    cr_assert(store_begin(store) == 0);
    cr_assert(store_put_dead_letter(store, ticket, SLICE("too large"), 77) == 0);
    cr_assert(store_rollback(store) == 0);
    cr_assert(store_count_outbox(store, &n, &bytes) == 0 && n == 2 && bytes == 6);
    cr_assert(store_walk_dead_letters(store, count_letter, &letters) == 0 && letters.n == 0);

    cr_assert(store_begin(store) == 0);
    cr_assert(store_put_dead_letter(store, ticket, SLICE("too large"), 77) == 0);
    cr_assert(store_put_dead_letter(store, 99, SLICE("no such"), 78) == 1);
    cr_assert(store_commit(store) == 0);
    cr_assert(store_count_outbox(store, &n, &bytes) == 0 && n == 1 && bytes == 3);
    cr_assert(store_oldest_document(store, &made) == 0 && made == 1002);
    store_close(store);

    store = open_store(path);
    cr_assert(store_walk_dead_letters(store, count_letter, &letters) == 0);
    cr_assert(letters.n == 1 && strcmp(letters.text, "kafka id1 too large 77 {1}") == 0, "%s", letters.text);
    cr_assert(store_begin(store) == 0);
    cr_assert(store_delete_document(store, 2) == 0);
    cr_assert(store_commit(store) == 0);
    cr_assert(store_oldest_document(store, &made) == 0 && made == 0);
    store_close(store);
    remove_temporary(folder);
}

Test(documents, keeps_the_newest_dead_letters)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    struct letters letters = {0};
    struct store *store;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    store = open_store(path);
    cr_assert(store_begin(store) == 0);
    for (unsigned i = 0; i < DEAD_LETTERS_MAX + 10; i++)
        cr_assert(store_put_dead_letter(store, put_document(store, i), SLICE("refused"), i) == 0);
    cr_assert(store_commit(store) == 0);
    cr_assert(store_walk_dead_letters(store, count_letter, &letters) == 0);
    cr_assert(letters.n == DEAD_LETTERS_MAX, "%zu", letters.n);
    cr_assert(letters.first == 11 && letters.last == DEAD_LETTERS_MAX + 10);
    store_close(store);
    remove_temporary(folder);
}
