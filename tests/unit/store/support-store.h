/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_SUPPORT_STORE_H
#define HAPAX_TESTS_SUPPORT_STORE_H

/* A folder of its own for each test of the store, and the store in it. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"
#include "support.h"

#define FOLDER_SIZE    64
#define TEST_PATH_SIZE 128

static inline void make_temporary(char folder[FOLDER_SIZE])
{
    (void)snprintf(folder, FOLDER_SIZE, "/tmp/hapax-test-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
}

static inline void remove_temporary(const char *folder)
{
    char command[TEST_PATH_SIZE];

    (void)snprintf(command, sizeof(command), "rm -rf -- '%s'", folder);
    cr_assert(system(command) == 0);
}

static inline void name_in(char path[TEST_PATH_SIZE], const char *folder, const char *name)
{
    cr_assert(snprintf(path, TEST_PATH_SIZE, "%s/%s", folder, name) < TEST_PATH_SIZE);
}

/* Opens what must open. */
static inline struct store *open_store(const char *path)
{
    struct diag_list diags = DIAG_LIST_INIT;
    struct store *store = NULL;
    int r = store_open(path, DURABILITY_PROCESS, &diags, &store);

    cr_assert(r == 0, "store_open: %s", diags.n > 0 ? diags.items[0].message : "no message");
    diag_list_done(&diags);
    return store;
}

/* Opens what must be refused with exactly one message that holds text. */
static inline void refuse_store(const char *path, const char *text, const char *name)
{
    struct diag_list diags = DIAG_LIST_INIT;
    struct store *store = NULL;

    cr_assert(store_open(path, DURABILITY_PROCESS, &diags, &store) < 0, "%s: opened", name);
    cr_assert(store == NULL, "%s", name);
    cr_assert(diags.n == 1, "%s: %zu messages", name, diags.n);
    cr_assert(strstr(diags.items[0].message, text) != NULL, "%s: got '%s'", name, diags.items[0].message);
    cr_assert(diags.items[0].file && strncmp(diags.items[0].file, "/tmp/", 5) == 0, "%s: names no file",
              name);
    diag_list_done(&diags);
}

static inline void put(struct store *store, const char *key, const char *value)
{
    struct change change = {slice_from_string(key), slice_from_string(value)};

    cr_assert(store_put_change(store, &change) == 0, "%s", store_error(store));
}

/* Appends "key=value " of each change to the text. */
static inline int collect_change(void *userdata, const struct change *change)
{
    char *text = userdata;

    (void)snprintf(text + strlen(text), 256 - strlen(text), "%.*s=%.*s ", SLICE_FMT(change->key),
                   SLICE_FMT(change->value));
    return 0;
}

#define assert_state(store, prefix, expected)                                                                \
    do {                                                                                                     \
        char text_[256] = "";                                                                                \
        int r_ = store_restore((store), slice_from_string(prefix), collect_change, text_);                   \
                                                                                                             \
        cr_assert(r_ == 0, "%s", store_error(store));                                                        \
        cr_assert(strcmp(text_, (expected)) == 0, "got '%s', expected '%s'", text_, (expected));             \
    } while (0)

#endif
