/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_HASH_H
#define HAPAX_UTIL_HASH_H

/* Stable identifiers from content: SHA-256 (FIPS 180-4), through libmd. */

#include <stddef.h>

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

#endif
