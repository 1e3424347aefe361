/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_EVENT_DOCUMENT_H
#define HAPAX_EVENT_DOCUMENT_H

/* The back door: one finished alert, as a sink takes it. Borrowed for the call. */

#include "util/slice.h"

struct document {
    struct slice bytes;   /* one JSON object, valid UTF-8, without a line end */
    struct slice id;      /* stable: the same alert has the same id after a restart or a resend */
    struct slice key;     /* routing key: the actor, else the host; may be empty */
    struct slice message; /* the reason in one sentence */
    int severity;         /* 21, 47, 73 or 99 */
};

#endif
