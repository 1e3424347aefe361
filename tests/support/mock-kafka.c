/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A Kafka cluster for tests: librdkafka's mock cluster, served on 127.0.0.1 to other processes.
 *
 *     mock-kafka PORTFILE TOPIC[:PARTITIONS]...
 *
 * writes "host:port[,...]" and a line end to PORTFILE (complete when it is there; "-" is standard output) and
 * serves until its standard input ends or SIGTERM. Lines on standard input are commands, each answered by
 * "ok" or "error" on standard output once it has been done, so that nobody has to sleep:
 *
 *     down            break all connections and refuse new ones
 *     up              take connections again
 *     fail CODE N     answer the next N produce requests with error CODE (protocol number)
 *     delay MSEC      answer each request so much later
 *     topic TOPIC CODE  answer everything about TOPIC with error CODE, 0: none
 *
 * Everything is in memory, with a bounded log for each partition; it does not enforce sizes, rights or
 * transactions.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

/* Kafka protocol, api_keys: Produce */
#define API_KEY_PRODUCE 0

static int parse_number(const char *text, int *ret_v)
{
    char *end;
    long v;

    errno = 0;
    v = text ? strtol(text, &end, 10) : 0;
    if (!text || errno != 0 || end == text || *end || v < -1000 || v > 100000)
        return -EINVAL;
    *ret_v = (int)v;
    return 0;
}

static int create_topic(rd_kafka_mock_cluster_t *cluster, char *spec)
{
    char *colon = strrchr(spec, ':');
    int n_partitions = 1;

    if (colon) {
        *colon = '\0';
        if (parse_number(colon + 1, &n_partitions) < 0)
            return -EINVAL;
    }
    return rd_kafka_mock_topic_create(cluster, spec, n_partitions, 1) == RD_KAFKA_RESP_ERR_NO_ERROR ? 0
                                                                                                    : -EINVAL;
}

static int write_ports(const char *path, const char *ports)
{
    char aside[4096];
    FILE *f;

    if (strcmp(path, "-") == 0)
        return printf("%s\n", ports) < 0 || fflush(stdout) != 0 ? -EIO : 0;
    if (snprintf(aside, sizeof(aside), "%s.new", path) >= (int)sizeof(aside))
        return -ENAMETOOLONG;
    f = fopen(aside, "we");
    if (!f)
        return -errno;
    (void)fprintf(f, "%s\n", ports);
    if (fclose(f) != 0 || rename(aside, path) < 0)
        return -errno;
    return 0;
}

static int run_command(rd_kafka_mock_cluster_t *cluster, char *line)
{
    const char *verb = strsep(&line, " \n"), *first = strsep(&line, " \n"), *second = strsep(&line, " \n");
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_UNKNOWN;
    int code, n;

    if (strcmp(verb, "down") == 0)
        err = rd_kafka_mock_broker_set_down(cluster, -1);
    else if (strcmp(verb, "up") == 0)
        err = rd_kafka_mock_broker_set_up(cluster, -1);
    else if (strcmp(verb, "fail") == 0 && parse_number(first, &code) == 0 && parse_number(second, &n) == 0) {
        for (int i = 0; i < n; i++)
            rd_kafka_mock_push_request_errors(cluster, API_KEY_PRODUCE, 1, (rd_kafka_resp_err_t)code);
        err = RD_KAFKA_RESP_ERR_NO_ERROR;
    } else if (strcmp(verb, "delay") == 0 && parse_number(first, &n) == 0) {
        err = rd_kafka_mock_broker_set_rtt(cluster, -1, n);
    } else if (strcmp(verb, "topic") == 0 && first && parse_number(second, &code) == 0) {
        rd_kafka_mock_topic_set_error(cluster, first, (rd_kafka_resp_err_t)code);
        err = RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    return err == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
    char error[512] = "", line[256];
    rd_kafka_mock_cluster_t *cluster;
    rd_kafka_conf_t *conf;
    rd_kafka_t *rk;

    if (argc < 2) {
        (void)fprintf(stderr, "usage: mock-kafka PORTFILE TOPIC[:PARTITIONS]...\n");
        return 2;
    }
    conf = rd_kafka_conf_new();
    /* the carrier of the cluster has no brokers itself, and would say so */
    (void)rd_kafka_conf_set(conf, "log_level", "3", NULL, 0);
    rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    cluster = rk ? rd_kafka_mock_cluster_new(rk, 1) : NULL;
    if (!cluster) {
        (void)fprintf(stderr, "mock-kafka: %s\n", error);
        return 1;
    }
    for (int i = 2; i < argc; i++)
        if (create_topic(cluster, argv[i]) < 0) {
            (void)fprintf(stderr, "mock-kafka: bad topic '%s'\n", argv[i]);
            return 2;
        }
    if (write_ports(argv[1], rd_kafka_mock_cluster_bootstraps(cluster)) < 0) {
        (void)fprintf(stderr, "mock-kafka: cannot write '%s'\n", argv[1]);
        return 1;
    }
    while (fgets(line, sizeof(line), stdin)) {
        (void)printf("%s\n", run_command(cluster, line) < 0 ? "error" : "ok");
        (void)fflush(stdout);
    }
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(rk);
    return 0;
}
