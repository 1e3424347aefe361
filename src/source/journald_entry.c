/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading one entry. Nearly all of the time goes to libsystemd, about 1,000 instructions for each field that
 * is enumerated, and an entry of the audit transport has some twenty. Looking a field up by its name costs as
 * much for every field before it, so enumerating all once costs less than looking six of them up. Then:
 *
 * - Fields that nobody reads (event/journal_field.h) go by. Among them is what journald made of an audit
 *   record's fields (systemd src/journal/journald-audit.c), half of such an entry: the record stands whole in
 *   MESSAGE.
 * - The time of receipt is asked for only where it may be read; audit records have their own.
 * - An audit record is read to the last field that its reader takes.
 * - Of an audit event that nobody wants, as the engine says when it sees its SYSCALL, the records that follow
 *   are read only until they show that they are its. They are known by host, boot and serial, which no two
 *   events share that stand next to each other. Only records of kinds that mean nothing without their SYSCALL
 *   go by like this, and only until another entry is handed over: so no clock that is driven by records
 *   misses anything, as these have the time of the one before. They are counted nowhere, like entries that do
 *   not match.
 *
 * What libsystemd hands out lives only until the next call, so fields are copied to an arena that the next
 * entry resets. An entry is cut at ENTRY_LIMIT_BYTES; the same limit is libsystemd's threshold, whose default
 * of 64 KiB would cut compressed fields, and which switched off would unpack up to 768 MiB that any client
 * may have sent.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "source/journald.h"
#include "util/parse.h"

/* the name of the field that receives the time is the longest that is written here */
#define RECEIVE_TIME_MAX 32U

#define FIELD_BIT(field) (1U << (field))
/* what tells which audit event an entry belongs to */
#define KEY_FIELDS                                                                                           \
    (FIELD_BIT(JOURNAL_FIELD_HOST) | FIELD_BIT(JOURNAL_FIELD_BOOT) | FIELD_BIT(JOURNAL_FIELD_TRANSPORT) |    \
     FIELD_BIT(JOURNAL_FIELD_AUDIT_TYPE) | FIELD_BIT(JOURNAL_FIELD_AUDIT_ID))
/* all that is read of an audit record whose type has a name */
#define AUDIT_FIELDS (KEY_FIELDS | FIELD_BIT(JOURNAL_FIELD_MESSAGE) | FIELD_BIT(JOURNAL_FIELD_SOURCE_TIME))

/* outcome of reading the fields */
#define ENTRY_UNWANTED 1

/* An entry as far as it was read. */
struct entry {
    struct record record;
    unsigned taken;                          /* FIELD_BIT of the fields that are there */
    struct slice values[JOURNAL_FIELD_NONE]; /* of these */
    uint64_t seen;                           /* of the filter's conditions */
    bool is_wanted;                          /* by the filter, or the index */
};

static struct slice field_value(const struct entry *entry, enum journal_field field)
{
    return entry->taken & FIELD_BIT(field) ? entry->values[field] : SLICE_NULL;
}

/* Whether AUDIT_FIELDS are all there is to an entry that has them. journald stores audit records without the
 * fields of a process or unit (journald-audit.c), and their number only counts where the type is one. */
static bool is_whole_audit(const struct entry *entry)
{
    struct slice type = field_value(entry, JOURNAL_FIELD_AUDIT_TYPE);

    return slice_equal(field_value(entry, JOURNAL_FIELD_TRANSPORT), SLICE("audit")) && type.len > 0 &&
           type.data[0] != '<' && !slice_starts_with(type, SLICE("AUDIT"));
}

/* Adds the field of which text is "NAME=value"; what the next call into libsystemd may unmap is copied. */
static int add_field(struct journald_source *s, enum journal_field field, struct slice text,
                     struct entry *entry)
{
    size_t name_len = journal_field_name(field).len;
    size_t room = ENTRY_LIMIT_BYTES - MIN(ENTRY_LIMIT_BYTES, s->arena.allocated_bytes);
    struct slice copy;
    int r;

    if (text.len > name_len + 1 + room) {
        entry->record.is_truncated = true;
        text = slice_head(text, name_len + 1 + room);
    }
    r = arena_copy(&s->arena, text, &copy);
    if (r < 0)
        return r;
    entry->values[field] = slice_skip(copy, name_len + 1);
    entry->taken |= FIELD_BIT(field);
    s->fields[entry->record.n_fields++] =
        (struct record_field){slice_head(copy, name_len), entry->values[field]};
    return 0;
}

/* What journald stores beside an entry, named as the export format does. */
static int add_receive_time(struct journald_source *s, struct entry *entry)
{
    struct slice name = journal_field_name(JOURNAL_FIELD_RECEIVE_TIME);
    char text[RECEIVE_TIME_MAX + 1 + U64_TEXT_MAX];
    uint64_t usec = 0;
    int r;

    r = sd_journal_get_realtime_usec(s->journal, &usec);
    if (r < 0)
        return r;
    memcpy(text, name.data, name.len);
    text[name.len] = '=';
    return add_field(s, JOURNAL_FIELD_RECEIVE_TIME,
                     slice_new(text, name.len + 1 + format_u64(usec, text + name.len + 1)), entry);
}

/* ---- what follows of an event that nobody wants ---- */

/* Whether a record of this type says nothing without its event's SYSCALL. */
static bool is_attachment(struct slice type)
{
    static const struct slice types[] = {SLICE("PATH"), SLICE("CWD"), SLICE("EXECVE"), SLICE("PROCTITLE")};

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (slice_equal(type, types[i]))
            return true;
    return false;
}

/* Whether the entry at hand belongs to the event that nobody wants, by the fields that tell (KEY_FIELDS). */
static bool is_unwanted(const struct journald_source *s, const struct entry *entry)
{
    return slice_equal(field_value(entry, JOURNAL_FIELD_AUDIT_ID),
                       slice_new(s->unwanted.serial, s->unwanted.serial_len)) &&
           slice_equal(field_value(entry, JOURNAL_FIELD_BOOT),
                       slice_new(s->unwanted.boot, s->unwanted.boot_len)) &&
           slice_equal(field_value(entry, JOURNAL_FIELD_HOST),
                       slice_new(s->unwanted.host, s->unwanted.host_len)) &&
           slice_equal(field_value(entry, JOURNAL_FIELD_TRANSPORT), SLICE("audit")) &&
           is_attachment(field_value(entry, JOURNAL_FIELD_AUDIT_TYPE));
}

/* False: it is not there, or longer than size. */
static bool remember(const struct entry *entry, enum journal_field field, char *text, size_t size,
                     size_t *len)
{
    struct slice value = field_value(entry, field);

    if (value.len == 0 || value.len > size)
        return false;
    memcpy(text, value.data, value.len);
    *len = value.len;
    return true;
}

/* Remembers the event of a record that was handed over, if it is one of the audit transport's. */
static void remember_unwanted(struct journald_source *s, const struct entry *entry)
{
    if (!slice_equal(field_value(entry, JOURNAL_FIELD_TRANSPORT), SLICE("audit")) ||
        !remember(entry, JOURNAL_FIELD_HOST, s->unwanted.host, sizeof(s->unwanted.host),
                  &s->unwanted.host_len) ||
        !remember(entry, JOURNAL_FIELD_BOOT, s->unwanted.boot, sizeof(s->unwanted.boot),
                  &s->unwanted.boot_len))
        return;
    (void)remember(entry, JOURNAL_FIELD_AUDIT_ID, s->unwanted.serial, sizeof(s->unwanted.serial),
                   &s->unwanted.serial_len);
}

/* ---- the entry ---- */

/* The next field that can be read: the longer way only where the direct one fails. */
static int next_field(sd_journal *journal, const void **data, size_t *len)
{
    int r = sd_journal_enumerate_data(journal, data, len);

    return r < 0 ? sd_journal_enumerate_available_data(journal, data, len) : r;
}

/* Adds the fields that are read. 0; ENTRY_UNWANTED: it need not be read further; -ENOMEM, or as libsystemd,
 * where a part of the entry is damaged. */
static int add_fields(struct journald_source *s, struct entry *entry)
{
    const void *data;
    size_t len;
    int r;

    /* before each enumeration: a leftover position of an earlier entry would skip fields */
    sd_journal_restart_data(s->journal);
    while ((r = next_field(s->journal, &data, &len)) > 0) {
        struct slice text = slice_new(data, len);
        enum journal_field field;

        if (!entry->is_wanted && journald_filter_may_look(&s->filter, text)) {
            entry->seen |= journald_filter_look(&s->filter, text);
            entry->is_wanted = journald_filter_wants(&s->filter, entry->seen);
        }
        if (slice_starts_with(text, SLICE("_AUDIT_F"))) /* IELD_: half of a SYSCALL's */
            continue;
        field = journal_field_find(text);
        /* the first value of a field that comes twice counts; the time of receipt is none of the entry's */
        if (field == JOURNAL_FIELD_NONE || field == JOURNAL_FIELD_RECEIVE_TIME ||
            (entry->taken & FIELD_BIT(field)) || journal_field_name(field).len == len)
            continue;
        /* unpacked up to the threshold only */
        if (len >= ENTRY_LIMIT_BYTES)
            entry->record.is_truncated = true;
        r = add_field(s, field, text, entry);
        if (r < 0)
            return r;
        if ((entry->taken & KEY_FIELDS) != KEY_FIELDS)
            continue;
        if (s->unwanted.serial_len > 0 && (KEY_FIELDS & FIELD_BIT(field)) && is_unwanted(s, entry))
            return ENTRY_UNWANTED;
        if (entry->is_wanted && (entry->taken & AUDIT_FIELDS) == AUDIT_FIELDS && is_whole_audit(entry))
            return 0;
    }
    return r;
}

/* Each power of two: the operator learns of the first and of the extent. */
static void count_damaged(struct journald_source *s, int error)
{
    s->n_damaged++;
    if ((s->n_damaged & (s->n_damaged - 1)) == 0)
        source_report(&s->base, LOG_WARNING,
                      "a journal entry is damaged and was read in part (%" PRIu64 " so far): %s",
                      s->n_damaged, strerror(-error));
}

int journald_emit_entry(struct journald_source *s)
{
    struct entry entry;
    int r, r_time = 0;

    /* the values are left as they are: there are many */
    entry.record = (struct record){.kind = RECORD_JOURNAL, .trust = TRUST_JOURNAL, .fields = s->fields};
    entry.taken = 0;
    entry.seen = 0;
    entry.is_wanted = s->is_indexed || s->filter.is_everything;
    s->is_place_stale = true;
    arena_reset(&s->arena);
    r = add_fields(s, &entry);
    if (r == ENTRY_UNWANTED) {
        s->n_looked++;
        s->n_wanted++;
        return 0;
    }
    if (r != -ENOMEM && !slice_equal(field_value(&entry, JOURNAL_FIELD_TRANSPORT), SLICE("audit")))
        r_time = add_receive_time(s, &entry);
    if (r == -ENOMEM || r_time == -ENOMEM)
        return -ENOMEM;
    if (r < 0 || r_time < 0) {
        entry.record.is_truncated = true;
        count_damaged(s, r < 0 ? r : r_time);
    }
    s->n_looked += !s->is_indexed;
    if (!entry.is_wanted)
        return 0;
    s->n_wanted++;
    s->unwanted.serial_len = 0;
    r = source_emit(&s->base, &entry.record);
    if (r >= 0 && s->base.is_unwanted)
        remember_unwanted(s, &entry);
    return r;
}
