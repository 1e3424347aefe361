/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_SHIPPED_RULEBASE_H
#define HAPAX_TESTS_SHIPPED_RULEBASE_H

/* The rulebases as they are shipped, loaded for each test of a suite, with local time in UTC. */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "normalize/lognorm.h"
#include "support.h"

static struct rulebase *rb;

static void set_up(void)
{
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    char path[PATH_MAX];

    if (!root)
        cr_skip_test("HAPAX_SOURCE_ROOT is not set");
    cr_assert_eq(setenv("TZ", "UTC", 1), 0);
    tzset();
    (void)snprintf(path, sizeof(path), "%s/rulebase", root);
    if (rulebase_load(path, &diags, &rb) < 0)
        diag_print(&diags, stderr, "");
    cr_assert_not_null(rb);
}

static void tear_down(void)
{
    rb = rulebase_free(rb);
}

#endif
