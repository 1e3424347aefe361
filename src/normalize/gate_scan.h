/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_GATE_SCAN_H
#define HAPAX_NORMALIZE_GATE_SCAN_H

/*
 * The inner loop of the gate: where in a text could a word begin that is looked for? One file does it byte by
 * byte on any machine, another one with vectors where the processor has them; both give the same answer.
 */

#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/* Bytes that words are made of: letters of ASCII, digits, '_'. */
#define GATE_BYTE_IS_WORD 1U

struct gate_table {
    uint8_t classes[256];       /* GATE_BYTE_* */
    uint8_t bigrams[65536 / 8]; /* bit (first | second << 8): some word begins with these two bytes */
    /* the same for vectors, coarser: byte b may be first if first_low[b & 15] & first_high[b >> 4], and so on
     */
    uint8_t first_low[16], first_high[16];
    uint8_t second_low[16], second_high[16];
    uint8_t word_low[16], word_high[16];
};

/* Adds a pair of first bytes. bucket: any number; pairs that share one blur. */
void gate_table_add(struct gate_table *table, uint8_t first, uint8_t second, unsigned bucket);
/* Sets classes and the tables for them, on a zeroed table. */
void gate_table_init(struct gate_table *table);

/*
 * The least offset >= from where a bigram of the table stands with no word byte before it; text.len where
 * there is none. The byte behind the text counts as NUL.
 */
typedef size_t (*gate_scan_fn)(const struct gate_table *table, struct slice text, size_t from);

size_t gate_scan_bytes(const struct gate_table *table, struct slice text, size_t from);

/* The fastest that this processor can do. */
gate_scan_fn gate_scan_best(void);

#endif
