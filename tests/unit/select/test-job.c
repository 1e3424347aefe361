/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Job files: the shipped one, sets of them, and every mistake with its place.
 */
#include "select/job.h"

#include <unistd.h>

#include "support.h"

struct directory {
    char path[64];
    char *files[4];
    size_t n_files;
};

static struct directory make_directory(void)
{
    struct directory d = {.path = "/tmp/hapax-test-job-XXXXXX"};

    cr_assert_not_null(mkdtemp(d.path));
    return d;
}

static void write_file(struct directory *d, const char *name, const char *text)
{
    FILE *f;

    cr_assert_geq(asprintf(&d->files[d->n_files], "%s/%s", d->path, name), 0);
    f = fopen(d->files[d->n_files++], "we");
    cr_assert_not_null(f);
    cr_assert_geq(fputs(text, f), 0);
    cr_assert_eq(fclose(f), 0);
}

static void remove_directory(struct directory *d)
{
    for (size_t i = 0; i < d->n_files; i++) {
        (void)unlink(d->files[i]);
        free(d->files[i]);
    }
    d->n_files = 0;
    (void)rmdir(d->path);
}

/* All diagnostics as text, the directory's path as "D". */
static char *text_of(const struct diag_list *diags, const char *directory)
{
    char *text = NULL, *found;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    cr_assert_not_null(out);
    diag_print(diags, out, "");
    fclose(out);
    while ((found = strstr(text, directory))) {
        *found = 'D';
        memmove(found + 1, found + strlen(directory), strlen(found + strlen(directory)) + 1);
    }
    return text;
}

#define HEAD                                                                                                 \
    "id: a\nname: n\ndescription: d\nprocess: {name: [ss]}\nthreshold: 25\nseverity: low\nrisk_score: 21\n"

Test(job, the_shipped_job_has_the_published_facts)
{
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    _cleanup_(freep) char *directory = NULL;
    static const char *const ids[] = {"network_connection_discovery"};
    static const char *const names[] = {"netstat", "ss", "route", "showmount"};
    struct diag_list diags = DIAG_LIST_INIT;
    struct job_set set = {0};
    const struct job *job;

    if (!root)
        cr_skip_test("HAPAX_SOURCE_ROOT is not set");
    cr_assert_geq(asprintf(&directory, "%s/rulebase/jobs", root), 0);
    cr_assert_eq(job_set_load(directory, ids, 1, &diags, &set), 0, "%s",
                 diags.n ? diags.items[0].message : "");
    cr_assert_eq(set.n_jobs, 1);
    job = &set.jobs[0];
    cr_assert_str_eq(job->id, ids[0]);
    cr_assert_eq(job->n_process_names, 4);
    for (size_t i = 0; i < 4; i++)
        cr_assert_str_eq(job->process_names[i], names[i]);
    cr_assert_eq(job->identity, IDENTITY_LOGIN);
    cr_assert_eq(job->scope, SCOPE_FLEET);
    cr_assert_str_eq(job->detector, "rare");
    cr_assert_eq(job->threshold, 25);
    cr_assert_eq(job->severity, 21);
    cr_assert_str_eq(job->severity_name, "low");
    cr_assert_eq(job->risk_score, 21);
    cr_assert_eq(job->n_tactics, 1);
    cr_assert_str_eq(job->tactics[0].id, "TA0007");
    cr_assert_str_eq(job->tactics[0].name, "Discovery");
    cr_assert_eq(job->tactics[0].n_techniques, 1);
    cr_assert_str_eq(job->tactics[0].techniques[0].id, "T1049");
    cr_assert_str_eq(job->tactics[0].techniques[0].name, "System Network Connections Discovery");
    cr_assert_str_eq(job->tactics[0].techniques[0].reference, "https://attack.mitre.org/techniques/T1049/");
    cr_assert_gt(job->n_false_positives, 0);
    cr_assert_not_null(job->triage);
    cr_assert_not_null(job->response);
    job_set_done(&set);
}

Test(job, every_file_of_a_directory_is_a_job_in_order_of_ids)
{
    struct directory d = make_directory();
    struct diag_list diags = DIAG_LIST_INIT;
    struct job_set set = {0};
    static const char *const ids[] = {"b", "a", "b"}, *const one[] = {"b"};

    write_file(&d, "b.yaml",
               "id: b\nname: n\ndescription: d\nprocess.name: ss\nthreshold: 0.5\nseverity: "
               "critical\nrisk_score: 0\n"
               "identity: effective\nscope: host\ndetector: novelty\nversion: 3\n"
               "threat: [{tactic: {id: TA0001, name: t}}, {tactic: {id: TA0002, name: u}, technique: "
               "[{id: T1059.004, name: v}, {id: T1000, name: w, reference: r}]}]\n");
    write_file(&d, "a.yaml", HEAD);
    write_file(&d, ".hidden.yaml", "no: job");
    write_file(&d, "README", "no job");
    cr_assert_eq(job_set_load(d.path, NULL, 0, &diags, &set), 0, "%s", diags.n ? diags.items[0].message : "");
    cr_assert_eq(set.n_jobs, 2);
    cr_assert_str_eq(set.jobs[0].id, "a");
    cr_assert_eq(set.jobs[0].n_tactics, 0);
    cr_assert_eq(set.jobs[0].identity, IDENTITY_LOGIN);
    cr_assert_eq(set.jobs[0].scope, SCOPE_FLEET);
    cr_assert_str_eq(set.jobs[0].detector, "rare");
    cr_assert_null(set.jobs[0].triage);
    cr_assert_str_eq(set.jobs[1].id, "b");
    cr_assert_eq(set.jobs[1].threshold, 0.5);
    cr_assert_eq(set.jobs[1].severity, 99);
    cr_assert_eq(set.jobs[1].identity, IDENTITY_EFFECTIVE);
    cr_assert_eq(set.jobs[1].scope, SCOPE_HOST);
    cr_assert_str_eq(set.jobs[1].detector, "novelty");
    cr_assert_str_eq(set.jobs[1].rule_version, "3");
    cr_assert_eq(set.jobs[1].n_process_names, 1);
    cr_assert_eq(set.jobs[1].n_tactics, 2);
    cr_assert_eq(set.jobs[1].tactics[0].n_techniques, 0);
    cr_assert_eq(set.jobs[1].tactics[1].n_techniques, 2);
    cr_assert_str_eq(set.jobs[1].tactics[1].techniques[0].id, "T1059.004");
    cr_assert_str_eq(set.jobs[1].tactics[1].techniques[1].reference, "r");
    job_set_done(&set);

    cr_assert_eq(job_set_load(d.path, ids, 3, &diags, &set), 0);
    cr_assert_eq(set.n_jobs, 2);
    job_set_done(&set);
    cr_assert_eq(job_set_load(d.path, one, 1, &diags, &set), 0);
    cr_assert_eq(set.n_jobs, 1);
    cr_assert_str_eq(set.jobs[0].id, "b");
    job_set_done(&set);
    cr_assert_eq(diags.n, 0);
    remove_directory(&d);
}

Test(job, mistakes_are_told_with_their_place)
{
    static const struct {
        const char *name, *text, *problems;
    } rows[] = {
        {"other id",
         "id: b\nname: n\ndescription: d\nprocess: {name: [ss]}\nthreshold: 25\nseverity: low\n"
         "risk_score: 21\n",
         "D/a.yaml:1:5: bad value 'b' for id, expected 'a' as the file is named\n"},
        {"empty file", "",
         "D/a.yaml: key 'id' is missing, expected text\n"
         "D/a.yaml: key 'name' is missing, expected text\n"
         "D/a.yaml: key 'description' is missing, expected text\n"
         "D/a.yaml: key 'threshold' is missing, expected a number from 0 to 100\n"
         "D/a.yaml: key 'severity' is missing, expected one of low, medium, high, critical\n"
         "D/a.yaml: key 'risk_score' is missing, expected a whole number from 0 to 100\n"},
        {"several mistakes", HEAD "identity: user\nscope: hosts\nrisk: 3\n",
         "D/a.yaml:8:11: bad value 'user' for identity, expected one of login, real, effective\n"
         "D/a.yaml:9:8: bad value 'hosts' for scope, expected one of fleet, host, user (did you mean "
         "'host'?)\n"
         "D/a.yaml:10:1: unknown key 'risk'\n"},
        {"no names",
         "id: a\nname: n\ndescription: d\nprocess: {name: []}\nthreshold: 25\nseverity: low\n"
         "risk_score: 21\n",
         "D/a.yaml:4:17: bad value for process, expected at least one name or pattern, a set of tools, or "
         "any: yes "
         "and none of the two\n"},
        {"a path for a name",
         "id: a\nname: n\ndescription: d\nprocess: {name: [ss, /bin/ss]}\nthreshold: 25\n"
         "severity: low\nrisk_score: 21\n",
         "D/a.yaml:4:22: bad value '/bin/ss' for process.name.1, expected a name without a slash\n"},
        {"threat is a mapping", HEAD "threat: {tactic: {id: TA0007, name: x}}\n",
         "D/a.yaml:8:9: bad value for threat, expected a list, got a mapping\n"},
        {"technique is a mapping",
         HEAD "threat: [{tactic: {id: TA0007, name: x}, technique: {id: T1, name: y}}]\n",
         "D/a.yaml:8:53: bad value for threat.0.technique, expected a list, got a mapping\n"},
        {"bad ids",
         HEAD "threat:\n- tactic: {id: T0007, name: x}\n  technique: [{id: TA1049, name: y}, "
              "{id: T1049.1, name: y}]\n",
         "D/a.yaml:9:16: bad value 'T0007' for threat.0.tactic.id, expected a tactic such as TA0007\n"
         "D/a.yaml:10:20: bad value 'TA1049' for threat.0.technique.0.id, expected a technique such as T1049 "
         "or "
         "T1059.004\n"
         "D/a.yaml:10:43: bad value 'T1049.1' for threat.0.technique.1.id, expected a technique such as "
         "T1049 or "
         "T1059.004\n"},
        {"unknown key of a technique",
         HEAD "threat:\n- tactic: {id: TA0007, name: x}\n  technique:\n"
              "  - {id: T1049, name: y, link: z}\n",
         "D/a.yaml:11:26: unknown key 'threat.0.technique.0.link'\n"},
        {"any and names", HEAD "process.any: yes\n",
         "D/a.yaml:8:14: bad value for process, expected at least one name or pattern, a set of tools, or "
         "any: yes "
         "and none of the two\n"},
        {"bad pattern", HEAD "process.args: [ok, \"-[\"]\n",
         "D/a.yaml:8:20: bad value '-[' for process.args.1, expected a pattern of 1 to 128 bytes with each [ "
         "closed\n"},
        {"users of one user", HEAD "scope: user\n",
         "D/a.yaml:8:8: a user is alone in a population of one user, expected by: process.name\n"},
        {"no YAML", HEAD "x: y: z\n",
         "D/a.yaml:8:5: not YAML: mapping values are not allowed in this context\n"
         "D/a.yaml:8:1: unknown key 'x'\n"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct directory d = make_directory();
        struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(freep) char *problems = NULL;
        struct job_set set = {0};
        int r;

        write_file(&d, "a.yaml", rows[i].text);
        r = job_set_load(d.path, NULL, 0, &diags, &set);
        problems = text_of(&diags, d.path);
        remove_directory(&d);
        cr_assert_str_eq(problems, rows[i].problems, "%s: got %s", rows[i].name, problems);
        cr_assert_lt(r, 0, "%s", rows[i].name);
        cr_assert_eq(set.n_jobs, 0);
        diag_list_done(&diags);
    }
}

Test(job, unknown_ids_are_answered_with_the_nearest)
{
    static const char *const ids[] = {"network_conection_discovery", "a", "../a", "zzz"};
    struct directory d = make_directory();
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(freep) char *problems = NULL;
    struct job_set set = {0};

    write_file(&d, "a.yaml", HEAD "x: 1\n");
    write_file(&d, "network_connection_discovery.yaml", "");
    cr_assert_lt(job_set_load(d.path, ids, ARRAY_SIZE(ids), &diags, &set), 0);
    problems = text_of(&diags, d.path);
    cr_assert_str_eq(
        problems,
        "D: unknown job 'network_conection_discovery' (did you mean 'network_connection_discovery'?)\n"
        "D: unknown job '../a', expected the name of a file without .yaml\n"
        "D: unknown job 'zzz', expected the name of a file without .yaml\n"
        "D/a.yaml:8:1: unknown key 'x'\n");
    remove_directory(&d);
    diag_list_done(&diags);
}

Test(job, a_directory_without_jobs_is_told)
{
    struct directory d = make_directory();
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(freep) char *problems = NULL;
    struct job_set set = {0};

    cr_assert_lt(job_set_load(d.path, NULL, 0, &diags, &set), 0);
    remove_directory(&d);
    cr_assert_lt(job_set_load(d.path, NULL, 0, &diags, &set), 0);
    problems = text_of(&diags, d.path);
    cr_assert_str_eq(problems, "D: there is no job in the directory, expected files NAME.yaml\n"
                               "D: cannot open the directory: No such file or directory\n");
    diag_list_done(&diags);
}
