/* SPDX-License-Identifier: Apache-2.0 */

/* Who has a store, told without touching its lock, and where its sources stand. */
#include "store/maintain.h"

#include <unistd.h>

#include "support-store.h"
#include "util/buffer.h"

static int say(void *userdata, struct slice source, struct slice cursor)
{
    return buffer_append_format(userdata, "%.*s=%.*s ", SLICE_FMT(source), SLICE_FMT(cursor));
}

TestSuite(look);

Test(look, tells_who_has_the_store_and_where_sources_stand)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    _cleanup_(diag_list_done) struct diag_list diags = {0};
    _cleanup_(buffer_done) struct buffer said = BUFFER_INIT;
    struct store *store, *reader;
    uint64_t pid = 0;

    make_temporary(folder);
    name_in(path, folder, "state.db");
    cr_assert_eq(store_find_owner(path, &pid), 0, "there is none yet");
    store = open_store(path);
    cr_assert_eq(store_find_owner(path, &pid), 1);
    cr_assert_eq(pid, (uint64_t)getpid());
    cr_assert_eq(store_begin(store), 0);
    cr_assert_eq(store_put_cursor(store, "b", SLICE("offset=2")), 0);
    cr_assert_eq(store_put_cursor(store, "a", SLICE("offset=1")), 0);
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(store_inspect(path, &diags, &reader), 0);
    cr_assert_eq(store_walk_cursors(reader, say, &said), 0);
    assert_slice(buffer_slice(&said), "a=offset=1 b=offset=2 ", "cursors");
    store_close(reader);
    store_close(store);
    cr_assert_eq(store_find_owner(path, &pid), 0, "it is closed");
    remove_temporary(folder);
}
