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
 * omprog: rsyslog waits for an answer to each message; omprog.c has the protocol. Here it only means that
 * what is acknowledged is told, and that a source that is paused may still read, in order to refuse.
 *
 * In step. Such a peer sends the next message some microseconds after the answer, so a turn of the loop for
 * each (two epoll_wait, measured 2026-11: 3 us of the 9 that a message takes) costs more than what is done
 * with it. So behind an answer the next message is waited for here, together with the loop's own descriptor:
 * anything else that becomes ready ends the waiting, and STRIDE_USEC end it in any case. What the messages
 * left to do at the end of a turn (alerts that are to leave) waits for that.
 *
 * A peer that kept this up for a whole stride is a quick one, and the next stride does what a program does
 * that answers and nothing else: it blocks in read(2), with an end (kick.h) and with the loop's descriptor
 * out of the way, of which the kernel would tell the loop at each message. The first wait that comes to its
 * end makes the peer an ordinary one again, so the loop is held up once by KICK_USEC, at most twice that.
 * Rejected: to spin until the message comes (measured, too: slower, as both share a processor).
 *
 * It has no cursor: what was not acknowledged is the writer's to send again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "source/driver.h"
#include "source/kick.h"
#include "source/line_reader.h"
#include "source/omprog.h"
#include "source/turn.h"

/* chosen: more than a pipe (64 KiB) or a socket (208 KiB) holds, and an end against a writer that goes on */
#define DRAIN_BYTES_MAX (1U << 20)
/* chosen: the loop's share of a message becomes nothing; timers wait no longer than for a large chunk */
#define STRIDE_USEC 5000
/* chosen: longer than the kernel's tick (10 ms at the slowest, CONFIG_HZ=100), or each wait programs the
 * clock's hardware (measured 2026-11 in a virtual machine: 1 ms costs every tenth message 5 us); a peer that
 * idles costs one such wait */
#define STRIDE_WAIT_MSEC 10
#define KICK_USEC        10000

enum protocol {
    PROTOCOL_LINES,
    PROTOCOL_OMPROG,
};

struct stdin_settings {
    int protocol;
    int trust;
    uint64_t line_limit_bytes;
    bool has_transactions;
};

struct stdin_source {
    struct source base;
    struct line_reader reader;
    sd_event_source *io;   /* NULL: a regular file */
    sd_event_source *turn; /* to go on with a chunk, or with a regular file */
    struct omprog omprog;  /* its fd is -1 where nobody waits for answers */
    int loop_fd;           /* readable where the loop has anything to do */
    struct kick *kick;     /* NULL: nobody waits for answers, or there is none here */
    bool is_quick;         /* the peer kept in step for a whole stride */
    bool is_blocking;      /* within a stride that waits in read(2): the loop does not look meanwhile */
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
    {
        .name = "transactions",
        .type = OPTION_BOOL,
        .offset = offsetof(struct stdin_settings, has_transactions),
        .default_text = "false",
        .help = "omprog with useTransactions=\"on\": one commit a batch; rsyslog before 8.2508 loses "
                "messages of a "
                "batch in which one is refused",
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
    const struct stdin_source *s = (const struct stdin_source *)source;
    bool is_batch = s->omprog.is_in_transaction; /* nobody waits before its end */

    return SOURCE_ENDS | (settings->protocol == PROTOCOL_OMPROG && !is_batch ? SOURCE_LOCK_STEP : 0);
}

/* What the loop shall wake us for, from where we stand. */
static int update_interest(struct stdin_source *s)
{
    bool is_active = !s->base.is_ended && (!s->base.is_paused || s->omprog.is_refusing) &&
                     (!omprog_is_full(&s->omprog) || s->omprog.is_broken);
    bool is_turn = is_active && (!s->io || !line_reader_is_empty(&s->reader) || s->omprog.is_broken);
    int r;

    s->reader.is_never_paused = s->omprog.is_refusing;
    if (s->is_blocking) /* at its end */
        return 0;
    if (s->io) {
        r = sd_event_source_set_enabled(s->io, is_active && !is_turn ? SD_EVENT_ON : SD_EVENT_OFF);
        if (r < 0)
            return r;
    }
    return sd_event_source_set_enabled(s->turn, is_turn ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* Nothing could be read. */
#define STEP_NOTHING 1

/* Reads at most one chunk and hands it over. Negative: the program stops. */
static int step(struct stdin_source *s)
{
    struct source *source = &s->base;
    ssize_t n;
    int r;

    if (source->is_ended || (source->is_paused && !s->omprog.is_refusing))
        return update_interest(s);
    if (s->omprog.is_broken) {
        s->omprog.is_in_transaction = false;
        source_end(source, -EPIPE, "the reader of the replies on standard output is gone");
        return update_interest(s);
    }
    if (line_reader_is_empty(&s->reader)) {
        n = line_reader_read(&s->reader, STDIN_FILENO, -1);
        if (n == -EAGAIN || n == -EINTR)
            return STEP_NOTHING;
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
            /* what is not committed comes again */
            s->omprog.is_in_transaction = false;
            source_end(source, 0, NULL);
            return update_interest(s);
        }
    }
    r = line_reader_feed(&s->reader);
    if (r >= 0)
        r = omprog_wait(&s->omprog);
    if (r < 0)
        return r;
    return update_interest(s);
}

/* All is answered, and what the peer does next is to send a message. */
static bool is_in_step(const struct stdin_source *s)
{
    return s->omprog.fd >= 0 && s->io && !s->base.is_ended && !s->base.is_paused && !s->omprog.is_broken &&
           !omprog_owes(&s->omprog) && line_reader_is_empty(&s->reader);
}

static bool waits_for_input(const struct stdin_source *s)
{
    struct pollfd ready[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = s->loop_fd, .events = POLLIN}};

    /* the loop's descriptor is readable for our own input, too: that goes first, within the stride's limits
     */
    return poll(ready, ARRAY_SIZE(ready), STRIDE_WAIT_MSEC) > 0 && ready[0].revents != 0;
}

/* Blocks in read(2): see the essay. */
static int stride_quickly(struct stdin_source *s, int64_t end_usec)
{
    int q, r = kick_arm(s->kick, KICK_USEC);

    s->is_quick = r >= 0; /* else in the slower way from now on, which nobody has to know of */
    if (r < 0)
        return 0;
    s->is_blocking = true;
    r = sd_event_source_set_enabled(s->io, SD_EVENT_OFF);
    while (r == 0 && is_in_step(s) && source_now_usec(CLOCK_MONOTONIC) < end_usec)
        r = step(s);
    kick_disarm(s->kick);
    s->is_blocking = false;
    s->is_quick = r == 0;
    q = update_interest(s);
    return MIN(r, q);
}

/* A step, and those of a peer in step with us. */
static int stride(struct stdin_source *s)
{
    int64_t end_usec = s->omprog.fd >= 0 ? source_now_usec(CLOCK_MONOTONIC) + STRIDE_USEC : 0;
    int r = step(s);

    if (s->is_quick && r >= 0)
        return stride_quickly(s, end_usec);
    while (r >= 0 && is_in_step(s)) {
        if (source_now_usec(CLOCK_MONOTONIC) >= end_usec) {
            s->is_quick = s->kick != NULL;
            break;
        }
        if (!waits_for_input(s))
            break;
        r = step(s);
    }
    return r;
}

static int on_step(sd_event_source *event_source, int fd, uint32_t revents, void *userdata)
{
    int r = stride(userdata);

    return r < 0 ? sd_event_exit(sd_event_source_get_event(event_source), r) : 0;
}

static int resume(struct source *source)
{
    return update_interest(downcast(source));
}

static int take(struct source *source, struct record *record)
{
    return omprog_take(&downcast(source)->omprog, record);
}

static int stdin_start(struct source *source, sd_event *event, struct slice cursor, struct diag_list *diags)
{
    const struct stdin_settings *settings = source->settings;
    struct stdin_source *s = downcast(source);
    bool is_omprog = settings->protocol == PROTOCOL_OMPROG;
    int r;

    s->omprog.fd = -1;
    s->omprog.source = source;
    s->loop_fd = sd_event_get_fd(event);
    if (s->loop_fd < 0)
        return s->loop_fd;
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
        s->reader.take = take;
        r = kick_new(&s->kick);
        if (r == -ENOMEM)
            return r;
        r = omprog_start(&s->omprog, source, event, settings->has_transactions, resume, diags);
        if (r < 0)
            return r;
    }
    return update_interest(s);
}

static int stdin_acknowledge(struct source *source, uint64_t seq)
{
    struct stdin_source *s = downcast(source);
    int r;

    if (s->omprog.fd < 0)
        return 0;
    r = omprog_acknowledge(&s->omprog, seq);
    if (r < 0 || source->is_ended)
        return r;
    return update_interest(s);
}

static int stdin_pause(struct source *source, bool is_paused)
{
    struct stdin_source *s = downcast(source);
    int r = omprog_wait(&s->omprog);

    (void)is_paused;
    return r < 0 ? r : update_interest(s);
}

/* rsyslog has the rest, a file and a terminal are still there; what is in a pipe when its reader ends is
 * gone. */
static int stdin_drain(struct source *source)
{
    struct stdin_source *s = downcast(source);
    size_t n_bytes = 0;

    while (s->omprog.fd < 0 && s->io && !source->is_paused && !source->is_ended &&
           n_bytes < DRAIN_BYTES_MAX) {
        struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
        int r;

        if (line_reader_is_empty(&s->reader) && poll(&ready, 1, 0) <= 0)
            break;
        r = step(s);
        if (r < 0)
            return r;
        n_bytes += s->reader.end;
    }
    return 0;
}

static void stdin_done(struct source *source)
{
    struct stdin_source *s = downcast(source);

    (void)sd_event_source_disable_unref(s->io);
    (void)sd_event_source_disable_unref(s->turn);
    kick_free(s->kick);
    line_reader_done(&s->reader);
    if (s->omprog.source)
        omprog_done(&s->omprog);
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
    .drain = stdin_drain,
    .done = stdin_done,
};
