/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The Kafka source: places and records by themselves, and the source against a cluster in another process,
 * over TCP. A first member waits three seconds for others (the mock's group.initial.rebalance.delay), so few
 * tests hold many steps.
 */
#include <errno.h>
#include <syslog.h>

#include "mock-cluster.h"
#include "source/kafka.h"
#include "support-source.h"

static struct cluster cluster;

static void stop_cluster(void)
{
    cluster_stop(&cluster);
}

TestSuite(kafka, .fini = stop_cluster, .timeout = 120);

Test(kafka, places_are_saved_and_loaded)
{
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        {"audit/0:17", true},
        {"audit/0:17,audit/12:9223372036854775807,a.b_c-d/3:5+120", true},
        {"", true},
        {"audit", false},
        {"audit/0", false},
        {"audit/0:", false},
        {"/0:1", false},
        {"audit:0/1", false},
        {"audit/x:1", false},
        {"audit/0:-1", false},
        {"audit/0:1+", false},
        {"audit/4294967295:1", false},
        {"audit/0:9223372036854775808", false},
        {"audit/0:1,,", false},
        {"1700000000 s=abc;i=1", false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct place_table table = {0};
        _cleanup_(buffer_done) struct buffer saved = BUFFER_INIT;
        int r = place_table_load(&table, slice_from_string(rows[i].text));

        cr_assert(r == (rows[i].is_good ? 0 : -EINVAL), "%s: %d", rows[i].text, r);
        cr_assert(place_table_save(&table, &saved) == 0);
        assert_slice(buffer_slice(&saved), rows[i].is_good ? rows[i].text : "", rows[i].text);
        place_table_done(&table);
    }
}

Test(kafka, the_group_is_told_what_is_durable_and_no_more)
{
    struct place_table table = {0};
    struct partition *a = place_table_add(&table, "audit", 0), *b;

    b = place_table_add(&table, "audit", 1);
    a = place_table_find(&table, "audit", 0);
    cr_assert(a && b && table.n == 2 && !place_table_find(&table, "audit", 2));
    partition_move(a, 1, 0, 1);
    partition_move(b, 1, 0, 2);
    partition_move(a, 2, 0, 3);
    partition_move(a, 3, 0, 4);
    place_table_acknowledge(&table, 2);
    cr_assert(a->durable_offset == 1 && b->durable_offset == 1);
    place_table_acknowledge(&table, 3);
    cr_assert(a->durable_offset == 1, "a step behind, never ahead");
    partition_move(a, 4, 0, 5);
    place_table_acknowledge(&table, 4);
    cr_assert(a->durable_offset == 3);
    place_table_acknowledge(&table, 5);
    cr_assert(a->durable_offset == 4);
    a->is_assigned = true;
    place_table_forget(&table);
    cr_assert(table.n == 1 && place_table_find(&table, "audit", 0) && !place_table_find(&table, "audit", 1));
    place_table_done(&table);
}

Test(kafka, a_message_gives_its_records)
{
    static const struct {
        const char *message;
        int framing;
        const char *records; /* each with a '|', cut ones with a '!' */
    } rows[] = {
        {"one", KAFKA_FRAMING_MESSAGE, "one|"},
        {"one\n", KAFKA_FRAMING_MESSAGE, "one|"},
        {"one\r\n", KAFKA_FRAMING_MESSAGE, "one|"},
        {"{\n \"a\": 1\n}\n", KAFKA_FRAMING_MESSAGE, "{\n \"a\": 1\n}|"},
        {"", KAFKA_FRAMING_MESSAGE, "|"},
        {"0123456789abcdefX", KAFKA_FRAMING_MESSAGE, "0123456789abcdef!|"},
        {"one", KAFKA_FRAMING_LINES, "one|"},
        {"one\ntwo\r\nthree\n", KAFKA_FRAMING_LINES, "one|two|three|"},
        {"\n\none\n\ntwo", KAFKA_FRAMING_LINES, "one|two|"},
        {"\n\n", KAFKA_FRAMING_LINES, "|"},
        {"", KAFKA_FRAMING_LINES, "|"},
        {"0123456789abcdefX\nb", KAFKA_FRAMING_LINES, "0123456789abcdef!|b|"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct kafka_source_settings settings = {.framing = rows[i].framing, .record_limit_bytes = 16};
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
        struct record record;
        uint64_t at = 0;

        while (consumer_next_record(&settings, slice_from_string(rows[i].message), &at, &record)) {
            cr_assert(buffer_append_slice(&out, record.bytes) == 0);
            cr_assert(!record.is_truncated || buffer_append_char(&out, '!') == 0);
            cr_assert(buffer_append_char(&out, '|') == 0);
        }
        assert_slice(buffer_slice(&out), rows[i].records, rows[i].message);
    }
}

/* Settings of the cluster, with the topic audit. */
static void init(struct engine *engine)
{
    struct kafka_source_settings *settings;

    engine_init(engine, &kafka_source);
    settings = engine->settings;
    engine_set(engine, "topics", "audit");
    cr_assert(property_list_add(&settings->properties, SLICE("bootstrap.servers"),
                                slice_from_string(cluster.pid > 0 ? cluster.ports : "127.0.0.1:1")) == 0);
    cr_assert(property_list_add(&settings->properties, SLICE("reconnect.backoff.max.ms"), SLICE("100")) == 0);
    cr_assert(property_list_add(&settings->properties, SLICE("session.timeout.ms"), SLICE("6000")) == 0);
}

Test(kafka, bad_settings_are_refused)
{
    static const struct {
        const char *option, *value, *message;
    } rows[] = {
        {"group", "", "source 'input': group is empty, expected a name such as hapax"},
        {"group.id", "x", "source 'input': kafka.group.id cannot be set: the option group is its name"},
        {"auto.offset.reset", "earliest",
         "source 'input': kafka.auto.offset.reset cannot be set: the option start says it"},
        {"enable.auto.commit", "true",
         "source 'input': kafka.enable.auto.commit cannot be set: the group is told what is durable, and "
         "nothing before"},
        {"sasl.password", "hunter2",
         "source 'input': kafka.sasl.password is a secret and is taken from a file only: write it into one "
         "and set kafka.sasl.password_file to its path, or to the name of a systemd credential"},
        {"sasl.kerberos.kinit.cmd", "id",
         "source 'input': kafka.sasl.kerberos.kinit.cmd cannot be set: librdkafka would run it in a shell; "
         "keep the ticket fresh from outside (k5start) and name it in KRB5CCNAME"},
        {"no.such", "1", "source 'input': kafka.no.such: No such configuration property: \"no.such\""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
        struct engine engine;

        init(&engine);
        if (strcmp(rows[i].option, "group") == 0)
            engine_set(&engine, "group", rows[i].value);
        else
            cr_assert(property_list_add(&((struct kafka_source_settings *)engine.settings)->properties,
                                        slice_from_string(rows[i].option),
                                        slice_from_string(rows[i].value)) == 0);
        cr_assert(engine_try_start(&engine, SLICE_NULL, &diags) == -EINVAL && diags.n == 1, "%s",
                  rows[i].option);
        cr_assert_str_eq(diags.items[0].message, rows[i].message);
        engine_done(&engine);
    }
}

/* A producer of the test's own. */
static rd_kafka_t *producer;

static void produce(int32_t partition, const void *bytes, size_t len)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[512] = "";

    if (!producer) {
        cr_assert(rd_kafka_conf_set(conf, "bootstrap.servers", cluster.ports, NULL, 0) == RD_KAFKA_CONF_OK);
        producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
        cr_assert(producer, "%s", error);
    } else {
        rd_kafka_conf_destroy(conf);
    }
    cr_assert(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("audit"), RD_KAFKA_V_PARTITION(partition),
                                RD_KAFKA_V_VALUE((void *)(uintptr_t)bytes, len),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert(rd_kafka_flush(producer, 10000) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void say(int32_t partition, const char *text)
{
    produce(partition, text, strlen(text));
}

static void producer_done(void)
{
    rd_kafka_destroy(producer);
    producer = NULL;
}

#define run_until_report(engine, part)                                                                       \
    run_until((engine),                                                                                      \
              slice_find_slice(buffer_slice(&(engine)->reports), SLICE(part)) < (engine)->reports.len)

Test(kafka, goes_on_where_the_store_says_else_where_the_group_says)
{
    struct engine engine;
    char cursor[64];

    cluster_start(&cluster, "audit:1", NULL);
    say(0, "one");
    say(0, "two\ntwo and a half\n");
    say(0, "three");
    init(&engine);
    engine_set(&engine, "start", "earliest");
    engine_set(&engine, "trust", "dedicated");
    engine_set(&engine, "framing", "lines");
    engine.pause_after = 2;
    engine_start(&engine, SLICE_NULL);
    cr_assert(source_capabilities(engine.source) == SOURCE_CAN_SEEK);
    run_until_records(&engine, "one|two|");
    run_ready(&engine);
    assert_records(&engine, "one|two|"); /* pressure within a message */
    cr_assert(engine.trust == TRUST_INPUT);
    assert_slice(buffer_slice(&engine.cursor), "audit/0:1+4", "cursor");
    cr_assert(source_acknowledge(engine.source, 1) == 0);
    (void)snprintf(cursor, sizeof(cursor), "%.*s", SLICE_FMT(buffer_slice(&engine.cursor)));

    /* killed, and started with what the store has: within the message */
    engine_stop(&engine);
    engine_start(&engine, slice_from_string(cursor));
    run_until_records(&engine, "two and a half|three|");
    assert_slice(buffer_slice(&engine.cursor), "audit/0:3", "cursor");
    cr_assert(source_acknowledge(engine.source, 1) == 0);

    /* without a store: what was acknowledged, a message as a whole */
    engine_stop(&engine);
    engine_start(&engine, SLICE_NULL);
    run_until_records(&engine, "three|");
    cr_assert(source_acknowledge(engine.source, 1) == 0);

    /* what comes meanwhile is there at the next start */
    engine_stop(&engine);
    say(0, "four");
    engine_start(&engine, SLICE("not a place"));
    run_until_records(&engine, "four|");
    assert_report(&engine,
                  "the saved place 'not a place' is not one in Kafka: going on by the group's offsets");
    engine_done(&engine);
    producer_done();
}

Test(kafka, latest_is_a_place_once_it_was_seen)
{
    struct source_stats stats;
    struct engine engine;

    cluster_start(&cluster, "audit:2", NULL);
    say(0, "old");
    say(1, "old");
    init(&engine);
    engine_start(&engine, SLICE_NULL);
    run_until(&engine, ((struct consumer *)engine.source)->places.n == 2 &&
                           ((struct consumer *)engine.source)->places.items[0].offset == 1 &&
                           ((struct consumer *)engine.source)->places.items[1].offset == 1);
    cr_assert(engine.n_records == 0);
    say(1, "new");
    run_until_records(&engine, "new|");
    cr_assert(source_stats(engine.source, &stats));
    cr_assert(stats.n_parts == 2 && stats.n_behind == 0 && stats.n_lost == 0 && stats.n_failures == 0);

    /* nothing was acknowledged, nothing was stored: the group knows where it began */
    engine_stop(&engine);
    say(0, "meanwhile");
    engine_start(&engine, SLICE_NULL);
    run_until(&engine, engine.n_records == 2);
    cr_assert(slice_find_slice(buffer_slice(&engine.records), SLICE("old")) == engine.records.len);
    engine_done(&engine);
    producer_done();
}

Test(kafka, what_is_gone_is_said_and_counted)
{
    static char megabyte[1000 * 1000];
    struct source_stats stats;
    struct engine engine;

    cluster_start(&cluster, "audit:2", NULL);
    say(0, "the only one");
    /* the mock keeps 5 MiB a partition: the first are gone */
    memset(megabyte, 'x', sizeof(megabyte));
    for (int i = 0; i < 8; i++)
        produce(1, megabyte, sizeof(megabyte) - 100);
    say(1, "last");
    init(&engine);
    engine_start(&engine, SLICE("audit/0:500,audit/1:1"));
    /* partitions come in any order */
    run_until(&engine, slice_find_slice(buffer_slice(&engine.records), SLICE("last|")) < engine.records.len &&
                           slice_find_slice(buffer_slice(&engine.records), SLICE("the only one|")) <
                               engine.records.len);
    assert_report(&engine, "'audit' [0]: the place read last, offset 500, is behind its end");
    assert_report(&engine, "'audit' [1]: ");
    assert_report(&engine, "were deleted before they were read: give the topic a longer retention.ms");
    cr_assert(source_stats(engine.source, &stats));
    cr_assert(stats.n_lost > 0 && stats.n_lost == 9 - engine.n_records, "%d lost, %u read", (int)stats.n_lost,
              engine.n_records);
    engine_done(&engine);
    producer_done();
}

Test(kafka, a_broker_that_is_away_is_said_once_and_waited_for)
{
    struct engine engine;

    cluster_start(&cluster, "audit:1", NULL);
    say(0, "one");
    init(&engine);
    engine_set(&engine, "start", "earliest");
    engine_start(&engine, SLICE_NULL);
    run_until_records(&engine, "one|");
    cluster_tell(&cluster, "down");
    run_until_report(&engine, "no Kafka broker can be reached (");
    cluster_tell(&cluster, "up");
    say(0, "two");
    run_until_records(&engine, "one|two|");
    run_until_report(&engine, "Kafka is read again|");
    cr_assert(!engine.is_ended);

    /* a stop does not wait for a broker that is away */
    cluster_tell(&cluster, "down");
    engine_done(&engine);
    producer_done();
}

static int collect_line(void *userdata, const struct record *record)
{
    struct buffer *out = userdata;

    cr_assert(buffer_append_slice(out, record->bytes) == 0 && buffer_append_char(out, '|') == 0);
    return 0;
}

static void hear_report(void *userdata, int level, const char *message)
{
    cr_assert_fail("%s", message);
}

Test(kafka, a_backlog_is_read_to_the_end_it_had)
{
    static const struct {
        const char *topic, *problem;
    } rows[] = {
        {"audit", NULL},
        {"^a.*t$", NULL},
        {"nope", "topic 'nope' does not exist, or we may not see it"},
        {"^x", "no topic matches '^x', or we may not see it"},
        {"^(", "topic '^(' is no regular expression"},
    };
    const struct backlog_callbacks callbacks = {hear_report, NULL};

    cluster_start(&cluster, "audit:3", NULL);
    say(0, "one");
    say(0, "two\n");
    say(2, "three");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        static const char *const expected[] = {"one|two|", "", "three|"};
        _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(backlog_freep) struct backlog *backlog = NULL;
        struct engine engine;
        int r;

        init(&engine);
        string_list_done(&((struct kafka_source_settings *)engine.settings)->topics);
        engine_set(&engine, "topics", rows[i].topic);
        cr_assert(source_has_backlog(&kafka_source) && !source_has_backlog(&file_source));
        r = backlog_open(&kafka_source, "input", engine.settings, &callbacks, &diags, &backlog);
        if (rows[i].problem) {
            cr_assert(r == -EINVAL && diags.n == 1);
            cr_assert_str_eq(diags.items[0].message, rows[i].problem);
            engine_done(&engine);
            continue;
        }
        cr_assert(r == 0, "%s", diags.n > 0 ? diags.items[0].message : "");
        cr_assert(backlog_n_parts(backlog) == 3);
        cr_assert_str_eq(backlog_part(backlog, 2)->name, "audit/2");
        say(2, "too late");
        for (size_t k = 0; k < 3; k++) {
            _cleanup_(buffer_done) struct buffer lines = BUFFER_INIT;

            do
                r = backlog_read(backlog, k, collect_line, &lines);
            while (r > 0);
            cr_assert(r == 0);
            assert_slice(buffer_slice(&lines), i == 1 && k == 2 ? "three|too late|" : expected[k], "lines");
            cr_assert(backlog_part(backlog, k)->n_read == backlog_part(backlog, k)->n);
        }
        backlog = backlog_free(backlog);
        engine_done(&engine);
    }
    producer_done();
}

Test(kafka, a_backlog_that_cannot_be_told_is_not_taken_for_an_empty_one)
{
    /* the protocol's number, LEADER_NOT_AVAILABLE: of a topic that was just made */
    static const char *const rows[] = {"audit", "^a.*t$"};
    const struct backlog_callbacks callbacks = {hear_report, NULL};

    cluster_start(&cluster, "audit:3", NULL);
    cluster_tell(&cluster, "topic audit 5");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
        struct backlog *backlog = NULL;
        struct engine engine;

        init(&engine);
        string_list_done(&((struct kafka_source_settings *)engine.settings)->topics);
        engine_set(&engine, "topics", rows[i]);
        cr_assert(backlog_open(&kafka_source, "input", engine.settings, &callbacks, &diags, &backlog) ==
                      -EINVAL,
                  "%s", rows[i]);
        cr_assert(diags.n == 1);
        cr_assert_str_eq(diags.items[0].message, "topic 'audit': Broker: Leader not available");
        engine_done(&engine);
    }
}

/* Each record that either read; those of the first are kept over its stop. */
static bool has_all(const struct engine *a, const struct engine *b, int n)
{
    for (int i = 0; i < n; i++) {
        char text[16];
        struct slice needle;

        (void)snprintf(text, sizeof(text), "<%d>", i);
        needle = slice_from_string(text);
        if (slice_find_slice(buffer_slice(&a->records), needle) == a->records.len &&
            slice_find_slice(buffer_slice(&b->records), needle) == b->records.len)
            return false;
    }
    return true;
}

static void say_numbers(int from, int to)
{
    for (int i = from; i < to; i++) {
        char text[16];

        (void)snprintf(text, sizeof(text), "<%d>", i);
        say(i % 4, text);
    }
}

#define run_both_until(a, b, condition)                                                                      \
    do {                                                                                                     \
        for (unsigned i_ = 0; i_ < 2000 && !(condition); i_++)                                               \
            cr_assert(sd_event_run((a)->event, 10000) >= 0 && sd_event_run((b)->event, 10000) >= 0);         \
        cr_assert((condition), "'%.*s' '%.*s'", SLICE_FMT(buffer_slice(&(a)->reports)),                      \
                  SLICE_FMT(buffer_slice(&(b)->reports)));                                                   \
    } while (0)

/* The mock takes no offsets while a rebalance is under way; a broker does, until it is over. */
static bool is_told(const struct engine *engine, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    bool is_told = true;

    for (int32_t i = 0; i < 4; i++)
        rd_kafka_topic_partition_list_add(list, "audit", i);
    cr_assert(rd_kafka_committed(((struct consumer *)engine->source)->rk, list, 10000) ==
              RD_KAFKA_RESP_ERR_NO_ERROR);
    for (int i = 0; i < 4; i++)
        is_told = is_told && list->elems[i].offset == offset;
    rd_kafka_topic_partition_list_destroy(list);
    return is_told;
}

static void share(const char *strategy)
{
    struct engine a, b;
    struct source_stats of_a, of_b;

    cluster_start(&cluster, "audit:4", NULL);
    say_numbers(0, 8);
    init(&a);
    init(&b);
    for (int i = 0; i < 2; i++) {
        struct engine *engine = i == 0 ? &a : &b;

        engine_set(engine, "start", "earliest");
        cr_assert(property_list_add(&((struct kafka_source_settings *)engine->settings)->properties,
                                    SLICE("partition.assignment.strategy"),
                                    slice_from_string(strategy)) == 0);
    }
    engine_start(&a, SLICE_NULL);
    run_until(&a, has_all(&a, &a, 8));
    cr_assert(source_acknowledge(a.source, a.n_records) == 0);
    run_until(&a, is_told(&a, 2));
    engine_start(&b, SLICE_NULL);
    run_both_until(&a, &b,
                   source_stats(a.source, &of_a) && source_stats(b.source, &of_b) && of_a.n_parts == 2 &&
                       of_b.n_parts == 2);
    cr_assert(b.n_records == 0, "what is durable is read by nobody again: %u", b.n_records);
    say_numbers(8, 16);
    run_both_until(&a, &b, has_all(&a, &b, 16));
    cr_assert(a.n_records + b.n_records == 16, "%u and %u", a.n_records, b.n_records);
    cr_assert(b.n_records == 4);

    /* one leaves, without an acknowledgement: the other reads on, and that again */
    a.source = source_free(a.source);
    run_until(&b, source_stats(b.source, &of_b) && of_b.n_parts == 4);
    say_numbers(16, 24);
    run_until(&b, has_all(&a, &b, 24) && b.n_records == 4 + 4 + 8);
    cr_assert(a.n_records == 12, "%u", a.n_records);
    engine_done(&a);
    engine_done(&b);
    producer_done();
}

Test(kafka, two_share_the_partitions_and_one_takes_over)
{
    share("range");
}

Test(kafka, the_same_with_partitions_that_move_one_by_one)
{
    share("cooperative-sticky");
}

static bool has_read(const struct engine *engine, const char *text)
{
    return slice_find_slice(buffer_slice(&engine->records), slice_from_string(text)) < engine->records.len;
}

Test(kafka, partitions_that_are_not_taken_are_asked_for_by_a_new_consumer)
{
    struct source_stats stats;
    struct consumer *c;
    struct partition *p;
    struct engine engine;

    cluster_start(&cluster, "audit:2", NULL);
    say(0, "one");
    init(&engine);
    engine_set(&engine, "start", "earliest");
    cr_assert(property_list_add(&((struct kafka_source_settings *)engine.settings)->properties,
                                SLICE("partition.assignment.strategy"), SLICE("cooperative-sticky")) == 0);
    engine_start(&engine, SLICE_NULL);
    run_until_records(&engine, "one|");
    c = (struct consumer *)engine.source;
    /* one that the group has not given us: librdkafka refuses the whole list */
    p = place_table_add(&c->places, "audit", 7);
    cr_assert_not_null(p);
    p->is_assigned = p->must_begin_again = c->must_begin_again = true;
    say(0, "two");
    run_until_report(&engine, "cannot go to another place: ");
    assert_report(&engine, "; a new consumer is made and goes on where this one was");
    say(1, "three");
    run_until(&engine, has_read(&engine, "two|") && has_read(&engine, "three|") &&
                           source_stats(engine.source, &stats) && stats.n_parts == 2 && !c->is_dead);
    cr_assert(engine.n_records == 3, "%u", engine.n_records);
    engine_done(&engine);
    producer_done();
}
