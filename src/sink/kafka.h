/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SINK_KAFKA_H
#define HAPAX_SINK_KAFKA_H

/*
 * The inside of the Kafka sink, for its own files and its test:
 *
 *     kafka.c        messages on their way, and the lives of the producer
 *     kafka-conf.c   options, and the properties that are the sink's (the rest: kafka/client.h)
 *     kafka-letter.c messages that the topic refuses for ever
 *     kafka-say.c    what librdkafka says, and what an operator hears of it
 *     kafka-topic.c  a look at the topic when the cluster is first reached
 */

#include <sys/queue.h>

#include "kafka/client.h"
#include "sink/dead-letter.h"
#include "sink/driver.h"

struct kafka_settings {
    char *topic;
    char *dead_letter, *dead_letter_topic; /* NULL: none */
    struct property_list properties;
};

/* How far a message got that the topic refuses. */
enum letter_stage {
    LETTER_NONE = 0, /* an alert */
    LETTER_FILE,     /* to be written into the file */
    LETTER_TOPIC,    /* to be sent to the topic of dead letters */
    LETTER_SHORT,    /* the same, without the document: it was too large there, too */
};

struct message {
    TAILQ_ENTRY(message) link;
    uint64_t ticket;
    bool goes_alone; /* refused as too large, perhaps for its company */
    enum letter_stage stage;
    rd_kafka_resp_err_t refusal; /* of a letter */
    struct buffer letter;        /* what is sent of it */
    size_t len, key_len, id_len;
    char bytes[]; /* the document, the key, the id */
};

TAILQ_HEAD(message_list, message);

enum trouble {
    TROUBLE_UNREACHABLE = 1 << 0, /* no broker answers */
    TROUBLE_REFUSED = 1 << 1,     /* TLS or credentials */
    TROUBLE_DELIVERY = 1 << 2,    /* a delivery failed and is tried again */
    TROUBLE_STALLED = 1 << 3,     /* nothing is delivered, nobody says why */
    TROUBLE_FATAL = 1 << 4,       /* the producer was given up */
    TROUBLE_OTHER = 1 << 5,
};

enum probe_state {
    PROBE_OFF = 0, /* answered, or nobody asked */
    PROBE_ASKED,
    PROBE_FAILED, /* to be asked again */
};

struct kafka_sink {
    struct sink sink;
    const char *topic, *dead_letter_topic;
    struct dead_letter_file letter_file;
    rd_kafka_t *producer;    /* NULL: the last was given up, and no new one could be made */
    rd_kafka_queue_t *queue; /* the producer's main queue */
    /* in librdkafka's hands; to be handed over once more; letters that wait. `again` is in the order of
     * tickets. */
    struct message_list out, again, letters;
    size_t n_out, n_letters;
    bool is_alone_out;    /* the one in `out` must stay alone */
    bool is_dead;         /* fatal error: the producer is to be remade */
    bool is_draining;     /* within a callback */
    bool is_letter_stuck; /* said */
    unsigned troubles;    /* enum trouble: said */
    uint64_t n_remade;
    char last_reason[KAFKA_ERROR_SIZE]; /* of the last broker that failed */
    struct kafka_client client;
    int wake_fd;
    uint64_t n_delivered, n_delivered_before; /* before: when the timer `stall` was armed */
    sd_event_source *wake, *retry, *stall;
    enum probe_state probe;
    rd_kafka_queue_t *probe_queue;
};

/* kafka.c */

/* Hands m to librdkafka: into `out`, or its error. m is in no list. */
rd_kafka_resp_err_t kafka_produce(struct kafka_sink *k, struct message *m);
struct message *kafka_message_free(struct message *m);

/* kafka-conf.c */

extern const struct option_table kafka_option_table;

/* Before anything else: needs the sink's name and settings. */
int kafka_check(const char *name, const void *settings, struct diag_list *diags);
void kafka_init_client(struct kafka_sink *k);
/* All that is ours and the user's into conf. 0, or -EINVAL with every problem in diags. */
int kafka_fill_conf(struct kafka_sink *k, rd_kafka_conf_t *conf, struct diag_list *diags) _warn_unused_;

/* kafka-letter.c */

/* Takes m, which is in no list and which the topic refuses for ever: confirms it with the reason, once its
 * letter is where letters go. */
void kafka_refuse(struct kafka_sink *k, struct message *m, rd_kafka_resp_err_t err);
/* The report about a letter in the topic of dead letters; m is in no list. */
void kafka_letter_reported(struct kafka_sink *k, struct message *m, rd_kafka_resp_err_t err);
/* Tries the letters that wait. */
void kafka_send_letters(struct kafka_sink *k);
/* Whether so many letters wait that no more alerts should be taken. */
bool kafka_has_too_many_letters(const struct kafka_sink *k);
/* About this message, whatever the cluster's state: asking again cannot help. */
bool kafka_is_about_message(rd_kafka_resp_err_t err);

/* kafka-say.c */

/* Chosen: see STALL_USEC there. */
#define KAFKA_STALL_SEC 15

void kafka_set_callbacks(rd_kafka_conf_t *conf);
bool kafka_is_new_trouble(struct kafka_sink *k, enum trouble trouble);
/* The producer has said that it is of no use any more, or we have found out. */
void kafka_on_fatal(struct kafka_sink *k);
/* Starts to watch that something is delivered; without memory for it we only say less. */
void kafka_arm_stall(struct kafka_sink *k);
int kafka_on_stall(sd_event_source *source, uint64_t usec, void *userdata);

/* kafka-topic.c */

/* Asks about the topic, without waiting. Only with a loop. */
void kafka_probe_topic(struct kafka_sink *k);
/* Takes an answer that has come. */
void kafka_take_probe(struct kafka_sink *k);

#endif
