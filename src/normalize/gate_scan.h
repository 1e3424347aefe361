/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_GATE_SCAN_H
#define HAPAX_NORMALIZE_GATE_SCAN_H

/*
 * The inner loop of the gate: where in a text could a word be that is looked for, and does it hold bytes that
 * may hide one? Both in one pass. One file does it byte by byte on any machine, another one with vectors
 * where the processor has them; both give the same answer.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/* Of a byte: letters of ASCII, digits and '_' are what words are made of. The others may hide a word. */
#define GATE_BYTE_IS_WORD      1U
#define GATE_BYTE_IS_MARK      2U /* '\'' or '&' */
#define GATE_BYTE_IS_BACKSLASH 4U
#define GATE_BYTE_IS_QUOTE     8U /* '"' */

struct gate_table {
    uint8_t classes[256];         /* GATE_BYTE_* */
    uint8_t beginnings[1U << 13]; /* bit (first | second << 8): some word begins with these two bytes */
    uint8_t insides[1U << 13];    /* some word has them inside, and is looked for there */
    /* the same for vectors, coarser. By the byte, if it is ASCII: */
    uint8_t first[128], second[128], class_bits[128];
    /* by its halves: byte b may be first if first_low[b & 15] & first_high[b >> 4], and so on */
    uint8_t first_low[16], first_high[16];
    uint8_t second_low[16], second_high[16];
    uint8_t class_low[16], class_high[16];
};

/* Sets classes and the tables for them, on a zeroed table. */
void gate_table_init(struct gate_table *table);
/* Adds two bytes that a word begins with. */
void gate_table_add_beginning(struct gate_table *table, uint8_t first, uint8_t second);
/* Adds two bytes that stand anywhere. */
void gate_table_add_inside(struct gate_table *table, uint8_t first, uint8_t second);

/* Asked about each place found: whether it is one. */
typedef bool (*gate_check_fn)(const void *userdata, struct slice text, size_t at);

/*
 * Whether check agrees to a place where two bytes of the table stand; those of beginnings only where there is
 * no word byte before them. The byte behind the text counts as NUL. *ret_classes, where there is no such
 * place: GATE_BYTE_* of all bytes of the text.
 */
typedef bool (*gate_scan_fn)(const struct gate_table *table, struct slice text, gate_check_fn check,
                             const void *userdata, unsigned *ret_classes);

bool gate_scan_bytes(const struct gate_table *table, struct slice text, gate_check_fn check,
                     const void *userdata, unsigned *ret_classes);

/* Those that this processor can do, the fastest first; NULL behind the last. */
gate_scan_fn gate_scan_nth(unsigned n);

#endif
