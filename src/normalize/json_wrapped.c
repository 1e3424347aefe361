/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Documents that say nothing themselves but hold what somebody logged:
 *
 * - One entry of the journal a line, journalctl -o json (systemd docs/JOURNAL_EXPORT_FORMATS.md, "Journal
 *   JSON Format"): fields are members; a value that is no UTF-8 is an array of its bytes as numbers, one that
 *   came more than once an array of values (the first counts, as in journal.c), one larger than journalctl
 *   shows (4096 bytes without --all) is null. Known by _TRANSPORT, which every entry has, and which the gate
 *   lets pass: a message spelled in numbers shows no name. Read as an entry of the export format is.
 * - A log daemon's message with its program and host: rsyslog's %jsonmesg%, and its templates of type list
 *   with option.jsonf, whose names are the administrator's, of which the usual ones are known; syslog-ng's
 *   format-json; Vector's, Fluentd's and Fluent Bit's syslog inputs; Filebeat's, where it took the header
 *   off. Read as the syslog line it was made of.
 * - A shipper's line of a file as it stands there: Filebeat and Elastic Agent ("message" without a program),
 *   Logstash, Wazuh ("full_log"), Fluent Bit of a container ("log" and "stream").
 *
 * A null MESSAGE is broken, not absent: something was there and is lost. Only the fields that journal.c looks
 * at are fetched. Cost: one more parse of a document that no other reader knew.
 */
#include "normalize/json_wrapped.h"

#include <errno.h>

#include "util/parse.h"

/* kernel include/linux/threads.h PID_MAX_LIMIT */
#define PID_MAX_LIMIT (4U * 1024 * 1024)
/* 9999-12-31T23:59:59Z: RFC 3339 cannot write a later one */
#define SECONDS_MAX UINT64_C(253402300799)

/* An array of bytes as numbers. False: it is none. */
static bool read_bytes(struct json_reader *reader, const struct json_node *node, struct slice *ret_value)
{
    size_t n = json_node_length(node);
    char *bytes;

    bytes = arena_alloc(reader->arena, n + 1);
    if (!bytes) {
        reader->error = -ENOMEM;
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct json_reader element = {.node = json_node_element(node, i), .arena = reader->arena};
        struct slice text = json_reader_text_of(&element, element.node);
        uint32_t v;

        if (element.error < 0)
            reader->error = element.error;
        if (parse_u32(text, &v) < 0 || v > UINT8_MAX)
            return false;
        bytes[i] = (char)v;
    }
    *ret_value = slice_new(bytes, n);
    return true;
}

/* The first value of a field. False: there is one and it is of no use. */
static bool read_value(struct json_reader *reader, const struct json_node *node, struct slice *ret_value)
{
    struct slice text = json_reader_text_of(reader, node);
    struct slice first;

    if (!slice_is_absent(text)) {
        *ret_value = text;
        return true;
    }
    if (json_node_length(node) == 0)
        return false;
    if (json_node_length(json_node_element(node, 0)) > 1) /* values, of which the first is bytes */
        return read_bytes(reader, json_node_element(node, 0), ret_value);
    if (read_bytes(reader, node, ret_value))
        return true;
    first = json_reader_text_of(reader, json_node_element(node, 0));
    *ret_value = first;
    return !slice_is_absent(first);
}

static int read_entry(struct json_reader *reader, struct json_wrapped *wrapped)
{
    /* what journal.c collects */
    static const char *const names[] = {
        "MESSAGE",
        "_TRANSPORT",
        "SYSLOG_IDENTIFIER",
        "_HOSTNAME",
        "_COMM",
        "_EXE",
        "_UID",
        "_PID",
        "SYSLOG_PID",
        "_SYSTEMD_UNIT",
        "_AUDIT_ID",
        "_AUDIT_TYPE",
        "_AUDIT_TYPE_NAME",
        "_SOURCE_REALTIME_TIMESTAMP",
        "__REALTIME_TIMESTAMP",
    };

    _Static_assert(ARRAY_SIZE(names) <= JSON_WRAPPED_FIELDS_MAX, "fields");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct json_node *node = json_reader_find(reader, names[i]);
        struct record_field field = {.name = slice_from_string(names[i])};

        if (!node)
            continue;
        if (!read_value(reader, node, &field.value))
            return reader->error < 0 ? reader->error : JSON_WRAPS_BROKEN;
        wrapped->fields[wrapped->n_fields++] = field;
    }
    if (reader->error < 0)
        return reader->error;
    /* without MESSAGE: journalctl's null for one that is too large */
    return json_reader_has(reader, "MESSAGE") ? JSON_WRAPS_ENTRY : JSON_WRAPS_BROKEN;
}

static struct slice first_text(struct json_reader *reader, const char *const *paths)
{
    for (; *paths; paths++) {
        struct slice text = json_reader_text(reader, *paths);

        if (text.len > 0 && !slice_equal(text, SLICE("-")))
            return text;
    }
    return SLICE_NULL;
}

/* "sudo[42]:", "/usr/sbin/cron:", "sudo" */
static void read_tag(struct slice tag, struct text_line *line)
{
    size_t end = slice_find(tag, '[');
    struct slice pid = slice_skip(tag, MIN(end + 1, tag.len));
    uint32_t v;

    if (end == tag.len)
        end = slice_find(tag, ':');
    line->program = slice_base_name(slice_head(tag, end));
    if (parse_u32(slice_head(pid, slice_find(pid, ']')), &v) == 0 && v <= PID_MAX_LIMIT)
        line->pid = v;
}

/* A time stamp; Fluent Bit's "date" is a number of seconds. */
static bool read_line_time(struct json_reader *reader, int64_t *ret_usec)
{
    static const char *const times[] = {"timereported",  "timestamp", "@timestamp", "ISODATE",
                                        "timegenerated", "time",      NULL};
    struct slice date = json_reader_text(reader, "date");
    uint64_t seconds;

    if (parse_timestamp_usec(first_text(reader, times), ret_usec) == 0)
        return true;
    if (parse_u64(slice_head(date, slice_find(date, '.')), &seconds) < 0 || seconds > SECONDS_MAX)
        return false;
    *ret_usec = (int64_t)seconds * USEC_PER_SEC;
    return true;
}

/* A line of a log; absent: it holds none. */
static struct slice read_raw(struct json_reader *reader)
{
    static const char *const lines[] = {"full_log", "message", NULL};

    if (json_reader_has(reader, "stream") && json_reader_has(reader, "log"))
        return json_reader_text(reader, "log");
    return first_text(reader, lines);
}

static int read_line(struct json_reader *reader, struct json_wrapped *wrapped)
{
    static const char *const messages[] = {"msg", "message", "MESSAGE", NULL};
    static const char *const programs[] = {
        "syslogtag",    "syslog-tag",      "app-name", "appname",           "programname",
        "program",      "ident",           "PROGRAM",  "syslog.identifier", "log.syslog.appname",
        "process.name", "process.program", NULL};
    static const char *const hosts[] = {
        "hostname",  "host",          "sysloghost", "HOST", "predecoder.hostname",
        "host.name", "host.hostname", "agent.name", NULL};
    static const char *const pids[] = {"procid", "pid", "PID", "process.pid", NULL};
    struct text_line line = {.pid = -1};
    struct slice tag = first_text(reader, programs);
    bool is_raw = slice_is_absent(tag);
    uint32_t pid;

    line.message = is_raw ? read_raw(reader) : first_text(reader, messages);
    if (line.message.len == 0)
        return reader->error < 0 ? reader->error : JSON_WRAPS_NOTHING;
    if (!is_raw)
        read_tag(tag, &line);
    if (!is_raw && line.pid < 0 && parse_u32(first_text(reader, pids), &pid) == 0 && pid <= PID_MAX_LIMIT)
        line.pid = pid;
    line.host = first_text(reader, hosts);
    line.has_time = read_line_time(reader, &line.time_usec);
    if (reader->error < 0)
        return reader->error;
    wrapped->line = line;
    return is_raw ? JSON_WRAPS_RAW : JSON_WRAPS_LINE;
}

int json_read_wrapped(struct json_parser *parser, struct slice text, struct arena *arena,
                      struct json_wrapped *ret_wrapped)
{
    _cleanup_(json_document_freep) struct json_document *document = NULL;
    struct json_reader reader = {.arena = arena};
    struct json_wrapped wrapped = {.line = {.pid = -1}};
    int r;

    r = json_document_new(parser, slice_trim(text), &document);
    if (r <= 0)
        return r < 0 ? r : JSON_WRAPS_NOTHING;
    reader.node = json_document_root(document);
    r = json_reader_has(&reader, "_TRANSPORT") ? read_entry(&reader, &wrapped) : read_line(&reader, &wrapped);
    if (r > JSON_WRAPS_NOTHING)
        *ret_wrapped = wrapped;
    return r;
}
