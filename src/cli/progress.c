/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Long work shows that it works. The bar is drawn only on a terminal, at most ten times a second,
 * in place; it goes to stderr, so that it never mixes with the data on stdout.
 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define WIDTH        40
#define REDRAW_NSEC  100000000 /* chosen: smooth to the eye, invisible in a profile */
#define NSEC_PER_SEC INT64_C(1000000000)

static bool is_drawn;

void progress_show(int64_t n_bytes, int64_t total_bytes, uint64_t n_events)
{
    static int is_terminal = -1;
    static int64_t last_nsec;
    char bar[WIDTH + 1];
    struct timespec now;
    int64_t nsec;
    int filled;

    if (is_terminal < 0)
        is_terminal = isatty(STDERR_FILENO);
    if (!is_terminal)
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    nsec = now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
    if (nsec - last_nsec < REDRAW_NSEC)
        return;
    last_nsec = nsec;
    is_drawn = true;
    if (total_bytes <= 0) {
        (void)fprintf(stderr, "\r\033[K%" PRId64 " MiB read, %" PRIu64 " process starts", n_bytes >> 20,
                      n_events);
        return;
    }
    if (n_bytes > total_bytes)
        n_bytes = total_bytes; /* a file may grow while it is read */
    filled = (int)(n_bytes * WIDTH / total_bytes);
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[WIDTH] = '\0';
    (void)fprintf(stderr, "\r\033[K[%s] %3d %%  %" PRIu64 " process starts", bar,
                  (int)(n_bytes * 100 / total_bytes), n_events);
}

void progress_clear(void)
{
    if (is_drawn)
        (void)fputs("\r\033[K", stderr);
    is_drawn = false;
}
