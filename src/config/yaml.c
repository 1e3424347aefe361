/* SPDX-License-Identifier: Apache-2.0 */

/*
 * YAML into entries, through libyaml's events: the parser hands over one scalar or bracket at a time with its
 * place, and a small stack of open mappings and sequences turns them into dotted paths. Nothing of the
 * document is held but the entries, and nothing recurses.
 *
 * What YAML allows and a configuration has no use for is refused, because it hides mistakes or lets a small
 * file grow: aliases (a "billion laughs" file is all aliases), keys that are not words, a second document.
 * Tags are ignored: the option table knows the type. A plain null is "no value".
 *
 * A mistake of the user does not stop the reading: the value is left out, the rest is read. Four things do:
 * what libyaml cannot parse (it cannot go on), nesting beyond MAX_DEPTH (libyaml's own cost grows with the
 * square of the depth of brackets), a file beyond MAX_FILE_BYTES, and running out of memory.
 */
#include "config/entries.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/types.h>

#include <yaml.h>

#include "util/buffer.h"

/* chosen: the deepest path of hapax has five levels */
#define MAX_DEPTH 16U
/* chosen: 10,000 exceptions of 400 bytes; the largest configuration anyone writes by hand is some ten KiB */
#define MAX_FILE_BYTES (4U << 20)

/* libyaml compares each tag directive with all before it: 60,000 of them in 1 MiB took 5 s (measured
 * 2026-08). chosen: nobody needs one, since tags are ignored */
#define MAX_TAG_DIRECTIVES 16U

/* An open mapping or sequence. */
struct frame {
    bool is_sequence;
    bool has_key;     /* mapping: the next event is the value of a key */
    bool is_refused;  /* what follows as value was refused with its key */
    size_t path_len;  /* of the container itself */
    size_t index;     /* sequence: of the next item */
    struct place key; /* of the last key */
};

struct reader {
    struct config *config;
    const char *file;
    struct diag_list *diags;
    struct buffer path; /* with a NUL behind its end, see set_path */
    struct frame frames[MAX_DEPTH];
    size_t depth;
    size_t n_skipped; /* open brackets of a value that is left out */
    bool has_document;
    bool is_bad;  /* something went to diags */
    bool is_over; /* and reading cannot go on */
};

static struct place place_of(yaml_mark_t mark)
{
    return (struct place){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static _printf_(3, 4) void refuse(struct reader *reader, struct place place, const char *format, ...)
{
    _cleanup_(freep) char *message = NULL;
    va_list ap;

    reader->is_bad = true;
    va_start(ap, format);
    if (vasprintf(&message, format, ap) < 0)
        message = NULL; /* is_bad alone makes the load fail */
    va_end(ap);
    (void)diag_add(reader->diags, reader->file, place.line, place.column, "%s",
                   message ? message : "refused");
}

static struct frame *top(struct reader *reader)
{
    return reader->depth > 0 ? &reader->frames[reader->depth - 1] : NULL;
}

/* The path becomes its first parent_len bytes, a dot and name. 1: too long. */
static int set_path(struct reader *reader, size_t parent_len, struct slice name)
{
    int r;

    if (parent_len + 1 + name.len > PATH_MAX_BYTES)
        return 1;
    reader->path.len = parent_len;
    r = parent_len > 0 ? buffer_append_char(&reader->path, '.') : 0;
    if (r >= 0)
        r = buffer_append_slice(&reader->path, name);
    if (r >= 0)
        r = buffer_append_char(&reader->path, '\0');
    if (r < 0)
        return r;
    reader->path.len--;
    return 0;
}

static int read_key(struct reader *reader, struct frame *frame, const yaml_event_t *event)
{
    struct slice key = slice_new((const char *)event->data.scalar.value, event->data.scalar.length);
    struct place place = place_of(event->start_mark);
    int r;

    frame->has_key = true;
    frame->is_refused = true;
    frame->key = place;
    if (!path_is_valid(key)) {
        refuse(reader, place, "bad key '%.80s', expected words separated by single dots", key.data);
        return 0;
    }
    r = set_path(reader, frame->path_len, key);
    if (r < 0)
        return r;
    if (r > 0) {
        refuse(reader, place,
               "key '%.80s...' is too long, expected at most %u bytes with what stands above it", key.data,
               PATH_MAX_BYTES);
        return 0;
    }
    frame->is_refused = false;
    return 0;
}

/* Before a value: its path and whether it is wanted. In a mapping the key has done this. */
static int begin_value(struct reader *reader, bool *ret_is_wanted)
{
    struct frame *frame = top(reader);
    char digits[24];
    int n, r;

    if (!frame || !frame->is_sequence) {
        *ret_is_wanted = !frame || !frame->is_refused;
        return 0;
    }
    n = snprintf(digits, sizeof(digits), "%zu", frame->index++);
    r = set_path(reader, frame->path_len, slice_new(digits, (size_t)n));
    if (r < 0)
        return r;
    *ret_is_wanted = r == 0;
    if (r > 0)
        refuse(reader, frame->key, "the list is nested too deep, expected paths of at most %u bytes",
               PATH_MAX_BYTES);
    return 0;
}

static void end_value(struct reader *reader)
{
    struct frame *frame = top(reader);

    if (frame)
        frame->has_key = false;
}

static int add(struct reader *reader, const yaml_event_t *event, enum entry_kind kind, char *text)
{
    const struct frame *frame = top(reader);
    struct place value = place_of(event->start_mark);
    struct entry entry = {
        .path = reader->path.data,
        .kind = kind,
        .text = text,
        .file = reader->file,
        .key = frame && !frame->is_sequence ? frame->key : value,
        .value = value,
    };
    int r = config_add(reader->config, &entry, reader->diags);

    if (r > 0) {
        reader->is_bad = true;
        return 0;
    }
    return r;
}

static bool is_null(const yaml_event_t *event)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"}; /* YAML 1.2.2 section 10.3.2 */
    struct slice text = slice_new((const char *)event->data.scalar.value, event->data.scalar.length);

    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (slice_equal_string(text, words[i]))
            return true;
    return false;
}

static int read_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct slice text = slice_new((const char *)event->data.scalar.value, event->data.scalar.length);
    struct frame *frame = top(reader);
    bool is_wanted;
    int r;

    if (frame && !frame->is_sequence && !frame->has_key)
        return read_key(reader, frame, event);
    r = begin_value(reader, &is_wanted);
    if (r < 0)
        return r;
    if (!frame) {
        if (!is_null(event))
            refuse(reader, place_of(event->start_mark), "the file holds a single value, expected keys");
    } else if (is_wanted) {
        if (is_null(event))
            r = add(reader, event, ENTRY_NULL, NULL);
        else if (slice_find(text, '\0') < text.len)
            refuse(reader, place_of(event->start_mark), "the value of '%s' holds a NUL byte",
                   reader->path.data);
        else
            r = add(reader, event, ENTRY_SCALAR, (char *)event->data.scalar.value);
    }
    end_value(reader);
    return r;
}

static void read_alias(struct reader *reader, const yaml_event_t *event)
{
    struct frame *frame = top(reader);

    refuse(reader, place_of(event->start_mark),
           "aliases such as '*%.80s' are not supported, write the value out",
           (const char *)event->data.alias.anchor);
    if (frame && !frame->is_sequence && !frame->has_key) {
        frame->has_key = true;
        frame->is_refused = true;
        return;
    }
    if (frame && frame->is_sequence)
        frame->index++;
    end_value(reader);
}

static int open_container(struct reader *reader, const yaml_event_t *event, bool is_sequence)
{
    struct place place = place_of(event->start_mark);
    struct frame *frame = top(reader);
    bool is_wanted;
    int r;

    if (reader->depth + reader->n_skipped >= MAX_DEPTH) {
        refuse(reader, place, "nested too deep, expected at most %u levels", MAX_DEPTH);
        reader->is_over = true;
        return 0;
    }
    if (frame && !frame->is_sequence && !frame->has_key) {
        refuse(reader, place, "a %s cannot be a key, expected a word", is_sequence ? "list" : "mapping");
        reader->n_skipped = 1;
        return 0;
    }
    if (!frame && is_sequence) {
        refuse(reader, place, "the file holds a list, expected keys");
        reader->n_skipped = 1;
        return 0;
    }
    r = begin_value(reader, &is_wanted);
    if (r < 0)
        return r;
    if (!is_wanted) {
        reader->n_skipped = 1;
        return 0;
    }
    if (frame) {
        r = add(reader, event, is_sequence ? ENTRY_SEQUENCE : ENTRY_MAPPING, NULL);
        if (r < 0)
            return r;
    }
    reader->frames[reader->depth++] =
        (struct frame){.is_sequence = is_sequence, .path_len = reader->path.len, .key = place};
    return 0;
}

static void close_container(struct reader *reader)
{
    struct frame *frame;

    if (reader->n_skipped > 0) {
        if (--reader->n_skipped > 0)
            return;
        frame = top(reader);
        /* a refused key: its value is still to come, and is left out with it */
        if (frame && !frame->is_sequence && !frame->has_key) {
            frame->has_key = true;
            frame->is_refused = true;
            return;
        }
    } else
        reader->depth--;
    end_value(reader);
}

static int read_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reader->has_document) {
            refuse(reader, place_of(event->start_mark), "a second document begins here, expected one");
            reader->is_over = true;
        }
        reader->has_document = true;
        return 0;
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        if (reader->n_skipped == 0)
            return open_container(reader, event, event->type == YAML_SEQUENCE_START_EVENT);
        if (reader->depth + ++reader->n_skipped > MAX_DEPTH) {
            refuse(reader, place_of(event->start_mark), "nested too deep, expected at most %u levels",
                   MAX_DEPTH);
            reader->is_over = true;
        }
        return 0;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        close_container(reader);
        return 0;
    case YAML_SCALAR_EVENT:
        return reader->n_skipped > 0 ? 0 : read_scalar(reader, event);
    case YAML_ALIAS_EVENT:
        if (reader->n_skipped == 0)
            read_alias(reader, event);
        return 0;
    case YAML_STREAM_END_EVENT:
        reader->is_over = true;
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return 0;
    }
    return 0;
}

static bool is_indented_by_tab(struct slice text, unsigned line)
{
    size_t at;

    for (unsigned i = 1; i < line && text.len > 0; i++)
        text = slice_skip(text, MIN(slice_find(text, '\n') + 1, text.len));
    for (at = 0; at < text.len && text.data[at] == ' '; at++)
        ;
    return at < text.len && text.data[at] == '\t';
}

/* libyaml's own problem; its reader (bad UTF-8, control bytes) gives an offset in bytes instead of a mark. */
static int report_parser(struct reader *reader, const yaml_parser_t *parser, struct slice text)
{
    struct place place = place_of(parser->problem_mark);

    reader->is_over = true;
    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (parser->error == YAML_READER_ERROR) {
        struct slice before = slice_head(text, parser->problem_offset);

        place = (struct place){1, 1};
        for (size_t i = 0; i < before.len; i++) {
            if (before.data[i] == '\n')
                place = (struct place){place.line + 1, 1};
            else if (((unsigned char)before.data[i] & 0xc0) != 0x80) /* libyaml counts characters */
                place.column++;
        }
        if (parser->problem_value >= 0)
            refuse(reader, place, "not YAML: %s (0x%02x)", parser->problem, (unsigned)parser->problem_value);
        else
            refuse(reader, place, "not YAML: %s", parser->problem);
        return 0;
    }
    if (is_indented_by_tab(text, place.line)) /* libyaml calls it a character that cannot start any token */
        refuse(reader, place, "not YAML: the line is indented by a tab, expected blanks");
    else if (parser->context)
        refuse(reader, place, "not YAML: %s, %s that begins in line %u", parser->problem, parser->context,
               place_of(parser->context_mark).line);
    else
        refuse(reader, place, "not YAML: %s", parser->problem);
    return 0;
}

static bool has_many_tag_directives(struct slice text)
{
    const struct slice directive = SLICE("%TAG");
    size_t n = 0;

    for (size_t i; (i = slice_find_slice(text, directive)) < text.len;
         text = slice_skip(text, i + directive.len))
        if (++n > MAX_TAG_DIRECTIVES)
            return true;
    return false;
}

static int read_text(struct reader *reader, yaml_parser_t *parser, struct slice text)
{
    const struct slice mark = SLICE("\xef\xbb\xbf");
    yaml_event_t event;
    int r = 0;

    /* what editors of other systems put in front; libyaml would take it for a column of indentation */
    if (slice_starts_with(text, mark))
        text = slice_skip(text, mark.len);
    /* said, not guessed: a byte order mark would make it UTF-16, whose offsets are not those of the file */
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, (const unsigned char *)(text.len > 0 ? text.data : ""), text.len);
    while (r >= 0 && !reader->is_over) {
        if (!yaml_parser_parse(parser, &event)) {
            r = report_parser(reader, parser, text);
            break;
        }
        r = read_event(reader, &event);
        yaml_event_delete(&event);
    }
    return r;
}

int config_load_text(struct config *config, struct slice text, const char *file, struct diag_list *diags)
{
    struct reader reader = {.config = config, .diags = diags};
    yaml_parser_t parser;
    int r = config_intern_file(config, file, &reader.file);

    if (r < 0)
        return r;
    if (text.len > MAX_FILE_BYTES)
        return diag_add(diags, file, 0, 0, "the file is too large, expected at most %u bytes",
                        MAX_FILE_BYTES);
    if (has_many_tag_directives(text))
        return diag_add(diags, file, 1, 1, "more than %u tag directives, expected none", MAX_TAG_DIRECTIVES);
    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    r = read_text(&reader, &parser, text);
    yaml_parser_delete(&parser);
    buffer_done(&reader.path);
    if (r < 0)
        return r;
    return reader.is_bad ? -EINVAL : 0;
}

int config_load_file(struct config *config, const char *path, struct diag_list *diags)
{
    _cleanup_(buffer_done) struct buffer text = BUFFER_INIT;
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n;
    int r;

    if (fd < 0)
        return diag_add(diags, path, 0, 0, "cannot open the file: %s", strerror(errno));
    /* one byte more than allowed tells "too large"; read until the end rather than by st_size, so that a pipe
     * works */
    while (text.len <= MAX_FILE_BYTES) {
        r = buffer_reserve(&text, 64U * 1024);
        if (r < 0)
            return r;
        n = read(fd, text.data + text.len, 64U * 1024);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return diag_add(diags, path, 0, 0, "cannot read the file: %s", strerror(errno));
        if (n == 0)
            break;
        text.len += (size_t)n;
    }
    return config_load_text(config, buffer_slice(&text), path, diags);
}
