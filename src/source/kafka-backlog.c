/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What Kafka topics hold now: every partition from its oldest message to the end it has when it is opened.
 *
 * No group takes part: partitions are read by librdkafka's simple consumer, which needs no group.id, shares
 * nothing out and commits nothing. So a replay beside a running hapax disturbs nothing, and sees all
 * partitions. Each partition has a queue of its own, so that a reader who merges by time can wait for the one
 * it needs; hence the limits: PARTS_MAX queues of QUEUE_KBYTES and what one fetch brings beyond.
 *
 * The end is an offset, but offsets have holes (compaction, the marks of transactions), also at the end: a
 * part ends at the first message at or behind it, or where librdkafka says that nothing follows.
 *
 * Opening asks the cluster and waits for it; while reading, librdkafka bridges over a broker that goes away,
 * and this says so once for each kind of error in a row.
 */
#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "source/backlog.h"
#include "source/kafka.h"

/* chosen: a cluster that starts, or one connection that times out and another that does not */
#define ASK_MSEC 15000
/* chosen: how late an interruption may be seen */
#define READ_MSEC 500
/* chosen: a millisecond of work, as in a turn of the loop */
#define MESSAGES_PER_READ 256
/* chosen: half a gigabyte of queues at most, as much again of fetches */
#define PARTS_MAX    512U
#define QUEUE_KBYTES "1024"

struct part {
    rd_kafka_topic_t *topic; /* borrowed */
    int32_t number;
    int64_t begin, end;
    bool is_started;
};

struct handle {
    rd_kafka_topic_t *topic;
};

struct backlog {
    const struct kafka_source_settings *settings;
    struct backlog_callbacks callbacks;
    struct kafka_client client;
    rd_kafka_t *rk;
    struct handle *topics;
    size_t n_topics;
    struct backlog_part *parts;
    struct part *inner;
    size_t n_parts;
    int last_error; /* said last */
    char last_reason[KAFKA_ERROR_SIZE];
};

static void on_report(void *userdata, int level, const char *message)
{
    struct backlog *b = userdata;

    b->callbacks.report(b->callbacks.userdata, level, message);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct backlog *b = opaque;

    if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !b->last_reason[0])
        (void)snprintf(b->last_reason, sizeof(b->last_reason), "%s", reason);
    if (err != b->last_error && err != RD_KAFKA_RESP_ERR__TRANSPORT)
        on_report(b, LOG_WARNING, b->last_reason);
    if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION && err != b->last_error)
        kafka_client_explain_login(&b->client, (rd_kafka_resp_err_t)err, reason);
    b->last_error = err;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
}

static int make_client(struct backlog *b, const char *name, struct diag_list *diags)
{
    _cleanup_(kafka_conf_destroyp) rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[KAFKA_ERROR_SIZE] = "";
    int r;

    consumer_init_client(&b->client, name, b->settings);
    b->client.report = on_report;
    b->client.userdata = b;
    r = kafka_client_fill_conf(&b->client, conf, diags);
    if (r < 0)
        return r;
    if (!kafka_client_property(&b->client, "queued.max.messages.kbytes"))
        (void)rd_kafka_conf_set(conf, "queued.max.messages.kbytes", QUEUE_KBYTES, NULL, 0);
    /* what is deleted while it is read is not missed: nobody was promised it */
    (void)rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", NULL, 0);
    rd_kafka_conf_set_opaque(conf, b);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    b->rk = kafka_client_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (!b->rk)
        return diag_add(diags, NULL, 0, 0, "source '%s': %s", name, text);
    conf = NULL; /* the client's now */
    (void)rd_kafka_set_log_queue(b->rk, NULL);
    return 0;
}

static int explain(struct backlog *b, const char *what, rd_kafka_resp_err_t err, struct diag_list *diags)
{
    /* what the client has to say about it waits in its queue */
    while (rd_kafka_poll(b->rk, 0) > 0)
        ;
    return diag_add(diags, NULL, 0, 0, "%s: %s%s%s%s", what, rd_kafka_err2str(err),
                    b->last_reason[0] ? " (" : "", b->last_reason, b->last_reason[0] ? ")" : "");
}

static int add_part(struct backlog *b, rd_kafka_topic_t *topic, int32_t number, struct diag_list *diags)
{
    const char *name = rd_kafka_topic_name(topic);
    struct backlog_part *parts = reallocarray(b->parts, b->n_parts + 1, sizeof(*parts));
    struct part *inner;
    int64_t begin = 0, end = 0;
    rd_kafka_resp_err_t err;

    if (!parts)
        return -ENOMEM;
    b->parts = parts;
    inner = reallocarray(b->inner, b->n_parts + 1, sizeof(*inner));
    if (!inner)
        return -ENOMEM;
    b->inner = inner;
    if (b->n_parts == PARTS_MAX)
        return diag_add(diags, NULL, 0, 0,
                        "source '%s': the topics have more than %u partitions: name fewer topics",
                        b->client.name, PARTS_MAX);
    err = rd_kafka_query_watermark_offsets(b->rk, name, number, &begin, &end, ASK_MSEC);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return explain(b, name, err, diags);
    inner[b->n_parts] = (struct part){.topic = topic, .number = number, .begin = begin, .end = end};
    parts[b->n_parts] = (struct backlog_part){.n = (uint64_t)(end - begin), .is_at_end = end == begin};
    if (asprintf(&parts[b->n_parts].name, "%s/%" PRId32, name, number) < 0)
        return -ENOMEM;
    b->n_parts++;
    return 0;
}

static int add_topic(struct backlog *b, const struct rd_kafka_metadata_topic *found, struct diag_list *diags)
{
    struct handle *topics;
    rd_kafka_topic_t *topic;
    int r = 0;

    for (size_t i = 0; i < b->n_topics; i++)
        if (strcmp(rd_kafka_topic_name(b->topics[i].topic), found->topic) == 0)
            return 0;
    /* as of one whose partitions have no leader yet: nothing is known of it, which is not the same as empty
     */
    if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return diag_add(diags, NULL, 0, 0, "topic '%s': %s", found->topic, rd_kafka_err2str(found->err));
    topics = reallocarray(b->topics, b->n_topics + 1, sizeof(*topics));
    if (!topics)
        return -ENOMEM;
    b->topics = topics;
    topic = rd_kafka_topic_new(b->rk, found->topic, NULL);
    if (!topic)
        return diag_add(diags, NULL, 0, 0, "topic '%s': %s", found->topic,
                        rd_kafka_err2str(rd_kafka_last_error()));
    b->topics[b->n_topics++].topic = topic;
    for (int i = 0; r >= 0 && i < found->partition_cnt; i++)
        r = add_part(b, topic, i, diags);
    return r;
}

/* All topics that one of the settings' names means. */
static int add_topics(struct backlog *b, const char *name, const struct rd_kafka_metadata *metadata,
                      struct diag_list *diags)
{
    bool is_pattern = name[0] == '^', is_found = false;
    regex_t regex;
    int r = 0;

    if (is_pattern && regcomp(&regex, name, REG_EXTENDED | REG_NOSUB) != 0)
        return diag_add(diags, NULL, 0, 0, "topic '%s' is no regular expression", name);
    for (int i = 0; r >= 0 && i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];

        if (is_pattern ? regexec(&regex, topic->topic, 0, NULL, 0) != 0 : strcmp(topic->topic, name) != 0)
            continue;
        is_found = true;
        r = add_topic(b, topic, diags);
    }
    if (is_pattern)
        regfree(&regex);
    if (r >= 0 && !is_found)
        r = diag_add(diags, NULL, 0, 0,
                     is_pattern ? "no topic matches '%s', or we may not see it"
                                : "topic '%s' does not exist, or we may not see it",
                     name);
    return r;
}

static int find_parts(struct backlog *b, struct diag_list *diags)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err = rd_kafka_metadata(b->rk, 1, NULL, &metadata, ASK_MSEC);
    int r = 0;

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return explain(b, "Kafka does not answer", err, diags);
    for (size_t i = 0; r >= 0 && i < b->settings->topics.n; i++)
        r = add_topics(b, b->settings->topics.items[i], metadata, diags);
    rd_kafka_metadata_destroy(metadata);
    return r;
}

int consumer_backlog_open(const char *name, const void *settings, const struct backlog_callbacks *callbacks,
                          struct diag_list *diags, struct backlog **ret_backlog)
{
    _cleanup_(backlog_freep) struct backlog *b = calloc(1, sizeof(*b));
    int r;

    if (!b)
        return -ENOMEM;
    *b = (struct backlog){.settings = settings, .callbacks = *callbacks};
    r = consumer_check_settings(settings, name, diags);
    if (r >= 0)
        r = make_client(b, name, diags);
    if (r >= 0)
        r = find_parts(b, diags);
    if (r < 0)
        return r;
    *ret_backlog = TAKE_PTR(b);
    return 0;
}

struct backlog *backlog_free(struct backlog *b)
{
    if (!b)
        return NULL;
    for (size_t i = 0; i < b->n_parts; i++) {
        if (b->inner[i].is_started)
            (void)rd_kafka_consume_stop(b->inner[i].topic, b->inner[i].number);
        free(b->parts[i].name);
    }
    for (size_t i = 0; i < b->n_topics; i++)
        rd_kafka_topic_destroy(b->topics[i].topic);
    if (b->rk)
        rd_kafka_destroy(b->rk);
    free(b->topics);
    free(b->parts);
    free(b->inner);
    free(b);
    return NULL;
}

size_t backlog_n_parts(const struct backlog *backlog)
{
    return backlog->n_parts;
}

const struct backlog_part *backlog_part(const struct backlog *backlog, size_t i)
{
    return &backlog->parts[i];
}

/* 0, or negative: emit's. */
static int hand_over(struct backlog *b, const rd_kafka_message_t *m, record_fn emit, void *userdata)
{
    struct slice bytes = m->payload ? slice_new(m->payload, m->len) : SLICE("");
    struct record record;
    uint64_t at = 0;
    int r = 0;

    while (r >= 0 && consumer_next_record(b->settings, bytes, &at, &record))
        r = emit(userdata, &record);
    return MIN(r, 0);
}

/* 0: read on; negative: this part cannot be read. */
static int take_error(struct backlog *b, struct backlog_part *part, const rd_kafka_message_t *m)
{
    char message[KAFKA_ERROR_SIZE + 256];

    switch ((int)m->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        part->is_at_end = true;
        return 0;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__FATAL:
        (void)snprintf(message, sizeof(message), "'%s' cannot be read: %s", part->name,
                       rd_kafka_message_errstr(m));
        on_report(b, LOG_ERR, message);
        return -EIO;
    default:
        (void)snprintf(message, sizeof(message), "'%s' cannot be read, trying again: %s", part->name,
                       rd_kafka_message_errstr(m));
        if ((int)m->err != b->last_error)
            on_report(b, LOG_WARNING, message);
        b->last_error = m->err;
        return 0;
    }
}

static int take(struct backlog *b, size_t i, const rd_kafka_message_t *m, record_fn emit, void *userdata)
{
    struct backlog_part *part = &b->parts[i];
    const struct part *inner = &b->inner[i];
    int r;

    /* what the same answer held behind the end */
    if (part->is_at_end)
        return 0;
    if (m->err)
        return take_error(b, part, m);
    b->last_error = 0;
    if (m->offset >= inner->end) {
        part->is_at_end = true;
        return 0;
    }
    r = hand_over(b, m, emit, userdata);
    part->n_read = (uint64_t)(m->offset + 1 - inner->begin);
    part->is_at_end = m->offset + 1 == inner->end;
    return r;
}

int backlog_read(struct backlog *b, size_t i, record_fn emit, void *userdata)
{
    rd_kafka_message_t *messages[MESSAGES_PER_READ];
    struct part *inner = &b->inner[i];
    ssize_t n;
    int r = 0;

    if (b->parts[i].is_at_end)
        return 0;
    if (!inner->is_started && rd_kafka_consume_start(inner->topic, inner->number, inner->begin) < 0)
        return -EIO;
    inner->is_started = true;
    (void)rd_kafka_poll(b->rk, 0);
    n = rd_kafka_consume_batch(inner->topic, inner->number, READ_MSEC, messages, MESSAGES_PER_READ);
    for (ssize_t k = 0; k < n; k++) {
        if (r >= 0)
            r = take(b, i, messages[k], emit, userdata);
        rd_kafka_message_destroy(messages[k]);
    }
    if (r < 0)
        return r;
    if (!b->parts[i].is_at_end)
        return 1;
    b->parts[i].n_read = b->parts[i].n;
    (void)rd_kafka_consume_stop(inner->topic, inner->number);
    inner->is_started = false;
    return 0;
}
