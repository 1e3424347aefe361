/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A rule whose tag or field has a slip in its name matches its sample as well as any, and then its lines are
 * ignored, or quarantined one by one, for as long as nobody looks. So what text.c will ask of a process start
 * is asked of the sample of the rule already: somebody, and a command. Of tags only one that is nearly a
 * known one is refused, since others are the format's name, and fields that nobody knows are left alone: they
 * are the author's.
 */
#include "normalize/rule_check.h"

#include <errno.h>

#include "util/cleanup.h"

/* chosen: the longest name known is half as long */
#define NAME_MAX_BYTES 64

/* A field that was meant as one of words, and its word; false: there is none. */
static bool find_slip(const struct rule_match *match, const char *const *words, struct slice *ret_name,
                      const char **ret_word)
{
    for (size_t i = 0; i < match->n_fields; i++) {
        const char *word = nearest_word(match->fields[i].name, words);

        if (!word)
            continue;
        *ret_name = slice_head(match->fields[i].name, NAME_MAX_BYTES);
        *ret_word = word;
        return true;
    }
    return false;
}

static bool has_one_of(const struct rule_match *match, const char *const *words)
{
    for (; *words; words++)
        if (!slice_is_absent(rule_match_find(match, *words)))
            return true;
    return false;
}

static int check_tags(const struct rule_match *match, const char *path, unsigned line,
                      struct diag_list *diags)
{
    static const char *const kinds[] = {"process_start", "ignore",  "continuation",
                                        "session",       "account", NULL};
    struct slice tags = match->tags;

    for (size_t i = 0; kinds[i]; i++)
        if (rule_match_has_tag(match, kinds[i]))
            return 0;
    while (tags.len > 0) {
        size_t end = slice_find(tags, ',');
        struct slice tag = slice_head(tags, MIN(end, (size_t)NAME_MAX_BYTES));
        const char *near = nearest_word(tag, kinds);

        if (near)
            return diag_add(diags, path, line, 1, "the tag '%.*s' is unknown, did you mean '%s'?",
                            SLICE_FMT(tag), near);
        tags = slice_skip(tags, MIN(end + 1, tags.len));
    }
    return 0;
}

static int check_fields(const struct rule_match *match, const char *const *words, const char *wanted,
                        const char *path, unsigned line, struct diag_list *diags)
{
    struct slice name;
    const char *word;

    if (has_one_of(match, words))
        return 0;
    if (find_slip(match, words, &name, &word))
        return diag_add(diags, path, line, 1, "a process_start needs %s: did you mean '%s' by '%.*s'?",
                        wanted, word, SLICE_FMT(name));
    return diag_add(diags, path, line, 1, "a process_start needs %s, which this rule does not find", wanted);
}

int rule_check_sample(const struct rule_match *match, const char *path, unsigned line,
                      struct diag_list *diags)
{
    static const char *const users[] = {"user.name", "user.id", NULL};
    static const char *const commands[] = {"process.command_line",
                                           "shell.command",
                                           "process.executable",
                                           "process.name",
                                           "cron.command",
                                           "pkexec.command",
                                           NULL};
    int r = check_tags(match, path, line, diags), q = 0, p = 0;

    if (rule_match_has_tag(match, "process_start")) {
        q = check_fields(match, users, "user.name or user.id", path, line, diags);
        p = check_fields(match, commands, "process.command_line or shell.command", path, line, diags);
    }
    r = MIN(r, q);
    return MIN(r, p);
}
