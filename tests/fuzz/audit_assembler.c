/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any records in any order. Each line of the input is a record: three bytes choose type, node with trust, and
 * id with time; the rest is the body. Beyond "does not crash": every record is in exactly one count, every
 * event is counted, the limits hold, and a stream that is saved and loaded in its middle says the same. An
 * input that begins with 0xff is given to load as a state instead.
 */
#include <assert.h>
#include <stdint.h>

#include "normalize/audit.h"
#include "util/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int count_event(void *userdata, const struct event *event)
{
    struct buffer *out = userdata;

    assert(event->audit.is_present && event->audit.has_serial);
    assert(event->n_args <= 65536);
    for (size_t i = 0; i < event->n_args; i++)
        assert(!slice_is_absent(event->args[i]) || event->args[i].len == 0);
    assert(!slice_is_absent(event->audit.emitted));
    return event_save(event, out);
}

static bool next_record(struct slice *rest, struct audit_record *ret_record)
{
    static const char *const types[] = {"SYSCALL",   "EXECVE", "CWD",      "PATH",
                                        "PROCTITLE", "EOE",    "USER_CMD", "UNKNOWN[1309]"};
    static const char *const nodes[] = {NULL, "a", "b", "c"};
    size_t end = slice_find(*rest, '\n');
    struct slice line = slice_head(*rest, end);
    uint8_t choice[3];

    *rest = slice_skip(*rest, MIN(end + 1, rest->len));
    if (line.len < sizeof(choice))
        return false;
    memcpy(choice, line.data, sizeof(choice));
    *ret_record = (struct audit_record){
        .type = slice_from_string(types[choice[0] % ARRAY_SIZE(types)]),
        .node = slice_from_string(nodes[choice[1] % ARRAY_SIZE(nodes)]),
        .trust = (enum trust)(choice[1] / 4 % 4),
        .serial = choice[2] % 8,
        .time_usec = (int64_t)(choice[2] / 8) * USEC_PER_SEC * 3,
        .body = slice_skip(line, sizeof(choice)),
        .received_usec = choice[0] / 8 * USEC_PER_SEC,
    };
    return true;
}

/* Feeds all records, with a save and a load after cut_at of them; -1: none. */
static void run(struct slice rest, size_t cut_at, struct buffer *out, struct normalizer_stats *stats,
                size_t *ret_n_records)
{
    const struct audit_options options = {.host = SLICE("here")};
    struct audit_assembler *a = NULL;
    struct audit_record record;
    size_t n = 0;
    int r = audit_assembler_new(&options, stats, &a);

    while (r >= 0 && rest.len > 0) {
        if (!next_record(&rest, &record))
            continue;
        if (n++ == cut_at) {
            _cleanup_(buffer_done) struct buffer state = BUFFER_INIT;

            r = audit_assembler_save(a, &state);
            audit_assembler_free(a);
            a = NULL;
            if (r >= 0)
                r = audit_assembler_new(&options, stats, &a);
            if (r >= 0)
                r = audit_assembler_load(a, buffer_slice(&state));
            assert(r >= 0);
        }
        r = audit_assembler_feed(a, &record, count_event, out);
    }
    assert(r >= 0);
    r = audit_assembler_flush(a, count_event, out);
    assert(r >= 0);
    assert(audit_assembler_n_pending(a) == 0);
    assert(audit_assembler_deadline_usec(a) == INT64_MAX);
    audit_assembler_free(a);
    *ret_n_records = n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct slice input = slice_new(n > 0 ? (const char *)bytes : "", n);
    _cleanup_(buffer_done) struct buffer whole = BUFFER_INIT, cut = BUFFER_INIT;
    struct normalizer_stats stats = {0}, cut_stats = {0};
    size_t n_records;

    if (n > 0 && bytes[0] == 0xff) {
        _cleanup_(audit_assembler_freep) struct audit_assembler *a = NULL;

        if (audit_assembler_new(&(struct audit_options){0}, &stats, &a) < 0)
            return 0;
        if (audit_assembler_load(a, slice_skip(input, 1)) == 0) {
            int r = audit_assembler_save(a, &whole);

            assert(r < 0 || slice_equal(buffer_slice(&whole), slice_skip(input, 1)));
            r = audit_assembler_flush(a, count_event, &cut);
            assert(r >= 0);
        }
        return 0;
    }
    run(input, SIZE_MAX, &whole, &stats, &n_records);
    assert(stats.n_used + stats.n_ignored + stats.n_quarantined == n_records);
    assert(stats.n_incomplete <= stats.n_events);
    run(input, n_records / 2, &cut, &cut_stats, &n_records);
    assert(slice_equal(buffer_slice(&whole), buffer_slice(&cut)));
    assert(stats.n_events == cut_stats.n_events);
    return 0;
}
