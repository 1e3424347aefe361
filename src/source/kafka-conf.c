/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the user sets of the source, what of librdkafka is the source's, and how a message becomes records.
 * The passing of properties and secrets is kafka/client.c.
 *
 * auto.offset.reset is "error": librdkafka would otherwise go to either end of a topic by itself, whether
 * there never was a place or retention has passed it, and not say how much is missing. With it we are told,
 * and choose (kafka.c).
 *
 * A message is one record, or each of its lines is. A line end at its end is part of neither. A record longer
 * than the limit is cut, and says so; the broker's own limit on a message (1 MiB by default) comes first.
 */
#include <errno.h>
#include <string.h>

#include "frame/frame.h"
#include "source/kafka.h"

static const char *const start_words[] = {"latest", "earliest", NULL};
static const char *const framing_words[] = {"message", "lines", NULL};
static const char *const trust_words[] = {"plain", "dedicated", NULL};

static const struct option options[] = {
    {
        .name = "topics",
        .type = OPTION_LIST,
        .offset = offsetof(struct kafka_source_settings, topics),
        .is_required = true,
        .help = "topics to read; one that begins with ^ is a regular expression for all whose name matches",
    },
    {
        .name = "group",
        .type = OPTION_STRING,
        .offset = offsetof(struct kafka_source_settings, group),
        .default_text = "hapax",
        .help = "consumer group: instances of the same group share the partitions of the topics",
    },
    {
        .name = "start",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct kafka_source_settings, start),
        .default_text = "latest",
        .choices = start_words,
        .help = "where to begin in a partition of which neither the state nor the group has a place",
    },
    {
        .name = "framing",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct kafka_source_settings, framing),
        .default_text = "message",
        .choices = framing_words,
        .help = "message: each message is one record; lines: each line of a message is one",
    },
    {
        .name = "trust",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct kafka_source_settings, trust),
        .default_text = "plain",
        .choices = trust_words,
        .help =
            "dedicated: only trusted writers, such as auditd's shipper, may write to these topics; plain: "
            "anyone may",
    },
    {
        .name = "record_limit",
        .type = OPTION_SIZE,
        .offset = offsetof(struct kafka_source_settings, record_limit_bytes),
        .default_text = "1MiB",
        .min = 1024,
        .max = 1 << 30,
        .help = "longer records are cut",
    },
    {
        .name = "kafka",
        .type = OPTION_PROPERTIES,
        .offset = offsetof(struct kafka_source_settings, properties),
        .help = "any property of librdkafka, passed through untouched; bootstrap.servers must be set; a "
                "secret comes from a file: sasl.password_file",
    },
};

const struct option_table kafka_source_table = {options, ARRAY_SIZE(options),
                                                sizeof(struct kafka_source_settings)};

/* What we set before the user's properties, which win. */
static const struct kafka_rule defaults[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"enable.partition.eof", "true"},
    {"auto.offset.reset", "error"},
    /* chosen: some ten thousand messages, far more than a turn of the loop takes; the default is 64 MiB */
    {"queued.max.messages.kbytes", "16384"},
    {"fetch.max.bytes", "16777216"},
    /* chosen: how long the partitions of an instance that was killed are read by nobody; the default is 45 s
     */
    {"session.timeout.ms", "10000"},
    /* chosen: a topic that was made, or a partition that was added, is found this soon; the default is 5 min
     */
    {"topic.metadata.refresh.interval.ms", "30000"},
    {NULL, NULL},
};

#define OURS "the group is told what is durable, and nothing before"
static const struct kafka_rule refused[] = {
    {"group.id", "the option group is its name"},
    {"auto.offset.reset", "the option start says it"},
    {"enable.auto.commit", OURS},
    {"auto.commit.enable", OURS},
    {"enable.auto.offset.store", OURS},
    {"enable.partition.eof", "the source needs it"},
    {"enabled_events", "the source needs its callbacks"},
    {NULL, NULL},
};

void consumer_init_client(struct kafka_client *client, const char *name,
                          const struct kafka_source_settings *settings)
{
    *client = (struct kafka_client){
        .kind = "source",
        .name = name,
        .properties = &settings->properties,
        .defaults = defaults,
        .refused = refused,
    };
}

int consumer_check_settings(const struct kafka_source_settings *settings, const char *name,
                            struct diag_list *diags)
{
    int r = 0;

    if (settings->topics.n == 0)
        r = diag_add(diags, NULL, 0, 0, "source '%s': topics is empty, expected a name such as auditd", name);
    for (size_t i = 0; i < settings->topics.n; i++)
        if (!settings->topics.items[i][0])
            r = diag_add(diags, NULL, 0, 0, "source '%s': a topic's name is empty", name);
    if (!settings->group || !settings->group[0])
        r = diag_add(diags, NULL, 0, 0, "source '%s': group is empty, expected a name such as hapax", name);
    return r;
}

int consumer_check(const char *name, const void *settings, struct diag_list *diags)
{
    int r = consumer_check_settings(settings, name, diags), q;
    struct kafka_client client;

    consumer_init_client(&client, name, settings);
    q = kafka_client_check(&client, diags);
    return MIN(r, q);
}

bool consumer_next_record(const struct kafka_source_settings *settings, struct slice message, uint64_t *at,
                          struct record *ret_record)
{
    struct slice rest = slice_skip(message, (size_t)MIN(*at, (uint64_t)message.len)), line;
    bool is_first = *at == 0;

    if (!is_first && rest.len == 0)
        return false;
    do {
        line = settings->framing == KAFKA_FRAMING_LINES ? slice_head(rest, slice_find(rest, '\n')) : rest;
        rest = slice_skip(rest, MIN(line.len + 1, rest.len));
        if (slice_ends_with(line, SLICE("\n")))
            line.len--;
        if (slice_ends_with(line, SLICE("\r")))
            line.len--;
    } while (line.len == 0 && rest.len > 0);
    /* an empty message has been looked at, too */
    *at = MAX((uint64_t)(message.len - rest.len), (uint64_t)1);
    if (line.len == 0 && !is_first)
        return false;
    *ret_record = (struct record){
        .kind = RECORD_LINE,
        .trust = settings->trust ? TRUST_INPUT : TRUST_LOW,
        .bytes = slice_head(line, (size_t)MIN((uint64_t)line.len, settings->record_limit_bytes)),
        .is_truncated = line.len > settings->record_limit_bytes,
    };
    return true;
}
