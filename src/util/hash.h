/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_HASH_H
#define HAPAX_UTIL_HASH_H

/*
 * Stable identifiers from content, the same in every process and release: SHA-256 (FIPS 180-4), through
 * libmd, where nobody may make two of them equal; FNV-1a where that does no harm.
 */

#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/* 32 hexadecimal digits (128 bits of the digest) and a NUL. */
#define HASH_ID_SIZE 33

/*
 * The id of a tuple of strings: each part is preceded by its length, so that ("ab","c") and ("a","bc")
 * differ. An absent part counts as an empty one.
 */
void hash_id(const struct slice *parts, size_t n_parts, char ret_id[HASH_ID_SIZE]);

/* 64 hexadecimal digits and a NUL. */
#define HASH_SHA256_SIZE 65

/* The digest of a text, as sha256sum(1) prints it. */
void hash_sha256(struct slice text, char ret_digest[HASH_SHA256_SIZE]);

/* FNV-1a, 32 bits (draft-eastlake-fnv-17.2, sections 2 and 5): the hash of nothing, and with one byte more.
 */
#define HASH_FNV_EMPTY UINT32_C(2166136261)

static inline uint32_t hash_fnv_add(uint32_t hash, char byte)
{
    return (hash ^ (unsigned char)byte) * UINT32_C(16777619);
}

/* In 24 bits, folded (section 3). */
static inline uint32_t hash_fnv_fold24(uint32_t hash)
{
    return (hash ^ hash >> 24) & 0xffffffU;
}

#endif
