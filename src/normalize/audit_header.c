/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A short way around the rulebase for the one form that nearly all audit records have: some thirty
 * instructions instead of seven allocations. It takes only what it reads exactly as the rules do; numbers of
 * more digits than fit, NUL bytes (which the rules replace) and everything unusual are left to them. It
 * belongs to the gate and is switched off with it, or alone (native_headers), so that a rulebase that reads
 * this form in another way can be used.
 */
#include "normalize/audit_header.h"

#include "util/parse.h"

/* 10^18 fits 64 bits */
#define DIGITS_MAX 18U
/* 9999-12-31T23:59:59Z, as in text.c */
#define SECONDS_MAX UINT64_C(253402300799)

static bool skip(struct slice *s, struct slice prefix)
{
    if (!slice_starts_with(*s, prefix))
        return false;
    *s = slice_skip(*s, prefix.len);
    return true;
}

/* Up to the next blank, which must be there. */
static bool take_word(struct slice *s, struct slice *ret_word)
{
    size_t n = slice_find(*s, ' ');

    if (n == 0 || n == s->len)
        return false;
    *ret_word = slice_head(*s, n);
    *s = slice_skip(*s, n);
    return true;
}

static bool take_number(struct slice *s, uint64_t *ret_v)
{
    uint64_t v = 0;
    size_t n = 0;

    for (; n < s->len && s->data[n] >= '0' && s->data[n] <= '9'; n++) {
        if (n == DIGITS_MAX)
            return false;
        v = v * 10 + (uint64_t)(s->data[n] - '0');
    }
    *s = slice_skip(*s, n);
    *ret_v = v;
    return n > 0;
}

bool audit_header_read(struct slice line, struct audit_record *ret_record)
{
    struct audit_record record = {0};
    uint64_t seconds, milliseconds, serial;
    struct slice s = line;

    if (skip(&s, SLICE("node=")) && !(take_word(&s, &record.node) && skip(&s, SLICE(" "))))
        return false;
    if (!skip(&s, SLICE("type=")) || !take_word(&s, &record.type) || !skip(&s, SLICE(" msg=audit(")) ||
        !take_number(&s, &seconds) || !skip(&s, SLICE(".")) || !take_number(&s, &milliseconds) ||
        !skip(&s, SLICE(":")) || !take_number(&s, &serial) || !skip(&s, SLICE("):")))
        return false;
    if (seconds > SECONDS_MAX || milliseconds > 999 || slice_find(line, '\0') < line.len)
        return false;
    record.time_usec = (int64_t)seconds * USEC_PER_SEC + (int64_t)milliseconds * USEC_PER_MSEC;
    record.serial = serial;
    (void)skip(&s, SLICE(" "));
    record.body = s;
    *ret_record = record;
    return true;
}
