/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Documents as lines: `file` appends NDJSON to a path, `stdout` writes the same to descriptor 1.
 *
 * A document is one write(2) of the whole line, so that several writers of one file (O_APPEND) and a reader
 * of a pipe see whole lines, and it is confirmed when the kernel has it: that outlives this process, not the
 * machine's power. Short writes are continued. When a regular file takes half a line and then no more (disk
 * full, quota, I/O error), the half is cut off again, provided nobody has appended since; where that is not
 * possible, or an earlier process died within a line, the next line is preceded by a line end: what is in
 * the file stays, and every later line can be read.
 *
 * An error is not the end of a file that has an operator: it is said once, the document is not taken, and
 * the next write tries again, opening a FIFO again whose reader went away. While it lasts a timer reports
 * once a second at debug level, which makes the engine ask again. Without a loop (replay) nobody would ask,
 * so the error itself is returned and the sink is broken. The reader of stdout going away is final in both
 * cases.
 *
 * A pipe stops the loop while its reader is slow: that is the pressure a pipe has. But a reader that has
 * stopped must not keep the program from its end, so the wait looks whether SIGTERM or SIGINT are pending;
 * then the document is not taken, and waits for the next start. A FIFO is opened without waiting for a
 * reader, else the start would hang. SIGPIPE must be ignored by the program.
 *
 * A file that was deleted under us is made anew at the next document, which costs an fstat(2) each.
 *
 * It does not rotate (logrotate does, and reopen follows), sync or compress.
 */
#include "sink/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "util/buffer.h"
#include "util/parse.h"

/* chosen: space that is made by hand is found within a second, and a debug log stays readable */
#define RETRY_USEC (1 * USEC_PER_SEC)

/* chosen: how late a signal is seen while a reader is slow */
#define LOOK_MSEC 100

struct file_settings {
    char *path, *mode;
};

struct file_sink {
    struct sink sink;
    const char *path; /* NULL: stdout, whose descriptor is not ours */
    mode_t mode;
    int fd; /* -1: not open */
    bool is_regular;
    bool has_links;   /* some file systems count none */
    bool is_torn;     /* the file does not end with a line end */
    bool is_stuck;    /* said so */
    bool is_given_up; /* the end was asked for before the reader took it */
    struct buffer line;
    sd_event_source *retry;
};

static const struct option file_options[] = {
    {
        .name = "path",
        .type = OPTION_STRING,
        .offset = offsetof(struct file_settings, path),
        .is_required = true,
        .help = "file that alerts are appended to, one JSON object a line; a FIFO or a device will do, too",
    },
    {
        .name = "mode",
        .type = OPTION_STRING,
        .offset = offsetof(struct file_settings, mode),
        .default_text = "0640",
        .help = "permissions of a file that has to be created, in octal, less the umask",
    },
};

static const struct option_table file_table = {file_options, ARRAY_SIZE(file_options),
                                               sizeof(struct file_settings)};
static const struct option_table stdout_table = {.struct_size = 1};

static const char *file_name(const struct file_sink *f)
{
    return f->path ? f->path : "stdout";
}

/* 0, or -EINVAL: three octal digits, with or without zeroes before them. */
static int parse_mode(const char *text, mode_t *ret_mode)
{
    mode_t mode = 0;

    if (!*text)
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '7' || mode > 0777)
            return -EINVAL;
        mode = mode * 8 + (mode_t)(*text - '0');
    }
    if (mode > 0777)
        return -EINVAL;
    *ret_mode = mode;
    return 0;
}

/* Whether the file has bytes and the last is no line end. A file we may not read is taken as whole. */
static bool is_cut_off(const char *path, const struct stat *st)
{
    _cleanup_(closep) int fd = -1;
    struct stat again;
    char last;

    if (st->st_size == 0)
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &again) < 0 || again.st_dev != st->st_dev || again.st_ino != st->st_ino)
        return false;
    return pread(fd, &last, 1, st->st_size - 1) == 1 && last != '\n';
}

static int file_open(struct file_sink *f)
{
    _cleanup_(closep) int fd = -1;
    struct stat st;
    int flags;

    fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, f->mode);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    /* from here on it may block; see above */
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
        return -errno;
    f->is_regular = S_ISREG(st.st_mode);
    f->has_links = st.st_nlink > 0;
    f->is_torn = f->is_regular && is_cut_off(f->path, &st);
    if (f->fd >= 0)
        (void)close(f->fd);
    f->fd = TAKE_FD(fd);
    return 0;
}

/* Whether somebody wants the program to end: the signals are blocked for the loop, which we hold up. */
static bool is_end_asked_for(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

/* Waits until a descriptor that is not a file on a disk takes bytes. -EAGAIN: the program is to end first. */
static int wait_writable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int n = poll(&p, 1, 0);

    while (n == 0 || (n < 0 && errno == EINTR)) {
        if (is_end_asked_for())
            return -EAGAIN;
        n = poll(&p, 1, LOOK_MSEC);
    }
    return n < 0 ? -errno : 0;
}

/* Cuts off the n bytes that were just written, unless somebody has appended after them. */
static int cut_back(const struct file_sink *f, size_t n)
{
    off_t end = lseek(f->fd, 0, SEEK_CUR);
    struct stat st;

    if (!f->is_regular || end < (off_t)n || fstat(f->fd, &st) < 0 || st.st_size != end)
        return -EBUSY;
    if (ftruncate(f->fd, end - (off_t)n) < 0)
        return -errno;
    /* stdout may be a file that was not opened for appending: without this the next line starts behind a hole
     */
    return lseek(f->fd, end - (off_t)n, SEEK_SET) < 0 ? -errno : 0;
}

static int write_line(struct file_sink *f, struct slice line)
{
    size_t done = 0;
    int r = 0;

    while (r == 0 && done < line.len) {
        size_t piece = line.len - done;
        ssize_t n;

        if (!f->is_regular) {
            r = wait_writable(f->fd);
            if (r < 0)
                break;
            piece = MIN(piece, (size_t)PIPE_BUF); /* a pipe that is ready takes as much without blocking */
        }
        n = write(f->fd, line.data + done, piece);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0)
            r = -EIO; /* no file does this to a write of more than nothing */
        else if (errno != EINTR && errno != EAGAIN)
            r = -errno;
    }
    if (r == 0)
        f->is_torn = false;
    else if (done > 0)
        f->is_torn = cut_back(f, done) < 0 || f->is_torn;
    return r;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct file_sink *f = userdata;

    sink_report(&f->sink, LOG_DEBUG, "trying '%s' again", file_name(f));
    return 0;
}

/* The write failed: what that means. */
static int file_stuck(struct file_sink *f, int error)
{
    bool is_final = !f->retry || (!f->path && error == -EPIPE);
    int r;

    if (!f->path && error == -EPIPE)
        sink_report(&f->sink, LOG_ERR, "stdout is closed");
    else if (!f->is_stuck)
        sink_report(&f->sink, LOG_ERR, "cannot write to '%s': %s%s", file_name(f), strerror(-error),
                    is_final ? "" : "; alerts wait");
    f->is_stuck = true;
    /* what a reader that went away has left unread went with it: nothing to finish, a new one to wait for */
    if (f->path && error == -EPIPE) {
        (void)close(f->fd);
        f->fd = -1;
    }
    if (is_final)
        return error;
    r = sd_event_source_set_time_relative(f->retry, (uint64_t)RETRY_USEC);
    if (r >= 0)
        r = sd_event_source_set_enabled(f->retry, SD_EVENT_ONESHOT);
    return r < 0 ? r : -EAGAIN;
}

/* What is written to a file that has no name any more nobody will ever read. One that was only renamed is its
 * rotator's, until it says so. */
static int leave_deleted(struct file_sink *f)
{
    struct stat st;
    int r;

    if (!f->path || !f->is_regular || !f->has_links || fstat(f->fd, &st) < 0 || st.st_nlink > 0)
        return 0;
    r = file_open(f);
    if (r >= 0)
        sink_report(&f->sink, LOG_WARNING, "'%s' was deleted, with the alerts in it; it is made anew",
                    f->path);
    return r;
}

static int file_write(struct sink *sink, const struct document *document, uint64_t ticket)
{
    struct file_sink *f = (struct file_sink *)sink;
    int r;

    r = f->fd < 0 ? file_open(f) : leave_deleted(f);
    if (r < 0)
        return file_stuck(f, r);
    buffer_clear(&f->line);
    if (f->is_torn)
        r = buffer_append_char(&f->line, '\n');
    if (r >= 0)
        r = buffer_append_slice(&f->line, document->bytes);
    if (r >= 0)
        r = buffer_append_char(&f->line, '\n');
    if (r < 0)
        return r;
    r = write_line(f, buffer_slice(&f->line));
    f->is_given_up = r == -EAGAIN;
    if (r == -EAGAIN)
        return r;
    if (r < 0)
        return file_stuck(f, r);
    if (f->is_stuck)
        sink_report(sink, LOG_NOTICE, "'%s' takes alerts again", file_name(f));
    f->is_stuck = false;
    sink_confirm(sink, ticket, 0, NULL);
    return 0;
}

static int add_retry(struct file_sink *f, sd_event *event)
{
    int r;

    if (!event)
        return 0;
    r = sd_event_add_time_relative(event, &f->retry, CLOCK_MONOTONIC, (uint64_t)RETRY_USEC, 0, on_retry, f);
    return r < 0 ? r : sd_event_source_set_enabled(f->retry, SD_EVENT_OFF);
}

static int file_start(struct sink *sink, sd_event *event, struct diag_list *diags)
{
    struct file_sink *f = (struct file_sink *)sink;
    const struct file_settings *settings = sink->settings;
    int r;

    f->fd = -1;
    f->path = settings->path;
    if (parse_mode(settings->mode, &f->mode) < 0)
        return diag_add(diags, NULL, 0, 0,
                        "sink '%s': bad value '%s' for mode, expected octal permissions such as 0640",
                        sink->name, settings->mode);
    r = add_retry(f, event);
    if (r < 0)
        return r;
    r = file_open(f);
    if (r == -ENXIO && event) {
        /* a FIFO without a reader, open(2): it may come */
        sink_report(sink, LOG_WARNING, "nobody reads '%s' yet; alerts wait", f->path);
        f->is_stuck = true;
        return 0;
    }
    if (r < 0)
        return diag_add(diags, NULL, 0, 0, "sink '%s': cannot open '%s': %s", sink->name, f->path,
                        strerror(-r));
    return 0;
}

/* Nothing is ever in flight: what was taken is written, and what the reader did not take waits in the outbox.
 */
static int file_flush(struct sink *sink, int64_t timeout_usec)
{
    const struct file_sink *f = (const struct file_sink *)sink;

    (void)timeout_usec;
    if (f->is_stuck)
        return -EIO;
    return f->is_given_up ? -ETIMEDOUT : 0;
}

/* Opens the new file first: a reopen that fails keeps the old one, so that nothing is lost meanwhile. */
static int file_reopen(struct sink *sink)
{
    struct file_sink *f = (struct file_sink *)sink;
    int r = file_open(f);

    if (r < 0)
        sink_report(sink, LOG_ERR, "cannot reopen '%s': %s%s", f->path, strerror(-r),
                    f->fd >= 0 ? "; alerts go to the file that was open" : "");
    return r;
}

static int stdout_start(struct sink *sink, sd_event *event, struct diag_list *diags)
{
    struct file_sink *f = (struct file_sink *)sink;
    struct stat st;

    f->fd = STDOUT_FILENO;
    if (fstat(f->fd, &st) < 0)
        return diag_add(diags, NULL, 0, 0, "sink '%s': stdout is closed", sink->name);
    f->is_regular = S_ISREG(st.st_mode);
    return add_retry(f, event);
}

static void file_done(struct sink *sink)
{
    struct file_sink *f = (struct file_sink *)sink;

    f->retry = sd_event_source_disable_unref(f->retry);
    buffer_done(&f->line);
    if (f->path && f->fd >= 0)
        (void)close(f->fd);
}

const struct sink_driver file_sink = {
    .name = "file",
    .summary = "appends alerts to a file, one JSON object a line",
    .options = &file_table,
    .struct_size = sizeof(struct file_sink),
    .start = file_start,
    .write = file_write,
    .flush = file_flush,
    .reopen = file_reopen,
    .done = file_done,
};

const struct sink_driver stdout_sink = {
    .name = "stdout",
    .summary = "prints alerts on standard output, one JSON object a line",
    .options = &stdout_table,
    .struct_size = sizeof(struct file_sink),
    .start = stdout_start,
    .write = file_write,
    .flush = file_flush,
    .done = file_done,
};
