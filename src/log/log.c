/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where stderr is connected to the journal, systemd says so in $JOURNAL_STREAM by device and inode
 * (systemd.exec(5)); then messages go through the native protocol, with their priority and id. Anywhere else
 * a line of text goes to stderr, with one write, so that lines of several processes do not mix (omprog
 * collects several programs in one file).
 *
 * Signals that end a call (kick.h) do not end a message. What does is a reader of stderr that has stopped: a
 * pipe that is full would hold the program, its sources and its end, for the sake of a line. So a line waits
 * for PATIENCE_MSEC, the next ones not at all, and how many were lost is said with the first that is taken
 * again. A journal that has stopped holds us as it does every other service.
 */
#include "log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* we name our own fields; the source file and line are of no use to an operator */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

/* a line of text; longer messages are cut */
#define LINE_BYTES 2048
/* chosen: a reader that is only slow takes a line within it, and the 5 s that a stop may take hold it */
#define PATIENCE_MSEC 1000

_Static_assert(LINE_BYTES <= PIPE_BUF, "a pipe that is ready takes a whole line (pipe(7))");

static int least_urgent = LOG_INFO;
static bool is_journal;
static unsigned long long n_lost; /* lines since the last that standard error took */

static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat st;
    char *end;

    if (!stream || fstat(STDERR_FILENO, &st) < 0)
        return false;
    device = strtoumax(stream, &end, 10);
    if (*end != ':')
        return false;
    inode = strtoumax(end + 1, &end, 10);
    return *end == '\0' && device == (uintmax_t)st.st_dev && inode == (uintmax_t)st.st_ino;
}

void log_init(int level)
{
    least_urgent = level;
    is_journal = stderr_is_journal();
}

static int64_t now_msec(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whether standard error takes a line, or has an error for whoever writes one. */
static bool wait_writable(int patience_msec)
{
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
    int64_t end_msec = now_msec() + patience_msec, left_msec = patience_msec;
    int r = poll(&ready, 1, patience_msec);

    while (r < 0 && errno == EINTR && left_msec >= 0) {
        left_msec = end_msec - now_msec();
        r = poll(&ready, 1, (int)MAX(left_msec, INT64_C(0)));
    }
    return r != 0;
}

/* False: nobody reads it. */
static bool write_text(const char *text, size_t len, int patience_msec)
{
    ssize_t n;

    if (!wait_writable(patience_msec))
        return false;
    do {
        n = write(STDERR_FILENO, text, len);
    } while (n < 0 && errno == EINTR);
    /* any other failure: nowhere is left to say so */
    return n >= 0 || errno != EAGAIN;
}

static size_t format_line(int level, const char *message, char ret_line[LINE_BYTES])
{
    static const char *const names[] = {"emergency", "alert",  "critical", "error",
                                        "warning",   "notice", "info",     "debug"};
    int n = snprintf(ret_line, LINE_BYTES - 1, "hapax: %s: %s", names[level & LOG_PRIMASK], message);

    if (n < 0)
        return 0;
    n = MIN(n, LINE_BYTES - 2);
    ret_line[n++] = '\n';
    return (size_t)n;
}

static void write_line(int level, const char *message)
{
    char line[LINE_BYTES], lost[128];
    size_t len;

    if (n_lost > 0) {
        (void)snprintf(lost, sizeof(lost), "%llu messages before this one are lost: nobody read them",
                       n_lost);
        len = format_line(LOG_WARNING, lost, line);
        if (write_text(line, len, 0))
            n_lost = 0;
    }
    len = format_line(level, message, line);
    if (n_lost > 0 || !write_text(line, len, PATIENCE_MSEC))
        n_lost++;
}

static int send_to_journal(int level, const char *id, const char *message)
{
    if (id)
        return sd_journal_send("MESSAGE=%s", message, "PRIORITY=%i", level, "MESSAGE_ID=%s", id,
                               "SYSLOG_IDENTIFIER=hapax", NULL);
    return sd_journal_send("MESSAGE=%s", message, "PRIORITY=%i", level, "SYSLOG_IDENTIFIER=hapax", NULL);
}

void log_message(int level, const char *id, const char *format, ...)
{
    char message[LINE_BYTES];
    va_list ap;
    int r;

    if (level > least_urgent)
        return;
    va_start(ap, format);
    (void)vsnprintf(message, sizeof(message), format, ap);
    va_end(ap);
    if (!is_journal) {
        write_line(level, message);
        return;
    }
    do {
        r = send_to_journal(level, id, message);
    } while (r == -EINTR);
}

const char *log_quote(struct slice s, char ret_text[LOG_QUOTE_SIZE])
{
    static const char ellipsis[] = "…";
    size_t n = 0, room = LOG_QUOTE_SIZE - sizeof(ellipsis) - 4;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];

        if (n > room) {
            memcpy(ret_text + n, ellipsis, sizeof(ellipsis));
            return ret_text;
        }
        if (c >= 0x20 && c < 0x7f && c != '\\' && c != '"' && c != '\'')
            ret_text[n++] = (char)c;
        else
            n += (size_t)snprintf(ret_text + n, 5, "\\x%02x", c);
    }
    ret_text[n] = '\0';
    return ret_text;
}
