/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A job file is read like a configuration: through option tables, so that a mistake in it is told with file,
 * line, column and the nearest word, and all mistakes of all files in one run. Its layout:
 *
 *     id: network_connection_discovery      the file's base name must be the same
 *     name: …                               one line
 *     description: …
 *     process: {name: [netstat, ss]}        any of them selects a process start
 *     tools: [network_connections]          so does every tool of these sets of ../tools.yaml
 *     by: user.name | process.name          what is counted; user.name
 *     identity: login | real | effective    whose start it is; login
 *     scope: fleet | host | user            one population, or one a host or user; fleet
 *     detector: rare
 *     threshold: 25                         alert from this score on
 *     severity: low | medium | high | critical
 *     risk_score: 21
 *     version, references, tags, false_positives, triage, response
 *     threat:                               ATT&CK
 *     - tactic: {id: TA0007, name: Discovery, reference: https://…}
 *       technique:
 *       - {id: T1049, name: …, reference: https://…}
 *
 * "threat" is a list of mappings, which an option table cannot say: its items are read one by one, each
 * through a table of its own.
 *
 * Which files there are is job_set.c's.
 */
#include "select/job_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/option.h"
#include "select/reader.h"
#include "util/parse.h"

/* ECS event.severity as Elastic's promotion rule reads it (reference of severity mappings: 21, 47, 73, 99).
 */
static const char *const severity_names[] = {"low", "medium", "high", "critical", NULL};
static const int severities[] = {21, 47, 73, 99};

static const char *const identity_names[] = {
    [IDENTITY_LOGIN] = "login", [IDENTITY_REAL] = "real", [IDENTITY_EFFECTIVE] = "effective", NULL};
static const char *const scope_names[] = {
    [SCOPE_FLEET] = "fleet", [SCOPE_HOST] = "host", [SCOPE_USER] = "user", NULL};
const char *const subject_names[] = {[SUBJECT_USER] = "user.name", [SUBJECT_PROCESS] = "process.name", NULL};

struct job_settings {
    char *id, *name, *description, *detector, *version, *triage, *response;
    struct string_list process_names, process_args, tool_sets, not_processes, not_users;
    struct string_list references, tags, false_positives;
    bool is_any_process;
    int identity, scope, severity, subject;
    int64_t bucket_span_usec;
    double threshold;
    int64_t risk_score;
};

#define JOB(member_) .offset = offsetof(struct job_settings, member_)

static const struct option job_options[] = {
    {.name = "id",
     .type = OPTION_STRING,
     JOB(id),
     .is_required = true,
     .help = "identifies the job; the file's base name is the same"},
    {.name = "name",
     .type = OPTION_STRING,
     JOB(name),
     .is_required = true,
     .help = "what the job detects, in one line; the rule name of its alerts"},
    {.name = "description",
     .type = OPTION_STRING,
     JOB(description),
     .is_required = true,
     .help = "what the job detects and why it matters"},
    {.name = "process.name",
     .type = OPTION_LIST,
     JOB(process_names),
     .help = "names of the processes whose starts are looked at, compared byte by byte"},
    {.name = "process.args",
     .type = OPTION_LIST,
     JOB(process_args),
     .help = "patterns one of which an argument must fit; without process.name, of any process"},
    {.name = "process.any",
     .type = OPTION_BOOL,
     JOB(is_any_process),
     .default_text = "no",
     .help = "look at every process start"},
    {.name = "tools",
     .type = OPTION_LIST,
     JOB(tool_sets),
     .help = "sets of tools.yaml whose tools are looked at, too"},
    {.name = "exclude.process.name",
     .type = OPTION_LIST,
     JOB(not_processes),
     .help = "patterns of process names that are not looked at"},
    {.name = "exclude.user.name",
     .type = OPTION_LIST,
     JOB(not_users),
     .help = "patterns of login or real users who are not looked at"},
    {.name = "by",
     .type = OPTION_CHOICE,
     JOB(subject),
     .choices = subject_names,
     .default_text = "user.name",
     .help = "what is rare: the user of the command, or the name of the process"},
    {.name = "identity",
     .type = OPTION_CHOICE,
     JOB(identity),
     .choices = identity_names,
     .default_text = "login",
     .help =
         "whose start it is: the login identity (it survives sudo and su), the real or the effective user"},
    {.name = "scope",
     .type = OPTION_CHOICE,
     JOB(scope),
     .choices = scope_names,
     .default_text = "fleet",
     .help =
         "who users are compared with: those of all hosts, of the same host, or (for processes) of the same "
         "user"},
    {.name = "detector",
     .type = OPTION_STRING,
     JOB(detector),
     .default_text = "rare",
     .help = "how unusual is computed"},
    {.name = "bucket_span",
     .type = OPTION_DURATION,
     JOB(bucket_span_usec),
     .min = 60e6,
     .max = 86400e6,
     .help =
         "length of the job's buckets, unless the configuration sets it for all (default: the detector's)"},
    {.name = "threshold",
     .type = OPTION_NUMBER,
     JOB(threshold),
     .max = 100,
     .is_required = true,
     .help = "the score from which on there is an alert"},
    {.name = "severity",
     .type = OPTION_CHOICE,
     JOB(severity),
     .choices = severity_names,
     .is_required = true,
     .help = "severity of the alerts: 21, 47, 73 or 99 in event.severity"},
    {.name = "risk_score",
     .type = OPTION_INTEGER,
     JOB(risk_score),
     .max = 100,
     .is_required = true,
     .help = "risk score of the alerts"},
    {.name = "version",
     .type = OPTION_STRING,
     JOB(version),
     .default_text = "1",
     .help = "version of the job, raised when its meaning changes"},
    {.name = "references", .type = OPTION_LIST, JOB(references), .help = "links to read"},
    {.name = "tags", .type = OPTION_LIST, JOB(tags), .help = "words to find its alerts by"},
    {.name = "false_positives",
     .type = OPTION_LIST,
     JOB(false_positives),
     .help = "harmless reasons for an alert"},
    {.name = "triage", .type = OPTION_STRING, JOB(triage), .help = "what to look at when it alerts"},
    {.name = "response", .type = OPTION_STRING, JOB(response), .help = "what to do when an alert is true"},
};

const struct option_table job_option_table = {job_options, ARRAY_SIZE(job_options),
                                              sizeof(struct job_settings)};

static const struct option tactic_options[] = {
    {.name = "id",
     .type = OPTION_STRING,
     .offset = offsetof(struct threat_tactic, id),
     .is_required = true,
     .help = "ATT&CK id of the tactic: TA0007"},
    {.name = "name",
     .type = OPTION_STRING,
     .offset = offsetof(struct threat_tactic, name),
     .is_required = true,
     .help = "its name"},
    {.name = "reference",
     .type = OPTION_STRING,
     .offset = offsetof(struct threat_tactic, reference),
     .help = "link to it"},
};

const struct option_table job_tactic_option_table = {tactic_options, ARRAY_SIZE(tactic_options),
                                                     sizeof(struct threat_tactic)};

static const struct option technique_options[] = {
    {.name = "id",
     .type = OPTION_STRING,
     .offset = offsetof(struct threat_technique, id),
     .is_required = true,
     .help = "ATT&CK id of the technique, or of a sub-technique: T1049, T1059.004"},
    {.name = "name",
     .type = OPTION_STRING,
     .offset = offsetof(struct threat_technique, name),
     .is_required = true,
     .help = "its name"},
    {.name = "reference",
     .type = OPTION_STRING,
     .offset = offsetof(struct threat_technique, reference),
     .help = "link to it"},
};

const struct option_table job_technique_option_table = {technique_options, ARRAY_SIZE(technique_options),
                                                        sizeof(struct threat_technique)};

static void string_array_done(char **items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(items[i]);
    free(items);
}

void job_done(struct job *job)
{
    for (size_t i = 0; i < job->n_tactics; i++) {
        struct threat_tactic *tactic = &job->tactics[i];

        for (size_t k = 0; k < tactic->n_techniques; k++)
            option_done(&job_technique_option_table, &tactic->techniques[k]);
        free(tactic->techniques);
        option_done(&job_tactic_option_table, tactic);
    }
    free(job->tactics);
    string_array_done(job->process_names, job->n_process_names);
    pattern_list_done(&job->args);
    pattern_list_done(&job->not_processes);
    pattern_list_done(&job->not_users);
    free(job->tool_sets);
    string_array_done(job->references, job->n_references);
    string_array_done(job->tags, job->n_tags);
    string_array_done(job->false_positives, job->n_false_positives);
    free(job->id);
    free(job->name);
    free(job->description);
    free(job->detector);
    free(job->severity_name);
    free(job->rule_version);
    free(job->triage);
    free(job->response);
    *job = (struct job){0};
}

static void job_settings_done(struct job_settings *settings)
{
    option_done(&job_option_table, settings);
}

static int read_technique(struct reader *reader, const char *list, const char *name,
                          struct threat_technique *technique)
{
    _cleanup_(freep) char *path = NULL, *id_path = NULL;
    int r;

    if (asprintf(&path, "%s.%s", list, name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    r = reader_apply(reader, path, &job_technique_option_table, technique);
    if (r < 0)
        return r;
    if (asprintf(&id_path, "%s.id", path) < 0) {
        id_path = NULL;
        return -ENOMEM;
    }
    if (technique->id && !is_attack_id(technique->id, "T", true))
        reader_refuse(reader, id_path,
                      "bad value '%.80s' for %s, expected a technique such as T1049 or T1059.004",
                      technique->id, id_path);
    return 0;
}

static int read_tactic(struct reader *reader, const char *name, struct threat_tactic *tactic)
{
    _cleanup_(freep) char *path = NULL, *id_path = NULL, *list = NULL;
    _cleanup_(string_array_freep) char **names = NULL;
    size_t n;
    int r;

    if (asprintf(&path, "threat.%s.tactic", name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    if (asprintf(&id_path, "%s.id", path) < 0) {
        id_path = NULL;
        return -ENOMEM;
    }
    if (asprintf(&list, "threat.%s.technique", name) < 0) {
        list = NULL;
        return -ENOMEM;
    }
    r = reader_apply(reader, path, &job_tactic_option_table, tactic);
    if (r < 0)
        return r;
    if (tactic->id && !is_attack_id(tactic->id, "TA", false))
        reader_refuse(reader, id_path, "bad value '%.80s' for %s, expected a tactic such as TA0007",
                      tactic->id, id_path);
    r = reader_items(reader, list, &names, &n);
    if (r < 0)
        return r;
    tactic->techniques = calloc(n + 1, sizeof(*tactic->techniques));
    if (!tactic->techniques)
        return -ENOMEM;
    for (size_t i = 0; names[i]; i++) {
        r = read_technique(reader, list, names[i], &tactic->techniques[tactic->n_techniques++]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_threat(struct reader *reader, struct job *job)
{
    _cleanup_(string_array_freep) char **names = NULL;
    size_t n;
    int r = reader_items(reader, "threat", &names, &n);

    if (r < 0)
        return r;
    job->tactics = calloc(n + 1, sizeof(*job->tactics));
    if (!job->tactics)
        return -ENOMEM;
    for (size_t i = 0; names[i]; i++) {
        r = read_tactic(reader, names[i], &job->tactics[job->n_tactics++]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* "rulebase/tools.yaml" for "rulebase/jobs/a.yaml". */
static int tools_path(const char *file, char **ret_path)
{
    const char *name = strrchr(file, '/'), *end = file;

    for (const char *p = file; name && p < name; p++)
        if (*p == '/' && p + 1 < name)
            end = p + 1;
    if (asprintf(ret_path, "%.*stools.yaml", (int)(end - file), file) < 0) {
        *ret_path = NULL;
        return -ENOMEM;
    }
    return 0;
}

/* What the table cannot say. */
static void check(struct reader *reader, const char *id, const struct job_settings *settings)
{
    if (settings->id && strcmp(settings->id, id) != 0)
        reader_refuse(reader, "id", "bad value '%.80s' for id, expected '%s' as the file is named",
                      settings->id, id);
    for (size_t i = 0; i < settings->process_names.n; i++) {
        const char *name = settings->process_names.items[i];
        char path[48];

        (void)snprintf(path, sizeof(path), "process.name.%zu", i);
        if (*name == '\0' || strchr(name, '/'))
            reader_refuse(reader, path, "bad value '%.80s' for %s, expected a name without a slash", name,
                          path);
    }
    if (settings->scope == SCOPE_USER && settings->subject == SUBJECT_USER)
        reader_refuse(reader, "scope",
                      "a user is alone in a population of one user, expected by: process.name");
    if (settings->is_any_process
            ? settings->process_names.n + settings->process_args.n > 0
            : settings->process_names.n + settings->process_args.n + settings->tool_sets.n == 0 &&
                  !reader->is_bad)
        reader_refuse(
            reader, settings->is_any_process ? "process.any" : "process.name",
            "bad value for process, expected at least one name or pattern, a set of tools, or any: yes and "
            "none of the two");
}

static int compile_patterns(struct reader *reader, const struct job_settings *settings, struct job *job)
{
    int r = reader_compile(reader, "process.args", &settings->process_args, &job->args);

    if (r >= 0)
        r = reader_compile(reader, "exclude.process.name", &settings->not_processes, &job->not_processes);
    if (r >= 0)
        r = reader_compile(reader, "exclude.user.name", &settings->not_users, &job->not_users);
    return r;
}

static void refuse_set(struct reader *reader, const char *path, const char *id,
                       const struct tool_catalogue *tools)
{
    const char *words[64], *near;
    size_t n = 0;

    for (; n < tools->n_sets && n < ARRAY_SIZE(words) - 1; n++)
        words[n] = tools->sets[n].id;
    words[n] = NULL;
    near = nearest_word(slice_from_string(id), words);
    reader_refuse(reader, path, "unknown set of tools '%.80s', expected one of tools.yaml%s%s%s", id,
                  near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/* The catalogue is read when the first job names a set of it; NULL in *tools until then. */
static int find_tools(struct reader *reader, const char *shipped_file, const struct string_list *ids,
                      struct tool_catalogue **tools, struct job *job)
{
    size_t n = diag_list_count(reader->diags);
    _cleanup_(freep) char *path = NULL;
    int r;

    if (ids->n == 0)
        return 0;
    if (!*tools) {
        r = tools_path(shipped_file, &path);
        if (r >= 0)
            r = reader_outcome(reader, tool_catalogue_load(path, reader->diags, tools), n);
        if (r < 0 || !*tools)
            return r;
    }
    job->tools = *tools;
    job->tool_sets = calloc(ids->n, sizeof(void *));
    if (!job->tool_sets)
        return -ENOMEM;
    for (size_t i = 0; i < ids->n; i++) {
        const struct tool_set *set = tool_catalogue_find(*tools, ids->items[i]);
        char key[32];

        (void)snprintf(key, sizeof(key), "tools.%zu", i);
        if (set)
            job->tool_sets[job->n_tool_sets++] = set;
        else
            refuse_set(reader, key, ids->items[i], *tools);
    }
    return 0;
}

static void take_list(struct string_list *list, char ***items, size_t *n)
{
    *items = TAKE_PTR(list->items);
    *n = list->n;
    list->n = 0;
}

int job_read_file(const char *file, const char *shipped_file, const char *id, struct diag_list *diags,
                  struct tool_catalogue **tools, struct job *ret_job)
{
    _cleanup_(config_freep) struct config *config = NULL;
    _cleanup_(job_settings_done) struct job_settings settings = {0};
    _cleanup_(job_done) struct job job = {0};
    struct reader reader = {.file = file, .diags = diags};
    size_t n = diag_list_count(diags);
    int r = config_new(&config);

    if (r < 0)
        return r;
    reader.config = config;
    r = reader_outcome(&reader, config_load_file(config, file, diags), n);
    if (r >= 0)
        r = reader_apply(&reader, "", &job_option_table, &settings);
    if (r < 0)
        return r;
    check(&reader, id, &settings);
    r = compile_patterns(&reader, &settings, &job);
    if (r >= 0)
        r = find_tools(&reader, shipped_file, &settings.tool_sets, tools, &job);
    if (r >= 0)
        r = read_threat(&reader, &job);
    if (r < 0)
        return r;
    n = diag_list_count(diags);
    r = reader_outcome(&reader, config_check_unknown(config, diags), n);
    if (r < 0)
        return r;
    if (reader.is_bad)
        return 1;

    job.severity_name = strdup(severity_names[settings.severity]);
    if (!job.severity_name)
        return -ENOMEM;
    job.severity = severities[settings.severity];
    job.is_any_process = settings.is_any_process;
    job.subject = (enum subject)settings.subject;
    job.bucket_span_usec = settings.bucket_span_usec;
    job.identity = (enum identity)settings.identity;
    job.scope = (enum scope)settings.scope;
    job.threshold = settings.threshold;
    job.risk_score = (int)settings.risk_score;
    job.id = TAKE_PTR(settings.id);
    job.name = TAKE_PTR(settings.name);
    job.description = TAKE_PTR(settings.description);
    job.detector = TAKE_PTR(settings.detector);
    job.rule_version = TAKE_PTR(settings.version);
    job.triage = TAKE_PTR(settings.triage);
    job.response = TAKE_PTR(settings.response);
    take_list(&settings.process_names, &job.process_names, &job.n_process_names);
    take_list(&settings.references, &job.references, &job.n_references);
    take_list(&settings.tags, &job.tags, &job.n_tags);
    take_list(&settings.false_positives, &job.false_positives, &job.n_false_positives);
    *ret_job = job;
    job = (struct job){0};
    return 0;
}
