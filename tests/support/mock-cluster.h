/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_SUPPORT_MOCK_CLUSTER_H
#define HAPAX_TESTS_SUPPORT_MOCK_CLUSTER_H

/* The mock cluster (mock-kafka.c) as a child of a unit test: it ends with the test. */

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mock-kafka-path.h"
#include "support.h"

struct cluster {
    pid_t pid;
    FILE *to, *from;
    char ports[256];
};

static inline void cluster_read_line(FILE *from, char *line, int size)
{
    cr_assert_not_null(fgets(line, size, from), "the mock cluster is gone");
    line[strcspn(line, "\n")] = '\0';
}

/* Up to two topics, as "name:partitions". */
static inline void cluster_start(struct cluster *cluster, const char *first, const char *second)
{
    char *const argv[] = {(char *)(uintptr_t)MOCK_KAFKA, (char *)(uintptr_t) "-", (char *)(uintptr_t)first,
                          (char *)(uintptr_t)second, NULL};
    posix_spawn_file_actions_t actions;
    int to[2], from[2];

    cr_assert_eq(pipe2(to, O_CLOEXEC), 0);
    cr_assert_eq(pipe2(from, O_CLOEXEC), 0);
    cr_assert_eq(posix_spawn_file_actions_init(&actions), 0);
    cr_assert_eq(posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO), 0);
    cr_assert_eq(posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO), 0);
    cr_assert_eq(posix_spawn(&cluster->pid, MOCK_KAFKA, &actions, NULL, argv, environ), 0);
    cr_assert_eq(posix_spawn_file_actions_destroy(&actions), 0);
    (void)close(to[0]);
    (void)close(from[1]);
    cluster->to = fdopen(to[1], "w");
    cluster->from = fdopen(from[0], "r");
    cr_assert(cluster->to && cluster->from);
    cluster_read_line(cluster->from, cluster->ports, sizeof(cluster->ports));
}

static inline void cluster_stop(struct cluster *cluster)
{
    if (cluster->pid <= 0)
        return;
    /* the end of its input is the end of it */
    (void)fclose(cluster->to);
    (void)fclose(cluster->from);
    (void)waitpid(cluster->pid, NULL, 0);
    cluster->pid = 0;
}

static inline void cluster_tell(struct cluster *cluster, const char *command)
{
    char answer[64];

    cr_assert_geq(fprintf(cluster->to, "%s\n", command), 0);
    cr_assert_eq(fflush(cluster->to), 0);
    cluster_read_line(cluster->from, answer, sizeof(answer));
    cr_assert_str_eq(answer, "ok", "%s", command);
}

#endif
