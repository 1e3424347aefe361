/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The Kafka sink against a cluster in another process, over TCP; what arrived is consumed back. Settings come
 * through the configuration, as they do in the program.
 */
#include <errno.h>
#include <sys/stat.h>
#include <syslog.h>

#include <librdkafka/rdkafka.h>

#include "config/config.h"
#include "fixture.h"
#include "mock-cluster.h"
#include "sink/kafka.h"
#include "util/parse.h"

/* Kafka protocol, error codes */
#define UNKNOWN_TOPIC_OR_PARTITION "3"
#define MESSAGE_TOO_LARGE          "10"
#define OUT_OF_ORDER_SEQUENCE      "45"

/* chosen: far more than a loaded machine needs, so that only a broken sink runs into it */
#define PATIENCE_USEC (30 * USEC_PER_SEC)

static struct heard heard;
static struct cluster cluster;

static void start_cluster(void)
{
    cluster_start(&cluster, "hapax.alerts:3", "hapax.dead:3");
}

static void stop_cluster(void)
{
    cluster_stop(&cluster);
}

static void tell_cluster(const char *command)
{
    cluster_tell(&cluster, command);
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
    const struct rd_kafka_metadata *metadata;
    char error[512] = "";
    size_t n_seen = 0, n_ends = 0;
    rd_kafka_t *consumer;

    cr_assert_eq(rd_kafka_conf_set(conf, "bootstrap.servers", cluster.ports, NULL, 0), RD_KAFKA_CONF_OK);
    cr_assert_eq(rd_kafka_conf_set(conf, "group.id", "test", NULL, 0), RD_KAFKA_CONF_OK);
    cr_assert_eq(rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0), RD_KAFKA_CONF_OK);
    /* the broker says at once that there is no more */
    cr_assert_eq(rd_kafka_conf_set(conf, "fetch.wait.max.ms", "1", NULL, 0), RD_KAFKA_CONF_OK);
    consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    cr_assert_not_null(consumer, "%s", error);
    /* who leads the partitions; librdkafka assigns them without, and then looks again after half a second */
    cr_assert_eq(rd_kafka_metadata(consumer, 1, NULL, &metadata, (int)(PATIENCE_USEC / USEC_PER_MSEC)),
                 RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_metadata_destroy(metadata);
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
Test(kafka, a_fatal_error_is_said_and_a_new_producer_sends_what_is_not_confirmed)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    cr_assert_eq(sd_event_new(&event), 0);
    sink = sink_of_cluster(&settings, event, NULL, NULL);
    tell_cluster("fail " OUT_OF_ORDER_SEQUENCE " 1");
    cr_assert_eq(write_text(sink, "{}", 1), 0);
    run_until_confirmed(event, 1);
    cr_assert(was_confirmed(1));
    cr_assert_eq(((struct kafka_sink *)sink)->n_remade, 1);
    cr_assert_eq(heard.n_reports, 2);
    cr_assert_eq(heard.reports[0].level, LOG_WARNING);
    cr_assert(slice_starts_with(slice_from_string(heard.reports[0].message),
                                SLICE("the Kafka producer is broken: ")),
              "%s", heard.reports[0].message);
    cr_assert_str_eq(heard.reports[1].message, "topic 'hapax.alerts' takes alerts again");
    cr_assert_eq(write_text(sink, "{}", 2), 0);
    run_until_confirmed(event, 2);
    cr_assert(was_confirmed(2));
    cr_assert_eq(sink_stats(sink)->n_in_flight, 0);
    sink_free(sink);
}

static uint64_t last_number;

static void each_number(const rd_kafka_message_t *m)
{
    uint64_t number = 0;

    cr_assert_eq(parse_u64(slice_new(m->payload, m->len), &number), 0);
    cr_assert_eq(number, last_number + 1, "%d after %d", (int)number, (int)last_number);
    last_number = number;
}

/* librdkafka's own means of a test: the error comes while the cluster has none of the alerts. */
Test(kafka, alerts_in_the_hands_of_a_dying_producer_keep_their_order)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct kafka_sink *k;
    struct sink *sink;
    char text[8];

    start_cluster();
    tell_cluster("down");
    cr_assert_eq(sd_event_new(&event), 0);
    sink = sink_of_cluster(&settings, event, "kafka.reconnect.backoff.max.ms=100", NULL);
    k = (struct kafka_sink *)sink;
    for (uint64_t i = 1; i <= 20; i++) {
        (void)snprintf(text, sizeof(text), "%d", (int)i);
        cr_assert_eq(write_text(sink, text, i), 0);
    }
    for (int i = 1; i <= 2; i++) {
        rd_kafka_t *before = k->producer;

        cr_assert_eq(
            rd_kafka_test_fatal_error(before, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "test"),
            RD_KAFKA_RESP_ERR_NO_ERROR);
        while (!k->is_dead)
            cr_assert_gt(sd_event_run(event, (uint64_t)PATIENCE_USEC), 0);
        cr_assert_eq(write_text(sink, "21", 21), -EAGAIN, "it would overtake");
        while (k->is_dead)
            cr_assert_gt(sd_event_run(event, (uint64_t)PATIENCE_USEC), 0);
        cr_assert_eq(k->n_remade, (uint64_t)i);
    }
    tell_cluster("up");
    run_until_confirmed(event, 20);
    for (uint64_t i = 1; i <= 20; i++)
        cr_assert(was_confirmed(i), "ticket %d", (int)i);
    cr_assert_eq(write_text(sink, "21", 21), 0);
    run_until_confirmed(event, 21);
    /* one key, one partition */
    consume("hapax.alerts", 21, each_number);
    sink_free(sink);
}

Test(kafka, without_a_loop_flush_makes_the_new_producer)
{
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    sink = sink_of_cluster(&settings, NULL, NULL, NULL);
    tell_cluster("fail " OUT_OF_ORDER_SEQUENCE " 1");
    cr_assert_eq(write_text(sink, "{}", 1), 0);
    cr_assert_eq(sink_flush(sink, PATIENCE_USEC), 0);
    cr_assert(was_confirmed(1));
    cr_assert_eq(((struct kafka_sink *)sink)->n_remade, 1);
    sink_free(sink);
}

static char scratch[64];

static const char *scratch_file(const char *name)
{
    static char path[128];

    if (!*scratch) {
        (void)snprintf(scratch, sizeof(scratch), "/tmp/hapax-test-kafka-XXXXXX");
        cr_assert_not_null(mkdtemp(scratch));
    }
    (void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
    return path;
}

static void put_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "we");

    cr_assert_not_null(f);
    cr_assert_geq(fputs(text, f), 0);
    cr_assert_eq(fclose(f), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

/* The file's one line without its time, which comes first. */
static void assert_letter(const char *path, const char *expected)
{
    static char line[8192];
    FILE *f = fopen(path, "re");
    char *rest;

    cr_assert_not_null(f);
    cr_assert_not_null(fgets(line, sizeof(line), f));
    cr_assert_eq(fgetc(f), EOF);
    (void)fclose(f);
    rest = strstr(line, ",\"sink\"");
    cr_assert_not_null(rest);
    cr_assert_str_eq(rest, expected);
}

Test(kafka, what_the_topic_refuses_is_in_the_file_before_it_is_given_up)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(settings_done) struct settings_holder settings = {0};
    char assignment[160], path[128];
    struct sink *sink;

    (void)snprintf(path, sizeof(path), "%s", scratch_file("dead.ndjson"));
    (void)snprintf(assignment, sizeof(assignment), "dead_letter=%s", path);
    start_cluster();
    cr_assert_eq(sd_event_new(&event), 0);
    sink = sink_of_cluster(&settings, event, assignment, NULL);
    tell_cluster("fail " MESSAGE_TOO_LARGE " 2");
    cr_assert_eq(write_text(sink, "{\"a\":1}", 7), 0);
    run_until_confirmed(event, 1);
    cr_assert_eq(heard.confirmed[0].error, -EMSGSIZE);
    cr_assert_str_eq(heard.confirmed[0].message, "Broker: Message size too large");
    assert_letter(path,
                  ",\"sink\":\"out\",\"topic\":\"hapax.alerts\",\"id\":\"id-1\",\"key\":\"alice\",\"error\":"
                  "\"MSG_SIZE_TOO_LARGE\",\"reason\":\"Broker: Message size too large\",\"bytes\":7,"
                  "\"document\":{\"a\":1}}\n");
    sink_free(sink);
    (void)unlink(path);
    (void)rmdir(scratch);
}

static struct slice seen_letter;
static char seen_bytes[4096];

static void each_letter(const rd_kafka_message_t *m)
{
    cr_assert_leq(m->len, sizeof(seen_bytes));
    memcpy(seen_bytes, m->payload, m->len);
    seen_letter = slice_new(seen_bytes, m->len);
    assert_slice(slice_new(m->key, m->key_len), "alice", "key");
}

Test(kafka, a_letter_goes_to_its_topic_and_without_the_document_where_that_is_too_large_there_too)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    cr_assert_eq(sd_event_new(&event), 0);
    sink = sink_of_cluster(&settings, event, "dead_letter_topic=hapax.dead", NULL);
    /* the alert twice, the letter once */
    tell_cluster("fail " MESSAGE_TOO_LARGE " 3");
    cr_assert_eq(write_text(sink, "{\"a\":1}", 7), 0);
    run_until_confirmed(event, 1);
    cr_assert_eq(heard.confirmed[0].error, -EMSGSIZE);
    consume("hapax.dead", 1, each_letter);
    cr_assert(
        slice_ends_with(seen_letter, SLICE("\"reason\":\"Broker: Message size too large\",\"bytes\":7}")),
        "%.*s", (int)seen_letter.len, seen_letter.data);

    tell_cluster("fail " MESSAGE_TOO_LARGE " 2");
    cr_assert_eq(write_text(sink, "{\"a\":2}", 8), 0);
    run_until_confirmed(event, 2);
    consume("hapax.dead", 2, each_letter);
    cr_assert(slice_ends_with(seen_letter, SLICE("\"bytes\":7,\"document\":{\"a\":2}}")), "%.*s",
              (int)seen_letter.len, seen_letter.data);
    sink_free(sink);
}

Test(kafka, a_topic_of_letters_that_takes_none_holds_up_no_alert)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(settings_done) struct settings_holder settings = {0};
    struct sink *sink;

    start_cluster();
    tell_cluster("topic hapax.dead " UNKNOWN_TOPIC_OR_PARTITION);
    cr_assert_eq(sd_event_new(&event), 0);
    sink = sink_of_cluster(&settings, event, "dead_letter_topic=hapax.dead",
                           "kafka.topic.metadata.propagation.max.ms=0");
    tell_cluster("fail " MESSAGE_TOO_LARGE " 2");
    cr_assert_eq(write_text(sink, "{}", 1), 0);
    while (heard.n_reports < 1)
        cr_assert_gt(sd_event_run(event, (uint64_t)PATIENCE_USEC), 0);
    cr_assert_str_eq(heard.reports[0].message,
                     "cannot put a dead letter into hapax.dead: Broker: Unknown topic or "
                     "partition; it waits");
    cr_assert_eq(write_text(sink, "{}", 2), 0);
    run_until_confirmed(event, 1);
    cr_assert(was_confirmed(2));
    tell_cluster("topic hapax.dead 0");
    run_until_confirmed(event, 2);
    cr_assert_eq(heard.confirmed[1].ticket, 1);
    cr_assert_eq(heard.confirmed[1].error, -EMSGSIZE);
    cr_assert_eq(heard.n_reports, 1, "%s", heard.reports[1].message);
    sink_free(sink);
}

Test(kafka, a_secret_comes_from_its_file_and_stands_in_nothing_that_is_said)
{
    _cleanup_(settings_done) struct settings_holder settings = {0};
    char assignment[200], path[128];
    const char *const assignments[] = {"kafka.bootstrap.servers=127.0.0.1:1",
                                       "kafka.security.protocol=sasl_plaintext",
                                       "kafka.sasl.mechanisms=SCRAM-SHA-512",
                                       "kafka.sasl.username=hapax",
                                       "kafka.debug=all",
                                       assignment,
                                       NULL};
    struct sink *sink;
    size_t size;
    char text[64];

    (void)snprintf(path, sizeof(path), "%s", scratch_file("password"));
    put_file(path, "tr0ub4dor\n", 0600);
    (void)snprintf(assignment, sizeof(assignment), "kafka.sasl.password_file=%s", path);
    fill(&settings, assignments);
    sink = hear(&kafka_sink, &settings, &heard);
    heard.needle = "tr0ub4dor";
    start(sink, NULL);
    cr_assert_eq(write_text(sink, "{}", 1), 0);
    cr_assert_eq(sink_flush(sink, 300 * USEC_PER_MSEC), -ETIMEDOUT);
    cr_assert_gt(heard.n_debug, 20, "librdkafka has shown its configuration");
    cr_assert_eq(heard.n_needles, 0);
    size = sizeof(text);
    cr_assert_eq(
        rd_kafka_conf_get(rd_kafka_conf(((struct kafka_sink *)sink)->producer), "sasl.password", text, &size),
        RD_KAFKA_CONF_OK);
    cr_assert_str_eq(text, "tr0ub4dor");

    put_file(path, "c0rrect h0rse\n", 0600);
    heard.needle = "c0rrect";
    heard.n_reports = 0;
    cr_assert_eq(sink_reopen(sink), 0);
    cr_assert_eq(heard.n_reports, 1);
    cr_assert_str_eq(heard.reports[0].message,
                     "kafka.sasl.password_file: the password has changed, the new one is used");
    cr_assert_eq(heard.n_needles, 0);
    sink_free(sink);
    (void)unlink(path);
    (void)rmdir(scratch);
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
        {{SERVERS, "kafka.sasl.password=hunter2"},
         "sink 'out': kafka.sasl.password is a secret and is taken from a file only: write it into one and "
         "set "
         "kafka.sasl.password_file to its path, or to the name of a systemd credential"},
        {{SERVERS, "kafka.ssl.key.password=hunter2"},
         "sink 'out': kafka.ssl.key.password is a secret and is taken from a file only: write it into one "
         "and "
         "set kafka.ssl.key.password_file to its path, or to the name of a systemd credential"},
        {{SERVERS, "kafka.sasl.password_file=/nowhere/password"},
         "sink 'out': kafka.sasl.password_file: cannot read '/nowhere/password': No such file or directory"},
        {{SERVERS, "kafka.sasl.kerberos.kinit.cmd=id"},
         "sink 'out': kafka.sasl.kerberos.kinit.cmd cannot be set: librdkafka would run it in a shell; keep "
         "the "
         "ticket fresh from outside (k5start) and name it in KRB5CCNAME"},
        {{SERVERS, "dead_letter=/nowhere/dead"},
         "sink 'out': cannot open the dead_letter file '/nowhere/dead': No such file or directory"},
        {{SERVERS, "dead_letter=/dev/null"},
         "sink 'out': cannot open the dead_letter file '/dev/null': it is no regular file"},
        {{SERVERS, "dead_letter_topic=hapax.alerts"},
         "sink 'out': dead_letter_topic is 'hapax.alerts', the topic of the alerts, expected another"},
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
