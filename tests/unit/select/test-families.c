/* SPDX-License-Identifier: Apache-2.0 */
#include "select/families.h"

#include <errno.h>
#include <stdio.h>

#include "support.h"

static int load(const char *text, struct diag_list *diags, struct families *ret_families)
{
    char path[] = "/tmp/hapax-families-XXXXXX";
    int fd = mkstemp(path), r;

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    r = families_load(path, diags, ret_families);
    unlink(path);
    return r;
}

Test(families, the_shipped_file_puts_each_command_into_one_family)
{
    static const struct {
        const char *command, *job;
    } rows[] = {
        {"ss", "network_connection_discovery"},
        {"nmcli", "network_configuration_discovery"},
        {"lscpu", "system_information_discovery"},
        {"id", "system_user_discovery"},
        {"lsof", "system_process_discovery"},
        {"sudo", "rare_sudo_user"},
        {"g++", "rare_user_compiler"},
    };
    struct diag_list diags = DIAG_LIST_INIT;
    struct families families = {0};
    struct job_set jobs = {0};
    char path[4096];

    snprintf(path, sizeof(path), "%s/rulebase/families.yaml", getenv("HAPAX_SOURCE_ROOT"));
    cr_assert_eq(families_load(path, &diags, &families), 0);
    snprintf(path, sizeof(path), "%s/rulebase/jobs", getenv("HAPAX_SOURCE_ROOT"));
    cr_assert_eq(job_set_load(path, NULL, 0, &diags, &jobs), 0);
    cr_assert_eq(families_apply(&families, &jobs), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct event event = EVENT_INIT;
        size_t at = 0;

        while (at < jobs.n_jobs && strcmp(jobs.jobs[at].id, rows[i].job) != 0)
            at++;
        cr_assert(at < jobs.n_jobs && families_find(&families, rows[i].job), "%s", rows[i].job);
        event.process_name = slice_from_string(rows[i].command);
        cr_expect(job_selects(&jobs.jobs[at], &event), "%s", rows[i].command);
        event.process_name = SLICE("cat");
        cr_expect_not(job_selects(&jobs.jobs[at], &event), "%s and cat", rows[i].job);
    }
    job_set_done(&jobs);
    cr_assert_null(families_find(&families, "none"));
    families_done(&families);
    diag_list_done(&diags);
}

Test(families, mistakes_are_refused_with_what_was_expected)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"families: {a: [ss], b: [ps, ss]}\n", "command 'ss' is in family 'a' already"},
        {"families: {a: []}\n", "has no commands"},
        {"{}\n", "expected 1 to 64 below 'families'"},
        {"families: {a: [ss]}\nfamily: {b: [ps]}\n", "unknown"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        struct families families = {0};
        bool is_said = false;

        cr_expect_eq(load(rows[i].text, &diags, &families), -EINVAL, "row %zu", i);
        for (size_t k = 0; k < diags.n; k++)
            is_said |= strstr(diags.items[k].message, rows[i].part) != NULL;
        cr_expect(is_said, "row %zu: %s", i, diags.n > 0 ? diags.items[0].message : "nothing");
        diag_list_done(&diags);
    }
}
