/* SPDX-License-Identifier: Apache-2.0 */

/*
 * journald stores an audit record with its header taken apart (systemd src/journal/journald-audit.c): MESSAGE
 * is
 * "<TYPE> <body>", the serial is _AUDIT_ID, the time _SOURCE_REALTIME_TIMESTAMP. The record is put together
 * again from these; journald's own per-field copies are not used, since they miss aN[k], stop at 64 fields
 * and drop the quotes that say what is hexadecimal. The receive time is no substitute for the record's: an
 * event's records would not find each other.
 *
 * Who wrote an entry is in its fields that begin with an underscore: journald sets them from the socket's
 * credentials, and strips them from what a client sends. A message counts as evidence (TRUST_JOURNAL) if its
 * program is the one that ran: root's process of that name, or, for the setuid programs whose credentials may
 * still be their caller's, the executable in a folder of the system's. A name alone is nobody's: anyone may
 * copy a program to /tmp/sudo or call a process cron. Anything else is text that `logger` could have written
 * (TRUST_LOW): so is snoopy's, which is written inside the very process it tells about, by whatever that
 * process has become. An audit header in such a text is a forgery unless the kernel or auditd's own forwarder
 * wrote it.
 *
 * Text imported from another journal (systemd-journal-remote, export files) carries the underscore fields of
 * the machine it comes from: whoever may write that input vouches for them, and where anyone may, nothing is
 * proved.
 *
 * Cost: one walk over the entry's fields.
 */
#include "normalize/journal.h"

#include <strings.h>

#include "event/journal_field.h"
#include "util/parse.h"

struct fields {
    struct slice message, transport, identifier, host, comm, exe, uid, pid, syslog_pid, unit, audit_id,
        audit_type, audit_number, source_time, receive_time;
};

static void collect(const struct record *record, struct fields *ret_fields)
{
    struct slice *const wanted[JOURNAL_FIELD_NONE] = {
        [JOURNAL_FIELD_MESSAGE] = &ret_fields->message,
        [JOURNAL_FIELD_EXE] = &ret_fields->exe,
        [JOURNAL_FIELD_TRANSPORT] = &ret_fields->transport,
        [JOURNAL_FIELD_IDENTIFIER] = &ret_fields->identifier,
        [JOURNAL_FIELD_SYSLOG_PID] = &ret_fields->syslog_pid,
        [JOURNAL_FIELD_HOST] = &ret_fields->host,
        [JOURNAL_FIELD_COMM] = &ret_fields->comm,
        [JOURNAL_FIELD_UID] = &ret_fields->uid,
        [JOURNAL_FIELD_PID] = &ret_fields->pid,
        [JOURNAL_FIELD_UNIT] = &ret_fields->unit,
        [JOURNAL_FIELD_SOURCE_TIME] = &ret_fields->source_time,
        [JOURNAL_FIELD_AUDIT_ID] = &ret_fields->audit_id,
        [JOURNAL_FIELD_AUDIT_TYPE] = &ret_fields->audit_type,
        [JOURNAL_FIELD_AUDIT_NUMBER] = &ret_fields->audit_number,
        [JOURNAL_FIELD_RECEIVE_TIME] = &ret_fields->receive_time,
    };

    *ret_fields = (struct fields){0};
    /* one walk over the entry; the first value of a field that comes twice counts */
    for (size_t i = 0; i < record->n_fields; i++) {
        struct slice name = record->fields[i].name;
        enum journal_field field = journal_field_find(name);

        if (field != JOURNAL_FIELD_NONE && wanted[field] && name.len == journal_field_name(field).len &&
            slice_is_absent(*wanted[field]))
            *wanted[field] = record->fields[i].value;
    }
}

static bool read_time(struct slice text, int64_t *ret_usec)
{
    uint64_t usec;

    /* before the year 10000, which RFC 3339 cannot write */
    if (parse_u64(text, &usec) < 0 || usec > UINT64_C(253402300799999999))
        return false;
    *ret_usec = (int64_t)usec;
    return true;
}

/* ---- audit ---- */

/* "SYSCALL", "UNKNOWN[1334]" and older journald's "<audit-1300>" and "AUDIT1300" */
static bool is_type(struct slice s)
{
    if (slice_starts_with(s, SLICE("<audit-")))
        return true;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '[' || c == ']'))
            return false;
    }
    return s.len > 0;
}

/* A type without a name stands as its number, which is what the assembler knows it by. */
static struct slice plain_type(const struct fields *f, struct slice word)
{
    struct slice type = slice_is_absent(f->audit_type) ? word : f->audit_type;
    uint32_t number;

    if (parse_u32(f->audit_number, &number) == 0 &&
        (type.len == 0 || slice_starts_with(type, SLICE("<audit-")) ||
         (slice_starts_with(type, SLICE("AUDIT")) && parse_u32(slice_skip(type, 5), &number) == 0)))
        return f->audit_number;
    return type;
}

static int read_audit(const struct fields *f, struct journal_entry *entry)
{
    struct slice body = f->message, word, type;
    uint64_t serial;
    int64_t usec;

    if (slice_is_absent(body))
        return JOURNAL_BROKEN;
    word = slice_head(body, slice_find(body, ' '));
    if (is_type(word))
        body = slice_skip(body, MIN(word.len + 1, body.len));
    else
        word = SLICE_NULL;
    type = plain_type(f, word);
    if (type.len == 0 || parse_u64(f->audit_id, &serial) < 0 || !read_time(f->source_time, &usec))
        return JOURNAL_BROKEN;
    entry->audit = (struct audit_record){
        .type = type,
        .time_usec = usec / USEC_PER_MSEC * USEC_PER_MSEC, /* the kernel's header has milliseconds */
        .serial = serial,
        .body = body,
        .host = f->host,
        .unit = f->unit,
        .trust = entry->trust,
    };
    return JOURNAL_AUDIT;
}

/* ---- who wrote it ---- */

static bool equal_ignoring_case(struct slice a, struct slice b)
{
    return a.len == b.len && a.len > 0 && strncasecmp(a.data, b.data, a.len) == 0;
}

static bool is_word_of(struct slice s, const char *const *words)
{
    for (; *words; words++)
        if (slice_equal_string(s, *words))
            return true;
    return false;
}

/* The name that the process cannot choose, if there is one; its own choice only where it is root's. */
static struct slice process_name(const struct fields *f)
{
    return slice_is_absent(f->exe) ? f->comm : slice_base_name(f->exe);
}

/* Whether the folder is one that only root writes to. */
static bool is_system_folder(struct slice path)
{
    static const char *const folders[] = {"/usr/bin/",
                                          "/usr/sbin/",
                                          "/bin/",
                                          "/sbin/",
                                          "/usr/local/bin/",
                                          "/usr/lib/cargo/bin/", /* where Ubuntu keeps sudo-rs */
                                          "/run/wrappers/bin/",  /* NixOS */
                                          NULL};

    return is_word_of(slice_head(path, path.len - slice_base_name(path).len), folders);
}

/* Whether the trusted fields show the program that the message claims to be from. */
static bool is_fitting(const struct fields *f, struct slice program)
{
    static const char *const setuid_programs[] = {"sudo", "doas", "su", "pkexec", NULL};
    struct slice name = process_name(f);

    /* "CRON" is cron, "sudo" may be sudo-rs */
    if (!equal_ignoring_case(name, program) &&
        !(slice_equal_string(program, "sudo") && slice_equal_string(name, "sudo-rs")) &&
        !(equal_ignoring_case(program, SLICE("cron")) && slice_equal_string(name, "crond")))
        return false;
    if (slice_equal_string(f->uid, "0"))
        return true;
    return is_word_of(program, setuid_programs) && is_system_folder(f->exe);
}

/* auditd's own programs, which write the audit records of others into syslog */
static bool is_audit_forwarder(const struct fields *f)
{
    static const char *const forwarders[] = {"auditd", "audispd", "audisp-syslog", NULL};

    return slice_equal_string(f->uid, "0") && is_word_of(process_name(f), forwarders);
}

static int64_t read_pid(const struct fields *f)
{
    uint32_t pid;

    if (parse_u32(f->pid, &pid) == 0 || parse_u32(f->syslog_pid, &pid) == 0)
        return pid;
    return -1;
}

int journal_read(const struct record *record, struct journal_entry *ret_entry)
{
    enum trust most = record->trust == TRUST_LOW ? TRUST_LOW : TRUST_KERNEL;
    struct journal_entry entry = {.trust = TRUST_LOW, .line = {.pid = -1}};
    bool is_kernel, is_fit;
    struct fields f;
    int r;

    collect(record, &f);
    if (slice_equal_string(f.transport, "audit")) {
        entry.trust = most;
        r = read_audit(&f, &entry);
        if (r == JOURNAL_AUDIT)
            *ret_entry = entry;
        return r;
    }
    if (slice_is_absent(f.message))
        return JOURNAL_UNUSABLE;

    entry.line.host = f.host;
    entry.line.program = slice_base_name(f.identifier.len > 0 ? f.identifier : f.comm);
    entry.line.message = f.message;
    entry.line.has_time =
        read_time(f.source_time, &entry.line.time_usec) || read_time(f.receive_time, &entry.line.time_usec);
    entry.line.pid = read_pid(&f);
    /* /dev/kmsg takes lines from programs, too, which journald gives their own identifier */
    is_kernel = slice_equal_string(f.transport, "kernel") &&
                (slice_is_absent(f.identifier) || slice_equal_string(f.identifier, "kernel"));
    is_fit = is_fitting(&f, entry.line.program);
    entry.may_be_audit = is_kernel || is_audit_forwarder(&f);
    if (is_kernel)
        entry.trust = most;
    else if (is_fit || entry.may_be_audit)
        entry.trust = most == TRUST_LOW ? TRUST_LOW : TRUST_JOURNAL;
    /* a command started by sudo or cron runs in the unit they run in; a forwarder's unit is only its own */
    if (is_fit && !entry.may_be_audit && most > TRUST_LOW)
        entry.unit = f.unit;
    *ret_entry = entry;
    return JOURNAL_MESSAGE;
}
