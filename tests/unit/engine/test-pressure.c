/* SPDX-License-Identifier: Apache-2.0 */

/* Reasons to pause, one by one and together; the outbox at each of its limits. */
#include "engine/pressure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static char said[64];

static int note_pause(void *userdata, bool is_paused)
{
    (void)userdata;
    (void)strncat(said, is_paused ? "P" : "g", sizeof(said) - strlen(said) - 1);
    return 0;
}

Test(pressure, is_on_while_there_is_a_reason)
{
    struct pressure p = {.pause = note_pause};

    said[0] = '\0';
    cr_assert_eq(pressure_set(&p, PAUSE_STORE, false), 0);
    cr_assert_str_eq(said, "");
    cr_assert_eq(pressure_set(&p, PAUSE_STORE, true), 0);
    cr_assert_eq(pressure_set(&p, PAUSE_BATCH, true), 0);
    cr_assert_eq(pressure_set(&p, PAUSE_STORE, true), 0);
    cr_assert_eq(pressure_set(&p, PAUSE_STORE, false), 0);
    cr_assert_str_eq(said, "P");
    cr_assert_eq(pressure_set(&p, PAUSE_BATCH, false), 0);
    cr_assert_str_eq(said, "Pg");
}

static void put_documents(struct store *store, unsigned first, unsigned n)
{
    cr_assert_eq(store_begin(store), 0);
    for (unsigned i = first; i < first + n; i++) {
        char id[16];
        struct document document = {.bytes = SLICE("0123456789"), .key = SLICE("k"), .message = SLICE("m")};
        uint64_t ticket;

        (void)snprintf(id, sizeof(id), "%u", i);
        document.id = slice_from_string(id);
        cr_assert_eq(store_put_document(store, "s", &document, 1000000, &ticket), 0);
    }
    cr_assert_eq(store_commit(store), 0);
}

static void delete_documents(struct store *store, unsigned first, unsigned n)
{
    cr_assert_eq(store_begin(store), 0);
    for (unsigned i = first; i < first + n; i++)
        cr_assert_eq(store_delete_document(store, i), 0);
    cr_assert_eq(store_commit(store), 0);
}

Test(pressure, comes_at_either_limit_of_the_outbox_and_goes_at_half_of_both)
{
    static const struct {
        const char *name;
        uint64_t limit_bytes, limit_alerts;
        unsigned n_put, n_deleted;
        const char *expected;
    } rows[] = {
        {"below both", 100, 10, 10, 0, ""},           {"too many bytes", 99, 100, 10, 0, "P"},
        {"too many alerts", 1000, 9, 10, 0, "P"},     {"above half of the bytes", 99, 100, 10, 5, "P"},
        {"half of the bytes", 99, 100, 10, 6, "Pg"},  {"above half of the alerts", 1000, 9, 10, 5, "P"},
        {"half of the alerts", 1000, 9, 10, 6, "Pg"},
    };
    char folder[] = "/tmp/hapax-pressure.XXXXXX", path[96], command[96];

    cr_assert(mkdtemp(folder));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        struct store *store = NULL;
        struct pressure p = {.pause = note_pause,
                             .limit_bytes = rows[i].limit_bytes,
                             .limit_alerts = rows[i].limit_alerts,
                             .warn_age_usec = 5000000};

        said[0] = '\0';
        (void)snprintf(path, sizeof(path), "%s/%zu.db", folder, i);
        cr_assert_eq(store_open(path, DURABILITY_PROCESS, &diags, &store), 0);
        p.store = store;
        put_documents(store, 1, rows[i].n_put);
        cr_assert_eq(pressure_check_outbox(&p), 0);
        cr_assert_eq(pressure_check_outbox(&p), 0);
        delete_documents(store, 1, rows[i].n_deleted);
        cr_assert_eq(pressure_check_outbox(&p), 0);
        cr_assert_str_eq(said, rows[i].expected, "%s: %s", rows[i].name, said);

        /* age pauses nothing; it is over when nothing waits */
        pressure_check_age(&p, 6000000);
        cr_assert(!p.is_alert_old, "%s", rows[i].name);
        pressure_check_age(&p, 6000001);
        cr_assert(p.is_alert_old, "%s", rows[i].name);
        cr_assert_str_eq(said, rows[i].expected, "%s: %s", rows[i].name, said);
        delete_documents(store, 1, rows[i].n_put);
        pressure_check_age(&p, 9000000);
        cr_assert(!p.is_alert_old, "%s", rows[i].name);
        store_close(store);
        diag_list_done(&diags);
    }
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}
