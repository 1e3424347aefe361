/* SPDX-License-Identifier: Apache-2.0 */

/* The public API as a program that embeds it sees it: errors in words, alerts by callback, bytes in any
 * pieces. */
#include "hapax/hapax.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "util/buffer.h"
#include "util/cleanup.h"

static struct hpx_options options(void)
{
    static char rulebase[4096];
    const char *root = getenv("HAPAX_SOURCE_ROOT");

    cr_assert(root, "HAPAX_SOURCE_ROOT is not set");
    (void)snprintf(rulebase, sizeof(rulebase), "%s/rulebase", root);
    return (struct hpx_options){.rulebase_directory = rulebase, .year = 2026};
}

/* Three administrators, each in her own minute of every quarter of an hour for two days; then somebody else,
 * once. */
static void make_stream(struct buffer *out)
{
    static const char *const users[] = {"alice", "bob", "carol"};

    for (int i = 0; i < 192; i++)
        for (int u = 0; u < 3; u++)
            cr_assert_eq(buffer_append_format(
                             out,
                             "2026-03-%02dT%02d:%02d:00Z web-01 sudo: %s : TTY=pts/0 ; PWD=/ ; USER=root ; "
                             "COMMAND=/usr/bin/ss -t\n",
                             1 + i / 96, i / 4 % 24, i % 4 * 15 + u, users[u]),
                         0);
    cr_assert_eq(buffer_append_format(
                     out, "2026-03-03T00:07:00Z web-01 sudo: mallory : TTY=pts/0 ; PWD=/ ; USER=root ; "
                          "COMMAND=/usr/bin/netstat -an\n"),
                 0);
}

struct seen {
    int n;
    char id[64];
    char message[512];
};

static int on_alert(void *userdata, const struct hpx_alert *alert)
{
    struct seen *seen = userdata;

    seen->n++;
    cr_assert_eq(strlen(alert->json), alert->json_len);
    (void)snprintf(seen->id, sizeof(seen->id), "%s", alert->id);
    (void)snprintf(seen->message, sizeof(seen->message), "%s", alert->message);
    return 0;
}

static void replay(size_t chunk, struct seen *ret_seen, struct hpx_stats *ret_stats)
{
    _cleanup_(buffer_done) struct buffer stream = BUFFER_INIT;
    struct hpx_options o = options();
    struct hpx_detector *d = NULL;

    make_stream(&stream);
    cr_assert_eq(hpx_detector_new(&o, &d), 0, "%s", hpx_last_error());
    hpx_detector_on_alert(d, on_alert, ret_seen);
    for (size_t i = 0; i < stream.len; i += chunk)
        cr_assert_eq(hpx_detector_feed(d, stream.data + i, MIN(chunk, stream.len - i)), 0);
    cr_assert_eq(hpx_detector_finish(d), 0);
    hpx_detector_stats(d, ret_stats);
    hpx_detector_free(d);
}

Test(hapax, alerts_on_the_stranger_and_on_nobody_else)
{
    struct seen seen = {0}, bytewise = {0};
    struct hpx_stats stats;

    replay(1U << 20, &seen, &stats);
    cr_assert_eq(seen.n, 1);
    cr_assert(strstr(seen.message, "mallory"), "%s", seen.message);
    cr_assert_eq(stats.n_events, 192 * 3 + 1);
    cr_assert_eq(stats.n_selected, stats.n_events);
    cr_assert_eq(stats.n_alerts, 1);
    replay(1, &bytewise, &stats);
    cr_assert_eq(bytewise.n, 1);
    cr_assert_str_eq(bytewise.id, seen.id, "the pieces make no difference");
}

Test(hapax, says_what_is_wrong_with_its_options)
{
    struct hpx_options o = options();
    struct hpx_detector *d = NULL;

    o.rulebase_directory = NULL;
    cr_assert_eq(hpx_detector_new(&o, &d), -EINVAL);
    cr_assert_str_eq(hpx_last_error(), "rulebase_directory is not set\n");
    o = options();
    o.format = "sislog";
    cr_assert_eq(hpx_detector_new(&o, &d), -EINVAL);
    cr_assert_str_eq(hpx_last_error(), "unknown format 'sislog', expected one such as 'syslog'\n");
    o = options();
    o.jobs = (const char *const[]){"network_connection_discoverie", NULL};
    cr_assert_eq(hpx_detector_new(&o, &d), -EINVAL);
    cr_assert(strstr(hpx_last_error(), "network_connection_discovery"), "%s", hpx_last_error());
    o = options();
    o.settings = (const char *const[]){"detector.rare.forgot=decay", NULL};
    cr_assert_eq(hpx_detector_new(&o, &d), -EINVAL);
    cr_assert(strstr(hpx_last_error(), "forget"), "%s", hpx_last_error());
    cr_assert_null(d);
    cr_assert_null(hpx_detector_free(NULL));
}

static int refuse(void *userdata, const struct hpx_alert *alert)
{
    (void)userdata;
    (void)alert;
    return -EPIPE;
}

Test(hapax, hands_back_what_the_callback_returned)
{
    _cleanup_(buffer_done) struct buffer stream = BUFFER_INIT;
    struct hpx_options o = options();
    struct hpx_detector *d = NULL;

    make_stream(&stream);
    cr_assert_eq(hpx_detector_new(&o, &d), 0, "%s", hpx_last_error());
    hpx_detector_on_alert(d, refuse, NULL);
    cr_assert_eq(hpx_detector_feed(d, stream.data, stream.len), -EPIPE);
    hpx_detector_free(d);
}
