/* SPDX-License-Identifier: Apache-2.0 */

/*
 * journald stores an audit record with its header taken apart: MESSAGE is "<TYPE> <body>", the serial is
 * _AUDIT_ID, the time _SOURCE_REALTIME_TIMESTAMP. The record is put together again from these; journald's own
 * per-field copies are not used, since they miss aN[k], stop at 64 fields and drop the quotes that say what
 * is hexadecimal.
 *
 * Who wrote an entry is in its fields that begin with an underscore: journald sets them from the socket's
 * credentials, and strips them from what a client sends. A sudo line counts as evidence (TRUST_JOURNAL) only
 * if the process that logged it ran sudo's executable, a cron line if it was cron, and so on; anything else
 * is text that `logger` could have written. An audit header in such a text is a forgery unless auditd's own
 * forwarder or the kernel wrote it.
 *
 * Text imported from another journal (systemd-journal-remote, export files) carries the underscore fields of
 * the machine it comes from: whoever may write that file vouches for them.
 */
#include "normalize/journal.h"

#include "util/parse.h"

struct fields {
    struct slice message, transport, identifier, host, comm, exe, uid, pid, unit, audit_id, audit_type,
        source_time, receive_time;
};

static void collect(const struct record *record, struct fields *ret_fields)
{
    const struct {
        struct slice name;
        struct slice *value;
    } wanted[] = {
        {SLICE("MESSAGE"), &ret_fields->message},
        {SLICE("_TRANSPORT"), &ret_fields->transport},
        {SLICE("SYSLOG_IDENTIFIER"), &ret_fields->identifier},
        {SLICE("_HOSTNAME"), &ret_fields->host},
        {SLICE("_COMM"), &ret_fields->comm},
        {SLICE("_EXE"), &ret_fields->exe},
        {SLICE("_UID"), &ret_fields->uid},
        {SLICE("_PID"), &ret_fields->pid},
        {SLICE("_SYSTEMD_UNIT"), &ret_fields->unit},
        {SLICE("_AUDIT_ID"), &ret_fields->audit_id},
        {SLICE("_AUDIT_TYPE_NAME"), &ret_fields->audit_type},
        {SLICE("_SOURCE_REALTIME_TIMESTAMP"), &ret_fields->source_time},
        {SLICE("__REALTIME_TIMESTAMP"), &ret_fields->receive_time},
    };

    *ret_fields = (struct fields){0};
    /* one walk over the entry; the first value of a field that comes twice counts */
    for (size_t i = 0; i < record->n_fields; i++)
        for (size_t k = 0; k < ARRAY_SIZE(wanted); k++)
            if (slice_is_absent(*wanted[k].value) && slice_equal(record->fields[i].name, wanted[k].name)) {
                *wanted[k].value = record->fields[i].value;
                break;
            }
}

static bool read_time(const struct fields *f, int64_t *ret_usec)
{
    uint64_t usec;

    if (parse_u64(f->source_time, &usec) < 0 && parse_u64(f->receive_time, &usec) < 0)
        return false;
    if (usec > INT64_MAX)
        return false;
    *ret_usec = (int64_t)usec;
    return true;
}

/* "<TYPE> <body>"; some releases begin the message with "audit: " or leave the type out. */
static int read_audit(const struct fields *f, struct journal_entry *entry)
{
    struct slice type = f->audit_type, body = f->message;
    uint64_t serial;
    int64_t usec;

    if (parse_u64(f->audit_id, &serial) < 0 || !read_time(f, &usec))
        return JOURNAL_UNUSABLE;
    if (slice_is_absent(type))
        type = slice_head(body, slice_find(body, ' '));
    if (slice_starts_with(body, type)) {
        body = slice_skip(body, type.len);
        if (body.len > 0 && body.data[0] == ' ')
            body = slice_skip(body, 1);
    }
    entry->trust = TRUST_KERNEL;
    entry->audit = (struct audit_record){
        .type = type,
        .time_usec = usec / USEC_PER_MSEC * USEC_PER_MSEC, /* the kernel's header has milliseconds */
        .serial = serial,
        .body = body,
        .host = f->host,
    };
    return JOURNAL_AUDIT;
}

static bool is_program(const struct fields *f, const char *const *names)
{
    struct slice exe = slice_base_name(f->exe);

    for (; *names; names++)
        if (slice_equal_string(exe, *names) ||
            (slice_is_absent(f->exe) && slice_equal_string(f->comm, *names)))
            return true;
    return false;
}

/* Whether the trusted fields show the program that the message claims to be from. */
static bool writer_fits(const struct fields *f)
{
    static const char *const sudo[] = {"sudo", "sudo-rs", NULL}, *const cron[] = {"cron", "crond", NULL},
                             *const doas[] = {"doas", NULL}, *const su[] = {"su", NULL};
    static const struct {
        const char *identifier;
        const char *const *programs;
    } writers[] = {{"sudo", sudo},  {"CRON", cron}, {"cron", cron}, {"crond", cron},
                   {"CROND", cron}, {"doas", doas}, {"su", su}};

    for (size_t i = 0; i < ARRAY_SIZE(writers); i++)
        if (slice_equal_string(f->identifier, writers[i].identifier))
            return is_program(f, writers[i].programs);
    return false;
}

int journal_read(const struct record *record, struct journal_entry *ret_entry)
{
    static const char *const forwarders[] = {"auditd", "audispd", "audisp-syslog", NULL};
    struct journal_entry entry = {.trust = TRUST_LOW, .line = {.pid = -1}};
    bool is_kernel;
    struct fields f;
    int64_t pid;

    collect(record, &f);
    if (slice_is_absent(f.message))
        return JOURNAL_UNUSABLE;
    if (slice_equal(f.transport, SLICE("audit"))) {
        int r = read_audit(&f, &entry);

        *ret_entry = entry;
        return r;
    }
    is_kernel = slice_equal(f.transport, SLICE("kernel"));
    entry.may_be_audit = is_kernel || (slice_equal(f.uid, SLICE("0")) && is_program(&f, forwarders));
    if (is_kernel)
        entry.trust = TRUST_KERNEL;
    else if (entry.may_be_audit || writer_fits(&f))
        entry.trust = TRUST_JOURNAL;
    entry.line.host = f.host;
    entry.line.program = slice_is_absent(f.identifier) ? f.comm : f.identifier;
    entry.line.message = f.message;
    entry.line.has_time = read_time(&f, &entry.line.time_usec);
    if (parse_i64(f.pid, &pid) >= 0)
        entry.line.pid = pid;
    if (entry.trust == TRUST_JOURNAL)
        entry.unit = f.unit;
    *ret_entry = entry;
    return JOURNAL_MESSAGE;
}
