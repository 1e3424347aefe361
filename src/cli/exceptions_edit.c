/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax exceptions add, expire: edits a person could have made. The file is text with comments that somebody
 * wrote, so it is changed line by line and never rewritten from what was parsed: add inserts an item behind
 * the last one, expire changes or inserts one line. What comes out is tried as a whole set before it is
 * written; then a temporary file in the same folder takes the old one's mode and owner, is synced, and is
 * renamed over it. A layout that cannot be edited this way (items in braces) is refused with a word on what
 * to do.
 */
#include "cli/exceptions.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files/files.h"
#include "util/buffer.h"
#include "util/parse.h"
#include "util/utf8.h"

/* as config/yaml.c takes it */
#define FILE_BYTES_MAX (4U << 20)

static int read_file(const char *path, struct diag_list *diags, struct buffer *out)
{
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    int r;

    if (fd < 0)
        return diag_add(diags, path, 0, 0, "cannot read: %s", strerror(errno));
    do {
        r = buffer_reserve(out, 65536);
        if (r < 0)
            return r;
        n = read(fd, out->data + out->len, 65536);
        if (n < 0 || out->len + (size_t)n > FILE_BYTES_MAX)
            return diag_add(diags, path, 0, 0, "cannot read: %s",
                            n < 0 ? strerror(errno) : "larger than 4 MiB");
        out->len += (size_t)n;
    } while (n > 0);
    return 0;
}

/* Replaces the file, or makes it. A link is followed: the file it names is replaced. */
static int write_file(const char *path, struct slice bytes)
{
    _cleanup_(freep) char *real = realpath(path, NULL), *temporary = NULL;
    _cleanup_(closep) int fd = -1;
    struct stat status;
    int r = 0;

    if (!real && !(real = strdup(path)))
        return -ENOMEM;
    if (asprintf(&temporary, "%s.XXXXXX", real) < 0) {
        temporary = NULL;
        return -ENOMEM;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (stat(real, &status) == 0) {
        /* not being root, it is the caller's own file or gets to be */
        (void)!fchown(fd, status.st_uid, status.st_gid);
        r = fchmod(fd, status.st_mode & 07777) < 0 ? -errno : 0;
    } else {
        r = fchmod(fd, 0644) < 0 ? -errno : 0;
    }
    if (r >= 0)
        r = file_write_all(fd, bytes);
    if (r >= 0 && (fsync(fd) < 0 || rename(temporary, real) < 0))
        r = -errno;
    if (r < 0)
        (void)unlink(temporary);
    return r < 0 ? r : file_sync_folder(real);
}

/* Tries the text as part of the whole, then writes it. The exit code. shown: what is new in it. */
static int try_and_write(struct exceptions_command *c, const char *path, const char *file, struct slice text,
                         const char *id, const char *done, struct slice shown)
{
    _cleanup_(exception_set_freep) struct exception_set *set = NULL;
    struct diag_list *diags = &c->setup.diags;
    int r = exception_set_try(path, file, text, diags, &set);

    if (r >= 0 && !exception_set_find_id(set, id))
        r = diag_add(
            diags, file, 0, 0,
            "the file is laid out in a way this command cannot edit, expected one item a line; edit it "
            "by hand");
    if (r >= 0) {
        r = write_file(file, text);
        if (r < 0)
            (void)diag_add(diags, file, 0, 0, "cannot write: %s", strerror(-r));
    }
    if (r < 0) {
        (void)setup_report(&c->setup, c->command->name, r);
        if (!set && diags->n > 0)
            (void)fprintf(stderr,
                          "hapax exceptions: nothing was written; lines are those of %s as it would be\n",
                          file);
        return EXIT_FAILURE;
    }
    printf("%s: exception '%s' %s\n%.*s", file, id, done, SLICE_FMT(shown));
    if (exception_set_find_id(set, id)->expires_usec <= (int64_t)time(NULL) * USEC_PER_SEC && shown.len > 0)
        (void)fprintf(stderr, "hapax exceptions: '%s' has expired already: it holds for events of before\n",
                      id);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A double-quoted scalar, or the plain word where nothing can go wrong with it. */
static int append_scalar(struct buffer *out, struct slice text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-";
    bool is_plain = text.len > 0 && text.data[0] != '-' && text.data[0] != '.' &&
                    !slice_equal_string(text, "null") && !slice_equal_string(text, "Null") &&
                    !slice_equal_string(text, "NULL");
    int r = 0;

    for (size_t i = 0; i < text.len && is_plain; i++)
        is_plain = text.data[i] != '\0' && strchr(plain, text.data[i]);
    if (is_plain)
        return buffer_append_slice(out, text);
    r = buffer_append_char(out, '"');
    while (r >= 0 && text.len > 0) {
        struct slice bytes;
        uint32_t code = utf8_take(&text, &bytes);

        if (code == '"' || code == '\\')
            r = buffer_append_format(out, "\\%c", (int)code);
        else if (utf8_is_plain(code) || code == UTF8_NONE) /* the reader refuses what is no text */
            r = buffer_append_slice(out, bytes);
        else if (code <= 0xff)
            r = buffer_append_format(out, "\\x%02x", code);
        else
            r = buffer_append_format(out, code <= 0xffff ? "\\u%04x" : "\\U%08x", code);
    }
    return r < 0 ? r : buffer_append_char(out, '"');
}

static int append_member(struct buffer *out, const char *indent, const char *key, const char *value)
{
    int r = value ? buffer_append_format(out, "%s  %s: ", indent, key) : 0;

    if (r >= 0 && value)
        r = append_scalar(out, slice_from_string(value));
    return r < 0 || !value ? r : buffer_append_char(out, '\n');
}

/* "a,b" as [a, b]; a single value as it is. */
static int append_values(struct buffer *out, struct slice values)
{
    bool is_list = slice_find(values, ',') < values.len;
    int r = is_list ? buffer_append_char(out, '[') : 0;

    for (size_t n = 0; r >= 0; n++) {
        size_t at = is_list ? slice_find(values, ',') : values.len;

        if (n > 0)
            r = buffer_append_slice(out, SLICE(", "));
        if (r >= 0)
            r = append_scalar(out, slice_head(values, at));
        if (at >= values.len)
            break;
        values = slice_skip(values, at + 1);
    }
    return r < 0 || !is_list ? r : buffer_append_char(out, ']');
}

/* "host.name.glob=web-*" as "host.name: {glob: "web-*"}" */
static int append_match(struct buffer *out, const char *indent, const char *text)
{
    static const char *const operators[] = {".glob", ".cidr", ".exists", ".one_of", ".equals"};
    struct slice all = slice_from_string(text), field = slice_head(all, slice_find(all, '='));
    struct slice values = slice_skip(all, MIN(field.len + 1, all.len));
    const char *found = NULL;
    bool is_whole; /* commas and all */
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(operators) && !found; i++)
        if (slice_ends_with(field, slice_from_string(operators[i])))
            found = operators[i];
    if (found)
        field.len -= strlen(found);
    is_whole = found && strcmp(found, ".equals") == 0;
    r = buffer_append_format(out, "%s    %.*s: ", indent, SLICE_FMT(field));
    if (r >= 0 && found)
        r = buffer_append_format(out, "{%s: ", found + 1);
    if (r >= 0)
        r = is_whole ? append_scalar(out, values) : append_values(out, values);
    return r < 0 ? r : buffer_append_format(out, "%s\n", found ? "}" : "");
}

static int append_section(struct buffer *out, const char *indent, const char *name,
                          const struct string_list *list)
{
    int r = list->n > 0 ? buffer_append_format(out, "%s  %s:\n", indent, name) : 0;

    for (size_t i = 0; r >= 0 && i < list->n; i++) {
        struct slice all = slice_from_string(list->items[i]), key = slice_head(all, slice_find(all, '='));

        r = buffer_append_format(out, "%s    ", indent);
        if (r >= 0)
            r = buffer_append_slice(out, key);
        if (r >= 0)
            r = buffer_append_slice(out, SLICE(": "));
        if (r >= 0)
            r = append_scalar(out, slice_skip(all, MIN(key.len + 1, all.len)));
        if (r >= 0)
            r = buffer_append_char(out, '\n');
    }
    return r;
}

static int append_item(const struct exceptions_command *c, const char *indent, struct buffer *out)
{
    int r = buffer_append_format(out, "%s- id: ", indent);

    if (r >= 0)
        r = append_scalar(out, slice_from_string(c->id));
    if (r >= 0)
        r = buffer_append_char(out, '\n');
    if (r >= 0)
        r = append_member(out, indent, "reason", c->reason);
    if (r >= 0)
        r = append_member(out, indent, "owner", c->owner);
    if (r >= 0)
        r = append_member(out, indent, "ticket", c->ticket);
    if (r >= 0)
        r = append_member(out, indent, "effect", c->effect);
    if (r >= 0)
        r = append_member(out, indent, "starts", c->starts);
    if (r >= 0)
        r = append_member(out, indent, "expires", c->expires);
    if (r >= 0 && c->jobs.n > 0)
        r = buffer_append_format(out, "%s  jobs:\n", indent);
    for (size_t i = 0; r >= 0 && i < c->jobs.n; i++) {
        r = buffer_append_format(out, "%s  - ", indent);
        if (r >= 0)
            r = append_scalar(out, slice_from_string(c->jobs.items[i]));
        if (r >= 0)
            r = buffer_append_char(out, '\n');
    }
    if (r >= 0 && c->matches.n > 0)
        r = buffer_append_format(out, "%s  match:\n", indent);
    for (size_t i = 0; r >= 0 && i < c->matches.n; i++)
        r = append_match(out, indent, c->matches.items[i]);
    return r < 0 ? r : append_section(out, indent, "schedule", &c->schedule);
}

static struct slice line_at(struct slice text, size_t at)
{
    struct slice rest = slice_skip(text, at);
    size_t n = slice_find(rest, '\n');

    return slice_head(rest, MIN(n + 1, rest.len)); /* with its end */
}

static bool is_key_line(struct slice line)
{
    struct slice trimmed = slice_trim(line);

    return trimmed.len > 0 && line.data[0] != ' ' && line.data[0] != '\t' && line.data[0] != '#' &&
           line.data[0] != '-';
}

/* Where the items of a text stand. */
struct place {
    size_t insert;  /* a new item goes here */
    size_t n_taken; /* bytes there that it takes the place of: an empty list in the line of its key */
    bool has_key;
    char indent[16];
};

/* What stands for none behind "exceptions:". */
static bool is_empty_list(struct slice value)
{
    return slice_equal(value, SLICE("[]")) || slice_equal(value, SLICE("~")) ||
           slice_equal(value, SLICE("null"));
}

/* 0; 1: "exceptions" has its value in its own line. */
static int find_place(struct slice text, struct place *ret_place)
{
    struct place place = {.insert = text.len};
    size_t at = 0, behind = 0;
    bool has_item = false;

    while (at < text.len && !place.has_key) {
        struct slice line = line_at(text, at), rest = slice_trim(line);

        at += line.len;
        if (!slice_starts_with(line, SLICE("exceptions:")))
            continue;
        rest = slice_trim(slice_skip(rest, MIN(sizeof("exceptions:") - 1, rest.len)));
        place.has_key = true;
        behind = at;
        if (rest.len == 0 || rest.data[0] == '#')
            continue;
        if (!is_empty_list(rest))
            return 1;
        ret_place->has_key = false;
        ret_place->insert = at - line.len;
        ret_place->n_taken = line.len;
        return 0;
    }
    while (place.has_key && at < text.len) {
        struct slice line = line_at(text, at);
        size_t blanks = 0;

        if (is_key_line(line) || slice_starts_with(line, SLICE("---")))
            break;
        at += line.len;
        while (blanks < line.len && line.data[blanks] == ' ')
            blanks++;
        if (!has_item && blanks < line.len && line.data[blanks] == '-' && blanks < sizeof(place.indent)) {
            memset(place.indent, ' ', blanks);
            has_item = true;
        }
        /* blank lines and comments in front of the next key stay with it */
        if (slice_trim(line).len > 0 && line.data[0] != '#')
            behind = at;
    }
    if (place.has_key)
        place.insert = behind;
    *ret_place = place;
    return 0;
}

/* The text with the new item in it. 1: its layout does not allow for that. */
static int insert_item(const struct exceptions_command *c, struct slice text, struct buffer *out)
{
    struct place place = {0};
    int r = find_place(text, &place);

    if (r > 0)
        return r;
    r = buffer_append_slice(out, slice_head(text, place.insert));
    if (r >= 0 && out->len > 0 && out->data[out->len - 1] != '\n')
        r = buffer_append_char(out, '\n');
    if (r >= 0 && !place.has_key)
        r = buffer_append_format(out, "%sexceptions:\n", out->len > 0 && place.n_taken == 0 ? "\n" : "");
    if (r >= 0)
        r = append_item(c, place.indent, out);
    return r < 0 ? r : buffer_append_slice(out, slice_skip(text, place.insert + place.n_taken));
}

int exceptions_add(struct exceptions_command *c)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, edited = BUFFER_INIT, item = BUFFER_INIT;
    _cleanup_(freep) char *file = NULL;
    const char *path = c->path ? c->path : HAPAX_SYSCONFDIR "/exceptions.yaml";
    struct diag_list *diags = &c->setup.diags;
    struct stat status;
    int r = 0;

    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        r = asprintf(&file, "%s/%s.yaml", path, c->id) < 0 ? -ENOMEM : 0;
    else
        r = (file = strdup(path)) ? 0 : -ENOMEM;
    if (r >= 0 && access(file, F_OK) == 0)
        r = read_file(file, diags, &text);
    if (r >= 0)
        r = insert_item(c, buffer_slice(&text), &edited);
    if (r > 0)
        r = diag_add(
            diags, file, 0, 0,
            "the exceptions stand in the line of their key, expected a list with one item a line; edit "
            "it by hand");
    if (r < 0)
        return setup_report(&c->setup, c->command->name, r);
    r = append_item(c, "  ", &item);
    if (r < 0)
        return setup_report(&c->setup, c->command->name, r);
    return try_and_write(c, path, file, buffer_slice(&edited), c->id, "added", buffer_slice(&item));
}

/* The offset of a line, from 1. */
static size_t line_offset(struct slice text, unsigned line)
{
    size_t at = 0;

    for (unsigned i = 1; i < line && at < text.len; i++)
        at += line_at(text, at).len;
    return at;
}

/* The offset of the first byte behind blanks and "- ". */
static size_t key_offset(struct slice line)
{
    size_t at = 0;

    while (at < line.len && (line.data[at] == ' ' || line.data[at] == '-'))
        at++;
    return at;
}

/* The text with the expiry in it. 1: the layout does not allow for that. */
static int edit_expiry(const struct exception *e, struct slice text, const char *expires, struct buffer *out)
{
    bool is_there = e->expires_line > 0;
    size_t at = line_offset(text, is_there ? e->expires_line : e->line);
    struct slice line = line_at(text, at), key = SLICE("id:"), comment;
    size_t offset = key_offset(line);
    int r;

    if (is_there)
        key = SLICE("expires:");
    if (!slice_starts_with(slice_skip(line, offset), key))
        return 1;
    comment = slice_skip(line, MIN(slice_find_slice(line, SLICE(" #")), line.len));
    r = buffer_append_slice(out, slice_head(text, is_there ? at : at + line.len));
    if (r >= 0 && out->len > 0 && out->data[out->len - 1] != '\n')
        r = buffer_append_char(out, '\n');
    if (r >= 0 && is_there)
        r = buffer_append_slice(out, slice_head(line, offset));
    else if (r >= 0)
        r = buffer_append_format(out, "%*s", (int)offset, "");
    if (r >= 0)
        r = buffer_append_format(out, "expires: %s", expires);
    if (r >= 0 && is_there && comment.len > 0)
        r = buffer_append_slice(out, comment);
    else if (r >= 0)
        r = buffer_append_char(out, '\n');
    return r < 0 ? r : buffer_append_slice(out, slice_skip(text, at + line.len));
}

int exceptions_expire(struct exceptions_command *c, const char *id)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT, edited = BUFFER_INIT;
    const struct exception *e = c->setup.exceptions ? exception_set_find_id(c->setup.exceptions, id) : NULL;
    struct diag_list *diags = &c->setup.diags;
    int64_t now_usec = (int64_t)time(NULL) * USEC_PER_SEC;
    char now[TIMESTAMP_SIZE], done[80];
    int r;

    if (!e) {
        (void)diag_add(diags, c->path, 0, 0,
                       "there is no exception '%.80s', 'hapax exceptions list' shows them", id);
        return setup_report(&c->setup, c->command->name, -ENOENT);
    }
    format_timestamp(now_usec, now);
    if (!c->expires && now_usec < e->starts_usec) {
        char starts[TIMESTAMP_SIZE];

        format_timestamp(e->starts_usec, starts);
        (void)diag_add(
            diags, e->file, e->line, e->column,
            "exception '%s' starts at %s only, expected an --expires behind that, or take it out by "
            "hand",
            id, starts);
        return setup_report(&c->setup, c->command->name, -EINVAL);
    }
    if (!c->expires && now_usec >= e->expires_usec) {
        format_timestamp(e->expires_usec, now);
        printf("%s: exception '%s' has expired already, at %s\n", e->file, id, now);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    r = read_file(e->file, diags, &text);
    if (r >= 0)
        r = edit_expiry(e, buffer_slice(&text), c->expires ? c->expires : now, &edited);
    if (r > 0)
        r = diag_add(
            diags, e->file, e->line, e->column,
            "the exception is laid out in a way this command cannot edit, expected one key a line; edit "
            "it by hand");
    if (r < 0)
        return setup_report(&c->setup, c->command->name, r);
    (void)snprintf(done, sizeof(done), "expires at %.60s", c->expires ? c->expires : now);
    return try_and_write(c, c->path, e->file, buffer_slice(&edited), id, done, SLICE(""));
}
