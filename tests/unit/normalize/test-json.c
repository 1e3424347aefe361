/* SPDX-License-Identifier: Apache-2.0 */

/* json.h: which documents are process starts, whose they are, and what hostile documents come to. */
#include "normalize/json.h"

#include <errno.h>
#include <stdlib.h>

#include "describe.h"

#define T "\"@timestamp\":\"2026-01-05T00:04:59.919Z\","
/* 2026-01-05T00:04:59.919Z */
#define USEC "1767571499919000"

static const char *const outcome_names[] = {"unknown", "event", "ignored", "quarantined"};

struct row {
    const char *name;
    struct slice text;
    const char *expected; /* the outcome, or the event */
};

/* is_uncut: the library sees all of the document, which must make no difference. */
static void check(const struct row *row, const struct text_line *line, const struct uid_map *uid_map,
                  bool is_uncut)
{
    _cleanup_(json_parser_done) struct json_parser parser = {.is_uncut = is_uncut};
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
    struct event event;
    int r;

    r = json_read(&parser, row->text, line, TRUST_INPUT, uid_map, &arena, &event);
    cr_assert(r >= 0 && r < (int)ARRAY_SIZE(outcome_names), "%s: %d", row->name, r);
    if (r == TEXT_EVENT)
        describe(&out, &event);
    else
        cr_assert_geq(buffer_append_format(&out, "%s", outcome_names[r]), 0);
    cr_assert(slice_equal_string(buffer_slice(&out), row->expected), "%s: got\n%.*s\nexpected\n%s", row->name,
              SLICE_FMT(buffer_slice(&out)), row->expected);
}

static void check_all(const struct row *rows, size_t n, const struct text_line *line,
                      const struct uid_map *uid_map)
{
    for (size_t i = 0; i < n; i++) {
        check(&rows[i], line, uid_map, false);
        check(&rows[i], line, uid_map, true);
    }
}

/* as short as a process start can be */
#define START(members) SLICE("{" T "\"event\":{\"type\":\"start\"},\"process\":{\"name\":\"ss\"}" members "}")
#define STARTED(rest)  USEC " input format=ecs action=executed" rest

Test(json, tells_process_starts_from_other_documents)
{
#define EVENT(members) SLICE("{" T "\"event\":{" members "},\"process\":{\"name\":\"ss\"}}")
#define IS             USEC " input format=ecs action=executed name=ss"
#define IS_AUDITD      IS " audit: success=yes"
    static const struct row rows[] = {
        {"type start", EVENT("\"type\":\"start\""), IS},
        {"type start in a list", EVENT("\"type\":[\"start\"],\"category\":[\"process\"]"), IS},
        {"old Defend", EVENT("\"type\":[\"start\"],\"action\":\"creation\""), IS},
        {"Auditbeat's process module",
         EVENT("\"type\":[\"start\"],\"action\":\"process_started\",\"module\":\"system\""), IS},
        {"Defend exec without a type", EVENT("\"action\":\"exec\",\"module\":\"endpoint\""), IS},
        {"Defend merged", EVENT("\"action\":[\"fork\",\"exec\",\"end\"],\"type\":[\"start\",\"end\"]"), IS},
        {"Defend fork", EVENT("\"action\":\"fork\",\"type\":[\"start\"]"), "ignored"},
        {"Defend fork and end", EVENT("\"action\":[\"fork\",\"end\"],\"type\":[\"start\",\"end\"]"),
         "ignored"},
        {"Defend end", EVENT("\"action\":[\"end\"],\"type\":[\"end\"]"), "ignored"},
        {"Defend uid change", EVENT("\"action\":\"uid_change\",\"type\":\"change\",\"category\":\"process\""),
         "ignored"},
        {"sudo through auditd", EVENT("\"action\":\"ran-command\",\"type\":[\"start\"]"), "ignored"},
        {"sudo through auditd's module",
         EVENT("\"action\":\"ran-command\",\"type\":[\"start\"],\"module\":\"auditd\""), "ignored"},
        {"another category", EVENT("\"type\":[\"start\"],\"category\":[\"network\"]"), "ignored"},
        {"auditd, old category",
         EVENT("\"action\":\"executed\",\"module\":\"auditd\",\"category\":\"audit-rule\""), IS_AUDITD},
        {"auditd, a service starts",
         SLICE("{" T "\"event\":{\"action\":\"started-service\",\"type\":[\"start\"],"
               "\"category\":[\"process\"],\"module\":\"auditd\"},\"auditd\":"
               "{\"message_type\":\"service_start\"},\"process\":{\"name\":\"x\"}}"),
         "ignored"},
        {"auditd, only the system call",
         SLICE("{" T "\"auditd\":{\"message_type\":\"syscall\",\"data\":{\"syscall\":"
               "\"execveat\"}},\"process\":{\"name\":\"ss\"}}"),
         IS_AUDITD},
        {"auditd, another system call",
         SLICE("{" T "\"auditd\":{\"message_type\":\"syscall\",\"data\":{\"syscall\":"
               "\"connect\"}},\"event\":{\"type\":\"start\"}}"),
         "ignored"},
        {"an alert about one", EVENT("\"type\":\"start\",\"category\":\"process\",\"kind\":\"alert\""),
         "ignored"},
        {"an event", EVENT("\"type\":\"start\",\"kind\":\"event\""), IS},
        {"a listing", EVENT("\"type\":\"info\",\"action\":\"existing_process\",\"kind\":\"state\""),
         "ignored"},
        {"ECS about something else", SLICE("{" T "\"ecs\":{\"version\":\"8.0.0\"},\"message\":\"hello\"}"),
         "ignored"},
        {"no time", SLICE("{\"event\":{\"type\":\"start\"},\"process\":{\"name\":\"ss\"}}"), "quarantined"},
        {"a time that is none",
         SLICE("{\"@timestamp\":\"today\",\"event\":{\"type\":\"start\"},\"process.name\":\"ss\"}"),
         "quarantined"},
        {"a time in milliseconds",
         SLICE("{\"@timestamp\":1767571499919,\"event.type\":\"start\",\"process.name\":\"ss\"}"), IS},
        {"nobody's name", SLICE("{" T "\"event\":{\"type\":\"start\"},\"process\":{\"pid\":1}}"),
         "quarantined"},
        {"a search hit",
         SLICE("{\"_index\":\"i\",\"_source\":{" T "\"event.type\":\"start\",\"process.name\":\"ss\"}}"), IS},
        {"tlog",
         SLICE("{\"ver\":\"2.2\",\"host\":\"h\",\"rec\":\"r-1\",\"user\":\"u\",\"term\":\"xterm\","
               "\"session\":5,"
               "\"id\":1,\"pos\":0,\"timing\":\"=80x24\",\"out_txt\":\"$ ss\"}"),
         "ignored"},
        {"nobody's document", SLICE("{\"stranger\":{\"process\":{\"binary\":\"/usr/bin/nc\"}}}"), "unknown"},
        {"an empty one", SLICE(" { } "), "unknown"},
        {"an array", SLICE("[{\"event\":{\"type\":\"start\"}},1]"), "unknown"},
    };
    check_all(rows, ARRAY_SIZE(rows), NULL, NULL);
}

Test(json, reads_the_fields_of_a_process_start)
{
    static const struct row rows[] = {
        {"Auditbeat",
         SLICE("{" T
               "\"@metadata\":{\"beat\":\"auditbeat\"},\"host\":{\"name\":\"web-01\",\"hostname\":\"x\"},"
               "\"event\":{\"kind\":\"event\",\"module\":\"auditd\",\"category\":[\"process\"],\"type\":["
               "\"start\"],"
               "\"action\":\"executed\",\"outcome\":\"success\"},\"user\":{\"id\":\"0\",\"name\":\"root\","
               "\"audit\":"
               "{\"id\":\"1000\",\"name\":\"alice\"}},\"process\":{\"pid\":2008,\"parent\":{\"pid\":2007},"
               "\"name\":\"ss\","
               "\"executable\":\"/usr/bin/ss\",\"args\":[\"ss\",\"-t\",\"a b\"],\"title\":\"ss "
               "-t\",\"working_directory\":"
               "\"/"
               "root\"},\"auditd\":{\"sequence\":1001,\"session\":\"7\",\"result\":\"success\",\"message_"
               "type\":"
               "\"syscall\",\"data\":{\"argc\":\"3\",\"syscall\":\"execve\",\"tty\":\"pts0\"},\"summary\":{"
               "\"actor\":"
               "{\"primary\":\"alice\",\"secondary\":\"root\"}}},\"tags\":[\"exec\"]}"),
         USEC
         " input format=ecs action=executed host=web-01 actor=alice/1000 real=root/0 effective=root/0 "
         "name=ss "
         "exe=/usr/bin/ss command=ss -t a b cwd=/root tty=pts0 args=[ss][-t][a b] argc=3 pid=2008 ppid=2007 "
         "audit: serial=1001 auid=1000 uid=0 euid=0 ses=7 tty=pts0 success=yes"},
        {"the same behind its pipeline, dotted, in arrays, numbers and texts exchanged",
         SLICE("{" T
               "\"host.name\":[\"web-01\"],\"event.module\":\"auditd\",\"event\":{\"action\":[\"executed\"]},"
               "\"user\":{\"id\":0,\"name\":[\"root\"]},\"auditd\":{\"user.audit\":{\"id\":1000,\"name\":"
               "\"alice\"},"
               "\"sequence\":\"1001\",\"session\":7,\"result\":[\"success\"],\"data.tty\":\"pts0\"},"
               "\"process\":{\"pid\":"
               "\"2008\",\"parent.pid\":[\"2007\"],\"name\":\"ss\"},\"process.args\":[\"ss\"],\"process.args_"
               "count\":\"1\","
               "\"process.command_line\":\"ss \"}"),
         USEC " input format=ecs action=executed host=web-01 actor=alice/1000 real=root/0 effective=root/0 "
              "name=ss "
              "command=ss  tty=pts0 args=[ss] argc=1 pid=2008 ppid=2007 "
              "audit: serial=1001 auid=1000 uid=0 euid=0 ses=7 tty=pts0 success=yes"},
        {"a failed one",
         SLICE(
             "{" T
             "\"event\":{\"module\":\"auditd\",\"action\":\"executed\",\"outcome\":\"failure\"},\"process\":"
             "{\"name\":\"bash\"},\"auditd\":{\"result\":\"fail\",\"data\":{\"tty\":\"(none)\",\"key\":\"k\"}"
             "}}"),
         USEC " input format=ecs action=executed name=bash failure audit: success=no key=k"},
        {"no name: base name of the executable",
         SLICE("{" T "\"event.type\":\"start\",\"process.executable\":\"/usr/bin/ss\"}"),
         STARTED(" name=ss exe=/usr/bin/ss")},
        {"no name: of the first argument",
         SLICE("{" T "\"event.type\":\"start\",\"process.args\":[\"/bin/ss\",\"-t\"]}"),
         STARTED(" name=ss command=/bin/ss -t args=[/bin/ss][-t] argc=2")},
        {"holes and numbers among arguments",
         SLICE(
             "{" T
             "\"event.type\":\"start\",\"process\":{\"name\":\"a\",\"args\":[\"a\",null,1,true,{},\"\",2.50],"
             "\"args_count\":9}}"),
         STARTED(" name=a command=a 1 true  2.50 args=[a][<hole>][1][true][<hole>][][2.50] argc=9")},
        {"one argument without its array",
         SLICE("{" T "\"event.type\":\"start\",\"process\":{\"args\":\"ls\"}}"),
         STARTED(" name=ls command=ls args=[ls] argc=1")},
        {"no arguments, a title",
         SLICE("{" T
               "\"event.type\":\"start\",\"process\":{\"name\":\"ls\",\"args\":[],\"title\":\"ls -l\"}}"),
         STARTED(" name=ls command=ls -l argc=0")},
        {"bytes behind escapes",
         SLICE("{" T "\"event.type\":\"start\",\"process\":{\"name\":\"\\u00e9\\\"\",\"command_line\":"
               "\"a\\u0009b\"}}"),
         STARTED(" name=\xc3\xa9\" command=a\tb")},
        {"nonsense in numbers",
         SLICE("{" T
               "\"event.type\":\"start\",\"process\":{\"name\":\"a\",\"pid\":-5,\"parent\":{\"pid\":\"x\"},"
               "\"args_count\":-1}}"),
         STARTED(" name=a")},
        {"a terminal by its device",
         SLICE("{" T
               "\"event.type\":\"start\",\"process\":{\"name\":\"a\",\"tty\":{\"char_device\":{\"major\":136,"
               "\"minor\":3}}}}"),
         STARTED(" name=a tty=pts/3")},
        {"parent, source address",
         SLICE("{" T "\"event.type\":\"start\",\"process\":{\"name\":\"a\",\"parent\":{\"name\":\"bash\","
               "\"executable\":"
               "\"/bin/bash\",\"pid\":7}},\"source\":{\"ip\":\"10.0.0.1\"}}"),
         STARTED(" name=a ppid=7 parent=bash parent_exe=/bin/bash from=10.0.0.1")},
    };
    check_all(rows, ARRAY_SIZE(rows), NULL, NULL);
}

Test(json, knows_who_it_was)
{
#define AUDITD(users)                                                                                        \
    SLICE("{" T                                                                                              \
          "\"event\":{\"module\":\"auditd\",\"action\":\"executed\"},\"process\":{\"name\":\"ss\"}," users   \
          "}")
#define DEFEND(users, process)                                                                               \
    SLICE("{" T                                                                                              \
          "\"event\":{\"module\":\"endpoint\",\"action\":\"exec\"},\"process\":{\"name\":\"ss\"" process     \
          "}," users "}")
#define LEADER(leader, kind, user) ",\"" leader "\":{\"" kind "\":{\"name\":\"" user "\"}}"
#define ENTRY(type, user)                                                                                    \
    ",\"entry_leader\":{\"entry_meta\":{\"type\":\"" type "\"},\"user\":{\"name\":\"" user "\"}}"
#define ROOT "\"user\":{\"id\":\"0\",\"name\":\"root\"}"
    static const struct row rows[] = {
        /* the rows of the identity table, in its order */
        {"auditd: alice",
         AUDITD(
             "\"user\":{\"id\":\"1000\",\"name\":\"alice\",\"audit\":{\"id\":\"1000\",\"name\":\"alice\"}}"),
         STARTED(" actor=alice/1000 real=alice/1000 effective=alice/1000 name=ss audit: auid=1000 uid=1000 "
                 "euid=1000 success=yes")},
        {"auditd: sudo ss",
         AUDITD("\"user\":{\"id\":\"0\",\"name\":\"root\",\"audit\":{\"id\":\"1000\",\"name\":\"alice\"}}"),
         STARTED(" actor=alice/1000 real=root/0 effective=root/0 name=ss audit: auid=1000 uid=0 euid=0 "
                 "success=yes")},
        {"auditd: sudo itself",
         AUDITD("\"user\":{\"id\":\"1000\",\"name\":\"alice\",\"effective\":{\"id\":\"0\",\"name\":"
                "\"root\"},\"audit\":{\"id\":\"1000\",\"name\":\"alice\"}}"),
         STARTED(" actor=alice/1000 real=alice/1000 effective=root/0 name=ss audit: auid=1000 uid=1000 "
                 "euid=0 success=yes")},
        {"auditd: su, behind the pipeline",
         AUDITD("\"user\":{\"id\":\"1001\",\"name\":\"bob\"},\"auditd\":{\"user\":{"
                "\"audit\":{\"id\":\"1000\",\"name\":\"alice\"}}}"),
         STARTED(" actor=alice/1000 real=bob/1001 effective=bob/1001 name=ss audit: auid=1000 uid=1001 "
                 "euid=1001 success=yes")},
        {"auditd: a service",
         AUDITD(ROOT ",\"auditd\":{\"session\":\"unset\",\"summary\":{\"actor\":{\"primary\":\"unset\"}}}"),
         STARTED(" actor=root/0(service) real=root/0 effective=root/0 name=ss "
                 "audit: auid=4294967295 uid=0 euid=0 ses=4294967295 success=yes")},
        {"auditd: a service, spelt out",
         AUDITD("\"user\":{\"id\":\"0\",\"name\":\"root\",\"audit\":{\"id\":\"4294967295\"}}"),
         STARTED(" actor=root/0(service) real=root/0 effective=root/0 name=ss audit: auid=4294967295 uid=0 "
                 "euid=0 success=yes")},
        {"auditd: a container", AUDITD("\"user\":{\"id\":\"100123\",\"audit\":{\"id\":\"unset\"}}"),
         STARTED(" actor=/100123(numeric) real=/100123 effective=/100123 name=ss audit: auid=4294967295 "
                 "uid=100123 "
                 "euid=100123 success=yes")},
        {"auditd: the summary knows",
         AUDITD(ROOT ",\"auditd\":{\"session\":\"3\",\"summary\":{\"actor\":{\"primary\":"
                     "\"alice\"}}}"),
         STARTED(" actor=alice/ real=root/0 effective=root/0 name=ss audit: uid=0 euid=0 ses=3 success=yes")},
        {"auditd: a login without a name", AUDITD("\"user\":{\"id\":\"0\",\"audit\":{\"id\":\"1005\"}}"),
         STARTED(" actor=/1005 real=/0 effective=/0 name=ss audit: auid=1005 uid=0 euid=0 success=yes")},

        {"auditd: numbers for names",
         AUDITD("\"user\":{\"id\":\"0\",\"name\":\"0\",\"audit\":{\"id\":\"1005\",\"name\":\"1005\"}}"),
         STARTED(" actor=/1005 real=/0 effective=/0 name=ss audit: auid=1005 uid=0 euid=0 success=yes")},
        {"auditd: an unknown name",
         AUDITD("\"user\":{\"id\":\"100123\",\"name\":\"unknown(100123)\",\"audit\":{\"id\":\"unset\"}}"),
         STARTED(" actor=/100123(numeric) real=/100123 effective=/100123 name=ss audit: auid=4294967295 "
                 "uid=100123 euid=100123 success=yes")},

        {"Defend: alice",
         DEFEND("\"user\":{\"id\":\"1000\",\"name\":\"alice\"}", LEADER("session_leader", "user", "alice")),
         USEC " input format=ecs action=executed actor=alice/ real=alice/1000 effective=alice/1000 name=ss"},
        {"Defend: sudo ss",
         DEFEND(ROOT, LEADER("session_leader", "real_user", "alice") ENTRY("sshd", "root")),
         USEC " input format=ecs action=executed actor=alice/ real=root/0 effective=root/0 name=ss"},
        {"Defend: sudo with a terminal of its own",
         DEFEND(ROOT, LEADER("session_leader", "user", "root") ENTRY("sshd", "alice")),
         USEC " input format=ecs action=executed actor=alice/ real=root/0 effective=root/0 name=ss"},
        {"Defend: root logged in",
         DEFEND(ROOT, LEADER("session_leader", "user", "root") ENTRY("console", "root")),
         USEC " input format=ecs action=executed actor=root/ real=root/0 effective=root/0 name=ss"},
        {"Defend: setuid",
         DEFEND("\"user\":{\"id\":\"0\",\"name\":\"root\",\"Ext\":{\"real\":{\"id\":\"1000\",\"name\":"
                "\"alice\"}}}",
                ""),
         USEC " input format=ecs action=executed actor=alice/1000 real=alice/1000 effective=root/0 name=ss"},
        {"Defend: real_user", DEFEND(ROOT, ",\"real_user\":{\"id\":1000}"),
         USEC " input format=ecs action=executed actor=/1000 real=/1000 effective=root/0 name=ss"},
        {"Defend: a service", DEFEND(ROOT, ENTRY("init", "root")),
         USEC " input format=ecs action=executed actor=root/0(service) real=root/0 effective=root/0 name=ss"},
        {"Defend: a container", DEFEND("\"user\":{\"id\":\"1234\"}", ENTRY("kubelet", "root")),
         USEC " input format=ecs action=executed actor=/1234(numeric) real=/1234 effective=/1234 name=ss"},
        {"Defend: where from",
         DEFEND(ROOT, ",\"entry_leader\":{\"entry_meta\":{\"type\":\"sshd\",\"source\":{\"ip\":"
                      "\"192.0.2.7\"}},\"user\":{\"name\":\"al\"}}"),
         USEC
         " input format=ecs action=executed actor=al/ real=root/0 effective=root/0 name=ss from=192.0.2.7"},

        {"others", START(",\"user\":{\"name\":\"alice\",\"effective\":{\"name\":\"root\"}}"),
         STARTED(" actor=alice/ real=alice/ effective=root/ name=ss")},
        {"nobody", START(""), STARTED(" name=ss")},
    };
    check_all(rows, ARRAY_SIZE(rows), NULL, NULL);
}

Test(json, takes_names_from_the_uid_map_and_the_host_from_the_line)
{
    struct text_line line = {.host = SLICE("relay"), .pid = -1, .has_time = true, .time_usec = 5};
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(uid_map_freep) struct uid_map *uid_map = NULL;
    static const struct row rows[] = {
        {"a number with a name", START(",\"user\":{\"id\":1000},\"user.audit.id\":\"1001\""),
         STARTED(" host=relay actor=/1001 real=alice/1000 effective=alice/1000 name=ss")},
        {"a number for a name, with a name", START(",\"user\":{\"id\":\"1000\",\"name\":\"1000\"}"),
         STARTED(" host=relay actor=alice/1000 real=alice/1000 effective=alice/1000 name=ss")},
        {"the document's own host",
         START(",\"host\":{\"hostname\":\"web\"},\"user\":{\"id\":1000,\"name\":\"al\"}"),
         STARTED(" host=web actor=al/1000 real=al/1000 effective=al/1000 name=ss")},
        /* a line's time is when it was logged, not when it happened */
        {"the line's time is no event time",
         SLICE("{\"event\":{\"type\":\"start\"},\"process\":{\"name\":\"ss\"}}"), "quarantined"},
    };

    cr_assert_eq(uid_map_new(SLICE("alice:x:1000:1000::/:/bin/sh\n"), "passwd", &diags, &uid_map), 0);
    check_all(rows, ARRAY_SIZE(rows), &line, uid_map);
}

Test(json, reads_sudo_events)
{
#define ACCEPT                                                                                               \
    "\"submituser\":\"alice\",\"command\":\"/usr/bin/ss\",\"runuser\":\"root\",\"runcwd\":\"/"               \
    "srv\",\"ttyname\":\"/dev/pts/1\","                                                                      \
    "\"submithost\":\"web1\",\"submitcwd\":\"/home/alice\",\"runuid\":0,\"columns\":80,\"lines\":24,"        \
    "\"runargv\":[\"ss\",\"-t\",\"a b\"]"
#define SERVER_TIME "\"server_time\":{\"seconds\":1767571499,\"nanoseconds\":919000999,\"iso8601\":\"x\"},"
#define SUBMIT_TIME "\"submit_time\":{\"seconds\":1767571400,\"nanoseconds\":5},"
#define SUDO(time, host)                                                                                     \
    time " input format=sudo_json action=executed host=" host                                                \
         " actor=alice/ real=root/0 effective=root/0 name=ss "                                               \
         "exe=/usr/bin/ss command=ss -t a b cwd=/srv tty=/dev/pts/1 args=[ss][-t][a b] argc=3"
    static const struct row rows[] = {
        {"accept", SLICE("@cee:{\"sudo\":{\"accept\":{\"uuid\":\"u\"," SERVER_TIME SUBMIT_TIME ACCEPT "}}}"),
         SUDO(USEC, "web1")},
        {"accept, from a log file", SLICE("{\"accept\":{" SERVER_TIME ACCEPT "}}"), SUDO(USEC, "web1")},
        {"accept, only submitted", SLICE(" @cee: {\"sudo\":{\"accept\":{" SUBMIT_TIME ACCEPT "}}}"),
         SUDO("1767571400000000", "web1")},
        {"accept, no time", SLICE("{\"sudo\":{\"accept\":{" ACCEPT "}}}"), "quarantined"},
        {"accept, a time that is none",
         SLICE("{\"sudo\":{\"accept\":{\"server_time\":{\"seconds\":-1}," ACCEPT "}}}"), "quarantined"},
        {"nobody's accept", SLICE("{\"sudo\":{\"accept\":{" SERVER_TIME "\"command\":\"/bin/ls\"}}}"),
         "quarantined"},
        {"no command", SLICE("{\"sudo\":{\"accept\":{" SERVER_TIME "\"submituser\":\"a\"}}}"), "quarantined"},
        {"numbers for users",
         SLICE("{\"sudo\":{\"accept\":{" SERVER_TIME "\"submituser\":\"#1000\",\"command\":\"/bin/ls\","
               "\"runuser\":\"#5\",\"runuid\":5,\"cwd\":\"/x\"}}}"),
         USEC " input format=sudo_json action=executed actor=/1000 real=/5 effective=/5 name=ls exe=/bin/ls "
              "command=/bin/ls"},
        {"sudo -l",
         SLICE("{\"sudo\":{\"accept\":{" SERVER_TIME "\"submituser\":\"a\",\"command\":\"list\"}}}"),
         "ignored"},
        {"reject",
         SLICE("{\"sudo\":{\"reject\":{\"reason\":\"command not allowed\"," SERVER_TIME ACCEPT "}}}"),
         "ignored"},
        {"alert", SLICE("{\"sudo\":{\"alert\":{\"reason\":\"x\"," SERVER_TIME ACCEPT "}}}"), "ignored"},
        {"exit", SLICE("{\"sudo\":{\"exit\":{" SERVER_TIME "\"exit_value\":1}}}"), "ignored"},
        {"exit, from a log file", SLICE("{\"exit\":{" SERVER_TIME "\"exit_value\":1}}"), "ignored"},
        {"cut by syslog", SLICE("@cee:{\"sudo\":{\"accept\":{" SERVER_TIME "\"submituser\":\"al"),
         "quarantined"},
        {"another's accept", SLICE("{\"accept\":{\"a\":1}}"), "unknown"},
        {"sudo says something new", SLICE("{\"sudo\":{\"news\":{\"a\":1}}}"), "unknown"},
    };
    static const struct row wrapped[] = {
        {"host and time of the line", SLICE("{\"sudo\":{\"accept\":{" ACCEPT "}}}"), SUDO("5", "relay")},
        {"the event's own time", SLICE("{\"sudo\":{\"accept\":{" SERVER_TIME ACCEPT "}}}"),
         SUDO(USEC, "relay")},
    };
    struct text_line line = {.host = SLICE("relay"), .pid = -1, .has_time = true, .time_usec = 5};

    check_all(rows, ARRAY_SIZE(rows), NULL, NULL);
    check_all(wrapped, ARRAY_SIZE(wrapped), &line, NULL);
}

Test(json, quarantines_what_is_not_json)
{
    static const struct row rows[] = {
        {"nothing", SLICE(""), "quarantined"},
        {"text", SLICE("hello"), "quarantined"},
        {"cut", SLICE("{\"event\":{\"type\":\"start\"}"), "quarantined"},
        {"cut in a string", SLICE("{\"event\":\"sta"), "quarantined"},
        {"cut behind a backslash", SLICE("{\"event\":\"\\"), "quarantined"},
        {"garbage behind", SLICE("{\"a\":1} x"), "quarantined"},
        {"two documents", SLICE("{\"a\":1}{\"a\":1}"), "quarantined"},
        {"a blank behind", SLICE("{\"a\":1} \r"), "unknown"},
        {"brackets crossed", SLICE("{\"a\":[1}]"), "quarantined"},
        {"a comment", SLICE("{/* \" */\"a\":1}"), "quarantined"},
        {"single quotes", SLICE("{'a':1}"), "quarantined"},
        {"a bare word", SLICE("{\"a\":yes}"), "quarantined"},
        {"no value", SLICE("{\"a\":}"), "quarantined"},
        {"a number", SLICE("5"), "quarantined"},
        {"a string", SLICE("\"a\""), "quarantined"},
        {"NUL", SLICE("{\"a\":1,\0\"b\":2}"), "quarantined"},
        {"NUL in a string", SLICE("{\"a\":\"b\0c\"}"), "quarantined"},
        {"NUL behind", SLICE("{\"a\":1}\0"), "quarantined"},
        {"brackets in strings", SLICE("{\"a}\\\"]\":\"{[\"}"), "unknown"},
    };
    check_all(rows, ARRAY_SIZE(rows), NULL, NULL);
}

static int read_repeated(const char *before, const char *unit, size_t n, const char *behind,
                         struct arena *arena, struct event *ret_event)
{
    _cleanup_(json_parser_done) struct json_parser parser = {0};
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;

    cr_assert_geq(buffer_append_slice(&text, slice_from_string(before)), 0);
    for (size_t i = 0; i < n; i++)
        cr_assert_geq(buffer_append_slice(&text, slice_from_string(unit)), 0);
    cr_assert_geq(buffer_append_slice(&text, slice_from_string(behind)), 0);
    return json_read(&parser, buffer_slice(&text), NULL, TRUST_INPUT, NULL, arena, ret_event);
}

Test(json, bounds_what_a_document_may_cost)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(buffer_done) struct buffer members = BUFFER_INIT;
    struct event event;

    /* nested 10,000 deep, closed or not */
    cr_assert_eq(read_repeated("", "[", 10000, "", &arena, &event), TEXT_QUARANTINED);
    cr_assert_eq(read_repeated("{\"a\":", "{\"a\":", 10000, "1", &arena, &event), TEXT_QUARANTINED);
    cr_assert_eq(read_repeated("", "[", 64,
                               "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", &arena,
                               &event),
                 TEXT_UNKNOWN);
    cr_assert_eq(read_repeated("", "[", 65,
                               "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", &arena,
                               &event),
                 TEXT_QUARANTINED);

    /* members by the hundred thousand in one object: the library's look-ups would be quadratic */
    for (unsigned i = 0; i < 100000; i++)
        cr_assert_geq(buffer_append_format(&members, "%s\"%u\":1", i > 0 ? "," : "", i), 0);
    cr_assert_geq(buffer_append_char(&members, '\0'), 0);
    cr_assert_eq(read_repeated("{", members.data, 1, "}", &arena, &event), TEXT_QUARANTINED);
    /* as many as any index maps */
    *strstr(members.data, ",\"2500\"") = '\0';
    cr_assert_eq(read_repeated("{", members.data, 1, "}", &arena, &event), TEXT_UNKNOWN);

    /* arguments by the hundred thousand */
    cr_assert_eq(read_repeated("{" T "\"event.type\":\"start\",\"process\":{\"name\":\"a\",\"args\":[\"a\"",
                               ",\"b\"", 99999, "]}}", &arena, &event),
                 TEXT_EVENT);
    cr_assert_eq(event.n_args, 65536);
    cr_assert_eq(event.args_count, 100000);
    cr_assert_not(event.is_args_exact);

    /* one of 10 MB */
    cr_assert_eq(read_repeated("{" T
                               "\"event.type\":\"start\",\"process\":{\"name\":\"a\",\"args\":[\"a\",\"",
                               "0123456789abcdef", 655360, "\"]}}", &arena, &event),
                 TEXT_EVENT);
    cr_assert_eq(event.args[1].len, 10485760);
}

static int read_file(const char *folder, const char *name, struct arena *arena, struct event *ret_event)
{
    _cleanup_(json_parser_done) struct json_parser parser = {0};
    _cleanup_(freep) char *path = NULL, *bytes = malloc(1U << 16);
    _cleanup_(fclosep) FILE *file = NULL;
    size_t n;

    cr_assert_gt(asprintf(&path, "%s/corpora/%s/%s", getenv("HAPAX_SHARED"), folder, name), 0);
    file = fopen(path, "re");
    cr_assert(file && bytes, "%s", path);
    n = fread(bytes, 1, 1U << 16, file);
    return json_read(&parser, slice_new(bytes, n), NULL, TRUST_INPUT, NULL, arena, ret_event);
}

Test(json, reads_the_samples_of_others)
{
    static const char *const tetragon[] = {
        "cat_process_exec.json", "host-namespace-bash.json", "lifecycle_sh_process_exec.json",
        "nc_process_exec.json",  "nginx-execution.json",     "privileged-pod-bash.json",
        "process_exec.json"};
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
    struct event event;

    if (!getenv("HAPAX_SHARED"))
        cr_skip_test("HAPAX_SHARED is not set");
    for (size_t i = 0; i < ARRAY_SIZE(tetragon); i++) {
        cr_assert_eq(read_file("tetragon", tetragon[i], &arena, &event), TEXT_EVENT, "%s", tetragon[i]);
        assert_slice(event.format, "tetragon", tetragon[i]);
        cr_assert(event.executable.len > 0 && event.executable.data[0] == '/', "%s", tetragon[i]);
    }
    cr_assert_eq(read_file("otel", "journald-audit-entry.json", &arena, &event), TEXT_UNKNOWN);
    cr_assert_eq(read_file("elastic-endpoint", "process_created_linux.json", &arena, &event), TEXT_EVENT);
    describe(&out, &event);
    assert_slice(buffer_slice(&out),
                 "1583262512746260 input format=ecs action=executed host=host1 actor=root/0 real=root/0 "
                 "effective=root/0 name=ssh exe=/usr/bin/ssh command=/usr/bin/ssh -l user 10.0.0.16 "
                 "args=[/usr/bin/ssh][-l][user][10.0.0.16] argc=4 pid=5 ppid=4242 parent=bash "
                 "parent_exe=/usr/bin/bash",
                 "Defend, old");
    buffer_clear(&out);
    cr_assert_eq(read_file("elastic-endpoint", "process-sample_event.json", &arena, &event), TEXT_EVENT);
    describe(&out, &event);
    assert_slice(
        buffer_slice(&out),
        "1649098388657898 input format=ecs action=executed host=data-viz-win-1 actor=SYSTEM/S-1-5-18 "
        "real=SYSTEM/S-1-5-18 effective=SYSTEM/S-1-5-18 name=svchost.exe "
        "exe=C:\\Windows\\System32\\svchost.exe command=C:\\Windows\\System32\\svchost.exe -k WerSvcGroup "
        "cwd=C:\\Windows\\system32\\ tty=tty1 args=[C:\\Windows\\System32\\svchost.exe][-k][WerSvcGroup] "
        "argc=3 pid=2772 ppid=600 parent=services.exe parent_exe=C:\\Windows\\System32\\services.exe",
        "Defend");
}
