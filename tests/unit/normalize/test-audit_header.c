/* SPDX-License-Identifier: Apache-2.0 */

/* audit_header.h: what it reads, it reads as the rules do; the rest it leaves to them. */
#include "normalize/audit_header.h"

#include "normalize/text.h"
#include "shipped_rulebase.h"

TestSuite(audit_header, .init = set_up, .fini = tear_down);

Test(audit_header, reads_like_the_rules)
{
    static const struct {
        struct slice line;
        bool is_read;
    } rows[] = {
        {SLICE("type=EXECVE msg=audit(1700000000.123:456): argc=1 a0=\"ss\""), true},
        {SLICE("node=web1 type=EOE msg=audit(1700000000.123:456): "), true},
        {SLICE("node=node=x type=1309 msg=audit(1.1:2):body"), true},
        {SLICE("type=UNKNOWN[1329] msg=audit(1700000000.007:18446744073709):"), true},
        {SLICE("type=A msg=audit(0001.023:0004):  two blanks"), true},
        {SLICE("type=A msg=audit(253402300799.999:1): "), true},
        {SLICE("type=A msg=audit(253402300800.000:1): "), false},
        {SLICE("type=A msg=audit(1.1000:1): "), false},
        {SLICE("type=A msg=audit(1.1:18446744073709551615): "), false},
        {SLICE("type=A msg=audit(1.1:1234567890123456789): "), false},
        {SLICE("type=A msg=audit(1.1:1): a\0b"), false},
        {SLICE("type=A  msg=audit(1.1:1): "), false},
        {SLICE("type= msg=audit(1.1:1): "), false},
        {SLICE("node= type=A msg=audit(1.1:1): "), false},
        {SLICE("type=A audit(1.1:1): "), false},
        {SLICE("audispd: type=A msg=audit(1.1:1): "), false},
        {SLICE("type=A msg=audit(1.1:1) : a"), false},
        {SLICE("type=A msg=audit(-1.1:1): a"), false},
        {SLICE("type=A"), false},
        {SLICE("type="), false},
        {SLICE("node="), false},
        {SLICE(""), false},
    };
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct audit_record own = {0}, theirs = {0};
        const char *text = rows[i].line.data;

        cr_expect_eq(audit_header_read(rows[i].line, &own), rows[i].is_read, "%s", text);
        if (!rows[i].is_read)
            continue;
        cr_assert_eq(text_read_audit(rb, rows[i].line, &arena, &theirs), 1, "%s", text);
        cr_expect(slice_equal(own.node, theirs.node), "%s", text);
        cr_expect_eq(slice_is_absent(own.node), slice_is_absent(theirs.node), "%s", text);
        cr_expect(slice_equal(own.type, theirs.type), "%s", text);
        cr_expect(slice_equal(own.body, theirs.body), "%s", text);
        cr_expect_eq(own.time_usec, theirs.time_usec, "%s", text);
        cr_expect_eq(own.serial, theirs.serial, "%s", text);
    }
}
