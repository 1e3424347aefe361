/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SELECT_READER_H
#define HAPAX_SELECT_READER_H

/* Inside select/ only: one YAML file being read through option tables, and what is wrong with it. */

#include <stdarg.h>

#include "config/config.h"
#include "select/pattern.h"

struct reader {
    struct config *config;
    const char *file;
    struct diag_list *diags;
    bool is_bad; /* something went to diags */
};

/* A problem at a path of the configuration, with its place. */
void reader_refuse(struct reader *reader, const char *path, const char *format, ...) _printf_(3, 4);
void reader_refuse_list(struct reader *reader, const char *path, const char *format, va_list ap)
    _printf_(3, 0);

/*
 * Of what config/ returned: 0 where the failure was the user's, which then is in diags (there are more than
 * n_before), and noted; else r, which is that memory is out.
 */
int reader_outcome(struct reader *reader, int r, size_t n_before) _warn_unused_;

/* config_apply; what is wrong with the values is in diags. 0 or -ENOMEM. */
int reader_apply(struct reader *reader, const char *prefix, const struct option_table *table,
                 void *settings) _warn_unused_;

/* Whether a name is that of a list's item. */
bool reader_is_index(const char *name);

/* The names below a path, and how many: NULL-terminated, free with string_array_free. 0 or -ENOMEM. */
int reader_children(struct reader *reader, const char *path, char ***ret_names, size_t *ret_n) _warn_unused_;

/* The same of a list: a mapping in its place is refused, and an empty list given. */
int reader_items(struct reader *reader, const char *path, char ***ret_names, size_t *ret_n) _warn_unused_;

/* The patterns that stand as a list at path; a bad one is refused. 0 or -ENOMEM. */
int reader_compile(struct reader *reader, const char *path, const struct string_list *texts,
                   struct pattern_list *ret_list) _warn_unused_;

#endif
