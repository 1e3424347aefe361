/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_CLEANUP_H
#define HAPAX_UTIL_CLEANUP_H

/*
 * Ownership by scope. An owner is declared as `_cleanup_(foo_freep) struct foo *foo = NULL;` and is released
 * on every way out of its block; success hands it over with TAKE_PTR. DEFINE_CLEANUP makes foo_freep from
 * foo_free.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _warn_unused_  __attribute__((warn_unused_result))

/* The value of p, which is NULL afterwards: ownership leaves this scope. */
#define TAKE_PTR(p)                                                                                          \
    ({                                                                                                       \
        __typeof__(p) *_take_p = &(p);                                                                       \
        __typeof__(p) _take_v = *_take_p;                                                                    \
        *_take_p = NULL;                                                                                     \
        _take_v;                                                                                             \
    })

/* The value of fd, which is -1 afterwards. */
#define TAKE_FD(fd)                                                                                          \
    ({                                                                                                       \
        int *_take_p = &(fd);                                                                                \
        int _take_v = *_take_p;                                                                              \
        *_take_p = -1;                                                                                       \
        _take_v;                                                                                             \
    })

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MIN(a, b)                                                                                            \
    ({                                                                                                       \
        __typeof__(a) _min_a = (a);                                                                          \
        __typeof__(b) _min_b = (b);                                                                          \
        _min_a < _min_b ? _min_a : _min_b;                                                                   \
    })
#define MAX(a, b)                                                                                            \
    ({                                                                                                       \
        __typeof__(a) _max_a = (a);                                                                          \
        __typeof__(b) _max_b = (b);                                                                          \
        _max_a > _max_b ? _max_a : _max_b;                                                                   \
    })

/* foo_freep for _cleanup_: func takes a type and releases it (NULL too). */
#define DEFINE_CLEANUP(type, func)                                                                           \
    static inline void func##p(type *p)                                                                      \
    {                                                                                                        \
        func(*p);                                                                                            \
    }

static inline void freep(void *p)
{
    free(*(void **)p);
}

static inline void closep(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static inline void fclosep(FILE **f)
{
    if (*f)
        (void)fclose(*f);
}

#endif
