/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_TESTS_NORMALIZE_NORMALIZER_FIXTURE_H
#define HAPAX_TESTS_NORMALIZE_NORMALIZER_FIXTURE_H

/* Normalizers with the shipped rules, and what they counted, so that a table can say what should come out. */

#include "normalize/normalizer.h"
#include "shipped_rulebase.h"
#include "util/buffer.h"

static inline struct normalizer *new_normalizer(enum format format)
{
    struct normalizer_options options = {
        .format = format, .rulebase = rb, .host = SLICE("here"), .year = 2026};
    struct normalizer *n;

    cr_assert_eq(normalizer_new(&options, &n), 0);
    return n;
}

/* Appends how many records were counted where ("2u1?"), and sees that each was counted once. */
static inline void append_counts(const struct normalizer *n, struct buffer *out)
{
    const struct normalizer_stats *s = normalizer_stats(n);
    const struct {
        uint64_t n;
        char letter;
    } rows[] = {{s->n_empty, '_'},
                {s->n_used, 'u'},
                {s->n_ignored, 'i'},
                {s->n_unknown, '?'},
                {s->n_quarantined, 'q'}};
    uint64_t sum = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cr_assert_leq(rows[i].n, s->n_records, "%lu%c", rows[i].n, rows[i].letter);
        sum += rows[i].n;
        if (rows[i].n > 0)
            cr_assert_geq(buffer_append_format(out, "%llu%c", (unsigned long long)rows[i].n, rows[i].letter),
                          0);
    }
    cr_assert_eq(sum, s->n_records, "%lu records in %lu places", s->n_records, sum);
}

#endif
