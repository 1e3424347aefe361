/* SPDX-License-Identifier: Apache-2.0 */

/*
 * uthash's own hash functions have no key: whoever can put names into a log can choose a hundred thousand of
 * them that collide, and turn each look-up into a walk over all. SipHash (Aumasson and Bernstein 2012, "a
 * fast short-input PRF") with a secret key takes that choice away; 1-3 rounds are what hash tables commonly
 * use.
 *
 * The key is the 16 random bytes that the kernel gives every new process (AT_RANDOM, getauxval(3)): no system
 * call, no descriptor. Tables are only looked into by key; whatever is put out is sorted first.
 */
#include "util/keyed_hash.h"

#include <endian.h>
#include <string.h>
#include <sys/auxv.h>

static inline uint64_t rotate(uint64_t v, int bits)
{
    return v << bits | v >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* Little-endian, as the paper has it; n at most 8. */
static uint64_t load(const uint8_t *bytes, size_t n)
{
    uint32_t low, high;
    uint64_t v = 0;

    if (n >= 4) {
        memcpy(&low, bytes, 4);
        memcpy(&high, bytes + n - 4, 4); /* the two may overlap: the same bits twice */
        return le32toh(low) | (uint64_t)le32toh(high) << (8 * (n - 4));
    }
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)bytes[i] << (8 * i);
    return v;
}

/* The same of up to seven bytes that eight others of the text are before. */
static uint64_t load_last(const uint8_t *bytes, size_t n)
{
    uint64_t v;

    if (n == 0)
        return 0;
    memcpy(&v, bytes + n - 8, 8);
    return le64toh(v) >> (8 * (8 - n));
}

uint64_t keyed_hash_with(const uint64_t key[2], const void *bytes, size_t n)
{
    /* the paper's constants: "somepseudorandomlygeneratedbytes" */
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    const uint8_t *p = bytes;
    size_t left = n;
    uint64_t word;

    for (; left >= 8; left -= 8, p += 8) {
        memcpy(&word, p, 8);
        word = le64toh(word);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (n >= 8 ? load_last(p, left) : load(p, left)) | (uint64_t)n << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Once and before any thread: looking for it costs more than the hash of a name. */
static uint64_t process_key[2];

__attribute__((constructor)) static void take_key(void)
{
    const uint8_t *random = (const uint8_t *)getauxval(AT_RANDOM);

    if (!random)
        return;
    process_key[0] = load(random, 8);
    process_key[1] = load(random + 8, 8);
}

uint64_t keyed_hash(const void *bytes, size_t n)
{
    return keyed_hash_with(process_key, bytes, n);
}
