/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The cases of the .cases files in tests/rulebase, each a line and what is read from it, in plain text that
 * anyone can add to. A case is a line behind "< " and then "name = value" lines, everything the event (or
 * audit record) says and nothing else; blank lines and comments (#) separate. In the line \xHH stands for a
 * byte and \\ for a backslash, also in values. Lines without a year are of 2026, in UTC; every line was
 * received without a time of its own.
 *
 * HAPAX_UPDATE_CASES=1 rewrites the files from what is read now; a person reads the diff.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "normalize/text.h"
#include "support.h"
#include "util/buffer.h"
#include "util/parse.h"

#define APPEND(call) cr_assert_eq((call), 0)

static void append_escaped(struct buffer *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];

        if (c == '\\')
            APPEND(buffer_append(out, "\\\\", 2));
        else if (c < 0x20 || c >= 0x7f)
            APPEND(buffer_append_format(out, "\\x%02x", c));
        else
            APPEND(buffer_append_char(out, (char)c));
    }
}

static void unescape(struct slice s, struct buffer *out)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];

        if (c == '\\' && i + 1 < s.len && s.data[i + 1] == '\\') {
            i++;
        } else if (c == '\\' && i + 3 < s.len && s.data[i + 1] == 'x') {
            cr_assert_eq(parse_hex(slice_new(s.data + i + 2, 2), &c), 0);
            i += 3;
        }
        APPEND(buffer_append_char(out, c));
    }
}

static void put(struct buffer *out, const char *name, struct slice value)
{
    if (slice_is_absent(value))
        return;
    APPEND(buffer_append_format(out, "%s = ", name));
    append_escaped(out, value);
    APPEND(buffer_append_char(out, '\n'));
}

static void put_time(struct buffer *out, int64_t usec)
{
    char text[TIMESTAMP_SIZE];

    format_timestamp(usec, text);
    put(out, "time", slice_from_string(text));
}

static void put_user(struct buffer *out, const char *role, const struct user *user)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%s.name", role);
    put(out, name, user->name);
    (void)snprintf(name, sizeof(name), "%s.id", role);
    put(out, name, user->id);
}

static void put_event(struct buffer *out, const struct event *e)
{
    static const char *const kinds[] = {"person", "service", "numeric"};
    static const char *const event_kinds[] = {"process start", "session", "account"};
    static const char *const phases[] = {"begins", "ends", "happens"};

    if (e->kind != EVENT_PROCESS_START) {
        put(out, "kind", slice_from_string(event_kinds[e->kind]));
        put(out, "phase", slice_from_string(phases[e->phase]));
    }
    put(out, "format", e->format);
    put_time(out, e->time_usec);
    put(out, "host", e->host);
    put(out, "action", e->action);
    put_user(out, "actor", &e->actor);
    if (e->actor_kind != ACTOR_PERSON)
        put(out, "actor.kind", slice_from_string(kinds[e->actor_kind]));
    put_user(out, "real", &e->real);
    put_user(out, "effective", &e->effective);
    put_user(out, "target", &e->target);
    put(out, "group", e->group);
    put(out, "session", e->session);
    put(out, "from", e->login_source_ip);
    if (e->is_failure)
        put(out, "outcome", SLICE("failure"));
    put(out, "name", e->process_name);
    put(out, "executable", e->executable);
    put(out, "command_line", e->command_line);
    put(out, "directory", e->working_directory);
    put(out, "tty", e->tty);
    for (size_t i = 0; i < e->n_args; i++)
        put(out, "arg", e->args[i]);
    if (e->pid >= 0)
        APPEND(buffer_append_format(out, "pid = %" PRId64 "\n", e->pid));
    if (e->is_ambiguous)
        put(out, "ambiguous", slice_from_string(e->trust == TRUST_LOW ? "yes" : "yes, and trusted"));
    cr_assert_eq(e->is_args_exact, e->kind != EVENT_PROCESS_START);
    cr_assert_eq(e->args_count, e->kind == EVENT_PROCESS_START ? (int64_t)e->n_args : -1);
}

static void put_record(struct buffer *out, const struct audit_record *record)
{
    put(out, "outcome", SLICE("audit"));
    put(out, "node", record->node);
    put(out, "type", record->type);
    put_time(out, record->time_usec);
    APPEND(buffer_append_format(out, "serial = %" PRIu64 "\n", record->serial));
    put(out, "body", record->body);
}

/* Reads a line as the normalizer does: header, audit inside or without a header, message. */
static void read_case(const struct rulebase *rb, struct slice line, struct buffer *out)
{
    static const char *const outcomes[] = {"unknown", "event", "ignored", "quarantined"};
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct text_calendar calendar = {.first_year = 2026};
    struct text_line header = {.pid = -1, .message = line};
    struct audit_record record;
    struct event event;
    int r;

    r = text_read_header(rb, &calendar, line, &arena, &header);
    cr_assert_geq(r, 0);
    r = text_read_audit(rb, header.message, &arena, &record);
    cr_assert_geq(r, 0);
    if (r == 1) {
        put(out, "host", header.host);
        put_record(out, &record);
        return;
    }
    r = text_read_message(rb, &header, TRUST_INPUT, NULL, &arena, &event);
    cr_assert(r >= 0 && r < (int)ARRAY_SIZE(outcomes));
    put(out, "outcome", slice_from_string(outcomes[r]));
    if (r == TEXT_EVENT)
        put_event(out, &event);
}

static struct slice next_line(struct slice *rest)
{
    size_t end = slice_find(*rest, '\n');
    struct slice line = slice_head(*rest, end);

    *rest = slice_skip(*rest, MIN(end + 1, rest->len));
    return line;
}

static bool is_comment(struct slice line)
{
    return line.len == 0 || line.data[0] == '#';
}

/* The file as it should be. */
static size_t run_cases(const struct rulebase *rb, struct slice text, struct buffer *out)
{
    static const struct slice mark = SLICE("< ");
    struct slice rest = text;
    size_t n = 0;

    while (rest.len > 0) {
        struct slice line = next_line(&rest);
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT;

        if (!is_comment(line) && !slice_starts_with(line, mark))
            continue; /* an expectation: what is read takes its place */
        APPEND(buffer_append_slice(out, line));
        APPEND(buffer_append_char(out, '\n'));
        if (is_comment(line))
            continue;
        unescape(slice_skip(line, mark.len), &bytes);
        read_case(rb, buffer_slice(&bytes), out);
        n++;
    }
    return n;
}

static void read_file(const char *path, struct buffer *out)
{
    _cleanup_(fclosep) FILE *in = fopen(path, "re");
    char chunk[4096];
    size_t n;

    cr_assert_not_null(in, "%s", path);
    while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
        APPEND(buffer_append(out, chunk, n));
}

static void write_file(const char *path, struct slice text)
{
    _cleanup_(fclosep) FILE *out = fopen(path, "we");

    cr_assert_not_null(out, "%s", path);
    cr_assert_eq(fwrite(text.data, 1, text.len, out), text.len);
}

static unsigned compare(const char *path, struct slice expected, struct slice actual)
{
    unsigned line = 1;

    for (; expected.len > 0 || actual.len > 0; line++) {
        struct slice e = next_line(&expected), a = next_line(&actual);

        if (!slice_equal(e, a)) {
            fprintf(stderr, "%s:%u: expected '%.*s', read '%.*s'\n", path, line, SLICE_FMT(e), SLICE_FMT(a));
            return 1;
        }
    }
    return 0;
}

static int is_case_file(const struct dirent *entry)
{
    return slice_ends_with(slice_from_string(entry->d_name), SLICE(".cases"));
}

Test(rulebase_cases, read_as_the_files_say)
{
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(rulebase_freep) struct rulebase *rb = NULL;
    struct dirent **entries = NULL;
    unsigned n_failed = 0;
    char path[PATH_MAX];
    int n_entries;

    if (!root)
        cr_skip_test("HAPAX_SOURCE_ROOT is not set");
    cr_assert_eq(setenv("TZ", "UTC", 1), 0);
    tzset();
    (void)snprintf(path, sizeof(path), "%s/rulebase", root);
    if (rulebase_load(path, &diags, &rb) < 0)
        diag_print(&diags, stderr, "");
    cr_assert_not_null(rb);

    (void)snprintf(path, sizeof(path), "%s/tests/rulebase", root);
    n_entries = scandir(path, &entries, is_case_file, alphasort);
    cr_assert_gt(n_entries, 0, "no cases in %s", path);
    for (int i = 0; i < n_entries; i++) {
        _cleanup_(buffer_done) struct buffer expected = BUFFER_INIT, actual = BUFFER_INIT;

        (void)snprintf(path, sizeof(path), "%s/tests/rulebase/%s", root, entries[i]->d_name);
        free(entries[i]);
        read_file(path, &expected);
        cr_assert_gt(run_cases(rb, buffer_slice(&expected), &actual), 0, "no case in %s", path);
        if (getenv("HAPAX_UPDATE_CASES"))
            write_file(path, buffer_slice(&actual));
        else
            n_failed += compare(path, buffer_slice(&expected), buffer_slice(&actual));
    }
    free(entries);
    cr_assert_eq(n_failed, 0, "%u case files differ, see above", n_failed);
}
