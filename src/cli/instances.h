/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_INSTANCES_H
#define HAPAX_CLI_INSTANCES_H

/* The sources and sinks a configuration names: "source.NAME" with a driver (default: the one called NAME) and
 * options. */

#include "cli/setup.h"
#include "config/config.h"
#include "sink/sink.h"
#include "source/source.h"

struct instance {
    const char *name;
    const struct source_driver *source_driver; /* of a source */
    const struct sink_driver *sink_driver;     /* of a sink */
    const struct option_table *table;
    void *settings;
};

struct instance_list {
    char **names;
    struct instance *items;
    size_t n;
};

/*
 * All sources (or sinks) of the configuration with their settings; where it names none, the one called
 * default_name (NULL: none at all). Problems go to setup->diags (-EINVAL); the rest is loaded all the same.
 */
int instances_load_sources(struct setup *setup, const char *default_name, struct instance_list *ret_list)
    __attribute__((warn_unused_result));
int instances_load_sinks(struct setup *setup, const char *default_name, struct instance_list *ret_list)
    __attribute__((warn_unused_result));
void instance_list_done(struct instance_list *list);

/*
 * Checks sources, sinks and the detectors' options, whether the command at hand uses them or not; then
 * refuses every key that nobody knows. With setup_load before it, all problems of a configuration are found
 * at once; what is loaded after it has none.
 */
int instances_check_config(struct setup *setup) __attribute__((warn_unused_result));

#endif
