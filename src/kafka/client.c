/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the user sets, and what becomes of it in librdkafka. Properties pass untouched, under librdkafka's own
 * names, so that its documentation is ours: any broker, TLS or SASL that it can do, we can. Ours come first,
 * the user's win; a few are refused, because with them a record or an alert would be lost or a shell be run.
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
 *
 * What goes on in a client is the sink's and the source's to say; here are the two things that mean the same
 * to both: the log, and a broker that holds its answers back.
 */
#include "kafka/client.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "config/secret.h"

/* Of every client, before its own. */
static const struct kafka_rule defaults[] = {
    {"client.id", "hapax"},
    /* 0 switches off kinit: see above */
    {"sasl.kerberos.min.time.before.relogin", "0"},
    {NULL, NULL},
};

#define NO_SHELL                                                                                             \
    "librdkafka would run it in a shell; keep the ticket fresh from outside (k5start) and name it in "       \
    "KRB5CCNAME"
static const struct kafka_rule refused[] = {
    {"log.queue", "the log is read from librdkafka's queue"},
    {"sasl.kerberos.kinit.cmd", NO_SHELL},
    {"sasl.kerberos.min.time.before.relogin", NO_SHELL},
    {NULL, NULL},
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

/* Earlier ones repeat the client's nonce, and Kafka 4 compares (librdkafka#4895; tried 2026-11: 2.0.2 is
 * refused by Kafka 4.3.1, 2.8.0 is not) */
#define SCRAM_VERSION 0x020601ff

/* chosen: what an answer is late by before a quota is worth a word */
#define QUOTA_MSEC 1000

/* chosen: a message is one sentence with a library's text in it, which may be cut */
#define REPORT_SIZE 1024

static _printf_(3, 4) void report(const struct kafka_client *client, int level, const char *format, ...)
{
    char message[REPORT_SIZE];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(message, sizeof(message), format, ap);
    va_end(ap);
    client->report(client->userdata, level, message);
}

const char *kafka_client_property(const struct kafka_client *client, const char *name)
{
    for (size_t i = client->properties->n; i > 0; i--)
        if (strcmp(client->properties->items[i - 1].name, name) == 0)
            return client->properties->items[i - 1].value;
    return NULL;
}

const char *kafka_client_bootstrap(const struct kafka_client *client)
{
    const char *servers = kafka_client_property(client, "bootstrap.servers");

    if (!servers)
        servers = kafka_client_property(client, "metadata.broker.list"); /* its other name */
    return servers ? servers : "BROKER";
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

static int load(struct kafka_client *client, const struct property *p, char **ret_secret,
                char **reterr_message)
{
    int r = secret_load(p->value, getenv("CREDENTIALS_DIRECTORY"), ret_secret, reterr_message);

    if (r == SECRET_IS_EXPOSED)
        report(client, LOG_WARNING, "kafka.%s: every user of this machine may read '%s'", p->name, p->value);
    return MIN(r, 0);
}

/* 0, or 1: a problem went to diags. */
static int set_secret(struct kafka_client *client, rd_kafka_conf_t *conf, const struct property *p,
                      const char *property, struct diag_list *diags)
{
    _cleanup_(secret_freep) char *secret = NULL;
    _cleanup_(freep) char *message = NULL;
    int r = load(client, p, &secret, &message);

    if (r < 0) {
        (void)diag_add(diags, NULL, 0, 0, "%s '%s': kafka.%s: %s", client->kind, client->name, p->name,
                       message ? message : strerror(-r));
        return 1;
    }
    if (strcmp(property, "sasl.password") == 0)
        hash_id(&(struct slice){secret, strlen(secret)}, 1, client->password_id);
    /* not librdkafka's text: whatever is wrong with a secret, nothing may quote it */
    if (rd_kafka_conf_set(conf, property, secret, NULL, 0) == RD_KAFKA_CONF_OK)
        return 0;
    (void)diag_add(diags, NULL, 0, 0, "%s '%s': kafka.%s: librdkafka %s does not take it", client->kind,
                   client->name, p->name, rd_kafka_version_str());
    return 1;
}

static const char *find_rule(const struct kafka_rule *rules, const char *name)
{
    for (; rules->name; rules++)
        if (strcmp(rules->name, name) == 0)
            return rules->text;
    return NULL;
}

/* 0, or 1: a problem went to diags. */
static int set_property(struct kafka_client *client, rd_kafka_conf_t *conf, const struct property *p,
                        struct diag_list *diags)
{
    char text[KAFKA_ERROR_SIZE] = "";
    bool is_file = false;
    const char *secret = secret_of(p->name, &is_file), *why;

    if (secret && is_file)
        return client->is_check ? 0 : set_secret(client, conf, p, secret, diags);
    if (secret) {
        (void)diag_add(diags, NULL, 0, 0,
                       "%s '%s': kafka.%s is a secret and is taken from a file only: write it into one and "
                       "set kafka.%s_file to its path, or to the name of a systemd credential",
                       client->kind, client->name, p->name, p->name);
        return 1;
    }
    why = find_rule(refused, p->name);
    if (!why)
        why = find_rule(client->refused, p->name);
    if (why) {
        (void)diag_add(diags, NULL, 0, 0, "%s '%s': kafka.%s cannot be set: %s", client->kind, client->name,
                       p->name, why);
        return 1;
    }
    if (rd_kafka_conf_set(conf, p->name, p->value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
        return 0;
    (void)diag_add(diags, NULL, 0, 0, "%s '%s': kafka.%s: %s", client->kind, client->name, p->name, text);
    return 1;
}

static void set_defaults(rd_kafka_conf_t *conf, const struct kafka_rule *rules)
{
    for (; rules->name; rules++) {
        rd_kafka_conf_res_t res = rd_kafka_conf_set(conf, rules->name, rules->text, NULL, 0);

        /* a library that was built without SASL does not know its properties */
        assert(res == RD_KAFKA_CONF_OK || strncmp(rules->name, "sasl.", 5) == 0);
    }
}

int kafka_client_fill_conf(struct kafka_client *client, rd_kafka_conf_t *conf, struct diag_list *diags)
{
    size_t size = 0;
    int n_bad = 0;

    set_defaults(conf, defaults);
    set_defaults(conf, client->defaults);
    for (size_t i = 0; i < client->properties->n; i++)
        n_bad += set_property(client, conf, &client->properties->items[i], diags);
    /* the size counts the NUL */
    if (rd_kafka_conf_get(conf, "bootstrap.servers", NULL, &size) != RD_KAFKA_CONF_OK || size <= 1) {
        (void)diag_add(diags, NULL, 0, 0,
                       "%s '%s': kafka.bootstrap.servers is not set, expected one broker at least, such as "
                       "kafka1.example:9092",
                       client->kind, client->name);
        n_bad++;
    }
    if (n_bad > 0)
        return -EINVAL;
    return rd_kafka_conf_set(conf, "log.queue", "true", NULL, 0) == RD_KAFKA_CONF_OK ? 0 : -EINVAL;
}

int kafka_client_check(struct kafka_client *client, struct diag_list *diags)
{
    _cleanup_(kafka_conf_destroyp) rd_kafka_conf_t *conf = rd_kafka_conf_new();

    client->is_check = true;
    return kafka_client_fill_conf(client, conf, diags);
}

rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *reterr_text, size_t size)
{
    sigset_t all, old;
    rd_kafka_t *rk;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    rk = rd_kafka_new(type, conf, reterr_text, size);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rk;
}

void kafka_client_renew_password(struct kafka_client *client, rd_kafka_t *rk, int level)
{
    const struct property p = {
        .name = (char *)(uintptr_t) "sasl.password" FILE_SUFFIX,
        .value = (char *)(uintptr_t)kafka_client_property(client, "sasl.password" FILE_SUFFIX)};
    const char *user = kafka_client_property(client, "sasl.username");
    _cleanup_(secret_freep) char *secret = NULL;
    _cleanup_(freep) char *message = NULL;
    char id[HASH_ID_SIZE];
    rd_kafka_error_t *error;
    int r;

    if (!p.value || !user || !rk)
        return;
    r = secret_load(p.value, getenv("CREDENTIALS_DIRECTORY"), &secret, &message);
    if (r < 0) {
        report(client, level, "kafka.%s: %s; the old one is kept", p.name, message ? message : strerror(-r));
        return;
    }
    hash_id(&(struct slice){secret, strlen(secret)}, 1, id);
    if (strcmp(id, client->password_id) == 0)
        return;
    memcpy(client->password_id, id, sizeof(id));
    error = rd_kafka_sasl_set_credentials(rk, user, secret);
    report(client, error ? level : LOG_NOTICE, "kafka.%s: %s", p.name,
           error ? rd_kafka_error_string(error) : "the password has changed, the new one is used");
    if (error)
        rd_kafka_error_destroy(error);
}

void kafka_client_explain_login(const struct kafka_client *client, rd_kafka_resp_err_t err,
                                const char *reason)
{
    if (err != RD_KAFKA_RESP_ERR__AUTHENTICATION || !strstr(reason, "mechanism SCRAM-") ||
        rd_kafka_version() >= SCRAM_VERSION)
        return;
    report(client, LOG_WARNING,
           "librdkafka %s cannot log in with SCRAM to Kafka 4, 2.6.1 or later can; this one can with "
           "sasl.mechanisms=PLAIN over TLS, or a client's certificate",
           rd_kafka_version_str());
}

void kafka_client_say_log(const struct kafka_client *client, int level, const char *facility,
                          const char *text)
{
    if (strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0 || strcmp(facility, "FATAL") == 0)
        level = LOG_DEBUG;
    /* what ends anything for us is decided here, not by the library */
    report(client, MAX(level, LOG_WARNING), "librdkafka: %s: %s", facility, text);
}

void kafka_client_say_throttle(struct kafka_client *client, const char *broker, int msec)
{
    bool is_first = msec >= QUOTA_MSEC && !client->has_said_quota;

    client->has_said_quota = client->has_said_quota || is_first;
    report(client, is_first ? LOG_WARNING : LOG_DEBUG,
           "broker %s holds its answers back by %d ms: a quota of client or user is used up", broker, msec);
}

void kafka_conf_destroyp(rd_kafka_conf_t **conf)
{
    if (*conf)
        rd_kafka_conf_destroy(*conf);
}
