/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Output for a person: every byte of a log line may have been written by somebody who would like to write to
 * the terminal of whoever reads it (ECMA-48 section 5: control functions begin with C0 or C1 bytes), or to
 * show him another text than is there. So what is not seen as it is (util/utf8.h) is shown as \xNN for each
 * byte, and a backslash as well, so that the text can be read back.
 */
#include "cli/say.h"

#include "util/utf8.h"

void say_text(FILE *out, struct slice s)
{
    while (s.len > 0) {
        struct slice bytes;
        uint32_t code = utf8_take(&s, &bytes);

        if (utf8_is_plain(code) && code != '\\')
            (void)fwrite(bytes.data, 1, bytes.len, out);
        else
            for (size_t i = 0; i < bytes.len; i++)
                (void)fprintf(out, "\\x%02x", (unsigned)(unsigned char)bytes.data[i]);
    }
}

void say_bytes(FILE *out, struct slice s)
{
    size_t end = MIN(s.len, (size_t)SAY_MAX_BYTES);

    while (end > 0 && end < s.len && ((unsigned char)s.data[end] & 0xc0) == 0x80)
        end--; /* not within a character */
    say_text(out, slice_head(s, end));
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
