/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which journal, and what of it: the settings, what is wrong with them, and a journal opened as they say.
 *
 * libsystemd is silent where an operator would like a word. It opens a folder without any file, leaves out
 * the files it may not read, and for a list of files gives one error for all of them. So a machine without a
 * journal is told before it is opened, each file that cannot be opened is tried by itself, and a journal
 * without any entry is named.
 *
 * Nothing is followed and no place is sought here: what comes out is a journal, and whoever asked for it
 * closes it.
 */
#include "source/journald.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static const char *const start_words[] = {"auto", "tail", "boot", "beginning", NULL};
static const char *const follow_words[] = {"auto", "true", "false", NULL};

static const struct option journald_options[] = {
    {
        .name = "directory",
        .type = OPTION_STRING,
        .offset = offsetof(struct journald_settings, directory),
        .help = "read the journal files in this folder instead of this machine's",
    },
    {
        .name = "files",
        .type = OPTION_LIST,
        .offset = offsetof(struct journald_settings, files),
        .help = "read these journal files instead of this machine's",
    },
    {
        .name = "namespace",
        .type = OPTION_STRING,
        .offset = offsetof(struct journald_settings, namespace),
        .help = "read this journal namespace instead of the default one",
    },
    {
        .name = "matches",
        .type = OPTION_LIST,
        .offset = offsetof(struct journald_settings, matches),
        .help =
            "which entries to read: FIELD=VALUE conditions, all of an item and any of the list; * for all "
            "entries; default: those the rulebases know",
    },
    {
        .name = "start",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct journald_settings, start),
        .default_text = "auto",
        .choices = start_words,
        .help = "where to begin without a cursor; auto: the tail of the live journal, the beginning of given "
                "files",
    },
    {
        .name = "follow",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct journald_settings, follow),
        .default_text = "auto",
        .choices = follow_words,
        .help = "wait for new entries instead of ending at the last one; auto: only with the live journal",
    },
};

const struct option_table journald_table = {
    .options = journald_options,
    .n_options = ARRAY_SIZE(journald_options),
    .struct_size = sizeof(struct journald_settings),
};

static inline void journal_closep(sd_journal **journal)
{
    if (*journal)
        sd_journal_close(*journal);
}

bool journald_is_live(const struct journald_settings *settings)
{
    return !settings->directory && settings->files.n == 0;
}

bool journald_is_followed(const struct journald_settings *settings)
{
    return settings->follow == JOURNALD_FOLLOW_AUTO ? journald_is_live(settings)
                                                    : settings->follow == JOURNALD_FOLLOW_YES;
}

int journald_check(const char *name, const void *instance, struct diag_list *diags)
{
    const struct journald_settings *settings = instance;
    int r = 0, n_places = !!settings->directory + (settings->files.n > 0) + !!settings->namespace;

    if (n_places > 1)
        r = diag_add(diags, NULL, 0, 0,
                     "journald: expected one of directory, files and namespace, not %d of them", n_places);
    for (size_t i = 0; i < settings->matches.n; i++) {
        struct slice group = slice_from_string(settings->matches.items[i]), condition;
        int n;

        if (strcmp(settings->matches.items[i], "*") == 0)
            continue;
        while ((n = journald_match_next(&group, &condition)) > 0)
            ;
        if (n < 0)
            r = diag_add(diags, NULL, 0, 0,
                         "journald: the match '%s' is not understood: expected FIELD=VALUE, such as "
                         "_TRANSPORT=audit, or *",
                         settings->matches.items[i]);
    }
    return r;
}

static int add_group(sd_journal *journal, struct slice group)
{
    struct slice condition;
    int r;

    while ((r = journald_match_next(&group, &condition)) > 0) {
        r = sd_journal_add_match(journal, condition.data, condition.len);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    return sd_journal_add_disjunction(journal);
}

int journald_add_matches(sd_journal *journal, const struct journald_settings *settings)
{
    int r = 0;

    if (settings->matches.n == 0)
        for (size_t i = 0; r >= 0 && journald_default_matches[i]; i++)
            r = add_group(journal, slice_from_string(journald_default_matches[i]));
    for (size_t i = 0; i < settings->matches.n; i++)
        if (strcmp(settings->matches.items[i], "*") == 0)
            return 0;
    for (size_t i = 0; r >= 0 && i < settings->matches.n; i++)
        r = add_group(journal, slice_from_string(settings->matches.items[i]));
    return r;
}

int journald_open(const struct journald_settings *settings, sd_journal **ret_journal)
{
    _cleanup_(journal_closep) sd_journal *journal = NULL;
    int r;

    if (settings->directory) {
        r = sd_journal_open_directory(&journal, settings->directory, 0);
    } else if (settings->files.n > 0) {
        _cleanup_(freep) const char **paths = calloc(settings->files.n + 1, sizeof(*paths));

        if (!paths)
            return -ENOMEM;
        for (size_t i = 0; i < settings->files.n; i++)
            paths[i] = settings->files.items[i];
        r = sd_journal_open_files(&journal, paths, 0);
    } else {
        r = sd_journal_open_namespace(&journal, settings->namespace, SD_JOURNAL_LOCAL_ONLY);
    }
    if (r < 0)
        return r;
    r = sd_journal_set_data_threshold(journal, ENTRY_LIMIT_BYTES);
    if (r < 0)
        return r;
    *ret_journal = TAKE_PTR(journal);
    return 0;
}

int journald_explain_open(const struct journald_settings *settings, int error, struct diag_list *diags)
{
    if (error == -ENOMEM)
        return error;
    for (size_t i = 0; i < settings->files.n; i++) {
        _cleanup_(journal_closep) sd_journal *journal = NULL;
        const char *paths[] = {settings->files.items[i], NULL};
        int r = sd_journal_open_files(&journal, paths, 0);

        if (r == -EBADMSG || r == -ENODATA || r == -EPROTONOSUPPORT)
            (void)diag_add(diags, paths[0], 0, 0, "this is not a journal file, or it is damaged (%s)",
                           strerror(-r));
        else if (r < 0)
            (void)diag_add(diags, paths[0], 0, 0, "the journal file cannot be opened: %s", strerror(-r));
    }
    if (settings->files.n > 0 && diags->n > 0)
        return -EINVAL;
    return diag_add(diags, settings->directory, 0, 0, "the journal cannot be opened: %s", strerror(-error));
}

int journald_check_live(struct diag_list *diags)
{
    if (access("/run/log/journal", F_OK) < 0 && access("/var/log/journal", F_OK) < 0)
        return diag_add(
            diags, NULL, 0, 0,
            "this machine has no journal (neither /run/log/journal nor /var/log/journal): read a file or "
            "standard input instead");
    return 0;
}

/* libsystemd leaves out files it may not read, so nothing to read looks like an empty journal. */
void journald_warn_if_empty(struct journald_source *s)
{
    const struct journald_settings *settings = s->base.settings;
    uint64_t from, to;

    if (sd_journal_get_cutoff_realtime_usec(s->journal, &from, &to) > 0)
        return;
    if (!journald_is_live(settings))
        source_report(&s->base, LOG_WARNING, "no journal entries are in '%s'",
                      settings->directory ? settings->directory : settings->files.items[0]);
    else if (geteuid() != 0)
        source_report(&s->base, LOG_WARNING,
                      "no journal file can be read by this user: is it in the group systemd-journal?");
}
