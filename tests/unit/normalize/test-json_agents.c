/* SPDX-License-Identifier: Apache-2.0 */

/* json_agents.h: documents of Tetragon, osquery and Falco, of several versions, and hostile ones. */
#include "normalize/json.h"

#include "describe.h"

static const char *const outcome_names[] = {"unknown", "event", "ignored", "quarantined", "rows"};

#define TETRAGON_(process)                                                                                   \
    "{\"process_exec\":{\"process\":{" process "},\"parent\":{\"pid\":3,\"binary\":\"/usr/bin/bash\"}},"     \
    "\"node_name\":\"node1\",\"time\":\"2026-01-05T00:04:59.919123456Z\"}"
#define OSQUERY_(columns)                                                                                    \
    "{\"name\":\"pack_p\",\"hostIdentifier\":\"web1\",\"unixTime\":1700000009,\"columns\":{" columns         \
    "},\"action\":\"added\"}"
#define FALCO_(fields)                                                                                       \
    "{\"hostname\":\"node1\",\"priority\":\"Notice\",\"rule\":\"R\",\"time\":\"2026-01-05T00:04:59.919Z\","  \
    "\"output_fields\":{" fields "}}"

Test(json_agents, reads_documents)
{
    static const struct {
        const char *name, *text, *expected;
    } rows[] = {
        {"Tetragon",
         TETRAGON_("\"pid\":5,\"uid\":0,\"cwd\":\"/root\",\"binary\":\"/usr/bin/ss\","
                   "\"arguments\":\"-t \\\"a b\\\"\",\"flags\":\"execve clone\",\"auid\":1000"),
         "1767571499919123 input format=tetragon action=executed host=node1 actor=/1000 real=/0 name=ss "
         "exe=/usr/bin/ss command=/usr/bin/ss -t \"a b\" cwd=/root args=[/usr/bin/ss][-t][a b] argc=3 pid=5 "
         "ppid=3 parent_exe=/usr/bin/bash inexact"},
        {"Tetragon, no login, with credentials and a name",
         TETRAGON_(
             "\"pid\":5,\"uid\":7,\"user\":{\"name\":\"svc\"},\"process_credentials\":{\"uid\":7,\"euid\":0},"
             "\"binary\":\"/usr/bin/ss\",\"auid\":4294967295"),
         "1767571499919123 input format=tetragon action=executed host=node1 actor=svc/7(service) real=svc/7 "
         "effective=/0 name=ss exe=/usr/bin/ss command=/usr/bin/ss args=[/usr/bin/ss] argc=1 pid=5 ppid=3 "
         "parent_exe=/usr/bin/bash inexact"},
        {"Tetragon: what ran before the agent",
         TETRAGON_("\"uid\":0,\"binary\":\"/usr/bin/ss\",\"flags\":\"procFS auid rootcwd\""), "ignored"},
        {"Tetragon: a fork", TETRAGON_("\"uid\":0,\"binary\":\"/usr/bin/ss\",\"flags\":\"clone\""),
         "ignored"},
        {"Tetragon: nobody", TETRAGON_("\"binary\":\"/usr/bin/ss\""), "quarantined"},
        {"Tetragon: nothing", TETRAGON_("\"uid\":0,\"binary\":\"\""), "quarantined"},
        {"Tetragon: no time", "{\"process_exec\":{\"process\":{\"uid\":0,\"binary\":\"/bin/ss\"}}}",
         "quarantined"},
        {"Tetragon: an exit", "{\"process_exit\":{},\"node_name\":\"n\",\"time\":\"x\"}", "ignored"},
        {"osquery",
         OSQUERY_("\"auid\":\"1000\",\"cmdline\":\"ss -tulpn\",\"cwd\":\"/root\",\"euid\":\"0\","
                  "\"parent\":\"311\",\"path\":\"\\/usr\\/bin\\/ss\",\"pid\":\"312\","
                  "\"time\":\"1700000000\",\"uid\":\"7\",\"syscall\":\"execve\""),
         "1700000000000000 input format=osquery action=executed host=web1 actor=/1000 real=/7 effective=/0 "
         "name=ss "
         "exe=/usr/bin/ss command=ss -tulpn cwd=/root args=[ss][-tulpn] argc=2 pid=312 ppid=311 inexact"},
        {"osquery, bpf, logged as numbers",
         OSQUERY_("\"eid\":12,\"cmdline\":\"ss\",\"path\":\"/usr/bin/ss\",\"uid\":0,\"exit_code\":2"),
         "1700000009000000 input format=osquery action=executed host=web1 actor=/0 real=/0 name=ss "
         "exe=/usr/bin/ss command=ss args=[ss] argc=1 inexact failure"},
        {"osquery, a row of a snapshot, and a folder as audit quotes it",
         "{\"name\":\"p\",\"hostIdentifier\":\"web1\",\"unixTime\":1700000009,\"columns\":{\"eid\":\"12\","
         "\"cmdline\":\"ss\","
         "\"path\":\"/usr/bin/ss\",\"uid\":\"0\",\"cwd\":\"\\\"/root\\\"\"},\"action\":\"snapshot\"}",
         "1700000009000000 input format=osquery action=executed host=web1 actor=/0 real=/0 name=ss "
         "exe=/usr/bin/ss command=ss cwd=/root args=[ss] argc=1 inexact"},
        {"osquery: a fork",
         OSQUERY_("\"auid\":\"0\",\"uid\":\"0\",\"cmdline\":\"ss\",\"path\":\"/ss\",\"syscall\":\"fork\""),
         "ignored"},
        {"osquery: the table processes", OSQUERY_("\"uid\":\"0\",\"cmdline\":\"ss\",\"path\":\"/ss\""),
         "ignored"},
        {"osquery: a connection", OSQUERY_("\"auid\":\"0\",\"path\":\"/ss\",\"remote_port\":\"1\""),
         "ignored"},
        {"osquery: a row that left",
         "{\"hostIdentifier\":\"h\",\"columns\":{\"path\":\"/ss\",\"cmdline\":\"\",\"auid\":\"1\"},"
         "\"action\":\"removed\"}",
         "ignored"},
        {"osquery: a batch of one",
         "{\"hostIdentifier\":\"web1\",\"unixTime\":1700000009,\"diffResults\":{\"added\":[{\"path\":\"/bin/"
         "ss\","
         "\"cmdline\":\"ss\",\"auid\":\"1000\",\"uid\":\"0\"}],\"removed\":\"\"}}",
         "1700000009000000 input format=osquery action=executed host=web1 actor=/1000 real=/0 name=ss "
         "exe=/bin/ss "
         "command=ss args=[ss] argc=1 inexact"},
        {"osquery: a batch of two",
         "{\"hostIdentifier\":\"web1\",\"unixTime\":1700000009,\"diffResults\":{\"added\":[{\"path\":\"/bin/"
         "ss\","
         "\"cmdline\":\"ss\",\"auid\":\"1\"},{}]}}",
         "rows"},
        {"osquery: a time before all times",
         "{\"hostIdentifier\":\"h\",\"unixTime\":-5,\"columns\":{\"path\":\"/"
         "ss\",\"cmdline\":\"\",\"auid\":\"1\"},"
         "\"action\":\"added\"}",
         "quarantined"},
        {"Falco",
         FALCO_("\"evt.type\":\"execve\",\"proc.cmdline\":\"ss -t\",\"proc.name\":\"ss\","
                "\"proc.exepath\":\"/usr/bin/ss\",\"proc.pname\":\"bash\",\"user.loginuid\":1000,"
                "\"user.loginname\":\"alice\",\"user.name\":\"root\",\"user.uid\":0"),
         "1767571499919000 input format=falco action=executed host=node1 actor=alice/1000 real=root/0 "
         "effective=root/0 name=ss exe=/usr/bin/ss command=ss -t args=[ss][-t] argc=2 parent=bash inexact"},
        {"Falco, the least of it",
         FALCO_("\"evt.type\":\"execveat\",\"proc.cmdline\":\"ss "
                "-t\",\"user.loginuid\":-1,\"user.name\":\"svc\","
                "\"user.uid\":9,\"proc.exepath\":\"<NA>\""),
         "1767571499919000 input format=falco action=executed host=node1 actor=svc/9(service) real=svc/9 "
         "effective=svc/9 name=ss command=ss -t args=[ss][-t] argc=2 inexact"},
        {"Falco: a file", FALCO_("\"evt.type\":\"openat\",\"proc.cmdline\":\"ss\",\"user.name\":\"a\""),
         "ignored"},
        {"Falco: it does not say", FALCO_("\"proc.cmdline\":\"ss\",\"user.name\":\"a\""), "ignored"},
        {"Falco: nobody", FALCO_("\"evt.type\":\"execve\",\"proc.cmdline\":\"ss\""), "quarantined"},
        {"members of other types",
         "{\"process_exec\":{\"process\":[1,2]},\"output_fields\":3,\"rule\":4,\"priority\":5}",
         "quarantined"},
        {"nobody's", "{\"rule\":\"x\"}", "unknown"},
    };

    /* each twice: cut to what is read, and whole */
    for (size_t k = 0; k < 2 * ARRAY_SIZE(rows); k++) {
        _cleanup_(json_parser_done) struct json_parser parser = {.is_uncut = k % 2 == 1};
        _cleanup_(arena_done) struct arena arena = ARENA_INIT;
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
        struct event event;
        size_t i = k / 2;
        int r = json_read(&parser, slice_from_string(rows[i].text), NULL, TRUST_INPUT, NULL, &arena, &event);

        cr_assert(r >= 0 && r < (int)ARRAY_SIZE(outcome_names), "%s: %d", rows[i].name, r);
        if (r == TEXT_EVENT)
            describe(&out, &event);
        else
            cr_assert_geq(buffer_append_format(&out, "%s", outcome_names[r]), 0);
        cr_assert(slice_equal_string(buffer_slice(&out), rows[i].expected), "%s: got\n%.*s\nexpected\n%s",
                  rows[i].name, SLICE_FMT(buffer_slice(&out)), rows[i].expected);
    }
}
