/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which process starts a job looks at: names, byte by byte.
 */
#include "select/job.h"

#include "support.h"

Test(matcher, a_job_selects_its_names_and_nothing_near_them)
{
    char *names[] = {(char *)"netstat", (char *)"ss"};
    const struct job job = {.process_names = names, .n_process_names = ARRAY_SIZE(names)};
    static const struct {
        const char *name;
        struct slice process_name;
        bool is_failure, is_selected;
    } rows[] = {
        {"first", SLICE("netstat"), false, true},
        {"second", SLICE("ss"), false, true},
        {"failed start", SLICE("ss"), true, true},
        {"beginning of a name", SLICE("nets"), false, false},
        {"longer than a name", SLICE("sss"), false, false},
        {"other case", SLICE("SS"), false, false},
        {"NUL behind the name", SLICE("ss\0"), false, false},
        {"path", SLICE("/usr/bin/ss"), false, false},
        {"empty", SLICE(""), false, false},
        {"absent", SLICE_NULL, false, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct event event = EVENT_INIT;

        event.process_name = rows[i].process_name;
        event.is_failure = rows[i].is_failure;
        cr_assert_eq(job_selects(&job, &event), rows[i].is_selected, "%s", rows[i].name);
    }
}

Test(matcher, a_job_without_names_selects_nothing)
{
    const struct job job = {0};
    struct event event = EVENT_INIT;

    cr_assert_not(job_selects(&job, &event));
    event.process_name = SLICE("");
    cr_assert_not(job_selects(&job, &event));
}

Test(matcher, a_line_with_two_readings_is_selected_by_either)
{
    char *names[] = {(char *)"ss"};
    const struct job job = {.process_names = names, .n_process_names = ARRAY_SIZE(names)};
    static const struct {
        const char *name;
        struct slice command_line;
        bool is_ambiguous, is_selected;
    } rows[] = {
        {"forged directory", SLICE("/bin/true ; USER=root ; COMMAND=/usr/bin/ss -t"), true, true},
        {"at the end", SLICE("/bin/true ; COMMAND=ss"), true, true},
        {"the third reading", SLICE("/bin/true ; COMMAND=/bin/ls ; COMMAND=/usr/bin/ss"), true, true},
        {"another command", SLICE("/bin/true ; USER=root ; COMMAND=/usr/bin/sss"), true, false},
        {"nothing behind it", SLICE("/bin/true ; COMMAND="), true, false},
        {"not ambiguous: an argument", SLICE("/bin/true ; USER=root ; COMMAND=/usr/bin/ss -t"), false, false},
        {"no command line", SLICE_NULL, true, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct event event = EVENT_INIT;

        event.process_name = SLICE("true");
        event.command_line = rows[i].command_line;
        event.is_ambiguous = rows[i].is_ambiguous;
        cr_assert_eq(job_selects(&job, &event), rows[i].is_selected, "%s", rows[i].name);
    }
}
