/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_AUDIT_ASSEMBLER_H
#define HAPAX_NORMALIZE_AUDIT_ASSEMBLER_H

/* What audit.c and audit_state.c share: the assembler's inside. */

#include "normalize/audit.h"
#include "normalize/audit_lane.h"
#include "util/parse.h"

/* go-libaudit's limit; the records of one event leave the kernel together */
#define AUDIT_WALL_LIMIT_USEC (2 * USEC_PER_SEC)

enum { AUDIT_LANE_LOW, AUDIT_LANE_VOUCHED, AUDIT_N_LANES };

struct audit_assembler {
    const struct uid_map *uid_map;
    const struct gate *gate; /* NULL: none */
    unsigned event_kinds;    /* as in struct audit_options */
    char *host;              /* NULL: none */
    size_t host_len;
    struct normalizer_stats *stats;

    struct audit_lane lanes[AUDIT_N_LANES];
    struct audit_clock wall;
    size_t n_pending;
    size_t n_bytes;

    struct arena arena;          /* of the event being handed over */
    struct audit_pending *spare; /* to use again, linked by next */
    size_t n_spare;
};

/* An empty pending event, and back. */
struct audit_pending *audit_assembler_new_pending(struct audit_assembler *a);
void audit_assembler_free_pending(struct audit_assembler *a, struct audit_pending *p);

#endif
