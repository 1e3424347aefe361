/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The Kafka sink against a cluster in another process, over TCP; what arrived is consumed back. Settings come
 * through the configuration, as they do in the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#include "config/config.h"
#include "fixture.h"
#include "mock-kafka-path.h"
#include "util/parse.h"

/* Kafka protocol, error codes */
#define UNKNOWN_TOPIC_OR_PARTITION "3"
#define MESSAGE_TOO_LARGE          "10"
#define OUT_OF_ORDER_SEQUENCE      "45"

/* chosen: far more than a loaded machine needs, so that only a broken sink runs into it */
#define PATIENCE_USEC (30 * USEC_PER_SEC)

struct cluster {
    pid_t pid;
    FILE *to, *from;
    char ports[256];
};

static struct heard heard;
static struct cluster cluster;

static void read_line(FILE *from, char *line, int size)
{
    cr_assert_not_null(fgets(line, size, from), "the mock cluster is gone");
    line[strcspn(line, "\n")] = '\0';
}

static void start_cluster(void)
{
    char *const argv[] = {(char *)(uintptr_t)MOCK_KAFKA, (char *)(uintptr_t) "-",
                          (char *)(uintptr_t) "hapax.alerts:3", NULL};
    posix_spawn_file_actions_t actions;
    int to[2], from[2];

    cr_assert_eq(pipe2(to, O_CLOEXEC), 0);
    cr_assert_eq(pipe2(from, O_CLOEXEC), 0);
    cr_assert_eq(posix_spawn_file_actions_init(&actions), 0);
    cr_assert_eq(posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO), 0);
    cr_assert_eq(posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO), 0);
    cr_assert_eq(posix_spawn(&cluster.pid, MOCK_KAFKA, &actions, NULL, argv, environ), 0);
    cr_assert_eq(posix_spawn_file_actions_destroy(&actions), 0);
    (void)close(to[0]);
    (void)close(from[1]);
    cluster.to = fdopen(to[1], "w");
    cluster.from = fdopen(from[0], "r");
    cr_assert(cluster.to && cluster.from);
    read_line(cluster.from, cluster.ports, sizeof(cluster.ports));
}

static void stop_cluster(void)
{
    if (cluster.pid <= 0)
        return;
    /* the end of its input is the end of it */
    (void)fclose(cluster.to);
    (void)fclose(cluster.from);
    (void)waitpid(cluster.pid, NULL, 0);
    cluster.pid = 0;
}

static void tell_cluster(const char *command)
{
    char answer[64];

    cr_assert_geq(fprintf(cluster.to, "%s\n", command), 0);
    cr_assert_eq(fflush(cluster.to), 0);
    read_line(cluster.from, answer, sizeof(answer));
    cr_assert_str_eq(answer, "ok", "%s", command);
}

TestSuite(kafka, .fini = stop_cluster, .timeout = 120);

/* The settings that a configuration of these assignments gives; never freed before the sink. */
struct settings_holder {
    uint64_t bytes[32];
};

static void settings_done(struct settings_holder *s)
{
    option_done(sink_driver_options(&kafka_sink), s);
}

static void fill(struct settings_holder *ret_settings, const char *const *assignments)
{
    _cleanup_(config_freep) struct config *config = NULL;
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    const struct option_table *table = sink_driver_options(&kafka_sink);

    cr_assert_leq(table->struct_size, sizeof(*ret_settings));
    cr_assert_eq(config_new(&config), 0);
    for (; *assignments; assignments++)
        cr_assert_eq(config_set(config, *assignments, &diags), 0);
    cr_assert_eq(config_apply(config, "", table, ret_settings, &diags), 0);
}

/* A sink of the running cluster, with up to two more assignments. */
static struct sink *sink_of_cluster(struct settings_holder *settings, sd_event *event, const char *more,
                                    const char *still_more)
{
    char servers[512];
    const char *const assignments[] = {servers, more, still_more, NULL};
    struct sink *sink;

    (void)snprintf(servers, sizeof(servers), "kafka.bootstrap.servers=%s", cluster.ports);
    fill(settings, assignments);
    sink = hear(&kafka_sink, settings, &heard);
    start(sink, event);
    return sink;
}

static bool was_confirmed(uint64_t ticket)
{
    int n = 0;

    for (size_t i = 0; i < heard.n_confirmed; i++)
        n += heard.confirmed[i].ticket == ticket && heard.confirmed[i].error == 0;
    return n == 1;
}

/* Runs the loop until n tickets are confirmed; the sink must wake it by itself. */
static void run_until_confirmed(sd_event *event, size_t n)
{
    while (heard.n_confirmed < n) {
        int r = sd_event_run(event, (uint64_t)PATIENCE_USEC);

        cr_assert_gt(r, 0, "nothing woke the loop, %zu of %zu confirmed", heard.n_confirmed, n);
    }
}

/* Consumes n messages from all partitions, and sees that there is not one more. Calls each(message). */
static void consume(const char *topic, size_t n, void (*each)(const rd_kafka_message_t *m))
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(3);
    char error[512] = "";
    size_t n_seen = 0, n_ends = 0;
    rd_kafka_t *consumer;

    cr_assert_eq(rd_kafka_conf_set(conf, "bootstrap.servers", cluster.ports, NULL, 0), RD_KAFKA_CONF_OK);
    cr_assert_eq(rd_kafka_conf_set(conf, "group.id", "test", NULL, 0), RD_KAFKA_CONF_OK);
    cr_assert_eq(rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0), RD_KAFKA_CONF_OK);
    consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    cr_assert_not_null(consumer, "%s", error);
    for (int32_t i = 0; i < 3; i++)
        rd_kafka_topic_partition_list_add(partitions, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    cr_assert_eq(rd_kafka_assign(consumer, partitions), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(partitions);
    while (n_seen < n || n_ends < 3) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(consumer, (int)(PATIENCE_USEC / USEC_PER_MSEC));

        cr_assert_not_null(m, "%zu of %zu messages, %zu ends", n_seen, n, n_ends);
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            n_ends++;
        } else {
            cr_assert_eq(m->err, RD_KAFKA_RESP_ERR_NO_ERROR, "%s", rd_kafka_message_errstr(m));
            n_seen++;
            each(m);
        }
        rd_kafka_message_destroy(m);
    }
    cr_assert_eq(n_seen, n);
    (void)rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
}

static char last_of_actor[4]; /* the last digit seen of each actor, for the order */
static int n_with_key, n_without_key;

static void each_alert(const rd_kafka_message_t *m)
{
    struct slice bytes = slice_new(m->payload, m->len), key = slice_new(m->key, m->key_len);
    char actor, digit, expected[32];

    cr_assert_eq(bytes.len, 17);
    actor = bytes.data[10];
    digit = bytes.data[15];
    (void)snprintf(expected, sizeof(expected), "{\"actor\":\"%c\",n:%c}", actor, digit);
    assert_slice(bytes, expected, "bytes");
    cr_assert(actor >= 'a' && actor <= 'd');
    if (actor == 'd') {
        cr_assert_null(m->key, "an empty key is no key");
        n_without_key++;
        return;
    }
    cr_assert_eq(key.len, 1);
    cr_assert_eq(key.data[0], actor);
    cr_assert_gt(digit, last_of_actor[actor - 'a'], "the order of an actor is kept");
    last_of_actor[actor - 'a'] = digit;
    n_with_key++;
}

Test(kafka, what_is_confirmed_is_in_the_topic_byte_for_byte_with_its_key)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    cr_assert_eq(sd_event_new(&event), 0);
    sink = sink_of_cluster(&settings, event, NULL, NULL);
    for (int i = 0; i < 40; i++) {
        char bytes[32], actor = (char)('a' + i % 4);
        struct document document;

        (void)snprintf(bytes, sizeof(bytes), "{\"actor\":\"%c\",n:%d}", actor, i / 4);
        document = document_of(bytes);
        document.key = actor == 'd' ? SLICE("") : slice_new(&bytes[10], 1);
        cr_assert_eq(sink_write(sink, &document, (uint64_t)i + 100), 0);
    }
    cr_assert_eq(heard.n_confirmed, 0, "nothing is confirmed before the broker has said so");
    cr_assert_eq(sink_stats(sink)->n_in_flight, 40);
    run_until_confirmed(event, 40);
    for (uint64_t i = 0; i < 40; i++)
        cr_assert(was_confirmed(i + 100), "ticket %d", (int)i + 100);
    cr_assert_eq(sink_stats(sink)->n_confirmed, 40);
    cr_assert_eq(sink_stats(sink)->n_in_flight, 0);
    cr_assert_eq(sink_flush(sink, 0), 0);
    cr_assert_eq(heard.n_reports, 0, "%s", heard.reports[0].message);
    consume("hapax.alerts", 40, each_alert);
    cr_assert_eq(n_with_key, 30);
    cr_assert_eq(n_without_key, 10);
    sink_free(sink);
}

static void each_counted(const rd_kafka_message_t *m)
{
    n_with_key += m->key_len > 0;
}

Test(kafka, without_a_loop_flush_confirms)
{
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    sink = sink_of_cluster(&settings, NULL, NULL, NULL);
    for (uint64_t i = 0; i < 100; i++)
        cr_assert_eq(write_text(sink, "{}", i), 0);
    cr_assert_eq(sink_flush(sink, PATIENCE_USEC), 0);
    cr_assert_eq(heard.n_confirmed, 100);
    for (uint64_t i = 0; i < 100; i++)
        cr_assert(was_confirmed(i), "ticket %d", (int)i);
    consume("hapax.alerts", 100, each_counted);
    cr_assert_eq(n_with_key, 100);
    sink_free(sink);
}

Test(kafka, a_full_queue_asks_for_patience_and_takes_more_after_a_confirmation)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    tell_cluster("down");
    cr_assert_eq(sd_event_new(&event), 0);
    sink = sink_of_cluster(&settings, event, "kafka.queue.buffering.max.messages=5",
                           "kafka.reconnect.backoff.max.ms=100");
    for (uint64_t i = 0; i < 5; i++)
        cr_assert_eq(write_text(sink, "{}", i), 0);
    cr_assert_eq(write_text(sink, "{}", 5), -EAGAIN);
    cr_assert_eq(sink_stats(sink)->n_in_flight, 5);
    tell_cluster("up");
    run_until_confirmed(event, 5);
    cr_assert_eq(write_text(sink, "{}", 5), 0);
    run_until_confirmed(event, 6);
    sink_free(sink);
}

Test(kafka, a_broker_that_is_gone_is_said_once_and_its_return_once)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    cr_assert_eq(sd_event_new(&event), 0);
    sink = sink_of_cluster(&settings, event, "kafka.reconnect.backoff.max.ms=100", NULL);
    cr_assert_eq(write_text(sink, "{}", 1), 0);
    run_until_confirmed(event, 1);

    tell_cluster("down");
    cr_assert_eq(write_text(sink, "{}", 2), 0);
    while (heard.n_reports < 1)
        cr_assert_gt(sd_event_run(event, (uint64_t)PATIENCE_USEC), 0);
    cr_assert_eq(heard.reports[0].level, LOG_WARNING);
    cr_assert(slice_starts_with(slice_from_string(heard.reports[0].message),
                                SLICE("no Kafka broker can be reached (")),
              "%s", heard.reports[0].message);
    cr_assert_eq(sink_flush(sink, 300 * USEC_PER_MSEC), -ETIMEDOUT);
    cr_assert_eq(heard.n_confirmed, 1, "what the broker has not got is not confirmed");
    cr_assert_eq(heard.n_reports, 1, "%s", heard.reports[1].message);

    tell_cluster("up");
    run_until_confirmed(event, 2);
    cr_assert(was_confirmed(2));
    cr_assert_eq(heard.n_reports, 2);
    cr_assert_eq(heard.reports[1].level, LOG_NOTICE);
    cr_assert_str_eq(heard.reports[1].message, "topic 'hapax.alerts' takes alerts again");

    cr_assert_eq(write_text(sink, "{}", 3), 0);
    run_until_confirmed(event, 3);
    cr_assert_eq(heard.n_reports, 2, "%s", heard.reports[2].message);
    sink_free(sink);
}

Test(kafka, a_cluster_that_is_killed_leaves_everything_unconfirmed)
{
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    sink = sink_of_cluster(&settings, NULL, NULL, NULL);
    cr_assert_eq(write_text(sink, "{}", 1), 0);
    cr_assert_eq(sink_flush(sink, PATIENCE_USEC), 0);
    cr_assert_eq(kill(cluster.pid, SIGKILL), 0);
    cr_assert_eq(waitpid(cluster.pid, NULL, 0), cluster.pid);
    cr_assert_eq(write_text(sink, "{}", 2), 0);
    cr_assert_eq(sink_flush(sink, 300 * USEC_PER_MSEC), -ETIMEDOUT);
    cr_assert_eq(heard.n_confirmed, 1);
    cr_assert_eq(sink_stats(sink)->n_in_flight, 1);
    cluster.pid = 0;
    sink_free(sink);
}

/* A delivery that fails for a reason outside the alert is not the alert's end. */
Test(kafka, a_failed_delivery_is_tried_again_until_it_succeeds)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    tell_cluster("topic hapax.alerts " UNKNOWN_TOPIC_OR_PARTITION);
    cr_assert_eq(sd_event_new(&event), 0);
    sink = sink_of_cluster(&settings, event, "kafka.topic.metadata.propagation.max.ms=0",
                           "kafka.topic.metadata.refresh.fast.interval.ms=20");
    cr_assert_eq(write_text(sink, "{}", 1), 0);
    while (heard.n_reports < 1)
        cr_assert_gt(sd_event_run(event, (uint64_t)PATIENCE_USEC), 0);
    cr_assert_eq(heard.n_confirmed, 0);
    cr_assert(slice_starts_with(slice_from_string(heard.reports[0].message),
                                SLICE("cannot deliver to topic 'hapax.alerts': ")),
              "%s", heard.reports[0].message);
    cr_assert_eq(write_text(sink, "{}", 2), -EAGAIN, "a new alert must not overtake");
    tell_cluster("topic hapax.alerts 0");
    run_until_confirmed(event, 1);
    cr_assert(was_confirmed(1));
    cr_assert_eq(write_text(sink, "{}", 2), 0);
    run_until_confirmed(event, 2);
    cr_assert(was_confirmed(2));
    sink_free(sink);
}

Test(kafka, too_large_for_the_broker_is_given_up_only_when_refused_alone)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    cr_assert_eq(sd_event_new(&event), 0);
    sink = sink_of_cluster(&settings, event, NULL, NULL);
    tell_cluster("fail " MESSAGE_TOO_LARGE " 1");
    cr_assert_eq(write_text(sink, "{}", 1), 0);
    run_until_confirmed(event, 1);
    cr_assert(was_confirmed(1), "refused once, perhaps for its company");

    tell_cluster("fail " MESSAGE_TOO_LARGE " 2");
    cr_assert_eq(write_text(sink, "{}", 2), 0);
    run_until_confirmed(event, 2);
    cr_assert_eq(heard.confirmed[1].ticket, 2);
    cr_assert_eq(heard.confirmed[1].error, -EMSGSIZE);
    cr_assert_str_eq(heard.confirmed[1].message, "Broker: Message size too large");

    cr_assert_eq(write_text(sink, "{}", 3), 0);
    run_until_confirmed(event, 3);
    cr_assert(was_confirmed(3), "the others go on");
    cr_assert_eq(heard.n_reports, 0, "%s", heard.reports[0].message);
    sink_free(sink);
}

Test(kafka, too_large_for_the_producer_is_given_up_at_once)
{
    _cleanup_(settings_done) struct settings_holder settings = {0};
    static char large[4000];
    struct sink *sink;

    start_cluster();
    sink = sink_of_cluster(&settings, NULL, "kafka.message.max.bytes=2000", NULL);
    memset(large, 'x', sizeof(large) - 1);
    cr_assert_eq(write_text(sink, large, 1), 0);
    cr_assert_eq(heard.n_confirmed, 1);
    cr_assert_eq(heard.confirmed[0].error, -EMSGSIZE);
    cr_assert_eq(sink_stats(sink)->n_failed, 1);
    cr_assert_eq(write_text(sink, "{}", 2), 0);
    cr_assert_eq(sink_flush(sink, PATIENCE_USEC), 0);
    cr_assert(was_confirmed(2));
    sink_free(sink);
}

/* A sequence that producer and broker see differently cannot be mended by this producer. */
Test(kafka, a_fatal_error_is_said_once_and_leaves_the_alert_unconfirmed)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    cr_assert_eq(sd_event_new(&event), 0);
    sink = sink_of_cluster(&settings, event, NULL, NULL);
    tell_cluster("fail " OUT_OF_ORDER_SEQUENCE " 1");
    cr_assert_eq(write_text(sink, "{}", 1), 0);
    while (heard.n_reports < 1 || heard.reports[heard.n_reports - 1].level != LOG_ERR)
        cr_assert_gt(sd_event_run(event, (uint64_t)PATIENCE_USEC), 0);
    cr_assert(slice_starts_with(slice_from_string(heard.reports[heard.n_reports - 1].message),
                                SLICE("the Kafka producer is broken: ")),
              "%s", heard.reports[heard.n_reports - 1].message);
    cr_assert_eq(write_text(sink, "{}", 2), -EIO);
    cr_assert_eq(sink_flush(sink, PATIENCE_USEC), -ETIMEDOUT, "at once: nothing can come");
    cr_assert_eq(heard.n_confirmed, 0);
    cr_assert_eq(sink_stats(sink)->n_in_flight, 1);
    for (size_t i = 0; i + 1 < heard.n_reports; i++)
        cr_assert_neq(heard.reports[i].level, LOG_ERR, "%s", heard.reports[i].message);
    sink_free(sink);
}

Test(kafka, bad_settings_are_refused_with_librdkafkas_own_words)
{
#define SERVERS "kafka.bootstrap.servers=127.0.0.1:1"
    static const struct {
        const char *assignments[3];
        const char *message;
    } rows[] = {
        {{"kafka.client.id=x"},
         "sink 'out': kafka.bootstrap.servers is not set, expected one broker at least, such as "
         "kafka1.example:9092"},
        {{SERVERS, "kafka.bootstrap.server=x"},
         "sink 'out': kafka.bootstrap.server: No such configuration property: \"bootstrap.server\""},
        {{SERVERS, "kafka.compression.codec=zip"},
         "sink 'out': kafka.compression.codec: Invalid value \"zip\" for configuration property "
         "\"compression.codec\""},
        {{SERVERS, "kafka.acks=1"},
         "sink 'out': `acks` must be set to `all` when `enable.idempotence` is true"},
        {{SERVERS, "kafka.transactional.id=x"},
         "sink 'out': kafka.transactional.id cannot be set: the sink does not use transactions"},
        {{SERVERS, "kafka.delivery.report.only.error=true"},
         "sink 'out': kafka.delivery.report.only.error cannot be set: every alert is kept until its delivery "
         "is "
         "reported"},
        {{SERVERS, "topic="}, "sink 'out': topic is empty, expected a name such as hapax.alerts"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(settings_done) struct settings_holder settings = {0};
        struct sink *sink;

        fill(&settings, rows[i].assignments);
        sink = hear(&kafka_sink, &settings, &heard);
        assert_refused(sink, NULL, rows[i].message);
        sink_free(sink);
    }
}

Test(kafka, all_bad_properties_are_told_at_once)
{
    static const char *const assignments[] = {"kafka.one=1", "kafka.two=2", NULL};
    _cleanup_(settings_done) struct settings_holder settings = {0};
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    struct sink *sink;

    fill(&settings, assignments);
    sink = hear(&kafka_sink, &settings, &heard);
    cr_assert_eq(sink_start(sink, NULL, &diags), -EINVAL);
    cr_assert_eq(diags.n, 3);
    cr_assert_str_eq(diags.items[0].message,
                     "sink 'out': kafka.one: No such configuration property: \"one\"");
    cr_assert_str_eq(diags.items[1].message,
                     "sink 'out': kafka.two: No such configuration property: \"two\"");
    sink_free(sink);
}
