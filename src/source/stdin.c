/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Standard input: what a pipe, a terminal, a file or rsyslog's omprog writes into this process.
 *
 * Readiness: a pipe, socket or terminal is read once each time the loop says that it is readable, so it need
 * not be made non-blocking; O_NONBLOCK belongs to the open file, which a shell and other programs may share.
 * A regular file is always readable, epoll refuses it (EPERM), and it is read one chunk a turn instead. A
 * chunk that was not handed over to its end, because of pressure, waits; nothing is read meanwhile, the pipe
 * fills and the writer feels the pressure, too.
 *
 * omprog (rsyslog: plugins/external/INTERFACE.md): one message a line; "OK" when ready, then exactly one line
 * "OK" for each message, here once it is acknowledged, and each in a write of its own: rsyslog takes two that
 * arrive at once for one answer that is not OK. Standard output belongs to the protocol: the descriptor is
 * moved away and /dev/null put in its place, so nothing else of the process can speak to rsyslog by mistake.
 * An answer waits until the pipe takes it; owed answers are a number, not a queue. A reader that is gone
 * (EPIPE) ends the source with an error, because without answers nothing could be confirmed any more, and
 * rsyslog sends the messages again to its next child; after the end of input it is no news.
 *
 * It has no cursor: what was not acknowledged is the writer's to send again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "source/driver.h"
#include "source/line_reader.h"
#include "source/turn.h"

enum protocol {
    PROTOCOL_LINES,
    PROTOCOL_OMPROG,
};

struct stdin_settings {
    int protocol;
    int trust;
    uint64_t line_limit_bytes;
};

struct stdin_source {
    struct source base;
    struct line_reader reader;
    sd_event_source *io;    /* NULL: a regular file */
    sd_event_source *turn;  /* to go on with a chunk, or with a regular file */
    sd_event_source *reply; /* waits until the pipe takes an answer */
    int reply_fd;           /* -1 where nobody waits for answers */
    uint64_t n_owed;        /* answers not written yet */
    bool is_reply_broken;
};

static const char *const protocol_words[] = {"lines", "omprog", NULL};
static const char *const trust_words[] = {"plain", "dedicated", NULL};

static const struct option stdin_options[] = {
    {
        .name = "protocol",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct stdin_settings, protocol),
        .default_text = "lines",
        .choices = protocol_words,
        .help = "lines: just read; omprog: rsyslog's omprog with confirmMessages, one reply a line on "
                "standard output",
    },
    {
        .name = "trust",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct stdin_settings, trust),
        .default_text = "plain",
        .choices = trust_words,
        .help =
            "dedicated: only one trusted writer, such as auditd, can write to this input; plain: anyone may",
    },
    {
        .name = "line_limit",
        .type = OPTION_SIZE,
        .offset = offsetof(struct stdin_settings, line_limit_bytes),
        .default_text = "1MiB",
        .min = 1024,
        .max = 1 << 30,
        .help = "longer lines are cut",
    },
};

static const struct option_table stdin_table = {
    .options = stdin_options,
    .n_options = ARRAY_SIZE(stdin_options),
    .struct_size = sizeof(struct stdin_settings),
};

static struct stdin_source *downcast(struct source *source)
{
    return (struct stdin_source *)source;
}

static unsigned stdin_get_capabilities(const struct source *source)
{
    const struct stdin_settings *settings = source->settings;

    return SOURCE_ENDS | (settings->protocol == PROTOCOL_OMPROG ? SOURCE_LOCK_STEP : 0);
}

/* What the loop shall wake us for, from where we stand. */
static int update_interest(struct stdin_source *s)
{
    bool is_active = !s->base.is_paused && !s->base.is_ended;
    bool is_turn = is_active && (!s->io || !line_reader_is_empty(&s->reader) || s->is_reply_broken);
    int r;

    if (s->io) {
        r = sd_event_source_set_enabled(s->io, is_active && !is_turn ? SD_EVENT_ON : SD_EVENT_OFF);
        if (r < 0)
            return r;
    }
    return sd_event_source_set_enabled(s->turn, is_turn ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* Writes what is owed as far as the pipe takes it without blocking; the loop says when it takes more. */
static int write_replies(struct stdin_source *s)
{
    while (s->n_owed > 0 && !s->is_reply_broken) {
        struct pollfd ready = {.fd = s->reply_fd, .events = POLLOUT};
        ssize_t n;

        if (poll(&ready, 1, 0) < 0 && errno != EINTR)
            return -errno;
        if (!(ready.revents & (POLLOUT | POLLERR | POLLHUP)))
            break;
        n = write(s->reply_fd, "OK\n", 3);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            break;
        /* part of an answer cannot be taken back: three bytes into a pipe are whole or nothing (pipe(7)) */
        if (n < 3)
            s->is_reply_broken = true;
        else
            s->n_owed--;
    }
    if (s->is_reply_broken)
        s->n_owed = 0;
    if (s->reply)
        return sd_event_source_set_enabled(s->reply, s->n_owed > 0 ? SD_EVENT_ON : SD_EVENT_OFF);
    return 0;
}

/* Reads at most one chunk and hands it over. Negative: the program stops. */
static int step(struct stdin_source *s)
{
    struct source *source = &s->base;
    ssize_t n;
    int r;

    if (source->is_paused || source->is_ended)
        return update_interest(s);
    if (s->is_reply_broken) {
        source_end(source, -EPIPE, "the reader of the replies on standard output is gone");
        return update_interest(s);
    }
    if (line_reader_is_empty(&s->reader)) {
        n = line_reader_read(&s->reader, STDIN_FILENO, -1);
        if (n == -EAGAIN || n == -EINTR)
            return 0;
        if (n < 0) {
            char message[128];

            (void)snprintf(message, sizeof(message), "standard input cannot be read: %s", strerror((int)-n));
            source_end(source, (int)n, message);
            return update_interest(s);
        }
        if (n == 0) {
            r = line_reader_finish(&s->reader);
            if (r < 0)
                return r;
            source_end(source, 0, NULL);
            return update_interest(s);
        }
    }
    r = line_reader_feed(&s->reader);
    if (r < 0)
        return r;
    return update_interest(s);
}

static int on_step(sd_event_source *event_source, int fd, uint32_t revents, void *userdata)
{
    int r = step(userdata);

    return r < 0 ? sd_event_exit(sd_event_source_get_event(event_source), r) : 0;
}

static int on_reply(sd_event_source *event_source, int fd, uint32_t revents, void *userdata)
{
    struct stdin_source *s = userdata;
    int r;

    r = write_replies(s);
    if (r >= 0 && !s->base.is_ended)
        r = update_interest(s);
    return r < 0 ? sd_event_exit(sd_event_source_get_event(event_source), r) : 0;
}

/* Moves standard output away to where only the protocol writes. */
static int take_stdout(struct stdin_source *s, sd_event *event, struct diag_list *diags)
{
    _cleanup_(closep) int null_fd = -1;
    struct sigaction action;
    int r;

    s->reply_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (s->reply_fd < 0)
        return diag_add(diags, NULL, 0, 0,
                        "protocol omprog: standard output is closed, but replies go there (%s)",
                        strerror(errno));
    null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null_fd < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
        return -errno;
    /* rsyslog starts us with the default action, which would kill us at the first answer nobody reads */
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        (void)signal(SIGPIPE, SIG_IGN);
    r = sd_event_add_io(event, &s->reply, s->reply_fd, EPOLLOUT, on_reply, s);
    if (r < 0 && r != -EPERM) /* a regular file takes any answer at once */
        return r;
    if (s->reply) {
        r = sd_event_source_set_enabled(s->reply, SD_EVENT_OFF);
        if (r < 0)
            return r;
    }
    /* the first one says that we are ready */
    s->n_owed = 1;
    return write_replies(s);
}

static int stdin_start(struct source *source, sd_event *event, struct slice cursor, struct diag_list *diags)
{
    const struct stdin_settings *settings = source->settings;
    struct stdin_source *s = downcast(source);
    bool is_omprog = settings->protocol == PROTOCOL_OMPROG;
    int r;

    s->reply_fd = -1;
    if (fcntl(STDIN_FILENO, F_GETFD) < 0)
        return diag_add(diags, NULL, 0, 0, "standard input is closed: expected a pipe, a file or a terminal");
    r = line_reader_init(&s->reader, source, is_omprog ? FRAMING_LINES : FRAMING_AUTO,
                         settings->line_limit_bytes, settings->trust == 0 ? TRUST_LOW : TRUST_INPUT);
    if (r < 0)
        return r;
    s->reader.is_record_per_line = is_omprog;
    r = turn_new(event, on_step, s, &s->turn);
    if (r < 0)
        return r;
    r = sd_event_add_io(event, &s->io, STDIN_FILENO, EPOLLIN, on_step, s);
    if (r < 0 && r != -EPERM)
        return r;
    if (is_omprog) {
        r = take_stdout(s, event, diags);
        if (r < 0)
            return r;
    }
    return update_interest(s);
}

static int stdin_acknowledge(struct source *source, uint64_t seq)
{
    struct stdin_source *s = downcast(source);
    int r;

    if (s->reply_fd < 0)
        return 0;
    s->n_owed += seq - source->acked_seq;
    r = write_replies(s);
    if (r < 0 || source->is_ended)
        return r;
    return update_interest(s);
}

static int stdin_pause(struct source *source, bool is_paused)
{
    return update_interest(downcast(source));
}

static void stdin_done(struct source *source)
{
    struct stdin_source *s = downcast(source);

    (void)sd_event_source_disable_unref(s->io);
    (void)sd_event_source_disable_unref(s->turn);
    (void)sd_event_source_disable_unref(s->reply);
    line_reader_done(&s->reader);
    if (s->reply_fd > STDERR_FILENO)
        (void)close(s->reply_fd);
}

const struct source_driver stdin_source = {
    .name = "stdin",
    .summary = "reads lines on standard input: of a pipe, of auditd as its plugin, or of rsyslog's omprog",
    .options = &stdin_table,
    .struct_size = sizeof(struct stdin_source),
    .capabilities = SOURCE_ENDS | SOURCE_LOCK_STEP,
    .get_capabilities = stdin_get_capabilities,
    .start = stdin_start,
    .acknowledge = stdin_acknowledge,
    .pause = stdin_pause,
    .done = stdin_done,
};
