/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Alerts into a Kafka topic, through librdkafka's producer. The document's key is the message's key, so that
 * all alerts of an actor keep their order in one partition.
 *
 * Nothing is confirmed before the broker's delivery report. Each document taken becomes a `struct message`
 * that owns bytes and key and is in one of three lists: `out`, in librdkafka's hands, `again`, to be handed
 * over once more, or `letters` (kafka-letter.c). A report of success confirms; a report that this very
 * message cannot be taken (too large, malformed) makes it a dead letter; any other failure (timed out, no
 * such topic, not authorised, purged) is about the cluster or the configuration, not the alert, and puts the
 * message into `again`. While `again` holds anything new documents are refused with -EAGAIN: they would
 * overtake. The operator's remedy then needs no restart.
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
 * one runs while something waits to be tried again, and one while something is `out`. Without a loop (replay)
 * the queue is drained in write and flush.
 *
 * A fatal error (an idempotent producer that lost its sequence) ends this producer, not the sink: all that
 * belongs to one life of a producer is made in producer_open() and released in producer_close(), and the
 * messages outlive it. The next retry closes it, moves `out` to `again`, and opens a new one. What the old
 * one had sent without hearing of it comes twice, under the same id. A producer that cannot be made (its
 * password file is gone) is tried again in the same way.
 *
 * rd_kafka_destroy() waits for librdkafka's threads, some milliseconds; one that hangs in the resolver holds
 * the loop for as long. That is the price of remaking, which is rare.
 */
#include "sink/kafka.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <time.h>

#include "util/parse.h"

/* chosen: a topic that was created, or a right that was granted, is seen soon, and a refusal costs nothing */
#define RETRY_USEC (1 * USEC_PER_SEC)

static struct message *message_new(const struct document *document, uint64_t ticket)
{
    size_t key_len = document->key.len, id_len = document->id.len;
    struct message *m = malloc(sizeof(*m) + document->bytes.len + key_len + id_len);

    if (!m)
        return NULL;
    *m = (struct message){.ticket = ticket, .len = document->bytes.len, .key_len = key_len, .id_len = id_len};
    if (m->len > 0)
        memcpy(m->bytes, document->bytes.data, m->len);
    if (key_len > 0)
        memcpy(m->bytes + m->len, document->key.data, key_len);
    if (id_len > 0)
        memcpy(m->bytes + m->len + key_len, document->id.data, id_len);
    return m;
}

struct message *kafka_message_free(struct message *m)
{
    if (m)
        buffer_done(&m->letter);
    free(m);
    return NULL;
}

static void free_all(struct message_list *list)
{
    struct message *m;

    while ((m = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, m, link);
        kafka_message_free(m);
    }
}

/* In the order of tickets, from the end: usually that is where it belongs. */
static void insert_again(struct kafka_sink *k, struct message *m)
{
    struct message *before = TAILQ_LAST(&k->again, message_list);

    while (before && before->ticket > m->ticket)
        before = TAILQ_PREV(before, message_list, link);
    if (before)
        TAILQ_INSERT_AFTER(&k->again, before, m, link);
    else
        TAILQ_INSERT_HEAD(&k->again, m, link);
}

/* m is in no list: it waits for another try. */
static void put_again(struct kafka_sink *k, struct message *m, rd_kafka_resp_err_t err)
{
    if (!k->is_dead && kafka_is_new_trouble(k, TROUBLE_DELIVERY))
        sink_report(&k->sink, LOG_WARNING, "cannot deliver to topic '%s': %s; alerts wait", k->topic,
                    rd_kafka_err2str(err));
    insert_again(k, m);
}

/* The delivery report: librdkafka calls it from drain(), in the loop's thread. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *report, void *opaque)
{
    struct kafka_sink *k = opaque;
    struct message *m = report->_private;

    TAILQ_REMOVE(&k->out, m, link);
    k->n_out--;
    k->is_alone_out = false;
    if (m->stage != LETTER_NONE) {
        kafka_letter_reported(k, m, report->err);
    } else if (report->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (k->troubles)
            sink_report(&k->sink, LOG_NOTICE, "topic '%s' takes alerts again", k->topic);
        k->troubles = 0;
        k->n_delivered++;
        sink_confirm(&k->sink, m->ticket, 0, NULL);
        kafka_message_free(m);
    } else if (!kafka_is_about_message(report->err)) {
        put_again(k, m, report->err);
    } else if (m->goes_alone) {
        kafka_refuse(k, m, report->err);
    } else {
        /* no trouble yet: perhaps only its company was too much */
        m->goes_alone = true;
        insert_again(k, m);
    }
}

rd_kafka_resp_err_t kafka_produce(struct kafka_sink *k, struct message *m)
{
    bool is_letter = m->stage != LETTER_NONE;
    struct slice value = is_letter ? buffer_slice(&m->letter) : slice_new(m->bytes, m->len);
    /* the macro compares what it is given with 0: no expression */
    char *key = m->key_len > 0 ? m->bytes + m->len : NULL;
    rd_kafka_resp_err_t err;

    err = rd_kafka_producev(k->producer, RD_KAFKA_V_TOPIC(is_letter ? k->dead_letter_topic : k->topic),
                            RD_KAFKA_V_VALUE((char *)(uintptr_t)value.data, value.len),
                            RD_KAFKA_V_KEY(key, m->key_len), RD_KAFKA_V_OPAQUE(m), RD_KAFKA_V_END);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err;
    TAILQ_INSERT_TAIL(&k->out, m, link);
    k->n_out++;
    k->is_alone_out = m->goes_alone;
    if (k->stall && sd_event_source_get_enabled(k->stall, NULL) == 0)
        kafka_arm_stall(k);
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
        err = kafka_produce(k, m);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        if (kafka_is_about_message(err)) {
            kafka_refuse(k, m, err);
            continue;
        }
        TAILQ_INSERT_HEAD(&k->again, m, link);
        if (err == RD_KAFKA_RESP_ERR__FATAL)
            kafka_on_fatal(k);
        return;
    }
}

/* All that librdkafka has for us: calls the callbacks. A callback may write again, and then must not come
 * here. */
static void drain(struct kafka_sink *k)
{
    if (k->is_draining || !k->producer)
        return;
    k->is_draining = true;
    while (rd_kafka_poll(k->producer, 0) > 0)
        ;
    k->is_draining = false;
    kafka_take_probe(k);
}

/* While anything waits there is a timer; one that runs is left alone, or a stream of wake-ups would put it
 * off. */
static int arm_retry(struct kafka_sink *k)
{
    int r;

    if (!k->retry ||
        (!k->is_dead && k->probe != PROBE_FAILED && TAILQ_EMPTY(&k->again) && TAILQ_EMPTY(&k->letters)))
        return 0;
    r = sd_event_source_get_enabled(k->retry, NULL);
    if (r != 0)
        return r < 0 ? r : 0;
    r = sd_event_source_set_time_relative(k->retry, (uint64_t)RETRY_USEC);
    return r < 0 ? r : sd_event_source_set_enabled(k->retry, SD_EVENT_ONESHOT);
}

static int producer_open(struct kafka_sink *k, struct diag_list *diags)
{
    _cleanup_(kafka_conf_destroyp) rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[KAFKA_ERROR_SIZE] = "";
    uint64_t one = 1;
    int r;

    r = kafka_fill_conf(k, conf, diags);
    if (r < 0)
        return r;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    k->producer = kafka_client_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (!k->producer)
        return diag_add(diags, NULL, 0, 0, "sink '%s': %s", k->sink.name, text);
    conf = NULL; /* the producer's now */
    k->is_dead = false;
    k->queue = rd_kafka_queue_get_main(k->producer);
    (void)rd_kafka_set_log_queue(k->producer, NULL);
    if (k->wake)
        rd_kafka_queue_io_event_enable(k->queue, k->wake_fd, &one, sizeof(one));
    /* what came before the wake-up was set */
    drain(k);
    if (k->probe != PROBE_OFF)
        kafka_probe_topic(k);
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
    if (k->probe_queue)
        rd_kafka_queue_destroy(k->probe_queue);
    k->probe_queue = NULL;
    /* nothing is delivered on the way out: who wants that flushes before */
    (void)rd_kafka_purge(k->producer,
                         RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_destroy(k->producer);
    k->producer = NULL;
}

/* A new producer for one that is dead; what the old one had is to be sent again. Where none can be made it
 * stays dead. Not within a callback of the old one. */
static void remake(struct kafka_sink *k)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    struct message *m;
    int r;

    producer_close(k);
    while ((m = TAILQ_FIRST(&k->out))) {
        TAILQ_REMOVE(&k->out, m, link);
        if (m->stage == LETTER_NONE) {
            insert_again(k, m);
        } else {
            TAILQ_INSERT_TAIL(&k->letters, m, link);
            k->n_letters++;
        }
    }
    k->n_out = 0;
    k->is_alone_out = false;
    r = producer_open(k, &diags);
    if (r < 0) {
        if (kafka_is_new_trouble(k, TROUBLE_OTHER))
            sink_report(&k->sink, LOG_ERR, "cannot make a new Kafka producer: %s; alerts wait",
                        diags.n > 0 ? diags.items[0].message : strerror(-r));
        return;
    }
    k->is_dead = false;
    k->n_remade++;
}

static void try_again(struct kafka_sink *k)
{
    if (k->is_dead)
        remake(k);
    produce_again(k);
    kafka_send_letters(k);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct kafka_sink *k = userdata;

    drain(k);
    try_again(k);
    if (k->probe == PROBE_FAILED)
        kafka_probe_topic(k);
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
    r = sd_event_add_time_relative(event, &k->stall, CLOCK_MONOTONIC,
                                   (uint64_t)KAFKA_STALL_SEC * USEC_PER_SEC, 0, kafka_on_stall, k);
    return r < 0 ? r : sd_event_source_set_enabled(k->stall, SD_EVENT_OFF);
}

static int kafka_start(struct sink *sink, sd_event *event, struct diag_list *diags)
{
    struct kafka_sink *k = (struct kafka_sink *)sink;
    const struct kafka_settings *settings = sink->settings;
    int r = 0;

    kafka_init_client(k);
    TAILQ_INIT(&k->out);
    TAILQ_INIT(&k->again);
    TAILQ_INIT(&k->letters);
    k->topic = settings->topic;
    k->dead_letter_topic = settings->dead_letter_topic;
    k->letter_file = (struct dead_letter_file){settings->dead_letter, -1};
    if (!*k->topic)
        return diag_add(diags, NULL, 0, 0, "sink '%s': topic is empty, expected a name such as hapax.alerts",
                        sink->name);
    if (k->dead_letter_topic && strcmp(k->dead_letter_topic, k->topic) == 0)
        return diag_add(diags, NULL, 0, 0,
                        "sink '%s': dead_letter_topic is '%s', the topic of the alerts, expected another",
                        sink->name, k->topic);
    if (k->letter_file.path) {
        r = dead_letter_file_open(&k->letter_file);
        if (r < 0)
            return diag_add(diags, NULL, 0, 0, "sink '%s': cannot open the dead_letter file '%s': %s",
                            sink->name, k->letter_file.path,
                            r == -EINVAL ? "it is no regular file" : strerror(-r));
    }
    if (event) {
        r = add_sources(k, event);
        if (r < 0)
            return r;
        k->probe = PROBE_FAILED;
    }
    return producer_open(k, diags);
}

static int kafka_write(struct sink *sink, const struct document *document, uint64_t ticket)
{
    struct kafka_sink *k = (struct kafka_sink *)sink;
    rd_kafka_resp_err_t err;
    struct message *m;

    if (!k->wake) {
        drain(k);
        try_again(k);
    }
    if (k->is_dead || !TAILQ_EMPTY(&k->again) || k->is_alone_out || kafka_has_too_many_letters(k))
        return -EAGAIN;
    m = message_new(document, ticket);
    if (!m)
        return -ENOMEM;
    err = kafka_produce(k, m);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        kafka_message_free(m);
        return -EAGAIN;
    }
    if (err == RD_KAFKA_RESP_ERR__FATAL) {
        kafka_on_fatal(k);
        insert_again(k, m);
    } else if (kafka_is_about_message(err)) {
        kafka_refuse(k, m, err);
    } else {
        put_again(k, m, err);
    }
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
    if (TAILQ_EMPTY(&k->again) && TAILQ_EMPTY(&k->letters) && !k->is_dead)
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

        try_again(k);
        if (TAILQ_EMPTY(&k->out) && TAILQ_EMPTY(&k->again) && TAILQ_EMPTY(&k->letters))
            return 0;
        /* without a producer there is nothing to wait for */
        if (!k->producer || passed_usec >= timeout_usec)
            return -ETIMEDOUT;
        wait_for_reports(k, timeout_usec - passed_usec);
    }
}

/* SIGHUP: the file of dead letters by its name, the password out of its file. */
static int kafka_reopen(struct sink *sink)
{
    struct kafka_sink *k = (struct kafka_sink *)sink;
    int r = 0;

    kafka_client_renew_password(&k->client, k->producer, LOG_WARNING);
    if (k->letter_file.path)
        r = dead_letter_file_open(&k->letter_file);
    if (r < 0)
        sink_report(sink, LOG_ERR, "cannot reopen '%s': %s; dead letters go to the file that was open",
                    k->letter_file.path, strerror(-r));
    return r;
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
    free_all(&k->letters);
    dead_letter_file_close(&k->letter_file);
}

const struct sink_driver kafka_sink = {
    .name = "kafka",
    .summary = "sends alerts to a Kafka topic, keyed by actor or host",
    .options = &kafka_option_table,
    .struct_size = sizeof(struct kafka_sink),
    .check = kafka_check,
    .start = kafka_start,
    .write = kafka_write,
    .flush = kafka_flush,
    .reopen = kafka_reopen,
    .done = kafka_done,
};
