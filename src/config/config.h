/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CONFIG_CONFIG_H
#define HAPAX_CONFIG_CONFIG_H

/*
 * A configuration is a flat list of (dotted path, text, place): nested YAML and dotted keys mean the same
 * ("sink: {kafka: {topic: x}}" is "sink.kafka.topic: x"), items of a sequence are numbered from 0
 * ("jobs.0"). A plain null ("key:" or "key: ~") is no value: the default stays. --set adds to the list and
 * wins over the file, whichever came first. Components then take what lies below their prefix through their
 * option tables; what nobody took is unknown, and refused.
 */

#include <stddef.h>

#include "config/option.h"
#include "util/cleanup.h"
#include "util/diag.h"

struct config;

int config_new(struct config **ret_config) _warn_unused_;
struct config *config_free(struct config *config);
DEFINE_CLEANUP(struct config *, config_free)

/*
 * Adds a YAML file. A file that cannot be read, is no YAML, is nested deeper than 16 or repeats a key, or
 * has aliases: -EINVAL with diags; everything that could be read is added all the same, so that one run shows
 * all problems.
 */
int config_load_file(struct config *config, const char *path, struct diag_list *diags) _warn_unused_;
/* The same from memory; file names it in diags. */
int config_load_text(struct config *config, struct slice text, const char *file,
                     struct diag_list *diags) _warn_unused_;

/* "PATH=VALUE": replaces PATH and everything below it. An empty VALUE is the empty string. */
int config_set(struct config *config, const char *assignment, struct diag_list *diags) _warn_unused_;

/*
 * Fills settings (a zeroed struct of table->struct_size) with defaults and then with what the configuration
 * has below prefix ("" for the top). Bad values go to diags with their place (-EINVAL), the default stays.
 * Release with option_done.
 */
int config_apply(struct config *config, const char *prefix, const struct option_table *table, void *settings,
                 struct diag_list *diags) _warn_unused_;

/*
 * The names directly below prefix, in order of first appearance, as a NULL-terminated array (free each and
 * the array with string_array_free): the instances of "sink", the indices of a sequence. Makes
 * prefix a known key: what stands directly below it is for the caller to judge.
 */
int config_children(struct config *config, const char *prefix, char ***ret_names) _warn_unused_;
void string_array_free(char **names);
DEFINE_CLEANUP(char **, string_array_free)

/* The scalar at path, NULL where there is none; borrowed. Marks it as taken. */
const char *config_get(struct config *config, const char *path);

/* Takes path and everything below it: the caller has used it or reported it, it is not unknown. */
void config_take(struct config *config, const char *path);

/* Where path was written, for a message about it: *ret_line is 0 where it came from --set or is not there. */
void config_place(const struct config *config, const char *path, const char **ret_file, unsigned *ret_line,
                  unsigned *ret_column);

/* Calls fn for each path that has another value in b than in a, or a value in one of them only. 0, or what fn
 * returned below 0, which ends it. */
int config_compare(const struct config *a, const struct config *b,
                   int (*fn)(void *userdata, const char *path), void *userdata) _warn_unused_;

/* Every path nobody took: "unknown key 'x'", with the nearest known one. -EINVAL if there is any, else 0. */
int config_check_unknown(struct config *config, struct diag_list *diags) _warn_unused_;

#endif
