/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the user sets of the sink, and what of librdkafka is the sink's: the rest, secrets and the passing of
 * properties, is kafka/client.c.
 */
#include "sink/kafka.h"

#include <errno.h>

static const struct option kafka_options[] = {
    {
        .name = "topic",
        .type = OPTION_STRING,
        .offset = offsetof(struct kafka_settings, topic),
        .default_text = "hapax.alerts",
        .help = "topic that alerts are sent to",
    },
    {
        .name = "dead_letter",
        .type = OPTION_STRING,
        .offset = offsetof(struct kafka_settings, dead_letter),
        .help =
            "file that gets the alerts the topic refuses for ever, with the reason, one JSON object a line",
    },
    {
        .name = "dead_letter_topic",
        .type = OPTION_STRING,
        .offset = offsetof(struct kafka_settings, dead_letter_topic),
        .help = "topic that gets the same; an alert too large for it, too, is described, not contained",
    },
    {
        .name = "kafka",
        .type = OPTION_PROPERTIES,
        .offset = offsetof(struct kafka_settings, properties),
        .help =
            "any property of librdkafka, passed through untouched; bootstrap.servers must be set; a secret "
            "comes from a file: sasl.password_file",
    },
};

const struct option_table kafka_option_table = {kafka_options, ARRAY_SIZE(kafka_options),
                                                sizeof(struct kafka_settings)};

/* What we set before the user's properties, which win. */
static const struct kafka_rule defaults[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    /* an alert waits for nobody: 0.38 ms instead of 6.3 ms at the 99th percentile (measured 2026-11) */
    {"linger.ms", "0"},
    {"message.timeout.ms", "0"},
    /* chosen: keeps a fast producer busy, and is all that a kill sends twice */
    {"queue.buffering.max.messages", "10000"},
    {"queue.buffering.max.kbytes", "65536"},
    {NULL, NULL},
};

/* What a user must not set. */
#define KEPT "every alert is kept until its delivery is reported"
static const struct kafka_rule refused[] = {
    {"delivery.report.only.error", KEPT},
    {"enabled_events", KEPT},
    {"transactional.id", "the sink does not use transactions"},
    {NULL, NULL},
};

static void on_report(void *userdata, int level, const char *message)
{
    struct kafka_sink *k = userdata;

    sink_report(&k->sink, level, "%s", message);
}

static struct kafka_client client_of(const char *name, const struct kafka_settings *settings)
{
    return (struct kafka_client){
        .kind = "sink",
        .name = name,
        .properties = &settings->properties,
        .defaults = defaults,
        .refused = refused,
    };
}

void kafka_init_client(struct kafka_sink *k)
{
    k->client = client_of(k->sink.name, k->sink.settings);
    k->client.report = on_report;
    k->client.userdata = k;
}

int kafka_check(const char *name, const void *settings, struct diag_list *diags)
{
    struct kafka_client client = client_of(name, settings);

    return kafka_client_check(&client, diags);
}

int kafka_fill_conf(struct kafka_sink *k, rd_kafka_conf_t *conf, struct diag_list *diags)
{
    int r = kafka_client_fill_conf(&k->client, conf, diags);

    if (r < 0)
        return r;
    rd_kafka_conf_set_opaque(conf, k);
    kafka_set_callbacks(conf);
    return 0;
}
