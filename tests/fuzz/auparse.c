/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fuzz target: exec events are what auparse says they are. The input is not a log, it is the choices of a
 * generator that writes one as a kernel would: which architecture and call, which ids, arguments of any bytes
 * (quoted or in hexadecimal by the kernel's own rule), empty, split over several records; the order of the
 * records of an event, an EOE or none, a node, a tail of ENRICHED. So every input is a valid log, and every
 * difference one to explain (auparse_compare.c lists those that are auparse's).
 *
 * An input that ended goes on with zeros; at most 16 events.
 */
#include <stdint.h>
#include <stdlib.h>

#include "auparse_compare.h"
#include "util/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct choices {
    const uint8_t *bytes;
    size_t n;
};

static unsigned choose(struct choices *c, unsigned n)
{
    unsigned byte;

    if (c->n == 0)
        return 0;
    byte = *c->bytes++;
    c->n--;
    return byte % n;
}

static void must(int r)
{
    if (r < 0)
        abort();
}

/* audit_log_n_untrustedstring (kernel/audit.c): hexadecimal where a byte is '"', below 0x21 or above 0x7e. */
static void put_untrusted(struct buffer *out, struct slice value)
{
    bool is_hex = false;

    for (size_t i = 0; i < value.len; i++)
        is_hex |= value.data[i] == '"' || value.data[i] < 0x21 || value.data[i] > 0x7e;
    if (!is_hex) {
        must(buffer_append_format(out, "\"%.*s\"", SLICE_FMT(value)));
        return;
    }
    for (size_t i = 0; i < value.len; i++)
        must(buffer_append_format(out, "%02X", (unsigned char)value.data[i]));
}

/* No NUL: argv cannot hold one. */
static struct slice make_text(struct choices *c, char *text, size_t size)
{
    static const char *const words[] = {"(null)", "(none)", "?", "a0=x"};
    static const char plain[] = "abzAF09/-._=[]{}:,'(";
    unsigned kind = choose(c, 8);
    size_t n = kind == 0 ? 0 : choose(c, (unsigned)size);

    if (kind == 1 && choose(c, 8) == 1)
        return slice_from_string(words[choose(c, ARRAY_SIZE(words))]);
    for (size_t i = 0; i < n; i++)
        text[i] = kind < 6 ? plain[choose(c, sizeof(plain) - 1)] : (char)(1 + choose(c, 255));
    return slice_new(text, n);
}

struct event_head {
    char node[24];
    char id[48];
};

static void begin(struct buffer *out, const struct event_head *head, const char *type)
{
    must(buffer_append_format(out, "%stype=%s msg=%s: ", head->node, type, head->id));
}

static void put_ids(struct buffer *out, struct choices *c)
{
    static const char *const ids[] = {"0", "1000", "4294967295", "65534", "4294967294", "2147483648"};

    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"auid", "uid", "euid"};

        must(buffer_append_format(out, " %s=%s", names[i], ids[choose(c, 6)]));
    }
}

static void put_syscall(struct buffer *out, struct choices *c, const struct event_head *head)
{
    static const char *const calls[] = {
        "c000003e syscall=59",  "c000003e syscall=322", "40000003 syscall=11", "40000003 syscall=358",
        "c00000b7 syscall=221", "c00000b7 syscall=281", "40000028 syscall=11", "40000028 syscall=387",
        "c000003e syscall=257", "40000003 syscall=59",  "c00000b7 syscall=59", "c000003e syscall=2",
        "c0000015 syscall=11",  "80000015 syscall=362", "14 syscall=11",       "80000016 syscall=11",
        "16 syscall=354",       "80000016 syscall=59",  "c0000015 syscall=4"};
    static const char *const outcomes[] = {"yes exit=0", "no exit=-2", "no exit=-13"};
    char text[64];

    begin(out, head, "SYSCALL");
    must(buffer_append_format(out, "arch=%s success=%s a0=55d0 a1=7ffc a2=0 a3=8 items=1 ppid=%u pid=%u",
                              calls[choose(c, ARRAY_SIZE(calls))], outcomes[choose(c, 3)],
                              choose(c, 256) * 16000, 1 + choose(c, 256) * 16000));
    put_ids(out, c);
    must(buffer_append_format(out, " gid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=%s ses=%u comm=",
                              choose(c, 2) ? "pts0" : "(none)", choose(c, 8)));
    put_untrusted(out, make_text(c, text, 16));
    must(buffer_append_format(out, " exe="));
    put_untrusted(out, make_text(c, text, sizeof(text)));
    must(buffer_append_format(out, " key=(null)"));
    if (choose(c, 4) == 1)
        must(buffer_append_format(out, "\x1d%s", "AUID=\"joe\" UID=\"root\" EUID=\"root\" KEY=\"x\""));
    must(buffer_append_char(out, '\n'));
}

static void put_piece(struct buffer *out, struct slice piece, bool is_hex)
{
    if (!is_hex) {
        must(buffer_append_format(out, "\"%.*s\"", SLICE_FMT(piece)));
        return;
    }
    for (size_t i = 0; i < piece.len; i++)
        must(buffer_append_format(out, "%02X", (unsigned char)piece.data[i]));
}

/* An argument over several records, as audit_log_execve_info does it: all pieces in one encoding. */
static void put_split(struct buffer *out, struct choices *c, const struct event_head *head, unsigned i,
                      struct slice value)
{
    bool is_hex = false;
    unsigned n = 0;

    for (size_t k = 0; k < value.len; k++)
        is_hex |= value.data[k] == '"' || value.data[k] < 0x21 || value.data[k] > 0x7e;
    must(buffer_append_format(out, " a%u_len=%zu", i, is_hex ? 2 * value.len : value.len));
    while (value.len > 0) {
        struct slice piece = slice_head(value, 1 + choose(c, 40));

        must(buffer_append_format(out, " a%u[%u]=", i, n++));
        put_piece(out, piece, is_hex);
        value = slice_skip(value, piece.len);
        if (value.len > 0 && choose(c, 2)) {
            must(buffer_append_char(out, '\n'));
            begin(out, head, "EXECVE");
        }
    }
}

static void put_execve(struct buffer *out, struct choices *c, const struct event_head *head)
{
    unsigned argc = choose(c, 12);

    begin(out, head, "EXECVE");
    must(buffer_append_format(out, "argc=%u", argc));
    for (unsigned i = 0; i < argc; i++) {
        char text[200];
        struct slice value = make_text(c, text, sizeof(text));

        if (i > 0 && choose(c, 8) == 1) {
            must(buffer_append_char(out, '\n'));
            begin(out, head, "EXECVE");
        }
        if (value.len > 1 && choose(c, 6) == 1) {
            put_split(out, c, head, i, value);
            continue;
        }
        must(buffer_append_format(out, " a%u=", i));
        put_untrusted(out, value);
    }
    must(buffer_append_char(out, '\n'));
}

static void put_context(struct buffer *out, struct choices *c, const struct event_head *head)
{
    char text[80];

    begin(out, head, "CWD");
    must(buffer_append_format(out, "cwd="));
    put_untrusted(out, make_text(c, text, sizeof(text)));
    must(buffer_append_char(out, '\n'));
    begin(out, head, "PATH");
    must(buffer_append_format(out, "item=0 name="));
    put_untrusted(out, make_text(c, text, sizeof(text)));
    must(buffer_append_format(out,
                              " inode=7 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    _cleanup_(buffer_done) struct buffer log = BUFFER_INIT;
    struct choices c = {bytes, n};
    size_t n_events;
    unsigned serial = 100, milli = 0;

    for (unsigned i = 0; i < 16 && (i == 0 || c.n > 0); i++) {
        struct event_head head = {{0}, {0}};
        unsigned order = choose(&c, 4);

        serial += 1 + choose(&c, 3);
        milli += choose(&c, 60);
        if (choose(&c, 4) == 1)
            (void)snprintf(head.node, sizeof(head.node), "node=host%u ", choose(&c, 3));
        (void)snprintf(head.id, sizeof(head.id), "audit(1764000000.%03u:%u)", milli, serial);
        if (order != 1)
            put_syscall(&log, &c, &head);
        if (order == 2)
            put_context(&log, &c, &head);
        put_execve(&log, &c, &head);
        if (order == 1)
            put_syscall(&log, &c, &head);
        if (order != 2)
            put_context(&log, &c, &head);
        if (choose(&c, 2)) {
            begin(&log, &head, "PROCTITLE");
            must(buffer_append_format(&log, "proctitle=6C73002D6C\n"));
        }
        if (choose(&c, 4) != 1) {
            begin(&log, &head, "EOE");
            must(buffer_append_char(&log, '\n'));
        }
    }
    must(buffer_append_char(&log, '\0'));
    if (auparse_compare("generated", slice_new(log.data, log.len - 1), &n_events) > 0) {
        (void)fwrite(log.data, 1, log.len - 1, stderr);
        abort();
    }
    return 0;
}
