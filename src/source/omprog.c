/* SPDX-License-Identifier: Apache-2.0 */

/*
 * rsyslog's omprog with confirmMessages (rsyslog: plugins/external/INTERFACE.md): "OK" when ready, then
 * exactly one line for each message, in order. Each answer is a write of its own: rsyslog takes two that
 * arrive at once for one answer that is not OK. Standard output belongs to the protocol: the descriptor is
 * moved away and /dev/null put in its place, so nothing else of the process can speak to rsyslog by mistake.
 *
 * Owed. One letter for each message read: an answer that waits for the message to be durable, or one that is
 * due whatever comes. The first letter that has to wait holds the rest back, so order needs no second
 * thought. rsyslog sends no message before the answer to the last one, so there is mostly one letter; a peer
 * that does not wait is held at OWED_MAX.
 *
 * Slow. rsyslog gives an answer confirmTimeout (10 s by default) and then starts another process beside this
 * one. Dots without a line end start the time again; one is written each WATCH_USEC while a message waits.
 * When the engine has paused the source for longer than a moment (the state cannot be written, the outbox is
 * full), that may take hours, and rsyslog is better off knowing: the message is refused by an error text,
 * rsyslog keeps it, suspends the action and sends it again each action.resumeInterval. Messages refused are
 * not looked at. The one that was read and waits when refusing begins comes again, too: it is learned twice,
 * as after a kill, which changes no alert's id.
 *
 * Transactions (useTransactions="on", and source.NAME.transactions here): the marks BEGIN TRANSACTION and
 * COMMIT TRANSACTION stand around messages. These are answered DEFER_COMMIT at once, and the second mark by
 * OK when all is durable: it is handed to the engine as an empty record in lock step, so the commit is the
 * engine's usual one. Without the setting the marks are text like any other, which anyone may log.
 *
 * A reader that is gone (EPIPE) breaks it: without answers nothing can be confirmed, and rsyslog sends what
 * was not to its next child.
 */
#include "source/omprog.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "util/parse.h"

/* chosen: a third of the shortest time limit that people set; confirmTimeout is 10 s by default */
#define WATCH_USEC ((uint64_t)2 * USEC_PER_SEC)
/* chosen: a commit that is only slow has ended by then (a disk's own time limit is 30 s, and rare), and there
 * are 4 s left of the default confirmTimeout had no dot been written */
#define PAUSE_TICKS_MAX 3U
/* rsyslog (omprog.c, 8.2302) reads an answer into 4096 bytes; the text below has its place there, too */
#define DOTS_MAX 2048U
/* chosen: as many answers as a pipe of 64 KiB holds of "OK\n", and some */
#define OWED_MAX 32768U
/* chosen: 64 answers. A pipe that poll(2) says is writable takes PIPE_BUF bytes (4096, pipe(7)), a socket far
 * more; what others write into the same pipe meanwhile is not ours to know, and a page leaves room for it */
#define ROOM_BYTES 192U

/* Letters. */
#define WAITS    'w' /* OK, once the message is durable */
#define DEFERRED 'd' /* DEFER_COMMIT, at once */
#define BEGUN    'b' /* OK, at once: a mark, not a message of the engine's */
#define DROPPED  'x' /* an error; the engine has the message */
#define REFUSED  'r' /* an error; the engine has never seen it */

static const char refusal[] =
    "error: hapax is held up (its state cannot be written, or too many alerts wait for "
    "their sink): send it again\n";

static bool is_due(const struct omprog *o, char letter)
{
    return letter != WAITS || o->head_seq <= o->acked_seq;
}

static const char *text_of(char letter)
{
    switch (letter) {
    case DEFERRED:
        return "DEFER_COMMIT\n";
    case DROPPED:
    case REFUSED:
        return refusal;
    default:
        return "OK\n";
    }
}

bool omprog_owes(const struct omprog *o)
{
    return o->head < o->owed.len;
}

static bool is_writable(struct omprog *o)
{
    struct pollfd ready = {.fd = o->fd, .events = POLLOUT};

    return poll(&ready, 1, 0) > 0;
}

/*
 * All of the text or none of it: up to PIPE_BUF bytes (4096) into a pipe are whole or nothing (pipe(7)).
 * False: later. The descriptor blocks (O_NONBLOCK belongs to the open file, which others may share), so it is
 * asked first; what it takes then is more than one answer, which saves asking before each.
 */
static bool write_text(struct omprog *o, const char *text, size_t len)
{
    ssize_t n;

    if (len > o->room_bytes) {
        if (!is_writable(o))
            return false;
        o->room_bytes = MAX(len, (size_t)ROOM_BYTES);
    }
    n = write(o->fd, text, len);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    o->room_bytes -= len;
    o->is_broken = n < (ssize_t)len;
    return true;
}

/* Writes what is due as far as the pipe takes it without blocking; the loop says when it takes more. */
static int write_owed(struct omprog *o)
{
    bool is_waiting = false;

    while (omprog_owes(o) && !o->is_broken && is_due(o, o->owed.data[o->head])) {
        char letter = o->owed.data[o->head];
        const char *text = text_of(letter);

        is_waiting = !write_text(o, text, strlen(text));
        if (is_waiting)
            break;
        o->n_dots = 0;
        o->head++;
        o->head_seq += letter == WAITS || letter == DEFERRED || letter == DROPPED;
    }
    if (!omprog_owes(o) || o->is_broken) {
        buffer_clear(&o->owed);
        o->head = 0;
    }
    if (o->writable)
        return sd_event_source_set_enabled(o->writable, is_waiting ? SD_EVENT_ON : SD_EVENT_OFF);
    return 0;
}

static int owe(struct omprog *o, char letter)
{
    /* the written ones make room */
    if (o->head > OWED_MAX) {
        memmove(o->owed.data, o->owed.data + o->head, o->owed.len - o->head);
        o->owed.len -= o->head;
        o->head = 0;
    }
    return buffer_append_char(&o->owed, letter);
}

bool omprog_is_full(const struct omprog *o)
{
    return o->owed.len - o->head > OWED_MAX;
}

int omprog_take(struct omprog *o, struct record *record)
{
    int r;

    if (o->fd < 0)
        return 0;
    if (o->is_refusing) {
        o->n_refused++;
        r = owe(o, REFUSED);
        r = r < 0 ? r : write_owed(o);
        return r < 0 ? r : 1;
    }
    if (o->has_transactions && !o->is_in_transaction &&
        slice_equal(record->bytes, SLICE("BEGIN TRANSACTION"))) {
        o->is_in_transaction = true;
        r = owe(o, BEGUN);
        r = r < 0 ? r : write_owed(o);
        return r < 0 ? r : 1;
    }
    if (o->is_in_transaction && slice_equal(record->bytes, SLICE("COMMIT TRANSACTION"))) {
        o->is_in_transaction = false;
        record->bytes = SLICE("");
    }
    if (!o->is_in_transaction)
        return owe(o, WAITS);
    r = owe(o, DEFERRED);
    return r < 0 ? r : write_owed(o);
}

int omprog_acknowledge(struct omprog *o, uint64_t seq)
{
    if (o->fd < 0)
        return 0;
    o->acked_seq = seq;
    return write_owed(o);
}

int omprog_wait(struct omprog *o)
{
    bool is_waiting =
        o->fd >= 0 && !o->is_broken && !o->source->is_ended && (omprog_owes(o) || o->source->is_paused);
    int r;

    if (!o->source->is_paused) {
        o->is_refusing = false;
        o->n_ticks_paused = 0;
    }
    if (!is_waiting || o->is_watching || o->is_refusing)
        return 0;
    o->watched_seq = 0;
    r = sd_event_source_set_time_relative(o->watch, WATCH_USEC);
    if (r >= 0)
        r = sd_event_source_set_enabled(o->watch, SD_EVENT_ONESHOT);
    o->is_watching = r >= 0;
    return r;
}

/* Messages that were read and wait are refused, and from now on all that come. */
static int refuse(struct omprog *o)
{
    o->is_refusing = true;
    o->is_in_transaction = false;
    for (size_t i = o->head; i < o->owed.len; i++) {
        if (o->owed.data[i] != WAITS)
            continue;
        o->owed.data[i] = DROPPED;
        o->n_refused++;
    }
    if (o->n_refused <= 1)
        source_report(o->source, 5,
                      "messages are refused until hapax can go on: rsyslog keeps them and sends them "
                      "again");
    return write_owed(o);
}

static bool has_input(void)
{
    struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&ready, 1, 0) > 0 && ready.revents & POLLIN;
}

static int look(struct omprog *o)
{
    bool has_message =
        omprog_owes(o) ? !is_due(o, o->owed.data[o->head]) : o->source->is_paused && has_input();

    if (o->source->is_paused && ++o->n_ticks_paused >= PAUSE_TICKS_MAX)
        return refuse(o);
    if (!has_message)
        return 0;
    /* the first look may come just after the message did */
    if (o->watched_seq == o->head_seq && o->n_dots < DOTS_MAX && write_text(o, ".", 1))
        o->n_dots++;
    return 0;
}

static int on_watch(sd_event_source *watch, uint64_t usec, void *userdata)
{
    struct omprog *o = userdata;
    int r;

    (void)usec;
    o->is_watching = false;
    r = look(o);
    if (r >= 0)
        r = omprog_wait(o);
    o->watched_seq = o->head_seq;
    if (r >= 0 && !o->source->is_ended)
        r = o->resume(o->source);
    return r < 0 ? sd_event_exit(sd_event_source_get_event(watch), r) : 0;
}

static int on_writable(sd_event_source *writable, int fd, uint32_t revents, void *userdata)
{
    struct omprog *o = userdata;
    int r = write_owed(o);

    (void)fd;
    (void)revents;
    if (r >= 0 && !o->source->is_ended)
        r = o->resume(o->source);
    return r < 0 ? sd_event_exit(sd_event_source_get_event(writable), r) : 0;
}

/* Moves standard output away to where only the protocol writes. */
static int take_stdout(struct omprog *o, struct diag_list *diags)
{
    _cleanup_(closep) int null_fd = -1;
    struct sigaction action;

    o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (o->fd < 0)
        return diag_add(diags, NULL, 0, 0,
                        "protocol omprog: standard output is closed, but replies go there (%s)",
                        strerror(errno));
    null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null_fd < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
        return -errno;
    /* rsyslog starts us with the default action, which would kill us at the first answer nobody reads */
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        (void)signal(SIGPIPE, SIG_IGN);
    return 0;
}

int omprog_start(struct omprog *o, struct source *source, sd_event *event, bool has_transactions,
                 int (*resume)(struct source *source), struct diag_list *diags)
{
    int r;

    *o = (struct omprog){
        .source = source, .fd = -1, .has_transactions = has_transactions, .head_seq = 1, .resume = resume};
    r = take_stdout(o, diags);
    if (r < 0)
        return r;
    r = sd_event_add_io(event, &o->writable, o->fd, EPOLLOUT, on_writable, o);
    if (r < 0 && r != -EPERM) /* a regular file takes any answer at once */
        return r;
    r = sd_event_add_time_relative(event, &o->watch, CLOCK_MONOTONIC, WATCH_USEC, 0, on_watch, o);
    if (r >= 0)
        r = sd_event_source_set_enabled(o->watch, SD_EVENT_OFF);
    if (r < 0)
        return r;
    r = owe(o, BEGUN);
    return r < 0 ? r : write_owed(o);
}

void omprog_done(struct omprog *o)
{
    (void)sd_event_source_disable_unref(o->writable);
    (void)sd_event_source_disable_unref(o->watch);
    buffer_done(&o->owed);
    if (o->fd > STDERR_FILENO)
        (void)close(o->fd);
}
