/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where stderr is connected to the journal, systemd says so in $JOURNAL_STREAM by device and inode
 * (systemd.exec(5)); then messages go through the native protocol, with their priority and id. Anywhere else
 * a line of text goes to stderr, with one write, so that lines of several processes do not mix (omprog
 * collects several programs in one file).
 */
#include "log/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* we name our own fields; the source file and line are of no use to an operator */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

/* a line of text; longer messages are cut */
#define LINE_BYTES 2048

static int least_urgent = LOG_INFO;
static bool is_journal;

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

static void write_line(int level, const char *message)
{
    static const char *const names[] = {"emergency", "alert",  "critical", "error",
                                        "warning",   "notice", "info",     "debug"};
    char line[LINE_BYTES];
    int n = snprintf(line, sizeof(line) - 1, "hapax: %s: %s", names[level & LOG_PRIMASK], message);

    if (n < 0)
        return;
    n = MIN(n, (int)sizeof(line) - 2);
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        return; /* nowhere is left to say so */
}

void log_message(int level, const char *id, const char *format, ...)
{
    char message[LINE_BYTES];
    va_list ap;

    if (level > least_urgent)
        return;
    va_start(ap, format);
    (void)vsnprintf(message, sizeof(message), format, ap);
    va_end(ap);
    if (!is_journal)
        write_line(level, message);
    else if (id)
        (void)sd_journal_send("MESSAGE=%s", message, "PRIORITY=%i", level, "MESSAGE_ID=%s", id,
                              "SYSLOG_IDENTIFIER=hapax", NULL);
    else
        (void)sd_journal_send("MESSAGE=%s", message, "PRIORITY=%i", level, "SYSLOG_IDENTIFIER=hapax", NULL);
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
