/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The front of the room: looks at each record, decides what it is by its first bytes, and hands it to the one
 * reader that knows. Deciding is cheap and nearly final: a record that its reader does not take is counted,
 * not tried all around, so that the cost of a record is that of one reader and a forged line cannot shop for
 * the most credulous one.
 *
 *   journal entry              by transport and trusted fields (journal.c)
 *   '{' '"' or '[', "@cee:"    JSON; a relay's remark in braces is none
 *   "type=" "node=" "audit"…   an audit record's header, through the audit rulebase
 *   "<Event>" behind a header  an XML event (xml_sysmon.c)
 *   all else                   a syslog header, then the message by the same marks, or through the message
 * rules
 *
 * --format leaves only one of these: what is nothing of that kind is unknown.
 *
 * Trust. A syslog line was written by whoever could reach the socket, so what it says is TRUST_LOW, whatever
 * the file it stands in. Records of auditd's own file format, and JSON documents, have the trust of their
 * input; so do audit records behind a syslog header where the operator says that there is nothing else
 * (--format audit). In the journal the trusted fields decide.
 *
 * Several lines. What takes more than one is put together by its lines before it is read (line_join.c: sudo's
 * own log, printed JSON) or by its messages after (sudo_join.c), and then read as if it had come in one. Its
 * lines are counted n_used while they wait, and then as what became of the whole.
 *
 * What was cut by the frame is no JSON and no audit record any more. A cut text line still tells who ran
 * what, though not all of it; where nobody knows it, the cut is what is wrong with it.
 *
 * The gate. Where the caller says what it wants (options.wanted), lines that cannot hold it are dropped
 * before a reader sees them, and audit events by their SYSCALL (gate.c, audit_gate.c). Entries of the journal
 * are not: their trusted fields are read already, and what they cost is spent before they come here.
 *
 * Every record is counted exactly once, under what became of it (the assembler counts those it takes). The
 * last record that was not understood is kept, cut and escaped, so that the operator can see one.
 */
#include "normalize/normalizer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "normalize/audit.h"
#include "normalize/audit_header.h"
#include "normalize/gate.h"
#include "normalize/journal.h"
#include "normalize/json.h"
#include "normalize/json_rows.h"
#include "normalize/json_wrapped.h"
#include "normalize/line_join.h"
#include "normalize/sudo_join.h"
#include "normalize/text.h"
#include "normalize/text_time.h"
#include "normalize/xml_sysmon.h"
#include "util/parse.h"

/* raised with every change of what follows it; an older one is refused, but for 1, which holds no lines */
#define STATE_VERSION       2U
#define STATE_VERSION_FIRST 1U

/* What takes several lines, by --format. */
static const unsigned joins_of[] = {
    [FORMAT_AUTO] = LINE_JOIN_WRAPS | LINE_JOIN_DOCUMENTS,
    [FORMAT_AUDIT] = 0,
    [FORMAT_SYSLOG] = LINE_JOIN_WRAPS,
    [FORMAT_JSON] = LINE_JOIN_DOCUMENTS,
    [FORMAT_JOURNAL_EXPORT] = 0,
};

const char *const format_names[] = {"auto", "audit", "syslog", "json", "journal-export", NULL};

struct normalizer {
    struct normalizer_options options;
    char *host;
    struct gate *gate; /* NULL: none */
    struct audit_assembler *assembler;
    struct text_calendar calendar;
    struct json_parser json;
    struct line_join *lines; /* of files, before they are read */
    struct sudo_join *sudo;  /* messages, after their header is */
    struct arena arena;      /* of the record at hand */
    struct arena held_arena; /* of a command that waited */
    uint64_t *counted;       /* where the last record was counted; NULL: by the assembler */
    struct normalizer_stats stats;
};

/* For whom events are, where something that waited is handed over. */
struct handing {
    struct normalizer *n;
    event_fn emit;
    void *userdata;
};

int normalizer_new(const struct normalizer_options *options, struct normalizer **ret_normalizer)
{
    _cleanup_(normalizer_freep) struct normalizer *n = calloc(1, sizeof(*n));
    struct audit_options audit_options;
    int r;

    if (!n)
        return -ENOMEM;
    n->options = *options;
    if (n->options.kinds == 0)
        n->options.kinds = EVENT_KIND_BIT(EVENT_PROCESS_START);
    if (!slice_is_absent(options->host)) {
        n->host = strndup(options->host.data, options->host.len);
        if (!n->host)
            return -ENOMEM;
        n->options.host = slice_from_string(n->host);
    }
    n->calendar =
        (struct text_calendar){.first_year = options->year, .reference_usec = options->reference_usec};
    n->options.wanted = NULL;
    r = options->wanted ? gate_new(options->wanted, &n->gate) : 0;
    if (r < 0)
        return r;
    audit_options = (struct audit_options){
        .uid_map = options->uid_map, .host = n->options.host, .gate = n->gate, .kinds = n->options.kinds};
    r = audit_assembler_new(&audit_options, &n->stats, &n->assembler);
    if (r >= 0)
        r = sudo_join_new(&n->sudo);
    if (r >= 0)
        r = line_join_new(n->options.is_line_by_line ? 0 : joins_of[n->options.format], &n->lines);
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
    gate_free(n->gate);
    json_parser_done(&n->json);
    line_join_free(n->lines);
    sudo_join_free(n->sudo);
    arena_done(&n->arena);
    arena_done(&n->held_arena);
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

static int count(struct normalizer *n, uint64_t *counter)
{
    (*counter)++;
    n->counted = counter;
    return 0;
}

/* n_fed records were counted where the last one was: one of them is, until here. */
static void count_others(struct normalizer *n, uint64_t n_fed)
{
    if (n_fed > 0)
        *n->counted += n_fed - 1;
    else /* it came before the state was saved, and is counted again */
        n->stats.n_records++;
}

/* Counts what a reader made of the record, and hands its event over. */
static int take_outcome(struct normalizer *n, int outcome, struct event *event, struct slice bytes,
                        event_fn emit, void *userdata)
{
    switch (outcome) {
    case TEXT_EVENT:
        if (!(n->options.kinds & EVENT_KIND_BIT(event->kind)))
            return count(n, &n->stats.n_ignored);
        if (slice_is_absent(event->host))
            event->host = n->options.host;
        (void)count(n, &n->stats.n_used);
        if (event->kind == EVENT_PROCESS_START)
            n->stats.n_events++;
        else
            n->stats.n_context++;
        return emit(userdata, event);
    case TEXT_IGNORED:
        return count(n, &n->stats.n_ignored);
    case TEXT_UNKNOWN:
        keep_sample(n, bytes);
        return count(n, &n->stats.n_unknown);
    case TEXT_QUARANTINED:
        keep_sample(n, bytes);
        return count(n, &n->stats.n_quarantined);
    default:
        return outcome;
    }
}

static int quarantine(struct normalizer *n, struct slice bytes)
{
    return take_outcome(n, TEXT_QUARANTINED, NULL, bytes, NULL, NULL);
}

/*
 * The assembler counts; bytes are for the sample, where it does not like the record. Orphans are others'
 * records: it gives up their event when this one shows that it is overdue.
 */
static int take_audit(struct normalizer *n, struct audit_record *audit, const struct record *record,
                      enum trust trust, struct slice bytes, event_fn emit, void *userdata)
{
    uint64_t n_broken = n->stats.n_quarantined - n->stats.n_orphaned;
    int r;

    audit->trust = trust;
    audit->received_usec = record->received_usec;
    r = audit_assembler_feed(n->assembler, audit, emit, userdata);
    if (n->stats.n_quarantined - n->stats.n_orphaned > n_broken)
        keep_sample(n, bytes);
    return r;
}

static struct slice skip_blanks(struct slice s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = slice_skip(s, 1);
    return s;
}

/* What only a JSON document begins with. "{SER3.local6 LNX}" and "[   12.34]" are remarks before a text. */
static bool looks_like_json(struct slice s)
{
    char opening;

    s = skip_blanks(s);
    if (slice_starts_with(s, SLICE("@cee:")))
        return true;
    if (s.len == 0 || (s.data[0] != '{' && s.data[0] != '['))
        return false;
    opening = s.data[0];
    s = skip_blanks(slice_skip(s, 1));
    if (s.len == 0)
        return opening == '{';
    return s.data[0] == '"' || s.data[0] == '{' || s.data[0] == '[' || (opening == '{' && s.data[0] == '}');
}

/* Cheap: what the audit rulebase could match as a whole line. */
static bool looks_like_audit(struct slice s)
{
    return slice_starts_with(s, SLICE("type=")) || slice_starts_with(s, SLICE("node=")) ||
           slice_starts_with(s, SLICE("audit")) || slice_starts_with(s, SLICE("audisp"));
}

/* "msg=audit(" or the kernel's "audit(" stand in every audit header, whatever a forwarder puts before it. */
static bool may_hold_audit(struct slice s)
{
    /* chosen: no header known is longer than this, and its mark is near its end */
    return slice_find_slice(slice_head(s, 512), SLICE("audit(")) < MIN(s.len, (size_t)512);
}

/* A record with several events: what became of its rows so far. */
struct row_reading {
    struct handing handing;
    bool has_events, has_broken;
};

static int take_row(void *userdata, int outcome, struct event *event)
{
    struct row_reading *reading = userdata;
    struct normalizer *n = reading->handing.n;

    reading->has_broken |= outcome == TEXT_QUARANTINED;
    n->stats.n_rows_lost += outcome == TEXT_QUARANTINED;
    if (outcome != TEXT_EVENT || !(n->options.kinds & EVENT_KIND_BIT(event->kind)))
        return 0;
    if (slice_is_absent(event->host))
        event->host = n->options.host;
    reading->has_events = true;
    n->stats.n_events++;
    return reading->handing.emit(reading->handing.userdata, event);
}

/* The record is counted once: used where a row is an event, else broken where a row is. */
static int read_rows(struct normalizer *n, struct slice text, const struct text_line *line, enum trust trust,
                     event_fn emit, void *userdata)
{
    struct row_reading reading = {.handing = {n, emit, userdata}};
    uint64_t n_left = 0;
    int r = json_read_rows(&n->json, text, line, trust, n->options.uid_map, &n->arena, take_row, &reading,
                           &n_left);

    n->stats.n_rows_lost += n_left;
    if (r < 0)
        return r;
    if (reading.has_events)
        return count(n, &n->stats.n_used);
    return reading.has_broken ? quarantine(n, text) : count(n, &n->stats.n_ignored);
}

static int read_json(struct normalizer *n, struct slice text, const struct text_line *line, enum trust trust,
                     event_fn emit, void *userdata)
{
    struct event event = EVENT_INIT;
    int outcome = json_read(&n->json, text, line, trust, n->options.uid_map, &n->arena, &event);

    if (outcome == TEXT_ROWS)
        return read_rows(n, text, line, trust, emit, userdata);
    /* a wrapping in another is none */
    return take_outcome(n, outcome == TEXT_SHIPPED ? TEXT_IGNORED : outcome, &event, text, emit, userdata);
}

/* What stands behind a header: a syslog line's, or a journal entry's. */
struct message {
    struct text_line line;
    enum trust trust;
    bool may_be_audit;
    bool is_only_audit; /* --format audit */
    bool is_whole;      /* nothing that follows can belong to it */
    bool is_joined, is_cut;
    struct slice unit;
};

/* ---- commands in several messages ---- */

static int take_command(void *userdata, const struct sudo_command *command)
{
    struct handing *handing = userdata;
    struct normalizer *n = handing->n;
    struct event event;
    int r;

    arena_reset(&n->held_arena);
    n->stats.n_used -= command->n_fed;
    r = sudo_command_read(command, n->options.rulebase, n->options.uid_map, &n->held_arena, &event);
    r = take_outcome(n, r, &event, command->first, handing->emit, handing->userdata);
    if (r >= 0)
        count_others(n, command->n_fed);
    return r;
}

/* Whether the message is part of a command that is held. */
static int join_command(struct normalizer *n, const struct sudo_message *message, struct handing *handing)
{
    int r = sudo_join_feed(n->sudo, message, take_command, handing);

    if (r == SUDO_JOIN_TAKEN) {
        n->stats.n_joined++;
        (void)count(n, &n->stats.n_used);
    } else if (r == SUDO_JOIN_REFUSED) {
        n->stats.n_unjoined++;
    }
    return r;
}

/* ---- messages ---- */

static int read_text(struct normalizer *n, const struct record *record, struct message *m, event_fn emit,
                     void *userdata)
{
    struct text_line *line = &m->line;
    struct handing handing = {n, emit, userdata};
    struct event event = EVENT_INIT;
    struct sudo_message sudo;
    int r = 0, joined = SUDO_JOIN_REFUSED;

    if (!line->has_time && record->received_usec > 0) { /* a bare line, read as it is written */
        line->has_time = true;
        line->time_usec = record->received_usec;
    }
    if (slice_equal_string(line->program, "sudo"))
        r = sudo_message_translate(&line->message, &n->arena);
    if (r >= 0 && sudo_join_n_held(n->sudo) > 0 && !m->is_whole)
        r = sudo_join_expire(n->sudo, line, take_command, &handing);
    if (r >= 0 && !m->is_whole && line->has_time && slice_equal_string(line->program, "sudo")) {
        sudo = (struct sudo_message){*line, m->trust, m->unit, record->received_usec};
        joined = r = join_command(n, &sudo, &handing);
        if (r == SUDO_JOIN_TAKEN)
            return 0;
    }
    if (r < 0)
        return r;
    if (xml_is_event(skip_blanks(line->message)))
        r = xml_read_sysmon(line, m->trust, n->options.uid_map, &n->arena, &event);
    else
        r = text_read_message(n->options.rulebase, line, m->trust, n->options.uid_map, &n->arena, &event);
    if (joined == SUDO_JOIN_OTHER && !n->options.is_line_by_line && (r == TEXT_EVENT || r == TEXT_IGNORED) &&
        !record->is_truncated && sudo_join_may_go_on(line->message)) {
        (void)count(n, &n->stats.n_used);
        return sudo_join_hold(n->sudo, &sudo, take_command, &handing);
    }
    if (r == TEXT_EVENT && slice_is_absent(event.unit))
        event.unit = m->unit;
    if (r == TEXT_EVENT) {
        event.is_joined = m->is_joined;
        event.is_cut |= m->is_cut;
    }
    if (r == TEXT_UNKNOWN && record->is_truncated)
        r = TEXT_QUARANTINED;
    return take_outcome(n, r, &event, line->message, emit, userdata);
}

static int read_message(struct normalizer *n, const struct record *record, struct message *m, event_fn emit,
                        void *userdata)
{
    struct slice text = m->line.message;
    struct audit_record audit = {0};
    int r;

    if (!m->is_only_audit && looks_like_json(text)) {
        if (record->is_truncated)
            return quarantine(n, text);
        return read_json(n, text, &m->line, m->trust, emit, userdata);
    }
    if (may_hold_audit(text)) {
        r = text_read_audit(n->options.rulebase, text, &n->arena, &audit);
        if (r < 0)
            return r;
        if (r > 0 && !m->may_be_audit)
            /* a forgery: only the kernel and auditd write audit records */
            return take_outcome(n, TEXT_IGNORED, NULL, text, emit, userdata);
        if (r > 0 && record->is_truncated)
            return quarantine(n, text);
        if (r > 0) {
            audit.host = m->line.host;
            audit.unit = m->unit;
            return take_audit(n, &audit, record, m->trust, text, emit, userdata);
        }
    }
    if (m->is_only_audit)
        return take_outcome(n, record->is_truncated ? TEXT_QUARANTINED : TEXT_UNKNOWN, NULL, text, emit,
                            userdata);
    return read_text(n, record, m, emit, userdata);
}

/* A line of a log in a document, which says whose it is and when it was shipped. That gives the line its
 * year: of other lines the gate may have dropped some. */
static int read_shipped(struct normalizer *n, const struct record *record, const struct text_line *shipped,
                        event_fn emit, void *userdata)
{
    struct message message = {.line = *shipped, .trust = TRUST_LOW, .may_be_audit = true};
    struct text_calendar calendar = {.first_year = n->options.year};
    struct text_line line;
    int r = 0;

    if (shipped->has_time)
        calendar = (struct text_calendar){.reference_usec = shipped->time_usec + USEC_PER_DAY};
    if (!looks_like_audit(shipped->message) && !looks_like_json(shipped->message))
        r = text_read_header(n->options.rulebase, &calendar, shipped->message, &n->arena, &line);
    if (r < 0)
        return r;
    if (r > 0) {
        message.line = line;
        if (slice_is_absent(line.host))
            message.line.host = shipped->host;
        if (!line.has_time) {
            message.line.has_time = shipped->has_time;
            message.line.time_usec = shipped->time_usec;
        }
    }
    return read_message(n, record, &message, emit, userdata);
}

/*
 * A line that is a document. What no reader knows may be a wrapping, read as what it wraps: an entry of the
 * journal proves what its fields do, and no more than the line it stands on, which is easier to forge than an
 * entry; a syslog message proves nothing.
 */
static int read_document(struct normalizer *n, const struct record *record, struct slice text, event_fn emit,
                         void *userdata)
{
    struct event event = EVENT_INIT;
    struct message message = {.trust = TRUST_LOW, .may_be_audit = true};
    struct json_wrapped wrapped;
    struct journal_entry entry;
    struct record inner = *record;
    bool is_shipped;
    int r;

    r = json_read(&n->json, text, NULL, record->trust, n->options.uid_map, &n->arena, &event);
    if (r == TEXT_ROWS)
        return read_rows(n, text, NULL, record->trust, emit, userdata);
    is_shipped = r == TEXT_SHIPPED;
    if (r != TEXT_UNKNOWN && !is_shipped)
        return take_outcome(n, r, &event, text, emit, userdata);
    r = json_read_wrapped(&n->json, text, &n->arena, &wrapped);
    switch (r) {
    case JSON_WRAPS_ENTRY:
        inner.kind = RECORD_JOURNAL;
        inner.fields = wrapped.fields;
        inner.n_fields = wrapped.n_fields;
        r = journal_read(&inner, &entry);
        if (r == JOURNAL_UNUSABLE || r == JOURNAL_BROKEN)
            return quarantine(n, text);
        entry.trust = MIN(entry.trust, record->trust);
        if (r == JOURNAL_AUDIT)
            return take_audit(n, &entry.audit, record, entry.trust, text, emit, userdata);
        message = (struct message){
            .line = entry.line, .trust = entry.trust, .may_be_audit = entry.may_be_audit, .unit = entry.unit};
        return read_message(n, record, &message, emit, userdata);
    case JSON_WRAPS_LINE:
        message.line = wrapped.line;
        return read_message(n, record, &message, emit, userdata);
    case JSON_WRAPS_RAW:
        return read_shipped(n, record, &wrapped.line, emit, userdata);
    case JSON_WRAPS_BROKEN:
        return quarantine(n, text);
    default:
        return r < 0 ? r
                     : take_outcome(n, is_shipped ? TEXT_IGNORED : TEXT_UNKNOWN, NULL, text, emit, userdata);
    }
}

/*
 * A line outside of audit that nobody can want. It must not be one that the next line's year depends on, nor
 * one that was cut: its name may stand in what is missing.
 */
static bool is_gated(const struct normalizer *n, const struct record *record, struct slice line, bool is_json)
{
    if (!n->gate || record->is_truncated)
        return false;
    /* how the next line is read may depend on it */
    if (sudo_join_n_held(n->sudo) > 0)
        return false;
    if (is_json)
        return !gate_may_want(n->gate, line, true);
    return text_time_is_settled(&n->calendar, line) && !gate_may_want(n->gate, line, false) &&
           !sudo_join_may_matter(line);
}

static int read_line(struct normalizer *n, const struct record *record, event_fn emit, void *userdata)
{
    static const struct slice bom = SLICE("\xEF\xBB\xBF");
    enum format format = n->options.format;
    bool is_audit = format == FORMAT_AUDIT;
    struct message message = {
        .trust = is_audit ? record->trust : TRUST_LOW, .may_be_audit = true, .is_only_audit = is_audit};
    struct slice line = record->bytes;
    struct audit_record audit = {0};
    int r;

    if (slice_starts_with(line, bom))
        line = slice_skip(line, bom.len);
    if (format == FORMAT_JOURNAL_EXPORT) /* a line between entries */
        return take_outcome(n, TEXT_UNKNOWN, NULL, line, emit, userdata);
    if (format == FORMAT_JSON || (format == FORMAT_AUTO && looks_like_json(line))) {
        if (is_gated(n, record, line, true))
            return count(n, &n->stats.n_gated);
        if (record->is_truncated) /* half a document is none */
            return quarantine(n, line);
        return read_document(n, record, line, emit, userdata);
    }
    if (is_audit || (format == FORMAT_AUTO && looks_like_audit(line))) {
        r = n->gate && !n->options.is_header_by_rules && audit_header_read(line, &audit);
        if (r == 0)
            r = text_read_audit(n->options.rulebase, line, &n->arena, &audit);
        if (r < 0)
            return r;
        if (r > 0 && record->is_truncated)
            return quarantine(n, line);
        if (r > 0)
            return take_audit(n, &audit, record, record->trust, line, emit, userdata);
    }
    if (is_gated(n, record, line, false))
        return count(n, &n->stats.n_gated);
    message.line.pid = -1;
    r = text_read_header(n->options.rulebase, &n->calendar, line, &n->arena, &message.line);
    if (r < 0)
        return r;
    if (r == 0)
        message.line.message = line;
    return read_message(n, record, &message, emit, userdata);
}

static int read_entry(struct normalizer *n, const struct record *record, event_fn emit, void *userdata)
{
    struct journal_entry entry;
    struct message message;
    int r;

    if (record->is_truncated)
        return quarantine(n, record_find_field(record, SLICE("MESSAGE")));
    r = journal_read(record, &entry);
    switch (r) {
    case JOURNAL_AUDIT:
        return take_audit(n, &entry.audit, record, entry.trust, entry.audit.body, emit, userdata);
    case JOURNAL_MESSAGE:
        message = (struct message){
            .line = entry.line, .trust = entry.trust, .may_be_audit = entry.may_be_audit, .unit = entry.unit};
        return read_message(n, record, &message, emit, userdata);
    case JOURNAL_BROKEN:
        return quarantine(n, SLICE("an entry of the audit transport without its time or serial"));
    default:
        return take_outcome(n, TEXT_UNKNOWN, NULL, SLICE("a journal entry without MESSAGE"), emit, userdata);
    }
}

/* ---- records of several lines ---- */

/* A line of sudo's own log, whole. */
static int read_file_line(struct normalizer *n, const struct record *record, const struct joined_lines *lines,
                          event_fn emit, void *userdata)
{
    struct message message = {.line = {.program = SLICE("sudo"), .pid = -1},
                              .trust = TRUST_LOW,
                              .is_whole = true,
                              .is_joined = lines->is_joined,
                              .is_cut = lines->is_cut};
    struct text_calendar dated;
    struct slice stamp;
    char time[24];

    if (is_gated(n, record, record->bytes, false))
        return count(n, &n->stats.n_gated);
    if (!sudo_file_line_split(record->bytes, time, &stamp, &message.line.message))
        return quarantine(n, record->bytes); /* a saved state that is wrong */
    /* a line that says its year tells the others nothing: the gate may have dropped it */
    dated = n->calendar;
    message.line.has_time =
        text_time_read(stamp.data == time ? &dated : &n->calendar, stamp, &message.line.time_usec) == 0;
    return read_text(n, record, &message, emit, userdata);
}

static int take_lines(void *userdata, const struct joined_lines *lines)
{
    struct handing *handing = userdata;
    struct normalizer *n = handing->n;
    struct record record = {.kind = RECORD_LINE,
                            .trust = lines->trust,
                            .bytes = lines->text,
                            .received_usec = lines->received_usec};
    int r;

    arena_reset(&n->arena);
    n->stats.n_used -= lines->n_lines;
    n->counted = &n->stats.n_used;
    switch (lines->kind) {
    case LINE_JOIN_WRAPPED:
        r = read_file_line(n, &record, lines, handing->emit, handing->userdata);
        break;
    case LINE_JOIN_DOCUMENT:
        r = read_line(n, &record, handing->emit, handing->userdata);
        break;
    case LINE_JOIN_PARENS:
        r = take_outcome(n, TEXT_IGNORED, NULL, lines->text, NULL, NULL);
        break;
    default:
        r = quarantine(n, lines->text);
        break;
    }
    if (r >= 0)
        count_others(n, lines->n_lines);
    return r;
}

static bool holds_lines(const struct normalizer *n)
{
    return line_join_is_held(n->lines) || sudo_join_n_held(n->sudo) > 0;
}

static int advance_lines(struct normalizer *n, int64_t now_usec, struct handing *handing)
{
    int r = line_join_advance(n->lines, now_usec, take_lines, handing);

    return r < 0 ? r : sudo_join_advance(n->sudo, now_usec, take_command, handing);
}

int normalizer_feed(struct normalizer *n, const struct record *record, event_fn emit, void *userdata)
{
    struct handing handing = {n, emit, userdata};
    int r;

    n->stats.n_records++;
    if (record->kind == RECORD_LINE && slice_trim(record->bytes).len == 0) {
        n->stats.n_empty++;
        return 0;
    }
    if (record->received_usec > 0 && holds_lines(n)) {
        r = advance_lines(n, record->received_usec, &handing);
        if (r < 0)
            return r;
    }
    (void)count(n, &n->stats.n_used);
    r = line_join_feed(n->lines, record, take_lines, &handing);
    if (r != 0)
        return MIN(r, 0);
    n->stats.n_used--;
    n->counted = NULL;
    arena_reset(&n->arena);
    if (record->kind == RECORD_JOURNAL)
        return read_entry(n, record, emit, userdata);
    return read_line(n, record, emit, userdata);
}

int normalizer_advance(struct normalizer *n, int64_t now_usec, event_fn emit, void *userdata)
{
    struct handing handing = {n, emit, userdata};
    int r = advance_lines(n, now_usec, &handing);

    return r < 0 ? r : audit_assembler_advance(n->assembler, now_usec, emit, userdata);
}

int64_t normalizer_deadline_usec(const struct normalizer *n)
{
    int64_t lines_usec = line_join_deadline_usec(n->lines), sudo_usec = sudo_join_deadline_usec(n->sudo);

    lines_usec = MIN(lines_usec, sudo_usec);
    return MIN(lines_usec, audit_assembler_deadline_usec(n->assembler));
}

int normalizer_flush(struct normalizer *n, event_fn emit, void *userdata)
{
    struct handing handing = {n, emit, userdata};
    int r = line_join_flush(n->lines, take_lines, &handing);

    if (r >= 0)
        r = sudo_join_flush(n->sudo, take_command, &handing);
    return r < 0 ? r : audit_assembler_flush(n->assembler, emit, userdata);
}

int normalizer_save(const struct normalizer *n, struct buffer *out)
{
    int r = buffer_append_u32(out, STATE_VERSION);

    if (r >= 0)
        r = buffer_append_u32(out, (uint32_t)n->calendar.year);
    if (r >= 0)
        r = buffer_append_u32(out, (uint32_t)n->calendar.month);
    if (r >= 0)
        r = sudo_join_save(n->sudo, out);
    if (r >= 0)
        r = line_join_save(n->lines, out);
    return r < 0 ? r : audit_assembler_save(n->assembler, out);
}

int normalizer_load(struct normalizer *n, struct slice bytes)
{
    uint32_t version, year, month;
    int r = slice_read_u32(&bytes, &version);

    if (r >= 0 && version != STATE_VERSION && version != STATE_VERSION_FIRST)
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
    if (version > STATE_VERSION_FIRST) {
        r = sudo_join_load(n->sudo, &bytes);
        if (r >= 0)
            r = line_join_load(n->lines, &bytes);
        if (r < 0)
            return r;
    }
    return audit_assembler_load(n->assembler, bytes);
}

size_t normalizer_n_pending(const struct normalizer *n)
{
    return audit_assembler_n_pending(n->assembler) + sudo_join_n_held(n->sudo) +
           (line_join_is_held(n->lines) ? 1 : 0);
}

int64_t normalizer_pending_usec(const struct normalizer *n)
{
    return MIN(audit_assembler_pending_usec(n->assembler), sudo_join_pending_usec(n->sudo));
}

enum normalizer_fate normalizer_last_fate(const struct normalizer *n)
{
    if (n->counted == &n->stats.n_used)
        return FATE_USED;
    if (n->counted == &n->stats.n_ignored)
        return FATE_IGNORED;
    if (n->counted == &n->stats.n_unknown)
        return FATE_UNKNOWN;
    return n->counted == &n->stats.n_quarantined ? FATE_QUARANTINED : FATE_BY_COUNTS;
}

const struct normalizer_stats *normalizer_stats(const struct normalizer *n)
{
    return &n->stats;
}

void normalizer_set_stats(struct normalizer *n, const struct normalizer_stats *stats)
{
    n->stats = *stats;
}
