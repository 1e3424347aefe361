/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A look at the topic when the cluster is first reached: that it is missing is said at the start, with the
 * command that makes it, not when the first alert waits; and so is what makes an alert less safe than
 * acks=all promises (one replica, one copy enough) or a single broker's absence a standstill.
 *
 * The loop must not wait for a cluster. So the first question is one that librdkafka answers by an event: the
 * topic's configuration (DescribeConfigs). Whatever comes of it, a broker has then been reached, and the
 * second question, which librdkafka only asks blocking (metadata: partitions, replicas), is one round trip,
 * cut at METADATA_MSEC. A question that fails for want of a broker is asked again with the next retry.
 *
 * A user without the right to see the configuration only misses the warnings about it. Nothing here changes a
 * topic, and a topic that is missing stops nothing: the alerts wait, and librdkafka looks for it by itself.
 */
#include "sink/kafka.h"

#include <string.h>
#include <syslog.h>

#include "util/parse.h"

/* chosen: a round trip and a busy broker; the loop stands still for it, once */
#define METADATA_MSEC 250
/* chosen: long enough for a cluster that starts */
#define ANSWER_MSEC 60000

/* What we would make, as integrations/kafka/create-topics does. */
#define NEW_PARTITIONS 3
#define NEW_REPLICAS   3

void kafka_probe_topic(struct kafka_sink *k)
{
    rd_kafka_ConfigResource_t *topic;
    rd_kafka_AdminOptions_t *options;
    uint64_t one = 1;

    if (!k->wake || !k->producer)
        return;
    if (!k->probe_queue) {
        k->probe_queue = rd_kafka_queue_new(k->producer);
        rd_kafka_queue_io_event_enable(k->probe_queue, k->wake_fd, &one, sizeof(one));
    }
    topic = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, k->topic);
    options = rd_kafka_AdminOptions_new(k->producer, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_MSEC, NULL, 0);
    rd_kafka_DescribeConfigs(k->producer, &topic, 1, options, k->probe_queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(topic);
    k->probe = PROBE_ASKED;
}

static void say_missing(struct kafka_sink *k, int n_brokers)
{
    int n_replicas = MAX(1, MIN(n_brokers, NEW_REPLICAS));

    if (kafka_is_new_trouble(k, TROUBLE_DELIVERY))
        sink_report(
            &k->sink, LOG_WARNING,
            "topic '%s' does not exist; alerts wait until it is made: kafka-topics.sh --bootstrap-server "
            "%s --create --topic %s --partitions %d --replication-factor %d --config "
            "min.insync.replicas=%d",
            k->topic, kafka_client_bootstrap(&k->client), k->topic, NEW_PARTITIONS, n_replicas,
            MAX(1, n_replicas - 1));
}

/* min_in_sync: 0 where it is not known. */
static void judge(struct kafka_sink *k, const struct rd_kafka_metadata_topic *topic, int n_brokers,
                  int64_t min_in_sync)
{
    int n_replicas = topic->partition_cnt > 0 ? topic->partitions[0].replica_cnt : 0;

    for (int i = 1; i < topic->partition_cnt; i++)
        n_replicas = MIN(n_replicas, topic->partitions[i].replica_cnt);
    sink_report(&k->sink, LOG_DEBUG, "topic '%s': %d partitions, %d replicas, min.insync.replicas %lld",
                k->topic, topic->partition_cnt, n_replicas, (long long)min_in_sync);
    if (n_replicas == 1 && n_brokers > 1)
        sink_report(
            &k->sink, LOG_WARNING,
            "topic '%s' has one replica on a cluster of %d brokers: its alerts are lost with one disk",
            k->topic, n_brokers);
    if (n_replicas > 1 && min_in_sync == 1)
        sink_report(&k->sink, LOG_WARNING,
                    "topic '%s' takes an alert for delivered when one of %d replicas has it; safer: "
                    "kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s "
                    "--add-config min.insync.replicas=%d",
                    k->topic, n_replicas, kafka_client_bootstrap(&k->client), k->topic, n_replicas - 1);
    if (n_replicas > 1 && min_in_sync >= n_replicas)
        sink_report(
            &k->sink, LOG_WARNING,
            "topic '%s' takes nothing while one broker is away: min.insync.replicas=%lld of %d replicas",
            k->topic, (long long)min_in_sync, n_replicas);
}

static void look(struct kafka_sink *k, bool is_missing, int64_t min_in_sync)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = NULL;
    rd_kafka_resp_err_t err;

    /* asking by name may make a topic, where the broker does that; the first alert would, too */
    if (!is_missing)
        topic = rd_kafka_topic_new(k->producer, k->topic, NULL);
    err = rd_kafka_metadata(k->producer, 0, topic, &metadata, METADATA_MSEC);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (is_missing)
            say_missing(k, NEW_REPLICAS);
    } else {
        is_missing = is_missing || (metadata->topic_cnt == 1 &&
                                    metadata->topics[0].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
        if (is_missing)
            say_missing(k, metadata->broker_cnt);
        else if (metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            judge(k, &metadata->topics[0], metadata->broker_cnt, min_in_sync);
        rd_kafka_metadata_destroy(metadata);
    }
    if (topic)
        rd_kafka_topic_destroy(topic);
}

static int64_t min_in_sync_of(const rd_kafka_ConfigResource_t *resource)
{
    size_t n = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);

    for (size_t i = 0; i < n; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        int64_t number;

        if (value && strcmp(rd_kafka_ConfigEntry_name(entries[i]), "min.insync.replicas") == 0 &&
            parse_i64(slice_from_string(value), &number) == 0)
            return number;
    }
    return 0;
}

static void take_answer(struct kafka_sink *k, rd_kafka_event_t *answer)
{
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(answer);
    const rd_kafka_ConfigResource_t **resources = NULL;
    rd_kafka_resp_err_t err = rd_kafka_event_error(answer);
    size_t n = 0;

    if (err == RD_KAFKA_RESP_ERR_NO_ERROR && result)
        resources = rd_kafka_DescribeConfigs_result_resources(result, &n);
    if (n > 0 && rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        err = rd_kafka_ConfigResource_error(resources[0]);
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
        k->probe = PROBE_FAILED;
        return;
    case RD_KAFKA_RESP_ERR__DESTROY:
    case RD_KAFKA_RESP_ERR__FATAL:
        break;
    default:
        look(k, err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, n > 0 ? min_in_sync_of(resources[0]) : 0);
        break;
    }
    k->probe = PROBE_OFF;
}

void kafka_take_probe(struct kafka_sink *k)
{
    rd_kafka_event_t *answer;

    if (k->probe != PROBE_ASKED || !k->probe_queue)
        return;
    answer = rd_kafka_queue_poll(k->probe_queue, 0);
    if (!answer)
        return;
    take_answer(k, answer);
    rd_kafka_event_destroy(answer);
}
