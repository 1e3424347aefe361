/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bodies to pairs. Each pair is printed as name, then = for bare, ~ for quoted, behind a + where it is
 * enriched.
 */
#include "normalize/audit_tokenizer.h"

#include "support.h"
#include "util/cleanup.h"

static void print_tokens(struct slice body, struct buffer *out)
{
    struct audit_tokenizer t = {.rest = body};
    enum audit_token_outcome outcome;
    struct audit_token token;
    int r = 0;

    buffer_clear(out);
    while ((outcome = audit_tokenizer_next(&t, &token)) == AUDIT_TOKEN_READ) {
        r |= buffer_append_format(out, "%s%s%.*s%c", out->len > 0 ? "|" : "", token.is_enriched ? "+" : "",
                                  SLICE_FMT(token.name), token.is_quoted ? '~' : '=');
        r |= buffer_append_slice(out, token.value);
    }
    if (outcome == AUDIT_TOKEN_BROKEN) {
        r |= buffer_append_format(out, "|BROKEN");
        cr_assert_eq(audit_tokenizer_next(&t, &token), AUDIT_TOKEN_END);
    }
    cr_assert_eq(r, 0);
}

Test(audit_tokenizer, keeps_the_quotes_apart_from_the_value)
{
    static const struct {
        const char *name;
        struct slice body;
        const char *tokens;
    } rows[] = {
        {"nothing", SLICE(""), ""},
        {"blanks", SLICE("  \t "), ""},
        {"quoted and bare", SLICE("argc=2 a0=\"2D6E\" a1=2D6E"), "argc=2|a0~2D6E|a1=2D6E"},
        {"blanks and pairs inside quotes", SLICE("a0=\"x a1=y\" a2=z"), "a0~x a1=y|a2=z"},
        {"double blanks, trailing blank", SLICE("  cwd=\"/root\"  x=1 "), "cwd~/root|x=1"},
        {"carriage return", SLICE("cwd=\"/root\"\r"), "cwd~/root"},
        {"empty values", SLICE("mac= a0=\"\" pfs="), "mac=|a0~|pfs="},
        {"equal sign in the value", SLICE("subj==unconfined x=--opt=1"), "subj==unconfined|x=--opt=1"},
        {"words are skipped", SLICE("user pid=1 avc:  denied  { read } for  pid=2"), "pid=1|pid=2"},
        {"an equal sign alone", SLICE("= =x a=1"), "a=1"},
        {"fragments", SLICE("a1_len=4 a1[0]=6161 a1[1]=\"b\""), "a1_len=4|a1[0]=6161|a1[1]~b"},
        {"user message", SLICE("pid=1 msg='op=x cmd=\"it's\" res=success'"),
         "pid=1|msg~op=x cmd=\"it's\" res=success"},
        {"user message, enriched", SLICE("msg='op=x'\x1dUID=\"o'hara\" AUID=\"u\""),
         "msg~op=x|+UID~o'hara|+AUID~u"},
        {"user message, enriched, separator gone", SLICE("msg='op=x'UID=\"user\" AUID=\"u\""),
         "msg~op=x|+UID~user|+AUID~u"},
        {"separator 0x1D",
         SLICE("key=(null)\x1d"
               "ARCH=x86_64 AUID=\"u\""),
         "key=(null)|+ARCH=x86_64|+AUID~u"},
        {"separator 0x1D after a quote",
         SLICE("key=\"k\"\x1d"
               "ARCH=x86_64"),
         "key~k|+ARCH=x86_64"},
        {"separator #035", SLICE("key=(null)#035ARCH=x86_64"), "key=(null)|+ARCH=x86_64"},
        {"separator #035 after a quote", SLICE("key=\"k\"#035ARCH=x86_64"), "key~k|+ARCH=x86_64"},
        {"#035 that separates nothing", SLICE("tty=#0351 b=#035"), "tty=#0351|b=#035"},
        {"separator blank", SLICE("key=\"k\" ARCH=x86_64 SYSCALL=execve"),
         "key~k|+ARCH=x86_64|+SYSCALL=execve"},
        {"no separator after (null)", SLICE("key=(null)ARCH=x86_64 AUID=\"u\""),
         "key=(null)|+ARCH=x86_64|+AUID~u"},
        {"no separator after a quote", SLICE("key=\"susp_shell\"ARCH=x86_64"), "key~susp_shell|+ARCH=x86_64"},
        {"no separator after a number", SLICE("ses=4294967295AUID=\"unset\" UID=\"root\""),
         "ses=4294967295|+AUID~unset|+UID~root"},
        {"no separator after hexadecimal", SLICE("saddr=1000SADDR={ fam=netlink }"),
         "saddr=1000|+SADDR={|+fam=netlink"},
        {"upper case that is all of the value", SLICE("data=UID=0"), "data=UID=0"},
        {"enriched once is enriched to the end", SLICE("a=1\x1dX=2 lower=3"), "a=1|+X=2|+lower=3"},
        {"any byte", SLICE("a=\"\xff\0\x01\" b=\xfe"), "a~\xff"},
        {"open quote", SLICE("argc=2 a0=\"ss\" a1=\"-tu"), "argc=2|a0~ss|BROKEN"},
        {"open single quote", SLICE("pid=1 msg='op=x"), "pid=1|BROKEN"},
        {"a quote is all", SLICE("a=\""), "|BROKEN"},
        {"single quotes elsewhere are bare", SLICE("a='x y' b=2"), "a='x|b=2"},
    };
    _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        print_tokens(rows[i].body, &out);
        if (slice_find(rows[i].body, '\0') < rows[i].body.len)
            cr_assert(slice_equal(buffer_slice(&out), SLICE("a~\xff\0\x01|b=\xfe")), "%s", rows[i].name);
        else
            assert_slice(buffer_slice(&out), rows[i].tokens, rows[i].name);
    }
}

Test(audit_tokenizer, decodes_bare_hexadecimal_and_nothing_else)
{
    static const struct {
        const char *name;
        struct slice body;
        struct slice decoded;
        bool is_null;
    } rows[] = {
        {"quoted", SLICE("a=\"2D6E\""), SLICE("2D6E"), false},
        {"bare", SLICE("a=2D6E"), SLICE("-n"), false},
        {"lower case", SLICE("a=2d6e"), SLICE("-n"), false},
        {"NUL and high bytes", SLICE("a=6100FF"), SLICE("a\0\xff"), false},
        {"odd", SLICE("a=2D6"), SLICE("2D6"), false},
        {"not hexadecimal", SLICE("a=top"), SLICE("top"), false},
        {"not hexadecimal late", SLICE("a=2D6G"), SLICE("2D6G"), false},
        {"empty", SLICE("a="), SLICE(""), false},
        {"null", SLICE("a=(null)"), SLICE("(null)"), true},
        {"quoted null", SLICE("a=\"(null)\""), SLICE("(null)"), false},
    };
    _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct audit_tokenizer t = {.rest = rows[i].body};
        struct audit_token token;

        buffer_clear(&out);
        cr_assert_eq(audit_tokenizer_next(&t, &token), AUDIT_TOKEN_READ, "%s", rows[i].name);
        cr_assert_eq(audit_token_is_null(&token), rows[i].is_null, "%s", rows[i].name);
        cr_assert_eq(audit_token_decode(&token, &out), 0);
        cr_assert(slice_equal(buffer_slice(&out), rows[i].decoded), "%s: '%.*s'", rows[i].name,
                  SLICE_FMT(buffer_slice(&out)));
    }
}
