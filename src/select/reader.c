/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What jobs, the tool catalogue and exceptions have in common as files: keys are taken through option tables,
 * lists of mappings, which a table cannot say, are read item by item, and a mistake is told with its place
 * and does not end the reading, so that one run shows all of them.
 */
#include "select/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reader_refuse_list(struct reader *reader, const char *path, const char *format, va_list ap)
{
    _cleanup_(freep) char *message = NULL;
    const char *file;
    unsigned line, column;

    reader->is_bad = true;
    if (vasprintf(&message, format, ap) < 0)
        message = NULL;
    config_place(reader->config, path, &file, &line, &column);
    (void)diag_add(reader->diags, file ? file : reader->file, line, column, "%s",
                   message ? message : "refused");
}

void reader_refuse(struct reader *reader, const char *path, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    reader_refuse_list(reader, path, format, ap);
    va_end(ap);
}

int reader_outcome(struct reader *reader, int r, size_t n_before)
{
    if (r < 0 && diag_list_count(reader->diags) == n_before)
        return r;
    reader->is_bad = reader->is_bad || r < 0;
    return 0;
}

int reader_apply(struct reader *reader, const char *prefix, const struct option_table *table, void *settings)
{
    size_t n = diag_list_count(reader->diags);

    return reader_outcome(reader, config_apply(reader->config, prefix, table, settings, reader->diags), n);
}

bool reader_is_index(const char *name)
{
    return name[strspn(name, "0123456789")] == '\0';
}

int reader_children(struct reader *reader, const char *path, char ***ret_names, size_t *ret_n)
{
    char **names;
    size_t n = 0;
    int r = config_children(reader->config, path, &names);

    if (r < 0)
        return r;
    while (names[n])
        n++;
    *ret_names = names;
    *ret_n = n;
    return 0;
}

int reader_items(struct reader *reader, const char *path, char ***ret_names, size_t *ret_n)
{
    char **names;
    size_t n;
    int r = reader_children(reader, path, &names, &n);

    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        if (!reader_is_index(names[i])) {
            reader_refuse(reader, path, "bad value for %s, expected a list, got a mapping", path);
            config_take(reader->config, path);
            for (size_t k = 0; k < n; k++) {
                free(names[k]);
                names[k] = NULL;
            }
            n = 0;
        }
    *ret_names = names;
    *ret_n = n;
    return 0;
}

int reader_compile(struct reader *reader, const char *path, const struct string_list *texts,
                   struct pattern_list *ret_list)
{
    _cleanup_(freep) char *item = NULL;
    size_t bad;
    int r = pattern_list_compile(texts, ret_list, &bad);

    if (r != -EINVAL)
        return r;
    if (asprintf(&item, "%s.%zu", path, bad) < 0) {
        item = NULL;
        return -ENOMEM;
    }
    reader_refuse(reader, item,
                  "bad value '%.80s' for %s, expected a pattern of 1 to %u bytes with each [ closed",
                  texts->items[bad], item, PATTERN_BYTES_MAX);
    return 0;
}
