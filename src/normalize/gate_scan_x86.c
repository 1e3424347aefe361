/* SPDX-License-Identifier: Apache-2.0 */

/*
 * 32 positions at a time with AVX2. A shuffle looks 16 table entries up by the low or the high half of each
 * byte; where the entries for both halves share a bit, the byte may be one of that bit's (the filter that the
 * literature calls Teddy, with two bytes). What passes is looked up exactly: on documents of 1.7 KB five
 * positions for four names, some tens for a hundred (2026-11).
 *
 * Reads nothing outside of the text: each step looks at the byte before its 32 and at the one behind them, so
 * the first and the last byte of the text go by themselves, and so do texts too short for that.
 */
#include <immintrin.h>

#include "normalize/gate_scan.h"
#include "normalize/gate_tables.h"
#include "util/cleanup.h"

#define STEP 32U
/* chosen: a document of 1.7 KB goes at once */
#define STEPS_MAX 64U

__attribute__((target("avx2"))) static inline __m256i spread(const uint8_t *entries)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)entries));
}

/* 32 bytes, and their halves. */
struct bytes {
    __m256i low, high;
};

__attribute__((target("avx2"))) static inline __m256i look_up(__m256i low, __m256i high, struct bytes bytes)
{
    return _mm256_and_si256(_mm256_shuffle_epi8(low, bytes.low), _mm256_shuffle_epi8(high, bytes.high));
}

__attribute__((target("avx2"))) static inline struct bytes load(const uint8_t *p)
{
    const __m256i half = _mm256_set1_epi8(15);
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)p);

    return (struct bytes){_mm256_and_si256(bytes, half), _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half)};
}

__attribute__((target("avx2"))) static inline uint32_t non_zero(__m256i bytes)
{
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256()));
}

/* GATE_BIT_* to GATE_BYTE_*. */
__attribute__((target("avx2"))) static unsigned to_classes(__m256i bits)
{
    static const struct {
        uint8_t bits, class;
    } rows[] = {{GATE_BITS_WORD, GATE_BYTE_IS_WORD},
                {GATE_BIT_MARK, GATE_BYTE_IS_MARK},
                {GATE_BIT_BACKSLASH, GATE_BYTE_IS_BACKSLASH},
                {GATE_BIT_QUOTE, GATE_BYTE_IS_QUOTE}};
    unsigned classes = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (!_mm256_testz_si256(bits, _mm256_set1_epi8((char)rows[i].bits)))
            classes |= rows[i].class;
    return classes;
}

/* Where a step found something: bit n stands for the place at + n. */
struct finding {
    size_t at;
    uint32_t places;
};

/*
 * Up to STEPS_MAX steps from place *at on, the last one at last. Takes no decision on the way, because one in
 * ten would be guessed wrong. Returns how many findings there are; *at is behind the steps taken.
 */
__attribute__((target("avx2"))) static size_t scan_steps(const struct gate_table *t, const uint8_t *p,
                                                         size_t *at, size_t last, struct finding *findings,
                                                         __m256i *seen)
{
    const __m256i first_low = spread(t->first_low), first_high = spread(t->first_high),
                  second_low = spread(t->second_low), second_high = spread(t->second_high),
                  class_low = spread(t->class_low), class_high = spread(t->class_high),
                  word = _mm256_set1_epi8((char)GATE_BITS_WORD);
    size_t i = *at, n = 0;

    for (unsigned k = 0; k < STEPS_MAX && i <= last; k++) {
        struct bytes bytes = load(p + i);
        __m256i classes = look_up(class_low, class_high, bytes);
        __m256i pairs = _mm256_and_si256(look_up(first_low, first_high, bytes),
                                         look_up(second_low, second_high, load(p + i + 1)));
        uint32_t is_inside_word =
            non_zero(_mm256_and_si256(classes, word)) << 1 | (t->classes[p[i - 1]] & GATE_BYTE_IS_WORD);

        *seen = _mm256_or_si256(*seen, classes);
        findings[n].at = i;
        findings[n].places =
            (non_zero(pairs) & ~is_inside_word) | (uint32_t)_mm256_movemask_epi8(pairs); /* GATE_BIT_INSIDE */
        n += findings[n].places != 0;
        i = i < last ? MIN(i + STEP, last) : last + 1;
    }
    *at = i;
    return n;
}

__attribute__((target("avx2"))) static bool scan_avx2(const struct gate_table *t, struct slice text,
                                                      gate_check_fn check, const void *userdata,
                                                      unsigned *ret_classes)
{
    const uint8_t *p = (const uint8_t *)text.data;
    struct finding findings[STEPS_MAX];
    __m256i seen = _mm256_setzero_si256();
    size_t at = 1, last;

    if (text.len < STEP + 2)
        return gate_scan_bytes(t, text, check, userdata, ret_classes);
    if (gate_is_place(t, text, 0) && check(userdata, text, 0))
        return true;
    /* the last step looks once more at some of what the one before it saw, and leaves the last byte */
    for (last = text.len - 1 - STEP; at <= last;) {
        size_t n = scan_steps(t, p, &at, last, findings, &seen);

        for (size_t k = 0; k < n; k++)
            for (uint32_t places = findings[k].places; places != 0; places &= places - 1) {
                size_t place = findings[k].at + (unsigned)__builtin_ctz(places);

                if (gate_is_place(t, text, place) && check(userdata, text, place))
                    return true;
            }
    }
    if (gate_is_place(t, text, text.len - 1) && check(userdata, text, text.len - 1))
        return true;
    *ret_classes = to_classes(seen) | t->classes[p[0]] | t->classes[p[text.len - 1]];
    return false;
}

gate_scan_fn gate_scan_best(void)
{
    return __builtin_cpu_supports("avx2") ? scan_avx2 : gate_scan_bytes;
}
