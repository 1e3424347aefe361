/* SPDX-License-Identifier: Apache-2.0 */
#include "select/families.h"

#include <stdio.h>

#include "support.h"

/* The names of the suite that detectors are compared with, each with the job whose alert it raises. */
static const struct {
    const char *job, *names[8];
} rows[] = {
    {"network_connection_discovery", {"netstat", "ss", "route", "showmount"}},
    {"network_configuration_discovery", {"ip", "ifconfig", "arp", "ethtool", "iptables", "nmcli"}},
    {"system_information_discovery", {"uname", "hostname", "lscpu", "lsmod", "modinfo", "hostnamectl"}},
    {"system_user_discovery", {"who", "w", "whoami", "id", "last", "users"}},
    {"system_process_discovery", {"ps", "pgrep", "top", "lsof"}},
    {"rare_sudo_user", {"sudo"}},
    {"rare_user_compiler", {"gcc", "cc", "make", "g++"}},
};

Test(families, the_catalogue_puts_each_command_into_one_family_and_cat_into_none)
{
    struct diag_list diags = DIAG_LIST_INIT;
    struct tool_catalogue *catalogue = NULL;
    struct job_set jobs = {0};
    const char *ids[16];
    char path[4096];

    snprintf(path, sizeof(path), "%s/rulebase/tools.yaml", getenv("HAPAX_SOURCE_ROOT"));
    cr_assert_eq(tool_catalogue_load(path, &diags, &catalogue), 0);
    cr_assert_eq(families_jobs(catalogue, ids, ARRAY_SIZE(ids)), ARRAY_SIZE(rows));
    cr_assert_eq(families_jobs(catalogue, ids, 0), ARRAY_SIZE(rows), "counts what does not fit");
    snprintf(path, sizeof(path), "%s/rulebase/jobs", getenv("HAPAX_SOURCE_ROOT"));
    cr_assert_eq(job_set_load(path, ids, ARRAY_SIZE(rows), &diags, &jobs), 0);
    cr_assert_eq(families_apply(catalogue, &jobs), 0);
    cr_assert_eq(jobs.n_jobs, ARRAY_SIZE(rows));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (size_t k = 0; rows[i].names[k]; k++)
            for (size_t at = 0; at < jobs.n_jobs; at++) {
                struct event event = EVENT_INIT;

                event.process_name = slice_from_string(rows[i].names[k]);
                cr_expect_eq(job_selects(&jobs.jobs[at], &event), strcmp(jobs.jobs[at].id, rows[i].job) == 0,
                             "%s and %s", rows[i].names[k], jobs.jobs[at].id);
                event.process_name = SLICE("cat");
                cr_expect_not(job_selects(&jobs.jobs[at], &event), "cat and %s", jobs.jobs[at].id);
            }
    job_set_done(&jobs);
    tool_catalogue_free(catalogue);
    diag_list_done(&diags);
}
