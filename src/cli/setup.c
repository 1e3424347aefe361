/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From command line and configuration file to loaded rooms. Order: options are collected first (--set wins
 * over the file, whatever their order), then the file is read, then the settings, then the rulebases and jobs
 * they name.
 *
 * The rulebase folder is looked for where the program stands: a build in its checkout and an installation
 * moved to another prefix both find theirs without being told. Order: --rulebase or the configuration,
 * $HAPAX_RULEBASE,
 * ../share/hapax/rulebase and ../../../rulebase seen from the program's file, the folder it was configured
 * for.
 */
#include "cli/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "detect/detector.h"
#include "select/families.h"
#include "util/buffer.h"
#include "util/parse.h"

/* chosen: passwd files of large sites have some 100,000 lines of 80 bytes */
#define UID_MAP_LIMIT_BYTES (64U << 20)
/* chosen: several times what there is; what the novelty detector takes */
#define MAX_FAMILIES 64U

static const char *const durability_names[] = {"process", "power", NULL};
static const char *const level_names[] = {"emerg",  "alert", "crit",  "err", "warning",
                                          "notice", "info",  "debug", NULL};

#define MEMBER(m) offsetof(struct settings, m)

static const struct option settings_options[] = {
    {"rulebase", OPTION_STRING, MEMBER(rulebase),
     .help = "folder with *.rulebase and jobs/ (default: the installed one)"},
    {"rulebase_extra", OPTION_STRING, MEMBER(rulebase_extra),
     .help = "folder with *.rulebase of your own (default: rulebase.d in " HAPAX_SYSCONFDIR
             ", if it is there); empty: none"},
    {"jobs", OPTION_LIST, MEMBER(jobs), "network_connection_discovery", .help = "ids of the jobs to run"},
    {"jobs_extra", OPTION_STRING, MEMBER(jobs_extra),
     .help = "folder with jobs of your own (default: jobs.d in " HAPAX_SYSCONFDIR
             ", if it is there); empty: none"},
    {"exceptions", OPTION_STRING, MEMBER(exceptions),
     .help = "file, or folder of *.yaml, that says what is forgiven (default: exceptions.yaml, else "
             "exceptions.d, "
             "in " HAPAX_SYSCONFDIR ")"},
    {"format", OPTION_CHOICE, MEMBER(format), "auto", .choices = format_names,
     .help = "format of the records; auto recognises each one"},
    {"time_zone", OPTION_STRING, MEMBER(time_zone),
     .help = "zone of lines that carry none (default: TZ, else the system's)"},
    {"year", OPTION_INTEGER, MEMBER(year), "0", 0, 9999,
     .help = "year of the first line that carries none; 0: the latest that fits the input's time"},
    {"uid_map", OPTION_STRING, MEMBER(uid_map), .help = "file in passwd(5) format that names user ids"},
    {"host", OPTION_STRING, MEMBER(host), .help = "host name of records that carry none"},
    {"gate", OPTION_BOOL, MEMBER(has_gate), "true",
     .help = "drop records unread that no job can want; false reads and counts every one"},
    {"native_headers", OPTION_BOOL, MEMBER(has_native_headers), "true",
     .help = "with the gate, read audit headers of auditd's own form without the rulebase"},
    {"state.path", OPTION_STRING, MEMBER(state_path),
     .help = "the database (default: hapax.db in $STATE_DIRECTORY, or in $XDG_STATE_HOME/hapax)"},
    {"state.durability", OPTION_CHOICE, MEMBER(durability), "process", .choices = durability_names,
     .help = "what a commit survives: a killed process, or a power loss"},
    {"state.commit_interval", OPTION_DURATION, MEMBER(commit_interval_usec), "200ms", 1000, 60e6,
     .help = "how long changes that raise no alert may wait for their commit"},
    {"state.outbox_limit", OPTION_SIZE, MEMBER(outbox_limit_bytes), "256MiB", 65536, 1e12,
     .help = "alerts waiting for their sink above which the sources are paused"},
    {"state.outbox_max_alerts", OPTION_INTEGER, MEMBER(outbox_limit_alerts), "1000000", 1, 1e12,
     .help = "the same, as a number of alerts"},
    {"state.outbox_warn_age", OPTION_DURATION, MEMBER(outbox_warn_age_usec), "1h", 1e6, 365 * 86400e6,
     .help = "an alert that waits longer for its sink is worth a warning"},
    {"history.keep", OPTION_DURATION, MEMBER(history_keep_usec), "90d", 0, 3650 * 86400e6,
     .help = "how long it is remembered who ran what and how it was judged; 0s: not at all"},
    {"history.limit", OPTION_SIZE, MEMBER(history_limit_bytes), "4GiB", 1 << 20, 1e15,
     .help = "size of the database above which the oldest history goes before its time"},
    {"close_delay", OPTION_DURATION, MEMBER(close_delay_usec), "30s", 1e6, 3600e6,
     .help = "how long after its end a bucket is closed when no later event does it"},
    {"metrics.file", OPTION_STRING, MEMBER(metrics_file),
     .help = "where to write metrics for node_exporter's textfile collector"},
    {"metrics.interval", OPTION_DURATION, MEMBER(metrics_interval_usec), "15s", 1e6, 3600e6,
     .help = "how often metrics are written"},
    {"log.level", OPTION_CHOICE, MEMBER(log_level), "info", .choices = level_names,
     .help = "least urgent message to log"},
};

const struct option_table settings_table = {settings_options, ARRAY_SIZE(settings_options),
                                            sizeof(struct settings)};

int setup_init(struct setup *setup)
{
    *setup = (struct setup){0};
    return config_new(&setup->config);
}

void setup_done(struct setup *setup)
{
    job_wanted_done(&setup->wanted);
    job_set_done(&setup->jobs);
    exception_set_free(setup->exceptions);
    free(setup->exceptions_path);
    rulebase_free(setup->rulebase);
    uid_map_free(setup->uid_map);
    if (setup->has_settings)
        option_done(&settings_table, &setup->settings);
    config_free(setup->config);
    diag_list_done(&setup->diags);
    free(setup->config_path);
}

static bool is_known_zone(const char *zone)
{
    _cleanup_(freep) char *path = NULL;

    if (strcmp(zone, "UTC") == 0 || strcmp(zone, "Z") == 0)
        return true;
    return zone[0] != '\0' && zone[0] != '/' && !strstr(zone, "..") &&
           asprintf(&path, "/usr/share/zoneinfo/%s", zone) > 0 && access(path, R_OK) == 0;
}

#define UNKNOWN_ZONE                                                                                         \
    "unknown time zone '%s', expected a name such as Europe/Berlin or UTC (is tzdata installed?)"

/* A value that its option cannot take is misuse; the same value in the configuration is one problem of many.
 */
static int check_value(const struct arg_command *command, const char *option, const char *key,
                       const char *value)
{
    struct settings scratch = {0};
    _cleanup_(freep) char *message = NULL;
    int code = 0;

    for (size_t i = 0; i < ARRAY_SIZE(settings_options); i++)
        if (strcmp(settings_options[i].name, key) == 0 &&
            option_parse(&settings_options[i], slice_from_string(value), &scratch, &message) < 0)
            code = message ? args_misuse(command, "--%s: %s", option, message) : EXIT_FAILURE;
    option_done(&settings_table, &scratch);
    if (code == 0 && strcmp(key, "time_zone") == 0 && !is_known_zone(value))
        code = args_misuse(command, "--%s: " UNKNOWN_ZONE, option, value);
    return code;
}

static int set_key(struct setup *setup, const char *key, const char *value)
{
    _cleanup_(freep) char *assignment = NULL;
    int r;

    if (asprintf(&assignment, "%s=%s", key, value) < 0)
        return EXIT_FAILURE;
    r = config_set(setup->config, assignment, &setup->diags);
    return r == -ENOMEM ? EXIT_FAILURE : 0; /* a bad value is reported with all others */
}

int setup_take_option(struct setup *setup, const struct arg_command *command, const struct arg_option *option,
                      const char *value)
{
    static const struct {
        const char *option, *key;
    } keys[] = {
        {"rulebase", "rulebase"}, {"format", "format"},   {"time-zone", "time_zone"},
        {"year", "year"},         {"uid-map", "uid_map"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(option->name, keys[i].option) == 0) {
            int code = check_value(command, keys[i].option, keys[i].key, value);

            return code == 0 ? set_key(setup, keys[i].key, value) : code;
        }
    if (strcmp(option->name, "no-gate") == 0)
        return set_key(setup, "gate", "false");
    if (strcmp(option->name, "set") == 0) {
        if (!strchr(value, '=') || value[0] == '=')
            return args_misuse(command, "--set takes PATH=VALUE, not '%s'", value);
        return config_set(setup->config, value, &setup->diags) == -ENOMEM ? EXIT_FAILURE : 0;
    }
    if (strcmp(option->name, "config") == 0) {
        free(setup->config_path);
        setup->config_path = strdup(value);
        return setup->config_path ? 0 : EXIT_FAILURE;
    }
    return 1;
}

static int set_time_zone(struct setup *setup)
{
    const char *zone = setup->settings.time_zone, *file;
    unsigned line, column;

    if (zone && !is_known_zone(zone)) {
        config_place(setup->config, "time_zone", &file, &line, &column);
        return diag_add(&setup->diags, file, line, column, UNKNOWN_ZONE, zone);
    }
    if (setup->is_reload)
        return 0;
    /* Where TZ is not set at all, glibc looks at the file again for every time that is made: a system call a
       line. The name that it looks at, said to it, is read once. */
    if (zone ? setenv("TZ", strcmp(zone, "Z") == 0 ? "UTC" : zone, 1) < 0
             : setenv("TZ", ":/etc/localtime", 0) < 0)
        return -ENOMEM;
    tzset();
    return 0;
}

int setup_load(struct setup *setup, bool use_default_config)
{
    static const char *const default_path = HAPAX_SYSCONFDIR "/hapax.yaml";
    int r = 0, q;

    if (!setup->config_path && use_default_config && access(default_path, F_OK) == 0 &&
        !(setup->config_path = strdup(default_path)))
        return -ENOMEM;
    if (setup->config_path)
        r = config_load_file(setup->config, setup->config_path, &setup->diags);
    if (r == -ENOMEM)
        return r;
    q = config_apply(setup->config, "", &settings_table, &setup->settings, &setup->diags);
    setup->has_settings = true;
    if (q == -ENOMEM)
        return q;
    (void)config_get(setup->config, "detector"); /* a known key: see setup_choose_jobs */
    q = MIN(q, set_time_zone(setup));
    return setup->diags.n > 0 ? -EINVAL : MIN(r, q);
}

static bool is_rulebase(const char *directory)
{
    _cleanup_(freep) char *path = NULL;

    return asprintf(&path, "%s/header.rulebase", directory) > 0 && access(path, F_OK) == 0;
}

int setup_find_rulebase(struct setup *setup)
{
    static const char *const relative[] = {"../share/hapax/rulebase", "../../../rulebase"};
    const char *chosen = getenv("HAPAX_RULEBASE");
    char program[PATH_MAX];
    ssize_t n;

    if (setup->settings.rulebase)
        return 0;
    if (chosen)
        return (setup->settings.rulebase = strdup(chosen)) ? 0 : -ENOMEM;
    n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    for (size_t i = 0; n > 0 && i < ARRAY_SIZE(relative); i++) {
        _cleanup_(freep) char *path = NULL;
        char *slash;

        program[n] = '\0';
        slash = strrchr(program, '/');
        if (asprintf(&path, "%.*s/%s", (int)(slash - program), program, relative[i]) < 0)
            return -ENOMEM;
        if (is_rulebase(path)) {
            setup->settings.rulebase = realpath(path, NULL);
            return setup->settings.rulebase ? 0 : -errno;
        }
    }
    chosen =
        is_rulebase(HAPAX_DATADIR "/rulebase") ? HAPAX_DATADIR "/rulebase" : HAPAX_SOURCE_DIR "/rulebase";
    return (setup->settings.rulebase = strdup(chosen)) ? 0 : -ENOMEM;
}

static int load_uid_map(struct setup *setup)
{
    const char *path = setup->settings.uid_map;
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    int r;

    if (fd < 0)
        return diag_add(&setup->diags, path, 0, 0, "cannot read the uid map: %s", strerror(errno));
    do {
        r = buffer_reserve(&text, 65536);
        if (r < 0)
            return r;
        n = read(fd, text.data + text.len, text.size - text.len);
        if (n < 0)
            return diag_add(&setup->diags, path, 0, 0, "cannot read the uid map: %s", strerror(errno));
        text.len += (size_t)n;
        if (text.len > UID_MAP_LIMIT_BYTES)
            return diag_add(&setup->diags, path, 0, 0, "the uid map is larger than %u MiB",
                            UID_MAP_LIMIT_BYTES >> 20);
    } while (n > 0);
    return uid_map_new(buffer_slice(&text), path, &setup->diags, &setup->uid_map);
}

/* A folder beside the shipped one; NULL: none. Commands that read no system configuration still read the
 * system's: it says what lines mean, as the shipped one does. */
static const char *find_extra(const char *configured, const char *usual)
{
    if (configured)
        return *configured ? configured : NULL;
    return access(usual, F_OK) == 0 ? usual : NULL;
}

int setup_load_rulebase(struct setup *setup)
{
    const char *extra = find_extra(setup->settings.rulebase_extra, HAPAX_SYSCONFDIR "/rulebase.d");
    int r = setup_find_rulebase(setup);

    if (r >= 0)
        r = rulebase_load_with(&(struct rulebase_options){.directory = setup->settings.rulebase,
                                                          .extra = extra,
                                                          .tells_rules = setup->tells_rules,
                                                          .trusts_shipped = !setup->tests_rules},
                               &setup->diags, &setup->rulebase);
    if (r >= 0 && setup->settings.uid_map)
        r = load_uid_map(setup);
    return r;
}

/* The gate must not hold back what tells of new accounts, where onboarding asks for it. Jobs and exceptions
 * are loaded in either order: called when both are there. */
static int want_accounts(struct setup *setup)
{
    struct wanted *wanted = &setup->wanted;
    const char **names;
    size_t n = wanted->n_names;

    if (!setup->has_wanted || !setup->exceptions ||
        !(exception_set_onboarding(setup->exceptions)->sources & (1U << ACCOUNT_CREATED)))
        return 0;
    names = reallocarray((void *)(uintptr_t)wanted->names, n + 3, sizeof(*names));
    if (!names)
        return -ENOMEM;
    for (const char *const *name = onboarding_process_names; *name; name++)
        names[n++] = *name;
    wanted->names = names;
    wanted->n_names = n;
    return 0;
}

static int load_jobs(struct setup *setup, const char *const *ids, size_t n_ids,
                     const struct tool_catalogue *families)
{
    _cleanup_(freep) char *directory = NULL;
    const char *extra;
    int r = setup_find_rulebase(setup);

    if (r < 0)
        return r;
    if (asprintf(&directory, "%s/jobs", setup->settings.rulebase) < 0)
        return -ENOMEM;
    /* before they are read: what is written meanwhile is seen as a change, not missed */
    extra = find_extra(setup->settings.jobs_extra, HAPAX_SYSCONFDIR "/jobs.d");
    if (setup->marks_jobs)
        r = setup_mark_files((const char *const[]){setup->settings.rulebase, directory, extra}, 3,
                             setup->jobs_mark);
    if (r < 0)
        return r;
    r = job_set_load_with(directory, extra, ids, n_ids, &setup->diags, &setup->jobs);
    if (r >= 0 && families)
        r = families_apply(families, &setup->jobs);
    if (r >= 0 && setup->settings.has_gate) {
        r = job_wanted(&setup->jobs, &setup->wanted);
        setup->has_wanted = r >= 0;
    }
    return r < 0 ? r : want_accounts(setup);
}

int setup_load_jobs(struct setup *setup, const char *const *ids, size_t n_ids)
{
    return load_jobs(setup, ids, n_ids, NULL);
}

/* $STATE_DIRECTORY is systemd's (the first of a colon-separated list), the rest is the XDG base directory
 * specification. */
int setup_find_state(const struct setup *setup, char **ret_path)
{
    const char *directory = getenv("STATE_DIRECTORY"), *state_home = getenv("XDG_STATE_HOME"),
               *home = getenv("HOME");
    char *path;
    int n;

    if (setup->settings.state_path)
        n = asprintf(&path, "%s", setup->settings.state_path);
    else if (directory && directory[0])
        n = asprintf(&path, "%.*s/hapax.db", (int)strcspn(directory, ":"), directory);
    else if (state_home && state_home[0] == '/')
        n = asprintf(&path, "%s/hapax/hapax.db", state_home);
    else if (home && home[0] == '/')
        n = asprintf(&path, "%s/.local/state/hapax/hapax.db", home);
    else
        n = asprintf(&path, "/var/lib/hapax/hapax.db");
    if (n < 0)
        return -ENOMEM;
    *ret_path = path;
    return 0;
}

int setup_make_parents(struct setup *setup, char *path)
{
    char *end = strrchr(path, '/');

    for (char *slash = path; end && (slash = strchr(slash + 1, '/')) && slash < end;) {
        int r;

        *slash = '\0';
        r = mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
        if (r < 0)
            r = diag_add(&setup->diags, path, 0, 0,
                         "cannot make this folder: %s (state.path or XDG_STATE_HOME choose another)",
                         strerror(-r));
        *slash = '/';
        if (r < 0)
            return r;
    }
    return 0;
}

int setup_find_exceptions(const struct setup *setup, bool use_default, char **ret_path)
{
    static const char *const defaults[] = {HAPAX_SYSCONFDIR "/exceptions.yaml",
                                           HAPAX_SYSCONFDIR "/exceptions.d"};
    const char *path = setup->settings.exceptions;
    char *copy = NULL;

    for (size_t i = 0; !path && use_default && i < ARRAY_SIZE(defaults); i++)
        if (access(defaults[i], F_OK) == 0)
            path = defaults[i];
    if (path && *path && !(copy = strdup(path)))
        return -ENOMEM;
    *ret_path = copy;
    return 0;
}

int setup_load_exceptions(struct setup *setup, bool use_default)
{
    int r = setup_find_exceptions(setup, use_default, &setup->exceptions_path);

    if (r < 0 || !setup->exceptions_path)
        return r;
    r = exception_set_load(setup->exceptions_path, &setup->diags, &setup->exceptions);
    if (r >= 0 && (exception_set_onboarding(setup->exceptions)->sources & (1U << ACCOUNT_CREATED)))
        setup->event_kinds |= EVENT_KIND_BIT(EVENT_PROCESS_START) | EVENT_KIND_BIT(EVENT_ACCOUNT);
    return r < 0 ? r : want_accounts(setup);
}

/* detector: WORD. NULL where it is not said. */
static int find_detector(struct setup *setup, const struct detector_driver **ret_driver)
{
    const char *name = setup->detector, *words[16], *file, *near;
    unsigned line, column;
    size_t n = 0;

    if (!name)
        name = config_get(setup->config, "detector");
    *ret_driver = NULL;
    if (!name)
        return 0;
    for (const struct detector_driver *const *d = detector_drivers; *d && n < ARRAY_SIZE(words) - 1; d++) {
        if (strcmp((*d)->name, name) == 0) {
            *ret_driver = *d;
            setup->detector = (*d)->name;
            return 0;
        }
        words[n++] = (*d)->name;
    }
    words[n] = NULL;
    config_place(setup->config, "detector", &file, &line, &column);
    near = nearest_word(slice_from_string(name), words);
    return diag_add(&setup->diags, file, line, column, "unknown detector '%s', expected one such as '%s'",
                    name, near ? near : words[0]);
}

static bool has_jobs(struct setup *setup)
{
    const char *file;
    unsigned line, column;

    config_place(setup->config, "jobs", &file, &line, &column);
    return file;
}

/* The jobs of the catalogue's families. */
static int load_suite(struct setup *setup)
{
    _cleanup_(tool_catalogue_freep) struct tool_catalogue *catalogue = NULL;
    _cleanup_(freep) char *path = NULL;
    const char *ids[MAX_FAMILIES];
    size_t n;
    int r = setup_find_rulebase(setup);

    if (r < 0)
        return r;
    if (asprintf(&path, "%s/tools.yaml", setup->settings.rulebase) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    r = tool_catalogue_load(path, &setup->diags, &catalogue);
    if (r < 0)
        return r;
    n = families_jobs(catalogue, ids, ARRAY_SIZE(ids));
    if (n == 0 || n > ARRAY_SIZE(ids))
        return diag_add(&setup->diags, path, 0, 0,
                        "%zu sets with 'family' and 'job', expected 1 to %u for a suite", n, MAX_FAMILIES);
    return load_jobs(setup, ids, n, catalogue);
}

int setup_choose_jobs(struct setup *setup, const char *detector, const char *const *ids, size_t n_ids)
{
    const struct detector_driver *driver;
    int r;

    setup->detector = detector;
    r = find_detector(setup, &driver);
    if (r < 0)
        return r;
    if (n_ids > 0)
        return setup_load_jobs(setup, ids, n_ids);
    if (driver && detector_is_suite(driver) && !has_jobs(setup))
        return load_suite(setup);
    return setup_load_jobs(setup, (const char *const *)setup->settings.jobs.items, setup->settings.jobs.n);
}

struct normalizer_options setup_normalizer_options(const struct setup *setup, int64_t reference_usec)
{
    return (struct normalizer_options){
        .format = (enum format)setup->settings.format,
        .kinds = setup->event_kinds,
        .rulebase = setup->rulebase,
        .uid_map = setup->uid_map,
        .host = slice_from_string(setup->settings.host),
        .year = (int)setup->settings.year,
        .reference_usec = reference_usec,
        .wanted = setup->has_wanted ? &setup->wanted : NULL,
        .is_header_by_rules = !setup->settings.has_native_headers,
    };
}

int setup_report(const struct setup *setup, const char *command, int r)
{
    _cleanup_(freep) char *prefix = NULL;

    if (setup->diags.n == 0) {
        (void)fprintf(stderr, "hapax %s: %s\n", command, strerror(-r));
        return EXIT_FAILURE;
    }
    if (asprintf(&prefix, "hapax %s: ", command) < 0)
        return EXIT_FAILURE;
    diag_print(&setup->diags, stderr, prefix);
    return EXIT_FAILURE;
}
