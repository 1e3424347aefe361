/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sudo writes no message longer than syslog_maxlen (980 by default, 960 of sudo_logsrvd): it goes on in
 * another of the same time, "USER : (command continued) REST", the text in the language of the system
 * (lib/eventlog/eventlog.c, do_syslog_sudo). It cuts at the last blank that fits, which is left out, or,
 * where a piece has none, at the limit. So a message that may have been cut is held until the next of the
 * same user shows how it goes on. sudo-rs (src/log/syslog.rs) ends what goes on with " [...]" and begins the
 * rest with "[...] ", without the user; nothing is left out between them.
 *
 * The danger is that anyone who can write "sudo: alice : (command continued) …" would have a say in what
 * alice ran. What keeps it small:
 *
 * - The first part is final. Who, as whom, where and which program stand in it, and the event takes them from
 *   there; what is joined only adds arguments. The exception is a first part that ends before COMMAND=: sudo
 *   cuts there when the environment or the folder is long, and without its rest the command would be hidden,
 *   for a price of one long variable. Such a command is marked as one that can be read in two ways.
 * - Both have the same host, user, pid (where the header has one), unit and trust: what a stranger writes
 *   into the journal is not vouched for as sudo's own words are, and is not joined to them.
 * - A part only goes on where sudo would have cut: with the next word it would have been longer than the
 *   smallest limit, and no part is longer than the limit that the others show. Where that is lower than any
 *   that sudo comes with, the administrator has set it, or somebody made it up: the command is marked as
 *   one that can be read in two ways.
 * - Where two commands of one user without a pid could both go on, nobody can tell which does: neither is
 *   joined; of sudo-rs, two of anybody. What was not joined is counted, and its command is marked as cut.
 *
 * Held is what has COMMAND= and is longer than HOLD_MIN, or has none. A shorter one that goes on (its next
 * word is longer than half the smallest message) is handed over at once and stays without its rest, since to
 * hold every command would make every alert of sudo's wait. PRI is not compared: it is gone when a message is
 * here.
 *
 * A command is over with its user's next message that is no continuation, two seconds later on the clock of
 * its host, on that of the caller, a minute later on the clock of all hosts, or when there are too many.
 *
 * Cost: a table of at most SUDO_JOIN_HELD_MAX, walked for each message of sudo's; each byte is copied once.
 */
#include "normalize/sudo_join.h"

#include <errno.h>
#include <stdlib.h>

#include "util/parse.h"

/* RFC 5424 section 6.1: what every receiver must take. A lower syslog_maxlen is not recognised */
#define LIMIT_MIN 480U
/* sudo_logsrvd.conf(5) maxlen; sudo's own MAXSYSLOGLEN is 980. sudo-rs cuts at 960, too. A piece without a
 * blank that is shorter was cut at one */
#define LIMIT_USUAL 960U
/* chosen: see the essay */
#define HOLD_MIN (LIMIT_MIN / 2)
/* longest UTF-8 character, which sudo-rs does not cut in two */
#define CHARACTER_MAX 4U
/* chosen: sudo writes all parts in one go, and RFC 3164 has seconds */
#define TIME_LIMIT_USEC (2 * USEC_PER_SEC)
/* chosen: as audit.c does for nodes that went quiet */
#define HOSTS_SLACK_USEC (60 * USEC_PER_SEC)
/* chosen: longer than "(command continued)" in any language sudo speaks (plugins/sudoers/po) */
#define MARK_MAX 128U

enum {
    FLAG_CONTESTED = 1, /* another command may be the one that goes on */
    FLAG_CUT = 2,       /* something was not joined */
    FLAG_HAS_BLANK = 4, /* the last part has one */
    FLAGS_ALL = 7,
};

struct held {
    struct held *previous, *next; /* oldest first */
    struct buffer names;          /* host, then unit */
    struct buffer text;           /* the message so far, without sudo's leading blanks */
    struct slice host, unit;      /* in names, or absent */
    size_t first_len;             /* of text */
    int64_t pid, time_usec, received_usec;
    enum trust trust;
    unsigned flags, n_parts;
    uint64_t n_fed;                /* parts, since the state was loaded */
    uint64_t limit_min, limit_max; /* what the parts show of syslog_maxlen */
    uint64_t last_len;             /* of the last part, as a message */
};

struct sudo_join {
    struct held *first, *last;
    size_t n_held, n_bytes;
    bool is_contested; /* of the message just fed */
};

int sudo_join_new(struct sudo_join **ret_join)
{
    struct sudo_join *join = calloc(1, sizeof(*join));

    if (!join)
        return -ENOMEM;
    *ret_join = join;
    return 0;
}

static struct held *held_free(struct held *h)
{
    if (!h)
        return NULL;
    buffer_done(&h->names);
    buffer_done(&h->text);
    free(h);
    return NULL;
}
DEFINE_CLEANUP(struct held *, held_free)

static void unlink_held(struct sudo_join *join, struct held *h)
{
    *(h->previous ? &h->previous->next : &join->first) = h->next;
    *(h->next ? &h->next->previous : &join->last) = h->previous;
    join->n_held--;
    join->n_bytes -= h->text.len + h->names.len;
}

static void link_held(struct sudo_join *join, struct held *h)
{
    h->previous = join->last;
    h->next = NULL;
    *(join->last ? &join->last->next : &join->first) = h;
    join->last = h;
    join->n_held++;
    join->n_bytes += h->text.len + h->names.len;
}

struct sudo_join *sudo_join_free(struct sudo_join *join)
{
    struct held *next;

    if (!join)
        return NULL;
    for (struct held *h = join->first; h; h = next) {
        next = h->next;
        held_free(h);
    }
    free(join);
    return NULL;
}

/* ---- messages ---- */

static struct slice skip_blanks(struct slice s)
{
    while (s.len > 0 && s.data[0] == ' ')
        s = slice_skip(s, 1);
    return s;
}

/* sudo-rs src/log/syslog.rs DOTDOTDOT_END, DOTDOTDOT_START */
static const struct slice goes_on = SLICE(" [...]"), went_on = SLICE("[...] ");

static struct slice without_mark(struct slice text)
{
    return slice_ends_with(text, goes_on) ? slice_head(text, text.len - goes_on.len) : text;
}

/* What stands before " : "; absent where nothing does. */
static struct slice user_of(struct slice text)
{
    size_t n = slice_find_slice(text, SLICE(" : "));

    return n < text.len ? slice_head(text, n) : SLICE_NULL;
}

/* What follows "USER : (…) "; absent: it is no continuation. */
static struct slice rest_of(struct slice text, struct slice user)
{
    struct slice s = slice_skip(text, user.len + 3);
    size_t n;

    if (s.len == 0 || s.data[0] != '(')
        return SLICE_NULL;
    n = slice_find_slice(slice_head(s, MARK_MAX), SLICE(") "));
    return n < MIN(s.len, (size_t)MARK_MAX) ? slice_skip(s, n + 2) : SLICE_NULL;
}

static bool has_command(struct slice text)
{
    return slice_find_slice(text, SLICE(" COMMAND=")) < text.len;
}

/* Whether it begins as what sudo says of a command that it ran: "USER : KEY=", without a reason before it. */
static bool has_key(struct slice text, struct slice user)
{
    static const struct slice keys[] = {SLICE("HOST="), SLICE("TTY="),   SLICE("CHROOT="), SLICE("PWD="),
                                        SLICE("USER="), SLICE("GROUP="), SLICE("TSID="),   SLICE("ENV=")};
    struct slice s = skip_blanks(slice_skip(text, user.len + 3));

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (slice_starts_with(s, keys[i]))
            return true;
    return false;
}

/* What stands in the place of " : " behind the user, of a message in another form; absent: it is in this one.
 */
static struct slice foreign_colon(struct slice text, struct slice user)
{
    static const struct slice wide = SLICE("\xEF\xBC\x9A"), colon = SLICE(": "); /* U+FF1A */
    struct slice rest = slice_skip(text, user.len);

    if (user.len == 0)
        return SLICE_NULL;
    if (slice_starts_with(rest, wide))
        return wide;
    if (!slice_starts_with(rest, colon))
        return SLICE_NULL;
    /* not any message that begins with a word and a colon */
    return rest.len > colon.len &&
                   (rest.data[colon.len] == '(' || has_key(text, slice_head(text, user.len - 1)))
               ? colon
               : SLICE_NULL;
}

int sudo_message_translate(struct slice *message, struct arena *arena)
{
    struct slice text = skip_blanks(*message), user = SLICE("");
    struct slice colon, rest;
    char *out;

    while (user.len < text.len && text.data[user.len] != ' ' && text.data[user.len] != ':' &&
           (unsigned char)text.data[user.len] != 0xEF)
        user = slice_head(text, user.len + 1);
    colon = foreign_colon(text, user);
    if (slice_is_absent(colon))
        return 0;
    rest = slice_skip(text, user.len + colon.len);
    out = arena_alloc(arena, user.len + 3 + rest.len);
    if (!out)
        return -ENOMEM;
    memcpy(out, user.data, user.len);
    memcpy(out + user.len, " : ", 3);
    if (rest.len > 0)
        memcpy(out + user.len + 3, rest.data, rest.len);
    *message = slice_new(out, user.len + 3 + rest.len);
    return 0;
}

bool sudo_join_may_go_on(struct slice text)
{
    struct slice user;

    text = skip_blanks(text);
    user = user_of(text);
    if (slice_is_absent(user))
        return false;
    if (slice_ends_with(text, goes_on))
        return true;
    return has_command(text) ? text.len >= HOLD_MIN : has_key(text, user);
}

bool sudo_join_may_matter(struct slice line)
{
    /* chosen: no header known is longer */
    struct slice head = slice_head(line, 512);

    if (slice_find_slice(head, SLICE("sudo")) == head.len)
        return false;
    return line.len >= HOLD_MIN || !has_command(line);
}

/* ---- what is held ---- */

static int release(struct sudo_join *join, struct held *h, sudo_command_fn emit, void *userdata)
{
    _cleanup_(held_freep) struct held *owned = h;
    bool is_marked = slice_ends_with(buffer_slice(&h->text), goes_on);
    struct sudo_command command = {
        .message = {.line = {.host = h->host,
                             .program = SLICE("sudo"),
                             .pid = h->pid,
                             .message = without_mark(buffer_slice(&h->text)),
                             .has_time = true,
                             .time_usec = h->time_usec},
                    .trust = h->trust,
                    .unit = h->unit,
                    .received_usec = h->received_usec},
        .first = slice_head(buffer_slice(&h->text), h->first_len),
        .n_parts = h->n_parts,
        .n_fed = h->n_fed,
        .is_cut = (h->flags & FLAG_CUT) || is_marked,
        .is_doubtful = h->limit_max < LIMIT_USUAL,
    };

    unlink_held(join, owned);
    return emit(userdata, &command);
}

static bool is_same(struct slice a, struct slice b)
{
    return slice_is_absent(a) == slice_is_absent(b) && slice_equal(a, b);
}

static struct held *find_held(const struct sudo_join *join, const struct sudo_message *m, struct slice user)
{
    for (struct held *h = join->first; h; h = h->next)
        if (h->trust == m->trust && h->pid == m->line.pid && is_same(h->host, m->line.host) &&
            is_same(h->unit, m->unit) && slice_equal(user_of(buffer_slice(&h->text)), user))
            return h;
    return NULL;
}

/* Whether a is more than limit after b: any two times, those of a saved state may be anything. */
static bool is_later_by(int64_t a_usec, int64_t b_usec, int64_t limit_usec)
{
    return a_usec > b_usec && (uint64_t)a_usec - (uint64_t)b_usec > (uint64_t)limit_usec;
}

static bool is_out_of_time(const struct held *h, const struct sudo_message *m)
{
    return is_later_by(m->line.time_usec, h->time_usec, TIME_LIMIT_USEC) ||
           is_later_by(h->time_usec, m->line.time_usec, TIME_LIMIT_USEC);
}

/* Whether more may follow its last part. */
static bool may_go_on(const struct held *h)
{
    struct slice text = buffer_slice(&h->text);

    /* the parts show the limit: what is shorter than half of it hardly goes on */
    return slice_ends_with(text, goes_on) || !has_command(text) ||
           h->last_len >= (h->n_parts > 1 ? h->limit_min / 2 : HOLD_MIN);
}

/* The next part of h, if it can be. The essay says what is asked of it. */
static int join_part(struct sudo_join *join, struct held *h, struct slice text, struct slice rest)
{
    uint64_t word_len = slice_find(rest, ' '), limit_min, limit_max;
    bool is_inside_word;
    size_t len = h->text.len;
    int r;

    limit_min = MAX(h->limit_min, (uint64_t)text.len);
    limit_max = MIN(h->limit_max, h->last_len + 1 + word_len);
    if ((h->flags & FLAG_CONTESTED) || rest.len == 0 || h->n_parts >= SUDO_JOIN_PARTS_MAX ||
        limit_max < LIMIT_MIN || limit_max < limit_min) {
        h->flags |= FLAG_CUT;
        return SUDO_JOIN_REFUSED;
    }
    /* only a piece without a blank is cut elsewhere than at one, and then it is as long as can be */
    is_inside_word =
        !(h->flags & FLAG_HAS_BLANK) && h->last_len >= LIMIT_USUAL && h->last_len == h->limit_min;
    r = is_inside_word ? 0 : buffer_append_char(&h->text, ' ');
    if (r >= 0)
        r = buffer_append_slice(&h->text, rest);
    if (r < 0)
        return r;
    join->n_bytes += h->text.len - len;
    h->limit_min = limit_min;
    h->limit_max = limit_max;
    h->last_len = text.len;
    h->n_parts++;
    h->n_fed++;
    h->flags &= ~(unsigned)FLAG_HAS_BLANK;
    if (word_len < rest.len)
        h->flags |= FLAG_HAS_BLANK;
    return SUDO_JOIN_TAKEN;
}

/* The one command of that origin that sudo-rs said goes on. NULL: there is none, or nobody can tell which. */
static struct held *find_marked(const struct sudo_join *join, const struct sudo_message *m)
{
    struct held *found = NULL;

    for (struct held *h = join->first; h; h = h->next) {
        if (h->trust != m->trust || h->pid != m->line.pid || !is_same(h->host, m->line.host) ||
            !is_same(h->unit, m->unit) || !slice_ends_with(buffer_slice(&h->text), goes_on))
            continue;
        if (found)
            return NULL;
        found = h;
    }
    return found;
}

/* "[...] REST": nothing was left out, and a part is as long as can be, but for the word that did not fit. */
static int join_marked(struct sudo_join *join, const struct sudo_message *m, struct slice text)
{
    struct held *h = find_marked(join, m);
    struct slice rest = slice_skip(text, went_on.len);
    size_t len, word_len;
    int r;

    if (!h || is_out_of_time(h, m))
        return SUDO_JOIN_REFUSED;
    /* a blank at its front belongs to the word behind it */
    word_len = rest.len > 0 ? 1 + slice_find(slice_skip(rest, 1), ' ') : 0;
    if (rest.len == 0 || h->n_parts >= SUDO_JOIN_PARTS_MAX || h->last_len > LIMIT_USUAL + goes_on.len ||
        h->last_len - goes_on.len + word_len + CHARACTER_MAX <= LIMIT_USUAL) {
        h->flags |= FLAG_CUT;
        return SUDO_JOIN_REFUSED;
    }
    len = h->text.len;
    h->text.len -= goes_on.len;
    r = buffer_append_slice(&h->text, rest);
    if (r < 0)
        return r;
    join->n_bytes += h->text.len;
    join->n_bytes -= len;
    h->last_len = text.len;
    h->n_parts++;
    h->n_fed++;
    return SUDO_JOIN_TAKEN;
}

/* The oldest of those that are believed least: what strangers write must not push out what sudo wrote. */
static struct held *find_victim(const struct sudo_join *join)
{
    struct held *victim = join->first;

    for (struct held *h = join->first; h; h = h->next)
        if (h->trust < victim->trust)
            victim = h;
    return victim;
}

static int enforce_limits(struct sudo_join *join, sudo_command_fn emit, void *userdata)
{
    int r = 0;

    while (r >= 0 && (join->n_held > SUDO_JOIN_HELD_MAX || join->n_bytes > SUDO_JOIN_BYTES_MAX))
        r = release(join, find_victim(join), emit, userdata);
    return r;
}

int sudo_join_feed(struct sudo_join *join, const struct sudo_message *message, sudo_command_fn emit,
                   void *userdata)
{
    struct slice text = skip_blanks(message->line.message), user = user_of(text), rest;
    struct held *h;
    int r;

    join->is_contested = false;
    if (slice_starts_with(text, went_on)) {
        r = join_marked(join, message, text);
        if (r == SUDO_JOIN_TAKEN) {
            r = enforce_limits(join, emit, userdata);
            r = r < 0 ? r : SUDO_JOIN_TAKEN;
        }
        return r;
    }
    if (slice_is_absent(user))
        return SUDO_JOIN_OTHER;
    h = join->first ? find_held(join, message, user) : NULL;
    rest = rest_of(text, user);
    if (slice_is_absent(rest)) {
        if (!h)
            return SUDO_JOIN_OTHER;
        join->is_contested = h->pid < 0 && may_go_on(h);
        r = release(join, h, emit, userdata);
        return r < 0 ? r : SUDO_JOIN_OTHER;
    }
    if (!h || is_out_of_time(h, message))
        return SUDO_JOIN_REFUSED;
    r = join_part(join, h, text, rest);
    if (r != SUDO_JOIN_TAKEN)
        return r;
    r = enforce_limits(join, emit, userdata);
    return r < 0 ? r : SUDO_JOIN_TAKEN;
}

static int held_new(const struct sudo_message *m, struct slice text, struct held **ret_held)
{
    _cleanup_(held_freep) struct held *h = calloc(1, sizeof(*h));
    size_t host_len = m->line.host.len;
    int r;

    if (!h)
        return -ENOMEM;
    r = buffer_append_slice(&h->names, m->line.host);
    if (r >= 0)
        r = buffer_append_slice(&h->names, m->unit);
    if (r >= 0)
        r = buffer_append_slice(&h->text, text);
    if (r < 0)
        return r;
    if (!slice_is_absent(m->line.host))
        h->host = slice_head(buffer_slice(&h->names), host_len);
    if (!slice_is_absent(m->unit))
        h->unit = slice_skip(buffer_slice(&h->names), host_len);
    h->pid = m->line.pid;
    h->time_usec = m->line.time_usec;
    h->received_usec = m->received_usec;
    h->trust = m->trust;
    *ret_held = TAKE_PTR(h);
    return 0;
}

int sudo_join_hold(struct sudo_join *join, const struct sudo_message *message, sudo_command_fn emit,
                   void *userdata)
{
    struct slice text = skip_blanks(message->line.message), user = user_of(text);
    struct held *h;
    int r = held_new(message, text, &h);

    if (r < 0)
        return r;
    h->n_parts = 1;
    h->n_fed = 1;
    h->first_len = without_mark(text).len;
    h->limit_min = h->last_len = text.len;
    h->limit_max = UINT64_MAX;
    if (slice_find(slice_skip(text, user.len + 3), ' ') < text.len - user.len - 3)
        h->flags |= FLAG_HAS_BLANK;
    if (join->is_contested)
        h->flags |= FLAG_CONTESTED;
    link_held(join, h);
    return enforce_limits(join, emit, userdata);
}

int sudo_join_expire(struct sudo_join *join, const struct text_line *line, sudo_command_fn emit,
                     void *userdata)
{
    struct held *next;
    int r = 0;

    if (!line->has_time)
        return 0;
    for (struct held *h = join->first; r >= 0 && h; h = next) {
        int64_t limit = TIME_LIMIT_USEC + (is_same(h->host, line->host) ? 0 : HOSTS_SLACK_USEC);

        next = h->next;
        if (is_later_by(line->time_usec, h->time_usec, limit))
            r = release(join, h, emit, userdata);
    }
    return r;
}

int sudo_join_advance(struct sudo_join *join, int64_t now_usec, sudo_command_fn emit, void *userdata)
{
    struct held *next;
    int r = 0;

    for (struct held *h = join->first; r >= 0 && h; h = next) {
        next = h->next;
        if (h->received_usec <= 0) /* out of a saved state: it waits from the moment we learn the time */
            h->received_usec = now_usec;
        else if (now_usec < h->received_usec || now_usec - h->received_usec >= TIME_LIMIT_USEC)
            r = release(join, h, emit, userdata);
    }
    return r;
}

int64_t sudo_join_deadline_usec(const struct sudo_join *join)
{
    int64_t deadline = INT64_MAX;

    for (const struct held *h = join->first; h; h = h->next)
        deadline = MIN(deadline, h->received_usec <= 0 ? 0 : h->received_usec + TIME_LIMIT_USEC);
    return deadline;
}

int sudo_join_flush(struct sudo_join *join, sudo_command_fn emit, void *userdata)
{
    int r = 0;

    while (r >= 0 && join->first)
        r = release(join, join->first, emit, userdata);
    return r;
}

int64_t sudo_join_pending_usec(const struct sudo_join *join)
{
    int64_t usec = INT64_MAX;

    for (const struct held *h = join->first; h; h = h->next)
        usec = MIN(usec, h->time_usec);
    return usec;
}

size_t sudo_join_n_held(const struct sudo_join *join)
{
    return join->n_held;
}

/* ---- what waited ---- */

int sudo_command_read(const struct sudo_command *command, const struct rulebase *rulebase,
                      const struct uid_map *uid_map, struct arena *arena, struct event *ret_event)
{
    struct text_line line = command->message.line;
    struct event event = EVENT_INIT, joined = EVENT_INIT;
    int r, q = TEXT_UNKNOWN;

    line.message = command->first;
    r = text_read_message(rulebase, &line, command->message.trust, uid_map, arena, &event);
    if (r >= 0 && command->n_parts > 1)
        q = text_read_message(rulebase, &command->message.line, command->message.trust, uid_map, arena,
                              &joined);
    if (r < 0 || q < 0)
        return MIN(r, q);
    if (r == TEXT_EVENT && q == TEXT_EVENT) {
        event.command_line = joined.command_line;
        event.args = joined.args;
        event.n_args = joined.n_args;
        event.args_count = joined.args_count;
        event.is_ambiguous |= joined.is_ambiguous;
    } else if (q == TEXT_EVENT) { /* COMMAND= itself came later */
        event = joined;
        event.is_ambiguous = true;
    } else if (r != TEXT_EVENT) {
        return r;
    }
    event.is_ambiguous |= command->is_doubtful;
    if (event.is_ambiguous)
        event.trust = TRUST_LOW;
    event.is_joined = q == TEXT_EVENT;
    event.is_cut = command->is_cut;
    event.unit = command->message.unit;
    *ret_event = event;
    return TEXT_EVENT;
}

/* ---- state ---- */

static int save_held(const struct held *h, struct buffer *out)
{
    const uint64_t numbers[] = {h->first_len, (uint64_t)h->pid, (uint64_t)h->time_usec, h->trust,   h->flags,
                                h->n_parts,   h->limit_min,     h->limit_max,           h->last_len};
    int r = buffer_append_field(out, h->host);

    if (r >= 0)
        r = buffer_append_field(out, h->unit);
    if (r >= 0)
        r = buffer_append_field(out, buffer_slice(&h->text));
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
        r = buffer_append_u64(out, numbers[i]);
    return r;
}

static int load_held(struct slice *bytes, struct held **ret_held)
{
    _cleanup_(held_freep) struct held *h = NULL;
    struct sudo_message message = {0};
    uint64_t numbers[9];
    struct slice text;
    int r = slice_read_field(bytes, &message.line.host);

    if (r >= 0)
        r = slice_read_field(bytes, &message.unit);
    if (r >= 0)
        r = slice_read_field(bytes, &text);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
        r = slice_read_u64(bytes, &numbers[i]);
    if (r < 0)
        return r;
    if (slice_is_absent(user_of(text)) || numbers[0] > text.len || numbers[3] > TRUST_KERNEL ||
        numbers[4] > FLAGS_ALL || numbers[5] < 1 || numbers[5] > SUDO_JOIN_PARTS_MAX ||
        text.len > SUDO_JOIN_BYTES_MAX || numbers[8] > SUDO_JOIN_BYTES_MAX || (int64_t)numbers[1] < -1 ||
        slice_is_absent(user_of(slice_head(text, (size_t)numbers[0]))))
        return -EBADMSG;
    message.line.pid = (int64_t)numbers[1];
    message.line.time_usec = (int64_t)numbers[2];
    message.trust = (enum trust)numbers[3];
    r = held_new(&message, text, &h);
    if (r < 0)
        return r;
    h->first_len = (size_t)numbers[0];
    h->flags = (unsigned)numbers[4];
    h->n_parts = (unsigned)numbers[5];
    h->limit_min = numbers[6];
    h->limit_max = numbers[7];
    h->last_len = numbers[8];
    *ret_held = TAKE_PTR(h);
    return 0;
}

int sudo_join_save(const struct sudo_join *join, struct buffer *out)
{
    int r = buffer_append_u32(out, (uint32_t)join->n_held);

    for (const struct held *h = join->first; r >= 0 && h; h = h->next)
        r = save_held(h, out);
    return r;
}

int sudo_join_load(struct sudo_join *join, struct slice *bytes)
{
    uint32_t n;
    int r = slice_read_u32(bytes, &n);

    if (r >= 0 && (n > SUDO_JOIN_HELD_MAX || join->n_held > 0))
        return -EBADMSG;
    for (uint32_t i = 0; r >= 0 && i < n; i++) {
        struct held *h;

        r = load_held(bytes, &h);
        if (r >= 0)
            link_held(join, h);
    }
    return r;
}
