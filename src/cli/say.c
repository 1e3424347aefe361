/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Output for a person: every byte of a log line may have been written by somebody who would like to write to
 * the terminal of whoever reads it (ECMA-48 section 5: control functions begin with C0 or C1 bytes). So these
 * are shown as \xNN, in their UTF-8 form too, and a backslash as well, so that the text can be read back.
 */
#include "cli/say.h"

#include "util/utf8.h"

void say_bytes(FILE *out, struct slice s)
{
    size_t end = MIN(s.len, (size_t)SAY_MAX_BYTES);
    bool is_utf8;

    while (end > 0 && end < s.len && ((unsigned char)s.data[end] & 0xc0) == 0x80)
        end--; /* not within a character */
    is_utf8 = utf8_is_valid(slice_head(s, end));
    for (size_t i = 0; i < end; i++) {
        unsigned char c = (unsigned char)s.data[i];
        bool is_c1 = c == 0xc2 && i + 1 < end && (unsigned char)s.data[i + 1] < 0xa0;

        if (c >= 0x20 && c != 0x7f && c != '\\' && (c < 0x80 || (is_utf8 && !is_c1)))
            (void)fputc(c, out);
        else
            (void)fprintf(out, "\\x%02x", c);
        if (is_c1 && is_utf8)
            (void)fprintf(out, "\\x%02x", (unsigned char)s.data[++i]);
    }
    if (end < s.len)
        (void)fputs("…", out);
}

void say_fields(FILE *out, const struct rule_match *match, const char *indent)
{
    for (size_t i = 0; i < match->n_fields; i++) {
        (void)fputs(indent, out);
        say_bytes(out, match->fields[i].name);
        (void)fputs(" = ", out);
        say_bytes(out, match->fields[i].value);
        (void)fputc('\n', out);
    }
}
