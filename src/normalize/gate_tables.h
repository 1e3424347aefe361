/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_GATE_TABLES_H
#define HAPAX_NORMALIZE_GATE_TABLES_H

/* What the makers of the gate's tables and those who search with them agree on. */

#include "normalize/gate_scan.h"

/* of classes: the lower five are the rows that hold word bytes */
#define GATE_BITS_WORD     0x1fU
#define GATE_BIT_MARK      0x20U
#define GATE_BIT_BACKSLASH 0x40U
#define GATE_BIT_QUOTE     0x80U
/* of pairs: the lower seven are shared by beginnings, as their first byte falls; those that share one blur */
#define GATE_BIT_INSIDE 0x80U

/* What the vectors only guess: whether to ask about the place i. */
static inline bool gate_is_place(const struct gate_table *table, struct slice text, size_t i)
{
    const uint8_t *p = (const uint8_t *)text.data;
    unsigned pair = (unsigned)p[i] | (i + 1 < text.len ? (unsigned)p[i + 1] << 8 : 0);
    unsigned bit = 1U << pair % 8;

    if (table->insides[pair / 8] & bit)
        return true;
    return (table->beginnings[pair / 8] & bit) && (i == 0 || !(table->classes[p[i - 1]] & GATE_BYTE_IS_WORD));
}

#endif
