/* SPDX-License-Identifier: Apache-2.0 */
#include "util/keyed_hash.h"

#include "support.h"

Test(keyed_hash, it_is_siphash_1_3)
{
    /* From an independent implementation of the paper that gives its appendix A vector for 2-4 rounds; key
     * and message are the bytes 0, 1, 2, ... as there. */
    static const struct {
        size_t n;
        uint64_t expected;
    } rows[] = {
        {0, UINT64_C(0xabac0158050fc4dc)},  {1, UINT64_C(0xc9f49bf37d57ca93)},
        {7, UINT64_C(0xd3927d989bb11140)},  {8, UINT64_C(0x369095118d299a8e)},
        {15, UINT64_C(0xd320d86d2a519956)}, {63, UINT64_C(0x9d199062b7bbb3a8)},
    };
    const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    uint8_t message[64];

    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(keyed_hash_with(key, message, rows[i].n), rows[i].expected, "%zu bytes", rows[i].n);
}

Test(keyed_hash, this_process_has_a_key_of_its_own)
{
    const uint64_t no_key[2] = {0, 0};

    cr_expect_eq(keyed_hash("alice", 5), keyed_hash("alice", 5));
    cr_expect_neq(keyed_hash("alice", 5), keyed_hash_with(no_key, "alice", 5));
}
