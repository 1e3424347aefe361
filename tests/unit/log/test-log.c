/* SPDX-License-Identifier: Apache-2.0 */

/* What reaches a terminal: quoted bytes are harmless, levels are obeyed, a line is a line. */
#include "log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "support.h"

Test(log, quotes_what_could_move_a_cursor)
{
    static const struct {
        const char *name;
        struct slice text;
        const char *expected;
    } rows[] = {
        {"plain", SLICE("ss -t"), "ss -t"},
        {"an escape sequence", SLICE("\033[2J"), "\\x1b[2J"},
        {"a line end and a NUL", SLICE("a\nb\0c"), "a\\x0ab\\x00c"},
        {"quotes and backslashes", SLICE("'\"\\"), "\\x27\\x22\\x5c"},
        {"bytes above ASCII", SLICE("\303\244"), "\\xc3\\xa4"},
        {"nothing", SLICE(""), ""},
    };
    char text[LOG_QUOTE_SIZE], many[2000];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        cr_assert_str_eq(log_quote(rows[i].text, text), rows[i].expected, "%s", rows[i].name);
    memset(many, '\n', sizeof(many));
    (void)log_quote(slice_new(many, sizeof(many)), text);
    cr_assert_lt(strlen(text), LOG_QUOTE_SIZE);
    cr_assert(slice_ends_with(slice_from_string(text), SLICE("…")));
}

static size_t captured(int level, int least_urgent, const char *message, char *ret_text, size_t size)
{
    int ends[2], saved = dup(STDERR_FILENO);
    ssize_t n;

    cr_assert_eq(pipe(ends), 0);
    cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
    log_init(least_urgent);
    log_message(level, NULL, "%s", message);
    cr_assert_geq(dup2(saved, STDERR_FILENO), 0);
    (void)close(ends[1]);
    (void)close(saved);
    n = read(ends[0], ret_text, size - 1);
    (void)close(ends[0]);
    cr_assert_geq(n, 0);
    ret_text[n] = '\0';
    return (size_t)n;
}

Test(log, writes_a_line_with_its_level_and_drops_what_is_less_urgent)
{
    char text[8192], many[5000];

    (void)captured(LOG_WARNING, LOG_INFO, "the disk is full", text, sizeof(text));
    cr_assert_str_eq(text, "hapax: warning: the disk is full\n");
    cr_assert_eq(captured(LOG_DEBUG, LOG_INFO, "x", text, sizeof(text)), 0);
    memset(many, 'x', sizeof(many) - 1);
    many[sizeof(many) - 1] = '\0';
    cr_assert_eq(captured(LOG_ERR, LOG_INFO, many, text, sizeof(text)), 2047, "cut, and still a line");
    cr_assert_eq(text[2046], '\n');
}

static volatile sig_atomic_t n_signals;
static int drained_fd;

/* The third of them makes room in the pipe. */
static void on_signal(int number)
{
    static char piece[65536];

    (void)number;
    if (++n_signals == 3 && read(drained_fd, piece, sizeof(piece)) < 0)
        _exit(99);
}

static void fill(int fd)
{
    static char piece[4096];

    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while (write(fd, piece, sizeof(piece)) > 0)
        ;
    cr_assert_eq(errno, EAGAIN);
    cr_assert_eq(fcntl(fd, F_SETFL, 0), 0);
}

Test(log, a_signal_does_not_end_a_message_and_a_reader_that_stopped_does_not_hold_the_program)
{
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {0};
    struct sigaction action = {.sa_handler = on_signal};
    int ends[2], saved = dup(STDERR_FILENO);
    static char text[131072];
    ssize_t n;

    cr_assert_eq(pipe(ends), 0);
    drained_fd = ends[0];
    fill(ends[1]);
    cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
    cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
    log_init(LOG_INFO);
    cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    log_message(LOG_WARNING, NULL, "waited for");
    cr_assert_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    n = read(ends[0], text, sizeof(text));
    cr_assert_gt(n, 0);
    cr_assert(slice_ends_with(slice_new(text, (size_t)n), SLICE("hapax: warning: waited for\n")), "%.*s",
              (int)n, text);

    /* nobody reads any more */
    fill(ends[1]);
    log_message(LOG_WARNING, NULL, "lost");
    log_message(LOG_WARNING, NULL, "lost, too");
    cr_assert_gt(read(ends[0], text, sizeof(text)), 0);
    log_message(LOG_INFO, NULL, "read again");
    cr_assert_geq(dup2(saved, STDERR_FILENO), 0);
    n = read(ends[0], text, sizeof(text) - 1);
    cr_assert_gt(n, 0);
    text[n] = '\0';
    cr_assert_str_eq(text, "hapax: warning: 2 messages before this one are lost: nobody read them\n"
                           "hapax: info: read again\n");
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(saved);
}

/* An entry begins with "-- " and its id (systemd documentation, "Journal Message Catalogs"). */
Test(log, every_message_id_is_explained_in_the_catalogue)
{
    static const char *const ids[] = {LOG_ID_STARTED,      LOG_ID_STOPPED,     LOG_ID_SOURCE_FAILED,
                                      LOG_ID_STORE_FAILED, LOG_ID_STORE_BACK,  LOG_ID_OUTBOX_FULL,
                                      LOG_ID_OUTBOX_OLD,   LOG_ID_DEAD_LETTER, LOG_ID_STORE_DAMAGED};
    static char catalog[65536];
    _cleanup_(freep) char *path = NULL;
    _cleanup_(fclosep) FILE *f = NULL;
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    char entry[64];

    if (!root)
        cr_skip_test("HAPAX_SOURCE_ROOT is not set");
    cr_assert_gt(asprintf(&path, "%s/integrations/systemd/hapax.catalog", root), 0);
    f = fopen(path, "re");
    cr_assert_not_null(f, "%s", path);
    cr_assert_gt(fread(catalog, 1, sizeof(catalog) - 1, f), 0);
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        (void)snprintf(entry, sizeof(entry), "-- %s\nSubject: ", ids[i]);
        cr_assert_not_null(strstr(catalog, entry), "%s", ids[i]);
    }
}
