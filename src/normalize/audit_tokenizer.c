/* SPDX-License-Identifier: Apache-2.0 */

/*
 * In an audit record the quote is the encoding: "x" is literal; bare x is hexadecimal, a number or (null).
 * The kernel writes hexadecimal when a string holds a quote, a blank, a control byte or a byte above 0x7e
 * (audit_string_contains_control, kernel/audit.c), so a quoted value never holds a quote and ends at the next
 * one. A tokenizer that drops the quotes makes a2="2D6E" (typed) and a2=2D6E (-n) the same; this one keeps
 * them.
 *
 * User-space records put their own fields into msg='…'; a single quote is no reason for hexadecimal, so the
 * value ends at the last single quote of the record.
 *
 * auditd's ENRICHED format appends what it resolved, with upper-case names, behind a byte 0x1D. On its way
 * through syslog that byte becomes a blank, "#035", or nothing, so an upper-case name begins the enrichment
 * wherever it stands: behind a closing quote, behind (null), or glued to a number.
 *
 * Cost: each byte is looked at a constant number of times. Nothing is allocated but by audit_field_decode.
 */
#include "normalize/audit_tokenizer.h"

#include <errno.h>

#include "util/parse.h"

/* AUDIT_INTERP_SEPARATOR, audit-userspace lib/libaudit.h */
#define ENRICHMENT_SEPARATOR '\x1d'

/* rsyslog's escape of 0x1D (parser.escapeControlCharactersOnReceive: '#' and three octal digits) */
static const struct slice escaped_separator = SLICE("#035");

void audit_tokenizer_init(struct audit_tokenizer *t, struct slice body)
{
    *t = (struct audit_tokenizer){.rest = slice_trim(body)};
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_separator(char c)
{
    return c == ' ' || c == ENRICHMENT_SEPARATOR || c == '\t' || c == '\r' || c == '\n';
}

/* Blanks, and the separator in any of its forms. */
static void skip_separators(struct slice *rest)
{
    for (;;) {
        if (rest->len > 0 && is_separator(rest->data[0]))
            *rest = slice_skip(*rest, 1);
        else if (rest->len > 4 && slice_starts_with(*rest, escaped_separator) && is_upper(rest->data[4]))
            *rest = slice_skip(*rest, 4);
        else
            return;
    }
}

/*
 * The length of a bare value of len bytes that an enrichment name may be glued to: "0OUID=" is 0. Only names
 * that auditd writes, the longest first, count, since hexadecimal ends in upper-case letters, too.
 */
static size_t cut_glued_name(struct slice value)
{
    static const char *const names[] = {"SYSCALL=", "FSUID=", "FSGID=", "SADDR=", "ARCH=", "AUID=", "EUID=",
                                        "SUID=",    "EGID=",  "SGID=",  "OUID=",  "OGID=", "UID=",  "GID="};
    size_t equals = slice_find(value, '=');

    if (equals == value.len || equals == 0)
        return value.len;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct slice name = slice_from_string(names[i]);

        if (equals + 1 > name.len &&
            slice_equal(slice_new(value.data + equals + 1 - name.len, name.len), name))
            return equals + 1 - name.len;
    }
    return value.len;
}

static struct slice take_bare(struct slice *rest)
{
    struct slice value;
    size_t n = 0;

    while (n < rest->len && !is_separator(rest->data[n]) &&
           !(rest->data[n] == '#' && rest->len - n > 4 && is_upper(rest->data[n + 4]) &&
             slice_starts_with(slice_skip(*rest, n), escaped_separator)))
        n++;
    n = cut_glued_name(slice_head(*rest, n));
    value = slice_head(*rest, n);
    *rest = slice_skip(*rest, n);
    return value;
}

/* The value between the quote at the front and the one at close; all that is left where close is behind the
 * end. */
static struct slice take_quoted(struct audit_tokenizer *t, size_t close)
{
    struct slice value = slice_head(slice_skip(t->rest, 1), close - 1);

    if (close >= t->rest.len) {
        t->is_broken = true;
        t->rest = slice_skip(t->rest, t->rest.len);
    } else {
        t->rest = slice_skip(t->rest, close + 1);
    }
    return value;
}

static size_t find_last(struct slice s, char c)
{
    for (size_t i = s.len; i > 1; i--)
        if (s.data[i - 1] == c)
            return i - 1;
    return s.len;
}

bool audit_tokenizer_next(struct audit_tokenizer *t, struct audit_field *ret_field)
{
    struct audit_field field = {0};
    size_t n = 0;

    for (;;) {
        skip_separators(&t->rest);
        for (n = 0; n < t->rest.len && t->rest.data[n] != '=' && !is_separator(t->rest.data[n]); n++)
            ;
        if (n == t->rest.len)
            return false;
        if (t->rest.data[n] == '=' && n > 0)
            break;
        t->rest = slice_skip(t->rest, n + (n == 0)); /* a word of its own: "user", "avc:" */
    }
    field.name = slice_head(t->rest, n);
    field.is_enriched = is_upper(field.name.data[0]);
    t->rest = slice_skip(t->rest, n + 1);
    if (t->rest.len > 0 && t->rest.data[0] == '"') {
        size_t close = 1 + slice_find(slice_skip(t->rest, 1), '"');

        field.is_quoted = true;
        field.value = take_quoted(t, close);
    } else if (t->rest.len > 0 && t->rest.data[0] == '\'' && slice_equal(field.name, SLICE("msg"))) {
        field.is_quoted = true;
        field.value = take_quoted(t, find_last(t->rest, '\''));
    } else {
        field.value = take_bare(&t->rest);
    }
    *ret_field = field;
    return true;
}

int audit_field_decode(const struct audit_field *field, struct arena *arena, struct slice *ret_value)
{
    char *bytes;

    if (!field->is_quoted && slice_equal(field->value, SLICE("(null)"))) {
        *ret_value = SLICE_NULL;
        return 0;
    }
    if (field->is_quoted || field->value.len == 0 || field->value.len % 2 != 0) {
        *ret_value = field->value;
        return 0;
    }
    bytes = arena_alloc(arena, field->value.len / 2);
    if (!bytes)
        return -ENOMEM;
    *ret_value = parse_hex(field->value, bytes) < 0 ? field->value : slice_new(bytes, field->value.len / 2);
    return 0;
}
