/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A file: read once to its end, or followed for ever.
 *
 * It is read a chunk a turn of the loop until read(2) gives nothing. Then, if it is followed, inotify wakes
 * us: a watch on the open file for bytes, one on its folder for names that come and go. A wake-up only says
 * "look"; what happened is found by looking, so lost, merged and spurious events make no difference:
 *
 *   - the name leads to another file: rotated. The writer may still hold the old one (rsyslog until its HUP,
 * auditd not at all), so we stay with it until the new one has bytes, read it to its end once more, then go
 * over. Files rotated in between are read first, oldest first.
 *   - the file is shorter than what was read, or begins differently: truncated. What we had not read before
 * may be in a copy beside it (copytruncate), which is read from the same place on; then the file from its
 * beginning.
 *   - nothing has that name: we stay with what we have until something does.
 *
 * A line without its end waits for the rest; at the end of a file nobody writes to any more it comes out as
 * it is. The cursor (rotation.h) points behind the last record handed over, so what waits is read again after
 * a restart.
 *
 * Where inotify cannot be used (its limits, a folder that was removed), the file is looked at each second,
 * and the operator is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>

#include "source/driver.h"
#include "source/line_reader.h"
#include "source/rotation.h"
#include "source/turn.h"
#include "util/parse.h"

/* chosen: a second is the delay of an alert we promise, and one look costs three system calls */
#define POLL_USEC USEC_PER_SEC
/* chosen: how far back from the end the beginning of an unfinished line is looked for */
#define TAIL_BYTES (64U << 10)

enum file_start {
    FILE_START_AUTO,
    FILE_START_BEGINNING,
    FILE_START_END,
};

struct file_settings {
    char *path;
    bool follow;
    int start;
    int trust;
    uint64_t line_limit_bytes;
};

struct file_source {
    struct source base;
    struct line_reader reader;
    sd_event *event; /* borrowed */
    sd_event_source *turn, *folder_watch, *file_watch, *next_watch, *poll;
    int fd; /* -1: no file yet */
    dev_t device;
    ino_t inode, next_inode; /* of the open file; of the empty one that will be next */
    uint64_t start_offset;   /* where in the file the reader began */
    uint64_t read_offset;    /* the next byte to read */
    char head[FILE_HEAD_BYTES];
    size_t head_len;
    bool is_started;
    bool is_unwatchable;   /* inotify failed */
    bool is_idle;          /* at the end; nothing to do before the next wake-up */
    bool is_rotation_seen; /* the next file has bytes; this one is read once more */
    bool is_next_refused;  /* told already that the next file cannot be opened */
};

static const char *const start_words[] = {"auto", "beginning", "end", NULL};
static const char *const trust_words[] = {"plain", "dedicated", NULL};

static const struct option file_options[] = {
    {
        .name = "path",
        .type = OPTION_STRING,
        .offset = offsetof(struct file_settings, path),
        .is_required = true,
        .help = "the file to read",
    },
    {
        .name = "follow",
        .type = OPTION_BOOL,
        .offset = offsetof(struct file_settings, follow),
        .default_text = "false",
        .help = "go on with what is written later, also after rotation, instead of ending",
    },
    {
        .name = "start",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct file_settings, start),
        .default_text = "auto",
        .choices = start_words,
        .help = "where to begin without a cursor; auto: at the end of a file that is followed, else at the "
                "beginning",
    },
    {
        .name = "trust",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct file_settings, trust),
        .default_text = "plain",
        .choices = trust_words,
        .help =
            "dedicated: only one trusted writer, such as auditd, can write to this file; plain: anyone may",
    },
    {
        .name = "line_limit",
        .type = OPTION_SIZE,
        .offset = offsetof(struct file_settings, line_limit_bytes),
        .default_text = "1MiB",
        .min = 1024,
        .max = 1 << 30,
        .help = "longer lines are cut",
    },
};

static const struct option_table file_table = {
    .options = file_options,
    .n_options = ARRAY_SIZE(file_options),
    .struct_size = sizeof(struct file_settings),
};

static struct file_source *downcast(struct source *source)
{
    return (struct file_source *)source;
}

static const struct file_settings *settings_of(const struct file_source *s)
{
    return s->base.settings;
}

static unsigned file_get_capabilities(const struct source *source)
{
    const struct file_settings *settings = source->settings;

    return SOURCE_CAN_SEEK | (settings->follow ? 0 : SOURCE_ENDS);
}

static int update_interest(struct file_source *s)
{
    bool is_active = !s->base.is_paused && !s->base.is_ended && !s->is_idle;

    return sd_event_source_set_enabled(s->turn, is_active ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int wake(struct file_source *s)
{
    s->is_idle = false;
    return update_interest(s);
}

static int on_poll(sd_event_source *event_source, uint64_t usec, void *userdata)
{
    int r;

    r = wake(userdata);
    if (r >= 0)
        r = sd_event_source_set_time_relative(event_source, (uint64_t)POLL_USEC);
    if (r >= 0)
        r = sd_event_source_set_enabled(event_source, SD_EVENT_ONESHOT);
    return r < 0 ? sd_event_exit(sd_event_source_get_event(event_source), r) : 0;
}

static int start_polling(struct file_source *s)
{
    if (s->poll)
        return 0;
    return sd_event_add_time_relative(s->event, &s->poll, CLOCK_MONOTONIC, (uint64_t)POLL_USEC,
                                      (uint64_t)POLL_USEC / 4, on_poll, s);
}

/* Without inotify: looks by itself from now on. */
static int do_without_watch(struct file_source *s, int error)
{
    if (!s->is_unwatchable)
        source_report(&s->base, LOG_WARNING, "'%s' cannot be watched (%s): looking at it each second instead",
                      settings_of(s)->path, strerror(-error));
    s->is_unwatchable = true;
    return start_polling(s);
}

static int on_file_event(sd_event_source *event_source, const struct inotify_event *inotify, void *userdata)
{
    int r = wake(userdata);

    return r < 0 ? sd_event_exit(sd_event_source_get_event(event_source), r) : 0;
}

static int on_folder_event(sd_event_source *event_source, const struct inotify_event *inotify, void *userdata)
{
    struct file_source *s = userdata;
    struct slice base = slice_base_name(slice_from_string(settings_of(s)->path));
    int r = 0;

    /* other files of the folder are not our business */
    if (inotify->len > 0 && !slice_starts_with(slice_from_string(inotify->name), base))
        return 0;
    if (inotify->mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF))
        r = do_without_watch(s, -ENOENT);
    if (r >= 0)
        r = wake(s);
    return r < 0 ? sd_event_exit(sd_event_source_get_event(event_source), r) : 0;
}

static int watch_folder(struct file_source *s)
{
    _cleanup_(freep) char *folder = NULL;
    const char *path = settings_of(s)->path, *slash = strrchr(path, '/');
    int r;

    folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!folder)
        return -ENOMEM;
    r = sd_event_add_inotify(s->event, &s->folder_watch, folder,
                             IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
                                 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
                             on_folder_event, s);
    return r < 0 ? do_without_watch(s, r) : 0;
}

static struct file_place place_of(const struct file_source *s)
{
    struct file_place place = {
        .inode = s->inode,
        .offset = s->start_offset + line_reader_offset(&s->reader),
    };
    struct slice head;

    place.head_len = (uint32_t)MIN((uint64_t)s->head_len, place.offset);
    head = slice_new(s->head, place.head_len);
    hash_id(&head, 1, place.head_id);
    return place;
}

/* Learns the file's first bytes, as far as there are any yet. */
static void learn_head(struct file_source *s)
{
    ssize_t n;

    if (s->head_len == sizeof(s->head) || s->read_offset <= s->head_len)
        return;
    n = pread(s->fd, s->head, (size_t)MIN(s->read_offset, (uint64_t)sizeof(s->head)), 0);
    s->head_len = n > 0 ? (size_t)n : 0;
}

/* Goes over to this file (taken), from offset on. */
static int switch_to(struct file_source *s, int *fd, uint64_t offset)
{
    struct stat st;
    int r;

    if (fstat(*fd, &st) < 0)
        return -errno;
    r = line_reader_restart(&s->reader);
    if (r < 0)
        return r;
    closep(&s->fd);
    s->fd = TAKE_FD(*fd);
    s->device = st.st_dev;
    s->inode = st.st_ino;
    s->next_inode = 0;
    s->start_offset = s->read_offset = offset;
    s->head_len = 0;
    s->is_rotation_seen = s->is_idle = s->is_next_refused = false;
    learn_head(s);
    s->next_watch = sd_event_source_disable_unref(s->next_watch);
    s->file_watch = sd_event_source_disable_unref(s->file_watch);
    if (!settings_of(s)->follow)
        return 0;
    r = sd_event_add_inotify_fd(s->event, &s->file_watch, s->fd, IN_MODIFY | IN_ATTRIB, on_file_event, s);
    return r < 0 ? do_without_watch(s, r) : 0;
}

/* Opens a regular file for reading. -EINVAL: it is none. */
static int open_file(const char *path, int *ret_fd)
{
    _cleanup_(closep) int fd = -1;
    struct stat st;

    /* O_NONBLOCK: a fifo without a writer must not hold the program up */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Behind the last line end: a line that is being written at this moment shall come whole. */
static int find_end(int fd, uint64_t *ret_offset)
{
    _cleanup_(freep) char *tail = NULL;
    struct stat st;
    const char *line_end;
    uint64_t from;
    ssize_t n;

    if (fstat(fd, &st) < 0)
        return -errno;
    tail = malloc(TAIL_BYTES);
    if (!tail)
        return -ENOMEM;
    from = st.st_size > (off_t)TAIL_BYTES ? (uint64_t)st.st_size - TAIL_BYTES : 0;
    n = pread(fd, tail, TAIL_BYTES, (off_t)from);
    if (n < 0)
        return -errno;
    line_end = memrchr(tail, '\n', (size_t)n);
    if (line_end)
        *ret_offset = from + (uint64_t)(line_end - tail) + 1;
    else
        *ret_offset = from > 0 ? from + (uint64_t)n : 0;
    return 0;
}

/* At the end of input that has one. */
static int finish(struct file_source *s)
{
    int r = line_reader_finish(&s->reader);

    if (r < 0)
        return r;
    source_end(&s->base, 0, NULL);
    return 0;
}

/* The next file is there and this one is read to its end: an unfinished line will not be finished. */
static int go_over(struct file_source *s, const char *path)
{
    _cleanup_(closep) int fd = -1;
    int r;

    r = open_file(path, &fd);
    if (r < 0) {
        if (!s->is_next_refused)
            source_report(&s->base, LOG_WARNING, "'%s' was rotated, and the new file cannot be opened: %s",
                          path, strerror(-r));
        s->is_next_refused = s->is_idle = true;
        return settings_of(s)->follow ? 0 : finish(s);
    }
    r = line_reader_finish(&s->reader);
    if (r < 0)
        return r;
    return switch_to(s, &fd, 0);
}

/* The new file is empty: the writer has not gone over to it, and the old one may still grow. */
static int await_next(struct file_source *s, const struct stat *next)
{
    const char *path = settings_of(s)->path;
    struct stat st;
    int r;

    if (next->st_ino != s->next_inode || !s->next_watch) {
        s->next_watch = sd_event_source_disable_unref(s->next_watch);
        s->next_inode = next->st_ino;
        r = sd_event_add_inotify(s->event, &s->next_watch, path, IN_MODIFY | IN_ATTRIB, on_file_event, s);
        if (r < 0 && r != -ENOENT) {
            r = do_without_watch(s, r);
            if (r < 0)
                return r;
        }
    }
    /* idle only if nothing was written before the watch stood */
    s->is_idle = stat(path, &st) < 0 || (st.st_ino == next->st_ino && st.st_size == 0);
    return 0;
}

/* The open file gave its last byte: what now? */
static int at_end(struct file_source *s)
{
    _cleanup_(freep) char *rotated = NULL;
    const char *path = settings_of(s)->path;
    struct stat current, named;
    bool has_name;
    int r;

    has_name = stat(path, &named) == 0;
    if (has_name && s->poll && !s->is_unwatchable) {
        /* back again, perhaps in another folder of the same name; one more look behind the new watch */
        s->poll = sd_event_source_disable_unref(s->poll);
        s->folder_watch = sd_event_source_disable_unref(s->folder_watch);
        return watch_folder(s);
    }
    if (has_name && named.st_ino == s->inode && named.st_dev == s->device) {
        s->is_idle = true;
        return settings_of(s)->follow ? 0 : finish(s);
    }
    if (fstat(s->fd, &current) < 0)
        return -errno;
    r = rotation_find_next(path, &current, &rotated);
    /* a folder that cannot be read (any more) has no rotated files to tell */
    if (r == -ENOMEM)
        return r;
    if (!rotated && !has_name) {
        s->is_idle = true;
        return settings_of(s)->follow ? start_polling(s) : finish(s);
    }
    if (!rotated && named.st_size == 0 && settings_of(s)->follow)
        return await_next(s, &named);
    if (!s->is_rotation_seen) {
        /* what was written before the new file got its first byte is there now */
        s->is_rotation_seen = true;
        return 0;
    }
    return go_over(s, rotated ? rotated : path);
}

static bool is_truncated(const struct file_source *s)
{
    char head[FILE_HEAD_BYTES];
    struct stat st;

    if (fstat(s->fd, &st) < 0)
        return false;
    if ((uint64_t)st.st_size < s->read_offset)
        return true;
    return pread(s->fd, head, s->head_len, 0) == (ssize_t)s->head_len &&
           memcmp(head, s->head, s->head_len) != 0;
}

/* Goes on in a copy of what was there before, else at the new beginning. */
static int follow_truncation(struct file_source *s)
{
    _cleanup_(closep) int fd = -1;
    _cleanup_(freep) char *copy = NULL;
    struct file_place place = place_of(s);
    int r;

    r = rotation_find_place(settings_of(s)->path, &place, s->inode, &fd, &copy);
    if (r == -ENOMEM)
        return r;
    if (r > 0) {
        source_report(&s->base, LOG_NOTICE, "'%s' was truncated: what was not read yet comes from '%s'",
                      settings_of(s)->path, copy);
        return switch_to(s, &fd, place.offset);
    }
    source_report(&s->base, LOG_NOTICE, "'%s' was truncated: reading from its new beginning",
                  settings_of(s)->path);
    r = line_reader_finish(&s->reader);
    if (r < 0)
        return r;
    fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return -errno;
    return switch_to(s, &fd, 0);
}

/* The file that was not there at the start: everything in it is new. */
static int open_late(struct file_source *s)
{
    _cleanup_(closep) int fd = -1;
    int r;

    r = open_file(settings_of(s)->path, &fd);
    if (r < 0) {
        if (r != -ENOENT && !s->is_next_refused) {
            source_report(&s->base, LOG_WARNING, "'%s' cannot be opened: %s", settings_of(s)->path,
                          strerror(-r));
            s->is_next_refused = true;
        }
        s->is_idle = true;
        return 0;
    }
    return switch_to(s, &fd, 0);
}

/* Reads at most one chunk and hands it over. Negative: the program stops. */
static int step(struct file_source *s)
{
    ssize_t n;

    if (s->base.is_paused || s->base.is_ended)
        return 0;
    if (!line_reader_is_empty(&s->reader))
        return MIN(line_reader_feed(&s->reader), 0);
    if (s->fd < 0)
        return open_late(s);
    /* before each read, as bytes and the news of them come in any order */
    if (is_truncated(s))
        return follow_truncation(s);
    n = line_reader_read(&s->reader, s->fd, (off_t)s->read_offset);
    if (n == -EINTR)
        return 0;
    if (n < 0) {
        char message[PATH_MAX + 128];

        (void)snprintf(message, sizeof(message), "'%s' cannot be read: %s", settings_of(s)->path,
                       strerror((int)-n));
        source_end(&s->base, (int)n, message);
        return 0;
    }
    if (n == 0)
        return at_end(s);
    s->read_offset += (uint64_t)n;
    learn_head(s);
    return MIN(line_reader_feed(&s->reader), 0);
}

static int on_turn(sd_event_source *event_source, int fd, uint32_t revents, void *userdata)
{
    struct file_source *s = userdata;
    int r;

    r = step(s);
    if (r >= 0)
        r = update_interest(s);
    return r < 0 ? sd_event_exit(s->event, r) : 0;
}

/* Where the cursor points. 1: there; 0: gone (reported). */
static int resume(struct file_source *s, struct slice cursor)
{
    _cleanup_(closep) int fd = -1;
    _cleanup_(freep) char *found = NULL;
    const char *path = settings_of(s)->path;
    struct file_place place;
    int r;

    if (file_place_from_text(cursor, &place) < 0) {
        source_report(&s->base, LOG_WARNING,
                      "'%s': the saved place '%.*s' cannot be read: from the beginning", path,
                      (int)MIN(cursor.len, (size_t)100), cursor.data);
        return 0;
    }
    r = rotation_find_place(path, &place, 0, &fd, &found);
    if (r == -ENOMEM)
        return r;
    if (r <= 0) {
        source_report(&s->base, LOG_WARNING,
                      "'%s': the file read before is neither there nor beside it: from the beginning, and "
                      "lines written "
                      "in between may be missing",
                      path);
        return 0;
    }
    if (strcmp(found, path) != 0)
        source_report(&s->base, LOG_NOTICE, "'%s' was rotated: going on in '%s'", path, found);
    r = switch_to(s, &fd, place.offset);
    return r < 0 ? r : 1;
}

static int open_first(struct file_source *s, bool is_resumed, struct diag_list *diags)
{
    const struct file_settings *settings = settings_of(s);
    _cleanup_(closep) int fd = -1;
    bool is_at_end =
        settings->start == FILE_START_END || (settings->start == FILE_START_AUTO && settings->follow);
    uint64_t offset = 0;
    int r;

    r = open_file(settings->path, &fd);
    if (r == -ENOENT && settings->follow) {
        source_report(&s->base, LOG_NOTICE, "'%s' is not there yet: waiting for it", settings->path);
        return 0;
    }
    if (r == -EINVAL)
        return diag_add(diags, settings->path, 0, 0,
                        "this is not a regular file: for a pipe or a device use the source stdin");
    if (r < 0)
        return diag_add(diags, settings->path, 0, 0, "the file cannot be opened: %s", strerror(-r));
    if (is_at_end && !is_resumed) {
        r = find_end(fd, &offset);
        if (r < 0)
            return diag_add(diags, settings->path, 0, 0, "the file cannot be read: %s", strerror(-r));
    }
    return switch_to(s, &fd, offset);
}

static int file_start(struct source *source, sd_event *event, struct slice cursor, struct diag_list *diags)
{
    const struct file_settings *settings = source->settings;
    struct file_source *s = downcast(source);
    int r;

    s->fd = -1;
    s->is_started = true;
    s->event = event;
    r = line_reader_init(&s->reader, source, FRAMING_AUTO, settings->line_limit_bytes,
                         settings->trust == 0 ? TRUST_LOW : TRUST_INPUT);
    if (r < 0)
        return r;
    r = turn_new(event, on_turn, s, &s->turn);
    if (r < 0)
        return r;
    /* before the first look, so that nothing happens unseen between both */
    if (settings->follow) {
        r = watch_folder(s);
        if (r < 0)
            return r;
    }
    r = slice_is_absent(cursor) || cursor.len == 0 ? 0 : resume(s, cursor);
    if (r == 0)
        r = open_first(s, cursor.len > 0, diags);
    if (r < 0)
        return r;
    return update_interest(s);
}

static int file_cursor(struct source *source, struct buffer *out)
{
    struct file_source *s = downcast(source);
    struct file_place place;

    if (s->fd < 0)
        return 0;
    place = place_of(s);
    return file_place_to_text(&place, out);
}

static int file_pause(struct source *source, bool is_paused)
{
    return update_interest(downcast(source));
}

static int file_reopen(struct source *source)
{
    return wake(downcast(source));
}

static void file_done(struct source *source)
{
    struct file_source *s = downcast(source);

    (void)sd_event_source_disable_unref(s->turn);
    (void)sd_event_source_disable_unref(s->folder_watch);
    (void)sd_event_source_disable_unref(s->file_watch);
    (void)sd_event_source_disable_unref(s->next_watch);
    (void)sd_event_source_disable_unref(s->poll);
    line_reader_done(&s->reader);
    if (s->is_started)
        closep(&s->fd);
}

const struct source_driver file_source = {
    .name = "file",
    .summary = "reads a log file: whole, or followed over rotation",
    .options = &file_table,
    .struct_size = sizeof(struct file_source),
    .capabilities = SOURCE_CAN_SEEK | SOURCE_ENDS,
    .get_capabilities = file_get_capabilities,
    .start = file_start,
    .cursor = file_cursor,
    .pause = file_pause,
    .reopen = file_reopen,
    .done = file_done,
};
