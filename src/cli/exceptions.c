/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax exceptions: the command line, and from here to the verbs that show what is forgiven
 * (exceptions_list.c), change it (exceptions_edit.c, exceptions_alert.c) or try it on history
 * (exceptions_test.c).
 */
#include "cli/exceptions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "util/parse.h"

static int take_list(struct string_list *list, const char *value)
{
    return string_list_add(list, slice_from_string(value)) < 0 ? EXIT_FAILURE : 0;
}

/* "NAME=VALUE", both there: what an edit writes is then what was meant. */
static bool is_assignment(const char *value)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._";
    size_t n = strspn(value, allowed);

    return n > 0 && value[n] == '=' && value[n + 1] != '\0';
}

static int take_assignment(const struct exceptions_command *c, const struct arg_option *option,
                           const char *value, struct string_list *list)
{
    if (!is_assignment(value))
        return args_misuse(c->command, "bad value '%s' for --%s, expected %s", value, option->name,
                           option->value);
    return take_list(list, value);
}

static int take_state(struct exceptions_command *c, const char *path)
{
    _cleanup_(freep) char *assignment = NULL;

    if (asprintf(&assignment, "state.path=%s", path) < 0) {
        assignment = NULL;
        return EXIT_FAILURE;
    }
    return config_set(c->setup.config, assignment, &c->setup.diags) == -ENOMEM ? EXIT_FAILURE : 0;
}

static int take_option(void *userdata, const struct arg_option *option, const char *value)
{
    struct exceptions_command *c = userdata;
    const struct {
        const char *name;
        const char **member;
    } texts[] = {
        {"file", &c->file},     {"alert", &c->alert},   {"id", &c->id},
        {"reason", &c->reason}, {"owner", &c->owner},   {"ticket", &c->ticket},
        {"effect", &c->effect}, {"starts", &c->starts}, {"expires", &c->expires},
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (strcmp(option->name, texts[i].name) == 0) {
            *texts[i].member = value;
            return 0;
        }
    if (strcmp(option->name, "job") == 0)
        return take_list(&c->jobs, value);
    if (strcmp(option->name, "match") == 0)
        return take_assignment(c, option, value, &c->matches);
    if (strcmp(option->name, "schedule") == 0)
        return take_assignment(c, option, value, &c->schedule);
    if (strcmp(option->name, "state") == 0)
        return take_state(c, value);
    if (strcmp(option->name, "json") == 0) {
        c->is_json = true;
        return 0;
    }
    return setup_take_option(&c->setup, c->command, option, value);
}

/* The configuration, and where the exceptions are. */
static int load(struct exceptions_command *c, bool with_set)
{
    int r = setup_load(&c->setup, true);

    if (r >= 0 && c->file) {
        free(c->setup.settings.exceptions);
        c->setup.settings.exceptions = strdup(c->file);
        r = c->setup.settings.exceptions ? 0 : -ENOMEM;
    }
    if (r >= 0)
        r = setup_find_exceptions(&c->setup, true, &c->path);
    if (r >= 0 && with_set)
        r = setup_load_exceptions(&c->setup, true);
    return r;
}

static bool is_blank(const char *text)
{
    return slice_trim(slice_from_string(text)).len == 0;
}

/* Whether add has what it needs: 0, or the exit code. */
static int check_add(const struct exceptions_command *c)
{
    if (c->alert && (!c->reason || !c->owner))
        return args_misuse(c->command, "add --alert needs --reason and --owner");
    if (!c->alert && (!c->id || !c->reason || !c->owner || (c->matches.n == 0 && c->schedule.n == 0)))
        return args_misuse(
            c->command, "add needs --id, --reason, --owner, and --match or --schedule; or --alert, --reason, "
                        "--owner");
    /* a suggested command leaves them to be filled in */
    if (is_blank(c->reason))
        return args_misuse(c->command, "--reason is empty, expected why it is forgiven");
    if (is_blank(c->owner))
        return args_misuse(c->command, "--owner is empty, expected who answers for it");
    return 0;
}

static int dispatch(struct exceptions_command *c, char **words, size_t n)
{
    static const char *const verbs[] = {"list", "add", "test", "expire", NULL};
    const char *verb = n > 0 ? words[0] : "list", *near;
    bool is_test = strcmp(verb, "test") == 0, is_expire = strcmp(verb, "expire") == 0,
         is_add = strcmp(verb, "add") == 0;
    int r, code;

    if (!is_test && !is_expire && !is_add && strcmp(verb, "list") != 0) {
        near = nearest_word(slice_from_string(verb), verbs);
        return args_misuse(c->command, "unknown word '%s', expected list, add, test or expire%s%s%s", verb,
                           near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (is_expire && n != 2)
        return args_misuse(c->command, "expire takes one ID");
    if (is_test && n < 2)
        return args_misuse(c->command, "test takes [ID|FILE] and at least one INPUT");
    if (!is_test && !is_expire && n > 1)
        return args_misuse(c->command, "%s takes no '%s'", verb, words[1]);
    code = is_add ? check_add(c) : 0;
    if (code != 0)
        return code;
    r = load(c, !is_test && !is_add);
    if (r >= 0 && is_add && c->jobs.n > 0 && !c->alert) /* one that does not exist would forgive nothing */
        r = setup_load_jobs(&c->setup, (const char *const *)c->jobs.items, c->jobs.n);
    if (r >= 0 && is_add && c->alert)
        r = exceptions_take_alert(c);
    if (r < 0)
        return setup_report(&c->setup, c->command->name, r);
    if (is_test)
        return exceptions_test(c, words + 1, n - 1);
    if (is_add)
        return exceptions_add(c);
    return is_expire ? exceptions_expire(c, words[1]) : exceptions_list(c);
}

static int run(const struct arg_command *command, int argc, char **argv)
{
    struct exceptions_command c = {.command = command};
    int first, code = setup_init(&c.setup) < 0 ? EXIT_FAILURE
                                               : args_parse(command, argc, argv, take_option, &c, &first);

    if (code == 0)
        code = dispatch(&c, argv + first, (size_t)(argc - first));
    string_list_done(&c.jobs);
    string_list_done(&c.matches);
    string_list_done(&c.schedule);
    free(c.path);
    free(c.suggested_id);
    free(c.suggested_expires);
    setup_done(&c.setup);
    return code < 0 ? EXIT_SUCCESS : code;
}

static const struct arg_option options[] = {
    {"file", 0, "FILE", "the exceptions file or folder (default: the configured one)"},
    {"json", 0, NULL, "list, test: print JSON"},
    {"alert", 0, "ID", "add: the exception that would silence this alert (its event.id), from the history"},
    {"state", 0, "DB", "the state (default: hapax.db in $STATE_DIRECTORY, or in $XDG_STATE_HOME/hapax)"},
    {"id", 0, "ID", "add: what the exception is called"},
    {"reason", 0, "TEXT", "add: why it is forgiven"},
    {"owner", 0, "TEXT", "add: who answers for it"},
    {"ticket", 0, "TEXT", "add: where it was approved"},
    {"effect", 0, "EFFECT", "add: suppress (default), skip or digest"},
    {"starts", 0, "DATE", "add: from when on it holds"},
    {"expires", 0, "DATE", "add, expire: until when it holds (expire: now)"},
    {"match", 'm', "FIELD=VALUE", "add: a condition, as in host.name.glob=web-*; may be repeated"},
    {"schedule", 0, "KEY=VALUE", "add: a key of its schedule, as in cron='0 2 * * *'; may be repeated"},
    {"job", 'j', "ID", "add: only for this job; test: run this job; may be repeated"},
    SETUP_INPUT_OPTIONS,
    SETUP_CONFIG_OPTIONS,
};

const struct arg_command exceptions_command = {
    .name = "exceptions",
    .usage = "[list | add | expire ID | test [ID|FILE] INPUT…]",
    .summary = "list, add, end or try out what is forgiven",
    .details =
        "list shows the exceptions in force, add appends one to the file, expire ends one, test runs log "
        "files as\n"
        "replay does and shows what the exceptions (of FILE; only ID) would have held back.\n",
    .options = options,
    .n_options = ARRAY_SIZE(options),
    .run = run,
};
