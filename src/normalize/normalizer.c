/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The front of the room: looks at each record, decides what it is by its first bytes, and hands it to the one
 * reader that knows. Deciding is cheap and final: a record that its reader does not take is counted, never
 * tried elsewhere, so that the cost of a record is that of one reader and a forged line cannot shop for the
 * most credulous one.
 *
 *   journal entry  → by transport and trusted fields (journal.c)
 *   '{'            → JSON
 *   "type=" "node=" "audit" → an audit record's header, through the audit rulebase
 *   all else       → a syslog header, then what the message begins with: '{' and "@cee:" JSON, audit headers,
 * text
 *
 * Trust. A syslog line was written by whoever could reach the socket, so what it says is TRUST_LOW, whatever
 * the file it stands in; only records of auditd's own file format, and JSON documents, have the trust of
 * their input. In the journal the trusted fields decide.
 *
 * Every record is counted exactly once, under what became of it. The last record that was not understood is
 * kept, cut and escaped, so that the operator can see one.
 */
#include "normalize/normalizer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "normalize/audit.h"
#include "normalize/journal.h"
#include "normalize/json.h"
#include "normalize/text.h"

/* raised with every change of what follows it; an older one is refused */
#define STATE_VERSION 1U

const char *const format_names[] = {"auto", "audit", "syslog", "json", "journal-export", NULL};

struct normalizer {
    struct normalizer_options options;
    char *host;
    struct audit_assembler *assembler;
    struct text_calendar calendar;
    struct arena arena; /* of the record at hand */
    struct normalizer_stats stats;
};

int normalizer_new(const struct normalizer_options *options, struct normalizer **ret_normalizer)
{
    _cleanup_(normalizer_freep) struct normalizer *n = calloc(1, sizeof(*n));
    struct audit_options audit_options;
    int r;

    if (!n)
        return -ENOMEM;
    n->options = *options;
    if (!slice_is_absent(options->host)) {
        n->host = strndup(options->host.data, options->host.len);
        if (!n->host)
            return -ENOMEM;
        n->options.host = slice_from_string(n->host);
    }
    n->calendar =
        (struct text_calendar){.first_year = options->year, .reference_usec = options->reference_usec};
    audit_options = (struct audit_options){.uid_map = options->uid_map, .host = n->options.host};
    r = audit_assembler_new(&audit_options, &n->stats, &n->assembler);
    if (r < 0)
        return r;
    *ret_normalizer = TAKE_PTR(n);
    return 0;
}

struct normalizer *normalizer_free(struct normalizer *n)
{
    if (!n)
        return NULL;
    audit_assembler_free(n->assembler);
    arena_done(&n->arena);
    free(n->host);
    free(n);
    return NULL;
}

static void keep_sample(struct normalizer *n, struct slice bytes)
{
    char *out = n->stats.sample, *end = out + sizeof(n->stats.sample) - 5;

    for (size_t i = 0; i < bytes.len && out < end; i++) {
        unsigned char c = (unsigned char)bytes.data[i];

        if (c >= 0x20 && c < 0x7f && c != '\\')
            *out++ = (char)c;
        else
            out += snprintf(out, 5, "\\x%02x", c);
    }
    *out = '\0';
}

static int take_audit(struct normalizer *n, struct audit_record *audit, const struct record *record,
                      enum trust trust, event_fn emit, void *userdata)
{
    audit->trust = trust;
    audit->received_usec = record->received_usec;
    return audit_assembler_feed(n->assembler, audit, emit, userdata);
}

/* Counts what a reader made of the record, and hands its event over. */
static int take_outcome(struct normalizer *n, int outcome, struct event *event, struct slice bytes,
                        event_fn emit, void *userdata)
{
    switch (outcome) {
    case TEXT_EVENT:
        if (slice_is_absent(event->host))
            event->host = n->options.host;
        n->stats.n_used++;
        n->stats.n_events++;
        return emit(userdata, event);
    case TEXT_IGNORED:
        n->stats.n_ignored++;
        return 0;
    case TEXT_UNKNOWN:
        n->stats.n_unknown++;
        keep_sample(n, bytes);
        return 0;
    case TEXT_QUARANTINED:
        n->stats.n_quarantined++;
        keep_sample(n, bytes);
        return 0;
    default:
        return outcome;
    }
}

/* Cheap and without false negatives: what the audit rulebase could match. */
static bool looks_like_audit(struct slice s)
{
    return slice_starts_with(s, SLICE("type=")) || slice_starts_with(s, SLICE("node=")) ||
           slice_starts_with(s, SLICE("audit")) || slice_starts_with(s, SLICE("audisp"));
}

static int read_json(struct normalizer *n, struct slice text, const struct text_line *line, enum trust trust,
                     event_fn emit, void *userdata)
{
    struct event event = EVENT_INIT;
    int outcome = json_read(text, line, trust, n->options.uid_map, &n->arena, &event);

    return take_outcome(n, outcome, &event, text, emit, userdata);
}

/* A message behind its header: a syslog line's, or a journal entry's. */
static int read_message(struct normalizer *n, const struct record *record, struct text_line *line,
                        enum trust trust, bool may_be_audit, struct slice unit, event_fn emit, void *userdata)
{
    struct slice message = line->message;
    struct event event = EVENT_INIT;
    int r;

    if (slice_starts_with(message, SLICE("@cee:")))
        return read_json(n, slice_trim(slice_skip(message, 5)), line, trust, emit, userdata);
    if (message.len > 0 && message.data[0] == '{')
        return read_json(n, message, line, trust, emit, userdata);
    /* "msg=audit(" or the kernel's "audit(" stand in every audit header, whatever a forwarder puts before it
     */
    if (slice_find_slice(message, SLICE("audit(")) < message.len) {
        struct audit_record audit = {0};

        r = text_read_audit(n->options.rulebase, message, &n->arena, &audit);
        if (r < 0)
            return r;
        if (r > 0 && !may_be_audit) {
            n->stats.n_ignored++; /* a forgery: only the kernel and auditd write audit records */
            return 0;
        }
        if (r > 0) {
            audit.host = line->host;
            audit.unit = unit;
            return take_audit(n, &audit, record, trust, emit, userdata);
        }
    }
    if (!line->has_time && record->received_usec > 0) { /* a bare line, read as it is written */
        line->has_time = true;
        line->time_usec = record->received_usec;
    }
    r = text_read_message(n->options.rulebase, line, trust, n->options.uid_map, &n->arena, &event);
    if (r == TEXT_EVENT && slice_is_absent(event.unit))
        event.unit = unit;
    return take_outcome(n, r, &event, message, emit, userdata);
}

static int read_line(struct normalizer *n, const struct record *record, event_fn emit, void *userdata)
{
    enum format format = n->options.format;
    struct slice line = record->bytes;
    struct text_line text = {.pid = -1};
    struct audit_record audit = {0};
    int r;

    if (record->is_truncated && (format == FORMAT_JSON || line.data[0] == '{')) {
        n->stats.n_quarantined++; /* half a document is none */
        keep_sample(n, line);
        return 0;
    }
    if (format == FORMAT_JSON || (format == FORMAT_AUTO && line.data[0] == '{'))
        return read_json(n, line, NULL, record->trust, emit, userdata);
    if (format == FORMAT_AUDIT || (format == FORMAT_AUTO && looks_like_audit(line))) {
        r = text_read_audit(n->options.rulebase, line, &n->arena, &audit);
        if (r < 0)
            return r;
        if (r > 0 && record->is_truncated) {
            n->stats.n_quarantined++;
            keep_sample(n, line);
            return 0;
        }
        if (r > 0)
            return take_audit(n, &audit, record, record->trust, emit, userdata);
    }
    r = text_read_header(n->options.rulebase, &n->calendar, line, &n->arena, &text);
    if (r < 0)
        return r;
    if (r == 0)
        text.message = line;
    return read_message(n, record, &text, TRUST_LOW, true, SLICE_NULL, emit, userdata);
}

static int read_entry(struct normalizer *n, const struct record *record, event_fn emit, void *userdata)
{
    struct journal_entry entry;
    int r = journal_read(record, &entry);

    if (r == JOURNAL_AUDIT)
        return take_audit(n, &entry.audit, record, entry.trust, emit, userdata);
    if (r == JOURNAL_MESSAGE)
        return read_message(n, record, &entry.line, entry.trust, entry.may_be_audit, entry.unit, emit,
                            userdata);
    return take_outcome(n, TEXT_UNKNOWN, NULL,
                        SLICE("a journal entry without MESSAGE or a usable audit header"), emit, userdata);
}

int normalizer_feed(struct normalizer *n, const struct record *record, event_fn emit, void *userdata)
{
    arena_reset(&n->arena);
    n->stats.n_records++;
    if (record->kind == RECORD_JOURNAL)
        return read_entry(n, record, emit, userdata);
    if (slice_trim(record->bytes).len == 0) {
        n->stats.n_empty++;
        return 0;
    }
    return read_line(n, record, emit, userdata);
}

int normalizer_advance(struct normalizer *n, int64_t now_usec, event_fn emit, void *userdata)
{
    return audit_assembler_advance(n->assembler, now_usec, emit, userdata);
}

int64_t normalizer_deadline_usec(const struct normalizer *n)
{
    return audit_assembler_deadline_usec(n->assembler);
}

int normalizer_flush(struct normalizer *n, event_fn emit, void *userdata)
{
    return audit_assembler_flush(n->assembler, emit, userdata);
}

int normalizer_save(const struct normalizer *n, struct buffer *out)
{
    int r = buffer_append_u32(out, STATE_VERSION);

    if (r >= 0)
        r = buffer_append_u32(out, (uint32_t)n->calendar.year);
    if (r >= 0)
        r = buffer_append_u32(out, (uint32_t)n->calendar.month);
    return r < 0 ? r : audit_assembler_save(n->assembler, out);
}

int normalizer_load(struct normalizer *n, struct slice bytes)
{
    uint32_t version, year, month;
    int r = slice_read_u32(&bytes, &version);

    if (r >= 0 && version != STATE_VERSION)
        return -EBADMSG;
    if (r >= 0)
        r = slice_read_u32(&bytes, &year);
    if (r >= 0)
        r = slice_read_u32(&bytes, &month);
    if (r < 0)
        return r;
    if (year > 9999 || month > 12)
        return -EBADMSG;
    n->calendar.year = (int)year;
    n->calendar.month = (int)month;
    return audit_assembler_load(n->assembler, bytes);
}

size_t normalizer_n_pending(const struct normalizer *n)
{
    return audit_assembler_n_pending(n->assembler);
}

const struct normalizer_stats *normalizer_stats(const struct normalizer *n)
{
    return &n->stats;
}
