/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_KAFKA_CLIENT_H
#define HAPAX_KAFKA_CLIENT_H

/* What is the same for a Kafka client that sends and one that reads: the user's properties, secrets, the
 * birth of the client, what is worth a word of its log and of quotas. Everything else is the sink's or the
 * source's. */

#include <librdkafka/rdkafka.h>

#include "config/option.h"
#include "util/diag.h"
#include "util/hash.h"

/* librdkafka's own error texts are below this (rdkafka examples use 512) */
#define KAFKA_ERROR_SIZE 512U

/* A property and what we set it to, or why a user must not set it. A table ends with a NULL name. */
struct kafka_rule {
    const char *name, *text;
};

struct kafka_client {
    const char *kind, *name; /* "sink", "out": for diagnostics */
    const struct property_list *properties;
    const struct kafka_rule *defaults; /* of this kind; set before the user's, which win */
    const struct kafka_rule *refused;
    void (*report)(void *userdata, int level, const char *message); /* level as in syslog(3) */
    void *userdata;
    char password_id[HASH_ID_SIZE]; /* digest of the last sasl.password */
    bool is_check;                  /* files of secrets are not read */
    bool has_said_quota;            /* once in a life of the program */
};

/* The value of a property, NULL where it is not set. */
const char *kafka_client_property(const struct kafka_client *client, const char *name);

/* The user's bootstrap.servers, for the commands that messages propose. */
const char *kafka_client_bootstrap(const struct kafka_client *client);

/* All that is ours and the user's into conf. 0, or -EINVAL with every problem in diags. */
int kafka_client_fill_conf(struct kafka_client *client, rd_kafka_conf_t *conf,
                           struct diag_list *diags) _warn_unused_;

/* The problems that filling one would find, and that need no secret's file: where those are, the service may
 * be the only one to read them. 0, or -EINVAL. */
int kafka_client_check(struct kafka_client *client, struct diag_list *diags) _warn_unused_;

/* rd_kafka_new() with every signal blocked: its threads inherit that, and signals stay the loop's. NULL: conf
 * is still the caller's, text says why. */
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *reterr_text, size_t size);

/* Reads the file of sasl.password once more and gives it to the running rk: a password that was changed needs
 * no restart. Does nothing where there is no such file, or nothing new in it; level: how loud a file is that
 * cannot be read. */
void kafka_client_renew_password(struct kafka_client *client, rd_kafka_t *rk, int level);

/* Whether a login failed because this librdkafka cannot do it, whatever the password: says so. */
void kafka_client_explain_login(const struct kafka_client *client, rd_kafka_resp_err_t err,
                                const char *reason);

/* What librdkafka's log says, told to report, except that what comes as an error as well, and is judged
 * there, is only for debugging. */
void kafka_client_say_log(const struct kafka_client *client, int level, const char *facility,
                          const char *text);

/* That a broker holds back its answers: worth a word the first time that it is for long. */
void kafka_client_say_throttle(struct kafka_client *client, const char *broker, int msec);

/* For _cleanup_: a configuration that no client took. */
void kafka_conf_destroyp(rd_kafka_conf_t **conf);

#endif
