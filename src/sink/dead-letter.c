/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Dead letters: documents that a destination will never take (too large for the topic, malformed in the
 * broker's eyes). Somebody must be able to find out what they were, why they were refused, and send them
 * again once the reason is gone; so a letter is one line of JSON, the document in it as it was:
 *
 *     jq -c .document dead.ndjson | kcat -P -b BROKER -t hapax.alerts
 *
 * A letter stands on disk before the sink lets go of the document (fdatasync: letters are rare, and this is
 * their last home). The lines are appended; a line that failed half-way (a full disk) is cut off again, so
 * that the file stays one object a line. Two programs must not share the file.
 *
 * This room is below the JSON writer of the alerts, and needs little of it: a flat object of strings. The
 * document is put in as it is where it looks like the one line of JSON that a sink is given, and as a string
 * otherwise, so that a letter is valid JSON whatever it holds.
 */
#include "sink/dead-letter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/files.h"
#include "util/arena.h"
#include "util/parse.h"
#include "util/utf8.h"

/* RFC 8259 section 7: quotes, backslashes and control characters must be escaped. */
static int append_string(struct buffer *b, struct slice s)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    int r;

    r = utf8_sanitize(&arena, s, &s);
    if (r < 0)
        return r;
    r = buffer_append_char(b, '"');
    for (size_t i = 0; r >= 0 && i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];

        if (c < 0x20 || c == '"' || c == '\\')
            r = buffer_append_format(b, "\\u%04x", c);
        else
            r = buffer_append_char(b, (char)c);
    }
    return r < 0 ? r : buffer_append_char(b, '"');
}

static int append_member(struct buffer *b, const char *name, struct slice value)
{
    int r = buffer_append_format(b, ",\"%s\":", name);

    return r < 0 ? r : append_string(b, value);
}

/* What a sink is given: one object on one line. That it is JSON within is its writer's promise. */
static bool is_object(struct slice s)
{
    if (s.len < 2 || s.data[0] != '{' || s.data[s.len - 1] != '}' || !utf8_is_valid(s))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] < 0x20)
            return false;
    return true;
}

static int append_document(struct buffer *b, struct slice document)
{
    int r = buffer_append_format(b, ",\"document\":");

    if (r < 0)
        return r;
    return is_object(document) ? buffer_append_slice(b, document) : append_string(b, document);
}

int dead_letter_format(const struct dead_letter *letter, bool with_document, struct buffer *b)
{
    const struct {
        const char *name;
        struct slice value;
    } members[] = {
        {"sink", slice_from_string(letter->sink)},
        {"topic", slice_from_string(letter->topic)},
        {"id", letter->id},
        {"key", letter->key},
        {"error", slice_from_string(letter->error)},
        {"reason", slice_from_string(letter->reason)},
    };
    char time[TIMESTAMP_SIZE];
    int r;

    format_timestamp(letter->time_usec, time);
    r = buffer_append_format(b, "{\"@timestamp\":\"%s\"", time);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(members); i++)
        if (members[i].value.len > 0)
            r = append_member(b, members[i].name, members[i].value);
    if (r >= 0)
        r = buffer_append_format(b, ",\"bytes\":%zu", letter->document.len);
    if (r >= 0 && with_document)
        r = append_document(b, letter->document);
    return r < 0 ? r : buffer_append_char(b, '}');
}

int dead_letter_file_open(struct dead_letter_file *file)
{
    _cleanup_(closep) int fd = -1;
    struct stat st;

    /* not blocking: a FIFO without a reader fails, rather than stop the program */
    fd = open(file->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    dead_letter_file_close(file);
    file->fd = TAKE_FD(fd);
    return 0;
}

int dead_letter_file_append(struct dead_letter_file *file, const struct dead_letter *letter)
{
    _cleanup_(buffer_done) struct buffer line = BUFFER_INIT;
    struct stat st;
    char last = '\n';
    int r = 0;

    if (file->fd < 0)
        r = dead_letter_file_open(file);
    if (r < 0)
        return r;
    if (fstat(file->fd, &st) < 0)
        return -errno;
    /* a line that a crash cut off stays a line of its own */
    if (st.st_size > 0 && pread(file->fd, &last, 1, st.st_size - 1) == 1 && last != '\n')
        r = buffer_append_char(&line, '\n');
    if (r >= 0)
        r = dead_letter_format(letter, true, &line);
    if (r >= 0)
        r = buffer_append_char(&line, '\n');
    if (r < 0)
        return r;
    r = file_write_all(file->fd, buffer_slice(&line));
    if (r >= 0 && fdatasync(file->fd) < 0)
        r = -errno;
    if (r < 0 && ftruncate(file->fd, st.st_size) < 0)
        return r;
    return r;
}

void dead_letter_file_close(struct dead_letter_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
}
