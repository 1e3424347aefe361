/* SPDX-License-Identifier: Apache-2.0 */

/* Exceptions out of YAML: every mistake with its place, and what a set holds. */
#include "select/exception.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "support.h"
#include "util/parse.h"

#define HEAD "exceptions:\n- id: a\n  reason: r\n  owner: o\n"

static const struct {
    const char *name, *text, *problems;
} rows[] = {
    {"an unknown key", HEAD "  effekt: skip\n  match: {user.name: x}\n",
     "f:5:3: unknown key 'exceptions.0.effekt' (did you mean 'exceptions.0.effect'?)\n"},
    {"a missing owner", "exceptions:\n- id: a\n  reason: r\n  match: {user.name: x}\n",
     "f:2:3: key 'exceptions.0.owner' is missing, expected text\n"},
    {"an unknown effect", HEAD "  effect: skipp\n  match: {user.name: x}\n",
     "f:5:11: bad value 'skipp' for exceptions.0.effect, expected one of suppress, skip, digest (did you "
     "mean "
     "'skip'?)\n"},
    {"an unknown field", HEAD "  match: {user.nam: x, process.tty: y, wholly: z}\n",
     "f:5:21: unknown field 'user.nam' (did you mean 'user.name'?)\n"
     "f:5:37: unknown field 'process.tty' (did you mean 'hapax.process.tty'?)\n"
     "f:5:48: unknown field 'wholly', hapax-exceptions(5) lists the fields\n"},
    {"an unknown field, nested", HEAD "  match:\n    process:\n      parent:\n        nam: x\n",
     "f:8:14: unknown field 'process.parent.nam' (did you mean 'process.parent.name'?)\n"},
    {"a field that is only the begin of one", HEAD "  match: {process.parent: x}\n",
     "f:5:27: unknown field 'process.parent' (did you mean 'process.name'?)\n"},
    {"an unknown operator", HEAD "  match: {host.name: {globb: x}}\n",
     "f:5:30: unknown operator 'globb', expected one of equals, one_of, glob, cidr, exists (did you mean "
     "'glob'?)\n"},
    {"operators where they do not go",
     HEAD
     "  match: {host.name: {cidr: 10.0.0.0/8}, source.ip: {cidr: [10.0.0.0/33]}, user.id: {exists: maybe}}\n",
     "f:5:29: operator 'cidr' does not go with host.name, expected source.ip\n"
     "f:5:60: bad value '10.0.0.0/33' for exceptions.0.match.source.ip.cidr, expected a network such as "
     "10.0.0.0/8\n"
     "f:5:94: bad value for exceptions.0.match.user.id.exists, expected true or false\n"},
    {"no value", HEAD "  match: {user.name: }\n",
     "f:5:22: bad value for exceptions.0.match.user.name, expected a word or a list of words, got nothing\n"},
    {"an unknown group", HEAD "  match: {user.group: netop}\ngroups: {netops: [x]}\n",
     "f:5:23: unknown group 'netop', expected one of 'groups' or the group map (did you mean 'netops'?)\n"},
    {"everything", HEAD,
     "f:2:3: exception 'a' would forgive everything, expected 'match', or 'schedule' for a "
     "window of maintenance\n"},
    {"bad times", HEAD "  expires: soon\n  starts: 2026-13-01\n  match: {user.name: x}\n",
     "f:6:11: bad value '2026-13-01' for exceptions.0.starts, expected a date as 2026-12-31 or a time as "
     "2026-12-31T18:00:00+01:00\n"
     "f:5:12: bad value 'soon' for exceptions.0.expires, expected a date as 2026-12-31 or a time as "
     "2026-12-31T18:00:00+01:00\n"},
    {"days that a month does not have, and a time without its zone",
     HEAD "  starts: 2026-02-29\n  expires: 2026-04-31T18:00:00Z\n  match: {user.name: x}\n"
          "- {id: b, reason: r, owner: o, expires: 2026-02-28T18:00, match: {user.name: x}}\n",
     "f:5:11: bad value '2026-02-29' for exceptions.0.starts, expected a date as 2026-12-31 or a time as "
     "2026-12-31T18:00:00+01:00\n"
     "f:6:12: bad value '2026-04-31T18:00:00Z' for exceptions.0.expires, expected a date as 2026-12-31 or a "
     "time as 2026-12-31T18:00:00+01:00\n"
     "f:8:41: bad value '2026-02-28T18:00' for exceptions.1.expires, expected a date as 2026-12-31 or a time "
     "as 2026-12-31T18:00:00+01:00\n"},
    {"values that a field never has",
     HEAD "  match: {event.outcome: ok, hapax.identity.kind: [person, robot], source.ip: 10.0.0.0/8}\n",
     "f:5:26: bad value 'ok' for exceptions.0.match.event.outcome, expected success or failure\n"
     "f:5:51: bad value 'robot' for exceptions.0.match.hapax.identity.kind, expected person, service or "
     "numeric\n"
     "f:5:79: bad value '10.0.0.0/8' for exceptions.0.match.source.ip, expected an address (networks: {cidr: "
     "10.0.0.0/8})\n"},
    {"an end before the begin", HEAD "  starts: 2026-02-01\n  expires: 2026-01-01\n  match: {user.name: x}\n",
     "f:2:3: exception 'a' expires before it starts\n"},
    {"a bad schedule", HEAD "  schedule: {cron: 0 25 * * *}\n",
     "f:5:20: bad value for exceptions.0.schedule.cron, '25' names no hours, expected 0 to 23, lists, ranges "
     "or "
     "steps\n"},
    {"a schedule without a begin", HEAD "  schedule: {rrule: FREQ=DAILY}\n",
     "f:5:13: bad value for exceptions.0.schedule.start, expected a local time such as 2026-01-31T22:00, or "
     "cron\n"},
    {"ids",
     HEAD "  match: {user.name: x}\n- {id: a, reason: r, owner: o, match: {user.name: y}}\n"
          "- {id: a b, reason: r, owner: o, match: {user.name: y}}\n"
          "- {id: onboarding, reason: r, owner: o, match: {user.name: y}}\n",
     "f:6:8: exception 'a' is repeated, it stands in f, line 2 already\n"
     "f:7:8: bad value 'a b' for exceptions.2.id, expected at most 64 letters, digits, '.', '_', '-', and "
     "not "
     "'onboarding'\n"
     "f:8:8: bad value 'onboarding' for exceptions.3.id, expected at most 64 letters, digits, '.', '_', '-', "
     "and "
     "not 'onboarding'\n"},
    {"a mapping", "exceptions: {a: b}\n",
     "f:1:13: bad value for exceptions, expected a list, got a mapping\n"},
    {"onboarding", "onboarding: {age: 2w, sources: [creatd]}\n",
     "f:1:32: bad value 'creatd' for onboarding.sources, expected some of created, file, first_seen (did you "
     "mean 'created'?)\n"},
    {"a list of accounts that is not there", "onboarding: {age: 2w, accounts: nowhere.csv}\n",
     "f:1:33: cannot read 'nowhere.csv': No such file or directory\n"},
    {"broken YAML", "exceptions: [\n", NULL},
};

Test(exception_load, mistakes_are_told_with_their_place)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(exception_set_freep) struct exception_set *set = NULL;
        _cleanup_(freep) char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        cr_assert_eq(exception_set_try("f", "f", slice_from_string(rows[i].text), &diags, &set), -EINVAL,
                     "%s", rows[i].name);
        diag_print(&diags, out, "");
        (void)fclose(out);
        cr_expect(diags.n > 0, "%s", rows[i].name);
        if (rows[i].problems)
            cr_expect_str_eq(text, rows[i].problems, "%s: got\n%s", rows[i].name, text);
    }
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    cr_assert_not_null(f);
    cr_assert_geq(fputs(text, f), 0);
    cr_assert_eq(fclose(f), 0);
}

Test(exception_load, a_folder_is_one_set)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(exception_set_freep) struct exception_set *set = NULL, *tried = NULL;
    char folder[] = "/tmp/hapax-test-exceptions-XXXXXX";
    const struct exception *e;

    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    write_text("10-b.yaml",
               "exceptions:\n- {id: b, reason: r, owner: o, ticket: T-1, starts: 2026-01-30T10:00+02:00, "
               "expires: 2026-01-31, match: {user.group: ops}}\ngroup_map: group\n");
    write_text("20-a.yaml",
               "exceptions:\n- {id: a, reason: r, owner: o, effect: digest, jobs: [x, y], match: "
               "{user.group: {glob: net*}}}\n");
    write_text("30-groups.yaml", "groups: {netops: [carol]}\n");
    write_text("group", "ops:x:100:alice,bob\n\n# none\nempty:x:101:\n");
    write_text("README", "not read");
    cr_assert_eq(exception_set_load(folder, &diags, &set), 0);
    cr_assert_eq(exception_set_count(set), 2);
    e = exception_set_at(set, 0);
    cr_expect_str_eq(e->id, "b");
    cr_expect_str_eq(e->ticket, "T-1");
    cr_expect_str_eq(e->match_text, "user.group ops");
    cr_expect_eq(e->starts_usec, INT64_C(1769760000) * USEC_PER_SEC, "8:00 UTC");
    cr_expect_eq(e->expires_usec, INT64_C(1769904000) * USEC_PER_SEC, "the end of that day");
    cr_expect_eq(e->line, 2);
    e = exception_set_find_id(set, "a");
    cr_expect_eq(e->effect, EXCEPTION_DIGEST);
    cr_expect_eq(e->n_jobs, 2);
    cr_expect_null(exception_set_find_id(set, "c"));
    cr_expect(exception_set_has(set, 1U << EXCEPTION_SUPPRESS));
    cr_expect_not(exception_set_has(set, 1U << EXCEPTION_SKIP));

    /* a new file is tried among the others, and what is in force stays */
    cr_expect_eq(exception_set_try(folder, "./new.yaml", SLICE(HEAD "  match: {user.group: netopz}\n"),
                                   &diags, &tried),
                 -EINVAL);
    cr_expect_null(tried);
    cr_expect_eq(exception_set_count(set), 2);
    write_text("group", "ops:x\n");
    cr_expect_eq(exception_set_load(folder, &diags, &tried), -EINVAL, "a bad group map");
    for (size_t i = 0; i < 5; i++)
        (void)unlink((const char *[]){"10-b.yaml", "20-a.yaml", "30-groups.yaml", "group", "README"}[i]);
    cr_expect_eq(exception_set_load(folder, &diags, &tried), 0, "an empty folder is no mistake");
    (void)rmdir(folder);
    cr_expect_eq(exception_set_load(folder, &diags, &set), -EINVAL, "a missing one is");
}
