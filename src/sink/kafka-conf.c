/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the user sets, and what becomes of it in librdkafka. Properties pass untouched, under librdkafka's own
 * names, so that its documentation is ours: any broker, TLS or SASL that it can do, we can. Ours come first,
 * the user's win; a few are refused, because with them an alert would be lost or a shell be run.
 *
 * Secrets are the exception. A property that holds one cannot be set; instead the same name with "_file"
 * says where it is (config/secret.c). The value goes from the file into librdkafka and is wiped; it is in no
 * message of ours, and librdkafka shows such properties as "[redacted]" in its debug log.
 *
 * GSSAPI: librdkafka keeps a Kerberos ticket fresh by running kinit, through system(3), with a command line
 * out of the configuration. We run no shell: that is switched off, and a timer or k5start keeps the ticket.
 *
 * A broker that says the credentials are wrong may have been given new ones, as the file may: it is read
 * again on every such refusal (a small file, at the pace of librdkafka's reconnections) and on SIGHUP.
 * Whether it is another one is told by a digest.
 */
#include "sink/kafka.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "config/secret.h"
#include "util/hash.h"

static const struct option kafka_options[] = {
    {
        .name = "topic",
        .type = OPTION_STRING,
        .offset = offsetof(struct kafka_settings, topic),
        .default_text = "hapax.alerts",
        .help = "topic that alerts are sent to",
    },
    {
        .name = "dead_letter",
        .type = OPTION_STRING,
        .offset = offsetof(struct kafka_settings, dead_letter),
        .help =
            "file that gets the alerts the topic refuses for ever, with the reason, one JSON object a line",
    },
    {
        .name = "dead_letter_topic",
        .type = OPTION_STRING,
        .offset = offsetof(struct kafka_settings, dead_letter_topic),
        .help = "topic that gets the same; an alert too large for it, too, is described, not contained",
    },
    {
        .name = "kafka",
        .type = OPTION_PROPERTIES,
        .offset = offsetof(struct kafka_settings, properties),
        .help =
            "any property of librdkafka, passed through untouched; bootstrap.servers must be set; a secret "
            "comes from a file: sasl.password_file",
    },
};

const struct option_table kafka_option_table = {kafka_options, ARRAY_SIZE(kafka_options),
                                                sizeof(struct kafka_settings)};

/* What we set before the user's properties, which win. */
static const struct {
    const char *name, *value;
} defaults[] = {
    {"client.id", "hapax"},
    {"enable.idempotence", "true"},
    {"acks", "all"},
    /* an alert waits for nobody: 0.38 ms instead of 6.3 ms at the 99th percentile (measured 2026-11) */
    {"linger.ms", "0"},
    {"message.timeout.ms", "0"},
    /* chosen: keeps a fast producer busy, and is all that a kill sends twice */
    {"queue.buffering.max.messages", "10000"},
    {"queue.buffering.max.kbytes", "65536"},
    /* 0 switches off kinit: see above */
    {"sasl.kerberos.min.time.before.relogin", "0"},
};

/* What a user must not set. */
#define KEPT "every alert is kept until its delivery is reported"
#define NO_SHELL                                                                                             \
    "librdkafka would run it in a shell; keep the ticket fresh from outside (k5start) and name it in "       \
    "KRB5CCNAME"
static const struct {
    const char *name, *why;
} refused[] = {
    {"delivery.report.only.error", KEPT},
    {"enabled_events", KEPT},
    {"transactional.id", "the sink does not use transactions"},
    {"log.queue", "the log is read from librdkafka's queue"},
    {"sasl.kerberos.kinit.cmd", NO_SHELL},
    {"sasl.kerberos.min.time.before.relogin", NO_SHELL},
};

/* librdkafka's properties that it marks as sensitive, and that are text (its CONFIGURATION.md, 2.0.2
 * and 2.8.0; the last two are of later releases). */
static const char *const secrets[] = {
    "sasl.password",
    "sasl.oauthbearer.client.secret",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
};

#define FILE_SUFFIX "_file"

const char *kafka_property(const struct kafka_settings *settings, const char *name)
{
    for (size_t i = settings->properties.n; i > 0; i--)
        if (strcmp(settings->properties.items[i - 1].name, name) == 0)
            return settings->properties.items[i - 1].value;
    return NULL;
}

/* The secret of which name is the property, or the property with the suffix; NULL: neither. */
static const char *secret_of(const char *name, bool *ret_is_file)
{
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        size_t len = strlen(secrets[i]);

        if (strncmp(name, secrets[i], len) != 0)
            continue;
        *ret_is_file = strcmp(name + len, FILE_SUFFIX) == 0;
        if (*ret_is_file || name[len] == '\0')
            return secrets[i];
    }
    return NULL;
}

static int load(struct kafka_sink *k, const struct property *p, char **ret_secret, char **reterr_message)
{
    int r = secret_load(p->value, getenv("CREDENTIALS_DIRECTORY"), ret_secret, reterr_message);

    if (r == SECRET_IS_EXPOSED)
        sink_report(&k->sink, LOG_WARNING, "kafka.%s: every user of this machine may read '%s'", p->name,
                    p->value);
    return MIN(r, 0);
}

/* 0, or 1: a problem went to diags. */
static int set_secret(struct kafka_sink *k, rd_kafka_conf_t *conf, const struct property *p,
                      const char *property, struct diag_list *diags)
{
    _cleanup_(secret_freep) char *secret = NULL;
    _cleanup_(freep) char *message = NULL;
    int r = load(k, p, &secret, &message);

    if (r < 0) {
        (void)diag_add(diags, NULL, 0, 0, "sink '%s': kafka.%s: %s", k->sink.name, p->name,
                       message ? message : strerror(-r));
        return 1;
    }
    if (strcmp(property, "sasl.password") == 0)
        hash_id(&(struct slice){secret, strlen(secret)}, 1, k->password_id);
    /* not librdkafka's text: whatever is wrong with a secret, nothing may quote it */
    if (rd_kafka_conf_set(conf, property, secret, NULL, 0) == RD_KAFKA_CONF_OK)
        return 0;
    (void)diag_add(diags, NULL, 0, 0, "sink '%s': kafka.%s: librdkafka %s does not take it", k->sink.name,
                   p->name, rd_kafka_version_str());
    return 1;
}

/* 0, or 1: a problem went to diags. */
static int set_property(struct kafka_sink *k, rd_kafka_conf_t *conf, const struct property *p,
                        struct diag_list *diags)
{
    char text[KAFKA_ERROR_SIZE] = "";
    bool is_file = false;
    const char *secret = secret_of(p->name, &is_file);

    if (secret && is_file)
        return set_secret(k, conf, p, secret, diags);
    if (secret) {
        (void)diag_add(diags, NULL, 0, 0,
                       "sink '%s': kafka.%s is a secret and is taken from a file only: write it into one and "
                       "set kafka.%s_file to its path, or to the name of a systemd credential",
                       k->sink.name, p->name, p->name);
        return 1;
    }
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        if (strcmp(p->name, refused[i].name) == 0) {
            (void)diag_add(diags, NULL, 0, 0, "sink '%s': kafka.%s cannot be set: %s", k->sink.name, p->name,
                           refused[i].why);
            return 1;
        }
    if (rd_kafka_conf_set(conf, p->name, p->value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
        return 0;
    (void)diag_add(diags, NULL, 0, 0, "sink '%s': kafka.%s: %s", k->sink.name, p->name, text);
    return 1;
}

int kafka_fill_conf(struct kafka_sink *k, rd_kafka_conf_t *conf, struct diag_list *diags)
{
    const struct kafka_settings *settings = k->sink.settings;
    size_t size = 0;
    int n_bad = 0;

    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
        rd_kafka_conf_res_t res = rd_kafka_conf_set(conf, defaults[i].name, defaults[i].value, NULL, 0);

        /* a library that was built without SASL does not know the last one */
        assert(res == RD_KAFKA_CONF_OK || strncmp(defaults[i].name, "sasl.", 5) == 0);
    }
    for (size_t i = 0; i < settings->properties.n; i++)
        n_bad += set_property(k, conf, &settings->properties.items[i], diags);
    /* the size counts the NUL */
    if (rd_kafka_conf_get(conf, "bootstrap.servers", NULL, &size) != RD_KAFKA_CONF_OK || size <= 1) {
        (void)diag_add(diags, NULL, 0, 0,
                       "sink '%s': kafka.bootstrap.servers is not set, expected one broker at least, such as "
                       "kafka1.example:9092",
                       k->sink.name);
        n_bad++;
    }
    if (n_bad > 0)
        return -EINVAL;
    if (rd_kafka_conf_set(conf, "log.queue", "true", NULL, 0) != RD_KAFKA_CONF_OK)
        return -EINVAL;
    rd_kafka_conf_set_opaque(conf, k);
    kafka_set_callbacks(conf);
    return 0;
}

void kafka_renew_password(struct kafka_sink *k, int level)
{
    const struct kafka_settings *settings = k->sink.settings;
    const struct property p = {.name = (char *)(uintptr_t) "sasl.password" FILE_SUFFIX,
                               .value =
                                   (char *)(uintptr_t)kafka_property(settings, "sasl.password" FILE_SUFFIX)};
    const char *user = kafka_property(settings, "sasl.username");
    _cleanup_(secret_freep) char *secret = NULL;
    _cleanup_(freep) char *message = NULL;
    char id[HASH_ID_SIZE];
    rd_kafka_error_t *error;
    int r;

    if (!p.value || !user || !k->producer)
        return;
    r = secret_load(p.value, getenv("CREDENTIALS_DIRECTORY"), &secret, &message);
    if (r < 0) {
        sink_report(&k->sink, level, "kafka.%s: %s; the old one is kept", p.name,
                    message ? message : strerror(-r));
        return;
    }
    hash_id(&(struct slice){secret, strlen(secret)}, 1, id);
    if (strcmp(id, k->password_id) == 0)
        return;
    memcpy(k->password_id, id, sizeof(id));
    error = rd_kafka_sasl_set_credentials(k->producer, user, secret);
    sink_report(&k->sink, error ? level : LOG_NOTICE, "kafka.%s: %s", p.name,
                error ? rd_kafka_error_string(error) : "the password has changed, the new one is used");
    if (error)
        rd_kafka_error_destroy(error);
}
