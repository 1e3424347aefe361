/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the group gives and takes, and what it is told.
 *
 * Partitions come and go all at once (range, roundrobin: EAGER) or one by one (cooperative-sticky); then
 * librdkafka asks for other calls. A place outlives its partition's being taken away where all are, since
 * often we have them again a moment later, and is forgotten when the group has given the partition to
 * somebody else: who gets it next goes on by the group's offsets. What was handed over and is not durable yet
 * is read by the next a second time: at least once, with the same alert ids.
 *
 * The offsets are told without waiting, how it went comes to a callback (kafka-say.c).
 */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "source/kafka.h"

void partition_list_destroyp(rd_kafka_topic_partition_list_t **list)
{
    if (*list)
        rd_kafka_topic_partition_list_destroy(*list);
}

void consumer_tell_group(struct consumer *c)
{
    _cleanup_(partition_list_destroyp) rd_kafka_topic_partition_list_t *list = NULL;

    place_table_acknowledge(&c->places, c->acked_seq);
    for (size_t i = 0; i < c->places.n; i++) {
        struct partition *p = &c->places.items[i];

        /* of a place that is gone the group has no use */
        if (!p->is_assigned || p->is_reset || p->is_gone)
            continue;
        if (p->durable_offset < 0 || p->durable_offset == p->committed_offset)
            continue;
        if (!list)
            list = rd_kafka_topic_partition_list_new(8);
        rd_kafka_topic_partition_list_add(list, p->topic, p->number)->offset = p->durable_offset;
        p->committed_offset = p->durable_offset;
    }
    /* asynchronous: how it went comes to a callback */
    if (list)
        (void)rd_kafka_commit(c->rk, list, 1);
}

static bool is_cooperative(rd_kafka_t *rk)
{
    const char *protocol = rd_kafka_rebalance_protocol(rk);

    return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

/* Where librdkafka shall begin to read. */
static int64_t begin_of(struct partition *p)
{
    p->is_looked_at = p->is_gone;
    if (p->is_reset || p->is_gone)
        return RD_KAFKA_OFFSET_BEGINNING;
    if (p->offset >= 0)
        return p->offset;
    /* none: it asks the group */
    return p->begin < 0 ? p->begin : RD_KAFKA_OFFSET_INVALID;
}

static bool knows_topic(const struct place_table *table, size_t n, const char *topic)
{
    for (size_t i = 0; i < n; i++)
        if (table->items[i].offset >= 0 && strcmp(table->items[i].topic, topic) == 0)
            return true;
    return false;
}

/* Fills in where to begin; drops what we cannot take. */
static void place_assigned(struct consumer *c, rd_kafka_topic_partition_list_t *list)
{
    size_t n_known = c->places.n;

    for (int i = list->cnt - 1; i >= 0; i--) {
        rd_kafka_topic_partition_t *one = &list->elems[i];
        struct partition *p = place_table_add(&c->places, one->topic, one->partition);

        if (!p) {
            if (!c->has_said_many)
                source_report(&c->base, LOG_ERR,
                              "more than %u partitions: the rest is not read; start another instance in "
                              "group '%s'",
                              PARTITIONS_MAX,
                              ((const struct kafka_source_settings *)c->base.settings)->group);
            c->has_said_many = true;
            (void)rd_kafka_topic_partition_list_del_by_idx(list, i);
            continue;
        }
        p->is_assigned = true;
        p->is_reset = p->must_begin_again = false;
        p->begin = 0;
        p->committed_offset = -1;
        p->is_late_comer = p->offset < 0 && knows_topic(&c->places, n_known, p->topic);
        one->offset = begin_of(p);
    }
}

/* Partitions that librdkafka does not take would be read by nobody until the group shares them out again. */
static void give_up(struct consumer *c, const char *what, const rd_kafka_error_t *error,
                    rd_kafka_resp_err_t err)
{
    source_report(&c->base, consumer_is_new_trouble(c, CONSUMER_OTHER) ? LOG_WARNING : LOG_DEBUG,
                  "%s: %s; a new consumer is made and goes on where this one was", what,
                  error ? rd_kafka_error_string(error) : rd_kafka_err2str(err));
    c->is_dead = true;
}

static void on_assigned(struct consumer *c, rd_kafka_topic_partition_list_t *list, bool is_incremental)
{
    rd_kafka_error_t *error = NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;

    if (!is_incremental)
        for (size_t i = 0; i < c->places.n; i++)
            c->places.items[i].is_assigned = false;
    place_assigned(c, list);
    if (list->cnt > 0)
        c->troubles &= ~(unsigned)(CONSUMER_NO_TOPIC | CONSUMER_NO_RIGHT);
    /* the rest is somebody else's now, who goes on by the group's offsets */
    place_table_forget(&c->places);
    if (is_incremental)
        error = rd_kafka_incremental_assign(c->rk, list);
    else
        err = rd_kafka_assign(c->rk, list);
    if (error || err)
        give_up(c, "cannot take the partitions the group gave us", error, err);
    else
        source_report(&c->base, LOG_INFO, "the group '%s' gave us %d partitions, %zu in all",
                      ((const struct kafka_source_settings *)c->base.settings)->group, list->cnt,
                      c->places.n);
    if (error)
        rd_kafka_error_destroy(error);
}

static void on_revoked(struct consumer *c, rd_kafka_topic_partition_list_t *list, bool is_incremental)
{
    bool is_lost = rd_kafka_assignment_lost(c->rk);
    rd_kafka_error_t *error = NULL;

    if (!is_lost)
        consumer_tell_group(c);
    for (int i = 0; i < list->cnt; i++) {
        struct partition *p = place_table_find(&c->places, list->elems[i].topic, list->elems[i].partition);

        if (p)
            p->is_assigned = false;
        /* what of it was not handed over is read by the next, who may be us */
        if (c->message && c->message->partition == list->elems[i].partition &&
            strcmp(rd_kafka_topic_name(c->message->rkt), list->elems[i].topic) == 0)
            consumer_drop_message(c);
    }
    if (is_incremental) {
        /* where all of them are given back and shared out anew, we may get them again: see on_assigned */
        if (!is_lost && !c->is_closing)
            place_table_forget(&c->places);
        error = rd_kafka_incremental_unassign(c->rk, list);
    } else {
        (void)rd_kafka_assign(c->rk, NULL);
    }
    if (error)
        rd_kafka_error_destroy(error);
}

void consumer_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list,
                           void *opaque)
{
    bool is_incremental = is_cooperative(rk);
    struct consumer *c = opaque;

    if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !c->is_closing)
        on_assigned(c, list, is_incremental);
    else if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS || err == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        on_revoked(c, list, is_incremental);
    else
        (void)rd_kafka_assign(rk, NULL);
}

void consumer_begin_again(struct consumer *c)
{
    bool is_incremental = is_cooperative(c->rk);
    _cleanup_(partition_list_destroyp) rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(8);
    rd_kafka_error_t *error = NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;

    c->must_begin_again = false;
    /* it comes again, from its place */
    consumer_drop_message(c);
    for (size_t i = 0; i < c->places.n; i++) {
        struct partition *p = &c->places.items[i];

        if (p->is_assigned && (p->must_begin_again || !is_incremental))
            rd_kafka_topic_partition_list_add(list, p->topic, p->number)->offset = begin_of(p);
        p->must_begin_again = false;
    }
    if (list->cnt == 0)
        return;
    if (is_incremental) {
        error = rd_kafka_incremental_unassign(c->rk, list);
        if (!error)
            error = rd_kafka_incremental_assign(c->rk, list);
    } else {
        err = rd_kafka_assign(c->rk, list);
    }
    if (error || err)
        give_up(c, "cannot go to another place", error, err);
    if (error)
        rd_kafka_error_destroy(error);
}
