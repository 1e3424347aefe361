/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which sources and sinks there are is the configuration's to say; which drivers there are is drivers.c's.
 * This file brings the two together through the drivers' option tables. Every command checks the whole
 * configuration, also the parts it does not use: a typing error in a sink is found by the first hapax that
 * reads the file.
 */
#include "cli/instances.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/detector.h"
#include "detector/volume.h"

/* chosen: more drivers than this would not be read by anyone either */
#define MAX_DRIVERS 16U

/* What is the same for sources and sinks, and how they differ. */
struct kind {
    const char *prefix;
    const char *names[MAX_DRIVERS + 1];
    void (*fill)(struct instance *instance, size_t driver);
};

static void fill_source(struct instance *instance, size_t driver)
{
    instance->source_driver = source_drivers[driver];
    instance->table = source_driver_options(instance->source_driver);
}

static void fill_sink(struct instance *instance, size_t driver)
{
    instance->sink_driver = sink_drivers[driver];
    instance->table = sink_driver_options(instance->sink_driver);
}

static struct kind source_kind(void)
{
    struct kind kind = {.prefix = "source", .fill = fill_source};

    for (size_t i = 0; source_drivers[i] && i < MAX_DRIVERS; i++)
        kind.names[i] = source_driver_name(source_drivers[i]);
    return kind;
}

static struct kind sink_kind(void)
{
    struct kind kind = {.prefix = "sink", .fill = fill_sink};

    for (size_t i = 0; sink_drivers[i] && i < MAX_DRIVERS; i++)
        kind.names[i] = sink_driver_name(sink_drivers[i]);
    return kind;
}

static size_t count(char **names)
{
    size_t n = 0;

    while (names && names[n])
        n++;
    return n;
}

static int find_names(struct setup *setup, const char *prefix, const char *default_name, char ***ret_names)
{
    _cleanup_(freep) char *assignment = NULL;
    char **names = NULL;
    int r = config_children(setup->config, prefix, &names);

    if (r >= 0 && count(names) == 0 && default_name) {
        string_array_free(names);
        names = NULL;
        if (asprintf(&assignment, "%s.%s.driver=%s", prefix, default_name, default_name) < 0)
            return -ENOMEM;
        r = config_set(setup->config, assignment, &setup->diags);
        if (r >= 0)
            r = config_children(setup->config, prefix, &names);
    }
    if (r < 0)
        return r;
    *ret_names = names;
    return 0;
}

/* The index of the driver the instance names, or -EINVAL with a diagnostic. */
static int find_driver(struct setup *setup, const struct kind *kind, const char *name)
{
    _cleanup_(freep) char *key = NULL, *path = NULL;
    const char *word, *file, *near;
    unsigned line, column;

    if (asprintf(&key, "%s.%s.driver", kind->prefix, name) < 0 ||
        asprintf(&path, "%s.%s", kind->prefix, name) < 0)
        return -ENOMEM;
    word = config_get(setup->config, key);
    if (!word)
        word = name;
    for (int i = 0; kind->names[i]; i++)
        if (strcmp(kind->names[i], word) == 0)
            return i;
    /* an instance without the key "driver" is called like one */
    config_place(setup->config, config_get(setup->config, key) ? key : path, &file, &line, &column);
    config_take(setup->config, path); /* which keys it may have, its driver would say */
    near = nearest_word(slice_from_string(word), kind->names);
    return diag_add(&setup->diags, file, line, column,
                    "unknown driver '%s' of %s.%s, expected one such as '%s'", word, kind->prefix, name,
                    near ? near : kind->names[0]);
}

static int load_one(struct setup *setup, const struct kind *kind, const char *name,
                    struct instance *ret_instance)
{
    struct instance instance = {.name = name};
    _cleanup_(freep) char *path = NULL;
    int driver = find_driver(setup, kind, name), r;

    if (driver < 0)
        return driver;
    kind->fill(&instance, (size_t)driver);
    if (asprintf(&path, "%s.%s", kind->prefix, name) < 0)
        return -ENOMEM;
    instance.settings = calloc(1, instance.table->struct_size);
    if (!instance.settings)
        return -ENOMEM;
    r = config_apply(setup->config, path, instance.table, instance.settings, &setup->diags);
    if (r < 0) {
        option_done(instance.table, instance.settings);
        free(instance.settings);
        return r;
    }
    *ret_instance = instance;
    return 0;
}

static int load(struct setup *setup, const struct kind *kind, const char *default_name,
                struct instance_list *ret_list)
{
    struct instance_list list = {0};
    int result = find_names(setup, kind->prefix, default_name, &list.names);

    if (result < 0)
        return result;
    list.items = calloc(count(list.names) + 1, sizeof(*list.items));
    if (!list.items)
        result = -ENOMEM;
    for (size_t i = 0; list.items && list.names && list.names[i]; i++) {
        int r = load_one(setup, kind, list.names[i], &list.items[list.n]);

        list.n += r >= 0;
        result = MIN(result, r);
    }
    *ret_list = list;
    return result;
}

int instances_load_sources(struct setup *setup, const char *default_name, struct instance_list *ret_list)
{
    struct kind kind = source_kind();

    return load(setup, &kind, default_name, ret_list);
}

int instances_load_sinks(struct setup *setup, const char *default_name, struct instance_list *ret_list)
{
    struct kind kind = sink_kind();

    return load(setup, &kind, default_name, ret_list);
}

void instance_list_done(struct instance_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        option_done(list->items[i].table, list->items[i].settings);
        free(list->items[i].settings);
    }
    free(list->items);
    string_array_free(list->names);
    *list = (struct instance_list){0};
}

static int check_detectors(struct setup *setup)
{
    int result = 0;

    for (const struct detector_driver *const *d = detector_drivers; *d; d++) {
        _cleanup_(freep) void *settings = calloc(1, (*d)->options->struct_size);
        _cleanup_(freep) char *prefix = NULL;
        int r;

        if (!settings || asprintf(&prefix, "detector.%s", (*d)->name) < 0)
            return -ENOMEM;
        r = config_apply(setup->config, prefix, (*d)->options, settings, &setup->diags);
        option_done((*d)->options, settings);
        result = MIN(result, r);
    }
    return result;
}

static int check_drivers(struct setup *setup, const struct instance_list *list)
{
    int result = 0;

    for (size_t i = 0; i < list->n; i++) {
        const struct instance *instance = &list->items[i];
        int r = instance->sink_driver ? sink_driver_check(instance->sink_driver, instance->name,
                                                          instance->settings, &setup->diags)
                                      : source_driver_check(instance->source_driver, instance->name,
                                                            instance->settings, &setup->diags);

        result = MIN(result, r);
    }
    return result;
}

int instances_check_config(struct setup *setup)
{
    _cleanup_(instance_list_done) struct instance_list sources = {0}, sinks = {0};
    struct volume_options volume = {0};
    int r, result = 0;

    r = instances_load_sources(setup, NULL, &sources);
    result = MIN(result, r);
    r = instances_load_sinks(setup, NULL, &sinks);
    result = MIN(result, r);
    r = check_drivers(setup, &sources);
    result = MIN(result, r);
    r = check_drivers(setup, &sinks);
    result = MIN(result, r);
    r = check_detectors(setup);
    result = MIN(result, r);
    r = config_apply(setup->config, "volume", &volume_option_table, &volume, &setup->diags);
    result = MIN(result, r);
    r = config_check_unknown(setup->config, &setup->diags);
    return MIN(result, r);
}
