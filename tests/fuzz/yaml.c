/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as a configuration: read, --set, asked for the way components ask, checked for unknown keys.
 * Beyond "does not crash": a failure is always told, a success never leaves a message, and what is told about
 * the file has a place in it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct settings {
    bool is_on;
    char *text;
    int64_t whole, span;
    double number;
    uint64_t size;
    int choice;
    struct string_list list;
    struct property_list properties;
};

static const char *const choices[] = {"window", "decay", NULL};

#define ROW(name_, type_, member_, ...)                                                                      \
    {                                                                                                        \
        .name = name_, .type = type_, .offset = offsetof(struct settings, member_), __VA_ARGS__              \
    }

static const struct option options[] = {
    ROW("on", OPTION_BOOL, is_on, .default_text = "true"),
    ROW("text", OPTION_STRING, text, .is_required = true),
    ROW("whole", OPTION_INTEGER, whole, .min = -5, .max = 100),
    ROW("span", OPTION_DURATION, span, .min = 1e6, .max = 1e12, .default_text = "15min"),
    ROW("number", OPTION_NUMBER, number, .max = 1),
    ROW("size", OPTION_SIZE, size, .min = 1, .max = 1 << 30, .default_text = "64KiB"),
    ROW("choice", OPTION_CHOICE, choice, .choices = choices, .default_text = "decay"),
    ROW("process.name", OPTION_LIST, list, .default_text = "ss, netstat"),
    ROW("kafka", OPTION_PROPERTIES, properties),
};
static const struct option_table table = {options, ARRAY_SIZE(options), sizeof(struct settings)};

static void apply(struct config *config, const char *prefix, struct diag_list *diags)
{
    struct settings settings = {0};
    size_t n = diags->n + diags->n_dropped;
    int r = config_apply(config, prefix, &table, &settings, diags);

    assert((r < 0) == (diags->n + diags->n_dropped > n));
    option_done(&table, &settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    _cleanup_(config_freep) struct config *config = NULL;
    struct slice text = slice_new(n > 0 ? (const char *)bytes : "", n);
    _cleanup_(freep) char *assignment = strndup(text.data, slice_find(text, '\n'));
    struct diag_list diags = DIAG_LIST_INIT;
    char **names;
    size_t n_before;
    int r;

    if (!assignment || config_new(&config) < 0)
        return 0;
    r = config_load_text(config, text, "fuzz", &diags);
    assert((r < 0) == (diags.n > 0));
    for (size_t i = 0; i < diags.n && n <= 1U << 20; i++)
        assert(diags.items[i].line > 0 && diags.items[i].column > 0);
    apply(config, "", &diags);
    if (config_children(config, "sink", &names) >= 0) {
        for (size_t i = 0; names[i] && i < 4; i++) {
            _cleanup_(freep) char *path = NULL;

            if (asprintf(&path, "sink.%s", names[i]) < 0)
                path = NULL;
            else
                apply(config, path, &diags);
        }
        string_array_free(names);
    }
    n_before = diags.n + diags.n_dropped;
    r = config_check_unknown(config, &diags);
    assert((r < 0) == (diags.n + diags.n_dropped > n_before));
    if (config_set(config, assignment, &diags) >= 0)
        apply(config, "", &diags);
    diag_list_done(&diags);
    return 0;
}
