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
    struct job_set set = {jobs, ARRAY_SIZE(jobs)}, none = {0};
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
