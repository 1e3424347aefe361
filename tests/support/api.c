/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A stranger's program with libhapax, for check-install: reads a log from standard input in pieces that end
 * anywhere, prints the message of each alert. Strict C11, nothing but the installed header and the C library.
 */
#include <hapax/hapax.h>

#include <stdio.h>

static int print_alert(void *userdata, const struct hpx_alert *alert)
{
    int *n_alerts = userdata;

    ++*n_alerts;
    return printf("%s\n", alert->message) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct hpx_options options = {0};
    struct hpx_detector *detector = NULL;
    struct hpx_stats stats;
    char piece[1001];
    size_t n;
    int n_alerts = 0, r;

    options.rulebase_directory = argc > 1 ? argv[1] : "";
    r = hpx_detector_new(&options, &detector);
    if (r < 0) {
        fprintf(stderr, "%s\n", hpx_last_error());
        return 1;
    }
    hpx_detector_on_alert(detector, print_alert, &n_alerts);
    while (r == 0 && (n = fread(piece, 1, sizeof(piece), stdin)) > 0)
        r = hpx_detector_feed(detector, piece, n);
    if (r == 0)
        r = hpx_detector_finish(detector);
    hpx_detector_stats(detector, &stats);
    hpx_detector_free(detector);
    return r == 0 && n_alerts > 0 && stats.n_alerts == (uint64_t)n_alerts ? 0 : 1;
}
