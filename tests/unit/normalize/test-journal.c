/* SPDX-License-Identifier: Apache-2.0 */

/* journal.h: audit records put together again, and what journald's trusted fields prove about a message. */
#include "normalize/journal.h"

#include "support.h"
#include "util/buffer.h"

#define FIELD(name, value)                                                                                   \
    {                                                                                                        \
        SLICE(name), SLICE(value)                                                                            \
    }
#define MAX_FIELDS 10

static const char *const outcome_names[] = {"unusable", "broken", "audit", "message"};
static const char *const trust_names[] = {"low", "input", "journal", "kernel"};

struct row {
    const char *name;
    struct record_field fields[MAX_FIELDS];
    const char *expected;
};

static void append(struct buffer *out, const char *name, struct slice value)
{
    if (!slice_is_absent(value))
        cr_assert_geq(buffer_append_format(out, " %s=%.*s", name, SLICE_FMT(value)), 0);
}

static void describe(struct buffer *out, const struct record *record)
{
    struct journal_entry entry;
    int r;

    r = journal_read(record, &entry);
    cr_assert(r >= 0 && r < (int)ARRAY_SIZE(outcome_names), "%d", r);
    cr_assert_geq(buffer_append_format(out, "%s", outcome_names[r]), 0);
    if (r == JOURNAL_AUDIT) {
        cr_assert_eq(entry.audit.trust, entry.trust);
        cr_assert_geq(buffer_append_format(out, " %s %lld:%llu", trust_names[entry.trust],
                                           (long long)entry.audit.time_usec,
                                           (unsigned long long)entry.audit.serial),
                      0);
        append(out, "type", entry.audit.type);
        append(out, "body", entry.audit.body);
        append(out, "host", entry.audit.host);
        append(out, "unit", entry.audit.unit);
    } else if (r == JOURNAL_MESSAGE) {
        cr_assert_geq(buffer_append_format(out, " %s", trust_names[entry.trust]), 0);
        if (entry.line.has_time)
            cr_assert_geq(buffer_append_format(out, " %lld", (long long)entry.line.time_usec), 0);
        append(out, "program", entry.line.program);
        if (entry.line.pid >= 0)
            cr_assert_geq(buffer_append_format(out, " pid=%lld", (long long)entry.line.pid), 0);
        append(out, "host", entry.line.host);
        append(out, "unit", entry.unit);
        if (entry.may_be_audit)
            cr_assert_geq(buffer_append_format(out, " may-be-audit"), 0);
        append(out, "message", entry.line.message);
    }
}

static void check_all(const struct row *rows, size_t n, enum trust trust)
{
    for (size_t i = 0; i < n; i++) {
        struct record record = {.kind = RECORD_JOURNAL, .trust = trust, .fields = rows[i].fields};
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;

        while (record.n_fields < MAX_FIELDS && !slice_is_absent(rows[i].fields[record.n_fields].name))
            record.n_fields++;
        describe(&out, &record);
        assert_slice(buffer_slice(&out), rows[i].expected, rows[i].name);
    }
}

#define AUDIT FIELD("_TRANSPORT", "audit"), FIELD("_AUDIT_ID", "18470"), FIELD("_HOSTNAME", "lebuntu")
#define TIME  FIELD("_SOURCE_REALTIME_TIMESTAMP", "1715284802612000")

Test(journal, puts_audit_records_together_again)
{
    static const struct row rows[] = {
        {"a record",
         {AUDIT, TIME, FIELD("_AUDIT_TYPE", "1300"), FIELD("_AUDIT_TYPE_NAME", "SYSCALL"),
          FIELD("MESSAGE", "SYSCALL arch=c000003e syscall=59 comm=\"ss\"")},
         "audit kernel 1715284802612000:18470 type=SYSCALL body=arch=c000003e syscall=59 comm=\"ss\" "
         "host=lebuntu"},
        {"two blanks",
         {AUDIT, TIME, FIELD("_AUDIT_TYPE_NAME", "CWD"), FIELD("MESSAGE", "CWD  cwd=\"/\"")},
         "audit kernel 1715284802612000:18470 type=CWD body= cwd=\"/\" host=lebuntu"},
        {"finer time than the kernel's",
         {AUDIT, FIELD("_SOURCE_REALTIME_TIMESTAMP", "1715284802612999"), FIELD("MESSAGE", "CWD cwd=\"/\"")},
         "audit kernel 1715284802612000:18470 type=CWD body=cwd=\"/\" host=lebuntu"},
        {"the type only in the message",
         {AUDIT, TIME, FIELD("MESSAGE", "EXECVE argc=1 a0=\"ss\"")},
         "audit kernel 1715284802612000:18470 type=EXECVE body=argc=1 a0=\"ss\" host=lebuntu"},
        {"the type not in the message",
         {AUDIT, TIME, FIELD("_AUDIT_TYPE_NAME", "EXECVE"), FIELD("MESSAGE", "argc=1 a0=\"ss\"")},
         "audit kernel 1715284802612000:18470 type=EXECVE body=argc=1 a0=\"ss\" host=lebuntu"},
        {"an old journald",
         {AUDIT, TIME, FIELD("_AUDIT_TYPE", "1309"), FIELD("MESSAGE", "<audit-1309> argc=1 a0=\"ss\"")},
         "audit kernel 1715284802612000:18470 type=1309 body=argc=1 a0=\"ss\" host=lebuntu"},
        {"a type journald has no name for",
         {AUDIT, TIME, FIELD("_AUDIT_TYPE", "1334"), FIELD("_AUDIT_TYPE_NAME", "AUDIT1334"),
          FIELD("MESSAGE", "AUDIT1334 prog-id=5")},
         "audit kernel 1715284802612000:18470 type=1334 body=prog-id=5 host=lebuntu"},
        {"a type alone",
         {AUDIT, TIME, FIELD("MESSAGE", "EOE")},
         "audit kernel 1715284802612000:18470 type=EOE body= host=lebuntu"},
        {"a unit",
         {AUDIT, TIME, FIELD("_SYSTEMD_UNIT", "x.service"), FIELD("MESSAGE", "EOE")},
         "audit kernel 1715284802612000:18470 type=EOE body= host=lebuntu unit=x.service"},
        {"no serial", {FIELD("_TRANSPORT", "audit"), TIME, FIELD("MESSAGE", "CWD cwd=\"/\"")}, "broken"},
        {"no time of its own",
         {AUDIT, FIELD("__REALTIME_TIMESTAMP", "1715284802612000"), FIELD("MESSAGE", "CWD cwd=\"/\"")},
         "broken"},
        {"a serial that is none",
         {FIELD("_TRANSPORT", "audit"), FIELD("_AUDIT_ID", "-1"), TIME, FIELD("MESSAGE", "CWD cwd=\"/\"")},
         "broken"},
        {"no message", {AUDIT, TIME, FIELD("_AUDIT_TYPE_NAME", "CWD")}, "broken"},
        {"no type", {AUDIT, TIME, FIELD("MESSAGE", "hello there")}, "broken"},
        {"the type in another transport is nothing",
         {FIELD("_TRANSPORT", "syslog"), FIELD("_AUDIT_ID", "5"), TIME,
          FIELD("MESSAGE", "EXECVE argc=1 a0=\"ss\"")},
         "message low 1715284802612000 message=EXECVE argc=1 a0=\"ss\""},
    };
    static const struct row forged[] = {
        {"out of an input anyone can write",
         {AUDIT, TIME, FIELD("MESSAGE", "EOE")},
         "audit low 1715284802612000:18470 type=EOE body= host=lebuntu"},
    };

    check_all(rows, ARRAY_SIZE(rows), TRUST_INPUT);
    check_all(forged, ARRAY_SIZE(forged), TRUST_LOW);
}

#define SUDO(...)                                                                                            \
    {                                                                                                        \
        FIELD("SYSLOG_IDENTIFIER", "sudo"), FIELD("MESSAGE", "m"), __VA_ARGS__                               \
    }
#define EXE(exe) FIELD("_EXE", exe)
#define COMM(c)  FIELD("_COMM", c)
#define UID(uid) FIELD("_UID", uid)

Test(journal, believes_the_writer_that_fits)
{
    static const struct row rows[] = {
        {"sudo", SUDO(EXE("/usr/bin/sudo"), COMM("sudo"), UID("1000")),
         "message journal program=sudo message=m"},
        {"sudo as root", SUDO(COMM("sudo"), UID("0")), "message journal program=sudo message=m"},
        {"sudo-rs", SUDO(EXE("/usr/lib/cargo/bin/sudo-rs"), UID("0")),
         "message journal program=sudo message=m"},
        {"logger", SUDO(EXE("/usr/bin/logger"), COMM("logger"), UID("1000")),
         "message low program=sudo message=m"},
        {"root's logger", SUDO(EXE("/usr/bin/logger"), COMM("sudo"), UID("0")),
         "message low program=sudo message=m"},
        {"a copy", SUDO(EXE("/tmp/sudo"), COMM("sudo"), UID("1000")), "message low program=sudo message=m"},
        {"a copy that hides", SUDO(EXE("/tmp/usr/bin/sudo"), UID("1000")),
         "message low program=sudo message=m"},
        {"a process that calls itself sudo", SUDO(COMM("sudo"), UID("1000")),
         "message low program=sudo message=m"},
        {"nobody knows", SUDO(FIELD("_TRANSPORT", "syslog")), "message low program=sudo message=m"},
        {"its unit", SUDO(EXE("/usr/bin/sudo"), FIELD("_SYSTEMD_UNIT", "session-1.scope")),
         "message journal program=sudo unit=session-1.scope message=m"},
        {"a forger's unit", SUDO(EXE("/tmp/sudo"), FIELD("_SYSTEMD_UNIT", "session-1.scope")),
         "message low program=sudo message=m"},
        {"cron",
         {FIELD("SYSLOG_IDENTIFIER", "CRON"), FIELD("MESSAGE", "m"), EXE("/usr/sbin/cron"), UID("0")},
         "message journal program=CRON message=m"},
        {"cronie",
         {FIELD("SYSLOG_IDENTIFIER", "CROND"), FIELD("MESSAGE", "m"), COMM("crond"), UID("0")},
         "message journal program=CROND message=m"},
        {"not root's cron",
         {FIELD("SYSLOG_IDENTIFIER", "CRON"), FIELD("MESSAGE", "m"), EXE("/usr/sbin/cron"), UID("5")},
         "message low program=CRON message=m"},
        {"snoopy",
         {FIELD("SYSLOG_IDENTIFIER", "snoopy"), FIELD("MESSAGE", "m"), EXE("/usr/bin/ss"), UID("1000")},
         "message low program=snoopy message=m"},
        {"a service of root's",
         {FIELD("SYSLOG_IDENTIFIER", "backup"), FIELD("MESSAGE", "m"), COMM("backup"), UID("0")},
         "message journal program=backup message=m"},
        {"no identifier",
         {FIELD("MESSAGE", "m"), COMM("ss"), UID("1000")},
         "message low program=ss message=m"},
        {"a path for an identifier",
         {FIELD("SYSLOG_IDENTIFIER", "/usr/sbin/cron"), FIELD("MESSAGE", "m")},
         "message low program=cron message=m"},

        {"the kernel",
         {FIELD("_TRANSPORT", "kernel"), FIELD("SYSLOG_IDENTIFIER", "kernel"), FIELD("MESSAGE", "m")},
         "message kernel program=kernel may-be-audit message=m"},
        {"a program through /dev/kmsg",
         {FIELD("_TRANSPORT", "kernel"), FIELD("SYSLOG_IDENTIFIER", "x"), FIELD("MESSAGE", "m")},
         "message low program=x message=m"},
        {"auditd",
         {FIELD("SYSLOG_IDENTIFIER", "audisp-syslog"), FIELD("MESSAGE", "m"), COMM("audisp-syslog"), UID("0"),
          FIELD("_SYSTEMD_UNIT", "auditd.service")},
         "message journal program=audisp-syslog may-be-audit message=m"},
        {"somebody called auditd",
         {FIELD("SYSLOG_IDENTIFIER", "auditd"), FIELD("MESSAGE", "m"), COMM("auditd"), UID("7")},
         "message low program=auditd message=m"},

        {"times, pid, host",
         {FIELD("__REALTIME_TIMESTAMP", "7"), FIELD("_SOURCE_REALTIME_TIMESTAMP", "5"), FIELD("_PID", "42"),
          FIELD("SYSLOG_PID", "43"), FIELD("_HOSTNAME", "web1"), FIELD("MESSAGE", "m")},
         "message low 5 pid=42 host=web1 message=m"},
        {"receive time, the client's pid",
         {FIELD("__REALTIME_TIMESTAMP", "7"), FIELD("SYSLOG_PID", "43"), FIELD("MESSAGE", "m")},
         "message low 7 pid=43 message=m"},
        {"numbers that are none",
         {FIELD("__REALTIME_TIMESTAMP", "-7"), FIELD("_PID", "x"), FIELD("MESSAGE", "m")},
         "message low message=m"},
        {"no message", {FIELD("_TRANSPORT", "journal"), FIELD("SYSLOG_IDENTIFIER", "sudo")}, "unusable"},
        {"nothing", {{{0}}}, "unusable"},
        {"a field twice: the first", {FIELD("MESSAGE", "a"), FIELD("MESSAGE", "b")}, "message low message=a"},
    };
    static const struct row forged[] = {
        {"sudo, out of an input anyone can write", SUDO(EXE("/usr/bin/sudo"), FIELD("_SYSTEMD_UNIT", "u")),
         "message low program=sudo message=m"},
    };

    check_all(rows, ARRAY_SIZE(rows), TRUST_JOURNAL);
    check_all(forged, ARRAY_SIZE(forged), TRUST_LOW);
}
