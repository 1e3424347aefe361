/* SPDX-License-Identifier: Apache-2.0 */

/* wanted.h: whatever a job can select is in what it wants. */
#include "select/wanted.h"

#include <stdint.h>

#include "support.h"

Test(wanted, holds_the_names_of_every_job)
{
    static const char *first[] = {"ss", "netstat"}, *second[] = {"id"};
    struct job jobs[] = {{.process_names = (char **)(uintptr_t)first, .n_process_names = 2},
                         {.process_names = (char **)(uintptr_t)second, .n_process_names = 1}};
    struct job_set set = {.jobs = jobs, .n_jobs = ARRAY_SIZE(jobs)}, none = {0};
    struct wanted wanted;

    cr_assert_eq(job_wanted(&set, &wanted), 0);
    cr_expect_not(wanted.is_everything);
    cr_assert_eq(wanted.n_names, 3);
    cr_expect_str_eq(wanted.names[0], "ss");
    cr_expect_str_eq(wanted.names[1], "netstat");
    cr_expect_str_eq(wanted.names[2], "id");
    job_wanted_done(&wanted);
    cr_assert_eq(job_wanted(&none, &wanted), 0);
    cr_expect_eq(wanted.n_names, 0);
    job_wanted_done(&wanted);
}

Test(wanted, is_everything_where_a_name_is_not_enough)
{
    static const char *any[] = {"ss"}, *cut[] = {"systemd-detect-virt"};
    struct pattern pattern = {.kind = PATTERN_EXACT};
    struct tool_rule named = {.names = {(char **)(uintptr_t)any, 1}}, unnamed = {.args = {&pattern, 1}};
    struct tool_set sets[] = {{.rules = &named, .n_rules = 1}, {.rules = &unnamed, .n_rules = 1}};
    const struct tool_set *first = &sets[0], *second = &sets[1];
    const struct {
        const char *name;
        struct job job;
        size_t n_names;
        bool is_everything;
    } rows[] = {
        {"every process", {.is_any_process = true}, 0, true},
        {"any process with an argument", {.args = {&pattern, 1}}, 0, true},
        {"a name with an argument",
         {.process_names = (char **)(uintptr_t)any, .n_process_names = 1, .args = {&pattern, 1}},
         1,
         false},
        {"a name that is cut", {.process_names = (char **)(uintptr_t)cut, .n_process_names = 1}, 1, true},
        {"tools with names", {.tool_sets = &first, .n_tool_sets = 1}, 1, false},
        {"tools without", {.tool_sets = &second, .n_tool_sets = 1}, 0, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct job job = rows[i].job;
        struct job_set set = {.jobs = &job, .n_jobs = 1};
        struct wanted wanted;

        cr_assert_eq(job_wanted(&set, &wanted), 0);
        cr_assert_eq(wanted.n_names, rows[i].n_names, "%s", rows[i].name);
        cr_assert_eq(wanted.is_everything, rows[i].is_everything, "%s", rows[i].name);
        job_wanted_done(&wanted);
    }
}
