/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Alerts into a Kafka topic, through librdkafka's producer. The document's key is the message's key, so that
 * all alerts of an actor keep their order in one partition.
 *
 * Nothing is confirmed before the broker's delivery report. Each document taken becomes a `struct message`
 * that owns bytes and key and is in one of two lists: `out`, in librdkafka's hands, or `again`, to be handed
 * over once more. A report of success confirms; a report that this very message cannot be taken (too large,
 * malformed) confirms with that error; any other failure (timed out, no such topic, not authorised, purged)
 * is about the cluster or the configuration, not the alert, and puts the message into `again`. While `again`
 * holds anything new documents are refused with -EAGAIN: they would overtake. The operator's remedy then
 * needs no restart.
 *
 * "Too large" from a broker may be about a batch in which the message only happened to travel (librdkafka
 * does not split one): such a message is tried once more with nothing else in flight before it is given up.
 *
 * By default a message never times out (message.timeout.ms=0): it stays in librdkafka, which knows best when
 * a broker is back. librdkafka's queue is bounded low, for the outbox is the buffer (rsyslog's omkafka: a
 * queue of 100,000 in memory that a stop loses, issue rsyslog#796).
 *
 * librdkafka's threads only wake the loop: it writes to an eventfd when its main queue is no longer empty,
 * and all callbacks (reports, errors, log lines) run in the loop's thread, within drain(). No timer polls:
 * one runs while `again` waits, and one while something is `out`. Without a loop (replay) the queue is
 * drained in write and flush.
 *
 * What an operator hears is changes of state, not librdkafka's stream of repeated errors: each trouble once,
 * until the next delivery ends all troubles. Some troubles librdkafka keeps to itself, since it goes on
 * trying (too few replicas in sync, a topic not known yet): that nothing has been delivered for long is said,
 * too.
 *
 * A fatal error (an idempotent producer that lost its sequence) ends this producer: writes fail with -EIO and
 * nothing more is confirmed; what was taken is in the outbox still. All that belongs to one life of a
 * producer is made in producer_open() and released in producer_close(), and the messages outlive it, so that
 * remaking it is: close, move `out` to `again`, open.
 */
#include "sink/driver.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <syslog.h>
#include <time.h>

#include <librdkafka/rdkafka.h>

#include "util/parse.h"

/* chosen: a topic that was created, or a right that was granted, is seen soon, and a refusal costs nothing */
#define RETRY_USEC (1 * USEC_PER_SEC)
/* chosen: longer than a partition's change to another leader takes, which begins when the session of the old
 * one is over (Kafka's broker.session.timeout.ms, 9 s) */
#define STALL_SEC  15
#define STALL_USEC (STALL_SEC * USEC_PER_SEC)
/* librdkafka's own error texts are below this (rdkafka examples use 512) */
#define ERROR_TEXT_SIZE 512U

struct kafka_settings {
    char *topic;
    struct property_list properties;
};

struct message {
    TAILQ_ENTRY(message) link;
    uint64_t ticket;
    bool goes_alone; /* refused as too large, perhaps for its company */
    bool has_key;
    size_t len, key_len;
    char bytes[]; /* the document, then the key */
};

TAILQ_HEAD(message_list, message);

enum trouble {
    TROUBLE_UNREACHABLE = 1 << 0, /* no broker answers */
    TROUBLE_REFUSED = 1 << 1,     /* TLS or credentials */
    TROUBLE_DELIVERY = 1 << 2,    /* a delivery failed and is tried again */
    TROUBLE_STALLED = 1 << 3,     /* nothing is delivered, nobody says why */
    TROUBLE_OTHER = 1 << 4,
};

struct kafka_sink {
    struct sink sink;
    const char *topic;
    rd_kafka_t *producer;
    rd_kafka_queue_t *queue; /* the producer's main queue */
    struct message_list out, again;
    size_t n_out;
    bool is_alone_out;                 /* the one in `out` must stay alone */
    bool is_dead;                      /* fatal error */
    bool is_draining;                  /* within a callback */
    unsigned troubles;                 /* enum trouble: said */
    char last_reason[ERROR_TEXT_SIZE]; /* of the last broker that failed */
    int wake_fd;
    uint64_t n_delivered, n_delivered_before; /* before: when the timer `stall` was armed */
    sd_event_source *wake, *retry, *stall;
};

static const struct option kafka_options[] = {
    {
        .name = "topic",
        .type = OPTION_STRING,
        .offset = offsetof(struct kafka_settings, topic),
        .default_text = "hapax.alerts",
        .help = "topic that alerts are sent to",
    },
    {
        .name = "kafka",
        .type = OPTION_PROPERTIES,
        .offset = offsetof(struct kafka_settings, properties),
        .help = "any property of librdkafka, passed through untouched; bootstrap.servers must be set",
    },
};

static const struct option_table kafka_table = {kafka_options, ARRAY_SIZE(kafka_options),
                                                sizeof(struct kafka_settings)};

/* What we set before the user's properties, which win. */
static const struct {
    const char *name, *value;
} defaults[] = {
    {"client.id", "hapax"},
    {"enable.idempotence", "true"},
    {"acks", "all"},
    /* an alert waits for nobody: 0.38 ms instead of 6.3 ms at the 99th percentile (measured 2026-11) */
    {"linger.ms", "0"},
    {"message.timeout.ms", "0"},
    /* chosen: keeps a fast producer busy, and is all that a kill sends twice */
    {"queue.buffering.max.messages", "10000"},
    {"queue.buffering.max.kbytes", "65536"},
};

/* What a user must not set, since nothing would be confirmed any more. */
static const struct {
    const char *name, *why;
} refused[] = {
    {"delivery.report.only.error", "every alert is kept until its delivery is reported"},
    {"enabled_events", "every alert is kept until its delivery is reported"},
    {"transactional.id", "the sink does not use transactions"},
    {"log.queue", "the log is read from librdkafka's queue"},
};

static struct message *message_new(const struct document *document, uint64_t ticket)
{
    size_t key_len = document->key.len;
    struct message *m = malloc(sizeof(*m) + document->bytes.len + key_len);

    if (!m)
        return NULL;
    *m = (struct message){
        .ticket = ticket, .has_key = key_len > 0, .len = document->bytes.len, .key_len = key_len};
    if (m->len > 0)
        memcpy(m->bytes, document->bytes.data, m->len);
    if (key_len > 0)
        memcpy(m->bytes + m->len, document->key.data, key_len);
    return m;
}

static void free_all(struct message_list *list)
{
    struct message *m;

    while ((m = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, m, link);
        free(m);
    }
}

/* About this message, whatever the cluster's state: asking again cannot help. */
static bool is_about_message(rd_kafka_resp_err_t err)
{
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
        return true;
    default:
        return false;
    }
}

static bool is_new_trouble(struct kafka_sink *k, enum trouble trouble)
{
    bool is_new = !(k->troubles & trouble);

    k->troubles |= trouble;
    return is_new;
}

static void confirm_failed(struct kafka_sink *k, struct message *m, rd_kafka_resp_err_t err)
{
    sink_confirm(&k->sink, m->ticket, err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? -EMSGSIZE : -EBADMSG,
                 rd_kafka_err2str(err));
    free(m);
}

/* m is in no list: it waits for another try. */
static void put_again(struct kafka_sink *k, struct message *m, rd_kafka_resp_err_t err)
{
    if (is_new_trouble(k, TROUBLE_DELIVERY) && !k->is_dead)
        sink_report(&k->sink, LOG_WARNING, "cannot deliver to topic '%s': %s; alerts wait", k->topic,
                    rd_kafka_err2str(err));
    TAILQ_INSERT_TAIL(&k->again, m, link);
}

/* The delivery report: librdkafka calls it from drain(), in the loop's thread. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *report, void *opaque)
{
    struct kafka_sink *k = opaque;
    struct message *m = report->_private;

    TAILQ_REMOVE(&k->out, m, link);
    k->n_out--;
    k->is_alone_out = false;
    if (report->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (k->troubles)
            sink_report(&k->sink, LOG_NOTICE, "topic '%s' takes alerts again", k->topic);
        k->troubles = 0;
        k->n_delivered++;
        sink_confirm(&k->sink, m->ticket, 0, NULL);
        free(m);
    } else if (is_about_message(report->err) && m->goes_alone) {
        confirm_failed(k, m, report->err);
    } else if (is_about_message(report->err)) {
        /* no trouble yet: perhaps only its company was too much */
        m->goes_alone = true;
        TAILQ_INSERT_TAIL(&k->again, m, link);
    } else {
        put_again(k, m, report->err);
    }
}

static void on_fatal(struct kafka_sink *k)
{
    char text[ERROR_TEXT_SIZE] = "";

    (void)rd_kafka_fatal_error(k->producer, text, sizeof(text));
    if (!k->is_dead)
        sink_report(&k->sink, LOG_ERR, "the Kafka producer is broken: %s; restart to send what is kept",
                    text);
    k->is_dead = true;
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct kafka_sink *k = opaque;

    switch (err) {
    case RD_KAFKA_RESP_ERR__FATAL:
        on_fatal(k);
        break;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        if (is_new_trouble(k, TROUBLE_UNREACHABLE))
            sink_report(&k->sink, LOG_WARNING, "no Kafka broker can be reached (%s); alerts wait",
                        k->last_reason[0] ? k->last_reason : reason);
        break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
        if (is_new_trouble(k, TROUBLE_REFUSED))
            sink_report(&k->sink, LOG_WARNING, "a Kafka broker refuses us: %s", reason);
        break;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
        /* one broker of perhaps several: the cluster goes on, and says if it does not */
        (void)snprintf(k->last_reason, sizeof(k->last_reason), "%s", reason);
        sink_report(&k->sink, LOG_DEBUG, "%s", reason);
        break;
    default:
        sink_report(&k->sink, is_new_trouble(k, TROUBLE_OTHER) ? LOG_WARNING : LOG_DEBUG, "%s: %s",
                    rd_kafka_err2name(err), reason);
        break;
    }
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct kafka_sink *k = rd_kafka_opaque(rk);

    /* connections that fail come as errors, too, and are judged there */
    if (strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0 || strcmp(facility, "FATAL") == 0)
        level = LOG_DEBUG;
    /* what ends anything for us is decided here, not by the library */
    sink_report(&k->sink, MAX(level, LOG_WARNING), "librdkafka: %s: %s", facility, text);
}

static int arm_stall(struct kafka_sink *k)
{
    int r;

    k->n_delivered_before = k->n_delivered;
    r = sd_event_source_set_time_relative(k->stall, (uint64_t)STALL_USEC);
    return r < 0 ? r : sd_event_source_set_enabled(k->stall, SD_EVENT_ONESHOT);
}

static int on_stall(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct kafka_sink *k = userdata;

    if (TAILQ_EMPTY(&k->out) || k->is_dead)
        return 0;
    /* other troubles have been said, and that alerts wait with them */
    if (k->n_delivered == k->n_delivered_before && k->troubles == 0 && is_new_trouble(k, TROUBLE_STALLED))
        sink_report(
            &k->sink, LOG_WARNING,
            "topic '%s' has taken no alert for %d s, and no broker says why (too few replicas in sync?); "
            "alerts wait",
            k->topic, STALL_SEC);
    return arm_stall(k);
}

/* Hands one message to librdkafka: into `out`, or its error. m is in no list. */
static rd_kafka_resp_err_t produce(struct kafka_sink *k, struct message *m)
{
    rd_kafka_resp_err_t err;

    err = rd_kafka_producev(k->producer, RD_KAFKA_V_TOPIC(k->topic), RD_KAFKA_V_VALUE(m->bytes, m->len),
                            RD_KAFKA_V_KEY(m->has_key ? m->bytes + m->len : NULL, m->key_len),
                            RD_KAFKA_V_OPAQUE(m), RD_KAFKA_V_END);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err;
    TAILQ_INSERT_TAIL(&k->out, m, link);
    k->n_out++;
    k->is_alone_out = m->goes_alone;
    /* without memory for the timer we only say less */
    if (k->stall && sd_event_source_get_enabled(k->stall, NULL) == 0)
        (void)arm_stall(k);
    return err;
}

/* Hands over what waits, in its order, as far as it is taken. */
static void produce_again(struct kafka_sink *k)
{
    struct message *m;

    while (!k->is_dead && !k->is_alone_out && (m = TAILQ_FIRST(&k->again))) {
        rd_kafka_resp_err_t err;

        if (m->goes_alone && k->n_out > 0)
            return;
        TAILQ_REMOVE(&k->again, m, link);
        err = produce(k, m);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        if (is_about_message(err)) {
            confirm_failed(k, m, err);
            continue;
        }
        TAILQ_INSERT_HEAD(&k->again, m, link);
        return;
    }
}

/* All that librdkafka has for us: calls the callbacks. A callback may write again, and then must not come
 * here. */
static void drain(struct kafka_sink *k)
{
    if (k->is_draining)
        return;
    k->is_draining = true;
    while (rd_kafka_poll(k->producer, 0) > 0)
        ;
    k->is_draining = false;
}

/* While anything waits there is a timer; one that runs is left alone, or a stream of wake-ups would put it
 * off. */
static int arm_retry(struct kafka_sink *k)
{
    int r;

    if (!k->retry || k->is_dead || TAILQ_EMPTY(&k->again))
        return 0;
    r = sd_event_source_get_enabled(k->retry, NULL);
    if (r != 0)
        return r < 0 ? r : 0;
    r = sd_event_source_set_time_relative(k->retry, (uint64_t)RETRY_USEC);
    return r < 0 ? r : sd_event_source_set_enabled(k->retry, SD_EVENT_ONESHOT);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct kafka_sink *k = userdata;

    drain(k);
    produce_again(k);
    return arm_retry(k);
}

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct kafka_sink *k = userdata;
    uint64_t n;

    /* before draining: what comes after the last poll must wake us again */
    if (read(fd, &n, sizeof(n)) < 0 && errno != EAGAIN && errno != EINTR)
        return -errno;
    drain(k);
    /* no trouble is known: what waits need not wait for the timer */
    if (k->troubles == 0)
        produce_again(k);
    return arm_retry(k);
}

/* 0, or 1: a problem went to diags. */
static int set_property(struct kafka_sink *k, rd_kafka_conf_t *conf, const struct property *p,
                        struct diag_list *diags)
{
    char text[ERROR_TEXT_SIZE] = "";

    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        if (strcmp(p->name, refused[i].name) == 0) {
            (void)diag_add(diags, NULL, 0, 0, "sink '%s': kafka.%s cannot be set: %s", k->sink.name, p->name,
                           refused[i].why);
            return 1;
        }
    if (rd_kafka_conf_set(conf, p->name, p->value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
        return 0;
    (void)diag_add(diags, NULL, 0, 0, "sink '%s': kafka.%s: %s", k->sink.name, p->name, text);
    return 1;
}

static int fill_conf(struct kafka_sink *k, rd_kafka_conf_t *conf, struct diag_list *diags)
{
    const struct kafka_settings *settings = k->sink.settings;
    size_t size = 0;
    int n_bad = 0;

    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
        rd_kafka_conf_res_t res = rd_kafka_conf_set(conf, defaults[i].name, defaults[i].value, NULL, 0);

        assert(res == RD_KAFKA_CONF_OK);
    }
    for (size_t i = 0; i < settings->properties.n; i++)
        n_bad += set_property(k, conf, &settings->properties.items[i], diags);
    /* the size counts the NUL */
    if (rd_kafka_conf_get(conf, "bootstrap.servers", NULL, &size) != RD_KAFKA_CONF_OK || size <= 1) {
        (void)diag_add(diags, NULL, 0, 0,
                       "sink '%s': kafka.bootstrap.servers is not set, expected one broker at least, such as "
                       "kafka1.example:9092",
                       k->sink.name);
        n_bad++;
    }
    if (n_bad > 0)
        return -EINVAL;
    if (rd_kafka_conf_set(conf, "log.queue", "true", NULL, 0) != RD_KAFKA_CONF_OK)
        return -EINVAL;
    rd_kafka_conf_set_opaque(conf, k);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    return 0;
}

static void destroy_conf(rd_kafka_conf_t **conf)
{
    if (*conf)
        rd_kafka_conf_destroy(*conf);
}

/* rd_kafka_new() with every signal blocked: its threads inherit that, and signals stay the loop's. */
static rd_kafka_t *producer_new(rd_kafka_conf_t *conf, char *reterr_text, size_t size)
{
    rd_kafka_t *producer;
    sigset_t all, old;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reterr_text, size);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return producer;
}

static int producer_open(struct kafka_sink *k, struct diag_list *diags)
{
    _cleanup_(destroy_conf) rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[ERROR_TEXT_SIZE] = "";
    uint64_t one = 1;
    int r;

    r = fill_conf(k, conf, diags);
    if (r < 0)
        return r;
    k->producer = producer_new(conf, text, sizeof(text));
    if (!k->producer)
        return diag_add(diags, NULL, 0, 0, "sink '%s': %s", k->sink.name, text);
    conf = NULL; /* the producer's now */
    k->queue = rd_kafka_queue_get_main(k->producer);
    (void)rd_kafka_set_log_queue(k->producer, NULL);
    if (k->wake)
        rd_kafka_queue_io_event_enable(k->queue, k->wake_fd, &one, sizeof(one));
    /* what came before the wake-up was set */
    drain(k);
    return 0;
}

/* Ends one life of a producer; the messages stay, none is librdkafka's any more. */
static void producer_close(struct kafka_sink *k)
{
    if (!k->producer)
        return;
    if (k->wake)
        rd_kafka_queue_io_event_enable(k->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(k->queue);
    k->queue = NULL;
    /* nothing is delivered on the way out: who wants that flushes before */
    (void)rd_kafka_purge(k->producer,
                         RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_destroy(k->producer);
    k->producer = NULL;
}

static int add_sources(struct kafka_sink *k, sd_event *event)
{
    _cleanup_(closep) int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r;

    if (fd < 0)
        return -errno;
    r = sd_event_add_io(event, &k->wake, fd, EPOLLIN, on_wake, k);
    if (r < 0)
        return r;
    r = sd_event_source_set_io_fd_own(k->wake, true);
    if (r < 0)
        return r;
    k->wake_fd = TAKE_FD(fd);
    r = sd_event_add_time_relative(event, &k->retry, CLOCK_MONOTONIC, (uint64_t)RETRY_USEC, 0, on_retry, k);
    if (r < 0)
        return r;
    r = sd_event_source_set_enabled(k->retry, SD_EVENT_OFF);
    if (r < 0)
        return r;
    r = sd_event_add_time_relative(event, &k->stall, CLOCK_MONOTONIC, (uint64_t)STALL_USEC, 0, on_stall, k);
    return r < 0 ? r : sd_event_source_set_enabled(k->stall, SD_EVENT_OFF);
}

static int kafka_start(struct sink *sink, sd_event *event, struct diag_list *diags)
{
    struct kafka_sink *k = (struct kafka_sink *)sink;
    const struct kafka_settings *settings = sink->settings;
    int r = 0;

    TAILQ_INIT(&k->out);
    TAILQ_INIT(&k->again);
    k->topic = settings->topic;
    if (!*k->topic)
        return diag_add(diags, NULL, 0, 0, "sink '%s': topic is empty, expected a name such as hapax.alerts",
                        sink->name);
    if (event)
        r = add_sources(k, event);
    return r < 0 ? r : producer_open(k, diags);
}

static int kafka_write(struct sink *sink, const struct document *document, uint64_t ticket)
{
    struct kafka_sink *k = (struct kafka_sink *)sink;
    rd_kafka_resp_err_t err;
    struct message *m;

    if (!k->wake) {
        drain(k);
        produce_again(k);
    }
    if (k->is_dead)
        return -EIO;
    if (!TAILQ_EMPTY(&k->again) || k->is_alone_out)
        return -EAGAIN;
    m = message_new(document, ticket);
    if (!m)
        return -ENOMEM;
    err = produce(k, m);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL || err == RD_KAFKA_RESP_ERR__FATAL) {
        free(m);
        if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return -EAGAIN;
        on_fatal(k);
        return -EIO;
    }
    if (is_about_message(err)) {
        confirm_failed(k, m, err);
        return 0;
    }
    put_again(k, m, err);
    return arm_retry(k);
}

static int64_t now_usec(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

/* Waits for librdkafka at most left_usec; calls the callbacks. */
static void wait_for_reports(struct kafka_sink *k, int64_t left_usec)
{
    int timeout_ms = (int)MIN((left_usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC, (int64_t)INT_MAX);

    k->is_draining = true;
    if (TAILQ_EMPTY(&k->again))
        (void)rd_kafka_flush(k->producer, timeout_ms);
    else
        /* chosen: what waits is tried again ten times a second, for a flush is the last chance */
        (void)rd_kafka_poll(k->producer, MIN(timeout_ms, 100));
    k->is_draining = false;
}

static int kafka_flush(struct sink *sink, int64_t timeout_usec)
{
    struct kafka_sink *k = (struct kafka_sink *)sink;
    int64_t start_usec = now_usec();

    drain(k);
    for (;;) {
        int64_t passed_usec = now_usec() - start_usec;

        produce_again(k);
        if (TAILQ_EMPTY(&k->out) && TAILQ_EMPTY(&k->again))
            return 0;
        if (k->is_dead || passed_usec >= timeout_usec)
            return -ETIMEDOUT;
        wait_for_reports(k, timeout_usec - passed_usec);
    }
}

static void kafka_done(struct sink *sink)
{
    struct kafka_sink *k = (struct kafka_sink *)sink;

    producer_close(k);
    k->retry = sd_event_source_disable_unref(k->retry);
    k->stall = sd_event_source_disable_unref(k->stall);
    k->wake = sd_event_source_disable_unref(k->wake);
    free_all(&k->out);
    free_all(&k->again);
}

const struct sink_driver kafka_sink = {
    .name = "kafka",
    .summary = "sends alerts to a Kafka topic, keyed by actor or host",
    .options = &kafka_table,
    .struct_size = sizeof(struct kafka_sink),
    .start = kafka_start,
    .write = kafka_write,
    .flush = kafka_flush,
    .done = kafka_done,
};
