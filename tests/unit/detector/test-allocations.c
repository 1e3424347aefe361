/* SPDX-License-Identifier: Apache-2.0 */

/*
 * After warm-up, a record about known keys that raises no alert allocates nothing in our code. Counted at the
 * linker: calls of malloc and its like out of hapax's objects come here first (-Wl,--wrap), those that
 * libraries make inside do not.
 */
#include "normalize/normalizer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "detector/chain.h"
#include "frame/frame.h"
#include "select/wanted.h"
#include "support.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static unsigned n_allocations;

void *__wrap_malloc(size_t n)
{
    n_allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    n_allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    n_allocations++;
    return __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    n_allocations++;
    return __real_reallocarray(p, n, size);
}

struct rooms {
    struct rulebase *rulebase;
    struct job_set jobs;
    struct wanted wanted;
    struct config *config;
    struct chain *chain;
    struct normalizer *normalizer;
    struct frame *frame;
    unsigned n_alerts;
};

static int on_document(void *userdata, const struct document *document)
{
    struct rooms *rooms = userdata;

    rooms->n_alerts += document->bytes.len > 0;
    return 0;
}

static int on_event(void *userdata, const struct event *event)
{
    struct rooms *rooms = userdata;
    int r = chain_event(rooms->chain, event);

    return r < 0 ? r : 0;
}

static int on_record(void *userdata, const struct record *record)
{
    struct rooms *rooms = userdata;
    struct record copy = *record;

    copy.trust = TRUST_INPUT;
    return normalizer_feed(rooms->normalizer, &copy, on_event, rooms);
}

static void open_rooms(struct rooms *rooms, bool has_gate)
{
    static const char *const ids[] = {"network_connection_discovery"};
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    char path[PATH_MAX];

    cr_assert(root);
    cr_assert_eq(setenv("TZ", "UTC", 1), 0);
    tzset();
    *rooms = (struct rooms){0};
    (void)snprintf(path, sizeof(path), "%s/rulebase", root);
    cr_assert_eq(rulebase_load(path, &diags, &rooms->rulebase), 0);
    (void)snprintf(path, sizeof(path), "%s/rulebase/jobs", root);
    cr_assert_eq(job_set_load(path, ids, 1, &diags, &rooms->jobs), 0);
    cr_assert_eq(job_wanted(&rooms->jobs, &rooms->wanted), 0);
    cr_assert_eq(config_new(&rooms->config), 0);
    cr_assert_eq(chain_new(&(struct chain_options){.jobs = &rooms->jobs,
                                                   .config = rooms->config,
                                                   .callbacks = {.document = on_document, .userdata = rooms}},
                           &diags, &rooms->chain),
                 0);
    cr_assert_eq(normalizer_new(&(struct normalizer_options){.rulebase = rooms->rulebase,
                                                             .year = 2026,
                                                             .wanted = has_gate ? &rooms->wanted : NULL},
                                &rooms->normalizer),
                 0);
    cr_assert_eq(frame_new(&(struct frame_options){FRAMING_AUTO, FRAME_LINE_LIMIT_DEFAULT}, &rooms->frame),
                 0);
}

static void close_rooms(struct rooms *rooms)
{
    frame_free(rooms->frame);
    normalizer_free(rooms->normalizer);
    chain_free(rooms->chain);
    config_free(rooms->config);
    job_wanted_done(&rooms->wanted);
    job_set_done(&rooms->jobs);
    rulebase_free(rooms->rulebase);
}

/* One event of each form, numbered: time moves on by a millisecond, users come again and again. */
static int format_audit(char *out, size_t size, unsigned i, const char *name)
{
    return snprintf(
        out, size,
        "type=SYSCALL msg=audit(1800000000.%03u:%u): arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 "
        "a2=3 a3=8 "
        "items=1 ppid=7 pid=8 auid=%u uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 "
        "comm=\"%s\" exe=\"/usr/bin/%s\" key=(null)\x1d"
        "AUID=\"user%u\" UID=\"root\" EUID=\"root\"\n"
        "type=EXECVE msg=audit(1800000000.%03u:%u): argc=2 a0=\"%s\" a1=\"-t\"\n"
        "type=CWD msg=audit(1800000000.%03u:%u): cwd=\"/\"\n"
        "type=PATH msg=audit(1800000000.%03u:%u): item=0 name=\"/usr/bin/%s\"\n"
        "type=PROCTITLE msg=audit(1800000000.%03u:%u): proctitle=\"%s\"\n",
        i % 1000, i, 1000 + i % 5, name, name, i % 5, i % 1000, i, name, i % 1000, i, i % 1000, i, name,
        i % 1000, i, name);
}

static int format_sudo(char *out, size_t size, unsigned i, const char *name)
{
    return snprintf(
        out, size,
        "Mar  3 10:11:%02u web sudo[%u]:   user%u : TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/%s -t\n",
        i / 100 % 60, i, i % 5, name);
}

static int format_ecs(char *out, size_t size, unsigned i, const char *name)
{
    return snprintf(
        out, size,
        "{\"@timestamp\":\"2027-01-15T08:00:00.%03uZ\",\"event\":{\"module\":\"auditd\",\"action\":"
        "\"executed\","
        "\"type\":[\"start\"]},\"process\":{\"pid\":%u,\"name\":\"%s\",\"args\":[\"%s\",\"-t\"]},"
        "\"user\":{\"id\":\"0\",\"name\":\"root\",\"audit\":{\"id\":\"%u\",\"name\":\"user%u\"}}}\n",
        i % 1000, i, name, name, 1000 + i % 5, i % 5);
}

Test(allocations, none_for_a_record_about_known_keys)
{
    static const struct {
        const char *name;
        int (*format)(char *out, size_t size, unsigned i, const char *name);
        const char *process;
        bool has_gate;
    } rows[] = {
        {"audit, nobody's", format_audit, "ls", true},    {"audit, wanted", format_audit, "ss", true},
        {"audit, no gate", format_audit, "ss", false},    {"audit, not selected", format_audit, "ls", false},
        {"sudo, nobody's", format_sudo, "ls", true},      {"sudo, wanted", format_sudo, "ss", true},
        {"ECS, nobody's", format_ecs, "ls", true},        {"ECS, wanted", format_ecs, "ss", true},
        {"sudo, not selected", format_sudo, "ls", false}, {"ECS, not selected", format_ecs, "ls", false},
    };
    /* chosen: beyond the ring of 4096 ids; then as many as show a growth every now and then */
    const unsigned n_warm = 5000, n_counted = 1000;

    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        unsigned before = 0, n_alerts = 0;
        struct rooms rooms;

        open_rooms(&rooms, rows[k].has_gate);
        for (unsigned i = 0; i < n_warm + n_counted; i++) {
            char text[2048];
            int n = rows[k].format(text, sizeof(text), i, rows[k].process);

            cr_assert(n > 0 && (size_t)n < sizeof(text));
            if (i == n_warm) {
                before = n_allocations;
                n_alerts = rooms.n_alerts;
            }
            cr_assert_eq(frame_feed(rooms.frame, text, (size_t)n, on_record, &rooms), 0);
        }
        cr_expect_eq(n_allocations - before, 0, "%s: %u allocations for %u events", rows[k].name,
                     n_allocations - before, n_counted);
        cr_expect_eq(rooms.n_alerts, n_alerts, "%s: alerts", rows[k].name);
        cr_expect_eq(normalizer_stats(rooms.normalizer)->n_unknown, 0, "%s", rows[k].name);
        cr_expect_eq(normalizer_stats(rooms.normalizer)->n_quarantined, 0, "%s", rows[k].name);
        close_rooms(&rooms);
    }
}
