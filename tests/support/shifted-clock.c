/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A wall clock that can be set, for a program under test: LD_PRELOAD this, and the file named by
 * $SHIFTED_CLOCK holds the seconds (a decimal number, may be negative) that CLOCK_REALTIME is ahead of the
 * kernel's. It is read at each look at the clock, so a change is a jump in the middle of the run.
 *
 * Timers on CLOCK_REALTIME with an absolute time are set so that they fire when the shifted clock gets there.
 * One that was set before a jump fires at its old instant; sd-event then looks at the clock, and sets it
 * again. So a jump back is exact, and after a jump forward a timer comes later than the kernel's would, never
 * earlier. CLOCK_MONOTONIC is left alone, as by a clock that is set.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* chosen: more than any program under test has */
#define N_DESCRIPTORS 1024

static bool is_realtime[N_DESCRIPTORS];

static time_t shift(void)
{
    const char *path = getenv("SHIFTED_CLOCK");
    char text[32] = "";
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n;

    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    return n > 0 ? (time_t)strtoll(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    static int (*real)(clockid_t, struct timespec *);
    int r;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    r = real(clock, ret_time);
    if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        ret_time->tv_sec += shift();
    return r;
}

time_t time(time_t *ret_time)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time)
        *ret_time = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    struct timespec now = {0};

    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *ret_time = (struct timeval){now.tv_sec, (suseconds_t)(now.tv_nsec / 1000)};
    return 0;
}

int timerfd_create(int clock, int flags)
{
    static int (*real)(int, int);
    int fd;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "timerfd_create");
    fd = real(clock, flags);
    if (fd >= 0 && fd < N_DESCRIPTORS)
        is_realtime[fd] = clock == CLOCK_REALTIME;
    return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *ret_old)
{
    static int (*real)(int, int, const struct itimerspec *, struct itimerspec *);
    struct itimerspec shifted = *value;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "timerfd_settime");
    /* far future (disarmed) and already due stay what they are */
    if (flags & TFD_TIMER_ABSTIME && fd >= 0 && fd < N_DESCRIPTORS && is_realtime[fd] &&
        value->it_value.tv_sec > 0) {
        shifted.it_value.tv_sec -= shift();
        if (shifted.it_value.tv_sec < 1)
            shifted.it_value.tv_sec = 1;
    }
    return real(fd, flags, &shifted, ret_old);
}
