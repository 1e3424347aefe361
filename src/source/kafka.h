/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_KAFKA_H
#define HAPAX_SOURCE_KAFKA_H

/*
 * The inside of the Kafka source, for its own files and its test:
 *
 *     kafka.c          the lives of the consumer, messages, the driver
 *     kafka-conf.c     options, properties, records out of a message
 *     kafka-group.c    what the group gives and takes, and what it is told
 *     kafka-place.c    which partitions, how far each was read, what of it is durable
 *     kafka-say.c      what librdkafka says, and what an operator hears of it
 *     kafka-backlog.c  what the topics hold now, for commands that read to an end
 */

#include "kafka/client.h"
#include "source/driver.h"

enum kafka_start { KAFKA_START_LATEST, KAFKA_START_EARLIEST };

enum kafka_framing { KAFKA_FRAMING_MESSAGE, KAFKA_FRAMING_LINES };

struct kafka_source_settings {
    struct string_list topics;
    char *group;
    int start, framing, trust;
    uint64_t record_limit_bytes;
    struct property_list properties;
};

/* How far a partition was read. */
struct partition {
    char *topic;
    int32_t number;
    bool is_assigned;
    bool is_late_comer; /* its topic was known before it: all of it is new */
    bool is_reset;      /* what lay at `offset` is gone: the next message tells how much */
    /* Its topic was gone. Whether what comes again is another, its beginning tells, once we begin there. */
    bool is_gone, is_looked_at;
    int64_t begin; /* RD_KAFKA_OFFSET_* to begin at where there is no place; 0: ask the group */
    bool must_begin_again;
    int64_t offset;      /* of the next message, or the one that was handed over in part; -1: not known yet */
    uint64_t skip_bytes; /* of that one, handed over already */
    uint64_t seq;        /* of the last record handed over; 0: none */
    /* An earlier place: what is durable is told in steps, however fast the stream is. mark_seq 0: none. */
    int64_t mark_offset;
    uint64_t mark_seq;
    int64_t durable_offset;   /* -1: not known */
    int64_t committed_offset; /* the group was told this; -1: nothing */
};

struct place_table {
    struct partition *items;
    size_t n, last; /* last: found last */
};

enum consumer_trouble {
    CONSUMER_UNREACHABLE = 1 << 0, /* no broker answers */
    CONSUMER_REFUSED = 1 << 1,     /* TLS or credentials */
    CONSUMER_NO_TOPIC = 1 << 2,
    CONSUMER_NO_RIGHT = 1 << 3,
    CONSUMER_FATAL = 1 << 4,
    CONSUMER_COMMIT = 1 << 5, /* the group takes no offsets */
    CONSUMER_OTHER = 1 << 6,
};

struct consumer {
    struct source base;
    struct kafka_client client;
    rd_kafka_t *rk; /* NULL: the last was given up, and no new one could be made */
    rd_kafka_queue_t *queue;
    struct place_table places;
    rd_kafka_message_t *message; /* taken, and not yet handed over to its end */
    sd_event *event;             /* borrowed */
    sd_event_source *wake, *turn, *tick;
    int wake_fd;
    uint64_t acked_seq;
    bool must_begin_again; /* some partition */
    bool is_dead;          /* fatal error: the consumer is to be remade */
    bool is_closing;       /* partitions that are taken away were ours to give */
    unsigned troubles;     /* enum consumer_trouble: said */
    bool has_said_many;    /* too many partitions */
    uint64_t n_lost, n_failures;
    char last_reason[KAFKA_ERROR_SIZE]; /* of the last broker that failed */
};

/* kafka-conf.c */

extern const struct option_table kafka_source_table;

void consumer_init_client(struct kafka_client *client, const char *name,
                          const struct kafka_source_settings *settings);
/* What cannot be told by the option table. 0 or -EINVAL with diags. */
int consumer_check_settings(const struct kafka_source_settings *settings, const char *name,
                            struct diag_list *diags) _warn_unused_;
/* The same, and what librdkafka says to the properties: the driver's check. */
int consumer_check(const char *name, const void *settings, struct diag_list *diags);
/*
 * The next record of a message, behind its first *at bytes, which are moved behind it. False: there is none.
 * A message without any has one, which is empty.
 */
bool consumer_next_record(const struct kafka_source_settings *settings, struct slice message, uint64_t *at,
                          struct record *ret_record);

/* kafka.c */

/* What was taken and not handed over to its end comes again, from its place. */
void consumer_drop_message(struct consumer *c);

/* kafka-group.c */

/* For _cleanup_. */
void partition_list_destroyp(rd_kafka_topic_partition_list_t **list);
/* Tells the group what is durable and was not told. */
void consumer_tell_group(struct consumer *c);
void consumer_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list,
                           void *opaque);
/*
 * Assigns the partitions once more that stand still for want of a place. Where the group takes away and gives
 * all partitions at once, librdkafka only lets us do the same, so that all are read anew from their places:
 * therefore not for each of them.
 */
void consumer_begin_again(struct consumer *c);

/* kafka-place.c */

/* chosen: an instance with more is too few; a place in the store is some 30 bytes a partition */
#define PARTITIONS_MAX 4096U

void place_table_done(struct place_table *table);
/* What place_table_save wrote. 0, -ENOMEM, or -EINVAL: not understood, and the table is empty. */
int place_table_load(struct place_table *table, struct slice text) _warn_unused_;
/* Appends "topic/partition:offset[+bytes],…" of all whose place is known. */
int place_table_save(const struct place_table *table, struct buffer *out) _warn_unused_;
/* NULL where it is not known. */
struct partition *place_table_find(struct place_table *table, const char *topic, int32_t number);
/* The same, or a new one; NULL: no memory, or PARTITIONS_MAX are known. */
struct partition *place_table_add(struct place_table *table, const char *topic, int32_t number);
/* Drops all that are not assigned. */
void place_table_forget(struct place_table *table);
/* Before a record with this number is handed over, behind which the place is offset and skip_bytes. */
void partition_move(struct partition *p, int64_t offset, uint64_t skip_bytes, uint64_t seq);
/* Everything up to and including seq is durable. */
void place_table_acknowledge(struct place_table *table, uint64_t seq);

/* kafka-say.c */

void consumer_set_callbacks(rd_kafka_conf_t *conf);
bool consumer_is_new_trouble(struct consumer *c, enum consumer_trouble trouble);
/* What came instead of a message. */
void consumer_say_error(struct consumer *c, const rd_kafka_message_t *m);
/* Messages come, or their end: no trouble is left. */
void consumer_say_well(struct consumer *c);
void consumer_on_fatal(struct consumer *c);

/* kafka-backlog.c */

int consumer_backlog_open(const char *name, const void *settings, const struct backlog_callbacks *callbacks,
                          struct diag_list *diags, struct backlog **ret_backlog) _warn_unused_;

#endif
