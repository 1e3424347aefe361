/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tables, and the search one byte at a time: about four instructions each. It is the reference for the vector
 * version, its way through the last bytes of a text, and what machines without one use.
 */
#include "normalize/gate_scan.h"

#include <stdbool.h>

static bool is_word(unsigned c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void gate_table_init(struct gate_table *table)
{
    for (unsigned c = 0; c < 256; c++)
        table->classes[c] = is_word(c) ? GATE_BYTE_IS_WORD : 0;
    /* A bit per row of the code chart (bytes of one high half), which makes it exact. '_' is in the row of P.
     */
    for (unsigned row = 3; row <= 7; row++) {
        table->word_high[row] = (uint8_t)(1U << (row - 3));
        for (unsigned low = 0; low < 16; low++)
            if (is_word(row << 4 | low))
                table->word_low[low] |= (uint8_t)(1U << (row - 3));
    }
}

void gate_table_add(struct gate_table *table, uint8_t first, uint8_t second, unsigned bucket)
{
    uint8_t bit = (uint8_t)(1U << bucket % 8);
    unsigned bigram = (unsigned)first | (unsigned)second << 8;

    table->bigrams[bigram / 8] |= (uint8_t)(1U << bigram % 8);
    table->first_low[first & 15] |= bit;
    table->first_high[first >> 4] |= bit;
    table->second_low[second & 15] |= bit;
    table->second_high[second >> 4] |= bit;
}

size_t gate_scan_bytes(const struct gate_table *table, struct slice text, size_t from)
{
    const uint8_t *p = (const uint8_t *)text.data;

    for (size_t i = from; i < text.len; i++) {
        unsigned bigram = (unsigned)p[i] | (i + 1 < text.len ? (unsigned)p[i + 1] << 8 : 0);

        if ((table->bigrams[bigram / 8] & 1U << bigram % 8) && (i == 0 || !table->classes[p[i - 1]]))
            return i;
    }
    return text.len;
}
