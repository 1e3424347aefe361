/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fuzz target: state that somebody or something has changed. Real state (of the rare detector with either way
 * to forget, of the novelty suite, of a normalizer, of an event, of a normalizer in which a command and half
 * a document wait) is taken once; the input damages it, four bytes a damage: which value, where, how, with
 * what; then it is given back to a fresh one, which goes on working. A value is taken or refused with
 * -EBADMSG, and who took it neither crashes nor fails after it.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "detect/novelty.h"
#include "detect/rare.h"
#include "normalize/normalizer.h"
#include "util/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Monday 2026-01-05 00:00:00 UTC */
#define T0       (INT64_C(1767571200) * USEC_PER_SEC)
#define N_OWNERS 6U
/* the last owner came later: the first bytes of older inputs mean what they did */
#define LAST_OWNER_BYTE 250U
#define MAX_ITEMS       256U

struct item {
    struct buffer key, value;
};

struct state {
    struct item items[MAX_ITEMS];
    size_t n;
};

static void must(int r)
{
    if (r < 0)
        abort();
}

static int on_verdict(void *userdata, const struct verdict *verdict)
{
    (void)userdata;
    assert(!(verdict->score != verdict->score));
    return 0;
}

static const struct detector_callbacks callbacks = {.provisional = on_verdict, .final = on_verdict};

static struct detector *new_detector(unsigned owner)
{
    static const char *const families[] = {"network", "accounts", "processes"};
    const struct detector_driver *driver = owner == 2 ? &novelty_driver : &rare_driver;
    struct rare_options rare = {0};
    struct novelty_options novelty = {0};
    struct detector_options options = {.job = "job", .threshold = 50};
    struct detector *d = NULL;

    if (owner == 2) {
        must(option_defaults(driver->options, &novelty));
        options.options = &novelty;
        options.families = families;
        options.n_families = ARRAY_SIZE(families);
    } else {
        must(option_defaults(driver->options, &rare));
        rare.forget = owner == 0 ? FORGET_WINDOW : FORGET_DECAY;
        options.options = &rare;
    }
    must(detector_new(driver, &options, &d));
    return d;
}

static void feed(struct detector *d, int64_t time_usec, unsigned k)
{
    static const char *const users[] = {"alice", "bob", "carol", "mallory"};
    static const char *const names[] = {"ss", "netstat", "w", "id", "ps"};
    static const char *const hosts[] = {"web", "db"};
    struct slice user = slice_from_string(users[k % ARRAY_SIZE(users)]);
    struct event event = EVENT_INIT;

    event.time_usec = time_usec;
    event.actor.name = user;
    event.real.name = user;
    event.process_name = slice_from_string(names[k % ARRAY_SIZE(names)]);
    event.host = slice_from_string(hosts[k / 2 % ARRAY_SIZE(hosts)]);
    must(detector_is_suite(d->driver) ? detector_feed_family(d, &event, user, k % 3, &callbacks)
                                      : detector_feed(d, &event, user, event.host, &callbacks));
}

static int on_change(void *userdata, const struct change *change)
{
    struct state *state = userdata;

    if (state->n == MAX_ITEMS || slice_is_absent(change->value))
        return 0;
    must(buffer_append_slice(&state->items[state->n].key, change->key));
    must(buffer_append_slice(&state->items[state->n++].value, change->value));
    return 0;
}

static int on_event(void *userdata, const struct event *event)
{
    struct buffer *out = userdata;

    buffer_clear(out);
    return event_save(event, out);
}

static void feed_line(struct normalizer *normalizer, struct slice line, struct buffer *out)
{
    const struct record record = {.kind = RECORD_LINE, .trust = TRUST_INPUT, .bytes = line, .seq = 1};

    must(normalizer_feed(normalizer, &record, on_event, out));
}

static const char syscall_line[] =
    "type=SYSCALL msg=audit(1767571200.100:7): arch=c000003e syscall=59 success=yes exit=0 items=1 ppid=1 "
    "pid=2 "
    "auid=1000 uid=1000 euid=0 ses=3 tty=pts0 comm=\"ss\" exe=\"/usr/bin/ss\" key=(null)";
static const char execve_line[] =
    "type=EXECVE msg=audit(1767571200.100:7): argc=3 a0=\"ss\" a2_len=6 a2[0]=\"abc\" a2[1]=\"def\"";

static const struct rulebase *load_rulebase(void)
{
    static struct rulebase *rulebase;
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    struct diag_list diags = DIAG_LIST_INIT;
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/rulebase", root ? root : ".");
    if (!rulebase && rulebase_load(path, &diags, &rulebase) < 0) {
        diag_print(&diags, stderr, "state: ");
        abort();
    }
    return rulebase;
}

static struct normalizer *new_normalizer(enum format format)
{
    const struct normalizer_options options = {
        .rulebase = load_rulebase(), .year = 2026, .host = SLICE("here"), .format = format};
    struct normalizer *normalizer = NULL;

    must(normalizer_new(&options, &normalizer));
    return normalizer;
}

/* Half of a command of sudo's in two messages and half of a document, or what goes on with them. */
static void feed_half(struct normalizer *normalizer, bool is_second, struct buffer *out)
{
    static const char header[] = "Jan  5 00:00:00 web1 sudo: alice : ";
    _cleanup_(buffer_done) struct buffer line = BUFFER_INIT;

    must(buffer_append_format(&line, "%s%s%0*d", header,
                              is_second ? "(command continued) " : "PWD=/ ; USER=root ; COMMAND=/usr/bin/ss ",
                              901, 0));
    feed_line(normalizer, buffer_slice(&line), out);
    feed_line(normalizer, is_second ? SLICE("}") : SLICE("{"), out);
    if (!is_second)
        feed_line(normalizer, SLICE("  \"rule\": [ \"r\" ]"), out);
}

static void take_state(unsigned owner, struct state *state)
{
    struct detector *d;

    if (owner < 3) {
        d = new_detector(owner);
        for (unsigned i = 0; i < 200; i++)
            feed(d, T0 + i * 1700 * USEC_PER_SEC, i * 7 / 3);
        must(detector_changes(d, on_change, state));
        detector_free(d);
        return;
    }
    _cleanup_(normalizer_freep) struct normalizer *normalizer =
        new_normalizer(owner == 5 ? FORMAT_AUTO : FORMAT_AUDIT);
    _cleanup_(buffer_done) struct buffer event = BUFFER_INIT;

    if (owner == 5) {
        feed_half(normalizer, false, &event);
        assert(normalizer_n_pending(normalizer) == 2);
    } else {
        feed_line(normalizer, slice_from_string(syscall_line), &event);
        feed_line(normalizer, slice_from_string(execve_line), &event);
    }
    if (owner != 4)
        must(normalizer_save(normalizer, &state->items[0].value));
    must(normalizer_flush(normalizer, on_event, &event));
    if (owner == 4)
        must(buffer_append_slice(&state->items[0].value, buffer_slice(&event)));
    state->n = 1;
}

static void damage(struct buffer *b, const uint8_t choice[static 4])
{
    size_t at = b->len > 0 ? choice[1] * (b->len > 256 ? b->len / 256 : 1U) % b->len : 0;

    if (b->len == 0)
        return;
    switch (choice[2] % 4) {
    case 0:
        b->data[at] = (char)choice[3];
        break;
    case 1:
        b->data[at] = (char)(b->data[at] ^ (1 << choice[3] % 8));
        break;
    case 2:
        b->len = at;
        break;
    default:
        must(buffer_append_char(b, (char)choice[3]));
    }
}

static void give_back(unsigned owner, const struct state *state)
{
    if (owner < 3) {
        struct detector *d = new_detector(owner);
        struct state ignored = {.n = MAX_ITEMS};

        for (size_t i = 0; i < state->n; i++) {
            const struct change change = {buffer_slice(&state->items[i].key),
                                          buffer_slice(&state->items[i].value)};
            int r = detector_restore(d, &change);

            assert(r == 0 || r == -EBADMSG);
        }
        for (unsigned i = 0; i < 20; i++)
            feed(d, T0 + (200 + i) * 1700 * USEC_PER_SEC, i);
        must(detector_finish(d, &callbacks));
        must(detector_changes(d, on_change, &ignored));
        detector_free(d);
        return;
    }
    if (owner != 4) {
        _cleanup_(normalizer_freep) struct normalizer *normalizer =
            new_normalizer(owner == 5 ? FORMAT_AUTO : FORMAT_AUDIT);
        _cleanup_(buffer_done) struct buffer event = BUFFER_INIT;
        int r = normalizer_load(normalizer, buffer_slice(&state->items[0].value));

        assert(r == 0 || r == -EBADMSG);
        if (r == 0) {
            if (owner == 5)
                feed_half(normalizer, true, &event);
            else
                feed_line(normalizer, slice_from_string(execve_line), &event);
            must(normalizer_flush(normalizer, on_event, &event));
        }
        return;
    }
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(buffer_done) struct buffer again = BUFFER_INIT;
    struct event event;
    int r = event_load(buffer_slice(&state->items[0].value), &arena, &event);

    assert(r == 0 || r == -EBADMSG);
    if (r == 0)
        must(event_save(&event, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct state originals[N_OWNERS];
    unsigned owner = n == 0 ? 0 : bytes[0] >= LAST_OWNER_BYTE ? N_OWNERS - 1 : bytes[0] % (N_OWNERS - 1);
    struct state *original = &originals[owner];
    static struct state damaged;

    if (n == 0)
        return 0;
    if (original->n == 0)
        take_state(owner, original);
    damaged.n = original->n;
    for (size_t i = 0; i < original->n; i++) {
        must(buffer_append_slice(&damaged.items[i].key, buffer_slice(&original->items[i].key)));
        must(buffer_append_slice(&damaged.items[i].value, buffer_slice(&original->items[i].value)));
    }
    for (size_t i = 1; i + 4 <= n && i < 129; i += 4) {
        struct item *item = &damaged.items[bytes[i] % damaged.n];

        damage(bytes[i + 2] & 0x80 ? &item->key : &item->value, bytes + i);
    }
    give_back(owner, &damaged);
    for (size_t i = 0; i < damaged.n; i++) {
        buffer_done(&damaged.items[i].key);
        buffer_done(&damaged.items[i].value);
        damaged.items[i] = (struct item){BUFFER_INIT, BUFFER_INIT};
    }
    return 0;
}
