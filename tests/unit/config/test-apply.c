/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Into settings, and what nobody took: every message with its place.
 */
#include "config/config.h"

#include "support.h"
#include "util/parse.h"

struct rare {
    int forget;
    int64_t span;
    int64_t limit;
};

struct sink {
    char *topic;
    struct string_list words;
    struct property_list properties;
};

static const char *const ways[] = {"window", "decay", NULL};

static const struct option rare_options[] = {
    {.name = "forget",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct rare, forget),
     .choices = ways,
     .default_text = "window"},
    {.name = "bucket.span",
     .type = OPTION_DURATION,
     .offset = offsetof(struct rare, span),
     .default_text = "15min"},
    {.name = "limit",
     .type = OPTION_INTEGER,
     .offset = offsetof(struct rare, limit),
     .min = 1,
     .max = 100,
     .default_text = "7"},
};
static const struct option_table rare_table = {rare_options, ARRAY_SIZE(rare_options), sizeof(struct rare)};

static const struct option sink_options[] = {
    {.name = "topic", .type = OPTION_STRING, .offset = offsetof(struct sink, topic), .is_required = true},
    {.name = "words", .type = OPTION_LIST, .offset = offsetof(struct sink, words), .default_text = "d"},
    {.name = "kafka", .type = OPTION_PROPERTIES, .offset = offsetof(struct sink, properties)},
};
static const struct option_table sink_table = {sink_options, ARRAY_SIZE(sink_options), sizeof(struct sink)};

static char *text_of(const struct diag_list *diags)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    cr_assert_not_null(out);
    diag_print(diags, out, "");
    fclose(out);
    return text;
}

Test(apply, values_reach_their_members_and_the_rest_keeps_its_default)
{
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(config_freep) struct config *config = NULL;
    struct rare rare = {0};
    struct sink sink = {0};

    cr_assert_eq(config_new(&config), 0);
    cr_assert_eq(config_load_text(config,
                                  SLICE("detector: {rare: {forget: decay, limit: }}\n"
                                        "detector.rare.bucket: {span: 5min}\n"
                                        "sink.kafka:\n"
                                        "  topic: t\n"
                                        "  kafka: {bootstrap.servers: 'a,b', group: {protocol: x}, none: ~}\n"
                                        "  kafka.group.protocol.type: y\n"
                                        "  words: [one, 'two, three']\n"),
                                  "f", &diags),
                 0);
    cr_assert_eq(config_apply(config, "detector.rare", &rare_table, &rare, &diags), 0);
    cr_assert_eq(rare.forget, 1);
    cr_assert_eq(rare.span, 5 * USEC_PER_MINUTE);
    cr_assert_eq(rare.limit, 7);
    cr_assert_eq(config_apply(config, "sink.kafka", &sink_table, &sink, &diags), 0);
    cr_assert_str_eq(sink.topic, "t");
    cr_assert_eq(sink.words.n, 2);
    cr_assert_str_eq(sink.words.items[1], "two, three");
    cr_assert_eq(sink.properties.n, 3);
    cr_assert_str_eq(sink.properties.items[0].name, "bootstrap.servers");
    cr_assert_str_eq(sink.properties.items[0].value, "a,b");
    cr_assert_str_eq(sink.properties.items[1].name, "group.protocol");
    cr_assert_str_eq(sink.properties.items[2].name, "group.protocol.type");
    cr_assert_eq(config_check_unknown(config, &diags), 0);
    option_done(&rare_table, &rare);
    option_done(&sink_table, &sink);
}

Test(apply, asking_again_gives_the_same)
{
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(config_freep) struct config *config = NULL;

    cr_assert_eq(config_new(&config), 0);
    cr_assert_eq(config_load_text(config, SLICE("topic: t\nwords: [a]\nkafka: {b: c}\n"), "f", &diags), 0);
    for (int i = 0; i < 2; i++) {
        struct sink sink = {0};

        cr_assert_eq(config_apply(config, "", &sink_table, &sink, &diags), 0);
        cr_assert_str_eq(sink.topic, "t");
        cr_assert_eq(sink.words.n, 1);
        cr_assert_eq(sink.properties.n, 1);
        option_done(&sink_table, &sink);
    }
    cr_assert_eq(config_check_unknown(config, &diags), 0);
}

Test(apply, lists_can_be_written_in_four_ways)
{
    static const struct {
        const char *name, *yaml, *set;
        const char *words[4];
    } rows[] = {
        {"sequence", "words: [a, 'b,c']", NULL, {"a", "b,c"}},
        {"one value", "words: 'a,b'", NULL, {"a,b"}},
        {"numbered keys", "words.0: a\nwords.1: b\n", NULL, {"a", "b"}},
        {"--set", "words: [a, b]", "words=c,d , e", {"c", "d", "e"}},
        {"--set of one item", "words: [a, b]", "words.1=c", {"a", "c"}},
        {"empty sequence", "words: []", NULL, {NULL}},
        {"empty text", "words: ''", NULL, {NULL}},
        {"empty --set", "words: [a]", "words=", {NULL}},
        {"no value", "words:", NULL, {"d"}},
        {"not there", "{}", NULL, {"d"}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(config_freep) struct config *config = NULL;
        struct sink sink = {0};
        size_t n;

        cr_assert_eq(config_new(&config), 0);
        cr_assert_eq(config_load_text(config, slice_from_string(rows[i].yaml), "f", &diags), 0);
        cr_assert_eq(config_set(config, "topic=t", &diags), 0);
        if (rows[i].set)
            cr_assert_eq(config_set(config, rows[i].set, &diags), 0);
        cr_assert_eq(config_apply(config, "", &sink_table, &sink, &diags), 0, "%s", rows[i].name);
        for (n = 0; rows[i].words[n]; n++)
            cr_assert(n < sink.words.n && strcmp(sink.words.items[n], rows[i].words[n]) == 0, "%s: %zu",
                      rows[i].name, n);
        cr_assert_eq(sink.words.n, n, "%s: %zu words", rows[i].name, sink.words.n);
        cr_assert_eq(config_check_unknown(config, &diags), 0, "%s", rows[i].name);
        option_done(&sink_table, &sink);
    }
}

Test(apply, every_mistake_of_a_run_is_told_with_its_place)
{
    static const struct {
        const char *name, *yaml, *set, *problems;
    } rows[] = {
        {"bad values", "topic: x\ndetector:\n  rare:\n    forget: decy\n    limit: 0\n", NULL,
         "f:4:13: bad value 'decy' for detector.rare.forget, expected one of window, decay (did you mean "
         "'decay'?)\n"
         "f:5:12: bad value '0' for detector.rare.limit, expected a whole number from 1 to 100\n"},
        {"bad --set", "topic: x\n", "detector.rare.forget=deca",
         "--set: bad value 'deca' for detector.rare.forget, expected one of window, decay (did you mean "
         "'decay'?)\n"},
        {"unknown --set", "topic: x\n", "detector.rare.forge=decay",
         "--set: unknown key 'detector.rare.forge' (did you mean 'detector.rare.forget'?)\n"},
        {"typing error", "topic: x\ndetector: {rare: {forgt: decay}}\n", NULL,
         "f:2:19: unknown key 'detector.rare.forgt' (did you mean 'detector.rare.forget'?)\n"},
        {"an unknown section is told once", "topic: x\ndetecter:\n  rare: {forget: decay, limit: 1}\n", NULL,
         "f:2:1: unknown key 'detecter' (did you mean 'detector'?)\n"},
        {"an empty unknown section, too", "topic: x\ndetecter: {}\nnothing:\n", NULL,
         "f:2:1: unknown key 'detecter' (did you mean 'detector'?)\n"
         "f:3:1: unknown key 'nothing'\n"},
        {"a dotted unknown section", "topic: x\ndetecter.rare.forget: decay\ndetecter.rare.limit: 1\n", NULL,
         "f:2:1: unknown key 'detecter' (did you mean 'detector'?)\n"},
        {"forgotten section", "topic: x\nforget: decay\n", NULL,
         "f:2:1: unknown key 'forget' (did you mean 'detector.rare.forget'?)\n"},
        {"nothing near", "topic: x\ndetector: {rare: {zzz: decay}}\n", NULL,
         "f:2:19: unknown key 'detector.rare.zzz'\n"},
        {"a known empty section is fine", "topic: x\ndetector: {rare: {}}\n", NULL, ""},
        {"a known section without a value, too", "topic: x\ndetector:\n  rare:\n", NULL, ""},
        {"value where keys belong", "topic: x\ndetector: rare\n", NULL,
         "f:2:11: bad value 'rare' for detector, expected keys below it such as detector.rare.forget\n"},
        {"list where keys belong", "topic: x\ndetector: [rare, novelty]\n", NULL,
         "f:2:11: bad value for detector, expected keys below it such as detector.rare.forget, got a list\n"},
        {"mapping where a value belongs", "topic: {x: 1}\n", NULL,
         "f:1:8: bad value for topic, expected text, got a mapping\n"},
        {"list where a value belongs", "topic: x\ndetector.rare.limit: [1]\n", NULL,
         "f:2:22: bad value for detector.rare.limit, expected a whole number from 1 to 100, got a list\n"},
        {"mapping where a list belongs", "topic: x\nwords: {a: b}\n", NULL,
         "f:2:8: bad value for words, expected a list of words, got a mapping\n"},
        {"bad items", "topic: x\nwords: [a, {b: c}, [d], ~]\n", NULL,
         "f:2:12: bad value for words.1, expected text, got a mapping\n"
         "f:2:20: bad value for words.2, expected text, got a list\n"
         "f:2:25: bad value for words.3, expected text, got nothing\n"},
        {"value where properties belong", "topic: x\nkafka: y\n", NULL,
         "f:2:8: bad value for kafka, expected keys with their values, got a single value\n"},
        {"list among properties", "topic: x\nkafka: {a: [b, {c: d}], e: f}\n", NULL,
         "f:2:12: bad value for kafka.a, expected text, got a list\n"},
        {"missing", "words: [a]\n", NULL, "f: key 'topic' is missing, expected text\n"},
        {"missing value", "topic:\n", NULL, "f:1:7: key 'topic' is missing, expected text\n"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(freep) char *problems = NULL;
        struct rare rare = {0};
        struct sink sink = {0};
        int applied[2], checked;

        cr_assert_eq(config_new(&config), 0);
        cr_assert_eq(config_load_text(config, slice_from_string(rows[i].yaml), "f", &diags), 0, "%s",
                     rows[i].name);
        if (rows[i].set)
            cr_assert_eq(config_set(config, rows[i].set, &diags), 0);
        applied[0] = config_apply(config, "detector.rare", &rare_table, &rare, &diags);
        applied[1] = config_apply(config, "", &sink_table, &sink, &diags);
        checked = config_check_unknown(config, &diags);
        problems = text_of(&diags);
        cr_assert_str_eq(problems, rows[i].problems, "%s: got %s", rows[i].name, problems);
        cr_assert_eq(applied[0] < 0 || applied[1] < 0 || checked < 0, *rows[i].problems != '\0', "%s",
                     rows[i].name);
        option_done(&rare_table, &rare);
        option_done(&sink_table, &sink);
        diag_list_done(&diags);
    }
}

Test(apply, a_required_key_is_missed_in_its_section)
{
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(config_freep) struct config *config = NULL;
    struct sink sink = {0};

    cr_assert_eq(config_new(&config), 0);
    cr_assert_eq(config_load_text(config, SLICE("sink:\n  kafka: {words: [a]}\n"), "f", &diags), 0);
    cr_assert_lt(config_apply(config, "sink.kafka", &sink_table, &sink, &diags), 0);
    cr_assert_eq(diags.items[0].line, 2);
    cr_assert_eq(diags.items[0].column, 10);
    cr_assert_str_eq(diags.items[0].message, "key 'sink.kafka.topic' is missing, expected text");
    option_done(&sink_table, &sink);
    diag_list_done(&diags);
}

Test(apply, what_the_caller_judged_is_not_unknown)
{
    struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(config_freep) struct config *config = NULL;
    char **names = NULL;

    cr_assert_eq(config_new(&config), 0);
    cr_assert_eq(config_load_text(config, SLICE("sink: {kafak: {topic: x}}\n"), "f", &diags), 0);
    cr_assert_eq(config_children(config, "sink", &names), 0);
    cr_assert_str_eq(names[0], "kafak");
    string_array_free(names);
    config_take(config, "sink.kafak");
    cr_assert_eq(config_check_unknown(config, &diags), 0);
    cr_assert_eq(diags.n, 0);
}
