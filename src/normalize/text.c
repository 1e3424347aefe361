/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Text to events, in two steps that are both rulebases: the header of a line (who sent it, when), then its
 * message ("sudo: alice : TTY=…"). What a rule finds has a name; this file gives the names a meaning and does
 * what rules cannot: years, numbers, words of a command, and doubt.
 *
 * Doubt: sudo joins its fields by " ; " and does not protect them, and the directory of PWD= is the user's to
 * name. A directory "x ; USER=root ; COMMAND=/bin/true" makes a second reading. Rules take the first hit, so
 * what follows betrays it: a field that comes twice or out of sudo's order, or another USER= or COMMAND=
 * behind the first COMMAND=. The event is then marked, is not trusted, and never ignored, since hiding a
 * command is what a forger wants. An argument that holds " ; USER=" is marked as well, which is right: nobody
 * can tell.
 *
 * Whose: in these formats the login id is absent, so the actor is the user they name (normalize/identity.c).
 * For sudo and doas this is the invoking user; the command's real and effective user is the one it runs as,
 * as an audit record of the same command would say. sudo's own pid, in the syslog header, is not the
 * command's.
 *
 * The same holds for pkexec, whose parts are between brackets.
 *
 * sudo with log_exit_status says " ; EXIT=1" or " ; SIGNAL=TERM" behind a command when it ends. This is taken
 * off and the line stays a process start: otherwise anyone could hide a command by an argument of this form.
 *
 * Cost: linear in the line. Memory is the record's arena.
 */
#include "normalize/text.h"

#include <errno.h>

#include "normalize/text_split.h"
#include "normalize/text_time.h"
#include "util/parse.h"

/* 9999-12-31T23:59:59Z: RFC 3339 cannot write a later one */
#define SECONDS_MAX UINT64_C(253402300799)
/* kernel include/linux/threads.h PID_MAX_LIMIT */
#define PID_MAX_LIMIT (4U * 1024 * 1024)

/* ---- headers ---- */

/* Whether a word before ": " at the very front of a line can be a program; JSON and prose have others. */
static bool is_program(struct slice s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./()";

    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] == '\0' || !strchr(allowed, s.data[i]))
            return false;
    return s.len > 0;
}

/* RFC 5424's "nothing" */
static struct slice nil_to_absent(struct slice s)
{
    return slice_equal_string(s, "-") ? SLICE_NULL : s;
}

/* What follows STRUCTURED-DATA (RFC 5424 section 6.3): "-" or "[id name=\"value\"…]…". */
static struct slice skip_structured_data(struct slice s)
{
    static const struct slice bom = SLICE("\xEF\xBB\xBF");
    bool is_quoted = false, is_inside = false;
    size_t i = 0;

    if (s.len > 0 && s.data[0] == '-') {
        i = 1;
    } else {
        for (; i < s.len; i++) {
            char c = s.data[i];

            if (!is_inside) {
                if (c != '[')
                    break;
                is_inside = true;
            } else if (c == '\\' && is_quoted && i + 1 < s.len) {
                i++;
            } else if (c == '"') {
                is_quoted = !is_quoted;
            } else if (c == ']' && !is_quoted) {
                is_inside = false;
            }
        }
    }
    s = slice_skip(s, i);
    if (s.len > 0 && s.data[0] == ' ')
        s = slice_skip(s, 1);
    return slice_starts_with(s, bom) ? slice_skip(s, bom.len) : s;
}

static int read_iso_time(const struct rule_match *match, struct arena *arena, struct text_line *line)
{
    struct slice date = rule_match_find(match, "date"), clock = rule_match_find(match, "clock");
    char *text;

    text = arena_alloc(arena, date.len + 1 + clock.len);
    if (!text)
        return -ENOMEM;
    if (date.len > 0)
        memcpy(text, date.data, date.len);
    text[date.len] = 'T';
    if (clock.len > 0)
        memcpy(text + date.len + 1, clock.data, clock.len);
    line->has_time = parse_timestamp_usec(slice_new(text, date.len + 1 + clock.len), &line->time_usec) == 0;
    return 0;
}

/* "Jan 13 23:02:00", perhaps with a year behind it. That tells other lines nothing: the gate may drop it. */
static int read_bsd_time(const struct rule_match *match, struct text_calendar *calendar, struct arena *arena,
                         struct text_line *line)
{
    struct slice time = rule_match_find(match, "time"), year = rule_match_find(match, "year");
    struct text_calendar dated = *calendar;
    size_t clock = time.len;
    char *text;

    if (slice_is_absent(year)) {
        line->has_time = text_time_read(calendar, time, &line->time_usec) == 0;
        return 0;
    }
    text = arena_alloc(arena, time.len + 1 + year.len);
    if (!text)
        return -ENOMEM;
    while (clock > 0 && time.data[clock - 1] != ' ')
        clock--;
    memcpy(text, time.data, clock);
    memcpy(text + clock, year.data, year.len);
    text[clock + year.len] = ' ';
    memcpy(text + clock + year.len + 1, time.data + clock, time.len - clock);
    line->has_time = text_time_read(&dated, slice_new(text, time.len + 1 + year.len), &line->time_usec) == 0;
    return 0;
}

static int64_t read_pid(struct slice text)
{
    uint32_t pid;

    return parse_u32(text, &pid) == 0 && pid <= PID_MAX_LIMIT ? (int64_t)pid : -1;
}

int text_read_header(const struct rulebase *rb, struct text_calendar *calendar, struct slice line,
                     struct arena *arena, struct text_line *ret_line)
{
    struct text_line result = {.pid = -1};
    struct rule_match match;
    int r;

    r = rulebase_match(rb, RULEBASE_HEADER, line, arena, &match);
    if (r == 1 && rule_match_has_tag(&match, "priority"))
        r = rulebase_match(rb, RULEBASE_HEADER, rule_match_find(&match, "message"), arena, &match);
    if (r <= 0)
        return r;
    if (rule_match_has_tag(&match, "priority"))
        return 0;

    result.host = nil_to_absent(rule_match_find(&match, "host"));
    result.program = nil_to_absent(rule_match_find(&match, "program"));
    if (rule_match_has_tag(&match, "bare") && !is_program(result.program))
        return 0;
    if (!slice_is_absent(result.program))
        result.program = slice_base_name(result.program);
    result.pid = read_pid(rule_match_find(&match, "pid"));
    if (rule_match_has_tag(&match, "rfc5424")) {
        result.message = skip_structured_data(rule_match_find(&match, "structured"));
        result.has_time = parse_timestamp_usec(rule_match_find(&match, "stamp"), &result.time_usec) == 0;
    } else {
        result.message = rule_match_find(&match, "message");
    }
    if (rule_match_has_tag(&match, "iso")) {
        r = read_iso_time(&match, arena, &result);
        if (r < 0)
            return r;
    }
    if (rule_match_has_tag(&match, "bsd")) {
        r = read_bsd_time(&match, calendar, arena, &result);
        if (r < 0)
            return r;
    }
    *ret_line = result;
    return 1;
}

/* ---- audit headers ---- */

/* What a rule of an audit header found, by the names that mean something. */
struct audit_fields {
    struct slice node, type, seconds, milliseconds, serial, body;
};

/* From the last to the first: the first of a name counts. */
static struct audit_fields read_audit_fields(const struct rule_match *match)
{
    struct audit_fields f = {0};

    for (size_t i = match->n_fields; i > 0; i--) {
        struct slice name = match->fields[i - 1].name, value = match->fields[i - 1].value;

        if (slice_equal(name, SLICE("body")))
            f.body = value;
        else if (slice_equal(name, SLICE("serial")))
            f.serial = value;
        else if (slice_equal(name, SLICE("milliseconds")))
            f.milliseconds = value;
        else if (slice_equal(name, SLICE("seconds")))
            f.seconds = value;
        else if (slice_equal(name, SLICE("type")))
            f.type = value;
        else if (slice_equal(name, SLICE("node")))
            f.node = value;
    }
    return f;
}

int text_read_audit(const struct rulebase *rb, struct slice text, struct arena *arena,
                    struct audit_record *ret_record)
{
    uint64_t seconds, milliseconds, serial;
    struct audit_record record = {0};
    struct audit_fields fields;
    struct rule_match match;
    int r;

    r = rulebase_match(rb, RULEBASE_AUDIT, text, arena, &match);
    if (r <= 0)
        return r;
    fields = read_audit_fields(&match);
    if (parse_u64(fields.seconds, &seconds) < 0 || seconds > SECONDS_MAX ||
        parse_u64(fields.milliseconds, &milliseconds) < 0 || milliseconds > 999 ||
        parse_u64(fields.serial, &serial) < 0)
        return 0;
    record.node = fields.node;
    record.type = fields.type;
    record.time_usec = (int64_t)seconds * USEC_PER_SEC + (int64_t)milliseconds * USEC_PER_MSEC;
    record.serial = serial;
    record.body = fields.body;
    if (record.body.len > 0 && record.body.data[0] == ' ')
        record.body = slice_skip(record.body, 1);
    *ret_record = record;
    return 1;
}

/* ---- messages ---- */

/* What a rule of a message found, by the names that mean something. */
struct found {
    struct slice user_name, user_id, effective_name, effective_id;
    struct slice pid, process_name, executable, command_line, working_directory;
    struct slice tty, host, action, group, shell_line;
    struct slice target_name, target_id, target_group, session, source_ip;
    struct slice cron_line, pkexec_line, program_user;
};

static const struct {
    const char *name;
    size_t offset;
} found_names[] = {
    {"user.name", offsetof(struct found, user_name)},
    {"user.id", offsetof(struct found, user_id)},
    {"user.effective.name", offsetof(struct found, effective_name)},
    {"user.effective.id", offsetof(struct found, effective_id)},
    {"process.pid", offsetof(struct found, pid)},
    {"process.name", offsetof(struct found, process_name)},
    {"process.executable", offsetof(struct found, executable)},
    {"process.command_line", offsetof(struct found, command_line)},
    {"process.working_directory", offsetof(struct found, working_directory)},
    {"host.name", offsetof(struct found, host)},
    {"event.action", offsetof(struct found, action)},
    {"tty", offsetof(struct found, tty)},
    {"user.target.name", offsetof(struct found, target_name)},
    {"user.target.id", offsetof(struct found, target_id)},
    {"group.name", offsetof(struct found, target_group)},
    {"session.id", offsetof(struct found, session)},
    {"source.ip", offsetof(struct found, source_ip)},
    {"cron.command", offsetof(struct found, cron_line)},
    {"pkexec.command", offsetof(struct found, pkexec_line)},
    {"program.user", offsetof(struct found, program_user)},
    {"shell.command", offsetof(struct found, shell_line)},
    {"sudo.HOST", offsetof(struct found, host)},
    {"sudo.TTY", offsetof(struct found, tty)},
    {"sudo.PWD", offsetof(struct found, working_directory)},
    {"sudo.USER", offsetof(struct found, effective_name)},
    {"sudo.GROUP", offsetof(struct found, group)},
};

/* The first of a name counts. */
static struct found read_fields(const struct rule_match *match)
{
    struct found found = {0};

    for (size_t i = 0; i < match->n_fields; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(found_names); k++) {
            struct slice *field = (struct slice *)(void *)((char *)&found + found_names[k].offset);

            if (!slice_equal_string(match->fields[i].name, found_names[k].name))
                continue;
            if (slice_is_absent(*field))
                *field = match->fields[i].value;
            break;
        }
    }
    return found;
}

/* The first tag that says which format it is, not what to do with it. */
static struct slice read_format(struct slice tags)
{
    static const char *const others[] = {"process_start", "ignore", "continuation", "logs_itself", "session",
                                         "account",       "begins", "ends",         "failure",     "cut"};

    while (tags.len > 0) {
        size_t end = slice_find(tags, ',');
        struct slice tag = slice_head(tags, end);
        bool is_other = false;

        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
            is_other |= slice_equal_string(tag, others[i]);
        if (!is_other)
            return tag;
        tags = slice_skip(tags, MIN(end + 1, tags.len));
    }
    return SLICE("text");
}

static bool contains(struct slice s, struct slice needle)
{
    return slice_find_slice(s, needle) < s.len;
}

/* Whether a line of sudo or doas can be read in another way: see the essay. */
static bool is_ambiguous(const struct rule_match *match, const struct found *found)
{
    /* the order of sudo lib/eventlog/eventlog.c */
    static const char *const order[] = {"sudo.HOST", "sudo.TTY",   "sudo.CHROOT", "sudo.PWD",
                                        "sudo.USER", "sudo.GROUP", "sudo.TSID",   "sudo.ENV"};
    size_t next = 0;

    if (rule_match_has_tag(match, "doas"))
        return contains(found->working_directory, SLICE(" as ")) &&
               contains(found->working_directory, SLICE(" from "));
    if (rule_match_has_tag(match, "pkexec"))
        return contains(found->pkexec_line, SLICE("] [COMMAND="));
    if (!rule_match_has_tag(match, "sudo"))
        return false;
    for (size_t i = 0; i < match->n_fields; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(order); k++) {
            if (!slice_equal_string(match->fields[i].name, order[k]))
                continue;
            if (k < next)
                return true;
            next = k + 1;
            break;
        }
    }
    return contains(found->command_line, SLICE(" ; COMMAND=")) ||
           contains(found->command_line, SLICE(" ; USER="));
}

/* The command of the other reading of a line whose first COMMAND= runs nothing. */
static struct slice last_command(struct slice command_line)
{
    static const struct slice separator = SLICE(" ; COMMAND=");

    for (size_t i = slice_find_slice(command_line, separator); i < command_line.len;
         i = slice_find_slice(command_line, separator))
        command_line = slice_skip(command_line, i + separator.len);
    return command_line;
}

static bool is_number(struct slice s)
{
    uint32_t v;

    return parse_u32(s, &v) == 0;
}

/* -EINVAL: the number is none. */
static int read_user(struct slice name, struct slice id, const struct uid_map *uid_map, struct user *ret_user)
{
    struct user user = {.name = name, .id = id};
    uint32_t uid;

    /* sudo writes a user without a passwd entry as "#1000" */
    if (name.len > 1 && name.data[0] == '#' && is_number(slice_skip(name, 1))) {
        user.name = SLICE_NULL;
        user.id = slice_skip(name, 1);
    }
    if (user.name.len == 0)
        user.name = SLICE_NULL;
    if (!slice_is_absent(user.id)) {
        if (parse_u32(user.id, &uid) < 0)
            return -EINVAL;
        if (slice_is_absent(user.name) && uid_map)
            user.name = uid_map_find(uid_map, uid);
    }
    *ret_user = user;
    return 0;
}

/* Takes " ; EXIT=1" and " ; SIGNAL=TERM" off the end, where sudo writes them in this order. */
static struct slice cut_exit_status(struct slice command)
{
    static const struct slice exit_part = SLICE(" ; EXIT="), signal_part = SLICE(" ; SIGNAL=");
    size_t start = command.len;
    struct slice value;

    /* both values are words: look for the last separator only */
    while (start > 0 && command.data[start - 1] != '=')
        start--;
    value = slice_skip(command, start);
    if (slice_ends_with(slice_head(command, start), exit_part) && is_number(value)) {
        command = slice_head(command, start - exit_part.len);
        for (start = command.len; start > 0 && command.data[start - 1] != '=';)
            start--;
        value = slice_skip(command, start);
    }
    if (slice_ends_with(slice_head(command, start), signal_part) && value.len > 0 &&
        slice_find(value, ' ') == value.len)
        command = slice_head(command, start - signal_part.len);
    return command;
}

/*
 * Undoes sudo's "#ooo" (octal) in a word. sudo writes only control bytes so, and in the path of the command
 * the blank; another "#123" is what somebody typed.
 */
static int decode_octal(struct slice s, bool is_path, struct arena *arena, struct slice *ret_s)
{
    char *out;
    size_t n = 0;

    if (slice_find(s, '#') == s.len) {
        *ret_s = s;
        return 0;
    }
    out = arena_alloc(arena, s.len);
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '#' && i + 3 < s.len && s.data[i + 1] >= '0' && s.data[i + 1] <= '1' &&
            s.data[i + 2] >= '0' && s.data[i + 2] <= '7' && s.data[i + 3] >= '0' && s.data[i + 3] <= '7') {
            int c = (s.data[i + 1] - '0') * 64 + (s.data[i + 2] - '0') * 8 + (s.data[i + 3] - '0');

            if (c < ' ' || c == 0177 || (is_path && c == ' ')) {
                out[n++] = (char)c;
                i += 3;
                continue;
            }
        }
        out[n++] = s.data[i];
    }
    *ret_s = slice_new(out, n);
    return 0;
}

static int split_command(struct slice command, bool is_sudo, struct arena *arena, struct event *event)
{
    int r;

    if (!is_sudo)
        r = text_split_command(command, arena, &event->args, &event->n_args);
    else
        r = text_split_sudo(command, arena, &event->args, &event->n_args);
    if (r < 0)
        return r;
    for (size_t i = 0; is_sudo && i < event->n_args; i++) {
        r = decode_octal(event->args[i], i == 0, arena, &event->args[i]);
        if (r < 0)
            return r;
    }
    event->args_count = (int64_t)event->n_args;
    return 0;
}

/* "NAME=value" before a command in a shell's line */
static bool is_assignment(struct slice word)
{
    size_t i = 0;

    for (; i < word.len && word.data[i] != '='; i++) {
        char c = word.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
              (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return i > 0 && i < word.len;
}

/* A command between brackets may hold some itself: only the last one is the program's that logs it. */
static struct slice cut_closing(struct slice s, char closing)
{
    return s.len > 0 && s.data[s.len - 1] == closing ? slice_head(s, s.len - 1) : s;
}

/* cron's command is in parentheses; Debian's, told to log the pid, too (-L 8), writes "[PID] " before it. */
static struct slice unwrap_cron_line(struct slice s)
{
    size_t end;

    s = cut_closing(s, ')');
    end = slice_find(s, ']');
    if (s.len > 0 && s.data[0] == '[' && is_number(slice_skip(slice_head(s, end), 1)) && end + 1 < s.len &&
        s.data[end + 1] == ' ')
        s = slice_skip(s, end + 1);
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = slice_skip(s, 1);
    return s;
}

/* The command, out of whatever the format wraps it in. */
static struct slice unwrap_command(const struct rule_match *match, const struct found *found, bool is_sudo)
{
    struct slice command = found->command_line;

    if (!slice_is_absent(found->cron_line))
        return unwrap_cron_line(found->cron_line);
    if (!slice_is_absent(found->shell_line))
        return found->shell_line;
    if (!slice_is_absent(found->pkexec_line))
        return cut_closing(found->pkexec_line, ']');
    if (!is_sudo)
        return command;
    command = cut_exit_status(command);
    if (!rule_match_has_tag(match, "process_start"))
        command = last_command(command);
    while (command.len > 0 &&
           command.data[command.len - 1] == ' ') /* sudo-rs, where there are no arguments */
        command = slice_head(command, command.len - 1);
    return command;
}

/* Name and path of the process, from what the rule found and from the first word. */
static void name_process(const struct found *found, bool is_shell_line, struct event *event)
{
    struct slice first = SLICE_NULL;
    size_t i = 0;

    while (is_shell_line && i + 1 < event->n_args && is_assignment(event->args[i]))
        i++;
    if (i < event->n_args)
        first = event->args[i];
    event->executable = found->executable;
    if (slice_is_absent(event->executable) && first.len > 0 && first.data[0] == '/')
        event->executable = first;
    event->process_name = found->process_name;
    if (slice_is_absent(event->process_name) && event->executable.len > 0)
        event->process_name = slice_base_name(event->executable);
    else if (slice_is_absent(event->process_name) && !slice_is_absent(first))
        event->process_name = slice_base_name(first);
}

static struct slice terminal(struct slice tty)
{
    return tty.len == 0 || slice_equal_string(tty, "(none)") || slice_equal_string(tty, "unknown")
               ? SLICE_NULL
               : tty;
}

/* Who, and as whom. -EINVAL: a number that is none, or nobody. */
static int read_users(const struct found *found, struct slice format, const struct uid_map *uid_map,
                      struct event *event)
{
    bool is_cron = slice_equal_string(format, "cron");
    bool is_run_as = slice_equal_string(format, "sudo") || slice_equal_string(format, "doas") ||
                     slice_equal_string(format, "pkexec");
    int r;

    r = read_user(found->user_name, found->user_id, uid_map, &event->actor);
    if (r < 0)
        return r;
    if (slice_is_absent(event->actor.name) && slice_is_absent(event->actor.id))
        return -EINVAL;
    event->actor_kind = is_number(event->actor.name) ? ACTOR_NUMERIC : ACTOR_PERSON;
    r = read_user(found->effective_name, found->effective_id, uid_map, &event->effective);
    if (r < 0)
        return r;
    event->real = event->actor;
    /* cron becomes the user; sudo -g alone: the same user with another group */
    if (is_cron || (is_run_as && slice_is_absent(found->effective_name) && !slice_is_absent(found->group)))
        event->effective = event->actor;
    if (!is_run_as)
        return 0;
    if (!slice_is_absent(event->effective.name) || !slice_is_absent(event->effective.id))
        event->real = event->effective;
    return 0;
}

/* Returns an enum text_outcome, or -ENOMEM. */
static int make_event(const struct rule_match *match, const struct found *found, const struct text_line *line,
                      enum trust trust, const struct uid_map *uid_map, struct arena *arena,
                      struct event *ret_event)
{
    struct event event = EVENT_INIT;
    bool is_sudo, is_shell_line;
    int r;

    event.format = read_format(match->tags);
    is_sudo = slice_equal_string(event.format, "sudo");
    if (!line->has_time || read_users(found, event.format, uid_map, &event) < 0)
        return TEXT_QUARANTINED;

    event.time_usec = line->time_usec;
    event.trust = trust;
    event.action = slice_is_absent(found->action) ? SLICE("executed") : found->action;
    event.host = slice_is_absent(line->host) ? found->host : line->host;
    event.working_directory = found->working_directory;
    if (is_sudo) {
        r = decode_octal(found->working_directory, false, arena, &event.working_directory);
        if (r < 0)
            return r;
    }
    event.tty = terminal(found->tty);
    event.is_args_exact = false;
    if (is_ambiguous(match, found)) {
        event.is_ambiguous = true;
        event.trust = TRUST_LOW;
    }

    event.is_cut = rule_match_has_tag(match, "cut");
    event.command_line = unwrap_command(match, found, is_sudo);
    is_shell_line = !slice_is_absent(found->cron_line) || !slice_is_absent(found->shell_line);
    r = split_command(event.command_line, is_sudo, arena, &event);
    if (r < 0)
        return r;
    name_process(found, is_shell_line, &event);
    if (event.process_name.len == 0)
        return TEXT_QUARANTINED;

    if (!slice_is_absent(found->pid)) {
        event.pid = read_pid(found->pid);
        if (event.pid < 0)
            return TEXT_QUARANTINED;
    } else if (rule_match_has_tag(match, "logs_itself")) {
        event.pid = line->pid;
    }
    *ret_event = event;
    return TEXT_EVENT;
}

/*
 * A session or account event. Who did it may be missing (a login at the console, a useradd that says only
 * whom it made); the account it is about stands for him where somebody acts on himself. Returns an enum
 * text_outcome.
 */
static int make_context(const struct rule_match *match, const struct found *found,
                        const struct text_line *line, enum trust trust, const struct uid_map *uid_map,
                        struct event *ret_event)
{
    struct event event = EVENT_INIT;

    if (!line->has_time || read_user(found->user_name, found->user_id, uid_map, &event.actor) < 0 ||
        read_user(found->effective_name, found->effective_id, uid_map, &event.effective) < 0 ||
        read_user(found->target_name, found->target_id, uid_map, &event.target) < 0)
        return TEXT_QUARANTINED;
    event.kind = rule_match_has_tag(match, "account") ? EVENT_ACCOUNT : EVENT_SESSION;
    event.phase = rule_match_has_tag(match, "begins") ? EVENT_BEGINS
                  : rule_match_has_tag(match, "ends") ? EVENT_ENDS
                                                      : EVENT_HAPPENS;
    event.is_failure = rule_match_has_tag(match, "failure");
    event.time_usec = line->time_usec;
    event.trust = trust;
    event.format = read_format(match->tags);
    event.action = found->action;
    event.host = slice_is_absent(line->host) ? found->host : line->host;
    event.actor_kind = is_number(event.actor.name) ? ACTOR_NUMERIC : ACTOR_PERSON;
    event.real = event.actor;
    event.group = found->target_group;
    event.session = found->session;
    event.tty = terminal(found->tty);
    event.login_source_ip = found->source_ip;
    event.process_name = line->program;
    event.pid = line->pid;
    *ret_event = event;
    return TEXT_EVENT;
}

/* "PROGRAM: MESSAGE", which message rules match; only the message where there is no program. */
static int join_message(const struct text_line *line, struct arena *arena, struct slice *ret_text)
{
    struct slice message = line->message;
    char *text;

    while (message.len > 0 && message.data[0] == ' ')
        message = slice_skip(message, 1);
    if (line->program.len == 0) {
        *ret_text = slice_is_absent(message) ? SLICE("") : message;
        return 0;
    }
    text = arena_alloc(arena, line->program.len + 2 + message.len);
    if (!text)
        return -ENOMEM;
    memcpy(text, line->program.data, line->program.len);
    memcpy(text + line->program.len, ": ", 2);
    if (message.len > 0)
        memcpy(text + line->program.len + 2, message.data, message.len);
    *ret_text = slice_new(text, line->program.len + 2 + message.len);
    return 0;
}

int text_read_message(const struct rulebase *rb, const struct text_line *line, enum trust trust,
                      const struct uid_map *uid_map, struct arena *arena, struct event *ret_event)
{
    struct rule_match match;
    struct found found;
    struct slice text;
    int r;

    r = join_message(line, arena, &text);
    if (r < 0)
        return r;
    r = rulebase_match(rb, RULEBASE_MESSAGE, text, arena, &match);
    if (r < 0)
        return r;
    if (r == 0)
        return TEXT_UNKNOWN;
    found = read_fields(&match);
    if (!slice_is_absent(found.program_user) && !slice_equal(found.program_user, found.user_name))
        return TEXT_UNKNOWN;
    if (rule_match_has_tag(&match, "session") || rule_match_has_tag(&match, "account"))
        return make_context(&match, &found, line, trust, uid_map, ret_event);
    /* a sudo -l that may hide a command is none to be ignored */
    if (!rule_match_has_tag(&match, "process_start") &&
        (slice_is_absent(found.command_line) || !is_ambiguous(&match, &found)))
        return TEXT_IGNORED;
    return make_event(&match, &found, line, trust, uid_map, arena, ret_event);
}
