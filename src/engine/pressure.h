/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_ENGINE_PRESSURE_H
#define HAPAX_ENGINE_PRESSURE_H

/* Why the sources wait, and the limits of the outbox. */

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/* Any one is enough. */
enum pause {
    PAUSE_STORE = 1 << 0,  /* a transaction failed */
    PAUSE_OUTBOX = 1 << 1, /* too many alerts wait */
    PAUSE_BATCH = 1 << 2,  /* the disk is slower than the sources */
};

struct pressure {
    struct store *store; /* borrowed, as all of this */
    uint64_t limit_bytes, limit_alerts;
    int64_t warn_age_usec;
    /* Called when the first reason comes and when the last one goes. */
    int (*pause)(void *userdata, bool is_paused);
    void *userdata;

    unsigned reasons; /* of enum pause */
    bool is_alert_old;
};

/* 0, or what pause returned. */
int pressure_set(struct pressure *p, enum pause why, bool is_on) _warn_unused_;

/* After each commit: PAUSE_OUTBOX on above a limit, off once half of both is free. 0, or what pause returned.
 */
int pressure_check_outbox(struct pressure *p) _warn_unused_;

/* Now and then: warns of an alert that has waited too long, once until none has. */
void pressure_check_age(struct pressure *p, int64_t now_usec);

#endif
