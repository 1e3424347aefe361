/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Logs of other projects against auparse's reading of them: every event it sees is handed over with the same
 * values, and no other. The logs are not ours to ship: $HAPAX_SHARED says where they are, without it the test
 * is skipped. Bytes that are no UTF-8 stand as "?" in the expectation.
 */
#include "normalize/audit.h"

#include <dirent.h>
#include <inttypes.h>

#include <libfastjson/json.h>

#include "audit_fixture.h"

static void read_file(const char *path, struct buffer *out)
{
    _cleanup_(fclosep) FILE *f = fopen(path, "re");
    char chunk[4096];
    size_t n;

    cr_assert_not_null(f, "%s", path);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        cr_assert_eq(buffer_append(out, chunk, n), 0);
}

static bool is_same_text(struct slice actual, struct fjson_object *expected)
{
    const char *text = fjson_object_get_string(expected);

    if (!expected)
        return slice_is_absent(actual);
    if (actual.len != strlen(text))
        return false;
    for (size_t i = 0; i < actual.len; i++)
        if (text[i] != actual.data[i] && !(text[i] == '?' && (actual.data[i] & 0x80)))
            return false;
    return true;
}

static bool is_same_number(bool has_value, int64_t actual, struct fjson_object *expected)
{
    return expected ? has_value && actual == fjson_object_get_int64(expected) : !has_value;
}

static struct fjson_object *member(struct fjson_object *object, const char *name)
{
    struct fjson_object *value = NULL;

    return fjson_object_object_get_ex(object, name, &value) ? value : NULL;
}

static void compare(const char *source, const struct event *event, struct fjson_object *expected)
{
    const struct event_audit *audit = &event->audit;
    struct fjson_object *argv = member(expected, "argv");
    char timestamp[64];

    (void)snprintf(timestamp, sizeof(timestamp), "%" PRId64 ".%03" PRId64, event->time_usec / USEC_PER_SEC,
                   event->time_usec / USEC_PER_MSEC % 1000);
#define SAME_TEXT(actual, name)                                                                              \
    cr_expect(is_same_text((actual), member(expected, (name))), "%s %" PRIu64 ": %s is '%.*s'", source,      \
              audit->serial, (name), SLICE_FMT(actual))
#define SAME_NUMBER(has, actual, name)                                                                       \
    cr_expect(is_same_number((has), (actual), member(expected, (name))), "%s %" PRIu64 ": %s is %" PRId64,   \
              source, audit->serial, (name), (int64_t)(actual))
    SAME_TEXT(slice_from_string(timestamp), "timestamp");
    SAME_TEXT(audit->tty, "tty");
    SAME_TEXT(audit->success, "success");
    SAME_TEXT(audit->key, "key");
    SAME_TEXT(event->working_directory, "cwd");
    SAME_TEXT(event->executable, "exe");
    SAME_TEXT(event->process_name, "comm");
    SAME_NUMBER(audit->has_auid, audit->auid, "auid");
    SAME_NUMBER(audit->has_uid, audit->uid, "uid");
    SAME_NUMBER(audit->has_euid, audit->euid, "euid");
    SAME_NUMBER(audit->has_gid, audit->gid, "gid");
    SAME_NUMBER(audit->has_exit, audit->exit, "exit");
    SAME_NUMBER(audit->has_ses, audit->ses, "ses");
    SAME_NUMBER(event->pid >= 0, event->pid, "pid");
    SAME_NUMBER(event->parent_pid >= 0, event->parent_pid, "ppid");
    SAME_NUMBER(event->args_count >= 0, event->args_count, "argc");
    if (!argv) {
        cr_expect_eq(event->n_args, 0, "%s %" PRIu64, source, audit->serial);
        return;
    }
    cr_assert_eq(event->n_args, (size_t)fjson_object_array_length(argv), "%s %" PRIu64 ": %zu arguments",
                 source, audit->serial, event->n_args);
    for (size_t i = 0; i < event->n_args; i++)
        cr_expect(is_same_text(event->args[i], fjson_object_array_get_idx(argv, (int)i)),
                  "%s %" PRIu64 ": a%zu is '%.*s'", source, audit->serial, i, SLICE_FMT(event->args[i]));
}

/* Hands the expectations of one source and serial to compare, and counts them. */
static size_t compare_expected(struct slice expected, const char *source, const struct event *event)
{
    size_t n = 0;

    while (expected.len > 0) {
        struct slice line = next_line(&expected);
        _cleanup_(freep) char *text = strndup(line.data, line.len);
        struct fjson_object *object = fjson_tokener_parse(text);

        if (object && strcmp(fjson_object_get_string(member(object, "source")), source) == 0 &&
            (!event || (uint64_t)fjson_object_get_int64(member(object, "serial")) == event->audit.serial)) {
            n++;
            if (event)
                compare(source, event, object);
        }
        fjson_object_put(object);
    }
    return n;
}

static size_t read_log(const char *shared, const char *source, struct slice expected)
{
    _cleanup_(audit_assembler_freep) struct audit_assembler *a = NULL;
    _cleanup_(buffer_done) struct buffer log = BUFFER_INIT;
    _cleanup_(freep) char *path = NULL;
    struct normalizer_stats stats = {0};
    struct collector c = {0};
    size_t n;

    cr_assert_gt(asprintf(&path, "%s/corpora/%s", shared, source), 0);
    read_file(path, &log);
    cr_assert_eq(audit_assembler_new(&(struct audit_options){0}, &stats, &a), 0);
    feed_text(a, buffer_slice(&log), &c);
    cr_assert_eq(audit_assembler_flush(a, collect, &c), 0);
    n = c.n;
    cr_expect_eq(n, compare_expected(expected, source, NULL), "%s: %zu events", source, n);
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(compare_expected(expected, source, &c.items[i].event), 1, "%s %" PRIu64, source,
                     c.items[i].event.audit.serial);
    cr_expect_eq(stats.n_quarantined, 0, "%s", source);
    collector_done(&c);
    return n;
}

Test(audit_corpora, auparse_reads_the_same)
{
    static const struct {
        const char *folder, *suffix;
    } folders[] = {{"laurel", ".txt"}, {"laurel/tree", ".txt"}, {"audit-userspace", ".log"}};
    const char *shared = getenv("HAPAX_SHARED");
    _cleanup_(buffer_done) struct buffer expected = BUFFER_INIT;
    _cleanup_(freep) char *path = NULL;
    size_t n = 0, n_expected = 0;

    if (!shared)
        cr_skip_test("HAPAX_SHARED is not set");
    cr_assert_gt(asprintf(&path, "%s/corpora/expected/auparse.ndjson", shared), 0);
    read_file(path, &expected);
    for (size_t i = 0; i < expected.len; i++)
        n_expected += expected.data[i] == '\n';
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        _cleanup_(freep) char *folder = NULL;
        struct dirent *entry;
        DIR *d;

        cr_assert_gt(asprintf(&folder, "%s/corpora/%s", shared, folders[i].folder), 0);
        d = opendir(folder);
        cr_assert_not_null(d, "%s", folder);
        while ((entry = readdir(d))) {
            _cleanup_(freep) char *source = NULL;

            if (!slice_ends_with(slice_from_string(entry->d_name), slice_from_string(folders[i].suffix)))
                continue;
            cr_assert_gt(asprintf(&source, "%s/%s", folders[i].folder, entry->d_name), 0);
            n += read_log(shared, source, buffer_slice(&expected));
        }
        (void)closedir(d);
    }
    cr_assert_eq(n, n_expected, "%zu events, expected %zu", n, n_expected);
}
