/* SPDX-License-Identifier: Apache-2.0 */

/*
 * audit_session.h by lines, and what the assembler does with such records: once each, only where somebody
 * asks, never in the way of process starts.
 */
#include "normalize/audit_session.h"

#include "audit_fixture.h"
#include "describe.h"

#define MAP_ "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"

static struct uid_map *new_map(void)
{
    _cleanup_(diag_list_done) struct diag_list diags = {0};
    struct uid_map *map;

    cr_assert_eq(uid_map_new(SLICE(MAP_), "map", &diags, &map), 0);
    return map;
}

Test(audit_session, reads_records)
{
    static const struct {
        const char *name;
        const char *line;
        const char *expected; /* "" : broken */
    } rows[] = {
        {"sudo's command, bare hexadecimal",
         "type=USER_CMD msg=audit(9.123:460): pid=14178 uid=1002 auid=1000 ses=15 "
         "msg='cwd=\"/home/alice\" cmd=6C73202D6C61 exe=\"/usr/bin/sudo\" terminal=pts/1 res=success'",
         "session info 9123000 input format=audit action=ran-command actor=alice/1000 real=/1002 session=15 "
         "name=sudo exe=/usr/bin/sudo command=ls -la cwd=/home/alice tty=pts/1 pid=14178 inexact audit: "
         "serial=460 auid=1000 uid=1002 ses=15"},
        {"a quoted command that looks like hexadecimal, a quote inside, enriched",
         "type=USER_CMD msg=audit(9.0:1): pid=5 uid=7 auid=7 ses=2 msg='cwd=\"/it's\" cmd=\"6C73\" "
         "terminal=? res=failed'\x1dUID=\"bob\" AUID=\"carol\"",
         "session info 9000000 input format=audit action=ran-command actor=carol/7 real=bob/7 session=2 "
         "command=6C73 cwd=/it's pid=5 inexact failure audit: serial=1 auid=7 uid=7 ses=2"},
        {"a login",
         "node=web1 type=USER_LOGIN msg=audit(9.0:1): pid=5 uid=0 auid=1000 ses=2 subj=x msg='op=login "
         "id=1000 "
         "exe=\"/usr/sbin/sshd\" hostname=10.0.0.3 addr=10.0.0.3 terminal=/dev/pts/0 res=success'",
         "session start 9000000 input format=audit action=logged-in host=web1 actor=alice/1000 real=root/0 "
         "target=alice/1000 session=2 name=sshd exe=/usr/sbin/sshd tty=/dev/pts/0 pid=5 from=10.0.0.3 "
         "inexact "
         "audit: serial=1 auid=1000 uid=0 ses=2"},
        {"a refused login of nobody, by number",
         "type=1112 msg=audit(9.0:1): pid=5 uid=0 auid=4294967295 ses=4294967295 msg='op=login "
         "acct=28756E6B6E6F776E207573657229 exe=\"/usr/sbin/sshd\" hostname=? addr=fe80::1 terminal=ssh "
         "res=failed'",
         "session info 9000000 input format=audit action=logged-in actor=root/0(service) real=root/0 "
         "target=(unknown user)/ name=sshd exe=/usr/sbin/sshd tty=ssh pid=5 from=fe80::1 inexact failure "
         "audit: "
         "serial=1 auid=4294967295 uid=0 ses=4294967295"},
        {"a host's name is no address, a console has none",
         "type=USER_START msg=audit(9.0:1): pid=5 uid=0 auid=0 ses=2 msg='op=PAM:session_open "
         "grantors=pam_unix "
         "acct=\"root\" exe=\"/bin/login\" hostname=evil.example.org addr=0.0.0.0 terminal=tty1 res=success'",
         "session start 9000000 input format=audit action=started-session actor=root/0 real=root/0 "
         "target=root/ session=2 name=login exe=/bin/login tty=tty1 pid=5 inexact audit: serial=1 auid=0 "
         "uid=0 "
         "ses=2"},
        {"RHEL 6",
         "type=USER_END msg=audit(9.0:1): user pid=5 uid=0 auid=0 ses=2 msg='op=PAM:session_close "
         "acct=\"root\" exe=\"/usr/sbin/crond\" hostname=? addr=? terminal=cron res=success'",
         "session end 9000000 input format=audit action=ended-session actor=root/0 real=root/0 target=root/ "
         "session=2 name=crond exe=/usr/sbin/crond tty=cron pid=5 inexact audit: serial=1 auid=0 uid=0 "
         "ses=2"},
        {"RHEL 4",
         "type=USER_AUTH msg=audit(9.0:1): user pid=5 uid=0 auid=-1 msg='PAM authentication: user=root "
         "exe=\"/bin/su\" (hostname=?, addr=10.1.2.3, terminal=pts/2 result=Authentication failure)'",
         "session info 9000000 input format=audit action=authenticated actor=root/0(service) real=root/0 "
         "name=su exe=/bin/su tty=pts/2 pid=5 from=10.1.2.3 inexact failure audit: serial=1 auid=4294967295 "
         "uid=0"},
        {"the kernel's LOGIN",
         "type=LOGIN msg=audit(9.0:1): pid=5 uid=0 subj=x old-auid=4294967295 auid=1000 tty=(none) "
         "old-ses=4294967295 ses=7 res=1\x1dUID=\"root\" OLD-AUID=\"unset\" AUID=\"alice\"",
         "session info 9000000 input format=audit action=changed-login-id-to actor=alice/1000 real=root/0 "
         "target=alice/1000 session=7 pid=5 audit: serial=1 auid=1000 uid=0 ses=7"},
        {"the kernel's LOGIN of old",
         "type=LOGIN msg=audit(9.0:1): login pid=5 uid=0 old auid=4294967295 new auid=1000 old "
         "ses=4294967295 "
         "new ses=7",
         "session info 9000000 input format=audit action=changed-login-id-to actor=alice/1000 real=root/0 "
         "target=alice/1000 session=7 pid=5 audit: serial=1 auid=1000 uid=0 ses=7"},
        {"an account",
         "type=ADD_USER msg=audit(9.0:1): pid=5 uid=0 auid=1000 ses=2 msg='op=add-user acct=\"bob\" "
         "exe=\"/usr/sbin/useradd\" hostname=? addr=? terminal=pts/0 res=success'",
         "account start 9000000 input format=audit action=added-user-account actor=alice/1000 real=root/0 "
         "target=bob/ session=2 name=useradd exe=/usr/sbin/useradd tty=pts/0 pid=5 inexact audit: serial=1 "
         "auid=1000 uid=0 ses=2"},
        {"an account, by its number, named by auditd",
         "type=USER_CHAUTHTOK msg=audit(9.0:1): pid=5 uid=0 auid=1000 ses=2 msg='op=updating-password "
         "id=1001 "
         "exe=\"/usr/sbin/useradd\" hostname=? addr=? terminal=pts/0 res=success'\x1dUID=\"root\" "
         "AUID=\"alice\" ID=\"bob\"",
         "account info 9000000 input format=audit action=changed-password actor=alice/1000 real=root/0 "
         "target=bob/1001 session=2 name=useradd exe=/usr/sbin/useradd tty=pts/0 pid=5 inexact audit: "
         "serial=1 "
         "auid=1000 uid=0 ses=2"},
        {"a group",
         "type=DEL_GROUP msg=audit(9.0:1): pid=5 uid=0 auid=1000 ses=2 msg='op=delete-group acct=\"frodo\" "
         "exe=\"/usr/sbin/groupdel\" hostname=? addr=? terminal=pts/0 res=success'",
         "account end 9000000 input format=audit action=deleted-group actor=alice/1000 real=root/0 "
         "group=frodo "
         "session=2 name=groupdel exe=/usr/sbin/groupdel tty=pts/0 pid=5 inexact audit: serial=1 auid=1000 "
         "uid=0 ses=2"},
        {"a group, by its number",
         "type=ADD_GROUP msg=audit(9.0:1): pid=5 uid=0 auid=1000 ses=2 msg='op=adding group to /etc/group "
         "id=1000 "
         "exe=\"/usr/sbin/groupadd\" hostname=? addr=? terminal=pts/0 res=success'",
         "account start 9000000 input format=audit action=added-group actor=alice/1000 real=root/0 gid=1000 "
         "session=2 name=groupadd exe=/usr/sbin/groupadd tty=pts/0 pid=5 inexact audit: serial=1 auid=1000 "
         "uid=0 ses=2"},
        {"a group, by its number, named by auditd",
         "type=GRP_MGMT msg=audit(9.0:1): pid=5 uid=0 auid=1000 ses=2 msg='op=add-shadow-group id=1000 "
         "res=success'UID=\"root\" AUID=\"alice\" ID=\"frodo\"",
         "account info 9000000 input format=audit action=modified-group-account actor=alice/1000 real=root/0 "
         "group=frodo gid=1000 session=2 pid=5 inexact audit: serial=1 auid=1000 uid=0 ses=2"},
        {"a login of RHEL 5",
         "type=USER_LOGIN msg=audit(9.0:1): user pid=5 uid=0 auid=1000 subj=x msg='uid=1000: "
         "exe=\"/usr/sbin/sshd\" (hostname=10.0.0.3, addr=10.0.0.3, terminal=/dev/pts/0 res=success)'",
         "session start 9000000 input format=audit action=logged-in actor=alice/1000 real=root/0 "
         "target=alice/1000 name=sshd exe=/usr/sbin/sshd tty=/dev/pts/0 pid=5 from=10.0.0.3 inexact audit: "
         "serial=1 auid=1000 uid=0"},
        {"a refused login of RHEL 5",
         "type=USER_LOGIN msg=audit(9.0:1): user pid=5 uid=0 auid=-1 subj=x msg='acct=frodo: "
         "exe=\"/usr/sbin/sshd\" (hostname=?, addr=fe80::, terminal=sshd res=failed)'",
         "session info 9000000 input format=audit action=logged-in actor=root/0(service) real=root/0 "
         "target=frodo/ name=sshd exe=/usr/sbin/sshd tty=sshd pid=5 from=fe80:: inexact failure audit: "
         "serial=1 auid=4294967295 uid=0"},
        {"a count of failures set back",
         "type=USER_ACCT msg=audit(9.0:1): pid=5 uid=0 auid=0 ses=2 msg='pam_tally2 uid=1000 reset=0 "
         "exe=\"/sbin/pam_tally2\" hostname=? addr=? terminal=pts/2 res=success'",
         "session info 9000000 input format=audit action=was-authorized actor=root/0 real=root/0 "
         "target=alice/1000 session=2 name=pam_tally2 exe=/sbin/pam_tally2 tty=pts/2 pid=5 inexact audit: "
         "serial=1 auid=0 uid=0 ses=2"},
        {"a member of a group",
         "type=USER_MGMT msg=audit(9.0:1): pid=5 uid=0 auid=1000 ses=2 msg='op=add-user-to-group "
         "grp=\"wheel\" "
         "acct=\"bob\" exe=\"/usr/sbin/usermod\" hostname=? addr=? terminal=pts/0 res=failed'",
         "account info 9000000 input format=audit action=modified-user-account actor=alice/1000 real=root/0 "
         "target=bob/ group=wheel session=2 name=usermod exe=/usr/sbin/usermod tty=pts/0 pid=5 inexact "
         "failure "
         "audit: serial=1 auid=1000 uid=0 ses=2"},
        {"what failed began nothing",
         "type=ADD_USER msg=audit(9.0:1): pid=5 uid=0 auid=0 ses=2 msg='op=add-user id=9 res=failed'",
         "account info 9000000 input format=audit action=added-user-account actor=root/0 real=root/0 "
         "target=/9 "
         "session=2 pid=5 inexact failure audit: serial=1 auid=0 uid=0 ses=2"},
        {"a program's word for the kernel's numbers",
         "type=USER_LOGIN msg=audit(9.0:1): pid=5 uid=0 auid=1000 ses=2 msg='op=login auid=0 uid=0 ses=9 "
         "pid=1 "
         "acct=\"x\" res=success'",
         "session start 9000000 input format=audit action=logged-in actor=alice/1000 real=root/0 target=x/ "
         "session=2 pid=5 inexact audit: serial=1 auid=1000 uid=0 ses=2"},
        {"a host name that goes on as fields",
         "type=USER_LOGIN msg=audit(9.0:1): pid=5 uid=0 auid=1000 ses=2 msg='op=login acct=\"x\" hostname=a "
         "addr=192.0.2.1 res=failed addr=10.0.0.3 terminal=ssh res=success'",
         "session start 9000000 low format=audit action=logged-in actor=alice/1000 real=root/0 target=x/ "
         "session=2 tty=ssh pid=5 from=10.0.0.3 inexact ambiguous audit: serial=1 auid=1000 uid=0 ses=2"},
        {"cut in its message", "type=USER_CMD msg=audit(9.0:1): pid=5 uid=0 auid=0 ses=2 msg='cwd=\"/ho", ""},
        {"cut in a value of it", "type=USER_CMD msg=audit(9.0:1): pid=5 uid=0 auid=0 ses=2 msg='cwd=\"/ho'",
         ""},
        {"no message", "type=USER_CMD msg=audit(9.0:1): pid=5 uid=0 auid=0 ses=2", ""},
        {"nobody", "type=USER_CMD msg=audit(9.0:1): pid=5 uid=x msg='cmd=\"ls\" res=success'", ""},
        {"an empty message", "type=USER_ACCT msg=audit(9.0:1): pid=5 uid=0 msg=''",
         "session info 9000000 input format=audit action=was-authorized actor=root/0 real=root/0 pid=5 "
         "inexact "
         "audit: serial=1 uid=0"},
        {"numbers that are none",
         "type=USER_ACCT msg=audit(9.0:1): pid=99999999999 uid=0 auid=zz ses=99999999999 msg='id=-7 "
         "acct=\"\" "
         "addr=::'",
         "session info 9000000 input format=audit action=was-authorized actor=root/0 real=root/0 inexact "
         "audit: "
         "serial=1 uid=0"},
    };
    static const char *const kinds[] = {"process", "session", "account"};
    static const char *const phases[] = {"start", "end", "info"};
    struct uid_map *map = new_map();

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena arena = ARENA_INIT;
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
        struct audit_record record;
        enum event_kind kind;
        struct event event;
        int r;

        cr_assert(split_header(slice_from_string(rows[i].line), &record), "%s", rows[i].name);
        cr_assert(audit_session_find_kind(record.type, &kind), "%s", rows[i].name);
        r = audit_session_read(&record, map, SLICE_NULL, &arena, &event);
        if (r > 0) {
            cr_assert_eq(event.kind, kind, "%s", rows[i].name);
            cr_assert_geq(buffer_append_format(&text, "%s %s ", kinds[event.kind], phases[event.phase]), 0);
            describe(&text, &event);
        }
        cr_assert(slice_equal_string(buffer_slice(&text), rows[i].expected), "%s:\n%.*s\nnot\n%s",
                  rows[i].name, SLICE_FMT(buffer_slice(&text)), rows[i].expected);
    }
    uid_map_free(map);
}

Test(audit_session, other_records_are_none)
{
    static const char *const types[] = {"SYSCALL", "EXECVE",   "USER_AVC",  "USER_TTY", "USER", "USER_CMDX",
                                        "",        "UNKNOWN[", "UNKNOWN[]", "0",        "1300"};
    enum event_kind kind;

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        cr_assert_not(audit_session_find_kind(slice_from_string(types[i]), &kind), "%s", types[i]);
}

#define CMD_   "type=USER_CMD msg=audit(9.0:1): pid=5 uid=0 auid=0 ses=2 msg='cmd=\"ls\" res=success'\n"
#define ADD_   "type=ADD_USER msg=audit(9.0:2): pid=5 uid=0 auid=0 ses=2 msg='id=9 res=success'\n"
#define LOGIN_ "type=LOGIN msg=audit(9.0:3): pid=5 uid=0 old-auid=1 auid=0 ses=7 res=1\n"
#define WRITE_                                                                                               \
    "type=SYSCALL msg=audit(9.0:3): arch=c000003e syscall=1 success=yes items=0 pid=5 uid=0 auid=0\n"
#define BROKEN_ "type=USER_CMD msg=audit(9.0:4): pid=5 uid=0 msg='cmd=\"ls\n"
#define START_                                                                                               \
    "type=SYSCALL msg=audit(9.0:5): arch=c000003e syscall=59 success=yes items=0 pid=5 uid=0 auid=0 "        \
    "comm=\"ss\"\n"                                                                                          \
    "type=EXECVE msg=audit(9.0:5): argc=1 a0=\"ss\"\ntype=CWD msg=audit(9.0:5): cwd=\"/\"\n"

struct actions {
    struct buffer text;
};

static int note(void *userdata, const struct event *event)
{
    struct actions *actions = userdata;

    return buffer_append_format(&actions->text, "%.*s ", SLICE_FMT(event->action));
}

Test(audit_session, the_assembler_hands_over_what_is_asked_for)
{
    enum {
        PROCESS = EVENT_KIND_BIT(EVENT_PROCESS_START),
        SESSION = EVENT_KIND_BIT(EVENT_SESSION),
        ACCOUNT = EVENT_KIND_BIT(EVENT_ACCOUNT),
    };
    static const struct {
        const char *name;
        unsigned kinds;
        const char *text, *actions;
        uint64_t n_events, n_context, n_used, n_ignored, n_quarantined, n_duplicates;
    } rows[] = {
        {"nobody asks", 0, CMD_ ADD_ LOGIN_ WRITE_ BROKEN_ START_, "executed ", 1, 0, 3, 5, 0, 0},
        {"sessions", SESSION, CMD_ ADD_ LOGIN_ WRITE_ BROKEN_ START_, "ran-command changed-login-id-to ", 0,
         2, 2, 5, 1, 0},
        {"accounts", ACCOUNT, CMD_ ADD_ START_, "added-user-account ", 0, 1, 1, 4, 0, 0},
        {"all", PROCESS | SESSION | ACCOUNT, CMD_ ADD_ START_, "ran-command added-user-account executed ", 1,
         2, 5, 0, 0, 0},
        {"twice", PROCESS | SESSION, CMD_ CMD_ LOGIN_ LOGIN_, "ran-command changed-login-id-to ", 0, 2, 2, 2,
         0, 2},
        {"behind its system call", PROCESS | SESSION, WRITE_ LOGIN_ LOGIN_, "changed-login-id-to ", 0, 1, 1,
         2, 0, 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct normalizer_stats stats = {0};
        struct audit_assembler *a;
        struct actions actions = {.text = BUFFER_INIT};
        struct slice text = slice_from_string(rows[i].text);
        struct audit_record record;

        cr_assert_eq(audit_assembler_new(&(struct audit_options){.kinds = rows[i].kinds}, &stats, &a), 0);
        while (text.len > 0) {
            cr_assert(split_header(next_line(&text), &record), "%s", rows[i].name);
            cr_assert_eq(audit_assembler_feed(a, &record, note, &actions), 0, "%s", rows[i].name);
        }
        cr_assert(slice_equal_string(buffer_slice(&actions.text), rows[i].actions), "%s: %.*s", rows[i].name,
                  SLICE_FMT(buffer_slice(&actions.text)));
        cr_assert_eq(stats.n_events, rows[i].n_events, "%s", rows[i].name);
        cr_assert_eq(stats.n_context, rows[i].n_context, "%s", rows[i].name);
        cr_assert_eq(stats.n_used, rows[i].n_used, "%s: %llu", rows[i].name,
                     (unsigned long long)stats.n_used);
        cr_assert_eq(stats.n_ignored, rows[i].n_ignored, "%s: %llu", rows[i].name,
                     (unsigned long long)stats.n_ignored);
        cr_assert_eq(stats.n_quarantined, rows[i].n_quarantined, "%s", rows[i].name);
        cr_assert_eq(stats.n_duplicates, rows[i].n_duplicates, "%s", rows[i].name);
        audit_assembler_free(a);
        buffer_done(&actions.text);
    }
}

Test(audit_session, what_was_handed_over_is_known_after_a_restart)
{
    const struct audit_options options = {.kinds = EVENT_KIND_BIT(EVENT_SESSION)};
    _cleanup_(buffer_done) struct buffer state = BUFFER_INIT;
    struct actions actions = {.text = BUFFER_INIT};
    struct normalizer_stats stats = {0};
    struct audit_assembler *a;
    struct audit_record record;

    cr_assert(split_header(SLICE(CMD_), &record));
    cr_assert_eq(audit_assembler_new(&options, &stats, &a), 0);
    cr_assert_eq(audit_assembler_feed(a, &record, note, &actions), 0);
    cr_assert_eq(audit_assembler_save(a, &state), 0);
    audit_assembler_free(a);

    cr_assert_eq(audit_assembler_new(&options, &stats, &a), 0);
    cr_assert_eq(audit_assembler_load(a, buffer_slice(&state)), 0);
    cr_assert_eq(audit_assembler_feed(a, &record, note, &actions), 0);
    cr_assert(slice_equal_string(buffer_slice(&actions.text), "ran-command "));
    cr_assert_eq(stats.n_duplicates, 1);
    audit_assembler_free(a);
    buffer_done(&actions.text);
}
