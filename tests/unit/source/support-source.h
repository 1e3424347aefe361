/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_SUPPORT_SOURCE_H
#define HAPAX_TESTS_SUPPORT_SOURCE_H

/*
 * An engine's place for the tests of sources: it collects what a source hands over as "text|text|", its
 * reports and its end, and runs a real loop until a condition holds, a bounded number of times. Nothing
 * sleeps.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/driver.h"
#include "support.h"

#define FOLDER_SIZE    64
#define TEST_PATH_SIZE 128

struct engine {
    sd_event *event;
    const struct source_driver *driver;
    void *settings;
    struct source *source;
    struct buffer records; /* each record's text and a '|' */
    struct buffer reports; /* each report and a '|' */
    struct buffer cursor;  /* as asked for within the last record's call */
    unsigned n_records;
    uint64_t n_bytes; /* of lines */
    enum trust trust;
    bool is_ended;
    int end_error;
    unsigned pause_after; /* pauses in the call of this record; 0: never */
    int refuse_with;      /* what the record callback returns */
    void (*describe)(struct buffer *out, const struct record *); /* NULL: the bytes */
};

static inline int collect_record(void *userdata, struct source *source, const struct record *record)
{
    struct engine *engine = userdata;

    cr_assert(!engine->is_ended, "a record after the end");
    engine->n_records++;
    cr_assert(record->seq == engine->n_records && record->received_usec > 0);
    engine->trust = record->trust;
    engine->n_bytes += record->bytes.len;
    if (engine->describe)
        engine->describe(&engine->records, record);
    else
        cr_assert(buffer_append_slice(&engine->records, record->bytes) == 0);
    cr_assert(buffer_append_char(&engine->records, '|') == 0);
    cr_assert(source_cursor(source, &engine->cursor) == 0);
    if (engine->n_records == engine->pause_after)
        cr_assert(source_pause(source, true) == 0);
    return engine->refuse_with;
}

static inline void collect_end(void *userdata, struct source *source, int error, const char *message)
{
    struct engine *engine = userdata;

    cr_assert(!engine->is_ended && (error < 0) == (message != NULL));
    engine->is_ended = true;
    engine->end_error = error;
}

static inline void collect_report(void *userdata, struct source *source, int level, const char *message)
{
    struct engine *engine = userdata;

    cr_assert(buffer_append_format(&engine->reports, "%s|", message) == 0);
}

static inline void engine_set(struct engine *engine, const char *name, const char *text)
{
    const struct option_table *table = engine->driver->options;

    for (size_t i = 0; i < table->n_options; i++) {
        char *message = NULL;

        if (strcmp(table->options[i].name, name) != 0)
            continue;
        cr_assert(option_parse(&table->options[i], slice_from_string(text), engine->settings, &message) == 0,
                  "%s", message);
        return;
    }
    cr_assert(false, "no option %s", name);
}

static inline void engine_init(struct engine *engine, const struct source_driver *driver)
{
    *engine = (struct engine){.driver = driver};
    cr_assert(sd_event_new(&engine->event) >= 0);
    engine->settings = calloc(1, driver->options->struct_size);
    cr_assert(engine->settings && option_defaults(driver->options, engine->settings) == 0);
}

static inline int engine_try_start(struct engine *engine, struct slice cursor, struct diag_list *diags)
{
    struct source_callbacks callbacks = {collect_record, collect_end, collect_report, engine};

    cr_assert(source_new(engine->driver, "input", engine->settings, &callbacks, &engine->source) == 0);
    return source_start(engine->source, engine->event, cursor, diags);
}

static inline void engine_start(struct engine *engine, struct slice cursor)
{
    struct diag_list diags = DIAG_LIST_INIT;
    int r = engine_try_start(engine, cursor, &diags);

    cr_assert(r == 0, "%d: %s", r, diags.n > 0 ? diags.items[0].message : "no message");
    diag_list_done(&diags);
}

/* Drops the source and what it said, as a stop does; the settings stay for the next start. */
static inline void engine_stop(struct engine *engine)
{
    engine->source = source_free(engine->source);
    engine->n_records = engine->pause_after = 0;
    engine->is_ended = false;
    buffer_clear(&engine->records);
    buffer_clear(&engine->reports);
}

static inline void engine_done(struct engine *engine)
{
    engine->source = source_free(engine->source);
    option_done(engine->driver->options, engine->settings);
    free(engine->settings);
    buffer_done(&engine->records);
    buffer_done(&engine->reports);
    buffer_done(&engine->cursor);
    engine->event = sd_event_unref(engine->event);
}

/* Until the condition holds: 1000 turns of up to 20 ms at most, of which a healthy run needs a handful. */
#define run_until(engine, condition)                                                                         \
    do {                                                                                                     \
        for (unsigned i_ = 0; i_ < 1000 && !(condition); i_++)                                               \
            cr_assert(sd_event_run((engine)->event, 20000) >= 0);                                            \
        cr_assert((condition), "'%.*s', reports '%.*s'", SLICE_FMT(buffer_slice(&(engine)->records)),        \
                  SLICE_FMT(buffer_slice(&(engine)->reports)));                                              \
    } while (0)

/* Everything that is ready now: what the kernel has to tell, it tells at once. Timers are not waited for. */
static inline void run_ready(struct engine *engine)
{
    for (unsigned i = 0; i < 200 && sd_event_run(engine->event, 0) > 0; i++)
        ;
}

#define assert_records(engine, expected) assert_slice(buffer_slice(&(engine)->records), (expected), "records")
#define assert_report(engine, part)                                                                          \
    cr_assert(slice_find_slice(buffer_slice(&(engine)->reports), slice_from_string(part)) <                  \
                  (engine)->reports.len,                                                                     \
              "got '%.*s'", SLICE_FMT(buffer_slice(&(engine)->reports)))
#define run_until_records(engine, expected)                                                                  \
    run_until((engine), slice_equal_string(buffer_slice(&(engine)->records), (expected)))

static inline void make_temporary(char folder[FOLDER_SIZE])
{
    (void)snprintf(folder, FOLDER_SIZE, "/tmp/hapax-test-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
}

/* Runs a shell command within the folder; it must succeed. */
static inline void run_in(const char *folder, const char *shell)
{
    char command[512];

    cr_assert(snprintf(command, sizeof(command), "cd '%s' && { %s; }", folder, shell) < (int)sizeof(command));
    cr_assert(system(command) == 0, "%s", command);
}

static inline void remove_temporary(const char *folder)
{
    char command[TEST_PATH_SIZE];

    cr_assert(snprintf(command, sizeof(command), "rm -rf -- '%s'", folder) < TEST_PATH_SIZE);
    cr_assert(system(command) == 0);
}

static inline void name_in(char path[TEST_PATH_SIZE], const char *folder, const char *name)
{
    cr_assert(snprintf(path, TEST_PATH_SIZE, "%s/%s", folder, name) < TEST_PATH_SIZE);
}

static inline void append_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    cr_assert(close(fd) == 0);
}

/* 100,000 lines of ten digits: several chunks. */
static inline void write_many_lines(const char *path)
{
    FILE *f = fopen(path, "we");

    cr_assert(f);
    for (unsigned i = 0; i < 100000; i++)
        cr_assert(fputs("0123456789\n", f) >= 0);
    cr_assert(fclose(f) == 0);
}

#endif
