/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_MATCHER_H
#define HAPAX_SELECT_MATCHER_H

/* Inside select/ only: a process start as name and arguments, whatever the source had of them. */

#include "select/job.h"

/* The arguments behind the name: args as the source has them, else the words of a text. */
struct command {
    struct slice name;
    const struct slice *args;
    size_t n_args;
    struct slice words; /* where n_args is 0: blank-separated */
};

/* The command that the event says. */
struct command command_of(const struct event *event);

/*
 * The tool of a program that holds many: "netstat -an" for "busybox netstat -an", and for a busybox that was
 * started under the name of a tool. False: command is not such a program, or has no tool.
 */
bool command_applet(const struct command *command, const struct tool_catalogue *tools,
                    struct command *ret_applet);

/* The next reading of a line that has several: every "COMMAND=" begins one. False: none is left in *text. */
bool command_next_reading(struct slice *text, struct command *ret_command);

/* Whether one of the arguments fits one of the patterns. */
bool command_fits(const struct command *command, const struct pattern_list *patterns);

/* Whether the arguments are what the rule asks for (its names are not looked at). */
bool command_fits_rule(const struct command *command, const struct tool_rule *rule);

/* Whether the job refuses this event whatever it selects. */
bool job_excludes(const struct job *job, const struct event *event);

/* Whether two process names are the same to the kernel, which cuts them at 15 bytes. */
bool is_same_process(struct slice name, const char *listed);

#endif
