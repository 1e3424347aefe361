/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What stands below "match" of an exception: fields, their operators, and the values.
 *
 *     match:
 *       user.name: alice                    equal
 *       user.group: [netops, dba]           a member of one of them
 *       process: {name: {one_of: [ss, netstat]}, args: {glob: "-*p*"}}
 *       source.ip: {cidr: 10.0.0.0/8}
 *       hapax.process.tty: {exists: false}
 *
 * Fields have dots, and YAML may nest them anywhere, so a name is walked word by word until it is a field or
 * cannot become one; nesting is bounded by the longest name, and what is unknown is told with the nearest
 * field. A group is replaced by its members' names here, so that matching knows no groups.
 */
#include "select/exception_loader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "select/reader.h"
#include "util/parse.h"

void loader_refuse(struct spot *spot, const char *path, const char *format, ...)
{
    struct reader reader = {.config = spot->config, .file = spot->file, .diags = spot->loader->diags};
    va_list ap;

    spot->loader->is_bad = true;
    va_start(ap, format);
    reader_refuse_list(&reader, path, format, ap);
    va_end(ap);
}

int loader_join(const char *head, const char *tail, char **ret_path)
{
    char *path;

    if (asprintf(&path, "%s.%s", head, tail) < 0)
        return -ENOMEM;
    *ret_path = path;
    return 0;
}

/* The scalar at path, or the scalars of the list there; anything else is refused. */
int loader_read_values(struct spot *spot, const char *path, struct string_list *ret_values)
{
    _cleanup_(string_list_done) struct string_list values = {0};
    _cleanup_(string_array_freep) char **names = NULL;
    const char *text = config_get(spot->config, path);
    int r = 0;

    if (text) {
        r = string_list_add(&values, slice_from_string(text));
    } else {
        r = config_children(spot->config, path, &names);
        for (size_t i = 0; r >= 0 && names[i]; i++) {
            _cleanup_(freep) char *item = NULL;

            r = loader_join(path, names[i], &item);
            text = r >= 0 && reader_is_index(names[i]) ? config_get(spot->config, item) : NULL;
            if (r >= 0 && text)
                r = string_list_add(&values, slice_from_string(text));
            else if (r >= 0)
                loader_refuse(spot, item, "bad value for %s, expected a word or a list of words", path);
        }
        if (r >= 0 && !names[0])
            loader_refuse(spot, path, "bad value for %s, expected a word or a list of words, got nothing",
                          path);
    }
    if (r < 0)
        return r;
    *ret_values = values;
    values = (struct string_list){0};
    return 0;
}

int loader_get_group(struct loader *loader, struct slice name, struct group **ret_group)
{
    struct group *group = NULL;

    HASH_FIND(hh, loader->groups, name.data, name.len, group);
    if (!group) {
        group = calloc(1, sizeof(*group));
        if (!group)
            return -ENOMEM;
        group->name = strndup(name.data, name.len);
        if (group->name)
            HASH_ADD_KEYPTR(hh, loader->groups, group->name, name.len, group);
        if (!group->hh.tbl) {
            free(group->name);
            free(group);
            return -ENOMEM;
        }
    }
    *ret_group = group;
    return 0;
}

static int add_members(const struct group *group, struct string_list *members)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < group->members.n; i++)
        r = string_list_add(members, slice_from_string(group->members.items[i]));
    return r;
}

/* The members of the groups that a name, or a glob, means. 1: there is none. */
static int find_members(const struct loader *loader, struct slice wanted, bool is_glob,
                        struct string_list *members)
{
    struct group *group = NULL;
    bool is_found = false;
    int r = 0;

    if (!is_glob) {
        HASH_FIND(hh, loader->groups, wanted.data, wanted.len, group);
        return group ? add_members(group, members) : 1;
    }
    for (group = loader->groups; r >= 0 && group; group = group->hh.next) {
        if (!glob_matches(wanted, slice_from_string(group->name)))
            continue;
        is_found = true;
        r = add_members(group, members);
    }
    return r < 0 ? r : !is_found;
}

static int refuse_group(struct item *item, const char *path, struct slice wanted)
{
    const struct loader *loader = item->spot->loader;
    _cleanup_(freep) const char **words = calloc(HASH_COUNT(loader->groups) + 1, sizeof(*words));
    const char *near;
    size_t n = 0;

    if (!words)
        return -ENOMEM;
    for (const struct group *group = loader->groups; group; group = group->hh.next)
        words[n++] = group->name;
    near = nearest_word(wanted, words);
    loader_refuse(item->spot, path, "unknown group '%.*s', expected one of 'groups' or the group map%s%s%s",
                  (int)MIN(wanted.len, (size_t)80), wanted.data, near ? " (did you mean '" : "",
                  near ? near : "", near ? "'?)" : "");
    return 0;
}

static int add_condition(struct item *item, struct condition *condition)
{
    struct exception *exception = item->exception;
    struct condition *conditions =
        reallocarray(exception->conditions, exception->n_conditions + 1, sizeof(*conditions));

    if (!conditions)
        return -ENOMEM;
    exception->conditions = conditions;
    conditions[exception->n_conditions++] = *condition;
    *condition = (struct condition){0};
    return 0;
}

/* "user.name alice, bob" for the table of `hapax exceptions list`. */
static int describe(struct item *item, const char *field, const char *operator,
                    const struct string_list * values)
{
    struct buffer *out = &item->match_text;
    int r =
        buffer_append_format(out, "%s%s%s%s", out->len > 0 ? "; " : "", field, *operator? " " : "", operator);

    for (size_t i = 0; r >= 0 && i < values->n; i++)
        r = buffer_append_format(out, "%s%s", i > 0 ? ", " : " ", values->items[i]);
    return r;
}

static int read_networks(struct item *item, const char *path, struct condition *condition)
{
    condition->networks = calloc(condition->values.n + 1, sizeof(*condition->networks));
    if (!condition->networks)
        return -ENOMEM;
    for (size_t i = 0; i < condition->values.n; i++)
        if (network_parse(slice_from_string(condition->values.items[i]),
                          &condition->networks[condition->n_networks++]) < 0)
            loader_refuse(item->spot, path, "bad value '%.80s' for %s, expected a network such as 10.0.0.0/8",
                          condition->values.items[i], path);
    return 0;
}

/* Replaces names (or globs) of groups by the names of their members. */
static int read_group_names(struct item *item, const char *path, struct condition *condition)
{
    _cleanup_(string_list_done) struct string_list members = {0};
    bool is_glob = condition->type == CONDITION_GLOB;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < condition->values.n; i++) {
        struct slice wanted = slice_from_string(condition->values.items[i]);

        r = find_members(item->spot->loader, wanted, is_glob, &members);
        if (r > 0)
            r = refuse_group(item, path, wanted);
    }
    if (r < 0)
        return r;
    string_list_done(&condition->values);
    condition->values = members;
    members = (struct string_list){0};
    condition->type = CONDITION_ONE_OF;
    condition->field = FIELD_USER_NAME;
    return 0;
}

/* What a field can never be is told: an exception that cannot hold looks as if it did. */
static void check_values(struct item *item, enum exception_field field, const char *path,
                         const struct string_list *values)
{
    static const char *const kinds[] = {"person", "service", "numeric", NULL};
    static const char *const outcomes[] = {"success", "failure", NULL};
    const char *const *words = field == FIELD_USER_KIND ? kinds : field == FIELD_OUTCOME ? outcomes : NULL;

    for (size_t i = 0; i < values->n; i++) {
        const char *value = values->items[i];
        size_t k = 0;

        while (words && words[k] && strcmp(words[k], value) != 0)
            k++;
        if (words && !words[k])
            loader_refuse(item->spot, path, "bad value '%.80s' for %s, expected %s%s%s%s%s", value, path,
                          words[0], words[2] ? ", " : " or ", words[1], words[2] ? " or " : "",
                          words[2] ? words[2] : "");
        else if (field == FIELD_SOURCE_IP && strchr(value, '/'))
            loader_refuse(item->spot, path,
                          "bad value '%.80s' for %s, expected an address (networks: {cidr: %.80s})", value,
                          path, value);
    }
}

static const char group_field[] = "user.group";

/* field is _FIELD_MAX for user.group. operator "" is that of a plain value. */
static int read_operator(struct item *item, int field, const char *field_name, const char *path,
                         const char *operator)
{
    static const struct {
        const char *word;
        enum condition_type type;
    } operators[] = {{"", CONDITION_ONE_OF},   {"equals", CONDITION_ONE_OF}, {"one_of", CONDITION_ONE_OF},
                     {"glob", CONDITION_GLOB}, {"cidr", CONDITION_CIDR},     {"exists", CONDITION_EXISTS}};
    static const char *const words[] = {"equals", "one_of", "glob", "cidr", "exists", NULL};
    _cleanup_(condition_done) struct condition condition = {0};
    size_t i = 0;
    int r;

    while (i < ARRAY_SIZE(operators) && strcmp(operators[i].word, operator) != 0)
        i++;
    if (i == ARRAY_SIZE(operators)) {
        const char *near = nearest_word(slice_from_string(operator), words);

        loader_refuse(
            item->spot, path,
            "unknown operator '%.80s', expected one of equals, one_of, glob, cidr, exists%s%s%s", operator,
            near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        return 0;
    }
    condition.type = operators[i].type;
    condition.field = field == _FIELD_MAX ? FIELD_USER_NAME : (enum exception_field)field;
    r = loader_read_values(item->spot, path, &condition.values);
    if (r >= 0)
        r = describe(item, field_name,
                     operators[i].type == CONDITION_ONE_OF ? "" : operator, & condition.values);
    if (r < 0)
        return r;
    if (field == _FIELD_MAX) {
        if (condition.type == CONDITION_ONE_OF || condition.type == CONDITION_GLOB)
            r = read_group_names(item, path, &condition);
        else
            loader_refuse(
                item->spot, path,
                "operator '%s' does not go with user.group, expected equals, one_of or glob", operator);
    } else if (condition.type == CONDITION_CIDR) {
        if (field == FIELD_SOURCE_IP)
            r = read_networks(item, path, &condition);
        else
            loader_refuse(item->spot, path, "operator 'cidr' does not go with %s, expected source.ip",
                          field_name);
    } else if (condition.type == CONDITION_EXISTS) {
        if (condition.values.n != 1 ||
            parse_bool(slice_from_string(condition.values.items[0]), &condition.is_wanted) < 0)
            loader_refuse(item->spot, path, "bad value for %s, expected true or false", path);
    } else if (condition.type == CONDITION_ONE_OF) {
        check_values(item, condition.field, path, &condition.values);
    }
    return r < 0 ? r : add_condition(item, &condition);
}

/* The value of a field, or its operators. */
static int read_field(struct item *item, int field, const char *field_name, const char *path)
{
    _cleanup_(string_array_freep) char **names = NULL;
    int r;

    if (config_get(item->spot->config, path))
        return read_operator(item, field, field_name, path, "");
    r = config_children(item->spot->config, path, &names);
    if (r < 0)
        return r;
    if (!names[0] || reader_is_index(names[0]))
        return read_operator(item, field, field_name, path, "");
    for (size_t i = 0; r >= 0 && names[i]; i++) {
        _cleanup_(freep) char *below = NULL;

        r = loader_join(path, names[i], &below);
        if (r >= 0)
            r = read_operator(item, field, field_name, below, names[i]);
    }
    return r;
}

static void unknown_field(struct item *item, const char *path, const char *name)
{
    const char *words[_FIELD_MAX + 2], *near;

    memcpy(words, exception_field_names, _FIELD_MAX * sizeof(*words));
    words[_FIELD_MAX] = group_field;
    words[_FIELD_MAX + 1] = NULL;
    near = nearest_word(slice_from_string(name), words);
    for (size_t i = 0; i <= _FIELD_MAX; i++) {
        size_t n = strlen(words[i]), n_name = strlen(name);

        /* "tty" is hapax.process.tty before it is anything that looks alike */
        if (n > n_name && words[i][n - n_name - 1] == '.' && strcmp(words[i] + n - n_name, name) == 0)
            near = words[i];
    }
    loader_refuse(item->spot, path, "unknown field '%.80s'%s%s%s", name,
                  near ? " (did you mean '" : ", hapax-exceptions(5) lists the fields", near ? near : "",
                  near ? "'?)" : "");
}

static bool is_begin(const char *field, const char *name)
{
    size_t n = strlen(name);

    return strncmp(field, name, n) == 0 && field[n] == '.';
}

/* What stands at match.NAME: a field, or the begin of the names of fields. Recursion ends with the words of
 * the longest name. */
static int read_match(struct item *item, const char *path, const char *name)
{
    _cleanup_(string_array_freep) char **names = NULL;
    bool may_go_on = is_begin(group_field, name);
    int r;

    if (strcmp(name, group_field) == 0)
        return read_field(item, _FIELD_MAX, name, path);
    for (int field = 0; field < _FIELD_MAX; field++) {
        if (strcmp(name, exception_field_names[field]) == 0)
            return read_field(item, field, name, path);
        may_go_on = may_go_on || is_begin(exception_field_names[field], name);
    }
    if (!may_go_on || config_get(item->spot->config, path)) {
        unknown_field(item, path, name);
        return 0;
    }
    r = config_children(item->spot->config, path, &names);
    if (r >= 0 && !names[0])
        unknown_field(item, path, name);
    for (size_t i = 0; r >= 0 && names[i]; i++) {
        _cleanup_(freep) char *below = NULL, *longer = NULL;

        r = loader_join(path, names[i], &below);
        if (r >= 0)
            r = loader_join(name, names[i], &longer);
        if (r >= 0)
            r = read_match(item, below, longer);
    }
    return r;
}

int loader_read_matches(struct item *item)
{
    _cleanup_(string_array_freep) char **names = NULL;
    _cleanup_(freep) char *path = NULL;
    int r = loader_join(item->path, "match", &path);

    if (r >= 0)
        r = config_children(item->spot->config, path, &names);
    if (r >= 0 && config_get(item->spot->config, path))
        loader_refuse(item->spot, path, "bad value for %s, expected fields below it such as user.name", path);
    for (size_t i = 0; r >= 0 && names[i]; i++) {
        _cleanup_(freep) char *below = NULL;

        r = loader_join(path, names[i], &below);
        if (r >= 0)
            r = read_match(item, below, names[i]);
    }
    if (r >= 0)
        config_take(item->spot->config, path);
    return r;
}
