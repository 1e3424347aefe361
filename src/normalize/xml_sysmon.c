/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sysmon for Linux writes to syslog what Sysmon writes on Windows: an XML event a line,
 * <Event><System>…<EventID>1</EventID>…<Computer>…</System><EventData><Data Name="Image">…</Data>…. EventID 1
 * is a process start, all others are ignored.
 *
 * libexpat reads it, not a scanner of our own: names are hidden in entities as easily as in quotes, and expat
 * has seen more hostile XML than we ever will. Its limits here: one message at a time, no document type (so
 * no entities of the sender's own, and nothing to expand), no comments, instructions and CDATA sections
 * (Sysmon writes none, and they can hide a name from the gate), and a buffer of the message's length, which
 * decoded text never exceeds. A command line may hold bytes that are no UTF-8, at which an XML parser stops,
 * and a process would be hidden by one byte in an argument; so the text is declared to be Latin-1, whose
 * bytes are all characters, and they are made bytes again afterwards.
 *
 * Whose: User is the name of the process's user. A login identity is not in the event (LogonId is not used:
 * it is not documented what it holds on Linux), so the user is the actor, as in other formats that know one
 * only. CommandLine is the arguments joined by blanks: args are a guess. syslog daemons cut long messages:
 * what is cut is no XML any more and counted as broken. A field that comes twice makes the event ambiguous.
 */
#include "normalize/xml_sysmon.h"

#include <errno.h>

#include <expat.h>

#include "normalize/identity.h"
#include "util/parse.h"

/* kernel include/linux/threads.h PID_MAX_LIMIT */
#define PID_MAX_LIMIT (4U * 1024 * 1024)
/* chosen: Sysmon's deepest element is on level 3 */
#define DEPTH_LIMIT 16

enum field {
    FIELD_EVENT_ID,
    FIELD_COMPUTER,
    FIELD_UTC_TIME,
    FIELD_PROCESS_ID,
    FIELD_IMAGE,
    FIELD_COMMAND_LINE,
    FIELD_CURRENT_DIRECTORY,
    FIELD_USER,
    FIELD_PARENT_PROCESS_ID,
    FIELD_PARENT_IMAGE,
    N_FIELDS,
};

/* elements of System, then names of Data */
static const char *const field_names[] = {
    "EventID",     "Computer",         "UtcTime", "ProcessId",       "Image",
    "CommandLine", "CurrentDirectory", "User",    "ParentProcessId", "ParentImage",
};

struct reader {
    XML_Parser parser;
    char *out; /* decoded text, as large as the message */
    size_t n_out, size;
    int depth;
    int current; /* enum field; -1: none */
    size_t current_start;
    struct slice fields[N_FIELDS];
    struct slice system_time;
    struct arena *arena;
    bool is_sysmon, is_repeated, is_full;
};

static const char *find_attribute(const XML_Char **attributes, const char *name)
{
    for (; attributes[0]; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

static void XMLCALL on_start(void *userdata, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = userdata;
    const char *text = name;
    size_t first = FIELD_EVENT_ID, end = FIELD_UTC_TIME;

    r->current = -1;
    if (++r->depth > DEPTH_LIMIT) {
        (void)XML_StopParser(r->parser, XML_FALSE);
        return;
    }
    if (strcmp(name, "Provider") == 0) {
        text = find_attribute(attributes, "Name");
        r->is_sysmon |= text && strcmp(text, "Linux-Sysmon") == 0;
        return;
    }
    if (strcmp(name, "TimeCreated") == 0) {
        text = find_attribute(attributes, "SystemTime");
        if (text && arena_copy(r->arena, slice_from_string(text), &r->system_time) < 0)
            (void)XML_StopParser(r->parser, XML_FALSE);
        return;
    }
    if (strcmp(name, "Data") == 0) {
        text = find_attribute(attributes, "Name");
        first = FIELD_UTC_TIME;
        end = N_FIELDS;
    }
    for (size_t i = first; text && i < end; i++)
        if (strcmp(text, field_names[i]) == 0) {
            r->current = (int)i;
            r->current_start = r->n_out;
        }
}

static void XMLCALL on_text(void *userdata, const XML_Char *text, int len)
{
    struct reader *r = userdata;

    for (int i = 0; r->current >= 0 && i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        /* U+0080 to U+00FF are a byte again */
        if ((c == 0xc2 || c == 0xc3) && i + 1 < len)
            c = (unsigned char)((c & 3) << 6 | ((unsigned char)text[++i] & 0x3f));
        if (r->n_out == r->size) {
            r->is_full = true;
            return;
        }
        r->out[r->n_out++] = (char)c;
    }
}

static void XMLCALL on_end(void *userdata, const XML_Char *name)
{
    struct reader *r = userdata;

    (void)name;
    r->depth--;
    if (r->current < 0)
        return;
    r->is_repeated |= !slice_is_absent(r->fields[r->current]);
    r->fields[r->current] = slice_new(r->out + r->current_start, r->n_out - r->current_start);
    r->current = -1;
}

static void XMLCALL on_doctype(void *userdata, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset)
{
    struct reader *r = userdata;

    (void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

/* Comments, instructions and CDATA sections can cut a name in two, where the gate does not see it. */
static void XMLCALL on_comment(void *userdata, const XML_Char *text)
{
    struct reader *r = userdata;

    (void)text;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_instruction(void *userdata, const XML_Char *target, const XML_Char *text)
{
    (void)target;
    on_comment(userdata, text);
}

static void XMLCALL on_cdata(void *userdata)
{
    on_comment(userdata, NULL);
}

static void XMLCALL on_cdata_end(void *userdata)
{
    (void)userdata;
}

bool xml_is_event(struct slice message)
{
    return slice_starts_with(message, SLICE("<Event>")) || slice_starts_with(message, SLICE("<Event ")) ||
           slice_starts_with(message, SLICE("<?xml "));
}

static struct slice present(struct slice s)
{
    return s.len == 0 || slice_equal(s, SLICE("-")) ? SLICE_NULL : s;
}

static int64_t read_pid(struct slice text)
{
    uint32_t pid;

    return parse_u32(text, &pid) == 0 && pid <= PID_MAX_LIMIT ? (int64_t)pid : -1;
}

/* "2026-11-24 10:00:00.123", UTC */
static bool read_utc(struct slice text, struct arena *arena, int64_t *ret_usec)
{
    size_t at = slice_find(text, ' ');
    char *copy;

    if (at == text.len)
        return false;
    copy = arena_alloc(arena, text.len + 1);
    if (!copy)
        return false;
    memcpy(copy, text.data, text.len);
    copy[at] = 'T';
    copy[text.len] = 'Z';
    return parse_timestamp_usec(slice_new(copy, text.len + 1), ret_usec) == 0;
}

static int make_event(struct reader *reader, const struct text_line *line, const struct uid_map *uid_map,
                      struct event *event)
{
    const struct slice *fields = reader->fields;
    struct identity_input who = {.real.name = present(fields[FIELD_USER])};
    struct slice base;
    int r;

    if (parse_timestamp_usec(reader->system_time, &event->time_usec) < 0 &&
        !read_utc(fields[FIELD_UTC_TIME], reader->arena, &event->time_usec)) {
        if (!line->has_time)
            return TEXT_QUARANTINED;
        event->time_usec = line->time_usec;
    }
    event->format = SLICE("sysmon");
    event->action = SLICE("executed");
    event->host = present(fields[FIELD_COMPUTER]);
    if (slice_is_absent(event->host))
        event->host = line->host;
    event->executable = present(fields[FIELD_IMAGE]);
    event->command_line = present(fields[FIELD_COMMAND_LINE]);
    event->working_directory = present(fields[FIELD_CURRENT_DIRECTORY]);
    event->pid = read_pid(fields[FIELD_PROCESS_ID]);
    event->parent_pid = read_pid(fields[FIELD_PARENT_PROCESS_ID]);
    event->parent_executable = present(fields[FIELD_PARENT_IMAGE]);
    event->is_args_exact = false;
    base = slice_base_name(event->executable);
    if (base.len == 0)
        return TEXT_QUARANTINED;
    event->process_name = base;
    who.effective = who.real;
    r = identity_resolve(&who, uid_map, reader->arena, event);
    if (r < 0)
        return r;
    if (slice_is_absent(event->actor.name))
        return TEXT_QUARANTINED;
    r = text_split_command(event->command_line, reader->arena, &event->args, &event->n_args);
    if (r < 0)
        return r;
    event->args_count = slice_is_absent(event->command_line) ? -1 : (int64_t)event->n_args;
    if (reader->is_repeated) {
        event->is_ambiguous = true;
        event->trust = TRUST_LOW;
    }
    return TEXT_EVENT;
}

int xml_read_sysmon(const struct text_line *line, enum trust trust, const struct uid_map *uid_map,
                    struct arena *arena, struct event *ret_event)
{
    struct slice text = slice_trim(line->message);
    struct reader reader = {.current = -1, .arena = arena, .size = text.len};
    struct event event = EVENT_INIT;
    enum XML_Status status;
    bool is_out_of_memory;
    int r;

    if (text.len > INT32_MAX)
        return TEXT_QUARANTINED;
    reader.out = arena_alloc(arena, text.len + 1);
    reader.parser = reader.out ? XML_ParserCreate("ISO-8859-1") : NULL;
    if (!reader.parser)
        return -ENOMEM;
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetCommentHandler(reader.parser, on_comment);
    XML_SetProcessingInstructionHandler(reader.parser, on_instruction);
    XML_SetCdataSectionHandler(reader.parser, on_cdata, on_cdata_end);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    status = XML_Parse(reader.parser, text.data, (int)text.len, XML_TRUE);
    is_out_of_memory = XML_GetErrorCode(reader.parser) == XML_ERROR_NO_MEMORY;
    XML_ParserFree(reader.parser);
    if (is_out_of_memory)
        return -ENOMEM;
    if (status != XML_STATUS_OK || reader.is_full)
        return TEXT_QUARANTINED;
    if (!reader.is_sysmon)
        return TEXT_UNKNOWN;
    if (!slice_equal(slice_trim(reader.fields[FIELD_EVENT_ID]), SLICE("1")))
        return TEXT_IGNORED;
    event.trust = trust;
    r = make_event(&reader, line, uid_map, &event);
    if (r == TEXT_EVENT)
        *ret_event = event;
    return r;
}
