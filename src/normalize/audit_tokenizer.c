/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The quote is the encoding: the kernel writes a string between double quotes when all its bytes are
 * harmless, and as bare upper-case hexadecimal when one is not (a quote, a byte below 0x21 or above 0x7e;
 * kernel audit_string_contains_control). So a2="2D6E" was typed by somebody and a2=2D6E is "-n". Whoever
 * drops the quotes too early can be told anything.
 *
 * One pass, no allocation, no look back beyond the longest enriched name. A pair is name=value; the value is
 *   "…"   literal up to the next quote (the kernel never writes a quote inside)
 *   '…'   only of msg: a user-space message, up to the last single quote before the enrichment, since a
 * single quote is harmless to the kernel and may stand inside (cmd="it's"); the inside is a body of its own
 *   bare  up to a blank
 * Enrichment (log_format=ENRICHED) follows a byte 0x1D. On its way that becomes "#035" (rsyslog), a blank
 * (audisp-syslog) or nothing at all, as in key=(null)ARCH=x86_64; so a name in upper case begins it, and
 * inside a bare value one of the names that auditd appends. Once begun it lasts to the end of the record.
 *
 * Words without '=' ("user", "avc:", braces) carry nothing we use and are skipped.
 */
#include "normalize/audit_tokenizer.h"

#include <errno.h>
#include <stdint.h>

#include "util/parse.h"

/* audit lib/audit_logging.h, AUDIT_INTERP_SEPARATOR */
#define SEPARATOR '\x1d'

/* chosen: pids, ports and inodes have fewer digits */
#define CUT_MIN_DIGITS 11U

/* the fields auditd enriches (auparse types uid, gid, arch, syscall, sockaddr), in upper case */
static const struct slice enriched_names[] = {
    SLICE("ARCH"),     SLICE("SYSCALL"),  SLICE("AUID"),      SLICE("UID"),       SLICE("GID"),
    SLICE("EUID"),     SLICE("SUID"),     SLICE("FSUID"),     SLICE("EGID"),      SLICE("SGID"),
    SLICE("FSGID"),    SLICE("OUID"),     SLICE("OGID"),      SLICE("SADDR"),     SLICE("IUID"),
    SLICE("IGID"),     SLICE("OAUID"),    SLICE("SAUID"),     SLICE("OBJ_UID"),   SLICE("OBJ_GID"),
    SLICE("OLD-AUID"), SLICE("OLD_AUID"), SLICE("INODE_UID"), SLICE("INODE_GID"),
};

/* What ends a name or a bare value, or may. */
enum byte_class { BYTE_OTHER, BYTE_BLANK, BYTE_SEPARATOR, BYTE_EQUALS, BYTE_HASH };

static const uint8_t byte_classes[256] = {
    [' '] = BYTE_BLANK,           ['\t'] = BYTE_BLANK, ['\r'] = BYTE_BLANK, ['\n'] = BYTE_BLANK,
    [SEPARATOR] = BYTE_SEPARATOR, ['='] = BYTE_EQUALS, ['#'] = BYTE_HASH,
};

static enum byte_class class_of(char c)
{
    return (enum byte_class)byte_classes[(unsigned char)c];
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* "#035ARCH": the separator as rsyslog's escapeControlCharactersOnReceive writes it. */
static bool is_escaped_separator(struct slice s)
{
    return s.len > 4 && memcmp(s.data, "#035", 4) == 0 && is_upper(s.data[4]);
}

static void skip_separators(struct audit_tokenizer *t)
{
    while (t->rest.len > 0) {
        enum byte_class c = class_of(t->rest.data[0]);
        size_t n = 1;

        if (c == BYTE_HASH && is_escaped_separator(t->rest))
            n = 4;
        else if (c != BYTE_BLANK && c != BYTE_SEPARATOR)
            return;
        t->is_enriched |= c != BYTE_BLANK;
        t->rest = slice_skip(t->rest, n);
    }
}

static size_t word_len(struct slice s)
{
    size_t n = 0;

    for (; n < s.len; n++) {
        enum byte_class c = class_of(s.data[n]);

        if (c != BYTE_OTHER && c != BYTE_HASH)
            break;
    }
    return n;
}

static bool is_upper_name(struct slice name)
{
    if (!is_upper(name.data[0]))
        return false;
    for (size_t i = 1; i < name.len; i++) {
        char c = name.data[i];

        if (!is_upper(c) && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return true;
}

/* The length of the enriched name that ends s, 0 where none does. The longest, for EUID ends in UID. */
static size_t glued_name_len(struct slice s)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(enriched_names); i++)
        if (enriched_names[i].len > n && slice_ends_with(s, enriched_names[i]))
            n = enriched_names[i].len;
    return n;
}

static struct slice next_bare(struct audit_tokenizer *t)
{
    struct slice s = t->rest;
    size_t n;

    for (n = 0; n < s.len; n++) {
        enum byte_class c = class_of(s.data[n]);

        if (c == BYTE_OTHER)
            continue;
        if (c == BYTE_BLANK || c == BYTE_SEPARATOR ||
            (c == BYTE_HASH && is_escaped_separator(slice_skip(s, n))))
            break;
        if (c == BYTE_EQUALS && !t->is_enriched) {
            size_t name_len = glued_name_len(slice_head(s, n));

            /* something must be left: data=UID=… is a value */
            if (name_len > 0 && name_len < n) {
                n -= name_len;
                t->is_enriched = true;
                break;
            }
        }
    }
    t->rest = slice_skip(s, n);
    return slice_head(s, n);
}

/* Where the value behind its opening quote ends; s.len where it does not. */
static size_t closing_quote(struct slice s, char quote)
{
    const char *p;

    if (quote == '"' || s.len == 0)
        return slice_find(s, quote);
    p = memrchr(s.data, SEPARATOR, s.len);
    p = memrchr(s.data, quote, p ? (size_t)(p - s.data) : s.len);
    return p ? (size_t)(p - s.data) : s.len;
}

enum audit_token_outcome audit_tokenizer_next(struct audit_tokenizer *t, struct audit_token *ret_token)
{
    for (;;) {
        struct audit_token token = {0};
        size_t n, end;
        char quote;

        skip_separators(t);
        if (t->rest.len == 0)
            return AUDIT_TOKEN_END;
        n = word_len(t->rest);
        if (n == 0 || n == t->rest.len || t->rest.data[n] != '=') {
            t->rest = slice_skip(t->rest, n > 0 ? n : 1);
            continue;
        }
        token.name = slice_head(t->rest, n);
        t->rest = slice_skip(t->rest, n + 1);
        if (is_upper_name(token.name))
            t->is_enriched = true;
        token.is_enriched = t->is_enriched;
        quote = t->rest.len > 0 ? t->rest.data[0] : '\0';
        if (quote == '"' || (quote == '\'' && slice_equal(token.name, SLICE("msg")))) {
            t->rest = slice_skip(t->rest, 1);
            end = closing_quote(t->rest, quote);
            token.is_quoted = true;
            token.value = slice_head(t->rest, end);
            if (end == t->rest.len) {
                token.is_open = true;
                t->rest = SLICE_NULL;
                *ret_token = token;
                return AUDIT_TOKEN_BROKEN;
            }
            t->rest = slice_skip(t->rest, end + 1);
        } else {
            token.value = next_bare(t);
        }
        token.is_last = t->rest.len == 0;
        *ret_token = token;
        return AUDIT_TOKEN_READ;
    }
}

bool audit_token_is_null(const struct audit_token *token)
{
    return !token->is_quoted && slice_equal(token->value, SLICE("(null)"));
}

bool audit_token_is_cut(const struct audit_token *token)
{
    struct slice value = token->value;

    if (token->is_open)
        return true;
    if (!token->is_last || token->is_quoted || value.len < CUT_MIN_DIGITS || value.len % 2 == 0)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (!(value.data[i] >= '0' && value.data[i] <= '9') &&
            !(value.data[i] >= 'A' && value.data[i] <= 'F'))
            return false;
    return true;
}

int audit_token_decode(const struct audit_token *token, struct buffer *out)
{
    int r;

    if (token->is_quoted || token->value.len == 0)
        return buffer_append_slice(out, token->value);
    r = buffer_reserve(out, token->value.len);
    if (r < 0)
        return r;
    if (parse_hex(token->value, out->data + out->len) < 0)
        return buffer_append_slice(out, token->value);
    out->len += token->value.len / 2;
    return 0;
}
