/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ids that go out must be the same for the same content on every machine and in every release, and must not
 * collide by an attacker's choice of a user name: hence a cryptographic digest, cut to 128 bits. libmd has it
 * without pulling in a whole crypto library, and is on every Debian system (dpkg uses it).
 */
#include "util/hash.h"

#include <sha2.h>
#include <stdint.h>

/* size: of out, with its NUL. */
static void print_digest(const uint8_t *digest, char *out, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < (size - 1) / 2; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[size - 1] = '\0';
}

void hash_id(const struct slice *parts, size_t n_parts, char ret_id[HASH_ID_SIZE])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA2_CTX context;

    SHA256Init(&context);
    for (size_t i = 0; i < n_parts; i++) {
        uint8_t length[8];

        for (size_t k = 0; k < sizeof(length); k++)
            length[k] = (uint8_t)((uint64_t)parts[i].len >> (8 * k));
        SHA256Update(&context, length, sizeof(length));
        if (parts[i].len > 0)
            SHA256Update(&context, (const uint8_t *)parts[i].data, parts[i].len);
    }
    SHA256Final(digest, &context);
    print_digest(digest, ret_id, HASH_ID_SIZE);
}

void hash_sha256(struct slice text, char ret_digest[HASH_SHA256_SIZE])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA2_CTX context;

    SHA256Init(&context);
    if (text.len > 0)
        SHA256Update(&context, (const uint8_t *)text.data, text.len);
    SHA256Final(digest, &context);
    print_digest(digest, ret_digest, HASH_SHA256_SIZE);
}
