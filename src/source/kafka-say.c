/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What librdkafka says, and what an operator hears of it: changes of state, not each try. Each kind of
 * trouble is said once, with what to do, until a message or the end of a partition is read again; that ends
 * all troubles, which is said once, too. None of them ends the program: librdkafka goes on trying, and where
 * it gives up (a fatal error), a new consumer is made.
 *
 * A single broker that fails is no trouble: the cluster goes on, and says so if it does not. Its reason is
 * kept for the moment when no broker is left.
 */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "source/kafka.h"

bool consumer_is_new_trouble(struct consumer *c, enum consumer_trouble trouble)
{
    bool is_new = !(c->troubles & trouble);

    c->troubles |= trouble;
    c->n_failures += is_new;
    return is_new;
}

void consumer_say_well(struct consumer *c)
{
    /* one topic that is read says nothing about another that is missing */
    unsigned others = CONSUMER_NO_TOPIC | CONSUMER_NO_RIGHT | CONSUMER_COMMIT;

    if (c->troubles & ~others)
        source_report(&c->base, LOG_NOTICE, "Kafka is read again");
    c->troubles &= others;
}

void consumer_on_fatal(struct consumer *c)
{
    char text[KAFKA_ERROR_SIZE] = "";

    if (c->is_dead)
        return;
    c->is_dead = true;
    (void)rd_kafka_fatal_error(c->rk, text, sizeof(text));
    source_report(&c->base, consumer_is_new_trouble(c, CONSUMER_FATAL) ? LOG_WARNING : LOG_DEBUG,
                  "the Kafka consumer is broken: %s; a new one is made and goes on where this one was", text);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct consumer *c = opaque;

    switch (err) {
    case RD_KAFKA_RESP_ERR__FATAL:
        consumer_on_fatal(c);
        break;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        if (consumer_is_new_trouble(c, CONSUMER_UNREACHABLE) && !(c->troubles & CONSUMER_REFUSED))
            source_report(&c->base, LOG_WARNING,
                          "no Kafka broker can be reached (%s): nothing is read until one can",
                          c->last_reason[0] ? c->last_reason : reason);
        break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
        if (consumer_is_new_trouble(c, CONSUMER_REFUSED)) {
            source_report(&c->base, LOG_WARNING, "cannot log in to Kafka: %s; nothing is read until we can",
                          reason);
            kafka_client_explain_login(&c->client, (rd_kafka_resp_err_t)err, reason);
        }
        if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION)
            kafka_client_renew_password(&c->client, c->rk, LOG_DEBUG);
        break;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
        (void)snprintf(c->last_reason, sizeof(c->last_reason), "%s", reason);
        source_report(&c->base, LOG_DEBUG, "%s", reason);
        break;
    default:
        source_report(&c->base, consumer_is_new_trouble(c, CONSUMER_OTHER) ? LOG_WARNING : LOG_DEBUG,
                      "%s: %s", rd_kafka_err2name((rd_kafka_resp_err_t)err), reason);
        break;
    }
}

static void say_no_topic(struct consumer *c, const char *topic)
{
    if (consumer_is_new_trouble(c, CONSUMER_NO_TOPIC))
        source_report(&c->base, LOG_WARNING,
                      "topic '%s' does not exist; it is looked for again every half minute, or make it: "
                      "kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions 1",
                      topic, kafka_client_bootstrap(&c->client), topic);
}

static void say_no_right(struct consumer *c, const char *kind, const char *name)
{
    const char *user = kafka_client_property(&c->client, "sasl.username");

    if (consumer_is_new_trouble(c, CONSUMER_NO_RIGHT))
        source_report(&c->base, LOG_WARNING,
                      "Kafka lets us not read with %s '%s'; it is tried again, once allowed: kafka-acls.sh "
                      "--bootstrap-server %s --add --allow-principal User:%s --operation Read --%s %s",
                      kind, name, kafka_client_bootstrap(&c->client), user ? user : "NAME", kind, name);
}

void consumer_say_error(struct consumer *c, const rd_kafka_message_t *m)
{
    const struct kafka_source_settings *settings = c->base.settings;
    const char *topic = m->rkt ? rd_kafka_topic_name(m->rkt) : settings->topics.items[0];

    switch ((int)m->err) {
    case RD_KAFKA_RESP_ERR__FATAL:
        consumer_on_fatal(c);
        break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        say_no_topic(c, topic);
        break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        say_no_right(c, "topic", topic);
        break;
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        say_no_right(c, "group", settings->group);
        break;
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
        source_report(&c->base, LOG_NOTICE,
                      "nothing was read for longer than max.poll.interval.ms, so the group gave our "
                      "partitions to others: joining it again");
        break;
    default:
        source_report(&c->base, consumer_is_new_trouble(c, CONSUMER_OTHER) ? LOG_WARNING : LOG_DEBUG,
                      "cannot read topic '%s': %s", topic, rd_kafka_message_errstr(m));
        break;
    }
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct consumer *c = rd_kafka_opaque(rk);

    /* these come as a message, and with a commit's answer */
    if (strcmp(facility, "MAXPOLL") == 0 || strcmp(facility, "COMMITFAIL") == 0)
        level = LOG_DEBUG;
    kafka_client_say_log(&c->client, level, facility, text);
}

static void on_throttle(rd_kafka_t *rk, const char *broker, int32_t broker_id, int msec, void *opaque)
{
    struct consumer *c = opaque;

    kafka_client_say_throttle(&c->client, broker, msec);
}

static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *offsets,
                      void *opaque)
{
    struct consumer *c = opaque;

    switch ((int)err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
    case RD_KAFKA_RESP_ERR__NO_OFFSET:
        c->troubles &= ~(unsigned)CONSUMER_COMMIT;
        return;
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        say_no_right(c, "group", ((const struct kafka_source_settings *)c->base.settings)->group);
        break;
    /* a rebalance is under way: whoever has the partition next tells the group */
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR__DESTROY:
        break;
    default:
        source_report(&c->base, consumer_is_new_trouble(c, CONSUMER_COMMIT) ? LOG_WARNING : LOG_DEBUG,
                      "the group's offsets cannot be written: %s; our own places are safe, the lag that "
                      "others see is not true",
                      rd_kafka_err2str(err));
        break;
    }
    /* told again with the next tick */
    for (int i = 0; offsets && i < offsets->cnt; i++) {
        struct partition *p =
            place_table_find(&c->places, offsets->elems[i].topic, offsets->elems[i].partition);

        if (p)
            p->committed_offset = -1;
    }
}

void consumer_set_callbacks(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_throttle_cb(conf, on_throttle);
    rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
}
