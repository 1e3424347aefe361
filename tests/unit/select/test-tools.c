/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The shipped catalogue and the jobs that name it: commands that each must select, commands near them that it
 * must not, through the index and through the single job alike; and the mistakes of a catalogue with their
 * place.
 */
#include "select/tools.h"

#include <errno.h>
#include <unistd.h>

#include "select/index.h"
#include "support.h"

#define CONNECTION    "network_connection_discovery_wide"
#define CONFIGURATION "network_configuration_discovery_wide"
#define INFORMATION   "system_information_discovery_wide"
#define PROCESS       "system_process_discovery_wide"
#define USER          "system_user_discovery_wide"

/* A command as its words; name is what stands in front of them. */
struct row {
    const char *job, *command;
    bool is_selected;
};

static const struct row rows[] = {
    {CONNECTION, "ss -antp", true},
    {CONNECTION, "netstat", true},
    {CONNECTION, "lsof -i -nP", true},
    {CONNECTION, "lsof -nPi", true},
    {CONNECTION, "lsof -i:22", true},
    {CONNECTION, "lsof -nP", true},
    {CONNECTION, "lsof", true},
    {CONNECTION, "lsof file", false},
    {CONNECTION, "lsof -p 4711", false},
    {CONNECTION, "lsof /var/log/syslog", false},
    {CONNECTION, "sockstat -4", true},
    {CONNECTION, "who -a", true},
    {CONNECTION, "ip -s link", true},
    {CONNECTION, "ip tcp_metrics show", true},
    {CONNECTION, "ip route add default via 10.0.0.1", false},
    {CONNECTION, "ip addr", false},
    {CONNECTION, "busybox netstat -tn", true},
    {CONNECTION, "toybox netstat", true},
    {CONNECTION, "busybox ls", false},
    {CONNECTION, "busybox", false},
    {CONNECTION, "busybox cat /proc/net/tcp", true},
    {CONNECTION, "cat /proc/net/tcp6", true},
    {CONNECTION, "dd if=/proc/self/net/tcp", true},
    {CONNECTION, "cat /etc/motd", false},
    {CONNECTION, "cat /proc/net/dev", false},
    {CONNECTION, "fuser 22/tcp", true},
    {CONNECTION, "fuser /mnt", false},
    {CONNECTION, "sssd", false},
    {CONFIGURATION, "ip addr", true},
    {CONFIGURATION, "ip route show", true},
    {CONFIGURATION, "ip route add default via 10.0.0.1", false},
    {CONFIGURATION, "ip link set eth0 down", false},
    {CONFIGURATION, "arp -a", true},
    {CONFIGURATION, "nmcli device", true},
    {CONFIGURATION, "systemd-resolve --status", true},
    {CONFIGURATION, "cat /etc/resolv.conf", true},
    {CONFIGURATION, "vi /etc/resolv.conf.bak", true},
    {CONFIGURATION, "hostname -I", true},
    {CONFIGURATION, "hostname", false},
    {CONFIGURATION, "cat /etc/fstab", false},
    {CONFIGURATION, "echo hello", false},
    {INFORMATION, "uname -a", true},
    {INFORMATION, "cat /etc/os-release", true},
    {INFORMATION, "cat /etc/issue", true},
    {INFORMATION, "cat /etc/motd", false},
    {INFORMATION, "ls -la /home", false},
    {INFORMATION, "ls -di /", true},
    {INFORMATION, "kmod list", true},
    {INFORMATION, "kmod load x", false},
    {INFORMATION, "sysctl -a", true},
    {INFORMATION, "sysctl -w kernel.panic=1", false},
    {INFORMATION, "systemd-detect-virt", true},
    {INFORMATION, "systemd-detect-", true}, /* as comm has it */
    {INFORMATION, "grep -i vboxsf", true},
    {INFORMATION, "grep root /etc/passwd", false},
    {PROCESS, "ps aux", true},
    {PROCESS, "pgrep sshd", true},
    {PROCESS, "busybox ps", true},
    {PROCESS, "cat /proc/1/cmdline", true},
    {PROCESS, "ls /proc", true},
    {PROCESS, "ls /proc/1/fd", false},
    {PROCESS, "kill 1", false},
    {USER, "whoami", true},
    {USER, "id -un", true},
    {USER, "getent passwd", true},
    {USER, "getent hosts example.org", false},
    {USER, "loginctl list-sessions", true},
    {USER, "loginctl terminate-user alice", false},
    {USER, "su - alice", false},
    {"network_connection_discovery", "netstat", true},
    {"network_connection_discovery", "lsof -i", false},
    {"network_connection_discovery", "busybox netstat", false},
    {"network_configuration_discovery", "ufw status", true},
    {"network_configuration_discovery", "ip route add default via 10.0.0.1", true},
    {"system_information_discovery", "cat /etc/motd", true},
    {"system_process_discovery", "top", true},
    {"system_process_discovery", "pgrep x", false},
    {"system_user_discovery", "w", true},
    {"rare_sudo_user", "sudo -l", true},
    {"rare_user_compiler", "make all", true},
    {"rare_metadata_user", "curl http://169.254.169.254/latest/meta-data/", true},
    {"rare_metadata_process", "curl http://169.254.169.254/latest/meta-data/", true},
    {"rare_metadata_process", "curl http://169.254.1.1/", false},
    {"anomalous_user_name", "anything at all", true},
    {"anomalous_user_name", "filebeat -e", false},
    {"anomalous_process_all_hosts", "jenkins-agent x", false},
    {"rare_process_by_host", "anything", true},
    {"pad_rare_process_executed_by_user", "chmod u+s /tmp/x", true},
    {"pad_rare_process_executed_by_user", "chmod 4755 /tmp/x", true},
    {"pad_rare_process_executed_by_user", "chmod 755 /tmp/x", false},
    {"pad_rare_process_executed_by_user", "tee /etc/ld.so.preload", true},
};

static struct job_set load_shipped(void)
{
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    _cleanup_(freep) char *directory = NULL;
    struct diag_list diags = DIAG_LIST_INIT;
    struct job_set set = {0};

    if (!root)
        cr_skip_test("HAPAX_SOURCE_ROOT is not set");
    cr_assert_geq(asprintf(&directory, "%s/rulebase/jobs", root), 0);
    cr_assert_eq(job_set_load(directory, NULL, 0, &diags, &set), 0, "%s: %s",
                 diags.n ? diags.items[0].file : "", diags.n ? diags.items[0].message : "");
    return set;
}

static size_t find_job(const struct job_set *set, const char *id)
{
    size_t i = 0;

    while (i < set->n_jobs && strcmp(set->jobs[i].id, id) != 0)
        i++;
    cr_assert_lt(i, set->n_jobs, "there is no job %s", id);
    return i;
}

/* The command as words of argv, or as the text alone. */
static struct event event_of(const char *command, bool has_args, struct slice args[16])
{
    struct event event = EVENT_INIT;
    struct slice rest = slice_from_string(command);

    event.command_line = rest;
    event.process_name = slice_head(rest, slice_find(rest, ' '));
    while (has_args && rest.len > 0) {
        size_t n = slice_find(rest, ' ');

        args[event.n_args++] = slice_head(rest, n);
        rest = slice_skip(rest, MIN(n + 1, rest.len));
    }
    event.args = args;
    return event;
}

Test(tools, shipped_jobs_select_what_they_should_and_nothing_near_it)
{
    struct job_set set = load_shipped();
    struct job_index *index = NULL;

    cr_assert_eq(job_index_new(set.jobs, set.n_jobs, &index), 0);
    for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i / 2];
        struct slice args[16];
        struct event event = event_of(row->command, i % 2, args);
        struct job_bits bits;
        bool is_any = job_index_select(index, &event, &bits), expected_any = false;

        cr_assert_eq(job_bits_has(&bits, find_job(&set, row->job)), row->is_selected, "%s: %s (%s)", row->job,
                     row->command, i % 2 ? "argv" : "text");
        for (size_t k = 0; k < set.n_jobs; k++) {
            bool is_one = job_selects(&set.jobs[k], &event);

            expected_any = expected_any || is_one;
            cr_assert_eq(job_bits_has(&bits, k), is_one, "the index and %s differ about '%s'", set.jobs[k].id,
                         row->command);
        }
        cr_assert_eq(is_any, expected_any, "%s", row->command);
    }
    job_index_free(index);
    job_set_done(&set);
}

Test(tools, the_other_reading_of_a_line_is_looked_up_with_its_arguments)
{
    struct job_set set = load_shipped();
    struct job_index *index = NULL;
    struct event event = EVENT_INIT;
    struct job_bits bits;
    size_t at = find_job(&set, CONNECTION);

    cr_assert_eq(job_index_new(&set.jobs[at], 1, &index), 0);
    event.process_name = SLICE("true");
    event.command_line = SLICE("/bin/true ; USER=root ; COMMAND=/usr/bin/lsof -i");
    cr_assert_not(job_index_select(index, &event, &bits));
    event.is_ambiguous = true;
    cr_assert(job_index_select(index, &event, &bits));
    event.command_line = SLICE("/bin/true ; USER=root ; COMMAND=/usr/bin/lsof file");
    cr_assert_not(job_index_select(index, &event, &bits));
    job_index_free(index);
    job_set_done(&set);
}

Test(tools, names_of_command_families_have_one_family)
{
    static const struct {
        const char *set, *names[8];
    } families[] = {
        {"network_connections", {"netstat", "ss", "route", "showmount"}},
        {"network_configuration", {"ip", "ifconfig", "arp", "ethtool", "iptables", "nmcli"}},
        {"system_information", {"uname", "hostname", "lscpu", "lsmod", "modinfo", "hostnamectl"}},
        {"users", {"who", "w", "whoami", "id", "last", "users"}},
        {"processes", {"ps", "pgrep", "top", "lsof"}},
        {"sudo", {"sudo"}},
        {"compilers", {"gcc", "cc", "make", "g++"}},
    };
    struct job_set set = load_shipped();

    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        for (size_t k = 0; families[i].names[k]; k++) {
            const struct tool_set *family =
                tool_catalogue_family(set.tools, slice_from_string(families[i].names[k]));

            cr_assert_not_null(family, "%s", families[i].names[k]);
            cr_assert_str_eq(family->id, families[i].set, "%s", families[i].names[k]);
        }
    cr_assert_null(tool_catalogue_family(set.tools, SLICE("bash")));
    job_set_done(&set);
}

Test(tools, what_a_job_counts_and_among_whom)
{
    struct event event = EVENT_INIT;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    static const struct {
        enum subject subject;
        enum scope scope;
        const char *counted, *partition;
    } subjects[] = {
        {SUBJECT_USER, SCOPE_FLEET, "alice", ""},         {SUBJECT_USER, SCOPE_HOST, "alice", "db-01"},
        {SUBJECT_PROCESS, SCOPE_FLEET, "visudo", ""},     {SUBJECT_PROCESS, SCOPE_HOST, "visudo", "db-01"},
        {SUBJECT_PROCESS, SCOPE_USER, "visudo", "alice"},
    };

    event.actor.name = SLICE("alice");
    event.host = SLICE("db-01");
    event.process_name = SLICE("visudo");
    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
        const struct job job = {.subject = subjects[i].subject, .scope = subjects[i].scope};
        struct slice counted, partition;

        cr_assert_eq(job_subject(&job, &event, &arena, &counted, &partition), 0);
        cr_assert(slice_equal_string(counted, subjects[i].counted), "%zu", i);
        cr_assert(slice_equal_string(partition, subjects[i].partition), "%zu", i);
    }
}

Test(tools, mistakes_are_told_with_their_place)
{
    static const struct {
        const char *name, *text, *problem;
        unsigned line, column;
    } mistakes[] = {
        {"no tools", "sets:\n  a:\n    technique: T1049\n", "sets.a has no tools, expected a list", 3, 5},
        {"a mapping", "sets: {a: {technique: T1049, tools: {name: ss}}}\n",
         "bad value for sets.a.tools, expected a list, got a mapping", 1, 37},
        {"no technique", "sets:\n  a:\n    tools: [{name: ss}]\n",
         "key 'sets.a.technique' is missing, expected text", 3, 5},
        {"technique", "sets: {a: {technique: X1, tools: [{name: ss}]}}\n",
         "bad technique 'X1' in sets.a, expected one such as T1049 or T1059.004", 1, 11},
        {"selects all", "sets: {a: {technique: T1049, tools: [{not_args: x}]}}\n",
         "sets.a.tools.0 selects every process start, expected name, args or both", 1, 38},
        {"pattern", "sets: {a: {technique: T1049, tools: [{name: ss, args: [x, '[y']}]}}\n",
         "bad value '[y' for sets.a.tools.0.args.1, expected a pattern of 1 to 128 bytes with each [ closed",
         1, 59},
        {"path", "sets: {a: {technique: T1049, tools: [{name: /bin/ss}]}}\n",
         "bad name '/bin/ss' in sets.a.tools.0, expected a name without a slash", 1, 38},
        {"unknown", "sets: {a: {technique: T1049, tools: [{name: ss, arg: x}]}}\n",
         "unknown key 'sets.a.tools.0.arg' (did you mean 'sets.a.tools.0.args'?)", 1, 49},
        {"two families",
         "sets: {a: {technique: T1049, family: ss, tools: [{name: ss}]},\n"
         "  b: {technique: T1049, family: ss, tools: [{name: ss}]}}\n",
         "'ss' is in the families of 'a' and 'b', expected one", 1, 7},
        {"two suites",
         "sets: {a: {technique: T1049, family: ss, job: j, tools: [{name: ss}]},\n"
         "  b: {technique: T1049, family: ps, job: j, tools: [{name: ps}]}}\n",
         "job 'j' is of the families of 'a' and 'b', expected one", 1, 7},
    };
    char path[] = "/tmp/hapax-test-tools-XXXXXX";
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        struct tool_catalogue *catalogue = NULL;
        size_t n = strlen(mistakes[i].text);

        cr_assert_eq(ftruncate(fd, 0), 0);
        cr_assert_eq(pwrite(fd, mistakes[i].text, n, 0), (ssize_t)n);
        cr_assert_eq(tool_catalogue_load(path, &diags, &catalogue), -EINVAL, "%s", mistakes[i].name);
        cr_assert_geq(diags.n, 1);
        cr_assert_str_eq(diags.items[0].message, mistakes[i].problem, "%s: got %s", mistakes[i].name,
                         diags.items[0].message);
        cr_assert_eq(diags.items[0].line, mistakes[i].line, "%s: line %u", mistakes[i].name,
                     diags.items[0].line);
        cr_assert_eq(diags.items[0].column, mistakes[i].column, "%s: column %u", mistakes[i].name,
                     diags.items[0].column);
        diag_list_done(&diags);
    }
    (void)close(fd);
    (void)unlink(path);
}
