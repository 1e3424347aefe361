/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tool catalogue is one YAML file beside the jobs:
 *
 *     multicall: [busybox, toybox]
 *     sets:
 *       network_connections:
 *         technique: T1049
 *         description: …
 *         family: [netstat, ss]              these names are this set's before any other's
         job: network_connection_discovery  whose alerts the family raises
 *         tools:
 *         - name: [netstat, ss]              whatever their arguments
 *         - name: [lsof]
 *           args: ["-i*"]                    an argument fits one of these
 *         - args: ["/proc/net/tcp"]          any process that names the file
 *         - name: [ip]
 *           args: [link]
 *           and_args: ["-s*"]                and an argument fits one of these
 *           not_args: [set]                  and none fits one of these
 *
 * A process name may stand in several sets (netstat shows connections, and routes): sets follow what
 * published lists of techniques say. A family is where a name counts when it may count only once, for a
 * detector that works across command families; a name in two families is refused.
 *
 * The file is read like a job (job.c): each piece through its option table, all mistakes in one run.
 */
#include "select/tools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "select/reader.h"

/* chosen: the shipped file has 8 sets of at most 40 rules; every rule of an event's name is tried */
#define SETS_MAX  256U
#define RULES_MAX 1024U

struct tools_settings {
    struct string_list multicall;
};

static const struct option tools_options[] = {
    {.name = "multicall",
     .type = OPTION_LIST,
     .offset = offsetof(struct tools_settings, multicall),
     .help = "programs that take the tool as their first argument, as busybox netstat"},
};

const struct option_table tools_option_table = {tools_options, ARRAY_SIZE(tools_options),
                                                sizeof(struct tools_settings)};

static const struct option set_options[] = {
    {.name = "technique",
     .type = OPTION_STRING,
     .offset = offsetof(struct tool_set, technique),
     .is_required = true,
     .help = "ATT&CK id of the technique that the tools serve"},
    {.name = "description",
     .type = OPTION_STRING,
     .offset = offsetof(struct tool_set, description),
     .help = "what the tools show"},
    {.name = "family",
     .type = OPTION_LIST,
     .offset = offsetof(struct tool_set, family),
     .help = "process names that count as this set's where a name counts once; each in one set at most"},
    {.name = "job",
     .type = OPTION_STRING,
     .offset = offsetof(struct tool_set, job),
     .help = "id of the job whose alerts the family raises, for detectors that judge families together"},
};

const struct option_table tool_set_option_table = {set_options, ARRAY_SIZE(set_options),
                                                   sizeof(struct tool_set)};

struct rule_settings {
    struct string_list names, args, and_args, not_args;
};

static const struct option rule_options[] = {
    {.name = "name",
     .type = OPTION_LIST,
     .offset = offsetof(struct rule_settings, names),
     .help = "process names, compared byte by byte (default: any process)"},
    {.name = "args",
     .type = OPTION_LIST,
     .offset = offsetof(struct rule_settings, args),
     .help = "patterns one of which an argument must fit (default: whatever the arguments)"},
    {.name = "and_args",
     .type = OPTION_LIST,
     .offset = offsetof(struct rule_settings, and_args),
     .help = "patterns one of which an argument must fit as well"},
    {.name = "not_args",
     .type = OPTION_LIST,
     .offset = offsetof(struct rule_settings, not_args),
     .help = "patterns that no argument may fit"},
};

const struct option_table tool_rule_option_table = {rule_options, ARRAY_SIZE(rule_options),
                                                    sizeof(struct rule_settings)};

bool is_attack_id(const char *id, const char *prefix, bool may_be_sub)
{
    size_t n = strlen(prefix), digits;

    if (strncmp(id, prefix, n) != 0)
        return false;
    id += n;
    digits = strspn(id, "0123456789");
    if (digits != 4)
        return false;
    id += digits;
    if (*id == '\0')
        return true;
    return may_be_sub && *id == '.' && strspn(id + 1, "0123456789") == 3 && id[4] == '\0';
}

static void rule_done(struct tool_rule *rule)
{
    string_list_done(&rule->names);
    pattern_list_done(&rule->args);
    pattern_list_done(&rule->and_args);
    pattern_list_done(&rule->not_args);
}

struct tool_catalogue *tool_catalogue_free(struct tool_catalogue *catalogue)
{
    if (!catalogue)
        return NULL;
    for (size_t i = 0; i < catalogue->n_sets; i++) {
        struct tool_set *set = &catalogue->sets[i];

        for (size_t k = 0; k < set->n_rules; k++)
            rule_done(&set->rules[k]);
        free(set->rules);
        free(set->id);
        option_done(&tool_set_option_table, set);
    }
    free(catalogue->sets);
    string_list_done(&catalogue->multicall);
    free(catalogue);
    return NULL;
}

static int compile(struct reader *reader, const char *prefix, const char *name,
                   const struct string_list *texts, struct pattern_list *ret_list)
{
    _cleanup_(freep) char *path = NULL;

    if (asprintf(&path, "%s.%s", prefix, name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    return reader_compile(reader, path, texts, ret_list);
}

static void rule_settings_done(struct rule_settings *settings)
{
    option_done(&tool_rule_option_table, settings);
}

static int read_rule(struct reader *reader, const char *prefix, struct tool_rule *rule)
{
    _cleanup_(rule_settings_done) struct rule_settings settings = {0};
    int r = reader_apply(reader, prefix, &tool_rule_option_table, &settings);

    if (r >= 0)
        r = compile(reader, prefix, "args", &settings.args, &rule->args);
    if (r >= 0)
        r = compile(reader, prefix, "and_args", &settings.and_args, &rule->and_args);
    if (r >= 0)
        r = compile(reader, prefix, "not_args", &settings.not_args, &rule->not_args);
    if (r < 0)
        return r;
    for (size_t i = 0; i < settings.names.n; i++)
        if (settings.names.items[i][0] == '\0' || strchr(settings.names.items[i], '/'))
            reader_refuse(reader, prefix, "bad name '%.80s' in %s, expected a name without a slash",
                          settings.names.items[i], prefix);
    if (settings.names.n == 0 && settings.args.n == 0)
        reader_refuse(reader, prefix, "%s selects every process start, expected name, args or both", prefix);
    rule->names = settings.names;
    settings.names = (struct string_list){0};
    return 0;
}

static int read_rules(struct reader *reader, const char *prefix, struct tool_set *set)
{
    _cleanup_(string_array_freep) char **names = NULL;
    _cleanup_(freep) char *list = NULL;
    size_t n, n_before = diag_list_count(reader->diags);
    int r;

    if (asprintf(&list, "%s.tools", prefix) < 0) {
        list = NULL;
        return -ENOMEM;
    }
    r = reader_items(reader, list, &names, &n);
    if (r < 0)
        return r;
    if (n == 0 && diag_list_count(reader->diags) == n_before)
        reader_refuse(reader, prefix, "%s has no tools, expected a list", prefix);
    if (n > RULES_MAX) {
        reader_refuse(reader, list, "%s has %zu entries, expected at most %u", list, n, RULES_MAX);
        n = 0;
    }
    set->rules = calloc(n + 1, sizeof(*set->rules));
    if (!set->rules)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        _cleanup_(freep) char *path = NULL;

        if (asprintf(&path, "%s.%s", list, names[i]) < 0) {
            path = NULL;
            return -ENOMEM;
        }
        r = read_rule(reader, path, &set->rules[set->n_rules++]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_set(struct reader *reader, const char *id, struct tool_set *set)
{
    _cleanup_(freep) char *prefix = NULL;
    int r;

    if (asprintf(&prefix, "sets.%s", id) < 0) {
        prefix = NULL;
        return -ENOMEM;
    }
    r = reader_apply(reader, prefix, &tool_set_option_table, set);
    if (r < 0)
        return r;
    set->id = strdup(id);
    if (!set->id)
        return -ENOMEM;
    if (set->technique && !is_attack_id(set->technique, "T", true))
        reader_refuse(reader, prefix, "bad technique '%.80s' in %s, expected one such as T1049 or T1059.004",
                      set->technique, prefix);
    return read_rules(reader, prefix, set);
}

static void check_families(struct reader *reader, const struct tool_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->n_sets; i++)
        for (size_t k = 0; k < catalogue->sets[i].family.n; k++) {
            const char *name = catalogue->sets[i].family.items[k];
            const struct tool_set *first = tool_catalogue_family(catalogue, slice_from_string(name));

            if (first && first != &catalogue->sets[i])
                reader_refuse(reader, "sets", "'%.80s' is in the families of '%s' and '%s', expected one",
                              name, first->id, catalogue->sets[i].id);
        }
    for (size_t i = 0; i < catalogue->n_sets; i++)
        for (size_t k = 0; catalogue->sets[i].job && k < i; k++)
            if (catalogue->sets[k].job && strcmp(catalogue->sets[k].job, catalogue->sets[i].job) == 0)
                reader_refuse(reader, "sets", "job '%.80s' is of the families of '%s' and '%s', expected one",
                              catalogue->sets[i].job, catalogue->sets[k].id, catalogue->sets[i].id);
}

static int read_catalogue(struct reader *reader, struct tool_catalogue *catalogue)
{
    _cleanup_(string_array_freep) char **ids = NULL;
    struct tools_settings settings = {0};
    size_t n, n_before;
    int r = reader_apply(reader, "", &tools_option_table, &settings);

    catalogue->multicall = settings.multicall;
    if (r >= 0)
        r = reader_children(reader, "sets", &ids, &n);
    if (r < 0)
        return r;
    if (n > SETS_MAX) {
        reader_refuse(reader, "sets", "there are %zu sets, expected at most %u", n, SETS_MAX);
        n = 0;
    }
    catalogue->sets = calloc(n + 1, sizeof(*catalogue->sets));
    if (!catalogue->sets)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        r = read_set(reader, ids[i], &catalogue->sets[catalogue->n_sets++]);
        if (r < 0)
            return r;
    }
    check_families(reader, catalogue);
    n_before = diag_list_count(reader->diags);
    r = reader_outcome(reader, config_check_unknown(reader->config, reader->diags), n_before);
    return r < 0 ? r : reader->is_bad ? -EINVAL : 0;
}

int tool_catalogue_load(const char *path, struct diag_list *diags, struct tool_catalogue **ret_catalogue)
{
    _cleanup_(tool_catalogue_freep) struct tool_catalogue *catalogue = calloc(1, sizeof(*catalogue));
    _cleanup_(config_freep) struct config *config = NULL;
    struct reader reader = {.file = path, .diags = diags};
    size_t n = diag_list_count(diags);
    int r;

    if (!catalogue)
        return -ENOMEM;
    r = config_new(&config);
    if (r < 0)
        return r;
    reader.config = config;
    r = reader_outcome(&reader, config_load_file(config, path, diags), n);
    if (r < 0)
        return r;
    r = read_catalogue(&reader, catalogue);
    if (r < 0)
        return r;
    *ret_catalogue = TAKE_PTR(catalogue);
    return 0;
}

const struct tool_set *tool_catalogue_find(const struct tool_catalogue *catalogue, const char *id)
{
    for (size_t i = 0; i < catalogue->n_sets; i++)
        if (strcmp(catalogue->sets[i].id, id) == 0)
            return &catalogue->sets[i];
    return NULL;
}

const struct tool_set *tool_catalogue_family(const struct tool_catalogue *catalogue, struct slice name)
{
    for (size_t i = 0; i < catalogue->n_sets; i++)
        for (size_t k = 0; k < catalogue->sets[i].family.n; k++)
            if (slice_equal_string(name, catalogue->sets[i].family.items[k]))
                return &catalogue->sets[i];
    return NULL;
}
