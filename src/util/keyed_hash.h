/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_KEYED_HASH_H
#define HAPAX_UTIL_KEYED_HASH_H

/*
 * The hash of the tables that outsiders choose the keys of (user and host names). Different in every process:
 * nothing that is put out or kept may depend on it.
 */

#include <stddef.h>
#include <stdint.h>

/* SipHash-1-3 of the bytes, under this process's key. */
uint64_t keyed_hash(const void *bytes, size_t n);

/* The same under a given key, for its test. */
uint64_t keyed_hash_with(const uint64_t key[2], const void *bytes, size_t n);

#endif
