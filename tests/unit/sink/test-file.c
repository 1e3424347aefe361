/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Documents as lines, in real files, pipes and devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "fixture.h"

struct file_settings { /* as the option table of the driver lays it out */
    char *path, *mode;
};

static struct heard heard;
static char directory[64];
static char path[128], other_path[128];
static struct file_settings settings;

static void setup(void)
{
    (void)snprintf(directory, sizeof(directory), "/tmp/hapax-test-file-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/alerts", directory);
    (void)snprintf(other_path, sizeof(other_path), "%s/alerts.1", directory);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(0022);
    settings = (struct file_settings){path, (char *)(uintptr_t) "0640"};
}

static void teardown(void)
{
    (void)unlink(path);
    (void)unlink(other_path);
    (void)rmdir(directory);
}

TestSuite(file, .init = setup, .fini = teardown);

static struct slice read_all(const char *name)
{
    static char bytes[65536];
    _cleanup_(closep) int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    cr_assert_geq(fd, 0, "%s", name);
    n = read(fd, bytes, sizeof(bytes));
    cr_assert_geq(n, 0);
    return slice_new(bytes, (size_t)n);
}

static void put(const char *name, const char *text)
{
    _cleanup_(fclosep) FILE *f = fopen(name, "we");

    cr_assert_not_null(f);
    cr_assert_geq(fputs(text, f), 0);
}

Test(file, documents_are_lines_and_a_renamed_file_is_followed_by_reopen)
{
    _cleanup_(sink_freep) struct sink *sink = hear(&file_sink, &settings, &heard);
    struct stat st;

    start(sink, NULL);
    cr_assert_eq(write_text(sink, "{\"n\":1}", 11), 0);
    cr_assert_eq(heard.n_confirmed, 1);
    cr_assert_eq(heard.confirmed[0].ticket, 11);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0640);

    cr_assert_eq(rename(path, other_path), 0);
    cr_assert_eq(write_text(sink, "{\"n\":2}", 12), 0);
    cr_assert_eq(sink_reopen(sink), 0);
    cr_assert_eq(write_text(sink, "{\"n\":3}", 13), 0);
    assert_slice(read_all(other_path), "{\"n\":1}\n{\"n\":2}\n", "before the reopen");
    assert_slice(read_all(path), "{\"n\":3}\n", "after it");
    cr_assert_eq(heard.n_confirmed, 3);
    cr_assert_eq(heard.n_reports, 0);
}

Test(file, one_that_was_deleted_is_made_anew)
{
    _cleanup_(sink_freep) struct sink *sink = hear(&file_sink, &settings, &heard);
    char expected[256];

    start(sink, NULL);
    cr_assert_eq(write_text(sink, "{\"n\":1}", 1), 0);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(write_text(sink, "{\"n\":2}", 2), 0);
    cr_assert_eq(write_text(sink, "{\"n\":3}", 3), 0);
    assert_slice(read_all(path), "{\"n\":2}\n{\"n\":3}\n", "the new one");
    (void)snprintf(expected, sizeof(expected), "'%s' was deleted, with the alerts in it; it is made anew",
                   path);
    cr_assert_eq(heard.n_reports, 1);
    cr_assert_str_eq(heard.reports[0].message, expected);
}

Test(file, a_reopen_that_fails_keeps_the_old_file)
{
    _cleanup_(sink_freep) struct sink *sink = hear(&file_sink, &settings, &heard);
    char expected[256];

    start(sink, NULL);
    cr_assert_eq(rename(path, other_path), 0);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert_eq(sink_reopen(sink), -EISDIR);
    (void)snprintf(expected, sizeof(expected),
                   "cannot reopen '%s': Is a directory; alerts go to the file that was open", path);
    cr_assert_eq(heard.n_reports, 1);
    cr_assert_str_eq(heard.reports[0].message, expected);
    cr_assert_eq(write_text(sink, "{}", 1), 0);
    assert_slice(read_all(other_path), "{}\n", "old file");
    cr_assert_eq(rmdir(path), 0);
}

Test(file, what_is_there_stays_and_a_line_cut_by_a_crash_is_ended)
{
    static const struct {
        const char *name, *before, *after;
    } rows[] = {
        {"empty", "", "{\"n\":1}\n{\"n\":2}\n"},
        {"whole lines", "{\"n\":0}\n", "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n"},
        {"half a line", "{\"n\":0}\n{\"n", "{\"n\":0}\n{\"n\n{\"n\":1}\n{\"n\":2}\n"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(sink_freep) struct sink *sink = hear(&file_sink, &settings, &heard);

        put(path, rows[i].before);
        start(sink, NULL);
        cr_assert_eq(write_text(sink, "{\"n\":1}", 1), 0);
        cr_assert_eq(write_text(sink, "{\"n\":2}", 2), 0);
        assert_slice(read_all(path), rows[i].after, rows[i].name);
    }
}

Test(file, a_full_device_is_said_once_and_confirms_nothing)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(sink_freep) struct sink *sink = NULL;

    settings.path = (char *)(uintptr_t) "/dev/full";
    cr_assert_eq(sd_event_new(&event), 0);
    sink = hear(&file_sink, &settings, &heard);
    start(sink, event);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(write_text(sink, "{}", 1), -EAGAIN);
    cr_assert_eq(heard.n_confirmed, 0);
    cr_assert_eq(heard.n_reports, 1);
    cr_assert_eq(heard.reports[0].level, LOG_ERR);
    cr_assert_str_eq(heard.reports[0].message,
                     "cannot write to '/dev/full': No space left on device; alerts wait");
    while (heard.n_debug == 0)
        cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
    cr_assert_eq(sink_stats(sink)->n_in_flight, 0);
    cr_assert_eq(sink_stats(sink)->n_written, 0);
}

Test(file, without_a_loop_a_full_device_is_an_error)
{
    _cleanup_(sink_freep) struct sink *sink = NULL;

    settings.path = (char *)(uintptr_t) "/dev/full";
    sink = hear(&file_sink, &settings, &heard);
    start(sink, NULL);
    cr_assert_eq(write_text(sink, "{}", 1), -ENOSPC);
    cr_assert_str_eq(heard.reports[0].message, "cannot write to '/dev/full': No space left on device");
}

/* A file size limit lets the kernel take half a line and then no more, as a disk does that fills up. */
Test(file, half_a_line_on_a_full_disk_is_cut_off_and_written_again)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(sink_freep) struct sink *sink = hear(&file_sink, &settings, &heard);
    struct rlimit old, limit;
    char expected[256];

    (void)signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    cr_assert_eq(sd_event_new(&event), 0);
    start(sink, event);
    cr_assert_eq(write_text(sink, "{\"n\":1}", 1), 0); /* 8 bytes */
    limit = (struct rlimit){12, old.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(write_text(sink, "{\"n\":2}", 2), -EAGAIN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_slice(read_all(path), "{\"n\":1}\n", "no half line");
    cr_assert_eq(heard.n_confirmed, 1);
    (void)snprintf(expected, sizeof(expected), "cannot write to '%s': File too large; alerts wait", path);
    cr_assert_str_eq(heard.reports[0].message, expected);

    cr_assert_eq(write_text(sink, "{\"n\":2}", 2), 0);
    assert_slice(read_all(path), "{\"n\":1}\n{\"n\":2}\n", "after");
    (void)snprintf(expected, sizeof(expected), "'%s' takes alerts again", path);
    cr_assert_eq(heard.n_reports, 2);
    cr_assert_eq(heard.reports[1].level, LOG_NOTICE);
    cr_assert_str_eq(heard.reports[1].message, expected);
}

Test(file, a_fifo_waits_for_its_reader_and_outlives_it)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(sink_freep) struct sink *sink = hear(&file_sink, &settings, &heard);
    char bytes[16], expected[256];
    int reader;

    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(sd_event_new(&event), 0);
    start(sink, event);
    (void)snprintf(expected, sizeof(expected), "nobody reads '%s' yet; alerts wait", path);
    cr_assert_str_eq(heard.reports[0].message, expected);
    cr_assert_eq(write_text(sink, "{\"n\":1}", 1), -EAGAIN);

    for (int i = 0; i < 2; i++) {
        reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        cr_assert_geq(reader, 0);
        cr_assert_eq(write_text(sink, "{\"n\":1}", 1), 0);
        cr_assert_eq(read(reader, bytes, sizeof(bytes)), 8);
        cr_assert_arr_eq(bytes, "{\"n\":1}\n", 8);
        cr_assert_eq(close(reader), 0);
        cr_assert_eq(write_text(sink, "{\"n\":2}", 2), -EAGAIN, "the reader is gone");
    }
    cr_assert_eq(heard.n_confirmed, 2);
}

Test(file, bad_settings_are_refused_with_what_was_expected)
{
    static const struct {
        const char *path, *mode, *message;
    } rows[] = {
        {"/", "0640", "sink 'out': cannot open '/': Is a directory"},
        {"/nowhere/x", "0640", "sink 'out': cannot open '/nowhere/x': No such file or directory"},
        {"/dev/null", "", "sink 'out': bad value '' for mode, expected octal permissions such as 0640"},
        {"/dev/null", "rw", "sink 'out': bad value 'rw' for mode, expected octal permissions such as 0640"},
        {"/dev/null", "0680",
         "sink 'out': bad value '0680' for mode, expected octal permissions such as 0640"},
        {"/dev/null", "4755",
         "sink 'out': bad value '4755' for mode, expected octal permissions such as 0640"},
        {"/dev/null", "77777777777777777777777",
         "sink 'out': bad value '77777777777777777777777' for mode, expected octal permissions such as 0640"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct file_settings bad = {(char *)(uintptr_t)rows[i].path, (char *)(uintptr_t)rows[i].mode};
        _cleanup_(sink_freep) struct sink *sink = hear(&file_sink, &bad, &heard);

        assert_refused(sink, NULL, rows[i].message);
    }
}

Test(file, the_option_table_fills_the_settings)
{
    struct file_settings s = {0};
    const struct option_table *table = sink_driver_options(&file_sink);

    cr_assert_eq(table->struct_size, sizeof(s));
    cr_assert_eq(option_defaults(table, &s), 0);
    cr_assert_null(s.path);
    cr_assert_str_eq(s.mode, "0640");
    cr_assert(table->options[0].is_required);
    option_done(table, &s);
}

/* Descriptor 1 becomes what the test needs; Criterion reports over its own pipe. */
Test(file, stdout_takes_lines_until_its_reader_closes)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(sink_freep) struct sink *sink = hear(&stdout_sink, NULL, &heard);
    char bytes[64];
    int ends[2], old = dup(STDOUT_FILENO);

    cr_assert_geq(old, 0);
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    cr_assert_eq(close(ends[1]), 0);
    cr_assert_eq(sd_event_new(&event), 0);
    start(sink, event);
    cr_assert_eq(write_text(sink, "{\"n\":1}", 1), 0);
    cr_assert_eq(read(ends[0], bytes, sizeof(bytes)), 8);
    cr_assert_arr_eq(bytes, "{\"n\":1}\n", 8);
    cr_assert_eq(close(ends[0]), 0);
    cr_assert_eq(write_text(sink, "{\"n\":2}", 2), -EPIPE);
    cr_assert_eq(heard.n_confirmed, 1);
    cr_assert_eq(heard.n_reports, 1);
    cr_assert_eq(heard.reports[0].level, LOG_ERR);
    cr_assert_str_eq(heard.reports[0].message, "stdout is closed");
    cr_assert_eq(dup2(old, STDOUT_FILENO), STDOUT_FILENO);
    cr_assert_eq(close(old), 0);
}

/* `>` without O_APPEND: cutting back must not leave a hole for the next line to follow. */
Test(file, stdout_into_a_file_is_cut_back_without_a_hole)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(sink_freep) struct sink *sink = hear(&stdout_sink, NULL, &heard);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), old = dup(STDOUT_FILENO);
    struct rlimit old_limit, limit;

    (void)signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
    cr_assert_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    cr_assert_eq(sd_event_new(&event), 0);
    start(sink, event);
    cr_assert_eq(write_text(sink, "{\"n\":1}", 1), 0);
    limit = (struct rlimit){12, old_limit.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(write_text(sink, "{\"n\":2}", 2), -EAGAIN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
    cr_assert_eq(write_text(sink, "{\"n\":3}", 3), 0);
    assert_slice(read_all(path), "{\"n\":1}\n{\"n\":3}\n", "file behind stdout");
    cr_assert_eq(dup2(old, STDOUT_FILENO), STDOUT_FILENO);
    (void)close(old);
    (void)close(fd);
}

Test(file, a_closed_stdout_is_refused)
{
    _cleanup_(sink_freep) struct sink *sink = hear(&stdout_sink, NULL, &heard);
    int old = dup(STDOUT_FILENO);

    cr_assert_eq(close(STDOUT_FILENO), 0);
    assert_refused(sink, NULL, "sink 'out': stdout is closed");
    cr_assert_eq(dup2(old, STDOUT_FILENO), STDOUT_FILENO);
    (void)close(old);
}
