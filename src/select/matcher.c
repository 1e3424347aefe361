/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Does a job look at an event? The process name is compared byte by byte with the job's names; where the job
 * has patterns for arguments, one argument has to fit as well. Tools are looked up in the same way, by the
 * rules of their sets.
 *
 * Case matters, as it does to execve. A name is what the kernel calls the process (comm, 15 bytes) or the
 * base name of the executable: normalize has decided which; a listed name that is longer is known by its
 * first 15 bytes as well. A failed start is selected like any other: trying is the behaviour.
 *
 * Arguments are those of the record (without the first, the name); where a source has only the text of the
 * command, its words. A shell's own work is no process start: in sh -c "netstat -an; cat < /proc/net/tcp",
 * netstat comes as a record of its own and is selected there, the redirection is seen only in the shell's
 * argument. A program that holds many (busybox netstat) is its first argument, for tool sets; the names of
 * process.name mean the process itself.
 *
 * A sudo line that can be read in more than one way (a directory named like its fields) is selected if any
 * reading is one of the job's: a forger must not be able to choose the reading in which nobody looks.
 *
 * job_selects asks one job. Who has many jobs uses index.c, which gives the same answers.
 */
#include "select/matcher.h"

struct command command_of(const struct event *event)
{
    struct command command = {.name = event->process_name};

    if (event->n_args > 0) {
        command.args = event->args + 1;
        command.n_args = event->n_args - 1;
    } else {
        size_t first = slice_find(event->command_line, ' ');

        command.words = slice_skip(event->command_line, first);
    }
    return command;
}

/* The next argument; *at counts those given. */
static bool next_arg(const struct command *command, size_t *at, struct slice *words, struct slice *ret_arg)
{
    if (command->n_args > 0) {
        if (*at >= command->n_args)
            return false;
        *ret_arg = command->args[(*at)++];
        return true;
    }
    while (words->len > 0 && words->data[0] == ' ')
        *words = slice_skip(*words, 1);
    if (words->len == 0)
        return false;
    *ret_arg = slice_head(*words, slice_find(*words, ' '));
    *words = slice_skip(*words, ret_arg->len);
    return true;
}

bool command_fits(const struct command *command, const struct pattern_list *patterns)
{
    struct slice words = command->words, arg;
    size_t at = 0;

    while (next_arg(command, &at, &words, &arg))
        if (pattern_list_matches(patterns, arg))
            return true;
    return false;
}

bool command_fits_rule(const struct command *command, const struct tool_rule *rule)
{
    return (rule->args.n == 0 || command_fits(command, &rule->args)) &&
           (rule->and_args.n == 0 || command_fits(command, &rule->and_args)) &&
           (rule->not_args.n == 0 || !command_fits(command, &rule->not_args));
}

static bool is_multicall(const struct tool_catalogue *tools, struct slice name)
{
    for (size_t i = 0; i < tools->multicall.n; i++)
        if (slice_equal_string(name, tools->multicall.items[i]))
            return true;
    return false;
}

bool command_applet(const struct command *command, const struct tool_catalogue *tools,
                    struct command *ret_applet)
{
    struct command applet = *command;
    struct slice arg;
    size_t at = 0;

    if (!is_multicall(tools, command->name))
        return false;
    while (next_arg(command, &at, &applet.words, &arg))
        if (arg.len > 0 && arg.data[0] != '-') {
            applet.name = slice_base_name(arg);
            applet.args = command->n_args > at ? command->args + at : NULL;
            applet.n_args = command->n_args > at ? command->n_args - at : 0;
            *ret_applet = applet;
            return true;
        }
    return false;
}

bool command_next_reading(struct slice *text, struct command *ret_command)
{
    static const struct slice key = SLICE("COMMAND=");
    size_t at = slice_find_slice(*text, key);
    struct slice executable;

    if (at >= text->len)
        return false;
    *text = slice_skip(*text, at + key.len);
    executable = slice_head(*text, slice_find(*text, ' '));
    *ret_command =
        (struct command){.name = slice_base_name(executable), .words = slice_skip(*text, executable.len)};
    return true;
}

bool is_same_process(struct slice name, const char *listed)
{
    struct slice other = slice_from_string(listed);

    return slice_equal(name, other) ||
           (other.len > COMM_BYTES_MAX && slice_equal(name, slice_head(other, COMM_BYTES_MAX)));
}

static bool has_name(char *const *names, size_t n, struct slice name)
{
    for (size_t i = 0; i < n; i++)
        if (is_same_process(name, names[i]))
            return true;
    return false;
}

static bool is_tool(const struct job *job, const struct command *command)
{
    for (size_t i = 0; i < job->n_tool_sets; i++)
        for (size_t k = 0; k < job->tool_sets[i]->n_rules; k++) {
            const struct tool_rule *rule = &job->tool_sets[i]->rules[k];

            if ((rule->names.n == 0 || has_name(rule->names.items, rule->names.n, command->name)) &&
                command_fits_rule(command, rule))
                return true;
        }
    return false;
}

static bool selects_command(const struct job *job, const struct command *command)
{
    struct command applet;

    if (job->is_any_process)
        return true;
    if (job->n_process_names > 0 && !slice_is_absent(command->name) &&
        has_name(job->process_names, job->n_process_names, command->name) &&
        (job->args.n == 0 || command_fits(command, &job->args)))
        return true;
    if (job->n_process_names == 0 && job->args.n > 0 && command_fits(command, &job->args))
        return true;
    if (job->n_tool_sets == 0)
        return false;
    return is_tool(job, command) ||
           (job->tools && command_applet(command, job->tools, &applet) && is_tool(job, &applet));
}

bool job_excludes(const struct job *job, const struct event *event)
{
    if (job->not_processes.n > 0 && pattern_list_matches(&job->not_processes, event->process_name))
        return true;
    return job->not_users.n > 0 && (pattern_list_matches(&job->not_users, event->actor.name) ||
                                    pattern_list_matches(&job->not_users, event->real.name));
}

bool job_selects(const struct job *job, const struct event *event)
{
    struct command command = command_of(event);
    struct slice text = event->command_line;
    bool is_selected = selects_command(job, &command);

    while (!is_selected && event->is_ambiguous && command_next_reading(&text, &command))
        is_selected = selects_command(job, &command);
    return is_selected && !job_excludes(job, event);
}

int job_subject(const struct job *job, const struct event *event, struct arena *arena,
                struct slice *ret_subject, struct slice *ret_partition)
{
    struct slice user, partition = SLICE("");
    int r = event_identity(event, job->identity, arena, &user);

    if (r < 0)
        return r;
    if (job->scope == SCOPE_HOST && !slice_is_absent(event->host))
        partition = event->host;
    if (job->scope == SCOPE_USER && !slice_is_absent(user))
        partition = user;
    *ret_subject = job->subject == SUBJECT_PROCESS ? event->process_name : user;
    *ret_partition = partition;
    return 0;
}
