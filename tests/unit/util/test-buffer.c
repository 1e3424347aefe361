/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The buffer: appends, and the on-disk integers byte by byte.
 */
#include "util/buffer.h"

#include <errno.h>
#include <float.h>
#include <math.h>

#include "support.h"

Test(buffer, appends_follow_each_other)
{
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;

    cr_assert_not(slice_is_absent(buffer_slice(&b)));
    cr_assert_eq(buffer_append(&b, NULL, 0), 0);
    cr_assert_eq(buffer_append_slice(&b, SLICE_NULL), 0);
    cr_assert_eq(buffer_append(&b, "ab", 2), 0);
    cr_assert_eq(buffer_append_char(&b, '\0'), 0);
    cr_assert_eq(buffer_append_slice(&b, SLICE("cd")), 0);
    cr_assert_eq(buffer_append_format(&b, "%s-%d", "x", 42), 0);
    cr_assert_eq(buffer_append_format(&b, "%s", ""), 0);
    cr_assert(slice_equal(buffer_slice(&b), SLICE("ab\0cdx-42")));
    buffer_clear(&b);
    cr_assert_eq(buffer_slice(&b).len, 0);
}

Test(buffer, it_grows_with_its_contents_kept)
{
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;

    for (int i = 0; i < 100000; i++)
        cr_assert_eq(buffer_append_char(&b, (char)i), 0);
    cr_assert_eq(b.len, 100000);
    for (int i = 0; i < 100000; i++)
        cr_assert_eq(b.data[i], (char)i);
    cr_assert_eq(buffer_append_format(&b, "%*d", 100000, 1), 0);
    cr_assert_eq(b.len, 200000);
}

Test(buffer, impossible_sizes_leave_it_as_it_was)
{
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;

    cr_assert_eq(buffer_append(&b, "ab", 2), 0);
    cr_assert_eq(buffer_reserve(&b, SIZE_MAX), -ENOMEM);
    cr_assert_eq(buffer_reserve(&b, SIZE_MAX / 2), -ENOMEM);
    cr_assert_eq(buffer_append_field(&b, slice_new("x", UINT32_MAX)), -EOVERFLOW);
    cr_assert(slice_equal(buffer_slice(&b), SLICE("ab")));
}

Test(buffer, integers_are_little_endian)
{
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;

    cr_assert_eq(buffer_append_u32(&b, 0x04030201), 0);
    cr_assert_eq(buffer_append_u64(&b, UINT64_C(0x0c0b0a0908070605)), 0);
    cr_assert_eq(buffer_append_double(&b, 1.0), 0); /* IEEE 754: 3ff0000000000000 */
    cr_assert_eq(buffer_append_field(&b, SLICE("xy")), 0);
    cr_assert_eq(buffer_append_field(&b, SLICE("")), 0);
    cr_assert_eq(buffer_append_field(&b, SLICE_NULL), 0);
    cr_assert(slice_equal(buffer_slice(&b), SLICE("\1\2\3\4"
                                                  "\5\6\7\x08\x09\x0a\x0b\x0c"
                                                  "\0\0\0\0\0\0\xf0\x3f"
                                                  "\3\0\0\0xy"
                                                  "\1\0\0\0"
                                                  "\0\0\0\0")));
}

Test(buffer, what_was_written_is_read_back)
{
    static const double doubles[] = {0.0, -0.0, 1.5, -DBL_MAX, DBL_MIN, DBL_TRUE_MIN, INFINITY};
    _cleanup_(buffer_done) struct buffer b = BUFFER_INIT;
    struct slice s, field;
    uint32_t u32;
    uint64_t u64;
    double d;

    cr_assert_eq(buffer_append_u32(&b, UINT32_MAX), 0);
    cr_assert_eq(buffer_append_u64(&b, UINT64_MAX - 1), 0);
    for (size_t i = 0; i < ARRAY_SIZE(doubles); i++)
        cr_assert_eq(buffer_append_double(&b, doubles[i]), 0);
    cr_assert_eq(buffer_append_field(&b, SLICE("a\0b")), 0);
    cr_assert_eq(buffer_append_field(&b, SLICE("")), 0);
    cr_assert_eq(buffer_append_field(&b, SLICE_NULL), 0);
    s = buffer_slice(&b);
    cr_assert_eq(slice_read_u32(&s, &u32), 0);
    cr_assert_eq(u32, UINT32_MAX);
    cr_assert_eq(slice_read_u64(&s, &u64), 0);
    cr_assert_eq(u64, UINT64_MAX - 1);
    for (size_t i = 0; i < ARRAY_SIZE(doubles); i++) {
        cr_assert_eq(slice_read_double(&s, &d), 0);
        cr_assert_eq(memcmp(&d, &doubles[i], sizeof(d)), 0, "%g", doubles[i]);
    }
    cr_assert_eq(slice_read_field(&s, &field), 0);
    cr_assert(slice_equal(field, SLICE("a\0b")));
    cr_assert_eq(slice_read_field(&s, &field), 0);
    cr_assert_not(slice_is_absent(field));
    cr_assert_eq(field.len, 0);
    cr_assert_eq(slice_read_field(&s, &field), 0);
    cr_assert(slice_is_absent(field));
    cr_assert_eq(s.len, 0);
}

Test(buffer, too_few_bytes_are_a_bad_message)
{
    static const struct {
        const char *name;
        struct slice bytes;
    } fields[] = {
        {"nothing", SLICE("")},
        {"half a length", SLICE("\1\0")},
        {"no contents", SLICE("\3\0\0\0")},
        {"part of the contents", SLICE("\3\0\0\0x")},
        {"a length beyond any memory", SLICE("\xff\xff\xff\xffxyz")},
    };
    struct slice s, field = SLICE("kept");
    uint32_t u32 = 7;
    uint64_t u64 = 7;
    double d = 7;

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        s = fields[i].bytes;
        cr_assert_eq(slice_read_field(&s, &field), -EBADMSG, "%s", fields[i].name);
    }
    for (size_t n = 0; n < 8; n++) {
        s = slice_head(SLICE("12345678"), n);
        cr_assert_eq(slice_read_u64(&s, &u64), -EBADMSG);
        s = slice_head(SLICE("12345678"), n);
        cr_assert_eq(slice_read_double(&s, &d), -EBADMSG);
        s = slice_head(SLICE("1234"), n);
        if (n < 4)
            cr_assert_eq(slice_read_u32(&s, &u32), -EBADMSG);
    }
    s = SLICE_NULL;
    cr_assert_eq(slice_read_u32(&s, &u32), -EBADMSG);
    cr_assert_eq(u32, 7);
    cr_assert_eq(u64, 7);
    cr_assert_eq(d, 7);
    assert_slice(field, "kept", "after failures");
}
