/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The systemd journal: live, or the files of another machine. The only file that knows sd_journal.
 *
 * Waking up: journald announces new entries in batches, a quarter of a second late, but they stand in the
 * mapped file at once. So while a live journal is at its end, a timer looks for the next entry every 5 ms (1
 * ms accuracy), and the journal's descriptor is only watched to learn of files that come and go (measured:
 * 394 ms median with notifications alone, 3 ms with the timer, 0.6 % of a core). sd_journal_wait() is never
 * called.
 *
 * What is wanted: the journal's index can find the entries that match (sd_journal_add_match), at some 12,000
 * instructions for each with the default conditions; looking at every entry and comparing costs 2,000 a step,
 * and the fields of those nobody wants. Measured, the index is cheaper below a third. So a sample of all
 * entries is looked at first, and again from time to time, and decides.
 *
 * Reading: all fields of an entry are enumerated once, which costs less than looking six of them up. What
 * libsystemd hands out lives only until the next call, so fields are copied to an arena that the next entry
 * resets. An entry is cut at ENTRY_LIMIT_BYTES; the same limit is libsystemd's threshold, whose default of 64
 * KiB would cut compressed fields, and which switched off would unpack up to 768 MiB that any client may have
 * sent.
 *
 * The place is "REALTIME CURSOR" of the last entry handed over. Returning to it has four outcomes: the entry
 * is there, and we go on behind it; it is there no more because the journal was vacuumed, and we say how much
 * time is missing; it does not match any more, and nothing is missing; or it lies behind the journal's end (a
 * clock set back, another journal), where libsystemd would wait for ever, and we go on at the end. The
 * journal announces that its set of files changed (INVALIDATE): we return to our place. After an error it is
 * opened anew, with a growing delay; where the same place fails again, a growing stretch of time behind it is
 * skipped, and reported.
 *
 * "At the end" of a journal without any matching entry is a trap: after seek_tail and a previous() that found
 * none, next() would begin at the last entry then present and lose those before it; so we begin at the head
 * instead.
 *
 * One file of more than 800 lines, because sd_journal is known to one file only and every part of it moves
 * the same cursor.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "frame/frame.h"
#include "source/driver.h"
#include "source/journald_match.h"
#include "source/turn.h"
#include "util/arena.h"
#include "util/parse.h"

/* measured, see above: p50 2.7 ms; 1 ms would cost 1.6 % of a core */
#define LOOK_USEC          5000U
#define LOOK_ACCURACY_USEC 1000U
/* chosen: a turn takes about a millisecond at 2 to 4 us an entry */
#define ENTRIES_PER_TURN 256U
/* chosen: so many entries tell what share is wanted; measured: below a third the index is cheaper */
#define SAMPLE_ENTRIES      2048U
#define WANTED_SHARE_DIVIDE 3U
#define RESAMPLE_ENTRIES    65536U
/* as for an entry of the export format */
#define ENTRY_LIMIT_BYTES ((size_t)FRAME_ENTRY_LIMIT_DEFAULT)
/* as systemd's own limit on what a client may send (journald-native.h, ENTRY_FIELD_COUNT_MAX) */
#define ENTRY_FIELDS_MAX 1024U
/* chosen: a rotation under way is over within the first, a broken disk is not asked more often than the last
 */
#define BACKOFF_MIN_USEC (100 * USEC_PER_MSEC)
#define BACKOFF_MAX_USEC (10 * USEC_PER_SEC)
/* chosen: the first stretch skipped behind a place that cannot be read; it doubles with each attempt */
#define SKIP_USEC   USEC_PER_SEC
#define N_SKIPS_MAX 24U /* half a year */
/* chosen: files that are read once are given up after about a minute of attempts; a live journal never */
#define N_FAILURES_MAX 12U
/* systemd's limit on a field's name (journal-file.c, journal_field_valid) */
#define FIELD_NAME_MAX 64U

enum journald_start {
    JOURNALD_START_AUTO,
    JOURNALD_START_TAIL,
    JOURNALD_START_BOOT,
    JOURNALD_START_BEGINNING,
};

enum journald_follow {
    JOURNALD_FOLLOW_AUTO,
    JOURNALD_FOLLOW_YES,
    JOURNALD_FOLLOW_NO,
};

struct journald_settings {
    char *directory;
    struct string_list files;
    char *namespace;
    struct string_list matches;
    int start;
    int follow;
};

struct journald_source {
    struct source base;
    sd_event *event; /* borrowed */
    sd_journal *journal;
    sd_event_source *io;   /* the journal's descriptor */
    sd_event_source *look; /* the timer, at the end of a live journal */
    sd_event_source *turn; /* more entries are there */
    sd_event_source *open; /* the timer to open it anew */
    struct arena arena;
    struct record_field fields[ENTRY_FIELDS_MAX + 2];
    struct journald_filter filter;
    bool has_filter;             /* conditions can be compared here */
    bool is_indexed;             /* the journal's index steps over what does not match */
    unsigned n_looked, n_wanted; /* of the sample at hand, where it does not */
    struct buffer
        place;          /* of the last entry handed over, or of the last one before the start; may be empty */
    int64_t place_usec; /* its time */
    bool is_place_stale; /* the journal stands behind it */
    bool has_entry;      /* the journal stands at an entry that was not handed over */
    bool is_at_end;      /* the last look found nothing */
    bool is_under_way;   /* the first place was sought */
    unsigned n_failures; /* since the last entry that could be read */
    uint64_t n_damaged;  /* entries of which a field could not be read */
    int64_t backoff_usec;
};

static const char *const start_words[] = {"auto", "tail", "boot", "beginning", NULL};
static const char *const follow_words[] = {"auto", "true", "false", NULL};

static const struct option journald_options[] = {
    {
        .name = "directory",
        .type = OPTION_STRING,
        .offset = offsetof(struct journald_settings, directory),
        .help = "read the journal files in this folder instead of this machine's",
    },
    {
        .name = "files",
        .type = OPTION_LIST,
        .offset = offsetof(struct journald_settings, files),
        .help = "read these journal files instead of this machine's",
    },
    {
        .name = "namespace",
        .type = OPTION_STRING,
        .offset = offsetof(struct journald_settings, namespace),
        .help = "read this journal namespace instead of the default one",
    },
    {
        .name = "matches",
        .type = OPTION_LIST,
        .offset = offsetof(struct journald_settings, matches),
        .help =
            "which entries to read: FIELD=VALUE conditions, all of an item and any of the list; * for all "
            "entries; default: those the rulebases know",
    },
    {
        .name = "start",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct journald_settings, start),
        .default_text = "auto",
        .choices = start_words,
        .help = "where to begin without a cursor; auto: the tail of the live journal, the beginning of given "
                "files",
    },
    {
        .name = "follow",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct journald_settings, follow),
        .default_text = "auto",
        .choices = follow_words,
        .help = "wait for new entries instead of ending at the last one; auto: only with the live journal",
    },
};

static const struct option_table journald_table = {
    .options = journald_options,
    .n_options = ARRAY_SIZE(journald_options),
    .struct_size = sizeof(struct journald_settings),
};

static inline void journal_closep(sd_journal **journal)
{
    if (*journal)
        sd_journal_close(*journal);
}

static struct journald_source *downcast(struct source *source)
{
    return (struct journald_source *)source;
}

static const struct journald_settings *settings_of(const struct journald_source *s)
{
    return s->base.settings;
}

static bool is_live(const struct journald_settings *settings)
{
    return !settings->directory && settings->files.n == 0;
}

static bool is_followed(const struct journald_settings *settings)
{
    return settings->follow == JOURNALD_FOLLOW_AUTO ? is_live(settings)
                                                    : settings->follow == JOURNALD_FOLLOW_YES;
}

static unsigned journald_get_capabilities(const struct source *source)
{
    return SOURCE_CAN_SEEK | (is_followed(source->settings) ? 0 : SOURCE_ENDS);
}

static int64_t now_usec(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

static int set_enabled(sd_event_source *source, bool is_enabled)
{
    if (!source)
        return 0;
    return sd_event_source_set_enabled(source, is_enabled ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* What the loop shall wake us for, from where we stand. */
static int update_interest(struct journald_source *s)
{
    bool is_active = !s->base.is_paused && !s->base.is_ended && s->journal;
    int r;

    r = set_enabled(s->io, is_active);
    if (r >= 0)
        r = set_enabled(s->turn, is_active && !s->is_at_end);
    if (r < 0 || !s->look)
        return r;
    if (!is_active || !s->is_at_end)
        return sd_event_source_set_enabled(s->look, SD_EVENT_OFF);
    r = sd_event_source_set_time_relative(s->look, LOOK_USEC);
    if (r < 0)
        return r;
    return sd_event_source_set_enabled(s->look, SD_EVENT_ONESHOT);
}

/* Matches */

static int add_group(sd_journal *journal, struct slice group)
{
    struct slice condition;
    int r;

    while ((r = journald_match_next(&group, &condition)) > 0) {
        r = sd_journal_add_match(journal, condition.data, condition.len);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    return sd_journal_add_disjunction(journal);
}

static int add_matches(sd_journal *journal, const struct journald_settings *settings)
{
    int r = 0;

    if (settings->matches.n == 0)
        for (size_t i = 0; r >= 0 && journald_default_matches[i]; i++)
            r = add_group(journal, slice_from_string(journald_default_matches[i]));
    for (size_t i = 0; i < settings->matches.n; i++)
        if (strcmp(settings->matches.items[i], "*") == 0)
            return 0;
    for (size_t i = 0; r >= 0 && i < settings->matches.n; i++)
        r = add_group(journal, slice_from_string(settings->matches.items[i]));
    return r;
}

static int check_settings(const struct journald_settings *settings, struct diag_list *diags)
{
    int r = 0, n_places = !!settings->directory + (settings->files.n > 0) + !!settings->namespace;

    if (n_places > 1)
        r = diag_add(diags, NULL, 0, 0,
                     "journald: expected one of directory, files and namespace, not %d of them", n_places);
    for (size_t i = 0; i < settings->matches.n; i++) {
        struct slice group = slice_from_string(settings->matches.items[i]), condition;
        int n;

        if (strcmp(settings->matches.items[i], "*") == 0)
            continue;
        while ((n = journald_match_next(&group, &condition)) > 0)
            ;
        if (n < 0)
            r = diag_add(diags, NULL, 0, 0,
                         "journald: the match '%s' is not understood: expected FIELD=VALUE, such as "
                         "_TRANSPORT=audit, or *",
                         settings->matches.items[i]);
    }
    return r;
}

static int journald_check(const char *name, const void *settings, struct diag_list *diags)
{
    (void)name;
    return check_settings(settings, diags);
}

/* Has the index step over what does not match, or not; the journal stands at no entry afterwards, its place
 * holds. */
static int set_indexed(struct journald_source *s, bool is_indexed)
{
    int r = 0;

    sd_journal_flush_matches(s->journal);
    if (is_indexed)
        r = add_matches(s->journal, settings_of(s));
    s->is_indexed = is_indexed;
    s->n_looked = s->n_wanted = 0;
    return r;
}

/* Chooses between the two ways of the essay, between two entries. */
static int adapt(struct journald_source *s)
{
    if (!s->has_filter || s->has_entry || !s->journal)
        return 0;
    if (s->is_indexed)
        return s->n_wanted < RESAMPLE_ENTRIES ? 0 : set_indexed(s, false);
    if (s->n_looked < SAMPLE_ENTRIES)
        return 0;
    if (s->n_wanted < s->n_looked / WANTED_SHARE_DIVIDE)
        return set_indexed(s, true);
    s->n_looked = s->n_wanted = 0;
    return 0;
}

/* Opening */

static int open_journal(const struct journald_settings *settings, sd_journal **ret_journal)
{
    _cleanup_(journal_closep) sd_journal *journal = NULL;
    int r;

    if (settings->directory) {
        r = sd_journal_open_directory(&journal, settings->directory, 0);
    } else if (settings->files.n > 0) {
        _cleanup_(freep) const char **paths = calloc(settings->files.n + 1, sizeof(*paths));

        if (!paths)
            return -ENOMEM;
        for (size_t i = 0; i < settings->files.n; i++)
            paths[i] = settings->files.items[i];
        r = sd_journal_open_files(&journal, paths, 0);
    } else {
        r = sd_journal_open_namespace(&journal, settings->namespace, SD_JOURNAL_LOCAL_ONLY);
    }
    if (r < 0)
        return r;
    r = sd_journal_set_data_threshold(journal, ENTRY_LIMIT_BYTES);
    if (r < 0)
        return r;
    *ret_journal = TAKE_PTR(journal);
    return 0;
}

/* Says what is wrong with the journal that cannot be opened, file by file. */
static int explain_open(const struct journald_settings *settings, int error, struct diag_list *diags)
{
    if (error == -ENOMEM)
        return error;
    for (size_t i = 0; i < settings->files.n; i++) {
        _cleanup_(journal_closep) sd_journal *journal = NULL;
        const char *paths[] = {settings->files.items[i], NULL};
        int r = sd_journal_open_files(&journal, paths, 0);

        if (r == -EBADMSG || r == -ENODATA || r == -EPROTONOSUPPORT)
            (void)diag_add(diags, paths[0], 0, 0, "this is not a journal file, or it is damaged (%s)",
                           strerror(-r));
        else if (r < 0)
            (void)diag_add(diags, paths[0], 0, 0, "the journal file cannot be opened: %s", strerror(-r));
    }
    if (settings->files.n > 0 && diags->n > 0)
        return -EINVAL;
    return diag_add(diags, settings->directory, 0, 0, "the journal cannot be opened: %s", strerror(-error));
}

static int check_live(const struct journald_settings *settings, struct diag_list *diags)
{
    if (access("/run/log/journal", F_OK) < 0 && access("/var/log/journal", F_OK) < 0)
        return diag_add(
            diags, NULL, 0, 0,
            "this machine has no journal (neither /run/log/journal nor /var/log/journal): read a file or "
            "standard input instead");
    return 0;
}

static int on_io(sd_event_source *event_source, int fd, uint32_t revents, void *userdata);

/* The descriptor tells of files that come and go; it must exist before the first look, so that none is
 * missed. */
static int watch(struct journald_source *s)
{
    int fd, events, r;

    if (!is_followed(settings_of(s)))
        return 0;
    fd = sd_journal_get_fd(s->journal);
    if (fd < 0) {
        source_report(&s->base, LOG_WARNING, "the journal cannot be watched, so rotation may go unseen: %s",
                      strerror(-fd));
        return 0;
    }
    events = sd_journal_get_events(s->journal);
    if (events < 0)
        return events;
    r = sd_event_add_io(s->event, &s->io, fd, (uint32_t)events, on_io, s);
    if (r < 0)
        return r;
    return sd_event_source_set_enabled(s->io, SD_EVENT_OFF);
}

static void unwatch_and_close(struct journald_source *s)
{
    s->io = sd_event_source_disable_unref(s->io);
    if (s->journal)
        sd_journal_close(s->journal);
    s->journal = NULL;
}

/* Places */

/* Remembers the entry the journal stands at. */
static int save_place(struct journald_source *s)
{
    _cleanup_(freep) char *cursor = NULL;
    uint64_t usec = 0;
    int r;

    r = sd_journal_get_realtime_usec(s->journal, &usec);
    if (r >= 0)
        r = sd_journal_get_cursor(s->journal, &cursor);
    if (r < 0)
        return r;
    buffer_clear(&s->place);
    /* with its NUL, so that it can be handed to libsystemd */
    r = buffer_append_format(&s->place, "%" PRIu64 " %s", usec, cursor);
    if (r >= 0)
        r = buffer_append_char(&s->place, '\0');
    if (r < 0)
        return r;
    s->place_usec = (int64_t)usec;
    s->is_place_stale = false;
    return 0;
}

static int load_place(struct journald_source *s, struct slice text)
{
    size_t blank = slice_find(text, ' ');
    uint64_t usec;
    int r;

    if (blank == text.len || parse_u64(slice_head(text, blank), &usec) < 0 || usec > INT64_MAX ||
        memchr(text.data, '\0', text.len))
        return -EINVAL;
    buffer_clear(&s->place);
    r = buffer_append_slice(&s->place, text);
    if (r >= 0)
        r = buffer_append_char(&s->place, '\0');
    if (r < 0)
        return r;
    s->place_usec = (int64_t)usec;
    return 0;
}

static const char *place_cursor(const struct journald_source *s)
{
    return strchr(s->place.data, ' ') + 1;
}

/* Behind the last matching entry; where there is none, before the first that will come. */
static int seek_tail(struct journald_source *s)
{
    int r;

    r = sd_journal_seek_tail(s->journal);
    if (r < 0)
        return r;
    r = sd_journal_previous(s->journal);
    if (r < 0)
        return r;
    if (r == 0)
        return sd_journal_seek_head(s->journal);
    /* a place to return to when files are rotated before the first entry comes */
    return save_place(s);
}

static void format_span(int64_t usec, char *text, size_t size)
{
    if (usec >= USEC_PER_DAY)
        (void)snprintf(text, size, "%.1f days", (double)usec / (double)USEC_PER_DAY);
    else if (usec >= USEC_PER_HOUR)
        (void)snprintf(text, size, "%.1f hours", (double)usec / (double)USEC_PER_HOUR);
    else
        (void)snprintf(text, size, "%.1f seconds", (double)usec / (double)USEC_PER_SEC);
}

/* Returns to the saved place, so that next() gives the entry behind it, or to the entry behind it
 * (has_entry). */
static int seek_place(struct journald_source *s)
{
    uint64_t first_usec = 0, last_usec = 0;
    char span[32];
    bool has_range;
    int r;

    has_range = sd_journal_get_cutoff_realtime_usec(s->journal, &first_usec, &last_usec) > 0;
    r = sd_journal_seek_cursor(s->journal, place_cursor(s));
    if (r == -EINVAL) {
        source_report(&s->base, LOG_WARNING,
                      "the saved journal cursor '%.200s' cannot be read: going by its time", place_cursor(s));
        return sd_journal_seek_realtime_usec(s->journal, (uint64_t)s->place_usec + 1);
    }
    if (r >= 0)
        r = sd_journal_next(s->journal);
    if (r < 0)
        return r;
    if (r > 0 && sd_journal_test_cursor(s->journal, place_cursor(s)) > 0)
        return 0;
    if (has_range && (int64_t)first_usec > s->place_usec) {
        format_span((int64_t)first_usec - s->place_usec, span, sizeof(span));
        source_report(
            &s->base, LOG_WARNING,
            "the journal was vacuumed past the place read last: %s before its oldest entry are missing",
            span);
    }
    if (r > 0) {
        s->has_entry = true;
        return 0;
    }
    if (has_range && (int64_t)last_usec < s->place_usec) {
        format_span(s->place_usec - (int64_t)last_usec, span, sizeof(span));
        source_report(
            &s->base, LOG_WARNING,
            "the place read last lies %s behind the journal's end (was the clock set back?): going on at its "
            "end",
            span);
        return seek_tail(s);
    }
    /* nothing behind it yet; libsystemd keeps the place and looks from there each time */
    return 0;
}

static int seek_start(struct journald_source *s)
{
    const struct journald_settings *settings = settings_of(s);
    int start = settings->start;

    if (start == JOURNALD_START_AUTO)
        start = is_live(settings) ? JOURNALD_START_TAIL : JOURNALD_START_BEGINNING;
    switch (start) {
    case JOURNALD_START_TAIL:
        /* no matching entry was there the first time: all there are now are new */
        return s->is_under_way ? sd_journal_seek_head(s->journal) : seek_tail(s);
    case JOURNALD_START_BOOT:
        return sd_journal_seek_realtime_usec(s->journal,
                                             (uint64_t)(now_usec(CLOCK_REALTIME) - now_usec(CLOCK_BOOTTIME)));
    default:
        return sd_journal_seek_head(s->journal);
    }
}

/* Reading */

/* Adds "NAME=value", whose name is the first name_len bytes; what the next call into libsystemd may unmap is
 * copied. */
static int add_field(struct journald_source *s, struct slice field, size_t name_len, struct record *record)
{
    size_t room = ENTRY_LIMIT_BYTES - MIN(ENTRY_LIMIT_BYTES, s->arena.allocated_bytes);
    struct record_field *added = &s->fields[record->n_fields];
    struct slice copy;
    int r;

    if (field.len > name_len + 1 + room) {
        record->is_truncated = true;
        field = slice_head(field, name_len + 1 + room);
    }
    r = arena_copy(&s->arena, field, &copy);
    if (r < 0)
        return r;
    added->name = slice_head(copy, name_len);
    added->value = slice_skip(copy, name_len + 1);
    record->n_fields++;
    return 0;
}

static int add_number(struct journald_source *s, struct slice name, uint64_t v, struct record *record)
{
    char text[FIELD_NAME_MAX + 1 + U64_TEXT_MAX];

    memcpy(text, name.data, name.len);
    text[name.len] = '=';
    return add_field(s, slice_new(text, name.len + 1 + format_u64(v, text + name.len + 1)), name.len, record);
}

/*
 * journald takes each audit record apart into fields (systemd src/journal/journald-audit.c), up to 64 of
 * them, and keeps the record whole in MESSAGE, which is what is read: half of what such an entry holds need
 * not be copied.
 */
static bool is_wanted(struct slice field)
{
    return !slice_starts_with(field, SLICE("_AUDIT_FIELD_"));
}

/* The fields journald stores beside an entry, named as the export format does. */
static int add_times(struct journald_source *s, struct record *record)
{
    sd_id128_t boot;
    uint64_t usec = 0;
    int r;

    r = sd_journal_get_realtime_usec(s->journal, &usec);
    if (r < 0)
        return r;
    r = add_number(s, SLICE("__REALTIME_TIMESTAMP"), usec, record);
    if (r < 0)
        return r;
    if (sd_journal_get_monotonic_usec(s->journal, &usec, &boot) < 0)
        return 0;
    return add_number(s, SLICE("__MONOTONIC_TIMESTAMP"), usec, record);
}

/* Hands over the entry the journal stands at, as far as it can be read. */
static int emit_entry(struct journald_source *s)
{
    struct record record = {.kind = RECORD_JOURNAL, .trust = TRUST_JOURNAL, .fields = s->fields};
    const void *data = NULL;
    uint64_t seen = 0;
    size_t len = 0;
    int r, failure = 0;

    arena_reset(&s->arena);
    r = add_times(s, &record);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        failure = r;
    /* before each enumeration: a leftover position of an earlier entry would skip fields */
    sd_journal_restart_data(s->journal);
    while (failure == 0 && (r = sd_journal_enumerate_available_data(s->journal, &data, &len)) > 0) {
        struct slice field = slice_new(data, len);
        size_t at = slice_find(field, '=');

        if (at == field.len || at > FIELD_NAME_MAX || !is_wanted(field))
            continue;
        if (!s->is_indexed)
            seen |= journald_filter_look(&s->filter, field);
        if (record.n_fields == ARRAY_SIZE(s->fields)) {
            record.is_truncated = true;
            break;
        }
        /* unpacked up to the threshold only */
        if (len >= ENTRY_LIMIT_BYTES)
            record.is_truncated = true;
        r = add_field(s, field, at, &record);
        if (r < 0)
            return r;
    }
    if (r < 0)
        failure = r;
    if (failure < 0) {
        record.is_truncated = true;
        s->n_damaged++;
        /* each power of two: the operator learns of the first and of the extent */
        if ((s->n_damaged & (s->n_damaged - 1)) == 0)
            source_report(&s->base, LOG_WARNING,
                          "a journal entry is damaged and was read in part (%" PRIu64 " so far): %s",
                          s->n_damaged, strerror(-failure));
    }
    s->is_place_stale = true;
    if (!s->is_indexed) {
        s->n_looked++;
        if (!journald_filter_wants(&s->filter, seen))
            return 0;
    }
    s->n_wanted++;
    return source_emit(&s->base, &record);
}

static int on_open(sd_event_source *event_source, uint64_t usec, void *userdata);

/* The journal failed: closes it, and opens it anew after a while. */
static int back_off(struct journald_source *s, int error)
{
    /* the entry before the failure may still tell where it was */
    if (s->journal && s->is_place_stale)
        (void)save_place(s);
    s->is_place_stale = false;
    s->has_entry = false;
    unwatch_and_close(s);
    s->n_failures++;
    if (!is_followed(settings_of(s)) && s->n_failures > N_FAILURES_MAX) {
        char message[128];

        (void)snprintf(message, sizeof(message), "the journal cannot be read: %s", strerror(-error));
        source_end(&s->base, error, message);
        return 0;
    }
    s->backoff_usec = s->n_failures == 1 ? BACKOFF_MIN_USEC : MIN(s->backoff_usec * 2, BACKOFF_MAX_USEC);
    source_report(&s->base, LOG_WARNING,
                  "the journal cannot be read (%s): opening it again in %.1f s (attempt %u)",
                  strerror(-error), (double)s->backoff_usec / (double)USEC_PER_SEC, s->n_failures);
    s->open = sd_event_source_disable_unref(s->open);
    return sd_event_add_time_relative(s->event, &s->open, CLOCK_MONOTONIC, (uint64_t)s->backoff_usec, 0,
                                      on_open, s);
}

/* Hands over up to a turn's worth of entries. Negative: the program stops. */
static int step(struct journald_source *s)
{
    int r;

    if (!s->journal || s->base.is_ended)
        return 0;

    for (unsigned i = 0; i < ENTRIES_PER_TURN && !s->base.is_paused; i++) {
        r = s->has_entry ? 1 : sd_journal_next(s->journal);
        if (r < 0)
            return r == -ENOMEM ? r : back_off(s, r);
        s->is_at_end = r == 0;
        if (r == 0) {
            if (!is_followed(settings_of(s)))
                source_end(&s->base, 0, NULL);
            break;
        }
        s->has_entry = false;
        s->n_failures = 0;
        r = emit_entry(s);
        if (r < 0)
            return r;
    }
    /* so that no failure can cost more than the turn it happens in */
    if (s->is_place_stale) {
        r = save_place(s);
        if (r == -ENOMEM)
            return r;
    }
    r = adapt(s);
    return r < 0 && r != -ENOMEM ? back_off(s, r) : r;
}

/* To where the saved place, or the settings, point. */
static int go_to_place(struct journald_source *s)
{
    int64_t skip_usec = 0;
    int r;

    s->is_at_end = s->has_entry = false;
    /* the first failure may be a rotation under way; from the second on at the same place, go past it */
    if (s->n_failures > 1)
        skip_usec = SKIP_USEC << MIN(s->n_failures - 2, N_SKIPS_MAX);
    if (s->place.len == 0) {
        r = seek_start(s);
    } else if (skip_usec == 0) {
        r = seek_place(s);
    } else {
        source_report(&s->base, LOG_WARNING,
                      "the journal cannot be read behind the place read last: skipping %.0f s",
                      (double)skip_usec / (double)USEC_PER_SEC);
        if (s->place_usec + skip_usec > now_usec(CLOCK_REALTIME))
            r = seek_tail(s);
        else
            r = sd_journal_seek_realtime_usec(s->journal, (uint64_t)(s->place_usec + skip_usec));
    }
    s->is_under_way = true;
    return r < 0 && r != -ENOMEM ? back_off(s, r) : r;
}

static int exit_on_failure(struct journald_source *s, int r)
{
    if (r >= 0)
        r = update_interest(s);
    return r < 0 ? sd_event_exit(s->event, r) : 0;
}

static int on_turn(sd_event_source *event_source, int fd, uint32_t revents, void *userdata)
{
    return exit_on_failure(userdata, step(userdata));
}

static int on_look(sd_event_source *event_source, uint64_t usec, void *userdata)
{
    return exit_on_failure(userdata, step(userdata));
}

static int on_io(sd_event_source *event_source, int fd, uint32_t revents, void *userdata)
{
    struct journald_source *s = userdata;
    int r;

    r = sd_journal_process(s->journal);
    if (r < 0)
        return exit_on_failure(s, r == -ENOMEM ? r : back_off(s, r));
    if (r == SD_JOURNAL_INVALIDATE)
        r = go_to_place(s);
    if (r >= 0)
        r = step(s);
    return exit_on_failure(s, r);
}

static int on_open(sd_event_source *event_source, uint64_t usec, void *userdata)
{
    struct journald_source *s = userdata;
    int r;

    r = open_journal(settings_of(s), &s->journal);
    if (r >= 0)
        r = set_indexed(s, !s->has_filter);
    if (r < 0)
        return exit_on_failure(s, r == -ENOMEM ? r : back_off(s, r));
    r = watch(s);
    if (r >= 0)
        r = go_to_place(s);
    return exit_on_failure(s, r);
}

/* Driver */

/* libsystemd leaves out files it may not read, so nothing to read looks like an empty journal. */
static void warn_if_empty(struct journald_source *s)
{
    const struct journald_settings *settings = settings_of(s);
    uint64_t from, to;

    if (sd_journal_get_cutoff_realtime_usec(s->journal, &from, &to) > 0)
        return;
    if (!is_live(settings))
        source_report(&s->base, LOG_WARNING, "no journal entries are in '%s'",
                      settings->directory ? settings->directory : settings->files.items[0]);
    else if (geteuid() != 0)
        source_report(&s->base, LOG_WARNING,
                      "no journal file can be read by this user: is it in the group systemd-journal?");
}

static int journald_start(struct source *source, sd_event *event, struct slice cursor,
                          struct diag_list *diags)
{
    const struct journald_settings *settings = source->settings;
    struct journald_source *s = downcast(source);
    int r;

    s->event = event;
    r = check_settings(settings, diags);
    if (r >= 0 && is_live(settings))
        r = check_live(settings, diags);
    if (r < 0)
        return r;
    if (cursor.len > 0) {
        r = load_place(s, cursor);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            source_report(source, LOG_WARNING,
                          "the saved place '%.*s' is not one in a journal: starting without it",
                          (int)MIN(cursor.len, (size_t)200), cursor.data);
    }
    r = journald_filter_init(&s->filter, &settings->matches);
    if (r < 0)
        return r;
    s->has_filter = r == 0;
    r = open_journal(settings, &s->journal);
    if (r < 0)
        return explain_open(settings, r, diags);
    r = set_indexed(s, !s->has_filter);
    if (r >= 0)
        r = watch(s);
    if (r >= 0)
        r = turn_new(event, on_turn, s, &s->turn);
    if (r >= 0 && is_followed(settings)) {
        r = sd_event_add_time_relative(event, &s->look, CLOCK_MONOTONIC, LOOK_USEC, LOOK_ACCURACY_USEC,
                                       on_look, s);
        if (r >= 0)
            r = sd_event_source_set_enabled(s->look, SD_EVENT_OFF);
    }
    if (r < 0)
        return r;
    warn_if_empty(s);
    /* now, not at the first turn of the loop: what is written from here on is read */
    r = go_to_place(s);
    if (r < 0)
        return r;
    return update_interest(s);
}

static int journald_cursor(struct source *source, struct buffer *out)
{
    struct journald_source *s = downcast(source);
    int r;

    if (s->journal && s->is_place_stale) {
        r = save_place(s);
        /* a damaged entry has no cursor: the place before it still holds */
        if (r == -ENOMEM)
            return r;
    }
    return s->place.len > 0 ? buffer_append(out, s->place.data, s->place.len - 1) : 0;
}

static int journald_pause(struct source *source, bool is_paused)
{
    return update_interest(downcast(source));
}

static void journald_done(struct source *source)
{
    struct journald_source *s = downcast(source);

    unwatch_and_close(s);
    (void)sd_event_source_disable_unref(s->look);
    (void)sd_event_source_disable_unref(s->turn);
    (void)sd_event_source_disable_unref(s->open);
    arena_done(&s->arena);
    buffer_done(&s->place);
    journald_filter_done(&s->filter);
}

const struct source_driver journald_source = {
    .name = "journald",
    .summary = "reads the systemd journal of this machine as it grows, or the journal files of others",
    .options = &journald_table,
    .struct_size = sizeof(struct journald_source),
    .capabilities = SOURCE_CAN_SEEK | SOURCE_ENDS,
    .get_capabilities = journald_get_capabilities,
    .check = journald_check,
    .start = journald_start,
    .cursor = journald_cursor,
    .pause = journald_pause,
    .done = journald_done,
};
