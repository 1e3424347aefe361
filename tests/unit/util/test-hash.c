/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ids. The expected ones were computed with Python's hashlib: SHA-256 over, for each part, its length as
 * eight little-endian bytes and the part; the first 32 digits.
 */
#include "util/hash.h"

#include "support.h"
#include "util/cleanup.h"

Test(hash, ids_are_those_of_an_independent_sha256)
{
    char thousand[1000];
    const struct {
        const char *name;
        struct slice parts[2];
        size_t n_parts;
        const char *id;
    } rows[] = {
        {"no part", {SLICE_NULL, SLICE_NULL}, 0, "e3b0c44298fc1c149afbf4c8996fb924"},
        {"one empty part", {SLICE(""), SLICE_NULL}, 1, "af5570f5a1810b7af78caf4bc70a660f"},
        {"an absent part is an empty one", {SLICE_NULL, SLICE_NULL}, 1, "af5570f5a1810b7af78caf4bc70a660f"},
        {"ab c", {SLICE("ab"), SLICE("c")}, 2, "43ee655579de01ca739b3f95c1c2d3f4"},
        {"a bc", {SLICE("a"), SLICE("bc")}, 2, "9a8acca1b6c6c0befd3fbc756aed625d"},
        {"any byte", {SLICE("job\0"), SLICE("\xff")}, 2, "3a3e6190af561984b8a38ec7a681ce20"},
        {"more than a block",
         {slice_new(thousand, sizeof(thousand)), SLICE_NULL},
         1,
         "9c314ddbf70836ca13f9f8375cc97d9c"},
    };

    memset(thousand, 'x', sizeof(thousand));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char id[HASH_ID_SIZE];

        hash_id(rows[i].parts, rows[i].n_parts, id);
        cr_assert_str_eq(id, rows[i].id, "%s: got %s", rows[i].name, id);
    }
}

Test(hash, digests_as_sha256sum_prints_them)
{
    /* FIPS 180-4, and its examples */
    static const struct {
        struct slice text;
        const char *digest;
    } rows[] = {
        {SLICE(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {SLICE("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {SLICE("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char digest[HASH_SHA256_SIZE];

        hash_sha256(rows[i].text, digest);
        cr_assert_str_eq(digest, rows[i].digest);
    }
}

Test(hash, fnv_has_the_vectors_of_its_draft)
{
    /* draft-eastlake-fnv-17.2 section 6.3: FNV32 test vectors without their NUL */
    static const struct {
        const char *text;
        uint32_t hash, folded;
    } rows[] = {
        {"", 0x811c9dc5U, 0x1c9dc5U ^ 0x81U},
        {"a", 0xe40c292cU, 0x0c292cU ^ 0xe4U},
        {"foobar", 0xbf9cf968U, 0x9cf968U ^ 0xbfU},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint32_t hash = HASH_FNV_EMPTY;

        for (const char *c = rows[i].text; *c; c++)
            hash = hash_fnv_add(hash, *c);
        cr_assert_eq(hash, rows[i].hash, "'%s'", rows[i].text);
        cr_assert_eq(hash_fnv_fold24(hash), rows[i].folded, "'%s'", rows[i].text);
    }
}
