/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Exceptions out of YAML. A file may hold four things, all optional:
 *
 *     exceptions:                            what is forgiven
 *     - id: nightly-inventory
 *       reason: the inventory agent lists sockets every night
 *       owner: ops@example.org
 *       ticket: CHG-4711                     optional
 *       effect: suppress | skip | digest     suppress
 *       starts: 2026-01-01                   optional; also a time with its zone
 *       expires: 2026-12-31                  optional; a date is good to its end
 *       jobs: [network_connection_discovery] optional
 *       match:                               all must hold
 *         user.name: [inventory, scanner]    equal to one of
 *         host.name: {glob: web-*}
 *       schedule: {cron: 0 2 * * *, duration: 1h, time_zone: Europe/Berlin}
 *     groups: {netops: [alice, bob]}         names for user.group
 *     group_map: group                       the same in group(5) format
 *     onboarding: {age: 14d, sources: [created]}
 *
 * The files of a folder are one set: groups of any file may be used in every other, so they are collected
 * first. A group is its members' names at the time of loading: events carry no groups, and pure rooms ask no
 * name service.
 *
 * An exception without "match" forgives everything, so it is taken only with a schedule: a maintenance
 * window.
 *
 * What stands below "match" is exception_match.c's. Everything wrong is told at once, with its place; a set
 * with a mistake is not made, so that what is in force stays.
 */
#include "select/exception.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "select/exception_loader.h"
#include "select/reader.h"
#include "select/schedule.h"
#include "util/parse.h"

#define FILE_SUFFIX ".yaml"
/* chosen: one for every person of a large site is some thousand */
#define EXCEPTIONS_MAX 10000U
#define FILES_MAX      1000U
/* chosen: group files of large sites have some 10,000 lines of 100 bytes; the same for lists of accounts */
#define TEXT_BYTES_MAX (16U << 20)
/* chosen: an id is typed and stands in a column of a table */
#define ID_BYTES_MAX 64U

struct item_settings {
    char *id, *reason, *owner, *ticket, *starts, *expires;
    int effect;
    struct string_list jobs;
    char *time_zone, *start, *rrule, *cron;
    int64_t duration_usec;
    struct string_list exdates;
};

#define ITEM(m) offsetof(struct item_settings, m)

static const struct option item_options[] = {
    {"id", OPTION_STRING, ITEM(id), .is_required = true, .help = "identifies the exception"},
    {"reason", OPTION_STRING, ITEM(reason), .is_required = true, .help = "why it is forgiven"},
    {"owner", OPTION_STRING, ITEM(owner), .is_required = true, .help = "who answers for it"},
    {"ticket", OPTION_STRING, ITEM(ticket), .help = "where it was approved"},
    {"effect", OPTION_CHOICE, ITEM(effect), "suppress", .choices = exception_effect_names,
     .help = "no alert, not even learned, or one summary a day"},
    {"starts", OPTION_STRING, ITEM(starts), .help = "a date or a time from which on it holds"},
    {"expires", OPTION_STRING, ITEM(expires), .help = "the last day, or the time, until which it holds"},
    {"jobs", OPTION_LIST, ITEM(jobs), .help = "ids of the jobs it is about (default: all)"},
    {"schedule.time_zone", OPTION_STRING, ITEM(time_zone), "UTC", .help = "zone of the windows' local times"},
    {"schedule.start", OPTION_STRING, ITEM(start), .help = "local time of the first window (DTSTART)"},
    {"schedule.duration", OPTION_DURATION, ITEM(duration_usec), "1h", 1e6, 31 * 86400e6,
     .help = "length of each window"},
    {"schedule.rrule", OPTION_STRING, ITEM(rrule), .help = "iCalendar recurrence (RFC 5545)"},
    {"schedule.cron", OPTION_STRING, ITEM(cron), .help = "crontab(5) line of the windows' begins"},
    {"schedule.exdate", OPTION_LIST, ITEM(exdates), .help = "dates or local times that do not take place"},
};

const struct option_table exception_option_table = {item_options, ARRAY_SIZE(item_options),
                                                    sizeof(struct item_settings)};

struct file_settings {
    char *group_map, *accounts;
    int64_t age_usec;
    struct string_list sources;
};

#define TOP(m) offsetof(struct file_settings, m)

static const struct option file_options[] = {
    {"group_map", OPTION_STRING, TOP(group_map),
     .help = "file in group(5) format that says who is in a group"},
    {"onboarding.age", OPTION_DURATION, TOP(age_usec), "0", 0, 366 * 86400e6,
     .help = "accounts younger than this go to the digest; 0: none does"},
    {"onboarding.sources", OPTION_LIST, TOP(sources), "created",
     .help = "what tells an account's age: created, file, first_seen"},
    {"onboarding.accounts", OPTION_STRING, TOP(accounts), .help = "list of accounts and their first days"},
};

const struct option_table exception_file_option_table = {file_options, ARRAY_SIZE(file_options),
                                                         sizeof(struct file_settings)};

static void item_settings_done(struct item_settings *settings)
{
    option_done(&exception_option_table, settings);
}

static void file_settings_done(struct file_settings *settings)
{
    option_done(&exception_file_option_table, settings);
}

static void loader_done(struct loader *loader)
{
    struct group *group, *next;

    for (size_t i = 0; i < loader->n_files; i++)
        config_free(loader->configs[i]);
    free(loader->configs);
    HASH_ITER(hh, loader->groups, group, next)
    {
        HASH_DEL(loader->groups, group);
        free(group->name);
        string_list_done(&group->members);
        free(group);
    }
    exception_set_free(loader->set);
}

/* What the user got wrong is in diags already. Negative: memory is out. */
static int outcome(struct loader *loader, int r, size_t n_before)
{
    if (r < 0 && diag_list_count(loader->diags) == n_before)
        return r;
    loader->is_bad = loader->is_bad || r < 0;
    return 0;
}

static int read_groups(struct spot *spot)
{
    _cleanup_(string_array_freep) char **names = NULL;
    int r = config_children(spot->config, "groups", &names);

    for (size_t i = 0; r >= 0 && names[i]; i++) {
        _cleanup_(string_list_done) struct string_list members = {0};
        _cleanup_(freep) char *path = NULL;
        struct group *group;

        r = loader_join("groups", names[i], &path);
        if (r >= 0)
            r = loader_read_values(spot, path, &members);
        if (r >= 0)
            r = loader_get_group(spot->loader, slice_from_string(names[i]), &group);
        for (size_t k = 0; r >= 0 && k < members.n; k++)
            r = string_list_add(&group->members, slice_from_string(members.items[k]));
    }
    return r;
}

/* The text of a file that another one names at path. 1: it cannot be read, reported. */
static int read_text(struct spot *spot, const char *path, const char *name, struct buffer *out,
                     char **ret_file)
{
    const char *slash = strrchr(spot->file, '/');
    _cleanup_(freep) char *file = NULL;
    _cleanup_(closep) int fd = -1;
    ssize_t n;
    int r;

    if (asprintf(&file, "%.*s%s", name[0] != '/' && slash ? (int)(slash + 1 - spot->file) : 0, spot->file,
                 name) < 0) {
        file = NULL;
        return -ENOMEM;
    }
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        loader_refuse(spot, path, "cannot read '%s': %s", file, strerror(errno));
        return 1;
    }
    do {
        r = buffer_reserve(out, 65536);
        if (r < 0)
            return r;
        n = read(fd, out->data + out->len, 65536);
        if (n < 0 || out->len + (size_t)n > TEXT_BYTES_MAX) {
            loader_refuse(spot, path, "cannot read '%s': %s", file,
                          n < 0 ? strerror(errno) : "larger than 16 MiB");
            return 1;
        }
        out->len += (size_t)n;
    } while (n > 0);
    *ret_file = TAKE_PTR(file);
    return 0;
}

static struct slice cut(struct slice *rest, char separator)
{
    size_t at = slice_find(*rest, separator);
    struct slice head = slice_head(*rest, at);

    *rest = slice_skip(*rest, MIN(at + 1, rest->len));
    return head;
}

/* group(5): NAME:PASSWORD:GID:MEMBER,MEMBER. Who has it as the primary group is not said there. */
static int read_group_map(struct spot *spot, const char *name)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    _cleanup_(freep) char *file = NULL;
    struct slice rest;
    unsigned number = 0;
    int r = read_text(spot, "group_map", name, &text, &file);

    if (r != 0)
        return r < 0 ? r : 0;
    for (rest = buffer_slice(&text); r >= 0 && rest.len > 0;) {
        struct slice line = cut(&rest, '\n'), group_name;
        struct group *group;
        size_t n_colons = 0;

        number++;
        if (slice_trim(line).len == 0 || line.data[0] == '#')
            continue;
        for (size_t i = 0; i < line.len; i++)
            n_colons += line.data[i] == ':';
        group_name = cut(&line, ':');
        if (n_colons != 3 || group_name.len == 0) {
            spot->loader->is_bad = true;
            (void)diag_add(spot->loader->diags, file, number, 1,
                           "bad line, expected NAME:PASSWORD:GID:MEMBERS");
            continue;
        }
        (void)cut(&line, ':');
        (void)cut(&line, ':');
        line = slice_trim(line);
        r = loader_get_group(spot->loader, group_name, &group);
        while (r >= 0 && line.len > 0) {
            struct slice member = cut(&line, ',');

            if (member.len > 0)
                r = string_list_add(&group->members, member);
        }
    }
    return r < 0 ? r : 0;
}

static int read_onboarding(struct spot *spot, const struct file_settings *settings)
{
    struct onboarding_options *options = &spot->loader->set->onboarding;
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    _cleanup_(freep) char *file = NULL;
    size_t n = diag_list_count(spot->loader->diags);
    int r;

    if (settings->age_usec == 0)
        return 0;
    if (spot->loader->onboarding_file) {
        loader_refuse(spot, "onboarding.age", "onboarding is said twice, it stands in %s already",
                      spot->loader->onboarding_file);
        return 0;
    }
    spot->loader->onboarding_file = spot->file;
    options->age_usec = settings->age_usec;
    for (size_t i = 0; i < settings->sources.n; i++) {
        const char *word = settings->sources.items[i], *near;
        size_t k = 0;

        while (account_source_names[k] && strcmp(word, account_source_names[k]) != 0)
            k++;
        if (account_source_names[k]) {
            options->sources |= 1U << k;
            continue;
        }
        near = nearest_word(slice_from_string(word), account_source_names);
        loader_refuse(
            spot, "onboarding.sources",
            "bad value '%.80s' for onboarding.sources, expected some of created, file, first_seen%s%s%s",
            word, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    }
    if (!settings->accounts && (options->sources & (1U << ACCOUNT_FILE)))
        loader_refuse(spot, "onboarding.sources", "key 'onboarding.accounts' is missing, expected a file");
    if (!settings->accounts)
        return 0;
    options->sources |= 1U << ACCOUNT_FILE;
    r = read_text(spot, "onboarding.accounts", settings->accounts, &text, &file);
    if (r != 0)
        return r < 0 ? r : 0;
    r = onboarding_read_accounts(buffer_slice(&text), file, spot->loader->diags, options);
    return outcome(spot->loader, r, n);
}

static int read_schedule(struct item *item, const struct item_settings *settings)
{
    _cleanup_(freep) char *section = NULL, *message = NULL, *path = NULL;
    const char *key = NULL, *file;
    unsigned line, column;
    int r = loader_join(item->path, "schedule", &section);

    if (r < 0)
        return r;
    config_place(item->spot->config, section, &file, &line, &column);
    if (!file)
        return 0;
    r = schedule_new(&(struct schedule_options){.time_zone = settings->time_zone,
                                                .start = settings->start,
                                                .rrule = settings->rrule,
                                                .cron = settings->cron,
                                                .exdates = (const char *const *)settings->exdates.items,
                                                .n_exdates = settings->exdates.n,
                                                .duration_usec = settings->duration_usec},
                     &key, &message, &item->exception->schedule);
    if (r != -EINVAL)
        return r;
    r = loader_join(section, key, &path);
    if (r < 0)
        return r;
    config_place(item->spot->config, path, &file, &line, &column);
    loader_refuse(item->spot, file ? path : section, "bad value for %s, %s", path,
                  message ? message : "refused");
    return 0;
}

#define DATE_LEN   (sizeof("2026-01-31") - 1)
#define MINUTE_LEN (sizeof("2026-01-31T18:00") - 1)

/* Seconds may be left out, as in what `hapax exceptions list` prints. A day that the month does not have is
 * none: read as one of the next month, it would forgive for longer than was meant. */
static int parse_time(const char *text, int64_t shift_usec, int64_t *ret_usec)
{
    char full[64], day[TIMESTAMP_SIZE];
    size_t len = strlen(text), head;
    int64_t midnight_usec;
    bool is_date = len == DATE_LEN;

    if (len < DATE_LEN || len + sizeof(":00") > sizeof(full))
        return -EINVAL;
    (void)snprintf(full, sizeof(full), "%.*sT00:00:00Z", (int)DATE_LEN, text);
    if (parse_timestamp_usec(slice_from_string(full), &midnight_usec) < 0)
        return -EINVAL;
    format_timestamp(midnight_usec, day);
    if (memcmp(day, text, DATE_LEN) != 0)
        return -EINVAL;
    if (is_date) {
        *ret_usec = midnight_usec + shift_usec;
        return 0;
    }
    head = len > MINUTE_LEN && text[MINUTE_LEN] != ':' ? MINUTE_LEN : len;
    (void)snprintf(full, sizeof(full), "%.*s%s%s", (int)head, text, head < len ? ":00" : "", text + head);
    return parse_timestamp_usec(slice_from_string(full), ret_usec);
}

/* A date (shift_usec is added: to its end) or a time with its zone. */
static int read_time(struct item *item, const char *key, const char *text, int64_t shift_usec,
                     int64_t *ret_usec)
{
    _cleanup_(freep) char *path = NULL;
    int r;

    if (!text)
        return 0;
    r = parse_time(text, shift_usec, ret_usec);
    if (r >= 0)
        return 0;
    r = loader_join(item->path, key, &path);
    if (r >= 0)
        loader_refuse(
            item->spot, path,
            "bad value '%.80s' for %s, expected a date as 2026-12-31 or a time as 2026-12-31T18:00:00+01:00",
            text, path);
    return r;
}

static int check_id(struct item *item, const char *id)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    struct loader *loader = item->spot->loader;
    _cleanup_(freep) char *path = NULL;
    const struct exception *other = exception_set_find_id(loader->set, id);
    int r = loader_join(item->path, "id", &path);

    if (r < 0)
        return r;
    if (*id == '\0' || strlen(id) > ID_BYTES_MAX || id[strspn(id, allowed)] != '\0' ||
        strcmp(id, ONBOARDING_ID) == 0)
        loader_refuse(
            item->spot, path,
            "bad value '%.80s' for %s, expected at most %u letters, digits, '.', '_', '-', and not '%s'", id,
            path, ID_BYTES_MAX, ONBOARDING_ID);
    else if (other)
        loader_refuse(item->spot, path, "exception '%s' is repeated, it stands in %s, line %u already", id,
                      other->file, other->line);
    return 0;
}

static int take_settings(struct item *item, struct item_settings *settings)
{
    struct exception *exception = item->exception;
    _cleanup_(freep) char *id_path = NULL, *expires_path = NULL;
    const char *file;
    unsigned column;
    int r = loader_join(item->path, "id", &id_path);

    if (r >= 0)
        r = loader_join(item->path, "expires", &expires_path);
    if (r < 0)
        return r;
    config_place(item->spot->config, id_path, &file, &exception->line, &exception->column);
    config_place(item->spot->config, expires_path, &file, &exception->expires_line, &column);
    exception->file = item->spot->file;
    exception->effect = (enum exception_effect)settings->effect;
    exception->starts_usec = INT64_MIN;
    exception->expires_usec = INT64_MAX;
    r = read_time(item, "starts", settings->starts, 0, &exception->starts_usec);
    if (r >= 0)
        r = read_time(item, "expires", settings->expires, USEC_PER_DAY, &exception->expires_usec);
    exception->id = TAKE_PTR(settings->id);
    exception->reason = TAKE_PTR(settings->reason);
    exception->owner = TAKE_PTR(settings->owner);
    exception->ticket = TAKE_PTR(settings->ticket);
    exception->jobs = TAKE_PTR(settings->jobs.items);
    exception->n_jobs = settings->jobs.n;
    settings->jobs.n = 0;
    return r;
}

static void check_extent(struct item *item)
{
    const struct exception *exception = item->exception;

    if (exception->n_conditions == 0 && !exception->schedule && !item->spot->loader->is_bad)
        loader_refuse(
            item->spot, item->path,
            "exception '%s' would forgive everything, expected 'match', or 'schedule' for a window of "
            "maintenance",
            exception->id ? exception->id : "");
    if (exception->starts_usec >= exception->expires_usec)
        loader_refuse(item->spot, item->path, "exception '%s' expires before it starts",
                      exception->id ? exception->id : "");
}

static int read_item(struct spot *spot, const char *name)
{
    struct loader *loader = spot->loader;
    struct exception_set *set = loader->set;
    _cleanup_(item_settings_done) struct item_settings settings = {0};
    _cleanup_(freep) char *path = NULL;
    size_t n = diag_list_count(loader->diags);
    struct exception *items;
    struct item item;
    int r = loader_join("exceptions", name, &path);

    if (r < 0)
        return r;
    if (set->n_items >= EXCEPTIONS_MAX) {
        loader_refuse(spot, path, "too many exceptions, expected at most %u", EXCEPTIONS_MAX);
        return 0;
    }
    item = (struct item){.spot = spot, .path = path};
    r = outcome(loader, config_apply(spot->config, path, &exception_option_table, &settings, loader->diags),
                n);
    if (r >= 0 && settings.id)
        r = check_id(&item, settings.id);
    if (r < 0)
        return r;
    /* grown by doubling: n is a power of two exactly when the allocation is full */
    if ((set->n_items & (set->n_items - 1)) == 0) {
        items = reallocarray(set->items, set->n_items > 0 ? set->n_items * 2 : 1, sizeof(*items));
        if (!items)
            return -ENOMEM;
        set->items = items;
    }
    item.exception = &set->items[set->n_items];
    *item.exception = (struct exception){0};
    set->n_items++; /* the set releases what is half read */
    r = take_settings(&item, &settings);
    if (r >= 0)
        r = loader_read_matches(&item);
    if (r >= 0)
        r = read_schedule(&item, &settings);
    if (r >= 0) {
        check_extent(&item);
        item.exception->match_text =
            strndup(item.match_text.len > 0 ? item.match_text.data : "", item.match_text.len);
        r = item.exception->match_text ? 0 : -ENOMEM;
    }
    buffer_done(&item.match_text);
    if (r >= 0 && !item.exception->id) { /* reported; ids are compared with later ones */
        item.exception->id = strdup("");
        r = item.exception->id ? 0 : -ENOMEM;
    }
    return r < 0 ? r : exception_set_know_id(set);
}

/* Groups, the group map, onboarding: what the exceptions of all files may use. */
static int read_top(struct spot *spot)
{
    _cleanup_(file_settings_done) struct file_settings settings = {0};
    struct loader *loader = spot->loader;
    size_t n = diag_list_count(loader->diags);
    int r = outcome(
        loader, config_apply(spot->config, "", &exception_file_option_table, &settings, loader->diags), n);

    if (r >= 0)
        r = read_groups(spot);
    if (r >= 0 && settings.group_map)
        r = read_group_map(spot, settings.group_map);
    return r < 0 ? r : read_onboarding(spot, &settings);
}

static int read_items(struct spot *spot)
{
    _cleanup_(string_array_freep) char **names = NULL;
    struct loader *loader = spot->loader;
    size_t n;
    const char *text = config_get(spot->config, "exceptions");
    int r = config_children(spot->config, "exceptions", &names);

    if (text)
        loader_refuse(spot, "exceptions", "bad value '%.80s' for exceptions, expected a list", text);
    for (size_t i = 0; r >= 0 && names[i]; i++) {
        if (!reader_is_index(names[i])) {
            loader_refuse(spot, "exceptions", "bad value for exceptions, expected a list, got a mapping");
            config_take(spot->config, "exceptions");
            break;
        }
        r = read_item(spot, names[i]);
    }
    n = diag_list_count(loader->diags);
    return r < 0 ? r : outcome(loader, config_check_unknown(spot->config, loader->diags), n);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The paths of a folder's files, or the file itself. */
static int list_files(const char *path, struct diag_list *diags, struct string_list *files)
{
    const struct dirent *entry;
    struct stat status;
    DIR *dir;
    int r = 0;

    if (stat(path, &status) < 0)
        return diag_add(diags, path, 0, 0, "cannot read the exceptions: %s", strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return string_list_add(files, slice_from_string(path));
    dir = opendir(path);
    if (!dir)
        return diag_add(diags, path, 0, 0, "cannot open the folder: %s", strerror(errno));
    while (r >= 0 && (entry = readdir(dir))) {
        _cleanup_(freep) char *file = NULL;

        if (entry->d_name[0] == '.' || !slice_ends_with(slice_from_string(entry->d_name), SLICE(FILE_SUFFIX)))
            continue;
        if (asprintf(&file, "%s/%s", path, entry->d_name) < 0) {
            file = NULL;
            r = -ENOMEM;
        } else {
            r = string_list_add(files, slice_from_string(file));
        }
    }
    (void)closedir(dir);
    if (r >= 0 && files->n > FILES_MAX)
        return diag_add(diags, path, 0, 0, "there are %zu files, expected at most %u", files->n, FILES_MAX);
    if (r >= 0 && files->n > 1)
        qsort(files->items, files->n, sizeof(*files->items), compare_texts);
    return r;
}

/* All files have been parsed into configs, as far as they could be. */
static int finish(struct loader *loader, struct exception_set **ret_set)
{
    int r = 0;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; r >= 0 && i < loader->n_files; i++) {
            struct spot spot = {loader, loader->configs[i], loader->set->files.items[i]};

            r = pass == 0 ? read_top(&spot) : read_items(&spot);
        }
    if (r < 0)
        return r;
    if (loader->is_bad)
        return -EINVAL;
    r = exception_set_compile(loader->set);
    if (r < 0)
        return r;
    *ret_set = TAKE_PTR(loader->set);
    return 0;
}

static int load_one(struct loader *loader, size_t i, const char *file, struct slice text)
{
    const char *name = loader->set->files.items[i];
    size_t n = diag_list_count(loader->diags);
    int r = config_new(&loader->configs[i]);

    if (r < 0)
        return r;
    loader->n_files = i + 1;
    r = file && strcmp(name, file) == 0 ? config_load_text(loader->configs[i], text, name, loader->diags)
                                        : config_load_file(loader->configs[i], name, loader->diags);
    return outcome(loader, r, n);
}

int exception_set_try(const char *path, const char *file, struct slice text, struct diag_list *diags,
                      struct exception_set **ret_set)
{
    _cleanup_(loader_done) struct loader loader = {.diags = diags};
    bool is_there = false;
    int r = 0;

    loader.set = calloc(1, sizeof(*loader.set));
    if (!loader.set)
        return -ENOMEM;
    if (!file || strcmp(path, file) != 0)
        r = list_files(path, diags, &loader.set->files);
    for (size_t i = 0; r >= 0 && file && i < loader.set->files.n; i++)
        is_there = is_there || strcmp(loader.set->files.items[i], file) == 0;
    if (r >= 0 && file && !is_there)
        r = string_list_add(&loader.set->files, slice_from_string(file));
    if (r < 0)
        return r;
    loader.configs = calloc(loader.set->files.n + 1, sizeof(void *));
    r = loader.configs ? 0 : -ENOMEM;
    for (size_t i = 0; r >= 0 && i < loader.set->files.n; i++)
        r = load_one(&loader, i, file, text);
    return r < 0 ? r : finish(&loader, ret_set);
}

int exception_set_load(const char *path, struct diag_list *diags, struct exception_set **ret_set)
{
    return exception_set_try(path, NULL, SLICE_NULL, diags, ret_set);
}
