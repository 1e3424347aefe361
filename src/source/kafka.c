/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Kafka topics, as a member of a consumer group, through librdkafka.
 *
 * Places. The cursor holds the offset of every partition that was read (kafka-place.c) and is written in the
 * transaction that holds what the records changed: no message is lost or learned twice by a kill. When the
 * group gives us a partition we go to our own place; where we have none, to the group's; where it has none,
 * to where the option `start` says. The group's offset is only told after a transaction, once a second, for
 * others: who watches the lag, and who gets the partition next. So a place is forgotten when the group has
 * given its partition to somebody else, who goes on by the group's.
 *
 * Without a place, `latest` is a place only once it is known: librdkafka tells the end of a partition when it
 * has seen it, and that offset is told to the group at once, so that a restart does not skip what came in
 * between. A partition that is added to a topic we read already is new from its beginning.
 *
 * A place may be gone: retention has passed it, or the topic was made anew. Then librdkafka stops there
 * (auto.offset.reset=error) and tells; it is said, the partition is assigned once more from its oldest
 * message, which tells how many are missing, and they are counted. A topic that is deleted while we read it
 * and made anew may have come past our place before we look at it again. So one that was gone is begun at its
 * beginning: where that is offset 0 it is another topic, and read; where it is not, retention has been at
 * work on the one we know, and we go back to our place. (One that is young enough to be whole is read a
 * second time, which changes no alert's id.)
 *
 * The loop. librdkafka's threads only write to an eventfd when its queue is no longer empty; messages, errors
 * and rebalances are taken in the loop's thread, a bounded number a turn. A timer of a second tells the group
 * what is durable and shows that we live (max.poll.interval.ms). Under pressure nothing is taken,
 * librdkafka's queue fills up to queued.max.messages.kbytes, and stays; where that lasts for longer than
 * max.poll.interval.ms (5 min), the group gives our partitions to others, as it should, and we join it again
 * when the pressure ends. Pausing partitions in librdkafka would throw away what it has fetched.
 *
 * A fatal error (fenced by another member of the same group.instance.id) ends this consumer, not the source:
 * the next tick makes a new one, from our own places; so it does where librdkafka does not take partitions
 * that we are given, or other places in them. The end leaves the group, so that others need not wait
 * for the session to end, but not at any price: a broker that hangs gets CLOSE_USEC. librdkafka itself would
 * wait 5 s for its answer, and a minute for that to an offset it was told, also within rd_kafka_destroy(): so
 * a consumer is destroyed by a thread of its own, which nobody waits for longer.
 */
#include "source/kafka.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <syslog.h>

#include "source/turn.h"
#include "util/parse.h"

/* chosen: a turn takes about a millisecond at some microseconds a message */
#define MESSAGES_PER_TURN 256U
/* chosen: lag is watched by the minute; a broker writes an offset a second without noticing */
#define TICK_USEC          (1 * USEC_PER_SEC)
#define TICK_ACCURACY_USEC (100 * USEC_PER_MSEC)
/* chosen: a round trip and a busy broker, and well below the 5 s a stop may take */
#define CLOSE_USEC (2 * USEC_PER_SEC)

static struct consumer *downcast(struct source *source)
{
    return (struct consumer *)source;
}

void consumer_drop_message(struct consumer *c)
{
    if (c->message)
        rd_kafka_message_destroy(c->message);
    c->message = NULL;
}

/* Messages */

/* librdkafka has no place to read from: there never was one, or it is gone. */
static void on_no_offset(struct consumer *c, struct partition *p, int64_t offset)
{
    const struct kafka_source_settings *settings = c->base.settings;
    bool is_early = settings->start == KAFKA_START_EARLIEST || p->is_late_comer;

    if (offset < 0) {
        p->begin = is_early ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
    } else {
        /* how many are gone, the next message tells */
        p->is_reset = true;
        p->offset = offset;
        p->skip_bytes = 0;
    }
    p->is_gone = false;
    p->must_begin_again = c->must_begin_again = true;
}

/* The first that is there again, or, at the end of an empty partition, the next that will be. */
static void count_lost(struct consumer *c, struct partition *p, int64_t offset)
{
    int64_t n = offset - p->offset;

    p->is_reset = false;
    c->n_failures++;
    if (n > 0) {
        c->n_lost += (uint64_t)n;
        source_report(&c->base, LOG_WARNING,
                      "'%s' [%" PRId32 "]: %" PRId64 " messages before offset %" PRId64
                      " were deleted before they were read: give the topic a longer retention.ms than we "
                      "may be away; going on with the oldest there is",
                      p->topic, p->number, n, offset);
    } else {
        source_report(&c->base, LOG_WARNING,
                      "'%s' [%" PRId32 "]: the place read last, offset %" PRId64
                      ", is behind its end: the topic was made anew, or lost messages; reading it from its "
                      "beginning",
                      p->topic, p->number, p->offset);
    }
    p->offset = offset;
    p->skip_bytes = 0;
}

static bool is_no_topic(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

static void on_gone(struct consumer *c, const char *topic)
{
    for (size_t i = 0; i < c->places.n; i++) {
        struct partition *p = &c->places.items[i];

        if (strcmp(p->topic, topic) != 0)
            continue;
        p->is_gone = p->offset > 0;
        p->is_looked_at = false;
    }
}

/* The first offset of a partition that was gone. False: what is there is not read from here. */
static bool settle(struct consumer *c, struct partition *p, int64_t offset)
{
    if (!p->is_looked_at || offset > 0) {
        /* not its beginning, or that of the topic we know */
        p->is_gone = !p->is_looked_at;
        p->must_begin_again = c->must_begin_again = true;
        return false;
    }
    source_report(&c->base, LOG_WARNING,
                  "'%s' [%" PRId32 "]: the topic was gone, and made anew: reading it from its beginning",
                  p->topic, p->number);
    p->is_gone = false;
    p->offset = p->durable_offset = 0;
    p->skip_bytes = 0;
    return true;
}

/* Hands over what is left of the message. 0: all of it; 1: the source was paused first. */
static int hand_over(struct consumer *c)
{
    const struct kafka_source_settings *settings = c->base.settings;
    rd_kafka_message_t *m = c->message;
    struct partition *p = place_table_find(&c->places, rd_kafka_topic_name(m->rkt), m->partition);
    struct slice bytes = m->payload ? slice_new(m->payload, m->len) : SLICE("");
    struct record record;
    uint64_t at;
    int r = 0;

    /* given to another meanwhile, or to be read from another place */
    if (!p || !p->is_assigned || p->must_begin_again || (p->is_gone && !settle(c, p, m->offset))) {
        consumer_drop_message(c);
        return 0;
    }
    if (p->is_reset)
        count_lost(c, p, m->offset);
    at = p->offset == m->offset ? p->skip_bytes : 0;
    while (r >= 0 && consumer_next_record(settings, bytes, &at, &record)) {
        if (c->base.is_paused)
            return 1;
        /* before it is handed over: the engine may ask for the place behind it */
        if (at >= bytes.len)
            partition_move(p, m->offset + 1, 0, c->base.last_seq + 1);
        else
            partition_move(p, m->offset, at, c->base.last_seq + 1);
        r = source_emit(&c->base, &record);
    }
    if (r < 0)
        return r;
    /* also where nothing but line ends followed */
    p->offset = m->offset + 1;
    p->skip_bytes = 0;
    consumer_drop_message(c);
    return 0;
}

static void on_end(struct consumer *c, struct partition *p, int64_t offset)
{
    if (p->is_gone && !settle(c, p, offset))
        return;
    if (p->is_reset)
        count_lost(c, p, offset);
    if (p->offset < 0)
        p->offset = p->durable_offset = offset;
    /* what lies between is no message of anybody's: the ends of transactions, and those aborted */
    if (p->offset < offset && p->skip_bytes == 0)
        partition_move(p, offset, 0, p->seq);
}

/* What came is no message; takes it. */
static void take_error(struct consumer *c, rd_kafka_message_t *m)
{
    struct partition *p =
        m->rkt ? place_table_find(&c->places, rd_kafka_topic_name(m->rkt), m->partition) : NULL;

    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        consumer_say_well(c);
        if (p && p->is_assigned && !p->must_begin_again)
            on_end(c, p, m->offset);
    } else if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && p && p->is_assigned) {
        on_no_offset(c, p, m->offset);
    } else if (m->err != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        if (m->rkt && is_no_topic(m->err))
            on_gone(c, rd_kafka_topic_name(m->rkt));
        consumer_say_error(c, m);
    }
    rd_kafka_message_destroy(m);
}

/* Hands over up to a turn's worth of messages. Negative: the program stops. */
static int step(struct consumer *c)
{
    unsigned i;
    int r = 0;

    for (i = 0; i < MESSAGES_PER_TURN; i++) {
        rd_kafka_message_t *m;

        if (!c->rk || c->is_dead || c->base.is_paused)
            return sd_event_source_set_enabled(c->turn, SD_EVENT_OFF);
        if (c->message) {
            r = hand_over(c);
            if (r < 0)
                return r;
            continue;
        }
        m = rd_kafka_consumer_poll(c->rk, 0);
        if (!m) {
            r = sd_event_source_set_enabled(c->turn, SD_EVENT_OFF);
            break;
        }
        if (m->err) {
            take_error(c, m);
            continue;
        }
        if (c->troubles)
            consumer_say_well(c);
        c->message = m;
    }
    if (i == MESSAGES_PER_TURN)
        r = sd_event_source_set_enabled(c->turn, SD_EVENT_ON);
    /* behind those that say so together */
    if (c->must_begin_again && !c->is_dead)
        consumer_begin_again(c);
    return r;
}

/* Lives of the consumer */

static int subscribe(struct consumer *c, struct diag_list *diags)
{
    const struct kafka_source_settings *settings = c->base.settings;
    _cleanup_(partition_list_destroyp) rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)settings->topics.n);
    rd_kafka_resp_err_t err;

    for (size_t i = 0; i < settings->topics.n; i++)
        rd_kafka_topic_partition_list_add(list, settings->topics.items[i], RD_KAFKA_PARTITION_UA);
    err = rd_kafka_subscribe(c->rk, list);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return diag_add(diags, NULL, 0, 0,
                    "source '%s': the topics cannot be subscribed to: %s (is an expression behind ^ wrong?)",
                    c->base.name, rd_kafka_err2str(err));
}

static int consumer_open(struct consumer *c, struct diag_list *diags)
{
    const struct kafka_source_settings *settings = c->base.settings;
    _cleanup_(kafka_conf_destroyp) rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[KAFKA_ERROR_SIZE] = "";
    uint64_t one = 1;
    int r = kafka_client_fill_conf(&c->client, conf, diags);

    if (r < 0)
        return r;
    if (rd_kafka_conf_set(conf, "group.id", settings->group, text, sizeof(text)) != RD_KAFKA_CONF_OK)
        return diag_add(diags, NULL, 0, 0, "source '%s': group: %s", c->base.name, text);
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_rebalance_cb(conf, consumer_on_rebalance);
    consumer_set_callbacks(conf);
    c->rk = kafka_client_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (!c->rk)
        return diag_add(diags, NULL, 0, 0, "source '%s': %s", c->base.name, text);
    conf = NULL; /* the consumer's now */
    c->is_dead = false;
    (void)rd_kafka_set_log_queue(c->rk, NULL);
    (void)rd_kafka_poll_set_consumer(c->rk);
    c->queue = rd_kafka_queue_get_consumer(c->rk);
    rd_kafka_queue_io_event_enable(c->queue, c->wake_fd, &one, sizeof(one));
    return subscribe(c, diags);
}

static void *destroy(void *rk)
{
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return NULL;
}

/*
 * Destroys it, for as long as is left until end_usec. librdkafka waits for its threads, and those for a
 * broker that does not answer, or for ever (2.0.2, where a topic it read was deleted and made anew): then
 * they are left to the end of the process.
 */
static void destroy_until(rd_kafka_t *rk, int64_t end_usec)
{
    struct timespec end = {.tv_sec = end_usec / USEC_PER_SEC, .tv_nsec = end_usec % USEC_PER_SEC * 1000};
    pthread_t thread;
    sigset_t all, old;
    int r;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&thread, NULL, destroy, rk);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r != 0)
        (void)destroy(rk);
    else if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &end) != 0)
        (void)pthread_detach(thread);
}

/* Leaves the group, so that others need not wait for the end of our session. True: it is left. */
static bool leave(struct consumer *c, int64_t end_usec)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(c->rk);
    rd_kafka_error_t *error;
    bool is_left;

    error = rd_kafka_consumer_close_queue(c->rk, queue);
    while (!error && !rd_kafka_consumer_closed(c->rk) && source_now_usec(CLOCK_MONOTONIC) < end_usec) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 50);

        if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
            consumer_on_rebalance(c->rk, rd_kafka_event_error(event),
                                  rd_kafka_event_topic_partition_list(event), c);
        if (event)
            rd_kafka_event_destroy(event);
    }
    is_left = !error && rd_kafka_consumer_closed(c->rk);
    if (error)
        rd_kafka_error_destroy(error);
    rd_kafka_queue_destroy(queue);
    return is_left;
}

/* Ends one life of a consumer; the places stay. */
static void consumer_close(struct consumer *c)
{
    int64_t end_usec = source_now_usec(CLOCK_MONOTONIC) + CLOSE_USEC;
    bool is_left = false;

    consumer_drop_message(c);
    if (!c->rk)
        return;
    c->is_closing = true;
    if (c->queue)
        rd_kafka_queue_io_event_enable(c->queue, -1, NULL, 0);
    if (c->queue && !c->is_dead) {
        consumer_tell_group(c);
        is_left = leave(c, end_usec);
    }
    if (c->queue)
        rd_kafka_queue_destroy(c->queue);
    c->queue = NULL;
    destroy_until(c->rk, is_left ? end_usec : 0);
    c->rk = NULL;
    c->is_closing = false;
    for (size_t i = 0; i < c->places.n; i++)
        c->places.items[i].is_assigned = false;
}

static void remake(struct consumer *c)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    int r;

    consumer_close(c);
    r = consumer_open(c, &diags);
    if (r >= 0)
        return;
    c->is_dead = true;
    if (consumer_is_new_trouble(c, CONSUMER_OTHER))
        source_report(&c->base, LOG_ERR, "cannot make a new Kafka consumer: %s; it is tried again",
                      diags.n > 0 ? diags.items[0].message : strerror(-r));
}

/* The loop */

static int exit_on_failure(struct consumer *c, int r)
{
    return r < 0 ? sd_event_exit(c->event, r) : 0;
}

static int on_turn(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    return exit_on_failure(userdata, step(userdata));
}

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    uint64_t n;

    /* before taking: what comes after the last look must wake us again */
    if (read(fd, &n, sizeof(n)) < 0 && errno != EAGAIN && errno != EINTR)
        return exit_on_failure(userdata, -errno);
    return exit_on_failure(userdata, step(userdata));
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct consumer *c = userdata;
    int r;

    if (c->is_dead || !c->rk)
        remake(c);
    if (c->rk && !c->is_dead)
        consumer_tell_group(c);
    r = step(c);
    if (r >= 0)
        r = sd_event_source_set_time_relative(c->tick, (uint64_t)TICK_USEC);
    if (r >= 0)
        r = sd_event_source_set_enabled(c->tick, SD_EVENT_ONESHOT);
    return exit_on_failure(c, r);
}

static int add_sources(struct consumer *c, sd_event *event)
{
    _cleanup_(closep) int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r;

    if (fd < 0)
        return -errno;
    r = sd_event_add_io(event, &c->wake, fd, EPOLLIN, on_wake, c);
    if (r < 0)
        return r;
    r = sd_event_source_set_io_fd_own(c->wake, true);
    if (r < 0)
        return r;
    c->wake_fd = TAKE_FD(fd);
    r = turn_new(event, on_turn, c, &c->turn);
    if (r < 0)
        return r;
    return sd_event_add_time_relative(event, &c->tick, CLOCK_MONOTONIC, (uint64_t)TICK_USEC,
                                      (uint64_t)TICK_ACCURACY_USEC, on_tick, c);
}

/* Driver */

static void on_report(void *userdata, int level, const char *message)
{
    struct consumer *c = userdata;

    source_report(&c->base, level, "%s", message);
}

static int kafka_start(struct source *source, sd_event *event, struct slice cursor, struct diag_list *diags)
{
    struct consumer *c = downcast(source);
    int r = consumer_check_settings(source->settings, source->name, diags);

    if (r < 0)
        return r;
    c->event = event;
    consumer_init_client(&c->client, source->name, source->settings);
    c->client.report = on_report;
    c->client.userdata = c;
    if (cursor.len > 0) {
        r = place_table_load(&c->places, cursor);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            source_report(source, LOG_WARNING,
                          "the saved place '%.*s' is not one in Kafka: going on by the group's offsets",
                          (int)MIN(cursor.len, (size_t)200), cursor.data);
    }
    r = add_sources(c, event);
    return r < 0 ? r : consumer_open(c, diags);
}

static int kafka_acknowledge(struct source *source, uint64_t seq)
{
    downcast(source)->acked_seq = seq;
    return 0;
}

static int kafka_cursor(struct source *source, struct buffer *out)
{
    return place_table_save(&downcast(source)->places, out);
}

static int kafka_pause(struct source *source, bool is_paused)
{
    return sd_event_source_set_enabled(downcast(source)->turn, is_paused ? SD_EVENT_OFF : SD_EVENT_ON);
}

/* SIGHUP: the password out of its file. */
static int kafka_reopen(struct source *source)
{
    struct consumer *c = downcast(source);

    kafka_client_renew_password(&c->client, c->rk, LOG_WARNING);
    return 0;
}

static void kafka_stats(struct source *source, struct source_stats *ret_stats)
{
    struct consumer *c = downcast(source);
    struct source_stats stats = {.n_lost = c->n_lost, .n_failures = c->n_failures};

    for (size_t i = 0; i < c->places.n; i++) {
        const struct partition *p = &c->places.items[i];
        int64_t low, high;

        if (!p->is_assigned)
            continue;
        stats.n_parts++;
        /* as of the last answer: asks nobody */
        if (c->rk && p->offset >= 0 &&
            rd_kafka_get_watermark_offsets(c->rk, p->topic, p->number, &low, &high) ==
                RD_KAFKA_RESP_ERR_NO_ERROR &&
            high > p->offset)
            stats.n_behind += (uint64_t)(high - p->offset);
    }
    *ret_stats = stats;
}

static void kafka_done(struct source *source)
{
    struct consumer *c = downcast(source);

    consumer_close(c);
    c->tick = sd_event_source_disable_unref(c->tick);
    c->turn = sd_event_source_disable_unref(c->turn);
    c->wake = sd_event_source_disable_unref(c->wake);
    place_table_done(&c->places);
}

const struct source_driver kafka_source = {
    .name = "kafka",
    .summary = "reads Kafka topics as a member of a consumer group",
    .options = &kafka_source_table,
    .struct_size = sizeof(struct consumer),
    .capabilities = SOURCE_CAN_SEEK,
    .check = consumer_check,
    .start = kafka_start,
    .acknowledge = kafka_acknowledge,
    .cursor = kafka_cursor,
    .pause = kafka_pause,
    .reopen = kafka_reopen,
    .stats = kafka_stats,
    .open_backlog = consumer_backlog_open,
    .done = kafka_done,
};
