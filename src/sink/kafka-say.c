/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What librdkafka says, and what an operator hears of it. librdkafka repeats an error for every broker and
 * every try; an operator wants changes of state. So each kind of trouble is said once, until the next
 * delivery ends all troubles, which is said once, too.
 *
 * A single broker that fails is no trouble: the cluster goes on, and says so if it does not. Its reason is
 * kept for the moment when no broker is left. A refusal (TLS, credentials) is said instead of "no broker can
 * be reached", which librdkafka adds to it.
 *
 * Some troubles librdkafka keeps to itself, since it goes on trying (too few replicas in sync, a full disk at
 * the broker that it takes for a leader on the move, a topic not known yet): that nothing has been delivered
 * for long is said, too. A quota makes the broker hold back its answers: that is said once in a life of the
 * program, for the broker says it at every second answer, and it is a matter of days, not of minutes.
 */
#include "sink/kafka.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "util/parse.h"

/* chosen: longer than a partition's change to another leader takes, which begins when the session of the old
 * one is over (Kafka's broker.session.timeout.ms, 9 s) */
#define STALL_USEC (KAFKA_STALL_SEC * USEC_PER_SEC)
bool kafka_is_new_trouble(struct kafka_sink *k, enum trouble trouble)
{
    bool is_new = !(k->troubles & trouble);

    k->troubles |= trouble;
    return is_new;
}

void kafka_on_fatal(struct kafka_sink *k)
{
    char text[KAFKA_ERROR_SIZE] = "";

    if (k->is_dead)
        return;
    k->is_dead = true;
    (void)rd_kafka_fatal_error(k->producer, text, sizeof(text));
    sink_report(&k->sink, kafka_is_new_trouble(k, TROUBLE_FATAL) ? LOG_WARNING : LOG_DEBUG,
                "the Kafka producer is broken: %s; a new one is made and sends what is not confirmed", text);
}

static void say_refused(struct kafka_sink *k, rd_kafka_resp_err_t err, const char *reason)
{
    sink_report(&k->sink, LOG_WARNING, "cannot log in to Kafka: %s; alerts wait", reason);
    kafka_client_explain_login(&k->client, err, reason);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct kafka_sink *k = opaque;

    switch (err) {
    case RD_KAFKA_RESP_ERR__FATAL:
        kafka_on_fatal(k);
        break;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        if (kafka_is_new_trouble(k, TROUBLE_UNREACHABLE) && !(k->troubles & TROUBLE_REFUSED))
            sink_report(&k->sink, LOG_WARNING, "no Kafka broker can be reached (%s); alerts wait",
                        k->last_reason[0] ? k->last_reason : reason);
        break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
        if (kafka_is_new_trouble(k, TROUBLE_REFUSED))
            say_refused(k, (rd_kafka_resp_err_t)err, reason);
        if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION)
            kafka_client_renew_password(&k->client, k->producer, LOG_DEBUG);
        break;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
        /* one broker of perhaps several: the cluster goes on, and says if it does not */
        (void)snprintf(k->last_reason, sizeof(k->last_reason), "%s", reason);
        sink_report(&k->sink, LOG_DEBUG, "%s", reason);
        break;
    default:
        sink_report(&k->sink, kafka_is_new_trouble(k, TROUBLE_OTHER) ? LOG_WARNING : LOG_DEBUG, "%s: %s",
                    rd_kafka_err2name((rd_kafka_resp_err_t)err), reason);
        break;
    }
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct kafka_sink *k = rd_kafka_opaque(rk);

    /* "Coordinator load in progress: retrying", right after a cluster's start */
    if (strcmp(facility, "GETPID") == 0)
        level = LOG_DEBUG;
    kafka_client_say_log(&k->client, level, facility, text);
}

static void on_throttle(rd_kafka_t *rk, const char *broker, int32_t broker_id, int msec, void *opaque)
{
    struct kafka_sink *k = opaque;

    kafka_client_say_throttle(&k->client, broker, msec);
}

void kafka_set_callbacks(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_throttle_cb(conf, on_throttle);
}

void kafka_arm_stall(struct kafka_sink *k)
{
    if (!k->stall)
        return;
    k->n_delivered_before = k->n_delivered;
    if (sd_event_source_set_time_relative(k->stall, (uint64_t)STALL_USEC) >= 0)
        (void)sd_event_source_set_enabled(k->stall, SD_EVENT_ONESHOT);
}

int kafka_on_stall(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct kafka_sink *k = userdata;

    if (k->n_out == 0)
        return 0;
    /* other troubles have been said, and that alerts wait with them */
    if (k->n_delivered == k->n_delivered_before && k->troubles == 0 &&
        kafka_is_new_trouble(k, TROUBLE_STALLED))
        sink_report(
            &k->sink, LOG_WARNING,
            "topic '%s' has taken no alert for %d s, and no broker says why (too few replicas in sync?); "
            "alerts wait",
            k->topic, KAFKA_STALL_SEC);
    kafka_arm_stall(k);
    return 0;
}
