/* SPDX-License-Identifier: Apache-2.0 */

/* Real journal files, made by systemd-journal-remote from the export format. */
#include <errno.h>
#include <inttypes.h>

#include "support-source.h"

#define REMOTE "/lib/systemd/systemd-journal-remote"
/* 2026-01-31T12:00:00Z */
#define BASE_USEC UINT64_C(1769860800000000)

struct fixture {
    char folder[FOLDER_SIZE];
    struct engine engine;
};

/* "identifier:message" of an entry. */
static void describe_entry(struct buffer *out, const struct record *record)
{
    struct slice identifier = record_find_field(record, SLICE("SYSLOG_IDENTIFIER"));
    struct slice message = record_find_field(record, SLICE("MESSAGE"));

    cr_assert(record->kind == RECORD_JOURNAL && record->trust == TRUST_JOURNAL && !record->is_truncated);
    cr_assert(buffer_append_format(out, "%.*s:%.*s", SLICE_FMT(identifier), SLICE_FMT(message)) == 0);
}

static void describe_all(struct buffer *out, const struct record *record)
{
    for (size_t i = 0; i < record->n_fields; i++)
        cr_assert(buffer_append_format(out, "%.*s=%.*s ", SLICE_FMT(record->fields[i].name),
                                       SLICE_FMT(record->fields[i].value)) == 0);
}

static void write_entry(FILE *f, unsigned second, const char *transport, const char *more,
                        const char *message)
{
    cr_assert(fprintf(f,
                      "__REALTIME_TIMESTAMP=%" PRIu64 "\n__MONOTONIC_TIMESTAMP=%u000000\n"
                      "_BOOT_ID=00112233445566778899aabbccddeeff\n_HOSTNAME=web1\n"
                      "_TRANSPORT=%s\n%s\nMESSAGE=%s\n\n",
                      BASE_USEC + second * UINT64_C(1000000), second + 1, transport, more, message) > 0);
}

static void convert(const struct fixture *f, const char *name)
{
    char command[128];

    cr_assert(snprintf(command, sizeof(command), REMOTE " --output=%s.journal - <entries >log 2>&1", name) <
              (int)sizeof(command));
    run_in(f->folder, command);
}

static FILE *open_entries(const struct fixture *f)
{
    char path[TEST_PATH_SIZE];
    FILE *file;

    name_in(path, f->folder, "entries");
    file = fopen(path, "we");
    cr_assert(file);
    return file;
}

/* Adds a journal file with an entry for each of n seconds: sudo's at even ones, chatter at odd ones. */
static void make_journal(const struct fixture *f, const char *name, unsigned from, unsigned n)
{
    FILE *file = open_entries(f);

    for (unsigned i = from; i < from + n; i++) {
        char message[16];

        (void)snprintf(message, sizeof(message), "%u", i);
        write_entry(file, i, "syslog", i % 2 == 0 ? "SYSLOG_IDENTIFIER=sudo" : "SYSLOG_IDENTIFIER=chatter",
                    message);
    }
    cr_assert(fclose(file) == 0);
    convert(f, name);
}

static void fixture_init(struct fixture *f)
{
    if (access(REMOTE, X_OK) < 0)
        cr_skip_test("systemd-journal-remote is not installed");
    make_temporary(f->folder);
    engine_init(&f->engine, &journald_source);
    engine_set(&f->engine, "directory", f->folder);
    f->engine.describe = describe_entry;
}

static void fixture_done(struct fixture *f)
{
    engine_done(&f->engine);
    remove_temporary(f->folder);
}

/* Reads what there is to its end. */
static void read_all(struct fixture *f, struct slice cursor, const char *expected)
{
    engine_start(&f->engine, cursor);
    run_until(&f->engine, f->engine.is_ended);
    cr_assert(f->engine.end_error == 0);
    assert_records(&f->engine, expected);
}

Test(journald, hands_over_the_fields_that_are_read)
{
    static const char *const parts[] = {
        "__REALTIME_TIMESTAMP=1769860803000000 ",
        "_TRANSPORT=syslog ",
        "_HOSTNAME=web1 ",
        "_PID=460 ",
        "SYSLOG_IDENTIFIER=sudo ",
        "MESSAGE=a : TTY=pts/1 ; ",
    };
    struct fixture f;
    FILE *file;

    fixture_init(&f);
    file = open_entries(&f);
    write_entry(file, 3, "syslog", "_PID=460\nSYSLOG_IDENTIFIER=sudo\nPRIORITY=6", "a : TTY=pts/1 ;");
    cr_assert(fclose(file) == 0);
    convert(&f, "a");
    f.engine.describe = describe_all;
    engine_start(&f.engine, SLICE_NULL);
    cr_assert(source_capabilities(f.engine.source) == (SOURCE_CAN_SEEK | SOURCE_ENDS));
    run_until(&f.engine, f.engine.is_ended);
    cr_assert(f.engine.n_records == 1 && f.engine.end_error == 0);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        cr_assert(slice_find_slice(buffer_slice(&f.engine.records), slice_from_string(parts[i])) <
                      f.engine.records.len,
                  "%s is not in %.*s", parts[i], SLICE_FMT(buffer_slice(&f.engine.records)));
    cr_assert(slice_find_slice(buffer_slice(&f.engine.records), SLICE("PRIORITY")) == f.engine.records.len);
    fixture_done(&f);
}

/* "TYPE serial" of an audit record. */
static void describe_audit(struct buffer *out, const struct record *record)
{
    struct slice message = record_find_field(record, SLICE("MESSAGE"));
    struct slice serial = record_find_field(record, SLICE("_AUDIT_ID"));

    cr_assert(!slice_is_absent(record_find_field(record, SLICE("_SOURCE_REALTIME_TIMESTAMP"))));
    cr_assert(buffer_append_format(out, "%.*s %.*s", (int)slice_find(message, ' '), message.data,
                                   SLICE_FMT(serial)) == 0);
}

Test(journald, leaves_out_what_follows_of_an_event_that_nobody_wants)
{
    static const struct {
        const char *name;
        int answer;
        struct {
            const char *type, *serial, *transport, *host, *boot; /* NULL: of this event, as the first one */
        } entries[6];
        const char *expected;
    } rows[] = {
        {"wanted", 0, {{"SYSCALL"}, {"EXECVE"}, {"PATH"}}, "SYSCALL 460|EXECVE 460|PATH 460|"},
        {"its records",
         SOURCE_UNWANTED,
         {{"SYSCALL"}, {"EXECVE"}, {"CWD"}, {"PATH"}, {"PATH"}, {"PROCTITLE"}},
         "SYSCALL 460|"},
        {"records that are events",
         SOURCE_UNWANTED,
         {{"SYSCALL"}, {"LOGIN"}, {"USER_CMD"}, {"SYSCALL"}},
         "SYSCALL 460|LOGIN 460|USER_CMD 460|SYSCALL 460|"},
        {"of another event",
         SOURCE_UNWANTED,
         {{"SYSCALL"}, {"EXECVE", "461"}, {"EXECVE"}, {"CWD"}, {"CWD", "46"}},
         "SYSCALL 460|EXECVE 461|EXECVE 460|CWD 46|"},
        {"of another host",
         SOURCE_UNWANTED,
         {{"SYSCALL"}, {"EXECVE", NULL, NULL, "_HOSTNAME=web11"}},
         "SYSCALL 460|EXECVE 460|"},
        {"of another boot",
         SOURCE_UNWANTED,
         {{"SYSCALL"}, {"EXECVE", NULL, NULL, NULL, "10112233445566778899aabbccddeeff"}},
         "SYSCALL 460|EXECVE 460|"},
        {"by another way",
         SOURCE_UNWANTED,
         {{"SYSCALL"}, {"EXECVE", NULL, "kernel"}},
         "SYSCALL 460|EXECVE 460|"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fixture f;
        FILE *file;

        fixture_init(&f);
        file = open_entries(&f);
        for (unsigned k = 0; k < ARRAY_SIZE(rows[i].entries) && rows[i].entries[k].type; k++)
            cr_assert(fprintf(file,
                              "__REALTIME_TIMESTAMP=%" PRIu64 "\n__MONOTONIC_TIMESTAMP=%u\n"
                              "_BOOT_ID=%s\n_TRANSPORT=%s\n%s\n_AUDIT_ID=%s\n"
                              "_SOURCE_REALTIME_TIMESTAMP=%" PRIu64
                              "\n_AUDIT_TYPE_NAME=%s\nMESSAGE=%s k=%u\n\n",
                              BASE_USEC + k, k + 1,
                              rows[i].entries[k].boot ? rows[i].entries[k].boot
                                                      : "00112233445566778899aabbccddeeff",
                              rows[i].entries[k].transport ? rows[i].entries[k].transport : "audit",
                              rows[i].entries[k].host ? rows[i].entries[k].host : "_HOSTNAME=web1",
                              rows[i].entries[k].serial ? rows[i].entries[k].serial : "460", BASE_USEC,
                              rows[i].entries[k].type, rows[i].entries[k].type, k) > 0);
        cr_assert(fclose(file) == 0);
        convert(&f, "a");
        f.engine.describe = describe_audit;
        f.engine.refuse_with = rows[i].answer;
        engine_start(&f.engine, SLICE_NULL);
        run_until(&f.engine, f.engine.is_ended);
        assert_slice(buffer_slice(&f.engine.records), rows[i].expected, rows[i].name);
        fixture_done(&f);
    }
}

static void describe_size(struct buffer *out, const struct record *record)
{
    struct slice message = record_find_field(record, SLICE("MESSAGE"));

    cr_assert(buffer_append_format(out, "%zu%s", message.len, record->is_truncated ? " cut" : "") == 0);
}

Test(journald, takes_large_fields_whole_and_cuts_huge_ones)
{
    static const struct {
        size_t len;
        const char *expected; /* NULL: cut somewhere below 4 MiB */
    } rows[] = {{200000, "200000|"}, {8 << 20, NULL}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char *message = malloc(rows[i].len + 1);
        struct fixture f;
        FILE *file;

        cr_assert(message);
        memset(message, 'x', rows[i].len);
        message[rows[i].len] = '\0';
        fixture_init(&f);
        file = open_entries(&f);
        write_entry(file, 0, "syslog", "SYSLOG_IDENTIFIER=sudo", message);
        cr_assert(fclose(file) == 0);
        free(message);
        convert(&f, "a");
        f.engine.describe = describe_size;
        engine_start(&f.engine, SLICE_NULL);
        run_until(&f.engine, f.engine.is_ended);
        if (rows[i].expected)
            assert_records(&f.engine, rows[i].expected);
        else
            cr_assert(slice_ends_with(buffer_slice(&f.engine.records), SLICE(" cut|")) &&
                          f.engine.records.len == 12,
                      "%.*s", SLICE_FMT(buffer_slice(&f.engine.records)));
        fixture_done(&f);
    }
}

Test(journald, reads_what_matches)
{
    static const struct {
        const char *matches; /* NULL: the default */
        const char *expected;
    } rows[] = {
        {NULL, "sudo:0|sudo:2|"},
        {"*", "sudo:0|chatter:1|sudo:2|chatter:3|"},
        {"SYSLOG_IDENTIFIER=chatter", "chatter:1|chatter:3|"},
        {"SYSLOG_IDENTIFIER=chatter MESSAGE=3", "chatter:3|"},
        {"SYSLOG_IDENTIFIER=chatter MESSAGE=3,MESSAGE=0", "sudo:0|chatter:3|"},
        {"SYSLOG_IDENTIFIER=nobody", ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fixture f;

        fixture_init(&f);
        make_journal(&f, "a", 0, 4);
        if (rows[i].matches)
            engine_set(&f.engine, "matches", rows[i].matches);
        read_all(&f, SLICE_NULL, rows[i].expected);
        fixture_done(&f);
    }
}

Test(journald, merges_the_files_of_a_folder_and_reads_named_ones)
{
    char path[TEST_PATH_SIZE];
    struct fixture f;

    fixture_init(&f);
    make_journal(&f, "b", 4, 4);
    make_journal(&f, "a", 0, 4);
    read_all(&f, SLICE_NULL, "sudo:0|sudo:2|sudo:4|sudo:6|");
    engine_done(&f.engine);

    engine_init(&f.engine, &journald_source);
    f.engine.describe = describe_entry;
    name_in(path, f.folder, "b.journal");
    engine_set(&f.engine, "files", path);
    read_all(&f, SLICE_NULL, "sudo:4|sudo:6|");
    fixture_done(&f);
}

Test(journald, hands_over_more_than_a_turn_and_feels_pressure)
{
    struct fixture f;

    fixture_init(&f);
    make_journal(&f, "a", 0, 1200);
    f.engine.pause_after = 3;
    engine_start(&f.engine, SLICE_NULL);
    run_ready(&f.engine);
    assert_records(&f.engine, "sudo:0|sudo:2|sudo:4|");
    cr_assert(source_pause(f.engine.source, false) == 0);
    cr_assert(sd_event_run(f.engine.event, 0) > 0);
    cr_assert(f.engine.n_records > 3 && f.engine.n_records < 300, "%u", f.engine.n_records);
    run_until(&f.engine, f.engine.is_ended);
    cr_assert(f.engine.n_records == 600);
    fixture_done(&f);
}

Test(journald, refuses_what_is_no_journal)
{
    static const struct {
        const char *option, *value, *expected;
    } rows[] = {
        {"directory", "/nonexistent", "the journal cannot be opened: No such file or directory"},
        {"files", "/nonexistent.journal", "the journal file cannot be opened: No such file or directory"},
        {"files", "/proc/self/exe", "this is not a journal file, or it is damaged"},
        {"matches", "audit", "journald: the match 'audit' is not understood: expected FIELD=VALUE, such as "},
        {"namespace", "x", "journald: expected one of directory, files and namespace, not 2 of them"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        struct engine engine;

        engine_init(&engine, &journald_source);
        if (i >= 3)
            engine_set(&engine, "directory", "/tmp");
        engine_set(&engine, rows[i].option, rows[i].value);
        cr_assert(engine_try_start(&engine, SLICE_NULL, &diags) == -EINVAL, "%s", rows[i].value);
        cr_assert(diags.n == 1, "%s: %zu", rows[i].value, diags.n);
        cr_assert(strncmp(diags.items[0].message, rows[i].expected, strlen(rows[i].expected)) == 0, "%s",
                  diags.items[0].message);
        diag_list_done(&diags);
        engine_done(&engine);
    }
}

Test(journald, goes_on_behind_its_cursor)
{
    struct buffer cursor = BUFFER_INIT;
    struct fixture f;

    fixture_init(&f);
    make_journal(&f, "a", 0, 8);
    f.engine.pause_after = 2;
    engine_start(&f.engine, SLICE_NULL);
    run_ready(&f.engine);
    assert_records(&f.engine, "sudo:0|sudo:2|");
    cr_assert(buffer_append_slice(&cursor, buffer_slice(&f.engine.cursor)) == 0);
    cr_assert(slice_starts_with(buffer_slice(&cursor), SLICE("1769860802000000 s=")));

    engine_stop(&f.engine);
    read_all(&f, buffer_slice(&cursor), "sudo:4|sudo:6|");
    assert_slice(buffer_slice(&f.engine.reports), "", "reports");

    /* the entry is there, but is not wanted any more: nothing is missing */
    engine_stop(&f.engine);
    engine_set(&f.engine, "matches", "SYSLOG_IDENTIFIER=chatter");
    read_all(&f, buffer_slice(&cursor), "chatter:3|chatter:5|chatter:7|");
    assert_slice(buffer_slice(&f.engine.reports), "", "reports");
    buffer_done(&cursor);
    fixture_done(&f);
}

Test(journald, tells_how_much_was_vacuumed)
{
    struct buffer cursor = BUFFER_INIT;
    struct fixture f;

    fixture_init(&f);
    make_journal(&f, "a", 0, 4);
    read_all(&f, SLICE_NULL, "sudo:0|sudo:2|");
    cr_assert(buffer_append_slice(&cursor, buffer_slice(&f.engine.cursor)) == 0);
    engine_stop(&f.engine);
    run_in(f.folder, "rm a.journal");
    make_journal(&f, "b", 62, 4);
    read_all(&f, buffer_slice(&cursor), "sudo:62|sudo:64|");
    assert_report(&f.engine,
                  "the journal was vacuumed past the place read last: 60.0 seconds before its oldest entry "
                  "are missing");
    buffer_done(&cursor);
    fixture_done(&f);
}

Test(journald, does_not_wait_for_a_cursor_from_the_future)
{
    struct buffer cursor = BUFFER_INIT;
    struct fixture f;

    fixture_init(&f);
    make_journal(&f, "a", 3600, 1);
    read_all(&f, SLICE_NULL, "sudo:3600|");
    cr_assert(buffer_append_slice(&cursor, buffer_slice(&f.engine.cursor)) == 0);
    engine_stop(&f.engine);
    run_in(f.folder, "rm a.journal");
    make_journal(&f, "b", 0, 1);
    engine_set(&f.engine, "follow", "true");
    engine_start(&f.engine, buffer_slice(&cursor));
    assert_report(&f.engine, "the place read last lies 1.0 hours behind the journal's end");
    run_ready(&f.engine);
    assert_records(&f.engine, "");
    make_journal(&f, "c", 10, 1);
    run_until_records(&f.engine, "sudo:10|");
    buffer_done(&cursor);
    fixture_done(&f);
}

Test(journald, takes_a_cursor_that_is_none_as_a_start_without_one)
{
    struct fixture f;

    fixture_init(&f);
    make_journal(&f, "a", 0, 1);
    read_all(&f, SLICE("inode=1 offset=2 head=0:x"), "sudo:0|");
    assert_report(&f.engine, "is not one in a journal: starting without it");
    engine_stop(&f.engine);
    read_all(&f, SLICE("1769860800000000 nonsense"), "");
    assert_report(&f.engine, "the saved journal cursor 'nonsense' cannot be read: going by its time");
    fixture_done(&f);
}

Test(journald, follows_from_the_tail_over_new_files)
{
    struct fixture f;

    fixture_init(&f);
    make_journal(&f, "a", 0, 3);
    engine_set(&f.engine, "follow", "true");
    engine_set(&f.engine, "start", "tail");
    engine_start(&f.engine, SLICE_NULL);
    cr_assert(source_capabilities(f.engine.source) == SOURCE_CAN_SEEK);
    run_ready(&f.engine);
    make_journal(&f, "b", 10, 3);
    run_until_records(&f.engine, "sudo:10|sudo:12|");
    make_journal(&f, "c", 20, 1);
    run_until_records(&f.engine, "sudo:10|sudo:12|sudo:20|");
    cr_assert(!f.engine.is_ended);
    fixture_done(&f);
}

Test(journald, misses_nothing_where_nothing_matched_at_the_start)
{
    struct fixture f;

    fixture_init(&f);
    make_journal(&f, "a", 1, 1); /* chatter only */
    engine_set(&f.engine, "follow", "true");
    engine_set(&f.engine, "start", "tail");
    engine_start(&f.engine, SLICE_NULL);
    run_ready(&f.engine);
    assert_records(&f.engine, "");
    make_journal(&f, "b", 10, 5);
    run_until_records(&f.engine, "sudo:10|sudo:12|sudo:14|");
    fixture_done(&f);
}

Test(journald, goes_on_after_damage)
{
    static const char zeros[65536];
    char path[TEST_PATH_SIZE];
    struct fixture f;
    struct stat st;
    int fd;

    fixture_init(&f);
    make_journal(&f, "a", 0, 200);
    make_journal(&f, "b", 1000, 2);
    name_in(path, f.folder, "a.journal");
    fd = open(path, O_WRONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && fstat(fd, &st) == 0);
    /* from the middle of the entries to the end */
    for (off_t at = st.st_size / 2; at < st.st_size; at += (off_t)sizeof(zeros))
        cr_assert(pwrite(fd, zeros, (size_t)MIN((off_t)sizeof(zeros), st.st_size - at), at) > 0);
    cr_assert(close(fd) == 0);
    f.engine.describe = describe_size;
    engine_start(&f.engine, SLICE_NULL);
    run_until(&f.engine, f.engine.is_ended);
    cr_assert(f.engine.end_error == 0);
    /* the messages of the whole file have four digits */
    cr_assert(slice_ends_with(buffer_slice(&f.engine.records), SLICE("|4|")) ||
                  slice_equal_string(buffer_slice(&f.engine.records), "4|"),
              "got '%.*s'", SLICE_FMT(buffer_slice(&f.engine.records)));
    fixture_done(&f);
}
