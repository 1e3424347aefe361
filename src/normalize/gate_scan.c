/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tables, and the search one byte at a time: about four instructions each. It is the reference for the vector
 * version, its way through the last bytes of a text, and what machines without one use.
 */
#include "normalize/gate_scan.h"

#include "normalize/gate_tables.h"

static bool is_word(unsigned c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* A byte of a class that has one bit in the tables. */
static void set_class(struct gate_table *table, uint8_t c, unsigned byte_class, unsigned bit)
{
    table->classes[c] = (uint8_t)byte_class;
    table->class_bits[c] = (uint8_t)bit;
    table->class_low[c & 15] |= (uint8_t)bit;
    table->class_high[c >> 4] |= (uint8_t)bit;
}

void gate_table_init(struct gate_table *table)
{
    /* A bit per row of the code chart (bytes of one high half), which makes it exact. '_' is in the row of P.
     */
    for (unsigned c = 0x30; c < 0x80; c++)
        if (is_word(c))
            set_class(table, (uint8_t)c, GATE_BYTE_IS_WORD, 1U << ((c >> 4) - 3));
    set_class(table, '\'', GATE_BYTE_IS_MARK, GATE_BIT_MARK);
    set_class(table, '&', GATE_BYTE_IS_MARK, GATE_BIT_MARK);
    set_class(table, '\\', GATE_BYTE_IS_BACKSLASH, GATE_BIT_BACKSLASH);
    set_class(table, '"', GATE_BYTE_IS_QUOTE, GATE_BIT_QUOTE);
}

static void add(struct gate_table *table, uint8_t *pairs, uint8_t first, uint8_t second, unsigned bit)
{
    unsigned pair = (unsigned)first | (unsigned)second << 8;

    pairs[pair / 8] |= (uint8_t)(1U << pair % 8);
    table->first[first & 127] |= (uint8_t)bit;
    table->second[second & 127] |= (uint8_t)bit;
    table->first_low[first & 15] |= (uint8_t)bit;
    table->first_high[first >> 4] |= (uint8_t)bit;
    table->second_low[second & 15] |= (uint8_t)bit;
    table->second_high[second >> 4] |= (uint8_t)bit;
}

void gate_table_add_beginning(struct gate_table *table, uint8_t first, uint8_t second)
{
    add(table, table->beginnings, first, second, 1U << first % 7);
}

void gate_table_add_inside(struct gate_table *table, uint8_t first, uint8_t second)
{
    add(table, table->insides, first, second, GATE_BIT_INSIDE);
}

bool gate_scan_bytes(const struct gate_table *table, struct slice text, gate_check_fn check,
                     const void *userdata, unsigned *ret_classes)
{
    const uint8_t *p = (const uint8_t *)text.data;
    unsigned classes = 0;

    for (size_t i = 0; i < text.len; i++) {
        classes |= table->classes[p[i]];
        if (gate_is_place(table, text, i) && check(userdata, text, i))
            return true;
    }
    *ret_classes = classes;
    return false;
}
